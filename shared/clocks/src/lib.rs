//! Test clocks at work: a tree of accounts is led from one moment to the next at which something is due in it, and at each all is done that schedules do.
//!
//! What is kept is how far the clock is, before anything is done there. So whoever is killed is followed by one who does what is due at that moment, of
//! which nothing happens twice, and goes on.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tributary_api::App;
use tributary_api::clocks::{Clocks, tree};
use tributary_billing::run::SETTLE_S;
use tributary_billing::{Desk, chunk, drafts, due};
use tributary_domain::billing::run::{Counts, MAX_CHUNK, Run, RunState};
use tributary_domain::id::{AccountId, ClockId, RequestId, RunId};
use tributary_domain::test_clock::TestClock;
use tributary_runtime::queue::QueueError;
use tributary_store::error::{Denied, StoreError};
use tributary_store::whose::Whose;
use tributary_watch::{Rang, expiry, look};

/// What goes wrong in a way that may pass.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A step is at most a day, so that what nothing announces is seen to as well.
const LONGEST_STEP_S: i64 = 86_400;
/// And at least this, unless the way ends before: as often the schedules look.
const SHORTEST_STEP_S: i64 = 300;
/// How often what is due at one moment is looked through: one thing may bring another.
const ROUNDS: usize = 5;
const PAGE: usize = 1000;

/// A message of the billing queue: go on with a test clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The clock.
    pub clock_id: ClockId,
    /// The root of its tree, under which it is kept.
    pub account_id: AccountId,
}

/// What a piece of work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worked {
    /// Moments that were reached.
    pub moments: usize,
    /// Its time was over: the rest is told again.
    pub later: bool,
}

/// Has the worker go on with a clock.
///
/// # Errors
/// When the queue does not take it: the schedule sends it again.
pub async fn tell(app: &App, clock: &TestClock) -> Result<(), QueueError> {
    let told = Told { clock_id: clock.id.clone(), account_id: clock.account_id.clone() };
    let body = serde_json::to_string(&told).map_err(|error| QueueError::Unavailable(error.to_string()))?;
    app.queues().billing.send(&body).await
}

/// Has the worker look at every clock: their time flows, and one that stopped on its way is gone on with.
///
/// # Errors
/// When the queue does not take it.
pub async fn wake(app: &App, clocks: &Clocks) -> Result<(), QueueError> {
    for clock in clocks.all() {
        tell(app, clock).await?;
    }
    Ok(())
}

/// Does what is due in a tree, and leads its clock on towards its target until that is reached or `until` has come. Safe to repeat, to overlap and to kill.
///
/// # Errors
/// When something does not answer for now: the message must be given again.
pub async fn work(app: &App, request: &RequestId, told: &Told, until: Timestamp) -> Result<Worked, Failure> {
    let mut worked = Worked::default();
    let Some(mut clock) = app.store().test_clock_of(&told.account_id).await?.filter(|clock| clock.id == told.clock_id) else {
        return Ok(worked);
    };
    // What a worker before this one did at this moment is not known, so accounts are looked at in any case.
    let mut look = true;
    loop {
        if app.now() >= until {
            worked.later = true;
            tell(app, &clock).await?;
            return Ok(worked);
        }
        let step = Step::of(app, request, &clock, until).await?;
        if !step.all(look).await? {
            continue;
        }
        look = false;
        let Some(target) = clock.target else { return Ok(worked) };
        if step.app.now() >= target {
            clock.arrive();
            app.store().keep_test_clock(&clock).await?;
            return Ok(worked);
        }
        let moment = step.next(target).await?;
        clock.reach(app.now(), moment);
        match app.store().keep_test_clock(&clock).await? {
            Some(kept) => clock = kept,
            // Another worker is at it.
            None => return Ok(worked),
        }
        worked.moments += 1;
    }
}

/// One moment of a tree.
struct Step<'a> {
    request: &'a RequestId,
    /// At the tree's time, and with nothing but its accounts in the lists of what is due.
    app: App,
    accounts: Arc<BTreeSet<AccountId>>,
    /// In the tree's time.
    until: Timestamp,
}

