//! Money that goes back to cards: written down with what it is for, asked for afterwards, and looked up where no answer came.

use jiff::SignedDuration;
use tributary_domain::billing::payment::{Payment, Refund, RefundState};
use tributary_domain::id::PaymentId;
use tributary_runtime::payments::{Metadata, NewRefund, PaymentError, Refund as AtProcessor, RefundStatus};
use tributary_store::error::StoreError;

use crate::processors::Counter;
use crate::{BillingError, Desk, collect, money};

/// For how long a refund is asked for under its key without being looked for first, in minutes.
const YOUNG_MIN: i64 = 1;

/// Asks for every refund of a payment that is to be asked for or is on its way. Safe to repeat, to kill and to overlap.
///
/// # Errors
/// [`BillingError::Store`]. What a processor cannot do is tried later.
pub async fn settle(desk: &Desk, id: &PaymentId) -> Result<Payment, BillingError> {
    let mut payment = desk.store().payment(id).await?;
    let open: Vec<Refund> =
        payment.refunds.iter().filter(|refund| matches!(refund.state, RefundState::Sent | RefundState::Pending)).cloned().collect();
    if open.is_empty() {
        return Ok(payment);
    }
    let counter = match desk.counter(&payment.seller_id).await {
        Ok(counter) => Some(counter),
        Err(BillingError::NoCards | BillingError::Credentials(_)) => None,
        Err(error) => return Err(error),
    };
    for refund in open {
        let asked = match &counter {
            Some(counter) => ask(desk, counter, &payment, &refund).await.map_err(Some),
            None => Err(None),
        };
        let (state, processor_id) = match asked {
            Ok(found) => (state_of(&found), Some(found.id)),
            // The seller's processor was taken away, or is another account: it may come back.
            Err(error) if error.as_ref().is_none_or(PaymentError::is_absent) => {
                tracing::warn!(request_id = desk.run.as_str(), payment_id = %id, "the processor of a refund is out of reach");
                (if collect::is_old(desk, refund.created_at) { RefundState::Failed } else { refund.state }, None)
            }
            Err(Some(error @ (PaymentError::Invalid(_) | PaymentError::Declined(_) | PaymentError::ActionRequired(_)))) => {
                tracing::error!(request_id = desk.run.as_str(), payment_id = %id, %error, "a refund was refused");
                (RefundState::Failed, None)
            }
            Err(error) => {
                tracing::warn!(request_id = desk.run.as_str(), payment_id = %id, ?error, "a refund is asked for later");
                (refund.state, None)
            }
        };
        payment = desk.store().hear_refund(id, &refund.id, state, processor_id.as_deref(), &|| desk.act()).await?;
    }
    Ok(payment)
}

/// Asks again for each refund of a payment that failed, for the same cause; each once, however often this is called.
///
/// # Errors
/// As [`tributary_store::Store::repeat_refund`], but of one that somebody else has asked for again. What a processor cannot do is tried later.
pub async fn retry(desk: &Desk, id: &PaymentId) -> Result<Payment, BillingError> {
    let payment = desk.store().payment(id).await?;
    for refund in payment.failed_refunds() {
        match desk.store().repeat_refund(id, &refund.id, None, &|| desk.act()).await {
            Ok(_) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    settle(desk, id).await
}

/// Takes in a refund that the processor tells of, by its present state.
pub(crate) async fn told(desk: &Desk, payment: &Payment, refund: &AtProcessor) -> Result<(), BillingError> {
    let own = refund.metadata.get(tributary_runtime::payments::REFUND_ID);
    if let Some(own) = own.filter(|own| payment.refunds.iter().any(|known| &known.id == *own)) {
        desk.store().hear_refund(&payment.id, own, state_of(refund), Some(&refund.id), &|| desk.act()).await?;
    }
    Ok(())
}

async fn ask(desk: &Desk, counter: &Counter, payment: &Payment, refund: &Refund) -> Result<AtProcessor, PaymentError> {
    if let Some(known) = &refund.processor_id {
        return counter.processor.get_refund(known).await;
    }
    let at = payment.processor_id.as_deref().unwrap_or_default();
    // One that may have been asked for before may have been made, and its key be forgotten.
    let young = refund.created_at.checked_add(SignedDuration::from_mins(YOUNG_MIN)).unwrap_or(refund.created_at);
    if desk.now() >= young
        && let Some(found) = counter.processor.find_refund(at, &refund.id).await?
    {
        return Ok(found);
    }
    let (amount, metadata) = (money(refund.amount, payment.currency), Metadata::new());
    let new = NewRefund { payment: at, amount, refund_id: &refund.id, metadata: &metadata, idempotency_key: &refund.id };
    match counter.processor.refund(&new).await {
        Err(refused @ PaymentError::Invalid(_)) => match counter.processor.find_refund(at, &refund.id).await? {
            Some(found) => Ok(found),
            None => Err(refused),
        },
        other => other,
    }
}

fn state_of(refund: &AtProcessor) -> RefundState {
    match refund.status {
        RefundStatus::Pending | RefundStatus::RequiresAction => RefundState::Pending,
        RefundStatus::Succeeded => RefundState::Succeeded,
        RefundStatus::Failed | RefundStatus::Canceled => RefundState::Failed,
    }
}
