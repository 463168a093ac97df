//! What time alone brings: another try, the end of a day or month, a new forecast.

use jiff::SignedDuration;
use tributary_api::App;
use tributary_domain::alert::Metric;
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::ledger::LedgerId;
use tributary_metering::forecasts::{LIVELY_DAYS, day_of, days_before};
use tributary_store::alerts::Overdue;
use tributary_store::error::StoreError;

use crate::{Looked, Rang, WatchError, alerts, look as look_at};

/// What a look at everything that is due did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// What came of it.
    pub looked: Looked,
    /// Accounts that could not be looked at; the next look tries again.
    pub failed: usize,
}

/// How many are listed at once.
const AT_ONCE: usize = 100;
/// A run begins nothing more after so many seconds: it must end before the function's timeout.
const LAST_S: i64 = 30;
/// How often alerts on when credit runs out are looked at although no credit moves.
const EMPTIES_EVERY_S: i64 = 3_600;

/// Looks at everything that is due. What fails keeps nothing else waiting, and stays due.
///
/// # Errors
/// When what is due cannot be listed.
pub async fn look(app: &App, run: &RequestId) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    let began = app.now();
    let late = || app.now().duration_since(began).as_secs() >= LAST_S;
    let mut start = None;
    loop {
        let (accounts, next) = app.store().topups_due(began, AT_ONCE, start).await?;
        for account in accounts {
            count(run, &account, &mut summary, look_at(app, run, &account, Rang::Balance).await);
        }
        start = next;
        if start.is_none() || late() {
            break;
        }
    }
    loop {
        let (overdue, next) = app.store().alerts_due(began, AT_ONCE, start).await?;
        for overdue in overdue {
            count(run, &overdue.watched, &mut summary, resolve(app, run, &overdue).await);
        }
        start = next;
        if start.is_none() || late() {
            break;
        }
    }
    for account in app.store().empties_due(began, AT_ONCE).await? {
        count(run, &account, &mut summary, empties(app, run, &account, &late).await);
        if late() {
            break;
        }
    }
    Ok(summary)
}

fn count(run: &RequestId, account: &AccountId, summary: &mut Summary, looked: Result<Looked, WatchError>) {
    match looked {
        Ok(looked) => summary.looked.add(looked),
        Err(error) => {
            summary.failed += 1;
            tracing::error!(request_id = run.as_str(), account_id = %account, error = %error, "an account could not be looked at");
        }
    }
}

/// Looks at a rule that fires of a period which is over.
async fn resolve(app: &App, run: &RequestId, overdue: &Overdue) -> Result<Looked, WatchError> {
    let mut looked = Looked::default();
    let rule = app.store().alerts(&overdue.owner).await?.into_iter().find(|rule| rule.id == overdue.rule);
    let head = app.store().head(&LedgerId::Account(overdue.watched.clone())).await?;
    match rule {
        Some(rule) => alerts::look(app, run, &overdue.watched, &head, &[rule], Rang::Everything, &mut looked).await?,
        None => app.store().forget_standing(&overdue.rule, &overdue.watched).await?,
    }
    Ok(looked)
}

/// Looks at an account's rules on when credit runs out, and puts the next look off. Below it, at accounts with usage lately: the
/// others have no forecast. Those that a late run does not come to are looked at when their next usage is charged.
async fn empties(app: &App, run: &RequestId, owner: &AccountId, late: &(dyn Fn() -> bool + Sync)) -> Result<Looked, WatchError> {
    let mut looked = Looked::default();
    let mut rules = app.store().alerts(owner).await?;
    rules.retain(|rule| rule.enabled && rule.metric == Metric::TimeToEmpty);
    let head = app.store().head(&LedgerId::Account(owner.clone())).await?;
    alerts::look(app, run, owner, &head, &rules, Rang::Everything, &mut looked).await?;
    rules.retain(|rule| rule.subtree);
    if !rules.is_empty() {
        let all: Vec<AccountId> = app.store().whole_subtree(owner, &head.lineage).await?.into_iter().map(|account| account.id).collect();
        let since = days_before(day_of(app.now()), LIVELY_DAYS);
        let summed = app.store().summed_up_at(&all).await?;
        for below in all.into_iter().filter(|id| summed.get(id).is_some_and(|at| day_of(*at) >= since)) {
            if late() {
                break;
            }
            let head = app.store().head(&LedgerId::Account(below.clone())).await?;
            alerts::look(app, run, &below, &head, &rules, Rang::Everything, &mut looked).await?;
        }
    }
    let next = app.now().checked_add(SignedDuration::from_secs(EMPTIES_EVERY_S)).unwrap_or(app.now());
    app.store().put_off_empties(owner, next).await?;
    Ok(looked)
}
