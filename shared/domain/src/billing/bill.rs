//! How far an account is billed: what stands in its billing item, which period is closed next, and up to which entry.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::Funding;
use crate::billing::build::{Billed, before, carried};
use crate::billing::charge::{self, Charge, ChargeKind};
use crate::billing::cycle::{Cycle, Period};
use crate::billing::invoice::{Invoice, LineKind};
use crate::billing::profile::Profile;
use crate::billing::run::RunMark;
use crate::id::{AccountId, ChargeId, InvoiceId, TransferId};
use crate::money::Overflow;
use crate::pricing::error::PricingError;
use crate::pricing::month::Month;
use crate::pricing::number::to_micros;
use crate::text::Reference;

/// The most cuts that wait. There are more only if an account is moved that often between two runs.
pub const MAX_CUTS: usize = 50;

/// Why a period was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutKind {
    /// The account was moved to another parent.
    Moved,
    /// It pays for usage in another way.
    Funding,
    /// It was closed.
    Closed,
}

/// A moment from which on the account is billed by another, or otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The entry of the ledger that says so: what came up to it is billed as before.
    pub seq: i64,
    /// When.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
    /// Why.
    pub kind: CutKind,
    /// Who bills it from then on.
    pub seller_id: AccountId,
    /// How it pays for usage from then on.
    pub funding: Funding,
}

/// What was last billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The label.
    pub label: Month,
    /// Which part of it.
    pub part: u32,
    /// By whom.
    pub seller_id: AccountId,
    /// By whom earlier parts of the same label were billed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<AccountId>,
}

impl Last {
    /// Whether a part of the label was billed by this seller.
    fn is_by(&self, seller: &AccountId) -> bool {
        self.seller_id == *seller || self.before.contains(seller)
    }

    fn sellers(&self) -> Vec<AccountId> {
        self.before.iter().chain([&self.seller_id]).cloned().collect()
    }
}

/// An account at its seller's payment processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorCustomer {
    /// At the processor of which seller: after a move there is another.
    pub seller_id: AccountId,
    /// The processor's name for the customer.
    pub customer: String,
    /// The card that is charged by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
}

/// Where the billing of an account stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// Whose.
    pub account_id: AccountId,
    /// Who bills it, up to the first cut.
    pub seller_id: AccountId,
    /// How it pays for usage, up to the first cut.
    pub funding: Funding,
    /// What differs for it.
    #[serde(default)]
    pub profile: Profile,
    /// When the running period began.
    #[serde(serialize_with = "crate::time::millis")]
    pub period_start: Timestamp,
    /// When it ends.
    #[serde(serialize_with = "crate::time::millis")]
    pub next_close: Timestamp,
    /// The newest entry that was billed.
    pub watermark: i64,
    /// What was billed.
    #[serde(default)]
    pub billed: Billed,
    /// What waits for the next invoice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// What is to be billed before the period ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<Cut>,
    /// What was last billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// The account was closed, and its last invoice made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// The account at its seller's payment processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<ProcessorCustomer>,
    /// The invoice because of which it was suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_by: Option<InvoiceId>,
    /// The run that billed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunMark>,
    /// Raised by one with each change.
    pub version: i64,
}

/// A period to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The period.
    pub period: Period,
    /// The whole one of the cycle.
    pub whole: Period,
    /// Which part of its label.
    pub part: u32,
    /// An earlier part was billed by the same seller.
    pub continues: bool,
    /// Who bills it.
    pub seller_id: AccountId,
    /// How the account paid for usage.
    pub funding: Funding,
    /// The last entry is the newest one before this time …
    pub before: Timestamp,
    /// … and at most this one.
    pub at_most: Option<i64>,
    /// The newest month of which usage is taken; none: all.
    pub through: Option<Month>,
    /// From when on it can be closed.
    pub closed_at: Timestamp,
    /// The cut that it ends with.
    pub cut: Option<CutKind>,
}

