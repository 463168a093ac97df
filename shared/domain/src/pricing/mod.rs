//! Prices: what is measured, what one unit costs at each level of the tree, and what an event moves. Integers only; every
//! rounding is half to even and happens in three named places, [`number::to_picos`], [`number::to_micros`]
//! and, of an invoice's line, [`number::to_minor`].
//! `docs/pricing.md` says the same in words, with examples that a test runs.

pub mod book;
pub mod card;
pub mod chain;
pub mod cheapest;
pub mod error;
pub mod explain;
pub mod guard;
pub mod markup;
pub mod meter;
pub mod model;
pub mod month;
pub mod number;
pub mod package;
pub mod postings;
pub mod promotion;
pub mod rate;
pub mod resolve;
pub mod state;
pub mod tier;

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod properties;

#[cfg(test)]
mod examples;
