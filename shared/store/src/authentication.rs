//! Finding the caller behind a credential, and what a role gives.

use jiff::Timestamp;
use tributary_domain::id::AccountId;
use tributary_domain::rights::{Deny, Grants, RightSet, RoleRef};

use crate::Store;
use crate::codec::Reader;
use crate::commit::patiently;
use crate::error::{Denied, StoreError};
use crate::keys;
use crate::principals::ApiKey;
use crate::roles::CustomRole;

/// A caller, found by a credential.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The key.
    pub key: ApiKey,
    /// What it holds.
    pub grants: Grants,
    /// The custom role it holds that by, if it is one.
    pub role: Option<CustomRole>,
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
    /// The key behind a credential's hash, with what it holds: one read; a second for a custom role, a third if
    /// an account above defined it.
    /// `None` if there is none, or its time is over.
    ///
    /// # Errors
    /// Table errors.
    pub async fn authenticate(&self, hash: &str, now: Timestamp) -> Result<Option<Authenticated>, StoreError> {
        let key = keys::credential(hash);
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(None) };
        let key: ApiKey = Reader(&item).json("doc")?;
        if key.is_over(hash, now) {
            return Ok(None);
        }
        let role = self.role_held(&key.account_id, &key.role).await?;
        let rights = rights_of(&key.role, role.as_ref());
        let grants = grants(&key.account_id, key.at_operator, &key.role, rights, &key.denies);
        Ok(Some(Authenticated { key, grants, role }))
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
