//! Why a price, a rule or a table is refused, and which part of it.

use crate::pricing::number::{Overflow, Picos, Quantity};

/// A refusal with the part it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct PricingError {
    /// JSON pointer (RFC 6901) into what was given: `/bands/2/unit_price`; empty for the whole.
    pub pointer: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Zero where more is needed.
    #[error("must be greater than zero")]
    NotPositive,
    /// Outside of what the rule allows.
    #[error("must be from {0} to {1}")]
    OutOfRange(&'static str, &'static str),
    /// A list that may not be empty.
    #[error("must not be empty")]
    Empty,
    /// A list that is too long.
    #[error("at most {0} are kept")]
    TooMany(usize),
    /// Units between two bands have no price.
    #[error("leaves a gap: must begin at {0}, where the band before it ends")]
    Gap(Quantity),
    /// Units have two prices.
    #[error("overlaps the band before it: must begin at {0}, where that one ends")]
    Overlap(Quantity),
    /// A list that must rise does not.
    #[error("must be greater than in the entry before it")]
    NotRising,
    /// Said twice.
    #[error("is there twice")]
    Duplicate,
    /// A meter's key that an ancestor has.
    #[error("is the key of a meter of account {0}, further up; keys are unique along a lineage")]
    KeyTaken(String),
    /// A time in the past for what may only begin now or later.
    #[error("must not be in the past: prices already used never change")]
    Backdated,
    /// Further back than the first version may begin.
    #[error("must not be more than {0} days ago")]
    TooFarBack(i64),
    /// Not after the versions there are.
    #[error("must be after {0}, when the newest version begins")]
    NotLater(jiff::Timestamp),
    /// Something that already applied.
    #[error("is already in force and stays in the books")]
    AlreadyInForce,
    /// Nothing of that name or id.
    #[error("there is no such thing here")]
    NotFound,
    /// Shaped wrongly.
    #[error("{0}")]
    Shape(&'static str),
    /// Sold for less than it costs.
    #[error("would sell {quantity} for {price}, which costs {cost}; set allow_loss to sell under cost")]
    UnderCost {
        /// How much.
        quantity: Quantity,
        /// What would be paid for it.
        price: Picos,
        /// What it costs.
        cost: Picos,
    },
    /// A number left its range.
    #[error("the numbers are too large to add up")]
    Overflow,
}

impl PricingError {
    /// About the part at `pointer`.
    pub fn at(pointer: impl Into<String>, reason: Reason) -> Self {
        Self { pointer: pointer.into(), reason }
    }

    /// The same, one level further in: `prefix` is put before the pointer.
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }

    /// What is wrong, in words, without the pointer.
    pub fn detail(&self) -> String {
        self.reason.to_string()
    }
}

impl From<Overflow> for PricingError {
    fn from(_: Overflow) -> Self {
        Self::at("", Reason::Overflow)
    }
}
