//! Years of months over trees five deep: random prices and tiers, late usage, voids, moves, other terms; invoices collected from credit
//! and card by a processor that fails, chased, disputed, corrected and refunded; workers that die. In the end everything adds up: see
//! [`super::promises`].
//!
//! One life of another size (`TRIBUTARY_SEED`, `TRIBUTARY_MONTHS`, `TRIBUTARY_ACCOUNTS`), here ten years of a thousand accounts:
//! `TRIBUTARY_ACCOUNTS=1000 cargo test --profile ci -p tributary-tests --test all -- billing_run::simulation::one_life --ignored --nocapture`

use jiff::{SignedDuration, Timestamp};

use super::promises::{self, Kept};
use super::town::Town;

/// Lives through so many months.
async fn live(seed: u64, accounts: usize, months: i64) -> Kept {
    let mut town = Town::new(seed, accounts).await;
    let end: Timestamp = town.now() + SignedDuration::from_hours(months * 730);
    // The more there are, the more often something happens.
    let most = (4 * 24 * 60 * 12 / i64::try_from(accounts).expect("some")).clamp(12 * 60, 4 * 24 * 60);
    let began = town.now();
    let mut told = 0;
    while town.now() < end {
        let pause = rand::Rng::random_range(&mut town.rng, 1..most);
        town.inside().clock.advance_ms(pause * 60_000);
        town.deed().await;
        // Runs are missed for weeks at times.
        if rand::Rng::random_bool(&mut town.rng, 0.3) {
            town.bill(false).await;
        }
        town.collect().await;
        let lived = town.now().duration_since(began).as_hours() / (730 * 12);
        if lived > told {
            told = lived;
            eprintln!("seed {seed}: {lived} years: {:?}", town.tally);
        }
    }
    town.come_to_rest().await;
    let kept = promises::hold(&town, seed).await;
    eprintln!("seed {seed}: {months} months, {} accounts, {:?}, {kept:?}", town.accounts().len(), town.tally);
    kept
}

/// Each on a thread of its own, as the tests are.
#[tokio::test]
async fn billing_over_years_adds_up_at_every_level() {
    let (mut invoices, mut late, mut returned, mut cards) = (0, 0, 0, 0);
    for seed in 0..5 {
        let kept = live(seed, 20, 14).await;
        (invoices, late, returned) = (invoices + kept.invoices, late + kept.late_lines, returned + kept.returned_lines);
        cards += kept.by_card.1;
    }
    assert!(invoices > 1_000 && late > 100 && returned > 5 && cards > 50, "{invoices} {late} {returned} {cards}");
}

#[tokio::test]
async fn two_years_of_sixty_accounts_add_up() {
    let kept = live(60, 60, 24).await;
    assert!(kept.invoices > 1_000 && kept.late_lines > 100 && kept.by_card.1 > 100, "{kept:?}");
}

/// One life, of `TRIBUTARY_SEED`, over `TRIBUTARY_MONTHS` (120 unless told otherwise) and `TRIBUTARY_ACCOUNTS` (60).
#[tokio::test]
#[ignore = "one life, to look at, or a long one"]
async fn one_life() {
    let number = |name: &str, else_: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(else_);
    let (seed, months) = (number("TRIBUTARY_SEED", 1), i64::try_from(number("TRIBUTARY_MONTHS", 120)).expect("months"));
    live(seed, usize::try_from(number("TRIBUTARY_ACCOUNTS", 60)).expect("accounts"), months).await;
}
