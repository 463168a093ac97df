//! What the tests of billing share.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::account::Funding;
use crate::billing::build::{Billed, Input, build};
use crate::billing::charge::Charge;
use crate::billing::cycle::{AnchorDay, Cycle, Period};
use crate::billing::invoice::{Invoice, LedgerRange, PartyShown};
use crate::billing::profile::{Collection, Fee, Terms};
use crate::billing::tax::TaxRate;
use crate::id::AccountId;
use crate::money::{Currency, Micros};
use crate::pricing::month::Month;
use crate::pricing::number::{Picos, Quantity};
use crate::pricing::state::{MeterState, UsageState};
use crate::text::Name;

/// Compares a table with the golden file of that name; `UPDATE_GOLDEN=1` writes it.
pub fn golden(name: &str, table: &str) {
    let path = format!("{}/src/billing/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, table).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("the table");
    assert_eq!(table, kept, "UPDATE_GOLDEN=1 writes {path}; review the change");
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn micros(text: &str) -> Micros {
    serde_json::from_value(text.into()).expect("money")
}

pub fn usd() -> Currency {
    "USD".parse().expect("a currency")
}

pub fn buyer() -> AccountId {
    AccountId::from_number(11)
}

pub fn seller() -> AccountId {
    AccountId::from_number(1)
}

pub fn party(name: &str) -> PartyShown {
    let name = Name::parse(name).expect("a name");
    PartyShown { name, address: None, tax_id: None, email: None, brand: None, color: None, logo: None, footer: None, po_number: None }
}

pub fn terms() -> Terms {
    Terms {
        cycle: Cycle::new(AnchorDay::FIRST, None),
        grace_hours: 0,
        draft_hours: 0,
        terms_days: 14,
        fees: Vec::new(),
        minimum: Micros::ZERO,
        taxes: Vec::new(),
        collection: Collection::Automatic,
        dunning: crate::billing::dunning::Policy::default(),
    }
}

pub fn fee(amount: &str, prorate: bool) -> Fee {
    serde_json::from_value(
        serde_json::json!({"id": format!("base{}", u8::from(prorate)), "name": "Base", "amount": amount, "prorate": prorate}),
    )
    .expect("a fee")
}

pub fn tax(percent: &str) -> TaxRate {
    serde_json::from_value(serde_json::json!({"id": "vat", "name": "VAT", "percent": percent})).expect("a rate")
}

pub fn november() -> Period {
    Cycle::new(AnchorDay::FIRST, None).period_of(at("2026-11-10T00:00:00Z"))
}

/// A state with these totals: month, meter, quantity in units, paid and cost in 10⁻¹².
pub fn state(totals: &[(&str, &str, i64, i128, i128)]) -> UsageState {
    let mut state = UsageState::default();
    for (month, key, quantity, paid, cost) in totals {
        let month: Month = month.parse().expect("a month");
        let meter = MeterState {
            quantity: Quantity::new(quantity * 1_000_000),
            paid: Picos::new(*paid),
            cost: Picos::new(*cost),
            ..MeterState::default()
        };
        state.months.entry(month).or_default().meters.insert(key.parse().expect("a key"), meter);
    }
    state
}

/// The draft of November.
pub fn drafted(funding: Funding, state: &UsageState, terms: &Terms, charges: &[Charge]) -> Option<Invoice> {
    let (billed, meters, promotions) = (Billed::default(), BTreeMap::new(), BTreeMap::new());
    let (account_id, seller_id) = (buyer(), seller());
    let input = Input {
        account_id: &account_id,
        seller_id: &seller_id,
        currency: usd(),
        funding,
        period: november(),
        whole: november(),
        part: 1,
        continues: false,
        cut: false,
        ledger: LedgerRange { from_seq: 1, to_seq: 9 },
        through: None,
        state,
        billed: &billed,
        meters: &meters,
        promotions: &promotions,
        terms,
        charges,
        seller: party("Seller"),
        buyer: party("Buyer"),
        closed_at: november().end,
    };
    build(&input).expect("in range").invoice
}

/// An invoice over 100.00 for SMS, 20.00 for calls and a fee of 30.00, with 20 % tax: 180.00; issued on 1 December, due on the 15th.
pub fn issued() -> Invoice {
    let used = state(&[
        ("2026-11", "calls", 2, 20_000_000_000_000, 12_000_000_000_000),
        ("2026-11", "sms", 10, 100_000_000_000_000, 70_000_000_000_000),
    ]);
    let terms = Terms { fees: vec![fee("30", false)], taxes: vec![tax("20")], ..terms() };
    let mut invoice = drafted(Funding::Postpaid, &used, &terms, &[]).expect("an invoice");
    invoice.finalize("INV-000001".to_owned(), november().end, 14).expect("a draft");
    invoice
}
