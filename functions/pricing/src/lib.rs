//! The pricing function: meters, rate cards, markups, promotions, tiers and packages, and what they come to.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod cards;
pub mod levels;
pub mod markups;
pub mod meters;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod packages;
pub mod promotions;
pub mod quote;
pub mod resolve;
pub mod shelf;
pub mod tiers;
pub mod validity;
pub mod views;
pub mod what_if;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    [rules(), promotion_endpoints(), prices(), packages::endpoints()].concat()
}

fn rules() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/pricing/meters", "create_meter", Needs(Right::PricingManage), Accepted, meters::create, "Make a meter"),
        endpoint!(GET "/reseller/pricing/meters", "list_meters", Needs(Right::PricingRead), Unused, meters::list, "List the meters that an account can use"),
        endpoint!(PUT "/reseller/pricing/meters/{key}", "update_meter", Needs(Right::PricingManage), Unused, meters::update, "Change a meter"),
        endpoint!(GET "/reseller/pricing/tiers", "get_tiers", Needs(Right::PricingRead), Unused, tiers::get, "Volume tiers, and where an account stands in them"),
        endpoint!(PUT "/reseller/pricing/tiers", "put_tiers", Needs(Right::PricingManage), Unused, tiers::put, "Set the volume tiers of direct resellers"),
        endpoint!(POST "/reseller/pricing/rate-cards", "create_rate_card", Needs(Right::PricingManage), Accepted, cards::create, "Set a price from a day on"),
        endpoint!(GET "/reseller/pricing/rate-cards", "list_rate_cards", Needs(Right::PricingRead), Unused, cards::list, "List a seller's prices, all versions of them"),
        endpoint!(DELETE "/reseller/pricing/rate-cards/{id}", "withdraw_rate_card", Needs(Right::PricingManage), Unused, cards::withdraw, "Take back a price that is not in force yet").with_query(),
        endpoint!(POST "/reseller/pricing/markups", "create_markup", Needs(Right::PricingManage), Accepted, markups::create, "Add something to the cost from a day on"),
        endpoint!(GET "/reseller/pricing/markups", "list_markups", Needs(Right::PricingRead), Unused, markups::list, "List a seller's markups, all versions of them"),
    ]
}

fn promotion_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/pricing/promotions", "create_promotion", Needs(Right::PricingManage), Accepted, promotions::create, "Take something off for a time"),
        endpoint!(GET "/reseller/pricing/promotions", "list_promotions", Needs(Right::PricingRead), Unused, promotions::list, "List the promotions that an account gives"),
        endpoint!(POST "/reseller/pricing/promotions/{id}/end", "end_promotion", Needs(Right::PricingManage), Unused, promotions::end, "End a promotion before its time"),
        endpoint!(POST "/reseller/pricing/promotions/redeem", "redeem_promotion", Needs(Right::PricingManage), Accepted, promotions::redeem, "Redeem the code of a promotion"),
    ]
}

fn prices() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/pricing/quote", "quote_price", Needs(Right::PricingRead), Unused, quote::quote, "What a quantity would cost, and why"),
        endpoint!(GET "/reseller/pricing/resolve", "resolve_price", Needs(Right::PricingRead), Unused, resolve::get, "Which rules set an account's price, and why no others"),
        endpoint!(POST "/reseller/pricing/what-if", "price_what_if", Needs(Right::PricingRead), Unused, what_if::what_if, "What a past month would have brought under another price"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
