//! The cards of tests: what each does when it is added and when it is charged.
//!
//! Source: "Testing", Stripe documentation, for the names and numbers; those with `scripted` in the name are of this processor alone. One thing
//! differs: Stripe declines most of the declining cards as they are added already, while here they can be added, so that a later payment with
//! them declines.

use serde_json::{Value, json};

/// What a card does when it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charged {
    /// It pays.
    Pays,
    /// It declines, with Stripe's code and the bank's.
    Declines(&'static str, &'static str),
    /// Its holder must authenticate, and then it pays; or declines, with the bank's code.
    Authenticates(Option<&'static str>),
    /// The outcome comes when it is called for.
    Processes,
    /// It pays, and its bank takes the money back, with this reason and into this state.
    PaysAndDisputes(&'static str, &'static str),
}

/// What a refund to a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refunded {
    /// It arrives.
    Succeeds,
    /// It is on its way until it is called for.
    Pends,
    /// It arrives, and the bank gives it back when it is called for.
    Fails,
}

/// A card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// By which it is named instead of its number.
    pub name: &'static str,
    /// Its number.
    pub number: &'static str,
    /// `visa`.
    pub brand: &'static str,
    /// Why it cannot be added.
    pub added: Option<&'static str>,
    /// Whether its holder must authenticate as it is added.
    pub added_with: bool,
    /// What it does when it is charged.
    pub charged: Charged,
    /// What a refund does.
    pub refunded: Refunded,
    /// In words, for the page.
    pub words: &'static str,
}

const fn card(name: &'static str, number: &'static str, charged: Charged, words: &'static str) -> Card {
    Card { name, number, brand: "visa", added: None, added_with: false, charged, refunded: Refunded::Succeeds, words }
}

const fn declines(name: &'static str, number: &'static str, decline: &'static str, words: &'static str) -> Card {
    card(name, number, Charged::Declines("card_declined", decline), words)
}

/// All of them.
pub const CARDS: &[Card] = &[
    card("pm_card_visa", "4242424242424242", Charged::Pays, "pays"),
    Card { brand: "mastercard", ..card("pm_card_mastercard", "5555555555554444", Charged::Pays, "pays (Mastercard)") },
    declines("pm_card_visa_chargeDeclined", "4000000000000002", "generic_decline", "is declined, and the bank does not say why"),
    declines("pm_card_chargeCustomerFail", "4000000000000341", "generic_decline", "can be added, and is declined"),
    declines("pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000009995", "insufficient_funds", "has too little on it"),
    declines("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", "lost_card", "was lost"),
    declines("pm_card_visa_chargeDeclinedStolenCard", "4000000000009979", "stolen_card", "was stolen"),
    card("pm_card_chargeDeclinedExpiredCard", "4000000000000069", Charged::Declines("expired_card", "expired_card"), "has expired"),
    card(
        "pm_card_chargeDeclinedIncorrectCvc",
        "4000000000000127",
        Charged::Declines("incorrect_cvc", "incorrect_cvc"),
        "has another check code",
    ),
    card(
        "pm_card_chargeDeclinedProcessingError",
        "4000000000000119",
        Charged::Declines("processing_error", "processing_error"),
        "meets an error on its way",
    ),
    declines("pm_card_scripted_doNotHonor", "4000000000005019", "do_not_honor", "is refused by its bank"),
    card("pm_card_authenticationRequired", "4000002760003184", Charged::Authenticates(None), "must be authenticated for each payment"),
    Card {
        added_with: true,
        ..card(
            "pm_card_authenticationRequiredOnSetup",
            "4000002500003155",
            Charged::Pays,
            "must be authenticated as it is added, then pays",
        )
    },
    card(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        Charged::Authenticates(Some("insufficient_funds")),
        "must be authenticated, and then has too little on it",
    ),
    card(
        "pm_card_createDispute",
        "4000000000000259",
        Charged::PaysAndDisputes("fraudulent", "needs_response"),
        "pays, and the payment is charged back as fraudulent",
    ),
    card(
        "pm_card_createDisputeProductNotReceived",
        "4000000000002685",
        Charged::PaysAndDisputes("product_not_received", "needs_response"),
        "pays, and the payment is charged back as not received",
    ),
    card(
        "pm_card_createDisputeInquiry",
        "4000000000001976",
        Charged::PaysAndDisputes("fraudulent", "warning_needs_response"),
        "pays, and the bank asks about it",
    ),
    Card { refunded: Refunded::Pends, ..card("pm_card_pendingRefund", "4000000000007726", Charged::Pays, "pays; refunds take their time") },
    Card { refunded: Refunded::Fails, ..card("pm_card_refundFail", "4000000000005126", Charged::Pays, "pays; refunds come back") },
    card("pm_card_scripted_processing", "4000000000006009", Charged::Processes, "pays or declines later, when that is called for"),
    Card {
        added: Some("do_not_honor"),
        ..card("pm_card_scripted_attachDeclined", "4000000000008005", Charged::Pays, "cannot be added: its bank declines that")
    },
];

/// The card of a name.
pub fn named(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.name == name)
}

/// The card of a number.
pub fn numbered(number: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.number == number)
}

/// All, as JSON.
pub fn listed() -> Value {
    CARDS.iter().map(|card| json!({ "payment_method": card.name, "number": card.number, "words": card.words })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luhn's check digit, ISO/IEC 7812-1.
    fn checks(number: &str) -> bool {
        let digit = |(at, digit): (usize, char)| {
            let digit = digit.to_digit(10).expect("a digit");
            if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        };
        number.chars().rev().enumerate().map(digit).sum::<u32>() % 10 == 0
    }

    #[test]
    fn names_and_numbers_are_of_one_card_each_and_numbers_check() {
        for card in CARDS {
            assert_eq!((named(card.name), numbered(card.number)), (Some(card), Some(card)));
            assert!(checks(card.number) && card.number.len() == 16, "{}", card.name);
        }
    }

    #[test]
    fn the_page_of_payments_lists_each() {
        let page = include_str!("../../../docs/payments.md");
        for card in CARDS {
            let groups: Vec<&str> = (0..4).filter_map(|at| card.number.get(at * 4..at * 4 + 4)).collect();
            assert!(page.contains(&format!("`{}`", card.name)) && page.contains(&groups.join(" ")), "{}", card.name);
        }
    }
}
