//! What a forecast looks like on the wire. Every number that is no count is a decimal string with six decimals.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::id::AccountId;
use tributary_domain::money::{Currency, MICROS_PER_UNIT, Micros};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Percent, Quantity};
use tributary_forecast::{Backtest, Errors, Estimate, Forecast, Model, Point, Reason, SHORTEST_DAYS, TimeToEmpty, Warning};
use tributary_metering::forecasts::Made;

/// What the points are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ForecastOf {
    /// What is used of the meter.
    Quantity,
    /// What your account pays.
    Cost,
    /// What your account is paid; where it pays nothing itself.
    Price,
}

/// A forecast of an account's usage.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageForecast))]
pub struct ForecastView {
    /// Whose usage: its own, and that of everything below it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Of which meter; null for all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::MeterKey>, required))]
    pub meter: Option<MeterKey>,
    /// What the points are of.
    pub of: ForecastOf,
    /// The meter's unit; null of money.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unit: Option<String>,
    /// The currency of all money.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// How many days were asked for.
    pub horizon_days: usize,
    /// When the forecast was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub made_at: Timestamp,
    /// It was made before, and kept.
    pub from_store: bool,
    /// What it is made from.
    pub history: HistoryView,
    /// The coming days, from the day after the history's last; null with too little history.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub forecast: Option<PointsView>,
    /// The month.
    pub month: MonthView,
    /// When the account's credit runs out; null if it pays by invoice, if you may not see its credit, or with too little history.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub time_to_empty: Option<TimeToEmptyView>,
    /// The account's volume tier at the month's end; null for customers, where its seller has no tiers, or with too little history.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub tier: Option<TierView>,
}

/// The history of a forecast: at most 400 days.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastHistory))]
pub struct HistoryView {
    /// The last whole day in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub through: Date,
    /// Days since the first usage.
    pub days: usize,
    /// Days with usage.
    pub days_with_usage: usize,
    /// Days with usage that a forecast needs.
    pub days_needed: usize,
    /// Mean of a day.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub mean: Quantity,
}

/// The coming days.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastPoints))]
pub struct PointsView {
    /// The model.
    pub model: ModelWord,
    /// Why it is that one.
    pub reason: ReasonWord,
    /// The days.
    pub points: Vec<PointView>,
    /// The sums of all days up to each, with intervals of their own: errors of days partly cancel.
    pub sums: Vec<PointView>,
    /// What trying the model on the past has shown.
    pub backtest: BacktestView,
    /// What to know before trusting it.
    pub warnings: Vec<WarningView>,
}

/// One day ahead, or the sum up to it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastPoint))]
pub struct PointView {
    /// The day in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub date: Date,
    /// What is expected, and how far it may be from that.
    #[serde(flatten)]
    pub value: EstimateView,
}

/// A number that is not known yet.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Estimate))]
pub struct EstimateView {
    /// What is expected.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub mean: Quantity,
    /// Lower end of the 80 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub lo80: Quantity,
    /// Upper end of the 80 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub hi80: Quantity,
    /// Lower end of the 95 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub lo95: Quantity,
    /// Upper end of the 95 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub hi95: Quantity,
}

/// The models.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastModel))]
pub enum ModelWord {
    /// Weeks and trend.
    MstlEts,
    /// Last week again.
    SeasonalNaive,
    /// The last week's mean.
    Mean,
    /// The last day again.
    Naive,
}

/// Why it is that model.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastReason))]
pub enum ReasonWord {
    /// It was least wrong on the past.
    LowestError,
    /// The others found no usable fit.
    OnlyOne,
}

/// How wrong a model was on the past.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastErrors))]
pub struct ErrorsView {
    /// Mean absolute error, in the unit of the points.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub mae: Quantity,
    /// Sum of absolute errors over sum of values: 0.1 is 10 %; null where all values were zero.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Units>, required))]
    pub wape: Option<Quantity>,
    /// Mean of forecast minus value: above zero, it said too much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Units))]
    pub bias: Quantity,
}

