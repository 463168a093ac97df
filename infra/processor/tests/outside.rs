//! The calls that every double of Stripe knows, against the scripted processor; and, by `scripts/localstripe.sh`, the same against one that somebody
//! else wrote (`PROCESSOR_TEST_URL`). That one ignores idempotency keys and has neither disputes nor lists of payments by customer.

use std::sync::Arc;

use jiff::Timestamp;
use tributary_processor::{Options, Processor};
use tributary_runtime::clock::ManualClock;
use tributary_runtime::payments::stripe::{Retries, Stripe};
use tributary_runtime::payments::transport::Timeouts;
use tributary_runtime::payments::{
    Metadata, Money, NewCustomer, NewPayment, NewRefund, Outcome, Payment, PaymentError, PaymentMethod, PaymentProcessor as _,
    PaymentStatus, RefundStatus, Session, SetupStatus,
};

const KEY: &str = "sk_test_outside";

#[tokio::test]
async fn the_scripted_processor_does_what_every_double_does() {
    let clock = ManualClock::at(Timestamp::from_second(1_790_000_000).expect("a time"));
    let processor = Processor::open(Options { seed: 1, file: None, clock: Arc::new(clock) }).expect("opened");
    walk(&Stripe::over(Arc::new(processor.in_process()), KEY, Retries::at_once(1))).await;
}

#[tokio::test]
#[ignore = "needs a double of somebody else's: scripts/localstripe.sh"]
async fn a_double_of_somebody_elses_takes_the_same_calls() {
    let url = std::env::var("PROCESSOR_TEST_URL").expect("PROCESSOR_TEST_URL");
    walk(&Stripe::at(&url, KEY, Timeouts::default(), Retries::at_once(1)).expect("a client")).await;
}

async fn walk(stripe: &Stripe) {
    let new = NewCustomer { account_id: "acc_1", name: Some("Ünal & Co"), email: Some("a@example.com") };
    let customer = stripe.create_customer(&new, "customer-1").await.expect("a customer");
    assert!(customer.id.starts_with("cus_") && customer.metadata.get("account_id").map(String::as_str) == Some("acc_1"), "{customer:?}");

    let card = stripe.attach_payment_method("pm_card_visa", &customer.id, "attach-1").await.expect("attached");
    assert_eq!((card.customer.as_ref(), card.last4.as_str(), card.brand.as_str()), (Some(&customer.id), "4242", "visa"));
    assert_eq!(stripe.get_payment_method(&card.id).await, Ok(card.clone()));
    assert_eq!(stripe.list_payment_methods(&customer.id).await, Ok(vec![card.clone()]));
    let set = stripe.set_default_payment_method(&customer.id, Some(&card.id), "default-1").await.expect("set");
    assert_eq!(set.default_payment_method.as_ref(), Some(&card.id));
    assert_eq!(stripe.get_customer(&customer.id).await, Ok(set));

    let paid = pay(stripe, &card, "pay_1").await.expect("paid");
    assert_eq!((paid.outcome(), paid.amount, paid.payment_id()), (Outcome::Paid, usd(1_250), Some("pay_1")));
    assert_eq!((paid.customer.as_ref(), paid.charge.is_some()), (Some(&customer.id), true));
    assert_eq!(stripe.get_payment_intent(&paid.id).await, Ok(paid.clone()));
    assert!(matches!(stripe.cancel(&paid.id, "cancel-1").await, Err(PaymentError::Invalid(_))));

    let failing = stripe.attach_payment_method("pm_card_chargeCustomerFail", &customer.id, "attach-2").await.expect("attached");
    let declined = pay(stripe, &failing, "pay_2").await;
    assert!(matches!(&declined, Err(PaymentError::Declined(decline)) if decline.code == "card_declined"), "{declined:?}");

    let metadata = Metadata::new();
    let refund = NewRefund { payment: &paid.id, amount: usd(250), refund_id: "ref_1", metadata: &metadata, idempotency_key: "ref_1" };
    let refunded = stripe.refund(&refund).await.expect("refunded");
    assert_eq!((refunded.status, refunded.amount, refunded.payment.as_ref()), (RefundStatus::Succeeded, usd(250), Some(&paid.id)));
    assert_eq!(stripe.get_refund(&refunded.id).await, Ok(refunded.clone()));
    assert_eq!(stripe.find_refund(&paid.id, "ref_1").await, Ok(Some(refunded)));
    assert_eq!(stripe.find_refund(&paid.id, "ref_2").await, Ok(None));

    let setup = stripe.create_setup_intent(&customer.id, &metadata, "setup-1").await.expect("begun");
    assert_eq!((setup.status, setup.customer.as_ref()), (SetupStatus::RequiresPaymentMethod, Some(&customer.id)));
    assert_eq!(stripe.get_setup_intent(&setup.id).await, Ok(setup));

    let detached = stripe.detach_payment_method(&failing.id, "detach-1").await.expect("detached");
    assert_eq!((detached.customer, stripe.list_payment_methods(&customer.id).await), (None, Ok(vec![card])));
    assert!(stripe.get_payment_intent("pi_none").await.expect_err("absent").is_absent());
    let unauthorized = stripe.of("pk_test_1").get_customer(&customer.id).await;
    assert!(matches!(unauthorized, Err(PaymentError::Unauthorized(_))), "{unauthorized:?}");
    assert_eq!(stripe.get_payment_intent(&paid.id).await.map(|paid| paid.status), Ok(PaymentStatus::Succeeded));
}

async fn pay(stripe: &Stripe, card: &PaymentMethod, attempt: &str) -> Result<Payment, PaymentError> {
    let new = NewPayment {
        amount: usd(1_250),
        customer: card.customer.as_deref().expect("a customer's"),
        payment_method: &card.id,
        session: Session::Off,
        return_url: None,
        description: None,
        payment_id: attempt,
        metadata: &Metadata::new(),
        idempotency_key: attempt,
    };
    stripe.create_payment_intent(&new).await
}

fn usd(minor: i64) -> Money {
    Money { minor, currency: "USD".parse().expect("a currency") }
}
