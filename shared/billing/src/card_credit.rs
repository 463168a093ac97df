//! Credit bought with a card: charged first, then it comes from the parent, once; where the parent has too little, the money goes back.

use tributary_domain::account::{Account, Status};
use tributary_domain::billing::payment::{Payment, Purpose, Signal};
use tributary_domain::id::{AccountId, PaymentId};
use tributary_domain::money::Micros;
use tributary_store::error::{Denied, StoreError};
use tributary_store::idempotency::Scope;
use tributary_store::purchases::limit;
use uuid::Uuid;

use crate::{BillingError, Desk, cards, collect, due, micros, money};

/// Charges the account's default card for so much credit, once for a key, and gives the credit once the money is there. What is not known yet, or waits for its
/// payer, is settled by webhooks and by what is due.
///
/// # Errors
/// [`StoreError::Conflict`] without a default card, for an amount that no card can be charged, or where the seller could not give the credit: then
/// nothing is charged; [`BillingError::NoCards`]; [`BillingError::Store`].
pub async fn buy(desk: &Desk, account: &AccountId, credit: Micros, key: &str) -> Result<Payment, BillingError> {
    buy_for(desk, account, (Purpose::Credit(credit), credit), key, None).await
}

/// The same for loose credit or packages at their price, and once per idempotency key.
///
/// # Errors
/// As [`buy`]; [`StoreError::KeyReused`].
pub async fn buy_for(
    desk: &Desk,
    account: &AccountId,
    (purpose, price): (Purpose, Micros),
    key: &str,
    scope: Option<&Scope>,
) -> Result<Payment, BillingError> {
    let (counter, customer) = cards::customer(desk, account).await?;
    let Some(method) = customer.method else {
        return Err(StoreError::Conflict("the account has no card; add one first").into());
    };
    let (owner, now) = (desk.store().account(account).await?, desk.now());
    if price.get() <= 0 || micros(counter.processor.chargeable(money(price, owner.currency)))? != price {
        return Err(StoreError::Conflict("cards are charged in whole coins of the currency").into());
    }
    let parties = (account.clone(), customer.seller_id.clone());
    let id = id_of(account, key);
    match desk.store().payment(&id).await {
        Ok(_) => {}
        Err(StoreError::Denied(Denied::Absent)) => givable(desk, &owner, &customer.seller_id, &purpose).await?,
        Err(error) => return Err(error.into()),
    }
    let new = Payment::new(id, parties, purpose, (price, owner.currency), &method, now);
    let mut new = Payment { customer: Some(customer.customer), ..new };
    new.hear(Signal::Send, now);
    new.version = 1;
    let kept = desk.store().begin_loose_payment(&new, scope, &desk.act()).await?;
    // Another call for the same key may be at it: whoever sends it sends the same.
    if kept == new {
        collect::send(desk, &counter, &kept).await?;
    }
    due::payment(desk, &kept.id).await?;
    Ok(desk.store().payment(&kept.id).await?)
}

/// Refuses what is known not to be given before anybody is charged for it. What changes after that sends the money back.
async fn givable(desk: &Desk, owner: &Account, seller: &AccountId, purpose: &Purpose) -> Result<(), StoreError> {
    let stopped = desk.store().stopped_ancestors(std::slice::from_ref(owner)).await?;
    if owner.status == Status::Closed || stopped.iter().any(|id| *id != owner.id) {
        return Err(StoreError::Conflict("the account is closed, or one above it cannot give credit now"));
    }
    if desk.store().account(seller).await?.currency != owner.currency {
        return Err(StoreError::Conflict("the account's seller has another currency; credit does not move between them"));
    }
    let Purpose::Package(bought) = purpose else { return Ok(()) };
    let (Some(package), Some(max)) = (&bought.package_id, bought.max_per_account) else { return Ok(()) };
    let before = desk.store().bought(&owner.id).await?.get(package).copied().unwrap_or(0);
    match before.saturating_add(bought.quantity) > max {
        true => Err(limit(max)),
        false => Ok(()),
    }
}

/// The id of the payment of a key: it follows from it, so that a key buys once.
fn id_of(account: &AccountId, key: &str) -> PaymentId {
    let half = |salt: &str| {
        let name = format!("{salt}/{account}/{key}");
        u128::from(name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
    };
    let bits = (half("a") << 64) | half("b");
    PaymentId::from_uuid(Uuid::from_u128((bits & !((0xf << 76) | (3 << 62))) | (7 << 76) | (2 << 62)))
}
