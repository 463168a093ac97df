//! `GET /reseller/alerts/{id}/history`.

use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_store::table::Position;

use crate::rules::{owner, rule, seen};
use crate::views::TurnView;

/// When a rule fired and was resolved, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let rule = rule(&call, &owner(&call, id).await?).await?;
    let (lines, next) = call.store().alert_history(&rule.id, limit, start).await?;
    let seen = seen(&call, lines.iter().map(|line| &line.watched_id)).await?;
    let shown = lines.into_iter().filter(|line| seen.contains_key(&line.watched_id)).map(|line| TurnView {
        event_id: line.event_id,
        turn: line.turn,
        account_id: line.watched_id,
        value: line.value,
        threshold: line.threshold,
        at: line.at,
    });
    Reply::ok(&PageView { data: shown.collect(), next_cursor: scope.seal(&call.app, next.as_ref())? })
}
