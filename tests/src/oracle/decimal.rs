//! Decimals. Every operation here is exact or panics; rounding has two places, both named.

use rust_decimal::{Decimal, RoundingStrategy};

/// The decimals of an exact price: 10⁻¹² of the currency's unit.
const PRICE_DECIMALS: u32 = 12;
/// The decimals of what moves on a ledger: 10⁻⁶.
const LEDGER_DECIMALS: u32 = 6;

/// `a × b`.
///
/// # Panics
/// If the product has more digits than a decimal holds: the run would have to be made with smaller numbers.
pub fn times(a: Decimal, b: Decimal) -> Decimal {
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b).filter(|product| product.is_zero() || product.scale() == a.scale() + b.scale());
    product.unwrap_or_else(|| panic!("{a} × {b} does not fit"))
}

/// `percent` % of `a`.
pub fn percent_of(percent: Decimal, a: Decimal) -> Decimal {
    times(a, times(percent, Decimal::new(1, 2)))
}

/// An exact price: half to even at the twelfth decimal.
pub fn to_price(exact: Decimal) -> Decimal {
    exact.round_dp_with_strategy(PRICE_DECIMALS, RoundingStrategy::MidpointNearestEven)
}

/// What a running total comes to on the ledger: half to even at the sixth decimal.
pub fn to_ledger(total: Decimal) -> Decimal {
    total.round_dp_with_strategy(LEDGER_DECIMALS, RoundingStrategy::MidpointNearestEven)
}
