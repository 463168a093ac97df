//! What `docs/openapi.json` says of packages.

use serde_json::json;
use tributary_api::Code;
use tributary_api::openapi::rule::way;
use tributary_api::openapi::{Described, wire};

use super::PackageView;
use super::bulk::{BulkView, PutBulkDiscounts};
use super::catalogue::{CreatePackage, PackagesView, RetirePackage};
use super::quote::{QuotePackages, QuotedPackagesView};

/// Every operation of packages, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new(
            "create_package",
            "Packages",
            "Offers credit in a package to all direct sub-accounts of a seller. A package never changes; to change a price, retire it and make \
             another. 50 can be on sale at once.",
        )
        .takes::<CreatePackage>()
        .ruled::<CreatePackage>("anyOf", json!([way(&["max_per_account"], &[]), { "properties": { "price": { "pattern": "[1-9]" } } }]))
        .creates::<PackageView>("The package.")
        .refuses(&[Code::AccountClosed, Code::LimitReached, Code::ParentIsCustomer, Code::CurrencyMismatch]),
        Described::new(
            "list_packages",
            "Packages",
            "A seller's packages, those that are over too, and its discounts on loose credits. With `account_id` instead: what that account may \
             buy from its parent now.",
        )
        .query::<wire::AccountId>("seller_id", "The seller; your own account unless you name another.")
        .query::<wire::AccountId>("account_id", "The buyer; not with `seller_id`.")
        .answers::<PackagesView>("The packages. The `ETag` is the version of the seller's book.")
        .tagged()
        .refuses(&[Code::NotABuyer]),
        Described::new(
            "retire_package",
            "Packages",
            "Takes a package from sale for good: from the answer on nobody buys it. What was bought stays.",
        )
        .may_take::<RetirePackage>()
        .answers::<PackageView>("The package.")
        .refuses(&[Code::AccountClosed, Code::LimitReached]),
        Described::new(
            "put_bulk_discounts",
            "Packages",
            "Sets what loose credits cost the direct sub-accounts of a seller: one unit of its currency each, less the discount of the last band \
             that begins at or below the number bought. `null` sells none.",
        )
        .takes::<PutBulkDiscounts>()
        .answers::<BulkView>("The discounts as they are now.")
        .edits()
        .refuses(&[Code::AccountClosed, Code::LimitReached, Code::ParentIsCustomer]),
        Described::new(
            "quote_packages",
            "Packages",
            "The cheapest way for an account to come to at least so many credits, bonus counted in: packages of its parent, as many of each as it \
             may still buy, and loose credits. It is exact. Of equal prices the way with most credits is named, then that with fewest \
             packages, then that whose first credits to expire do so latest. At most 100 of a package go into one purchase.",
        )
        .takes::<QuotePackages>()
        .answers::<QuotedPackagesView>("The cheapest way, and two others beside it.")
        .refuses(&[Code::PackageUnavailable, Code::LimitReached, Code::NotABuyer, Code::BalanceOutOfRange]),
    ]
}
