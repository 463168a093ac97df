//! What an event costs the notifier, and looking at what was sent.

use std::sync::Arc;

use serde_json::json;
use tributary_runtime::mail::MemoryMailer;
use tributary_store::counting::Counts;

use super::{Counted, only_reads, reads};
use crate::support::events::of_queue;
use crate::support::receiver::MemoryOutbound;
use crate::webhooks::{SOMEWHERE, WEBHOOKS, senders};

/// One event of an account, as the notifier meets it, answered by its endpoints with what `outbound` says.
async fn told(own: &mut Counted, account: &str, event_id: &str, outbound: &MemoryOutbound) -> Counts {
    let event = json!({
        "id": event_id, "type": "credit.transfer", "account_id": account, "occurred_at": "2026-12-02T08:00:00.000Z", "sequence": 1, "data": {},
    });
    let app = own.w.target.inside("the notifier").expect("in this process").app.clone();
    let senders = senders(Arc::new(outbound.clone()), &MemoryMailer::default());
    own.table.reset();
    let call = of_queue([event.to_string().as_str()]);
    let answer = tributary_notifier::handle(&app, &senders, call, &app.run_id("")).await.expect("an answer");
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    own.table.reset()
}

/// The notifier's lines of the table.
pub async fn telling(c: &mut Counted) {
    let mut own = Counted::new().await;
    let api = own.w.master.api.clone();
    let outbound = MemoryOutbound::default();
    let child = own.w.child_of(&own.w.master.id).await;
    let nobody = told(&mut own, &child, "evt_01hx3v9k2mfd8bq5r7w1z4n6ta", &outbound).await;
    assert_eq!(only_reads(nobody), reads(1, 1, 0), "the account, and everything above it at once");
    own.note("an event that nobody hears", nobody);
    let hook = json!({ "url": SOMEWHERE, "events": ["credit.*"], "subtree": true });
    own.cost("make a webhook endpoint", api.post(WEBHOOKS, hook)).await;
    let id = api.get(WEBHOOKS).send().await.is(200).rows()[0]["id"].as_str().expect("an id").to_owned();
    let once = told(&mut own, &child, "evt_01hx3v9k2mfd8bq5r7w1z4n6tb", &outbound).await;
    assert_eq!((once.gets + once.batch_gets + once.queries, once.transacts), (3, 0), "who hears of it, and whether it failed lately");
    assert_eq!(once.writes, 2, "the delivery with its first try's lease, and what came of it");
    own.note("an event that one endpoint takes", once);
    let again = told(&mut own, &child, "evt_01hx3v9k2mfd8bq5r7w1z4n6tb", &outbound).await;
    own.note("the same event once more", again);
    outbound.answers(SOMEWHERE, 500);
    let failed = told(&mut own, &child, "evt_01hx3v9k2mfd8bq5r7w1z4n6tc", &outbound).await;
    own.note("an event that the endpoint refuses", failed);
    own.cost("page of webhook endpoints", api.get(WEBHOOKS)).await;
    own.cost("page of deliveries", api.get(&format!("{WEBHOOKS}/{id}/deliveries"))).await;
    let app = own.w.target.inside("the schedule").expect("in this process").app.clone();
    let senders = senders(Arc::new(outbound), &MemoryMailer::default());
    own.table.reset();
    tributary_notifier::handle(&app, &senders, json!({ "source": "aws.scheduler" }), &app.run_id("")).await.expect("a run");
    let due = own.table.reset();
    assert_eq!(only_reads(due), reads(0, 0, 1), "what is due is in one index");
    own.note("notifier run with nothing due", due);
    c.lines.append(&mut own.lines);
}
