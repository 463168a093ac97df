//! The clock: the one place that asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// A source of the present time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present time, to the millisecond.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, plus an offset that the local run's test clock moves forward.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    offset_ms: Arc<AtomicI64>,
}

impl SystemClock {
    /// A clock that runs `offset_ms` ahead of the machine's.
    pub fn ahead_by(offset_ms: i64) -> Self {
        Self { offset_ms: Arc::new(AtomicI64::new(offset_ms)) }
    }

    /// Moves the clock forward and returns its whole offset in milliseconds.
    pub fn advance_ms(&self, ms: i64) -> i64 {
        self.offset_ms.fetch_add(ms, Ordering::SeqCst) + ms
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_millis(self.offset_ms.load(Ordering::SeqCst));
        to_millisecond(Timestamp::now().checked_add(offset).unwrap_or(Timestamp::MAX))
    }
}

/// A clock that runs ahead of another.
#[derive(Debug)]
pub struct Ahead<'a> {
    /// The other.
    pub clock: &'a dyn Clock,
    /// By how many milliseconds.
    pub ms: i64,
}

impl Clock for Ahead<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now().checked_add(SignedDuration::from_millis(self.ms)).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that stands still until it is set: for tests and the simulation.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now_ms: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { now_ms: Arc::new(AtomicI64::new(start.as_millisecond())) }
    }

    /// Moves the clock forward.
    pub fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
