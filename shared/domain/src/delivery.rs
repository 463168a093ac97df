//! Deliveries: one event to one endpoint, or one mail to one address, tried until it is taken or given up.
//!
//! Whoever is about to try takes a *lease* first. A worker that dies leaves a lease that ends, and another tries again: something
//! may be delivered twice, and is never lost. The state machine stands here; what is kept of it is in `shared/store`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, EventId, WebhookId};

/// How often a delivery is tried.
pub const MAX_TRIES: u32 = 10;
/// The waits between one try and the next, seconds: 1 and 5 minutes, half an hour, 2, 5, 8, 12, 20 and 24 hours, which makes three days.
pub const WAITS_S: [i64; 9] = [60, 300, 1_800, 7_200, 18_000, 28_800, 43_200, 72_000, 86_400];
/// From the first try to the last, seconds.
pub const SPAN_S: i64 = 60 + 300 + 1_800 + 7_200 + 18_000 + 28_800 + 43_200 + 72_000 + 86_400;
/// For how long a worker has a delivery to itself, seconds: longer than any try takes.
pub const LEASE_S: i64 = 120;
/// How long a delivery is kept, days.
pub const KEPT_DAYS: i64 = 30;
/// The tries that are kept, the newest: a delivery that is replayed has more than ten.
const KEPT_ATTEMPTS: usize = 20;
/// How much of an answer is kept, characters.
pub const KEPT_ANSWER_CHARS: usize = 1_000;

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To an endpoint.
    Webhook(WebhookId),
    /// To an address, by mail. `digest` stands for the address in keys.
    Mail {
        /// The address.
        address: String,
        /// A digest of it.
        digest: String,
    },
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be tried, again.
    Pending,
    /// Taken.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [DeliveryState; 3] = [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Failed];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Failed => "failed",
        }
    }
}

/// One try, when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub ms: i64,
    /// The status that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was answered, its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was taken.
    Taken,
    /// It was not, this time.
    NotNow,
    /// It never will be.
    Never,
}

/// One event's way to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it goes.
    pub target: Target,
    /// The account whose endpoint or mail it is.
    pub owner: AccountId,
    /// The event.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// Where the event happened.
    pub account_id: AccountId,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried since it was last begun; a try that nobody ended counts.
    pub tries: u32,
    /// The tries that ended, the newest last.
    pub attempts: Vec<Attempt>,
    /// When it is tried next, or when the present try's lease ends; set while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it was first known.
    pub created_at: Timestamp,
    /// When it was taken or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

impl Delivery {
    /// The same with its first try due at `at`.
    #[must_use]
    pub fn due_at(mut self, at: Timestamp) -> Self {
        self.due = Some(at);
        self
    }

    /// The same given to a worker at `now`, for one try; `None` if it is not due, or over. One whose tries all ended without a word is given up
    /// instead: see [`Delivery::is_spent`].
    pub fn leased(&self, now: Timestamp) -> Option<Self> {
        let due = self.state == DeliveryState::Pending && self.due.is_some_and(|due| due <= now);
        (due && !self.is_spent()).then(|| Self { tries: self.tries + 1, due: Some(after(now, LEASE_S)), ..self.clone() })
    }

    /// Whether it is pending though every try was begun: the last one's worker died.
    pub fn is_spent(&self) -> bool {
        self.state == DeliveryState::Pending && self.tries >= MAX_TRIES
    }

    /// The same after the try that it was leased for.
    #[must_use]
    pub fn settled(&self, attempt: Attempt, verdict: Verdict) -> Self {
        let ended = after(attempt.at, attempt.ms / 1_000);
        let began = attempt.at;
        let mut new = self.clone();
        new.attempts.push(attempt);
        if new.attempts.len() > KEPT_ATTEMPTS {
            new.attempts.remove(0);
        }
        let wait = usize::try_from(self.tries).ok().and_then(|tries| WAITS_S.get(tries.checked_sub(1)?));
        match (verdict, wait) {
            (Verdict::NotNow, Some(wait)) => new.due = Some(after(began, *wait)),
            (Verdict::NotNow, None) | (Verdict::Never, _) => new = new.over(DeliveryState::Failed, ended),
            (Verdict::Taken, _) => new = new.over(DeliveryState::Delivered, ended),
        }
        new
    }

