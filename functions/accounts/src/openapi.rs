//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::rule::either;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;
use tributary_domain::rights::Right;
use utoipa::ToSchema;

use crate::accounts::create::CreateAccount;
use crate::accounts::list::SortBy;
use crate::accounts::relocate::MoveAccount;
use crate::accounts::states::CloseAccount;
use crate::accounts::update::UpdateAccount;
use crate::brand::host::HostBody;
use crate::brand::logo::LogoBody;
use crate::brand::slug::SlugBody;
use crate::brand::view::BrandView;
use crate::denies::PutDeny;
use crate::keys::{CreateKey, RotateKey};
use crate::members::{AddMember, UpdateMember};
use crate::permissions::Permissions;
use crate::relationships::Relationships;
use crate::roles::{CreateRole, UpdateRole};
use crate::test_clocks::{AdvanceBody, ClockBody, ClockView};
use crate::views::{AccountView, KeyView, MemberView, RoleView};

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [accounts(), places(), brands(), keys(), members(), denies(), roles(), test_clocks()].concat()
}

fn test_clocks() -> Vec<Described> {
    vec![
        Described::new(
            "create_test_clock",
            "Test clocks",
            "Puts an account right below the operator, and what will be below it, on a clock of its own. Only the operator's keys, and only where keys \
             are test keys; the account must have nothing but its opening.",
        )
        .takes::<ClockBody>()
        .creates::<ClockView>("The clock.")
        .refuses(&[Code::Conflict, Code::LimitReached]),
        Described::new("list_test_clocks", "Test clocks", "All test clocks: twenty at most. Only the operator's keys.")
            .answers::<PageView<ClockView>>("The clocks.")
            .refuses(&[Code::Conflict]),
        Described::new("get_test_clock", "Test clocks", "A test clock: the time in its tree, and where it is on its way to. Only the operator's keys.")
            .answers::<ClockView>("The clock.")
            .refuses(&[Code::Conflict]),
        Described::new("delete_test_clock", "Test clocks", "Removes the clock of a tree whose root is closed. Only the operator's keys.")
            .answers::<ClockView>("The clock as it was.")
            .refuses(&[Code::Conflict]),
        Described::new(
            "advance_test_clock",
            "Test clocks",
            "Sends a clock on its way: `to` a time, or `by_days`. It is led from one moment to the next at which something is due in its tree, and at \
             each all is done that schedules do. At most 400 days at once, and ten years ahead in all. Only the operator's keys.",
        )
        .takes::<AdvanceBody>()
        .ruled::<AdvanceBody>("oneOf", either("to", "by_days"))
        .accepts::<ClockView>("The clock, on its way.")
        .refuses(&[Code::Conflict, Code::LimitReached]),
    ]
}

/// What may hold rights.
#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// An API key.
    Key,
    /// A person.
    Member,
}

/// Why a right is held or not.
#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Reason {
    /// The role carries it.
    Granted,
    /// The role does not carry it.
    NotInRole,
    /// It counts only for the operator's own keys and members.
    OperatorOnly,
    /// A deny took it away.
    Denied,
    /// The account is not below the role's.
    OutsideSubtree,
}

