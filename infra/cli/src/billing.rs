//! `billing`: how an account bills its sub-accounts, and billing itself.

use serde::Deserialize;

use crate::Context;
use crate::args::text;
use crate::client::Request;
use crate::failure::Failure;
use crate::output::{Column, clean, facts, table};
use crate::runs;

/// What to do with billing.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show how an account bills its sub-accounts
    #[command(after_help = "Examples:\n  tributary billing settings\n  tributary --json billing settings acc_… | jq .dunning")]
    Settings {
        /// The account; your own unless told otherwise
        #[arg(value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,
    },
    /// Bill a month, or say what would be billed, account by account
    #[command(
        after_help = "Examples:\n  tributary billing run --month 2026-10 --dry-run\n  tributary billing run --month 2026-10 --dry-run --lines --account acc_…\n  tributary billing run --month 2026-10\n\nA run does what the schedule does by itself, and no more: a period that is not over is not billed, and nothing is billed twice."
    )]
    Run(runs::Ask),
    /// The runs that you asked for, newest first
    Runs {
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// What a run found, account by account
    Rows(runs::Begun),
}

#[derive(Debug, Deserialize)]
struct Settings {
    account_id: String,
    number_prefix: String,
    terms_days: Option<u16>,
    grace_hours: u16,
    draft_hours: u16,
    minimum: Option<String>,
    fees: Vec<Fee>,
    tax_rates: Vec<Tax>,
    collection: String,
    dunning: Dunning,
}

#[derive(Debug, Deserialize)]
struct Fee {
    id: String,
    name: String,
    amount: String,
    account_id: Option<String>,
    tag: Option<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tax {
    id: String,
    name: String,
    percent: String,
    country: Option<String>,
    tag: Option<Tag>,
}

#[derive(Debug, Deserialize)]
struct Dunning {
    retry_days: Vec<u16>,
    suspend_after_days: Option<u16>,
    uncollectible_after_days: Option<u16>,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: &Command) -> Result<(), Failure> {
    let account = match command {
        Command::Settings { account } => account,
        Command::Run(ask) => return runs::ask(context, ask),
        Command::Runs { limit } => return runs::list(context, *limit),
        Command::Rows(begun) => return runs::show(context, begun),
    };
    let answer = context.client.send(&Request::get("/reseller/billing/settings").with("account_id", account.as_ref()))?;
    context.output.show(&answer.document, || Ok(rendered(&answer.read()?)))
}

fn tagged(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| tag.value.as_ref().map_or_else(|| format!("tag {}", tag.name), |value| format!("tag {}={value}", tag.name)))
}

fn days(days: Option<u16>) -> String {
    days.map_or_else(|| "never".to_owned(), |days| format!("after {days} days"))
}

fn rendered(settings: &Settings) -> String {
    let retries = settings.dunning.retry_days.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let mut text = facts([
        ("account", settings.account_id.clone()),
        ("numbers", format!("{}-000001", settings.number_prefix)),
        ("due after", format!("{} days", settings.terms_days.unwrap_or(14))),
        ("late usage", format!("waited for {} hours", settings.grace_hours)),
        ("drafts", if settings.draft_hours == 0 { "issued at once".to_owned() } else { format!("for {} hours", settings.draft_hours) }),
        ("minimum", settings.minimum.clone().unwrap_or_default()),
        ("collection", settings.collection.clone()),
        ("tried again", if retries.is_empty() { "never".to_owned() } else { format!("{retries} days after the due date") }),
        ("suspended", days(settings.dunning.suspend_after_days)),
        ("given up", days(settings.dunning.uncollectible_after_days)),
    ]);
    if !settings.fees.is_empty() {
        let columns = [Column::Left("fee"), Column::Left("name"), Column::Right("amount"), Column::Left("for")];
        let rows = settings.fees.iter().map(|fee| {
            let whose = fee.account_id.clone().or_else(|| tagged(fee.tag.as_ref())).unwrap_or_else(|| "all".to_owned());
            vec![fee.id.clone(), clean(&fee.name), fee.amount.clone(), clean(&whose)]
        });
        text.push_str(&format!("\n\n{}", table(&columns, rows).join("\n")));
    }
    if !settings.tax_rates.is_empty() {
        let columns = [Column::Left("tax"), Column::Left("name"), Column::Right("percent"), Column::Left("for")];
        let rows = settings.tax_rates.iter().map(|tax| {
            let country = tax.country.as_ref().map(|country| format!("buyers in {country}"));
            let whose = [country, tagged(tax.tag.as_ref())].into_iter().flatten().collect::<Vec<_>>().join(", ");
            vec![tax.id.clone(), clean(&tax.name), tax.percent.clone(), if whose.is_empty() { "all".to_owned() } else { clean(&whose) }]
        });
        text.push_str(&format!("\n\n{}", table(&columns, rows).join("\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_who_pays_which_fee_and_tax() {
        let settings = serde_json::json!({
            "account_id": "acc_1", "number_prefix": "NW", "terms_days": null, "grace_hours": 48, "draft_hours": 0, "minimum": "5.000000",
            "fees": [
                {"id": "base", "name": "Base", "amount": "30.000000", "account_id": null, "tag": null},
                {"id": "emea", "name": "EMEA desk", "amount": "2.000000", "account_id": null, "tag": {"name": "region", "value": "emea"}},
            ],
            "tax_rates": [{"id": "vat", "name": "VAT", "percent": "20", "country": "AT", "tag": null}],
            "collection": "manual",
            "dunning": {"retry_days": [1, 3], "remind_days": [], "suspend_after_days": 14, "uncollectible_after_days": null},
        });
        assert_eq!(
            rendered(&serde_json::from_value(settings).expect("settings")),
            "account      acc_1\n\
             numbers      NW-000001\n\
             due after    14 days\n\
             late usage   waited for 48 hours\n\
             drafts       issued at once\n\
             minimum      5.000000\n\
             collection   manual\n\
             tried again  1, 3 days after the due date\n\
             suspended    after 14 days\n\
             given up     never\n\n\
             fee   name          amount  for\n\
             base  Base       30.000000  all\n\
             emea  EMEA desk   2.000000  tag region=emea\n\n\
             tax  name  percent  for\n\
             vat  VAT        20  buyers in AT"
        );
    }
}
