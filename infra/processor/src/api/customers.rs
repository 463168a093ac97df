//! Customers.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::book::Book;
use crate::params::Params;

pub fn create(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    let (name, email, description) = (params.take("name"), params.take("email"), params.take("description"));
    let metadata = params.take_map("metadata");
    params.end()?;
    let fields = json!({
        "name": name, "email": email, "description": description, "metadata": metadata, "delinquent": false,
        "invoice_settings": { "default_payment_method": null },
    });
    let customer = book.make("cus", "customer", fields);
    book.tell("customer.created", &customer, None);
    Ok(customer)
}

pub fn update(book: &mut Book, id: &str, mut params: Params) -> Result<Value, Answer> {
    let mut customer = book.need("customer", id)?;
    if let Some(card) = params.take("invoice_settings[default_payment_method]") {
        if !card.is_empty() && book.need("payment_method", &card)?["customer"] != id {
            let message = "The customer does not have a payment method with this ID. It must be attached to the customer.";
            return Err(Answer::invalid(Some("resource_missing"), Some("invoice_settings[default_payment_method]"), message));
        }
        customer["invoice_settings"]["default_payment_method"] = if card.is_empty() { Value::Null } else { card.into() };
    }
    for name in ["name", "email", "description"] {
        if let Some(value) = params.take(name) {
            customer[name] = value.into();
        }
    }
    if let Value::Object(metadata) = params.take_map("metadata") {
        for (name, value) in metadata {
            customer["metadata"][name] = value;
        }
    }
    params.end()?;
    book.put(customer.clone());
    book.tell("customer.updated", &customer, None);
    Ok(customer)
}
