//! The storage seam: one low-level table whose conditions are typed data.
//!
//! Everything above this file speaks of accounts, entries and keys; everything below it speaks of items. Three
//! implementations stand behind [`Table`]: [`crate::dynamo`], [`crate::memory`] and [`crate::faulty`]. One
//! conformance suite holds them to the same answers, refusal by refusal.

use std::collections::BTreeMap;

use async_trait::async_trait;

/// An attribute's value. Numbers are integers only: money is integer micro-units and nothing here is a fraction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// UTF-8 text.
    S(String),
    /// A signed 64-bit integer.
    N(i64),
    /// Bytes.
    B(Vec<u8>),
    /// True or false.
    Bool(bool),
    /// A list of values.
    L(Vec<Value>),
    /// A map of values.
    M(Item),
    /// What this table never stores (null, sets, other numbers) and what it is, from another hand. It is only ever
    /// read: every reader takes it for corrupt, and it cannot be written.
    Unknown(String),
}

/// An item: attribute name to value, key attributes included.
pub type Item = BTreeMap<String, Value>;

/// A primary key of the table: partition key (`pk`) and sort key (`sk`), both text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    /// A key from its two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// The key of a stored item.
    ///
    /// Returns `None` if the item lacks either key attribute as text.
    pub fn of(item: &Item) -> Option<Self> {
        match (item.get(PK), item.get(SK)) {
            (Some(Value::S(pk)), Some(Value::S(sk))) => Some(Self::new(pk, sk)),
            _ => None,
        }
    }
}

/// Name of the partition key attribute.
pub const PK: &str = "pk";
/// Name of the sort key attribute.
pub const SK: &str = "sk";

/// The global secondary indexes. Overloaded: what each holds is listed in `docs/DATA-MODEL.md`. All project every
/// attribute, and are sparse: an item without the index's key attributes is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// Keys `gsi1pk`, `gsi1sk`.
    Gsi1,
    /// Keys `gsi2pk`, `gsi2sk`.
    Gsi2,
    /// Keys `gsi3pk`, `gsi3sk`.
    Gsi3,
}

impl Index {
    /// Every index, in the order the table declares them.
    pub const ALL: [Index; 3] = [Index::Gsi1, Index::Gsi2, Index::Gsi3];

    /// The index's name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Index::Gsi1 => "gsi1",
            Index::Gsi2 => "gsi2",
            Index::Gsi3 => "gsi3",
        }
    }

    /// The attributes that hold the index's partition and sort key.
    pub fn keys(self) -> (&'static str, &'static str) {
        match self {
            Index::Gsi1 => ("gsi1pk", "gsi1sk"),
            Index::Gsi2 => ("gsi2pk", "gsi2sk"),
            Index::Gsi3 => ("gsi3pk", "gsi3sk"),
        }
    }
}

