//! `credits`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Context;
use crate::args::text;
use crate::client::Request;
use crate::failure::Failure;
use crate::idempotency;
use crate::output::{amount, amounts, facts};

const RETRY: &str = "\
It is sent under an Idempotency-Key, and sent again under the same one if the connection fails or the API is busy: it is
done at most once. The key is printed to standard error; give it with --idempotency-key to repeat the command safely.";

/// What to do with credit.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bring credit into being (operator only)
    #[command(after_help = format!("Examples:\n  tributary credits issue acc_… 250000 --reference 'Wholesale contract 114'\n\n{RETRY}"))]
    Issue {
        /// Who receives it
        #[arg(value_parser = text())]
        account: String,

        /// How much, such as 12.50
        #[arg(value_parser = text())]
        amount: String,

        #[command(flatten)]
        note: Note,
    },
    /// Give credit to an account below
    #[command(after_help = format!("Examples:\n  tributary credits allocate acc_… 25\n  tributary credits allocate acc_… 25 --from acc_…\n\n{RETRY}"))]
    Allocate {
        /// Who receives it
        #[arg(value_parser = text())]
        account: String,

        /// How much, such as 12.50
        #[arg(value_parser = text())]
        amount: String,

        /// Who gives it; your own account unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        from: Option<String>,

        #[command(flatten)]
        note: Note,
    },
    /// Move credit between two accounts of your subtree
    #[command(after_help = format!("Examples:\n  tributary credits transfer acc_… acc_… 120.15 --reference 'Correction of invoice 1043'\n\n{RETRY}"))]
    Transfer {
        /// Who gives it
        #[arg(value_parser = text())]
        from: String,

        /// Who receives it
        #[arg(value_parser = text())]
        to: String,

        /// How much, such as 12.50
        #[arg(value_parser = text())]
        amount: String,

        #[command(flatten)]
        note: Note,
    },
}

/// What every movement may carry.
#[derive(Debug, clap::Args)]
pub struct Note {
    /// A note that both ledgers keep
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,

    /// The key under which this is done at most once; a fresh one unless given
    #[arg(long, value_name = "KEY", value_parser = idempotency::parse)]
    idempotency_key: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Transfer {
    id: String,
    kind: String,
    from: String,
    to: String,
    amount: String,
    currency: String,
    from_balance: Option<String>,
    to_balance: Option<String>,
    reference: Option<String>,
    created_at: String,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Issue { account, amount, note } => send(context, "issue", [("account_id", Some(account)), ("amount", Some(amount))], note),
        Command::Allocate { account, amount, from, note } => {
            send(context, "allocate", [("account_id", Some(account)), ("amount", Some(amount)), ("from", from)], note)
        }
        Command::Transfer { from, to, amount, note } => {
            send(context, "transfer", [("from", Some(from)), ("to", Some(to)), ("amount", Some(amount))], note)
        }
    }
}

fn send<const N: usize>(context: &Context, route: &str, fields: [(&str, Option<String>); N], note: Note) -> Result<(), Failure> {
    let fields = fields.into_iter().chain([("reference", note.reference)]);
    let body: Map<String, Value> = fields.filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect();
    let key = idempotency::given_or_fresh(note.idempotency_key);
    let request = Request::post(format!("/reseller/credits/{route}"), Value::Object(body)).once_under(key);
    let answer = context.client.send(&request)?;
    context.output.show(&answer.document, || {
        let again = if answer.replayed { "\n\nThis had been done before under this Idempotency-Key; nothing moved now." } else { "" };
        Ok(format!("{}{again}", rendered(answer.read()?)))
    })
}

fn rendered(transfer: Transfer) -> String {
    let of = |micros: &str| amount(micros, &transfer.currency);
    let balances = [("from now has", &transfer.from_balance), ("to now has", &transfer.to_balance)];
    let known = balances.into_iter().filter_map(|(name, balance)| Some((name, of(balance.as_deref()?))));
    let moved = amounts(std::iter::once(("amount", of(&transfer.amount))).chain(known));
    let about = facts([
        ("id", transfer.id),
        ("kind", transfer.kind),
        ("from", transfer.from),
        ("to", transfer.to),
        ("reference", transfer.reference.unwrap_or_default()),
        ("created", transfer.created_at),
    ]);
    format!("{about}\n\n{moved}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_movement_shows_the_balances_that_may_be_seen() {
        let transfer = Transfer {
            id: "txf_1".to_owned(),
            kind: "issue".to_owned(),
            from: "system.issued".to_owned(),
            to: "acc_1".to_owned(),
            amount: "25.000000".to_owned(),
            currency: "USD".to_owned(),
            from_balance: None,
            to_balance: Some("125.000000".to_owned()),
            reference: None,
            created_at: "2026-11-22T15:16:00Z".to_owned(),
        };
        assert_eq!(
            rendered(transfer),
            "id       txf_1\nkind     issue\nfrom     system.issued\nto       acc_1\ncreated  2026-11-22T15:16:00Z\n\n\
             amount       25.000000 USD\nto now has  125.000000 USD"
        );
    }
}
