//! `GET /reseller/usage/forecast`: the coming days at the caller's level, and what follows for the month and for credit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Funding, Kind};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{CreditError, Head};
use tributary_domain::money::{MICROS_PER_UNIT, Micros};
use tributary_domain::pricing::chain::Chain;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::number::{Quantity, to_micros};
use tributary_domain::pricing::rate::list_prices;
use tributary_domain::pricing::resolve::ResolveError;
use tributary_domain::pricing::state::UsageState;
use tributary_domain::pricing::tier::TierTable;
use tributary_domain::rights::Right;
use tributary_forecast::{Estimate, MAX_HORIZON_DAYS, TimeToEmpty, UnitCost, month_end, projected_volume, time_to_empty};
use tributary_metering::forecasts::{Days, Made, Subject, day_of, days_before, outlook};
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;

use crate::forecast_views::{EstimateView, ForecastOf, ForecastView, MonthView, SoFarView, TierView, TimeToEmptyView, six};

/// The days forecast unless asked otherwise.
pub const DEFAULT_HORIZON_DAYS: usize = 30;
/// Days whose mean says what a reseller's sub-accounts pay for a unit.
const RATIO_DAYS: i32 = 28;

/// What is asked for.
struct Asked<'a> {
    /// The caller's account.
    home: &'a AccountId,
    account: Account,
    chain: Chain,
    /// Where in the chain the caller stands.
    caller_at: usize,
    /// The meter, and where in the chain its owner stands.
    meter: Option<(MeterKey, usize)>,
    /// The caller may see the account's credit.
    sees_credit: bool,
}

/// What the forecasts follow from, read.
struct Known<'a> {
    asked: &'a Asked<'a>,
    now: Timestamp,
    days: Days,
    made: BTreeMap<Subject, (Made, bool)>,
    head: Head,
    states: BTreeMap<AccountId, UsageState>,
}

/// Forecasts an account's usage.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `unknown_meter`, `not_a_buyer` for the operator's own account.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let id = params.parsed::<AccountId>("account_id")?.unwrap_or_else(|| home.clone());
    let meter = params.parsed::<MeterKey>("meter")?;
    let horizon = horizon(params.text("horizon_days"))?;
    params.done()?;
    let may = caller.over(Right::UsageRead);
    let account = call.store().account_for(&id, Authority { home, may: &may }).await?;
    if account.kind == Kind::Operator {
        return Err(ResolveError::OnOperator.into());
    }
    let sees_credit = account.funding == Funding::Prepaid && caller.over(Right::CreditsRead)(&id, &account.lineage).is_ok();
    let chain = call.store().chain(&account).await?;
    let asked = Asked::new(home, account, chain, meter, sees_credit)?;
    let known = Known::read(&call, &asked, horizon).await?;
    Reply::ok(&known.view(horizon)?)
}

fn horizon(text: Option<String>) -> Result<usize, Problem> {
    let wrong = || Problem::field("/query/horizon_days", format!("must be a whole number of days from 1 to {MAX_HORIZON_DAYS}"));
    match text {
        None => Ok(DEFAULT_HORIZON_DAYS),
        Some(text) => text.parse().ok().filter(|days| (1..=MAX_HORIZON_DAYS).contains(days)).ok_or_else(wrong),
    }
}

impl<'a> Asked<'a> {
    fn new(home: &'a AccountId, account: Account, chain: Chain, meter: Option<MeterKey>, sees_credit: bool) -> Result<Self, Problem> {
        let caller_at = chain.accounts().iter().position(|above| above.id == *home).ok_or_else(Problem::not_found)?;
        let owner_of = |key: MeterKey| match chain.meter(&key) {
            // What a reseller below sells of its own is not at the caller's level.
            Some((_, owner)) if owner >= caller_at => Ok((key, owner)),
            Some(_) | None => Err(ResolveError::UnknownMeter(key)),
        };
        let meter = meter.map(owner_of).transpose()?;
        Ok(Self { home, account, chain, caller_at, meter, sees_credit })
    }

    /// What the caller pays and is paid; a customer is paid nothing.
    fn cost(&self) -> Subject {
        Subject::Cost(self.home.clone())
    }

    fn price(&self) -> Option<Subject> {
        match (self.caller_at, self.account.kind) {
            (0, Kind::Customer) => None,
            // What a direct sub-account pays is what the caller is paid.
            (1, _) => Some(Subject::Cost(self.account.id.clone())),
            _ => Some(Subject::Price(self.home.clone())),
        }
    }

    /// The table that decides the account's tier.
    fn tiers(&self) -> Option<&TierTable> {
        let seller = self.chain.accounts().get(1).filter(|_| self.account.kind == Kind::Reseller)?;
        seller.book.tiers_given(seller.kind).filter(|table| !table.tiers.is_empty())
    }

