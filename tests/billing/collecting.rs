//! From credit first, then the card; every decline, confirmation and lost answer; webhooks in every order.

use tributary_billing::collect::{By, collect, pay_now};
use tributary_billing::{BillingError, cards, processor_events};
use tributary_domain::billing::invoice::InvoiceState;
use tributary_domain::billing::payment::{DeclineKind, PaymentState, RefundState};
use tributary_domain::billing::profile::Collection;
use tributary_processor::faults::Wrong;
use tributary_processor::hooks::{Deliver, Order};
use tributary_runtime::payments::WebhookError;
use tributary_store::error::StoreError;

use super::scene::{RETURN_URL, Scene, at, micros};

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn credit_pays_all_of_an_invoice_and_reaches_the_seller() {
    let s = Scene::new().await;
    s.fund(&s.customer, "200").await;
    let invoice = s.invoice(&s.customer).await;
    let collected = s.collect(&invoice).await;
    assert_eq!((collected.state, collected.next), (InvoiceState::Paid, None));
    assert_eq!(s.stands(&invoice).await, (InvoiceState::Paid, "180.000000".to_owned(), "0.000000".to_owned()));
    assert_eq!((s.credit(&s.customer).await, s.credit(&s.reseller).await), ("20.000000".to_owned(), "180.000000".to_owned()));
    let payments = s.payments(&invoice).await;
    assert_eq!((payments.len(), payments[0].method.as_str(), payments[0].state), (1, "credit", PaymentState::Succeeded));
    let transfer = payments[0].transfer_id.clone().expect("a movement of credit");
    let (found, _) = s.desk.store().find_transfer(&transfer).await.expect("its record");
    assert_eq!(found.legs[0].amount, micros("180"));
    assert_eq!((s.told_of(&s.customer, "invoice.paid"), s.told_of(&s.customer, "payment.succeeded")), (1, 1));
    s.collect(&invoice).await;
    assert_eq!(s.payments(&invoice).await.len(), 1, "once");
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn what_a_reseller_pays_the_operator_from_credit_is_used_up() {
    let s = Scene::new().await;
    s.fund(&s.reseller, "180").await;
    let before = s.credit(&s.platform.operator).await;
    let invoice = s.invoice(&s.reseller).await;
    assert_eq!(s.collect(&invoice).await.state, InvoiceState::Paid);
    assert_eq!((s.credit(&s.reseller).await, s.credit(&s.platform.operator).await), ("0.000000".to_owned(), before));
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn credit_pays_a_part_and_the_card_the_rest() {
    let s = Scene::new().await;
    s.fund(&s.customer, "79.999999").await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    assert_eq!(s.collect(&invoice).await.state, InvoiceState::Paid);
    let paid: Vec<_> = s.payments(&invoice).await.iter().map(|payment| payment.amount).collect();
    assert_eq!(paid, [micros("79.99"), micros("100.01")], "in whole cents");
    assert_eq!((s.captured(), s.credit(&s.customer).await), (10_001, "0.009999".to_owned()));
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn without_credit_and_card_it_waits() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    let collected = s.collect(&invoice).await;
    assert_eq!((collected.state, collected.next), (InvoiceState::Finalized, Some(at("2026-12-15T00:00:00Z"))));
    assert!(s.payments(&invoice).await.is_empty());
    // By hand: credit that came since is taken, more than there is is not.
    s.fund(&s.customer, "50").await;
    let paid = pay_now(&s.desk, &invoice, By::Credit).await.expect("it is open").expect("there is credit");
    assert_eq!((paid.amount, s.stands(&invoice).await.2.as_str()), (micros("50"), "130.000000"));
    assert_eq!(pay_now(&s.desk, &invoice, By::Card).await.expect("it is open"), None, "no card");
}

#[tokio::test]
async fn a_card_pays_and_the_webhook_after_it_changes_nothing() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    assert_eq!(s.collect(&invoice).await.state, InvoiceState::Paid);
    assert!(s.hooks().await > 0);
    s.deliver("sk_test_reseller", &Deliver { again: true, copies: 2, order: Order::Reversed, ..Deliver::default() }).await;
    assert_eq!(s.payments(&invoice).await.len(), 1);
    assert_eq!((s.captured(), s.stands(&invoice).await.1.as_str()), (18_000, "180.000000"));
    assert_eq!((s.told_of(&s.customer, "invoice.paid"), s.told_of(&s.customer, "payment.succeeded")), (1, 1));
}

#[tokio::test]
async fn an_invoice_collected_by_hand_leaves_the_card_alone() {
    let s = Scene::new().await;
    s.settings(&s.reseller, |settings| settings.collection = Collection::Manual).await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    assert_eq!(s.collect(&invoice).await.state, InvoiceState::Finalized);
    assert_eq!(s.captured(), 0);
    let paid = pay_now(&s.desk, &invoice, By::Card).await.expect("it is open").expect("there is a card");
    assert_eq!((paid.state, s.captured()), (PaymentState::Succeeded, 18_000));
    let again = pay_now(&s.desk, &invoice, By::Card).await;
    assert!(matches!(again, Err(BillingError::Store(StoreError::Dispute(_)))), "{again:?}");
}

#[tokio::test]
async fn every_decline_is_tried_again_on_its_days_or_not_at_all() {
    let cards = [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", DeclineKind::InsufficientFunds, 5),
        ("pm_card_scripted_doNotHonor", DeclineKind::DoNotHonor, 5),
        ("pm_card_chargeDeclinedProcessingError", DeclineKind::Processing, 5),
        ("pm_card_visa_chargeDeclined", DeclineKind::Other, 5),
        ("pm_card_chargeDeclinedExpiredCard", DeclineKind::ExpiredCard, 1),
        ("pm_card_visa_chargeDeclinedLostCard", DeclineKind::LostOrStolen, 1),
        ("pm_card_visa_chargeDeclinedStolenCard", DeclineKind::LostOrStolen, 1),
        ("pm_card_chargeDeclinedIncorrectCvc", DeclineKind::Incorrect, 1),
    ];
    for (card, kind, tries) in cards {
        let s = Scene::new().await;
        s.card(&s.customer, card).await;
        let invoice = s.invoice(&s.customer).await;
        s.collect(&invoice).await;
        s.pass(23).await;
        let payments = s.payments(&invoice).await;
        assert_eq!(payments.len(), tries, "{card}");
        assert!(payments.iter().all(|payment| payment.decline == Some(kind)), "{card}: {payments:?}");
        let given_up = payments.iter().filter(|payment| payment.closed).count();
        assert_eq!(given_up, tries - 1, "{card}: each is given up before the next");
        assert_eq!(s.told_of(&s.customer, "payment.failed"), tries, "{card}");
        assert_eq!((s.captured(), s.stands(&invoice).await.0), (0, InvoiceState::PastDue), "{card}");
        // Another card is tried at once.
        s.card(&s.customer, "pm_card_visa").await;
        assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid, "{card}");
        assert_eq!(s.captured(), 18_000, "{card}");
    }
}

