//! Exports of usage: what was asked for, and how far its file is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ExportId};

use crate::Store;
use crate::codec::{Reader, json as json_value, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::keys;
use crate::table::{Action, Cond, Index, Item, Position, Query, SortRange, TableError, Value, Write, s};

/// How long a file is kept, in days.
pub const KEPT_DAYS: i64 = 7;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated values with a header, as RFC 4180 says, in UTF-8.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
}

impl ExportFormat {
    /// The word on the wire, which is the file's extension too.
    pub fn word(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Jsonl => "jsonl",
            ExportFormat::Parquet => "parquet",
        }
    }

    /// The file's media type.
    pub fn media_type(self) -> &'static str {
        match self {
            ExportFormat::Csv => "text/csv; charset=utf-8",
            ExportFormat::Jsonl => "application/x-ndjson",
            ExportFormat::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// Asked for.
    Queued,
    /// The file is being written.
    Running,
    /// The file is there.
    Completed,
    /// There is no file, and there will be none.
    Failed,
    /// The file was there, and is kept no more.
    Expired,
}

/// Where an export's ledger stood when it was asked for: it holds what was counted up to then, however often it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSource {
    /// Whose ledger.
    pub account_id: AccountId,
    /// Its newest entry then.
    pub through: i64,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// The account whose key asked: its level of the prices is the one in the file, and it alone may have the file.
    pub asked_by: AccountId,
    /// Whose usage.
    pub account_id: AccountId,
    /// That of everything below it too.
    pub subtree: bool,
    /// Usage that occurred at this time or later.
    pub from: Timestamp,
    /// And before this one.
    pub to: Timestamp,
    /// What kind of file.
    pub format: ExportFormat,
    /// How far it is.
    pub status: ExportStatus,
    /// The ledgers it is made of; one, but for the operator's.
    pub sources: Vec<ExportSource>,
    /// The file's rows, without a header.
    #[serde(default)]
    pub rows: Option<u64>,
    /// The file's bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was completed or failed.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Raised by one with each change.
    pub version: i64,
}

impl Export {
    /// The key of its file.
    pub fn blob(&self) -> String {
        format!("exports/{}.{}", self.id, self.format.word())
    }

    /// What it is called when it is downloaded.
    pub fn file_name(&self) -> String {
        format!("usage-{}-{}.{}", self.from.strftime("%Y%m%d"), self.id, self.format.word())
    }

    /// Until when the file is kept; none if there is no file.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let ended = self.ended_at.filter(|_| self.status == ExportStatus::Completed)?;
        ended.checked_add(jiff::SignedDuration::from_hours(24 * KEPT_DAYS)).ok()
    }

    /// How far it is at `now`: a file that is kept no more is expired.
    pub fn status_at(&self, now: Timestamp) -> ExportStatus {
        match self.expires_at() {
            Some(expires_at) if expires_at <= now => ExportStatus::Expired,
            Some(_) | None => self.status,
        }
    }
}

impl Store {
    /// Notes an export that is asked for, with its audit record, and the record of an idempotency key if there is one.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn ask_export(&self, export: &Export, act: &Act, scope: Option<&Scope>) -> Result<Outcome<Export>, StoreError> {
        let mut tx = Tx::default();
        push_record(&mut tx, scope, export, act)?;
        let detail = json!({ "export_id": export.id, "format": export.format, "subtree": export.subtree });
        push_event(&mut tx, guard_without(scope), act, &export.account_id, RecordKind::UsageExportAsked, &detail)?;
        tx.push(Part::Plain, Write::create(keys::export(&export.id), encode(export)?));
        let refused = match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => return Ok(Outcome::Done(export.clone())),
            Err(refused) => refused,
        };
        if_done(scope, &refused, &act.event, async { Ok(export.clone()) }).await?.ok_or(StoreError::Busy)
    }

    /// An export by its id, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn export(&self, id: &ExportId) -> Result<Export, StoreError> {
        let key = keys::export(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// The exports that an account asked for, newest first, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn exports(
        &self,
        asked_by: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Export>, Option<Position>), StoreError> {
        let query = Query::index(Index::Gsi1, keys::exports_index(asked_by), SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let exports = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?;
        Ok((exports, page.next))
    }

    /// Keeps a change of an export; `None` if another came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_export(&self, export: &Export) -> Result<Option<Export>, StoreError> {
        let new = Export { version: export.version + 1, ..export.clone() };
        let as_read = Cond::Eq("ver", Value::N(export.version));
        let write = Write { key: keys::export(&export.id), action: Action::Put(encode(&new)?), cond: Some(as_read) };
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(true),
            Err(TableError::Condition(_)) => Ok(false),
            Err(error) => Err(error),
        };
        Ok(patiently(&self.patience, kept).await?.then_some(new))
    }
}

fn encode(export: &Export) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json_value(export)?);
    put(&mut item, "ver", Value::N(export.version));
    put(&mut item, "gsi1pk", s(keys::exports_index(&export.asked_by)));
    put(&mut item, "gsi1sk", s(export.id.as_str()));
    Ok(item)
}
