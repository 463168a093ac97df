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
use crate::pricing::state::{MeterState, MonthState, Returned, ReturnedOf, UsageState};

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
    /// Of a `unique` meter: its value was not seen before in this account, meter and month.
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
    let period = Month::of(event.occurred_at);
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
        let allow_loss = level.price.allow_loss() || promotion.as_ref().is_some_and(|chosen| chosen.excuses(at));
        if let Some(cost) = cost.filter(|cost| price < *cost && after.paid < after.cost && !allow_loss) {
            return Err(RateError::UnderCost { seller: level.seller.clone(), payer: level.payer.clone(), price, cost });
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
/// `left` says of a level whether its payer has another seller by now. What such a payer gets back is noted as returned by the
/// seller that sold it: it is no part of what the new one bills.
///
/// # Errors
/// [`UnrateError`]; then no state changed.
pub fn unrate_event(
    states: &mut BTreeMap<AccountId, UsageState>,
    rated: &RatedEvent,
    aggregation: Aggregation,
    left: impl Fn(&RatedLevel) -> bool,
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
        // Usage of nothing leaves no totals behind, and is in all of them.
        let mut meter = state.meter(period, key);
        meter.quantity = meter.quantity.minus(rated.contribution)?;
        if meter.quantity.is_negative() { Err(gone()) } else { Ok((state.volume(period), meter)) }
    };

    let mut levels = Vec::with_capacity(rated.levels.len());
    let mut changes = Vec::with_capacity(rated.levels.len() + 1);
    let mut returned = Vec::new();
    let mut earned = Micros::ZERO;
    for level in &rated.levels {
        let (volume, mut meter) = held(&level.payer)?;
        if left(level) {
            let of = ReturnedOf { seller: level.seller.clone(), of: Some((period, key.clone())) };
            let before = states.get(&level.payer).and_then(|state| state.returned.get(&of)).copied().unwrap_or_default();
            let back = Returned { quantity: rated.contribution, paid: level.price, cost: level.cost.unwrap_or_default() };
            returned.push((&level.payer, of, before.plus(back)?));
        }
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
    for (payer, of, sum) in returned {
        states.entry(payer.clone()).or_default().returned.insert(of, sum);
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

    type States = BTreeMap<AccountId, UsageState>;

    /// The operator sells at 0.05 flat, everybody below passes the cost on.
    fn plain() -> Tree {
        let mut tree = Tree::new();
        tree.book(OPERATOR).cards.push(card("0.05"));
        tree
    }

    fn rate(tree: &Tree, states: &mut States, of: &str) -> Result<RatedEvent, RateError> {
        rate_event(&tree.chain(), states, &event(of))
    }

    fn prices(rated: &RatedEvent) -> Vec<Picos> {
        rated.levels.iter().map(|level| level.price).collect()
    }

    fn all(texts: &[&str]) -> Vec<Picos> {
        texts.iter().map(|text| picos(text)).collect()
    }

    #[test]
    fn a_tier_counts_the_volume_before_the_event_and_keeps_last_months_for_a_month() {
        let mut tree = plain();
        tree.book(OPERATOR).tiers = None;
        let mut states = States::new();
        assert_eq!(rate(&tree, &mut states, "1000").map(|rated| prices(&rated)[2]), Ok(picos("50")));
        let rated = rate(&tree, &mut states, "1000").expect("a price");
        assert_eq!((rated.levels[2].base, rated.levels[2].price), (picos("50"), picos("47.5")));
        let tier = rated.levels[2].tier.clone().expect("bronze");
        assert_eq!((tier.name.as_str(), tier.amount, tier.grace), ("bronze", picos("2.5"), false));
        // Below the master there are no tables: the cost, already discounted, is passed on.
        assert_eq!(prices(&rated), all(&["47.5", "47.5", "47.5"]));
        for (time, want, grace) in [("2026-12-31T00:00:00Z", "0.0475", true), ("2027-01-31T00:00:00Z", "0.05", false)] {
            let later = EventToRate { occurred_at: at(time), ..event("1") };
            let rated = rate_event(&tree.chain(), &mut states, &later).expect("a price");
            assert_eq!(rated.levels[2].price, picos(want), "{time}");
            assert_eq!(rated.levels[2].tier.as_ref().is_some_and(|tier| tier.grace), grace, "{time}");
        }
    }

    #[test]
    fn a_meter_that_counts_to_no_tier_moves_no_volume() {
        let mut tree = plain();
        tree.book(OPERATOR).meters[0].counts_to_tier = false;
        let mut states = States::new();
        let rated = rate(&tree, &mut states, "5").expect("a price");
        assert!(!rated.counted);
        assert_eq!(states[&id(MASTER)].volume(month()), Quantity::ZERO);
        assert_eq!(states[&id(MASTER)].meter(month(), &key()).quantity, quantity("5"));
    }

    #[test]
    fn the_owner_of_a_promotion_bears_it_and_margins_below_stay_whole() {
        let mut tree = plain();
        tree.book(MASTER).markups.push(markup(1, MarkupRule::Percent(percent("100"))));
        tree.book(RESELLER).markups.push(markup(2, MarkupRule::Percent(percent("50"))));
        let ten = PromotionRule::Percent(percent("10"));
        tree.book(MASTER).promotions.push(Promotion { funded_by: FundedBy::Owner, ..promotion(1, ten) });
        let mut states = States::new();
        // Without it 10 units cost 1.50, 1.00 and 0.50; 10 % of 1.50 come off the customer and the reseller, the master bears them.
        let rated = rate(&tree, &mut states, "10").expect("a price");
        assert_eq!(prices(&rated), all(&["1.35", "0.85", "0.5"]));
        assert_eq!(rated.levels[0].cost, Some(picos("0.85")));
        let off = |level: usize| rated.levels[level].discount.as_ref().map(|discount| discount.amount);
        assert_eq!((off(0), off(1), off(2)), (Some(picos("0.15")), Some(picos("0.15")), None));
    }

    #[test]
    fn a_seller_funded_promotion_comes_off_the_last_price_and_not_below_cost_unless_said() {
        let mut tree = plain();
        tree.book(RESELLER).markups.push(markup(2, MarkupRule::Percent(percent("50"))));
        let mut states = States::new();
        tree.book(MASTER).promotions.push(promotion(1, PromotionRule::Fixed(unit_price("0.02"))));
        let rated = rate(&tree, &mut states, "10").expect("a price");
        assert_eq!(prices(&rated), all(&["0.55", "0.5", "0.5"]));
        // 0.03 a unit would leave 0.45 of 0.75. The first 10 units earned 0.05, so one unit may still lose 0.005.
        tree.book(MASTER).promotions.push(promotion(2, PromotionRule::Fixed(unit_price("0.03"))));
        assert_eq!(rate(&tree, &mut states, "1").map(|rated| rated.levels[0].price), Ok(picos("0.045")));
        let before = states.clone();
        let refused = RateError::UnderCost { seller: id(RESELLER), payer: id(CUSTOMER), price: picos("0.45"), cost: picos("0.5") };
        assert_eq!(rate(&tree, &mut states, "10"), Err(refused));
        assert_eq!(states, before, "a refusal changes nothing");
        tree.book(MASTER).promotions[1].allow_loss = true;
        assert!(rate(&tree, &mut states, "10").is_ok());
    }

    #[test]
    fn a_cap_is_used_up_once_and_for_ever() {
        let mut tree = plain();
        let half = Promotion { cap: Some(micros("0.3")), allow_loss: true, ..promotion(1, PromotionRule::Percent(percent("50"))) };
        tree.book(RESELLER).promotions.push(Promotion { ends_at: at("2027-12-01T00:00:00Z"), ..half });
        let mut states = States::new();
        let off = |states: &mut States, time: &str| {
            let later = EventToRate { occurred_at: at(time), ..event("10") };
            let rated = rate_event(&tree.chain(), states, &later).expect("a price");
            rated.levels[0].discount.as_ref().map_or(Picos::ZERO, |discount| discount.amount)
        };
        assert_eq!(off(&mut states, "2026-11-20T00:00:00Z"), picos("0.25"));
        assert_eq!(off(&mut states, "2026-12-20T00:00:00Z"), picos("0.05"));
        for month in ["2027-01", "2027-02", "2027-03", "2027-04", "2027-05", "2027-06"] {
            assert_eq!(off(&mut states, &format!("{month}-20T00:00:00Z")), Picos::ZERO, "{month}");
        }
    }

    #[test]
    fn of_many_promotions_the_greatest_counts_and_of_equals_the_oldest() {
        let mut tree = plain();
        tree.book(RESELLER).markups.push(markup(2, MarkupRule::Percent(percent("100"))));
        let percents = [("10", "2026-11-01T00:00:00Z"), ("20", "2026-11-03T00:00:00Z"), ("20", "2026-11-02T00:00:00Z")];
        for (n, (off, made)) in percents.into_iter().enumerate() {
            let rule = PromotionRule::Percent(percent(off));
            tree.book(RESELLER).promotions.push(Promotion { created_at: at(made), ..promotion(n, rule) });
        }
        let rated = rate(&tree, &mut States::new(), "10").expect("a price");
        let discount = rated.levels[0].discount.clone().expect("a discount");
        assert_eq!((discount.promotion, discount.amount), (tree.books[&RESELLER].promotions[2].id.clone(), picos("0.2")));
    }

    #[test]
    fn each_aggregation_contributes_in_its_way() {
        for (aggregation, want) in [
            (Aggregation::Sum, ["5", "3", "9"]),
            (Aggregation::Count, ["1", "1", "1"]),
            (Aggregation::Max, ["5", "0", "4"]),
            (Aggregation::Unique, ["1", "0", "1"]),
        ] {
            let mut tree = plain();
            tree.book(OPERATOR).meters = vec![meter(aggregation)];
            let mut states = States::new();
            for ((of, first), want) in [("5", true), ("3", false), ("9", true)].into_iter().zip(want) {
                let event = EventToRate { first_of_value: first, ..event(of) };
                let rated = rate_event(&tree.chain(), &mut states, &event).expect("a price");
                assert_eq!(rated.contribution, quantity(want), "{} of {of}", aggregation.word());
            }
            let total = states[&id(MASTER)].meter(month(), &key()).quantity;
            assert_eq!(total.get(), want.iter().map(|q| quantity(q).get()).sum::<i64>());
        }
    }

    #[test]
    fn usage_of_the_own_meter_is_counted_and_costs_nothing() {
        let mut tree = Tree::new();
        tree.book(MASTER).meters = std::mem::take(&mut tree.book(OPERATOR).meters);
        tree.book(MASTER).cards.push(card("0.05"));
        let mut states = States::new();
        let own = rate_event(&tree.chain_from(MASTER), &mut states, &event("7")).expect("no price needed");
        assert_eq!(own.levels, []);
        let rated = rate(&tree, &mut states, "10").expect("a price");
        assert_eq!((rated.owner.clone(), rated.owner_kind, rated.levels.len()), (id(MASTER), Kind::Reseller, 2));
        let state = &states[&id(MASTER)];
        let meter = state.meter(month(), &key());
        assert_eq!((meter.quantity, meter.paid, meter.earned), (quantity("17"), Picos::ZERO, micros("0.5")));
        assert_eq!(state.volume(month()), Quantity::ZERO, "it bought nothing, so its own tier does not rise");
        unrate_event(&mut states, &rated, Aggregation::Sum, |_| false).expect("held");
        unrate_event(&mut states, &own, Aggregation::Sum, |_| false).expect("held");
        assert!(states.values().all(|state| *state == UsageState::default()));
    }

    #[test]
    fn a_months_line_is_rounded_once() {
        let mut tree = Tree::new();
        tree.book(OPERATOR).cards.push(card("0.0000004"));
        let mut states = States::new();
        let amounts: Vec<_> = (0..5).map(|_| rate(&tree, &mut states, "1").expect("a price").levels[0].amount.get()).collect();
        assert_eq!(amounts, [0, 1, 0, 1, 0]);
    }

    #[test]
    fn what_was_rated_is_taken_back_exactly_and_only_where_that_can_be() {
        let mut tree = plain();
        tree.book(OPERATOR).tiers = None;
        tree.book(RESELLER).promotions.push(Promotion {
            cap: Some(micros("1")),
            allow_loss: true,
            ..promotion(1, PromotionRule::Percent(percent("33.3333")))
        });
        let mut states = States::new();
        let first = rate(&tree, &mut states, "1000").expect("a price");
        let between = rate(&tree, &mut states, "3.000001").expect("a price");
        let back = unrate_event(&mut states, &first, Aggregation::Sum, |_| false).expect("held");
        assert_eq!(back.contribution, Quantity::new(-1_000_000_000));
        assert_eq!(back.levels[2].price, picos("-50"));
        let text = serde_json::to_string(&back).expect("writes");
        assert_eq!(serde_json::from_str::<RatedEvent>(&text).expect("reads"), back);
        assert_eq!(unrate_event(&mut states, &first, Aggregation::Sum, |_| false), Err(UnrateError::NotThere(month())));
        for aggregation in [Aggregation::Max, Aggregation::Unique] {
            assert_eq!(unrate_event(&mut states, &between, aggregation, |_| false), Err(UnrateError::Aggregation(aggregation)));
        }
        unrate_event(&mut states, &between, Aggregation::Sum, |_| false).expect("held");
        assert!(states.values().all(|state| *state == UsageState::default()), "{states:?}");
    }

    #[test]
    fn who_left_its_seller_gets_back_what_is_no_part_of_what_it_buys_now() {
        let tree = plain();
        let mut states = States::new();
        let rated = rate(&tree, &mut states, "10").expect("a price");
        let before = states.clone();
        unrate_event(&mut states, &rated, Aggregation::Sum, |level| level.payer == id(CUSTOMER)).expect("held");
        let level = &rated.levels[0];
        let of = ReturnedOf { seller: level.seller.clone(), of: Some((month(), key())) };
        let back = Returned { quantity: quantity("10"), paid: level.price, cost: level.cost.expect("a cost") };
        assert_eq!(states[&id(CUSTOMER)].returned, BTreeMap::from([(of.clone(), back)]));
        assert!(states[&id(CUSTOMER)].months.is_empty() && states[&id(MASTER)] == UsageState::default());
        // What is taken back of the same comes on top of it; of a month that is kept no more it is not told apart.
        let mut again: States = before.into_iter().map(|(id, state)| (id, UsageState { returned: BTreeMap::new(), ..state })).collect();
        again.entry(id(CUSTOMER)).or_default().returned = states[&id(CUSTOMER)].returned.clone();
        unrate_event(&mut again, &rated, Aggregation::Sum, |level| level.payer == id(CUSTOMER)).expect("held");
        let twice = back.plus(back).expect("in range");
        assert_eq!(again[&id(CUSTOMER)].returned.get(&of), Some(&twice));
        let state = again.get_mut(&id(CUSTOMER)).expect("there");
        let mut at = month();
        for _ in 0..6 {
            state.months.entry(at).or_default().volume = Quantity::ONE;
            state.prune();
            at = at.next();
        }
        assert_eq!(state.returned, BTreeMap::from([(ReturnedOf { of: None, ..of }, twice)]));
    }

    #[test]
    fn what_cannot_be_rated_is_refused_and_changes_nothing() {
        let tree = plain();
        let mut states = States::new();
        let over = EventToRate { quantity: Quantity::new(Quantity::MAX_EVENT.get() + 1), ..event("1") };
        assert_eq!(rate_event(&tree.chain(), &mut states, &over), Err(RateError::QuantityOutOfRange));
        let negative = EventToRate { quantity: Quantity::new(-1), ..event("1") };
        assert_eq!(rate_event(&tree.chain(), &mut states, &negative), Err(RateError::QuantityOutOfRange));
        let unknown = EventToRate { meter: "other".parse().expect("a key"), ..event("1") };
        let error = rate_event(&tree.chain(), &mut states, &unknown).expect_err("no meter");
        assert!(matches!(error, RateError::Resolve(ResolveError::UnknownMeter(_))), "{error}");
        let before = EventToRate { occurred_at: at("2026-10-31T23:59:59Z"), ..event("1") };
        let error = rate_event(&tree.chain(), &mut states, &before).expect_err("no card then");
        assert!(matches!(error, RateError::Resolve(ResolveError::NoPrice { .. })), "{error}");
        assert_eq!(states, States::new());
        let mut full = UsageState::default();
        let mut later = month().next();
        for _ in 0..4 {
            full.months.insert(later, MonthState { volume: Quantity::ONE, ..MonthState::default() });
            later = later.next();
        }
        let mut states = States::from([(id(MASTER), full)]);
        assert_eq!(rate(&tree, &mut states, "1"), Err(RateError::TooLate), "its month is not kept any more");
    }

    #[test]
    fn usage_is_at_most_35_days_late_and_5_minutes_early() {
        let now = noon();
        let ok = |text: &str| check_occurred_at(at(text), now);
        assert_eq!(ok("2026-10-16T12:00:00Z"), Ok(()));
        assert_eq!(ok("2026-10-16T11:59:59.999Z"), Err(RateError::TooLate));
        assert_eq!(ok("2026-11-20T12:05:00Z"), Ok(()));
        assert_eq!(ok("2026-11-20T12:05:00.001Z"), Err(RateError::TooEarly));
    }
}
