//! What a processor tells of its own accord: signed, at least once, in any order, late.
//!
//! An event is a bell: it says what to look at. It may be older than what is known, so whoever gets it asks for the object's present state
//! ([`PaymentProcessor::get_payment_intent`](super::PaymentProcessor::get_payment_intent)) before believing it, and keeps its id to know it again.
//!
//! Source: "Verify webhook signatures manually" and "Types of events", Stripe documentation.

use jiff::Timestamp;
use ring::hmac;
use serde_json::Value;

use super::wire::{self, Unreadable};
use super::{Money, Payment, Refund, SetupIntent};

/// How many seconds the time of a signature may differ from the present, in both directions.
pub const TOLERANCE_S: i64 = 300;
/// The most characters of the signature's header that are read.
const MAX_HEADER: usize = 4096;
/// The most signatures that are compared; while a secret is changed there are two.
const MAX_SIGNATURES: usize = 8;

/// An event of the processor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorEvent {
    /// `evt_…`: the same when it comes again.
    pub id: String,
    /// When it happened, to the second.
    pub at: Timestamp,
    /// What it tells.
    pub told: Told,
}

/// What an event tells. Objects are as they were then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// `payment_intent.succeeded`
    PaymentSucceeded(Box<Payment>),
    /// `payment_intent.payment_failed`
    PaymentFailed(Box<Payment>),
    /// `payment_intent.requires_action`
    PaymentActionRequired(Box<Payment>),
    /// `payment_intent.processing`
    PaymentProcessing(Box<Payment>),
    /// `payment_intent.canceled`
    PaymentCanceled(Box<Payment>),
    /// `setup_intent.succeeded`
    SetupSucceeded(Box<SetupIntent>),
    /// `payment_method.detached`
    MethodDetached {
        /// The card, `pm_…`.
        payment_method: String,
        /// Whose it was, `cus_…`, if that is told.
        customer: Option<String>,
    },
    /// `charge.refunded`
    Refunded(ChargeRefunded),
    /// `refund.created`, `refund.updated`, `refund.failed`, `charge.refund.updated`
    RefundUpdated(Box<Refund>),
    /// `charge.dispute.created`
    DisputeOpened(Box<Chargeback>),
    /// `charge.dispute.updated`, `charge.dispute.funds_withdrawn`, `charge.dispute.funds_reinstated`
    DisputeUpdated(Box<Chargeback>),
    /// `charge.dispute.closed`
    DisputeClosed(Box<Chargeback>),
    /// Any other type, or an amount of something that is not a currency of ISO 4217: nothing of the platform's.
    Ignored {
        /// Its type.
        kind: String,
    },
}

/// How much of a charge went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRefunded {
    /// `ch_…`.
    pub charge: String,
    /// The payment, `pi_…`.
    pub payment: Option<String>,
    /// All that went back so far.
    pub refunded: Money,
}

/// How far a chargeback is.
///
/// Source: "The Dispute object", Stripe API reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargebackStatus {
    /// An inquiry, to be answered; no money was taken.
    WarningNeedsResponse,
    /// An inquiry that was answered.
    WarningUnderReview,
    /// An inquiry that came to nothing.
    WarningClosed,
    /// To be answered; the money was taken.
    NeedsResponse,
    /// Answered; the bank decides.
    UnderReview,
    /// The money is back.
    Won,
    /// The money is gone.
    Lost,
    /// Settled before it became one.
    Prevented,
}

/// A holder's bank takes a charge back, or asks about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chargeback {
    /// `dp_…` or `du_…`.
    pub id: String,
    /// The payment, `pi_…`.
    pub payment: Option<String>,
    /// The charge, `ch_…`.
    pub charge: String,
    /// How much of it.
    pub amount: Money,
    /// The bank's reason: `fraudulent`, `product_not_received`.
    pub reason: String,
    /// How far it is.
    pub status: ChargebackStatus,
    /// Until when it can be answered.
    pub respond_by: Option<Timestamp>,
}

