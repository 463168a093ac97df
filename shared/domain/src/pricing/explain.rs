//! A price in words, rule by rule.

use serde::{Deserialize, Serialize};

use crate::pricing::chain::Chain;
use crate::pricing::number::Picos;
use crate::pricing::rate::{RatedEvent, RatedLevel};
use crate::pricing::resolve::ResolvedLevel;

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

/// One level of a rated event in words: the rule with its numbers, then tier, promotion, what moves, and the seller's margin. The
/// chain gives the cards and markups that the level names; without one (withdrawn account, moved) only the figures are told.
pub fn explain_level(chain: &Chain, rated: &RatedEvent, level: &RatedLevel) -> Vec<Line> {
    todo!("{chain:?} {rated:?} {level:?}")
}

/// The rules that were looked at for one level, in words.
pub fn explain_resolved(resolved: &ResolvedLevel) -> Vec<Line> {
    todo!("{resolved:?}")
}
