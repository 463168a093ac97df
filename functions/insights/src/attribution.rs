//! `GET /reseller/insights/attribution`: where revenue comes from.

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_insights::figures::{Total, month_number, month_of, percent, shown};

use crate::meters::by_meter;
use crate::profitability::levels;
use crate::scene::{Scene, in_month, months_of};
use crate::views::{AboutView, ProfitRow, ProfitView};

/// How many accounts are named.
const MOST_CHILDREN: usize = 50;
/// How many months are shown unless others are asked for.
const USUAL_MONTHS: i32 = 6;

/// What the usage of one level brings in.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsLevel))]
pub struct LevelView {
    /// Levels below the account: 1 for its direct sub-accounts; 0 for usage of the account itself and of accounts that are not below any more.
    pub level: u8,
    /// The same in words.
    pub label: String,
    /// What your account is paid for it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: String,
}

/// A month.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAttributedMonth))]
pub struct MonthView {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub month: String,
    /// Revenue by where usage happened.
    pub levels: Vec<LevelView>,
    /// All of it.
    #[serde(flatten)]
    pub profit: ProfitView,
}

/// One step from what is paid to what is kept.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsStep))]
pub struct StepView {
    /// `level_1` … and `other`: parts of `retail`; `retail`: what your account is paid; `wholesale`: what it pays for that, below zero;
    /// `own_usage`: what it pays for its own usage, below zero; `margin`: what it keeps.
    pub step: String,
    /// The same in words.
    pub label: String,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: String,
    /// It is the sum of the steps before it, rather than one more.
    pub total: bool,
}

/// A direct sub-account's part.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsShare))]
pub struct ShareView {
    /// The account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    pub name: String,
    /// The money.
    #[serde(flatten)]
    pub profit: ProfitView,
    /// Its part of all revenue in percent; null without revenue.
    #[cfg_attr(feature = "openapi", schema(required, example = "20.00"))]
    pub share_percent: Option<String>,
}

/// Where revenue comes from.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAttribution))]
pub struct AttributionView {
    /// Whose, in which currency, as of when.
    #[serde(flatten)]
    pub about: AboutView,
    /// Each month.
    pub periods: Vec<MonthView>,
    /// All months together, step by step from what is paid to what is kept.
    pub waterfall: Vec<StepView>,
    /// The direct sub-accounts that bring in most, at most fifty.
    pub by_child: Vec<ShareView>,
    /// The meters, the largest margin first.
    pub by_meter: Vec<ProfitRow>,
}

/// Where the revenue of some months comes from.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let focus = params.parsed("account_id")?;
    let (from, to) = months_of(&mut params, call.app.now(), USUAL_MONTHS)?;
    params.done()?;
    let scene = Scene::at(&call, focus).await?;
    let kept = scene.roster.months(&call.app).await?;
    let (mut periods, mut all, mut parts) = (Vec::new(), Total::default(), std::collections::BTreeMap::<(u8, String), Total>::new());
    for number in month_number(from)..=month_number(to) {
        let total = scene.figures(|row| in_month(&kept, row, number));
        let rows = levels(&scene, &kept, number, total);
        for (key, label, part) in &rows {
            let sum = parts.entry((key.parse().unwrap_or(0), if key == "own" { "own".to_owned() } else { label.clone() })).or_default();
            sum.revenue += part.revenue;
            sum.cost += part.cost;
        }
        all.revenue += total.revenue;
        all.cost += total.cost;
        let level = |(key, label, part): &(String, String, Total)| LevelView {
            level: key.parse().unwrap_or(0),
            label: label.clone(),
            amount: shown(part.revenue),
        };
        let levels = rows.iter().filter(|(_, _, part)| part.revenue != 0).map(level).collect();
        periods.push(MonthView { month: month_of(number).to_string(), levels, profit: total.into() });
    }
    let mut meters: Vec<_> = by_meter(&call, &scene, (from, to)).await?.into_iter().collect();
    meters.sort_by(|(one, of_one), (other, of_other)| of_other.margin().cmp(&of_one.margin()).then_with(|| one.cmp(other)));
    Reply::ok(&AttributionView {
        about: AboutView { account_id: scene.focus.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        periods,
        waterfall: waterfall(&parts, all),
        by_child: children(&scene, &kept, (month_number(from), month_number(to)), all),
        by_meter: meters.into_iter().map(|(key, total)| ProfitRow::of(&key, &key, total)).collect(),
    })
}

fn waterfall(parts: &std::collections::BTreeMap<(u8, String), Total>, all: Total) -> Vec<StepView> {
    let step = |step: &str, label: &str, amount: i128, total: bool| StepView {
        step: step.to_owned(),
        label: label.to_owned(),
        amount: shown(amount),
        total,
    };
    let mut steps = Vec::new();
    for ((level, label), part) in parts.iter().filter(|((level, _), part)| *level > 0 && part.revenue != 0) {
        steps.push(step(&format!("level_{level}"), label, part.revenue, false));
    }
    let levels: i128 = parts.iter().filter(|((level, _), _)| *level > 0).map(|(_, part)| part.revenue).sum();
    if all.revenue != levels {
        steps.push(step("other", "usage of accounts that are not below any more", all.revenue - levels, false));
    }
    let own = parts.get(&(0, "own".to_owned())).map_or(0, |part| part.cost);
    steps.push(step("retail", "what your sub-accounts pay you", all.revenue, true));
    steps.push(step("wholesale", "what you pay for that", own - all.cost, false));
    if own != 0 {
        steps.push(step("own_usage", "what you pay for your own usage", -own, false));
    }
    steps.push(step("margin", "what you keep", all.margin(), true));
    steps
}

fn children(scene: &Scene, kept: &tributary_insights::sums::Slots, (from, to): (i32, i32), all: Total) -> Vec<ShareView> {
    let of = |row: &tributary_insights::view::Row<'_>| {
        let mut total = Total::default();
        kept.between(row.id().as_u128(), from, to + 1).for_each(|month| total.add(month.figures));
        total
    };
    let rows = scene.children();
    let mut rows: Vec<_> =
        rows.iter().filter(|row| scene.counts(row)).map(|row| (of(row), row)).filter(|(total, _)| *total != Total::default()).collect();
    rows.sort_by_key(|(total, row)| (std::cmp::Reverse(total.revenue), row.at));
    let share = |(total, row): (Total, &tributary_insights::view::Row<'_>)| ShareView {
        account_id: row.id(),
        name: row.name().to_owned(),
        profit: total.into(),
        share_percent: percent(total.revenue, all.revenue),
    };
    rows.into_iter().take(MOST_CHILDREN).map(share).collect()
}
