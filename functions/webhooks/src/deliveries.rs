//! What was sent to an endpoint, and sending it again.

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::delivery::{DeliveryState, Target};
use tributary_domain::id::EventId;
use tributary_domain::rights::Right;
use tributary_domain::webhook::Endpoint;
use tributary_store::deliveries::Kept;
use tributary_store::error::{Denied, StoreError};
use tributary_store::table::Position;

use crate::endpoints::{account_of, endpoint_for};
use crate::views::DeliveryView;

/// The most deliveries that one request has sent again.
const MOST_REPLAYED: usize = 500;
/// The most deliveries that a page looks at to find those of a state.
const MOST_SEEN: usize = 1_000;
/// How often a change is tried that others come before.
const RETRIES: usize = 8;

/// Which deliveries are to be sent again.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayDeliveries {
    /// Of events that happened at this time or later.
    pub from: Timestamp,
    /// And before this one; now unless said otherwise.
    pub to: Option<Timestamp>,
    /// Only those that were given up; `true` unless said otherwise. Otherwise those too that were taken.
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub only_failed: Option<bool>,
}

/// What is sent again.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayedDeliveries {
    /// How many deliveries are sent again, within a minute.
    pub replayed: usize,
    /// There are more, from before this time: ask again with it as `to`. Null if these were all.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub continue_to: Option<Timestamp>,
}

/// What was sent to an endpoint within the last 30 days, the newest events first.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`, `validation_failed`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let account = params.parsed("account_id")?.unwrap_or(call.home()?.clone());
    let state: Option<DeliveryState> = params.word("status")?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let mut start: Option<Position> = scope.open(&call.app, cursor)?;
    let endpoint = endpoint_for(&call, &account, Right::WebhooksRead).await?;
    let (mut data, mut seen) = (Vec::new(), 0);
    loop {
        let wanted = limit - data.len();
        let (page, next) = call.store().endpoint_deliveries(&endpoint.id, (None, None), wanted, start).await?;
        seen += page.len();
        let fits = page.into_iter().filter(|kept| state.is_none_or(|state| kept.delivery.state == state));
        data.extend(fits.map(|kept| DeliveryView::of(kept, false)));
        start = next;
        if start.is_none() || data.len() >= limit || seen >= MOST_SEEN {
            break;
        }
    }
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, start.as_ref())? })
}

/// One delivery, with what is sent.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    let endpoint = endpoint_for(&call, &account, Right::WebhooksRead).await?;
    Reply::ok(&DeliveryView::of(of_path(&call, &endpoint).await?, true))
}

async fn of_path(call: &Call, endpoint: &Endpoint) -> Result<Kept, Problem> {
    let event: EventId = call.id("event_id")?;
    let kept = call.store().delivery(&Target::Webhook(endpoint.id.clone()), &event).await?;
    kept.ok_or_else(|| Denied::Absent.into())
}

/// The endpoint of the path, if something can be sent to it.
async fn enabled(call: &Call) -> Result<Endpoint, Problem> {
    let account = account_of(call)?;
    let endpoint = endpoint_for(call, &account, Right::WebhooksManage).await?;
    match endpoint.disabled {
        Some(_) => Err(StoreError::Conflict("the endpoint is switched off; enable it first").into()),
        None => Ok(endpoint),
    }
}

/// Sends an event again, within a minute and as often as a new one, whether it was taken or not.
///
/// # Errors
/// `conflict` if the endpoint is switched off, `busy`, `not_found`, `forbidden`.
pub async fn replay(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let endpoint = enabled(&call).await?;
    for _ in 0..RETRIES {
        let kept = of_path(&call, &endpoint).await?;
        if let Some(again) = again(&call, &kept).await? {
            return Reply::json(StatusCode::ACCEPTED, &DeliveryView::of(again, false));
        }
    }
    Err(Problem::new(Code::Busy, "The event is being delivered at this moment. Ask again."))
}

async fn again(call: &Call, kept: &Kept) -> Result<Option<Kept>, Problem> {
    let replayed = Kept { delivery: kept.delivery.replayed(call.app.now()), ..kept.clone() };
    Ok(call.store().keep_delivery(kept, replayed).await?)
}

/// Sends the events of some time again, the newest first.
///
/// # Errors
/// `conflict` if the endpoint is switched off, `validation_failed`, `not_found`, `forbidden`.
pub async fn replay_some(call: Call) -> Result<Reply, Problem> {
    let body: ReplayDeliveries = call.body()?;
    if body.to.is_some_and(|to| to <= body.from) {
        return Err(Problem::field("/to", "must be after from"));
    }
    let endpoint = enabled(&call).await?;
    let only_failed = body.only_failed.unwrap_or(true);
    let wanted = |state: DeliveryState| match state {
        DeliveryState::Failed => true,
        DeliveryState::Delivered => !only_failed,
        DeliveryState::Pending => false,
    };
    let (mut replayed, mut start, mut oldest) = (0, None, None);
    loop {
        let (page, next) = call.store().endpoint_deliveries(&endpoint.id, (Some(body.from), body.to), 100, start).await?;
        for kept in page {
            oldest = Some(kept.delivery.event_id.millis());
            if wanted(kept.delivery.state) && again(&call, &kept).await?.is_some() {
                replayed += 1;
            }
        }
        start = next;
        if start.is_none() || replayed >= MOST_REPLAYED {
            break;
        }
    }
    let continue_to = start.and(oldest).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Reply::json(StatusCode::ACCEPTED, &ReplayedDeliveries { replayed, continue_to })
}
