//! `POST /reseller/credits/holds`.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::hold::{DEFAULT_HOLD_S, Hold, HoldRequest, MAX_HOLD_S};
use tributary_domain::id::{AccountId, HoldId};
use tributary_domain::ledger::{CreditError, LedgerId};
use tributary_domain::money::Amount;
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::idempotency::Outcome;

use crate::moving::refuse_lacking;
use crate::views::HoldView;

/// The request to set credit aside.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateHold {
    /// Whose credit is set aside.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// How much.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Amount))]
    pub amount: Amount,
    /// Who receives what is captured; nobody: it is consumed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub to: Option<AccountId>,
    /// From when it cannot be captured: 7 days from now unless said otherwise, at most 31.
    pub expires_at: Option<Timestamp>,
    /// A note.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
    pub reference: Option<Reference>,
}

/// Sets credit aside.
///
/// # Errors
/// `insufficient_credits`, `account_suspended`, `account_closed`, `same_account`, `currency_mismatch`, `not_found`,
/// `forbidden`, `idempotency_key_missing`, `idempotency_key_reused`, `validation_failed`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.required_scope()?;
    let body: CreateHold = call.body()?;
    let now = call.app.now();
    if body.to.as_ref() == Some(&body.account_id) {
        return Err(CreditError::SameAccount.into());
    }
    // A replay is answered also when its time is long over.
    let expires_at = match expiry(body.expires_at, now) {
        Ok(expires_at) => expires_at,
        Err(refusal) => {
            let (first, own): (Hold, bool) = call.store().first_answer_and_whose(&scope).await?.ok_or(refusal)?;
            if !own {
                let ledgers = [Some(body.account_id), body.to].into_iter().flatten().map(LedgerId::Account).collect();
                refuse_lacking(&call, &ledgers, &caller.over_heads(Right::CreditsHold)).await?;
            }
            return created(&first, true);
        }
    };
    let asked = HoldRequest {
        id: HoldId::from_uuid(call.app.uuid()),
        account_id: body.account_id,
        to: body.to,
        amount: body.amount,
        reference: body.reference,
        expires_at,
        now,
    };
    let may_i = caller.over_heads(Right::CreditsHold);
    let outcome = call.store().reserve(&asked, home, &scope, &call.act()?.event, &may_i).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let hold = outcome.into_inner();
    created(&hold, replayed)
}

fn created(hold: &Hold, replayed: bool) -> Result<Reply, Problem> {
    let location = format!("/reseller/credits/holds/{}", hold.id);
    Ok(Reply::created(&HoldView::of(hold, None))?.location(&location).replayed(replayed))
}

fn expiry(asked: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Problem> {
    let after = |seconds| now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    match asked {
        None => Ok(after(DEFAULT_HOLD_S)),
        Some(at) if at > now && at <= after(MAX_HOLD_S) => Ok(at),
        Some(_) => Err(Problem::field("/expires_at", "must be in the future, at most 31 days from now")),
    }
}
