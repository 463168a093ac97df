//! An account's states: suspend, reactivate, close.

use serde_json::json;
use tributary_domain::account::{Accepted, Account, Kind, Status, StatusChange};
use tributary_domain::billing::bill::CutKind;
use tributary_domain::brand::Portal;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{EntryKind, Head, LedgerId};
use tributary_domain::money::{Amount, Micros};
use tributary_domain::transfer::{Leg, TransferRequest, add_gate, plan_transfer};

use crate::Store;
use crate::account_items::{lifted_changes, portal_change};
use crate::accounts::{Authority, REPLANS, place_checks, read_gates};
use crate::billing::cut_of;
use crate::brands::push_names;
use crate::codec::{json as json_value, put};
use crate::commit::{Part, Tx};
use crate::dunning::push_suspended_by;
use crate::entries::push_entry;
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::grants::push_principal_change;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::principals::ApiKey;
use crate::table::{Change, Cond, Value, Write, s};

/// How an account is to be closed.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// The transfer that sends what is available to the parent first, if that is wanted.
    pub sweep: Option<TransferId>,
    /// Only this version.
    pub expected: Option<i64>,
}

/// Refuses another version than the expected one.
pub(crate) fn refuse_stale(account: &Account, expected: Option<i64>) -> Result<(), StoreError> {
    match expected {
        Some(version) if version != account.version => Err(StoreError::Stale(account.version)),
        Some(_) | None => Ok(()),
    }
}

/// Refuses what only the operator may do to a frozen account. The account's version, on which every such write is
/// conditional, covers the mark.
fn refuse_frozen(account: &Account, home: &AccountId) -> Result<(), StoreError> {
    let by_operator = account.lineage.ids().next() == Some(home);
    if account.frozen_at.is_some() && !by_operator { Err(StoreError::Frozen) } else { Ok(()) }
}

