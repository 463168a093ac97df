//! The accounts function: accounts, keys, members, roles, permissions, and trees of accounts on test clocks.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod accounts;
pub mod brand;
pub mod denies;
pub mod keys;
pub mod members;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod permissions;
pub mod relationships;
pub mod roles;
pub mod test_clocks;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        endpoint!(POST "/reseller/accounts/create", "create_account", Needs(Right::AccountsCreate), Accepted, accounts::create::create, "Make a sub-account"),
        endpoint!(GET "/reseller/accounts", "list_accounts", Needs(Right::AccountsRead), Unused, accounts::list::list, "List children or a subtree"),
        endpoint!(GET "/reseller/accounts/{id}", "get_account", Needs(Right::AccountsRead), Unused, accounts::get::get, "Get an account"),
        endpoint!(PUT "/reseller/accounts/{id}", "update_account", Needs(Right::AccountsUpdate), Unused, accounts::update::update, "Edit an account"),
        endpoint!(DELETE "/reseller/accounts/{id}", "suspend_account", Needs(Right::AccountsSuspend), Unused, accounts::states::suspend, "Suspend an account and everything below it"),
        endpoint!(POST "/reseller/accounts/{id}/reactivate", "reactivate_account", Needs(Right::AccountsSuspend), Unused, accounts::states::reactivate, "Reactivate a suspended account"),
        endpoint!(POST "/reseller/accounts/{id}/close", "close_account", Needs(Right::AccountsClose), Required, accounts::states::close, "Close an account for good"),
        endpoint!(POST "/reseller/accounts/{id}/move", "move_account", Needs(Right::AccountsMove), Unused, accounts::relocate::relocate, "Move a subtree to another parent"),
        endpoint!(GET "/reseller/accounts/{id}/relationships", "get_relationships", Needs(Right::AccountsRead), Unused, relationships::get, "Parent, ancestors, children and subtree in one answer"),
        endpoint!(GET "/reseller/accounts/{id}/permissions", "get_permissions", Needs(Right::AccountsRead), Unused, permissions::get, "What a key or member may do at an account, and why"),
    ];
    all.extend(brand_endpoints());
    all.extend(key_endpoints());
    all.extend(member_endpoints());
    all.extend(role_endpoints());
    all.extend(clock_endpoints());
    all
}

fn brand_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(GET "/reseller/accounts/{id}/brand", "get_brand", Needs(Right::AccountsRead), Unused, brand::tokens::get, "What an account shows its customers"),
        endpoint!(PUT "/reseller/accounts/{id}/brand", "update_brand", Needs(Right::AccountsUpdate), Unused, brand::tokens::put, "Set an account's own brand"),
        endpoint!(PUT "/reseller/accounts/{id}/brand/logo", "set_brand_logo", Needs(Right::AccountsUpdate), Unused, brand::logo::put, "Set an account's logo").with_picture(),
        endpoint!(DELETE "/reseller/accounts/{id}/brand/logo", "remove_brand_logo", Needs(Right::AccountsUpdate), Unused, brand::logo::delete, "Take an account's logo away"),
        endpoint!(PUT "/reseller/accounts/{id}/brand/slug", "set_brand_slug", Needs(Right::AccountsUpdate), Unused, brand::slug::put, "Take a name for the portal's address"),
        endpoint!(DELETE "/reseller/accounts/{id}/brand/slug", "free_brand_slug", Needs(Right::AccountsUpdate), Unused, brand::slug::delete, "Free the name of the portal's address"),
        endpoint!(PUT "/reseller/accounts/{id}/brand/host", "claim_brand_host", Needs(Right::AccountsUpdate), Unused, brand::host::put, "Claim a host for the portal"),
        endpoint!(POST "/reseller/accounts/{id}/brand/host/verify", "verify_brand_host", Needs(Right::AccountsUpdate), Unused, brand::host::verify, "Look up the record that proves a host"),
        endpoint!(DELETE "/reseller/accounts/{id}/brand/host", "detach_brand_host", Needs(Right::AccountsUpdate), Unused, brand::host::delete, "Detach the portal's host at once"),
    ]
}

