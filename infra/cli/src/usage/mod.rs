//! `usage`: sending events, and what has been used.

mod answers;
mod export;
mod send;

use clap::builder::PossibleValuesParser;
use serde_json::Value;

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded};
use crate::failure::Failure;

const REPORT: &str = "\
Examples:
  tributary usage report --subtree --group-by account,meter
  tributary usage report acc_… --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --granularity day
  tributary --json usage report --subtree --group-by meter | jq -r '.[] | [.period_start, .meter, .cost] | @tsv'";

/// What to do with usage.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Send a file of events, a JSON object a line
    #[command(after_help = send::EXAMPLES)]
    Send(send::Args),
    /// Show why an event costs what it costs, level by level
    #[command(after_help = "Examples:\n  tributary usage explain 01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f --account acc_…")]
    Explain {
        /// The event's id
        #[arg(value_parser = text())]
        id: String,

        /// The account that used it; your own unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,
    },
    /// Show usage by periods, with cost, price and margin of your own level
    #[command(after_help = REPORT)]
    Report {
        #[command(flatten)]
        of: Of,

        /// From when on, such as 2026-11-01T00:00:00Z; from the beginning of the month unless told otherwise
        #[arg(long, value_name = "TIME")]
        from: Option<String>,

        /// Until before when; until now unless told otherwise
        #[arg(long, value_name = "TIME")]
        to: Option<String>,

        /// How long the periods are; days unless told otherwise
        #[arg(long, value_parser = PossibleValuesParser::new(["hour", "day", "month"]))]
        granularity: Option<String>,

        /// What is kept apart, with commas between: account, meter, tag:NAME, dimension:NAME
        #[arg(long, value_name = "WHAT", value_parser = text())]
        group_by: Option<String>,

        /// How many rows at most; all unless told otherwise
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Show today, the month, what changed, and who and what costs most
    #[command(after_help = "Examples:\n  tributary usage summary --subtree\n  tributary usage summary acc_… --period 2026-10")]
    Summary {
        #[command(flatten)]
        of: Of,

        /// The month, such as 2026-10; this one unless told otherwise
        #[arg(long, value_name = "MONTH")]
        period: Option<String>,
    },
    /// Make a file of all events of a time, wait for it and save it
    #[command(after_help = export::EXAMPLES)]
    Export(export::Args),
    /// Show what will probably be used, day by day
    #[command(after_help = "Examples:\n  tributary usage forecast acc_… --meter sms\n  tributary usage forecast --days 92")]
    Forecast {
        /// The account, with everything below it; your own unless told otherwise
        #[arg(value_parser = text())]
        account: Option<String>,

        /// Of this meter; what you pay for all of them unless told otherwise
        #[arg(long, value_parser = text())]
        meter: Option<String>,

        /// For how many days, today included
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=92))]
        days: u32,
    },
}

/// Whose usage.
#[derive(Debug, clap::Args)]
pub struct Of {
    /// The account; your own unless told otherwise
    #[arg(value_parser = text())]
    account: Option<String>,

    /// With everything below it
    #[arg(long)]
    subtree: bool,
}

impl Of {
    fn ask(self, path: &str) -> Request {
        Request::get(path).with("account_id", self.account).with("subtree", self.subtree.then_some(true))
    }
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Send(args) => send::run(context, &args),
        Command::Explain { id, account } => {
            let request = Request::get(format!("/reseller/usage/events/{}/explain", encoded(&id))).with("account_id", account);
            answered(context, &request, answers::explained)
        }
        Command::Report { of, from, to, granularity, group_by, limit } => {
            let request = of.ask("/reseller/usage/report").with("from", from).with("to", to);
            let request = request.with("granularity", granularity).with("group_by", group_by);
            let (rows, first) = context.client.list_with_first(&request, limit.and_then(|limit| usize::try_from(limit).ok()))?;
            let human = answers::reported(&rows, &first);
            context.output.show(&Value::Array(rows), || Ok(human))
        }
        Command::Summary { of, period } => answered(context, &of.ask("/reseller/usage/summary").with("period", period), answers::summed),
        Command::Export(args) => export::run(context, args),
        Command::Forecast { account, meter, days } => {
            let request = Request::get("/reseller/usage/forecast").with("account_id", account).with("meter", meter);
            answered(context, &request.with("horizon_days", Some(days)), answers::foreseen)
        }
    }
}

/// Shows an answer that is one document.
fn answered(context: &Context, request: &Request, human: fn(&Value) -> String) -> Result<(), Failure> {
    let answer = context.client.send(request)?;
    context.output.show(&answer.document, || Ok(human(&answer.document)))
}
