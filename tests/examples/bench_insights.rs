//! What a view of insights costs as the tree grows: rosters of a hundred, ten thousand and a hundred thousand accounts, packed, unpacked, told
//! changes and invoices, filtered, sorted and searched. In memory; beside this a request makes two calls of the table and, cold, one of the blobs.
//! Figures only: nothing here passes or fails. `cargo run --release -p tributary-tests --example bench_insights`.

use std::time::Instant;

use clap::Parser;
use jiff::Timestamp;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tributary_domain::account::{Funding, Kind, Status};
use tributary_domain::id::{AccountId, InvoiceId};
use tributary_insights::change::{Bill, Place, Profile, RowChange, SlotKey, SlotSum, Tier, Told, Used};
use tributary_insights::churn::{Payer, cohorts, lifetimes, months};
use tributary_insights::figures::{Figures, day_number, month_number};
use tributary_insights::grid::{Filter, Sort, matched, page};
use tributary_insights::sums::{Of, Slots};
use tributary_insights::survival::curve;
use tributary_insights::view::View;

/// When it is.
const NOW: &str = "2026-11-22T13:30:00Z";
/// Direct sub-accounts of each reseller.
const FAN: usize = 99;
/// Months of usage behind each account.
const MONTHS: i32 = 12;

/// Measures what views of insights cost.
#[derive(Debug, Parser)]
struct Options {
    /// Accounts below the owner.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 10_000, 100_000])]
    accounts: Vec<usize>,
    /// How often each is done; the median is shown.
    #[arg(long, default_value_t = 15)]
    times: usize,
}

fn account(number: usize, owner: &AccountId, parent: &AccountId, random: &mut SmallRng, now: Timestamp) -> RowChange {
    let id = AccountId::from_number((u128::from(random.random::<u64>()) << 64) | u128::try_from(number).unwrap_or(0));
    let kind = if number.is_multiple_of(FAN + 1) { Kind::Reseller } else { Kind::Customer };
    let mut change = RowChange::of(id);
    change.profile = Some(Profile {
        version: 1,
        name: format!(
            "{} {} Trading {number}",
            ["North", "South", "Café", "Blue", "Harbour"][random.random_range(0..5)],
            random.random_range(0..10_000)
        ),
        external_id: Some(format!("crm-{}", random.random::<u32>())),
        email: Some(format!("billing{number}@example.com")),
        tags: vec![("region".to_owned(), ["emea", "apac", "amer"][random.random_range(0..3)].to_owned())],
        created_ms: now.as_millisecond() - random.random_range(0..40_000_000_000),
    });
    change.tier = Some(Tier { version: 1, name: "none".to_owned() });
    change.bills = vec![Bill {
        id: InvoiceId::from_number(change.id.as_u128()),
        version: 1,
        due: random.random_range(0..90_000_000),
        due_ms: now.as_millisecond(),
        open: true,
        told_ms: now.as_millisecond(),
    }];
    change.place = Some(Place {
        seq: random.random_range(1..5_000),
        inside: true,
        parent: Some(if kind == Kind::Reseller { owner } else { parent }.clone()),
        kind,
        status: if random.random_bool(0.02) { Status::Suspended } else { Status::Active },
        funding: Funding::Prepaid,
        currency: "USD".parse().expect("a currency"),
        available: random.random_range(0..5_000_000_000),
        held: 0,
        at_ms: now.as_millisecond(),
    });
    change.used = Some(Used { seq: 7, at_ms: now.as_millisecond() - random.random_range(0..4_000_000_000) });
    let this = month_number(tributary_domain::pricing::month::Month::of(now));
    for month in (this - MONTHS + 1)..=this {
        let revenue = random.random_range(0..900_000_000);
        let figures = Figures { revenue, cost: revenue / 5 * 4, own_revenue: revenue, own_cost: revenue / 5 * 4, direct: revenue };
        change.sums.push(SlotSum { slot: SlotKey::Month(month), seq: random.random_range(1..5_000), figures });
    }
    let today = day_number(now);
    for day in (today - 28)..today {
        let revenue = random.random_range(0..30_000_000);
        let figures = Figures { revenue, cost: revenue / 5 * 4, own_revenue: revenue, own_cost: revenue / 5 * 4, direct: revenue };
        change.sums.push(SlotSum { slot: SlotKey::Day(day), seq: random.random_range(1..5_000), figures });
    }
    change
}

