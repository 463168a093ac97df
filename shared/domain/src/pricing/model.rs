//! Price models: what a month's quantity costs, from zero.

use serde::{Deserialize, Serialize};

use crate::money::{MAX_AMOUNT_UNITS, MICROS_PER_UNIT, Micros};
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::number::{Overflow, Picos, Quantity, UnitPrice, to_picos};

/// The most bands of one model.
pub const MAX_BANDS: usize = 50;

/// One band of a graduated or volume model. It holds the quantities `from < q ≤ to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Where it begins: 0 for the first, else where the band before it ends.
    pub from: Quantity,
    /// Where it ends; `None` for the last.
    #[serde(default)]
    pub to: Option<Quantity>,
    /// The price of one unit in it, from 0.
    pub unit_price: UnitPrice,
    /// What is added once when the month enters it, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flat_fee: Micros,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(amount: &Micros) -> bool {
    amount.is_zero()
}

/// How a month's quantity is priced. On the wire `{"type": "flat", "unit_price": "0.05"}` and so on. [`Model::validate`] is
/// what makes one usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Fields", try_from = "Fields")]
pub enum Model {
    /// Every unit costs the same.
    Flat {
        /// The price of one unit, from 0.
        unit_price: UnitPrice,
    },
    /// Each unit costs what its band says; the flat fees of all bands entered are added.
    Graduated {
        /// 1 to [`MAX_BANDS`].
        bands: Vec<Band>,
    },
    /// All units cost what the band says that the whole quantity falls in; its flat fee is added.
    Volume {
        /// 1 to [`MAX_BANDS`].
        bands: Vec<Band>,
    },
    /// Units are sold in packages; a begun one costs the whole.
    Package {
        /// Units in one, above 0.
        size: Quantity,
        /// The price of one, from 0.
        price: Micros,
    },
    /// As another model, but at least `minimum` in a month with any usage.
    Minimum {
        /// The least, from 0.
        minimum: Micros,
        /// Any of the other models.
        model: Box<Model>,
    },
}

/// The wire form: one flat object, so that an error in it is found under its pointer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "type")]
    kind: FieldsKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_price: Option<UnitPrice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bands: Option<Vec<Band>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<Micros>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Box<Model>>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldsKind {
    Flat,
    Graduated,
    Volume,
    Package,
    Minimum,
}

impl From<Model> for Fields {
    fn from(model: Model) -> Self {
        let mut fields =
            Self { kind: FieldsKind::Flat, unit_price: None, bands: None, size: None, price: None, minimum: None, model: None };
        match model {
            Model::Flat { unit_price } => fields.unit_price = Some(unit_price),
            Model::Graduated { bands } => (fields.kind, fields.bands) = (FieldsKind::Graduated, Some(bands)),
            Model::Volume { bands } => (fields.kind, fields.bands) = (FieldsKind::Volume, Some(bands)),
            Model::Package { size, price } => {
                (fields.kind, fields.size, fields.price) = (FieldsKind::Package, Some(size), Some(price));
            }
            Model::Minimum { minimum, model } => {
                (fields.kind, fields.minimum, fields.model) = (FieldsKind::Minimum, Some(minimum), Some(model));
            }
        }
        fields
    }
}

impl TryFrom<Fields> for Model {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        let Fields { kind, unit_price, bands, size, price, minimum, model } = fields;
        match (kind, unit_price, bands, size, price, minimum, model) {
            (FieldsKind::Flat, Some(unit_price), None, None, None, None, None) => Ok(Model::Flat { unit_price }),
            (FieldsKind::Flat, ..) => Err("a flat model has a unit_price and nothing else"),
            (FieldsKind::Graduated, None, Some(bands), None, None, None, None) => Ok(Model::Graduated { bands }),
            (FieldsKind::Graduated, ..) => Err("a graduated model has bands and nothing else"),
            (FieldsKind::Volume, None, Some(bands), None, None, None, None) => Ok(Model::Volume { bands }),
            (FieldsKind::Volume, ..) => Err("a volume model has bands and nothing else"),
            (FieldsKind::Package, None, None, Some(size), Some(price), None, None) => Ok(Model::Package { size, price }),
            (FieldsKind::Package, ..) => Err("a package model has a size and a price and nothing else"),
            (FieldsKind::Minimum, None, None, None, None, Some(minimum), Some(model)) => Ok(Model::Minimum { minimum, model }),
            (FieldsKind::Minimum, ..) => Err("a minimum model has a minimum and a model and nothing else"),
        }
    }
}

