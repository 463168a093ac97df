//! What a seller does with an invoice: issuing a draft before its time, and voiding.

use serde::Deserialize;
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::drafts;
use tributary_domain::billing::invoice::{Invoice, InvoiceError, InvoiceState};
use tributary_domain::event::RecordKind;
use tributary_domain::text::Reference;
use tributary_store::error::StoreError;

use crate::sight;
use crate::views::InvoiceView;

/// Why an invoice is voided.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = VoidInvoice))]
pub struct VoidBody {
    /// Why; its buyer is told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reason: Option<Reference>,
}

/// Why an invoice is given up.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WriteOffInvoice))]
pub struct WriteOffBody {
    /// Why; its buyer is told.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reason: Option<Reference>,
}

fn answer(invoice: &Invoice) -> Result<Reply, Problem> {
    Ok(Reply::ok(&InvoiceView::of(invoice, true)?)?.etag(invoice.version))
}

/// Issues a draft now: it gets its seller's next number, and nothing of it changes after.
///
/// # Errors
/// `conflict` of what is no draft, `precondition_failed`, `not_found`, `forbidden`.
pub async fn finalize(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    call.no_body()?;
    let invoice = sight::sold(&call).await?;
    if invoice.state != InvoiceState::Draft {
        return Err(StoreError::Conflict("the invoice is no draft any more").into());
    }
    let act = call.act()?;
    answer(&drafts::finalize(&call.app, &invoice.id, expected, &|| act.clone()).await?)
}

/// Lets an invoice count for nothing, of which nothing was paid, credited or disputed.
///
/// # Errors
/// `conflict`, `precondition_failed`, `not_found`, `forbidden`.
pub async fn void(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: VoidBody = call.body_or_default()?;
    let invoice = sight::sold(&call).await?;
    let act = call.act()?;
    let voided = call.store().change_invoice(&invoice.id, &act, |invoice| {
        if expected.is_some_and(|expected| expected != invoice.version) {
            return Err(StoreError::Stale(invoice.version));
        }
        invoice.void().map_err(|error| StoreError::Conflict(why_not(&error)))?;
        let detail = json!({ "invoice_id": invoice.id, "number": invoice.number, "reason": body.reason });
        // What it did is undone: a suspension is lifted, and a charge of unknown outcome is looked up.
        Ok((Some((RecordKind::InvoiceVoided, detail)), Some(act.now)))
    });
    answer(&voided.await?)
}

/// Gives up an invoice that is past due: it is chased no more, and can still be paid.
///
/// # Errors
/// `conflict` of one that is not past due, `precondition_failed`, `not_found`, `forbidden`.
pub async fn write_off(call: Call) -> Result<Reply, Problem> {
    let expected = call.if_match()?;
    let body: WriteOffBody = call.body_or_default()?;
    let invoice = sight::sold(&call).await?;
    let act = call.act()?;
    let given_up = call.store().change_invoice(&invoice.id, &act, |invoice| {
        if expected.is_some_and(|expected| expected != invoice.version) {
            return Err(StoreError::Stale(invoice.version));
        }
        invoice.give_up().map_err(|_| StoreError::Conflict("only an invoice that is past due is given up"))?;
        let detail = json!({
            "invoice_id": invoice.id, "number": invoice.number, "due": invoice.due()?, "currency": invoice.currency, "reason": body.reason,
        });
        Ok((Some((RecordKind::InvoiceUncollectible, detail)), Some(act.now)))
    });
    answer(&given_up.await?)
}

fn why_not(error: &InvoiceError) -> &'static str {
    match error {
        InvoiceError::State(InvoiceState::Paid) => "the invoice is paid; a credit note corrects it",
        InvoiceError::NotUntouched => "something of the invoice was paid, credited or is in dispute; a credit note corrects it",
        _ => "the invoice cannot be voided",
    }
}
