//! `POST /reseller/credits/transfer`, `POST /reseller/credits/transfers`, `GET /reseller/credits/transfers/{id}`.

use std::collections::BTreeSet;

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_domain::transfer::{Leg, MAX_LEGS};
use tributary_store::error::Denied;

use crate::moving::{commit, request};
use crate::views::{AnyTransferView, FoundTransferView};

/// The request to move credit between two accounts.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TransferCredits))]
pub struct TransferBody {
    /// Who gives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub from: AccountId,
    /// Who receives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub to: AccountId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

/// One leg of several.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewLeg))]
pub struct LegBody {
    /// Who gives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub from: AccountId,
    /// Who receives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub to: AccountId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
}

/// The request to move credit in several legs.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TransferCreditsInLegs))]
pub struct LegsBody {
    /// 1 to 40 legs, done in this order, all or none.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 40))]
    pub legs: Vec<LegBody>,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

fn leg(from: AccountId, to: AccountId, amount: Amount) -> Leg {
    Leg { from: LedgerId::Account(from), to: LedgerId::Account(to), amount }
}

/// Moves credit between two accounts of the caller's subtree.
///
/// # Errors
/// As [`commit`].
pub async fn transfer(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: TransferBody = call.body()?;
    let may_i = caller.over_heads(Right::CreditsTransfer);
    let request = request(&call, EntryKind::Transfer, vec![leg(body.from, body.to, body.amount)], body.reference)?;
    commit(&call, &request, &scope, &may_i, AnyTransferView::one).await
}

/// Moves credit in several legs, all or none.
///
/// # Errors
/// As [`commit`]; `too_many_branches`.
pub async fn legs(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: LegsBody = call.body()?;
    if body.legs.is_empty() || body.legs.len() > MAX_LEGS {
        return Err(Problem::field("/legs", format!("must have 1 to {MAX_LEGS} legs; this has {}", body.legs.len())));
    }
    let may_i = caller.over_heads(Right::CreditsTransfer);
    let legs = body.legs.into_iter().map(|one| leg(one.from, one.to, one.amount)).collect();
    let request = request(&call, EntryKind::Transfer, legs, body.reference)?;
    commit(&call, &request, &scope, &may_i, AnyTransferView::legs).await
}

/// A transfer that touches an account the caller may see; of the others in it, neither legs nor balances are shown.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let (mut transfer, reversed_by) = call.store().find_transfer(&call.id("id")?).await?;
    let ids: BTreeSet<AccountId> = transfer.legs.iter().flat_map(|leg| [leg.from.account(), leg.to.account()]).flatten().cloned().collect();
    let ids: Vec<AccountId> = ids.into_iter().collect();
    let may = call.caller()?.over(Right::CreditsRead);
    let (mut seen, mut refusal) = (BTreeSet::new(), Denied::Absent);
    for account in call.store().accounts(&ids).await? {
        match may(&account.id, &account.lineage) {
            Ok(()) => drop(seen.insert(account.id)),
            Err(Denied::Absent) => {}
            Err(lacks @ Denied::Lacks(_)) => refusal = lacks,
        }
    }
    if seen.is_empty() {
        return Err(refusal.into());
    }
    let visible = |ledger: &LedgerId| ledger.account().is_some_and(|id| seen.contains(id));
    transfer.legs.retain(|leg| visible(&leg.from) || visible(&leg.to));
    Reply::ok(&FoundTransferView { transfer: AnyTransferView::seen(&transfer, &visible), reversed_by })
}
