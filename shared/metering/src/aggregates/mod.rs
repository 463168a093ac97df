//! Sums of usage by hour, day and month: folded from the ledgers and the records of their batches, each entry once, and read
//! together with what is not folded yet, so that what was answered `accepted` is in the next report. Why so:
//! `docs/adr/0011-aggregates.md`.

pub mod fold;
pub mod read;
pub mod sums;

use tributary_api::{Code, Problem};
use tributary_domain::id::AccountId;
use tributary_store::error::StoreError;

use crate::record::RecordError;

/// Why sums cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SumError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The records of a batch.
    #[error("account {account}: {error}")]
    Records {
        /// Whose ledger names the batch.
        account: AccountId,
        /// What is wrong.
        error: RecordError,
    },
    /// Stored sums do not read, or leave their range.
    #[error("the sums of account {account} in {slot}: {why}")]
    Sums {
        /// Whose.
        account: AccountId,
        /// Of when.
        slot: String,
        /// What is wrong.
        why: String,
    },
}

impl From<SumError> for Problem {
    fn from(error: SumError) -> Self {
        let away = matches!(&error, SumError::Records { error: RecordError::Blobs(_), .. });
        match error {
            SumError::Store(error) => error.into(),
            _ if away => Problem::new(Code::Busy, "The records of usage are not to be had at the moment. Ask again."),
            other => {
                let mut problem = Problem::new(Code::Internal, "The sums of usage could not be made; support knows why.");
                problem.internal = Some(other.to_string());
                problem
            }
        }
    }
}
