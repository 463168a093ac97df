//! Usage on the ledgers: entries that carry an account's totals, and the marks of the events that were counted.
//!
//! Every account that pays or earns in a batch gets an entry with its totals after the batch, so that balance and totals
//! move together. The entry of the account that the events are of also carries a *mark* of each event. The marks in a
//! ledger up to an entry are all there are, because that entry's number was free when it was taken: whoever writes the next
//! number, and knows the marks up to this one, counts no event twice (see `docs/adr/0010-usage-on-the-ledger.md`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::try_join_all;
use jiff::Timestamp;
use tributary_domain::id::{AccountId, EventId, TransferId};
use tributary_domain::ledger::{Entry, Head, LedgerId};
use tributary_domain::pricing::state::UsageState;
use tributary_domain::transfer::GateChecks;

use crate::Store;
use crate::codec::{Reader, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::entries;
use crate::error::StoreError;
use crate::gates::{self, GateVerdict};
use crate::heads::Heads;
use crate::idempotency::Scope;
use crate::keys;
use crate::table::{Change, Cond, Item, MAX_BATCH_GET, Query, SortRange, Value, Write, s};
use crate::turns::Turn;

/// The bytes of a mark: ten name the event, two its content.
pub const MARK_BYTES: usize = 12;
/// The most marks that one process remembers, about 50 bytes each; then it forgets the ledgers it has not used.
const REMEMBERED_MARKS: usize = 4_000_000;
/// The most totals that one process remembers.
const REMEMBERED_STATES: usize = 20_000;

/// The mark of one event: a keyed hash of its id within its account, and two bytes of a hash of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Names the event.
    pub id: [u8; 10],
    /// Tells another content under the same id, but for one of 65,536.
    pub content: [u8; 2],
}

/// Where an event was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its content.
    pub content: [u8; 2],
    /// The number of the entry that carries its mark.
    pub seq: i64,
}

/// One entry of usage to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageWrite {
    /// The entry.
    pub entry: Entry,
    /// The totals after it; `None` in a system ledger.
    pub state: Option<Arc<UsageState>>,
    /// The marks of the account's own events.
    pub marks: Vec<Mark>,
}

/// A batch to be committed: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct UsageBatch {
    /// The entries, at most one of each ledger.
    pub writes: Vec<UsageWrite>,
    /// Ancestors without an entry in the batch, which must be open and in their place.
    pub gates: GateChecks,
    /// Resellers whose volume tier changes, and to which.
    pub tiers: Vec<(AccountId, String)>,
    /// The record of an idempotency key, where one was given, with its answer.
    pub record: Option<(Scope, serde_json::Value, EventId)>,
}

/// How a batch ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// It is written.
    Done,
    /// Another writer came first; nothing was written. `moved`: lineages must be resolved.
    Raced {
        /// An ancestor stands elsewhere than was thought.
        moved: bool,
    },
    /// An ancestor is suspended; nothing was written.
    Suspended(AccountId),
    /// The idempotency key was used before: its record.
    Recorded(Item),
}

/// An entry of usage as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageEntry {
    /// The entry.
    pub entry: Entry,
    /// The totals after it.
    pub state: UsageState,
    /// How many events of the account itself it counts.
    pub own_events: usize,
}

/// What one process remembers of usage.
#[derive(Debug, Default)]
pub struct UsageMemory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    states: HashMap<LedgerId, (i64, Arc<UsageState>)>,
    marks: HashMap<LedgerId, MarkIndex>,
    size: usize,
}

/// The marks of one ledger, complete from a time on up to an entry.
#[derive(Debug, Clone, Default)]
pub struct MarkIndex {
    complete_to: i64,
    seen: HashMap<[u8; 10], Seen>,
}

impl MarkIndex {
    /// Where an event was counted, if it was.
    pub fn seen(&self, id: &[u8; 10]) -> Option<Seen> {
        self.seen.get(id).copied()
    }

    /// Adds the marks of an entry.
    pub fn learn(&mut self, seq: i64, marks: impl IntoIterator<Item = Mark>) {
        for mark in marks {
            self.seen.insert(mark.id, Seen { content: mark.content, seq });
        }
        self.complete_to = self.complete_to.max(seq);
    }
}

impl Store {
    /// Waits before a plan is made anew, the longer the more often it was.
    pub async fn pause(&self, attempt: u32) {
        self.patience.pause(attempt).await;
    }

