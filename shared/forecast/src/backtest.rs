//! How wrong a model would have been: it is asked on days of the past, knowing nothing of what came after them.

use serde::{Deserialize, Serialize};

use crate::calibration::{CONFORMAL_FOLDS, Fold, Of, half_widths};
use crate::history::mean;
use crate::models::{Forecaster, Unfit};

/// Days of the past on which a model is asked, where the history and a near horizon allow.
const FOLDS: usize = 40;

/// Days between two of them, at most: no divisor of seven, so that they fall on every weekday.
const MAX_SPACING: usize = 3;

/// Days of which a series' level is the mean.
const LEVEL_DAYS: usize = 28;

/// How wrong the forecasts were, over every day that was forecast and has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Mean absolute error, in the unit of the series.
    pub mae: f64,
    /// Weighted absolute percentage error: sum of absolute errors over sum of absolute values, 0.1 for 10 %; none where all values were zero.
    pub wape: Option<f64>,
    /// Mean of forecast minus value, in the unit of the series: above zero, it said too much.
    pub bias: f64,
}

/// What trying the model on the past has shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// Days of the past on which it was asked.
    pub folds: usize,
    /// The furthest day ahead that could be checked.
    pub horizon: usize,
    /// Of the model.
    #[serde(flatten)]
    pub errors: Errors,
    /// Of repeating last week, on the same days; none where the history is shorter than eleven days.
    pub seasonal_naive: Option<Errors>,
    /// 1 − `mae` / `seasonal_naive.mae`: above 0 better than repeating last week, 1 without error; none where that has none itself.
    pub skill: Option<f64>,
    /// Share of later values inside of the 80 % interval that the errors known at the time of asking would have given.
    pub coverage80: Option<f64>,
    /// The same of the 95 % interval.
    pub coverage95: Option<f64>,
    /// Values on which coverage was measured; 0 where no day was left to measure on.
    pub covered_of: usize,
}

/// The days on which to ask: the newest needs one day after it, the oldest `shortest` days before it; more of them for a far horizon,
/// so that enough have reached it.
fn origins(days: usize, shortest: usize, horizon: usize) -> Vec<usize> {
    let possible = days.saturating_sub(shortest);
    let spacing = (possible / FOLDS).clamp(1, MAX_SPACING);
    let count = FOLDS.max(horizon / spacing + CONFORMAL_FOLDS + 1);
    let mut origins: Vec<usize> = (shortest..days).rev().step_by(spacing).take(count).collect();
    origins.reverse();
    origins
}

/// Asks `model` on days of the past. Oldest fold first; forecasts are held at zero or above, as those that are given out.
pub(crate) fn folds(model: &dyn Forecaster, totals: &[f64], shortest: usize, horizon: usize) -> Result<Vec<Fold>, Unfit> {
    let ask = |origin: usize| {
        let came = totals[origin..].iter().copied().take(horizon).collect::<Vec<_>>();
        let said = model.forecast(&totals[..origin], came.len())?.into_iter().map(|v| v.max(0.0)).collect();
        Ok(Fold { origin, level: level(&totals[..origin]), said, came })
    };
    origins(totals.len(), shortest, horizon).into_iter().map(ask).collect()
}

/// The level of a series: the mean magnitude of its newest days, and at least a quarter of that of all, so that a quiet month does
/// not turn small errors into large ones. Above zero for every series that is not all zeros.
pub(crate) fn level(totals: &[f64]) -> f64 {
    let magnitude = |days: &[f64]| mean(&days.iter().map(|v| v.abs()).collect::<Vec<_>>());
    magnitude(&totals[totals.len().saturating_sub(LEVEL_DAYS)..]).max(magnitude(totals) / 4.0).max(f64::MIN_POSITIVE.sqrt())
}

/// The errors of all folds.
pub(crate) fn errors(folds: &[Fold]) -> Errors {
    let pairs = || folds.iter().flat_map(|fold| fold.said.iter().zip(&fold.came));
    let count = pairs().count().max(1) as f64;
    let wrong: f64 = pairs().map(|(said, came)| (said - came).abs()).sum();
    let size: f64 = pairs().map(|(_, came)| came.abs()).sum();
    Errors {
        mae: wrong / count,
        wape: (size > 0.0).then(|| wrong / size),
        bias: pairs().map(|(said, came)| said - came).sum::<f64>() / count,
    }
}

