//! Cards of customers.

use serde_json::{Value, json};

use crate::answer::{Answer, card_error};
use crate::book::{Book, text};
use crate::cards::{self, Card};
use crate::params::Params;

/// In which year cards expire.
const EXP_YEAR: i64 = 2034;

pub fn create(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    if params.need("type")? != "card" {
        return Err(Answer::invalid(None, Some("type"), "Only cards are scripted."));
    }
    let number = params.need("card[number]")?;
    let (month, year) = (params.take_integer("card[exp_month]")?, params.take_integer("card[exp_year]")?);
    let (_, metadata) = (params.take("card[cvc]"), params.take_map("metadata"));
    params.end()?;
    let declined = || Answer::declined(card_error("incorrect_number", "incorrect_number"));
    let card = cards::numbered(&number.replace(' ', "")).ok_or_else(declined)?;
    let mut made = fresh(book, card, &metadata);
    made["card"]["exp_month"] = month.unwrap_or(12).into();
    made["card"]["exp_year"] = year.map_or(EXP_YEAR, |year| if year < 100 { year + 2000 } else { year }).into();
    book.put(made.clone());
    Ok(made)
}

fn fresh(book: &mut Book, card: &Card, metadata: &Value) -> Value {
    let last4 = card.number.get(12..).unwrap_or_default();
    let fields = json!({
        "type": "card", "customer": null, "metadata": metadata, "_card": card.name,
        "card": { "brand": card.brand, "last4": last4, "exp_month": 12, "exp_year": EXP_YEAR, "funding": "credit", "country": "US" },
    });
    book.make("pm", "payment_method", fields)
}

/// A card by its id; by the name of a card of tests, a fresh one.
pub fn find(book: &mut Book, id: &str) -> Result<Value, Answer> {
    match (book.get("payment_method", id), cards::named(id)) {
        (Some(card), _) => Ok(card),
        (None, Some(card)) => Ok(fresh(book, card, &json!({}))),
        (None, None) => Err(Answer::absent("payment_method", id)),
    }
}

/// What it does.
pub fn scripted(card: &Value) -> &'static Card {
    cards::named(card["_card"].as_str().unwrap_or_default()).unwrap_or(&cards::CARDS[0])
}

pub fn retrieve(book: &mut Book, id: &str, params: Params) -> Result<Value, Answer> {
    params.end()?;
    find(book, id)
}

pub fn attach(book: &mut Book, id: &str, mut params: Params) -> Result<Value, Answer> {
    let customer = params.need("customer")?;
    params.end()?;
    book.need("customer", &customer)?;
    let card = find(book, id)?;
    give(book, card, &customer)
}

/// Gives a card to a customer.
pub fn give(book: &mut Book, mut card: Value, customer: &str) -> Result<Value, Answer> {
    if card["_detached"] == true {
        let message = "The provided PaymentMethod was detached from a customer and may not be used again.";
        return Err(Answer::invalid(Some("payment_method_unexpected_state"), Some("payment_method"), message));
    }
    if card["customer"] == customer {
        return Ok(card);
    }
    if !card["customer"].is_null() {
        let message = "The payment method you provided has already been attached to a customer.";
        return Err(Answer::invalid(Some("payment_method_unexpected_state"), Some("payment_method"), message));
    }
    if let Some(why) = scripted(&card).added {
        return Err(Answer::declined(card_error("card_declined", why)));
    }
    card["customer"] = customer.into();
    book.put(card.clone());
    book.tell("payment_method.attached", &card, None);
    Ok(card)
}

pub fn detach(book: &mut Book, id: &str, params: Params) -> Result<Value, Answer> {
    params.end()?;
    let mut card = book.need("payment_method", id)?;
    let customer = text(&card, "customer");
    let Some(mut owner) = book.get("customer", &customer) else {
        let message = "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(Answer::invalid(Some("payment_method_unexpected_state"), None, message));
    };
    (card["customer"], card["_detached"]) = (Value::Null, true.into());
    book.put(card.clone());
    if owner["invoice_settings"]["default_payment_method"] == id {
        owner["invoice_settings"]["default_payment_method"] = Value::Null;
        book.put(owner);
    }
    book.tell("payment_method.detached", &card, Some(json!({ "customer": customer })));
    Ok(card)
}

/// From now on a card does as another.
pub fn behave(book: &mut Book, id: &str, as_card: &str) -> Result<Value, Answer> {
    let mut card = book.need("payment_method", id)?;
    let like = cards::named(as_card).ok_or_else(|| Answer::absent("card", as_card))?;
    card["_card"] = like.name.into();
    book.put(card.clone());
    Ok(card)
}