impl Billing {
    /// The billing of an account that was made at `at`, its ledger's first entry being `seq`.
    pub fn begin(account_id: AccountId, seller_id: AccountId, funding: Funding, cycle: &Cycle, at: Timestamp, seq: i64) -> Self {
        Self {
            account_id,
            seller_id,
            funding,
            profile: Profile::default(),
            period_start: at,
            next_close: cycle.first(at).end,
            watermark: seq,
            billed: Billed::default(),
            charges: Vec::new(),
            cuts: Vec::new(),
            last: None,
            ended: false,
            processor: None,
            suspended_by: None,
            run: None,
            version: 1,
        }
    }

    /// Who bills it after all cuts.
    pub fn newest_seller(&self) -> &AccountId {
        self.cuts.last().map_or(&self.seller_id, |cut| &cut.seller_id)
    }

    /// What waits below zero of sellers that bill the account no more: no invoice takes it off, so it is given back.
    pub fn stranded(&self) -> impl Iterator<Item = &Charge> {
        let bills = |seller: &AccountId| !self.ended && (self.seller_id == *seller || self.cuts.iter().any(|cut| cut.seller_id == *seller));
        self.charges.iter().filter(move |charge| charge.amount.is_negative() && !bills(&charge.seller_id))
    }

    /// When there is something to do next, with what its seller waits for late usage; none once it has ended.
    pub fn due_at(&self, grace_hours: u16) -> Option<Timestamp> {
        let regular = (!self.ended).then(|| after_hours(self.next_close, grace_hours));
        let cut = self.cuts.first().map(|cut| cut.at);
        [regular, cut].into_iter().flatten().min()
    }

    /// Notes a cut. What came before is billed as it was.
    pub fn cut(&mut self, cut: Cut) {
        let known = self.cuts.last().map_or((&self.seller_id, self.funding), |last| (&last.seller_id, last.funding));
        if cut.kind != CutKind::Closed && known == (&cut.seller_id, cut.funding) {
            return;
        }
        if self.cuts.last().is_none_or(|last| last.seq < cut.seq) {
            self.cuts.push(cut);
            self.version = self.version.saturating_add(1);
        }
    }

