//! Holds, one file per operation.

pub mod create;
pub mod end;
pub mod read;
