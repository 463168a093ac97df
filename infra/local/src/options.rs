//! What a local run is told.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use tributary_store::table::Table;

use crate::pages::{self, Prepared};

/// The port unless told otherwise.
pub const DEFAULT_PORT: u16 = 8787;

/// Runs the whole platform in one process: the functions behind their gateway, an embedded DynamoDB, the schedules and a
/// test clock. No Docker and no AWS account.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev", version, max_term_width = 100)]
pub struct Arguments {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT, env = "TRIBUTARY_PORT")]
    pub port: u16,

    /// The directory in which data is kept between runs
    #[arg(long, value_name = "DIR", default_value = ".local", env = "TRIBUTARY_DATA", conflicts_with = "ephemeral")]
    pub data: PathBuf,

    /// Keep everything in memory and forget it at the end
    #[arg(long)]
    pub ephemeral: bool,

    /// Start without the demo's accounts and credit
    #[arg(long)]
    pub no_seed: bool,

    /// Do not build the pages; those that are built are served
    #[arg(long)]
    pub no_pages: bool,

    /// Write {"base_url", "operator_key"} as JSON to this file once requests are served
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// Where data is kept.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In the embedded engine, in files of this directory.
    Directory(PathBuf),
    /// In the embedded engine, in files that are removed when the run ends.
    Engine,
    /// In this table, without the engine.
    Memory(Arc<dyn Table>),
}

/// Told what is being done, for a progress line.
pub type Progress = Arc<dyn Fn(Step<'_>) + Send + Sync>;

/// One step of a longer work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many steps are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// What was done last.
    pub what: &'a str,
}

/// What a local run is told.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Where data is kept.
    pub storage: Storage,
    /// Whether a first start makes the demo.
    pub seed: bool,
    /// The file that is written once requests are served.
    pub ready_file: Option<PathBuf>,
    /// The pages.
    pub pages: Prepared,
    /// Told how the demo comes along.
    pub progress: Progress,
}

impl Options {
    /// A run that leaves nothing behind: any free port, the engine in memory, no demo.
    pub fn ephemeral() -> Self {
        Self { port: 0, storage: Storage::Engine, seed: false, ready_file: None, pages: pages::as_they_are(), progress: Arc::new(|_| ()) }
    }
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        let storage = if arguments.ephemeral { Storage::Engine } else { Storage::Directory(arguments.data) };
        Self { port: arguments.port, storage, seed: !arguments.no_seed, ready_file: arguments.ready_file, ..Self::ephemeral() }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn data_is_kept_unless_the_run_is_ephemeral() {
        let options = |arguments: &[&str]| {
            let arguments = std::iter::once(&"cargo dev").chain(arguments);
            Arguments::try_parse_from(arguments).map(Options::from)
        };
        assert!(matches!(options(&[]), Ok(Options { port: DEFAULT_PORT, seed: true, storage: Storage::Directory(_), .. })));
        assert!(matches!(options(&["--ephemeral", "--no-seed"]), Ok(Options { seed: false, storage: Storage::Engine, .. })));
        assert!(options(&["--ephemeral", "--data", "x"]).is_err());
    }
}
