//! The sessions of who is signed in: look, list, end.

use tributary_api::reply::PageView;
use tributary_api::session::cleared_cookie;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::EventId;
use tributary_store::events::Act;
use tributary_store::table::Position;

use crate::views::{ListedView, SessionView, SignedOut};

/// Who is signed in, where, and with which rights at this moment.
///
/// # Errors
/// `unauthorized` without a session.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let caller = call.caller()?;
    let account = call.store().account(&caller.account_id).await?;
    Reply::ok(&SessionView::of(&call.app, caller, caller.signed_in()?, account))
}

/// Lists the sessions of the same key or member, the newest first.
///
/// # Errors
/// `unauthorized`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.own_cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let caller = call.caller()?;
    let current = &caller.signed_in()?.session.id;
    let (sessions, next) = call.store().sessions(&caller.actor, call.app.platform_now(), limit, start).await?;
    let data = sessions.iter().map(|session| ListedView::of(session, current)).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Signs out: the session is over at once, and its cookie is taken back.
///
/// # Errors
/// `unauthorized`, `csrf_failed`.
pub async fn end(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let caller = call.caller()?;
    call.store().end_session(&caller.signed_in()?.session, &caller.account_id, &call.act()?).await?;
    signed_out(&call, 1)
}

/// Signs out everywhere: every session of the same key or member is over, this one too.
///
/// # Errors
/// `unauthorized`, `csrf_failed`.
pub async fn end_all(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let (caller, act) = (call.caller()?, call.act()?);
    let next = || Act { event: EventId::from_uuid(call.app.uuid()), ..act.clone() };
    let ended = call.store().end_sessions(&caller.actor, &caller.account_id, call.app.platform_now(), next).await?;
    signed_out(&call, ended)
}

fn signed_out(call: &Call, signed_out: usize) -> Result<Reply, Problem> {
    Ok(Reply::ok(&SignedOut { signed_out })?.header("set-cookie", &cleared_cookie(&call.app)))
}
