//! Folding a ledger into its sums: in steps, each entry once, what stands below an account before the account itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tributary_api::App;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::meter::Meter;
use tributary_store::aggregates::{Kept, Size, Slot, StoredSums};

use crate::aggregates::SumError;
use crate::aggregates::sums::{Dimensions, Part, Sums, part};
use crate::record::{self, UsageRecord};

/// How many entries of a ledger one step folds.
const STEP: usize = 200;
/// How many blobs, slots or sub-accounts are worked at the same time.
const PARALLEL: usize = 8;
/// How often a slot is read again when others write it.
const RACES: u32 = 20;
/// How many records are remembered, about 2 KB each.
const REMEMBERED_RECORDS: usize = 40_000;
/// How many records one step folds, but for a single batch that has more: they are remembered until every account below has
/// folded them too, with those read ahead, so that a batch is read once and not once for each account.
const STEP_RECORDS: usize = 20_000;

/// What one request or run reads of ledgers and batches, each once while there is room: the accounts of one batch are folded and
/// shown one after another.
#[derive(Debug, Default)]
pub struct Batches {
    records: Mutex<Remembered>,
    tails: Mutex<HashMap<AccountId, Arc<Tail>>>,
}

#[derive(Debug, Default)]
struct Remembered {
    records: HashMap<TransferId, Arc<Vec<UsageRecord>>>,
    count: usize,
}

impl Batches {
    /// The records of a batch that an entry of an account's ledger names.
    ///
    /// # Errors
    /// [`SumError::Records`].
    pub async fn records(&self, app: &App, account: &AccountId, batch: &TransferId) -> Result<Arc<Vec<UsageRecord>>, SumError> {
        if let Some(known) = self.records.lock().unwrap_or_else(PoisonError::into_inner).records.get(batch) {
            return Ok(Arc::clone(known));
        }
        let failed = |error| SumError::Records { account: account.clone(), error };
        let records = Arc::new(record::read(app.blobs(), batch).await.map_err(failed)?);
        let mut kept = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.count + records.len() > REMEMBERED_RECORDS {
            *kept = Remembered::default();
        }
        if kept.records.insert(batch.clone(), Arc::clone(&records)).is_none() {
            kept.count += records.len();
        }
        Ok(records)
    }
}

impl Batches {
    /// What was not folded of an account's ledger when it was first read.
    pub(crate) fn known_tail(&self, account: &AccountId) -> Option<Arc<Tail>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    pub(crate) fn keep_tail(&self, account: &AccountId, tail: Tail) -> Arc<Tail> {
        let tail = Arc::new(tail);
        self.tails.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone(), Arc::clone(&tail));
        tail
    }
}

/// One entry that is not folded yet: its number and its batch.
pub type Unfolded = (i64, TransferId);

/// What of a ledger is not folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Up to which entry all slots hold the ledger.
    pub folded_to: i64,
    /// The entries of usage above it, the oldest first.
    pub entries: Vec<Unfolded>,
    /// Up to which entry the ledger was read.
    pub read_to: i64,
    /// There may be more above that.
    pub more: bool,
}

impl Tail {
    /// Leaves the oldest `count` entries of usage.
    fn shorten(&mut self, count: usize) {
        if count < self.entries.len() {
            self.entries.truncate(count);
            self.read_to = self.entries.last().map_or(self.folded_to, |(seq, _)| *seq);
            self.more = true;
        }
    }
}

/// The entries of usage above `folded_to`, of at most `limit` entries of any kind.
///
/// # Errors
/// Table errors.
pub async fn tail(app: &App, account: &AccountId, folded_to: i64, limit: usize) -> Result<Tail, SumError> {
    let (mut entries, mut read_to) = (Vec::new(), folded_to);
    loop {
        let wanted = limit.saturating_sub(usize::try_from(read_to - folded_to).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(Tail { folded_to, entries, read_to, more: true });
        }
        let (usage, last) = app.store().usage_entries(account, read_to, wanted).await?;
        entries.extend(usage.into_iter().filter_map(|usage| Some((usage.entry.after.seq, usage.entry.transfer_id?))));
        match last {
            Some(last) => read_to = last,
            None => return Ok(Tail { folded_to, entries, read_to, more: false }),
        }
    }
}

