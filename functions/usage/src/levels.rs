//! What a caller sees of an event's prices: its own level and those below it, and nothing of anyone above.

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::Head;
use tributary_domain::money::{Currency, Micros};
use tributary_domain::pricing::chain::Chain;
use tributary_domain::pricing::explain::{Line, explain_level};
use tributary_domain::pricing::number::{Picos, Quantity};
use tributary_domain::pricing::rate::{RatedEvent, RatedLevel};

/// One step of a price, in words.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceStep {
    /// The rule: `card`, `markup`, `tier`, `promotion`, `amount`, `margin` …
    pub rule: String,
    /// What it did.
    pub detail: String,
    /// By how much, exactly: up to twelve decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub amount: Option<Picos>,
}

/// What one level pays for an event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceLevel {
    /// Who pays.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub payer: AccountId,
    /// Whom; null for the caller's own seller.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub seller: Option<AccountId>,
    /// What it pays, exactly: up to twelve decimals.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub price: Picos,
    /// What moves or accrues.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// What the seller pays itself for it; only where the seller is the caller or stands below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub cost: Option<Picos>,
    /// The payer's quantity of the meter in the month before the event.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub position: Quantity,
    /// How the price came about, rule by rule.
    pub steps: Vec<PriceStep>,
}

/// The currency of an event's prices, and the levels that the caller sees.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatedView {
    /// The month that it is added to.
    #[cfg_attr(feature = "openapi", schema(example = "2026-11"))]
    pub period: String,
    /// What it adds to the month's quantity.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub contribution: Quantity,
    /// The currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The levels, the using account's first, up to the caller's own.
    pub levels: Vec<PriceLevel>,
}

impl RatedView {
    /// What `home` sees. `head` is the using account's, `chain` its chain where the words of the rules are to be had.
    pub fn of(rated: &RatedEvent, currency: Currency, home: &AccountId, head: &Head, chain: Option<&Chain>) -> Self {
        // Above an account that is the caller's own nothing is below the caller.
        let between = if head.lineage.has(home) { head.lineage.below(home) } else { &[] };
        let below = |id: &AccountId| head.ledger.account() == Some(id) || between.iter().any(|step| &step.id == id);
        let seen = |id: &AccountId| id == home || below(id);
        let levels = rated.levels.iter().filter(|level| seen(&level.payer));
        let level = |level: &RatedLevel| {
            let sells = seen(&level.seller);
            let steps = match chain {
                Some(chain) if sells => explain_level(chain, rated, level).into_iter().map(PriceStep::from).collect(),
                Some(_) | None => own_steps(level),
            };
            PriceLevel {
                payer: level.payer.clone(),
                seller: sells.then(|| level.seller.clone()),
                price: level.price,
                amount: level.amount,
                cost: level.cost.filter(|_| sells),
                position: level.position,
                steps,
            }
        };
        Self { period: rated.period.to_string(), contribution: rated.contribution, currency, levels: levels.map(level).collect() }
    }
}

/// What the caller's own price is told with: its seller's rules are not the caller's to see.
fn own_steps(level: &RatedLevel) -> Vec<PriceStep> {
    let step = |rule: &str, detail: String, amount| PriceStep { rule: rule.to_owned(), detail, amount: Some(amount) };
    let mut steps = vec![step("price", "what the seller charges".to_owned(), level.base)];
    steps.extend(level.tier.as_ref().map(|tier| Line::of_tier(tier).into()));
    if let Some(discount) = &level.discount {
        steps.push(step("promotion", format!("promotion {}", discount.promotion), discount.amount.negated().unwrap_or_default()));
    }
    steps.push(Line::of_amount(level).into());
    steps
}

impl From<Line> for PriceStep {
    fn from(line: Line) -> Self {
        Self { rule: line.rule, detail: line.detail, amount: line.amount }
    }
}
