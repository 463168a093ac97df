//! Cards: what a payment processor does for the platform, as a port. [`stripe::Stripe`] speaks to Stripe; the scripted processor of the local
//! run and of the tests speaks the same HTTP on loopback.
//!
//! Amounts are in the currency's minor units of ISO 4217 (cents of USD, whole JPY, thousandths of KWD). Every call that changes something
//! carries an idempotency key, so that it can be repeated until its outcome is known; [`PaymentError`] says after which errors it is not.

mod currencies;
mod declines;
mod form;
pub mod stripe;
pub mod transport;
pub mod webhook;
mod wire;

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tributary_domain::money::Currency;

pub use declines::{Decline, DeclineKind};
pub use webhook::{ProcessorEvent, Told, WebhookError};

/// Names and values that the processor keeps beside an object and gives back with it.
pub type Metadata = BTreeMap<String, String>;

/// The metadata of a payment that says which attempt of the platform it is; [`PaymentProcessor::find_payment_intent`] looks for it.
pub const PAYMENT_ID: &str = "payment_id";
/// The same of a refund, for [`PaymentProcessor::find_refund`].
pub const REFUND_ID: &str = "refund_id";
/// The metadata of customers and setups that says whose they are.
pub const ACCOUNT_ID: &str = "account_id";
/// The most characters of an idempotency key.
///
/// Source: "Idempotent requests", Stripe API reference.
pub const MAX_KEY_CHARS: usize = 255;

/// The way to the processor, for whoever has an account there.
pub trait Connect: Send + Sync + Debug {
    /// The processor, in the name of an API key.
    ///
    /// # Errors
    /// Why there is no way, in a sentence.
    fn connect(&self, api_key: &str) -> Result<Arc<dyn PaymentProcessor>, String>;
}

/// So many minor units of a currency. Requests need more than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Minor units of ISO 4217.
    pub minor: i64,
    /// Of this currency.
    pub currency: Currency,
}

/// Somebody who pays.
#[derive(Debug, Clone, Copy)]
pub struct NewCustomer<'a> {
    /// The account it stands for: its metadata [`ACCOUNT_ID`].
    pub account_id: &'a str,
    /// How it is called.
    pub name: Option<&'a str>,
    /// Where the processor writes to.
    pub email: Option<&'a str>,
}

/// A customer at the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// The payment method that is charged unless another is named.
    pub default_payment_method: Option<String>,
    /// What was kept beside it.
    pub metadata: Metadata,
}

/// A card, as much of it as may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    /// `pm_…`.
    pub id: String,
    /// Whose it is; `None` when it is attached to nobody, and cannot be charged.
    pub customer: Option<String>,
    /// `visa`, `mastercard`; empty if the processor does not say.
    pub brand: String,
    /// The last four digits; empty if it has none.
    pub last4: String,
    /// The month after which it is not taken any more, 1 to 12.
    pub exp_month: u8,
    /// That month's year, four digits.
    pub exp_year: u16,
}

/// How far a setup is: of a card that shall be kept for payments without its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupStatus {
    /// No card was given, or it was declined.
    RequiresPaymentMethod,
    /// A card was given and waits to be confirmed.
    RequiresConfirmation,
    /// The holder must authenticate.
    RequiresAction,
    /// The processor is at it.
    Processing,
    /// The card can be charged.
    Succeeded,
    /// It was given up.
    Canceled,
}

/// The setup of a card.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupIntent {
    /// `seti_…`.
    pub id: String,
    /// How far it is.
    pub status: SetupStatus,
    /// For whose card.
    pub customer: Option<String>,
    /// The card, once one was given.
    pub payment_method: Option<String>,
    /// What a page of the customer's needs to go on with it. It is a secret of the customer's.
    pub client_secret: Option<String>,
    /// What was kept beside it.
    pub metadata: Metadata,
}

/// What a page for adding a card is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewSetupPage<'a> {
    /// For whose card.
    pub customer: &'a str,
    /// Where the browser goes afterwards.
    pub success_url: &'a str,
    /// Where it goes when the customer gives up.
    pub cancel_url: &'a str,
    /// Kept beside the setup that comes of it.
    pub metadata: &'a Metadata,
}

/// A page of the processor's where a customer adds a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupPage {
    /// `cs_…`.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// Whether the one who pays is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Nobody is: an invoice is collected. A card that must be authenticated declines.
    Off,
    /// The customer waits for the answer, and can be sent to a page.
    On,
}