/// What a fold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Entries of usage, those of the accounts below included.
    pub entries: usize,
    /// Slots written.
    pub slots: usize,
}

type Folding<'a> = Pin<Box<dyn Future<Output = Result<Folded, SumError>> + Send + 'a>>;

/// Folds an account's ledger, and before each step of it the ledgers of the direct sub-accounts that the step's batches came
/// through, which fold those below them first. So whoever finds an entry folded at an account finds its batch folded at every
/// account below. Goes on until nothing is left, or `steps` steps are done; safe to repeat, to race and to kill.
///
/// # Errors
/// The first account that cannot be folded; what was folded stays.
pub fn fold<'a>(app: &'a App, batches: &'a Batches, account: AccountId, steps: usize) -> Folding<'a> {
    fold_until(app, batches, account, steps, None)
}

/// As [`fold`], but of an account below another no further than the newest batch through it that the other folds.
fn fold_until<'a>(app: &'a App, batches: &'a Batches, account: AccountId, steps: usize, until: Option<TransferId>) -> Folding<'a> {
    Box::pin(async move {
        let mut done = Folded::default();
        for _ in 0..steps {
            let folded_to = app.store().summed_up_to([&account]).await?.remove(&account).unwrap_or(0);
            let mut tail = tail(app, &account, folded_to, STEP).await?;
            if tail.read_to == folded_to {
                return Ok(done);
            }
            let mut last = !tail.more;
            if let Some(until) = &until {
                match tail.entries.iter().position(|(_, batch)| batch == until) {
                    Some(at) => {
                        last = true;
                        tail.shorten(at + 1);
                    }
                    None if last => return Ok(done),
                    None => {}
                }
            }
            let fitting = fitting(app, batches, &account, &tail.entries).await?;
            last &= fitting == tail.entries.len();
            tail.shorten(fitting);
            let parts = parts(app, batches, &account, &tail.entries).await?;
            let of: BTreeMap<i64, &TransferId> = tail.entries.iter().map(|(seq, batch)| (*seq, batch)).collect();
            let newest = |(seq, part): &(i64, Part)| Some((part.sub.clone()?, (*of.get(seq)?).clone()));
            let below: BTreeMap<AccountId, TransferId> = parts.iter().filter_map(newest).collect();
            let below: Vec<Folding<'_>> =
                below.into_iter().map(|(sub, batch)| fold_until(app, batches, sub, usize::MAX, Some(batch))).collect();
            let mut below = stream::iter(below).buffer_unordered(PARALLEL);
            while let Some(folded) = below.try_next().await? {
                done.entries += folded.entries;
                done.slots += folded.slots;
            }
            done.slots += keep(app, &account, tail.read_to, &parts).await?;
            done.entries += tail.entries.len();
            // Who comes second finds it done.
            app.store().keep_summed_up_to(&account, folded_to, tail.read_to, app.now()).await?;
            if last {
                return Ok(done);
            }
        }
        Ok(done)
    })
}

/// How many of the entries, the oldest first, one step folds: at least one, and no more than [`STEP_RECORDS`] records.
async fn fitting(app: &App, batches: &Batches, account: &AccountId, entries: &[Unfolded]) -> Result<usize, SumError> {
    let read = async |(_, batch): &Unfolded| batches.records(app, account, batch).await;
    let mut read = stream::iter(entries.iter().map(read)).buffered(PARALLEL);
    let (mut taken, mut records) = (0, 0);
    while let Some(batch) = read.try_next().await? {
        records += batch.len();
        if taken > 0 && records > STEP_RECORDS {
            break;
        }
        taken += 1;
    }
    Ok(taken)
}

