//! Bulk jobs under faults: messages come twice, late, in any order and in batches of which a part fails; two workers have one
//! message; workers die before or after any of their calls; rows are poisoned; dead letters are redriven twice; jobs are paused,
//! resumed, cancelled and undone while they are done, by keys that may more or less; keys are swapped, accounts and credit moved, and
//! pages of rows end early. At the end every row is done, failed or untouched, none twice, and nothing is left in escrow.
//!
//! `TRIBUTARY_SEED=17 cargo test -p tributary-tests --test all -- bulk::one_seed --nocapture` runs one seed.

mod mid_way;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future::{join, join_all};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::bulk::job::Mark;
use tributary_domain::id::{AccountId, JobId};
use tributary_domain::ledger::{Book, LedgerId};
use tributary_runtime::ids::SystemIds;
use tributary_store::codec::Reader;
use tributary_store::faulty::{Faults, Moment};
use tributary_store::job_credits::row_moves;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Change, Cond, Item, Key, Page, Query, Table, TableError, Write, s};
use tributary_tests::simulation::auditor::Audited;
use tributary_tests::simulation::process::Process;

use crate::support::api::{Api, Target};
use crate::support::world::World;

fn worker_of(w: &World, process: &Process, seed: u64) -> App {
    w.target.worker(Arc::new(Short { inner: process.table(), random: Mutex::new(SmallRng::seed_from_u64(seed)) }))
}

/// Credits by job, chunk and place.
type Moved = BTreeMap<(String, u32, usize), Vec<i64>>;

const BULK: &str = "/reseller/bulk";
/// How many workers there are.
const WORKERS: usize = 3;
/// How often a message is given before it is put aside.
const MOST_TIMES: u32 = 5;

struct Message {
    body: String,
    times: u32,
}

/// A worker: its calls fail, and after a kill it remembers nothing.
struct Worker {
    process: Process,
    app: App,
}

struct Run {
    random: SmallRng,
    w: World,
    memory: MemoryTable,
    audited: Arc<Audited>,
    workers: Vec<Worker>,
    queue: Vec<Message>,
    dead: Vec<Message>,
    customers: Vec<String>,
    poisoned: String,
    jobs: Vec<String>,
    kills: u32,
    /// Where accounts are moved to: below the master, below a reseller of it, below another master.
    places: [String; 3],
    /// The key that starts jobs, which is revoked and replaced now and then.
    key: Mutex<(String, Api)>,
    /// Keys that steer jobs: the master's own, one that may less, the operator's.
    steering: [Api; 3],
}

/// A table whose pages of a job's rows end early, as those of large rows do.
#[derive(Debug)]
struct Short {
    inner: Arc<dyn Table>,
    random: Mutex<SmallRng>,
}

#[async_trait]
impl Table for Short {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.inner.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.inner.batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        if !query.pk.starts_with("JOB#") {
            return self.inner.query(query).await;
        }
        let most = self.random.lock().expect("random").random_range(1..4);
        self.inner.query(&query.clone().limit(query.limit.min(most))).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        self.inner.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        self.inner.transact(writes).await
    }
}

/// What people do meanwhile.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Steer(&'static str),
    Transfer,
    /// To which of the places.
    Move(usize),
    SwapKey,
}

impl Run {
    async fn begin(seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let memory = MemoryTable::new();
        let audited = Arc::new(Audited::new(memory.clone()));
        let target = Target::over(Arc::new(Arc::clone(&audited)), memory.clone(), Arc::new(SystemIds::default())).await;
        let w = World::on(target).await;
        w.fund(&w.master.id, "1000").await;
        let mut customers = Vec::new();
        for _ in 0..12 {
            customers.push(w.child_of(&w.master.id).await);
        }
        let below = w.reseller_of(&w.master.id).await;
        for _ in 0..4 {
            customers.push(w.child_of(&below.id).await);
        }
        let poisoned = w.child_of(&w.master.id).await;
        let newest = Key::new(format!("LED#{poisoned}"), format!("{:020}", 1));
        let spoilt = Write::update(newest, vec![Change::Set("st", s("spoilt"))], Cond::Exists);
        memory.write(&spoilt).await.expect("written by another hand");
        let workers = (0..WORKERS).map(|_| {
            let process = Process::new(&audited, &memory, random.random(), Faults::none());
            let app = worker_of(&w, &process, random.random());
            Worker { process, app }
        });
        let workers = workers.collect();
        let places = [w.master.id.clone(), below.id, w.other_master(json!({})).await.id];
        let (id, secret) = w.new_key(&w.master.id, "owner").await;
        let key = Mutex::new((id, w.target.nobody.with(&secret)));
        let steering = [w.master.api.clone(), w.key_for(&w.master.id, "billing").await, w.operator().clone()];
        let (queue, dead, jobs) = Default::default();
        Self { random, w, memory, audited, workers, queue, dead, customers, poisoned, jobs, kills: 0, places, key, steering }
    }

