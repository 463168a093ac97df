//! Reading sums: what is stored, and in memory what is not folded yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tributary_api::App;
use tributary_domain::id::AccountId;
use tributary_store::aggregates::{Slot, StoredSums};
use tributary_store::error::StoreError;
use tributary_store::table::MAX_BATCH_GET;

use crate::aggregates::SumError;
use crate::aggregates::fold::{Batches, Tail, fold, parts, tail, with_later};
use crate::aggregates::sums::{Part, Sums};

/// The most entries that a read folds in memory; of more it first folds and stores.
pub const MAX_UNFOLDED: usize = 500;
/// How many accounts' ledgers are read at the same time.
const PARALLEL: usize = 16;
/// How often a read folds before it gives up: usage comes in faster than it is folded.
const FOLDS: usize = 5;

/// The sums of an account by slot; a slot without usage is left out.
pub type BySlot = BTreeMap<Slot, Sums>;

/// The sums of one account, its whole subtree's, in some slots: everything that was accepted before. Three reads, and one for
/// each batch that is not folded.
///
/// # Errors
/// [`SumError`].
pub async fn of_account(app: &App, batches: &Batches, account: &AccountId, slots: &[Slot]) -> Result<BySlot, SumError> {
    let tail = short_tail(app, batches, account, None).await?;
    let (stored, parts) = futures::future::try_join(stored(app, account, slots), parts(app, batches, account, &tail.entries)).await?;
    merged(account, slots, stored, &parts)
}

/// What is not folded of an account's ledger, after folding it if that is much. `folded_to` is up to where it was folded when that
/// was read before; none if it was not.
async fn short_tail(app: &App, batches: &Batches, account: &AccountId, folded_to: Option<i64>) -> Result<Arc<Tail>, SumError> {
    if let Some(known) = batches.known_tail(account) {
        return Ok(known);
    }
    let mut known = folded_to;
    for _ in 0..FOLDS {
        let folded_to = match known.take() {
            Some(folded_to) => folded_to,
            None => app.store().summed_up_to([account]).await?.remove(account).unwrap_or(0),
        };
        let tail = tail(app, account, folded_to, MAX_UNFOLDED).await?;
        if !tail.more {
            return Ok(batches.keep_tail(account, tail));
        }
        fold(app, batches, account.clone(), usize::MAX).await?;
    }
    Err(SumError::Store(StoreError::Busy))
}

/// The stored sums: one read for up to a hundred slots, else a query for each size.
async fn stored(app: &App, account: &AccountId, slots: &[Slot]) -> Result<BTreeMap<Slot, StoredSums>, SumError> {
    if slots.len() <= MAX_BATCH_GET {
        let wanted: Vec<(AccountId, Slot)> = slots.iter().map(|slot| (account.clone(), *slot)).collect();
        let found = app.store().sums(&wanted).await?;
        return Ok(slots.iter().copied().zip(found).filter_map(|(slot, sums)| Some((slot, sums?))).collect());
    }
    let runs = slots.chunk_by(|one, next| one.size() == next.size()).filter_map(|run| Some((*run.first()?, *run.last()?)));
    let read = async |(first, last): (Slot, Slot)| app.store().sums_between(account, first, last).await;
    let found = futures::future::try_join_all(runs.map(read)).await?;
    Ok(found.into_iter().flatten().collect())
}

fn merged(account: &AccountId, slots: &[Slot], stored: BTreeMap<Slot, StoredSums>, parts: &[(i64, Part)]) -> Result<BySlot, SumError> {
    let mut by_slot: BTreeMap<Slot, Vec<(i64, &Part)>> = BTreeMap::new();
    if !parts.is_empty() {
        let wanted: BTreeSet<Slot> = slots.iter().copied().collect();
        for (seq, part) in parts {
            let own = tributary_store::aggregates::Size::ALL.into_iter().map(|size| Slot::of(size, part.at));
            own.filter(|slot| wanted.contains(slot)).for_each(|slot| by_slot.entry(slot).or_default().push((*seq, part)));
        }
    }
    let mut all = BySlot::new();
    for slot in slots {
        let (stored, later) = (stored.get(slot), by_slot.get(slot).map(Vec::as_slice).unwrap_or_default());
        let sums = match (with_later(account, *slot, stored, later)?, stored) {
            (Some(sums), _) => sums,
            (None, Some(stored)) => {
                Sums::decode(&stored.doc).map_err(|why| SumError::Sums { account: account.clone(), slot: slot.to_string(), why })?
            }
            (None, None) => continue,
        };
        all.insert(*slot, sums);
    }
    Ok(all)
}

