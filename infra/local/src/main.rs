//! `cargo dev`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tributary_local::options::{Arguments, Options};
use tributary_local::{banner, pages, start};
use tributary_runtime::telemetry;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let pages = if arguments.no_pages { pages::as_they_are() } else { pages::prepare(banner::working) };
    let options = Options { progress: Arc::new(banner::progress), pages, ..Options::from(arguments) };
    // The engine warns of every refused condition, which is how a refusal is told.
    telemetry::on_terminal("warn,dynoxide=error");
    let local = tokio::select! {
        started = start(options.clone()) => match started {
            Ok(local) => local,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        },
        () = told_to_stop() => return ExitCode::SUCCESS,
    };
    banner::show(&local, &options);
    told_to_stop().await;
    local.stop().await;
    ExitCode::SUCCESS
}

/// Ends at Ctrl-C and, where there is such a thing, at SIGTERM.
async fn told_to_stop() {
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let terminated = async {
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => drop(terminate.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupted => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}