    fn api(&self) -> &Api {
        &self.w.master.api
    }

    async fn start(&mut self, kind: &str, body: Value) {
        let api = self.key.lock().expect("the key").1.clone();
        let started = api.pay(&format!("{BULK}/{kind}"), body).send().await.is(202);
        self.jobs.push(started.id());
    }

    async fn start_all(&mut self) {
        for size in [150, 20] {
            let mut rows: Vec<Value> = (0..size)
                .map(|n| json!({ "account_id": self.customers[self.random.random_range(0..self.customers.len())], "amount": "1", "reference": format!("row {n}") }))
                .collect();
            rows.insert(size / 2, json!({ "account_id": self.poisoned, "amount": "1" }));
            rows.insert(size / 3, json!({ "account_id": "acc_01hx3v9k2mfd8bq5r7w1z4n6ty", "amount": "1" }));
            rows.push(json!({ "account_id": self.w.master.id }));
            self.start("credits", json!({ "rows": rows })).await;
        }
        let accounts: Vec<Value> = (0..70).map(|n| json!({ "name": format!("New {n}"), "initial_credits": "1" })).collect();
        self.start("accounts", json!({ "rows": accounts })).await;
        let updates: Vec<Value> = self.customers.iter().map(|id| json!({ "account_id": id, "tags": { "plan": "gold" } })).collect();
        self.start("updates", json!({ "rows": updates })).await;
        let notices: Vec<Value> =
            (0..100).map(|n| json!({ "account_id": self.customers[n % 7], "email": format!("n{n}@example.com") })).collect();
        self.start("notifications", json!({ "rows": notices, "subject": "S", "text": "T" })).await;
    }

    fn collect(&mut self) {
        let sent = self.w.target.inside("the queue").expect("in process").outside.bulk.take();
        self.queue.extend(sent.into_iter().map(|body| Message { body, times: 0 }));
    }

    /// Gives some messages to some workers at once: the same one to two of them now and then.
    async fn deliver(&mut self, faults: bool) {
        self.collect();
        let meddling = if faults { self.meddling() } else { Vec::new() };
        let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
        for worker in 0..WORKERS {
            let count = if self.queue.is_empty() { 0 } else { self.random.random_range(0..=2) };
            let messages: Vec<usize> = (0..count).map(|_| self.random.random_range(0..self.queue.len())).collect();
            if !messages.is_empty() {
                batches.push((worker, messages));
            }
        }
        for (worker, _) in &batches {
            if faults && self.random.random_bool(0.4) {
                let moment = if self.random.random_bool(0.5) { Moment::Before } else { Moment::After };
                self.workers[*worker].process.kill_in(self.random.random_range(0..60), moment);
            }
        }
        let called = batches.iter().map(|(worker, messages)| {
            let record = |at: &usize| {
                let message = &self.queue[*at];
                json!({ "messageId": at.to_string(), "body": message.body, "attributes": { "ApproximateReceiveCount": (message.times + 1).to_string() } })
            };
            let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
            let app = &self.workers[*worker].app;
            async move { tributary_bulk_worker::handle(app, event, &app.run_id("")).await }
        });
        let people = meddling.into_iter().map(|one| self.meddle(one));
        let (answers, _) = join(join_all(called), join_all(people)).await;
        let mut done: Vec<usize> = Vec::new();
        for ((worker, messages), answer) in batches.iter().zip(answers) {
            let failed = answer.expect("messages").get("batchItemFailures").cloned().unwrap_or_default();
            let is_failed =
                |at: &usize| failed.as_array().is_some_and(|all| all.iter().any(|one| one["itemIdentifier"] == at.to_string().as_str()));
            let died = self.workers[*worker].process.is_killed();
            for at in messages {
                // Of a worker that died, and of an answer that is lost, the queue hears nothing.
                if died || is_failed(at) || faults && self.random.random_bool(0.1) {
                    self.queue[*at].times += 1;
                } else {
                    done.push(*at);
                }
            }
            if died {
                self.kills += 1;
                self.workers[*worker].process.restart();
                self.workers[*worker].app = worker_of(&self.w, &self.workers[*worker].process, self.random.random());
            }
        }
        let mut at = 0;
        let (dead, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue)
            .into_iter()
            .filter(|_| {
                at += 1;
                !done.contains(&(at - 1))
            })
            .partition(|message| message.times >= MOST_TIMES);
        (self.queue, self.dead) = (kept, std::mem::take(&mut self.dead).into_iter().chain(dead).collect());
    }

