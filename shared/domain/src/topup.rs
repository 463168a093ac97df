//! Automatic topping up, purely: whether an account draws credit now, and how much.
//!
//! The decision is made on a balance that was read together with the setting, and the draw commits only if both are still as
//! read. So whoever rings the bell, and how often, one fall below the threshold is one draw.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::account::Status;
use crate::id::{AccountId, PackageId, TransferId};
use crate::ledger::CreditError;
use crate::money::{Amount, MAX_AMOUNT_UNITS, MICROS_PER_UNIT, Micros};
use crate::pricing::package::MAX_QUANTITY;

/// After so many failures in a row nothing is tried any more.
pub const MAX_FAILURES: u32 = 5;
/// How long after each failure before the last it is tried again, in seconds.
const BACK_OFF_S: [i64; 4] = [5 * 60, 15 * 60, 60 * 60, 6 * 60 * 60];
/// How many levels a draw may make draw in turn: as deep as the tree.
pub const MAX_CASCADE: usize = crate::lineage::MAX_DEPTH;

/// How much is drawn from the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refill {
    /// This much, as often at once as it takes to reach the threshold.
    Amount(Amount),
    /// What is missing to this balance.
    Target(Amount),
}

/// Where the credit comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The parent's credit.
    Parent {
        /// The parent that allowed it: after a move there is another, who did not.
        payer: AccountId,
        /// How much.
        refill: Refill,
    },
    /// A package of the parent's, bought as often at once as it takes to reach the threshold.
    Package {
        /// The package.
        package_id: PackageId,
        /// How many of it, each time.
        quantity: u32,
    },
    /// The parent's credit, bought with the account's default card.
    Card {
        /// The parent that sells it: after a move the card is not known to the new one.
        payer: AccountId,
        /// How much.
        refill: Refill,
        /// The smallest coin of the account's currency: cards are charged in whole ones.
        coin: Amount,
    },
}

/// When, how much and from where an account tops itself up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Below this much available credit.
    pub threshold: Micros,
    /// From where, and how much.
    pub source: Source,
    /// The most in one day in UTC.
    pub daily_cap: Option<Amount>,
    /// The most in one calendar month in UTC.
    pub monthly_cap: Option<Amount>,
    /// It is in force.
    pub enabled: bool,
}

/// Why nothing was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The day's cap leaves too little.
    DailyCap,
    /// The month's cap leaves too little.
    MonthlyCap,
    /// The parent has too little credit, and could not top itself up.
    ParentShort,
    /// The parent or an account above it is suspended.
    ParentSuspended,
    /// The account was moved to another parent, who allowed nothing.
    Moved,
    /// The account and its parent keep different currencies.
    CurrencyMismatch,
    /// The package is not on sale.
    PackageUnavailable,
    /// No more may be bought of the package, or there are too many lots.
    LimitReached,
    /// A balance would become too large to keep.
    OutOfRange,
    /// The account has no default card, or its parent takes no cards.
    NoCard,
    /// The card was declined, or the payment was given up.
    CardDeclined,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 11] = [
        Reason::DailyCap,
        Reason::MonthlyCap,
        Reason::ParentShort,
        Reason::ParentSuspended,
        Reason::Moved,
        Reason::CurrencyMismatch,
        Reason::PackageUnavailable,
        Reason::LimitReached,
        Reason::OutOfRange,
        Reason::NoCard,
        Reason::CardDeclined,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Reason::DailyCap => "daily_cap",
            Reason::MonthlyCap => "monthly_cap",
            Reason::ParentShort => "parent_short",
            Reason::ParentSuspended => "parent_suspended",
            Reason::Moved => "moved",
            Reason::CurrencyMismatch => "currency_mismatch",
            Reason::PackageUnavailable => "package_unavailable",
            Reason::LimitReached => "limit_reached",
            Reason::OutOfRange => "out_of_range",
            Reason::NoCard => "no_card",
            Reason::CardDeclined => "card_declined",
        }
    }

    /// Why credit that was planned cannot move.
    pub fn of_credit(error: &CreditError) -> Self {
        match error {
            CreditError::Insufficient { .. } => Reason::ParentShort,
            CreditError::Suspended(_) | CreditError::Closed(_) => Reason::ParentSuspended,
            CreditError::CurrencyMismatch { .. } => Reason::CurrencyMismatch,
            CreditError::NotBelow { .. } | CreditError::SameAccount => Reason::Moved,
            CreditError::TooManyLots(_) | CreditError::LotUsed => Reason::LimitReached,
            CreditError::Overflow => Reason::OutOfRange,
        }
    }

    /// Waiting mends it by itself: the next day or month. It counts as no failure.
    pub fn is_cap(self) -> bool {
        matches!(self, Reason::DailyCap | Reason::MonthlyCap)
    }
}

