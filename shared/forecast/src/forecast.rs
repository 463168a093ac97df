//! A forecast of daily totals: the model that was least wrong on the past, with intervals from its own errors.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::backtest::{Backtest, errors, folds, level, report};
use crate::calibration::{Fold, HalfWidths, Of, half_widths};
use crate::history::History;
use crate::models::{Forecaster, Mean, MstlEts, Naive, SeasonalNaive, WEEK};

/// Days ahead that may be asked for.
pub const MAX_HORIZON_DAYS: usize = 92;

/// Days with usage below which there is no forecast.
pub const SHORTEST_DAYS: usize = 7;

/// Days of history from which on seasons are looked for.
pub const SEASONAL_DAYS: usize = 21;

/// The models that a forecast may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Seasons by MSTL, the rest by exponential smoothing.
    MstlEts,
    /// Last week again.
    SeasonalNaive,
    /// The last week's mean.
    Mean,
    /// The last day again.
    Naive,
}

/// Why it is that model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It had the lowest mean absolute error on the past.
    LowestError,
    /// The others gave no usable fit.
    OnlyOne,
}

/// The model, and why it is that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The model used.
    pub model: Model,
    /// Why it was chosen.
    pub reason: Reason,
}

/// What a reader should know before trusting the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Warning {
    /// Fewer than [`SEASONAL_DAYS`] of history: no trend and no intervals that could be checked.
    ShortHistory {
        /// Days of history.
        days: usize,
        /// Days from which on it is not short.
        needed: usize,
    },
    /// Intervals further ahead than this rest on fewer than 19 checks, or on none, and are only estimates.
    Uncalibrated {
        /// The last day ahead whose interval is calibrated, counted from 1; 0 if there is none.
        beyond_days: usize,
    },
    /// The seasonal model found no usable fit on some day of the past, and was not used.
    NoFit,
    /// No usage in the last 28 days.
    Dormant,
}

/// One day ahead. `0 ≤ lo95 ≤ lo80 ≤ mean ≤ hi80 ≤ hi95`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The day.
    pub date: Date,
    /// What is expected.
    pub mean: f64,
    /// Lower end of the 80 % interval.
    pub lo80: f64,
    /// Upper end of the 80 % interval.
    pub hi80: f64,
    /// Lower end of the 95 % interval.
    pub lo95: f64,
    /// Upper end of the 95 % interval.
    pub hi95: f64,
}

/// What is to be expected of the days after the last whole one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Which model, and why.
    pub choice: Choice,
    /// A point a day, from the day after the history's last.
    pub points: Vec<Point>,
    /// The same of the sum of all days up to each: with intervals of its own, calibrated on sums, for days' errors partly cancel.
    pub sums: Vec<Point>,
    /// What trying it on the past has shown.
    pub backtest: Backtest,
    /// What to know before trusting it.
    pub warnings: Vec<Warning>,
}

/// Why there is no forecast.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Too few days with usage. What can be said honestly is their mean.
    #[error("{days} days with usage; a forecast needs {needed}")]
    TooLittleHistory {
        /// Days with usage.
        days: usize,
        /// Days with usage that are needed.
        needed: usize,
        /// Mean of a day since the first usage; 0 without any.
        mean: f64,
    },
    /// Zero days, or more than [`MAX_HORIZON_DAYS`].
    #[error("a forecast reaches 1 to 92 days ahead")]
    Horizon,
    /// The days ahead leave the calendar.
    #[error("the days ahead are beyond the calendar")]
    Calendar,
}

/// Days of the past on which a model must have been asked before it is compared with others.
const LEAST_FOLDS: usize = 4;

struct Tried {
    model: Model,
    folds: Vec<Fold>,
    mae: f64,
    ahead: Vec<f64>,
}

