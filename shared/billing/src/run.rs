//! Runs: begun by the schedule for whatever is due, or by a seller for a month; cut into chunks of accounts of one seller, each a message.
//!
//! A run's moment never changes, so that it closes the same periods however often it is gone on with. A run that stopped on its way is gone on with by the
//! schedule; accounts that are in an open run are not listed again.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tributary_api::App;
use tributary_api::clocks::Clocks;
use tributary_domain::billing::run::{Asked, Chunk, Counts, MAX_CHUNK, Run, RunChange, RunState};
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId, RunId};
use tributary_runtime::queue::QueueError;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::runs::RunKept;

use crate::{chunk, digest, result};

/// What goes wrong in a way that may pass.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How long a period is left alone after it can be closed, in seconds: what was begun before it has ended by then, and no clock is so far behind.
pub const SETTLE_S: i64 = 120;
/// The most accounts of one run of the schedule; the next takes the rest.
pub const MAX_LISTED: usize = 20_000;
/// After so many tries the queue puts a message aside: what is done is kept before that.
pub const LAST_TRY: u32 = 5;

const PAGE: usize = 1000;
const PARALLEL: usize = 16;
/// Runs that are open at once, at most.
const OPEN: usize = 100;
/// So long after a run began its messages are sent again, in minutes, and again after as long.
const RETELL_MIN: i64 = 20;
/// So often the schedule fires, in minutes.
const EVERY_MIN: i64 = 5;
/// So long after a run began what is left of it is given up, in minutes; a later run lists it again.
const GIVEN_UP_MIN: i64 = 120;

/// A message of the billing queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The run.
    pub run_id: RunId,
    /// Which chunk; absent: its accounts are to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
}

/// What a scheduled start did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Started {
    /// The run, if something was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// Accounts in it.
    pub accounts: usize,
    /// Its chunks.
    pub chunks: usize,
    /// Older runs that are open.
    pub open: usize,
    /// Accounts whose run was given up.
    pub given_up: usize,
}

fn minutes_of(since: Timestamp, now: Timestamp) -> i64 {
    now.duration_since(since).as_secs() / 60
}

/// Who acts: the schedule, no key of anybody's, under a record that follows from the run.
fn act(app: &App, request: &RequestId, run: &RunId) -> Act {
    let event = EventId::from_number(run.as_u128());
    Act { event, actor: ActorId::platform(), request: request.clone(), now: app.now() }
}

async fn tell(app: &App, told: &Told) -> Result<(), QueueError> {
    let body = serde_json::to_string(told).map_err(|error| QueueError::Unavailable(error.to_string()))?;
    app.queues().billing.send(&body).await
}

async fn tell_all(app: &App, run: &RunId, chunks: impl IntoIterator<Item = u32>) -> Result<(), Failure> {
    let mut told = Vec::new();
    for number in chunks {
        told.push(async move { tell(app, &Told { run_id: run.clone(), chunk: Some(number) }).await });
    }
    stream::iter(told).buffer_unordered(PARALLEL).try_collect::<()>().await?;
    Ok(())
}

/// Begins a run over all accounts of which something can be billed, and looks after the runs that are open. Safe to repeat, to overlap and to kill.
///
/// # Errors
/// When what is due cannot be listed, or a run not be begun: the schedule tries again.
pub async fn start_due(app: &App, request: &RequestId) -> Result<Started, Failure> {
    let now = app.now();
    let mut started = Started::default();
    let mut busy = BTreeSet::new();
    for id in app.store().open_runs(OPEN).await? {
        match look_after(app, request, &id, &mut started).await {
            Ok(accounts) => busy.extend(accounts),
            Err(error) => {
                tracing::error!(request_id = request.as_str(), run_id = %id, error = %error, "a billing run cannot be gone on with")
            }
        }
    }
    let as_of = now.checked_sub(SignedDuration::from_secs(SETTLE_S))?;
    let mut due: BTreeMap<AccountId, BTreeSet<AccountId>> = BTreeMap::new();
    let mut start = None;
    loop {
        let (page, next) = app.store().billing_due(as_of, start, PAGE).await?;
        for (account, seller) in page.into_iter().filter(|(account, _)| !busy.contains(account)) {
            started.accounts += usize::from(due.entry(seller).or_default().insert(account));
        }
        match next {
            Some(next) if started.accounts < MAX_LISTED => start = Some(next),
            _ => break,
        }
    }
    if started.accounts == 0 {
        return Ok(started);
    }
    let operator = app.store().operator().await?.ok_or("the platform has no operator")?;
    let run = Run {
        id: RunId::from_uuid(app.uuid()),
        account_id: operator,
        asked: None,
        as_of,
        state: RunState::Listing,
        chunks: 0,
        counts: Counts::default(),
        digest: None,
        created_at: now,
        ended_at: None,
        version: 1,
    };
    app.store().begin_run(&run).await?;
    started.chunks = list(app, &run.id, due, 0).await? as usize;
    started.run_id = Some(run.id.clone());
    go(app, request, &run).await?;
    Ok(started)
}