    /// Waits for this process's earlier requests on the same ledgers.
    pub async fn turn(&self, ledgers: &BTreeSet<LedgerId>) -> Option<Turn> {
        self.memory.queue_up(ledgers).await
    }

    /// Heads to plan usage on: remembered ones, unless `fresh`; with `resolve` the lineages are looked up anew.
    ///
    /// # Errors
    /// [`crate::error::Denied::Absent`] if an account has no ledger; table errors.
    pub async fn usage_heads(&self, ledgers: &BTreeSet<LedgerId>, fresh: bool, resolve: bool) -> Result<Heads, StoreError> {
        match (resolve, fresh) {
            (true, _) => self.resolved_heads(ledgers).await,
            (false, true) => self.fresh_heads(ledgers).await,
            (false, false) => Ok(self.heads(ledgers).await?.0),
        }
    }

    /// The totals that each head names, from memory or with one read for up to a hundred.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`] if an entry that should carry totals does not.
    pub async fn usage_states(&self, heads: impl IntoIterator<Item = &Head>) -> Result<BTreeMap<AccountId, Arc<UsageState>>, StoreError> {
        let (mut found, mut wanted) = (BTreeMap::new(), Vec::new());
        {
            let memory = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
            for head in heads {
                let Some(account) = head.ledger.account() else { continue };
                match memory.states.get(&head.ledger) {
                    _ if head.usage_seq == 0 => drop(found.insert(account.clone(), Arc::default())),
                    Some((seq, state)) if *seq == head.usage_seq => drop(found.insert(account.clone(), Arc::clone(state))),
                    _ => wanted.push((head.ledger.clone(), account.clone(), head.usage_seq)),
                }
            }
        }
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            let keys: Vec<_> = chunk.iter().map(|(ledger, _, seq)| keys::entry(ledger, *seq)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&keys)).await?;
            for ((ledger, account, seq), item) in chunk.iter().zip(items) {
                let item = item.ok_or_else(|| StoreError::Corrupt(format!("entry {seq} of {ledger} is missing")))?;
                let state = Arc::new(state_of(&item)?);
                self.remember_state(ledger, *seq, &state);
                found.insert(account.clone(), state);
            }
        }
        Ok(found)
    }

    /// Brings the remembered marks of an account's ledger up to its head. What was counted before `since` may be left out.
    /// With none remembered it reads the ledger's newest entries back to `since`; else only what came since.
    ///
    /// # Errors
    /// Table errors.
    pub async fn marks(&self, head: &Head, since: Timestamp) -> Result<MarkIndex, StoreError> {
        let taken = {
            let mut memory = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = memory.marks.remove(&head.ledger);
            memory.size -= taken.as_ref().map_or(0, |index| index.seen.len());
            taken
        };
        let mut index = match taken {
            Some(index) if index.complete_to >= head.seq => return Ok(index),
            Some(index) => self.later_marks(head, index).await?,
            None => self.newest_marks(head, since).await?,
        };
        index.complete_to = index.complete_to.max(head.seq);
        Ok(index)
    }

    /// Keeps an account's marks for the next request.
    pub fn keep_marks(&self, ledger: &LedgerId, index: MarkIndex) {
        let mut memory = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.size + index.seen.len() > REMEMBERED_MARKS {
            memory.marks.clear();
            memory.size = 0;
        }
        memory.size += index.seen.len();
        if let Some(old) = memory.marks.insert(ledger.clone(), index) {
            memory.size -= old.seen.len();
        }
    }

    async fn later_marks(&self, head: &Head, mut index: MarkIndex) -> Result<MarkIndex, StoreError> {
        let range = SortRange::Between(format!("{:020}", index.complete_to + 1), format!("{:020}", head.seq));
        let mut query = Query::table(keys::ledger_partition(&head.ledger), range);
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                index.learn(Reader(item).number("seq")?, marks_of(item)?);
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(index),
            }
        }
    }

    async fn newest_marks(&self, head: &Head, since: Timestamp) -> Result<MarkIndex, StoreError> {
        let mut index = MarkIndex::default();
        if head.usage_seq == 0 {
            return Ok(index);
        }
        let range = SortRange::Between(format!("{:020}", 0), format!("{:020}", head.seq));
        let mut query = Query::table(keys::ledger_partition(&head.ledger), range).newest_first();
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                let reader = Reader(item);
                if reader.time("at")? < since {
                    return Ok(index);
                }
                index.learn(reader.number("seq")?, marks_of(item)?);
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(index),
            }
        }
    }

    fn remember_state(&self, ledger: &LedgerId, seq: i64, state: &Arc<UsageState>) {
        let mut memory = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.states.len() > REMEMBERED_STATES {
            memory.states.clear();
        }
        memory.states.insert(ledger.clone(), (seq, Arc::clone(state)));
    }

    /// Commits a batch in one transaction, once: its entries' numbers are the guard, and an attempt without an answer is
    /// recognised by its transfer.
    ///
    /// # Errors
    /// Table errors; [`StoreError::TooManyBranches`] over 100 writes.
    pub async fn commit_usage(&self, batch: &UsageBatch) -> Result<Committed, StoreError> {
        let tx = usage_tx(batch)?;
        let refused = match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => return Ok(self.learn_usage(batch)),
            Err(refused) => refused,
        };
        if is_own(&refused, batch) {
            return Ok(self.learn_usage(batch));
        }
        for write in &batch.writes {
            self.memory.forget(&write.entry.after.ledger);
        }
        if let Some(record) = refused.guard() {
            let record = record.cloned().ok_or_else(|| StoreError::Corrupt("a refused record was not shown".to_owned()))?;
            return Ok(Committed::Recorded(record));
        }
        match gates::verdict(&refused, &batch.gates) {
            Some(GateVerdict::Suspended(ancestor)) if !refused.has_entry() => Ok(Committed::Suspended(ancestor)),
            Some(GateVerdict::Moved) => Ok(Committed::Raced { moved: true }),
            Some(GateVerdict::Suspended(_)) | None => Ok(Committed::Raced { moved: false }),
        }
    }

    fn learn_usage(&self, batch: &UsageBatch) -> Committed {
        self.memory.learn(batch.writes.iter().map(|write| &write.entry.after));
        for write in &batch.writes {
            let after = &write.entry.after;
            if let Some(state) = &write.state {
                self.remember_state(&after.ledger, after.seq, state);
            }
        }
        Committed::Done
    }

    /// The entries of usage of a ledger with numbers above `above`, oldest first, and where they end: the number up to which
    /// the ledger was read. At most `limit` entries of any kind are looked at.
    ///
    /// # Errors
    /// Table errors.
    pub async fn usage_entries(&self, account: &AccountId, above: i64, limit: usize) -> Result<(Vec<UsageEntry>, Option<i64>), StoreError> {
        let ledger = LedgerId::Account(account.clone());
        let range = SortRange::Between(format!("{:020}", above + 1), format!("{:020}", i64::MAX));
        let query = Query::table(keys::ledger_partition(&ledger), range).limit(limit);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let last = page.items.last().map(|item| Reader(item).number("seq")).transpose()?;
        let usage = page.items.iter().filter(|item| item.contains_key("use")).map(usage_entry).collect::<Result<_, _>>()?;
        Ok((usage, last))
    }

    /// The number of the entry that carries a mark: from memory, or by reading the ledger's entries of usage, newest first, until
    /// it is found.
    ///
    /// # Errors
    /// Table errors.
    pub async fn entry_with_mark(&self, head: &Head, id: &[u8; 10]) -> Result<Option<i64>, StoreError> {
        if head.usage_seq == 0 {
            return Ok(None);
        }
        if let Some(seen) = self.remembered_mark(&head.ledger, id) {
            return Ok(Some(seen.seq));
        }
        let range = SortRange::Between(format!("{:020}", 0), format!("{:020}", head.usage_seq));
        let mut query = Query::table(keys::ledger_partition(&head.ledger), range).newest_first();
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                if marks_of(item)?.iter().any(|mark| &mark.id == id) {
                    return Reader(item).number("seq").map(Some);
                }
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(None),
            }
        }
    }

    fn remembered_mark(&self, ledger: &LedgerId, id: &[u8; 10]) -> Option<Seen> {
        let memory = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.marks.get(ledger)?.seen(id)
    }

    /// The entry of a ledger with this number, if it carries usage: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn usage_entry(&self, account: &AccountId, seq: i64) -> Result<Option<UsageEntry>, StoreError> {
        let key = keys::entry(&LedgerId::Account(account.clone()), seq);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.filter(|item| item.contains_key("use")).map(|item| usage_entry(&item)).transpose()
    }

    /// Writes another volume tier of an account, if its ledger and its tier are as they were read. `false` if they are not.
    ///
    /// # Errors
    /// Table errors.
    pub async fn set_tier(&self, account: &AccountId, head: &Head, from: &str, to: &str) -> Result<bool, StoreError> {
        let mut tx = Tx::default();
        let as_read = Cond::Eq("tier", s(from));
        tx.push(Part::Account, Write::update(keys::account(account), tier_changes(to), as_read));
        tx.push(Part::Entry(head.ledger.clone()), Write::check(keys::entry(&head.ledger, head.seq + 1), Cond::NotExists));
        Ok(tx.commit(&*self.table, &self.patience).await?.is_ok())
    }

    /// Heads of several accounts, each read fresh, in parallel; those that do not exist are left out.
    ///
    /// # Errors
    /// Table errors.
    pub async fn heads_of(&self, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Head>, StoreError> {
        let one = async |account: &AccountId| match self.head(&LedgerId::Account(account.clone())).await {
            Ok(head) => Ok(Some((account.clone(), head))),
            Err(StoreError::Denied(_)) => Ok(None),
            Err(error) => Err(error),
        };
        Ok(try_join_all(accounts.iter().map(one)).await?.into_iter().flatten().collect())
    }
}

