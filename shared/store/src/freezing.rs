//! Freezing an account whose books do not add up: it is suspended, and only the operator lifts that.

use serde_json::Value as Json;
use tributary_domain::account::Status;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, Head, LedgerId};

use crate::Store;
use crate::account_items::{accepted, frozen_change};
use crate::accounts::REPLANS;
use crate::codec::{Reader, put, time};
use crate::commit::{Part, Tx, patiently};
use crate::entries::{self, push_entry};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::keys;
use crate::reconcile::kept_number;
use crate::table::{Action, Change, Cond, Item, Query, SortRange, Value, Write, s};

/// What an item has that stands at a ledger's next number only to take it.
pub(crate) const BLOCKS: &str = "block";
/// The most accounts frozen in a day. More at once are rather an error of ours than of theirs, and must not stop the
/// platform before somebody has looked.
pub const FROZEN_A_DAY: usize = 50;
/// A day, milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// What became of a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// It is frozen from now on.
    Now,
    /// It was frozen already; nothing was written.
    Already,
    /// It cannot be: the operator's account, or there is no item.
    Never,
    /// The operator accepted the books after they were judged; nothing was written.
    Accepted,
    /// [`FROZEN_A_DAY`] accounts were frozen within a day; nothing was written.
    Braked,
}

/// An account's item as far as it can be read; nothing else of it is relied on.
struct Frame {
    version: Option<i64>,
    status: Status,
    generation: u32,
    marked: bool,
    accepted: i64,
}

impl Frame {
    fn of(item: &Item) -> Self {
        let r = Reader(item);
        Self {
            version: r.maybe_number("ver").ok().flatten(),
            status: r.word("st").unwrap_or(Status::Active),
            generation: r.number("gen").ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            marked: item.contains_key("frz"),
            accepted: accepted(item).ok().flatten().map_or(0, |accepted| accepted.seq),
        }
    }

    fn changes(&self, act: &Act) -> Vec<Change> {
        let mut changes = vec![Change::Set("ver", Value::N(self.version.unwrap_or(0) + 1)), Change::Set("updated", time(act.now))];
        if self.status != Status::Closed {
            changes.push(Change::Set("st", s(Status::Suspended.word())));
        }
        if !self.marked {
            changes.push(frozen_change(act.now));
        }
        changes
    }

    /// Every way to change an account raises its version.
    fn as_read(&self) -> Cond {
        match self.version {
            Some(version) => Cond::Eq("ver", Value::N(version)),
            None => Cond::Exists,
        }
    }
}

/// The newest item of a ledger.
struct Newest {
    /// The number it is kept under; 0 if there is none.
    seq: i64,
    /// What it says, if it reads.
    head: Option<Head>,
    /// It only keeps others from going on.
    blocks: bool,
}

/// How many accounts were frozen lately.
struct Brake {
    version: Option<i64>,
    exists: bool,
    lately: Vec<i64>,
}

impl Brake {
    fn of(item: Option<&Item>, now_ms: i64) -> Self {
        let times = match item.and_then(|item| item.get("times")) {
            Some(Value::L(times)) => times.as_slice(),
            Some(_) | None => &[],
        };
        let lately = times.iter().filter_map(|time| match time {
            Value::N(at) if *at <= now_ms && *at > now_ms.saturating_sub(DAY_MS) => Some(*at),
            _ => None,
        });
        let version = item.and_then(|item| Reader(item).maybe_number("ver").ok().flatten());
        Self { version, exists: item.is_some(), lately: lately.collect() }
    }

    /// The write that counts one more.
    fn one_more(&self, now_ms: i64) -> Write {
        let mut item = Item::new();
        put(&mut item, "times", Value::L(self.lately.iter().copied().chain([now_ms]).map(Value::N).collect()));
        put(&mut item, "ver", Value::N(self.version.unwrap_or(0).wrapping_add(1)));
        let as_read = match self.version {
            Some(version) => Cond::Eq("ver", Value::N(version)),
            None if self.exists => Cond::Exists,
            None => Cond::NotExists,
        };
        Write { key: keys::reconcile_brake(), action: Action::Put(item), cond: Some(as_read) }
    }
}

