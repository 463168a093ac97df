//! Refunds.

use serde_json::{Value, json};

use super::{methods, unexpected};
use crate::answer::Answer;
use crate::book::{Book, text};
use crate::cards::Refunded;
use crate::params::Params;

pub fn create(book: &mut Book, mut params: Params) -> Result<Value, Answer> {
    let payment = params.take("payment_intent");
    let (charge, amount) = (params.take("charge"), params.take_integer("amount")?);
    let (metadata, reason) = (params.take_map("metadata"), params.take("reason"));
    params.end()?;
    let charge = match (payment, charge) {
        (Some(payment), None) => text(&book.need("payment_intent", &payment)?, "latest_charge"),
        (None, Some(charge)) => charge,
        _ => return Err(Answer::invalid(Some("parameter_missing"), None, "One of charge or payment_intent is required.")),
    };
    let mut charge = book.need("charge", &charge)?;
    let (whole, back) = (charge["amount"].as_i64().unwrap_or(0), charge["amount_refunded"].as_i64().unwrap_or(0));
    let amount = amount.unwrap_or(whole - back);
    if charge["paid"] != true {
        return Err(Answer::invalid(Some("charge_not_refundable"), None, "This charge was not paid."));
    }
    if charge["disputed"] == true {
        return Err(Answer::invalid(Some("charge_disputed"), None, "This charge has been charged back."));
    }
    if back == whole {
        return Err(Answer::invalid(Some("charge_already_refunded"), None, "This charge has already been refunded."));
    }
    if amount < 1 || amount > whole - back {
        let message = format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({}).", whole - back);
        return Err(Answer::invalid(None, Some("amount"), &message));
    }
    let card = book.need("payment_method", &text(&charge, "payment_method"))?;
    let status = match methods::scripted(&card).refunded {
        Refunded::Succeeds | Refunded::Fails => "succeeded",
        Refunded::Pends => "pending",
    };
    let fields = json!({
        "amount": amount, "currency": charge["currency"], "charge": charge["id"], "payment_intent": charge["payment_intent"], "status": status,
        "metadata": metadata, "reason": reason,
    });
    let refund = book.make("re", "refund", fields);
    changed(book, &mut charge, back + amount);
    book.tell("refund.created", &refund, None);
    book.tell("charge.refunded", &charge, None);
    Ok(refund)
}

fn changed(book: &mut Book, charge: &mut Value, back: i64) {
    (charge["amount_refunded"], charge["refunded"]) = (back.into(), (charge["amount"] == back).into());
    book.put(charge.clone());
}

/// Ends a refund that is on its way, or takes back one that arrived: the bank gave it back.
pub fn settle(book: &mut Book, id: &str, arrives: bool) -> Result<Value, Answer> {
    let mut refund = book.need("refund", id)?;
    let over = match refund["status"].as_str() {
        Some("pending") => false,
        Some("succeeded") => arrives,
        _ => true,
    };
    if over {
        return Err(unexpected("refund_unexpected_state", "This refund cannot be settled", &refund["status"]));
    }
    refund["status"] = if arrives { "succeeded" } else { "failed" }.into();
    if !arrives {
        refund["failure_reason"] = "expired_or_canceled_card".into();
        let mut charge = book.need("charge", &text(&refund, "charge"))?;
        let back = charge["amount_refunded"].as_i64().unwrap_or(0) - refund["amount"].as_i64().unwrap_or(0);
        changed(book, &mut charge, back);
    }
    book.put(refund.clone());
    book.tell("refund.updated", &refund, None);
    if !arrives {
        book.tell("refund.failed", &refund, None);
    }
    Ok(refund)
}
