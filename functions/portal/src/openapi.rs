//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::Health;
use crate::brand::PortalBrand;
use crate::sign_in::{AskLink, BeginSession};
use crate::views::{ChooseAccount, LinkSent, ListedView, SessionView, SignedOut};

/// What a request that needs nobody's credential, and changes something, can be refused for.
const OPEN: [Code; 9] = [
    Code::CsrfFailed,
    Code::ValidationFailed,
    Code::UnknownField,
    Code::InvalidJson,
    Code::UnsupportedMediaType,
    Code::BodyTooLarge,
    Code::Internal,
    Code::Busy,
    Code::OutcomeUnknown,
];

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new("portal_page", "Platform", "A page for people."),
        Described::new("error_index", "Platform", "The list of errors, for people."),
        Described::new("error_page", "Platform", "An error's page, for people: what a problem's `type` opens.").refuses(&[Code::NotFound]),
        Described::new(
            "ask_sign_in_link",
            "Sessions",
            "Has a link to sign in mailed, if the address is a member's: good once, for fifteen minutes. Whether it is one is not told, nor when more than \
             five mails an hour are asked for.",
        )
        .takes::<AskLink>()
        .answers_accepted::<LinkSent>("If the address is known, a mail is on its way.")
        .refuses(&[Code::TooManyRequests])
        .refuses(&OPEN),
        Described::new(
            "begin_session",
            "Sessions",
            "Signs in by a link's `token` or an `api_key`, and sets the session's cookie. Who is a member of several accounts is asked which first; the \
             link stays good for that.",
        )
        .takes::<BeginSession>()
        .creates::<SessionView>("The session. Its cookie is in `Set-Cookie`.")
        .or_answers::<ChooseAccount>("The address is a member of several accounts: ask again with the `account_id` of one.")
        .refuses(&[Code::Unauthorized])
        .refuses(&OPEN),
        Described::new("get_session", "Sessions", "Who is signed in, at which account, and with which rights there at this moment.")
            .answers::<SessionView>("The session."),
        Described::new("end_session", "Sessions", "Signs out. The session is over at once, whoever holds its cookie.")
            .answers::<SignedOut>("It is over; `Set-Cookie` takes the cookie back."),
        Described::new("list_sessions", "Sessions", "Where the same key or member is signed in, the newest first.")
            .paged()
            .answers::<PageView<ListedView>>("A page of sessions."),
        Described::new("end_sessions", "Sessions", "Signs out everywhere: all sessions of the same key or member are over, this one too.")
            .answers::<SignedOut>("They are over."),
        Described::new(
            "portal_brand",
            "Platform",
            "What a white-label portal shows before anybody has signed in: of the slug, or of the host that was asked. Kept for a minute.",
        )
        .query::<wire::Slug>("slug", "Which portal; without it, that of the host.")
        .answers::<PortalBrand>("The brand.")
        .refuses(&[Code::NotFound]),
        Described::new(
            "portal_logo",
            "Platform",
            "A logo as PNG, to whoever asks for a picture first in `Accept`; to others a redirect to the bytes, for some minutes.",
        )
        .answers_picture("The logo.")
        .refuses(&[Code::NotFound, Code::Busy]),
        Described::new("health", "Platform", "Answers when the function runs and the table answers it.")
            .answers::<Health>("All is well.")
            .refuses(&[Code::Internal, Code::Busy, Code::OutcomeUnknown]),
    ]
}