    /// What people do meanwhile: some steps of the workers later, to which job or account.
    fn meddling(&mut self) -> Vec<(usize, String, Deed)> {
        let mut meddling = Vec::new();
        for _ in 0..self.random.random_range(0..4) {
            let deed = match self.random.random_range(0..15) {
                0 | 1 => Deed::Steer("cancel"),
                2 | 3 => Deed::Steer("pause"),
                4..=6 => Deed::Steer("resume"),
                7 => Deed::Steer("retry"),
                8 => Deed::Steer("undo"),
                9..=11 => Deed::Transfer,
                12 | 13 => Deed::Move(self.random.random_range(0..3)),
                _ => Deed::SwapKey,
            };
            let whom = if let Deed::Steer(_) = deed { &self.jobs } else { &self.customers };
            let whom = whom[self.random.random_range(0..whom.len())].clone();
            meddling.push((self.random.random_range(0..1_500), whom, deed));
        }
        meddling
    }

    /// Does it. A state that does not allow it is no matter.
    async fn meddle(&self, (later, whom, deed): (usize, String, Deed)) {
        for _ in 0..later {
            tokio::task::yield_now().await;
        }
        let answer = match deed {
            Deed::Steer(word) => self.steering[later % 3].post(&format!("{BULK}/{whom}/{word}"), json!({})).send().await,
            Deed::Transfer => {
                let body = json!({ "from": whom, "to": self.w.master.id, "amount": "1" });
                self.api().pay("/reseller/credits/transfer", body).send().await
            }
            Deed::Move(place) => {
                let to = json!({ "parent_id": self.places[place] });
                self.w.operator().post(&format!("/reseller/accounts/{whom}/move"), to).send().await
            }
            Deed::SwapKey => {
                let (id, secret) = self.w.new_key(&self.w.master.id, "owner").await;
                let new = (id, self.w.target.nobody.with(&secret));
                let (old, _) = std::mem::replace(&mut *self.key.lock().expect("the key"), new);
                self.w.operator().delete(&format!("/reseller/accounts/{}/keys/{old}", self.w.master.id)).send().await
            }
        };
        // Accounts are moved where the master and its keys see them no more.
        assert!([200, 201, 202, 403, 404, 409, 422].contains(&answer.status), "{deed:?}: {}", answer.text);
    }

    /// Puts every dead letter back, twice.
    fn redrive(&mut self) {
        for Message { body, .. } in std::mem::take(&mut self.dead) {
            self.queue.extend([0, 1].map(|_| Message { body: body.clone(), times: 0 }));
        }
    }

    async fn work_to_the_end(&mut self) {
        self.workers.iter().for_each(|worker| worker.process.calm());
        for _ in 0..60 {
            self.redrive();
            for job in self.jobs.clone() {
                let state = self.api().get(&format!("{BULK}/{job}")).send().await.is(200);
                if state.word("state") == "paused" {
                    self.api().post(&format!("{BULK}/{job}/resume"), json!({})).send().await.is(202);
                } else if state.word("phase") != "done" && self.queue.is_empty() {
                    // A message that was lost for good would be a broken promise: resuming tells nobody anew of a running job.
                    self.collect();
                    assert!(!self.queue.is_empty(), "nobody is told of job {job}: {}", state.text);
                }
            }
            self.collect();
            while !self.queue.is_empty() {
                self.deliver(false).await;
            }
        }
    }

