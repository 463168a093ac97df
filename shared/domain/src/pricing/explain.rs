//! A price in words, rule by rule.

use serde::{Deserialize, Serialize};

use crate::pricing::chain::Chain;
use crate::pricing::markup::MarkupRule;
use crate::pricing::model::{Band, Model};
use crate::pricing::number::{Picos, Quantity};
use crate::pricing::promotion::FundedBy;
use crate::pricing::rate::{AppliedTier, RatedEvent, RatedLevel};
use crate::pricing::resolve::{ResolvedLevel, RuleKind, Step, Verdict};

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The rule: a [`crate::pricing::resolve::RuleKind`] word, `tier`, `promotion`, `amount` or `margin`.
    pub rule: String,
    /// In words.
    pub detail: String,
    /// In money, exactly; what is taken off is below zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Picos>,
}

/// One level of a rated event in words: the rule with its numbers, then tier, promotion, what moves, and the seller's margin.
/// `chain` gives the cards and markups that the level names; of one that is not in its books only the figures are told.
pub fn explain_level(chain: &Chain, rated: &RatedEvent, level: &RatedLevel) -> Vec<Line> {
    let mut lines = vec![Line::new(level.rule.kind.word(), rule_words(chain, rated, level), Some(level.base))];
    if let Some(tier) = &level.tier {
        lines.push(Line::of_tier(tier));
    }
    if let Some(discount) = &level.discount {
        let name = chain.promotion(&discount.promotion).map_or_else(String::new, |promotion| format!(" \"{}\"", promotion.name));
        let bearer = match discount.funded_by {
            FundedBy::Owner => "borne by the account that gives it",
            FundedBy::Seller => "borne by the seller",
        };
        lines.push(Line::new("promotion", format!("promotion {}{name}, {bearer}", discount.promotion), minus(discount.amount)));
    }
    lines.push(Line::of_amount(level));
    if let Some(cost) = level.cost {
        let margin = level.price.minus(cost).ok();
        lines.push(Line::new("margin", format!("price {} less the seller's own cost {cost}", level.price), margin));
    }
    lines
}

/// The rules that were looked at for one level, in words.
pub fn explain_resolved(resolved: &ResolvedLevel) -> Vec<Line> {
    let line = |step: &Step| {
        let id = step.id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
        let found = match step.verdict {
            Verdict::Applies => "sets the price",
            Verdict::Absent => "there is none",
            Verdict::NotYetInForce => "is not in force yet",
            Verdict::Ended => "was ended",
            Verdict::OtherCurrency => "is in another currency",
            Verdict::NotInherited => "is not to be inherited",
            Verdict::FormerSeller => "was agreed with a former seller",
            Verdict::NothingToAddTo => "the owner of the meter has no cost to pass on or to add to",
        };
        Line::new(step.rule.word(), format!("{}{id} of {}: {found}", rule_name(step.rule), step.of), None)
    };
    let mut lines: Vec<Line> = resolved.considered.iter().map(line).collect();
    if let Some(model) = &resolved.model {
        lines.push(Line::new(resolved.rule.kind.word(), model_words(model), None));
    }
    if let Some(markup) = &resolved.markup {
        lines.push(Line::new(resolved.rule.kind.word(), markup_words(*markup), None));
    }
    lines
}

impl Line {
    /// What a volume tier took off.
    pub fn of_tier(tier: &AppliedTier) -> Self {
        let grace = if tier.grace { ", kept for this month by last month's volume" } else { "" };
        Self::new("tier", format!("{} tier, {} % off{grace}", tier.name, tier.discount), minus(tier.amount))
    }

    /// How an exact price becomes what moves.
    pub fn of_amount(level: &RatedLevel) -> Self {
        let total = format!("the month's total becomes {}; rounded to six decimals it moves by {}", level.paid_after, level.amount);
        Self::new("amount", total, Some(Picos::from(level.amount)))
    }

    fn new(rule: &str, detail: String, amount: Option<Picos>) -> Self {
        Self { rule: rule.to_owned(), detail, amount }
    }
}

fn minus(amount: Picos) -> Option<Picos> {
    amount.negated().ok()
}

fn rule_name(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::AccountCard => "card for this account",
        RuleKind::AccountMeterMarkup => "markup for this account and meter",
        RuleKind::AccountMarkup => "markup for this account",
        RuleKind::Card => "card",
        RuleKind::MeterMarkup => "markup for the meter",
        RuleKind::Markup => "default markup",
        RuleKind::InheritedMarkup => "inherited markup",
        RuleKind::Cost => "the cost",
    }
}