/// Keeps accounts as chunks, numbered from `above` on; the last number.
async fn list(app: &App, run: &RunId, due: BTreeMap<AccountId, BTreeSet<AccountId>>, above: u32) -> Result<u32, StoreError> {
    let (mut chunks, mut number) = (Vec::new(), above);
    for (seller_id, accounts) in due {
        let accounts: Vec<AccountId> = accounts.into_iter().collect();
        for accounts in accounts.chunks(MAX_CHUNK) {
            number += 1;
            let (accounts, seller_id) = (accounts.to_vec(), seller_id.clone());
            chunks.push(Chunk {
                number,
                seller_id,
                accounts,
                done: false,
                counts: Counts::default(),
                digest: String::new(),
                failed: Vec::new(),
            });
        }
    }
    let keep: Vec<_> = chunks.iter().map(|chunk| app.store().list_chunk(run, chunk)).collect();
    stream::iter(keep).buffer_unordered(PARALLEL).try_collect::<()>().await?;
    Ok(number)
}

/// From listing to work: how many chunks there are is what is kept of them.
async fn go(app: &App, request: &RequestId, run: &Run) -> Result<(), Failure> {
    let chunks = app.store().run_chunks(&run.id).await?;
    if let Some(state) = run.state.after(RunChange::Listed) {
        let count = u32::try_from(chunks.len())?;
        if app.store().keep_run(&Run { state, chunks: count, ..run.clone() }).await?.is_none() {
            return Ok(());
        }
    }
    if chunks.is_empty() {
        return end(app, request, &run.id).await;
    }
    tell_all(app, &run.id, chunks.iter().map(|chunk| chunk.number)).await
}

/// Goes on with an open run if it stopped on its way. What is given are the accounts that it still has to bill.
async fn look_after(app: &App, request: &RequestId, id: &RunId, started: &mut Started) -> Result<Vec<AccountId>, Failure> {
    let RunKept { run, done } = app.store().run(id).await?;
    let age = minutes_of(run.created_at, app.now());
    let again = age >= RETELL_MIN && age % RETELL_MIN < EVERY_MIN;
    match run.state {
        RunState::Completed => return Ok(Vec::new()),
        RunState::Listing => {
            started.open += 1;
            match run.asked {
                Some(_) if again => tell(app, &Told { run_id: id.clone(), chunk: None }).await?,
                Some(_) => {}
                // Whoever listed what was due has died if it has not gone on by now; what is not in a chunk is listed by this run.
                None if age >= EVERY_MIN => go(app, request, &run).await?,
                None => {}
            }
        }
        RunState::Working if done >= run.chunks => {
            end(app, request, id).await?;
            return Ok(Vec::new());
        }
        RunState::Working => started.open += 1,
    }
    let left: Vec<Chunk> = app.store().run_chunks(id).await?.into_iter().filter(|chunk| !chunk.done).collect();
    if age >= GIVEN_UP_MIN && run.state == RunState::Working {
        started.given_up += left.iter().map(|chunk| chunk.accounts.len()).sum::<usize>();
        end(app, request, id).await?;
        return Ok(Vec::new());
    }
    if again && run.state == RunState::Working {
        tell_all(app, id, left.iter().map(|chunk| chunk.number)).await?;
    }
    // What was asked for does not keep the schedule from billing.
    Ok(if run.asked.is_some() { Vec::new() } else { left.into_iter().flat_map(|chunk| chunk.accounts).collect() })
}

/// Completes a run: sums and digest over its chunks. What is not done counts as failed.
async fn end(app: &App, request: &RequestId, id: &RunId) -> Result<(), Failure> {
    let RunKept { run, .. } = app.store().run(id).await?;
    let Some(state) = run.state.after(RunChange::End) else { return Ok(()) };
    let chunks = app.store().run_chunks(id).await?;
    let mut counts = Counts::default();
    for chunk in &chunks {
        counts.add(chunk.counts);
        if !chunk.done {
            let accounts = chunk.accounts.len() as u64;
            counts.add(Counts { accounts, failed: accounts, ..Counts::default() });
        }
    }
    let ended = Run { state, counts, digest: Some(digest::of_chunks(&chunks)), ended_at: Some(app.now()), ..run };
    if app.store().end_run(&ended, &act(app, request, id)).await?.is_some() {
        let digest = ended.digest.as_deref();
        tracing::info!(run_id = %id, accounts = counts.accounts, invoices = counts.invoices, failed = counts.failed, digest, "a billing run is completed");
    }
    Ok(())
}

/// A run that is asked for: kept by [`tributary_store::Store::ask_run`], then [`begin_asked`].
pub fn asked(app: &App, asked: Asked) -> Run {
    let now = app.now();
    Run {
        id: RunId::from_uuid(app.uuid()),
        account_id: asked.by.clone(),
        asked: Some(asked),
        as_of: now.checked_sub(SignedDuration::from_secs(SETTLE_S)).unwrap_or(now),
        state: RunState::Listing,
        chunks: 0,
        counts: Counts::default(),
        digest: None,
        created_at: now,
        ended_at: None,
        version: 1,
    }
}

