//! Finding the caller behind a credential or a session, and what a role gives.

use jiff::Timestamp;
use tributary_domain::id::{AccountId, ActorId, ClockId};
use tributary_domain::rights::{Deny, Grants, RightSet, RoleRef};
use tributary_domain::session::Standing;

use crate::Store;
use crate::codec::Reader;
use crate::commit::patiently;
use crate::error::{Denied, StoreError};
use crate::grants::closed;
use crate::keys;
use crate::principals::{ApiKey, Member};
use crate::roles::CustomRole;

/// Who was found.
#[derive(Debug, Clone)]
pub enum Found {
    /// A key.
    Key(ApiKey),
    /// A member.
    Member(Member),
}

/// A caller, found by what it stands on.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The key or member.
    pub found: Found,
    /// What it holds.
    pub grants: Grants,
    /// The custom role it holds that by, if it is one.
    pub role: Option<CustomRole>,
}

impl Found {
    /// Its id.
    pub fn actor(&self) -> ActorId {
        match self {
            Found::Key(key) => key.id.clone().into(),
            Found::Member(member) => member.id.clone().into(),
        }
    }

    /// The account at which its role is held.
    pub fn account_id(&self) -> &AccountId {
        match self {
            Found::Key(key) => &key.account_id,
            Found::Member(member) => &member.account_id,
        }
    }

    /// Its version.
    pub fn version(&self) -> i64 {
        match self {
            Found::Key(key) => key.version,
            Found::Member(member) => member.version,
        }
    }

    /// The test clock that its account is on.
    pub fn clock(&self) -> Option<&ClockId> {
        match self {
            Found::Key(key) => key.clock.as_ref(),
            Found::Member(member) => member.clock.as_ref(),
        }
    }

    /// Whether its time, as found by `standing`, is over. A member's is when they are removed.
    pub fn is_over(&self, standing: &Standing, now: Timestamp) -> bool {
        match (self, standing) {
            (Found::Key(key), Standing::Key(hash)) => key.is_over(hash, now),
            (Found::Member(_), Standing::Member(..)) => false,
            (Found::Key(_), Standing::Member(..)) | (Found::Member(_), Standing::Key(_)) => true,
        }
    }

    fn held(&self) -> (bool, &RoleRef, &[Deny]) {
        match self {
            Found::Key(key) => (key.at_operator, &key.role, &key.denies),
            Found::Member(member) => (member.at_operator, &member.role, &member.denies),
        }
    }
}

fn rights_of(role: &RoleRef, custom: Option<&CustomRole>) -> RightSet {
    match role {
        RoleRef::BuiltIn(built_in) => built_in.rights(),
        RoleRef::Custom { .. } => custom.map(|role| role.rights.clone()).unwrap_or_default(),
    }
}

/// Turns a principal's role into the rights it carries.
fn grants(home: &AccountId, at_operator: bool, role: &RoleRef, rights: RightSet, denies: &[Deny]) -> Grants {
    Grants { home: home.clone(), home_is_operator: at_operator, role: role.word().to_owned(), rights, denies: denies.to_vec() }
}

impl Store {
    /// The key or member that a caller stands on, with what it holds: one read, of a member together with its account; a second
    /// for a custom role, a third if an account above defined it. `None` if there is none, its time is over, or the account is closed.
    ///
    /// # Errors
    /// Table errors.
    pub async fn authenticate(&self, standing: &Standing, now: Timestamp) -> Result<Option<Authenticated>, StoreError> {
        let Some(found) = self.found(standing).await?.filter(|found| !found.is_over(standing, now)) else { return Ok(None) };
        let home = found.account_id();
        let (at_operator, role_ref, denies) = found.held();
        let role = self.role_held(home, role_ref).await?;
        let grants = grants(home, at_operator, role_ref, rights_of(role_ref, role.as_ref()), denies);
        Ok(Some(Authenticated { found, grants, role }))
    }

    async fn found(&self, standing: &Standing) -> Result<Option<Found>, StoreError> {
        match standing {
            Standing::Key(hash) => {
                let key = keys::credential(hash);
                let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
                item.map(|item| Reader(&item).json("doc").map(Found::Key)).transpose()
            }
            // Closing an account revokes its keys; its members are as many as hundreds, and lose what they hold by its state.
            Standing::Member(account, member) => {
                let wanted = [keys::member(account, member), keys::account(account)];
                let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
                let [Some(member), account] = items.as_slice() else { return Ok(None) };
                if closed(account.as_ref())? { Ok(None) } else { Reader(member).json("doc").map(Found::Member).map(Some) }
            }
        }
    }

    /// What a role at an account carries now.
    ///
    /// # Errors
    /// Table errors. A custom role that was removed carries nothing.
    pub async fn grants_of(&self, home: &AccountId, at_operator: bool, role: &RoleRef, denies: &[Deny]) -> Result<Grants, StoreError> {
        let rights = rights_of(role, self.role_held(home, role).await?.as_ref());
        Ok(grants(home, at_operator, role, rights, denies))
    }

    /// The custom role that a grant at `home` names, if it still exists, and `home` still is, or stands below, the account
    /// that defined it: an account that was moved away takes no roles of its former ancestors along.
    async fn role_held(&self, home: &AccountId, role: &RoleRef) -> Result<Option<CustomRole>, StoreError> {
        let RoleRef::Custom { account_id, role_id, .. } = role else { return Ok(None) };
        if account_id != home && !self.account(home).await?.lineage.has(account_id) {
            return Ok(None);
        }
        match self.role(account_id, role_id).await {
            Ok(role) => Ok(Some(role)),
            Err(StoreError::Denied(Denied::Absent)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
