//! Money at one level of the chain, and shares of it: integers in micro-units, 128 bits in between.

use serde::{Deserialize, Serialize};
use tributary_domain::id::AccountId;
use tributary_domain::money::Micros;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::div_half_even;
use tributary_metering::aggregates::sums::Sums;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// What an account earns and pays for the usage of another and everything below that, micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// What it is paid.
    #[serde(rename = "r")]
    pub revenue: i64,
    /// What it pays itself.
    #[serde(rename = "c")]
    pub cost: i64,
    /// The part of `revenue` that is for the other account's own usage, rather than for that of what is below it.
    #[serde(rename = "or")]
    pub own_revenue: i64,
    /// The same of `cost`.
    #[serde(rename = "oc")]
    pub own_cost: i64,
    /// The part of `revenue` that the other account pays itself, rather than through accounts between: it was its direct sub-account then.
    #[serde(rename = "d", default)]
    pub direct: i64,
}

impl Figures {
    /// What is kept.
    pub fn margin(self) -> i128 {
        i128::from(self.revenue) - i128::from(self.cost)
    }
}

/// The figures of stored sums at a level; `None` if that account does not stand on any way of their money.
pub fn at_level(sums: &Sums, level_of: &AccountId) -> Option<Figures> {
    let mut all: Option<Figures> = None;
    for (key, cell) in &sums.cells {
        let Some(level) = key.payers.level(level_of) else { continue };
        let figures = cell.figures(key, level);
        let sum = all.get_or_insert_default();
        // Sums are kept in 64 bits by those who fold them: what does not fit is at the end of the range, and never wraps.
        let price = figures.price.map_or(0, Micros::get);
        sum.revenue = sum.revenue.saturating_add(price);
        sum.cost = sum.cost.saturating_add(figures.cost.get());
        // The account itself is the first that pays; whom it pays is the next, at the end the meter's owner.
        if key.payers.payers.iter().chain([&key.payers.owner]).nth(1) == Some(level_of) {
            sum.direct = sum.direct.saturating_add(price);
        }
        if key.own {
            sum.own_revenue = sum.own_revenue.saturating_add(price);
            sum.own_cost = sum.own_cost.saturating_add(figures.cost.get());
        }
    }
    all
}

/// Sums of many accounts, micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// What is paid.
    pub revenue: i128,
    /// What it costs.
    pub cost: i128,
}

impl Total {
    /// Adds figures.
    pub fn add(&mut self, figures: Figures) {
        self.revenue += i128::from(figures.revenue);
        self.cost += i128::from(figures.cost);
    }

    /// Adds another sum.
    pub fn plus(&mut self, other: Total) {
        self.revenue += other.revenue;
        self.cost += other.cost;
    }

    /// What is kept.
    pub fn margin(self) -> i128 {
        self.revenue - self.cost
    }
}

/// An amount as it is shown: a decimal with six places.
pub fn shown(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let magnitude = micros.unsigned_abs();
    format!("{sign}{}.{:06}", magnitude / 1_000_000, magnitude % 1_000_000)
}

/// `part` of `whole` with two places, rounded half-even; `None` of nothing. `scale` is what the whole stands for, such as 100.
pub fn ratio(part: i128, whole: i128, scale: i128) -> Option<String> {
    if whole == 0 {
        return None;
    }
    let (part, whole) = if whole < 0 { (-part, -whole) } else { (part, whole) };
    let hundredths = div_half_even(part.checked_mul(scale)?.checked_mul(100)?, whole);
    let sign = if hundredths < 0 { "-" } else { "" };
    let magnitude = hundredths.unsigned_abs();
    Some(format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100))
}

/// `part` in percent of `whole`.
pub fn percent(part: i128, whole: i128) -> Option<String> {
    ratio(part, whole, 100)
}

/// By how many percent `this` is above `before`; `None` where that was nothing.
pub fn change(this: i128, before: i128) -> Option<String> {
    percent(this - before, before.abs())
}

/// A month as a number: months since the year 0.
pub fn month_number(month: Month) -> i32 {
    month.year() * 12 + month.number() - 1
}

/// The month of that number.
pub fn month_of(number: i32) -> Month {
    // From year 1 to 9999 every number is a month's.
    format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1).parse().unwrap_or(Month::of(jiff::Timestamp::UNIX_EPOCH))
}

/// A day as a number: days since 1970.
pub fn day_number(at: jiff::Timestamp) -> i32 {
    i32::try_from(at.as_millisecond().div_euclid(DAY_MS)).unwrap_or(0)
}

/// The first moment of the day of that number.
pub fn day_start(number: i32) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(i64::from(number) * DAY_MS).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_half_even_and_none_of_nothing() {
        assert_eq!(percent(1, 3).as_deref(), Some("33.33"));
        assert_eq!(percent(2, 3).as_deref(), Some("66.67"));
        // 0.125 % and 0.375 %: to the even neighbour.
        assert_eq!(percent(1, 800).as_deref(), Some("0.12"));
        assert_eq!(percent(3, 800).as_deref(), Some("0.38"));
        assert_eq!(percent(-1, 800).as_deref(), Some("-0.12"));
        assert_eq!(percent(1, 0), None);
        assert_eq!(change(150, 100).as_deref(), Some("50.00"));
        assert_eq!(change(0, 100).as_deref(), Some("-100.00"));
        assert_eq!(change(-50, -100).as_deref(), Some("50.00"));
        assert_eq!(change(1, 0), None);
        assert_eq!(percent(i128::from(i64::MAX), 1).as_deref(), Some("922337203685477580700.00"));
        assert_eq!(shown(-1_500_000), "-1.500000");
        assert_eq!(shown(i128::from(i64::MAX) * 4), "36893488147419.103228");
    }

    #[test]
    fn months_and_days_are_numbers_and_back() {
        for text in ["0001-01", "2026-11", "2026-12", "2027-01"] {
            let month: Month = text.parse().expect("a month");
            assert_eq!(month_of(month_number(month)), month);
        }
        let at: jiff::Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        assert_eq!(day_start(day_number(at)).to_string(), "2026-11-22T00:00:00Z");
    }
}
