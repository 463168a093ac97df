//! The check of a new card: would it sell under cost?

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::AccountId;
use crate::pricing::error::PricingError;
use crate::pricing::model::Model;
use crate::pricing::resolve::PreparedChain;
use crate::pricing::state::UsageState;

/// Refuses a model that sells under what the seller pays itself, unless `allow_loss`. Looked at are one unit and the end of
/// every band, from zero. The cost of a quantity is what the seller pays now: so often one more unit at its present position,
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
    todo!("{model:?} {allow_loss} {seller:?} {states:?} {now}")
}
