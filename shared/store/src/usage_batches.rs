//! Batches of events that were taken without an answer, and what became of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tributary_domain::id::{AccountId, ActorId, UsageBatchId};

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::patiently;
use crate::error::{Denied, StoreError};
use crate::keys;
use crate::table::{Cond, Item, Write, s};

/// The most rejections that are kept of one batch.
pub const MAX_REJECTIONS: usize = 1_000;

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// It waits.
    Queued,
    /// Each of its events was answered.
    Done,
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedBatch {
    /// Its id.
    pub id: UsageBatchId,
    /// The sender's account.
    pub account_id: AccountId,
    /// Who sent it.
    #[serde(alias = "key_id")]
    pub actor: ActorId,
    /// How far it is.
    pub status: BatchStatus,
    /// How many events it has.
    pub events: usize,
    /// How many count.
    pub accepted: usize,
    /// How many were counted before.
    pub duplicates: usize,
    /// How many do not count.
    pub rejected: usize,
    /// The answers to those that do not count.
    pub rejections: Vec<Json>,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

impl Store {
    /// Notes a batch that waits.
    ///
    /// # Errors
    /// Table errors.
    pub async fn queue_batch(&self, batch: &QueuedBatch) -> Result<(), StoreError> {
        let write = Write::put(keys::usage_batch(&batch.id), item(batch)?);
        patiently(&self.patience, || self.table.write(&write)).await?;
        Ok(())
    }

    /// Notes what became of a batch; what was noted first stays, for a batch may be done twice and its events count once.
    ///
    /// # Errors
    /// Table errors.
    pub async fn finish_batch(&self, batch: &QueuedBatch) -> Result<(), StoreError> {
        let waiting = Cond::Eq("st", s(word(BatchStatus::Queued)));
        let write = Write { cond: Some(waiting), ..Write::put(keys::usage_batch(&batch.id), item(batch)?) };
        match patiently(&self.patience, || self.table.write(&write)).await {
            Ok(_) | Err(StoreError::Table(crate::table::TableError::Condition(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A batch: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn queued_batch(&self, id: &UsageBatchId) -> Result<QueuedBatch, StoreError> {
        let key = keys::usage_batch(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }
}

fn word(status: BatchStatus) -> &'static str {
    match status {
        BatchStatus::Queued => "queued",
        BatchStatus::Done => "done",
    }
}

fn item(batch: &QueuedBatch) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(batch)?);
    put(&mut item, "st", s(word(batch.status)));
    Ok(item)
}
