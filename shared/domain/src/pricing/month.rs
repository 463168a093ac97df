//! Calendar months in UTC: the periods in which usage is added up.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A calendar month in UTC, from year 0 to 9999. On the wire `"2026-11"`, from year 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

/// The text is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a month such as \"2026-11\"")]
pub struct MonthError;

impl Month {
    /// The month that `at` falls in.
    pub fn of(at: Timestamp) -> Self {
        let date = Offset::UTC.to_datetime(at);
        Self(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// The one after it.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before it.
    pub fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// The month of the year, 1 to 12.
    pub fn number(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }

    /// Its first moment; the earliest or latest time that is kept, if it lies outside of these.
    pub fn start(self) -> Timestamp {
        let (Ok(year), Ok(month)) = (i16::try_from(self.year()), i8::try_from(self.number())) else {
            return if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        };
        let limit = if year < 0 { Timestamp::MIN } else { Timestamp::MAX };
        DateTime::new(year, month, 1, 0, 0, 0, 0).and_then(|at| Offset::UTC.to_timestamp(at)).unwrap_or(limit)
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    /// From year 1: the month before one that is named has a year too.
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(MonthError);
        }
        let (year, month): (i32, i32) = (year.parse().map_err(|_| MonthError)?, month.parse().map_err(|_| MonthError)?);
        if year > 0 && (1..=12).contains(&month) { Ok(Self(year * 12 + month - 1)) } else { Err(MonthError) }
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_and_ends_in_utc_and_reads_back() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let december: Month = "2026-12".parse().expect("a month");
        assert_eq!(Month::of(at("2026-12-01T00:00:00Z")), december);
        assert_eq!(Month::of(at("2026-12-31T23:59:59.999999999Z")), december);
        assert_eq!(Month::of(at("2027-01-01T00:30:00+01:00")), december);
        assert_eq!((december.next().to_string(), december.prev().to_string()), ("2027-01".to_owned(), "2026-11".to_owned()));
        assert_eq!((december.start(), december.end()), (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z")));
        assert!(december < december.next());
        for wrong in ["", "2026", "2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "+026-01", "0000-12"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for at in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let month = Month::of(at);
            assert!(month.start() <= at && at <= month.end(), "{month}");
        }
    }
}
