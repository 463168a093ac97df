//! What tests and their commands share.

pub mod oracle;
pub mod simulation;
pub mod usage;
