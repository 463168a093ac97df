//! Reports, summaries and exports of usage: numbers at every level of a chain, and nobody else's.

use parquet_rows::rows as parquet_rows_of;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api, START};
use crate::support::world::{Node, World, every_row};

/// A master, a reseller below it, two customers below that, and a meter that costs 0.04, 0.05 and 0.06 on its way down.
struct Scene {
    w: World,
    meter: String,
    reseller: Node,
    one: Node,
    two: Node,
}

impl Scene {
    async fn new() -> Self {
        let w = World::new().await;
        let meter = w.unique("m").to_lowercase();
        let body = json!({ "key": meter, "name": "Messages", "unit": "message", "aggregation": "sum", "dimensions": ["country"] });
        w.operator().post("/reseller/pricing/meters", body).send().await.is(201);
        let reseller = w.reseller_of(&w.master.id).await;
        let customer = async |more: Value| {
            let id = w.create(&reseller.id, more).await.id();
            Node { api: w.key_for(&id, "owner").await, id }
        };
        let one = customer(json!({ "tags": { "plan": "gold" }, "external_id": "@49", "name": "=cmd" })).await;
        let two = customer(json!({ "tags": { "plan": "free" } })).await;
        for id in [&w.master.id, &reseller.id, &one.id, &two.id] {
            w.fund(id, "1000").await;
        }
        for (api, price) in [(w.operator(), "0.04"), (&w.master.api, "0.05"), (&reseller.api, "0.06")] {
            let card = json!({ "meter": meter, "currency": "USD", "model": { "type": "flat", "unit_price": price }, "effective_from": w.target.time_in_s(-34 * 24 * 3600) });
            api.post("/reseller/pricing/rate-cards", card).send().await.is(201);
        }
        Self { w, meter, reseller, one, two }
    }

    async fn use_up(&self, account: &str, quantity: &str, minutes_ago: i64, country: &str) -> Answer {
        let event = json!({
            "id": self.w.unique("e"), "account_id": account, "meter": self.meter, "quantity": quantity,
            "occurred_at": self.w.target.time_in_s(-60 * minutes_ago), "properties": { "country": country },
        });
        let answer = self.w.operator().post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
        assert_eq!(answer["results"][0]["status"], "accepted", "{}", answer.text);
        answer
    }

    /// The totals of a report at a level.
    async fn totals(&self, api: &Api, query: &str) -> (Value, Value, Value, Value) {
        let report = api.get(&format!("{REPORT}?{query}")).send().await.is(200);
        let total = &report["totals"][0];
        (total["events"].clone(), total["cost"].clone(), total["price"].clone(), total["margin"].clone())
    }

    async fn roll_up(&self) {
        let Some(inside) = self.w.target.inside("the rollup") else { return };
        // Late enough that whatever is there is worth it.
        inside.clock.advance_ms(16 * 60 * 1000);
        let mut entries = 0;
        for _ in 0..16 {
            inside.clock.advance_ms(60 * 1000);
            let run = inside.app.run_id("");
            let summary = tributary_usage_worker::handle(&inside.app, json!({}), &run).await.expect("a run");
            assert_eq!(summary["failed"], 0, "{summary}");
            entries += summary["entries"].as_u64().expect("a number");
        }
        assert!(entries > 0, "something was folded");
    }
}

const REPORT: &str = "/reseller/usage/report";
const SUMMARY: &str = "/reseller/usage/summary";
const EXPORT: &str = "/reseller/usage/export";

fn figures(events: i64, cost: &str, price: &str, margin: &str) -> (Value, Value, Value, Value) {
    (json!(events), json!(cost), json!(price), json!(margin))
}

