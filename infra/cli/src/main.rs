//! The command line: what an engineer or an operator does with the API, from a terminal or a script.

mod accounts;
mod args;
mod balance;
mod billing;
mod bulk;
mod client;
mod completions;
mod connection;
mod credits;
mod doctor;
mod draft;
mod estimate;
mod failure;
mod fields;
mod health;
mod history;
mod idempotency;
mod invoice;
mod keys;
mod output;
mod pricing;
mod problem;
mod progress;
mod runs;
mod tree;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::Output;

/// What every command works with.
struct Context {
    client: Client,
    output: Output,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    match run(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(&output),
    }
}

fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let asked = cli.url.is_some();
    let context = Context { client: Client::new(cli.url.unwrap_or_default(), cli.key), output };
    match cli.command {
        Command::Health => health::run(&context),
        Command::Accounts(command) => accounts::run(&context, command),
        Command::Balance(args) => balance::run(&context, &args),
        Command::History(args) => history::run(&context, &args),
        Command::Keys(command) => keys::run(&context, command),
        Command::Credits(command) => credits::run(&context, command),
        Command::Pricing(command) => pricing::run(&context, command),
        Command::Usage(command) => usage::run(&context, command),
        Command::Bulk(command) => bulk::run(&context, command),
        Command::Invoice(command) => invoice::run(&context, command),
        Command::Billing(command) => billing::run(&context, &command),
        Command::Doctor(args) => doctor::run(&context, &args, asked),
        Command::Estimate(args) => estimate::run(&args, &output),
        Command::Completions { shell } => completions::run(shell, &output),
    }
}