/// A payment to be made: one attempt.
#[derive(Debug, Clone, Copy)]
pub struct NewPayment<'a> {
    /// How much.
    pub amount: Money,
    /// Who pays.
    pub customer: &'a str,
    /// With which card of the customer's.
    pub payment_method: &'a str,
    /// Whether the customer is there.
    pub session: Session,
    /// Where the customer goes after authenticating. With it, a payment without the customer that must be authenticated is made ready for
    /// that at once, and [`PaymentError::ActionRequired`] has its link; without it that is left to [`PaymentProcessor::authenticate`].
    pub return_url: Option<&'a str>,
    /// For the customer's statement and the processor's pages.
    pub description: Option<&'a str>,
    /// The attempt, the same in every repetition: kept as [`PAYMENT_ID`].
    pub payment_id: &'a str,
    /// Kept beside it, too: an invoice's id. At most 40 names of at most 40 characters, values of at most 500.
    pub metadata: &'a Metadata,
    /// The same for the same attempt, another for every other; at most [`MAX_KEY_CHARS`].
    pub idempotency_key: &'a str,
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The card was declined, or none was given. It can be confirmed again.
    RequiresPaymentMethod,
    /// It was not confirmed.
    RequiresConfirmation,
    /// The holder must authenticate.
    RequiresAction,
    /// The processor is at it; the outcome comes by a webhook.
    Processing,
    /// The money is reserved, not taken. The platform never asks for that.
    RequiresCapture,
    /// It is paid.
    Succeeded,
    /// It was given up, and cannot be paid any more.
    Canceled,
}

/// What the customer must do.
#[derive(Clone, PartialEq, Eq)]
pub struct Action {
    /// The payment, `pi_…`.
    pub payment: String,
    /// A page of the processor's or the bank's to be opened by the customer.
    pub url: Option<String>,
    /// For a page of one's own with the processor's script. It is a secret of the customer's.
    pub client_secret: Option<String>,
}

/// A payment as the processor has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payment {
    /// `pi_…`.
    pub id: String,
    /// How far it is.
    pub status: PaymentStatus,
    /// How much.
    pub amount: Money,
    /// Who pays.
    pub customer: Option<String>,
    /// With what.
    pub payment_method: Option<String>,
    /// The newest charge, `ch_…`, which disputes name.
    pub charge: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The page where it is authenticated, while it waits for that.
    pub action_url: Option<String>,
    /// See [`Action::client_secret`].
    pub client_secret: Option<String>,
    /// Why it was declined last.
    pub decline: Option<Decline>,
    /// What was kept beside it.
    pub metadata: Metadata,
}

/// What became of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is paid.
    Paid,
    /// It is not known yet; a webhook will tell.
    Processing,
    /// The customer must authenticate.
    ActionRequired(Action),
    /// It was declined.
    Declined(Decline),
    /// It was given up, and cannot be paid any more.
    Canceled,
    /// It was made and never confirmed, so nothing was charged.
    Open,
}

impl Payment {
    /// What became of it, from its present state.
    pub fn outcome(&self) -> Outcome {
        match self.status {
            PaymentStatus::Succeeded => Outcome::Paid,
            PaymentStatus::Processing => Outcome::Processing,
            PaymentStatus::RequiresAction => Outcome::ActionRequired(Action {
                payment: self.id.clone(),
                url: self.action_url.clone(),
                client_secret: self.client_secret.clone(),
            }),
            PaymentStatus::RequiresPaymentMethod => match &self.decline {
                Some(decline) => Outcome::Declined(decline.clone()),
                None => Outcome::Open,
            },
            PaymentStatus::RequiresConfirmation | PaymentStatus::RequiresCapture => Outcome::Open,
            PaymentStatus::Canceled => Outcome::Canceled,
        }
    }

    /// The attempt it is, if it was made by [`PaymentProcessor::create_payment_intent`].
    pub fn payment_id(&self) -> Option<&str> {
        self.metadata.get(PAYMENT_ID).map(String::as_str)
    }
}

/// Which payment is looked for.
#[derive(Debug, Clone, Copy)]
pub struct SoughtPayment<'a> {
    /// Who would have paid.
    pub customer: &'a str,
    /// The attempt.
    pub payment_id: &'a str,
    /// Made then or later: when the attempt was recorded, minus what the clocks may differ by.
    pub since: Timestamp,
}

