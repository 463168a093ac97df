//! Purchases: packages and loose credits from the parent, in the transaction of a transfer.
//!
//! Beside what every transfer writes, the transaction holds the seller's book to the version that was read, counts packages
//! that are limited, and makes the item by which a lot is found when its time is over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tributary_domain::id::{AccountId, EventId, LotId, PackageId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Amount;
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::package::Unavailable;
use tributary_domain::text::Reference;
use tributary_domain::transfer::{Leg, Purchased, Transfer, TransferRequest};

use crate::Store;
use crate::accounts::{Authority, REPLANS};
use crate::codec::Reader;
use crate::commit::{Part, Refused, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::heads::Heads;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::lots::lot_item;
use crate::table::{Action, Change, Cond, Query, SortRange, Value, Write};

/// What is to be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// So many of a package; 1 to [`tributary_domain::pricing::package::MAX_QUANTITY`].
    Package(PackageId, u32),
    /// So many whole loose credits.
    Loose(u64),
}

/// A purchase from the buyer's parent.
#[derive(Debug, Clone)]
pub struct PurchaseRequest {
    /// The new transfer's id.
    pub id: TransferId,
    /// The id of the lot, if the credits expire.
    pub lot: LotId,
    /// Who buys.
    pub buyer: AccountId,
    /// What.
    pub wanted: Wanted,
    /// The caller's note.
    pub reference: Option<Reference>,
    /// Now.
    pub now: Timestamp,
}

impl Store {
    /// Buys credit from the parent, once per idempotency key for ever.
    ///
    /// # Errors
    /// [`StoreError::Denied`] (also for a package that the parent does not have), [`StoreError::Unavailable`],
    /// [`StoreError::SellerShort`], [`StoreError::Limit`] of the package, [`StoreError::Credit`], [`StoreError::Conflict`] for the
    /// operator's account, [`StoreError::KeyReused`], [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn purchase(
        &self,
        asked: &PurchaseRequest,
        scope: &Scope,
        attempt: &EventId,
        authority: Authority<'_>,
    ) -> Result<Outcome<Transfer>, StoreError> {
        let own = LedgerId::Account(asked.buyer.clone());
        let may_i = |heads: &Heads| heads.get(&own).map_or(Err(Denied::Absent), |head| (authority.may)(&asked.buyer, &head.lineage));
        for _ in 0..REPLANS {
            let request = match self.plan_purchase(asked, authority).await {
                Ok(request) => request,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            match self.transfer(&request, scope, attempt, &may_i).await {
                // The book went on, or the buyer was moved to another parent.
                Err(StoreError::Stale(_) | StoreError::Credit(CreditError::NotBelow { .. })) => {}
                Err(StoreError::Credit(CreditError::Insufficient { .. })) => return Err(StoreError::SellerShort),
                other => return other,
            }
        }
        Err(StoreError::Busy)
    }

    /// The transfer that the purchase is: by the buyer's newest entry, which names the parent, and the parent's book.
    async fn plan_purchase(&self, asked: &PurchaseRequest, authority: Authority<'_>) -> Result<TransferRequest, StoreError> {
        let own = LedgerId::Account(asked.buyer.clone());
        let lineage = self.head(&own).await?.lineage;
        self.may_now(&asked.buyer, &lineage, authority).await?;
        let seller = lineage.parent().cloned().ok_or(StoreError::Conflict("the operator's account has nobody to buy from"))?;
        let book = self.book(&seller).await?;
        let bought = sold(&book, &asked.wanted, asked.lot.clone(), asked.now)?;
        let amount = Amount::new(bought.credits.plus(bought.bonus)?).map_err(|_| Unavailable::Overflow)?;
        Ok(TransferRequest {
            id: asked.id.clone(),
            kind: EntryKind::Purchase,
            legs: vec![Leg { from: LedgerId::Account(seller), to: own, amount }],
            reference: asked.reference.clone(),
            reverses: None,
            purchase: Some(bought),
            authority: authority.home.clone(),
            now: asked.now,
        })
    }

    /// The decision over an account, its ancestors read again if the stored ones do not allow it.
    async fn may_now(&self, account: &AccountId, stored: &Lineage, authority: Authority<'_>) -> Result<(), StoreError> {
        match (authority.may)(account, stored) {
            Err(Denied::Absent) => Ok((authority.may)(account, &self.resolved_lineage(stored).await?)?),
            other => Ok(other?),
        }
    }

    /// How many an account bought of each package that is limited; less what was sent back.
    ///
    /// # Errors
    /// Table errors.
    pub async fn bought(&self, buyer: &AccountId) -> Result<BTreeMap<PackageId, u32>, StoreError> {
        let (mut found, mut start) = (BTreeMap::new(), None);
        loop {
            let query = Query::table(keys::bought_partition(buyer), SortRange::Every).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                let reader = Reader(item);
                found.insert(reader.parsed("sk")?, u32::try_from(reader.number("n")?.max(0)).unwrap_or(u32::MAX));
            }
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(found),
            }
        }
    }
}

