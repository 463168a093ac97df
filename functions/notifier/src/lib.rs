//! The notifier: brings events to webhook endpoints, and by mail to people.
//!
//! It is called with messages of the queue of events, each account's in order, and by a schedule each minute for what is to be tried again.
//! Of each event and target there is one delivery, which is made before anything is sent: whatever is called twice, killed or late, each
//! target is tried until it took the event or its ten tries are over.

pub mod deliver;
pub mod due;
pub mod fan_out;
pub mod letter;
pub mod mailing;
pub mod mime;
pub mod outbound;
pub mod settings;
pub mod smtp;

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::messages::{self, Message};
use tributary_domain::event::Event;
use tributary_domain::id::RequestId;
use tributary_runtime::mail::Mailer;
use tributary_runtime::telemetry;

use crate::outbound::Outbound;

/// Messages are delivered at once for so long after a call began; what comes later is left to the schedule, so that no slow endpoint holds
/// the queue. Seconds.
const AT_ONCE_S: i64 = 20;

/// What the notifier sends by, and in whose name.
#[derive(Debug, Clone)]
pub struct Senders {
    /// To endpoints.
    pub outbound: Arc<dyn Outbound>,
    /// By mail.
    pub mailer: Arc<dyn Mailer>,
    /// The address that mails are from; without one no mail is written.
    pub mail_from: Option<String>,
    /// Where the API is, for links in mails.
    pub api_url: String,
    /// Where the pages for people are, for the same.
    pub pages_url: String,
}

/// One call. Messages are answered with the ids of those that failed, which the queue gives again; a scheduled run with its
/// [`due::Summary`]. Safe to repeat.
///
/// # Errors
/// When what is due cannot be listed; the schedule then tries again.
pub async fn handle(app: &App, senders: &Senders, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let answer = match messages::of(&event) {
        Some(batch) => in_order(app, senders, &batch, run).await,
        None => {
            let summary = due::run(app, senders, run).await?;
            counter!("DeliveriesGivenUp").increment(summary.given_up as u64);
            serde_json::to_value(summary)?
        }
    };
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

/// Works messages off one after the other. Of an account whose message failed the later ones fail unseen: its events are told in order.
///
/// Source: "Using FIFO queues with partial batch responses", AWS Lambda developer guide.
async fn in_order(app: &App, senders: &Senders, batch: &[Message], run: &RequestId) -> Value {
    let (mut failures, mut held) = (Vec::new(), BTreeSet::new());
    let until = app.now().checked_add(SignedDuration::from_secs(AT_ONCE_S)).unwrap_or(Timestamp::MAX);
    for message in batch {
        let read = serde_json::from_str::<Event>(&message.body);
        let account = read.as_ref().ok().map(|event| event.account_id.clone());
        if account.as_ref().is_some_and(|account| held.contains(account)) {
            failures.push(json!({ "itemIdentifier": message.id }));
            continue;
        }
        let told = match read {
            Ok(event) => fan_out::tell(app, senders, &event, &message.body, until, run).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = told {
            let (message_id, times) = (&message.id, message.times);
            tracing::error!(request_id = run.as_str(), message_id, times, error = %error, "an event could not be brought to its targets");
            held.extend(account);
            failures.push(json!({ "itemIdentifier": message.id }));
        }
    }
    json!({ "batchItemFailures": failures })
}
