//! `history`.

use clap::builder::PossibleValuesParser;
use serde::Deserialize;
use serde_json::Value;

use crate::Context;
use crate::args::text;
use crate::client::{Request, read};
use crate::failure::Failure;
use crate::output::{Column, amount, change, table};

/// Shown under the help.
pub const EXAMPLES: &str = "\
Examples:
  tributary history
  tributary history acc_… --limit 500 --kind allocation
  tributary history acc_… --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z";

/// The kinds of entries that move credit.
const KINDS: [&str; 19] = [
    "allocation",
    "transfer",
    "issue",
    "reversal",
    "sweep",
    "hold",
    "capture",
    "release",
    "expiry",
    "purchase",
    "auto_topup",
    "lot_expired",
    "usage",
    "usage_adjustment",
    "bulk_escrow",
    "bulk_return",
    "invoice_payment",
    "credit_note",
    "card_topup",
];

/// Which entries.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The account; your own unless told otherwise
    #[arg(value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// How many entries at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Only entries of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,

    /// Only entries from this time on, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only entries before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    created_at: String,
    kind: String,
    amount: String,
    held_amount: String,
    balance_after: String,
    currency: String,
    counterparty: Option<String>,
    reference: Option<String>,
    transfer_id: Option<String>,
    hold_id: Option<String>,
}

/// Shows an account's ledger.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let request = Request::get("/reseller/credits/history")
        .with("account_id", args.account.as_ref())
        .with("from", args.from.as_ref())
        .with("to", args.to.as_ref())
        .with("kind", args.kind.as_ref());
    let rows = Value::Array(context.client.list(&request, usize::try_from(args.limit).ok())?);
    context.output.show(&rows, || Ok(rendered(read(&rows)?)))
}

fn rendered(entries: Vec<Entry>) -> String {
    if entries.is_empty() {
        return "No entries.".to_owned();
    }
    // Most ledgers hold nothing; theirs go without the column.
    let holds = entries.iter().any(|entry| !is_zero(&entry.held_amount));
    let columns = [
        Some(Column::Left("TIME")),
        Some(Column::Left("KIND")),
        Some(Column::Right("AMOUNT")),
        holds.then_some(Column::Right("HELD")),
        Some(Column::Right("BALANCE")),
        Some(Column::Left("COUNTERPARTY")),
        Some(Column::Left("TRANSFER OR HOLD")),
        Some(Column::Left("REFERENCE")),
    ];
    let columns: Vec<Column> = columns.into_iter().flatten().collect();
    table(&columns, entries.into_iter().map(|entry| row(entry, holds))).join("\n")
}

fn row(entry: Entry, holds: bool) -> Vec<String> {
    let held = if is_zero(&entry.held_amount) { String::new() } else { change(&entry.held_amount, &entry.currency) };
    let cells = [
        Some(entry.created_at),
        Some(entry.kind),
        Some(change(&entry.amount, &entry.currency)),
        holds.then_some(held),
        Some(amount(&entry.balance_after, &entry.currency)),
        Some(entry.counterparty.unwrap_or_default()),
        Some(entry.transfer_id.or(entry.hold_id).unwrap_or_default()),
        Some(entry.reference.unwrap_or_default()),
    ];
    cells.into_iter().flatten().collect()
}

fn is_zero(amount: &str) -> bool {
    amount.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use tributary_domain::ledger::EntryKind;

    use super::*;

    #[test]
    fn the_kinds_are_those_of_the_ledger() {
        assert_eq!(KINDS, EntryKind::MONEY.map(EntryKind::word));
    }

    #[test]
    fn changes_carry_their_sign_and_nothing_held_is_left_blank() {
        let entry = |amount: &str, held: &str| Entry {
            created_at: "2026-11-22T15:16:00Z".to_owned(),
            kind: "hold".to_owned(),
            amount: amount.to_owned(),
            held_amount: held.to_owned(),
            balance_after: "10.000000".to_owned(),
            currency: "USD".to_owned(),
            counterparty: None,
            reference: None,
            transfer_id: None,
            hold_id: Some("hld_1".to_owned()),
        };
        let text = rendered(vec![entry("-2.500000", "2.500000"), entry("5.000000", "0.000000")]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("hold  -2.500000 USD  +2.500000 USD  10.000000 USD"), "{text}");
        assert!(lines[2].contains("hold  +5.000000 USD                 10.000000 USD"), "{text}");
        let text = rendered(vec![entry("5.000000", "0.000000")]);
        assert!(!text.contains("HELD") && text.contains("hold  +5.000000 USD  10.000000 USD"), "{text}");
        assert_eq!(rendered(Vec::new()), "No entries.");
    }
}
