//! Each call, when all goes well, and what each refuses.

use tributary_runtime::payments::{
    Metadata, Money, NewPayment, NewSetupPage, Outcome, PaymentError, PaymentProcessor as _, PaymentStatus, RefundStatus, Session,
    SetupStatus,
};

use crate::run::{Run, pay, refund_of, usd};

fn code(error: &PaymentError) -> Option<&str> {
    match error {
        PaymentError::Invalid(refusal) => refusal.code.as_deref(),
        _ => None,
    }
}

#[tokio::test]
async fn a_customer_has_cards_one_of_which_is_the_default_until_it_is_taken_away() {
    let run = Run::new().await;
    let (customer, first) = run.card("pm_card_visa").await;
    assert_eq!(customer.metadata.get("account_id").map(String::as_str), Some("acc_1"));
    let second = run.stripe.attach_payment_method("pm_card_mastercard", &customer.id, "attach-2").await.expect("attached");
    assert_eq!((second.brand.as_str(), second.last4.as_str(), second.exp_month), ("mastercard", "4444", 12));
    let listed = run.stripe.list_payment_methods(&customer.id).await.expect("a list");
    assert_eq!(listed.iter().map(|card| &card.id).collect::<Vec<_>>(), [&second.id, &first.id]);
    assert_eq!(run.stripe.get_payment_method(&first.id).await, Ok(first.clone()));

    let set = run.stripe.set_default_payment_method(&customer.id, Some(&first.id), "default-1").await.expect("set");
    assert_eq!(set.default_payment_method.as_ref(), Some(&first.id));
    assert_eq!(run.stripe.get_customer(&customer.id).await, Ok(set));
    let unset = run.stripe.set_default_payment_method(&customer.id, None, "default-2").await.expect("unset");
    assert_eq!(unset.default_payment_method, None);

    run.stripe.set_default_payment_method(&customer.id, Some(&first.id), "default-3").await.expect("set");
    let detached = run.stripe.detach_payment_method(&first.id, "detach-1").await.expect("detached");
    assert_eq!(detached.customer, None);
    assert_eq!(run.stripe.get_customer(&customer.id).await.expect("there").default_payment_method, None);
    assert_eq!(run.stripe.list_payment_methods(&customer.id).await.expect("a list").len(), 1);
    let again = run.stripe.attach_payment_method(&first.id, &customer.id, "attach-3").await.expect_err("gone for ever");
    assert_eq!(code(&again), Some("payment_method_unexpected_state"));
    let charged = run.pay(&first, "pay_1").await.expect_err("not the customer's any more");
    assert_eq!((code(&charged), run.charged("pay_1")), (Some("payment_method_unexpected_state"), 0));
}

#[tokio::test]
async fn a_payment_is_made_once_and_found_by_id_and_by_attempt() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    let paid = run.pay(&card, "pay_1").await.expect("paid");
    assert_eq!((paid.outcome(), paid.amount, paid.payment_id()), (Outcome::Paid, usd(1_250), Some("pay_1")));
    assert_eq!((paid.metadata.get("invoice_id").map(String::as_str), paid.created), (Some("inv_1"), run.now()));
    assert_eq!((paid.customer.as_ref(), paid.payment_method.as_ref()), (Some(&customer.id), Some(&card.id)));
    assert_eq!(run.stripe.get_payment_intent(&paid.id).await, Ok(paid.clone()));
    assert_eq!(run.find(&customer.id, "pay_1").await, Some(paid.clone()));
    assert_eq!(run.find(&customer.id, "pay_2").await, None);
    assert_eq!(run.pay(&card, "pay_1").await, Ok(paid));
    assert_eq!(run.charged("pay_1"), 1);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    let other = pay(&run.stripe, &card, "pay_1", 9_900, Session::Off, None).await;
    assert_eq!(other, Err(PaymentError::KeyReused));
    assert_eq!(run.charged("pay_1"), 1);
}

#[tokio::test]
async fn more_than_a_page_of_payments_is_searched_to_the_end() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    for n in 0..105 {
        run.pay(&card, &format!("pay_{n}")).await.expect("paid");
    }
    assert_eq!(run.find(&customer.id, "pay_0").await.and_then(|paid| paid.payment_id().map(str::to_owned)).as_deref(), Some("pay_0"));
    assert_eq!(run.find(&customer.id, "pay_105").await, None);
}

