//! Rating: what one event costs at each level of its chain, and how it changes the totals.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::id::{AccountId, PromotionId};
use crate::money::Micros;
use crate::pricing::chain::Chain;
use crate::pricing::markup::MarkupRule;
use crate::pricing::meter::{Aggregation, MeterKey, TierName};
use crate::pricing::month::Month;
use crate::pricing::number::{Overflow, Percent, Picos, Quantity, signed_quantity, to_micros, to_picos};
use crate::pricing::promotion::{FundedBy, Promotion, PromotionRule};
use crate::pricing::resolve::{PreparedChain, PreparedPromotion, Price, ResolveError, RuleRef};
use crate::pricing::state::{MeterState, MonthState, UsageState};

/// How late usage may come, in days.
pub const MAX_LATE_DAYS: i64 = 35;

/// How far ahead of our clock usage may be, in minutes.
pub const MAX_AHEAD_MINUTES: i64 = 5;

/// What is rated: one event of the using account of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventToRate {
    /// Of which meter.
    pub meter: MeterKey,
    /// How much, 0 to 10⁹ units. A `count` or `unique` meter takes no notice of it.
    pub quantity: Quantity,
    /// Of a `unique` meter: its value was not seen before in this account, meter and [`period_of`].
    pub first_of_value: bool,
    /// When.
    pub occurred_at: Timestamp,
}

/// A tier that changed a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedTier {
    /// The tier.
    pub name: TierName,
    /// Its discount.
    pub discount: Percent,
    /// What it took off.
    pub amount: Picos,
    /// It was in force only because of last month's volume.
    #[serde(default)]
    pub grace: bool,
}

/// A promotion that changed a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPromotion {
    /// The promotion.
    pub promotion: PromotionId,
    /// Who bears it.
    pub funded_by: FundedBy,
    /// What it took off this level.
    pub amount: Picos,
    /// It counts towards the using account's cap.
    #[serde(default)]
    pub capped: bool,
}

/// What one level pays for an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedLevel {
    /// Who pays.
    pub payer: AccountId,
    /// Whom.
    pub seller: AccountId,
    /// The rule that set the price.
    pub rule: RuleRef,
    /// The payer's quantity of the meter in the period before the event, its whole subtree.
    pub position: Quantity,
    /// What the rule says, before tier and promotion.
    pub base: Picos,
    /// The volume tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<AppliedTier>,
    /// The promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<AppliedPromotion>,
    /// What the level pays, exactly.
    pub price: Picos,
    /// What the seller pays itself for the same; none for the owner of the meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Picos>,
    /// What moves or accrues: how far the payer's running total, rounded to micro-units, rose.
    pub amount: Micros,
    /// The payer's running total of meter and period after the event.
    pub paid_after: Picos,
}

/// An event with its prices; or, all signs turned, what takes one back ([`unrate_event`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedEvent {
    /// The using account.
    pub account: AccountId,
    /// The meter.
    pub meter: MeterKey,
    /// The meter's owner.
    pub owner: AccountId,
    /// What the owner is: to the operator credit is used up, to a reseller it is paid.
    pub owner_kind: Kind,
    /// The month that it is added to.
    pub period: Month,
    /// What it adds to the month's quantity; below zero when it takes back.
    #[serde(with = "signed_quantity")]
    pub contribution: Quantity,
    /// It counts to volume tiers.
    #[serde(default)]
    pub counted: bool,
    /// What each level pays, the using account's first; none if it owns the meter.
    pub levels: Vec<RatedLevel>,
}

/// Why an event is not rated. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// There is no price.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Too long ago.
    #[error("is more than {MAX_LATE_DAYS} days ago")]
    TooLate,
    /// In the future.
    #[error("is more than {MAX_AHEAD_MINUTES} minutes ahead")]
    TooEarly,
    /// Below zero or above 10⁹ units.
    #[error("the quantity must be from 0 to {}", Quantity::MAX_EVENT)]
    QuantityOutOfRange,
    /// A level would sell under its cost.
    #[error("account {seller} would sell to {payer} for {price} what costs it {cost}")]
    UnderCost {
        /// The seller.
        seller: AccountId,
        /// Who would pay too little.
        payer: AccountId,
        /// What it would pay.
        price: Picos,
        /// What it costs the seller.
        cost: Picos,
    },
    /// The totals leave their range.
    #[error("the month's totals would become too large to keep")]
    Overflow,
}

