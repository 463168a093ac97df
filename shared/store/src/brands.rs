//! Brands and portals: what of an account its customers see, and whose a slug or a host is.
//!
//! All of it is in the account's own item, under its version. A slug and a verified host have an item each beside it, written in the
//! same transaction, so that each is one account's at most; and so has a logo, so that its picture is shown while somebody has it and no longer.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use tributary_domain::account::{Account, Settings, Status};
use tributary_domain::brand::{Brand, HostName, LogoDigest, Portal, Slug, Token, locked_by};
use tributary_domain::event::RecordKind;
use tributary_domain::id::AccountId;

use crate::Store;
use crate::account_items::{edit_changes, portal_change};
use crate::account_states::refuse_stale;
use crate::accounts::{Authority, REPLANS, place_checks, read_gates};
use crate::codec::{Reader, put};
use crate::commit::{Part, Tx, patiently};
use crate::error::{Denied, StoreError};
use crate::events::{Act, push_event};
use crate::gates;
use crate::keys;
use crate::table::{Cond, Item, Key, Query, SortRange, Value, Write, s};

/// What becomes of an account's brand and portal.
#[derive(Debug, Clone)]
pub struct PortalEdit {
    /// Its own tokens.
    pub brand: Brand,
    /// The rest.
    pub portal: Portal,
    /// The record's kind.
    pub kind: RecordKind,
    /// The record's detail, beside the new version.
    pub detail: Json,
}

