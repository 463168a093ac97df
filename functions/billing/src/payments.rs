//! Payments: an invoice paid by hand or outside, what was paid, and what goes back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_billing::collect::{By, pay_asked, pay_outside};
use tributary_billing::notes::{self, Refused};
use tributary_billing::{Desk, refunds};
use tributary_domain::account::Account;
use tributary_domain::billing::payment::{Payment, PaymentState, Received, Way};
use tributary_domain::id::{AccountId, InvoiceId, PaymentId};
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::error::StoreError;
use tributary_store::idempotency::{Outcome, Scope};
use tributary_store::table::Position;

use crate::credit_notes::CreditNoteView;
use crate::payment_views::PaymentView;
use crate::sight;

/// The most pages of the table looked through for one page of those that are asked for; its cursor goes on.
const MOST_PAGES: usize = 5;

/// From what an invoice is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum With {
    /// From what credit there is, in whole coins.
    Credit,
    /// By the default card.
    Card,
}

/// How an invoice is paid now.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PayInvoice))]
pub struct PayBody {
    /// From what.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PayWith))]
    pub with: With,
}

/// A payment that came outside.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RecordPayment))]
pub struct ReceivedBody {
    /// How much, in whole coins; at most what is due.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// When it came; now unless given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub paid_at: Option<Timestamp>,
    /// By what way.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentWay))]
    pub method: Way,
    /// What the statement says of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reference: Reference,
}

/// What of a payment goes back to its card.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RefundPayment))]
pub struct RefundBody {
    /// How much; all that is left unless given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub amount: Option<Amount>,
    /// Why; the credit note says it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Reference))]
    pub reason: Reference,
}

fn made(payment: Payment, replayed: bool) -> Result<Reply, Problem> {
    let location = format!("/reseller/payments/{}", payment.id);
    let status = if payment.state.is_open() { http::StatusCode::ACCEPTED } else { http::StatusCode::CREATED };
    Ok(Reply::json(status, &PaymentView::from(payment))?.location(&location).replayed(replayed))
}

async fn first(call: &Call, scope: &Scope) -> Result<Option<Reply>, Problem> {
    let first = call.store().payment_asked(scope).await?;
    first.map(|payment| made(payment, true)).transpose()
}

/// Pays an invoice now, from credit or by the default card, whatever the schedule says: by its buyer, or by its seller for it.
///
/// # Errors
/// `conflict` of one that is not to be paid, is being paid, or that there is nothing to pay from; `idempotency_key_reused`, `busy`, `not_found`,
/// `forbidden`.
pub async fn pay(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: PayBody = call.body()?;
    let invoice = sight::invoice(&call, Right::BillingManage).await?.invoice;
    if let Some(first) = first(&call, &scope).await? {
        return Ok(first);
    }
    let (by, nothing) = match body.with {
        With::Credit => (By::Credit, "there is no credit to pay it from, or nothing of it is due"),
        With::Card => (By::Card, "there is no card to charge, or nothing of it is due that a card can be charged"),
    };
    let paid = pay_asked(&Desk::for_call(&call)?, &invoice.id, by, Some(&scope)).await?;
    made(paid.ok_or(StoreError::Conflict(nothing))?, false)
}

/// Writes down that an invoice was paid outside, by its seller.
///
/// # Errors
/// `amount_exceeded` for more than is due, `conflict` of one that is not to be paid or that a card is being charged for, `validation_failed`,
/// `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn received(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: ReceivedBody = call.body()?;
    let at = match body.paid_at {
        Some(at) => tributary_api::time::showable(at).map_err(|detail| Problem::field("/paid_at", detail))?,
        None => call.app.now(),
    };
    if at > call.app.now() {
        return Err(Problem::field("/paid_at", "must not be in the future"));
    }
    let invoice = sight::sold(&call).await?;
    if let Some(first) = first(&call, &scope).await? {
        return Ok(first);
    }
    let (desk, received) = (Desk::for_call(&call)?, Received { way: body.method, reference: body.reference, at });
    made(pay_outside(&desk, &invoice.id, body.amount.micros(), &received, &scope).await?, false)
}

