//! What is not paid: past due, reminders, suspension, and its lifting.

use tributary_billing::collect::{By, pay_now};
use tributary_domain::billing::invoice::InvoiceState;

use super::scene::Scene;

#[tokio::test]
async fn an_unpaid_invoice_is_chased_to_its_end_and_what_is_paid_after_all_lifts() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    s.run().await;
    s.pass(13).await;
    assert_eq!(s.stands(&invoice).await.0, InvoiceState::Finalized);
    s.pass(1).await;
    assert_eq!((s.stands(&invoice).await.0, s.told_of(&s.customer, "invoice.past_due")), (InvoiceState::PastDue, 1));
    s.pass(13).await;
    assert_eq!((s.suspended(&s.customer).await, s.told_of(&s.customer, "invoice.reminded")), (false, 2));
    s.pass(1).await;
    assert!(s.suspended(&s.customer).await, "14 days after it was due");
    let told = |kind| s.told_of(&s.customer, kind);
    assert_eq!((told("invoice.reminded"), told("dunning.suspended"), told("account.suspended")), (3, 1, 1));
    // A suspended account spends nothing, but pays what it owes.
    s.fund(&s.customer, "180").await;
    let spent = s.platform.pay(&s.customer, &s.reseller, super::scene::micros("1"), "spend").await;
    assert!(spent.is_err(), "{spent:?}");
    pay_now(&s.desk, &invoice, By::Credit).await.expect("it may").expect("there is credit");
    assert_eq!((s.stands(&invoice).await.0, s.suspended(&s.customer).await), (InvoiceState::Paid, false));
    assert_eq!((s.told_of(&s.customer, "dunning.lifted"), s.told_of(&s.customer, "account.reactivated")), (1, 1));
    assert!(s.desk.store().billing(&s.customer).await.expect("read").expect("there").suspended_by.is_none());
    s.assert_ledgers_sum_to_zero();
}

#[tokio::test]
async fn what_is_never_paid_is_given_up_and_stays_suspended() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    s.run().await;
    s.pass(105).await;
    assert_eq!((s.stands(&invoice).await.0, s.told_of(&s.customer, "invoice.uncollectible")), (InvoiceState::Uncollectible, 1));
    assert!(s.suspended(&s.customer).await);
    // What comes after all is taken.
    s.fund(&s.customer, "180").await;
    pay_now(&s.desk, &invoice, By::Credit).await.expect("it may").expect("there is credit");
    assert_eq!((s.stands(&invoice).await.0, s.suspended(&s.customer).await), (InvoiceState::Paid, false));
}

#[tokio::test]
async fn a_seller_that_had_suspended_the_account_lifts_it_itself() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    s.platform.set_suspended(&s.customer, true).await.expect("suspended");
    s.run().await;
    s.pass(30).await;
    assert_eq!((s.told_of(&s.customer, "dunning.suspended"), s.get(&invoice).await.chase.suspended), (0, true));
    s.fund(&s.customer, "180").await;
    pay_now(&s.desk, &invoice, By::Credit).await.expect("it may").expect("there is credit");
    assert!(s.suspended(&s.customer).await, "it was not suspended because of the invoice");
    assert!(!s.get(&invoice).await.chase.suspended);
}

#[tokio::test]
async fn a_suspension_is_lifted_when_the_last_invoice_behind_it_is_paid() {
    let s = Scene::new().await;
    let first = s.invoice(&s.customer).await;
    let mut second = s.draft(&s.customer, "10").await;
    second.part = 2;
    second.id = tributary_domain::billing::invoice::invoice_id(&s.customer, second.period.label, 2, second.closed_at);
    let issuing = tributary_store::invoices::Issuing { seller_id: s.reseller.clone(), prefix: Default::default(), now: s.now() };
    let new = tributary_store::invoices::NewInvoice { draft: second, terms_days: Some(14) };
    let second = s.desk.store().issue_invoices(&issuing, &[new]).await.expect("issued").remove(0).id;
    s.run().await;
    s.pass(30).await;
    assert!(s.suspended(&s.customer).await);
    s.desk.store().pay_outside(&first, super::scene::micros("180"), None, None, &|| s.desk.act()).await.expect("paid");
    s.run().await;
    assert!(s.suspended(&s.customer).await, "the other is not paid");
    let due = s.get(&second).await.due().expect("in range");
    s.desk.store().pay_outside(&second, due, None, None, &|| s.desk.act()).await.expect("paid");
    s.run().await;
    assert!(!s.suspended(&s.customer).await);
    assert_eq!((s.told_of(&s.customer, "dunning.suspended"), s.told_of(&s.customer, "dunning.lifted")), (1, 1));
}

