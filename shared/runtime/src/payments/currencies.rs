//! Amounts as Stripe has them: mostly ISO 4217's minor units, but not of every currency.
//!
//! Source: "Supported currencies", Stripe documentation: zero-decimal currencies, three-decimal currencies, special cases.

use super::{Money, PaymentError, Refusal};

/// How Stripe's unit of a currency stands to ISO's minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// They are the same.
    Same,
    /// So many of Stripe's are one of ISO's: two decimals are written though there are none.
    Finer(i64),
    /// One of Stripe's is so many of ISO's.
    Coarser(i64),
    /// They are the same, but only multiples of so many are taken.
    Steps(i64),
}

fn unit(code: &str) -> Unit {
    match code {
        "ISK" | "UGX" => Unit::Finer(100),
        "MGA" => Unit::Coarser(100),
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => Unit::Steps(10),
        _ => Unit::Same,
    }
}

/// The largest amount up to this one that Stripe takes.
pub(super) fn chargeable(amount: Money) -> Money {
    let step = match unit(amount.currency.code()) {
        Unit::Same | Unit::Finer(_) => 1,
        Unit::Coarser(step) | Unit::Steps(step) => step,
    };
    Money { minor: (amount.minor - amount.minor % step).max(0), ..amount }
}

/// As Stripe wants it, and the currency's code in its letters.
///
/// # Errors
/// [`PaymentError::Invalid`] of what is not above zero, or finer than Stripe's steps.
pub(super) fn to_stripe(amount: Money) -> Result<(i64, String), PaymentError> {
    let code = amount.currency.code();
    if amount.minor <= 0 {
        return Err(Refusal::unsent("amount", "an amount must be above zero"));
    }
    if chargeable(amount) != amount {
        return Err(Refusal::unsent("amount", format!("{} minor units of {code} cannot be charged: too fine", amount.minor)));
    }
    let units = match unit(code) {
        Unit::Same | Unit::Steps(_) => Some(amount.minor),
        Unit::Finer(many) => amount.minor.checked_mul(many),
        Unit::Coarser(many) => Some(amount.minor / many),
    };
    let units = units.ok_or_else(|| Refusal::unsent("amount", "the amount is too large"))?;
    Ok((units, code.to_ascii_lowercase()))
}

/// From Stripe's units and letters; `None` of a currency that is not one, or an amount that cannot be.
pub(super) fn from_stripe(units: i64, code: &str) -> Option<Money> {
    let currency: tributary_domain::money::Currency = code.to_ascii_uppercase().parse().ok()?;
    let minor = match unit(currency.code()) {
        Unit::Same | Unit::Steps(_) => units,
        Unit::Finer(many) => units / many,
        Unit::Coarser(many) => units.checked_mul(many)?,
    };
    Some(Money { minor, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: code.parse().expect("a currency") }
    }

    #[test]
    fn amounts_go_there_and_come_back() {
        for (minor, code, stripe) in
            [(1_000, "USD", 1_000), (500, "JPY", 500), (5, "ISK", 500), (7, "UGX", 700), (1_200, "MGA", 12), (5_120, "KWD", 5_120)]
        {
            let (units, letters) = to_stripe(money(minor, code)).expect(code);
            assert_eq!((units, letters.as_str()), (stripe, code.to_ascii_lowercase().as_str()));
            assert_eq!(from_stripe(units, &letters), Some(money(minor, code)));
        }
    }

    #[test]
    fn what_is_too_fine_is_refused_and_the_chargeable_part_is_named() {
        for (minor, code, chargeable_part) in
            [(5_124, "KWD", 5_120), (9, "KWD", 0), (1_250, "MGA", 1_200), (1_234, "USD", 1_234), (-5, "USD", 0)]
        {
            assert_eq!(chargeable(money(minor, code)), money(chargeable_part, code), "{code}");
        }
        for (minor, code) in [(5_124, "KWD"), (1_250, "MGA"), (0, "USD"), (-1, "USD"), (i64::MAX, "ISK")] {
            assert!(matches!(to_stripe(money(minor, code)), Err(PaymentError::Invalid(_))), "{minor} {code}");
        }
        assert_eq!(from_stripe(1, "usdc"), None);
    }

    /// The table holds as long as ISO's decimals are these: Stripe's zero-decimal currencies have none.
    #[test]
    fn stripes_zero_decimal_currencies_have_none_in_iso_but_one() {
        for code in ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF", "ISK"] {
            assert_eq!(iso_currency::Currency::from_code(code).and_then(iso_currency::Currency::exponent), Some(0), "{code}");
        }
        assert_eq!(iso_currency::Currency::from_code("MGA").and_then(iso_currency::Currency::exponent), Some(2));
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert_eq!(iso_currency::Currency::from_code(code).and_then(iso_currency::Currency::exponent), Some(3), "{code}");
        }
    }
}
