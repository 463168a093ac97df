//! Finding an event again: its mark names the entry, the entry the batch, and the batch's blob holds the record.

use tributary_api::App;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::Head;
use tributary_store::error::{Denied, StoreError};

use crate::ingest::{adjustment_mark, id_mark};
use crate::record::{self, RecordKind, UsageRecord};

/// The most adjustments of one event.
pub const MAX_ADJUSTMENTS: u32 = 20;

/// An event as it stands now.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its newest record that counts; of a voided event the one that was taken back.
    pub record: UsageRecord,
    /// The batch that holds it.
    pub batch: TransferId,
    /// How often it was voided or corrected.
    pub adjustments: u32,
    /// It was taken back, and counts no more.
    pub voided: Option<UsageRecord>,
}

/// Finds an event of an account. One query or more of the account's ledger, newest entries first, until its mark is found;
/// one read of the entry and of the blob.
///
/// # Errors
/// [`Denied::Absent`] if the account has no such event; table errors.
pub async fn find(app: &App, head: &Head, account: &AccountId, id: &str) -> Result<Found, StoreError> {
    let (mut batch, mut records) = match batch_of(app, head, &id_mark(app.secrets(), account, id)).await? {
        Some(batch) => (batch.clone(), read(app, &batch, account, id).await?),
        None => return Err(Denied::Absent.into()),
    };
    let mut found = newest(&records).ok_or_else(|| StoreError::Corrupt(format!("batch {batch} lacks event {id}")))?;
    let (mut adjustments, mut voided) = (0, None);
    while adjustments < MAX_ADJUSTMENTS {
        let Some(next) = batch_of(app, head, &adjustment_mark(app.secrets(), account, id, adjustments + 1)).await? else { break };
        adjustments += 1;
        records = read(app, &next, account, id).await?;
        match newest(&records) {
            Some(record) => (found, batch) = (record, next),
            None => voided = records.into_iter().find(|record| record.kind == RecordKind::Void),
        }
    }
    Ok(Found { record: found, batch, adjustments, voided })
}

fn newest(records: &[UsageRecord]) -> Option<UsageRecord> {
    records.iter().rfind(|record| record.kind != RecordKind::Void).cloned()
}

async fn batch_of(app: &App, head: &Head, mark: &[u8; 10]) -> Result<Option<TransferId>, StoreError> {
    let Some(seq) = app.store().entry_with_mark(head, mark).await? else { return Ok(None) };
    let account = head.ledger.account().ok_or(Denied::Absent)?;
    let entry = app.store().usage_entry(account, seq).await?;
    Ok(entry.and_then(|found| found.entry.transfer_id))
}

async fn read(app: &App, batch: &TransferId, account: &AccountId, id: &str) -> Result<Vec<UsageRecord>, StoreError> {
    let mut records = record::read(app.blobs(), batch).await.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    records.retain(|record| &record.event.account_id == account && record.event.id == id);
    Ok(records)
}
