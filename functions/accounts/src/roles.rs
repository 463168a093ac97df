//! Custom roles of an account.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::id::RoleId;
use tributary_domain::rights::{Right, RightSet};
use tributary_domain::text::RoleName;
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;
use tributary_store::roles::CustomRole;
use tributary_store::table::Position;

use crate::keys::{refuse_excess, target};
use crate::views::RoleView;

/// The request to make a role.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateRole {
    /// Its name, unique in the account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleName))]
    pub name: RoleName,
    /// What it carries; at least one right.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>, min_items = 1))]
    pub rights: RightSet,
}

/// The request to change a role.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateRole {
    /// What it carries from now on, for all who hold it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>, min_items = 1))]
    pub rights: RightSet,
}

/// A role is given to whoever holds it, with whatever denies they have: none is assumed.
async fn checked(call: &Call, rights: &RightSet, account: &Account) -> Result<(), Problem> {
    if rights.is_empty() {
        return Err(Problem::field("/rights", "must name at least one right"));
    }
    refuse_excess(call, rights, account, &[]).await
}

/// Makes a custom role.
///
/// # Errors
/// `already_exists`, `grant_exceeds_own`, `limit_reached`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let scope = call.scope()?;
    let request: CreateRole = call.body()?;
    let account = target(&call, Right::RolesManage).await?;
    checked(&call, &request.rights, &account).await?;
    let role = CustomRole {
        id: RoleId::from_uuid(call.app.uuid()),
        account_id: account.id.clone(),
        name: request.name,
        rights: request.rights,
        created_at: call.app.now(),
        version: 1,
    };
    let may = call.caller()?.over(Right::RolesManage);
    let authority = Authority { home: call.home()?, may: &may };
    let outcome = call.store().add_role(&role, call.caller()?.grantor(), authority, &call.act()?, scope.as_ref()).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let role = outcome.into_inner();
    let location = format!("/reseller/accounts/{}/roles/{}", role.account_id, role.id);
    Ok(Reply::created(&RoleView::of(&role))?.location(&location).etag(role.version).replayed(replayed))
}

/// Lists an account's custom roles.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = target(&call, Right::RolesRead).await?;
    let (roles, next) = call.store().account_roles(&account.id, limit, start).await?;
    let data = roles.iter().map(RoleView::of).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Changes what a role carries, at once for all who hold it. Only somebody who holds all of it, before and after, may.
///
/// # Errors
/// `grant_exceeds_own`, `precondition_failed`, `not_found`, `forbidden`.
pub async fn update(call: Call) -> Result<Reply, Problem> {
    let request: UpdateRole = call.body()?;
    let account = target(&call, Right::RolesManage).await?;
    let id: RoleId = call.id("role_id")?;
    let old = call.store().role(&account.id, &id).await?;
    checked(&call, &request.rights, &account).await?;
    refuse_excess(&call, &old.rights, &account, &[]).await?;
    call.refuse_stale(old.version)?;
    let may = call.caller()?.over(Right::RolesManage);
    let authority = Authority { home: call.home()?, may: &may };
    let role = call.store().change_role(&old, &request.rights, call.caller()?.grantor(), authority, &call.act()?).await?;
    Ok(Reply::ok(&RoleView::of(&role))?.etag(role.version))
}

/// Removes a role; who holds it then holds nothing by it.
///
/// # Errors
/// `grant_exceeds_own`, `not_found`, `forbidden`.
pub async fn remove(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let account = target(&call, Right::RolesManage).await?;
    let id: RoleId = call.id("role_id")?;
    let old = call.store().role(&account.id, &id).await?;
    call.refuse_stale(old.version)?;
    refuse_excess(&call, &old.rights, &account, &[]).await?;
    let may = call.caller()?.over(Right::RolesManage);
    let authority = Authority { home: call.home()?, may: &may };
    call.store().remove_role(&old, call.caller()?.grantor(), authority, &call.act()?).await?;
    Ok(Reply::ok(&RoleView::of(&old))?.etag(old.version))
}
