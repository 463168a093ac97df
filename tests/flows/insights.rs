//! Insights: what a subtree brings in at each level of the chain, searched, sorted, and never another's.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tributary_domain::id::{AccountId, InvoiceId};
use tributary_domain::ledger::LedgerId;
use tributary_insights::change::{Bill, RowChange};
use tributary_insights::fold::built;
use tributary_insights::read::roster;
use tributary_insights::view::View;
use tributary_store::faulty::{Faults, Faulty, Moment};

use crate::support::api::{Answer, Api, Inside};
use crate::support::rosters::{changed, fold, hear};
use crate::support::world::{Node, World, every_row};

/// A master, a reseller below it, two customers below that, and a meter that costs 0.04, 0.05 and 0.06 on its way down.
struct Scene {
    w: World,
    meter: String,
    reseller: Node,
    one: Node,
    two: Node,
}

const INSIGHTS: &str = "/reseller/insights";
const DAY_S: i64 = 24 * 3600;

impl Scene {
    async fn new() -> Self {
        let w = World::new().await;
        let meter = w.unique("m").to_lowercase();
        let body = json!({ "key": meter, "name": "Messages", "unit": "message", "aggregation": "sum" });
        w.operator().post("/reseller/pricing/meters", body).send().await.is(201);
        let reseller = w.reseller_of(&w.master.id).await;
        let one =
            customer(&w, &reseller.id, json!({ "tags": { "plan": "gold", "channel": "search" }, "external_id": "@49", "name": "=cmd" }))
                .await;
        let two = customer(&w, &reseller.id, json!({ "tags": { "plan": "free" }, "name": "Zwei" })).await;
        for id in [&w.master.id, &reseller.id, &one.id, &two.id] {
            w.fund(id, "1000").await;
        }
        for (api, price) in [(w.operator(), "0.04"), (&w.master.api, "0.05"), (&reseller.api, "0.06")] {
            let card = json!({ "meter": meter, "currency": "USD", "model": { "type": "flat", "unit_price": price }, "effective_from": w.target.time_in_s(-34 * DAY_S) });
            api.post("/reseller/pricing/rate-cards", card).send().await.is(201);
        }
        Self { w, meter, reseller, one, two }
    }

    async fn use_up(&self, account: &str, quantity: &str, days_ago: i64) {
        let event = json!({
            "id": self.w.unique("e"), "account_id": account, "meter": self.meter, "quantity": quantity,
            "occurred_at": self.w.target.time_in_s(-DAY_S * days_ago - 60), "properties": {},
        });
        let answer = self.w.operator().post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
        assert_eq!(answer["results"][0]["status"], "accepted", "{}", answer.text);
    }

    /// Sums usage up, tells rosters and folds them.
    async fn settle(&self) {
        let Some(inside) = self.w.target.inside("the rosters") else { return };
        settle(inside).await;
    }
}

async fn customer(w: &World, parent: &str, more: Value) -> Node {
    let id = w.create(parent, more).await.id();
    Node { api: w.key_for(&id, "owner").await, id }
}

async fn settle(inside: &Inside) {
    inside.clock.advance_ms(16 * 60 * 1000);
    for _ in 0..16 {
        inside.clock.advance_ms(60 * 1000);
        tributary_usage_worker::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
    }
    hear(inside).await;
    fold(inside).await;
}

async fn get(api: &Api, path: &str) -> Answer {
    api.get(&format!("{INSIGHTS}/{path}")).send().await.is(200)
}

fn names(answer: &Answer) -> Vec<String> {
    answer.column("name")
}