impl From<Overflow> for RateError {
    fn from(_: Overflow) -> Self {
        RateError::Overflow
    }
}

/// Why a rated event is not taken back. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnrateError {
    /// The largest of many, or the number of different values, does not say what is left without one of them.
    #[error("usage of a {} meter cannot be taken back", .0.word())]
    Aggregation(Aggregation),
    /// The month was billed.
    #[error("the month {0} was billed")]
    Billed(Month),
    /// The month's totals are not kept any more, or never held the event.
    #[error("the totals of {0} do not hold it")]
    NotThere(Month),
    /// The totals leave their range.
    #[error("the month's totals would become too large to keep")]
    Overflow,
}

impl From<Overflow> for UnrateError {
    fn from(_: Overflow) -> Self {
        UnrateError::Overflow
    }
}

/// Refuses a time that usage may not have: more than [`MAX_LATE_DAYS`] ago or [`MAX_AHEAD_MINUTES`] ahead.
///
/// # Errors
/// [`RateError::TooLate`] or [`RateError::TooEarly`].
pub fn check_occurred_at(occurred_at: Timestamp, now: Timestamp) -> Result<(), RateError> {
    let age = now.duration_since(occurred_at);
    if age > SignedDuration::from_hours(24 * MAX_LATE_DAYS) {
        Err(RateError::TooLate)
    } else if age < -SignedDuration::from_mins(MAX_AHEAD_MINUTES) {
        Err(RateError::TooEarly)
    } else {
        Ok(())
    }
}

/// The month that usage of `occurred_at` is added to: the later of its own and the first that no account of the chain was
/// billed for.
pub fn period_of(chain: &Chain, states: &BTreeMap<AccountId, UsageState>, occurred_at: Timestamp) -> Month {
    let known = chain.accounts().iter().filter_map(|account| states.get(&account.id));
    known.fold(Month::of(occurred_at), |month, state| state.open_month(month))
}

/// Rates one event and adds it to the totals of every account it concerns; an account without a state begins with an empty one.
///
/// # Errors
/// [`RateError`]; then no state changed.
pub fn rate_event(chain: &Chain, states: &mut BTreeMap<AccountId, UsageState>, event: &EventToRate) -> Result<RatedEvent, RateError> {
    let prepared = chain.prepare(&event.meter, event.occurred_at)?;
    rate_prepared(&prepared, states, event)
}

/// As [`rate_event`], with rules found before: `prepared` must be of the event's meter and cover its time.
///
/// # Errors
/// [`RateError`]; then no state changed.
pub fn rate_prepared(
    prepared: &PreparedChain<'_>,
    states: &mut BTreeMap<AccountId, UsageState>,
    event: &EventToRate,
) -> Result<RatedEvent, RateError> {
    let rated = rate_prepared_if(prepared, states, event, |_| true)?;
    // Nothing was asked that could have said no.
    rated.ok_or(RateError::Overflow)
}

