//! Bulk jobs as their senders meet them: planned, shown, done once, taken back.

use std::sync::Arc;

use futures::future::join;
use serde_json::{Value, json};
use tributary_domain::bulk::job::Job;
use tributary_domain::bulk::state::{Phase, State};
use tributary_domain::id::JobId;
use tributary_runtime::blobs::Blobs as _;
use tributary_runtime::queue::Queue as _;
use tributary_store::faulty::Faults;
use tributary_store::table::{Change, Cond, Key, Table as _, Write, s as text};
use tributary_tests::simulation::auditor::Audited;
use tributary_tests::simulation::process::Process;

use crate::support::api::{Answer, Api};
use crate::support::world::{Node, World, every_row};

const BULK: &str = "/reseller/bulk";

/// Lets the worker work until nothing waits. The last answer of the queue is that nothing failed.
pub async fn work(w: &World) {
    let inside = w.target.inside("the bulk worker").expect("in process");
    loop {
        let waiting = inside.outside.bulk.take();
        if waiting.is_empty() {
            return;
        }
        for body in waiting {
            let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": { "ApproximateReceiveCount": "1" } }] });
            let answer = tributary_bulk_worker::handle(&inside.app, event, &inside.app.run_id("")).await.expect("an answer");
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }
}

struct Scene {
    w: World,
    reseller: Node,
    customers: Vec<String>,
}

impl Scene {
    /// A master with credit, a reseller below it, and customers below the master.
    async fn new(customers: usize) -> Option<Self> {
        let w = World::new().await;
        w.target.inside("the bulk worker")?;
        w.fund(&w.master.id, "1000").await;
        let reseller = w.reseller_of(&w.master.id).await;
        let mut made = Vec::new();
        for _ in 0..customers {
            made.push(w.child_of(&w.master.id).await);
        }
        Some(Self { w, reseller, customers: made })
    }

    fn api(&self) -> &Api {
        &self.w.master.api
    }

    fn credits(&self, amount: &str) -> Vec<Value> {
        self.customers.iter().map(|id| json!({ "account_id": id, "amount": amount, "reference": "November" })).collect()
    }

    async fn start(&self, kind: &str, body: Value) -> Answer {
        self.api().pay(&format!("{BULK}/{kind}"), body).send().await.is(202)
    }

    async fn done(&self, kind: &str, body: Value) -> Answer {
        let started = self.start(kind, body).await;
        assert_eq!((started.word("state"), started.word("phase")), ("queued", "planning"));
        work(&self.w).await;
        self.job(&started.id()).await
    }

    async fn job(&self, id: &str) -> Answer {
        self.api().get(&format!("{BULK}/{id}")).send().await.is(200)
    }

    async fn rows(&self, id: &str, query: &str) -> Vec<Value> {
        every_row(self.api(), &format!("{BULK}/{id}/rows?{query}"), 3).await
    }

    async fn steer(&self, id: &str, word: &str) -> Answer {
        self.api().post(&format!("{BULK}/{id}/{word}"), json!({})).send().await.is(202)
    }

    async fn uploaded(&self, format: &str, file: &[u8]) -> String {
        let asked = self.api().post(&format!("{BULK}/uploads"), json!({ "format": format, "bytes": file.len() })).send().await.is(201);
        let (key, _) = asked.word("url").strip_prefix("memory:///").expect("a link").split_once('?').expect("a query");
        let blobs = &self.w.target.inside("blobs").expect("in process").outside.blobs;
        blobs.put(key, file.to_vec(), asked.word("content_type")).await.expect("put");
        asked.word("upload_id").to_owned()
    }

    async fn result(&self, id: &str) -> String {
        let link = self.api().get(&format!("{BULK}/{id}/result")).send().await.is(200);
        let (key, _) = link.word("download_url").strip_prefix("memory:///").expect("a link").split_once('?').expect("a query");
        let blobs = &self.w.target.inside("blobs").expect("in process").outside.blobs;
        String::from_utf8(blobs.get(key).await.expect("blobs").expect("the result")).expect("UTF-8")
    }
}

fn counts(job: &Answer) -> (i64, i64, i64, i64) {
    let number = |name: &str| job[name].as_i64().expect("a number");
    (number("rows"), number("done"), number("failed"), number("undone"))
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn credit_is_given_once_and_the_payer_is_debited_once() {
    let Some(s) = Scene::new(7).await else { return };
    let body = json!({ "rows": s.credits("10") });
    let idem = s.w.unique("idem");
    let ask = || s.api().post(&format!("{BULK}/credits"), body.clone()).idem(&idem);
    let started = ask().send().await.is(202);
    assert_eq!(started.header("location"), format!("{BULK}/{}", started.id()));
    let again = ask().send().await.is(202);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (started.id(), "true"));
    s.api()
        .post(&format!("{BULK}/credits"), json!({ "rows": s.credits("11") }))
        .idem(&idem)
        .send()
        .await
        .refused(422, "idempotency_key_reused");
    work(&s.w).await;
    let job = s.job(&started.id()).await;
    assert_eq!((job.word("state"), job.word("phase"), counts(&job)), ("completed", "done", (7, 7, 0, 0)));
    assert_eq!((job.word("required"), job.word("escrow"), &job["enough"]), ("70.000000", "0.000000", &json!(true)));
    assert_eq!(s.w.available(&s.w.master.id).await, "930.000000");
    assert_eq!(s.w.available(&s.customers[3]).await, "10.000000");
    let history = s.api().get("/reseller/credits/history").send().await.is(200);
    let kinds: Vec<&str> = history["data"].as_array().expect("rows").iter().map(|row| row["kind"].as_str().expect("a word")).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "bulk_escrow").count(), 1, "{kinds:?}");
    let theirs = s.api().get(&format!("/reseller/credits/history?account_id={}", s.customers[3])).send().await.is(200);
    let entry = &theirs["data"][0];
    assert_eq!(
        (&entry["kind"], &entry["counterparty"], &entry["reference"]),
        (&json!("allocation"), &json!(s.w.master.id), &json!("November"))
    );
    let transfer = entry["transfer_id"].as_str().expect("an id");
    let path = format!("/reseller/credits/transfers/{transfer}");
    let shown = s.api().get(&path).send().await.is(200);
    assert_eq!(shown["legs"].as_array().map(Vec::len), Some(7), "{}", shown.text);
    s.api().pay(&format!("{path}/reverse"), json!({})).send().await.refused(409, "conflict");
}

