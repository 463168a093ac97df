//! The whole command, its global flags and its help.

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::connection::BaseUrl;
use crate::{accounts, balance, billing, bulk, credits, doctor, estimate, history, invoice, keys, pricing, usage};

const EXAMPLES: &str = "\
Examples:
  tributary health
  tributary accounts tree
  tributary accounts create --name 'Harbor Messaging' --kind reseller --external-id harbor
  tributary credits issue acc_… 250000 --reference 'Wholesale contract 114'
  tributary balance acc_… --subtree
  tributary pricing quote sms=1000 --account acc_…
  tributary usage send events.jsonl
  tributary --json history acc_… --limit 500 | jq -r '.[].amount'

The key is taken from --key, then TRIBUTARY_KEY, then, if the API runs on this machine, from the local run's data
(.local/local.json here or in a directory above, or in TRIBUTARY_DATA).

Exit codes: 0 done, 1 refused or failed, 2 the command is not right.";

/// Works with a Tributary API: accounts, credit, keys, prices, usage.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Where the API is; http://127.0.0.1:8787 unless told otherwise
    #[arg(long, global = true, value_name = "URL", env = "TRIBUTARY_URL", help_heading = "Connection")]
    pub url: Option<BaseUrl>,

    /// The API key; better given as TRIBUTARY_KEY, since other users of this machine can see arguments
    #[arg(long, global = true, value_name = "KEY", env = "TRIBUTARY_KEY", hide_env_values = true, help_heading = "Connection")]
    pub key: Option<String>,

    /// Print the answer as JSON (a list as one array); a refusal's document too
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask whether the API answers; needs no key
    Health,
    /// Show, create, suspend and reactivate accounts
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// Show an account's credit
    #[command(after_help = balance::EXAMPLES)]
    Balance(balance::Args),
    /// Show an account's ledger, newest first
    #[command(after_help = history::EXAMPLES)]
    History(history::Args),
    /// List, create, rotate and revoke API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Issue, allocate and transfer credit
    #[command(subcommand)]
    Credits(credits::Command),
    /// Quote prices, and show and set the rules behind them
    #[command(subcommand)]
    Pricing(pricing::Command),
    /// Send events, and show, explain, export and forecast what is used
    #[command(subcommand)]
    Usage(usage::Command),
    /// Do something with many accounts at once, from a file
    #[command(subcommand)]
    Bulk(bulk::Command),
    /// List, show, preview and download invoices
    #[command(subcommand)]
    Invoice(invoice::Command),
    /// How an account bills its sub-accounts, and billing a month
    #[command(subcommand)]
    Billing(billing::Command),
    /// Check a deployment: its template, settings, programs, and the running API if --url is given
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Args),
    /// Estimate what a month on AWS costs; a model, not a bill
    #[command(after_help = estimate::EXAMPLES)]
    Estimate(estimate::Args),
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  tributary completions bash > ~/.local/share/bash-completion/completions/tributary\n  tributary completions zsh > \"${fpath[1]}/_tributary\"\n  tributary completions fish > ~/.config/fish/completions/tributary.fish"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Parses an argument that must say something: an id or a name.
pub fn text() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn refused(line: &str) -> ErrorKind {
        Cli::try_parse_from(line.split(' ')).expect_err("refused").kind()
    }

    #[test]
    fn the_arguments_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "tributary health",
            "tributary accounts tree",
            "tributary accounts tree --root acc_1 --depth 2",
            "tributary accounts show acc_1",
            "tributary accounts create --name A --kind reseller --parent acc_1 --external-id a --email a@example.com --initial-credits 10",
            "tributary accounts suspend acc_1",
            "tributary accounts reactivate acc_1",
            "tributary balance",
            "tributary balance acc_1 --subtree",
            "tributary history acc_1 --limit 10 --kind issue --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z",
            "tributary invoice list --account acc_1 --sold --state past_due --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --limit 5",
            "tributary invoice show inv_1",
            "tributary invoice preview acc_1",
            "tributary invoice pdf inv_1 --out november.pdf",
            "tributary billing settings acc_1",
            "tributary keys list acc_1",
            "tributary keys create acc_1 --name ci --role viewer --expires-at 2027-01-01T00:00:00Z",
            "tributary keys rotate acc_1 key_1 --overlap 0",
            "tributary keys revoke acc_1 key_1",
            "tributary credits issue acc_1 10 --reference r --idempotency-key k",
            "tributary credits allocate acc_1 10 --from acc_2",
            "tributary credits transfer acc_1 acc_2 10",
            "tributary pricing quote sms=1000 voice=12.5 --account acc_1 --at 2026-11-01T00:00:00Z --why",
            "tributary pricing resolve sms --account acc_1 --at 2026-11-01T00:00:00Z --why",
            "tributary pricing what-if --file - --month 2026-10 --seller acc_1",
            "tributary pricing meters list acc_1",
            "tributary pricing meters add --key sms --name Texts --unit message --aggregation sum --idempotency-key k",
            "tributary pricing tiers show",
            "tributary pricing tiers set --file t.json --account acc_1",
            "tributary pricing cards list acc_1 --account acc_2 --meter sms --at 2026-11-01T00:00:00Z",
            "tributary pricing cards add --meter sms --unit-price 0.05 --currency EUR --seller acc_1 --account acc_2 --allow-loss",
            "tributary pricing cards add --file card.json --from 2026-12-01T00:00:00Z",
            "tributary pricing cards withdraw rcd_1 --seller acc_1",
            "tributary pricing markups list",
            "tributary pricing markups add --percent 25 --meter sms",
            "tributary pricing markups add --fixed 0.01",
            "tributary pricing markups add --end --account acc_1",
            "tributary pricing promotions list acc_1",
            "tributary pricing promotions add --name Welcome --percent 10 --until 2027-01-01T00:00:00Z --code welcome",
            "tributary pricing promotions end prm_1",
            "tributary pricing promotions redeem welcome --account acc_1",
            "tributary pricing packages list --buyer acc_1",
            "tributary pricing packages add --name Starter --credits 500 --price 490 --bonus 25 --valid-days 180",
            "tributary pricing packages retire pkg_1 --seller acc_1",
            "tributary usage send - --rejected r.jsonl --from-line 1001 --batch 500",
            "tributary usage explain e1 --account acc_1",
            "tributary usage report acc_1 --subtree --from 2026-11-01T00:00:00Z --granularity hour --group-by account,tag:a --limit 10",
            "tributary usage summary acc_1 --subtree --period 2026-10",
            "tributary usage export --format csv --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --subtree --out o.csv",
            "tributary usage export --id exp_1 --out o.csv",
            "tributary usage forecast acc_1 --meter sms --days 92",
            "tributary doctor",
            "tributary doctor --env prod --template t.yaml --config s.toml --build-dir b --url https://api.example.com",
            "tributary estimate",
            "tributary estimate --accounts 1000 --requests 5000000 --transfers-share 30 --events 1000000 --exports 10",
            "tributary completions bash",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    /// The words of a shell's line, up to a pipe; what is quoted is one word.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                '|' | '>' if !quoted => break,
                ' ' if !quoted => words.push(String::new()),
                other => words.last_mut().expect("a word").push(other),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_that_the_documents_show_is_understood_and_every_command_is_shown() {
        let documents = include_str!("../../../docs/cli.md");
        let shown: Vec<Vec<String>> = documents
            .lines()
            .filter_map(|line| line.strip_prefix("$ "))
            .filter_map(|line| Some(words(&line[line.find("tributary ")?..])))
            .collect();
        assert!(shown.len() > 30, "{} examples", shown.len());
        for line in &shown {
            let read = Cli::try_parse_from(line);
            assert!(read.is_ok(), "docs/cli.md: {}: {}", line.join(" "), read.err().map(|error| error.to_string()).unwrap_or_default());
        }
        for group in Cli::command().get_subcommands() {
            let all: Vec<String> = match group.get_subcommands().next() {
                None => vec![group.get_name().to_owned()],
                Some(_) => group.get_subcommands().map(|command| format!("{} {}", group.get_name(), command.get_name())).collect(),
            };
            for name in all.iter().filter(|name| *name != "help" && !name.ends_with(" help")) {
                // Two commands may share a heading, and then its second one goes without the group's name.
                let heads = documents.lines().filter(|line| line.starts_with("## ") || line.starts_with("| `"));
                let last = name.split(' ').next_back().unwrap_or_default();
                assert!(
                    heads.clone().any(|head| head.contains(name.as_str()) || head.contains(&format!("and {last}"))),
                    "docs/cli.md lacks {name}"
                );
            }
        }
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in ["tributary --json --url https://api.example.com balance", "tributary balance --json --url https://api.example.com"] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("understood");
            assert!(cli.json);
            assert_eq!(cli.url.expect("an address").to_string(), "https://api.example.com");
        }
    }

    #[test]
    fn what_is_not_right_is_refused_before_anything_is_sent() {
        assert_eq!(refused("tributary"), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        assert_eq!(refused("tributary accounts create"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("tributary accounts create --name A --kind operator"), ErrorKind::InvalidValue);
        assert_eq!(refused("tributary history --kind gift"), ErrorKind::InvalidValue);
        assert_eq!(refused("tributary history --limit 0"), ErrorKind::ValueValidation);
        assert_eq!(refused("tributary credits issue acc_1"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("tributary pricing quote sms"), ErrorKind::ValueValidation);
        assert_eq!(refused("tributary pricing cards add --meter sms"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("tributary pricing markups add"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("tributary pricing markups add --percent 1 --fixed 1"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("tributary usage send f --batch 1001"), ErrorKind::ValueValidation);
        assert_eq!(refused("tributary usage export --format csv --out o.csv"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("tributary usage export --id exp_1 --subtree --out o.csv"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("tributary usage forecast --days 93"), ErrorKind::ValueValidation);
        assert_eq!(refused("tributary estimate --transfers-share 101"), ErrorKind::ValueValidation);
        assert_eq!(refused("tributary --url example.com health"), ErrorKind::ValueValidation);
        assert_eq!(Cli::try_parse_from(["tributary", "accounts", "show", ""]).expect_err("refused").kind(), ErrorKind::InvalidValue);
    }
}