#[tokio::test]
async fn a_card_that_has_money_another_day_pays_then() {
    let s = Scene::new().await;
    let card = s.card(&s.customer, "pm_card_visa_chargeDeclinedInsufficientFunds").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    s.pass(16).await;
    assert_eq!(s.payments(&invoice).await.len(), 2, "on its date and a day after it was due");
    s.processor.behave(&card, "pm_card_visa").expect("a card");
    s.pass(3).await;
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid);
    assert_eq!((s.payments(&invoice).await.len(), s.captured()), (3, 18_000));
}

#[tokio::test]
async fn a_payer_confirms_by_the_link_and_has_paid() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_authenticationRequired").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    assert_eq!(payment.state, PaymentState::ActionRequired);
    assert!(payment.action_url.is_some(), "{payment:?}");
    assert_eq!(s.told_of(&s.customer, "payment.action_required"), 1);
    // Nothing else is tried meanwhile.
    assert!(pay_now(&s.desk, &invoice, By::Card).await.is_err());
    s.fund(&s.customer, "500").await;
    s.pass(1).await;
    assert_eq!(s.payments(&invoice).await.len(), 1);
    s.processor.authenticate(payment.processor_id.as_deref().expect("its name"), true).expect("confirmed");
    s.hooks().await;
    assert_eq!((s.stands(&invoice).await.0, s.captured()), (InvoiceState::Paid, 18_000));
    assert_eq!(s.credit(&s.customer).await, "500.000000");
}

