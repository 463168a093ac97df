//! What the API takes and shows of disputes. Neither side is shown who of the other wrote a message.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::billing::dispute::{Dispute, DisputeReason, DisputeState, EvidenceLink, Origin, Statement};
use tributary_domain::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::text::Reference;

use crate::credit_notes::{Giving, PartBody, PartView};

/// A dispute to be opened.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = OpenDispute))]
pub struct OpenBody {
    /// Of which invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceId))]
    pub invoice_id: InvoiceId,
    /// Of which lines how much, without taxes.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200))]
    pub lines: Vec<PartBody>,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeReason))]
    pub reason: DisputeReason,
    /// What is to be said of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Statement))]
    pub words: Statement,
    /// Links to pages that show it: http or https.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::EvidenceLink>, max_items = 10, required = false))]
    pub links: Vec<EvidenceLink>,
}

/// A message, or evidence.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SayInDispute))]
pub struct SayBody {
    /// What is said.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Statement))]
    pub words: Statement,
    /// Links to pages that show it: http or https.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::EvidenceLink>, max_items = 10, required = false))]
    pub links: Vec<EvidenceLink>,
}

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of it is credited.
    Accept,
    /// These parts are.
    AcceptPart,
    /// Nothing is.
    Reject,
}

/// The end of a dispute.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ResolveDispute))]
pub struct ResolveBody {
    /// How it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeOutcome))]
    pub outcome: Verdict,
    /// To accept a part: of which lines how much, without taxes; at most what is disputed of each.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200))]
    pub lines: Option<Vec<PartBody>>,
    /// How what was paid already is given back; as credit unless given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::GivenAs, required = false))]
    pub given_as: Giving,
    /// Why; the credit note says it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reason: Reference,
    /// The seller disputes in turn what it paid itself for the same usage. Where you may resolve there too, that is accepted at once.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(default = false))]
    pub pass_up: bool,
}

/// Which side said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The one that is billed.
    Buyer,
    /// The one that bills.
    Seller,
}

/// What was said.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DisputeMessage))]
pub struct MessageView {
    /// From which side.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeParty))]
    pub from: Party,
    /// What.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Statement))]
    pub words: Statement,
    /// Links to pages or files.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Reference>))]
    pub links: Vec<Reference>,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
}

/// A dispute, without what was said.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DisputeSummary))]
pub struct SummaryView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeId))]
    pub id: DisputeId,
    /// Of which invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceId))]
    pub invoice_id: InvoiceId,
    /// Who is billed.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who bills, and resolves it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeState))]
    pub state: DisputeState,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeReason))]
    pub reason: DisputeReason,
    /// Where it came from.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DisputeOrigin))]
    pub origin: String,
    /// The currency of all amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// What it is about, taxes included; held out of collection while it is open.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// What of it was credited, taxes included.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub accepted: Micros,
    /// Until when its seller has to answer; null once it has ended.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub respond_by: Option<Timestamp>,
    /// When it was opened.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub opened_at: Timestamp,
    /// When it ended.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub resolved_at: Option<Timestamp>,
    /// Raised by one with each change; its `ETag`.
    pub version: i64,
}

impl SummaryView {
    /// Of a dispute.
    pub fn of(dispute: &Dispute) -> Self {
        Self {
            id: dispute.id.clone(),
            invoice_id: dispute.invoice_id.clone(),
            account_id: dispute.account_id.clone(),
            seller_id: dispute.seller_id.clone(),
            state: dispute.state,
            reason: dispute.reason,
            origin: dispute.origin.word().to_owned(),
            currency: dispute.currency,
            amount: dispute.amount,
            accepted: dispute.accepted,
            respond_by: dispute.respond_by,
            opened_at: dispute.opened_at,
            resolved_at: dispute.resolved_at,
            version: dispute.version,
        }
    }
}

/// A dispute.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Dispute))]
pub struct DisputeView {
    /// What is shown of it in lists.
    #[serde(flatten)]
    pub summary: SummaryView,
    /// What was asked for, by line, without taxes.
    pub lines: Vec<PartView>,
    /// What was said, oldest first.
    pub messages: Vec<MessageView>,
    /// The payment that the payer's bank took back, if it is about that.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PaymentId>, required))]
    pub payment_id: Option<PaymentId>,
    /// The sub-account's dispute that was passed up.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DisputeId>, required))]
    pub passed_up_from: Option<DisputeId>,
    /// The seller's own dispute for its share; there only for the seller and who stands above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DisputeId>))]
    pub passed_up_as: Option<DisputeId>,
    /// The credit note that ended it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::CreditNoteId>, required))]
    pub credit_note_id: Option<CreditNoteId>,
}

impl DisputeView {
    /// Of a dispute, to a reader who stands at or above its seller (`sells`), or at its buyer.
    pub fn of(dispute: &Dispute, sells: bool) -> Self {
        let (payment_id, passed_up_from) = match &dispute.origin {
            Origin::Customer => (None, None),
            Origin::Chargeback { payment_id, .. } => (Some(payment_id.clone()), None),
            Origin::PassedUp { dispute_id } => (None, Some(dispute_id.clone())),
        };
        let messages = dispute.messages.iter().map(|message| MessageView {
            from: if message.account_id == dispute.account_id { Party::Buyer } else { Party::Seller },
            words: message.text.clone(),
            links: message.links.clone(),
            at: message.at,
        });
        Self {
            summary: SummaryView::of(dispute),
            lines: dispute.asked.iter().cloned().map(PartView::from).collect(),
            messages: messages.collect(),
            payment_id,
            passed_up_from,
            passed_up_as: dispute.passed_up_as.clone().filter(|_| sells),
            credit_note_id: dispute.credit_note_id.clone(),
        }
    }
}
