//! A table that counts its calls and the capacity units they cost, by a model of the rules AWS publishes ("DynamoDB read
//! and write operations" and "Global secondary indexes" of the developer guide).
//!
//! The model: a write costs one unit per started KB of the larger of the item before and after, twice that in a
//! transaction, where a condition check costs as a write does; a refused write costs the same. An index costs one unit
//! per started KB of an entry that is added, removed or changed, and both if the entry moves. A strongly consistent read
//! costs one unit per started 4 KB, an eventually consistent one half; a query is measured on the sum of what it read.
//! Nothing is counted for a request that was throttled or malformed; one whose answer is lost counts as if it had taken
//! effect. Index entries refused with their write cost nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::evaluate::image_after;
use crate::size::item_size;
use crate::table::{Index, Item, Key, Page, Query, Table, TableError, Write};

/// What was counted. Reads are in half units, so that an eventually consistent one is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls of [`Table::get`].
    pub gets: u64,
    /// Calls of [`Table::batch_get`].
    pub batch_gets: u64,
    /// Calls of [`Table::query`].
    pub queries: u64,
    /// Calls of [`Table::write`].
    pub writes: u64,
    /// Calls of [`Table::transact`].
    pub transacts: u64,
    /// Halves of a read capacity unit.
    pub read_half_units: u64,
    /// Write capacity units of the table itself.
    pub write_units: u64,
    /// Write capacity units of the indexes.
    pub index_write_units: u64,
}

impl Counts {
    /// Every call.
    pub fn calls(&self) -> u64 {
        self.gets + self.batch_gets + self.queries + self.writes + self.transacts
    }
}

/// Any table, with counts. To know what a write replaces it reads the inner table, uncounted, so its counts are exact
/// only while nobody else writes the same items.
#[derive(Debug)]
pub struct Counting<T> {
    inner: T,
    counts: Mutex<Counts>,
}

impl<T: Table> Counting<T> {
    /// `inner` with counts at zero.
    pub fn new(inner: T) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// The table whose calls are counted.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// What was counted since the start or the last reset.
    pub fn counts(&self) -> Counts {
        *self.lock()
    }

    /// Sets every count to zero and returns what they were.
    pub fn reset(&self) -> Counts {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the writes cost if they take effect.
    async fn costs(&self, writes: &[Write]) -> Cost {
        let mut cost = Cost::default();
        for write in writes {
            let old = self.inner.get(&write.key, true).await.ok().flatten();
            let new = image_after(write, old.as_ref()).ok().flatten();
            cost.table += kilobytes(size(old.as_ref()).max(size(new.as_ref())));
            cost.index += index_units(old.as_ref(), new.as_ref());
        }
        cost
    }

    fn count<R>(&self, outcome: &Result<R, TableError>, cost: Cost, times: u64) {
        let (table, index) = match outcome {
            Ok(_) | Err(TableError::Unknown(_)) => (cost.table, cost.index),
            Err(TableError::Condition(_) | TableError::Cancelled(_)) => (cost.table, 0),
            Err(TableError::Busy(_) | TableError::Invalid(_)) => (0, 0),
        };
        let mut counts = self.lock();
        counts.write_units += times * table;
        counts.index_write_units += index;
    }
}

/// Write units of some writes: of the table, outside of a transaction, and of its indexes.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    table: u64,
    index: u64,
}

fn size(item: Option<&Item>) -> usize {
    item.map_or(0, item_size)
}

fn kilobytes(bytes: usize) -> u64 {
    bytes.div_ceil(1024).max(1) as u64
}

fn read_half_units(bytes: usize, consistent: bool) -> u64 {
    let units = bytes.div_ceil(4096).max(1) as u64;
    if consistent { 2 * units } else { units }
}

/// What a change of an item costs its indexes, which hold every attribute.
fn index_units(old: Option<&Item>, new: Option<&Item>) -> u64 {
    let units = |index| match (entry(index, old), entry(index, new)) {
        (None, None) => 0,
        (Some(_), None) => kilobytes(size(old)),
        (None, Some(_)) => kilobytes(size(new)),
        (Some(before), Some(after)) if before != after => kilobytes(size(old)) + kilobytes(size(new)),
        (Some(_), Some(_)) if old == new => 0,
        (Some(_), Some(_)) => kilobytes(size(old).max(size(new))),
    };
    Index::ALL.into_iter().map(units).sum()
}

fn entry(index: Index, item: Option<&Item>) -> Option<[&crate::table::Value; 2]> {
    let (pk, sk) = index.keys();
    let item = item?;
    Some([item.get(pk)?, item.get(sk)?])
}

#[async_trait]
impl<T: Table> Table for Counting<T> {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        let outcome = self.inner.get(key, consistent).await;
        let mut counts = self.lock();
        counts.gets += 1;
        if let Ok(item) = &outcome {
            counts.read_half_units += read_half_units(size(item.as_ref()), consistent);
        }
        outcome
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let outcome = self.inner.batch_get(keys).await;
        let mut counts = self.lock();
        counts.batch_gets += 1;
        for item in outcome.iter().flatten() {
            counts.read_half_units += read_half_units(size(item.as_ref()), true);
        }
        outcome
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let outcome = self.inner.query(query).await;
        let mut counts = self.lock();
        counts.queries += 1;
        if let Ok(page) = &outcome {
            let consistent = query.consistent && query.index.is_none();
            counts.read_half_units += read_half_units(page.items.iter().map(item_size).sum(), consistent);
        }
        outcome
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        let cost = self.costs(std::slice::from_ref(write)).await;
        let outcome = self.inner.write(write).await;
        self.lock().writes += 1;
        self.count(&outcome, cost, 1);
        outcome
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let cost = self.costs(writes).await;
        let outcome = self.inner.transact(writes).await;
        self.lock().transacts += 1;
        self.count(&outcome, cost, 2);
        outcome
    }
}