fn plus(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

impl<'a> Step<'a> {
    async fn of(app: &App, request: &'a RequestId, clock: &TestClock, until: Timestamp) -> Result<Self, StoreError> {
        let accounts = Arc::new(tree(app, &clock.account_id).await?);
        let app = app.at(clock.offset_ms).of(Whose::Only(Arc::clone(&accounts)));
        Ok(Self { request, app, accounts, until: clock.now(until) })
    }

    /// Does all that is due. `false` if there was no time for all of it.
    async fn all(&self, mut look: bool) -> Result<bool, Failure> {
        for _ in 0..ROUNDS {
            let mut did = self.credit().await?;
            did += self.bill().await?;
            did += self.drafts().await?;
            did += self.collect().await?;
            did += self.watch().await?;
            if did > 0 || look {
                did += self.look().await?;
                look = false;
            }
            if self.app.now() >= self.until {
                return Ok(false);
            }
            if did == 0 {
                break;
            }
        }
        Ok(true)
    }

    async fn credit(&self) -> Result<usize, StoreError> {
        let done = expiry::run(&self.app, self.request).await?;
        Ok(done.expired + done.lots_expired)
    }

    /// Closes periods. The run is not kept: the tree's invoices are not among those of the platform's runs.
    async fn bill(&self) -> Result<usize, StoreError> {
        let as_of = plus(self.app.now(), -SETTLE_S);
        let (mut due, mut start): (BTreeSet<AccountId>, _) = (BTreeSet::new(), None);
        loop {
            let (page, next) = self.app.store().billing_due(as_of, start, PAGE).await?;
            due.extend(page.into_iter().map(|(account, _)| account));
            match next {
                Some(next) => start = Some(next),
                None => break,
            }
        }
        if due.is_empty() {
            return Ok(0);
        }
        let run = Run {
            id: RunId::from_uuid(self.app.uuid()),
            account_id: self.app.store().operator().await?.ok_or(StoreError::Denied(Denied::Absent))?,
            asked: None,
            as_of,
            state: RunState::Working,
            chunks: 0,
            counts: Counts::default(),
            digest: None,
            created_at: self.app.now(),
            ended_at: None,
            version: 1,
        };
        let (due, mut closed) = (due.into_iter().collect::<Vec<_>>(), 0);
        for accounts in due.chunks(MAX_CHUNK) {
            let outcome = chunk::bill(&self.app, &run, accounts, self.until).await?;
            for failed in &outcome.failed {
                let (account_id, error) = (&failed.account_id, &failed.why);
                tracing::error!(request_id = self.request.as_str(), %account_id, error, "an account on a test clock could not be billed");
            }
            let counts = outcome.counts(accounts.len());
            closed += usize::try_from(counts.invoices + counts.empty).unwrap_or(usize::MAX);
        }
        Ok(closed)
    }

    async fn drafts(&self) -> Result<usize, StoreError> {
        Ok(drafts::finalize_due(&self.app, self.request, self.until).await?.issued)
    }

    async fn collect(&self) -> Result<usize, Failure> {
        let ran = due::run(&Desk::of(&self.app, self.request.clone()), self.until).await?;
        Ok(ran.invoices + ran.payments + ran.disputes)
    }

    /// What is tried again, and alerts whose period is over.
    async fn watch(&self) -> Result<usize, StoreError> {
        let looked = tributary_watch::due::look(&self.app, self.request).await?.looked;
        Ok(looked.drawn + looked.fired + looked.resolved)
    }

    /// Tops up and alerts, as events would have it: those come when the clock is elsewhere.
    async fn look(&self) -> Result<usize, StoreError> {
        let mut did = 0;
        for account in &*self.accounts {
            match look(&self.app, self.request, account, Rang::Everything).await {
                Ok(looked) => did += looked.drawn + looked.fired + looked.resolved,
                Err(error) => {
                    tracing::error!(request_id = self.request.as_str(), account_id = %account, %error, "an account on a test clock could not be looked at");
                }
            }
        }
        Ok(did)
    }

    /// The next moment on the way to `target`.
    async fn next(&self, target: Timestamp) -> Result<Timestamp, StoreError> {
        let now = self.app.now();
        let upto = target.min(plus(now, LONGEST_STEP_S));
        let due = self.app.store().next_due(now, upto, SignedDuration::from_secs(SETTLE_S)).await?;
        Ok(due.unwrap_or(upto).max(plus(now, SHORTEST_STEP_S)).min(target))
    }
}
