//! The records of a batch: each event with its prices, as it was counted. Kept as one blob a batch, named by the batch's
//! transfer, which the ledgers name too; a blob whose batch was not committed is named by no ledger.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::money::Currency;
use tributary_domain::pricing::rate::RatedEvent;
use tributary_runtime::blobs::{BlobError, Blobs};

use crate::event::NewEvent;

/// The largest batch that is read, in bytes before compression.
const MAX_BATCH_BYTES: u64 = 64 * 1024 * 1024;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Usage that came in.
    Usage,
    /// Takes an event back: contribution, prices and amounts with their signs turned.
    Void,
    /// Counts a voided event again with another quantity.
    Correction,
}

/// One event as it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// What it is.
    pub kind: RecordKind,
    /// The event; of a void the one that is taken back.
    pub event: NewEvent,
    /// When it came in.
    pub received_at: Timestamp,
    /// The currency of its prices.
    pub currency: Currency,
    /// What it costs at each level.
    pub rated: RatedEvent,
    /// Why it was taken back or counted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why the records of a batch cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The blobs did not answer.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// A ledger names a batch whose blob is not there.
    #[error("the records of batch {0} are missing")]
    Missing(TransferId),
    /// A blob does not read.
    #[error("the records of batch {batch} do not read: {why}")]
    Malformed {
        /// The batch.
        batch: TransferId,
        /// What is wrong.
        why: String,
    },
}

/// The name of a batch's blob: it follows from the transfer alone.
pub fn key(batch: &TransferId) -> String {
    let at = Timestamp::from_millisecond(batch.millis()).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("usage/{}/{batch}.jsonl.gz", at.strftime("%Y-%m-%d"))
}

/// Puts a batch's records.
///
/// # Errors
/// [`RecordError`].
pub async fn put(blobs: &dyn Blobs, batch: &TransferId, records: &[UsageRecord]) -> Result<(), RecordError> {
    let malformed = |why: String| RecordError::Malformed { batch: batch.clone(), why };
    // Written to the packer at once: each piece that it is given costs a call of the compression.
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record).map_err(|error| malformed(error.to_string()))?;
        lines.push(b'\n');
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&lines).map_err(|error| malformed(error.to_string()))?;
    let bytes = packed.finish().map_err(|error| malformed(error.to_string()))?;
    Ok(blobs.put(&key(batch), bytes, "application/gzip").await?)
}

/// Reads a batch's records, those of all of its accounts, in the order in which they were counted.
///
/// # Errors
/// [`RecordError`].
pub async fn read(blobs: &dyn Blobs, batch: &TransferId) -> Result<Vec<UsageRecord>, RecordError> {
    let bytes = blobs.get(&key(batch)).await?.ok_or_else(|| RecordError::Missing(batch.clone()))?;
    let malformed = |why: String| RecordError::Malformed { batch: batch.clone(), why };
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).take(MAX_BATCH_BYTES).read_to_string(&mut text).map_err(|error| malformed(error.to_string()))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| malformed(error.to_string()))).collect()
}

/// Reads a batch's records that concern an account: its own, and those that it pays or earns for.
///
/// # Errors
/// [`RecordError`].
pub async fn read_of(blobs: &dyn Blobs, batch: &TransferId, account: &AccountId) -> Result<Vec<UsageRecord>, RecordError> {
    let mut records = read(blobs, batch).await?;
    records.retain(|record| {
        let rated = &record.rated;
        &rated.account == account || &rated.owner == account || rated.levels.iter().any(|level| &level.payer == account)
    });
    Ok(records)
}
