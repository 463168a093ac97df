//! The numbers of prices: quantities in 10⁻⁶ of a unit, exact money in 10⁻¹² of a currency's unit, unit prices, percents.
//! On the wire all of them are decimal strings.

use std::fmt;
use std::str::FromStr;

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::money::Overflow;
use crate::money::{MAX_AMOUNT_UNITS, MICROS_PER_UNIT, Micros};

/// Pico-units in one micro-unit.
pub const PICOS_PER_MICRO: i128 = 1_000_000;

/// Pico-units in one unit of a currency.
pub const PICOS_PER_UNIT: i64 = 1_000_000_000_000;

/// Parts of one that a [`Percent`] counts: 1 % is 10,000 of them.
pub const PARTS_OF_ONE: i64 = 1_000_000;

/// The largest quantity of one event, in whole units.
pub const MAX_EVENT_UNITS: i64 = 1_000_000_000;

/// The largest price of one unit, in whole units of the currency.
pub const MAX_UNIT_PRICE: i64 = 1_000_000;

/// Why a text is not such a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not digits with an optional point and decimals.
    #[error("must be a decimal such as \"12.5\": digits, then at most one point and decimals")]
    Malformed,
    /// More decimals than are kept.
    #[error("has more than {0} decimals")]
    TooPrecise(u32),
    /// Out of range.
    #[error("is too large; at most {0}")]
    TooLarge(i64),
    /// Below zero where that has no meaning.
    #[error("must not be negative")]
    Negative,
}

/// Reads `-?digits(.digits)?` as a count of 10^-`scale`; `max_units` bounds the magnitude, in whole units.
fn parse(text: &str, scale: u32, max_units: i64) -> Result<i64, NumberError> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return Err(NumberError::Malformed);
    }
    let kept = usize::try_from(scale).unwrap_or(usize::MAX);
    if decimals.len() > kept {
        return Err(NumberError::TooPrecise(scale));
    }
    if text.len() > 64 {
        return Err(NumberError::Malformed);
    }
    let too_large = NumberError::TooLarge(max_units);
    let one = 10_i64.checked_pow(scale).ok_or(too_large)?;
    let mut fraction: i64 = decimals.parse().map_err(|_| too_large)?;
    for _ in decimals.len()..kept {
        fraction = fraction.checked_mul(10).ok_or(too_large)?;
    }
    let units: i64 = whole.parse().map_err(|_| too_large)?;
    let count = units.checked_mul(one).and_then(|c| c.checked_add(fraction)).ok_or(too_large)?;
    // A bound that the 64 bits hold is a bound; a larger one is theirs.
    if max_units.checked_mul(one).is_some_and(|max| count > max) {
        return Err(too_large);
    }
    Ok(if negative { -count } else { count })
}

/// Writes `count` × 10^-`scale` with at least `least` decimals, and more only if they are not zero.
fn write_decimal(f: &mut fmt::Formatter<'_>, count: i128, scale: u32, least: usize) -> fmt::Result {
    let one = 10_u128.pow(scale);
    let magnitude = count.unsigned_abs();
    let width = usize::try_from(scale).unwrap_or(0);
    let decimals = format!("{:0width$}", magnitude % one);
    let shown = decimals.trim_end_matches('0').len().max(least);
    let sign = if count < 0 { "-" } else { "" };
    match decimals.get(..shown) {
        Some(shown) if !shown.is_empty() => write!(f, "{sign}{}.{shown}", magnitude / one),
        Some(_) | None => write!(f, "{sign}{}", magnitude / one),
    }
}

