//! The layout version of stored data.

/// Written with the data and checked at start: a binary refuses data of a newer layout, and upgrades an older one.
/// Raised when a stored item's meaning changes.
pub const DATA_LAYOUT: i64 = 1;
