//! Accounts: read, make, edit.

use std::collections::BTreeSet;

use serde_json::json;
use tributary_domain::account::{Account, Funding, Kind, Settings, Status, Tags};
use tributary_domain::billing::bill::CutKind;
use tributary_domain::brand::{Brand, Portal, Token};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Entry, EntryKind, Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::lot::Lots;
use tributary_domain::money::{Amount, Currency, Micros};
use tributary_domain::text::{Email, ExternalId, Name};
use tributary_domain::transfer::{GateCheck, GateChecks, Leg, Transfer, TransferRequest, add_gate, gates_for_debit, plan_transfer};

use crate::Store;
use crate::account_items::{decode, edit_changes, encode};
use crate::account_states::refuse_stale;
use crate::billing::{cut_of, push_opened};
use crate::brands::{push_logo, refused};
use crate::codec::{Reader, json as json_value, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates::{self, GateVerdict};
use crate::idempotency::{GIVEN_UP, Outcome, Scope, guard_without, if_done};
use crate::keys;
use crate::table::{Change, Cond, MAX_BATCH_GET, Value, Write, s};

/// Under whose rights something is done: their home account, and the decision over a target and its ancestors.
#[derive(Clone, Copy)]
pub struct Authority<'a> {
    /// The caller's account: the target must stay in its subtree until the commit.
    pub home: &'a AccountId,
    /// The decision.
    pub may: &'a (dyn Fn(&AccountId, &Lineage) -> Result<(), Denied> + Sync),
}

/// How often an account's change is planned anew when others come first.
pub(crate) const REPLANS: u32 = 24;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Where it goes.
    pub parent: AccountId,
    /// What it is: reseller or customer.
    pub kind: Option<Kind>,
    /// Its name.
    pub name: Name,
    /// The caller's own id for it.
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    pub email: Option<Email>,
    /// Labels; `None` takes the cloned account's.
    pub tags: Option<Tags>,
    /// Settings; `None` takes the cloned account's.
    pub settings: Option<Settings>,
    /// Its currency; `None` takes the parent's. Another than the parent's only below the operator.
    pub currency: Option<Currency>,
    /// How far its credit may go below zero.
    pub credit_limit: Option<Micros>,
    /// How it pays its parent for usage; `None` is prepaid.
    pub funding: Option<Funding>,
    /// Credit moved from the parent in the same transaction, and the id of that transfer.
    pub initial_credits: Option<(Amount, TransferId)>,
    /// The account whose kind, tags and settings it takes where the above are `None`.
    pub clone_from: Option<AccountId>,
}

/// What an edit changes; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// New name.
    pub name: Option<Name>,
    /// New external id.
    pub external_id: Option<Option<ExternalId>>,
    /// New address.
    pub email: Option<Option<Email>>,
    /// New labels, all of them.
    pub tags: Option<Tags>,
    /// New settings, all of them.
    pub settings: Option<Settings>,
    /// New credit limit.
    pub credit_limit: Option<Micros>,
    /// New way of paying for usage.
    pub funding: Option<Funding>,
}

impl Store {
    /// An account by its id, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn account(&self, id: &AccountId) -> Result<Account, StoreError> {
        let key = keys::account(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        decode(&item.ok_or(Denied::Absent)?)
    }