impl Store {
    /// Freezes an account: from the commit on nothing in its subtree spends, and only the operator reactivates it. Like a
    /// suspension one transaction writes its item, an entry of its ledger and every copy of its gate. Where the newest entry
    /// does not read, an item that is no entry takes the next number, so that nobody who remembers the ledger goes on. A
    /// closed account stays closed and is marked; if its ledger is active, that is stopped all the same. `why` is kept in
    /// the audit record. `judged`: up to which entry the books were taken as accepted, 0 for none.
    ///
    /// A frozen account that is still as it was frozen is left alone.
    ///
    /// # Errors
    /// [`StoreError::Busy`]; table errors.
    pub async fn freeze(&self, id: &AccountId, judged: i64, why: &Json, act: &Act) -> Result<Freeze, StoreError> {
        let key = keys::account(id);
        // Not the item's own word: that may be what is wrong.
        if self.operator().await?.as_ref() == Some(id) {
            return Ok(Freeze::Never);
        }
        let ledger = LedgerId::Account(id.clone());
        for _ in 0..REPLANS {
            let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(Freeze::Never) };
            let frame = Frame::of(&item);
            if frame.accepted > judged {
                return Ok(Freeze::Accepted);
            }
            let newest = self.newest(&ledger).await?;
            let closed = frame.status == Status::Closed;
            // Spending is decided on the ledger, whatever the item says.
            let spends = newest.head.as_ref().filter(|head| head.status == Status::Active);
            let open = newest.head.is_none() && newest.seq > 0 && !newest.blocks;
            let at_rest = spends.is_none() && !open;
            if frame.marked && at_rest && (closed || frame.status == Status::Suspended && self.gates_are_shut(id).await?) {
                return Ok(Freeze::Already);
            }
            let (brake, now_ms) = (keys::reconcile_brake(), act.now.as_millisecond());
            let brake = Brake::of(patiently(&self.patience, || self.table.get(&brake, true)).await?.as_ref(), now_ms);
            if brake.lately.len() >= FROZEN_A_DAY {
                return Ok(Freeze::Braked);
            }
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, id, RecordKind::AccountFrozen, why)?;
            tx.push(Part::Account, Write::update(key.clone(), frame.changes(act), frame.as_read()));
            tx.push(Part::Plain, brake.one_more(now_ms));
            if let Some(head) = spends {
                push_entry(&mut tx, &head.state_entry(EntryKind::Suspended, act.now, |after| after.status = Status::Suspended)?);
            } else if open {
                let blocking = Item::from([(BLOCKS.to_owned(), time(act.now))]);
                tx.push(Part::Entry(ledger.clone()), Write::create(keys::entry(&ledger, newest.seq.saturating_add(1)), blocking));
            }
            if !closed || !at_rest {
                let generation = newest.head.as_ref().map_or(frame.generation, |head| head.generation);
                gates::push_state(&mut tx, id, generation, Status::Suspended);
            }
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Freeze::Now),
                Err(refused) if refused.guard().is_some() => return Ok(Freeze::Now),
                Err(_) => self.memory.forget(&ledger),
            }
        }
        Err(StoreError::Busy)
    }

    async fn newest(&self, ledger: &LedgerId) -> Result<Newest, StoreError> {
        let query = Query::table(keys::ledger_partition(ledger), SortRange::Every).newest_first().limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let Some(item) = page.items.first() else { return Ok(Newest { seq: 0, head: None, blocks: false }) };
        let seq = kept_number(item).unwrap_or(0);
        let head = entries::decode(item).ok().map(|entry| entry.after).filter(|head| &head.ledger == ledger && head.seq == seq);
        Ok(Newest { seq, head, blocks: item.contains_key(BLOCKS) })
    }

    async fn gates_are_shut(&self, id: &AccountId) -> Result<bool, StoreError> {
        let wanted: Vec<_> = (0..keys::GATE_STRIPES).map(|stripe| keys::gate(id, stripe)).collect();
        let copies = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
        Ok(copies.iter().all(|copy| gates::decode(copy.as_ref()).is_ok_and(|copy| copy.suspended)))
    }
}