fn accounts() -> Vec<Described> {
    let suspended = "The account.";
    vec![
        Described::new(
            "create_account",
            "Accounts",
            "Makes an account below yours. `initial_credits` are moved from the parent in the same step, never minted, and then the `Idempotency-Key` must be given.",
        )
        .takes::<CreateAccount>()
        .creates::<AccountView>("The account.")
        .tagged()
        .also(Right::CreditsAllocate, "with `initial_credits`")
        .also(Right::CreditsLimit, "of the operator, with `credit_limit`")
        .also(Right::AccountsRead, "at the account that `clone_from` names")
        .refuses(&[
            Code::IdempotencyKeyMissing,
            Code::AccountExists,
            Code::TooDeep,
            Code::ParentIsCustomer,
            Code::AccountSuspended,
            Code::AccountClosed,
            Code::CurrencyMismatch,
            Code::BrandLocked,
            Code::InsufficientCredits,
            Code::BalanceOutOfRange,
        ]),
        Described::new("list_accounts", "Accounts", "Direct children, or with `subtree` everything below. What was denied to you is left out.")
            .query::<wire::AccountId>("parent_id", "Whose children; your own account's unless you name another.")
            .flag("subtree", "Everything below, not the direct children only.")
            .query::<wire::AccountStatus>("status", "Accounts whose own state is this.")
            .query::<wire::Kind>("kind", "Accounts of this kind.")
            .search("q", "Accounts whose name, external id or e-mail address has this in it, whatever the case.", 100)
            .query::<SortBy>("sort", "The order; `created_at` unless you name another.")
            .paged()
            .answers::<PageView<AccountView>>("A page of accounts.")
            .refuses(&[Code::LimitReached]),
        Described::new("get_account", "Accounts", "One account.").answers::<AccountView>("The account.").tagged(),
        Described::new(
            "update_account",
            "Accounts",
            "Changes what the body names and leaves the rest as it is. `null` empties `external_id` and `email`; `tags` and `settings` are replaced whole. \
             `credit_limit` is set from above only: nobody raises their own.",
        )
        .takes::<UpdateAccount>()
        .answers::<AccountView>("The account as it is now.")
        .edits()
        .also(Right::CreditsLimit, "of the operator, with `credit_limit`; alone, it is all that is needed")
        .refuses(&[Code::AccountExists, Code::AccountClosed, Code::BrandLocked]),
        Described::new(
            "suspend_account",
            "Accounts",
            "Suspends an account: from the answer on, nothing in its subtree can spend. Credit stays where it is. `reactivate` undoes it. Suspending twice is the same as once.",
        )
        .answers::<AccountView>(suspended)
        .edits()
        .from_above()
        .refuses(&[Code::AccountClosed, Code::Conflict]),
        Described::new("reactivate_account", "Accounts", "Undoes a suspension. Send no body, or `{}`.")
            .answers::<AccountView>(suspended)
            .edits()
            .from_above()
            .refuses(&[Code::AccountClosed, Code::Conflict]),
        Described::new(
            "close_account",
            "Accounts",
            "Ends an account for good. It must have no open sub-accounts and no credit; `sweep_to_parent` sends what is available to the parent in the same step. Its history stays.",
        )
        .may_take::<CloseAccount>()
        .answers::<AccountView>("The closed account.")
        .edits()
        .from_above()
        .refuses(&[Code::AccountHasCredit, Code::AccountHasChildren, Code::AccountClosed, Code::AccountSuspended, Code::Conflict]),
    ]
}

fn places() -> Vec<Described> {
    vec![
        Described::new(
            "move_account",
            "Accounts",
            "Puts an account, and everything below it, under another parent of your subtree, in one step. Credit and history stay; who may see it changes sides at once. A move by which you would gain a right that was denied to you is refused.",
        )
        .takes::<MoveAccount>()
        .answers::<AccountView>("The account in its new place.")
        .edits()
        .from_above()
        .also(Right::AccountsMove, "at the new parent")
        .refuses(&[
            Code::GrantExceedsOwn,
            Code::Cycle,
            Code::TooDeep,
            Code::ParentIsCustomer,
            Code::CurrencyMismatch,
            Code::AccountExists,
            Code::AccountSuspended,
            Code::AccountClosed,
            Code::Conflict,
        ]),
        Described::new(
            "get_relationships",
            "Accounts",
            "Where an account stands: its parent and ancestors as far as you may see them, a page of its children, its subtree in numbers, and its moves.",
        )
        .paged()
        .answers::<Relationships>("Where it stands. `limit` and `cursor` page through its children.")
        .refuses(&[Code::LimitReached]),
        Described::new(
            "get_permissions",
            "Roles",
            "The rights that a key or member holds at an account: your own key's unless you name another. With `explain`, which grant gave or withheld each right.",
        )
        .flag("explain", "Say of each right why it is held or not.")
        .query::<wire::KeyId>("key_id", "Another key.")
        .query::<wire::MemberId>("member_id", "A member; not together with `key_id`.")
        .answers::<Permissions>("The rights.")
        .also(Right::MembersRead, "to ask about others"),
    ]
}