#[tokio::test]
async fn a_dry_run_gives_each_row_its_verdict_and_does_nothing_until_it_is_applied() {
    let Some(s) = Scene::new(2).await else { return };
    let other = s.w.other_master(json!({})).await;
    let closed = s.w.child_of(&s.w.master.id).await;
    s.api().pay(&format!("/reseller/accounts/{closed}/close"), json!({})).send().await.is(200);
    let mut rows = s.credits("10");
    rows.extend([
        json!({ "account_id": other.id, "amount": "1" }),
        json!({ "account_id": closed, "amount": "1" }),
        json!({ "account_id": s.w.master.id, "amount": "1" }),
        json!({ "account_id": s.customers[0], "amount": "-1" }),
        json!({ "account_id": s.customers[0], "amout": "1" }),
        json!({ "account_id": s.customers[0], "amount": "10", "reference": "November" }),
    ]);
    let job = s.done("credits", json!({ "rows": rows, "dry_run": true })).await;
    assert_eq!((job.word("state"), job.word("phase"), counts(&job)), ("completed", "planned", (8, 0, 6, 0)));
    assert_eq!((job.word("required"), job.word("escrow")), ("20.000000", "0.000000"));
    let rows = s.rows(&job.id(), "").await;
    assert_eq!(column(&rows, "status"), ["pending", "pending", "failed", "failed", "failed", "failed", "failed", "failed"]);
    let codes = ["", "", "not_found", "account_closed", "same_account", "validation_failed", "unknown_field", "duplicate_row"];
    assert_eq!(column(&rows, "code"), codes);
    assert_eq!(column(&rows, "column"), ["", "", "", "", "", "amount", "amout", ""]);
    assert_eq!(s.rows(&job.id(), "status=failed").await.len(), 6);
    assert_eq!(s.w.available(&s.w.master.id).await, "1000.000000");
    s.steer(&job.id(), "apply").await;
    work(&s.w).await;
    let job = s.job(&job.id()).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed_with_errors", (8, 2, 6, 0)));
    assert_eq!(s.w.available(&s.w.master.id).await, "980.000000");
}

