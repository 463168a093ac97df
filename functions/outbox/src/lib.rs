//! The outbox: tells outward what happened. It is called with what was inserted into the table, in the order of the table's
//! stream, and sends each event to the queue of the notifier, in the order of its account, and to the bus, for everybody.
//!
//! What could not be sent is named in the answer, and given again from the first of it on: every event goes out at least once,
//! always under the same id.

use std::collections::BTreeSet;
use std::error::Error;

use futures::future::join;
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::event::{self, Event};
use tributary_domain::id::RequestId;
use tributary_runtime::bus::{self, Bus};
use tributary_runtime::queue::{self, Fifo, Grouped, MAX_MESSAGE_BYTES};
use tributary_runtime::telemetry;
use tributary_store::stream;

/// One call. Answered with the sequence number of the first change whose event could not be sent, if there is one: the stream
/// gives that change again, with all after it. Safe to repeat.
///
/// # Errors
/// When the event is none of the table's stream.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let changes = event["Records"].as_array().ok_or("the event holds no changes of a table")?;
    let told = read(changes, run)?;
    let failed = send(&*app.queues().events, app.bus(), &told, run).await;
    // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
    counter!("EventsSent").increment((told.len() - failed.len()) as u64);
    counter!("OutboxFailures").increment(failed.len() as u64);
    telemetry::flush([("request_id", json!(run.as_str())), ("events", json!(told.len()))]);
    let first = failed.first().and_then(|at| told.get(*at));
    let failures: Vec<Value> = first.iter().map(|told| json!({ "itemIdentifier": told.sequence_number })).collect();
    Ok(json!({ "batchItemFailures": failures }))
}

/// An event, and where in the stream its change is.
#[derive(Debug)]
struct Told {
    sequence_number: String,
    event: Event,
    body: String,
}

/// The events of a batch of changes, in its order. A change that cannot be read, and an event that no queue takes, would hold
/// up every account of its shard until the stream forgets it: it is said loudly and passed over, and stays in the table.
fn read(changes: &[Value], run: &RequestId) -> Result<Vec<Told>, Box<dyn Error + Send + Sync>> {
    let mut told = Vec::with_capacity(changes.len());
    for change in changes {
        let record = &change["dynamodb"];
        let sequence_number = record["SequenceNumber"].as_str().ok_or("a change without its sequence number")?.to_owned();
        let unreadable = |why: String| {
            counter!("OutboxUnreadable").increment(1);
            tracing::error!(request_id = run.as_str(), sequence_number, error = why, "a change of the table cannot be told");
        };
        match stream::event_of(change["eventName"].as_str().unwrap_or_default(), record) {
            Ok(Some(event)) => {
                let body = event.to_json();
                if body.len() + bus::AROUND_BYTES > MAX_MESSAGE_BYTES.min(bus::MAX_CALL_BYTES) {
                    unreadable(format!("event {} has {} bytes", event.id, body.len()));
                } else {
                    told.push(Told { sequence_number, event, body });
                }
            }
            Ok(None) => {}
            Err(error) => unreadable(error.to_string()),
        }
    }
    Ok(told)
}

/// Sends every event to both, and says which are not in both, the first of them first.
async fn send(queue: &dyn Fifo, bus: &dyn Bus, told: &[Told], run: &RequestId) -> BTreeSet<usize> {
    let grouped = |told: &Told| Grouped {
        group: told.event.account_id.to_string(),
        deduplication: told.event.id.to_string(),
        body: told.body.clone(),
    };
    let entry = |told: &Told| bus::Entry {
        source: event::SOURCE,
        detail_type: told.event.kind.word(),
        detail: told.body.clone(),
        at: told.event.at,
    };
    let (grouped, entries): (Vec<_>, Vec<_>) = (told.iter().map(grouped).collect(), told.iter().map(entry).collect());
    let (queued, put) = join(queue.send_all(&grouped), bus.put(&entries)).await;
    let mut failed = BTreeSet::new();
    for (at, (queued, put)) in queued.into_iter().zip(put).enumerate() {
        let why = queued.map_err(|error: queue::QueueError| error.to_string()).and(put.map_err(|error| error.to_string()));
        if let Err(why) = why {
            let event_id = told[at].event.id.as_str();
            tracing::warn!(request_id = run.as_str(), event_id, error = why, "an event could not be sent");
            failed.insert(at);
        }
    }
    failed
}
