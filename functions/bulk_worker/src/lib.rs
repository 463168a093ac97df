//! The bulk worker: goes on with bulk jobs. It is called with messages of the bulk queue.

use std::error::Error;

use jiff::SignedDuration;
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_bulk::{Run, Told};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// A run begins with nothing more after so many seconds, and tells itself to go on: it must end before the function's timeout.
const LAST_S: i64 = 200;
/// After so many tries the queue puts a message aside: the job is paused before that, so that it can be resumed.
const LAST_TRY: u32 = 5;

/// One call. Answered with the ids of the messages that failed, which the queue gives again. Safe to repeat.
///
/// # Errors
/// When the event holds no messages.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let batch = messages::of(&event).ok_or("the event holds no messages of a queue")?;
    let answer = messages::each(&batch, run, |message| go_on(app, run, message)).await;
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

async fn go_on(app: &App, id: &RequestId, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
    let told: Told = serde_json::from_str(&message.body)?;
    let until = app.now().checked_add(SignedDuration::from_secs(LAST_S))?;
    let run = Run { app, id, until };
    let worked = tributary_bulk::work(&run, &told.job_id).await;
    if let Err(error) = &worked {
        counter!("BulkFailures").increment(1);
        if message.times >= LAST_TRY {
            tracing::error!(job_id = %told.job_id, error = %error, "a bulk job could not be gone on with");
            return tributary_bulk::give_up(&run, &told.job_id, &error.to_string()).await;
        }
    }
    worked
}
