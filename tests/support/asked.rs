//! A table that remembers what it was asked, by IAM's names of the actions.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Action, Item, Key, Page, Query, Table, TableError, Write};

/// A memory table, and the rights that what it was asked takes: `dynamodb:GetItem on Table`, `… on Table/index/gsi1`.
#[derive(Debug, Default)]
pub struct Asked {
    table: MemoryTable,
    rights: Mutex<BTreeSet<String>>,
}

impl Asked {
    /// Remembers what `table` is asked.
    pub fn new(table: MemoryTable) -> Self {
        Self { table, rights: Mutex::default() }
    }

    /// What was asked since the last time.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.rights.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, action: &str, on: &str) {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("dynamodb:{action} on {on}"));
    }

    /// A write of a transaction takes the right of that write. Source: "Using IAM with DynamoDB transactions", AWS.
    fn note_write(&self, write: &Write) {
        let action = match &write.action {
            Action::Put(_) => "PutItem",
            Action::Update(_) => "UpdateItem",
            Action::Delete => "DeleteItem",
            Action::Check => "ConditionCheckItem",
        };
        self.note(action, "Table");
    }
}

#[async_trait]
impl Table for Asked {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.note("GetItem", "Table");
        self.table.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.note("BatchGetItem", "Table");
        self.table.batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        match query.index {
            Some(index) => self.note("Query", &format!("Table/index/{}", index.name())),
            None => self.note("Query", "Table"),
        }
        self.table.query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        self.note_write(write);
        self.table.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        writes.iter().for_each(|write| self.note_write(write));
        self.table.transact(writes).await
    }
}
