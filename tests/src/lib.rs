//! What tests and their commands share.

pub mod simulation;
