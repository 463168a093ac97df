//! `billing run`, `billing runs` and `billing rows`: what a month's invoices are, or would be, account by account.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded, read};
use crate::failure::Failure;
use crate::idempotency;
use crate::output::{Column, amount, clean, facts, table};
use crate::progress;

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A run that is asked for.
#[derive(Debug, clap::Args)]
pub struct Ask {
    /// The month whose invoices are meant, such as 2026-10
    #[arg(long, value_name = "MONTH", value_parser = month)]
    month: String,

    /// Only say what would be on each invoice, and how that differs from what is there: nothing is charged
    #[arg(long)]
    dry_run: bool,

    /// This account and those below it; all below your own unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// Show each line that differs, not sums alone
    #[arg(long)]
    lines: bool,

    /// Show accounts without a difference, too
    #[arg(long)]
    all: bool,

    /// Do not wait for the run's end
    #[arg(long)]
    no_wait: bool,
}

/// A run that was begun.
#[derive(Debug, clap::Args)]
pub struct Begun {
    /// The run
    #[arg(value_name = "RUN", value_parser = text())]
    run: String,

    /// Show each line that differs, not sums alone
    #[arg(long)]
    lines: bool,

    /// Show accounts without a difference, too
    #[arg(long)]
    all: bool,
}

/// Reads a month.
fn month(text: &str) -> Result<String, String> {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((year, month)) if digits(year, 4) && digits(month, 2) && (1..=12).contains(&month.parse().unwrap_or(0)) => Ok(text.to_owned()),
        _ => Err("must be a month such as 2026-10".to_owned()),
    }
}

#[derive(Debug, Deserialize)]
struct Shown {
    id: String,
    month: Option<String>,
    dry_run: bool,
    state: String,
    accounts: u64,
    invoices: u64,
    empty: u64,
    failed: u64,
    digest: Option<String>,
    created_at: String,
}

