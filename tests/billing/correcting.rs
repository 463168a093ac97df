//! Credit notes, refunds, disputes and chargebacks.

use tributary_billing::disputes::{Resolving, resolve};
use tributary_domain::billing::credit_note::{CreditNote, GivenAs, Part};
use tributary_domain::billing::dispute::{Dispute, DisputeReason, DisputeState, Message, Origin, Resolution, Statement};
use tributary_domain::billing::invoice::InvoiceState;
use tributary_domain::billing::payment::{ChargebackState, RefundCause, RefundState};
use tributary_domain::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, TransferId};
use tributary_domain::text::Reference;
use tributary_processor::hooks::{Deliver, Order};
use tributary_store::credit_notes::{NewNote, NotesOf};
use tributary_store::disputes::{DisputesOf, Opening};
use tributary_store::error::StoreError;
use tributary_store::idempotency::Scope;
use tributary_store::table::{Key, Value, Write};

use super::scene::{Scene, is_refused, micros};

const SMS: &str = "usage:2026-11:sms";

fn part(line: &str, amount: &str) -> Part {
    Part { line: line.to_owned(), amount: micros(amount) }
}

impl Scene {
    pub async fn credit_note(&self, invoice: &InvoiceId, line: &str, amount: &str, given_as: GivenAs) -> Result<CreditNote, StoreError> {
        let new = NewNote {
            id: CreditNoteId::from_uuid(self.desk.app.uuid()),
            transfer: TransferId::from_uuid(self.desk.app.uuid()),
            given_as,
            reason: Reference::parse("Outage").expect("a text"),
            refund_of: None,
        };
        let issued = self.desk.store().issue_credit_note(invoice, &[part(line, amount)], &new, None, &|| self.desk.act()).await;
        Ok(issued?.into_inner())
    }

    pub async fn dispute(&self, invoice: &InvoiceId, line: &str, amount: &str) -> Result<Dispute, StoreError> {
        let evidence = Message {
            account_id: self.customer.clone(),
            by: None,
            text: Statement::parse("We sent half of these.").expect("a text"),
            links: Vec::new(),
            at: self.now(),
        };
        let opening = Opening {
            id: DisputeId::from_uuid(self.desk.app.uuid()),
            asked: vec![part(line, amount)],
            reason: DisputeReason::WrongQuantity,
            origin: Origin::Customer,
            evidence,
        };
        Ok(self.desk.store().open_dispute(invoice, &opening, None, &|| self.desk.act()).await?.into_inner())
    }

