//! Accounts, one file per operation.

pub mod create;
pub mod get;
pub mod list;
pub mod relocate;
pub mod states;
pub mod update;
