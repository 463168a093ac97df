//! Forms as Stripe takes them: every name that is not taken is refused, so that a client that misspells one is found out.

use serde_json::{Map, Value};

use crate::answer::Answer;

/// What was sent, less what was taken.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn read(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn need(&mut self, name: &str) -> Result<String, Answer> {
        let missing = || Answer::invalid(Some("parameter_missing"), Some(name), &format!("Missing required param: {name}."));
        self.take(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    pub fn take_bool(&mut self, name: &str) -> Result<bool, Answer> {
        match self.take(name).as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(other) => Err(Answer::invalid(None, Some(name), &format!("Invalid boolean: {other}"))),
        }
    }

    pub fn take_integer(&mut self, name: &str) -> Result<Option<i64>, Answer> {
        let wrong = |text: &String| Answer::invalid(Some("parameter_invalid_integer"), Some(name), &format!("Invalid integer: {text}"));
        self.take(name).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
    }

    /// A web address.
    pub fn take_url(&mut self, name: &str) -> Result<Option<String>, Answer> {
        match self.take(name) {
            Some(url) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                Err(Answer::invalid(Some("url_invalid"), Some(name), "Not a valid URL."))
            }
            url => Ok(url),
        }
    }

    /// `prefix[name]` of each name.
    pub fn take_map(&mut self, prefix: &str) -> Value {
        let inner = |name: &str| name.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']').map(str::to_owned);
        let mut map = Map::new();
        self.0.retain(|(name, value)| match inner(name) {
            Some(name) if !name.contains(['[', ']']) => map.insert(name, value.as_str().into()).is_some_and(|_| false),
            Some(_) | None => true,
        });
        Value::Object(map)
    }

    /// `prefix[0]`, `prefix[1]` or `prefix[]`.
    pub fn take_list(&mut self, prefix: &str) -> Vec<String> {
        match self.take_map(prefix) {
            Value::Object(map) => map.into_iter().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    }

    /// Nothing is left.
    pub fn end(self) -> Result<(), Answer> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Answer::invalid(Some("parameter_unknown"), Some(name), &format!("Received unknown parameter: {name}"))),
        }
    }
}