    async fn end(&self, dispute: &DisputeId, resolution: Resolution, given_as: GivenAs, pass_up: bool) -> Result<Dispute, StoreError> {
        let resolving = Resolving { resolution, given_as, reason: Reference::parse("Agreed").expect("a text"), pass_up };
        match resolve(&self.desk, dispute, &resolving, None, &|_: &AccountId| true).await {
            Ok(done) => Ok(done.into_inner()),
            Err(tributary_billing::BillingError::Store(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    /// What is kept of an account's billing does not read any more.
    pub async fn break_billing_of(&self, account: &AccountId) {
        let key = Key::new(format!("BILL#{account}"), "-");
        let broken = [("doc".to_owned(), Value::S("{".to_owned()))].into();
        self.ground.table.write(&Write::put(key, broken)).await.expect("written");
    }
}

#[tokio::test]
async fn a_credit_note_lessens_what_is_due_before_it_gives_back() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    let note = s.credit_note(&invoice, SMS, "50", GivenAs::Credit).await.expect("less than the line");
    assert_eq!(
        (note.number.as_str(), note.total, note.reduces, note.given_back),
        ("INV-CN-000001", micros("60"), micros("60"), micros("0"))
    );
    assert_eq!(s.stands(&invoice).await.2, "120.000000");
    let over = s.credit_note(&invoice, SMS, "50.01", GivenAs::Credit).await;
    assert!(is_refused(&over), "{over:?}");
    let (listed, _) = s.desk.store().credit_notes(NotesOf::Invoice(&invoice), None, 10).await.expect("they read");
    assert_eq!(listed, [note]);
    s.credit_note(&invoice, SMS, "50", GivenAs::Credit).await.expect("the rest");
    assert_eq!(s.desk.store().counters(&s.reseller).await.expect("read").credit_notes, 2, "without gaps");
    assert_eq!(s.told_of(&s.customer, "credit_note.issued"), 2);
}

#[tokio::test]
async fn after_payment_it_is_given_as_credit_by_the_seller() {
    let s = Scene::new().await;
    s.fund(&s.customer, "180").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let note = s.credit_note(&invoice, SMS, "100", GivenAs::Credit).await.expect("of the line");
    assert_eq!((note.given_back, note.transfer_id.is_some()), (micros("120"), true));
    assert_eq!((s.credit(&s.customer).await, s.credit(&s.reseller).await), ("120.000000".to_owned(), "60.000000".to_owned()));
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid);
    // A seller without credit cannot give any.
    s.platform.pay(&s.reseller, &s.customer, micros("60"), "spent").await.expect("spent");
    let short = s.credit_note(&invoice, "fee:base", "30", GivenAs::Credit).await;
    assert!(matches!(short, Err(StoreError::SellerShort)), "{short:?}");
    s.credit_note(&invoice, "fee:base", "30", GivenAs::Outside).await.expect("outside");
    s.assert_ledgers_sum_to_zero();
    // The operator's comes from what was used up.
    s.fund(&s.reseller, "180").await;
    let above = s.invoice(&s.reseller).await;
    s.collect(&above).await;
    s.credit_note(&above, SMS, "100", GivenAs::Credit).await.expect("of the line");
    assert_eq!(s.credit(&s.reseller).await, "120.000000");
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn a_refund_goes_to_the_card_once_whatever_answers_are_lost() {
    use tributary_processor::faults::Wrong;
    for wrong in [None, Some(Wrong::LoseAnswer), Some(Wrong::FailKept), Some(Wrong::LoseRequest), Some(Wrong::RateLimit)] {
        let s = Scene::new().await;
        s.card(&s.customer, "pm_card_visa").await;
        let invoice = s.invoice(&s.customer).await;
        s.collect(&invoice).await;
        let note = s.credit_note(&invoice, SMS, "100", GivenAs::Refund).await.expect("of the line");
        assert!(note.payment_id.is_some());
        if let Some(wrong) = wrong {
            s.fault(wrong, "POST", "/v1/refunds", 3);
        }
        s.run().await;
        s.minutes(2).await;
        s.hooks().await;
        let payment = s.payments(&invoice).await.remove(0);
        assert_eq!(
            (payment.refunded, payment.refunds.len(), payment.refunds[0].state),
            (micros("120"), 1, RefundState::Succeeded),
            "{wrong:?}"
        );
        assert_eq!((s.captured(), s.told_of(&s.customer, "payment.refunded")), (6_000, 1), "{wrong:?}");
        let more = s.credit_note(&invoice, SMS, "0.01", GivenAs::Refund).await;
        assert!(is_refused(&more), "more than the line: {more:?}");
    }
}

#[tokio::test]
async fn more_than_was_paid_by_card_is_not_refunded_and_a_refund_may_come_back() {
    let s = Scene::new().await;
    s.fund(&s.customer, "100").await;
    s.card(&s.customer, "pm_card_refundFail").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let over = s.credit_note(&invoice, SMS, "100", GivenAs::Refund).await;
    assert!(matches!(over, Err(StoreError::Conflict(_))), "{over:?}");
    s.credit_note(&invoice, SMS, "50", GivenAs::Refund).await.expect("less than the card paid");
    s.run().await;
    let refund = s.payments(&invoice).await[1].refunds[0].clone();
    s.processor.settle_refund(refund.processor_id.as_deref().expect("its name"), false).expect("it comes back");
    s.hooks().await;
    let payment = s.payments(&invoice).await.remove(1);
    assert_eq!((payment.refunded, payment.refunds[0].state), (micros("0"), RefundState::Failed));
    assert_eq!(s.told_of(&s.customer, "refund.failed"), 1);
    // The lines are credited, so no other note gives it back: it is asked for again, by the same note, once for a key.
    let reason = Reference::parse("Outage").expect("a text");
    let scope = |key: &str| Scope {
        account: s.reseller.clone(),
        route: "refund",
        key: key.to_owned(),
        body: String::new(),
        actor: s.desk.actor.clone(),
        request: s.desk.run.clone(),
    };
    for _ in 0..2 {
        let note =
            tributary_billing::notes::refund(&s.desk, &payment.id, None, &reason, &scope("one")).await.expect("asked again").into_inner();
        assert_eq!(RefundCause::CreditNote(note.id), payment.refunds[0].cause);
    }
    let again = s.payments(&invoice).await.remove(1);
    assert_eq!((again.refunds.len(), again.refunded, again.refunds[0].repeated), (2, payment.refunds[0].amount, true));
    let retry = || tributary_billing::refunds::retry(&s.desk, &payment.id);
    assert_eq!(retry().await.expect("a payment").refunds.len(), 2, "it was asked for again");
    // The second comes back as well: what failed last is asked for again, without a word on why, and once.
    s.processor.settle_refund(again.refunds[1].processor_id.as_deref().expect("its name"), false).expect("it comes back");
    s.hooks().await;
    let third = retry().await.expect("the second failed");
    assert_eq!((third.refunds.len(), third.refunded, third.failed_refunds().count()), (3, payment.refunds[0].amount, 0));
    assert_eq!((third.refunds[2].amount, &third.refunds[2].cause), (payment.refunds[0].amount, &payment.refunds[0].cause));
    assert_eq!(retry().await.expect("a payment").refunds.len(), 3, "nothing failed");
}

#[tokio::test]
async fn a_dispute_holds_its_amount_out_of_dunning_until_its_end() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    s.run().await;
    let dispute = s.dispute(&invoice, SMS, "100").await.expect("of the line");
    assert_eq!(dispute.amount, micros("120"));
    for over in [(SMS, "0.01"), ("fee:base", "30.01"), ("tax:vat", "1"), ("none", "1")] {
        let refused = s.dispute(&invoice, over.0, over.1).await;
        assert!(is_refused(&refused), "{over:?}: {refused:?}");
    }
    s.fund(&s.customer, "60").await;
    s.pass(20).await;
    let state = s.stands(&invoice).await;
    assert_eq!((state.0, state.2.as_str()), (InvoiceState::PastDue, "120.000000"), "only what is not disputed was taken");
    assert_eq!(s.told_of(&s.customer, "dispute.overdue"), 1);
    s.pass(20).await;
    assert!(!s.suspended(&s.customer).await);
    s.desk.store().take_up_dispute(&dispute.id, None, &|| s.desk.act()).await.expect("taken up");
    let said = Message { text: Statement::parse("Our logs say otherwise.").expect("a text"), ..dispute.messages[0].clone() };
    s.desk.store().say_in_dispute(&dispute.id, &said, None, &|| s.desk.act()).await.expect("said");
    let ended = s.end(&dispute.id, Resolution::Reject, GivenAs::Credit, false).await.expect("rejected");
    assert_eq!((ended.state, ended.messages.len()), (DisputeState::Rejected, 2));
    assert_eq!(s.told_of(&s.customer, "dispute.resolved"), 1);
    let again = s.end(&dispute.id, Resolution::AcceptAll, GivenAs::Credit, false).await;
    assert!(is_refused(&again), "{again:?}");
    s.run().await;
    assert!(s.suspended(&s.customer).await, "what was disputed is chased again");
}

#[tokio::test]
async fn a_dispute_is_accepted_partly_accepted_or_withdrawn() {
    for (resolution, state, due) in [
        (Resolution::AcceptAll, DisputeState::Accepted, "60.000000"),
        (Resolution::Accept(vec![part(SMS, "25")]), DisputeState::PartlyAccepted, "150.000000"),
        (Resolution::Withdraw, DisputeState::Withdrawn, "180.000000"),
    ] {
        let s = Scene::new().await;
        let invoice = s.invoice(&s.customer).await;
        let dispute = s.dispute(&invoice, SMS, "100").await.expect("of the line");
        let over = s.end(&dispute.id, Resolution::Accept(vec![part(SMS, "100.01")]), GivenAs::Credit, false).await;
        assert!(is_refused(&over), "{over:?}");
        let ended = s.end(&dispute.id, resolution, GivenAs::Credit, false).await.expect("ended");
        assert_eq!((ended.state, s.stands(&invoice).await.2.as_str()), (state, due));
        assert_eq!(ended.credit_note_id.is_some(), state != DisputeState::Withdrawn);
        assert_eq!(s.get(&invoice).await.disputed, micros("0"));
        let (listed, _) = s.desk.store().disputes(DisputesOf::Seller(&s.reseller), None, 10).await.expect("they read");
        assert_eq!(listed, [ended]);
    }
}

#[tokio::test]
async fn an_accepted_dispute_goes_up_the_chain_for_the_sellers_share() {
    let s = Scene::new().await;
    let above = s.invoice(&s.reseller).await;
    let invoice = s.invoice(&s.customer).await;
    let dispute = s.dispute(&invoice, SMS, "50").await.expect("of the line");
    let ended = s.end(&dispute.id, Resolution::AcceptAll, GivenAs::Credit, true).await.expect("accepted");
    let passed = s.desk.store().dispute(&ended.passed_up_as.expect("passed up")).await.expect("kept");
    assert_eq!((passed.account_id.clone(), passed.seller_id.clone()), (s.reseller.clone(), s.platform.operator.clone()));
    assert_eq!((passed.state, passed.asked), (DisputeState::Accepted, vec![part(SMS, "35")]), "70 % of it is what the reseller paid");
    assert_eq!(passed.origin, Origin::PassedUp { dispute_id: dispute.id });
    assert_eq!((s.stands(&above).await.2.as_str(), s.stands(&invoice).await.2.as_str()), ("138.000000", "120.000000"));
}

/// Pays by card and charges it back: the invoice, and the chargeback's name.
async fn charged_back(s: &Scene) -> (InvoiceId, String) {
    s.card(&s.customer, "pm_card_visa").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    let payment = s.payments(&invoice).await.remove(0);
    let named = payment.processor_id.expect("its name");
    let chargeback = s.processor.dispute(&named, None, "fraudulent", false).expect("charged back");
    (invoice, chargeback["id"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn a_chargeback_opens_a_dispute_and_makes_the_invoice_due_again_without_chasing() {
    let s = Scene::new().await;
    let (invoice, named) = charged_back(&s).await;
    s.hooks().await;
    s.deliver("sk_test_reseller", &Deliver { again: true, copies: 2, ..Deliver::default() }).await;
    let state = s.stands(&invoice).await;
    assert_eq!((state.0, state.1.as_str(), state.2.as_str()), (InvoiceState::Finalized, "0.000000", "180.000000"));
    let (disputes, _) = s.desk.store().disputes(DisputesOf::Account(&s.customer), None, 10).await.expect("they read");
    assert_eq!((disputes.len(), disputes[0].amount, disputes[0].reason), (1, micros("180"), DisputeReason::Fraudulent));
    assert_eq!(s.captured(), 0);
    s.pass(40).await;
    assert!(!s.suspended(&s.customer).await, "all of it is disputed");
    // Lost: what was charged back is credited, and nothing is due.
    s.processor.change_dispute(&named, "lost").expect("lost");
    s.hooks().await;
    let (state, _, due) = s.stands(&invoice).await;
    assert_eq!((state, due.as_str()), (InvoiceState::Paid, "0.000000"));
    let payment = s.payments(&invoice).await.remove(0);
    assert_eq!((payment.chargebacks[0].state, payment.refunded, payment.applied), (ChargebackState::Lost, micros("180"), micros("0")));
    let dispute = s.desk.store().dispute(&disputes[0].id).await.expect("kept");
    assert_eq!((dispute.state, dispute.credit_note_id.is_some()), (DisputeState::Accepted, true));
}

#[tokio::test]
async fn a_chargeback_that_is_won_pays_again_in_whatever_order_it_is_told() {
    for order in [Order::AsHappened, Order::Reversed, Order::Shuffled(3), Order::Shuffled(4)] {
        let s = Scene::new().await;
        let (invoice, named) = charged_back(&s).await;
        s.processor.change_dispute(&named, "under_review").expect("answered");
        s.processor.change_dispute(&named, "won").expect("won");
        s.deliver("sk_test_reseller", &Deliver { order, copies: 2, ..Deliver::default() }).await;
        let (state, paid, due) = s.stands(&invoice).await;
        assert_eq!((state, paid.as_str(), due.as_str()), (InvoiceState::Paid, "180.000000", "0.000000"), "{order:?}");
        let payment = s.payments(&invoice).await.remove(0);
        assert_eq!((payment.refunded, payment.chargebacks[0].state), (micros("0"), ChargebackState::Won), "{order:?}");
        let (disputes, _) = s.desk.store().disputes(DisputesOf::Account(&s.customer), None, 10).await.expect("they read");
        assert!(disputes.iter().all(|dispute| dispute.state == DisputeState::Rejected), "{order:?}: {disputes:?}");
        assert_eq!((s.get(&invoice).await.disputed, s.captured()), (micros("0"), 18_000), "{order:?}");
    }
}

#[tokio::test]
async fn a_bank_that_only_asks_takes_no_money() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_createDisputeInquiry").await;
    let invoice = s.invoice(&s.customer).await;
    s.collect(&invoice).await;
    s.hooks().await;
    let payment = s.payments(&invoice).await.remove(0);
    assert_eq!((payment.refunded, payment.chargebacks[0].state), (micros("0"), ChargebackState::Inquiry));
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Paid);
    s.processor.change_dispute(&payment.chargebacks[0].processor_id, "warning_closed").expect("closed");
    s.hooks().await;
    let (disputes, _) = s.desk.store().disputes(DisputesOf::Account(&s.customer), None, 10).await.expect("they read");
    assert_eq!((disputes.len(), disputes[0].state), (1, DisputeState::Rejected));
    assert_eq!((s.stands(&invoice).await.0, s.captured()), (InvoiceState::Paid, 18_000));
}

#[tokio::test]
async fn a_void_invoice_is_not_paid() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    let void = |invoice: &mut tributary_domain::billing::invoice::Invoice| {
        invoice.void()?;
        Ok((None, None))
    };
    s.desk.store().change_invoice(&invoice, &s.desk.act(), void).await.expect("void");
    s.fund(&s.customer, "180").await;
    s.run().await;
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Void);
    let acts = || s.desk.act();
    let paid = s.desk.store().pay_from_credit(&invoice, &TransferId::from_uuid(s.desk.app.uuid()), None, &acts).await;
    assert!(is_refused(&paid), "{paid:?}");
    let outside = s.desk.store().pay_outside(&invoice, micros("180"), None, None, &acts).await;
    assert!(is_refused(&outside), "{outside:?}");
    let disputed = s.dispute(&invoice, SMS, "1").await;
    assert!(is_refused(&disputed), "{disputed:?}");
    let open = s.another().await;
    let open = s.invoice(&open).await;
    for wrong in ["180.01", "0", "0.001"] {
        let outside = s.desk.store().pay_outside(&open, micros(wrong), None, None, &acts).await;
        assert!(is_refused(&outside), "{wrong}: {outside:?}");
    }
}

#[tokio::test]
async fn a_refund_waits_a_week_for_a_processor_that_was_taken_away() {
    for (days, key, end) in
        [(6, None, RefundState::Succeeded), (6, Some("sk_test_other"), RefundState::Succeeded), (8, None, RefundState::Failed)]
    {
        let mut s = Scene::new().await;
        s.card(&s.customer, "pm_card_visa").await;
        let invoice = s.invoice(&s.customer).await;
        s.collect(&invoice).await;
        s.credit_note(&invoice, SMS, "50", GivenAs::Refund).await.expect("the card paid");
        s.charge_under(key);
        s.pass(days).await;
        s.charge_under(Some("sk_test_reseller"));
        s.pass(1).await;
        let payment = s.payments(&invoice).await.remove(0);
        assert_eq!(payment.refunds[0].state, end, "{days} {key:?}");
    }
}
