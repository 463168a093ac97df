//! Rosters in a test: what was changed since the last time is told to them and folded, as the stream and the schedule do.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tributary_local::template::Template;
use tributary_store::memory::Changed;
use tributary_store::stream;
use tributary_store::table::Item;

use crate::support::api::Inside;

/// How many changes one call is given.
const BATCH: usize = 50;

/// The changes as the stream shows them, of those that the template's filter takes; the first is the `first`th of the stream.
pub fn of_changes(changes: &[Changed], first: usize) -> Vec<Value> {
    let template = Template::embedded().expect("template.yaml");
    let filters = &template.streams.iter().find(|stream| stream.function == "RosterFunction").expect("the rosters' stream").filters;
    let record = |(at, (old, new)): (usize, &Changed)| {
        let name = match (old, new) {
            (None, Some(_)) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (_, None) => "REMOVE",
        };
        let image = |item: &Item| stream::image(item);
        let any = image(new.as_ref().or(old.as_ref()).expect("a change of something"));
        let mut dynamodb = json!({
            "ApproximateCreationDateTime": 1_793_606_400,
            "Keys": { "pk": any["pk"], "sk": any["sk"] },
            "SequenceNumber": format!("1{:020}", first + at),
        });
        for (name, item) in [("OldImage", old), ("NewImage", new)] {
            if let Some(item) = item {
                dynamodb[name] = image(item);
            }
        }
        json!({ "eventID": format!("{:032x}", first + at), "eventName": name, "dynamodb": dynamodb })
    };
    changes.iter().enumerate().map(record).filter(|change| filters.iter().any(|filter| filter.takes(change))).collect()
}

/// What was changed since the last time, as the stream shows it.
pub fn changed(inside: &Inside) -> Vec<Value> {
    let from = inside.heard.load(Ordering::Relaxed);
    let changes = inside.memory.changed_since(from);
    inside.heard.store(from + changes.len(), Ordering::Relaxed);
    of_changes(&changes, from)
}

/// Tells rosters what was changed since the last time.
///
/// # Panics
/// If they cannot be told.
pub async fn hear(inside: &Inside) {
    for batch in changed(inside).chunks(BATCH) {
        let answer = tributary_roster::handle(&inside.app, json!({ "Records": batch }), &inside.app.run_id("")).await.expect("an answer");
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
}

/// Folds what is due, some minutes later; returns how many rosters were folded.
///
/// # Panics
/// If one cannot be folded.
pub async fn fold(inside: &Inside) -> u64 {
    inside.clock.advance_ms(6 * 60 * 1000);
    let summary = tributary_roster::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
    assert_eq!(summary["failed"], 0, "{summary}");
    summary["folded"].as_u64().expect("a number")
}
