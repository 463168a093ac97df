//! Usage under faults: several processes take batches on one table and one place of blobs that fail, forget answers and are
//! killed, all by one seed, while credit moves, accounts are suspended and move. A witness looks at every committed
//! transaction.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::join_all;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tributary_domain::id::AccountId;
use tributary_domain::money::Micros;
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::number::Quantity;
use tributary_metering::adjust::{AdjustError, Adjustment};
use tributary_metering::ingest::{Answer, is_retryable};
use tributary_metering::plan::Verdict;
use tributary_runtime::blobs::{BlobError, Blobs, MemoryBlobs};
use tributary_runtime::clock::ManualClock;
use tributary_runtime::ids::SeededIds;
use tributary_store::commit::Patience;
use tributary_store::error::StoreError;
use tributary_store::faulty::{Faults, Moment};
use tributary_store::memory::MemoryTable;

use super::platform::{Ground, Platform};
use super::town::Town;
use super::witness::{Event, UsageWitness};
use crate::simulation::auditor::Audited;
use crate::simulation::process::Process;

/// How many processes work on the table.
const PROCESSES: usize = 3;
/// The most requests at once.
const AT_ONCE: usize = 5;
/// How often one client asks again before it gives up for now.
const TRIES: u32 = 12;
/// Calls of a blob that fail, of a thousand, on a bad day and on the worst.
const BLOB_FAULTS: [u32; 2] = [15, 120];

/// What a run is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Everything follows from it.
    pub seed: u64,
    /// How many requests are made.
    pub requests: usize,
}

/// What a run found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Requests made.
    pub requests: usize,
    /// Events sent, repetitions included.
    pub sent: usize,
    /// Events that count.
    pub counted: usize,
    /// Events answered as known.
    pub duplicates: u64,
    /// Events refused for good.
    pub refused: u64,
    /// Events to be sent again, which they were.
    pub unanswered: u64,
    /// Events taken back or corrected.
    pub adjusted: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Blobs that no ledger names.
    pub orphans: usize,
    /// Faults that struck.
    pub faults: u64,
    /// Processes killed.
    pub kills: u64,
    /// What was broken; empty in a good run.
    pub broken: Vec<String>,
}

/// Blobs that fail and let others go first, by seed.
#[derive(Debug)]
struct FaultyBlobs {
    inner: MemoryBlobs,
    random: Mutex<SmallRng>,
    per_mille: Mutex<u32>,
}

impl FaultyBlobs {
    fn dice(&self) -> (bool, bool, u8) {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let per_mille = *self.per_mille.lock().unwrap_or_else(PoisonError::into_inner);
        (random.random_range(0..1_000) < per_mille, random.random_range(0..1_000) < per_mille, random.random_range(0..3))
    }

    fn calm(&self) {
        *self.per_mille.lock().unwrap_or_else(PoisonError::into_inner) = 0;
    }
}

fn away(key: &str) -> BlobError {
    BlobError::Unavailable { key: key.to_owned(), why: "by seed".to_owned() }
}

#[async_trait]
impl Blobs for FaultyBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> Result<(), BlobError> {
        let (before, after, turns) = self.dice();
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        if before {
            return Err(away(key));
        }
        self.inner.put(key, bytes, content_type).await?;
        if after { Err(away(key)) } else { Ok(()) }
    }

    async fn put_file(&self, key: &str, path: &std::path::Path, content_type: &str) -> Result<(), BlobError> {
        self.inner.put_file(key, path, content_type).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BlobError> {
        if self.dice().0 { Err(away(key)) } else { self.inner.get(key).await }
    }

    async fn link(&self, key: &str, file_name: &str, expires_s: u32) -> Result<String, BlobError> {
        self.inner.link(key, file_name, expires_s).await
    }

    async fn fetch(&self, key: &str, path: &std::path::Path, most: u64) -> Result<Option<u64>, BlobError> {
        if self.dice().0 { Err(away(key)) } else { self.inner.fetch(key, path, most).await }
    }

    async fn upload_link(&self, key: &str, content_type: &str, bytes: u64, expires_s: u32) -> Result<String, BlobError> {
        self.inner.upload_link(key, content_type, bytes, expires_s).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.inner.delete(key).await
    }
}

/// One process: its table fails, and after a kill it remembers nothing.
#[derive(Debug)]
struct Worker {
    process: Process,
    ground: Ground,
    platform: Platform,
}

