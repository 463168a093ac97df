//! Packages of credit that an account sells to its direct sub-accounts, and what loose credits cost them.
//!
//! Credits are sold in whole units, so that no price is ever rounded: a unit is 10⁶ micro-units, and a percentage has
//! four decimals.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{LotId, PackageId};
use crate::money::{Allowance, Amount, Currency, MICROS_PER_UNIT, Micros, Overflow};
use crate::pricing::cheapest::Item;
use crate::pricing::error::{PricingError, Reason};
use crate::pricing::number::{PARTS_OF_ONE, Percent, div_half_even};
use crate::text::Name;
use crate::transfer::Purchased;

/// The most packages of one seller that can be bought, now or later.
pub const MAX_ON_SALE: usize = 50;
/// The most packages of one seller that are over, and still shown; older ones leave the book.
pub const MAX_OVER: usize = 150;
/// The most credits of one package, of one loose purchase and of one quote.
pub const MAX_CREDITS: i64 = 1_000_000_000;
/// The longest time, in days, after which bought credits expire.
pub const MAX_VALID_DAYS: u32 = 3650;
/// The largest limit on how many of one package an account may buy.
pub const MAX_PER_ACCOUNT: u32 = 10_000;
/// The most of one package in one purchase.
pub const MAX_QUANTITY: u32 = 100;
/// The most bands of a table of bulk discounts.
pub const MAX_BULK_BANDS: usize = 20;

/// A package of credit. Never changed but for `retired_at`: a new price is a new package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its id.
    pub id: PackageId,
    /// Its name.
    pub name: Name,
    /// The credits that are paid for; whole, 1 to [`MAX_CREDITS`].
    pub credits: Amount,
    /// The credits on top; whole, 0 to [`MAX_CREDITS`].
    #[serde(default)]
    pub bonus: Allowance,
    /// What one package costs, in `currency`.
    pub price: Allowance,
    /// The seller's currency, which is its buyers' too.
    pub currency: Currency,
    /// After how many days, of 24 hours, credits and bonus expire; 1 to [`MAX_VALID_DAYS`]. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_days: Option<u32>,
    /// From when it can be bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_from: Option<Timestamp>,
    /// From when it cannot be bought any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_until: Option<Timestamp>,
    /// How many one account may buy in all; 1 to [`MAX_PER_ACCOUNT`]. `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_account: Option<u32>,
    /// When it was taken from sale for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a package can be bought at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sale {
    /// Not yet.
    Upcoming,
    /// Now.
    OnSale,
    /// Its time is over.
    Ended,
    /// It was taken from sale.
    Retired,
}

impl Sale {
    /// Every state.
    pub const ALL: [Sale; 4] = [Sale::Upcoming, Sale::OnSale, Sale::Ended, Sale::Retired];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Sale::Upcoming => "upcoming",
            Sale::OnSale => "on_sale",
            Sale::Ended => "ended",
            Sale::Retired => "retired",
        }
    }
}

/// Why something cannot be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The package is not on sale now.
    #[error("the package cannot be bought now: it is {}", .0.word())]
    Package(Sale),
    /// The seller sells no loose credits.
    #[error("the account's parent sells packages only, no loose credits")]
    Loose,
    /// What is on sale does not come to as many credits.
    #[error("what is on sale does not come to as many credits, because of what one account may buy")]
    TooFew,
    /// The numbers leave their range.
    #[error("the price or the credits would be too large")]
    Overflow,
}

impl From<Overflow> for Unavailable {
    fn from(_: Overflow) -> Self {
        Unavailable::Overflow
    }
}

/// A whole number of credits from micro-units, 0 to [`MAX_CREDITS`].
///
/// # Errors
/// A [`PricingError`] at `pointer`.
pub fn whole_credits(credits: Micros, pointer: &str) -> Result<u64, PricingError> {
    let wrong = |reason| PricingError::at(pointer, reason);
    if credits.get() % MICROS_PER_UNIT != 0 {
        return Err(wrong(Reason::Shape("must be a whole number of credits, without decimals")));
    }
    match u64::try_from(credits.get() / MICROS_PER_UNIT) {
        Ok(whole) if whole <= MAX_CREDITS.unsigned_abs() => Ok(whole),
        Ok(_) | Err(_) => Err(wrong(Reason::OutOfRange("0", "1000000000 credits"))),
    }
}

