//! The oracle: what every account must have paid for its usage, worked out anew from the raw events.
//!
//! It is slow and plain on purpose and shares nothing with the engine: it reads the rules from the JSON in which they are
//! kept, calculates in decimals ([`decimal`]), and goes through what happened in the order in which it took effect
//! ([`log`]). Where engine and oracle differ by a micro-unit, one of them is wrong.
//!
//! To follow it as a finance person would: [`models`] says what a month's quantity costs, [`prices`] which rule sets the
//! price at each level and what comes off it, and [`account`] what is then written to whose account.

pub mod account;
pub mod decimal;
pub mod log;
pub mod models;
pub mod prices;
pub mod rules;

pub use account::{Oracle, Outcome, Rejected};
