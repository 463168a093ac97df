//! The pricing book of one account: what it sells and for how much, and the terms its own seller gave it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Kind;
use crate::id::{AccountId, PromotionId, RateCardId};
use crate::pricing::card::{self, RateCard};
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::markup::{self, Markup};
use crate::pricing::meter::{Meter, MeterKey, PromotionCode};
use crate::pricing::package::{BulkTable, Package};
use crate::pricing::promotion::{self, Promotion};
use crate::pricing::tier::TierTable;

/// The most meters of one account.
pub const MAX_METERS: usize = 200;

/// The most codes that one account redeems.
pub const MAX_REDEMPTIONS: usize = 100;

/// What an account's seller agreed with it alone. Void once the account has another parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The seller that gave them: the account's parent then.
    pub seller: AccountId,
    /// Cards for this very account, with its `account_id`.
    #[serde(default)]
    pub cards: Vec<RateCard>,
    /// Markups for this very account, with its `account_id`.
    #[serde(default)]
    pub markups: Vec<Markup>,
}

impl Terms {
    /// None yet, of this seller.
    pub fn of(seller: AccountId) -> Self {
        Self { seller, cards: Vec::new(), markups: Vec::new() }
    }
}

/// A code that an account redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The code as it was given.
    pub code: PromotionCode,
    /// The promotion it belongs to.
    pub promotion_id: PromotionId,
    /// The promotion's owner.
    pub owner: AccountId,
    /// When.
    pub redeemed_at: Timestamp,
}

/// The pricing book of one account, kept as one document. Every field may be missing, so that old books read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PricingBook {
    /// Raised by one at each change; 0 for a book that was never written.
    pub version: i64,
    /// Its meters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<Meter>,
    /// Its cards for all of its direct sub-accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<RateCard>,
    /// Its markups for all of its direct sub-accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub markups: Vec<Markup>,
    /// Its promotions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<Promotion>,
    /// The volume tiers of its direct resellers. The operator without one has [`TierTable::default_table`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<TierTable>,
    /// The packages it sells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
    /// What loose credits cost its direct sub-accounts; `None`: it sells none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk: Option<BulkTable>,
    /// What its seller agreed with it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The codes it redeemed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redeemed: Vec<Redemption>,
}

impl PricingBook {
    /// The volume tiers that an account of this kind gives its direct resellers: its own, or those of the platform if it is the operator and
    /// has none.
    pub fn tiers_given(&self, kind: Kind) -> Option<&TierTable> {
        match (&self.tiers, kind) {
            (Some(table), _) => Some(table),
            (None, Kind::Operator) => Some(TierTable::default_table()),
            (None, Kind::Reseller | Kind::Customer) => None,
        }
    }

    /// Its meter of that key.
    pub fn meter(&self, key: &MeterKey) -> Option<&Meter> {
        self.meters.iter().find(|meter| meter.key == *key)
    }

    /// The terms that `seller` gave it; none if another account did.
    pub fn terms_of(&self, seller: &AccountId) -> Option<&Terms> {
        self.terms.as_ref().filter(|terms| terms.seller == *seller)
    }

    /// Whether it redeemed the code of that promotion.
    pub fn has_redeemed(&self, promotion: &PromotionId) -> bool {
        self.redeemed.iter().any(|redemption| redemption.promotion_id == *promotion)
    }

    /// The terms to add to: those of `seller`, those of an earlier seller thrown away.
    pub fn terms_for(&mut self, seller: &AccountId) -> &mut Terms {
        if self.terms_of(seller).is_none() {
            self.terms = None;
        }
        self.terms.get_or_insert_with(|| Terms::of(seller.clone()))
    }

