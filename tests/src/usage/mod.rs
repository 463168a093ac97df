//! Usage at work: a platform in this process, a town of accounts that use it, and the runs that are made with both.

pub mod against;
pub mod faults;
pub mod platform;
pub mod town;
pub mod witness;