fn brands() -> Vec<Described> {
    let after = "The brand as it is now.";
    vec![
        Described::new(
            "get_brand",
            "Brands",
            "What an account shows those that buy from it, which of it is its own, and what an account above locked. Whose the rest is, is not said.",
        )
        .answers::<BrandView>("The brand.")
        .tagged(),
        Described::new(
            "update_brand",
            "Brands",
            "Sets an account's own tokens, all of them: one that is left out is inherited. What an account above locked may stay as it is or be left out, \
             and not be set anew.",
        )
        .takes::<wire::BrandTokens>()
        .answers::<BrandView>(after)
        .edits()
        .refuses(&[Code::BrandLocked, Code::AccountClosed]),
        Described::new(
            "set_brand_logo",
            "Brands",
            "Sets the logo: a PNG, JPEG, WebP or GIF. It is made at most 512 by 256 pixels and written anew as PNG; nothing else of the file is kept. SVG is refused.",
        )
        .takes::<LogoBody>()
        .answers::<BrandView>(after)
        .edits()
        .refuses(&[Code::BrandLocked, Code::AccountClosed]),
        Described::new("remove_brand_logo", "Brands", "Takes the logo away: that of an account above is shown, or none.")
            .answers::<BrandView>(after)
            .edits()
            .refuses(&[Code::AccountClosed]),
        Described::new("set_brand_slug", "Brands", "Names the portal in addresses. The name it had is free at once.")
            .takes::<SlugBody>()
            .answers::<BrandView>(after)
            .edits()
            .refuses(&[Code::SlugTaken, Code::Conflict, Code::AccountClosed]),
        Described::new("free_brand_slug", "Brands", "Frees the portal's name at once.")
            .answers::<BrandView>(after)
            .edits()
            .refuses(&[Code::AccountClosed]),
        Described::new(
            "claim_brand_host",
            "Brands",
            "Says that a host is the account's own. It shows nothing until its TXT record is found; the host there was is detached at once.",
        )
        .takes::<HostBody>()
        .answers::<BrandView>(after)
        .edits()
        .refuses(&[Code::Conflict, Code::AccountClosed]),
        Described::new(
            "verify_brand_host",
            "Brands",
            "Looks up the TXT record of the host that was claimed. Once it is there, the host shows the account's brand.",
        )
        .answers::<BrandView>(after)
        .edits()
        .refuses(&[Code::HostNotVerified, Code::HostTaken, Code::Conflict, Code::AccountClosed]),
        Described::new("detach_brand_host", "Brands", "Detaches the host: from the answer on it shows nothing.")
            .answers::<BrandView>(after)
            .edits()
            .refuses(&[Code::AccountClosed]),
    ]
}

fn keys() -> Vec<Described> {
    vec![
        Described::new(
            "create_key",
            "Keys",
            "Makes an API key that holds a role at the account, and so over its subtree. The `secret` is in this answer and nowhere else; a replay answers without it. \
             What is denied to you is denied to the key.",
        )
        .takes::<CreateKey>()
        .creates::<KeyView>("The key, with its `secret` this once.")
        .refuses(&[Code::UnknownRole, Code::GrantExceedsOwn, Code::LimitReached, Code::AccountClosed, Code::Conflict]),
        Described::new("list_keys", "Keys", "An account's keys, without their secrets.").paged().answers::<PageView<KeyView>>("A page of keys."),
        Described::new(
            "rotate_key",
            "Keys",
            "Gives a key a new secret, shown this once. The old one is still taken for `overlap_s` seconds: a day unless you say otherwise, at most a week, 0 for not at all.",
        )
        .may_take::<RotateKey>()
        .answers::<KeyView>("The key, with its new `secret` this once.")
        .refuses(&[Code::Conflict, Code::GrantExceedsOwn]),
        Described::new("revoke_key", "Keys", "Revokes a key: the next request with it is refused. Revoking twice is the same as once.")
            .answers::<KeyView>("The revoked key."),
    ]
}

