//! Webhooks as they come: in order and not, twice, late, forged.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tributary_processor::Hook;
use tributary_processor::hooks::{Deliver, Order, Signed};
use tributary_runtime::payments::stripe::Retries;
use tributary_runtime::payments::webhook::{ChargebackStatus, Told, WebhookError};
use tributary_runtime::payments::{Metadata, Outcome, PaymentProcessor as _, ProcessorEvent, RefundStatus, Session};

use crate::run::{KEY, RETURN_URL, Run, pay, refund_of, usd};

const SECRET: &str = "whsec_of_tests";

fn held() -> Hook {
    Hook { url: None, secret: SECRET.to_owned(), held: true }
}

impl Run {
    fn told(&self, how: &Deliver) -> Vec<ProcessorEvent> {
        let read = |signed: &Signed| self.stripe.verify_webhook(signed.body.as_bytes(), &signed.signature, SECRET, self.now());
        self.processor.deliveries(KEY, how).iter().map(|signed| read(signed).expect("genuine")).filter(|event| !ignored(event)).collect()
    }
}

fn ignored(event: &ProcessorEvent) -> bool {
    matches!(event.told, Told::Ignored { .. })
}

fn name(event: &ProcessorEvent) -> String {
    format!("{:?}", event.told).split(['(', ' ']).next().expect("a name").to_owned()
}

fn names(events: &[ProcessorEvent]) -> Vec<String> {
    events.iter().map(name).collect()
}

#[tokio::test]
async fn everything_that_happens_is_told_signed() {
    let run = Run::new().await;
    run.processor.hook(KEY, held());
    let (customer, good) = run.card("pm_card_visa").await;
    let attach = async |name: &str| run.stripe.attach_payment_method(name, &customer.id, name).await.expect("attached");
    assert!(run.told(&Deliver::default()).is_empty(), "what the platform does not take is ignored");

    let paid = run.pay(&good, "pay_1").await.expect("paid");
    let told = run.told(&Deliver::default());
    assert!(matches!(&told[..], [ProcessorEvent { told: Told::PaymentSucceeded(told), .. }] if **told == paid), "{told:?}");

    let poor = attach("pm_card_visa_chargeDeclinedInsufficientFunds").await;
    run.pay(&poor, "pay_2").await.expect_err("declined");
    let told = run.told(&Deliver::default());
    assert!(
        matches!(&told[..], [ProcessorEvent { told: Told::PaymentFailed(told), .. }] if told.payment_id() == Some("pay_2")),
        "{told:?}"
    );

    let asks = attach("pm_card_authenticationRequired").await;
    pay(&run.stripe, &asks, "pay_3", 1_250, Session::Off, Some(RETURN_URL)).await.expect_err("to be authenticated");
    let told = run.told(&Deliver::default());
    assert_eq!(names(&told), ["PaymentFailed", "PaymentActionRequired"]);
    let Told::PaymentActionRequired(waits) = &told[1].told else { panic!() };
    run.processor.authenticate(&waits.id, true).expect("authenticated");
    assert_eq!(names(&run.told(&Deliver::default())), ["PaymentSucceeded"]);

    let slow = attach("pm_card_scripted_processing").await;
    let processed = run.pay(&slow, "pay_4").await.expect("begun");
    run.processor.settle_payment(&processed.id, None).expect("settled");
    assert_eq!(names(&run.told(&Deliver::default())), ["PaymentProcessing", "PaymentSucceeded"]);

    pay(&run.stripe, &asks, "pay_5", 1_250, Session::On, Some(RETURN_URL)).await.expect_err("to be authenticated");
    let open = run.find(&customer.id, "pay_5").await.expect("found");
    run.stripe.cancel(&open.id, "cancel-1").await.expect("given up");
    assert_eq!(names(&run.told(&Deliver::default())), ["PaymentActionRequired", "PaymentCanceled"]);

    let refund = run.stripe.refund(&refund_of(&paid.id, 250, "ref_1", &Metadata::new())).await.expect("refunded");
    let told = run.told(&Deliver::default());
    assert!(matches!(&told[0].told, Told::RefundUpdated(told) if **told == refund), "{told:?}");
    assert!(
        matches!(&told[1].told, Told::Refunded(told) if told.refunded == usd(250) && told.payment.as_ref() == Some(&paid.id)),
        "{told:?}"
    );
    run.processor.settle_refund(&refund.id, false).expect("came back");
    let told = run.told(&Deliver::default());
    assert!(told.iter().all(|event| matches!(&event.told, Told::RefundUpdated(told) if told.status == RefundStatus::Failed)), "{told:?}");

    run.stripe.detach_payment_method(&good.id, "detach-1").await.expect("detached");
    let told = run.told(&Deliver::default());
    let gone = Told::MethodDetached { payment_method: good.id.clone(), customer: Some(customer.id.clone()) };
    assert_eq!(told.into_iter().map(|event| event.told).collect::<Vec<_>>(), [gone]);

    let setup = run.stripe.create_setup_intent(&customer.id, &Metadata::new(), "setup-1").await.expect("begun");
    let confirmed = reqwest::Client::new()
        .post(format!("{}/v1/setup_intents/{}/confirm", run.base, setup.id))
        .header("authorization", format!("Bearer {KEY}"))
        .body("payment_method=pm_card_visa")
        .send();
    assert_eq!(confirmed.await.expect("an answer").status().as_u16(), 200);
    let told = run.told(&Deliver::default());
    assert!(matches!(&told[..], [ProcessorEvent { told: Told::SetupSucceeded(told), .. }] if told.id == setup.id), "{told:?}");
}