    /// Accounts by their ids, in that order; those that do not exist are left out.
    ///
    /// # Errors
    /// Table errors.
    pub async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_BATCH_GET) {
            let wanted: Vec<_> = chunk.iter().map(keys::account).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
            for item in items.into_iter().flatten() {
                found.push(decode(&item)?);
            }
        }
        Ok(found)
    }

    /// An account that the caller may act on, with its lineage as it is now if the stored one did not suffice.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; table errors.
    pub async fn account_for(&self, id: &AccountId, authority: Authority<'_>) -> Result<Account, StoreError> {
        let account = self.account(id).await?;
        match (authority.may)(&account.id, &account.lineage) {
            Ok(()) => Ok(account),
            // The stored ancestors may be of before an ancestor's move.
            Err(Denied::Absent) => {
                let lineage = self.resolved_lineage(&account.lineage).await?;
                (authority.may)(&account.id, &lineage)?;
                Ok(Account { lineage, ..account })
            }
            Err(lacks @ Denied::Lacks(_)) => Err(lacks.into()),
        }
    }

    /// The same for one whose ancestors' gates will be checked: with `resolve`, the lineage is walked anew.
    pub(crate) async fn account_to_change(&self, id: &AccountId, authority: Authority<'_>, resolve: bool) -> Result<Account, StoreError> {
        let mut account = self.account_for(id, authority).await?;
        if resolve {
            account.lineage = self.resolved_lineage(&account.lineage).await?;
            (authority.may)(&account.id, &account.lineage)?;
        }
        Ok(account)
    }

    /// Makes an account below `new.parent`, with its ledger and, if asked, its first credit, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::ExternalIdTaken`], [`StoreError::TooDeep`], [`StoreError::ParentIsCustomer`],
    /// [`StoreError::AccountState`], [`StoreError::ParentCurrency`], [`StoreError::Credit`], [`StoreError::KeyReused`].
    pub async fn create_account(
        &self,
        new: &NewAccount,
        authority: Authority<'_>,
        may_clone: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Outcome<Account>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let (account, tx, checks) = match self.plan_account(new, authority, may_clone, act, scope, resolve).await {
                Ok(plan) => plan,
                Err(refusal) => return self.unless_done(scope, refusal).await,
            };
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(account)),
                Err(refused) => refused,
            };
            if let Some(done) = if_done(scope, &refused, &act.event, async { Ok(account) }).await? {
                return Ok(done);
            }
            if let Some(taken) = refused.of(&Part::Unique) {
                return Err(taken_by(taken)?);
            }
            resolve = read_gates(&refused, &checks)?;
            self.memory.forget(&LedgerId::Account(new.parent.clone()));
        }
        Err(StoreError::Busy)
    }

    async fn plan_account(
        &self,
        new: &NewAccount,
        authority: Authority<'_>,
        may_clone: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        resolve: bool,
    ) -> Result<(Account, Tx, GateChecks), StoreError> {
        let parent = self.account_to_change(&new.parent, authority, resolve).await?;
        let template = match &new.clone_from {
            Some(id) => Some(self.account_for(id, may_clone).await?),
            None => None,
        };
        let branded = |settings: &Settings| settings.brand.is_some();
        let locks = match (&new.settings, &template) {
            (Some(settings), _) if branded(settings) => self.locks_below(&parent).await?,
            (_, Some(template)) if branded(&template.settings) || template.portal.logo.is_some() => self.locks_below(&parent).await?,
            _ => BTreeSet::new(),
        };
        if let Some(brand) = new.settings.as_ref().and_then(|settings| settings.brand.as_ref()) {
            refused(&brand.set_since(&Brand::default()), &locks)?;
        }
        let account = new_account(new, &parent, template.as_ref(), &locks, act)?;
        let (mut tx, mut checks) = (Tx::default(), GateChecks::new());
        push_event(
            &mut tx,
            guard_without(scope),
            act,
            &account.id,
            RecordKind::AccountCreated,
            &json!({ "parent_id": parent.id, "name": account.name }),
        )?;
        tx.push(Part::Account, Write::create(keys::account(&account.id), encode(&account)?));
        let as_read = Cond::All(vec![Cond::Eq("st", s(Status::Active.word())), Cond::Eq("gen", Value::N(i64::from(parent.generation)))]);
        tx.push(Part::Parent, Write::update(keys::account(&parent.id), vec![Change::Add("kids", 1)], as_read));
        if let Some(external_id) = &account.external_id {
            push_unique(&mut tx, &parent.id, external_id, &account.id);
        }
        push_logo(&mut tx, None, &account);
        let entries = self.opening_entries(new, &account, &parent, authority.home, act, &mut checks).await?;
        for step in parent.lineage.steps().iter().skip(1) {
            add_gate(&mut checks, &step.id, GateCheck { generation: step.generation, must_be_open: true });
        }
        entries.0.iter().for_each(|entry| push_entry(&mut tx, entry));
        push_opened(&mut tx, &account, act.now)?;
        gates::push_checks(&mut tx, &checks, account.id.as_str());
        if let Some(scope) = scope {
            push_account_record(&mut tx, scope, &account, entries.1.as_ref(), act)?;
        }
        Ok((account, tx, checks))
    }

    /// The first entries: the ledger's opening and, with initial credits, the parent's debit and the account's credit.
    async fn opening_entries(
        &self,
        new: &NewAccount,
        account: &Account,
        parent: &Account,
        authority: &AccountId,
        act: &Act,
        checks: &mut GateChecks,
    ) -> Result<(Vec<Entry>, Option<Transfer>), StoreError> {
        let opening = opening_head(account).state_entry(EntryKind::Opened, act.now, |_| {})?;
        let Some((amount, id)) = &new.initial_credits else {
            return Ok((vec![opening], None));
        };
        let (from, to) = (LedgerId::Account(parent.id.clone()), LedgerId::Account(account.id.clone()));
        let mut payer = self.head(&from).await?;
        payer.lineage = parent.lineage.clone();
        gates_for_debit(checks, &payer, EntryKind::Allocation);
        let request = TransferRequest {
            id: id.clone(),
            kind: EntryKind::Allocation,
            legs: vec![Leg { from: from.clone(), to: to.clone(), amount: *amount }],
            reference: None,
            reverses: None,
            purchase: None,
            authority: authority.clone(),
            now: act.now,
        };
        let plan = plan_transfer(&request, &[(from, payer), (to, opening.after.clone())].into())?;
        let mut entries = vec![opening];
        entries.extend(plan.entries);
        Ok((entries, Some(plan.transfer)))
    }

    /// Edits an account. With `expected`, only that version. With a `scope`, its record is made with the edit, unless the request
    /// was given up.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`], [`StoreError::ExternalIdTaken`], [`StoreError::AccountState`] for a
    /// closed account, [`StoreError::BrandLocked`], [`StoreError::Conflict`] for a request that was given up.
    pub async fn edit_account(
        &self,
        id: &AccountId,
        edit: &Edit,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Account, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let old = self.account_to_change(id, authority, resolve).await?;
            refuse_stale(&old, expected)?;
            if old.status == Status::Closed {
                return Err(StoreError::AccountState("closed"));
            }
            if let Some(settings) = &edit.settings {
                self.refuse_locked_settings(&old, settings).await?;
            }
            let new = edited(&old, edit, act);
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, id, RecordKind::AccountUpdated, &json!({ "version": new.version }))?;
            if let Some(scope) = scope {
                tx.push(Part::Cause, Write::create(scope.key(), scope.record(&json!({ "id": id }), &act.event)?));
            }
            let as_read = Cond::Eq("ver", Value::N(old.version));
            tx.push(Part::Account, Write::update(keys::account(id), edit_changes(&new)?, as_read));
            push_external_id_change(&mut tx, &old, &new);
            let checks = place_checks(&old, authority.home);
            gates::push_checks(&mut tx, &checks, id.as_str());
            let mut cut = None;
            if old.credit_limit != new.credit_limit || old.funding != new.funding {
                let mut head = self.head(&LedgerId::Account(id.clone())).await?;
                if old.credit_limit != new.credit_limit {
                    let entry = head.state_entry(EntryKind::LimitSet, act.now, |after| after.credit_limit = new.credit_limit)?;
                    push_entry(&mut tx, &entry);
                    head = entry.after;
                }
                if old.funding != new.funding {
                    let entry = head.state_entry(EntryKind::FundingSet, act.now, |after| after.funding = new.funding)?;
                    push_entry(&mut tx, &entry);
                    cut = new.lineage.parent().map(|parent| cut_of(&entry, CutKind::Funding, parent));
                }
            }
            self.push_edited(&mut tx, (&old, &new), cut, act.now).await?;
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) => refused,
            };
            if refused.guard().is_some() {
                return Ok(new);
            }
            if refused.of(&Part::Cause).is_some() {
                return Err(GIVEN_UP);
            }
            if let Some(taken) = refused.of(&Part::Unique) {
                return Err(taken_by(taken)?);
            }
            resolve = read_gates(&refused, &checks)?;
            self.memory.forget(&LedgerId::Account(id.clone()));
        }
        Err(StoreError::Busy)
    }
}

