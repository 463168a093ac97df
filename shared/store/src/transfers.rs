//! Transfers: plan on heads, commit in one transaction, plan again if the world went on.

use std::collections::BTreeSet;

use tributary_domain::id::{EventId, TransferId};
use tributary_domain::ledger::{CreditError, EntryKind, Head, LedgerId};
use tributary_domain::transfer::{Transfer, TransferPlan, TransferRequest, plan_transfer, reversed_legs};

use crate::Store;
use crate::codec::{Reader, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::gates::{self, GateVerdict};
use crate::heads::Heads;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::purchases::{push_purchase, read_purchase_refusal};
use crate::table::{Change, Cond, Index, Item, Query, SortRange, Write, s};

/// Says whether the caller may do this to the accounts as they stand. Called with the very heads that the write's
/// conditions then hold to.
pub type MayI<'a> = &'a (dyn Fn(&Heads) -> Result<(), Denied> + Sync);

/// How often a plan is made anew when other writers come first. With this process's own requests queued, only other
/// processes race; each lost race means that somebody's transfer succeeded.
const REPLANS: u32 = 40;

/// What to do after a refused commit.
enum Next {
    Fresh,
    Resolve,
}

impl Store {
    /// Moves credit, once per idempotency key for ever. One transaction when this process knows the heads; before the
    /// first one it reads each head.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Credit`], [`StoreError::KeyReused`], [`StoreError::AlreadyReversed`],
    /// [`StoreError::TooManyBranches`], [`StoreError::Busy`], [`StoreError::Unknown`].
    pub async fn transfer(
        &self,
        request: &TransferRequest,
        scope: &Scope,
        attempt: &EventId,
        may_i: MayI<'_>,
    ) -> Result<Outcome<Transfer>, StoreError> {
        let ledgers: BTreeSet<LedgerId> = request.legs.iter().flat_map(|leg| [leg.from.clone(), leg.to.clone()]).collect();
        let _queue = self.memory.queue_up(&ledgers).await;
        let (mut heads, mut fresh) = match self.heads(&ledgers).await {
            Ok(found) => found,
            Err(error @ StoreError::Denied(_)) => return self.unless_done(scope, error).await,
            Err(error) => return Err(error),
        };
        let mut resolved = false;
        for replan in 0..REPLANS {
            let planned = may_i(&heads).map_err(StoreError::from).and_then(|()| plan_transfer(request, &heads).map_err(StoreError::from));
            let plan = match planned {
                Ok(plan) => plan,
                Err(_) if !fresh => {
                    (heads, fresh) = (self.fresh_heads(&ledgers).await?, true);
                    continue;
                }
                Err(StoreError::Denied(_) | StoreError::Credit(CreditError::NotBelow { .. })) if !resolved => {
                    (heads, resolved) = (self.resolved_heads(&ledgers).await?, true);
                    continue;
                }
                Err(refusal) => {
                    let refusal = self.unless_reversed(request, refusal).await?;
                    return self.unless_done(scope, refusal).await;
                }
            };
            let refused = match self.try_transfer(&plan, scope, attempt).await? {
                Ok(()) => {
                    self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
                    return Ok(Outcome::Done(plan.transfer));
                }
                Err(refused) => refused,
            };
            if let Some(record) = refused.guard() {
                let outcome = scope.outcome(record, attempt)?;
                ledgers.iter().for_each(|ledger| self.memory.forget(ledger));
                return Ok(outcome);
            }
            match self.read_refusal(&refused, &plan)? {
                Next::Resolve => (heads, fresh, resolved) = (self.resolved_heads(&ledgers).await?, true, true),
                Next::Fresh => {
                    if replan > 2 {
                        self.patience.pause((replan - 2).min(4)).await;
                    }
                    (heads, fresh, resolved) = (self.fresh_heads(&ledgers).await?, true, false);
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Of a reversal that finds too little credit, says rather that the transfer had been reversed, if it had.
    async fn unless_reversed(&self, request: &TransferRequest, refusal: StoreError) -> Result<StoreError, StoreError> {
        let (Some(original), StoreError::Credit(_)) = (&request.reverses, &refusal) else { return Ok(refusal) };
        let (_, reversed_by) = self.find_transfer(original).await?;
        Ok(if reversed_by.is_some() { StoreError::AlreadyReversed } else { refusal })
    }

    async fn try_transfer(&self, plan: &TransferPlan, scope: &Scope, attempt: &EventId) -> Result<Result<(), Refused>, StoreError> {
        let mut tx = Tx::default();
        push_transfer_record(&mut tx, scope, &plan.transfer, attempt)?;
        for entry in &plan.entries {
            push_entry(&mut tx, entry);
        }
        let spender = plan.transfer.legs.first().map(|leg| leg.from.to_string()).unwrap_or_default();
        gates::push_checks(&mut tx, &plan.gates, &spender);
        push_purchase(&mut tx, &plan.transfer)?;
        self.push_purchase_charge(&mut tx, &plan.transfer).await?;
        if let Some(original) = &plan.transfer.reverses {
            let (key, _) = self.transfer_record(original).await?.ok_or(Denied::Absent)?;
            let changes = vec![Change::Set("reversed_by", s(plan.transfer.id.as_str()))];
            tx.push(Part::Original, Write::update(key, changes, Cond::All(vec![Cond::Exists, Cond::Lacks("reversed_by")])));
        }
        tx.commit(&*self.table, &self.patience).await
    }

    fn read_refusal(&self, refused: &Refused, plan: &TransferPlan) -> Result<Next, StoreError> {
        for (part, _) in &refused.0 {
            if let Part::Entry(ledger) = part {
                self.memory.forget(ledger);
            }
        }
        if refused.of(&Part::Original).is_some() {
            return Err(StoreError::AlreadyReversed);
        }
        if let Some(purchase) = &plan.transfer.purchase {
            read_purchase_refusal(refused, purchase)?;
        }
        match gates::verdict(refused, &plan.gates) {
            Some(GateVerdict::Moved) => Ok(Next::Resolve),
            // The account that cannot spend is a debited one below the suspended ancestor.
            Some(GateVerdict::Suspended(ancestor)) if !refused.has_entry() => Err(CreditError::Suspended(ancestor).into()),
            Some(GateVerdict::Suspended(_)) | None => Ok(Next::Fresh),
        }
    }

    /// The record of a transfer and the key it is kept under. Found through an index, read from the table.
    pub(crate) async fn transfer_record(&self, id: &TransferId) -> Result<Option<(crate::table::Key, Item)>, StoreError> {
        let query = Query::index(Index::Gsi1, keys::transfer_index(id), SortRange::Every).limit(1);
        // An index follows the table within milliseconds; a transfer asked for right after it was made deserves a second look.
        for attempt in 0..3 {
            if attempt > 0 {
                self.patience.pause(attempt + 2).await;
            }
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            let Some(key) = page.items.first().and_then(crate::table::Key::of) else { continue };
            let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
            return Ok(item.map(|item| (key, item)));
        }
        Ok(None)
    }

    /// A transfer by its id, and the id of the one that sent it back, if one did.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn find_transfer(&self, id: &TransferId) -> Result<(Transfer, Option<TransferId>), StoreError> {
        let (_, item) = self.transfer_record(id).await?.ok_or(Denied::Absent)?;
        let reader = Reader(&item);
        if let Some(transfer) = crate::job_credits::transfer_of(&item)? {
            return Ok((transfer, None));
        }
        let transfer = match reader.maybe_text("transfer")? {
            Some(_) => reader.json("transfer")?,
            None => reader.json("answer")?,
        };
        Ok((transfer, reader.maybe_parsed("reversed_by")?))
    }

    /// The request that sends `original` back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its kind cannot be sent back.
    pub fn reversal_of(&self, original: &Transfer, request: TransferRequest) -> Result<TransferRequest, StoreError> {
        if original.job_id.is_some() {
            return Err(StoreError::Conflict("credit of a bulk job is taken back by undoing the job"));
        }
        match original.kind {
            EntryKind::Allocation | EntryKind::Transfer | EntryKind::Issue | EntryKind::Purchase | EntryKind::AutoTopup => {}
            _ => return Err(StoreError::Conflict("only an allocation, a transfer, a purchase or an issue can be reversed")),
        }
        let (legs, reverses, purchase) = (reversed_legs(original)?, Some(original.id.clone()), original.purchase.clone());
        Ok(TransferRequest { kind: EntryKind::Reversal, legs, reverses, purchase, ..request })
    }
}

/// Adds the guard: the record of the transfer under its idempotency key, found by its id through an index.
pub(crate) fn push_transfer_record(tx: &mut Tx, scope: &Scope, transfer: &Transfer, attempt: &EventId) -> Result<(), StoreError> {
    let mut record = scope.record(transfer, attempt)?;
    put(&mut record, "gsi1pk", s(keys::transfer_index(&transfer.id)));
    put(&mut record, "gsi1sk", s("-"));
    tx.push(Part::Guard, Write::create(scope.key(), record));
    Ok(())
}

/// Whether every head's account lies in the subtree of `of`, itself included.
pub fn all_within(heads: &Heads, of: &tributary_domain::id::AccountId) -> bool {
    let within = |head: &Head| head.ledger.account().is_none_or(|account| account == of || head.lineage.has(of));
    heads.values().all(within)
}