/// As [`rate_prepared`], if `accepts` says so of the rated event; if not, no state changes and there is none.
///
/// # Errors
/// [`RateError`]; then no state changed.
pub fn rate_prepared_if(
    prepared: &PreparedChain<'_>,
    states: &mut BTreeMap<AccountId, UsageState>,
    event: &EventToRate,
    accepts: impl FnOnce(&RatedEvent) -> bool,
) -> Result<Option<RatedEvent>, RateError> {
    debug_assert!(prepared.covers(event.occurred_at) && prepared.meter.key == event.meter, "these are the rules of another event");
    if event.quantity.is_negative() || event.quantity > Quantity::MAX_EVENT {
        return Err(RateError::QuantityOutOfRange);
    }
    let chain = prepared.chain;
    let key = &prepared.meter.key;
    let period = period_of(chain, states, event.occurred_at);
    let own = states.get(&chain.account().id);
    let own_max = own.map(|state| state.meter(period, key).max).unwrap_or_default();
    let contribution = contribution(prepared.meter.aggregation, event, own_max)?;
    let counted = if prepared.meter.counts_to_tier { contribution } else { Quantity::ZERO };
    let drafts = draft(prepared, states, period, contribution, false)?;
    let promotion = best_promotion(prepared, own, drafts.first(), contribution)?;

    let mut levels = Vec::with_capacity(drafts.len());
    let mut changes = Vec::with_capacity(drafts.len() + 1);
    let mut earned = Micros::ZERO;
    for (at, (level, draft)) in prepared.levels.iter().zip(drafts.iter()).enumerate() {
        let off = |at: usize| promotion.as_ref().filter(|chosen| chosen.reaches(at)).map_or(Picos::ZERO, |chosen| chosen.amount);
        let price = draft.list.minus(off(at))?;
        let cost = drafts.get(at + 1).map(|above| above.list.minus(off(at + 1))).transpose()?;
        let mut after = draft.before;
        after.quantity = after.quantity.plus(contribution)?;
        after.paid = after.paid.plus(price)?;
        after.cost = after.cost.plus(cost.unwrap_or_default())?;
        after.earned = after.earned.plus(earned)?;
        if let Some(cost) = cost.filter(|cost| price < *cost && after.paid < after.cost) {
            if !level.price.allow_loss() && !promotion.as_ref().is_some_and(|chosen| chosen.excuses(at)) {
                return Err(RateError::UnderCost { seller: level.seller.clone(), payer: level.payer.clone(), price, cost });
            }
        }
        let amount = to_micros(after.paid)?.minus(to_micros(draft.before.paid)?)?;
        earned = amount;
        changes.push(Change { account: level.payer, volume: draft.volume.plus(counted)?, meter: after });
        levels.push(RatedLevel {
            payer: level.payer.clone(),
            seller: level.seller.clone(),
            rule: level.rule.clone(),
            position: draft.before.quantity,
            base: draft.base,
            tier: draft.tier.clone(),
            discount: promotion.as_ref().filter(|chosen| chosen.reaches(at)).map(Chosen::applied),
            price,
            cost,
            amount,
            paid_after: after.paid,
        });
    }
    let owner = &chain.accounts()[prepared.owner];
    if owner.kind != Kind::Operator {
        // What is used of its own meter is in the owner's books too, but it buys nothing, so it counts to no tier of its.
        let Position { mut meter, volume, .. } = position(states, &owner.id, period, key)?;
        meter.quantity = meter.quantity.plus(contribution)?;
        meter.earned = meter.earned.plus(earned)?;
        changes.push(Change { account: &owner.id, volume, meter });
    }
    if let (Aggregation::Max, Some(own)) = (prepared.meter.aggregation, changes.first_mut()) {
        own.meter.max = own_max.max(event.quantity);
    }
    let used = promotion.filter(|chosen| chosen.promotion.cap.is_some()).map(|chosen| (&chosen.promotion.id, chosen.amount));

    let rated = RatedEvent {
        account: chain.account().id.clone(),
        meter: key.clone(),
        owner: owner.id.clone(),
        owner_kind: owner.kind,
        period,
        contribution,
        counted: prepared.meter.counts_to_tier,
        levels,
    };
    if !accepts(&rated) {
        return Ok(None);
    }

    // From here on nothing fails.
    for change in &changes {
        change.write(states, period, key);
    }
    if let Some((id, amount)) = used {
        let month = states.entry(chain.account().id.clone()).or_default().months.entry(period).or_default();
        let sum = month.promos.entry(id.clone()).or_default();
        *sum = Picos::new(sum.get().saturating_add(amount.get()));
    }
    Ok(Some(rated))
}

