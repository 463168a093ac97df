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
/// every band (an open one's is taken at the largest event), from zero. The cost of a quantity is what the seller pays now: so often one more unit at its present position,
/// or the whole from zero, whichever is less; without promotions, with the tiers in force in the month of `now`. What comes
/// later is watched event by event, when usage is rated.
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
