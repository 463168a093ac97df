//! Chargebacks.

use serde_json::{Value, json};

use super::unexpected;
use crate::answer::Answer;
use crate::book::{Book, text};

/// How long there is to answer one, in seconds.
const ANSWER_IN_S: i64 = 9 * 24 * 3_600;

/// The bank takes a payment back, all or some of it, or asks about it.
pub fn open(book: &mut Book, payment: &Value, amount: Option<i64>, reason: &str, status: &str) -> Result<Value, Answer> {
    if !matches!(status, "needs_response" | "warning_needs_response") {
        return Err(Answer::invalid(None, Some("status"), "A chargeback begins as needs_response or warning_needs_response."));
    }
    if payment["status"] != "succeeded" {
        return Err(unexpected("charge_not_disputable", "This payment cannot be charged back", &payment["status"]));
    }
    let mut charge = book.need("charge", &text(payment, "latest_charge"))?;
    let amount = amount.unwrap_or(charge["amount"].as_i64().unwrap_or(0));
    if charge["disputed"] == true || amount < 1 || charge["amount"].as_i64().is_some_and(|whole| amount > whole) {
        return Err(Answer::invalid(None, Some("amount"), "It is charged back already, or that is more than was charged."));
    }
    charge["disputed"] = true.into();
    book.put(charge.clone());
    let fields = json!({
        "amount": amount, "currency": charge["currency"], "charge": charge["id"], "payment_intent": payment["id"], "reason": reason, "status": status,
        "is_charge_refundable": status == "warning_needs_response", "metadata": {}, "evidence_details": { "due_by": book.now_s + ANSWER_IN_S },
    });
    let dispute = book.make("du", "dispute", fields);
    book.tell("charge.dispute.created", &dispute, None);
    if status == "needs_response" {
        book.tell("charge.dispute.funds_withdrawn", &dispute, None);
    }
    Ok(dispute)
}

/// Brings one into another state: `under_review`, `won`, `lost`, and those of inquiries.
pub fn change(book: &mut Book, id: &str, status: &str) -> Result<Value, Answer> {
    let mut dispute = book.need("dispute", id)?;
    let closed = matches!(status, "won" | "lost" | "warning_closed");
    if !closed && !matches!(status, "needs_response" | "under_review" | "warning_under_review") {
        return Err(Answer::invalid(None, Some("status"), "That is no state of a chargeback."));
    }
    if matches!(dispute["status"].as_str(), Some("won" | "lost" | "warning_closed")) {
        return Err(unexpected("dispute_closed", "This chargeback cannot be changed", &dispute["status"]));
    }
    dispute["status"] = status.into();
    book.put(dispute.clone());
    if !closed {
        book.tell("charge.dispute.updated", &dispute, None);
        return Ok(dispute);
    }
    if status != "lost" {
        let mut charge = book.need("charge", &text(&dispute, "charge"))?;
        charge["disputed"] = false.into();
        book.put(charge);
    }
    if status == "won" {
        book.tell("charge.dispute.funds_reinstated", &dispute, None);
    }
    book.tell("charge.dispute.closed", &dispute, None);
    Ok(dispute)
}
