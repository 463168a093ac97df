//! A table that fails as DynamoDB can and no emulator does: by seed, at every call, or killed at a chosen one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::evaluate::holds;
use crate::memory::MemoryTable;
use crate::table::{Item, Key, Page, Query, Refusal, Table, TableError, Write};

/// How often each fault strikes, per mille of the calls it can strike. At most one strikes a call, so their sum should
/// not exceed 1000; what is past it never happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// No answer, and nothing happened.
    pub lost_before: u32,
    /// No answer, although the call took effect.
    pub lost_after: u32,
    /// The request was throttled.
    pub busy: u32,
    /// Writes only: another request was at work on an item. A transaction is cancelled with
    /// [`Refusal::Conflict`] for some of its writes, a single write is busy.
    pub conflict: u32,
    /// Transactions only: cancelled with [`Refusal::Throttled`] for some of the writes.
    pub throttled: u32,
    /// Transactions only: refused as TransactionInProgress.
    pub in_progress: u32,
    /// Index queries only, and only with [`Faulty::lagging_behind`]: answered from an older state.
    pub stale_index: u32,
    /// By how many item changes a stale answer lags at most.
    pub stale_changes: usize,
}

impl Faults {
    /// Nothing fails.
    pub const fn none() -> Self {
        Self { lost_before: 0, lost_after: 0, busy: 0, conflict: 0, throttled: 0, in_progress: 0, stale_index: 0, stale_changes: 0 }
    }

    /// A bad day: about one call of twenty fails, and index reads often lag.
    pub const fn drizzle() -> Self {
        Self { lost_before: 10, lost_after: 10, busy: 10, conflict: 10, throttled: 5, in_progress: 5, stale_index: 200, stale_changes: 8 }
    }

    /// The worst that code must survive: of transactions about two of five fail, of index reads half lag.
    pub const fn storm() -> Self {
        Self {
            lost_before: 60,
            lost_after: 100,
            busy: 60,
            conflict: 100,
            throttled: 40,
            in_progress: 40,
            stale_index: 500,
            stale_changes: 64,
        }
    }
}

/// If a call that is lost or killed takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It dies before its effect.
    Before,
    /// It dies after its effect, before the answer.
    After,
}

/// Any table, with faults. Equal seeds, faults and calls give equal failures.
#[derive(Debug)]
pub struct Faulty<T> {
    inner: T,
    lagging: Option<MemoryTable>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: SmallRng,
    faults: Faults,
    calls: u64,
    injected: u64,
    kill: Option<(u64, Moment)>,
    killed: bool,
}

