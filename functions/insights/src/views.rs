//! What the API shows of insights.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::id::AccountId;
use tributary_domain::money::Currency;
use tributary_insights::figures::{Total, change, percent, shown};

/// Revenue, cost or margin of two times, against each other.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAmount))]
pub struct AmountView {
    /// Of the period.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub this: String,
    /// Of the whole month before.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub last: String,
    /// By how many percent the period is above it; null where that was nothing.
    #[cfg_attr(feature = "openapi", schema(required, example = "12.50"))]
    pub change_percent: Option<String>,
}

impl AmountView {
    /// Two amounts in micro-units.
    pub fn of(this: i128, last: i128) -> Self {
        Self { this: shown(this), last: shown(last), change_percent: change(this, last) }
    }
}

/// Credit of accounts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsBalance))]
pub struct BalanceView {
    /// Free to spend.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub available: String,
    /// Held for open holds.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub held: String,
}

/// What is paid, what it costs, and what is kept.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsProfit))]
pub struct ProfitView {
    /// What your account is paid.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub revenue: String,
    /// What it pays for that itself.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub cost: String,
    /// What it keeps.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub margin: String,
}

impl From<Total> for ProfitView {
    fn from(total: Total) -> Self {
        Self { revenue: shown(total.revenue), cost: shown(total.cost), margin: shown(total.margin()) }
    }
}

/// An account's, meter's or level's profit.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsProfitRow))]
pub struct ProfitRow {
    /// The account's id, the meter's key, the level's number, `own` or `moved_away`.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// The money.
    #[serde(flatten)]
    pub profit: ProfitView,
    /// The margin in percent of the revenue; null without revenue.
    #[cfg_attr(feature = "openapi", schema(required, example = "20.00"))]
    pub margin_percent: Option<String>,
    /// It costs more than it brings in. Your own usage is sold to nobody, and is no loss.
    pub loss: bool,
}

impl ProfitRow {
    /// A row of a sum; `sold` unless it is the caller's own usage.
    pub fn of(key: String, name: String, total: Total, sold: bool) -> Self {
        let margin_percent = percent(total.margin(), total.revenue);
        Self { key, name, profit: total.into(), margin_percent, loss: sold && total.margin() < 0 }
    }
}

/// What every answer says of itself.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsAbout))]
pub struct AboutView {
    /// Whose subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// The currency of every amount; accounts of another are in no sum.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// When something was last told of these accounts; figures of days, and decay, may be five minutes older.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub as_of: Timestamp,
}

/// How many of something, and their sum.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsCounted))]
pub struct CountedView {
    /// How many.
    pub count: usize,
    /// Together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: String,
}
