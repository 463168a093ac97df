//! What the API shows of invoices. A reader who does not stand at or above the seller is shown nothing of what the seller pays, or from whom it buys.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Code, Problem};
use tributary_domain::billing::invoice::{Invoice, InvoiceState, Line, LineKind, PartyShown};
use tributary_domain::billing::profile::AddressLine;
use tributary_domain::id::{AccountId, InvoiceId, PromotionId};
use tributary_domain::money::{Currency, Micros, Overflow};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Picos};
use tributary_domain::text::{Email, Name, Reference};

use crate::terms::AddressView;

/// On which side of invoices an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It was sent them.
    #[default]
    Bought,
    /// It sent them.
    Sold,
}

/// A seller or buyer as it was when the invoice was made.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoiceParty))]
pub struct PartyView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// Where it is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub address: Option<AddressView>,
    /// What tax offices know it by.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AddressLine>, required))]
    pub tax_id: Option<AddressLine>,
    /// Where its people are reached.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>, required))]
    pub email: Option<Email>,
    /// Of the seller, the name of its brand if that is another.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub brand: Option<String>,
    /// Of the buyer, the number of its order.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>, required))]
    pub po_number: Option<Reference>,
}

impl From<PartyShown> for PartyView {
    fn from(party: PartyShown) -> Self {
        let PartyShown { name, address, tax_id, email, brand, po_number, .. } = party;
        Self { name, address: address.map(AddressView::from), tax_id, email, brand, po_number }
    }
}

/// The period of an invoice.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoicePeriod))]
pub struct PeriodView {
    /// The local month in which the whole period begins of which this is all or a part.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub label: Month,
    /// 1, or more where a period was cut: by a move, another funding, the close.
    pub part: u32,
    /// Its first moment.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub start: Timestamp,
    /// The first moment after it.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub end: Timestamp,
}

/// A line of an invoice.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoiceLine))]
pub struct LineView {
    /// Its id, unique in the invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LineId))]
    pub id: String,
    /// What it is for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LineKind))]
    pub kind: LineKind,
    /// What it says.
    pub text: String,
    /// Of usage, the meter.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>, required))]
    pub meter: Option<MeterKey>,
    /// Of usage, the month in UTC in which it occurred.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Month>, required))]
    pub month: Option<Month>,
    /// Of a promotion, its id; null if it is given from further up than you see.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PromotionId>, required))]
    pub promotion_id: Option<PromotionId>,
    /// How much was used; below zero if more was taken back.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub quantity: Option<String>,
    /// The meter's unit.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unit: Option<String>,
    /// What it comes to, exactly.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExactMoney))]
    pub exact: Picos,
    /// What it comes to: `exact` rounded once, half to even, to the currency's smallest coin.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// It was paid from credit with the usage: it is shown, and not due.
    pub settled: bool,
    /// Of a tax, the rate.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Percent>, required))]
    pub tax_rate: Option<Percent>,
    /// Of a tax, the lines that it is on.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::LineId>))]
    pub of: Vec<String>,
    /// What a promotion took off; only to be shown, since it is in the prices.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>, required))]
    pub saved: Option<Picos>,
    /// What credit notes took off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credited: Micros,
    /// What open disputes hold.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub disputed: Micros,
    /// What the seller pays for the same usage, exactly; there only for the seller and who stands above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExactMoney>))]
    pub cost: Option<Picos>,
}

/// An invoice, without its lines.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoiceSummary))]
pub struct SummaryView {
    /// Its id: it follows from account, period and part.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceId))]
    pub id: InvoiceId,
    /// Who is billed.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// By whom: its parent then.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Its number; null for a draft.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub number: Option<String>,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceState))]
    pub state: InvoiceState,
    /// The currency of all amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Its period.
    pub period: PeriodView,
    /// The sum of the lines but for taxes.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub subtotal: Micros,
    /// The sum of the taxes.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub tax: Micros,
    /// The sum of all lines.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub total: Micros,
    /// What of it was paid from credit with the usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub paid_from_credit: Micros,
    /// What credit notes took off.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credited: Micros,
    /// What was paid, less what of it was taken back.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub paid: Micros,
    /// What open disputes hold out of collection.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub disputed: Micros,
    /// What is still to be paid, disputed or not; nothing of a draft or void one.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub due: Micros,
    /// When it was issued.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub issued_at: Option<Timestamp>,
    /// Until when it is to be paid.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub due_at: Option<Timestamp>,
    /// Of a draft, when it is issued by itself.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub draft_until: Option<Timestamp>,
    /// Its version, which is its `ETag`.
    pub version: i64,
}

