//! `GET /reseller/usage/events/{id}/explain`: how a charge came about, rule by rule.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::rights::Right;
use tributary_metering::event::NewEvent;
use tributary_metering::find::{Found, find};
use tributary_metering::ingest::place;
use tributary_metering::record::RecordKind;

use crate::levels::RatedView;

/// Whether an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventState {
    /// As it came in.
    Counted,
    /// With another quantity than it came in with.
    Corrected,
    /// It was taken back.
    Voided,
}

/// A charge, explained.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedEvent {
    /// The event as it counts.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::UsageEvent))]
    pub event: NewEvent,
    /// Whether it counts.
    pub state: EventState,
    /// When it was counted.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub received_at: Timestamp,
    /// The batch whose entries moved its credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TransferId))]
    pub transfer_id: TransferId,
    /// Its prices.
    pub rated: RatedView,
    /// Why it was corrected or taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was taken back.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "tributary_api::time::millis_or_null")]
    pub voided_at: Option<Timestamp>,
}

/// Explains an event of the caller's account, or of `account_id`.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn explain(call: Call) -> Result<Reply, Problem> {
    let home = call.home()?;
    let mut params = call.params()?;
    let account = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    params.done()?;
    let id: String = call.id("id")?;
    let lineage = place(&call.app, &call.caller()?.over(Right::UsageRead), &account).await?;
    let head = Head { lineage, ..call.store().head(&LedgerId::Account(account.clone())).await? };
    let found = find(&call.app, &head, &account, &id).await?;
    let chain = call.store().chain_at(&account, head.kind, &head.lineage, head.currency).await?;
    let Found { record, batch, voided, .. } = found;
    let state = match (&voided, record.kind) {
        (Some(_), _) => EventState::Voided,
        (None, RecordKind::Correction) => EventState::Corrected,
        (None, RecordKind::Usage | RecordKind::Void) => EventState::Counted,
    };
    Reply::ok(&ExplainedEvent {
        rated: RatedView::of(&record.rated, record.currency, home, &head, Some(&chain)),
        state,
        received_at: record.received_at,
        transfer_id: batch,
        reason: voided.as_ref().map_or(record.reason, |voided| voided.reason.clone()),
        voided_at: voided.map(|voided| voided.received_at),
        event: record.event,
    })
}
