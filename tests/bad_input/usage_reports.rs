//! Wrong reports, summaries and exports.

use serde_json::{Value, json};

use super::{ABSENT, field, refuses_all, row};
use crate::support::world::World;

#[tokio::test]
async fn a_wrong_report_summary_forecast_or_export_is_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await.id;
    let api = &w.master.api;
    let report = |query: &str| api.get(&format!("/reseller/usage/report?{query}"));
    let summary = |query: &str| api.get(&format!("/reseller/usage/summary?{query}"));
    let forecast = |query: &str| api.get(&format!("/reseller/usage/forecast?{query}"));
    let good = json!({ "format": "csv", "from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z" });
    let export = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        api.post("/reseller/usage/export", body)
    };
    let mut rows = vec![
        field("granularity", report("granularity=week"), "/query/granularity"),
        field("no time", report("from=yesterday"), "/query/from"),
        field("before any year", report("granularity=month&from=-000001-11-01T00:00:00Z&to=0000-01-02T00:00:00Z"), "/query/from"),
        field("backwards", report("from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z"), "/query/to"),
        field("hours", report("granularity=hour&from=2026-10-01T00:00:00Z&to=2026-11-01T01:00:00Z"), "/query/from"),
        field("days", report("from=2025-09-27T00:00:00Z&to=2026-11-02T00:00:00Z"), "/query/from"),
        field("months", report("granularity=month&from=2021-10-31T00:00:00Z&to=2026-11-01T00:00:00Z"), "/query/from"),
        field("subtree", report("subtree=yes"), "/query/subtree"),
        field("limit", report("limit=201"), "/query/limit"),
        row("cursor", report("cursor=x"), 400, "invalid_cursor"),
        row("unknown", report("period=2026-11"), 400, "unknown_field").at("/query/period"),
        row("foreign", report(&format!("account_id={foreign}")), 404, "not_found"),
        row("absent", report(&format!("account_id={ABSENT}")), 404, "not_found"),
        field("no month before it", summary("period=0000-01"), "/query/period"),
        field("no month", summary("period=november"), "/query/period"),
        field("a month to come", summary("period=2027-01"), "/query/period"),
        row("foreign", summary(&format!("account_id={foreign}&subtree=true")), 404, "not_found"),
        field("no days", forecast("horizon_days=0"), "/query/horizon_days"),
        field("too many days", forecast("horizon_days=93"), "/query/horizon_days"),
        field("no number of days", forecast("horizon_days=week"), "/query/horizon_days"),
        field("no meter's key", forecast("meter=S%20M%20S"), "/query/meter"),
        row("a meter of nobody's", forecast("meter=fax"), 422, "unknown_meter"),
        row("unknown", forecast("from=2026-11-01T00:00:00Z"), 400, "unknown_field").at("/query/from"),
        row("foreign", forecast(&format!("account_id={foreign}")), 404, "not_found"),
        row("absent", forecast(&format!("account_id={ABSENT}&meter=fax")), 404, "not_found"),
        row("the operator", w.operator().get("/reseller/usage/forecast"), 422, "not_a_buyer"),
        field("format", export("format", json!("xls")), "/format"),
        field("no time", export("from", json!("2026-11")), "/from"),
        field("backwards", export("to", json!("2026-09-01T00:00:00Z")), "/to"),
        field("long", export("from", json!("2025-09-26T00:00:00Z")), "/to"),
        field("subtree", export("subtree", json!("yes")), "/subtree"),
        row("unknown", export("rows", json!(5)), 400, "unknown_field").at("/rows"),
        row("foreign", export("account_id", json!(foreign)), 404, "not_found"),
        row("no export", api.get("/reseller/usage/exports/exp_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
        row("no id", api.get("/reseller/usage/exports/x"), 404, "not_found"),
        row("cursor", api.get("/reseller/usage/exports?cursor=x"), 400, "invalid_cursor"),
    ];
    for group_by in ["", "accounts", "account,account", "tag:", "tag:A", "tag:a,tag:b", "dimension:1", "meter,"] {
        rows.push(field("group_by", report(&format!("group_by={group_by}")), "/query/group_by"));
    }
    refuses_all(&w, rows).await;
}