impl Worker {
    fn restart(&mut self) -> Result<(), StoreError> {
        self.process.restart();
        self.platform = self.platform.through(self.ground.app(Patience::eager(6))?);
        Ok(())
    }
}

/// What is known of an event that was sent.
#[derive(Debug, Clone, Default)]
struct Known {
    event: Value,
    accepted: u32,
    /// Some answer said that it counts.
    counts: bool,
    /// The round of the newest answer that left it open, if it is.
    open: Option<usize>,
}

enum Ask {
    Batch(Vec<Value>),
    Pay(AccountId, AccountId, Micros),
    Issue(AccountId, Micros),
    Suspend(AccountId, bool),
    Move(AccountId, AccountId),
    Book(AccountId, Box<PricingBook>),
    Adjust(Adjustment),
}

enum Done {
    Batch(Vec<Value>, Result<Vec<Answer>, String>),
    Adjusted(bool),
    Other,
}

struct Run {
    clock: ManualClock,
    random: SmallRng,
    audited: Arc<Audited>,
    witness: Arc<UsageWitness>,
    memory_blobs: MemoryBlobs,
    blobs: Arc<FaultyBlobs>,
    workers: Vec<Worker>,
    town: Town,
    known: BTreeMap<Event, Known>,
    batches: Vec<Vec<Value>>,
    round: usize,
    report: Report,
}

/// Runs one seed on a thread of its own making.
///
/// # Errors
/// A sentence, if the run itself cannot go on.
pub fn simulate(settings: Settings) -> Result<Report, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut run = Run::begin(settings.seed).await.map_err(|error| error.to_string())?;
        while run.report.requests < settings.requests {
            run.round().await.map_err(|error| error.to_string())?;
        }
        run.settle().await.map_err(|error| error.to_string())?;
        Ok(run.finish())
    })
}

impl Run {
    async fn begin(seed: u64) -> Result<Self, StoreError> {
        let mut random = SmallRng::seed_from_u64(seed ^ 0x05a6e);
        let start = "2026-01-10T00:00:00Z".parse().map_err(|error: jiff::Error| StoreError::Corrupt(error.to_string()))?;
        let (clock, memory, memory_blobs) = (ManualClock::at(start), MemoryTable::new(), MemoryBlobs::default());
        let witness = Arc::new(UsageWitness::new(memory_blobs.clone()));
        let audited = Arc::new(Audited::new(memory.clone()).with_witness(Arc::clone(&witness) as _));
        let worst = usize::from(random.random_bool(0.5));
        let blobs = Arc::new(FaultyBlobs {
            inner: memory_blobs.clone(),
            random: Mutex::new(SmallRng::seed_from_u64(seed ^ 0xb10b)),
            per_mille: Mutex::new(BLOB_FAULTS[worst]),
        });
        let ids = Arc::new(SeededIds::new(seed));
        let mut workers: Vec<Worker> = Vec::new();
        for _ in 0..PROCESSES {
            let process = Process::new(&audited, &memory, random.random(), Faults::none());
            let ground = Ground {
                table: process.table(),
                blobs: Arc::clone(&blobs) as Arc<dyn Blobs>,
                clock: Arc::new(clock.clone()),
                ids: Arc::clone(&ids) as _,
            };
            let platform = match workers.first() {
                Some(first) => first.platform.through(ground.app(Patience::eager(6))?),
                None => Platform::on(&ground, Patience::eager(6)).await?,
            };
            workers.push(Worker { process, ground, platform });
        }
        let town = Town::build(&workers[0].platform, seed).await?;
        for worker in &workers {
            worker.process.fail([Faults::drizzle(), Faults::storm()][worst]);
        }
        let report = Report { seed, ..Report::default() };
        let (known, batches) = (BTreeMap::new(), Vec::new());
        Ok(Self { clock, random, audited, witness, memory_blobs, blobs, workers, town, known, batches, round: 0, report })
    }

    /// Some requests at once, on processes of which one may die.
    async fn round(&mut self) -> Result<(), StoreError> {
        self.round += 1;
        let days = if self.random.random_range(0..25) == 0 { self.random.random_range(0..3 * 24 * 3_600_000) } else { 0 };
        self.clock.advance_ms(self.random.random_range(0..120_000) + days);
        if self.random.random_range(0..15) == 0 {
            let moment = if self.random.random_bool(0.5) { Moment::Before } else { Moment::After };
            let victim = self.random.random_range(0..PROCESSES);
            self.workers[victim].process.kill_in(self.random.random_range(1..12), moment);
            self.report.kills += 1;
        }
        let asks = self.asks();
        self.report.requests += asks.len();
        let first_key = self.report.requests;
        let platforms: Vec<Platform> = asks.iter().map(|_| self.workers[self.random.random_range(0..PROCESSES)].platform.clone()).collect();
        let running = asks.into_iter().zip(&platforms).enumerate().map(|(at, (ask, platform))| ask.run(platform, first_key * 10 + at));
        for done in join_all(running).await {
            self.enter(done);
        }
        for worker in &mut self.workers {
            if worker.process.is_killed() {
                worker.restart()?;
            }
        }
        Ok(())
    }

