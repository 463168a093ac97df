//! The auditor sits right above the table and looks at every transaction that was really committed. It keeps its own
//! picture of ledgers, parents and states, and names every broken invariant.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tributary_domain::account::{Kind, Status};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Entry, EntryKind, Head, LedgerId};
use tributary_domain::lineage::MAX_DEPTH;
use tributary_store::entries;
use tributary_store::memory::MemoryTable;
use tributary_store::table::{Action, Item, Key, Page, Query, Table, TableError, Value, Write};

/// The auditor's own picture.
#[derive(Debug, Default)]
pub struct Picture {
    /// The newest entry of each ledger.
    pub heads: HashMap<LedgerId, Head>,
    /// Answers by idempotency record.
    pub records: HashMap<String, String>,
    /// Sweeps by idempotency record: from, to, amount.
    pub sweeps: HashMap<String, (LedgerId, LedgerId, i64)>,
    /// Credit that expired: from, to, amount.
    pub expiries: Vec<(LedgerId, LedgerId, i64)>,
    /// Committed transactions.
    pub commits: u64,
    /// Entries written.
    pub entries: u64,
    /// What was broken.
    pub broken: Vec<String>,
}

/// Looks at committed transactions beside the auditor.
#[async_trait]
pub trait Witness: Send + Sync + std::fmt::Debug {
    /// What the transaction broke.
    async fn committed(&self, writes: &[Write], audited: &Audited) -> Vec<String>;
}

/// A memory table that is audited.
#[derive(Debug)]
pub struct Audited {
    table: MemoryTable,
    picture: Mutex<Picture>,
    witness: Option<Arc<dyn Witness>>,
    /// Commits are looked at in the order in which they happen.
    order: tokio::sync::Mutex<()>,
}

impl Audited {
    /// Audits `table`, which must be empty.
    pub fn new(table: MemoryTable) -> Self {
        Self { table, picture: Mutex::default(), witness: None, order: tokio::sync::Mutex::default() }
    }

