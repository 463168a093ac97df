//! `GET /reseller/insights/profitability`: what is kept, by account, meter or level, the worst first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_insights::figures::{Figures, Total, month_number, shown};
use tributary_insights::sums::Slots;
use tributary_insights::view;

use crate::accounts::offset;
use crate::meters::by_meter;
use crate::scene::{Scene, in_month};
use crate::views::{AboutView, CountedView, ProfitRow, ProfitView};

/// What profit is shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsProfitBy))]
pub enum By {
    /// Direct sub-accounts, each with all below it; with the account's own usage, and that of accounts that are not below any more.
    #[default]
    Account,
    /// Meters.
    Meter,
    /// How many levels below the account usage happened.
    Level,
}

/// What is kept.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsProfitability))]
pub struct ProfitabilityView {
    /// Whose, in which currency, as of when.
    #[serde(flatten)]
    pub about: AboutView,
    /// The month.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub month: String,
    /// By what.
    pub by: By,
    /// The rows, the smallest margin first.
    pub rows: Vec<ProfitRow>,
    /// How many rows there are.
    pub total_rows: usize,
    /// Where the next page begins; null after the last.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_offset: Option<usize>,
    /// The account's whole month: the rows of all pages together.
    pub total: ProfitView,
    /// The rows at a loss, of all pages and without your own usage, and what they cost more than they bring in.
    pub losses: CountedView,
}

/// What is kept of a month's revenue. A page of the rows; the sums are of all of them.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (focus, now) = (params.parsed("account_id")?, call.app.now());
    let month = params.parsed::<Month>("month")?.unwrap_or_else(|| Month::of(now));
    let by = params.word::<By>("by")?.unwrap_or_default();
    let limit = params.limit()?;
    let skipped = offset(&mut params)?;
    params.done()?;
    if month > Month::of(now) {
        return Err(Problem::field("/query/month", "must not be a month to come"));
    }
    let scene = Scene::at(&call, focus).await?;
    let (months, number) = (scene.roster.months(&call.app).await?, month_number(month));
    let total = scene.figures(|row| in_month(&months, row, number));
    let mut rows = match by {
        By::Account => accounts(&scene, &months, number, total),
        By::Meter => meters(by_meter(&call, &scene, (month, month)).await?),
        By::Level => levels(&scene, &scene.below(), &months, number, total),
    };
    rows.sort_by(|one, other| one.total.margin().cmp(&other.total.margin()).then_with(|| one.key.cmp(&other.key)));
    let lost: Vec<i128> =
        rows.iter().filter(|row| row.is_sold(&scene)).map(|row| row.total.margin()).filter(|margin| *margin < 0).collect();
    let total_rows = rows.len();
    let shown_rows = rows.into_iter().skip(skipped).take(limit).map(|row| row.view(&scene)).collect();
    Reply::ok(&ProfitabilityView {
        about: AboutView { account_id: scene.focus.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        month: month.to_string(),
        by,
        rows: shown_rows,
        total_rows,
        next_offset: skipped.checked_add(limit).filter(|next| *next < total_rows),
        total: total.into(),
        losses: CountedView { count: lost.len(), amount: shown(-lost.iter().sum::<i128>()) },
    })
}

/// What a row of profit is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A direct sub-account, with all below it.
    Account(AccountId),
    /// A meter.
    Meter(MeterKey),
    /// Usage so many levels below the focus.
    Level(u8),
    /// Usage of the focus itself.
    Own,
    /// Usage of accounts that were moved away, or that the caller may not see: only its sum is known.
    MovedAway,
}

/// A row of profit.
#[derive(Debug, Clone)]
pub struct Row {
    /// About what.
    pub key: Part,
    /// In words.
    pub name: String,
    /// How much.
    pub total: Total,
}

impl Row {
    fn new(key: Part, name: String, total: Total) -> Self {
        Self { key, name, total }
    }

    /// Whether somebody pays for it: nobody does for the usage of the caller's own account.
    fn is_sold(&self, scene: &Scene) -> bool {
        self.key != Part::Own || scene.focus != scene.home
    }

    /// As it is shown.
    pub fn view(self, scene: &Scene) -> ProfitRow {
        let sold = self.is_sold(scene);
        let key = match &self.key {
            Part::Account(id) => id.to_string(),
            Part::Meter(meter) => meter.to_string(),
            Part::Level(level) => level.to_string(),
            Part::Own => "own".to_owned(),
            Part::MovedAway => "moved_away".to_owned(),
        };
        ProfitRow::of(key, self.name, self.total, sold)
    }
}

/// What usage of the account itself is called.
pub const OWN: &str = "usage of the account itself";

/// Meters, and the caller's own usage.
pub fn meters(by_meter: BTreeMap<Option<MeterKey>, Total>) -> Vec<Row> {
    let row = |(meter, total): (Option<MeterKey>, Total)| match meter {
        Some(meter) => Row::new(Part::Meter(meter.clone()), meter.to_string(), total),
        None => Row::new(Part::Own, OWN.to_owned(), total),
    };
    by_meter.into_iter().map(row).collect()
}

/// Direct sub-accounts that had any, and what else makes up the account's month.
fn accounts(scene: &Scene, months: &Slots, month: i32, total: Total) -> Vec<Row> {
    let mut rows = Vec::new();
    for row in scene.children().into_iter().filter(|row| scene.counts(row)) {
        let mut total = Total::default();
        total.add(in_month(months, &row, month));
        if total != Total::default() {
            rows.push(Row::new(Part::Account(row.id()), row.name().to_owned(), total));
        }
    }
    with_rest(scene, months, month, total, rows)
}

/// How many levels below the focus usage happened, `below` being the accounts below it.
pub fn levels(scene: &Scene, below: &[view::Row<'_>], months: &Slots, month: i32, total: Total) -> Vec<Row> {
    let base = scene.view().find(&scene.focus).and_then(|row| row.depth()).unwrap_or_default();
    let mut by_level = BTreeMap::<u8, Total>::new();
    for row in below.iter().filter(|row| scene.counts(row)) {
        let level = row.depth().unwrap_or_default().saturating_sub(base);
        by_level.entry(level).or_default().plus(own(in_month(months, row, month)));
    }
    let used = by_level.into_iter().filter(|(_, total)| *total != Total::default());
    let rows = used.map(|(level, total)| Row::new(Part::Level(level), label(level), total)).collect();
    with_rest(scene, months, month, total, rows)
}

/// The part of figures that is for the account's own usage.
fn own(figures: Figures) -> Total {
    Total { revenue: figures.own_revenue.into(), cost: figures.own_cost.into() }
}

/// Adds what is in the account's month beside `rows`: its own usage, and what only the sum is known of. All rows together are then the whole month.
fn with_rest(scene: &Scene, months: &Slots, month: i32, total: Total, mut rows: Vec<Row>) -> Vec<Row> {
    let focus_own = scene.view().find(&scene.focus).map(|row| own(in_month(months, &row, month))).unwrap_or_default();
    if focus_own != Total::default() {
        rows.push(Row::new(Part::Own, OWN.to_owned(), focus_own));
    }
    let mut known = Total::default();
    rows.iter().for_each(|row| known.plus(row.total));
    let rest = Total { revenue: total.revenue - known.revenue, cost: total.cost - known.cost };
    if rest != Total::default() {
        rows.push(Row::new(Part::MovedAway, "usage of accounts that are not below any more".to_owned(), rest));
    }
    rows
}

fn label(level: u8) -> String {
    match level {
        1 => "usage of direct sub-accounts".to_owned(),
        more => format!("usage {more} levels below"),
    }
}
