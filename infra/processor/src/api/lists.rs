//! Lists, the newest first, in pages.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::book::Book;
use crate::params::Params;

pub fn payment_methods(book: &Book, mut params: Params) -> Result<Value, Answer> {
    let (customer, kind) = (params.need("customer")?, params.take("type"));
    book.need("customer", &customer)?;
    let mut cards = book.list("payment_method", "");
    cards.retain(|card| card["customer"] == customer && kind.as_ref().is_none_or(|kind| card["type"] == *kind));
    page("/v1/payment_methods", &cards, params)
}

pub fn payment_intents(book: &Book, mut params: Params) -> Result<Value, Answer> {
    let (customer, since) = (params.take("customer"), params.take_integer("created[gte]")?);
    let mut payments = book.list("payment_intent", customer.as_deref().unwrap_or_default());
    payments.retain(|payment| since.is_none_or(|since| payment["created"].as_i64().is_some_and(|created| created >= since)));
    page("/v1/payment_intents", &payments, params)
}

pub fn of_payment(book: &Book, kind: &str, mut params: Params) -> Result<Value, Answer> {
    let payment = params.take("payment_intent");
    page(&format!("/v1/{kind}s"), &book.list(kind, payment.as_deref().unwrap_or_default()), params)
}

pub fn all(book: &Book, kind: &str, params: Params) -> Result<Value, Answer> {
    page(&format!("/v1/{kind}s"), &book.list(kind, ""), params)
}

fn page(url: &str, rows: &[Value], mut params: Params) -> Result<Value, Answer> {
    let (limit, after) = (params.take_integer("limit")?.unwrap_or(10), params.take("starting_after"));
    params.end()?;
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| Answer::invalid(None, Some("limit"), "A limit is from 1 to 100."))?;
    let from = match after {
        None => 0,
        Some(after) => 1 + rows.iter().position(|row| row["id"] == after).ok_or_else(|| Answer::absent("starting_after", &after))?,
    };
    let left = rows.get(from..).unwrap_or_default();
    let data = left.get(..limit).unwrap_or(left);
    Ok(json!({ "object": "list", "url": url, "data": data, "has_more": data.len() < left.len() }))
}
