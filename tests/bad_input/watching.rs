//! Wrong settings of topping up and wrong alerts.

use serde_json::{Value, json};

use super::{ABSENT, field, refuses_all, row};
use crate::support::world::World;

#[tokio::test]
async fn a_wrong_automatic_topup_is_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await.id;
    let child = w.child_of(&w.master.id).await;
    let api = &w.master.api;
    let path = "/reseller/credits/auto-topup";
    let good = json!({ "account_id": child, "threshold": "10", "amount": "25", "source": "parent" });
    let with = |change: Value| {
        let mut body = good.clone();
        for (name, value) in change.as_object().expect("members") {
            match value {
                Value::Null => drop(body.as_object_mut().expect("an object").remove(name)),
                value => body[name] = value.clone(),
            }
        }
        api.put(path, body)
    };
    let package = json!({ "package": "pkg_01hx3v9k2mfd8bq5r7w1z4n6ty" });
    let rows = vec![
        field("no threshold", with(json!({ "threshold": null })), "/threshold"),
        field("a threshold below zero", with(json!({ "threshold": "-1" })), "/threshold"),
        field("a number", with(json!({ "threshold": 10 })), "/threshold"),
        field("nothing to draw", with(json!({ "amount": null })), "/amount"),
        field("nothing at all", with(json!({ "amount": "0" })), "/amount"),
        field("too precise", with(json!({ "amount": "1.0000001" })), "/amount"),
        field("too much", with(json!({ "amount": "1000000000000.1" })), "/amount"),
        field("both", with(json!({ "target": "50" })), "/target"),
        field("a target below the threshold", with(json!({ "amount": null, "target": "9.999999" })), "/target"),
        field("no source", with(json!({ "source": null })), "/source"),
        field("no such source", with(json!({ "source": "wire" })), "/source"),
        field("no package's id", with(json!({ "source": { "package": "x" }, "amount": null })), "/source"),
        field("a package and more", with(json!({ "source": { "package": ABSENT, "price": "1" }, "amount": null })), "/source"),
        field("an amount of a package", with(json!({ "source": package })), "/amount"),
        field("a target of a package", with(json!({ "source": package, "amount": null, "target": "50" })), "/target"),
        field(
            "none of a package",
            with(json!({ "source": { "package": package["package"], "quantity": 0 }, "amount": null })),
            "/source/quantity",
        ),
        field(
            "too many",
            with(json!({ "source": { "package": package["package"], "quantity": 101 }, "amount": null })),
            "/source/quantity",
        ),
        field("no cap", with(json!({ "daily_cap": "0" })), "/daily_cap"),
        field("no cap either", with(json!({ "monthly_cap": "x" })), "/monthly_cap"),
        field("no flag", with(json!({ "enabled": "yes" })), "/enabled"),
        row("unknown", with(json!({ "limit": "5" })), 400, "unknown_field").at("/limit"),
        row("foreign", with(json!({ "account_id": foreign })), 404, "not_found"),
        row("absent", with(json!({ "account_id": ABSENT })), 404, "not_found"),
        row("a package of nobody's", with(json!({ "source": package, "amount": null })), 404, "not_found"),
        row("its own purse's parent", with(json!({ "account_id": w.master.id })), 403, "forbidden"),
        row("another version", with(json!({})).if_match("\"3\""), 412, "precondition_failed"),
        row("none", api.get(&format!("{path}?account_id={child}")), 404, "not_found"),
        row("nothing to remove", api.delete(&format!("{path}?account_id={child}")), 404, "not_found"),
        row("unknown", api.get(&format!("{path}?account={child}")), 400, "unknown_field").at("/query/account"),
        row("foreign runs", api.get(&format!("{path}/runs?account_id={foreign}")), 404, "not_found"),
        row("cursor", api.get(&format!("{path}/runs?cursor=x")), 400, "invalid_cursor"),
        field("limit", api.get(&format!("{path}/runs?limit=0")), "/query/limit"),
    ];
    refuses_all(&w, rows).await;
}

#[tokio::test]
async fn a_wrong_alert_is_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await.id;
    let api = &w.master.api;
    let made = api.post("/reseller/alerts", json!({ "metric": "balance", "threshold": "1" })).send().await.is(201).id();
    let path = format!("/reseller/alerts/{made}");
    let rule = |body: Value| api.post("/reseller/alerts", body);
    let balance = |name: &str, value: Value| {
        let mut body = json!({ "metric": "balance", "threshold": "10" });
        body[name] = value;
        rule(body)
    };
    let emails: Vec<String> = (0..11).map(|n| format!("n{n}@x.example")).collect();
    let rows = vec![
        field("no metric", rule(json!({ "threshold": "1" })), "/metric"),
        field("no such metric", balance("metric", json!("credit")), "/metric"),
        field("no threshold", rule(json!({ "metric": "balance" })), "/threshold"),
        field("a number", balance("threshold", json!(1)), "/threshold"),
        field("too precise", balance("threshold", json!("0.0000001")), "/threshold"),
        field("too large", balance("threshold", json!("1000000000001")), "/threshold"),
        field("too far below", balance("threshold", json!("-1000000000001")), "/threshold"),
        field("a spend below zero", rule(json!({ "metric": "spend", "period": "day", "threshold": "-1" })), "/threshold"),
        field("a period of a balance", balance("period", json!("day")), "/period"),
        field("a meter of a balance", balance("meter", json!("sms")), "/meter"),
        field("a spend of no period", rule(json!({ "metric": "spend", "threshold": "1" })), "/period"),
        field("no such period", rule(json!({ "metric": "spend", "period": "week", "threshold": "1" })), "/period"),
        field("usage of no meter", rule(json!({ "metric": "usage", "period": "day", "threshold": "1" })), "/meter"),
        field("no meter's key", rule(json!({ "metric": "usage", "meter": "S M S", "period": "day", "threshold": "1" })), "/meter"),
        field("no address", balance("channels", json!({ "emails": ["nobody"] })), "/channels/emails/0"),
        field("too many addresses", balance("channels", json!({ "emails": emails })), "/channels/emails"),
        field("no flag", balance("recurring", json!("once")), "/recurring"),
        row("an unknown channel", balance("channels", json!({ "sms": true })), 400, "unknown_field").at("/channels/sms"),
        row("unknown", balance("name", json!("x")), 400, "unknown_field").at("/name"),
        row("foreign", balance("account_id", json!(foreign)), 404, "not_found"),
        row("absent", balance("account_id", json!(ABSENT)), 404, "not_found"),
        row("no alert", api.get("/reseller/alerts/alr_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
        row("no id", api.get("/reseller/alerts/x/history"), 404, "not_found"),
        row("of another account", api.get(&format!("{path}?account_id={foreign}")), 404, "not_found"),
        row(
            "another version",
            api.put(&path, json!({ "metric": "balance", "threshold": "1" })).if_match("\"3\""),
            412,
            "precondition_failed",
        ),
        row("another version", api.delete(&path).if_match("\"3\""), 412, "precondition_failed"),
        row("cursor", api.get("/reseller/alerts?cursor=x"), 400, "invalid_cursor"),
        row("cursor", api.get(&format!("{path}/history?cursor=x")), 400, "invalid_cursor"),
    ];
    refuses_all(&w, rows).await;
}