#[tokio::test]
async fn the_overview_is_what_the_callers_account_is_paid_pays_and_keeps() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.use_up(&s.two.id, "10", 1).await;
    s.use_up(&s.reseller.id, "1", 0).await;
    s.settle().await;
    if s.w.target.inside("the stream").is_none() {
        return;
    }
    // 110 messages sold at 0.06, 111 bought at 0.05; the first of November is in this month, as is the second.
    let own = get(&s.reseller.api, "overview").await;
    assert_eq!(
        (own["revenue"]["this"].as_str(), own["cost"]["this"].as_str(), own["margin"]["this"].as_str()),
        (Some("6.600000"), Some("5.550000"), Some("1.050000")),
        "{}",
        own.text
    );
    assert_eq!(own["revenue"]["last"], "0.000000");
    assert_eq!(own["revenue"]["change_percent"], Value::Null);
    assert_eq!(own["accounts"], json!({ "total": 2, "active": 2, "suspended": 0, "new": 2, "closed": 0 }));
    assert_eq!(own["currency"], "USD");
    let days = own["usage_by_day"].as_array().expect("days");
    let revenue: Vec<&str> = days.iter().filter_map(|day| day["revenue"].as_str()).collect();
    assert_eq!((days.len(), days[0]["date"].as_str(), revenue), (2, Some("2026-11-01"), vec!["0.600000", "6.000000"]), "{}", own.text);
    assert_eq!(own["top"][0], json!({ "account_id": s.one.id, "name": "=cmd", "revenue": "6.000000", "margin": "1.000000" }));

    let master = get(&s.w.master.api, "overview").await;
    assert_eq!((master["revenue"]["this"].as_str(), master["margin"]["this"].as_str()), (Some("5.550000"), Some("1.110000")));
    assert_eq!(master["accounts"]["total"], 3);
    // At the master's own level, whichever part of its subtree is asked for.
    let of_one = get(&s.w.master.api, &format!("overview?account_id={}", s.one.id)).await;
    assert_eq!(
        (of_one["revenue"]["this"].as_str(), of_one["cost"]["this"].as_str()),
        (Some("5.000000"), Some("4.000000")),
        "{}",
        of_one.text
    );
    assert_eq!(of_one["usage_by_day"][0]["revenue"], "5.000000");
    let of_reseller = get(s.w.operator(), &format!("overview?account_id={}", s.w.master.id)).await;
    assert_eq!((of_reseller["revenue"]["this"].as_str(), of_reseller["cost"]["this"].as_str()), (Some("4.440000"), Some("0.000000")));
    // A month that is over is read from what is kept of it.
    let october = get(&s.reseller.api, "overview?period=2026-10").await;
    assert_eq!(
        (october["revenue"]["this"].as_str(), october["period"]["from"].as_str()),
        (Some("0.000000"), Some("2026-10-01T00:00:00.000Z"))
    );

    // Credit is never behind: it is the account's own newest entry.
    s.w.fund(&s.reseller.id, "1").await;
    let again = get(&s.reseller.api, "overview").await;
    assert_ne!(again["balance"]["available"], own["balance"]["available"]);

    let operator = get(s.w.operator(), "overview").await;
    assert_eq!(
        (operator["revenue"]["this"].as_str(), operator["usage_by_day"][1]["revenue"].as_str()),
        (Some("4.440000"), Some("4.040000")),
        "{}",
        operator.text
    );
}

/// Tells a roster of an invoice of 7 that its owner sold and that is not paid.
async fn billed(inside: &Inside, owner: &str, buyer: &str) {
    let now = inside.app.platform_now();
    let id = InvoiceId::from_uuid(inside.app.uuid());
    let bill = Bill { id, version: 1, due: 7_000_000, due_ms: now.as_millisecond() - 1, open: true, told_ms: now.as_millisecond() };
    let told = vec![RowChange { bills: vec![bill], ..RowChange::of(as_id(buyer)) }];
    inside.app.store().tell_roster(&as_id(owner), &format!("{buyer}-bill"), now, &told).await.expect("told");
}

#[tokio::test]
async fn what_a_buyer_owes_is_owed_after_it_was_moved_away() {
    let s = Scene::new().await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the rosters") else { return };
    billed(inside, &s.reseller.id, &s.one.id).await;
    billed(inside, &s.w.master.id, &s.reseller.id).await;
    let open = async |api: &Api, of: &str| get(api, &format!("overview?account_id={of}")).await["open_invoices"].clone();
    let owed = json!({ "count": 1, "amount": "7.000000" });
    assert_eq!(open(&s.reseller.api, &s.reseller.id).await, owed);
    assert_eq!(open(&s.w.master.api, &s.reseller.id).await, owed, "its own to the master, and nothing that others owe it");
    let other = s.w.reseller_of(&s.w.master.id).await;
    s.w.operator().post(&format!("/reseller/accounts/{}/move", s.one.id), json!({ "parent_id": other.id })).send().await.is(200);
    hear(inside).await;
    for _ in 0..2 {
        assert_eq!(open(&s.reseller.api, &s.reseller.id).await, owed);
        fold(inside).await;
    }
}

#[tokio::test]
async fn a_customer_sees_what_it_spent_and_nothing_of_cost_margin_or_others() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.settle().await;
    let own = get(&s.one.api, "overview").await;
    let text = own.text.as_str();
    for hidden in [
        "revenue",
        "\"cost\"",
        "margin",
        "top",
        "attention",
        "subtree_balance",
        "past_due",
        "accounts",
        s.two.id.as_str(),
        s.reseller.id.as_str(),
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let grid = get(&s.one.api, "accounts").await;
    assert_eq!((grid.rows().len(), grid["total"].as_u64(), grid["next_offset"].clone()), (0, Some(0), Value::Null));
    for path in ["attribution", "profitability?by=meter", "profitability?by=level", "churn", "acquisition"] {
        let text = get(&s.one.api, path).await.text;
        for shown in ["4.000000", "5.000000", "6.000000", "1.000000", s.two.id.as_str()] {
            assert!(!text.contains(shown), "{path}: {text}");
        }
    }
    if s.w.target.inside("the sums").is_some() {
        assert_eq!(own["spend"]["this"], "6.000000", "{text}");
        assert_eq!(own["usage_by_day"][0]["spend"], "6.000000");
    }
}

