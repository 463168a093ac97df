//! Alerts, purely: what a rule watches, and when it fires and is resolved.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, AlertId};
use crate::money::Micros;
use crate::pricing::meter::MeterKey;
use crate::text::Email;
use crate::topup::{day_ends, day_of, month_ends};

/// The most rules of one account.
pub const MAX_RULES: usize = 50;
/// The most addresses that one rule writes to.
pub const MAX_EMAILS: usize = 10;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Available credit.
    Balance,
    /// What the account paid for usage in the period; of one below the rule's account, what that is paid for its usage.
    Spend,
    /// What the account and everything below it used of a meter in the period.
    Usage,
    /// In how many days the credit runs out, as the usage is forecast.
    TimeToEmpty,
    /// What the rule's account paid in the period for what it sold, less what it was paid for it: of the account itself all that it sold,
    /// of one below it what is used there and below that.
    Loss,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 5] = [Metric::Balance, Metric::Spend, Metric::Usage, Metric::TimeToEmpty, Metric::Loss];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Metric::Balance => "balance",
            Metric::Spend => "spend",
            Metric::Usage => "usage",
            Metric::TimeToEmpty => "time_to_empty",
            Metric::Loss => "loss",
        }
    }

    /// It is added up over a period, and fires above the threshold; the others fire below it.
    pub fn is_of_period(self) -> bool {
        matches!(self, Metric::Spend | Metric::Usage | Metric::Loss)
    }
}

/// What is added up over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day in UTC.
    Day,
    /// A calendar month in UTC.
    Month,
}

impl Period {
    /// The first day of the period that `now` falls into.
    pub fn first_day(self, now: Timestamp) -> Date {
        match self {
            Period::Day => day_of(now),
            Period::Month => day_of(now).first_of_month(),
        }
    }

    /// The first moment after it.
    pub fn ends(self, now: Timestamp) -> Timestamp {
        match self {
            Period::Day => day_ends(now),
            Period::Month => month_ends(now),
        }
    }
}

/// Who is told, beside the events that everybody may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// The webhooks of the rule's account and of those above it.
    pub webhook: bool,
    /// By mail.
    pub emails: Vec<Email>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: AlertId,
    /// Whose rule it is, and what it watches.
    pub account_id: AccountId,
    /// It watches everything below that account too, each account by itself.
    pub subtree: bool,
    /// What it watches.
    pub metric: Metric,
    /// Of [`Metric::Usage`], of which meter; of [`Metric::Loss`], of one meter alone.
    pub meter: Option<MeterKey>,
    /// Of what is added up, over what.
    pub period: Option<Period>,
    /// Where it fires: credit, a quantity, or days, in millionths.
    pub threshold: Micros,
    /// It fires at every crossing; else, of each account, at the first alone.
    pub recurring: bool,
    /// Who is told.
    pub channels: Channels,
    /// It is in force.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Raised by one with each change.
    pub version: i64,
}

/// Why a rule is none: the field, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} {1}")]
pub struct RuleError(pub &'static str, pub &'static str);

impl Rule {
    /// Refuses fields that do not go together.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn validate(&self) -> Result<(), RuleError> {
        match (self.metric, &self.meter) {
            (Metric::Usage, None) => return Err(RuleError("/meter", "is required for usage")),
            (Metric::Usage | Metric::Loss, Some(_)) | (_, None) => {}
            (_, Some(_)) => return Err(RuleError("/meter", "is of usage and loss alone")),
        }
        match (self.metric.is_of_period(), self.period) {
            (true, None) => return Err(RuleError("/period", "is required: day or month")),
            (false, Some(_)) => return Err(RuleError("/period", "is of spend, usage and loss alone")),
            (true, Some(_)) | (false, None) => {}
        }
        if self.metric != Metric::Balance && self.threshold.is_negative() {
            return Err(RuleError("/threshold", "must not be negative"));
        }
        if self.channels.emails.len() > MAX_EMAILS {
            return Err(RuleError("/channels/emails", "must be at most 10"));
        }
        Ok(())
    }

    /// Whether a value is beyond the threshold.
    pub fn is_beyond(&self, value: Micros) -> bool {
        if self.metric.is_of_period() { value > self.threshold } else { value < self.threshold }
    }

    /// Whether it watches an account with these ancestors.
    pub fn watches<'a>(&self, account: &AccountId, mut above: impl Iterator<Item = &'a AccountId>) -> bool {
        self.enabled && (self.account_id == *account || self.subtree && above.any(|above| *above == self.account_id))
    }
}