/// `n / d` to the nearest whole number, half to even. `d` must be positive.
pub fn div_half_even(n: i128, d: i128) -> i128 {
    let (quotient, rest) = (n.div_euclid(d), n.rem_euclid(d));
    match rest.cmp(&(d - rest)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// The first place that rounds: a product of money in 10⁻¹⁸ to [`Picos`].
pub fn to_picos(attos: i128) -> Picos {
    Picos(div_half_even(attos, PICOS_PER_MICRO))
}

/// The second place that rounds: a running total to micro-units, which is what moves.
///
/// # Errors
/// [`Overflow`] if the total leaves the range of micro-units.
pub fn to_micros(total: Picos) -> Result<Micros, Overflow> {
    i64::try_from(div_half_even(total.0, PICOS_PER_MICRO)).map(Micros::new).map_err(|_| Overflow)
}

/// The third place that rounds: a line of an invoice to the currency's smallest coin, half to even.
///
/// # Errors
/// [`Overflow`] if the line leaves the range of micro-units.
pub fn to_minor(exact: Picos, currency: crate::money::Currency) -> Result<Micros, Overflow> {
    let coin = i128::from(currency.minor().get());
    let coins = div_half_even(exact.0, coin * PICOS_PER_MICRO);
    coins.checked_mul(coin).and_then(|micros| i64::try_from(micros).ok()).map(Micros::new).ok_or(Overflow)
}

/// Reads a string, or a JSON number from its text: no floating-point arithmetic is done with it.
struct DecimalVisitor<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = NumberError>> Visitor<'_> for DecimalVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal as a string or a number, such as \"12.5\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
        if !number.is_finite() {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        // The shortest text that reads back as the same number, which is the one that was sent if it had ≤ 15 digits. What is
        // added takes the sign of a negative zero away.
        self.visit_str(&(number + 0.0).to_string())
    }
}

macro_rules! decimal_serde {
    ($name:ident, $read:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.$read(DecimalVisitor::<$name>(std::marker::PhantomData))
            }
        }
    };
}

/// How much was used, in 10⁻⁶ of the meter's unit. Texts and requests hold none below zero; a difference may be. On the wire a
/// decimal string, or a number; answers show six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(0);
    /// One unit.
    pub const ONE: Quantity = Quantity(MICROS_PER_UNIT);
    /// The largest quantity of a month that a rule names.
    pub const MAX_NAMED: Quantity = Quantity(MAX_AMOUNT_UNITS * MICROS_PER_UNIT);
    /// The largest quantity of one event.
    pub const MAX_EVENT: Quantity = Quantity(MAX_EVENT_UNITS * MICROS_PER_UNIT);

    /// From a count of millionths of a unit.
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// The count of millionths of a unit.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or [`Overflow`].
    pub fn plus(self, other: Quantity) -> Result<Quantity, Overflow> {
        self.0.checked_add(other.0).map(Quantity).ok_or(Overflow)
    }

    /// The difference, or [`Overflow`]; it may be below zero.
    pub fn minus(self, other: Quantity) -> Result<Quantity, Overflow> {
        self.0.checked_sub(other.0).map(Quantity).ok_or(Overflow)
    }

    /// Exactly nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl FromStr for Quantity {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let count = parse(text, 6, i64::MAX / MICROS_PER_UNIT)?;
        if text.starts_with('-') { Err(NumberError::Negative) } else { Ok(Self(count)) }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), 6, 6)
    }
}

decimal_serde!(Quantity, deserialize_any);

/// For fields that hold a difference of quantities: reads and writes a sign.
pub mod signed_quantity {
    use super::{Deserialize, Deserializer, MICROS_PER_UNIT, Quantity, Serializer, parse};

    /// Writes six decimals, with a sign if it is below zero.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(quantity)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    /// The deserializer's, with a [`super::NumberError`] in words.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text, 6, i64::MAX / MICROS_PER_UNIT).map(Quantity).map_err(serde::de::Error::custom)
    }
}

/// Exact money in 10⁻¹² of the currency's unit. Shown with six decimals, or as many more (up to twelve) as are not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Picos(i128);

impl Picos {
    /// Nothing.
    pub const ZERO: Picos = Picos(0);

    /// From a count of 10⁻¹² of a unit.
    pub const fn new(picos: i128) -> Self {
        Self(picos)
    }

    /// The count of 10⁻¹² of a unit.
    pub const fn get(self) -> i128 {
        self.0
    }