    /// Puts a charge to those that wait.
    ///
    /// # Errors
    /// As [`charge::put`].
    pub fn charge(&mut self, charge: Charge) -> Result<(), PricingError> {
        charge::put(&mut self.charges, charge)?;
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Sets the profile; `cycle` is the one that follows from it.
    pub fn set_profile(&mut self, profile: Profile, cycle: &Cycle, now: Timestamp) {
        self.profile = profile;
        self.set_cycle(cycle, now);
    }

    /// The cycle is another from now on, or the same: a period that ended already stays as it was.
    pub fn set_cycle(&mut self, cycle: &Cycle, now: Timestamp) {
        if self.next_close > now && !self.ended {
            self.next_close = cycle.running_from(self.period_start, now).end;
        }
        self.version = self.version.saturating_add(1);
    }

    /// The period to be closed next, if its time has come: `now` is not before [`Close::closed_at`].
    pub fn next(&self, cycle: &Cycle, grace_hours: u16, now: Timestamp) -> Option<Close> {
        let close = self.running(cycle, grace_hours)?;
        (close.closed_at <= now).then_some(close)
    }

    /// The running period as it will be closed, cuts first.
    pub fn running(&self, cycle: &Cycle, grace_hours: u16) -> Option<Close> {
        if self.ended {
            return None;
        }
        let cut = self.cuts.first();
        let whole = cycle.period_of(self.period_start);
        let (label, part) = match &self.last {
            Some(last) if whole.label <= last.label => (last.label, last.part.saturating_add(1)),
            _ => (whole.label, 1),
        };
        let close = Close {
            period: Period { label, start: self.period_start, end: self.next_close },
            whole,
            part,
            continues: self.last.as_ref().is_some_and(|last| last.label == label && last.is_by(&self.seller_id)),
            seller_id: self.seller_id.clone(),
            funding: self.funding,
            before: self.next_close,
            at_most: cut.map(|cut| cut.seq),
            through: None,
            closed_at: self.next_close,
            cut: None,
        };
        Some(match cut.filter(|cut| cut.at < self.next_close) {
            Some(cut) => {
                let period = Period { end: cut.at.max(self.period_start), ..close.period };
                Close { period, before: Timestamp::MAX, closed_at: cut.at, cut: Some(cut.kind), ..close }
            }
            None => {
                let grace = if cycle.is_utc_months() { grace_hours } else { 0 };
                let waited = after_hours(self.next_close, grace);
                // What comes after a cut is another's: nothing is waited for beyond it.
                let closed_at = cut.map_or(waited, |cut| cut.at.min(waited));
                let through = cycle.is_utc_months().then(|| Month::of(self.next_close).prev());
                Close { before: waited, closed_at, through, ..close }
            }
        })
    }

    /// The billing after a period was closed up to `to_seq`: `billed` is what is billed with it, `invoice` the invoice as it is kept, if there is
    /// one. Charges that are not on it still wait.
    ///
    /// # Errors
    /// [`PricingError`] if what is carried forward leaves its range.
    pub fn advance(
        &self,
        close: &Close,
        cycle: &Cycle,
        to_seq: i64,
        billed: Billed,
        invoice: Option<&Invoice>,
    ) -> Result<Self, PricingError> {
        let mut after = self.clone();
        after.watermark = to_seq.max(self.watermark);
        after.billed = billed;
        let (label, seller_id) = (close.period.label, close.seller_id.clone());
        let mut before = self.last.as_ref().filter(|last| last.label == label).map(Last::sellers).unwrap_or_default();
        before.retain(|before| *before != seller_id);
        after.last = Some(Last { label, part: close.part, seller_id, before });
        after.period_start = close.period.end;
        if let Some(invoice) = invoice {
            after.charges = self.left_by(invoice)?;
            if let Some(carried) = carried(invoice) {
                charge::put(&mut after.charges, carried)?;
            }
        }
        match close.cut {
            Some(kind) => {
                let cut = after.cuts.remove(0);
                (after.seller_id, after.funding) = (cut.seller_id, cut.funding);
                after.ended = kind == CutKind::Closed;
            }
            None => after.next_close = cycle.next(close.period.end).end,
        }
        after.version = self.version.saturating_add(1);
        Ok(after)
    }

    /// What an invoice leaves of the charges. It is kept as it was made: where a purchase joined a charge since, what it lacks still waits, and what was
    /// taken back since is taken off the next one.
    fn left_by(&self, invoice: &Invoice) -> Result<Vec<Charge>, PricingError> {
        let mut left = Vec::with_capacity(self.charges.len());
        for charge in &self.charges {
            let Some(line) = invoice.line(charge.id.as_str()) else {
                left.push(charge.clone());
                continue;
            };
            let (amount, id) = (charge.amount.minus(to_micros(line.exact)?)?, charge.transfer_id.as_ref().map(TransferId::as_u128));
            if !amount.is_zero() {
                let id = id.filter(|id| *id != charge.id.as_u128()).unwrap_or_else(|| beside(&charge.id));
                left.push(Charge { id: ChargeId::from_number(id), amount, count: 1, ..charge.clone() });
            }
        }
        for line in invoice.lines.iter().filter(|line| matches!(line.kind, LineKind::Purchase | LineKind::Adjustment)) {
            let id = line.id.parse::<ChargeId>().ok().filter(|id| self.charges.iter().all(|charge| charge.id != *id));
            let Some(id) = id else { continue };
            left.push(Charge {
                id: ChargeId::from_number(beside(&id)),
                seller_id: invoice.seller_id.clone(),
                kind: ChargeKind::Adjustment,
                text: Reference::parse(&line.text).or_else(|_| Reference::parse("Taken back")).map_err(|_| Overflow)?,
                amount: to_micros(line.exact)?.negated()?,
                taxable: line.taxable,
                count: 1,
                transfer_id: None,
                at: before(invoice.period.end),
                created_by: None,
            });
        }
        Ok(left)
    }
}

/// An id that follows from a charge's and is another.
fn beside(id: &ChargeId) -> u128 {
    id.as_u128() ^ 1
}

fn after_hours(at: Timestamp, hours: u16) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::build::{Built, Input, RETURNED, build};
    use crate::billing::charge::ChargeKind;
    use crate::billing::charge::tests::charge;
    use crate::billing::cycle::AnchorDay;
    use crate::billing::invoice::{LedgerRange, LineKind};
    use crate::billing::testing::{at, buyer, fee, micros, party, seller, tax, terms, usd};
    use crate::pricing::number::{Picos, Quantity};
    use crate::pricing::state::{MAX_MONTHS, Returned, ReturnedOf, UsageState};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn utc() -> Cycle {
        Cycle::new(AnchorDay::FIRST, None)
    }

