//! What the API shows of accounts, keys, members and roles.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use tributary_api::reply::PageView;
use tributary_api::{App, Problem};
use tributary_domain::account::{Account, Kind, Settings, Status, Tags};
use tributary_domain::id::{AccountId, KeyId, MemberId, RoleId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::rights::{Deny, RightSet};
use tributary_domain::text::{Email, ExternalId, Name, RoleName};
use tributary_store::principals::{ApiKey, Member};
use tributary_store::roles::CustomRole;

/// An account as its caller sees it.
#[derive(Debug, Clone, Serialize)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// Its parent's id; null for the operator.
    pub parent_id: Option<AccountId>,
    /// Ids from the caller's account down to this one, joined by `/`.
    pub path: String,
    /// Levels below the operator.
    pub depth: usize,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// The caller's own id for it.
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    pub email: Option<Email>,
    /// Its own state.
    pub status: Status,
    /// The state in force, its ancestors' counted in.
    pub effective_status: Status,
    /// The currency of its credit.
    pub currency: Currency,
    /// Its volume tier.
    pub tier: String,
    /// How far its credit may go below zero.
    pub credit_limit: Micros,
    /// Labels.
    pub tags: Tags,
    /// Settings.
    pub settings: Settings,
    /// Sub-accounts that are not closed.
    pub children: i64,
    /// Raised by one at each edit; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
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
            tags: account.tags.clone(),
            settings: account.settings.clone(),
            children: account.open_children,
            version: account.version,
            created_at: account.created_at,
            updated_at: account.updated_at,
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
pub struct DenyView {
    /// Where it begins.
    pub account_id: AccountId,
    /// What it takes away.
    pub rights: RightSet,
}

fn denies(list: &[Deny]) -> Vec<DenyView> {
    list.iter().map(|deny| DenyView { account_id: deny.account_id.clone(), rights: deny.rights.clone() }).collect()
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// The account at which its role is held.
    pub account_id: AccountId,
    /// Its name.
    pub name: Name,
    /// Its role.
    pub role: String,
    /// The secret, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What the newest secret begins with.
    pub prefix: Option<String>,
    /// The newest secret's last four characters.
    pub last4: Option<String>,
    /// Whether it is taken.
    pub status: KeyStatus,
    /// Until when the previous secret is taken too.
    pub previous_secret_expires_at: Option<Timestamp>,
    /// Rights taken away below.
    pub denies: Vec<DenyView>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
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
pub struct MemberView {
    /// Its id.
    pub id: MemberId,
    /// The account at which the role is held.
    pub account_id: AccountId,
    /// Where the person is reached.
    pub email: Email,
    /// The person's name.
    pub name: Option<Name>,
    /// The person's role.
    pub role: String,
    /// Rights taken away below.
    pub denies: Vec<DenyView>,
    /// Raised by one at each change; the `ETag`.
    pub version: i64,
    /// When they were added.
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
pub struct RoleView {
    /// Its id.
    pub id: RoleId,
    /// The account that defined it.
    pub account_id: AccountId,
    /// Its name.
    pub name: RoleName,
    /// What it carries.
    pub rights: RightSet,
    /// Raised by one at each change; the `ETag`.
    pub version: i64,
    /// When it was made.
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