/// The checks that keep an account in the caller's subtree until the commit.
pub(crate) fn place_checks(account: &Account, home: &AccountId) -> GateChecks {
    let mut checks = GateChecks::new();
    if &account.id != home {
        for step in account.lineage.below(home).iter().filter(|step| account.lineage.steps().first() != Some(step)) {
            checks.insert(step.id.clone(), GateCheck { generation: step.generation, must_be_open: false });
        }
    }
    checks
}

/// The same, and that the account itself stays where it is: for writes of what belongs to an account, which do not write
/// the account's own item under its version.
pub(crate) fn place_checks_of_own(account: &Account, home: &AccountId) -> GateChecks {
    let mut checks = place_checks(account, home);
    if &account.id != home && account.lineage.parent().is_some() {
        checks.insert(account.id.clone(), GateCheck { generation: account.generation, must_be_open: false });
    }
    checks
}

/// `true` if the lineage must be resolved before planning anew.
///
/// # Errors
/// [`StoreError::Credit`] with `Suspended` when an ancestor is.
pub(crate) fn read_gates(refused: &Refused, checks: &GateChecks) -> Result<bool, StoreError> {
    match gates::verdict(refused, checks) {
        Some(GateVerdict::Suspended(ancestor)) => Err(tributary_domain::ledger::CreditError::Suspended(ancestor).into()),
        Some(GateVerdict::Moved) => Ok(true),
        None => Ok(false),
    }
}

