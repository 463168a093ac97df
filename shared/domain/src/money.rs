//! Credits and money: integer micro-units, checked, with the currency beside every amount that leaves the system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Micro-units in one unit of a currency.
pub const MICROS_PER_UNIT: i64 = 1_000_000;

/// The largest single amount, in whole units: 10^12. Storage holds 9.2 × 10^12, so a sum of a few cannot overflow
/// unseen, and larger sums are checked.
pub const MAX_AMOUNT_UNITS: i64 = 1_000_000_000_000;

/// A signed quantity of credit in micro-units (10⁻⁶ of a unit). On the wire a decimal string with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(i64);

/// The arithmetic left the range of 64-bit micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount is out of range")]
pub struct Overflow;

impl Micros {
    /// No credit.
    pub const ZERO: Micros = Micros(0);

    /// From a count of micro-units.
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// The count of micro-units.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or [`Overflow`].
    pub fn plus(self, other: Micros) -> Result<Micros, Overflow> {
        self.0.checked_add(other.0).map(Micros).ok_or(Overflow)
    }

    /// The difference, or [`Overflow`].
    pub fn minus(self, other: Micros) -> Result<Micros, Overflow> {
        self.0.checked_sub(other.0).map(Micros).ok_or(Overflow)
    }

    /// The amount with the other sign, or [`Overflow`].
    pub fn negated(self) -> Result<Micros, Overflow> {
        self.0.checked_neg().map(Micros).ok_or(Overflow)
    }

    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Exactly zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        let unit = MICROS_PER_UNIT.unsigned_abs();
        write!(f, "{sign}{}.{:06}", magnitude / unit, magnitude % unit)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    /// Reads what [`Micros`]'s `Display` wrote; requests use [`Amount`], which is stricter.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_signed(&text).map_err(serde::de::Error::custom)
    }
}

fn parse_signed(text: &str) -> Result<Micros, AmountError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let magnitude = parse_unsigned(digits, i64::MAX / MICROS_PER_UNIT)?;
    Ok(Micros(if negative { -magnitude } else { magnitude }))
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with an optional point and decimals.
    #[error("must be a decimal string such as \"12.50\": digits, then at most one point and one to six decimals")]
    Malformed,
    /// More than six decimals.
    #[error("has more than six decimals; the smallest unit is 0.000001")]
    TooPrecise,
    /// Zero where a positive amount is needed.
    #[error("must be greater than zero")]
    NotPositive,
    /// Above [`MAX_AMOUNT_UNITS`].
    #[error("is too large; one amount may be at most 1000000000000")]
    TooLarge,
}

fn parse_unsigned(text: &str, max_units: i64) -> Result<i64, AmountError> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || text.len() > 64 {
        return Err(AmountError::Malformed);
    }
    if decimals.len() > 6 {
        return Err(AmountError::TooPrecise);
    }
    let units: i64 = whole.parse().map_err(|_| AmountError::TooLarge)?;
    let fraction: i64 = format!("{decimals:0<6}").parse().map_err(|_| AmountError::Malformed)?;
    let micros = units.checked_mul(MICROS_PER_UNIT).and_then(|m| m.checked_add(fraction)).ok_or(AmountError::TooLarge)?;
    let max = max_units.checked_mul(MICROS_PER_UNIT).ok_or(AmountError::TooLarge)?;
    if units > max_units || (max_units == MAX_AMOUNT_UNITS && micros > max) {
        return Err(AmountError::TooLarge);
    }
    Ok(micros)
}

/// A positive amount as a request gives it: more than zero, at most [`MAX_AMOUNT_UNITS`], at most six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Micros);

impl Amount {
    /// The amount in micro-units.
    pub const fn micros(self) -> Micros {
        self.0
    }