#[tokio::test]
async fn each_level_sees_what_it_pays_and_is_paid_and_nothing_else() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 1, "at").await;
    s.use_up(&s.two.id, "10", 1, "de").await;
    s.use_up(&s.reseller.id, "1", 1, "de").await;
    for folded in [false, true] {
        if folded {
            s.roll_up().await;
        }
        let own = s.totals(&s.one.api, "").await;
        assert_eq!(own, (json!(1), json!("6.000000"), json!(null), json!(null)), "folded: {folded}");
        // 111 messages at 0.05, of which 110 are sold on at 0.06.
        assert_eq!(s.totals(&s.reseller.api, "subtree=true").await, figures(3, "5.550000", "6.600000", "1.050000"));
        assert_eq!(s.totals(&s.w.master.api, "subtree=true").await, figures(3, "4.440000", "5.550000", "1.110000"));
        let of_one = format!("account_id={}", s.one.id);
        assert_eq!(s.totals(&s.reseller.api, &of_one).await, figures(1, "5.000000", "6.000000", "1.000000"));
        assert_eq!(s.totals(&s.w.master.api, &of_one).await, figures(1, "4.000000", "5.000000", "1.000000"));
        assert_eq!(s.totals(s.w.operator(), &of_one).await, figures(1, "0.000000", "4.000000", "4.000000"));
        assert_eq!(
            s.totals(s.w.operator(), &format!("account_id={}&subtree=true", s.w.master.id)).await,
            figures(3, "0.000000", "4.440000", "4.440000")
        );
        let own = s.totals(&s.reseller.api, "").await;
        assert_eq!(own, (json!(1), json!("0.050000"), json!(null), json!(null)));
    }
    // What comes after the fold is in the next report.
    s.use_up(&s.two.id, "10", 0, "de").await;
    assert_eq!(s.totals(&s.w.master.api, "subtree=true").await, figures(4, "4.840000", "6.050000", "1.210000"));
}

#[tokio::test]
async fn rows_are_kept_apart_as_asked_and_add_up_to_the_totals() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 61, "at").await;
    s.use_up(&s.one.id, "50", 1, "de").await;
    s.use_up(&s.two.id, "10", 1, "de").await;
    for folded in [false, true] {
        if folded {
            s.roll_up().await;
        }
        let rows = async |query: &str| every_row(&s.reseller.api, &format!("{REPORT}?subtree=true&{query}"), 1).await;
        let pick = |rows: &[Value], names: &[&str]| -> Vec<Vec<String>> {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.iter().map(|row| names.iter().map(|name| text(&row[*name])).collect()).collect()
        };
        let by_account = rows("granularity=month&group_by=account,meter").await;
        let mut wanted = [
            [s.one.id.as_str(), s.meter.as_str(), "150.000000", "message", "2", "7.500000", "9.000000"],
            [s.two.id.as_str(), s.meter.as_str(), "10.000000", "message", "1", "0.500000", "0.600000"],
        ];
        wanted.sort();
        assert_eq!(pick(&by_account, &["account_id", "meter", "quantity", "unit", "events", "cost", "price"]), wanted, "folded: {folded}");
        let by_tag = rows("granularity=month&group_by=tag:plan").await;
        assert_eq!(pick(&by_tag, &["tag", "quantity"]), [["free", "10.000000"], ["gold", "150.000000"]]);
        let by_country = rows("granularity=month&group_by=dimension:country").await;
        assert_eq!(pick(&by_country, &["dimension", "quantity"]), [["at", "100.000000"], ["de", "60.000000"]]);
        let hours = rows("granularity=hour").await;
        let quantities = pick(&hours, &["quantity"]);
        assert_eq!(quantities, [["100.000000"], ["60.000000"]]);
        assert!(rows("granularity=hour&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z").await.is_empty());
        let early = s.w.target.time_in_s(-3600 * 30);
        assert_eq!(rows(&format!("granularity=month&from={early}")).await.len(), 1, "a month that is cut has one row");
    }
}

#[tokio::test]
async fn a_report_refuses_what_it_does_not_take() {
    let s = Scene::new().await;
    let other = s.w.other_master(json!({})).await;
    let refused =
        async |api: &Api, query: &str, status: u16, code: &str| api.get(&format!("{REPORT}?{query}")).send().await.refused(status, code);
    let api = &s.reseller.api;
    refused(api, &format!("account_id={}", other.id), 404, "not_found").await;
    refused(api, &format!("account_id={}&subtree=true", s.w.master.id), 404, "not_found").await;
    for query in [
        "granularity=week",
        "group_by=colour",
        "group_by=account,account",
        "group_by=tag:A",
        "from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z",
        "granularity=hour&from=2026-09-01T00:00:00Z",
        "from=2025-01-01T00:00:00Z",
        "granularity=month&from=2020-01-01T00:00:00Z",
        "limit=0",
    ] {
        refused(api, query, 400, "validation_failed").await;
    }
}

