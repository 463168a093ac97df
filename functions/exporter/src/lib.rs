//! The exporter: makes the files of exports that were asked for. It is called with messages of the export queue.

pub mod file;
pub mod job;
pub mod rows;

use std::error::Error;

use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// One call. Answered with the ids of the messages that failed, which the queue gives again. Safe to repeat.
///
/// # Errors
/// When the event holds no messages.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let batch = messages::of(&event).ok_or("the event holds no messages of a queue")?;
    let answer = messages::each(&batch, run, |message| export(app, message)).await;
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

/// After so many tries the queue puts a message aside: the export is said to have failed before that.
const LAST_TRY: u32 = 5;

async fn export(app: &App, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
    let told: job::Told = serde_json::from_str(&message.body)?;
    let made = job::make(app, &told).await;
    if let Err(error) = &made {
        counter!("ExportFailures").increment(1);
        if message.times >= LAST_TRY {
            tracing::error!(export_id = %told.export_id, error = %error, "an export is given up");
            job::fail(app, &told.export_id, "The file could not be made. Ask for it again; support knows the export's id.").await?;
        }
    }
    made
}
