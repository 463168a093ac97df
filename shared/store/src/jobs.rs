//! Bulk jobs: a job is one item, its rows are others, each of some hundred rows. What a transaction does to rows is counted in
//! the job by that very transaction.
//!
//! The job's document changes under its version; what is counted changes beside it. Whoever does rows holds the job to its
//! state, so that nothing is done once a job was paused or cancelled, and the rows to the version that was read, so that
//! nothing is done twice.

use serde_json::{Value as Json, json};
use tributary_domain::bulk::job::{Chunk, Job, Mark, Progress};
use tributary_domain::bulk::state::{Phase, State};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, JobId};

use crate::Store;
use crate::codec::{Reader, json as json_value, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Action, Change, Cond, Index, Item, Position, Query, SortRange, TableError, Value, Write, s};

/// How rows that are done together are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Rows more that are done.
    pub done: i64,
    /// Rows more that failed.
    pub failed: i64,
    /// Rows more that are undone.
    pub undone: i64,
}

impl Counted {
    /// What changed from the one to the other.
    pub fn between(old: &Chunk, new: &Chunk) -> Self {
        let change = |mark| new.count(mark) - old.count(mark);
        let failed = change(Mark::Failed) + change(Mark::Malformed);
        Self { done: change(Mark::Done), failed, undone: change(Mark::Undone) }
    }
}

/// How a change of rows ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is kept: the rows as they are now.
    Kept(Chunk),
    /// Another worker, or an earlier attempt, came first. Nothing was written by this one.
    Raced,
    /// The job is in that state no more. Nothing was written.
    Stopped,
}

/// Something said of an account in the transaction that does its row.
#[derive(Debug, Clone)]
pub struct Said {
    /// Who says it, and when.
    pub act: Act,
    /// Of whom.
    pub account: AccountId,
    /// What kind of event.
    pub kind: RecordKind,
    /// What is said.
    pub detail: Json,
}

