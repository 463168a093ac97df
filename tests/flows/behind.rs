//! What happens behind the answers: jobs that queues work off, and what is told and done because credit moved. In this process the
//! functions are called in their order; where the platform is deployed its queues, stream and bus call them, and these tests wait.

use std::sync::Arc;

use serde_json::{Value, json};
use tributary_runtime::mail::MemoryMailer;

use crate::flows::bulk;
use crate::support::api::{Answer, Api};
use crate::support::receiver::MemoryOutbound;
use crate::support::world::World;
use crate::webhooks::{senders, told};

/// The answer at `path` once it is as it shall be.
async fn once(w: &World, api: &Api, path: &str, done: impl Fn(&Answer) -> bool) -> Answer {
    let why = "the workers are called by the test; elsewhere queues, stream and bus call them";
    if let Some(inside) = w.target.inside(why) {
        bulk::work(w).await;
        told(inside, &senders(Arc::new(MemoryOutbound::default()), &MemoryMailer::default())).await;
    }
    w.target.until(api, path, done).await
}

#[tokio::test]
async fn a_job_is_worked_off_and_its_rows_say_what_became_of_them() {
    let w = World::new().await;
    w.fund(&w.master.id, "100").await;
    let (one, two) = (w.child_of(&w.master.id).await, w.child_of(&w.master.id).await);
    let rows = json!([
        { "account_id": one, "amount": "30" },
        { "account_id": two, "amount": "1.5" },
        { "account_id": w.unique("acc"), "amount": "1" },
    ]);
    let started = w.master.api.pay("/reseller/bulk/credits", json!({ "rows": rows })).send().await.is(202);
    let path = format!("/reseller/bulk/{}", started.id());
    let ended = |job: &Answer| job.word("state").starts_with("completed");
    let job = once(&w, &w.master.api, &path, ended).await;
    assert_eq!((job.word("state"), &job["done"], &job["failed"]), ("completed_with_errors", &json!(2), &json!(1)));
    assert_eq!((w.available(&w.master.id).await, w.available(&one).await), ("68.500000".to_owned(), "30.000000".to_owned()));
    let failed = w.master.api.get(&format!("{path}/rows?status=failed")).send().await.is(200);
    assert_eq!((failed.rows().len(), &failed.rows()[0]["row"]), (1, &json!(3)));
}

#[tokio::test]
async fn a_debit_rings_and_the_account_tops_itself_up_and_the_alert_fires() {
    let w = World::new().await;
    w.fund(&w.master.id, "100").await;
    let (child, sink) = (w.funded_child_of(&w.master.id, "20").await, w.child_of(&w.master.id).await);
    let api = &w.master.api;
    let rule = json!({ "account_id": child, "metric": "balance", "threshold": "10" });
    let rule = api.post("/reseller/alerts", rule).send().await.is(201).id();
    let topup = json!({ "account_id": sink, "threshold": "5", "target": "25", "source": "parent" });
    api.put("/reseller/credits/auto-topup", topup).send().await.is(200);
    api.pay("/reseller/credits/transfer", json!({ "from": child, "to": sink, "amount": "15" })).send().await.is(201);
    api.pay("/reseller/credits/transfer", json!({ "from": sink, "to": w.master.id, "amount": "14" })).send().await.is(201);
    let balance = format!("/reseller/credits/balance?account_id={sink}");
    once(&w, api, &balance, |balance| balance.word("available") == "25.000000").await;
    let history = format!("/reseller/alerts/{rule}/history?account_id={child}");
    let told = once(&w, api, &history, |history| !history.rows().is_empty()).await;
    assert_eq!((told.rows().len(), &told.rows()[0]["value"]), (1, &json!("5.000000")));
}

#[tokio::test]
async fn what_happens_is_delivered_to_the_endpoint_and_each_try_is_shown() {
    let w = World::new().await;
    let api = &w.master.api;
    // A name that is nobody's: a deployed platform tries it and says why that failed.
    let hook = json!({ "url": "https://hooks.example.com/in", "events": ["credit.issue"] });
    let hook = api.post("/reseller/webhooks", hook).send().await.is(201).id();
    w.fund(&w.master.id, "7").await;
    let path = format!("/reseller/webhooks/{hook}/deliveries");
    let tried = |page: &Answer| page.rows().first().is_some_and(|one| one["tries"] == json!(1));
    let page = once(&w, api, &path, tried).await;
    let of = |name: &str| -> Value { page.rows()[0][name].clone() };
    assert_eq!((of("event_type"), of("account_id")), (json!("credit.issue"), json!(w.master.id)));
    assert_eq!(page.rows().len(), 1);
}
