//! Runs of billing: a run is one item, its chunks of accounts are others. A chunk is done once, and counted in its run by that very transaction.

use tributary_domain::billing::run::{Chunk, Run, RunState};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, RunId};

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Change, Cond, Index, Item, Position, Query, SortRange, TableError, Value, Write, s};

/// A run with how many of its chunks are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKept {
    /// The run.
    pub run: Run,
    /// Chunks that are done.
    pub done: u32,
}

impl Store {
    /// Begins a run of the schedule. Beginning it twice is beginning it once.
    ///
    /// # Errors
    /// Table errors.
    pub async fn begin_run(&self, run: &Run) -> Result<(), StoreError> {
        self.create_once(&Write::create(keys::run(&run.id), encode(run)?)).await
    }

    /// Notes a run that is asked for, once per idempotency key for ever.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; table errors.
    pub async fn ask_run(&self, run: &Run, act: &Act, scope: &Scope) -> Result<Outcome<Run>, StoreError> {
        let mut tx = Tx::default();
        tx.push(Part::Guard, Write::create(scope.key(), scope.record(run, &act.event)?));
        tx.push(Part::Plain, Write::create(keys::run(&run.id), encode(run)?));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Outcome::Done(run.clone())),
            Err(refused) => match refused.guard() {
                Some(record) => scope.outcome(record, &act.event),
                None => Err(StoreError::Busy),
            },
        }
    }

    /// A run by its id, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn run(&self, id: &RunId) -> Result<RunKept, StoreError> {
        let key = keys::run(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// The runs of an account, newest first, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn runs(
        &self,
        account: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<RunKept>, Option<Position>), StoreError> {
        let query = Query::index(Index::Gsi1, keys::runs_index(account), SortRange::Every).newest_first().limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok((page.items.iter().map(decode).collect::<Result<_, _>>()?, page.next))
    }

    /// Runs that are not completed, the oldest first: from an index, which only lists. At most `limit`.
    ///
    /// # Errors
    /// Table errors.
    pub async fn open_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let query = Query::index(Index::Gsi2, keys::RUNS_DUE_INDEX, SortRange::Every).limit(limit);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok(page.items.iter().filter_map(id).collect())
    }

    /// Keeps a change of a run, of the version in it; `None` if another came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_run(&self, run: &Run) -> Result<Option<Run>, StoreError> {
        let (new, changes) = changed(run)?;
        let write = Write::update(keys::run(&run.id), changes, as_read(run));
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(true),
            Err(TableError::Condition(_)) => Ok(false),
            Err(error) => Err(error),
        };
        Ok(patiently(&self.patience, kept).await?.then_some(new))
    }

    /// Completes a run and tells of it, once; `None` if another came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn end_run(&self, run: &Run, act: &Act) -> Result<Option<Run>, StoreError> {
        let (new, changes) = changed(run)?;
        let mut tx = Tx::default();
        if let Some(asked) = &new.asked {
            let detail = serde_json::json!({
                "run_id": new.id, "month": asked.month, "dry_run": asked.dry_run, "accounts": new.counts.accounts,
                "invoices": new.counts.invoices, "failed": new.counts.failed, "digest": new.digest,
            });
            push_event(&mut tx, Part::Guard, act, &new.account_id, RecordKind::RunCompleted, &detail)?;
        }
        tx.push(Part::Job, Write::update(keys::run(&run.id), changes, as_read(run)));
        Ok(tx.commit(&*self.table, &self.patience).await?.is_ok().then_some(new))
    }

    /// Keeps a chunk that was listed. Keeping it twice is keeping it once.
    ///
    /// # Errors
    /// Table errors.
    pub async fn list_chunk(&self, run: &RunId, chunk: &Chunk) -> Result<(), StoreError> {
        self.create_once(&Write::create(keys::run_chunk(run, chunk.number), encode_chunk(chunk)?)).await
    }

    async fn create_once(&self, write: &Write) -> Result<(), StoreError> {
        let made = async || match self.table.write(write).await {
            Ok(_) | Err(TableError::Condition(_)) => Ok(()),
            Err(error) => Err(error),
        };
        patiently(&self.patience, made).await
    }

    /// Some accounts of a run: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn run_chunk(&self, run: &RunId, number: u32) -> Result<Chunk, StoreError> {
        let key = keys::run_chunk(run, number);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// All chunks of a run, in their order: a query for each page, which the table ends by its bytes.
    ///
    /// # Errors
    /// Table errors.
    pub async fn run_chunks(&self, run: &RunId) -> Result<Vec<Chunk>, StoreError> {
        let (mut chunks, mut start) = (Vec::new(), None);
        loop {
            let range = SortRange::Between(keys::run_chunk_position(0), keys::run_chunk_position(999_999));
            let query = Query::table(keys::run_partition(run), range).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                chunks.push(Reader(item).json("doc")?);
            }
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(chunks),
            }
        }
    }

    /// Keeps what came of a chunk and counts it in its run, once: also if another worker did the same chunk.
    ///
    /// # Errors
    /// Table errors.
    pub async fn chunk_done(&self, run: &RunId, chunk: &Chunk) -> Result<(), StoreError> {
        let done = Chunk { done: true, ..chunk.clone() };
        let mut tx = Tx::default();
        let undone = Cond::Eq("open", Value::Bool(true));
        tx.push(Part::Chunk, Write { cond: Some(undone), ..Write::put(keys::run_chunk(run, chunk.number), encode_chunk(&done)?) });
        tx.push(Part::Job, Write::update(keys::run(run), vec![Change::Add("done", 1)], Cond::Exists));
        // Refused: it was done by another, or by an attempt of ours that was not answered.
        tx.commit(&*self.table, &self.patience).await.map(drop)
    }
}

fn as_read(run: &Run) -> Cond {
    Cond::Eq("ver", Value::N(run.version))
}

fn changed(run: &Run) -> Result<(Run, Vec<Change>), StoreError> {
    let new = Run { version: run.version + 1, ..run.clone() };
    let mut changes = vec![Change::Set("doc", json(&new)?), Change::Set("ver", Value::N(new.version))];
    if new.state == RunState::Completed {
        changes.extend([Change::Remove("gsi2pk"), Change::Remove("gsi2sk")]);
    }
    Ok((new, changes))
}

fn encode(run: &Run) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(run)?);
    put(&mut item, "ver", Value::N(run.version));
    put(&mut item, "done", Value::N(0));
    put(&mut item, "gsi1pk", s(keys::runs_index(&run.account_id)));
    put(&mut item, "gsi1sk", s(run.id.as_str()));
    put(&mut item, "gsi2pk", s(keys::RUNS_DUE_INDEX));
    put(&mut item, "gsi2sk", s(due_position(run.created_at, run.id.as_str())));
    Ok(item)
}

fn decode(item: &Item) -> Result<RunKept, StoreError> {
    let reader = Reader(item);
    Ok(RunKept { run: reader.json("doc")?, done: u32::try_from(reader.number("done")?).unwrap_or(u32::MAX) })
}

fn encode_chunk(chunk: &Chunk) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(chunk)?);
    put(&mut item, "open", Value::Bool(!chunk.done));
    Ok(item)
}