/// What was drawn and what failed so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// The number of the newest run, 0 before the first.
    pub run: u64,
    /// The day, in UTC, of the newest draw.
    pub day: Option<Date>,
    /// What was drawn on that day.
    pub in_day: Micros,
    /// What was drawn in that day's month.
    pub in_month: Micros,
    /// Failures in a row.
    pub failures: u32,
    /// Why the newest run failed; none after one that did not.
    pub reason: Option<Reason>,
    /// Not before this time is it tried again.
    pub again_at: Option<Timestamp>,
    /// Since when it is tried no more.
    pub stopped_at: Option<Timestamp>,
    /// What the card is being charged for the newest run: written down before, and counted to the caps from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charging: Option<Charging>,
}

/// A charge of the card that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charging {
    /// How much.
    pub amount: Amount,
    /// The available credit that it was decided on.
    pub available: Micros,
    /// When it was begun.
    pub at: Timestamp,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// The balance is enough again: what failed before is forgotten.
    Forget,
    /// Draw.
    Draw {
        /// How much.
        amount: Amount,
        /// Of a package, how many times its quantity.
        times: u32,
    },
    /// A cap leaves too little.
    Capped {
        /// Which.
        reason: Reason,
        /// Until when.
        until: Timestamp,
    },
    /// It failed, or a cap left too little, and is not tried again before this time.
    Waits(Timestamp),
    /// It failed too often.
    Stopped,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Credit was drawn.
    Done,
    /// A cap left too little.
    Capped,
    /// It failed, and is tried again.
    Failed,
    /// It failed, and is tried no more.
    Stopped,
}

/// A run: one draw, or why there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
    /// How much was drawn, or would have been.
    pub amount: Option<Micros>,
    /// The available credit that it was decided on.
    pub available: Micros,
    /// The draw.
    pub transfer_id: Option<TransferId>,
    /// Why there was none.
    pub reason: Option<Reason>,
    /// When it is tried again.
    pub again_at: Option<Timestamp>,
}

/// The day in UTC that a moment falls into.
pub fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

