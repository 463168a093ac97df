//! Wrong requests about usage. What is wrong with a single event is answered in its result: `tests/flows/usage.rs`.

use serde_json::json;

use super::{field, refuses_all, row};
use crate::support::world::World;

const EVENTS: &str = "/reseller/usage/events";
const LATER: &str = "/reseller/usage/events/async";

#[tokio::test]
async fn wrong_usage_requests_are_refused_by_name() {
    let w = World::in_process().await;
    let api = w.master.api.clone();
    let many: Vec<_> = (0..1001).map(|n| json!({ "id": n.to_string() })).collect();
    let padded = json!({ "events": [{ "id": "x".repeat(6 * 1024 * 1024) }] });
    let cloud = |media: &'static [u8]| api.post(EVENTS, json!({ "a": 1 })).header("content-type", media);
    let adjust = |what: &str, body| api.pay(&format!("{EVENTS}/e-1/{what}"), body);
    refuses_all(
        &w,
        vec![
            field("no events", api.post(EVENTS, json!({ "events": [] })), "/events"),
            field("1,001 events", api.post(EVENTS, json!({ "events": many })), "/events"),
            field("1,001 events for later", api.post(LATER, json!({ "events": many })), "/events"),
            field("events left out", api.post(EVENTS, json!({})), "/events"),
            field("events that are no list", api.post(EVENTS, json!({ "events": {} })), "/events"),
            field("a list for an object", api.post(EVENTS, json!([])), ""),
            row("another field", api.post(EVENTS, json!({ "events": [{}], "dry_run": true })), 400, "unknown_field").at("/dry_run"),
            row("over 6 MiB", api.post(EVENTS, padded), 413, "body_too_large"),
            row("no JSON", api.post(EVENTS, json!({})).raw(b"{\"events\": ["), 400, "invalid_json"),
            field("an object for a list of CloudEvents", cloud(b"application/cloudevents-batch+json"), ""),
            row("another media type", cloud(b"text/csv"), 415, "unsupported_media_type"),
            row("an event that is not there", adjust("void", json!({})), 404, "not_found"),
            field("a reason with a line", adjust("void", json!({ "reason": "a\nb" })), "/reason"),
            field("no quantity", adjust("correct", json!({})), "/quantity"),
            field("a quantity below zero", adjust("correct", json!({ "quantity": "-1" })), "/quantity"),
            field("an absurd quantity", adjust("correct", json!({ "quantity": "1000000001" })), "/quantity"),
            row("no key", api.post(&format!("{EVENTS}/e-1/void"), json!({})), 400, "idempotency_key_missing"),
            row("no such batch", api.get("/reseller/usage/batches/bat_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
            row("an id that is none", api.get("/reseller/usage/batches/1"), 404, "not_found"),
            row("explained for nobody", api.get(&format!("{EVENTS}/e-1/explain")), 404, "not_found"),
            field("explained for no id", api.get(&format!("{EVENTS}/e-1/explain?account_id=1")), "/query/account_id"),
        ],
    )
    .await;
}
