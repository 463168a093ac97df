//! Chasing what is due, purely: what is done next with an invoice, and when.
//!
//! Only the account's own invoice is looked at: what a parent or a child owes is another invoice of another account.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::billing::invoice::{Invoice, InvoiceState};
use crate::billing::payment::{Payment, PaymentState};
use crate::billing::profile::Collection;
use crate::id::PaymentId;
use crate::money::Overflow;
use crate::pricing::error::{PricingError, Reason};

/// The most tries, and the most reminders, after the due date.
pub const MAX_STEPS: usize = 10;
/// The latest day of any step after the due date.
pub const MAX_DAYS: u16 = 365;
/// How long an answer of the processor is waited for before the attempt is looked up, in seconds.
pub const ANSWER_S: i64 = 60;
/// How often an attempt that is being processed, or waits for its payer, is looked up, in seconds.
pub const LOOK_UP_S: i64 = 6 * 60 * 60;
/// How long a payer has to confirm an attempt before it is cancelled and tried anew, in seconds.
pub const CONFIRM_S: i64 = 3 * 24 * 60 * 60;

/// How what is due is chased. Days are counted from the due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// On which days it is tried again to collect it; rising, 1 to [`MAX_DAYS`].
    pub retry_days: Vec<u16>,
    /// On which days it is reminded of; rising, 1 to [`MAX_DAYS`].
    pub remind_days: Vec<u16>,
    /// After so many days the account is suspended; none: never.
    pub suspend_after_days: Option<u16>,
    /// After so many days it is given up; none: never.
    pub uncollectible_after_days: Option<u16>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { retry_days: vec![1, 3, 5, 7], remind_days: vec![1, 7, 14], suspend_after_days: Some(14), uncollectible_after_days: Some(90) }
    }
}

impl Policy {
    /// Refuses days that do not rise or are out of range.
    ///
    /// # Errors
    /// The first wrong part, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        let out = || Reason::OutOfRange("1", "365");
        for (pointer, days) in [("/retry_days", &self.retry_days), ("/remind_days", &self.remind_days)] {
            if days.len() > MAX_STEPS {
                return Err(PricingError::at(pointer, Reason::TooMany(MAX_STEPS)));
            }
            let mut before = 0;
            for (at, day) in days.iter().enumerate() {
                if !(1..=MAX_DAYS).contains(day) {
                    return Err(PricingError::at(format!("{pointer}/{at}"), out()));
                }
                if *day <= before {
                    return Err(PricingError::at(format!("{pointer}/{at}"), Reason::NotRising));
                }
                before = *day;
            }
        }
        let ends = [("/suspend_after_days", self.suspend_after_days), ("/uncollectible_after_days", self.uncollectible_after_days)];
        for (pointer, day) in ends {
            if day.is_some_and(|day| !(1..=MAX_DAYS).contains(&day)) {
                return Err(PricingError::at(pointer, out()));
            }
        }
        if let (Some(suspend), Some(give_up)) = (self.suspend_after_days, self.uncollectible_after_days)
            && give_up < suspend
        {
            return Err(PricingError::at("/uncollectible_after_days", Reason::Shape("must not be before suspend_after_days")));
        }
        Ok(())
    }
}

/// How far an invoice was chased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chase {
    /// How many of the times to collect it are behind it: the first is its date, then those of [`Policy::retry_days`].
    #[serde(default)]
    pub tried: u32,
    /// How many reminders are behind it.
    #[serde(default)]
    pub reminded: u32,
    /// It suspended the account.
    #[serde(default)]
    pub suspended: bool,
    /// How many payments of it were begun, by whatever means.
    #[serde(default)]
    pub attempts: u32,
}

/// What collecting looks at beside the invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means<'a> {
    /// Whether the card is charged by itself.
    pub collection: Collection,
    /// The card, by the processor's name for it; none if there is none.
    pub method: Option<&'a str>,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, ever, unless something else happens.
    Nothing,
    /// Nothing before this time.
    Wait(Timestamp),
    /// It is collected: from credit, then the rest from the card if `card` says so.
    Collect {
        /// The card may be charged.
        card: bool,
        /// What [`Chase::tried`] becomes.
        tried: u32,
    },
    /// The processor is asked what became of an attempt.
    LookUp(PaymentId),
    /// An attempt that its payer did not confirm in time is cancelled.
    Cancel(PaymentId),
    /// The time to pay it is over.
    FallDue,
    /// It is reminded of.
    Remind {
        /// What [`Chase::reminded`] becomes.
        reminded: u32,
    },
    /// The account is suspended.
    Suspend,
    /// The suspension is lifted.
    Lift,
    /// It is given up.
    GiveUp,
}

