//! Accounts as items.

use jiff::Timestamp;
use tributary_domain::account::{Accepted, Account, Funding};
use tributary_domain::brand::Portal;
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;

use crate::codec::{Reader, json, put, put_some, time};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Change, Item, Value, s};

/// An account's item, with its keys in the three indexes.
///
/// # Errors
/// None for our own entities.
pub fn encode(account: &Account) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "id", s(account.id.as_str()));
    put(&mut item, "kind", s(account.kind.word()));
    put(&mut item, "gen", Value::N(i64::from(account.generation)));
    put(&mut item, "st", s(account.status.word()));
    put(&mut item, "cur", s(account.currency.code()));
    put(&mut item, "tier", s(&account.tier));
    put(&mut item, "kids", Value::N(account.open_children));
    put(&mut item, "created", time(account.created_at));
    for (name, value) in edited(account)?.into_iter().chain(placed(account)) {
        put(&mut item, name, value);
    }
    put_some(&mut item, "ext", account.external_id.as_ref());
    put_some(&mut item, "email", account.email.as_ref());
    put_some(&mut item, "fund", funding(account));
    if account.portal != Portal::default() {
        put(&mut item, "portal", json(&account.portal)?);
    }
    Ok(item)
}

/// What an edit may change (but the optional `ext` and `email`).
fn edited(account: &Account) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let mut all = vec![
        ("name", s(account.name.as_str())),
        ("limit", Value::N(account.credit_limit.get())),
        ("tags", json(&account.tags)?),
        ("settings", json(&account.settings)?),
        ("ver", Value::N(account.version)),
        ("updated", time(account.updated_at)),
    ];
    if account.lineage.parent().is_some() {
        all.push(("gsi2sk", s(keys::name_position(account.name.as_str(), &account.id))));
    }
    Ok(all)
}

/// What the account's place decides.
fn placed(account: &Account) -> Vec<(&'static str, Value)> {
    let mut all =
        vec![("lin", s(account.lineage.to_string())), ("gsi3pk", s(keys::TREE_INDEX)), ("gsi3sk", s(account.lineage.path(&account.id)))];
    if let Some(parent) = account.lineage.parent() {
        all.push(("gsi1pk", s(keys::children_index(parent))));
        all.push(("gsi1sk", s(account.id.as_str())));
        all.push(("gsi2pk", s(keys::children_by_name_index(parent))));
    }
    all
}

/// The changes that store an edited account.
///
/// # Errors
/// None for our own entities.
pub fn edit_changes(account: &Account) -> Result<Vec<Change>, StoreError> {
    let mut changes: Vec<Change> = edited(account)?.into_iter().map(|(name, value)| Change::Set(name, value)).collect();
    changes.push(maybe("ext", account.external_id.as_ref().map(ToString::to_string)));
    changes.push(maybe("email", account.email.as_ref().map(ToString::to_string)));
    changes.push(maybe("fund", funding(account)));
    Ok(changes)
}

/// The word of a way of paying that is not the usual one.
fn funding(account: &Account) -> Option<String> {
    (account.funding != Funding::default()).then(|| account.funding.word().to_owned())
}

fn maybe(name: &'static str, text: Option<String>) -> Change {
    match text {
        Some(text) => Change::Set(name, s(text)),
        None => Change::Remove(name),
    }
}

/// The change that stores what belongs to an account's portal.
///
/// # Errors
/// None for our own entities.
pub fn portal_change(account: &Account) -> Result<Change, StoreError> {
    let plain = account.portal == Portal::default();
    Ok(if plain { Change::Remove("portal") } else { Change::Set("portal", json(&account.portal)?) })
}

/// The changes that store an account's new place.
pub fn place_changes(account: &Account) -> Vec<Change> {
    placed(account).into_iter().map(|(name, value)| Change::Set(name, value)).collect()
}

/// Up to where the account's books were accepted as they are, if they were.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn accepted(item: &Item) -> Result<Option<Accepted>, StoreError> {
    let r = Reader(item);
    r.maybe_number("okseq")?.map(|seq| Ok(Accepted { seq, at: r.time("okat")? })).transpose()
}

/// The change that marks an account as frozen.
pub fn frozen_change(at: Timestamp) -> Change {
    Change::Set("frz", time(at))
}

/// The changes that lift a freeze and accept the books as they are.
pub fn lifted_changes(accepted: &Accepted) -> [Change; 3] {
    [Change::Remove("frz"), Change::Set("okseq", Value::N(accepted.seq)), Change::Set("okat", time(accepted.at))]
}

/// Reads an account.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn decode(item: &Item) -> Result<Account, StoreError> {
    let r = Reader(item);
    let text_error = |error: tributary_domain::text::TextError| StoreError::Corrupt(error.to_string());
    Ok(Account {
        id: r.parsed("id")?,
        lineage: r.parsed::<Lineage>("lin")?,
        generation: u32::try_from(r.number("gen")?).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        kind: r.word("kind")?,
        name: tributary_domain::text::Name::parse(r.text("name")?).map_err(text_error)?,
        external_id: r.maybe_text("ext")?.map(tributary_domain::text::ExternalId::parse).transpose().map_err(text_error)?,
        email: r.maybe_text("email")?.map(tributary_domain::text::Email::parse).transpose().map_err(text_error)?,
        status: r.word("st")?,
        currency: r.parsed("cur")?,
        tier: r.text("tier")?.to_owned(),
        tier_version: r.maybe_number("tv")?.unwrap_or_default(),
        credit_limit: Micros::new(r.number("limit")?),
        funding: r.maybe_word("fund")?.unwrap_or_default(),
        tags: r.json("tags")?,
        settings: r.json("settings")?,
        open_children: r.number("kids")?,
        version: r.number("ver")?,
        created_at: r.time("created")?,
        updated_at: r.time("updated")?,
        frozen_at: r.maybe_number("frz")?.map(|_| r.time("frz")).transpose()?,
        accepted: accepted(item)?,
        portal: if item.contains_key("portal") { r.json("portal")? } else { Portal::default() },
    })
}