impl Package {
    /// Refuses what cannot be sold.
    ///
    /// # Errors
    /// The first wrong part, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        let check = |good: bool, pointer: &str, reason: Reason| if good { Ok(()) } else { Err(PricingError::at(pointer, reason)) };
        let within = |value: Option<u32>, most: u32| value.is_none_or(|value| (1..=most).contains(&value));
        whole_credits(self.credits.micros(), "/credits")?;
        whole_credits(self.bonus.micros(), "/bonus")?;
        check(within(self.valid_days, MAX_VALID_DAYS), "/valid_days", Reason::OutOfRange("1", "3650"))?;
        check(within(self.max_per_account, MAX_PER_ACCOUNT), "/max_per_account", Reason::OutOfRange("1", "10000"))?;
        let free = self.price.micros().is_zero() && self.max_per_account.is_none();
        check(!free, "/max_per_account", Reason::Shape("is needed for a package that costs nothing"))?;
        let ends = self.available_until.is_none_or(|until| until > self.available_from.unwrap_or(self.created_at).max(self.created_at));
        check(ends, "/available_until", Reason::Shape("must be later than now and than available_from"))
    }

    /// Whether it can be bought at `now`.
    pub fn sale(&self, now: Timestamp) -> Sale {
        if self.retired_at.is_some() {
            Sale::Retired
        } else if self.available_until.is_some_and(|until| until <= now) {
            Sale::Ended
        } else if self.available_from.is_some_and(|from| from > now) {
            Sale::Upcoming
        } else {
            Sale::OnSale
        }
    }

    fn over(&self, now: Timestamp) -> bool {
        matches!(self.sale(now), Sale::Ended | Sale::Retired)
    }

    /// What one of its credits costs, bonus counted in; for showing.
    pub fn price_per_credit(&self) -> Micros {
        let credits = self.credits.micros().plus(self.bonus.micros()).unwrap_or(self.credits.micros());
        price_per_credit(self.price.micros(), credits)
    }

    /// How many an account that bought so many of each may still buy; `None`: any number.
    pub fn remaining(&self, bought: &BTreeMap<PackageId, u32>) -> Option<u32> {
        self.max_per_account.map(|max| max.saturating_sub(bought.get(&self.id).copied().unwrap_or(0)))
    }

    /// The package as the search for the cheapest sees it.
    pub fn item(&self, bought: &BTreeMap<PackageId, u32>) -> Item {
        Item { size: self.size(), price: self.price.micros().get(), left: self.remaining(bought), days: self.valid_days }
    }

    /// Credits and bonus of one package, in whole credits.
    pub fn size(&self) -> u64 {
        let units = |micros: Micros| micros.get().unsigned_abs() / MICROS_PER_UNIT.unsigned_abs();
        units(self.credits.micros()) + units(self.bonus.micros())
    }

    /// What buying `quantity` of it at `now` comes to. `lot` is the id of the lot, if they expire.
    ///
    /// # Errors
    /// [`Unavailable::Package`] if it is not on sale, [`Unavailable::Overflow`].
    pub fn bought(&self, quantity: u32, lot: LotId, book_version: i64, now: Timestamp) -> Result<Purchased, Unavailable> {
        match self.sale(now) {
            Sale::OnSale => {}
            other @ (Sale::Upcoming | Sale::Ended | Sale::Retired) => return Err(Unavailable::Package(other)),
        }
        let times = |each: Micros| each.get().checked_mul(i64::from(quantity)).map(Micros::new).ok_or(Unavailable::Overflow);
        let life = self.valid_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        let expires_at = life.map(|life| now.checked_add(life)).transpose().map_err(|_| Unavailable::Overflow)?;
        Ok(Purchased {
            package_id: Some(self.id.clone()),
            name: Some(self.name.clone()),
            quantity,
            credits: times(self.credits.micros())?,
            bonus: times(self.bonus.micros())?,
            price: times(self.price.micros())?,
            lot_id: expires_at.map(|_| lot),
            expires_at,
            max_per_account: self.max_per_account,
            book_version,
        })
    }
}

