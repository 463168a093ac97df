//! `POST /reseller/accounts/{id}/brand/preview`: a mail and an invoice with made-up content, in a brand that is not saved. They are written by what
//! writes the real ones.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_billing::making::shown;
use tributary_documents::Locale;
use tributary_domain::account::{Account, Settings};
use tributary_domain::billing::invoice::{Invoice, PartyShown};
use tributary_domain::billing::profile::SellerSettings;
use tributary_domain::brand::{Brand, brand_shown_by};
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_letters::Letter;
use tributary_runtime::secrets::sha256;

use crate::document::Reading;
use crate::pdf::{LINK_S, logo, rendered};
use crate::sight;

/// Where the invoice is kept, for a day; its link works for fifteen minutes.
const FOLDER: &str = "brand/previews";

/// What a brand looks like.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandPreview))]
pub struct PreviewView {
    /// What the mail is about.
    pub subject: String,
    /// The mail as a page.
    pub mail_html: String,
    /// The mail as plain text.
    pub mail_text: String,
    /// Where the invoice is downloaded as PDF, by anybody who has the link, for fifteen minutes.
    pub invoice_pdf_url: String,
}

/// A mail and an invoice in these tokens, with the account's logo and what accounts above it locked. Nothing of it is saved. The seller's address, tax
/// id and footer are on the invoice for who may read the account's billing.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `busy` if blobs cannot be reached.
pub async fn post(call: Call) -> Result<Reply, Problem> {
    let brand: Brand = call.body()?;
    let id: AccountId = call.id("id")?;
    let stored = sight::account(&call, Some(id), Right::AccountsRead).await?;
    let settings = Settings { brand: Some(brand), ..stored.settings.clone() };
    let account = Account { settings, ..stored };
    let path = call.store().path_to(&account).await?;
    // Address, tax id and footer are of billing: who may not read that sees the brand without them.
    let settings = match call.caller()?.over(Right::BillingRead)(&account.id, &account.lineage) {
        Ok(()) => call.store().seller(&account.id).await?.settings,
        Err(_) => SellerSettings::default(),
    };
    let seller = shown(&account, &path, &settings);
    let in_force = brand_shown_by(&path).ok_or_else(|| failed("no account was read".to_owned()))?;
    let letter = example_letter(&in_force.name);
    let written = letter.written(&in_force, &call.path(""), None).map_err(failed)?;
    let invoice = example_invoice(seller, &account).map_err(|error| failed(error.to_string()))?;
    let tag = path.iter().rev().find_map(|account| account.settings.locale.as_ref());
    let reading = Reading { locale: tag.map_or(Locale::En, |tag| Locale::of_tag(tag.as_str())), zone: TimeZone::UTC };
    let pdf = rendered(&invoice, &reading, logo(&call.app, &invoice).await?)?;
    // Named by what it is: asking again and again keeps one file.
    let name: String = sha256(&pdf).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{FOLDER}/{name}.pdf");
    call.app.blobs().put(&key, pdf, "application/pdf").await?;
    let invoice_pdf_url = call.app.blobs().link(&key, "invoice-preview.pdf", LINK_S).await?;
    Reply::ok(&PreviewView { subject: letter.subject, mail_html: written.html, mail_text: written.text, invoice_pdf_url })
}

fn failed(why: String) -> Problem {
    let mut problem = Problem::new(Code::Internal, "The preview could not be made.");
    problem.internal = Some(why);
    problem
}

fn example_letter(name: &str) -> Letter {
    Letter {
        subject: "Alert: balance of Example Ltd".to_owned(),
        paragraphs: vec![
            "What an alert watches at Example Ltd has crossed its threshold.".to_owned(),
            format!("This is an example of what {name} writes to its customers."),
        ],
        facts: vec![("Measured", "balance".to_owned()), ("Threshold", "50.000000".to_owned()), ("Now", "42.180000".to_owned())],
        link: None,
        optional: true,
    }
}

/// A hundred messages and a fee, with a tax of 20 %.
fn example_invoice(seller: PartyShown, account: &Account) -> Result<Invoice, serde_json::Error> {
    let country = seller.address.as_ref().map_or("AT", |address| address.country.as_str());
    let buyer = json!({
        "name": "Example Ltd", "email": "accounts@customer.example", "po_number": "PO-2026-0417",
        "address": { "line1": "1 High Street", "city": "Springfield", "postal_code": "1010", "country": country },
    });
    serde_json::from_value(json!({
        "id": "inv_01hx3v9k2mfd8bq5r7w1z4n6ty", "account_id": account.id, "seller_id": account.id, "number": "EXAMPLE-000001",
        "state": "finalized", "currency": account.currency,
        "period": { "label": "2026-10", "start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z" }, "part": 1,
        "ledger": { "from_seq": 0, "to_seq": 1 },
        "lines": [
            { "id": "usage:2026-10:sms", "kind": "usage", "text": "Messages", "meter": "sms", "month": "2026-10", "quantity": "100", "unit": "message",
              "exact": "75.000000", "amount": "75.000000", "taxable": true },
            { "id": "fee:support", "kind": "fee", "text": "Support", "exact": "25.000000", "amount": "25.000000", "taxable": true },
            { "id": "tax:vat", "kind": "tax", "text": "VAT", "exact": "20.000000", "amount": "20.000000", "tax_rate": "20",
              "of": ["usage:2026-10:sms", "fee:support"] },
        ],
        "subtotal": "100.000000", "tax": "20.000000", "total": "120.000000", "paid_from_credit": "0.000000", "paid": "0.000000",
        "returned": "0.000000", "disputed": "0.000000", "closed_at": "2026-11-01T00:00:00Z", "issued_at": "2026-11-01T00:00:00Z",
        "due_at": "2026-11-15T00:00:00Z", "seller": seller, "buyer": buyer, "version": 1,
    }))
}
