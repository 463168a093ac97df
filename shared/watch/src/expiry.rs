//! What time ends: holds, lots of credit, and the relocations that moves leave.

use jiff::SignedDuration;
use serde::Serialize;
use tributary_api::App;
use tributary_domain::hold::HoldEnd;
use tributary_domain::id::{HoldId, RequestId, TransferId};
use tributary_store::error::StoreError;
use tributary_store::holds::{EndedBy, ended_meanwhile};
use tributary_store::lots::LotEnd;

use crate::act;

/// How many holds are listed at once.
const HOLDS_AT_ONCE: usize = 100;
/// A run that ended as many holds stops; the next run goes on.
const HOLDS_A_RUN: usize = 500;
/// A run tries no more, whatever fails.
const MOST_HOLDS_TRIED: usize = 10_000;
/// A run sets no more holds free after so many seconds: it must end before the function's timeout.
const HOLDS_LAST_S: i64 = 30;
/// The most relocations one run finishes.
const RELOCATIONS_A_RUN: usize = 20;
/// How long after a move its descendants are gone over once more.
const RELOCATION_SETTLES_S: i64 = 60;

/// How many lots are listed at once.
const LOTS_AT_ONCE: usize = 100;
/// A run that took credit out of as many lots stops; the next run goes on.
const LOTS_A_RUN: usize = 500;
/// A run tries no more, whatever fails.
const MOST_LOTS_TRIED: usize = 10_000;
/// A run takes no more lots out after so many seconds: with the holds before them it must end before the function's timeout.
const LOTS_LAST_S: i64 = 15;

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Holds set free.
    pub expired: usize,
    /// Lots of which credit was taken out.
    pub lots_expired: usize,
    /// Holds, lots and relocations that could not be ended now; the next run tries again.
    pub failed: usize,
    /// Moves whose descendants were gone over once more.
    pub relocated: usize,
}

/// Ends what is over. Safe to repeat: a hold ends once, and so does a lot.
///
/// # Errors
/// When the due holds, the due lots or the open relocations cannot be listed.
pub async fn run(app: &App, run: &RequestId) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    let settled = app.now().checked_sub(SignedDuration::from_secs(RELOCATION_SETTLES_S)).unwrap_or(app.now());
    for id in app.store().open_relocations(settled, RELOCATIONS_A_RUN).await? {
        match app.store().finish_relocation(&id).await {
            Ok(_) => summary.relocated += 1,
            Err(error) => {
                summary.failed += 1;
                tracing::error!(request_id = run.as_str(), account_id = %id, error = %error, "a relocation could not be finished");
            }
        }
    }
    end_holds(app, run, &mut summary).await?;
    end_lots(app, run, &mut summary).await?;
    Ok(summary)
}

async fn end_holds(app: &App, run: &RequestId, summary: &mut Summary) -> Result<(), StoreError> {
    let (now, mut tried, mut start) = (app.now(), 0, None);
    loop {
        let (ids, next) = app.store().holds_due(now, HOLDS_AT_ONCE, start).await?;
        tried += ids.len();
        for id in ids {
            match expire(app, &id, run).await {
                Ok(()) => summary.expired += 1,
                Err(error) if ended_meanwhile(&error) => {}
                Err(error) => {
                    summary.failed += 1;
                    tracing::error!(request_id = run.as_str(), hold_id = %id, error = %error, "a hold could not be set free");
                }
            }
        }
        start = next;
        // Holds that fail do not count towards the run's work, or enough of them would keep all others waiting.
        let late = app.now().duration_since(now).as_secs() >= HOLDS_LAST_S;
        if start.is_none() || late || summary.expired >= HOLDS_A_RUN || tried >= MOST_HOLDS_TRIED {
            return Ok(());
        }
    }
}

async fn expire(app: &App, id: &HoldId, run: &RequestId) -> Result<(), StoreError> {
    let hold = app.store().hold(id).await?;
    let transfer = TransferId::from_uuid(app.uuid());
    let expire = |_: &_| Ok(HoldEnd::Expire);
    app.store().end_hold(id, expire, EndedBy::Schedule, &transfer, &hold.account_id, &act(app, run), &|_| Ok(())).await?;
    Ok(())
}

/// Takes out of each due lot what is not held. Safe to repeat; a lot that fails keeps no other waiting.
///
/// # Errors
/// When the due lots cannot be listed.
async fn end_lots(app: &App, run: &RequestId, summary: &mut Summary) -> Result<(), StoreError> {
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
