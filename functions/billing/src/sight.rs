//! Who sees what of billing. An invoice is shown to its buyer's own account, to its seller's, and to who stands above the seller; to nobody else, also not to
//! a new parent after a move. What its lines cost the seller is never shown to the buyer.

use std::collections::BTreeSet;

use tributary_api::{Call, Code, Problem};
use tributary_domain::account::{Account, Kind};
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::id::AccountId;
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::error::{Denied, StoreError};

/// An invoice that the caller may see.
#[derive(Debug, Clone)]
pub struct Seen {
    /// It.
    pub invoice: Invoice,
    /// The caller stands at or above its seller; else it is its buyer.
    pub sells: bool,
}

/// The account that a request names, or the caller's own, if the caller has the right there.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn account(call: &Call, id: Option<AccountId>, right: Right) -> Result<Account, Problem> {
    Ok(over(call, id.as_ref().unwrap_or(call.home()?), right).await??)
}

/// The same of one that is billed: the operator's account is billed by nobody.
///
/// # Errors
/// `not_a_buyer`; as [`account`].
pub async fn billed(call: &Call, id: Option<AccountId>, right: Right) -> Result<Account, Problem> {
    let account = account(call, id, right).await?;
    match account.kind {
        Kind::Operator => Err(Problem::new(Code::NotABuyer, "The operator's account buys from nobody, so it is billed by nobody.")),
        Kind::Reseller | Kind::Customer => Ok(account),
    }
}

async fn over(call: &Call, id: &AccountId, right: Right) -> Result<Result<Account, Denied>, Problem> {
    let may = call.caller()?.over(right);
    match call.store().account_for(id, Authority { home: call.home()?, may: &may }).await {
        Ok(account) => Ok(Ok(account)),
        Err(StoreError::Denied(denied)) => Ok(Err(denied)),
        Err(error) => Err(error.into()),
    }
}

/// Whether the caller may see what `seller` bills `buyer`, in whose subtree or at whose account it stands: at the buyer's own account, or with the right at
/// the seller. After a move the new parent sees nothing of what the old one billed.
///
/// # Errors
/// Those of the store.
pub async fn between(call: &Call, buyer: &Account, seller: &AccountId, right: Right) -> Result<bool, Problem> {
    if buyer.id == *call.home()? {
        return Ok(true);
    }
    match buyer.lineage.above() {
        Some((parent, above)) if parent == *seller => Ok(call.caller()?.over(right)(&parent, &above).is_ok()),
        Some(_) | None => Ok(over(call, seller, right).await?.is_ok()),
    }
}

/// On which side of what is between a buyer and its seller the caller stands: `true` at or above the seller, with the right there and not denied at
/// the buyer; `false` with the right at the buyer's own account.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn sells(call: &Call, buyer: &AccountId, seller: &AccountId, right: Right) -> Result<bool, Problem> {
    if buyer == call.home()? {
        over(call, buyer, right).await??;
        return Ok(false);
    }
    over(call, seller, right).await??;
    match over(call, buyer, right).await? {
        // After a move the buyer is elsewhere, and what it was sold still its seller's.
        Ok(_) | Err(Denied::Absent) => Ok(true),
        Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
    }
}

/// Refuses who does not stand at or above the seller.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn as_seller(call: &Call, buyer: &AccountId, seller: &AccountId, right: Right) -> Result<(), Problem> {
    if sells(call, buyer, seller, right).await? { Ok(()) } else { Err(Denied::Lacks(right).into()) }
}

/// The invoice of the path, if the caller may see it.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn invoice(call: &Call, right: Right) -> Result<Seen, Problem> {
    let invoice = call.store().invoice(&call.id("id")?).await?;
    let sells = sells(call, &invoice.account_id, &invoice.seller_id, right).await?;
    Ok(Seen { invoice, sells })
}

/// The same for what only its seller does.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn sold(call: &Call) -> Result<Invoice, Problem> {
    let seen = invoice(call, Right::BillingManage).await?;
    if seen.sells { Ok(seen.invoice) } else { Err(Denied::Lacks(Right::BillingManage).into()) }
}

/// Of what an account has with sellers, those that the caller may see: all to the account itself, to others what is of a seller that they see.
///
/// # Errors
/// Those of the store.
pub async fn visible_sellers(call: &Call, buyer: &Account, sellers: BTreeSet<AccountId>) -> Result<BTreeSet<AccountId>, Problem> {
    let mut seen = BTreeSet::new();
    for seller in sellers {
        if between(call, buyer, &seller, Right::BillingRead).await? {
            seen.insert(seller);
        }
    }
    Ok(seen)
}

/// Of those that an account sold to, the ones below it that the caller is denied. One that was moved away stays its seller's.
///
/// # Errors
/// Those of the store.
pub async fn denied_buyers(call: &Call, seller: &AccountId, buyers: BTreeSet<AccountId>) -> Result<BTreeSet<AccountId>, Problem> {
    let buyers = call.store().accounts(&buyers.into_iter().collect::<Vec<_>>()).await?;
    let may = call.caller()?.over(Right::BillingRead);
    let denied = buyers.into_iter().filter(|buyer| buyer.lineage.has(seller) && may(&buyer.id, &buyer.lineage).is_err());
    Ok(denied.map(|buyer| buyer.id).collect())
}
