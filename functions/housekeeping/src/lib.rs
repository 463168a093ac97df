//! The housekeeping of credit, on a schedule: sets free holds whose time is over, takes out lots whose time is over, and finishes
//! relocations.

use std::error::Error;

use jiff::SignedDuration;
use metrics::counter;
use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::hold::HoldEnd;
use tributary_domain::id::{EventId, HoldId, KeyId, RequestId, TransferId};
use tributary_runtime::telemetry;
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::holds::{EndedBy, ended_meanwhile};
use uuid::Uuid;

mod lots;

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

/// Who does it: the schedule, no key of anybody's.
fn act(app: &App, run: &RequestId) -> Act {
    Act { event: EventId::from_uuid(app.uuid()), actor: KeyId::from_uuid(Uuid::nil()), request: run.clone(), now: app.now() }
}

/// One run. Safe to repeat: a hold ends once, and so does a lot.
///
/// # Errors
/// When the due holds, the due lots or the open relocations cannot be listed; the schedule then tries again.
pub async fn handle(app: &App, _event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let mut summary = Summary::default();
    let settled = app.now().checked_sub(SignedDuration::from_secs(RELOCATION_SETTLES_S))?;
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
    lots::expire_due(app, run, &mut summary).await?;
    tracing::info!(
        request_id = run.as_str(),
        expired = summary.expired,
        lots_expired = summary.lots_expired,
        failed = summary.failed,
        relocated = summary.relocated,
        "housekeeping done"
    );
    // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
    counter!("HoldsExpired").increment(summary.expired as u64);
    counter!("LotsExpired").increment(summary.lots_expired as u64);
    counter!("HousekeepingFailures").increment(summary.failed as u64);
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(serde_json::to_value(summary)?)
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
