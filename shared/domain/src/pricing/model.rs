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
                named("/size", *size)?;
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

    /// Whether its last band is open.
    pub fn has_bands(&self) -> bool {
        match self {
            Model::Graduated { .. } | Model::Volume { .. } => true,
            Model::Minimum { model, .. } => model.has_bands(),
            Model::Flat { .. } | Model::Package { .. } => false,
        }
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

/// Refuses a quantity that no rule may name.
fn named(pointer: &str, quantity: Quantity) -> Result<(), PricingError> {
    refuse(quantity > Quantity::MAX_NAMED, pointer, Reason::OutOfRange("0", "1000000000000"))
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
                named(&part("to"), to)?;
                refuse(to <= band.from, &part("to"), Reason::Shape("must be greater than the band's from"))?;
                end = to;
            }
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{model, picos, quantity};

    const BANDS: &str = r#"[{"from":"0","to":"1000","unit_price":"0.05"},
        {"from":"1000","to":"10000","unit_price":"0.04","flat_fee":"2"},{"from":10000,"to":null,"unit_price":"0.03"}]"#;

    fn totals(model: &Model, table: &[(&str, &str)]) {
        for (of, want) in table {
            assert_eq!(model.total(quantity(of)), Ok(picos(want)), "{} of {of}", model.word());
        }
    }

    #[test]
    fn flat_costs_the_same_everywhere_and_rounds_a_product_half_to_even() {
        totals(&model(r#"{"type":"flat","unit_price":"0.05"}"#), &[("0", "0"), ("12", "0.6"), ("0.000001", "0.00000005")]);
        let fine = model(r#"{"type":"flat","unit_price":"0.000000000001"}"#);
        totals(&fine, &[("1", "0.000000000001"), ("0.5", "0"), ("1.5", "0.000000000002"), ("2.5", "0.000000000002")]);
    }

    #[test]
    fn graduated_prices_each_unit_in_its_band_and_adds_the_fees_of_bands_entered() {
        let graduated = model(&format!(r#"{{"type":"graduated","bands":{BANDS}}}"#));
        totals(&graduated, &[("0", "0"), ("1000", "50"), ("1000.000001", "52.00000004"), ("1012", "52.48"), ("12000", "472")]);
        assert_eq!(graduated.charge(quantity("1000"), quantity("12")), Ok(picos("2.48")));
        assert_eq!(graduated.charge(quantity("1012"), quantity("12")), Ok(picos("0.48")));
    }

    #[test]
    fn volume_prices_all_units_by_the_band_of_the_whole() {
        let volume = model(&format!(r#"{{"type":"volume","bands":{BANDS}}}"#));
        totals(&volume, &[("0", "0"), ("1000", "50"), ("1001", "42.04"), ("10000", "402"), ("10001", "300.03")]);
        assert_eq!(volume.charge(quantity("1000"), quantity("1")), Ok(picos("-7.96")));
    }

    #[test]
    fn package_and_minimum_round_usage_up() {
        let package = model(r#"{"type":"package","size":"100","price":"1.5"}"#);
        totals(&package, &[("0", "0"), ("0.5", "1.5"), ("100", "1.5"), ("100.000001", "3"), ("250", "4.5")]);
        assert_eq!(package.charge(quantity("50"), quantity("50")), Ok(Picos::ZERO));
        let minimum = model(r#"{"type":"minimum","minimum":"5","model":{"type":"flat","unit_price":"0.05"}}"#);
        totals(&minimum, &[("0", "0"), ("1", "5"), ("100", "5"), ("101", "5.05")]);
        assert_eq!(minimum.charge(quantity("1"), quantity("99")), Ok(Picos::ZERO));
    }

    #[test]
    fn what_is_not_a_price_is_refused_with_its_pointer() {
        let bands = |bands: &str| format!(r#"{{"type":"graduated","bands":[{bands}]}}"#);
        let band = |from: &str, to: &str| format!(r#"{{"from":"{from}","to":{to},"unit_price":"1"}}"#);
        let zero = Quantity::ZERO;
        let ten = quantity("10");
        for (json, pointer, reason) in [
            (r#"{"type":"flat","unit_price":"-1"}"#.to_owned(), "/unit_price", Some(Reason::Negative)),
            (bands(""), "/bands", Some(Reason::Empty)),
            (bands(&band("1", "null")), "/bands/0/from", Some(Reason::Gap(zero))),
            (bands(&format!("{},{}", band("0", "\"10\""), band("11", "null"))), "/bands/1/from", Some(Reason::Gap(ten))),
            (bands(&format!("{},{}", band("0", "\"10\""), band("9", "null"))), "/bands/1/from", Some(Reason::Overlap(ten))),
            (bands(&format!("{},{}", band("0", "null"), band("0", "null"))), "/bands/0/to", None),
            (bands(&band("0", "\"10\"")), "/bands/0/to", None),
            (bands(&format!("{},{}", band("0", "\"0\""), band("0", "null"))), "/bands/0/to", None),
            (bands(&format!("{},{}", band("0", "\"1000000000000.1\""), band("0", "null"))), "/bands/0/to", None),
            (r#"{"type":"package","size":"1000000000000.1","price":"1"}"#.to_owned(), "/size", None),
            (bands(r#"{"from":"0","unit_price":"-0.01"}"#), "/bands/0/unit_price", Some(Reason::Negative)),
            (bands(r#"{"from":"0","unit_price":"0","flat_fee":"-1"}"#), "/bands/0/flat_fee", Some(Reason::Negative)),
            (r#"{"type":"package","size":"0","price":"1"}"#.to_owned(), "/size", Some(Reason::NotPositive)),
            (r#"{"type":"package","size":"1","price":"-1"}"#.to_owned(), "/price", Some(Reason::Negative)),
            (r#"{"type":"minimum","minimum":"1","model":{"type":"flat","unit_price":"-1"}}"#.to_owned(), "/model/unit_price", None),
            (
                r#"{"type":"minimum","minimum":"1","model":{"type":"minimum","minimum":"1","model":{"type":"flat","unit_price":"1"}}}"#
                    .to_owned(),
                "/model/type",
                None,
            ),
        ] {
            let error = serde_json::from_str::<Model>(&json).expect("reads").validate().expect_err(&json);
            assert_eq!(error.pointer, pointer, "{json}: {error}");
            if let Some(reason) = reason {
                assert_eq!(error.reason, reason, "{json}");
            }
        }
        let many = (0..51).map(|n| band(&n.to_string(), &if n == 50 { "null".to_owned() } else { format!("\"{}\"", n + 1) }));
        let many = bands(&many.collect::<Vec<_>>().join(","));
        let error = serde_json::from_str::<Model>(&many).expect("reads").validate().expect_err("too many");
        assert_eq!(error.reason, Reason::TooMany(MAX_BANDS));
    }

    #[test]
    fn a_model_reads_back_and_takes_no_field_of_another() {
        for json in [
            r#"{"type":"flat","unit_price":"0.05"}"#,
            r#"{"type":"package","size":"100.000000","price":"1.500000"}"#,
            r#"{"type":"minimum","minimum":"5.000000","model":{"type":"flat","unit_price":"0.05"}}"#,
            r#"{"type":"volume","bands":[{"from":"0.000000","to":null,"unit_price":"0.05"}]}"#,
        ] {
            assert_eq!(serde_json::to_string(&model(json)).expect("writes"), json);
        }
        for json in [
            r#"{"type":"flat"}"#,
            r#"{"type":"flat","unit_price":"1","size":"1"}"#,
            r#"{"type":"flat","unit_price":"1","more":"1"}"#,
            r#"{"type":"graduated","unit_price":"1"}"#,
            r#"{"type":"cheap","unit_price":"1"}"#,
            r#"{"unit_price":"1"}"#,
        ] {
            assert!(serde_json::from_str::<Model>(json).is_err(), "{json}");
        }
    }
}