/// Forecasts `horizon` days from the day after `history`'s last.
///
/// # Errors
/// [`Refusal`].
pub fn forecast(history: &History, horizon: usize) -> Result<Forecast, Refusal> {
    if !(1..=MAX_HORIZON_DAYS).contains(&horizon) {
        return Err(Refusal::Horizon);
    }
    let (totals, days) = (history.totals(), history.days_used());
    if days < SHORTEST_DAYS {
        return Err(Refusal::TooLittleHistory { days, needed: SHORTEST_DAYS, mean: history.mean() });
    }
    let too_little = Refusal::TooLittleHistory { days, needed: SHORTEST_DAYS, mean: history.mean() };
    let mut warnings = Vec::new();
    let tried = try_all(totals, horizon, &mut warnings);
    let rival = tried.iter().find(|of| of.model == Model::SeasonalNaive).map(|of| of.folds.as_slice());
    // On a tie the first, which is the simplest.
    let best = tried.iter().min_by(|a, b| a.mae.total_cmp(&b.mae)).ok_or(too_little)?;
    let level = level(totals);
    let widths = |of: Of| half_widths(&best.folds, of, horizon, totals.len()).ok_or(too_little);
    let (of_days, of_sums) = (widths(Of::Days)?, widths(Of::Sums)?);
    let sums = best.ahead.iter().scan(0.0, |sum, v| {
        *sum += v;
        Some(*sum)
    });
    if of_days.conformal < horizon {
        warnings.push(Warning::Uncalibrated { beyond_days: of_days.conformal });
    }
    if totals.iter().rev().take(28).all(|v| *v <= 0.0) {
        warnings.push(Warning::Dormant);
    }
    let choice = Choice { model: best.model, reason: if tried.len() > 1 { Reason::LowestError } else { Reason::OnlyOne } };
    let mut sums = points(history.through(), sums, &of_sums, level)?;
    never_back(&mut sums);
    Ok(Forecast {
        choice,
        points: points(history.through(), best.ahead.iter().copied(), &of_days, level)?,
        sums,
        backtest: report(&best.folds, rival, horizon),
        warnings,
    })
}

/// Every model that this much history allows, tried on the same days of the past, the simplest first.
fn try_all(totals: &[f64], horizon: usize, warnings: &mut Vec<Warning>) -> Vec<Tried> {
    let days = totals.len();
    let mut models: Vec<(Model, Box<dyn Forecaster>)> = Vec::new();
    let shortest = if days >= SEASONAL_DAYS {
        models.push((Model::SeasonalNaive, Box::new(SeasonalNaive::weekly())));
        models.push((Model::MstlEts, Box::new(MstlEts::daily())));
        2 * WEEK
    } else {
        warnings.push(Warning::ShortHistory { days, needed: SEASONAL_DAYS });
        models.push((Model::Mean, Box::new(Mean)));
        models.push((Model::Naive, Box::new(Naive)));
        if days >= WEEK + LEAST_FOLDS {
            models.push((Model::SeasonalNaive, Box::new(SeasonalNaive::weekly())));
            WEEK
        } else {
            3
        }
    };
    let mut tried = Vec::new();
    for (model, forecaster) in models {
        // What cannot be asked today is no candidate, whatever it did before.
        let asked =
            forecaster.forecast(totals, horizon).and_then(|ahead| Ok((ahead, folds(forecaster.as_ref(), totals, shortest, horizon)?)));
        match asked {
            Ok((ahead, folds)) => {
                let ahead = ahead.into_iter().map(|v| v.max(0.0)).collect();
                tried.push(Tried { model, mae: errors(&folds).mae, folds, ahead });
            }
            Err(_) => warnings.push(Warning::NoFit),
        }
    }
    tried
}

fn points(through: Date, means: impl Iterator<Item = f64>, widths: &HalfWidths, level: f64) -> Result<Vec<Point>, Refusal> {
    let mut date = through;
    means
        .enumerate()
        .map(|(step, mean)| {
            date = date.tomorrow().map_err(|_| Refusal::Calendar)?;
            let (half80, half95) = (widths.half80[step] * level, widths.half95[step] * level);
            let lower = |half: f64| (mean - half).max(0.0);
            Ok(Point { date, mean, lo80: lower(half80), hi80: mean + half80, lo95: lower(half95), hi95: mean + half95 })
        })
        .collect()
}

/// A sum of usage never falls, so neither do the ends of its intervals.
fn never_back(sums: &mut [Point]) {
    for i in 1..sums.len() {
        let (before, now) = sums.split_at_mut(i);
        let (before, now) = (&before[i - 1], &mut now[0]);
        now.lo80 = now.lo80.max(before.lo80);
        now.lo95 = now.lo95.max(before.lo95);
    }
}
