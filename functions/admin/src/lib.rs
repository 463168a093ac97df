//! What is done to a deployment from outside the API, by whoever IAM lets invoke this function: making the operator and
//! its first key, and a key in place of lost ones. It has no route.

use std::error::Error;

use serde::Deserialize;
use serde_json::{Value, json};
use tributary_api::bootstrap::{MadeKey, operator, operator_key};
use tributary_api::{App, Problem};
use tributary_domain::id::RequestId;

/// What is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Ask {
    /// Make the operator's account and its first key.
    MakeOperator { name: String, currency: String },
    /// Make another owner key of the operator's account.
    MakeOperatorKey { name: String },
}

/// What is known.
const ACTIONS: &str =
    r#"send {"action": "make_operator", "name": "Acme", "currency": "EUR"} or {"action": "make_operator_key", "name": "Recovered"}"#;

/// One call. The answer holds the key's secret, which is kept nowhere.
///
/// # Errors
/// A sentence that says what was wrong and what to do; nothing was changed then.
pub async fn handle(app: &App, event: Value, request: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let ask: Ask = serde_json::from_value(event).map_err(|error| format!("{error}: {ACTIONS}"))?;
    let (made, otherwise) = match &ask {
        Ask::MakeOperator { name, currency } => {
            (operator(app, name, currency, request).await, "there is an operator already; if its keys are lost, ask for make_operator_key")
        }
        Ask::MakeOperatorKey { name } => (operator_key(app, name, request).await, "there is no operator yet; ask for make_operator first"),
    };
    let made = made.map_err(said)?.ok_or(otherwise)?;
    tracing::warn!(request_id = request.as_str(), key_id = %made.key.id, "an owner key of the operator was made from outside the API");
    Ok(view(&made))
}

fn said(problem: Problem) -> String {
    format!("{} {}", problem.detail, problem.internal.unwrap_or_default()).trim_end().to_owned()
}

fn view(made: &MadeKey) -> Value {
    let kept = made.key.secrets.first();
    json!({
        "account_id": made.key.account_id,
        "key": {
            "id": made.key.id,
            "name": made.key.name,
            "role": "owner",
            "secret": made.secret,
            "prefix": kept.map(|kept| &kept.prefix),
            "last4": kept.map(|kept| &kept.last4),
            "created_at": made.key.created_at,
        },
    })
}
