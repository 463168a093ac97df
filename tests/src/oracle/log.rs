//! What happened, in the order in which it took effect.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use serde_json::Value;

/// The operator, a reseller or a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The root.
    Operator,
    /// Has accounts below it and may have a tier.
    Reseller,
    /// Has none.
    Customer,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Command {
    /// An account was opened.
    Open {
        /// Its id.
        id: String,
        /// Its parent; none for the operator.
        parent: Option<String>,
        /// What it is.
        kind: Kind,
        /// It pays by invoice and not from its credit.
        postpaid: bool,
        /// Its currency.
        currency: String,
        /// How far its credit may go below zero.
        credit_limit: Decimal,
    },
    /// An account and all below it went to another parent.
    Move {
        /// Which.
        id: String,
        /// The new parent.
        to: String,
    },
    /// An account was suspended, or reactivated.
    Suspend {
        /// Which.
        id: String,
        /// Which of the two.
        suspended: bool,
    },
    /// Credit came or went for another reason than usage.
    Credit {
        /// Whose.
        id: String,
        /// How much more it has.
        amount: Decimal,
    },
    /// An account's pricing book changed: the whole of it as it is from now on.
    Book {
        /// Whose.
        id: String,
        /// The document.
        book: Value,
    },
    /// A counted event was taken back, and counted anew if there is another quantity.
    Adjust {
        /// Whose event.
        id: String,
        /// Its id.
        event: String,
        /// The quantity instead.
        quantity: Option<Decimal>,
        /// When.
        at: Timestamp,
    },
    /// Events came in. They are counted in this order.
    Batch {
        /// When.
        received_at: Timestamp,
        /// The events as they were sent.
        events: Vec<Value>,
    },
}

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Its first day.
    first: Date,
}

impl Month {
    /// The month of a moment.
    pub fn of(at: Timestamp) -> Self {
        Self { first: Offset::UTC.to_datetime(at).date().first_of_month() }
    }

    /// The month before.
    pub fn before(self) -> Self {
        Self { first: self.first.yesterday().map(Date::first_of_month).unwrap_or(self.first) }
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}
