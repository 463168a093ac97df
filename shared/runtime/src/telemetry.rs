//! Logs: JSON lines on Lambda, readable lines on a terminal.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

/// Starts logging, once per process; a second call changes nothing. `RUST_LOG` sets what is shown; `default` otherwise.
pub fn init(format: Format, default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(true).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        Format::Pretty => builder.compact().try_init(),
    };
    // Already started: the first one stays.
    let _ = started;
}
