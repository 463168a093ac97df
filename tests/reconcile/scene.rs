//! A small platform with credit, a hold and a subtree, and a hand in its table.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tributary_domain::id::{AccountId, HoldId, TransferId};
use tributary_domain::ledger::LedgerId;
use tributary_reconcile::{Budget, Source, Summary};
use tributary_runtime::ids::SeededIds;
use tributary_store::Store;
use tributary_store::keys;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Action, Change, Cond, Item, Key, Table, Value, Write};

use crate::support::api::Target;
use crate::support::world::{Node, World};

/// A budget that is never spent, and no wait between passes.
pub const WHOLE: Budget = Budget { entries: usize::MAX, until: Timestamp::MAX, passes_apart_s: 0 };

/// The platform.
///
/// `a`: opened, +10 from the master, −1 to `b`, hold of 3, −1 to `b`; held 3, available 5. `b`: opened, +10, +1, +1.
/// `reseller`: opened, +10, −4 to its customer `below`.
pub struct Scene {
    /// The API.
    pub w: World,
    /// The table.
    pub table: Arc<dyn Table>,
    /// A customer.
    pub a: AccountId,
    /// A customer.
    pub b: AccountId,
    /// A reseller.
    pub reseller: Node,
    /// Its customer.
    pub below: AccountId,
    /// The open hold on `a`.
    pub hold: HoldId,
    /// The hold's document.
    pub hold_document: String,
    /// The entry of nowhere, see [`Scene::forged`].
    pub forged: Write,
    /// The entry by which `a` received credit.
    received: Item,
}

/// An id from its text.
pub fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("an id")
}

/// The ledger of an account.
pub fn ledger(account: &AccountId) -> LedgerId {
    LedgerId::Account(account.clone())
}

/// Changes one attribute of an item that is there.
pub fn set(key: Key, name: &'static str, value: Value) -> Write {
    Write::update(key, vec![Change::Set(name, value)], Cond::Exists)
}

/// Removes one attribute of an item that is there.
pub fn unset(key: Key, name: &'static str) -> Write {
    Write::update(key, vec![Change::Remove(name)], Cond::Exists)
}

/// Removes an item that is there.
pub fn gone(key: Key) -> Write {
    Write::delete(key, Cond::Exists)
}

impl Scene {
    /// The platform on a table in memory, everything twenty minutes old.
    pub async fn new() -> (Self, MemoryTable) {
        let memory = MemoryTable::new();
        (Self::on(Arc::new(memory.clone()), memory.clone()).await, memory)
    }

    /// The same on any table.
    pub async fn on(table: Arc<dyn Table>, memory: MemoryTable) -> Self {
        let target = Target::over(Arc::clone(&table), memory, Arc::new(SeededIds::new(11))).await;
        let w = World::on(target).await;
        w.fund(&w.master.id, "100").await;
        let (a, b) = (w.child_of(&w.master.id).await, w.child_of(&w.master.id).await);
        let reseller = w.reseller_of(&w.master.id).await;
        let below = w.child_of(&reseller.id).await;
        for (from, to, amount) in [
            (&w.master.id, &a, "10"),
            (&w.master.id, &b, "10"),
            (&w.master.id, &reseller.id, "10"),
            (&reseller.id, &below, "4"),
            (&a, &b, "1"),
        ] {
            pay(&w, from, to, amount).await;
        }
        let body = json!({ "account_id": a, "amount": "3" });
        let hold = w.master.api.pay("/reseller/credits/holds", body).send().await.is(201).id();
        pay(&w, &a, &b, "1").await;
        let received = table.get(&keys::entry(&ledger(&id(&a)), 2), true).await.expect("an answer").expect("an entry");
        let kept = table.get(&keys::hold(&id(&hold)), true).await.expect("an answer").expect("a hold");
        let Value::S(hold_document) = &kept["doc"] else { panic!("{kept:?}") };
        let (hold_document, forged) = (hold_document.clone(), gone(keys::operator()));
        let (a, b, below, hold) = (id(&a), id(&b), id(&below), id(&hold));
        let mut scene = Self { table, a, b, reseller, below, hold, hold_document, forged, received, w };
        scene.forged = scene.forged().await;
        scene.later(20 * 60);
        scene
    }

