//! What reconciliation reads and keeps: ledgers in pages, what stands beside them, and how far a pass is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_domain::account::{Accepted, Account};
use tributary_domain::hold::Hold;
use tributary_domain::id::{AccountId, HoldId, TransferId};
use tributary_domain::ledger::{Entry, LedgerId};
use tributary_domain::reconcile::{Cells, GateCopy, contribution};
use tributary_domain::transfer::Transfer;

use crate::Store;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::entries;
use crate::error::{Denied, StoreError};
use crate::gates;
use crate::keys;
use crate::table::{Action, Cond, Index, Item, Key, MAX_BATCH_GET, Position, Query, SK, SortRange, Value, Write, s};
use crate::{account_items, table};

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The number it is kept under.
    pub seq: i64,
    /// Why.
    pub why: String,
}

/// A page of a ledger, in the order of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPage {
    /// The entries.
    pub rows: Vec<Result<Entry, Unreadable>>,
    /// Whether there may be more behind them.
    pub more: bool,
}

/// An account as the list of all accounts has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: AccountId,
    /// What was accepted of its books, as far as its item reads.
    pub accepted: Option<Accepted>,
    /// Its volume tier, as far as its item reads.
    pub tier: Option<String>,
    /// Where the list goes on behind it.
    pub position: Position,
}

/// What is kept beside an account's ledger, each strongly consistent, but not all of one moment.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The account's item; [`Denied::Absent`] if there is none.
    pub account: Result<Account, StoreError>,
    /// Every copy of its gate.
    pub gates: Vec<Result<GateCopy, StoreError>>,
    /// The holds asked for, in that order.
    pub holds: Vec<Result<Option<Hold>, StoreError>>,
}

/// The sums of a pass over one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums<'a> {
    /// The currency's code.
    pub currency: &'a str,
    /// The pass.
    pub pass: u64,
    /// The sums.
    pub cells: &'a Cells,
}

/// How long after a transfer's time its entries may have been written.
const TRANSFER_SETTLES_MS: i64 = 3_600_000;
/// Stands for the version of a state that cannot be read, below every other.
const UNREADABLE: i64 = i64::MIN;
/// The most entries of a page.
const PAGE: usize = 1_000;

impl Store {
    /// Up to a thousand entries of a ledger behind number `seq`. Entries never change, so what an eventually consistent
    /// read shows is true; it may only lack the newest.
    ///
    /// # Errors
    /// Table errors. What cannot be read is a row of the page.
    pub async fn ledger_page(&self, ledger: &LedgerId, seq: i64, consistent: bool) -> Result<LedgerPage, StoreError> {
        let range = SortRange::Between(format!("{:020}", seq.saturating_add(1)), "9".repeat(20));
        let mut query = Query::table(keys::ledger_partition(ledger), range).limit(PAGE);
        query.consistent = consistent;
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let rows = page.items.iter().map(|item| readable(ledger, seq, item)).collect();
        Ok(LedgerPage { rows, more: page.next.is_some() })
    }

    /// A page of every account of the platform, the operator's too, by id, behind `start`. Each is listed once, whatever is done to
    /// it meanwhile: the list is that of the records of their making. One query, and one read for up to a hundred.
    ///
    /// # Errors
    /// Table errors.
    pub async fn every_account(&self, start: Option<Position>, limit: usize) -> Result<(Vec<Listed>, Option<Position>), StoreError> {
        // A place in another list, such as that of an older program, is no place in this one.
        let start = start.filter(|start| start.index.as_ref().is_some_and(|(list, _)| list == keys::EVERY_ACCOUNT_INDEX));
        let query = Query::index(Index::Gsi3, keys::EVERY_ACCOUNT_INDEX, SortRange::Every).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let placed = page.items.iter().filter_map(|item| {
            // The key names the account whatever became of the rest.
            let position = Position::of(item, Some(Index::Gsi3))?;
            let id: AccountId = position.index.as_ref()?.1.parse().ok()?;
            Some((id, position))
        });
        let placed: Vec<(AccountId, Position)> = placed.collect();
        let mut listed = Vec::with_capacity(placed.len());
        for chunk in placed.chunks(MAX_BATCH_GET) {
            let wanted: Vec<Key> = chunk.iter().map(|(id, _)| keys::account(id)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
            listed.extend(chunk.iter().zip(items).map(|((id, position), item)| {
                let tier = item.as_ref().and_then(|item| Reader(item).maybe_text("tier").ok().flatten().map(str::to_owned));
                let accepted = item.as_ref().and_then(|item| account_items::accepted(item).ok().flatten());
                Listed { id: id.clone(), accepted, tier, position: position.clone() }
            }));
        }
        Ok((listed, page.next))
    }

    /// What is kept beside an account's ledger: the account, its gate, and these holds. One call for each hundred items.
    ///
    /// # Errors
    /// Table errors. What cannot be read is part of the answer.
    pub async fn beside(&self, id: &AccountId, holds: &[HoldId]) -> Result<Beside, StoreError> {
        let mut wanted = vec![keys::account(id)];
        wanted.extend((0..keys::GATE_STRIPES).map(|stripe| keys::gate(id, stripe)));
        let fixed = wanted.len();
        wanted.extend(holds.iter().map(keys::hold));
        let mut items = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            items.extend(patiently(&self.patience, || self.table.batch_get(chunk)).await?);
        }
        let account = items.first().and_then(Option::as_ref).ok_or(StoreError::Denied(Denied::Absent)).and_then(account_items::decode);
        let account = account.and_then(|account| {
            if &account.id == id { Ok(account) } else { Err(StoreError::Corrupt(format!("the item says {}", account.id))) }
        });
        Ok(Beside {
            account,
            gates: items[1..fixed].iter().map(|item| gates::decode(item.as_ref())).collect(),
            holds: items[fixed..].iter().map(|item| item.as_ref().map(|item| Reader(item).json("doc")).transpose()).collect(),
        })
    }