fn rule_words(chain: &Chain, rated: &RatedEvent, level: &RatedLevel) -> String {
    let id = level.rule.id.as_deref().unwrap_or_default();
    // What takes an event back shows what was charged, at the place where it was charged.
    let back = if rated.contribution.is_negative() { "taken back: " } else { "" };
    let quantity = Quantity::new(rated.contribution.get().saturating_abs());
    match level.rule.kind {
        RuleKind::AccountCard | RuleKind::Card => match chain.card(id) {
            Some(card) if back.is_empty() => {
                let words = charge_words(&card.model, level.position, quantity);
                format!("{} {id}, {}: {words} = {}", rule_name(level.rule.kind), card.model.word(), level.base)
            }
            Some(_) | None => format!("{back}{} {id}: {} for {}", rule_name(level.rule.kind), units(quantity), level.base),
        },
        RuleKind::Cost => format!("{back}what the seller pays itself: {}", level.base),
        RuleKind::AccountMeterMarkup | RuleKind::AccountMarkup | RuleKind::MeterMarkup | RuleKind::Markup | RuleKind::InheritedMarkup => {
            let from = level.rule.from.as_ref().map(|from| format!(" of {from}")).unwrap_or_default();
            let words = match chain.markup(id).map(|markup| markup.rule) {
                Some(MarkupRule::Percent(percent)) => format!("the seller's cost + {percent} %"),
                Some(MarkupRule::Fixed(fixed)) => format!("the seller's cost + {} × {fixed}", units(quantity)),
                Some(MarkupRule::End) | None => "the seller's cost and the markup".to_owned(),
            };
            format!("{back}{} {id}{from}: {words} = {}", rule_name(level.rule.kind), level.base)
        }
    }
}

/// The arithmetic of a charge: which units of the month, at which price.
fn charge_words(model: &Model, position: Quantity, quantity: Quantity) -> String {
    let end = Quantity::new(position.get().saturating_add(quantity.get()));
    match model {
        Model::Flat { unit_price } => format!("{} × {unit_price}", units(quantity)),
        Model::Graduated { bands } => {
            let entered = bands.iter().filter(|band| end > band.from && band.to.is_none_or(|to| position < to));
            let parts = entered.map(|band| {
                let (low, high) = (position.max(band.from), band.to.map_or(end, |to| to.min(end)));
                let part = Quantity::new(high.get().saturating_sub(low.get()));
                let fee =
                    if position <= band.from && !band.flat_fee.is_zero() { format!(" + fee {}", band.flat_fee) } else { String::new() };
                format!("{} to {} of the month: {} × {}{fee}", units(low), units(high), units(part), band.unit_price)
            });
            joined(parts.collect())
        }
        Model::Volume { bands } => {
            let at = |quantity: Quantity| {
                let band = bands.iter().find(|band| band.to.is_none_or(|to| quantity <= to));
                band.filter(|_| quantity > Quantity::ZERO).map_or_else(
                    || "nothing".to_owned(),
                    |band| {
                        let fee = if band.flat_fee.is_zero() { String::new() } else { format!(" + fee {}", band.flat_fee) };
                        format!("{} × {}{fee}", units(quantity), band.unit_price)
                    },
                )
            };
            format!("the month so far at {}, less {} before", at(end), at(position))
        }
        Model::Package { size, price } => {
            let begun = |quantity: Quantity| {
                let size = i128::from(size.get().max(1));
                (i128::from(quantity.get()) + size - 1) / size
            };
            let (before, after) = (begun(position), begun(end));
            format!("packages of {} begun this month: {before} before, {after} now; {} × {price}", units(*size), after - before)
        }
        Model::Minimum { minimum, model } => {
            format!("{}, and at least {minimum} in a month with usage", charge_words(model, position, quantity))
        }
    }
}

fn model_words(model: &Model) -> String {
    let bands_words = |bands: &[Band]| {
        let band = |band: &Band| {
            let end = band.to.map_or_else(|| "on".to_owned(), |to| format!("to {}", units(to)));
            let fee = if band.flat_fee.is_zero() { String::new() } else { format!(" + fee {}", band.flat_fee) };
            format!("from {} {end}: {}{fee}", units(band.from), band.unit_price)
        };
        joined(bands.iter().map(band).collect())
    };
    match model {
        Model::Flat { unit_price } => format!("flat: {unit_price} a unit"),
        Model::Graduated { bands } => format!("graduated: {}", bands_words(bands)),
        Model::Volume { bands } => format!("volume: {}", bands_words(bands)),
        Model::Package { size, price } => format!("packages of {} at {price}", units(*size)),
        Model::Minimum { minimum, model } => format!("at least {minimum} a month; {}", model_words(model)),
    }
}

fn markup_words(markup: MarkupRule) -> String {
    match markup {
        MarkupRule::Percent(percent) => format!("the seller's cost + {percent} %"),
        MarkupRule::Fixed(fixed) => format!("the seller's cost + {fixed} a unit"),
        MarkupRule::End => "ended".to_owned(),
    }
}