    /// The same with somebody who looks at each transaction too.
    pub fn with_witness(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// The picture.
    pub fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Table for Audited {
    async fn get(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        self.table.get(key, consistent).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.table.batch_get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, TableError> {
        self.table.query(query).await
    }

    async fn write(&self, write: &Write) -> Result<Option<Item>, TableError> {
        if write.key.pk.starts_with("LED#") {
            self.picture().broken.push(format!("an entry was written outside a transaction: {:?}", write.key));
        }
        self.table.write(write).await
    }

    async fn transact(&self, writes: &[Write]) -> Result<(), TableError> {
        let _order = self.order.lock().await;
        self.table.transact(writes).await?;
        self.picture().commit(writes);
        if let Some(witness) = &self.witness {
            let broken = witness.committed(writes, self).await;
            self.picture().broken.extend(broken);
        }
        Ok(())
    }
}

impl Picture {
    fn commit(&mut self, writes: &[Write]) {
        self.commits += 1;
        let (mut record, mut job) = (None, None);
        let mut committed: Vec<Entry> = Vec::new();
        for write in writes {
            match &write.action {
                Action::Put(item) if write.key.pk.starts_with("IDEM#") => record = Some((write.key.pk.clone(), item.clone())),
                Action::Put(item) if write.key.pk.starts_with("LED#") => match entries::decode(item) {
                    Ok(entry) if write.key.sk == format!("{:020}", entry.after.seq) => committed.push(entry),
                    Ok(entry) => self.broken.push(format!("entry {} is kept under {}", entry.after.seq, write.key.sk)),
                    Err(error) => self.broken.push(format!("an entry does not read: {error}")),
                },
                Action::Put(item) if write.key.pk.starts_with("JOB#") && item.contains_key("legs") => job = Some(item.clone()),
                Action::Put(_) | Action::Update(_) | Action::Delete | Action::Check => {}
            }
        }
        if let Some(item) = job {
            self.of_job(&item, &committed);
        }
        for entry in &committed {
            self.entry(entry);
        }
        self.zero_sum(&committed);
        if let Some((key, item)) = record {
            self.record(&key, &item, &committed);
        }
    }

    /// What a bulk job moved lies in the subtree of the account that asked for it.
    fn of_job(&mut self, item: &Item, entries: &[Entry]) {
        let authority: Option<AccountId> = match item.get("acc") {
            Some(Value::S(id)) => id.parse().ok(),
            _ => None,
        };
        for account in entries.iter().filter_map(|entry| entry.after.ledger.account()) {
            if authority.as_ref().is_none_or(|authority| !self.within(account, authority)) {
                self.broken.push(format!("a bulk job of {authority:?} moved credit of {account}, which is not in its subtree"));
            }
        }
    }

    fn zero_sum(&mut self, entries: &[Entry]) {
        let mut sums: BTreeMap<&'static str, i64> = BTreeMap::new();
        for entry in entries {
            *sums.entry(entry.after.currency.code()).or_default() += entry.amount.get() + entry.held_amount.get();
        }
        for (currency, sum) in sums {
            if sum != 0 {
                self.broken.push(format!("a transaction made {sum} micro-units of {currency} out of nothing: {entries:?}"));
            }
        }
    }

    fn record(&mut self, key: &str, item: &Item, entries: &[Entry]) {
        let Some(Value::S(answer)) = item.get("answer") else {
            self.broken.push(format!("record {key} holds no answer"));
            return;
        };
        if self.records.insert(key.to_owned(), answer.clone()).is_some() {
            self.broken.push(format!("record {key} was written twice"));
        }
        let authority: Option<AccountId> = key.split('#').nth(1).and_then(|id| id.parse().ok());
        let Some(authority) = authority else {
            self.broken.push(format!("record {key} names no account"));
            return;
        };
        for entry in entries.iter().filter(|entry| entry.kind.is_money()) {
            // What is bought comes from the parent, wherever the buyer's authority ends.
            let sold = entry.kind == EntryKind::Purchase && entry.amount.is_negative();
            if let Some(account) = entry.after.ledger.account()
                && !sold
                && !self.within(account, &authority)
            {
                self.broken.push(format!("{authority} moved credit of {account}, which is not in its subtree"));
            }
            if entry.kind == EntryKind::Sweep
                && entry.amount.is_negative()
                && let Some(to) = &entry.counterparty
            {
                self.sweeps.insert(key.to_owned(), (entry.after.ledger.clone(), to.clone(), -entry.amount.get()));
            }
        }
    }

    /// Whether `account` is `top` or stands below it, by the parents that really were committed.
    pub fn within(&self, account: &AccountId, top: &AccountId) -> bool {
        account == top || self.ancestors(account).contains(top)
    }

    /// The ancestors from the parent up, by the parents that really were committed.
    pub fn ancestors(&self, account: &AccountId) -> Vec<AccountId> {
        let mut found: Vec<AccountId> = Vec::new();
        let mut next = self.parent(account);
        while let Some(id) = next {
            if found.len() > 64 {
                break;
            }
            next = self.parent(&id);
            found.push(id);
        }
        found
    }

    fn parent(&self, account: &AccountId) -> Option<AccountId> {
        self.heads.get(&LedgerId::Account(account.clone())).and_then(|head| head.lineage.parent().cloned())
    }

    fn entry(&mut self, entry: &Entry) {
        self.entries += 1;
        let after = &entry.after;
        let before = self.heads.get(&after.ledger).cloned();
        let mut wrong: Vec<String> = Vec::new();
        match &before {
            None if after.seq != 1 => wrong.push(format!("the first entry has number {}", after.seq)),
            None => {
                if after.available != entry.amount || after.held != entry.held_amount {
                    wrong.push("the first balance is not the first amount".to_owned());
                }
            }
            Some(before) => self.follows(entry, before, &mut wrong),
        }
        if after.held.is_negative() {
            wrong.push("less than nothing is held".to_owned());
        }
        lots(entry, before.as_ref(), &mut wrong);
        if let (EntryKind::LotExpired, true, Some(to)) = (entry.kind, entry.amount.is_negative(), &entry.counterparty) {
            self.expiries.push((after.ledger.clone(), to.clone(), -entry.amount.get()));
        }
        if let (EntryKind::Purchase, false, Some(account), Some(seller)) =
            (entry.kind, entry.amount.is_negative(), after.ledger.account(), entry.counterparty.as_ref().and_then(LedgerId::account))
            && self.parent(account).as_ref() != Some(seller)
        {
            wrong.push(format!("it bought from {seller}, which is not its parent"));
        }
        if let Some(account) = after.ledger.account() {
            self.spends(entry, account, before.as_ref(), &mut wrong);
        }
        let moved = matches!(entry.kind, EntryKind::Moved | EntryKind::Opened);
        self.heads.insert(after.ledger.clone(), after.clone());
        if let (true, Some(account)) = (moved, after.ledger.account()) {
            let ancestors = self.ancestors(account);
            if ancestors.contains(account) || ancestors.len() > 60 {
                wrong.push("the ancestors form a circle".to_owned());
            }
            if ancestors.len() > MAX_DEPTH {
                wrong.push(format!("it stands {} levels deep", ancestors.len()));
            }
        }
        for what in wrong {
            self.broken.push(format!("{} entry {} ({}): {what}", after.ledger, after.seq, entry.kind.word()));
        }
    }

    fn follows(&self, entry: &Entry, before: &Head, wrong: &mut Vec<String>) {
        let after = &entry.after;
        if after.seq != before.seq + 1 {
            wrong.push(format!("follows number {}", before.seq));
        }
        if after.available.get() != before.available.get() + entry.amount.get()
            || after.held.get() != before.held.get() + entry.held_amount.get()
        {
            wrong.push(format!("{} + {} is not {}", before.available, entry.amount, after.available));
        }
        if after.at < before.at || after.currency != before.currency || after.kind != before.kind {
            wrong.push("time fell, or currency or kind changed".to_owned());
        }
        let keeps_status = !matches!(entry.kind, EntryKind::Suspended | EntryKind::Reactivated | EntryKind::Closed);
        if keeps_status && after.status != before.status {
            wrong.push("the state changed by the way".to_owned());
        }
        if entry.kind != EntryKind::LimitSet && after.credit_limit != before.credit_limit {
            wrong.push("the credit limit changed by the way".to_owned());
        }
        if entry.kind != EntryKind::Moved && (after.lineage.parent() != before.lineage.parent() || after.generation != before.generation) {
            wrong.push("the parent changed by the way".to_owned());
        }
        if !entry.kind.is_money() && (!entry.amount.is_zero() || !entry.held_amount.is_zero()) {
            wrong.push("credit moved by the way".to_owned());
        }
        if before.status == Status::Closed && entry.kind != EntryKind::Relocated {
            wrong.push("it was closed".to_owned());
        }
    }

    fn spends(&self, entry: &Entry, account: &AccountId, before: Option<&Head>, wrong: &mut Vec<String>) {
        let debit = entry.amount.is_negative() || (entry.kind == EntryKind::Capture && entry.held_amount.is_negative());
        if !debit || !entry.kind.is_money() {
            return;
        }
        let after = &entry.after;
        if entry.amount.is_negative() && after.available.get() < -after.credit_limit.get() {
            wrong.push(format!("{} is below the limit of {}", after.available, after.credit_limit));
        }
        if !entry.kind.is_spending() {
            return;
        }
        if before.is_none_or(|before| before.status != Status::Active) {
            wrong.push("it was not active and spent".to_owned());
        }
        for ancestor in self.ancestors(account) {
            let head = self.heads.get(&LedgerId::Account(ancestor.clone()));
            if head.is_none_or(|head| head.kind != Kind::Operator && head.status != Status::Active) {
                wrong.push(format!("it spent below {ancestor}, which was not active"));
            }
        }
    }
}

/// Lots hold no more than there is, come by purchases only, and are spent in their order.
fn lots(entry: &Entry, before: Option<&Head>, wrong: &mut Vec<String>) {
    let shown = |head: &Head| head.lots.all().iter().map(|lot| (lot.expires_at, lot.id.clone(), lot.left.get())).collect::<Vec<_>>();
    let sum = |lots: &[(jiff::Timestamp, tributary_domain::id::LotId, i64)]| lots.iter().map(|lot| lot.2).sum::<i64>();
    let (old, new) = (before.map(shown).unwrap_or_default(), shown(&entry.after));
    let total = entry.after.available.get() + entry.after.held.get();
    if sum(&new) > total.max(0) {
        wrong.push(format!("{} is in lots, of {total}", sum(&new)));
    }
    if !new.is_sorted() || new.iter().any(|lot| lot.2 <= 0) {
        wrong.push("lots are out of order, or empty".to_owned());
    }
    let spent = -(entry.amount.get() + entry.held_amount.get());
    let mut rest = spent.max(0);
    let in_order: Vec<_> = old
        .iter()
        .map(|(at, id, left)| {
            let taken = rest.min(*left);
            rest -= taken;
            (*at, id.clone(), left - taken)
        })
        .filter(|lot| lot.2 > 0)
        .collect();
    let follows = match entry.kind {
        EntryKind::Purchase if spent < 0 => sum(&new) - sum(&old) <= -spent && old.iter().all(|lot| new.contains(lot)),
        // One lot is named, not the first in order.
        EntryKind::LotExpired | EntryKind::Reversal => sum(&new) == sum(&in_order),
        _ => new == in_order,
    };
    if !follows {
        wrong.push(format!("{spent} left {new:?} of {old:?}"));
    }
}
