//! What `docs/openapi.json` says of this function's operations.

use serde_json::json;
use tributary_api::Code;
use tributary_api::openapi::rule::way;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;
use tributary_domain::rights::Right;

use crate::allocate::Allocate;
use crate::auto_topup::{PutAutoTopup, RunView, TopupView};
use crate::by_card::PurchaseView;
use crate::holds::create::CreateHold;
use crate::holds::end::Capture;
use crate::issue::Issue;
use crate::purchase::Purchase;
use crate::reverse::Reverse;
use crate::transfer::{LegsBody, TransferBody};
use crate::views::{AnyTransferView, BalanceView, EntryView, FoundTransferView, HoldView, LegsView, LotsView, TransferView};

/// What every movement of credit may refuse.
const MOVEMENT: &[Code] = &[
    Code::InsufficientCredits,
    Code::AccountSuspended,
    Code::AccountClosed,
    Code::CurrencyMismatch,
    Code::SameAccount,
    Code::BalanceOutOfRange,
];

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [movements(), reads(), topups(), holds()].concat()
}

fn movements() -> Vec<Described> {
    vec![
        Described::new(
            "issue_credits",
            "Credits",
            "The one way credit comes into being. For the operator's own keys only; everybody else is refused with `forbidden`.",
        )
        .takes::<Issue>()
        .creates::<TransferView>("The movement, from `system.issued`.")
        .refuses(&[Code::AccountClosed, Code::BalanceOutOfRange]),
        Described::new(
            "allocate_credits",
            "Credits",
            "Moves credit from an account to one below it, at once and whole. `from` is your own account unless you name another of your subtree.",
        )
        .takes::<Allocate>()
        .creates::<TransferView>("The movement.")
        .refuses(MOVEMENT)
        .refuses(&[Code::NotBelow]),
        Described::new("transfer_credits", "Credits", "Moves credit between any two accounts of your subtree, at once and whole.")
            .takes::<TransferBody>()
            .creates::<TransferView>("The movement.")
            .refuses(MOVEMENT),
        Described::new(
            "transfer_credits_legs",
            "Credits",
            "Moves credit in up to 40 legs, in the order given. All of them happen, or none: what an earlier leg brings, a later one may spend.",
        )
        .takes::<LegsBody>()
        .creates::<LegsView>("The movement with its legs.")
        .refuses(MOVEMENT)
        .refuses(&[Code::TooManyBranches]),
        Described::new(
            "reverse_transfer",
            "Credits",
            "Sends an allocation, a transfer, a purchase or an issue back to where it came from, once and whole. If the receiver has spent it meanwhile, it is refused; so is a purchase that expires, of which any part was spent.",
        )
        .may_take::<Reverse>()
        .creates::<AnyTransferView>("The movement that sent it back; `reverses` names the first one.")
        .also(Right::CreditsIssue, "to reverse an issue")
        .refuses(MOVEMENT)
        .refuses(&[Code::AlreadyReversed, Code::Conflict, Code::TooManyBranches]),
        Described::new(
            "purchase_credits",
            "Credits",
            "Buys a package, or loose credits, from the account's parent: the credits come from what the parent has, the bonus too, at once and \
             whole. The price is on the account's next invoice. What the parent has left is not shown. With `pay_with` `card` the default card is charged first, and the \
             credits come once the money is there; where the parent has too little by then, the money goes back.",
        )
        .takes::<Purchase>()
        .ruled::<Purchase>("oneOf", json!([way(&["package_id"], &["credits"]), way(&["credits"], &["package_id", "quantity"])]))
        .creates::<PurchaseView>("The movement from the parent, with what was bought as `purchase`; with a card the payment, 202 while its outcome is not known.")
        .or_accepts()
        .refuses(&[
            Code::PackageUnavailable,
            Code::SellerOutOfCredit,
            Code::LimitReached,
            Code::AccountSuspended,
            Code::AccountClosed,
            Code::CurrencyMismatch,
            Code::Conflict,
            Code::BalanceOutOfRange,
        ]),
    ]
}

