//! Lots whose time is over: found through an index, taken out of the account by an entry of their own.

use jiff::{SignedDuration, Timestamp};
use serde_json::json as detail;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, LotId, TransferId};
use tributary_domain::ledger::{Book, Head, LedgerId};
use tributary_domain::money::Micros;
use tributary_domain::transfer::{TransferPlan, plan_lot_expiry};

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put, time};
use crate::commit::{Part, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::holds::due_position;
use crate::keys;
use crate::table::{Action, Change, Cond, Index, Item, Position, Query, SortRange, TableError, Value, Write, s};

/// After how many minutes a lot is looked at again whose credit is held.
const LOOKED_AT_AGAIN_MIN: i64 = 15;

/// What became of a lot that was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LotEnd {
    /// So much expired. If credit of it is held, the rest is looked at again.
    Expired(Micros),
    /// Nothing is left of it, or it is not there any more.
    Gone,
    /// All that is left is held, or its time is not over: it is looked at again.
    Waits,
}

impl Store {
    /// Lots whose time is over at `now`, oldest first, through an index; the account's ledger decides. The ids come from the
    /// index's keys, so that a lot that does not read hides no other.
    ///
    /// # Errors
    /// Table errors.
    pub async fn lots_due(
        &self,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<LotId>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::LOTS_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok((self.mine(&page.items).filter_map(id).collect(), page.next))
    }

    /// Takes out of its account what is left of a lot whose time is over, but for what is held: once, however often it is
    /// called.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Unknown`], [`StoreError::Corrupt`].
    pub async fn expire_lot(&self, id: &LotId, transfer: &TransferId, act: &Act) -> Result<LotEnd, StoreError> {
        let key = keys::lot(id);
        for _ in 0..REPLANS {
            let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(LotEnd::Gone) };
            let ledger = LedgerId::Account(Reader(&item).parsed("acc")?);
            let head = self.head(&ledger).await?;
            let Some(lot) = head.lots.get(id) else {
                self.settle_lot(Write { key, action: Action::Delete, cond: None }).await?;
                return Ok(LotEnd::Gone);
            };
            let amount = head.lots.expirable(id, head.held);
            if lot.expires_at > act.now || amount.is_zero() {
                self.settle_lot(look_again(id, lot.expires_at, act.now)).await?;
                return Ok(LotEnd::Waits);
            }
            let plan = self.plan_expiry(id, transfer, amount, &head, act).await?;
            let rest = plan.entries.first().and_then(|entry| entry.after.lots.get(id));
            let afterwards = match rest {
                Some(lot) => look_again(id, lot.expires_at, act.now),
                None => Write { key: key.clone(), action: Action::Delete, cond: None },
            };
            match expiry_tx(id, &plan, &head, afterwards, act)?.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
                    return Ok(LotEnd::Expired(amount));
                }
                Err(refused) => {
                    plan.entries.iter().for_each(|entry| self.memory.forget(&entry.after.ledger));
                    if refused.guard().is_some() {
                        return Ok(LotEnd::Expired(amount));
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    async fn plan_expiry(
        &self,
        lot: &LotId,
        transfer: &TransferId,
        amount: Micros,
        head: &Head,
        act: &Act,
    ) -> Result<TransferPlan, StoreError> {
        let account = head.ledger.account().ok_or(Denied::Absent)?;
        let opposite = LedgerId::system(Book::Expired, head.currency, account);
        let heads = self.fresh_heads(&[opposite.clone()].into()).await?;
        let expired = heads.get(&opposite).ok_or(Denied::Absent)?;
        Ok(plan_lot_expiry(transfer.clone(), lot, amount, head, expired, act.now)?)
    }

    /// A write of what only says when a lot is looked at: whoever did it before did the same.
    async fn settle_lot(&self, write: Write) -> Result<(), StoreError> {
        match patiently(&self.patience, || self.table.write(&write)).await {
            Ok(_) | Err(StoreError::Table(TableError::Condition(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The item by which a lot is found when its time is over. What is left of it stands in the account's ledger alone.
pub(crate) fn lot_item(id: &LotId, account: &AccountId, bought: Micros, expires_at: Timestamp) -> Item {
    let mut item = Item::new();
    put(&mut item, "acc", s(account.as_str()));
    put(&mut item, "amt", Value::N(bought.get()));
    put(&mut item, "expires", time(expires_at));
    put(&mut item, "gsi2pk", s(keys::LOTS_DUE_INDEX));
    put(&mut item, "gsi2sk", s(due_position(expires_at, id.as_str())));
    item
}

fn look_again(id: &LotId, expires_at: Timestamp, now: Timestamp) -> Write {
    let later = now.checked_add(SignedDuration::from_mins(LOOKED_AT_AGAIN_MIN)).unwrap_or(now).max(expires_at);
    Write::update(keys::lot(id), vec![Change::Set("gsi2sk", s(due_position(later, id.as_str())))], Cond::Exists)
}

fn expiry_tx(id: &LotId, plan: &TransferPlan, head: &Head, afterwards: Write, act: &Act) -> Result<Tx, StoreError> {
    let mut tx = Tx::default();
    let account = head.ledger.account().ok_or(Denied::Absent)?;
    let amount = plan.transfer.legs.first().map(|leg| leg.amount);
    let detail = detail!({ "lot_id": id, "amount": amount, "transfer_id": plan.transfer.id });
    push_event(&mut tx, Part::Guard, act, account, RecordKind::LotExpired, &detail)?;
    let mut record = Item::new();
    put(&mut record, "transfer", json(&plan.transfer)?);
    put(&mut record, "gsi1pk", s(keys::transfer_index(&plan.transfer.id)));
    put(&mut record, "gsi1sk", s("-"));
    tx.push(Part::Plain, Write::create(keys::lot_expiry(id, &plan.transfer.id), record));
    plan.entries.iter().for_each(|entry| push_entry(&mut tx, entry));
    tx.push(Part::Plain, afterwards);
    Ok(tx)
}
