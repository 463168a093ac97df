//! Credit notes, with what follows from them at once.

use tributary_domain::billing::credit_note::{CreditNote, GivenAs, Part};
use tributary_domain::billing::dispute::spread;
use tributary_domain::billing::payment::{Payment, PaymentState, Purpose, Refund, RefundCause};
use tributary_domain::id::{CreditNoteId, InvoiceId, PaymentId};
use tributary_domain::money::Micros;
use tributary_domain::text::Reference;
use tributary_store::credit_notes::NewNote;
use tributary_store::error::StoreError;
use tributary_store::idempotency::{Outcome, Scope};

use crate::{BillingError, Desk, collect, due};

/// Issues a credit note over parts of an invoice's lines, once per idempotency key, and asks for what goes back to cards.
///
/// # Errors
/// As [`tributary_store::Store::issue_credit_note`].
pub async fn issue(
    desk: &Desk,
    invoice: &InvoiceId,
    parts: &[Part],
    given_as: GivenAs,
    reason: &Reference,
    scope: Option<&Scope>,
) -> Result<Outcome<CreditNote>, BillingError> {
    let issued = desk.store().issue_credit_note(invoice, parts, &note(desk, given_as, reason), scope, &|| desk.act()).await?;
    follow(desk, invoice).await?;
    Ok(issued)
}

/// Why a payment is not refunded by so much.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// More than is left of it, or of the invoice that it paid.
    #[error("{asked} is more than the {left} that is left of the payment")]
    MoreThanLeft {
        /// What was asked for.
        asked: Micros,
        /// What is left.
        left: Micros,
    },
    /// No parts of the invoice's lines come to that with the taxes on them.
    #[error("no parts of the invoice's lines come to {asked} with the taxes on them; the next that do come to {nearest}")]
    NoParts {
        /// What was asked for.
        asked: Micros,
        /// What parts come to that are less.
        nearest: Micros,
    },
    /// Anything else.
    #[error(transparent)]
    Billing(#[from] BillingError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Refused::Billing(error.into())
    }
}

impl From<tributary_domain::money::Overflow> for Refused {
    fn from(error: tributary_domain::money::Overflow) -> Self {
        Refused::Billing(error.into())
    }
}

/// Sends a payment of an invoice back to its card, all that is left of it unless an amount is named: a credit note over the invoice's lines in their
/// order, as much of each as comes to the amount with its taxes. A refund that failed comes first: it is asked for again, by the note that it was for. Once per
/// idempotency key.
///
/// # Errors
/// [`Refused`]; [`StoreError::Conflict`] of a payment that no card made, that paid for credit, or of an invoice of which something is due.
pub async fn refund(
    desk: &Desk,
    id: &PaymentId,
    amount: Option<Micros>,
    reason: &Reference,
    scope: &Scope,
) -> Result<Outcome<CreditNote>, Refused> {
    if let Some(first) = desk.store().first_answer(scope).await? {
        return Ok(Outcome::Replayed(first));
    }
    let payment = desk.store().payment(id).await?;
    let invoice = match &payment.purpose {
        Purpose::Invoice(invoice) if payment.is_by_card() => desk.store().invoice(invoice).await?,
        Purpose::Invoice(_) => return Err(StoreError::Conflict("it was not paid by card; a credit note gives it back").into()),
        Purpose::Credit(_) | Purpose::Package(_) => {
            return Err(StoreError::Conflict("the credit that it paid for was given; it is not taken back by a refund").into());
        }
    };
    if payment.state != PaymentState::Succeeded {
        return Err(StoreError::Conflict("no money was taken").into());
    }
    // What failed is asked for again, by the same note: its lines are credited already.
    let failed = |of: &&Refund| amount.is_none_or(|amount| amount == of.amount);
    if let Some(failed) = payment.failed_refunds().find(failed)
        && let RefundCause::CreditNote(note) = &failed.cause
    {
        let note = desk.store().credit_note(note).await?;
        desk.store().repeat_refund(&payment.id, &failed.id, Some((scope, &note)), &|| desk.act()).await?;
        follow(desk, &invoice.id).await?;
        return Ok(Outcome::Done(note));
    }
    let left = refundable(&payment, &invoice)?;
    let asked = amount.unwrap_or(left);
    if asked > left || left.get() <= 0 {
        return Err(Refused::MoreThanLeft { asked, left });
    }
    let parts = spread(&invoice, asked)?;
    let nearest = tributary_domain::billing::credit_note::parts(&invoice, &parts, &std::collections::BTreeMap::new());
    let nearest = nearest.map_or(Micros::ZERO, |parts| parts.total);
    if nearest != asked {
        return Err(Refused::NoParts { asked, nearest });
    }
    let note = NewNote { refund_of: Some(payment.id.clone()), ..note(desk, GivenAs::Refund, reason) };
    let issued = desk.store().issue_credit_note(&invoice.id, &parts, &note, Some(scope), &|| desk.act()).await?;
    follow(desk, &invoice.id).await?;
    Ok(issued)
}

/// What of a payment can still go back: at most what is left of its invoice, neither credited nor disputed.
fn refundable(
    payment: &Payment,
    invoice: &tributary_domain::billing::invoice::Invoice,
) -> Result<Micros, tributary_domain::money::Overflow> {
    let of_invoice = invoice.total.minus(invoice.credited)?.minus(invoice.disputed)?;
    Ok(payment.left()?.min(of_invoice).max(Micros::ZERO))
}

/// What follows from a credit note or a dispute's end: refunds are asked for, and what is due again is collected. What fails is found by what is due.
pub(crate) async fn follow(desk: &Desk, invoice: &InvoiceId) -> Result<(), BillingError> {
    for payment in desk.store().payments_of(&desk.store().invoice(invoice).await?).await? {
        if let Err(error) = due::payment(desk, &payment.id).await {
            tracing::warn!(request_id = desk.run.as_str(), payment_id = %payment.id, %error, "a refund is asked for later");
        }
    }
    if let Err(error) = collect::collect(desk, invoice).await {
        tracing::warn!(request_id = desk.run.as_str(), invoice_id = %invoice, %error, "an invoice is collected later");
    }
    Ok(())
}

pub(crate) fn note(desk: &Desk, given_as: GivenAs, reason: &Reference) -> NewNote {
    NewNote { id: CreditNoteId::from_uuid(desk.app.uuid()), transfer: desk.transfer(), given_as, reason: reason.clone(), refund_of: None }
}
