//! What changes of the table are to rosters: to whom each is told, and what it says at that account's own level.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tributary_api::App;
use tributary_domain::account::{Account, Kind};
use tributary_domain::billing::invoice::Invoice;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Entry, EntryKind, Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_metering::aggregates::sums::Sums;
use tributary_store::aggregates::{Size, Slot, StoredSums};
use tributary_store::error::{Denied, StoreError};
use tributary_store::rosters::Heard;

use crate::change::{Bill, Place, Profile, RowChange, SlotKey, SlotSum, Tier, Used};
use crate::figures::{at_level, day_number, month_number};
use tributary_domain::pricing::month::Month;

/// What is told to each owner of a roster, one change an account.
pub type ToldTo = BTreeMap<AccountId, BTreeMap<AccountId, RowChange>>;

/// How many accounts are read at the same time.
const PARALLEL: usize = 32;
/// For how many days before today figures are read; the running month and the one before are in them.
pub const DAYS_READ: i32 = 62;
/// Nothing of ours is older.
const FIRST_MONTH: &str = "2020-01-01T00:00:00Z";

/// What is known of one account, whoever it is told to.
#[derive(Debug, Clone)]
pub struct Facts {
    account: Account,
    head: Head,
    used: Option<Used>,
    sums: Vec<(Slot, i64, Sums)>,
}

/// An account that stands elsewhere, and where it stood before. More is told of it than its change says.
#[derive(Debug, Clone)]
pub struct Moved {
    account: Account,
    before: Lineage,
}

/// Takes in what was heard; returns the account if it was moved, for [`take_in_moved`].
///
/// # Errors
/// Table errors; [`StoreError::Corrupt`] of sums that do not read.
pub async fn take_in(app: &App, told: &mut ToldTo, heard: Heard, now: Timestamp) -> Result<Option<Moved>, StoreError> {
    match heard {
        Heard::Entry(entry) => of_entry(told, &entry),
        Heard::Sums(account, slot, stored) => of_sums(app, told, &account, slot, &stored).await?,
        Heard::Invoice(invoice) => of_invoice(told, &invoice, now)?,
        Heard::Account(account, before) => {
            let mut change = RowChange::of(account.id.clone());
            change.profile = Some(Profile::from(&*account));
            change.tier = Some(Tier::from(&*account));
            owners(&account.id, account.kind, &account.lineage).for_each(|owner| tell(told, owner, change.clone()));
            return Ok(before.map(|before| Moved { account: *account, before }));
        }
    }
    Ok(None)
}

