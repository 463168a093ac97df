//! Promotions: something off for a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, PromotionId};
use crate::money::{Currency, Micros};
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::{MeterKey, PromotionCode};
use crate::pricing::model::money;
use crate::pricing::number::{Percent, UnitPrice};
use crate::text::Name;

/// The most promotions that one account keeps.
pub const MAX_PROMOTIONS: usize = 200;

/// The most meters that one promotion names.
pub const MAX_PROMOTION_METERS: usize = 50;

/// What is taken off. On the wire `{"percent": "10"}` or `{"fixed": "0.01"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionRule {
    /// A share of the price, above 0 up to 100 %.
    Percent(Percent),
    /// So much for each unit, above 0.
    Fixed(UnitPrice),
}

/// Who bears what is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundedBy {
    /// The promotion's owner: the margins of everybody between it and the using account stay whole.
    Owner,
    /// The direct seller of the using account.
    Seller,
}

/// A promotion that an account gives the accounts below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// Its id.
    pub id: PromotionId,
    /// Its name, for people.
    pub name: Name,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when, this moment left out; after `starts_at`.
    pub ends_at: Timestamp,
    /// When it was ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The meters it is for; none named is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<MeterKey>,
    /// Only this account and what is below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// What is taken off.
    pub rule: PromotionRule,
    /// The currency of `cap` and of a fixed rule; a chain in another currency does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The most that one using account gets from it, ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Micros>,
    /// Only accounts that redeemed this code, or stand below one that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<PromotionCode>,
    /// Who bears it.
    pub funded_by: FundedBy,
    /// Its funder may sell under cost with it.
    #[serde(default)]
    pub allow_loss: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a key's or a member's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl Promotion {
    /// Refuses what does not fit together.
    ///
    /// # Errors
    /// With the pointer of the field.
    pub fn validate(&self) -> Result<(), PricingError> {
        if self.ends_at <= self.starts_at {
            return Err(PricingError::at("/ends_at", Reason::Shape("must be after starts_at")));
        }
        if self.meters.len() > MAX_PROMOTION_METERS {
            return Err(PricingError::at("/meters", Reason::TooMany(MAX_PROMOTION_METERS)));
        }
        let fixed = match self.rule {
            PromotionRule::Percent(percent) if percent <= Percent::ZERO || percent > Percent::HUNDRED => {
                return Err(PricingError::at("/percent", Reason::OutOfRange("0.0001", "100")));
            }
            PromotionRule::Fixed(fixed) if fixed <= UnitPrice::ZERO => {
                return Err(PricingError::at("/fixed", Reason::NotPositive));
            }
            PromotionRule::Percent(_) => false,
            PromotionRule::Fixed(_) => true,
        };
        if let Some(cap) = self.cap {
            money("/cap", cap)?;
            if cap.is_zero() {
                return Err(PricingError::at("/cap", Reason::NotPositive));
            }
        }
        if (fixed || self.cap.is_some()) && self.currency.is_none() {
            return Err(PricingError::at("/currency", Reason::Shape("a fixed rule and a cap need their currency")));
        }
        Ok(())
    }

    /// The moment from which on it is not in force any more.
    pub fn end(&self) -> Timestamp {
        self.ended_at.map_or(self.ends_at, |ended| ended.min(self.ends_at))
    }

    /// Whether it is in force at `at`.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.end()
    }
}

/// Adds a promotion. It begins now or later: prices already used never change.
///
/// # Errors
/// [`Reason::Backdated`], [`Reason::TooMany`], a code that another one has, or what is wrong with it.
pub fn append_promotion(promotions: &mut Vec<Promotion>, promotion: Promotion, now: Timestamp) -> Result<(), PricingError> {
    promotion.validate()?;
    if promotion.starts_at < now {
        return Err(PricingError::at("/starts_at", Reason::Backdated));
    }
    if promotions.len() >= MAX_PROMOTIONS {
        return Err(PricingError::at("", Reason::TooMany(MAX_PROMOTIONS)));
    }
    let clash = |other: &Promotion| other.code == promotion.code && other.end() > now;
    if promotion.code.is_some() && promotions.iter().any(clash) {
        return Err(PricingError::at("/code", Reason::Duplicate));
    }
    promotions.push(promotion);
    Ok(())
}

/// Ends a promotion now, before its time.
///
/// # Errors
/// [`Reason::NotFound`], or that it is over already.
pub fn end_promotion<'a>(promotions: &'a mut [Promotion], id: &PromotionId, now: Timestamp) -> Result<&'a Promotion, PricingError> {
    let found = promotions.iter_mut().find(|promotion| promotion.id == *id);
    let promotion = found.ok_or_else(|| PricingError::at("", Reason::NotFound))?;
    if promotion.end() <= now {
        return Err(PricingError::at("", Reason::Shape("is over already")));
    }
    promotion.ended_at = Some(now);
    Ok(promotion)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{at, made, micros, percent, promotion, unit_price};

    #[test]
    fn a_promotion_has_an_end_and_takes_something_off() {
        let good = promotion(1, PromotionRule::Percent(percent("10")));
        let pointer = |promotion: &Promotion| promotion.validate().map_err(|error| error.pointer);
        assert_eq!(pointer(&good), Ok(()));
        for (wrong, want) in [
            (Promotion { ends_at: good.starts_at, ..good.clone() }, "/ends_at"),
            (Promotion { rule: PromotionRule::Percent(percent("0")), ..good.clone() }, "/percent"),
            (Promotion { rule: PromotionRule::Percent(percent("100.0001")), ..good.clone() }, "/percent"),
            (Promotion { rule: PromotionRule::Fixed(unit_price("0")), ..good.clone() }, "/fixed"),
            (Promotion { rule: PromotionRule::Fixed(unit_price("1")), currency: None, ..good.clone() }, "/currency"),
            (Promotion { cap: Some(micros("1")), currency: None, ..good.clone() }, "/currency"),
            (Promotion { cap: Some(micros("0")), ..good.clone() }, "/cap"),
            (Promotion { cap: Some(micros("-1")), ..good.clone() }, "/cap"),
        ] {
            assert_eq!(pointer(&wrong), Err(want.to_owned()));
        }
    }

    #[test]
    fn it_begins_now_or_later_ends_early_once_and_its_code_is_free_after_it() {
        let now = made();
        let code = Some("autumn".parse().expect("a code"));
        let good = Promotion { code, ..promotion(1, PromotionRule::Percent(percent("10"))) };
        let mut promotions = Vec::new();
        let late = at("2026-11-01T00:00:01Z");
        assert_eq!(append_promotion(&mut promotions, good.clone(), late).map_err(|e| e.reason), Err(Reason::Backdated));
        assert_eq!(append_promotion(&mut promotions, good.clone(), now), Ok(()));
        assert_eq!(append_promotion(&mut promotions, good.clone(), now).map_err(|e| e.pointer), Err("/code".to_owned()));
        assert!(promotions[0].in_force(at("2026-11-30T23:59:59Z")) && !promotions[0].in_force(at("2026-12-01T00:00:00Z")));
        let ended = at("2026-11-10T00:00:00Z");
        assert!(end_promotion(&mut promotions, &good.id, ended).is_ok_and(|promotion| promotion.end() == ended));
        assert!(end_promotion(&mut promotions, &good.id, ended).is_err());
        assert!(promotions[0].in_force(at("2026-11-09T23:59:59Z")) && !promotions[0].in_force(ended));
        let again = Promotion { starts_at: ended, ..promotion(2, good.rule) };
        assert_eq!(append_promotion(&mut promotions, Promotion { code: good.code, ..again }, ended), Ok(()));
    }
}
