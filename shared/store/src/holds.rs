//! Holds: reserve, capture, release, expire.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::event::RecordKind;
use tributary_domain::hold::{Hold, HoldEnd, HoldError, HoldPlan, HoldRequest, HoldStatus, plan_end, plan_hold};
use tributary_domain::id::{AccountId, EventId, HoldId, TransferId};
use tributary_domain::ledger::{Book, LedgerId};

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates::{self, GateVerdict};
use crate::heads::Heads;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Change, Cond, Index, Item, Position, Query, SortRange, Value, Write, s};
use crate::transfers::MayI;

/// What ended a hold: a caller with an idempotency key, or the schedule.
#[derive(Debug, Clone, Copy)]
pub enum EndedBy<'a> {
    /// A caller.
    Caller(&'a Scope),
    /// The schedule.
    Schedule,
}

/// The most holds read for one page; with a rare state a page may then be short, and its cursor goes on.
const MOST_READ: usize = 2_000;

/// A page of holds, and where to go on.
pub type HoldPage = (Vec<Hold>, Option<Position>);

/// A hold's end as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedHold {
    /// The hold afterwards.
    pub hold: Hold,
    /// The movement of a capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
}

impl Store {
    /// Sets credit aside.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Credit`], [`StoreError::KeyReused`], [`StoreError::Busy`].
    pub async fn reserve(
        &self,
        asked: &HoldRequest,
        authority: &AccountId,
        scope: &Scope,
        attempt: &EventId,
        may_i: MayI<'_>,
    ) -> Result<Outcome<Hold>, StoreError> {
        let ledger = LedgerId::Account(asked.account_id.clone());
        let receiver = asked.to.clone().map(LedgerId::Account);
        let ledgers: BTreeSet<LedgerId> = [Some(ledger.clone()), receiver].into_iter().flatten().collect();
        let _queue = self.memory.queue_up(&ledgers).await;
        let mut resolve = false;
        for _ in 0..REPLANS {
            let planned = self.plan_reserve(asked, &ledger, &ledgers, authority, may_i, resolve).await;
            let (plan, tx) = match planned.and_then(|plan| Ok((reserve_tx(&plan, scope, attempt)?, plan))) {
                Ok((tx, plan)) => (plan, tx),
                Err(StoreError::Denied(Denied::Absent)) if !resolve => {
                    resolve = true;
                    continue;
                }
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
                    return Ok(Outcome::Done(plan.hold));
                }
                Err(refused) => {
                    if let Some(record) = refused.guard() {
                        return scope.outcome(record, attempt);
                    }
                    resolve = self.after_refusal(&refused, &plan)?;
                }
            }
        }
        Err(StoreError::Busy)
    }

    async fn plan_reserve(
        &self,
        asked: &HoldRequest,
        ledger: &LedgerId,
        ledgers: &BTreeSet<LedgerId>,
        authority: &AccountId,
        may_i: MayI<'_>,
        resolve: bool,
    ) -> Result<HoldPlan, StoreError> {
        let heads = if resolve { self.resolved_heads(ledgers).await? } else { self.fresh_heads(ledgers).await? };
        may_i(&heads)?;
        let head = heads.get(ledger).ok_or(Denied::Absent)?;
        if let Some(other) = heads.values().find(|other| other.currency != head.currency) {
            return Err(tributary_domain::ledger::CreditError::CurrencyMismatch { from: head.currency, to: other.currency }.into());
        }
        Ok(plan_hold(asked, head, authority)?)
    }

    /// Ends an open hold, once.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Hold`], [`StoreError::Credit`], [`StoreError::KeyReused`].
    pub async fn end_hold(
        &self,
        id: &HoldId,
        end: impl Fn(&Hold) -> Result<HoldEnd, StoreError>,
        by: EndedBy<'_>,
        transfer_id: &TransferId,
        authority: &AccountId,
        act: &Act,
        may_i: MayI<'_>,
    ) -> Result<Outcome<EndedHold>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let hold = self.hold(id).await?;
            let plan = match self.plan_hold_end(&hold, &end, transfer_id, authority, act.now, may_i, resolve).await {
                Ok(plan) => plan,
                Err(StoreError::Denied(Denied::Absent)) if !resolve => {
                    resolve = true;
                    continue;
                }
                Err(refusal) => {
                    return match by {
                        EndedBy::Caller(scope) => self.unless_done(scope, refusal).await,
                        EndedBy::Schedule => Err(refusal),
                    };
                }
            };
            let ended = EndedHold { hold: plan.hold.clone(), transfer_id: plan.transfer.as_ref().map(|t| t.id.clone()) };
            let refused = match end_tx(&plan, &ended, by, act)?.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
                    return Ok(Outcome::Done(ended));
                }
                Err(refused) => refused,
            };
            match (refused.guard(), by) {
                (Some(record), EndedBy::Caller(scope)) => return scope.outcome(record, &act.event),
                (Some(_), EndedBy::Schedule) => return Ok(Outcome::Done(ended)),
                (None, _) => {}
            }
            resolve = self.after_refusal(&refused, &plan)?;
        }
        Err(StoreError::Busy)
    }

    async fn plan_hold_end(
        &self,
        hold: &Hold,
        end: impl Fn(&Hold) -> Result<HoldEnd, StoreError>,
        transfer_id: &TransferId,
        authority: &AccountId,
        now: Timestamp,
        may_i: MayI<'_>,
        resolve: bool,
    ) -> Result<HoldPlan, StoreError> {
        let own = LedgerId::Account(hold.account_id.clone());
        let receiver = match &hold.to {
            Some(account) => LedgerId::Account(account.clone()),
            None => LedgerId::system(Book::Consumed, hold.currency, &hold.account_id),
        };
        let end = end(hold)?;
        let ledgers: BTreeSet<LedgerId> = match end {
            HoldEnd::Capture(_) => [own, receiver.clone()].into(),
            HoldEnd::Release | HoldEnd::Expire => [own].into(),
        };
        let heads: Heads = if resolve { self.resolved_heads(&ledgers).await? } else { self.fresh_heads(&ledgers).await? };
        may_i(&heads)?;
        Ok(plan_end(hold, &end, &heads, &receiver, transfer_id.clone(), authority, now)?)
    }

    /// `true` if lineages must be resolved before planning anew.
    fn after_refusal(&self, refused: &Refused, plan: &HoldPlan) -> Result<bool, StoreError> {
        for entry in &plan.entries {
            self.memory.forget(&entry.after.ledger);
        }
        match gates::verdict(refused, &plan.gates) {
            Some(GateVerdict::Suspended(ancestor)) => Err(tributary_domain::ledger::CreditError::Suspended(ancestor).into()),
            Some(GateVerdict::Moved) => Ok(true),
            None => Ok(false),
        }
    }

    /// A hold by its id, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn hold(&self, id: &HoldId) -> Result<Hold, StoreError> {
        let key = keys::hold(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// An account's holds, newest first, through an index.
    ///
    /// # Errors
    /// Table errors.
    pub async fn holds(
        &self,
        account: &AccountId,
        status: Option<HoldStatus>,
        limit: usize,
        start: Option<Position>,
    ) -> Result<HoldPage, StoreError> {
        let (mut found, mut start, mut read) = (Vec::new(), start, 0);
        loop {
            let at_once = if status.is_none() { limit - found.len() } else { 200 };
            let query = Query::index(Index::Gsi1, keys::holds_index(account), SortRange::Every).newest_first().limit(at_once).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            read += page.items.len();
            for (at, item) in page.items.iter().enumerate() {
                let hold: Hold = Reader(item).json("doc")?;
                if status.is_none_or(|status| hold.status == status) {
                    found.push(hold);
                }
                if found.len() == limit {
                    let more = at + 1 < page.items.len() || page.next.is_some();
                    return Ok((found, more.then(|| Position::of(item, Some(Index::Gsi1))).flatten()));
                }
            }
            match page.next {
                Some(next) if read < MOST_READ => start = Some(next),
                next => return Ok((found, next)),
            }
        }
    }

    /// Open holds whose time is over at `now`, oldest first, through an index; the hold itself is read again before it is
    /// ended. The ids come from the index's keys, so that a hold that does not read hides no other.
    ///
    /// # Errors
    /// Table errors.
    pub async fn holds_due(
        &self,
        now: Timestamp,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<HoldId>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::HOLDS_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok((self.mine(&page.items).filter_map(id).collect(), page.next))
    }
}

