//! Giving and taking rights: every write of a key or member, held until the commit to what it rests on.

use serde_json::json as detail;
use tributary_domain::account::{Account, Status};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;
use tributary_domain::rights::RoleRef;

use crate::Store;
use crate::accounts::{Authority, REPLANS, place_checks_of_own, read_gates};
use crate::codec::{Reader, json, put};
use crate::commit::{Part, Tx};
use crate::error::StoreError;
use crate::events::{Act, push_event};
use crate::gates;
use crate::idempotency::{Outcome, Scope, guard_without, if_done, push_record};
use crate::keys;
use crate::principals::{ApiKey, Grantor, MAX_KEYS, MAX_MEMBERS, Member, Principal};
use crate::table::{Action, Change, Cond, Item, Key, Value, Write, s};
use crate::test_clocks::ON_CLOCK;

impl Store {
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
        let mut room = room("keys", MAX_KEYS);
        if key.clock.is_none() {
            // Or the key would not know of a clock that its account was put on meanwhile.
            room = Cond::All(vec![room, Cond::Lacks(ON_CLOCK)]);
        }
        let room = Write::update(keys::account(&key.account_id), vec![Change::Add("keys", 1)], room);
        let limit = StoreError::Limit { what: "keys of one account", limit: MAX_KEYS };
        let kind = RecordKind::KeyCreated;
        match self.add_principal(key, &key.account_id, &key.role, None, room, limit, grantor, authority, act, scope, kind).await {
            Err(StoreError::Limit { .. }) if key.clock.is_none() && self.test_clock_of(&key.account_id).await?.is_some() => Err(CHANGED),
            added => added,
        }
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
        let mut room = room("members", MAX_MEMBERS);
        if member.clock.is_none() {
            // As for keys.
            room = Cond::All(vec![room, Cond::Lacks(ON_CLOCK)]);
        }
        let room = Write::update(keys::account(&member.account_id), vec![Change::Add("members", 1)], room);
        let limit = StoreError::Limit { what: "members of one account", limit: MAX_MEMBERS };
        let unique = Write::create(keys::member_email(&member.account_id, &member.email.as_str().to_lowercase()), Item::new());
        let kind = RecordKind::MemberAdded;
        match self
            .add_principal(member, &member.account_id, &member.role, Some(unique), room, limit, grantor, authority, act, scope, kind)
            .await
        {
            Err(StoreError::Limit { .. }) if member.clock.is_none() && self.test_clock_of(&member.account_id).await?.is_some() => {
                Err(CHANGED)
            }
            added => added,
        }
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
        kind: RecordKind,
    ) -> Result<Outcome<P>, StoreError> {
        if let Some(first) = self.replayed(scope).await? {
            return Ok(first);
        }
        let mut resolve = false;
        for _ in 0..REPLANS {
            let account = self.account_to_change(account_id, authority, resolve).await?;
            refuse_closed(&account)?;
            let mut tx = Tx::default();
            push_event(&mut tx, guard_without(scope), act, account_id, kind, &with_role(principal, role))?;
            push_record(&mut tx, scope, principal, act)?;
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
            if let Some(done) = if_done(scope, &refused, &act.event, async { Ok(principal.clone()) }).await? {
                return Ok(done);
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
        kind: RecordKind,
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
            push_event(&mut tx, Part::Guard, act, account_id, kind, &named(judged))?;
            let before = push_principal_change(&mut tx, &old, &new)?;
            if new.ended() {
                tx.push(Part::Plain, Write::update(keys::account(account_id), vec![Change::Add("keys", -1)], Cond::Exists));
            }
            if let Some((grantor, role)) = grants
                && !before.contains(&grantor.key())
                && grantor.key() != key
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
            push_event(&mut tx, Part::Guard, act, &account.id, RecordKind::MemberRemoved, &detail!({ "member_id": member.id }))?;
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
    if let Some((partition, place)) = principal.address() {
        put(&mut item, "gsi1pk", s(partition));
        put(&mut item, "gsi1sk", s(place));
    }
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

/// What a record says of a key or member.
fn named<P: Principal>(principal: &P) -> serde_json::Value {
    let (name, id) = principal.named();
    detail!({ name: id })
}

fn with_role<P: Principal>(principal: &P, role: &RoleRef) -> serde_json::Value {
    let (name, id) = principal.named();
    detail!({ name: id, "role": role.word() })
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
    tx.push(Part::Grantor, Write::check(grantor.key(), Cond::Eq("ver", Value::N(grantor.version))));
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
