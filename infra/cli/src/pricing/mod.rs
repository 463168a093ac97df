//! `pricing`: what things cost, and the rules that say so.

mod answers;
mod rules;

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::Context;
use crate::args::text;
use crate::client::{Request, encoded};
use crate::draft::{self, given, on};
use crate::failure::Failure;
use crate::idempotency;

const QUOTE: &str = "\
Examples:
  tributary pricing quote sms=1000
  tributary pricing quote sms=1000 voice=12.5 --account acc_… --why
  tributary pricing quote sms=1000 --account acc_… --at 2026-12-01T00:00:00Z";

const ADD_CARD: &str = "\
Examples:
  tributary pricing cards add --meter sms --unit-price 0.045
  tributary pricing cards add --file card.json
  echo '{\"model\": {\"type\": \"package\", \"size\": \"100\", \"price\": \"1.50\"}}' | tributary pricing cards add --file - --meter sms";

const WHAT_IF: &str = "\
Examples:
  tributary pricing what-if --file draft.json
  echo '{\"markup\": {\"percent\": \"30\"}}' | tributary pricing what-if --file - --month 2026-10";

/// What to do with prices.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Say what usage would cost now, or at a time
    #[command(after_help = QUOTE)]
    Quote {
        /// What is used, such as sms=1000
        #[arg(value_name = "METER=QUANTITY", required = true, num_args = 1..=100, value_parser = line)]
        lines: Vec<(String, String)>,

        /// Who uses it; your own account unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,

        /// When, such as 2026-12-01T00:00:00Z; now unless told otherwise
        #[arg(long, value_name = "TIME")]
        at: Option<String>,

        /// Show how each price is made
        #[arg(long)]
        why: bool,
    },
    /// Show which rule sets the price of a meter at every level, and what the next unit costs
    #[command(after_help = "Examples:\n  tributary pricing resolve sms\n  tributary pricing resolve sms --account acc_… --why")]
    Resolve {
        /// The meter
        #[arg(value_parser = text())]
        meter: String,

        /// Who would use it; your own account unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,

        /// When, such as 2026-12-01T00:00:00Z; now unless told otherwise
        #[arg(long, value_name = "TIME")]
        at: Option<String>,

        /// Show every rule that was looked at
        #[arg(long)]
        why: bool,
    },
    /// Say what a past month would have brought with another card or markup; changes nothing
    #[command(after_help = WHAT_IF)]
    WhatIf {
        #[command(flatten)]
        from: draft::From,

        /// The month, such as 2026-10, unless the file says it
        #[arg(long, value_name = "MONTH", required_unless_present = "file")]
        month: Option<String>,

        /// Whose prices; your own account's unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        seller: Option<String>,
    },
    /// List and make meters
    #[command(subcommand)]
    Meters(Meters),
    /// Show and set volume tiers
    #[command(subcommand)]
    Tiers(Tiers),
    /// List, add and withdraw rate cards
    #[command(subcommand)]
    Cards(Cards),
    /// List and add markups
    #[command(subcommand)]
    Markups(Markups),
    /// List, add, end and redeem promotions
    #[command(subcommand)]
    Promotions(Promotions),
    /// List, add and retire packages of credit
    #[command(subcommand)]
    Packages(Packages),
}

/// What to do with meters.
#[derive(Debug, clap::Subcommand)]
pub enum Meters {
    /// List the meters that an account knows
    List {
        /// The account; your own unless told otherwise
        #[arg(value_parser = text())]
        account: Option<String>,
    },
    /// Make a meter
    #[command(after_help = "Examples:\n  tributary pricing meters add --key sms --name 'Text messages' --unit message --aggregation sum")]
    Add {
        #[command(flatten)]
        from: draft::From,

        /// Its key, such as sms; it never changes
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        key: Option<String>,

        /// What it is called
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        name: Option<String>,

        /// What is counted, such as message
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        unit: Option<String>,

        /// How it counts; it never changes
        #[arg(long, value_parser = PossibleValuesParser::new(["sum", "count", "max", "unique"]), required_unless_present = "file")]
        aggregation: Option<String>,

        #[command(flatten)]
        once: Once,
    },
}

/// What to do with tiers.
#[derive(Debug, clap::Subcommand)]
pub enum Tiers {
    /// Show the tiers that an account gives, and where it stands with its own seller
    Show {
        /// The account; your own unless told otherwise
        #[arg(value_parser = text())]
        account: Option<String>,
    },
    /// Set the tiers that an account gives its direct resellers
    #[command(
        after_help = "Examples:\n  tributary pricing tiers set --file tiers.json    # {\"tiers\": [{\"name\": \"bronze\", \"from\": \"1000\", \"discount\": \"5\"}]}"
    )]
    Set {
        #[command(flatten)]
        from: draft::From,

        /// The account; your own unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,
    },
}

