//! The simulation: 200 seeds of 5,000 requests. A broken seed is printed, and `TRIBUTARY_SEED` runs it alone:
//! `TRIBUTARY_SEED=17 cargo test -p tributary-tests simulation::one_seed -- --nocapture`.

use tributary_tests::simulation::{Settings, simulate};
use tributary_tests::usage::faults;

const OPS: usize = 5_000;

fn run(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let report = simulate(Settings { seed, ops: OPS }).expect("the simulation runs");
        assert!(
            report.broken.is_empty(),
            "seed {seed} broke {} promises (replay: cargo soak --first {seed} --seeds 1 --ops {OPS}):\n{}",
            report.broken.len(),
            report.broken.join("\n")
        );
        assert!(report.acknowledged > 500 && report.faults > 500, "seed {seed} hardly did anything: {report:?}");
    }
}

macro_rules! shards {
    ($($name:ident = $first:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            run($first..$first + 25);
        }
    )+};
}

shards! {
    seeds_0_to_24_keep_every_promise_under_faults = 0,
    seeds_25_to_49_keep_every_promise_under_faults = 25,
    seeds_50_to_74_keep_every_promise_under_faults = 50,
    seeds_75_to_99_keep_every_promise_under_faults = 75,
    seeds_100_to_124_keep_every_promise_under_faults = 100,
    seeds_125_to_149_keep_every_promise_under_faults = 125,
    seeds_150_to_174_keep_every_promise_under_faults = 150,
    seeds_175_to_199_keep_every_promise_under_faults = 175,
}

#[test]
fn one_seed_runs_alone_when_it_is_named() {
    if let Some(seed) = std::env::var("TRIBUTARY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        run(std::iter::once(seed));
    }
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    let once = || simulate(Settings { seed: 4242, ops: 800 }).map(|report| format!("{report:?}"));
    assert_eq!(once(), once());
}

#[test]
fn usage_is_counted_once_under_faults_and_its_totals_are_the_sum_of_its_records() {
    const REQUESTS: usize = 250;
    for seed in 0..4 {
        let report = faults::simulate(faults::Settings { seed, requests: REQUESTS }).expect("the simulation runs");
        assert!(
            report.broken.is_empty(),
            "seed {seed} broke {} promises (replay: cargo soak --usage --first {seed} --seeds 1 --ops {REQUESTS}):\n{}",
            report.broken.len(),
            report.broken.join("\n")
        );
        assert!(report.counted > 200 && report.faults > 100 && report.duplicates > 200, "seed {seed} hardly did anything: {report:?}");
    }
}
