//! What follows from a forecast: the month's volume and cost, and the day on which credit runs out. Shown, or compared with a
//! threshold; never posted.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tributary_domain::money::Micros;

use crate::forecast::{Forecast, Point};

/// A number that is not known yet. `lo95 ≤ lo80 ≤ mean ≤ hi80 ≤ hi95`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate<T> {
    /// What is expected.
    pub mean: T,
    /// Lower end of the 80 % interval.
    pub lo80: T,
    /// Upper end of the 80 % interval.
    pub hi80: T,
    /// Lower end of the 95 % interval.
    pub lo95: T,
    /// Upper end of the 95 % interval.
    pub hi95: T,
}

impl<T> Estimate<T> {
    fn map<U>(self, f: impl Fn(T) -> U) -> Estimate<U> {
        Estimate { mean: f(self.mean), lo80: f(self.lo80), hi80: f(self.hi80), lo95: f(self.lo95), hi95: f(self.hi95) }
    }
}

/// What the whole month will cost.
pub type MonthEndCost = Estimate<Micros>;

/// The forecast ends before the month does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the forecast must reach {0}")]
pub struct HorizonTooShort(pub Date);

/// What a unit costs: exact money over the exact quantity that it bought, so that nothing is rounded before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitCost {
    cost: Micros,
    quantity_micros: i64,
}

impl UnitCost {
    /// One for one: of forecasts that are of money themselves.
    pub const ONE: UnitCost = UnitCost { cost: Micros::new(1_000_000), quantity_micros: 1_000_000 };

    /// `cost` for `quantity_micros` millionths of a unit; none unless the quantity is above zero and the cost is not below.
    pub fn new(cost: Micros, quantity_micros: i64) -> Option<Self> {
        (quantity_micros > 0 && !cost.is_negative()).then_some(Self { cost, quantity_micros })
    }

    /// What `units` cost, in whole micro-units, half to even; held at the largest amount there is.
    fn of(self, units: f64) -> Micros {
        let cost = units * 1e6 * self.cost.get() as f64 / self.quantity_micros as f64;
        // Casting holds what is out of range at the range's end.
        Micros::new(cost.round_ties_even() as i64)
    }
}

/// The month's quantity at its end: `so_far` units up to and including the last whole day, and what is forecast for the days
/// after it. The month is that of the forecast's first day.
///
/// # Errors
/// [`HorizonTooShort`].
pub fn projected_volume(forecast: &Forecast, so_far: f64) -> Result<Estimate<f64>, HorizonTooShort> {
    Ok(rest_of_month(forecast)?.map(|rest| so_far + rest))
}

/// The month's cost at its end: `so_far` up to and including the last whole day, and the forecast quantity of the days after it at
/// `unit`. Where prices fall or rise with the month's quantity, `unit` should be what the next units cost, not the month's mean.
///
/// # Errors
/// [`HorizonTooShort`].
pub fn month_end(forecast: &Forecast, so_far: Micros, unit: UnitCost) -> Result<MonthEndCost, HorizonTooShort> {
    let add = |rest: f64| Micros::new(so_far.get().saturating_add(unit.of(rest).get()));
    Ok(rest_of_month(forecast)?.map(add))
}

fn rest_of_month(forecast: &Forecast) -> Result<Estimate<f64>, HorizonTooShort> {
    let last = forecast.points.first().map_or(Date::ZERO, |first| first.date.last_of_month());
    let at = |sum: &Point| Estimate { mean: sum.mean, lo80: sum.lo80, hi80: sum.hi80, lo95: sum.lo95, hi95: sum.hi95 };
    forecast.sums.iter().find(|sum| sum.date == last).map(at).ok_or(HorizonTooShort(last))
}

/// When credit runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TimeToEmpty {
    /// It has.
    Empty,
    /// Each the first day at whose end nothing is left; none if there still is on the last day forecast.
    Lasts {
        /// If usage is as high as the 95 % interval reaches.
        earliest: Option<Date>,
        /// As expected.
        mean: Option<Date>,
        /// If it is as low as the 95 % interval reaches.
        latest: Option<Date>,
        /// The last day forecast.
        through: Date,
    },
}

