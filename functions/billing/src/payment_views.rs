//! What the API shows of payments.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::billing::payment::{
    Chargeback, ChargebackState, DeclineKind, FROM_CREDIT, OUTSIDE, Payment, PaymentState, Purpose, Refund, RefundCause, RefundState, Way,
};
use tributary_domain::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PackageId, PaymentId, TransferId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::text::Reference;

/// A payment that was made outside.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentReceived))]
pub struct ReceivedView {
    /// By what way.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentWay))]
    pub method: Way,
    /// What the statement says of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reference: Reference,
    /// When the money came.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub paid_at: Timestamp,
}

/// A part of a payment that goes back to its card.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentRefund))]
pub struct RefundView {
    /// Its id: the payment's and a number.
    pub id: String,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RefundCause))]
    pub cause: &'static str,
    /// The credit note that gives it back.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::CreditNoteId>, required))]
    pub credit_note_id: Option<CreditNoteId>,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RefundState))]
    pub state: RefundState,
    /// When it was written down.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl From<Refund> for RefundView {
    fn from(refund: Refund) -> Self {
        let (cause, credit_note_id) = match refund.cause {
            RefundCause::CreditNote(note) => ("credit_note", Some(note)),
            RefundCause::Overpaid => ("overpaid", None),
            RefundCause::NoCredit => ("no_credit", None),
        };
        Self { id: refund.id, amount: refund.amount, cause, credit_note_id, state: refund.state, created_at: refund.created_at }
    }
}

/// What the payer's bank asks about, or took back.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentChargeback))]
pub struct ChargebackView {
    /// How much of the payment.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ChargebackState))]
    pub state: ChargebackState,
    /// The dispute that it opened; null if nothing of the invoice was left to dispute.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DisputeId>, required))]
    pub dispute_id: Option<DisputeId>,
}

impl From<Chargeback> for ChargebackView {
    fn from(Chargeback { amount, state, dispute_id, .. }: Chargeback) -> Self {
        Self { amount, state, dispute_id }
    }
}

/// A payment: one attempt to pay an invoice, or credit.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Payment))]
pub struct PaymentView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentId))]
    pub id: PaymentId,
    /// Who pays.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Which invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::InvoiceId>, required))]
    pub invoice_id: Option<InvoiceId>,
    /// Or how much credit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub credits: Option<Micros>,
    /// Of which package.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PackageId>, required))]
    pub package_id: Option<PackageId>,
    /// How much is paid.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// The currency of all amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// From what.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaidBy))]
    pub by: &'static str,
    /// The card.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PaymentMethodId>, required))]
    pub payment_method: Option<String>,
    /// Which attempt of its invoice, from 1.
    pub attempt: u32,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentState))]
    pub state: PaymentState,
    /// Why it was declined.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DeclineKind>, required))]
    pub decline: Option<DeclineKind>,
    /// Where its payer confirms it, while it waits for that.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub action_url: Option<String>,
    /// What of it counted to the invoice, or bought credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub applied: Micros,
    /// What of it was given back: refunded or charged back.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub refunded: Micros,
    /// The movement of credit: of a payment from credit, or of credit that was paid for.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
    /// What was written down of it, if it was made outside.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub received: Option<ReceivedView>,
    /// What goes back to its card, oldest first.
    pub refunds: Vec<RefundView>,
    /// What the payer's bank asks about, or took back.
    pub chargebacks: Vec<ChargebackView>,
    /// When it was written down.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When its state last changed.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub changed_at: Timestamp,
    /// Raised by one with each change.
    pub version: i64,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        let by = match payment.method.as_str() {
            FROM_CREDIT => "credit",
            OUTSIDE => "outside",
            _ => "card",
        };
        let (invoice_id, package_id) = match &payment.purpose {
            Purpose::Invoice(invoice) => (Some(invoice.clone()), None),
            Purpose::Credit(_) => (None, None),
            Purpose::Package(bought) => (None, bought.package_id.clone()),
        };
        let received = payment.received;
        Self {
            payment_method: (by == "card").then_some(payment.method),
            id: payment.id,
            account_id: payment.account_id,
            seller_id: payment.seller_id,
            invoice_id,
            // What was sold was added up before it was charged for.
            credits: payment.purpose.credit().ok().flatten(),
            package_id,
            amount: payment.amount,
            currency: payment.currency,
            by,
            attempt: payment.attempt,
            state: payment.state,
            decline: payment.decline,
            action_url: payment.action_url,
            applied: payment.applied,
            refunded: payment.refunded,
            transfer_id: payment.transfer_id,
            received: received.map(|received| ReceivedView { method: received.way, reference: received.reference, paid_at: received.at }),
            refunds: payment.refunds.into_iter().map(RefundView::from).collect(),
            chargebacks: payment.chargebacks.into_iter().map(ChargebackView::from).collect(),
            created_at: payment.created_at,
            changed_at: payment.changed_at,
            version: payment.version,
        }
    }
}
