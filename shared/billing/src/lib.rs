//! Billing at work: accounts are billed by runs; invoices are collected from credit and card, chased, disputed, corrected and given back.
//!
//! Every step is decided purely by [`tributary_domain::billing`], written by the store, and safe to repeat, to kill and to overlap.

pub mod card_credit;
pub mod cards;
pub mod chunk;
pub mod collect;
pub mod digest;
pub mod disputes;
pub mod drafts;
pub mod due;
pub mod making;
pub mod notes;
pub mod preview;
pub mod processor_events;
pub mod processors;
pub mod refunds;
pub mod result;
pub mod run;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tributary_api::{App, Call, Code, Problem};
use tributary_domain::billing::bill::Billing;
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId, TransferId};
use tributary_domain::money::{Currency, Micros, Overflow};
use tributary_runtime::payments::{Money, PaymentError, WebhookError};
use tributary_store::Store;
use tributary_store::error::StoreError;
use tributary_store::events::Act;

use crate::processors::{Configured, Counter, Processors};

/// How long something is left alone after a processor could not be asked, in minutes.
const LATER_MIN: i64 = 10;
/// How often a change is made anew when others come first.
const AGAIN: usize = 12;

/// Why something was not done. What had been done stays done, and doing it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The store's reasons.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The processor's.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A webhook is not taken.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Nobody charges cards for the account's seller.
    #[error("the account's seller takes no cards")]
    NoCards,
    /// The credentials that are kept for the seller cannot be used.
    #[error("the credentials of the seller's processor cannot be read: {0}")]
    Credentials(String),
}

impl From<Overflow> for BillingError {
    fn from(overflow: Overflow) -> Self {
        BillingError::Store(overflow.into())
    }
}

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        let why = error.to_string();
        match error {
            BillingError::Store(error) => error.into(),
            BillingError::NoCards => Problem::new(Code::Conflict, "Whoever bills the account takes no cards."),
            BillingError::Webhook(_) => Problem::field("/header/stripe-signature", why),
            BillingError::Credentials(_) => {
                let mut problem = Problem::new(Code::Internal, "The credentials of the payment processor cannot be used.");
                problem.internal = Some(why);
                problem
            }
            BillingError::Payment(error) => payment_problem(&error),
        }
    }
}

fn payment_problem(error: &PaymentError) -> Problem {
    let mut problem = match error {
        PaymentError::Declined(_) | PaymentError::ActionRequired(_) => Problem::new(Code::Conflict, "The payment processor declined it."),
        PaymentError::Invalid(_) if error.is_absent() => Problem::not_found(),
        PaymentError::Invalid(refusal) => {
            Problem::new(Code::Conflict, format!("The payment processor does not take it: {}", refusal.message))
        }
        PaymentError::Unauthorized(_) => {
            Problem::new(Code::Conflict, "The payment processor refuses the seller's credentials; the seller has to set others.")
        }
        PaymentError::Unavailable(_) | PaymentError::RateLimited => {
            Problem::new(Code::Busy, "The payment processor does not answer at the moment. Nothing was done there; try again.")
        }
        PaymentError::Unknown(_) | PaymentError::KeyReused => {
            Problem::new(Code::OutcomeUnknown, "The payment processor gave no answer in time. Try again: it is done at most once.")
        }
    };
    problem.internal = Some(error.to_string());
    problem
}

/// What billing works with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The store, the clock and the ids.
    pub app: App,
    /// Who charges cards for whom.
    pub processors: Arc<dyn Processors>,
    /// Where a payer's browser goes after confirming a payment, if that is known.
    pub return_url: Option<String>,
    /// The request or scheduled run that does it.
    pub run: RequestId,
    /// Who asked; the platform itself where nobody did.
    pub actor: ActorId,
}

impl Desk {
    /// For what the platform does of its own accord, with the processors that sellers gave.
    pub fn of(app: &App, run: RequestId) -> Self {
        Self::new(app.clone(), Arc::new(Configured(app.clone())), app.return_url(), run)
    }

    /// For what a caller asks for.
    ///
    /// # Errors
    /// None on routes with a caller.
    pub fn for_call(call: &Call) -> Result<Self, Problem> {
        Ok(Self { actor: call.caller()?.actor.clone(), ..Self::of(&call.app, call.request_id.clone()) })
    }

    /// For what the platform does of its own accord.
    pub fn new(app: App, processors: Arc<dyn Processors>, return_url: Option<String>, run: RequestId) -> Self {
        Self { app, processors, return_url, run, actor: ActorId::platform() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        self.app.store()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// An act with an id of its own.
    pub fn act(&self) -> Act {
        Act { event: EventId::from_uuid(self.app.uuid()), actor: self.actor.clone(), request: self.run.clone(), now: self.now() }
    }

    /// The id of a movement of credit that may come.
    pub(crate) fn transfer(&self) -> TransferId {
        TransferId::from_uuid(self.app.uuid())
    }

    /// When something is looked at again after a processor could not be asked.
    pub(crate) fn later(&self) -> Timestamp {
        let now = self.now();
        now.checked_add(SignedDuration::from_mins(LATER_MIN)).unwrap_or(now)
    }

    /// Who charges cards for a seller.
    ///
    /// # Errors
    /// [`BillingError::NoCards`]; [`BillingError::Credentials`]; table errors.
    pub async fn counter(&self, seller: &AccountId) -> Result<Counter, BillingError> {
        self.processors.of(seller).await?.ok_or(BillingError::NoCards)
    }

    /// Changes how an account is billed. `change` says whether there is anything to write, and is called again if another came first.
    pub(crate) async fn change_billing(
        &self,
        account: &AccountId,
        change: impl Fn(&mut Billing) + Send + Sync,
    ) -> Result<Billing, BillingError> {
        for _ in 0..AGAIN {
            let old = match self.store().billing(account).await? {
                Some(billing) => billing,
                None => self.store().begin_billing(&self.store().account(account).await?).await?,
            };
            let mut new = old.clone();
            change(&mut new);
            if new == old {
                return Ok(old);
            }
            new.version = old.version.saturating_add(1);
            // Listed without what its seller waits for late usage: a run that finds it early lists it where it belongs.
            if self.store().save_billing(&new, 0).await? {
                return Ok(new);
            }
        }
        Err(StoreError::Busy.into())
    }
}

/// An amount in whole coins, as processors count.
pub(crate) fn money(amount: Micros, currency: Currency) -> Money {
    Money { minor: amount.get() / currency.minor().get(), currency }
}

/// The other way.
pub(crate) fn micros(money: Money) -> Result<Micros, Overflow> {
    money.minor.checked_mul(money.currency.minor().get()).map(Micros::new).ok_or(Overflow)
}
