//! What a write means, evaluated on plain items: conditions, images after changes, and the limits of a request.
//!
//! [`crate::memory`] is built on it; [`crate::faulty`] and [`crate::counting`] ask it what a table would have answered.

use std::collections::BTreeSet;

use crate::size::{MAX_ITEM_BYTES, MAX_PK_BYTES, MAX_SK_BYTES, MAX_TRANSACT_BYTES, item_size, value_size};
use crate::table::{Action, Change, Cond, Index, Item, Key, MAX_TRANSACT, PK, SK, TableError, Value, Write};

/// If the condition holds on the stored item, `None` standing for no item.
pub fn holds(cond: &Cond, item: Option<&Item>) -> bool {
    let attribute = |name: &str| item.and_then(|item| item.get(name));
    match cond {
        Cond::Exists => item.is_some(),
        Cond::NotExists => item.is_none(),
        Cond::Has(name) => attribute(name).is_some(),
        Cond::Lacks(name) => attribute(name).is_none(),
        Cond::Eq(name, value) => attribute(name) == Some(value),
        Cond::Ge(name, value) => attribute(name).is_some_and(|stored| same_type(stored, value) && stored >= value),
        Cond::Lt(name, value) => attribute(name).is_some_and(|stored| same_type(stored, value) && stored < value),
        Cond::All(conds) => conds.iter().all(|cond| holds(cond, item)),
        Cond::Any(conds) => conds.iter().any(|cond| holds(cond, item)),
    }
}

fn same_type(left: &Value, right: &Value) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// The item that `write` leaves under its key where `old` was stored; its condition is not looked at.
///
/// # Errors
/// [`TableError::Invalid`] if the outcome cannot be stored: an addition to what is no number or past 64 bits, an index
/// key that is no text or empty, an item over 400 KB.
pub fn image_after(write: &Write, old: Option<&Item>) -> Result<Option<Item>, TableError> {
    match &write.action {
        Action::Put(item) => Ok(Some(with_key(item.clone(), &write.key))),
        Action::Update(changes) => updated(&write.key, changes, old).map(Some),
        Action::Delete => Ok(None),
        Action::Check => Ok(old.cloned()),
    }
}

/// The item with the key's attributes set.
pub(crate) fn with_key(mut item: Item, key: &Key) -> Item {
    item.insert(PK.to_owned(), Value::S(key.pk.clone()));
    item.insert(SK.to_owned(), Value::S(key.sk.clone()));
    item
}

fn updated(key: &Key, changes: &[Change], old: Option<&Item>) -> Result<Item, TableError> {
    let mut item = old.cloned().unwrap_or_else(|| with_key(Item::new(), key));
    for change in changes {
        apply(&mut item, change)?;
    }
    check_index_keys(&item)?;
    check_item_size(item_size(&item))?;
    Ok(item)
}

fn apply(item: &mut Item, change: &Change) -> Result<(), TableError> {
    match change {
        Change::Set(name, value) => {
            item.insert((*name).to_owned(), value.clone());
        }
        Change::Add(name, delta) => {
            let sum = match item.get(*name) {
                None => Some(*delta),
                Some(Value::N(number)) => number.checked_add(*delta),
                Some(_) => return invalid(format!("`{name}` is not a number")),
            };
            let Some(sum) = sum else { return invalid(format!("`{name}` would leave 64 bits")) };
            item.insert((*name).to_owned(), Value::N(sum));
        }
        Change::Remove(name) => {
            item.remove(*name);
        }
    }
    Ok(())
}

/// Checks a single write as far as the request alone tells.
pub(crate) fn check_write(write: &Write) -> Result<(), TableError> {
    match write.action {
        Action::Check => invalid("a check stands only in a transaction"),
        _ => check_part(write),
    }
}

/// Checks a transaction as far as the request alone tells.
pub(crate) fn check_transaction(writes: &[Write]) -> Result<(), TableError> {
    if writes.is_empty() || writes.len() > MAX_TRANSACT {
        return invalid(format!("a transaction takes 1 to {MAX_TRANSACT} writes, not {}", writes.len()));
    }
    let mut keys = BTreeSet::new();
    let mut bytes = 0;
    for write in writes {
        check_part(write)?;
        bytes += request_size(write);
        if !keys.insert(&write.key) {
            return invalid("a transaction cannot write one item twice");
        }
    }
    if bytes > MAX_TRANSACT_BYTES {
        return invalid(format!("a transaction of {bytes} bytes is over 4 MB"));
    }
    Ok(())
}

fn check_part(write: &Write) -> Result<(), TableError> {
    check_key(&write.key)?;
    write.cond.as_ref().map_or(Ok(()), check_cond)?;
    match &write.action {
        Action::Put(item) => {
            check_names(item)?;
            check_index_keys(item)?;
            check_item_size(request_size(write))
        }
        Action::Update(changes) => check_changes(changes),
        Action::Check if write.cond.is_none() => invalid("a check needs a condition"),
        Action::Delete | Action::Check => Ok(()),
    }
}

