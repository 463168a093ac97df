//! What a row says. A cell of a CSV and a member of a JSON object are read alike; an empty cell is no cell.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account::{MAX_TAGS, Tags};
use crate::id::AccountId;
use crate::money::{Amount, Currency};
use crate::text::{Email, ExternalId, Name, Reference};

/// A row as it came: names and values.
pub type Fields = Map<String, Value>;

/// What the rows of a job do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Give credit to accounts.
    Credits,
    /// Make accounts.
    Accounts,
    /// Edit accounts.
    Updates,
    /// Write to accounts.
    Notifications,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Credits, Kind::Accounts, Kind::Updates, Kind::Notifications];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Credits => "credits",
            Kind::Accounts => "accounts",
            Kind::Updates => "updates",
            Kind::Notifications => "notifications",
        }
    }

    /// The columns a row must have.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Kind::Credits => &["account_id", "amount"],
            Kind::Accounts => &["name"],
            Kind::Updates | Kind::Notifications => &["account_id"],
        }
    }

    /// The columns a row may have.
    pub fn optional(self) -> &'static [&'static str] {
        match self {
            Kind::Credits => &["reference"],
            Kind::Accounts => &["kind", "parent_id", "external_id", "email", "initial_credits", "currency", "tags"],
            Kind::Updates => &["name", "external_id", "email", "tags"],
            Kind::Notifications => &["email"],
        }
    }

    /// Whether rows may have columns of their own, which a text takes values from.
    pub fn takes_any(self) -> bool {
        self == Kind::Notifications
    }

    /// Whether a row may have a column of this name.
    pub fn knows(self, column: &str) -> bool {
        self.takes_any() || self.required().contains(&column) || self.optional().contains(&column)
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// A word for programs: those of problems, and `duplicate_row`, `wrong_encoding`, `wrong_columns`.
    pub code: String,
    /// The column, if it is one's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A sentence for people.
    pub detail: String,
}

/// The most bytes of a detail, and of a column's name, as they are kept in JSON. A chunk has up to 400 rows, and with something wrong in
/// each it must stay well below the 400 KB of an item.
const MAX_DETAIL_BYTES: usize = 300;
const MAX_COLUMN_BYTES: usize = 100;

/// As much of the beginning of a text as takes `most` bytes in JSON.
fn beginning(text: &str, most: usize) -> String {
    let mut left = most;
    let fits = |letter: &char| {
        let bytes = match letter {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..'\u{20}' => 6,
            other => other.len_utf8(),
        };
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    text.chars().take_while(fits).collect()
}

impl RowError {
    /// What is wrong with the whole row.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), column: None, detail: beginning(&detail.into(), MAX_DETAIL_BYTES) }
    }

    /// What is wrong with a value.
    pub fn of(column: &str, detail: impl Into<String>) -> Self {
        Self { column: Some(beginning(column, MAX_COLUMN_BYTES)), ..Self::new("validation_failed", detail) }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{column}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

/// Credit for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditRow {
    /// Who receives it.
    pub account_id: AccountId,
    /// How much.
    pub amount: Amount,
    /// A note.
    pub reference: Option<Reference>,
}

/// What an account that is made may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewKind {
    /// May have sub-accounts.
    Reseller,
    /// An end customer.
    Customer,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its name.
    pub name: Name,
    /// What it is; a customer unless said otherwise.
    pub kind: Option<NewKind>,
    /// Its parent; the job's account unless said otherwise.
    pub parent_id: Option<AccountId>,
    /// The caller's own id for it.
    pub external_id: Option<ExternalId>,
    /// Where its people are reached.
    pub email: Option<Email>,
    /// Credit moved from the parent with it.
    pub initial_credits: Option<Amount>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// Labels.
    pub tags: Option<Tags>,
}

/// An edit of an account. A JSON `null` empties an `external_id` or an address; an empty cell leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRow {
    /// Which.
    pub account_id: AccountId,
    /// New name.
    pub name: Option<Name>,
    /// New external id.
    pub external_id: Option<Option<ExternalId>>,
    /// New address.
    pub email: Option<Option<Email>>,
    /// New labels, all of them.
    pub tags: Option<Tags>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// Whose account.
    pub account_id: AccountId,
    /// Where to; the account's address unless said otherwise.
    pub email: Option<Email>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// Of a credit job.
    Credit(CreditRow),
    /// Of a job that makes accounts.
    Account(AccountRow),
    /// Of a job that edits accounts.
    Update(UpdateRow),
    /// Of a job that notifies.
    Notice(NoticeRow),
}

impl Row {
    /// Reads a row.
    ///
    /// # Errors
    /// The first wrong column.
    pub fn read(kind: Kind, fields: &Fields) -> Result<Row, RowError> {
        if let Some(unknown) = fields.keys().find(|name| !kind.knows(name)) {
            let known = [kind.required(), kind.optional()].concat().join(", ");
            let mut error = RowError::of(unknown, format!("is not known; rows of {} have {known}", kind.word()));
            error.code = "unknown_field".to_owned();
            return Err(error);
        }
        Ok(match kind {
            Kind::Credits => Row::Credit(CreditRow {
                account_id: need(fields, "account_id")?,
                amount: need(fields, "amount")?,
                reference: maybe(fields, "reference")?,
            }),
            Kind::Accounts => Row::Account(AccountRow {
                name: need(fields, "name")?,
                kind: maybe(fields, "kind")?,
                parent_id: maybe(fields, "parent_id")?,
                external_id: maybe(fields, "external_id")?,
                email: maybe(fields, "email")?,
                initial_credits: maybe(fields, "initial_credits")?,
                currency: maybe(fields, "currency")?,
                tags: tags(fields)?,
            }),
            Kind::Updates => {
                let row = UpdateRow {
                    account_id: need(fields, "account_id")?,
                    name: maybe(fields, "name")?,
                    external_id: nullable(fields, "external_id")?,
                    email: nullable(fields, "email")?,
                    tags: tags(fields)?,
                };
                if row.name.is_none() && row.external_id.is_none() && row.email.is_none() && row.tags.is_none() {
                    return Err(RowError::new("validation_failed", "changes nothing: give a name, an external_id, an email or tags"));
                }
                Row::Update(row)
            }
            Kind::Notifications => Row::Notice(NoticeRow { account_id: need(fields, "account_id")?, email: maybe(fields, "email")? }),
        })
    }

