//! What is answered, in Stripe's shapes.

use serde_json::{Map, Value, json};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Value,
}

impl Answer {
    pub fn good(body: &Value) -> Self {
        Self { status: 200, body: shown(body) }
    }

    fn error(status: u16, kind: &str, message: &str) -> Self {
        Self { status, body: json!({ "error": { "type": kind, "message": message } }) }
    }

    /// A wrong request.
    pub fn invalid(code: Option<&str>, param: Option<&str>, message: &str) -> Self {
        let mut answer = Self::error(400, "invalid_request_error", message);
        answer.add("code", code);
        answer.add("param", param);
        answer
    }

    pub fn absent(param: &str, id: &str) -> Self {
        let mut answer = Self::invalid(Some("resource_missing"), Some(param), &format!("No such {param}: '{id}'"));
        answer.status = 404;
        answer
    }

    pub fn no_route(method: &str, path: &str) -> Self {
        let mut answer = Self::invalid(None, None, &format!("Unrecognized request URL ({method}: {path})."));
        answer.status = 404;
        answer
    }

    pub fn unauthorized() -> Self {
        Self::error(401, "invalid_request_error", "Invalid API Key provided: a test key begins with sk_test_ or rk_test_.")
    }

    pub fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::error(400, "idempotency_error", message)
    }

    pub fn key_in_use() -> Self {
        let mut answer = Self::error(409, "idempotency_error", "There is currently another in-progress request using this key.");
        answer.add("code", Some("idempotency_key_in_use"));
        answer
    }

    pub fn rate_limited() -> Self {
        let mut answer = Self::error(429, "invalid_request_error", "Too many requests.");
        answer.add("code", Some("rate_limit"));
        answer
    }

    pub fn failed(status: u16) -> Self {
        Self::error(status, "api_error", "An unknown error occurred.")
    }

    /// A decline, with what is known of it.
    pub fn declined(error: Value) -> Self {
        Self { status: 402, body: json!({ "error": error }) }
    }

    fn add(&mut self, name: &str, value: Option<&str>) {
        if let (Some(value), Some(error)) = (value, self.body["error"].as_object_mut()) {
            error.insert(name.to_owned(), value.into());
        }
    }
}

/// An object as it is shown: without what begins with an underscore.
pub fn shown(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(name, _)| !name.starts_with('_'));
            Value::Object(kept.map(|(name, value)| (name.clone(), shown(value))).collect::<Map<_, _>>())
        }
        Value::Array(values) => values.iter().map(shown).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The error of a declined card.
pub fn card_error(code: &str, decline_code: &str) -> Value {
    let message = match decline_code {
        "insufficient_funds" => "Your card has insufficient funds.",
        "expired_card" => "Your card has expired.",
        "incorrect_cvc" => "Your card's security code is incorrect.",
        "processing_error" => "An error occurred while processing your card. Try again in a little bit.",
        "authentication_required" => "Your card was declined. This transaction requires authentication.",
        _ => "Your card was declined.",
    };
    json!({ "type": "card_error", "code": code, "decline_code": decline_code, "message": message })
}