#[tokio::test]
async fn the_grid_is_searched_filtered_sorted_and_cut_over_all_accounts() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.use_up(&s.two.id, "10", 0).await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the rosters") else { return };
    let api = &s.w.master.api;
    let all = get(api, "accounts").await;
    assert_eq!((all["total"].as_u64(), all["matched"].as_u64(), all["next_offset"].clone()), (Some(3), Some(3), Value::Null));
    let one = all.rows().iter().find(|row| row["id"] == s.one.id.as_str()).expect("the first customer");
    for (name, value) in [
        ("name", json!("=cmd")),
        ("external_id", json!("@49")),
        ("kind", json!("customer")),
        ("parent_id", json!(s.reseller.id)),
        ("depth", json!(2)),
        ("currency", json!("USD")),
        ("revenue", json!("5.000000")),
        ("cost", json!("4.000000")),
        ("margin", json!("1.000000")),
        ("margin_percent", json!("20.00")),
        ("change_percent", Value::Null),
        ("decay", Value::Null),
        ("at_risk", json!(false)),
        ("available", json!("994.000000")),
        ("tags", json!({ "plan": "gold", "channel": "search" })),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert!(one["last_usage_at"].is_string() && one["created_at"].is_string(), "{one}");
    assert_eq!(names(&get(api, "accounts?sort=-revenue&kind=customer").await), ["=cmd", "Zwei"]);
    assert_eq!(names(&get(api, "accounts?sort=revenue&kind=customer").await), ["Zwei", "=cmd"]);
    // By how much revenue grew, as money: with nothing last month it is all of this month's, where a change in percent has no value.
    assert_eq!(names(&get(api, "accounts?sort=-growth&kind=customer").await), ["=cmd", "Zwei"]);
    assert_eq!(names(&get(api, "accounts?sort=growth&kind=customer").await), ["Zwei", "=cmd"]);
    assert_eq!(names(&get(api, "accounts?q=ZWEI").await), ["Zwei"]);
    assert_eq!(names(&get(api, &format!("accounts?q={}", s.two.id)).await), ["Zwei"]);
    assert_eq!(names(&get(api, "accounts?q=%4049").await), ["=cmd"]);
    assert_eq!(names(&get(api, "accounts?tag=plan:gold").await), ["=cmd"]);
    assert_eq!(get(api, "accounts?tag=plan").await["matched"], 2);
    assert_eq!(get(api, &format!("accounts?parent_id={}", s.w.master.id)).await["matched"], 1);
    assert_eq!(get(api, &format!("accounts?account_id={}", s.reseller.id)).await["total"], 2);
    assert_eq!(get(api, "accounts?at_risk=true").await["matched"], 0);
    let (mut pages, mut offset) = (Vec::new(), 0);
    loop {
        let page = get(api, &format!("accounts?sort=-balance&limit=1&offset={offset}")).await;
        pages.extend(page.column("id"));
        match page["next_offset"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!((pages.len(), pages.iter().collect::<BTreeSet<_>>().len()), (3, 3));

    // What has not changed is not sent again; what has, is, at once and without a fold.
    let tag = all.header("etag").to_owned();
    let known = api.get(&format!("{INSIGHTS}/accounts")).header("if-none-match", tag.as_bytes()).send().await.is(304);
    assert!(known.text.is_empty());
    s.w.suspend(&s.reseller.id).await;
    hear(inside).await;
    let later = api.get(&format!("{INSIGHTS}/accounts")).header("if-none-match", tag.as_bytes()).send().await.is(200);
    assert_eq!(
        later.rows().iter().map(|row| row["effective_status"].as_str()).collect::<BTreeSet<_>>(),
        BTreeSet::from([Some("suspended")])
    );
    assert_eq!(names(&get(api, "accounts?status=active").await), Vec::<String>::new());
    let overview = get(api, "overview").await;
    let tag = overview.header("etag").to_owned();
    api.get(&format!("{INSIGHTS}/overview")).header("if-none-match", tag.as_bytes()).send().await.is(304);
    assert_eq!(overview["attention"][0], json!({ "kind": "suspended_with_credit", "count": 3 }));
    api.get(&format!("{INSIGHTS}/accounts?account_id={}", s.w.other_master(json!({})).await.id)).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn another_tier_is_shown_although_it_is_no_new_version_of_the_account() {
    let s = Scene::new().await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the stream") else { return };
    let tier = async || get(&s.w.master.api, &format!("accounts?q={}", s.reseller.id)).await.rows()[0]["tier"].clone();
    for (to, folded) in [("bronze", false), ("silver", true)] {
        let id = as_id(&s.reseller.id);
        let (head, account) = (
            inside.app.store().head(&LedgerId::Account(id.clone())).await.expect("a head"),
            inside.app.store().account(&id).await.expect("it"),
        );
        assert!(inside.app.store().set_tier(&id, &head, &account.tier, to).await.expect("a tier"));
        hear(inside).await;
        if folded {
            fold(inside).await;
        }
        assert_eq!(tier().await, to);
    }
}

#[tokio::test]
async fn a_denied_branch_is_neither_shown_nor_counted() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "10", 0).await;
    s.settle().await;
    for right in ["insights.read", "accounts.read", "credits.read", "usage.read"] {
        let (key, secret) = s.w.new_key(&s.w.master.id, "viewer").await;
        let path = format!("/reseller/accounts/{}/keys/{key}/denies/{}", s.w.master.id, s.reseller.id);
        s.w.operator().put(&path, json!({ "rights": [right] })).send().await.is(200);
        let api = s.w.target.nobody.with(&secret);
        let grid = get(&api, "accounts").await;
        assert_eq!((grid["total"].as_u64(), grid.rows().len()), (Some(0), 0), "{right}");
        let audit = get(&api, "audit?subtree=true").await;
        for text in [get(&api, "overview").await.text, get(&api, "profitability").await.text, audit.text] {
            assert!(!text.contains(&s.one.id) && !text.contains(&s.reseller.id), "{right}: {text}");
        }
        assert_eq!(get(&api, "overview").await["accounts"]["total"], 0, "{right}");
        // Naming it, or what is below it, shows no more.
        for id in [&s.reseller.id, &s.one.id] {
            for view in ["overview", "accounts", "accounts/csv", "attribution", "profitability", "churn", "audit"] {
                api.get(&format!("{INSIGHTS}/{view}?account_id={id}")).send().await.refused(403, "forbidden");
            }
            for more in [format!("accounts?parent_id={id}"), format!("audit?subtree=true&account_id={id}")] {
                api.get(&format!("{INSIGHTS}/{more}")).send().await.refused(403, "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn profit_by_account_meter_and_level_adds_up_to_the_month() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.use_up(&s.two.id, "10", 0).await;
    s.use_up(&s.reseller.id, "1", 0).await;
    s.settle().await;
    if s.w.target.inside("the sums").is_none() {
        return;
    }
    for api in [&s.reseller.api, &s.w.master.api, s.w.operator()] {
        let total = get(api, "profitability").await["total"].clone();
        for by in ["account", "meter", "level"] {
            let answer = get(api, &format!("profitability?by={by}")).await;
            let micros = |row: &Value, name: &str| row[name].as_str().expect("an amount").replace('.', "").parse::<i64>().expect("digits");
            let sum = |name: &str| answer["rows"].as_array().expect("rows").iter().map(|row| micros(row, name)).sum::<i64>();
            for name in ["revenue", "cost", "margin"] {
                assert_eq!(sum(name), micros(&total, name), "{by} {name}: {}", answer.text);
            }
        }
    }
    // Nobody is sold its own usage, which it pays for: no loss.
    for by in ["account", "meter", "level"] {
        let answer = get(&s.reseller.api, &format!("profitability?by={by}")).await;
        let own: Vec<&Value> = answer["rows"].as_array().expect("rows").iter().filter(|row| row["key"] == "own").collect();
        let wanted = json!({ "key": "own", "name": "usage of the account itself", "revenue": "0.000000", "cost": "0.050000", "margin": "-0.050000", "margin_percent": null, "loss": false });
        assert_eq!((own, &answer["losses"]), (vec![&wanted], &json!({ "count": 0, "amount": "0.000000" })), "{by}");
    }
    let rows = get(&s.reseller.api, "profitability").await["rows"].clone();
    assert_eq!((&rows[0]["key"], &rows[1]["key"]), (&json!("own"), &json!(s.two.id)), "the smallest margin first");
    assert_eq!(
        rows[2],
        json!({ "key": s.one.id, "name": "=cmd", "revenue": "6.000000", "cost": "5.000000", "margin": "1.000000", "margin_percent": "16.67", "loss": false })
    );
    let levels = get(&s.w.master.api, "profitability?by=level").await;
    let keys: BTreeSet<&str> = levels["rows"].as_array().expect("rows").iter().filter_map(|row| row["key"].as_str()).collect();
    assert_eq!(keys, BTreeSet::from(["1", "2"]));
    let page = get(&s.reseller.api, "profitability?limit=1&offset=1").await;
    assert_eq!(
        (page["rows"].as_array().map(Vec::len), page["total_rows"].as_u64(), page["next_offset"].clone()),
        (Some(1), Some(3), json!(2))
    );
    // What an account brought in that was moved away since is still in the month.
    let other = s.w.reseller_of(&s.w.master.id).await;
    s.w.operator().post(&format!("/reseller/accounts/{}/move", s.one.id), json!({ "parent_id": other.id })).send().await.is(200);
    s.settle().await;
    let answer = get(&s.reseller.api, "profitability").await;
    let moved = answer["rows"].as_array().expect("rows").iter().find(|row| row["key"] == "moved_away").expect("the rest");
    assert_eq!((moved["revenue"].as_str(), answer["total"]["revenue"].as_str()), (Some("6.000000"), Some("6.600000")), "{}", answer.text);
}

#[tokio::test]
async fn revenue_is_attributed_step_by_step_down_to_what_is_kept() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.use_up(&s.reseller.id, "20", 0).await;
    s.use_up(&s.one.id, "50", 3).await;
    s.settle().await;
    if s.w.target.inside("the sums").is_none() {
        return;
    }
    let answer = get(&s.w.master.api, "attribution?from=2026-10&to=2026-11").await;
    let steps: Vec<(String, String)> = answer["waterfall"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| (step["step"].as_str().unwrap_or_default().to_owned(), step["amount"].as_str().unwrap_or_default().to_owned()))
        .collect();
    let wanted =
        [("level_1", "1.000000"), ("level_2", "7.500000"), ("retail", "8.500000"), ("wholesale", "-6.800000"), ("margin", "1.700000")];
    assert_eq!(steps, wanted.map(|(step, amount)| (step.to_owned(), amount.to_owned())), "{}", answer.text);
    assert_eq!(answer["periods"].as_array().map(Vec::len), Some(2));
    assert_eq!((answer["periods"][0]["month"].as_str(), answer["periods"][0]["revenue"].as_str()), (Some("2026-10"), Some("2.500000")));
    assert_eq!(answer["by_child"][0]["share_percent"], "100.00");
    assert_eq!(answer["by_meter"][0]["key"], s.meter.as_str());
    // Its own usage is a cost of its own.
    let own = get(&s.reseller.api, "attribution?from=2026-11&to=2026-11").await;
    let own_usage = own["waterfall"].as_array().expect("steps").iter().find(|step| step["step"] == "own_usage").expect("own usage");
    assert_eq!(own_usage["amount"], "-1.000000");
    // Seen from the master the same is sold: it is paid 0.05 for what costs it 0.04.
    let steps = |answer: &Answer| -> Vec<(String, String)> {
        let steps = answer["waterfall"].as_array().expect("steps").iter();
        steps
            .map(|step| (step["step"].as_str().unwrap_or_default().to_owned(), step["amount"].as_str().unwrap_or_default().to_owned()))
            .collect()
    };
    let below = get(&s.w.master.api, &format!("attribution?account_id={}&from=2026-10&to=2026-11", s.reseller.id)).await;
    let wanted =
        [("level_0", "1.000000"), ("level_1", "7.500000"), ("retail", "8.500000"), ("wholesale", "-6.800000"), ("margin", "1.700000")];
    assert_eq!(steps(&below), wanted.map(|(step, amount)| (step.to_owned(), amount.to_owned())), "{}", below.text);
    // What an account that was moved away brought in stays in the sums.
    let other = s.w.reseller_of(&s.w.master.id).await;
    s.w.operator().post(&format!("/reseller/accounts/{}/move", s.one.id), json!({ "parent_id": other.id })).send().await.is(200);
    s.settle().await;
    let moved = get(&s.reseller.api, "attribution?from=2026-11&to=2026-11").await;
    assert_eq!(moved["waterfall"][0]["step"], "other", "{}", moved.text);
    assert_eq!(moved["waterfall"][0]["amount"], "6.000000");
}

#[tokio::test]
async fn churn_says_who_left_and_who_is_about_to() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 20).await;
    s.use_up(&s.two.id, "10", 20).await;
    s.use_up(&s.two.id, "10", 1).await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the sums") else { return };
    let churn = get(&s.reseller.api, "churn?months=2").await;
    assert_eq!(churn["months"][1]["month"], "2026-10");
    assert_eq!(
        (churn["months"][1]["new"].as_u64(), churn["months"][1]["logo_churn_percent"].clone()),
        (Some(2), Value::Null),
        "{}",
        churn.text
    );
    assert_eq!(churn["cohorts"][0], json!({ "month": "2026-10", "size": 2, "retained": ["100.00"] }));
    assert!(churn["definitions"]["survival"].as_str().is_some_and(|text| text.contains("Kaplan")));
    // The first has had no usage for 14 days; the second as much as before.
    let at_risk: Vec<&str> = churn["at_risk"].as_array().expect("rows").iter().filter_map(|row| row["account_id"].as_str()).collect();
    assert_eq!(at_risk, [s.one.id.as_str()]);
    assert_eq!(churn["at_risk"][0]["decay"], "100.00");
    assert_eq!(names(&get(&s.reseller.api, "accounts?at_risk=true").await), ["=cmd"]);
    // A month later nobody of October's first paid but one.
    inside.clock.advance_ms(30 * DAY_S * 1000);
    fold(inside).await;
    let churn = get(&s.reseller.api, "churn?months=2").await;
    let month = &churn["months"][1];
    assert_eq!(
        (month["month"].as_str(), month["opening"].as_u64(), month["lost"].as_u64()),
        (Some("2026-11"), Some(2), Some(1)),
        "{}",
        churn.text
    );
    assert_eq!(
        (month["logo_churn_percent"].as_str(), month["revenue_lost"].as_str(), month["gross_churn_percent"].as_str()),
        (Some("50.00"), Some("6.000000"), Some("90.91"))
    );
    assert_eq!(churn["survival"].as_array().map(Vec::len), Some(3));
    assert_eq!(churn["survival"][1], json!({ "month": 1, "at_risk": 2, "events": 1, "survival": 0.5, "low": 0.0, "high": 1.0 }));
    // Who is moved to another parent did not leave, and what it paid before stays where it was.
    let other = s.w.reseller_of(&s.w.master.id).await;
    s.w.operator().post(&format!("/reseller/accounts/{}/move", s.one.id), json!({ "parent_id": other.id })).send().await.is(200);
    hear(inside).await;
    let after = get(&s.reseller.api, "churn?months=2").await;
    assert_eq!((&after["months"][0], &after["cohorts"][0]), (&churn["months"][0], &churn["cohorts"][0]), "{}", after.text);
    assert_eq!((after["months"][1]["opening"].as_u64(), after["months"][1]["lost"].as_u64()), (Some(1), Some(0)), "{}", after.text);
    // This month has nothing yet, and last month is what was this month.
    let overview = get(&s.reseller.api, "overview").await;
    assert_eq!((overview["revenue"]["this"].as_str(), overview["revenue"]["last"].as_str()), (Some("0.000000"), Some("0.600000")));
}

#[tokio::test]
async fn spending_is_written_down_once_countered_once_and_divided_by_who_came() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 0).await;
    s.settle().await;
    let api = &s.reseller.api;
    let body = json!({ "channel": "search", "month": "2026-11", "amount": "12" });
    let path = format!("{INSIGHTS}/spend");
    let first = api.post(&path, body.clone()).idem("once").send().await.is(201);
    let again = api.post(&path, body.clone()).idem("once").send().await.is(201);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (first.id(), "true"));
    let wrong =
        api.post(&path, json!({ "channel": "fairs", "campaign": "spring", "month": "2026-10", "amount": "100" })).send().await.is(201);
    assert_eq!(every_row(api, &path, 1).await.len(), 2, "a second page");
    if s.w.target.inside("the sums").is_some() {
        let answer = get(api, "acquisition").await;
        let search = answer["rows"].as_array().expect("rows").iter().find(|row| row["channel"] == "search").expect("a channel");
        assert_eq!(
            search,
            &json!({
                "channel": "search", "campaign": null, "spend": "12.000000", "accounts": 1, "cac": "12.000000",
                "revenue": "6.000000", "cost": "5.000000", "margin": "1.000000", "payback_months": "12.00",
            })
        );
        assert_eq!(
            (answer["total"]["spend"].as_str(), answer["total"]["accounts"].as_u64()),
            (Some("112.000000"), Some(2)),
            "{}",
            answer.text
        );
    }
    // What most was spent on first, a page at a time; the sum is of all.
    let page = get(api, "acquisition?limit=1").await;
    assert_eq!(
        (page["rows"][0]["channel"].as_str(), page["next_offset"].as_u64(), page["total"]["spend"].as_str()),
        (Some("fairs"), Some(1), Some("112.000000")),
        "{}",
        page.text
    );
    let one = format!("{path}/{}", wrong.id());
    s.one.api.delete(&one).send().await.refused(404, "not_found");
    let removed = api.delete(&one).send().await.is(200);
    assert!(removed["removed_at"].is_string());
    api.delete(&one).send().await.refused(409, "conflict");
    let rows = every_row(api, &path, 1).await;
    assert_eq!(rows.iter().filter(|row| row["removed_at"].is_null()).count(), 1, "{rows:?}");
    assert_eq!(get(api, "acquisition").await["total"]["spend"], "12.000000");
    let viewer = s.w.key_for(&s.reseller.id, "viewer").await;
    viewer.post(&path, body).send().await.refused(403, "forbidden");
}