    /// What was broken, and how many rows are done, failed, undone and untouched.
    async fn broken(&self) -> (Vec<String>, [i64; 4]) {
        let mut tally = [0; 4];
        let mut broken = self.audited.picture().broken.clone();
        let escrow: i64 = self
            .audited
            .picture()
            .heads
            .values()
            .filter(|head| matches!(&head.ledger, LedgerId::System(system) if system.book == Book::Escrow))
            .map(|head| head.available.get())
            .sum();
        if escrow != 0 {
            broken.push(format!("{escrow} micro-units are left in escrow"));
        }
        let store = self.w.target.inside("the store").expect("in process").app.store().clone();
        let (moved, said, made) = self.effects();
        for id in &self.jobs {
            let id: JobId = id.parse().expect("an id");
            let job = store.job(&id).await.expect("a job");
            if !job.rests() || job.progress.escrow != 0 {
                broken.push(format!("job {id} is {:?} {:?} with {} in escrow", job.state, job.phase, job.progress.escrow));
            }
            let (mut done, mut failed, mut undone) = (0, 0, 0);
            for chunk in store.chunks(&id, 1, 1_000).await.expect("chunks").into_iter().filter(|chunk| chunk.number <= job.chunks) {
                for (place, mark) in chunk.marks.iter().enumerate() {
                    let row = chunk.first + place as u64;
                    match mark {
                        Mark::Done => done += 1,
                        Mark::Failed | Mark::Malformed => failed += 1,
                        Mark::Undone => undone += 1,
                        Mark::Pending => tally[3] += 1,
                    }
                    let effects = match job.kind {
                        tributary_domain::bulk::rows::Kind::Credits => {
                            moved.get(&(id.to_string(), chunk.number, place)).cloned().unwrap_or_default()
                        }
                        tributary_domain::bulk::rows::Kind::Accounts => {
                            vec![1; made.iter().filter(|key| **key == format!("{id}-{row}")).count()]
                        }
                        _ => vec![
                            1;
                            said.iter()
                                .filter(|event| **event == tributary_bulk::ids::event(&id, &format!("row {row}")).to_string())
                                .count()
                        ],
                    };
                    let wanted: &[i64] = match mark {
                        Mark::Done => &[1],
                        Mark::Undone => &[1, -1],
                        Mark::Pending | Mark::Failed | Mark::Malformed => &[],
                    };
                    if effects.iter().map(|one| one.signum()).collect::<Vec<_>>() != wanted {
                        broken.push(format!("row {row} of the {:?} job {id} is {mark:?}, and had the effects {effects:?}", job.kind));
                    }
                }
            }
            for (all, these) in tally.iter_mut().zip([done, failed, undone]) {
                *all += these;
            }
            let counted = (job.progress.done, job.progress.failed, job.progress.undone);
            if counted != (done, failed, undone) {
                broken.push(format!("job {id} counts {counted:?}, its rows are {:?}", (done, failed, undone)));
            }
        }
        (broken, tally)
    }

    /// What really happened, by the records of transactions: credits by job, chunk and place, in their order; events; rows made.
    fn effects(&self) -> (Moved, Vec<String>, Vec<String>) {
        let (mut moved, mut said, mut made): (BTreeMap<_, Vec<_>>, Vec<_>, Vec<_>) = Default::default();
        for item in self.memory.snapshot() {
            let key = Key::of(&item).expect("a key");
            if let Some(job) = key.pk.strip_prefix("JOB#").filter(|_| key.sk.starts_with("T#")) {
                for (chunk, place, account, amount) in row_moves(&item).expect("reads").into_iter().flatten() {
                    let _: AccountId = account;
                    moved.entry((job.to_owned(), chunk, place)).or_default().push((
                        Reader(&item).number("at").expect("a time"),
                        key.sk.clone(),
                        amount,
                    ));
                }
            }
            said.extend(key.pk.strip_prefix("EVT#").map(str::to_owned));
            if let Some((_, row)) = key.pk.strip_prefix("IDEM#").and_then(|rest| rest.split_once("#bulk row#"))
                && !item.contains_key("void")
            {
                // Behind job and row the round, if it is not the first.
                made.push(row.splitn(3, '-').take(2).collect::<Vec<_>>().join("-"));
            }
        }
        let in_order = moved.into_iter().map(|(row, mut all)| {
            all.sort();
            (row, all.into_iter().map(|(_, _, amount)| amount).collect())
        });
        (in_order.collect(), said, made)
    }
}

