//! `GET /reseller/invoices/{id}/pdf`: a link to an invoice as PDF. It is rendered once for each state and sum of payments that it is asked for in, and
//! kept; a draft, which may still change, for a day.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{App, Call, Code, Problem, Reply};
use tributary_documents::{Locale, render};
use tributary_domain::billing::invoice::{Invoice, InvoiceState};
use tributary_domain::id::{AccountId, InvoiceId};
use tributary_domain::money::Overflow;
use tributary_domain::rights::Right;
use tributary_runtime::secrets::digest;
use tributary_store::Store;
use tributary_store::error::StoreError;

use crate::document::{self, EDITION, Reading};
use crate::sight;

/// How long a link works.
pub(crate) const LINK_S: u32 = 15 * 60;
/// What is kept, and what is thrown away after a day.
const KEPT: &str = "invoices";
const DRAFTS: &str = "invoice-drafts";

/// A link to an invoice as PDF.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InvoicePdf))]
pub struct PdfView {
    /// The invoice.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::InvoiceId))]
    pub invoice_id: InvoiceId,
    /// What the file is called.
    pub file_name: String,
    /// Where it is downloaded, by anybody who has the link. Made anew each time.
    pub download_url: String,
    /// Until when the link works.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
}

/// A link to an invoice as PDF, in its seller's brand and its buyer's language.
///
/// # Errors
/// `not_found`, `forbidden`, `busy` if blobs cannot be reached.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let invoice = sight::invoice(&call, Right::BillingRead).await?.invoice;
    let (key, blobs) = (key(&invoice), call.app.blobs());
    if blobs.get(&key).await?.is_none() {
        let reading = reading(call.store(), &invoice).await?;
        let logo = logo(&call.app, &invoice).await?;
        blobs.put(&key, rendered(&invoice, &reading, logo)?, "application/pdf").await?;
    }
    let file_name = file_name(&invoice);
    let download_url = blobs.link(&key, &file_name, LINK_S).await?;
    let expires_at = call.app.now().checked_add(SignedDuration::from_secs(i64::from(LINK_S))).unwrap_or(Timestamp::MAX);
    Reply::ok(&PdfView { invoice_id: invoice.id, file_name, download_url, expires_at })
}

fn file_name(invoice: &Invoice) -> String {
    let name = invoice.number.clone().unwrap_or_else(|| format!("draft-{}", invoice.period.label));
    format!("{name}.pdf")
}

/// Where its PDF is kept: all that the document shows beside what is frozen is in the name.
fn key(invoice: &Invoice) -> String {
    let shown = format!(
        "{EDITION} {} {:?} {} {} {} {}",
        invoice.state.word(),
        invoice.number,
        invoice.paid,
        invoice.returned,
        invoice.credited,
        invoice.disputed
    );
    let draft = invoice.state == InvoiceState::Draft;
    let (folder, shown) = if draft { (DRAFTS, format!("{shown} {}", invoice.version)) } else { (KEPT, shown) };
    format!("{folder}/{}/{}.pdf", invoice.id, digest(shown.as_bytes()))
}

/// The bytes of the seller's logo, if the invoice has one.
pub(crate) async fn logo(app: &App, invoice: &Invoice) -> Result<Option<Vec<u8>>, Problem> {
    match &invoice.seller.logo {
        Some(digest) => Ok(app.blobs().get(&digest.blob_key()).await?),
        None => Ok(None),
    }
}

/// An invoice as PDF, with this logo.
pub(crate) fn rendered(invoice: &Invoice, reading: &Reading, logo: Option<Vec<u8>>) -> Result<Vec<u8>, Problem> {
    let failed = |why: String| {
        let mut problem = Problem::new(Code::Internal, "The invoice could not be written as PDF.");
        problem.internal = Some(why);
        problem
    };
    let mut document = document::of(invoice, reading).map_err(|error: Overflow| failed(error.to_string()))?;
    document.brand.logo = logo;
    Ok(render(&document).map_err(|error| failed(error.to_string()))?.pdf)
}

/// The language and the zone of an invoice's buyer: its own, else of the nearest account above that has one.
async fn reading(store: &Store, invoice: &Invoice) -> Result<Reading, StoreError> {
    let buyer = store.account(&invoice.account_id).await?;
    let ids: Vec<AccountId> = buyer.lineage.ids().cloned().collect();
    let mut path = store.accounts(&ids).await?;
    let zone = match store.billing(&buyer.id).await?.and_then(|billing| billing.profile.time_zone) {
        Some(zone) => Some(zone),
        None => buyer.settings.time_zone.clone(),
    };
    path.push(buyer);
    let tag = path.iter().rev().find_map(|account| account.settings.locale.as_ref());
    Ok(Reading { locale: tag.map_or(Locale::En, |tag| Locale::of_tag(tag.as_str())), zone: zone.map_or(TimeZone::UTC, |zone| zone.zone()) })
}
