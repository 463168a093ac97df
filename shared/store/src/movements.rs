//! Credit that moves because of an invoice: between a buyer and its seller, beside what else the transaction writes.

use jiff::Timestamp;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Book, CreditError, EntryKind, Head, LedgerId};
use tributary_domain::money::{Amount, Currency};
use tributary_domain::text::Reference;
use tributary_domain::transfer::{Leg, Purchased, TransferPlan, TransferRequest, plan_transfer};

use crate::Store;
use crate::codec::{json, put};
use crate::commit::{Part, Refused, Tx};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::gates::{self, GateVerdict};
use crate::keys;
use crate::table::{Item, Key, Write, s};

/// A movement of credit that is to be planned. Nobody's authority is needed: the platform does it.
#[derive(Debug, Clone)]
pub(crate) struct Movement<'a> {
    /// The new transfer's id.
    pub id: &'a TransferId,
    /// What it is.
    pub kind: EntryKind,
    /// The debited ledger.
    pub from: LedgerId,
    /// The credited ledger.
    pub to: LedgerId,
    /// How much.
    pub amount: Amount,
    /// What it is for.
    pub reference: Option<Reference>,
    /// What is bought.
    pub purchase: Option<Purchased>,
    /// Now.
    pub now: Timestamp,
}

/// The ledger of a seller opposite to a buyer's: its own, or the operator's book of what was used up.
pub(crate) fn sellers_ledger(buyer: &Head, seller: &AccountId, currency: Currency) -> Result<LedgerId, StoreError> {
    let account = buyer.ledger.account().ok_or(Denied::Absent)?;
    let operator = buyer.lineage.ids().next() == Some(seller);
    Ok(if operator { LedgerId::system(Book::Consumed, currency, account) } else { LedgerId::Account(seller.clone()) })
}

impl Store {
    /// Plans a movement on fresh heads; with `resolve`, on lineages as they are now. The inner error is why credit cannot move.
    pub(crate) async fn plan_movement(
        &self,
        movement: &Movement<'_>,
        resolve: bool,
    ) -> Result<Result<TransferPlan, CreditError>, StoreError> {
        let ledgers = [movement.from.clone(), movement.to.clone()].into();
        let heads = if resolve { self.resolved_heads(&ledgers).await? } else { self.fresh_heads(&ledgers).await? };
        let root = heads.values().find_map(|head| head.lineage.ids().next().or(head.ledger.account())).ok_or(Denied::Absent)?;
        let request = TransferRequest {
            id: movement.id.clone(),
            kind: movement.kind,
            legs: vec![Leg { from: movement.from.clone(), to: movement.to.clone(), amount: movement.amount }],
            reference: movement.reference.clone(),
            reverses: None,
            purchase: movement.purchase.clone(),
            authority: root.clone(),
            now: movement.now,
        };
        Ok(plan_transfer(&request, &heads))
    }

    /// Adds a planned movement, with its record as a part of what it is done for. `spender` chooses the copies of gates.
    pub(crate) fn push_movement(&self, tx: &mut Tx, record: Key, plan: &TransferPlan, spender: &AccountId) -> Result<(), StoreError> {
        let mut item = Item::new();
        put(&mut item, "transfer", json(&plan.transfer)?);
        put(&mut item, "gsi1pk", s(keys::transfer_index(&plan.transfer.id)));
        put(&mut item, "gsi1sk", s("-"));
        tx.push(Part::Plain, Write::create(record, item));
        plan.entries.iter().for_each(|entry| push_entry(tx, entry));
        gates::push_checks(tx, &plan.gates, spender.as_str());
        Ok(())
    }

    /// Remembers the heads of a movement that was committed.
    pub(crate) fn learn_movement(&self, plan: Option<&TransferPlan>) {
        if let Some(plan) = plan {
            self.memory.learn(plan.entries.iter().map(|entry| &entry.after));
        }
    }

    /// After a refused commit: forgets the heads, and says whether lineages must be resolved.
    pub(crate) fn forget_movement(&self, plan: Option<&TransferPlan>, refused: &Refused) -> bool {
        let Some(plan) = plan else { return false };
        plan.entries.iter().for_each(|entry| self.memory.forget(&entry.after.ledger));
        matches!(gates::verdict(refused, &plan.gates), Some(GateVerdict::Moved))
    }
}

/// After a refused commit: the debited account stands below one that is suspended, and nothing else was in the way.
pub(crate) fn is_stopped(plan: Option<&TransferPlan>, refused: &Refused) -> bool {
    let verdict = plan.and_then(|plan| gates::verdict(refused, &plan.gates));
    matches!(verdict, Some(GateVerdict::Suspended(_))) && !refused.has_entry()
}