#[tokio::test]
async fn a_confirmation_without_webhooks_is_found_by_looking() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_authenticationRequired").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    s.processor.authenticate(payment.processor_id.as_deref().expect("its name"), true).expect("confirmed");
    s.pass(1).await;
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid);
}

#[tokio::test]
async fn what_nobody_confirms_is_cancelled_after_three_days() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_authenticationRequired").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    s.pass(4).await;
    let payments = s.payments(&invoice).await;
    assert_eq!((payments.len(), payments[0].state, payments[0].closed), (1, PaymentState::Cancelled, true));
    let intent = s.processor.object("payment_intent", payments[0].processor_id.as_deref().expect("its name")).expect("kept");
    assert_eq!(intent["status"], "canceled", "nobody can pay it any more");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_never_charged_twice() {
    for wrong in [Wrong::LoseAnswer, Wrong::FailAfter, Wrong::FailKept, Wrong::LoseRequest, Wrong::FailBefore, Wrong::RateLimit] {
        let s = Scene::new().await;
        s.card(&s.customer, "pm_card_visa").await;
        let invoice = s.invoice(&s.customer).await;
        // All three tries of the client.
        s.fault(wrong, "POST", INTENTS, 3);
        let collected = s.collect(&invoice).await;
        if wrong != Wrong::FailAfter {
            // There the second try is given the answer that was kept.
            assert_eq!(collected.state, InvoiceState::Finalized, "{wrong:?}");
            let open = s.payments(&invoice).await;
            assert_eq!((open.len(), open[0].state), (1, PaymentState::Unknown), "{wrong:?}");
        }
        s.minutes(2).await;
        assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid, "{wrong:?}");
        assert_eq!(s.payments(&invoice).await.len(), 1, "{wrong:?}: the same attempt");
        assert_eq!((s.captured(), s.charges().into_values().max()), (18_000, Some(1)), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_processor_that_is_away_for_days_is_waited_for() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    s.fault(Wrong::LoseRequest, "POST", INTENTS, 1_000);
    s.collect(&invoice).await;
    s.pass(3).await;
    let first = s.payments(&invoice).await;
    assert_eq!((first.len(), first[0].state), (1, PaymentState::Cancelled), "its key is forgotten: it is given up");
    s.processor.forget();
    assert_eq!(s.captured(), 0);
    let s2 = Scene::new().await;
    s2.card(&s2.customer, "pm_card_visa").await;
    let invoice = s2.invoice(&s2.customer).await;
    s2.fault(Wrong::LoseAnswer, "POST", INTENTS, 3);
    s2.fault(Wrong::FailBefore, "GET", INTENTS, 200);
    s2.collect(&invoice).await;
    s2.pass(15).await;
    assert_eq!(s2.payments(&invoice).await.len(), 1, "while nobody knows, nothing else is tried");
    assert!(!s2.suspended(&s2.customer).await);
    s2.pass(5).await;
    assert_eq!((s2.stands(&invoice).await.0, s2.captured()), (InvoiceState::Paid, 18_000));
}

#[tokio::test]
async fn the_webhook_may_come_before_the_answer() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    s.fault(Wrong::HoldAnswer, "POST", INTENTS, 1);
    let (collected, ()) = tokio::join!(collect(&s.desk, &invoice), async {
        s.processor.until_held(1).await;
        s.hooks().await;
        assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid, "by the webhook");
        s.processor.release();
    });
    assert_eq!(collected.expect("it is looked at").state, InvoiceState::Paid);
    assert_eq!((s.payments(&invoice).await.len(), s.captured()), (1, 18_000));
    assert_eq!(s.told_of(&s.customer, "payment.succeeded"), 1);
}