/// Whether the entries that stand in the way are the batch's own: an attempt without an answer had happened.
fn is_own(refused: &Refused, batch: &UsageBatch) -> bool {
    let own: Option<&TransferId> = batch.writes.first().and_then(|write| write.entry.transfer_id.as_ref());
    refused.0.iter().any(|(part, item)| {
        let stored = item.as_ref().and_then(|item| Reader(item).maybe_text("txf").ok().flatten());
        matches!(part, Part::Entry(_)) && stored.is_some() && stored == own.map(TransferId::as_str)
    })
}

fn usage_tx(batch: &UsageBatch) -> Result<Tx, StoreError> {
    let mut tx = Tx::default();
    if let Some((scope, answer, attempt)) = &batch.record {
        tx.push(Part::Guard, Write::create(scope.key(), scope.record(answer, attempt)?));
    }
    for write in &batch.writes {
        let after = &write.entry.after;
        let mut item = entries::encode(&write.entry);
        if let Some(state) = &write.state {
            put(&mut item, "use", s(state.encode()));
        }
        if !write.marks.is_empty() {
            let bytes = write.marks.iter().flat_map(|mark| mark.id.into_iter().chain(mark.content)).collect();
            put(&mut item, "ids", Value::B(bytes));
        }
        tx.push(Part::Entry(after.ledger.clone()), Write::create(keys::entry(&after.ledger, after.seq), item));
    }
    for (account, tier) in &batch.tiers {
        tx.push(Part::Plain, Write::update(keys::account(account), tier_changes(tier), Cond::Exists));
    }
    let spender = batch.writes.first().map(|write| write.entry.after.ledger.to_string()).unwrap_or_default();
    gates::push_checks(&mut tx, &batch.gates, &spender);
    Ok(tx)
}

