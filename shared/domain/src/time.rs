//! Times on the wire: RFC 3339 in UTC, always with three decimals, so that they sort as text.

use jiff::Timestamp;
use serde::Serializer;

/// A time as it is shown.
pub fn shown(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Serialises a time.
///
/// # Errors
/// The serialiser's.
pub fn millis<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(at))
}

/// Serialises a time, or null.
///
/// # Errors
/// The serialiser's.
pub fn millis_or_null<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => millis(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals_and_sort_as_text() {
        let at = |ms| shown(&Timestamp::from_millisecond(ms).expect("a time"));
        assert_eq!(at(1_790_000_000_000), "2026-09-21T14:13:20.000Z");
        assert_eq!(at(1_790_000_000_100), "2026-09-21T14:13:20.100Z");
        assert!(at(1_790_000_000_045) < at(1_790_000_000_100));
    }
}
