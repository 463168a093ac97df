//! What holds for all prices, whatever they are. A failure prints the input it was shrunk to.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::account::Funding;
use crate::account::Kind;
use crate::id::AccountId;
use crate::money::Micros;
use crate::pricing::markup::{Markup, MarkupRule};
use crate::pricing::meter::Aggregation;
use crate::pricing::model::{Band, Model};
use crate::pricing::number::{Percent, Picos, Quantity, UnitPrice, to_micros};
use crate::pricing::postings::{Party, postings};
use crate::pricing::promotion::{FundedBy, Promotion, PromotionRule};
use crate::pricing::rate::{EventToRate, RatedEvent, RatedLevel, rate_event, unrate_event};
use crate::pricing::state::UsageState;
use crate::pricing::testing::*;
use crate::pricing::tier::TierTable;

type States = BTreeMap<AccountId, UsageState>;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn price() -> impl Strategy<Value = UnitPrice> {
    prop_oneof![0..2_000_000_000_000_i64, 0..1000_i64, Just(1_000_000_000_000_000_000)].prop_map(UnitPrice::new)
}

fn used() -> impl Strategy<Value = Quantity> {
    prop_oneof![(0..3000_i64).prop_map(|units| units * 1_000_000), 0..3_000_000_000_i64].prop_map(Quantity::new)
}

/// Up to five bands of whole units, the last open.
fn bands() -> impl Strategy<Value = Vec<Band>> {
    let band = (1..800_i64, price(), prop_oneof![Just(0), 0..5_000_000_i64]);
    proptest::collection::vec(band, 1..5).prop_map(|parts| {
        let last = parts.len() - 1;
        let mut from = Quantity::ZERO;
        let mut bands = Vec::new();
        for (at, (units, unit_price, fee)) in parts.into_iter().enumerate() {
            let end = Quantity::new(from.get() + units * 1_000_000);
            bands.push(Band { from, to: (at < last).then_some(end), unit_price, flat_fee: Micros::new(fee) });
            from = end;
        }
        bands
    })
}

fn simple() -> impl Strategy<Value = Model> {
    prop_oneof![
        price().prop_map(|unit_price| Model::Flat { unit_price }),
        bands().prop_map(|bands| Model::Graduated { bands }),
        bands().prop_map(|bands| Model::Volume { bands }),
        (1..500_000_000_i64, 0..9_000_000_i64)
            .prop_map(|(size, price)| Model::Package { size: Quantity::new(size), price: Micros::new(price) }),
    ]
}

fn any_model() -> impl Strategy<Value = Model> {
    let minimum =
        (0..9_000_000_i64, simple()).prop_map(|(minimum, model)| Model::Minimum { minimum: Micros::new(minimum), model: Box::new(model) });
    prop_oneof![4 => simple(), 1 => minimum]
}

fn markup_rule() -> impl Strategy<Value = MarkupRule> {
    prop_oneof![
        (-1_000_000..3_000_000_i64).prop_map(|parts| MarkupRule::Percent(Percent::from_parts(parts))),
        (-20_000_000_000..200_000_000_000_i64).prop_map(|picos| MarkupRule::Fixed(UnitPrice::new(picos))),
        Just(MarkupRule::End),
    ]
}

fn a_promotion() -> impl Strategy<Value = Promotion> {
    let rule = prop_oneof![
        (1..=1_000_000_i64).prop_map(|parts| PromotionRule::Percent(Percent::from_parts(parts))),
        (1..100_000_000_000_i64).prop_map(|picos| PromotionRule::Fixed(UnitPrice::new(picos))),
    ];
    let funded_by = prop_oneof![Just(FundedBy::Owner), Just(FundedBy::Seller)];
    let cap = proptest::option::of(1..50_000_000_i64);
    (rule, funded_by, cap, any::<bool>()).prop_map(|(rule, funded_by, cap, allow_loss)| Promotion {
        funded_by,
        cap: cap.map(Micros::new),
        allow_loss,
        ..promotion(1, rule)
    })
}

/// A tree with any cards, markups, tiers and promotions.
fn any_tree() -> impl Strategy<Value = Tree> {
    let level = || (proptest::option::of(any_model()), proptest::option::of(markup_rule()), proptest::option::of(a_promotion()));
    (any_model(), level(), level(), proptest::option::of(a_promotion()), any::<[bool; 4]>()).prop_map(
        |(top, master, reseller, operators, [tiers, loss, own, inherit])| {
            let mut tree = Tree::new();
            if own {
                tree.book(MASTER).meters = std::mem::take(&mut tree.book(OPERATOR).meters);
                tree.book(MASTER).cards.push(card_of(1, top));
            } else {
                tree.book(OPERATOR).cards.push(card_of(1, top));
            }
            if tiers {
                tree.book(OPERATOR).tiers = None;
                tree.book(MASTER).tiers = Some(TierTable::default_table().clone());
            }
            tree.book(OPERATOR).promotions.extend(operators);
            for (n, of, (card, rule, promotion)) in [(2, MASTER, master), (3, RESELLER, reseller)] {
                let book = tree.book(of);
                let model = card.filter(|_| !own || of != MASTER);
                book.cards.extend(model.map(|model| crate::pricing::card::RateCard { allow_loss: loss, ..card_of(n, model) }));
                book.markups.extend(rule.map(|rule| Markup { allow_loss: loss, inherit, ..markup(n, rule) }));
                book.promotions
                    .extend(promotion.map(|promotion| Promotion { id: super::testing::promotion(n, promotion.rule).id, ..promotion }));
            }
            tree
        },
    )
}

