//! Charges that wait for the next invoice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ChargeId, TransferId};
use crate::money::{Micros, Overflow};
use crate::pricing::error::{PricingError, Reason};
use crate::text::Reference;

/// The most charges that wait.
pub const MAX_CHARGES: usize = 100;

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeKind {
    /// Credit that was bought, or sent back.
    Purchase,
    /// What the seller added or took off.
    Adjustment,
    /// What the invoice before came to below zero.
    CarriedForward,
}

impl ChargeKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ChargeKind::Purchase => "purchase",
            ChargeKind::Adjustment => "adjustment",
            ChargeKind::CarriedForward => "carried_forward",
        }
    }
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Its id, and the id of its line.
    pub id: ChargeId,
    /// Whose invoice it waits for: after a move it stays with the old seller.
    pub seller_id: AccountId,
    /// What it is for.
    pub kind: ChargeKind,
    /// What the line says.
    pub text: Reference,
    /// How much; below zero it is taken off.
    pub amount: Micros,
    /// Tax is added to it.
    pub taxable: bool,
    /// How many it adds up: more than one once many purchases wait.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
    /// The transfer of the newest purchase in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
    /// When it came to be.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
    /// Who added it: a key's or a member's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

/// Puts a charge to those that wait. When there is no room left a purchase joins the newest purchase of the same tax, so that nobody is kept
/// from buying, and what an invoice came to below zero always finds room.
///
/// # Errors
/// [`Reason::TooMany`] of another charge; [`Reason::NotPositive`] of nothing; [`Reason::Overflow`].
pub fn put(charges: &mut Vec<Charge>, charge: Charge) -> Result<(), PricingError> {
    if charge.amount.is_zero() {
        return Err(PricingError::at("/amount", Reason::Shape("must not be zero")));
    }
    if charges.iter().any(|other| other.id == charge.id) {
        return Ok(());
    }
    if charges.len() < MAX_CHARGES || charge.kind == ChargeKind::CarriedForward {
        charges.push(charge);
        return Ok(());
    }
    let like = |other: &&mut Charge| {
        let purchases = other.kind == ChargeKind::Purchase && charge.kind == ChargeKind::Purchase;
        purchases && (other.taxable, &other.seller_id) == (charge.taxable, &charge.seller_id)
    };
    let found = charges.iter_mut().rev().find(like).ok_or_else(|| PricingError::at("", Reason::TooMany(MAX_CHARGES)))?;
    found.amount = found.amount.plus(charge.amount)?;
    found.count = found.count.saturating_add(charge.count);
    found.transfer_id = charge.transfer_id;
    Ok(())
}

/// The sum of charges.
///
/// # Errors
/// [`Overflow`].
pub fn total(charges: &[Charge]) -> Result<Micros, Overflow> {
    charges.iter().try_fold(Micros::ZERO, |sum, charge| sum.plus(charge.amount))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn charge(n: u128, kind: ChargeKind, amount: i64) -> Charge {
        Charge {
            id: ChargeId::from_number(n),
            seller_id: AccountId::from_number(1),
            kind,
            text: Reference::parse("Something").expect("a text"),
            amount: Micros::new(amount),
            taxable: kind != ChargeKind::CarriedForward,
            count: 1,
            transfer_id: None,
            at: Timestamp::UNIX_EPOCH,
            created_by: None,
        }
    }

    #[test]
    fn a_hundred_wait_then_purchases_join_and_others_are_refused() {
        let mut waiting = Vec::new();
        for n in 0..MAX_CHARGES as u128 {
            put(&mut waiting, charge(n, ChargeKind::Purchase, 5)).expect("room");
        }
        put(&mut waiting, charge(0, ChargeKind::Purchase, 5)).expect("the same again is no other");
        put(&mut waiting, charge(500, ChargeKind::Purchase, 7)).expect("joins");
        let refused = put(&mut waiting, charge(501, ChargeKind::Adjustment, 1)).map_err(|error| error.reason);
        assert_eq!(refused, Err(Reason::TooMany(MAX_CHARGES)));
        assert!(put(&mut waiting, charge(502, ChargeKind::Purchase, 0)).is_err());
        put(&mut waiting, charge(503, ChargeKind::CarriedForward, -1)).expect("always finds room");
        assert_eq!(total(&waiting), Ok(Micros::new(506)));
        assert_eq!(waiting.iter().map(|charge| charge.count).sum::<u32>(), 102);
        let text = serde_json::to_string(&waiting).expect("writes");
        assert_eq!(serde_json::from_str::<Vec<Charge>>(&text).expect("reads"), waiting);
    }
}
