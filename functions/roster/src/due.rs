//! A scheduled run: folds the rosters to which something was told, or for which a day is over.

use std::error::Error;

use serde::Serialize;
use tributary_api::App;
use tributary_domain::id::{AccountId, RequestId};
use tributary_insights::fold::{Folded, fold};
use tributary_store::error::{Denied, StoreError};

/// How many rosters are listed at once.
const AT_ONCE: usize = 100;
/// A run begins with no more rosters after so many seconds; the next goes on.
const LAST_S: i64 = 240;

/// What a scheduled run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Rosters whose blobs were written anew.
    pub folded: usize,
    /// Rosters that could not be; they stay due.
    pub failed: usize,
}

/// One run.
///
/// # Errors
/// When what is due cannot be listed; the schedule then tries again.
pub async fn run(app: &App, run: &RequestId) -> Result<Summary, Box<dyn Error + Send + Sync>> {
    let (began, mut summary, mut start) = (app.platform_now(), Summary::default(), None);
    loop {
        let (due, next) = app.store().rosters_due(began, start, AT_ONCE).await?;
        for owner in due {
            if app.platform_now().duration_since(began).as_secs() >= LAST_S {
                return Ok(summary);
            }
            one(app, run, &owner, &mut summary).await;
        }
        start = next;
        if start.is_none() {
            tracing::info!(request_id = run.as_str(), folded = summary.folded, failed = summary.failed, "rosters are folded");
            return Ok(summary);
        }
    }
}

async fn one(app: &App, run: &RequestId, owner: &AccountId, summary: &mut Summary) {
    match fold(app, owner, false).await {
        Ok(Folded::Told(_)) => summary.folded += 1,
        Ok(Folded::Nothing | Folded::Another) => {}
        Err(tributary_insights::fold::RosterError::Store(StoreError::Denied(Denied::Absent))) => {
            tracing::warn!(request_id = run.as_str(), account_id = %owner, "a roster of no account");
        }
        Err(error) => {
            summary.failed += 1;
            tracing::error!(request_id = run.as_str(), account_id = %owner, error = %error, "a roster could not be folded");
        }
    }
}
