//! Moving a subtree: one transaction changes where its root stands, and from that commit on every write below it that
//! relies on the old place is refused by the root's gate. Then the descendants' stored ancestors are brought up to date,
//! which is repeated until done, whoever is interrupted. See `docs/adr/0003-gates.md`.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tributary_domain::account::{Account, Kind, Status};
use tributary_domain::billing::bill::CutKind;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{EntryKind, LedgerId};
use tributary_domain::lineage::{Lineage, MAX_DEPTH, TooDeep};
use tributary_domain::transfer::{GateCheck, GateChecks, add_gate};

use crate::Store;
use crate::account_items::{decode, place_changes};
use crate::account_states::refuse_stale;
use crate::accounts::{Authority, REPLANS, place_checks, push_external_id_change, read_gates, taken_by};
use crate::billing::cut_of;
use crate::codec::{Reader, json as json_value, put, time};
use crate::commit::{Part, Tx, patiently};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::keys;
use crate::table::{Action, Change, Cond, Index, Item, Query, SortRange, Value, Write, s};
use crate::test_clocks::ON_CLOCK;

/// One move, as the account's history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The parent before.
    pub from_parent_id: AccountId,
    /// The parent after.
    pub to_parent_id: AccountId,
    /// When.
    pub moved_at: Timestamp,
}

/// How many accounts are relocated at once.
const PARALLEL: usize = 32;

/// Refuses a move by which the mover would gain rights over the account, given its place before and after: a deny must
/// not be left behind.
pub type KeepsRights<'a> = &'a (dyn Fn(&AccountId, &Lineage, &Lineage) -> Result<(), StoreError> + Sync);

