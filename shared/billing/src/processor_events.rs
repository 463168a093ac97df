//! What processors tell of their own accord. An event is a bell: what it is about is asked for, and its present state counts, so that events may come twice,
//! late and in any order. Chargebacks cannot be asked for: of them the furthest that was told counts.

use tributary_domain::billing::payment::{DeclineKind, Payment, PaymentState};
use tributary_domain::id::{AccountId, PaymentId};
use tributary_runtime::payments::webhook::Told;
use tributary_runtime::payments::{Payment as AtProcessor, PaymentMethod};
use tributary_store::error::{Denied, StoreError};
use tributary_store::payments::Heard;

use crate::processors::Counter;
use crate::{BillingError, Desk, cards, collect, disputes, money, refunds};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was looked into.
    Done,
    /// It is about nothing of the platform's.
    NotOurs,
}

/// Takes an event of a seller's processor: `body` and `signature` as they came. To be answered well unless this is an error; then it comes again.
///
/// # Errors
/// [`BillingError::Webhook`] of one that is forged, changed or stale; [`BillingError::NoCards`]; everything else: it must come again.
pub async fn take(desk: &Desk, seller: &AccountId, body: &[u8], signature: &str) -> Result<Taken, BillingError> {
    let counter = desk.counter(seller).await?;
    let event = counter.processor.verify_webhook(body, signature, &counter.webhook_secret, desk.now())?;
    match event.told {
        Told::PaymentSucceeded(payment)
        | Told::PaymentFailed(payment)
        | Told::PaymentActionRequired(payment)
        | Told::PaymentProcessing(payment)
        | Told::PaymentCanceled(payment) => payment_told(desk, &counter, seller, &payment.id).await,
        Told::SetupSucceeded(setup) => {
            let setup = counter.processor.get_setup_intent(&setup.id).await?;
            cards::added(desk, seller, &setup).await.map(|()| Taken::Done)
        }
        Told::MethodDetached { payment_method, customer } => detached(desk, &counter, seller, &payment_method, customer.as_deref()).await,
        // The refund itself is told, too.
        Told::Refunded(_) => Ok(Taken::Done),
        Told::RefundUpdated(refund) => {
            let refund = counter.processor.get_refund(&refund.id).await?;
            let Some(payment) = ours(desk, &counter, seller, refund.payment.as_deref()).await? else { return Ok(Taken::NotOurs) };
            refunds::told(desk, &payment, &refund).await.map(|()| Taken::Done)
        }
        Told::DisputeOpened(chargeback) | Told::DisputeUpdated(chargeback) | Told::DisputeClosed(chargeback) => {
            let Some(payment) = ours(desk, &counter, seller, chargeback.payment.as_deref()).await? else { return Ok(Taken::NotOurs) };
            // It may come before the payment is known to have succeeded.
            if let Some(named) = &chargeback.payment {
                payment_told(desk, &counter, seller, named).await?;
            }
            let payment = desk.store().payment(&payment.id).await?;
            disputes::charged_back(desk, &payment, &chargeback).await?;
            after(desk, &payment).await
        }
        Told::Ignored { kind } => {
            tracing::debug!(request_id = desk.run.as_str(), kind, "an event of a processor is not for us");
            Ok(Taken::NotOurs)
        }
    }
}

async fn payment_told(desk: &Desk, counter: &Counter, seller: &AccountId, processor_id: &str) -> Result<Taken, BillingError> {
    let now = counter.processor.get_payment_intent(processor_id).await?;
    let Some(payment) = own(desk, seller, &now).await? else { return Ok(Taken::NotOurs) };
    // Whoever asks for the payment has the link fetched next, where the payer confirms it: that, not the decline before it, is the outcome.
    let asking = |heard: &Heard| payment.state == PaymentState::Sent && heard.decline == Some(DeclineKind::AuthenticationRequired);
    if let Some(heard) = collect::of_state(&now).filter(|heard| !asking(heard)) {
        collect::hear(desk, &payment.id, heard).await?;
    }
    after(desk, &payment).await
}

/// What follows at once: the invoice is looked at, and what goes back is asked for. What fails there is found by what is due.
async fn after(desk: &Desk, payment: &Payment) -> Result<Taken, BillingError> {
    let looked = match payment.invoice_id() {
        Some(invoice) => collect::collect(desk, invoice).await.map(|_| ()),
        None => Ok(()),
    };
    let settled = crate::due::payment(desk, &payment.id).await;
    for error in [looked.err(), settled.err()].into_iter().flatten() {
        tracing::warn!(request_id = desk.run.as_str(), payment_id = %payment.id, %error, "what follows from a payment is done later");
    }
    Ok(Taken::Done)
}

/// Our payment that a processor calls so.
async fn ours(desk: &Desk, counter: &Counter, seller: &AccountId, named: Option<&str>) -> Result<Option<Payment>, BillingError> {
    match named {
        Some(named) => own(desk, seller, &counter.processor.get_payment_intent(named).await?).await,
        None => Ok(None),
    }
}

/// The attempt that a payment at the processor is: only one to this very seller, over this very amount. A seller with a processor of its own could write
/// anything beside its payments.
async fn own(desk: &Desk, seller: &AccountId, found: &AtProcessor) -> Result<Option<Payment>, BillingError> {
    let Some(id) = found.payment_id().and_then(|id| id.parse::<PaymentId>().ok()) else { return Ok(None) };
    let payment = match desk.store().payment(&id).await {
        Ok(payment) => payment,
        Err(StoreError::Denied(Denied::Absent)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let same = payment.processor_id.as_ref().is_none_or(|known| *known == found.id);
    if &payment.seller_id != seller || money(payment.amount, payment.currency) != found.amount || !same {
        tracing::error!(request_id = desk.run.as_str(), payment_id = %id, "a payment at a processor is not the one that was asked for");
        return Ok(None);
    }
    Ok(Some(payment))
}

async fn detached(desk: &Desk, counter: &Counter, seller: &AccountId, method: &str, customer: Option<&str>) -> Result<Taken, BillingError> {
    let Some(customer) = customer else { return Ok(Taken::NotOurs) };
    let now: PaymentMethod = counter.processor.get_payment_method(method).await?;
    let account = counter.processor.get_customer(customer).await?.metadata.get(tributary_runtime::payments::ACCOUNT_ID).cloned();
    let Some(account) = account.and_then(|account| account.parse::<AccountId>().ok()) else { return Ok(Taken::NotOurs) };
    let Some(billing) = desk.store().billing(&account).await? else { return Ok(Taken::NotOurs) };
    let known = billing.processor.is_some_and(|known| &known.seller_id == seller && known.customer == customer);
    if known && now.customer.is_none() {
        cards::removed(desk, &account, method).await?;
        return Ok(Taken::Done);
    }
    Ok(Taken::NotOurs)
}
