//! Rates N events along a chain: what `scripts/bench-usage.sh` counts the instructions of, with N and with 2 N, so that what
//! is common falls out. Prints the total, so that nothing is left out by the compiler.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Parser;
use jiff::Timestamp;
use serde_json::{Value, json};
use tributary_domain::account::Kind;
use tributary_domain::id::{AccountId, RateCardId};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::chain::{Chain, ChainAccount};
use tributary_domain::pricing::number::Quantity;
use tributary_domain::pricing::rate::{EventToRate, rate_prepared};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

/// Rates events.
#[derive(Debug, Parser)]
struct Options {
    /// How many.
    #[arg(long, default_value_t = 10_000)]
    events: usize,
    /// flat, graduated or volume.
    #[arg(long, default_value = "flat")]
    model: String,
    /// How many levels pay.
    #[arg(long, default_value_t = 1)]
    levels: usize,
}

fn model(name: &str) -> Value {
    let bands = json!([
        { "from": "0", "to": "1000", "unit_price": "0.01" },
        { "from": "1000", "to": "100000", "unit_price": "0.008" },
        { "from": "100000", "to": null, "unit_price": "0.005" },
    ]);
    match name {
        "flat" => json!({ "type": "flat", "unit_price": "0.01" }),
        other => json!({ "type": other, "bands": bands }),
    }
}

fn book(owner: bool, name: &str, n: u128) -> Result<Arc<PricingBook>, Failure> {
    let at = "2026-10-01T00:00:00Z";
    let card = json!({
        "id": RateCardId::from_uuid(Uuid::from_u128(n)), "meter": "sms", "currency": "USD", "effective_from": at, "model": model(name),
        "allow_loss": true, "created_at": at,
    });
    let meters = if owner { json!([{ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" }]) } else { json!([]) };
    Ok(Arc::new(serde_json::from_value(json!({ "meters": meters, "cards": [card] }))?))
}

#[expect(clippy::print_stdout, reason = "a command's output")]
fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let mut accounts = Vec::new();
    for level in 0..=options.levels {
        let n = u128::try_from(level)? + 1;
        let top = level == options.levels;
        let kind = if top {
            Kind::Operator
        } else if level == 0 {
            Kind::Customer
        } else {
            Kind::Reseller
        };
        accounts.push(ChainAccount { id: AccountId::from_uuid(Uuid::from_u128(n)), kind, book: book(top, &options.model, n)? });
    }
    let chain = Chain::new(accounts, "USD".parse()?)?;
    let occurred_at: Timestamp = "2026-11-02T08:00:00Z".parse()?;
    let meter = "sms".parse()?;
    let prepared = chain.prepare(&meter, occurred_at)?;
    let mut states = BTreeMap::new();
    let mut total = 0_i64;
    for n in 0..options.events {
        let quantity = Quantity::new(1_000_000 + i64::try_from(n % 7)?);
        let event = EventToRate { meter: meter.clone(), quantity, first_of_value: false, occurred_at };
        let rated = rate_prepared(&prepared, &mut states, &event)?;
        total += rated.levels.iter().map(|level| level.amount.get()).sum::<i64>();
    }
    println!("{total}");
    Ok(())
}