    fn begun(cycle: &Cycle, text: &str) -> Billing {
        Billing::begin(buyer(), seller(), Funding::Postpaid, cycle, at(text), 1)
    }

    fn cut(seq: i64, text: &str, kind: CutKind, seller: u128) -> Cut {
        Cut { seq, at: at(text), kind, seller_id: AccountId::from_number(seller), funding: Funding::Postpaid }
    }

    #[test]
    fn a_month_in_utc_is_closed_after_the_grace_and_takes_what_was_used_in_it() {
        let billing = begun(&utc(), "2026-10-20T12:00:00Z");
        assert_eq!(billing.due_at(48), Some(at("2026-11-03T00:00:00Z")));
        assert_eq!(billing.next(&utc(), 48, at("2026-11-02T23:59:59Z")), None);
        let close = billing.next(&utc(), 48, at("2026-12-24T00:00:00Z")).expect("it is due");
        assert_eq!((close.period.label.to_string().as_str(), close.part, close.before), ("2026-10", 1, at("2026-11-03T00:00:00Z")));
        assert_eq!((close.through.map(|month| month.to_string()), close.at_most), (Some("2026-10".to_owned()), None));
        let after = billing.advance(&close, &utc(), 7, Billed::default(), None).expect("in range");
        assert_eq!((after.watermark, after.next_close), (7, at("2026-12-01T00:00:00Z")));
        let next = after.next(&utc(), 48, at("2026-12-24T00:00:00Z")).expect("a missed run catches up");
        assert_eq!(next.period.label.to_string(), "2026-11");
        let anchored = Cycle::new(AnchorDay::try_from(15).expect("a day"), None);
        let close = begun(&anchored, "2026-10-20T12:00:00Z").next(&anchored, 48, at("2026-11-15T00:00:00Z")).expect("it is due");
        assert_eq!((close.closed_at, close.through), (at("2026-11-15T00:00:00Z"), None));
    }

    #[test]
    fn a_cut_is_billed_as_it_was_before_it_and_waits_for_nothing() {
        let mut billing = begun(&utc(), "2026-11-01T00:00:00Z");
        billing.cut(cut(5, "2026-11-10T00:00:00Z", CutKind::Moved, 2));
        billing.cut(cut(5, "2026-11-10T00:00:00Z", CutKind::Moved, 2));
        billing.cut(cut(9, "2026-12-02T00:00:00Z", CutKind::Moved, 3));
        assert_eq!((billing.cuts.len(), billing.newest_seller()), (2, &AccountId::from_number(3)));
        let mut seen = Vec::new();
        let now = at("2026-12-20T00:00:00Z");
        while let Some(close) = billing.next(&utc(), 48, now) {
            let to = close.at_most.unwrap_or(20);
            let name = format!("{}-{} by {}", close.period.label, close.part, close.seller_id.as_u128());
            seen.push((name, close.period.end.to_string(), to, close.through.is_some()));
            billing = billing.advance(&close, &utc(), to, Billed::default(), None).expect("in range");
        }
        let wanted = [
            ("2026-11-1 by 1", "2026-11-10T00:00:00Z", 5, false),
            ("2026-11-2 by 2", "2026-12-01T00:00:00Z", 9, true),
            ("2026-12-1 by 2", "2026-12-02T00:00:00Z", 9, false),
        ];
        assert_eq!(seen, wanted.map(|(name, end, to, through)| (name.to_owned(), end.to_owned(), to, through)));
        assert_eq!((billing.seller_id, billing.next_close), (AccountId::from_number(3), at("2027-01-01T00:00:00Z")));
    }

