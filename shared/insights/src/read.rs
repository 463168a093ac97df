//! Reading a roster: one query for its head and what was told since, and its blob, which a process reads once a version.

use std::sync::Arc;

use jiff::Timestamp;
use tributary_api::{App, Code, Problem};
use tributary_domain::account::Account;
use tributary_domain::id::AccountId;
use tributary_domain::pricing::month::Month;
use tributary_runtime::secrets::digest;
use tributary_store::rosters::{RosterHead, RosterRead};

use crate::change::{RowChange, Told};
use crate::figures::{day_number, month_number};
use crate::fold::{RosterError, SMALL, Whole, built, by_day, part};
use crate::sums::{Of, Slots};
use crate::view::View;

/// A roster as it is now.
#[derive(Debug, Clone)]
pub struct Roster {
    /// Its rows.
    pub view: Arc<View>,
    /// When something was last told to it, or it was folded. Figures of days and what follows from them are as of the fold.
    pub as_of: Timestamp,
    /// What it is made of: as long as that is the same, so is the roster.
    pub tag: String,
    /// What the owner was paid and paid by day, as far as it is folded.
    pub by_day: Vec<(i32, i64, i64)>,
    told: Arc<Vec<Told>>,
    months: Months,
}

/// Where the figures of each month are.
#[derive(Debug, Clone)]
enum Months {
    Blob(String),
    Here(Arc<Slots>),
}

impl From<RosterError> for Problem {
    fn from(error: RosterError) -> Self {
        match error {
            RosterError::Store(error) => error.into(),
            RosterError::Blobs(error) => error.into(),
            RosterError::NotYet => Problem::new(
                Code::Busy,
                "The insights of so many accounts are being put together for the first time. Ask again in a minute.",
            ),
            RosterError::Anew => Problem::new(Code::Busy, "The insights are being put together anew. Ask again in a few minutes."),
            other @ (RosterError::Blob { .. } | RosterError::Pack(_)) => {
                let mut problem = Problem::new(Code::Internal, "The insights could not be read; support knows why.");
                problem.internal = Some(other.to_string());
                problem
            }
        }
    }
}

/// The roster of an account. One that was never made is made of a small subtree there and then; a larger one is asked for.
///
/// # Errors
/// [`RosterError`].
pub async fn roster(app: &App, owner: &AccountId) -> Result<Roster, RosterError> {
    match once(app, owner).await {
        // Two folds since the head was read have removed what it names; else it is lost, and the schedule builds it anew.
        Err(RosterError::Blob { .. }) => match once(app, owner).await {
            Err(RosterError::Blob { key, why }) => Err(lost(app, owner, &key, &why).await?),
            other => other,
        },
        other => other,
    }
}

/// Has the schedule make a roster anew of which a blob is lost or damaged.
async fn lost(app: &App, owner: &AccountId, key: &str, why: &str) -> Result<RosterError, RosterError> {
    tracing::error!(account_id = %owner, key, why, "a roster's blob does not read");
    app.store().fold_roster_by(owner, app.platform_now()).await?;
    Ok(RosterError::Anew)
}

async fn once(app: &App, owner: &AccountId) -> Result<Roster, RosterError> {
    let read: RosterRead<Vec<RowChange>> = app.store().roster(owner, false).await?;
    let Some(head) = &read.head else { return unmade(app, owner).await };
    let now = app.now();
    let names: Vec<&str> = read.deltas.iter().map(|delta| delta.name.as_str()).collect();
    let tag = digest(format!("{owner}\n{}\n{}\n{}\n{}", head.version, head.rows, names.join("\n"), day_number(now)).as_bytes());
    let told = || -> Vec<Told> { read.deltas.iter().map(|delta| Told { at: delta.at, changes: delta.doc.clone() }).collect() };
    let as_of = read.deltas.iter().map(|delta| delta.at).chain([head.as_of]).max().unwrap_or(head.as_of);
    let view = match app.memos().get::<View>(&tag) {
        Some(view) => view,
        None => {
            let mut view = base(app, head).await?;
            if !read.deltas.is_empty() || month_number(view.month()) < month_number(Month::of(now)) {
                let mut newer = View::clone(&view);
                newer.turn(now);
                newer.apply(&told());
                view = Arc::new(newer);
                app.memos().keep(&tag, view.weight(), Arc::clone(&view));
            }
            view
        }
    };
    Ok(Roster { view, as_of, tag, by_day: head.by_day.clone(), told: Arc::new(told()), months: Months::Blob(head.months.clone()) })
}

/// The rows that a head names, as they were folded.
async fn base(app: &App, head: &RosterHead) -> Result<Arc<View>, RosterError> {
    if let Some(view) = app.memos().get::<View>(&head.rows) {
        return Ok(view);
    }
    let view = Arc::new(part(app, &head.rows, View::unpack).await?);
    app.memos().keep(&head.rows, view.weight(), Arc::clone(&view));
    Ok(view)
}

async fn unmade(app: &App, owner: &AccountId) -> Result<Roster, RosterError> {
    // Whoever reads it next finds it made.
    app.store().fold_roster_by(owner, app.platform_now()).await?;
    let account: Account = app.store().account(owner).await?;
    let (first, more) = app.store().tree_page(owner, &account.lineage, None, SMALL + 1).await?;
    if first.len() > SMALL || more.is_some() && first.len() >= SMALL {
        return Err(RosterError::NotYet);
    }
    let (whole, now) = (built(app, &account).await?, app.now());
    let by_day = by_day(&whole, &account, now);
    let Whole { view, months, .. } = whole;
    let tag = digest(format!("{owner}\n{}", app.uuid()).as_bytes());
    let months = Months::Here(Arc::new(months));
    Ok(Roster { view: Arc::new(view), as_of: app.platform_now(), tag, by_day, told: Arc::default(), months })
}

impl Roster {
    /// The roster of an account that has nobody below it, without a look at the table.
    pub fn none(owner: &AccountId, now: Timestamp) -> Self {
        let (view, months) = (Arc::new(View::empty(owner, now)), Months::Here(Arc::default()));
        Self { view, as_of: now, tag: String::new(), by_day: Vec::new(), told: Arc::default(), months }
    }

    /// What each account brought in which month: a blob more, once a version.
    ///
    /// # Errors
    /// [`RosterError`].
    pub async fn months(&self, app: &App) -> Result<Arc<Slots>, RosterError> {
        let key = match &self.months {
            Months::Here(months) => return Ok(Arc::clone(months)),
            Months::Blob(key) => key,
        };
        let known = match app.memos().get::<Slots>(key) {
            Some(months) => months,
            None => {
                let months = match part(app, key, Slots::unpack).await {
                    Ok(months) => Arc::new(months),
                    Err(RosterError::Blob { key, why }) => return Err(lost(app, &self.view.owner, &key, &why).await?),
                    Err(error) => return Err(error),
                };
                app.memos().keep(key, months.weight(), Arc::clone(&months));
                months
            }
        };
        if self.told.iter().all(|told| told.changes.iter().all(|change| change.sums.is_empty())) {
            return Ok(known);
        }
        let mut newer = Slots::clone(&known);
        self.told.iter().for_each(|told| newer.apply(Of::Months, &told.changes));
        Ok(Arc::new(newer))
    }
}
