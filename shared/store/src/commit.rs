//! One transaction: writes with the meaning of each, sent until it is known whether it happened.
//!
//! Every transaction holds a *guard*: an item that is made under a key of its own and therefore can be made only once.
//! After an unanswered attempt the same transaction is sent again, and a refused guard says that it had happened.

use std::time::Duration;

use rand::Rng as _;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::LedgerId;

use crate::error::StoreError;
use crate::table::{Item, MAX_TRANSACT, Refusal, Table, TableError, Write};

/// What a write of a transaction stands for, so that its refusal can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The item that can be made only once.
    Guard,
    /// An entry: its number was taken, so the ledger went on.
    Entry(LedgerId),
    /// An ancestor's gate: the ancestor was suspended or moved.
    Gate(AccountId),
    /// The account's own item.
    Account,
    /// The parent's item.
    Parent,
    /// The previous parent's item.
    OldParent,
    /// The uniqueness of a name, address or `external_id`.
    Unique,
    /// The hold.
    Hold,
    /// How many of a package an account bought.
    Bought,
    /// The pricing book.
    Book,
    /// What is set beside the account: how it tops itself up, its alerts, how one of them stands.
    Setting,
    /// The transfer that is sent back.
    Original,
    /// What the write is done for: it is so no more.
    Cause,
    /// The caller's own credential.
    Grantor,
    /// The role that is granted.
    Role,
    /// The key or member that is changed.
    Principal,
    /// A bulk job.
    Job,
    /// Some rows of a bulk job.
    Chunk,
    /// How far an account is billed.
    Billing,
    /// An invoice.
    Invoice,
    /// How far a seller's numbers are.
    Counters,
    /// A payment.
    Payment,
    /// A dispute of an invoice.
    Dispute,
    /// A write without a condition that matters.
    Plain,
}

/// A transaction being put together.
#[derive(Debug, Clone, Default)]
pub struct Tx {
    writes: Vec<Write>,
    parts: Vec<Part>,
}

/// A refused transaction: each refused part with the item that was in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<(Part, Option<Item>)>);

impl Refused {
    /// The item that stood in the way of the guard, if the guard was refused.
    pub fn guard(&self) -> Option<Option<&Item>> {
        self.of(&Part::Guard)
    }

    /// The item that stood in the way of `part`, if it was refused.
    pub fn of(&self, part: &Part) -> Option<Option<&Item>> {
        self.0.iter().find(|(refused, _)| refused == part).map(|(_, item)| item.as_ref())
    }

    /// Whether an entry's number was taken.
    pub fn has_entry(&self) -> bool {
        self.0.iter().any(|(part, _)| matches!(part, Part::Entry(_)))
    }

    /// The refused gates.
    pub fn gates(&self) -> impl Iterator<Item = (&AccountId, Option<&Item>)> {
        self.0.iter().filter_map(|(part, item)| match part {
            Part::Gate(account) => Some((account, item.as_ref())),
            _ => None,
        })
    }
}

/// How often and how patiently a busy or unanswered request is sent again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The most attempts.
    pub attempts: u32,
    /// The first pause is random between 0 and this; it doubles each time.
    pub base: Duration,
    /// The longest pause.
    pub cap: Duration,
}

impl Default for Patience {
    /// Ends well inside API Gateway's 29 seconds.
    fn default() -> Self {
        Self { attempts: 8, base: Duration::from_millis(10), cap: Duration::from_millis(400) }
    }
}

impl Patience {
    /// Does not wait: for the simulation.
    pub fn eager(attempts: u32) -> Self {
        Self { attempts, base: Duration::ZERO, cap: Duration::ZERO }
    }

    /// Waits before attempt `attempt` (1 is the first repetition): full jitter, doubling, capped.
    pub async fn pause(&self, attempt: u32) {
        let longest = self.base.saturating_mul(1 << attempt.min(10).saturating_sub(1)).min(self.cap);
        if longest.is_zero() {
            tokio::task::yield_now().await;
            return;
        }
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let jittered = Duration::from_micros(rand::rng().random_range(0..=micros));
        tokio::time::sleep(jittered).await;
    }
}

impl Tx {
    /// Adds a write.
    pub fn push(&mut self, part: Part, write: Write) {
        self.writes.push(write);
        self.parts.push(part);
    }

    /// How many writes it has.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Sends the transaction until it is known whether it happened.
    ///
    /// # Errors
    /// Outer: [`StoreError::Busy`], [`StoreError::Unknown`] when patience ends, [`StoreError::TooManyBranches`] over 100
    /// writes. Inner: [`Refused`], when conditions did not hold; nothing was written by *this* sending, but if the guard
    /// is among the refused an earlier sending may have.
    pub async fn commit(&self, table: &dyn Table, patience: &Patience) -> Result<Result<(), Refused>, StoreError> {
        if self.writes.len() > MAX_TRANSACT {
            return Err(StoreError::TooManyBranches);
        }
        let mut last = StoreError::Busy;
        let mut unanswered = None;
        for attempt in 0..patience.attempts {
            if attempt > 0 {
                patience.pause(attempt).await;
            }
            match table.transact(&self.writes).await {
                Ok(()) => return Ok(Ok(())),
                // Where the guard itself was not looked at, the other refusals say nothing: it may have happened before.
                Err(TableError::Cancelled(refusals)) if self.guard_was_busy(&refusals) => {}
                Err(TableError::Cancelled(refusals)) => {
                    let refused = self.read(refusals);
                    if !refused.0.is_empty() {
                        return Ok(Err(refused));
                    }
                }
                Err(error @ (TableError::Busy(_) | TableError::Unknown(_))) => {
                    last = error.into();
                    if let StoreError::Unknown(_) = last {
                        unanswered = Some(last.clone());
                    }
                }
                Err(error @ (TableError::Condition(_) | TableError::Invalid(_))) => return Err(StoreError::Table(error)),
            }
        }
        // Once an attempt went unanswered the whole is unknown, even if the later ones were refused for being busy.
        Err(unanswered.unwrap_or(last))
    }

    fn guard_was_busy(&self, refusals: &[Refusal]) -> bool {
        self.parts.iter().zip(refusals).any(|(part, refusal)| match refusal {
            Refusal::Conflict | Refusal::Throttled => part == &Part::Guard,
            Refusal::None | Refusal::Condition(_) => false,
        })
    }

    fn read(&self, refusals: Vec<Refusal>) -> Refused {
        let refused = self.parts.iter().zip(refusals).filter_map(|(part, refusal)| match refusal {
            Refusal::Condition(item) => Some((part.clone(), item)),
            Refusal::None | Refusal::Conflict | Refusal::Throttled => None,
        });
        Refused(refused.collect())
    }
}

/// Reads again while the table is busy or does not answer.
///
/// # Errors
/// The last error when patience ends.
pub async fn patiently<T, F>(patience: &Patience, mut read: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, TableError>>,
{
    let mut attempt = 0;
    loop {
        match read().await {
            Ok(value) => return Ok(value),
            Err(TableError::Busy(_) | TableError::Unknown(_)) if attempt + 1 < patience.attempts => {
                attempt += 1;
                patience.pause(attempt).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