    #[test]
    fn a_close_is_the_last() {
        let mut billing = begun(&utc(), "2026-11-01T00:00:00Z");
        billing.cut(cut(5, "2026-11-10T00:00:00Z", CutKind::Closed, 1));
        assert_eq!(billing.due_at(0), Some(at("2026-11-10T00:00:00Z")));
        let close = billing.next(&utc(), 0, at("2026-11-10T00:00:00Z")).expect("at once");
        let after = billing.advance(&close, &utc(), 5, Billed::default(), None).expect("in range");
        assert_eq!((after.ended, after.due_at(0), after.next(&utc(), 0, Timestamp::MAX)), (true, None, None));
    }

    #[test]
    fn another_cycle_never_makes_the_same_label_and_part_twice() {
        let mut billing = begun(&utc(), "2026-10-01T00:00:00Z");
        let mut seen = BTreeSet::new();
        let mut cycle = utc();
        let days = [15, 1, 31, 1, 2, 28];
        for day in days {
            for _ in 0..2 {
                let close = billing.next(&cycle, 0, billing.next_close).expect("it is due");
                assert_eq!(close.period.start, billing.period_start);
                assert!(seen.insert((close.period.label, close.part)), "{close:?}");
                billing = billing.advance(&close, &cycle, 1, Billed::default(), None).expect("in range");
            }
            cycle = Cycle::new(AnchorDay::try_from(day).expect("a day"), None);
            billing.set_cycle(&cycle, billing.period_start);
        }
    }

    /// A ledger of usage: the states after each entry, and when it was written.
    #[derive(Debug, Default)]
    struct Book {
        entries: Vec<(Timestamp, UsageState)>,
    }

    impl Book {
        fn newest(&self) -> UsageState {
            self.entries.last().map(|(_, state)| state.clone()).unwrap_or_default()
        }

        fn write(&mut self, at: Timestamp, state: UsageState) -> i64 {
            self.entries.push((at, state));
            i64::try_from(self.entries.len()).expect("few")
        }

        /// The newest entry before a time and at most a number, with the state after it.
        fn upto(&self, close: &Close) -> (i64, UsageState) {
            let mut found = self.entries.iter().enumerate().filter(|(index, (at, _))| {
                let seq = i64::try_from(index + 1).expect("few");
                *at < close.before && close.at_most.is_none_or(|most| seq <= most)
            });
            found
                .next_back()
                .map_or((0, UsageState::default()), |(index, (_, state))| (i64::try_from(index + 1).expect("few"), state.clone()))
        }
    }

    fn paid(state: &UsageState) -> Picos {
        let months = state.months.values().flat_map(|month| month.meters.values()).map(|meter| meter.paid.get());
        Picos::new(state.older.get() + months.sum::<i128>())
    }

    fn closed(billing: &Billing, close: &Close, book: &Book) -> (i64, Built) {
        let (to_seq, state) = book.upto(close);
        let (meters, promotions) = (BTreeMap::new(), BTreeMap::new());
        let terms = crate::billing::profile::Terms { fees: vec![fee("12.34", true)], taxes: vec![tax("19")], ..terms() };
        let input = Input {
            account_id: &billing.account_id,
            seller_id: &close.seller_id,
            currency: usd(),
            funding: close.funding,
            period: close.period,
            whole: close.whole,
            part: close.part,
            continues: close.continues,
            cut: close.cut.is_some(),
            ledger: LedgerRange { from_seq: billing.watermark, to_seq },
            through: close.through,
            state: &state,
            billed: &billing.billed,
            meters: &meters,
            promotions: &promotions,
            terms: &terms,
            charges: &billing.charges,
            seller: party("Seller"),
            buyer: party("Buyer"),
            closed_at: close.closed_at,
        };
        (to_seq, build(&input).expect("in range"))
    }