/// The state of a ledger before its first entry.
pub(crate) fn opening_head(account: &Account) -> Head {
    Head {
        ledger: LedgerId::Account(account.id.clone()),
        seq: 0,
        lineage: account.lineage.clone(),
        generation: account.generation,
        kind: account.kind,
        status: account.status,
        currency: account.currency,
        available: Micros::ZERO,
        held: Micros::ZERO,
        credit_limit: account.credit_limit,
        funding: account.funding,
        lots: Lots::default(),
        usage_seq: 0,
        at: account.created_at,
    }
}

fn new_account(
    new: &NewAccount,
    parent: &Account,
    template: Option<&Account>,
    locks: &BTreeSet<Token>,
    act: &Act,
) -> Result<Account, StoreError> {
    if !parent.may_have_children() {
        return Err(StoreError::ParentIsCustomer);
    }
    match parent.status {
        Status::Active => {}
        stopped @ (Status::Suspended | Status::Closed) => return Err(StoreError::AccountState(stopped.word())),
    }
    let currency = new.currency.unwrap_or(parent.currency);
    if currency != parent.currency && parent.kind != Kind::Operator {
        return Err(StoreError::ParentCurrency { parent: parent.currency, account: currency });
    }
    Ok(Account {
        id: new.id.clone(),
        lineage: parent.lineage.child(&parent.id, parent.generation)?,
        generation: 0,
        kind: new.kind.or(template.map(|t| t.kind).filter(|kind| *kind != Kind::Operator)).unwrap_or(Kind::Customer),
        name: new.name.clone(),
        external_id: new.external_id.clone(),
        email: new.email.clone(),
        status: Status::Active,
        currency,
        tier: "none".to_owned(),
        tier_version: 0,
        credit_limit: new.credit_limit.unwrap_or(Micros::ZERO),
        funding: new.funding.unwrap_or_default(),
        tags: new.tags.clone().or_else(|| template.map(|t| t.tags.clone())).unwrap_or_default(),
        settings: new.settings.clone().or_else(|| template.map(|t| unlocked(&t.settings, locks))).unwrap_or_default(),
        open_children: 0,
        version: 1,
        created_at: act.now,
        updated_at: act.now,
        frozen_at: None,
        accepted: None,
        // The picture is a part of the brand; slug and host are one account's.
        portal: Portal {
            logo: template.filter(|_| new.settings.is_none() && !locks.contains(&Token::Logo)).and_then(|t| t.portal.logo.clone()),
            ..Portal::default()
        },
    })
}

