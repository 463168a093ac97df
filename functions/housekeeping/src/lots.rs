//! Lots whose time is over.

use tributary_api::App;
use tributary_domain::id::{RequestId, TransferId};
use tributary_store::error::StoreError;
use tributary_store::lots::LotEnd;

use crate::{Summary, act};

/// How many lots are listed at once.
const LOTS_AT_ONCE: usize = 100;
/// A run that took credit out of as many lots stops; the next run goes on.
const LOTS_A_RUN: usize = 500;
/// A run tries no more, whatever fails.
const MOST_LOTS_TRIED: usize = 10_000;
/// A run takes no more lots out after so many seconds: with the holds before them it must end before the function's timeout.
const LOTS_LAST_S: i64 = 15;

/// Takes out of each due lot what is not held. Safe to repeat; a lot that fails keeps no other waiting.
///
/// # Errors
/// When the due lots cannot be listed.
pub(crate) async fn expire_due(app: &App, run: &RequestId, summary: &mut Summary) -> Result<(), StoreError> {
    let (now, mut tried, mut start) = (app.now(), 0, None);
    loop {
        let (ids, next) = app.store().lots_due(now, LOTS_AT_ONCE, start).await?;
        tried += ids.len();
        for id in ids {
            match app.store().expire_lot(&id, &TransferId::from_uuid(app.uuid()), &act(app, run)).await {
                Ok(LotEnd::Expired(_)) => summary.lots_expired += 1,
                Ok(LotEnd::Gone | LotEnd::Waits) => {}
                Err(error) => {
                    summary.failed += 1;
                    tracing::error!(request_id = run.as_str(), lot_id = %id, error = %error, "a lot could not be taken out");
                }
            }
        }
        start = next;
        // Lots that fail do not count towards the run's work, or enough of them would keep all others waiting.
        let late = app.now().duration_since(now).as_secs() >= LOTS_LAST_S;
        if start.is_none() || late || summary.lots_expired >= LOTS_A_RUN || tried >= MOST_LOTS_TRIED {
            return Ok(());
        }
    }
}