    /// What was accepted of an account's books, strongly consistent.
    ///
    /// # Errors
    /// Table errors.
    pub async fn accepted(&self, id: &AccountId) -> Result<Option<Accepted>, StoreError> {
        let key = keys::account(id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Ok(item.and_then(|item| account_items::accepted(&item).ok().flatten()))
    }

    /// The record of a transfer, if there is one that reads.
    ///
    /// # Errors
    /// Table errors.
    pub async fn recorded_transfer(&self, id: &TransferId) -> Result<Option<Transfer>, StoreError> {
        match self.find_transfer(id).await {
            Ok((transfer, _)) => Ok(Some(transfer)),
            Err(StoreError::Denied(_) | StoreError::Corrupt(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the entries of `transfer` add up to in one ledger, micro-units, strongly consistent.
    ///
    /// # Errors
    /// Table errors.
    pub async fn transfer_in_ledger(&self, ledger: &LedgerId, transfer: &Transfer) -> Result<i128, StoreError> {
        let last_ms = transfer.created_at.as_millisecond().saturating_add(TRANSFER_SETTLES_MS);
        // Times never fall along a sound ledger; along another all of it is read.
        let first = match self.first_at_or_after(ledger, transfer.created_at).await {
            Ok(first) => Some(first),
            Err(StoreError::Corrupt(_) | StoreError::Denied(_)) => None,
            Err(error) => return Err(error),
        };
        let (mut seq, mut sum) = (first.map_or(0, |first| first.saturating_sub(1)), 0_i128);
        loop {
            let page = self.ledger_page(ledger, seq, true).await?;
            for row in &page.rows {
                seq = seq.max(number(row));
                let Ok(entry) = row else { continue };
                if entry.transfer_id.as_ref() == Some(&transfer.id) {
                    sum += contribution(entry);
                }
                if first.is_some() && entry.after.at.as_millisecond() > last_ms {
                    return Ok(sum);
                }
            }
            if !page.more || page.rows.is_empty() {
                return Ok(sum);
            }
        }
    }

    /// What these entries of one ledger add to `transfer`, micro-units, strongly consistent.
    ///
    /// # Errors
    /// Table errors.
    pub async fn transfer_in_entries(&self, ledger: &LedgerId, seqs: &[i64], transfer: &TransferId) -> Result<i128, StoreError> {
        let mut sum = 0_i128;
        let mut seqs = seqs.to_vec();
        seqs.sort_unstable();
        seqs.dedup();
        for chunk in seqs.chunks(MAX_BATCH_GET) {
            let wanted: Vec<_> = chunk.iter().map(|seq| keys::entry(ledger, *seq)).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
            let entries = items.iter().flatten().filter_map(|item| entries::decode(item).ok());
            sum += entries.filter(|entry| entry.transfer_id.as_ref() == Some(transfer)).map(|entry| contribution(&entry)).sum::<i128>();
        }
        Ok(sum)
    }

    /// How far reconciliation is: its version, 0 before the first run, and what was kept, if it reads. A version that does
    /// not read is taken for the lowest.
    ///
    /// # Errors
    /// Table errors.
    pub async fn reconcile_state<T: DeserializeOwned>(&self) -> Result<(i64, Option<Result<T, StoreError>>), StoreError> {
        let key = keys::reconcile();
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok((0, None)) };
        let reader = Reader(&item);
        Ok((reader.number("ver").unwrap_or(UNREADABLE), Some(reader.json("doc"))))
    }

    /// The sums of `pass` over one currency, so far.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn reconcile_sums(&self, currency: &str, pass: u64) -> Result<Cells, StoreError> {
        let key = keys::reconcile_sums(currency);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        match item {
            Some(item) if Reader(&item).number("pass")? == number_of(pass) => Reader(&item).json("doc"),
            Some(_) | None => Ok(Cells::default()),
        }
    }

    /// Keeps how far reconciliation is, with the sums that changed and, if a pass is finished, its record, in one
    /// transaction; `false` if another run came first. `run` names this run.
    ///
    /// # Errors
    /// Table errors.
    pub async fn keep_reconcile(
        &self,
        version: i64,
        run: &str,
        state: &impl Serialize,
        sums: &[Sums<'_>],
        finished: Option<(u64, &impl Serialize)>,
    ) -> Result<bool, StoreError> {
        let mut tx = Tx::default();
        let mut item = Item::new();
        put(&mut item, "doc", json(state)?);
        put(&mut item, "ver", Value::N(version + 1));
        put(&mut item, "run", s(run));
        let as_read = match version {
            0 => Cond::NotExists,
            UNREADABLE => Cond::Exists,
            version => Cond::Eq("ver", Value::N(version)),
        };
        tx.push(Part::Guard, Write { key: keys::reconcile(), action: Action::Put(item), cond: Some(as_read) });
        for sum in sums {
            let mut item = Item::new();
            put(&mut item, "doc", json(sum.cells)?);
            put(&mut item, "pass", Value::N(number_of(sum.pass)));
            tx.push(Part::Plain, Write::put(keys::reconcile_sums(sum.currency), item));
        }
        if let Some((number, record)) = finished {
            let mut item = Item::new();
            put(&mut item, "doc", json(record)?);
            tx.push(Part::Plain, Write::put(keys::reconcile_pass(number), item));
        }
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(true),
            // An unanswered attempt of this very run and version counts.
            Err(refused) => Ok(refused.guard().flatten().is_some_and(|item| {
                let reader = Reader(item);
                reader.number("ver") == Ok(version + 1) && reader.text("run") == Ok(run)
            })),
        }
    }

    /// The newest finished pass, if there is one: its number, and its record, if it reads.
    ///
    /// # Errors
    /// Table errors.
    pub async fn newest_reconcile_pass<T: DeserializeOwned>(&self) -> Result<Option<(u64, Result<T, StoreError>)>, StoreError> {
        let Key { pk, sk } = keys::reconcile_pass(0);
        let prefix = sk.trim_end_matches('0').to_owned();
        let query = Query { consistent: true, ..Query::table(pk, SortRange::BeginsWith(prefix.clone())).newest_first().limit(1) };
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let newest = page.items.first().and_then(|item| Some((Key::of(item)?.sk.strip_prefix(&prefix)?.parse().ok()?, item)));
        Ok(newest.map(|(number, item)| (number, Reader(item).json("doc"))))
    }

    /// A finished pass, if it is known.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn reconcile_pass<T: DeserializeOwned>(&self, number: u64) -> Result<Option<T>, StoreError> {
        let key = keys::reconcile_pass(number);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.map(|item| Reader(&item).json("doc")).transpose()
    }
}

/// The number that a row is kept under.
pub fn number(row: &Result<Entry, Unreadable>) -> i64 {
    match row {
        Ok(entry) => entry.after.seq,
        Err(unreadable) => unreadable.seq,
    }
}

fn number_of(pass: u64) -> i64 {
    i64::try_from(pass).unwrap_or(i64::MAX)
}

/// The number that an item of a ledger is kept under.
pub(crate) fn kept_number(item: &Item) -> Option<i64> {
    match item.get(SK) {
        Some(Value::S(text)) => text.get(..20).and_then(|digits| digits.parse().ok()),
        _ => None,
    }
}

/// An entry that reads and is kept where it belongs. `after`: a number below it.
fn readable(ledger: &LedgerId, after: i64, item: &table::Item) -> Result<Entry, Unreadable> {
    let seq = kept_number(item).unwrap_or(after).max(after.saturating_add(1));
    let unreadable = |why: String| Unreadable { seq, why };
    let entry = entries::decode(item).map_err(|error| unreadable(error.to_string()))?;
    if &entry.after.ledger != ledger || Key::of(item).as_ref() != Some(&keys::entry(ledger, entry.after.seq)) {
        return Err(unreadable(format!("it says {} number {}", entry.after.ledger, entry.after.seq)));
    }
    Ok(entry)
}
