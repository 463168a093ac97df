//! Custom roles: named sets of rights, defined at an account and known in its subtree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, RoleId};
use tributary_domain::lineage::Lineage;
use tributary_domain::rights::{BuiltInRole, RightSet, RoleRef};
use tributary_domain::text::RoleName;

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::grants::{closed, grant_refusal, push_grant_checks, room};
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::keys;
use crate::principals::{Grantor, own_items};
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
    /// [`StoreError::Taken`], [`StoreError::Limit`], [`StoreError::AccountState`], [`StoreError::Conflict`] if the grantor
    /// changed.
    pub async fn add_role(
        &self,
        role: &CustomRole,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Outcome<CustomRole>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        if BuiltInRole::named(role.name.as_str()).is_some() {
            return Err(StoreError::Taken("the name of a built-in role"));
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let account = self.account_to_change(&role.account_id, authority, resolve).await?;
            let mut tx = Tx::default();
            push_record(&mut tx, scope, role, act)?;
            push_event(
                &mut tx,
                guard_without(scope),
                act,
                &role.account_id,
                RecordKind::RoleCreated,
                &detail!({ "role_id": role.id, "rights": role.rights }),
            )?;
            tx.push(Part::Principal, Write::create(keys::role(&role.account_id, &role.id), role_item(role)?));
            let mut name = Item::new();
            put(&mut name, "role", s(role.id.as_str()));
            tx.push(Part::Unique, Write::create(keys::role_name(&role.account_id, role.name.as_str()), name));
            tx.push(Part::Account, Write::update(keys::account(&role.account_id), vec![Change::Add("roles", 1)], room("roles", MAX_ROLES)));
            push_grant_checks(&mut tx, grantor, &NO_ROLE);
            let checks = place_checks_of_own(&account, authority.home);
            gates::push_checks(&mut tx, &checks, account.id.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(role.clone())),
                Err(refused) => refused,
            };
            if let Some(done) = if_done(scope, &refused, &act.event, async { Ok(role.clone()) }).await? {
                return Ok(done);
            }
            if refused.of(&Part::Unique).is_some() {
                return Err(StoreError::Taken("the role's name"));
            }
            if let Some(item) = refused.of(&Part::Account) {
                let limit = StoreError::Limit { what: "custom roles of one account", limit: MAX_ROLES };
                return Err(if closed(item)? { StoreError::AccountState("closed") } else { limit });
            }
            grant_refusal(&refused)?;
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    /// Sets what a role carries, at once for all who hold it, if it is as it was judged.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Stale`] if it has changed since.
    pub async fn change_role(
        &self,
        judged: &CustomRole,
        rights: &RightSet,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
    ) -> Result<CustomRole, StoreError> {
        let new = CustomRole { rights: rights.clone(), version: judged.version + 1, ..judged.clone() };
        let put = Action::Put(role_item(&new)?);
        let detail = detail!({ "role_id": judged.id, "rights": rights });
        self.write_role(judged, &put, grantor, authority, act, (RecordKind::RoleChanged, detail)).await?;
        Ok(new)
    }

    /// Removes a role, if it is as it was judged; who holds it then holds nothing by it.
    ///
    /// # Errors
    /// [`StoreError::Denied`]; [`StoreError::Stale`] if it has changed since.
    pub async fn remove_role(
        &self,
        judged: &CustomRole,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
    ) -> Result<(), StoreError> {
        let detail = detail!({ "role_id": judged.id });
        self.write_role(judged, &Action::Delete, grantor, authority, act, (RecordKind::RoleRemoved, detail)).await
    }

    async fn write_role(
        &self,
        judged: &CustomRole,
        action: &Action,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
        event: (RecordKind, serde_json::Value),
    ) -> Result<(), StoreError> {
        let (own, mut resolve) = (keys::role(&judged.account_id, &judged.id), false);
        for _ in 0..REPLANS {
            let account = self.account_to_change(&judged.account_id, authority, resolve).await?;
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, &account.id, event.0, &event.1)?;
            let as_read = Cond::Eq("ver", Value::N(judged.version));
            tx.push(Part::Principal, Write { key: own.clone(), action: action.clone(), cond: Some(as_read) });
            if *action == Action::Delete {
                tx.push(Part::Plain, Write { key: keys::role_name(&account.id, judged.name.as_str()), action: Action::Delete, cond: None });
                tx.push(Part::Plain, Write::update(keys::account(&account.id), vec![Change::Add("roles", -1)], Cond::Exists));
            }
            // Whoever holds the very role that is written is held to its version by the write itself.
            let grantor = Grantor { role: grantor.role.filter(|role| role.id != judged.id), ..grantor };
            push_grant_checks(&mut tx, grantor, &NO_ROLE);
            let checks = place_checks_of_own(&account, authority.home);
            gates::push_checks(&mut tx, &checks, account.id.as_str());
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(()),
                Err(refused) if refused.guard().is_some() => return Ok(()),
                Err(refused) if refused.of(&Part::Principal).is_some() => {
                    return Err(StoreError::Stale(self.role(&judged.account_id, &judged.id).await?.version));
                }
                Err(refused) => {
                    grant_refusal(&refused)?;
                    resolve = read_gates(&refused, &checks)?;
                }
            }
        }
        Err(StoreError::Busy)
    }
}

/// A grant that names no custom role.
const NO_ROLE: RoleRef = RoleRef::BuiltIn(BuiltInRole::Viewer);

fn role_item(role: &CustomRole) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(role)?);
    put(&mut item, "ver", Value::N(role.version));
    Ok(item)
}
