//! Usage as a reseller's engineer meets it: events in, credit and prices at every level, and why.

use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::world::{Node, World, merge};

const EVENTS: &str = "/reseller/usage/events";

/// A master, a reseller below it with credit, a customer below that with credit, and a meter of the operator: 0.04 for the
/// master, 0.05 for the reseller, 0.08 for the customer.
struct Scene {
    w: World,
    meter: String,
    reseller: Node,
    customer: Node,
    /// When all of this was there.
    now: String,
}

impl Scene {
    async fn new() -> Self {
        Self::on(World::new().await).await
    }

    async fn on(w: World) -> Self {
        let meter = meter(&w, w.operator(), json!({})).await;
        let reseller = w.reseller_of(&w.master.id).await;
        let customer = w.funded_child_of(&reseller.id, "10").await;
        w.fund(&reseller.id, "100").await;
        w.fund(&w.master.id, "100").await;
        card(w.operator(), &meter, "0.04").await;
        card(&w.master.api, &meter, "0.05").await;
        card(&reseller.api, &meter, "0.08").await;
        let customer = Node { api: w.key_for(&customer, "owner").await, id: customer };
        // Where the clock runs, an event that is sent again must still have the time it had.
        let now = w.target.time_in_s(0);
        Self { w, meter, reseller, customer, now }
    }

    /// An event of the customer now, with more members.
    fn event(&self, id: &str, quantity: &str, more: Value) -> Value {
        let mut event =
            json!({ "id": id, "account_id": self.customer.id, "meter": self.meter, "quantity": quantity, "occurred_at": self.now });
        merge(&mut event, more);
        event
    }

    async fn send(&self, events: Vec<Value>) -> Vec<String> {
        verdicts(&self.customer.api.post(EVENTS, json!({ "events": events })).send().await.is(200))
    }

    /// What customer, reseller and master have.
    async fn balances(&self) -> [String; 3] {
        let w = &self.w;
        [w.available(&self.customer.id).await, w.available(&self.reseller.id).await, w.available(&w.master.id).await]
    }
}

async fn meter(w: &World, api: &Api, more: Value) -> String {
    let key = w.unique("u").to_lowercase();
    let mut body = json!({ "key": key, "name": "Messages", "unit": "message", "aggregation": "sum" });
    merge(&mut body, more);
    api.post("/reseller/pricing/meters", body).send().await.is(201);
    key
}

async fn card(api: &Api, meter: &str, price: &str) {
    let body = json!({ "meter": meter, "currency": "USD", "model": { "type": "flat", "unit_price": price } });
    api.post("/reseller/pricing/rate-cards", body).send().await.is(201);
}