/// Which cards or markups.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Whose; your own account's unless told otherwise
    #[arg(value_parser = text())]
    seller: Option<String>,

    /// Those for this direct sub-account alone, instead of those for all
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// Only those of this meter
    #[arg(long, value_parser = text())]
    meter: Option<String>,

    /// Only those in force at this time, such as 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// For whom, and from when, a rule is made.
#[derive(Debug, clap::Args)]
pub struct Scope {
    /// Whose rule; your own account's unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    seller: Option<String>,

    /// For this direct sub-account alone
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// From when on, such as 2026-12-01T00:00:00Z; now unless told otherwise
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Allow a price below what the seller pays itself
    #[arg(long)]
    allow_loss: bool,

    #[command(flatten)]
    once: Once,
}

/// The key under which something is made at most once.
#[derive(Debug, clap::Args)]
pub struct Once {
    /// The key under which this is done at most once; a fresh one unless given
    #[arg(long, value_name = "KEY", value_parser = idempotency::parse)]
    idempotency_key: Option<String>,
}

/// What to do with rate cards.
#[derive(Debug, clap::Subcommand)]
pub enum Cards {
    /// List a seller's rate cards, all versions
    List(Which),
    /// Add a rate card: a price from a moment on
    #[command(after_help = ADD_CARD)]
    Add {
        #[command(flatten)]
        draft: draft::From,

        /// The meter
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        meter: Option<String>,

        /// What each unit costs; other models come in a file
        #[arg(long, value_name = "PRICE", value_parser = text(), required_unless_present = "file")]
        unit_price: Option<String>,

        /// The currency; the seller's unless told otherwise
        #[arg(long, value_parser = text())]
        currency: Option<String>,

        #[command(flatten)]
        scope: Scope,
    },
    /// Withdraw a rate card that has not begun
    Withdraw {
        /// The card
        #[arg(value_parser = text())]
        id: String,

        /// Whose; your own account's unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        seller: Option<String>,

        /// The sub-account that it was made for, if it was for one
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,
    },
}

/// What to do with markups.
#[derive(Debug, clap::Subcommand)]
pub enum Markups {
    /// List a seller's markups, all versions
    List(Which),
    /// Add a markup: what comes on top of the seller's own cost, from a moment on
    #[command(
        after_help = "Examples:\n  tributary pricing markups add --percent 25\n  tributary pricing markups add --fixed 0.01 --meter sms --account acc_…\n  tributary pricing markups add --end --account acc_…"
    )]
    Add {
        #[command(flatten)]
        draft: draft::From,

        /// So many percent
        #[arg(long, value_parser = text(), required_unless_present_any = ["file", "fixed", "end"])]
        percent: Option<String>,

        /// So much a unit
        #[arg(long, value_name = "PRICE", value_parser = text(), conflicts_with = "percent")]
        fixed: Option<String>,

        /// End the markup that is in force
        #[arg(long, conflicts_with_all = ["percent", "fixed"])]
        end: bool,

        /// For this meter alone
        #[arg(long, value_parser = text())]
        meter: Option<String>,

        #[command(flatten)]
        scope: Scope,
    },
}

/// What to do with promotions.
#[derive(Debug, clap::Subcommand)]
pub enum Promotions {
    /// List an account's promotions, newest first
    List {
        /// Whose; your own account's unless told otherwise
        #[arg(value_parser = text())]
        seller: Option<String>,
    },
    /// Add a promotion
    #[command(
        after_help = "Examples:\n  tributary pricing promotions add --name Welcome --percent 10 --until 2027-01-01T00:00:00Z --code welcome\n  tributary pricing promotions add --file promotion.json"
    )]
    Add {
        #[command(flatten)]
        draft: draft::From,

        /// What it is called
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        name: Option<String>,

        /// So many percent off
        #[arg(long, value_parser = text(), required_unless_present_any = ["file", "fixed"])]
        percent: Option<String>,

        /// So much off a unit
        #[arg(long, value_name = "PRICE", value_parser = text(), conflicts_with = "percent")]
        fixed: Option<String>,

        /// Until when, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME", required_unless_present = "file")]
        until: Option<String>,

        /// Only for those who redeem this code
        #[arg(long, value_parser = text())]
        code: Option<String>,

        #[command(flatten)]
        scope: Scope,
    },
    /// End a promotion now
    End {
        /// The promotion
        #[arg(value_parser = text())]
        id: String,

        /// Whose; your own account's unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        seller: Option<String>,
    },
    /// Redeem a code
    Redeem {
        /// The code
        #[arg(value_parser = text())]
        code: String,

        /// For whom; your own account unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        account: Option<String>,

        #[command(flatten)]
        once: Once,
    },
}