/// Takes in accounts that stand elsewhere: who stood above hears that it is gone, and who stands above now hears everything, which is read, of many at
/// the same time. Returns why some could not be told of.
///
/// # Errors
/// Table errors.
pub async fn take_in_moved(app: &App, told: &mut ToldTo, moved: Vec<Moved>) -> Result<Vec<StoreError>, StoreError> {
    let read = async |Moved { account, before }: Moved| {
        let lineage = account.lineage.clone();
        match facts_of(app, account).await {
            Ok(facts) => Ok(Ok((facts, before, lineage))),
            Err(error @ StoreError::Corrupt(_)) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    };
    let mut unreadable = Vec::new();
    let mut read = std::pin::pin!(stream::iter(moved.into_iter().map(read)).buffer_unordered(PARALLEL));
    while let Some(facts) = read.try_next().await? {
        match facts {
            Ok((facts, before, lineage)) => {
                let now_above = owners(&facts.account.id, facts.account.kind, &facts.head.lineage);
                let above: BTreeSet<&AccountId> = before.ids().chain(lineage.ids()).chain(now_above).collect();
                above.into_iter().for_each(|owner| tell(told, owner, facts.at(owner)));
            }
            Err(error) => unreadable.push(error),
        }
    }
    Ok(unreadable)
}

/// Whose rosters have an account: its own, if it can have sub-accounts, and those of all above it.
fn owners<'a>(id: &'a AccountId, kind: Kind, lineage: &'a Lineage) -> impl Iterator<Item = &'a AccountId> {
    lineage.ids().chain((kind != Kind::Customer).then_some(id))
}

fn tell(told: &mut ToldTo, owner: &AccountId, change: RowChange) {
    if change.is_empty() {
        return;
    }
    let rows = told.entry(owner.clone()).or_default();
    rows.entry(change.id.clone()).or_insert_with(|| RowChange::of(change.id.clone())).merge(change);
}

fn of_entry(told: &mut ToldTo, entry: &Entry) {
    let head = &entry.after;
    let LedgerId::Account(id) = &head.ledger else { return };
    let used = (head.usage_seq == head.seq).then_some(Used { seq: head.seq, at_ms: head.at.as_millisecond() });
    for owner in owners(id, head.kind, &head.lineage) {
        let mut change = RowChange::of(id.clone());
        change.place = Some(Place::of(id, head, owner));
        change.used = used;
        tell(told, owner, change);
    }
    // Who stood above before is told by the account's item, which says where that was.
    debug_assert!(entry.kind != EntryKind::Moved || !head.lineage.ids().any(|above| above == id));
}

fn of_invoice(told: &mut ToldTo, invoice: &Invoice, now: Timestamp) -> Result<(), StoreError> {
    let mut change = RowChange::of(invoice.account_id.clone());
    change.bills = vec![bill(invoice, now)?];
    tell(told, &invoice.seller_id, change);
    Ok(())
}

fn bill(invoice: &Invoice, now: Timestamp) -> Result<Bill, StoreError> {
    let open = invoice.state.is_open();
    let due = if open { invoice.due().map_err(|error| StoreError::Corrupt(error.to_string()))?.get() } else { 0 };
    Ok(Bill {
        id: invoice.id.clone(),
        version: invoice.version,
        due,
        due_ms: invoice.due_at.map_or(i64::MAX, |at| at.as_millisecond()),
        open,
        told_ms: now.as_millisecond(),
    })
}

async fn of_sums(app: &App, told: &mut ToldTo, account: &AccountId, slot: Slot, stored: &StoredSums) -> Result<(), StoreError> {
    let (Some(slot), sums) = (key_of(slot), decoded(account, stored)?) else { return Ok(()) };
    let mut levels: Vec<&AccountId> = sums.cells.keys().flat_map(|key| key.payers.payers.iter().chain([&key.payers.owner])).collect();
    levels.sort();
    levels.dedup();
    let resells = sums.cells.keys().any(|key| !key.own);
    for owner in levels {
        // Customers have no roster.
        if owner == account && !resells && kind_of(app, account).await? == Some(Kind::Customer) {
            continue;
        }
        let mut change = RowChange::of(account.clone());
        change.sums.extend(at_level(&sums, owner).map(|figures| SlotSum { slot, seq: stored.seq, figures }));
        tell(told, owner, change);
    }
    Ok(())
}

/// What an account is, which never changes; `None` if there is none. Read once a process.
async fn kind_of(app: &App, account: &AccountId) -> Result<Option<Kind>, StoreError> {
    let name = format!("kind/{account}");
    if let Some(kind) = app.memos().get::<Kind>(&name) {
        return Ok(Some(*kind));
    }
    let kind = match app.store().account(account).await {
        Ok(account) => account.kind,
        Err(StoreError::Denied(Denied::Absent)) => return Ok(None),
        Err(error) => return Err(error),
    };
    app.memos().keep(&name, 128, std::sync::Arc::new(kind));
    Ok(Some(kind))
}

fn decoded(account: &AccountId, stored: &StoredSums) -> Result<Sums, StoreError> {
    Sums::decode(&stored.doc).map_err(|why| StoreError::Corrupt(format!("the sums of {account}: {why}")))
}

fn key_of(slot: Slot) -> Option<SlotKey> {
    match slot.size() {
        Size::Hour => None,
        Size::Day => Some(SlotKey::Day(day_number(slot.start()))),
        Size::Month => Some(SlotKey::Month(month_number(Month::of(slot.start())))),
    }
}

impl Facts {
    /// What is told of it to the owner of a roster.
    pub fn at(&self, owner: &AccountId) -> RowChange {
        let id = &self.account.id;
        let sum =
            |(slot, seq, sums): &(Slot, i64, Sums)| Some(SlotSum { slot: key_of(*slot)?, seq: *seq, figures: at_level(sums, owner)? });
        RowChange {
            id: id.clone(),
            profile: Some(Profile::from(&self.account)),
            tier: Some(Tier::from(&self.account)),
            place: Some(Place::of(id, &self.head, owner)),
            used: self.used,
            sums: self.sums.iter().filter_map(sum).collect(),
            bills: Vec::new(),
        }
    }
}

/// Everything that rosters know of an account, read from the table: one query; of one that had usage, one read and two queries more.
///
/// # Errors
/// Table errors; [`StoreError::Corrupt`].
pub async fn facts_of(app: &App, account: Account) -> Result<Facts, StoreError> {
    let head = app.store().head(&LedgerId::Account(account.id.clone())).await?;
    let used = match head.usage_seq {
        0 => None,
        seq if seq == head.seq => Some(Used { seq, at_ms: head.at.as_millisecond() }),
        seq => Some(Used { seq, at_ms: app.store().ledger_entry(&account.id, seq).await?.after.at.as_millisecond() }),
    };
    let mut sums = Vec::new();
    // An owner of a meter has sums of what others used of it too, and then its ledger has an entry of that.
    if used.is_some() {
        let now = app.now();
        let first = FIRST_MONTH.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let days = crate::figures::day_start(day_number(now) - DAYS_READ);
        for (size, from) in [(Size::Month, first), (Size::Day, days)] {
            let found = app.store().sums_between(&account.id, Slot::of(size, from), Slot::of(size, now)).await?;
            for (slot, stored) in found {
                sums.push((slot, stored.seq, decoded(&account.id, &stored)?));
            }
        }
    }
    Ok(Facts { account, head, used, sums })
}

/// What is to be told to an owner of accounts, each read from the table.
///
/// # Errors
/// As [`facts_of`].
pub async fn told_of(app: &App, owner: &AccountId, accounts: Vec<Account>) -> Result<Vec<RowChange>, StoreError> {
    let one = async |account: Account| Ok::<_, StoreError>(facts_of(app, account).await?.at(owner));
    stream::iter(accounts.into_iter().map(one)).buffer_unordered(PARALLEL).try_collect().await
}

/// What is to be told to an owner of the invoices that it sold and that are open, read from an index: a query for about a megabyte of them.
///
/// # Errors
/// Table errors.
pub async fn told_of_bills(app: &App, owner: &AccountId) -> Result<Vec<RowChange>, StoreError> {
    let (mut told, mut start) = (Vec::new(), None);
    loop {
        let (invoices, next) = app.store().sold(owner, start, 0).await?;
        for invoice in invoices.iter().filter(|invoice| invoice.state.is_open()) {
            let mut change = RowChange::of(invoice.account_id.clone());
            change.bills = vec![bill(invoice, app.now())?];
            told.push(change);
        }
        match next {
            Some(next) => start = Some(next),
            None => return Ok(told),
        }
    }
}
