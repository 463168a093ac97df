//! The sums of usage: each entry counts once, whatever is killed between two calls, and however folds, reads and new usage
//! interleave.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};
use tributary_metering::aggregates::fold::{Batches, fold};
use tributary_runtime::ids::SeededIds;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::Table;

use crate::support::api::{Api, Target};
use crate::support::before::{Before, Yield};
use crate::support::world::{Node, World};

/// A master, a reseller and a customer that used something three times, over two months.
struct Scene {
    w: World,
    reseller: Node,
    customer: String,
}

async fn scene(table: Arc<dyn Table>, memory: MemoryTable) -> Scene {
    let w = World::on(Target::over(table, memory, Arc::new(SeededIds::new(3))).await).await;
    let meter = json!({ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum", "dimensions": ["country"] });
    w.operator().post("/reseller/pricing/meters", meter).send().await.is(201);
    let card = json!({
        "meter": "sms", "model": { "type": "flat", "unit_price": "0.01" }, "effective_from": w.target.time_in_s(-34 * 86_400),
    });
    w.operator().post("/reseller/pricing/rate-cards", card).send().await.is(201);
    let reseller = w.reseller_of(&w.master.id).await;
    let customer = w.child_of(&reseller.id).await;
    for id in [&w.master.id, &reseller.id, &customer] {
        w.fund(id, "100").await;
    }
    let s = Scene { w, reseller, customer };
    for (nth, days) in [0, 3, 0].into_iter().enumerate() {
        s.use_up(&format!("first-{nth}"), days).await;
    }
    s
}

impl Scene {
    async fn use_up(&self, id: &str, days_ago: i64) {
        let event = json!({
            "id": id, "account_id": self.customer, "meter": "sms", "quantity": 1, "occurred_at": self.w.target.time_in_s(-60 - 86_400 * days_ago),
            "properties": { "country": format!("c{days_ago}") },
        });
        let answer = self.w.operator().post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
        assert_eq!(answer["accepted"], 1, "{}", answer.text);
    }

    /// What every level is told, by hours, days and months.
    async fn told(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for api in [&self.w.master.api, &self.reseller.api] {
            for granularity in ["hour", "day", "month"] {
                let query = format!("granularity={granularity}&from=2026-10-25T00:00:00Z&subtree=true&group_by=account,dimension:country");
                all.push(report(api, &query).await);
            }
        }
        all
    }

    async fn fold(&self) -> bool {
        let app = &self.w.target.inside("folds").expect("in this process").app;
        fold(app, &Batches::default(), self.w.master.id.parse().expect("an id"), usize::MAX).await.is_ok()
    }
}

async fn report(api: &Api, query: &str) -> Value {
    let report = api.get(&format!("/reseller/usage/report?{query}")).send().await.is(200);
    json!([report["data"], report["totals"]])
}

#[tokio::test]
async fn a_fold_killed_at_any_call_is_finished_by_the_next() {
    let undisturbed = || async {
        let memory = MemoryTable::new();
        let faulty = Arc::new(Faulty::new(memory.clone(), 1, Faults::none()));
        (scene(Arc::new(faulty.clone()), memory).await, faulty)
    };
    let (s, faulty) = undisturbed().await;
    let expected = s.told().await;
    let before = faulty.calls();
    assert!(s.fold().await);
    let calls = faulty.calls() - before;
    assert!(calls > 20, "{calls} calls");
    assert_eq!(s.told().await, expected, "folded or not");
    for call in 0..calls {
        for moment in [Moment::Before, Moment::After] {
            let (s, faulty) = undisturbed().await;
            faulty.kill_in(call, moment);
            let done = s.fold().await;
            assert_eq!(done, !faulty.is_killed(), "call {call}, {moment:?}");
            faulty.revive();
            assert_eq!(s.told().await, expected, "killed at call {call}, {moment:?}");
            assert!(s.fold().await);
            assert_eq!(s.told().await, expected, "killed at call {call}, {moment:?}, and finished");
        }
    }
}

#[tokio::test]
async fn folds_reads_and_new_usage_at_once_count_each_event_once() {
    let memory = MemoryTable::new();
    let s = scene(Arc::new(Before { step: Yield, table: memory.clone() }), memory).await;
    let s = &s;
    let one = async |nth: usize| match nth % 3 {
        0 => assert!(s.fold().await),
        1 => s.use_up(&format!("later-{nth}"), 0).await,
        _ => {
            // What was counted before is there, and nothing that was not sent.
            let query = "granularity=month&from=2026-10-25T00:00:00Z&subtree=true";
            let told = report(&s.w.master.api, query).await;
            let events = told[1][0]["events"].as_i64().expect("a number");
            assert!((3..=13).contains(&events), "{told}");
        }
    };
    join_all((0..30).map(one)).await;
    for folded in [false, true] {
        let told = s.told().await;
        for report in told.iter() {
            assert_eq!((&report[1][0]["events"], &report[1][0]["cost"]), (&json!(13), &json!("0.130000")), "folded: {folded}");
        }
        assert!(s.fold().await);
    }
}
