//! The models, each a function from past days to coming days.

use augurs_core::{Fit, Predict};
use augurs_ets::AutoETS;
use augurs_mstl::MSTLModel;

use crate::history::mean;

/// Days of a week: the season of daily usage.
pub(crate) const WEEK: usize = 7;

/// A way to continue a series. The same history gives the same answer, bit for bit.
pub trait Forecaster {
    /// Its name in answers and tables.
    fn name(&self) -> &'static str;

    /// The shortest history it takes, in steps.
    fn needs(&self) -> usize;

    /// The next `horizon` values, finite but not yet held at zero or above. `history` is oldest first.
    ///
    /// # Errors
    /// [`Unfit`].
    fn forecast(&self, history: &[f64], horizon: usize) -> Result<Vec<f64>, Unfit>;
}

/// Why a model gave no forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The history is too short for the model.
    #[error("needs {needs} values, has {has}")]
    Short { needs: usize, has: usize },
    /// The fit did not converge, or ran away.
    #[error("the model found no usable fit")]
    NoFit,
}

fn long_enough(model: &(impl Forecaster + ?Sized), history: &[f64]) -> Result<(), Unfit> {
    let (needs, has) = (model.needs(), history.len());
    if has < needs { Err(Unfit::Short { needs, has }) } else { Ok(()) }
}

/// Tomorrow is like today.
#[derive(Debug, Clone, Copy)]
pub struct Naive;

impl Forecaster for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn needs(&self) -> usize {
        1
    }

    fn forecast(&self, history: &[f64], horizon: usize) -> Result<Vec<f64>, Unfit> {
        long_enough(self, history)?;
        Ok(vec![history[history.len() - 1]; horizon])
    }
}

/// Each coming day is like the mean of the last week's days.
#[derive(Debug, Clone, Copy)]
pub struct Mean;

impl Forecaster for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn needs(&self) -> usize {
        1
    }

    fn forecast(&self, history: &[f64], horizon: usize) -> Result<Vec<f64>, Unfit> {
        long_enough(self, history)?;
        Ok(vec![mean(&history[history.len().saturating_sub(WEEK)..]); horizon])
    }
}

/// Each coming step is like the same step of the last period.
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive {
    period: usize,
}

impl SeasonalNaive {
    /// Of daily values, with the period of a week.
    pub const fn weekly() -> Self {
        Self { period: WEEK }
    }
}

impl Forecaster for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal_naive"
    }

    fn needs(&self) -> usize {
        self.period
    }

    fn forecast(&self, history: &[f64], horizon: usize) -> Result<Vec<f64>, Unfit> {
        long_enough(self, history)?;
        Ok(history[history.len() - self.period..].iter().copied().cycle().take(horizon).collect())
    }
}

/// Seasons taken out by MSTL (Bandara, Hyndman, Bergmeir 2021), the rest continued by exponential smoothing with additive errors, with
/// or without a trend, as AICc prefers; then the seasons are put back. A damped trend as a third choice takes twice the time and is
/// not less wrong; the library's own seasonal smoothing is not finished.
#[derive(Debug, Clone)]
pub struct MstlEts {
    periods: Vec<usize>,
    window: usize,
}

impl MstlEts {
    /// Of daily values: weeks, fitted to the last 20 of them.
    pub fn daily() -> Self {
        Self { periods: vec![WEEK], window: 20 * WEEK }
    }

    /// Of hourly values: days and weeks, fitted to the last 8 weeks.
    pub fn hourly() -> Self {
        Self { periods: vec![24, 24 * WEEK], window: 8 * 24 * WEEK }
    }
}

impl Forecaster for MstlEts {
    fn name(&self) -> &'static str {
        "mstl_ets"
    }

    fn needs(&self) -> usize {
        2 * self.periods.iter().copied().max().unwrap_or_default()
    }

    fn forecast(&self, history: &[f64], horizon: usize) -> Result<Vec<f64>, Unfit> {
        long_enough(self, history)?;
        let recent = &history[history.len().saturating_sub(self.window)..];
        let (low, high) = recent.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let scale = low.abs().max(high.abs());
        if high - low <= 1e-9 * scale {
            return Ok(vec![high; horizon]); // a constant has no variance to fit
        }
        // The decomposition computes in 32 bits: values around one lose nothing by it.
        let scaled: Vec<f64> = recent.iter().map(|v| v / scale).collect();
        let smoothing = AutoETS::new(1, "AZN").and_then(|ets| ets.damped(false)).map_err(|_| Unfit::NoFit)?;
        let fitted = MSTLModel::new(self.periods.clone(), smoothing.into_trend_model()).fit(&scaled).map_err(|_| Unfit::NoFit)?;
        let values = fitted.predict(horizon, None).map_err(|_| Unfit::NoFit)?.point;
        // Ten times what was ever seen is no forecast of usage, it is a fit that ran away.
        if values.len() != horizon || values.iter().any(|v| !v.is_finite() || v.abs() > 10.0) {
            return Err(Unfit::NoFit);
        }
        Ok(values.into_iter().map(|v| v * scale).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(weeks: usize) -> Vec<f64> {
        (0..weeks * WEEK).map(|day| [90.0, 100.0, 110.0, 105.0, 95.0, 30.0, 20.0][day % WEEK] + day as f64).collect()
    }

    #[test]
    fn the_naive_models_repeat_what_they_say_they_repeat() {
        let history = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 15.0];
        assert_eq!(Naive.forecast(&history, 2), Ok(vec![15.0, 15.0]));
        assert_eq!(Mean.forecast(&history, 2), Ok(vec![6.0, 6.0]));
        assert_eq!(SeasonalNaive::weekly().forecast(&history, 8), Ok(vec![2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 15.0, 2.0]));
        assert_eq!(SeasonalNaive::weekly().forecast(&[1.0], 1), Err(Unfit::Short { needs: 7, has: 1 }));
    }

    #[test]
    fn mstl_with_ets_follows_both_week_and_trend() {
        let (history, truth) = (weekly(10), weekly(12));
        let ahead = MstlEts::daily().forecast(&history, 14).unwrap();
        for (day, (said, true_value)) in ahead.iter().zip(&truth[70..]).enumerate() {
            assert!((said - true_value).abs() < 4.0, "day {day}: {said} for {true_value}");
        }
    }

    #[test]
    fn hours_have_days_and_weeks() {
        let hour = |h: usize| (if h % 24 < 8 { 10.0 } else { 50.0 }) * (if (h / 24) % 7 < 5 { 1.0 } else { 0.5 });
        let history: Vec<f64> = (0..24 * 28).map(hour).collect();
        let ahead = MstlEts::hourly().forecast(&history, 48).unwrap();
        for (step, said) in ahead.iter().enumerate() {
            assert!((said - hour(24 * 28 + step)).abs() < 8.0, "hour {step}: {said} for {}", hour(24 * 28 + step));
        }
    }

    #[test]
    fn size_does_not_matter() {
        let ahead = MstlEts::daily().forecast(&weekly(10), 5).unwrap();
        for factor in [1e-12, 1e15] {
            let large: Vec<f64> = weekly(10).iter().map(|v| v * factor).collect();
            for (a, b) in ahead.iter().zip(MstlEts::daily().forecast(&large, 5).unwrap()) {
                assert!((a - b / factor).abs() < 1e-3, "{a} beside {b}");
            }
        }
    }
}