#[tokio::test]
async fn wrong_requests_are_refused_with_the_processors_code_and_can_be_mended_under_the_same_key() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    let small = pay(&run.stripe, &card, "pay_1", 49, Session::Off, None).await.expect_err("too small");
    assert_eq!((code(&small), small.may_have_happened()), (Some("amount_too_small"), false));
    pay(&run.stripe, &card, "pay_1", 50, Session::Off, None).await.expect("what was refused is not kept");
    let absent = run.stripe.get_payment_intent("pi_none").await.expect_err("absent");
    assert!(absent.is_absent(), "{absent:?}");
    assert!(run.stripe.get_customer("cus_none").await.expect_err("absent").is_absent());
    let fine = NewPayment {
        amount: Money { minor: 5_124, currency: "KWD".parse().expect("a currency") },
        customer: &customer.id,
        payment_method: &card.id,
        session: Session::Off,
        return_url: None,
        description: None,
        payment_id: "pay_2",
        metadata: &Metadata::new(),
        idempotency_key: "pay_2",
    };
    assert!(matches!(run.stripe.create_payment_intent(&fine).await, Err(PaymentError::Invalid(_))));
    let taken = NewPayment { amount: run.stripe.chargeable(fine.amount), ..fine };
    assert_eq!(run.stripe.create_payment_intent(&taken).await.expect("paid").amount.minor, 5_120);
}

#[tokio::test]
async fn credentials_that_are_not_taken_say_so_and_another_accounts_objects_are_absent() {
    let run = Run::new().await;
    let (customer, _) = run.card("pm_card_visa").await;
    for key in ["sk_live_1", "sk_test_1_revoked", ""] {
        let refused = run.stripe.of(key).get_customer(&customer.id).await;
        assert!(matches!(refused, Err(PaymentError::Unauthorized(_))), "{key}: {refused:?}");
    }
    assert!(run.stripe.of("sk_test_other").get_customer(&customer.id).await.expect_err("another's").is_absent());
}

#[tokio::test]
async fn refunds_go_up_to_what_was_paid_and_are_found_by_their_id() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa").await;
    let paid = run.pay(&card, "pay_1").await.expect("paid");
    let metadata = Metadata::from([("credit_note_id".to_owned(), "crn_1".to_owned())]);
    let some = run.stripe.refund(&refund_of(&paid.id, 1_000, "ref_1", &metadata)).await.expect("refunded");
    assert_eq!((some.status, some.amount, some.payment.as_ref()), (RefundStatus::Succeeded, usd(1_000), Some(&paid.id)));
    assert_eq!(run.stripe.refund(&refund_of(&paid.id, 1_000, "ref_1", &metadata)).await, Ok(some.clone()));
    assert_eq!(run.stripe.get_refund(&some.id).await, Ok(some.clone()));
    assert_eq!(run.stripe.find_refund(&paid.id, "ref_1").await, Ok(Some(some)));
    assert_eq!(run.stripe.find_refund(&paid.id, "ref_2").await, Ok(None));
    let over = run.stripe.refund(&refund_of(&paid.id, 251, "ref_2", &metadata)).await;
    assert!(matches!(over, Err(PaymentError::Invalid(refusal)) if refusal.param.as_deref() == Some("amount")));
    run.stripe.refund(&refund_of(&paid.id, 250, "ref_3", &metadata)).await.expect("the rest");
    let over = run.stripe.refund(&refund_of(&paid.id, 1, "ref_4", &metadata)).await.expect_err("nothing is left");
    assert_eq!(code(&over), Some("charge_already_refunded"));
}

#[tokio::test]
async fn refunds_may_take_their_time_and_come_back() {
    let run = Run::new().await;
    let (_, slow) = run.card("pm_card_pendingRefund").await;
    let paid = run.pay(&slow, "pay_1").await.expect("paid");
    let metadata = Metadata::new();
    let pending = run.stripe.refund(&refund_of(&paid.id, 1_250, "ref_1", &metadata)).await.expect("refunded");
    assert_eq!(pending.status, RefundStatus::Pending);
    run.processor.settle_refund(&pending.id, true).expect("settled");
    assert_eq!(run.stripe.get_refund(&pending.id).await.expect("there").status, RefundStatus::Succeeded);
    let failing =
        run.stripe.attach_payment_method("pm_card_refundFail", slow.customer.as_deref().expect("whose"), "a-2").await.expect("attached");
    let paid = run.pay(&failing, "pay_2").await.expect("paid");
    let refund = run.stripe.refund(&refund_of(&paid.id, 1_250, "ref_2", &metadata)).await.expect("refunded");
    run.processor.settle_refund(&refund.id, false).expect("came back");
    let failed = run.stripe.get_refund(&refund.id).await.expect("there");
    assert_eq!((failed.status, failed.failure.is_some()), (RefundStatus::Failed, true));
    // What came back can go again.
    run.stripe.refund(&refund_of(&paid.id, 1_250, "ref_3", &metadata)).await.expect("refunded");
}