/// Takes a rated event out of the totals again, exactly. What comes back has all signs turned: contribution, prices and
/// amounts, so that its postings give the credit back; an amount is again how far the rounded running total moved.
///
/// # Errors
/// [`UnrateError`]; then no state changed.
pub fn unrate_event(
    states: &mut BTreeMap<AccountId, UsageState>,
    rated: &RatedEvent,
    aggregation: Aggregation,
) -> Result<RatedEvent, UnrateError> {
    match aggregation {
        Aggregation::Max | Aggregation::Unique => return Err(UnrateError::Aggregation(aggregation)),
        Aggregation::Sum | Aggregation::Count => {}
    }
    let (period, key) = (rated.period, &rated.meter);
    let gone = || UnrateError::NotThere(period);
    let counted = if rated.counted { rated.contribution } else { Quantity::ZERO };
    let held = |account: &AccountId| -> Result<(Quantity, MeterState), UnrateError> {
        let state = states.get(account).ok_or_else(gone)?;
        if state.closed_through.is_some_and(|closed| closed >= period) {
            return Err(UnrateError::Billed(period));
        }
        let month = state.months.get(&period).ok_or_else(gone)?;
        let mut meter = *month.meters.get(key).ok_or_else(gone)?;
        meter.quantity = meter.quantity.minus(rated.contribution)?;
        if meter.quantity.is_negative() { Err(gone()) } else { Ok((month.volume, meter)) }
    };

    let mut levels = Vec::with_capacity(rated.levels.len());
    let mut changes = Vec::with_capacity(rated.levels.len() + 1);
    let mut earned = Micros::ZERO;
    for level in &rated.levels {
        let (volume, mut meter) = held(&level.payer)?;
        let before = meter.paid;
        meter.paid = meter.paid.minus(level.price)?;
        meter.cost = meter.cost.minus(level.cost.unwrap_or_default())?;
        meter.earned = meter.earned.plus(earned)?;
        let amount = to_micros(meter.paid)?.minus(to_micros(before)?)?;
        earned = amount;
        let volume = volume.minus(counted)?;
        if volume.is_negative() {
            return Err(gone());
        }
        levels.push(RatedLevel { position: meter.quantity.plus(rated.contribution)?, amount, paid_after: meter.paid, ..level.turned()? });
        changes.push(Change { account: &level.payer, volume, meter });
    }
    if rated.owner_kind != Kind::Operator {
        let (volume, mut meter) = held(&rated.owner)?;
        meter.earned = meter.earned.plus(earned)?;
        changes.push(Change { account: &rated.owner, volume, meter });
    }
    let capped = rated.levels.first().and_then(|level| level.discount.as_ref()).filter(|discount| discount.capped);
    let contribution = Quantity::ZERO.minus(rated.contribution)?;

    // From here on nothing fails.
    if let Some(discount) = capped {
        let month = states.get_mut(&rated.account).and_then(|state| state.months.get_mut(&period));
        if let Some(month) = month {
            let used = month.promos.remove(&discount.promotion).unwrap_or_default();
            let left = Picos::new(used.get().saturating_sub(discount.amount.get()));
            if !left.is_zero() {
                month.promos.insert(discount.promotion.clone(), left);
            }
        }
    }
    for change in &changes {
        change.write(states, period, key);
    }
    Ok(RatedEvent { contribution, levels, ..rated.clone() })
}

/// What `quantity` would cost at each level now, the using account's first, with tiers and without promotions; no state changes.
/// With `from_zero` as if nothing had been used this month, else after what was.
///
/// # Errors
/// [`Overflow`].
pub fn list_prices(
    prepared: &PreparedChain<'_>,
    states: &BTreeMap<AccountId, UsageState>,
    period: Month,
    quantity: Quantity,
    from_zero: bool,
) -> Result<Vec<Picos>, Overflow> {
    let drafts = draft(prepared, states, period, quantity, from_zero).map_err(|_| Overflow)?;
    Ok(drafts.iter().map(|draft| draft.list).collect())
}

impl RatedLevel {
    /// The same with all signs turned.
    fn turned(&self) -> Result<RatedLevel, Overflow> {
        let mut turned = self.clone();
        turned.base = self.base.negated()?;
        turned.price = self.price.negated()?;
        turned.cost = self.cost.map(Picos::negated).transpose()?;
        if let Some(tier) = &mut turned.tier {
            tier.amount = tier.amount.negated()?;
        }
        if let Some(discount) = &mut turned.discount {
            discount.amount = discount.amount.negated()?;
        }
        Ok(turned)
    }
}

