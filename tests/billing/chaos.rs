//! Everything that can go wrong at once, by seed: the table loses answers, lags and conflicts, the processor loses and refuses, webhooks come twice and out of
//! order, workers die. At the end each invoice is paid once or open with the right sum, and what the processor took is what is written down.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tributary_billing::collect::{By, pay_now};
use tributary_billing::{Desk, due, processor_events};
use tributary_domain::billing::credit_note::{GivenAs, Part};
use tributary_domain::billing::dispute::{DisputeReason, Message, Origin, Resolution, Statement};
use tributary_domain::billing::invoice::InvoiceState;
use tributary_domain::billing::payment::PaymentState;
use tributary_domain::id::{CreditNoteId, DisputeId, InvoiceId, TransferId};
use tributary_domain::money::Micros;
use tributary_domain::text::Reference;
use tributary_processor::faults::Chaos;
use tributary_processor::hooks::{Deliver, Order};
use tributary_store::commit::Patience;
use tributary_store::credit_notes::NewNote;
use tributary_store::disputes::{Ending, Opening};
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_tests::usage::platform::Ground;

use super::scene::{Scene, ledgers};

const SEEDS: u64 = 12;
const ROUNDS: usize = 120;
const SMS: &str = "usage:2026-11:sms";
const CARDS: [&str; 8] = [
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_authenticationRequired",
    "pm_card_scripted_processing",
    "pm_card_createDispute",
    "pm_card_pendingRefund",
];

/// A worker of its own on the table, which fails.
struct Worker {
    desk: Desk,
    table: Arc<Faulty<MemoryTable>>,
}

fn worker(s: &Scene, seed: u64) -> Worker {
    let table = Arc::new(Faulty::new(s.memory.clone(), seed, Faults::storm()).lagging_behind(s.memory.clone()));
    let ground = Ground { table: table.clone(), ..s.ground.clone() };
    let app = ground.app(Patience::eager(6)).expect("an app");
    Worker { desk: Desk { app, ..s.desk.clone() }, table }
}

#[tokio::test]
async fn each_invoice_is_paid_once_or_open_whatever_dies() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let first = number("TRIBUTARY_SEED");
    for seed in first.unwrap_or(0)..first.map_or_else(|| number("TRIBUTARY_SEEDS").unwrap_or(SEEDS), |seed| seed + 1) {
        eprintln!("seed {seed}");
        one(seed).await;
    }
}

async fn one(seed: u64) {
    let s = Scene::seeded(seed).await;
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut invoices: Vec<InvoiceId> = Vec::new();
    for _ in 0..6 {
        let account = s.another().await;
        if rng.random_bool(0.5) {
            s.fund(&account, ["30", "100.005", "500"].choose(&mut rng).expect("one")).await;
        }
        if rng.random_bool(0.8) {
            s.card(&account, CARDS.choose(&mut rng).expect("one")).await;
        }
        invoices.push(s.invoice(&account).await);
    }
    let workers: Vec<Worker> = (0..3).map(|n| worker(&s, seed * 10 + n)).collect();
    s.processor.chaos(Some(Chaos {
        seed,
        lose_request: 80,
        lose_answer: 120,
        fail_before: 50,
        fail_after: 60,
        fail_kept: 20,
        rate_limit: 50,
    }));
    for _ in 0..ROUNDS {
        s.clock.advance_ms([60_000, 600_000, 6 * 3_600_000, 24 * 3_600_000].choose(&mut rng).copied().expect("one"));
        let worker = workers.choose(&mut rng).expect("one");
        if rng.random_bool(0.1) {
            worker.table.kill_in(rng.random_range(0..40), if rng.random_bool(0.5) { Moment::Before } else { Moment::After });
        }
        step(&s, worker, &mut rng, &invoices).await;
        worker.table.revive();
    }
    s.processor.chaos(None);
    settle(&s).await;
    check(&s, &invoices, seed).await;
}

/// One thing that somebody does. What fails, fails: the end is what counts.
async fn step(s: &Scene, worker: &Worker, rng: &mut SmallRng, invoices: &[InvoiceId]) {
    let (desk, invoice) = (&worker.desk, invoices.choose(rng).expect("one"));
    match rng.random_range(0..12) {
        0..4 => drop(due::run(desk, jiff::Timestamp::MAX).await),
        4..7 => hooks(s, desk, rng).await,
        7 => holder(s, rng),
        8 => {
            let by = if rng.random_bool(0.5) { By::Card } else { By::Credit };
            drop(pay_now(desk, invoice, by).await);
        }
        9 => {
            let given_as = *[GivenAs::Credit, GivenAs::Refund, GivenAs::Outside].choose(rng).expect("one");
            let parts = [part(rng)];
            drop(desk.store().issue_credit_note(invoice, &parts, &note(desk, given_as), None, &|| desk.act()).await);
        }
        10 => {
            let evidence = Message {
                account_id: s.customer.clone(),
                by: None,
                text: Statement::parse("No.").expect("a text"),
                links: Vec::new(),
                at: desk.now(),
            };
            let opening = Opening {
                id: DisputeId::from_uuid(desk.app.uuid()),
                asked: vec![part(rng)],
                reason: DisputeReason::Other,
                origin: Origin::Customer,
                evidence,
            };
            drop(desk.store().open_dispute(invoice, &opening, None, &|| desk.act()).await);
        }
        _ => {
            let listed = s.desk.store().disputes(tributary_store::disputes::DisputesOf::Seller(&s.reseller), None, 50).await;
            let own: Vec<_> = listed.expect("they read").0.into_iter().filter(|d| matches!(d.origin, Origin::Customer)).collect();
            if let Some(dispute) = own.choose(rng) {
                let resolution = [Resolution::AcceptAll, Resolution::Reject, Resolution::Withdraw].choose(rng).cloned().expect("one");
                let ending = Ending { resolution, note: note(desk, GivenAs::Outside), pass_up: None };
                drop(desk.store().resolve_dispute(&dispute.id, &ending, None, &|| desk.act()).await);
            }
        }
    }
}