#[tokio::test]
async fn two_workers_charge_one_invoice_once() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    let desk =
        tributary_billing::Desk { app: s.ground.app(tributary_store::commit::Patience::eager(20)).expect("an app"), ..s.desk.clone() };
    s.fault(Wrong::HoldAnswer, "POST", INTENTS, 1);
    let (one, other) = tokio::join!(collect(&s.desk, &invoice), async {
        s.processor.until_held(1).await;
        let looked = collect(&desk, &invoice).await;
        s.processor.release();
        looked
    });
    one.expect("it is looked at");
    assert_eq!(other.expect("it is looked at").state, InvoiceState::Finalized, "it waits for the first");
    assert_eq!((s.payments(&invoice).await.len(), s.captured()), (1, 18_000));
}

#[tokio::test]
async fn forged_replayed_and_foreign_webhooks_are_not_taken() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_authenticationRequired").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    s.processor.authenticate(payment.processor_id.as_deref().expect("its name"), true).expect("confirmed");
    let paid = |how: Deliver| Deliver { only: Some("payment_intent.succeeded".to_owned()), again: true, ..how };
    for (how, expected) in [
        (paid(Deliver { forged: true, ..Deliver::default() }), WebhookError::Forged),
        (paid(Deliver { signed_in_s: -301, ..Deliver::default() }), WebhookError::Stale),
        (paid(Deliver { signed_in_s: 301, ..Deliver::default() }), WebhookError::Stale),
    ] {
        for event in s.processor.deliveries("sk_test_reseller", &how) {
            let taken = processor_events::take(&s.desk, &s.reseller, event.body.as_bytes(), &event.signature).await;
            assert!(matches!(taken, Err(BillingError::Webhook(error)) if error == expected), "{taken:?}");
        }
    }
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Finalized);
    // Another seller's processor knows nothing of this payment, whatever it signs.
    for event in s.processor.deliveries("sk_test_reseller", &paid(Deliver::default())) {
        let taken = processor_events::take(&s.desk, &s.platform.operator, event.body.as_bytes(), &event.signature).await;
        assert!(taken.is_err(), "{taken:?}");
    }
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Finalized);
    // Somebody without cards takes none at all.
    let taken = processor_events::take(&s.desk, &s.customer, b"{}", "t=1,v1=00").await;
    assert!(matches!(taken, Err(BillingError::NoCards)), "{taken:?}");
}

#[tokio::test]
async fn money_that_comes_when_less_is_due_goes_back() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_scripted_processing").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    assert_eq!(payment.state, PaymentState::Processing);
    // Something is taken off meanwhile.
    s.credit_note(&invoice, "usage:2026-11:sms", "100", tributary_domain::billing::credit_note::GivenAs::Credit).await.expect("a note");
    s.processor.settle_payment(payment.processor_id.as_deref().expect("its name"), None).expect("paid");
    s.hooks().await;
    let (state, paid, due) = s.stands(&invoice).await;
    assert_eq!((state, paid.as_str(), due.as_str()), (InvoiceState::Paid, "60.000000", "0.000000"));
    s.minutes(5).await;
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    assert_eq!((payment.applied, payment.refunded, payment.refunds[0].state), (micros("60"), micros("120"), RefundState::Succeeded));
    assert_eq!((s.captured(), s.told_of(&s.customer, "payment.refunded")), (6_000, 1));
}

