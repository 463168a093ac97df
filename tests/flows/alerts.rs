//! Alerts: each crossing told once, and once more when it is back.

use serde_json::{Value, json};
use tributary_domain::event::Event;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::LedgerId;
use tributary_watch::alerts::look;
use tributary_watch::{Looked, Rang};

use crate::support::api::{Answer, Api, Inside};
use crate::support::events::{tell, watch};
use crate::support::world::{Node, World, every_row, merge};

const ALERTS: &str = "/reseller/alerts";
const DAY: i64 = 24 * 3600;

async fn alert(api: &Api, more: Value) -> Answer {
    let mut body = json!({ "metric": "balance", "threshold": "10" });
    merge(&mut body, more);
    api.post(ALERTS, body).send().await.is(201)
}

fn inside(w: &World) -> &Inside {
    w.target.inside("the watcher").expect("in this process")
}

/// What alerts told: whether it fired, of whom, at which value.
fn turns(events: &[Event]) -> Vec<(String, String, String)> {
    let told = events.iter().filter(|event| ["alert.fired", "alert.resolved"].contains(&event.kind.word().as_str()));
    let word = |event: &Event, name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
    told.map(|event| (event.kind.word(), word(event, "watched_id"), word(event, "value"))).collect()
}

async fn told(w: &World) -> Vec<(String, String, String)> {
    turns(&tell(inside(w)).await)
}

fn turn(what: &str, of: &str, value: &str) -> (String, String, String) {
    (format!("alert.{what}"), of.to_owned(), value.to_owned())
}

async fn moved(w: &World, from: &str, to: &str, amount: &str) {
    w.operator().pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": amount })).send().await.is(201);
}

/// Moves the clock and runs what the schedule runs.
async fn later(w: &World, seconds: i64) -> Vec<(String, String, String)> {
    assert!(w.target.advance_s(seconds, "the clock"));
    let inside = inside(w);
    tributary_watcher::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
    told(w).await
}

