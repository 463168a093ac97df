//! Packages of credit: what a seller offers its direct sub-accounts, and the cheapest way to buy it.

use jiff::Timestamp;
use serde::Serialize;
use tributary_api::endpoint::Access::Right as Needs;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Endpoint, Problem, endpoint};
use tributary_domain::account::Account;
use tributary_domain::id::{AccountId, PackageId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::pricing::number::Percent;
use tributary_domain::pricing::package::{BulkTable, Package, Sale};
use tributary_domain::rights::Right;
use tributary_domain::text::Name;

use crate::shelf;

pub mod bulk;
pub mod catalogue;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod quote;

/// The routes of packages.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/pricing/packages", "create_package", Needs(Right::PricingManage), Accepted, catalogue::create, "Offer a package of credit"),
        endpoint!(GET "/reseller/pricing/packages", "list_packages", Needs(Right::PricingRead), Unused, catalogue::list, "List the packages of a seller, or what an account may buy"),
        endpoint!(POST "/reseller/pricing/packages/{id}/retire", "retire_package", Needs(Right::PricingManage), Unused, catalogue::retire, "Take a package from sale for good"),
        endpoint!(PUT "/reseller/pricing/bulk-discounts", "put_bulk_discounts", Needs(Right::PricingManage), Unused, bulk::put, "Set what loose credits cost"),
        endpoint!(POST "/reseller/pricing/packages/quote", "quote_packages", Needs(Right::PricingRead), Unused, quote::quote, "The cheapest way to buy a number of credits"),
    ]
}

/// A package.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Package))]
pub struct PackageView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::PackageId))]
    pub id: PackageId,
    /// Who sells it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// The credits that are paid for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credits: Micros,
    /// The credits on top.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub bonus: Micros,
    /// What one costs.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// What one of its credits costs, the bonus counted in; rounded half to even.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price_per_credit: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// After how many days of 24 hours its credits expire, the bonus too; null: never.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub valid_days: Option<u32>,
    /// From when it can be bought; null: from the beginning.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub available_from: Option<Timestamp>,
    /// From when it cannot be bought any more; null: until it is retired.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub available_until: Option<Timestamp>,
    /// How many one account may buy in all; null: any number.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub max_per_account: Option<u32>,
    /// How many the account may still buy; only in what an account may buy, and there only of limited packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, nullable = false))]
    pub remaining: Option<u32>,
    /// Whether it can be bought now.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Sale))]
    pub status: Sale,
    /// When it was taken from sale; null if it was not.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub retired_at: Option<Timestamp>,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl PackageView {
    fn of(package: &Package, seller: &AccountId, remaining: Option<u32>, now: Timestamp) -> Self {
        Self {
            id: package.id.clone(),
            seller_id: seller.clone(),
            name: package.name.clone(),
            credits: package.credits.micros(),
            bonus: package.bonus.micros(),
            price: package.price.micros(),
            price_per_credit: package.price_per_credit(),
            currency: package.currency,
            valid_days: package.valid_days,
            available_from: package.available_from,
            available_until: package.available_until,
            max_per_account: package.max_per_account,
            remaining,
            status: package.sale(now),
            retired_at: package.retired_at,
            created_at: package.created_at,
        }
    }
}

/// A band of bulk discounts.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkBand))]
pub struct BandView {
    /// From how many credits on.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub from: Micros,
    /// Percent off, on all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Percent))]
    pub discount: Percent,
}

fn bands(table: Option<&BulkTable>) -> Option<Vec<BandView>> {
    let view = |table: &BulkTable| table.bands.iter().map(|band| BandView { from: band.from.micros(), discount: band.discount }).collect();
    table.map(view)
}

/// The account that would buy, and its parent, which would sell.
///
/// # Errors
/// `not_a_buyer` for the operator's account; `not_found`, `forbidden`.
async fn buyer(call: &Call, id: Option<AccountId>, pointer: &str) -> Result<(Account, AccountId), Problem> {
    let buyer = shelf::account(call, id, Right::PricingRead).await?;
    match buyer.lineage.parent().cloned() {
        Some(seller) => Ok((buyer, seller)),
        None => Err(shelf::not_a_buyer(pointer, "is the operator's account, which has nobody to buy from")),
    }
}