    fn subjects(&self) -> Vec<Subject> {
        let mut subjects = match &self.meter {
            Some((meter, _)) => vec![Subject::Quantity(meter.clone())],
            None => [Some(self.cost()), self.price()].into_iter().flatten().collect(),
        };
        if self.sees_credit {
            subjects.push(Subject::Cost(self.account.id.clone()));
            subjects.extend((self.account.kind == Kind::Reseller).then_some(Subject::Net));
        }
        subjects.extend(self.tiers().map(|_| Subject::Volume));
        subjects.sort();
        subjects.dedup();
        subjects
    }
}

impl<'a> Known<'a> {
    async fn read(call: &Call, asked: &'a Asked<'a>, horizon: usize) -> Result<Self, Problem> {
        let (now, id) = (call.app.now(), &asked.account.id);
        let today = day_of(now);
        let since = today.first_of_month().min(days_before(today, RATIO_DAYS));
        let subjects = asked.subjects();
        let outlook = outlook(&call.app, id, &subjects, horizon, since).await?;
        // The prices of a meter depend on where every level stands; else only the account's own credit and volume count.
        let ids: Vec<AccountId> = match asked.meter {
            Some(_) => asked.chain.accounts().iter().map(|account| account.id.clone()).collect(),
            None => vec![id.clone()],
        };
        let mut heads = call.store().heads_of(&ids).await?;
        let states = call.store().usage_states(heads.values()).await?;
        Ok(Self {
            asked,
            now,
            days: outlook.days,
            made: subjects.into_iter().zip(outlook.made).collect(),
            head: heads.remove(id).ok_or_else(Problem::not_found)?,
            states: states.into_iter().map(|(id, state)| (id, UsageState::clone(&state))).collect(),
        })
    }

    fn view(&self, horizon: usize) -> Result<ForecastView, Problem> {
        let (of, subject) = self.main();
        let (made, from_store) = self.made.get(&subject).ok_or_else(Problem::not_found)?;
        let meter = self.asked.meter.as_ref().and_then(|(key, _)| self.asked.chain.meter(key)).map(|(meter, _)| meter);
        Ok(ForecastView {
            account_id: self.asked.account.id.clone(),
            meter: meter.map(|meter| meter.key.clone()),
            of,
            unit: meter.map(|meter| meter.unit.to_string()),
            currency: self.asked.account.currency,
            horizon_days: horizon,
            made_at: made.made_at,
            from_store: *from_store,
            history: made.into(),
            forecast: made.forecast.as_ref().map(|forecast| (forecast, horizon).into()),
            month: self.month(),
            time_to_empty: self.time_to_empty()?,
            tier: self.tier(),
        })
    }

    /// What the points are of. Whoever pays nothing for it, such as the operator, is shown what it is paid.
    fn main(&self) -> (ForecastOf, Subject) {
        if let Some((meter, _)) = &self.asked.meter {
            return (ForecastOf::Quantity, Subject::Quantity(meter.clone()));
        }
        let cost = self.asked.cost();
        let pays_nothing = self.made.get(&cost).is_some_and(|(made, _)| made.days_used == 0);
        match self.asked.price().filter(|_| pays_nothing) {
            Some(price) => (ForecastOf::Price, price),
            None => (ForecastOf::Cost, cost),
        }
    }

    fn today(&self) -> Date {
        day_of(self.now)
    }

    fn made(&self, subject: &Subject) -> Option<&Made> {
        self.made.get(subject).map(|(made, _)| made)
    }

    /// What the month had up to yesterday, and up to now, in millionths: of money, that for the meter if one is asked for.
    fn so_far(&self, subject: &Subject) -> (i64, i64) {
        let (first, today) = (self.today().first_of_month(), self.today());
        let only = match subject {
            Subject::Cost(_) | Subject::Price(_) => self.asked.meter.as_ref().map(|(meter, _)| meter),
            Subject::Quantity(_) | Subject::Net | Subject::Volume => None,
        };
        let up_to = |last| self.days.total(subject, only, first, last);
        (up_to(days_before(today, 1)), up_to(today))
    }

    fn month(&self) -> MonthView {
        let (cost, price) = (self.asked.cost(), self.asked.price());
        let quantity = self.asked.meter.as_ref().map(|(meter, _)| Subject::Quantity(meter.clone()));
        let at_end = |subject: &Subject| match &self.asked.meter {
            None => self.grown(subject, subject, Some(UnitCost::ONE)),
            Some((meter, owner)) => self.grown(subject, &Subject::Quantity(meter.clone()), self.unit(meter, *owner, *subject == cost)),
        };
        let (cost_end, price_end) = (at_end(&cost), price.as_ref().and_then(at_end));
        let now = |subject: &Subject| Micros::new(self.so_far(subject).1);
        let less = |(price, cost): (Micros, Micros)| Micros::new(price.get().saturating_sub(cost.get()));
        let (cost_now, price_now) = (now(&cost), price.as_ref().map(now));
        MonthView {
            month: Month::of(self.now),
            so_far: SoFarView {
                quantity: quantity.as_ref().map(|quantity| Quantity::new(self.so_far(quantity).1)),
                cost: cost_now,
                price: price_now,
                margin: price_now.map(|price| less((price, cost_now))),
            },
            quantity: quantity.as_ref().and_then(|quantity| self.grown(quantity, quantity, Some(UnitCost::ONE))).map(EstimateView::from),
            cost: cost_end.map(EstimateView::from),
            price: price_end.map(EstimateView::from),
            margin: price_end.zip(cost_end).map(|(price, cost)| less((price.mean, cost.mean))),
        }
    }

