//! `keys`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Context;
use crate::accounts::path;
use crate::args::text;
use crate::client::{Answer, Request, encoded, read};
use crate::failure::Failure;
use crate::output::{Column, clean, facts, table};

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List an account's keys
    List {
        /// The account
        #[arg(value_parser = text())]
        account: String,
    },
    /// Create a key; its secret is shown this once
    #[command(
        after_help = "Examples:\n  tributary keys create acc_… --name 'Nightly export' --role viewer\n  tributary --json keys create acc_… --name ci --role billing | jq -r .secret"
    )]
    Create {
        /// The account at which its role is held, and over everything below it
        #[arg(value_parser = text())]
        account: String,

        /// What it is called
        #[arg(long, value_parser = text())]
        name: String,

        /// owner, admin, billing, support, viewer, or a custom role known at the account
        #[arg(long, value_parser = text())]
        role: String,

        /// When it ends by itself, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Give a key a new secret; the old one is taken for a while longer
    #[command(
        after_help = "Examples:\n  tributary keys rotate acc_… key_…\n  tributary keys rotate acc_… key_… --overlap 0    # the old secret ends at once"
    )]
    Rotate {
        /// The key's account
        #[arg(value_parser = text())]
        account: String,

        /// The key
        #[arg(value_parser = text())]
        key_id: String,

        /// For how many seconds the old secret is still taken; the API says a day unless told otherwise
        #[arg(long, value_name = "SECONDS")]
        overlap: Option<u32>,
    },
    /// Revoke a key: the next request with it is refused
    Revoke {
        /// The key's account
        #[arg(value_parser = text())]
        account: String,

        /// The key
        #[arg(value_parser = text())]
        key_id: String,
    },
}

#[derive(Debug, Deserialize)]
struct Key {
    id: String,
    account_id: String,
    name: String,
    role: String,
    secret: Option<String>,
    prefix: Option<String>,
    last4: Option<String>,
    status: String,
    previous_secret_expires_at: Option<String>,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

impl Key {
    /// What the secret begins and ends with.
    fn hint(&self) -> String {
        match (&self.prefix, &self.last4) {
            (Some(prefix), Some(last4)) => format!("{prefix}…{last4}"),
            (Some(_) | None, Some(_) | None) => String::new(),
        }
    }
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { account } => {
            let rows = Value::Array(context.client.list(&Request::get(format!("{}/keys", path(&account))), None)?);
            context.output.show(&rows, || Ok(listed(&read::<Vec<Key>>(&rows)?)))
        }
        Command::Create { account, name, role, expires_at } => {
            let mut body = json!({"name": name, "role": role});
            if let Some(at) = expires_at {
                body["expires_at"] = Value::String(at);
            }
            // Without an idempotency key, since a replay answers without the secret.
            with_secret(context, &context.client.send(&Request::post(format!("{}/keys", path(&account)), body))?)
        }
        Command::Rotate { account, key_id, overlap } => {
            let body = overlap.map_or_else(|| json!({}), |seconds| json!({"overlap_s": seconds}));
            with_secret(context, &context.client.send(&Request::post(format!("{}/rotate", key_path(&account, &key_id)), body))?)
        }
        Command::Revoke { account, key_id } => {
            let answer = context.client.send(&Request::delete(key_path(&account, &key_id)))?;
            context.output.show(&answer.document, || {
                let key: Key = answer.read()?;
                Ok(format!("{} ({}) is revoked: the next request with it is refused.", clean(&key.name), clean(&key.id)))
            })
        }
    }
}

fn key_path(account: &str, key_id: &str) -> String {
    format!("{}/keys/{}", path(account), encoded(key_id))
}

fn with_secret(context: &Context, answer: &Answer) -> Result<(), Failure> {
    if answer.document["secret"].is_string() {
        let warning = "This secret is shown once and kept nowhere: store it now.";
        eprintln!("{}", context.output.errors.yellow(warning));
    }
    context.output.show(&answer.document, || Ok(rendered(answer.read()?)))
}

fn rendered(key: Key) -> String {
    facts([
        ("id", key.id),
        ("account", key.account_id),
        ("name", key.name),
        ("role", key.role),
        ("status", key.status),
        ("created", key.created_at),
        ("expires", key.expires_at.unwrap_or_default()),
        ("old secret until", key.previous_secret_expires_at.unwrap_or_default()),
        ("secret", key.secret.unwrap_or_default()),
    ])
}

fn listed(keys: &[Key]) -> String {
    if keys.is_empty() {
        return "No keys.".to_owned();
    }
    let heads = ["NAME", "ROLE", "STATUS", "SECRET", "CREATED", "ENDS", "ID"].map(Column::Left);
    let row = |key: &Key| {
        let ends = key.revoked_at.as_ref().or(key.expires_at.as_ref()).cloned().unwrap_or_default();
        vec![key.name.clone(), key.role.clone(), key.status.clone(), key.hint(), key.created_at.clone(), ends, key.id.clone()]
    };
    table(&heads, keys.iter().map(row)).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: Option<&str>) -> Key {
        let document = json!({
            "id": "key_1", "account_id": "acc_1", "name": "ci", "role": "viewer", "secret": secret, "prefix": "rk_test_ab",
            "last4": "wxyz", "status": "active", "created_at": "2026-11-22T15:16:00Z", "expires_at": null, "revoked_at": null,
            "previous_secret_expires_at": null, "denies": [],
        });
        serde_json::from_value(document).expect("a key")
    }

    #[test]
    fn the_secret_of_a_new_key_is_shown_whole() {
        assert!(rendered(key(Some("rk_test_abcdwxyz"))).ends_with("secret   rk_test_abcdwxyz"));
    }

    #[test]
    fn a_list_shows_only_how_a_secret_begins_and_ends() {
        let text = listed(&[key(None)]);
        assert!(text.contains("ci    viewer  active  rk_test_ab…wxyz  2026-11-22T15:16:00Z        key_1"), "{text}");
        assert_eq!(listed(&[]), "No keys.");
    }
}
