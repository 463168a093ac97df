//! `POST /reseller/credits/holds/{id}/capture`, `POST …/release`.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::hold::{Hold, HoldEnd};
use tributary_domain::id::TransferId;
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;
use tributary_store::holds::EndedBy;
use tributary_store::idempotency::Outcome;

use crate::views::HoldView;

/// The request to capture a hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CaptureHold))]
pub struct Capture {
    /// How much; all of it unless said otherwise. The rest is set free.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Amount>))]
    pub amount: Option<Amount>,
}

/// Spends all or part of a hold and sets the rest free.
///
/// # Errors
/// `hold_ended`, `hold_expired`, `hold_exceeded`, `account_suspended`, `not_found`, `forbidden`.
pub async fn capture(call: Call) -> Result<Reply, Problem> {
    let body: Capture = call.body_or_default()?;
    let all = |hold: &Hold| Amount::new(hold.amount).map_err(|error| StoreError::Corrupt(error.to_string()));
    end(&call, |hold| Ok(HoldEnd::Capture(body.amount.map_or_else(|| all(hold), Ok)?))).await
}

/// Sets a hold's credit free.
///
/// # Errors
/// `hold_ended`, `not_found`, `forbidden`.
pub async fn release(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    end(&call, |_| Ok(HoldEnd::Release)).await
}

async fn end(call: &Call, how: impl Fn(&Hold) -> Result<HoldEnd, StoreError> + Send + Sync) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.required_scope()?;
    let may_i = caller.over_heads(Right::CreditsHold);
    let id = TransferId::from_uuid(call.app.uuid());
    let outcome = call.store().end_hold(&call.id("id")?, how, EndedBy::Caller(&scope), &id, home, &call.act()?, &may_i).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let ended = outcome.into_inner();
    Ok(Reply::ok(&HoldView::of(&ended.hold, ended.transfer_id))?.replayed(replayed))
}
