//! Keys and members: who holds which role where, and what was denied them below.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json as detail;
use tributary_domain::id::{AccountId, KeyId, MemberId};
use tributary_domain::rights::{BuiltInRole, Deny, Grants, MAX_DENIES, RightSet, RoleRef};
use tributary_domain::text::{Email, Name};

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks, read_gates};
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope};
use crate::keys;
use crate::table::{Action, Change, Cond, Item, Key, Position, Query, SortRange, Value, Write};

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
}

/// Who is granted something: a key or a member.
pub trait Principal: Serialize + serde::de::DeserializeOwned + Clone + Send + Sync {
    /// Where it is kept.
    fn key(&self) -> Key;
    /// Its denies.
    fn denies(&mut self) -> &mut Vec<Deny>;
    /// Its version.
    fn version(&mut self) -> &mut i64;
    /// Where the same is kept for looking up by credential, and until when.
    fn credentials(&self) -> Vec<(Key, Option<Timestamp>)>;
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

    fn version(&mut self) -> &mut i64 {
        &mut self.version
    }

    fn credentials(&self) -> Vec<(Key, Option<Timestamp>)> {
        self.secrets.iter().map(|secret| (keys::credential(&secret.hash), secret.expires_at)).collect()
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

    fn version(&mut self) -> &mut i64 {
        &mut self.version
    }

    fn credentials(&self) -> Vec<(Key, Option<Timestamp>)> {
        Vec::new()
    }

    fn ended(&self) -> bool {
        false
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
    pub async fn authenticate(&self, hash: &str, now: Timestamp) -> Result<Option<(ApiKey, Grants)>, StoreError> {
        let key = keys::credential(hash);
        let Some(item) = patiently(&self.patience, || self.table.get(&key, true)).await? else { return Ok(None) };
        let key: ApiKey = Reader(&item).json("doc")?;
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        let secret_over = key.secrets.iter().find(|secret| secret.hash == hash).is_none_or(|secret| over(secret.expires_at));
        if key.revoked_at.is_some() || over(key.expires_at) || secret_over {
            return Ok(None);
        }
        let grants = self.grants_of(&key.account_id, key.at_operator, &key.role, &key.denies).await?;
        Ok(Some((key, grants)))
    }

    /// What a role at an account carries now.
    ///
    /// # Errors
    /// Table errors. A custom role that was removed carries nothing.
    pub async fn grants_of(&self, home: &AccountId, at_operator: bool, role: &RoleRef, denies: &[Deny]) -> Result<Grants, StoreError> {
        let rights = match role {
            RoleRef::BuiltIn(built_in) => built_in.rights(),
            RoleRef::Custom { account_id, role_id, .. } => match self.role(account_id, role_id).await {
                Ok(role) => role.rights,
                Err(StoreError::Denied(Denied::Absent)) => RightSet::new(),
                Err(error) => return Err(error),
            },
        };
        Ok(grants(home, at_operator, role, rights, denies))
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
        let room = Write::update(
            keys::account(&key.account_id),
            vec![Change::Add("keys", 1)],
            Cond::All(vec![Cond::Exists, Cond::Any(vec![Cond::Lacks("keys"), Cond::Lt("keys", Value::N(MAX_KEYS))])]),
        );
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
        let room = Write::update(
            keys::account(&member.account_id),
            vec![Change::Add("members", 1)],
            Cond::All(vec![Cond::Exists, Cond::Any(vec![Cond::Lacks("members"), Cond::Lt("members", Value::N(MAX_MEMBERS))])]),
        );
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
            if account.status == tributary_domain::account::Status::Closed {
                return Err(StoreError::AccountState("closed"));
            }
            let mut tx = Tx::default();
            let guard = if scope.is_some() { Part::Plain } else { Part::Guard };
            push_event(&mut tx, guard, act, account_id, kind, &detail!({ "role": role.word() }))?;
            if let Some(scope) = scope {
                tx.push(Part::Guard, Write::create(scope.key(), scope.record(principal, &act.event)?));
            }
            let item = principal_item(principal)?;
            for (key, _) in principal.credentials() {
                tx.push(Part::Plain, Write::create(key, item.clone()));
            }
            tx.push(Part::Principal, Write::create(principal.key(), item));
            tx.push(Part::Account, room.clone());
            if let Some(unique) = &unique {
                tx.push(Part::Unique, unique.clone());
            }
            push_grant_checks(&mut tx, grantor, role);
            let checks = place_checks(&account, authority.home);
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
            if refused.of(&Part::Account).is_some() {
                return Err(limit);
            }
            grant_refusal(&refused)?;
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    /// Changes a key or member by `change`, in every place it is kept. Credentials that `change` drops are removed.
    /// `grants` holds the grantor's key to the version read, for changes that give rights.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if it does not exist; what `change` refuses; [`StoreError::Conflict`] if it has ended.
    pub async fn change_principal<P: Principal>(
        &self,
        key: &Key,
        account_id: &AccountId,
        grants: Option<(Grantor<'_>, &RoleRef)>,
        act: &Act,
        kind: &str,
        change: impl Fn(&mut P) -> Result<(), StoreError>,
    ) -> Result<P, StoreError> {
        for _ in 0..REPLANS {
            let item = patiently(&self.patience, || self.table.get(key, true)).await?;
            let mut old: P = Reader(&item.ok_or(Denied::Absent)?).json("doc")?;
            if old.ended() {
                return Err(StoreError::Conflict("the key is revoked"));
            }
            let mut new = old.clone();
            change(&mut new)?;
            *new.version() += 1;
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account_id, kind, &detail!({ "principal": key.sk }))?;
            let item = principal_item(&new)?;
            let (before, after) = (old.credentials(), new.credentials());
            for (credential, _) in &after {
                tx.push(Part::Plain, Write::put(credential.clone(), item.clone()));
            }
            for (credential, _) in before.iter().filter(|(key, _)| !after.iter().any(|(kept, _)| kept == key)) {
                tx.push(Part::Plain, Write { key: credential.clone(), action: Action::Delete, cond: None });
            }
            let as_read = Cond::Eq("ver", Value::N(*old.version()));
            tx.push(Part::Principal, Write { key: key.clone(), action: Action::Put(item), cond: Some(as_read) });
            if new.ended() {
                tx.push(Part::Plain, Write::update(keys::account(account_id), vec![Change::Add("keys", -1)], Cond::Exists));
            }
            if let Some((grantor, role)) = grants
                && !before.iter().any(|(credential, _)| credential == &keys::credential(grantor.hash))
            {
                push_grant_checks(&mut tx, grantor, role);
            }
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(new),
                Err(refused) if refused.guard().is_some() => return Ok(new),
                Err(refused) => grant_refusal(&refused)?,
            }
        }
        Err(StoreError::Busy)
    }

    /// Removes a member.
    ///
    /// # Errors
    /// [`StoreError::Denied`] if there is none.
    pub async fn remove_member(&self, account_id: &AccountId, id: &MemberId, act: &Act) -> Result<Member, StoreError> {
        for _ in 0..REPLANS {
            let member: Member = self.principal(&keys::member(account_id, id)).await?;
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, account_id, "member.removed", &detail!({ "member_id": id }))?;
            tx.push(Part::Principal, Write::delete(keys::member(account_id, id), Cond::Eq("ver", Value::N(member.version))));
            let unique = keys::member_email(account_id, &member.email.as_str().to_lowercase());
            tx.push(Part::Plain, Write { key: unique, action: Action::Delete, cond: None });
            tx.push(Part::Plain, Write::update(keys::account(account_id), vec![Change::Add("members", -1)], Cond::Exists));
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => return Ok(member),
                Err(refused) if refused.guard().is_some() => return Ok(member),
                Err(_) => {}
            }
        }
        Err(StoreError::Busy)
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

    pub(crate) async fn read_keys(&self, query: &Query) -> Result<(Vec<ApiKey>, Option<Position>), StoreError> {
        self.documents(query).await
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

fn principal_item<P: Principal>(principal: &P) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "doc", json(principal)?);
    put(&mut item, "ver", Value::N(*principal.clone().version()));
    Ok(item)
}

/// Adds the checks that what a grant rests on still stands: the grantor's key, and the role.
pub(crate) fn push_grant_checks(tx: &mut Tx, grantor: Grantor<'_>, role: &RoleRef) {
    tx.push(Part::Grantor, Write::check(keys::credential(grantor.hash), Cond::Eq("ver", Value::N(grantor.version))));
    match role {
        RoleRef::BuiltIn(BuiltInRole::Owner | BuiltInRole::Admin | BuiltInRole::Billing | BuiltInRole::Support | BuiltInRole::Viewer) => {}
        RoleRef::Custom { account_id, role_id, .. } => tx.push(Part::Role, Write::check(keys::role(account_id, role_id), Cond::Exists)),
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
