//! The pages that a customer sees: the bank's, where a payment is authenticated, and the one where a card is added. They load nothing.

use std::fmt::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::Processor;
use crate::answer::Answer;
use crate::book::text;
use crate::cards::CARDS;
use crate::server::from_here;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
/// The most bytes of what a page sends.
const MAX_FORM_BYTES: usize = 4096;

/// The bank's page.
pub async fn bank(State(processor): State<Processor>, Path(id): Path<String>) -> Response {
    let Some(object) = found(&processor, &id) else { return absent() };
    if object["status"] != "requires_action" {
        return page(StatusCode::OK, "Nothing to confirm", &format!("<p>This is <b>{}</b>.</p>", escaped(&text(&object, "status"))));
    }
    let what = match object["amount"].as_i64() {
        Some(amount) => format!("Pay <b>{amount} minor units of {}</b>?", escaped(&text(&object, "currency").to_uppercase())),
        None => "Keep this card for payments to come?".to_owned(),
    };
    let form = format!(
        "<p>{what}</p><form method=\"post\"><button name=\"answer\" value=\"confirm\">Confirm</button> \
         <button name=\"answer\" value=\"refuse\">Refuse</button></form>"
    );
    page(StatusCode::OK, "Your bank asks: is this you?", &form)
}

/// What was answered there.
pub async fn bank_answered(State(processor): State<Processor>, Path(id): Path<String>, request: Request) -> Response {
    let Some(before) = found(&processor, &id) else { return absent() };
    let Some(form) = form(&processor, request).await else { return elsewhere() };
    let passed = form.iter().any(|(name, value)| name == "answer" && value == "confirm");
    match processor.authenticate(&id, passed) {
        Ok(after) => {
            let done = matches!(after["status"].as_str(), Some("succeeded" | "processing"));
            let name = if id.starts_with("seti_") { "setup_intent" } else { "payment_intent" };
            let back = before["next_action"]["redirect_to_url"]["return_url"].as_str();
            let query = format!("{name}={id}&redirect_status={}", if done { "succeeded" } else { "failed" });
            back.map_or_else(|| page(StatusCode::OK, "Thank you", "<p>You can close this page.</p>"), |back| redirect(back, &query))
        }
        Err(answer) => refused(&answer),
    }
}

/// The page where a card is added.
pub async fn setup(State(processor): State<Processor>, Path(id): Path<String>) -> Response {
    let Some(session) = processor.object("checkout.session", &id) else { return absent() };
    if session["status"] != "open" {
        return page(StatusCode::OK, "Nothing to do", "<p>A card was added here already.</p>");
    }
    let mut form = String::from("<p>Nothing here is charged: these are cards for trying out.</p><form method=\"post\">");
    for (at, card) in CARDS.iter().enumerate() {
        let checked = if at == 0 { " checked" } else { "" };
        let _ = write!(
            form,
            "<p><label><input type=\"radio\" name=\"card\" value=\"{}\"{checked}> <code>{}</code> {}</label></p>",
            card.name, card.number, card.words
        );
    }
    form.push_str("<p><button>Add the card</button></p></form>");
    if let Some(back) = session["cancel_url"].as_str() {
        let _ = write!(form, "<p><a href=\"{}\">Not now</a></p>", escaped(back));
    }
    page(StatusCode::OK, "Add a card", &form)
}

/// What was chosen there.
pub async fn setup_answered(State(processor): State<Processor>, Path(id): Path<String>, request: Request) -> Response {
    let Some(session) = processor.object("checkout.session", &id) else { return absent() };
    let Some(form) = form(&processor, request).await else { return elsewhere() };
    let card = form.into_iter().find(|(name, _)| name == "card").map(|(_, value)| value).unwrap_or_default();
    match processor.add_on_page(&id, &card) {
        Ok(setup) => match (setup["next_action"]["redirect_to_url"]["url"].as_str(), session["success_url"].as_str()) {
            (Some(bank), _) => redirect(bank, ""),
            (None, Some(back)) => redirect(back, ""),
            (None, None) => page(StatusCode::OK, "Thank you", "<p>The card was added.</p>"),
        },
        Err(answer) => refused(&answer),
    }
}

fn found(processor: &Processor, id: &str) -> Option<Value> {
    processor.object("payment_intent", id).or_else(|| processor.object("setup_intent", id))
}

async fn form(processor: &Processor, request: Request) -> Option<Vec<(String, String)>> {
    let (parts, body) = request.into_parts();
    if !from_here(&parts.headers, &processor.base()) {
        return None;
    }
    let bytes = to_bytes(body, MAX_FORM_BYTES).await.ok()?;
    Some(form_urlencoded::parse(&bytes).into_owned().collect())
}

fn refused(answer: &Answer) -> Response {
    let message = answer.body["error"]["message"].as_str().unwrap_or_default();
    page(StatusCode::BAD_REQUEST, "That did not work", &format!("<p>{}</p>", escaped(message)))
}

fn absent() -> Response {
    page(StatusCode::NOT_FOUND, "There is no such page", "")
}

fn elsewhere() -> Response {
    page(StatusCode::FORBIDDEN, "This is for the local machine only", "")
}

fn redirect(to: &str, query: &str) -> Response {
    let to = match (query.is_empty(), to.contains('?')) {
        (true, _) => to.to_owned(),
        (false, true) => format!("{to}&{query}"),
        (false, false) => format!("{to}?{query}"),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(to) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}button{{font:inherit;padding:.4rem 1rem}}</style>\
         <h1>{title}</h1>{body}<p><small>The scripted processor. No money moves.</small></p></html>"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
