//! Refusals of the API (RFC 9457), as a person reads them.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use crate::output::{Style, clean, shown};

/// Members that have a place of their own.
const PLACED: [&str; 7] = ["type", "title", "status", "detail", "code", "request_id", "errors"];

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    /// The document as it came.
    pub document: Value,
    parts: Parts,
}

#[derive(Debug, Deserialize)]
struct Parts {
    r#type: String,
    title: String,
    status: u16,
    #[serde(default)]
    detail: String,
    code: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    pointer: String,
    detail: String,
}

impl Problem {
    /// A problem, if the document is one.
    pub fn of(document: Value) -> Option<Self> {
        let parts = Parts::deserialize(&document).ok()?;
        Some(Self { document, parts })
    }

    /// The refusal in lines: what, why, each field, and what to quote when asking for help.
    pub fn render(&self, style: Style) -> String {
        let Parts { r#type, title, status, detail, code, request_id, errors } = &self.parts;
        let mut out = format!("{} {}", style.red("error:"), style.bold(&clean(title)));
        let told_by_field = matches!(errors.as_slice(), [only] if *detail == format!("{}: {}", only.pointer, only.detail));
        if !detail.is_empty() && !told_by_field {
            let _ = write!(out, "\n  {}", clean(detail));
        }
        for FieldError { pointer, detail } in errors {
            let _ = write!(out, "\n  {} {}", style.bold(&clean(pointer)), clean(detail));
        }
        out.push('\n');
        let code = format!("{code} ({status})");
        let mut facts: Vec<(&str, String)> = self.members();
        facts.extend([("code", code), ("request", request_id.clone()), ("see", r#type.clone())]);
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(out, "\n  {} {}", style.dim(&format!("{:<width$}", clean(name))), clean(value));
        }
        out
    }

    /// What only this kind of problem says, such as the credit that is available.
    fn members(&self) -> Vec<(&str, String)> {
        let document = self.document.as_object();
        let further = document.into_iter().flatten().filter(|(name, _)| !PLACED.contains(&name.as_str()));
        further.map(|(name, value)| (name.as_str(), shown(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(document: Value) -> String {
        Problem::of(document).expect("a problem").render(Style::PLAIN)
    }

    #[test]
    fn a_refusal_says_what_why_and_what_to_quote() {
        let text = rendered(json!({
            "type": "https://docs.example.com/errors/insufficient_credits", "title": "There is too little credit", "status": 422,
            "detail": "Account acc_1 has 10.000000 USD to spend; 25.000000 USD are needed.", "code": "insufficient_credits",
            "request_id": "req_1", "available": "10.000000", "currency": "USD",
        }));
        assert_eq!(
            text,
            "error: There is too little credit\n  \
             Account acc_1 has 10.000000 USD to spend; 25.000000 USD are needed.\n\n  \
             available 10.000000\n  currency  USD\n  code      insufficient_credits (422)\n  request   req_1\n  \
             see       https://docs.example.com/errors/insufficient_credits"
        );
    }

    #[test]
    fn every_wrong_field_is_shown_and_nothing_is_said_twice() {
        let mut document = json!({
            "type": "https://docs.example.com/errors/validation_failed", "title": "A field is wrong", "status": 400,
            "detail": "/amount: must be positive", "code": "validation_failed", "request_id": "req_1",
            "errors": [{"pointer": "/amount", "detail": "must be positive"}],
        });
        assert_eq!(rendered(document.clone()).matches("must be positive").count(), 1);
        document["errors"] = json!([{"pointer": "/amount", "detail": "must be positive"}, {"pointer": "/name", "detail": "is required"}]);
        document["detail"] = json!("Two fields are wrong.");
        let text = rendered(document);
        assert!(text.contains("Two fields are wrong.\n  /amount must be positive\n  /name is required\n"), "{text}");
    }

    #[test]
    fn what_a_name_holds_cannot_steer_the_terminal() {
        let text = rendered(json!({
            "type": "t", "title": "x\u{1b}[2J", "status": 409, "detail": "a\nb\u{202e}c", "code": "conflict", "request_id": "r",
        }));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains("a\nb"), "{text:?}");
    }

    #[test]
    fn other_documents_are_no_problems() {
        assert!(Problem::of(json!({"message": "Forbidden"})).is_none());
        assert!(Problem::of(json!([])).is_none());
    }
}
