//! Test clocks: one item for each tree that has one, all in one partition, which says how many there are.

use serde_json::json;
use tributary_domain::account::{Account, Status};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ClockId};
use tributary_domain::ledger::LedgerId;
use tributary_domain::test_clock::{MAX_CLOCKS, TestClock};

use crate::Store;
use crate::codec::{Reader, json as document, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::keys;
use crate::table::{Change, Cond, Item, Query, SortRange, TableError, Value, Write, s};

/// The attribute of an account's item that names its test clock.
pub(crate) const ON_CLOCK: &str = "clock";

const NOT_FRESH: StoreError = StoreError::Conflict(
    "a test clock is put on an active account right below the operator that has only just been made: no sub-accounts, keys, members or entries",
);

impl Store {
    /// All test clocks, strongly consistent: one query.
    ///
    /// # Errors
    /// Table errors.
    pub async fn test_clocks(&self) -> Result<Vec<TestClock>, StoreError> {
        let query = Query::table(keys::CLOCKS, SortRange::Every);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        page.items.iter().map(|item| Reader(item).json("doc")).collect()
    }

    /// A test clock by its id, as [`Store::test_clocks`].
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn test_clock(&self, id: &ClockId) -> Result<TestClock, StoreError> {
        let found = self.test_clocks().await?.into_iter().find(|clock| clock.id == *id);
        found.ok_or(StoreError::Denied(Denied::Absent))
    }

    /// The test clock of the tree below an account, strongly consistent: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn test_clock_of(&self, root: &AccountId) -> Result<Option<TestClock>, StoreError> {
        let key = keys::test_clock(root);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.map(|item| Reader(&item).json("doc")).transpose()
    }

    /// Puts an account on a clock of its own.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] unless it is active, right below the operator and has nothing but its opening; [`StoreError::Limit`].
    pub async fn make_test_clock(&self, clock: &TestClock, account: &Account, act: &Act) -> Result<(), StoreError> {
        let clocks = self.test_clocks().await?;
        if clocks.iter().any(|other| other.account_id == account.id) {
            return Err(StoreError::Conflict("the account is on a test clock already"));
        }
        if clocks.len() >= MAX_CLOCKS {
            return Err(StoreError::Limit { what: "test clocks of a platform", limit: i64::try_from(MAX_CLOCKS).unwrap_or(i64::MAX) });
        }
        if account.lineage.depth() != 1 {
            return Err(NOT_FRESH);
        }
        let mut tx = Tx::default();
        push_changed(&mut tx, clock, "created", act)?;
        tx.push(Part::Unique, Write::create(keys::test_clock(&clock.account_id), encode(clock)?));
        let no = |counter| Cond::Any(vec![Cond::Lacks(counter), Cond::Eq(counter, Value::N(0))]);
        let fresh = Cond::All(vec![
            Cond::Eq("st", s(Status::Active.word())),
            Cond::Eq("ver", Value::N(account.version)),
            Cond::Eq("kids", Value::N(0)),
            no("keys"),
            no("members"),
            Cond::Lacks(ON_CLOCK),
        ]);
        let on = vec![Change::Set(ON_CLOCK, s(clock.id.as_str()))];
        tx.push(Part::Account, Write::update(keys::account(&account.id), on, fresh));
        // The opening is its ledger's first entry.
        tx.push(Part::Account, Write::check(keys::entry(&LedgerId::Account(account.id.clone()), 2), Cond::NotExists));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(()),
            Err(refused) if refused.guard().is_some() => Ok(()),
            Err(_) => Err(NOT_FRESH),
        }
    }

    /// Keeps a clock that is sent on its way, over the version in it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another came first.
    pub async fn advance_test_clock(&self, clock: &TestClock, act: &Act) -> Result<TestClock, StoreError> {
        let new = TestClock { version: clock.version + 1, ..clock.clone() };
        let mut tx = Tx::default();
        push_changed(&mut tx, &new, "advanced", act)?;
        tx.push(Part::Plain, Write { cond: Some(as_read(clock)), ..Write::put(keys::test_clock(&clock.account_id), encode(&new)?) });
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(new),
            Err(refused) if refused.guard().is_some() => Ok(new),
            Err(_) => Err(StoreError::Conflict("the clock was changed meanwhile; read it and ask again")),
        }
    }

    /// Keeps how far a clock is, over the version in it; `None` if another came first.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_test_clock(&self, clock: &TestClock) -> Result<Option<TestClock>, StoreError> {
        let new = TestClock { version: clock.version + 1, ..clock.clone() };
        let write = Write { cond: Some(as_read(clock)), ..Write::put(keys::test_clock(&clock.account_id), encode(&new)?) };
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(true),
            Err(TableError::Condition(_)) => Ok(false),
            Err(error) => Err(error),
        };
        Ok(patiently(&self.patience, kept).await?.then_some(new))
    }

    /// Removes the clock of a tree whose root is closed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while it is not closed, or if the clock was changed meanwhile.
    pub async fn remove_test_clock(&self, clock: &TestClock, act: &Act) -> Result<(), StoreError> {
        let mut tx = Tx::default();
        push_changed(&mut tx, clock, "removed", act)?;
        tx.push(Part::Plain, Write::delete(keys::test_clock(&clock.account_id), as_read(clock)));
        let closed = Cond::Eq("st", s(Status::Closed.word()));
        tx.push(Part::Account, Write::check(keys::account(&clock.account_id), closed));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(()),
            Err(refused) if refused.guard().is_some() => Ok(()),
            Err(refused) if refused.of(&Part::Account).is_some() => {
                Err(StoreError::Conflict("the account on the clock is not closed; close its tree first"))
            }
            Err(_) => Err(StoreError::Conflict("the clock was changed meanwhile; read it and ask again")),
        }
    }
}

fn push_changed(tx: &mut Tx, clock: &TestClock, change: &str, act: &Act) -> Result<(), StoreError> {
    let target = clock.target.map(|at| format!("{at:.3}"));
    let said = json!({ "clock_id": clock.id, "account_id": clock.account_id, "change": change, "target": target });
    push_event(tx, Part::Guard, act, &clock.account_id, RecordKind::TestClockChanged, &said)
}

fn as_read(clock: &TestClock) -> Cond {
    Cond::Eq("ver", Value::N(clock.version))
}

fn encode(clock: &TestClock) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", document(clock)?);
    put(&mut item, "ver", Value::N(clock.version));
    Ok(item)
}
