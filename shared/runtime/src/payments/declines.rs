//! Why cards are declined, by what can be done about it.

use std::fmt;

use serde_json::Value;

/// What a decline asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineKind {
    /// There is too little on the card: another day.
    InsufficientFunds,
    /// The card is too old: another card.
    ExpiredCard,
    /// The card was reported lost or stolen, or the bank wants it back: another card.
    LostOrStolen,
    /// Number, check code, date or address are wrong: given anew.
    Incorrect,
    /// The bank says no and not why: another day, or the holder calls it.
    DoNotHonor,
    /// The holder must authenticate: the holder's doing.
    AuthenticationRequired,
    /// Something went wrong on the way: again.
    Processing,
    /// Any other reason.
    Other,
}

impl DeclineKind {
    /// Its name, as it is told: `insufficient_funds`.
    pub fn name(self) -> &'static str {
        match self {
            DeclineKind::InsufficientFunds => "insufficient_funds",
            DeclineKind::ExpiredCard => "expired_card",
            DeclineKind::LostOrStolen => "lost_or_stolen",
            DeclineKind::Incorrect => "incorrect",
            DeclineKind::DoNotHonor => "do_not_honor",
            DeclineKind::AuthenticationRequired => "authentication_required",
            DeclineKind::Processing => "processing",
            DeclineKind::Other => "other",
        }
    }
}

/// A decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// The payment that was declined, `pi_…`; `None` when a card was declined as it was attached.
    pub payment: Option<String>,
    /// The processor's code: `card_declined`, `expired_card`.
    pub code: String,
    /// The bank's: `insufficient_funds`.
    pub decline_code: Option<String>,
    /// What it asks for.
    pub kind: DeclineKind,
    /// Whether the same card may do another day, without the customer's doing.
    pub retryable: bool,
    /// In words that can be shown to the customer.
    pub message: String,
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.decline_code.as_deref().unwrap_or(&self.code))
    }
}

/// From an error of the processor's, or a payment's last one.
///
/// Source: "Decline codes", "Error codes", and `advice_code` of "Errors", Stripe documentation.
pub(super) fn read(error: &Value, payment: Option<&str>) -> Decline {
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    let code = text("code").unwrap_or_else(|| "card_declined".to_owned());
    let decline_code = text("decline_code");
    let (kind, retryable) = weighed(&code, decline_code.as_deref());
    let retryable = match error["advice_code"].as_str() {
        Some("do_not_try_again" | "confirm_card_data") => false,
        Some("try_again_later") => true,
        Some(_) | None => retryable,
    };
    let message = text("message").unwrap_or_else(|| "The card was declined.".to_owned());
    Decline { payment: payment.map(str::to_owned), code, decline_code, kind, retryable, message }
}

/// The kind, and whether another day may do. The bank's code is more exact than the processor's.
fn weighed(code: &str, decline_code: Option<&str>) -> (DeclineKind, bool) {
    let exact = match (code, decline_code) {
        ("card_declined", Some(exact)) => exact,
        ("card_declined", None) => "generic_decline",
        (code, _) => code,
    };
    match exact {
        "insufficient_funds" | "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => (DeclineKind::InsufficientFunds, true),
        "expired_card" => (DeclineKind::ExpiredCard, false),
        "lost_card" | "stolen_card" | "pickup_card" => (DeclineKind::LostOrStolen, false),
        "incorrect_cvc"
        | "invalid_cvc"
        | "incorrect_number"
        | "invalid_number"
        | "incorrect_zip"
        | "incorrect_address"
        | "incorrect_pin"
        | "invalid_pin"
        | "invalid_expiry_month"
        | "invalid_expiry_year"
        | "invalid_account"
        | "new_account_information_available" => (DeclineKind::Incorrect, false),
        "do_not_honor" | "call_issuer" | "no_action_taken" => (DeclineKind::DoNotHonor, true),
        "authentication_required" | "authentication_not_handled" | "payment_intent_authentication_failure" => {
            (DeclineKind::AuthenticationRequired, false)
        }
        "processing_error" | "issuer_not_available" | "try_again_later" | "reenter_transaction" | "approve_with_id" => {
            (DeclineKind::Processing, true)
        }
        "card_not_supported"
        | "currency_not_supported"
        | "fraudulent"
        | "merchant_blacklist"
        | "not_permitted"
        | "restricted_card"
        | "revocation_of_all_authorizations"
        | "revocation_of_authorization"
        | "security_violation"
        | "service_not_allowed"
        | "stop_payment_order"
        | "testmode_decline"
        | "transaction_not_allowed" => (DeclineKind::Other, false),
        _ => (DeclineKind::Other, true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_decline_has_a_kind_and_says_whether_another_day_may_do() {
        let weighed = |code: &str, decline: &str| {
            let decline = read(&json!({"code": code, "decline_code": decline, "message": "No."}), Some("pi_1"));
            (decline.kind.name(), decline.retryable)
        };
        assert_eq!(weighed("card_declined", "insufficient_funds"), ("insufficient_funds", true));
        assert_eq!(weighed("card_declined", "lost_card"), ("lost_or_stolen", false));
        assert_eq!(weighed("card_declined", "stolen_card"), ("lost_or_stolen", false));
        assert_eq!(weighed("expired_card", "expired_card"), ("expired_card", false));
        assert_eq!(weighed("incorrect_cvc", "incorrect_cvc"), ("incorrect", false));
        assert_eq!(weighed("processing_error", "processing_error"), ("processing", true));
        assert_eq!(weighed("card_declined", "do_not_honor"), ("do_not_honor", true));
        assert_eq!(weighed("card_declined", "generic_decline"), ("other", true));
        assert_eq!(weighed("card_declined", "fraudulent"), ("other", false));
        assert_eq!(weighed("authentication_required", "authentication_required"), ("authentication_required", false));
        assert_eq!(weighed("card_declined", "authentication_required"), ("authentication_required", false));
        assert_eq!(weighed("a_code_of_next_year", "x"), ("other", true));
    }

    #[test]
    fn advice_outranks_the_table_and_missing_words_are_made_up() {
        let advised =
            |advice: &str| read(&json!({"code": "card_declined", "decline_code": "do_not_honor", "advice_code": advice}), None).retryable;
        assert_eq!((advised("do_not_try_again"), advised("try_again_later"), advised("new advice")), (false, true, true));
        let bare = read(&json!({}), None);
        assert_eq!((bare.code.as_str(), bare.kind, bare.message.is_empty()), ("card_declined", DeclineKind::Other, false));
    }
}
