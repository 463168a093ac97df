//! Freezing an account whose books do not add up: it is suspended, and only the operator lifts that.

use serde_json::Value as Json;
use tributary_domain::account::Status;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, Head, LedgerId};

use crate::Store;
use crate::account_items::frozen_change;
use crate::accounts::REPLANS;
use crate::codec::{Reader, time};
use crate::commit::{Part, Tx, patiently};
use crate::entries::{self, push_entry};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::keys;
use crate::table::{Change, Cond, Item, Query, SortRange, Value, Write, s};

/// What became of a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// It is frozen from now on.
    Now,
    /// It was frozen already; nothing was written.
    Already,
    /// It cannot be: the operator's account, or there is no item.
    Never,
}

/// An account's item as far as it can be read; nothing else of it is relied on.
struct Frame {
    version: Option<i64>,
    status: Status,
    generation: u32,
    marked: bool,
}

impl Frame {
    fn of(item: &Item) -> Self {
        let r = Reader(item);
        Self {
            version: r.maybe_number("ver").ok().flatten(),
            status: r.word("st").unwrap_or(Status::Active),
            generation: r.number("gen").ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            marked: item.contains_key("frz"),
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

impl Store {
    /// Freezes an account: from the commit on nothing in its subtree spends, and only the operator reactivates it. Like a
    /// suspension one transaction writes its item, an entry of its ledger and every copy of its gate; where the ledger
    /// does not read, the rest is written. A closed account stays closed and is marked. `why` is kept in the audit record.
    ///
    /// A frozen account that is still as it was frozen is left alone.
    ///
    /// # Errors
    /// [`StoreError::Busy`]; table errors.
    pub async fn freeze(&self, id: &AccountId, why: &Json, act: &Act) -> Result<Freeze, StoreError> {
        let key = keys::account(id);
        // Not the item's own word: that may be what is wrong.
        if self.operator().await?.as_ref() == Some(id) {
            return Ok(Freeze::Never);
        }
        for _ in 0..REPLANS {
            let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(Freeze::Never) };
            let frame = Frame::of(&item);
            let closed = frame.status == Status::Closed;
            let head = self.readable_head(&LedgerId::Account(id.clone())).await?;
            let spends = head.filter(|head| head.status == Status::Active && !closed);
            let stopped = closed || (frame.status == Status::Suspended && spends.is_none() && self.gates_are_shut(id).await?);
            if frame.marked && stopped {
                return Ok(Freeze::Already);
            }
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, id, "account.frozen", why)?;
            tx.push(Part::Account, Write::update(key.clone(), frame.changes(act), frame.as_read()));
            if let Some(head) = spends {
                push_entry(&mut tx, &head.state_entry(EntryKind::Suspended, act.now, |after| after.status = Status::Suspended)?);
            }
            if !closed {
                gates::push_state(&mut tx, id, frame.generation, Status::Suspended);
            }
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Freeze::Now),
                Err(refused) if refused.guard().is_some() => return Ok(Freeze::Now),
                Err(_) => self.memory.forget(&LedgerId::Account(id.clone())),
            }
        }
        Err(StoreError::Busy)
    }

    /// The head, unless the newest item of the ledger does not read or there is none.
    async fn readable_head(&self, ledger: &LedgerId) -> Result<Option<Head>, StoreError> {
        let query = Query::table(keys::ledger_partition(ledger), SortRange::Every).newest_first().limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let newest = page.items.first().and_then(|item| entries::decode(item).ok());
        Ok(newest.map(|entry| entry.after).filter(|head| &head.ledger == ledger))
    }

    async fn gates_are_shut(&self, id: &AccountId) -> Result<bool, StoreError> {
        let wanted: Vec<_> = (0..keys::GATE_STRIPES).map(|stripe| keys::gate(id, stripe)).collect();
        let copies = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
        Ok(copies.iter().all(|copy| gates::decode(copy.as_ref()).is_ok_and(|copy| copy.suspended)))
    }
}