/// The sums of many accounts, each with its whole subtree's. `roots` are accounts that stand above them, or are among them:
/// whatever is not folded of an account's usage stands unfolded in the ledger of its root too, so only the accounts found there
/// are looked at one by one. A few reads, one more for each account with unfolded usage and one for each unfolded batch.
///
/// # Errors
/// [`SumError`].
pub async fn of_accounts(
    app: &App,
    batches: &Batches,
    roots: &BTreeSet<AccountId>,
    accounts: &[AccountId],
    slots: &[Slot],
) -> Result<BTreeMap<AccountId, BySlot>, SumError> {
    let busy = unfolded(app, batches, roots, accounts).await?;
    let mut all = BTreeMap::new();
    let (mut quiet, mut lively) = (Vec::new(), Vec::new());
    accounts.iter().for_each(|account| if busy.contains(account) { lively.push(account) } else { quiet.push(account) });
    let one = async |account: &AccountId| {
        let tail = short_tail(app, batches, account, None).await?;
        let parts = parts(app, batches, account, &tail.entries).await?;
        Ok::<_, SumError>((account.clone(), parts))
    };
    let parts: BTreeMap<AccountId, Vec<(i64, Part)>> =
        stream::iter(lively.into_iter().map(one)).buffer_unordered(PARALLEL).try_collect().await?;
    let mut stored_of: BTreeMap<AccountId, BTreeMap<Slot, StoredSums>> = BTreeMap::new();
    if slots.len() * 2 <= MAX_BATCH_GET {
        let wanted: Vec<(AccountId, Slot)> =
            accounts.iter().flat_map(|account| slots.iter().map(move |slot| (account.clone(), *slot))).collect();
        let found = app.store().sums(&wanted).await?;
        for ((account, slot), sums) in wanted.into_iter().zip(found) {
            stored_of.entry(account).or_default().extend(sums.map(|sums| (slot, sums)));
        }
    } else {
        let read = async |account: &AccountId| Ok::<_, SumError>((account.clone(), stored(app, account, slots).await?));
        stored_of = stream::iter(accounts.iter().map(read)).buffer_unordered(PARALLEL).try_collect().await?;
    }
    for account in accounts {
        let stored = stored_of.remove(account).unwrap_or_default();
        let later = parts.get(account).map(Vec::as_slice).unwrap_or_default();
        let by_slot = merged(account, slots, stored, later)?;
        if !by_slot.is_empty() {
            all.insert(account.clone(), by_slot);
        }
    }
    Ok(all)
}

/// Which of the accounts have usage that is not folded at every account up to its root.
async fn unfolded(
    app: &App,
    batches: &Batches,
    roots: &BTreeSet<AccountId>,
    accounts: &[AccountId],
) -> Result<BTreeSet<AccountId>, SumError> {
    let wanted: BTreeSet<&AccountId> = accounts.iter().collect();
    let unread: Vec<&AccountId> = roots.iter().filter(|root| batches.known_tail(root).is_none()).collect();
    let folded_to = if unread.is_empty() { BTreeMap::new() } else { app.store().summed_up_to(unread).await? };
    let touched = async |root: &AccountId| {
        let tail = short_tail(app, batches, root, folded_to.get(root).copied()).await?;
        let mut touched = BTreeSet::new();
        for (_, batch) in &tail.entries {
            for record in batches.records(app, root, batch).await?.iter() {
                let rated = &record.rated;
                let on_the_way = rated.levels.iter().map(|level| &level.payer).chain([&rated.account, &rated.owner]);
                touched.extend(on_the_way.filter(|account| wanted.contains(account)).cloned());
            }
        }
        Ok::<_, SumError>(touched)
    };
    let all: Vec<BTreeSet<AccountId>> = stream::iter(roots.iter().map(touched)).buffer_unordered(PARALLEL).try_collect().await?;
    Ok(all.into_iter().flatten().collect())
}
