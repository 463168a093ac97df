//! `POST /reseller/accounts/{id}/move`.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;

use crate::views::AccountView;

/// The request to move an account.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveAccount {
    /// The new parent, in the caller's subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub parent_id: AccountId,
}

/// Moves an account, and everything below it, under another parent.
///
/// # Errors
/// `cycle`, `too_deep`, `parent_is_customer`, `currency_mismatch`, `account_exists`, `account_suspended`, `not_found`,
/// `forbidden`.
pub async fn relocate(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let request: MoveAccount = call.body()?;
    let (from_above, create) = (caller.from_above(Right::AccountsMove), caller.over(Right::AccountsMove));
    let (from, to) = (Authority { home, may: &from_above }, Authority { home, may: &create });
    let keeps = |id: &AccountId, old: &Lineage, new: &Lineage| {
        let gained: Vec<Right> = caller.grants.rights_at(id, new).difference(&caller.grants.rights_at(id, old)).copied().collect();
        if gained.is_empty() { Ok(()) } else { Err(StoreError::GrantsTooMuch(gained)) }
    };
    let account = call.store().move_account(&call.id("id")?, &request.parent_id, from, to, &keeps, call.if_match()?, &call.act()?).await?;
    Ok(Reply::ok(&AccountView::read(&call.app, &account, home).await?)?.etag(account.version))
}