/// Lists payments of an account, newest first.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?;
    let invoice = params.parsed::<InvoiceId>("invoice_id")?;
    let state: Option<PaymentState> = params.word("state")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    if let Some(invoice) = invoice {
        let start: Option<PaymentId> = scope.open(&call.app, cursor)?;
        let mut payments = of_invoice(&call, id, &invoice).await?;
        payments.retain(|payment| state.is_none_or(|state| state == payment.state));
        let from = start.and_then(|start| payments.iter().position(|payment| payment.id == start)).map_or(0, |at| at + 1);
        let shown: Vec<Payment> = payments[from..].iter().take(limit).cloned().collect();
        let more = payments.len() > from + limit;
        let next_cursor = scope.seal(&call.app, shown.last().map(|payment| &payment.id).filter(|_| more))?;
        return Reply::ok(&PageView { data: shown.into_iter().map(PaymentView::from).collect(), next_cursor });
    }
    let mut start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let (page, next) = call.store().payments(&account.id, start, limit - found.len()).await?;
        found.extend(page.into_iter().filter(|payment| state.is_none_or(|state| state == payment.state)));
        start = next;
        if start.is_none() || found.len() >= limit {
            break;
        }
    }
    let shown = seen(&call, &account, found).await?;
    Reply::ok(&PageView { data: shown.into_iter().map(PaymentView::from).collect(), next_cursor: scope.seal(&call.app, start.as_ref())? })
}

async fn seen(call: &Call, account: &Account, mut found: Vec<Payment>) -> Result<Vec<Payment>, Problem> {
    let sellers: BTreeSet<AccountId> = found.iter().map(|payment| payment.seller_id.clone()).collect();
    let sellers = sight::visible_sellers(call, account, sellers).await?;
    found.retain(|payment| sellers.contains(&payment.seller_id));
    Ok(found)
}

/// The payments of an invoice, newest first; none if it is another account's than the one that is named.
async fn of_invoice(call: &Call, id: Option<AccountId>, invoice: &InvoiceId) -> Result<Vec<Payment>, Problem> {
    sight::account(call, id.clone(), Right::BillingRead).await?;
    let invoice = call.store().invoice(invoice).await?;
    sight::sells(call, &invoice.account_id, &invoice.seller_id, Right::BillingRead).await?;
    if id.is_some_and(|id| id != invoice.account_id) {
        return Ok(Vec::new());
    }
    let mut payments = call.store().payments_of(&invoice).await?;
    payments.reverse();
    Ok(payments)
}

async fn one(call: &Call) -> Result<Payment, Problem> {
    Ok(call.store().payment(&call.id("id")?).await?)
}

/// One payment.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let payment = one(&call).await?;
    sight::sells(&call, &payment.account_id, &payment.seller_id, Right::BillingRead).await?;
    let version = payment.version;
    Ok(Reply::ok(&PaymentView::from(payment))?.etag(version))
}

/// Sends a payment back to its card, or a part of it: a credit note over the invoice's lines, by its seller.
///
/// # Errors
/// `amount_exceeded`, `validation_failed` for an amount that no lines come to with their taxes, `conflict` of what no card paid, `idempotency_key_reused`,
/// `not_found`, `forbidden`.
pub async fn refund(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: RefundBody = call.body()?;
    let payment = one(&call).await?;
    sight::as_seller(&call, &payment.account_id, &payment.seller_id, Right::BillingManage).await?;
    let amount = body.amount.map(Amount::micros);
    let issued = notes::refund(&Desk::for_call(&call)?, &payment.id, amount, &body.reason, &scope).await.map_err(|refused| {
        let why = refused.to_string();
        match refused {
            Refused::MoreThanLeft { left, .. } => Problem::new(Code::AmountExceeded, format!("{why}.")).with("left", left.to_string()),
            Refused::NoParts { nearest, .. } => Problem::field("/amount", why).with("nearest", nearest.to_string()),
            Refused::Billing(error) => error.into(),
        }
    })?;
    let replayed = matches!(issued, Outcome::Replayed(_));
    let note = issued.into_inner();
    let location = format!("/reseller/credit-notes/{}", note.id);
    Ok(Reply::created(&CreditNoteView::from(note))?.location(&location).replayed(replayed))
}

/// Asks again for each refund of a payment that failed; of none it answers the payment as it is.
///
/// # Errors
/// `not_found`, `forbidden`, `conflict` if less is left of it.
pub async fn retry_refunds(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let payment = one(&call).await?;
    sight::as_seller(&call, &payment.account_id, &payment.seller_id, Right::BillingManage).await?;
    let payment = refunds::retry(&Desk::for_call(&call)?, &payment.id).await?;
    let version = payment.version;
    Ok(Reply::ok(&PaymentView::from(payment))?.etag(version))
}
