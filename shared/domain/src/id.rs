//! Ids: a prefix that names the kind, then a UUIDv7 in TypeID's base32, so ids sort by the time they were made.
//! Source: the TypeID specification 0.3, RFC 9562 section 5.7.

use std::fmt;
use std::str::FromStr;

use mti::prelude::{MagicTypeId, TypeIdPrefix, TypeIdSuffix};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an id such as {example}")]
pub struct IdError {
    /// What such an id looks like.
    pub example: &'static str,
}

fn typeid(prefix: &str, uuid: Uuid) -> String {
    let prefix = TypeIdPrefix::from_str(prefix).unwrap_or_default();
    MagicTypeId::new(prefix, TypeIdSuffix::from(uuid)).to_string()
}

fn is_typeid(prefix: &str, text: &str) -> bool {
    // The specification's length: prefix, underscore, 26 characters.
    text.len() == prefix.len() + 27
        && text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_'))
        && MagicTypeId::from_str(text).is_ok_and(|id| id == *text)
}

/// The UUID in an id: its last 26 characters in Crockford's base32, lower case.
fn number(id: &str) -> u128 {
    const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let digits = id.rsplit('_').next().unwrap_or_default().chars();
    digits.fold(0, |sum, digit| (sum << 5) | DIGITS.find(digit).and_then(|at| u128::try_from(at).ok()).unwrap_or(0))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id's prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id of a fresh UUIDv7; the id source lives in `shared/runtime`.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(typeid($prefix, uuid))
            }

            /// The id of the UUID of that number.
            pub fn from_number(number: u128) -> Self {
                Self::from_uuid(Uuid::from_u128(number))
            }

            /// The whole id, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The UUID in it, as a number.
            pub fn as_u128(&self) -> u128 {
                number(&self.0)
            }

            /// The time in it, milliseconds since 1970.
            pub fn millis(&self) -> i64 {
                i64::try_from(self.as_u128() >> 80).unwrap_or(i64::MAX)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_typeid($prefix, text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { example: concat!($prefix, "_01hx3v9k2mfd8bq5r7w1z4n6ty") })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// An account: the operator, a reseller or a customer.
    AccountId = "acc",
    /// A movement of credit, or one set of legs that moved together.
    TransferId = "txf",
    /// A hold on credit.
    HoldId = "hld",
    /// An API key.
    KeyId = "key",
    /// A member of an account.
    MemberId = "mem",
    /// A custom role.
    RoleId = "rol",
    /// An audit record, which is also the outbox's event.
    EventId = "evt",
    /// One version of a price: a seller's for a meter.
    RateCardId = "rcd",
    /// One version of a markup.
    MarkupId = "mkp",
    /// A promotion.
    PromotionId = "prm",
    /// A package of credit in a seller's catalogue.
    PackageId = "pkg",
    /// Credit that was bought together and expires together.
    LotId = "lot",
    /// An export of usage.
    ExportId = "exp",
    /// A rule that alerts.
    AlertId = "alr",
    /// An endpoint that events are sent to.
    WebhookId = "whk",
    /// A batch of usage taken for later.
    UsageBatchId = "bat",
    /// A bulk job.
    JobId = "job",
    /// Rows uploaded for a bulk job.
    UploadId = "upl",
    /// Money spent on being found.
    SpendId = "spd",
    /// An invoice.
    InvoiceId = "inv",
    /// A credit note.
    CreditNoteId = "crn",
    /// One attempt to collect money through a payment processor.
    PaymentId = "pay",
    /// A dispute of an invoice.
    DisputeId = "dsp",
    /// A billing run.
    RunId = "run",
    /// A charge that waits for the next invoice.
    ChargeId = "chg",
    /// A test clock.
    ClockId = "clk",
    /// A session: somebody signed in with a browser.
    SessionId = "ses",
}

/// Who does something: an API key, or a member through a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorId {
    /// An API key.
    Key(KeyId),
    /// A member of an account.
    Member(MemberId),
}

impl ActorId {
    /// The platform itself, where nobody asked: a key whose number is zero, which no key has.
    pub fn platform() -> Self {
        Self::Key(KeyId::from_uuid(Uuid::nil()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        match self {
            ActorId::Key(id) => id.as_str(),
            ActorId::Member(id) => id.as_str(),
        }
    }

    /// What kind it is, in a word: `key` or `member`.
    pub fn kind(&self) -> &'static str {
        match self {
            ActorId::Key(_) => "key",
            ActorId::Member(_) => "member",
        }
    }
}

impl From<KeyId> for ActorId {
    fn from(id: KeyId) -> Self {
        Self::Key(id)
    }
}

impl From<MemberId> for ActorId {
    fn from(id: MemberId) -> Self {
        Self::Member(id)
    }
}

impl FromStr for ActorId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self::Member).or_else(|_: IdError| text.parse().map(Self::Key))
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ActorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One request or scheduled run. It is the UUID of the function's invocation, so that the gateway's access log, Lambda's
/// lines and ours, the answer's `X-Request-Id` and the records that a request leaves are found under one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of a UUID.
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().to_string())
    }

    /// The id as text: 36 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match Uuid::try_parse(text) {
            // Other spellings of a UUID would be other texts to search for.
            Ok(uuid) if text.len() == 36 => Ok(Self::from_uuid(uuid)),
            _ => Err(IdError { example: "01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_only_in_its_own_kind_and_canonical_form() {
        let id = AccountId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        assert!(id.as_str().starts_with("acc_"));
        assert_eq!(id.as_str().len(), 30);
        assert_eq!(id.as_str().parse::<AccountId>(), Ok(id.clone()));
        assert!(id.as_str().parse::<TransferId>().is_err());
        for text in ["", "acc_", "acc", "acc_../../x", "ACC_01hx3v9k2mfd8bq5r7w1z4n6ty", &id.as_str().to_uppercase(), &format!("{id}0")] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_is_named_by_a_uuid_and_by_nothing_else() {
        let text = "01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f";
        assert_eq!(text.parse::<RequestId>().map(|id| id.as_str().to_owned()), Ok(text.to_owned()));
        for wrong in ["", "r-1", "01920f6e8c4b7d3a9f215b7c8d9e0a1f", "{01920f6e-8c4b-7d3a-9f21-5b7c8d9e0a1f}", "x\ninjected"] {
            assert!(wrong.parse::<RequestId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_sort_by_the_time_in_them() {
        let at = |ms: u128| AccountId::from_uuid(Uuid::from_u128((ms << 80) | (7 << 76) | (2 << 62)));
        assert!(at(1) < at(2) && at(2) < at(300_000));
        assert_eq!(at(1_790_000_000_123).millis(), 1_790_000_000_123);
    }

    #[test]
    fn an_actor_is_a_key_or_a_member_and_nothing_else() {
        let uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let (key, member) = (ActorId::from(KeyId::from_uuid(uuid)), ActorId::from(MemberId::from_uuid(uuid)));
        for (actor, kind) in [(key, "key"), (member, "member"), (ActorId::platform(), "key")] {
            assert_eq!((actor.as_str().parse(), actor.kind()), (Ok(actor.clone()), kind));
        }
        assert!(AccountId::from_uuid(uuid).as_str().parse::<ActorId>().is_err());
    }

    #[test]
    fn the_uuid_reads_back() {
        for uuid in [0, 1, u128::MAX, 0x0190_0000_0000_7000_8000_0000_0000_0001] {
            assert_eq!(TransferId::from_uuid(Uuid::from_u128(uuid)).as_u128(), uuid);
        }
    }
}
