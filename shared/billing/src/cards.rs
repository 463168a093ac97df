//! Cards of an account at its seller's processor: added on a page of the processor's, listed, made the default, removed.

use serde_json::json;
use tributary_domain::billing::bill::ProcessorCustomer;
use tributary_domain::billing::invoice::InvoiceState;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_runtime::payments::{ACCOUNT_ID, Metadata, NewCustomer, NewSetupPage, PaymentMethod, SetupIntent, SetupPage, SetupStatus};
use tributary_store::error::{Denied, StoreError};

use crate::collect::{By, pay_now};
use crate::processors::Counter;
use crate::{BillingError, Desk, collect};

/// How many invoices are tried at once when a card is new.
const TRIED: usize = 12;

/// A card, and whether it is the one that is charged by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The card.
    pub method: PaymentMethod,
    /// It is.
    pub is_default: bool,
}

/// The account as the customer of its seller's processor; it is made there if it is not yet.
///
/// # Errors
/// [`BillingError::NoCards`]; [`BillingError::Payment`]; [`StoreError::Conflict`] of the operator's account.
pub async fn customer(desk: &Desk, account: &AccountId) -> Result<(Counter, ProcessorCustomer), BillingError> {
    let (billing, owner) = (desk.change_billing(account, |_| {}).await?, desk.store().account(account).await?);
    let seller = billing.newest_seller().clone();
    let counter = desk.counter(&seller).await?;
    if let Some(known) = billing.processor.filter(|known| known.seller_id == seller) {
        return Ok((counter, known));
    }
    let new = NewCustomer {
        account_id: account.as_str(),
        name: Some(owner.name.as_str()),
        email: owner.email.as_ref().map(|email| email.as_str()),
    };
    let made = counter.processor.create_customer(&new, account.as_str()).await?;
    let customer = ProcessorCustomer { seller_id: seller.clone(), customer: made.id, method: None };
    let kept = desk
        .change_billing(account, |billing| {
            if billing.processor.as_ref().is_none_or(|known| known.seller_id != seller) {
                billing.processor = Some(customer.clone());
            }
        })
        .await?;
    Ok((counter, kept.processor.unwrap_or(customer)))
}

/// A page of the processor's where the account's people add a card. `key` is of the request.
///
/// # Errors
/// As [`customer`].
pub async fn page(desk: &Desk, account: &AccountId, success_url: &str, cancel_url: &str, key: &str) -> Result<SetupPage, BillingError> {
    let (counter, customer) = customer(desk, account).await?;
    let metadata = Metadata::from([(ACCOUNT_ID.to_owned(), account.to_string())]);
    let new = NewSetupPage { customer: &customer.customer, success_url, cancel_url, metadata: &metadata };
    Ok(counter.processor.create_setup_page(&new, key).await?)
}

/// The cards of an account, the newest first.
///
/// # Errors
/// [`BillingError::Payment`]; as [`customer`].
pub async fn list(desk: &Desk, account: &AccountId) -> Result<Vec<Card>, BillingError> {
    let Some(billing) = desk.store().billing(account).await? else { return Ok(Vec::new()) };
    let seller = billing.newest_seller().clone();
    let Some(known) = billing.processor.filter(|known| known.seller_id == seller) else { return Ok(Vec::new()) };
    let methods = desk.counter(&known.seller_id).await?.processor.list_payment_methods(&known.customer).await?;
    let shown = |method: PaymentMethod| Card { is_default: known.method.as_ref() == Some(&method.id), method };
    Ok(methods.into_iter().map(shown).collect())
}

/// Makes a card the one that is charged by itself, and tries it at once with what is past due, unless the account is collected from by hand.
///
/// # Errors
/// [`Denied::Absent`] of a card that is not the account's; as [`customer`].
pub async fn set_default(desk: &Desk, account: &AccountId, method: &str) -> Result<Card, BillingError> {
    let (counter, customer) = customer(desk, account).await?;
    let card = counter.processor.get_payment_method(method).await?;
    if card.customer.as_deref() != Some(&customer.customer) {
        return Err(StoreError::from(Denied::Absent).into());
    }
    make_default(desk, account, &counter, &customer, method).await?;
    Ok(Card { method: card, is_default: true })
}