fn days_after(at: Timestamp, days: u16) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// How many of `times` are not after `now`, and the next one.
fn passed(times: &[Timestamp], now: Timestamp) -> (u32, Option<Timestamp>) {
    let count = times.iter().filter(|at| **at <= now).count();
    (u32::try_from(count).unwrap_or(u32::MAX), times.get(count).copied())
}

/// What is done next with an invoice. `attempts` are its payments through the processor, oldest first. Steps whose time is long over are done
/// once, not as often as they were missed, and collecting comes before what hurts.
///
/// # Errors
/// [`Overflow`] if the invoice's amounts leave their range.
pub fn next_step(policy: &Policy, invoice: &Invoice, means: Means<'_>, attempts: &[Payment], now: Timestamp) -> Result<Step, Overflow> {
    let (Some(issued_at), Some(due_at)) = (invoice.issued_at, invoice.due_at) else {
        // A draft: it is issued by itself, and nothing of it is collected before.
        return Ok(Step::Nothing);
    };
    let open = attempts.iter().rev().find(|attempt| attempt.state.is_open());
    let mut next = Timestamp::MAX;
    if let Some(attempt) = open {
        // Money may have been taken: even of an invoice that is paid by now, what became of it must be known.
        let wait = match attempt.state {
            PaymentState::Created | PaymentState::Sent | PaymentState::Unknown => ANSWER_S,
            _ => LOOK_UP_S,
        };
        if attempt.state == PaymentState::ActionRequired {
            let over = seconds_after(attempt.changed_at, CONFIRM_S);
            if over <= now {
                return Ok(Step::Cancel(attempt.id.clone()));
            }
            next = next.min(over);
        }
        let look_up = seconds_after(attempt.heard_at, wait);
        if look_up <= now {
            return Ok(Step::LookUp(attempt.id.clone()));
        }
        next = next.min(look_up);
    }
    let waits = |next: Timestamp| if next == Timestamp::MAX { Step::Nothing } else { Step::Wait(next) };
    let chased = matches!(invoice.state, InvoiceState::Finalized | InvoiceState::PastDue) && !invoice.in_collection()?.is_zero();
    if !chased {
        let lifted = invoice.chase.suspended && invoice.state != InvoiceState::Uncollectible;
        return Ok(if lifted { Step::Lift } else { waits(next) });
    }
    if invoice.state == InvoiceState::Finalized && due_at <= now {
        return Ok(Step::FallDue);
    }
    let tries: Vec<Timestamp> = std::iter::once(issued_at).chain(policy.retry_days.iter().map(|day| days_after(due_at, *day))).collect();
    let (tried, next_try) = passed(&tries, now);
    if open.is_none() {
        if invoice.chase.tried < tried {
            return Ok(Step::Collect { card: may_charge(means, attempts), tried });
        }
        next = next.min(next_try.unwrap_or(Timestamp::MAX));
    }
    let reminders: Vec<Timestamp> = policy.remind_days.iter().map(|day| days_after(due_at, *day)).collect();
    let (reminded, next_reminder) = passed(&reminders, now);
    if invoice.chase.reminded < reminded {
        return Ok(Step::Remind { reminded });
    }
    next = next.min(next_reminder.unwrap_or(Timestamp::MAX));
    // While the processor may be taking the money nobody is punished for not having paid.
    let in_flight = open.is_some_and(|attempt| attempt.state != PaymentState::ActionRequired);
    if !in_flight {
        if let Some(at) = policy.suspend_after_days.filter(|_| !invoice.chase.suspended).map(|days| days_after(due_at, days)) {
            if at <= now {
                return Ok(Step::Suspend);
            }
            next = next.min(at);
        }
        if let Some(at) = policy.uncollectible_after_days.map(|days| days_after(due_at, days)) {
            if at <= now {
                return Ok(Step::GiveUp);
            }
            next = next.min(at);
        }
    }
    if invoice.state == InvoiceState::Finalized {
        next = next.min(due_at);
    }
    Ok(waits(next))
}

