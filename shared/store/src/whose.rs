//! Whose items the lists of what is due show: a tree on a test clock is looked after in its own time, and by nobody else.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tributary_domain::id::AccountId;

use crate::Store;
use crate::codec::Reader;
use crate::commit::patiently;
use crate::error::StoreError;
use crate::holds::due_position;
use crate::keys;
use crate::table::{Index, Item, Query, SortRange};

/// Whose items are listed.
#[derive(Debug, Clone, Default)]
pub enum Whose {
    /// Everybody's.
    #[default]
    Everyone,
    /// These accounts'.
    Only(Arc<BTreeSet<AccountId>>),
    /// All but these accounts'.
    But(Arc<BTreeSet<AccountId>>),
}

/// What a document says of whose it is.
#[derive(Deserialize)]
struct Owned {
    account_id: AccountId,
}

/// What time brings, and how long after that it is taken up.
const TIMELY: [&str; 8] = [
    keys::DRAFTS_DUE_INDEX,
    keys::INVOICES_DUE_INDEX,
    keys::PAYMENTS_DUE_INDEX,
    keys::DISPUTES_DUE_INDEX,
    keys::LOTS_DUE_INDEX,
    keys::HOLDS_DUE_INDEX,
    keys::TOPUPS_DUE_INDEX,
    keys::ALERTS_DUE_INDEX,
];

/// The account that something due belongs to.
fn owner(item: &Item) -> Option<AccountId> {
    let reader = Reader(item);
    let (kind, rest) = reader.text("pk").ok()?.split_once('#')?;
    match kind {
        "BILL" | "INV" | "TOP" | "ALRT" | "RELOC" => rest.parse().ok(),
        // How a rule stands of the account that it watches.
        "ALS" => reader.parsed("sk").ok(),
        "LOT" => reader.parsed("acc").ok(),
        _ => reader.json::<Owned>("doc").ok().map(|owned| owned.account_id),
    }
}

impl Whose {
    fn takes(&self, item: &Item) -> bool {
        match self {
            Whose::Everyone => true,
            Whose::Only(these) => owner(item).is_some_and(|owner| these.contains(&owner)),
            Whose::But(these) => owner(item).is_none_or(|owner| !these.contains(&owner)),
        }
    }
}

impl Store {
    /// The same store, whose lists of what is due show what is `whose`. Everything else is as before.
    #[must_use]
    pub fn of(&self, whose: Whose) -> Self {
        Self { whose, ..self.clone() }
    }

    pub(crate) fn mine<'a>(&'a self, items: &'a [Item]) -> impl Iterator<Item = &'a Item> {
        items.iter().filter(|item| self.whose.takes(item))
    }

    /// The first moment after `after`, and not after `upto`, at which something is due; periods are taken up `settle` after they can be closed. A query of
    /// each index partition, and more where others have much that is due before.
    ///
    /// # Errors
    /// Table errors.
    pub async fn next_due(&self, after: Timestamp, upto: Timestamp, settle: SignedDuration) -> Result<Option<Timestamp>, StoreError> {
        let earlier = |at: Timestamp| at.checked_sub(settle).unwrap_or(at);
        let mut first = self.due_between(keys::BILLING_DUE_INDEX, earlier(after), earlier(upto)).await?;
        first = first.and_then(|due| due.checked_add(settle).ok());
        for index in TIMELY {
            let due = self.due_between(index, after, first.unwrap_or(upto)).await?;
            first = [first, due].into_iter().flatten().min();
        }
        Ok(first)
    }

    async fn due_between(&self, index: &str, after: Timestamp, upto: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let next = after.checked_add(SignedDuration::from_millis(1)).unwrap_or(after);
        if next > upto {
            return Ok(None);
        }
        let range = SortRange::Between(due_position(next, ""), due_position(upto, "~"));
        let mut start = None;
        loop {
            let query = Query::index(Index::Gsi2, index, range.clone()).after(start);
            let page = patiently(&self.patience, || self.table.query(&query)).await?;
            let ms = |item: &Item| Reader(item).text("gsi2sk").ok()?.split('#').next()?.parse().ok();
            if let Some(due) = self.mine(&page.items).find_map(ms) {
                return Ok(Timestamp::from_millisecond(due).ok());
            }
            match page.next {
                Some(next) => start = Some(next),
                None => return Ok(None),
            }
        }
    }
}
