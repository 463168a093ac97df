//! Markups: what a seller adds to what it pays itself, from a day on. Append-only, as cards are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, MarkupId};
use crate::money::Currency;
use crate::pricing::card::check_effective_from;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::MeterKey;
use crate::pricing::number::{PARTS_OF_ONE, Percent, UnitPrice};

/// The most markups that one list keeps.
pub const MAX_MARKUPS: usize = 500;

/// What is added to the cost. On the wire `{"percent": "12.5"}`, `{"fixed": "0.01"}` or `"end"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkupRule {
    /// A share of the cost, −100 to 10,000 %.
    Percent(Percent),
    /// So much for each unit, whatever the cost.
    Fixed(UnitPrice),
    /// Nothing from here on: the next rule of the precedence decides.
    End,
}

/// One version of a markup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markup {
    /// Its id.
    pub id: MarkupId,
    /// The one account that it is for, a direct sub-account of the seller; `None` is for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The one meter that it is for; `None` is the default of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterKey>,
    /// The currency of a fixed one; a chain in another currency does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// From when on; it is in force until the next of its line begins.
    pub effective_from: Timestamp,
    /// What is added.
    pub rule: MarkupRule,
    /// Sellers below, that have neither card nor markup, use it too.
    #[serde(default)]
    pub inherit: bool,
    /// It may sell under cost.
    #[serde(default)]
    pub allow_loss: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a key's or a member's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl MarkupRule {
    /// Refuses a share that no markup may add.
    ///
    /// # Errors
    /// With the pointer of the field.
    pub fn validate(self) -> Result<(), PricingError> {
        match self {
            MarkupRule::Percent(percent) if !(-PARTS_OF_ONE..=100 * PARTS_OF_ONE).contains(&percent.parts()) => {
                Err(PricingError::at("/percent", Reason::OutOfRange("-100", "10000")))
            }
            MarkupRule::Percent(_) | MarkupRule::Fixed(_) | MarkupRule::End => Ok(()),
        }
    }
}

impl Markup {
    /// Whether `other` is a version of the same markup.
    pub fn same_line(&self, other: &Markup) -> bool {
        self.account_id == other.account_id && self.meter == other.meter
    }

    /// Refuses what does not fit together. Below zero needs `allow_loss`.
    ///
    /// # Errors
    /// With the pointer of the field.
    pub fn validate(&self) -> Result<(), PricingError> {
        self.rule.validate()?;
        match self.rule {
            MarkupRule::Percent(percent) if percent.is_negative() && !self.allow_loss => return negative("/percent"),
            MarkupRule::Fixed(fixed) if fixed.is_negative() && !self.allow_loss => return negative("/fixed"),
            MarkupRule::Fixed(_) if self.currency.is_none() => {
                return Err(PricingError::at("/currency", Reason::Shape("a fixed markup needs its currency")));
            }
            MarkupRule::Percent(_) | MarkupRule::Fixed(_) | MarkupRule::End => {}
        }
        if self.inherit && self.account_id.is_some() {
            return Err(PricingError::at("/inherit", Reason::Shape("a markup for one account is not inherited")));
        }
        Ok(())
    }
}

fn negative(pointer: &str) -> Result<(), PricingError> {
    Err(PricingError::at(pointer, Reason::Shape("below zero sells under cost; set allow_loss to do so")))
}

/// The markup of `account_id` and `meter` (exactly these) in force at `at`; an ended one is found too.
pub fn in_force<'a>(markups: &'a [Markup], account_id: Option<&AccountId>, meter: Option<&MeterKey>, at: Timestamp) -> Option<&'a Markup> {
    let line = markups.iter().filter(|markup| markup.account_id.as_ref() == account_id && markup.meter.as_ref() == meter);
    line.filter(|markup| markup.effective_from <= at).max_by_key(|markup| markup.effective_from)
}

/// Adds a version, under the rules of [`crate::pricing::card::append_card`].
///
/// # Errors
/// As there, or what is wrong with the markup.
pub fn append_markup(markups: &mut Vec<Markup>, markup: Markup, now: Timestamp) -> Result<(), PricingError> {
    markup.validate()?;
    if markups.len() >= MAX_MARKUPS {
        return Err(PricingError::at("", Reason::TooMany(MAX_MARKUPS)));
    }
    let newest = markups.iter().filter(|other| other.same_line(&markup)).map(|other| other.effective_from).max();
    check_effective_from(markup.effective_from, newest, now)?;
    markups.push(markup);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{at, id, made, markup, percent, unit_price};

    #[test]
    fn a_markup_is_in_its_range_and_below_zero_only_in_words() {
        let pointer = |markup: &Markup| markup.validate().map_err(|error| error.pointer);
        for (rule, allow_loss, want) in [
            (MarkupRule::Percent(percent("12.5")), false, None),
            (MarkupRule::Percent(percent("10000")), false, None),
            (MarkupRule::Percent(percent("10000.0001")), false, Some("/percent")),
            (MarkupRule::Percent(percent("-0.0001")), false, Some("/percent")),
            (MarkupRule::Percent(percent("-100")), true, None),
            (MarkupRule::Percent(percent("-100.0001")), true, Some("/percent")),
            (MarkupRule::Fixed(unit_price("0.01")), false, None),
            (MarkupRule::Fixed(unit_price("-0.01")), false, Some("/fixed")),
            (MarkupRule::Fixed(unit_price("-0.01")), true, None),
            (MarkupRule::End, false, None),
        ] {
            let markup = Markup { allow_loss, ..markup(1, rule) };
            assert_eq!(pointer(&markup), want.map_or(Ok(()), |at| Err(at.to_owned())), "{rule:?}");
        }
        let fixed = Markup { currency: None, ..markup(1, MarkupRule::Fixed(unit_price("1"))) };
        assert_eq!(pointer(&fixed), Err("/currency".to_owned()));
        let own = Markup { inherit: true, account_id: Some(id(0)), ..markup(1, MarkupRule::End) };
        assert_eq!(pointer(&own), Err("/inherit".to_owned()));
    }

    #[test]
    fn versions_follow_each_other_and_the_wire_form_reads_back() {
        let mut markups = Vec::new();
        let first = markup(1, MarkupRule::Percent(percent("10")));
        append_markup(&mut markups, first.clone(), made()).expect("the first");
        let error = append_markup(&mut markups, first.clone(), made()).expect_err("not later");
        assert_eq!(error.reason, Reason::NotLater(made()));
        let end = Markup { effective_from: at("2026-12-01T00:00:00Z"), ..markup(2, MarkupRule::End) };
        append_markup(&mut markups, end.clone(), made()).expect("the second");
        let found = |time: &str| in_force(&markups, None, None, at(time)).map(|markup| markup.rule);
        assert_eq!(found("2026-11-30T00:00:00Z"), Some(first.rule));
        assert_eq!(found("2026-12-02T00:00:00Z"), Some(MarkupRule::End));
        for (rule, json) in [
            (first.rule, r#"{"percent":"10"}"#),
            (MarkupRule::Fixed(unit_price("0.01")), r#"{"fixed":"0.01"}"#),
            (MarkupRule::End, r#""end""#),
        ] {
            assert_eq!(serde_json::to_string(&rule).expect("writes"), json);
            assert_eq!(serde_json::from_str::<MarkupRule>(json).expect("reads"), rule);
        }
    }
}