    /// What happens on a day.
    #[derive(Debug, Clone)]
    enum Happens {
        /// Usage of a meter, so many days late.
        Used {
            meter: usize,
            late: i64,
            paid: i64,
        },
        /// Usage of so many months ago is taken back, if it is still kept; as bought of a former seller if there is one and `left`.
        Void {
            months: usize,
            left: bool,
        },
        Move(u128),
        Funding,
        Charge(i64),
        /// The schedule fires.
        Run,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            6 => (0..3_usize, 0..35_i64, 0..5_000_000_000_000_i64).prop_map(|(meter, late, paid)| Happens::Used { meter, late, paid }),
            1 => (0..MAX_MONTHS, any::<bool>()).prop_map(|(months, left)| Happens::Void { months, left }),
            1 => (1..4_u128).prop_map(Happens::Move),
            1 => Just(Happens::Funding),
            1 => (-9_000_000..9_000_000_i64).prop_map(Happens::Charge),
            3 => Just(Happens::Run),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        /// Two years of usage, late usage, voids, moves and other fundings, with a schedule that fires whenever it does: what was billed is what
        /// was paid, to the last digit; periods follow one another; nothing is billed twice; what is made twice is the same.
        #[test]
        fn two_years_are_billed_exactly(
            day in 1..=31_i64,
            zone in 0..4_usize,
            grace in 0..=168_u16,
            days in proptest::collection::vec(happens(), 730),
        ) {
            let zone = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"][zone];
            let zone: crate::account::TimeZoneName = serde_json::from_value(zone.into()).expect("a zone");
            let cycle = Cycle::new(AnchorDay::try_from(day).expect("a day"), Some(&zone));
            let begin = at("2026-01-20T09:00:00Z");
            let mut book = Book::default();
            let first = book.write(begin, UsageState::default());
            let mut billing = Billing::begin(buyer(), seller(), Funding::Postpaid, &cycle, begin, first);
            let mut funding = Funding::Postpaid;
            let mut exact = 0_i128;
            // What is owed by the events themselves, whatever the state says.
            let mut owed = 0_i128;
            let mut invoices: Vec<Invoice> = Vec::new();
            let mut charged = 0_i64;
            let mut former: Vec<AccountId> = Vec::new();
            let mut now = begin;
            let mut run = |billing: &mut Billing, book: &Book, now: Timestamp, exact: &mut i128| {
                while let Some(close) = billing.next(&cycle, grace, now) {
                    let (to_seq, built) = closed(billing, &close, book);
                    let again = closed(billing, &close, book).1;
                    assert_eq!(again, built);
                    if let Some(invoice) = &built.invoice {
                        let usage = invoice.lines.iter().filter(|line| line.kind == LineKind::Usage);
                        *exact += usage.map(|line| line.exact.get()).sum::<i128>();
                        assert!(invoices.iter().all(|other| other.id != invoice.id && (other.period.label, other.part) != (invoice.period.label, invoice.part)));
                        assert!(invoices.last().is_none_or(|last| last.period.end <= invoice.period.start && last.ledger.to_seq <= invoice.ledger.from_seq));
                        invoices.push(invoice.clone());
                    }
                    assert_eq!(close.period.start, billing.period_start);
                    *billing = billing.advance(&close, &cycle, to_seq, built.billed, built.invoice.as_ref()).expect("in range");
                    assert_eq!(close.period.end, billing.period_start);
                }
            };
            for (number, what) in days.into_iter().enumerate() {
                now = now.checked_add(SignedDuration::from_hours(24)).expect("a time");
                let mut state = book.newest();
                match what {
                    Happens::Used { meter, late, paid } => {
                        let when = now.checked_sub(SignedDuration::from_hours(24 * late)).expect("a time").max(begin);
                        let month = Month::of(when);
                        if !state.keeps(month) {
                            continue;
                        }
                        let key = ["calls", "data", "sms"][meter].parse().expect("a key");
                        let of = state.months.entry(month).or_default().meters.entry(key).or_default();
                        of.quantity = of.quantity.plus(Quantity::ONE).expect("few");
                        of.paid = of.paid.plus(Picos::new(i128::from(paid))).expect("little");
                        of.cost = of.cost.plus(Picos::new(i128::from(paid / 3))).expect("little");
                        owed += i128::from(paid);
                        state.prune();
                        book.write(now, state);
                    }
                    Happens::Void { months, left } => {
                        let month = state.months.keys().rev().nth(months).copied();
                        let Some(month) = month else { continue };
                        let gone = state.months.get_mut(&month).and_then(|of| of.meters.pop_first());
                        let Some((key, meter)) = gone else { continue };
                        owed -= meter.paid.get();
                        if let Some(seller) = former.last().filter(|_| left) {
                            let sum = state.returned.entry(ReturnedOf { seller: seller.clone(), of: Some((month, key)) }).or_default();
                            let back = Returned { quantity: meter.quantity, paid: meter.paid, cost: meter.cost };
                            *sum = sum.plus(back).expect("in range");
                        }
                        state.months.retain(|_, of| !of.meters.is_empty());
                        book.write(now, state);
                    }
                    Happens::Move(to) => {
                        let seq = book.write(now, state);
                        let seller_id = AccountId::from_number(to);
                        if seller_id != *billing.newest_seller() {
                            former.push(billing.newest_seller().clone());
                        }
                        billing.cut(Cut { seq, at: now, kind: CutKind::Moved, seller_id, funding });
                    }
                    Happens::Funding => {
                        let seq = book.write(now, state);
                        funding = if funding == Funding::Prepaid { Funding::Postpaid } else { Funding::Prepaid };
                        let seller_id = billing.newest_seller().clone();
                        billing.cut(Cut { seq, at: now, kind: CutKind::Funding, seller_id, funding });
                    }
                    Happens::Charge(0) => {}
                    Happens::Charge(cents) => {
                        let seller_id = billing.newest_seller().clone();
                        let new = Charge { seller_id, at: now, ..charge(number as u128, ChargeKind::Adjustment, cents * 10_000) };
                        if billing.charge(new).is_ok() {
                            charged += cents * 10_000;
                        }
                    }
                    Happens::Run => run(&mut billing, &book, now, &mut exact),
                }
            }
            // The end of the account, and a run after everything.
            let seq = book.write(now, book.newest());
            let seller_id = billing.newest_seller().clone();
            billing.cut(Cut { seq, at: now, kind: CutKind::Closed, seller_id, funding });
            run(&mut billing, &book, Timestamp::MAX, &mut exact);
            prop_assert!(billing.ended);
            prop_assert_eq!((exact, paid(&book.newest())), (owed, Picos::new(owed)));
            prop_assert_eq!(billing.period_start, now);
            // What former sellers paid back is shown as settled, and no part of what the present one billed or paid for it.
            let usage = || invoices.iter().flat_map(|invoice| &invoice.lines).filter(|line| line.kind == LineKind::Usage);
            let (apart, own): (Vec<_>, Vec<_>) = usage().partition(|line| line.id.starts_with(RETURNED));
            let state = book.newest();
            let back = state.returned.values().try_fold(Returned::default(), |sum, back| sum.plus(*back)).expect("in range");
            prop_assert_eq!(apart.iter().map(|line| -line.exact.get()).sum::<i128>(), back.paid.get());
            prop_assert!(apart.iter().all(|line| line.settled && !line.taxable && line.cost.is_none()));
            let kept = state.months.values().flat_map(|month| month.meters.values()).map(|meter| meter.cost.get()).sum::<i128>();
            let costs = own.iter().map(|line| line.cost.unwrap_or_default().get()).sum::<i128>();
            prop_assert_eq!(costs, kept + state.older_cost.get() + back.cost.get());
            // Each charge is on exactly one invoice, or still waits; what was carried forward came back as often as it was taken out.
            let of = |kind: LineKind| invoices.iter().flat_map(|invoice| &invoice.lines).filter(move |line| line.kind == kind);
            let adjusted: i64 = of(LineKind::Adjustment).map(|line| line.amount.get()).sum();
            let waiting: i64 = billing.charges.iter().filter(|charge| charge.kind == ChargeKind::Adjustment).map(|charge| charge.amount.get()).sum();
            prop_assert_eq!(adjusted + waiting, charged);
            // What is left was below zero on a seller's last invoice, and is given back.
            prop_assert_eq!(billing.stranded().count(), billing.charges.len());
            let carried: i64 = of(LineKind::CarriedForward).map(|line| line.amount.get()).sum();
            let left: i64 = billing.charges.iter().filter(|charge| charge.kind == ChargeKind::CarriedForward).map(|charge| charge.amount.get()).sum();
            prop_assert_eq!(carried + left, 0);
            for mut invoice in invoices {
                invoice.finalize("INV-000001".to_owned(), now, 0).expect("a draft");
                prop_assert!(!invoice.due().expect("in range").is_negative());
            }
            let text = serde_json::to_string(&billing).expect("writes");
            prop_assert_eq!(serde_json::from_str::<Billing>(&text).expect("reads"), billing);
        }
    }

