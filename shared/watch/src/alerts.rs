//! Alerts: what each rule's value is now, and whether it crossed its threshold.

use std::collections::BTreeMap;

use tributary_api::App;
use tributary_domain::alert::{Metric, Period, Rule, Turn};
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::money::{MICROS_PER_UNIT, Micros};
use tributary_metering::forecasts::{Days, Subject, days_left};
use tributary_store::alerts::StandingRead;
use tributary_store::error::StoreError;

use crate::{Looked, Rang, WatchError, act};

/// How often one rule is looked at anew when others come first.
const AGAIN: usize = 8;

/// The values of one account, each read when the first rule asks for it.
struct Values<'a> {
    app: &'a App,
    account: &'a AccountId,
    head: Head,
    days: BTreeMap<Period, Days>,
    left: Option<Option<i64>>,
}

/// Looks at what every rule watches of an account. Each crossing is told once: it is kept only where nobody kept another since. What is told
/// last is of the newest balance: after each crossing that is read again, since others may have looked at a newer one and found
/// nothing to tell.
///
/// # Errors
/// [`WatchError`].
pub async fn look(
    app: &App,
    run: &RequestId,
    account: &AccountId,
    head: &Head,
    rules: &[Rule],
    rang: Rang,
    looked: &mut Looked,
) -> Result<(), WatchError> {
    let rang_for = |rule: &&Rule| rang == Rang::Everything || !rule.metric.is_of_period();
    let rules: Vec<&Rule> = rules.iter().filter(rang_for).collect();
    let standings = app.store().standings(&rules, account).await?;
    let mut values = Values { app, account, head: head.clone(), days: BTreeMap::new(), left: None };
    for (rule, read) in rules.into_iter().zip(standings) {
        turn(&mut values, run, rule, read, looked).await?;
    }
    Ok(())
}

/// Fires or resolves one rule, until there is nothing to tell.
async fn turn(
    values: &mut Values<'_>,
    run: &RequestId,
    rule: &Rule,
    mut read: StandingRead,
    looked: &mut Looked,
) -> Result<(), WatchError> {
    let (app, account) = (values.app, values.account);
    for _ in 0..AGAIN {
        if read.standing.is_spent(rule) {
            return Ok(());
        }
        let Some(value) = values.of(rule).await? else { return Ok(()) };
        let act = act(app, run);
        let Some((turn, new)) = read.standing.look(rule, value, act.now) else { return Ok(()) };
        match app.store().turn_alert(rule, account, &read, turn, &new, value, &act).await? {
            Some(kept) => {
                read = kept;
                match turn {
                    Turn::Fired => looked.fired += 1,
                    Turn::Resolved => looked.resolved += 1,
                }
                tracing::info!(request_id = run.as_str(), account_id = %account, alert_id = %rule.id, turn = ?turn, "an alert turned");
            }
            // Somebody else looked at the same time: what is left to say is decided on what they kept.
            None => read = app.store().standings(&[rule], account).await?.pop().unwrap_or_default(),
        }
        values.read_again().await?;
    }
    Err(StoreError::Busy.into())
}

impl Values<'_> {
    /// Takes the newest entry. What is known stays known if nothing moved.
    async fn read_again(&mut self) -> Result<(), WatchError> {
        let head = self.app.store().head(&LedgerId::Account(self.account.clone())).await?;
        if head.seq != self.head.seq {
            self.days.clear();
            self.left = None;
            self.head = head;
        }
        Ok(())
    }

    /// What a rule watches; none where there is nothing to compare.
    async fn of(&mut self, rule: &Rule) -> Result<Option<Micros>, WatchError> {
        match rule.metric {
            Metric::Balance => return Ok(Some(self.head.available)),
            Metric::TimeToEmpty => return self.left().await,
            Metric::Spend | Metric::Usage | Metric::Loss => {}
        }
        let Some(period) = rule.period else { return Ok(None) };
        let (first, today) = (period.first_day(self.app.now()), Period::Day.first_day(self.app.now()));
        if !self.days.contains_key(&period) {
            self.days.insert(period, Days::read(self.app, self.account, first, today).await?);
        }
        let Some(days) = self.days.get(&period) else { return Ok(None) };
        // All money is that of the rule's own level: what others pay each other further down is not its account's to know.
        let (of, meter) = (&rule.account_id, rule.meter.as_ref());
        let value = match (rule.metric, meter) {
            (Metric::Loss, _) => days.loss(of, meter, first, today),
            (Metric::Spend, _) if of == self.account => days.total(&Subject::Cost(of.clone()), None, first, today),
            (Metric::Spend, _) => days.total(&Subject::Price(of.clone()), None, first, today),
            (_, Some(meter)) => days.total(&Subject::Quantity(meter.clone()), None, first, today),
            (_, None) => return Ok(None),
        };
        Ok(Some(Micros::new(value)))
    }

    async fn left(&mut self) -> Result<Option<Micros>, WatchError> {
        let left = match self.left {
            Some(left) => left,
            None => days_left(self.app, self.account, &self.head).await?,
        };
        self.left = Some(left);
        Ok(left.map(|days| Micros::new(days.saturating_mul(MICROS_PER_UNIT))))
    }
}
