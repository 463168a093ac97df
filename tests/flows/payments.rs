//! How customers and resellers pay, correct and dispute invoices, with the scripted payment processor behind the API.

use serde_json::{Value, json};
use tributary_processor::hooks::{Deliver, Order};

use crate::billing_run::work;
use crate::support::api::{Answer, Api, Inside};
use crate::support::events::tell;
use crate::support::invoices::invoice;
use crate::support::world::{Node, World, column, every_row};

const PROCESSOR: &str = "/reseller/billing/processor";
const CARDS: &str = "/reseller/payment-methods";
const INVOICES: &str = "/reseller/invoices";
const PAYMENTS: &str = "/reseller/payments";
const DISPUTES: &str = "/reseller/disputes";
const RUNS: &str = "/reseller/billing/runs";
const KEY: &str = "sk_test_shop";
const SECRET: &str = "whsec_scripted";
const LINE: &str = "usage:2026-10:sms";

/// A reseller that takes cards, its customer with a bill of 61.72, and the customer's owner.
struct Shop {
    w: World,
    shop: Node,
    child: String,
    own: Api,
    invoice: String,
}

impl Shop {
    async fn new() -> Self {
        let w = World::in_process().await;
        let shop = w.reseller_of(&w.master.id).await;
        let child = w.child_of(&shop.id).await;
        let own = w.key_for(&child, "owner").await;
        shop.api
            .put(PROCESSOR, json!({ "api_key": KEY, "webhook_secret": SECRET, "publishable_key": "pk_test_shop" }))
            .send()
            .await
            .is(200);
        let invoice = invoice(&w.target.inside("payments").expect("in this process").app, &child, "2026-10", false).await;
        Self { w, shop, child, own, invoice }
    }

    fn inside(&self) -> &Inside {
        self.w.target.inside("payments").expect("in this process")
    }

    fn hook(&self) -> String {
        format!("/billing/processor/{}", self.shop.id)
    }

    fn invoice(&self, what: &str) -> String {
        format!("{INVOICES}/{}{what}", self.invoice)
    }

    /// What happens at the processor comes as webhooks; what each was answered.
    async fn hooks(&self, how: &Deliver) -> Vec<Answer> {
        let mut answers = Vec::new();
        for event in self.inside().processor.deliveries(KEY, how) {
            let ask = self.w.target.nobody.post(&self.hook(), Value::Null).raw(event.body.as_bytes());
            answers.push(ask.header("stripe-signature", event.signature.as_bytes()).send().await);
        }
        answers
    }

    /// Adds a card on the processor's page and has the platform told: its name.
    async fn card(&self, card: &str) -> String {
        let pages = json!({ "success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cards" });
        let page = self.own.post(&format!("{CARDS}/setup"), pages).send().await.is(200);
        assert!(!page.word("url").is_empty());
        let session = self.inside().processor.objects(KEY, "checkout.session")[0]["id"].as_str().expect("an id").to_owned();
        self.inside().processor.add_on_page(&session, card).expect("added");
        for answer in self.hooks(&Deliver::default()).await {
            answer.is(200);
        }
        let cards = self.own.get(CARDS).send().await.is(200);
        cards["data"][0]["id"].as_str().expect("a card").to_owned()
    }

    async fn pay(&self, with: &str) -> Answer {
        self.own.pay(&self.invoice("/pay"), json!({ "with": with })).send().await
    }

    async fn stands(&self) -> (String, String) {
        let invoice = self.own.get(&self.invoice("")).send().await.is(200);
        (invoice.word("state").to_owned(), invoice.word("due").to_owned())
    }

    /// The processor's name for its newest payment.
    fn at_processor(&self) -> String {
        self.inside().processor.objects(KEY, "payment_intent")[0]["id"].as_str().expect("an id").to_owned()
    }
}

fn stand(state: &str, due: &str) -> (String, String) {
    (state.to_owned(), due.to_owned())
}

