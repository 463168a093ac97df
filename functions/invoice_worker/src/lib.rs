//! The invoice worker: bills the accounts that messages of the billing queue name, and moves test clocks.

use std::error::Error;

use jiff::SignedDuration;
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_billing::run::{self, Told};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// Nothing more is begun after so many seconds, and what is left is told again: a call must end before the function's timeout.
const LAST_S: i64 = 60;

/// One call. Answered with the ids of the messages that failed, which the queue gives again. Safe to repeat.
///
/// # Errors
/// When the event holds no messages.
pub async fn handle(app: &App, event: Value, request: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let batch = messages::of(&event).ok_or("the event holds no messages of a queue")?;
    let answer = messages::each(&batch, request, |message| bill(app, request, message)).await;
    telemetry::flush([("request_id", json!(request.as_str()))]);
    Ok(answer)
}

async fn bill(app: &App, request: &RequestId, message: &Message) -> Result<(), Box<dyn Error + Send + Sync>> {
    let until = app.now().checked_add(SignedDuration::from_secs(LAST_S))?;
    if let Ok(told) = serde_json::from_str::<tributary_clocks::Told>(&message.body) {
        let gone_on = tributary_clocks::work(app, request, &told, until).await;
        if gone_on.is_err() {
            counter!("BillingFailures").increment(1);
        }
        return gone_on.map(drop);
    }
    let told: Told = serde_json::from_str(&message.body)?;
    let worked = run::work(app, request, &told, message.times, until).await;
    match &worked {
        Ok(counts) => counter!("InvoicesMade").increment(counts.invoices),
        Err(_) => counter!("BillingFailures").increment(1),
    }
    worked.map(drop)
}