/// A condition on the item a write meets. It is evaluated on the stored item, atomically with the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cond {
    /// An item is stored under the key.
    Exists,
    /// No item is stored under the key.
    NotExists,
    /// The attribute is present.
    Has(&'static str),
    /// The attribute is absent (also when there is no item).
    Lacks(&'static str),
    /// The attribute is present and equal to the value.
    Eq(&'static str, Value),
    /// The attribute is present, of the value's type, and greater than or equal to it.
    Ge(&'static str, Value),
    /// The attribute is present, of the value's type, and less than it.
    Lt(&'static str, Value),
    /// All hold. An empty list holds.
    All(Vec<Cond>),
    /// At least one holds. An empty list does not hold.
    Any(Vec<Cond>),
}

/// One change to one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Set the attribute to the value.
    Set(&'static str, Value),
    /// Add to a number; an absent attribute counts as 0.
    Add(&'static str, i64),
    /// Remove the attribute; removing an absent one changes nothing.
    Remove(&'static str),
}

/// One write of one item, with the condition under which it may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Which item.
    pub key: Key,
    /// What happens to it.
    pub action: Action,
    /// The condition; `None` is unconditional.
    pub cond: Option<Cond>,
}

/// What a write does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Store this item whole (the key attributes are added from the write's key).
    Put(Item),
    /// Change attributes, making the item if there is none.
    Update(Vec<Change>),
    /// Remove the item, if there is one.
    Delete,
    /// Change nothing: only the condition counts. Only inside a transaction.
    Check,
}

impl Write {
    /// Store `item` under `key` only if nothing is stored there.
    pub fn create(key: Key, item: Item) -> Self {
        Self { key, action: Action::Put(item), cond: Some(Cond::NotExists) }
    }

    /// Store `item` under `key`, whatever is there.
    pub fn put(key: Key, item: Item) -> Self {
        Self { key, action: Action::Put(item), cond: None }
    }

    /// Change the item under `key` if `cond` holds.
    pub fn update(key: Key, changes: Vec<Change>, cond: Cond) -> Self {
        Self { key, action: Action::Update(changes), cond: Some(cond) }
    }

    /// Remove the item under `key` if `cond` holds.
    pub fn delete(key: Key, cond: Cond) -> Self {
        Self { key, action: Action::Delete, cond: Some(cond) }
    }

    /// Only check `cond` on the item under `key`.
    pub fn check(key: Key, cond: Cond) -> Self {
        Self { key, action: Action::Check, cond: Some(cond) }
    }
}

/// Which sort keys a query takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortRange {
    /// Every sort key of the partition.
    Every,
    /// Sort keys that begin with the text.
    BeginsWith(String),
    /// Sort keys from the first to the second text, both included.
    Between(String, String),
}

/// A query of one partition of the table or of one index, in sort-key order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// `None` queries the table itself.
    pub index: Option<Index>,
    /// The partition.
    pub pk: String,
    /// The sort keys.
    pub range: SortRange,
    /// Newest last (`false`) or newest first (`true`).
    pub reverse: bool,
    /// At most this many items are read; 0 stands for no limit but the page's 1 MB.
    pub limit: usize,
    /// Strongly consistent. Not possible on an index: there it is ignored.
    pub consistent: bool,
    /// Start after this position, which an earlier page's `next` gave.
    pub start: Option<Position>,
}

impl Query {
    /// A strongly consistent query of the table, oldest first.
    pub fn table(pk: impl Into<String>, range: SortRange) -> Self {
        Self { index: None, pk: pk.into(), range, reverse: false, limit: 0, consistent: true, start: None }
    }

    /// An eventually consistent query of an index, in order of its sort key.
    pub fn index(index: Index, pk: impl Into<String>, range: SortRange) -> Self {
        Self { index: Some(index), pk: pk.into(), range, reverse: false, limit: 0, consistent: false, start: None }
    }

    /// The same, highest sort key first.
    pub fn newest_first(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// The same, with at most `limit` items.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The same, starting after `position`.
    pub fn after(mut self, position: Option<Position>) -> Self {
        self.start = position;
        self
    }
}

/// Where a page ended: the item's key and, for an index, its key in the index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Partition key of the item.
    pub pk: String,
    /// Sort key of the item.
    pub sk: String,
    /// The item's keys in the queried index, if it was an index.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub index: Option<(String, String)>,
}

impl Position {
    /// The position right after an item of the table or of `index`.
    ///
    /// Returns `None` if the item lacks the key attributes.
    pub fn of(item: &Item, index: Option<Index>) -> Option<Self> {
        let text = |name: &str| match item.get(name) {
            Some(Value::S(text)) => Some(text.clone()),
            _ => None,
        };
        let in_index = match index {
            Some(index) => Some((text(index.keys().0)?, text(index.keys().1)?)),
            None => None,
        };
        Some(Self { pk: text(PK)?, sk: text(SK)?, index: in_index })
    }
}

/// One page of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The items in order.
    pub items: Vec<Item>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<Position>,
}

/// Why one write of a transaction was refused, in the order of the writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// This write had no part in the refusal.
    None,
    /// Its condition did not hold; the item as it was stored, if there was one.
    Condition(Option<Item>),
    /// Another request was at work on the item: retryable.
    Conflict,
    /// The item's partition was throttled: retryable.
    Throttled,
}

/// What can go wrong at the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A single write's condition did not hold; the stored item, if there was one. Nothing was written.
    #[error("the write's condition did not hold")]
    Condition(Option<Item>),
    /// A transaction was cancelled; one refusal per write. Nothing was written.
    #[error("the transaction was cancelled")]
    Cancelled(Vec<Refusal>),
    /// The table is busy with the same item, or throttled. Nothing was written; retry.
    #[error("the table is busy: {0}")]
    Busy(String),
    /// No answer came: the write may or may not have happened. Only the stored state can tell.
    #[error("the table gave no answer: {0}")]
    Unknown(String),
    /// The request itself is wrong (over a limit, malformed). A bug, never a user's error.
    #[error("the table refused the request: {0}")]
    Invalid(String),
}

/// The most writes of one transaction (AWS: TransactWriteItems takes up to 100 distinct items and 4 MB).
pub const MAX_TRANSACT: usize = 100;
/// The most keys of one batch read (AWS: BatchGetItem takes up to 100).
pub const MAX_BATCH_GET: usize = 100;

/// One table. Every method is one request to it, but `batch_get`, which repeats what was left unprocessed.
#[async_trait]
pub trait Table: Send + Sync + std::fmt::Debug {
    /// Reads one item. `consistent` reads see every acknowledged write.
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError>;

    /// Reads up to [`MAX_BATCH_GET`] distinct keys, strongly consistent each on its own; the answer is in the order of
    /// `keys`, `None` where nothing is stored.
    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError>;

    /// Reads one page.
    async fn query(&self, query: &Query) -> Result<Page, TableError>;

    /// Writes one item. Returns the item as it is stored afterwards (`None` after a delete).
    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError>;

    /// Writes up to [`MAX_TRANSACT`] items of distinct keys, all or none.
    async fn transact(&self, writes: &[Write]) -> Result<(), TableError>;
}

/// A short form for building items: text.
pub fn s(text: impl Into<String>) -> Value {
    Value::S(text.into())
}
