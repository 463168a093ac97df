//! A table in memory: the same conditions, refusals and limits, at tens of thousands of transactions a second.
//!
//! Pages end as DynamoDB's do: a page that was filled to its limit names where to go on, even if nothing follows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::evaluate::{check_key, check_key_part, check_transaction, check_write, holds, image_after, invalid};
use crate::size::{MAX_PAGE_BYTES, MAX_PK_BYTES, item_size};
use crate::table::{Action, Index, Item, Key, MAX_BATCH_GET, Page, Position, Query, Refusal, SortRange, Table, TableError, Value, Write};

/// How many changes [`MemoryTable::query_lagging`] can look back.
const JOURNAL: usize = 512;

/// A handle on a table in memory; clones share the table.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    items: BTreeMap<Key, Stored>,
    index: BTreeSet<Entry>,
    /// The last changes, newest last: the key and what was stored before.
    journal: VecDeque<(Key, Option<Stored>)>,
    /// How many changes there were.
    changes: u64,
    /// What was inserted, in order, if it is kept.
    inserted: Option<Vec<Arc<Item>>>,
    /// Every change, in order, as what was there before and after; if it is kept.
    told: Option<Vec<Changed>>,
}

#[derive(Debug, Clone)]
struct Stored {
    item: Arc<Item>,
    bytes: usize,
}

impl Stored {
    fn new(item: Item) -> Self {
        Self { bytes: item_size(&item), item: Arc::new(item) }
    }
}

/// What an item was before a change, and what it is after; shared, because few are ever looked at.
pub type Changed = (Option<Arc<Item>>, Option<Arc<Item>>);

/// An item's place in an index, in the order of queries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    index: Index,
    index_pk: String,
    index_sk: String,
    key: Key,
}

impl Entry {
    fn of(index: Index, item: &Item, key: &Key) -> Option<Self> {
        let (pk, sk) = index.keys();
        match (item.get(pk), item.get(sk)) {
            (Some(Value::S(pk)), Some(Value::S(sk))) => Some(Self::new(index, pk, sk, key.clone())),
            _ => None,
        }
    }

    fn new(index: Index, pk: &str, sk: &str, key: Key) -> Self {
        Self { index, index_pk: pk.to_owned(), index_sk: sk.to_owned(), key }
    }
}