#[tokio::test]
async fn a_payment_is_charged_back_and_won_or_lost() {
    let run = Run::new().await;
    run.processor.hook(KEY, held());
    let (customer, card) = run.card("pm_card_createDispute").await;
    for (attempt, end, status) in [("pay_1", "won", ChargebackStatus::Won), ("pay_2", "lost", ChargebackStatus::Lost)] {
        let paid = run.pay(&card, attempt).await.expect("paid");
        let told = run.told(&Deliver::default());
        assert_eq!(names(&told), ["PaymentSucceeded", "DisputeOpened", "DisputeUpdated"]);
        let Told::DisputeOpened(opened) = &told[1].told else { panic!() };
        assert_eq!((opened.payment.as_ref(), opened.charge.as_str()), (Some(&paid.id), paid.charge.as_deref().expect("a charge")));
        assert_eq!((opened.status, opened.amount, opened.reason.as_str()), (ChargebackStatus::NeedsResponse, usd(1_250), "fraudulent"));
        assert!(opened.respond_by.is_some_and(|end| end > run.now()));
        let back = run.stripe.refund(&refund_of(&paid.id, 1, &format!("ref_{attempt}"), &Metadata::new())).await;
        back.expect_err("what is charged back is not refunded");
        run.processor.change_dispute(&opened.id, "under_review").expect("answered");
        run.processor.change_dispute(&opened.id, end).expect("decided");
        let told = run.told(&Deliver::default());
        assert!(matches!(&told.last().expect("told").told, Told::DisputeClosed(closed) if closed.status == status), "{told:?}");
        run.processor.change_dispute(&opened.id, "lost").expect_err("it is over");
    }
    let inquiry = run.stripe.attach_payment_method("pm_card_createDisputeInquiry", &customer.id, "a-2").await.expect("attached");
    run.pay(&inquiry, "pay_3").await.expect("paid");
    let told = run.told(&Deliver { only: Some("charge.dispute.created".to_owned()), ..Deliver::default() });
    assert!(matches!(&told[0].told, Told::DisputeOpened(opened) if opened.status == ChargebackStatus::WarningNeedsResponse));
    // Some of a payment, long after it was made.
    let plain = run.stripe.attach_payment_method("pm_card_visa", &customer.id, "a-3").await.expect("attached");
    let paid = run.pay(&plain, "pay_4").await.expect("paid");
    run.processor.dispute(&paid.id, Some(500), "product_not_received", false).expect("charged back");
    let told = run.told(&Deliver { only: Some("charge.dispute.created".to_owned()), ..Deliver::default() });
    assert!(matches!(&told[0].told, Told::DisputeOpened(opened) if opened.amount == usd(500) && opened.reason == "product_not_received"));
}

#[tokio::test]
async fn twice_reversed_and_again_they_are_the_same_events() {
    let run = Run::new().await;
    run.processor.hook(KEY, held());
    let (_, card) = run.card("pm_card_scripted_processing").await;
    let payment = run.pay(&card, "pay_1").await.expect("begun");
    run.processor.settle_payment(&payment.id, None).expect("settled");
    let reversed = run.told(&Deliver { order: Order::Reversed, copies: 2, ..Deliver::default() });
    assert_eq!(names(&reversed), ["PaymentSucceeded", "PaymentSucceeded", "PaymentProcessing", "PaymentProcessing"]);
    assert_eq!((&reversed[0], &reversed[2]), (&reversed[1], &reversed[3]));
    assert!(run.told(&Deliver::default()).is_empty(), "given is given");
    let again = run.told(&Deliver { again: true, ..Deliver::default() });
    assert_eq!((&again[0], &again[1]), (&reversed[2], &reversed[0]));
    let shuffled = |seed| names(&run.told(&Deliver { order: Order::Shuffled(seed), again: true, ..Deliver::default() }));
    assert_eq!(shuffled(3), shuffled(3));
    // The state that an event carries may be old; what is asked for is not.
    assert_eq!(run.stripe.get_payment_intent(&payment.id).await.expect("there").outcome(), Outcome::Paid);
}