/// What a call is, as far as faults differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    IndexQuery,
    Write,
    Transact,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Served,
    Killed(Moment),
    Lost(Moment),
    Busy(&'static str),
    Cancelled(Blame),
    Stale(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    Conflict,
    Throttled,
}

impl<T: Table> Faulty<T> {
    /// `inner` with faults drawn from `seed`.
    pub fn new(inner: T, seed: u64, faults: Faults) -> Self {
        let rng = SmallRng::seed_from_u64(seed);
        let state = State { rng, faults, calls: 0, injected: 0, kill: None, killed: false };
        Self { inner, lagging: None, state: Mutex::new(state) }
    }

    /// The same, with stale index reads answered from older states of `table`, which must be the one at the bottom of
    /// `inner`.
    pub fn lagging_behind(mut self, table: MemoryTable) -> Self {
        self.lagging = Some(table);
        self
    }

    /// The table without faults.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// Changes how often faults strike from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Ends all faults but a kill: from now on every call is served.
    pub fn calm(&self) {
        self.set_faults(Faults::none());
    }

    /// Kills the table at the call that is `calls` calls ahead, 0 being the next; that call dies before or after its
    /// effect. From then on every call fails with [`TableError::Unknown`] and does nothing, until [`Faulty::revive`].
    pub fn kill_in(&self, calls: u64, moment: Moment) {
        let mut state = self.lock();
        state.kill = Some((state.calls + calls, moment));
    }

    /// Ends a kill, or calls it off.
    pub fn revive(&self) {
        let mut state = self.lock();
        state.kill = None;
        state.killed = false;
    }

    /// If a kill has happened and the table was not revived.
    pub fn is_killed(&self) -> bool {
        self.lock().killed
    }

    /// How many calls were made so far, failed ones included.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// How many calls met a fault so far, stale reads included, calls of a killed table not.
    pub fn injected(&self) -> u64 {
        self.lock().injected
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, call: Call) -> Fate {
        let can_lag = self.lagging.is_some();
        self.lock().fate(call, can_lag)
    }

    /// Makes the refusals of a transaction: blame for some writes, and for the others what their conditions say.
    async fn cancelled(&self, writes: &[Write], blame: Blame) -> TableError {
        let blamed = self.lock().some_of(writes.len());
        let mut refusals = Vec::with_capacity(writes.len());
        for (write, blamed) in writes.iter().zip(blamed) {
            refusals.push(match blame {
                _ if !blamed => self.refusal(write).await,
                Blame::Conflict => Refusal::Conflict,
                Blame::Throttled => Refusal::Throttled,
            });
        }
        TableError::Cancelled(refusals)
    }

    async fn refusal(&self, write: &Write) -> Refusal {
        let Some(cond) = &write.cond else { return Refusal::None };
        match self.inner.get(&write.key, true).await {
            Ok(item) if !holds(cond, item.as_ref()) => Refusal::Condition(item),
            _ => Refusal::None,
        }
    }
}

impl State {
    fn fate(&mut self, call: Call, can_lag: bool) -> Fate {
        let number = self.calls;
        self.calls += 1;
        if self.killed {
            return Fate::Killed(Moment::Before);
        }
        if let Some((_, moment)) = self.kill.take_if(|(at, _)| number >= *at) {
            self.killed = true;
            return Fate::Killed(moment);
        }
        let fate = self.drawn(call, can_lag);
        self.injected += u64::from(fate != Fate::Served);
        fate
    }

    fn drawn(&mut self, call: Call, can_lag: bool) -> Fate {
        let Faults { lost_before, lost_after, busy, conflict, throttled, in_progress, stale_index, .. } = self.faults;
        let only = |calls: &[Call], rate: u32| if calls.contains(&call) { rate } else { 0 };
        let conflicted = if call == Call::Transact { Fate::Cancelled(Blame::Conflict) } else { Fate::Busy("TransactionConflictException") };
        let stale = Fate::Stale(self.rng.random_range(0..=self.faults.stale_changes));
        let fates = [
            (lost_before, Fate::Lost(Moment::Before)),
            (lost_after, Fate::Lost(Moment::After)),
            (busy, Fate::Busy("ThrottlingException")),
            (only(&[Call::Write, Call::Transact], conflict), conflicted),
            (only(&[Call::Transact], throttled), Fate::Cancelled(Blame::Throttled)),
            (only(&[Call::Transact], in_progress), Fate::Busy("TransactionInProgressException")),
            (only(&[Call::IndexQuery], if can_lag { stale_index } else { 0 }), stale),
        ];
        let mut lot = self.rng.random_range(0..1000);
        for (rate, fate) in fates {
            if lot < rate {
                return fate;
            }
            lot -= rate;
        }
        Fate::Served
    }

    /// At least one of `count`, if there is one.
    fn some_of(&mut self, count: usize) -> Vec<bool> {
        let mut chosen: Vec<bool> = (0..count).map(|_| self.rng.random_ratio(1, 3)).collect();
        if count > 0 {
            let one = self.rng.random_range(0..count);
            chosen[one] = true;
        }
        chosen
    }
}

/// Carries out `$call` as the fate wants; the fates that need more are the caller's.
macro_rules! served {
    ($fate:expr, $call:expr) => {
        match $fate {
            Fate::Killed(Moment::Before) => unknown("killed"),
            Fate::Lost(Moment::Before) => unknown("lost before its effect"),
            Fate::Killed(Moment::After) => lost($call.await, "killed"),
            Fate::Lost(Moment::After) => lost($call.await, "lost after its effect"),
            Fate::Busy(code) => Err(TableError::Busy(code.to_owned())),
            Fate::Served | Fate::Cancelled(_) | Fate::Stale(_) => $call.await,
        }
    };
}

fn unknown<R>(message: &str) -> Result<R, TableError> {
    Err(TableError::Unknown(message.to_owned()))
}

/// The outcome of a call whose answer is lost, whatever it was.
fn lost<R>(_outcome: Result<R, TableError>, message: &str) -> Result<R, TableError> {
    unknown(message)
}

#[async_trait]
impl<T: Table> Table for Faulty<T> {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        served!(self.fate(Call::Read), self.inner.get(key, consistent))
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        served!(self.fate(Call::Read), self.inner.batch_get(keys))
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let call = if query.index.is_some() { Call::IndexQuery } else { Call::Read };
        match (self.fate(call), &self.lagging) {
            (Fate::Stale(changes), Some(table)) => table.query_lagging(query, changes),
            (fate, _) => served!(fate, self.inner.query(query)),
        }
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        served!(self.fate(Call::Write), self.inner.write(write))
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        match self.fate(Call::Transact) {
            Fate::Cancelled(blame) => Err(self.cancelled(writes, blame).await),
            fate => served!(fate, self.inner.transact(writes)),
        }
    }
}