    /// The same given up at `now` without a try, for this reason.
    #[must_use]
    pub fn given_up(&self, now: Timestamp, why: &str) -> Self {
        let attempt = Attempt { at: now, ms: 0, status: None, error: Some(why.to_owned()), answer: None };
        let mut new = self.clone();
        new.attempts.push(attempt);
        new.over(DeliveryState::Failed, now)
    }

    /// The same to be tried anew from `now` on, as often as a new one.
    #[must_use]
    pub fn replayed(&self, now: Timestamp) -> Self {
        Self { state: DeliveryState::Pending, tries: 0, due: Some(now), ended_at: None, ..self.clone() }
    }

    fn over(mut self, state: DeliveryState, now: Timestamp) -> Self {
        (self.state, self.due, self.ended_at) = (state, None, Some(now));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn start() -> Timestamp {
        "2026-11-02T08:00:00Z".parse().expect("a time")
    }

    fn fresh() -> Delivery {
        Delivery {
            target: Target::Webhook(WebhookId::from_uuid(Uuid::from_u128(1))),
            owner: AccountId::from_uuid(Uuid::from_u128(2)),
            event_id: EventId::from_uuid(Uuid::from_u128(3)),
            event_type: "credit.usage".into(),
            account_id: AccountId::from_uuid(Uuid::from_u128(2)),
            state: DeliveryState::Pending,
            tries: 0,
            attempts: Vec::new(),
            due: Some(start()),
            created_at: start(),
            ended_at: None,
        }
    }

    fn attempt(at: Timestamp) -> Attempt {
        Attempt { at, ms: 5, status: Some(500), error: None, answer: None }
    }

    #[test]
    fn ten_tries_are_spread_over_three_days() {
        let (mut delivery, mut waits) = (fresh(), Vec::new());
        while let Some(due) = delivery.due {
            assert_eq!(delivery.leased(after(due, -1)), None, "not before it is due");
            let leased = delivery.leased(due).expect("due");
            assert_eq!(leased.leased(due), None, "one worker at a time");
            waits.push(due.duration_since(start()).as_secs());
            delivery = leased.settled(attempt(due), Verdict::NotNow);
        }
        assert_eq!(waits, [0, 60, 360, 2_160, 9_360, 27_360, 56_160, 99_360, 171_360, 257_760]);
        assert_eq!((delivery.state, delivery.attempts.len(), waits.last()), (DeliveryState::Failed, 10, Some(&SPAN_S)));
        let replayed = delivery.replayed(after(start(), 300_000));
        assert!(replayed.leased(after(start(), 300_000)).is_some());
    }

    #[test]
    fn what_was_leased_and_never_ended_is_tried_again_and_at_last_given_up() {
        let (mut delivery, mut now, mut tries) = (fresh(), start(), 0);
        while let Some(leased) = delivery.leased(now) {
            (delivery, now, tries) = (leased, after(now, LEASE_S), tries + 1);
        }
        assert_eq!(tries, MAX_TRIES);
        assert!(delivery.is_spent());
        let over = delivery.given_up(now, "no try ended");
        assert_eq!((over.state, over.due, over.is_spent()), (DeliveryState::Failed, None, false));
    }

    #[test]
    fn the_state_machine_of_a_delivery() {
        let mut table = String::new();
        for verdict in [Verdict::Taken, Verdict::NotNow, Verdict::Never] {
            for tries in [0, MAX_TRIES - 1] {
                let leased = Delivery { tries, ..fresh() }.leased(start()).expect("due");
                let after = leased.settled(attempt(start()), verdict);
                table.push_str(&format!("try {} {verdict:?} -> {} {}\n", leased.tries, after.state.word(), after.due.is_some()));
            }
        }
        assert_eq!(
            table,
            "try 1 Taken -> delivered false\ntry 10 Taken -> delivered false\ntry 1 NotNow -> pending true\n\
             try 10 NotNow -> failed false\ntry 1 Never -> failed false\ntry 10 Never -> failed false\n"
        );
    }
}
