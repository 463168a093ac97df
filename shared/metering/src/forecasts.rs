//! Forecasts of an account's usage: daily totals out of the sums of usage, forecast, and kept for the rest of the day. What
//! they say and how is `docs/forecast.md`. Floating point ends here and in what is shown: no ledger ever sees it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use tributary_api::App;
use tributary_domain::account::{Account, Funding, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::Head;
use tributary_domain::money::{MICROS_PER_UNIT, Micros};
use tributary_domain::pricing::meter::MeterKey;
use tributary_forecast::{Forecast, History, MAX_HORIZON_DAYS, Point, TimeToEmpty, UnitCost, forecast, time_to_empty};
use tributary_store::aggregates::{Size, Slot};

use crate::aggregates::SumError;
use crate::aggregates::fold::Batches;
use crate::aggregates::read::of_account;
use crate::aggregates::sums::{Cell, CellKey, Sums};

/// The days of history that are looked at.
pub const HISTORY_DAYS: i32 = 400;
/// What is forecast unless more is asked for, in days: it reaches the end of every month, and so far a short history is calibrated.
pub const NEAR_DAYS: usize = 42;
/// An account with no usage for so many days is left out of the day's run.
pub const LIVELY_DAYS: i32 = 35;
/// The most meters of one account that the day's run forecasts; the others are forecast when they are asked for.
const MAX_METERS: usize = 100;

/// What is forecast: a day's total of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// What the account and everything below it uses of a meter.
    Quantity(MeterKey),
    /// What an account, the one in question or one above it, pays for it.
    Cost(AccountId),
    /// What that account is paid for it.
    Price(AccountId),
    /// What the account pays less what it is paid: how its credit goes down.
    Net,
    /// What counts to its volume tier.
    Volume,
}

impl Subject {
    /// What it is kept under. The key of a meter begins with a letter.
    fn name(&self, account: &AccountId) -> String {
        match self {
            Subject::Quantity(meter) => meter.to_string(),
            Subject::Cost(of) if of == account => "-".to_owned(),
            Subject::Cost(of) => format!("-cost#{of}"),
            Subject::Price(of) => format!("-price#{of}"),
            Subject::Net => "-net".to_owned(),
            Subject::Volume => "-volume".to_owned(),
        }
    }
}

/// A forecast as it was made, or that there was too little history for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// When.
    pub made_at: Timestamp,
    /// The last whole day that was known.
    pub through: Date,
    /// How far it reaches, in days.
    pub horizon: usize,
    /// Days since the first usage.
    pub days: usize,
    /// Days of these with usage.
    pub days_used: usize,
    /// Mean of a day.
    pub mean: f64,
    /// The forecast; none of too little history.
    pub forecast: Option<Forecast>,
}

/// Forecasts, in the order of what was asked for, and the sums they stand on.
#[derive(Debug)]
pub struct Outlook {
    /// Each, and whether it was kept rather than made now.
    pub made: Vec<(Made, bool)>,
    /// The days up to today.
    pub days: Days,
}

/// The sums of some days of an account and everything below it.
#[derive(Debug)]
pub struct Days {
    account: AccountId,
    by_day: BTreeMap<Date, Sums>,
    /// Meters that do not count to tiers.
    uncounted: BTreeSet<(AccountId, MeterKey)>,
}

/// The day in UTC that a moment falls into.
pub fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

