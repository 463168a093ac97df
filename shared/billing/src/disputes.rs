//! Disputes across the levels, and chargebacks, which banks open through the processor.

use tributary_domain::billing::dispute::{Dispute, DisputeReason, Origin, Resolution, Statement};
use tributary_domain::billing::payment::{ChargebackState, Payment};
use tributary_domain::id::{AccountId, DisputeId};
use tributary_domain::text::Reference;
use tributary_runtime::payments::webhook::{Chargeback, ChargebackStatus};
use tributary_store::disputes::{ChargedBack, Ending};
use tributary_store::idempotency::{Outcome, Scope};

use crate::notes::{follow, note};
use crate::{BillingError, Desk, micros};

/// What a dispute is ended with, beside how.
#[derive(Debug, Clone)]
pub struct Resolving {
    /// How.
    pub resolution: Resolution,
    /// How what was paid is given back.
    pub given_as: tributary_domain::billing::credit_note::GivenAs,
    /// Why, for the credit note.
    pub reason: Reference,
    /// The seller disputes its own share in turn.
    pub pass_up: bool,
}

/// Brings a dispute to its end. Where it is passed up and the caller may resolve there too (`may`, asked for each seller further up), that is accepted at
/// once, and so on.
///
/// # Errors
/// [`BillingError::Store`]; what was resolved further down stays so.
pub async fn resolve(
    desk: &Desk,
    id: &DisputeId,
    resolving: &Resolving,
    scope: Option<&Scope>,
    may: &(dyn Fn(&AccountId) -> bool + Sync),
) -> Result<Outcome<Dispute>, BillingError> {
    let ending = Ending {
        resolution: resolving.resolution.clone(),
        note: note(desk, resolving.given_as, &resolving.reason),
        pass_up: resolving.pass_up.then(|| DisputeId::from_uuid(desk.app.uuid())),
    };
    let outcome = desk.store().resolve_dispute(id, &ending, scope, &|| desk.act()).await?;
    let done = match &outcome {
        Outcome::Done(dispute) | Outcome::Replayed(dispute) => dispute.clone(),
    };
    follow(desk, &done.invoice_id).await?;
    let mut below = done;
    while let Some(above) = below.passed_up_as.clone() {
        let dispute = desk.store().dispute(&above).await?;
        if !dispute.state.is_open() || !may(&dispute.seller_id) {
            break;
        }
        let ending = Ending {
            resolution: Resolution::AcceptAll,
            note: note(desk, resolving.given_as, &resolving.reason),
            pass_up: Some(DisputeId::from_uuid(desk.app.uuid())),
        };
        below = desk.store().resolve_dispute(&above, &ending, None, &|| desk.act()).await?.into_inner();
        follow(desk, &below.invoice_id).await?;
    }
    Ok(outcome)
}

/// Takes in a chargeback, in whatever order its events come: what is older than what is known changes nothing.
pub(crate) async fn charged_back(desk: &Desk, payment: &Payment, told: &Chargeback) -> Result<(), BillingError> {
    let state = match told.status {
        ChargebackStatus::WarningNeedsResponse | ChargebackStatus::WarningUnderReview => ChargebackState::Inquiry,
        ChargebackStatus::NeedsResponse | ChargebackStatus::UnderReview => ChargebackState::Taken,
        ChargebackStatus::Won | ChargebackStatus::WarningClosed | ChargebackStatus::Prevented => ChargebackState::Won,
        ChargebackStatus::Lost => ChargebackState::Lost,
    };
    let known = payment.chargebacks.iter().find(|known| known.processor_id == told.id);
    let words = format!("The payer's bank: {}", told.reason.replace('_', " "));
    let seen = ChargedBack {
        processor_id: told.id.clone(),
        amount: micros(told.amount)?,
        state,
        reason: reason_of(&told.reason),
        words: Statement::parse(&words).map_err(|_| BillingError::Credentials("the bank's reason does not read".to_owned()))?,
    };
    if state != ChargebackState::Won || known.is_none() {
        let dispute = DisputeId::from_uuid(desk.app.uuid());
        desk.store().open_chargeback(&payment.id, &seen, &dispute, &|| desk.act()).await?;
    }
    if matches!(state, ChargebackState::Won | ChargebackState::Lost) {
        let reason = Reference::parse("Charged back").map_err(|error| BillingError::Credentials(error.to_string()))?;
        let note = note(desk, tributary_domain::billing::credit_note::GivenAs::Outside, &reason);
        desk.store().close_chargeback(&payment.id, &told.id, state == ChargebackState::Won, &note, &|| desk.act()).await?;
    }
    Ok(())
}

fn reason_of(bank: &str) -> DisputeReason {
    match bank {
        "fraudulent" | "unrecognized" => DisputeReason::Fraudulent,
        "duplicate" => DisputeReason::Duplicate,
        "product_not_received" | "product_unacceptable" => DisputeReason::Quality,
        _ => DisputeReason::Other,
    }
}

/// Whether a dispute was opened by a bank: its end is the bank's to say.
pub fn is_banks(dispute: &Dispute) -> bool {
    matches!(dispute.origin, Origin::Chargeback { .. })
}