    /// What the month will have of `subject` at its end, if what is forecast of `by` costs `unit`; at least what it has now.
    fn grown(&self, subject: &Subject, by: &Subject, unit: Option<UnitCost>) -> Option<Estimate<Micros>> {
        let (up_to_yesterday, now) = self.so_far(subject);
        let made = self.made(by)?;
        let end = match &made.forecast {
            Some(forecast) => month_end(forecast, Micros::new(up_to_yesterday), unit?).ok()?,
            None if made.days_used == 0 => even(Micros::new(now)),
            None => return None,
        };
        let least = |value: Micros| value.max(Micros::new(now));
        Some(Estimate { mean: least(end.mean), lo80: least(end.lo80), hi80: least(end.hi80), lo95: least(end.lo95), hi95: least(end.hi95) })
    }

    /// What a unit of the meter will cost the caller in the rest of the month, or be sold for: by the rules in force, what the rest
    /// that is expected would cost now. What sub-accounts pay a reseller for a unit is taken from the last days.
    fn unit(&self, meter: &MeterKey, owner: usize, cost: bool) -> Option<UnitCost> {
        let at = if cost { Some(self.asked.caller_at) } else { self.asked.caller_at.checked_sub(1) };
        let Some(at) = at else {
            let (first, today) = (days_before(self.today(), RATIO_DAYS), self.today());
            let paid = self.days.total(&self.asked.price()?, Some(meter), first, today);
            let quantity = self.days.total(&Subject::Quantity(meter.clone()), None, first, today);
            return UnitCost::new(Micros::new(paid), quantity);
        };
        if at >= owner {
            return UnitCost::new(Micros::ZERO, MICROS_PER_UNIT);
        }
        let made = self.made(&Subject::Quantity(meter.clone()))?;
        let rest = projected_volume(made.forecast.as_ref()?, 0.0).ok()?.mean;
        let rest = six(rest).clamp(Quantity::ONE, Quantity::MAX_EVENT);
        let prepared = self.asked.chain.prepare(meter, self.now).ok()?;
        let period = Month::of(self.now);
        let prices = list_prices(&prepared, &self.states, period, rest, false).ok()?;
        UnitCost::new(to_micros(*prices.get(at)?).ok()?, rest.get())
    }

    /// When the account's credit runs out. A reseller's goes down by what it pays less what it is paid.
    fn time_to_empty(&self) -> Result<Option<TimeToEmptyView>, Problem> {
        if !self.asked.sees_credit {
            return Ok(None);
        }
        let spendable = self.head.spendable().map_err(|overflow| StoreError::Credit(CreditError::from(overflow)))?;
        let cost = Subject::Cost(self.asked.account.id.clone());
        let falls = if self.asked.account.kind == Kind::Reseller { Subject::Net } else { cost.clone() };
        let empty = match (self.made(&falls).and_then(|made| made.forecast.as_ref()), self.made(&cost)) {
            _ if spendable.get() <= 0 => TimeToEmpty::Empty,
            (Some(forecast), _) => {
                // Today is in the forecast, so what it has taken already is put back.
                let today = self.days.total(&falls, None, self.today(), self.today()).max(0);
                time_to_empty(forecast, Micros::new(spendable.get().saturating_add(today)), UnitCost::ONE)
            }
            // What comes in is more than what goes out.
            (None, Some(Made { forecast: Some(forecast), .. })) => {
                let through = forecast.sums.last().map_or(self.today(), |sum| sum.date);
                TimeToEmpty::Lasts { earliest: None, mean: None, latest: None, through }
            }
            (None, _) => return Ok(None),
        };
        Ok(Some((empty, spendable).into()))
    }

    /// The tier at the month's end.
    fn tier(&self) -> Option<TierView> {
        let table = self.asked.tiers()?;
        let volume = self.grown(&Subject::Volume, &Subject::Volume, Some(UnitCost::ONE))?;
        let month = Month::of(self.now);
        let before = self.states.get(&self.asked.account.id).map(|state| state.volume(month.prev())).unwrap_or_default();
        let standing = |volume: Micros| table.tier_of(Quantity::new(volume.get()), before);
        let name = |volume: Micros| standing(volume).name().to_owned();
        Some(TierView {
            mean: name(volume.mean),
            lo80: name(volume.lo80),
            hi80: name(volume.hi80),
            lo95: name(volume.lo95),
            hi95: name(volume.hi95),
            discount: standing(volume.mean).discount(),
            volume: volume.into(),
        })
    }
}

fn even(value: Micros) -> Estimate<Micros> {
    Estimate { mean: value, lo80: value, hi80: value, lo95: value, hi95: value }
}
