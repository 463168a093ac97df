//! Logs and metrics. On Lambda both are JSON lines: logs on standard error, metrics on standard output in CloudWatch's
//! embedded metric format, one line a request or run, which is its log line too. On a terminal logs are for eyes, and
//! metrics are nowhere.

use std::io;
use std::sync::OnceLock;

use metrics::{Unit, describe_histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use serde_json::Value;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// The namespace of the metrics, unless `METRICS_NAMESPACE` names another.
const NAMESPACE: &str = "Tributary";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

fn filter(default: &str) -> Targets {
    let wanted = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty());
    wanted.and_then(|wanted| wanted.parse().ok()).or_else(|| default.parse().ok()).unwrap_or_default()
}

/// Starts logs for a terminal, once per process; a second call changes nothing. `RUST_LOG` sets what is shown, as a level
/// or as `target=level` with commas between; `default` otherwise, and also when it cannot be read.
pub fn on_terminal(default: &str) {
    let layer = fmt::layer().with_target(true).with_writer(io::stderr);
    // Already started: the first one stays.
    let _ = registry().with(layer.compact().with_filter(filter(default))).try_init();
}

/// Starts logs and metrics of a Lambda function, once per process. `function` is the dimension of its metrics.
pub fn on_lambda(function: &'static str) {
    let layer = fmt::layer().with_target(true).with_writer(io::stderr);
    let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
    let _ = registry().with(layer.with_filter(filter("info"))).try_init();
    let namespace = std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| NAMESPACE.to_owned());
    let collector = Builder::new().cloudwatch_namespace(namespace).with_dimension("Function", function).init();
    if let Ok(collector) = collector {
        describe_histogram!("RequestMs", Unit::Milliseconds, "The time of a request in the function.");
        let _ = COLLECTOR.set(collector);
    }
}

/// Writes what was measured since the last time, with `properties` beside it that can be searched for; `false` if this
/// process keeps no metrics. On Lambda one request is served at a time, so what was measured is this request's. Every call
/// of one function gives the same names, or an earlier one would stay.
pub fn flush(properties: impl IntoIterator<Item = (&'static str, Value)>) -> bool {
    let Some(collector) = COLLECTOR.get() else { return false };
    for (name, value) in properties {
        collector.set_property(name, value);
    }
    collector.flush(io::stdout()).is_ok()
}
