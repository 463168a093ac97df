//! `/_scripted/…`: what a person or a test calls for. For this machine alone.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::book::Hook;
use crate::faults::{Chaos, Fault};
use crate::hooks::{Deliver, Sender};
use crate::server::{from_here, json as answered};
use crate::{Processor, cards};

/// The API key whose book is meant when none is named.
const FIRST_KEY: &str = "sk_test_scripted";

pub async fn state(State(processor): State<Processor>, headers: HeaderMap) -> Response {
    refused(&processor, &headers).unwrap_or_else(|| answered(200, &processor.state_of_all()))
}

pub async fn cards(State(processor): State<Processor>, headers: HeaderMap) -> Response {
    refused(&processor, &headers).unwrap_or_else(|| answered(200, &cards::listed()))
}

pub async fn act(State(processor): State<Processor>, Path(act): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refused) = refused(&processor, &headers) {
        return refused;
    }
    match acted(&processor, &act, &body).await {
        Ok(said) => answered(200, &said),
        Err(Answer { status, body }) => answered(status, &body),
    }
}

fn refused(processor: &Processor, headers: &HeaderMap) -> Option<Response> {
    let refusal = json!({ "error": { "message": "Call it on 127.0.0.1 from a command line." } });
    if from_here(headers, &processor.base()) { None } else { Some(answered(403, &refusal)) }
}

/// Of the acts on one object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Told {
    passed: Option<bool>,
    decline: Option<String>,
    arrives: Option<bool>,
    amount: Option<i64>,
    reason: Option<String>,
    inquiry: bool,
    status: Option<String>,
    card: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Hooked {
    #[serde(default)]
    api_key: Option<String>,
    #[serde(flatten)]
    hook: Value,
}

#[derive(Debug, Deserialize)]
struct Delivered {
    #[serde(default)]
    api_key: Option<String>,
    #[serde(flatten)]
    how: Value,
}

async fn acted(processor: &Processor, act: &str, body: &[u8]) -> Result<Value, Answer> {
    let parts: Vec<&str> = act.split('/').collect();
    match parts.as_slice() {
        ["faults"] => processor.fault(read::<Fault>(body)?),
        ["chaos"] => processor.chaos(read::<Option<Chaos>>(body)?),
        ["release"] => processor.release(),
        ["hook"] => {
            let Hooked { api_key, hook } = read(body)?;
            let hook: Hook = read(hook.to_string().as_bytes())?;
            processor.hook(api_key.as_deref().unwrap_or(FIRST_KEY), hook);
        }
        ["deliver"] => {
            let Delivered { api_key, how } = read(body)?;
            return deliver(processor, api_key.as_deref().unwrap_or(FIRST_KEY), &read(how.to_string().as_bytes())?).await;
        }
        [kind, id, what] => return one(processor, kind, id, what, read(body)?),
        _ => return Err(Answer::no_route("POST", &format!("/_scripted/{act}"))),
    }
    Ok(json!({}))
}

fn one(processor: &Processor, kind: &str, id: &str, what: &str, told: Told) -> Result<Value, Answer> {
    let need = |name: &str| Answer::invalid(Some("parameter_missing"), Some(name), &format!("Missing required param: {name}."));
    match (kind, what) {
        ("payments" | "setups", "authenticate") => processor.authenticate(id, told.passed.unwrap_or(true)),
        ("payments", "settle") => processor.settle_payment(id, told.decline.as_deref()),
        ("payments", "dispute") => processor.dispute(id, told.amount, told.reason.as_deref().unwrap_or("fraudulent"), told.inquiry),
        ("refunds", "settle") => processor.settle_refund(id, told.arrives.unwrap_or(true)),
        ("disputes", "change") => processor.change_dispute(id, &told.status.ok_or_else(|| need("status"))?),
        ("cards", "behave") => processor.behave(id, &told.card.ok_or_else(|| need("card"))?),
        ("pages", "add") => processor.add_on_page(id, &told.card.ok_or_else(|| need("card"))?),
        _ => Err(Answer::no_route("POST", &format!("/_scripted/{kind}/{id}/{what}"))),
    }
}

/// Sends them, and says what was answered to each.
async fn deliver(processor: &Processor, api_key: &str, how: &Deliver) -> Result<Value, Answer> {
    let url = processor.within(api_key, |book| book.hook.as_ref().and_then(|hook| hook.url.clone()));
    let url = url.ok_or_else(|| Answer::invalid(None, None, "There is no address to deliver to: POST /_scripted/hook."))?;
    let sender = Sender::new().map_err(|_| Answer::failed(500))?;
    let mut sent = Vec::new();
    for signed in processor.deliveries(api_key, how) {
        let status = sender.send(&url, &signed).await;
        sent.push(json!({ "event": signed.event, "type": signed.kind, "status": status }));
    }
    Ok(json!({ "sent": sent }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Answer::invalid(None, None, &error.to_string()))
}
