//! Rosters: what is known of every account below another, kept for showing. A head names the blobs that hold it, and beside the
//! head stands what was told since, so that one query and a blob that a process may know already are the whole of it (see
//! `docs/adr/0014-rosters.md`). No decision about money or rights reads one.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tributary_domain::account::Account;
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::id::{AccountId, EventId};
use tributary_domain::ledger::{Entry, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::pricing::month::Month;

use crate::Store;
use crate::aggregates::{Kept, Size, Slot, StoredSums};
use crate::codec::{Reader, json, packed, put, time};
use crate::commit::patiently;
use crate::error::StoreError;
use crate::freezing::BLOCKS;
use crate::holds::due_position;
use crate::keys;
use crate::stream::item;
use crate::table::{Action, Change, Cond, Index, Item, Key, Position, Query, SK, SortRange, TableError, Value, Write, s};
use crate::{account_items, entries, invoices};

/// What names the blobs of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterHead {
    /// Raised by one each time that the blobs are written anew; 0 is kept nowhere.
    #[serde(skip)]
    pub version: i64,
    /// The blob of its rows.
    pub rows: String,
    /// The blob of what each account brought in which month.
    pub months: String,
    /// The blob of the same of the last days.
    pub days: String,
    /// Blobs of before, which a reader of the head of before may still ask for.
    #[serde(default)]
    pub before: Vec<String>,
    /// Up to when what was told is in the blobs.
    pub as_of: Timestamp,
    /// What the owner was paid and paid, by days since 1970 in UTC: the running month and the one before.
    pub by_day: Vec<(i32, i64, i64)>,
}

/// Something that was told since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterDelta<T> {
    /// Its name, by which it is dropped.
    pub name: String,
    /// When it was told.
    pub at: Timestamp,
    /// What.
    pub doc: T,
}

/// A roster as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterRead<T> {
    /// The head; `None` if it was never made.
    pub head: Option<RosterHead>,
    /// What was told since, or is in the blobs already and not dropped yet; in the order of their names.
    pub deltas: Vec<RosterDelta<T>>,
}

/// A change of the table that rosters hear of.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// An account's item, and where the account stood before if it stood elsewhere. Boxed, because it is much larger than the rest.
    Account(Box<Account>, Option<Lineage>),
    /// An entry of an account's ledger.
    Entry(Box<Entry>),
    /// Sums of a day or month.
    Sums(AccountId, Slot, StoredSums),
    /// An invoice.
    Invoice(Box<Invoice>),
}

/// What the sort keys of what was told begin with.
const DELTAS: &str = "D#";
/// The item that says when a roster is folded next.
const DUE: &str = "DUE";

/// What a change of the table's stream is to rosters; `None` for what they do not hear of.
///
/// # Errors
/// [`StoreError::Corrupt`] for an item that cannot be read, with its key.
pub fn heard(change: &Json) -> Result<Option<Heard>, StoreError> {
    let Some(new) = change.get("NewImage").map(item).transpose()? else { return Ok(None) };
    let old = change.get("OldImage").map(item).transpose()?;
    let Some(key) = Key::of(&new) else { return Err(StoreError::Corrupt("an item without its key".to_owned())) };
    heard_of(&key, old.as_ref(), &new).map_err(|error| StoreError::Corrupt(format!("{} {}: {error}", key.pk, key.sk)))
}

fn heard_of(key: &Key, old: Option<&Item>, new: &Item) -> Result<Option<Heard>, StoreError> {
    let r = Reader(new);
    if key.pk.starts_with(keys::ACCOUNTS) && key.sk == keys::META {
        let text = |item: Option<&Item>, name: &str| item.and_then(|item| item.get(name).cloned());
        // How many sub-accounts or keys there are changes without a new version, and is not shown.
        let same = |name: &str| text(old, name) == text(Some(new), name);
        if old.is_some() && same("ver") && same("lin") && same("tv") {
            return Ok(None);
        }
        let before = old.map(|old| Reader(old).parsed::<Lineage>("lin")).transpose()?.filter(|_| !same("lin"));
        return Ok(Some(Heard::Account(Box::new(account_items::decode(new)?), before)));
    }
    if let Some(ledger) = key.pk.strip_prefix(keys::LEDGERS) {
        if !ledger.starts_with(AccountId::PREFIX) || new.contains_key(BLOCKS) {
            return Ok(None);
        }
        let entry = entries::decode(new)?;
        return match entry.after.ledger {
            LedgerId::Account(_) => Ok(Some(Heard::Entry(Box::new(entry)))),
            LedgerId::System(_) => Ok(None),
        };
    }
    if let Some(account) = key.pk.strip_prefix(keys::SUMS) {
        let Some(slot) = slot_of(&key.sk) else { return Ok(None) };
        let account = account.parse().map_err(|_| StoreError::Corrupt("sums of no account".to_owned()))?;
        return Ok(Some(Heard::Sums(account, slot, StoredSums { seq: r.number("seq")?, doc: r.text("doc")?.to_owned() })));
    }
    if key.pk.starts_with(keys::INVOICES) {
        return Ok(Some(Heard::Invoice(Box::new(invoices::decode(new)?))));
    }
    Ok(None)
}

