//! What goes wrong with requests: as it was called for, or by a seed.

use serde::{Deserialize, Serialize};

use crate::book::mixed;

/// A thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The connection ends, and nothing was done.
    LoseRequest,
    /// It is done, and the connection ends before the answer.
    LoseAnswer,
    /// 503, and nothing was done.
    FailBefore,
    /// It is done, and answered 503; under its key the true answer is kept.
    FailAfter,
    /// It is done, and answered 500; that is what is kept under its key.
    FailKept,
    /// 429, and nothing was done.
    RateLimit,
    /// It waits until it is released, and is done then.
    HoldRequest,
    /// It is done, and the answer waits until it is released.
    HoldAnswer,
}

/// What shall go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How.
    pub wrong: Wrong,
    /// Only of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only of paths that begin so: `/v1/payment_intents`.
    #[serde(default)]
    pub path: Option<String>,
    /// How often; 1 unless given.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Of the next request whose path begins so.
    pub fn of(wrong: Wrong, method: &str, path: &str) -> Self {
        Self { wrong, method: Some(method.to_owned()), path: Some(path.to_owned()), times: 1 }
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        self.times > 0
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|wanted| path.starts_with(wanted))
    }
}

/// How many of a thousand requests go wrong, each in its way. Which ones follows from the seed and their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chaos {
    pub seed: u64,
    pub lose_request: u64,
    pub lose_answer: u64,
    pub fail_before: u64,
    pub fail_after: u64,
    pub fail_kept: u64,
    pub rate_limit: u64,
}

impl Chaos {
    fn of(&self, request: u64) -> Option<Wrong> {
        let mut drawn = mixed(mixed(self.seed) ^ request) % 1_000;
        for (many, wrong) in [
            (self.lose_request, Wrong::LoseRequest),
            (self.lose_answer, Wrong::LoseAnswer),
            (self.fail_before, Wrong::FailBefore),
            (self.fail_after, Wrong::FailAfter),
            (self.fail_kept, Wrong::FailKept),
            (self.rate_limit, Wrong::RateLimit),
        ] {
            if drawn < many {
                return Some(wrong);
            }
            drawn -= many;
        }
        None
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct Faults {
    pub called_for: Vec<Fault>,
    pub chaos: Option<Chaos>,
    requests: u64,
}

impl Faults {
    /// What goes wrong with the next request.
    pub fn next(&mut self, method: &str, path: &str) -> Option<Wrong> {
        self.requests += 1;
        if let Some(fault) = self.called_for.iter_mut().find(|fault| fault.meets(method, path)) {
            fault.times -= 1;
            let wrong = fault.wrong;
            self.called_for.retain(|fault| fault.times > 0);
            return Some(wrong);
        }
        // What waits to be released would wait for ever: no seed draws it.
        self.chaos.as_ref().and_then(|chaos| chaos.of(self.requests))
    }
}
