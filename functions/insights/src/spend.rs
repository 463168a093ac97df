//! `/reseller/insights/spend`: what the caller's account spent on being found.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::SpendId;
use tributary_domain::money::{Amount, Currency};
use tributary_domain::pricing::month::Month;
use tributary_domain::rights::Right;
use tributary_domain::text::TagValue;
use tributary_insights::figures::month_number;
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;
use tributary_store::spends::Spend;
use tributary_store::table::Position;

use crate::scene::{head_of, months_of};

/// How many months are shown unless others are asked for.
pub const USUAL_MONTHS: i32 = 12;
/// How far back and ahead a month may be.
const MOST_AWAY: i32 = 120;

/// What was spent.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RecordSpend))]
pub struct SpendBody {
    /// Where, as the tag `channel` of accounts says.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TagText))]
    pub channel: TagValue,
    /// On what, as the tag `campaign` of accounts says.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TagText>))]
    pub campaign: Option<TagValue>,
    /// In which month; at most ten years ago.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// How much, in your account's currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
}

/// What was written down.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Spend))]
pub struct SpendView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::SpendId))]
    pub id: SpendId,
    /// Where it was spent.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TagText))]
    pub channel: TagValue,
    /// On what.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TagText>, required))]
    pub campaign: Option<TagValue>,
    /// In which month.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// When it was written down.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was taken back: from then on it counts for nothing. Null if it was not.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub removed_at: Option<Timestamp>,
}

impl From<Spend> for SpendView {
    fn from(spend: Spend) -> Self {
        let Spend { id, channel, campaign, month, amount, currency, created_at, removed_at } = spend;
        Self { id, channel, campaign, month, amount, currency, created_at, removed_at }
    }
}

/// Writes down what was spent.
///
/// # Errors
/// `validation_failed`, `account_closed`, `idempotency_key_reused`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home, scope) = (call.caller()?, call.home()?, call.scope()?);
    let body: SpendBody = call.body()?;
    let now = call.app.now();
    let away = month_number(body.month) - month_number(Month::of(now));
    if !(-MOST_AWAY..=0).contains(&away) {
        return Err(Problem::field("/month", "must be at most ten years ago, and not to come"));
    }
    let (id, may, act) = (SpendId::from_uuid(call.app.uuid()), caller.over(Right::InsightsManage), call.act()?);
    let new = |currency| Spend {
        id: id.clone(),
        channel: body.channel.clone(),
        campaign: body.campaign.clone(),
        month: body.month,
        amount: body.amount,
        currency,
        created_at: now,
        removed_at: None,
    };
    let made = call.store().record_spend(home, (Authority { home, may: &may }, &act, scope.as_ref()), &id, new).await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    Ok(Reply::created(&SpendView::from(made.into_inner()))?.replayed(replayed))
}

/// Lists what was spent, the earliest month first; what was taken back too.
///
/// # Errors
/// `forbidden`, `validation_failed`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let months = months_of(&mut params, call.app.now(), USUAL_MONTHS)?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let home = call.home()?;
    head_of(&call, home).await?;
    let (spends, next) = call.store().spends(home, months, start, limit).await?;
    Reply::ok(&PageView { data: spends.into_iter().map(SpendView::from).collect(), next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Takes back what was written down, by a record that counters it.
///
/// # Errors
/// `not_found`, `conflict` if it was taken back before, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let (home, id) = (call.home()?, call.id::<SpendId>("id")?);
    let (may, act) = (call.caller()?.over(Right::InsightsManage), call.act()?);
    let removed = call.store().remove_spend(home, (Authority { home, may: &may }, &act), &id).await?;
    Reply::ok(&SpendView::from(removed))
}
