//! `POST /reseller/credits/issue`: the one way credit comes into being.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Book, EntryKind, LedgerId};
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_domain::transfer::Leg;

use crate::moving::{commit, request};
use crate::views::AnyTransferView;

/// The request to bring credit into being.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = IssueCredits))]
pub struct Issue {
    /// Who receives it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

/// Brings credit into being. Operator only.
///
/// # Errors
/// `forbidden` for everyone else, `not_found`, `account_closed`, `idempotency_key_missing`, `idempotency_key_reused`.
pub async fn issue(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: Issue = call.body()?;
    let may_i = caller.over_heads(Right::CreditsIssue);
    let to = LedgerId::Account(body.account_id.clone());
    let head = call.store().head(&to).await?;
    let from = LedgerId::system(Book::Issued, head.currency, &body.account_id);
    let request = request(&call, EntryKind::Issue, vec![Leg { from, to, amount: body.amount }], body.reference)?;
    commit(&call, &request, &scope, &may_i, AnyTransferView::one).await
}
