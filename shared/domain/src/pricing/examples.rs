//! The worked examples of `docs/pricing.md`, run: each block fenced as `json example`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::account::Kind;
use crate::money::Micros;
use crate::pricing::chain::Chain;
use crate::pricing::markup::{Markup, MarkupRule};
use crate::pricing::meter::Aggregation;
use crate::pricing::model::Model;
use crate::pricing::month::Month;
use crate::pricing::number::{Picos, Quantity};
use crate::pricing::promotion::{FundedBy, Promotion, PromotionRule};
use crate::pricing::rate::{EventToRate, RateError, RatedEvent, rate_event};
use crate::pricing::state::UsageState;
use crate::pricing::testing::*;
use crate::pricing::tier::TierTable;

const PAGE: &str = include_str!("../../../../docs/pricing.md");

#[derive(Deserialize)]
#[serde(tag = "example", rename_all = "snake_case", deny_unknown_fields)]
enum Example {
    Model {
        model: Model,
        totals: BTreeMap<String, Picos>,
        #[serde(default)]
        charges: Vec<Charge>,
    },
    Tiers {
        standings: Vec<Standing>,
        next: Vec<Next>,
    },
    Chain {
        /// From the top down.
        accounts: Vec<Account>,
        events: Vec<Event>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Charge {
    before: Quantity,
    quantity: Quantity,
    costs: Picos,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    now: Quantity,
    previous: Quantity,
    tier: String,
    discount: String,
    grace: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    now: Quantity,
    previous: Quantity,
    spend: Picos,
    tier: String,
    missing: Quantity,
    would_save: Picos,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    kind: Kind,
    card: Option<Model>,
    markup: Option<MarkupRule>,
    promotion: Option<Offer>,
    tiers: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    rule: PromotionRule,
    funded_by: FundedBy,
    cap: Option<Micros>,
    starts_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    quantity: Quantity,
    at: Option<Timestamp>,
    period: Option<Month>,
    #[serde(default)]
    prices: BTreeMap<String, Picos>,
    #[serde(default)]
    amounts: BTreeMap<String, Micros>,
    #[serde(default)]
    rules: BTreeMap<String, String>,
    refused: Option<String>,
}

fn blocks() -> Vec<&'static str> {
    let rest = PAGE.split("```json example\n").skip(1);
    rest.map(|block| block.split("\n```").next().expect("a closed block")).collect()
}

/// The chain of `accounts`, which stand from the top down; cards begin early enough for every example.
fn chain(accounts: &[Account]) -> Chain {
    let mut tree = Tree { kinds: accounts.iter().rev().map(|account| account.kind).collect(), books: BTreeMap::new() };
    for (at, account) in accounts.iter().rev().enumerate() {
        let book = tree.book(at);
        let early = super::testing::at("2026-10-01T00:00:00Z");
        book.cards.extend(account.card.iter().map(|model| {
            model.validate().expect("a sound model");
            super::card::RateCard { effective_from: early, ..card_of(at, model.clone()) }
        }));
        book.markups.extend(account.markup.map(|rule| Markup { effective_from: early, ..markup(at, rule) }));
        book.promotions.extend(account.promotion.as_ref().map(|offer| Promotion {
            funded_by: offer.funded_by,
            cap: offer.cap,
            starts_at: offer.starts_at.unwrap_or_else(made),
            ..promotion(at, offer.rule)
        }));
        if account.kind == Kind::Operator {
            book.meters.push(meter(Aggregation::Sum));
            book.tiers = match account.tiers.as_deref() {
                None => Some(TierTable::default()),
                Some("default") => None,
                Some(other) => panic!("tiers {other}"),
            };
        }
    }
    tree.chain()
}

fn check_event(event: &Event, rated: Result<RatedEvent, RateError>, names: &[&str]) {
    if let Some(refused) = &event.refused {
        assert_eq!(refused, "under_cost");
        assert!(matches!(rated, Err(RateError::UnderCost { .. })), "{rated:?}");
        return;
    }
    let rated = rated.expect("a price");
    let level = |name: &String| &rated.levels[names.iter().position(|other| other == name).expect("an account of the example")];
    for (name, price) in &event.prices {
        assert_eq!(level(name).price, *price, "price of {name}");
    }
    for (name, amount) in &event.amounts {
        assert_eq!(level(name).amount, *amount, "amount of {name}");
    }
    for (name, rule) in &event.rules {
        assert_eq!(level(name).rule.kind.word(), rule, "rule of {name}");
    }
    if let Some(period) = event.period {
        assert_eq!(rated.period, period);
    }
}

#[test]
fn the_page_says_what_is_charged() {
    let (mut models, mut tiers, mut chains) = (0, 0, 0);
    for block in blocks() {
        match serde_json::from_str(block).unwrap_or_else(|error| panic!("{error} in\n{block}")) {
            Example::Model { model, totals, charges } => {
                models += 1;
                model.validate().expect("a sound model");
                for (of, costs) in totals {
                    assert_eq!(model.total(quantity(&of)), Ok(costs), "{} of {of}", model.word());
                }
                for charge in charges {
                    assert_eq!(model.charge(charge.before, charge.quantity), Ok(charge.costs), "{}", model.word());
                }
            }
            Example::Tiers { standings, next } => {
                tiers += 1;
                let table = TierTable::default_table();
                for want in standings {
                    let found = table.tier_of(want.now, want.previous);
                    assert_eq!((found.name(), found.discount().to_string(), found.grace), (&*want.tier, want.discount, want.grace));
                }
                for want in next {
                    let found = table.next(want.now, want.previous, want.spend).expect("fits").expect("there is one");
                    assert_eq!((found.name.as_str(), found.missing, found.would_save), (&*want.tier, want.missing, want.would_save));
                }
            }
            Example::Chain { accounts, events } => {
                chains += 1;
                let chain = chain(&accounts);
                let names: Vec<_> = accounts.iter().rev().map(|account| account.name.as_str()).collect();
                let mut states: BTreeMap<_, UsageState> = BTreeMap::new();
                for want in events {
                    let event = EventToRate { quantity: want.quantity, occurred_at: want.at.unwrap_or_else(noon), ..event("0") };
                    let rated = rate_event(&chain, &mut states, &event);
                    check_event(&want, rated, &names);
                }
            }
        }
    }
    assert_eq!((models, tiers, chains), (5, 1, 7), "every model, the tiers and the chains of the page were found");
}
