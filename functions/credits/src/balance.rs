//! `GET /reseller/credits/balance`.

use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{CreditError, Head, LedgerId};
use tributary_domain::rights::Right;
use tributary_store::error::{Denied, StoreError};

use crate::views::{BalanceView, SubtreeBalanceView};

/// The head of an account's ledger, if the caller may see it: one read.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn visible_head(call: &Call, id: &AccountId) -> Result<Head, Problem> {
    let may = call.caller()?.over(Right::CreditsRead);
    let mut head = call.store().head(&LedgerId::Account(id.clone())).await?;
    match may(id, &head.lineage) {
        Ok(()) => Ok(head),
        Err(Denied::Absent) => {
            head.lineage = call.store().resolved_lineage(&head.lineage).await?;
            may(id, &head.lineage)?;
            Ok(head)
        }
        Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
    }
}

/// An account's balance: one read. With `subtree`, the sums of everything below it too.
///
/// # Errors
/// `not_found`, `forbidden`, `limit_reached` for a subtree too large to sum up on request.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let subtree = params.flag("subtree")?;
    params.done()?;
    let head = visible_head(&call, &id).await?;
    let subtree = match subtree {
        true => Some(sums(&call, &id, &head).await?),
        false => None,
    };
    Reply::ok(&BalanceView {
        account_id: id,
        currency: head.currency,
        available: head.available,
        held: head.held,
        credit_limit: head.credit_limit,
        spendable: head.spendable().map_err(|overflow| StoreError::Credit(CreditError::from(overflow)))?,
        subtree,
    })
}

async fn sums(call: &Call, id: &AccountId, head: &Head) -> Result<SubtreeBalanceView, Problem> {
    let may = call.caller()?.over(Right::CreditsRead);
    let counts = |account: &Account| may(&account.id, &account.lineage).is_ok();
    let sum = call.store().subtree_sum(id, &head.lineage, counts).await?;
    Ok(SubtreeBalanceView { accounts: sum.accounts, available: sum.available, held: sum.held })
}
