//! `accounts`.

use clap::builder::PossibleValuesParser;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Context;
use crate::args::text;
use crate::client::{Answer, Request, encoded, read};
use crate::failure::Failure;
use crate::output::{amount, clean, facts, shown};
use crate::{idempotency, tree};

/// What to do with accounts.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Draw the tree of accounts
    #[command(after_help = "Examples:\n  tributary accounts tree\n  tributary accounts tree --root acc_… --depth 2")]
    Tree {
        /// The account at the top; your own unless told otherwise
        #[arg(long, value_name = "ACCOUNT", value_parser = text())]
        root: Option<String>,

        /// How many levels below it are drawn; what lies deeper is counted
        #[arg(long, value_name = "LEVELS")]
        depth: Option<usize>,
    },
    /// Show one account
    Show {
        /// The account
        #[arg(value_name = "ACCOUNT", value_parser = text())]
        id: String,
    },
    /// Create a sub-account
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<Create>),
    /// Suspend an account: nothing in its subtree can spend until it is reactivated
    Suspend {
        /// The account
        #[arg(value_name = "ACCOUNT", value_parser = text())]
        id: String,
    },
    /// Reactivate a suspended account
    Reactivate {
        /// The account
        #[arg(value_name = "ACCOUNT", value_parser = text())]
        id: String,
    },
}

const CREATE_EXAMPLES: &str = "\
Examples:
  tributary accounts create --name 'Cedar & Pine Retail'
  tributary accounts create --name 'Harbor Messaging' --kind reseller --external-id harbor --initial-credits 500

With --external-id a second try cannot make a second account: it is refused with account_exists and the id.";

/// A new account.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// Its name
    #[arg(long, value_parser = text())]
    name: String,

    /// A reseller may have sub-accounts, a customer not; customer unless told otherwise
    #[arg(long, value_parser = PossibleValuesParser::new(["customer", "reseller"]))]
    kind: Option<String>,

    /// Its parent; your own account unless told otherwise
    #[arg(long, value_name = "ACCOUNT", value_parser = text())]
    parent: Option<String>,

    /// Your own id for it, unique under one parent
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,

    /// Where its people are reached
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,

    /// Credit that is moved to it from its parent
    #[arg(long, value_name = "AMOUNT")]
    initial_credits: Option<String>,

    /// The key under which this is done at most once; a fresh one unless given
    #[arg(long, value_name = "KEY", value_parser = idempotency::parse)]
    idempotency_key: Option<String>,
}

/// What is shown of an account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    parent_id: Option<String>,
    /// Ids from the caller's account down to this one, joined by `/`.
    pub path: String,
    depth: u64,
    /// What it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    external_id: Option<String>,
    email: Option<String>,
    status: String,
    /// The state in force.
    pub effective_status: String,
    #[serde(default)]
    frozen_at: Option<String>,
    /// The currency of its credit.
    pub currency: String,
    tier: String,
    credit_limit: String,
    #[serde(default)]
    tags: Value,
    #[serde(default)]
    settings: Value,
    children: u64,
    version: u64,
    created_at: String,
    updated_at: String,
}

impl Account {
    /// The state in force, and whether an account above is its reason.
    pub fn state(&self) -> String {
        let from_above = if self.status == self.effective_status { "" } else { " from above" };
        format!("{}{from_above}", self.effective_status)
    }
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Tree { root, depth } => tree(context, root.as_deref(), depth),
        Command::Show { id } => {
            let answer = context.client.send(&Request::get(path(&id)))?;
            context.output.show(&answer.document, || Ok(rendered(answer.read()?)))
        }
        Command::Create(new) => create(context, *new),
        Command::Suspend { id } => {
            let answer = context.client.send(&Request::delete(path(&id)))?;
            said(context, &answer, "is suspended: nothing in its subtree can spend until it is reactivated")
        }
        Command::Reactivate { id } => {
            let answer = context.client.send(&Request::post(format!("{}/reactivate", path(&id)), json!({})))?;
            said(context, &answer, "is active again")
        }
    }
}

/// The path of an account.
pub fn path(id: &str) -> String {
    format!("/reseller/accounts/{}", encoded(id))
}

fn tree(context: &Context, root: Option<&str>, depth: Option<usize>) -> Result<(), Failure> {
    let request = Request::get("/reseller/accounts").with("subtree", Some(true)).with("parent_id", root);
    let below = context.client.list(&request, None)?;
    let accounts: Vec<Account> = below.iter().map(read).collect::<Result<_, _>>()?;
    let root = match root {
        Some(root) => root.to_owned(),
        None => home(context, &accounts)?,
    };
    let root = context.client.send(&Request::get(path(&root)))?;
    let top: Account = root.read()?;
    let deepest = depth.and_then(|levels| u64::try_from(levels).ok()).map_or(u64::MAX, |levels| top.depth.saturating_add(levels));
    let near = below.into_iter().zip(&accounts).filter(|(_, account)| account.depth <= deepest).map(|(document, _)| document);
    let documents = std::iter::once(root.document).chain(near).collect();
    context.output.show(&Value::Array(documents), || Ok(tree::draw(&top, &accounts, depth, context.output.style)))
}

/// The caller's own account. Paths begin with it; where there is nothing below, the balance names it.
fn home(context: &Context, below: &[Account]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Balance {
        account_id: String,
    }
    match below.first().and_then(|account| account.path.split('/').next()) {
        Some(home) => Ok(home.to_owned()),
        None => Ok(context.client.send(&Request::get("/reseller/credits/balance"))?.read::<Balance>()?.account_id),
    }
}

fn create(context: &Context, new: Create) -> Result<(), Failure> {
    let fields = [
        ("name", Some(new.name)),
        ("kind", new.kind),
        ("parent_id", new.parent),
        ("external_id", new.external_id),
        ("email", new.email),
        ("initial_credits", new.initial_credits),
    ];
    let body: Map<String, Value> = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect();
    let key = idempotency::given_or_fresh(new.idempotency_key);
    let answer = context.client.send(&Request::post("/reseller/accounts/create", Value::Object(body)).once_under(key))?;
    context.output.show(&answer.document, || {
        let note = if answer.replayed { "\n\nIt had been made before under this Idempotency-Key." } else { "" };
        Ok(format!("{}{note}", rendered(answer.read()?)))
    })
}

fn said(context: &Context, answer: &Answer, what: &str) -> Result<(), Failure> {
    context.output.show(&answer.document, || {
        let account: Account = answer.read()?;
        let Account { name, id, .. } = &account;
        // What an ancestor stops stays stopped.
        let but = if account.state().ends_with("from above") { ", but suspended from above" } else { "" };
        Ok(format!("{} ({}) {what}{but}.", clean(name), clean(id)))
    })
}

fn rendered(account: Account) -> String {
    let state = account.state();
    facts([
        ("id", account.id),
        ("name", account.name),
        ("kind", account.kind),
        ("status", state),
        ("frozen since", account.frozen_at.unwrap_or_default()),
        ("external id", account.external_id.unwrap_or_default()),
        ("email", account.email.unwrap_or_default()),
        ("parent", account.parent_id.unwrap_or_default()),
        ("path", account.path),
        ("depth", account.depth.to_string()),
        ("children", account.children.to_string()),
        ("tier", account.tier),
        ("credit limit", amount(&account.credit_limit, &account.currency)),
        ("tags", shown(&account.tags)),
        ("settings", shown(&account.settings)),
        ("version", account.version.to_string()),
        ("created", account.created_at),
        ("updated", account.updated_at),
    ])
}