/// The day or month of a sort key; `None` of hours, and of what is none.
fn slot_of(sk: &str) -> Option<Slot> {
    match sk.split_once('#')? {
        ("D", day) => Some(Slot::of(Size::Day, format!("{day}T00:00:00Z").parse().ok()?)),
        ("M", month) => Some(Slot::of(Size::Month, month.parse::<Month>().ok()?.start())),
        _ => None,
    }
}

impl Store {
    /// A roster, with what was told since: one query for about a megabyte of it. Eventually consistent unless `consistent`.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn roster<T: DeserializeOwned>(&self, owner: &AccountId, consistent: bool) -> Result<RosterRead<T>, StoreError> {
        let mut query = Query { consistent, ..Query::table(keys::roster_partition(owner), SortRange::Every) };
        let mut read = RosterRead { head: None, deltas: Vec::new() };
        loop {
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            for item in &page.items {
                let r = Reader(item);
                match r.text(SK)? {
                    name if name.starts_with(DELTAS) => {
                        read.deltas.push(RosterDelta { name: name.to_owned(), at: r.time("at")?, doc: r.packed("doc")? });
                    }
                    DUE => {}
                    _ => read.head = Some(RosterHead { version: r.number("ver")?, ..r.json("doc")? }),
                }
            }
            match page.next {
                Some(next) => query = query.after(Some(next)),
                None => return Ok(read),
            }
        }
    }

    /// Keeps what was told under a name: again under the same one, it stands there once. One write unit a kilobyte.
    ///
    /// # Errors
    /// Table errors.
    pub async fn tell_roster(&self, owner: &AccountId, name: &str, at: Timestamp, doc: &impl Serialize) -> Result<(), StoreError> {
        let mut item = Item::new();
        put(&mut item, "at", time(at));
        put(&mut item, "doc", packed(doc)?);
        let write = Write::put(keys::roster(owner, &format!("{DELTAS}{name}")), item);
        patiently(&self.patience, || self.table.write(&write)).await.map(drop)
    }

    /// Sees to it that a roster is folded by `due`: one write, and none of effect if it will be anyway.
    ///
    /// # Errors
    /// Table errors.
    pub async fn fold_roster_by(&self, owner: &AccountId, due: Timestamp) -> Result<(), StoreError> {
        let later = Cond::Any(vec![Cond::NotExists, Cond::Ge("due", Value::N(due.as_millisecond().saturating_add(1)))]);
        match self.due_write(owner, due, later).await {
            Ok(()) | Err(StoreError::Table(TableError::Condition(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes a roster to be folded until `until`, if it is due by `now`; `false` if another has it. Whoever dies with it leaves it to the next
    /// when that is over.
    ///
    /// # Errors
    /// Table errors.
    pub async fn take_roster(&self, owner: &AccountId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let due = Cond::Any(vec![Cond::NotExists, Cond::Lt("due", Value::N(now.as_millisecond().saturating_add(1)))]);
        match self.due_write(owner, until, due).await {
            Ok(()) => Ok(true),
            Err(StoreError::Table(TableError::Condition(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a roster that was taken until `until` down again, to be folded at `next`; nothing if more was told meanwhile.
    ///
    /// # Errors
    /// Table errors.
    pub async fn put_roster_down(&self, owner: &AccountId, until: Timestamp, next: Timestamp) -> Result<(), StoreError> {
        match self.due_write(owner, next, Cond::Eq("due", Value::N(until.as_millisecond()))).await {
            Ok(()) | Err(StoreError::Table(TableError::Condition(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Forgets when a roster is folded next: it is of an account that has none.
    ///
    /// # Errors
    /// Table errors.
    pub async fn forget_roster(&self, owner: &AccountId) -> Result<(), StoreError> {
        let write = Write { key: keys::roster(owner, DUE), action: Action::Delete, cond: None };
        patiently(&self.patience, || self.table.write(&write)).await.map(drop)
    }

    async fn due_write(&self, owner: &AccountId, due: Timestamp, cond: Cond) -> Result<(), StoreError> {
        let changes = vec![
            Change::Set("due", time(due)),
            Change::Set("gsi2pk", s(keys::ROSTERS_DUE_INDEX)),
            Change::Set("gsi2sk", s(due_position(due, owner.as_str()))),
        ];
        let write = Write::update(keys::roster(owner, DUE), changes, cond);
        patiently(&self.patience, || self.table.write(&write)).await.map(drop)
    }

    /// Rosters that are to be folded by `now`: a page of an index, which only lists.
    ///
    /// # Errors
    /// Table errors.
    pub async fn rosters_due(
        &self,
        now: Timestamp,
        start: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<AccountId>, Option<Position>), StoreError> {
        let range = SortRange::Between("0".to_owned(), due_position(now, "~"));
        let query = Query::index(Index::Gsi2, keys::ROSTERS_DUE_INDEX, range).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let id = |item: &Item| Reader(item).text("gsi2sk").ok().and_then(|at| at.split_once('#')?.1.parse().ok());
        Ok((page.items.iter().filter_map(id).collect(), page.next))
    }

    /// Keeps a head over one of the version before; [`Kept::Raced`] if another came first, or this attempt itself, of which no answer came.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_roster(&self, owner: &AccountId, head: &RosterHead) -> Result<Kept, StoreError> {
        let mut item = Item::new();
        put(&mut item, "ver", Value::N(head.version));
        put(&mut item, "doc", json(head)?);
        let before = head.version - 1;
        let as_read = if before == 0 { Cond::NotExists } else { Cond::Eq("ver", Value::N(before)) };
        let write = Write { key: keys::roster(owner, keys::ALONE), action: Action::Put(item), cond: Some(as_read) };
        let kept = async || match self.table.write(&write).await {
            Ok(_) => Ok(Kept::Yes),
            Err(TableError::Condition(_)) => Ok(Kept::Raced),
            Err(error) => Err(error),
        };
        patiently(&self.patience, kept).await
    }

    /// Drops what was told and is in the blobs now: one write for each.
    ///
    /// # Errors
    /// Table errors.
    pub async fn drop_told(&self, owner: &AccountId, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            let write = Write { key: keys::roster(owner, name), action: Action::Delete, cond: None };
            patiently(&self.patience, || self.table.write(&write)).await?;
        }
        Ok(())
    }
}

/// An audit record, with who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The record's id.
    pub id: EventId,
    /// Its kind's word, whether this program knows the kind or not.
    pub kind: String,
    /// On which account.
    pub account_id: AccountId,
    /// Who: the id of a key or a member.
    pub actor: String,
    /// In which request.
    pub request_id: String,
    /// When.
    pub at: Timestamp,
    /// More about it.
    pub detail: Json,
}

impl Store {
    /// The audit records of an account from one time to another, newest first and before `before`: through an index, which only shows.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn audited(
        &self,
        account: &AccountId,
        from: EventId,
        before: EventId,
        limit: usize,
    ) -> Result<(Vec<Audited>, bool), StoreError> {
        let range = SortRange::Between(from.to_string(), before.to_string());
        // One more than wanted, because `before` itself may be among them.
        let query = Query::index(Index::Gsi1, keys::audit_index(account), range).newest_first().limit(limit + 1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let mut found = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let r = Reader(item);
            found.push(Audited {
                id: r.parsed("gsi1sk")?,
                kind: r.text("kind")?.to_owned(),
                account_id: r.parsed("acc")?,
                actor: r.text("actor")?.to_owned(),
                request_id: r.text("req")?.to_owned(),
                at: r.time("at")?,
                detail: r.json("detail")?,
            });
        }
        found.retain(|one| one.id != before);
        let more = found.len() > limit || page.next.is_some();
        found.truncate(limit);
        Ok((found, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_and_months_are_slots_of_rosters() {
        let start = |sk: &str| slot_of(sk).map(|slot| (slot.size(), slot.start().to_string()));
        assert_eq!(start("D#2026-11-22"), Some((Size::Day, "2026-11-22T00:00:00Z".to_owned())));
        assert_eq!(start("M#2026-11"), Some((Size::Month, "2026-11-01T00:00:00Z".to_owned())));
        for none in ["H#2026-11-22T13", "AT", "D#2026", "M#", ""] {
            assert_eq!(slot_of(none), None, "{none}");
        }
    }
}
