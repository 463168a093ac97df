//! Intervals from errors that were really made: split conformal prediction over a rolling-origin back-test.

/// Folds that must have reached a step before its quantiles are conformal: with fewer, no order statistic of the errors covers
/// 95 % ((n + 1) × 0.95 > n).
pub(crate) const CONFORMAL_FOLDS: usize = 19;

/// Folds below which a step says too little, and is taken from the step before.
const EMPIRICAL_FOLDS: usize = 4;

/// The normal distribution's quantiles at the ends of an 80 and a 95 % interval.
const Z80: f64 = 1.2816;
const Z95: f64 = 1.9600;

/// Steps on each side whose errors a step's quantiles share: together a week, so that every weekday is in.
const NEIGHBOURS: usize = 3;

/// What a model said on one day of the past, beside what came.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// Days known at that time.
    pub origin: usize,
    /// The level of the series at that time; errors are counted in it, so that they can be carried over to another level.
    pub level: f64,
    /// What was said for the steps that have come since.
    pub said: Vec<f64>,
    /// What came.
    pub came: Vec<f64>,
}

impl Fold {
    fn score(&self, step: usize) -> f64 {
        (self.came[step] - self.said[step]).abs() / self.level
    }

    /// Steps that had come when `known` days were known.
    fn steps(&self, known: usize) -> usize {
        known.saturating_sub(self.origin).min(self.said.len())
    }
}

/// Half widths of the intervals, in levels, by step; they never shrink from a step to the next.
#[derive(Debug, Clone)]
pub(crate) struct HalfWidths {
    pub half80: Vec<f64>,
    pub half95: Vec<f64>,
    /// Steps whose widths are conformal, from the first on.
    pub conformal: usize,
}

/// What to score of a fold at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The error of the day.
    Days,
    /// The error of the sum of all days up to it.
    Sums,
}

/// The widths for `horizon` steps from what was known after `known` days. None if not even the first step can be judged.
pub(crate) fn half_widths(folds: &[Fold], of: Of, horizon: usize, known: usize) -> Option<HalfWidths> {
    let scores: Vec<Vec<f64>> = folds.iter().map(|fold| scores(fold, of, fold.steps(known).min(horizon))).collect();
    let mut widths = HalfWidths { half80: Vec::with_capacity(horizon), half95: Vec::with_capacity(horizon), conformal: 0 };
    let mut pool = Vec::new();
    for step in 0..horizon {
        let reached = scores.iter().filter(|of_fold| of_fold.len() > step);
        let count = reached.clone().count();
        // Sums grow with each step and are not compared with their neighbours.
        let around = if of == Of::Days { NEIGHBOURS } else { 0 };
        pool.clear();
        pool.extend(reached.flat_map(|of_fold| &of_fold[step.saturating_sub(around)..of_fold.len().min(step + around + 1)]).copied());
        let last = (widths.half80.last().copied().unwrap_or_default(), widths.half95.last().copied().unwrap_or_default());
        let apart = if of == Of::Sums { apart(folds, step, known).min(count) } else { count };
        // Where nothing was seen, errors of days are taken to add up as a random walk's, those of sums as if all had one sign.
        let grown = (step as f64 + 1.0) / (step as f64).max(1.0);
        let grown = if of == Of::Days { grown.sqrt() } else { grown };
        let (half80, half95) = if count >= CONFORMAL_FOLDS {
            if widths.conformal == step {
                widths.conformal = step + 1;
            }
            let half95 = quantile(&mut pool, 0.95);
            // Sums that share days say less than their number: their largest errors may be those of a single fortnight.
            (quantile(&mut pool, 0.80), if apart < count { half95.max(student(&pool, apart, Z95)) } else { half95 })
        } else if count >= EMPIRICAL_FOLDS {
            let least = if of == Of::Sums { (last.0 * grown, last.1 * grown) } else { (largest(&pool), largest(&pool)) };
            (least.0.max(student(&pool, apart, Z80)), least.1.max(student(&pool, apart, Z95)))
        } else if step > 0 {
            (last.0 * grown, last.1 * grown)
        } else {
            return None;
        };
        let half80 = half80.max(last.0);
        widths.half80.push(half80);
        widths.half95.push(half95.max(last.1).max(half80));
    }
    Some(widths)
}