async fn simulate(seed: u64) -> (Vec<String>, [i64; 4], u32) {
    let mut run = Run::begin(seed).await;
    run.start_all().await;
    let worst = [Faults::drizzle(), Faults::storm()][usize::from(run.random.random_bool(0.4))];
    run.workers.iter().for_each(|worker| worker.process.fail(worst));
    for round in 0..40 {
        run.deliver(true).await;
        if round == 10 || round == 20 {
            run.start_all().await;
        }
        if run.random.random_bool(0.1) {
            run.redrive();
        }
        run.w.target.advance_s(1, "time");
    }
    run.work_to_the_end().await;
    let (broken, tally) = run.broken().await;
    (broken, tally, run.kills)
}

fn run(seeds: impl Iterator<Item = u64>) -> (u32, [i64; 4]) {
    let (mut kills, mut tally) = (0, [0; 4]);
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (broken, these, killed) = runtime.block_on(simulate(seed));
        kills += killed;
        tally.iter_mut().zip(these).for_each(|(all, these)| *all += these);
        assert!(
            broken.is_empty(),
            "seed {seed} broke {} promises (TRIBUTARY_SEED={seed} cargo test -p tributary-tests --test all -- bulk::one_seed --nocapture):\n{}",
            broken.len(),
            broken[..broken.len().min(30)].join("\n")
        );
    }
    eprintln!("bulk: {kills} workers died; of the rows {tally:?} are done, failed, undone and untouched");
    (kills, tally)
}

macro_rules! shards {
    ($($name:ident = $first:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            let (kills, tally) = run($first..$first + 25);
            assert!(kills > 25 && tally.iter().all(|rows| *rows > 100), "hardly anything happened: {kills} {tally:?}");
        }
    )+};
}

shards! {
    seeds_0_to_24_do_every_row_once_or_not_at_all = 0,
    seeds_25_to_49_do_every_row_once_or_not_at_all = 25,
    seeds_50_to_74_do_every_row_once_or_not_at_all = 50,
    seeds_75_to_99_do_every_row_once_or_not_at_all = 75,
}

#[test]
fn one_seed() {
    if let Some(seed) = std::env::var("TRIBUTARY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        run(seed..seed + 1);
    }
}

/// A worker that dies at each of its calls in turn, before it and after it; the next one brings the job to the same end.
#[tokio::test]
async fn a_worker_killed_at_any_call_of_a_job_is_followed_by_one_that_ends_it() {
    for moment in [Moment::Before, Moment::After] {
        for call in 0.. {
            let mut run = Run::begin(call).await;
            let rows: Vec<Value> =
                (0..100).map(|n| json!({ "account_id": run.customers[n % 16], "amount": "1", "reference": format!("{n}") })).collect();
            run.start("credits", json!({ "rows": rows })).await;
            run.collect();
            let worker = &run.workers[0];
            worker.process.kill_in(call, moment);
            let event = json!({ "Records": [{ "messageId": "1", "body": run.queue[0].body, "attributes": {} }] });
            drop(tributary_bulk_worker::handle(&worker.app, event, &worker.app.run_id("")).await);
            let died = worker.process.is_killed();
            worker.process.restart();
            run.workers[0].app = run.w.target.worker(run.workers[0].process.table());
            run.work_to_the_end().await;
            let (broken, _) = run.broken().await;
            assert!(broken.is_empty(), "killed at call {call} {moment:?}: {}", broken.join("\n"));
            let job = run.api().get(&format!("{BULK}/{}", run.jobs[0])).send().await.is(200);
            assert_eq!((job.word("state"), job["done"].as_i64()), ("completed", Some(100)), "killed at call {call} {moment:?}");
            if !died {
                assert!(call > 10, "a job has more calls than {call}");
                break;
            }
        }
    }
}