/// The day on which `balance` (that at the end of the last whole day: the present one plus what today has cost) is used up by usage
/// at `unit`. With a forecast of daily *spending* instead of quantities, `unit` is one currency unit for one.
pub fn time_to_empty(forecast: &Forecast, balance: Micros, unit: UnitCost) -> TimeToEmpty {
    if balance.get() <= 0 {
        return TimeToEmpty::Empty;
    }
    let first = |end: fn(&Point) -> f64| forecast.sums.iter().find(|sum| unit.of(end(sum)) >= balance).map(|sum| sum.date);
    TimeToEmpty::Lasts {
        earliest: first(|sum| sum.hi95),
        mean: first(|sum| sum.mean),
        latest: first(|sum| sum.lo95),
        through: forecast.sums.last().map_or(Date::ZERO, |sum| sum.date),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{History, forecast};
    use jiff::civil::date;

    /// 10 a day with a jitter of one, up to 2026-03-20.
    fn steady() -> Forecast {
        let through = date(2026, 3, 20);
        let days = std::iter::successors(Some(through), |day| day.yesterday().ok()).take(60).enumerate();
        let history = History::new(days.map(|(i, day)| (day, if i % 3 == 0 { 11.0 } else { 9.5 })), through).unwrap();
        forecast(&history, 20).unwrap()
    }

    fn one() -> UnitCost {
        UnitCost::new(Micros::new(1_000_000), 1_000_000).unwrap()
    }

    #[test]
    fn a_month_ends_with_what_was_and_what_is_forecast() {
        let volume = projected_volume(&steady(), 200.0).unwrap();
        assert!((volume.mean - 310.0).abs() < 4.0, "{volume:?}");
        assert!(volume.lo95 <= volume.lo80 && volume.lo80 < volume.mean && volume.mean < volume.hi80 && volume.hi80 <= volume.hi95);
        // 200 units for 50: a quarter each.
        let cost = month_end(&steady(), Micros::new(50_000_000), UnitCost::new(Micros::new(50_000_000), 200_000_000).unwrap()).unwrap();
        let quarter = |units: f64| (units * 250_000.0) as i64;
        assert!((cost.mean.get() - quarter(volume.mean)).abs() <= 1 && (cost.hi95.get() - quarter(volume.hi95)).abs() <= 1);
    }

    #[test]
    fn a_forecast_that_ends_before_the_month_says_how_far_it_must_reach() {
        let mut short = steady();
        short.sums.truncate(10);
        assert_eq!(projected_volume(&short, 0.0), Err(HorizonTooShort(date(2026, 3, 31))));
    }

    #[test]
    fn on_the_first_of_a_month_the_month_is_the_new_one() {
        let mut new_month = steady();
        new_month.points.drain(..11);
        assert_eq!(projected_volume(&new_month, 0.0), Err(HorizonTooShort(date(2026, 4, 30))));
    }

    #[test]
    fn credit_lasts_until_the_day_its_sum_is_reached() {
        let forecast = steady();
        let lasts = |units: i64| time_to_empty(&forecast, Micros::new(units * 1_000_000), one());
        assert_eq!(lasts(0), TimeToEmpty::Empty);
        assert_eq!(lasts(-5), TimeToEmpty::Empty);
        let TimeToEmpty::Lasts { earliest, mean, latest, through } = lasts(75) else { panic!("not empty") };
        assert_eq!((mean, through), (Some(date(2026, 3, 28)), date(2026, 4, 9)));
        assert!(earliest <= mean && mean <= latest && latest.is_some());
        assert_eq!(lasts(1_000), TimeToEmpty::Lasts { earliest: None, mean: None, latest: None, through });
    }

    #[test]
    fn a_unit_cost_needs_a_quantity_and_never_overflows() {
        assert_eq!(UnitCost::new(Micros::new(1), 0), None);
        assert_eq!(UnitCost::new(Micros::new(-1), 1), None);
        let dear = UnitCost::new(Micros::new(i64::MAX), 1).unwrap();
        assert_eq!(dear.of(1e18), Micros::new(i64::MAX));
        assert_eq!(UnitCost::new(Micros::new(1), 3_000_000).unwrap().of(1.5), Micros::ZERO); // half to even
    }
}
