//! Watching accounts: what is done when credit moved. An event is only a bell: the account's balance, how it tops itself up and
//! the rules that watch it are read fresh, and every write holds to what was read.

pub mod alerts;
mod card;
pub mod due;
pub mod expiry;
pub mod topup;

use tributary_api::App;
use tributary_billing::BillingError;
use tributary_domain::id::{AccountId, ActorId, EventId, RequestId};
use tributary_domain::ledger::LedgerId;
use tributary_metering::aggregates::SumError;
use tributary_store::error::StoreError;
use tributary_store::events::Act;

/// Why a look failed. What it had done stays done; another look goes on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The store's reasons.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sums of usage could not be read.
    #[error(transparent)]
    Sums(#[from] SumError),
    /// A card could not be charged.
    #[error(transparent)]
    Billing(#[from] BillingError),
}

/// What may have changed of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rang {
    /// Its balance alone.
    Balance,
    /// Its usage too, or what is set.
    Everything,
}

/// What a look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// Credit was drawn.
    pub drawn: usize,
    /// Credit could not be drawn.
    pub short: usize,
    /// Alerts that fired.
    pub fired: usize,
    /// Alerts that were resolved.
    pub resolved: usize,
}

impl Looked {
    /// The sum of two looks.
    pub fn add(&mut self, other: Looked) {
        self.drawn += other.drawn;
        self.short += other.short;
        self.fired += other.fired;
        self.resolved += other.resolved;
    }
}

/// Who acts: the watcher, no key of anybody's.
pub fn act(app: &App, run: &RequestId) -> Act {
    Act { event: EventId::from_uuid(app.uuid()), actor: ActorId::platform(), request: run.clone(), now: app.now() }
}

/// Looks at one account: tops it up, then asks every rule that watches it. Two reads where nothing is set. Safe to repeat, to
/// kill and to overlap.
///
/// # Errors
/// [`WatchError`]; of an account that topping up fails for, the alerts are looked at first.
pub async fn look(app: &App, run: &RequestId, account: &AccountId, rang: Rang) -> Result<Looked, WatchError> {
    let ledger = LedgerId::Account(account.clone());
    let mut head = match app.store().head(&ledger).await {
        Ok(head) => head,
        // There is no such account: an event of another table.
        Err(StoreError::Denied(_)) => return Ok(Looked::default()),
        Err(error) => return Err(error.into()),
    };
    let watched = app.store().watched(account, &head.lineage).await?;
    let (mut looked, mut failed) = (Looked::default(), None);
    if watched.topup.is_some_and(|topup| topup.wants(&head)) {
        match topup::top_up(app, run, account, &mut looked).await {
            Ok(()) => head = app.store().head(&ledger).await?,
            Err(error) => failed = Some(error),
        }
    }
    if !watched.rules.is_empty() {
        alerts::look(app, run, account, &head, &watched.rules, rang, &mut looked).await?;
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(looked),
    }
}
