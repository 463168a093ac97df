//! Forecasts made-up series whose future is known and prints the table of `docs/forecast.md`.
//! `cargo run --release -p tributary-forecast --example backtest -- [series a row] [first seed]`

#![allow(clippy::print_stdout)]

#[path = "../tests/forecast/synthetic.rs"]
mod synthetic;

use std::time::Instant;

use tributary_forecast::{Forecaster, MstlEts, SHORTEST_DAYS};

use synthetic::{NOISES, Noise, Tally, series};

const AHEAD: usize = 28;

fn main() {
    let number = |at: usize, default: u64| std::env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (count, first) = (number(1, 50), number(2, 1));
    println!("{count} series a row from seed {first}, {AHEAD} days ahead; errors and widths in % of the level\n");
    println!(
        "| days known | noise | by mstl_ets | MAE | last week's MAE | skill | 80 % | 95 % | back-test 80 % | 95 % | sums 80 % | 95 % | width of 95 % | ms a series |"
    );
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for days in [10, 18, 28, 60, 120, 365] {
        let (mut all, mut all_ms) = (Tally::default(), 0.0);
        for noise in NOISES {
            let mut tally = Tally::default();
            let ms = add(&mut tally, &mut all, noise, days, first..first + count);
            if days == 120 {
                row(&format!("{days}"), &format!("{noise:?}"), &tally, ms / tally.series.max(1) as f64);
            }
            all_ms += ms;
        }
        row(&format!("**{days}**"), "**all**", &all, all_ms / all.series.max(1) as f64);
    }
    println!();
    for days in [28, 60, 120, 365] {
        println!("one fit of mstl_ets to {days} days: {:.2} ms", fit_ms(days));
    }
}

/// The median over series of all kinds of noise.
fn fit_ms(days: usize) -> f64 {
    let fit = |at: usize| {
        let series = series(at as u64, NOISES[at % NOISES.len()], days, 1);
        let start = Instant::now();
        MstlEts::daily().forecast(series.history.totals(), AHEAD).expect("a fit");
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut each: Vec<f64> = (0..80).map(fit).collect();
    each.sort_by(f64::total_cmp);
    each[each.len() / 2]
}

/// Forecasts the series of these seeds, and says how many milliseconds that took.
fn add(tally: &mut Tally, all: &mut Tally, noise: Noise, days: usize, seeds: std::ops::Range<u64>) -> f64 {
    let mut ms = 0.0;
    for seed in seeds {
        let series = series(seed, noise, days, AHEAD);
        if series.history.days_used() < SHORTEST_DAYS {
            continue;
        }
        let start = Instant::now();
        let forecast = tributary_forecast::forecast(&series.history, AHEAD).expect("enough history");
        ms += start.elapsed().as_secs_f64() * 1e3;
        tally.add(&series, &forecast);
        all.add(&series, &forecast);
    }
    ms
}

fn row(days: &str, noise: &str, tally: &Tally, ms: f64) {
    let n = tally.series as f64;
    let [mae, naive] = tally.wrong.map(|sum| 100.0 * sum / n);
    let shares =
        tally.percent().map(|share| if tally.back[2] == 0 && share < 1e-9 { "–".to_owned() } else { format!("{share:.1}") }).join(" | ");
    let (skill, width) = (1.0 - mae / naive, 100.0 * tally.width / n);
    println!(
        "| {days} | {noise} | {}/{} | {mae:.1} | {naive:.1} | {skill:.2} | {shares} | {width:.0} | {ms:.1} |",
        tally.by_mstl, tally.series
    );
}
