//! Test clocks: a tree of accounts in a time of its own, ahead of everybody else's.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ClockId};
use crate::text::Name;

/// The most test clocks of a platform.
pub const MAX_CLOCKS: usize = 20;
/// The most accounts of a tree that is advanced, its root included.
pub const MAX_ACCOUNTS: usize = 200;
/// The furthest that a clock is advanced at once, in days.
pub const MAX_DAYS: i64 = 400;
/// The furthest that a clock may be ahead of the platform's, in days: ten years.
pub const MAX_AHEAD_DAYS: i64 = 3_653;

const DAY_MS: i64 = 86_400_000;

/// What a test clock does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Its time flows.
    Ready,
    /// It is on its way to a later time.
    Advancing,
}

impl ClockState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ClockState::Ready => "ready",
            ClockState::Advancing => "advancing",
        }
    }
}

/// A clock of a tree. Its time is the platform's plus what it is ahead, so it flows and never runs behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestClock {
    /// Its id.
    pub id: ClockId,
    /// The root of the tree, right below the operator.
    pub account_id: AccountId,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// How far it is ahead of the platform's time, in milliseconds; never below zero, and it only grows.
    pub offset_ms: i64,
    /// Where it is on its way to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Timestamp>,
    /// When it was made, in the platform's time.
    pub created_at: Timestamp,
    /// Raised by one at each change.
    pub version: i64,
}

/// Why a clock is not advanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdvanceError {
    /// It is under way.
    #[error("the clock is being advanced already; wait until it is ready")]
    Advancing,
    /// Time does not stand still or go back.
    #[error("must be later than the clock's time")]
    NotLater,
    /// Further than [`MAX_DAYS`].
    #[error("must be at most {MAX_DAYS} days after the clock's time")]
    TooFar,
    /// Further than [`MAX_AHEAD_DAYS`].
    #[error("must be at most {MAX_AHEAD_DAYS} days ahead of the platform's time")]
    TooFarAhead,
}

impl TestClock {
    /// What it does.
    pub fn state(&self) -> ClockState {
        if self.target.is_some() { ClockState::Advancing } else { ClockState::Ready }
    }

    /// Its time, when the platform's is `real`.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        real.checked_add(SignedDuration::from_millis(self.offset_ms)).unwrap_or(Timestamp::MAX)
    }

    /// Sends it on its way.
    ///
    /// # Errors
    /// [`AdvanceError`].
    pub fn advance(&mut self, real: Timestamp, to: Timestamp) -> Result<(), AdvanceError> {
        let to = Timestamp::from_millisecond(to.as_millisecond()).unwrap_or(to);
        let ahead = |since: Timestamp| to.as_millisecond().saturating_sub(since.as_millisecond());
        if self.target.is_some() {
            return Err(AdvanceError::Advancing);
        }
        if ahead(self.now(real)) <= 0 {
            return Err(AdvanceError::NotLater);
        }
        if ahead(self.now(real)) > MAX_DAYS * DAY_MS {
            return Err(AdvanceError::TooFar);
        }
        if ahead(real) > MAX_AHEAD_DAYS * DAY_MS {
            return Err(AdvanceError::TooFarAhead);
        }
        self.target = Some(to);
        Ok(())
    }

    /// Moves it to `moment`, where it is not there yet; at its target it is ready.
    pub fn reach(&mut self, real: Timestamp, moment: Timestamp) {
        let offset_ms = moment.as_millisecond().saturating_sub(real.as_millisecond());
        self.offset_ms = self.offset_ms.max(offset_ms);
    }

    /// It has arrived.
    pub fn arrive(&mut self) {
        self.target = None;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn clock() -> TestClock {
        TestClock {
            id: ClockId::from_uuid(Uuid::nil()),
            account_id: AccountId::from_uuid(Uuid::nil()),
            name: None,
            offset_ms: 0,
            target: None,
            created_at: at("2026-11-01T00:00:00Z"),
            version: 1,
        }
    }

    #[test]
    fn a_clock_goes_forward_only_and_not_too_far() {
        let (mut clock, real) = (clock(), at("2026-11-01T00:00:00Z"));
        assert_eq!(clock.advance(real, real), Err(AdvanceError::NotLater));
        assert_eq!(clock.advance(real, at("2026-10-01T00:00:00Z")), Err(AdvanceError::NotLater));
        assert_eq!(clock.advance(real, at("2027-12-07T00:00:00Z")), Err(AdvanceError::TooFar));
        assert_eq!(clock.advance(real, at("2027-12-06T00:00:00Z")), Ok(()));
        assert_eq!(clock.advance(real, at("2026-12-01T00:00:00Z")), Err(AdvanceError::Advancing));
        clock.reach(real, at("2027-12-06T00:00:00Z"));
        clock.arrive();
        assert_eq!((clock.state(), clock.now(real)), (ClockState::Ready, at("2027-12-06T00:00:00Z")));
        let later = at("2026-11-01T01:00:00Z");
        assert_eq!(clock.now(later), at("2027-12-06T01:00:00Z"), "its time flows");
        clock.reach(later, at("2026-12-01T00:00:00Z"));
        assert_eq!(clock.now(later), at("2027-12-06T01:00:00Z"), "it never goes back");
        clock.offset_ms = MAX_AHEAD_DAYS * DAY_MS;
        assert_eq!(clock.advance(later, at("2036-11-02T00:00:00Z")), Err(AdvanceError::TooFarAhead));
    }
}
