//! Deliveries under faults: messages given twice and out of turn, two workers on one message, calls of the table lost before and after
//! their effect, workers that die at any of them. Each event reaches each endpoint at least once, and there is one delivery of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tributary_api::{App, AppParts, KeyMode};
use tributary_domain::event::Event;
use tributary_runtime::bus::MemoryBus;
use tributary_runtime::ids::SeededIds;
use tributary_runtime::mail::MemoryMailer;
use tributary_runtime::queue::Queues;
use tributary_runtime::secrets::Secrets;
use tributary_store::commit::Patience;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;

use super::{Scene, deliveries, endpoint, senders};
use crate::support::events::{of_queue, tell};
use crate::support::receiver::MemoryOutbound;

const SEEDS: u64 = 12;
const GOOD: &str = "https://good.example.com/";
const BAD: &str = "https://bad.example.com/";

/// A worker: a process of the notifier on a table that fails.
struct Worker {
    app: App,
    table: Arc<Faulty<MemoryTable>>,
}

fn worker(s: &Scene, seed: u64) -> Worker {
    let inside = s.inside();
    let table = Arc::new(Faulty::new(inside.memory.clone(), seed, Faults::storm()));
    let parts = AppParts {
        table: table.clone(),
        blobs: Arc::new(inside.outside.blobs.clone()),
        queues: Queues {
            usage: Arc::new(inside.outside.usage.clone()),
            exports: Arc::new(inside.outside.exports.clone()),
            bulk: Arc::new(inside.outside.bulk.clone()),
            billing: Arc::new(inside.outside.billing.clone()),
            events: Arc::new(inside.outside.events.clone()),
        },
        bus: Arc::new(MemoryBus::default()),
        secrets: Arc::new(Secrets::from_pepper(&[7; 32]).expect("long enough")),
        clock: Arc::new(inside.clock.clone()),
        ids: Arc::new(SeededIds::new(seed)),
        docs_url: "/docs".to_owned(),
        mode: KeyMode::Test,
        loopback_webhooks: true,
        plain_http: false,
        front: tributary_api::hosts::Front::default(),
    };
    Worker { app: App::with_patience(parts, Patience::eager(4)), table }
}

#[tokio::test]
async fn each_event_reaches_each_endpoint_whatever_dies() {
    for seed in 0..SEEDS {
        one(seed).await;
    }
}

async fn one(seed: u64) {
    eprintln!("seed {seed}");
    let s = Scene::new().await;
    let mut rng = SmallRng::seed_from_u64(seed);
    let (good, bad) = (endpoint(&s.w.master.api, GOOD, &["credit.*"]).await.id(), endpoint(&s.w.master.api, BAD, &["credit.*"]).await.id());
    tell(s.inside()).await;
    for amount in ["1", "2", "3", "4", "5", "6"] {
        s.w.fund(&s.w.master.id, amount).await;
    }
    let events: Vec<Event> = tell(s.inside()).await.into_iter().filter(|event| event.account_id.as_str() == s.w.master.id).collect();
    let wanted: BTreeSet<String> = events.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(wanted.len(), 6);
    let mut waiting: Vec<String> = events.iter().map(Event::to_json).collect();
    let (mailer, outbound) = (MemoryMailer::default(), MemoryOutbound::default());
    let senders = senders(Arc::new(outbound.clone()), &mailer);
    let workers = [worker(&s, seed * 10 + 1), worker(&s, seed * 10 + 2)];
    let mut sent: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut rounds = 0;
    // Until no message waits; each is given again until a worker said that it is done, and some once more.
    while !waiting.is_empty() {
        rounds += 1;
        assert!(rounds < 500, "seed {seed}: messages never end");
        outbound.answers(BAD, if rng.random_bool(0.7) { 500 } else { 200 });
        waiting.shuffle(&mut rng);
        let batch: Vec<String> = waiting.iter().take(rng.random_range(1..=3)).cloned().collect();
        let [first, second] = &workers;
        for worker in &workers {
            if rng.random_bool(0.5) {
                worker.table.kill_in(rng.random_range(0..12), if rng.random_bool(0.5) { Moment::Before } else { Moment::After });
            }
        }
        let call = |worker: &Worker| {
            let (app, senders, call) = (worker.app.clone(), senders.clone(), of_queue(batch.iter().map(String::as_str)));
            async move { tributary_notifier::handle(&app, &senders, call, &app.run_id("")).await }
        };
        // Both are given the same messages at once.
        let (one, _) = futures::future::join(call(first), call(second)).await;
        let died = first.table.is_killed();
        workers.iter().for_each(|worker| worker.table.revive());
        if !died && one.is_ok_and(|answer| answer == json!({"batchItemFailures": []})) && rng.random_bool(0.8) {
            waiting.retain(|body| !batch.contains(body));
        }
        s.pass(rng.random_range(0..200));
        count(&outbound, &mut sent);
    }
    // Faults stop; the schedule brings what is left.
    outbound.answers(BAD, 200);
    for _ in 0..200 {
        s.pass(1_800);
        tributary_notifier::handle(&s.inside().app, &senders, json!({}), &s.inside().app.run_id("")).await.expect("a run");
    }
    count(&outbound, &mut sent);
    for (url, hook) in [(GOOD, &good), (BAD, &bad)] {
        let reached: BTreeSet<String> = sent.keys().filter(|(to, _)| to == url).map(|(_, id)| id.clone()).collect();
        assert_eq!(reached, wanted, "seed {seed}: {url}");
        let kept = deliveries(&s.w.master.api, hook).await;
        let ids: Vec<&str> = kept.iter().filter_map(|one| one["event_id"].as_str()).collect();
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (6, 6), "seed {seed}: one delivery of each");
        assert!(kept.iter().all(|one| one["status"] == "delivered"), "seed {seed}: {kept:?}");
    }
}

fn count(outbound: &MemoryOutbound, sent: &mut BTreeMap<(String, String), usize>) {
    for (url, id, _) in outbound.take() {
        *sent.entry((url, id)).or_default() += 1;
    }
}