/// A refund to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewRefund<'a> {
    /// Of which payment.
    pub payment: &'a str,
    /// How much of it.
    pub amount: Money,
    /// The platform's id of it, the same in every repetition: kept as [`REFUND_ID`].
    pub refund_id: &'a str,
    /// Kept beside it, too.
    pub metadata: &'a Metadata,
    /// As of [`NewPayment`].
    pub idempotency_key: &'a str,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// It is on its way.
    Pending,
    /// The customer must say where to.
    RequiresAction,
    /// It was taken by the bank.
    Succeeded,
    /// The bank gave it back: the money is the seller's again.
    Failed,
    /// It was taken back before it went.
    Canceled,
}

/// A refund as the processor has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// `re_…`.
    pub id: String,
    /// Of which payment, `pi_…`.
    pub payment: Option<String>,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub status: RefundStatus,
    /// Why it failed.
    pub failure: Option<String>,
    /// What was kept beside it.
    pub metadata: Metadata,
}

/// Why a request was refused: the request is wrong, or the object is not in a state for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status; 0 if the request was not sent.
    pub status: u16,
    /// The processor's code: `resource_missing`, `amount_too_small`, `charge_already_refunded`.
    pub code: Option<String>,
    /// Which parameter.
    pub param: Option<String>,
    /// In words, for the operator.
    pub message: String,
}

impl Refusal {
    /// A request that is not sent.
    pub(crate) fn unsent(param: &str, message: impl Into<String>) -> PaymentError {
        PaymentError::Invalid(Box::new(Self { status: 0, code: None, param: Some(param.to_owned()), message: message.into() }))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " ({code})"))?;
        self.param.as_ref().map_or(Ok(()), |param| write!(f, ", parameter {param}"))
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// The card was declined. Nothing was charged.
    #[error("declined: {0}")]
    Declined(Box<Decline>),
    /// The customer must authenticate. Nothing is charged until then.
    #[error("the customer must authenticate the payment {}", .0.payment)]
    ActionRequired(Box<Action>),
    /// The request may have been carried out. Look it up ([`PaymentProcessor::find_payment_intent`]) or repeat it under the same key; never
    /// under another before it was looked up.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// Another request was sent under this key, and may have been carried out: look it up. It is not sent again under this key.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The processor could not be reached. Nothing was carried out; the same request can be sent later.
    #[error("the processor is not to be had: {0}")]
    Unavailable(String),
    /// There were too many requests. Nothing was carried out; the same request can be sent later.
    #[error("the processor takes no more requests at the moment")]
    RateLimited,
    /// The request was refused. Nothing was carried out, and the same would be refused again.
    #[error("refused: {0}")]
    Invalid(Box<Refusal>),
    /// The credentials are wrong or lack a right. Nothing was carried out.
    #[error("the processor's credentials are not taken: {0}")]
    Unauthorized(String),
}

impl PaymentError {
    /// Whether the request may have been carried out: to be looked up before anything else is done.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, PaymentError::Unknown(_) | PaymentError::KeyReused)
    }

    /// Whether the named object does not exist.
    pub fn is_absent(&self) -> bool {
        matches!(self, PaymentError::Invalid(refusal) if refusal.status == 404 || refusal.code.as_deref() == Some("resource_missing"))
    }
}

/// A payment processor, in the name of one of its accounts.
///
/// Of all: [`PaymentError::Unauthorized`], [`PaymentError::RateLimited`], [`PaymentError::Unavailable`] and, of an id or amount that cannot be,
/// [`PaymentError::Invalid`]; of all that take an idempotency key, [`PaymentError::Unknown`] and [`PaymentError::KeyReused`] too.
#[async_trait]
pub trait PaymentProcessor: Send + Sync + Debug {
    /// The largest amount up to this one that can be charged and refunded: some processors have coarser units of some currencies. What is
    /// left of it must be settled in another way. Zero if nothing can be.
    fn chargeable(&self, amount: Money) -> Money;

