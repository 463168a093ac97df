//! What `docs/openapi.json` says of this function's operations.

use serde_json::{Value, json};
use tributary_api::Code;
use tributary_api::openapi::rule::{either, way};
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::cards::{CreateRateCard, RateCardView};
use crate::markups::{CreateMarkup, MarkupView};
use crate::meters::{CreateMeter, MeterView, UpdateMeter};
use crate::promotions::{CreatePromotion, EndPromotion, PromotionView, RedeemCode, RedemptionView, Wanted};
use crate::quote::{Quote, QuotedView};
use crate::resolve::ResolvedView;
use crate::tiers::{PutTiers, TiersView};
use crate::what_if::{DraftMarkup, WhatIf, WhatIfView};

/// What every change of a book may refuse.
const EDIT: &[Code] = &[Code::AccountClosed, Code::LimitReached];
/// What every new price may refuse beside it.
const PRICE: &[Code] = &[Code::ParentIsCustomer, Code::NotABuyer, Code::CurrencyMismatch, Code::UnknownMeter, Code::PriceBackdated];

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [meters(), tiers(), cards(), markups(), promotions(), prices(), crate::packages::openapi::operations()].concat()
}

/// Dimensions are named once, and a `unique` meter, and no other, names the one whose values it counts.
fn new_meter() -> Value {
    let mut unique = way(&["unique_by"], &[]);
    unique["properties"]["aggregation"] = json!({ "const": "unique" });
    let mut other = way(&[], &["unique_by"]);
    other["properties"]["aggregation"] = json!({ "enum": ["sum", "count", "max"] });
    json!([{ "properties": { "dimensions": { "uniqueItems": true } } }, { "oneOf": [unique, other] }])
}

/// Dimensions are named once, and something is changed.
fn changed_meter() -> Value {
    let something = ["name", "unit", "dimensions", "counts_to_tier"].map(|name| way(&[name], &[]));
    json!([{ "properties": { "dimensions": { "uniqueItems": true } } }, { "anyOf": something }])
}

/// One of three is added; what is for one account is not inherited; below zero needs `allow_loss`.
fn new_markup() -> Value {
    let kind = |given: &[&str], left_out: &[&str], end: bool| {
        let mut kind = way(given, left_out);
        kind["properties"]["end"] = json!({ "const": end });
        kind
    };
    let kinds = [
        kind(&["percent"], &["fixed", "currency"], false),
        kind(&["fixed"], &["percent"], false),
        kind(&["end"], &["percent", "fixed", "currency"], true),
    ];
    let from_zero = json!({ "pattern": "^(-[0.]+$|[0-9])" });
    json!([
        { "oneOf": kinds },
        { "anyOf": [way(&[], &["account_id"]), { "properties": { "inherit": { "const": false } } }] },
        { "anyOf": [
            { "properties": { "percent": from_zero, "fixed": from_zero } },
            { "required": ["allow_loss"], "properties": { "allow_loss": { "const": true } } },
        ] },
    ])
}

fn meters() -> Vec<Described> {
    vec![
        Described::new(
            "create_meter",
            "Pricing",
            "Makes a meter: what is counted, for all accounts below its owner. Its key is unique in the account and above it.",
        )
        .takes::<CreateMeter>()
        .ruled::<CreateMeter>("allOf", new_meter())
        .creates::<MeterView>("The meter.")
        .refuses(EDIT)
        .refuses(&[Code::AlreadyExists, Code::ParentIsCustomer]),
        Described::new(
            "list_meters",
            "Pricing",
            "The meters that an account and those below it can use, by key: its own, and those from above.",
        )
        .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
        .paged()
        .answers::<PageView<MeterView>>("A page of meters. The `ETag` is the version of the account's own book.")
        .tagged(),
        Described::new(
            "update_meter",
            "Pricing",
            "Changes what the body names. Key, aggregation and `unique_by` never change: make another meter.",
        )
        .takes::<UpdateMeter>()
        .ruled::<UpdateMeter>("allOf", changed_meter())
        .answers::<MeterView>("The meter as it is now.")
        .edits()
        .refuses(EDIT),
    ]
}

fn tiers() -> Vec<Described> {
    vec![
        Described::new(
            "get_tiers",
            "Pricing",
            "The tiers that an account gives its direct resellers, and where it stands with its own seller: the volume of its subtree this month and last, \
             the tier in force (the higher of the two months'), how far the next one is, and what that would have saved.",
        )
        .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
        .answers::<TiersView>("The tiers.")
        .tagged(),
        Described::new(
            "put_tiers",
            "Pricing",
            "Sets the tiers that an account gives its direct resellers, all of them. They take part in every price from now on. `null` takes the account's own \
             table away: the operator then has the platform's, everybody else none.",
        )
        .takes::<PutTiers>()
        .answers::<TiersView>("The tiers as they are now.")
        .edits()
        .refuses(EDIT)
        .refuses(&[Code::ParentIsCustomer]),
    ]
}