#[tokio::test]
async fn a_card_is_added_on_a_page_and_pays_an_invoice_once() {
    let s = Shop::new().await;
    s.pay("card").await.refused(409, "conflict");
    let card = s.card("pm_card_visa").await;
    let cards = s.own.get(CARDS).send().await.is(200);
    assert_eq!((cards["data"][0]["is_default"].as_bool(), cards["data"][0]["last4"].as_str()), (Some(true), Some("4242")));
    let paid = s.own.post(&s.invoice("/pay"), json!({ "with": "card" })).idem("pay-1").send().await.is(201);
    assert_eq!((paid.word("state"), paid.word("by"), paid.word("amount")), ("succeeded", "card", "61.720000"));
    assert_eq!(paid.word("payment_method"), card);
    let again = s.own.post(&s.invoice("/pay"), json!({ "with": "card" })).idem("pay-1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), again.id()), ("true", paid.id()));
    s.own.post(&s.invoice("/pay"), json!({ "with": "credit" })).idem("pay-1").send().await.refused(422, "idempotency_key_reused");
    s.pay("card").await.refused(409, "conflict");
    assert_eq!(s.stands().await, stand("paid", "0.000000"));
    for answer in s.hooks(&Deliver { again: true, copies: 2, order: Order::Reversed, ..Deliver::default() }).await {
        answer.is(200);
    }
    let payments = every_row(&s.own, PAYMENTS, 1).await;
    assert_eq!(column(&payments, "id"), [paid.id()]);
    assert_eq!(column(&every_row(&s.shop.api, &format!("{PAYMENTS}?invoice_id={}", s.invoice), 1).await, "state"), ["succeeded"]);
    assert_eq!(every_row(&s.shop.api, &format!("{PAYMENTS}?account_id={}&state=declined", s.child), 50).await.len(), 0);
    let told: Vec<String> = tell(s.inside()).await.iter().map(|event| event.kind.word()).collect();
    assert_eq!(told.iter().filter(|kind| *kind == "invoice.paid").count(), 1);
    s.own.delete(&format!("{CARDS}/{card}")).send().await.is(200);
    assert_eq!(s.own.get(CARDS).send().await.is(200)["data"], json!([]));
    s.own.delete(&format!("{CARDS}/{card}")).send().await.refused(404, "not_found");
    // However often the processor tells it, it is told once, at its time.
    for answer in s.hooks(&Deliver { again: true, copies: 2, ..Deliver::default() }).await {
        answer.is(200);
    }
    let from = s.w.target.time_in_s(-86_400);
    let audit = format!("/reseller/insights/audit?account_id={}&kind=payment_method.*&from={from}", s.child);
    assert_eq!(column(&every_row(&s.shop.api, &audit, 50).await, "kind"), ["payment_method.removed", "payment_method.added"]);
}

#[tokio::test]
async fn a_card_is_declined_seven_ways_and_another_one_pays() {
    let s = Shop::new().await;
    let declining = [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_scripted_doNotHonor", "do_not_honor"),
        ("pm_card_chargeDeclinedProcessingError", "processing"),
        ("pm_card_visa_chargeDeclined", "other"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_or_stolen"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect"),
    ];
    for (at, (name, kind)) in declining.into_iter().enumerate() {
        let card = s.card(name).await;
        s.own.put(&format!("{CARDS}/default"), json!({ "payment_method": card })).send().await.is(200);
        let declined = s.pay("card").await.is(201);
        assert_eq!((declined.word("state"), declined.word("decline")), ("declined", kind), "{name}");
        assert_eq!(declined["attempt"], json!(at + 1), "{name}");
        assert_eq!(s.stands().await, stand("finalized", "61.720000"), "{name}");
    }
    let card = s.card("pm_card_visa").await;
    s.own.put(&format!("{CARDS}/default"), json!({ "payment_method": card })).send().await.is(200);
    assert_eq!(s.pay("card").await.is(201).word("state"), "succeeded");
    assert_eq!(s.stands().await, stand("paid", "0.000000"));
    assert_eq!(every_row(&s.own, &format!("{PAYMENTS}?state=declined"), 3).await.len(), 7);
}

#[tokio::test]
async fn a_payment_that_its_holder_must_confirm_shows_where() {
    let s = Shop::new().await;
    s.card("pm_card_authenticationRequired").await;
    let waits = s.pay("card").await.is(202);
    assert_eq!(waits.word("state"), "action_required");
    assert!(waits.word("action_url").starts_with("http"), "{}", waits.text);
    s.pay("card").await.refused(409, "conflict");
    s.shop
        .api
        .pay(&s.invoice("/payments"), json!({ "amount": "1", "method": "cash", "reference": "7" }))
        .send()
        .await
        .refused(409, "conflict");
    s.inside().processor.authenticate(&s.at_processor(), true).expect("it waits");
    for answer in s.hooks(&Deliver { order: Order::Reversed, ..Deliver::default() }).await {
        answer.is(200);
    }
    let paid = s.own.get(&format!("{PAYMENTS}/{}", waits.id())).send().await.is(200);
    assert_eq!((paid.word("state"), &paid["action_url"]), ("succeeded", &Value::Null));
    assert_eq!(s.stands().await, stand("paid", "0.000000"));
}

#[tokio::test]
async fn webhooks_that_are_forged_stale_or_nobodys_are_refused_and_change_nothing() {
    let s = Shop::new().await;
    s.card("pm_card_visa").await;
    s.pay("card").await.is(201);
    let before = s.inside().memory.snapshot();
    for how in [Deliver { forged: true, ..Deliver::default() }, Deliver { signed_in_s: -600, again: true, ..Deliver::default() }] {
        let answers = s.hooks(&how).await;
        assert!(!answers.is_empty());
        for answer in answers {
            answer.refused(400, "validation_failed");
        }
    }
    let body = json!({ "id": "evt_1" });
    let nobody = &s.w.target.nobody;
    assert_eq!(
        nobody.post(&s.hook(), body.clone()).send().await.refused(400, "validation_failed")["errors"][0]["pointer"],
        "/header/stripe-signature"
    );
    nobody.post(&s.hook(), body.clone()).header("content-type", b"text/plain").send().await.refused(415, "unsupported_media_type");
    nobody.post(&format!("/billing/processor/{}", s.w.master.id), body.clone()).send().await.refused(404, "not_found");
    nobody.post(&format!("/billing/processor/{}", s.child), body.clone()).send().await.refused(404, "not_found");
    nobody.post("/billing/processor/acc_x", body).send().await.refused(404, "not_found");
    assert_eq!(s.inside().memory.snapshot(), before);
}

#[tokio::test]
async fn a_payment_goes_back_to_its_card_as_a_credit_note() {
    let s = Shop::new().await;
    s.card("pm_card_visa").await;
    let paid = s.pay("card").await.is(201).id();
    let refund = format!("{PAYMENTS}/{paid}/refund");
    s.own.pay(&refund, json!({ "reason": "Outage" })).send().await.refused(403, "forbidden");
    let api = &s.shop.api;
    let note = api.pay(&refund, json!({ "amount": "10", "reason": "Outage" })).send().await.is(201);
    assert_eq!((note.word("given_as"), note.word("total"), note.word("given_back")), ("card", "10.000000", "10.000000"));
    assert_eq!((note.word("payment_id"), note.word("number")), (paid.as_str(), "INV-CN-000001"));
    let over = api.pay(&refund, json!({ "amount": "51.73", "reason": "Outage" })).send().await.refused(422, "amount_exceeded");
    assert_eq!(over.word("left"), "51.720000");
    let rest = api.pay(&refund, json!({ "reason": "Outage" })).send().await.is(201);
    assert_eq!(rest.word("total"), "51.720000");
    let after = s.own.get(&format!("{PAYMENTS}/{paid}")).send().await.is(200);
    assert_eq!((after.word("refunded"), after["refunds"].as_array().map(Vec::len)), ("61.720000", Some(2)));
    assert_eq!(
        (after["refunds"][0]["state"].as_str(), after["refunds"][1]["credit_note_id"].as_str()),
        (Some("succeeded"), Some(rest.id().as_str()))
    );
    api.pay(&refund, json!({ "reason": "Outage" })).send().await.refused(422, "amount_exceeded");
    let refunded: i64 = s.inside().processor.objects(KEY, "refund").iter().filter_map(|refund| refund["amount"].as_i64()).sum();
    assert_eq!(refunded, 6_172);
    let notes = format!("/reseller/credit-notes?invoice_id={}", s.invoice);
    assert_eq!(column(&every_row(&s.own, &notes, 1).await, "id"), [rest.id(), note.id()]);
    assert_eq!(every_row(api, "/reseller/credit-notes?side=sold", 50).await.len(), 2);
    assert_eq!(s.own.get(&format!("/reseller/credit-notes/{}", note.id())).send().await.is(200).json, note.json);
}

#[tokio::test]
async fn an_invoice_is_paid_from_credit_then_outside_and_never_over() {
    let s = Shop::new().await;
    s.pay("credit").await.refused(409, "conflict");
    s.w.fund(&s.child, "20.50").await;
    let paid = s.pay("credit").await.is(201);
    assert_eq!((paid.word("by"), paid.word("amount"), &paid["payment_method"]), ("credit", "20.500000", &Value::Null));
    let outside = |amount: &str| json!({ "amount": amount, "method": "bank_transfer", "reference": "Statement 7", "paid_at": "2026-11-01T12:00:00Z" });
    let path = s.invoice("/payments");
    s.own.pay(&path, outside("1")).send().await.refused(403, "forbidden");
    let over = s.shop.api.pay(&path, outside("41.23")).send().await.refused(422, "amount_exceeded");
    assert_eq!(over.word("left"), "41.220000");
    let received = s.shop.api.post(&path, outside("41.22")).idem("r-1").send().await.is(201);
    assert_eq!((received.word("by"), received["received"]["method"].as_str()), ("outside", Some("bank_transfer")));
    assert_eq!(received["received"]["paid_at"], "2026-11-01T12:00:00.000Z");
    let again = s.shop.api.post(&path, outside("41.22")).idem("r-1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), again.id()), ("true", received.id()));
    assert_eq!(s.stands().await, stand("paid", "0.000000"));
    s.shop.api.pay(&format!("{PAYMENTS}/{}/refund", received.id()), json!({ "reason": "x" })).send().await.refused(409, "conflict");
    assert_eq!(s.w.available(&s.child).await, "0.000000");
}

#[tokio::test]
async fn a_dispute_is_accepted_and_its_share_passed_up() {
    let s = Shop::new().await;
    let app = s.inside().app.clone();
    let above = invoice(&app, &s.shop.id, "2026-10", false).await;
    let body = json!({ "invoice_id": s.invoice, "lines": [{ "line": LINE, "amount": "20" }], "reason": "wrong_quantity", "words": "We sent half of these.", "links": ["https://shop.example/log"] });
    let opened = s.own.pay(DISPUTES, body.clone()).send().await.is(201);
    assert_eq!(
        (opened.word("state"), opened.word("amount"), opened["messages"][0]["from"].as_str()),
        ("opened", "20.000000", Some("buyer"))
    );
    assert_eq!(s.own.get(&s.invoice("")).send().await.is(200).word("disputed"), "20.000000");
    let path = format!("{DISPUTES}/{}", opened.id());
    let at = |what: &str| format!("{path}/{what}");
    s.own.post(&at("take-up"), json!({})).send().await.refused(403, "forbidden");
    let taken = s.shop.api.post(&at("take-up"), json!({})).if_match(opened.header("etag")).send().await.is(200);
    assert_eq!(taken.word("state"), "under_review");
    let words = json!({ "words": "Let us look." });
    s.shop.api.post(&at("messages"), words.clone()).if_match(opened.header("etag")).send().await.refused(412, "precondition_failed");
    let said = s.shop.api.post(&at("messages"), words).if_match(taken.header("etag")).send().await.is(200);
    assert_eq!(column(said["messages"].as_array().expect("messages"), "from"), ["buyer", "seller"]);
    s.own.pay(&at("resolve"), json!({ "outcome": "accept", "reason": "Yes" })).send().await.refused(403, "forbidden");
    let some = json!({ "outcome": "accept_part", "lines": [{ "line": LINE, "amount": "10" }], "reason": "Half of it", "pass_up": true });
    let ended = s.shop.api.pay(&at("resolve"), some).send().await.is(200);
    assert_eq!((ended.word("state"), ended.word("accepted")), ("partly_accepted", "10.000000"));
    assert_eq!(s.stands().await, stand("finalized", "51.720000"));
    let shown = s.own.get(&path).send().await.is(200);
    assert_eq!(shown["passed_up_as"], Value::Null, "{}", shown.text);
    assert_eq!(shown["credit_note_id"], ended["credit_note_id"]);
    let passed = s.shop.api.get(&format!("{DISPUTES}/{}", ended.word("passed_up_as"))).send().await.is(200);
    assert_eq!((passed.word("state"), passed.word("origin"), passed.word("invoice_id")), ("opened", "passed_up", above.as_str()));
    assert_eq!(passed.word("amount"), "6.000000", "it paid three fifths of what it sold for");
    assert_eq!(column(&every_row(&s.w.master.api, &format!("{DISPUTES}?side=sold&state=opened"), 50).await, "id"), [passed.id()]);
    s.own.post(&at("withdraw"), json!({})).send().await.refused(409, "conflict");

    // Whoever may resolve further up ends both at once.
    let second = s.own.pay(DISPUTES, body).send().await.is(201).id();
    let all = json!({ "outcome": "accept", "reason": "So it was", "pass_up": true });
    let ended = s.w.master.api.pay(&format!("{DISPUTES}/{second}/resolve"), all).send().await.is(200);
    assert_eq!(ended.word("state"), "accepted");
    let passed = s.shop.api.get(&format!("{DISPUTES}/{}", ended.word("passed_up_as"))).send().await.is(200);
    assert_eq!((passed.word("state"), passed.word("accepted")), ("accepted", "12.000000"));
}

#[tokio::test]
async fn a_dispute_is_withdrawn_by_its_buyer_and_a_banks_by_nobody() {
    let s = Shop::new().await;
    let body = json!({ "invoice_id": s.invoice, "lines": [{ "line": LINE, "amount": "20" }], "reason": "other", "words": "Why?" });
    let opened = s.shop.api.pay(DISPUTES, body).send().await.is(201);
    assert_eq!(opened["messages"][0]["from"], "seller", "for its buyer, on the telephone");
    s.shop.api.post(&format!("{DISPUTES}/{}/withdraw", opened.id()), json!({})).send().await.refused(403, "forbidden");
    let withdrawn = s.own.post(&format!("{DISPUTES}/{}/withdraw", opened.id()), json!({})).send().await.is(200);
    assert_eq!((withdrawn.word("state"), withdrawn.word("accepted")), ("withdrawn", "0.000000"));
    s.card("pm_card_visa").await;
    let paid = s.pay("card").await.is(201);
    s.inside().processor.dispute(&s.at_processor(), None, "fraudulent", false).expect("it is paid");
    for answer in s.hooks(&Deliver { copies: 2, ..Deliver::default() }).await {
        answer.is(200);
    }
    let banks = every_row(&s.own, &format!("{DISPUTES}?state=opened"), 50).await;
    assert_eq!((column(&banks, "origin"), column(&banks, "reason")), (vec!["chargeback".to_owned()], vec!["fraudulent".to_owned()]));
    let path = format!("{DISPUTES}/{}", banks[0]["id"].as_str().expect("an id"));
    s.own.post(&format!("{path}/withdraw"), json!({})).send().await.refused(409, "conflict");
    s.shop.api.pay(&format!("{path}/resolve"), json!({ "outcome": "reject", "reason": "No" })).send().await.refused(409, "conflict");
    let payment = s.own.get(&format!("{PAYMENTS}/{}", paid.id())).send().await.is(200);
    assert_eq!((payment["chargebacks"][0]["state"].as_str(), payment.word("refunded")), (Some("taken"), "61.720000"));
}

#[tokio::test]
async fn an_invoice_is_given_up_once_it_is_past_due() {
    let s = Shop::new().await;
    let path = s.invoice("/write-off");
    s.shop.api.post(&path, json!({})).send().await.refused(409, "conflict");
    assert!(s.w.target.advance_s(30 * 86_400, "time to pay"));
    let desk = tributary_billing::Desk::of(&s.inside().app, s.inside().app.run_id(""));
    tributary_billing::collect::collect(&desk, &s.invoice.parse().expect("an id")).await.expect("collected");
    assert_eq!(s.stands().await.0, "past_due");
    s.own.post(&path, json!({})).send().await.refused(403, "forbidden");
    let given_up = s.shop.api.post(&path, json!({ "reason": "Insolvent" })).send().await.is(200);
    assert_eq!(given_up.word("state"), "uncollectible");
    s.shop.api.pay(&s.invoice("/payments"), json!({ "amount": "61.72", "method": "cash", "reference": "Late" })).send().await.is(201);
    assert_eq!(s.stands().await, stand("paid", "0.000000"), "late is better than never");
}

#[tokio::test]
async fn loose_credit_is_bought_with_a_card_at_the_sellers_price() {
    let s = Shop::new().await;
    let buy = |credits: &str| json!({ "credits": credits, "pay_with": "card" });
    let path = "/reseller/credits/purchase";
    s.own.pay(path, buy("200")).send().await.refused(422, "package_unavailable");
    let bands = json!({ "bands": [{ "from": "100", "discount": "5" }] });
    s.shop.api.put("/reseller/pricing/bulk-discounts", bands).send().await.is(200);
    s.own.pay(path, buy("200")).send().await.refused(409, "conflict");
    s.card("pm_card_visa").await;
    s.w.fund(&s.shop.id, "200").await;
    let before = s.w.available(&s.child).await;
    assert_eq!(before, "0.000000");
    let bought = s.own.post(path, buy("200")).idem("b-1").send().await.is(201);
    assert_eq!((bought.word("state"), bought.word("credits"), bought.word("price")), ("succeeded", "200.000000", "190.000000"));
    let again = s.own.post(path, buy("200")).idem("b-1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), again.word("payment_id")), ("true", bought.word("payment_id")));
    s.own.post(path, buy("100")).idem("b-1").send().await.refused(422, "idempotency_key_reused");
    assert_eq!((s.w.available(&s.child).await.as_str(), s.w.available(&s.shop.id).await.as_str()), ("200.000000", "0.000000"));
    // The seller has nothing left: the money goes back.
    let short = s.own.pay(path, buy("100")).send().await.is(201);
    assert_eq!((short.word("state"), &short["transfer_id"]), ("succeeded", &Value::Null));
    let payment = s.own.get(&format!("{PAYMENTS}/{}", short.word("payment_id"))).send().await.is(200);
    assert_eq!((payment.word("refunded"), payment["refunds"][0]["cause"].as_str()), ("95.000000", Some("no_credit")));
    let retry = format!("{PAYMENTS}/{}/retry-refunds", short.word("payment_id"));
    s.own.post(&retry, json!({})).send().await.refused(403, "forbidden");
    let same = s.shop.api.post(&retry, json!({})).send().await.is(200);
    assert_eq!(same["refunds"], payment["refunds"], "none failed");
}

#[tokio::test]
async fn a_package_is_bought_with_a_card_on_the_terms_it_was_charged_on() {
    let s = Shop::new().await;
    let path = "/reseller/credits/purchase";
    let packages = "/reseller/pricing/packages";
    let package = json!({ "name": "Starter", "credits": "100", "bonus": "10", "price": "90", "valid_days": 30, "max_per_account": 3 });
    let package = s.shop.api.post(packages, package).send().await.is(201).id();
    let buy = |quantity: u32| json!({ "package_id": package, "quantity": quantity, "pay_with": "card" });
    s.own.pay(path, buy(1)).send().await.refused(409, "conflict");
    let card = s.card("pm_card_visa").await;
    s.w.fund(&s.shop.id, "250").await;
    let bought = s.own.post(path, buy(2)).idem("p-1").send().await.is(201);
    assert_eq!((bought.word("state"), bought.word("credits"), bought.word("price")), ("succeeded", "220.000000", "180.000000"));
    assert_eq!((bought.word("package_id"), &bought["quantity"]), (package.as_str(), &json!(2)));
    let again = s.own.post(path, buy(2)).idem("p-1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), again.word("payment_id")), ("true", bought.word("payment_id")));
    assert_eq!(s.w.available(&s.child).await, "220.000000");
    let lots = s.own.get("/reseller/credits/lots").send().await.is(200);
    assert_eq!((lots.word("expiring"), lots.word("lasting")), ("220.000000", "0.000000"), "the terms of the package");
    // It was paid for: nothing of it waits for an invoice.
    let waiting = s.own.get("/reseller/billing/charges").send().await.is(200);
    assert_eq!(waiting["data"], json!([]));
    // More than one account may buy is refused before the card is charged; what the seller cannot give sends the money back.
    s.own.pay(path, buy(2)).send().await.refused(422, "limit_reached");
    let short = s.own.pay(path, buy(1)).send().await.is(201);
    assert_eq!((short.word("state"), &short["transfer_id"]), ("succeeded", &Value::Null));
    let payment = s.own.get(&format!("{PAYMENTS}/{}", short.word("payment_id"))).send().await.is(200);
    assert_eq!((payment.word("refunded"), payment.word("package_id")), ("90.000000", package.as_str()));
    // One that asks its payer is given on its terms once he has answered, though the package is retired by then.
    s.w.fund(&s.shop.id, "250").await;
    s.inside().processor.behave(&card, "pm_card_authenticationRequired").expect("a card");
    let asked = s.own.pay(path, buy(1)).send().await.is(202);
    s.shop.api.post(&format!("{packages}/{package}/retire"), json!({})).send().await.is(200);
    let intents = s.inside().processor.objects(KEY, "payment_intent");
    let waits = intents.iter().find(|intent| intent["status"] == "requires_action").expect("it waits");
    s.inside().processor.authenticate(waits["id"].as_str().expect("an id"), true).expect("it waits");
    for answer in s.hooks(&Deliver::default()).await {
        answer.is(200);
    }
    let payment = s.own.get(&format!("{PAYMENTS}/{}", asked.word("payment_id"))).send().await.is(200);
    assert_eq!((payment.word("state"), payment.word("applied")), ("succeeded", "90.000000"));
    assert_eq!(s.w.available(&s.child).await, "330.000000");
    s.own.pay(path, buy(1)).send().await.refused(422, "package_unavailable");
}

#[tokio::test]
async fn a_run_says_what_it_would_do_and_then_does_it() {
    let s = Shop::new().await;
    let api = &s.shop.api;
    let charge = json!({ "account_id": s.child, "amount": "40", "text": "Setup" });
    api.pay("/reseller/billing/charges", charge).send().await.is(201);
    let queue = s.inside().outside.billing.clone();
    let ask = async |dry_run: bool| {
        let run = api.pay(RUNS, json!({ "month": "2026-11", "dry_run": dry_run })).send().await.is(202);
        assert!(work(&s.inside().app, &queue).await);
        let path = format!("{RUNS}/{}", run.id());
        (api.get(&path).send().await.is(200), every_row(api, &format!("{path}/rows"), 1).await)
    };
    let (_, rows) = ask(true).await;
    assert_eq!(column(&rows, "state"), ["running"], "the month is not over");
    assert!(s.w.target.advance_s(29 * 86_400, "the month is over"));
    let (dry, rows) = ask(true).await;
    assert_eq!((dry.word("state"), dry["dry_run"].as_bool(), dry["invoices"].as_i64()), ("completed", Some(true), Some(1)));
    assert_eq!((column(&rows, "state"), column(&rows, "difference")), (vec!["made".to_owned()], vec!["40.000000".to_owned()]));
    let list = format!("{INVOICES}?account_id={}", s.child);
    assert_eq!(every_row(api, &list, 50).await.len(), 1, "nothing was made");
    let (real, _) = ask(false).await;
    assert_eq!(real.word("digest"), dry.word("digest"));
    assert_eq!(every_row(api, &list, 50).await.len(), 2);
    let (after, rows) = ask(true).await;
    assert_eq!((column(&rows, "state"), column(&rows, "difference")), (vec!["billed".to_owned()], vec!["0.000000".to_owned()]));
    assert_eq!(after.word("digest"), dry.word("digest"));
    assert_eq!(every_row(api, RUNS, 2).await.len(), 4);
    s.own.get(&format!("{RUNS}/{}", after.id())).send().await.refused(404, "not_found");
    s.own.pay(RUNS, json!({ "month": "2026-10", "dry_run": true })).send().await.refused(422, "parent_is_customer");
}

#[tokio::test]
async fn a_sellers_secrets_are_never_shown_and_stay_with_its_settings() {
    let s = Shop::new().await;
    let api = &s.shop.api;
    let path = "/reseller/billing/settings";
    let seen = api.get(path).send().await.is(200);
    assert_eq!(seen["processor"], json!({ "kind": "stripe", "publishable_key": "pk_test_shop", "webhook_path": s.hook() }));
    for hidden in [KEY, SECRET, "sealed"] {
        assert!(!seen.text.contains(hidden), "{}", seen.text);
    }
    let set = api.put(path, json!({ "terms_days": 7 })).send().await.is(200);
    assert_eq!(set["processor"], seen["processor"]);
    api.delete(PROCESSOR).if_match(seen.header("etag")).send().await.refused(412, "precondition_failed");
    assert_eq!(api.delete(PROCESSOR).if_match(set.header("etag")).send().await.is(200)["processor"], Value::Null);
    assert_eq!(s.own.get(CARDS).send().await.is(200)["data"], json!([]));
    let pages = json!({ "success_url": "https://shop.example/", "cancel_url": "https://shop.example/" });
    s.own.post(&format!("{CARDS}/setup"), pages).send().await.refused(409, "conflict");
}