#[tokio::test]
async fn a_total_over_the_balance_is_planned_as_such_and_nothing_is_done() {
    let Some(s) = Scene::new(3).await else { return };
    let job = s.done("credits", json!({ "rows": s.credits("400") })).await;
    assert_eq!((job.word("state"), job.word("phase"), counts(&job)), ("paused", "planned", (3, 0, 0, 0)));
    assert_eq!(
        (job.word("required"), &job["enough"], &job["reason"]["code"]),
        ("1200.000000", &json!(false), &json!("insufficient_credits"))
    );
    assert_eq!(s.w.available(&s.w.master.id).await, "1000.000000");
    s.w.fund(&s.w.master.id, "200").await;
    s.steer(&job.id(), "resume").await;
    work(&s.w).await;
    let job = s.job(&job.id()).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (3, 3, 0, 0)));
    assert_eq!(s.w.available(&s.w.master.id).await, "0.000000");
}

#[tokio::test]
async fn an_upload_is_a_job_of_its_rows_and_the_result_is_safe_in_a_spreadsheet() {
    let Some(s) = Scene::new(1).await else { return };
    let customer = &s.customers[0];
    let file = format!("\u{FEFF}account_id,amount,reference\r\n{customer},1.5,\"two\nlines\"\r\n{customer},2,=1+1\r\n{customer},x,+x\r\n");
    let upload = s.uploaded("csv", file.as_bytes()).await;
    let job = s.done("credits", json!({ "upload_id": upload })).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed_with_errors", (3, 1, 2, 0)), "{}", job.text);
    let result = s.result(&job.id()).await;
    let mut reader = csv::Reader::from_reader(result.as_bytes());
    let lines: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("a CSV");
    assert_eq!(lines.iter().map(|line| &line[1]).collect::<Vec<_>>(), ["failed", "done", "failed"], "a note is one line");
    assert_eq!(lines.iter().map(|line| &line[8]).collect::<Vec<_>>(), ["two\nlines", "'=1+1", "'+x"]);
    let foreign = s.reseller.api.pay(&format!("{BULK}/credits"), json!({ "upload_id": upload })).send().await.is(202);
    work(&s.w).await;
    let theirs = s.job(&foreign.id()).await;
    assert_eq!((&theirs["reason"]["code"], theirs.word("state")), (&json!("upload_missing"), "completed_with_errors"));
}

#[tokio::test]
async fn accounts_are_made_and_edited_once_each() {
    let Some(s) = Scene::new(0).await else { return };
    let rows: Vec<Value> =
        (0..60).map(|n| json!({ "name": format!("Number {n}"), "external_id": format!("n{n}"), "initial_credits": "1" })).collect();
    let job = s.done("accounts", json!({ "rows": rows })).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (60, 60, 0, 0)), "{}", job.text);
    let made = column(&s.rows(&job.id(), "").await, "made");
    assert_eq!(s.w.available(&made[59]).await, "1.000000");
    assert_eq!(s.w.available(&s.w.master.id).await, "940.000000");
    let again = s.done("accounts", json!({ "rows": rows[..2], "allow_duplicates": true })).await;
    assert_eq!(column(&s.rows(&again.id(), "").await, "code"), ["account_exists", "account_exists"]);
    let edits: Vec<Value> = made.iter().map(|id| json!({ "account_id": id, "tags": { "plan": "gold" } })).collect();
    let job = s.done("updates", json!({ "rows": edits })).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (60, 60, 0, 0)));
    let account = s.api().get(&format!("/reseller/accounts/{}", made[7])).send().await.is(200);
    assert_eq!((&account["tags"]["plan"], &account["version"]), (&json!("gold"), &json!(2)));
}

