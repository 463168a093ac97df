//! Members of an account: add, list, change, remove.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, MemberId};
use tributary_domain::rights::Right;
use tributary_domain::text::{Email, Name};
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;
use tributary_store::keys as table_keys;
use tributary_store::principals::Member;
use tributary_store::table::Position;

use crate::accounts::update::not_null;
use crate::keys::{clock_of, grantable, inherited_denies, refuse_stronger, target};
use crate::views::MemberView;

/// The request to add a person.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddMember {
    /// Where the person is reached; unique in the account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Email))]
    pub email: Email,
    /// The person's name.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>))]
    pub name: Option<Name>,
    /// A built-in role, or a custom one known at the account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
}

/// The request to change a person.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(min_properties = 1))]
pub struct UpdateMember {
    /// New name.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name, required = false))]
    pub name: Option<Name>,
    /// New role.
    #[serde(default, deserialize_with = "not_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord, required = false))]
    pub role: Option<String>,
}

/// Adds a person to an account.
///
/// # Errors
/// `already_exists`, `unknown_role`, `grant_exceeds_own`, `limit_reached`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.scope()?;
    let request: AddMember = call.body()?;
    let account = target(&call, Right::MembersManage).await?;
    let denies = inherited_denies(&call)?;
    let role = grantable(&call, &request.role, &account, &denies).await?;
    let member = Member {
        id: MemberId::from_uuid(call.app.uuid()),
        account_id: account.id.clone(),
        at_operator: account.kind == Kind::Operator,
        email: request.email,
        name: request.name,
        role,
        denies,
        created_at: call.app.now(),
        clock: clock_of(&call, &account).await?,
        version: 1,
    };
    let may = caller.over(Right::MembersManage);
    let outcome = call.store().add_member(&member, caller.grantor(), Authority { home, may: &may }, &call.act()?, scope.as_ref()).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let member = outcome.into_inner();
    let location = format!("/reseller/accounts/{}/members/{}", member.account_id, member.id);
    Ok(Reply::created(&MemberView::of(&member))?.location(&location).etag(member.version).replayed(replayed))
}

/// Lists an account's people.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = target(&call, Right::MembersRead).await?;
    let (members, next) = call.store().account_members(&account.id, limit, start).await?;
    let data = members.iter().map(MemberView::of).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Changes a person's name or role. Only somebody who holds all that the person holds may.
///
/// # Errors
/// `unknown_role`, `grant_exceeds_own`, `precondition_failed`, `not_found`, `forbidden`, `validation_failed`.
pub async fn update(call: Call) -> Result<Reply, Problem> {
    let request: UpdateMember = call.body()?;
    if request.name.is_none() && request.role.is_none() {
        return Err(Problem::field("", "names nothing to change: name or role"));
    }
    let (account, member) = managed_member(&call).await?;
    refuse_stronger(&call, &account, &member.role, &member.denies).await?;
    let role = match &request.role {
        Some(word) => grantable(&call, word, &account, &member.denies).await?,
        None => member.role.clone(),
    };
    // The store changes no other version than this one.
    call.refuse_stale(member.version)?;
    let change = |member: &mut Member| {
        member.role = role.clone();
        if let Some(name) = &request.name {
            member.name = Some(name.clone());
        }
        Ok(())
    };
    let (caller, home) = (call.caller()?, call.home()?);
    let may = caller.over(Right::MembersManage);
    let grants = Some((caller.grantor(), &role));
    let member = call
        .store()
        .change_principal(&member, Authority { home, may: &may }, grants, &call.act()?, RecordKind::MemberChanged, change)
        .await?;
    Ok(Reply::ok(&MemberView::of(&member))?.etag(member.version))
}

/// Removes a person from an account.
///
/// # Errors
/// `grant_exceeds_own` for a person who holds more than the caller, `not_found`, `forbidden`.
pub async fn remove(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let (account, member) = managed_member(&call).await?;
    call.refuse_stale(member.version)?;
    refuse_stronger(&call, &account, &member.role, &member.denies).await?;
    let may = call.caller()?.over(Right::MembersManage);
    call.store().remove_member(&member, Authority { home: call.home()?, may: &may }, &call.act()?).await?;
    Ok(Reply::ok(&MemberView::of(&member))?.etag(member.version))
}

/// The member of the path, if the caller manages members at its account.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn managed_member(call: &Call) -> Result<(Account, Member), Problem> {
    let (account_id, member_id): (AccountId, MemberId) = (call.id("id")?, call.id("member_id")?);
    let account = target(call, Right::MembersManage).await?;
    let member = call.store().principal(&table_keys::member(&account_id, &member_id)).await?;
    Ok((account, member))
}
