//! `GET /reseller/accounts/{id}`.

use tributary_api::{Call, Problem, Reply};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;

use crate::views::AccountView;

/// Gets an account.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    call.params()?.done()?;
    let may = caller.over(Right::AccountsRead);
    let account = call.store().account_for(&call.id("id")?, Authority { home, may: &may }).await?;
    Ok(Reply::ok(&AccountView::read(&call.app, &account, home).await?)?.etag(account.version))
}
