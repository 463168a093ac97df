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
use tributary_domain::id::{JobId, RequestId};
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
/// When something does not answer for now: the message must be given again.
pub async fn work(run: &Run<'_>, id: &JobId) -> Result<(), Failure> {
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
        match step(run, &job).await? {
            Flow::On => {}
            Flow::Later => return later(run, id).await,
            Flow::Stop(reason) => pause(run, &job, reason).await?,
        }
    }
}

async fn later(run: &Run<'_>, id: &JobId) -> Result<(), Failure> {
    tell(run.app, id).await.map_err(|problem| problem.detail.into())
}

/// Stops a job that could not be gone on with however often it was tried, so that it can be resumed when that has passed.
///
/// # Errors
/// Table errors.
pub async fn give_up(run: &Run<'_>, id: &JobId, why: &str) -> Result<(), Failure> {
    let job = run.app.store().job(id).await?;
    let detail = format!("The job could not be gone on with for now ({why}). Resume it later; nothing is done twice.");
    pause(run, &job, Reason::new("busy", detail)).await
}

async fn pause(run: &Run<'_>, job: &Job, reason: Reason) -> Result<(), Failure> {
    if let Some(paused) = job.after(Step::Pause) {
        tracing::warn!(job_id = %job.id, code = reason.code, detail = reason.detail, "a bulk job is paused");
        run.app.store().keep_job(&Job { reason: Some(reason), ..paused }, None).await?;
    }
    Ok(())
}

async fn step(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    if job.phase == Phase::Finishing {
        return finishing::finish(run, job).await;
    }
    if job.state == State::Queued {
        return keep(run, job, Step::Start).await;
    }
    let caller = match caller(run.app, job).await {
        Ok(caller) => caller,
        Err(problem) if is_busy(&problem) => return Err(problem.detail.into()),
        Err(problem) => return Ok(Flow::Stop(Reason::new(problem.code.word(), problem.detail))),
    };
    match job.phase {
        Phase::Planning if job.round == 1 => planning::plan(run, job, &caller).await,
        Phase::Planning => planning::plan_again(run, job, &caller).await,
        Phase::Planned => credits::fund(run, job, &caller).await,
        Phase::Applying => applying::apply(run, job, &caller).await,
        Phase::Undoing => undoing::undo(run, job, &caller).await,
        Phase::Finishing | Phase::Done => Ok(Flow::On),
    }
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
