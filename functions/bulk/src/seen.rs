//! Watching jobs.

use jiff::{SignedDuration, Timestamp};
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::bulk::job::Job;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::table::Position;

use crate::views::{JobView, ResultView};

/// How long a link works, in seconds.
const LINK_S: u32 = 15 * 60;
/// How long what belongs to a job is kept beside the table, in days.
pub const KEPT_DAYS: i64 = 30;

/// The job that the path names, if the caller has this right over the account that asked for it.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn job(call: &Call, right: Right) -> Result<Job, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let job = call.store().job(&call.id("id")?).await?;
    let may = caller.over(right);
    call.store().account_for(&job.account_id, Authority { home, may: &may }).await?;
    Ok(job)
}

/// One job.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    Reply::ok(&JobView::of(job(&call, Right::BulkRead).await?))
}

/// The jobs that the caller's account asked for, newest first.
///
/// # Errors
/// `forbidden`, `invalid_cursor`, `validation_failed`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let may = caller.over(Right::BulkRead);
    call.store().account_for(home, Authority { home, may: &may }).await?;
    let (jobs, next) = call.store().jobs(home, limit, start).await?;
    let data = jobs.into_iter().map(JobView::of).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Until when what belongs to a job is kept beside the table.
pub fn kept_until(job: &Job) -> Timestamp {
    let since = job.ended_at.unwrap_or(job.created_at);
    since.checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MAX)
}

/// Where the file of what became of each row is downloaded.
///
/// # Errors
/// `not_found`, `forbidden`, `conflict` while there is none.
pub async fn result(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let job = job(&call, Right::BulkRead).await?;
    let expires_at = kept_until(&job);
    let Some(key) = job.result.as_ref().filter(|_| call.app.now() < expires_at) else {
        return Err(Problem::new(Code::Conflict, "There is no result: the job has not come to an end yet, or it is kept no more."));
    };
    let name = format!("bulk-{}-{}.csv", job.kind.word(), job.id);
    let download_url = call.app.blobs().link(key, &name, LINK_S).await?;
    Reply::ok(&ResultView { download_url, expires_at })
}
