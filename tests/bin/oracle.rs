//! `cargo run --release -p tributary-tests --bin oracle -- --events N --seed S`: the engine against the oracle, with as many
//! events as one likes. `docs/ORACLE.md` holds the output of a million.

use std::process::ExitCode;

use clap::Parser;
use tributary_tests::usage::against::{Settings, run};

/// The engine against the oracle.
#[derive(Debug, Parser)]
struct Options {
    /// How many events are sent, repetitions included.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Options { events, seed } = Options::parse();
    match run(Settings { seed, events }).await {
        Ok(report) => {
            println!("{report}");
            if report.differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("seed {seed}: {error}");
            ExitCode::FAILURE
        }
    }
}