/// The changes that store another volume tier. It changes beside the account's version, so it has one of its own: who tells of accounts must be able to
/// say which of two tiers is the newer.
fn tier_changes(tier: &str) -> Vec<Change> {
    vec![Change::Set("tier", s(tier)), Change::Add("tv", 1)]
}

fn state_of(item: &Item) -> Result<UsageState, StoreError> {
    UsageState::decode(Reader(item).text("use")?).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn usage_entry(item: &Item) -> Result<UsageEntry, StoreError> {
    let own_events = Reader(item).maybe_bytes("ids")?.map_or(0, <[u8]>::len) / MARK_BYTES;
    Ok(UsageEntry { entry: entries::decode(item)?, state: state_of(item)?, own_events })
}

fn marks_of(item: &Item) -> Result<Vec<Mark>, StoreError> {
    let bytes = Reader(item).maybe_bytes("ids")?.unwrap_or_default();
    let (marks, rest) = bytes.as_chunks::<MARK_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::Corrupt("attribute ids is not made of marks".to_owned()));
    }
    let mark = |&[a, b, c, d, e, f, g, h, i, j, x, y]: &[u8; MARK_BYTES]| Mark { id: [a, b, c, d, e, f, g, h, i, j], content: [x, y] };
    Ok(marks.iter().map(mark).collect())
}
