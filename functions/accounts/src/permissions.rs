//! `GET /reseller/accounts/{id}/permissions`: what a key or member may do at an account, and which grant gave or
//! withheld each right.

use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::account::Account;
use tributary_domain::id::{AccountId, KeyId, MemberId};
use tributary_domain::rights::{Grants, Right, RightSet, Verdict};
use tributary_store::keys as table_keys;
use tributary_store::principals::{ApiKey, Member};

use crate::keys::target;

/// What a key or member may do at an account.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Permissions {
    /// The account asked about.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who is asked about.
    pub principal: PrincipalView,
    /// The rights held there.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>))]
    pub rights: RightSet,
    /// Each right, and why it is held or not; with `?explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Explained>, required = false))]
    pub explain: Option<Vec<Explained>>,
}

/// Who is asked about.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Principal))]
pub struct PrincipalView {
    /// The key's or member's id.
    pub id: String,
    /// `key` or `member`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::PrincipalKind))]
    pub kind: &'static str,
    /// The account at which the role is held.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// The role.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
}

/// Why one right is held or not.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ExplainedRight))]
pub struct Explained {
    /// The right.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Right))]
    pub right: Right,
    /// Whether it is held.
    pub allowed: bool,
    /// `granted`, `not_in_role`, `operator_only`, `denied` or `outside_subtree`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Reason))]
    pub reason: &'static str,
    /// The account of the grant or deny that decided.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// In words.
    pub detail: String,
}

/// What a key or member may do at an account; the caller's own key unless `key_id` or `member_id` is given.
///
/// # Errors
/// `not_found`, `forbidden` (asking about others needs `members.read`), `validation_failed`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let explain = params.flag("explain")?;
    let (key_id, member_id) = (params.parsed::<KeyId>("key_id")?, params.parsed::<MemberId>("member_id")?);
    params.done()?;
    let account = target(&call, Right::AccountsRead).await?;
    let (principal, grants) = match (key_id, member_id) {
        (Some(_), Some(_)) => return Err(Problem::field("/query/member_id", "cannot be given together with key_id")),
        (None, None) => own(&call)?,
        (key_id, member_id) => {
            let asked_of = target(&call, Right::MembersRead).await?;
            other(&call, &asked_of, key_id, member_id).await?
        }
    };
    let rights = grants.rights_at(&account.id, &account.lineage);
    let explain = explain.then(|| Right::ALL.iter().map(|right| explained(*right, &grants, &account)).collect());
    Reply::ok(&Permissions { account_id: account.id.clone(), principal, rights, explain })
}

fn own(call: &Call) -> Result<(PrincipalView, Grants), Problem> {
    let caller = call.caller()?;
    Ok((view(caller.actor.to_string(), caller.actor.kind(), &caller.grants), caller.grants.clone()))
}

/// A key or member whose home is the account or, within the caller's subtree, above it.
async fn other(
    call: &Call,
    account: &Account,
    key_id: Option<KeyId>,
    member_id: Option<MemberId>,
) -> Result<(PrincipalView, Grants), Problem> {
    let home = call.home()?;
    let mut homes: Vec<AccountId> = account.lineage.ids().skip_while(|id| *id != home).cloned().collect();
    homes.push(account.id.clone());
    let store = call.store();
    if let Some(id) = key_id {
        let among: Vec<_> = homes.iter().map(|account| table_keys::api_key(account, &id)).collect();
        let key: ApiKey = store.principal_among(&among).await?;
        let mut grants = store.grants_of(&key.account_id, key.at_operator, &key.role, &key.denies).await?;
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= call.app.now()) {
            grants.rights.clear();
        }
        return Ok((view(id.to_string(), "key", &grants), grants));
    }
    let id = member_id.ok_or_else(Problem::not_found)?;
    let among: Vec<_> = homes.iter().map(|account| table_keys::member(account, &id)).collect();
    let member: Member = store.principal_among(&among).await?;
    let grants = store.grants_of(&member.account_id, member.at_operator, &member.role, &member.denies).await?;
    Ok((view(id.to_string(), "member", &grants), grants))
}

fn view(id: String, kind: &'static str, grants: &Grants) -> PrincipalView {
    PrincipalView { id, kind, account_id: grants.home.clone(), role: grants.role.clone() }
}

fn explained(right: Right, grants: &Grants, account: &Account) -> Explained {
    let verdict = grants.decide(right, &account.id, &account.lineage);
    let (home, role) = (&grants.home, &grants.role);
    let (reason, decided_at, detail) = match &verdict {
        Verdict::Granted => ("granted", home, format!("The role {role} at {home} carries {right}, and reaches down to here.")),
        Verdict::NotInRole => ("not_in_role", home, format!("The role {role} at {home} does not carry {right}.")),
        Verdict::OperatorOnly => ("operator_only", home, format!("{right} counts only for the operator's own keys and members.")),
        Verdict::DeniedAt(at) => ("denied", at, format!("A deny at {at} takes {right} away there and below; a deny wins over any grant.")),
        Verdict::OutsideSubtree => ("outside_subtree", home, format!("The account is not below {home}.")),
    };
    Explained { right, allowed: verdict.allows(), reason, account_id: decided_at.clone(), detail }
}