#[tokio::test]
async fn notifications_are_shown_before_they_are_sent() {
    let Some(s) = Scene::new(1).await else { return };
    let customer = &s.customers[0];
    let body = json!({
        "rows": [{ "account_id": customer, "email": "ada@example.com", "plan": "gold" }, { "account_id": customer, "email": "ada@example.com" }],
        "subject": "Your plan, {{name}}", "text": "You are on {{plan}}.", "quiet_hours": { "from": "22:00", "to": "07:00" }, "dry_run": true,
    });
    let job = s.done("notifications", body).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (2, 0, 1, 0)));
    let rows = s.rows(&job.id(), "").await;
    assert_eq!(rows[0]["preview"]["text"], "You are on gold.");
    assert!(rows[1]["detail"].as_str().expect("why").contains("{{plan}}"), "{rows:?}");
    s.steer(&job.id(), "apply").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&job.id()).await), (2, 1, 1, 0));
}

#[tokio::test]
async fn a_job_stops_where_it_is_told_to_and_what_is_left_returns() {
    let Some(s) = Scene::new(2).await else { return };
    let started = s.start("credits", json!({ "rows": s.credits("10") })).await;
    assert_eq!(s.steer(&started.id(), "pause").await.word("state"), "paused");
    s.steer(&started.id(), "pause").await;
    work(&s.w).await;
    assert_eq!(s.job(&started.id()).await.word("state"), "paused");
    let cancelled = s.steer(&started.id(), "cancel").await;
    assert_eq!((cancelled.word("state"), cancelled.word("phase")), ("cancelled", "finishing"));
    work(&s.w).await;
    let job = s.job(&started.id()).await;
    assert_eq!((job.word("phase"), counts(&job)), ("done", (0, 0, 0, 0)));
    s.api().post(&format!("{BULK}/{}/resume", started.id()), json!({})).send().await.refused(409, "conflict");
    assert_eq!(s.w.available(&s.w.master.id).await, "1000.000000");
}

#[tokio::test]
async fn failed_rows_are_tried_again_and_only_those() {
    let Some(s) = Scene::new(3).await else { return };
    let moved = s.w.child_of(&s.reseller.id).await;
    let payer = &s.reseller.id;
    s.w.fund(payer, "100").await;
    let mut rows = vec![json!({ "account_id": moved, "amount": "5" })];
    rows.push(json!({ "account_id": s.customers[0], "amount": "5" }));
    let job = s.done("credits", json!({ "from": payer, "rows": rows })).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed_with_errors", (2, 1, 1, 0)));
    assert_eq!(column(&s.rows(&job.id(), "status=failed").await, "code"), ["not_below"]);
    s.api().post(&format!("/reseller/accounts/{}/move", s.customers[0]), json!({ "parent_id": payer })).send().await.is(200);
    s.steer(&job.id(), "retry").await;
    work(&s.w).await;
    let job = s.job(&job.id()).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (2, 2, 0, 0)));
    assert_eq!((s.w.available(&moved).await, s.w.available(&s.customers[0]).await), ("5.000000".into(), "5.000000".into()));
    assert_eq!(s.w.available(payer).await, "90.000000");
}

#[tokio::test]
async fn credit_is_taken_back_while_it_is_there() {
    let Some(s) = Scene::new(3).await else { return };
    let job = s.done("credits", json!({ "rows": s.credits("10") })).await;
    let spent = json!({ "from": s.customers[1], "to": s.w.master.id, "amount": "4" });
    s.api().pay("/reseller/credits/transfer", spent).send().await.is(201);
    s.steer(&job.id(), "undo").await;
    work(&s.w).await;
    let job = s.job(&job.id()).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed", (3, 1, 0, 2)));
    assert_eq!(column(&s.rows(&job.id(), "").await, "status"), ["undone", "done", "undone"]);
    assert_eq!(column(&s.rows(&job.id(), "").await, "code"), ["", "insufficient_credits", ""]);
    assert_eq!((s.w.available(&s.w.master.id).await, s.w.available(&s.customers[1]).await), ("994.000000".into(), "6.000000".into()));
    s.w.fund(&s.customers[1], "4").await;
    s.steer(&job.id(), "undo").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&job.id()).await), (3, 0, 0, 3));
    s.api().post(&format!("{BULK}/{}/undo", job.id()), json!({})).send().await.refused(409, "conflict");
}

