//! Custom roles: named sets of rights, defined at an account and known in its subtree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::id::{AccountId, RoleId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::{BuiltInRole, RightSet, RoleRef};
use tributary_domain::text::RoleName;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Refused, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::principals::{Grantor, grant_refusal, own_items, push_grant_checks};
use crate::table::{Action, Change, Cond, Item, Position, Value, Write, s};

/// The most custom roles of one account.
pub const MAX_ROLES: i64 = 50;

/// A custom role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// The account that defined it.
    pub account_id: AccountId,
    /// Its name; unique in the account, and not a built-in role's.
    pub name: RoleName,
    /// What it carries.
    pub rights: RightSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// Raised by one at each change.
    pub version: i64,
}

impl Store {
    /// A custom role, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn role(&self, account: &AccountId, id: &RoleId) -> Result<CustomRole, StoreError> {
        let key = keys::role(account, id);
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// A page of an account's own custom roles, oldest first: one query.
    ///
    /// # Errors
    /// Table errors.
    pub async fn account_roles(
        &self,
        account: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<CustomRole>, Option<Position>), StoreError> {
        self.documents(&own_items(account, "ROLE#", limit, start)).await
    }

    /// The role of that name as it is known at an account, and what it carries: a built-in one, or the nearest ancestor's
    /// (the account's own first).
    ///
    /// # Errors
    /// [`StoreError::UnknownRole`]; table errors.
    pub async fn role_named(&self, word: &str, account: &AccountId, lineage: &Lineage) -> Result<(RoleRef, RightSet), StoreError> {
        if let Some(built_in) = BuiltInRole::named(word) {
            return Ok((RoleRef::BuiltIn(built_in), built_in.rights()));
        }
        let name = RoleName::parse(word).map_err(|_| StoreError::UnknownRole)?;
        let nearest_first: Vec<&AccountId> = std::iter::once(account).chain(lineage.ids().rev()).collect();
        let wanted: Vec<_> = nearest_first.iter().map(|id| keys::role_name(id, name.as_str())).collect();
        let items = patiently(&self.patience, || self.table.batch_get(&wanted)).await?;
        let (home, item) = nearest_first.into_iter().zip(items).find_map(|(id, item)| Some((id, item?))).ok_or(StoreError::UnknownRole)?;
        let role = self.role(home, &Reader(&item).parsed("role")?).await?;
        Ok((RoleRef::Custom { account_id: role.account_id, role_id: role.id, name: role.name }, role.rights))
    }

    /// Stores a new role.
    ///
    /// # Errors
    /// [`StoreError::Taken`], [`StoreError::Limit`], [`StoreError::Conflict`] if the grantor changed.
    pub async fn add_role(
        &self,
        role: &CustomRole,
        grantor: Grantor<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Outcome<CustomRole>, StoreError> {
        if let Some(scope) = scope
            && let Some(first) = self.first_answer(scope).await?
        {
            return Ok(Outcome::Replayed(first));
        }
        if BuiltInRole::named(role.name.as_str()).is_some() {
            return Err(StoreError::Taken("the name of a built-in role"));
        }
        let mut tx = Tx::default();
        let guard = if scope.is_some() { Part::Plain } else { Part::Guard };
        if let Some(scope) = scope {
            tx.push(Part::Guard, Write::create(scope.key(), scope.record(role, &act.event)?));
        }
        push_event(&mut tx, guard, act, &role.account_id, "role.created", &detail!({ "role_id": role.id, "rights": role.rights }))?;
        tx.push(Part::Role, Write::create(keys::role(&role.account_id, &role.id), role_item(role)?));
        let mut name = Item::new();
        put(&mut name, "role", s(role.id.as_str()));
        tx.push(Part::Unique, Write::create(keys::role_name(&role.account_id, role.name.as_str()), name));
        let room = Cond::All(vec![Cond::Exists, Cond::Any(vec![Cond::Lacks("roles"), Cond::Lt("roles", Value::N(MAX_ROLES))])]);
        tx.push(Part::Account, Write::update(keys::account(&role.account_id), vec![Change::Add("roles", 1)], room));
        push_grant_checks(&mut tx, grantor, &RoleRef::BuiltIn(BuiltInRole::Viewer));
        match tx.commit(&*self.table, &self.patience).await? {
            Ok(()) => Ok(Outcome::Done(role.clone())),
            Err(refused) => match (refused.guard(), scope) {
                (Some(record), Some(scope)) => scope.outcome(record, &act.event),
                (Some(_), None) => Ok(Outcome::Done(role.clone())),
                (None, _) => Err(self.read_role_refusal(&refused)),
            },
        }
    }

    fn read_role_refusal(&self, refused: &Refused) -> StoreError {
        if refused.of(&Part::Unique).is_some() {
            return StoreError::Taken("the role's name");
        }
        if refused.of(&Part::Account).is_some() {
            return StoreError::Limit { what: "custom roles of one account", limit: MAX_ROLES };
        }
        grant_refusal(refused).err().unwrap_or(StoreError::Busy)
    }

    /// Sets what a role carries, at once for all who hold it. `may` is asked about the role as it was read.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`], what `may` refuses.
    pub async fn change_role(
        &self,
        account: &AccountId,
        id: &RoleId,
        rights: &RightSet,
        expected: Option<i64>,
        grantor: Grantor<'_>,
        act: &Act,
    ) -> Result<CustomRole, StoreError> {
        for _ in 0..REPLANS {
            let old = self.role(account, id).await?;
            if expected.is_some_and(|version| version != old.version) {
                return Err(StoreError::Stale(old.version));
            }
            let new = CustomRole { rights: rights.clone(), version: old.version + 1, ..old.clone() };
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account, "role.changed", &detail!({ "role_id": id, "rights": rights }))?;
            let as_read = Cond::Eq("ver", Value::N(old.version));
            tx.push(Part::Principal, Write { key: keys::role(account, id), action: Action::Put(role_item(&new)?), cond: Some(as_read) });
            push_grant_checks(&mut tx, grantor, &RoleRef::BuiltIn(BuiltInRole::Viewer));
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return Ok(new),
                Err(refused) => grant_refusal(&refused)?,
            }
        }
        Err(StoreError::Busy)
    }

    /// Removes a role; who holds it then holds nothing by it.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if there is none.
    pub async fn remove_role(&self, account: &AccountId, id: &RoleId, act: &Act) -> Result<CustomRole, StoreError> {
        for _ in 0..REPLANS {
            let role = self.role(account, id).await?;
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account, "role.removed", &detail!({ "role_id": id }))?;
            tx.push(Part::Principal, Write::delete(keys::role(account, id), Cond::Eq("ver", Value::N(role.version))));
            tx.push(Part::Plain, Write { key: keys::role_name(account, role.name.as_str()), action: Action::Delete, cond: None });
            tx.push(Part::Plain, Write::update(keys::account(account), vec![Change::Add("roles", -1)], Cond::Exists));
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(role),
                Err(refused) if refused.guard().is_some() => return Ok(role),
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
    }
}

fn role_item(role: &CustomRole) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(role)?);
    put(&mut item, "ver", Value::N(role.version));
    Ok(item)
}
