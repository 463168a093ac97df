//! `POST /reseller/pricing/packages/quote`: the cheapest way to buy at least a number of credits from the parent.

use serde::{Deserialize, Serialize};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::id::{AccountId, PackageId};
use tributary_domain::money::{Amount, Currency, Micros, Overflow};
use tributary_domain::pricing::cheapest::{Budget, Found, Item, NoQuote, cheapest};
use tributary_domain::pricing::package::{BulkTable, Package, Sale, Unavailable, credit, price_per_credit, whole_credits};
use tributary_domain::text::Name;
use tributary_store::error::StoreError;

use super::buyer;

/// The question.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotePackages {
    /// At least so many credits are wanted, bonus counted in: whole, 1 to 1000000000.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::WholeCredits))]
    pub credits: Amount,
    /// Who would buy; your own account unless you name another of your subtree.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
}

/// One thing to buy.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PackageQuotePart))]
pub struct PartView {
    /// The package; null for loose credits.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::PackageId>, required))]
    pub package_id: Option<PackageId>,
    /// Its name; null for loose credits.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub name: Option<Name>,
    /// How many of it; 1 for loose credits.
    pub quantity: u64,
    /// The credits that are paid for, of all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credits: Micros,
    /// The credits on top, of all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub bonus: Micros,
    /// The price of all together.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// After how many days they expire; null: never.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub valid_days: Option<u32>,
}

/// A way to buy.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PackageOffer))]
pub struct OfferView {
    /// What to buy, each by a purchase of its own.
    pub parts: Vec<PartView>,
    /// The credits that are paid for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credits: Micros,
    /// The credits on top.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub bonus: Micros,
    /// The price of all.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price: Micros,
    /// What one credit costs, bonus counted in; rounded half to even.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub price_per_credit: Micros,
    /// What credits and bonus would cost at one unit each, less the price; below zero if this is dearer.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub saving: Micros,
}

/// What else was looked at.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PackageAlternatives))]
pub struct AlternativesView {
    /// The cheapest with one kind of package alone; null if none comes to as many credits.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub one_package: Option<OfferView>,
    /// Loose credits alone; null if none are sold.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub loose: Option<OfferView>,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PackageQuote))]
pub struct QuotedPackagesView {
    /// Who would buy.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who would sell: its parent.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The credits that were asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub wanted: Micros,
    /// In which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// The cheapest way.
    #[serde(flatten)]
    pub offer: OfferView,
    /// What else was looked at.
    pub alternatives: AlternativesView,
}

/// Names the cheapest way to buy: exactly the cheapest, by [`cheapest`].
///
/// # Errors
/// `package_unavailable` if not as many can be bought, `limit_reached` if the packages are too fine for it, `not_a_buyer`,
/// `not_found`, `forbidden`.
pub async fn quote(call: Call) -> Result<Reply, Problem> {
    let request: QuotePackages = call.body()?;
    let wanted = whole_credits(request.credits.micros(), "/credits").map_err(StoreError::from)?;
    let (buyer, seller) = buyer(&call, request.account_id, "/account_id").await?;
    let (book, bought) = (call.store().book(&seller).await?, call.store().bought(&buyer.id).await?);
    let now = call.app.now();
    let on_sale = |package: &&Package| package.sale(now) == Sale::OnSale && package.currency == buyer.currency;
    let packages: Vec<&Package> = book.packages.iter().filter(on_sale).collect();
    let items: Vec<Item> = packages.iter().map(|package| package.item(&bought)).collect();
    let rates = book.bulk.as_ref().map(BulkTable::rates).unwrap_or_default();
    let best = cheapest(&items, &rates, wanted, Budget::default()).map_err(refused)?;
    let one = items.iter().enumerate().filter_map(|(at, item)| {
        let only: Vec<Item> =
            items.iter().enumerate().map(|(other, each)| Item { left: if other == at { item.left } else { Some(0) }, ..*each }).collect();
        cheapest(&only, &[], wanted, Budget::default()).ok()
    });
    let one = one.min_by_key(|found| (found.price, std::cmp::Reverse(found.credits)));
    let loose = cheapest(&[], &rates, wanted, Budget::default()).ok();
    let show = |found: &Found| OfferView::of(found, &packages).map_err(|error| Problem::from(StoreError::from(Unavailable::from(error))));
    Reply::ok(&QuotedPackagesView {
        account_id: buyer.id.clone(),
        wanted: request.credits.micros(),
        currency: buyer.currency,
        offer: show(&best)?,
        alternatives: AlternativesView { one_package: one.as_ref().map(show).transpose()?, loose: loose.as_ref().map(show).transpose()? },
        seller_id: seller,
    })
}

fn refused(error: NoQuote) -> Problem {
    match error {
        NoQuote::TooFew => StoreError::from(Unavailable::TooFew).into(),
        NoQuote::TooFine => {
            let steps = Budget::default().steps;
            Problem::new(Code::LimitReached, format!("Too many combinations: {error}.")).with("limit", steps)
        }
    }
}

fn times(each: Micros, count: u64) -> Result<Micros, Overflow> {
    let product = i64::try_from(count).ok().and_then(|count| each.get().checked_mul(count));
    product.map(Micros::new).ok_or(Overflow)
}

impl OfferView {
    fn of(found: &Found, packages: &[&Package]) -> Result<Self, Overflow> {
        let (mut parts, mut price) = (Vec::new(), Micros::ZERO);
        let (mut credits, mut bonus) = (Micros::ZERO, Micros::ZERO);
        for (package, quantity) in packages.iter().zip(&found.counts).filter(|(_, quantity)| **quantity > 0) {
            let part = PartView {
                package_id: Some(package.id.clone()),
                name: Some(package.name.clone()),
                quantity: *quantity,
                credits: times(package.credits.micros(), *quantity)?,
                bonus: times(package.bonus.micros(), *quantity)?,
                price: times(package.price.micros(), *quantity)?,
                valid_days: package.valid_days,
            };
            (credits, bonus, price) = (credits.plus(part.credits)?, bonus.plus(part.bonus)?, price.plus(part.price)?);
            parts.push(part);
        }
        let total = Micros::new(found.price);
        if found.loose > 0 {
            let loose = credit(found.loose)?;
            credits = credits.plus(loose)?;
            let (package_id, name, valid_days, bonus) = (None, None, None, Micros::ZERO);
            parts.push(PartView { package_id, name, quantity: 1, credits: loose, bonus, price: total.minus(price)?, valid_days });
        }
        let all = credits.plus(bonus)?;
        Ok(Self { parts, credits, bonus, price: total, price_per_credit: price_per_credit(total, all), saving: all.minus(total)? })
    }
}
