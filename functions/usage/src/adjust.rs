//! `POST /reseller/usage/events/{id}/void` and `…/correct`: taking an event back, and counting it with another quantity.

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::pricing::number::Quantity;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_metering::adjust::{AdjustError, Adjusted, Adjustment, adjust};
use tributary_metering::event::NewEvent;
use tributary_store::idempotency::Outcome;

use crate::levels::RatedView;

/// The request to take an event back.
#[derive(Debug, Clone, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidUsage {
    /// Whose event; the caller's account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reason: Option<Reference>,
}

/// The request to count an event with another quantity.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CorrectUsage {
    /// Whose event; the caller's account unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The right quantity.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::EventQuantity))]
    pub quantity: Quantity,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reason: Option<Reference>,
}

/// An adjustment.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdjustedUsage {
    /// The event, with its new quantity if it was corrected.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::UsageEvent))]
    pub event: NewEvent,
    /// The batch whose entries move the credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TransferId))]
    pub transfer_id: TransferId,
    /// What is taken back, all signs turned.
    pub taken_back: RatedView,
    /// What is counted instead; null if the event was voided.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub counted: Option<RatedView>,
}

/// Takes an event back.
///
/// # Errors
/// `not_found`, `forbidden`, `conflict` if it was voided or cannot be taken back, `insufficient_credits` if an account that
/// earned by it has spent that.
pub async fn void(call: Call) -> Result<Reply, Problem> {
    let body: VoidUsage = call.body_or_default()?;
    answer(&call, body.account_id, None, body.reason).await
}

/// Counts an event with another quantity.
///
/// # Errors
/// As [`void`], and `validation_failed`.
pub async fn correct(call: Call) -> Result<Reply, Problem> {
    let body: CorrectUsage = call.body()?;
    if body.quantity > Quantity::MAX_EVENT {
        return Err(Problem::field("/quantity", format!("must be at most {}", Quantity::MAX_EVENT)));
    }
    answer(&call, body.account_id, Some(body.quantity), body.reason).await
}

async fn answer(call: &Call, account: Option<AccountId>, quantity: Option<Quantity>, reason: Option<Reference>) -> Result<Reply, Problem> {
    let (home, scope) = (call.home()?, call.required_scope()?);
    let account = account.unwrap_or_else(|| home.clone());
    let asked = Adjustment { account, event: call.id("id")?, quantity, reason: reason.map(|reason| reason.to_string()) };
    let may = call.caller()?.over(Right::UsageAdjust);
    let outcome = adjust(&call.app, &may, &asked, &scope, &call.act()?.event).await.map_err(problem)?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let Adjusted { event, batch, taken_back, counted } = outcome.into_inner();
    let head: Head = call.store().head(&LedgerId::Account(asked.account.clone())).await?;
    let view = |rated| RatedView::of(rated, head.currency, home, &head, None);
    let view = AdjustedUsage { event, transfer_id: batch, taken_back: view(&taken_back), counted: counted.as_ref().map(view) };
    let id: String = form_urlencoded::byte_serialize(view.event.id.as_bytes()).collect();
    let location = format!("/reseller/usage/events/{id}/explain?account_id={}", view.event.account_id);
    Ok(Reply::created(&view)?.location(&location).replayed(replayed))
}

fn problem(error: AdjustError) -> Problem {
    let detail = error.to_string();
    match error {
        AdjustError::Store(error) => error.into(),
        AdjustError::Voided | AdjustError::TooOften | AdjustError::Refused(_) => Problem::new(Code::Conflict, detail),
    }
}
