//! Runs that are cut short, killed, or overlap come to what one undisturbed run comes to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::join;
use jiff::Timestamp;
use serde_json::json;
use tributary_domain::hold::HoldEnd;
use tributary_domain::id::{AccountId, HoldId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::reconcile::What;
use tributary_reconcile::{Budget, Record, Source, Summary};
use tributary_runtime::clock::{Clock as _, ManualClock};
use tributary_runtime::ids::{IdSource as _, SeededIds};
use tributary_store::Store;
use tributary_store::commit::Patience;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::keys;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Item, Key, Page, Query, Table, TableError, Value, Write};
use tributary_tests::simulation::op::{Answer, Ask, Op};
use uuid::Uuid;

use crate::support::before::{Before, Call, Step, Yield};

use super::scene::{Scene, WHOLE, ledger, set};

#[derive(Debug)]
struct Ids {
    clock: ManualClock,
    ids: SeededIds,
}

impl tributary_tests::simulation::op::Source for Ids {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn uuid(&self) -> Uuid {
        self.ids.uuid(&self.clock)
    }
}

impl Source for Ids {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn uuid(&self) -> Uuid {
        self.ids.uuid(&self.clock)
    }
}

/// A platform with two errors, one of which only the sums tell, and its time.
async fn wrong_platform() -> (MemoryTable, Ids) {
    let (scene, memory) = Scene::new().await;
    let (a, b) = (scene.a.as_str(), scene.b.as_str());
    // More entries than a page of a ledger holds: forty legs to and fro.
    for _ in 0..30 {
        let legs: Vec<_> =
            (0..20).flat_map(|_| [(b, a), (a, b)]).map(|(from, to)| json!({ "from": from, "to": to, "amount": "0.1" })).collect();
        scene.w.operator().pay("/reseller/credits/transfers", json!({ "legs": legs })).send().await.is(201);
    }
    scene.later(20 * 60);
    scene.plant(&[scene.forged().await, set(keys::entry(&ledger(&scene.below), 2), "avail", Value::N(1))]).await;
    let clock = ManualClock::at(scene.source().now());
    (memory, Ids { clock, ids: SeededIds::new(5) })
}

/// A table of its own with the same items.
async fn copy(memory: &MemoryTable) -> MemoryTable {
    let copy = MemoryTable::new();
    for item in memory.snapshot() {
        let key = Key::of(&item).expect("a key");
        copy.write(&Write::put(key, item)).await.expect("a write");
    }
    copy
}

fn store(table: impl Table + 'static) -> Store {
    Store::new(Arc::new(table), Patience::eager(3))
}

/// Runs until `passes` passes are finished.
async fn finish(store: &Store, ids: &Ids, budget: &Budget, passes: u64) -> Vec<Summary> {
    let mut runs = Vec::new();
    while store.reconcile_pass::<Record>(passes).await.expect("an answer").is_none() {
        runs.push(tributary_reconcile::run(store, ids, budget).await.expect("a run"));
        assert!(runs.len() < 10_000, "the passes do not end");
    }
    runs
}

/// The records of the first passes, without what depends on who froze first: a killed run may have.
async fn records(store: &Store, passes: u64) -> Vec<(usize, usize, Vec<tributary_reconcile::Finding>, usize)> {
    let mut records = Vec::new();
    for number in 1..=passes {
        let record: Record = store.reconcile_pass(number).await.expect("an answer").expect("a pass");
        records.push((record.counts.accounts, record.counts.holds, record.findings, record.unbalanced.len()));
    }
    records
}

/// How often each account was frozen, and how many there are.
fn frozen(memory: &MemoryTable) -> (usize, usize) {
    let items = memory.snapshot();
    let events = items.iter().filter(|item| item.get("kind") == Some(&Value::S("account.frozen".to_owned()))).count();
    (events, items.iter().filter(|item| item.contains_key("frz")).count())
}

#[tokio::test]
async fn many_small_runs_come_to_what_one_run_comes_to() {
    let (memory, ids) = wrong_platform().await;
    let (whole, split) = (copy(&memory).await, copy(&memory).await);
    let one = finish(&store(whole.clone()), &ids, &WHOLE, 2).await;
    assert_eq!((one.len(), one[0].drift, one[1].drift, one[1].frozen), (2, 1, 2, 1), "{one:?}");
    let many = finish(&store(split.clone()), &ids, &Budget { entries: 1, ..WHOLE }, 2).await;
    assert!(many.len() > 15, "{} runs", many.len());
    assert_eq!(many.iter().map(|run| run.entries).sum::<usize>(), one.iter().map(|run| run.entries).sum::<usize>());
    assert_eq!(many.iter().map(|run| run.drift).sum::<usize>(), 3);
    assert_eq!(records(&store(split.clone()), 2).await, records(&store(whole.clone()), 2).await);
    assert_eq!((frozen(&whole), frozen(&split)), ((2, 2), (2, 2)));
}