#[tokio::test]
async fn a_job_pauses_when_its_key_is_taken_no_more_and_goes_on_with_another() {
    let Some(s) = Scene::new(2).await else { return };
    let (key, secret) = s.w.new_key(&s.w.master.id, "owner").await;
    let body = json!({ "rows": s.credits("10") });
    let started = s.w.target.nobody.with(&secret).pay(&format!("{BULK}/credits"), body).send().await.is(202);
    s.api().delete(&format!("/reseller/accounts/{}/keys/{key}", s.w.master.id)).send().await;
    work(&s.w).await;
    let job = s.job(&started.id()).await;
    assert_eq!((job.word("state"), &job["reason"]["code"]), ("paused", &json!("unauthorized")), "{}", job.text);
    s.steer(&started.id(), "resume").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&started.id()).await), (2, 2, 0, 0));
}

#[tokio::test]
async fn a_suspended_payer_gives_nothing_and_its_escrow_waits() {
    let Some(s) = Scene::new(2).await else { return };
    let payer = &s.reseller.id;
    s.w.fund(payer, "100").await;
    let child = s.w.child_of(payer).await;
    let body = json!({ "from": payer, "rows": [{ "account_id": child, "amount": "5" }], "dry_run": true });
    let job = s.done("credits", body).await;
    s.w.suspend(payer).await;
    s.steer(&job.id(), "apply").await;
    work(&s.w).await;
    let paused = s.job(&job.id()).await;
    assert_eq!((paused.word("state"), &paused["reason"]["code"]), ("paused", &json!("account_suspended")), "{}", paused.text);
    s.api().post(&format!("/reseller/accounts/{payer}/reactivate"), json!({})).send().await.is(200);
    s.steer(&job.id(), "resume").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&job.id()).await), (1, 1, 0, 0));
}

/// Changes an item by another hand.
async fn spoil(w: &World, pk: &str, sk: &str, name: &'static str, value: tributary_store::table::Value) {
    let write = Write::update(Key::new(pk, sk), vec![Change::Set(name, value)], Cond::Exists);
    w.target.inside("the table").expect("in process").memory.write(&write).await.expect("written by another hand");
}

#[tokio::test]
async fn chunks_of_any_size_are_all_found() {
    let Some(s) = Scene::new(3).await else { return };
    let row = |n: usize| match n % 10 {
        9 => json!({ "account_id": s.customers[0], "amount": "x" }),
        _ => json!({ "account_id": s.customers[n % 3], "amount": "1", "reference": format!("{n}") }),
    };
    let body = json!({ "rows": (0..280).map(row).collect::<Vec<_>>(), "dry_run": true });
    let job = s.done("credits", body).await;
    let store = s.w.target.inside("the store").expect("in process").app.store().clone();
    let id: JobId = job.id().parse().expect("an id");
    let chunks = store.chunks(&id, 1, 1_000).await.expect("chunks");
    assert_eq!(chunks.len(), 3);
    // As much as an item holds: a page ends at 1 MB, before the third.
    for chunk in &chunks {
        let wrong = chunk.errors.keys().next().expect("a malformed row");
        let errors = json!({ wrong.to_string(): { "code": "validation_failed", "detail": "x".repeat(390_000) } });
        spoil(&s.w, &format!("JOB#{id}"), &format!("C#{:06}", chunk.number), "err", text(errors.to_string())).await;
    }
    assert_eq!(store.chunks(&id, 1, 1_000).await.expect("chunks").len(), 3);
    assert_eq!(store.chunks(&id, 1, 2).await.expect("chunks").len(), 2);
    s.steer(&job.id(), "apply").await;
    work(&s.w).await;
    let job = s.job(&job.id()).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed_with_errors", (280, 252, 28, 0)));
    assert_eq!(s.w.available(&s.w.master.id).await, "748.000000");
}

