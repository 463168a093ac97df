//! Signing in: a link by mail, or an API key in exchange for a session.

use http::StatusCode;
use serde::Deserialize;
use tributary_api::hosts::Asked;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::session::{SignedIn, fresh, refuse_cross_site};
use tributary_api::sign_in::{address_digest, kept, pair_digest, source_digest, token, well_formed};
use tributary_api::{App, Call, Caller, Code, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::brand::Slug;
use tributary_domain::id::{AccountId, ActorId, EventId};
use tributary_domain::session::{Standing, TooOften};
use tributary_domain::text::Email;
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::principals::Member;
use tributary_store::sessions::By;
use tributary_store::sign_in::{AskedAt, LinkAsked, MOST_CHOICES, PortalName, is_within};

use crate::views::{Choice, ChooseAccount, LinkSent, SessionView};

/// The request for a link.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskLink {
    /// Where a member is reached.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Email))]
    pub email: Email,
    /// The portal that the link is to lead to; under a portal's own host that one, whatever stands here.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9-]{1,38}[a-z0-9]$"))]
    pub slug: Option<Slug>,
}

/// The request for a session: `token` or `api_key`.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BeginSession {
    /// The token of a link.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub token: Option<String>,
    /// The secret of an API key.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub api_key: Option<String>,
    /// With a token: which of the accounts that the address is a member of.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
}

impl std::fmt::Debug for BeginSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BeginSession({:?}, secrets hidden)", self.account_id)
    }
}

/// Has a link mailed, if the address is a member's. Answers alike whether it is.
///
/// # Errors
/// `csrf_failed` for a request of another site, `too_many_requests`, `validation_failed`.
pub async fn ask(call: Call) -> Result<Reply, Problem> {
    refuse_cross_site(call.headers())?;
    let request: AskLink = call.body()?;
    let app = &call.app;
    let portal = asked_at(&call, request.slug).await?;
    let event = EventId::from_uuid(app.uuid());
    let hash = kept(app, &token(app, &event));
    let digests = [pair_digest(app, &request.email, call.source()), source_digest(app, call.source()), address_digest(app, &request.email)];
    let asked = LinkAsked { email: &request.email, digests: digests.each_ref().map(String::as_str), hash: &hash, portal: portal.as_ref() };
    // Nobody is known yet: the platform does it.
    let act = Act { event, actor: ActorId::platform(), request: call.request_id.clone(), now: app.now() };
    match call.store().ask_link(&asked, &act).await? {
        Ok(()) => Reply::json(StatusCode::ACCEPTED, &LinkSent { sent: true }),
        Err(TooOften { retry_after_s }) => {
            let detail = "Links were asked for too often, for this address or from where you are. Wait, or use the newest mail.";
            Err(Problem::new(Code::TooManyRequests, detail).with("retry_after_s", retry_after_s))
        }
    }
}

/// The portal that is asked: that of the host, else that of the slug; `None` at the platform's own pages.
async fn asked_at(call: &Call, slug: Option<Slug>) -> Result<Option<AskedAt>, StoreError> {
    match (call.asked(), slug) {
        (Asked::Host(host), _) => {
            let of = call.store().account_with_host(&host).await?;
            Ok(Some(AskedAt { name: PortalName::Host(host), of }))
        }
        (Asked::Platform | Asked::Nowhere, Some(slug)) => {
            let of = call.store().account_with_slug(&slug).await?;
            Ok(Some(AskedAt { name: PortalName::Slug(slug), of }))
        }
        (Asked::Platform | Asked::Nowhere, None) => Ok(None),
    }
}

/// Begins a session, always a new one whatever cookie came along. An address that is a member of several accounts is asked which.
///
/// # Errors
/// `unauthorized`, alike for what is wrong, used and old; `csrf_failed` for a request of another site, `validation_failed`.
pub async fn begin(call: Call) -> Result<Reply, Problem> {
    refuse_cross_site(call.headers())?;
    let request: BeginSession = call.body()?;
    match (&request.token, &request.api_key, &request.account_id) {
        (Some(token), None, account_id) => by_link(&call, token, account_id.as_ref()).await,
        (None, Some(key), None) => {
            let (caller, app, standing) = Caller::of_key(&call.app, key, call.headers()).await?;
            let account = call.store().account(&caller.account_id).await?;
            begun(&call, &app, caller, standing, account, By::Key).await
        }
        (None, Some(_), Some(_)) => Err(Problem::field("/account_id", "goes with token: an API key is of one account")),
        (None, None, _) | (Some(_), Some(_), _) => Err(Problem::field("", "must have either token or api_key")),
    }
}

async fn by_link(call: &Call, token: &str, account_id: Option<&AccountId>) -> Result<Reply, Problem> {
    if !well_formed(token) {
        return Err(not_good());
    }
    let hash = kept(&call.app, token);
    let link = call.store().link(&hash, call.app.platform_now()).await?.ok_or_else(not_good)?;
    let counts = |account: &Account| {
        link.under.as_ref().is_none_or(|under| is_within(account, under)) && account_id.is_none_or(|id| id == &account.id)
    };
    let mut memberships = call.store().memberships(&link.email, counts, MOST_CHOICES).await?;
    if memberships.len() > 1 {
        let choose = memberships.into_iter().map(|(_, account)| Choice { account_id: account.id, name: account.name }).collect();
        return Reply::ok(&ChooseAccount { choose });
    }
    let (Member { account_id, id, .. }, account) = memberships.pop().ok_or_else(not_good)?;
    let standing = Standing::Member(account_id, id);
    let caller = Caller::of_credential(&call.app, &standing.to_string()).await?;
    let app = caller.time(&call.app).await?;
    begun(call, &app, caller, standing, account, By::Link(&hash)).await
}

async fn begun(call: &Call, app: &App, caller: Caller, standing: Standing, account: Account, by: By<'_>) -> Result<Reply, Problem> {
    let (kept, cookie) = fresh(app, caller.actor.clone(), standing, call.headers())?;
    let event = EventId::from_uuid(app.uuid());
    let act = Act { event, actor: caller.actor.clone(), request: call.request_id.clone(), now: app.now() };
    if !call.store().begin_session(&kept, &account.id, by, &act).await? {
        return Err(not_good());
    }
    let signed_in = SignedIn { session: kept.session, csrf_token: cookie.csrf_token(app) };
    let view = SessionView::of(app, &caller, &signed_in, account);
    Ok(Reply::created(&view)?.location("/portal/session").header("set-cookie", &cookie.set_cookie(app)))
}

/// One answer for a link that is wrong, used or old, and for one whose owner is no member any more.
fn not_good() -> Problem {
    Problem::new(
        Code::Unauthorized,
        "This does not sign you in, or no longer: a link is good once, for fifteen minutes. Ask for a new one.",
    )
}