impl Store {
    /// The accounts from the root down to this one, itself last, as they are now: one batch read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn path_to(&self, account: &Account) -> Result<Vec<Account>, StoreError> {
        let above: Vec<AccountId> = account.lineage.ids().cloned().collect();
        let mut path = if above.is_empty() { Vec::new() } else { self.accounts(&above).await? };
        path.push(account.clone());
        Ok(path)
    }

    /// Changes an account's brand and portal. `change` is given the accounts from the root down to it, and says what becomes of it, or that
    /// nothing does; it is called again if another writer came first. Answers those accounts as they are then.
    ///
    /// # Errors
    /// [`StoreError::Denied`], [`StoreError::Stale`], [`StoreError::AccountState`] of a closed account, [`StoreError::BrandLocked`],
    /// [`StoreError::SlugTaken`], [`StoreError::HostTaken`], what `change` refuses.
    pub async fn change_portal(
        &self,
        id: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        change: impl Fn(&[Account]) -> Result<Option<PortalEdit>, StoreError> + Send + Sync,
    ) -> Result<Vec<Account>, StoreError> {
        let mut resolve = false;
        for _ in 0..REPLANS {
            let (old, mut path, planned) = self.plan_portal(id, expected, authority, resolve, act, &change).await?;
            let Some((new, edit)) = planned else { return Ok(path) };
            let mut detail = edit.detail;
            detail["version"] = new.version.into();
            let mut tx = Tx::default();
            push_event(&mut tx, Part::Guard, act, id, edit.kind, &detail)?;
            let mut changes = edit_changes(&new)?;
            changes.push(portal_change(&new)?);
            tx.push(Part::Account, Write::update(keys::account(id), changes, Cond::Eq("ver", Value::N(old.version))));
            push_names(&mut tx, &old, &new);
            let checks = place_checks(&old, authority.home);
            gates::push_checks(&mut tx, &checks, id.as_str());
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => None,
                Err(refused) if refused.guard().is_some() => None,
                Err(refused) => Some(refused),
            };
            let Some(refused) = refused else {
                path.pop();
                path.push(new);
                return Ok(path);
            };
            // In its own way it stands only where another request of the same account came first: that is seen when it is planned anew.
            let own = |item: &Item| item.get("acc") == Some(&s(id.as_str()));
            if refused.of(&Part::Unique).is_some_and(|taken| !taken.is_some_and(own)) {
                return Err(if old.portal.slug == new.portal.slug { StoreError::HostTaken } else { StoreError::SlugTaken });
            }
            resolve = read_gates(&refused, &checks)?;
        }
        Err(StoreError::Busy)
    }

    /// Refuses what [`Store::change_portal`] would refuse at this moment, but for what another account has, and writes nothing: for who does something
    /// outside the table before it is changed.
    ///
    /// # Errors
    /// As [`Store::change_portal`].
    pub async fn refuse_portal(
        &self,
        id: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        act: &Act,
        change: impl Fn(&[Account]) -> Result<Option<PortalEdit>, StoreError> + Send + Sync,
    ) -> Result<(), StoreError> {
        self.plan_portal(id, expected, authority, false, act, &change).await.map(|_| ())
    }

    /// The account as it is, those from the root down to it, and what becomes of it, if anything does.
    async fn plan_portal(
        &self,
        id: &AccountId,
        expected: Option<i64>,
        authority: Authority<'_>,
        resolve: bool,
        act: &Act,
        change: &(impl Fn(&[Account]) -> Result<Option<PortalEdit>, StoreError> + Send + Sync),
    ) -> Result<(Account, Vec<Account>, Option<(Account, PortalEdit)>), StoreError> {
        let old = self.account_to_change(id, authority, resolve).await?;
        refuse_stale(&old, expected)?;
        if old.status == Status::Closed {
            return Err(StoreError::AccountState("closed"));
        }
        let path = self.path_to(&old).await?;
        let Some(edit) = change(&path)? else { return Ok((old, path, None)) };
        let new = changed(&old, &edit, act);
        refuse_locked(&old, &new, &locked_by(&path[..path.len() - 1]))?;
        Ok((old, path, Some((new, edit))))
    }

    /// Refuses settings that set a token to something new which an account above locked. Only where tokens are set are those accounts read.
    ///
    /// This is for who sets them, who would wonder: a token that slips through, because it was locked in the same moment, counts for
    /// nothing, as every brand is reckoned from the locks as they are when it is shown.
    pub(crate) async fn refuse_locked_settings(&self, old: &Account, settings: &Settings) -> Result<(), StoreError> {
        let empty = Brand::default();
        let was = old.settings.brand.as_ref().unwrap_or(&empty);
        let set = settings.brand.as_ref().unwrap_or(&empty).set_since(was);
        if set.is_empty() {
            return Ok(());
        }
        let above: Vec<AccountId> = old.lineage.ids().cloned().collect();
        refused(&set, &locked_by(&self.accounts(&above).await?))
    }

    /// What an account and those above it locked for those below.
    pub(crate) async fn locks_below(&self, parent: &Account) -> Result<BTreeSet<Token>, StoreError> {
        Ok(locked_by(&self.path_to(parent).await?))
    }

    /// The account that has this slug: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn account_with_slug(&self, slug: &Slug) -> Result<Option<AccountId>, StoreError> {
        self.holder_of(keys::slug(slug.as_str())).await
    }

    /// The account that proved that this host is its own: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn account_with_host(&self, host: &HostName) -> Result<Option<AccountId>, StoreError> {
        self.holder_of(keys::host(host.as_str())).await
    }

    /// Whether any account has this logo as its own: one read.
    ///
    /// # Errors
    /// Table errors.
    pub async fn is_logo(&self, digest: &LogoDigest) -> Result<bool, StoreError> {
        let query = Query::table(keys::logo_partition(digest), SortRange::Every).limit(1);
        let page = patiently(&self.patience, || self.table.query(&query)).await?;
        Ok(!page.items.is_empty())
    }

    async fn holder_of(&self, key: Key) -> Result<Option<AccountId>, StoreError> {
        let item = patiently(&self.patience, || self.table.get(&key, true)).await?;
        item.map(|item| Reader(&item).parsed("acc")).transpose()
    }

    /// The accounts from the root down to this one, itself last: two reads, one for the operator. `None` for one that is closed or absent.
    ///
    /// # Errors
    /// Table errors.
    pub async fn shown_path(&self, id: &AccountId) -> Result<Option<Vec<Account>>, StoreError> {
        match self.account(id).await {
            Ok(account) if account.status == Status::Closed => Ok(None),
            Ok(account) => self.path_to(&account).await.map(Some),
            Err(StoreError::Denied(Denied::Absent)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn changed(old: &Account, edit: &PortalEdit, act: &Act) -> Account {
    let brand = (edit.brand != Brand::default()).then(|| edit.brand.clone());
    Account {
        settings: Settings { brand, ..old.settings.clone() },
        portal: edit.portal.clone(),
        version: old.version + 1,
        updated_at: act.now,
        ..old.clone()
    }
}

fn refuse_locked(old: &Account, new: &Account, locked: &BTreeSet<Token>) -> Result<(), StoreError> {
    let brand = |account: &Account| account.settings.brand.clone().unwrap_or_default();
    let mut set = brand(new).set_since(&brand(old));
    set.extend((new.portal.logo.is_some() && new.portal.logo != old.portal.logo).then_some(Token::Logo));
    refused(&set, locked)
}

pub(crate) fn refused(set: &BTreeSet<Token>, locked: &BTreeSet<Token>) -> Result<(), StoreError> {
    let both: BTreeSet<Token> = set.intersection(locked).copied().collect();
    if both.is_empty() { Ok(()) } else { Err(StoreError::BrandLocked(both)) }
}

/// Lets go of the old slug, host and logo, and takes the new ones, where they differ. A host is only taken once it is verified.
pub(crate) fn push_names(tx: &mut Tx, old: &Account, new: &Account) {
    push_logo(tx, Some(old), new);
    let slug = |account: &Account| account.portal.slug.as_ref().map(|slug| keys::slug(slug.as_str()));
    let host = |account: &Account| account.portal.verified_host().map(|host| keys::host(host.as_str()));
    for (was, is) in [(slug(old), slug(new)), (host(old), host(new))] {
        if was == is {
            continue;
        }
        if let Some(key) = was {
            push_let_go(tx, key, old);
        }
        if let Some(key) = is {
            tx.push(Part::Unique, Write::create(key, held_by(new)));
        }
    }
}

/// Says that the account has its logo, and no more the one that it had. Any number of accounts may have the same: clones do.
pub(crate) fn push_logo(tx: &mut Tx, old: Option<&Account>, new: &Account) {
    let key = |account: &Account| account.portal.logo.as_ref().map(|logo| keys::logo(&logo.digest, &account.id));
    let (was, is) = (old.and_then(key), key(new));
    if was == is {
        return;
    }
    if let (Some(key), Some(old)) = (was, old) {
        push_let_go(tx, key, old);
    }
    if let Some(key) = is {
        tx.push(Part::Plain, Write::put(key, held_by(new)));
    }
}

fn push_let_go(tx: &mut Tx, key: Key, old: &Account) {
    let own = Cond::Any(vec![Cond::NotExists, Cond::Eq("acc", s(old.id.as_str()))]);
    tx.push(Part::Plain, Write::delete(key, own));
}

fn held_by(account: &Account) -> Item {
    let mut item = Item::new();
    put(&mut item, "acc", s(account.id.as_str()));
    item
}
