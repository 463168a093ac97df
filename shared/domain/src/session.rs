//! Sessions: somebody signed in with a browser, for how long, and how often a link to sign in may be asked for. What is kept of
//! them is in `shared/store`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ActorId, MemberId, SessionId};

/// A session that nobody uses ends after so many seconds: twelve hours.
pub const IDLE_S: i64 = 12 * 3_600;
/// Every session ends so many seconds after it began: seven days.
pub const LONGEST_S: i64 = 7 * 86_400;
/// Its use is noted at most once in so many seconds, so that most requests write nothing.
pub const SEEN_EVERY_S: i64 = 300;
/// A link to sign in is taken for so many seconds: a quarter of an hour.
pub const LINK_LASTS_S: i64 = 900;
/// How often a link may be asked for is counted over so many seconds.
pub const COUNTED_OVER_S: i64 = 3_600;
/// So many of the links that one source asks for one address in that time are mailed; more are not, and whoever asks is not told.
pub const MAILED: usize = 5;
/// The same of all sources together: a stranger who asks on and on takes no more than their own share of it.
pub const MAILED_IN_ALL: usize = 20;
/// So many times one source may ask for one address in that time.
pub const ASKED_OF_ADDRESS: usize = 20;
/// So many times one source may ask in that time, for whatever address.
pub const ASKED_BY_SOURCE: usize = 60;
/// The most characters that are kept of what a browser calls itself.
pub const MAX_USER_AGENT: usize = 200;

/// What a caller is found by: kept with work that goes on after its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An API key, by the hash of its secret.
    Key(String),
    /// A member of an account.
    Member(AccountId, MemberId),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Key(hash) => f.write_str(hash),
            Standing::Member(account, member) => write!(f, "{account}/{member}"),
        }
    }
}

impl FromStr for Standing {
    type Err = std::convert::Infallible;

    /// Reads what it is shown as. A text that is of no member is taken for a hash, which nothing needs to be kept under.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let member = text.split_once('/').and_then(|(account, member)| Some(Self::Member(account.parse().ok()?, member.parse().ok()?)));
        Ok(member.unwrap_or_else(|| Self::Key(text.to_owned())))
    }
}

/// A session. Its secret is in the browser's cookie and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub actor: ActorId,
    /// What that is found by, at each request anew.
    pub standing: Standing,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to [`SEEN_EVERY_S`].
    pub last_seen_at: Timestamp,
    /// What the browser called itself when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Session {
    /// When it ends unless it is used again.
    pub fn expires_at(&self) -> Timestamp {
        after(self.last_seen_at, IDLE_S).min(after(self.created_at, LONGEST_S))
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at() <= now
    }

    /// The same used at `now`; `None` if that need not be noted.
    pub fn seen(&self, now: Timestamp) -> Option<Self> {
        let due = now.duration_since(self.last_seen_at).as_secs() >= SEEN_EVERY_S;
        due.then(|| Self { last_seen_at: now, ..self.clone() })
    }
}

/// When links were asked for lately, by one source, for one address, or both: milliseconds since 1970, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asks(Vec<i64>);

/// Links were asked for too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// After so many seconds one may be asked for again. From one on.
    pub retry_after_s: i64,
}

impl Asks {
    /// The same with one more at `now`, if there are then at most `most`.
    ///
    /// # Errors
    /// [`TooOften`]
    pub fn asked(&self, now: Timestamp, most: usize) -> Result<Self, TooOften> {
        let now = now.as_millisecond();
        let mut lately: Vec<i64> = self.0.iter().copied().filter(|at| now - at < COUNTED_OVER_S * 1_000).collect();
        if lately.len() >= most {
            let frees = lately[lately.len() - most] + COUNTED_OVER_S * 1_000;
            return Err(TooOften { retry_after_s: (frees - now).div_euclid(1_000) + 1 });
        }
        lately.push(now);
        Ok(Self(lately))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, 1_000_000 + seconds)
    }

    fn session() -> Session {
        let member = MemberId::from_number(2);
        Session {
            id: SessionId::from_number(1),
            actor: member.clone().into(),
            standing: Standing::Member(AccountId::from_number(3), member),
            created_at: at(0),
            last_seen_at: at(0),
            user_agent: None,
        }
    }

    #[test]
    fn a_session_slides_by_its_use_and_never_over_its_longest() {
        let mut one = session();
        assert!(!one.is_over(at(IDLE_S - 1)) && one.is_over(at(IDLE_S)));
        assert_eq!(one.seen(at(SEEN_EVERY_S - 1)), None, "noted at most every five minutes");
        let mut hours = 0;
        while !one.is_over(at(hours * 3_600)) {
            one = one.seen(at(hours * 3_600)).unwrap_or(one);
            hours += 11;
        }
        assert_eq!((hours, one.expires_at()), (176, at(LONGEST_S)), "seven days are 168 hours");
    }

    #[test]
    fn who_asks_too_often_is_told_when_to_ask_again_and_then_may() {
        let (mut asks, most) = (Asks::default(), 3);
        for second in 0..3 {
            asks = asks.asked(at(second), most).expect("one more");
        }
        assert_eq!(asks.asked(at(10), most), Err(TooOften { retry_after_s: COUNTED_OVER_S - 10 + 1 }));
        assert!(asks.asked(at(COUNTED_OVER_S - 1), most).is_err());
        let again = asks.asked(at(COUNTED_OVER_S), most).expect("the first is an hour ago");
        assert_eq!(again.count(), 3);
        assert_eq!(again.asked(at(COUNTED_OVER_S), most), Err(TooOften { retry_after_s: 2 }), "whatever the limit, never at once");
    }

    #[test]
    fn what_a_caller_is_found_by_reads_back() {
        for standing in [Standing::Key("a-hash_of43".to_owned()), Standing::Member(AccountId::from_number(1), MemberId::from_number(2))] {
            assert_eq!(standing.to_string().parse(), Ok(standing));
        }
    }
}
