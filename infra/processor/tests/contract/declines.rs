//! Cards that decline, ask, take their time, and charge back.

use tributary_runtime::payments::{DeclineKind, Outcome, PaymentError, PaymentProcessor as _, Session, SoughtPayment};

use crate::run::{RETURN_URL, Run, pay};

#[tokio::test]
async fn each_decline_has_its_kind_and_charges_nothing() {
    for (card, kind, retryable) in [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", DeclineKind::InsufficientFunds, true),
        ("pm_card_visa_chargeDeclinedLostCard", DeclineKind::LostOrStolen, false),
        ("pm_card_visa_chargeDeclinedStolenCard", DeclineKind::LostOrStolen, false),
        ("pm_card_chargeDeclinedExpiredCard", DeclineKind::ExpiredCard, false),
        ("pm_card_chargeDeclinedIncorrectCvc", DeclineKind::Incorrect, false),
        ("pm_card_chargeDeclinedProcessingError", DeclineKind::Processing, true),
        ("pm_card_visa_chargeDeclined", DeclineKind::Other, true),
        ("pm_card_scripted_doNotHonor", DeclineKind::DoNotHonor, true),
    ] {
        let run = Run::new().await;
        let (customer, method) = run.card(card).await;
        let tried = run.pay(&method, "pay_1").await;
        let Err(PaymentError::Declined(decline)) = &tried else { panic!("{card}: {tried:?}") };
        assert_eq!((decline.kind, decline.retryable, decline.message.is_empty()), (kind, retryable, false), "{card}");
        // The same under the same key, and the same when it is looked up.
        assert_eq!(run.pay(&method, "pay_1").await, tried, "{card}");
        let found = run.find(&customer.id, "pay_1").await.expect("found");
        assert_eq!((decline.payment.as_ref(), found.outcome()), (Some(&found.id), Outcome::Declined((**decline).clone())), "{card}");
        assert_eq!(run.charged("pay_1"), 0, "{card}");
    }
}

#[tokio::test]
async fn a_card_that_was_declined_can_pay_another_day_as_another_attempt() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa_chargeDeclinedInsufficientFunds").await;
    run.pay(&card, "pay_1").await.expect_err("declined");
    run.processor.behave(&card.id, "pm_card_visa").expect("money came in");
    run.pay(&card, "pay_1").await.expect_err("the first answer is kept under its key");
    run.pay(&card, "pay_2").await.expect("paid");
    assert_eq!((run.charged("pay_1"), run.charged("pay_2")), (0, 1));
}

#[tokio::test]
async fn a_bank_may_decline_that_a_card_is_added() {
    let run = Run::new().await;
    let customer = run.customer().await;
    let tried = run.stripe.attach_payment_method("pm_card_scripted_attachDeclined", &customer.id, "a-1").await;
    assert!(matches!(&tried, Err(PaymentError::Declined(decline)) if decline.payment.is_none()), "{tried:?}");
}

#[tokio::test]
async fn a_payment_without_its_customer_that_must_be_authenticated_gets_a_link() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_authenticationRequired").await;
    let tried = pay(&run.stripe, &card, "pay_1", 1_250, Session::Off, Some(RETURN_URL)).await;
    let Err(PaymentError::ActionRequired(action)) = &tried else { panic!("{tried:?}") };
    assert!(action.url.as_ref().is_some_and(|url| url.starts_with(&run.base)) && !format!("{action:?}").contains("_secret_"), "{action:?}");
    assert_eq!((run.charged("pay_1"), pay(&run.stripe, &card, "pay_1", 1_250, Session::Off, Some(RETURN_URL)).await), (0, tried.clone()));
    let found = run.find(&customer.id, "pay_1").await.expect("found");
    assert_eq!(found.outcome(), Outcome::ActionRequired((**action).clone()));
    run.processor.authenticate(&action.payment, true).expect("authenticated");
    assert_eq!(run.stripe.get_payment_intent(&action.payment).await.expect("there").outcome(), Outcome::Paid);
    assert_eq!(run.charged("pay_1"), 1);
    run.processor.authenticate(&action.payment, true).expect_err("once");
    assert_eq!(run.charged("pay_1"), 1);
}

#[tokio::test]
async fn without_an_address_to_return_to_it_is_declined_until_a_link_is_asked_for() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_authenticationRequired").await;
    let tried = run.pay(&card, "pay_1").await;
    let Err(PaymentError::Declined(decline)) = tried else { panic!("{tried:?}") };
    assert_eq!((decline.kind, decline.retryable), (DeclineKind::AuthenticationRequired, false));
    let payment = decline.payment.expect("a payment");
    let tried = run.stripe.authenticate(&payment, &card.id, RETURN_URL, "link-1").await;
    assert!(matches!(&tried, Err(PaymentError::ActionRequired(action)) if action.payment == payment), "{tried:?}");
}

#[tokio::test]
async fn a_holder_who_refuses_or_has_nothing_declines_it() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_authenticationRequired").await;
    let Err(PaymentError::ActionRequired(action)) = pay(&run.stripe, &card, "pay_1", 1_250, Session::On, Some(RETURN_URL)).await else {
        panic!()
    };
    run.processor.authenticate(&action.payment, false).expect("refused");
    let outcome = run.stripe.get_payment_intent(&action.payment).await.expect("there").outcome();
    assert!(matches!(&outcome, Outcome::Declined(decline) if decline.kind == DeclineKind::AuthenticationRequired), "{outcome:?}");

    let name = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds";
    let poor = run.stripe.attach_payment_method(name, card.customer.as_deref().expect("whose"), "a-2").await.expect("attached");
    let Err(PaymentError::ActionRequired(action)) = pay(&run.stripe, &poor, "pay_2", 1_250, Session::On, Some(RETURN_URL)).await else {
        panic!()
    };
    run.processor.authenticate(&action.payment, true).expect("authenticated");
    let outcome = run.stripe.get_payment_intent(&action.payment).await.expect("there").outcome();
    assert!(matches!(&outcome, Outcome::Declined(decline) if decline.kind == DeclineKind::InsufficientFunds), "{outcome:?}");
    assert_eq!((run.charged("pay_1"), run.charged("pay_2")), (0, 0));
}

#[tokio::test]
async fn a_payment_that_is_processed_ends_later() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_scripted_processing").await;
    let paid = run.pay(&card, "pay_1").await.expect("begun");
    let lost = run.pay(&card, "pay_2").await.expect("begun");
    assert_eq!((paid.outcome(), lost.outcome(), run.charged("pay_1")), (Outcome::Processing, Outcome::Processing, 0));
    run.processor.settle_payment(&paid.id, None).expect("settled");
    run.processor.settle_payment(&lost.id, Some("insufficient_funds")).expect("settled");
    assert_eq!(run.stripe.get_payment_intent(&paid.id).await.expect("there").outcome(), Outcome::Paid);
    let outcome = run.stripe.get_payment_intent(&lost.id).await.expect("there").outcome();
    assert!(matches!(&outcome, Outcome::Declined(decline) if decline.kind == DeclineKind::InsufficientFunds), "{outcome:?}");
}

#[tokio::test]
async fn what_was_made_before_is_not_looked_through() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    run.clock.advance_ms(60_000);
    assert_eq!(run.find(&customer.id, "pay_1").await, None);
    let since = jiff::Timestamp::from_second(run.now().as_second() - 60).expect("a time");
    let sought = SoughtPayment { customer: &customer.id, payment_id: "pay_1", since };
    assert!(run.stripe.find_payment_intent(&sought).await.expect("a list").is_some());
}