fn run(tree: &Tree, states: &mut States, events: &[(usize, Quantity)]) -> Vec<RatedEvent> {
    let chains: Vec<_> = (CUSTOMER..=MASTER).map(|first| tree.chain_from(first)).collect();
    let rate =
        |(from, quantity): &(usize, Quantity)| rate_event(&chains[*from], states, &EventToRate { quantity: *quantity, ..event("0") }).ok();
    events.iter().filter_map(rate).collect()
}

fn events() -> impl Strategy<Value = Vec<(usize, Quantity)>> {
    proptest::collection::vec((CUSTOMER..=MASTER, used()), 1..12)
}

/// Empty states are as good as none.
fn without_empty(mut states: States) -> States {
    states.retain(|_, state| *state != UsageState::default());
    states
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn more_never_costs_less_in_flat_and_graduated_models(unit_price in price(), bands in bands(), a in used(), b in used()) {
        let (low, high) = (a.min(b), a.max(b));
        for model in [Model::Flat { unit_price }, Model::Graduated { bands }] {
            prop_assert!(model.validate().is_ok());
            prop_assert!(model.total(low)? <= model.total(high)?);
        }
    }

    #[test]
    fn graduated_is_the_sum_of_its_units_one_by_one(bands in bands(), units in 0..2500_i64) {
        let mut naive = 0_i128;
        for unit in 0..units {
            let band = bands.iter().find(|band| band.to.is_none_or(|to| (unit + 1) * 1_000_000 <= to.get())).expect("the last is open");
            let fee = if unit * 1_000_000 == band.from.get() { i128::from(band.flat_fee.get()) * 1_000_000 } else { 0 };
            naive += i128::from(band.unit_price.get()) + fee;
        }
        prop_assert_eq!(Model::Graduated { bands }.total(Quantity::new(units * 1_000_000))?, Picos::new(naive));
    }

    #[test]
    fn charges_add_up_to_the_total_however_it_is_cut(model in any_model(), parts in proptest::collection::vec(used(), 0..20)) {
        let (mut sum, mut position) = (Picos::ZERO, Quantity::ZERO);
        for part in parts {
            sum = sum.plus(model.charge(position, part)?)?;
            position = position.plus(part)?;
        }
        prop_assert_eq!(sum, model.total(position)?);
    }

    #[test]
    fn a_model_reads_back_as_it_was(model in any_model()) {
        prop_assert!(model.validate().is_ok());
        let text = serde_json::to_string(&model).expect("writes");
        prop_assert_eq!(serde_json::from_str::<Model>(&text).expect("reads"), model);
    }

    #[test]
    fn extreme_numbers_are_refused_and_nothing_panics(
        model in any_model(),
        raw in any::<[i64; 6]>(),
        wide in any::<i128>(),
    ) {
        let [a, b, c, d, e, f] = raw.map(Quantity::new);
        let _ = (model.total(a), model.charge(b, c), model.charge(Quantity::new(i64::MAX), d), model.charge(e, f));
        let wild = Model::Graduated {
            bands: vec![
                Band { from: a, to: Some(b), unit_price: UnitPrice::new(raw[2]), flat_fee: Micros::new(raw[3]) },
                Band { from: c, to: None, unit_price: UnitPrice::new(raw[4]), flat_fee: Micros::new(raw[5]) },
            ],
        };
        let _ = (wild.validate(), wild.total(d), wild.charge(e, f), wild.corners());
        let wide = Picos::new(wide);
        let _ = (to_micros(wide), wide.share(Percent::from_parts(raw[0])), wide.negated(), wide.plus(wide), wide.to_string());
        let _ = TierTable::default_table().next(a, b, wide);
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn a_flat_months_amounts_are_its_rounded_total_in_any_order(unit_price in price(), parts in proptest::collection::vec(used(), 1..12)) {
        let mut tree = Tree::new();
        tree.book(OPERATOR).cards.push(card_of(1, Model::Flat { unit_price }));
        let sum = |parts: &[Quantity]| -> i64 {
            let events: Vec<_> = parts.iter().map(|part| (CUSTOMER, *part)).collect();
            run(&tree, &mut States::new(), &events).iter().map(|rated| rated.levels[0].amount.get()).sum()
        };
        // Each product is rounded to 10⁻¹², so the total is that of the parts and not of the whole.
        let exact: i128 = parts.iter().map(|part| Model::Flat { unit_price }.total(*part).expect("fits").get()).sum();
        let turned: Vec<_> = parts.iter().rev().copied().collect();
        prop_assert_eq!(sum(&parts), to_micros(Picos::new(exact))?.get());
        prop_assert_eq!(sum(&parts), sum(&turned));
    }

    #[test]
    fn what_a_batch_moves_sums_to_zero_and_is_in_the_states(tree in any_tree(), events in events(), prepaid in any::<[bool; 3]>()) {
        let mut states = States::new();
        let rated = run(&tree, &mut states, &events);
        let funding = |account: &AccountId| {
            let at = (CUSTOMER..=MASTER).find(|n| id(*n) == *account).expect("an account of the tree");
            if prepaid[at] { Funding::Prepaid } else { Funding::Postpaid }
        };
        let net = postings(&rated, |level| funding(&level.payer))?;
        prop_assert_eq!(net.values().map(|amount| i128::from(amount.get())).sum::<i128>(), 0);
        let levels: Vec<_> = rated.iter().flat_map(|event| &event.levels).collect();
        for account in [CUSTOMER, RESELLER, MASTER] {
            let own = i64::from(prepaid[account]);
            let paid: i64 = levels.iter().filter(|level| level.payer == id(account)).map(|level| level.amount.get()).sum();
            let prepaid = |level: &&&RatedLevel| level.seller == id(account) && funding(&level.payer) == Funding::Prepaid;
            let got: i64 = levels.iter().filter(prepaid).map(|level| level.amount.get()).sum();
            prop_assert_eq!(net.get(&Party::Account(id(account))).copied().unwrap_or_default().get(), got - own * paid);
            let state = states.get(&id(account)).map(|state| state.meter(month(), &key())).unwrap_or_default();
            prop_assert_eq!(to_micros(state.paid)?.get(), paid, "a month's amounts are its exact total, rounded once");
        }
    }

    #[test]
    fn each_level_pays_what_the_one_below_says_it_costs_and_keeps_the_totals(tree in any_tree(), events in events()) {
        let mut states = States::new();
        for rated in run(&tree, &mut states, &events) {
            for (level, above) in rated.levels.iter().zip(rated.levels.iter().skip(1)) {
                prop_assert_eq!(level.cost, Some(above.price));
                prop_assert_eq!(&level.seller, &above.payer);
            }
            let top = rated.levels.last();
            prop_assert!(top.is_none_or(|top| top.cost.is_none() && top.seller == rated.owner));
            prop_assert!(rated.owner_kind == Kind::Operator || rated.owner == id(MASTER));
        }
    }

    #[test]
    fn rating_and_taking_back_leaves_the_state_as_it_was(tree in any_tree(), before in events(), events in events()) {
        let mut states = States::new();
        run(&tree, &mut states, &before);
        let start = without_empty(states.clone());
        let rated = run(&tree, &mut states, &events);
        let mut moved = Vec::new();
        // In the order they came, which is not the order in which they would undo each other.
        for event in &rated {
            moved.push(event.clone());
            moved.push(unrate_event(&mut states, event, Aggregation::Sum, |_| false)?);
        }
        prop_assert_eq!(without_empty(states), start);
        let net = postings(&moved, |_| Funding::Prepaid)?;
        prop_assert!(net.values().all(|amount| amount.is_zero()), "{:?}", net);
    }

    #[test]
    fn a_refused_event_changes_nothing(tree in any_tree(), events in events()) {
        let mut states = States::new();
        for (from, quantity) in events {
            let before = states.clone();
            let chain = tree.chain_from(from);
            if rate_event(&chain, &mut states, &EventToRate { quantity, ..event("0") }).is_err() {
                prop_assert_eq!(&states, &before);
            }
        }
    }

    #[test]
    fn states_at_the_ends_of_their_range_refuse_and_do_not_panic(
        tree in any_tree(),
        raw in any::<[i64; 3]>(),
        wide in any::<[i128; 2]>(),
        quantity in used(),
    ) {
        let [held, earned, volume] = raw;
        let meter = crate::pricing::state::MeterState {
            quantity: Quantity::new(held),
            paid: Picos::new(wide[0]),
            cost: Picos::new(wide[1]),
            earned: Micros::new(earned),
            max: Quantity::ZERO,
        };
        let month_state = crate::pricing::state::MonthState {
            volume: Quantity::new(volume),
            meters: BTreeMap::from([(key(), meter)]),
            promos: BTreeMap::new(),
        };
        let state = UsageState { months: BTreeMap::from([(month(), month_state)]), ..UsageState::default() };
        let mut states: States = [CUSTOMER, RESELLER, MASTER].into_iter().map(|n| (id(n), state.clone())).collect();
        prop_assert_eq!(UsageState::decode(&state.encode()), Ok(state));
        if let Ok(rated) = rate_event(&tree.chain(), &mut states, &EventToRate { quantity, ..event("0") }) {
            let _ = unrate_event(&mut states, &rated, Aggregation::Sum, |_| false);
        }
    }
}
