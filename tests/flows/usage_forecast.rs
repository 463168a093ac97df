//! Forecasts: what a client is told of the coming days, of the month and of its credit, and the day's run that makes them ready.

use serde_json::{Value, json};

use tributary_domain::id::AccountId;
use tributary_store::aggregates::{Kept, Size, Slot, StoredSums};

use crate::support::api::{Answer, Api};
use crate::support::world::{Node, World};

const FORECAST: &str = "/reseller/usage/forecast";
const DAY_S: i64 = 24 * 3600;

/// A customer of a master reseller that bought at 0.08 what costs the master 0.05, for ten weeks: about a hundred a working day
/// and twenty on others. It is Monday, the 11th of January, 8:00, and today has no usage yet.
struct Scene {
    w: World,
    meter: String,
    customer: Node,
}

impl Scene {
    async fn new(days: i64) -> Self {
        let w = World::in_process().await;
        let meter = w.unique("m").to_lowercase();
        let body = json!({ "key": meter, "name": "Messages", "unit": "message", "aggregation": "sum" });
        w.operator().post("/reseller/pricing/meters", body).send().await.is(201);
        for (seller, price) in [(w.operator(), "0.05"), (&w.master.api, "0.08")] {
            let card = json!({ "meter": meter, "currency": "USD", "model": { "type": "flat", "unit_price": price } });
            seller.post("/reseller/pricing/rate-cards", card).send().await.is(201);
        }
        w.fund(&w.master.id, "1000").await;
        let id = w.funded_child_of(&w.master.id, "1000").await;
        let customer = Node { api: w.key_for(&id, "owner").await, id };
        let s = Self { w, meter, customer };
        for day in 0..days {
            // The first day is a Monday.
            let quantity = if day % 7 < 5 { 100 } else { 20 } + day * 7919 % 11 - 5;
            s.used(&s.customer.id, quantity).await;
            assert!(s.w.target.advance_s(DAY_S, "days of usage"));
        }
        s
    }

    async fn used(&self, account: &str, quantity: i64) {
        let event = json!({
            "id": self.w.unique("e"), "account_id": account, "meter": self.meter, "quantity": quantity.to_string(),
            "occurred_at": self.w.target.time_in_s(0),
        });
        let answer = self.w.operator().post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
        assert_eq!(answer["accepted"], 1, "{}", answer.text);
    }

    async fn of_meter(&self, api: &Api, more: &str) -> Answer {
        ask(api, &format!("meter={}{more}", self.meter)).await
    }
}

async fn ask(api: &Api, query: &str) -> Answer {
    api.get(&format!("{FORECAST}?{query}")).send().await.is(200)
}

fn number(value: &Value) -> f64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    assert_eq!(text.split_once('.').map(|(_, decimals)| decimals.len()), Some(6), "{text}");
    text.parse().expect("a number")
}

/// The mean of an estimate whose ends are in order.
fn mean(of: &Value) -> f64 {
    let ends: Vec<f64> = ["lo95", "lo80", "mean", "hi80", "hi95"].into_iter().map(|end| number(&of[end])).collect();
    assert!(ends.is_sorted() && ends[0] >= 0.0, "{of}");
    ends[2]
}

fn rows<'a>(answer: &'a Answer, name: &str) -> &'a Vec<Value> {
    answer["forecast"][name].as_array().unwrap_or_else(|| panic!("no {name} in {}", answer.text))
}

#[tokio::test]
async fn a_meter_is_forecast_with_its_week_its_intervals_and_its_record() {
    let s = Scene::new(70).await;
    let answer = s.of_meter(&s.customer.api, "&horizon_days=14").await;
    assert_eq!((answer.word("of"), answer.word("unit"), &answer["from_store"]), ("quantity", "message", &json!(false)));
    assert_eq!((&answer["history"]["days"], &answer["history"]["through"]), (&json!(70), &json!("2027-01-10")));
    let points = rows(&answer, "points");
    assert_eq!((points.len(), &points[0]["date"], &points[13]["date"]), (14, &json!("2027-01-11"), &json!("2027-01-24")));
    let means: Vec<f64> = points.iter().map(mean).collect();
    for (day, expected) in means.iter().enumerate() {
        let (least, most) = if day % 7 < 5 { (85.0, 115.0) } else { (10.0, 35.0) };
        assert!((least..=most).contains(expected), "day {day}: {means:?}");
    }
    let sums: Vec<f64> = rows(&answer, "sums").iter().map(mean).collect();
    assert!((sums[13] - means.iter().sum::<f64>()).abs() < 0.001 && sums.is_sorted());
    let record = &answer["forecast"]["backtest"];
    assert!(number(&record["wape"]) < 0.2 && number(&record["mae"]) < 15.0, "{record}");
    assert!(number(&record["coverage95"]) > 0.8 && number(&record["seasonal_naive"]["mae"]) > 0.0, "{record}");
    // Enough history for two weeks: no warning about days that were not asked for.
    assert_eq!(answer["forecast"]["warnings"], json!([]));
    let kept = s.of_meter(&s.customer.api, "&horizon_days=42").await;
    assert_eq!((&kept["from_store"], &kept["made_at"]), (&json!(true), &answer["made_at"]));
    assert_eq!(&rows(&kept, "points")[..14], points);
    let far = s.of_meter(&s.customer.api, "&horizon_days=92").await;
    assert_eq!((&far["from_store"], rows(&far, "points").len()), (&json!(false), 92));
    s.w.target.advance_s(DAY_S, "tomorrow");
    let tomorrow = s.of_meter(&s.customer.api, "").await;
    assert_eq!((&tomorrow["from_store"], &tomorrow["history"]["days"], rows(&tomorrow, "points").len()), (&json!(false), &json!(71), 30));
}