fn midnight(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The first moment after the day that `at` falls into.
pub fn day_ends(at: Timestamp) -> Timestamp {
    midnight(day_of(at).saturating_add(1.day()))
}

/// The first moment after the month that `at` falls into.
pub fn month_ends(at: Timestamp) -> Timestamp {
    midnight(day_of(at).first_of_month().saturating_add(1.month()))
}

impl State {
    /// What was drawn today, and this month.
    pub fn drawn(&self, now: Timestamp) -> (Micros, Micros) {
        let today = day_of(now);
        let in_day = if self.day == Some(today) { self.in_day } else { Micros::ZERO };
        let same_month = self.day.is_some_and(|day| day.first_of_month() == today.first_of_month());
        (in_day, if same_month { self.in_month } else { Micros::ZERO })
    }

    /// Something failed, or is being waited for.
    pub fn is_troubled(&self) -> bool {
        self.charging.is_some() || self.failures > 0 || self.reason.is_some() || self.again_at.is_some() || self.stopped_at.is_some()
    }

    /// The state once what failed is forgotten. What was drawn stays: the caps hold on.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        // The outcome of a charge is asked for whatever else is forgotten.
        let again_at = self.again_at.filter(|_| self.charging.is_some());
        Self { failures: 0, reason: None, again_at, stopped_at: None, ..self.clone() }
    }

    /// The state after drawing `amount`.
    #[must_use]
    pub fn drew(&self, amount: Amount, now: Timestamp) -> Self {
        let (in_day, in_month) = self.drawn(now);
        let more = |sum: Micros| Micros::new(sum.get().saturating_add(amount.micros().get()));
        let day = Some(day_of(now));
        Self { run: self.run + 1, day, in_day: more(in_day), in_month: more(in_month), ..self.forgotten() }
    }

    /// The state from when the card is charged on. It is looked after by the schedule, too.
    #[must_use]
    pub fn charges(&self, amount: Amount, available: Micros, now: Timestamp) -> Self {
        let charging = Some(Charging { amount, available, at: now });
        Self { charging, again_at: Self::asked_again(now), failures: self.failures, ..self.drew(amount, now) }
    }

    /// When the outcome of a charge is asked for again.
    pub fn asked_again(now: Timestamp) -> Option<Timestamp> {
        now.checked_add(SignedDuration::from_secs(BACK_OFF_S[0])).ok()
    }

    /// The state once the card was charged.
    #[must_use]
    pub fn charged(&self) -> Self {
        Self { charging: None, again_at: None, ..self.forgotten() }
    }

    /// The state once the card was not charged after all: its run is tried anew, and nothing of it counts to the caps.
    #[must_use]
    pub fn not_charged(&self) -> Self {
        let Some(charging) = &self.charging else { return self.clone() };
        let less = |sum: Micros| Micros::new(sum.get().saturating_sub(charging.amount.micros().get()).max(0));
        let begun = day_of(charging.at);
        let same_month = self.day.is_some_and(|day| day.first_of_month() == begun.first_of_month());
        let in_day = if self.day == Some(begun) { less(self.in_day) } else { self.in_day };
        let in_month = if same_month { less(self.in_month) } else { self.in_month };
        Self { run: self.run.saturating_sub(1), in_day, in_month, charging: None, again_at: None, ..self.clone() }
    }

    /// The state after a run that drew nothing. A cap is waited out; a move is never tried again, and neither is the fifth
    /// failure in a row.
    #[must_use]
    pub fn failed(&self, reason: Reason, now: Timestamp) -> Self {
        let (run, reason_now) = (self.run + 1, Some(reason));
        let until = match reason {
            Reason::DailyCap => Some(day_ends(now)),
            Reason::MonthlyCap => Some(month_ends(now)),
            _ => None,
        };
        if let Some(until) = until {
            return Self { run, reason: reason_now, again_at: Some(until), ..self.forgotten() };
        }
        let failures = self.failures + 1;
        let wait = usize::try_from(self.failures).ok().and_then(|at| BACK_OFF_S.get(at)).filter(|_| reason != Reason::Moved);
        let again_at = wait.and_then(|wait| now.checked_add(SignedDuration::from_secs(*wait)).ok());
        let stopped_at = if again_at.is_none() { Some(now) } else { None };
        Self { run, failures, reason: reason_now, again_at, stopped_at, ..self.clone() }
    }
}

/// What an account does about its credit.
///
/// - `floor`: a draw further down needs this much available credit here, whatever the threshold says.
/// - `package`: what one purchase of the setting's package brings; needed of a package alone.
pub fn decide(
    setting: &Setting,
    state: &State,
    status: Status,
    available: Micros,
    floor: Option<Micros>,
    package: Option<Amount>,
    now: Timestamp,
) -> Decision {
    if !setting.enabled {
        return Decision::Nothing;
    }
    if status != Status::Active {
        // Nothing is waited for any more: a reactivation rings anew.
        return if state.again_at.is_some() { Decision::Forget } else { Decision::Nothing };
    }
    let floor = floor.unwrap_or(setting.threshold).max(setting.threshold);
    if available >= floor {
        return if state.is_troubled() { Decision::Forget } else { Decision::Nothing };
    }
    if state.stopped_at.is_some() {
        return Decision::Stopped;
    }
    if let Some(until) = state.again_at.filter(|until| *until > now) {
        return Decision::Waits(until);
    }
    draw(setting, state, available, floor, package, now)
}