#[tokio::test]
async fn rows_that_no_credit_was_set_aside_for_fail_and_a_retry_does_them() {
    let Some(s) = Scene::new(4).await else { return };
    let job = s.done("credits", json!({ "rows": s.credits("10"), "dry_run": true })).await;
    let store = s.w.target.inside("the store").expect("in process").app.store().clone();
    let planned = store.job(&job.id().parse().expect("an id")).await.expect("the job");
    let unfunded = Job { dry_run: false, state: State::Running, phase: Phase::Applying, ..planned };
    store.keep_job(&unfunded, None).await.expect("kept").expect("first");
    s.w.target.inside("the queue").expect("in process").outside.bulk.send(&json!({ "job_id": job.id() }).to_string()).await.expect("sent");
    work(&s.w).await;
    let failed = s.job(&job.id()).await;
    assert_eq!((failed.word("state"), counts(&failed)), ("completed_with_errors", (4, 0, 4, 0)), "{}", failed.text);
    s.steer(&job.id(), "retry").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&job.id()).await), (4, 4, 0, 0));
    assert_eq!(s.w.available(&s.w.master.id).await, "960.000000");
}

/// A row of each kind about an account, with what its job says beside.
fn of_each_kind(account: &str) -> [(&'static str, Value); 4] {
    let job = |row: Value| json!({ "rows": [row], "dry_run": true });
    let mut notice = job(json!({ "account_id": account, "email": "ada@example.com" }));
    crate::support::world::merge(&mut notice, json!({ "subject": "S", "text": "T" }));
    [
        ("accounts", job(json!({ "name": "Below", "parent_id": account }))),
        ("updates", job(json!({ "account_id": account, "tags": { "plan": "gold" } }))),
        ("notifications", notice),
        ("credits", job(json!({ "account_id": account, "amount": "1" }))),
    ]
}

#[tokio::test]
async fn a_job_stays_below_its_own_account_whoever_steers_it() {
    let Some(s) = Scene::new(0).await else { return };
    s.w.fund(&s.reseller.id, "10").await;
    let foreign = s.w.reseller_of(&s.w.master.id).await.id;
    for (kind, body) in of_each_kind(&foreign) {
        let job = s.reseller.api.pay(&format!("{BULK}/{kind}"), body).send().await.is(202).id();
        work(&s.w).await;
        for word in ["apply", "retry"] {
            s.steer(&job, word).await;
            work(&s.w).await;
            let rows = s.rows(&job, "").await;
            assert_eq!(
                (column(&rows, "status"), column(&rows, "code")),
                (vec!["failed".into()], vec!["not_found".into()]),
                "{kind} {word}"
            );
        }
    }
    let account = s.api().get(&format!("/reseller/accounts/{foreign}")).send().await.is(200);
    assert_eq!((&account["tags"], &account["version"]), (&json!({}), &json!(1)), "{}", account.text);
}

#[tokio::test]
async fn a_row_whose_account_moved_away_after_it_was_planned_fails() {
    let Some(s) = Scene::new(0).await else { return };
    s.w.fund(&s.reseller.id, "10").await;
    for kind in 0..4 {
        let account = s.w.reseller_of(&s.reseller.id).await.id;
        let (kind, body) = of_each_kind(&account)[kind].clone();
        let job = s.reseller.api.pay(&format!("{BULK}/{kind}"), body).send().await.is(202).id();
        work(&s.w).await;
        assert_eq!(column(&s.rows(&job, "").await, "status"), ["pending"], "{kind}");
        s.api().post(&format!("/reseller/accounts/{account}/move"), json!({ "parent_id": s.w.master.id })).send().await.is(200);
        s.steer(&job, "apply").await;
        work(&s.w).await;
        let rows = s.rows(&job, "").await;
        assert_eq!((column(&rows, "status"), column(&rows, "code")), (vec!["failed".into()], vec!["not_found".into()]), "{kind}");
        assert_eq!(s.job(&job).await.word("state"), "completed_with_errors");
    }
}

#[tokio::test]
async fn a_notification_to_an_account_that_was_closed_meanwhile_is_not_sent() {
    let Some(s) = Scene::new(2).await else { return };
    let rows: Vec<Value> = s.customers.iter().map(|id| json!({ "account_id": id, "email": "ada@example.com" })).collect();
    let job = s.done("notifications", json!({ "rows": rows, "subject": "S", "text": "T", "dry_run": true })).await;
    s.api().pay(&format!("/reseller/accounts/{}/close", s.customers[0]), json!({})).send().await.is(200);
    s.steer(&job.id(), "apply").await;
    work(&s.w).await;
    let rows = s.rows(&job.id(), "").await;
    assert_eq!(
        (column(&rows, "status"), column(&rows, "code")),
        (vec!["failed".into(), "done".into()], vec!["account_closed".into(), "".into()])
    );
}

#[tokio::test]
async fn a_job_that_cannot_be_ended_for_now_is_put_aside_and_ended_later() {
    let Some(s) = Scene::new(2).await else { return };
    let started = s.start("credits", json!({ "rows": s.credits("10"), "dry_run": true })).await;
    work(&s.w).await;
    s.steer(&started.id(), "apply").await;
    let inside = s.w.target.inside("the bulk worker").expect("in process");
    let body = inside.outside.bulk.take().pop().expect("told");
    let give = async |times: &str| {
        let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": { "ApproximateReceiveCount": times } }] });
        tributary_bulk_worker::handle(&inside.app, event, &inside.app.run_id("")).await.expect("an answer")
    };
    let chunk = format!("JOB#{}", started.id());
    let id: JobId = started.id().parse().expect("an id");
    let planned = inside.app.store().job(&id).await.expect("the job");
    let finishing = Job { state: State::Running, phase: Phase::Finishing, ..planned };
    inside.app.store().keep_job(&finishing, None).await.expect("kept").expect("first");
    spoil(&s.w, &chunk, "C#000001", "marks", text("??".to_owned())).await;
    for times in ["1", "5"] {
        assert_eq!(give(times).await, json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] }), "given {times} times");
    }
    spoil(&s.w, &chunk, "C#000001", "marks", text("pp".to_owned())).await;
    assert_eq!(give("1").await, json!({ "batchItemFailures": [] }));
    assert_eq!(s.job(&started.id()).await.word("phase"), "done");
}

