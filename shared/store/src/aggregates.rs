//! Sums of usage by hour, day and month, kept beside the ledgers they follow from. Each item says up to which entry of its
//! account's ledger it holds what falls into it, and is written only as it was read: what is added twice, raced or killed
//! between two writes is counted once (see `docs/adr/0011-aggregates.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::future::try_join_all;
use jiff::Timestamp;
use tributary_domain::account::Account;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Entry, LedgerId};
use tributary_domain::pricing::month::Month;

use crate::Store;
use crate::codec::{Reader, put, time};
use crate::commit::patiently;
use crate::entries;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Action, Cond, Item, Key, MAX_BATCH_GET, Position, Query, SortRange, TableError, Value, Write, s};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// One hour.
    Hour,
    /// One day, from midnight to midnight in UTC.
    Day,
    /// One calendar month in UTC.
    Month,
}

impl Size {
    /// Every size, the shortest first.
    pub const ALL: [Size; 3] = [Size::Hour, Size::Day, Size::Month];
}

/// A stretch of time that usage is summed up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    size: Size,
    start: Timestamp,
}

impl Slot {
    /// The slot of a size that a moment falls into.
    pub fn of(size: Size, at: Timestamp) -> Self {
        let whole = |of: i64| Timestamp::from_millisecond(at.as_millisecond().div_euclid(of) * of).unwrap_or(at);
        let start = match size {
            Size::Hour => whole(HOUR_MS),
            Size::Day => whole(DAY_MS),
            Size::Month => Month::of(at).start(),
        };
        Self { size, start }
    }

    /// How long it is.
    pub fn size(self) -> Size {
        self.size
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        let after = |of: i64| Timestamp::from_millisecond(self.start.as_millisecond().saturating_add(of)).unwrap_or(Timestamp::MAX);
        match self.size {
            Size::Hour => after(HOUR_MS),
            Size::Day => after(DAY_MS),
            Size::Month => Month::of(self.start).end(),
        }
    }

    /// The slots that together are the time from `from` to before `to`, none longer than `longest`, the earliest first. Ends
    /// that are not at whole hours are moved outwards to one.
    pub fn cover(from: Timestamp, to: Timestamp, longest: Size) -> Vec<Slot> {
        let (mut at, mut slots) = (Slot::of(Size::Hour, from).start(), Vec::new());
        while at < to {
            let fits = |size: &Size| {
                let slot = Slot::of(*size, at);
                *size <= longest && slot.start() == at && (*size == Size::Hour || slot.end() <= to)
            };
            let size = Size::ALL.into_iter().rev().find(fits).unwrap_or(Size::Hour);
            let slot = Slot::of(size, at);
            // At the end of time a slot has no end.
            if slot.end() <= at {
                break;
            }
            at = slot.end();
            slots.push(slot);
        }
        slots
    }
}

impl fmt::Display for Slot {
    /// The sort key: `H#2026-11-22T13`, `D#2026-11-22`, `M#2026-11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Size::Hour => write!(f, "H#{}", self.start.strftime("%Y-%m-%dT%H")),
            Size::Day => write!(f, "D#{}", self.start.strftime("%Y-%m-%d")),
            Size::Month => write!(f, "M#{}", Month::of(self.start)),
        }
    }
}

/// Where an account stands in a list of a subtree in the order of the tree: what [`Store::subtree`] goes on after.
pub fn place_in_tree(account: &Account) -> Position {
    let Key { pk, sk } = keys::account(&account.id);
    Position { pk, sk, index: Some((keys::TREE_INDEX.to_owned(), account.lineage.path(&account.id))) }
}

/// The sums of one slot as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSums {
    /// Up to which entry of the ledger they hold what falls into the slot.
    pub seq: i64,
    /// The sums, as JSON.
    pub doc: String,
}

/// Whether a conditional write happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It did.
    Yes,
    /// Another writer came first, or this one's own attempt of which no answer came: read again.
    Raced,
}