    /// The account it is about, if there is one already.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Row::Credit(row) => Some(&row.account_id),
            Row::Account(row) => row.parent_id.as_ref(),
            Row::Update(row) => Some(&row.account_id),
            Row::Notice(row) => Some(&row.account_id),
        }
    }
}

fn given<'a>(fields: &'a Fields, column: &str) -> Option<&'a Value> {
    fields.get(column).filter(|value| !value.is_null() && value.as_str().is_none_or(|text| !text.is_empty()))
}

fn maybe<T: DeserializeOwned>(fields: &Fields, column: &str) -> Result<Option<T>, RowError> {
    let Some(value) = given(fields, column) else { return Ok(None) };
    serde_json::from_value(value.clone()).map(Some).map_err(|error| RowError::of(column, error.to_string()))
}

fn need<T: DeserializeOwned>(fields: &Fields, column: &str) -> Result<T, RowError> {
    maybe(fields, column)?.ok_or_else(|| RowError::of(column, "is required"))
}

fn nullable<T: DeserializeOwned>(fields: &Fields, column: &str) -> Result<Option<Option<T>>, RowError> {
    if fields.get(column).is_some_and(Value::is_null) {
        return Ok(Some(None));
    }
    Ok(maybe(fields, column)?.map(Some))
}

/// An object, or in a cell `name=value;name=value`.
fn tags(fields: &Fields) -> Result<Option<Tags>, RowError> {
    let read: Option<Tags> = match given(fields, "tags") {
        Some(Value::String(text)) => {
            let mut object = Map::new();
            for pair in text.split(';').filter(|pair| !pair.trim().is_empty()) {
                let wrong = || RowError::of("tags", "must be name=value, with ; between several");
                let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
                object.insert(name.trim().to_owned(), Value::String(value.trim().to_owned()));
            }
            Some(serde_json::from_value(Value::Object(object)).map_err(|error| RowError::of("tags", error.to_string()))?)
        }
        _ => maybe(fields, "tags")?,
    };
    match read {
        Some(tags) if tags.len() > MAX_TAGS => Err(RowError::of("tags", format!("has {} tags; at most {MAX_TAGS} are kept", tags.len()))),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "acc_01hx3v9k2mfd8bq5r7w1z4n6ty";

    fn read(kind: Kind, fields: Value) -> Result<Row, RowError> {
        Row::read(kind, fields.as_object().expect("an object"))
    }

    fn refused(kind: Kind, fields: Value) -> (String, Option<String>) {
        let error = read(kind, fields).expect_err("refused");
        (error.code, error.column)
    }

    #[test]
    fn a_wrong_value_is_named_by_its_column() {
        let wrong = |column: &str| ("validation_failed".to_owned(), Some(column.to_owned()));
        assert_eq!(refused(Kind::Credits, json!({"amount": "1"})), wrong("account_id"));
        assert_eq!(refused(Kind::Credits, json!({"account_id": "acc_x", "amount": "1"})), wrong("account_id"));
        for amount in [json!(""), json!("-1"), json!("0"), json!("1e3"), json!("0.0000001"), json!(1), json!("=1+1")] {
            assert_eq!(refused(Kind::Credits, json!({"account_id": ID, "amount": amount})), wrong("amount"));
        }
        let unknown = ("unknown_field".to_owned(), Some("amout".to_owned()));
        assert_eq!(refused(Kind::Credits, json!({"account_id": ID, "amout": "1"})), unknown);
        assert_eq!(refused(Kind::Accounts, json!({"name": "A", "kind": "operator"})), wrong("kind"));
        assert_eq!(refused(Kind::Accounts, json!({"name": "A", "tags": "x"})), wrong("tags"));
        assert_eq!(refused(Kind::Updates, json!({"account_id": ID})), ("validation_failed".to_owned(), None));
        assert!(read(Kind::Notifications, json!({"account_id": ID, "plan": "gold"})).is_ok());
    }

    #[test]
    fn a_chunk_full_of_errors_fits_an_item_whatever_they_quote() {
        for letter in ["\u{1}", "\"", "\\", "\n", "a", "é", "😀", "\u{7f}"] {
            let error = RowError::of(&letter.repeat(1_000), letter.repeat(1_000));
            let kept = serde_json::to_string(&error).expect("JSON");
            assert!((400..480).contains(&kept.len()), "{letter:?} takes {} bytes", kept.len());
        }
    }

    #[test]
    fn an_empty_cell_is_no_cell_and_null_empties() {
        let Ok(Row::Update(row)) = read(Kind::Updates, json!({"account_id": ID, "name": "", "email": null, "external_id": "x"})) else {
            panic!("reads")
        };
        assert_eq!((row.name, row.email), (None, Some(None)));
        assert_eq!(row.external_id.flatten().map(|id| id.to_string()).as_deref(), Some("x"));
        let Ok(Row::Account(row)) = read(Kind::Accounts, json!({"name": "=SUM(A1)", "tags": "a=1; b=2"})) else { panic!("reads") };
        assert_eq!((row.name.as_str(), row.tags.map(|tags| tags.len())), ("=SUM(A1)", Some(2)), "a formula is a text");
    }
}