#[tokio::test]
async fn a_key_that_is_revoked_while_rows_are_done_does_no_more_than_it_began() {
    let Some(s) = Scene::new(3).await else { return };
    let (key, secret) = s.w.new_key(&s.w.master.id, "owner").await;
    let rows: Vec<Value> =
        (0..600).map(|n| json!({ "account_id": s.customers[n % 3], "amount": "1", "reference": format!("{n}") })).collect();
    let own = s.w.target.nobody.with(&secret);
    let job = own.pay(&format!("{BULK}/credits"), json!({ "rows": rows })).send().await.is(202).id();
    let inside = s.w.target.inside("the bulk worker").expect("in process");
    let memory = inside.memory.clone();
    let process = Process::new(&Arc::new(Audited::new(memory.clone())), &memory, 1, Faults::none());
    let app = s.w.target.worker(process.table());
    let id: JobId = job.parse().expect("an id");
    let body = inside.outside.bulk.take().pop().expect("told");
    let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": {} }] });
    let revoke = async |word: &str, begun: &dyn Fn(&Job) -> bool| {
        while !begun(&inside.app.store().job(&id).await.expect("the job")) {
            tokio::task::yield_now().await;
        }
        s.api().delete(&format!("/reseller/accounts/{}/keys/{word}", s.w.master.id)).send().await.is(200);
    };
    let (answer, ()) = join(tributary_bulk_worker::handle(&app, event, &app.run_id("")), revoke(&key, &|job| job.progress.done > 0)).await;
    assert_eq!(answer.expect("an answer"), json!({ "batchItemFailures": [] }));
    let paused = s.job(&job).await;
    assert_eq!((paused.word("state"), &paused["reason"]["code"]), ("paused", &json!("unauthorized")), "{}", paused.text);
    assert!((1..400).contains(&paused["done"].as_i64().expect("a number")), "{}", paused.text);
    s.steer(&job, "resume").await;
    work(&s.w).await;
    assert_eq!(counts(&s.job(&job).await), (600, 600, 0, 0));
}

#[tokio::test]
async fn a_file_full_of_what_cannot_be_shown_is_planned_all_the_same() {
    let Some(s) = Scene::new(0).await else { return };
    let rows: Vec<Value> = (0..800).map(|n| json!({ "name": format!("{n}"), "kind": "\u{1}".repeat(300) })).collect();
    let job = s.done("accounts", json!({ "rows": rows })).await;
    assert_eq!((job.word("state"), counts(&job)), ("completed_with_errors", (800, 0, 800, 0)), "{}", job.text);
}
