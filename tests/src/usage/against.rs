//! The engine against the oracle: the same events through the real ingestion and through the oracle, compared event by
//! event and, at the end, account by account and record by record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::Value;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Book, LedgerId, SYSTEM_STRIPES, System};
use tributary_domain::pricing::rate::RatedEvent;
use tributary_metering::ingest::Answer;
use tributary_metering::plan::Verdict;
use tributary_metering::record::{self, RecordKind};
use tributary_runtime::blobs::{Blobs, MemoryBlobs};
use tributary_runtime::clock::ManualClock;
use tributary_runtime::ids::SeededIds;
use tributary_store::commit::Patience;
use tributary_store::error::StoreError;
use tributary_store::memory::MemoryTable;

use super::platform::{Adjusted, Ground, Platform};
use super::town::Town;
use crate::oracle::account::{Rated, Rejected};
use crate::oracle::log::Command;
use crate::oracle::{Oracle, Outcome};

/// Where the clock stands at first: in the middle of a month, so that four months are met.
const START: &str = "2026-01-10T00:00:00Z";
/// How long a run lasts on its clock.
const RUN_MS: i64 = 75 * 24 * 3_600_000;
/// The most differences that are told.
const MOST_TOLD: usize = 20;

/// What a run is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Everything follows from it.
    pub seed: u64,
    /// How many events are sent, repetitions included.
    pub events: usize,
}

/// What a run found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Accounts, the operator included.
    pub accounts: usize,
    /// Batches sent.
    pub batches: usize,
    /// Events sent.
    pub sent: usize,
    /// Counted.
    pub accepted: u64,
    /// Known before.
    pub duplicates: u64,
    /// Refused, by code.
    pub rejected: BTreeMap<String, u64>,
    /// Events with another content under a known id that two bytes of a hash did not tell apart: one of 65,536.
    pub content_unnoticed: u64,
    /// Late by more than an hour, and counted.
    pub late: u64,
    /// Counted with a promotion.
    pub promoted: u64,
    /// Counted, and taken back later.
    pub taken_back: u64,
    /// Counted anew with another quantity.
    pub corrected: u64,
    /// Adjustments that were refused, by both.
    pub adjustments_refused: u64,
    /// Prices at any level by the rule that set them.
    pub rules: BTreeMap<&'static str, u64>,
    /// Books changed, moves, suspensions and so on while events came.
    pub happenings: usize,
    /// Lines of account, month and meter compared.
    pub lines: usize,
    /// Micro-units that all prices at all levels came to.
    pub moved: Decimal,
    /// How long the engine took.
    pub engine: Duration,
    /// How long the oracle took.
    pub oracle: Duration,
    /// Every difference; empty in a good run. The first few in full.
    pub differences: Vec<String>,
    /// How many there were.
    pub differing: u64,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = |counts: &BTreeMap<String, u64>| counts.iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ");
        let rules = self.rules.iter().map(|(rule, n)| ((*rule).to_owned(), *n)).collect();
        writeln!(f, "seed {}: {} events in {} batches, {} accounts", self.seed, self.sent, self.batches, self.accounts)?;
        writeln!(f, "accepted    {} ({} late by more than an hour, {} with a promotion)", self.accepted, self.late, self.promoted)?;
        writeln!(
            f,
            "duplicates  {} (and {} with another content that two bytes of a hash did not tell)",
            self.duplicates, self.content_unnoticed
        )?;
        writeln!(f, "rejected    {} ({})", self.rejected.values().sum::<u64>(), counts(&self.rejected))?;
        writeln!(f, "adjusted    {} taken back, {} corrected, {} refused", self.taken_back, self.corrected, self.adjustments_refused)?;
        writeln!(f, "prices      {} ({})", self.rules.values().sum::<u64>(), counts(&rules))?;
        writeln!(f, "meanwhile   {} changes of books, places, states and credit", self.happenings)?;
        writeln!(
            f,
            "compared    each event at each level, {} lines of account, month and meter, {} records, every balance",
            self.lines, self.accepted
        )?;
        writeln!(f, "moved       {} in all currencies and at all levels", self.moved)?;
        writeln!(f, "time        engine {:.1?}, oracle {:.1?}", self.engine, self.oracle)?;
        for difference in &self.differences {
            writeln!(f, "DIFFERENCE  {difference}")?;
        }
        write!(f, "differences {}", self.differing)
    }
}