impl MemoryTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty table that keeps what is inserted, as a stream does.
    pub fn with_stream() -> Self {
        let state = State { inserted: Some(Vec::new()), told: Some(Vec::new()), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// What was inserted after the first `from` inserts, in the order of the transactions. Nothing, if it is not kept.
    pub fn inserted_since(&self, from: usize) -> Vec<Item> {
        let state = self.lock();
        let inserted = state.inserted.as_deref().unwrap_or_default();
        inserted.iter().skip(from).map(|item| (**item).clone()).collect()
    }

    /// What was changed after the first `from` changes, in the order of the transactions. Nothing, if it is not kept.
    pub fn changed_since(&self, from: usize) -> Vec<Changed> {
        self.lock().told.as_deref().unwrap_or_default().iter().skip(from).cloned().collect()
    }

    /// Every item, in order of its key.
    pub fn snapshot(&self) -> Vec<Item> {
        self.lock().items.values().map(|stored| (*stored.item).clone()).collect()
    }

    /// Another table with the same contents; from then on neither sees what is written to the other.
    pub fn fork(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.lock().clone())) }
    }

    /// How many items were ever written or removed: while it stays the same, nothing was changed.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// How many items are stored.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// If nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Answers a query from the table as it was `changes` item changes ago (the last 512 at most), as an eventually
    /// consistent index may. A state between two writes of one transaction can show, as on an index it can.
    ///
    /// # Errors
    /// Those of [`Table::query`].
    pub fn query_lagging(&self, query: &Query, changes: usize) -> Result<Page, TableError> {
        let bounds = Bounds::of(query)?;
        Ok(self.lock().rewound(query, changes).page(query, &bounds))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Table for MemoryTable {
    async fn get(&self, key: &Key, _consistent: bool) -> Result<Option<Item>, TableError> {
        check_key(key)?;
        Ok(self.lock().item(key).cloned())
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        check_batch(keys)?;
        let state = self.lock();
        Ok(keys.iter().map(|key| state.item(key).cloned()).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        let bounds = Bounds::of(query)?;
        Ok(self.lock().page(query, &bounds))
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        check_write(write)?;
        let mut state = self.lock();
        let old = state.item(&write.key);
        if !meets(write, old) {
            return Err(TableError::Condition(old.cloned()));
        }
        let new = image_after(write, old)?;
        state.replace(&write.key, new.clone());
        Ok(new)
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        check_transaction(writes)?;
        let mut state = self.lock();
        let images = state.images(writes)?;
        for (key, image) in images {
            state.replace(key, image);
        }
        Ok(())
    }
}

/// Checks a batch of keys: at most [`MAX_BATCH_GET`], each a key, none twice.
pub(crate) fn check_batch(keys: &[Key]) -> Result<(), TableError> {
    if keys.len() > MAX_BATCH_GET {
        return invalid(format!("a batch reads at most {MAX_BATCH_GET} keys, not {}", keys.len()));
    }
    keys.iter().try_for_each(check_key)?;
    if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
        return invalid("a batch cannot read one key twice");
    }
    Ok(())
}

fn meets(write: &Write, old: Option<&Item>) -> bool {
    write.cond.as_ref().is_none_or(|cond| holds(cond, old))
}

impl State {
    fn item(&self, key: &Key) -> Option<&Item> {
        self.items.get(key).map(|stored| &*stored.item)
    }

    /// The images after a transaction, of the items it changes.
    fn images<'w>(&self, writes: &'w [Write]) -> Result<Vec<(&'w Key, Option<Item>)>, TableError> {
        let mut images = Vec::with_capacity(writes.len());
        let mut refusals = Vec::with_capacity(writes.len());
        for write in writes {
            let old = self.item(&write.key);
            if !meets(write, old) {
                refusals.push(Refusal::Condition(old.cloned()));
                continue;
            }
            refusals.push(Refusal::None);
            if write.action != Action::Check {
                images.push((&write.key, image_after(write, old)?));
            }
        }
        if refusals.iter().any(|refusal| *refusal != Refusal::None) {
            return Err(TableError::Cancelled(refusals));
        }
        Ok(images)
    }

    fn replace(&mut self, key: &Key, new: Option<Item>) {
        let new = new.map(Stored::new);
        if let (Some(inserted), Some(new)) = (&mut self.inserted, &new)
            && !self.items.contains_key(key)
        {
            inserted.push(Arc::clone(&new.item));
        }
        let after = new.as_ref().map(|new| Arc::clone(&new.item));
        let old = self.store(key, new);
        if let Some(told) = &mut self.told {
            told.push((old.as_ref().map(|old| Arc::clone(&old.item)), after));
        }
        if self.journal.len() == JOURNAL {
            self.journal.pop_front();
        }
        self.journal.push_back((key.clone(), old));
        self.changes += 1;
    }

    fn store(&mut self, key: &Key, new: Option<Stored>) -> Option<Stored> {
        let item = new.as_ref().map(|stored| stored.item.clone());
        let old = match new {
            Some(stored) => self.items.insert(key.clone(), stored),
            None => self.items.remove(key),
        };
        for index in Index::ALL {
            let before = old.as_ref().and_then(|old| Entry::of(index, &old.item, key));
            let after = item.as_ref().and_then(|item| Entry::of(index, item, key));
            if before == after {
                continue;
            }
            if let Some(entry) = before {
                self.index.remove(&entry);
            }
            if let Some(entry) = after {
                self.index.insert(entry);
            }
        }
        old
    }

    /// The queried partition as it was some changes ago; other partitions may be missing.
    fn rewound(&self, query: &Query, changes: usize) -> State {
        let mut past = State::default();
        let whole = Query { range: SortRange::Every, start: None, ..query.clone() };
        for key in self.keys(&whole, &Bounds::every()) {
            past.store(key, self.items.get(key).cloned());
        }
        for (key, before) in self.journal.iter().rev().take(changes) {
            past.store(key, before.clone());
        }
        past
    }

    /// The keys a query meets, in its order.
    fn keys<'s>(&'s self, query: &Query, bounds: &Bounds) -> Box<dyn Iterator<Item = &'s Key> + 's> {
        match query.index {
            None => {
                let range = self.items.range(bounds.keys(query)).map(|(key, _)| key);
                if query.reverse { Box::new(range.rev()) } else { Box::new(range) }
            }
            Some(index) => {
                let range = self.index.range(bounds.entries(index, query)).map(|entry| &entry.key);
                if query.reverse { Box::new(range.rev()) } else { Box::new(range) }
            }
        }
    }

    fn page(&self, query: &Query, bounds: &Bounds) -> Page {
        let mut page = Page::default();
        let mut bytes = 0;
        for stored in self.keys(query, bounds).filter_map(|key| self.items.get(key)) {
            bytes += stored.bytes;
            if bytes > MAX_PAGE_BYTES && !page.items.is_empty() {
                page.next = page.items.last().and_then(|item| position(query, item));
                break;
            }
            page.items.push((*stored.item).clone());
            if page.items.len() == query.limit {
                page.next = position(query, &stored.item);
                break;
            }
        }
        page
    }
}

/// Where a page that ends with `item` ends.
fn position(query: &Query, item: &Item) -> Option<Position> {
    let key = Key::of(item)?;
    let index = query.index.and_then(|index| Entry::of(index, item, &key));
    Some(Position { index: index.map(|entry| (entry.index_pk, entry.index_sk)), pk: key.pk, sk: key.sk })
}

/// The sort keys a query takes: from the first, and before the second if there is one.
struct Bounds {
    from: String,
    before: Option<String>,
}

impl Bounds {
    /// Every sort key of a partition.
    fn every() -> Self {
        Self { from: String::new(), before: None }
    }