/// Adds a package. Of those that are over, the oldest leave the book when there are more than [`MAX_OVER`].
///
/// # Errors
/// What is wrong with it; [`Reason::TooMany`] if [`MAX_ON_SALE`] can be bought already.
pub fn append_package(packages: &mut Vec<Package>, package: Package, now: Timestamp) -> Result<(), PricingError> {
    package.validate()?;
    if packages.iter().filter(|other| !other.over(now)).count() >= MAX_ON_SALE {
        return Err(PricingError::at("", Reason::TooMany(MAX_ON_SALE)));
    }
    packages.push(package);
    let mut too_many = packages.iter().filter(|other| other.over(now)).count().saturating_sub(MAX_OVER);
    packages.retain(|other| {
        let leaves = too_many > 0 && other.over(now);
        too_many -= usize::from(leaves);
        !leaves
    });
    Ok(())
}

/// Takes a package from sale for good. One that was retired stays as it is.
///
/// # Errors
/// [`Reason::NotFound`].
pub fn retire_package(packages: &mut [Package], id: &PackageId, now: Timestamp) -> Result<Package, PricingError> {
    let found = packages.iter_mut().find(|package| package.id == *id);
    let package = found.ok_or_else(|| PricingError::at("", Reason::NotFound))?;
    package.retired_at.get_or_insert(now);
    Ok(package.clone())
}

/// From how many loose credits on which discount is given on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkBand {
    /// From how many credits on; whole.
    pub from: Amount,
    /// The discount on all of them: 0 to less than 100 %.
    pub discount: Percent,
}

/// What loose credits cost: one unit of the currency each, less the discount of the last band that begins at or below the
/// number bought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BulkTable {
    /// The bands; both `from` and `discount` rise.
    pub bands: Vec<BulkBand>,
}

impl BulkTable {
    /// Refuses bands that do not rise.
    ///
    /// # Errors
    /// The first wrong part, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        if self.bands.len() > MAX_BULK_BANDS {
            return Err(PricingError::at("/bands", Reason::TooMany(MAX_BULK_BANDS)));
        }
        let mut before: Option<&BulkBand> = None;
        for (at, band) in self.bands.iter().enumerate() {
            let pointer = |name: &str| format!("/bands/{at}/{name}");
            whole_credits(band.from.micros(), &pointer("from"))?;
            if !(0..PARTS_OF_ONE).contains(&band.discount.parts()) {
                return Err(PricingError::at(pointer("discount"), Reason::OutOfRange("0", "99.9999")));
            }
            if before.is_some_and(|before| band.from <= before.from) {
                return Err(PricingError::at(pointer("from"), Reason::NotRising));
            }
            if before.is_some_and(|before| band.discount <= before.discount) {
                return Err(PricingError::at(pointer("discount"), Reason::NotRising));
            }
            before = Some(band);
        }
        Ok(())
    }

    /// From how many whole credits on, and the price of one of them in micro-units; at par from 1 on.
    pub fn rates(&self) -> Vec<(u64, i64)> {
        let whole = |amount: Amount| amount.micros().get().unsigned_abs() / MICROS_PER_UNIT.unsigned_abs();
        let bands = self.bands.iter().map(|band| (whole(band.from), PARTS_OF_ONE - band.discount.parts()));
        let par = (self.bands.first().is_none_or(|band| whole(band.from) > 1)).then_some((1, PARTS_OF_ONE));
        par.into_iter().chain(bands).collect()
    }

    /// The price of `credits` whole credits, exactly.
    ///
    /// # Errors
    /// [`Unavailable::Overflow`].
    pub fn price(&self, credits: u64) -> Result<Micros, Unavailable> {
        let rate = self.rates().into_iter().rev().find(|(from, _)| *from <= credits).map_or(PARTS_OF_ONE, |(_, rate)| rate);
        let price = i64::try_from(credits).ok().and_then(|credits| credits.checked_mul(rate));
        price.map(Micros::new).ok_or(Unavailable::Overflow)
    }

    /// What buying `credits` loose credits comes to. They do not expire.
    ///
    /// # Errors
    /// [`Unavailable::Overflow`].
    pub fn bought(&self, credits: u64, book_version: i64) -> Result<Purchased, Unavailable> {
        Ok(Purchased {
            package_id: None,
            name: None,
            quantity: 1,
            credits: credit(credits)?,
            bonus: Micros::ZERO,
            price: self.price(credits)?,
            lot_id: None,
            expires_at: None,
            max_per_account: None,
            book_version,
        })
    }
}