struct Run {
    platform: Platform,
    blobs: MemoryBlobs,
    clock: ManualClock,
    town: Town,
    oracle: Oracle,
    random: SmallRng,
    /// Of each account, the events that the oracle counted: none may be missing in the records, none there twice.
    counted: u64,
    report: Report,
}

/// Runs one seed.
///
/// # Errors
/// A sentence, if the run itself cannot go on.
pub async fn run(settings: Settings) -> Result<Report, String> {
    let clock = ManualClock::at(START.parse().map_err(|error: jiff::Error| error.to_string())?);
    let blobs = MemoryBlobs::default();
    let ground = Ground {
        table: Arc::new(MemoryTable::new()),
        blobs: Arc::new(blobs.clone()),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(SeededIds::new(settings.seed)),
    };
    let platform = Platform::on(&ground, Patience::eager(12)).await.map_err(|error| format!("the platform: {error}"))?;
    let town = Town::build(&platform, settings.seed).await.map_err(|error| format!("the town: {error}"))?;
    let report = Report { seed: settings.seed, accounts: town.citizens.len(), ..Report::default() };
    let random = SmallRng::seed_from_u64(settings.seed ^ 0x0bac);
    let mut run = Run { platform, blobs, clock, town, oracle: Oracle::default(), random, counted: 0, report };
    run.go(settings.events).await?;
    run.settle().await?;
    Ok(run.report)
}

impl Run {
    async fn go(&mut self, events: usize) -> Result<(), String> {
        let most = (events / 100).clamp(20, 1_000);
        let step = RUN_MS / i64::try_from(events * 2 / most).unwrap_or(1).max(1);
        while self.report.sent < events {
            self.clock.advance_ms(self.random.random_range(1..=step * 2));
            if self.random.random_bool(0.5) {
                let happened = self.town.happens(&self.platform).await.map_err(|error| format!("a happening: {error}"))?;
                let outcomes = self.catch_up();
                if let Some(adjusted) = happened {
                    self.adjusted(outcomes.first(), &adjusted);
                }
            }
            let size = self.random.random_range(1..=most).min(events - self.report.sent);
            let batch = self.town.events(self.platform.now(), size);
            self.report.sent += size;
            self.report.batches += 1;
            let began = Instant::now();
            let answers = self.platform.ingest(&batch).await?;
            self.report.engine += began.elapsed();
            self.town.note_batch(self.platform.now(), batch.clone());
            self.compare(&batch, &answers);
        }
        Ok(())
    }

    /// Lets the oracle do what was done; gives what it says of the last of it.
    fn catch_up(&mut self) -> Vec<Outcome> {
        let (began, mut outcomes) = (Instant::now(), Vec::new());
        for command in self.town.take_commands() {
            self.report.happenings += usize::from(!matches!(command, Command::Batch { .. }));
            outcomes = self.oracle.apply(&command);
        }
        self.report.oracle += began.elapsed();
        outcomes
    }

    /// Compares what came of an adjustment.
    fn adjusted(&mut self, outcome: Option<&Outcome>, adjusted: &Adjusted) {
        match (outcome, adjusted) {
            (Some(Outcome::TakenBack), Ok(None)) => self.report.taken_back += 1,
            (Some(Outcome::Accepted(ours)), Ok(Some(theirs))) => {
                self.report.corrected += 1;
                for what in unlike(ours, theirs) {
                    self.differs(format!("corrected: {what}"));
                }
            }
            (Some(Outcome::Rejected(_)), Err(_)) => self.report.adjustments_refused += 1,
            (outcome, adjusted) => self.differs(format!("an adjustment: the oracle says {outcome:?}, the engine {adjusted:?}")),
        }
    }

    /// Compares what came of a batch.
    fn compare(&mut self, batch: &[Value], answers: &[Answer]) {
        let outcomes = self.catch_up();
        if outcomes.len() != answers.len() {
            self.differs(format!("{} answers to {} events", answers.len(), outcomes.len()));
        }
        for ((event, outcome), answer) in batch.iter().zip(outcomes).zip(answers) {
            self.one(event, &outcome, &answer.verdict);
        }
    }

