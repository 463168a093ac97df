//! The outbox among faults: calls that end half way, batches that are given again, a bus and a queue that refuse, or take and
//! say that they did not. Whatever happens, each effect is told at least once, under one id, each account's in the order of its
//! ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tributary_api::{App, AppParts, KeyMode};
use tributary_domain::event::Event;
use tributary_domain::ledger::EntryKind;
use tributary_runtime::blobs::MemoryBlobs;
use tributary_runtime::bus::{Bus, BusError, Entry};
use tributary_runtime::clock::ManualClock;
use tributary_runtime::ids::SystemIds;
use tributary_runtime::queue::{Fifo, Grouped, MemoryQueue, QueueError, Queues, in_order};
use tributary_runtime::secrets::Secrets;
use tributary_store::commit::Patience;
use tributary_store::entries;
use tributary_store::memory::MemoryTable;
use tributary_store::stream;
use tributary_store::table::{Item, Value as Stored};

use crate::golden::scene;
use crate::support::api::START;
use crate::support::events::{of_queue, of_stream, tell};
use crate::support::world::World;

/// A bus and a queue that fail by a seed, while they do.
#[derive(Debug)]
struct Faulty {
    random: Mutex<SmallRng>,
    percent: Mutex<u32>,
    /// What the queue kept: it drops what it was sent before.
    queued: Mutex<Vec<Grouped>>,
    seen: Mutex<BTreeSet<String>>,
    put: Mutex<Vec<Entry>>,
}

/// What becomes of one message.
enum Fate {
    Kept,
    KeptUnsaid,
    Refused,
}

impl Faulty {
    fn fate(&self) -> Fate {
        let (roll, percent) = (self.random.lock().expect("no panic").random_range(0..100), *self.percent.lock().expect("no panic"));
        match roll {
            roll if roll < percent / 2 => Fate::KeptUnsaid,
            roll if roll < percent => Fate::Refused,
            _ => Fate::Kept,
        }
    }

    fn keep(&self, message: &Grouped) {
        if self.seen.lock().expect("no panic").insert(message.deduplication.clone()) {
            self.queued.lock().expect("no panic").push(message.clone());
        }
    }
}

#[derive(Debug, Clone)]
struct Ends(Arc<Faulty>);

#[async_trait]
impl Fifo for Ends {
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>> {
        in_order(messages, |call| async move {
            let fails = || Err(QueueError::Unavailable("on purpose".to_owned()));
            let send = |at: &usize| match self.0.fate() {
                Fate::Kept => {
                    self.0.keep(&messages[*at]);
                    Ok(())
                }
                Fate::KeptUnsaid => {
                    self.0.keep(&messages[*at]);
                    fails()
                }
                Fate::Refused => fails(),
            };
            call.iter().map(send).collect()
        })
        .await
    }
}

#[async_trait]
impl Bus for Ends {
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>> {
        let fails = || Err(BusError::Unavailable("on purpose".to_owned()));
        let put = |entry: &Entry| {
            let fate = self.0.fate();
            if !matches!(fate, Fate::Refused) {
                self.0.put.lock().expect("no panic").push(entry.clone());
            }
            if matches!(fate, Fate::Kept) { Ok(()) } else { fails() }
        };
        entries.iter().map(put).collect()
    }
}

fn app(ends: &Ends) -> App {
    let parts = AppParts {
        table: Arc::new(MemoryTable::new()),
        blobs: Arc::new(MemoryBlobs::default()),
        queues: Queues {
            usage: Arc::new(MemoryQueue::default()),
            exports: Arc::new(MemoryQueue::default()),
            bulk: Arc::new(MemoryQueue::default()),
            billing: Arc::new(MemoryQueue::default()),
            events: Arc::new(ends.clone()),
        },
        bus: Arc::new(ends.clone()),
        secrets: Arc::new(Secrets::from_pepper(&[7; 32]).expect("long enough")),
        clock: Arc::new(ManualClock::at(START.parse().expect("a time"))),
        ids: Arc::new(SystemIds::default()),
        docs_url: "https://docs.example".to_owned(),
        mode: KeyMode::Test,
        loopback_webhooks: true,
        plain_http: false,
        front: tributary_api::hosts::Front::default(),
    };
    App::with_patience(parts, Patience::eager(1))
}

/// What a busy world inserted.
async fn inserted() -> Vec<Item> {
    let w = World::in_process().await;
    let s = scene(&w).await;
    for n in 0..40 {
        let (from, to) = if n % 2 == 0 { (&s.id, &s.child) } else { (&s.child, &s.id) };
        s.owner.pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": "0.25" })).send().await.is(201);
    }
    w.target.inside("the stream").expect("in this process").memory.inserted_since(0)
}

fn begins(item: &Item, prefix: &str) -> bool {
    matches!(item.get("pk"), Some(Stored::S(pk)) if pk.starts_with(prefix))
}

