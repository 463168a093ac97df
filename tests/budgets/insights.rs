//! What insights cost: the first view and any page of the grid are two calls after authentication, at any number of accounts.

use std::sync::Arc;

use serde_json::json;
use tributary_runtime::ids::SeededIds;
use tributary_store::counting::{Counting, Counts};
use tributary_store::memory::MemoryTable;

use super::{Counted, only_reads, reads};
use crate::support::api::Target;
use crate::support::rosters::changed;
use crate::support::world::World;

async fn counted() -> Counted {
    let memory = MemoryTable::with_stream();
    let table = Arc::new(Counting::new(memory.clone()));
    let target = Target::over(Arc::new(Arc::clone(&table)), memory, Arc::new(SeededIds::new(11))).await;
    Counted { w: World::on(target).await, table, lines: Vec::new() }
}

/// One call of the rosters' function.
async fn called(own: &mut Counted, event: serde_json::Value) -> Counts {
    let app = own.w.target.inside("the rosters").expect("in this process").app.clone();
    own.table.reset();
    tributary_roster::handle(&app, event, &app.run_id("")).await.expect("an answer");
    own.table.reset()
}

/// The lines of insights.
pub async fn insights(c: &mut Counted) {
    let mut own = counted().await;
    let reseller = own.w.reseller_of(&own.w.master.id).await;
    for children in [10, 100] {
        let bodies: Vec<_> = (0..children).map(|_| own.w.unique("Account")).collect();
        let mut last = String::new();
        for name in bodies {
            last = own.w.create(&reseller.id, json!({ "name": name })).await.id();
        }
        for event in changed(own.w.target.inside("the stream").expect("in this process")).chunks(200) {
            called(&mut own, json!({ "Records": event })).await;
        }
        own.w.target.advance_s(360, "the fold");
        let folded = called(&mut own, json!({})).await;
        own.note(&format!("fold of three rosters, {children} accounts more"), folded);
        let api = &reseller.api.clone();
        let overview = own.cost(&format!("insights: overview, {children} accounts more"), api.get("/reseller/insights/overview")).await;
        assert_eq!(only_reads(overview), reads(1, 0, 2), "the credential, the account's newest entry, its roster");
        let grid = api.get("/reseller/insights/accounts?sort=-balance&q=account&limit=50");
        let grid = own.cost(&format!("insights: page of the grid, {children} accounts more"), grid).await;
        assert_eq!(only_reads(grid), reads(1, 0, 2), "however many accounts there are");
        own.w.fund(&last, "1").await;
        let event = changed(own.w.target.inside("the stream").expect("in this process"));
        let told = called(&mut own, json!({ "Records": event })).await;
        own.note(&format!("a movement told to rosters, {children} accounts more"), told);
        let grid =
            own.cost(&format!("the same with something told, {children} accounts more"), api.get("/reseller/insights/accounts")).await;
        assert_eq!(only_reads(grid), reads(1, 0, 2), "what was told stands beside the head");
    }
    let api = reseller.api.clone();
    own.cost("insights: churn", api.get("/reseller/insights/churn")).await;
    own.cost("insights: profitability by meter", api.get("/reseller/insights/profitability?by=meter")).await;
    own.cost("insights: attribution", api.get("/reseller/insights/attribution")).await;
    own.cost("insights: acquisition", api.get("/reseller/insights/acquisition")).await;
    let spent = json!({ "channel": "search", "month": "2026-10", "amount": "5" });
    own.cost("write down spending", api.post("/reseller/insights/spend", spent)).await;
    own.cost("page of spending", api.get("/reseller/insights/spend")).await;
    own.cost("page of audit records", api.get("/reseller/insights/audit")).await;
    own.w.target.advance_s(360, "the fold");
    called(&mut own, json!({})).await;
    let idle = called(&mut own, json!({})).await;
    assert_eq!(only_reads(idle), reads(0, 0, 1), "what is due is in one index");
    own.note("roster run with nothing due", idle);
    c.lines.append(&mut own.lines);
}
