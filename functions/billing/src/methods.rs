//! `/reseller/payment-methods`: the cards of an account at its seller's processor. They are typed on a page of the processor's, and nowhere else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_billing::cards::{self, Card};
use tributary_billing::{BillingError, Desk};
use tributary_domain::account::{Account, Status};
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_runtime::payments::PaymentError;
use tributary_runtime::secrets::digest;
use tributary_store::error::StoreError;

use crate::sight;

/// The longest address of a page.
const MAX_URL_BYTES: usize = 2000;
/// The longest name that a processor gives a card.
const MAX_CARD_BYTES: usize = 255;

/// A card.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentMethod))]
pub struct CardView {
    /// The processor's name for it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentMethodId))]
    pub id: String,
    /// Whose it is.
    pub brand: String,
    /// Its last four digits.
    pub last4: String,
    /// The month after which it is not taken any more.
    pub exp_month: u8,
    /// That month's year.
    pub exp_year: u16,
    /// It is the one that is charged by itself.
    pub is_default: bool,
}

impl From<Card> for CardView {
    fn from(Card { method, is_default }: Card) -> Self {
        let tributary_runtime::payments::PaymentMethod { id, brand, last4, exp_month, exp_year, .. } = method;
        Self { id, brand, last4, exp_month, exp_year, is_default }
    }
}

/// The cards of an account.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentMethods))]
pub struct CardsView {
    /// The cards, the newest first.
    pub data: Vec<CardView>,
}

/// A page for adding a card.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetUpPaymentMethod))]
pub struct SetupBody {
    /// Whose card; your own account's unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// Where the browser goes once the card is added.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PageUrl))]
    pub success_url: String,
    /// Where it goes if the card is not added.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PageUrl))]
    pub cancel_url: String,
}

/// The page where a card is added.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PaymentMethodSetup))]
pub struct SetupView {
    /// The page, at the processor.
    pub url: String,
    /// Until when it is there, if the processor says so.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expires_at: Option<Timestamp>,
}

/// The card that is charged by itself.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SetDefaultPaymentMethod))]
pub struct DefaultBody {
    /// Whose card; your own account's unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// The card.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PaymentMethodId))]
    pub payment_method: String,
}

async fn payer(call: &Call, id: Option<AccountId>) -> Result<Account, Problem> {
    let account = sight::billed(call, id, Right::BillingManage).await?;
    match account.status {
        Status::Closed => Err(StoreError::AccountState("closed").into()),
        Status::Active | Status::Suspended => Ok(account),
    }
}

/// The cards of an account.
///
/// # Errors
/// `not_a_buyer`, `busy` while the processor does not answer, `not_found`, `forbidden`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let id = params.parsed("account_id")?;
    params.done()?;
    let account = sight::billed(&call, id, Right::BillingRead).await?;
    let cards = match cards::list(&Desk::for_call(&call)?, &account.id).await {
        Ok(cards) => cards,
        // The seller took its processor away: nothing can be charged.
        Err(BillingError::NoCards) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Reply::ok(&CardsView { data: cards.into_iter().map(CardView::from).collect() })
}

/// A page of the processor's where a card is added.
///
/// # Errors
/// `validation_failed`, `conflict` where no cards are taken, `account_closed`, `not_a_buyer`, `busy`, `not_found`, `forbidden`.
pub async fn setup(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let body: SetupBody = call.body()?;
    for (name, url) in [("/success_url", &body.success_url), ("/cancel_url", &body.cancel_url)] {
        page_url(&call, name, url)?;
    }
    let account = payer(&call, body.account_id).await?;
    let key = match &scope {
        Some(scope) => digest(format!("{} {} {}", scope.account, scope.route, scope.key).as_bytes()),
        None => call.request_id.as_str().to_owned(),
    };
    let key = format!("setup-{}-{key}", account.id);
    match cards::page(&Desk::for_call(&call)?, &account.id, &body.success_url, &body.cancel_url, &key).await {
        Ok(page) => Reply::ok(&SetupView { url: page.url, expires_at: page.expires_at }),
        Err(BillingError::Payment(PaymentError::KeyReused)) => Err(StoreError::KeyReused.into()),
        Err(error) => Err(error.into()),
    }
}

fn page_url(call: &Call, name: &str, url: &str) -> Result<(), Problem> {
    let local = ["http://127.0.0.1", "http://localhost"].iter().any(|begin| url.starts_with(begin)) && call.app.loopback_webhooks();
    let host = url.strip_prefix("https://").is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()));
    let fine = (host || local) && url.len() <= MAX_URL_BYTES && url.bytes().all(|byte| byte.is_ascii_graphic());
    if fine { Ok(()) } else { Err(Problem::field(name, format!("must be an https address of at most {MAX_URL_BYTES} characters"))) }
}

/// Whether a text can be a processor's name for a card; one that cannot names nothing.
fn card_id(text: &str) -> Result<&str, Problem> {
    let fine =
        text.starts_with("pm_") && text.len() <= MAX_CARD_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fine { Ok(text) } else { Err(Problem::not_found()) }
}

/// Makes a card the one that is charged by itself. What is past due is charged to it at once.
///
/// # Errors
/// `validation_failed`, `conflict` where no cards are taken, `account_closed`, `not_a_buyer`, `busy`, `not_found`, `forbidden`.
pub async fn set_default(call: Call) -> Result<Reply, Problem> {
    let body: DefaultBody = call.body()?;
    if card_id(&body.payment_method).is_err() {
        return Err(Problem::field("/payment_method", "must be the processor's name for a card: pm_…"));
    }
    let account = payer(&call, body.account_id).await?;
    let card = cards::set_default(&Desk::for_call(&call)?, &account.id, &body.payment_method).await?;
    Reply::ok(&CardView::from(card))
}

/// Removes a card for ever.
///
/// # Errors
/// `conflict` where no cards are taken, `account_closed`, `not_a_buyer`, `busy`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let id: String = call.id("id")?;
    let mut params = call.params()?;
    let account = params.parsed::<AccountId>("account_id")?;
    params.done()?;
    let account = sight::billed(&call, account, Right::BillingManage).await?;
    let (desk, id) = (Desk::for_call(&call)?, card_id(&id)?);
    let known = cards::list(&desk, &account.id).await?.into_iter().find(|card| card.method.id == id).ok_or_else(Problem::not_found)?;
    cards::remove(&desk, &account.id, id).await?;
    Reply::ok(&CardView::from(Card { is_default: false, ..known }))
}
