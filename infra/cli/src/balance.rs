//! `balance`.

use serde::Deserialize;

use crate::Context;
use crate::args::text;
use crate::client::Request;
use crate::failure::Failure;
use crate::output::{amount, amounts, clean};

/// Shown under the help.
pub const EXAMPLES: &str = "Examples:\n  tributary balance\n  tributary balance acc_… --subtree";

/// Whose credit.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The account; your own unless told otherwise
    #[arg(value_name = "ACCOUNT", value_parser = text())]
    account: Option<String>,

    /// Sum up everything below it too
    #[arg(long)]
    subtree: bool,
}

#[derive(Debug, Deserialize)]
struct Balance {
    account_id: String,
    currency: String,
    available: String,
    held: String,
    credit_limit: String,
    spendable: String,
    subtree: Option<Subtree>,
}

#[derive(Debug, Deserialize)]
struct Subtree {
    accounts: u64,
    available: String,
    held: String,
}

/// Shows an account's credit.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let request = Request::get("/reseller/credits/balance");
    let request = request.with("account_id", args.account.as_ref()).with("subtree", args.subtree.then_some(true));
    let answer = context.client.send(&request)?;
    context.output.show(&answer.document, || Ok(rendered(&answer.read()?)))
}

fn rendered(balance: &Balance) -> String {
    let of = |micros: &str| amount(micros, &balance.currency);
    let Balance { account_id, available, held, credit_limit, spendable, .. } = balance;
    let own = amounts([("available", of(available)), ("held", of(held)), ("credit limit", of(credit_limit)), ("spendable", of(spendable))]);
    let mut text = format!("{}\n{own}", clean(account_id));
    if let Some(Subtree { accounts, available, held }) = &balance.subtree {
        let noun = if *accounts == 1 { "account" } else { "accounts" };
        let sums = amounts([("available", of(available)), ("held", of(held))]);
        text.push_str(&format!("\n\n{accounts} {noun} in {}, this one and those below it\n{sums}", clean(&balance.currency)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_amount_has_its_currency() {
        let balance = serde_json::json!({
            "account_id": "acc_1", "currency": "USD", "available": "1200.000000", "held": "5.000000", "credit_limit": "0.000000",
            "spendable": "1200.000000", "subtree": {"accounts": 3, "available": "1500.000000", "held": "5.000000"},
        });
        assert_eq!(
            rendered(&serde_json::from_value(balance).expect("a balance")),
            "acc_1\n\
             available     1200.000000 USD\n\
             held             5.000000 USD\n\
             credit limit     0.000000 USD\n\
             spendable     1200.000000 USD\n\n\
             3 accounts in USD, this one and those below it\n\
             available  1500.000000 USD\n\
             held          5.000000 USD"
        );
    }
}
