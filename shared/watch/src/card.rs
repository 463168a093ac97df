//! Topping up with a card: charged once for a run, whoever looks and how often, and the credit comes with the money.

use tributary_api::App;
use tributary_billing::{BillingError, Desk, card_credit};
use tributary_domain::billing::payment::{Payment, PaymentState};
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::topup::Reason;
use tributary_store::error::StoreError;
use tributary_store::topups::{Charge, Charged};

use crate::{Looked, WatchError, act};

/// Charges the card for a run, or finds out what became of that, and keeps it.
///
/// # Errors
/// [`WatchError`]; the charge stays under way, and the next look goes on.
pub(crate) async fn charge(
    app: &App,
    run: &RequestId,
    account: &AccountId,
    charge: &Charge,
    looked: &mut Looked,
) -> Result<(), WatchError> {
    let desk = Desk::of(app, run.clone());
    let charged = match card_credit::buy(&desk, account, charge.amount.micros(), &charge.key).await {
        Ok(payment) => outcome(&payment),
        // Nothing was begun: there is no card, or nobody to charge it.
        Err(BillingError::NoCards | BillingError::Store(StoreError::Conflict(_))) => Charged::Failed(Reason::NoCard),
        Err(error) => return Err(error.into()),
    };
    let Some(state) = app.store().keep_charge(charge, &charged, &act(app, run)).await? else { return Ok(()) };
    match charged {
        Charged::Done(_) => {
            looked.drawn += 1;
            tracing::info!(request_id = run.as_str(), account_id = %account, "an account was topped up with its card");
        }
        Charged::Failed(reason) => {
            looked.short += 1;
            let (reason, stopped) = (reason.word(), state.stopped_at.is_some());
            tracing::warn!(request_id = run.as_str(), account_id = %account, reason, stopped, "an account could not be topped up with its card");
        }
        Charged::Open => {}
    }
    Ok(())
}

fn outcome(payment: &Payment) -> Charged {
    match payment.state {
        PaymentState::Succeeded if payment.transfer_id.is_some() => Charged::Done(payment.transfer_id.clone()),
        // The parent could not give what was paid for: the money goes back.
        PaymentState::Succeeded => Charged::Failed(Reason::ParentShort),
        PaymentState::Declined | PaymentState::Cancelled => Charged::Failed(Reason::CardDeclined),
        _ => Charged::Open,
    }
}
