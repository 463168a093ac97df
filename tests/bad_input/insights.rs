//! Wrong questions to insights.

use serde_json::{Value, json};

use super::{ABSENT, field, refuses_all, row};
use crate::support::world::World;

#[tokio::test]
async fn a_wrong_question_to_insights_is_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await;
    let api = &w.master.api;
    let get = |path: &str| api.get(&format!("/reseller/insights/{path}"));
    let good = json!({ "channel": "search", "campaign": "spring", "month": "2026-10", "amount": "10" });
    let spend = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        api.post("/reseller/insights/spend", body)
    };
    let theirs = foreign.api.post("/reseller/insights/spend", good.clone()).send().await.is(201).id();
    let mut rows = vec![
        field("no period", get("overview?period=year"), "/query/period"),
        field("a period to come", get("overview?period=2026-12"), "/query/period"),
        field("no order", get("accounts?sort=colour"), "/query/sort"),
        field("no order either", get("accounts?sort=--name"), "/query/sort"),
        field("no state", get("accounts?status=asleep"), "/query/status"),
        field("no kind", get("accounts?kind=person"), "/query/kind"),
        field("nothing to search", get("accounts?q="), "/query/q"),
        field("too few rows", get("accounts?limit=0"), "/query/limit"),
        field("too many rows", get("accounts?limit=201"), "/query/limit"),
        field("no offset", get("accounts?offset=-1"), "/query/offset"),
        field("too far", get("accounts?offset=1000001"), "/query/offset"),
        field("no flag", get("accounts?at_risk=maybe"), "/query/at_risk"),
        field("no account", get("accounts?parent_id=x"), "/query/parent_id"),
        row("a foreign parent", get(&format!("accounts?parent_id={}", foreign.id)), 404, "not_found"),
        row("unknown", get("accounts?cursor=x"), 400, "unknown_field").at("/query/cursor"),
        row("pages of a file", get("accounts/csv?limit=5"), 400, "unknown_field").at("/query/limit"),
        field("no order of a file", get("accounts/csv?sort=colour"), "/query/sort"),
        field("no month", get("attribution?from=2026"), "/query/from"),
        field("backwards", get("attribution?from=2026-11&to=2026-10"), "/query/from"),
        field("too many months", get("attribution?from=2023-11&to=2026-11"), "/query/from"),
        field("a month to come", get("attribution?to=2026-12"), "/query/to"),
        field("no month of profit", get("profitability?month=x"), "/query/month"),
        field("a month of profit to come", get("profitability?month=2027-01"), "/query/month"),
        field("by nothing", get("profitability?by=colour"), "/query/by"),
        field("no months", get("churn?months=0"), "/query/months"),
        field("too many months of churn", get("churn?months=37"), "/query/months"),
        field("no month of acquisition", get("acquisition?from=x"), "/query/from"),
        row("of another account", get(&format!("acquisition?account_id={}", w.master.id)), 400, "unknown_field").at("/query/account_id"),
        field("no channel", spend("channel", json!("")), "/channel"),
        field("no campaign", spend("campaign", json!(5)), "/campaign"),
        field("no month of spending", spend("month", json!("2026-13")), "/month"),
        field("spending to come", spend("month", json!("2026-12")), "/month"),
        field("spending of long ago", spend("month", json!("2016-10")), "/month"),
        field("nothing spent", spend("amount", json!("0")), "/amount"),
        field("a number", spend("amount", json!(10)), "/amount"),
        row("for another account", spend("account_id", json!(foreign.id)), 400, "unknown_field").at("/account_id"),
        row("cursor", get("spend?cursor=x"), 400, "invalid_cursor"),
        row("no spending", api.delete(&format!("/reseller/insights/spend/{ABSENT}")), 404, "not_found"),
        row("another's spending", api.delete(&format!("/reseller/insights/spend/{theirs}")), 404, "not_found"),
        field("no time", get("audit?from=yesterday"), "/query/from"),
        field("no flag of audit", get("audit?subtree=maybe"), "/query/subtree"),
        row("cursor of audit", get("audit?cursor=x"), 400, "invalid_cursor"),
    ];
    for path in ["overview", "accounts", "accounts/csv", "attribution", "profitability", "churn", "audit"] {
        rows.push(row("foreign", get(&format!("{path}?account_id={}", foreign.id)), 404, "not_found"));
        rows.push(row("absent", get(&format!("{path}?account_id={ABSENT}")), 404, "not_found"));
    }
    refuses_all(&w, rows).await;
}
