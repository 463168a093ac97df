//! Enabling an endpoint, and testing it.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::event::RecordKind;
use tributary_domain::id::EventId;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;

use crate::endpoints::{account_of, change_endpoint, endpoint_for};
use crate::views::WebhookView;

/// A test that is under way.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookTest {
    /// The event that is sent: what became of it is found under its id among the endpoint's deliveries.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventId))]
    pub event_id: EventId,
}

/// Sends to an endpoint again. What it missed is not sent by that: replay it.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn enable(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    call.no_body()?;
    let endpoint = change_endpoint(&call, &account, RecordKind::WebhookChanged, |all, at| {
        all.all[at].disabled = None;
        Ok(all.all[at].clone())
    });
    let endpoint = endpoint.await?;
    // The three days of failures begin anew.
    call.store().note_success(&endpoint.id).await?;
    Ok(Reply::ok(&WebhookView::of(&endpoint, &account, None, call.app.now()))?.etag(endpoint.version))
}

/// Sends the event `webhook.ping` to one endpoint, the way every event goes.
///
/// # Errors
/// `conflict` if it is switched off, `not_found`, `forbidden`.
pub async fn test(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    call.no_body()?;
    let endpoint = endpoint_for(&call, &account, Right::WebhooksManage).await?;
    if endpoint.disabled.is_some() {
        return Err(StoreError::Conflict("the endpoint is switched off; enable it first").into());
    }
    let act = call.act()?;
    call.store().note_endpoint(&account, RecordKind::WebhookPing, &json!({ "webhook_id": endpoint.id }), &act).await?;
    let location = format!("/reseller/webhooks/{}/deliveries/{}", endpoint.id, act.event);
    Ok(Reply::json(StatusCode::ACCEPTED, &WebhookTest { event_id: act.event })?.location(&location))
}