#[tokio::test]
async fn a_crossing_of_the_balance_fires_once_and_is_resolved_once() {
    let w = World::in_process().await;
    let (one, other) = (w.funded_child_of(&w.master.id, "30").await, w.funded_child_of(&w.master.id, "0.5").await);
    let made = alert(&w.master.api, json!({ "account_id": one, "channels": { "emails": ["ops@example.com"] } })).await;
    let path = format!("{ALERTS}/{}?account_id={one}", made.id());
    assert_eq!(made.header("location"), path);
    assert_eq!(told(&w).await, []);
    moved(&w, &one, &other, "25").await;
    let events = tell(inside(&w)).await;
    assert_eq!(turns(&events), [turn("fired", &one, "5.000000")]);
    let fired = events.iter().find(|event| event.kind.word() == "alert.fired").expect("it fired");
    assert_eq!((fired.account_id.to_string(), &fired.data["webhook"]), (one.clone(), &json!(true)));
    assert!(!fired.to_json().contains("ops@example.com"), "addresses are told to nobody");
    for _ in 0..10 {
        watch(inside(&w), &events).await;
    }
    moved(&w, &one, &other, "1").await;
    assert_eq!(told(&w).await, [], "still below, and told");
    let now = w.master.api.get(&path).send().await.is(200);
    assert_eq!((&now["firing"][0]["account_id"], &now["firing"][0]["value"]), (&json!(one), &json!("5.000000")));
    moved(&w, &other, &one, "6").await;
    assert_eq!(told(&w).await, [turn("resolved", &one, "10.000000")]);
    moved(&w, &one, &other, "1").await;
    assert_eq!(told(&w).await, [turn("fired", &one, "9.000000")], "it recurs");
    let history = every_row(&w.master.api, &format!("{ALERTS}/{}/history?account_id={one}", made.id()), 2).await;
    assert_eq!(history.iter().map(|row| row["turn"].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["fired", "resolved", "fired"]);
}

#[tokio::test]
async fn a_look_at_an_older_balance_does_not_have_the_last_word() {
    let w = World::in_process().await;
    let (one, other) = (w.funded_child_of(&w.master.id, "30").await, w.funded_child_of(&w.master.id, "30").await);
    alert(&w.master.api, json!({ "account_id": one })).await;
    let app = &inside(&w).app;
    let account: AccountId = one.parse().expect("an id");
    let rules = app.store().alerts(&account).await.expect("rules");
    let head = async || app.store().head(&LedgerId::Account(account.clone())).await.expect("a head");
    moved(&w, &one, &other, "25").await;
    assert_eq!(told(&w).await, [turn("fired", &one, "5.000000")]);
    moved(&w, &other, &one, "7").await;
    let slow = head().await;
    moved(&w, &one, &other, "8").await;
    // Whoever is rung by the newest balance finds nothing to tell; then the one that was slow says what it saw.
    assert_eq!(told(&w).await, []);
    let mut looked = Looked::default();
    look(app, &app.run_id(""), &account, &slow, &rules, Rang::Balance, &mut looked).await.expect("a look");
    assert_eq!(told(&w).await, [turn("resolved", &one, "12.000000"), turn("fired", &one, "4.000000")]);
}

#[tokio::test]
async fn one_that_does_not_recur_is_spent_until_it_is_changed() {
    let w = World::in_process().await;
    let (one, other) = (w.funded_child_of(&w.master.id, "30").await, w.child_of(&w.master.id).await);
    let made = alert(&w.master.api, json!({ "account_id": one, "recurring": false })).await;
    for (from, to) in [(&one, &other), (&other, &one), (&one, &other), (&other, &one)] {
        moved(&w, from, to, "25").await;
    }
    tell(inside(&w)).await;
    for (from, to, what) in [(&one, &other, "fired"), (&other, &one, "resolved")] {
        moved(&w, from, to, "25").await;
        assert_eq!(told(&w).await.first().map(|(word, ..)| word.clone()), Some(format!("alert.{what}")));
    }
    moved(&w, &one, &other, "25").await;
    assert_eq!(told(&w).await, [], "spent");
    let path = format!("{ALERTS}/{}", made.id());
    let body = json!({ "account_id": one, "metric": "balance", "threshold": "10", "recurring": false });
    w.master.api.put(&path, body.clone()).if_match("\"7\"").send().await.refused(412, "precondition_failed");
    let changed = w.master.api.put(&path, body).if_match(made.header("etag")).send().await.is(200);
    assert_eq!((changed.header("etag"), changed["created_at"] == made["created_at"]), ("\"2\"", true));
    assert_eq!(told(&w).await, [turn("fired", &one, "5.000000")], "a change is looked at at once");
}

#[tokio::test]
async fn a_subtree_is_watched_account_by_account_and_told_to_the_one_who_asked_alone() {
    let w = World::in_process().await;
    let below = w.reseller_of(&w.master.id).await;
    let (one, other) = (w.funded_child_of(&below.id, "30").await, w.funded_child_of(&below.id, "30").await);
    w.fund(&w.master.id, "100").await;
    w.fund(&below.id, "100").await;
    let made = alert(&w.master.api, json!({ "subtree": true })).await;
    tell(inside(&w)).await;
    moved(&w, &one, &w.master.id, "25").await;
    moved(&w, &other, &w.master.id, "26").await;
    let events = tell(inside(&w)).await;
    let mut seen = turns(&events);
    seen.sort();
    let mut want = [turn("fired", &one, "5.000000"), turn("fired", &other, "4.000000")];
    want.sort();
    assert_eq!(seen, want);
    assert!(events.iter().filter(|event| event.kind.word() == "alert.fired").all(|event| event.account_id.as_str() == w.master.id));
    let own = below.api.get(ALERTS).send().await.is(200);
    assert_eq!(own.rows().len(), 0, "what is watched from above is not shown below");
    below.api.get(&format!("{ALERTS}/{}", made.id())).send().await.refused(404, "not_found");
    let now = w.master.api.get(&format!("{ALERTS}/{}", made.id())).send().await.is(200);
    assert_eq!(now["firing"].as_array().map(Vec::len), Some(2));
    w.master.api.delete(&format!("{ALERTS}/{}", made.id())).send().await.is(200);
    moved(&w, &w.master.id, &one, "20").await;
    assert_eq!(told(&w).await, [], "nothing more is told of one that is gone");
}

/// A customer of a master reseller that buys at 0.08 what costs the master 0.10.
async fn shop() -> (World, String, String) {
    let w = World::in_process().await;
    let meter = w.unique("m").to_lowercase();
    let body = json!({ "key": meter, "name": "Messages", "unit": "message", "aggregation": "sum" });
    w.operator().post("/reseller/pricing/meters", body).send().await.is(201);
    for (seller, price) in [(w.operator(), "0.10"), (&w.master.api, "0.08")] {
        let model = json!({ "type": "flat", "unit_price": price });
        let card = json!({ "meter": meter, "currency": "USD", "model": model, "allow_loss": true });
        seller.post("/reseller/pricing/rate-cards", card).send().await.is(201);
    }
    w.fund(&w.master.id, "1000").await;
    let customer = w.funded_child_of(&w.master.id, "1000").await;
    (w, meter, customer)
}

async fn used(w: &World, meter: &str, account: &str, quantity: i64) {
    let event = json!({
        "id": w.unique("e"), "account_id": account, "meter": meter, "quantity": quantity.to_string(), "occurred_at": w.target.time_in_s(0),
    });
    let answer = w.operator().post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
    assert_eq!(answer["accepted"], 1, "{}", answer.text);
}

#[tokio::test]
async fn spend_usage_and_loss_fire_above_their_threshold_and_a_new_period_resolves_them() {
    let (w, meter, customer) = shop().await;
    alert(&w.master.api, json!({ "account_id": customer, "metric": "spend", "period": "day", "threshold": "8" })).await;
    alert(&w.master.api, json!({ "account_id": customer, "metric": "usage", "meter": meter, "period": "month", "threshold": "250" })).await;
    alert(&w.master.api, json!({ "metric": "loss", "period": "day", "threshold": "2" })).await;
    used(&w, &meter, &customer, 100).await;
    assert_eq!(told(&w).await, [], "8 is not above 8, and the loss is 2");
    used(&w, &meter, &customer, 1).await;
    let mut seen = told(&w).await;
    seen.sort();
    let mut want = [turn("fired", &customer, "8.080000"), turn("fired", &w.master.id, "2.020000")];
    want.sort();
    assert_eq!(seen, want);
    used(&w, &meter, &customer, 50).await;
    assert_eq!(told(&w).await, []);
    let mut seen = later(&w, DAY).await;
    seen.sort();
    let mut want = [turn("resolved", &customer, "0.000000"), turn("resolved", &w.master.id, "0.000000")];
    want.sort();
    assert_eq!(seen, want, "a new day");
    used(&w, &meter, &customer, 100).await;
    assert_eq!(told(&w).await, [turn("fired", &customer, "251.000000")], "over the month");
    assert_eq!(later(&w, DAY).await, []);
    assert_eq!(later(&w, 28 * DAY).await, [turn("resolved", &customer, "0.000000")], "a new month");
}

/// A reseller of a master, which buys at 0.10; and its two customers, one of which pays 0.05 and the other 0.20.
async fn two_prices() -> (World, String, Node, [String; 2]) {
    let w = World::in_process().await;
    let meter = w.unique("m").to_lowercase();
    let body = json!({ "key": meter, "name": "Messages", "unit": "message", "aggregation": "sum" });
    w.operator().post("/reseller/pricing/meters", body).send().await.is(201);
    let reseller = w.reseller_of(&w.master.id).await;
    for id in [&w.master.id, &reseller.id] {
        w.fund(id, "1000").await;
    }
    let (one, other) = (w.funded_child_of(&reseller.id, "100").await, w.funded_child_of(&reseller.id, "100").await);
    let sold = [
        (w.operator(), None, "0.01"),
        (&w.master.api, None, "0.10"),
        (&reseller.api, Some(&one), "0.05"),
        (&reseller.api, Some(&other), "0.20"),
    ];
    for (seller, buyer, price) in sold {
        let model = json!({ "type": "flat", "unit_price": price });
        let mut card = json!({ "meter": meter, "currency": "USD", "model": model, "allow_loss": true });
        if let Some(buyer) = buyer {
            card["account_id"] = json!(buyer);
        }
        seller.post("/reseller/pricing/rate-cards", card).send().await.is(201);
    }
    (w, meter, reseller, [one, other])
}

#[tokio::test]
async fn loss_is_told_of_each_account_that_is_sold_to_below_cost_and_not_of_own_usage() {
    let (w, meter, reseller, [one, other]) = two_prices().await;
    alert(&reseller.api, json!({ "metric": "loss", "period": "day", "threshold": "0", "subtree": true })).await;
    let unused = json!({ "metric": "loss", "meter": w.unique("u").to_lowercase(), "period": "day", "threshold": "0", "subtree": true });
    alert(&reseller.api, unused).await;
    // Nothing is sold below cost: its own usage is sold to nobody.
    used(&w, &meter, &reseller.id, 10).await;
    assert_eq!(told(&w).await, []);
    // 20 earned on the one do not make up for 1 lost on the other.
    used(&w, &meter, &other, 100).await;
    used(&w, &meter, &one, 20).await;
    assert_eq!(told(&w).await, [turn("fired", &one, "1.000000")]);
    alert(&reseller.api, json!({ "metric": "loss", "meter": meter, "period": "month", "threshold": "1", "subtree": true })).await;
    used(&w, &meter, &one, 20).await;
    assert_eq!(told(&w).await, [turn("fired", &one, "2.000000")], "of that meter");
}

#[tokio::test]
async fn what_accounts_further_down_pay_each_other_is_told_to_nobody_above() {
    let (w, meter, reseller, [one, _]) = two_prices().await;
    // The master loses nothing: it buys at 0.01 what the reseller sells at a loss.
    alert(&w.master.api, json!({ "metric": "loss", "period": "day", "threshold": "0", "subtree": true })).await;
    alert(&w.master.api, json!({ "metric": "spend", "period": "day", "threshold": "1.5", "subtree": true })).await;
    used(&w, &meter, &one, 20).await;
    let mut seen = told(&w).await;
    seen.sort();
    let mut want = [turn("fired", &one, "2.000000"), turn("fired", &reseller.id, "2.000000")];
    want.sort();
    assert_eq!(seen, want, "20 at the master's own 0.10, not at the customer's 0.05");
    for body in [
        json!({ "account_id": reseller.id, "metric": "loss", "period": "day", "threshold": "0" }),
        json!({ "account_id": reseller.id, "metric": "spend", "period": "day", "threshold": "0", "subtree": true }),
        json!({ "account_id": one, "metric": "spend", "period": "day", "threshold": "0" }),
    ] {
        w.master.api.post(ALERTS, body).send().await.refused(400, "validation_failed");
    }
    let strange = json!({ "account_id": w.other_master(json!({})).await.id, "metric": "spend", "period": "day", "threshold": "0" });
    w.master.api.post(ALERTS, strange).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn when_credit_runs_out_is_looked_at_with_each_usage_and_each_hour() {
    let (w, meter, customer) = shop().await;
    for _ in 0..60 {
        used(&w, &meter, &customer, 100).await;
        w.target.advance_s(DAY, "days of usage");
    }
    let inside = inside(&w);
    let run = inside.app.run_id("");
    for _ in 0..20 {
        w.target.advance_s(60, "a minute");
        tributary_usage_worker::handle(&inside.app, json!({}), &run).await.expect("a run");
    }
    tell(inside).await;
    let left = w.available(&customer).await;
    assert_eq!(left, "520.000000");
    alert(&w.master.api, json!({ "account_id": customer, "metric": "time_to_empty", "threshold": "14" })).await;
    assert_eq!(later(&w, 0).await, [], "no forecast is made yet");
    let made = tributary_forecasts::handle(&inside.app, json!({}), &run).await.expect("a run");
    assert_eq!((&made["failed"], &made["done"]), (&json!(0), &json!(true)), "{made}");
    assert_eq!(later(&w, 3_601).await, [], "it lasts for some 65 days");
    moved(&w, &customer, &w.master.id, "440").await;
    let fired = told(&w).await;
    assert_eq!(fired.len(), 1, "80 last for some ten days: {fired:?}");
    assert_eq!(fired[0].0, "alert.fired");
    moved(&w, &w.master.id, &customer, "440").await;
    assert_eq!(told(&w).await.first().map(|(word, ..)| word.as_str().to_owned()), Some("alert.resolved".to_owned()));
}

#[tokio::test]
async fn fifty_alerts_are_as_many_as_an_account_has_and_a_repeated_request_makes_one() {
    let w = World::in_process().await;
    let ask = || w.master.api.post(ALERTS, json!({ "metric": "balance", "threshold": "-5" })).idem("once");
    let (first, again) = (ask().send().await.is(201), ask().send().await.is(201));
    assert_eq!((first.id(), again.header("idempotent-replayed")), (again.id(), "true"));
    for _ in 1..50 {
        alert(&w.master.api, json!({})).await;
    }
    w.master.api.post(ALERTS, json!({ "metric": "balance", "threshold": "1" })).send().await.refused(422, "limit_reached");
    assert_eq!(every_row(&w.master.api, ALERTS, 7).await.len(), 50);
}
