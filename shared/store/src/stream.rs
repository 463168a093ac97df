//! The table's stream, read into events: what was inserted, as Lambda hands it over.
//!
//! Source: "DynamoDB Streams: StreamRecord" and "AttributeValue", DynamoDB API reference.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use tributary_domain::event::{Event, Record};
use tributary_domain::ledger::LedgerId;

use crate::error::StoreError;
use crate::freezing::BLOCKS;
use crate::keys;
use crate::table::{Item, Key, Value};
use crate::{entries, events, invoices};

/// What the partition keys of items that may be events begin with: ledgers of accounts, audit records, and
/// invoices. The template's filter lets nothing else through.
pub const PREFIXES: [&str; 3] = ["LED#acc_", keys::EVENTS, keys::INVOICES];

/// The event of a change of the table, in the form of the stream's `dynamodb` member. `None` for what is no event.
///
/// # Errors
/// [`StoreError::Corrupt`] for an entry or a record that cannot be read, with its key.
pub fn event_of(name: &str, change: &Json) -> Result<Option<Event>, StoreError> {
    match change.get("NewImage") {
        Some(image) if name == "INSERT" => event_of_item(&item(image)?),
        _ => Ok(None),
    }
}

/// The event of an item that was just inserted. `None` for what is no event.
///
/// # Errors
/// [`StoreError::Corrupt`] for an entry or a record that cannot be read, with its key.
pub fn event_of_item(item: &Item) -> Result<Option<Event>, StoreError> {
    let Some(key) = Key::of(item) else { return Err(StoreError::Corrupt("an item without its key".to_owned())) };
    let named = |error: StoreError| StoreError::Corrupt(format!("{} {}: {error}", key.pk, key.sk));
    if key.pk.starts_with(PREFIXES[0]) && !item.contains_key(BLOCKS) {
        let entry = entries::decode(item).map_err(named)?;
        let place = keys::entry(&entry.after.ledger, entry.after.seq);
        if place != key || !matches!(entry.after.ledger, LedgerId::Account(_)) {
            return Err(named(StoreError::Corrupt("the entry is another's".to_owned())));
        }
        return Ok(Event::of_entry(&entry));
    }
    if key.pk.starts_with(PREFIXES[1]) {
        let record: Record = events::decode(item).map_err(named)?;
        return Ok(Event::of_record(&record));
    }
    if key.pk.starts_with(PREFIXES[2]) {
        return Ok(Event::of_record(&invoices::record_of(item).map_err(named)?));
    }
    Ok(None)
}

/// An item from the JSON of its attributes, as streams and the API of DynamoDB show them. What this table never stores is
/// kept as [`Value::Unknown`].
///
/// # Errors
/// [`StoreError::Corrupt`] if it is not such JSON.
pub fn item(image: &Json) -> Result<Item, StoreError> {
    let attributes = image.as_object().ok_or_else(|| StoreError::Corrupt("an image that is no object".to_owned()))?;
    Ok(attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect())
}

fn value(attribute: &Json) -> Value {
    let unknown = || Value::Unknown(attribute.to_string());
    let Some((kind, held)) = attribute.as_object().and_then(|typed| typed.iter().next()) else { return unknown() };
    let read = match kind.as_str() {
        "S" => held.as_str().map(|text| Value::S(text.to_owned())),
        "N" => held.as_str().and_then(|number| number.parse().ok()).map(Value::N),
        "BOOL" => held.as_bool().map(Value::Bool),
        "B" => held.as_str().and_then(|text| STANDARD.decode(text).ok()).map(Value::B),
        "L" => held.as_array().map(|values| Value::L(values.iter().map(value).collect())),
        "M" => item(held).ok().map(Value::M),
        _ => None,
    };
    read.unwrap_or_else(unknown)
}

/// An item as streams show it; the other direction of [`item`].
pub fn image(item: &Item) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>())
}

fn attribute(value: &Value) -> Json {
    match value {
        Value::S(text) => json!({ "S": text }),
        Value::N(number) => json!({ "N": number.to_string() }),
        Value::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Value::Bool(truth) => json!({ "BOOL": truth }),
        Value::L(values) => json!({ "L": values.iter().map(attribute).collect::<Vec<_>>() }),
        Value::M(map) => json!({ "M": image(map) }),
        Value::Unknown(_) => json!({ "NULL": true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::s;

    #[test]
    fn an_item_reads_back_from_its_image() {
        let nested = Item::from([("list".to_owned(), Value::L(vec![Value::N(-3), Value::Bool(false)]))]);
        let all = [("s", s("a \"text\"")), ("n", Value::N(i64::MIN)), ("b", Value::B(vec![0, 255])), ("m", Value::M(nested))];
        let all: Item = all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(item(&image(&all)), Ok(all));
        assert!(item(&json!([1])).is_err());
        let strange = item(&json!({"a": {"NS": ["1"]}, "b": {"N": "1.5"}, "c": 4})).expect("an object");
        assert!(strange.values().all(|value| matches!(value, Value::Unknown(_))), "{strange:?}");
    }

    #[test]
    fn what_is_no_event_is_passed_over_and_what_cannot_be_read_is_named() {
        let at = |pk: &str, more: &[(&str, Value)]| {
            let keys = [("pk", s(pk)), ("sk", s("-"))];
            let all = keys.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone()));
            event_of_item(&all.collect::<Item>())
        };
        assert_eq!(at("ACC#acc_1", &[]), Ok(None));
        assert_eq!(at("LED#sys_issued_USD_01", &[]), Ok(None));
        assert_eq!(at("LED#acc_1", &[(BLOCKS, Value::N(1))]), Ok(None));
        let error = at("LED#acc_1", &[("kind", s("transfer"))]).expect_err("no entry").to_string();
        assert!(error.contains("LED#acc_1"), "{error}");
        assert!(at("EVT#evt_1", &[("kind", s("no.such"))]).is_err());
        let removed = event_of("REMOVE", &json!({"NewImage": {"pk": {"S": "LED#acc_1"}, "sk": {"S": "1"}}}));
        assert_eq!(removed, Ok(None));
    }
}