fn members() -> Vec<Described> {
    vec![
        Described::new(
            "add_member",
            "Members",
            "Gives a person a role at the account, and so over its subtree. What is denied to you is denied to them.",
        )
        .takes::<AddMember>()
        .creates::<MemberView>("The member.")
        .tagged()
        .refuses(&[
            Code::AlreadyExists,
            Code::UnknownRole,
            Code::GrantExceedsOwn,
            Code::LimitReached,
            Code::AccountClosed,
            Code::Conflict,
        ]),
        Described::new("list_members", "Members", "An account's people.").paged().answers::<PageView<MemberView>>("A page of members."),
        Described::new(
            "update_member",
            "Members",
            "Changes a person's name or role. You must hold all that the person holds, before and after.",
        )
        .takes::<UpdateMember>()
        .answers::<MemberView>("The member as they are now.")
        .edits()
        .refuses(&[Code::UnknownRole, Code::GrantExceedsOwn, Code::Conflict]),
        Described::new("remove_member", "Members", "Takes a person's role away. You must hold all that the person holds.")
            .answers::<MemberView>("The member who was removed.")
            .edits()
            .refuses(&[Code::GrantExceedsOwn]),
    ]
}

fn denies() -> Vec<Described> {
    let put = "Takes rights away at an account and everything below it, whatever was granted: a deny wins. Replaces the deny there was.";
    let lift = "Gives back what a deny took away. That is a grant: you must hold those rights yourself.";
    let refused = &[Code::GrantExceedsOwn, Code::LimitReached];
    vec![
        Described::new("deny_key", "Keys", put).takes::<PutDeny>().answers::<KeyView>("The key with its denies.").refuses(refused),
        Described::new("lift_key_deny", "Keys", lift).answers::<KeyView>("The key with its denies.").refuses(&[Code::GrantExceedsOwn]),
        Described::new("deny_member", "Members", put)
            .takes::<PutDeny>()
            .answers::<MemberView>("The member with their denies.")
            .tagged()
            .refuses(refused),
        Described::new("lift_member_deny", "Members", lift)
            .answers::<MemberView>("The member with their denies.")
            .tagged()
            .refuses(&[Code::GrantExceedsOwn]),
    ]
}

fn roles() -> Vec<Described> {
    vec![
        Described::new(
            "create_role",
            "Roles",
            "Makes a role of named rights, known at the account and everything below it. You must hold all of them.",
        )
        .takes::<CreateRole>()
        .creates::<RoleView>("The role.")
        .tagged()
        .refuses(&[Code::AlreadyExists, Code::GrantExceedsOwn, Code::LimitReached, Code::AccountClosed, Code::Conflict]),
        Described::new("list_roles", "Roles", "An account's custom roles.").paged().answers::<PageView<RoleView>>("A page of roles."),
        Described::new(
            "update_role",
            "Roles",
            "Changes what a role carries, at once for all who hold it. You must hold all of it, before and after.",
        )
        .takes::<UpdateRole>()
        .answers::<RoleView>("The role as it is now.")
        .edits()
        .refuses(&[Code::GrantExceedsOwn, Code::Conflict]),
        Described::new("delete_role", "Roles", "Removes a role. Who holds it then holds nothing by it.")
            .answers::<RoleView>("The role that was removed.")
            .edits()
            .refuses(&[Code::GrantExceedsOwn]),
    ]
}
