//! `GET /reseller/insights/churn`: who stays, who leaves, and who is about to.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::month::Month;
use tributary_insights::churn::{Cohort, MonthOfChurn, Payer, cohorts, lifetimes, months};
use tributary_insights::figures::{month_number, month_of, percent, shown};
use tributary_insights::sums::{Kept, Slots};
use tributary_insights::survival::{Step, curve};
use tributary_insights::view::Row;

use crate::scene::{MOST_MONTHS, Scene};
use crate::views::AboutView;

/// How many accounts at risk are named.
const MOST_AT_RISK: usize = 200;

/// What each figure means, in its own words.
const DEFINITIONS: [(&str, &str); 13] = [
    ("account", "a direct sub-account, with everything below it"),
    (
        "moved_away",
        "of your own account, months count the accounts that were its direct sub-accounts when they paid; one that was moved away since is in neither side of \
         the month after, is censored in survival, and pays no more in its cohort; of an account below yours, only the direct sub-accounts that it has now count, \
         with all that they ever brought in",
    ),
    ("month", "a calendar month in UTC that is over; the running one is in no figure"),
    ("paying", "an account pays in a month in which its revenue to you is above zero"),
    ("opening", "accounts that paid in the month before"),
    ("new", "accounts that paid for the first time"),
    ("lost", "accounts that paid in the month before and not in this one; they count as returned if they pay again"),
    ("logo_churn_percent", "lost in percent of opening"),
    ("gross_churn_percent", "revenue lost and contraction in percent of the revenue of opening in the month before"),
    ("net_retention_percent", "the same revenue less lost and contraction plus expansion, in percent of it; new accounts are left out"),
    (
        "cohorts",
        "accounts by the month in which they paid first; retained is how many percent of them paid in it, in the month after, and so on",
    ),
    (
        "survival",
        "the Kaplan-Meier estimate of how many months accounts stay, from the first paid month to the last; an account left if it did not pay in the \
         last whole month, and is censored else; low and high are Greenwood's plain interval of 95 %",
    ),
    (
        "at_risk",
        "accounts anywhere below, not closed, whose revenue of the last 14 whole days is at least 50 % below that of the 14 before; decay is by how much",
    ),
];

/// A month.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsChurnMonth))]
pub struct ChurnMonthView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub month: String,
    /// Accounts that paid in the month before.
    pub opening: u32,
    /// That paid for the first time.
    pub new: u32,
    /// That paid again after a while.
    pub returned: u32,
    /// That paid in the month before, and not in this one.
    pub lost: u32,
    /// Lost in percent of opening; null without any.
    #[cfg_attr(feature = "openapi", schema(required, example = "4.00"))]
    pub logo_churn_percent: Option<String>,
    /// What those of opening brought in in the month before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue_opening: String,
    /// Of that, what those brought in who left.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue_lost: String,
    /// How much less those who stayed brought in.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub contraction: String,
    /// How much more.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub expansion: String,
    /// Lost and contraction in percent of the opening revenue; null without.
    #[cfg_attr(feature = "openapi", schema(required, example = "6.50"))]
    pub gross_churn_percent: Option<String>,
    /// What is left of the opening revenue, expansion included, in percent; null without.
    #[cfg_attr(feature = "openapi", schema(required, example = "103.20"))]
    pub net_retention_percent: Option<String>,
}

impl From<&MonthOfChurn> for ChurnMonthView {
    fn from(month: &MonthOfChurn) -> Self {
        let opening = month.revenue_opening;
        Self {
            month: month_of(month.month).to_string(),
            opening: month.opening,
            new: month.new,
            returned: month.returned,
            lost: month.lost,
            logo_churn_percent: percent(month.lost.into(), month.opening.into()),
            revenue_opening: shown(opening),
            revenue_lost: shown(month.revenue_lost),
            contraction: shown(month.contraction),
            expansion: shown(month.expansion),
            gross_churn_percent: percent(month.revenue_lost + month.contraction, opening),
            net_retention_percent: percent(opening - month.revenue_lost - month.contraction + month.expansion, opening),
        }
    }
}

/// Those who paid first in one month.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsCohort))]
pub struct CohortView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub month: String,
    /// How many.
    pub size: u32,
    /// How many percent of them paid in it, in the month after, and so on.
    pub retained: Vec<String>,
}

impl From<&Cohort> for CohortView {
    fn from(cohort: &Cohort) -> Self {
        let share = |paying: &u32| percent((*paying).into(), cohort.size.into()).unwrap_or_default();
        Self { month: month_of(cohort.month).to_string(), size: cohort.size, retained: cohort.paying.iter().map(share).collect() }
    }
}

