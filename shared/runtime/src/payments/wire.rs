//! Stripe's objects, read. What is named but not needed is left alone; references may be ids or whole objects.
//!
//! Source: the objects' pages of the Stripe API reference.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Customer, Metadata, Money, Payment, PaymentMethod, PaymentStatus, Refund, RefundStatus, SetupIntent, SetupPage, SetupStatus,
    currencies, declines,
};

/// What an object lacks, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the processor's object has no usable `{0}`")]
pub(super) struct Unreadable(pub &'static str);

pub(super) fn customer(object: &Value) -> Result<Customer, Unreadable> {
    Ok(Customer {
        id: text(object, "id")?,
        default_payment_method: reference(&object["invoice_settings"]["default_payment_method"]),
        metadata: metadata(object),
    })
}

pub(super) fn payment_method(object: &Value) -> Result<PaymentMethod, Unreadable> {
    let card = &object["card"];
    let words = |name: &str| card[name].as_str().unwrap_or_default().to_owned();
    Ok(PaymentMethod {
        id: text(object, "id")?,
        customer: reference(&object["customer"]),
        brand: words("brand"),
        last4: words("last4"),
        exp_month: card["exp_month"].as_u64().and_then(|month| month.try_into().ok()).unwrap_or(0),
        exp_year: card["exp_year"].as_u64().and_then(|year| year.try_into().ok()).unwrap_or(0),
    })
}

pub(super) fn setup_intent(object: &Value) -> Result<SetupIntent, Unreadable> {
    let status = match object["status"].as_str() {
        Some("requires_payment_method") => SetupStatus::RequiresPaymentMethod,
        Some("requires_confirmation") => SetupStatus::RequiresConfirmation,
        Some("requires_action") => SetupStatus::RequiresAction,
        Some("processing") => SetupStatus::Processing,
        Some("succeeded") => SetupStatus::Succeeded,
        Some("canceled") => SetupStatus::Canceled,
        Some(_) | None => return Err(Unreadable("status")),
    };
    Ok(SetupIntent {
        id: text(object, "id")?,
        status,
        customer: reference(&object["customer"]),
        payment_method: reference(&object["payment_method"]),
        client_secret: object["client_secret"].as_str().map(str::to_owned),
        metadata: metadata(object),
    })
}

pub(super) fn setup_page(object: &Value) -> Result<SetupPage, Unreadable> {
    Ok(SetupPage { id: text(object, "id")?, url: text(object, "url")?, expires_at: time(object, "expires_at").ok() })
}

pub(super) fn payment(object: &Value) -> Result<Payment, Unreadable> {
    let id = text(object, "id")?;
    let status = match object["status"].as_str() {
        Some("requires_payment_method") => PaymentStatus::RequiresPaymentMethod,
        Some("requires_confirmation") => PaymentStatus::RequiresConfirmation,
        Some("requires_action") => PaymentStatus::RequiresAction,
        Some("processing") => PaymentStatus::Processing,
        Some("requires_capture") => PaymentStatus::RequiresCapture,
        Some("succeeded") => PaymentStatus::Succeeded,
        Some("canceled") => PaymentStatus::Canceled,
        Some(_) | None => return Err(Unreadable("status")),
    };
    let error = &object["last_payment_error"];
    Ok(Payment {
        status,
        amount: money(object, "amount")?,
        customer: reference(&object["customer"]),
        payment_method: reference(&object["payment_method"]),
        charge: reference(&object["latest_charge"]),
        created: time(object, "created")?,
        action_url: object["next_action"]["redirect_to_url"]["url"].as_str().map(str::to_owned),
        client_secret: object["client_secret"].as_str().map(str::to_owned),
        decline: error.is_object().then(|| declines::read(error, Some(&id))),
        metadata: metadata(object),
        id,
    })
}

pub(super) fn refund(object: &Value) -> Result<Refund, Unreadable> {
    let status = match object["status"].as_str() {
        Some("pending") => RefundStatus::Pending,
        Some("requires_action") => RefundStatus::RequiresAction,
        Some("succeeded") => RefundStatus::Succeeded,
        Some("failed") => RefundStatus::Failed,
        Some("canceled") => RefundStatus::Canceled,
        Some(_) | None => return Err(Unreadable("status")),
    };
    Ok(Refund {
        id: text(object, "id")?,
        payment: reference(&object["payment_intent"]),
        amount: money(object, "amount")?,
        status,
        failure: object["failure_reason"].as_str().map(str::to_owned),
        metadata: metadata(object),
    })
}

pub(super) fn text(object: &Value, name: &'static str) -> Result<String, Unreadable> {
    object[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or(Unreadable(name))
}

pub(super) fn money(object: &Value, name: &'static str) -> Result<Money, Unreadable> {
    let units = object[name].as_i64().ok_or(Unreadable(name))?;
    currencies::from_stripe(units, object["currency"].as_str().unwrap_or_default()).ok_or(Unreadable("currency"))
}

pub(super) fn time(object: &Value, name: &'static str) -> Result<Timestamp, Unreadable> {
    object[name].as_i64().and_then(|second| Timestamp::from_second(second).ok()).ok_or(Unreadable(name))
}

/// An id, or the id of the object that stands in its place.
pub(super) fn reference(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned)
}

pub(super) fn metadata(object: &Value) -> Metadata {
    let pairs = object["metadata"].as_object().into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