#[tokio::test]
async fn a_run_killed_at_any_call_is_finished_by_the_next() {
    let (memory, ids) = wrong_platform().await;
    let whole = copy(&memory).await;
    let undisturbed = Arc::new(Faulty::new(whole.clone(), 1, Faults::none()));
    finish(&store(undisturbed.clone()), &ids, &WHOLE, 2).await;
    let (calls, expected) = (undisturbed.calls(), records(&store(whole), 2).await);
    assert!(calls > 100, "{calls} calls");
    for call in 0..calls {
        for moment in [Moment::Before, Moment::After] {
            let table = copy(&memory).await;
            let faulty = Arc::new(Faulty::new(table.clone(), 1, Faults::none()));
            faulty.kill_in(call, moment);
            let budget = Budget { entries: 500, ..WHOLE };
            while !faulty.is_killed() {
                let run = tributary_reconcile::run(&store(faulty.clone()), &ids, &budget).await;
                if store(table.clone()).reconcile_pass::<Record>(2).await.expect("an answer").is_some() {
                    break;
                }
                assert!(run.is_ok() || faulty.is_killed(), "{run:?}");
            }
            faulty.revive();
            finish(&store(faulty), &ids, &budget, 2).await;
            assert_eq!(records(&store(table.clone()), 2).await, expected, "killed at call {call}, {moment:?}");
            assert_eq!(frozen(&table), (2, 2), "killed at call {call}, {moment:?}");
        }
    }
}

#[tokio::test]
async fn of_two_runs_that_keep_where_they_are_one_is_told_that_it_came_late() {
    let store = store(MemoryTable::new());
    let keep =
        async |version, run, place: u8| store.keep_reconcile(version, run, &place, &[], None::<(u64, &u8)>).await.expect("an answer");
    assert!(keep(0, "left", 1).await);
    assert!(!keep(0, "right", 2).await, "the other run came first");
    assert!(keep(0, "left", 1).await, "the same attempt again, its answer lost");
    assert!(keep(1, "right", 3).await && !keep(1, "left", 4).await);
    assert_eq!(store.reconcile_state::<u8>().await, Ok((2, Some(Ok(3)))));
}

#[tokio::test]
async fn two_runs_at_once_do_not_fork_the_pass_and_freeze_once() {
    let (memory, ids) = wrong_platform().await;
    let whole = copy(&memory).await;
    finish(&store(whole.clone()), &ids, &WHOLE, 2).await;
    let expected = records(&store(whole), 2).await;
    for entries in [1, 7, 500, usize::MAX] {
        let table = copy(&memory).await;
        let (left, right) = (store(Before { step: Yield, table: table.clone() }), store(Before { step: Yield, table: table.clone() }));
        let budget = Budget { entries, ..WHOLE };
        while left.reconcile_pass::<Record>(2).await.expect("an answer").is_none() {
            let (one, other) = join(tributary_reconcile::run(&left, &ids, &budget), tributary_reconcile::run(&right, &ids, &budget)).await;
            assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        }
        assert_eq!(records(&left, 2).await, expected, "{entries} entries a run");
        assert_eq!(frozen(&table), (2, 2), "{entries} entries a run");
    }
}

/// Right before each look at what stands beside a ledger, the open hold is released and another opened.
#[derive(Debug)]
struct Restless {
    memory: MemoryTable,
    ids: Arc<Ids>,
    operator: AccountId,
    account: AccountId,
    open: Mutex<HoldId>,
    stirred: AtomicUsize,
}

