//! Runs of billing: what is billed together, up to which moment, and what came of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, InvoiceId, RunId};
use crate::money::{Currency, Micros};
use crate::pricing::month::Month;

/// The most accounts of one chunk: their invoices are one transaction with the seller's counters.
pub const MAX_CHUNK: usize = 90;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its accounts are being listed.
    Listing,
    /// They are being billed, chunk by chunk.
    Working,
    /// Every chunk is done.
    Completed,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunChange {
    /// All accounts are listed.
    Listed,
    /// The last chunk is done, or what is left was given up.
    End,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 3] = [RunState::Listing, RunState::Working, RunState::Completed];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Listing => "listing",
            RunState::Working => "working",
            RunState::Completed => "completed",
        }
    }

    /// The state after `change`; `None` when the change is not allowed from here. The whole machine.
    pub fn after(self, change: RunChange) -> Option<RunState> {
        match (self, change) {
            (RunState::Listing, RunChange::Listed) => Some(RunState::Working),
            (RunState::Working, RunChange::End) => Some(RunState::Completed),
            (RunState::Listing, RunChange::End)
            | (RunState::Working, RunChange::Listed)
            | (RunState::Completed, RunChange::Listed | RunChange::End) => None,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The account whose key asked.
    pub by: AccountId,
    /// This account and what is below it; the asking account itself stands for everything below it.
    pub account_id: AccountId,
    /// The month whose invoices are meant.
    pub month: Month,
    /// Nothing is written but the result.
    pub dry_run: bool,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts that were looked at.
    pub accounts: u64,
    /// Invoices that were made, or in a dry run would be, or were there already.
    pub invoices: u64,
    /// Periods that were closed without anything to bill.
    pub empty: u64,
    /// Accounts that failed.
    pub failed: u64,
}

impl Counts {
    /// The sum of two.
    pub fn add(&mut self, other: Counts) {
        self.accounts = self.accounts.saturating_add(other.accounts);
        self.invoices = self.invoices.saturating_add(other.invoices);
        self.empty = self.empty.saturating_add(other.empty);
        self.failed = self.failed.saturating_add(other.failed);
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Under which account it is listed: the one that asked, or the operator.
    pub account_id: AccountId,
    /// What was asked for; none of a run that the schedule began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Periods are billed that can be closed by then. It stays the same however long the run takes.
    #[serde(serialize_with = "crate::time::millis")]
    pub as_of: Timestamp,
    /// Where it stands.
    pub state: RunState,
    /// How many chunks it has, once they are listed.
    pub chunks: u32,
    /// What was counted, once it is completed.
    #[serde(default)]
    pub counts: Counts,
    /// Of a completed run, SHA-256 over what was billed, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// When it began.
    #[serde(serialize_with = "crate::time::millis")]
    pub created_at: Timestamp,
    /// When it was completed.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub ended_at: Option<Timestamp>,
    /// Raised by one with each change.
    pub version: i64,
}

impl Run {
    /// Whether nothing is written but the result.
    pub fn is_dry(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.dry_run)
    }
}

/// Why an account was not billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which account.
    pub account_id: AccountId,
    /// What was wrong.
    pub why: String,
}

/// Accounts of one seller that are billed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its number in the run, from 1.
    pub number: u32,
    /// Whose sub-accounts they are.
    pub seller_id: AccountId,
    /// The accounts, by id: at most [`MAX_CHUNK`].
    pub accounts: Vec<AccountId>,
    /// It is done.
    #[serde(default)]
    pub done: bool,
    /// What was counted.
    #[serde(default)]
    pub counts: Counts,
    /// SHA-256 over what was billed, in hexadecimal.
    #[serde(default)]
    pub digest: String,
    /// What could not be billed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
}

/// From where on a run billed an account: kept with how far the account is billed, so that whoever goes on with the run knows what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMark {
    /// The run.
    pub run_id: RunId,
    /// The label of the first period that it closed.
    pub label: Month,
    /// Which part of it.
    pub part: u32,
}

/// What became of an account and a month in a run that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The invoice was there before.
    Billed,
    /// It was made, or in a dry run would be.
    Made,
    /// There is nothing to bill.
    Empty,
    /// The period is not over yet, or its late usage is waited for.
    Running,
    /// It could not be billed.
    Failed,
}

/// One line of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLine {
    /// The line's id.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What it comes to, or would.
    pub amount: Micros,
    /// What is there already.
    pub there: Micros,
}

/// The result for one account and one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The account.
    pub account_id: AccountId,
    /// Who bills it.
    pub seller_id: AccountId,
    /// The month.
    pub period: Month,
    /// Which part of it.
    pub part: u32,
    /// What became of it.
    pub state: RowState,
    /// The invoice, if there is or would be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_id: Option<InvoiceId>,
    /// The currency of the amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What the invoice comes to, or would.
    pub total: Micros,
    /// What is to be paid of it.
    pub due: Micros,
    /// What is there already.
    pub there: Micros,
    /// `total` less `there`: what the run charges, or would.
    pub difference: Micros,
    /// The lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RowLine>,
    /// What was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn a_run_passes_through_its_states_in_order() {
        let mut table = String::new();
        for state in RunState::ALL {
            for change in [RunChange::Listed, RunChange::End] {
                let after = state.after(change).map_or("refused", RunState::word);
                let _ = writeln!(table, "{:<16} {:<11} -> {after}", state.word(), format!("{change:?}"));
            }
        }
        crate::billing::testing::golden("run", &table);
    }
}
