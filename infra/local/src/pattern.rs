//! Event patterns, of filters and of rules, as far as the template uses them: objects of lists of values and prefixes.
//!
//! Source: "Creating Amazon EventBridge event patterns", EventBridge user guide; "Lambda event filtering", AWS Lambda developer
//! guide.

use serde_json::Value;

/// What an event must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<(Vec<String>, Vec<Matcher>)>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Matcher {
    Equals(Value),
    Prefix(String),
}

/// A pattern that the local run does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {0} is not known locally")]
pub struct UnknownPattern(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`UnknownPattern`] for anything but values and prefixes.
    pub fn of(pattern: &Value) -> Result<Self, UnknownPattern> {
        let mut fields = Vec::new();
        read(pattern, &mut Vec::new(), &mut fields)?;
        Ok(Self(fields))
    }

    /// Whether it takes an event: each of its fields is one of its values.
    pub fn takes(&self, event: &Value) -> bool {
        let field = |path: &[String]| path.iter().try_fold(event, |value, name| value.get(name));
        self.0.iter().all(|(path, matchers)| field(path).is_some_and(|value| matchers.iter().any(|matcher| matcher.takes(value))))
    }
}

impl Matcher {
    fn of(matcher: &Value) -> Option<Self> {
        match matcher {
            Value::Object(named) => match named.iter().next() {
                Some((name, Value::String(prefix))) if name == "prefix" && named.len() == 1 => Some(Matcher::Prefix(prefix.clone())),
                _ => None,
            },
            Value::Array(_) => None,
            value => Some(Matcher::Equals(value.clone())),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match self {
            Matcher::Equals(wanted) => wanted == value,
            Matcher::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
    }
}

fn read(pattern: &Value, path: &mut Vec<String>, fields: &mut Vec<(Vec<String>, Vec<Matcher>)>) -> Result<(), UnknownPattern> {
    let unknown = || UnknownPattern(pattern.to_string());
    match pattern {
        Value::Object(named) => {
            for (name, inner) in named {
                path.push(name.clone());
                read(inner, path, fields)?;
                path.pop();
            }
            Ok(())
        }
        Value::Array(matchers) => {
            let matchers = matchers.iter().map(Matcher::of).collect::<Option<_>>().ok_or_else(unknown)?;
            fields.push((path.clone(), matchers));
            Ok(())
        }
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_taken_when_each_field_is_one_of_its_values() {
        let pattern =
            Pattern::of(&json!({"source": ["tributary"], "detail": {"type": [{"prefix": "credit."}, "ping"]}})).expect("a pattern");
        let event = |source: &str, kind: &str| json!({"source": source, "detail": {"type": kind, "more": 1}});
        for (source, kind, taken) in [
            ("tributary", "credit.issue", true),
            ("tributary", "ping", true),
            ("tributary", "account.created", false),
            ("other", "ping", false),
        ] {
            assert_eq!(pattern.takes(&event(source, kind)), taken, "{source} {kind}");
        }
        assert!(!pattern.takes(&json!({"source": "tributary"})));
    }

    #[test]
    fn a_pattern_of_more_is_refused_rather_than_misread() {
        for strange in
            [json!({"a": [{"exists": true}]}), json!({"a": [{"prefix": "x", "suffix": "y"}]}), json!({"a": "b"}), json!({"a": [["b"]]})]
        {
            assert!(Pattern::of(&strange).is_err(), "{strange}");
        }
    }
}
