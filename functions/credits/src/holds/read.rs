//! `GET /reseller/credits/holds`, `GET /reseller/credits/holds/{id}`.

use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::hold::HoldStatus;
use tributary_domain::id::AccountId;
use tributary_store::table::Position;

use crate::balance::visible_head;
use crate::views::HoldView;

/// Gets a hold.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let hold = call.store().hold(&call.id("id")?).await?;
    visible_head(&call, &hold.account_id).await?;
    Reply::ok(&HoldView::of(&hold, None))
}

/// Lists an account's holds, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let status = params.word::<HoldStatus>("status")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    visible_head(&call, &id).await?;
    let (holds, next) = call.store().holds(&id, status, limit, start).await?;
    let data = holds.iter().map(|hold| HoldView::of(hold, None)).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}