#[tokio::test]
async fn the_audit_says_who_did_what_newest_first() {
    let s = Scene::new().await;
    let edit = |name: &str| s.reseller.api.put(&format!("/reseller/accounts/{}", s.two.id), json!({ "name": name }));
    edit("Two").send().await.is(200);
    s.w.suspend(&s.two.id).await;
    let api = &s.reseller.api;
    let rows = every_row(api, &format!("{INSIGHTS}/audit?account_id={}", s.two.id), 1).await;
    let kinds: Vec<&str> = rows.iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, ["account.suspended", "account.updated", "key.created", "account.created"]);
    assert_eq!((rows[1]["actor"]["kind"].as_str(), rows[1]["actor"]["name"].as_str()), (Some("key"), Some("Key")));
    // Who stands above has no name here.
    assert_eq!(rows[0]["actor"], Value::Null);
    assert!(rows[1]["summary"].as_str().is_some_and(|text| !text.is_empty()) && rows[1]["data"]["version"].is_number(), "{}", rows[1]);
    let operator = get(s.w.operator(), &format!("audit?account_id={}&kind=account.suspended", s.two.id)).await;
    assert!(operator.rows()[0]["actor"]["name"].is_string(), "{}", operator.text);
    let of_kind = get(api, &format!("audit?account_id={}&kind=account.*", s.two.id)).await;
    assert_eq!(of_kind.rows().len(), 3);
    let by = rows[1]["actor"]["id"].as_str().expect("an actor");
    assert_eq!(get(api, &format!("audit?account_id={}&actor={by}", s.two.id)).await.rows().len(), 1);
    let none = get(api, &format!("audit?account_id={}&to=2020-01-01T00:00:00Z", s.two.id)).await;
    assert_eq!((none.rows().len(), none["next_cursor"].clone()), (0, Value::Null));
    let all = every_row(api, &format!("{INSIGHTS}/audit?subtree=true"), 2).await;
    let ids: BTreeSet<&str> = all.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), all.len(), "no record twice");
    assert!(all.windows(2).all(|pair| pair[0]["id"].as_str() > pair[1]["id"].as_str()), "newest first");
    let accounts: BTreeSet<&str> = all.iter().filter_map(|row| row["account_id"].as_str()).collect();
    assert_eq!(accounts, BTreeSet::from([s.reseller.id.as_str(), s.one.id.as_str(), s.two.id.as_str()]));
    api.get(&format!("{INSIGHTS}/audit?account_id={}", s.w.master.id)).send().await.refused(404, "not_found");
}

