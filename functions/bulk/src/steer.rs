//! Steering jobs: each of these may be repeated, and then answers with the job as it is.

use http::StatusCode;
use serde_json::json;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_bulk::tell;
use tributary_domain::bulk::job::Job;
use tributary_domain::bulk::rows::Kind;
use tributary_domain::bulk::state::{Phase, State, Step};
use tributary_domain::event::RecordKind;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;
use tributary_store::jobs::Said;

use crate::seen::job;
use crate::views::JobView;

/// How often a change is tried when the worker comes first.
const RACES: u32 = 20;

/// Does what a dry run planned.
///
/// # Errors
/// As [`steer`].
pub async fn apply(call: Call) -> Result<Reply, Problem> {
    steer(&call, Step::Apply, "applied", None, |job| !job.dry_run, |job| Job { dry_run: false, ..job }).await
}

/// Stops a job for now.
///
/// # Errors
/// As [`steer`].
pub async fn pause(call: Call) -> Result<Reply, Problem> {
    steer(&call, Step::Pause, "paused", None, |job| job.state == State::Paused, |job| Job { reason: None, ..job }).await
}

/// Lets a paused job go on, with the rights of this key.
///
/// # Errors
/// As [`steer`].
pub async fn resume(call: Call) -> Result<Reply, Problem> {
    let goes_on = |job: &Job| matches!(job.state, State::Queued | State::Running);
    steer(&call, Step::Resume, "resumed", None, goes_on, |job| Job { reason: None, ..job }).await
}

/// Ends a job. What is left of the payer's credit returns.
///
/// # Errors
/// As [`steer`].
pub async fn cancel(call: Call) -> Result<Reply, Problem> {
    steer(&call, Step::Cancel, "cancelled", None, |job| job.state == State::Cancelled, |job| Job { cancelled: true, ..job }).await
}

/// Tries the failed rows of a job again.
///
/// # Errors
/// As [`steer`].
pub async fn retry(call: Call) -> Result<Reply, Problem> {
    let tried = |job: &Job| job.round > 1 && matches!(job.phase, Phase::Planning | Phase::Planned | Phase::Applying);
    let change = |job: Job| Job { round: job.round + 1, ended_at: None, ..job };
    let nothing = |job: &Job| (job.chunks == 0).then_some("the job was never planned: start another with a better file");
    steer(&call, Step::Retry, "retried", Some(&nothing), tried, change).await
}

/// Takes the credit of a job back, row by row, where it is still there.
///
/// # Errors
/// As [`steer`]; it needs the right to reverse credit.
pub async fn undo(call: Call) -> Result<Reply, Problem> {
    let undoing = |job: &Job| job.phase == Phase::Undoing;
    let change = |job: Job| Job { undos: job.undos + 1, ended_at: None, ..job };
    let nothing = |job: &Job| match job.kind {
        Kind::Credits if job.progress.done > 0 => None,
        Kind::Credits => Some("no row of the job is done"),
        Kind::Accounts | Kind::Updates | Kind::Notifications => Some("only credit is undone"),
    };
    steer(&call, Step::Undo, "undone", Some(&nothing), undoing, change).await
}

type Nothing<'a> = &'a (dyn Fn(&Job) -> Option<&'static str> + Sync);

/// Brings a job to another state, and tells the worker.
///
/// # Errors
/// `not_found`, `forbidden`, `conflict` if the job's state does not allow it, `busy`.
async fn steer(
    call: &Call,
    step: Step,
    word: &'static str,
    nothing: Option<Nothing<'_>>,
    already: impl Fn(&Job) -> bool,
    change: impl Fn(Job) -> Job,
) -> Result<Reply, Problem> {
    call.no_body()?;
    let (caller, home) = (call.caller()?, call.home()?);
    let act = call.act()?;
    for _ in 0..RACES {
        let job = job(call, Right::BulkManage).await?;
        if let Some(payer) = job.payer.as_ref().filter(|_| !matches!(step, Step::Pause | Step::Cancel)) {
            let may = caller.over(if step == Step::Undo { Right::CreditsReverse } else { Right::CreditsAllocate });
            call.store().account_for(payer, Authority { home, may: &may }).await?;
        }
        let kept = match job.after(step) {
            _ if already(&job) => Some(job.clone()),
            Some(next) => {
                if let Some(why) = nothing.and_then(|nothing| nothing(&job)) {
                    return Err(Problem::new(Code::Conflict, format!("It cannot be {word}: {why}.")));
                }
                let mut next = change(next);
                if !matches!(step, Step::Pause | Step::Cancel) {
                    (next.actor, next.credential) = (caller.actor.clone(), caller.credential());
                }
                let detail = json!({ "job_id": job.id, "kind": job.kind, "state": next.state });
                let said = Said { act: act.clone(), account: job.account_id.clone(), kind: RecordKind::BulkChanged, detail };
                call.store().keep_job_saying(&next, &said).await?
            }
            None => {
                let (state, phase) = (job.state.word(), job.phase.word());
                return Err(Problem::new(Code::Conflict, format!("A job that is {state} ({phase}) cannot be {word}.")));
            }
        };
        let Some(job) = kept else { continue };
        if step != Step::Pause {
            tell(&call.app, &job.id).await?;
        }
        return Reply::json(StatusCode::ACCEPTED, &JobView::of(job));
    }
    Err(StoreError::Busy.into())
}
