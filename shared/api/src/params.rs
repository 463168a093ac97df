//! Query parameters: each read once, the rest refused by name.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use crate::json::unknown_fields;
use crate::problem::Problem;

/// The most rows of a page.
pub const MAX_LIMIT: usize = 200;
/// The rows of a page unless asked otherwise.
pub const DEFAULT_LIMIT: usize = 50;

/// The parameters not yet read.
#[derive(Debug, Clone)]
pub struct Params(BTreeMap<String, String>);

fn pointer(name: &str) -> String {
    format!("/query/{name}")
}

impl Params {
    /// Reads a query string.
    ///
    /// # Errors
    /// A repeated parameter.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if params.insert(name.to_string(), value.to_string()).is_some() {
                return Err(Problem::field(pointer(&name), "is given more than once"));
            }
        }
        Ok(Self(params))
    }

    /// A parameter's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// A parameter that parses, such as an id or a time.
    ///
    /// # Errors
    /// What the type says is wrong.
    pub fn parsed<T>(&mut self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.text(name).map(|text| text.parse().map_err(|error: T::Err| Problem::field(pointer(name), error.to_string()))).transpose()
    }

    /// A parameter that is one of an enumeration's words.
    ///
    /// # Errors
    /// Names the words.
    pub fn word<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let read = |text: String| {
            let error = |error: serde_json::Error| Problem::field(pointer(name), error.to_string());
            serde_json::from_value(serde_json::Value::String(text)).map_err(error)
        };
        self.text(name).map(read).transpose()
    }

    /// A time: RFC 3339.
    ///
    /// # Errors
    /// Says what a time looks like.
    pub fn time(&mut self, name: &str) -> Result<Option<jiff::Timestamp>, Problem> {
        let wrong = |_| Problem::field(pointer(name), "must be a time such as 2026-11-01T00:00:00Z (RFC 3339)");
        let read = |text: String| {
            let at = text.parse().map_err(wrong)?;
            crate::time::showable(at).map_err(|detail| Problem::field(pointer(name), detail))
        };
        self.text(name).map(read).transpose()
    }

    /// A flag: present without value, or `true` or `false`.
    ///
    /// # Errors
    /// Another value.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("" | "true") => Ok(true),
            Some(_) => Err(Problem::field(pointer(name), "must be true or false")),
        }
    }

    /// `limit`: 1 to [`MAX_LIMIT`].
    ///
    /// # Errors
    /// Out of range.
    pub fn limit(&mut self) -> Result<usize, Problem> {
        let wrong = || Problem::field(pointer("limit"), format!("must be a whole number from 1 to {MAX_LIMIT}"));
        match self.text("limit") {
            None => Ok(DEFAULT_LIMIT),
            Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(wrong),
        }
    }

    /// Refuses what was not read.
    ///
    /// # Errors
    /// `unknown_field`, naming all of them.
    pub fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(unknown_fields(self.0.keys().map(|name| pointer(name)).collect())) }
    }
}