#[tokio::test]
async fn a_file_of_the_grid_holds_no_formula() {
    let s = Scene::new().await;
    s.settle().await;
    let answer = get(&s.w.master.api, "accounts/csv?kind=customer&sort=name").await;
    assert_eq!(answer["rows"], 2);
    let Some(inside) = s.w.target.inside("the blobs") else { return };
    let url = answer.word("download_url");
    let key = url.split_once("exports/").map(|(_, rest)| format!("exports/{}", rest.split('?').next().unwrap_or_default())).expect("a key");
    let bytes = inside.app.blobs().get(&key).await.expect("read").expect("there");
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("a table");
    let cells: Vec<(&str, &str)> = rows.iter().map(|row| (&row[1], &row[2])).collect();
    assert_eq!(cells, [("'=cmd", "'@49"), ("Zwei", "")]);
}

fn as_id(id: &str) -> AccountId {
    id.parse().expect("an id")
}

/// Everything that a roster shows, a line an account.
fn shown(view: &View) -> Vec<String> {
    let mut all: Vec<String> = view.rows().map(|row| row.all().join(" | ")).collect();
    all.extend(view.bills().map(|(.., bill)| format!("{} {} {}", bill.id, bill.version, bill.due)));
    all.sort();
    all
}

/// Fails if a roster as it is read, or as it is folded, is not that of a fresh build from the table.
async fn as_built(inside: &Inside, owner: &str, what: &str) {
    let app = &inside.app;
    let fresh = built(app, &app.store().account(&as_id(owner)).await.expect("an account")).await.expect("built");
    let read = roster(app, &as_id(owner)).await.expect("read");
    assert_eq!(shown(&read.view), shown(&fresh.view), "{what}");
    let months = read.months(app).await.expect("months");
    for row in fresh.view.rows() {
        let id = row.id().as_u128();
        let of = |kept: &tributary_insights::sums::Slots| {
            kept.of(id).iter().map(|month| (month.slot, month.seq, month.figures)).collect::<Vec<_>>()
        };
        assert_eq!(of(&months), of(&fresh.months), "{what}: months of {}", row.id());
    }
}