    /// The bounds of a query, once it is known to be sound.
    fn of(query: &Query) -> Result<Self, TableError> {
        check_key_part("pk", &query.pk, MAX_PK_BYTES)?;
        let bounds = match &query.range {
            SortRange::Every => Self::every(),
            SortRange::BeginsWith(prefix) => Self { from: prefix.clone(), before: after_prefix(prefix) },
            SortRange::Between(from, to) if to.is_empty() || from > to => {
                return invalid("a range ends before it begins, or with nothing");
            }
            SortRange::Between(from, to) => Self { from: from.clone(), before: Some(just_after(to)) },
        };
        query.start.as_ref().map_or(Ok(()), |start| bounds.check_start(query, start))?;
        Ok(bounds)
    }

    fn check_start(&self, query: &Query, start: &Position) -> Result<(), TableError> {
        check_key(&Key::new(&start.pk, &start.sk))?;
        let (pk, sk) = match (query.index, &start.index) {
            (None, None) => (&start.pk, &start.sk),
            (Some(_), Some((pk, sk))) => (pk, sk),
            _ => return invalid("the start is not a position of what is queried"),
        };
        let within = *sk >= self.from && self.before.as_ref().is_none_or(|before| sk < before);
        if *pk != query.pk || !within {
            return invalid("the start is outside of what is queried");
        }
        Ok(())
    }

    fn keys(&self, query: &Query) -> (Bound<Key>, Bound<Key>) {
        let from = Key::new(&query.pk, &self.from);
        let before = match &self.before {
            Some(sk) => Key::new(&query.pk, sk),
            None => Key::new(just_after(&query.pk), ""),
        };
        let start = query.start.as_ref().map(|start| Key::new(&start.pk, &start.sk));
        started(from, before, start, query.reverse)
    }

    fn entries(&self, index: Index, query: &Query) -> (Bound<Entry>, Bound<Entry>) {
        let edge = |pk: &str, sk: &str| Entry::new(index, pk, sk, Key::new("", ""));
        let from = edge(&query.pk, &self.from);
        let before = match &self.before {
            Some(sk) => edge(&query.pk, sk),
            None => edge(&just_after(&query.pk), ""),
        };
        let start = query.start.as_ref().and_then(|start| {
            let (pk, sk) = start.index.as_ref()?;
            Some(Entry::new(index, pk, sk, Key::new(&start.pk, &start.sk)))
        });
        started(from, before, start, query.reverse)
    }
}

/// The range from the first to before the second, cut to what comes after the start in the direction read.
fn started<K>(from: K, before: K, start: Option<K>, reverse: bool) -> (Bound<K>, Bound<K>) {
    match start {
        None => (Bound::Included(from), Bound::Excluded(before)),
        Some(start) if reverse => (Bound::Included(from), Bound::Excluded(start)),
        Some(start) => (Bound::Excluded(start), Bound::Excluded(before)),
    }
}

/// The text that follows `text` in order, with nothing between them.
fn just_after(text: &str) -> String {
    format!("{text}\0")
}

/// The first text after all that begin with `prefix`; `None` if there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fork_has_the_same_contents_and_goes_its_own_way() {
        let (table, key) = (MemoryTable::new(), Key::new("a", "b"));
        table.write(&Write::put(key.clone(), Item::new())).await.expect("written");
        let fork = table.fork();
        assert_eq!((fork.snapshot(), fork.changes()), (table.snapshot(), 1));
        fork.write(&Write { key, action: Action::Delete, cond: None }).await.expect("removed");
        assert_eq!((fork.len(), fork.changes(), table.len(), table.changes()), (0, 2, 1, 1));
    }

    #[tokio::test]
    async fn the_stream_has_what_was_inserted_in_order_and_nothing_else() {
        let (table, [a, b]) = (MemoryTable::with_stream(), ["a", "b"].map(|pk| Key::new(pk, "-")));
        for key in [&b, &a, &b] {
            table.write(&Write::put(key.clone(), Item::new())).await.expect("written");
        }
        assert!(table.write(&Write::create(a.clone(), Item::new())).await.is_err());
        table.write(&Write { key: a.clone(), action: Action::Delete, cond: None }).await.expect("removed");
        table.write(&Write::put(a.clone(), Item::new())).await.expect("written");
        let keys = |from| table.inserted_since(from).iter().filter_map(Key::of).collect::<Vec<_>>();
        assert_eq!(keys(0), [b, a.clone(), a.clone()]);
        assert_eq!((keys(2), keys(3)), (vec![a], vec![]));
        assert!(MemoryTable::new().inserted_since(0).is_empty());
    }

    #[test]
    fn a_prefix_ends_before_the_next_character() {
        assert_eq!(after_prefix("ab"), Some("ac".to_owned()));
        assert_eq!(after_prefix("a\u{10FFFF}"), Some("b".to_owned()));
        assert_eq!(after_prefix("\u{D7FF}"), Some("\u{E000}".to_owned()));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