    /// The sum, or [`Overflow`].
    pub fn plus(self, other: Picos) -> Result<Picos, Overflow> {
        self.0.checked_add(other.0).map(Picos).ok_or(Overflow)
    }

    /// The difference, or [`Overflow`].
    pub fn minus(self, other: Picos) -> Result<Picos, Overflow> {
        self.0.checked_sub(other.0).map(Picos).ok_or(Overflow)
    }

    /// The amount with the other sign, or [`Overflow`].
    pub fn negated(self) -> Result<Picos, Overflow> {
        self.0.checked_neg().map(Picos).ok_or(Overflow)
    }

    /// `percent` of it, rounded by [`to_picos`].
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn share(self, percent: Percent) -> Result<Picos, Overflow> {
        self.0.checked_mul(i128::from(percent.0)).map(to_picos).ok_or(Overflow)
    }

    /// Exactly nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl From<Micros> for Picos {
    fn from(micros: Micros) -> Self {
        Self(i128::from(micros.get()) * PICOS_PER_MICRO)
    }
}

impl FromStr for Picos {
    type Err = NumberError;

    /// Reads what `Display` wrote: a sign, digits, up to twelve decimals.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        const MAX: NumberError = NumberError::TooLarge(i64::MAX);
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || text.len() > 64 {
            return Err(NumberError::Malformed);
        }
        if decimals.len() > 12 {
            return Err(NumberError::TooPrecise(12));
        }
        let joined = format!("{whole}{decimals:0<12}");
        let picos: i128 = joined.parse().map_err(|_| MAX)?;
        Ok(Self(if negative { -picos } else { picos }))
    }
}

impl fmt::Display for Picos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, 12, 6)
    }
}

decimal_serde!(Picos, deserialize_str);

/// The price of one unit: −1,000,000 to 1,000,000 with up to twelve decimals, as a string. Below zero only where a rule
/// says so; [`crate::pricing::model::Model::validate`] refuses it in models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnitPrice(i64);

impl UnitPrice {
    /// Free.
    pub const ZERO: UnitPrice = UnitPrice(0);

    /// From a count of 10⁻¹² of a currency's unit.
    pub const fn new(picos: i64) -> Self {
        Self(picos)
    }

    /// The count of 10⁻¹² of a currency's unit.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The exact price of `quantity` in 10⁻¹⁸; two 64-bit numbers cannot overflow 128.
    pub fn times(self, quantity: Quantity) -> i128 {
        i128::from(self.0) * i128::from(quantity.0)
    }
}

impl FromStr for UnitPrice {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        parse(text, 12, MAX_UNIT_PRICE).map(Self)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), 12, 2)
    }
}

decimal_serde!(UnitPrice, deserialize_str);

/// A percentage with up to four decimals, as a string: `"12.5"`. Its range is that of the rule it is used in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(i64);

impl Percent {
    /// Nothing.
    pub const ZERO: Percent = Percent(0);
    /// All of it.
    pub const HUNDRED: Percent = Percent(PARTS_OF_ONE);

    /// From millionths of one: 125,000 is 12.5 %.
    pub const fn from_parts(parts: i64) -> Self {
        Self(parts)
    }

    /// In millionths of one.
    pub const fn parts(self) -> i64 {
        self.0
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// What is left of a whole after taking it off: 20 % leaves 80 %.
    pub const fn rest(self) -> Percent {
        Percent(PARTS_OF_ONE - self.0)
    }
}

impl FromStr for Percent {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        // 1 % is 10⁻² of one, so four decimals of a percent are millionths of one.
        parse(text, 4, MAX_AMOUNT_UNITS / MICROS_PER_UNIT).map(Self)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), 4, 0)
    }
}