/// Since when a rule fires of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// Since when.
    pub since: Timestamp,
    /// The value then.
    pub value: Micros,
    /// The first day of the period whose sum it was.
    pub period: Option<Date>,
}

/// How a rule stands of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Since when it fires.
    pub firing: Option<Firing>,
    /// It fired under this version of the rule.
    pub fired: Option<i64>,
}

/// What a look at a value changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It crossed the threshold.
    Fired,
    /// It is back, or the period is over.
    Resolved,
}

impl Standing {
    /// What a look at `value` changes, and how the rule then stands; asked until it changes nothing more, for a new period
    /// first resolves and may then fire anew. A rule that is not recurring fires once of each account, and again after it
    /// was changed.
    pub fn look(&self, rule: &Rule, value: Micros, now: Timestamp) -> Option<(Turn, Standing)> {
        let period = rule.period.map(|period| period.first_day(now));
        match &self.firing {
            Some(firing) if firing.period == period && rule.is_beyond(value) => None,
            Some(_) => Some((Turn::Resolved, Standing { firing: None, fired: self.fired })),
            None if !rule.is_beyond(value) || !rule.enabled => None,
            None if !rule.recurring && self.fired == Some(rule.version) => None,
            None => {
                let firing = Firing { since: now, value, period };
                Some((Turn::Fired, Standing { firing: Some(firing), fired: Some(rule.version) }))
            }
        }
    }

