//! What the intervals promise, held against futures that are known: over hundreds of made-up series.

use tributary_forecast::{Refusal, forecast};

use crate::synthetic::{NOISES, Noise, Tally, series};

const AHEAD: usize = 28;

fn tally(days: usize, seeds: std::ops::Range<u64>) -> Tally {
    let mut all = Tally::default();
    for noise in NOISES {
        for seed in seeds.clone() {
            let of = series(seed, noise, days, AHEAD);
            match forecast(&of.history, AHEAD) {
                Ok(said) => all.add(&of, &said),
                Err(Refusal::TooLittleHistory { days, needed, .. }) if days < needed => {}
                Err(refusal) => panic!("seed {seed}, {noise:?}: {refusal}"),
            }
        }
    }
    let [mae, naive] = all.wrong.map(|sum| sum / all.series as f64);
    let [in80, in95, back80, back95, sums80, sums95] = all.percent();
    eprintln!(
        "{days} days, seeds {seeds:?}: {} series, {} by mstl_ets; MAE {mae:.3}, last week's {naive:.3}; inside {in80:.1} and {in95:.1} %, \
         in back-tests {back80:.1} and {back95:.1} %, sums {sums80:.1} and {sums95:.1} %",
        all.series, all.by_mstl
    );
    all
}

/// The promise is for the series taken together, at each length of history that is calibrated.
#[test]
fn intervals_cover_what_comes_as_often_as_they_say_and_the_forecast_beats_last_week() {
    for (days, seeds) in [(60, 0..14), (120, 100..114), (200, 200..214)] {
        let all = tally(days, seeds);
        let [in80, in95, back80, back95, sums80, sums95] = all.percent();
        for (what, share, least, most) in [
            ("80 %", in80, 72.0, 90.0),
            ("95 %", in95, 90.0, 99.0),
            ("80 % in back-tests", back80, 72.0, 90.0),
            ("95 % in back-tests", back95, 90.0, 99.0),
            ("80 % of sums", sums80, 65.0, 95.0),
            ("95 % of sums", sums95, 88.0, 100.0),
        ] {
            assert!((least..=most).contains(&share), "{days} days, {what}: {share:.1}");
        }
        assert!(all.wrong[0] <= all.wrong[1], "{days} days: wrong by {:?}", all.wrong);
    }
}

/// Where history is short the intervals may be too wide, but not too narrow, and the mean no worse than repeating a week by much.
#[test]
fn a_short_history_gives_wide_intervals() {
    for days in [14, 18, 24, 35] {
        let all = tally(days, 300..308);
        let [in80, in95, _, _, _, sums95] = all.percent();
        assert!(in80 >= 75.0 && in95 >= 90.0 && sums95 >= 85.0, "{days} days: {in80:.1}, {in95:.1}, sums {sums95:.1}");
        assert!(all.wrong[0] <= 1.15 * all.wrong[1], "{days} days: wrong by {:?}", all.wrong);
    }
}

/// The report of the back-test is itself measured out of sample: it must say what the future then confirms.
#[test]
fn the_back_test_tells_the_error_to_come() {
    let (mut said, mut came) = (0.0, 0.0);
    for seed in 400..440 {
        let of = series(seed, Noise::Proportional, 120, AHEAD);
        let said_now = forecast(&of.history, AHEAD).unwrap();
        let mean = of.future.iter().sum::<f64>() / AHEAD as f64;
        said += said_now.backtest.errors.mae / mean;
        came += said_now.points.iter().zip(&of.future).map(|(point, v)| (point.mean - v).abs()).sum::<f64>() / AHEAD as f64 / mean;
    }
    eprintln!("said {:.4}, came {:.4}", said / 40.0, came / 40.0);
    assert!((0.8..1.25).contains(&(said / came)), "said {said}, came {came}");
}