#[tokio::test]
async fn a_roster_is_what_a_fresh_build_is_whatever_is_told_twice_late_or_in_another_order() {
    let seed = std::env::var("TRIBUTARY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    eprintln!("TRIBUTARY_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let s = Scene::new().await;
    let Some(inside) = s.w.target.inside("the stream") else { return };
    let other = s.w.reseller_of(&s.w.master.id).await;
    let owners = [s.w.master.id.clone(), s.reseller.id.clone(), other.id.clone()];
    let mut accounts = vec![s.one.id.clone(), s.two.id.clone()];
    let operator = s.w.operator();
    let mut late: Vec<Value> = Vec::new();
    for step in 0..60 {
        let account = accounts[random.random_range(0..accounts.len())].clone();
        let at = format!("/reseller/accounts/{account}");
        let parent = owners[random.random_range(1..3)].clone();
        match random.random_range(0..10) {
            0 => accounts.push(s.w.create(&parent, json!({})).await.id()),
            1 => drop(operator.delete(&at).send().await.is(200)),
            2 => drop(operator.post(&format!("{at}/reactivate"), json!({})).send().await.is(200)),
            3 => drop(operator.post(&format!("{at}/move"), json!({ "parent_id": parent })).send().await),
            4 => {
                drop(operator.put(&at, json!({ "name": s.w.unique("Renamed"), "tags": { "step": step.to_string() } })).send().await.is(200))
            }
            5 => drop(s.w.fund(&account, "3").await),
            6 => {
                let event = json!({ "id": s.w.unique("e"), "account_id": account, "meter": s.meter, "quantity": "2", "occurred_at": s.w.target.time_in_s(-DAY_S * random.random_range(0..20)), "properties": {} });
                operator.post("/reseller/usage/events", json!({ "events": [event] })).send().await;
            }
            7 => {
                let moved = if random.random_bool(0.5) { &s.reseller.id } else { &other.id };
                let below = if moved == &s.reseller.id { &other.id } else { &s.reseller.id };
                let parent = if random.random_bool(0.5) { below } else { &s.w.master.id };
                operator.post(&format!("/reseller/accounts/{moved}/move"), json!({ "parent_id": parent })).send().await;
            }
            8 => {
                // Its usage brings it to another tier, which is no new version of its item.
                let (store, id) = (inside.app.store(), as_id(&account));
                let (head, from) =
                    (store.head(&LedgerId::Account(id.clone())).await.expect("a head"), store.account(&id).await.expect("an account").tier);
                let to = ["none", "bronze", "silver"][random.random_range(0..3)];
                assert!(store.set_tier(&id, &head, &from, to).await.expect("a tier"));
            }
            _ => {
                inside.clock.advance_ms(16 * 60 * 1000);
                for _ in 0..15 {
                    inside.clock.advance_ms(60 * 1000);
                    tributary_usage_worker::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
                }
            }
        }
        // Some is told late, some twice, in whatever order.
        late.extend(changed(inside));
        for _ in 0..random.random_range(0..3) {
            if late.is_empty() {
                break;
            }
            let from = random.random_range(0..late.len());
            let mut batch: Vec<Value> = late[from..].iter().take(random.random_range(1..20)).cloned().collect();
            if random.random_bool(0.3) {
                batch.reverse();
            }
            let told = tributary_roster::handle(&inside.app, json!({ "Records": batch }), &inside.app.run_id("")).await.expect("an answer");
            assert_eq!(told["batchItemFailures"], json!([]));
        }
        if random.random_bool(0.1) {
            fold(inside).await;
        }
    }
    // Whatever was left out is told in the end, as a stream does.
    for batch in late.chunks(30) {
        tributary_roster::handle(&inside.app, json!({ "Records": batch }), &inside.app.run_id("")).await.expect("an answer");
    }
    fold(inside).await;
    hear(inside).await;
    for owner in &owners {
        as_built(inside, owner, &format!("TRIBUTARY_SEED={seed}, {owner}")).await;
    }
    // And once more after everything is folded.
    fold(inside).await;
    for owner in &owners {
        as_built(inside, owner, &format!("TRIBUTARY_SEED={seed}, {owner}, folded")).await;
    }
}

#[tokio::test]
async fn a_fold_and_a_telling_killed_at_any_call_are_finished_by_the_next() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "10", 0).await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the stream") else { return };
    let mut calls = 0;
    for moment in [Moment::Before, Moment::After] {
        for call in 1..60 {
            s.w.fund(&s.one.id, "1").await;
            s.w.operator().put(&format!("/reseller/accounts/{}", s.two.id), json!({ "name": s.w.unique("Name") })).send().await.is(200);
            let changes = changed(inside);
            let faulty = Arc::new(Faulty::new(inside.memory.clone(), 1, Faults::none()));
            let worker = s.w.target.worker(faulty.clone());
            faulty.kill_in(call, moment);
            let event = json!({ "Records": changes });
            let _ = tributary_roster::handle(&worker, event.clone(), &worker.run_id("")).await;
            inside.clock.advance_ms(6 * 60 * 1000);
            let _ = tributary_roster::handle(&worker, json!({}), &worker.run_id("")).await;
            let died = faulty.is_killed();
            // The stream gives again what was not answered; who had the roster has it no more after a quarter of an hour.
            tributary_roster::handle(&inside.app, event, &inside.app.run_id("")).await.expect("an answer");
            inside.clock.advance_ms(16 * 60 * 1000);
            as_built(inside, &s.reseller.id, &format!("killed at call {call}, {moment:?}, before the next")).await;
            fold(inside).await;
            as_built(inside, &s.reseller.id, &format!("killed at call {call}, {moment:?}")).await;
            as_built(inside, &s.w.master.id, &format!("killed at call {call}, {moment:?}")).await;
            if !died {
                calls = calls.max(call);
                break;
            }
        }
    }
    assert!(calls > 10, "it was killed at {calls} calls");
}

