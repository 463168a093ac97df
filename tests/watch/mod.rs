//! The watcher under what goes wrong: two at once, killed at every call, and a town of accounts under faults.

mod documents;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::future::join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::event::Event;
use tributary_domain::id::AccountId;
use tributary_domain::money::Micros;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Table, TableError};
use tributary_watch::{Rang, look};

use crate::support::api::{Inside, Target};
use crate::support::before::{Before, Call, Step};
use crate::support::events::{of_queue, tell};
use crate::support::world::{Node, World};

const TOPUP: &str = "/reseller/credits/auto-topup";

/// Others may come first at each call.
#[derive(Debug)]
struct Yielding(AtomicU64);

#[async_trait]
impl Step for Yielding {
    async fn before(&self, _: Call<'_>) -> Result<(), TableError> {
        let seed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        for _ in 0..(seed >> 60) % 5 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Three levels of which the lowest is below its threshold, with an alert on it; nothing is told yet.
struct Scene {
    w: World,
    low: String,
    middle: Node,
}

impl Scene {
    async fn new() -> Self {
        let w = World::in_process().await;
        let middle = w.reseller_of(&w.master.id).await;
        let low = w.funded_child_of(&middle.id, "20").await;
        w.fund(&w.master.id, "1000").await;
        for (api, id, threshold, amount) in [(&w.master.api, &middle.id, "0", "50"), (&middle.api, &low, "10", "40")] {
            let body = json!({ "account_id": id, "threshold": threshold, "amount": amount, "source": "parent" });
            api.put(TOPUP, body).send().await.is(200);
        }
        let rule = json!({ "account_id": w.master.id, "metric": "balance", "threshold": "980" });
        w.master.api.post("/reseller/alerts", rule).send().await.is(201);
        tell(w.target.inside("the watcher").expect("in this process")).await;
        let body = json!({ "from": low, "to": middle.id, "amount": "15" });
        w.operator().pay("/reseller/credits/transfer", body).send().await.is(201);
        // What came in there goes on, so that the middle has nothing.
        let body = json!({ "from": middle.id, "to": w.master.id, "amount": "15" });
        w.operator().pay("/reseller/credits/transfer", body).send().await.is(201);
        Self { w, low, middle }
    }

    fn inside(&self) -> &Inside {
        self.w.target.inside("the watcher").expect("in this process")
    }

    fn ids(&self) -> Vec<AccountId> {
        [&self.low, &self.middle.id, &self.w.master.id].map(|id| id.parse().expect("an id")).to_vec()
    }

    /// Each level drew exactly once, and the alert fired exactly once.
    async fn holds(&self, how: &str) {
        let mut left = Vec::new();
        for id in [&self.low, &self.middle.id, &self.w.master.id] {
            left.push(self.w.available(id).await);
        }
        assert_eq!(left, ["45.000000", "10.000000", "965.000000"], "{how}");
        for id in [&self.low, &self.middle.id] {
            let runs = self.w.master.api.get(&format!("{TOPUP}/runs?account_id={id}")).send().await.is(200);
            assert_eq!(runs.column("outcome"), ["done"], "{how}");
        }
        let events = tell(self.inside()).await;
        let fired = events.iter().filter(|event| event.kind.word() == "alert.fired").count();
        assert_eq!(fired, 1, "{how}: {events:?}");
    }
}

async fn look_at_all(app: &App, ids: &[AccountId]) -> bool {
    let mut all = true;
    for id in ids {
        all &= look(app, &app.run_id(""), id, Rang::Everything).await.is_ok();
    }
    all
}

#[tokio::test]
async fn many_topup_watchers_at_once_draw_once() {
    for seed in 0..40 {
        let s = Scene::new().await;
        let process = |n: u64| {
            let inner: Arc<dyn Table> = Arc::new(s.inside().memory.clone());
            let table = Before { step: Yielding(AtomicU64::new((seed * 31 + n).wrapping_mul(0xd134_2543_de82_ef95))), table: inner };
            s.inside().process(Arc::new(table))
        };
        let apps: Vec<App> = (0..4).map(process).collect();
        let ids = s.ids();
        let done = join_all(apps.iter().map(|app| look_at_all(app, &ids))).await;
        assert_eq!(done, [true; 4], "seed {seed}");
        look_at_all(&s.inside().app, &ids).await;
        s.holds(&format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn a_topup_watcher_killed_at_any_call_is_finished_by_the_next() {
    let mut calls = 0;
    loop {
        let mut died = false;
        for moment in [Moment::Before, Moment::After] {
            let s = Scene::new().await;
            let table = Arc::new(Faulty::new(s.inside().memory.clone(), calls, Faults::none()));
            let app = s.inside().process(Arc::clone(&table) as Arc<dyn Table>);
            table.kill_in(calls, moment);
            look_at_all(&app, &s.ids()).await;
            died |= table.is_killed();
            look_at_all(&s.inside().app, &s.ids()).await;
            s.holds(&format!("killed {moment:?} call {calls}")).await;
        }
        if !died {
            assert!(calls > 15, "a look at three accounts makes more than {calls} calls");
            return;
        }
        calls += 1;
    }
}

/// A town: resellers below a master, customers below them, all topping themselves up, under faults.
struct Town {
    target: Target,
    rng: SmallRng,
    master: String,
    accounts: Vec<(String, Option<String>, Limits)>,
}

#[derive(Clone, Copy)]
struct Limits {
    daily: i64,
    monthly: i64,
}

impl Town {
    async fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let w = World::on(Target::in_process().await).await;
        w.fund(&w.master.id, "1000000").await;
        let mut accounts = Vec::new();
        for _ in 0..3 {
            let reseller = w.reseller_of(&w.master.id).await;
            accounts.push((reseller.id.clone(), None));
            for _ in 0..3 {
                accounts.push((w.funded_child_of(&reseller.id, "50").await, Some(reseller.id.clone())));
            }
        }
        let mut town = Self { target: w.target, master: w.master.id, accounts: Vec::new(), rng: SmallRng::seed_from_u64(seed ^ 1) };
        for (id, parent) in accounts {
            let limits = Limits { daily: rng.random_range(200..600), monthly: rng.random_range(400..2_000) };
            let mut body = json!({
                "account_id": id, "threshold": "20", "source": "parent",
                "daily_cap": limits.daily.to_string(), "monthly_cap": limits.monthly.to_string(),
            });
            let refill = if rng.random_bool(0.5) { "amount" } else { "target" };
            body[refill] = json!(rng.random_range(20..90).to_string());
            town.target.operator.put(TOPUP, body).send().await.is(200);
            town.accounts.push((id, parent, limits));
        }
        town
    }

    fn inside(&self) -> &Inside {
        self.target.inside("the watcher").expect("in this process")
    }

    /// Someone spends what they have, or a part of it.
    async fn debit(&mut self) {
        let at = self.rng.random_range(0..self.accounts.len());
        let id = self.accounts[at].0.clone();
        let balance = self.target.operator.get(&format!("/reseller/credits/balance?account_id={id}")).send().await.is(200);
        let available: f64 = balance.word("available").parse().expect("a number");
        let whole = available as i64;
        if whole > 0 {
            let amount = self.rng.random_range(1..=whole).to_string();
            let body = json!({ "from": id, "to": self.master, "amount": amount });
            self.target.operator.pay("/reseller/credits/transfer", body).send().await.is(201);
        }
    }

    /// Rings the watchers with these events, doubled and shuffled, under faults; what failed is given again.
    async fn ring(&mut self, table: &Arc<Faulty<MemoryTable>>, events: &[Event]) {
        let mut bodies: Vec<String> = events.iter().filter(|event| event.kind.word().starts_with("credit.")).map(Event::to_json).collect();
        bodies.extend(bodies.clone().into_iter().filter(|_| self.rng.random_bool(0.4)));
        for at in (1..bodies.len()).rev() {
            bodies.swap(at, self.rng.random_range(0..=at));
        }
        for batch in bodies.chunks(4) {
            if self.rng.random_bool(0.1) {
                let moment = if self.rng.random_bool(0.5) { Moment::Before } else { Moment::After };
                table.kill_in(self.rng.random_range(0..12), moment);
            }
            for _ in 0..40 {
                let call = of_queue(batch.iter().map(String::as_str));
                let app = self.inside().process(Arc::clone(table) as Arc<dyn Table>);
                let other = self.inside().process(Arc::clone(table) as Arc<dyn Table>);
                let run = app.run_id("");
                let (one, two) = futures::future::join(
                    tributary_watcher::handle(&app, call.clone(), &run),
                    tributary_watcher::handle(&other, call, &run),
                )
                .await;
                table.revive();
                if [one, two].into_iter().any(|answer| answer.is_ok_and(|answer| answer["batchItemFailures"] == json!([]))) {
                    break;
                }
            }
        }
    }

    async fn schedule(&self, table: &Arc<Faulty<MemoryTable>>) {
        let app = self.inside().process(Arc::clone(table) as Arc<dyn Table>);
        // What fails stays due.
        let _ = tributary_watcher::handle(&app, Value::Null, &app.run_id("")).await;
    }

    /// Draws by account, of each day and month.
    async fn check_caps(&self, seed: u64) {
        for (id, _, limits) in &self.accounts {
            let (mut days, mut months): (BTreeMap<String, i64>, BTreeMap<String, i64>) = Default::default();
            let path = format!("/reseller/credits/history?account_id={id}&kind=auto_topup");
            for row in crate::support::world::every_row(&self.target.operator, &path, 200).await {
                let micros = serde_json::from_value::<Micros>(row["amount"].clone()).expect("an amount").get();
                let at = row["created_at"].as_str().expect("a time");
                if micros > 0 {
                    *days.entry(at[..10].to_owned()).or_default() += micros;
                    *months.entry(at[..7].to_owned()).or_default() += micros;
                }
            }
            assert!(days.values().all(|sum| *sum <= limits.daily * 1_000_000), "seed {seed}: {id}: {days:?} over {}", limits.daily);
            assert!(months.values().all(|sum| *sum <= limits.monthly * 1_000_000), "seed {seed}: {id}: {months:?} over {}", limits.monthly);
        }
    }
}

#[tokio::test]
async fn a_town_that_tops_itself_up_under_faults_keeps_its_caps_and_ends_with_nobody_short() {
    for seed in 0..6 {
        eprintln!("seed {seed}");
        let mut town = Town::new(seed).await;
        let table = Arc::new(Faulty::new(town.inside().memory.clone(), seed, Faults::storm()));
        let quiet = Arc::new(Faulty::new(town.inside().memory.clone(), seed, Faults::none()));
        for _ in 0..25 {
            for _ in 0..4 {
                town.debit().await;
            }
            // The events as the outbox tells them; the watchers that hear of them are the town's own.
            let events = crate::support::events::outbox(town.inside()).await;
            town.ring(&table, &events).await;
            let seconds = town.rng.random_range(60..3 * 3600);
            assert!(town.target.advance_s(seconds, "time"));
            town.schedule(&table).await;
        }
        town.check_caps(seed).await;
        // Faults stop; all that was told is told once more, and back-offs go by.
        for _ in 0..30 {
            let events = crate::support::events::outbox(town.inside()).await;
            town.ring(&quiet, &events).await;
            assert!(town.target.advance_s(6 * 3600, "back-offs"));
            town.schedule(&quiet).await;
        }
        town.check_caps(seed).await;
        let mut short = 0;
        for (id, ..) in &town.accounts {
            let balance = town.target.operator.get(&format!("/reseller/credits/balance?account_id={id}")).send().await.is(200);
            let available = serde_json::from_value::<Micros>(balance["available"].clone()).expect("an amount");
            let state = town.target.operator.get(&format!("{TOPUP}?account_id={id}")).send().await.is(200);
            if available.get() < 20_000_000 {
                short += 1;
                assert_ne!(state.word("status"), "ready", "seed {seed}: {id} is short, and nothing stands in its way: {}", state.text);
            }
        }
        assert!(short < town.accounts.len(), "seed {seed}: nobody was topped up");
        let sum = sum_of_ledgers(&town.inside().memory).await;
        assert_eq!(sum, 0, "seed {seed}");
    }
}

/// What the newest entries of all ledgers add up to.
async fn sum_of_ledgers(memory: &MemoryTable) -> i64 {
    let mut newest: BTreeMap<String, i64> = BTreeMap::new();
    for item in memory.inserted_since(0) {
        let text = |name: &str| match item.get(name) {
            Some(tributary_store::table::Value::S(text)) => text.clone(),
            _ => String::new(),
        };
        let number = |name: &str| match item.get(name) {
            Some(tributary_store::table::Value::N(number)) => *number,
            _ => 0,
        };
        if text("pk").starts_with("LED#") {
            newest.insert(text("pk"), number("avail") + number("held"));
        }
    }
    newest.values().sum()
}
