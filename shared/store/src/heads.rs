//! Heads: the newest entry of each ledger, read fresh or remembered. A remembered head is only ever a guess: the write
//! built on it is refused if the ledger went on, and no refusal is ever given from a guess.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{try_join, try_join_all};
use tributary_domain::ledger::{Head, LedgerId, stripe_of};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Currency;

use crate::Store;
use crate::commit::patiently;
use crate::entries;
use crate::error::{Denied, StoreError};
use crate::keys;
use crate::table::{Query, SortRange};
use crate::turns::{Turn, Turns};

/// Heads by ledger.
pub type Heads = BTreeMap<LedgerId, Head>;

/// The most remembered heads of one process; then it forgets all and begins anew.
const REMEMBERED: usize = 20_000;
/// Over how many numbers ledgers are shared out for their turns.
const NUMBERS: u8 = 251;

/// What one process remembers of heads, and the turns of its own requests.
#[derive(Debug, Default)]
pub struct HeadMemory {
    heads: Mutex<HashMap<LedgerId, Head>>,
    turns: Arc<Turns>,
}

impl HeadMemory {
    fn known(&self, ledgers: &BTreeSet<LedgerId>) -> Option<Heads> {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        ledgers.iter().map(|ledger| heads.get(ledger).map(|head| (ledger.clone(), head.clone()))).collect()
    }

    /// Remembers heads that were read or written.
    pub fn learn<'a>(&self, heads: impl IntoIterator<Item = &'a Head>) {
        let mut known = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > REMEMBERED {
            known.clear();
        }
        for head in heads {
            let newer = known.get(&head.ledger).is_none_or(|old| old.seq <= head.seq);
            if newer {
                known.insert(head.ledger.clone(), head.clone());
            }
        }
    }

    /// Forgets a ledger whose remembered head turned out to be old.
    pub fn forget(&self, ledger: &LedgerId) {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).remove(ledger);
    }

    /// Waits for this process's earlier requests on the same ledgers.
    pub async fn queue_up(&self, ledgers: &BTreeSet<LedgerId>) -> Option<Turn> {
        let numbers = ledgers.iter().map(|ledger| stripe_of(&ledger.to_string(), NUMBERS)).collect();
        self.turns.wait(numbers).await
    }
}

impl Store {
    /// The head of an account's ledger, strongly consistent: one query of one item.
    ///
    /// # Errors
    /// [`Denied::Absent`] if there is no such ledger; table errors.
    pub async fn head(&self, ledger: &LedgerId) -> Result<Head, StoreError> {
        self.maybe_head(ledger).await?.ok_or(StoreError::Denied(Denied::Absent))
    }

    async fn maybe_head(&self, ledger: &LedgerId) -> Result<Option<Head>, StoreError> {
        let query = Query::table(keys::ledger_partition(ledger), SortRange::Every).newest_first().limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        let head = page.items.first().map(entries::decode).transpose()?.map(|entry| entry.after);
        if let Some(head) = &head {
            self.memory.learn([head]);
        }
        Ok(head)
    }

    /// Reads every head fresh, in parallel. System ledgers that nothing was written to yet are empty.
    ///
    /// # Errors
    /// [`Denied::Absent`] if an account has no ledger.
    pub(crate) async fn fresh_heads(&self, ledgers: &BTreeSet<LedgerId>) -> Result<Heads, StoreError> {
        let one = async |ledger: &LedgerId| -> Result<(LedgerId, Head), StoreError> {
            let head = match (self.maybe_head(ledger).await?, ledger) {
                (Some(head), _) => head,
                (None, LedgerId::System(system)) => {
                    let currency = system.currency.parse::<Currency>().map_err(|error| StoreError::Corrupt(error.to_string()))?;
                    Head::empty_system(ledger.clone(), currency)
                }
                (None, LedgerId::Account(_)) => return Err(Denied::Absent.into()),
            };
            Ok((ledger.clone(), head))
        };
        Ok(try_join_all(ledgers.iter().map(one)).await?.into_iter().collect())
    }

    /// Heads to plan on: remembered ones if all are (`false`: not fresh), else fresh ones.
    pub(crate) async fn heads(&self, ledgers: &BTreeSet<LedgerId>) -> Result<(Heads, bool), StoreError> {
        match self.memory.known(ledgers) {
            Some(heads) => Ok((heads, false)),
            None => Ok((self.fresh_heads(ledgers).await?, true)),
        }
    }

    /// The lineage as it is now, for an account whose stored lineage may name an old place of an ancestor: walks up the
    /// parents, each read fresh. An account's parent is always right, because a move writes the moved account itself.
    ///
    /// # Errors
    /// Table errors; [`Denied::Absent`] if an ancestor has no ledger.
    pub async fn resolved_lineage(&self, stored: &Lineage) -> Result<Lineage, StoreError> {
        let mut chain = Vec::new();
        let mut next = stored.parent().cloned();
        while let Some(id) = next {
            let head = self.head(&LedgerId::Account(id.clone())).await?;
            next = head.lineage.parent().cloned();
            chain.push((id, head.generation));
            if chain.len() > 2 * tributary_domain::lineage::MAX_DEPTH {
                return Err(StoreError::Corrupt("the ancestors form a circle".to_owned()));
            }
        }
        let mut lineage = Lineage::root();
        for (id, generation) in chain.iter().rev() {
            lineage = lineage.beneath(id, *generation);
        }
        Ok(lineage)
    }

    /// Fresh heads with lineages as they are now.
    ///
    /// # Errors
    /// [`Denied::Absent`] if an account has no ledger; table errors.
    pub async fn current_heads(&self, ledgers: &BTreeSet<LedgerId>) -> Result<Heads, StoreError> {
        self.resolved_heads(ledgers).await
    }

    /// Fresh heads with resolved lineages.
    pub(crate) async fn resolved_heads(&self, ledgers: &BTreeSet<LedgerId>) -> Result<Heads, StoreError> {
        let mut heads = self.fresh_heads(ledgers).await?;
        let resolve = async |head: &Head| self.resolved_lineage(&head.lineage).await;
        let lineages = try_join_all(heads.values().map(resolve)).await?;
        for (head, lineage) in heads.values_mut().zip(lineages) {
            head.lineage = lineage;
        }
        Ok(heads)
    }

    /// Two heads at once.
    pub(crate) async fn two_heads(&self, one: &LedgerId, other: &LedgerId) -> Result<(Head, Head), StoreError> {
        try_join(self.head(one), self.head(other)).await
    }
}