impl Store {
    /// Up to which entry of its ledger each account's usage is summed up, all slots together; 0 where nothing is. One read for
    /// up to a hundred.
    ///
    /// # Errors
    /// Table errors.
    pub async fn summed_up_to<'a>(
        &self,
        accounts: impl IntoIterator<Item = &'a AccountId>,
    ) -> Result<BTreeMap<AccountId, i64>, StoreError> {
        let wanted: Vec<&AccountId> = accounts.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let keys = wanted.iter().map(|account| keys::summed_up_to(account)).collect();
        let items = self.in_batches(keys).await?;
        let seq = |(account, item): (&&AccountId, Option<Item>)| {
            let seq = item.map_or(Ok(0), |item| Reader(&item).number("seq"))?;
            Ok(((*account).clone(), seq))
        };
        wanted.iter().zip(items).map(seq).collect()
    }

    /// The sums of some slots of some accounts, in that order: one read for up to a hundred.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn sums(&self, wanted: &[(AccountId, Slot)]) -> Result<Vec<Option<StoredSums>>, StoreError> {
        let keys = wanted.iter().map(|(account, slot)| keys::sums(account, &slot.to_string())).collect();
        let items = self.in_batches(keys).await?;
        items.into_iter().map(|item| item.as_ref().map(stored).transpose()).collect()
    }

    /// The sums of an account in every slot from one to another of the same size that has any: one query for about a megabyte.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn sums_between(&self, account: &AccountId, first: Slot, last: Slot) -> Result<BTreeMap<Slot, StoredSums>, StoreError> {
        let names: BTreeMap<String, Slot> =
            Slot::cover(first.start(), last.end(), first.size()).into_iter().map(|slot| (slot.to_string(), slot)).collect();
        let range = SortRange::Between(first.to_string(), last.to_string());
        let (mut query, mut found) = (Query::table(keys::sums_partition(account), range), BTreeMap::new());
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                if let Some(slot) = names.get(Reader(item).text(crate::table::SK)?) {
                    found.insert(*slot, stored(item)?);
                }
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(found),
            }
        }
    }

    /// Keeps the sums of one slot, if they are still those of `read` (none: not there yet).
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_sums(&self, account: &AccountId, slot: Slot, read: Option<i64>, new: &StoredSums) -> Result<Kept, StoreError> {
        let mut item = Item::new();
        put(&mut item, "seq", Value::N(new.seq));
        put(&mut item, "doc", s(&new.doc));
        self.keep(keys::sums(account, &slot.to_string()), item, read).await
    }

    /// Says that all slots of an account hold its ledger up to an entry.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_summed_up_to(&self, account: &AccountId, read: i64, seq: i64, now: Timestamp) -> Result<Kept, StoreError> {
        let mut item = Item::new();
        put(&mut item, "seq", Value::N(seq));
        put(&mut item, "at", time(now));
        self.keep(keys::summed_up_to(account), item, (read > 0).then_some(read)).await
    }

    async fn keep(&self, key: Key, item: Item, read: Option<i64>) -> Result<Kept, StoreError> {
        let as_read = read.map_or(Cond::NotExists, |seq| Cond::Eq("seq", Value::N(seq)));
        let write = Write { key, action: Action::Put(item), cond: Some(as_read) };
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(Kept::Yes),
            Err(TableError::Condition(_)) => Ok(Kept::Raced),
            Err(error) => Err(error),
        };
        patiently(&self.patience, kept).await
    }

    /// The heads of roots that had usage lately, by when they last had: what a rollup looks at each minute. With its version.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn lively(&self) -> Result<(i64, BTreeMap<AccountId, Timestamp>), StoreError> {
        let key = keys::lively();
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok((0, BTreeMap::new())) };
        Ok((Reader(&item).number("seq")?, Reader(&item).json("doc")?))
    }

    /// Keeps them, if nobody else did meanwhile.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_lively(&self, version: i64, lively: &BTreeMap<AccountId, Timestamp>) -> Result<Kept, StoreError> {
        let mut item = Item::new();
        put(&mut item, "seq", Value::N(version + 1));
        put(&mut item, "doc", crate::codec::json(lively)?);
        self.keep(keys::lively(), item, (version > 0).then_some(version)).await
    }

    /// The entry of a ledger with this number: one read.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if there is none; table errors.
    pub async fn ledger_entry(&self, account: &AccountId, seq: i64) -> Result<Entry, StoreError> {
        let ledger = LedgerId::Account(account.clone());
        let key = keys::entry(&ledger, seq);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        entries::decode(&item.ok_or_else(|| StoreError::Corrupt(format!("ledger {ledger} lacks entry {seq}")))?)
    }

    /// The number of the first entry of an account's ledger that was written at `at` or later; one past the newest if none was.
    /// A read for each halving of the ledger.
    ///
    /// # Errors
    /// Table errors.
    pub async fn first_entry_since(&self, account: &AccountId, at: Timestamp) -> Result<i64, StoreError> {
        self.first_at_or_after(&LedgerId::Account(account.clone()), at).await
    }

    /// Reads keys, many batches at once.
    async fn in_batches(&self, keys: Vec<Key>) -> Result<Vec<Option<Item>>, StoreError> {
        let read = async |chunk: &[Key]| patiently(&self.patience, || self.table.batch_get(chunk)).await;
        Ok(try_join_all(keys.chunks(MAX_BATCH_GET).map(read)).await?.concat())
    }
}

fn stored(item: &Item) -> Result<StoredSums, StoreError> {
    let reader = Reader(item);
    Ok(StoredSums { seq: reader.number("seq")?, doc: reader.text("doc")?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn cover(from: &str, to: &str, longest: Size) -> Vec<String> {
        Slot::cover(at(from), at(to), longest).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_time_is_covered_by_the_longest_slots_that_lie_in_it() {
        let got = cover("2026-10-30T22:00:00Z", "2026-12-02T01:00:00Z", Size::Month);
        let want = ["H#2026-10-30T22", "H#2026-10-30T23", "D#2026-10-31", "M#2026-11", "D#2026-12-01", "H#2026-12-02T00"];
        assert_eq!(got, want);
        assert_eq!(cover("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", Size::Day).len(), 30);
        assert_eq!(cover("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", Size::Hour).len(), 720);
        assert_eq!(cover("2026-11-01T10:59:00Z", "2026-11-01T11:00:01Z", Size::Day), ["H#2026-11-01T10", "H#2026-11-01T11"]);
        assert_eq!(cover("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z", Size::Day), Vec::<String>::new());
    }

    #[test]
    fn slots_follow_each_other_without_gaps() {
        for longest in Size::ALL {
            let slots = Slot::cover(at("2023-12-30T05:00:00Z"), at("2025-03-01T07:00:00Z"), longest);
            assert!(slots.windows(2).all(|pair| pair[0].end() == pair[1].start()), "{longest:?}");
            assert_eq!(slots.last().map(|slot| slot.end()), Some(at("2025-03-01T07:00:00Z")));
        }
    }
}