    /// Whether a look could change anything, whatever the value.
    pub fn is_spent(&self, rule: &Rule) -> bool {
        self.firing.is_none() && !rule.recurring && self.fired == Some(rule.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn rule(metric: Metric, threshold: i64) -> Rule {
        let at = Timestamp::UNIX_EPOCH;
        Rule {
            id: AlertId::from_uuid(Uuid::from_u128(1)),
            account_id: AccountId::from_uuid(Uuid::from_u128(2)),
            subtree: false,
            metric,
            meter: (metric == Metric::Usage).then(|| "api.calls".parse().expect("a meter")),
            period: metric.is_of_period().then_some(Period::Day),
            threshold: Micros::new(threshold),
            recurring: true,
            channels: Channels { webhook: true, emails: Vec::new() },
            enabled: true,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// The turns of a rule over values at times.
    fn turns(rule: &Rule, seen: &[(&str, i64)]) -> Vec<(Turn, i64)> {
        let (mut standing, mut turns) = (Standing::default(), Vec::new());
        for (when, value) in seen {
            while let Some((turn, next)) = standing.look(rule, Micros::new(*value), at(when)) {
                turns.push((turn, *value));
                standing = next;
            }
        }
        turns
    }

    const DAY: &str = "2026-11-22T10:00:00Z";

    #[test]
    fn a_crossing_fires_once_and_is_resolved_once() {
        let values = [12, 10, 9, 9, 3, -4, 10, 11, 9, 30].map(|value| (DAY, value));
        let want = [(Turn::Fired, 9), (Turn::Resolved, 10), (Turn::Fired, 9), (Turn::Resolved, 30)];
        assert_eq!(turns(&rule(Metric::Balance, 10), &values), want);
        assert_eq!(turns(&rule(Metric::TimeToEmpty, 10), &values), want);
        let rises = [1, 10, 11, 40, 10, 12].map(|value| (DAY, value));
        for metric in [Metric::Spend, Metric::Usage, Metric::Loss] {
            assert_eq!(turns(&rule(metric, 10), &rises), [(Turn::Fired, 11), (Turn::Resolved, 10), (Turn::Fired, 12)]);
        }
    }

    #[test]
    fn one_that_is_not_recurring_fires_once_until_it_is_changed() {
        let once = Rule { recurring: false, ..rule(Metric::Balance, 10) };
        let values = [9, 11, 9, 11].map(|value| (DAY, value));
        assert_eq!(turns(&once, &values), [(Turn::Fired, 9), (Turn::Resolved, 11)]);
        let spent = Standing { firing: None, fired: Some(1) };
        assert!(spent.is_spent(&once));
        let changed = Rule { version: 2, ..once };
        assert!(spent.look(&changed, Micros::new(9), at(DAY)).is_some());
    }

    #[test]
    fn a_new_period_resolves_and_may_fire_anew() {
        let seen = [(DAY, 11), ("2026-11-22T23:59:59.999Z", 12), ("2026-11-23T00:00:00Z", 0), ("2026-11-23T01:00:00Z", 11)];
        assert_eq!(turns(&rule(Metric::Spend, 10), &seen), [(Turn::Fired, 11), (Turn::Resolved, 0), (Turn::Fired, 11)]);
        let at_once = [(DAY, 11), ("2026-11-23T00:00:00Z", 20)];
        assert_eq!(turns(&rule(Metric::Spend, 10), &at_once), [(Turn::Fired, 11), (Turn::Resolved, 20), (Turn::Fired, 20)]);
        let month = Rule { period: Some(Period::Month), ..rule(Metric::Spend, 10) };
        let over = [(DAY, 11), ("2026-11-30T23:00:00Z", 50), ("2026-12-01T00:00:00Z", 1)];
        assert_eq!(turns(&month, &over), [(Turn::Fired, 11), (Turn::Resolved, 1)]);
    }

    #[test]
    fn one_that_is_switched_off_does_not_fire_but_is_resolved() {
        let off = Rule { enabled: false, ..rule(Metric::Balance, 10) };
        assert_eq!(Standing::default().look(&off, Micros::new(1), at(DAY)), None);
        let firing = Standing { firing: Some(Firing { since: at(DAY), value: Micros::new(1), period: None }), fired: Some(1) };
        assert_eq!(firing.look(&off, Micros::new(10), at(DAY)).map(|(turn, _)| turn), Some(Turn::Resolved));
    }

    #[test]
    fn fields_that_do_not_go_together_are_refused() {
        for metric in Metric::ALL {
            assert_eq!(rule(metric, 5).validate(), Ok(()), "{metric:?}");
            let refused = |rule: Rule| rule.validate().map_err(|RuleError(field, _)| field);
            assert_eq!(refused(rule(metric, -5)), if metric == Metric::Balance { Ok(()) } else { Err("/threshold") });
            let other = if metric.is_of_period() { None } else { Some(Period::Day) };
            assert_eq!(refused(Rule { period: other, ..rule(metric, 5) }), Err("/period"));
            let other = if metric == Metric::Usage { None } else { Some("api.calls".parse().expect("a meter")) };
            let of_one_meter = if metric == Metric::Loss { Ok(()) } else { Err("/meter") };
            assert_eq!(refused(Rule { meter: other, ..rule(metric, 5) }), of_one_meter);
        }
    }

    #[test]
    fn a_rule_watches_its_account_and_with_subtree_all_below() {
        let id = |n: u128| AccountId::from_uuid(Uuid::from_u128(n));
        let (own, wide) = (rule(Metric::Balance, 1), Rule { subtree: true, ..rule(Metric::Balance, 1) });
        let above = [id(0), id(2)];
        assert!(own.watches(&id(2), [].iter()) && wide.watches(&id(2), [].iter()));
        assert!(!own.watches(&id(3), above.iter()) && wide.watches(&id(3), above.iter()));
        assert!(!wide.watches(&id(3), [id(0)].iter()));
        assert!(!Rule { enabled: false, ..own }.watches(&id(2), [].iter()));
    }
}
