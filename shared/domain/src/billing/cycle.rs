//! The periods of billing: from one local midnight of the anchor day to the next.
//!
//! A day 29 to 31 is the last day of a shorter month. A midnight that a change of clocks skips is the first moment after it; of one that
//! comes twice the first counts. So the periods of a cycle follow one another without gap or overlap.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::account::TimeZoneName;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::month::Month;

/// Names of UTC in the IANA database.
const UTC_NAMES: [&str; 7] = ["UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "Zulu", "UCT"];

/// The day of the month on which periods begin: 1 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct AnchorDay(i8);

impl AnchorDay {
    /// The first of the month.
    pub const FIRST: AnchorDay = AnchorDay(1);

    /// The day.
    pub fn get(self) -> i8 {
        self.0
    }
}

impl Default for AnchorDay {
    fn default() -> Self {
        Self::FIRST
    }
}

impl TryFrom<i64> for AnchorDay {
    type Error = PricingError;

    fn try_from(day: i64) -> Result<Self, PricingError> {
        let refused = || PricingError::at("/anchor_day", Reason::OutOfRange("1", "31"));
        i8::try_from(day).ok().filter(|day| (1..=31).contains(day)).map(Self).ok_or_else(refused)
    }
}

impl From<AnchorDay> for i64 {
    fn from(day: AnchorDay) -> i64 {
        i64::from(day.0)
    }
}

/// When the periods of an account begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    day: AnchorDay,
    zone: TimeZone,
    utc: bool,
}

/// A period: from `start` until `end`, this moment left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The local month in which the whole period begins of which this is all or a part.
    pub label: Month,
    /// Its first moment.
    #[serde(serialize_with = "crate::time::millis")]
    pub start: Timestamp,
    /// The first moment after it.
    #[serde(serialize_with = "crate::time::millis")]
    pub end: Timestamp,
}

impl Period {
    /// How long it is.
    pub fn length(&self) -> SignedDuration {
        self.end.duration_since(self.start)
    }

    /// Whether `at` is in it.
    pub fn has(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// The part of it from `start` until `end`; both are moved into it.
    pub fn part(&self, start: Timestamp, end: Timestamp) -> Period {
        let start = start.clamp(self.start, self.end);
        Period { label: self.label, start, end: end.clamp(start, self.end) }
    }
}

impl Cycle {
    /// The cycle of that day, in UTC if no zone is named.
    pub fn new(day: AnchorDay, zone: Option<&TimeZoneName>) -> Self {
        let utc = zone.is_none_or(|zone| UTC_NAMES.contains(&zone.as_str()));
        Self { day, zone: zone.filter(|_| !utc).map_or(TimeZone::UTC, TimeZoneName::zone), utc }
    }

    /// Its periods are the months in UTC, by which usage is added up.
    pub fn is_utc_months(&self) -> bool {
        self.utc && self.day == AnchorDay::FIRST
    }

    /// The beginning of the period that begins in the month of `first`, which is the first day of a month.
    fn begins(&self, first: Date) -> Timestamp {
        let day = self.day.get().min(first.days_in_month());
        let limit = if first.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        // "Compatible": after a gap, and the first of two.
        Date::new(first.year(), first.month(), day).and_then(|date| date.to_zoned(self.zone.clone())).map_or(limit, |at| at.timestamp())
    }

    /// The whole period that `at` is in.
    pub fn period_of(&self, at: Timestamp) -> Period {
        let mut first = at.to_zoned(self.zone.clone()).date().first_of_month();
        // Where a day was skipped, a beginning falls on the day after it, which may be in the next month.
        for _ in 0..3 {
            let next = after(first);
            if self.begins(first) > at {
                first = before(first);
            } else if self.begins(next) <= at && next != first {
                first = next;
            } else {
                break;
            }
        }
        Period { label: label(first), start: self.begins(first), end: self.begins(after(first)) }
    }

    /// What is left of the period that `at` is in: the first period of an account that was made then.
    pub fn first(&self, at: Timestamp) -> Period {
        let whole = self.period_of(at);
        whole.part(at, whole.end)
    }

    /// The running period of an account whose period began at `start`, when its cycle becomes this one at `now`: it ends at the first
    /// beginning after now that leaves it at least a day. So no period ends in the past, and none is an hour long because of another zone.
    pub fn running_from(&self, start: Timestamp, now: Timestamp) -> Period {
        let day_on = start.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX);
        let whole = self.period_of(day_on.max(now));
        Period { label: whole.label, start, end: whole.end }
    }

    /// The period after the one that ended at `end`.
    pub fn next(&self, end: Timestamp) -> Period {
        self.first(end)
    }
}

fn label(first: Date) -> Month {
    // Noon, so that no zone's midnight matters; a date has a month.
    first.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).map_or(Month::of(Timestamp::UNIX_EPOCH), |at| Month::of(at.timestamp()))
}

fn after(first: Date) -> Date {
    first.checked_add(1.month()).unwrap_or(first)
}

