//! The one door to DynamoDB: the table seam, its implementations, and one file per aggregate above it.
pub mod account_items;
pub mod account_lists;
pub mod account_states;
pub mod accounts;
pub mod aggregates;
pub mod alerts;
pub mod authentication;
pub mod beside;
pub mod billing;
pub mod books;
pub mod bootstrap;
pub mod brands;
pub mod codec;
pub mod commit;
pub mod counting;
pub mod credit_notes;
pub mod deliveries;
pub mod disputes;
pub mod dunning;
pub mod dynamo;
pub mod entries;
pub mod error;
pub mod evaluate;
pub mod events;
pub mod exports;
pub mod faulty;
pub mod forecasts;
pub mod freezing;
pub mod gates;
pub mod grants;
pub mod heads;
pub mod history;
pub mod holds;
pub mod idempotency;
pub mod invoices;
pub mod job_credits;
pub mod jobs;
pub mod keys;
pub mod lots;
pub mod memory;
pub mod movements;
pub mod moves;
pub mod payments;
pub mod principals;
pub mod profiles;
pub mod purchases;
pub mod reconcile;
pub mod roles;
pub mod rosters;
pub mod runs;
pub mod sellers;
pub mod sessions;
pub mod sign_in;
pub mod size;
pub mod spends;
pub mod stream;
pub mod table;
pub mod test_clocks;
pub mod topups;
pub mod transfers;
pub mod turns;
pub mod usage_batches;
pub mod usage_entries;
pub mod webhooks;
pub mod whose;

use std::sync::Arc;

use books::BookMemory;
use commit::Patience;
use heads::HeadMemory;
use table::{Item, Key, Page, Query, Table, TableError, Write};
use usage_entries::UsageMemory;
use whose::Whose;

/// A shared table is a table, so that wrappers stack on one that others hold too.
#[async_trait::async_trait]
impl<T: Table + ?Sized> Table for Arc<T> {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        (**self).get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        (**self).batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        (**self).query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        (**self).write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        (**self).transact(writes).await
    }
}

/// The store: every aggregate's reads and writes, on one table.
#[derive(Debug, Clone)]
pub struct Store {
    table: Arc<dyn Table>,
    memory: Arc<HeadMemory>,
    usage: Arc<UsageMemory>,
    books: Arc<BookMemory>,
    patience: Patience,
    whose: Whose,
}

impl Store {
    /// A store on `table`. One per process: it remembers heads.
    pub fn new(table: Arc<dyn Table>, patience: Patience) -> Self {
        Self { table, memory: Arc::default(), usage: Arc::default(), books: Arc::default(), patience, whose: Whose::Everyone }
    }
}
