//! The embedded engine's stream of changes: what waits to be told. A change is in it from the moment in which it is made until it
//! is said to be done, whatever kills the process.
//!
//! The engine itself never forgets a change, and looks at all of them for the number of the next: what is done is removed
//! here, beside it, and an index keeps what waits from slowing it down.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynoxide::Database;
use dynoxide::actions::create_table::StreamSpecification;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::actions::update_table::UpdateTableRequest;
use rusqlite::Connection;
use serde_json::Value;

/// AWS, and the engine: the most changes of one answer.
const MOST: usize = 1000;
/// How long the engine's file is waited for when the engine writes to it.
const BUSY: Duration = Duration::from_secs(5);
/// What the engine's public numbers are above those that it keeps.
const ABOVE: u128 = 100_000_000_000_000_000_000;

/// The stream of one table. A clone is the same stream.
#[derive(Clone)]
pub struct Changes {
    database: Database,
    beside: Arc<Mutex<Connection>>,
    table: String,
    stream: String,
    shard: String,
}

/// The stream cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stream of the embedded database: {0}")]
pub struct ChangesError(String);

impl ChangesError {
    /// The error of what a change led to.
    pub fn of(error: &dyn std::error::Error) -> Self {
        said(error)
    }
}

fn said(error: impl std::fmt::Display) -> ChangesError {
    ChangesError(error.to_string())
}

impl Changes {
    /// The stream of `table`, which is begun if there is none yet. `file` is the database's.
    ///
    /// # Errors
    /// What the engine or its file says.
    pub fn open(database: Database, file: &Path, table: &str) -> Result<Self, ChangesError> {
        let list = || database.list_streams(ListStreamsRequest { table_name: Some(table.to_owned()), ..Default::default() });
        if list().map_err(said)?.streams.is_empty() {
            let stream = StreamSpecification { stream_enabled: true, stream_view_type: Some("NEW_AND_OLD_IMAGES".to_owned()) };
            let update = UpdateTableRequest { table_name: table.to_owned(), stream_specification: Some(stream), ..Default::default() };
            database.update_table(update).map_err(said)?;
        }
        let streams = list().map_err(said)?.streams;
        let stream = streams.first().ok_or_else(|| said("the table has none"))?.stream_arn.clone();
        let described = database.describe_stream(DescribeStreamRequest { stream_arn: stream.clone(), ..Default::default() });
        let described = described.map_err(said)?.stream_description;
        let shard = described.shards.first().ok_or_else(|| said("it has no shard"))?.shard_id.clone();
        let beside = Connection::open(file).map_err(said)?;
        beside.busy_timeout(BUSY).map_err(said)?;
        let index = "CREATE INDEX IF NOT EXISTS tributary_stream ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
        beside.execute_batch(index).map_err(said)?;
        Ok(Self { database, beside: Arc::new(Mutex::new(beside)), table: table.to_owned(), stream, shard })
    }

    /// The first changes that are not done, in their order, as Lambda hands them over.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn waiting(&self) -> Result<Vec<Value>, ChangesError> {
        let changes = self.clone();
        tokio::task::spawn_blocking(move || changes.read()).await.map_err(said)?
    }

    /// Every change up to this one, named by its sequence number, is done, and is not given again.
    ///
    /// # Errors
    /// What the engine's file says; the changes are then given again.
    pub async fn done(&self, sequence_number: &str) -> Result<(), ChangesError> {
        let kept = sequence_number.parse::<u128>().ok().and_then(|public| i64::try_from(public.checked_sub(ABOVE)?).ok());
        let kept = kept.ok_or_else(|| said(format!("{sequence_number} is no number of it")))?;
        let changes = self.clone();
        tokio::task::spawn_blocking(move || changes.remove(kept)).await.map_err(said)?
    }

    fn read(&self) -> Result<Vec<Value>, ChangesError> {
        let from = GetShardIteratorRequest {
            stream_arn: self.stream.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: "TRIM_HORIZON".to_owned(),
            sequence_number: None,
        };
        let Some(shard_iterator) = self.database.get_shard_iterator(from).map_err(said)?.shard_iterator else { return Ok(Vec::new()) };
        let answer = self.database.get_records(GetRecordsRequest { shard_iterator, limit: Some(MOST) }).map_err(said)?;
        let change = |record: &_| {
            let mut change = serde_json::to_value(record).map_err(said)?;
            change["eventSourceARN"] = Value::String(self.stream.clone());
            Ok(change)
        };
        answer.records.iter().map(change).collect()
    }

    fn remove(&self, up_to: i64) -> Result<(), ChangesError> {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let done = "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2";
        beside.execute(done, rusqlite::params![self.table, up_to]).map(drop).map_err(said)
    }
}
