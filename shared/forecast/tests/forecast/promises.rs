//! What holds for every history: order and range of the numbers, honesty about how little is known, the same answer again.

use jiff::ToSpan;
use proptest::prelude::*;
use tributary_forecast::{Forecast, History, Model, Point, Refusal, Warning, forecast};

use crate::synthetic;

fn history(totals: &[f64]) -> History {
    let days = totals.iter().rev().enumerate().map(|(age, total)| (synthetic::THROUGH.saturating_sub((age as i64).days()), *total));
    History::new(days, synthetic::THROUGH).unwrap()
}

fn sound(forecast: &Forecast, horizon: usize) {
    assert_eq!((forecast.points.len(), forecast.sums.len()), (horizon, horizon));
    let mut date = synthetic::THROUGH;
    let (mut widest, mut sum): ([f64; 2], f64) = ([0.0; 2], 0.0);
    for (point, total) in forecast.points.iter().zip(&forecast.sums) {
        date = date.tomorrow().unwrap();
        sum += point.mean;
        for of in [point, total] {
            let Point { date: day, mean, lo80, hi80, lo95, hi95 } = of.clone();
            assert_eq!(day, date);
            assert!([mean, lo80, hi80, lo95, hi95].iter().all(|v| v.is_finite()), "{of:?}");
            assert!(0.0 <= lo95 && lo95 <= lo80 && lo80 <= mean && mean <= hi80 && hi80 <= hi95, "{of:?}");
        }
        let slack = 1e-9 * (point.hi95 + total.hi95);
        assert!(point.hi80 - point.mean >= widest[0] - slack && point.hi95 - point.mean >= widest[1] - slack, "{point:?} after {widest:?}");
        widest = [point.hi80 - point.mean, point.hi95 - point.mean];
        assert!((total.mean - sum).abs() <= slack, "{total:?} beside {sum}");
    }
    assert!(forecast.sums.is_sorted_by(|a, b| a.lo95 <= b.lo95 && a.lo80 <= b.lo80 && a.hi80 <= b.hi80 && a.hi95 <= b.hi95));
    let back = &forecast.backtest;
    assert!(back.errors.mae.is_finite() && back.errors.mae >= 0.0 && back.folds > 0);
    for share in [back.coverage80, back.coverage95].into_iter().flatten() {
        assert!((0.0..=1.0).contains(&share));
    }
}

