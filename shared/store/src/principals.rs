//! Keys and members: who holds which role where, and what was denied them below. Read here; written in
//! [`crate::grants`], found by a credential in [`crate::authentication`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::id::{AccountId, ClockId, KeyId, MemberId};
use tributary_domain::rights::{Deny, MAX_DENIES, RightSet, RoleRef};
use tributary_domain::session::Standing;
use tributary_domain::text::{Email, Name};

use crate::Store;
use crate::codec::Reader;
use crate::commit::patiently;
use crate::error::{Denied, StoreError};
use crate::keys;
use crate::roles::CustomRole;
use crate::table::{Key, MAX_BATCH_GET, Position, Query, SortRange};

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
    /// The test clock that its account is on: its requests are done at that clock's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockId>,
    /// Raised by one at each change.
    pub version: i64,
}

impl ApiKey {
    /// Whether its time, or that of its secret with this hash, is over.
    pub fn is_over(&self, hash: &str, now: Timestamp) -> bool {
        let over = |until: Option<Timestamp>| until.is_some_and(|until| until <= now);
        let secret_over = self.secrets.iter().find(|secret| secret.hash == hash).is_none_or(|secret| over(secret.expires_at));
        self.revoked_at.is_some() || over(self.expires_at) || secret_over
    }
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
    /// The test clock that the account is on: their requests are done at that clock's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockId>,
    /// Raised by one at each change.
    pub version: i64,
}

/// What a grant rests on, checked again when it commits.
#[derive(Debug, Clone, Copy)]
pub struct Grantor<'a> {
    /// What the caller was found by.
    pub standing: &'a Standing,
    /// Version of the key or member the caller's rights were read from.
    pub version: i64,
    /// The custom role they were read from too, and its version.
    pub role: Option<&'a CustomRole>,
}

impl Grantor<'_> {
    /// The item that the caller's rights were read from.
    pub(crate) fn key(&self) -> Key {
        match self.standing {
            Standing::Key(hash) => keys::credential(hash),
            Standing::Member(account, member) => keys::member(account, member),
        }
    }
}

/// A key or a member as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `key` or `member`.
    pub kind: &'static str,
    /// Its name; of a member without one its address.
    pub name: Option<String>,
}

/// Who is granted something: a key or a member.
pub trait Principal: Serialize + serde::de::DeserializeOwned + Clone + Send + Sync {
    /// Where it is kept.
    fn key(&self) -> Key;
    /// What its id is called where it stands beside others, and the id.
    fn named(&self) -> (&'static str, &str);
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
    /// Where it is found by its address: an index partition, and its place there.
    fn address(&self) -> Option<(String, &str)> {
        None
    }
    /// Whether it is at its end and takes no more changes.
    fn ended(&self) -> bool;
}

impl Principal for ApiKey {
    fn named(&self) -> (&'static str, &str) {
        ("key_id", self.id.as_str())
    }

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
    fn named(&self) -> (&'static str, &str) {
        ("member_id", self.id.as_str())
    }

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

    fn address(&self) -> Option<(String, &str)> {
        Some((keys::address_index(&self.email), self.id.as_str()))
    }

    fn ended(&self) -> bool {
        false
    }
}

impl Store {
    /// The names of keys and members, by id, as far as one of these accounts has them: one read for up to a hundred pairs.
    ///
    /// # Errors
    /// Table errors; [`StoreError::Corrupt`].
    pub async fn named(&self, accounts: &BTreeSet<&AccountId>, ids: &BTreeSet<&str>) -> Result<BTreeMap<String, Named>, StoreError> {
        let mut wanted = Vec::new();
        for id in ids {
            let key = |account: &AccountId| match (id.parse::<KeyId>(), id.parse::<MemberId>()) {
                (Ok(key), _) => Some(keys::api_key(account, &key)),
                (_, Ok(member)) => Some(keys::member(account, &member)),
                (Err(_), Err(_)) => None,
            };
            wanted.extend(accounts.iter().filter_map(|account| Some((*id, key(account)?))));
        }
        let mut found = BTreeMap::new();
        for chunk in wanted.chunks(MAX_BATCH_GET) {
            let keys: Vec<Key> = chunk.iter().map(|(_, key)| key.clone()).collect();
            let items = patiently(&self.patience, || self.table.batch_get(&keys)).await?;
            for ((id, key), item) in chunk.iter().zip(items) {
                let Some(item) = item else { continue };
                let named = if key.sk.starts_with("KEY#") {
                    Named { kind: "key", name: Some(Reader(&item).json::<ApiKey>("doc")?.name.to_string()) }
                } else {
                    let member: Member = Reader(&item).json("doc")?;
                    Named { kind: "member", name: Some(member.name.map_or_else(|| member.email.to_string(), |name| name.to_string())) }
                };
                found.insert((*id).to_owned(), named);
            }
        }
        Ok(found)
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
