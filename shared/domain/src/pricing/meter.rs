//! Meters: what is counted, how, and in which unit.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::pricing::error::{PricingError, Reason};
use crate::text::Name;

/// The most property names that a meter keeps.
pub const MAX_DIMENSIONS: usize = 5;

/// The text is not a slug of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 40 characters: a lower-case letter, then lower-case letters, digits, _ . and -")]
pub struct SlugError;

fn is_slug(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    first && text.len() <= 40 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b))
}

macro_rules! slugs {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = SlugError;

            fn from_str(text: &str) -> Result<Self, SlugError> {
                if is_slug(text) { Ok(Self(text.to_owned())) } else { Err(SlugError) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

slugs! {
    /// A meter's key: `[a-z][a-z0-9_.-]{0,39}`, unique along a lineage.
    MeterKey,
    /// The name of a property of an event that a meter keeps: `[a-z][a-z0-9_.-]{0,39}`.
    PropertyName,
    /// The name of a volume tier: `[a-z][a-z0-9_.-]{0,39}`; `none` is below the first.
    TierName,
    /// The code of a promotion: `[a-z][a-z0-9_.-]{0,39}`.
    PromotionCode,
    /// The key of a fee, a rate of tax or a payment processor: `[a-z][a-z0-9_.-]{0,39}`.
    BillingKey,
}

/// How events become the month's quantity of their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// The quantities added up.
    Sum,
    /// The number of events, whatever their quantity.
    Count,
    /// The largest quantity.
    Max,
    /// The number of different values of one property.
    Unique,
}

impl Aggregation {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Aggregation::Sum => "sum",
            Aggregation::Count => "count",
            Aggregation::Max => "max",
            Aggregation::Unique => "unique",
        }
    }
}

/// A meter of the operator or of a reseller, for the accounts below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Its key; never changes.
    pub key: MeterKey,
    /// Its name, for people.
    pub name: Name,
    /// What one of it is called: `message`, `GB`.
    pub unit: Name,
    /// How events become a quantity; never changes.
    pub aggregation: Aggregation,
    /// Properties of its events that are kept for reports, at most [`MAX_DIMENSIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<PropertyName>,
    /// Of a `unique` meter: the property whose different values are counted, one of the dimensions; never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_by: Option<PropertyName>,
    /// Whether its quantity counts towards volume tiers.
    #[serde(default = "yes")]
    pub counts_to_tier: bool,
}

fn yes() -> bool {
    true
}

impl Meter {
    /// Refuses what does not fit together.
    ///
    /// # Errors
    /// With the pointer of the field.
    pub fn validate(&self) -> Result<(), PricingError> {
        if self.dimensions.len() > MAX_DIMENSIONS {
            return Err(PricingError::at("/dimensions", Reason::TooMany(MAX_DIMENSIONS)));
        }
        for (at, name) in self.dimensions.iter().enumerate() {
            if self.dimensions.iter().take(at).any(|earlier| earlier == name) {
                return Err(PricingError::at(format!("/dimensions/{at}"), Reason::Duplicate));
            }
        }
        let wrong = |detail| Err(PricingError::at("/unique_by", Reason::Shape(detail)));
        match (self.aggregation, &self.unique_by) {
            (Aggregation::Unique, None) => wrong("a unique meter needs the property whose different values it counts"),
            (Aggregation::Unique, Some(by)) if !self.dimensions.contains(by) => wrong("must be one of the dimensions"),
            (Aggregation::Unique, Some(_)) | (Aggregation::Sum | Aggregation::Count | Aggregation::Max, None) => Ok(()),
            (Aggregation::Sum | Aggregation::Count | Aggregation::Max, Some(_)) => wrong("only a unique meter counts different values"),
        }
    }

    /// Refuses a change of what the quantities so far rest on.
    ///
    /// # Errors
    /// With the pointer of the field.
    pub fn may_become(&self, new: &Meter) -> Result<(), PricingError> {
        new.validate()?;
        let fixed = |pointer: &str| Err(PricingError::at(pointer, Reason::Shape("never changes; make another meter")));
        if self.key != new.key {
            return fixed("/key");
        }
        if self.aggregation != new.aggregation {
            return fixed("/aggregation");
        }
        if self.unique_by != new.unique_by {
            return fixed("/unique_by");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::meter;

    #[test]
    fn keys_are_short_lower_case_slugs() {
        for good in ["a", "sms", "api.calls-v2_eu", &"x".repeat(40)] {
            assert!(good.parse::<MeterKey>().is_ok(), "{good}");
        }
        for bad in ["", "Sms", "1sms", ".sms", "s ms", "s:ms", "sms/x", "é", &"x".repeat(41)] {
            assert!(bad.parse::<MeterKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_counted_must_be_among_the_dimensions() {
        let pointer = |meter: &Meter| meter.validate().map_err(|error| error.pointer);
        let slug = |text: &str| text.parse().expect("a slug");
        for aggregation in [Aggregation::Sum, Aggregation::Count, Aggregation::Max, Aggregation::Unique] {
            assert_eq!(pointer(&meter(aggregation)), Ok(()), "{}", aggregation.word());
        }
        let unique = meter(Aggregation::Unique);
        let at = |pointer: &str| Err(pointer.to_owned());
        assert_eq!(pointer(&Meter { unique_by: None, ..unique.clone() }), at("/unique_by"));
        assert_eq!(pointer(&Meter { unique_by: Some(slug("other")), ..unique.clone() }), at("/unique_by"));
        assert_eq!(pointer(&Meter { aggregation: Aggregation::Sum, ..unique.clone() }), at("/unique_by"));
        assert_eq!(pointer(&Meter { dimensions: vec![slug("number"), slug("number")], ..unique.clone() }), at("/dimensions/1"));
        let six = (0..6).map(|n| slug(&format!("p{n}"))).collect();
        assert_eq!(pointer(&Meter { dimensions: six, ..meter(Aggregation::Sum) }), at("/dimensions"));
    }

    #[test]
    fn what_quantities_rest_on_never_changes() {
        let (sum, count) = (meter(Aggregation::Sum), meter(Aggregation::Count));
        assert_eq!(sum.may_become(&count).map_err(|error| error.pointer), Err("/aggregation".to_owned()));
        assert_eq!(sum.may_become(&Meter { counts_to_tier: false, ..sum.clone() }), Ok(()));
    }
}
