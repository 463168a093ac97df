//! The local run as a process that tests kill: what `cargo dev` starts, without its banner. Prints `ready` once it serves.

use std::process::ExitCode;

use clap::Parser as _;
use tributary_local::options::{Arguments, Options};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the line that tests wait for")]
async fn main() -> ExitCode {
    match tributary_local::start(Options::from(Arguments::parse())).await {
        Ok(_local) => {
            println!("ready");
            std::future::pending::<()>().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
