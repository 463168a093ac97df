//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};

use crate::Health;
use crate::brand::PortalBrand;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new("portal_page", "Platform", "A page for people."),
        Described::new("error_index", "Platform", "The list of errors, for people."),
        Described::new("error_page", "Platform", "An error's page, for people: what a problem's `type` opens.").refuses(&[Code::NotFound]),
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
