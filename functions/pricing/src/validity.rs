//! When a version of a price is in force.

use jiff::Timestamp;
use serde::Serialize;

/// Where a version stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PriceStatus))]
pub enum State {
    /// It begins later.
    Scheduled,
    /// It is in force.
    InForce,
    /// A later one took over, or its time is over.
    Past,
    /// It was taken back before it began.
    Withdrawn,
}

/// From when until when a version is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Span {
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub effective_from: Timestamp,
    /// Until when, this moment left out; null if nothing takes over yet.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_until: Option<Timestamp>,
    /// Whether it is in force now.
    pub status: State,
}

impl Span {
    /// The span, seen at `now`.
    pub fn of(effective_from: Timestamp, effective_until: Option<Timestamp>, now: Timestamp) -> Self {
        let status = match effective_until {
            _ if now < effective_from => State::Scheduled,
            Some(until) if until <= now => State::Past,
            Some(_) | None => State::InForce,
        };
        Self { effective_from, effective_until, status }
    }

    /// That of a version which was taken back.
    pub fn withdrawn(effective_from: Timestamp) -> Self {
        Self { effective_from, effective_until: Some(effective_from), status: State::Withdrawn }
    }

    /// Whether it is in force at `at`.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.effective_from <= at && self.effective_until.is_none_or(|until| at < until)
    }
}

/// The span of each version, each ending where the next of its line begins.
pub fn spans<T>(versions: &[T], same_line: impl Fn(&T, &T) -> bool, from: impl Fn(&T) -> Timestamp, now: Timestamp) -> Vec<Span> {
    let until = |version: &T| {
        let later = versions.iter().filter(|other| same_line(version, other) && from(other) > from(version));
        later.map(&from).min()
    };
    versions.iter().map(|version| Span::of(from(version), until(version), now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_ends_where_the_next_of_its_line_begins() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let versions = [("a", at(10)), ("b", at(15)), ("a", at(30)), ("a", at(20))];
        let found = spans(&versions, |one, other| one.0 == other.0, |version| version.1, at(25));
        let ends: Vec<_> = found.iter().map(|span| (span.effective_until, span.status)).collect();
        let wanted = [(Some(at(20)), State::Past), (None, State::InForce), (None, State::Scheduled), (Some(at(30)), State::InForce)];
        assert_eq!(ends, wanted);
        assert!(found[3].holds(at(20)) && !found[3].holds(at(30)));
    }
}
