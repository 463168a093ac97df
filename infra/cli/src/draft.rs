//! Documents that are sent: from a file, from flags, or from both.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::failure::Failure;

/// Where a document comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct From {
    /// The document, as JSON; `-` reads standard input. Flags beside it go before its members
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

impl From {
    /// The document of the file, if there is one, with the members that were given as flags.
    ///
    /// # Errors
    /// [`Failure::File`] if the file holds no JSON object.
    pub fn with<const N: usize>(&self, flags: [(&str, Option<Value>); N]) -> Result<Value, Failure> {
        let mut document = self.file.as_deref().map_or_else(|| Ok(Map::new()), object)?;
        document.extend(flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Ok(Value::Object(document))
    }
}

/// A document of the members that have a value.
pub fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// A text as a member's value.
pub fn given(text: Option<String>) -> Option<Value> {
    text.map(Value::String)
}

/// A switch as a member's value: true, or not there.
pub fn on(switch: bool) -> Option<Value> {
    switch.then_some(Value::Bool(true))
}

fn object(path: &Path) -> Result<Map<String, Value>, Failure> {
    let failure = |why: String| Failure::File { path: path.display().to_string(), why };
    let mut text = String::new();
    match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => fs::read_to_string(path).map(|read| text = read),
    }
    .map_err(|error| failure(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(failure("must hold one JSON object".to_owned())),
        Err(error) => Err(failure(format!("is not JSON: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flags_go_before_the_files_members() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("card.json");
        fs::write(&path, r#"{"meter": "sms", "model": {"type": "flat", "unit_price": "0.05"}}"#).expect("written");
        let from = From { file: Some(path) };
        let document =
            from.with([("meter", given(Some("mms".to_owned()))), ("currency", None), ("allow_loss", on(true))]).expect("a document");
        assert_eq!(document, json!({"meter": "mms", "model": {"type": "flat", "unit_price": "0.05"}, "allow_loss": true}));
        assert_eq!(From { file: None }.with([("end", on(false))]).expect("a document"), json!({}));
    }

    #[test]
    fn a_file_that_holds_no_document_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        for (text, said) in [("[]", "one JSON object"), ("{meter: sms}", "is not JSON")] {
            let path = dir.path().join("wrong.json");
            fs::write(&path, text).expect("written");
            let failure = From { file: Some(path) }.with([]).expect_err("refused");
            assert!(matches!(&failure, Failure::File { path, why } if path.ends_with("wrong.json") && why.contains(said)), "{failure:?}");
        }
        assert!(From { file: Some(dir.path().join("none.json")) }.with([]).is_err());
    }
}
