//! Taxes on an invoice: each a rate of the seller's, added to the lines that are due.

use serde::{Deserialize, Serialize};

use crate::account::Tags;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::BillingKey;
use crate::pricing::number::{PARTS_OF_ONE, Percent};
use crate::text::{Name, TagName, TagValue};

/// The most rates of one seller.
pub const MAX_TAX_RATES: usize = 50;

/// A country: two capital letters of ISO 3166-1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Country(String);

impl Country {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(serde::de::Error::custom("must be a country's two capital letters, such as \"AT\""))
        }
    }
}

/// A tag that an account must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagIs {
    /// Its name.
    pub name: TagName,
    /// Its value; any if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<TagValue>,
}

impl TagIs {
    /// Whether an account with these tags has it.
    pub fn matches(&self, tags: &Tags) -> bool {
        tags.get(&self.name).is_some_and(|value| self.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

/// A rate of tax. It is for everybody, unless it names a country or a tag: then the buyer must have each that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRate {
    /// Its key, unique for the seller.
    pub id: BillingKey,
    /// What the invoice says.
    pub name: Name,
    /// How much is added: 0 to 100 %.
    pub percent: Percent,
    /// Only to buyers with an address in this country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Only to buyers with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagIs>,
}

impl TaxRate {
    /// Whether it is for a buyer.
    pub fn applies(&self, country: Option<&Country>, tags: &Tags) -> bool {
        self.country.as_ref().is_none_or(|wanted| Some(wanted) == country) && self.tag.as_ref().is_none_or(|tag| tag.matches(tags))
    }
}

/// Refuses rates that are too many, twice there, or out of range.
///
/// # Errors
/// The first wrong part, with its pointer below the list.
pub fn validate(rates: &[TaxRate]) -> Result<(), PricingError> {
    if rates.len() > MAX_TAX_RATES {
        return Err(PricingError::at("", Reason::TooMany(MAX_TAX_RATES)));
    }
    for (at, rate) in rates.iter().enumerate() {
        if rates.iter().take(at).any(|other| other.id == rate.id) {
            return Err(PricingError::at(format!("/{at}/id"), Reason::Duplicate));
        }
        if !(0..=PARTS_OF_ONE).contains(&rate.percent.parts()) {
            return Err(PricingError::at(format!("/{at}/percent"), Reason::OutOfRange("0", "100")));
        }
    }
    Ok(())
}
