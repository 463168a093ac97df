//! The housekeeping of credit, on a schedule: sets free holds whose time is over, takes out lots whose time is over, and finishes
//! relocations. Trees on test clocks are left to these.

use std::error::Error;

use metrics::counter;
use serde_json::{Value, json};
use tributary_api::{App, clocks};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;
use tributary_watch::expiry;
pub use tributary_watch::expiry::Summary;

/// One run. Safe to repeat: a hold ends once, and so does a lot.
///
/// # Errors
/// When the due holds, the due lots or the open relocations cannot be listed; the schedule then tries again.
pub async fn handle(app: &App, _event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let summary = expiry::run(&clocks::aside(app).await?, run).await?;
    tracing::info!(
        request_id = run.as_str(),
        expired = summary.expired,
        lots_expired = summary.lots_expired,
        failed = summary.failed,
        relocated = summary.relocated,
        "housekeeping done"
    );
    // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
    counter!("HoldsExpired").increment(summary.expired as u64);
    counter!("LotsExpired").increment(summary.lots_expired as u64);
    counter!("HousekeepingFailures").increment(summary.failed as u64);
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(serde_json::to_value(summary)?)
}