fn before(first: Date) -> Date {
    first.checked_sub(1.month()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn cycle(day: i64, zone: &str) -> Cycle {
        let zone: TimeZoneName = serde_json::from_value(zone.into()).expect("a zone");
        Cycle::new(AnchorDay::try_from(day).expect("a day"), Some(&zone))
    }

    fn starts(cycle: &Cycle, from: &str, count: usize) -> Vec<String> {
        let mut period = cycle.period_of(at(from));
        let mut found = Vec::new();
        for _ in 0..count {
            found.push(format!("{} {}", period.label, period.start));
            period = cycle.next(period.end);
        }
        found
    }

    #[test]
    fn a_day_that_a_month_does_not_have_is_its_last() {
        let found = starts(&cycle(31, "UTC"), "2027-12-31T00:00:00Z", 5);
        assert_eq!(
            found,
            [
                "2027-12 2027-12-31T00:00:00Z",
                "2028-01 2028-01-31T00:00:00Z",
                "2028-02 2028-02-29T00:00:00Z",
                "2028-03 2028-03-31T00:00:00Z",
                "2028-04 2028-04-30T00:00:00Z",
            ]
        );
        let short = starts(&cycle(29, "UTC"), "2027-02-28T00:00:00Z", 2);
        assert_eq!(short, ["2027-02 2027-02-28T00:00:00Z", "2027-03 2027-03-29T00:00:00Z"]);
    }

    #[test]
    fn clocks_that_change_neither_skip_nor_repeat_a_moment() {
        // Clocks go from 00:00 to 01:00: the day begins at one.
        let gap = cycle(1, "America/Asuncion").period_of(at("2023-10-10T00:00:00Z"));
        assert_eq!(gap.start, at("2023-10-01T04:00:00Z"));
        let havana = cycle(10, "America/Havana").period_of(at("2024-03-20T00:00:00Z"));
        assert_eq!(havana.start, at("2024-03-10T05:00:00Z"));
        // Clocks go from 01:00 back to 00:00: the first of the two midnights.
        let twice = cycle(3, "America/Havana").period_of(at("2024-11-10T00:00:00Z"));
        assert_eq!(twice.start, at("2024-11-03T04:00:00Z"));
        // Samoa had no 30 December 2011.
        let samoa = cycle(30, "Pacific/Apia");
        let december = samoa.period_of(at("2012-01-10T00:00:00Z"));
        assert_eq!((december.label.to_string().as_str(), december.start), ("2011-12", at("2011-12-30T10:00:00Z")));
        assert_eq!(samoa.period_of(at("2011-12-30T09:59:59Z")).end, december.start);
    }

    #[test]
    fn the_first_period_is_the_rest_of_one_and_keeps_its_label() {
        let cycle = cycle(25, "Europe/Berlin");
        let first = cycle.first(at("2026-11-20T12:00:00Z"));
        assert_eq!((first.label.to_string().as_str(), first.end), ("2026-10", at("2026-11-24T23:00:00Z")));
        assert_eq!(cycle.next(first.end).label.to_string(), "2026-11");
        assert_eq!(first.part(Timestamp::MIN, at("2026-11-21T00:00:00Z")).length(), SignedDuration::from_hours(12));
        assert!(first.has(first.start) && !first.has(first.end));
    }

    #[test]
    fn another_cycle_ends_the_running_period_later_than_now_and_than_a_day() {
        let start = at("2026-10-31T23:00:00Z");
        let utc = cycle(1, "UTC");
        assert_eq!(utc.running_from(start, at("2026-10-31T23:10:00Z")).end, at("2026-12-01T00:00:00Z"));
        let mid = cycle(15, "UTC");
        assert_eq!(mid.running_from(start, at("2026-11-10T00:00:00Z")).end, at("2026-11-15T00:00:00Z"));
        assert_eq!(mid.running_from(start, at("2026-11-15T00:00:00Z")).end, at("2026-12-15T00:00:00Z"));
    }

    #[test]
    fn months_in_utc_are_known_by_every_name_of_it() {
        assert!(cycle(1, "Etc/UTC").is_utc_months() && Cycle::new(AnchorDay::FIRST, None).is_utc_months());
        assert!(!cycle(2, "UTC").is_utc_months() && !cycle(1, "Africa/Abidjan").is_utc_months());
        for day in [0, 32, -1, 1_000] {
            assert!(AnchorDay::try_from(day).is_err());
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for day in [1, 15, 31] {
            for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Niue"] {
                for at in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
                    let period = cycle(day, zone).period_of(at);
                    assert!(period.start <= period.end);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Ten years of periods, in any zone and from any day, tile time: none missing, none twice, labels one after another.
        #[test]
        fn periods_tile_time(zone in 0..100_000_usize, day in 1..=31_i64, second in 0..1_900_000_000_i64) {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let name = &names[zone % names.len()];
            let cycle = cycle(day, name);
            let mut period = cycle.period_of(Timestamp::from_second(second).expect("a time"));
            for _ in 0..120 {
                prop_assert!(period.length() > SignedDuration::from_hours(26 * 24), "{} {:?}", name, period);
                prop_assert!(period.length() < SignedDuration::from_hours(33 * 24), "{} {:?}", name, period);
                prop_assert_eq!(cycle.period_of(period.start), period);
                let last = period.end.checked_sub(SignedDuration::from_nanos(1)).expect("a time");
                prop_assert_eq!(cycle.period_of(last), period);
                let next = cycle.period_of(period.end);
                prop_assert_eq!(next.start, period.end);
                prop_assert_eq!(next.label, period.label.next());
                prop_assert_eq!(cycle.next(period.end), next);
                period = next;
            }
        }
    }
}
