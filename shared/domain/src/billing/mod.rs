//! Billing, purely: periods, what is charged, what an invoice says, and the states that invoices, payments and disputes pass through.
//! The state machines are printed by tests into the `.txt` files beside them.

pub mod bill;
pub mod build;
pub mod charge;
pub mod credit_note;
pub mod cycle;
pub mod dispute;
pub mod dunning;
pub mod invoice;
pub mod number;
pub mod payment;
pub mod profile;
pub mod run;
pub mod tax;

#[cfg(test)]
pub(crate) mod testing;