fn days() -> impl Strategy<Value = f64> {
    prop_oneof![4 => Just(0.0), 8 => 0.0..1e4, 1 => -1e3..0.0, 1 => Just(1e18), 1 => 1e-9..1e-6]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_gives_sound_numbers_or_a_typed_refusal(totals in prop::collection::vec(days(), 0..160), horizon in 1usize..60) {
        let history = history(&totals);
        match forecast(&history, horizon) {
            Ok(forecast) => sound(&forecast, horizon),
            Err(Refusal::TooLittleHistory { days, needed, mean }) => {
                prop_assert!(days == history.days_used() && days < needed && mean.is_finite() && mean >= 0.0);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn odd_histories_give_sound_numbers() {
    let spike = |days: usize, at: usize| (0..days).map(|day| if day == at { 1e6 } else { 10.0 }).collect::<Vec<_>>();
    let stopped = |used: usize, days: usize| (0..days).map(|day| if day < used { 50.0 } else { 0.0 }).collect::<Vec<_>>();
    let grows = (0..90).map(|day| 1.1f64.powi(day)).collect::<Vec<_>>();
    let weekly = (0..730).map(|day| if day % 7 == 0 { 100.0 } else { 0.0 }).collect::<Vec<_>>();
    let odd =
        [vec![5.0; 7], vec![5.0; 100], spike(100, 50), spike(100, 99), spike(22, 0), stopped(30, 300), stopped(30, 33), grows, weekly];
    for totals in odd {
        for horizon in [1, 30, 92] {
            sound(&forecast(&history(&totals), horizon).unwrap(), horizon);
        }
    }
    let two_years = synthetic::series(1, synthetic::Noise::Gaps, 730, 1).history;
    sound(&forecast(&two_years, 92).unwrap(), 92);
}

#[test]
fn too_little_history_is_said_with_the_mean_so_far() {
    let refused = |totals: &[f64]| forecast(&history(totals), 7).unwrap_err();
    assert_eq!(refused(&[1.0, 2.0, 6.0]), Refusal::TooLittleHistory { days: 3, needed: 7, mean: 3.0 });
    assert_eq!(refused(&[0.0; 60]), Refusal::TooLittleHistory { days: 0, needed: 7, mean: 0.0 });
    assert_eq!(refused(&[]), Refusal::TooLittleHistory { days: 0, needed: 7, mean: 0.0 });
    // Sixty days, of which six were used.
    let mut rare = [0.0; 60];
    rare.iter_mut().step_by(10).for_each(|total| *total = 10.0);
    assert_eq!(refused(&rare), Refusal::TooLittleHistory { days: 6, needed: 7, mean: 1.0 });
    assert_eq!(forecast(&history(&[5.0; 30]), 0), Err(Refusal::Horizon));
    assert_eq!(forecast(&history(&[5.0; 30]), 93), Err(Refusal::Horizon));
}

#[test]
fn how_much_is_known_decides_what_is_said() {
    let made = |days: usize| forecast(&synthetic::series(7, synthetic::Noise::Normal, days, 0).history, 14).unwrap();
    for days in [7, 13, 14, 20] {
        let short = made(days);
        assert!(short.warnings.contains(&Warning::ShortHistory { days, needed: 21 }), "{days}: {:?}", short.warnings);
        assert!(short.warnings.contains(&Warning::Uncalibrated { beyond_days: 0 }) && short.choice.model != Model::MstlEts);
        assert_eq!(short.backtest.covered_of, 0);
    }
    assert_eq!(made(21).warnings, [Warning::Uncalibrated { beyond_days: 0 }]);
    // Folds from day 14 to day 39: 19 of them have seen eight days.
    assert_eq!(made(40).warnings, [Warning::Uncalibrated { beyond_days: 8 }]);
    assert_eq!(made(60).warnings, []);
    // A day ahead is calibrated from 32 days more on, and 92 days ahead from 162 on.
    for (days, horizon) in [(60, 28), (74, 42), (100, 42), (162, 92), (400, 92)] {
        let far = forecast(&synthetic::series(7, synthetic::Noise::Normal, days, 0).history, horizon).unwrap();
        assert_eq!(far.warnings, [], "{days} days, {horizon} ahead");
    }
    let long = made(120);
    assert!(long.warnings.is_empty() && long.choice.model == Model::MstlEts && long.backtest.covered_of > 100);
}

#[test]
fn repeating_last_week_wins_where_it_is_less_wrong() {
    // A level that jumps about by the week, and within the week repeats exactly.
    let totals: Vec<f64> = (0..70).map(|day| [10.0, 20.0, 30.0, 40.0, 50.0, 5.0, 1.0][day % 7]).collect();
    let exact = forecast(&history(&totals), 14).unwrap();
    assert_eq!(exact.choice.model, Model::SeasonalNaive);
    assert!(exact.points.iter().zip(&totals).all(|(point, total)| (point.mean - total).abs() < 1e-9));
}

#[test]
fn an_account_that_stopped_is_called_dormant() {
    let mut totals = vec![50.0; 60];
    totals.extend([0.0; 28]);
    let stopped = forecast(&history(&totals), 14).unwrap();
    assert!(stopped.warnings.contains(&Warning::Dormant) && stopped.points.iter().all(|point| point.mean < 1.0), "{stopped:?}");
}

#[test]
fn the_same_history_gives_the_same_answer() {
    let of = synthetic::series(11, synthetic::Noise::LogNormal, 150, 0).history;
    assert_eq!(forecast(&of, 30).unwrap(), forecast(&of, 30).unwrap());
}
