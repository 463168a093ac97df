//! Times on the wire: RFC 3339 in UTC, always with three decimals, so that they sort as text. `shared/domain` says how they are shown, for
//! events show them too.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
pub use tributary_domain::time::{millis, millis_or_null, shown};

/// The first moment that a request may name: RFC 3339 has no years before 0, in UTC either.
pub const FIRST: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// Refuses a time that could not be shown.
///
/// # Errors
/// What is wrong with it, in words.
pub fn showable(at: Timestamp) -> Result<Timestamp, &'static str> {
    if at < FIRST { Err("must not be before 0000-01-01T00:00:00Z") } else { Ok(at) }
}

/// Deserialises a time that may lie anywhere in the past.
///
/// # Errors
/// The deserialiser's; as [`showable`].
pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    showable(Timestamp::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Deserialises such a time, or null.
///
/// # Errors
/// As [`read`].
pub fn read_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Option::deserialize(deserializer)?.map(showable).transpose().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_rfc_3339_cannot_show_in_utc_is_refused() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Request {
            #[serde(deserialize_with = "read")]
            from: Timestamp,
            #[serde(default, deserialize_with = "read_or_null")]
            to: Option<Timestamp>,
        }
        let given = |from: &str, to: &str| serde_json::from_str::<Request>(&format!(r#"{{"from":"{from}","to":{to}}}"#));
        assert_eq!(shown(&FIRST), "0000-01-01T00:00:00.000Z");
        let first = given("0000-01-01T00:00:00Z", "null").expect("the first moment");
        assert_eq!(first, Request { from: FIRST, to: None });
        for (from, to) in [("0000-01-01T00:00:00+00:01", "null"), ("2026-11-01T00:00:00Z", r#""-000001-12-31T00:00:00Z""#)] {
            let error = given(from, to).expect_err(from).to_string();
            assert!(error.contains("must not be before 0000"), "{from} {to}: {error}");
        }
    }
}