/// Whether the card may be charged by itself: there is one, and it was not declined for good.
fn may_charge(means: Means<'_>, attempts: &[Payment]) -> bool {
    let Some(method) = means.method.filter(|_| means.collection == Collection::Automatic) else { return false };
    !attempts.iter().any(|attempt| attempt.method == method && attempt.is_declined_for_good())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::payment::{DeclineKind, Purpose, Signal};
    use crate::billing::testing::{at, buyer, golden, issued, micros, november, seller};
    use crate::money::Micros;

    fn attempt(state: PaymentState, decline: Option<DeclineKind>, changed_at: Timestamp) -> Payment {
        let (purpose, amount) = (Purpose::Credit(Micros::ZERO), (micros("180"), crate::billing::testing::usd()));
        let new = Payment::new(PaymentId::from_number(1), (buyer(), seller()), purpose, amount, "pm_1", changed_at);
        Payment { state, decline, ..new }
    }

    fn automatic() -> Means<'static> {
        Means { collection: Collection::Automatic, method: Some("pm_1") }
    }

    fn shown(step: &Step) -> String {
        match step {
            Step::Wait(until) => format!("wait until {until}"),
            Step::Collect { card, tried } => format!("collect from credit{}, try {tried}", if *card { " and card" } else { "" }),
            Step::Remind { reminded } => format!("remind, {reminded}"),
            Step::LookUp(_) => "look up the attempt".to_owned(),
            Step::Cancel(_) => "cancel the attempt".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// Does what is said, with a card that declines, until there is nothing more to do.
    fn life(mut invoice: Invoice, policy: &Policy, means: Means<'_>, attempts: &[Payment], end: Timestamp) -> String {
        let mut attempts = attempts.to_vec();
        let mut lines = String::new();
        let mut now = invoice.issued_at.unwrap_or(invoice.closed_at);
        for _ in 0..100 {
            let step = next_step(policy, &invoice, means, &attempts, now).expect("in range");
            lines.push_str(&format!("  {now} {:<14} {}\n", invoice.state.word(), shown(&step)));
            match step {
                Step::Wait(until) if until > end => break,
                Step::Wait(until) => now = until,
                Step::Collect { tried, .. } => invoice.chase.tried = tried,
                Step::Remind { reminded } => invoice.chase.reminded = reminded,
                Step::FallDue => invoice.fall_due().expect("allowed"),
                Step::Suspend => invoice.chase.suspended = true,
                Step::Lift => invoice.chase.suspended = false,
                Step::GiveUp => invoice.give_up().expect("allowed"),
                Step::LookUp(_) if now > at("2026-12-01T12:00:00Z") || attempts[0].state < PaymentState::Processing => break,
                Step::LookUp(_) => attempts[0].heard_at = now,
                Step::Cancel(_) => {
                    attempts[0].hear(Signal::Cancelled, now);
                }
                Step::Nothing => break,
            }
        }
        lines
    }

    fn changed(change: impl FnOnce(&mut Invoice)) -> Invoice {
        let mut invoice = issued();
        change(&mut invoice);
        invoice
    }

    #[test]
    fn every_branch_is_the_one_in_the_table() {
        let (policy, end) = (Policy::default(), at("2027-12-01T00:00:00Z"));
        let start = november().end;
        let gentle = Policy { suspend_after_days: None, uncollectible_after_days: None, ..Policy::default() };
        let no_card = Means { collection: Collection::Automatic, method: None };
        let manual = Means { collection: Collection::Manual, method: Some("pm_1") };
        let declined = |kind| [attempt(PaymentState::Declined, Some(kind), start)];
        let long_ago = changed(|invoice| invoice.issued_at = Some(at("2027-06-01T00:00:00Z")));
        let draft = changed(|invoice| {
            (invoice.state, invoice.issued_at, invoice.due_at, invoice.number) = (InvoiceState::Draft, None, None, None);
            invoice.draft_until = Some(at("2026-12-03T00:00:00Z"));
        });
        let disputed = changed(|invoice| {
            let all: std::collections::BTreeMap<_, _> = invoice.lines.iter().map(|line| (line.id.clone(), line.amount)).collect();
            invoice.hold(&all, false).expect("in range");
        });
        let paid = changed(|invoice| invoice.pay(micros("180")).expect("all of it"));
        let paid_late = changed(|invoice| {
            invoice.chase.suspended = true;
            invoice.pay(micros("180")).expect("all of it");
        });
        let void = changed(|invoice| invoice.void().expect("untouched"));
        let given_up = changed(|invoice| {
            invoice.fall_due().expect("allowed");
            invoice.give_up().expect("allowed");
            invoice.chase.suspended = true;
        });
        let mut table = String::new();
        let mut add = |what: &str, invoice: Invoice, policy: &Policy, means: Means<'_>, attempts: &[Payment]| {
            table.push_str(&format!("{what}\n{}", life(invoice, policy, means, attempts, end)));
        };
        add("nothing is ever paid", issued(), &policy, automatic(), &[]);
        add("without a card", issued(), &gentle, no_card, &[]);
        add("collected by hand", issued(), &gentle, manual, &[]);
        add("the card has too little", issued(), &gentle, automatic(), &declined(DeclineKind::InsufficientFunds));
        add("the card was stolen", issued(), &gentle, automatic(), &declined(DeclineKind::LostOrStolen));
        add("looked at again after half a year", long_ago, &policy, automatic(), &[]);
        add("a draft", draft, &gentle, automatic(), &[]);
        add("all of it is disputed", disputed, &policy, automatic(), &[]);
        add("paid", paid, &policy, automatic(), &[]);
        add("paid after it suspended", paid_late, &policy, automatic(), &[]);
        add("void", void, &policy, automatic(), &[]);
        add("given up", given_up, &policy, automatic(), &[]);
        let unconfirmed = Payment { heard_at: at("2027-12-01T00:00:00Z"), ..attempt(PaymentState::ActionRequired, None, start) };
        add("an attempt is never confirmed", issued(), &gentle, automatic(), &[unconfirmed]);
        for state in PaymentState::ALL.into_iter().filter(|state| state.is_open()) {
            add(&format!("an attempt is {}", state.word()), issued(), &policy, automatic(), &[attempt(state, None, start)]);
        }
        golden("dunning", &table);
    }

    #[test]
    fn a_card_that_was_declined_for_good_waits_for_another() {
        let start = november().end;
        let lost = [attempt(PaymentState::Declined, Some(DeclineKind::LostOrStolen), start)];
        let step = |method| next_step(&Policy::default(), &issued(), Means { method: Some(method), ..automatic() }, &lost, start);
        assert_eq!(step("pm_1"), Ok(Step::Collect { card: false, tried: 1 }));
        assert_eq!(step("pm_2"), Ok(Step::Collect { card: true, tried: 1 }));
        // The kind alone does not say so, the bank does.
        let advised = [Payment { for_good: true, ..attempt(PaymentState::Declined, Some(DeclineKind::Other), start) }];
        let step = |method| next_step(&Policy::default(), &issued(), Means { method: Some(method), ..automatic() }, &advised, start);
        assert_eq!(step("pm_1"), Ok(Step::Collect { card: false, tried: 1 }));
        assert_eq!(step("pm_2"), Ok(Step::Collect { card: true, tried: 1 }));
    }

    #[test]
    fn a_policy_rises_within_a_year() {
        let refused = |policy: Policy| policy.validate().map_err(|error| error.pointer);
        let base = Policy::default();
        assert_eq!(refused(base.clone()), Ok(()));
        assert_eq!(refused(Policy { retry_days: vec![1, 1], ..base.clone() }), Err("/retry_days/1".to_owned()));
        assert_eq!(refused(Policy { remind_days: vec![0], ..base.clone() }), Err("/remind_days/0".to_owned()));
        assert_eq!(refused(Policy { remind_days: (1..12).collect(), ..base.clone() }), Err("/remind_days".to_owned()));
        assert_eq!(refused(Policy { suspend_after_days: Some(366), ..base.clone() }), Err("/suspend_after_days".to_owned()));
        assert_eq!(refused(Policy { uncollectible_after_days: Some(13), ..base }), Err("/uncollectible_after_days".to_owned()));
    }
}
