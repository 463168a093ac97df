//! Reconciliation: what it finds, what it freezes, and that it never cries wolf.

mod freezing;
mod load;
mod planted;
mod runs;
pub(crate) mod scene;