/// A step of the survival curve. Shares are numbers from 0 to 1.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsSurvival))]
pub struct SurvivalView {
    /// Months after the first paid one.
    pub month: u32,
    /// Accounts that were there until then.
    pub at_risk: u32,
    /// Of them, those that left.
    pub events: u32,
    /// The share that stays longer.
    pub survival: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl From<&Step> for SurvivalView {
    fn from(step: &Step) -> Self {
        // More places than these are not known.
        let cut = |share: f64| format!("{share:.6}").parse().unwrap_or(share);
        Self {
            month: step.month,
            at_risk: step.at_risk,
            events: step.events,
            survival: cut(step.survival),
            low: cut(step.low),
            high: cut(step.high),
        }
    }
}

/// An account that is likely to leave.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAtRisk))]
pub struct AtRiskView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// By how many percent its revenue fell.
    #[cfg_attr(feature = "openapi", schema(required, example = "62.50"))]
    pub decay: Option<String>,
    /// When usage of it was counted last.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_usage_at: Option<Timestamp>,
    /// What it brought in last month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue_last: String,
}

impl From<&Row<'_>> for AtRiskView {
    fn from(row: &Row<'_>) -> Self {
        let (recent, before) = row.decay();
        Self {
            account_id: row.id(),
            name: row.name().to_owned(),
            decay: percent(i128::from(before) - i128::from(recent), before.into()),
            last_usage_at: row.last_usage(),
            revenue_last: shown(row.last().revenue.into()),
        }
    }
}

/// Who stays and who leaves.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsChurn))]
pub struct ChurnView {
    /// Whose, in which currency, as of when.
    #[serde(flatten)]
    pub about: AboutView,
    /// What each figure means.
    pub definitions: BTreeMap<&'static str, &'static str>,
    /// The last whole months.
    pub months: Vec<ChurnMonthView>,
    /// By the month of the first paid usage.
    pub cohorts: Vec<CohortView>,
    /// How long accounts stay.
    pub survival: Vec<SurvivalView>,
    /// Who is likely to leave, who brought in most last month first; at most two hundred.
    pub at_risk: Vec<AtRiskView>,
}

/// Who stays, who leaves, and who is about to.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let focus = params.parsed("account_id")?;
    let count = match params.text("months") {
        None => 12,
        Some(text) => text
            .parse()
            .ok()
            .filter(|count| (1..=MOST_MONTHS).contains(count))
            .ok_or_else(|| Problem::field("/query/months", format!("must be a whole number from 1 to {MOST_MONTHS}")))?,
    };
    params.done()?;
    let scene = Scene::at(&call, focus).await?;
    let kept = scene.roster.months(&call.app).await?;
    let until = month_number(Month::of(call.app.now()));
    let payers = payers(&scene, &kept);
    let mut at_risk: Vec<Row<'_>> = scene.below().into_iter().filter(Row::is_at_risk).collect();
    at_risk.sort_by_key(|row| (std::cmp::Reverse(row.last().revenue), row.at));
    Reply::ok(&ChurnView {
        about: AboutView { account_id: scene.focus.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        definitions: DEFINITIONS.into_iter().collect(),
        months: months(&payers, until - count, until).iter().map(ChurnMonthView::from).collect(),
        cohorts: cohorts(&payers, until - count, until).iter().map(CohortView::from).collect(),
        survival: curve(&lifetimes(&payers, until)).iter().map(SurvivalView::from).collect(),
        at_risk: at_risk.iter().take(MOST_AT_RISK).map(AtRiskView::from).collect(),
    })
}

/// Whose payments are looked at. To the caller's own account, whoever paid it directly when they did, so that no move changes what months say that are
/// over. To an account below, its direct sub-accounts of today: who paid it when is not known at the caller's level.
fn payers(scene: &Scene, kept: &Slots) -> Vec<Payer> {
    let paid = |months: &[Kept], of: fn(&Kept) -> i64| months.iter().map(|month| (month.slot, of(month))).collect();
    if scene.focus != scene.home {
        let children = scene.children().into_iter().filter(|row| scene.counts(row));
        let payer = |row: Row<'_>| Payer { paid: paid(kept.of(row.id().as_u128()), |month| month.figures.revenue), moved_away: false };
        return children.map(payer).collect();
    }
    let seen: HashSet<AccountId> = scene.below().iter().map(Row::id).collect();
    let payer = |(id, months): (u128, &[Kept])| {
        let id = AccountId::from_number(id);
        let row = scene.view().find(&id).filter(|row| row.depth().is_some());
        let may = if row.is_some() { seen.contains(&id) } else { !scene.hidden.contains(&id) };
        let counts = may && id != scene.home && row.as_ref().is_none_or(|row| scene.counts(row));
        let moved_away = row.is_none_or(|row| !row.is_child_of(&scene.home));
        counts.then(|| Payer { paid: paid(months, |month| month.figures.direct), moved_away })
    };
    kept.every().filter_map(payer).collect()
}
