//! Folding: what was told to a roster goes into its blobs, which are written anew under the next version of its head. Killed at
//! any call, the next one finds what was told still there, and taking it over twice is taking it over once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tributary_api::App;
use tributary_api::clocks::Clocks;
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::month::Month;
use tributary_runtime::blobs::BlobError;
use tributary_store::aggregates::Kept;
use tributary_store::error::{Denied, StoreError};
use tributary_store::rosters::{RosterHead, RosterRead};

use crate::change::{RowChange, Told};
use crate::facts::{DAYS_READ, told_of, told_of_bills};
use crate::figures::{day_number, day_start, month_number};
use crate::pack::Unreadable;
use crate::sums::{Of, Slots};
use crate::view::{DECAY_DAYS, View};

/// How long a fold may take before another takes its roster: longer than a rebuild of the largest tree.
const TAKEN_S: i64 = 15 * 60;
/// A roster is folded anew so long after midnight in UTC, when a day more is whole.
const AFTER_MIDNIGHT_S: i64 = 5 * 60;
/// How many blobs of before stay: those of one version.
const BLOBS: usize = 3;
/// Whose whole subtree may be read while somebody waits for it.
pub const SMALL: usize = 100;

/// Why a roster cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// A blob that a head names does not read, or is not there.
    #[error("{key}: {why}")]
    Blob {
        /// Which.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// A roster could not be packed.
    #[error("a roster could not be packed: {0}")]
    Pack(#[from] std::io::Error),
    /// It was never made, and is too large to be made while somebody waits.
    #[error("the roster is not made yet")]
    NotYet,
    /// What it consists of is lost, and the schedule makes it anew.
    #[error("the roster is made anew")]
    Anew,
}

/// What became of a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// So much of what was told is in the blobs.
    Told(usize),
    /// There was nothing to do.
    Nothing,
    /// Another has it, or came first.
    Another,
}

/// A roster's three parts.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its rows.
    pub view: View,
    /// What each account brought in which month.
    pub months: Slots,
    /// The same of the last days.
    pub days: Slots,
}

