//! Lots: the part of an account's credit that expires. They are part of the account's newest entry, as the balance is, so
//! that credit and lots can never differ.
//!
//! The order of spending: the lot that expires first, of two at once the older one; credit that does not expire comes last.
//! Held credit stays in its lot until it is captured, and what a capture would take from a lot does not expire before the
//! hold has ended.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::LotId;
use crate::money::{Micros, Overflow};

/// The most lots with credit left in one account: they are written with every entry.
pub const MAX_LOTS: usize = 20;

/// What is left of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// Its id.
    pub id: LotId,
    /// From when it is to be taken out; the schedule does so some minutes later, and until then it may still be spent.
    pub expires_at: Timestamp,
    /// What is left, above zero.
    pub left: Micros,
}

/// The lots of an account in the order in which they are spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lots(Vec<Lot>);

impl Lots {
    /// The lots, the next to be spent first.
    pub fn all(&self) -> &[Lot] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a lot; nothing if it is empty.
    pub fn add(&mut self, lot: Lot) {
        if lot.left > Micros::ZERO {
            let at = self.0.partition_point(|other| (other.expires_at, &other.id) <= (lot.expires_at, &lot.id));
            self.0.insert(at, lot);
        }
    }

    /// Takes `amount` from the lots in their order; nothing if it is not above zero. What no lot has is credit that does not
    /// expire.
    pub fn spend(&mut self, amount: Micros) {
        let mut rest = amount.get();
        for lot in &mut self.0 {
            let taken = rest.clamp(0, lot.left.get());
            lot.left = Micros::new(lot.left.get() - taken);
            rest -= taken;
        }
        self.0.retain(|lot| lot.left > Micros::ZERO);
    }

    /// Takes out `amount` of one lot, because its time is over or its purchase is sent back. At most what is left of it.
    pub fn take(&mut self, id: &LotId, amount: Micros) {
        for lot in self.0.iter_mut().filter(|lot| &lot.id == id) {
            lot.left = Micros::new(lot.left.get() - amount.get().clamp(0, lot.left.get()));
        }
        self.0.retain(|lot| lot.left > Micros::ZERO);
    }

    /// The lot of that id, if anything of it is left.
    pub fn get(&self, id: &LotId) -> Option<&Lot> {
        self.0.iter().find(|lot| &lot.id == id)
    }

    /// The credit in all of them.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn total(&self) -> Result<Micros, Overflow> {
        self.0.iter().try_fold(Micros::ZERO, |sum, lot| sum.plus(lot.left))
    }

    /// What of the lot may be taken out when its time is over, with `held` credit held in the account: not what the captures
    /// of all holds together would take from it. Zero for a lot that is not there.
    pub fn expirable(&self, id: &LotId, held: Micros) -> Micros {
        let mut held = held.get().max(0);
        for lot in &self.0 {
            let of_holds = held.min(lot.left.get());
            if &lot.id == id {
                return Micros::new(lot.left.get() - of_holds);
            }
            held -= of_holds;
        }
        Micros::ZERO
    }
}

impl fmt::Display for Lots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, lot) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}:{}:{}", lot.id, lot.expires_at.as_millisecond(), lot.left.get())?;
        }
        Ok(())
    }
}

/// Stored lots could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored lots {0:?} are malformed")]
pub struct LotsError(String);

impl FromStr for Lots {
    type Err = LotsError;

    fn from_str(text: &str) -> Result<Self, LotsError> {
        let lot = |text: &str| {
            let mut parts = text.split(':');
            let (id, expires, left) = (parts.next()?, parts.next()?, parts.next()?);
            let expires_at = Timestamp::from_millisecond(expires.parse().ok()?).ok()?;
            Some(Lot { id: id.parse().ok()?, expires_at, left: Micros::new(left.parse().ok()?) })
        };
        let lots: Option<Vec<Lot>> = text.split(',').filter(|part| !part.is_empty()).map(lot).collect();
        lots.map(Lots).ok_or_else(|| LotsError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn lot(n: u128, expires_s: i64, left: i64) -> Lot {
        Lot {
            id: LotId::from_uuid(Uuid::from_u128(n)),
            expires_at: Timestamp::from_second(expires_s).expect("a time"),
            left: Micros::new(left),
        }
    }

    fn left(lots: &Lots) -> Vec<i64> {
        lots.all().iter().map(|lot| lot.left.get()).collect()
    }

    #[test]
    fn what_expires_first_is_spent_first_and_the_rest_is_credit_without_an_end() {
        let mut lots = Lots::default();
        for each in [lot(1, 300, 10), lot(3, 100, 5), lot(2, 100, 7), lot(4, 200, 0)] {
            lots.add(each);
        }
        assert_eq!(left(&lots), [7, 5, 10]);
        lots.spend(Micros::new(8));
        assert_eq!(left(&lots), [4, 10]);
        lots.spend(Micros::new(-50));
        assert_eq!(left(&lots), [4, 10], "credit that comes in is in no lot");
        lots.spend(Micros::new(100));
        assert!(lots.is_empty());
    }

    #[test]
    fn one_lot_is_taken_out_and_no_other() {
        let mut lots = Lots::default();
        for each in [lot(1, 100, 5), lot(2, 200, 7)] {
            lots.add(each);
        }
        let second = LotId::from_uuid(Uuid::from_u128(2));
        lots.take(&second, Micros::new(3));
        assert_eq!(left(&lots), [5, 4]);
        lots.take(&second, Micros::new(99));
        assert_eq!((left(&lots), lots.total()), (vec![5], Ok(Micros::new(5))));
    }

    #[test]
    fn what_holds_would_capture_does_not_expire_before_they_end() {
        let mut lots = Lots::default();
        for each in [lot(1, 100, 5), lot(2, 200, 7)] {
            lots.add(each);
        }
        let (first, second) = (LotId::from_uuid(Uuid::from_u128(1)), LotId::from_uuid(Uuid::from_u128(2)));
        for (held, expirable) in [(0, (5, 7)), (2, (3, 7)), (5, (0, 7)), (9, (0, 3)), (100, (0, 0))] {
            let of = |id| lots.expirable(id, Micros::new(held)).get();
            assert_eq!((of(&first), of(&second)), expirable, "{held} held");
        }
        assert_eq!(lots.expirable(&LotId::from_uuid(Uuid::from_u128(9)), Micros::ZERO), Micros::ZERO);
    }

    #[test]
    fn lots_read_back() {
        let mut lots = Lots::default();
        assert_eq!("".parse(), Ok(lots.clone()));
        lots.add(lot(1, 300, 10));
        lots.add(lot(2, 100, 7));
        assert_eq!(lots.to_string().parse(), Ok(lots));
        assert!("lot_1:2".parse::<Lots>().is_err());
    }
}
