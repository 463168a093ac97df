//! The faults do what they claim: no more, no less, and by seed.

use std::sync::Arc;

use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Change, Cond, Index, Key, Query, Refusal, SortRange, Table, TableError, Value, Write, s};

use super::bench::item;
use crate::support::engine::Engine;

const ALWAYS: u32 = 1000;

fn key(sk: impl Into<String>) -> Key {
    Key::new("p", sk)
}

fn create(sk: &str) -> Write {
    Write::create(key(sk), item([("n", Value::N(1))]))
}

fn faulty(faults: Faults) -> (MemoryTable, Faulty<MemoryTable>) {
    let memory = MemoryTable::new();
    (memory.clone(), Faulty::new(memory, 1, faults))
}

fn is_unknown<R>(outcome: Result<R, TableError>) -> bool {
    matches!(outcome, Err(TableError::Unknown(_)))
}

#[tokio::test]
async fn a_call_lost_before_its_effect_leaves_nothing() {
    let (memory, table) = faulty(Faults { lost_before: ALWAYS, ..Faults::none() });
    assert!(is_unknown(table.write(&create("a")).await));
    assert!(is_unknown(table.transact(&[create("a")]).await));
    assert!(is_unknown(table.get(&key("a"), true).await));
    assert!(memory.is_empty());
}

#[tokio::test]
async fn a_call_lost_after_its_effect_has_really_happened() {
    let faults = Faults { lost_after: ALWAYS, ..Faults::none() };
    let engine = Engine::start().await;
    let tables: [Arc<dyn Table>; 2] = [Arc::new(MemoryTable::new()), Arc::new(engine.table("tributary").await)];
    for inner in tables {
        let table = Faulty::new(inner.clone(), 1, faults);
        assert!(is_unknown(table.write(&create("a")).await));
        assert!(is_unknown(table.transact(&[create("b"), create("c")]).await));
        for sk in ["a", "b", "c"] {
            assert!(inner.get(&key(sk), true).await.unwrap().is_some(), "{sk}");
        }
        table.calm();
        assert!(matches!(table.write(&create("a")).await, Err(TableError::Condition(Some(_)))));
    }
}

#[tokio::test]
async fn a_busy_table_has_done_nothing() {
    let reasons = [Faults { busy: ALWAYS, ..Faults::none() }, Faults { in_progress: ALWAYS, ..Faults::none() }];
    for faults in reasons {
        let (memory, table) = faulty(faults);
        assert!(matches!(table.transact(&[create("a")]).await, Err(TableError::Busy(_))));
        assert!(memory.is_empty());
    }
}

#[tokio::test]
async fn an_injected_cancellation_blames_some_writes_and_is_honest_about_the_others() {
    let blames = [
        (Faults { conflict: ALWAYS, ..Faults::none() }, Refusal::Conflict),
        (Faults { throttled: ALWAYS, ..Faults::none() }, Refusal::Throttled),
    ];
    for (faults, blame) in blames {
        let (memory, table) = faulty(faults);
        let old = memory.write(&create("a")).await.unwrap();
        let mut mixed = false;
        for _ in 0..50 {
            let Err(TableError::Cancelled(refusals)) = table.transact(&[create("a"), create("b")]).await else {
                panic!("the transaction was not cancelled");
            };
            assert!(refusals.contains(&blame));
            assert!(refusals[0] == blame || refusals[0] == Refusal::Condition(old.clone()));
            assert!(refusals[1] == blame || refusals[1] == Refusal::None);
            mixed |= refusals[0] != blame;
        }
        assert!(mixed, "both kinds of refusal meet in one answer");
        assert_eq!(memory.len(), 1);
    }
}

#[tokio::test]
async fn a_kill_strikes_at_its_call_and_lasts_until_revival() {
    for (moment, left) in [(Moment::Before, 1), (Moment::After, 2)] {
        let (memory, table) = faulty(Faults::none());
        table.kill_in(1, moment);
        assert!(table.write(&create("a")).await.is_ok());
        assert!(is_unknown(table.write(&create("b")).await));
        assert!(table.is_killed());
        assert!(is_unknown(table.write(&create("c")).await));
        assert!(is_unknown(table.get(&key("a"), true).await));
        assert_eq!(memory.len(), left, "{moment:?}");
        table.revive();
        assert!(table.get(&key("a"), true).await.unwrap().is_some());
        assert_eq!(table.calls(), 5);
    }
}