impl Restless {
    async fn stir(&self) {
        let store = store(self.memory.clone());
        let key = |what: &str| format!("{what}-{}", self.stirred.load(Ordering::SeqCst));
        let op = |ask, key| Op { ask, home: self.operator.clone(), key, other_body: false, replay: false };
        let hold = self.open.lock().expect("no panic").clone();
        op(Ask::End { hold, end: HoldEnd::Release }, key("end")).run(&store, &*self.ids).await;
        let amount = Amount::new(Micros::new(7)).expect("positive");
        let ask = Ask::Hold { account: self.account.clone(), to: None, amount };
        // A frozen account holds no more, and comes to rest.
        let Answer::Hold(made) = op(ask, key("hold")).run(&store, &*self.ids).await else { return };
        *self.open.lock().expect("no panic") = made.into_inner().id;
        self.stirred.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Step for Restless {
    async fn before(&self, call: Call<'_>) -> Result<(), TableError> {
        if let Call::BatchGet = call {
            self.stir().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_ledger_that_never_rests_is_accused_only_of_what_lasts() {
    let (scene, memory) = Scene::new().await;
    let ids = Arc::new(Ids { clock: ManualClock::at(scene.source().now()), ids: SeededIds::new(5) });
    let (operator, account) = (scene.operator().await, scene.a.clone());
    let (open, stirred) = (Mutex::new(scene.hold.clone()), AtomicUsize::new(0));
    let restless = Restless { memory: memory.clone(), ids: ids.clone(), operator, account, open, stirred };
    let restless = Arc::new(Before { step: restless, table: memory });
    let summary = tributary_reconcile::run(&store(restless.clone()), &*ids, &WHOLE).await.expect("a run");
    assert_eq!((summary.drift, summary.frozen, summary.pass_complete), (0, 0, true), "{:?}", summary.findings);
    let looks = restless.step.stirred.load(Ordering::SeqCst);
    assert!(looks > 6 + 2, "it was looked at only {looks} times");

    scene.plant(&[set(keys::account(&scene.a), "limit", Value::N(1))]).await;
    let summary = tributary_reconcile::run(&store(restless.clone()), &*ids, &WHOLE).await.expect("a run");
    let found: Vec<What> = summary.findings.iter().map(|finding| finding.wrong.what).collect();
    assert_eq!((found, summary.frozen), (vec![What::CreditLimit], 1), "{:?}", summary.findings);
}

#[tokio::test]
async fn the_next_pass_begins_an_hour_after_the_last_began() {
    let (memory, ids) = wrong_platform().await;
    let store = store(memory);
    let budget = Budget { passes_apart_s: 3_600, ..WHOLE };
    let run = async || tributary_reconcile::run(&store, &ids, &budget).await.expect("a run");
    // The second begins at once, because the first named a transfer; the third has nothing new to look for.
    assert!(run().await.pass_complete && run().await.pass_complete);
    for (advance_s, begins, age_s) in [(0, false, 0), (3_599, false, 3_599), (1, true, 0), (60, false, 60)] {
        ids.clock.advance_ms(advance_s * 1_000);
        let summary = run().await;
        assert_eq!((summary.pass_complete, summary.pass_age_s), (begins, age_s), "{advance_s} s later");
    }
}

/// Reads of some partitions are refused.
#[derive(Debug)]
struct Stubborn {
    partitions: Vec<String>,
    error: TableError,
}

#[async_trait]
impl Step for Stubborn {
    async fn before(&self, call: Call<'_>) -> Result<(), TableError> {
        let (Call::Get(Key { pk, .. }) | Call::Query(Query { pk, .. })) = call else { return Ok(()) };
        if self.partitions.contains(pk) { Err(self.error.clone()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn ledgers_that_never_answer_are_passed_over_and_what_was_found_before_is_kept() {
    for error in [TableError::Unknown("no".to_owned()), TableError::Invalid("no".to_owned())] {
        let (scene, inner) = Scene::new().await;
        let ids = Ids { clock: ManualClock::at(scene.source().now()), ids: SeededIds::new(5) };
        // The operator comes first in the tree.
        scene.plant(&[set(keys::entry(&ledger(&scene.operator().await), 1), "held", Value::N(5))]).await;
        let master = scene.w.master.id.parse().expect("an id");
        let reseller = scene.reseller.id.parse().expect("an id");
        let failing = [&scene.a, &scene.b, &scene.below, &master, &reseller];
        let partitions = failing.iter().map(|account| keys::ledger_partition(&ledger(account))).collect();
        let once = matches!(error, TableError::Invalid(_));
        let store = store(Before { step: Stubborn { partitions, error }, table: inner });
        let mut runs = Vec::new();
        while store.reconcile_pass::<Record>(1).await.expect("an answer").is_none() {
            runs.push(tributary_reconcile::run(&store, &ids, &WHOLE).await);
            assert!(runs.len() < 6, "{runs:?}");
        }
        assert_eq!(runs[0].is_ok(), once, "{runs:?}");
        let record: Record = store.reconcile_pass(1).await.expect("an answer").expect("a pass");
        assert_eq!((record.counts.failed, record.counts.accounts), (5, 1), "{record:?}");
        assert!(!record.findings.is_empty(), "found by the first run");
    }
}

#[tokio::test]
async fn an_unbalanced_transfer_that_cannot_be_looked_at_does_not_stop_the_pass() {
    for error in [TableError::Unknown("no".to_owned()), TableError::Invalid("no".to_owned())] {
        let (memory, ids) = wrong_platform().await;
        finish(&store(memory.clone()), &ids, &WHOLE, 1).await;
        let first: Record = store(memory.clone()).reconcile_pass(1).await.expect("an answer").expect("a pass");
        let partitions = first.unbalanced.iter().map(keys::transfer_index).collect();
        let store = store(Before { step: Stubborn { partitions, error }, table: memory });
        for _ in 0..2 {
            // The run in which the table does not answer ends with that; it must not be every run.
            drop(tributary_reconcile::run(&store, &ids, &WHOLE).await);
        }
        let second: Record = store.reconcile_pass(2).await.expect("an answer").expect("a pass");
        assert_eq!((first.unbalanced.len(), second.counts.failed), (1, 1), "{second:?}");
    }
}

#[tokio::test]
async fn sums_that_do_not_read_accuse_nobody_and_the_next_pass_begins_at_once() {
    let (memory, ids) = wrong_platform().await;
    let store = store(memory.clone());
    let budget = Budget { entries: 1, passes_apart_s: 3_600, ..WHOLE };
    for _ in 0..8 {
        tributary_reconcile::run(&store, &ids, &budget).await.expect("a run");
    }
    memory.write(&set(keys::reconcile_sums("USD"), "doc", Value::N(1))).await.expect("sums were kept");
    finish(&store, &ids, &budget, 2).await;
    let first: Record = store.reconcile_pass(1).await.expect("an answer").expect("a pass");
    assert_eq!((first.counts.failed, first.unbalanced.len()), (1, 0), "{first:?}");
    let second: Record = store.reconcile_pass(2).await.expect("an answer").expect("a pass");
    assert_eq!((second.counts.failed, second.unbalanced.len()), (0, 1), "{second:?}");
}

#[tokio::test]
async fn a_state_that_does_not_read_begins_anew_behind_every_pass_there_was() {
    let (memory, ids) = wrong_platform().await;
    let store = store(memory.clone());
    finish(&store, &ids, &WHOLE, 1).await;
    tributary_reconcile::run(&store, &ids, &Budget { entries: 40, ..WHOLE }).await.expect("a part of the second pass");
    ids.clock.advance_ms(60_000);
    for (name, value) in [("doc", Value::S("?".to_owned())), ("ver", Value::Bool(true))] {
        memory.write(&set(keys::reconcile(), name, value)).await.expect("a state was kept");
    }
    let part = tributary_reconcile::run(&store, &ids, &Budget { entries: 1, ..WHOLE }).await.expect("a run");
    assert_eq!(part.pass_age_s, 60, "since the last recorded pass");
    let rest = tributary_reconcile::run(&store, &ids, &WHOLE).await.expect("a run");
    assert!(rest.pass_complete && store.reconcile_pass::<Record>(2).await.expect("an answer").is_none());
    let record: Record = store.reconcile_pass(3).await.expect("an answer").expect("the sums of the second are not taken up");
    assert_eq!(record.unbalanced.len(), 1, "{record:?}");
}

/// A table on which at each look another copy of the gates says that it is shut.
#[derive(Debug)]
struct Flickering(MemoryTable, AtomicUsize);

#[async_trait]
impl Table for Flickering {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.0.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let mut items = self.0.batch_get(keys).await?;
        let look = self.1.fetch_add(1, Ordering::SeqCst);
        let gates: Vec<usize> = (0..keys.len()).filter(|at| keys[*at].pk.starts_with("GATE#")).collect();
        if let Some(at) = gates.get(look % gates.len().max(1)) {
            items[*at] = Some(Item::from([("susp".to_owned(), Value::Bool(true)), ("gen".to_owned(), Value::N(0))]));
        }
        Ok(items)
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.0.query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        self.0.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.0.transact(writes).await
    }
}

/// Counts the pauses between two looks.
struct Counted(Ids, AtomicUsize);

impl Source for Counted {
    fn now(&self) -> Timestamp {
        Source::now(&self.0)
    }

    fn uuid(&self) -> Uuid {
        Source::uuid(&self.0)
    }

    fn pause(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn two_looks_that_see_different_things_wrong_confirm_nothing_and_lie_apart() {
    let (scene, memory) = Scene::new().await;
    let ids = Counted(Ids { clock: ManualClock::at(scene.source().now()), ids: SeededIds::new(5) }, AtomicUsize::new(0));
    let summary = tributary_reconcile::run(&store(Flickering(memory, AtomicUsize::new(0))), &ids, &WHOLE).await.expect("a run");
    assert_eq!((summary.drift, summary.frozen, summary.accounts), (0, 0, 6), "{:?}", summary.findings);
    assert_eq!(ids.1.load(Ordering::SeqCst), 6, "a pause for each suspicion");
}
