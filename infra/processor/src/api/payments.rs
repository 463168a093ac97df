//! Payments and their charges.

use serde_json::{Value, json};

use super::{disputes, methods, unexpected};
use crate::answer::{Answer, card_error};
use crate::book::{Book, text};
use crate::cards::Charged;
use crate::params::Params;

pub fn create(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    let amount =
        params.take_integer("amount")?.ok_or_else(|| Answer::invalid(Some("parameter_missing"), Some("amount"), "Missing amount."))?;
    let (currency, customer) = (params.need("currency")?, params.take("customer"));
    let (card, description) = (params.take("payment_method"), params.take("description"));
    let (confirm, off_session) = (params.take_bool("confirm")?, params.take_bool("off_session")?);
    let (return_url, metadata) = (params.take_url("return_url")?, params.take_map("metadata"));
    let _ = params.take_list("payment_method_types");
    params.end()?;
    sized(amount, &currency)?;
    if off_session && !confirm {
        return Err(Answer::invalid(None, Some("off_session"), "The parameter off_session may only be used with confirm."));
    }
    if let Some(customer) = &customer {
        book.need("customer", customer)?;
    }
    let card = card.map(|card| methods::find(book, &card)).transpose()?;
    if let Some(card) = &card {
        belongs(card, customer.as_deref())?;
    }
    let fields = json!({
        "amount": amount, "amount_received": 0, "currency": currency, "customer": customer, "description": description, "metadata": metadata,
        "payment_method": card.as_ref().map(|card| card["id"].clone()), "payment_method_types": ["card"], "latest_charge": null,
        "last_payment_error": null, "next_action": null, "capture_method": "automatic", "confirmation_method": "automatic",
        "status": if card.is_some() { "requires_confirmation" } else { "requires_payment_method" },
    });
    let mut payment = book.make("pi", "payment_intent", fields);
    payment["client_secret"] = format!("{}_secret_{}", text(&payment, "id"), book.id("s").trim_start_matches("s_")).into();
    book.put(payment.clone());
    book.tell("payment_intent.created", &payment, None);
    if confirm { confirmed(book, payment, off_session, return_url.as_deref()) } else { Ok(payment) }
}

/// Source: "Minimum and maximum charge amounts", Stripe documentation, of the currencies that tests use.
fn sized(amount: i64, currency: &str) -> Result<(), Answer> {
    let least = match currency {
        "gbp" => 30,
        "usd" | "eur" | "chf" | "jpy" => 50,
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase()) => 1,
        _ => return Err(Answer::invalid(None, Some("currency"), &format!("Invalid currency: {currency}."))),
    };
    if matches!(currency, "bhd" | "jod" | "kwd" | "omr" | "tnd") && amount % 10 != 0 {
        return Err(Answer::invalid(None, Some("amount"), "The last digit of an amount with three decimals must be 0."));
    }
    match amount {
        amount if amount < 1 => {
            Err(Answer::invalid(Some("parameter_invalid_integer"), Some("amount"), "This value must be greater than 0."))
        }
        amount if amount < least => {
            Err(Answer::invalid(Some("amount_too_small"), Some("amount"), &format!("Amount must be at least {least} {currency}.")))
        }
        amount if amount > 99_999_999_999 => Err(Answer::invalid(Some("amount_too_large"), Some("amount"), "The amount is too large.")),
        _ => Ok(()),
    }
}

/// A card that is somebody's is charged for nobody else.
fn belongs(card: &Value, customer: Option<&str>) -> Result<(), Answer> {
    if card["_detached"] == true || (!card["customer"].is_null() && card["customer"].as_str() != customer) {
        let message = "The PaymentMethod does not belong to the Customer you supplied; it may have been detached.";
        return Err(Answer::invalid(Some("payment_method_unexpected_state"), Some("payment_method"), message));
    }
    Ok(())
}

pub fn confirm(book: &mut Book, id: &str, mut params: Params) -> Result<Value, Answer> {
    let (card, return_url) = (params.take("payment_method"), params.take_url("return_url")?);
    let off_session = params.take_bool("off_session")?;
    params.end()?;
    let mut payment = book.need("payment_intent", id)?;
    if !matches!(payment["status"].as_str(), Some("requires_payment_method" | "requires_confirmation" | "requires_action")) {
        return Err(unexpected("payment_intent_unexpected_state", "You cannot confirm this PaymentIntent", &payment["status"]));
    }
    if let Some(card) = card {
        let card = methods::find(book, &card)?;
        belongs(&card, payment["customer"].as_str())?;
        payment["payment_method"] = card["id"].clone();
    }
    if payment["payment_method"].is_null() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(Answer::invalid(Some("payment_intent_unexpected_state"), None, message));
    }
    confirmed(book, payment, off_session, return_url.as_deref())
}

fn confirmed(book: &mut Book, payment: Value, off_session: bool, return_url: Option<&str>) -> Result<Value, Answer> {
    let card = book.need("payment_method", &text(&payment, "payment_method"))?;
    match methods::scripted(&card).charged {
        Charged::Authenticates(_) if off_session => declined(book, payment, "authentication_required", "authentication_required"),
        Charged::Authenticates(_) => Ok(waiting(book, payment, return_url)),
        Charged::Pays | Charged::Declines(..) | Charged::Processes | Charged::PaysAndDisputes(..) => charged(book, payment),
    }
}

