//! `/reseller/billing/runs`: a seller's own runs of billing, and what they say of each account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_billing::result;
use tributary_billing::run::{asked, begin_asked};
use tributary_domain::account::Kind;
use tributary_domain::billing::run::{Asked, Row, RunState};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::month::Month;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;
use tributary_store::runs::RunKept;
use tributary_store::table::Position;

use crate::run_views::{RowView, RunView};
use crate::sight;

/// The most chunks read for one page of rows; its cursor goes on.
const MOST_CHUNKS: u32 = 10;

/// A run that is asked for.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StartBillingRun))]
pub struct RunBody {
    /// The month whose invoices are meant: the one in which their periods begin.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// This account and those below it; all below your own unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Nothing is made but the result.
    pub dry_run: bool,
}

/// Where a page of rows goes on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct At {
    chunk: u32,
    row: usize,
}

/// Bills all accounts below the caller's, or one with those below it: what the schedule would do, and no more. A dry run only says what that would be.
///
/// # Errors
/// `validation_failed` for a month to come, `parent_is_customer`, `idempotency_key_reused`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.required_scope()?;
    let body: RunBody = call.body()?;
    if body.month > Month::of(call.app.now()) {
        return Err(Problem::field("/month", "must not be in the future"));
    }
    let root = sight::account(&call, body.account_id, Right::BillingManage).await?;
    if root.id == *call.home()? && root.kind == Kind::Customer {
        return Err(StoreError::ParentIsCustomer.into());
    }
    let wanted = Asked { by: call.home()?.clone(), account_id: root.id, month: body.month, dry_run: body.dry_run };
    let noted = call.store().ask_run(&asked(&call.app, wanted), &call.act()?, &scope).await?;
    let replayed = matches!(noted, Outcome::Replayed(_));
    let first = noted.into_inner();
    let kept = call.store().run(&first.id).await?;
    if kept.run.state == RunState::Listing {
        // If the first time was killed before this, the repetition says it.
        begin_asked(&call.app, &kept.run).await?;
    }
    let location = format!("/reseller/billing/runs/{}", kept.run.id);
    Ok(Reply::json(http::StatusCode::ACCEPTED, &RunView::from(kept))?.location(&location).replayed(replayed))
}

/// The runs that an account asked for, newest first; of the operator also those of the schedule.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = sight::account(&call, id, Right::BillingRead).await?;
    let (runs, next) = call.store().runs(&account.id, limit, start).await?;
    let next_cursor = scope.seal(&call.app, next.as_ref())?;
    Reply::ok(&PageView { data: runs.into_iter().map(RunView::from).collect(), next_cursor })
}

/// The run of the path, if the caller may see what the account that asked for it sees.
async fn seen(call: &Call) -> Result<RunKept, Problem> {
    let kept = call.store().run(&call.id("id")?).await?;
    sight::account(call, Some(kept.run.account_id.clone()), Right::BillingRead).await?;
    Ok(kept)
}

/// One run.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    Reply::ok(&RunView::from(seen(&call).await?))
}

/// What a run that was asked for says of each account, as far as it is: a page of its result. It is kept for 90 days.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`, `busy`.
pub async fn rows(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let mut at = scope.open(&call.app, cursor)?.unwrap_or(At { chunk: 1, row: 0 });
    let run = seen(&call).await?.run;
    let chunks = if run.asked.is_some() { run.chunks } else { 0 };
    let (mut found, mut read) = (Vec::new(), 0);
    while at.chunk <= chunks && found.len() < limit && read < MOST_CHUNKS {
        let rows = result::rows(&call.app, &run.id, at.chunk).await.map_err(unreadable)?;
        read += 1;
        let page: Vec<Row> = rows.iter().skip(at.row).take(limit - found.len()).cloned().collect();
        at.row += page.len();
        found.extend(page);
        if at.row >= rows.len() {
            at = At { chunk: at.chunk + 1, row: 0 };
        }
    }
    let denied =
        sight::denied_buyers(&call, &run.account_id, found.iter().map(|row| row.account_id.clone()).collect::<BTreeSet<_>>()).await?;
    found.retain(|row| !denied.contains(&row.account_id));
    let next_cursor = scope.seal(&call.app, Some(&at).filter(|at| at.chunk <= chunks))?;
    Reply::ok(&PageView { data: found.into_iter().map(RowView::from).collect(), next_cursor })
}

fn unreadable(why: tributary_billing::run::Failure) -> Problem {
    let mut problem = Problem::new(Code::Busy, "The result cannot be read at the moment; try again.");
    problem.internal = Some(why.to_string());
    problem
}