fn cards() -> Vec<Described> {
    vec![
        Described::new(
            "create_rate_card",
            "Pricing",
            "Sets a seller's price of a meter from a day on, for all of its direct sub-accounts or for one. It is in force until the next one of the same meter, \
             currency and account begins. Prices already used never change: a new one begins now or later; only the first may begin up to 35 days ago. A price \
             under what the seller pays itself is refused unless `allow_loss` is set.",
        )
        .takes::<CreateRateCard>()
        .creates::<RateCardView>("The rate card.")
        .refuses(EDIT)
        .refuses(PRICE)
        .refuses(&[Code::UnderCost]),
        Described::new("list_rate_cards", "Pricing", "A seller's prices in all versions, by meter and time. Whoever buys from a seller does not see these.")
            .query::<wire::AccountId>("seller_id", "Whose prices; your own account's unless you name another.")
            .query::<wire::AccountId>("account_id", "Those for this direct sub-account alone, instead of those for all.")
            .query::<wire::MeterKey>("meter", "Those of this meter.")
            .time("at", "Those in force at this time.")
            .paged()
            .answers::<PageView<RateCardView>>("A page of rate cards.")
            .refuses(&[Code::NotABuyer]),
        Described::new("withdraw_rate_card", "Pricing", "Takes back a price that is not in force yet.")
            .query::<wire::AccountId>("seller_id", "Whose price; your own account's unless you name another.")
            .query::<wire::AccountId>("account_id", "The direct sub-account, of a price for one alone.")
            .answers::<RateCardView>("The rate card that was withdrawn.")
            .refuses(EDIT)
            .refuses(&[Code::PriceInForce, Code::NotABuyer]),
    ]
}

fn markups() -> Vec<Described> {
    vec![
        Described::new(
            "create_markup",
            "Pricing",
            "Adds something to what a seller pays itself, from a day on: a percentage or so much for each unit; for all meters or one, for all direct sub-accounts or \
             one. A card of the seller goes before a markup of the same reach. With `inherit`, sellers below that have neither card nor markup use it too.",
        )
        .takes::<CreateMarkup>()
        .ruled::<CreateMarkup>("allOf", new_markup())
        .creates::<MarkupView>("The markup.")
        .refuses(EDIT)
        .refuses(PRICE),
        Described::new("list_markups", "Pricing", "A seller's markups in all versions, by meter and time. Whoever buys from a seller does not see these.")
            .query::<wire::AccountId>("seller_id", "Whose markups; your own account's unless you name another.")
            .query::<wire::AccountId>("account_id", "Those for this direct sub-account alone, instead of those for all.")
            .query::<wire::MeterKey>("meter", "Those of this meter.")
            .time("at", "Those in force at this time.")
            .paged()
            .answers::<PageView<MarkupView>>("A page of markups.")
            .refuses(&[Code::NotABuyer]),
    ]
}

fn promotions() -> Vec<Described> {
    vec![
        Described::new(
            "create_promotion",
            "Pricing",
            "Takes something off for a time, for all accounts below the seller or for a part of them. Of several that fit an event, the one that takes most off counts. \
             Borne by its `owner`, it leaves all margins below whole; borne by the `seller`, it is off the using account's price alone.",
        )
        .takes::<CreatePromotion>()
        .ruled::<CreatePromotion>("oneOf", either("percent", "fixed"))
        .creates::<PromotionView>("The promotion.")
        .refuses(EDIT)
        .refuses(PRICE)
        .refuses(&[Code::AlreadyExists]),
        Described::new("list_promotions", "Pricing", "The promotions that an account gives, newest first.")
            .query::<wire::AccountId>("seller_id", "Whose promotions; your own account's unless you name another.")
            .query::<Wanted>("status", "Those of this state.")
            .paged()
            .answers::<PageView<PromotionView>>("A page of promotions."),
        Described::new("end_promotion", "Pricing", "Ends a promotion now, before its time. What it gave stays given.")
            .may_take::<EndPromotion>()
            .answers::<PromotionView>("The promotion.")
            .refuses(EDIT)
            .refuses(&[Code::Conflict]),
        Described::new(
            "redeem_promotion",
            "Pricing",
            "Redeems the code of a promotion that an account further up gives, for an account and all below it. A code of nothing answers `not_found`.",
        )
        .takes::<RedeemCode>()
        .answers::<RedemptionView>("What the code brings.")
        .refuses(EDIT)
        .refuses(&[Code::AlreadyExists]),
    ]
}

fn prices() -> Vec<Described> {
    vec![
        Described::new(
            "quote_price",
            "Pricing",
            "What a quantity would cost an account, from where it stands in its month: one meter, or up to 100 lines one after another. Nothing changes. You see each \
             sale of your own account and of those below it with its rule, tier, promotion, cost and margin; of what you buy yourself, the price.",
        )
        .takes::<Quote>()
        .ruled::<Quote>("oneOf", json!([way(&["meter", "quantity"], &["lines"]), way(&["lines"], &["meter", "quantity"])]))
        .answers::<QuotedView>("The quote.")
        .refuses(&[Code::UnknownMeter, Code::NoPrice, Code::NotABuyer, Code::UnderCost]),
        Described::new(
            "resolve_price",
            "Pricing",
            "Which rule sets the price of a meter at each sale that you see, with every rule that was looked at and why it did not apply.",
        )
        .query::<wire::AccountId>("account_id", "The using account; your own unless you name another.")
        .needs::<wire::MeterKey>("meter", "The meter.")
        .time("at", "When; now unless you name a time.")
        .answers::<ResolvedView>("The rules.")
        .refuses(&[Code::UnknownMeter, Code::NoPrice, Code::NotABuyer]),
        Described::new(
            "price_what_if",
            "Pricing",
            "Prices a seller's sales of a month anew under a card or a markup that is only tried, and compares: revenue, cost and margin, by meter and by direct \
             sub-account. Nothing changes. What the seller pays itself, tiers and the amounts of promotions stay as they were. At most 100,000 events.",
        )
        .takes::<WhatIf>()
        .ruled::<WhatIf>("oneOf", either("card", "markup"))
        .ruled::<DraftMarkup>("oneOf", either("percent", "fixed"))
        .answers::<WhatIfView>("The comparison.")
        .refuses(&[Code::UnknownMeter, Code::NotABuyer, Code::CurrencyMismatch, Code::ParentIsCustomer, Code::LimitReached]),
    ]
}
