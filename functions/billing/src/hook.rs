//! `POST /billing/processor/{account_id}`: what a seller's payment processor tells. It has no API key: its signature says who it is.

use serde::Serialize;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::processor_events::{Taken, take};
use tributary_billing::{BillingError, Desk};
use tributary_domain::id::AccountId;

/// What is described of an event; the processor sends more.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = ProcessorEvent)]
pub struct EventBody {
    /// Its id at the processor.
    pub id: String,
    /// Its type.
    pub r#type: String,
    /// When it came to be, in seconds since 1970.
    pub created: i64,
    /// What it is about.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// That an event was taken.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EventTaken))]
pub struct TakenView {
    /// Whether it was about anything of the platform's.
    pub ours: bool,
}

/// Takes an event. It is answered well once what follows from it is done, and comes again otherwise.
///
/// # Errors
/// `validation_failed` of one that is forged, stale or cannot be read; `not_found` of an account that has no processor; what passes is `busy`.
pub async fn take_event(call: Call) -> Result<Reply, Problem> {
    let seller: AccountId = call.id("account_id")?;
    let (_, body) = call.raw(&["application/json"])?;
    let desk = Desk::of(&call.app, call.request_id.clone());
    let signature = call.header("stripe-signature").unwrap_or_default();
    match take(&desk, &seller, body, signature).await {
        Ok(taken) => Reply::ok(&TakenView { ours: taken == Taken::Done }),
        Err(BillingError::NoCards) => Err(Problem::not_found()),
        Err(error) => Err(error.into()),
    }
}