#[tokio::test]
async fn the_first_card_of_a_page_is_the_default_and_a_removed_one_is_not_charged() {
    let s = Scene::new().await;
    let page = cards::page(&s.desk, &s.customer, RETURN_URL, RETURN_URL, "page-1").await.expect("a page");
    s.processor.add_on_page(&page.id, "pm_card_visa").expect("added");
    s.hooks().await;
    s.deliver("sk_test_reseller", &Deliver { again: true, ..Deliver::default() }).await;
    let own = cards::list(&s.desk, &s.customer).await.expect("a list");
    assert_eq!((own.len(), own[0].is_default, own[0].method.last4.as_str()), (1, true, "4242"));
    assert_eq!(s.told_of(&s.customer, "payment_method.added"), 1);
    let another = s.another().await;
    s.card(&another, "pm_card_visa").await;
    let stolen = cards::set_default(&s.desk, &another, &own[0].method.id).await;
    assert!(stolen.is_err(), "another account's card: {stolen:?}");
    cards::remove(&s.desk, &s.customer, &own[0].method.id).await.expect("removed");
    s.hooks().await;
    let invoice = s.invoice(&s.customer).await;
    assert_eq!(s.collect(&invoice).await.state, InvoiceState::Finalized);
    assert_eq!((s.captured(), s.told_of(&s.customer, "payment_method.removed")), (0, 1));
}

#[tokio::test]
async fn a_draft_is_issued_by_itself_and_then_collected() {
    let s = Scene::new().await;
    s.fund(&s.customer, "180").await;
    let mut draft = s.draft(&s.customer, "100").await;
    draft.draft_until = Some(at("2026-12-02T00:00:00Z"));
    let issuing = tributary_store::invoices::Issuing { seller_id: s.reseller.clone(), prefix: Default::default(), now: s.now() };
    let new = tributary_store::invoices::NewInvoice { draft, terms_days: None };
    let made = s.desk.store().issue_invoices(&issuing, &[new]).await.expect("made");
    s.run().await;
    assert_eq!(s.get(&made[0].id).await.state, InvoiceState::Draft);
    s.pass(1).await;
    let issued = tributary_billing::drafts::finalize_due(&s.desk.app, &s.desk.run, at("2026-12-02T00:00:01Z")).await.expect("listed");
    assert_eq!((issued.issued, issued.failed), (1, 0));
    s.run().await;
    let invoice = s.get(&made[0].id).await;
    assert_eq!((invoice.state, invoice.number.as_deref()), (InvoiceState::Paid, Some("INV-000001")));
    assert_eq!(s.told_of(&s.customer, "invoice.finalized"), 1);
}

#[tokio::test]
async fn credit_bought_with_a_card_comes_from_the_parent_once_or_the_money_goes_back() {
    use tributary_billing::card_credit::buy;
    for wrong in [None, Some(Wrong::LoseAnswer), Some(Wrong::LoseRequest)] {
        let s = Scene::new().await;
        s.fund(&s.reseller, "100").await;
        assert!(buy(&s.desk, &s.customer, micros("60"), "one").await.is_err(), "no card");
        s.card(&s.customer, "pm_card_visa").await;
        assert!(buy(&s.desk, &s.customer, micros("60.001"), "one").await.is_err(), "no whole cents");
        if let Some(wrong) = wrong {
            s.fault(wrong, "POST", INTENTS, 3);
        }
        for _ in 0..2 {
            buy(&s.desk, &s.customer, micros("60"), "one").await.expect("it is begun");
            s.minutes(2).await;
        }
        s.hooks().await;
        let (own, above) = (s.credit(&s.customer).await, s.credit(&s.reseller).await);
        assert_eq!((own.as_str(), above.as_str(), s.captured()), ("60.000000", "40.000000", 6_000), "{wrong:?}");
        // The parent has 40 left: the money of the second goes back.
        let short = buy(&s.desk, &s.customer, micros("60"), "two").await.expect("it is charged");
        s.minutes(2).await;
        let short = s.desk.store().payment(&short.id).await.expect("kept");
        assert_eq!((short.refunded, short.refunds[0].state), (micros("60"), RefundState::Succeeded), "{wrong:?}");
        assert_eq!((s.credit(&s.customer).await.as_str(), s.captured()), ("60.000000", 6_000), "{wrong:?}");
        let (listed, _) = s.desk.store().payments(&s.customer, None, 10).await.expect("they read");
        assert_eq!(listed.len(), 2, "{wrong:?}");
        s.assert_ledgers_sum_to_zero();
    }
}