/// What one credit costs, for showing: rounded half to even to micro-units.
pub fn price_per_credit(price: Micros, credits: Micros) -> Micros {
    if credits.get() <= 0 {
        return Micros::ZERO;
    }
    let exact = i128::from(price.get()) * i128::from(MICROS_PER_UNIT);
    Micros::new(i64::try_from(div_half_even(exact, i128::from(credits.get()))).unwrap_or(i64::MAX))
}

/// Whole credits as micro-units.
///
/// # Errors
/// [`Overflow`].
pub fn credit(whole: u64) -> Result<Micros, Overflow> {
    let micros = i64::try_from(whole).ok().and_then(|whole| whole.checked_mul(MICROS_PER_UNIT));
    micros.map(Micros::new).ok_or(Overflow)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    pub(crate) fn package(n: u128, credits: i64, bonus: i64, price: &str) -> Package {
        let micros = |units: i64| serde_json::from_value(serde_json::json!(format!("{units}"))).expect("an amount");
        Package {
            id: PackageId::from_uuid(Uuid::from_u128(n)),
            name: Name::parse("Package").expect("a name"),
            credits: Amount::new(Micros::new(credits * MICROS_PER_UNIT)).expect("positive"),
            bonus: micros(bonus),
            price: serde_json::from_value(serde_json::json!(price)).expect("a price"),
            currency: "USD".parse().expect("a currency"),
            valid_days: None,
            available_from: None,
            available_until: None,
            max_per_account: None,
            retired_at: None,
            created_at: at(100),
        }
    }

    pub(crate) fn bulk(bands: &[(i64, &str)]) -> BulkTable {
        let band = |(from, discount): &(i64, &str)| BulkBand {
            from: Amount::new(Micros::new(from * MICROS_PER_UNIT)).expect("positive"),
            discount: discount.parse().expect("a percentage"),
        };
        BulkTable { bands: bands.iter().map(band).collect() }
    }

    #[test]
    fn a_package_is_refused_at_the_part_that_is_wrong() {
        let good = || package(1, 100, 5, "90");
        let cases: Vec<(&str, Package)> = vec![
            ("/credits", Package { credits: "1.5".parse().expect("an amount"), ..good() }),
            ("/credits", Package { credits: "1000000001".parse().expect("an amount"), ..good() }),
            ("/bonus", Package { bonus: serde_json::from_value(serde_json::json!("0.5")).expect("an amount"), ..good() }),
            ("/valid_days", Package { valid_days: Some(0), ..good() }),
            ("/valid_days", Package { valid_days: Some(3651), ..good() }),
            ("/max_per_account", Package { max_per_account: Some(0), ..good() }),
            ("/max_per_account", package(1, 100, 0, "0")),
            ("/available_until", Package { available_until: Some(at(100)), ..good() }),
            ("/available_until", Package { available_from: Some(at(300)), available_until: Some(at(300)), ..good() }),
        ];
        for (pointer, package) in cases {
            assert_eq!(package.validate().map_err(|error| error.pointer), Err(pointer.to_owned()), "{package:?}");
        }
        assert_eq!(good().validate(), Ok(()));
        assert_eq!(Package { max_per_account: Some(1), ..package(1, 100, 0, "0") }.validate(), Ok(()));
    }

    #[test]
    fn a_package_is_on_sale_in_its_time_until_it_is_retired() {
        let window = Package { available_from: Some(at(200)), available_until: Some(at(300)), ..package(1, 100, 5, "90") };
        let seen = [100, 199, 200, 299, 300].map(|second| window.sale(at(second)));
        assert_eq!(seen, [Sale::Upcoming, Sale::Upcoming, Sale::OnSale, Sale::OnSale, Sale::Ended]);
        let mut book = vec![window];
        let id = book[0].id.clone();
        let retired = retire_package(&mut book, &id, at(250)).expect("it is there");
        assert_eq!((retired.sale(at(250)), retired.retired_at), (Sale::Retired, Some(at(250))));
        assert_eq!(retire_package(&mut book, &id, at(260)).expect("again").retired_at, Some(at(250)));
        assert!(retire_package(&mut book, &PackageId::from_uuid(Uuid::from_u128(9)), at(260)).is_err());
    }

    #[test]
    fn a_purchase_comes_to_quantity_times_the_package_and_expires_by_its_days() {
        let offer = Package { valid_days: Some(30), max_per_account: Some(9), ..package(1, 100, 5, "90.10") };
        let lot = LotId::from_uuid(Uuid::from_u128(7));
        let bought = offer.bought(3, lot.clone(), 4, at(1_000)).expect("on sale");
        assert_eq!((bought.credits, bought.bonus), (Micros::new(300_000_000), Micros::new(15_000_000)));
        assert_eq!((bought.price, bought.quantity, bought.book_version), (Micros::new(270_300_000), 3, 4));
        assert_eq!((bought.lot_id, bought.expires_at), (Some(lot.clone()), Some(at(1_000 + 30 * 86_400))));
        let forever = package(1, 100, 5, "90").bought(1, lot.clone(), 1, at(1_000)).expect("on sale");
        assert_eq!((forever.lot_id, forever.expires_at), (None, None));
        let dear = package(1, 100, 0, "1000000000000").bought(100, lot, 1, at(1_000));
        assert_eq!(dear, Err(Unavailable::Overflow));
    }

    #[test]
    fn there_are_fifty_on_sale_and_the_oldest_that_are_over_leave() {
        let mut book = Vec::new();
        for n in 0..MAX_ON_SALE {
            append_package(&mut book, package(n as u128, 100, 0, "1"), at(100)).expect("room");
        }
        let refused = append_package(&mut book, package(99, 100, 0, "1"), at(100)).map_err(|error| error.reason);
        assert_eq!(refused, Err(Reason::TooMany(MAX_ON_SALE)));
        for n in 0..400_u128 {
            let oldest = book.iter().find(|package| package.retired_at.is_none()).expect("one on sale").id.clone();
            retire_package(&mut book, &oldest, at(200)).expect("it is there");
            append_package(&mut book, package(1_000 + n, 100, 0, "1"), at(200)).expect("room again");
        }
        assert_eq!(book.len(), MAX_ON_SALE + MAX_OVER);
        assert_eq!(book.iter().filter(|package| package.retired_at.is_none()).count(), MAX_ON_SALE);
    }

    #[test]
    fn loose_credits_cost_what_the_band_says_on_all_of_them() {
        let table = bulk(&[(1_000, "5"), (10_000, "12.5")]);
        let price = |credits| table.price(credits).expect("in range").to_string();
        assert_eq!([999, 1_000, 9_999, 10_000].map(price), ["999.000000", "950.000000", "9499.050000", "8750.000000"]);
        assert_eq!(BulkTable::default().price(7).map(|price| price.to_string()), Ok("7.000000".to_owned()));
        assert_eq!(bulk(&[(1, "10")]).rates(), [(1, 900_000)]);
    }

    #[test]
    fn a_bulk_table_must_rise() {
        let refused = |bands: &[(i64, &str)]| bulk(bands).validate().map_err(|error| error.pointer);
        assert_eq!(refused(&[(10, "1"), (10, "2")]), Err("/bands/1/from".to_owned()));
        assert_eq!(refused(&[(10, "2"), (20, "2")]), Err("/bands/1/discount".to_owned()));
        assert_eq!(refused(&[(10, "100")]), Err("/bands/0/discount".to_owned()));
        assert_eq!(refused(&[(10, "-1")]), Err("/bands/0/discount".to_owned()));
        let many: Vec<(i64, String)> = (1..=21).map(|n| (n, n.to_string())).collect();
        let many: Vec<(i64, &str)> = many.iter().map(|(from, discount)| (*from, discount.as_str())).collect();
        assert_eq!(refused(&many), Err("/bands".to_owned()));
        assert_eq!(refused(&[]), Ok(()));
    }
}
