//! `POST /reseller/usage/events/async` and `GET /reseller/usage/batches/{id}`: events that are counted later.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::{AccountId, UsageBatchId};
use tributary_domain::rights::Right;
use tributary_metering::queued::queue;
use tributary_store::usage_batches::{BatchStatus, QueuedBatch};

use crate::events::{events, may_send};

/// A batch that is counted later.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageBatch))]
pub struct BatchView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::UsageBatchId))]
    pub id: UsageBatchId,
    /// The account whose key sent it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// `queued` until each of its events was answered, then `done`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BatchStatus))]
    pub status: BatchStatus,
    /// How many events it has.
    pub events: usize,
    /// How many count.
    pub accepted: usize,
    /// How many were counted before.
    pub duplicates: usize,
    /// How many do not count.
    pub rejected: usize,
    /// Why each of those does not: its place in the batch, its id, a code and words.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::BatchRejection>))]
    pub rejections: Vec<serde_json::Value>,
    /// When it came in.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was done.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub done_at: Option<Timestamp>,
}

/// Takes events for later: they are kept when this answers.
///
/// # Errors
/// As [`events`]; what is wrong with one event is said in the batch.
pub async fn record(call: Call) -> Result<Reply, Problem> {
    let (caller, events) = (may_send(&call)?, events(&call)?);
    let batch = queue(&call.app, caller, &events).await?;
    let location = format!("/reseller/usage/batches/{}", batch.id);
    Ok(Reply::json(http::StatusCode::ACCEPTED, &BatchView::of(batch))?.location(&location))
}

/// A batch of the caller's account, or of one below it.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    call.params()?.done()?;
    let batch = call.store().queued_batch(&call.id("id")?).await?;
    tributary_metering::ingest::place(&call.app, &call.caller()?.over(Right::UsageRead), &batch.account_id).await?;
    Reply::ok(&BatchView::of(batch))
}

impl BatchView {
    fn of(batch: QueuedBatch) -> Self {
        let QueuedBatch { id, account_id, status, events, accepted, duplicates, rejected, rejections, created_at, done_at, .. } = batch;
        Self { id, account_id, status, events, accepted, duplicates, rejected, rejections, created_at, done_at }
    }
}
