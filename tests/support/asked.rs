//! A table that remembers what it was asked, by IAM's names of the actions.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tributary_store::table::{Action, TableError, Write};

use super::before::{Call, Step};

/// The rights that what a table was asked takes: `dynamodb:GetItem on Table`, `… on Table/index/gsi1`.
#[derive(Debug, Default)]
pub struct Asked(Mutex<BTreeSet<String>>);

impl Asked {
    /// What was asked since the last time.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, action: &str, on: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("dynamodb:{action} on {on}"));
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
impl Step for Asked {
    async fn before(&self, call: Call<'_>) -> Result<(), TableError> {
        match call {
            Call::Get(_) => self.note("GetItem", "Table"),
            Call::BatchGet => self.note("BatchGetItem", "Table"),
            Call::Query(query) => match query.index {
                Some(index) => self.note("Query", &format!("Table/index/{}", index.name())),
                None => self.note("Query", "Table"),
            },
            Call::Write(write) => self.note_write(write),
            Call::Transact(writes) => writes.iter().for_each(|write| self.note_write(write)),
        }
        Ok(())
    }
}
