//! Test clocks that cannot be made, or sent there.

use serde_json::{Value, json};

use super::{ABSENT, field, refuses_all, row};
use crate::support::world::World;

const HEADER: &str = "tributary-test-clock";
const CLOCKS: &str = "/reseller/test-clocks";
const ABSENT_CLOCK: &str = "/reseller/test-clocks/clk_01hx3v9k2mfd8bq5r7w1z4n6ty";

#[tokio::test]
async fn a_wrong_test_clock_is_refused_by_name() {
    let w = World::in_process().await;
    let operator = w.operator();
    let root = operator.post("/reseller/accounts/create", json!({ "name": "Trial", "kind": "reseller" })).send().await.is(201).id();
    let below = operator.post("/reseller/accounts/create", json!({ "name": "Below", "parent_id": w.master.id })).send().await.is(201).id();
    let clock = operator.post(CLOCKS, json!({ "account_id": root })).send().await.is(201).id();
    let path = format!("{CLOCKS}/{clock}");
    let make = |body: Value| operator.post(CLOCKS, body);
    let advance = |body: Value| operator.post(&format!("{path}/advance"), body);
    let rows = vec![
        field("no account", make(json!({})), "/account_id"),
        field("no id", make(json!({ "account_id": "root" })), "/account_id"),
        field("a name of nothing", make(json!({ "account_id": root, "name": " " })), "/name"),
        row("unknown", make(json!({ "account_id": root, "now": "2026-01-01T00:00:00Z" })), 400, "unknown_field").at("/now"),
        row("absent", make(json!({ "account_id": ABSENT })), 404, "not_found"),
        row("on one already", make(json!({ "account_id": root })), 409, "conflict"),
        row("not right below the operator", make(json!({ "account_id": below })), 409, "conflict"),
        row("one that has done something", make(json!({ "account_id": w.master.id })), 409, "conflict"),
        row("not the operator", w.master.api.post(CLOCKS, json!({ "account_id": w.master.id })), 403, "forbidden"),
        field("neither", advance(json!({})), ""),
        field("both", advance(json!({ "to": "2027-01-01T00:00:00Z", "by_days": 1 })), "/by_days"),
        field("no day", advance(json!({ "by_days": 0 })), "/by_days"),
        field("back", advance(json!({ "by_days": -1 })), "/by_days"),
        field("too many days", advance(json!({ "by_days": 401 })), "/by_days"),
        field("half a day", advance(json!({ "by_days": 0.5 })), "/by_days"),
        field("into the past", advance(json!({ "to": "2020-01-01T00:00:00Z" })), "/to"),
        field("too far at once", advance(json!({ "to": "2031-01-01T00:00:00Z" })), "/to"),
        field("no time", advance(json!({ "to": "tomorrow" })), "/to"),
        row("unknown", advance(json!({ "by_months": 1 })), 400, "unknown_field").at("/by_months"),
        row("no such clock", operator.get(ABSENT_CLOCK), 404, "not_found"),
        row("no such clock", operator.post(&format!("{ABSENT_CLOCK}/advance"), json!({ "by_days": 1 })), 404, "not_found"),
        row("of a tree that is open", operator.delete(&path), 409, "conflict"),
        row("not the operator's", w.master.api.get(&path), 403, "forbidden"),
        field("on a clock that is not there", operator.get("/reseller/accounts").header(HEADER, b"clk_1"), "/header/tributary-test-clock"),
    ];
    refuses_all(&w, rows).await;
}