fn part(rng: &mut SmallRng) -> Part {
    Part { line: SMS.to_owned(), amount: Micros::new(rng.random_range(1..3_000) * 10_000) }
}

fn note(desk: &Desk, given_as: GivenAs) -> NewNote {
    NewNote {
        id: CreditNoteId::from_uuid(desk.app.uuid()),
        transfer: TransferId::from_uuid(desk.app.uuid()),
        given_as,
        reason: Reference::parse("Chaos").expect("a text"),
        refund_of: None,
    }
}

/// What happened at the processor comes, or some of it, in some order; what is not taken comes again at the end.
async fn hooks(s: &Scene, desk: &Desk, rng: &mut SmallRng) {
    let how =
        Deliver { order: Order::Shuffled(rng.random()), copies: rng.random_range(1..3), again: rng.random_bool(0.3), ..Deliver::default() };
    for event in s.processor.deliveries("sk_test_reseller", &how) {
        if rng.random_bool(0.8) {
            drop(processor_events::take(desk, &s.reseller, event.body.as_bytes(), &event.signature).await);
        }
    }
}

/// Something happens at the bank.
fn holder(s: &Scene, rng: &mut SmallRng) {
    let all = s.processor.objects("sk_test_reseller", "payment_intent");
    for intent in all {
        let id = intent["id"].as_str().unwrap_or_default();
        match intent["status"].as_str() {
            Some("requires_action") if rng.random_bool(0.5) => drop(s.processor.authenticate(id, rng.random_bool(0.8))),
            Some("processing") if rng.random_bool(0.5) => {
                drop(s.processor.settle_payment(id, rng.random_bool(0.3).then_some("insufficient_funds")));
            }
            Some("succeeded") if rng.random_bool(0.05) => drop(s.processor.dispute(id, None, "fraudulent", rng.random_bool(0.2))),
            _ => {}
        }
    }
    for dispute in s.processor.objects("sk_test_reseller", "dispute") {
        if rng.random_bool(0.3) {
            let inquiry = dispute["status"].as_str().is_some_and(|status| status.starts_with("warning"));
            let end = if inquiry { "warning_closed" } else { ["won", "lost", "under_review"].choose(rng).copied().expect("one") };
            drop(s.processor.change_dispute(dispute["id"].as_str().unwrap_or_default(), end));
        }
    }
}

/// Nothing goes wrong any more, and everything is told again.
async fn settle(s: &Scene) {
    for round in 0..4 {
        for intent in s.processor.objects("sk_test_reseller", "payment_intent").iter().filter(|intent| intent["status"] == "processing") {
            drop(s.processor.settle_payment(intent["id"].as_str().unwrap_or_default(), None));
        }
        for refund in s.processor.objects("sk_test_reseller", "refund").iter().filter(|refund| refund["status"] == "pending") {
            drop(s.processor.settle_refund(refund["id"].as_str().unwrap_or_default(), true));
        }
        s.deliver("sk_test_reseller", &Deliver { again: round == 0, ..Deliver::default() }).await;
        // The last time only what came in is settled.
        s.pass([12, 10, 4, 0][round]).await;
        s.run().await;
    }
}

async fn check(s: &Scene, invoices: &[InvoiceId], seed: u64) {
    assert_eq!(ledgers(&s.memory), 0, "seed {seed}: credit from nowhere");
    let mut written_down = 0;
    for id in invoices {
        let invoice = s.get(id).await;
        let payments = s.payments(id).await;
        let mut paid = Micros::ZERO;
        for payment in &payments {
            let what = format!("seed {seed}: {payment:?}");
            assert!(matches!(payment.state, PaymentState::Succeeded | PaymentState::Declined | PaymentState::Cancelled), "open: {what}");
            if payment.state != PaymentState::Succeeded {
                assert_eq!((payment.applied, payment.refunded), (Micros::ZERO, Micros::ZERO), "{what}");
                continue;
            }
            paid = paid.plus(payment.applied).expect("in range");
            assert!(payment.refunds_due_at().is_none(), "a refund on its way: {what}");
            if payment.is_by_card() {
                written_down += (payment.amount.get() - payment.refunded.get()) / 10_000;
            }
        }
        assert_eq!(invoice.paid, paid, "seed {seed}: what counted is what was paid of {invoice:?} by {payments:?}");
        let due = invoice.due().expect("in range");
        match invoice.state {
            InvoiceState::Paid => assert_eq!(due, Micros::ZERO, "seed {seed}: {invoice:?}"),
            _ => assert!(due > Micros::ZERO, "seed {seed}: {invoice:?}"),
        }
        let told = s.told_of(&invoice.account_id, "payment.succeeded");
        let succeeded = payments.iter().filter(|payment| payment.state == PaymentState::Succeeded).count();
        assert_eq!(told, succeeded, "seed {seed}: each is told once");
    }
    if s.captured() != written_down {
        for kind in ["charge", "refund", "dispute"] {
            s.processor.objects("sk_test_reseller", kind).iter().for_each(|object| eprintln!("{object}"));
        }
        for id in invoices {
            s.payments(id).await.iter().for_each(|payment| eprintln!("{payment:?}"));
        }
    }
    assert_eq!(s.captured(), written_down, "seed {seed}: what the processor took is what is written down");
    let charged = s.charges();
    assert!(charged.values().all(|times| *times == 1), "seed {seed}: {charged:?}");
}