/// What trying the model on days of the past has shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastBacktest))]
pub struct BacktestView {
    /// Days of the past on which it was asked.
    pub folds: usize,
    /// The furthest day ahead that could be checked.
    pub horizon_days: usize,
    /// The model's errors.
    #[serde(flatten)]
    pub errors: ErrorsView,
    /// Those of repeating last week, on the same days; null with too little history.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub seasonal_naive: Option<ErrorsView>,
    /// 1 less `mae` over that of repeating last week: 0.2 is a fifth less wrong.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Units>, required))]
    pub skill: Option<Quantity>,
    /// The share of values that fell into the 80 % interval that would have been given.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Units>, required))]
    pub coverage80: Option<Quantity>,
    /// The same of the 95 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Units>, required))]
    pub coverage95: Option<Quantity>,
    /// How many values that was measured on.
    pub covered_of: usize,
}

/// What to know before trusting a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastWarningCode))]
pub enum WarningCode {
    /// Fewer than three weeks of history.
    ShortHistory,
    /// From some day ahead on the intervals are only estimates.
    Uncalibrated,
    /// The seasonal model was left out.
    NoFit,
    /// No usage lately.
    Dormant,
}

/// A warning.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastWarning))]
pub struct WarningView {
    /// Which.
    pub code: WarningCode,
    /// In words.
    pub detail: String,
}

/// The month so far, today included.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastSoFar))]
pub struct SoFarView {
    /// What was used of the meter; null without one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Units>, required))]
    pub quantity: Option<Quantity>,
    /// What your account pays for it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub cost: Micros,
    /// What your direct sub-accounts pay you for it; null for a customer.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub price: Option<Micros>,
    /// Price less cost.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub margin: Option<Micros>,
}

/// The month, and what it is expected to have at its end. What cannot be said is null.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastMonth))]
pub struct MonthView {
    /// The month in UTC.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// What it has already.
    pub so_far: SoFarView,
    /// What will have been used of the meter; null without one.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub quantity: Option<EstimateView>,
    /// What your account will have paid for it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<EstimateView>,
    /// What your account will have been paid for it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub price: Option<EstimateView>,
    /// Price less cost, as expected.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub margin: Option<Micros>,
}

/// Whether credit is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreditOutlook))]
pub enum CreditState {
    /// None is.
    Empty,
    /// Some is.
    Lasts,
}

/// When credit runs out. A day is null if there still is some at the end of `through`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TimeToEmpty))]
pub struct TimeToEmptyView {
    /// Whether any is left now.
    pub state: CreditState,
    /// What can be spent now.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub spendable: Micros,
    /// The day if usage is as high as the 95 % interval reaches.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date, required))]
    pub earliest: Option<Date>,
    /// The day as expected.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date, required))]
    pub mean: Option<Date>,
    /// The day if it is as low as the 95 % interval reaches.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date, required))]
    pub latest: Option<Date>,
    /// The last day looked at; null if none is left now.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date, required))]
    pub through: Option<Date>,
}

/// The tier at the month's end, by the expected volume and by the ends of its intervals.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ForecastTier))]
pub struct TierView {
    /// The month's volume at its end.
    pub volume: EstimateView,
    /// The tier of the expected volume; `none` below the first.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub mean: String,
    /// Its discount, in percent.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Percent))]
    pub discount: Percent,
    /// The tier at the lower end of the 80 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub lo80: String,
    /// At its upper end.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub hi80: String,
    /// At the lower end of the 95 % interval.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub lo95: String,
    /// At its upper end.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TierName))]
    pub hi95: String,
}

/// A number as it is shown: in millionths, half to even, held at the largest there is.
pub fn six(value: f64) -> Quantity {
    Quantity::new((value * MICROS_PER_UNIT as f64).round_ties_even() as i64)
}

impl From<&Made> for HistoryView {
    fn from(made: &Made) -> Self {
        Self { through: made.through, days: made.days, days_with_usage: made.days_used, days_needed: SHORTEST_DAYS, mean: six(made.mean) }
    }
}