/// Folds a roster that is due, or builds it if there is none; with `anew` from the table, whatever there is.
///
/// # Errors
/// [`RosterError`]; the roster stays due.
pub async fn fold(app: &App, owner: &AccountId, anew: bool) -> Result<Folded, RosterError> {
    let platform = app.platform_now();
    let until = after(platform, TAKEN_S);
    if anew {
        app.store().fold_roster_by(owner, platform).await?;
    }
    if !app.store().take_roster(owner, platform, until).await? {
        return Ok(Folded::Another);
    }
    let account = match app.store().account(owner).await {
        // It has no roster, and is not to be looked at again.
        Ok(Account { kind: Kind::Customer, .. }) => {
            app.store().forget_roster(owner).await?;
            return Ok(Folded::Nothing);
        }
        Err(absent @ StoreError::Denied(Denied::Absent)) => {
            app.store().forget_roster(owner).await?;
            return Err(absent.into());
        }
        other => other?,
    };
    let app = &Clocks::read(app).await?.time_of(owner).await?;
    let folded = fold_taken(app, &account, anew).await?;
    let next = match folded {
        Folded::Told(_) | Folded::Nothing => {
            let midnight = day_start(day_number(app.now()) + 1).duration_since(app.now()).as_secs();
            after(platform, midnight + AFTER_MIDNIGHT_S)
        }
        // Whoever came first may not have known all of what was told.
        Folded::Another => platform,
    };
    app.store().put_roster_down(owner, until, next).await?;
    Ok(folded)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

async fn fold_taken(app: &App, account: &Account, anew: bool) -> Result<Folded, RosterError> {
    let (owner, now) = (&account.id, app.now());
    let read: RosterRead<Vec<RowChange>> = app.store().roster(owner, true).await?;
    let told: Vec<Told> = read.deltas.iter().map(|delta| Told { at: delta.at, changes: delta.doc.clone() }).collect();
    let mut whole = match &read.head {
        Some(head) if !anew => match whole(app, head).await {
            Ok(whole) => {
                let today = whole.view.day() == day_number(now) && whole.view.month() == Month::of(now);
                if told.is_empty() && today {
                    return Ok(Folded::Nothing);
                }
                whole
            }
            // What is lost is in the table still.
            Err(RosterError::Blob { key, why }) => {
                tracing::error!(account_id = %owner, key, why, "a roster's blob does not read, and is built anew");
                built(app, account).await?
            }
            Err(error) => return Err(error),
        },
        Some(_) | None => built(app, account).await?,
    };
    apply(&mut whole, account, &told, now);
    let names: Vec<String> = read.deltas.iter().map(|delta| delta.name.clone()).collect();
    if !keep(app, account, &whole, read.head.as_ref()).await? {
        return Ok(Folded::Another);
    }
    app.store().drop_told(owner, &names).await?;
    Ok(Folded::Told(names.len()))
}

/// A roster built from the table alone: the tree's index lists the accounts, and each is read.
///
/// # Errors
/// [`RosterError`].
pub async fn built(app: &App, account: &Account) -> Result<Whole, RosterError> {
    let (owner, now) = (&account.id, app.now());
    let mut whole = Whole { view: View::empty(owner, now), months: Slots::default(), days: Slots::default() };
    let mut changes = told_of(app, owner, vec![account.clone()]).await?;
    changes.extend(told_of_bills(app, owner).await?);
    let mut all = vec![Told { at: now, changes }];
    let mut start = None;
    loop {
        let (accounts, next) = app.store().tree_page(owner, &account.lineage, start, 0).await?;
        all.push(Told { at: now, changes: told_of(app, owner, accounts).await? });
        start = next;
        if start.is_none() {
            break;
        }
    }
    apply(&mut whole, account, &all, now);
    Ok(whole)
}

/// Takes over what was told, and sets what follows from it at `now`.
pub fn apply(whole: &mut Whole, account: &Account, told: &[Told], now: Timestamp) {
    for Told { changes, .. } in told {
        whole.months.apply(Of::Months, changes);
        whole.days.apply(Of::Days, changes);
    }
    whole.view.apply(told);
    let today = day_number(now);
    let own = by_day_of(&whole.view, account);
    whole.days.forget(|id| if own.contains(&id) { today - DAYS_READ } else { today - 2 * DECAY_DAYS });
    let Whole { view, months, days } = whole;
    let sum = |id: u128, from: i32, to: i32| days.between(id, from, to).fold(0_i64, |sum, day| sum.saturating_add(day.figures.revenue));
    view.settle(
        now,
        |id, month| months.get(id, month).map(|kept| (kept.seq, kept.figures)),
        |id, day| (sum(id, day - DECAY_DAYS, day), sum(id, day - 2 * DECAY_DAYS, day - DECAY_DAYS)),
    );
}

/// Whose days together are the owner's: its own; the operator has no ledger of usage, so of it those of the accounts right below it.
fn by_day_of(view: &View, account: &Account) -> BTreeSet<u128> {
    match account.kind {
        Kind::Operator => {
            let paying = |row: &crate::view::Row<'_>| row.depth() == Some(1) && row.currency() == Some(account.currency);
            view.rows().filter(paying).map(|row| row.id().as_u128()).collect()
        }
        Kind::Reseller | Kind::Customer => BTreeSet::from([account.id.as_u128()]),
    }
}

/// What the owner was paid and paid by day: the running month and the one before.
pub fn by_day(whole: &Whole, account: &Account, now: Timestamp) -> Vec<(i32, i64, i64)> {
    let own = by_day_of(&whole.view, account);
    let first = day_number(Month::of(now).prev().start());
    let of = |day: i32| {
        let sum = |of: fn(&crate::figures::Figures) -> i64| {
            own.iter().filter_map(|id| whole.days.get(*id, day)).fold(0_i64, |sum, kept| sum.saturating_add(of(&kept.figures)))
        };
        (day, sum(|figures| figures.revenue), sum(|figures| figures.cost))
    };
    (first..=day_number(now)).map(of).filter(|(_, revenue, cost)| *revenue != 0 || *cost != 0).collect()
}

/// Puts the blobs of a version, and its head over the one that was read; `false` if another came first.
async fn keep(app: &App, account: &Account, whole: &Whole, read: Option<&RosterHead>) -> Result<bool, RosterError> {
    let (owner, now) = (&account.id, app.now());
    let version = read.map_or(0, |head| head.version) + 1;
    // Two that fold at once write blobs of their own; the head says whose are right.
    let key = |part: &str| format!("rosters/{owner}/{version:010}-{}.{part}", app.uuid().simple());
    let keys = [key("rows"), key("months"), key("days")];
    let parts = [whole.view.pack(now)?, whole.months.pack()?, whole.days.pack()?];
    for (key, bytes) in keys.iter().zip(parts) {
        app.blobs().put(key, bytes, "application/octet-stream").await?;
    }
    let [rows, months, days] = keys;
    let before: Vec<String> = read.iter().flat_map(|head| [head.rows.clone(), head.months.clone(), head.days.clone()]).collect();
    debug_assert!(before.len() <= BLOBS, "one version is kept");
    let head = RosterHead { version, rows, months, days, before, as_of: app.platform_now(), by_day: by_day(whole, account, now) };
    let unused: Vec<String> = match app.store().keep_roster(owner, &head).await? {
        Kept::Yes => read.map(|head| head.before.clone()).unwrap_or_default(),
        Kept::Raced => {
            // An attempt of which no answer came may have been this one's.
            let there: RosterRead<Vec<RowChange>> = app.store().roster(owner, true).await?;
            if there.head.as_ref().is_some_and(|there| there.rows == head.rows) {
                read.map(|head| head.before.clone()).unwrap_or_default()
            } else {
                for key in [&head.rows, &head.months, &head.days] {
                    app.blobs().delete(key).await?;
                }
                return Ok(false);
            }
        }
    };
    for key in unused {
        app.blobs().delete(&key).await?;
    }
    Ok(true)
}

/// The three parts that a head names.
///
/// # Errors
/// [`RosterError::Blob`] of one that is lost or does not read; [`RosterError::Blobs`].
pub async fn whole(app: &App, head: &RosterHead) -> Result<Whole, RosterError> {
    let view = part(app, &head.rows, View::unpack).await?;
    let months = part(app, &head.months, Slots::unpack).await?;
    let days = part(app, &head.days, Slots::unpack).await?;
    Ok(Whole { view, months, days })
}

/// One part of a roster.
///
/// # Errors
/// As [`whole`].
pub async fn part<T>(app: &App, key: &str, unpack: impl FnOnce(&[u8]) -> Result<T, Unreadable>) -> Result<T, RosterError> {
    let wrong = |why: String| RosterError::Blob { key: key.to_owned(), why };
    let bytes = app.blobs().get(key).await?.ok_or_else(|| wrong("it is not there".to_owned()))?;
    unpack(&bytes).map_err(|error| wrong(error.to_string()))
}

/// The number of the month of `now`.
pub fn this_month(now: Timestamp) -> i32 {
    month_number(Month::of(now))
}