    fn one(&mut self, event: &Value, outcome: &Outcome, verdict: &Verdict) {
        match (outcome, verdict) {
            (Outcome::Accepted(ours), Verdict::Accepted(theirs)) => {
                self.note(event, ours);
                for what in unlike(ours, theirs) {
                    self.differs(format!("{event}: {what}"));
                }
            }
            (Outcome::Duplicate, Verdict::Duplicate) => self.report.duplicates += 1,
            (Outcome::Rejected(Rejected::EventIdReused), Verdict::Duplicate) => self.report.content_unnoticed += 1,
            (Outcome::Rejected(why), Verdict::Rejected(rejection)) if code(*why) == rejection.code => {
                *self.report.rejected.entry(rejection.code.clone()).or_default() += 1;
            }
            (outcome, verdict) => self.differs(format!("{event}: the oracle says {outcome:?}, the engine {verdict:?}")),
        }
    }

    fn note(&mut self, event: &Value, rated: &Rated) {
        self.report.accepted += 1;
        self.counted += 1;
        let occurred: Option<Timestamp> = event["occurred_at"].as_str().and_then(|at| at.parse().ok());
        self.report.late += u64::from(occurred.is_some_and(|at| self.platform.now().duration_since(at).as_hours() >= 1));
        self.report.promoted += u64::from(rated.given.is_some());
        for level in &rated.levels {
            *self.report.rules.entry(level.rule).or_default() += 1;
            self.report.moved += level.amount;
        }
    }

    fn differs(&mut self, what: String) {
        self.report.differing += 1;
        if self.report.differences.len() < MOST_TOLD {
            self.report.differences.push(what);
        }
    }

    /// Everything is compared once more: balances, totals, and the records that the ledgers name.
    async fn settle(&mut self) -> Result<(), String> {
        let accounts: Vec<AccountId> = self.town.citizens.iter().skip(1).map(|citizen| citizen.id.clone()).collect();
        let store = self.platform.app.store().clone();
        let mut batches: BTreeSet<TransferId> = BTreeSet::new();
        let mut children: BTreeMap<&'static str, Decimal> = BTreeMap::new();
        for id in &accounts {
            let head = self.platform.head(id).await.map_err(|error| error.to_string())?;
            let ours = self.oracle.accounts[&id.to_string()].credit;
            *children.entry(head.currency.code()).or_default() += micros(head.available.get());
            if micros(head.available.get()) != ours {
                self.differs(format!("{id} has {}, and the oracle {ours}", head.available));
            }
            self.totals(id, &store.usage_states([&head]).await.map_err(|error| error.to_string())?[id]);
            let mut above = 0;
            loop {
                let (entries, last) = store.usage_entries(id, above, 1_000).await.map_err(|error| error.to_string())?;
                batches.extend(entries.iter().filter_map(|entry| entry.entry.transfer_id.clone()));
                match last {
                    Some(last) => above = last,
                    None => break,
                }
            }
        }
        self.records(&batches).await?;
        self.sums(&children).await
    }

    /// The totals that an account's ledger carries.
    fn totals(&mut self, id: &AccountId, state: &tributary_domain::pricing::state::UsageState) {
        let account = &self.oracle.accounts[&id.to_string()];
        let mut wrong = Vec::new();
        let mut lines = 0;
        for ((month, meter), line) in &account.lines {
            lines += 1;
            let (Ok(at), Ok(key)) = (month.to_string().parse(), meter.parse()) else { continue };
            let theirs = state.meter(at, &key);
            let theirs = (
                micros(theirs.quantity.get()),
                picos(theirs.paid.get()),
                picos(theirs.cost.get()),
                micros(theirs.earned.get()),
                micros(theirs.max.get()),
            );
            let ours = (line.used, line.paid, line.seller_paid, line.earned, theirs.4);
            if theirs != ours {
                wrong.push(format!("{id} {month} {meter}: quantity, paid, cost, earned, max {theirs:?}, and the oracle {ours:?}"));
            }
        }
        let ours: BTreeSet<(String, String)> = account.lines.keys().map(|(month, meter)| (month.to_string(), meter.clone())).collect();
        for (month, kept) in &state.months {
            for meter in kept.meters.keys().filter(|meter| !ours.contains(&(month.to_string(), meter.to_string()))) {
                wrong.push(format!("{id} {month} {meter}: the oracle knows nothing of it"));
            }
        }
        for (month, volume) in &account.volumes {
            let theirs = month.to_string().parse().map(|at| micros(state.volume(at).get()));
            if theirs.is_ok_and(|theirs| theirs != *volume) {
                wrong.push(format!("{id} {month}: volume {theirs:?}, and the oracle {volume}"));
            }
        }
        self.report.lines += lines;
        wrong.into_iter().for_each(|what| self.differs(what));
    }

