//! Accounts that top themselves up with their card: charged once for each fall, whatever the processor answers.

use serde_json::{Value, json};
use tributary_billing::processors::seal;
use tributary_billing::{Desk, cards, due};
use tributary_domain::id::AccountId;
use tributary_domain::lineage::Lineage;
use tributary_processor::faults::{Fault, Wrong};
use tributary_runtime::payments::stripe::Credentials;
use tributary_store::accounts::Authority;
use tributary_store::error::Denied;

use crate::support::api::{Answer, Inside};
use crate::support::events::tell;
use crate::support::world::{Node, World, every_row};

const TOPUP: &str = "/reseller/credits/auto-topup";

fn anyone(_: &AccountId, _: &Lineage) -> Result<(), Denied> {
    Ok(())
}

/// A reseller with 1,000 that takes cards, and a customer of it with 20 that tops itself up with its card below 10.
struct Purse {
    w: World,
    buyer: Node,
}

impl Purse {
    async fn new(card: Option<&str>) -> Self {
        let w = World::in_process().await;
        w.fund(&w.master.id, "1000").await;
        let id = w.funded_child_of(&w.master.id, "20").await;
        let p = Self { buyer: Node { api: w.key_for(&id, "owner").await, id }, w };
        let (app, seller) = (&p.inside().app, p.w.master.id.parse::<AccountId>().expect("an id"));
        let credentials = Credentials { api_key: "sk_test_master".to_owned(), webhook_secret: "whsec_master".to_owned() };
        let processor = seal(app, &seller, &credentials, None).expect("sealed");
        let act = p.desk().act();
        let set = app.store().set_seller(&seller, None, Authority { home: &seller, may: &anyone }, &act, |old| {
            let mut new = old.clone();
            new.processor = Some(processor.clone());
            Ok(new)
        });
        set.await.expect("it is set");
        if let Some(card) = card {
            p.card(card).await;
        }
        p.buyer.api.put(TOPUP, json!({ "threshold": "10", "amount": "25", "source": "card", "daily_cap": "60" })).send().await.is(200);
        tell(p.inside()).await;
        p
    }

    fn inside(&self) -> &Inside {
        self.w.target.inside("cards").expect("in this process")
    }

    fn desk(&self) -> Desk {
        let app = &self.inside().app;
        Desk::of(app, app.run_id(""))
    }

    async fn card(&self, name: &str) {
        let (desk, account) = (self.desk(), self.buyer.id.parse().expect("an id"));
        let (counter, customer) = cards::customer(&desk, &account).await.expect("a customer");
        let key = self.w.unique("card");
        let card = counter.processor.attach_payment_method(name, &customer.customer, &key).await.expect("attached");
        cards::set_default(&desk, &account, &card.id).await.expect("the default");
    }

    async fn spend(&self, amount: &str) {
        let hold = json!({ "account_id": self.buyer.id, "amount": amount });
        let hold = self.w.operator().pay("/reseller/credits/holds", hold).send().await.is(201).id();
        self.w.operator().pay(&format!("/reseller/credits/holds/{hold}/capture"), json!({})).send().await.is(200);
    }

    async fn available(&self) -> String {
        self.w.available(&self.buyer.id).await
    }

    async fn state(&self) -> Answer {
        self.buyer.api.get(TOPUP).send().await.is(200)
    }

    async fn outcomes(&self) -> Vec<String> {
        let runs = every_row(&self.buyer.api, &format!("{TOPUP}/runs"), 2).await;
        runs.iter().rev().map(|run| run["outcome"].as_str().expect("a word").to_owned()).collect()
    }

    /// Moves the clock and runs what schedules run.
    async fn later(&self, seconds: i64) -> Value {
        assert!(self.w.target.advance_s(seconds, "the clock"));
        let (app, desk) = (&self.inside().app, self.desk());
        let until = app.now().checked_add(jiff::SignedDuration::from_secs(60)).expect("in range");
        due::run(&desk, until).await.expect("a run");
        let summary = tributary_watcher::handle(app, json!({}), &app.run_id("")).await.expect("a run");
        tell(self.inside()).await;
        summary
    }
}