#[derive(Debug, Deserialize)]
struct Row {
    account_id: String,
    month: String,
    part: u32,
    state: String,
    currency: Option<String>,
    total: String,
    there: String,
    difference: String,
    lines: Vec<Line>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Line {
    text: String,
    amount: String,
    there: String,
}

impl Row {
    fn differs(&self) -> bool {
        self.error.is_some() || self.lines.iter().any(|line| line.amount != line.there)
    }
}

/// Begins a run and watches it to its end.
///
/// # Errors
/// [`Failure`].
pub fn ask(context: &Context, ask: &Ask) -> Result<(), Failure> {
    let mut body = json!({ "month": ask.month, "dry_run": ask.dry_run });
    if let Some(account) = &ask.account {
        body["account_id"] = json!(account);
    }
    let begun = context.client.send(&Request::post("/reseller/billing/runs", body).once_under(idempotency::fresh()))?;
    let id = begun.read::<Shown>()?.id;
    if ask.no_wait {
        return context.output.show(&begun.document, || Ok(rendered(&begun.read()?)));
    }
    let spinner = progress::spinner();
    spinner.set_message(format!("{} of {}", if ask.dry_run { "A dry run" } else { "The billing" }, ask.month));
    let ended = loop {
        let document = context.client.send(&Request::get(path(&id)))?.document;
        if read::<Shown>(&document)?.state == "completed" {
            break document;
        }
        std::thread::sleep(LOOK);
    };
    spinner.finish_and_clear();
    told(context, &ended, ask.lines, ask.all)
}

/// Shows a run with its rows.
///
/// # Errors
/// [`Failure`].
pub fn show(context: &Context, begun: &Begun) -> Result<(), Failure> {
    let document = context.client.send(&Request::get(path(&begun.run)))?.document;
    told(context, &document, begun.lines, begun.all)
}

/// Lists runs.
///
/// # Errors
/// [`Failure`].
pub fn list(context: &Context, limit: u32) -> Result<(), Failure> {
    let runs = context.client.list(&Request::get("/reseller/billing/runs"), usize::try_from(limit).ok())?;
    context.output.show(&Value::Array(runs.clone()), || {
        let columns = [
            Column::Left("run"),
            Column::Left("month"),
            Column::Left("kind"),
            Column::Left("state"),
            Column::Right("accounts"),
            Column::Right("invoices"),
            Column::Right("failed"),
            Column::Left("begun"),
        ];
        let lines = runs.iter().map(|run| {
            let run: Shown = read(run)?;
            let kind = if run.dry_run { "dry run" } else { "billing" };
            let counts = [run.accounts, run.invoices, run.failed].map(|count| count.to_string());
            let words = [run.id, run.month.unwrap_or_else(|| "due".to_owned()), kind.to_owned(), run.state];
            Ok(words.into_iter().chain(counts).chain([run.created_at]).collect())
        });
        Ok::<_, Failure>(table(&columns, lines.collect::<Result<Vec<_>, Failure>>()?).join("\n"))
    })
}

fn path(run: &str) -> String {
    format!("/reseller/billing/runs/{}", encoded(run))
}

fn told(context: &Context, document: &Value, lines: bool, all: bool) -> Result<(), Failure> {
    let run: Shown = read(document)?;
    let rows = if run.state == "completed" && run.month.is_some() {
        context.client.list(&Request::get(format!("{}/rows", path(&run.id))), None)?
    } else {
        Vec::new()
    };
    let whole = json!({ "run": document, "rows": rows });
    context.output.show(&whole, || {
        let rows = rows.iter().map(read).collect::<Result<Vec<Row>, Failure>>()?;
        Ok::<_, Failure>(format!("{}{}", rendered(&run), differences(&rows, lines, all)))
    })?;
    match usize::try_from(run.failed) {
        Ok(0) | Err(_) => Ok(()),
        Ok(problems) => Err(Failure::Unfit { problems }),
    }
}

fn rendered(run: &Shown) -> String {
    facts([
        ("id", run.id.clone()),
        ("month", run.month.clone().unwrap_or_default()),
        ("kind", if run.dry_run { "dry run: nothing was charged".to_owned() } else { "billing".to_owned() }),
        ("state", run.state.clone()),
        ("accounts", format!("{}: {} invoices, {} failed", run.accounts, run.invoices, run.failed)),
        ("empty", if run.empty == 0 { String::new() } else { format!("{} periods without anything to bill", run.empty) }),
        ("digest", run.digest.clone().unwrap_or_default()),
        ("begun", run.created_at.clone()),
    ])
}

fn differences(rows: &[Row], lines: bool, all: bool) -> String {
    let shown: Vec<&Row> = rows.iter().filter(|row| all || row.differs()).collect();
    let same = rows.len() - shown.len();
    let mut text = String::new();
    if !shown.is_empty() {
        let columns = [
            Column::Left("account"),
            Column::Left("period"),
            Column::Left("state"),
            Column::Right("is there"),
            Column::Right("would be"),
            Column::Right("difference"),
            Column::Left(""),
        ];
        let mut cells = Vec::new();
        for row in shown {
            let money = |value: &str| amount(value, row.currency.as_deref().unwrap_or_default());
            let period = if row.part > 1 { format!("{} ({})", row.month, row.part) } else { row.month.clone() };
            let error = clean(row.error.as_deref().unwrap_or_default());
            let sums = [money(&row.there), money(&row.total), money(&row.difference)];
            cells.push([row.account_id.clone(), period, row.state.clone()].into_iter().chain(sums).chain([error]).collect());
            for line in row.lines.iter().filter(|line| lines && (all || line.amount != line.there)) {
                let words = [format!("  {}", clean(&line.text)), String::new(), String::new()];
                cells.push(words.into_iter().chain([line.there.clone(), line.amount.clone(), String::new(), String::new()]).collect());
            }
        }
        text.push_str(&format!("\n\n{}", table(&columns, cells).join("\n")));
    }
    if same > 0 {
        text.push_str(&format!("\n\n{same} without a difference; --all shows them."));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(account: &str, there: &str, amount: &str) -> Value {
        json!({
            "account_id": account, "seller_id": "acc_0", "month": "2026-10", "part": 1, "state": "made", "invoice_id": null, "currency": "USD",
            "total": amount, "due": amount, "there": there, "difference": "1.500000", "error": null,
            "lines": [{"id": "u", "text": "Text messages", "amount": amount, "there": there}, {"id": "f", "text": "Base", "amount": "3.000000", "there": "3.000000"}],
        })
    }

    #[test]
    fn a_month_is_a_year_and_one_of_twelve() {
        assert_eq!(month("2026-10"), Ok("2026-10".to_owned()));
        for wrong in ["", "2026", "2026-13", "2026-00", "26-10", "2026-1", "2026-10-01", "October"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_differs_is_shown_and_the_rest_counted() {
        let rows: Vec<Row> = [row("acc_1", "2.000000", "3.500000"), row("acc_2", "2.000000", "2.000000")]
            .iter()
            .map(|row| read(row).expect("a row"))
            .collect();
        let text = differences(&rows, true, false);
        assert!(text.contains("acc_1") && text.contains("Text messages") && !text.contains("acc_2") && !text.contains("Base"), "{text}");
        assert!(text.ends_with("1 without a difference; --all shows them."), "{text}");
        assert!(differences(&rows, false, true).contains("acc_2"));
        assert_eq!(differences(&[], false, false), "");
    }
}