/// What the event adds to the quantity of its account's month.
fn contribution(aggregation: Aggregation, event: &EventToRate, max_so_far: Quantity) -> Result<Quantity, Overflow> {
    match aggregation {
        Aggregation::Sum => Ok(event.quantity),
        Aggregation::Count => Ok(Quantity::ONE),
        Aggregation::Max => Ok(event.quantity.minus(max_so_far)?.max(Quantity::ZERO)),
        Aggregation::Unique => Ok(if event.first_of_value { Quantity::ONE } else { Quantity::ZERO }),
    }
}

/// Where an account stands before the event.
struct Position {
    meter: MeterState,
    volume: Quantity,
    volume_previous: Quantity,
}

fn position(states: &BTreeMap<AccountId, UsageState>, account: &AccountId, period: Month, key: &MeterKey) -> Result<Position, RateError> {
    let Some(state) = states.get(account) else {
        return Ok(Position { meter: MeterState::default(), volume: Quantity::ZERO, volume_previous: Quantity::ZERO });
    };
    if !state.keeps(period) {
        return Err(RateError::TooLate);
    }
    let month = state.months.get(&period);
    Ok(Position {
        meter: month.and_then(|month| month.meters.get(key)).copied().unwrap_or_default(),
        volume: month.map(|month| month.volume).unwrap_or_default(),
        volume_previous: state.volume(period.prev()),
    })
}

/// A level's list price: rule and tier, without promotion.
struct Draft {
    before: MeterState,
    volume: Quantity,
    base: Picos,
    tier: Option<AppliedTier>,
    list: Picos,
}

/// The list prices from the top down, given from the bottom up: each level's cost is the price of the one above it.
fn draft(
    prepared: &PreparedChain<'_>,
    states: &BTreeMap<AccountId, UsageState>,
    period: Month,
    contribution: Quantity,
    from_zero: bool,
) -> Result<Vec<Draft>, RateError> {
    let mut drafts: Vec<Draft> = Vec::with_capacity(prepared.levels.len());
    for level in prepared.levels.iter().rev() {
        let Position { meter: before, volume, volume_previous } = position(states, level.payer, period, &prepared.meter.key)?;
        // The top level always has a card.
        let cost = drafts.last().map(|above| above.list).unwrap_or_default();
        let base = match &level.price {
            Price::Card(card) => {
                let so_far = if from_zero { Quantity::ZERO } else { before.quantity };
                card.model.charge(so_far, contribution)?
            }
            Price::Markup(markup) => match markup.rule {
                MarkupRule::Percent(percent) => cost.plus(cost.share(percent)?)?,
                MarkupRule::Fixed(fixed) => cost.plus(to_picos(fixed.times(contribution)))?,
                MarkupRule::End => cost,
            },
            Price::Cost => cost,
        };
        let standing = level.tiers.map(|table| table.tier_of(volume, volume_previous));
        let tier = match standing.and_then(|standing| standing.tier.map(|tier| (tier, standing.grace))) {
            Some((tier, grace)) => {
                let amount = base.share(tier.discount)?;
                Some(AppliedTier { name: tier.name.clone(), discount: tier.discount, amount, grace })
            }
            None => None,
        };
        let list = base.minus(tier.as_ref().map_or(Picos::ZERO, |tier| tier.amount))?;
        drafts.push(Draft { before, volume, base, tier, list });
    }
    drafts.reverse();
    Ok(drafts)
}

/// The promotion that an event gets.
struct Chosen<'a> {
    promotion: &'a Promotion,
    /// The level whose seller is its owner.
    level: usize,
    amount: Picos,
}

impl Chosen<'_> {
    /// Whether it comes off the price of that level.
    fn reaches(&self, level: usize) -> bool {
        match self.promotion.funded_by {
            FundedBy::Owner => level <= self.level,
            FundedBy::Seller => level == 0,
        }
    }

    /// Whether the seller of that level bears it, and may sell under cost with it.
    fn excuses(&self, level: usize) -> bool {
        let bearer = match self.promotion.funded_by {
            FundedBy::Owner => self.level,
            FundedBy::Seller => 0,
        };
        self.promotion.allow_loss && level == bearer
    }

    fn applied(&self) -> AppliedPromotion {
        AppliedPromotion {
            promotion: self.promotion.id.clone(),
            funded_by: self.promotion.funded_by,
            amount: self.amount,
            capped: self.promotion.cap.is_some(),
        }
    }
}