    #[test]
    fn a_seller_that_has_the_account_back_in_the_same_period_goes_on_with_it() {
        let mut billing = begun(&utc(), "2026-11-01T00:00:00Z");
        billing.cut(cut(5, "2026-11-10T00:00:00Z", CutKind::Moved, 2));
        billing.cut(cut(6, "2026-11-20T00:00:00Z", CutKind::Moved, 1));
        billing.cut(cut(7, "2026-11-25T00:00:00Z", CutKind::Funding, 1));
        let mut seen = Vec::new();
        while let Some(close) = billing.next(&utc(), 0, at("2026-12-20T00:00:00Z")) {
            seen.push((close.seller_id.as_u128(), close.continues));
            billing = billing.advance(&close, &utc(), close.at_most.unwrap_or(9), Billed::default(), None).expect("in range");
        }
        assert_eq!(seen, [(1, false), (2, false), (1, true)], "its whole fee is not charged again");
        assert!(!billing.running(&utc(), 0).expect("a period").continues, "in the next period it is");
    }

    #[test]
    fn charges_that_the_kept_invoice_does_not_have_still_wait() {
        let mut billing = begun(&utc(), "2026-11-01T00:00:00Z");
        billing.charge(charge(1, ChargeKind::Purchase, 1_000_000)).expect("room");
        let close = billing.next(&utc(), 0, at("2026-12-01T00:00:00Z")).expect("it is due");
        let (to_seq, built) = closed(&billing, &close, &Book::default());
        // It was killed before the billing went on, and another charge came in between.
        billing.charge(charge(2, ChargeKind::Purchase, 5_000_000)).expect("room");
        let after = billing.advance(&close, &utc(), to_seq, built.billed, built.invoice.as_ref()).expect("in range");
        let left: Vec<_> = after.charges.iter().map(|charge| charge.amount).collect();
        assert_eq!(left, [micros("5")]);
    }