#[tokio::test]
async fn a_child_of_an_unpaid_parent_is_untouched() {
    let s = Scene::new().await;
    s.card(&s.customer, "pm_card_visa").await;
    let (above, below) = (s.invoice(&s.reseller).await, s.invoice(&s.customer).await);
    s.run().await;
    s.pass(40).await;
    assert!(s.suspended(&s.reseller).await);
    assert_eq!(s.stands(&above).await.0, InvoiceState::PastDue);
    assert_eq!((s.stands(&below).await.0, s.suspended(&s.customer).await), (InvoiceState::Paid, false));
    let told = s.told(&s.customer);
    for kind in ["invoice.past_due", "invoice.reminded", "dunning.suspended", "account.suspended"] {
        assert!(!told.contains_key(kind), "{kind}: {told:?}");
    }
}

#[tokio::test]
async fn one_invoice_that_fails_keeps_nobody_waiting() {
    let s = Scene::new().await;
    let broken = s.invoice(&s.customer).await;
    let other = s.another().await;
    s.fund(&other, "180").await;
    let good = s.invoice(&other).await;
    // A hand in the table: the first payment of the first invoice does not read.
    s.fund(&s.customer, "1").await;
    s.break_billing_of(&s.customer).await;
    let ran = tributary_billing::due::run(&s.desk, jiff::Timestamp::MAX).await.expect("it runs");
    assert_eq!((ran.invoices, ran.failed), (2, 1));
    assert_eq!(s.stands(&good).await.0, InvoiceState::Paid);
    assert_eq!(s.stands(&broken).await.0, InvoiceState::Finalized);
    let again = tributary_billing::due::run(&s.desk, jiff::Timestamp::MAX).await.expect("it runs");
    assert_eq!(again.invoices, 0, "it is looked at later");
}

#[tokio::test]
async fn who_takes_a_suspension_into_own_hands_has_it_there() {
    let s = Scene::new().await;
    let invoice = s.invoice(&s.customer).await;
    s.run().await;
    s.pass(30).await;
    assert!(s.suspended(&s.customer).await);
    s.platform.set_suspended(&s.customer, false).await.expect("reactivated");
    s.platform.set_suspended(&s.customer, true).await.expect("suspended");
    s.fund(&s.customer, "180").await;
    pay_now(&s.desk, &invoice, By::Credit).await.expect("it may").expect("there is credit");
    assert_eq!((s.stands(&invoice).await.0, s.suspended(&s.customer).await), (InvoiceState::Paid, true));
}

#[tokio::test]
async fn invoices_that_suspend_an_account_do_not_overlook_each_other() {
    let s = Scene::new().await;
    let first = s.invoice(&s.customer).await;
    let mut second = s.draft(&s.customer, "10").await;
    second.part = 2;
    second.id = tributary_domain::billing::invoice::invoice_id(&s.customer, second.period.label, 2, second.closed_at);
    let issuing = tributary_store::invoices::Issuing { seller_id: s.reseller.clone(), prefix: Default::default(), now: s.now() };
    let new = tributary_store::invoices::NewInvoice { draft: second, terms_days: Some(14) };
    let second = s.desk.store().issue_invoices(&issuing, &[new]).await.expect("issued").remove(0).id;
    s.run().await;
    s.pass(27).await;
    let (store, acts) = (s.desk.store(), || s.desk.act());
    let kept = || async { store.billing(&s.customer).await.expect("read").expect("there") };
    // What one reads of the other holds only as long as the billing's version does, so each change of either raises it.
    let mut version = kept().await.version;
    let mut raised = |now: i64| std::mem::replace(&mut version, now) < now;
    store.suspend_for(&first, &acts).await.expect("suspended");
    assert!(raised(kept().await.version));
    store.suspend_for(&second, &acts).await.expect("noted");
    assert!(raised(kept().await.version), "though the account was suspended already");
    assert_eq!(kept().await.suspended_by.as_ref(), Some(&first));
    let due = s.get(&second).await.due().expect("in range");
    store.pay_outside(&second, due, None, None, &acts).await.expect("paid");
    store.lift_for(&second, &acts).await.expect("noted");
    assert!(raised(kept().await.version), "though another suspended the account");
    assert!(s.suspended(&s.customer).await);
    store.pay_outside(&first, super::scene::micros("180"), None, None, &acts).await.expect("paid");
    store.lift_for(&first, &acts).await.expect("lifted");
    assert!(!s.suspended(&s.customer).await && kept().await.suspended_by.is_none());
}