/// The promotion that takes most off, the oldest of equals; none if none takes anything off.
fn best_promotion<'a>(
    prepared: &PreparedChain<'a>,
    own: Option<&UsageState>,
    first: Option<&Draft>,
    contribution: Quantity,
) -> Result<Option<Chosen<'a>>, Overflow> {
    let mut best: Option<Chosen<'a>> = None;
    let Some(price) = first.map(|draft| draft.list).filter(|price| *price > Picos::ZERO) else {
        return Ok(best);
    };
    for PreparedPromotion { promotion, level } in &prepared.promotions {
        let mut amount = match promotion.rule {
            PromotionRule::Percent(percent) => price.share(percent)?,
            PromotionRule::Fixed(fixed) => to_picos(fixed.times(contribution)),
        };
        if let Some(cap) = promotion.cap {
            let used = own.map_or(Ok(Picos::ZERO), |state| state.promo_used(&promotion.id))?;
            amount = amount.min(Picos::from(cap).minus(used)?);
        }
        let amount = amount.min(price);
        if amount > best.as_ref().map_or(Picos::ZERO, |chosen| chosen.amount) {
            best = Some(Chosen { promotion, level: *level, amount });
        }
    }
    Ok(best)
}

/// The new totals of one account.
struct Change<'a> {
    account: &'a AccountId,
    volume: Quantity,
    meter: MeterState,
}

impl Change<'_> {
    fn write(&self, states: &mut BTreeMap<AccountId, UsageState>, period: Month, key: &MeterKey) {
        let state = match states.get_mut(self.account) {
            Some(state) => state,
            None => states.entry(self.account.clone()).or_default(),
        };
        let month = state.months.entry(period).or_default();
        month.volume = self.volume;
        match month.meters.get_mut(key) {
            Some(meter) => *meter = self.meter,
            None => {
                month.meters.insert(key.clone(), self.meter);
            }
        }
        // What was taken back to nothing is as if it had never been.
        if self.meter == MeterState::default() {
            month.meters.remove(key);
        }
        if *month == MonthState::default() {
            state.months.remove(&period);
        }
        state.prune();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::resolve::RuleKind;
    use crate::pricing::testing::*;

    #[test]
    fn three_levels_each_pay_by_their_rule_and_the_state_holds_it() {
        // The operator sells at 0.05 flat; the master adds 20 %, the reseller 0.01 a unit.
        let mut tree = Tree::new();
        tree.book(OPERATOR).cards.push(card("0.05"));
        tree.book(MASTER).markups.push(markup(1, MarkupRule::Percent(percent("20"))));
        tree.book(RESELLER).markups.push(markup(2, MarkupRule::Fixed(unit_price("0.01"))));
        let chain = tree.chain();
        let mut states = BTreeMap::new();
        let rated = rate_event(&chain, &mut states, &event("10")).expect("a price");
        let prices: Vec<_> = rated.levels.iter().map(|level| (level.price.to_string(), level.amount.to_string())).collect();
        let both = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(prices, vec![both("0.700000"), both("0.600000"), both("0.500000")]);
        assert_eq!(rated.levels[0].cost, Some(picos("0.6")));
        assert_eq!(rated.levels[2].cost, None);
        assert_eq!(rated.levels[1].rule.kind, RuleKind::Markup);
        let master = states[&id(MASTER)].meter(month(), &key());
        assert_eq!((master.quantity, master.paid, master.cost), (quantity("10"), picos("0.5"), Picos::ZERO));
        assert_eq!(master.earned.to_string(), "0.600000");
        assert!(!states.contains_key(&id(OPERATOR)));
        let text = serde_json::to_string(&rated).expect("writes");
        assert_eq!(serde_json::from_str::<RatedEvent>(&text).expect("reads"), rated);
    }
}