impl Model {
    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Model::Flat { .. } => "flat",
            Model::Graduated { .. } => "graduated",
            Model::Volume { .. } => "volume",
            Model::Package { .. } => "package",
            Model::Minimum { .. } => "minimum",
        }
    }

    /// Refuses negative prices, gaps, overlaps, open ends before the last band, and too many bands.
    ///
    /// # Errors
    /// The first one found, with its pointer into the model.
    pub fn validate(&self) -> Result<(), PricingError> {
        match self {
            Model::Flat { unit_price } => refuse(unit_price.is_negative(), "/unit_price", Reason::Negative),
            Model::Graduated { bands } | Model::Volume { bands } => validate_bands(bands),
            Model::Package { size, price } => {
                refuse(size.get() <= 0, "/size", Reason::NotPositive)?;
                money("/price", *price)
            }
            Model::Minimum { minimum, model } => {
                money("/minimum", *minimum)?;
                let nested = matches!(**model, Model::Minimum { .. });
                refuse(nested, "/model/type", Reason::Shape("a minimum cannot stand in a minimum"))?;
                model.validate().map_err(|error| error.under("/model"))
            }
        }
    }

    /// What `quantity` in one month costs, from zero; nothing for nothing. Exact, then rounded once by [`to_picos`].
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn total(&self, quantity: Quantity) -> Result<Picos, Overflow> {
        if quantity.get() <= 0 {
            return Ok(Picos::ZERO);
        }
        match self {
            Model::Flat { unit_price } => Ok(to_picos(unit_price.times(quantity))),
            Model::Graduated { bands } => graduated(bands, quantity),
            Model::Volume { bands } => match bands.iter().find(|band| band.to.is_none_or(|to| quantity <= to)) {
                Some(band) => to_picos(band.unit_price.times(quantity)).plus(band.flat_fee.into()),
                None => Err(Overflow),
            },
            Model::Package { size, price } => {
                let (size, quantity) = (i128::from(size.get().max(1)), i128::from(quantity.get()));
                let packages = (quantity + size - 1) / size;
                Picos::from(*price).get().checked_mul(packages).map(Picos::new).ok_or(Overflow)
            }
            Model::Minimum { minimum, model } => Ok(model.total(quantity)?.max((*minimum).into())),
        }
    }

    /// What `contribution` more costs after `before`: the difference of two totals. A volume model may give a negative one.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn charge(&self, before: Quantity, contribution: Quantity) -> Result<Picos, Overflow> {
        self.total(before.plus(contribution)?)?.minus(self.total(before)?)
    }

    /// The quantities at which its price bends: the ends of its bands, the size of its package.
    pub fn corners(&self) -> Vec<Quantity> {
        match self {
            Model::Flat { .. } => Vec::new(),
            Model::Graduated { bands } | Model::Volume { bands } => bands.iter().filter_map(|band| band.to).collect(),
            Model::Package { size, .. } => vec![*size],
            Model::Minimum { model, .. } => model.corners(),
        }
    }
}

fn graduated(bands: &[Band], quantity: Quantity) -> Result<Picos, Overflow> {
    let (mut attos, mut fees) = (0_i128, Picos::ZERO);
    for band in bands.iter().take_while(|band| quantity > band.from) {
        let end = band.to.map_or(quantity, |to| to.min(quantity));
        attos = attos.checked_add(band.unit_price.times(end.minus(band.from)?)).ok_or(Overflow)?;
        fees = fees.plus(band.flat_fee.into())?;
    }
    to_picos(attos).plus(fees)
}

fn refuse(wrong: bool, pointer: &str, reason: Reason) -> Result<(), PricingError> {
    if wrong { Err(PricingError::at(pointer, reason)) } else { Ok(()) }
}

/// Refuses money that no rule may ask for: below zero, or above the largest amount.
pub(crate) fn money(pointer: &str, amount: Micros) -> Result<(), PricingError> {
    refuse(amount.is_negative(), pointer, Reason::Negative)?;
    refuse(amount.get() > MAX_AMOUNT_UNITS * MICROS_PER_UNIT, pointer, Reason::OutOfRange("0", "1000000000000"))
}

fn validate_bands(bands: &[Band]) -> Result<(), PricingError> {
    refuse(bands.is_empty(), "/bands", Reason::Empty)?;
    refuse(bands.len() > MAX_BANDS, "/bands", Reason::TooMany(MAX_BANDS))?;
    let mut end = Quantity::ZERO;
    for (at, band) in bands.iter().enumerate() {
        let part = |field: &str| format!("/bands/{at}/{field}");
        refuse(band.from > end, &part("from"), Reason::Gap(end))?;
        refuse(band.from < end, &part("from"), Reason::Overlap(end))?;
        refuse(band.unit_price.is_negative(), &part("unit_price"), Reason::Negative)?;
        money(&part("flat_fee"), band.flat_fee)?;
        let last = at + 1 == bands.len();
        match band.to {
            None if !last => return Err(PricingError::at(part("to"), Reason::Shape("only the last band may be open"))),
            Some(_) if last => return Err(PricingError::at(part("to"), Reason::Shape("the last band must be open (null)"))),
            Some(to) => {
                refuse(to <= band.from, &part("to"), Reason::Shape("must be greater than the band's from"))?;
                end = to;
            }
            None => {}
        }
    }
    Ok(())
}
