//! The check of a new card: would it sell under cost?

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::AccountId;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::model::Model;
use crate::pricing::month::Month;
use crate::pricing::number::{Overflow, Picos, Quantity, to_picos};
use crate::pricing::rate::list_prices;
use crate::pricing::resolve::PreparedChain;
use crate::pricing::state::UsageState;

/// Refuses a model that sells under what the seller pays itself, unless `allow_loss`. Looked at are one unit and the end of
/// every band (an open one's is taken at the largest event), from zero. The cost of a quantity is what the seller pays now:
/// so often one more unit at its present position, or the whole from zero, whichever is less; without promotions, with the
/// tiers in force in the month of `now`. What comes later is watched event by event, when usage is rated.
///
/// `seller` is the prepared chain whose using account is the seller; the owner of the meter has no cost and is never refused.
///
/// # Errors
/// [`crate::pricing::error::Reason::UnderCost`] or [`crate::pricing::error::Reason::Overflow`].
pub fn check_card(
    model: &Model,
    allow_loss: bool,
    seller: &PreparedChain<'_>,
    states: &BTreeMap<AccountId, UsageState>,
    now: Timestamp,
) -> Result<(), PricingError> {
    if allow_loss || seller.levels.is_empty() {
        return Ok(());
    }
    let period = Month::of(now);
    let paid = |quantity, from_zero| -> Result<Picos, Overflow> {
        let prices = list_prices(seller, states, period, quantity, from_zero)?;
        Ok(prices.first().copied().unwrap_or_default())
    };
    let one_more = paid(Quantity::ONE, false)?;
    let corners = model.corners();
    let open_end = model.has_bands().then_some(Quantity::MAX_EVENT);
    for quantity in [Quantity::ONE].into_iter().chain(corners).chain(open_end) {
        let price = model.total(quantity)?;
        let from_zero = paid(quantity, true)?;
        // One more unit's cost, times millionths of a unit, is in 10⁻¹⁸.
        let each = one_more.get().checked_mul(i128::from(quantity.get())).map(to_picos);
        let cost = each.map_or(from_zero, |each| each.min(from_zero));
        if price < cost {
            return Err(PricingError::at("/model", Reason::UnderCost { quantity, price, cost }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::rate::rate_event;
    use crate::pricing::testing::*;

    const GRADUATED: &str =
        r#"{"type":"graduated","bands":[{"from":"0","to":"1000","unit_price":"0.05"},{"from":"1000","unit_price":"0.03"}]}"#;

    #[test]
    fn a_card_is_held_against_what_its_seller_pays_now() {
        let mut tree = Tree::new();
        tree.book(OPERATOR).cards.push(card_of(1, model(GRADUATED)));
        let chain = tree.chain_from(MASTER);
        let prepared = chain.prepare(&key(), noon()).expect("a price");
        let mut states = BTreeMap::new();
        let check = |states: &BTreeMap<_, _>, model: &Model, allow_loss| {
            check_card(model, allow_loss, &prepared, states, noon()).map_err(|error| error.reason)
        };
        assert_eq!(check(&states, &flat("0.05"), false), Ok(()));
        let (price, cost) = (picos("0.04"), picos("0.05"));
        assert_eq!(check(&states, &flat("0.04"), false), Err(Reason::UnderCost { quantity: Quantity::ONE, price, cost }));
        assert_eq!(check(&states, &flat("0.04"), true), Ok(()));
        // The end of a band: 1,000 units at 0.05 and then nothing would be 50 for what costs 20,000 units × 0.03 + 20.
        let cheap_end = model(
            r#"{"type":"graduated","bands":[{"from":"0","to":"1000","unit_price":"0.05"},
                {"from":"1000","to":"20000","unit_price":"0"},{"from":"20000","unit_price":"1"}]}"#,
        );
        let (price, cost) = (picos("50"), picos("620"));
        assert_eq!(check(&states, &cheap_end, false), Err(Reason::UnderCost { quantity: quantity("20000"), price, cost }));
        // Beyond 1,000 units of the month one more costs the master 0.03.
        rate_event(&chain, &mut states, &event("1000")).expect("a price");
        assert_eq!(check(&states, &flat("0.04"), false), Ok(()));
        assert!(check(&states, &flat("0.029"), false).is_err());
    }

    #[test]
    fn the_owner_of_a_meter_sells_at_any_price() {
        let mut tree = Tree::new();
        tree.book(MASTER).meters = std::mem::take(&mut tree.book(OPERATOR).meters);
        let chain = tree.chain_from(MASTER);
        let prepared = chain.prepare(&key(), noon()).expect("nothing to price");
        assert_eq!(check_card(&flat("0"), false, &prepared, &BTreeMap::new(), noon()), Ok(()));
    }
}
