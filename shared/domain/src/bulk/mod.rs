//! Bulk jobs: many rows that are planned, shown, and then each done once. Pure: what a row says, what a job's state
//! becomes, what a transaction writes.

pub mod credit;
pub mod input;
pub mod job;
pub mod notice;
pub mod rows;
pub mod state;

/// The most rows of one job.
pub const MAX_ROWS: u64 = 100_000;
/// The most bytes of a job's input: 64 MiB.
pub const MAX_INPUT_BYTES: u64 = 64 * 1024 * 1024;
/// The most bytes of one row.
pub const MAX_ROW_BYTES: usize = 64 * 1024;
