//! Bringing the sums of usage up to date. Reads never wait for it: it only keeps what they have to fold themselves short.

use std::collections::BTreeMap;
use std::error::Error;

use jiff::Timestamp;
use serde::Serialize;
use tributary_api::App;
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::ledger::stripe_of;
use tributary_metering::aggregates::SumError;
use tributary_metering::aggregates::fold::{Batches, Unfolded, fold, tail};
use tributary_store::account_lists::{ListFilter, Sort};

/// A ledger with as many entries to fold is folded at once.
const WORTH_IT: usize = 50;
/// One with fewer is, when its oldest is as old.
const AT_LATEST_S: i64 = 15 * 60;
/// A master that had no usage for so long is looked at only every fifteenth minute.
const LIVELY_S: i64 = 60 * 60;
/// Of how many minutes an idle master is looked at in one.
const IDLE_EVERY: u8 = 15;
/// The most masters that are looked at each minute.
const MOST_LIVELY: usize = 5_000;
/// How many masters are listed at once.
const AT_ONCE: usize = 500;
/// A run begins with no more ledgers after so many seconds: it must end before the function's timeout.
const LAST_S: i64 = 30;
/// How many steps of a ledger one run folds; the next goes on.
const STEPS: usize = 20;

/// What a scheduled run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Entries folded.
    pub entries: usize,
    /// Slots written.
    pub slots: usize,
    /// Masters whose sums could not be brought up to date; the next run tries again.
    pub failed: usize,
}

/// One run; with `at_once` all masters are looked at and all is folded, due or not. Safe to repeat: an entry is folded once.
///
/// # Errors
/// When the masters cannot be listed; the schedule then tries again.
pub async fn rollup(app: &App, run: &RequestId, at_once: bool) -> Result<Summary, Box<dyn Error + Send + Sync>> {
    let (now, mut summary) = (app.now(), Summary::default());
    let (version, mut lively) = app.store().lively().await?;
    let before = lively.clone();
    let mut masters = due(app, &lively, at_once, now).await?;
    // Who comes last where time is short comes earlier in the next minute.
    let turn = usize::try_from(minute(now)).unwrap_or(0).checked_rem(masters.len()).unwrap_or(0);
    masters.rotate_left(turn);
    for master in masters {
        if app.now().duration_since(now).as_secs() >= LAST_S {
            break;
        }
        let batches = Batches::default();
        match bring_up_to_date(app, &batches, &master, &mut lively, at_once, now).await {
            Ok((entries, slots)) => {
                summary.entries += entries;
                summary.slots += slots;
            }
            Err(error) => {
                summary.failed += 1;
                tracing::error!(request_id = run.as_str(), account_id = %master, error = %error, "usage could not be summed up");
            }
        }
    }
    lively.retain(|_, last| now.duration_since(*last).as_secs() < LIVELY_S);
    if lively != before {
        // Who comes second looks a minute later at what it does not know.
        app.store().keep_lively(version, &lively).await?;
    }
    tracing::info!(
        request_id = run.as_str(),
        entries = summary.entries,
        slots = summary.slots,
        failed = summary.failed,
        "usage is summed up"
    );
    Ok(summary)
}

fn minute(now: Timestamp) -> i64 {
    now.as_second() / 60
}

/// The masters to look at: those with usage in the last hour, and a fifteenth of the others.
async fn due(
    app: &App,
    lively: &BTreeMap<AccountId, Timestamp>,
    at_once: bool,
    now: Timestamp,
) -> Result<Vec<AccountId>, Box<dyn Error + Send + Sync>> {
    let Some(operator) = app.store().operator().await? else { return Ok(Vec::new()) };
    let filter = ListFilter { status: None, kind: None, q: None, sort: Sort::Created, descending: false, limit: AT_ONCE };
    let (mut due, mut start) = (Vec::new(), None);
    loop {
        let (accounts, next) = app.store().children(&operator, &filter, start).await?;
        let turn = |id: &AccountId| i64::from(stripe_of(id.as_str(), IDLE_EVERY)) == minute(now).rem_euclid(i64::from(IDLE_EVERY));
        due.extend(accounts.into_iter().map(|account| account.id).filter(|id| at_once || lively.contains_key(id) || turn(id)));
        start = next;
        if start.is_none() {
            return Ok(due);
        }
    }
}

/// Looks at one master, and folds what is worth it.
async fn bring_up_to_date(
    app: &App,
    batches: &Batches,
    master: &AccountId,
    lively: &mut BTreeMap<AccountId, Timestamp>,
    at_once: bool,
    now: Timestamp,
) -> Result<(usize, usize), SumError> {
    let folded_to = app.store().summed_up_to([master]).await?.remove(master).unwrap_or(0);
    let tail = tail(app, master, folded_to, WORTH_IT).await?;
    let at = |(_, batch): &Unfolded| Timestamp::from_millisecond(batch.millis()).unwrap_or(now);
    if let Some(newest) = tail.entries.last().map(at)
        && lively.len() < MOST_LIVELY
    {
        lively.insert(master.clone(), newest);
    }
    let old = tail.entries.first().is_some_and(|oldest| now.duration_since(at(oldest)).as_secs() >= AT_LATEST_S);
    // Many entries without usage are passed over too, or they would hide what comes after them.
    if !tail.more && !old && !at_once {
        return Ok((0, 0));
    }
    let folded = fold(app, batches, master.clone(), STEPS).await?;
    Ok((folded.entries, folded.slots))
}