/// The entries of a ledger that an invoice holds: those above the first number up to the second.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoiceLedger))]
pub struct LedgerView {
    /// The last entry before.
    pub from_seq: i64,
    /// The last entry in it.
    pub to_seq: i64,
}

/// An invoice.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Invoice))]
pub struct InvoiceView {
    /// All but its lines.
    #[serde(flatten)]
    pub summary: SummaryView,
    /// The entries of the account's ledger that it holds.
    pub ledger: LedgerView,
    /// Its lines.
    pub lines: Vec<LineView>,
    /// The seller as it was.
    pub seller: PartyView,
    /// The buyer as it was.
    pub buyer: PartyView,
}

fn too_large(_: Overflow) -> Problem {
    Problem::new(Code::Internal, "The amounts of an invoice do not add up.")
}

impl SummaryView {
    /// Of an invoice.
    ///
    /// # Errors
    /// `internal_error` if its amounts do not add up, which those of no invoice do.
    pub fn of(invoice: &Invoice) -> Result<Self, Problem> {
        Ok(Self {
            id: invoice.id.clone(),
            account_id: invoice.account_id.clone(),
            seller_id: invoice.seller_id.clone(),
            number: invoice.number.clone(),
            state: invoice.state,
            currency: invoice.currency,
            period: PeriodView { label: invoice.period.label, part: invoice.part, start: invoice.period.start, end: invoice.period.end },
            subtotal: invoice.subtotal,
            tax: invoice.tax,
            total: invoice.total,
            paid_from_credit: invoice.paid_from_credit,
            credited: invoice.credited,
            paid: invoice.paid,
            disputed: invoice.disputed,
            due: invoice.due().map_err(too_large)?,
            issued_at: invoice.issued_at,
            due_at: invoice.due_at,
            draft_until: invoice.draft_until,
            version: invoice.version,
        })
    }
}

/// A line as a reader sees it. To the buyer a promotion is what it took off: whose it is, and which, may be further up.
fn line(invoice: &Invoice, (at, line): (usize, Line), sells: bool) -> LineView {
    let held = |by_line: &std::collections::BTreeMap<String, Micros>| by_line.get(&line.id).copied().unwrap_or_default();
    let (credited, disputed) = (held(&invoice.credited_lines), held(&invoice.disputed_lines));
    let hidden = line.kind == LineKind::Promotion && !sells;
    LineView {
        credited,
        disputed,
        id: if hidden { format!("promotion:{}", at + 1) } else { line.id },
        kind: line.kind,
        text: line.text,
        meter: line.meter,
        month: line.month,
        promotion_id: line.promotion_id.filter(|_| !hidden),
        quantity: line.quantity.map(|quantity| quantity.to_string()),
        unit: line.unit,
        exact: line.exact,
        amount: line.amount,
        settled: line.settled,
        tax_rate: line.tax_rate,
        of: line.of,
        saved: line.saved,
        cost: line.cost.filter(|_| sells),
    }
}

impl InvoiceView {
    /// Of an invoice, to a reader who has the right at its seller (`sells`), or only at its buyer.
    ///
    /// # Errors
    /// As [`SummaryView::of`].
    pub fn of(invoice: &Invoice, sells: bool) -> Result<Self, Problem> {
        Ok(Self {
            summary: SummaryView::of(invoice)?,
            ledger: LedgerView { from_seq: invoice.ledger.from_seq, to_seq: invoice.ledger.to_seq },
            lines: invoice.lines.iter().cloned().enumerate().map(|each| line(invoice, each, sells)).collect(),
            seller: invoice.seller.clone().into(),
            buyer: invoice.buyer.clone().into(),
        })
    }
}