fn verdicts(answer: &Answer) -> Vec<String> {
    let rows = answer["results"].as_array().unwrap_or_else(|| panic!("no results: {}", answer.text)).iter();
    rows.map(|row| [&row["status"], &row["code"]].into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn an_event_counts_once_and_moves_credit_at_every_level() {
    let s = Scene::new().await;
    let (a, b) = (s.event("a", "10", json!({})), s.event("b", "5", json!({})));
    let answers = s.send(vec![a.clone(), b.clone(), a.clone(), s.event("b", "6", json!({}))]).await;
    assert_eq!(answers, ["accepted", "accepted", "duplicate", "rejected event_id_reused"]);
    // 15 × 0.08 from the customer; the reseller earns that and pays 15 × 0.05; the master earns that and pays 15 × 0.04.
    let after = ["8.800000", "100.450000", "100.150000"];
    assert_eq!(s.balances().await, after);
    assert_eq!(s.send(vec![a.clone(), b]).await, ["duplicate", "duplicate"]);
    assert_eq!(s.send(vec![s.event("a", "10", json!({ "occurred_at": s.w.target.time_in_s(-7200) }))]).await, ["rejected event_id_reused"]);
    assert_eq!(s.balances().await, after);
    let history = s.customer.api.get("/reseller/credits/history").send().await.is(200);
    assert_eq!((history.column("kind")[0].as_str(), history.column("amount")[0].as_str()), ("usage", "-1.200000"));
}

#[tokio::test]
async fn a_bad_event_never_sinks_its_batch() {
    let s = Scene::new().await;
    let other = s.w.other_master(json!({})).await;
    let time = |seconds: i64| json!({ "occurred_at": s.w.target.time_in_s(seconds) });
    let answers = s
        .send(vec![
            s.event("1", "1", json!({})),
            s.event("2", "1", json!({ "meter": "no-such-meter" })),
            s.event("3", "1", json!({ "account_id": other.id })),
            s.event("4", "1", json!({ "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty" })),
            s.event("5", "-1", json!({})),
            s.event("6", "1000000000.000001", json!({})),
            s.event("7", "1", time(3600)),
            s.event("8", "1", time(-36 * 24 * 3600)),
            s.event("9", "1000", json!({})),
            json!("an event"),
            s.event("11", "1", json!({ "price": "0" })),
            s.event("12", "1", time(-34 * 24 * 3600)),
            s.event("13", "1", json!({ "account_id": s.reseller.id })),
        ])
        .await;
    assert_eq!(
        answers,
        [
            "accepted",
            "rejected unknown_meter",
            "rejected not_found",
            "rejected not_found",
            "rejected validation_failed",
            "rejected validation_failed",
            "rejected event_in_future",
            "rejected event_too_old",
            "rejected insufficient_credits",
            "rejected validation_failed",
            "rejected unknown_field",
            // It is not too old, but there was no price then.
            "rejected no_price",
            // A customer's key sends nobody else's usage.
            "rejected not_found",
        ]
    );
    assert_eq!(s.balances().await[0], "9.920000");
    let many: Vec<Value> = (0..1001).map(|n| json!({ "id": n.to_string() })).collect();
    let refused = s.customer.api.post(EVENTS, json!({ "events": many })).send().await.refused(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/events");
    s.customer.api.post(EVENTS, json!({ "events": [] })).send().await.refused(400, "validation_failed");
    s.customer.api.post(EVENTS, json!([])).send().await.refused(400, "validation_failed");
    s.customer.api.call(http::Method::POST, EVENTS).raw(b"{}").send().await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_thousand_events_of_many_accounts_are_taken_at_once() {
    let s = Scene::new().await;
    let mut events = Vec::new();
    for _ in 0..4 {
        let account = s.w.funded_child_of(&s.reseller.id, "100").await;
        events.extend((0..250).map(|n| s.event(&format!("{account}-{n}"), "1", json!({ "account_id": account }))));
    }
    let answer = s.reseller.api.post(EVENTS, json!({ "events": events })).send().await.is(200);
    assert_eq!((answer["accepted"].clone(), answer["rejected"].clone()), (json!(1000), json!(0)));
    assert_eq!(s.balances().await[1..], ["130.000000", "110.000000"]);
}

#[tokio::test]
async fn what_is_postpaid_accrues_and_its_seller_still_pays() {
    let s = Scene::new().await;
    let path = format!("/reseller/accounts/{}", s.customer.id);
    s.customer.api.put(&path, json!({ "funding": "postpaid" })).send().await.refused(403, "forbidden");
    s.reseller.api.put(&path, json!({ "funding": "postpaid" })).send().await.is(200);
    assert_eq!(s.send(vec![s.event("a", "1000", json!({}))]).await, ["accepted"]);
    assert_eq!(s.balances().await, ["10.000000", "50.000000", "110.000000"]);
    // The reseller's own credit is what is left to run out.
    assert_eq!(s.send(vec![s.event("b", "1001", json!({}))]).await, ["rejected insufficient_credits"]);
    assert_eq!(s.send(vec![s.event("c", "1000", json!({}))]).await, ["accepted"]);
    // The master buys the second thousand in the bronze tier: 38 for what it sells for 50.
    assert_eq!(s.balances().await, ["10.000000", "0.000000", "122.000000"]);
}

#[tokio::test]
async fn a_suspended_account_or_ancestor_uses_nothing() {
    let s = Scene::new().await;
    s.w.suspend(&s.w.master.id).await;
    assert_eq!(s.send(vec![s.event("a", "1", json!({}))]).await, ["rejected account_suspended"]);
    s.w.operator().post(&format!("/reseller/accounts/{}/reactivate", s.w.master.id), json!({})).send().await.is(200);
    assert_eq!(s.send(vec![s.event("a", "1", json!({}))]).await, ["accepted"]);
}

#[tokio::test]
async fn a_meter_of_a_reseller_is_paid_to_it() {
    let s = Scene::new().await;
    let support = meter(&s.w, &s.reseller.api, json!({ "name": "Support", "unit": "hour" })).await;
    assert_eq!(s.send(vec![s.event("a", "2", json!({ "meter": support }))]).await, ["rejected no_price"]);
    card(&s.reseller.api, &support, "1.5").await;
    let now = json!({ "meter": support, "occurred_at": s.w.target.time_in_s(0) });
    assert_eq!(s.send(vec![s.event("a", "2", now)]).await, ["accepted"]);
    assert_eq!(s.balances().await, ["7.000000", "103.000000", "100.000000"]);
}

#[tokio::test]
async fn meters_count_take_the_largest_and_the_different_values() {
    let s = Scene::new().await;
    let of = |aggregation: &str| json!({ "aggregation": aggregation });
    let count = meter(&s.w, s.w.operator(), of("count")).await;
    let max = meter(&s.w, s.w.operator(), of("max")).await;
    let users = json!({ "aggregation": "unique", "dimensions": ["user"], "unique_by": "user" });
    let unique = meter(&s.w, s.w.operator(), users).await;
    for meter in [&count, &max, &unique] {
        card(s.w.operator(), meter, "1").await;
    }
    let at = s.w.target.time_in_s(0);
    let event = |id: &str, meter: &str, quantity: &str, user: &str| {
        s.event(id, quantity, json!({ "meter": meter, "occurred_at": at, "properties": { "user": user } }))
    };
    assert_eq!(s.send(vec![event("c1", &count, "7", "x"), event("c2", &count, "9", "x")]).await, ["accepted", "accepted"]);
    assert_eq!(s.balances().await[0], "8.000000");
    let peaks = vec![event("m1", &max, "2", "x"), event("m2", &max, "1", "x"), event("m3", &max, "3", "x")];
    assert_eq!(s.send(peaks).await, ["accepted"; 3]);
    assert_eq!(s.balances().await[0], "5.000000");
    let visits = vec![event("u1", &unique, "1", "ada"), event("u2", &unique, "1", "bob"), event("u3", &unique, "1", "ada")];
    assert_eq!(s.send(visits).await, ["accepted"; 3]);
    assert_eq!(s.send(vec![event("u4", &unique, "1", "bob")]).await, ["accepted"]);
    assert_eq!(s.balances().await[0], "3.000000");
    let nameless = s.event("u5", "1", json!({ "meter": unique, "occurred_at": at }));
    assert_eq!(s.send(vec![nameless]).await, ["rejected validation_failed"]);
}

#[tokio::test]
async fn cloud_events_are_taken_in_each_of_their_forms() {
    let s = Scene::new().await;
    let cloud = |id: &str| {
        json!({ "specversion": "1.0", "id": id, "source": "/gateway", "type": s.meter, "subject": s.customer.id,
            "time": s.now, "data": { "quantity": "1" } })
    };
    assert_eq!(s.send(vec![cloud("a"), s.event("b", "1", json!({}))]).await, ["accepted", "accepted"]);
    let post = |body: Value, media: &'static [u8]| s.customer.api.post(EVENTS, body).header("content-type", media);
    assert_eq!(verdicts(&post(cloud("c"), b"application/cloudevents+json").send().await.is(200)), ["accepted"]);
    let batch = post(json!([cloud("c"), cloud("d")]), b"application/cloudevents-batch+json; charset=utf-8").send().await.is(200);
    assert_eq!(verdicts(&batch), ["duplicate", "accepted"]);
    post(cloud("e"), b"application/cloudevents-batch+json").send().await.refused(400, "validation_failed");
}

#[tokio::test]
async fn a_charge_is_explained_to_each_level_and_shows_nobody_above() {
    let s = Scene::new().await;
    assert_eq!(s.send(vec![s.event("call:1", "12", json!({}))]).await, ["accepted"]);
    let path = format!("{EVENTS}/call%3A1/explain?account_id={}", s.customer.id);
    let levels = |answer: &Answer| -> Vec<(String, String, bool)> {
        let rows = answer["rated"]["levels"].as_array().expect("levels").iter();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.map(|row| (text(row, "payer"), text(row, "amount"), row["cost"].is_string())).collect()
    };
    let row = |id: &str, amount: &str, cost: bool| (id.to_owned(), amount.to_owned(), cost);
    let (customer, reseller, master) = (&s.customer.id, &s.reseller.id, &s.w.master.id);
    let own = s.customer.api.get(&path).send().await.is(200);
    assert_eq!(levels(&own), [row(customer, "0.960000", false)]);
    for foreign in [reseller, master] {
        assert!(!own.text.contains(foreign.as_str()), "{}", own.text);
    }
    let theirs = s.reseller.api.get(&path).send().await.is(200);
    assert_eq!(levels(&theirs), [row(customer, "0.960000", true), row(reseller, "0.600000", false)]);
    assert!(!theirs.text.contains(master.as_str()), "{}", theirs.text);
    assert!(theirs.text.contains("12 × 0.08"), "{}", theirs.text);
    let all = s.w.operator().get(&path).send().await.is(200);
    assert_eq!(levels(&all), [row(customer, "0.960000", true), row(reseller, "0.600000", true), row(master, "0.480000", false)]);
    s.customer.api.get(&format!("{EVENTS}/call%3A2/explain")).send().await.refused(404, "not_found");
    s.w.other_master(json!({})).await.api.get(&path).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn an_event_is_found_by_an_id_with_a_slash_in_it() {
    let s = Scene::new().await;
    // The emulator of AWS routes no path with an encoded slash in it.
    if s.w.target.inside("the id of an event with a slash in it").is_none() {
        return;
    }
    assert_eq!(s.send(vec![s.event("call/1", "12", json!({}))]).await, ["accepted"]);
    let explained = s.customer.api.get(&format!("{EVENTS}/call%2F1/explain")).send().await.is(200);
    assert_eq!(explained["event"]["id"], "call/1");
}

#[tokio::test]
async fn an_event_is_corrected_and_voided_to_the_micro_unit_and_once() {
    let s = Scene::new().await;
    let before = s.balances().await;
    assert_eq!(s.send(vec![s.event("a", "10", json!({})), s.event("b", "0.000007", json!({}))]).await, ["accepted", "accepted"]);
    let body = |more: Value| {
        let mut body = json!({ "account_id": s.customer.id });
        merge(&mut body, more);
        body
    };
    let correct = format!("{EVENTS}/a/correct");
    s.reseller.api.post(&correct, body(json!({ "quantity": "4" }))).send().await.refused(400, "idempotency_key_missing");
    let ask = |key: &str| s.reseller.api.post(&correct, body(json!({ "quantity": "4", "reason": "Counted twice" }))).idem(key);
    let first = ask("k1").send().await.is(201);
    let again = ask("k1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), &again.json), ("true", &first.json));
    // 4 × 0.08, and 0.000007 × 0.08, of which the month's total of 0.32000056 makes a micro-unit.
    assert_eq!(s.balances().await[0], "9.679999");
    let explained = s.reseller.api.get(&format!("{EVENTS}/a/explain?account_id={}", s.customer.id)).send().await.is(200);
    assert_eq!((explained.word("state"), explained.word("reason")), ("corrected", "Counted twice"));
    let void = |id: &str| s.reseller.api.pay(&format!("{EVENTS}/{id}/void"), body(json!({})));
    void("a").send().await.is(201);
    void("b").send().await.is(201);
    assert_eq!(s.balances().await, before);
    void("a").send().await.refused(409, "conflict");
    s.reseller.api.pay(&correct, body(json!({ "quantity": "4" }))).send().await.refused(409, "conflict");
    void("c").send().await.refused(404, "not_found");
    let state = s.reseller.api.get(&format!("{EVENTS}/a/explain?account_id={}", s.customer.id)).send().await.is(200);
    assert_eq!(state.word("state"), "voided");
    // The id is taken for ever.
    assert_eq!(s.send(vec![s.event("a", "10", json!({}))]).await, ["duplicate"]);
}

#[tokio::test]
async fn an_account_that_was_moved_pays_its_new_seller() {
    let s = Scene::new().await;
    assert_eq!(s.send(vec![s.event("a", "10", json!({}))]).await, ["accepted"]);
    let new = s.w.reseller_of(&s.w.master.id).await;
    s.w.fund(&new.id, "1").await;
    card(&new.api, &s.meter, "0.10").await;
    let move_to = json!({ "parent_id": new.id });
    s.w.operator().post(&format!("/reseller/accounts/{}/move", s.customer.id), move_to).send().await.is(200);
    let now = json!({ "occurred_at": s.w.target.time_in_s(0) });
    assert_eq!(s.send(vec![s.event("b", "10", now)]).await, ["accepted"]);
    assert_eq!(s.balances().await, ["8.200000", "100.300000", "100.200000"]);
    assert_eq!(s.w.available(&new.id).await, "1.500000");
    // What the old seller earned goes back to whom it came from.
    s.w.operator().pay(&format!("{EVENTS}/a/void"), json!({ "account_id": s.customer.id })).send().await.is(201);
    assert_eq!(s.balances().await, ["9.000000", "100.000000", "100.100000"]);
}

#[tokio::test]
async fn the_months_volume_moves_a_reseller_up_at_once() {
    let s = Scene::new().await;
    let tier = async || s.w.operator().get(&format!("/reseller/accounts/{}", s.w.master.id)).send().await.is(200).word("tier").to_owned();
    assert_eq!(tier().await, "none");
    s.w.fund(&s.customer.id, "1000").await;
    assert_eq!(s.send(vec![s.event("a", "1000", json!({}))]).await, ["accepted"]);
    assert_eq!(tier().await, "bronze");
    let before = s.balances().await;
    assert_eq!(s.send(vec![s.event("b", "100", json!({}))]).await, ["accepted"]);
    // The master earns 100 × 0.05 and pays 100 × 0.04 less 5 %.
    let gained = |at: usize, now: &[String; 3]| {
        let micros = |text: &str| text.replace('.', "").parse::<i64>().expect("a number");
        micros(&now[at]) - micros(&before[at])
    };
    assert_eq!(gained(2, &s.balances().await), 1_200_000);
}

#[tokio::test]
async fn a_tier_is_kept_for_a_month_and_goes_without_any_usage() {
    let s = Scene::new().await;
    let Some(inside) = s.w.target.inside("the months of a tier") else { return };
    let tier = async || s.w.operator().get(&format!("/reseller/accounts/{}", s.w.master.id)).send().await.is(200).word("tier").to_owned();
    let look =
        async || tributary_forecasts::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run")["demoted"].clone();
    s.w.fund(&s.customer.id, "1000").await;
    assert_eq!(s.send(vec![s.event("a", "5000", json!({}))]).await, ["accepted"]);
    assert_eq!((tier().await, look().await), ("silver".into(), json!(0)));
    s.w.target.advance_s(31 * 86_400, "a month");
    assert_eq!((look().await, tier().await), (json!(0), "silver".into()), "a month's grace");
    s.w.target.advance_s(31 * 86_400, "another month");
    assert_eq!((look().await, tier().await), (json!(1), "none".into()));
    assert_eq!((look().await, tier().await), (json!(0), "none".into()));
}

#[tokio::test]
async fn a_batch_of_sixty_resellers_of_one_master_is_taken_when_all_their_tiers_change() {
    let s = Scene::new().await;
    let tiers = json!({ "tiers": [{ "name": "any", "from": "1", "discount": "1" }] });
    s.w.master.api.put("/reseller/pricing/tiers", tiers).send().await.is(200);
    let (mut events, mut resellers) = (Vec::new(), Vec::new());
    for number in 0..60 {
        let reseller = s.w.reseller_of(&s.w.master.id).await;
        let customer = s.w.funded_child_of(&reseller.id, "10").await;
        s.w.fund(&reseller.id, "10").await;
        card(&reseller.api, &s.meter, "0.08").await;
        events.push(s.event(&format!("e{number}"), "1", json!({ "account_id": customer, "occurred_at": s.w.target.time_in_s(0) })));
        resellers.push(reseller.id);
    }
    let answer = s.w.operator().post(EVENTS, json!({ "events": events })).send().await.is(200);
    assert_eq!(verdicts(&answer), vec!["accepted"; 60]);
    for id in resellers {
        assert_eq!(s.w.operator().get(&format!("/reseller/accounts/{id}")).send().await.is(200).word("tier"), "any");
    }
}

#[tokio::test]
async fn events_taken_for_later_are_counted_by_the_worker() {
    let s = Scene::new().await;
    let events = json!({ "events": [s.event("a", "10", json!({})), s.event("b", "1", json!({ "meter": "none" }))] });
    let batch = s.customer.api.post("/reseller/usage/events/async", events).send().await.is(202);
    assert_eq!((batch.word("status"), &batch["events"]), ("queued", &json!(2)));
    if let Some(inside) = s.w.target.inside("the queue's message, delivered twice") {
        assert_eq!(s.balances().await[0], "10.000000");
        let message = inside.outside.usage.take().pop().expect("a message");
        let event = json!({ "Records": [{ "messageId": "m", "body": message, "attributes": { "ApproximateReceiveCount": "1" } }] });
        for _ in 0..2 {
            let answer = tributary_usage_worker::handle(&inside.app, event.clone(), &inside.app.run_id("")).await.expect("a run");
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }
    let done = s.w.target.ended(&s.customer.api, batch.header("location"), &["queued"]).await;
    assert_eq!(s.balances().await[0], "9.200000");
    assert_eq!((done.word("status"), &done["accepted"], &done["rejected"]), ("done", &json!(1), &json!(1)));
    assert_eq!(done["rejections"][0]["code"], "unknown_meter");
    s.w.other_master(json!({})).await.api.get(batch.header("location")).send().await.refused(404, "not_found");
}