#[tokio::test]
async fn forged_stale_and_changed_ones_are_refused() {
    let run = Run::new().await;
    run.processor.hook(KEY, held());
    let (_, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    let refused = |how: &Deliver| {
        let signed = run.processor.deliveries(KEY, &Deliver { only: Some("payment_intent.succeeded".to_owned()), ..how.clone() }).remove(0);
        run.stripe.verify_webhook(signed.body.as_bytes(), &signed.signature, SECRET, run.now()).map(|event| event.id)
    };
    assert_eq!(refused(&Deliver { forged: true, ..Deliver::default() }), Err(WebhookError::Forged));
    assert_eq!(refused(&Deliver { signed_in_s: -301, again: true, ..Deliver::default() }), Err(WebhookError::Stale));
    assert_eq!(refused(&Deliver { signed_in_s: 301, again: true, ..Deliver::default() }), Err(WebhookError::Stale));
    let true_one = refused(&Deliver { again: true, ..Deliver::default() });
    assert!(true_one.is_ok(), "{true_one:?}");
    let signed = run.processor.deliveries(KEY, &Deliver { again: true, ..Deliver::default() }).remove(0);
    let changed = signed.body.replacen("evt_", "evt-", 1);
    assert_eq!(run.stripe.verify_webhook(changed.as_bytes(), &signed.signature, SECRET, run.now()), Err(WebhookError::Forged));
    // Replayed by somebody who kept it: ten minutes later it is stale.
    run.clock.advance_ms(600_000);
    assert_eq!(run.stripe.verify_webhook(signed.body.as_bytes(), &signed.signature, SECRET, run.now()), Err(WebhookError::Stale));
}

#[tokio::test]
async fn what_was_given_can_be_forgotten_and_what_was_not_comes_still() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = Some(dir.path().join("processor.jsonl"));
    let run = Run::with(file.clone(), Retries::at_once(1)).await;
    run.processor.hook(KEY, held());
    let (customer, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    assert_eq!(names(&run.told(&Deliver::default())), ["PaymentSucceeded"]);
    run.pay(&card, "pay_2").await.expect("paid");
    run.clock.advance_ms(60_000);
    run.processor.forget();
    assert_eq!(run.processor.objects(KEY, "event").iter().filter(|event| event["type"] == "payment_intent.succeeded").count(), 1);
    run.end().await;
    let run = Run::with(file, Retries::at_once(1)).await;
    let told = run.told(&Deliver { again: true, ..Deliver::default() });
    assert!(
        matches!(&told[..], [ProcessorEvent { told: Told::PaymentSucceeded(told), .. }] if told.payment_id() == Some("pay_2")),
        "{told:?}"
    );
    assert!(run.told(&Deliver::default()).is_empty() && run.find(&customer.id, "pay_1").await.is_some());
}

type Came = (String, Vec<u8>);

/// A receiver that takes everything.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Came>) {
    let (sender, came) = mpsc::unbounded_channel::<Came>();
    let take = async |State(sender): State<mpsc::UnboundedSender<Came>>, headers: HeaderMap, body: Bytes| {
        let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        sender.send((signature, body.to_vec())).expect("the test is still there");
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hooks", post(take)).with_state(sender)).await });
    (url, came)
}

#[tokio::test]
async fn they_are_posted_by_themselves_in_order() {
    let run = Run::new().await;
    let (url, mut came) = receiver().await;
    run.processor.hook(KEY, Hook { url: Some(url), secret: SECRET.to_owned(), held: false });
    let (_, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|last| last != "PaymentSucceeded") {
        let (signature, body) = came.recv().await.expect("one more");
        let event = run.stripe.verify_webhook(&body, &signature, SECRET, run.now()).expect("genuine");
        kinds.push(match event.told {
            Told::Ignored { kind } => kind,
            _ => name(&event),
        });
    }
    assert_eq!(kinds, ["customer.created", "payment_method.attached", "payment_intent.created", "charge.succeeded", "PaymentSucceeded"]);
}

#[tokio::test]
async fn a_command_line_holds_them_back_and_has_them_sent_twice_and_forged() {
    let run = Run::new().await;
    let (url, mut came) = receiver().await;
    let client = reqwest::Client::new();
    let act = async |path: &str, body: serde_json::Value| {
        let sent = client.post(format!("{}/_scripted/{path}", run.base)).body(body.to_string()).send().await.expect("an answer");
        (sent.status().as_u16(), serde_json::from_slice::<serde_json::Value>(&sent.bytes().await.expect("a body")).expect("JSON"))
    };
    assert_eq!(act("hook", serde_json::json!({"url": url, "secret": SECRET, "held": true})).await.0, 200);
    let (_, card) = run.card("pm_card_visa").await;
    run.pay(&card, "pay_1").await.expect("paid");
    let only = "payment_intent.succeeded";
    let (status, sent) = act("deliver", serde_json::json!({"only": only, "forged": true})).await;
    assert_eq!((status, sent["sent"].as_array().map(Vec::len)), (200, Some(1)));
    let (_, sent) = act("deliver", serde_json::json!({"only": only, "copies": 2})).await;
    assert_eq!((sent["sent"][0]["status"].as_u64(), sent["sent"].as_array().map(Vec::len)), (Some(200), Some(2)));
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        let (signature, body) = came.recv().await.expect("one more");
        verdicts.push(run.stripe.verify_webhook(&body, &signature, SECRET, run.now()).map(|event| name(&event)));
    }
    assert_eq!(verdicts, [Err(WebhookError::Forged), Ok("PaymentSucceeded".to_owned()), Ok("PaymentSucceeded".to_owned())]);
    assert_eq!(act("deliver", serde_json::json!({"onyl": 1})).await.0, 400);
}