#[tokio::test]
async fn a_fall_below_the_threshold_charges_the_card_once_and_brings_the_credit() {
    let p = Purse::new(Some("pm_card_visa")).await;
    assert_eq!((p.state().await["source"].as_str(), p.state().await.word("amount")), (Some("card"), "25.000000"));
    p.spend("15").await;
    tell(p.inside()).await;
    assert_eq!((p.available().await.as_str(), p.w.available(&p.w.master.id).await.as_str()), ("30.000000", "975.000000"));
    assert_eq!(p.outcomes().await, ["done"]);
    p.later(600).await;
    assert_eq!((p.available().await.as_str(), p.state().await.word("drawn_today")), ("30.000000", "25.000000"));
    // The caps hold: sixty a day are two of twenty-five.
    for _ in 0..2 {
        p.spend("25").await;
        tell(p.inside()).await;
    }
    assert_eq!(
        (p.available().await.as_str(), p.outcomes().await),
        ("5.000000", vec!["done".to_owned(), "done".to_owned(), "capped".to_owned()])
    );
    assert_eq!((p.state().await.word("status"), p.state().await.word("reason")), ("capped", "daily_cap"));
}

#[tokio::test]
async fn a_decline_pauses_it_as_other_failures_do_and_nothing_of_it_counts() {
    let p = Purse::new(Some("pm_card_visa")).await;
    p.card("pm_card_scripted_doNotHonor").await;
    p.spend("15").await;
    let told = tell(p.inside()).await;
    for kind in ["payment.failed", "auto_topup.failed"] {
        assert!(told.iter().any(|event| event.kind.word() == kind), "{kind} of {told:?}");
    }
    let state = p.state().await;
    assert_eq!((state.word("status"), state.word("reason"), state.word("drawn_today")), ("waiting", "card_declined", "0.000000"));
    p.card("pm_card_visa").await;
    p.later(4 * 60).await;
    assert_eq!(p.outcomes().await, ["failed"], "not before its time");
    p.later(2 * 60).await;
    assert_eq!((p.available().await.as_str(), p.outcomes().await), ("30.000000", vec!["failed".to_owned(), "done".to_owned()]));
}

#[tokio::test]
async fn without_a_card_it_says_so() {
    let p = Purse::new(None).await;
    p.spend("15").await;
    tell(p.inside()).await;
    assert_eq!((p.state().await.word("reason"), p.available().await.as_str()), ("no_card", "5.000000"));
    let body = |more: Value| {
        let mut body = json!({ "threshold": "10", "source": "card" });
        crate::support::world::merge(&mut body, more);
        p.buyer.api.put(TOPUP, body)
    };
    for (more, pointer) in [
        (json!({}), "/amount"),
        (json!({ "amount": "1.001" }), "/amount"),
        (json!({ "amount": "1", "target": "20" }), "/target"),
        (json!({ "target": "9" }), "/target"),
    ] {
        let refused = body(more.clone()).send().await.refused(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{more}");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_out_and_nobody_is_charged_twice() {
    let p = Purse::new(Some("pm_card_visa")).await;
    p.inside().processor.fault(Fault { times: 9, ..Fault::of(Wrong::LoseAnswer, "POST", "/v1/payment_intents") });
    p.spend("15").await;
    tell(p.inside()).await;
    assert_eq!(
        (p.available().await.as_str(), p.state().await.word("drawn_today")),
        ("5.000000", "25.000000"),
        "it counts until it is known"
    );
    p.buyer.api.put(TOPUP, json!({ "threshold": "12", "amount": "50", "source": "card" })).send().await.is(200);
    tell(p.inside()).await;
    for _ in 0..4 {
        p.later(600).await;
    }
    assert_eq!((p.available().await.as_str(), p.outcomes().await), ("30.000000", vec!["done".to_owned()]));
    assert_eq!(p.state().await.word("status"), "ready");
}