/// Why a webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The header is not `t=…,v1=…`.
    #[error("the signature's header cannot be read")]
    Unsigned,
    /// It was signed under another secret, or changed on its way.
    #[error("the signature is not of this body under this secret")]
    Forged,
    /// It was signed too long ago, or too far in the future: it may be sent by somebody who kept it.
    #[error("the signature is more than {TOLERANCE_S} seconds off")]
    Stale,
    /// It is signed, and cannot be understood.
    #[error("the event has no usable `{0}`")]
    Malformed(&'static str),
}

impl From<Unreadable> for WebhookError {
    fn from(Unreadable(name): Unreadable) -> Self {
        WebhookError::Malformed(name)
    }
}

/// The header of a body signed at a time: for the scripted processor and for tests.
pub fn sign(body: &[u8], secret: &str, at: Timestamp) -> String {
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &signed_part(at.as_second(), body));
    let hex: String = signed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={},v1={hex}", at.as_second())
}

/// Checks the signature, then reads the event.
pub(super) fn verify(body: &[u8], signature: &str, secret: &str, now: Timestamp) -> Result<ProcessorEvent, WebhookError> {
    let (at_s, signatures) = header(signature).ok_or(WebhookError::Unsigned)?;
    let (key, signed) = (hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed_part(at_s, body));
    // `verify` compares in constant time.
    if secret.is_empty() || !signatures.iter().any(|one| hmac::verify(&key, &signed, one).is_ok()) {
        return Err(WebhookError::Forged);
    }
    if now.as_second().abs_diff(at_s) > TOLERANCE_S.unsigned_abs() {
        return Err(WebhookError::Stale);
    }
    read(body)
}

fn signed_part(at_s: i64, body: &[u8]) -> Vec<u8> {
    [at_s.to_string().as_bytes(), b".", body].concat()
}

/// The time and the signatures of scheme `v1`; others are of no worth.
fn header(text: &str) -> Option<(i64, Vec<[u8; 32]>)> {
    if text.len() > MAX_HEADER {
        return None;
    }
    let parts = || text.split(',').filter_map(|part| part.trim().split_once('='));
    let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let (at, None) = (times.next()?, times.next()) else { return None };
    let digits = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
    let signatures: Vec<_> = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| unhex(value)).take(MAX_SIGNATURES).collect();
    if digits && !signatures.is_empty() { Some((at.parse().ok()?, signatures)) } else { None }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn read(body: &[u8]) -> Result<ProcessorEvent, WebhookError> {
    let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed("body"))?;
    let kind = wire::text(&event, "type")?;
    let told = match told(&kind, &event["data"]) {
        Err(Unreadable("currency")) => Told::Ignored { kind },
        told => told?,
    };
    Ok(ProcessorEvent { id: wire::text(&event, "id")?, at: wire::time(&event, "created")?, told })
}

fn told(kind: &str, data: &Value) -> Result<Told, Unreadable> {
    let object = &data["object"];
    let payment = || wire::payment(object).map(Box::new);
    let chargeback = || chargeback(object).map(Box::new);
    Ok(match kind {
        "payment_intent.succeeded" => Told::PaymentSucceeded(payment()?),
        "payment_intent.payment_failed" => Told::PaymentFailed(payment()?),
        "payment_intent.requires_action" => Told::PaymentActionRequired(payment()?),
        "payment_intent.processing" => Told::PaymentProcessing(payment()?),
        "payment_intent.canceled" => Told::PaymentCanceled(payment()?),
        "setup_intent.succeeded" => Told::SetupSucceeded(Box::new(wire::setup_intent(object)?)),
        "payment_method.detached" => Told::MethodDetached {
            payment_method: wire::text(object, "id")?,
            customer: wire::reference(&data["previous_attributes"]["customer"]),
        },
        "charge.refunded" => Told::Refunded(ChargeRefunded {
            charge: wire::text(object, "id")?,
            payment: wire::reference(&object["payment_intent"]),
            refunded: wire::money(object, "amount_refunded")?,
        }),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            Told::RefundUpdated(Box::new(wire::refund(object)?))
        }
        "charge.dispute.created" => Told::DisputeOpened(chargeback()?),
        "charge.dispute.updated" | "charge.dispute.funds_withdrawn" | "charge.dispute.funds_reinstated" => {
            Told::DisputeUpdated(chargeback()?)
        }
        "charge.dispute.closed" => Told::DisputeClosed(chargeback()?),
        _ => Told::Ignored { kind: kind.to_owned() },
    })
}