impl Store {
    /// Notes a job that is asked for, with its audit record, once per idempotency key for ever.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn ask_job(&self, job: &Job, act: &Act, scope: &Scope) -> Result<Outcome<Job>, StoreError> {
        let mut tx = Tx::default();
        tx.push(Part::Guard, Write::create(scope.key(), scope.record(job, &act.event)?));
        let detail = json!({ "job_id": job.id, "kind": job.kind, "dry_run": job.dry_run });
        push_event(&mut tx, Part::Plain, act, &job.account_id, RecordKind::BulkStarted, &detail)?;
        tx.push(Part::Plain, Write::create(keys::job(&job.id), encode(job)?));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Outcome::Done(job.clone())),
            Err(refused) => match refused.guard() {
                Some(record) => scope.outcome(record, &act.event),
                None => Err(StoreError::Busy),
            },
        }
    }

    /// A job by its id, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn job(&self, id: &JobId) -> Result<Job, StoreError> {
        let key = keys::job(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// The jobs that an account asked for, newest first, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn jobs(
        &self,
        asked_by: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Job>, Option<Position>), StoreError> {
        let query = Query::index(Index::Gsi1, keys::jobs_index(asked_by), SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// Keeps a change of a job's document, of the version in it; `None` if another came first, or an earlier attempt did.
    /// `counted` sets how many rows there are and how many failed, where they were counted anew.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_job(&self, job: &Job, counted: Option<Progress>) -> Result<Option<Job>, StoreError> {
        let (new, mut changes) = changed(job)?;
        if let Some(progress) = counted {
            changes.extend([Change::Set("rows", Value::N(progress.rows)), Change::Set("failed", Value::N(progress.failed))]);
        }
        let write = Write::update(keys::job(&job.id), changes, as_read(job));
        let kept = async || match self.table.write(&write).await {
            Ok(item) => Ok(item),
            Err(TableError::Condition(_)) => Ok(None),
            Err(error) => Err(error),
        };
        match patiently(&self.patience, kept).await? {
            Some(item) => decode(&item).map(Some),
            None => Ok(None),
        }
        .map(|kept| kept.map(|kept| Job { version: new.version, ..kept }))
    }

    /// The same with something said of it, once: `Some` also if an earlier attempt with the same `said` did it.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_job_saying(&self, job: &Job, said: &Said) -> Result<Option<Job>, StoreError> {
        let (new, changes) = changed(job)?;
        let mut tx = Tx::default();
        push_event(&mut tx, Part::Guard, &said.act, &said.account, said.kind, &said.detail)?;
        tx.push(Part::Job, Write::update(keys::job(&job.id), changes, as_read(job)));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Some(new)),
            Err(refused) if refused.guard().is_some() => self.job(&job.id).await.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Shows how many rows were looked at so far.
    ///
    /// # Errors
    /// Table errors.
    pub async fn show_planned(&self, job: &JobId, rows: i64) -> Result<(), StoreError> {
        let write = Write::update(keys::job(job), vec![Change::Set("rows", Value::N(rows))], Cond::Eq("ph", s(Phase::Planning.word())));
        match patiently(&self.patience, || self.table.write(&write)).await {
            Ok(_) | Err(StoreError::Table(TableError::Condition(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keeps rows that were planned; if rows of that number are there already, those are given.
    ///
    /// # Errors
    /// Table errors.
    pub async fn plan_chunk(&self, job: &JobId, chunk: &Chunk) -> Result<Option<Chunk>, StoreError> {
        let write = Write::create(keys::job_chunk(job, chunk.number), encode_chunk(chunk)?);
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(None),
            Err(TableError::Condition(there)) => Ok(there),
            Err(error) => Err(error),
        };
        match patiently(&self.patience, kept).await? {
            Some(there) => decode_chunk(&there).map(Some),
            None => Ok(None),
        }
    }

    /// The rows of a job from chunk `from` on, in their order: `limit` chunks, or all that are left if they are fewer. A query for
    /// each page, which the table also ends by its bytes.
    ///
    /// # Errors
    /// Table errors.
    pub async fn chunks(&self, job: &JobId, from: u32, limit: usize) -> Result<Vec<Chunk>, StoreError> {
        let (mut chunks, mut start) = (Vec::new(), None);
        loop {
            let range = SortRange::Between(keys::job_chunk_position(from), keys::job_chunk_position(999_999));
            let query = Query::table(keys::job_partition(job), range).limit(limit - chunks.len()).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                chunks.push(decode_chunk(item)?);
            }
            if page.next.is_none() || chunks.len() >= limit {
                return Ok(chunks);
            }
            start = page.next;
        }
    }

    /// Some rows of a job as they are now: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn chunk(&self, job: &JobId, number: u32) -> Result<Chunk, StoreError> {
        let key = keys::job_chunk(job, number);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode_chunk(&item.ok_or(Denied::Absent)?)
    }

    /// Keeps how rows stand: `new`, of the version in `old`, while the job is in this phase or, with `None`, in whichever.
    ///
    /// # Errors
    /// Table errors.
    pub async fn settle_chunk(&self, job: &JobId, old: &Chunk, new: &Chunk, phase: Option<Phase>) -> Result<Settled, StoreError> {
        self.settle_saying(job, old, new, phase, &[]).await
    }

    /// The same with something said of each row's account, once: at most 98.
    ///
    /// # Errors
    /// [`StoreError::TooManyBranches`] for more; table errors.
    pub async fn settle_saying(
        &self,
        job: &JobId,
        old: &Chunk,
        new: &Chunk,
        phase: Option<Phase>,
        said: &[Said],
    ) -> Result<Settled, StoreError> {
        let mut tx = Tx::default();
        let kept = push_chunk(&mut tx, job, old, new)?;
        push_job(&mut tx, job, phase, Counted::between(old, new), None);
        for said in said {
            push_event(&mut tx, Part::Plain, &said.act, &said.account, said.kind, &said.detail)?;
        }
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Settled::Kept(kept)),
            Err(refused) if refused.of(&Part::Chunk).is_some() => Ok(Settled::Raced),
            Err(refused) if refused.of(&Part::Job).is_some() => Ok(Settled::Stopped),
            Err(_) => Ok(Settled::Raced),
        }
    }
}

/// Adds the write of rows under the version that was read, and gives them as they are then.
pub(crate) fn push_chunk(tx: &mut Tx, job: &JobId, old: &Chunk, new: &Chunk) -> Result<Chunk, StoreError> {
    let kept = Chunk { version: old.version + 1, ..new.clone() };
    let write = Write {
        key: keys::job_chunk(job, old.number),
        action: Action::Put(encode_chunk(&kept)?),
        cond: Some(Cond::Eq("ver", Value::N(old.version))),
    };
    tx.push(Part::Chunk, write);
    Ok(kept)
}

