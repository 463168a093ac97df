//! The exporter: makes the files of exports that were asked for. It is called with messages of the export queue.

use std::error::Error;

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

async fn export(_app: &App, _message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
    Err("no message is known yet".into())
}
