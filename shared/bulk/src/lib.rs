//! Bulk jobs at work: planned, funded, done row by row, and brought to their end.
//!
//! A worker is told of a job and goes on with it from where it stands, until its time is short; then it tells itself again.
//! It keeps nothing between two runs. Workers that are at one job at once do no row twice, because each transaction holds the
//! rows to the version that was read, and do none too many, because it holds the job to its state.

mod applying;
mod credits;
mod finishing;
pub mod ids;
mod kept;
mod planning;
mod singly;
mod undoing;
mod words;

use std::error::Error;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_api::{App, Caller, Code, Problem};
use tributary_domain::bulk::job::{Job, Reason};
use tributary_domain::bulk::rows::Kind;
use tributary_domain::bulk::state::{Phase, State, Step};
use tributary_domain::id::{AccountId, JobId, RequestId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::Right;
use tributary_store::error::{Denied, StoreError};

pub use kept::{Planned, load};
pub use words::words;

/// What goes wrong in a way that may pass.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A message of the bulk queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The job to go on with.
    pub job_id: JobId,
}

/// So many steps that change nothing of the job are what others who come first can cause; more are a fault.
const IDLE_STEPS: u32 = 50;

/// What a worker is given.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The platform.
    pub app: &'a App,
    /// The run's own id, for what it leaves.
    pub id: &'a RequestId,
    /// When its time is short.
    pub until: Timestamp,
}

/// What became of one step.
pub(crate) enum Flow {
    /// It went on: look again.
    On,
    /// Time is short.
    Later,
    /// It cannot go on until somebody changes something.
    Stop(Reason),
}

/// The right that the rows of a job need, beside `bulk.manage`.
pub fn right_of(kind: Kind) -> Right {
    match kind {
        Kind::Credits => Right::CreditsAllocate,
        Kind::Accounts => Right::AccountsCreate,
        Kind::Updates => Right::AccountsUpdate,
        Kind::Notifications => Right::BulkManage,
    }
}

/// Tells the worker of a job.
///
/// # Errors
/// When the queue does not take it.
pub async fn tell(app: &App, job: &JobId) -> Result<(), Problem> {
    let body = serde_json::to_string(&Told { job_id: job.clone() }).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(app.queues().bulk.send(&body).await?)
}

/// Goes on with a job until it rests or time is short. Safe to repeat, and safe beside others.
///
/// # Errors
/// When something does not answer for now, or the job does not go on: the message must be given again.
pub async fn work(run: &Run<'_>, id: &JobId) -> Result<(), Failure> {
    let (mut last, mut idle) = (None, 0);
    loop {
        let job = match run.app.store().job(id).await {
            Ok(job) => job,
            // The request that sent this was refused after all.
            Err(StoreError::Denied(Denied::Absent)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if job.rests() {
            return Ok(());
        }
        if run.app.now() >= run.until {
            return later(run, id).await;
        }
        idle = if last.as_ref() == Some(&job) { idle + 1 } else { 0 };
        if idle > IDLE_STEPS {
            return Err("the job does not go on".into());
        }
        match step(run, &job).await? {
            Flow::On => {}
            Flow::Later => return later(run, id).await,
            Flow::Stop(reason) => drop(pause(run, &job, reason).await?),
        }
        last = Some(job);
    }
}

async fn later(run: &Run<'_>, id: &JobId) -> Result<(), Failure> {
    tell(run.app, id).await.map_err(|problem| problem.detail.into())
}

/// Stops a job that could not be gone on with however often it was tried, so that it can be resumed when that has passed.
///
/// # Errors
/// When the job cannot be paused, because only its end is left: its message must be kept until somebody has it given again. Table
/// errors.
pub async fn give_up(run: &Run<'_>, id: &JobId, why: &str) -> Result<(), Failure> {
    let detail = format!("The job could not be gone on with for now ({why}). Resume it later; nothing is done twice.");
    for _ in 0..IDLE_STEPS {
        let job = run.app.store().job(id).await?;
        if job.rests() || pause(run, &job, Reason::new("busy", &detail)).await? {
            return Ok(());
        }
        if job.after(Step::Pause).is_none() {
            break;
        }
    }
    Err(why.to_owned().into())
}

/// `false` if the job cannot be paused, or another came first.
async fn pause(run: &Run<'_>, job: &Job, reason: Reason) -> Result<bool, Failure> {
    let Some(paused) = job.after(Step::Pause) else { return Ok(false) };
    tracing::warn!(job_id = %job.id, code = reason.code, detail = reason.detail, "a bulk job is paused");
    Ok(run.app.store().keep_job(&Job { reason: Some(reason), ..paused }, None).await?.is_some())
}

async fn step(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    if job.phase == Phase::Finishing {
        return finishing::finish(run, job).await;
    }
    if job.state == State::Queued {
        return keep(run, job, Step::Start).await;
    }
    match job.phase {
        Phase::Planning if job.round == 1 => planning::plan(run, job).await,
        Phase::Planning => planning::plan_again(run, job).await,
        Phase::Planned => match asked(run, job).await? {
            Ok(caller) => credits::fund(run, job, &caller).await,
            Err(reason) => Ok(Flow::Stop(reason)),
        },
        Phase::Applying => applying::apply(run, job).await,
        Phase::Undoing => undoing::undo(run, job).await,
        Phase::Finishing | Phase::Done => Ok(Flow::On),
    }
}

/// Who the job is done for, or why nobody is. To be asked before each chunk: a key may be revoked while a run is at work.
pub(crate) async fn asked(run: &Run<'_>, job: &Job) -> Result<Result<Caller, Reason>, Failure> {
    match caller(run.app, job).await {
        Ok(caller) => Ok(Ok(caller)),
        Err(problem) if is_busy(&problem) => Err(problem.detail.into()),
        Err(problem) => Ok(Err(Reason::new(problem.code.word(), problem.detail))),
    }
}

/// Whether an account is the job's own or stands below it. Whoever lets the job go on may have rights over others.
pub(crate) fn within(job: &Job, account: &AccountId, lineage: &Lineage) -> Result<(), Denied> {
    if account == &job.account_id || lineage.has(&job.account_id) { Ok(()) } else { Err(Denied::Absent) }
}

/// Who the job is done for, with the rights that they have now.
async fn caller(app: &App, job: &Job) -> Result<Caller, Problem> {
    let caller = Caller::of_credential(app, &job.credential).await.map_err(|problem| match problem.code {
        Code::Unauthorized => Problem::new(Code::Unauthorized, "The key that started the job is taken no more. Resume it with another."),
        _ => problem,
    })?;
    let account = app.store().account(&job.account_id).await?;
    let lineage = app.store().resolved_lineage(&account.lineage).await?;
    caller.over(Right::BulkManage)(&job.account_id, &lineage)?;
    Ok(caller)
}

fn is_busy(problem: &Problem) -> bool {
    matches!(problem.code, Code::Busy | Code::OutcomeUnknown)
}

/// Brings a job one step on; if another worker came first, that is looked at next.
pub(crate) async fn keep(run: &Run<'_>, job: &Job, step: Step) -> Result<Flow, Failure> {
    if let Some(next) = job.after(step) {
        run.app.store().keep_job(&next, None).await?;
    }
    Ok(Flow::On)
}
