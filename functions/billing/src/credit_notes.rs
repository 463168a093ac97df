//! Credit notes: what a seller takes off its invoices.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::{Desk, notes};
use tributary_domain::billing::credit_note::{CreditNote, GivenAs, Part};
use tributary_domain::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId, TransferId};
use tributary_domain::money::{Amount, Currency, Micros};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::credit_notes::NotesOf;
use tributary_store::idempotency::Outcome;
use tributary_store::table::Position;

use crate::sight;
use crate::views::Side;

/// The most lines that are named at once.
const MAX_PARTS: usize = 200;

/// A part of a line, without the taxes on it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LinePart))]
pub struct PartBody {
    /// The line's id. A tax goes with the lines that it is on.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LineId))]
    pub line: String,
    /// How much of it, in whole coins.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
}

/// A part of a line.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LinePartShown))]
pub struct PartView {
    /// The line's id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LineId))]
    pub line: String,
    /// How much of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
}

impl From<Part> for PartView {
    fn from(Part { line, amount }: Part) -> Self {
        Self { line, amount }
    }
}

/// The parts that a request names.
pub(crate) fn parts(lines: Vec<PartBody>) -> Result<Vec<Part>, Problem> {
    match lines.len() {
        0 => Err(Problem::field("/lines", "must not be empty")),
        1..=MAX_PARTS => Ok(lines.into_iter().map(|PartBody { line, amount }| Part { line, amount: amount.micros() }).collect()),
        _ => Err(Problem::field("/lines", format!("may have at most {MAX_PARTS} entries"))),
    }
}

/// What is taken off an invoice.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateCreditNote))]
pub struct NoteBody {
    /// Of which lines how much.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200))]
    pub lines: Vec<PartBody>,
    /// Why; the note says it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reason: Reference,
    /// How what was paid already is given back; as credit unless given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::GivenAs, required = false))]
    pub given_as: Giving,
}

/// How what was paid is given back, as the API says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Giving {
    /// As credit, from the seller.
    #[default]
    Credit,
    /// To the cards that it was paid with.
    Card,
    /// Outside, which is only written down.
    Outside,
}

impl From<Giving> for GivenAs {
    fn from(giving: Giving) -> Self {
        match giving {
            Giving::Credit => GivenAs::Credit,
            Giving::Card => GivenAs::Refund,
            Giving::Outside => GivenAs::Outside,
        }
    }
}

impl From<GivenAs> for Giving {
    fn from(given: GivenAs) -> Self {
        match given {
            GivenAs::Credit => Giving::Credit,
            GivenAs::Refund => Giving::Card,
            GivenAs::Outside => Giving::Outside,
        }
    }
}

/// A credit note.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreditNote))]
pub struct CreditNoteView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::CreditNoteId))]
    pub id: CreditNoteId,
    /// Its number, in a series of the seller's own.
    pub number: String,
    /// Of which invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceId))]
    pub invoice_id: InvoiceId,
    /// Whose invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who issued both.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The currency of all amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// What is taken off, taxes included.
    pub lines: Vec<PartView>,
    /// The sum of the lines.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub total: Micros,
    /// What of it lessens what is due.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub reduces: Micros,
    /// What of it was paid already, and is given back.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub given_back: Micros,
    /// How that is given back.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::GivenAs))]
    pub given_as: Giving,
    /// The movement of credit, if it was given as credit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TransferId>, required))]
    pub transfer_id: Option<TransferId>,
    /// The payment, if it goes back to a card; the newest of several.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PaymentId>, required))]
    pub payment_id: Option<PaymentId>,
    /// The dispute that it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::DisputeId>, required))]
    pub dispute_id: Option<DisputeId>,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reason: Reference,
    /// When.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub issued_at: Timestamp,
}

impl From<CreditNote> for CreditNoteView {
    fn from(note: CreditNote) -> Self {
        Self {
            id: note.id,
            number: note.number,
            invoice_id: note.invoice_id,
            account_id: note.account_id,
            seller_id: note.seller_id,
            currency: note.currency,
            lines: note.lines.into_iter().map(PartView::from).collect(),
            total: note.total,
            reduces: note.reduces,
            given_back: note.given_back,
            given_as: note.given_as.into(),
            transfer_id: note.transfer_id,
            payment_id: note.payment_id,
            dispute_id: note.dispute_id,
            reason: note.reason,
            issued_at: note.issued_at,
        }
    }
}

/// Issues a credit note over parts of an invoice's lines, by its seller.
///
/// # Errors
/// `validation_failed` for more than is left of a line, `conflict` of an invoice that is a draft or void, `seller_out_of_credit`,
/// `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: NoteBody = call.body()?;
    let parts = parts(body.lines)?;
    let invoice = sight::sold(&call).await?;
    let issued = notes::issue(&Desk::for_call(&call)?, &invoice.id, &parts, body.given_as.into(), &body.reason, Some(&scope)).await?;
    let replayed = matches!(issued, Outcome::Replayed(_));
    let note = issued.into_inner();
    let location = format!("/reseller/credit-notes/{}", note.id);
    Ok(Reply::created(&CreditNoteView::from(note))?.location(&location).replayed(replayed))
}

/// Lists credit notes to an account, or that it issued, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let invoice = params.parsed::<InvoiceId>("invoice_id")?;
    let side: Side = params.word("side")?.unwrap_or_default();
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    if let Some(invoice) = invoice {
        sight::account(&call, id.clone(), Right::BillingRead).await?;
        let invoice = call.store().invoice(&invoice).await?;
        sight::sells(&call, &invoice.account_id, &invoice.seller_id, Right::BillingRead).await?;
        let (mut notes, next) = call.store().credit_notes(NotesOf::Invoice(&invoice.id), start, limit).await?;
        notes.retain(|note| id.as_ref().is_none_or(|id| [&note.account_id, &note.seller_id].contains(&id)));
        return page(notes, scope.seal(&call.app, next.as_ref())?);
    }
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let of = match side {
        Side::Bought => NotesOf::Account(&account.id),
        Side::Sold => NotesOf::Seller(&account.id),
    };
    let (mut notes, next) = call.store().credit_notes(of, start, limit).await?;
    match side {
        Side::Bought => {
            let sellers = sight::visible_sellers(&call, &account, notes.iter().map(|note| note.seller_id.clone()).collect()).await?;
            notes.retain(|note| sellers.contains(&note.seller_id));
        }
        Side::Sold => {
            let denied = sight::denied_buyers(&call, &account.id, notes.iter().map(|note| note.account_id.clone()).collect()).await?;
            notes.retain(|note| !denied.contains(&note.account_id));
        }
    }
    page(notes, scope.seal(&call.app, next.as_ref())?)
}

fn page(notes: Vec<CreditNote>, next_cursor: Option<String>) -> Result<Reply, Problem> {
    Reply::ok(&PageView { data: notes.into_iter().map(CreditNoteView::from).collect(), next_cursor })
}

/// One credit note.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let note = call.store().credit_note(&call.id("id")?).await?;
    sight::sells(&call, &note.account_id, &note.seller_id, Right::BillingRead).await?;
    Reply::ok(&CreditNoteView::from(note))
}