impl Store {
    /// Moves an account, and with it everything below, under another parent.
    ///
    /// `authority.may` is asked about the account, `to_authority.may` about the new parent, and `keeps` whether the mover
    /// would gain rights by the new place.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Cycle`], [`StoreError::TooDeep`], [`StoreError::ParentIsCustomer`],
    /// [`StoreError::AccountState`], [`StoreError::ParentCurrency`], [`StoreError::ExternalIdTaken`].
    pub async fn move_account(
        &self,
        id: &AccountId,
        to: &AccountId,
        authority: Authority<'_>,
        to_authority: Authority<'_>,
        keeps: KeepsRights<'_>,
        expected: Option<i64>,
        act: &Act,
    ) -> Result<Account, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let old = self.account_to_change(id, authority, resolve).await?;
            let target = self.account_to_change(to, to_authority, resolve).await?;
            refuse_stale(&old, expected)?;
            if old.lineage.parent() == Some(to) {
                return Ok(old);
            }
            let new = match self.moved(&old, &target, act).await {
                // The stored ancestors may be of before another move.
                Err(StoreError::Cycle) if !resolve => {
                    resolve = true;
                    continue;
                }
                planned => planned?,
            };
            keeps(id, &old.lineage, &new.lineage)?;
            let (tx, checks) = self.plan_move(&old, &new, &target, authority.home, act).await?;
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.forget(&LedgerId::Account(id.clone()));
                    self.relocate(&new).await?;
                    return Ok(new);
                }
                Err(refused) => refused,
            };
            if refused.guard().is_some() {
                self.relocate(&new).await?;
                return Ok(new);
            }
            if let Some(taken) = refused.of(&Part::Unique) {
                return Err(taken_by(taken)?);
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    async fn moved(&self, old: &Account, target: &Account, act: &Act) -> Result<Account, StoreError> {
        if old.lineage.parent().is_none() {
            return Err(StoreError::Conflict("the operator's account cannot be moved"));
        }
        if target.id == old.id || target.lineage.has(&old.id) {
            return Err(StoreError::Cycle);
        }
        if !target.may_have_children() {
            return Err(StoreError::ParentIsCustomer);
        }
        for status in [target.status, old.status] {
            // A suspended account may be moved; its gate stays shut. Nothing moves under a stopped parent.
            match status {
                Status::Closed => return Err(StoreError::AccountState("closed")),
                Status::Active | Status::Suspended => {}
            }
        }
        if target.status == Status::Suspended {
            return Err(StoreError::AccountState("suspended"));
        }
        if target.kind != Kind::Operator && target.currency != old.currency {
            return Err(StoreError::ParentCurrency { parent: target.currency, account: old.currency });
        }
        self.same_time(old, target).await?;
        let lineage = target.lineage.child(&target.id, target.generation)?;
        if lineage.depth() + self.height_below(old).await? > MAX_DEPTH {
            return Err(TooDeep.into());
        }
        Ok(Account { lineage, generation: old.generation + 1, version: old.version + 1, updated_at: act.now, ..old.clone() })
    }

    /// Nothing moves into or out of a tree on a test clock. One that is put on a clock meanwhile is refused by the conditions of the move.
    async fn same_time(&self, old: &Account, target: &Account) -> Result<(), StoreError> {
        let tops = (old.lineage.top(&old.id), target.lineage.top(&target.id));
        if old.lineage.depth() > 1 && tops.0 == tops.1 {
            return Ok(());
        }
        for top in [tops.0, tops.1].into_iter().flatten() {
            if self.test_clock_of(top).await?.is_some() {
                return Err(StoreError::Conflict("accounts move neither into nor out of a tree on a test clock"));
            }
        }
        Ok(())
    }

    /// Levels below an account: 0 without sub-accounts. Read from the tree index, so a sub-account made in the last
    /// moments may be missed; it then stands at most that much deeper than the limit.
    async fn height_below(&self, account: &Account) -> Result<usize, StoreError> {
        let (mut deepest, mut start) = (0, None);
        loop {
            let (accounts, next) = self.tree_page(&account.id, &account.lineage, start, 0).await?;
            let depth = |a: &Account| a.lineage.depth().saturating_sub(account.lineage.depth());
            deepest = accounts.iter().map(depth).max().unwrap_or(0).max(deepest);
            match next {
                Some(next) => start = Some(next),
                None => return Ok(deepest),
            }
        }
    }

    async fn plan_move(
        &self,
        old: &Account,
        new: &Account,
        target: &Account,
        home: &AccountId,
        act: &Act,
    ) -> Result<(Tx, GateChecks), StoreError> {
        let from = old.lineage.parent().cloned().ok_or(Denied::Absent)?;
        let head = self.head(&LedgerId::Account(old.id.clone())).await?;
        let mut tx = Tx::default();
        let entry = Move { from_parent_id: from.clone(), to_parent_id: target.id.clone(), moved_at: act.now };
        push_event(&mut tx, Part::Guard, act, &old.id, RecordKind::AccountMoved, &json!(entry))?;
        let mut history = Item::new();
        put(&mut history, "doc", json_value(&entry)?);
        tx.push(Part::Plain, Write::put(keys::moved(&old.id, &act.event), history));
        let mut changes = place_changes(new);
        changes.extend([
            Change::Set("gen", Value::N(i64::from(new.generation))),
            Change::Set("ver", Value::N(new.version)),
            Change::Set("updated", time(new.updated_at)),
        ]);
        let as_read = Cond::All(vec![Cond::Eq("ver", Value::N(old.version)), Cond::Lacks(ON_CLOCK)]);
        tx.push(Part::Account, Write::update(keys::account(&old.id), changes, as_read));
        tx.push(Part::OldParent, Write::update(keys::account(&from), vec![Change::Add("kids", -1)], Cond::Exists));
        let mut as_read = vec![Cond::Eq("st", s(Status::Active.word())), Cond::Eq("gen", Value::N(i64::from(target.generation)))];
        if target.lineage.top(&target.id) != old.lineage.top(&old.id) {
            as_read.push(Cond::Lacks(ON_CLOCK));
        }
        let as_read = Cond::All(as_read);
        tx.push(Part::Parent, Write::update(keys::account(&target.id), vec![Change::Add("kids", 1)], as_read));
        push_external_id_change(&mut tx, old, new);
        let entry = head.state_entry(EntryKind::Moved, act.now, |after| {
            after.lineage = new.lineage.clone();
            after.generation = new.generation;
        })?;
        push_entry(&mut tx, &entry);
        self.push_cut(&mut tx, &old.id, cut_of(&entry, CutKind::Moved, &target.id)).await?;
        gates::push_state(&mut tx, &old.id, new.generation, old.status);
        push_relocation(&mut tx, new, act);
        let mut checks = place_checks(old, home);
        for step in target.lineage.steps().iter().skip(1) {
            add_gate(&mut checks, &step.id, GateCheck { generation: step.generation, must_be_open: true });
        }
        gates::push_checks(&mut tx, &checks, old.id.as_str());
        Ok((tx, checks))
    }

    /// Brings the stored ancestors of everything below `root` up to date. Safe to repeat and to interrupt.
    ///
    /// # Errors
    /// Table errors; the relocation then stays open and [`Store::open_relocations`] names it.
    pub async fn relocate(&self, root: &Account) -> Result<usize, StoreError> {
        let mut relocated = 0;
        // From each parent to its children, so that every account is given a place that is already right. The tree
        // index cannot be followed here: its paths are of before.
        let mut open = vec![(root.id.clone(), root.lineage.clone(), root.generation)];
        while let Some((parent, lineage, generation)) = open.pop() {
            let place = lineage.beneath(&parent, generation);
            let mut start = None;
            loop {
                let query = Query::index(Index::Gsi1, keys::children_index(&parent), SortRange::Every).after(start);
                let page = patiently(&self.patience, || self.table.query(&query)).await?;
                let children = page.items.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
                let place = &place;
                let one = async |child: &Account| self.relocate_one(&child.id, place).await;
                let there: Vec<Option<Relocated>> = stream::iter(&children).map(one).buffer_unordered(PARALLEL).try_collect().await?;
                // The index may still show one that was moved away: what is below that is not below here.
                for Relocated { account, changed } in there.into_iter().flatten() {
                    relocated += usize::from(changed);
                    if account.may_have_children() {
                        open.push((account.id, place.clone(), account.generation));
                    }
                }
                match page.next {
                    Some(next) => start = Some(next),
                    None => break,
                }
            }
        }
        Ok(relocated)
    }

    /// Goes over the descendants of one open relocation once more and closes it. The move's own pass reads an index,
    /// which may not show a sub-account made just before the move; a pass a while later does.
    ///
    /// # Errors
    /// Table errors; the relocation then stays open.
    pub async fn finish_relocation(&self, id: &AccountId) -> Result<usize, StoreError> {
        let root = self.account(id).await?;
        let relocated = self.relocate(&root).await?;
        let same_move = Cond::Any(vec![Cond::NotExists, Cond::Eq("gen", Value::N(i64::from(root.generation)))]);
        match self.table.write(&Write { key: keys::relocation(id), action: Action::Delete, cond: Some(same_move) }).await {
            // Another move of the same root has begun: its relocation stays open.
            Ok(_) | Err(crate::table::TableError::Condition(_)) => Ok(relocated),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets one account's stored ancestors, unless they are so already; `None` if it has itself been moved away.
    async fn relocate_one(&self, id: &AccountId, place: &Lineage) -> Result<Option<Relocated>, StoreError> {
        let ledger = LedgerId::Account(id.clone());
        for _ in 0..REPLANS {
            let account = self.account(id).await?;
            let head = self.head(&ledger).await?;
            if account.lineage.parent() != place.parent() {
                return Ok(None);
            }
            if &account.lineage == place && &head.lineage == place {
                return Ok(Some(Relocated { account, changed: false }));
            }
            let new = Account { lineage: place.clone(), ..account.clone() };
            let entry = head.state_entry(EntryKind::Relocated, head.at, |after| after.lineage = place.clone())?;
            let mut tx = Tx::default();
            // The entry's number is the guard: after an unanswered attempt the account is read again and found done.
            push_entry(&mut tx, &entry);
            let as_read = Cond::All(vec![Cond::Eq("lin", s(account.lineage.to_string())), Cond::Eq("ver", Value::N(account.version))]);
            tx.push(Part::Account, Write::update(keys::account(id), place_changes(&new), as_read));
            if tx.commit(&*self.table, &self.patience).await?.is_ok() {
                self.memory.forget(&ledger);
                return Ok(Some(Relocated { account: new, changed: true }));
            }
        }
        Err(StoreError::Busy)
    }

    /// Roots of moves before `before` whose descendants may not all be relocated yet, oldest first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn open_relocations(&self, before: Timestamp, limit: usize) -> Result<Vec<AccountId>, StoreError> {
        let range = SortRange::Between("0".to_owned(), relocation_position(before));
        let query = Query::index(Index::Gsi2, keys::RELOCATIONS_INDEX, range).limit(limit);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        self.mine(&page.items).map(|item| Reader(item).parsed("acc")).collect()
    }

    /// The moves of an account, oldest first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn moves(&self, id: &AccountId) -> Result<Vec<Move>, StoreError> {
        let query = Query::table(keys::account_partition(id), SortRange::BeginsWith("MOVE#".to_owned()));
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        page.items.iter().map(|item| Reader(item).json("doc")).collect()
    }
}

/// An account that is where a move says.
struct Relocated {
    account: Account,
    changed: bool,
}

fn relocation_position(at: Timestamp) -> String {
    format!("{:020}", at.as_millisecond().max(0))
}

fn push_relocation(tx: &mut Tx, root: &Account, act: &Act) {
    let mut item = Item::new();
    put(&mut item, "acc", s(root.id.as_str()));
    put(&mut item, "gen", Value::N(i64::from(root.generation)));
    put(&mut item, "gsi2pk", s(keys::RELOCATIONS_INDEX));
    put(&mut item, "gsi2sk", s(relocation_position(act.now)));
    tx.push(Part::Plain, Write::put(keys::relocation(&root.id), item));
}