fn median(times: usize, mut work: impl FnMut()) -> f64 {
    let mut took: Vec<f64> = (0..times)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

#[expect(clippy::print_stdout, reason = "it shows figures")]
fn main() {
    let options = Options::parse();
    let now: Timestamp = NOW.parse().expect("a time");
    println!(
        "| accounts | rows, MB | packed, MB | unpack, ms | page by margin, ms | search and page, ms | 500 told with an invoice each, ms | all invoices told, ms | months, MB packed | unpack, ms | churn, ms | fold: pack all, ms |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in options.accounts {
        let mut random = SmallRng::seed_from_u64(7);
        let owner = AccountId::from_number(1);
        let mut parent = owner.clone();
        let mut changes = vec![RowChange { profile: None, ..account(0, &owner, &owner, &mut random, now) }];
        changes[0].id = owner.clone();
        for number in 0..count {
            let change = account(number, &owner, &parent, &mut random, now);
            if change.place.as_ref().is_some_and(|place| place.kind == Kind::Reseller) {
                parent = change.id.clone();
            }
            changes.push(change);
        }
        let told = [Told { at: now, changes }];
        let mut view = View::empty(&owner, now);
        view.apply(&told);
        let (mut kept, mut days) = (Slots::default(), Slots::default());
        kept.apply(Of::Months, &told[0].changes);
        days.apply(Of::Days, &told[0].changes);
        let bytes = view.pack(now).expect("packed");
        let month_bytes = kept.pack().expect("packed");
        let unpack = median(options.times, || drop(View::unpack(&bytes).expect("unpacked")));
        let view = View::unpack(&bytes).expect("unpacked");
        let by_margin: Sort = "-margin".parse().expect("an order");
        let paged = |filter: &Filter| {
            let found = matched(&view, filter);
            let rows = page(&view, found.rows, by_margin, 0, 50);
            assert!(rows.len() <= 50);
        };
        let sorted = median(options.times, || paged(&Filter::default()));
        let search = Filter { q: Some("harbour 12".to_owned()), ..Filter::default() };
        let searched = median(options.times, || paged(&search));
        let some = [Told {
            at: now,
            changes: told[0]
                .changes
                .iter()
                .rev()
                .take(500)
                .cloned()
                .map(|mut change| {
                    change.sums.clear();
                    if let Some(place) = &mut change.place {
                        place.seq += 1
                    }
                    change.bills.iter_mut().for_each(|bill| bill.version += 1);
                    change
                })
                .collect(),
        }];
        let heard = median(options.times, || {
            let mut newer = view.clone();
            newer.apply(&some);
        });
        let invoices = told[0].changes.iter().map(|change| RowChange { bills: change.bills.clone(), ..RowChange::of(change.id.clone()) });
        let invoices = [Told { at: now, changes: invoices.collect() }];
        let billed = median(options.times.min(5), || {
            let mut none = View::empty(&owner, now);
            none.apply(&invoices);
        });
        let months_unpack = median(options.times, || drop(Slots::unpack(&month_bytes).expect("unpacked")));
        let until = month_number(tributary_domain::pricing::month::Month::of(now));
        let churn = median(options.times.min(5), || {
            let payer = |(_, months): (u128, &[tributary_insights::sums::Kept])| Payer {
                paid: months.iter().map(|month| (month.slot, month.figures.direct)).collect(),
                moved_away: false,
            };
            let payers: Vec<Payer> = kept.every().map(payer).collect();
            assert!(!months(&payers, until - 12, until).is_empty());
            drop((cohorts(&payers, until - 12, until), curve(&lifetimes(&payers, until))));
        });
        let folded = median(options.times.min(3), || drop((view.pack(now), kept.pack(), days.pack())));
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        let mb = |bytes: usize| bytes as f64 / 1e6;
        println!(
            "| {count} | {:.1} | {:.1} | {unpack:.1} | {sorted:.1} | {searched:.1} | {heard:.1} | {billed:.1} | {:.1} | {months_unpack:.1} | {churn:.1} | {folded:.0} |",
            mb(view.weight()),
            mb(bytes.len()),
            mb(month_bytes.len())
        );
    }
}
