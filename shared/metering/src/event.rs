//! Events as they come in: our own form, or CloudEvents 1.0.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tributary_api::{Code, Problem};
use tributary_domain::id::AccountId;
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::number::Quantity;

/// The most events of one request.
pub const MAX_EVENTS: usize = 1_000;
/// The longest id of an event, in characters.
pub const MAX_EVENT_ID: usize = 128;
/// The most properties of one event.
pub const MAX_PROPERTIES: usize = 20;
/// The longest name of a property, in characters.
pub const MAX_PROPERTY_NAME: usize = 40;
/// The longest value of a property, in bytes of UTF-8.
pub const MAX_PROPERTY_VALUE: usize = 200;

/// An event that is well formed; whether it counts is decided later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// The sender's id for it: 1 to 128 visible ASCII characters, unique within its account.
    pub id: String,
    /// Whose usage it is.
    pub account_id: AccountId,
    /// Of which meter.
    pub meter: MeterKey,
    /// How much.
    pub quantity: Quantity,
    /// When, to the millisecond.
    pub occurred_at: Timestamp,
    /// What it was, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// Why an event does not count. Nothing was changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// A stable code.
    pub code: String,
    /// What was wrong, and what to do.
    pub detail: String,
    /// JSON pointer into the event, if one of its fields is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl Rejection {
    /// A rejection for a reason that is no single field's.
    pub fn new(code: &str, detail: impl ToString) -> Self {
        Self { code: code.to_owned(), detail: detail.to_string(), pointer: None }
    }

    /// A wrong field.
    pub fn field(pointer: &str, detail: impl ToString) -> Self {
        Self { code: Code::ValidationFailed.word().to_owned(), detail: detail.to_string(), pointer: Some(pointer.to_owned()) }
    }
}

impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        let pointer = problem.errors.first().map(|error| error.pointer.clone());
        Self { code: problem.code.word().to_owned(), detail: problem.detail, pointer }
    }
}

/// The id that an event names, if it can be read at all: what its answer is found by.
pub fn id_of(event: &Value) -> Option<&str> {
    event.get("id").and_then(Value::as_str)
}

/// Reads one event. What says `specversion` is a CloudEvent: `subject` is the account and `type` the meter unless `data` names
/// them, `time` is when, and `data` holds the quantity and the properties.
///
/// # Errors
/// The first field that is wrong.
pub fn parse(event: &Value) -> Result<NewEvent, Rejection> {
    let Value::Object(fields) = event else { return Err(Rejection::field("", "must be an object")) };
    if fields.contains_key("specversion") { from_cloud_event(fields) } else { from_ours(fields) }
}

const OURS: [&str; 6] = ["id", "account_id", "meter", "quantity", "occurred_at", "properties"];

fn from_ours(fields: &Map<String, Value>) -> Result<NewEvent, Rejection> {
    known(fields, &OURS, "")?;
    Ok(NewEvent {
        id: event_id(fields.get("id"))?,
        account_id: parsed(fields.get("account_id"), "/account_id")?,
        meter: parsed(fields.get("meter"), "/meter")?,
        quantity: quantity(fields.get("quantity"), "/quantity")?,
        occurred_at: time(fields.get("occurred_at"), "/occurred_at")?,
        properties: properties(fields.get("properties"), "/properties")?,
    })
}

fn from_cloud_event(fields: &Map<String, Value>) -> Result<NewEvent, Rejection> {
    if fields.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err(Rejection::field("/specversion", "must be \"1.0\""));
    }
    let nothing = Map::new();
    let data = match fields.get("data") {
        None => &nothing,
        Some(Value::Object(data)) => data,
        Some(_) => return Err(Rejection::field("/data", "must be an object with the quantity and the properties")),
    };
    known(data, &["account_id", "meter", "quantity", "properties"], "/data")?;
    let (account, account_at) = first((data.get("account_id"), "/data/account_id"), (fields.get("subject"), "/subject"));
    let (meter, meter_at) = first((data.get("meter"), "/data/meter"), (fields.get("type"), "/type"));
    Ok(NewEvent {
        id: event_id(fields.get("id"))?,
        account_id: parsed(account, account_at)?,
        meter: parsed(meter, meter_at)?,
        quantity: quantity(data.get("quantity"), "/data/quantity")?,
        occurred_at: time(fields.get("time"), "/time")?,
        properties: properties(data.get("properties"), "/data/properties")?,
    })
}

fn first<'a>(one: (Option<&'a Value>, &'static str), other: (Option<&'a Value>, &'static str)) -> (Option<&'a Value>, &'static str) {
    if one.0.is_some() { one } else { other }
}

fn known(fields: &Map<String, Value>, names: &[&str], at: &str) -> Result<(), Rejection> {
    match fields.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(Rejection {
            code: Code::UnknownField.word().to_owned(),
            detail: format!("is not a field of an event; what belongs to it otherwise goes into properties: {}", names.join(", ")),
            pointer: Some(format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))),
        }),
        None => Ok(()),
    }
}