#[tokio::test]
async fn credit_that_cannot_be_given_while_somebody_above_is_suspended_is_not_charged_or_goes_back() {
    use tributary_billing::card_credit::buy;
    let s = Scene::new().await;
    let opening = tributary_tests::usage::platform::Opening {
        parent: s.platform.operator.clone(),
        kind: tributary_domain::account::Kind::Reseller,
        currency: None,
        funding: tributary_domain::account::Funding::Postpaid,
        credit_limit: tributary_domain::money::Micros::ZERO,
    };
    let above = s.platform.open(&opening).await.expect("a reseller");
    s.platform.relocate(&s.reseller, &above).await.expect("moved");
    s.fund(&s.reseller, "100").await;
    s.card(&s.customer, "pm_card_visa").await;
    s.fault(Wrong::LoseAnswer, "POST", INTENTS, 3);
    let paid = buy(&s.desk, &s.customer, micros("60"), "one").await.expect("it is begun");
    assert_eq!(paid.state, PaymentState::Unknown);
    s.platform.set_suspended(&above, true).await.expect("suspended");
    s.minutes(2).await;
    let paid = s.desk.store().payment(&paid.id).await.expect("kept");
    assert_eq!((paid.state, paid.refunded), (PaymentState::Succeeded, micros("60")));
    s.minutes(2).await;
    assert_eq!((s.captured(), s.credit(&s.customer).await.as_str()), (0, "0.000000"));
    // The key that bought says the same again; another is refused before anybody is charged.
    assert_eq!(buy(&s.desk, &s.customer, micros("60"), "one").await.expect("it is there").id, paid.id);
    let refused = buy(&s.desk, &s.customer, micros("60"), "two").await;
    assert!(matches!(refused, Err(BillingError::Store(StoreError::Conflict(_)))), "{refused:?}");
    assert_eq!(s.charges().len(), 1);
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn the_webhook_of_a_payment_that_must_be_confirmed_does_not_keep_the_link_from_its_payer() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_authenticationRequired").await;
    let invoice = s.invoice(&s.customer).await;
    // The first request is declined; the second, which asks for the link, is held.
    s.fault(Wrong::HoldAnswer, "POST", INTENTS, 1);
    let (collected, ()) = tokio::join!(collect(&s.desk, &invoice), async {
        s.processor.until_held(1).await;
        s.deliver("sk_test_reseller", &Deliver { only: Some("payment_intent.payment_failed".to_owned()), ..Deliver::default() }).await;
        assert_eq!(s.payments(&invoice).await[0].state, PaymentState::Sent);
        s.processor.release();
    });
    collected.expect("it is looked at");
    let payment = s.payments(&invoice).await.pop().expect("an attempt");
    assert_eq!((payment.state, payment.action_url.is_some()), (PaymentState::ActionRequired, true));
    assert_eq!((s.told_of(&s.customer, "payment.action_required"), s.told_of(&s.customer, "payment.failed")), (1, 0));
}

#[tokio::test]
async fn nothing_else_is_charged_while_a_declined_payment_is_being_paid_by_its_link() {
    let s = Scene::new().await;
    let card = s.card(&s.customer, "pm_card_visa_chargeDeclinedInsufficientFunds").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let declined = s.payments(&invoice).await.pop().expect("an attempt");
    assert_eq!(declined.state, PaymentState::Declined);
    s.processor.behave(&card, "pm_card_scripted_processing").expect("a card");
    let counter = s.desk.counter(&s.reseller).await.expect("it takes cards");
    let named = declined.processor_id.clone().expect("its name");
    counter.processor.authenticate(&named, &card, RETURN_URL, "by-link").await.expect("taken");
    s.pass(17).await;
    assert!(matches!(pay_now(&s.desk, &invoice, By::Card).await, Err(BillingError::Store(StoreError::Conflict(_)))));
    assert_eq!((s.payments(&invoice).await.len(), s.stands(&invoice).await.0), (1, InvoiceState::PastDue));
    s.processor.settle_payment(&named, None).expect("paid");
    s.pass(1).await;
    assert_eq!((s.payments(&invoice).await.len(), s.stands(&invoice).await.0, s.captured()), (1, InvoiceState::Paid, 18_000));
}

