//! `POST /reseller/credits/transfers/{id}/reverse`.

use std::collections::BTreeSet;

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_domain::transfer::Transfer;
use tributary_store::error::StoreError;

use crate::moving::{commit, refuse_lacking, request};
use crate::views::AnyTransferView;

/// The request to send a transfer back.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReverseTransfer))]
pub struct Reverse {
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

/// Sends a transfer back to where it came from, once and whole. Needs the right over every account in it; an issue is
/// reversed by the operator only.
///
/// # Errors
/// `already_reversed`, `conflict` for a kind that cannot be reversed, `insufficient_credits` if it was spent meanwhile, and
/// as [`commit`].
pub async fn reverse(call: Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let scope = call.required_scope()?;
    let body: Reverse = call.body_or_default()?;
    let original = match call.store().find_transfer(&call.id("id")?).await {
        Ok((original, _)) => original,
        // The index may lag behind a transfer made just now; what was done once is known without it.
        Err(absent @ StoreError::Denied(_)) => {
            let (first, own): (Transfer, bool) = call.store().first_answer_and_whose(&scope).await?.ok_or(absent)?;
            if !own {
                refuse_lacking(&call, &ledgers_of(&first), &caller.over_heads(Right::CreditsReverse)).await?;
            }
            return Ok(Reply::created(&AnyTransferView::one(&first))?.replayed(true));
        }
        Err(error) => return Err(error.into()),
    };
    let (reverse, issue) = (caller.over_heads(Right::CreditsReverse), caller.over_heads(Right::CreditsIssue));
    let unissues = original.kind == EntryKind::Issue;
    let may_i = move |heads: &_| {
        reverse(heads)?;
        if unissues { issue(heads) } else { Ok(()) }
    };
    let request = match call.store().reversal_of(&original, request(&call, EntryKind::Reversal, Vec::new(), body.reference)?) {
        Ok(request) => request,
        Err(refusal) => {
            // Whose transfer it is comes before what kind it is.
            may_i(&call.store().current_heads(&ledgers_of(&original)).await?)?;
            return Err(refusal.into());
        }
    };
    commit(&call, &request, &scope, &may_i, AnyTransferView::one).await
}

/// Both ends of every leg.
fn ledgers_of(transfer: &Transfer) -> BTreeSet<LedgerId> {
    transfer.legs.iter().flat_map(|leg| [leg.from.clone(), leg.to.clone()]).collect()
}