    fn asks(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for _ in 0..self.random.random_range(1..=AT_ONCE) {
            match self.random.random_range(0..100) {
                0..10 if !self.batches.is_empty() => {
                    let again = self.batches[self.random.random_range(0..self.batches.len())].clone();
                    asks.push(Ask::Batch(again));
                }
                10..25 => {
                    let batch = self.batch();
                    let copies = self.random.random_range(2..4);
                    asks.extend(std::iter::repeat_with(|| Ask::Batch(batch.clone())).take(copies));
                }
                25..60 => asks.push(Ask::Batch(self.batch())),
                60..70 => asks.push(Ask::Pay(self.anybody(), self.anybody(), self.amount())),
                70..78 => asks.push(Ask::Issue(self.anybody(), self.amount())),
                78..84 => asks.push(Ask::Suspend(self.anybody(), self.random.random_bool(0.3))),
                84..89 => asks.push(Ask::Move(self.anybody(), self.anybody())),
                89..94 => asks.extend(self.book()),
                _ => asks.extend(self.adjustment()),
            }
        }
        asks
    }

    fn batch(&mut self) -> Vec<Value> {
        let most = self.random.random_range(1..=30);
        let batch = self.town.events(self.workers[0].platform.now(), most);
        self.batches.push(batch.clone());
        if self.batches.len() > 200 {
            self.batches.swap_remove(0);
        }
        batch
    }

    fn anybody(&mut self) -> AccountId {
        self.town.citizens[self.random.random_range(1..self.town.citizens.len())].id.clone()
    }

    fn amount(&mut self) -> Micros {
        Micros::new(self.random.random_range(1..50_000_000))
    }

    /// A reseller's book with a markup more, from now on.
    fn book(&mut self) -> Option<Ask> {
        let at = self.random.random_range(1..self.town.citizens.len());
        let citizen = &self.town.citizens[at];
        let mut book: PricingBook = serde_json::from_value(citizen.book.clone()).ok()?;
        let now = self.workers[0].platform.now();
        for markup in &mut book.markups {
            markup.allow_loss = !markup.allow_loss && markup.effective_from <= now;
        }
        Some(Ask::Book(citizen.id.clone(), Box::new(book)))
    }

    fn adjustment(&mut self) -> Option<Ask> {
        let at = self.random.random_range(0..self.known.len().max(1));
        let ((account, event), _) = self.known.iter().nth(at)?;
        let quantity = self.random.random_bool(0.5).then(|| Quantity::new(self.random.random_range(0..9_000_000)));
        Some(Ask::Adjust(Adjustment { account: account.clone(), event: event.clone(), quantity, reason: None }))
    }

    /// Notes what was answered.
    fn enter(&mut self, done: Done) {
        match done {
            Done::Batch(events, answers) => {
                self.report.sent += events.len();
                for (at, event) in events.into_iter().enumerate() {
                    self.answered(event, answers.as_ref().ok().and_then(|answers| answers.get(at)));
                }
            }
            Done::Adjusted(adjusted) => self.report.adjusted += u64::from(adjusted),
            Done::Other => {}
        }
    }

