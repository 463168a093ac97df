//! What the API shows of accounts, keys, members and roles.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{App, Problem};
use tributary_domain::account::{Account, Funding, Kind, Settings, Status, Tags};
use tributary_domain::id::{AccountId, KeyId, MemberId, RoleId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::rights::{Deny, RightSet};
use tributary_domain::text::{Email, ExternalId, Name, RoleName};
use tributary_store::principals::{ApiKey, Member};
use tributary_store::roles::CustomRole;

/// An account as its caller sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Account))]
pub struct AccountView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub id: AccountId,
    /// Its parent's id; null for the operator.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub parent_id: Option<AccountId>,
    /// Ids from the caller's account down to this one, joined by `/`.
    #[cfg_attr(feature = "openapi", schema(example = "acc_01hx3v9k2mfd8bq5r7w1z4n6ty/acc_01hx3v9m7cz4r9b2w8k5n3q6td"))]
    pub path: String,
    /// Levels below the operator.
    pub depth: usize,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Kind))]
    pub kind: Kind,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// The caller's own id for it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::ExternalId>, required))]
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>, required))]
    pub email: Option<Email>,
    /// Its own state.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountStatus))]
    pub status: Status,
    /// The state in force, its ancestors' counted in.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountStatus))]
    pub effective_status: Status,
    /// The currency of its credit.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Currency))]
    pub currency: Currency,
    /// Its volume tier.
    #[cfg_attr(feature = "openapi", schema(example = "silver"))]
    pub tier: String,
    /// How far its credit may go below zero.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub credit_limit: Micros,
    /// How it pays its parent for usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Funding))]
    pub funding: Funding,
    /// Labels.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Tags))]
    pub tags: Tags,
    /// Settings.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Settings))]
    pub settings: Settings,
    /// Sub-accounts that are not closed.
    pub children: i64,
    /// Raised by one at each edit; the `ETag`.
    pub version: i64,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub updated_at: Timestamp,
    /// Since when it is frozen because its books do not add up; null if it is not. Only the operator reactivates it.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub frozen_at: Option<Timestamp>,
}

impl AccountView {
    /// What `home` sees of an account, given which ancestors are not active.
    pub fn of(account: &Account, home: &AccountId, stopped: &BTreeSet<AccountId>) -> Self {
        let whole = account.lineage.path(&account.id);
        // What stands above the caller is not shown.
        let path = whole.find(home.as_str()).map_or(whole.as_str(), |at| &whole[at..]).to_owned();
        Self {
            id: account.id.clone(),
            parent_id: account.lineage.parent().cloned(),
            path,
            depth: account.lineage.depth(),
            kind: account.kind,
            name: account.name.clone(),
            external_id: account.external_id.clone(),
            email: account.email.clone(),
            status: account.status,
            effective_status: account.status.effective(account.lineage.ids().any(|id| stopped.contains(id))),
            currency: account.currency,
            tier: account.tier.clone(),
            credit_limit: account.credit_limit,
            funding: account.funding,
            tags: account.tags.clone(),
            settings: account.settings.clone(),
            children: account.open_children,
            version: account.version,
            created_at: account.created_at,
            updated_at: account.updated_at,
            frozen_at: account.frozen_at,
        }
    }

    /// One account, after reading which of its ancestors are not active.
    ///
    /// # Errors
    /// Store errors.
    pub async fn read(app: &App, account: &Account, home: &AccountId) -> Result<Self, Problem> {
        let stopped = app.store().stopped_ancestors(std::slice::from_ref(account)).await?;
        Ok(Self::of(account, home, &stopped))
    }
}

/// A page of accounts.
pub type AccountsView = PageView<AccountView>;

/// A deny as it is shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Deny))]
pub struct DenyView {
    /// Where it begins.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What it takes away.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>))]
    pub rights: RightSet,
}

fn denies(list: &[Deny]) -> Vec<DenyView> {
    list.iter().map(|deny| DenyView { account_id: deny.account_id.clone(), rights: deny.rights.clone() }).collect()
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyStatus {
    /// Taken.
    Active,
    /// Its time is over.
    Expired,
    /// Revoked.
    Revoked,
}

/// A key as it is shown; `secret` only by the request that made it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Key))]
pub struct KeyView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::KeyId))]
    pub id: KeyId,
    /// The account at which its role is held.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Name))]
    pub name: Name,
    /// Its role.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
    /// The secret, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub secret: Option<String>,
    /// What the newest secret begins with.
    #[cfg_attr(feature = "openapi", schema(required, example = "rk_live_Zt4k"))]
    pub prefix: Option<String>,
    /// The newest secret's last four characters.
    #[cfg_attr(feature = "openapi", schema(required, example = "9f3a"))]
    pub last4: Option<String>,
    /// Whether it is taken.
    pub status: KeyStatus,
    /// Until when the previous secret is taken too.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub previous_secret_expires_at: Option<Timestamp>,
    /// Rights taken away below.
    pub denies: Vec<DenyView>,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub revoked_at: Option<Timestamp>,
}

impl KeyView {
    /// A key as shown at `now`.
    pub fn of(key: &ApiKey, secret: Option<String>, now: Timestamp) -> Self {
        let status = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(at)) if at <= now => KeyStatus::Expired,
            (None, _) => KeyStatus::Active,
        };
        let previous = key.secrets.get(1).and_then(|old| old.expires_at).filter(|at| *at > now);
        Self {
            id: key.id.clone(),
            account_id: key.account_id.clone(),
            name: key.name.clone(),
            role: key.role.word().to_owned(),
            secret,
            prefix: key.secrets.first().map(|s| s.prefix.clone()),
            last4: key.secrets.first().map(|s| s.last4.clone()),
            status,
            previous_secret_expires_at: previous,
            denies: denies(&key.denies),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// A member as it is shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Member))]
pub struct MemberView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::MemberId))]
    pub id: MemberId,
    /// The account at which the role is held.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Where the person is reached.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Email))]
    pub email: Email,
    /// The person's name.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub name: Option<Name>,
    /// The person's role.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleWord))]
    pub role: String,
    /// Rights taken away below.
    pub denies: Vec<DenyView>,
    /// Raised by one at each change; the `ETag`.
    pub version: i64,
    /// When they were added.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl MemberView {
    /// A member as shown.
    pub fn of(member: &Member) -> Self {
        Self {
            id: member.id.clone(),
            account_id: member.account_id.clone(),
            email: member.email.clone(),
            name: member.name.clone(),
            role: member.role.word().to_owned(),
            denies: denies(&member.denies),
            version: member.version,
            created_at: member.created_at,
        }
    }
}

/// A custom role as it is shown.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Role))]
pub struct RoleView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleId))]
    pub id: RoleId,
    /// The account that defined it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RoleName))]
    pub name: RoleName,
    /// What it carries.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::Right>))]
    pub rights: RightSet,
    /// Raised by one at each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
}

impl RoleView {
    /// A role as shown.
    pub fn of(role: &CustomRole) -> Self {
        Self {
            id: role.id.clone(),
            account_id: role.account_id.clone(),
            name: role.name.clone(),
            rights: role.rights.clone(),
            version: role.version,
            created_at: role.created_at,
        }
    }
}
