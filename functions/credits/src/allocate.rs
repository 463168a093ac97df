//! `POST /reseller/credits/allocate`: credit down the tree.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_domain::transfer::Leg;

use crate::moving::{commit, request};
use crate::views::AnyTransferView;

/// The request to move credit down the tree.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AllocateCredits))]
pub struct Allocate {
    /// Who receives it; below `from`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
    /// Who gives it; the caller's account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub from: Option<AccountId>,
}

/// Moves credit down the tree.
///
/// # Errors
/// As [`commit`].
pub async fn allocate(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: Allocate = call.body()?;
    let may_i = caller.over_heads(Right::CreditsAllocate);
    let from = LedgerId::Account(body.from.unwrap_or_else(|| caller.account_id.clone()));
    let leg = Leg { from, to: LedgerId::Account(body.account_id), amount: body.amount };
    let request = request(&call, EntryKind::Allocation, vec![leg], body.reference)?;
    commit(&call, &request, &scope, &may_i, AnyTransferView::one).await
}