/// Has the worker list the accounts of a run that is asked for, and bill them.
///
/// # Errors
/// When the queue does not take it: the schedule sends it again.
pub async fn begin_asked(app: &App, run: &Run) -> Result<(), QueueError> {
    tell(app, &Told { run_id: run.id.clone(), chunk: None }).await
}

/// Works off one message. `times` is how often it was given, this time included; nothing more is begun after `until`.
///
/// # Errors
/// When something does not answer for now, or accounts could not be billed: the message must be given again. What was done stays done.
pub async fn work(app: &App, request: &RequestId, told: &Told, times: u32, until: Timestamp) -> Result<Counts, Failure> {
    let run = match app.store().run(&told.run_id).await {
        Ok(kept) => kept.run,
        // The request that sent this was refused after all.
        Err(StoreError::Denied(Denied::Absent)) => return Ok(Counts::default()),
        Err(error) => return Err(error.into()),
    };
    let (app, until) = &in_its_time(app, &run, until).await?;
    let until = *until;
    match (told.chunk, run.state) {
        (_, RunState::Completed) => Ok(Counts::default()),
        (None, RunState::Listing) => list_asked(app, request, &run).await.map(|()| Counts::default()),
        (None, RunState::Working) => Ok(Counts::default()),
        (Some(number), _) => work_chunk(app, request, &run, number, times, until).await,
    }
}

/// The time that a run goes by: one that is of later than now was asked for in a tree on a test clock.
async fn in_its_time(app: &App, run: &Run, until: Timestamp) -> Result<(App, Timestamp), StoreError> {
    match &run.asked {
        Some(asked) if run.as_of > app.now() => {
            let (shifted, left) = (Clocks::read(app).await?.time_of(&asked.account_id).await?, until.duration_since(app.now()));
            let until = shifted.now().checked_add(left).unwrap_or(until);
            Ok((shifted, until))
        }
        Some(_) | None => Ok((app.clone(), until)),
    }
}

/// Lists the accounts of a run that was asked for; what an attempt that died has listed stays listed.
async fn list_asked(app: &App, request: &RequestId, run: &Run) -> Result<(), Failure> {
    let Some(asked) = &run.asked else { return Ok(()) };
    let known = app.store().run_chunks(&run.id).await?;
    let above = known.iter().map(|chunk| chunk.number).max().unwrap_or(0);
    let known: BTreeSet<AccountId> = known.into_iter().flat_map(|chunk| chunk.accounts).collect();
    let root = app.store().account(&asked.account_id).await?;
    let mut due: BTreeMap<AccountId, BTreeSet<AccountId>> = BTreeMap::new();
    if let Some(parent) = root.lineage.parent().filter(|_| asked.account_id != asked.by && !known.contains(&root.id)) {
        due.entry(parent.clone()).or_default().insert(root.id.clone());
    }
    let mut start = None;
    loop {
        let (page, next) = app.store().tree_page(&root.id, &root.lineage, start, 0).await?;
        for account in page.into_iter().filter(|account| !known.contains(&account.id)) {
            if let Some(parent) = account.lineage.parent() {
                due.entry(parent.clone()).or_default().insert(account.id);
            }
        }
        match next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    list(app, &run.id, due, above).await?;
    go(app, request, run).await
}

async fn work_chunk(app: &App, request: &RequestId, run: &Run, number: u32, times: u32, until: Timestamp) -> Result<Counts, Failure> {
    let mut chunk = app.store().run_chunk(&run.id, number).await?;
    if chunk.done {
        end_if_last(app, request, &run.id).await?;
        return Ok(Counts::default());
    }
    let outcome = chunk::bill(app, run, &chunk.accounts, until).await?;
    if outcome.later {
        tell(app, &Told { run_id: run.id.clone(), chunk: Some(number) }).await?;
        return Ok(outcome.counts(0));
    }
    let failed = outcome.failed.len();
    for failed in &outcome.failed {
        tracing::error!(request_id = request.as_str(), run_id = %run.id, account_id = %failed.account_id, error = failed.why, "an account could not be billed");
    }
    if failed > 0 && times < LAST_TRY {
        return Err(format!("{failed} of {} accounts could not be billed", chunk.accounts.len()).into());
    }
    chunk.counts = outcome.counts(chunk.accounts.len());
    chunk.digest = match &run.asked {
        Some(asked) => {
            let (rows, invoices) = result::of_chunk(app, run, asked, &chunk, &outcome).await?;
            chunk.counts.invoices = invoices.len() as u64;
            result::keep(app, run, number, &rows).await?;
            digest::of_invoices(&invoices)
        }
        None => digest::of_invoices(outcome.invoices.values().flatten()),
    };
    chunk.failed.clone_from(&outcome.failed);
    app.store().chunk_done(&run.id, &chunk).await?;
    end_if_last(app, request, &run.id).await?;
    if failed > 0 { Err(format!("{failed} accounts could not be billed in the end").into()) } else { Ok(chunk.counts) }
}

async fn end_if_last(app: &App, request: &RequestId, id: &RunId) -> Result<(), Failure> {
    let RunKept { run, done } = app.store().run(id).await?;
    if run.state == RunState::Working && done >= run.chunks { end(app, request, id).await } else { Ok(()) }
}
