//! What is looked at once a day in every account, in runs on a schedule: forecasts where there was usage lately, and volume tiers
//! where there was none.

use std::error::Error;

use jiff::civil::Date;
use metrics::counter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::pricing::tier::NO_TIER;
use tributary_metering::aggregates::SumError;
use tributary_metering::forecasts::{LIVELY_DAYS, day_of, days_before, make_all};
use tributary_metering::tiers::bring_up_to_date;
use tributary_runtime::telemetry;
use tributary_store::aggregates::Kept;
use tributary_store::reconcile::Listed;
use tributary_store::table::Position;

/// How many accounts are looked at between two times that the place is kept.
const AT_ONCE: usize = 25;
/// A run looks at no more accounts after so many seconds: it must end before the function's timeout. The next one goes on.
const LAST_S: i64 = 200;
/// How many accounts that failed are remembered, to be tried again when all others are done.
const MOST_AGAIN: usize = 100;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Accounts looked at.
    pub accounts: usize,
    /// Forecasts made.
    pub made: usize,
    /// Accounts of which no forecast could be made now; a later run tries again.
    pub failed: usize,
    /// Accounts of which the volume tier went down because they had no usage.
    pub demoted: usize,
    /// Every account has the day's forecasts, but for those that failed.
    pub done: bool,
}

/// How far the day is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pass {
    day: Date,
    /// Behind this account of the tree's index.
    after: Option<Position>,
    /// Every account was looked at.
    done: bool,
    /// Accounts that failed.
    again: Vec<AccountId>,
}

/// One run: goes on where the one before was on the same day. Safe to repeat, to kill and to overlap: a forecast that is kept
/// already is not made again.
///
/// # Errors
/// When the accounts cannot be listed; the schedule then tries again.
pub async fn handle(app: &App, _event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let mut summary = Summary::default();
    let ran = pass(app, run, &mut summary).await;
    let Summary { accounts, made, failed, demoted, done } = summary;
    tracing::info!(request_id = run.as_str(), accounts, made, failed, demoted, done, "forecasts made");
    // Zeros are not sent: no data is good news there.
    counter!("ForecastsMade").increment(made as u64);
    counter!("ForecastFailures").increment(failed as u64);
    telemetry::flush([("request_id", json!(run.as_str()))]);
    ran?;
    Ok(serde_json::to_value(summary)?)
}

async fn pass(app: &App, run: &RequestId, summary: &mut Summary) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (began, today) = (app.now(), day_of(app.now()));
    let (mut version, stored) = app.store().forecast_pass::<Pass>().await?;
    let fresh = Pass { day: today, after: None, done: false, again: Vec::new() };
    let mut pass = stored.filter(|pass| pass.day == today).unwrap_or(fresh);
    let late = || app.now().duration_since(began).as_secs() >= LAST_S;
    if pass.done {
        let again = std::mem::take(&mut pass.again);
        if !again.is_empty() {
            pass.again = each(app, run, &again, summary).await;
            app.store().keep_forecast_pass(version, &pass).await?;
        }
    }
    while !pass.done && !late() {
        let (listed, next) = app.store().every_account(pass.after.clone(), AT_ONCE).await?;
        let tiered = |listed: &&Listed| listed.tier.as_deref().is_some_and(|tier| tier != NO_TIER);
        for listed in listed.iter().filter(tiered) {
            demote(app, run, &listed.id, summary).await;
        }
        let ids: Vec<AccountId> = listed.into_iter().map(|listed| listed.id).collect();
        let summed = app.store().summed_up_at(&ids).await?;
        let since = days_before(today, LIVELY_DAYS);
        let lively: Vec<AccountId> = ids.into_iter().filter(|id| summed.get(id).is_some_and(|at| day_of(*at) >= since)).collect();
        pass.again.extend(each(app, run, &lively, summary).await);
        pass.again.truncate(MOST_AGAIN);
        pass.done = next.is_none();
        pass.after = next;
        match app.store().keep_forecast_pass(version, &pass).await? {
            Kept::Yes => version += 1,
            // Another run goes on from here.
            Kept::Raced => break,
        }
    }
    summary.done = pass.done;
    Ok(())
}

/// Forecasts some accounts, and returns those that failed: none hides another.
async fn each(app: &App, run: &RequestId, accounts: &[AccountId], summary: &mut Summary) -> Vec<AccountId> {
    let mut again = Vec::new();
    for id in accounts {
        summary.accounts += 1;
        match one(app, id).await {
            Ok(made) => summary.made += made,
            Err(error) => {
                summary.failed += 1;
                again.push(id.clone());
                tracing::error!(request_id = run.as_str(), account_id = %id, error = %error, "usage could not be forecast");
            }
        }
    }
    again
}

/// Brings the volume tier up to date that usage would change, had there been any. One that fails is looked at tomorrow.
async fn demote(app: &App, run: &RequestId, id: &AccountId, summary: &mut Summary) {
    match bring_up_to_date(app, id).await {
        Ok(changed) => summary.demoted += usize::from(changed),
        Err(error) => {
            summary.failed += 1;
            tracing::error!(request_id = run.as_str(), account_id = %id, error = %error, "a volume tier could not be brought up to date");
        }
    }
}

async fn one(app: &App, id: &AccountId) -> Result<usize, SumError> {
    let account = app.store().account(id).await?;
    make_all(app, &account).await
}
