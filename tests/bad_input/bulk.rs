//! Wrong bulk jobs. What is wrong with the request is answered at once; what is wrong with rows is said row by row, and what is
//! wrong with a file by the job.

use serde_json::json;
use tributary_runtime::blobs::Blobs as _;

use super::{Row, field, refuses_all, row, scene};
use crate::flows::bulk::work;
use crate::support::api::Answer;
use crate::support::world::World;

const CREDITS: &str = "/reseller/bulk/credits";
const NOTICES: &str = "/reseller/bulk/notifications";

#[tokio::test]
async fn a_wrong_job_is_refused_before_anything_is_kept() {
    let s = scene().await;
    let api = &s.w.master.api;
    let good = json!([{ "account_id": s.a, "amount": "1" }]);
    let notice = |subject: &str, text: &str| api.pay(NOTICES, json!({ "rows": [{ "account_id": s.a }], "subject": subject, "text": text }));
    let quiet = |from: &str| {
        let hours = json!({ "from": from, "to": "07:00" });
        api.pay(NOTICES, json!({ "rows": [{ "account_id": s.a }], "subject": "S", "text": "T", "quiet_hours": hours }))
    };
    let upload = |bytes: u64| api.post("/reseller/bulk/uploads", json!({ "format": "csv", "bytes": bytes }));
    let rows: Vec<Row> = vec![
        row("no key", api.post(CREDITS, json!({ "rows": good })), 400, "idempotency_key_missing"),
        field("neither rows nor an upload", api.pay(CREDITS, json!({})), "/rows"),
        field("no rows", api.pay(CREDITS, json!({ "rows": [] })), "/rows"),
        field("rows that are no objects", api.pay(CREDITS, json!({ "rows": [1] })), "/rows/0"),
        field("both", api.pay(CREDITS, json!({ "rows": good, "upload_id": "upl_01hx3v9k2mfd8bq5r7w1z4n6ty" })), "/upload_id"),
        field("a format of rows", api.pay(CREDITS, json!({ "rows": good, "format": "csv" })), "/format"),
        field("another format", api.pay(CREDITS, json!({ "upload_id": "upl_01hx3v9k2mfd8bq5r7w1z4n6ty", "format": "xlsx" })), "/format"),
        field("a wrong upload", api.pay(CREDITS, json!({ "upload_id": s.a })), "/upload_id"),
        row("an unknown field", api.pay(CREDITS, json!({ "rows": good, "dryrun": true })), 400, "unknown_field").at("/dryrun"),
        row("a foreign payer", api.pay(CREDITS, json!({ "rows": good, "from": s.euro })), 404, "not_found"),
        field("no subject", notice(" ", "x"), "/subject"),
        field("a subject of two lines", notice("a\nb", "x"), "/subject"),
        field("a place that is none", notice("a", "{{b"), "/text"),
        field("no time of day", quiet("25:00"), "/quiet_hours/from"),
        field("a time with a sign", quiet("+1:00"), "/quiet_hours/from"),
        field("an empty upload", upload(0), "/bytes"),
        field("too large an upload", upload(64 * 1024 * 1024 + 1), "/bytes"),
        row("an absent job", api.get("/reseller/bulk/job_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
        row("a malformed job", api.get("/reseller/bulk/job_1"), 404, "not_found"),
    ];
    refuses_all(&s.w, rows).await;
}

async fn of_file(w: &World, format: &str, file: &[u8]) -> Answer {
    let api = &w.master.api;
    let asked = api.post("/reseller/bulk/uploads", json!({ "format": format, "bytes": file.len() })).send().await.is(201);
    let (key, _) = asked.word("url").strip_prefix("memory:///").expect("a link").split_once('?').expect("a query");
    let blobs = &w.target.inside("blobs").expect("in process").outside.blobs;
    blobs.put(key, file.to_vec(), "text/csv").await.expect("put");
    let body = json!({ "upload_id": asked.word("upload_id"), "format": format });
    let started = api.pay(CREDITS, body).send().await.is(202);
    work(w).await;
    api.get(&format!("/reseller/bulk/{}", started.id())).send().await.is(200)
}

#[tokio::test]
async fn a_file_that_cannot_be_planned_ends_its_job_with_the_reason_and_nothing_done() {
    let s = scene().await;
    let many = format!("account_id,amount\n{}", format!("{},1\n", s.a).repeat(100_001));
    let million = "account_id,amount\n".to_owned() + &"x,1\n".repeat(1_000_000);
    let files: [(&str, &str, &[u8]); 8] = [
        ("wrong_columns", "csv", b"account,amount\nx,1\n"),
        ("wrong_columns", "csv", b"account_id\nx\n"),
        ("wrong_columns", "csv", b"account_id;amount\r\nx;1\r\n"),
        ("wrong_encoding", "csv", b"\xFF\xFEa\0c\0c\0"),
        ("no_rows", "csv", b"account_id,amount\r\n"),
        ("no_rows", "jsonl", b"\n \n"),
        ("too_many_rows", "csv", many.as_bytes()),
        ("too_many_rows", "csv", million.as_bytes()),
    ];
    for (code, format, file) in files {
        let before = s.w.available(&s.w.master.id).await;
        let job = of_file(&s.w, format, file).await;
        let ended = (job.word("state"), job.word("phase"), job["reason"]["code"].as_str().unwrap_or_default());
        assert_eq!(ended, ("completed_with_errors", "done", code), "{}", job.text);
        assert_eq!((job["done"].as_i64(), s.w.available(&s.w.master.id).await), (Some(0), before));
        s.w.master.api.post(&format!("/reseller/bulk/{}/retry", job.id()), json!({})).send().await.refused(409, "conflict");
    }
}

#[tokio::test]
async fn a_wrong_row_is_named_by_its_row_and_column_and_hinders_no_other() {
    let s = scene().await;
    s.w.fund(&s.w.master.id, "10").await;
    let mut file = b"\xEF\xBB\xBFaccount_id,amount,reference\r\n".to_vec();
    let lines = [
        format!("{},1,\"two\r\nlines\"\r\n", s.a),
        format!("{},1,=HYPERLINK(\"\"x\"\")\r\n", s.b),
        format!("{},1,=1+1\r\n", s.b),
        format!("{},1,=1+1\r\n", s.b),
        format!("{},1\r\n", s.b),
        format!("{},1,x\r\n", s.euro),
    ];
    lines.iter().for_each(|line| file.extend_from_slice(line.as_bytes()));
    file.extend_from_slice(format!("{},1,caf", s.b).as_bytes());
    file.extend_from_slice(b"\xE9\r\n");
    let job = of_file(&s.w, "csv", &file).await;
    assert_eq!((job["rows"].as_i64(), job["done"].as_i64(), job["failed"].as_i64()), (Some(7), Some(2), Some(5)), "{}", job.text);
    let rows = s.w.master.api.get(&format!("/reseller/bulk/{}/rows", job.id())).send().await.is(200);
    let shown: Vec<(&str, &str)> = rows["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["code"].as_str().unwrap_or_default(), row["column"].as_str().unwrap_or_default()))
        .collect();
    let wanted = [
        ("validation_failed", "reference"),
        ("", ""),
        ("", ""),
        ("duplicate_row", ""),
        ("wrong_columns", ""),
        ("not_found", ""),
        ("wrong_encoding", "reference"),
    ];
    assert_eq!(shown, wanted);
}