fn scores(fold: &Fold, of: Of, steps: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..steps)
        .map(|step| match of {
            Of::Days => fold.score(step),
            Of::Sums => {
                sum += fold.came[step] - fold.said[step];
                sum.abs() / fold.level
            }
        })
        .collect()
}

/// The score at the conformal rank ⌈(n + 1) × level⌉ of the pool's n.
fn quantile(pool: &mut [f64], level: f64) -> f64 {
    let rank = (((pool.len() as f64 + 1.0) * level - 1e-9).ceil() as usize).clamp(1, pool.len());
    *pool.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

/// A half width for too few folds for a rank: that of normal errors whose spread is known from as many, by Student's t.
fn student(pool: &[f64], folds: usize, z: f64) -> f64 {
    let freedom = folds as f64 - 1.0;
    // Cornish and Fisher's expansion of t's quantile in the normal one.
    let t = z + (z.powi(3) + z) / (4.0 * freedom) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * freedom * freedom);
    let spread = (pool.iter().map(|s| s * s).sum::<f64>() / pool.len() as f64).sqrt();
    t * spread * (1.0 + 1.0 / folds as f64).sqrt()
}

fn largest(pool: &[f64]) -> f64 {
    pool.iter().copied().fold(0.0, f64::max)
}

/// How many sums of `step + 1` days that share no day the folds have seen, held at [`EMPIRICAL_FOLDS`] or more.
fn apart(folds: &[Fold], step: usize, known: usize) -> usize {
    let seen = known.saturating_sub(folds.first().map_or(known, |oldest| oldest.origin));
    (seen / (step + 1)).max(EMPIRICAL_FOLDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds(count: usize, steps: usize) -> Vec<Fold> {
        let fold = |i: usize| Fold { origin: i, level: 2.0, said: vec![0.0; steps], came: vec![2.0 * (i + 1) as f64; steps] };
        (0..count).map(fold).collect()
    }

    #[test]
    fn the_rank_is_the_conformal_one() {
        // Scores 1..=19: the 95 % rank of 19 is the 19th, the 80 % rank the 16th; of 99, the 95th and the 80th.
        let widths = half_widths(&folds(19, 1), Of::Days, 1, 100).unwrap();
        assert_eq!((widths.half80[0] as u32, widths.half95[0] as u32, widths.conformal), (16, 19, 1));
        let widths = half_widths(&folds(99, 1), Of::Days, 1, 1000).unwrap();
        assert_eq!((widths.half80[0] as u32, widths.half95[0] as u32), (80, 95));
    }

    #[test]
    fn a_fold_counts_only_with_what_had_come() {
        // After 20 days the folds of days 0 to 15 have seen 4 steps or more: not enough for a rank.
        let widths = half_widths(&folds(40, 4), Of::Days, 4, 20).unwrap();
        assert_eq!(widths.conformal, 2);
        assert!(half_widths(&folds(40, 4), Of::Days, 4, 3).is_none());
    }

    #[test]
    fn widths_never_shrink_and_go_on_growing_where_nothing_was_seen() {
        for of in [Of::Days, Of::Sums] {
            let mut folds = folds(30, 8);
            for fold in &mut folds {
                fold.came[3] = 0.0;
            }
            let widths = half_widths(&folds, of, 60, 100).unwrap();
            assert!(widths.half80.is_sorted() && widths.half95.is_sorted());
            assert!(widths.half95[59] > widths.half95[7] && widths.conformal == 8);
        }
    }
}