    /// Every counted event is in the records once.
    async fn records(&mut self, batches: &BTreeSet<TransferId>) -> Result<(), String> {
        let mut seen: BTreeSet<(AccountId, String)> = BTreeSet::new();
        let (mut doubled, mut unknown) = (0_u64, 0_u64);
        for batch in batches {
            for record in record::read(&self.blobs as &dyn Blobs, batch).await.map_err(|error| error.to_string())? {
                if record.kind != RecordKind::Usage {
                    continue;
                }
                let counted = self.oracle.accounts.get(&record.event.account_id.to_string());
                unknown += u64::from(counted.is_none_or(|account| !account.counted.contains_key(&record.event.id)));
                doubled += u64::from(!seen.insert((record.event.account_id, record.event.id)));
            }
        }
        let missed = self.counted - u64::try_from(seen.len()).unwrap_or(u64::MAX).min(self.counted);
        if (doubled, unknown, missed) != (0, 0, 0) {
            self.differs(format!("of the records {doubled} are doubled, {unknown} should not be there, {missed} are missing"));
        }
        Ok(())
    }

    /// With what was issued and what was used up, each currency sums to zero.
    async fn sums(&mut self, accounts: &BTreeMap<&'static str, Decimal>) -> Result<(), String> {
        for (code, sum) in accounts {
            let mut total = *sum;
            for book in [Book::Issued, Book::Consumed] {
                for stripe in 0..SYSTEM_STRIPES {
                    let ledger = LedgerId::System(System { book, currency: (*code).to_owned(), stripe });
                    match self.platform.app.store().head(&ledger).await {
                        Ok(head) => total += micros(head.available.get()),
                        // Nothing was written there yet.
                        Err(StoreError::Denied(_)) => {}
                        Err(error) => return Err(error.to_string()),
                    }
                }
            }
            if !total.is_zero() {
                self.differs(format!("all ledgers of {code} together hold {total}"));
            }
        }
        Ok(())
    }
}

fn micros(count: i64) -> Decimal {
    Decimal::new(count, 6)
}

fn picos(count: i128) -> Decimal {
    Decimal::from_i128_with_scale(count, 12)
}

/// The engine's word for the oracle's reason.
fn code(why: Rejected) -> &'static str {
    match why {
        Rejected::UnknownAccount => "not_found",
        Rejected::EventIdReused => "event_id_reused",
        Rejected::TooLate => "event_too_old",
        Rejected::TooEarly => "event_in_future",
        Rejected::Suspended => "account_suspended",
        Rejected::UnknownMeter => "unknown_meter",
        Rejected::NoPrice => "no_price",
        Rejected::UnderCost => "under_cost",
        Rejected::InsufficientCredits => "insufficient_credits",
        Rejected::NoSuchEvent | Rejected::NotSeparable => "none: these are of adjustments",
    }
}

/// What the two say differently of one event.
fn unlike(ours: &Rated, theirs: &RatedEvent) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{what}: {theirs}, and the oracle {ours}"));
        }
    };
    same("owner", ours.owner.clone(), theirs.owner.to_string());
    same("period", ours.month.to_string(), theirs.period.to_string());
    same("contribution", ours.units.normalize().to_string(), micros(theirs.contribution.get()).normalize().to_string());
    same("levels", ours.levels.len().to_string(), theirs.levels.len().to_string());
    for (at, (ours, theirs)) in ours.levels.iter().zip(&theirs.levels).enumerate() {
        let mut level = |what: &str, ours: String, theirs: String| same(&format!("level {at} {what}"), ours, theirs);
        let exact = |price: Decimal| price.normalize().to_string();
        level("payer", ours.payer.clone(), theirs.payer.to_string());
        level("seller", ours.seller.clone(), theirs.seller.to_string());
        level("rule", format!("{} {:?}", ours.rule, ours.rule_id), format!("{} {:?}", theirs.rule.kind.word(), theirs.rule.id));
        level("position", exact(ours.position), exact(micros(theirs.position.get())));
        level("price", exact(ours.price), exact(picos(theirs.price.get())));
        level("cost", format!("{:?}", ours.cost.map(exact)), format!("{:?}", theirs.cost.map(|cost| exact(picos(cost.get())))));
        level("amount", exact(ours.amount), exact(micros(theirs.amount.get())));
    }
    found
}
