//! The embedded engine's stream of changes: what waits to be told. A change is in it from the moment in which it is made until it
//! is said to be done, whatever kills the process.
//!
//! The engine itself never forgets a change, and looks at all of them for the number of the next: what everybody is done with is removed
//! here, beside it, and an index keeps what waits from slowing it down. How far each reader is stands in a table of our own in the same file.

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

/// The stream of one table, as one of its readers sees it. A clone is the same.
#[derive(Clone)]
pub struct Changes {
    database: Database,
    beside: Arc<Mutex<Connection>>,
    table: String,
    stream: String,
    shard: String,
    reader: String,
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
        let readers = "CREATE TABLE IF NOT EXISTS tributary_stream_readers (table_name TEXT, reader TEXT, done INTEGER, PRIMARY KEY (table_name, reader))";
        beside.execute_batch(index).and_then(|()| beside.execute_batch(readers)).map_err(said)?;
        let reader = String::new();
        Ok(Self { database, beside: Arc::new(Mutex::new(beside)), table: table.to_owned(), stream, shard, reader })
    }

    /// The same as the readers of these names see it: each is given every change, and what all of them are done with is forgotten. A reader that is new
    /// begins with the first change that is there; one that is not named any more waits for nothing.
    ///
    /// # Errors
    /// What the engine's file says.
    pub fn read_by(&self, readers: &[&str]) -> Result<Vec<Self>, ChangesError> {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<String> = beside
            .prepare("SELECT reader FROM tributary_stream_readers WHERE table_name = ?1")
            .and_then(|mut rows| rows.query_map([&self.table], |row| row.get(0)).and_then(Iterator::collect))
            .map_err(said)?;
        for gone in known.iter().filter(|known| !readers.contains(&known.as_str())) {
            let remove = "DELETE FROM tributary_stream_readers WHERE table_name = ?1 AND reader = ?2";
            beside.execute(remove, rusqlite::params![self.table, gone]).map_err(said)?;
        }
        for reader in readers {
            let add = "INSERT OR IGNORE INTO tributary_stream_readers VALUES (?1, ?2, 0)";
            beside.execute(add, rusqlite::params![self.table, reader]).map_err(said)?;
        }
        Ok(readers.iter().map(|reader| Self { reader: (*reader).to_owned(), ..self.clone() }).collect())
    }

    /// The first changes that its reader is not done with, in their order, as Lambda hands them over.
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
        let done = self.is_done()?;
        let from = GetShardIteratorRequest {
            stream_arn: self.stream.clone(),
            shard_id: self.shard.clone(),
            shard_iterator_type: if done > 0 { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" }.to_owned(),
            sequence_number: (done > 0).then(|| (ABOVE + u128::from(done.unsigned_abs())).to_string()),
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

    /// Up to which change the reader is done.
    fn is_done(&self) -> Result<i64, ChangesError> {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let done = "SELECT COALESCE(MAX(done), 0) FROM tributary_stream_readers WHERE table_name = ?1 AND reader = ?2";
        beside.query_row(done, rusqlite::params![self.table, self.reader], |row| row.get(0)).map_err(said)
    }

    fn remove(&self, up_to: i64) -> Result<(), ChangesError> {
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let done = "UPDATE tributary_stream_readers SET done = MAX(done, ?3) WHERE table_name = ?1 AND reader = ?2";
        beside.execute(done, rusqlite::params![self.table, self.reader, up_to]).map_err(said)?;
        let by_all = "SELECT COALESCE(MIN(done), ?2) FROM tributary_stream_readers WHERE table_name = ?1";
        let by_all: i64 = beside.query_row(by_all, rusqlite::params![self.table, up_to], |row| row.get(0)).map_err(said)?;
        let forget = "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2";
        beside.execute(forget, rusqlite::params![self.table, by_all]).map(drop).map_err(said)
    }
}