    /// Adds a meter. `ancestors` are the books further up with their accounts: none of them may have the key.
    ///
    /// # Errors
    /// [`Reason::Duplicate`], [`Reason::KeyTaken`], [`Reason::TooMany`], or what is wrong with the meter.
    pub fn add_meter<'a>(
        &mut self,
        meter: Meter,
        ancestors: impl IntoIterator<Item = (&'a AccountId, &'a PricingBook)>,
    ) -> Result<(), PricingError> {
        meter.validate()?;
        if self.meter(&meter.key).is_some() {
            return Err(PricingError::at("/key", Reason::Duplicate));
        }
        if let Some((id, _)) = ancestors.into_iter().find(|(_, book)| book.meter(&meter.key).is_some()) {
            return Err(PricingError::at("/key", Reason::KeyTaken(id.to_string())));
        }
        if self.meters.len() >= MAX_METERS {
            return Err(PricingError::at("", Reason::TooMany(MAX_METERS)));
        }
        self.meters.push(meter);
        Ok(())
    }

    /// Puts a meter in the place of the one of its key.
    ///
    /// # Errors
    /// [`Reason::NotFound`], or the change is not allowed ([`Meter::may_become`]).
    pub fn change_meter(&mut self, meter: Meter) -> Result<(), PricingError> {
        let found = self.meters.iter_mut().find(|old| old.key == meter.key);
        let old = found.ok_or_else(|| PricingError::at("/key", Reason::NotFound))?;
        old.may_become(&meter)?;
        *old = meter;
        Ok(())
    }

    /// Adds a card for all direct sub-accounts; one for a single account goes to [`PricingBook::terms_for`] of its book.
    ///
    /// # Errors
    /// As [`card::append_card`].
    pub fn append_card(&mut self, card: RateCard, now: Timestamp) -> Result<(), PricingError> {
        card::append_card(&mut self.cards, card, now)
    }

    /// Takes back a card that is not in force yet.
    ///
    /// # Errors
    /// As [`card::withdraw_card`].
    pub fn withdraw_card(&mut self, id: &RateCardId, now: Timestamp) -> Result<RateCard, PricingError> {
        card::withdraw_card(&mut self.cards, id, now)
    }

    /// Adds a markup for all direct sub-accounts; one for a single account goes to [`PricingBook::terms_for`] of its book.
    ///
    /// # Errors
    /// As [`markup::append_markup`].
    pub fn append_markup(&mut self, markup: Markup, now: Timestamp) -> Result<(), PricingError> {
        markup::append_markup(&mut self.markups, markup, now)
    }

    /// Adds a promotion.
    ///
    /// # Errors
    /// As [`promotion::append_promotion`].
    pub fn append_promotion(&mut self, promotion: Promotion, now: Timestamp) -> Result<(), PricingError> {
        promotion::append_promotion(&mut self.promotions, promotion, now)
    }

    /// Notes that the account redeemed the code of `promotion`, which `owner`, an ancestor, gives.
    ///
    /// # Errors
    /// [`Reason::NotFound`] (no such code, or over), [`Reason::Duplicate`] (redeemed before) or [`Reason::TooMany`].
    pub fn redeem(&mut self, code: PromotionCode, owner: &AccountId, promotion: &Promotion, now: Timestamp) -> Result<(), PricingError> {
        if promotion.code.as_ref() != Some(&code) || promotion.end() <= now {
            return Err(PricingError::at("/code", Reason::NotFound));
        }
        if self.redeemed.iter().any(|redemption| redemption.promotion_id == promotion.id) {
            return Err(PricingError::at("/code", Reason::Duplicate));
        }
        if self.redeemed.len() >= MAX_REDEMPTIONS {
            return Err(PricingError::at("/code", Reason::TooMany(MAX_REDEMPTIONS)));
        }
        self.redeemed.push(Redemption { code, promotion_id: promotion.id.clone(), owner: owner.clone(), redeemed_at: now });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::markup::MarkupRule;
    use crate::pricing::meter::Aggregation;
    use crate::pricing::number::Percent;
    use crate::pricing::promotion::PromotionRule;
    use crate::pricing::testing::{at, card, id, key, made, markup, meter, promotion};

    #[test]
    fn an_empty_document_is_an_empty_book_and_a_full_one_reads_back() {
        assert_eq!(serde_json::from_str::<PricingBook>("{}").expect("reads"), PricingBook::default());
        let rule = PromotionRule::Percent(Percent::HUNDRED);
        let promotion = Promotion { code: Some("autumn".parse().expect("a code")), ..promotion(1, rule) };
        let mut book = PricingBook { tiers: Some(TierTable::default_table().clone()), ..PricingBook::default() };
        book.add_meter(meter(Aggregation::Unique), []).expect("a meter");
        book.append_card(card("0.05"), made()).expect("a card");
        book.append_markup(markup(1, MarkupRule::End), made()).expect("a markup");
        book.append_promotion(promotion.clone(), made()).expect("a promotion");
        book.terms_for(&id(1)).cards.push(RateCard { account_id: Some(id(0)), ..card("0.04") });
        book.redeem("autumn".parse().expect("a code"), &id(1), &promotion, made()).expect("redeemed");
        let text = serde_json::to_string(&book).expect("writes");
        assert_eq!(serde_json::from_str::<PricingBook>(&text).expect("reads"), book);
    }

    #[test]
    fn a_meters_key_is_unique_along_the_lineage() {
        let mut above = PricingBook::default();
        above.add_meter(meter(Aggregation::Sum), []).expect("free");
        let reason = |result: Result<(), PricingError>| result.map_err(|error| error.reason);
        assert_eq!(reason(above.add_meter(meter(Aggregation::Sum), [])), Err(Reason::Duplicate));
        let mut below = PricingBook::default();
        let owner = id(1);
        let taken = below.add_meter(meter(Aggregation::Sum), [(&owner, &above)]);
        assert_eq!(reason(taken), Err(Reason::KeyTaken(owner.to_string())));
        assert_eq!(reason(below.change_meter(meter(Aggregation::Sum))), Err(Reason::NotFound));
        assert!(above.meter(&key()).is_some());
    }

    #[test]
    fn terms_end_with_the_seller_that_gave_them() {
        let mut book = PricingBook::default();
        book.terms_for(&id(1)).cards.push(card("0.04"));
        assert_eq!(book.terms_of(&id(1)).map(|terms| terms.cards.len()), Some(1));
        assert_eq!(book.terms_of(&id(2)), None);
        assert_eq!(book.terms_for(&id(2)).cards.len(), 0);
    }

    #[test]
    fn a_code_is_redeemed_once_and_only_while_it_runs() {
        let rule = PromotionRule::Percent(Percent::HUNDRED);
        let coded = Promotion { code: Some("autumn".parse().expect("a code")), ..promotion(1, rule) };
        let mut book = PricingBook::default();
        let mut redeem = |code: &str, now| {
            let code = code.parse().expect("a code");
            book.redeem(code, &id(1), &coded, now).map_err(|error| error.reason)
        };
        assert_eq!(redeem("winter", made()), Err(Reason::NotFound));
        assert_eq!(redeem("autumn", at("2026-12-01T00:00:00Z")), Err(Reason::NotFound));
        assert_eq!(redeem("autumn", made()), Ok(()));
        assert_eq!(redeem("autumn", made()), Err(Reason::Duplicate));
    }
}