#[tokio::test]
async fn a_summary_says_what_there_is_and_304_until_it_changes() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 1, "at").await;
    s.use_up(&s.two.id, "1000", 1, "de").await;
    let api = &s.w.master.api;
    let path = format!("{SUMMARY}?subtree=true");
    let summary = api.get(&path).send().await.is(200);
    assert_eq!(summary["this_month"]["money"][0]["price"], "55.000000", "{}", summary.text);
    assert_eq!(summary["today"]["meters"][0]["quantity"], "1100.000000");
    assert_eq!(summary["change"][0]["cost"], json!(null), "there was nothing last month");
    assert_eq!(summary["top_accounts"][0]["account_id"], s.reseller.id.as_str());
    assert_eq!((&summary["tier"]["name"], &summary["tier"]["next"]["name"]), (&json!("bronze"), &json!("silver")), "{}", summary.text);
    let tag = summary.header("etag").to_owned();
    let again = api.get(&path).header("if-none-match", tag.as_bytes()).send().await.is(304);
    assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()));
    s.use_up(&s.two.id, "1", 0, "de").await;
    let changed = api.get(&path).header("if-none-match", tag.as_bytes()).send().await.is(200);
    assert_eq!(changed["this_month"]["money"][0]["price"], "55.050000");
    // Another's tag is not one's own.
    let of_two = s.reseller.api.get(&path).send().await.is(200);
    let top: Vec<&str> = of_two["top_accounts"].as_array().expect("rows").iter().filter_map(|row| row["price"].as_str()).collect();
    assert_eq!(top, ["60.060000", "6.000000"]);
    assert_ne!(of_two.header("etag"), changed.header("etag"));
    let customer = s.one.api.get(&path).send().await.is(200);
    assert_eq!((&customer["this_month"]["money"][0]["price"], &customer["tier"]), (&json!(null), &json!(null)));
    s.one.api.get(&format!("{SUMMARY}?period=2026-13")).send().await.refused(400, "validation_failed");
    let other = s.w.other_master(json!({})).await;
    s.one.api.get(&format!("{SUMMARY}?account_id={}", other.id)).send().await.refused(404, "not_found");
}

/// The file behind a signed link, named for whoever downloads it.
async fn downloaded(url: &str) -> Vec<u8> {
    let answer = reqwest::get(url).await.expect("an answer");
    assert_eq!(answer.status(), 200, "{url}");
    let named = answer.headers().get("content-disposition").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert!(named.starts_with("attachment; filename=\"usage-"), "{named}");
    answer.bytes().await.expect("a body").to_vec()
}

