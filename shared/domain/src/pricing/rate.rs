//! Rating: what one event costs at each level of its chain, and how it changes the totals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::id::{AccountId, PromotionId};
use crate::money::Micros;
use crate::pricing::chain::Chain;
use crate::pricing::meter::{Aggregation, MeterKey, TierName};
use crate::pricing::month::Month;
use crate::pricing::number::{Overflow, Percent, Picos, Quantity, signed_quantity};
use crate::pricing::promotion::FundedBy;
use crate::pricing::resolve::{PreparedChain, ResolveError, RuleRef};
use crate::pricing::state::UsageState;

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
    /// Of a `unique` meter: its value was not seen before in this account, meter and [`Chain::period`].
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
    todo!("{occurred_at} {now}")
}

/// The month that usage of `occurred_at` is added to: the later of its own and the first that no account of the chain was
/// billed for.
pub fn period_of(chain: &Chain, states: &BTreeMap<AccountId, UsageState>, occurred_at: Timestamp) -> Month {
    todo!("{chain:?} {states:?} {occurred_at}")
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
    todo!("{prepared:?} {states:?} {event:?}")
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
    todo!("{states:?} {rated:?} {aggregation:?}")
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
    todo!("{prepared:?} {states:?} {period} {quantity} {from_zero}")
}
