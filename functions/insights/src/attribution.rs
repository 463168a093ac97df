//! `GET /reseller/insights/attribution`: where revenue comes from.

use std::collections::BTreeMap;

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::AccountId;
use tributary_insights::figures::{Total, month_number, month_of, percent, shown};

use crate::meters::by_meter;
use crate::profitability::{OWN, Part, Row, levels, meters};
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
    /// `level_0` (of an account below yours, its own usage), `level_1` … and `other`: parts of `retail`; `retail`: what your account is paid; `wholesale`: what it pays for that, below zero;
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
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached`, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let focus = params.parsed("account_id")?;
    let (from, to) = months_of(&mut params, call.app.now(), USUAL_MONTHS)?;
    params.done()?;
    let scene = Scene::at(&call, focus).await?;
    let kept = scene.roster.months(&call.app).await?;
    let below = scene.below();
    let (mut periods, mut all, mut parts) = (Vec::new(), Total::default(), BTreeMap::<Part, (String, Total)>::new());
    for number in month_number(from)..=month_number(to) {
        let total = scene.figures(|row| in_month(&kept, row, number));
        let rows = levels(&scene, &below, &kept, number, total);
        for row in &rows {
            parts.entry(row.key.clone()).or_insert_with(|| (row.name.clone(), Total::default())).1.plus(row.total);
        }
        all.plus(total);
        let level = |row: &Row| LevelView { level: level_of(&row.key), label: row.name.clone(), amount: shown(row.total.revenue) };
        let levels = rows.iter().filter(|row| row.total.revenue != 0).map(level).collect();
        periods.push(MonthView { month: month_of(number).to_string(), levels, profit: total.into() });
    }
    let mut by_meter = meters(by_meter(&call, &scene, (from, to)).await?);
    by_meter.sort_by(|one, other| other.total.margin().cmp(&one.total.margin()).then_with(|| one.key.cmp(&other.key)));
    Reply::ok(&AttributionView {
        about: AboutView { account_id: scene.focus.clone(), currency: scene.currency(), as_of: scene.roster.as_of },
        periods,
        waterfall: waterfall(&scene, &parts, all),
        by_child: children(&scene, &kept, (month_number(from), month_number(to)), all),
        by_meter: by_meter.into_iter().map(|row| row.view(&scene)).collect(),
    })
}

fn level_of(part: &Part) -> u8 {
    match part {
        Part::Level(level) => *level,
        Part::Account(_) | Part::Meter(_) | Part::Own | Part::MovedAway => 0,
    }
}

fn waterfall(scene: &Scene, parts: &BTreeMap<Part, (String, Total)>, all: Total) -> Vec<StepView> {
    let step = |step: &str, label: &str, amount: i128, total: bool| StepView {
        step: step.to_owned(),
        label: label.to_owned(),
        amount: shown(amount),
        total,
    };
    let part = |part: Part| parts.get(&part).map_or((OWN, Total::default()), |(label, total)| (label.as_str(), *total));
    let (own_label, own) = part(Part::Own);
    let mut steps = Vec::new();
    // Of an account below the caller's its own usage is sold, as that of all below it is; the caller's own brings in nothing.
    if own.revenue != 0 {
        steps.push(step("level_0", own_label, own.revenue, false));
    }
    for (level, (label, total)) in parts.iter().filter(|(part, (_, total))| level_of(part) > 0 && total.revenue != 0) {
        steps.push(step(&format!("level_{}", level_of(level)), label, total.revenue, false));
    }
    let (label, moved) = part(Part::MovedAway);
    if moved.revenue != 0 {
        steps.push(step("other", label, moved.revenue, false));
    }
    let own_cost = if scene.focus == scene.home { own.cost } else { 0 };
    steps.push(step("retail", "what your sub-accounts pay you", all.revenue, true));
    steps.push(step("wholesale", "what you pay for that", own_cost - all.cost, false));
    if own_cost != 0 {
        steps.push(step("own_usage", "what you pay for your own usage", -own_cost, false));
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