async fn make_default(
    desk: &Desk,
    account: &AccountId,
    counter: &Counter,
    customer: &ProcessorCustomer,
    method: &str,
) -> Result<(), BillingError> {
    let key = format!("default-{account}-{method}-{}", desk.now().as_second());
    counter.processor.set_default_payment_method(&customer.customer, Some(method), &key).await?;
    desk.change_billing(account, |billing| {
        if let Some(known) = billing.processor.as_mut().filter(|known| known.seller_id == customer.seller_id) {
            known.method = Some(method.to_owned());
        }
    })
    .await?;
    if !collect::by_itself(desk, account, &customer.seller_id).await? {
        return Ok(());
    }
    // The schedule may be over, and the card before have been declined for good.
    let (invoices, _) = desk.store().invoices(account, None, TRIED).await?;
    for invoice in invoices.iter().rev().filter(|invoice| invoice.state == InvoiceState::PastDue) {
        if let Err(error) = pay_now(desk, &invoice.id, By::Card).await {
            tracing::warn!(request_id = desk.run.as_str(), invoice_id = %invoice.id, %error, "a new card was not tried");
        }
    }
    Ok(())
}

/// Removes a card for ever.
///
/// # Errors
/// [`Denied::Absent`] of a card that is not the account's; as [`customer`].
pub async fn remove(desk: &Desk, account: &AccountId, method: &str) -> Result<(), BillingError> {
    let (counter, customer) = customer(desk, account).await?;
    let card = counter.processor.get_payment_method(method).await?;
    if card.customer.as_deref() != Some(&customer.customer) {
        return Err(StoreError::from(Denied::Absent).into());
    }
    counter.processor.detach_payment_method(method, &format!("detach-{method}")).await?;
    removed(desk, account, method).await
}

/// A card is gone at the processor, whoever removed it.
pub(crate) async fn removed(desk: &Desk, account: &AccountId, method: &str) -> Result<(), BillingError> {
    desk.change_billing(account, |billing| {
        if let Some(known) = billing.processor.as_mut().filter(|known| known.method.as_deref() == Some(method)) {
            known.method = None;
        }
    })
    .await?;
    let said = json!({ "payment_method": method });
    desk.store().tell_of_card(account, method, RecordKind::PaymentMethodRemoved, &said, &desk.act()).await?;
    Ok(())
}

/// A card was added on the processor's page: the first becomes the default.
pub(crate) async fn added(desk: &Desk, seller: &AccountId, setup: &SetupIntent) -> Result<(), BillingError> {
    let account = setup.metadata.get(ACCOUNT_ID).and_then(|account| account.parse::<AccountId>().ok());
    let (Some(account), Some(customer), Some(method)) = (account, &setup.customer, &setup.payment_method) else { return Ok(()) };
    if setup.status != SetupStatus::Succeeded {
        return Ok(());
    }
    let Some(billing) = desk.store().billing(&account).await? else { return Ok(()) };
    let Some(known) = billing.processor.filter(|known| &known.seller_id == seller && &known.customer == customer) else { return Ok(()) };
    let counter = desk.counter(seller).await?;
    let card = counter.processor.get_payment_method(method).await?;
    // It may be removed again.
    if card.customer.as_ref() != Some(customer) {
        return Ok(());
    }
    let said = json!({ "payment_method": method, "brand": card.brand, "last4": card.last4 });
    desk.store().tell_of_card(&account, method, RecordKind::PaymentMethodAdded, &said, &desk.act()).await?;
    if known.method.is_none() {
        make_default(desk, &account, &counter, &known, method).await?;
    }
    Ok(())
}
