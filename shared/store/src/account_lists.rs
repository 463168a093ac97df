//! Lists of accounts: children and subtrees, through indexes. For showing only: no decision about money or rights rests
//! on them.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tributary_domain::account::{Account, Kind, Status};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::LedgerId;
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;
use tributary_domain::text::fold;

use crate::Store;
use crate::account_items::decode;
use crate::commit::patiently;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Index, Position, Query, SortRange};

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By age (a subtree: by place in the tree, parents before their children).
    Created,
    /// By name, folded.
    Name,
}

/// What a list shows.
#[derive(Debug, Clone)]
pub struct ListFilter {
    /// Only accounts of this own state.
    pub status: Option<Status>,
    /// Only accounts of this kind.
    pub kind: Option<Kind>,
    /// Only accounts whose name, external id or address contains this text, folded.
    pub q: Option<String>,
    /// The order.
    pub sort: Sort,
    /// Highest first.
    pub descending: bool,
    /// The most rows.
    pub limit: usize,
}

/// A page of accounts, and where to go on.
pub type AccountPage = (Vec<Account>, Option<Position>);

/// The most accounts read for one page; with a rare filter a page may then be short, and its cursor goes on.
const MOST_READ: usize = 5_000;
/// The largest subtree that is sorted by name or summed up on request.
pub const MAX_SUBTREE: usize = 20_000;
/// How many ledgers are read at once for a sum.
const PARALLEL: usize = 64;

impl ListFilter {
    fn takes(&self, account: &Account) -> bool {
        let text = |q: &String| {
            let in_text = |text: Option<&str>| text.is_some_and(|text| fold(text).contains(q));
            in_text(Some(account.name.as_str()))
                || in_text(account.external_id.as_ref().map(|e| e.as_str()))
                || in_text(account.email.as_ref().map(|e| e.as_str()))
        };
        self.status.is_none_or(|status| account.status == status)
            && self.kind.is_none_or(|kind| account.kind == kind)
            && self.q.as_ref().is_none_or(text)
    }
}

/// Sums over a subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubtreeSum {
    /// Accounts, the root included.
    pub accounts: usize,
    /// Available credit.
    pub available: Micros,
    /// Held credit.
    pub held: Micros,
}

/// The subtree is larger than [`MAX_SUBTREE`].
fn too_large() -> StoreError {
    StoreError::Limit { what: "accounts in one subtree for this request", limit: i64::try_from(MAX_SUBTREE).unwrap_or(i64::MAX) }
}

impl Store {
    /// Direct children, one query of an index a page (more only when a filter passes over many).
    ///
    /// # Errors
    /// Table errors.
    pub async fn children(&self, parent: &AccountId, filter: &ListFilter, start: Option<Position>) -> Result<AccountPage, StoreError> {
        let (index, pk) = match filter.sort {
            Sort::Created => (Index::Gsi1, keys::children_index(parent)),
            Sort::Name => (Index::Gsi2, keys::children_by_name_index(parent)),
        };
        let mut query = Query::index(index, pk, SortRange::Every);
        query.reverse = filter.descending;
        self.filtered(query, filter, start, |_| true).await
    }

    /// Everything below `root`, by place in the tree or by name.
    ///
    /// # Errors
    /// [`StoreError::Limit`] if sorted by name over more than [`MAX_SUBTREE`] accounts; table errors.
    pub async fn subtree(
        &self,
        root: &AccountId,
        lineage: &Lineage,
        filter: &ListFilter,
        start: Option<Position>,
    ) -> Result<AccountPage, StoreError> {
        match filter.sort {
            Sort::Created => {
                let mut query = tree_query(root, lineage);
                query.reverse = filter.descending;
                self.filtered(query, filter, start, |_| true).await
            }
            Sort::Name => self.subtree_by_name(root, lineage, filter, start).await,
        }
    }

    /// Reads pages until `limit` rows pass the filter, or [`MOST_READ`] were read.
    async fn filtered(
        &self,
        query: Query,
        filter: &ListFilter,
        start: Option<Position>,
        keep: impl Fn(&Account) -> bool,
    ) -> Result<AccountPage, StoreError> {
        let (mut rows, mut read, mut start) = (Vec::new(), 0, start);
        let index = query.index;
        loop {
            let unfiltered = filter.status.is_none() && filter.kind.is_none() && filter.q.is_none();
            let at_once = if unfiltered { filter.limit - rows.len() } else { 500 };
            let query = query.clone().limit(at_once).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            read += page.items.len();
            for (at, item) in page.items.iter().enumerate() {
                let account = decode(item)?;
                if !(filter.takes(&account) && keep(&account)) {
                    continue;
                }
                rows.push(account);
                if rows.len() == filter.limit {
                    let more = at + 1 < page.items.len() || page.next.is_some();
                    return Ok((rows, more.then(|| Position::of(item, index)).flatten()));
                }
            }
            match page.next {
                None => return Ok((rows, None)),
                Some(next) if read >= MOST_READ => return Ok((rows, Some(next))),
                Some(next) => start = Some(next),
            }
        }
    }