    #[test]
    fn what_joined_a_charge_or_was_taken_back_after_its_invoice_was_made_is_on_the_next_one() {
        let mut billing = begun(&utc(), "2026-11-01T00:00:00Z");
        billing.charge(charge(1, ChargeKind::Purchase, 100_000_000)).expect("room");
        billing.charge(charge(2, ChargeKind::Adjustment, -7_000_001)).expect("room");
        let close = billing.next(&utc(), 0, at("2026-12-01T00:00:00Z")).expect("it is due");
        let (to_seq, built) = closed(&billing, &close, &Book::default());
        // It was killed before the billing went on. A purchase joined the first charge, and the second was taken back.
        billing.charges.retain(|charge| charge.kind == ChargeKind::Purchase);
        (billing.charges[0].amount, billing.charges[0].count) = (micros("130"), 2);
        billing.charges[0].transfer_id = Some(TransferId::from_number(9));
        let after = billing.advance(&close, &utc(), to_seq, built.billed, built.invoice.as_ref()).expect("in range");
        let left: Vec<_> = after.charges.iter().map(|charge| (charge.kind, charge.amount, charge.id.clone())).collect();
        let wanted = [(ChargeKind::Purchase, micros("30"), 9), (ChargeKind::Adjustment, micros("7.000001"), 3)];
        assert_eq!(left, wanted.map(|(kind, amount, id)| (kind, amount, ChargeId::from_number(id))));
        let next = after.next(&utc(), 0, at("2027-01-01T00:00:00Z")).expect("it is due");
        let lines = closed(&after, &next, &Book::default()).1.invoice.expect("they are on it").lines;
        assert!(left.iter().all(|(_, _, id)| lines.iter().any(|line| line.id == id.as_str())), "{lines:?}");
    }
}
