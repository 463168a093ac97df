//! Pricing books: one document for each account, read whole and written under its version.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tributary_domain::account::{Account, Kind, Status};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Currency;
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::chain::{Chain, ChainAccount};
use tributary_domain::pricing::error::PricingError;

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::keys;
use crate::table::{Cond, Item, MAX_BATCH_GET, Value, Write};

/// The largest book, in bytes of its document: an item may have 400 KB.
pub const MAX_BOOK_BYTES: usize = 300 * 1024;
/// The most books that one process remembers.
const REMEMBERED: usize = 20_000;

/// The books that one process has read, by their versions: a book is parsed once, however often it is read.
#[derive(Debug, Default)]
pub struct BookMemory(Mutex<HashMap<AccountId, Arc<PricingBook>>>);

/// What an edit of a book is recorded as: the kind of the event and its detail, and the answer to the request.
#[derive(Debug, Clone, PartialEq)]
pub struct BookEdit<T> {
    /// The answer.
    pub answer: T,
    /// The event's kind: `rate_card.created`.
    pub kind: RecordKind,
    /// The event's detail.
    pub detail: Json,
}

impl Store {
    /// The books of some accounts, strongly consistent: one read for up to a hundred. An account without a book has an
    /// empty one.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn books<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a AccountId>,
    ) -> Result<BTreeMap<AccountId, Arc<PricingBook>>, StoreError> {
        let mut wanted: Vec<&AccountId> = accounts.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = BTreeMap::new();
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            let keys: Vec<_> = chunk.iter().map(|account| keys::book(account)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&keys)).await?;
            for (account, item) in chunk.iter().zip(items) {
                found.insert((*account).clone(), self.read_book(account, item.as_ref())?);
            }
        }
        Ok(found)
    }

    /// One account's book: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn book(&self, account: &AccountId) -> Result<Arc<PricingBook>, StoreError> {
        let key = keys::book(account);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        self.read_book(account, item.as_ref())
    }

    /// An account and all above it with their books, where the account's lineage says it stands: one read.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`] if the lineage is none.
    pub async fn chain(&self, account: &Account) -> Result<Chain, StoreError> {
        self.chain_at(&account.id, account.kind, &account.lineage, account.currency).await
    }

    /// The same of an account of which the ledger's head is known.
    ///
    /// # Errors
    /// As [`Store::chain`].
    pub async fn chain_at(&self, id: &AccountId, kind: Kind, lineage: &Lineage, currency: Currency) -> Result<Chain, StoreError> {
        let books = self.books(lineage.ids().chain([id])).await?;
        let book = |id: &AccountId| books.get(id).map(Arc::clone).unwrap_or_default();
        let above = lineage.ids().enumerate().map(|(depth, id)| {
            let kind = if depth == 0 { Kind::Operator } else { Kind::Reseller };
            ChainAccount { id: id.clone(), kind, book: book(id) }
        });
        let mut accounts: Vec<ChainAccount> = above.collect();
        accounts.push(ChainAccount { id: id.clone(), kind, book: book(id) });
        accounts.reverse();
        Chain::new(accounts, currency).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    fn read_book(&self, account: &AccountId, item: Option<&Item>) -> Result<Arc<PricingBook>, StoreError> {
        let Some(item) = item else { return Ok(Arc::default()) };
        let reader = Reader(item);
        let version = reader.number("ver")?;
        let mut memory = self.books.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memory.get(account).filter(|known| known.version == version) {
            return Ok(Arc::clone(known));
        }
        let book = Arc::new(PricingBook { version, ..reader.json("doc")? });
        if memory.len() >= REMEMBERED {
            memory.clear();
        }
        memory.insert(account.clone(), Arc::clone(&book));
        Ok(book)
    }

    /// Changes an account's book in one transaction with its event, and the record of an idempotency key if there is one.
    /// `change` is called with the book as read, and again if another writer came first. With `expected`, only that version.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Pricing`], [`StoreError::Stale`], [`StoreError::AccountState`] of a closed account,
    /// [`StoreError::Limit`] for a book that would be too large, [`StoreError::KeyReused`].
    pub async fn edit_book<T: Serialize + DeserializeOwned + Clone>(
        &self,
        account: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        mut change: impl FnMut(&mut PricingBook, &Account) -> Result<BookEdit<T>, StoreError>,
    ) -> Result<Outcome<T>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let owner = self.account_to_change(account, authority, resolve).await?;
            if owner.status == Status::Closed {
                return Err(StoreError::AccountState("closed"));
            }
            let old = self.book(account).await?;
            if let Some(expected) = expected.filter(|expected| *expected != old.version) {
                return Err(StoreError::Stale(old.version.max(expected.saturating_add(1))));
            }
            let mut new = PricingBook::clone(&old);
            let edit = match change(&mut new, &owner) {
                Ok(edit) => edit,
                // What is in the way may be what this very request did the first time.
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            new.version = old.version + 1;
            let mut tx = Tx::default();
            push_record(&mut tx, scope, &edit.answer, act)?;
            push_event(&mut tx, guard_without(scope), act, account, edit.kind, &edit.detail)?;
            tx.push(Part::Book, book_write(account, &old, &new)?);
            let checks = place_checks_of_own(&owner, authority.home);
            gates::push_checks(&mut tx, &checks, account.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(edit.answer)),
                Err(refused) => refused,
            };
            if let Some(done) = if_done(scope, &refused, &act.event, async { Ok(edit.answer) }).await? {
                return Ok(done);
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }
}

/// The write of a book that was read as `old`.
///
/// # Errors
/// [`StoreError::Limit`] if it would be too large.
pub(crate) fn book_write(account: &AccountId, old: &PricingBook, new: &PricingBook) -> Result<Write, StoreError> {
    let doc = json(new)?;
    if matches!(&doc, Value::S(text) if text.len() > MAX_BOOK_BYTES) {
        return Err(StoreError::Limit { what: "bytes of a pricing book", limit: i64::try_from(MAX_BOOK_BYTES).unwrap_or(i64::MAX) });
    }
    let mut item = Item::new();
    put(&mut item, "doc", doc);
    put(&mut item, "ver", Value::N(new.version));
    let as_read = if old.version == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(old.version)) };
    Ok(Write { key: keys::book(account), action: crate::table::Action::Put(item), cond: Some(as_read) })
}

impl From<PricingError> for StoreError {
    fn from(error: PricingError) -> Self {
        StoreError::Pricing(error)
    }
}
