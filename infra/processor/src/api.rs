//! The calls, in Stripe's shapes.

mod customers;
pub mod disputes;
mod lists;
pub mod methods;
pub mod payments;
pub mod refunds;
pub mod setups;

use serde_json::Value;

use crate::answer::Answer;
use crate::book::Book;
use crate::params::Params;

/// Carries a request out. `path` begins behind `/v1/`.
pub fn call(book: &mut Book, method: &str, path: &str, params: Params) -> Result<Value, Answer> {
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("POST", ["customers"]) => customers::create(book, params),
        ("GET", ["customers", id]) => shown(book, "customer", id, params),
        ("POST", ["customers", id]) => customers::update(book, id, params),
        ("POST", ["payment_methods"]) => methods::create(book, params),
        ("GET", ["payment_methods"]) => lists::payment_methods(book, params),
        ("GET", ["payment_methods", id]) => methods::retrieve(book, id, params),
        ("POST", ["payment_methods", id, "attach"]) => methods::attach(book, id, params),
        ("POST", ["payment_methods", id, "detach"]) => methods::detach(book, id, params),
        ("POST", ["setup_intents"]) => setups::create(book, params),
        ("GET", ["setup_intents", id]) => shown(book, "setup_intent", id, params),
        ("POST", ["setup_intents", id, "confirm"]) => setups::confirm(book, id, params),
        ("POST", ["setup_intents", id, "cancel"]) => setups::cancel(book, id, params),
        ("POST", ["checkout", "sessions"]) => setups::create_page(book, params),
        ("GET", ["checkout", "sessions", id]) => shown(book, "checkout.session", id, params),
        ("POST", ["payment_intents"]) => payments::create(book, params),
        ("GET", ["payment_intents"]) => lists::payment_intents(book, params),
        ("GET", ["payment_intents", id]) => shown(book, "payment_intent", id, params),
        ("POST", ["payment_intents", id, "confirm"]) => payments::confirm(book, id, params),
        ("POST", ["payment_intents", id, "cancel"]) => payments::cancel(book, id, params),
        ("GET", ["charges", id]) => shown(book, "charge", id, params),
        ("POST", ["refunds"]) => refunds::create(book, params),
        ("GET", ["refunds"]) => lists::of_payment(book, "refund", params),
        ("GET", ["refunds", id]) => shown(book, "refund", id, params),
        ("GET", ["disputes"]) => lists::of_payment(book, "dispute", params),
        ("GET", ["disputes", id]) => shown(book, "dispute", id, params),
        ("GET", ["events"]) => lists::all(book, "event", params),
        ("GET", ["events", id]) => shown(book, "event", id, params),
        _ => Err(Answer::no_route(method, &format!("/v1/{path}"))),
    }
}

fn shown(book: &Book, kind: &str, id: &str, params: Params) -> Result<Value, Answer> {
    params.end()?;
    book.need(kind, id)
}

/// A wrong state.
fn unexpected(code: &str, what: &str, status: &Value) -> Answer {
    let status = status.as_str().unwrap_or_default();
    Answer::invalid(Some(code), None, &format!("{what} because it has a status of {status}."))
}