/// Asks for an export, has it made where the exporter is in this process, and returns it with its file.
async fn exported(s: &Scene, api: &Api, body: Value) -> (Answer, Vec<u8>) {
    let asked = api.post(EXPORT, body).send().await.is(202);
    assert_eq!((asked.word("status"), asked.header("location")), ("queued", format!("/reseller/usage/exports/{}", asked.id()).as_str()));
    let inside = s.w.target.inside("the exporter's messages, given by hand");
    if let Some(inside) = inside {
        for body in inside.outside.exports.take() {
            let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": { "ApproximateReceiveCount": "1" } }] });
            let answer = tributary_exporter::handle(&inside.app, event, &inside.app.run_id("")).await.expect("an answer");
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }
    let done = s.w.target.ended(api, asked.header("location"), &["queued", "running"]).await;
    assert_eq!(done.word("status"), "completed", "{}", done.text);
    let key = format!("exports/{}.{}", done.id(), done.word("format"));
    assert!(done.word("download_url").contains(&key), "{}", done.text);
    let file = match inside {
        Some(inside) => tributary_runtime::blobs::Blobs::get(&inside.outside.blobs, &key).await.expect("blobs").expect("the file"),
        None => downloaded(done.word("download_url")).await,
    };
    assert_eq!(done["bytes"], json!(file.len()));
    (done, file)
}

#[tokio::test]
async fn an_export_holds_a_row_for_each_event_at_the_askers_level() {
    let s = Scene::new().await;
    s.use_up(&s.one.id, "100", 1, "at").await;
    s.use_up(&s.two.id, "10", 1, "de").await;
    let (from, to) = (s.w.target.time_in_s(-86_400), s.w.target.time_in_s(86_400));
    let body = |format: &str| json!({ "format": format, "from": from, "to": to, "subtree": true });
    let (done, file) = exported(&s, &s.reseller.api, body("csv")).await;
    assert_eq!(done["rows"], 2);
    let text = String::from_utf8(file).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("event_id,account_id,account_name,external_id,meter,unit,quantity"), "{text}");
    let of_one = lines.iter().find(|line| line.contains(&s.one.id)).expect("a row");
    for part in [",'=cmd,", ",'@49,", ",100.000000,", ",5.000000,6.000000,1.000000,", "\"{\"\"country\"\":\"\"at\"\"}\""] {
        assert!(of_one.contains(part), "{part} in {of_one}");
    }
    let (_, file) = exported(&s, &s.w.master.api, body("jsonl")).await;
    let rows: Vec<Value> = String::from_utf8(file).expect("UTF-8").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let sum = |name: &str| rows.iter().map(|row| row[name].as_str().expect("a number").to_owned()).collect::<Vec<_>>();
    assert_eq!((sum("cost"), sum("price")), (vec!["4.000000".into(), "0.400000".into()], vec!["5.000000".into(), "0.500000".into()]));
    assert_eq!(
        (&rows[0]["BilledCost"], &rows[0]["ChargeCategory"], &rows[0]["SubAccountId"]),
        (&json!("4.000000"), &json!("Usage"), &json!(s.one.id))
    );
    assert_eq!(rows[0]["properties"], json!({ "country": "at" }));
    let (done, file) = exported(&s, &s.one.api, body("parquet")).await;
    assert_eq!((done["rows"].clone(), &file[..4], &file[file.len() - 4..]), (json!(1), &b"PAR1"[..], &b"PAR1"[..]));
    let columns = parquet_rows_of(file);
    assert_eq!(columns[0].get("cost").map(String::as_str), Some("6.000000"), "{columns:?}");
    assert_eq!(columns[0].get("price").map(String::as_str), Some("null"));
    assert_eq!(columns[0].get("account_name").map(String::as_str), Some("\"=cmd\""), "only a spreadsheet takes it for a formula");
}

#[tokio::test]
async fn an_export_of_nothing_is_a_file_and_somebody_elses_is_none() {
    let s = Scene::new().await;
    for format in ["csv", "jsonl", "parquet"] {
        let body = json!({ "format": format, "from": "2025-11-01T00:00:00Z", "to": "2025-12-01T00:00:00Z" });
        let (done, file) = exported(&s, &s.one.api, body).await;
        assert_eq!(done["rows"], 0, "{format}");
        assert_eq!(String::from_utf8_lossy(&file).lines().count() > 0, format != "jsonl", "{format}");
        let path = format!("/reseller/usage/exports/{}", done.id());
        // Its figures are of another level, even for those above.
        for api in [&s.two.api, &s.reseller.api, s.w.operator()] {
            api.get(&path).send().await.refused(404, "not_found");
        }
        if s.w.target.advance_s(8 * 24 * 3600, "the end of a file") {
            let late = s.one.api.get(&path).send().await.is(200);
            assert_eq!((late.word("status"), &late["download_url"]), ("expired", &json!(null)));
        }
    }
    let listed = every_row(&s.one.api, "/reseller/usage/exports", 2).await;
    assert_eq!(listed.iter().map(|row| row["format"].as_str().expect("a word")).collect::<Vec<_>>(), ["parquet", "jsonl", "csv"]);
    let refused = async |body: Value| s.one.api.post(EXPORT, body).send().await.refused(400, "validation_failed");
    refused(json!({ "format": "xlsx", "from": START, "to": "2026-12-01T00:00:00Z" })).await;
    refused(json!({ "format": "csv", "from": START, "to": START })).await;
    refused(json!({ "format": "csv", "from": "2025-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z" })).await;
    let key = s.w.unique("idem");
    let body = json!({ "format": "csv", "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z" });
    let first = s.one.api.post(EXPORT, body.clone()).idem(&key).send().await.is(202);
    let second = s.one.api.post(EXPORT, body).idem(&key).send().await.is(202);
    assert_eq!((first.id(), second.header("idempotent-replayed")), (second.id(), "true"));
}

mod parquet_rows {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    /// The rows of a file, each cell as the reader shows it.
    pub fn rows(file: Vec<u8>) -> Vec<BTreeMap<String, String>> {
        let reader = SerializedFileReader::new(Bytes::from(file)).expect("a Parquet file");
        let rows = reader.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row").get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect()).collect()
    }
}
