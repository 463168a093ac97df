//! The usage worker: charges the batches of events that were taken without an answer, and keeps the sums of usage.
//!
//! It is called with messages of the usage queue, by a schedule each minute, and by hand with `{"action": "sum_up"}`, which waits for nothing to be due.

pub mod rollup;

use std::error::Error;

use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_domain::id::RequestId;
use tributary_metering::queued;
use tributary_runtime::telemetry;

/// One call. Messages are answered with the ids of those that failed, which the queue gives again; a scheduled run with
/// its [`rollup::Summary`]. Safe to repeat.
///
/// # Errors
/// When a scheduled run cannot be begun; the schedule then tries again.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let answer = match messages::of(&event) {
        Some(batch) => messages::each(&batch, run, |message| charge(app, message)).await,
        None => {
            let summary = rollup::rollup(app, run, event["action"] == "sum_up").await?;
            // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
            counter!("UsageEntriesFolded").increment(summary.entries as u64);
            counter!("UsageRollupFailures").increment(summary.failed as u64);
            serde_json::to_value(summary)?
        }
    };
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

async fn charge(app: &App, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
    let batch = queued::work_off(app, &message.body).await?;
    tracing::info!(
        batch_id = batch.id.as_str(),
        accepted = batch.accepted,
        duplicates = batch.duplicates,
        rejected = batch.rejected,
        "a batch of usage was counted"
    );
    Ok(())
}
