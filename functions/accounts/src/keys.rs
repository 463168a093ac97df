//! API keys of an account: create, list, rotate, revoke.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tributary_api::keys::fresh;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, KeyMode, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ClockId, KeyId};
use tributary_domain::rights::{Deny, Right, RightSet, RoleRef};
use tributary_domain::text::Name;
use tributary_store::accounts::Authority;
use tributary_store::error::StoreError;
use tributary_store::idempotency::Outcome;
use tributary_store::keys as table_keys;
use tributary_store::principals::ApiKey;
use tributary_store::table::Position;

use crate::views::KeyView;

/// The longest overlap of a rotation: 7 days.
const MAX_OVERLAP_S: i64 = 7 * 24 * 3600;
/// The overlap unless said otherwise: 24 hours.
const DEFAULT_OVERLAP_S: i64 = 24 * 3600;

/// The request to make a key.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateKey {
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// `owner`, `admin`, `billing`, `support`, `viewer`, or a custom role known at the account.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// The request to rotate a key.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotateKey {
    /// How long the old secret is still taken: 0 to 604800 seconds; 86400 unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 604_800, default = 86_400))]
    pub overlap_s: Option<i64>,
}

/// Finds the role of that name at the account and refuses one that carries more than the caller holds there.
///
/// # Errors
/// `unknown_role`, `grant_exceeds_own`.
pub async fn grantable(call: &Call, word: &str, account: &Account, theirs: &[Deny]) -> Result<RoleRef, Problem> {
    let (role, rights) = call.store().role_named(word, &account.id, &account.lineage).await?;
    refuse_excess(call, &rights, account, theirs).await?;
    Ok(role)
}

/// Refuses to give `rights` at the account to somebody with the denies `theirs`, if the caller does not hold them there,
/// or was denied one of them somewhere below where `theirs` would not withhold it.
///
/// # Errors
/// `grant_exceeds_own`, naming them.
pub async fn refuse_excess(call: &Call, rights: &RightSet, account: &Account, theirs: &[Deny]) -> Result<(), Problem> {
    let grants = &call.caller()?.grants;
    let mut lacking = grants.lacking(rights, &account.id, &account.lineage);
    for deny in grants.not_denied_too(rights, theirs) {
        let at = call.store().account(&deny.account_id).await?;
        if at.id == account.id || at.lineage.has(&account.id) {
            lacking.extend(deny.rights);
        }
    }
    if lacking.is_empty() { Ok(()) } else { Err(StoreError::GrantsTooMuch(lacking.into_iter().collect()).into()) }
}

/// The account of the path, if the caller has the right there.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn target(call: &Call, right: Right) -> Result<Account, Problem> {
    let may = call.caller()?.over(right);
    Ok(call.store().account_for(&call.id("id")?, Authority { home: call.home()?, may: &may }).await?)
}

/// Makes a key. Its secret is in this answer and nowhere else; a replay answers without it.
///
/// # Errors
/// `unknown_role`, `grant_exceeds_own`, `limit_reached`, `account_closed`, `not_found`, `forbidden`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.scope()?;
    let request: CreateKey = call.body()?;
    let now = call.app.now();
    if let Some(scope) = &scope
        && let Some(first) = call.store().first_answer::<ApiKey>(scope).await?
    {
        target(&call, Right::KeysManage).await?;
        return created(&first, None, true);
    }
    if request.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::field("/expires_at", "must be in the future"));
    }
    let account = target(&call, Right::KeysManage).await?;
    let denies = inherited_denies(&call)?;
    let role = grantable(&call, &request.role, &account, &denies).await?;
    let (secret, kept) = fresh(&call.app, None)?;
    let key = ApiKey {
        id: KeyId::from_uuid(call.app.uuid()),
        account_id: account.id.clone(),
        at_operator: account.kind == Kind::Operator,
        name: request.name,
        role,
        denies,
        secrets: vec![kept],
        created_at: now,
        expires_at: request.expires_at,
        revoked_at: None,
        clock: clock_of(&call, &account).await?,
        version: 1,
    };
    let may = caller.over(Right::KeysManage);
    let outcome = call.store().add_key(&key, caller.grantor(), Authority { home, may: &may }, &call.act()?, scope.as_ref()).await?;
    let (key, secret, replayed) = match outcome {
        Outcome::Done(key) => (key, Some(secret), false),
        Outcome::Replayed(key) => (key, None, true),
    };
    created(&key, secret, replayed)
}

/// The test clock of the account's tree. Read after the account: a clock is put only on an account with nothing below it.
pub async fn clock_of(call: &Call, account: &Account) -> Result<Option<ClockId>, Problem> {
    if call.app.mode() == KeyMode::Live {
        return Ok(None);
    }
    let Some(top) = account.lineage.top(&account.id) else { return Ok(None) };
    Ok(call.store().test_clock_of(top).await?.map(|clock| clock.id))
}