fn start_of(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The day so many days before.
pub fn days_before(day: Date, days: i32) -> Date {
    day.saturating_sub(days.days())
}

impl Days {
    /// The days from `first` to `last`: a few reads, however many events they hold.
    ///
    /// # Errors
    /// [`SumError`].
    pub async fn read(app: &App, account: &AccountId, first: Date, last: Date) -> Result<Self, SumError> {
        let slots = Slot::cover(start_of(first), start_of(last.saturating_add(1.day())), Size::Day);
        let sums = of_account(app, &Batches::default(), account, &slots).await?;
        let by_day: BTreeMap<Date, Sums> = sums.into_iter().map(|(slot, sums)| (day_of(slot.start()), sums)).collect();
        let owners: BTreeSet<&AccountId> = by_day.values().flat_map(|sums| sums.cells.keys().map(|key| &key.payers.owner)).collect();
        let mut uncounted = BTreeSet::new();
        if !owners.is_empty() {
            for (owner, book) in app.store().books(owners).await? {
                let keys = book.meters.iter().filter(|meter| !meter.counts_to_tier).map(|meter| (owner.clone(), meter.key.clone()));
                uncounted.extend(keys);
            }
        }
        Ok(Self { account: account.clone(), by_day, uncounted })
    }

    /// What the days from `first` to `last` add up to, in millionths; of one meter, if one is given.
    pub fn total(&self, subject: &Subject, only: Option<&MeterKey>, first: Date, last: Date) -> i64 {
        if first > last {
            return 0;
        }
        self.by_day.range(first..=last).map(|(_, sums)| self.value(subject, only, sums)).fold(0, i64::saturating_add)
    }

    /// What `of`, the account or one above it, paid in the days from `first` to `last` for what it sold on, less what it was paid for that, in
    /// millionths; of one meter, if one is given. Its own usage is sold to nobody, and in neither.
    pub fn loss(&self, of: &AccountId, only: Option<&MeterKey>, first: Date, last: Date) -> i64 {
        if first > last {
            return 0;
        }
        let cells = self.by_day.range(first..=last).flat_map(|(_, sums)| &sums.cells);
        let cells = cells.filter(|(key, _)| only.is_none_or(|meter| *meter == key.meter));
        let sold = cells.filter_map(|(key, cell)| {
            let figures = cell.figures(key, key.payers.level(of)?);
            Some(figures.cost.get().saturating_sub(figures.price?.get()))
        });
        sold.fold(0, i64::saturating_add)
    }

    /// The meters of which there was usage on `first` or later.
    pub fn meters(&self, first: Date) -> BTreeSet<&MeterKey> {
        self.by_day.range(first..).flat_map(|(_, sums)| sums.cells.keys().map(|key| &key.meter)).collect()
    }

    fn value(&self, subject: &Subject, only: Option<&MeterKey>, sums: &Sums) -> i64 {
        let cells = sums.cells.iter().filter(|(key, _)| only.is_none_or(|meter| *meter == key.meter));
        cells.map(|(key, cell)| self.of_cell(subject, key, cell)).fold(0, i64::saturating_add)
    }

    fn of_cell(&self, subject: &Subject, key: &CellKey, cell: &Cell) -> i64 {
        let figures = |of: &AccountId| key.payers.level(of).map(|level| cell.figures(key, level));
        let money = |of: &AccountId| {
            let figures = figures(of);
            let price = figures.and_then(|figures| figures.price).unwrap_or_default();
            (figures.map(|figures| figures.cost).unwrap_or_default().get(), price.get())
        };
        match subject {
            Subject::Quantity(meter) if *meter == key.meter => cell.quantity.get(),
            Subject::Quantity(_) => 0,
            Subject::Cost(of) => money(of).0,
            Subject::Price(of) => money(of).1,
            Subject::Net => {
                let (cost, price) = money(&self.account);
                cost.saturating_sub(price)
            }
            Subject::Volume => {
                let counts = !self.uncounted.contains(&(key.payers.owner.clone(), key.meter.clone()));
                // What is used of its own meters buys nothing.
                if counts && key.payers.payers.first() == Some(&self.account) { cell.quantity.get() } else { 0 }
            }
        }
    }

    /// Forecasts a subject from the days up to `through`.
    fn make(&self, subject: &Subject, through: Date, horizon: usize, now: Timestamp) -> Made {
        let units = |sums: &Sums| self.value(subject, None, sums) as f64 / MICROS_PER_UNIT as f64;
        let days = self.by_day.range(..=through).map(|(day, sums)| (*day, units(sums)));
        // Totals of 64 bits are in the range of a history, and a map has no day twice.
        let history = History::new(days, through).ok();
        let forecast = history.as_ref().and_then(|history| forecast(history, horizon).ok()).map(shortened);
        let of = |what: fn(&History) -> usize| history.as_ref().map_or(0, what);
        Made {
            made_at: now,
            through,
            horizon,
            days: of(|history| history.totals().len()),
            days_used: of(History::days_used),
            mean: history.as_ref().map_or(0.0, History::mean),
            forecast,
        }
    }
}

/// The same with six decimals, which is all that is shown: a forecast is stored in half the bytes.
fn shortened(mut forecast: Forecast) -> Forecast {
    let one = MICROS_PER_UNIT as f64;
    let short = |value: &mut f64| *value = (*value * one).round_ties_even() / one;
    for Point { mean, lo80, hi80, lo95, hi95, .. } in forecast.points.iter_mut().chain(&mut forecast.sums) {
        [mean, lo80, hi80, lo95, hi95].into_iter().for_each(short);
    }
    forecast
}

/// Forecasts of an account's usage at least `horizon` days from today on, and the sums from `since` to today: kept ones, if all of
/// them were made since the last whole day ended and reach far enough; else those that lack are made from the whole history
/// and kept. A few reads, however many events there were.
///
/// # Errors
/// [`SumError`].
pub async fn outlook(app: &App, account: &AccountId, subjects: &[Subject], horizon: usize, since: Date) -> Result<Outlook, SumError> {
    let now = app.now();
    let today = day_of(now);
    let through = days_before(today, 1);
    let stored = kept(app, account, subjects, through, horizon).await?;
    let first = match stored.iter().all(Option::is_some) {
        true => since,
        false => since.min(days_before(through, HISTORY_DAYS - 1)),
    };
    let days = Days::read(app, account, first, today).await?;
    let mut made = Vec::with_capacity(subjects.len());
    for (subject, stored) in subjects.iter().zip(stored) {
        made.push(match stored {
            Some(stored) => (stored, true),
            None => (keep(app, &days, subject, through, reach(horizon), now).await?, false),
        });
    }
    Ok(Outlook { made, days })
}

/// Makes and keeps the forecasts of one account for the day: of what it uses of each meter, pays and is paid. Returns how many;
/// those that are kept already are not made again, and an account without usage in [`LIVELY_DAYS`] has none.
///
/// # Errors
/// [`SumError`].
pub async fn make_all(app: &App, account: &Account) -> Result<usize, SumError> {
    let (now, id) = (app.now(), &account.id);
    let today = day_of(now);
    let through = days_before(today, 1);
    let days = Days::read(app, id, days_before(through, HISTORY_DAYS - 1), today).await?;
    let meters = days.meters(days_before(today, LIVELY_DAYS));
    if meters.is_empty() {
        return Ok(0);
    }
    let mut subjects = vec![Subject::Cost(id.clone())];
    if account.kind == Kind::Reseller {
        subjects.extend([Subject::Price(id.clone()), Subject::Net, Subject::Volume]);
    }
    subjects.extend(meters.into_iter().take(MAX_METERS).cloned().map(Subject::Quantity));
    let stored = kept(app, id, &subjects, through, NEAR_DAYS).await?;
    let lacking: Vec<Subject> =
        subjects.into_iter().zip(stored).filter(|(_, stored)| stored.is_none()).map(|(subject, _)| subject).collect();
    for subject in &lacking {
        keep(app, &days, subject, through, NEAR_DAYS, now).await?;
    }
    Ok(lacking.len())
}

/// How far to forecast so that `horizon` days are in it: one of two, so that what is kept serves most questions.
fn reach(horizon: usize) -> usize {
    if horizon <= NEAR_DAYS { NEAR_DAYS } else { MAX_HORIZON_DAYS }
}

async fn kept(app: &App, account: &AccountId, subjects: &[Subject], through: Date, horizon: usize) -> Result<Vec<Option<Made>>, SumError> {
    let names: Vec<String> = subjects.iter().map(|subject| subject.name(account)).collect();
    let found: Vec<Option<Made>> = app.store().forecasts(account, &names).await?;
    let fits = |made: &Made| made.through == through && made.horizon >= horizon;
    Ok(found.into_iter().map(|made| made.filter(fits)).collect())
}

async fn keep(app: &App, days: &Days, subject: &Subject, through: Date, horizon: usize, now: Timestamp) -> Result<Made, SumError> {
    let made = days.make(subject, through, horizon, now);
    app.store().keep_forecast(&days.account, &subject.name(&days.account), &made).await?;
    Ok(made)
}

/// In how many days an account's credit runs out, as the day's kept forecast has it on average: 0 when it is empty, and one more
/// than are forecast when it lasts longer. None of an account that pays later, and before the day's forecasts are made. Up to
/// five reads; it makes no forecast.
///
/// # Errors
/// [`SumError`].
pub async fn days_left(app: &App, account: &AccountId, head: &Head) -> Result<Option<i64>, SumError> {
    if head.funding != Funding::Prepaid || head.kind == Kind::Operator {
        return Ok(None);
    }
    let today = day_of(app.now());
    let spendable = head.available.get().saturating_add(head.credit_limit.get());
    let cost = Subject::Cost(account.clone());
    let subjects = if head.kind == Kind::Reseller { vec![Subject::Net, cost] } else { vec![cost] };
    let known = kept(app, account, &subjects, days_before(today, 1), 1).await?;
    if known.iter().all(|made| made.as_ref().is_none_or(|made| made.forecast.is_none())) {
        return Ok(None);
    }
    if spendable <= 0 {
        return Ok(Some(0));
    }
    let days_to = |day: Date| i64::from(today.until(day).map(|span| span.get_days()).unwrap_or_default()).max(0);
    let Some(forecast) = known.first().and_then(Option::as_ref).and_then(|made| made.forecast.as_ref()) else {
        // What comes in is more than what goes out.
        return Ok(Some(i64::try_from(NEAR_DAYS).unwrap_or(0) + 1));
    };
    // Today is in the forecast, so what it has taken already is put back.
    let taken = Days::read(app, account, today, today).await?.total(&subjects[0], None, today, today).max(0);
    Ok(Some(match time_to_empty(forecast, Micros::new(spendable.saturating_add(taken)), UnitCost::ONE) {
        TimeToEmpty::Empty => 0,
        TimeToEmpty::Lasts { mean: Some(day), .. } => days_to(day),
        TimeToEmpty::Lasts { mean: None, through, .. } => days_to(through) + 1,
    }))
}
