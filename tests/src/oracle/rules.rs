//! Pricing books, read from the JSON in which they are kept, and which of their rules is in force when.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::models::Model;

/// One account's book.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Book {
    /// Its meters.
    pub meters: Vec<Meter>,
    /// Its cards for everybody right below it.
    pub cards: Vec<Card>,
    /// Its markups for everybody right below it.
    pub markups: Vec<Markup>,
    /// Its promotions.
    pub promotions: Vec<Promotion>,
    /// Its volume tiers for the resellers right below it.
    pub tiers: Option<Tiers>,
    /// What its seller agreed with it alone.
    pub terms: Option<Terms>,
    /// The codes that it redeemed.
    pub redeemed: Vec<Redeemed>,
}

/// What is counted.
#[derive(Debug, Clone, Deserialize)]
pub struct Meter {
    /// Its key.
    pub key: String,
    /// `sum`, `count`, `max` or `unique`.
    pub aggregation: String,
    /// Of a `unique` meter: the property whose different values are counted.
    pub unique_by: Option<String>,
    /// Its quantity counts to volume tiers.
    #[serde(default = "yes")]
    pub counts_to_tier: bool,
}

fn yes() -> bool {
    true
}

/// One version of a price.
#[derive(Debug, Clone, Deserialize)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// Of which meter.
    pub meter: String,
    /// In which currency.
    pub currency: String,
    /// From when on, until the next version.
    pub effective_from: Timestamp,
    /// The price.
    pub model: Model,
    /// It may be under cost.
    #[serde(default)]
    pub allow_loss: bool,
}

/// One version of a markup.
#[derive(Debug, Clone, Deserialize)]
pub struct Markup {
    /// Its id.
    pub id: String,
    /// Of which meter; none is for all others.
    pub meter: Option<String>,
    /// The currency of a fixed one.
    pub currency: Option<String>,
    /// From when on, until the next version.
    pub effective_from: Timestamp,
    /// What is added.
    pub rule: MarkupRule,
    /// Sellers further down without a rule of their own use it.
    #[serde(default)]
    pub inherit: bool,
    /// It may sell under cost.
    #[serde(default)]
    pub allow_loss: bool,
}

/// What a markup adds to the cost.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkupRule {
    /// Percent of it.
    Percent(Decimal),
    /// So much for each unit.
    Fixed(Decimal),
    /// Nothing: from here on as if there were no markup.
    End,
}

/// What a seller agreed with one account alone.
#[derive(Debug, Clone, Deserialize)]
pub struct Terms {
    /// Which seller: void below another.
    pub seller: String,
    /// Cards.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// Markups.
    #[serde(default)]
    pub markups: Vec<Markup>,
}

/// Volume tiers, lowest first.
#[derive(Debug, Clone, Deserialize)]
pub struct Tiers {
    /// The tiers.
    pub tiers: Vec<Tier>,
}

/// One tier.
#[derive(Debug, Clone, Deserialize)]
pub struct Tier {
    /// The month's volume from which on it is given.
    pub from: Decimal,
    /// Percent off.
    pub discount: Decimal,
}

/// Something off for a time.
#[derive(Debug, Clone, Deserialize)]
pub struct Promotion {
    /// Its id.
    pub id: String,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
    /// Its meters; none named is all.
    #[serde(default)]
    pub meters: Vec<String>,
    /// Only for this account and what is below it.
    pub account_id: Option<String>,
    /// What is taken off.
    pub rule: PromotionRule,
    /// The currency of a cap and of a fixed rule.
    pub currency: Option<String>,
    /// The most that one account gets.
    pub cap: Option<Decimal>,
    /// Only for who redeemed it, and what is below.
    pub code: Option<String>,
    /// `owner` or `seller`.
    pub funded_by: String,
    /// Who bears it may sell under cost.
    #[serde(default)]
    pub allow_loss: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a promotion takes off.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionRule {
    /// Percent of the price.
    Percent(Decimal),
    /// So much for each unit.
    Fixed(Decimal),
}

/// A code that was redeemed.
#[derive(Debug, Clone, Deserialize)]
pub struct Redeemed {
    /// The promotion it belongs to.
    pub promotion_id: String,
}

/// The operator's tiers as long as its book has none.
pub fn default_tiers() -> Tiers {
    let tier = |from: i64, discount: i64| Tier { from: from.into(), discount: discount.into() };
    Tiers { tiers: vec![tier(1_000, 5), tier(5_000, 10), tier(25_000, 20), tier(100_000, 35)] }
}

/// The card of a meter and currency in force at a moment: the latest that has begun.
pub fn card<'a>(cards: &'a [Card], meter: &str, currency: &str, at: Timestamp) -> Option<&'a Card> {
    let begun = cards.iter().filter(|card| card.meter == meter && card.currency == currency && card.effective_from <= at);
    begun.max_by_key(|card| card.effective_from)
}

/// The markup in force at a moment for a meter, or with `None` for all others: the latest that has begun, unless that one
/// ended it or is an amount in another currency.
pub fn markup<'a>(markups: &'a [Markup], meter: Option<&str>, currency: &str, at: Timestamp) -> Option<&'a Markup> {
    let begun = markups.iter().filter(|markup| markup.meter.as_deref() == meter && markup.effective_from <= at);
    let latest = begun.max_by_key(|markup| markup.effective_from)?;
    match latest.rule {
        MarkupRule::End => None,
        MarkupRule::Fixed(_) if latest.currency.as_deref() != Some(currency) => None,
        MarkupRule::Fixed(_) | MarkupRule::Percent(_) => Some(latest),
    }
}

impl Tiers {
    /// Percent off at the better of two months' volumes; nothing below the first tier.
    pub fn discount(&self, this_month: Decimal, last_month: Decimal) -> Decimal {
        let reached = self.tiers.iter().filter(|tier| tier.from <= this_month.max(last_month));
        reached.map(|tier| tier.discount).max().unwrap_or_default()
    }
}

impl Promotion {
    /// Whether it is running, for this meter and in this currency.
    pub fn runs(&self, meter: &str, currency: &str, at: Timestamp) -> bool {
        let over = self.ended_at.map_or(self.ends_at, |ended| ended.min(self.ends_at));
        let priced_in = self.currency.as_deref().is_none_or(|own| own == currency);
        self.starts_at <= at && at < over && priced_in && (self.meters.is_empty() || self.meters.iter().any(|own| own == meter))
    }
}
