//! A seller's packages: made, listed, retired.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, PackageId};
use tributary_domain::money::{Allowance, Amount, Currency};
use tributary_domain::pricing::package::{Package, Sale, append_package, retire_package};
use tributary_domain::rights::Right;
use tributary_domain::text::Name;
use tributary_store::books::BookEdit;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;

use super::{BandView, PackageView, bands, buyer};
use crate::shelf;

/// The request to offer a package.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatePackage {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// The credits that are paid for: whole, 1 to 1000000000.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::WholeCredits))]
    pub credits: Amount,
    /// The credits on top: whole; none unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::WholeBonus>))]
    pub bonus: Option<Allowance>,
    /// What one costs. Only a package with `max_per_account` may cost nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Allowance))]
    pub price: Allowance,
    /// The seller's currency, which is the only one; it may be left out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>))]
    pub currency: Option<Currency>,
    /// After how many days of 24 hours its credits expire, the bonus too: 1 to 3650; never without it.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    pub valid_days: Option<u32>,
    /// From when it can be bought; now unless said otherwise.
    #[serde(default, deserialize_with = "tributary_api::time::read_or_null")]
    pub available_from: Option<Timestamp>,
    /// From when it cannot be bought any more: later than now and than `available_from`.
    pub available_until: Option<Timestamp>,
    /// How many one account may buy in all: 1 to 10000; any number without it.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10000))]
    pub max_per_account: Option<u32>,
    /// Who sells it; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
}

/// The request to take a package from sale.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetirePackage {
    /// Who sells it; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub seller_id: Option<AccountId>,
}

/// A catalogue.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Packages))]
pub struct PackagesView {
    /// Who may buy them; null in a seller's own catalogue.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub account_id: Option<AccountId>,
    /// Who sells.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The packages, oldest first; at most 200.
    pub packages: Vec<PackageView>,
    /// The discounts on loose credits, which cost one unit each without one; null: no loose credits are sold.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub bulk_discounts: Option<Vec<BandView>>,
}

fn drafted(call: &Call, seller: &Account, request: CreatePackage) -> Result<Package, Problem> {
    let now = call.app.now();
    let currency = shelf::currency(request.currency.or(Some(seller.currency)), seller, Some(seller))?;
    let package = Package {
        id: PackageId::from_uuid(call.app.uuid()),
        name: request.name,
        credits: request.credits,
        bonus: request.bonus.unwrap_or_default(),
        price: request.price,
        currency,
        valid_days: request.valid_days,
        available_from: request.available_from,
        available_until: request.available_until,
        max_per_account: request.max_per_account,
        retired_at: None,
        created_at: now,
    };
    package.validate().map_err(StoreError::from)?;
    Ok(package)
}

/// Offers a package to all direct sub-accounts of a seller.
///
/// # Errors
/// `parent_is_customer` for a seller that is a customer, `currency_mismatch`, `limit_reached`, `validation_failed`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreatePackage = call.body()?;
    let seller = shelf::seller(&call, request.seller_id.clone(), Right::PricingManage).await?;
    let package = drafted(&call, &seller, request)?;
    let now = package.created_at;
    let made = shelf::edit(&call, &seller.id, None, scope.as_ref(), |book, _| {
        append_package(&mut book.packages, package.clone(), now)?;
        let detail = json!({ "package_id": package.id, "name": package.name });
        Ok(BookEdit { answer: package.clone(), kind: RecordKind::PackageCreated, detail })
    });
    let made = made.await?;
    let replayed = matches!(made, Outcome::Replayed(_));
    let package = made.into_inner();
    let view = PackageView::of(&package, &seller.id, None, package.created_at);
    Ok(Reply::created(&view)?.location(&format!("/reseller/pricing/packages?seller_id={}", seller.id)).replayed(replayed))
}

/// A seller's own catalogue, or with `account_id` what that account may buy from its parent now.
///
/// # Errors
/// `not_a_buyer` for the operator's account, `not_found`, `forbidden`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (seller, account) = (params.parsed::<AccountId>("seller_id")?, params.parsed::<AccountId>("account_id")?);
    params.done()?;
    if seller.is_some() && account.is_some() {
        return Err(Problem::field("/query/account_id", "cannot be given with seller_id"));
    }
    let now = call.app.now();
    let Some(account) = account else {
        let seller = shelf::account(&call, seller, Right::PricingRead).await?;
        let book = call.store().book(&seller.id).await?;
        let packages = book.packages.iter().map(|package| PackageView::of(package, &seller.id, None, now)).collect();
        let view = PackagesView { account_id: None, packages, bulk_discounts: bands(book.bulk.as_ref()), seller_id: seller.id };
        return Ok(Reply::ok(&view)?.etag(book.version));
    };
    let (buyer, seller) = buyer(&call, Some(account), "/query/account_id").await?;
    let (book, bought) = (call.store().book(&seller).await?, call.store().bought(&buyer.id).await?);
    let on_sale = book.packages.iter().filter(|package| package.sale(now) == Sale::OnSale);
    let packages = on_sale.map(|package| PackageView::of(package, &seller, package.remaining(&bought), now)).collect();
    let (account_id, bulk_discounts) = (Some(buyer.id), bands(book.bulk.as_ref()));
    Ok(Reply::ok(&PackagesView { account_id, packages, bulk_discounts, seller_id: seller })?.etag(book.version))
}

/// Takes a package from sale for good: from the answer on nobody buys it. One that was retired stays as it is.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn retire(call: Call) -> Result<Reply, Problem> {
    let request: RetirePackage = call.body_or_default()?;
    let seller = shelf::account(&call, request.seller_id, Right::PricingManage).await?;
    let (id, now): (PackageId, _) = (call.id("id")?, call.app.now());
    let retired = shelf::edit(&call, &seller.id, None, None, |book, _| {
        let package = retire_package(&mut book.packages, &id, now)?;
        Ok(BookEdit { answer: package, kind: RecordKind::PackageRetired, detail: json!({ "package_id": id }) })
    });
    Reply::ok(&PackageView::of(&retired.await?.into_inner(), &seller.id, None, now))
}
