//! What each request should be answered, from where its accounts stand: a model of its own, which shares no code with the
//! platform.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Row, Step};
use super::scene::Seat;

/// What is put in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aim {
    /// What belongs to this seat.
    Seat(Seat),
    /// What crosses the border of the own subtree.
    Crossing,
    /// A well-formed id of nothing.
    Absent,
    /// No id at all.
    Malformed,
}

/// What is put in each place that is given something.
pub type Filled = BTreeMap<&'static str, Aim>;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Who {
    /// For messages and the head of the table.
    pub name: &'static str,
    /// Where the key's role is held.
    pub home: Seat,
    /// What the role carries.
    pub rights: BTreeSet<&'static str>,
    /// Where the right that decides is denied to the key.
    pub deny: Option<(Seat, &'static str)>,
}

/// A refusal; `None` is an answer of 2xx.
pub type Verdict = Option<(u16, &'static str)>;

const NOT_FOUND: (u16, &str) = (404, "not_found");
const FORBIDDEN: (u16, &str) = (403, "forbidden");
const SUSPENDED: (u16, &str) = (422, "account_suspended");

/// Every right, and who of owner, admin, billing, support and viewer holds it.
pub const RIGHTS: &[(&str, &str)] = &[
    ("accounts.read", "oabsv"),
    ("accounts.create", "oa"),
    ("accounts.update", "oas"),
    ("accounts.suspend", "oa"),
    ("accounts.close", "o"),
    ("accounts.move", "oa"),
    ("credits.read", "oabsv"),
    ("credits.allocate", "oab"),
    ("credits.transfer", "oab"),
    ("credits.reverse", "oab"),
    ("credits.hold", "oab"),
    ("bulk.read", "oabsv"),
    ("bulk.manage", "oab"),
    ("credits.limit", "o"),
    ("credits.issue", "ob"),
    ("credits.purchase", "oab"),
    ("pricing.read", "oabsv"),
    ("pricing.manage", "oa"),
    ("billing.read", "oabsv"),
    ("billing.manage", "oab"),
    ("disputes.manage", "oabs"),
    ("usage.read", "oabsv"),
    ("usage.write", "oab"),
    ("usage.adjust", "oab"),
    ("webhooks.read", "oasv"),
    ("webhooks.manage", "oa"),
    ("alerts.read", "oabsv"),
    ("alerts.manage", "oab"),
    ("insights.read", "oabsv"),
    ("insights.manage", "oab"),
    ("keys.read", "oasv"),
    ("keys.manage", "oa"),
    ("members.read", "oasv"),
    ("members.manage", "oa"),
    ("roles.read", "oasv"),
    ("roles.manage", "oa"),
];

/// The rights that count only for keys of the operator's own account.
const OPERATORS: &[&str] = &["credits.limit", "credits.issue"];

impl Who {
    fn over(&self, seat: Seat, right: &str) -> Verdict {
        let denied = self.deny.is_some_and(|(at, denied)| denied == right && seat.within(at));
        let counts = !OPERATORS.contains(&right) || self.home == Seat::Operator;
        match seat.within(self.home) {
            false => Some(NOT_FOUND),
            true if self.rights.contains(right) && counts && !denied => None,
            true => Some(FORBIDDEN),
        }
    }

    /// What only an account above may do.
    fn over_and_above(&self, seat: Seat, right: &str) -> Verdict {
        self.over(seat, right).or_else(|| match seat.above() {
            Some(above) if seat != self.home => self.over(above, right),
            Some(_) | None => Some(FORBIDDEN),
        })
    }
}

/// The answer to a request whose places are filled so, where `suspended` and all below it is suspended.
pub fn verdict(row: &Row, filled: &Filled, who: &Who, suspended: Option<Seat>) -> Verdict {
    if filled.iter().any(|(place, aim)| *aim == Aim::Malformed && !place.starts_with('{')) {
        return Some((400, "validation_failed"));
    }
    let refused = row.steps.iter().find_map(|step| refusal(row, *step, filled, who));
    refused.or_else(|| in_the_way(row, filled, suspended))
}

/// The accounts that what is in a place is about; none if it does not exist.
fn accounts(row: &Row, aim: Aim) -> Vec<Seat> {
    match (aim, row.operation) {
        (Aim::Seat(seat), _) => vec![seat],
        (Aim::Crossing, "get_transfer" | "reverse_transfer") => vec![Seat::Parent, Seat::Child, Seat::Sibling, Seat::Leaf],
        (Aim::Crossing, "capture_hold") => vec![Seat::Child, Seat::Parent],
        (Aim::Crossing, _) => vec![Seat::Child],
        (Aim::Absent | Aim::Malformed, _) => vec![],
    }
}

fn seat_in(filled: &Filled, place: &str) -> Option<Seat> {
    match filled.get(place) {
        Some(Aim::Seat(seat)) => Some(*seat),
        Some(Aim::Crossing | Aim::Absent | Aim::Malformed) | None => None,
    }
}

fn refusal(row: &Row, step: Step, filled: &Filled, who: &Who) -> Verdict {
    let seat = |place: &str| seat_in(filled, place);
    // The first of these refusals, absent before lacking.
    let worst = |places: &[&'static str], right: &str| {
        let aims = places.iter().filter_map(|place| filled.get(place));
        let each = aims.flat_map(|aim| {
            let accounts = accounts(row, *aim);
            let none = accounts.is_empty().then_some(Some(NOT_FOUND));
            accounts.into_iter().map(|seat| who.over(seat, right)).chain(none).collect::<Vec<_>>()
        });
        each.flatten().max()
    };
    let unless = |fine: bool| (!fine).then_some(NOT_FOUND);
    match step {
        Step::Differ(one, other) => (seat(one).is_some() && seat(one) == seat(other)).then_some((422, "same_account")),
        Step::Cursor(place) => filled.get(place).and_then(|aim| (*aim != Aim::Seat(who.home)).then_some((400, "invalid_cursor"))),
        Step::Home(right) => who.over(who.home, right),
        Step::Own(place) => (seat(place) != Some(who.home)).then_some(FORBIDDEN),
        Step::Absent => Some(NOT_FOUND),
        Step::Conflict => Some((409, "conflict")),
        Step::Operators(right) => {
            if who.home == Seat::Operator {
                who.over(who.home, right)
            } else {
                Some(FORBIDDEN)
            }
        }
        Step::AskedBy(place) => unless(seat(place) == Some(who.home)),
        Step::Over(place, right) => worst(&[place], right),
        Step::NotHidden(place, rights) => {
            let hides = |seat: Seat| who.deny.is_some_and(|(at, denied)| rights.contains(&denied) && seat.within(at));
            seat(place).is_some_and(hides).then_some(FORBIDDEN)
        }
        Step::OverAll(places, right) => worst(places, right),
        Step::FromAbove(place, right) => seat(place).map_or(Some(NOT_FOUND), |seat| who.over_and_above(seat, right)),
        Step::OverAny(place, right) => {
            let each: Vec<Verdict> =
                filled.get(place).map(|aim| accounts(row, *aim)).into_iter().flatten().map(|s| who.over(s, right)).collect();
            if each.contains(&None) { None } else { Some(each.into_iter().flatten().min().unwrap_or(NOT_FOUND)) }
        }
        Step::Of(thing, account) => unless(seat(thing).is_some() && seat(thing) == seat(account)),
        Step::OfOrAbove(thing, account) => match (seat(thing), seat(account)) {
            (Some(thing), Some(account)) => unless(account.within(thing) && thing.within(who.home)),
            _ => Some(NOT_FOUND),
        },
        Step::Below(place, account) => match (seat(place), seat(account)) {
            (Some(place), Some(account)) => unless(place.within(account)),
            _ => Some(NOT_FOUND),
        },
        Step::SoldTo(package, account) => match (seat(package), seat(account)) {
            (_, Some(Seat::Operator)) => Some((409, "conflict")),
            (Some(package), Some(account)) => unless(account.above() == Some(package)),
            _ => Some(NOT_FOUND),
        },
        Step::Buys(account, seller) => match (seat(account), seat(seller)) {
            (Some(account), Some(seller)) if account.above() != Some(seller) => Some((422, "not_a_buyer")),
            _ => None,
        },
        Step::Under(account, seller) => match (seat(account), seat(seller)) {
            (Some(account), Some(seller)) if account == seller || !account.within(seller) => Some((422, "not_a_buyer")),
            _ => None,
        },
        Step::Billed(place) => (seat(place) == Some(Seat::Operator)).then_some((422, "not_a_buyer")),
        Step::Nothing(place) => unless(!filled.contains_key(place)),
        Step::Grants(rights) => (!rights.iter().all(|right| who.rights.contains(right))).then_some((403, "grant_exceeds_own")),
    }
}

/// What refuses a request that its caller may make.
fn in_the_way(row: &Row, filled: &Filled, suspended: Option<Seat>) -> Verdict {
    let seat = |place: &str| seat_in(filled, place);
    let same = |one: &str, other: &str| (seat(one) == seat(other)).then_some((422, "same_account"));
    let spends = |place: &str| {
        let stopped = |seat: Seat| suspended.is_some_and(|at| seat.within(at));
        seat(place).is_some_and(stopped).then_some(SUSPENDED)
    };
    let buys = |place: &str| (seat(place) == Some(Seat::Operator)).then_some((422, "not_a_buyer"));
    match row.operation {
        "create_account" => spends("/parent_id"),
        "close_account" => (seat("{id}") != Some(Seat::Leaf)).then_some((409, "account_has_children")),
        "move_account" => match (seat("{id}"), seat("/parent_id")) {
            (Some(id), Some(to)) if id.above() == Some(to) => None,
            (Some(id), Some(to)) if to.within(id) => Some((422, "cycle")),
            _ => spends("/parent_id"),
        },
        "allocate_credits" => same("/from", "/account_id").or_else(|| match (seat("/from"), seat("/account_id")) {
            (Some(from), Some(to)) if !to.within(from) => Some((422, "not_below")),
            _ => spends("/from"),
        }),
        "transfer_credits" => same("/from", "/to").or_else(|| spends("/from")),
        "transfer_credits_legs" => same("/legs/0/from", "/legs/0/to")
            .or_else(|| same("/legs/1/from", "/legs/1/to"))
            .or_else(|| spends("/legs/0/from"))
            .or_else(|| spends("/legs/1/from")),
        "create_hold" | "purchase_credits" => spends("/account_id"),
        // It has no parent to draw on.
        "get_auto_topup" | "delete_auto_topup" => (seat("?account_id") == Some(Seat::Operator)).then_some(NOT_FOUND),
        "list_packages" => buys("?account_id"),
        "quote_packages" => buys("/account_id"),
        "quote_price" => (seat("/account_id") == Some(Seat::Operator)).then_some((422, "not_a_buyer")),
        "resolve_price" | "forecast_usage" => (seat("?account_id") == Some(Seat::Operator)).then_some((422, "not_a_buyer")),
        "redeem_promotion" => (seat("/account_id") == Some(Seat::Operator)).then_some(NOT_FOUND),
        // The crossing hold is the child's.
        "capture_hold" => {
            spends("{id}").or_else(|| (filled.get("{id}") == Some(&Aim::Crossing) && suspended.is_some()).then_some(SUSPENDED))
        }
        _ => None,
    }
}
