//! What a month's quantity costs, counted from zero.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::decimal::{times, to_price};

/// A price model as it stands on a card.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Model {
    /// Every unit costs the same.
    Flat {
        /// The price of one.
        unit_price: Decimal,
    },
    /// Every unit costs what its band says.
    Graduated {
        /// From zero up.
        bands: Vec<Band>,
    },
    /// All units cost what the band says in which the whole quantity lies.
    Volume {
        /// From zero up.
        bands: Vec<Band>,
    },
    /// A package that was begun costs as much as a whole one.
    Package {
        /// Units in one.
        size: Decimal,
        /// The price of one.
        price: Decimal,
    },
    /// As another model, but a month with any usage costs at least so much.
    Minimum {
        /// The least.
        minimum: Decimal,
        /// The other model.
        model: Box<Model>,
    },
}

/// The quantities above `from`, up to `to` and that included.
#[derive(Debug, Clone, Deserialize)]
pub struct Band {
    from: Decimal,
    to: Option<Decimal>,
    unit_price: Decimal,
    #[serde(default)]
    flat_fee: Decimal,
}

impl Model {
    /// The price of `quantity` units in one month.
    pub fn cost_of(&self, quantity: Decimal) -> Decimal {
        if quantity <= Decimal::ZERO {
            return Decimal::ZERO;
        }
        match self {
            Model::Flat { unit_price } => to_price(times(*unit_price, quantity)),
            Model::Graduated { bands } => {
                let entered = bands.iter().filter(|band| band.from < quantity);
                to_price(entered.map(|band| times(band.unit_price, band.top(quantity) - band.from) + band.flat_fee).sum())
            }
            Model::Volume { bands } => {
                let holds = |band: &&Band| band.from < quantity && band.to.is_none_or(|to| quantity <= to);
                let band = bands.iter().find(holds).expect("the bands go from zero to infinity");
                to_price(times(band.unit_price, quantity) + band.flat_fee)
            }
            Model::Package { size, price } => {
                let begun = if (quantity % size).is_zero() { Decimal::ZERO } else { Decimal::ONE };
                times(*price, (quantity - quantity % size) / size + begun)
            }
            Model::Minimum { minimum, model } => model.cost_of(quantity).max(*minimum),
        }
    }
}

impl Band {
    fn top(&self, quantity: Decimal) -> Decimal {
        self.to.map_or(quantity, |to| to.min(quantity))
    }
}