/// What the records of some entries are for an account, with the entries' numbers.
///
/// # Errors
/// Of records that cannot be had.
pub async fn parts(app: &App, batches: &Batches, account: &AccountId, entries: &[Unfolded]) -> Result<Vec<(i64, Part)>, SumError> {
    let read = async |(seq, batch): &Unfolded| Ok::<_, SumError>((*seq, batches.records(app, account, batch).await?));
    let records: Vec<(i64, Arc<Vec<UsageRecord>>)> = stream::iter(entries.iter().map(read)).buffered(PARALLEL).try_collect().await?;
    let owners: BTreeSet<AccountId> =
        records.iter().flat_map(|(_, records)| records.iter().map(|record| record.rated.owner.clone())).collect();
    let dimensions = dimensions(app, &owners).await?;
    let of = |(seq, records): &(i64, Arc<Vec<UsageRecord>>)| {
        records.iter().filter_map(|record| Some((*seq, part(record, account, &dimensions)?))).collect::<Vec<_>>()
    };
    Ok(records.iter().flat_map(of).collect())
}

/// The dimensions of the meters of some owners: one read.
async fn dimensions(app: &App, owners: &BTreeSet<AccountId>) -> Result<Dimensions, SumError> {
    if owners.is_empty() {
        return Ok(Dimensions::new());
    }
    let books = app.store().books(owners).await?;
    let of = |(owner, book): (AccountId, Arc<PricingBook>)| {
        let declared = |meter: &Meter| ((owner.clone(), meter.key.clone()), meter.dimensions.clone());
        book.meters.iter().map(declared).collect::<Vec<_>>()
    };
    Ok(books.into_iter().flat_map(of).collect())
}

/// Adds parts to the slots they fall into. Every slot that is written holds the ledger up to `read_to`.
async fn keep(app: &App, account: &AccountId, read_to: i64, parts: &[(i64, Part)]) -> Result<usize, SumError> {
    let mut by_slot: BTreeMap<Slot, Vec<(i64, &Part)>> = BTreeMap::new();
    for (seq, part) in parts {
        for size in Size::ALL {
            by_slot.entry(Slot::of(size, part.at)).or_default().push((*seq, part));
        }
    }
    let wanted: Vec<(AccountId, Slot)> = by_slot.keys().map(|slot| (account.clone(), *slot)).collect();
    let stored = app.store().sums(&wanted).await?;
    let one = |((slot, parts), stored)| keep_slot(app, account, slot, stored, read_to, parts);
    let slots: Vec<_> = by_slot.into_iter().zip(stored).map(one).collect();
    let mut slots = stream::iter(slots).buffer_unordered(PARALLEL);
    let mut written = 0;
    while let Some(wrote) = slots.try_next().await? {
        written += usize::from(wrote);
    }
    Ok(written)
}

async fn keep_slot(
    app: &App,
    account: &AccountId,
    slot: Slot,
    mut stored: Option<StoredSums>,
    read_to: i64,
    parts: Vec<(i64, &Part)>,
) -> Result<bool, SumError> {
    for _ in 0..RACES {
        let seq = stored.as_ref().map(|stored| stored.seq);
        let Some(sums) = with_later(account, slot, stored.as_ref(), &parts)? else { return Ok(false) };
        let new = StoredSums { seq: read_to.max(seq.unwrap_or(0)), doc: sums.encode() };
        match app.store().keep_sums(account, slot, seq, &new).await? {
            Kept::Yes => return Ok(true),
            Kept::Raced => stored = app.store().sums(&[(account.clone(), slot)]).await?.pop().flatten(),
        }
    }
    Err(SumError::Store(tributary_store::error::StoreError::Busy))
}

/// A slot's sums with those parts that it does not hold yet; `None` if it holds them all.
///
/// # Errors
/// [`SumError::Sums`].
pub fn with_later(account: &AccountId, slot: Slot, stored: Option<&StoredSums>, parts: &[(i64, &Part)]) -> Result<Option<Sums>, SumError> {
    let wrong = |why: String| SumError::Sums { account: account.clone(), slot: slot.to_string(), why };
    let seq = stored.map_or(0, |stored| stored.seq);
    let mut later = parts.iter().filter(|(number, _)| *number > seq).peekable();
    if later.peek().is_none() {
        return Ok(None);
    }
    let mut sums = stored.map_or(Ok(Sums::default()), |stored| Sums::decode(&stored.doc)).map_err(wrong)?;
    for (_, part) in later {
        sums.add(part, slot.size()).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(Some(sums))
}