    /// An amount from micro-units.
    ///
    /// # Errors
    /// [`AmountError::NotPositive`] or [`AmountError::TooLarge`].
    pub fn new(micros: Micros) -> Result<Self, AmountError> {
        if micros.get() <= 0 {
            return Err(AmountError::NotPositive);
        }
        if micros.get() > MAX_AMOUNT_UNITS * MICROS_PER_UNIT {
            return Err(AmountError::TooLarge);
        }
        Ok(Self(micros))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        if let Some(rest) = text.strip_prefix('-') {
            parse_unsigned(rest, MAX_AMOUNT_UNITS)?;
            return Err(AmountError::NotPositive);
        }
        Amount::new(Micros(parse_unsigned(text, MAX_AMOUNT_UNITS)?))
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, AmountError> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// An amount that may be zero, as limits are: at most [`MAX_AMOUNT_UNITS`], never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Allowance(Micros);

impl Allowance {
    /// The allowance in micro-units.
    pub const fn micros(self) -> Micros {
        self.0
    }
}

impl Serialize for Allowance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Allowance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('-') {
            return Err(serde::de::Error::custom("must not be negative"));
        }
        parse_unsigned(&text, MAX_AMOUNT_UNITS).map(|m| Allowance(Micros(m))).map_err(serde::de::Error::custom)
    }
}

/// A currency of ISO 4217 that money is kept in (the list's test and no-currency codes are not).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is not a currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 currency code in capitals, such as \"USD\"")]
pub struct CurrencyError;

impl Currency {
    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals its smallest coin has, 0 to 4: USD 2, JPY 0, KWD 3. Two where the list names none.
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(2, u32::from).min(6)
    }

    /// Micro-units in its smallest coin.
    pub fn minor(self) -> Micros {
        Micros(10_i64.pow(6 - self.decimals()))
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        match iso_currency::Currency::from_code(text) {
            Some(found) if !matches!(text, "XXX" | "XTS") => Ok(Self(found)),
            Some(_) | None => Err(CurrencyError),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_six_decimals_and_read_back() {
        for micros in [0, 1, -1, 12_500_000, i64::MAX, -i64::MAX] {
            let shown = Micros(micros).to_string();
            assert_eq!(parse_signed(&shown), Ok(Micros(micros)), "{shown}");
        }
        assert_eq!(Micros(12_500_000).to_string(), "12.500000");
        assert_eq!(Micros(-1).to_string(), "-0.000001");
    }

    #[test]
    fn a_request_amount_is_positive_decimal_and_bounded() {
        let ok = |text: &str| text.parse::<Amount>().map(|a| a.micros().get());
        assert_eq!(ok("1"), Ok(1_000_000));
        assert_eq!(ok("0.000001"), Ok(1));
        assert_eq!(ok("007.5"), Ok(7_500_000));
        assert_eq!(ok("1000000000000"), Ok(1_000_000_000_000_000_000));
        for (text, error) in [
            ("", AmountError::Malformed),
            ("NaN", AmountError::Malformed),
            ("Infinity", AmountError::Malformed),
            ("1e30", AmountError::Malformed),
            ("1,5", AmountError::Malformed),
            ("1.", AmountError::Malformed),
            (".5", AmountError::Malformed),
            ("+1", AmountError::Malformed),
            (" 1", AmountError::Malformed),
            ("١", AmountError::Malformed),
            ("0", AmountError::NotPositive),
            ("0.000000", AmountError::NotPositive),
            ("-1", AmountError::NotPositive),
            ("0.0000001", AmountError::TooPrecise),
            ("1000000000000.000001", AmountError::TooLarge),
            ("99999999999999999999999", AmountError::TooLarge),
        ] {
            assert_eq!(ok(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(Micros(i64::MAX).plus(Micros(1)), Err(Overflow));
        assert_eq!(Micros(i64::MIN).negated(), Err(Overflow));
        assert_eq!(Micros(i64::MIN).minus(Micros(1)), Err(Overflow));
    }

    #[test]
    fn only_real_currencies_are_taken() {
        assert!("USD".parse::<Currency>().is_ok());
        for text in ["usd", "XXX", "XTS", "ZZZ", "", "US"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
