//! What happens to a job in the middle of a chunk whose rows are done one by one: the worker dies or is late, the key is revoked, the
//! job goes on with a key that may less, is cancelled, or what was planned of it is gone. A row that was done is called done, and a row
//! that is called failed is not done later.

use std::sync::atomic::{AtomicBool, Ordering};

use tributary_runtime::blobs::Blobs as _;

use super::*;
use crate::support::before::{Before, Call, Step};

/// What people do with a job whose worker died and whose key was revoked.
const THEN: [&str; 3] = ["resumed with less rights", "cancelled", "resumed without its blobs"];

impl Run {
    /// A job of three rows that a new key starts: the key's id, and the message.
    async fn with_a_key_of_its_own(&mut self, kind: &str) -> (String, String) {
        let (key, secret) = self.w.new_key(&self.w.master.id, "owner").await;
        let row = |n: usize| match kind {
            "accounts" => json!({ "name": format!("New {n}") }),
            _ => json!({ "account_id": self.customers[n], "tags": { "plan": "gold" } }),
        };
        let rows = [0, 1, 2].map(row);
        let body = json!({ "rows": rows });
        let started = self.w.target.nobody.with(&secret).pay(&format!("{BULK}/{kind}"), body).send().await.is(202);
        self.jobs.push(started.id());
        self.collect();
        (key, self.queue[0].body.clone())
    }

    async fn revoke(&self, key: &str) {
        self.w.master.api.delete(&format!("/reseller/accounts/{}/keys/{key}", self.w.master.id)).send().await.is(200);
    }

    async fn end(&mut self) -> Vec<String> {
        self.work_to_the_end().await;
        self.broken().await.0
    }
}

async fn give(app: &App, body: &str) {
    let event = json!({ "Records": [{ "messageId": "1", "body": body, "attributes": {} }] });
    drop(tributary_bulk_worker::handle(app, event, &app.run_id("")).await);
}

#[tokio::test]
async fn a_row_that_was_done_is_called_done_whoever_goes_on() {
    for (kind, then) in ["accounts", "updates"].into_iter().flat_map(|kind| THEN.map(|then| (kind, then))) {
        for call in 0.. {
            let mut run = Run::begin(call).await;
            let (key, body) = run.with_a_key_of_its_own(kind).await;
            run.workers[0].process.kill_in(call, Moment::After);
            give(&run.workers[0].app, &body).await;
            let died = run.workers[0].process.is_killed();
            run.workers[0].process.restart();
            run.revoke(&key).await;
            let path = format!("{BULK}/{}", run.jobs[0]);
            let api = match then {
                "resumed with less rights" => run.w.key_for(&run.w.master.id, "billing").await,
                _ => run.api().clone(),
            };
            if then == "cancelled" {
                api.post(&format!("{path}/cancel"), json!({})).send().await;
            } else {
                give(&run.workers[1].app, &body).await;
                if then == "resumed without its blobs" {
                    let blobs = &run.w.target.inside("blobs").expect("in process").outside.blobs;
                    for blob in blobs.keys().into_iter().filter(|key| key.starts_with("bulk/jobs/")) {
                        blobs.delete(&blob).await.expect("deleted");
                    }
                }
                api.post(&format!("{path}/resume"), json!({})).send().await;
            }
            let broken = run.end().await;
            assert!(broken.is_empty(), "{kind} killed at call {call}, {then}: {}", broken.join("\n"));
            if !died {
                assert!(call > 10, "a job has more calls than {call}");
                break;
            }
        }
    }
}

/// Transactions that say something of a row are late.
#[derive(Debug, Default)]
struct Late {
    waits: AtomicBool,
    goes: AtomicBool,
}

#[async_trait]
impl Step for Late {
    async fn before(&self, call: Call<'_>) -> Result<(), TableError> {
        let Call::Transact(writes) = call else { return Ok(()) };
        if writes.iter().any(|write| write.key.pk.starts_with("EVT#")) {
            self.waits.store(true, Ordering::SeqCst);
            while !self.goes.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_row_that_is_called_failed_is_not_done_by_a_worker_that_is_late() {
    for kind in ["accounts", "updates"] {
        let mut run = Run::begin(1).await;
        let (key, body) = run.with_a_key_of_its_own(kind).await;
        let late = Arc::new(Before { step: Late::default(), table: run.memory.clone() });
        let app = run.w.target.worker(Arc::clone(&late) as Arc<dyn Table>);
        let others = async {
            while !late.step.waits.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            run.revoke(&key).await;
            run.api().post(&format!("{BULK}/{}/cancel", run.jobs[0]), json!({})).send().await.is(202);
            give(&run.workers[1].app, &body).await;
            let ended = run.api().get(&format!("{BULK}/{}", run.jobs[0])).send().await.is(200);
            assert_eq!((ended.word("phase"), ended["failed"].as_i64()), ("done", Some(3)), "{}", ended.text);
            late.step.goes.store(true, Ordering::SeqCst);
        };
        join(give(&app, &body), others).await;
        let broken = run.end().await;
        assert!(broken.is_empty(), "{kind}: {}", broken.join("\n"));
    }
}
