//! The credits function: moving, holding and looking at credit.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod allocate;
pub mod auto_topup;
pub mod balance;
pub mod by_card;
pub mod history;
pub mod holds;
pub mod issue;
pub mod lots;
pub mod moving;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod purchase;
pub mod reverse;
pub mod transfer;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/credits/issue", "issue_credits", Needs(Right::CreditsIssue), Required, issue::issue, "Bring credit into being (operator only)"),
        endpoint!(POST "/reseller/credits/allocate", "allocate_credits", Needs(Right::CreditsAllocate), Required, allocate::allocate, "Move credit down the tree"),
        endpoint!(POST "/reseller/credits/transfer", "transfer_credits", Needs(Right::CreditsTransfer), Required, transfer::transfer, "Move credit between two accounts of the subtree"),
        endpoint!(POST "/reseller/credits/transfers", "transfer_credits_legs", Needs(Right::CreditsTransfer), Required, transfer::legs, "Move credit in up to 40 legs, all or none"),
        endpoint!(GET "/reseller/credits/transfers/{id}", "get_transfer", Needs(Right::CreditsRead), Unused, transfer::get, "Get a transfer"),
        endpoint!(POST "/reseller/credits/transfers/{id}/reverse", "reverse_transfer", Needs(Right::CreditsReverse), Required, reverse::reverse, "Send a transfer back to where it came from"),
        endpoint!(GET "/reseller/credits/balance", "get_balance", Needs(Right::CreditsRead), Unused, balance::get, "An account's balance, and its subtree's"),
        endpoint!(GET "/reseller/credits/history", "get_history", Needs(Right::CreditsRead), Unused, history::get, "An account's ledger, newest first"),
        endpoint!(POST "/reseller/credits/purchase", "purchase_credits", Needs(Right::CreditsPurchase), Required, purchase::purchase, "Buy credit from the parent"),
        endpoint!(GET "/reseller/credits/lots", "get_lots", Needs(Right::CreditsRead), Unused, lots::get, "Which of an account's credit expires, and when"),
        endpoint!(GET "/reseller/credits/auto-topup", "get_auto_topup", Needs(Right::CreditsRead), Unused, auto_topup::get, "How an account tops itself up"),
        endpoint!(PUT "/reseller/credits/auto-topup", "put_auto_topup", Needs(Right::CreditsAllocate), Unused, auto_topup::put, "Let an account top itself up"),
        endpoint!(DELETE "/reseller/credits/auto-topup", "delete_auto_topup", Needs(Right::CreditsAllocate), Unused, auto_topup::delete, "No longer let an account top itself up").with_query(),
        endpoint!(GET "/reseller/credits/auto-topup/runs", "list_auto_topup_runs", Needs(Right::CreditsRead), Unused, auto_topup::runs, "What an account drew, newest first"),
        endpoint!(POST "/reseller/credits/holds", "create_hold", Needs(Right::CreditsHold), Required, holds::create::create, "Set credit aside"),
        endpoint!(GET "/reseller/credits/holds", "list_holds", Needs(Right::CreditsRead), Unused, holds::read::list, "List an account's holds"),
        endpoint!(GET "/reseller/credits/holds/{id}", "get_hold", Needs(Right::CreditsRead), Unused, holds::read::get, "Get a hold"),
        endpoint!(POST "/reseller/credits/holds/{id}/capture", "capture_hold", Needs(Right::CreditsHold), Required, holds::end::capture, "Spend all or part of a hold"),
        endpoint!(POST "/reseller/credits/holds/{id}/release", "release_hold", Needs(Right::CreditsHold), Required, holds::end::release, "Set a hold's credit free"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