/// The answer as of when the key was made.
fn created(key: &ApiKey, secret: Option<String>, replayed: bool) -> Result<Reply, Problem> {
    let location = format!("/reseller/accounts/{}/keys/{}", key.account_id, key.id);
    Ok(Reply::created(&KeyView::of(key, secret, key.created_at))?.location(&location).replayed(replayed))
}

/// What was denied the caller is denied the new key or member too: otherwise a deny could be shaken off
/// by making a key above it.
///
/// # Errors
/// None on routes with a caller.
pub fn inherited_denies(call: &Call) -> Result<Vec<Deny>, Problem> {
    Ok(call.caller()?.grants.denies.clone())
}

/// Lists an account's keys.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let account = target(&call, Right::KeysRead).await?;
    let (keys, next) = call.store().account_keys(&account.id, limit, start).await?;
    let now = call.app.now();
    let data = keys.iter().map(|key| KeyView::of(key, None, now)).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

/// Gives a key a new secret. The old one is taken for the overlap, and no longer.
///
/// # Errors
/// `conflict` while an earlier rotation's overlap lasts or if the key is revoked, `grant_exceeds_own`, `not_found`,
/// `forbidden`, `validation_failed`.
pub async fn rotate(call: Call) -> Result<Reply, Problem> {
    let request: RotateKey = call.body_or_default()?;
    let overlap_s = request.overlap_s.unwrap_or(DEFAULT_OVERLAP_S);
    if !(0..=MAX_OVERLAP_S).contains(&overlap_s) {
        return Err(Problem::field("/overlap_s", format!("must be from 0 to {MAX_OVERLAP_S}")));
    }
    let (account, key) = managed_key(&call).await?;
    // Whoever holds the new secret holds what the key holds.
    refuse_stronger(&call, &account, &key.role, &key.denies).await?;
    let (secret, kept) = fresh(&call.app, None)?;
    let now = call.app.now();
    let until = now.checked_add(SignedDuration::from_secs(overlap_s)).map_err(|_| Problem::field("/overlap_s", "is out of range"))?;
    let change = |key: &mut ApiKey| {
        key.secrets.retain(|secret| secret.expires_at.is_none_or(|at| at > now));
        if key.secrets.len() > 1 {
            return Err(StoreError::Conflict("an earlier rotation's overlap lasts still; wait for it, or make a new key"));
        }
        key.secrets.iter_mut().for_each(|old| old.expires_at = Some(until));
        key.secrets.retain(|_| overlap_s > 0);
        key.secrets.insert(0, kept.clone());
        Ok(())
    };
    let (caller, home) = (call.caller()?, call.home()?);
    let may = caller.over(Right::KeysManage);
    let grants = Some((caller.grantor(), &key.role));
    let key =
        call.store().change_principal(&key, Authority { home, may: &may }, grants, &call.act()?, RecordKind::KeyRotated, change).await?;
    Reply::ok(&KeyView::of(&key, Some(secret), now))
}

/// Revokes a key: the next request with it is refused. Only somebody who holds all that the key holds may.
///
/// # Errors
/// `grant_exceeds_own`, `conflict` if it was changed meanwhile, `not_found`, `forbidden`.
pub async fn revoke(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    let (account, key) = managed_key(&call).await?;
    let now = call.app.now();
    if key.revoked_at.is_some() {
        return Reply::ok(&KeyView::of(&key, None, now));
    }
    refuse_stronger(&call, &account, &key.role, &key.denies).await?;
    let change = |key: &mut ApiKey| {
        key.revoked_at = Some(now);
        key.secrets.clear();
        Ok(())
    };
    let may = call.caller()?.over(Right::KeysManage);
    let authority = Authority { home: call.home()?, may: &may };
    let key = call.store().change_principal(&key, authority, None, &call.act()?, RecordKind::KeyRevoked, change).await?;
    Reply::ok(&KeyView::of(&key, None, now))
}

/// Refuses to change a key or member of the account that holds more there than the caller does.
///
/// # Errors
/// `grant_exceeds_own`.
pub async fn refuse_stronger(call: &Call, account: &Account, role: &RoleRef, denies: &[Deny]) -> Result<(), Problem> {
    let held = call.store().grants_of(&account.id, account.kind == Kind::Operator, role, &[]).await?;
    refuse_excess(call, &held.rights, account, denies).await
}

/// The key of the path, if the caller manages keys at its account.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn managed_key(call: &Call) -> Result<(Account, ApiKey), Problem> {
    let (account_id, key_id): (AccountId, KeyId) = (call.id("id")?, call.id("key_id")?);
    let account = target(call, Right::KeysManage).await?;
    let key = call.store().principal(&table_keys::api_key(&account_id, &key_id)).await?;
    Ok((account, key))
}