/// Position among what is due: by time, then by id.
pub(crate) fn due_position(at: Timestamp, id: &str) -> String {
    format!("{:020}#{id}", at.as_millisecond().max(0))
}

fn reserve_tx(plan: &HoldPlan, scope: &Scope, attempt: &EventId) -> Result<Tx, StoreError> {
    let (mut tx, hold) = (Tx::default(), &plan.hold);
    tx.push(Part::Guard, Write::create(scope.key(), scope.record(hold, attempt)?));
    let mut item = Item::new();
    put(&mut item, "doc", json(hold)?);
    put(&mut item, "st", s(hold.status.word()));
    put(&mut item, "gsi1pk", s(keys::holds_index(&hold.account_id)));
    put(&mut item, "gsi1sk", s(hold.id.as_str()));
    put(&mut item, "gsi2pk", s(keys::HOLDS_DUE_INDEX));
    put(&mut item, "gsi2sk", s(due_position(hold.expires_at, hold.id.as_str())));
    tx.push(Part::Hold, Write::create(keys::hold(&hold.id), item));
    plan.entries.iter().for_each(|entry| push_entry(&mut tx, entry));
    gates::push_checks(&mut tx, &plan.gates, hold.account_id.as_str());
    Ok(tx)
}

fn end_tx(plan: &HoldPlan, ended: &EndedHold, by: EndedBy<'_>, act: &Act) -> Result<Tx, StoreError> {
    let (mut tx, hold) = (Tx::default(), &plan.hold);
    match by {
        EndedBy::Caller(scope) => {
            let mut record = scope.record(ended, &act.event)?;
            if let Some(transfer) = &plan.transfer {
                put(&mut record, "gsi1pk", s(keys::transfer_index(&transfer.id)));
                put(&mut record, "gsi1sk", s("-"));
                put(&mut record, "transfer", json(transfer)?);
            }
            tx.push(Part::Guard, Write::create(scope.key(), record));
        }
        EndedBy::Schedule => {
            push_event(&mut tx, Part::Guard, act, &hold.account_id, RecordKind::HoldExpired, &serde_json::json!({ "hold_id": hold.id }))?
        }
    }
    let changes = vec![
        Change::Set("doc", json(hold)?),
        Change::Set("st", Value::S(hold.status.word().to_owned())),
        Change::Remove("gsi2pk"),
        Change::Remove("gsi2sk"),
    ];
    tx.push(Part::Hold, Write::update(keys::hold(&hold.id), changes, Cond::Eq("st", s(HoldStatus::Open.word()))));
    plan.entries.iter().for_each(|entry| push_entry(&mut tx, entry));
    gates::push_checks(&mut tx, &plan.gates, hold.account_id.as_str());
    Ok(tx)
}

/// Whether a refusal to end a hold means that somebody else ended it.
pub fn ended_meanwhile(error: &StoreError) -> bool {
    matches!(error, StoreError::Hold(HoldError::Ended(_)))
}