/// Checks that an update changes something, nothing twice, and not the key.
pub(crate) fn check_changes(changes: &[Change]) -> Result<(), TableError> {
    if changes.is_empty() {
        return invalid("an update needs a change");
    }
    let mut names = BTreeSet::new();
    for change in changes {
        let (Change::Set(name, _) | Change::Add(name, _) | Change::Remove(name)) = change;
        if *name == PK || *name == SK {
            return invalid("an update cannot change the key");
        }
        if name.is_empty() || !names.insert(*name) {
            return invalid(format!("an update changes `{name}` twice, or names nothing"));
        }
        if let Change::Set(_, value) = change {
            check_value_names(value)?;
        }
    }
    Ok(())
}

/// Checks a condition's operands: where it orders them they are text or numbers.
pub(crate) fn check_cond(cond: &Cond) -> Result<(), TableError> {
    match cond {
        Cond::Ge(_, Value::S(_) | Value::N(_)) | Cond::Lt(_, Value::S(_) | Value::N(_)) => Ok(()),
        Cond::Ge(name, _) | Cond::Lt(name, _) => invalid(format!("`{name}` is ordered against neither text nor number")),
        Cond::All(conds) | Cond::Any(conds) => conds.iter().try_for_each(check_cond),
        Cond::Exists | Cond::NotExists | Cond::Has(_) | Cond::Lacks(_) => Ok(()),
        Cond::Eq(_, value) => check_value_names(value),
    }
}

/// Checks that both parts of a key are there and short enough.
pub(crate) fn check_key(key: &Key) -> Result<(), TableError> {
    check_key_part(PK, &key.pk, MAX_PK_BYTES)?;
    check_key_part(SK, &key.sk, MAX_SK_BYTES)
}

pub(crate) fn check_key_part(name: &str, text: &str, max_bytes: usize) -> Result<(), TableError> {
    if text.is_empty() || text.len() > max_bytes {
        return invalid(format!("key attribute `{name}` takes 1 to {max_bytes} bytes, not {}", text.len()));
    }
    Ok(())
}

fn check_index_keys(item: &Item) -> Result<(), TableError> {
    for index in Index::ALL {
        let (pk, sk) = index.keys();
        for (name, max_bytes) in [(pk, MAX_PK_BYTES), (sk, MAX_SK_BYTES)] {
            match item.get(name) {
                None => {}
                Some(Value::S(text)) => check_key_part(name, text, max_bytes)?,
                Some(_) => return invalid(format!("key attribute `{name}` is not text")),
            }
        }
    }
    Ok(())
}

fn check_item_size(bytes: usize) -> Result<(), TableError> {
    if bytes > MAX_ITEM_BYTES {
        return invalid(format!("an item of {bytes} bytes is over 400 KB"));
    }
    Ok(())
}

pub(crate) fn check_names(item: &Item) -> Result<(), TableError> {
    for (name, value) in item {
        if name.is_empty() {
            return invalid("an attribute has no name");
        }
        check_value_names(value)?;
    }
    Ok(())
}

fn check_value_names(value: &Value) -> Result<(), TableError> {
    match value {
        Value::M(map) => check_names(map),
        Value::L(values) => values.iter().try_for_each(check_value_names),
        Value::S(_) | Value::N(_) | Value::B(_) | Value::Bool(_) => Ok(()),
        Value::Unknown(what) => invalid(format!("{what} cannot be written")),
    }
}

/// The bytes a write brings along: for a put, those of the item it stores.
fn request_size(write: &Write) -> usize {
    let key = PK.len() + write.key.pk.len() + SK.len() + write.key.sk.len();
    let body = match &write.action {
        Action::Put(item) => {
            let own = item.iter().filter(|(name, _)| *name != PK && *name != SK);
            own.map(|(name, value)| name.len() + value_size(value)).sum()
        }
        Action::Update(changes) => changes.iter().map(change_size).sum(),
        Action::Delete | Action::Check => 0,
    };
    key + body
}

fn change_size(change: &Change) -> usize {
    match change {
        Change::Set(_, value) => value_size(value),
        Change::Add(_, delta) => value_size(&Value::N(*delta)),
        Change::Remove(_) => 0,
    }
}

pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, TableError> {
    Err(TableError::Invalid(message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_holds_only_between_values_of_one_type() {
        let item = Item::from([("n".to_owned(), Value::N(5)), ("s".to_owned(), Value::S("5".into()))]);
        assert!(holds(&Cond::Ge("n", Value::N(5)), Some(&item)));
        assert!(!holds(&Cond::Lt("n", Value::N(5)), Some(&item)));
        assert!(!holds(&Cond::Ge("s", Value::N(0)), Some(&item)));
        assert!(!holds(&Cond::Lt("s", Value::N(9)), Some(&item)));
        assert!(!holds(&Cond::Ge("gone", Value::N(0)), Some(&item)));
    }

    #[test]
    fn empty_groups_follow_logic() {
        assert!(holds(&Cond::All(vec![]), None));
        assert!(!holds(&Cond::Any(vec![]), None));
    }

    #[test]
    fn an_addition_past_64_bits_is_refused() {
        let write = Write::update(Key::new("p", "s"), vec![Change::Add("n", 1)], Cond::Exists);
        let old = Item::from([("n".to_owned(), Value::N(i64::MAX))]);
        assert!(matches!(image_after(&write, Some(&old)), Err(TableError::Invalid(_))));
    }
}
