//! What counting usage costs, in write units an event: `usage.txt`. `UPDATE_GOLDEN=1 cargo test -p tributary-tests budgets`
//! writes it anew.

use serde_json::{Value, json};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, RateCardId};
use tributary_domain::pricing::book::PricingBook;
use tributary_store::accounts::Authority;
use tributary_store::books::BookEdit;
use tributary_store::counting::Counts;
use tributary_store::events::Act;

use super::Counted;
use crate::golden::golden;

/// Write units an event, indexes included, in thousandths: the promise for a full batch, of one account at any depth or of ten.
const MOST_MILLI_UNITS: u64 = 50;
/// Batches that cost more, because every level above has an entry of two units: see `docs/adr/0010-usage-on-the-ledger.md`.
const OVER: [&str; 6] = [
    "100 events of one account at depth 1, warm",
    "100 events of one account at depth 2, warm",
    "100 events of one account at depth 4, warm",
    "200 events of one account at depth 4, warm",
    "100 events of one account at depth 8, warm",
    "200 events of one account at depth 8, warm",
];

/// Gives the operator a meter with a price, as its own people would.
async fn price(c: &Counted) {
    let app = c.w.target.inside("prices").expect("in this process").app.clone();
    let operator: AccountId = app.store().operator().await.expect("an answer").expect("an operator");
    let book: PricingBook = serde_json::from_value(json!({
        "meters": [{ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" }],
        "cards": [{
            "id": RateCardId::from_uuid(app.uuid()), "meter": "sms", "currency": "USD", "effective_from": "2026-10-01T00:00:00Z",
            "model": { "type": "flat", "unit_price": "0.0001" }, "created_at": "2026-10-01T00:00:00Z",
        }],
    }))
    .expect("a book");
    let act = Act {
        event: tributary_domain::id::EventId::from_uuid(app.uuid()),
        actor: tributary_domain::id::KeyId::from_uuid(app.uuid()).into(),
        request: app.run_id(""),
        now: app.now(),
    };
    let authority = Authority { home: &operator, may: &|_, _| Ok(()) };
    let edit = |now: &mut PricingBook, _: &_| {
        *now = book.clone();
        Ok(BookEdit { answer: Value::Null, kind: RecordKind::TiersChanged, detail: Value::Null })
    };
    app.store().edit_book(&operator, None, authority, &act, None, edit).await.expect("a book is written");
}

/// A prepaid customer `depth` levels below the operator; everything above it is a reseller with credit.
async fn customer_at(c: &Counted, depth: usize) -> Vec<String> {
    let mut chain = vec![c.w.other_master(json!({})).await.id];
    for level in 2..=depth {
        let kind = if level == depth { "customer" } else { "reseller" };
        let parent = chain[chain.len() - 1].clone();
        chain.push(c.w.create(&parent, json!({ "kind": kind })).await.id());
    }
    for id in &chain {
        c.w.fund(id, "1000").await;
    }
    chain
}

async fn batch(c: &mut Counted, what: &str, accounts: &[String], events: usize) -> Counts {
    let operator = c.w.operator().clone();
    let made: Vec<Value> = (0..events)
        .map(|n| json!({ "id": c.w.unique("e"), "account_id": accounts[n % accounts.len()], "meter": "sms", "quantity": 1, "occurred_at": "2026-11-02T07:59:00Z" }))
        .collect();
    c.table.reset();
    let answer = operator.post("/reseller/usage/events", json!({ "events": made })).send().await.is(200);
    let counts = c.table.reset();
    assert_eq!(answer["accepted"], json!(events), "{what}: {}", answer.text);
    let units = counts.write_units + counts.index_write_units;
    let milli = units * 1_000_000 / u64::try_from(events).expect("few");
    let reads = format!("{}.{}", counts.read_half_units / 2, counts.read_half_units % 2 * 5);
    c.lines.push(format!(
        "{what:<58}{:>6}{reads:>9}{:>9}{:>10}{:>6}.{:05}",
        counts.calls(),
        counts.write_units,
        counts.index_write_units,
        milli / 1_000_000,
        milli % 1_000_000 / 10
    ));
    counts
}

#[tokio::test]
async fn usage_keeps_its_budget_of_write_units_an_event() {
    let mut c = Counted::new().await;
    price(&c).await;
    let mut over = Vec::new();
    for depth in [1, 2, 4, 8] {
        let account = vec![customer_at(&c, depth).await.pop().expect("a customer")];
        // The month's first batch writes the tiers of the resellers above, once.
        batch(&mut c, &format!("the month's first event at depth {depth}"), &account, 1).await;
        for events in [100, 200, 1_000] {
            let what = format!("{events} events of one account at depth {depth}, warm");
            let counts = batch(&mut c, &what, &account, events).await;
            assert_eq!((counts.transacts, counts.writes), (1, 0), "{what}: one transaction");
            if (counts.write_units + counts.index_write_units) * 1_000 > MOST_MILLI_UNITS * u64::try_from(events).expect("few") {
                over.push(what);
            }
        }
    }
    let master = c.w.other_master(json!({})).await.id;
    c.w.fund(&master, "1000").await;
    let mut accounts = Vec::new();
    for _ in 0..10 {
        accounts.push(c.w.funded_child_of(&master, "1000").await);
    }
    batch(&mut c, "the month's first events of 10 accounts at depth 2", &accounts, 10).await;
    let spread = "1000 events of 10 accounts at depth 2, warm";
    let counts = batch(&mut c, spread, &accounts, 1_000).await;
    assert!(counts.write_units + counts.index_write_units <= MOST_MILLI_UNITS, "{counts:?}");
    let head = format!(
        "{:<58}{:>6}{:>9}{:>9}{:>10}{:>12}",
        "batch, the credential's read included", "calls", "read RU", "table WU", "index WU", "WU an event"
    );
    golden("budgets/usage.txt", &format!("{head}\n{}\n", c.lines.join("\n")));
    assert_eq!(over, OVER, "more than {MOST_MILLI_UNITS} thousandths of a write unit an event");
}
