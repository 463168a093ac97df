//! `DELETE /reseller/accounts/{id}`, `POST …/reactivate`, `POST …/close`.

use serde::Deserialize;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::StatusChange;
use tributary_domain::id::TransferId;
use tributary_domain::rights::Right;
use tributary_store::account_states::Closing;
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;

use crate::views::AccountView;

/// The request to close an account.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloseAccount {
    /// Send what is available to the parent first.
    #[serde(default)]
    pub sweep_to_parent: bool,
}

/// Suspends an account: from the answer on, nothing in its subtree spends.
///
/// # Errors
/// `not_found`, `forbidden` (also for the caller's own account), `account_closed`.
pub async fn suspend(call: Call) -> Result<Reply, Problem> {
    set(call, StatusChange::Suspend).await
}

/// Reactivates a suspended account.
///
/// # Errors
/// As [`suspend`].
pub async fn reactivate(call: Call) -> Result<Reply, Problem> {
    set(call, StatusChange::Reactivate).await
}

async fn set(call: Call, change: StatusChange) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    call.no_body()?;
    let may = caller.from_above(Right::AccountsSuspend);
    let account = call.store().set_status(&call.id("id")?, change, call.if_match()?, Authority { home, may: &may }, &call.act()?).await?;
    Ok(Reply::ok(&AccountView::read(&call.app, &account, home).await?)?.etag(account.version))
}

/// Closes an account for good.
///
/// # Errors
/// `account_has_credit`, `account_has_children`, `account_closed`, `not_found`, `forbidden`, `idempotency_key_missing`.
pub async fn close(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.required_scope()?;
    let request: CloseAccount = call.body_or_default()?;
    let may = caller.from_above(Right::AccountsClose);
    let sweep = request.sweep_to_parent.then(|| TransferId::from_uuid(call.app.uuid()));
    let closing = Closing { sweep, expected: call.if_match()? };
    let outcome = call.store().close_account(&call.id("id")?, &closing, Authority { home, may: &may }, &call.act()?, &scope).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let account = outcome.into_inner();
    Ok(Reply::ok(&AccountView::read(&call.app, &account, home).await?)?.etag(account.version).replayed(replayed))
}