fn reads() -> Vec<Described> {
    vec![
        Described::new(
            "get_transfer",
            "Credits",
            "A transfer that touches an account you may see. Of the other accounts in it, neither legs nor balances are shown.",
        )
        .answers::<FoundTransferView>("The transfer."),
        Described::new(
            "get_balance",
            "Credits",
            "What an account has, and may spend. With `subtree`, the sums of everything below it too.",
        )
        .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
        .flag("subtree", "Sum up the subtree too. Accounts in other currencies than the root's are left out.")
        .answers::<BalanceView>("The balance.")
        .refuses(&[Code::LimitReached]),
        Described::new(
            "get_lots",
            "Credits",
            "Which of an account's credit expires: its lots in the order in which they are spent. Credit that does not expire is spent last.",
        )
        .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
        .answers::<LotsView>("The lots."),
        Described::new(
            "get_history",
            "Credits",
            "An account's ledger, newest first. Each entry carries the balance after it, so nothing can be missing unseen.",
        )
        .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
        .time("from", "Entries from this time on.")
        .time("to", "Entries before this time.")
        .query::<wire::EntryKind>("kind", "Entries of this kind.")
        .paged()
        .answers::<PageView<EntryView>>("A page of entries."),
    ]
}

fn topups() -> Vec<Described> {
    vec![
        Described::new("get_auto_topup", "Automatic topping up", "How an account tops itself up, and how that stands.")
            .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
            .answers::<TopupView>("It.")
            .tagged(),
        Described::new(
            "put_auto_topup",
            "Automatic topping up",
            "Draws credit whenever less than the threshold is available: from the parent, or by buying a package. Whoever draws on the parent's \
             credit needs the right over the parent: nobody opens the purse above their own account. What failed before is forgotten.",
        )
        .takes::<PutAutoTopup>()
        .answers::<TopupView>("It, as set.")
        .edits()
        .also(Right::CreditsPurchase, "to buy packages")
        .refuses(&[Code::CurrencyMismatch, Code::Conflict, Code::AccountClosed, Code::AccountSuspended]),
        Described::new("delete_auto_topup", "Automatic topping up", "No longer tops an account up. Its runs stay.")
            .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
            .answers::<TopupView>("It, as it was.")
            .edits()
            .refuses(&[Code::AccountClosed, Code::AccountSuspended]),
        Described::new("list_auto_topup_runs", "Automatic topping up", "What an account drew, and what it could not draw, newest first.")
            .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
            .paged()
            .answers::<PageView<RunView>>("A page of runs."),
    ]
}

fn holds() -> Vec<Described> {
    vec![
        Described::new(
            "create_hold",
            "Holds",
            "Sets credit aside for work that is charged when it succeeds. Held credit cannot be spent otherwise. What nobody captured before `expires_at` is set free by itself.",
        )
        .takes::<CreateHold>()
        .creates::<HoldView>("The hold.")
        .refuses(MOVEMENT),
        Described::new("list_holds", "Holds", "An account's holds, newest first.")
            .query::<wire::AccountId>("account_id", "The account; your own unless you name another.")
            .query::<wire::HoldStatus>("status", "Holds of this state.")
            .paged()
            .answers::<PageView<HoldView>>("A page of holds."),
        Described::new("get_hold", "Holds", "One hold.").answers::<HoldView>("The hold."),
        Described::new(
            "capture_hold",
            "Holds",
            "Spends all of a hold, or the part you name, and sets the rest free. A hold is captured once.",
        )
        .may_take::<Capture>()
        .answers::<HoldView>("The hold, with the movement's `transfer_id`.")
        .refuses(&[Code::HoldEnded, Code::HoldExpired, Code::HoldExceeded, Code::AccountSuspended, Code::AccountClosed, Code::BalanceOutOfRange]),
        Described::new("release_hold", "Holds", "Sets all of a hold's credit free. Send no body, or `{}`.")
            .answers::<HoldView>("The hold.")
            .refuses(&[Code::HoldEnded]),
    ]
}
