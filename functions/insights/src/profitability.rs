//! `GET /reseller/insights/profitability`: what is kept, by account, meter or level, the worst first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_api::{Call, Problem, Reply};
use tributary_domain::pricing::month::Month;
use tributary_insights::figures::{Total, month_number, shown};
use tributary_insights::sums::Slots;

use crate::accounts::offset;
use crate::meters::by_meter;
use crate::scene::{Scene, in_month};
use crate::views::{AboutView, CountedView, ProfitRow, ProfitView};

/// What profit is shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsProfitBy))]
pub enum By {
    /// Direct sub-accounts, each with all below it.
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
    /// The account's whole month: all rows together.
    pub total: ProfitView,
    /// The rows at a loss, of all pages, and what they cost more than they bring in.
    pub losses: CountedView,
}

/// What is kept of a month's revenue. A page of the rows; the sums are of all of them.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `busy`.
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
        By::Account => accounts(&scene, &months, number),
        By::Meter => by_meter(&call, &scene, (month, month))
            .await?
            .into_iter()
            .map(|(key, total)| (key.to_string(), key.to_string(), total))
            .collect(),
        By::Level => levels(&scene, &months, number, total),
    };
    rows.sort_by(|(one, _, of_one), (other, _, of_other)| of_one.margin().cmp(&of_other.margin()).then_with(|| one.cmp(other)));
    let lost: Vec<i128> = rows.iter().map(|(_, _, total)| total.margin()).filter(|margin| *margin < 0).collect();
    let total_rows = rows.len();
    let shown_rows = rows.into_iter().skip(skipped).take(limit).map(|(key, name, total)| ProfitRow::of(key, name, total)).collect();
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

type Rows = Vec<(String, String, Total)>;

/// Direct sub-accounts that had any.
fn accounts(scene: &Scene, months: &Slots, month: i32) -> Rows {
    let mut rows = Rows::new();
    for row in scene.children().into_iter().filter(|row| scene.counts(row)) {
        let mut total = Total::default();
        total.add(in_month(months, &row, month));
        if total != Total::default() {
            rows.push((row.id().to_string(), row.name().to_owned(), total));
        }
    }
    rows
}

/// How many levels below the focus usage happened. Of accounts that were moved away, or that the caller may not see, only the sum is known.
pub fn levels(scene: &Scene, months: &Slots, month: i32, total: Total) -> Rows {
    let base = scene.view().find(&scene.focus).and_then(|row| row.depth()).unwrap_or_default();
    let mut by_level = BTreeMap::<u8, Total>::new();
    let own = |figures: tributary_insights::figures::Figures| Total { revenue: figures.own_revenue.into(), cost: figures.own_cost.into() };
    let add = |sum: &mut Total, other: Total| {
        sum.revenue += other.revenue;
        sum.cost += other.cost;
    };
    for row in scene.below().into_iter().filter(|row| scene.counts(row)) {
        let level = row.depth().unwrap_or_default().saturating_sub(base);
        add(by_level.entry(level).or_default(), own(in_month(months, &row, month)));
    }
    let mut rows: Rows = by_level
        .iter()
        .filter(|(_, total)| **total != Total::default())
        .map(|(level, total)| (level.to_string(), label(*level), *total))
        .collect();
    let focus_own = scene.view().find(&scene.focus).map(|row| own(in_month(months, &row, month))).unwrap_or_default();
    if focus_own != Total::default() {
        rows.push(("own".to_owned(), "usage of the account itself".to_owned(), focus_own));
    }
    let known = rows.iter().fold(Total::default(), |mut sum, (_, _, total)| {
        add(&mut sum, *total);
        sum
    });
    let rest = Total { revenue: total.revenue - known.revenue, cost: total.cost - known.cost };
    if rest != Total::default() {
        rows.push(("moved_away".to_owned(), "usage of accounts that are not below any more".to_owned(), rest));
    }
    rows
}

fn label(level: u8) -> String {
    match level {
        1 => "usage of direct sub-accounts".to_owned(),
        more => format!("usage {more} levels below"),
    }
}
