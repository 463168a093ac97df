//! Requests and answers that are lost, late and refused: whatever happens, an attempt is charged once at most, and its outcome is found out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tributary_processor::faults::{Chaos, Fault, Wrong};
use tributary_processor::{Options, Processor};
use tributary_runtime::clock::{Clock, ManualClock};
use tributary_runtime::payments::stripe::{Retries, Stripe};
use tributary_runtime::payments::transport::Timeouts;
use tributary_runtime::payments::{
    Metadata, NewCustomer, Outcome, Payment, PaymentError, PaymentMethod, PaymentProcessor as _, Session, SoughtPayment,
};

use crate::run::{KEY, Run, charges, pay, refund_of};

const PAYMENTS: &str = "/v1/payment_intents";

/// A run whose client asks once, and one whose client asks three times.
async fn once() -> (Run, PaymentMethod) {
    let run = Run::with(None, Retries::at_once(1)).await;
    let (_, card) = run.card("pm_card_visa").await;
    (run, card)
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_its_key() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa").await;
    for wrong in [Wrong::LoseRequest, Wrong::LoseAnswer, Wrong::FailBefore, Wrong::FailAfter, Wrong::RateLimit] {
        let attempt = format!("pay_{wrong:?}");
        run.processor.fault(Fault { times: 2, ..Fault::of(wrong, "POST", PAYMENTS) });
        run.pay(&card, &attempt).await.expect("paid");
        assert_eq!(run.charged(&attempt), 1, "{wrong:?}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_it_unknown_until_it_is_looked_up() {
    for (wrong, done) in [
        (Wrong::LoseAnswer, true),
        (Wrong::FailAfter, true),
        (Wrong::FailKept, true),
        (Wrong::LoseRequest, false),
        (Wrong::FailBefore, false),
    ] {
        let (run, card) = once().await;
        run.processor.fault(Fault::of(wrong, "POST", PAYMENTS));
        let tried = run.pay(&card, "pay_1").await;
        assert!(matches!(&tried, Err(error @ PaymentError::Unknown(_)) if error.may_have_happened()), "{wrong:?}: {tried:?}");
        let found = run.find(card.customer.as_deref().expect("whose"), "pay_1").await;
        assert_eq!(
            (found.map(|found| found.outcome()), run.charged("pay_1")),
            (done.then_some(Outcome::Paid), usize::from(done)),
            "{wrong:?}"
        );
        // Not found: the same request under the same key, and only that.
        if !done {
            run.pay(&card, "pay_1").await.expect("paid");
        }
        assert_eq!(run.charged("pay_1"), 1, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_failure_that_is_kept_under_its_key_is_not_repeated_and_found_by_the_list() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    run.processor.fault(Fault::of(Wrong::FailKept, "POST", PAYMENTS));
    let tried = run.pay(&card, "pay_1").await;
    assert!(matches!(tried, Err(PaymentError::Unknown(_))), "{tried:?}");
    assert!(matches!(run.pay(&card, "pay_1").await, Err(PaymentError::Unknown(_))));
    assert_eq!(run.find(&customer.id, "pay_1").await.map(|found| found.outcome()), Some(Outcome::Paid));
    assert_eq!(run.charged("pay_1"), 1);
}

/// As at Stripe: that is why an old attempt is looked up, and given up rather than sent again.
#[tokio::test]
async fn a_key_is_forgotten_after_a_day_but_the_list_is_not() {
    let run = Run::new().await;
    let (customer, card) = run.card("pm_card_visa").await;
    let since = run.now();
    run.pay(&card, "pay_1").await.expect("paid");
    run.clock.advance_ms(24 * 3_600_000 - 1);
    run.pay(&card, "pay_1").await.expect("the first answer");
    assert_eq!(run.charged("pay_1"), 1);
    run.clock.advance_ms(1);
    let sought = SoughtPayment { customer: &customer.id, payment_id: "pay_1", since };
    assert!(run.stripe.find_payment_intent(&sought).await.expect("a list").is_some());
    run.pay(&card, "pay_1").await.expect("paid again");
    assert_eq!(run.charged("pay_1"), 2);
}

#[tokio::test]
async fn refused_for_their_number_nothing_is_done() {
    let (run, card) = once().await;
    run.processor.fault(Fault::of(Wrong::RateLimit, "POST", PAYMENTS));
    assert_eq!(run.pay(&card, "pay_1").await, Err(PaymentError::RateLimited));
    assert_eq!(run.charged("pay_1"), 0);
}

#[tokio::test]
async fn a_processor_that_is_not_there_did_nothing() {
    let (run, card) = once().await;
    let stripe = run.stripe.clone();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let away = Stripe::at(&base, KEY, Timeouts::default(), Retries::at_once(3)).expect("a client");
    let tried = pay(&away, &card, "pay_1", 1_250, Session::Off, None).await;
    assert!(matches!(tried, Err(PaymentError::Unavailable(_))), "{tried:?}");
    pay(&stripe, &card, "pay_1", 1_250, Session::Off, None).await.expect("paid");
}

/// A client that waits a tenth of a second for answers that are held until it has gone.
#[tokio::test]
async fn a_slow_answer_is_a_lost_one_and_what_was_asked_for_is_done_all_the_same() {
    for wrong in [Wrong::HoldRequest, Wrong::HoldAnswer] {
        let (run, card) = once().await;
        let timeouts = Timeouts { connect: Duration::from_secs(20), answer: Duration::from_millis(100) };
        let hasty = Stripe::at(&run.base, KEY, timeouts, Retries::at_once(1)).expect("a client");
        run.processor.fault(Fault::of(wrong, "POST", PAYMENTS));
        let tried = pay(&hasty, &card, "pay_1", 1_250, Session::Off, None).await;
        assert!(matches!(tried, Err(PaymentError::Unknown(_))), "{wrong:?}: {tried:?}");
        run.processor.until_held(1).await;
        // Meanwhile the key is in use: that says nothing of the outcome.
        let meanwhile = run.pay(&card, "pay_1").await;
        assert!(matches!(meanwhile, Err(PaymentError::Unknown(_))), "{wrong:?}: {meanwhile:?}");
        run.processor.release();
        // It ends in a task of its own; asking under the key tells when it has.
        let paid = loop {
            match run.pay(&card, "pay_1").await {
                Err(PaymentError::Unknown(_)) => tokio::task::yield_now().await,
                paid => break paid,
            }
        };
        assert_eq!((paid.map(|paid| paid.outcome()), run.charged("pay_1")), (Ok(Outcome::Paid), 1), "{wrong:?}");
    }
}

#[tokio::test]
async fn many_at_once_under_one_key_charge_once() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa").await;
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let (stripe, card) = (run.stripe.clone(), card.clone());
            tokio::spawn(async move { pay(&stripe, &card, "pay_1", 1_250, Session::Off, None).await })
        })
        .collect();
    for tried in tries {
        let tried = tried.await.expect("no panic");
        assert!(matches!(tried, Ok(_) | Err(PaymentError::Unknown(_))), "{tried:?}");
    }
    assert_eq!(run.charged("pay_1"), 1);
}

#[tokio::test]
async fn a_lost_answer_to_a_refund_refunds_once() {
    let run = Run::new().await;
    let (_, card) = run.card("pm_card_visa").await;
    let paid = run.pay(&card, "pay_1").await.expect("paid");
    let metadata = Metadata::new();
    run.processor.fault(Fault { times: 2, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/refunds") });
    run.stripe.refund(&refund_of(&paid.id, 500, "ref_1", &metadata)).await.expect("refunded");
    run.processor.fault(Fault { times: 3, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/refunds") });
    let lost = run.stripe.refund(&refund_of(&paid.id, 500, "ref_2", &metadata)).await;
    assert!(matches!(lost, Err(PaymentError::Unknown(_))), "{lost:?}");
    assert!(run.stripe.find_refund(&paid.id, "ref_2").await.expect("a list").is_some());
    let charge = run.processor.object("charge", paid.charge.as_deref().expect("a charge")).expect("there");
    assert_eq!(charge["amount_refunded"], 1_000);
}

#[tokio::test]
async fn a_lost_answer_to_anything_else_leaves_one_of_it() {
    let run = Run::new().await;
    run.processor.fault(Fault { times: 2, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/customers") });
    let (customer, _) = {
        run.processor.fault(Fault { times: 2, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/payment_methods") });
        run.card("pm_card_visa").await
    };
    run.processor.fault(Fault { times: 2, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/setup_intents") });
    run.stripe.create_setup_intent(&customer.id, &Metadata::new(), "setup-1").await.expect("begun");
    let state = run.processor.state_of_all();
    let many = |kind: &str| state["books"][KEY]["objects"][kind].as_array().map_or(0, Vec::len);
    assert_eq!((many("customer"), many("payment_method"), many("setup_intent")), (1, 1, 1));
}

/// What the platform does with an attempt until its outcome is known: look it up, then repeat it under its key; when the key itself holds a failure,
/// believe the list.
async fn resolved(stripe: &Stripe, card: &PaymentMethod, attempt: &str, since: Timestamp) -> Result<Payment, PaymentError> {
    let mut tried = pay(stripe, card, attempt, 1_250, Session::Off, None).await;
    for _ in 0..200 {
        match &tried {
            Err(PaymentError::Unknown(_)) => {
                let customer = card.customer.as_deref().expect("whose");
                let found = stripe.find_payment_intent(&SoughtPayment { customer, payment_id: attempt, since }).await;
                match found {
                    Ok(Some(payment)) => return Ok(payment),
                    Ok(None) => tried = pay(stripe, card, attempt, 1_250, Session::Off, None).await,
                    Err(error) => assert!(!error.may_have_happened(), "{error:?}"),
                }
            }
            Err(PaymentError::RateLimited | PaymentError::Unavailable(_)) => {
                tried = pay(stripe, card, attempt, 1_250, Session::Off, None).await;
            }
            _ => return tried,
        }
    }
    panic!("never resolved: {tried:?}")
}

#[tokio::test]
async fn under_a_seeds_losses_every_attempt_is_charged_exactly_once() {
    let mut unknown = 0;
    for seed in 0..20 {
        let clock = ManualClock::at(Timestamp::from_second(1_790_000_000).expect("a time"));
        let since = clock.now();
        let processor = Processor::open(Options { seed, file: None, clock: Arc::new(clock) }).expect("opened");
        let stripe = Stripe::over(Arc::new(processor.in_process()), KEY, Retries::at_once(2));
        let new = NewCustomer { account_id: "acc_1", name: None, email: None };
        let customer = stripe.create_customer(&new, "customer").await.expect("a customer");
        let good = stripe.attach_payment_method("pm_card_visa", &customer.id, "card-1").await.expect("attached");
        let poor =
            stripe.attach_payment_method("pm_card_visa_chargeDeclinedInsufficientFunds", &customer.id, "card-2").await.expect("attached");
        let chaos = Chaos { seed, lose_request: 100, lose_answer: 200, fail_before: 50, fail_after: 100, fail_kept: 50, rate_limit: 100 };
        processor.chaos(Some(chaos));
        let mut expected = BTreeMap::new();
        for n in 0..100 {
            let (attempt, card, pays) = if n % 4 == 0 { (format!("pay_{n}"), &poor, false) } else { (format!("pay_{n}"), &good, true) };
            let first = pay(&stripe, card, &attempt, 1_250, Session::Off, None).await;
            unknown += usize::from(matches!(first, Err(PaymentError::Unknown(_))));
            let outcome = match resolved(&stripe, card, &attempt, since).await {
                Ok(payment) => payment.outcome(),
                Err(PaymentError::Declined(decline)) => Outcome::Declined(*decline),
                Err(error) => panic!("seed {seed}, {attempt}: {error:?}"),
            };
            assert_eq!(outcome == Outcome::Paid, pays, "seed {seed}, {attempt}: {outcome:?}");
            if pays {
                expected.insert(attempt, 1);
            }
        }
        assert_eq!(charges(&processor), expected, "seed {seed}");
    }
    assert!(unknown > 100, "the losses must be felt: {unknown}");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_ids_and_the_same_losses() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let clock = ManualClock::at(Timestamp::from_second(1_790_000_000).expect("a time"));
        let processor = Processor::open(Options { seed: 5, file: None, clock: Arc::new(clock) }).expect("opened");
        processor.chaos(Some(Chaos { seed: 5, lose_answer: 300, ..Chaos::default() }));
        let stripe = Stripe::over(Arc::new(processor.in_process()), KEY, Retries::at_once(2));
        let mut said = Vec::new();
        for n in 0..50 {
            let new = NewCustomer { account_id: "acc_1", name: None, email: None };
            said.push(stripe.create_customer(&new, &format!("c-{n}")).await.map(|customer| customer.id).ok());
        }
        runs.push((said, processor.state_of_all()));
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].0.iter().any(Option::is_none), "some answers are lost for good");
}