fn joined(parts: Vec<String>) -> String {
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

/// A quantity for people: thousands set apart, decimals only if there are any.
fn units(quantity: Quantity) -> String {
    let text = quantity.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let mut shown = String::with_capacity(text.len() + 6);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 && !shown.ends_with('-') {
            shown.push(',');
        }
        shown.push(digit);
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() { shown } else { format!("{shown}.{decimals}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::pricing::promotion::PromotionRule;
    use crate::pricing::rate::rate_event;
    use crate::pricing::resolve::resolve;
    use crate::pricing::testing::*;
    use crate::pricing::tier::TierTable;

    fn words(lines: &[Line]) -> Vec<String> {
        lines
            .iter()
            .map(|line| format!("{} | {} | {}", line.rule, line.detail, line.amount.map_or_else(String::new, |a| a.to_string())))
            .collect()
    }

    #[test]
    fn a_charge_is_told_rule_by_rule() {
        let mut tree = Tree::new();
        tree.book(OPERATOR).tiers = Some(TierTable::default_table().clone());
        tree.book(OPERATOR).cards.push(card_of(
            1,
            model(
                r#"{"type":"graduated","bands":[{"from":"0","to":"1005","unit_price":"0.05"},
                {"from":"1005","unit_price":"0.04","flat_fee":"2"}]}"#,
            ),
        ));
        tree.book(MASTER).markups.push(markup(1, MarkupRule::Percent(percent("20"))));
        tree.book(RESELLER).promotions.push(promotion(1, PromotionRule::Percent(percent("10"))));
        let chain = tree.chain();
        let mut states = BTreeMap::new();
        rate_event(&chain, &mut states, &event("1000")).expect_err("a promotion under the cost");
        tree.book(RESELLER).promotions[0].allow_loss = true;
        let chain = tree.chain();
        rate_event(&chain, &mut states, &event("1000")).expect("a price");
        let rated = rate_event(&chain, &mut states, &event("12")).expect("a price");
        let card = chain.accounts()[OPERATOR].book.cards[0].id.clone();
        assert_eq!(
            words(&explain_level(&chain, &rated, &rated.levels[2])),
            [
                format!(
                    "card | card {card}, graduated: 1,000 to 1,005 of the month: 5 × 0.05; 1,005 to 1,012 of the month: 7 × 0.04 + fee \
                     2.000000 = 2.530000 | 2.530000"
                ),
                "tier | bronze tier, 5 % off | -0.126500".to_owned(),
                "amount | the month's total becomes 52.403500; rounded to six decimals it moves by 2.403500 | 2.403500".to_owned(),
            ]
        );
        let lines = words(&explain_level(&chain, &rated, &rated.levels[0]));
        let promotion = &chain.accounts()[RESELLER].book.promotions[0].id;
        assert_eq!(lines[0], "cost | what the seller pays itself: 2.884200 | 2.884200");
        assert_eq!(lines[1], format!("promotion | promotion {promotion} \"Autumn\", borne by the seller | -0.288420"));
        assert_eq!(lines[3], "margin | price 2.595780 less the seller's own cost 2.884200 | -0.288420");
        let lines = words(&explain_resolved(&resolve(&chain, &key(), noon()).expect("a price")[0]));
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[0], format!("account_card | card for this account of {}: there is none | ", id(RESELLER)));
        assert_eq!(lines[10], format!("cost | the cost of {}: sets the price | ", id(RESELLER)));
    }

    #[test]
    fn every_model_has_words() {
        let q = quantity;
        let charge = |json: &str, position: &str, of: &str| charge_words(&model(json), q(position), q(of));
        assert_eq!(charge(r#"{"type":"flat","unit_price":"0.05"}"#, "5", "1234567.5"), "1,234,567.5 × 0.05");
        let volume = r#"{"type":"volume","bands":[{"from":"0","to":"1000","unit_price":"0.05"},{"from":"1000","unit_price":"0.04"}]}"#;
        assert_eq!(charge(volume, "1000", "1"), "the month so far at 1,001 × 0.04, less 1,000 × 0.05 before");
        assert_eq!(charge(volume, "0", "1"), "the month so far at 1 × 0.05, less nothing before");
        let package = r#"{"type":"package","size":"100","price":"1"}"#;
        assert_eq!(charge(package, "100", "1"), "packages of 100 begun this month: 1 before, 2 now; 1 × 1.000000");
        let minimum = r#"{"type":"minimum","minimum":"5","model":{"type":"flat","unit_price":"0.05"}}"#;
        assert_eq!(charge(minimum, "0", "1"), "1 × 0.05, and at least 5.000000 in a month with usage");
    }
}
