//! What every movement of credit does alike: build the request, commit it, answer.

use std::collections::BTreeSet;

use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::TransferId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::text::Reference;
use tributary_domain::transfer::{Leg, TransferRequest};
use tributary_store::error::Denied;
use tributary_store::idempotency::{Outcome, Scope};
use tributary_store::transfers::MayI;

use crate::views::AnyTransferView;

/// A transfer under the caller's authority.
///
/// # Errors
/// None on routes with a caller.
pub fn request(call: &Call, kind: EntryKind, legs: Vec<Leg>, reference: Option<Reference>) -> Result<TransferRequest, Problem> {
    Ok(TransferRequest {
        id: TransferId::from_uuid(call.app.uuid()),
        kind,
        legs,
        reference,
        reverses: None,
        purchase: None,
        authority: call.home()?.clone(),
        now: call.app.now(),
    })
}

/// Refuses a caller who lacks the right over these ledgers now. For a first answer that is found before rights are asked
/// about, and that another credential asked for.
///
/// # Errors
/// `forbidden`.
pub async fn refuse_lacking(call: &Call, ledgers: &BTreeSet<LedgerId>, may_i: MayI<'_>) -> Result<(), Problem> {
    match may_i(&call.store().current_heads(ledgers).await?) {
        Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
        // An account that was moved away since was the caller's when it was done.
        Err(Denied::Absent) | Ok(()) => Ok(()),
    }
}

/// Commits and answers 201 with the transfer; `show` says in which form.
///
/// # Errors
/// `insufficient_credits`, `account_suspended`, `account_closed`, `currency_mismatch`, `same_account`, `not_below`,
/// `idempotency_key_reused`, `not_found`, `forbidden`, `busy`, `outcome_unknown`.
pub async fn commit(
    call: &Call,
    request: &TransferRequest,
    scope: &Scope,
    may_i: MayI<'_>,
    show: fn(&tributary_domain::transfer::Transfer) -> AnyTransferView,
) -> Result<Reply, Problem> {
    let outcome = call.store().transfer(request, scope, &call.act()?.event, may_i).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let transfer = outcome.into_inner();
    let location = format!("/reseller/credits/transfers/{}", transfer.id);
    Ok(Reply::created(&show(&transfer))?.location(&location).replayed(replayed))
}