fn draw(setting: &Setting, state: &State, available: Micros, floor: Micros, package: Option<Amount>, now: Timestamp) -> Decision {
    let (in_day, in_month) = state.drawn(now);
    let left = |cap: Option<Amount>, drawn: Micros| cap.map_or(i128::MAX, |cap| wide(cap.micros()) - wide(drawn)).max(0);
    let (day, month) = (left(setting.daily_cap, in_day), left(setting.monthly_cap, in_month));
    let most = day.min(month).min(i128::from(MAX_AMOUNT_UNITS) * i128::from(MICROS_PER_UNIT));
    let missing = wide(floor) - wide(available);
    let (least, wanted, each) = match (&setting.source, package) {
        (Source::Parent { refill: Refill::Target(target), .. }, _) => {
            let wanted = wide(target.micros().max(floor)) - wide(available);
            (1, wanted.min(most), wanted)
        }
        (Source::Parent { refill: Refill::Amount(amount), .. }, _) => in_units(wide(amount.micros()), missing, most, i128::MAX),
        (Source::Card { refill: Refill::Target(target), coin, .. }, _) => {
            let coin = wide(coin.micros());
            in_units(coin, wide(target.micros().max(floor)) - wide(available), most, i128::MAX)
        }
        (Source::Card { refill: Refill::Amount(amount), .. }, _) => in_units(wide(amount.micros()), missing, most, i128::MAX),
        (Source::Package { quantity, .. }, Some(package)) => {
            in_units(wide(package.micros()), missing, most, i128::from(MAX_QUANTITY / (*quantity).max(1)))
        }
        (Source::Package { .. }, None) => return Decision::Nothing,
    };
    let amount = i64::try_from(wanted).ok().and_then(|amount| Amount::new(Micros::new(amount)).ok());
    match amount.filter(|_| wanted >= least) {
        Some(amount) => Decision::Draw { amount, times: u32::try_from(wanted / each).unwrap_or(1).max(1) },
        // What a day leaves is of no use if the month leaves less.
        None if month < least => Decision::Capped { reason: Reason::MonthlyCap, until: month_ends(now) },
        None => Decision::Capped { reason: Reason::DailyCap, until: day_ends(now) },
    }
}

/// So many times `unit` as reach what is missing, and no more than there may be: the least that can be drawn, what is drawn,
/// and the unit.
fn in_units(unit: i128, missing: i128, most: i128, times: i128) -> (i128, i128, i128) {
    let wanted = (missing + unit - 1) / unit;
    (unit, wanted.min(most / unit).min(times) * unit, unit)
}

