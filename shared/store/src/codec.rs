//! Items to entities and back. Attribute names are short, because every byte is paid for; `docs/DATA-MODEL.md` explains
//! them.

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use crate::error::StoreError;
use crate::table::{Item, Value, s};

/// The most bytes of a document that is kept packed.
const MAX_UNPACKED: u64 = 32 * 1024 * 1024;

/// Reads attributes of one item; a missing or malformed one is [`StoreError::Corrupt`] with its name.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a Item);

fn corrupt(name: &str, problem: &str) -> StoreError {
    StoreError::Corrupt(format!("attribute {name} {problem}"))
}

impl<'a> Reader<'a> {
    /// A text, if there.
    pub fn maybe_text(&self, name: &str) -> Result<Option<&'a str>, StoreError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::S(text)) => Ok(Some(text)),
            Some(_) => Err(corrupt(name, "is not text")),
        }
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'a str, StoreError> {
        self.maybe_text(name)?.ok_or_else(|| corrupt(name, "is missing"))
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<i64, StoreError> {
        self.maybe_number(name)?.ok_or_else(|| corrupt(name, "is missing"))
    }

    /// A number, if there.
    pub fn maybe_number(&self, name: &str) -> Result<Option<i64>, StoreError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::N(number)) => Ok(Some(*number)),
            Some(_) => Err(corrupt(name, "is not a number")),
        }
    }

    /// A flag; absent is false.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Value::Bool(true)))
    }

    /// A text that parses.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| corrupt(name, "does not parse"))
    }

    /// A text that parses, if there.
    pub fn maybe_parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.maybe_text(name)?.map(|text| text.parse().map_err(|_| corrupt(name, "does not parse"))).transpose()
    }

    /// A time, kept as milliseconds since 1970.
    pub fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.number(name)?).map_err(|_| corrupt(name, "is not a time"))
    }

    /// A document, kept as JSON text.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(name)?).map_err(|error| corrupt(name, &error.to_string()))
    }

    /// A document, kept as packed JSON.
    pub fn packed<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let bytes = self.maybe_bytes(name)?.ok_or_else(|| corrupt(name, "is missing"))?;
        // No document of ours is larger, whatever the bytes say.
        let mut text = DeflateDecoder::new(bytes).take(MAX_UNPACKED);
        serde_json::from_reader(&mut text).map_err(|error| corrupt(name, &error.to_string()))
    }

    /// An enumeration's word, read as serde names it.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_value(serde_json::Value::String(self.text(name)?.to_owned())).map_err(|error| corrupt(name, &error.to_string()))
    }
}

impl<'a> Reader<'a> {
    /// An enumeration's word, if there.
    pub fn maybe_word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.0.contains_key(name).then(|| self.word(name)).transpose()
    }

    /// Bytes, if there.
    pub fn maybe_bytes(&self, name: &str) -> Result<Option<&'a [u8]>, StoreError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::B(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(corrupt(name, "is not bytes")),
        }
    }
}

/// Puts a value under a name.
pub fn put(item: &mut Item, name: &str, value: Value) {
    item.insert(name.to_owned(), value);
}

/// Puts a text under a name, if there is one.
pub fn put_some(item: &mut Item, name: &str, text: Option<impl ToString>) {
    if let Some(text) = text {
        item.insert(name.to_owned(), Value::S(text.to_string()));
    }
}

/// A time as it is kept.
pub fn time(at: Timestamp) -> Value {
    Value::N(at.as_millisecond())
}

/// A document as it is kept.
///
/// # Errors
/// [`StoreError::Corrupt`] if it does not serialise, which no entity of ours does.
pub fn json(document: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_string(document).map(s).map_err(|error| StoreError::Corrupt(error.to_string()))
}
/// A document packed, in fewer bytes: write units are counted by the kilobyte.
///
/// # Errors
/// [`StoreError::Corrupt`] if it does not serialise, which no entity of ours does.
pub fn packed(document: &impl Serialize) -> Result<Value, StoreError> {
    let wrong = |error: &dyn std::fmt::Display| StoreError::Corrupt(error.to_string());
    let text = serde_json::to_vec(document).map_err(|error| wrong(&error))?;
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&text).and_then(|()| packer.finish()).map(Value::B).map_err(|error| wrong(&error))
}
