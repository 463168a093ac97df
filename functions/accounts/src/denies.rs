//! Denies: taking rights from a key or member at an account below its home, and everything under it.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::rights::{Right, RightSet};
use tributary_store::accounts::Authority;
use tributary_store::principals::{ApiKey, Member, Principal, set_deny};

use crate::keys::{managed_key, refuse_excess, refuse_stronger};
use crate::members::managed_member;
use crate::views::{KeyView, MemberView};

/// The request to take rights away.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutDeny {
    /// What is taken away; at least one right.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>, min_items = 1))]
    pub rights: RightSet,
}

async fn set<P: Principal>(
    call: &Call,
    right: Right,
    home: &Account,
    principal: &P,
    rights: &RightSet,
    before: &RightSet,
) -> Result<P, Problem> {
    let at: AccountId = call.id("account_id")?;
    let may = call.caller()?.over(right);
    let account = call.store().account_for(&at, Authority { home: call.home()?, may: &may }).await?;
    if account.id != home.id && !account.lineage.has(&home.id) {
        return Err(Problem::not_found());
    }
    // Lifting a deny gives rights back, so it is a grant of them.
    let given: RightSet = before.difference(rights).copied().collect();
    let mut after = principal.clone();
    set_deny(after.denies(), &at, rights)?;
    refuse_excess(call, &given, &account, after.denies()).await?;
    let change = |principal: &mut P| set_deny(principal.denies(), &at, rights);
    let authority = Authority { home: call.home()?, may: &may };
    Ok(call.store().change_principal(principal, authority, None, &call.act()?, RecordKind::DeniesChanged, change).await?)
}

fn denied_at(denies: &[tributary_domain::rights::Deny], call: &Call) -> Result<RightSet, Problem> {
    let at: AccountId = call.id("account_id")?;
    Ok(denies.iter().find(|deny| deny.account_id == at).map(|deny| deny.rights.clone()).unwrap_or_default())
}

fn rights(call: &Call) -> Result<RightSet, Problem> {
    let request: PutDeny = call.body()?;
    if request.rights.is_empty() {
        return Err(Problem::field("/rights", "must name at least one right; delete the deny to lift it"));
    }
    Ok(request.rights)
}

async fn for_key(call: &Call, rights: &RightSet) -> Result<Reply, Problem> {
    let (account, key) = managed_key(call).await?;
    refuse_stronger(call, &account, &key.role, &key.denies).await?;
    let before = denied_at(&key.denies, call)?;
    let key: ApiKey = set(call, Right::KeysManage, &account, &key, rights, &before).await?;
    Reply::ok(&KeyView::of(&key, None, call.app.now()))
}

async fn for_member(call: &Call, rights: &RightSet) -> Result<Reply, Problem> {
    let (account, member) = managed_member(call).await?;
    refuse_stronger(call, &account, &member.role, &member.denies).await?;
    let before = denied_at(&member.denies, call)?;
    let member: Member = set(call, Right::MembersManage, &account, &member, rights, &before).await?;
    Ok(Reply::ok(&MemberView::of(&member))?.etag(member.version))
}

/// Takes rights from a key.
///
/// # Errors
/// `not_found`, `forbidden`, `limit_reached`, `validation_failed`.
pub async fn put_key(call: Call) -> Result<Reply, Problem> {
    for_key(&call, &rights(&call)?).await
}

/// Lifts a key's deny.
///
/// # Errors
/// `grant_exceeds_own`, `not_found`, `forbidden`.
pub async fn delete_key(call: Call) -> Result<Reply, Problem> {
    for_key(&call, &RightSet::new()).await
}

/// Takes rights from a member.
///
/// # Errors
/// As [`put_key`].
pub async fn put_member(call: Call) -> Result<Reply, Problem> {
    for_member(&call, &rights(&call)?).await
}

/// Lifts a member's deny.
///
/// # Errors
/// As [`delete_key`].
pub async fn delete_member(call: Call) -> Result<Reply, Problem> {
    for_member(&call, &RightSet::new()).await
}
