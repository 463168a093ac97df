//! What can go wrong above the table.

use std::collections::BTreeSet;

use tributary_domain::billing::credit_note::PartError;
use tributary_domain::billing::dispute::DisputeError;
use tributary_domain::billing::invoice::InvoiceError;
use tributary_domain::billing::payment::RefundError;
use tributary_domain::brand::Token;
use tributary_domain::hold::HoldError;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::CreditError;
use tributary_domain::lineage::TooDeep;
use tributary_domain::money::{Currency, Overflow};
use tributary_domain::pricing::error::PricingError;
use tributary_domain::pricing::package::Unavailable;
use tributary_domain::rights::Right;

use crate::table::TableError;

/// Why a caller may not do something to a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The target does not exist, or is outside the caller's subtree: the two are answered alike.
    #[error("no such resource")]
    Absent,
    /// The target is in the caller's subtree, but the caller lacks the right there.
    #[error("the right {0} is needed")]
    Lacks(Right),
}

/// Why the store did not do what was asked. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The credit cannot move.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The hold cannot be ended.
    #[error(transparent)]
    Hold(HoldError),
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used before with another request body")]
    KeyReused,
    /// The edit was based on another version than the stored one.
    #[error("the resource has changed: its version is {0}")]
    Stale(i64),
    /// Another account under the same parent has this `external_id`.
    #[error("account {0} has this external_id already")]
    ExternalIdTaken(AccountId),
    /// The account's state does not allow it.
    #[error("the account is {0}")]
    AccountState(&'static str),
    /// The account is frozen, and the caller is not the operator.
    #[error("the account is frozen by reconciliation because its books do not add up; only the platform's operator lifts it")]
    Frozen,
    /// The parent cannot have sub-accounts.
    #[error("a customer account has no sub-accounts")]
    ParentIsCustomer,
    /// Too deep in the tree.
    #[error(transparent)]
    TooDeep(#[from] TooDeep),
    /// The new parent is the account itself or stands below it.
    #[error("an account cannot be moved below itself")]
    Cycle,
    /// The new parent keeps another currency.
    #[error("the parent keeps {parent}, the account {account}")]
    ParentCurrency {
        /// Currency of the parent.
        parent: Currency,
        /// Currency of the account.
        account: Currency,
    },
    /// The account still has sub-accounts that are not closed.
    #[error("the account has {0} sub-accounts that are not closed")]
    OpenChildren(i64),
    /// The account still has credit.
    #[error("the account still has credit")]
    CreditLeft {
        /// Available credit.
        available: tributary_domain::money::Micros,
        /// Held credit.
        held: tributary_domain::money::Micros,
    },
    /// An account above locked these tokens of the brand. Which one is not said: it may be above the caller.
    #[error("the brand's {} cannot be set here: an account above locked it", .0.iter().map(|token| token.word()).collect::<Vec<_>>().join(", "))]
    BrandLocked(BTreeSet<Token>),
    /// Another account's portal is called so.
    #[error("another portal has this slug")]
    SlugTaken,
    /// Another account proved that the host is its own.
    #[error("another account has this host")]
    HostTaken,
    /// A name or address is taken at this account.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// A limit on how many is reached.
    #[error("the limit of {limit} {what} is reached")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: i64,
    },
    /// A grant would give more than the grantor holds.
    #[error("you cannot grant more than you hold: {}", .0.iter().map(|right| right.word()).collect::<Vec<_>>().join(", "))]
    GrantsTooMuch(Vec<Right>),
    /// A named role does not exist at the account or above it.
    #[error("no role of this name is known here")]
    UnknownRole,
    /// A price, a rule or a table of prices is wrong.
    #[error(transparent)]
    Pricing(PricingError),
    /// What is asked for cannot be bought.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The seller has too little credit to sell. How much it has is not the buyer's to know.
    #[error("the account's parent has too little credit to sell as much")]
    SellerShort,
    /// An invoice, its lines or a dispute of it do not allow it.
    #[error(transparent)]
    Dispute(DisputeError),
    /// Money cannot be given back.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// Something else is in the way; said in words.
    #[error("{0}")]
    Conflict(&'static str),
    /// The transfer was sent back already.
    #[error("the transfer was reversed already")]
    AlreadyReversed,
    /// Too many ancestors are touched for one transaction.
    #[error("the legs touch too many branches for one transaction; split them")]
    TooManyBranches,
    /// The same data was too busy for too long. It may be tried again with the same idempotency key.
    #[error("the data is busy; try again")]
    Busy,
    /// The table gave no answer for too long: whether it happened is not known. A retry with the same idempotency key
    /// finds out.
    #[error("the table gave no answer: {0}")]
    Unknown(String),
    /// Stored data cannot be read: a bug, or a hand in the table.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// The table refused the request as malformed: a bug.
    #[error("the table refused the request: {0}")]
    Table(TableError),
}

impl From<HoldError> for StoreError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Credit(credit) => StoreError::Credit(credit),
            other @ (HoldError::Ended(_) | HoldError::Expired(_) | HoldError::TooMuch { .. }) => StoreError::Hold(other),
        }
    }
}

impl From<DisputeError> for StoreError {
    fn from(error: DisputeError) -> Self {
        StoreError::Dispute(error)
    }
}

impl From<PartError> for StoreError {
    fn from(error: PartError) -> Self {
        StoreError::Dispute(error.into())
    }
}

impl From<InvoiceError> for StoreError {
    fn from(error: InvoiceError) -> Self {
        StoreError::Dispute(error.into())
    }
}

impl From<Overflow> for StoreError {
    fn from(overflow: Overflow) -> Self {
        StoreError::Credit(overflow.into())
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Busy(_) => StoreError::Busy,
            TableError::Unknown(why) => StoreError::Unknown(why),
            TableError::Condition(_) | TableError::Cancelled(_) | TableError::Invalid(_) => StoreError::Table(error),
        }
    }
}
