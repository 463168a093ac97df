//! Reconciliation beside the simulation's load, on processes that fail, lag and die: it must never find anything.
//! `TRIBUTARY_SEED=17 cargo test -p tributary-tests reconcile::load -- --nocapture` runs one seed.

use std::pin::Pin;

use jiff::Timestamp;
use tributary_reconcile::{Budget, Source as RunSource, Summary};
use tributary_store::Store;
use tributary_tests::simulation::op::Source;
use tributary_tests::simulation::{Beside, Settings, simulate_beside};
use uuid::Uuid;

use super::scene::WHOLE;

const OPS: usize = 800;

/// The runs beside one simulation.
#[derive(Default)]
struct Runs {
    passes: usize,
    entries: usize,
    holds: usize,
    failed_runs: usize,
    found: Vec<String>,
    at_the_end: Vec<Summary>,
}

struct Of<'a>(&'a dyn Source);

impl RunSource for Of<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn uuid(&self) -> Uuid {
        self.0.uuid()
    }
}

impl Runs {
    fn note(&mut self, summary: &Summary) {
        self.passes += usize::from(summary.pass_complete);
        self.entries += summary.entries;
        self.holds += summary.holds;
        if summary.drift + summary.frozen > 0 {
            self.found.push(format!("{:?}", summary.findings));
        }
    }
}

impl Beside for Runs {
    fn round<'a>(&'a mut self, store: Store, source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(async move {
            match tributary_reconcile::run(&store, &Of(source), &Budget { entries: 120, ..WHOLE }).await {
                Ok(summary) => self.note(&summary),
                Err(_) => self.failed_runs += 1,
            }
        })
    }

    fn end<'a>(&'a mut self, store: Store, source: &'a dyn Source) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        Box::pin(async move {
            // The pass under way, and two that see nothing but rest.
            for _ in 0..3 {
                let summary = tributary_reconcile::run(&store, &Of(source), &WHOLE).await.expect("the faults have stopped");
                self.note(&summary);
                self.at_the_end.push(summary);
            }
        })
    }
}

fn run(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let mut runs = Runs::default();
        let report = simulate_beside(Settings { seed, ops: OPS }, &mut runs).expect("the simulation runs");
        assert!(report.broken.is_empty(), "seed {seed}: {}", report.broken.join("\n"));
        assert!(runs.found.is_empty(), "seed {seed}: false findings: {}", runs.found.join("\n"));
        assert!(runs.passes > 3 && runs.entries > 1_000 && runs.holds > 0, "seed {seed} hardly reconciled: {} passes", runs.passes);
        let last = runs.at_the_end.last().expect("a run at the end");
        assert!(last.pass_complete && last.failed == 0, "seed {seed}: {last:?}");
        eprintln!(
            "seed {seed}: {} passes, {} entries, {} failed runs, {} kills",
            runs.passes, runs.entries, runs.failed_runs, report.kills
        );
    }
}

#[test]
fn seeds_0_to_11_have_no_false_finding_under_load_and_faults() {
    run(seeds(0, 12));
}

#[test]
fn seeds_12_to_23_have_no_false_finding_under_load_and_faults() {
    run(seeds(12, 12));
}

fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    match std::env::var("TRIBUTARY_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => first..first + count,
    }
}