    fn answered(&mut self, event: Value, answer: Option<&Answer>) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let Ok(account) = text("account_id").parse::<AccountId>() else { return };
        let known = self.known.entry((account, text("id"))).or_default();
        if known.event.is_null() {
            known.event = event;
        }
        match answer.map(|answer| &answer.verdict) {
            Some(Verdict::Accepted(_)) => {
                known.accepted += 1;
                (known.counts, known.open) = (true, None);
            }
            Some(Verdict::Duplicate) => {
                self.report.duplicates += 1;
                (known.counts, known.open) = (true, None);
            }
            Some(Verdict::Rejected(rejection)) if rejection.code == "event_id_reused" => {
                (known.counts, known.open) = (true, None);
            }
            Some(Verdict::Rejected(rejection)) if !is_retryable(rejection) => {
                self.report.refused += 1;
                // An answer of an earlier round stands before this one; one of this round may not.
                known.open = known.open.filter(|round| *round == self.round);
            }
            Some(Verdict::Rejected(_)) | None => {
                self.report.unanswered += 1;
                if !known.counts {
                    known.open = Some(self.round);
                }
            }
        }
    }

    /// Faults stop; everything open must now be answered, and everything must tie.
    async fn settle(&mut self) -> Result<(), StoreError> {
        self.blobs.calm();
        for worker in &mut self.workers {
            worker.restart()?;
            worker.process.calm();
        }
        self.round += 1;
        let open: Vec<Value> = self.known.values().filter(|known| known.open.is_some()).map(|known| known.event.clone()).collect();
        self.send_all(0, open).await;
        let still_open = self.known.values().filter(|known| known.open.is_some()).count();
        if still_open > 0 {
            self.report.broken.push(format!("{still_open} events found no answer after the faults had stopped"));
        }
        self.report.broken.extend(self.compare());
        // A process that remembers nothing knows every event that counts.
        self.workers[1].restart()?;
        let (commits, before) = (self.witness.seen().batches.len(), self.report.refused);
        let counted: Vec<Value> = self.known.values().filter(|known| known.counts).map(|known| known.event.clone()).collect();
        self.round += 1;
        self.send_all(1, counted).await;
        if self.witness.seen().batches.len() != commits || self.report.refused != before {
            self.report.broken.push("an event that counts was not known when it came again".to_owned());
        }
        Ok(())
    }

    async fn send_all(&mut self, worker: usize, events: Vec<Value>) {
        for batch in events.chunks(500) {
            let done = Ask::Batch(batch.to_vec()).run(&self.workers[worker].platform.clone(), 0).await;
            self.enter(done);
        }
    }

    /// What was acknowledged is what was counted.
    fn compare(&self) -> Vec<String> {
        let seen = self.witness.seen();
        let mut broken = Vec::new();
        for (event, known) in &self.known {
            if known.accepted > 1 {
                broken.push(format!("{event:?} was accepted {} times", known.accepted));
            }
            if known.counts != seen.events.contains_key(event) {
                broken.push(format!("{event:?} was acknowledged: {}, and counted: {}", known.counts, !known.counts));
            }
        }
        let unknown = seen.events.keys().filter(|event| !self.known.contains_key(event)).count();
        if unknown > 0 {
            broken.push(format!("{unknown} events were counted that nobody sent"));
        }
        broken
    }

    fn finish(mut self) -> Report {
        let seen = self.witness.seen();
        let picture = self.audited.picture();
        self.report.counted = seen.events.len();
        self.report.commits = picture.commits;
        self.report.orphans = self.memory_blobs.keys().iter().filter(|key| key.starts_with("usage/")).count() - seen.batches.len();
        self.report.faults = self.workers.iter().map(|worker| worker.process.injected()).sum();
        self.report.broken.extend(picture.broken.iter().cloned());
        drop((seen, picture));
        self.report
    }
}

impl Ask {
    /// Asks until it is known what happened, or patience ends.
    async fn run(self, platform: &Platform, key: usize) -> Done {
        let key = format!("key-{key}");
        match self {
            Ask::Batch(events) => {
                let answers = platform.ingest(&events).await;
                Done::Batch(events, answers)
            }
            Ask::Adjust(asked) => {
                for _ in 0..TRIES {
                    match platform.adjust(&asked, &key).await {
                        Ok(_) => return Done::Adjusted(true),
                        Err(AdjustError::Store(StoreError::Busy | StoreError::Unknown(_))) => {}
                        Err(_) => return Done::Adjusted(false),
                    }
                }
                Done::Adjusted(false)
            }
            other => {
                for _ in 0..TRIES {
                    let done = match &other {
                        Ask::Pay(from, to, amount) => platform.pay(from, to, *amount, &key).await,
                        Ask::Issue(to, amount) => platform.issue(to, *amount, &key).await,
                        Ask::Suspend(account, suspended) => platform.set_suspended(account, *suspended).await,
                        Ask::Move(account, to) => platform.relocate(account, to).await,
                        Ask::Book(account, book) => platform.set_book(account, book).await,
                        Ask::Batch(_) | Ask::Adjust(_) => Ok(()),
                    };
                    if !matches!(done, Err(StoreError::Busy | StoreError::Unknown(_))) {
                        break;
                    }
                }
                Done::Other
            }
        }
    }
}