/// What is bought of a book at a time, and on what terms.
///
/// # Errors
/// [`Denied::Absent`] of a package that is not in it, [`StoreError::Unavailable`], [`StoreError::Limit`] of more than one account may ever buy.
pub fn sold(book: &PricingBook, wanted: &Wanted, lot: LotId, now: Timestamp) -> Result<Purchased, StoreError> {
    let bought = match wanted {
        Wanted::Package(id, quantity) => {
            let package = book.packages.iter().find(|package| package.id == *id).ok_or(Denied::Absent)?;
            package.bought(*quantity, lot, book.version, now)?
        }
        Wanted::Loose(credits) => book.bulk.as_ref().ok_or(Unavailable::Loose)?.bought(*credits, book.version)?,
    };
    match bought.max_per_account {
        Some(max) if bought.quantity > max => Err(limit(max)),
        Some(_) | None => Ok(bought),
    }
}

/// More of a package than one account may buy.
pub fn limit(max: u32) -> StoreError {
    StoreError::Limit { what: "of this package for one account", limit: i64::from(max) }
}

/// Adds what a purchase, or its way back, writes beside the entries.
pub(crate) fn push_purchase(tx: &mut Tx, transfer: &Transfer) -> Result<(), StoreError> {
    let (Some(purchase), Some(leg)) = (&transfer.purchase, transfer.legs.first()) else { return Ok(()) };
    let sold = matches!(transfer.kind, EntryKind::Purchase | EntryKind::CardTopup);
    let (seller, buyer) = if sold { (&leg.from, &leg.to) } else { (&leg.to, &leg.from) };
    let (Some(seller), Some(buyer)) = (seller.account(), buyer.account()) else { return Ok(()) };
    // What a card was charged for is given on the terms of then, whatever the book says now.
    if transfer.kind == EntryKind::Purchase {
        let as_read = Cond::Eq("ver", Value::N(purchase.book_version));
        tx.push(Part::Book, Write::check(keys::book(seller), as_read));
    }
    if let (Some(package), Some(max)) = (&purchase.package_id, purchase.max_per_account) {
        let (key, quantity) = (keys::bought(buyer, package), i64::from(purchase.quantity));
        let room = Cond::Any(vec![Cond::Lacks("n"), Cond::Lt("n", Value::N(i64::from(max) - quantity + 1))]);
        let (more, cond) = if sold { (quantity, room) } else { (-quantity, Cond::All(vec![])) };
        tx.push(Part::Bought, Write::update(key, vec![Change::Add("n", more)], cond));
    }
    if let (Some(lot), Some(expires_at)) = (&purchase.lot_id, purchase.expires_at) {
        let key = keys::lot(lot);
        tx.push(
            Part::Plain,
            if sold {
                Write::create(key, lot_item(lot, buyer, leg.amount, expires_at))
            } else {
                Write { key, action: Action::Delete, cond: None }
            },
        );
    }
    Ok(())
}

/// What a refused purchase means: the book went on ([`StoreError::Stale`]), or the account bought as many as it may.
pub(crate) fn read_purchase_refusal(refused: &Refused, purchase: &Purchased) -> Result<(), StoreError> {
    if refused.of(&Part::Book).is_some() {
        return Err(StoreError::Stale(purchase.book_version));
    }
    match purchase.max_per_account {
        Some(max) if refused.of(&Part::Bought).is_some() => Err(limit(max)),
        Some(_) | None => Ok(()),
    }
}
