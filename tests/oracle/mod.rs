//! The engine against the oracle: 20,000 events a seed through the real ingestion, compared event by event, and at the end
//! account by account. `cargo run --release -p tributary-tests --bin oracle` does it with a million; `docs/ORACLE.md`.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tributary_tests::oracle::log::{Command, Kind};
use tributary_tests::oracle::{Oracle, Outcome, Rejected};
use tributary_tests::usage::against::{Settings, run};

const EVENTS: usize = 20_000;

async fn agrees(seed: u64) {
    let report = run(Settings { seed, events: EVENTS }).await.expect("the run goes to its end");
    assert_eq!(report.differing, 0, "cargo run -p tributary-tests --bin oracle -- --events {EVENTS} --seed {seed}\n{report}");
    let refused: u64 = report.rejected.values().sum();
    let enough = report.accepted > 5_000 && report.duplicates > 3_000 && report.late > 1_000 && refused > 200 && report.rules.len() >= 7;
    assert!(enough && report.accounts >= 50, "seed {seed} hardly did anything\n{report}");
}

macro_rules! seeds {
    ($($name:ident = $seed:literal),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            agrees($seed).await;
        }
    )+};
}

seeds! {
    engine_and_oracle_agree_to_the_micro_unit_seed_1 = 1,
    engine_and_oracle_agree_to_the_micro_unit_seed_2 = 2,
    engine_and_oracle_agree_to_the_micro_unit_seed_3 = 3,
}

/// A month worked out by hand, so that the oracle itself is held to something: the operator sells a message at 0.01, the
/// master adds 50 %, and its first 100 messages are free to the customer only until the 5th.
#[test]
fn the_oracle_says_what_was_worked_out_by_hand() {
    let mut oracle = Oracle::default();
    let open = |id: &str, parent: Option<&str>, kind| Command::Open {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        kind,
        postpaid: false,
        currency: "USD".to_owned(),
        credit_limit: Decimal::ZERO,
    };
    let book = |id: &str, book: Value| Command::Book { id: id.to_owned(), book };
    let at = "2025-12-01T00:00:00Z";
    oracle.apply(&open("operator", None, Kind::Operator));
    oracle.apply(&open("master", Some("operator"), Kind::Reseller));
    oracle.apply(&open("customer", Some("master"), Kind::Customer));
    for id in ["master", "customer"] {
        oracle.apply(&Command::Credit { id: id.to_owned(), amount: Decimal::from(20) });
    }
    let card =
        |id: &str, from: &str, model: Value| json!({ "id": id, "meter": "sms", "currency": "USD", "effective_from": from, "model": model });
    oracle.apply(&book("operator", json!({
        "meters": [{ "key": "sms", "aggregation": "sum" }], "cards": [card("flat", at, json!({ "type": "flat", "unit_price": "0.01" }))],
    })));
    oracle.apply(&book("master", json!({
        "markups": [{ "id": "half", "effective_from": at, "rule": { "percent": "50" } }],
        "promotions": [{ "id": "free", "starts_at": at, "ends_at": "2026-01-05T00:00:00Z", "created_at": at, "rule": { "percent": "100" },
            "currency": "USD", "cap": "1.50", "funded_by": "seller", "allow_loss": true }],
    })));
    let event = |id: &str, quantity: &str, day: &str| json!({ "id": id, "account_id": "customer", "meter": "sms", "quantity": quantity, "occurred_at": format!("2026-01-{day}T00:00:00Z") });
    let received_at = "2026-01-20T00:00:00Z".parse().expect("a time");
    let events = vec![
        event("a", "60", "04"),       // 0.90, all of it free
        event("b", "60", "04"),       // 0.90, of which 0.60 is left of the cap
        event("c", "1000", "10"),     // 15.00; the master is bronze only from the next one on
        event("d", "100", "10"),      // 1.425: the master pays 5 % less, and adds half of that
        event("a", "60", "04"),       // known
        event("a", "61", "04"),       // known, with another content
        event("e", "10000", "10"),    // more than the customer has
        event("f", "0.000001", "10"), // nothing on the ledger
    ];
    let outcomes = oracle.apply(&Command::Batch { received_at, events });
    let said: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Accepted(rated) => rated.levels.iter().map(|level| level.amount.normalize().to_string()).collect::<Vec<_>>().join(" "),
            Outcome::Duplicate => "known".to_owned(),
            Outcome::TakenBack => "taken back".to_owned(),
            Outcome::Rejected(why) => format!("{why:?}"),
        })
        .collect();
    assert_eq!(
        said,
        ["0 0.6", "0.3 0.6", "15 10", "1.425 0.95", "known", "EventIdReused", "InsufficientCredits", "0 0"].map(str::to_owned)
    );
    assert!(matches!(outcomes[5], Outcome::Rejected(Rejected::EventIdReused)));
    let credit = |id: &str| oracle.accounts[id].credit;
    assert_eq!((credit("customer"), credit("master")), (Decimal::new(3_275, 3), Decimal::new(24_575, 3)));
}
