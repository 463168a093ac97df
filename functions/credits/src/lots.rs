//! `GET /reseller/credits/lots`: which of an account's credit expires, and when.

use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::CreditError;
use tributary_store::error::StoreError;

use crate::balance::visible_head;
use crate::views::{LotView, LotsView};

/// An account's lots in the order in which they are spent: one read.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    params.done()?;
    let head = visible_head(&call, &id).await?;
    let overflow = |overflow| StoreError::Credit(CreditError::from(overflow));
    let expiring = head.lots.total().map_err(overflow)?;
    let lasting = head.available.plus(head.held).and_then(|all| all.minus(expiring)).map_err(overflow)?;
    let lots = head.lots.all().iter().map(|lot| LotView { id: lot.id.clone(), left: lot.left, expires_at: lot.expires_at });
    Reply::ok(&LotsView { lots: lots.collect(), account_id: id, currency: head.currency, expiring, lasting, held: head.held })
}