impl Store {
    /// Suspends or reactivates an account. From the commit on, nothing in the subtree of a suspended account spends:
    /// the account's own ledger and every copy of its gate are written in the same transaction. Asking for the state it
    /// is in changes nothing. Reactivating a frozen account lifts the freeze and accepts its books as they are; one that is
    /// closed, by its item or by its ledger, stays closed.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Stale`]; [`StoreError::AccountState`] for a closed account;
    /// [`StoreError::Frozen`] where only the operator may reactivate; [`StoreError::Conflict`] for the operator.
    pub async fn set_status(
        &self,
        id: &AccountId,
        change: StatusChange,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
    ) -> Result<Account, StoreError> {
        let (event, kind) = match change {
            StatusChange::Suspend => (RecordKind::AccountSuspended, EntryKind::Suspended),
            StatusChange::Reactivate => (RecordKind::AccountReactivated, EntryKind::Reactivated),
            StatusChange::Close => return Err(StoreError::Conflict("closing an account is a request of its own")),
        };
        let ledger = LedgerId::Account(id.clone());
        let mut resolve = false;
        for _ in 0..REPLANS {
            let old = self.account_to_change(id, authority, resolve).await?;
            refuse_stale(&old, expected)?;
            let lifts = change == StatusChange::Reactivate && old.frozen_at.is_some();
            let next = next_status(&old, change);
            if lifts {
                refuse_frozen(&old, authority.home)?;
            } else if next.as_ref() == Ok(&old.status) {
                return Ok(old);
            }
            let closed = lifts && old.status == Status::Closed;
            let status = if closed { Status::Closed } else { next? };
            let head = self.head(&ledger).await?;
            // Closed is for good: its books are accepted, and it stays so, whichever of the two says it.
            let closed = closed || lifts && head.status == Status::Closed;
            let (status, kind) = if closed { (Status::Closed, EntryKind::Closed) } else { (status, kind) };
            let entry = head.state_entry(kind, act.now, |after| after.status = status)?;
            let mut new = with_status(&old, status, act);
            if lifts {
                (new.frozen_at, new.accepted) = (None, Some(Accepted { seq: entry.after.seq, at: act.now }));
            }
            let detail =
                if lifts { json!({ "version": new.version, "accepted": new.accepted }) } else { json!({ "version": new.version }) };
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, id, event, &detail)?;
            push_status(&mut tx, &old, &new);
            push_entry(&mut tx, &entry);
            if !closed {
                gates::push_state(&mut tx, id, old.generation, status);
            }
            // From now on it is by hand: no invoice that is paid changes it.
            if let Some(billing) = self.billing(id).await?.filter(|billing| billing.suspended_by.is_some()) {
                push_suspended_by(&mut tx, &billing, None)?;
            }
            let checks = place_checks(&old, authority.home);
            gates::push_checks(&mut tx, &checks, id.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) => refused,
            };
            if refused.guard().is_some() {
                return Ok(new);
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    /// Closes an account for good. Its credit must be gone, or `sweep` sends what is available to the parent in the same
    /// transaction; its sub-accounts must be closed; its keys are revoked.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Frozen`], [`StoreError::OpenChildren`], [`StoreError::CreditLeft`], [`StoreError::KeyReused`],
    /// [`StoreError::Conflict`] for the operator.
    pub async fn close_account(
        &self,
        id: &AccountId,
        closing: &Closing,
        authority: Authority<'_>,
        act: &Act,
        scope: &Scope,
    ) -> Result<Outcome<Account>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let (new, tx, checks) = match self.plan_close(id, closing, authority, act, scope, resolve).await {
                Ok(plan) => plan,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(new)),
                Err(refused) => refused,
            };
            if let Some(record) = refused.guard() {
                return scope.outcome(record, &act.event);
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    async fn plan_close(
        &self,
        id: &AccountId,
        closing: &Closing,
        authority: Authority<'_>,
        act: &Act,
        scope: &Scope,
        resolve: bool,
    ) -> Result<(Account, Tx, tributary_domain::transfer::GateChecks), StoreError> {
        let old = self.account_to_change(id, authority, resolve).await?;
        refuse_stale(&old, closing.expected)?;
        refuse_frozen(&old, authority.home)?;
        let sweep = closing.sweep.as_ref();
        let parent = old.lineage.parent().cloned().ok_or(StoreError::Conflict("the operator's account cannot be closed"))?;
        if old.status == Status::Closed {
            return Err(StoreError::AccountState("closed"));
        }
        if old.open_children > 0 {
            return Err(StoreError::OpenChildren(old.open_children));
        }
        let (own, above) = (LedgerId::Account(id.clone()), LedgerId::Account(parent.clone()));
        let (mut head, mut parent_head) = self.two_heads(&own, &above).await?;
        (head.lineage, parent_head.lineage) = (old.lineage.clone(), old.lineage.above().map(|(_, lineage)| lineage).unwrap_or_default());
        // Of a closed account nothing is reached any more.
        let new = Account { portal: Portal::default(), ..with_status(&old, Status::Closed, act) };
        let mut tx = Tx::default();
        let (mut checks, mut last) = (place_checks(&old, authority.home), head.clone());
        let mut transfer = None;
        if let Some(amount) = left_to_sweep(&head, sweep.is_some())? {
            let request = sweep_request(sweep, &own, &above, amount, authority.home, act)?;
            let plan = plan_transfer(&request, &[(own.clone(), head.clone()), (above, parent_head)].into())?;
            last = plan.entries[0].after.clone();
            plan.entries.iter().for_each(|entry| push_entry(&mut tx, entry));
            for (ancestor, check) in plan.gates {
                add_gate(&mut checks, &ancestor, check);
            }
            transfer = Some(plan.transfer);
        }
        let entry = last.state_entry(EntryKind::Closed, act.now, |after| after.status = Status::Closed)?;
        push_entry(&mut tx, &entry);
        self.push_cut(&mut tx, id, cut_of(&entry, CutKind::Closed, &parent)).await?;
        push_event(&mut tx, Part::Plain, act, id, RecordKind::AccountClosed, &json!({ "swept": transfer.as_ref().map(|t| t.id.clone()) }))?;
        let live = self.live_keys(id).await?;
        push_close(&mut tx, &old, &new, &parent, live.len())?;
        for key in &live {
            let revoked = ApiKey { revoked_at: Some(act.now), secrets: Vec::new(), version: key.version + 1, ..key.clone() };
            push_principal_change(&mut tx, key, &revoked)?;
        }
        gates::push_checks(&mut tx, &checks, id.as_str());
        let mut record = scope.record(&new, &act.event)?;
        if let Some(transfer) = &transfer {
            put(&mut record, "gsi1pk", s(keys::transfer_index(&transfer.id)));
            put(&mut record, "gsi1sk", s("-"));
            put(&mut record, "transfer", json_value(transfer)?);
        }
        tx.push(Part::Guard, Write::create(scope.key(), record));
        Ok((new, tx, checks))
    }
}

fn next_status(account: &Account, change: StatusChange) -> Result<Status, StoreError> {
    match account.kind {
        Kind::Operator => Err(StoreError::Conflict("the operator's account cannot be suspended")),
        Kind::Reseller | Kind::Customer => account.status.after(change).ok_or(StoreError::AccountState(account.status.word())),
    }
}

pub(crate) fn with_status(old: &Account, status: Status, act: &Act) -> Account {
    Account { status, version: old.version + 1, updated_at: act.now, ..old.clone() }
}

pub(crate) fn push_status(tx: &mut Tx, old: &Account, new: &Account) {
    let mut changes = status_changes(new);
    if let (Some(_), None, Some(accepted)) = (old.frozen_at, new.frozen_at, &new.accepted) {
        changes.extend(lifted_changes(accepted));
    }
    tx.push(Part::Account, Write::update(keys::account(&old.id), changes, Cond::Eq("ver", Value::N(old.version))));
}

fn status_changes(new: &Account) -> Vec<Change> {
    let updated = Value::N(new.updated_at.as_millisecond());
    vec![Change::Set("st", s(new.status.word())), Change::Set("ver", Value::N(new.version)), Change::Set("updated", updated)]
}

/// The account's item says closed, only if no sub-account was opened and no key made or revoked meanwhile; the parent has
/// one open child less; the `external_id`, and the portal's slug and host, are free again, and its logo is nobody's.
fn push_close(tx: &mut Tx, old: &Account, new: &Account, parent: &AccountId, keys: usize) -> Result<(), StoreError> {
    let keys = i64::try_from(keys).unwrap_or(i64::MAX);
    let same_keys =
        if keys == 0 { Cond::Any(vec![Cond::Lacks("keys"), Cond::Eq("keys", Value::N(0))]) } else { Cond::Eq("keys", Value::N(keys)) };
    let as_read = Cond::All(vec![Cond::Eq("ver", Value::N(old.version)), Cond::Eq("kids", Value::N(0)), same_keys]);
    let mut changes = status_changes(new);
    changes.extend([Change::Remove("keys"), portal_change(new)?]);
    push_names(tx, old, new);
    tx.push(Part::Account, Write::update(keys::account(&old.id), changes, as_read));
    tx.push(Part::Plain, Write::update(keys::account(parent), vec![Change::Add("kids", -1)], Cond::Exists));
    if let Some(external_id) = &old.external_id {
        let own = Cond::Any(vec![Cond::NotExists, Cond::Eq("acc", s(old.id.as_str()))]);
        tx.push(Part::Plain, Write::delete(keys::external_id(parent, external_id.as_str()), own));
    }
    Ok(())
}

/// What must be swept, if anything. Held credit and debts cannot be.
fn left_to_sweep(head: &Head, sweep: bool) -> Result<Option<Amount>, StoreError> {
    let (available, held) = (head.available, head.held);
    if available.is_zero() && held.is_zero() {
        return Ok(None);
    }
    if !sweep || !held.is_zero() || available.is_negative() {
        return Err(StoreError::CreditLeft { available, held });
    }
    Ok(Some(Amount::new(available).map_err(|_| StoreError::CreditLeft { available, held: Micros::ZERO })?))
}

fn sweep_request(
    id: Option<&TransferId>,
    own: &LedgerId,
    above: &LedgerId,
    amount: Amount,
    home: &AccountId,
    act: &Act,
) -> Result<TransferRequest, StoreError> {
    Ok(TransferRequest {
        id: id.cloned().ok_or(StoreError::Conflict("a sweep needs an id"))?,
        kind: EntryKind::Sweep,
        legs: vec![Leg { from: own.clone(), to: above.clone(), amount }],
        reference: None,
        reverses: None,
        purchase: None,
        authority: home.clone(),
        now: act.now,
    })
}
