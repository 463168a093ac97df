//! The id source: the one place that makes UUIDs.

use std::sync::Mutex;

use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::clock::Clock;

/// A source of fresh UUIDv7s and of unguessable bytes.
pub trait IdSource: Send + Sync + std::fmt::Debug {
    /// A UUIDv7 of the clock's present millisecond.
    fn uuid(&self, clock: &dyn Clock) -> Uuid;

    /// Fills `bytes` with unguessable random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system gives none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness;

/// Ids from the system's random generator; within one millisecond they rise.
#[derive(Debug)]
pub struct SystemIds {
    random: SystemRandom,
    last: Mutex<(i64, u16)>,
}

impl Default for SystemIds {
    fn default() -> Self {
        Self { random: SystemRandom::new(), last: Mutex::new((0, 0)) }
    }
}

impl SystemIds {
    /// The number of ids already made in this millisecond: it goes into the id's `rand_a`, so that ids of one process
    /// rise (RFC 9562, section 6.2, method 1).
    fn count_in(&self, ms: i64) -> u16 {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = if last.0 == ms { (ms, last.1.saturating_add(1)) } else { (ms, 0) };
        last.1.min(0x0fff)
    }
}

impl IdSource for SystemIds {
    fn uuid(&self, clock: &dyn Clock) -> Uuid {
        let ms = clock.now().as_millisecond();
        let mut bytes = [0_u8; 10];
        // Without random bytes two ids could collide, and a collision is refused by the table: nothing is lost.
        let _ = self.random.fill(&mut bytes);
        let count = self.count_in(ms).to_be_bytes();
        (bytes[0], bytes[1]) = (count[0], count[1]);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(ms).unwrap_or(0), &bytes).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.random.fill(bytes).map_err(|_| NoRandomness)
    }
}

/// Ids that follow from a seed: for the simulation, never for keys.
#[derive(Debug)]
pub struct SeededIds {
    state: Mutex<u64>,
}

impl SeededIds {
    /// Ids that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
    fn next(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl IdSource for SeededIds {
    fn uuid(&self, clock: &dyn Clock) -> Uuid {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let bytes = [high[0], high[1], high[2], high[3], low[0], low[1], low[2], low[3], low[4], low[5]];
        let ms = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_be_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        Ok(())
    }
}