/// What to do with packages.
#[derive(Debug, clap::Subcommand)]
pub enum Packages {
    /// List a seller's packages, or what an account may buy
    #[command(after_help = "Examples:\n  tributary pricing packages list\n  tributary pricing packages list --buyer acc_…")]
    List {
        /// Whose; your own account's unless told otherwise
        #[arg(value_parser = text())]
        seller: Option<String>,

        /// What this account may buy from its parent now, instead
        #[arg(long, value_name = "ACCOUNT", value_parser = text(), conflicts_with = "seller")]
        buyer: Option<String>,
    },
    /// Offer a package of credit
    #[command(
        after_help = "Examples:\n  tributary pricing packages add --name 'Starter 500' --credits 500 --bonus 25 --price 490 --valid-days 180"
    )]
    Add {
        #[command(flatten)]
        draft: draft::From,

        /// What it is called
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        name: Option<String>,

        /// How many credits, whole
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        credits: Option<String>,

        /// What it costs
        #[arg(long, value_parser = text(), required_unless_present = "file")]
        price: Option<String>,

        /// How many credits come on top
        #[arg(long, value_parser = text())]
        bonus: Option<String>,

        /// For how many days its credits can be spent
        #[arg(long, value_name = "DAYS")]
        valid_days: Option<u32>,

        /// Whose; your own account's unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        seller: Option<String>,

        #[command(flatten)]
        once: Once,
    },
    /// Take a package out of sale
    Retire {
        /// The package
        #[arg(value_parser = text())]
        id: String,

        /// Whose; your own account's unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        seller: Option<String>,
    },
}

/// Reads `sms=1000`.
fn line(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((meter, quantity)) if !meter.is_empty() && !quantity.is_empty() => Ok((meter.to_owned(), quantity.to_owned())),
        _ => Err("must name a meter and a quantity, such as sms=1000".to_owned()),
    }
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Quote { lines, account, at, why } => {
            let line = |(meter, quantity): (String, String)| json!({"meter": meter, "quantity": quantity});
            let lines: Vec<Value> = lines.into_iter().map(line).collect();
            let document = draft::members([("lines", Some(lines.into())), ("account_id", given(account)), ("at", given(at))]);
            answered(context, &Request::post("/reseller/pricing/quote", document).harmless(), |quoted| answers::quoted(quoted, why))
        }
        Command::Resolve { meter, account, at, why } => {
            let request = Request::get("/reseller/pricing/resolve").with("account_id", account).with("meter", Some(meter)).with("at", at);
            answered(context, &request, |resolved| answers::resolved(resolved, why))
        }
        Command::WhatIf { from, month, seller } => {
            let document = from.with([("month", given(month)), ("seller_id", given(seller))])?;
            answered(context, &Request::post("/reseller/pricing/what-if", document).harmless(), answers::compared)
        }
        Command::Meters(command) => meters(context, command),
        Command::Tiers(command) => tiers(context, command),
        Command::Cards(command) => cards(context, command),
        Command::Markups(command) => markups(context, command),
        Command::Promotions(command) => promotions(context, command),
        Command::Packages(command) => packages(context, command),
    }
}

fn meters(context: &Context, command: Meters) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/meters";
    match command {
        Meters::List { account } => list(context, &Request::get(PATH).with("account_id", account), rules::meters),
        Meters::Add { from, key, name, unit, aggregation, once } => {
            let flags = [("key", given(key)), ("name", given(name)), ("unit", given(unit)), ("aggregation", given(aggregation))];
            made(context, PATH, from.with(flags)?, once, rules::meters)
        }
    }
}

fn tiers(context: &Context, command: Tiers) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/tiers";
    let request = match command {
        Tiers::Show { account } => Request::get(PATH).with("account_id", account),
        Tiers::Set { from, account } => Request::put(PATH, from.with([("account_id", given(account))])?),
    };
    answered(context, &request, rules::tiers)
}

fn cards(context: &Context, command: Cards) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/rate-cards";
    match command {
        Cards::List(which) => list(context, &which.of(PATH), rules::cards),
        Cards::Add { draft, meter, unit_price, currency, scope } => {
            let model = unit_price.map(|price| json!({"type": "flat", "unit_price": price}));
            let [seller, account, from, loss] = scope.members();
            let flags = [("meter", given(meter)), ("model", model), ("currency", given(currency)), seller, account, from, loss];
            made(context, PATH, draft.with(flags)?, scope.once, rules::cards)
        }
        Cards::Withdraw { id, seller, account } => {
            let request = Request::delete(format!("{PATH}/{}", encoded(&id))).with("seller_id", seller).with("account_id", account);
            one(context, &request, rules::cards)
        }
    }
}

