//! Keys and members: who holds which role where, and what was denied them below.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::account::{Account, Status};
use tributary_domain::id::{AccountId, KeyId, MemberId};
use tributary_domain::rights::{Deny, Grants, MAX_DENIES, RightSet, RoleRef};
use tributary_domain::text::{Email, Name};

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::roles::CustomRole;
use crate::table::{Action, Change, Cond, Item, Key, Position, Query, SortRange, Value, Write, s};

/// The most keys of one account that are not revoked.
pub const MAX_KEYS: i64 = 20;
/// The most members of one account.
pub const MAX_MEMBERS: i64 = 500;

/// One of a key's secrets; two are active while it is being rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// HMAC of the secret under the pepper.
    pub hash: String,
    /// What the secret begins with.
    pub prefix: String,
    /// Its last four characters.
    pub last4: String,
    /// From when it is no longer taken.
    pub expires_at: Option<Timestamp>,
}

/// An API key. Its secrets are not kept, only their hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The account at which its role is held.
    pub account_id: AccountId,
    /// That account is the operator's.
    pub at_operator: bool,
    /// Its name.
    pub name: Name,
    /// Its role.
    pub role: RoleRef,
    /// What was denied it below.
    pub denies: Vec<Deny>,
    /// The active secrets, the newest first; none once it is revoked.
    pub secrets: Vec<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Raised by one at each change.
    pub version: i64,
}

/// A person of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// The account at which its role is held.
    pub account_id: AccountId,
    /// That account is the operator's.
    pub at_operator: bool,
    /// Where the person is reached; unique in the account.
    pub email: Email,
    /// The person's name.
    pub name: Option<Name>,
    /// The person's role.
    pub role: RoleRef,
    /// What was denied them below.
    pub denies: Vec<Deny>,
    /// When they were added.
    pub created_at: Timestamp,
    /// Raised by one at each change.
    pub version: i64,
}

/// What a grant rests on, checked again when it commits.
#[derive(Debug, Clone, Copy)]
pub struct Grantor<'a> {
    /// Hash of the credential the caller used.
    pub hash: &'a str,
    /// Version of the key the caller's rights were read from.
    pub version: i64,
    /// The custom role they were read from too, and its version.
    pub role: Option<&'a CustomRole>,
}

/// Who is granted something: a key or a member.
pub trait Principal: Serialize + serde::de::DeserializeOwned + Clone + Send + Sync {
    /// Where it is kept.
    fn key(&self) -> Key;
    /// Its denies.
    fn denies(&mut self) -> &mut Vec<Deny>;
    /// The account it belongs to.
    fn account_id(&self) -> &AccountId;
    /// Its version.
    fn version(&self) -> i64;
    /// Raises its version by one.
    fn raise_version(&mut self);
    /// Where the same is kept for looking up by credential.
    fn credentials(&self) -> Vec<Key>;
    /// Whether it is at its end and takes no more changes.
    fn ended(&self) -> bool;
}

impl Principal for ApiKey {
    fn key(&self) -> Key {
        keys::api_key(&self.account_id, &self.id)
    }

    fn denies(&mut self) -> &mut Vec<Deny> {
        &mut self.denies
    }

    fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn raise_version(&mut self) {
        self.version += 1;
    }

    fn credentials(&self) -> Vec<Key> {
        self.secrets.iter().map(|secret| keys::credential(&secret.hash)).collect()
    }

    fn ended(&self) -> bool {
        self.revoked_at.is_some()
    }
}

impl Principal for Member {
    fn key(&self) -> Key {
        keys::member(&self.account_id, &self.id)
    }

    fn denies(&mut self) -> &mut Vec<Deny> {
        &mut self.denies
    }

    fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn raise_version(&mut self) {
        self.version += 1;
    }

    fn credentials(&self) -> Vec<Key> {
        Vec::new()
    }

    fn ended(&self) -> bool {
        false
    }
}

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
pub(crate) fn grants(home: &AccountId, at_operator: bool, role: &RoleRef, rights: RightSet, denies: &[Deny]) -> Grants {
    Grants { home: home.clone(), home_is_operator: at_operator, role: role.word().to_owned(), rights, denies: denies.to_vec() }
}