fn wide(micros: Micros) -> i128 {
    i128::from(micros.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn units(units: i64) -> Micros {
        Micros::new(units * MICROS_PER_UNIT)
    }

    fn amount(of: i64) -> Amount {
        Amount::new(units(of)).expect("positive")
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().expect("a time")
    }

    fn from_parent(refill: Refill) -> Setting {
        let payer = AccountId::from_uuid(Uuid::from_u128(1));
        Setting { threshold: units(10), source: Source::Parent { payer, refill }, daily_cap: None, monthly_cap: None, enabled: true }
    }

    fn package() -> Setting {
        let package_id = PackageId::from_uuid(Uuid::from_u128(2));
        Setting { source: Source::Package { package_id, quantity: 2 }, ..from_parent(Refill::Amount(amount(1))) }
    }

    fn card(refill: Refill) -> Setting {
        let (payer, coin) = (AccountId::from_uuid(Uuid::from_u128(1)), Amount::new(Micros::new(10_000)).expect("positive"));
        Setting { source: Source::Card { payer, refill, coin }, ..from_parent(refill) }
    }

    #[test]
    fn a_card_is_charged_in_whole_coins_within_the_caps_and_counts_only_if_it_was() {
        let odd = Micros::new(9_994_999);
        let draw = |setting: &Setting, state: &State| shown(decide(setting, state, Status::Active, odd, None, None, now()));
        let to_20 = card(Refill::Target(amount(20)));
        assert_eq!(draw(&to_20, &State::default()), "draw 10.010000 in 1001");
        let capped = Setting { daily_cap: Some(amount(10)), ..to_20.clone() };
        assert_eq!(draw(&capped, &State::default()), "draw 10.000000 in 1000");
        assert_eq!(draw(&card(Refill::Amount(amount(25))), &State::default()), "draw 25.000000 in 1");
        let begun = State::default().charges(amount(10), odd, now());
        assert_eq!((begun.run, begun.drawn(now())), (1, (units(10), units(10))));
        assert_eq!(begun.again_at, State::asked_again(now()));
        assert_eq!(begun.charged(), State { charging: None, again_at: None, ..begun.clone() });
        let not = begun.not_charged();
        assert_eq!((not.run, not.drawn(now()), not.charging.is_some()), (0, (units(0), units(0)), false));
        let failed = not.failed(Reason::CardDeclined, now());
        assert_eq!((failed.run, failed.failures, failed.again_at.is_some()), (1, 1, true));
        let twice = failed.charges(amount(10), odd, now()).not_charged().failed(Reason::CardDeclined, now());
        assert_eq!((twice.run, twice.failures), (2, 2));
    }

    fn shown(decision: Decision) -> String {
        match decision {
            Decision::Draw { amount, times } => format!("draw {} in {times}", amount.micros()),
            Decision::Capped { reason, until } => format!("capped by {} until {until}", reason.word()),
            Decision::Waits(until) => format!("waits until {until}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// Every kind of setting in every kind of state, at balances around the threshold.
    fn table() -> String {
        let capped = |daily: Option<i64>, monthly: Option<i64>, setting: Setting| Setting {
            daily_cap: daily.map(amount),
            monthly_cap: monthly.map(amount),
            ..setting
        };
        let settings = [
            ("25 each", from_parent(Refill::Amount(amount(25)))),
            ("to 100", from_parent(Refill::Target(amount(100)))),
            ("package of 30", package()),
            ("25 each, 40 a day", capped(Some(40), None, from_parent(Refill::Amount(amount(25))))),
            ("to 100, 40 a day", capped(Some(40), None, from_parent(Refill::Target(amount(100))))),
            ("package of 30, 40 a day", capped(Some(40), None, package())),
            ("to 100, 500 a day, 60 a month", capped(Some(500), Some(60), from_parent(Refill::Target(amount(100))))),
            ("off", Setting { enabled: false, ..from_parent(Refill::Amount(amount(25))) }),
        ];
        let fresh = State::default();
        let drew = fresh.drew(amount(30), now());
        let yesterday = fresh.drew(amount(30), "2026-11-21T23:59:59Z".parse().expect("a time"));
        let full = fresh.drew(amount(60), now());
        let failed = fresh.failed(Reason::ParentShort, now());
        let over = Timestamp::from_second(now().as_second() - 300).expect("a time");
        let waited = fresh.failed(Reason::ParentShort, over);
        let stopped = (0..MAX_FAILURES).fold(fresh.clone(), |state, _| state.failed(Reason::ParentShort, now()));
        let states = [
            ("fresh", fresh),
            ("drew 30 today", drew),
            ("drew 30 yesterday", yesterday),
            ("drew 60 today", full),
            ("failed just now", failed),
            ("failed five minutes ago", waited),
            ("stopped", stopped),
        ];
        let mut lines = String::new();
        for (what, setting) in &settings {
            for (how, state) in &states {
                for (available, floor) in [(10, None), (9, None), (-45, None), (50, Some(60))] {
                    let package = matches!(setting.source, Source::Package { .. }).then(|| amount(30));
                    let decision = decide(setting, state, Status::Active, units(available), floor.map(units), package, now());
                    let needs = floor.map_or(String::new(), |floor: i64| format!(" of {floor} needed"));
                    lines.push_str(&format!("{what:<30} {how:<24} {:<18} {}\n", format!("{available}{needs}"), shown(decision)));
                }
            }
        }
        lines
    }

    #[test]
    fn every_decision_is_the_one_in_the_table() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/topup.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, table()).expect("written");
        }
        assert_eq!(table(), std::fs::read_to_string(golden).expect("the table"), "UPDATE_GOLDEN=1 writes it; review the change");
    }

    #[test]
    fn nothing_is_drawn_for_an_account_that_is_not_active() {
        let setting = from_parent(Refill::Amount(amount(25)));
        for status in [Status::Suspended, Status::Closed] {
            assert_eq!(decide(&setting, &State::default(), status, units(0), None, None, now()), Decision::Nothing);
        }
    }

    #[test]
    fn failures_wait_longer_each_time_and_the_fifth_stops() {
        let mut state = State::default();
        for wait in BACK_OFF_S {
            state = state.failed(Reason::ParentShort, now());
            assert_eq!(state.again_at.map(|at| at.as_second() - now().as_second()), Some(wait));
            assert_eq!(state.stopped_at, None);
        }
        state = state.failed(Reason::ParentShort, now());
        assert_eq!((state.failures, state.again_at, state.stopped_at), (MAX_FAILURES, None, Some(now())));
        assert_eq!(state.forgotten(), State { run: 5, ..State::default() });
        let moved = State::default().failed(Reason::Moved, now());
        assert_eq!((moved.failures, moved.stopped_at), (1, Some(now())), "nobody allowed it: it is not tried again");
    }

    #[test]
    fn caps_are_of_the_day_and_the_month_in_utc() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let state = State::default().drew(amount(5), at("2026-11-30T23:59:59.999Z")).drew(amount(7), at("2026-11-30T23:59:59.999Z"));
        assert_eq!(state.drawn(at("2026-11-30T00:00:00Z")), (units(12), units(12)));
        assert_eq!(state.drawn(at("2026-12-01T00:00:00Z")), (Micros::ZERO, Micros::ZERO));
        let later = State::default().drew(amount(5), at("2026-11-29T10:00:00Z")).drew(amount(7), at("2026-11-30T10:00:00Z"));
        assert_eq!(later.drawn(at("2026-11-30T20:00:00Z")), (units(7), units(12)));
        assert_eq!(month_ends(at("2026-12-31T10:00:00Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(day_ends(at("2026-02-28T10:00:00Z")), at("2026-03-01T00:00:00Z"));
    }

    #[test]
    fn no_draw_exceeds_a_cap_and_every_draw_within_caps_reaches_the_floor() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((seed >> 33) % below).expect("small")
        };
        for _ in 0..20_000 {
            let refill = if next(2) == 0 { Refill::Amount(amount(1 + next(50))) } else { Refill::Target(amount(10 + next(200))) };
            let cap = |n: i64| (n > 0).then(|| amount(n));
            let setting = Setting { daily_cap: cap(next(100)), monthly_cap: cap(next(300)), ..from_parent(refill) };
            let state = State { day: Some(day_of(now())), in_day: units(next(80)), in_month: units(80 + next(200)), ..State::default() };
            let available = units(next(120) - 100);
            let Decision::Draw { amount, .. } = decide(&setting, &state, Status::Active, available, None, None, now()) else { continue };
            let within =
                |cap: Option<Amount>, drawn: Micros| cap.is_none_or(|cap| drawn.get() + amount.micros().get() <= cap.micros().get());
            assert!(within(setting.daily_cap, state.in_day) && within(setting.monthly_cap, state.in_month));
            if setting.daily_cap.is_none() && setting.monthly_cap.is_none() {
                assert!(available.get() + amount.micros().get() >= setting.threshold.get());
            }
        }
    }
}
