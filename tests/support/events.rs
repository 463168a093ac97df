//! The table's stream in a test: what was written since the last time goes through the outbox to the queue of events and the bus,
//! and from there to whoever is called with it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tributary_domain::event::Event;
use tributary_store::stream;
use tributary_store::table::Item;

use crate::support::api::Inside;

/// How many changes one call of the outbox is given, as the template says.
const BATCH: usize = 100;

/// Tells what happened since the last time, lets those act who are told, tells what they did, and so on until nothing more
/// happens. Returns every event, each account's in order.
///
/// # Panics
/// If a function fails.
pub async fn tell(inside: &Inside) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let told = outbox(inside).await;
        if told.is_empty() {
            return events;
        }
        consume(inside, &told).await;
        events.extend(told);
    }
}

/// Whoever is called with events.
async fn consume(inside: &Inside, told: &[Event]) {
    watch(inside, told).await;
}

/// The types of events that the template's rule sends to the watcher.
const WATCHED: [&str; 5] = ["account.reactivated", "account.moved", "alert.created", "alert.changed", "auto_topup.set"];

/// The watcher, called with what its rule takes of these events.
///
/// # Panics
/// If it fails one.
pub async fn watch(inside: &Inside, told: &[Event]) {
    let taken = told.iter().filter(|event| {
        let word = event.kind.word();
        word.starts_with("credit.") || WATCHED.contains(&word.as_str())
    });
    let bodies: Vec<String> = taken.map(Event::to_json).collect();
    for batch in bodies.chunks(10) {
        let call = of_queue(batch.iter().map(String::as_str));
        let answer = tributary_watcher::handle(&inside.app, call, &inside.app.run_id("")).await.expect("an answer");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
}

/// The outbox, over all that was written since the last time. What it sent is taken from the queue and from the bus.
pub async fn outbox(inside: &Inside) -> Vec<Event> {
    let from = inside.told.load(Ordering::Relaxed);
    let inserted = inside.memory.inserted_since(from);
    for (at, batch) in inserted.chunks(BATCH).enumerate() {
        let call = of_stream(batch, from + at * BATCH);
        let answer = tributary_outbox::handle(&inside.app, call, &inside.app.run_id("")).await.expect("an answer");
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    inside.told.store(from + inserted.len(), Ordering::Relaxed);
    let queued = inside.outside.events.take();
    let put = inside.outside.bus.take();
    let event = |body: &str| serde_json::from_str::<Event>(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    let queued: Vec<Event> = queued.iter().map(|message| event(&message.body)).collect();
    assert_eq!(queued.len(), put.len(), "each event goes to both");
    queued
}

/// What Lambda calls a function with for these inserts, the first of which is the `first`th of the stream.
pub fn of_stream(inserted: &[Item], first: usize) -> Value {
    let record = |(at, item): (usize, &Item)| {
        let image = stream::image(item);
        json!({
            "eventID": format!("{:032x}", first + at),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_793_606_400,
                "Keys": { "pk": image["pk"], "sk": image["sk"] },
                "NewImage": image,
                "SequenceNumber": format!("1{:020}", first + at),
                "SizeBytes": 500,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/tributary-Table/stream/2026-11-02T08:00:00.000",
        })
    };
    json!({ "Records": inserted.iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// What Lambda calls a function with for messages with these bodies, each received for the first time.
pub fn of_queue<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Value {
    let record = |(at, body): (usize, &str)| {
        let id = format!("00000000-0000-4000-8000-{at:012x}");
        json!({ "messageId": id, "body": body, "attributes": { "ApproximateReceiveCount": "1" }, "eventSource": "aws:sqs" })
    };
    json!({ "Records": bodies.into_iter().enumerate().map(record).collect::<Vec<_>>() })
}