    /// Makes a customer.
    async fn create_customer(&self, new: &NewCustomer<'_>, idempotency_key: &str) -> Result<Customer, PaymentError>;

    /// A customer.
    async fn get_customer(&self, id: &str) -> Result<Customer, PaymentError>;

    /// Sets the payment method that is charged unless another is named; `None` unsets it.
    async fn set_default_payment_method(
        &self,
        customer: &str,
        payment_method: Option<&str>,
        idempotency_key: &str,
    ) -> Result<Customer, PaymentError>;

    /// Begins the setup of a card on a page of one's own with the processor's script.
    async fn create_setup_intent(&self, customer: &str, metadata: &Metadata, idempotency_key: &str) -> Result<SetupIntent, PaymentError>;

    /// Begins the setup of a card on a page of the processor's.
    async fn create_setup_page(&self, new: &NewSetupPage<'_>, idempotency_key: &str) -> Result<SetupPage, PaymentError>;

    /// A setup.
    async fn get_setup_intent(&self, id: &str) -> Result<SetupIntent, PaymentError>;

    /// The cards of a customer, the newest first; at most a thousand.
    async fn list_payment_methods(&self, customer: &str) -> Result<Vec<PaymentMethod>, PaymentError>;

    /// A card.
    async fn get_payment_method(&self, id: &str) -> Result<PaymentMethod, PaymentError>;

    /// Gives a card to a customer. Its bank may decline that.
    ///
    /// # Errors
    /// [`PaymentError::Declined`].
    async fn attach_payment_method(&self, id: &str, customer: &str, idempotency_key: &str) -> Result<PaymentMethod, PaymentError>;

    /// Takes a card from its customer, for ever.
    async fn detach_payment_method(&self, id: &str, idempotency_key: &str) -> Result<PaymentMethod, PaymentError>;

    /// Makes a payment and charges the card at once. A result is paid, or being processed ([`Payment::outcome`]).
    ///
    /// # Errors
    /// [`PaymentError::Declined`], [`PaymentError::ActionRequired`].
    async fn create_payment_intent(&self, new: &NewPayment<'_>) -> Result<Payment, PaymentError>;

    /// Makes a payment that was declined for want of authentication ready for it, with a card of its customer's. The bank may let it pass: then
    /// it is paid.
    ///
    /// # Errors
    /// [`PaymentError::ActionRequired`], with the link, as the usual case; [`PaymentError::Declined`].
    async fn authenticate(
        &self,
        payment: &str,
        payment_method: &str,
        return_url: &str,
        idempotency_key: &str,
    ) -> Result<Payment, PaymentError>;

    /// A payment, whatever became of it.
    async fn get_payment_intent(&self, id: &str) -> Result<Payment, PaymentError>;

    /// The payment of an attempt, whatever became of it; `None` when the processor has none. A request that is still on its way can make it
    /// appear later: repeat the request under its key, and only that.
    async fn find_payment_intent(&self, sought: &SoughtPayment<'_>) -> Result<Option<Payment>, PaymentError>;

    /// Gives a payment up, so that it cannot be paid any more.
    ///
    /// # Errors
    /// [`PaymentError::Invalid`] when it is paid or being processed.
    async fn cancel(&self, payment: &str, idempotency_key: &str) -> Result<Payment, PaymentError>;

    /// Gives money back to the card.
    ///
    /// # Errors
    /// [`PaymentError::Invalid`] when it is more than is left of the payment.
    async fn refund(&self, new: &NewRefund<'_>) -> Result<Refund, PaymentError>;

    /// A refund.
    async fn get_refund(&self, id: &str) -> Result<Refund, PaymentError>;

    /// The refund of a payment that carries this id; `None` when there is none.
    async fn find_refund(&self, payment: &str, refund_id: &str) -> Result<Option<Refund>, PaymentError>;

    /// What a webhook tells, if it was signed with `secret` within the [tolerance](webhook::TOLERANCE_S) of `now`. `body` is the bytes that came.
    ///
    /// # Errors
    /// [`WebhookError`].
    fn verify_webhook(&self, body: &[u8], signature: &str, secret: &str, now: Timestamp) -> Result<ProcessorEvent, WebhookError>;
}

impl Debug for SetupIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, status, customer, payment_method, client_secret: _, metadata } = self;
        f.debug_struct("SetupIntent")
            .field("id", id)
            .field("status", status)
            .field("customer", customer)
            .field("payment_method", payment_method)
            .field("metadata", metadata)
            .finish_non_exhaustive()
    }
}

impl Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action").field("payment", &self.payment).field("has_url", &self.url.is_some()).finish_non_exhaustive()
    }
}

impl Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payment")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("amount", &self.amount)
            .field("customer", &self.customer)
            .field("payment_method", &self.payment_method)
            .field("decline", &self.decline)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