fn chargeback(object: &Value) -> Result<Chargeback, Unreadable> {
    let status = match object["status"].as_str() {
        Some("warning_needs_response") => ChargebackStatus::WarningNeedsResponse,
        Some("warning_under_review") => ChargebackStatus::WarningUnderReview,
        Some("warning_closed") => ChargebackStatus::WarningClosed,
        Some("needs_response") => ChargebackStatus::NeedsResponse,
        Some("under_review") => ChargebackStatus::UnderReview,
        Some("won") => ChargebackStatus::Won,
        Some("lost") => ChargebackStatus::Lost,
        Some("prevented") => ChargebackStatus::Prevented,
        Some(_) | None => return Err(Unreadable("status")),
    };
    Ok(Chargeback {
        id: wire::text(object, "id")?,
        payment: wire::reference(&object["payment_intent"]),
        charge: wire::reference(&object["charge"]).ok_or(Unreadable("charge"))?,
        amount: wire::money(object, "amount")?,
        reason: object["reason"].as_str().unwrap_or("general").to_owned(),
        status,
        respond_by: wire::time(&object["evidence_details"], "due_by").ok(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "whsec_a secret of tests";

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).expect("a time")
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
    }

    fn event(kind: &str, object: &Value) -> Vec<u8> {
        json!({"id": "evt_1", "created": 1_789_999_990, "type": kind, "data": {"object": object}}).to_string().into_bytes()
    }

    fn payment(status: &str) -> Value {
        json!({"id": "pi_1", "status": status, "amount": 1250, "currency": "usd", "created": 1_789_999_000, "metadata": {"payment_id": "pay_1"}})
    }

    /// Worked out with openssl: printf '1790000000.{}' | openssl dgst -sha256 -hmac whsec_test
    #[test]
    fn the_signature_is_hmac_sha256_of_time_and_body() {
        let signed = sign(b"{}", "whsec_test", now());
        assert_eq!(signed, "t=1790000000,v1=1c2847ad1f8158a1da978f36627ac1f07f7fd027321ac9ad40bccc06743f8396");
    }

    #[test]
    fn what_is_signed_is_taken_within_five_minutes_and_not_after() {
        let body = event("payment_intent.succeeded", &payment("succeeded"));
        let signature = sign(&body, SECRET, now());
        for off in [-TOLERANCE_S, 0, TOLERANCE_S] {
            assert!(verify(&body, &signature, SECRET, after(off)).is_ok(), "{off}");
        }
        for off in [-TOLERANCE_S - 1, TOLERANCE_S + 1] {
            assert_eq!(verify(&body, &signature, SECRET, after(off)), Err(WebhookError::Stale), "{off}");
        }
    }

    #[test]
    fn what_is_changed_or_signed_by_another_is_forged() {
        let body = event("payment_intent.succeeded", &payment("succeeded"));
        let signature = sign(&body, SECRET, now());
        let mut changed = body.clone();
        changed[20] ^= 1;
        assert_eq!(verify(&changed, &signature, SECRET, now()), Err(WebhookError::Forged));
        assert_eq!(verify(&body, &signature, "whsec_another", now()), Err(WebhookError::Forged));
        assert_eq!(verify(&body, &sign(&body, "", now()), "", now()), Err(WebhookError::Forged));
        // Another time than the one that was signed.
        let moved = signature.replacen("t=1790000000", "t=1790000100", 1);
        assert_eq!(verify(&body, &moved, SECRET, after(100)), Err(WebhookError::Forged));
    }

    #[test]
    fn one_good_signature_among_several_is_enough_and_only_of_v1() {
        let body = event("payment_intent.succeeded", &payment("succeeded"));
        let good = sign(&body, SECRET, now());
        let (time, right) = good.split_once(',').expect("two parts");
        let wrong = format!("v1={}", "00".repeat(32));
        assert!(verify(&body, &format!("{time},{wrong},{right},v0=1"), SECRET, now()).is_ok());
        assert_eq!(verify(&body, &format!("{time},{wrong}"), SECRET, now()), Err(WebhookError::Forged));
        let of_v0 = right.replacen("v1", "v0", 1);
        for unsigned in
            ["", "t=1790000000", right, &format!("{time},{of_v0}"), &format!("{time},{time},{right}"), &format!("t=x,{right}"), "t=1,v1=zz"]
        {
            assert_eq!(verify(&body, unsigned, SECRET, now()), Err(WebhookError::Unsigned), "{unsigned}");
        }
        let many = format!("{time},{}{right}", format!("{wrong},").repeat(MAX_SIGNATURES));
        assert_eq!(verify(&body, &many, SECRET, now()), Err(WebhookError::Forged));
        assert_eq!(verify(&body, &"x".repeat(MAX_HEADER + 1), SECRET, now()), Err(WebhookError::Unsigned));
    }

    #[test]
    fn every_type_is_read_and_others_are_ignored() {
        let read = |kind: &str, object: &Value| super::read(&event(kind, object)).expect(kind).told;
        let name = |told: &Told| format!("{told:?}").split(['(', ' ']).next().expect("a name").to_owned();
        for (kind, status, expected) in [
            ("payment_intent.succeeded", "succeeded", "PaymentSucceeded"),
            ("payment_intent.payment_failed", "requires_payment_method", "PaymentFailed"),
            ("payment_intent.requires_action", "requires_action", "PaymentActionRequired"),
            ("payment_intent.processing", "processing", "PaymentProcessing"),
            ("payment_intent.canceled", "canceled", "PaymentCanceled"),
        ] {
            assert_eq!(name(&read(kind, &payment(status))), expected);
        }
        let setup = json!({"id": "seti_1", "status": "succeeded", "customer": "cus_1", "payment_method": {"id": "pm_1"}, "metadata": {}});
        assert!(
            matches!(read("setup_intent.succeeded", &setup), Told::SetupSucceeded(setup) if setup.payment_method.as_deref() == Some("pm_1"))
        );
        let charge = json!({"id": "ch_1", "payment_intent": "pi_1", "amount_refunded": 500, "currency": "jpy"});
        assert!(matches!(read("charge.refunded", &charge), Told::Refunded(refunded) if refunded.refunded.minor == 500));
        let refund =
            json!({"id": "re_1", "payment_intent": "pi_1", "amount": 500, "currency": "jpy", "status": "failed", "failure_reason": "x"});
        for kind in ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"] {
            assert_eq!(name(&read(kind, &refund)), "RefundUpdated");
        }
        let dispute = json!({"id": "du_1", "charge": "ch_1", "payment_intent": "pi_1", "amount": 5, "currency": "usd", "reason": "fraudulent",
            "status": "needs_response", "evidence_details": {"due_by": 1_790_000_500}});
        for (kind, expected) in [
            ("charge.dispute.created", "DisputeOpened"),
            ("charge.dispute.updated", "DisputeUpdated"),
            ("charge.dispute.funds_withdrawn", "DisputeUpdated"),
            ("charge.dispute.closed", "DisputeClosed"),
        ] {
            assert_eq!(name(&read(kind, &dispute)), expected);
        }
        assert_eq!(read("invoice.paid", &json!({"whatever": 1})), Told::Ignored { kind: "invoice.paid".to_owned() });
        let mut coins = payment("succeeded");
        coins["currency"] = json!("usdc");
        assert!(matches!(read("payment_intent.succeeded", &coins), Told::Ignored { .. }));
    }

    #[test]
    fn a_card_that_was_taken_away_says_whose_it_was() {
        let body = json!({"id": "evt_1", "created": 1, "type": "payment_method.detached",
            "data": {"object": {"id": "pm_1", "customer": null}, "previous_attributes": {"customer": "cus_1"}}});
        let told = read(body.to_string().as_bytes()).expect("an event").told;
        assert_eq!(told, Told::MethodDetached { payment_method: "pm_1".to_owned(), customer: Some("cus_1".to_owned()) });
    }

    #[test]
    fn what_is_signed_but_not_understood_is_malformed() {
        assert_eq!(read(b"not JSON"), Err(WebhookError::Malformed("body")));
        assert_eq!(read(b"[]"), Err(WebhookError::Malformed("type")));
        assert_eq!(read(&event("payment_intent.succeeded", &json!({"id": "pi_1"}))), Err(WebhookError::Malformed("status")));
    }
}
