//! Request bodies: JSON into typed requests, with every wrong field named.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Segment, Track};

use crate::code::Code;
use crate::objects::Objects;
use crate::problem::{FieldError, Problem};

/// The largest body of an ordinary request: 256 KiB.
pub const MAX_BODY: usize = 256 * 1024;
/// The largest body of a request that carries a small picture: 300 KiB, which is 200 KiB as base64 with what is around it.
pub const MAX_PICTURE_BODY: usize = 300 * 1024;
/// The largest body of a request that carries rows: 6 MiB, which is also what Lambda takes.
pub const MAX_ROWS_BODY: usize = 6 * 1024 * 1024;

/// Reads a body.
///
/// # Errors
/// `invalid_json`, `validation_failed` with the field's pointer, `unknown_field` naming all of them.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(Code::InvalidJson, "The body is empty; a JSON object is needed."));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let (mut track, mut unknown) = (Track::new(), Vec::new());
    let tracked = serde_path_to_error::Deserializer::new(Objects(&mut json), &mut track);
    let read = serde_ignored::deserialize(tracked, |path| unknown.push(pointer_of(&path.to_string())));
    let value: T = read.map_err(|error| refusal(&error, &track.path(), body))?;
    json.end().map_err(|error| Problem::new(Code::InvalidJson, format!("After the JSON object comes something else: {error}.")))?;
    if unknown.is_empty() { Ok(value) } else { Err(unknown_fields(unknown)) }
}

/// `true` if the body holds nothing, or an empty object.
///
/// # Errors
/// As [`read`].
pub fn read_nothing(body: &[u8]) -> Result<(), Problem> {
    #[derive(serde::Deserialize)]
    struct Nothing {}
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    read::<Nothing>(body).map(|Nothing {}| ())
}

/// Names unknown fields.
pub fn unknown_fields(pointers: Vec<String>) -> Problem {
    let mut problem = Problem::new(Code::UnknownField, format!("Not known here: {}.", pointers.join(", ")));
    problem.errors =
        pointers.into_iter().map(|pointer| FieldError { pointer, detail: "is not a field of this request".to_owned() }).collect();
    problem
}

fn refusal(error: &serde_json::Error, path: &serde_path_to_error::Path, body: &[u8]) -> Problem {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    match error.classify() {
        serde_json::error::Category::Data => {
            let at: String = path.iter().filter_map(segment).collect();
            match missing(words) {
                Some(name) => Problem::field(format!("{at}/{name}"), "is required"),
                None => Problem::field(at, words),
            }
        }
        // serde_json calls a number in an enumeration's place a syntax error, though the body is valid JSON.
        serde_json::error::Category::Syntax if serde_json::from_slice::<serde_json::Value>(body).is_ok() => {
            Problem::field(path.iter().filter_map(segment).collect::<String>(), "has the wrong type")
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            Problem::new(Code::InvalidJson, format!("The body is not valid JSON: {text}."))
        }
    }
}

fn missing(words: &str) -> Option<&str> {
    words.strip_prefix("missing field `")?.strip_suffix('`')
}

fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", escaped(key))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Escapes a name for a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn pointer_of(path: &str) -> String {
    // `serde_ignored` writes an optional's contents as `?`.
    path.split('.').filter(|part| *part != "?").map(|part| format!("/{}", escaped(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_domain::money::Amount;

    #[derive(Debug, serde::Deserialize)]
    struct Leg {
        amount: Amount,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Request {
        legs: Vec<Leg>,
    }

    fn refused(body: &str) -> (Code, Vec<String>) {
        let problem = read::<Request>(body.as_bytes()).map(|r| r.legs.iter().map(|l| l.amount).collect::<Vec<_>>()).expect_err("refused");
        (problem.code, problem.errors.into_iter().map(|e| e.pointer).collect())
    }

    #[test]
    fn each_wrong_body_names_what_is_wrong() {
        let at = |pointer: &str| vec![pointer.to_owned()];
        assert_eq!(refused(r#"{"legs":[{"amount":"1"},{"amount":"-1"}]}"#), (Code::ValidationFailed, at("/legs/1/amount")));
        assert_eq!(refused(r#"{"legs":[{"amount":1}]}"#), (Code::ValidationFailed, at("/legs/0/amount")));
        assert_eq!(refused(r#"{"legs":[{}]}"#), (Code::ValidationFailed, at("/legs/0/amount")));
        assert_eq!(refused(r"{}"), (Code::ValidationFailed, at("/legs")));
        assert_eq!(refused(r#"{"legs":[],"role":"owner","a":{"b":1}}"#), (Code::UnknownField, vec!["/role".to_owned(), "/a".to_owned()]));
        assert_eq!(refused(r#"{"legs":[]"#).0, Code::InvalidJson);
        assert_eq!(refused(r#"{"legs":[]} x"#).0, Code::InvalidJson);
        assert_eq!(refused("").0, Code::InvalidJson);
        assert_eq!(refused(&format!("{{\"legs\":[],\"x\":{}", "[".repeat(200_000))).0, Code::InvalidJson);
        assert_eq!(refused("[1]").0, Code::ValidationFailed);
        assert_eq!(refused(r#"[[{"amount":"1"}]]"#), (Code::ValidationFailed, at("")));
        assert_eq!(refused(r#"{"legs":[["1"]]}"#), (Code::ValidationFailed, at("/legs/0")));
    }
}