/// The holder must authenticate.
fn waiting(book: &mut Book, mut payment: Value, return_url: Option<&str>) -> Value {
    let url = format!("{}/3ds/{}", book.base, text(&payment, "id"));
    payment["status"] = "requires_action".into();
    payment["last_payment_error"] = Value::Null;
    payment["next_action"] = match return_url {
        Some(return_url) => json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": return_url } }),
        None => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } }),
    };
    book.put(payment.clone());
    book.tell("payment_intent.requires_action", &payment, None);
    payment
}

/// Charges the card, authenticated or without need for it.
fn charged(book: &mut Book, mut payment: Value) -> Result<Value, Answer> {
    let card = book.need("payment_method", &text(&payment, "payment_method"))?;
    let script = methods::scripted(&card).charged;
    match script {
        Charged::Declines(code, decline) => declined(book, payment, code, decline),
        Charged::Authenticates(Some(decline)) => declined(book, payment, "card_declined", decline),
        Charged::Processes => {
            (payment["status"], payment["next_action"]) = ("processing".into(), Value::Null);
            book.put(payment.clone());
            book.tell("payment_intent.processing", &payment, None);
            Ok(payment)
        }
        Charged::Pays | Charged::Authenticates(None) | Charged::PaysAndDisputes(..) => {
            let paid = paid(book, payment);
            if let Charged::PaysAndDisputes(reason, status) = script {
                disputes::open(book, &paid, None, reason, status)?;
            }
            Ok(paid)
        }
    }
}

fn charge(book: &mut Book, payment: &Value, status: &str) -> Value {
    let fields = json!({
        "amount": payment["amount"], "currency": payment["currency"], "customer": payment["customer"], "payment_intent": payment["id"],
        "payment_method": payment["payment_method"], "metadata": payment["metadata"], "status": status, "paid": status == "succeeded",
        "amount_refunded": 0, "refunded": false, "disputed": false,
    });
    book.make("ch", "charge", fields)
}

fn paid(book: &mut Book, mut payment: Value) -> Value {
    let charge = charge(book, &payment, "succeeded");
    (payment["status"], payment["next_action"], payment["last_payment_error"]) = ("succeeded".into(), Value::Null, Value::Null);
    (payment["latest_charge"], payment["amount_received"]) = (charge["id"].clone(), payment["amount"].clone());
    book.put(payment.clone());
    book.tell("charge.succeeded", &charge, None);
    book.tell("payment_intent.succeeded", &payment, None);
    payment
}

fn declined(book: &mut Book, mut payment: Value, code: &str, decline: &str) -> Result<Value, Answer> {
    let charge = charge(book, &payment, "failed");
    let mut error = card_error(code, decline);
    error["charge"] = charge["id"].clone();
    error["payment_method"] = json!({ "id": payment["payment_method"], "object": "payment_method", "type": "card" });
    payment["last_payment_error"] = error.clone();
    (payment["status"], payment["next_action"]) = ("requires_payment_method".into(), Value::Null);
    (payment["latest_charge"], payment["payment_method"]) = (charge["id"].clone(), Value::Null);
    book.put(payment.clone());
    book.tell("charge.failed", &charge, None);
    book.tell("payment_intent.payment_failed", &payment, None);
    error["payment_intent"] = payment;
    Err(Answer::declined(error))
}

/// What the holder says on the page of the bank.
pub fn authenticated(book: &mut Book, id: &str, passed: bool) -> Result<Value, Answer> {
    let payment = book.need("payment_intent", id)?;
    if payment["status"] != "requires_action" {
        return Err(unexpected("payment_intent_unexpected_state", "This PaymentIntent cannot be authenticated", &payment["status"]));
    }
    let done = if passed {
        charged(book, payment)
    } else {
        declined(book, payment, "payment_intent_authentication_failure", "authentication_required")
    };
    // Nobody waits for the decline: it is told by an event.
    done.or_else(|answer| if answer.status == 402 { book.need("payment_intent", id) } else { Err(answer) })
}

/// Ends a payment that is being processed: paid, or declined with the bank's code.
pub fn settle(book: &mut Book, id: &str, decline: Option<&str>) -> Result<Value, Answer> {
    let payment = book.need("payment_intent", id)?;
    if payment["status"] != "processing" {
        return Err(unexpected("payment_intent_unexpected_state", "This PaymentIntent cannot be settled", &payment["status"]));
    }
    match decline {
        None => Ok(paid(book, payment)),
        Some(decline) => declined(book, payment, "card_declined", decline).or_else(|_| book.need("payment_intent", id)),
    }
}

pub fn cancel(book: &mut Book, id: &str, mut params: Params) -> Result<Value, Answer> {
    let reason = params.take("cancellation_reason");
    params.end()?;
    let mut payment = book.need("payment_intent", id)?;
    if matches!(payment["status"].as_str(), Some("succeeded" | "canceled" | "processing")) {
        return Err(unexpected("payment_intent_unexpected_state", "You cannot cancel this PaymentIntent", &payment["status"]));
    }
    (payment["status"], payment["next_action"]) = ("canceled".into(), Value::Null);
    (payment["canceled_at"], payment["cancellation_reason"]) = (book.now_s.into(), reason.into());
    book.put(payment.clone());
    book.tell("payment_intent.canceled", &payment, None);
    Ok(payment)
}