fn text<'a>(value: Option<&'a Value>, at: &str) -> Result<&'a str, Rejection> {
    match value {
        None => Err(Rejection::field(at, "is required")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Rejection::field(at, "must be a text")),
    }
}

fn parsed<T: std::str::FromStr>(value: Option<&Value>, at: &str) -> Result<T, Rejection>
where
    T::Err: std::fmt::Display,
{
    text(value, at)?.parse().map_err(|error: T::Err| Rejection::field(at, error))
}

fn event_id(value: Option<&Value>) -> Result<String, Rejection> {
    let id = text(value, "/id")?;
    if id.is_empty() || id.len() > MAX_EVENT_ID || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Rejection::field("/id", format!("must have 1 to {MAX_EVENT_ID} visible ASCII characters; a UUID does well")));
    }
    Ok(id.to_owned())
}

/// A quantity; 1 if none is given, which is what a meter that counts events needs.
fn quantity(value: Option<&Value>, at: &str) -> Result<Quantity, Rejection> {
    match value {
        None => Ok(Quantity::ONE),
        Some(value) => Quantity::deserialize(value).map_err(|error| Rejection::field(at, error)),
    }
}

fn time(value: Option<&Value>, at: &str) -> Result<Timestamp, Rejection> {
    let wrong = || Rejection::field(at, "must be a time such as 2026-11-01T00:00:00Z (RFC 3339)");
    let at: Timestamp = text(value, at)?.parse().map_err(|_| wrong())?;
    Timestamp::from_millisecond(at.as_millisecond()).map_err(|_| wrong())
}

fn properties(value: Option<&Value>, at: &str) -> Result<BTreeMap<String, String>, Rejection> {
    let given = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(Rejection::field(at, "must be an object")),
    };
    if given.len() > MAX_PROPERTIES {
        return Err(Rejection::field(at, format!("has {} properties; at most {MAX_PROPERTIES} are kept", given.len())));
    }
    given.iter().map(|(name, value)| property(name, value, at)).collect()
}

fn property(name: &str, value: &Value, at: &str) -> Result<(String, String), Rejection> {
    let named = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if name.is_empty() || name.len() > MAX_PROPERTY_NAME || !name.bytes().all(named) {
        return Err(Rejection::field(at, format!("{name:?}: a name has 1 to {MAX_PROPERTY_NAME} characters of A-Z a-z 0-9 _ . -")));
    }
    let at = format!("{at}/{name}");
    let value = match value {
        Value::String(text) => tributary_domain::text::clean(text, MAX_PROPERTY_VALUE).map_err(|error| Rejection::field(&at, error))?,
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(Rejection::field(&at, "must be a text, a number, true or false")),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ACCOUNT: &str = "acc_01hx3v9k2mfd8bq5r7w1z4n6ty";

    fn event() -> Value {
        json!({ "id": "e-1", "account_id": ACCOUNT, "meter": "sms", "quantity": "12.5", "occurred_at": "2026-11-02T08:00:00.1234Z" })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut event = event();
        event[name] = value;
        event
    }

    #[test]
    fn a_cloud_event_says_the_same_as_ours() {
        let cloud = json!({
            "specversion": "1.0", "id": "e-1", "source": "/gateway/7", "type": "sms", "subject": ACCOUNT, "time": "2026-11-02T08:00:00.1234Z",
            "datacontenttype": "application/json", "data": { "quantity": 12.5 },
        });
        let ours = parse(&event()).expect("well formed");
        assert_eq!(parse(&cloud), Ok(ours.clone()));
        assert_eq!(ours.occurred_at.to_string(), "2026-11-02T08:00:00.123Z");
        assert_eq!(ours.quantity.to_string(), "12.500000");
    }

    #[test]
    fn each_wrong_field_is_named() {
        let refused = |event: Value| parse(&event).expect_err("refused").pointer.expect("a pointer");
        for (name, value) in [
            ("id", json!("")),
            ("id", json!("a b")),
            ("id", json!(7)),
            ("id", json!("x".repeat(129))),
            ("account_id", json!("acc_1")),
            ("meter", json!("SMS")),
            ("quantity", json!("-1")),
            ("quantity", json!(-1)),
            ("quantity", json!("1.0000001")),
            ("quantity", json!("1e3")),
            ("quantity", json!(null)),
            ("occurred_at", json!("yesterday")),
            ("occurred_at", json!(1_790_000_000)),
            ("properties", json!([1])),
            ("price", json!("0")),
        ] {
            assert_eq!(refused(with(name, value.clone())), format!("/{name}"), "{value}");
        }
        assert_eq!(refused(with("properties", json!({ "a": { "b": 1 } }))), "/properties/a");
        assert_eq!(refused(json!("text")), "");
        let many: Map<String, Value> = (0..21).map(|n| (format!("p{n}"), json!(n))).collect();
        assert_eq!(refused(with("properties", Value::Object(many))), "/properties");
    }
}