#[tokio::test]
async fn a_lost_or_damaged_blob_is_built_anew_and_so_is_a_roster_by_hand() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "10", 0).await;
    s.settle().await;
    let Some(inside) = s.w.target.inside("the blobs") else { return };
    let head = inside.app.store().roster::<Value>(&as_id(&s.reseller.id), true).await.expect("read").head.expect("a head");
    inside.app.blobs().delete(&head.months).await.expect("deleted");
    // Whoever needs it is told to come back, and finds it built anew.
    s.reseller.api.get(&format!("{INSIGHTS}/churn")).send().await.refused(503, "busy");
    assert_eq!(fold(inside).await, 1);
    get(&s.reseller.api, "churn").await;
    as_built(inside, &s.reseller.id, "a lost blob").await;
    s.w.fund(&s.one.id, "1").await;
    hear(inside).await;
    let asked = json!({ "action": "rebuild", "account_id": s.reseller.id });
    tributary_roster::handle(&inside.app, asked, &inside.app.run_id("")).await.expect("rebuilt");
    as_built(inside, &s.reseller.id, "by hand").await;
    // A customer has none, and asking for it leaves nothing to be looked at again.
    let asked = json!({ "action": "rebuild", "account_id": s.one.id });
    tributary_roster::handle(&inside.app, asked, &inside.app.run_id("")).await.expect("nothing to do");
    inside.clock.advance_ms(16 * 60 * 1000);
    let (due, _) = inside.app.store().rosters_due(inside.app.platform_now(), None, 100).await.expect("read");
    assert!(!due.contains(&as_id(&s.one.id)), "{due:?}");
    tributary_roster::handle(&inside.app, json!({ "action": "forget" }), &inside.app.run_id("")).await.expect_err("no such action");
}