/// The report of the model whose folds these are; `rival` are the folds of repeating last week.
pub(crate) fn report(folds: &[Fold], rival: Option<&[Fold]>, horizon: usize) -> Backtest {
    let (errors, seasonal_naive) = (errors(folds), rival.map(errors));
    let (inside80, inside95, covered_of) = coverage(folds, horizon);
    let share = |inside: usize| (covered_of > 0).then(|| inside as f64 / covered_of as f64);
    Backtest {
        folds: folds.len(),
        horizon: folds.iter().map(|fold| fold.said.len()).max().unwrap_or_default(),
        skill: seasonal_naive.as_ref().filter(|of| of.mae > 0.0).map(|of| 1.0 - errors.mae / of.mae),
        errors,
        seasonal_naive,
        coverage80: share(inside80),
        coverage95: share(inside95),
        covered_of,
    }
}

/// Values of the newer half of the folds inside of the intervals that would have been given then, from the errors known then.
fn coverage(folds: &[Fold], horizon: usize) -> (usize, usize, usize) {
    let (mut inside80, mut inside95, mut all) = (0, 0, 0);
    for fold in &folds[folds.len() / 2..] {
        let Some(widths) = half_widths(folds, Of::Days, horizon, fold.origin) else { continue };
        for (step, (said, came)) in fold.said.iter().zip(&fold.came).enumerate().take(widths.conformal) {
            // Below zero there is nothing to miss: an interval that reaches zero reaches all that is less.
            let wrong = (came.max(0.0) - said).abs() / fold.level;
            inside80 += usize::from(wrong <= widths.half80[step]);
            inside95 += usize::from(wrong <= widths.half95[step]);
            all += 1;
        }
    }
    (inside80, inside95, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Naive, SeasonalNaive};

    #[test]
    fn folds_know_only_what_came_before_and_fall_on_every_weekday() {
        for days in [8, 21, 60, 100, 400, 730] {
            let totals: Vec<f64> = (0..days).map(|d| d as f64).collect();
            let folds = folds(&Naive, &totals, 7, 30).unwrap();
            assert!(folds.len() <= 50 && folds.last().unwrap().origin == days - 1);
            for fold in &folds {
                assert_eq!((fold.said[0] as usize, fold.came[0] as usize), (fold.origin - 1, fold.origin));
                assert_eq!(fold.came.len(), 30.min(days - fold.origin));
            }
            if folds.len() >= 7 {
                let weekdays: std::collections::BTreeSet<usize> = folds.iter().map(|fold| fold.origin % 7).collect();
                assert_eq!(weekdays.len(), 7);
            }
        }
    }

    #[test]
    fn enough_folds_reach_the_horizon() {
        let reach = |days: usize, horizon: usize| origins(days, 14, horizon).iter().filter(|origin| *origin + horizon <= days).count();
        for days in 33..=730 {
            for horizon in (1..=92).filter(|horizon| days >= horizon + 32 && *horizon <= 42 || days >= 162) {
                assert!(reach(days, horizon) >= CONFORMAL_FOLDS, "{days} days, {horizon} ahead: {}", reach(days, horizon));
            }
        }
    }

    #[test]
    fn errors_are_what_they_are_called() {
        let fold = Fold { origin: 1, level: 1.0, said: vec![3.0, 5.0], came: vec![1.0, 9.0] };
        assert_eq!(errors(&[fold]), Errors { mae: 3.0, wape: Some(0.6), bias: -1.0 });
        assert_eq!(errors(&[]), Errors { mae: 0.0, wape: None, bias: 0.0 });
    }

    #[test]
    fn a_series_that_repeats_is_covered_and_has_no_error() {
        let totals: Vec<f64> = (0..70).map(|d| f64::from(d % 7)).collect();
        let folds = folds(&SeasonalNaive::weekly(), &totals, 14, 14).unwrap();
        let report = report(&folds, Some(&folds), 14);
        assert!(report.errors.mae < 1e-12 && report.skill.is_none());
        assert!(report.covered_of > 100 && report.coverage80.is_some_and(|c| c > 0.999));
    }
}