/// Adds the counting of rows in the job, which must be at it; `paid` leaves its escrow.
pub(crate) fn push_job(tx: &mut Tx, job: &JobId, phase: Option<Phase>, counted: Counted, paid: Option<i64>) {
    let mut conds = vec![Cond::Exists];
    if let Some(phase) = phase {
        conds.extend([Cond::Eq("st", s(State::Running.word())), Cond::Eq("ph", s(phase.word()))]);
    }
    let mut changes = vec![Change::Add("done", counted.done), Change::Add("failed", counted.failed), Change::Add("undone", counted.undone)];
    if let Some(paid) = paid {
        conds.push(Cond::Ge("escrow", Value::N(paid)));
        changes.push(Change::Add("escrow", -paid));
    }
    tx.push(Part::Job, Write::update(keys::job(job), changes, Cond::All(conds)));
}

/// Whether a job that stood in the way of a write is still at it: then its escrow was too small.
pub(crate) fn is_at(job: Option<&Item>, phase: Phase) -> bool {
    let is = |name, word: &str| job.is_some_and(|item| matches!(Reader(item).maybe_text(name), Ok(Some(text)) if text == word));
    is("st", State::Running.word()) && is("ph", phase.word())
}

pub(crate) fn as_read(job: &Job) -> Cond {
    Cond::Eq("ver", Value::N(job.version))
}

/// The job with its version raised, and the changes that make it so.
pub(crate) fn changed(job: &Job) -> Result<(Job, Vec<Change>), StoreError> {
    let new = Job { version: job.version + 1, ..job.clone() };
    let changes = vec![
        Change::Set("doc", json_value(&new)?),
        Change::Set("ver", Value::N(new.version)),
        Change::Set("st", s(new.state.word())),
        Change::Set("ph", s(new.phase.word())),
    ];
    Ok((new, changes))
}

fn encode(job: &Job) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json_value(job)?);
    put(&mut item, "ver", Value::N(job.version));
    put(&mut item, "st", s(job.state.word()));
    put(&mut item, "ph", s(job.phase.word()));
    put(&mut item, "escrow", Value::N(0));
    put(&mut item, "gsi1pk", s(keys::jobs_index(&job.account_id)));
    put(&mut item, "gsi1sk", s(job.id.as_str()));
    Ok(item)
}

fn decode(item: &Item) -> Result<Job, StoreError> {
    let reader = Reader(item);
    let number = |name: &str| reader.maybe_number(name).map(Option::unwrap_or_default);
    let progress = Progress {
        rows: number("rows")?,
        done: number("done")?,
        failed: number("failed")?,
        undone: number("undone")?,
        escrow: number("escrow")?,
    };
    Ok(Job { progress, ..reader.json("doc")? })
}

fn encode_chunk(chunk: &Chunk) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "n", Value::N(i64::from(chunk.number)));
    put(&mut item, "first", Value::N(i64::try_from(chunk.first).unwrap_or(i64::MAX)));
    put(&mut item, "marks", s(chunk.marks.iter().map(|mark| mark.letter()).collect::<String>()));
    if !chunk.errors.is_empty() {
        put(&mut item, "err", json_value(&chunk.errors)?);
    }
    if !chunk.made.is_empty() {
        put(&mut item, "made", json_value(&chunk.made)?);
    }
    put(&mut item, "blob", s(&chunk.blob));
    put(&mut item, "sum", Value::N(chunk.sum));
    put(&mut item, "round", Value::N(i64::from(chunk.round)));
    put(&mut item, "taken", Value::Bool(chunk.taken));
    put(&mut item, "undo", Value::N(i64::from(chunk.undo)));
    put(&mut item, "ver", Value::N(chunk.version));
    Ok(item)
}

fn decode_chunk(item: &Item) -> Result<Chunk, StoreError> {
    let reader = Reader(item);
    let small =
        |name: &str| u32::try_from(reader.number(name)?).map_err(|_| StoreError::Corrupt(format!("attribute {name} is out of range")));
    let marks: Option<Vec<Mark>> = reader.text("marks")?.chars().map(Mark::of).collect();
    Ok(Chunk {
        number: small("n")?,
        first: u64::try_from(reader.number("first")?).unwrap_or_default(),
        marks: marks.ok_or_else(|| StoreError::Corrupt("attribute marks holds another letter".to_owned()))?,
        errors: if item.contains_key("err") { reader.json("err")? } else { Default::default() },
        made: if item.contains_key("made") { reader.json("made")? } else { Default::default() },
        blob: reader.text("blob")?.to_owned(),
        sum: reader.number("sum")?,
        round: small("round")?,
        taken: reader.flag("taken"),
        undo: small("undo")?,
        version: reader.number("ver")?,
    })
}
