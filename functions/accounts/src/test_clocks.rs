//! `/reseller/test-clocks`: trees of accounts in a time of their own. Only the operator's keys, and only where keys are test keys.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, KeyMode, Problem, Reply, clocks};
use tributary_domain::id::{AccountId, ClockId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::Right;
use tributary_domain::test_clock::{AdvanceError, ClockState, MAX_ACCOUNTS, MAX_DAYS, TestClock};
use tributary_domain::text::Name;
use tributary_store::accounts::Authority;
use tributary_store::error::{Denied, StoreError};

/// The request to put an account on a clock of its own.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateTestClock))]
pub struct ClockBody {
    /// The root of the tree: right below the operator, with nothing but its opening.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What the clock is called.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>))]
    pub name: Option<Name>,
}

/// Where a clock is to go: one of the two.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AdvanceTestClock))]
pub struct AdvanceBody {
    /// The time to go to: at most 400 days on, and ten years ahead of the platform's.
    pub to: Option<Timestamp>,
    /// By how many days.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 400))]
    pub by_days: Option<i64>,
}

/// A test clock.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TestClock))]
pub struct ClockView {
    /// Its id; the header `Tributary-Test-Clock` takes it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TestClockId))]
    pub id: ClockId,
    /// The root of its tree.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub name: Option<Name>,
    /// `ready`, or `advancing` on its way to `target`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ClockState))]
    pub state: ClockState,
    /// The time in its tree.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub now: Timestamp,
    /// Where it is on its way to.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub target: Option<Timestamp>,
    /// When it was made, in the platform's time.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl ClockView {
    fn of(call: &Call, clock: TestClock) -> Self {
        Self {
            state: clock.state(),
            now: clock.now(call.app.platform_now()),
            id: clock.id,
            account_id: clock.account_id,
            name: clock.name,
            target: clock.target,
            created_at: clock.created_at,
        }
    }
}

/// Refuses who is not the operator, and every request where money is real.
fn operators(call: &Call) -> Result<(), Problem> {
    let caller = call.caller()?;
    if !caller.grants.home_is_operator {
        return Err(Denied::Lacks(Right::BillingManage).into());
    }
    caller.over(Right::BillingManage)(&caller.account_id, &Lineage::root())?;
    if call.app.mode() == KeyMode::Live {
        return Err(Problem::new(Code::Conflict, "Test clocks are for platforms with test keys; here time is everybody's."));
    }
    Ok(())
}

async fn named(call: &Call) -> Result<TestClock, Problem> {
    Ok(call.store().test_clock(&call.id("id")?).await?)
}

/// Puts an account, and what will be below it, on a clock of its own.
///
/// # Errors
/// `conflict` unless the account is right below the operator and has nothing but its opening, `limit_reached`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let body: ClockBody = call.body()?;
    operators(&call)?;
    let may = call.caller()?.over(Right::BillingManage);
    let account = call.store().account_for(&body.account_id, Authority { home: call.home()?, may: &may }).await?;
    let clock = TestClock {
        id: ClockId::from_uuid(call.app.uuid()),
        account_id: account.id.clone(),
        name: body.name,
        offset_ms: 0,
        target: None,
        created_at: call.app.platform_now(),
        version: 1,
    };
    call.store().make_test_clock(&clock, &account, &call.act()?).await?;
    let location = format!("/reseller/test-clocks/{}", clock.id);
    Ok(Reply::created(&ClockView::of(&call, clock))?.location(&location))
}

/// All test clocks; there are twenty at most.
///
/// # Errors
/// `forbidden`, `conflict` where keys are live.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    operators(&call)?;
    let clocks = call.store().test_clocks().await?;
    Reply::ok(&PageView { data: clocks.into_iter().map(|clock| ClockView::of(&call, clock)).collect(), next_cursor: None })
}

/// A test clock.
///
/// # Errors
/// `not_found`, `forbidden`, `conflict` where keys are live.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    operators(&call)?;
    let clock = named(&call).await?;
    Reply::ok(&ClockView::of(&call, clock))
}

/// Sends a clock on its way. The worker leads it from one moment to the next at which something is due in its tree.
///
/// # Errors
/// `conflict` while it is under way, `validation_failed`, `limit_reached` for a tree that is too large, `not_found`, `forbidden`.
pub async fn advance(call: Call) -> Result<Reply, Problem> {
    let body: AdvanceBody = call.body()?;
    operators(&call)?;
    let mut clock = named(&call).await?;
    let real = call.app.platform_now();
    let (to, pointer) = match (body.to, body.by_days) {
        (Some(to), None) => (to, "/to"),
        (None, Some(days)) if (1..=MAX_DAYS).contains(&days) => {
            let by = SignedDuration::from_hours(24 * days);
            (clock.now(real).checked_add(by).map_err(|_| Problem::field("/by_days", "leads too far"))?, "/by_days")
        }
        (None, Some(_)) => return Err(Problem::field("/by_days", format!("must be from 1 to {MAX_DAYS}"))),
        (Some(_), Some(_)) => return Err(Problem::field("/by_days", "cannot be given with to")),
        (None, None) => return Err(Problem::field("", "must have to or by_days")),
    };
    clock.advance(real, to).map_err(|error| match error {
        AdvanceError::Advancing => StoreError::Conflict("the clock is being advanced already; wait until it is ready").into(),
        AdvanceError::NotLater | AdvanceError::TooFar | AdvanceError::TooFarAhead => Problem::field(pointer, error.to_string()),
    })?;
    if clocks::tree(&call.app, &clock.account_id).await?.len() > MAX_ACCOUNTS {
        let limit = i64::try_from(MAX_ACCOUNTS).unwrap_or(i64::MAX);
        return Err(StoreError::Limit { what: "accounts in a tree that is advanced", limit }.into());
    }
    let clock = call.store().advance_test_clock(&clock, &call.act()?).await?;
    // Where the queue does not take it, the schedule tells it again.
    if let Err(error) = tributary_clocks::tell(&call.app, &clock).await {
        tracing::warn!(request_id = call.request_id.as_str(), clock_id = %clock.id, %error, "a test clock is advanced later");
    }
    Reply::json(StatusCode::ACCEPTED, &ClockView::of(&call, clock))
}

/// Removes the clock of a tree whose root is closed.
///
/// # Errors
/// `conflict` while it is not closed, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    operators(&call)?;
    let clock = named(&call).await?;
    call.store().remove_test_clock(&clock, &call.act()?).await?;
    Reply::ok(&ClockView::of(&call, clock))
}