#[tokio::test]
async fn a_payment_that_is_given_up_cannot_be_paid_and_a_paid_one_not_given_up() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_authenticationRequired").await;
    let waits = pay(&run.stripe, &card, "pay_1", 1_250, Session::On, Some("https://example.com")).await;
    let Err(PaymentError::ActionRequired(action)) = waits else { panic!("{waits:?}") };
    let canceled = run.stripe.cancel(&action.payment, "cancel-1").await.expect("given up");
    assert_eq!((canceled.status, canceled.outcome()), (PaymentStatus::Canceled, Outcome::Canceled));
    run.processor.authenticate(&action.payment, true).expect_err("too late");
    assert_eq!(run.charged("pay_1"), 0);

    let other = run.stripe.attach_payment_method("pm_card_visa", card.customer.as_deref().expect("whose"), "a-2").await.expect("attached");
    let paid = run.pay(&other, "pay_2").await.expect("paid");
    let refused = run.stripe.cancel(&paid.id, "cancel-2").await.expect_err("paid");
    assert_eq!(code(&refused), Some("payment_intent_unexpected_state"));
}

#[tokio::test]
async fn a_setup_ends_with_a_card_of_the_customers() {
    let run = Run::new().await;
    let customer = run.customer().await;
    let metadata = Metadata::from([("account_id".to_owned(), "acc_1".to_owned())]);
    let setup = run.stripe.create_setup_intent(&customer.id, &metadata, "setup-1").await.expect("begun");
    assert_eq!((setup.status, &setup.metadata), (SetupStatus::RequiresPaymentMethod, &metadata));
    assert!(setup.client_secret.as_ref().is_some_and(|secret| secret.starts_with(&setup.id)) && !format!("{setup:?}").contains("_secret_"));

    let urls = ("https://example.com/added", "https://example.com/not");
    let new = NewSetupPage { customer: &customer.id, success_url: urls.0, cancel_url: urls.1, metadata: &metadata };
    let page = run.stripe.create_setup_page(&new, "page-1").await.expect("a page");
    assert!(page.url.starts_with(&run.base) && page.expires_at.is_some_and(|end| end > run.now()), "{page:?}");
    let done = run.processor.add_on_page(&page.id, "pm_card_visa").expect("added");
    let done = run.stripe.get_setup_intent(done["id"].as_str().expect("an id")).await.expect("there");
    assert_eq!((done.status, &done.metadata, done.customer.as_ref()), (SetupStatus::Succeeded, &metadata, Some(&customer.id)));
    let card = run.stripe.get_payment_method(done.payment_method.as_deref().expect("a card")).await.expect("there");
    assert_eq!(card.customer.as_ref(), Some(&customer.id));
    run.processor.add_on_page(&page.id, "pm_card_visa").expect_err("a page is used once");
    run.pay(&card, "pay_1").await.expect("paid");
}

#[tokio::test]
async fn everything_is_there_after_a_restart_and_a_key_is_still_known() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = Some(dir.path().join("processor.jsonl"));
    let at_once = tributary_runtime::payments::stripe::Retries::at_once(3);
    let run = Run::with(file.clone(), at_once).await;
    let (customer, card) = run.card("pm_card_visa").await;
    let paid = run.pay(&card, "pay_1").await.expect("paid");
    run.end().await;
    for _ in 0..2 {
        let run = Run::with(file.clone(), at_once).await;
        assert_eq!(run.pay(&card, "pay_1").await, Ok(paid.clone()));
        assert_eq!((run.charged("pay_1"), run.find(&customer.id, "pay_1").await), (1, Some(paid.clone())));
        run.end().await;
    }
    let run = Run::with(file, at_once).await;
    let next = run.pay(&card, "pay_2").await.expect("paid");
    assert_ne!(next.id, paid.id);
    assert_eq!(run.stripe.list_payment_methods(&customer.id).await.expect("a list"), [card]);
}