    async fn subtree_by_name(
        &self,
        root: &AccountId,
        lineage: &Lineage,
        filter: &ListFilter,
        start: Option<Position>,
    ) -> Result<AccountPage, StoreError> {
        let mut rows: BTreeMap<String, Account> = BTreeMap::new();
        for account in self.whole_subtree(root, lineage).await? {
            if filter.takes(&account) {
                rows.insert(keys::name_position(account.name.as_str(), &account.id), account);
            }
        }
        let after = start.map(|position| position.sk);
        let ordered: Vec<(String, Account)> = if filter.descending { rows.into_iter().rev().collect() } else { rows.into_iter().collect() };
        let passed = |key: &String| match &after {
            None => true,
            Some(after) if filter.descending => key < after,
            Some(after) => key > after,
        };
        let mut page: Vec<(String, Account)> = ordered.into_iter().filter(|(key, _)| passed(key)).take(filter.limit + 1).collect();
        let more = page.len() > filter.limit;
        page.truncate(filter.limit);
        let next = match page.last() {
            Some((key, _)) if more => Some(Position { pk: String::new(), sk: key.clone(), index: None }),
            _ => None,
        };
        Ok((page.into_iter().map(|(_, account)| account).collect(), next))
    }

    /// One page of the tree index below `root`, in path order; `limit` 0 reads a whole page of 1 MB.
    ///
    /// # Errors
    /// Table errors.
    pub async fn tree_page(
        &self,
        root: &AccountId,
        lineage: &Lineage,
        start: Option<Position>,
        limit: usize,
    ) -> Result<AccountPage, StoreError> {
        let query = tree_query(root, lineage).limit(limit).after(start);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let accounts = page.items.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        Ok((accounts, page.next))
    }

    /// Every account below `root`.
    ///
    /// # Errors
    /// [`StoreError::Limit`] over [`MAX_SUBTREE`]; table errors.
    pub async fn whole_subtree(&self, root: &AccountId, lineage: &Lineage) -> Result<Vec<Account>, StoreError> {
        let (mut all, mut start) = (Vec::new(), None);
        loop {
            let (mut accounts, next) = self.tree_page(root, lineage, start, 0).await?;
            all.append(&mut accounts);
            if all.len() > MAX_SUBTREE {
                return Err(too_large());
            }
            match next {
                Some(next) => start = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Sums the ledgers of `root` and everything below it that `counts`: one query for each account, many at once. Each
    /// balance is exact; the sum is not a snapshot while credit moves.
    ///
    /// # Errors
    /// [`StoreError::Limit`] over [`MAX_SUBTREE`]; table errors.
    pub async fn subtree_sum(
        &self,
        root: &AccountId,
        lineage: &Lineage,
        counts: impl Fn(&Account) -> bool,
    ) -> Result<SubtreeSum, StoreError> {
        let below = self.whole_subtree(root, lineage).await?;
        let own = self.head(&LedgerId::Account(root.clone())).await?;
        let ids: Vec<LedgerId> = below
            .into_iter()
            .filter(|account| account.currency == own.currency && counts(account))
            .map(|account| LedgerId::Account(account.id))
            .collect();
        let mut sum = SubtreeSum { accounts: ids.len() + 1, available: own.available, held: own.held };
        let mut heads = stream::iter(ids).map(async |ledger| self.head(&ledger).await).buffer_unordered(PARALLEL);
        while let Some(head) = heads.try_next().await? {
            sum.available = sum.available.plus(head.available)?;
            sum.held = sum.held.plus(head.held)?;
        }
        Ok(sum)
    }

    /// Which of the ancestors of `accounts` are not active, so that the state in force can be shown: one batch read for
    /// those not among the accounts themselves.
    ///
    /// # Errors
    /// Table errors.
    pub async fn stopped_ancestors(&self, accounts: &[Account]) -> Result<BTreeSet<AccountId>, StoreError> {
        let mut known: BTreeMap<AccountId, Status> = accounts.iter().map(|account| (account.id.clone(), account.status)).collect();
        let wanted: BTreeSet<AccountId> =
            accounts.iter().flat_map(|account| account.lineage.ids().skip(1)).filter(|id| !known.contains_key(*id)).cloned().collect();
        let wanted: Vec<AccountId> = wanted.into_iter().collect();
        known.extend(self.accounts(&wanted).await?.into_iter().map(|account| (account.id, account.status)));
        Ok(known.into_iter().filter(|(_, status)| *status != Status::Active).map(|(id, _)| id).collect())
    }
}

fn tree_query(root: &AccountId, lineage: &Lineage) -> Query {
    Query::index(Index::Gsi3, keys::TREE_INDEX, SortRange::BeginsWith(format!("{}/", lineage.path(root))))
}