/// Cloned settings, without what may not be set where the clone stands.
fn unlocked(settings: &Settings, locks: &BTreeSet<Token>) -> Settings {
    let brand = settings.brand.clone().map(|brand| brand.without(locks)).filter(|brand| brand != &Brand::default());
    Settings { brand, ..settings.clone() }
}

fn edited(old: &Account, edit: &Edit, act: &Act) -> Account {
    let mut new = old.clone();
    if let Some(name) = &edit.name {
        new.name = name.clone();
    }
    if let Some(external_id) = &edit.external_id {
        new.external_id = external_id.clone();
    }
    if let Some(email) = &edit.email {
        new.email = email.clone();
    }
    if let Some(tags) = &edit.tags {
        new.tags = tags.clone();
    }
    if let Some(settings) = &edit.settings {
        new.settings = settings.clone();
    }
    if let Some(limit) = edit.credit_limit {
        new.credit_limit = limit;
    }
    if let Some(funding) = edit.funding {
        new.funding = funding;
    }
    new.version += 1;
    new.updated_at = act.now;
    new
}

fn push_unique(tx: &mut Tx, parent: &AccountId, external_id: &ExternalId, account: &AccountId) {
    let mut item = crate::table::Item::new();
    put(&mut item, "acc", s(account.as_str()));
    tx.push(Part::Unique, Write::create(keys::external_id(parent, external_id.as_str()), item));
}

/// Lets go of the old `external_id` and takes the new one, where they differ; also when the parent does.
pub(crate) fn push_external_id_change(tx: &mut Tx, old: &Account, new: &Account) {
    let (Some(old_parent), Some(new_parent)) = (old.lineage.parent(), new.lineage.parent()) else {
        return;
    };
    if old.external_id == new.external_id && old_parent == new_parent {
        return;
    }
    if let Some(external_id) = &old.external_id {
        let own = Cond::Any(vec![Cond::NotExists, Cond::Eq("acc", s(old.id.as_str()))]);
        tx.push(Part::Plain, Write::delete(keys::external_id(old_parent, external_id.as_str()), own));
    }
    if let Some(external_id) = &new.external_id {
        push_unique(tx, new_parent, external_id, &new.id);
    }
}

pub(crate) fn taken_by(item: Option<&crate::table::Item>) -> Result<StoreError, StoreError> {
    match item {
        Some(item) => Ok(StoreError::ExternalIdTaken(Reader(item).parsed("acc")?)),
        None => Ok(StoreError::Taken("the external_id")),
    }
}

/// Adds the idempotency record of a creation: the account is the answer; with initial credits it is the transfer's
/// record too.
fn push_account_record(tx: &mut Tx, scope: &Scope, account: &Account, transfer: Option<&Transfer>, act: &Act) -> Result<(), StoreError> {
    let mut record = scope.record(account, &act.event)?;
    if let Some(transfer) = transfer {
        put(&mut record, "gsi1pk", s(keys::transfer_index(&transfer.id)));
        put(&mut record, "gsi1sk", s("-"));
        put(&mut record, "transfer", json_value(transfer)?);
    }
    tx.push(Part::Guard, Write::create(scope.key(), record));
    Ok(())
}