fn key_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/accounts/{id}/keys", "create_key", Needs(Right::KeysManage), Accepted, keys::create, "Make an API key; its secret is shown this once"),
        endpoint!(GET "/reseller/accounts/{id}/keys", "list_keys", Needs(Right::KeysRead), Unused, keys::list, "List an account's API keys"),
        endpoint!(POST "/reseller/accounts/{id}/keys/{key_id}/rotate", "rotate_key", Needs(Right::KeysManage), Unused, keys::rotate, "Give a key a new secret; the old one goes on for a while"),
        endpoint!(DELETE "/reseller/accounts/{id}/keys/{key_id}", "revoke_key", Needs(Right::KeysManage), Unused, keys::revoke, "Revoke a key at once"),
        endpoint!(PUT "/reseller/accounts/{id}/keys/{key_id}/denies/{account_id}", "deny_key", Needs(Right::KeysManage), Unused, denies::put_key, "Take rights from a key at an account and below it"),
        endpoint!(DELETE "/reseller/accounts/{id}/keys/{key_id}/denies/{account_id}", "lift_key_deny", Needs(Right::KeysManage), Unused, denies::delete_key, "Lift a key's deny"),
    ]
}

fn member_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/accounts/{id}/members", "add_member", Needs(Right::MembersManage), Accepted, members::create, "Add a person to an account"),
        endpoint!(GET "/reseller/accounts/{id}/members", "list_members", Needs(Right::MembersRead), Unused, members::list, "List an account's people"),
        endpoint!(PUT "/reseller/accounts/{id}/members/{member_id}", "update_member", Needs(Right::MembersManage), Unused, members::update, "Change a person's name or role"),
        endpoint!(DELETE "/reseller/accounts/{id}/members/{member_id}", "remove_member", Needs(Right::MembersManage), Unused, members::remove, "Remove a person from an account"),
        endpoint!(PUT "/reseller/accounts/{id}/members/{member_id}/denies/{account_id}", "deny_member", Needs(Right::MembersManage), Unused, denies::put_member, "Take rights from a person at an account and below it"),
        endpoint!(DELETE "/reseller/accounts/{id}/members/{member_id}/denies/{account_id}", "lift_member_deny", Needs(Right::MembersManage), Unused, denies::delete_member, "Lift a person's deny"),
    ]
}

fn role_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/accounts/{id}/roles", "create_role", Needs(Right::RolesManage), Accepted, roles::create, "Make a custom role"),
        endpoint!(GET "/reseller/accounts/{id}/roles", "list_roles", Needs(Right::RolesRead), Unused, roles::list, "List an account's custom roles"),
        endpoint!(PUT "/reseller/accounts/{id}/roles/{role_id}", "update_role", Needs(Right::RolesManage), Unused, roles::update, "Change what a custom role carries"),
        endpoint!(DELETE "/reseller/accounts/{id}/roles/{role_id}", "delete_role", Needs(Right::RolesManage), Unused, roles::remove, "Remove a custom role"),
    ]
}

fn clock_endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/test-clocks", "create_test_clock", Needs(Right::BillingManage), Unused, test_clocks::create, "Put an account on a test clock"),
        endpoint!(GET "/reseller/test-clocks", "list_test_clocks", Needs(Right::BillingManage), Unused, test_clocks::list, "List test clocks"),
        endpoint!(GET "/reseller/test-clocks/{id}", "get_test_clock", Needs(Right::BillingManage), Unused, test_clocks::get, "Get a test clock"),
        endpoint!(DELETE "/reseller/test-clocks/{id}", "delete_test_clock", Needs(Right::BillingManage), Unused, test_clocks::delete, "Remove the test clock of a closed tree"),
        endpoint!(POST "/reseller/test-clocks/{id}/advance", "advance_test_clock", Needs(Right::BillingManage), Unused, test_clocks::advance, "Send a test clock on its way"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
