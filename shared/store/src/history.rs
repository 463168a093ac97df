//! An account's history: its ledger read newest first, by kind and by period.

use jiff::Timestamp;
use tributary_domain::ledger::{Entry, EntryKind, LedgerId};

use crate::Store;
use crate::commit::patiently;
use crate::entries;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Query, SortRange};

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Only this kind.
    pub kind: Option<EntryKind>,
    /// Only entries with a lower number than this: where an earlier page ended.
    pub below_seq: Option<i64>,
    /// The most entries.
    pub limit: usize,
}

/// A page of a history.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The entries, newest first.
    pub entries: Vec<Entry>,
    /// Where to go on: only entries with a lower number.
    pub next_below_seq: Option<i64>,
}

/// The most entries read for one page; a page of a rare kind may then be short, and its cursor goes on.
const MOST_READ: usize = 2_000;

impl Store {
    /// A page of a ledger's money entries, newest first, strongly consistent. One query, when most entries are wanted.
    ///
    /// # Errors
    /// Table errors.
    pub async fn history(&self, ledger: &LedgerId, filter: &HistoryFilter) -> Result<HistoryPage, StoreError> {
        let mut below = match (filter.below_seq, filter.to) {
            (Some(seq), _) => seq,
            (None, Some(to)) => self.first_at_or_after(ledger, to).await?,
            (None, None) => i64::MAX,
        };
        let (mut found, mut read) = (Vec::new(), 0);
        loop {
            let query = Query::table(
                keys::ledger_partition(ledger),
                SortRange::Between(format!("{:020}", 0), format!("{:020}", below.saturating_sub(1))),
            )
            .newest_first()
            .limit(filter.limit + 1);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            let more = page.next.is_some();
            read += page.items.len();
            for item in &page.items {
                let entry = entries::decode(item)?;
                if filter.from.is_some_and(|from| entry.after.at < from) {
                    return Ok(HistoryPage { entries: found, next_below_seq: None });
                }
                if found.len() == filter.limit {
                    return Ok(HistoryPage { entries: found, next_below_seq: Some(below) });
                }
                below = entry.after.seq;
                let wanted = filter.kind.map_or(entry.kind.is_money(), |kind| entry.kind == kind);
                if wanted && filter.to.is_none_or(|to| entry.after.at < to) {
                    found.push(entry);
                }
            }
            if !more || below <= 1 {
                return Ok(HistoryPage { entries: found, next_below_seq: None });
            }
            if read >= MOST_READ {
                return Ok(HistoryPage { entries: found, next_below_seq: Some(below) });
            }
        }
    }

    /// The number of the first entry written at or after `at`, or one past the newest: found by halving, since numbers
    /// have no gaps and times never fall along a ledger.
    ///
    /// # Errors
    /// Table errors.
    pub async fn first_at_or_after(&self, ledger: &LedgerId, at: Timestamp) -> Result<i64, StoreError> {
        let newest = self.head(ledger).await?;
        if newest.at < at {
            return Ok(newest.seq + 1);
        }
        let (mut low, mut high) = (1, newest.seq);
        while low < high {
            let middle = low + (high - low) / 2;
            let key = keys::entry(ledger, middle);
            let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
            let entry = item.as_ref().map(entries::decode).transpose()?;
            match entry {
                Some(entry) if entry.after.at < at => low = middle + 1,
                Some(_) => high = middle,
                None => return Err(StoreError::Corrupt(format!("ledger {ledger} lacks entry {middle}"))),
            }
        }
        Ok(low)
    }
}
