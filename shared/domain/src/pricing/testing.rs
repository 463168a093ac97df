//! A small tree for the tests: operator ← master ← reseller ← customer, one meter `sms` of the operator, in November 2026.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::account::Kind;
use crate::id::{AccountId, MarkupId, PromotionId, RateCardId};
use crate::money::{Currency, Micros};
use crate::pricing::book::PricingBook;
use crate::pricing::card::RateCard;
use crate::pricing::chain::{Chain, ChainAccount};
use crate::pricing::markup::{Markup, MarkupRule};
use crate::pricing::meter::{Aggregation, Meter, MeterKey};
use crate::pricing::model::Model;
use crate::pricing::month::Month;
use crate::pricing::number::{Percent, Picos, Quantity, UnitPrice};
use crate::pricing::promotion::{FundedBy, Promotion, PromotionRule};
use crate::pricing::rate::EventToRate;
use crate::text::Name;

pub const CUSTOMER: usize = 0;
pub const RESELLER: usize = 1;
pub const MASTER: usize = 2;
pub const OPERATOR: usize = 3;

pub fn id(n: usize) -> AccountId {
    AccountId::from_uuid(uuid(n))
}

fn uuid(n: usize) -> Uuid {
    Uuid::from_u128(u128::try_from(n).expect("small") + 1)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// When everything of the tests was made.
pub fn made() -> Timestamp {
    at("2026-11-01T00:00:00Z")
}

/// When the tests' events happen.
pub fn noon() -> Timestamp {
    at("2026-11-20T12:00:00Z")
}

pub fn month() -> Month {
    Month::of(noon())
}

pub fn key() -> MeterKey {
    "sms".parse().expect("a key")
}

pub fn usd() -> Currency {
    "USD".parse().expect("a currency")
}

pub fn quantity(text: &str) -> Quantity {
    text.parse().expect("a quantity")
}

pub fn picos(text: &str) -> Picos {
    text.parse().expect("money")
}

pub fn micros(text: &str) -> Micros {
    serde_json::from_value(text.into()).expect("money")
}

pub fn percent(text: &str) -> Percent {
    text.parse().expect("a percentage")
}

pub fn unit_price(text: &str) -> UnitPrice {
    text.parse().expect("a price")
}

pub fn model(json: &str) -> Model {
    let model: Model = serde_json::from_str(json).expect("a model");
    model.validate().expect("a sound model");
    model
}

pub fn flat(price: &str) -> Model {
    Model::Flat { unit_price: unit_price(price) }
}

pub fn card(price: &str) -> RateCard {
    card_of(1, flat(price))
}

pub fn card_of(n: usize, model: Model) -> RateCard {
    RateCard {
        id: RateCardId::from_uuid(uuid(n)),
        meter: key(),
        currency: usd(),
        account_id: None,
        effective_from: made(),
        model,
        allow_loss: false,
        created_at: made(),
        created_by: None,
    }
}

pub fn markup(n: usize, rule: MarkupRule) -> Markup {
    Markup {
        id: MarkupId::from_uuid(uuid(n)),
        account_id: None,
        meter: None,
        currency: Some(usd()),
        effective_from: made(),
        rule,
        inherit: false,
        allow_loss: false,
        created_at: made(),
        created_by: None,
    }
}

pub fn promotion(n: usize, rule: PromotionRule) -> Promotion {
    Promotion {
        id: PromotionId::from_uuid(uuid(n)),
        name: Name::parse("Autumn").expect("a name"),
        starts_at: made(),
        ends_at: at("2026-12-01T00:00:00Z"),
        ended_at: None,
        meters: Vec::new(),
        account_id: None,
        rule,
        currency: Some(usd()),
        cap: None,
        code: None,
        funded_by: FundedBy::Seller,
        allow_loss: false,
        created_at: made(),
        created_by: None,
    }
}

pub fn meter(aggregation: Aggregation) -> Meter {
    let unique = aggregation == Aggregation::Unique;
    Meter {
        key: key(),
        name: Name::parse("Messages").expect("a name"),
        unit: Name::parse("message").expect("a unit"),
        aggregation,
        dimensions: if unique { vec!["number".parse().expect("a slug")] } else { Vec::new() },
        unique_by: unique.then(|| "number".parse().expect("a slug")),
        counts_to_tier: true,
    }
}

pub fn event(of: &str) -> EventToRate {
    EventToRate { meter: key(), quantity: quantity(of), first_of_value: false, occurred_at: noon() }
}

/// The accounts with their books, to be changed before a chain is made of them.
#[derive(Debug, Clone)]
pub struct Tree {
    pub kinds: Vec<Kind>,
    pub books: BTreeMap<usize, PricingBook>,
}

impl Tree {
    pub fn new() -> Self {
        let mut tree = Self { kinds: vec![Kind::Customer, Kind::Reseller, Kind::Reseller, Kind::Operator], books: BTreeMap::new() };
        tree.book(OPERATOR).meters.push(meter(Aggregation::Sum));
        // No discounts unless a test wants them.
        tree.book(OPERATOR).tiers = Some(Default::default());
        tree
    }

    pub fn book(&mut self, of: usize) -> &mut PricingBook {
        self.books.entry(of).or_default()
    }

    pub fn chain(&self) -> Chain {
        self.chain_from(CUSTOMER)
    }

    pub fn chain_from(&self, first: usize) -> Chain {
        let account = |(n, kind): (usize, &Kind)| ChainAccount {
            id: id(n),
            kind: *kind,
            book: Arc::new(self.books.get(&n).cloned().unwrap_or_default()),
        };
        Chain::new(self.kinds.iter().enumerate().skip(first).map(account).collect(), usd()).expect("a chain")
    }
}
