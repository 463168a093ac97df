//! Properties of the pure rules, on generated input. A failing case is shrunk and printed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use tributary_domain::account::{Kind, Status};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{EntryKind, Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::{Amount, Micros};
use tributary_domain::rights::{BuiltInRole, Deny, Grants, Right, RightSet};
use tributary_domain::text::Name;
use tributary_domain::transfer::{Leg, TransferRequest, plan_transfer};
use uuid::Uuid;

fn account(n: u8) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

fn ledger(n: u8) -> LedgerId {
    LedgerId::Account(account(n))
}

/// A chain of accounts 0, 1, 2 …: each the parent of the next.
fn lineage(depth: u8) -> Lineage {
    (0..depth).fold(Lineage::root(), |above, n| above.child(&account(n), 0).expect("shallow"))
}

fn head(n: u8, available: i64, credit_limit: i64, status: Status) -> Head {
    Head {
        seq: 7,
        lineage: lineage(n),
        kind: Kind::Reseller,
        status,
        available: Micros::new(available),
        credit_limit: Micros::new(credit_limit),
        ..Head::empty_system(ledger(n), "USD".parse().expect("a currency"))
    }
}

fn statuses() -> impl Strategy<Value = Status> {
    prop_oneof![6 => Just(Status::Active), 1 => Just(Status::Suspended), 1 => Just(Status::Closed)]
}

prop_compose! {
    fn heads()(balances in prop::collection::vec((-50_i64..1_000, 0_i64..100, statuses()), 5)) -> BTreeMap<LedgerId, Head> {
        (0_u8..).zip(balances).map(|(n, (available, limit, status))| (ledger(n), head(n, available.max(-limit), limit, status))).collect()
    }
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let leg = (0_u8..5, 0_u8..5, 1_i64..600).prop_map(|(from, to, micros)| Leg {
        from: ledger(from),
        to: ledger(to),
        amount: Amount::new(Micros::new(micros)).expect("positive"),
    });
    prop::collection::vec(leg, 1..12)
}

fn roles() -> impl Strategy<Value = BuiltInRole> {
    prop::sample::select(BuiltInRole::ALL.to_vec())
}

fn right_sets() -> impl Strategy<Value = RightSet> {
    prop::collection::btree_set(prop::sample::select(Right::ALL.to_vec()), 0..6)
}

fn denies() -> impl Strategy<Value = Vec<Deny>> {
    prop::collection::vec((0_u8..8, right_sets()).prop_map(|(at, rights)| Deny { account_id: account(at), rights }), 0..4)
}

fn grants(home: u8, role: BuiltInRole, denies: Vec<Deny>) -> Grants {
    Grants { home: account(home), home_is_operator: home == 0, role: role.word().to_owned(), rights: role.rights(), denies }
}

proptest! {
    #[test]
    fn every_amount_prints_and_reads_back(micros in 1_i64..=1_000_000_000_000_000_000) {
        let amount = Amount::new(Micros::new(micros)).expect("in range");
        prop_assert_eq!(amount.micros().to_string().parse::<Amount>(), Ok(amount));
    }

    #[test]
    fn no_text_is_read_as_another_amount_than_it_says(text in "[-+0-9.eE,_ ]{0,24}") {
        if let Ok(amount) = text.parse::<Amount>() {
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            let canonical = format!("{}.{decimals:0<6}", whole.trim_start_matches('0'));
            let shown = amount.micros().to_string();
            let shown = shown.strip_prefix('0').filter(|rest| rest.starts_with('.')).unwrap_or(&shown).to_owned();
            prop_assert_eq!(shown, canonical);
        }
    }

    #[test]
    fn cleaning_a_name_twice_changes_nothing_more(text in "\\PC{0,60}") {
        if let Ok(name) = Name::parse(&text) {
            prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn a_planned_transfer_moves_what_it_says_and_makes_nothing(state in heads(), legs in legs(), transfer in any::<bool>()) {
        let kind = if transfer { EntryKind::Transfer } else { EntryKind::Allocation };
        let request = TransferRequest {
            id: TransferId::from_uuid(Uuid::from_u128(9)),
            kind,
            legs: legs.clone(),
            reference: None,
            reverses: None,
            purchase: None,
            authority: account(0),
            now: Timestamp::UNIX_EPOCH,
        };
        let Ok(plan) = plan_transfer(&request, &state) else { return Ok(()) };
        prop_assert_eq!(plan.entries.iter().map(|entry| entry.amount.get()).sum::<i64>(), 0);
        prop_assert_eq!(plan.entries.len(), legs.len() * 2);
        let mut after = state.clone();
        for entry in &plan.entries {
            let before = &after[&entry.after.ledger];
            prop_assert_eq!(entry.after.seq, before.seq + 1);
            prop_assert_eq!(entry.after.available.get(), before.available.get() + entry.amount.get());
            prop_assert!(!entry.amount.is_negative() || entry.after.available.get() >= -entry.after.credit_limit.get());
            prop_assert!(!entry.amount.is_negative() || before.status == Status::Active);
            prop_assert!(before.status != Status::Closed);
            after.insert(entry.after.ledger.clone(), entry.after.clone());
        }
        for (id, head) in &state {
            let moved: i64 = legs.iter().map(|leg| if &leg.to == id { leg.amount.micros().get() } else { 0 } - if &leg.from == id { leg.amount.micros().get() } else { 0 }).sum();
            prop_assert_eq!(after[id].available.get(), head.available.get() + moved);
        }
    }

    #[test]
    fn a_deny_never_gives_and_only_takes_at_its_account_and_below(home in 0_u8..4, at in 0_u8..8, role in roles(), denies in denies(), target in 0_u8..8, more in right_sets()) {
        let without = grants(home, role, denies.clone());
        let mut with = without.clone();
        with.denies.push(Deny { account_id: account(at), rights: more.clone() });
        let (before, after) = (without.rights_at(&account(target), &lineage(target)), with.rights_at(&account(target), &lineage(target)));
        prop_assert!(after.is_subset(&before));
        let taken: RightSet = before.difference(&after).copied().collect();
        prop_assert!(taken.is_subset(&more));
        prop_assert!(taken.is_empty() || target >= at);
    }

    #[test]
    fn rights_never_grow_down_the_tree(home in 0_u8..4, role in roles(), denies in denies(), target in 1_u8..8) {
        let held = grants(home, role, denies);
        let (here, below) = (held.rights_at(&account(target - 1), &lineage(target - 1)), held.rights_at(&account(target), &lineage(target)));
        prop_assert!(target - 1 < home || below.is_subset(&here));
    }

    #[test]
    fn what_may_be_granted_is_never_more_than_is_held(home in 0_u8..4, role in roles(), denies in denies(), target in 1_u8..8, wanted in right_sets(), reached in 1_u8..8) {
        let grantor = grants(home, role, denies.clone());
        let reached = reached.max(target);
        let may = grantor.lacking(&wanted, &account(target), &lineage(target)).is_empty() && grantor.not_denied_too(&wanted, &denies).is_empty();
        if may {
            let granted = Grants { home: account(target), home_is_operator: false, role: "custom".to_owned(), rights: wanted, denies };
            let theirs = granted.rights_at(&account(reached), &lineage(reached));
            prop_assert!(theirs.is_subset(&grantor.rights_at(&account(reached), &lineage(reached))));
        }
    }
}