#[tokio::test]
async fn a_stale_index_shows_an_older_state_and_the_table_never() {
    let memory = MemoryTable::new();
    let faults = Faults { stale_index: ALWAYS, stale_changes: 3, ..Faults::none() };
    let table = Faulty::new(memory.clone(), 7, faults).lagging_behind(memory.clone());
    let index = Query::index(Index::Gsi1, "i", SortRange::Every);
    for number in 0..10 {
        let entry = item([("gsi1pk", s("i")), ("gsi1sk", s(format!("{number:02}")))]);
        table.write(&Write::put(key(format!("{number:02}")), entry)).await.unwrap();
    }
    let mut seen = [false; 4];
    for _ in 0..100 {
        let items = table.query(&index).await.unwrap().items;
        assert_eq!(items, memory.snapshot()[..items.len()]);
        seen[10 - items.len()] = true;
        assert_eq!(table.query(&Query::table("p", SortRange::Every)).await.unwrap().items.len(), 10);
    }
    assert_eq!(seen, [true; 4]);
    table.calm();
    assert_eq!(table.query(&index).await.unwrap().items.len(), 10);
}

#[tokio::test]
async fn an_older_state_knows_what_has_moved_or_gone_since() {
    let memory = MemoryTable::new();
    let entry = |pk: &str| item([("gsi1pk", s(pk)), ("gsi1sk", s("x"))]);
    memory.write(&Write::put(key("moved"), entry("i"))).await.unwrap();
    memory.write(&Write::put(key("gone"), entry("i"))).await.unwrap();
    memory.write(&Write::put(key("moved"), entry("j"))).await.unwrap();
    memory.write(&Write::delete(key("gone"), Cond::Exists)).await.unwrap();
    let lagging = |pk: &str, changes| {
        let page = memory.query_lagging(&Query::index(Index::Gsi1, pk, SortRange::Every), changes);
        page.unwrap().items.len()
    };
    assert_eq!([0, 1, 2, 3, 4, 9].map(|changes| lagging("i", changes)), [0, 1, 2, 1, 0, 0]);
    assert_eq!([0, 1, 2].map(|changes| lagging("j", changes)), [1, 1, 0]);
}

#[tokio::test]
async fn equal_seeds_fail_alike() {
    let outcomes = |seed| async move {
        let table = Faulty::new(MemoryTable::new(), seed, Faults::storm());
        let mut outcomes = Vec::new();
        for number in 0..200 {
            outcomes.push(table.transact(&[create(&number.to_string()), create("shared")]).await);
        }
        assert!(table.injected() > 40);
        outcomes
    };
    assert_eq!(outcomes(3).await, outcomes(3).await);
    assert_ne!(outcomes(3).await, outcomes(4).await);
}

/// The protocol every credit movement rests on, in small: a guard row in the transaction makes a retry safe.
#[tokio::test]
async fn a_guarded_transaction_takes_effect_once_in_any_storm() {
    let (memory, table) = faulty(Faults::storm());
    for number in 0..300 {
        let guarded = [create(&format!("guard#{number}")), Write::update(key("balance"), vec![Change::Add("n", 1)], Cond::All(vec![]))];
        loop {
            match table.transact(&guarded).await {
                Ok(()) => break,
                Err(TableError::Cancelled(refusals)) if matches!(refusals[0], Refusal::Condition(Some(_))) => break,
                Err(TableError::Cancelled(_) | TableError::Busy(_) | TableError::Unknown(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(table.injected() > 50);
    let balance = memory.get(&key("balance"), true).await.unwrap().unwrap();
    assert_eq!(balance["n"], Value::N(300));
}

/// A simulation needs tens of thousands of transactions a second; this is far below, for slow machines.
#[tokio::test]
async fn memory_takes_thousands_of_transactions_quickly() {
    let memory = MemoryTable::new();
    let started = tokio::time::Instant::now();
    for number in 0..5_000 {
        let row = item([("gsi1pk", s("i")), ("gsi1sk", s(number.to_string())), ("n", Value::N(number))]);
        let writes = [
            Write::create(key(number.to_string()), row),
            Write::update(key("from"), vec![Change::Add("n", -1)], Cond::All(vec![])),
            Write::update(key("to"), vec![Change::Add("n", 1)], Cond::All(vec![])),
        ];
        memory.transact(&writes).await.unwrap();
    }
    let took = started.elapsed();
    eprintln!("5000 transactions of 3 writes in {took:?}");
    assert!(took.as_secs() < 5, "{took:?}");
}
