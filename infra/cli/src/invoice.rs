//! `invoice`: listing, showing and downloading invoices.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use serde::Deserialize;
use serde_json::Value;

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded, read};
use crate::failure::Failure;
use crate::output::{Column, amount, amounts, clean, facts, table};

/// What to do with invoices.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Invoices that an account was sent, or sent itself, newest first
    #[command(
        after_help = "Examples:\n  tributary invoice list\n  tributary invoice list --sold --state past_due\n  tributary invoice list --account acc_… --from 2026-10-01T00:00:00Z"
    )]
    List(List),
    /// Show an invoice with its lines
    Show {
        #[command(flatten)]
        invoice: Invoice,
    },
    /// Show what the invoice of the running period would say
    Preview {
        /// The account; your own unless told otherwise
        #[arg(value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,
    },
    /// Download an invoice as PDF
    #[command(after_help = "Examples:\n  tributary invoice pdf inv_…\n  tributary invoice pdf inv_… --out october.pdf")]
    Pdf {
        #[command(flatten)]
        invoice: Invoice,

        /// Where it is saved; under its number here unless told otherwise
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Which invoices.
#[derive(Debug, clap::Args)]
pub struct List {
    /// The account; your own unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// Those that it sent, not those that it was sent
    #[arg(long)]
    sold: bool,

    /// Only those that stand there
    #[arg(long, value_parser = PossibleValuesParser::new(["draft", "finalized", "paid", "past_due", "void", "uncollectible"]))]
    state: Option<String>,

    /// Whose periods ended at this time or later, such as 2026-10-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// And before this one
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Which invoice.
#[derive(Debug, clap::Args)]
pub struct Invoice {
    /// The invoice
    #[arg(value_name = "INVOICE", value_parser = text())]
    invoice: String,
}

#[derive(Debug, Deserialize)]
struct Period {
    label: String,
    start: String,
    end: String,
}

#[derive(Debug, Deserialize)]
struct Summary {
    id: String,
    account_id: String,
    number: Option<String>,
    state: String,
    currency: String,
    period: Period,
    subtotal: String,
    tax: String,
    total: String,
    paid_from_credit: String,
    credited: String,
    paid: String,
    disputed: String,
    due: String,
    issued_at: Option<String>,
    due_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Party {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Line {
    text: String,
    month: Option<String>,
    quantity: Option<String>,
    unit: Option<String>,
    amount: String,
    settled: bool,
}

#[derive(Debug, Deserialize)]
struct Shown {
    #[serde(flatten)]
    summary: Summary,
    lines: Vec<Line>,
    seller: Party,
    buyer: Party,
}

#[derive(Debug, Deserialize)]
struct Pdf {
    file_name: String,
    download_url: String,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List(list) => listed(context, list),
        Command::Show { invoice } => {
            let answer = context.client.send(&Request::get(path(&invoice.invoice, "")))?;
            context.output.show(&answer.document, || Ok(rendered(&answer.read()?)))
        }
        Command::Preview { account } => {
            let answer = context.client.send(&Request::get("/reseller/invoices/preview").with("account_id", account))?;
            context.output.show(&answer.document, || match answer.document.get("invoice").filter(|invoice| !invoice.is_null()) {
                Some(invoice) => Ok(rendered(&read(invoice)?)),
                None => Ok("There is nothing to bill yet.".to_owned()),
            })
        }
        Command::Pdf { invoice, out } => pdf(context, &invoice.invoice, out),
    }
}

fn path(invoice: &str, rest: &str) -> String {
    format!("/reseller/invoices/{}{rest}", encoded(invoice))
}

fn listed(context: &Context, list: List) -> Result<(), Failure> {
    let request = Request::get("/reseller/invoices").with("account_id", list.account).with("side", list.sold.then_some("sold"));
    let request = request.with("state", list.state).with("from", list.from).with("to", list.to);
    let invoices = context.client.list(&request, usize::try_from(list.limit).ok())?;
    context.output.show(&Value::Array(invoices.clone()), || {
        let (total, due) = (Column::Right("total"), Column::Right("due"));
        let columns = [
            Column::Left("invoice"),
            Column::Left("number"),
            Column::Left("period"),
            Column::Left("state"),
            total,
            due,
            Column::Left("account"),
        ];
        let rows = invoices.iter().map(|invoice| {
            let of: Summary = read(invoice)?;
            let money = |micros: &str| amount(micros, &of.currency);
            let (total, due) = (money(&of.total), money(&of.due));
            Ok(vec![of.id, of.number.unwrap_or_default(), of.period.label, of.state, total, due, of.account_id])
        });
        Ok::<_, Failure>(table(&columns, rows.collect::<Result<Vec<_>, Failure>>()?).join("\n"))
    })
}

fn rendered(invoice: &Shown) -> String {
    let of = &invoice.summary;
    let head = facts([
        ("id", of.id.clone()),
        ("number", of.number.clone().unwrap_or_default()),
        ("state", of.state.clone()),
        ("from", clean(&invoice.seller.name)),
        ("to", clean(&invoice.buyer.name)),
        ("period", format!("{} ({} to {})", of.period.label, of.period.start, of.period.end)),
        ("issued", of.issued_at.clone().unwrap_or_default()),
        ("payable by", of.due_at.clone().unwrap_or_default()),
    ]);
    let columns = [Column::Left("what"), Column::Left("month"), Column::Right("quantity"), Column::Left("unit"), Column::Right("amount")];
    let lines = invoice.lines.iter().map(|line| {
        let what = if line.settled { format!("{} (paid from credit)", line.text) } else { line.text.clone() };
        let word = |text: &Option<String>| text.as_deref().map(clean).unwrap_or_default();
        vec![clean(&what), word(&line.month), word(&line.quantity), word(&line.unit), line.amount.clone()]
    });
    let named = [
        ("subtotal", &of.subtotal),
        ("tax", &of.tax),
        ("total", &of.total),
        ("paid from credit", &of.paid_from_credit),
        ("credited", &of.credited),
        ("paid", &of.paid),
        ("disputed", &of.disputed),
        ("due", &of.due),
    ];
    // Nothing of a draft is due yet.
    let always: &[&str] = if of.state == "draft" { &["subtotal", "total"] } else { &["subtotal", "total", "due"] };
    let sums = named.into_iter().filter(|(name, sum)| always.contains(name) || *sum != "0.000000");
    let sums = amounts(sums.map(|(name, sum)| (name, amount(sum, &of.currency))));
    format!("{head}\n\n{}\n\n{sums}", table(&columns, lines).join("\n"))
}

fn pdf(context: &Context, invoice: &str, out: Option<PathBuf>) -> Result<(), Failure> {
    let mut document = context.client.send(&Request::get(path(invoice, "/pdf")))?.document;
    let found: Pdf = read(&document)?;
    let out = out.unwrap_or_else(|| PathBuf::from(plain(&found.file_name)));
    let bytes = saved(context, &found.download_url, &out)?;
    // A link is a credential, and soon ends.
    document.as_object_mut().map(|members| members.remove("download_url"));
    context.output.show(&document, || Ok(format!("{bytes} bytes in {}", out.display())))
}

/// A file's name that stays in its folder, whatever the answer says.
fn plain(name: &str) -> String {
    let plain = |char: char| if char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-') { char } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with('.') { format!("invoice{name}") } else { name }
}

/// Saves the file, whole or not at all.
fn saved(context: &Context, url: &str, out: &Path) -> Result<usize, Failure> {
    let cannot = |error: std::io::Error| Failure::File { path: out.display().to_string(), why: error.to_string() };
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = out.with_file_name(name);
    let mut bytes = 0;
    let written = File::create(&part).map_err(cannot).and_then(|mut file| {
        context.client.download(url, |chunk| {
            bytes += chunk.len();
            file.write_all(chunk).map_err(cannot)
        })?;
        file.sync_all().map_err(cannot)
    });
    let moved = written.and_then(|()| fs::rename(&part, out).map_err(cannot));
    if moved.is_err() {
        // What is left of it is of no use, and may not be there.
        let _ = fs::remove_file(&part);
    }
    moved.map(|()| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_is_shown_with_its_lines_and_the_sums_that_are_not_nothing() {
        let invoice = serde_json::json!({
            "id": "inv_1", "account_id": "acc_1", "number": "NW-000001", "state": "finalized", "currency": "USD",
            "period": {"label": "2026-10", "start": "2026-10-01T00:00:00.000Z", "end": "2026-11-01T00:00:00.000Z"},
            "subtotal": "91.730000", "tax": "18.350000", "total": "110.080000", "paid_from_credit": "0.000000", "credited": "0.000000",
            "paid": "10.000000", "disputed": "0.000000", "due": "100.080000", "issued_at": "2026-11-01T00:00:00.000Z", "due_at": null,
            "seller": {"name": "Northwind"}, "buyer": {"name": "Harbor"},
            "lines": [
                {"text": "SMS", "month": "2026-10", "quantity": "1234.500000", "unit": "message", "amount": "61.730000", "settled": false},
                {"text": "Base", "month": null, "quantity": null, "unit": null, "amount": "30.000000", "settled": false},
            ],
        });
        assert_eq!(
            rendered(&serde_json::from_value(invoice).expect("an invoice")),
            "id      inv_1\n\
             number  NW-000001\n\
             state   finalized\n\
             from    Northwind\n\
             to      Harbor\n\
             period  2026-10 (2026-10-01T00:00:00.000Z to 2026-11-01T00:00:00.000Z)\n\
             issued  2026-11-01T00:00:00.000Z\n\n\
             what  month       quantity  unit        amount\n\
             SMS   2026-10  1234.500000  message  61.730000\n\
             Base                                 30.000000\n\n\
             subtotal   91.730000 USD\n\
             tax        18.350000 USD\n\
             total     110.080000 USD\n\
             paid       10.000000 USD\n\
             due       100.080000 USD"
        );
    }

    #[test]
    fn a_file_stays_in_its_folder() {
        assert_eq!(plain("NW-000001.pdf"), "NW-000001.pdf");
        assert_eq!(plain("../../etc/passwd"), "invoice.._.._etc_passwd");
    }
}