impl Store {
    /// The key behind a credential's hash, with what it holds: one read, and one more if its role is a custom one.
    /// `None` if there is none, or its time is over.
    ///
    /// # Errors
    /// Table errors.
    pub async fn authenticate(&self, hash: &str, now: Timestamp) -> Result<Option<Authenticated>, StoreError> {
        let key = keys::credential(hash);
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(None) };
        let key: ApiKey = Reader(&item).json("doc")?;
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        let secret_over = key.secrets.iter().find(|secret| secret.hash == hash).is_none_or(|secret| over(secret.expires_at));
        if key.revoked_at.is_some() || over(key.expires_at) || secret_over {
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

    /// Stores a new key, if the grantor still stands as read and the account has room.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Limit`], [`StoreError::AccountState`].
    pub async fn add_key(
        &self,
        key: &ApiKey,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Outcome<ApiKey>, StoreError> {
        let room = Write::update(keys::account(&key.account_id), vec![Change::Add("keys", 1)], room("keys", MAX_KEYS));
        let limit = StoreError::Limit { what: "keys of one account", limit: MAX_KEYS };
        self.add_principal(key, &key.account_id, &key.role, None, room, limit, grantor, authority, act, scope, "key.created").await
    }

    /// Stores a new member, if the grantor still stands as read and the account has room.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Limit`], [`StoreError::Taken`].
    pub async fn add_member(
        &self,
        member: &Member,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
    ) -> Result<Outcome<Member>, StoreError> {
        let room = Write::update(keys::account(&member.account_id), vec![Change::Add("members", 1)], room("members", MAX_MEMBERS));
        let limit = StoreError::Limit { what: "members of one account", limit: MAX_MEMBERS };
        let unique = Write::create(keys::member_email(&member.account_id, &member.email.as_str().to_lowercase()), Item::new());
        self.add_principal(
            member,
            &member.account_id,
            &member.role,
            Some(unique),
            room,
            limit,
            grantor,
            authority,
            act,
            scope,
            "member.added",
        )
        .await
    }

    #[expect(clippy::too_many_arguments, reason = "what keys and members differ in, named at the two calls above")]
    async fn add_principal<P: Principal>(
        &self,
        principal: &P,
        account_id: &AccountId,
        role: &RoleRef,
        unique: Option<Write>,
        room: Write,
        limit: StoreError,
        grantor: Grantor<'_>,
        authority: Authority<'_>,
        act: &Act,
        scope: Option<&Scope>,
        kind: &str,
    ) -> Result<Outcome<P>, StoreError> {
        if let Some(scope) = scope
            && let Some(first) = self.first_answer(scope).await?
        {
            return Ok(Outcome::Replayed(first));
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let account = self.account_to_change(account_id, authority, resolve).await?;
            refuse_closed(&account)?;
            let mut tx = Tx::default();
            let guard = if scope.is_some() { Part::Plain } else { Part::Guard };
            push_event(&mut tx, guard, act, account_id, kind, &detail!({ "role": role.word() }))?;
            if let Some(scope) = scope {
                tx.push(Part::Guard, Write::create(scope.key(), scope.record(principal, &act.event)?));
            }
            let item = principal_item(principal)?;
            for key in principal.credentials() {
                tx.push(Part::Plain, Write::create(key, item.clone()));
            }
            tx.push(Part::Principal, Write::create(principal.key(), item));
            tx.push(Part::Account, room.clone());
            if let Some(unique) = &unique {
                tx.push(Part::Unique, unique.clone());
            }
            push_grant_checks(&mut tx, grantor, role);
            let checks = place_checks_of_own(&account, authority.home);
            gates::push_checks(&mut tx, &checks, account_id.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(Outcome::Done(principal.clone())),
                Err(refused) => refused,
            };
            match (refused.guard(), scope) {
                (Some(record), Some(scope)) => return scope.outcome(record, &act.event),
                (Some(_), None) => return Ok(Outcome::Done(principal.clone())),
                (None, _) => {}
            }
            if refused.of(&Part::Unique).is_some() {
                return Err(StoreError::Taken("the e-mail address"));
            }
            if let Some(item) = refused.of(&Part::Account) {
                return Err(if closed(item)? { StoreError::AccountState("closed") } else { limit });
            }
            grant_refusal(&refused)?;
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    /// Changes a key or member by `change`, in every place it is kept. Credentials that `change` drops are removed. What
    /// the change rests on is held until the commit: the account's place, the version that was judged, and with `grants`
    /// the grantor's own rights.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if it does not exist; what `change` refuses; [`StoreError::Conflict`] if it has ended, or has
    /// changed since it was judged.
    pub async fn change_principal<P: Principal>(
        &self,
        judged: &P,
        authority: Authority<'_>,
        grants: Option<(Grantor<'_>, &RoleRef)>,
        act: &Act,
        kind: &str,
        change: impl Fn(&mut P) -> Result<(), StoreError>,
    ) -> Result<P, StoreError> {
        let (key, account_id) = (judged.key(), judged.account_id());
        let mut resolve = false;
        for _ in 0..REPLANS {
            let account = self.account_to_change(account_id, authority, resolve).await?;
            refuse_closed(&account)?;
            let old: P = self.principal(&key).await?;
            if old.ended() {
                return Err(StoreError::Conflict("the key is revoked"));
            }
            if old.version() != judged.version() {
                return Err(CHANGED);
            }
            let mut new = old.clone();
            change(&mut new)?;
            new.raise_version();
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account_id, kind, &detail!({ "principal": key.sk }))?;
            let before = push_principal_change(&mut tx, &old, &new)?;
            if new.ended() {
                tx.push(Part::Plain, Write::update(keys::account(account_id), vec![Change::Add("keys", -1)], Cond::Exists));
            }
            if let Some((grantor, role)) = grants
                && !before.contains(&keys::credential(grantor.hash))
            {
                push_grant_checks(&mut tx, grantor, role);
            }
            let checks = place_checks_of_own(&account, authority.home);
            gates::push_checks(&mut tx, &checks, account_id.as_str());
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return Ok(new),
                Err(refused) => {
                    grant_refusal(&refused)?;
                    resolve = read_gates(&refused, &checks)?;
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Removes a member, if it is as it was judged.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if there is none; [`StoreError::Conflict`] if it has changed since.
    pub async fn remove_member(&self, member: &Member, authority: Authority<'_>, act: &Act) -> Result<(), StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let account = self.account_to_change(&member.account_id, authority, resolve).await?;
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, &account.id, "member.removed", &detail!({ "member_id": member.id }))?;
            tx.push(Part::Principal, Write::delete(member.key(), Cond::Eq("ver", Value::N(member.version))));
            let unique = keys::member_email(&account.id, &member.email.as_str().to_lowercase());
            tx.push(Part::Plain, Write { key: unique, action: Action::Delete, cond: None });
            tx.push(Part::Plain, Write::update(keys::account(&account.id), vec![Change::Add("members", -1)], Cond::Exists));
            let checks = place_checks_of_own(&account, authority.home);
            gates::push_checks(&mut tx, &checks, account.id.as_str());
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(()),
                Err(refused) if refused.guard().is_some() => return Ok(()),
                Err(refused) if refused.of(&Part::Principal).is_some() => return Err(CHANGED),
                Err(refused) => resolve = read_gates(&refused, &checks)?,
            }
        }
        Err(StoreError::Busy)
    }

    /// Every key of an account that is not revoked: at most [`MAX_KEYS`], among however many that are.
    pub(crate) async fn live_keys(&self, account: &AccountId) -> Result<Vec<ApiKey>, StoreError> {
        let (mut live, mut start) = (Vec::new(), None);
        loop {
            let (keys, next) = self.account_keys(account, 0, start).await?;
            live.extend(keys.into_iter().filter(|key: &ApiKey| !key.ended()));
            match next {
                Some(next) => start = Some(next),
                None => return Ok(live),
            }
        }
    }

    /// A key or member, strongly consistent: one read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn principal<P: Principal>(&self, key: &Key) -> Result<P, StoreError> {
        let item = patiently(&self.patience, || self.table.get(key, true)).await?;
        Reader(&item.ok_or(Denied::Absent)?).json("doc")
    }

    /// A key or member by its id, whose home is one of `homes`: one batch read.
    ///
    /// # Errors
    /// [`Denied::Absent`]; table errors.
    pub async fn principal_among<P: Principal>(&self, keys: &[Key]) -> Result<P, StoreError> {
        let items = patiently(&self.patience, || self.table.batch_get(keys)).await?;
        let item = items.into_iter().flatten().next().ok_or(Denied::Absent)?;
        Reader(&item).json("doc")
    }

    /// A page of an account's keys, oldest first, strongly consistent: one query.
    ///
    /// # Errors
    /// Table errors.
    pub async fn account_keys(
        &self,
        account: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<ApiKey>, Option<Position>), StoreError> {
        self.documents(&own_items(account, "KEY#", limit, start)).await
    }

    /// A page of an account's members, oldest first, strongly consistent: one query.
    ///
    /// # Errors
    /// Table errors.
    pub async fn account_members(
        &self,
        account: &AccountId,
        limit: usize,
        start: Option<Position>,
    ) -> Result<(Vec<Member>, Option<Position>), StoreError> {
        self.documents(&own_items(account, "MEM#", limit, start)).await
    }

    pub(crate) async fn documents<T: serde::de::DeserializeOwned>(&self, query: &Query) -> Result<(Vec<T>, Option<Position>), StoreError> {
        let page = patiently(&self.patience, || self.table.query(query)).await?;
        let documents = page.items.iter().map(|item| Reader(item).json("doc")).collect::<Result<_, _>>()?;
        Ok((documents, page.next))
    }
}

/// A query of an account's own items of one kind.
pub(crate) fn own_items(account: &AccountId, prefix: &str, limit: usize, start: Option<Position>) -> Query {
    Query::table(keys::account_partition(account), SortRange::BeginsWith(prefix.to_owned())).limit(limit).after(start)
}

/// The account is not closed, and has fewer than `limit` of what `counter` counts.
pub(crate) fn room(counter: &'static str, limit: i64) -> Cond {
    let open = [Status::Active, Status::Suspended].map(|status| Cond::Eq("st", s(status.word())));
    Cond::All(vec![Cond::Any(open.into()), Cond::Any(vec![Cond::Lacks(counter), Cond::Lt(counter, Value::N(limit))])])
}

fn principal_item<P: Principal>(principal: &P) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(principal)?);
    put(&mut item, "ver", Value::N(principal.version()));
    Ok(item)
}

/// Adds the writes that take a key or member from `old` to `new`, and returns where its credentials were.
pub(crate) fn push_principal_change<P: Principal>(tx: &mut Tx, old: &P, new: &P) -> Result<Vec<Key>, StoreError> {
    let item = principal_item(new)?;
    let (before, after) = (old.credentials(), new.credentials());
    for credential in &after {
        tx.push(Part::Plain, Write::put(credential.clone(), item.clone()));
    }
    for credential in before.iter().filter(|credential| !after.contains(credential)) {
        tx.push(Part::Plain, Write { key: credential.clone(), action: Action::Delete, cond: None });
    }
    let as_read = Cond::Eq("ver", Value::N(old.version()));
    tx.push(Part::Principal, Write { key: old.key(), action: Action::Put(item), cond: Some(as_read) });
    Ok(before)
}

fn refuse_closed(account: &Account) -> Result<(), StoreError> {
    match account.status {
        Status::Closed => Err(StoreError::AccountState("closed")),
        Status::Active | Status::Suspended => Ok(()),
    }
}

/// Whether an account's item says closed.
pub(crate) fn closed(item: Option<&Item>) -> Result<bool, StoreError> {
    item.map_or(Ok(true), |item| Ok(Reader(item).word::<Status>("st")? == Status::Closed))
}

const CHANGED: StoreError = StoreError::Conflict("it was changed meanwhile; read it and ask again");

/// Adds the checks that what a grant rests on still stands: the grantor's key, and the role.
pub(crate) fn push_grant_checks(tx: &mut Tx, grantor: Grantor<'_>, role: &RoleRef) {
    tx.push(Part::Grantor, Write::check(keys::credential(grantor.hash), Cond::Eq("ver", Value::N(grantor.version))));
    let own = grantor.role.map(|role| (keys::role(&role.account_id, &role.id), role.version));
    if let Some((key, version)) = &own {
        tx.push(Part::Grantor, Write::check(key.clone(), Cond::Eq("ver", Value::N(*version))));
    }
    if let RoleRef::Custom { account_id, role_id, .. } = role {
        let key = keys::role(account_id, role_id);
        if own.is_none_or(|(own, _)| own != key) {
            tx.push(Part::Role, Write::check(key, Cond::Exists));
        }
    }
}

/// A refused check of a grant, as an error; anything else is for the caller to plan anew.
pub(crate) fn grant_refusal(refused: &crate::commit::Refused) -> Result<(), StoreError> {
    if refused.of(&Part::Grantor).is_some() {
        return Err(StoreError::Conflict("your own rights were just changed; ask again"));
    }
    if refused.of(&Part::Role).is_some() {
        return Err(StoreError::UnknownRole);
    }
    Ok(())
}

/// Sets or, with no rights, lifts the deny at `at`.
///
/// # Errors
/// [`StoreError::Limit`] over [`MAX_DENIES`].
pub fn set_deny(denies: &mut Vec<Deny>, at: &AccountId, rights: &RightSet) -> Result<(), StoreError> {
    denies.retain(|deny| &deny.account_id != at);
    if !rights.is_empty() {
        denies.push(Deny { account_id: at.clone(), rights: rights.clone() });
    }
    if denies.len() > MAX_DENIES {
        return Err(StoreError::Limit { what: "denies of one key or member", limit: i64::try_from(MAX_DENIES).unwrap_or(i64::MAX) });
    }
    Ok(())
}
