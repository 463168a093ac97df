//! The worked examples of `docs/auto-topup.md` and `docs/alerts.md`, line by line.

use serde_json::json;

use crate::support::events::tell;
use crate::support::world::World;

/// The rows of the table below the mark in a document: their cells.
fn example(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a document");
    let (_, example) = text.split_once("tests/watch/documents.rs makes these numbers").expect("an example");
    let rows = example.lines().skip_while(|line| !line.starts_with("| ---")).skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn short(amount: &str) -> String {
    amount.trim_end_matches('0').trim_end_matches('.').to_owned()
}

struct Story {
    w: World,
    id: String,
    parent: String,
}

impl Story {
    async fn new(has: &str) -> Self {
        let w = World::in_process().await;
        let parent = w.reseller_of(&w.master.id).await.id;
        w.fund(&parent, "1000").await;
        let id = w.funded_child_of(&parent, has).await;
        Self { w, id, parent }
    }

    async fn moves(&self, from: &str, to: &str, amount: &str) {
        self.w.operator().pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": amount })).send().await.is(201);
    }

    async fn told(&self) -> Vec<tributary_domain::event::Event> {
        tell(self.w.target.inside("the watcher").expect("in this process")).await
    }

    async fn available(&self) -> String {
        short(&self.w.available(&self.id).await)
    }

    /// What the newest run drew, or why it drew nothing.
    async fn newest_run(&self) -> String {
        let path = format!("/reseller/credits/auto-topup/runs?account_id={}&limit=1", self.id);
        let runs = self.w.operator().get(&path).send().await.is(200);
        match runs.rows()[0]["reason"].as_str() {
            Some(reason) => format!("nothing, `{reason}`"),
            None => short(runs.rows()[0]["amount"].as_str().expect("an amount")),
        }
    }
}

#[tokio::test]
async fn the_worked_example_of_topping_up_is_what_happens() {
    let s = Story::new("20").await;
    let body = json!({ "account_id": s.id, "threshold": "10", "amount": "25", "source": "parent", "daily_cap": "60" });
    s.w.operator().put("/reseller/credits/auto-topup", body).send().await.is(200);
    s.told().await;
    let rows = example("auto-topup.md");
    for (at, spent) in ["15", "28", "25", "", "20"].into_iter().enumerate() {
        if at == 4 {
            let left = short(&s.w.available(&s.parent).await).parse::<i64>().expect("whole") - 3;
            s.moves(&s.parent, &s.w.master.id, &left.to_string()).await;
        }
        if spent.is_empty() {
            assert!(s.w.target.advance_s(16 * 3600, "midnight"));
            let inside = s.w.target.inside("the schedule").expect("in this process");
            tributary_watcher::handle(&inside.app, json!({}), &inside.app.run_id("")).await.expect("a run");
        } else {
            s.moves(&s.id, &s.w.master.id, spent).await;
        }
        s.told().await;
        let row = &rows[at];
        assert!(row[1].starts_with(&s.newest_run().await), "{row:?}: {}", s.newest_run().await);
        assert_eq!(row[2], s.available().await, "{row:?}");
    }
}

#[tokio::test]
async fn the_worked_example_of_alerts_is_what_happens() {
    let s = Story::new("30").await;
    s.w.operator().post("/reseller/alerts", json!({ "account_id": s.id, "metric": "balance", "threshold": "10" })).send().await.is(201);
    let rows = example("alerts.md");
    for (row, moved) in rows.iter().zip([0_i64, -25, -1, 6, -1]) {
        match moved {
            0 => {}
            1.. => s.moves(&s.parent, &s.id, &moved.to_string()).await,
            _ => s.moves(&s.id, &s.parent, &(-moved).to_string()).await,
        }
        let told = s.told().await;
        let turns: Vec<_> = told.iter().filter(|event| ["alert.fired", "alert.resolved"].contains(&event.kind.word().as_str())).collect();
        let said = match turns.as_slice() {
            [] => "nothing".to_owned(),
            [turn] => format!("`{}`, value {}", turn.kind.word(), short(turn.data["value"].as_str().expect("a value"))),
            _ => panic!("{turns:?}"),
        };
        assert_eq!((row[1].clone(), row[2].starts_with(&said)), (s.available().await, true), "{row:?}: {said}");
    }
}
