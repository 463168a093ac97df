//! Rate cards: a seller's price of one meter, from a day on. Append-only: a price already used never changes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, RateCardId};
use crate::money::Currency;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::MeterKey;
use crate::pricing::model::Model;

/// How far back the first card of a meter may begin, in days: as far as usage may be late.
pub const MAX_BACKDATE_DAYS: i64 = 35;

/// The most cards that one list keeps.
pub const MAX_CARDS: usize = 500;

/// One version of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCard {
    /// Its id.
    pub id: RateCardId,
    /// What it prices.
    pub meter: MeterKey,
    /// In which currency; a chain in another one does not see it.
    pub currency: Currency,
    /// The one account that it is for, a direct sub-account of the seller; `None` is for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// From when on; it is in force until the next of its line begins.
    pub effective_from: Timestamp,
    /// The price.
    pub model: Model,
    /// It may sell under cost.
    #[serde(default)]
    pub allow_loss: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a key's or a member's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

impl RateCard {
    /// Whether `other` is a version of the same price.
    pub fn same_line(&self, other: &RateCard) -> bool {
        self.meter == other.meter && self.currency == other.currency && self.account_id == other.account_id
    }
}

/// The card of `meter`, `currency` and `account_id` in force at `at`.
pub fn in_force<'a>(
    cards: &'a [RateCard],
    meter: &MeterKey,
    currency: Currency,
    account_id: Option<&AccountId>,
    at: Timestamp,
) -> Option<&'a RateCard> {
    let line = cards.iter().filter(|card| card.meter == *meter && card.currency == currency && card.account_id.as_ref() == account_id);
    line.filter(|card| card.effective_from <= at).max_by_key(|card| card.effective_from)
}

/// Adds a version: it begins now or later and after every other of its line. The first of a line may begin up to
/// [`MAX_BACKDATE_DAYS`] ago.
///
/// # Errors
/// [`Reason::Backdated`], [`Reason::TooFarBack`], [`Reason::NotLater`] or [`Reason::TooMany`], or what is wrong with the model.
pub fn append_card(cards: &mut Vec<RateCard>, card: RateCard, now: Timestamp) -> Result<(), PricingError> {
    card.model.validate().map_err(|error| error.under("/model"))?;
    if cards.len() >= MAX_CARDS {
        return Err(PricingError::at("", Reason::TooMany(MAX_CARDS)));
    }
    let newest = cards.iter().filter(|other| other.same_line(&card)).map(|other| other.effective_from).max();
    check_effective_from(card.effective_from, newest, now)?;
    cards.push(card);
    Ok(())
}

/// Takes back a version that is not in force yet, and gives it.
///
/// # Errors
/// [`Reason::NotFound`] or [`Reason::AlreadyInForce`].
pub fn withdraw_card(cards: &mut Vec<RateCard>, id: &RateCardId, now: Timestamp) -> Result<RateCard, PricingError> {
    let at = cards.iter().position(|card| card.id == *id).ok_or_else(|| PricingError::at("", Reason::NotFound))?;
    if cards[at].effective_from <= now {
        return Err(PricingError::at("", Reason::AlreadyInForce));
    }
    Ok(cards.remove(at))
}

/// The rule of every dated version: now or later, after the newest; the first may begin [`MAX_BACKDATE_DAYS`] ago.
pub(crate) fn check_effective_from(from: Timestamp, newest: Option<Timestamp>, now: Timestamp) -> Result<(), PricingError> {
    let wrong = |reason| Err(PricingError::at("/effective_from", reason));
    match newest {
        Some(newest) if from <= newest => wrong(Reason::NotLater(newest)),
        Some(_) if from < now => wrong(Reason::Backdated),
        None if from.saturating_add(SignedDuration::from_hours(24 * MAX_BACKDATE_DAYS)).is_ok_and(|latest| latest < now) => {
            wrong(Reason::TooFarBack(MAX_BACKDATE_DAYS))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{at, card_of, flat, id, key, usd};

    fn card(n: usize, from: &str) -> RateCard {
        RateCard { effective_from: at(from), ..card_of(n, flat("0.05")) }
    }

    #[test]
    fn versions_go_forward_and_only_the_first_may_begin_in_the_past() {
        let now = at("2026-11-20T00:00:00Z");
        let mut cards = Vec::new();
        let mut append = |card: RateCard| append_card(&mut cards, card, now).map_err(|error| (error.pointer, error.reason));
        let from = |reason| Err(("/effective_from".to_owned(), reason));
        assert_eq!(append(card(1, "2026-10-15T23:59:59Z")), from(Reason::TooFarBack(35)));
        assert_eq!(append(card(1, "2026-10-16T00:00:00Z")), Ok(()));
        assert_eq!(append(card(2, "2026-11-19T23:59:59Z")), from(Reason::Backdated));
        assert_eq!(append(card(2, "2026-12-01T00:00:00Z")), Ok(()));
        assert_eq!(append(card(3, "2026-12-01T00:00:00Z")), from(Reason::NotLater(at("2026-12-01T00:00:00Z"))));
        // Another account, another currency: another line.
        assert_eq!(append(RateCard { account_id: Some(id(0)), ..card(4, "2026-11-01T00:00:00Z") }), Ok(()));
        assert_eq!(append(RateCard { currency: "EUR".parse().expect("a currency"), ..card(5, "2026-11-01T00:00:00Z") }), Ok(()));
        let negative = RateCard { model: flat("-1"), ..card(6, "2027-01-01T00:00:00Z") };
        assert_eq!(append(negative), Err(("/model/unit_price".to_owned(), Reason::Negative)));

        let found = |time: &str| in_force(&cards, &key(), usd(), None, at(time)).map(|card| card.effective_from);
        assert_eq!(found("2026-10-15T00:00:00Z"), None);
        assert_eq!(found("2026-11-30T23:59:59.999999999Z"), Some(at("2026-10-16T00:00:00Z")));
        assert_eq!(found("2026-12-01T00:00:00Z"), Some(at("2026-12-01T00:00:00Z")));
    }

    #[test]
    fn only_a_card_not_yet_in_force_is_withdrawn() {
        let now = at("2026-11-20T00:00:00Z");
        let mut cards = vec![card(1, "2026-11-20T00:00:00Z"), card(2, "2026-11-20T00:00:01Z")];
        let (used, future) = (cards[0].id.clone(), cards[1].id.clone());
        let reason = |result: Result<RateCard, PricingError>| result.map(|card| card.id).map_err(|error| error.reason);
        assert_eq!(reason(withdraw_card(&mut cards, &used, now)), Err(Reason::AlreadyInForce));
        assert_eq!(reason(withdraw_card(&mut cards, &future, now)), Ok(future.clone()));
        assert_eq!(reason(withdraw_card(&mut cards, &future, now)), Err(Reason::NotFound));
    }
}