#[tokio::test]
async fn what_cannot_be_asked_about_any_more_is_given_up_after_a_week() {
    for (card, state) in [("pm_card_visa", PaymentState::Unknown), ("pm_card_authenticationRequired", PaymentState::ActionRequired)] {
        for key in [None, Some("sk_test_other")] {
            let mut s = Scene::new().await;
            s.card(&s.customer, card).await;
            let invoice = s.invoice(&s.customer).await;
            if state == PaymentState::Unknown {
                s.fault(Wrong::FailBefore, "POST", INTENTS, 3);
            }
            s.collect(&invoice).await;
            assert_eq!(s.payments(&invoice).await[0].state, state);
            s.charge_under(key);
            s.pass(6).await;
            let first = s.payments(&invoice).await.remove(0);
            let known = key.is_some() && state == PaymentState::Unknown;
            assert_eq!(first.state.is_open(), !known, "{card} {key:?}: {first:?}");
            s.pass(2).await;
            let first = s.payments(&invoice).await.remove(0);
            assert!(!first.state.is_open() && first.closed, "{card} {key:?}: {first:?}");
            s.fund(&s.customer, "180").await;
            pay_now(&s.desk, &invoice, By::Credit).await.expect("nothing is in the way").expect("there is credit");
            assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid, "{card} {key:?}");
        }
    }
}

#[tokio::test]
async fn a_declined_attempt_at_another_account_of_the_processor_keeps_nothing_from_going_on() {
    let mut s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa_chargeDeclinedInsufficientFunds").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    s.charge_under(Some("sk_test_other"));
    s.pass(29).await;
    assert!(s.payments(&invoice).await.iter().all(|payment| payment.closed));
    assert!(s.suspended(&s.customer).await);
}

#[tokio::test]
async fn a_new_card_of_an_account_that_is_collected_from_by_hand_is_not_tried() {
    let s = Scene::new().await;
    s.settings(&s.reseller, |settings| settings.collection = Collection::Manual).await;
    let invoice = s.invoice(&s.customer).await;
    s.pass(15).await;
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::PastDue);
    s.card(&s.customer, "pm_card_visa").await;
    assert_eq!((s.stands(&invoice).await.0, s.captured()), (InvoiceState::PastDue, 0));
    // Its own profile may say otherwise.
    let by_itself = |billing: &mut tributary_domain::billing::bill::Billing| billing.profile.collection = Some(Collection::Automatic);
    s.change_billing(&s.customer, by_itself).await;
    s.card(&s.customer, "pm_card_mastercard").await;
    assert_eq!((s.stands(&invoice).await.0, s.captured()), (InvoiceState::Paid, 18_000));
}

#[tokio::test]
async fn a_card_that_its_bank_says_not_to_try_again_is_not_tried_again() {
    for (decline, tries) in [("fraudulent", 1), ("stop_payment_order", 1), ("generic_decline", 5)] {
        let s = Scene::new().await;
        let card = s.card(&s.customer, "pm_card_scripted_processing").await;
        let invoice = s.invoice(&s.customer).await;
        s.collect(&invoice).await;
        let first = s.payments(&invoice).await.remove(0);
        s.processor.settle_payment(first.processor_id.as_deref().expect("its name"), Some(decline)).expect("declined");
        s.processor.behave(&card, "pm_card_visa_chargeDeclined").expect("a card");
        s.hooks().await;
        s.pass(23).await;
        let payments = s.payments(&invoice).await;
        assert_eq!((payments.len(), payments[0].decline), (tries, Some(DeclineKind::Other)), "{decline}");
    }
}
