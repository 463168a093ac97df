//! What an event costs the watcher, and setting what it watches.

use serde_json::json;
use tributary_store::counting::Counts;

use super::{Counted, only_reads, reads};
use crate::support::events::of_queue;

/// One message about an account, as the watcher meets it.
async fn rung(own: &mut Counted, account: &str) -> Counts {
    let event = json!({
        "id": "evt_01hx3v9k2mfd8bq5r7w1z4n6ty", "type": "credit.transfer", "account_id": account,
        "occurred_at": "2026-11-02T08:00:00.000Z", "sequence": 1, "data": {},
    });
    let app = own.w.target.inside("the watcher").expect("in this process").app.clone();
    own.table.reset();
    let answer = tributary_watcher::handle(&app, of_queue([event.to_string().as_str()]), &app.run_id("")).await.expect("an answer");
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    own.table.reset()
}

/// The watcher's lines of the table.
pub async fn watching(c: &mut Counted) {
    let mut own = Counted::new().await;
    let master = own.w.master.api.clone();
    own.w.fund(&own.w.master.id, "1000").await;
    let (child, other) = (own.w.funded_child_of(&own.w.master.id, "100").await, own.w.child_of(&own.w.master.id).await);
    let nothing = rung(&mut own, &child).await;
    assert_eq!(
        only_reads(nothing),
        reads(0, 1, 2),
        "the newest entry, one look for what is set, and whether there are test clocks, where keys are test keys"
    );
    own.note("an event of an account with nothing set", nothing);
    let topup = json!({ "account_id": child, "threshold": "10", "target": "100", "source": "parent", "daily_cap": "500" });
    own.cost("let an account top itself up", master.put("/reseller/credits/auto-topup", topup)).await;
    own.cost("how an account tops itself up", master.get(&format!("/reseller/credits/auto-topup?account_id={child}"))).await;
    own.cost("make an alert", master.post("/reseller/alerts", json!({ "metric": "balance", "threshold": "10", "subtree": true }))).await;
    own.cost("page of alerts", master.get("/reseller/alerts")).await;
    let enough = rung(&mut own, &child).await;
    assert_eq!(only_reads(enough), reads(0, 2, 2), "how the alert stands is one more");
    own.note("an event of an account with enough, and an alert", enough);
    master.pay("/reseller/credits/transfer", json!({ "from": child, "to": other, "amount": "95" })).send().await.is(201);
    let drawn = rung(&mut own, &child).await;
    assert_eq!(drawn.transacts, 1, "a draw is one transaction");
    own.note("an event that draws credit from the parent", drawn);
    master.pay("/reseller/credits/transfer", json!({ "from": other, "to": child, "amount": "90" })).send().await.is(201);
    let fired = rung(&mut own, &other).await;
    assert_eq!(fired.transacts, 1, "a crossing is one transaction");
    own.note("an event by which an alert fires", fired);
    let path = format!("/reseller/credits/auto-topup/runs?account_id={child}");
    own.cost("page of runs of topping up", master.get(&path)).await;
    let app = own.w.target.inside("the schedule").expect("in this process").app.clone();
    own.table.reset();
    tributary_watcher::handle(&app, json!({}), &app.run_id("")).await.expect("a run");
    let due = own.table.reset();
    assert_eq!(only_reads(due), reads(0, 0, 4), "what is due is in three indexes; and whether there are test clocks");
    own.note("watcher run with nothing due", due);
    c.lines.append(&mut own.lines);
}
