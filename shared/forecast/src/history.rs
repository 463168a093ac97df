//! Daily totals without gaps.

use jiff::civil::Date;

/// The days looked at: older ones are dropped, they say nothing about next month.
pub const MAX_HISTORY_DAYS: usize = 730;

/// The largest magnitude of a day's total.
const MAX_TOTAL: f64 = 1e18;

/// Totals of consecutive whole days, oldest first. The first is not zero: an account's history starts with its first usage.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    through: Date,
    totals: Vec<f64>,
}

/// Why daily totals cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHistory {
    /// Not a number, infinite, or beyond 10^18.
    #[error("the total of {0} is not a number that can be forecast")]
    Total(Date),
    /// Two totals for one day.
    #[error("{0} has two totals")]
    Twice(Date),
}

impl History {
    /// From the totals of days in any order. Days that are missing up to and including `through`, the last whole day, count as
    /// zero; later days (today's, not over yet), days more than [`MAX_HISTORY_DAYS`] back and zeros before the first usage are
    /// left out. A total may be negative, where corrections of earlier days outweigh a day's usage.
    ///
    /// # Errors
    /// [`BadHistory`].
    pub fn new(days: impl IntoIterator<Item = (Date, f64)>, through: Date) -> Result<Self, BadHistory> {
        let mut totals: Vec<Option<f64>> = Vec::new(); // newest first
        for (date, total) in days {
            if !total.is_finite() || total.abs() > MAX_TOTAL {
                return Err(BadHistory::Total(date));
            }
            let Ok(age) = usize::try_from(days_from(date, through)) else { continue };
            if age >= MAX_HISTORY_DAYS {
                continue;
            }
            if totals.len() <= age {
                totals.resize(age + 1, None);
            }
            if totals[age].replace(total).is_some() {
                return Err(BadHistory::Twice(date));
            }
        }
        let used = |total: &Option<f64>| total.is_some_and(|t| t.abs() > 0.0);
        totals.truncate(totals.iter().rposition(used).map_or(0, |oldest| oldest + 1));
        Ok(Self { through, totals: totals.into_iter().rev().map(Option::unwrap_or_default).collect() })
    }

    /// The last whole day.
    pub fn through(&self) -> Date {
        self.through
    }

    /// The totals, oldest first, one a day, up to [`History::through`].
    pub fn totals(&self) -> &[f64] {
        &self.totals
    }

    /// How many of the days have usage.
    pub fn days_used(&self) -> usize {
        self.totals.iter().filter(|total| **total > 0.0).count()
    }

    /// Mean of a day; 0 without any, never below 0.
    pub fn mean(&self) -> f64 {
        mean(&self.totals).max(0.0)
    }
}

/// Days from `from` to `to`; negative if `from` is the later.
pub(crate) fn days_from(from: Date, to: Date) -> i32 {
    from.duration_until(to).as_hours().try_into().map_or(i32::MIN, |hours: i32| hours / 24)
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn missing_days_are_zero_up_to_the_last_whole_day() {
        let history = History::new([(date(2026, 3, 4), 2.0), (date(2026, 3, 1), 5.0)], date(2026, 3, 6)).unwrap();
        assert_eq!(history.totals(), [5.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        assert_eq!(history.days_used(), 2);
    }

    #[test]
    fn today_zeros_before_the_first_usage_and_old_days_are_left_out() {
        let days = [(date(2024, 1, 1), 9.0), (date(2026, 3, 1), 0.0), (date(2026, 3, 2), 5.0), (date(2026, 3, 3), 1.0)];
        let history = History::new(days, date(2026, 3, 2)).unwrap();
        assert_eq!(history.totals(), [5.0]);
        assert_eq!(History::new([], date(2026, 3, 2)).unwrap().totals(), [0.0; 0]);
    }

    #[test]
    fn what_is_no_total_is_refused_by_its_day() {
        let day = date(2026, 3, 1);
        for total in [f64::NAN, f64::INFINITY, -1e19] {
            assert_eq!(History::new([(day, total)], day), Err(BadHistory::Total(day)));
        }
        assert_eq!(History::new([(day, 1.0), (day, 1.0)], day), Err(BadHistory::Twice(day)));
    }
}