impl From<(&Forecast, usize)> for PointsView {
    /// As many days of a forecast as were asked for.
    fn from((forecast, horizon): (&Forecast, usize)) -> Self {
        let days = |points: &[Point]| points.iter().take(horizon).map(PointView::from).collect();
        Self {
            model: forecast.choice.model.into(),
            reason: match forecast.choice.reason {
                Reason::LowestError => ReasonWord::LowestError,
                Reason::OnlyOne => ReasonWord::OnlyOne,
            },
            points: days(&forecast.points),
            sums: days(&forecast.sums),
            backtest: (&forecast.backtest).into(),
            warnings: forecast.warnings.iter().filter_map(|warning| warned(*warning, horizon)).collect(),
        }
    }
}

/// A warning in words; none if it is only of days beyond those asked for.
fn warned(warning: Warning, horizon: usize) -> Option<WarningView> {
    let (code, detail) = match warning {
        Warning::ShortHistory { days, needed } => {
            (WarningCode::ShortHistory, format!("{days} days of history: a week and a trend are seen from {needed} on"))
        }
        Warning::Uncalibrated { beyond_days } if beyond_days >= horizon => return None,
        Warning::Uncalibrated { beyond_days } => (
            WarningCode::Uncalibrated,
            format!("intervals further ahead than {beyond_days} days rest on too few checks, and are estimates"),
        ),
        Warning::NoFit => (WarningCode::NoFit, "the seasonal model found no usable fit, and was left out".to_owned()),
        Warning::Dormant => (WarningCode::Dormant, "no usage in the last 28 days".to_owned()),
    };
    Some(WarningView { code, detail })
}

impl From<Model> for ModelWord {
    fn from(model: Model) -> Self {
        match model {
            Model::MstlEts => Self::MstlEts,
            Model::SeasonalNaive => Self::SeasonalNaive,
            Model::Mean => Self::Mean,
            Model::Naive => Self::Naive,
        }
    }
}

impl From<&Point> for PointView {
    fn from(point: &Point) -> Self {
        let Point { date, mean, lo80, hi80, lo95, hi95 } = *point;
        let value = EstimateView { mean: six(mean), lo80: six(lo80), hi80: six(hi80), lo95: six(lo95), hi95: six(hi95) };
        Self { date, value }
    }
}

impl From<Estimate<Micros>> for EstimateView {
    /// Money and quantities have the same six decimals.
    fn from(estimate: Estimate<Micros>) -> Self {
        let six = |value: Micros| Quantity::new(value.get());
        let Estimate { mean, lo80, hi80, lo95, hi95 } = estimate;
        Self { mean: six(mean), lo80: six(lo80), hi80: six(hi80), lo95: six(lo95), hi95: six(hi95) }
    }
}

impl From<&Errors> for ErrorsView {
    fn from(errors: &Errors) -> Self {
        Self { mae: six(errors.mae), wape: errors.wape.map(six), bias: six(errors.bias) }
    }
}

impl From<&Backtest> for BacktestView {
    fn from(backtest: &Backtest) -> Self {
        Self {
            folds: backtest.folds,
            horizon_days: backtest.horizon,
            errors: (&backtest.errors).into(),
            seasonal_naive: backtest.seasonal_naive.as_ref().map(ErrorsView::from),
            skill: backtest.skill.map(six),
            coverage80: backtest.coverage80.map(six),
            coverage95: backtest.coverage95.map(six),
            covered_of: backtest.covered_of,
        }
    }
}

impl From<(TimeToEmpty, Micros)> for TimeToEmptyView {
    fn from((empty, spendable): (TimeToEmpty, Micros)) -> Self {
        match empty {
            TimeToEmpty::Empty => Self { state: CreditState::Empty, spendable, earliest: None, mean: None, latest: None, through: None },
            TimeToEmpty::Lasts { earliest, mean, latest, through } => {
                Self { state: CreditState::Lasts, spendable, earliest, mean, latest, through: Some(through) }
            }
        }
    }
}
