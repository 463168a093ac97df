//! Made-up usage: a weekly season, a trend and noise of several kinds, by seed.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tributary_forecast::{Forecast, History, Model};

/// How a day's total strays from what season and trend make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noise {
    /// Normal, 12 % of the level, on every day alike.
    Normal,
    /// Normal, 15 % of the day's own size.
    Proportional,
    /// Heavy tails: Laplace, 10 % of the level.
    Laplace,
    /// Skewed: log-normal, 20 % of the day's own size.
    LogNormal,
    /// Normal, and each day leans by 0.6 on the day before.
    Lasting,
    /// Normal, and three times the level on one day in fifty.
    Spikes,
    /// Counts of about a dozen a day: Poisson.
    Counts,
    /// Nothing on a third of the days.
    Gaps,
}

/// All of them.
pub const NOISES: [Noise; 8] =
    [Noise::Normal, Noise::Proportional, Noise::Laplace, Noise::LogNormal, Noise::Lasting, Noise::Spikes, Noise::Counts, Noise::Gaps];

const WEEKS: [[f64; 7]; 4] =
    [[1.0, 1.1, 1.15, 1.1, 0.95, 0.35, 0.25], [0.8, 0.75, 0.8, 0.9, 1.3, 1.6, 1.4], [1.0, 1.05, 1.0, 0.95, 1.0, 0.9, 0.9], [1.0; 7]];

/// The last day that a forecast may know.
pub const THROUGH: Date = date(2026, 3, 31);

/// A made-up series: what is known, and what comes after it.
pub struct Series {
    /// Known days.
    pub history: History,
    /// The days after them.
    pub future: Vec<f64>,
}

/// `days` known and `ahead` unknown days by `seed`. Week, trend and level are drawn too.
pub fn series(seed: u64, noise: Noise, days: usize, ahead: usize) -> Series {
    let mut random = StdRng::seed_from_u64(seed);
    let week = WEEKS[random.random_range(0..WEEKS.len())];
    let level = if noise == Noise::Counts { 12.0 } else { 10f64.powf(random.random_range(1.0..6.0)) };
    // From a third less to two thirds more within a hundred days.
    let slope = random.random_range(-0.3..0.7) / 100.0;
    let mut lasting = 0.0;
    let mut day = |day: usize| {
        let size = week[day % 7] * (1.0 + slope * day as f64).max(0.05);
        let normal = normal(&mut random);
        let strayed = match noise {
            Noise::Normal => size + 0.12 * normal,
            Noise::Proportional => size * (1.0 + 0.15 * normal),
            Noise::Laplace => {
                let uniform: f64 = random.random_range(-0.4999..0.4999);
                size - 0.1 / std::f64::consts::SQRT_2 * uniform.signum() * (1.0 - 2.0 * uniform.abs()).ln()
            }
            Noise::LogNormal => size * (0.2 * normal).exp(),
            Noise::Lasting => {
                lasting = 0.6 * lasting + 0.1 * normal;
                size + lasting
            }
            Noise::Spikes if random.random_bool(0.02) => size + 3.0,
            Noise::Spikes => size + 0.1 * normal,
            Noise::Counts => poisson(&mut random, size * level) / level,
            Noise::Gaps if random.random_bool(0.33) => 0.0,
            Noise::Gaps => size * (1.0 + 0.2 * normal),
        };
        strayed.max(0.0) * level
    };
    let totals: Vec<f64> = (0..days + ahead).map(&mut day).collect();
    let known = totals[..days].iter().rev().enumerate().map(|(age, total)| (THROUGH.saturating_sub((age as i64).days()), *total));
    Series { history: History::new(known, THROUGH).expect("finite totals"), future: totals[days..].to_vec() }
}

fn normal(random: &mut StdRng) -> f64 {
    let (a, b): (f64, f64) = (random.random_range(1e-12..1.0), random.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

fn poisson(random: &mut StdRng, mean: f64) -> f64 {
    let (mut count, mut product, limit) = (0.0, random.random::<f64>(), (-mean).exp());
    while product > limit {
        count += 1.0;
        product *= random.random::<f64>();
    }
    count
}

/// What forecasts were worth, added up over series.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Series forecast.
    pub series: usize,
    /// Of them by the seasonal model.
    pub by_mstl: usize,
    /// Days forecast.
    pub days: usize,
    /// Days inside of the 80 and the 95 % interval.
    pub inside: [usize; 2],
    /// Days inside of the back-test's intervals, and days that it measured.
    pub back: [usize; 3],
    /// Sums of all days ahead inside of their 80 and 95 % intervals.
    pub sums: [usize; 2],
    /// Mean absolute errors relative to the series' level, added up: of the forecast, of last week again.
    pub wrong: [f64; 2],
    /// Width of the 95 % interval over the level, added up over series.
    pub width: f64,
}

impl Tally {
    /// Adds what the forecast was worth.
    pub fn add(&mut self, of: &Series, said: &Forecast) {
        let known = of.history.totals();
        let level = of.future.iter().sum::<f64>().max(1.0) / of.future.len() as f64;
        let mut wrong = [0.0; 2];
        for (step, (point, came)) in said.points.iter().zip(&of.future).enumerate() {
            self.days += 1;
            self.inside[0] += usize::from((point.lo80..=point.hi80).contains(came));
            self.inside[1] += usize::from((point.lo95..=point.hi95).contains(came));
            wrong[0] += (point.mean - came).abs();
            wrong[1] += (known[known.len() - 7 + step % 7] - came).abs();
            self.width += (point.hi95 - point.lo95) / level / of.future.len() as f64;
        }
        let (last, sum) = (&said.sums[said.sums.len() - 1], of.future.iter().sum());
        self.sums[0] += usize::from((last.lo80..=last.hi80).contains(&sum));
        self.sums[1] += usize::from((last.lo95..=last.hi95).contains(&sum));
        let back = &said.backtest;
        let inside = |share: Option<f64>| (share.unwrap_or_default() * back.covered_of as f64).round_ties_even() as usize;
        self.back[0] += inside(back.coverage80);
        self.back[1] += inside(back.coverage95);
        self.back[2] += back.covered_of;
        for (sum, of_series) in self.wrong.iter_mut().zip(wrong) {
            *sum += of_series / level / of.future.len() as f64;
        }
        self.series += 1;
        self.by_mstl += usize::from(said.choice.model == Model::MstlEts);
    }

    /// Shares in percent: days inside of 80 and 95, the same in the back-tests, sums inside of 80 and 95.
    pub fn percent(&self) -> [f64; 6] {
        let share = |inside: usize, of: usize| 100.0 * inside as f64 / of.max(1) as f64;
        let ([a, b], [c, d, n], [e, f]) = (self.inside, self.back, self.sums);
        [share(a, self.days), share(b, self.days), share(c, n), share(d, n), share(e, self.series), share(f, self.series)]
    }
}
