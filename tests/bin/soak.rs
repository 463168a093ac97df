//! `cargo soak --seeds N --ops M`: the simulation, longer. `--first S` begins at seed S, so that `--first S --seeds 1`
//! replays one. With `--usage` it is the simulation of usage: batches of events under faults.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use tributary_tests::simulation::{Report, Settings, simulate};
use tributary_tests::usage::faults;

/// The simulation, longer.
#[derive(Debug, Parser)]
struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// How many requests a seed.
    #[arg(long, default_value_t = 5_000)]
    ops: usize,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The simulation of usage instead.
    #[arg(long)]
    usage: bool,
}

/// Every seed's report, on as many threads as there are processors.
fn every<R: Send>(options: &Options, one: impl Fn(u64) -> R + Sync) -> Vec<R> {
    let next = AtomicU64::new(options.first);
    let last = options.first.saturating_add(options.seeds);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut reports = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= last {
                return reports;
            }
            reports.push(one(seed));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    })
}

#[expect(clippy::print_stdout, reason = "a command's output")]
fn main() -> ExitCode {
    let options = Options::parse();
    if options.usage {
        return usage(&options);
    }
    let reports: Vec<Report> = every(&options, |seed| match simulate(Settings { seed, ops: options.ops }) {
        Ok(report) => {
            for broken in &report.broken {
                println!("seed {seed}: {broken}");
            }
            report
        }
        Err(error) => Report { seed, broken: vec![error], ..Report::default() },
    });
    println!("{}", summary(&reports));
    println!("refused: {}", refusals(&reports));
    let broken: Vec<u64> = reports.iter().filter(|report| !report.broken.is_empty()).map(|report| report.seed).collect();
    if broken.is_empty() && u64::try_from(reports.len()) == Ok(options.seeds) {
        return ExitCode::SUCCESS;
    }
    println!("broken seeds: {broken:?}; replay one with `cargo soak --first SEED --seeds 1 --ops {}`", options.ops);
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "a command's output")]
fn usage(options: &Options) -> ExitCode {
    let reports = every(options, |seed| match faults::simulate(faults::Settings { seed, requests: options.ops }) {
        Ok(report) => report,
        Err(error) => faults::Report { seed, broken: vec![error], ..faults::Report::default() },
    });
    for report in &reports {
        for broken in report.broken.iter().take(10) {
            println!("seed {}: {broken}", report.seed);
        }
    }
    let sum = |of: fn(&faults::Report) -> u64| reports.iter().map(of).sum::<u64>();
    let count = |of: fn(&faults::Report) -> usize| reports.iter().map(of).sum::<usize>();
    let broken: Vec<u64> = reports.iter().filter(|report| !report.broken.is_empty()).map(|report| report.seed).collect();
    println!(
        "{} seeds, {} requests: {} events sent, {} counted, {} known before, {} refused, {} sent again for want of an answer, {} adjusted; \
         {} transactions, {} blobs of batches that were not committed; {} faults, {} kills; {} broken",
        reports.len(),
        count(|r| r.requests),
        count(|r| r.sent),
        count(|r| r.counted),
        sum(|r| r.duplicates),
        sum(|r| r.refused),
        sum(|r| r.unanswered),
        sum(|r| r.adjusted),
        sum(|r| r.commits),
        count(|r| r.orphans),
        sum(|r| r.faults),
        sum(|r| r.kills),
        broken.len(),
    );
    if broken.is_empty() && u64::try_from(reports.len()) == Ok(options.seeds) {
        return ExitCode::SUCCESS;
    }
    println!("broken seeds: {broken:?}; replay one with `cargo soak --usage --first SEED --seeds 1 --ops {}`", options.ops);
    ExitCode::FAILURE
}

fn refusals(reports: &[Report]) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in reports.iter().flat_map(|report| &report.refusals) {
        *kinds.entry(kind).or_default() += count;
    }
    kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

fn summary(reports: &[Report]) -> String {
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let ops: usize = reports.iter().map(|report| report.ops).sum();
    format!(
        "{} seeds, {ops} requests: {} acknowledged, {} replayed, {} refused; {} transactions, {} entries; {} faults, {} kills; {} broken",
        reports.len(),
        sum(|r| r.acknowledged),
        sum(|r| r.replayed),
        sum(|r| r.refused),
        sum(|r| r.commits),
        sum(|r| r.entries),
        sum(|r| r.faults),
        sum(|r| r.kills),
        reports.iter().filter(|report| !report.broken.is_empty()).count(),
    )
}