decimal_serde!(Percent, deserialize_str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour_on_both_sides_of_zero() {
        for (n, d, want) in [
            (5, 10, 0),
            (15, 10, 2),
            (25, 10, 2),
            (26, 10, 3),
            (-5, 10, 0),
            (-15, 10, -2),
            (-25, 10, -2),
            (-26, 10, -3),
            (7, 3, 2),
            (8, 3, 3),
            (i128::MAX, 1, i128::MAX),
            (i128::MIN, 1, i128::MIN),
        ] {
            assert_eq!(div_half_even(n, d), want, "{n}/{d}");
        }
        assert_eq!(to_micros(Picos::new(1_500_000)), Ok(Micros::new(2)));
        assert_eq!(to_micros(Picos::new(2_500_000)), Ok(Micros::new(2)));
        assert_eq!(to_micros(Picos::new(i128::MAX)), Err(Overflow));
    }

    #[test]
    fn a_quantity_is_read_from_a_string_or_from_the_text_of_a_number() {
        let read = |json: &str| serde_json::from_str::<Quantity>(json).map(Quantity::get).map_err(|error| error.to_string());
        for (json, want) in [
            ("\"12.5\"", 12_500_000),
            ("12", 12_000_000),
            ("12.5", 12_500_000),
            ("0.1", 100_000),
            ("1e-6", 1),
            ("1e3", 1_000_000_000),
            ("123456789.123456", 123_456_789_123_456),
            ("0", 0),
            ("-0.0", 0),
            ("\"9000000000000\"", 9_000_000_000_000_000_000),
        ] {
            assert_eq!(read(json), Ok(want), "{json}");
        }
        for (json, want) in [
            ("-1", "must not be negative"),
            ("\"-0.5\"", "must not be negative"),
            ("1e-7", "has more than 6 decimals"),
            ("5e-324", "has more than 6 decimals"),
            ("\"0.0000001\"", "has more than 6 decimals"),
            ("1e300", "must be a decimal"),
            ("10000000000000", "is too large"),
            ("\"1e3\"", "must be a decimal"),
            ("\"\"", "must be a decimal"),
            ("\" 1\"", "must be a decimal"),
            ("true", "a decimal as a string or a number"),
            ("null", "a decimal as a string or a number"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(want), "{json}: {error}");
        }
    }

    #[test]
    fn numbers_print_and_read_back() {
        for (price, shown) in [("0.05", "0.05"), ("1", "1.00"), ("0.000000000001", "0.000000000001"), ("-2.5", "-2.50")] {
            let price: UnitPrice = price.parse().expect("a price");
            assert_eq!(price.to_string(), shown);
        }
        for (percent, parts, shown) in
            [("12.5", 125_000, "12.5"), ("100", 1_000_000, "100"), ("0.0001", 1, "0.0001"), ("-5", -50_000, "-5")]
        {
            let read: Percent = percent.parse().expect("a percentage");
            assert_eq!((read.parts(), read.to_string()), (parts, shown.to_owned()));
        }
        for picos in [0, 1, -1, 480_000_000_000, i128::from(i64::MAX) * PICOS_PER_MICRO] {
            assert_eq!(Picos::new(picos).to_string().parse(), Ok(Picos::new(picos)));
        }
        assert_eq!(Picos::new(480_000_000_000).to_string(), "0.480000");
        assert_eq!(Picos::new(i128::MIN).to_string(), "-170141183460469231731687303.715884105728");
        assert_eq!(Quantity::new(12_500_000).to_string(), "12.500000");
    }

    #[test]
    fn prices_and_percents_are_bounded_strings() {
        assert_eq!("1000000".parse::<UnitPrice>().map(UnitPrice::get), Ok(1_000_000_000_000_000_000));
        assert_eq!("1000000.000000000001".parse::<UnitPrice>(), Err(NumberError::TooLarge(MAX_UNIT_PRICE)));
        assert_eq!("0.0000000000001".parse::<UnitPrice>(), Err(NumberError::TooPrecise(12)));
        assert_eq!("0.00001".parse::<Percent>(), Err(NumberError::TooPrecise(4)));
        assert!(serde_json::from_str::<UnitPrice>("0.05").is_err(), "a price is a string");
        for text in ["", "-", ".", "1.", ".1", "+1", "1,0", "٣", "0x1", "NaN"] {
            assert_eq!(text.parse::<UnitPrice>(), Err(NumberError::Malformed), "{text}");
        }
    }
}
