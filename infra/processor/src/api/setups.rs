//! Setups of cards: by a page of one's own, or by the page of this processor.

use serde_json::{Value, json};

use super::{methods, unexpected};
use crate::answer::{Answer, card_error};
use crate::book::{Book, text};
use crate::params::Params;

/// How long a page can be used, in seconds.
const PAGE_LASTS_S: i64 = 24 * 3_600;

pub fn create(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    let (customer, metadata) = (params.take("customer"), params.take_map("metadata"));
    let (usage, _) = (params.take("usage"), params.take_list("payment_method_types"));
    params.end()?;
    if let Some(customer) = &customer {
        book.need("customer", customer)?;
    }
    Ok(begun(book, customer.as_deref(), usage.as_deref(), &metadata))
}

fn begun(book: &mut Book, customer: Option<&str>, usage: Option<&str>, metadata: &Value) -> Value {
    let fields = json!({
        "customer": customer, "usage": usage.unwrap_or("off_session"), "metadata": metadata, "payment_method": null, "next_action": null,
        "status": "requires_payment_method", "last_setup_error": null, "payment_method_types": ["card"],
    });
    let mut setup = book.make("seti", "setup_intent", fields);
    setup["client_secret"] = format!("{}_secret_{}", text(&setup, "id"), book.id("s").trim_start_matches("s_")).into();
    book.put(setup.clone());
    setup
}

pub fn confirm(book: &mut Book, id: &str, mut params: Params) -> Result<Value, Answer> {
    let (card, return_url) = (params.need("payment_method")?, params.take_url("return_url")?);
    params.end()?;
    with_card(book, id, &card, return_url.as_deref())
}

/// Goes on with a setup, with this card.
pub fn with_card(book: &mut Book, id: &str, card: &str, return_url: Option<&str>) -> Result<Value, Answer> {
    let mut setup = book.need("setup_intent", id)?;
    if !matches!(setup["status"].as_str(), Some("requires_payment_method" | "requires_confirmation")) {
        return Err(unexpected("setup_intent_unexpected_state", "You cannot confirm this SetupIntent", &setup["status"]));
    }
    let card = methods::find(book, card)?;
    let script = methods::scripted(&card);
    setup["payment_method"] = card["id"].clone();
    if let Some(why) = script.added {
        let error = card_error("card_declined", why);
        (setup["last_setup_error"], setup["payment_method"]) = (error.clone(), Value::Null);
        book.put(setup.clone());
        book.tell("setup_intent.setup_failed", &setup, None);
        return Err(Answer::declined(error));
    }
    if script.added_with {
        let url = format!("{}/3ds/{id}", book.base);
        setup["status"] = "requires_action".into();
        setup["next_action"] = json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": return_url } });
        book.put(setup.clone());
        book.tell("setup_intent.requires_action", &setup, None);
        return Ok(setup);
    }
    succeeded(book, setup)
}

fn succeeded(book: &mut Book, mut setup: Value) -> Result<Value, Answer> {
    if let Some(customer) = setup["customer"].as_str() {
        let card = methods::find(book, &text(&setup, "payment_method"))?;
        methods::give(book, card, customer)?;
    }
    (setup["status"], setup["next_action"], setup["last_setup_error"]) = ("succeeded".into(), Value::Null, Value::Null);
    book.put(setup.clone());
    book.tell("setup_intent.succeeded", &setup, None);
    Ok(setup)
}

/// What the holder says on the page of the bank.
pub fn authenticated(book: &mut Book, id: &str, passed: bool) -> Result<Value, Answer> {
    let mut setup = book.need("setup_intent", id)?;
    if setup["status"] != "requires_action" {
        return Err(unexpected("setup_intent_unexpected_state", "This SetupIntent cannot be authenticated", &setup["status"]));
    }
    if passed {
        return succeeded(book, setup);
    }
    setup["status"] = "requires_payment_method".into();
    (setup["next_action"], setup["payment_method"]) = (Value::Null, Value::Null);
    setup["last_setup_error"] = card_error("setup_intent_authentication_failure", "authentication_required");
    book.put(setup.clone());
    book.tell("setup_intent.setup_failed", &setup, None);
    Ok(setup)
}

pub fn cancel(book: &mut Book, id: &str, params: Params) -> Result<Value, Answer> {
    params.end()?;
    let mut setup = book.need("setup_intent", id)?;
    if matches!(setup["status"].as_str(), Some("succeeded" | "canceled" | "processing")) {
        return Err(unexpected("setup_intent_unexpected_state", "You cannot cancel this SetupIntent", &setup["status"]));
    }
    (setup["status"], setup["next_action"]) = ("canceled".into(), Value::Null);
    book.put(setup.clone());
    book.tell("setup_intent.canceled", &setup, None);
    Ok(setup)
}

pub fn create_page(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    if params.need("mode")? != "setup" {
        return Err(Answer::invalid(None, Some("mode"), "Only pages for adding a card are scripted."));
    }
    let customer = params.need("customer")?;
    let (success_url, cancel_url) = (params.take_url("success_url")?, params.take_url("cancel_url")?);
    let (metadata, _) = (params.take_map("setup_intent_data[metadata]"), params.take_list("payment_method_types"));
    params.end()?;
    book.need("customer", &customer)?;
    let setup = begun(book, Some(&customer), None, &metadata);
    let fields = json!({
        "mode": "setup", "customer": customer, "setup_intent": setup["id"], "success_url": success_url, "cancel_url": cancel_url,
        "status": "open", "expires_at": book.now_s + PAGE_LASTS_S,
    });
    let mut page = book.make("cs_test", "checkout.session", fields);
    page["url"] = format!("{}/setup/{}", book.base, text(&page, "id")).into();
    book.put(page.clone());
    Ok(page)
}

/// Adds a card on a page: the page's state, and the setup's.
pub fn on_page(book: &mut Book, id: &str, card: &str) -> Result<Value, Answer> {
    let mut page = book.need("checkout.session", id)?;
    if page["status"] != "open" || page["expires_at"].as_i64().is_some_and(|end| end <= book.now_s) {
        return Err(Answer::invalid(None, None, "This page was used already, or is too old."));
    }
    let (setup, back) = (text(&page, "setup_intent"), text(&page, "success_url"));
    let setup = with_card(book, &setup, card, Some(&back))?;
    page["status"] = "complete".into();
    book.put(page.clone());
    book.tell("checkout.session.completed", &page, None);
    Ok(setup)
}