/// Gives the stream to the outbox as Lambda does: from the first failure on again, sometimes a whole batch again.
async fn give(app: &App, inserted: &[Item], faulty: &Faulty, random: &mut SmallRng) {
    let (mut at, mut calls) = (0, 0);
    while at < inserted.len() {
        // Faults stop at last.
        calls += 1;
        if calls > 400 {
            *faulty.percent.lock().expect("no panic") = 0;
        }
        let batch = &inserted[at..(at + random.random_range(1..=30)).min(inserted.len())];
        let answer = tributary_outbox::handle(app, of_stream(batch, at), &app.run_id("")).await.expect("an answer");
        // Lambda did not hear the answer: all of it comes again.
        if random.random_range(0..10) == 0 && calls <= 400 {
            continue;
        }
        let failed = answer["batchItemFailures"][0]["itemIdentifier"].as_str().map(str::to_owned);
        at = match failed {
            Some(number) => number[1..].parse().expect("a number of ours"),
            None => at + batch.len(),
        };
    }
}

#[tokio::test]
async fn each_effect_is_told_at_least_once_under_one_id_and_each_ledger_in_its_order() {
    let inserted = inserted().await;
    let wanted: Vec<Event> = inserted.iter().filter_map(|item| stream::event_of_item(item).expect("an item that reads")).collect();
    let ids: BTreeSet<&str> = wanted.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), wanted.len(), "an id for each effect");
    let money = |item: &&Item| begins(item, "LED#acc_") && entries::decode(item).is_ok_and(|entry| EntryKind::MONEY.contains(&entry.kind));
    assert_eq!(wanted.iter().filter(|event| event.sequence.is_some()).count(), inserted.iter().filter(money).count());
    for seed in 0..60 {
        let faulty = Faulty {
            random: Mutex::new(SmallRng::seed_from_u64(seed)),
            percent: Mutex::new(u32::try_from(seed % 4 * 10).expect("small")),
            queued: Mutex::default(),
            seen: Mutex::default(),
            put: Mutex::default(),
        };
        let ends = Ends(Arc::new(faulty));
        give(&app(&ends), &inserted, &ends.0, &mut SmallRng::seed_from_u64(seed + 1_000)).await;

        let queued = ends.0.queued.lock().expect("no panic").clone();
        let queued: Vec<Event> = queued.iter().map(|message| serde_json::from_str(&message.body).expect("an event")).collect();
        let of = |events: &[Event]| {
            let mut by_account: BTreeMap<String, Vec<(Option<i64>, String)>> = BTreeMap::new();
            for event in events {
                by_account.entry(event.account_id.to_string()).or_default().push((event.sequence, event.id.to_string()));
            }
            by_account
        };
        assert_eq!(of(&queued), of(&wanted), "seed {seed}: the queue has each account's events once and in their order");
        let put: BTreeSet<String> = ends.0.put.lock().expect("no panic").iter().map(|entry| entry.detail.clone()).collect();
        let all: BTreeSet<String> = wanted.iter().map(Event::to_json).collect();
        assert_eq!(put, all, "seed {seed}: the bus has every event, and nothing else");
    }
}

#[tokio::test]
async fn what_cannot_be_read_holds_nothing_up() {
    let inserted = inserted().await;
    let ends = Ends(Arc::new(Faulty {
        random: Mutex::new(SmallRng::seed_from_u64(0)),
        percent: Mutex::new(0),
        queued: Mutex::default(),
        seen: Mutex::default(),
        put: Mutex::default(),
    }));
    let mut call = of_stream(&inserted[..20], 0);
    let mut broken = inserted.iter().find(|item| begins(item, "LED#acc_")).expect("an entry").clone();
    broken.remove("avail");
    let count = call["Records"].as_array().expect("changes").len();
    let records = call["Records"].as_array_mut().expect("changes");
    records.insert(0, of_stream(&[broken], 99)["Records"][0].clone());
    let answer = tributary_outbox::handle(&app(&ends), call, &app(&ends).run_id("")).await.expect("an answer");
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let told = inserted[..count].iter().filter(|item| matches!(stream::event_of_item(item), Ok(Some(_)))).count();
    assert_eq!(ends.0.queued.lock().expect("no panic").len(), told);
    assert!(tributary_outbox::handle(&app(&ends), Value::Null, &app(&ends).run_id("")).await.is_err());
}

#[tokio::test]
async fn what_was_told_once_is_not_told_again_in_a_test() {
    let w = World::in_process().await;
    let inside = w.target.inside("the stream").expect("in this process");
    assert!(!tell(inside).await.is_empty());
    assert!(tell(inside).await.is_empty());
    w.fund(&w.master.id, "5").await;
    let told = tell(inside).await;
    // As a function that is called for the queue reads them.
    let bodies: Vec<String> = told.iter().map(Event::to_json).collect();
    let messages = tributary_api::messages::of(&of_queue(bodies.iter().map(String::as_str))).expect("messages");
    assert_eq!(messages.into_iter().map(|message| message.body).collect::<Vec<_>>(), bodies);
    let words: Vec<String> = told.iter().map(|event| event.kind.word()).collect();
    assert!(words.iter().all(|word| word.starts_with("credit.")) && !words.is_empty(), "{words:?}");
}
