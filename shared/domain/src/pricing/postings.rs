//! What a batch of rated events moves: one sum for each account, together nothing.

use std::collections::BTreeMap;

use crate::account::{Funding, Kind};
use crate::id::AccountId;
use crate::money::{Micros, Overflow};
use crate::pricing::rate::{RatedEvent, RatedLevel};

/// Whose credit a posting moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// An account's.
    Account(AccountId),
    /// The operator's: what is used up.
    Operator,
}

/// The net change of each party's credit over `events`: what prepaid direct sub-accounts paid it, less what it paid itself if it
/// is prepaid, which `funding` says of each level. They sum to zero. Parties of a postpaid payment alone are left out; a party may
/// have zero.
///
/// # Errors
/// [`Overflow`].
pub fn postings<'a>(
    events: impl IntoIterator<Item = &'a RatedEvent>,
    funding: impl Fn(&RatedLevel) -> Funding,
) -> Result<BTreeMap<Party, Micros>, Overflow> {
    let mut net = BTreeMap::new();
    let mut add = |party: Party, amount: Micros| -> Result<(), Overflow> {
        let sum = net.entry(party).or_insert(Micros::ZERO);
        *sum = sum.plus(amount)?;
        Ok(())
    };
    for event in events {
        for level in &event.levels {
            match funding(level) {
                Funding::Postpaid => continue,
                Funding::Prepaid => {}
            }
            let to_operator = level.seller == event.owner && event.owner_kind == Kind::Operator;
            let seller = if to_operator { Party::Operator } else { Party::Account(level.seller.clone()) };
            add(Party::Account(level.payer.clone()), level.amount.negated()?)?;
            add(seller, level.amount)?;
        }
    }
    Ok(net)
}
