//! Endpoints and deliveries as they are shown.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::delivery::{Attempt, DeliveryState};
use tributary_domain::id::{AccountId, EventId, WebhookId};
use tributary_domain::webhook::Endpoint;
use tributary_store::deliveries::Kept;

/// Whether an endpoint is sent events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WebhookStatus {
    /// It is.
    Enabled,
    /// It was switched off; `disabled_reason` says why.
    Disabled,
}

/// An endpoint; `secret` only by the request that made it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Webhook))]
pub struct WebhookView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::WebhookId))]
    pub id: WebhookId,
    /// Whose it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Where it is.
    pub url: String,
    /// Which events it is sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::EventFilter>))]
    pub events: Vec<String>,
    /// Those of every account below its own too.
    pub subtree: bool,
    /// What you say of it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub description: Option<String>,
    /// Whether it is sent events.
    pub status: WebhookStatus,
    /// Why it was switched off: `failing` after three days of nothing but failures, `gone` after an answer of 410.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub disabled_reason: Option<&'static str>,
    /// When it was switched off.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub disabled_at: Option<Timestamp>,
    /// The secret under which is signed, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub secret: Option<String>,
    /// Until when an earlier secret signs too.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub previous_secret_signs_until: Option<Timestamp>,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub updated_at: Timestamp,
}

impl WebhookView {
    /// An endpoint of an account at `now`.
    pub fn of(endpoint: &Endpoint, account_id: &AccountId, secret: Option<String>, now: Timestamp) -> Self {
        Self {
            id: endpoint.id.clone(),
            account_id: account_id.clone(),
            url: endpoint.url.to_string(),
            events: endpoint.events.iter().map(|filter| filter.as_str().to_owned()).collect(),
            subtree: endpoint.subtree,
            description: endpoint.description.clone(),
            status: if endpoint.disabled.is_some() { WebhookStatus::Disabled } else { WebhookStatus::Enabled },
            disabled_reason: endpoint.disabled.as_ref().map(|disabled| disabled.reason.word()),
            disabled_at: endpoint.disabled.as_ref().map(|disabled| disabled.at),
            secret,
            previous_secret_signs_until: endpoint.signing(now).filter_map(|secret| secret.until).max(),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// One try to deliver.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeliveryAttempt))]
pub struct AttemptView {
    /// When it began.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// The status that the endpoint answered.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status: Option<u16>,
    /// What went wrong, if nothing was answered.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
    /// The first thousand characters of the answer.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub response: Option<String>,
}

impl AttemptView {
    fn of(attempt: Attempt) -> Self {
        Self { at: attempt.at, duration_ms: attempt.ms, status: attempt.status, error: attempt.error, response: attempt.answer }
    }
}

/// One event's way to an endpoint.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WebhookDelivery))]
pub struct DeliveryView {
    /// The event, which is the `webhook-id` of the request too.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventId))]
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// Where the event happened.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::DeliveryStatus))]
    pub status: DeliveryState,
    /// How often it was tried since it was last begun, a try under way included. At most ten.
    pub tries: u32,
    /// The tries that ended, the newest twenty, the newest last.
    pub attempts: Vec<AttemptView>,
    /// When it is tried next; while a try is under way, when that one is given up.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was first known.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was taken or given up.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
    /// The body that is sent; only where one delivery is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub body: Option<String>,
}

impl DeliveryView {
    /// A delivery; with what is sent if `whole`.
    pub fn of(kept: Kept, whole: bool) -> Self {
        let Kept { delivery, body, .. } = kept;
        Self {
            event_id: delivery.event_id,
            event_type: delivery.event_type,
            account_id: delivery.account_id,
            status: delivery.state,
            tries: delivery.tries,
            attempts: delivery.attempts.into_iter().map(AttemptView::of).collect(),
            next_attempt_at: delivery.due,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            body: whole.then_some(body),
        }
    }
}