fn markups(context: &Context, command: Markups) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/markups";
    match command {
        Markups::List(which) => list(context, &which.of(PATH), rules::markups),
        Markups::Add { draft, percent, fixed, end, meter, scope } => {
            let [seller, account, from, loss] = scope.members();
            let flags = [
                ("percent", given(percent)),
                ("fixed", given(fixed)),
                ("end", on(end)),
                ("meter", given(meter)),
                seller,
                account,
                from,
                loss,
            ];
            made(context, PATH, draft.with(flags)?, scope.once, rules::markups)
        }
    }
}

fn promotions(context: &Context, command: Promotions) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/promotions";
    match command {
        Promotions::List { seller } => list(context, &Request::get(PATH).with("seller_id", seller), rules::promotions),
        Promotions::Add { draft, name, percent, fixed, until, code, scope } => {
            let [seller, account, (_, from), loss] = scope.members();
            let what = [("name", given(name)), ("percent", given(percent)), ("fixed", given(fixed)), ("code", given(code))];
            let [name, percent, fixed, code] = what;
            let flags = [name, percent, fixed, code, ("ends_at", given(until)), ("starts_at", from), seller, account, loss];
            made(context, PATH, draft.with(flags)?, scope.once, rules::promotions)
        }
        Promotions::End { id, seller } => {
            let request = Request::post(format!("{PATH}/{}/end", encoded(&id)), draft::members([("seller_id", given(seller))]));
            one(context, &request.harmless(), rules::promotions)
        }
        Promotions::Redeem { code, account, once } => {
            let document = draft::members([("code", given(Some(code))), ("account_id", given(account))]);
            made(context, &format!("{PATH}/redeem"), document, once, rules::promotions)
        }
    }
}

fn packages(context: &Context, command: Packages) -> Result<(), Failure> {
    const PATH: &str = "/reseller/pricing/packages";
    match command {
        Packages::List { seller, buyer } => {
            answered(context, &Request::get(PATH).with("seller_id", seller).with("account_id", buyer), rules::offers)
        }
        Packages::Add { draft, name, credits, price, bonus, valid_days, seller, once } => {
            let [bonus, days] = [("bonus", given(bonus)), ("valid_days", valid_days.map(Value::from))];
            let flags =
                [("name", given(name)), ("credits", given(credits)), ("price", given(price)), bonus, days, ("seller_id", given(seller))];
            made(context, PATH, draft.with(flags)?, once, rules::packages)
        }
        Packages::Retire { id, seller } => {
            let request = Request::post(format!("{PATH}/{}/retire", encoded(&id)), draft::members([("seller_id", given(seller))]));
            one(context, &request.harmless(), rules::packages)
        }
    }
}

impl Which {
    fn of(self, path: &str) -> Request {
        Request::get(path).with("seller_id", self.seller).with("account_id", self.account).with("meter", self.meter).with("at", self.at)
    }
}

impl Scope {
    fn members(&self) -> [(&'static str, Option<Value>); 4] {
        [
            ("seller_id", given(self.seller.clone())),
            ("account_id", given(self.account.clone())),
            ("effective_from", given(self.from.clone())),
            ("allow_loss", on(self.allow_loss)),
        ]
    }
}

/// Shows an answer that is one document.
fn answered(context: &Context, request: &Request, human: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
    let answer = context.client.send(request)?;
    context.output.show(&answer.document, || Ok(human(&answer.document)))
}

/// Shows a list, all of it.
fn list(context: &Context, request: &Request, human: fn(&[Value]) -> String) -> Result<(), Failure> {
    let rows = Value::Array(context.client.list(request, None)?);
    context.output.show(&rows, || Ok(human(rows.as_array().map_or(&[], Vec::as_slice))))
}

/// Shows the one thing that was changed, as a row of its list.
fn one(context: &Context, request: &Request, human: fn(&[Value]) -> String) -> Result<(), Failure> {
    answered(context, request, |document| human(std::slice::from_ref(document)))
}

/// Makes something at most once, and shows it.
fn made(context: &Context, path: &str, document: Value, once: Once, human: fn(&[Value]) -> String) -> Result<(), Failure> {
    one(context, &Request::post(path, document).once_under(idempotency::given_or_fresh(once.idempotency_key)), human)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_quote_names_a_meter_and_a_quantity() {
        assert_eq!(line("sms=1000"), Ok(("sms".to_owned(), "1000".to_owned())));
        for wrong in ["sms", "sms=", "=3", ""] {
            assert!(line(wrong).is_err(), "{wrong}");
        }
    }
}