    /// Moves the clock.
    pub fn later(&self, seconds: i64) {
        assert!(self.w.target.advance_s(seconds, "reconciliation"));
    }

    /// Writes into the table past every rule.
    pub async fn plant(&self, writes: &[Write]) {
        for write in writes {
            self.table.write(write).await.expect("the hand in the table reaches");
        }
    }

    /// The store of the platform.
    pub fn store(&self) -> &Store {
        self.inside().store()
    }

    /// Where its time and ids come from.
    pub fn source(&self) -> &dyn Source {
        self.inside()
    }

    fn inside(&self) -> &tributary_api::App {
        &self.w.target.inside("reconciliation").expect("in this process").app
    }

    /// One whole pass.
    pub async fn pass(&self) -> Summary {
        let summary = tributary_reconcile::run(self.store(), self.source(), &WHOLE).await.expect("a run");
        assert!(summary.pass_complete && summary.failed == 0, "{summary:?}");
        summary
    }

    /// An entry of nowhere behind the newest one of `a`: balanced within the ledger, with a transfer nobody made.
    pub async fn forged(&self) -> Write {
        let own = ledger(&self.a);
        let seq = self.store().head(&own).await.expect("a head").seq;
        let newest = self.table.get(&keys::entry(&own, seq), true).await.expect("an answer").expect("an entry");
        let number = |item: &Item, name: &str| match &item[name] {
            Value::N(number) => *number,
            other => panic!("{name} is {other:?}"),
        };
        let available = number(&newest, "avail") + number(&self.received, "amt");
        let mut item = self.received.clone();
        for (name, value) in [("seq", seq + 1), ("avail", available), ("held", number(&newest, "held")), ("at", number(&newest, "at"))] {
            item.insert(name.to_owned(), Value::N(value));
        }
        let transfer = TransferId::from_uuid(uuid::Uuid::from_u128(self.a.as_u128() + 1));
        item.insert("txf".to_owned(), Value::S(transfer.to_string()));
        Write::create(keys::entry(&own, seq + 1), item)
    }

    /// The entry of nowhere as the `n`th of several, by `transfer`. From 1.
    pub fn nowhere(&self, n: i64, transfer: TransferId) -> Write {
        let Action::Put(item) = &self.forged.action else { panic!("{:?}", self.forged) };
        let number = |name: &str| match &item[name] {
            Value::N(number) => *number,
            other => panic!("{name} is {other:?}"),
        };
        let seq = number("seq") + n - 1;
        let mut item = item.clone();
        item.insert("seq".to_owned(), Value::N(seq));
        item.insert("avail".to_owned(), Value::N(number("avail") + (n - 1) * number("amt")));
        item.insert("txf".to_owned(), Value::S(transfer.to_string()));
        Write::create(keys::entry(&ledger(&self.a), seq), item)
    }

    /// Every account that is marked as frozen.
    pub async fn frozen(&self) -> BTreeSet<AccountId> {
        let mut frozen = BTreeSet::new();
        for account in [&self.a, &self.b, &id(&self.reseller.id), &self.below, &id(&self.w.master.id), &self.operator().await] {
            let item = self.table.get(&keys::account(account), true).await.expect("an answer").unwrap_or_default();
            if item.contains_key("frz") {
                frozen.insert(account.clone());
            }
        }
        frozen
    }

    /// The operator's account.
    pub async fn operator(&self) -> AccountId {
        self.store().operator().await.expect("an answer").expect("an operator")
    }
}

/// Moves credit.
pub async fn pay(w: &World, from: &str, to: &str, amount: &str) {
    w.operator().pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": amount })).send().await.is(201);
}
