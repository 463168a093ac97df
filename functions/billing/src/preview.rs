//! `GET /reseller/invoices/preview`: what the invoice of the running period would say if the period ended with what is recorded by now. Nothing is kept.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::preview::{Previewed, preview};
use tributary_domain::id::AccountId;
use tributary_domain::money::Currency;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;

use crate::sight;
use crate::views::{InvoiceView, PeriodView};

/// What an invoice would say.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoicePreview))]
pub struct PreviewView {
    /// Who is billed.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// By whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The currency of all amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The running period.
    pub period: PeriodView,
    /// The newest entry of the account's ledger that it takes.
    pub to_seq: i64,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// What the invoice would say, a draft without a number; null while there is nothing to bill.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub invoice: Option<InvoiceView>,
}

/// What the running period's invoice would say now.
///
/// # Errors
/// `not_found`, `forbidden`, `not_a_buyer`, `conflict` of an account whose last invoice is made.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = sight::billed(&call, id, Right::BillingRead).await?;
    let billing = call.store().billing(&account.id).await?.ok_or(StoreError::Conflict("the account's billing has not begun"))?;
    if !sight::between(&call, &account, &billing.seller_id, Right::BillingRead).await? {
        return Err(StoreError::Conflict("the account was moved, and its former seller's last invoice is still to be made").into());
    }
    let sells = account.id != *call.home()?;
    let running = preview(&call.app, &account, billing).await?.pop();
    let Previewed { close, to_seq, invoice } = running.ok_or(StoreError::Conflict("the account is closed and its last invoice made"))?;
    Reply::ok(&PreviewView {
        account_id: account.id.clone(),
        seller_id: close.seller_id,
        currency: account.currency,
        period: PeriodView { label: close.period.label, part: close.part, start: close.period.start, end: close.period.end },
        to_seq,
        at: call.app.now(),
        invoice: invoice.map(|invoice| InvoiceView::of(&invoice, sells)).transpose()?,
    })
}