#[tokio::test]
async fn the_month_ends_with_at_least_what_it_has_at_the_callers_own_prices() {
    let s = Scene::new(70).await;
    s.used(&s.customer.id, 10).await;
    let own = s.of_meter(&s.customer.api, "").await;
    let month = &own["month"];
    let (so_far, end) = (number(&month["so_far"]["quantity"]), mean(&month["quantity"]));
    // January has 21 working days and 10 others: some 2,300.
    assert!(so_far > 600.0 && (2_100.0..2_500.0).contains(&end), "{month}");
    assert!((mean(&month["cost"]) - 0.08 * end).abs() < 1.0 && number(&month["so_far"]["cost"]) > 0.0, "{month}");
    assert_eq!((&month["price"], &month["margin"], &month["so_far"]["price"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((month["month"].as_str(), own.word("currency"), &own["tier"]), (Some("2027-01"), "USD", &Value::Null));
    // The master pays 0.05, less 5 % of the bronze tier that December's volume keeps, and is paid 0.08.
    let seller = s.of_meter(&s.w.master.api, &format!("&account_id={}", s.customer.id)).await;
    let month = &seller["month"];
    assert!((mean(&month["cost"]) - 0.0475 * end).abs() < 1.0 && (mean(&month["price"]) - 0.08 * end).abs() < 1.0, "{month}");
    assert!((number(&month["margin"]) - 0.0325 * end).abs() < 1.0, "{month}");
    let subtree = s.of_meter(&s.w.master.api, "").await;
    assert!((mean(&subtree["month"]["price"]) - 0.08 * end).abs() < 2.0, "{}", subtree.text);
    assert_eq!((subtree["tier"]["mean"].as_str(), subtree["tier"]["discount"].as_str()), (Some("bronze"), Some("5")));
    assert!((mean(&subtree["tier"]["volume"]) - end).abs() < 1.0);
}

#[tokio::test]
async fn without_a_meter_it_is_of_money_and_says_how_long_credit_lasts() {
    let s = Scene::new(70).await;
    let own = ask(&s.customer.api, "").await;
    assert_eq!((own.word("of"), &own["meter"], &own["unit"], rows(&own, "points").len()), ("cost", &Value::Null, &Value::Null, 30));
    assert!((7.0..9.0).contains(&mean(&rows(&own, "points")[0])), "a working day costs some 8: {}", own.text);
    // Ten weeks took some 430 of 1,000; what is left lasts longer than six weeks.
    let empty = &own["time_to_empty"];
    assert_eq!((empty["state"].as_str(), &empty["mean"], &empty["through"]), (Some("lasts"), &Value::Null, &json!("2027-02-21")));
    let spendable = number(&empty["spendable"]);
    let back = format!("{:.6}", spendable - 100.0);
    s.customer.api.pay("/reseller/credits/holds", json!({ "account_id": s.customer.id, "amount": back })).send().await.is(201);
    let short = ask(&s.customer.api, "").await;
    let empty = &short["time_to_empty"];
    let day = |which: &str| empty[which].as_str().unwrap_or_else(|| panic!("{empty}")).to_owned();
    // 8 a working day and 1.60 on others are 43 a week: 100 last until the 25th or so.
    assert!(day("earliest") <= day("mean") && day("mean") <= day("latest"), "{empty}");
    assert!(("2027-01-22".."2027-01-30").contains(&day("mean").as_str()), "{empty}");
    assert_eq!(short["from_store"], true, "what was kept is of usage, and the balance is today's");
    // The master is paid more than it pays: its credit grows.
    let master = ask(&s.w.master.api, "").await;
    assert_eq!((&master["time_to_empty"]["state"], &master["time_to_empty"]["earliest"]), (&json!("lasts"), &Value::Null));
    assert!(number(&master["month"]["margin"]) > 0.0);
    // Whom it costs nothing is shown what it is paid.
    let operator = ask(s.w.operator(), &format!("account_id={}", s.w.master.id)).await;
    assert_eq!(operator.word("of"), "price");
    assert_eq!((mean(&operator["month"]["cost"]), mean(&operator["month"]["price"])), (0.0, mean(&master["month"]["cost"])));
    // Who may see usage but no credit is told nothing of it.
    let role = json!({ "name": "meter-reader", "rights": ["usage.read"] });
    s.w.operator().post(&format!("/reseller/accounts/{}/roles", s.customer.id), role).send().await.is(201);
    let reader = s.w.key_for(&s.customer.id, "meter-reader").await;
    assert_eq!(ask(&reader, "").await["time_to_empty"], Value::Null);
}

#[tokio::test]
async fn too_little_history_is_said_and_not_made_up_for() {
    let s = Scene::new(3).await;
    let answer = s.of_meter(&s.customer.api, "").await;
    assert_eq!((&answer["forecast"], &answer["month"]["quantity"], &answer["time_to_empty"]), (&Value::Null, &Value::Null, &Value::Null));
    let history = &answer["history"];
    assert_eq!((&history["days_with_usage"], &history["days_needed"]), (&json!(3), &json!(7)));
    assert!((90.0..110.0).contains(&number(&history["mean"])), "{history}");
    assert!(number(&answer["month"]["so_far"]["cost"]) > 20.0);
    let none = s.w.child_of(&s.w.master.id).await;
    let none = s.of_meter(&s.w.master.api, &format!("&account_id={none}")).await;
    assert_eq!((&none["forecast"], &none["history"]["days"]), (&Value::Null, &json!(0)));
    assert_eq!(none["month"]["quantity"]["hi95"], "0.000000", "nothing so far, and nothing to say more from");
}

#[tokio::test]
async fn a_customer_learns_nothing_of_its_sellers_prices_and_nobody_of_strangers() {
    let s = Scene::new(28).await;
    for query in ["", &format!("meter={}", s.meter)] {
        let own = ask(&s.customer.api, query).await;
        assert!(!own.text.contains(&s.w.master.id), "{}", own.text);
        assert_eq!((&own["month"]["price"], &own["month"]["margin"], &own["tier"]), (&Value::Null, &Value::Null, &Value::Null));
    }
    let other = s.w.other_master(json!({})).await;
    for query in [format!("account_id={}", s.customer.id), format!("account_id={}&meter={}", s.customer.id, s.meter)] {
        other.api.get(&format!("{FORECAST}?{query}")).send().await.refused(404, "not_found");
        s.w.key_for(&s.w.child_of(&s.w.master.id).await, "owner").await.get(&format!("{FORECAST}?{query}")).send().await.is(404);
    }
    s.customer.api.get(&format!("{FORECAST}?meter=fax")).send().await.refused(422, "unknown_meter");
    s.w.operator().get(FORECAST).send().await.refused(422, "not_a_buyer");
    // What a reseller sells of its own is at nobody's level above it.
    let own_meter = json!({ "key": "fax", "name": "Fax", "unit": "page", "aggregation": "sum" });
    s.w.master.api.post("/reseller/pricing/meters", own_meter).send().await.is(201);
    ask(&s.customer.api, "meter=fax").await;
    s.w.operator().get(&format!("{FORECAST}?meter=fax&account_id={}", s.customer.id)).send().await.refused(422, "unknown_meter");
}

#[tokio::test]
async fn the_days_run_makes_them_ready_once_and_one_bad_account_hides_no_other() {
    let s = Scene::new(28).await;
    let quiet = s.w.funded_child_of(&s.w.master.id, "10").await;
    let inside = s.w.target.inside("the schedules").expect("in process");
    let run = async |what: &str| match what {
        "rollup" => tributary_usage_worker::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run"),
        _ => tributary_forecasts::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run"),
    };
    // What is not summed up yet is nobody's usage to the run; a rollup looks at every master within fifteen minutes.
    for _ in 0..15 {
        run("rollup").await;
        s.w.target.advance_s(60, "minutes");
    }
    // The customer's spending and meter; the master's, and what it is paid, its balance and its volume.
    assert_eq!(run("forecast").await, json!({ "accounts": 2, "made": 7, "failed": 0, "demoted": 0, "done": true }));
    assert_eq!(run("forecast").await, json!({ "accounts": 0, "made": 0, "failed": 0, "demoted": 0, "done": true }));
    for (api, query) in
        [(&s.customer.api, "".to_owned()), (&s.w.master.api, "".to_owned()), (&s.w.master.api, format!("meter={}", s.meter))]
    {
        assert_eq!(ask(api, &query).await["from_store"], true, "{query}");
    }
    assert_eq!(s.of_meter(&s.w.master.api, &format!("&account_id={quiet}")).await["from_store"], false);
    s.w.target.advance_s(DAY_S, "tomorrow");
    let (id, day) =
        (s.customer.id.parse::<AccountId>().expect("an id"), Slot::of(Size::Day, "2026-11-10T00:00:00Z".parse().expect("a time")));
    let seq = inside.app.store().sums(&[(id.clone(), day)]).await.expect("sums")[0].as_ref().expect("usage").seq;
    let broken = StoredSums { seq, doc: "no sums".to_owned() };
    assert_eq!(inside.app.store().keep_sums(&id, day, Some(seq), &broken).await.expect("written"), Kept::Yes);
    assert_eq!(run("forecast").await, json!({ "accounts": 2, "made": 5, "failed": 1, "demoted": 0, "done": true }));
    assert_eq!(run("forecast").await["failed"], 1, "it is tried again, and said again");
}
