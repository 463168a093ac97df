//! Logs: JSON lines on Lambda, readable lines on a terminal.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

/// Starts logging, once per process; a second call changes nothing. `RUST_LOG` sets what is shown, as a level or as
/// `target=level` with commas between; `default` otherwise, and also when it cannot be read.
pub fn init(format: Format, default: &str) {
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    let filter: Targets = wanted.and_then(|wanted| wanted.parse().ok()).or_else(|| default.parse().ok()).unwrap_or_default();
    let layer = fmt::layer().with_target(true).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => {
            let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
            registry().with(layer.with_filter(filter)).try_init()
        }
        Format::Pretty => registry().with(layer.compact().with_filter(filter)).try_init(),
    };
    // Already started: the first one stays.
    let _ = started;
}
