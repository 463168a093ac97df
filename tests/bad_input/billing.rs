//! Wrong settings of billing, wrong charges, and invoices of accounts that are foreign, empty or closed.

use serde_json::{Value, json};

use super::{ABSENT, field, refuses_all, row};
use crate::support::invoices::invoice;
use crate::support::world::World;

#[tokio::test]
async fn wrong_settings_of_a_seller_are_refused_by_name() {
    let w = World::in_process().await;
    let (foreign, child) = (w.other_master(json!({})).await.id, w.child_of(&w.master.id).await);
    let shop = w.reseller_of(&w.master.id).await;
    let below = w.child_of(&shop.id).await;
    let put = |body: Value| w.master.api.put("/reseller/billing/settings", body);
    let fee = |more: Value| {
        let mut fee = json!({ "id": "base", "name": "Base", "amount": "1" });
        crate::support::world::merge(&mut fee, more);
        json!({ "fees": [fee] })
    };
    let rate = |percent: Value| json!({ "tax_rates": [{ "id": "vat", "name": "VAT", "percent": percent }] });
    let dunning = |more: Value| json!({ "dunning": more });
    let here = |country: &str| json!({ "address": { "line1": "x", "city": "x", "country": country } });
    let rows = vec![
        field("a prefix in small letters", put(json!({ "number_prefix": "inv" })), "/number_prefix"),
        field("a prefix that ends with -", put(json!({ "number_prefix": "INV-" })), "/number_prefix"),
        field("an empty prefix", put(json!({ "number_prefix": "" })), "/number_prefix"),
        field("terms that are too long", put(json!({ "terms_days": 91 })), "/terms_days"),
        field("terms below zero", put(json!({ "terms_days": -1 })), "/terms_days"),
        field("more than a week of grace", put(json!({ "grace_hours": 169 })), "/grace_hours"),
        field("more than a week of drafts", put(json!({ "draft_hours": 169 })), "/draft_hours"),
        field("a minimum below zero", put(json!({ "minimum": "-1" })), "/minimum"),
        field("a fee of nothing", put(fee(json!({ "amount": "0" }))), "/fees/0/amount"),
        field("a fee below zero", put(fee(json!({ "amount": "-1" }))), "/fees/0/amount"),
        field("a fee that is a number", put(fee(json!({ "amount": 1 }))), "/fees/0/amount"),
        field("a fee that is too large", put(fee(json!({ "amount": "1000000000001" }))), "/fees/0/amount"),
        field("a fee with a wrong key", put(fee(json!({ "id": "Base" }))), "/fees/0/id"),
        field("a fee a week", put(fee(json!({ "per": "week" }))), "/fees/0/per"),
        field("a fee of one and of many", put(fee(json!({ "account_id": child, "tag": { "name": "x" } }))), "/fees/0/tag"),
        field(
            "a fee twice",
            put(json!({ "fees": [{ "id": "a", "name": "A", "amount": "1" }, { "id": "a", "name": "B", "amount": "1" }] })),
            "/fees/1/id",
        ),
        row("a fee of a foreign account", put(fee(json!({ "account_id": foreign }))), 404, "not_found"),
        row("a fee of an absent account", put(fee(json!({ "account_id": ABSENT }))), 404, "not_found"),
        row("a fee of somebody else's customer", put(fee(json!({ "account_id": below }))), 422, "not_a_buyer").at("/fees/0/account_id"),
        row("a fee of itself", put(fee(json!({ "account_id": w.master.id }))), 422, "not_a_buyer").at("/fees/0/account_id"),
        field("a tax above all", put(rate(json!("100.1"))), "/tax_rates/0/percent"),
        field("a tax below zero", put(rate(json!("-1"))), "/tax_rates/0/percent"),
        field("a tax that is a number", put(rate(json!(20))), "/tax_rates/0/percent"),
        field("a tax that is too precise", put(rate(json!("1.00001"))), "/tax_rates/0/percent"),
        field("a country in small letters", put(here("at")), "/address/country"),
        field("no such country", put(here("AUT")), "/address/country"),
        field("no town", put(json!({ "address": { "line1": "x", "country": "AT" } })), "/address/city"),
        field("days that do not rise", put(dunning(json!({ "retry_days": [3, 3] }))), "/dunning/retry_days/1"),
        field("a day of next year", put(dunning(json!({ "remind_days": [366] }))), "/dunning/remind_days/0"),
        field("no suspension after none", put(dunning(json!({ "suspend_after_days": 0 }))), "/dunning/suspend_after_days"),
        field(
            "given up before it is suspended",
            put(dunning(json!({ "suspend_after_days": 9, "uncollectible_after_days": 8 }))),
            "/dunning/uncollectible_after_days",
        ),
        field("no such collection", put(json!({ "collection": "both" })), "/collection"),
        row("a processor's secret", put(json!({ "processor": { "kind": "stripe" } })), 400, "unknown_field").at("/processor"),
        row("a foreign account", put(json!({ "account_id": foreign })), 404, "not_found"),
        row("an unknown field of a fee", put(fee(json!({ "every": "day" }))), 400, "unknown_field").at("/fees/0/every"),
    ];
    refuses_all(&w, rows).await;
}

#[tokio::test]
async fn wrong_profiles_and_charges_are_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await.id;
    let (child, closed) = (w.child_of(&w.master.id).await, w.child_of(&w.master.id).await);
    w.operator().pay(&format!("/reseller/accounts/{closed}/close"), json!({})).send().await.is(200);
    let api = &w.master.api;
    let put = |name: &str, value: Value| api.put("/reseller/billing/profile", json!({ "account_id": child, name: value }));
    let charge = |account: &str, amount: Value| {
        api.pay("/reseller/billing/charges", json!({ "account_id": account, "amount": amount, "text": "Setup" }))
    };
    let rows = vec![
        field("day 32", put("anchor_day", json!(32)), "/anchor_day"),
        field("day 0", put("anchor_day", json!(0)), "/anchor_day"),
        field("a day in words", put("anchor_day", json!("1")), "/anchor_day"),
        field("no such zone", put("time_zone", json!("Europe/Atlantis")), "/time_zone"),
        field("terms that are too long", put("terms_days", json!(91)), "/terms_days"),
        field("a minimum below zero", put("minimum", json!("-0.01")), "/minimum"),
        field("a fee of nothing", put("fees", json!([{ "id": "a", "name": "A", "amount": "0" }])), "/fees/0/amount"),
        row("a fee of another", put("fees", json!([{ "id": "a", "name": "A", "amount": "1", "account_id": child }])), 400, "unknown_field")
            .at("/fees/0/account_id"),
        field("a tax above all", put("tax_rates", json!([{ "id": "a", "name": "A", "percent": "101" }])), "/tax_rates/0/percent"),
        field("an empty order number", put("po_number", json!("")), "/po_number"),
        field("a charge of nothing", charge(&child, json!("0")), "/amount"),
        field("a charge that is a number", charge(&child, json!(1)), "/amount"),
        field("a charge in parts of a coin", charge(&child, json!("1.001")), "/amount"),
        field("a charge that is too large", charge(&child, json!("1000000000000.01")), "/amount"),
        row("a charge of a foreign account", charge(&foreign, json!("1")), 404, "not_found"),
        row("a charge of a closed account", charge(&closed, json!("1")), 409, "account_closed"),
        row("a charge of itself", charge(&w.master.id, json!("1")), 403, "forbidden"),
        row(
            "a profile of a closed account",
            api.put("/reseller/billing/profile", json!({ "account_id": closed, "terms_days": 1 })),
            409,
            "account_closed",
        ),
        field("a charge of nobody", api.delete("/reseller/billing/charges/chg_01hx3v9k2mfd8bq5r7w1z4n6ty"), "/query/account_id"),
    ];
    refuses_all(&w, rows).await;
}

#[tokio::test]
async fn invoices_that_cannot_be_are_refused() {
    let w = World::in_process().await;
    let app = &w.target.inside("invoices").expect("in this process").app;
    let foreign = w.other_master(json!({})).await.id;
    let child = w.child_of(&w.master.id).await;
    let (paid, void) = (invoice(app, &child, "2026-10", false).await, invoice(app, &child, "2026-09", false).await);
    let act = tributary_store::events::Act {
        event: tributary_domain::id::EventId::from_uuid(app.uuid()),
        actor: "key_01hx3v9k2mfd8bq5r7w1z4n6ty".parse().expect("an id"),
        request: app.run_id(""),
        now: app.now(),
    };
    let id = paid.parse().expect("an id");
    let settled = app.store().change_invoice(&id, &act, |invoice| {
        let due = invoice.due().expect("in range");
        invoice.pay(due).expect("it is due");
        Ok((None, None))
    });
    settled.await.expect("paid");
    let api = &w.master.api;
    let at = |id: &str, what: &str| format!("/reseller/invoices/{id}{what}");
    api.post(&at(&void, "/void"), json!({})).send().await.is(200);
    api.post(&at(&void, "/void"), json!({})).send().await.is(200);
    let get = |path: String| api.get(&path);
    let rows = vec![
        row("to void a paid one", api.post(&at(&paid, "/void"), json!({})), 409, "conflict"),
        row("to issue a paid one", api.post(&at(&paid, "/finalize"), json!({})), 409, "conflict"),
        row("to issue a void one", api.post(&at(&void, "/finalize"), json!({})), 409, "conflict"),
        row("an absent one", get(at("inv_01hx3v9k2mfd8bq5r7w1z4n6ty", "")), 404, "not_found"),
        row("a malformed one", get(at("inv_x", "")), 404, "not_found"),
        row("the PDF of an absent one", get(at("inv_01hx3v9k2mfd8bq5r7w1z4n6ty", "/pdf")), 404, "not_found"),
        row("those of a foreign account", get(format!("/reseller/invoices?account_id={foreign}")), 404, "not_found"),
        row("a foreign account's preview", get(format!("/reseller/invoices/preview?account_id={foreign}")), 404, "not_found"),
        field("no such side", get("/reseller/invoices?side=both".to_owned()), "/query/side"),
        field("no such state", get("/reseller/invoices?state=open".to_owned()), "/query/state"),
        field(
            "times that do not rise",
            get("/reseller/invoices?from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z".to_owned()),
            "/query/to",
        ),
        field("a reason of nothing", api.post(&at(&paid, "/void"), json!({ "reason": " " })), "/reason"),
        row("a reason to issue", api.post(&at(&paid, "/finalize"), json!({ "reason": "x" })), 400, "unknown_field").at("/reason"),
    ];
    refuses_all(&w, rows).await;
}

#[tokio::test]
async fn payments_credit_notes_and_disputes_that_cannot_be_are_refused() {
    let w = World::in_process().await;
    let app = &w.target.inside("payments").expect("in this process").app;
    let foreign = w.other_master(json!({})).await;
    let child = w.child_of(&w.master.id).await;
    let theirs = invoice(app, &w.child_of(&foreign.id).await, "2026-10", false).await;
    let (open, void, draft) = (
        invoice(app, &child, "2026-10", false).await,
        invoice(app, &child, "2026-09", false).await,
        invoice(app, &child, "2026-08", true).await,
    );
    let api = &w.master.api;
    let at = |id: &str, what: &str| format!("/reseller/invoices/{id}/{what}");
    api.post(&at(&void, "void"), json!({})).send().await.is(200);
    let pay = |id: &str| api.pay(&at(id, "pay"), json!({ "with": "credit" }));
    let received = |id: &str, amount: &str, more: Value| {
        let mut body = json!({ "amount": amount, "method": "cash", "reference": "7" });
        crate::support::world::merge(&mut body, more);
        api.pay(&at(id, "payments"), body)
    };
    let part = |line: &str, amount: &str| json!({ "line": line, "amount": amount });
    let line = "usage:2026-10:sms";
    let note = |id: &str, lines: Value| api.pay(&at(id, "credit-notes"), json!({ "lines": lines, "reason": "Outage" }));
    let dispute = |id: &str, lines: Value| {
        api.pay("/reseller/disputes", json!({ "invoice_id": id, "lines": lines, "reason": "other", "words": "Why?" }))
    };
    let opened = dispute(&open, json!([part(line, "50")])).send().await.is(201).id();
    let resolve = |more: Value| {
        let mut body = json!({ "outcome": "accept_part", "reason": "So" });
        crate::support::world::merge(&mut body, more);
        api.pay(&format!("/reseller/disputes/{opened}/resolve"), body)
    };
    let many: Vec<String> = (0..11).map(|at| format!("https://x.example/{at}")).collect();
    let say = |link: &str| api.post(&format!("/reseller/disputes/{opened}/messages"), json!({ "words": "So", "links": [link] }));
    let rows = vec![
        row("to pay a void one", pay(&void), 409, "conflict"),
        row("to pay a draft", pay(&draft), 409, "conflict"),
        row("to pay without credit", pay(&open), 409, "conflict"),
        row("to pay a foreign one", pay(&theirs), 404, "not_found"),
        field("to pay with gold", api.pay(&at(&open, "pay"), json!({ "with": "gold" })), "/with"),
        row("to pay without a key", api.post(&at(&open, "pay"), json!({ "with": "card" })), 400, "idempotency_key_missing"),
        row("more than is due", received(&open, "61.73", json!({})), 422, "amount_exceeded"),
        field("less than a coin", received(&open, "0.001", json!({})), "/amount"),
        field("money of tomorrow", received(&open, "1", json!({ "paid_at": "2026-11-03T08:00:00Z" })), "/paid_at"),
        field("in shells", received(&open, "1", json!({ "method": "shells" })), "/method"),
        row("for a void one", received(&void, "1", json!({})), 409, "conflict"),
        row("a currency", received(&open, "1", json!({ "currency": "EUR" })), 400, "unknown_field").at("/currency"),
        field("no lines", note(&open, json!([])), "/lines"),
        field("no such line", note(&open, json!([part("fee:gone", "1")])), "/lines/0/line"),
        field("a line twice", note(&open, json!([part(line, "1"), part(line, "1")])), "/lines/1/line"),
        field("over the line", note(&open, json!([part(line, "11.73")])), "/lines/0/amount"),
        row("a note of a void one", note(&void, json!([part("usage:2026-09:sms", "1")])), 409, "conflict"),
        row("a note of a draft", note(&draft, json!([part("usage:2026-08:sms", "1")])), 409, "conflict"),
        row("a note of a foreign one", note(&theirs, json!([part(line, "1")])), 404, "not_found"),
        field("a dispute over the line", dispute(&open, json!([part(line, "11.73")])), "/lines/0/amount"),
        field("a dispute of no line", dispute(&open, json!([part("x", "1")])), "/lines/0/line"),
        row("a dispute of a void one", dispute(&void, json!([part("usage:2026-09:sms", "1")])), 409, "conflict"),
        row("a dispute of a foreign one", dispute(&theirs, json!([part(line, "1")])), 404, "not_found"),
        row(
            "too many links",
            api.post(&format!("/reseller/disputes/{opened}/messages"), json!({ "words": "So", "links": many })),
            422,
            "limit_reached",
        ),
        field("a link that runs", say("javascript:alert(document.cookie)"), "/links/0"),
        field("a link in capitals that runs", say(" JaVaScRiPt:alert(1)"), "/links/0"),
        field("a link that is a page itself", say("data:text/html,<script>alert(1)</script>"), "/links/0"),
        field("a link to a file", say("file:///etc/passwd"), "/links/0"),
        field("a link with a password", say("https://user:secret@shop.example/"), "/links/0"),
        field("a link to nowhere", say("https://"), "/links/0"),
        field("a word for a link", say("upload-7"), "/links/0"),
        field("a part of nothing", resolve(json!({})), "/lines"),
        field("parts of all", resolve(json!({ "outcome": "accept", "lines": [part(line, "1")] })), "/lines"),
        field("more than is disputed", resolve(json!({ "lines": [part(line, "50.01")] })), "/lines/0/amount"),
        row("a foreign dispute", foreign.api.get(&format!("/reseller/disputes/{opened}")), 404, "not_found"),
        row("an absent payment", api.get("/reseller/payments/pay_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
        row(
            "no such package with a card",
            api.pay("/reseller/credits/purchase", json!({ "package_id": "pkg_01hx3v9k2mfd8bq5r7w1z4n6ty", "pay_with": "card" })),
            404,
            "not_found",
        ),
    ];
    refuses_all(&w, rows).await;
}

#[tokio::test]
async fn wrong_processors_cards_and_runs_are_refused_by_name() {
    let w = World::in_process().await;
    let foreign = w.other_master(json!({})).await.id;
    let child = w.child_of(&w.master.id).await;
    let api = &w.master.api;
    let put = |more: Value| {
        let mut body = json!({ "api_key": "sk_test_1", "webhook_secret": "whsec_1" });
        crate::support::world::merge(&mut body, more);
        api.put("/reseller/billing/processor", body)
    };
    let setup = |url: &str| {
        let body = json!({ "account_id": child, "success_url": url, "cancel_url": "https://shop.example/" });
        api.post("/reseller/payment-methods/setup", body)
    };
    let run = |more: Value| {
        let mut body = json!({ "month": "2026-10", "dry_run": true });
        crate::support::world::merge(&mut body, more);
        api.pay("/reseller/billing/runs", body)
    };
    let rows = vec![
        field("a live key in test mode", put(json!({ "api_key": "sk_live_1" })), "/api_key"),
        field("a live restricted key", put(json!({ "api_key": "rk_live_1" })), "/api_key"),
        field("a publishable key", put(json!({ "api_key": "pk_test_1" })), "/api_key"),
        field("no key", put(json!({ "api_key": "sk_test_" })), "/api_key"),
        field("a key in two lines", put(json!({ "api_key": "sk_test_1\n2" })), "/api_key"),
        field("another secret", put(json!({ "webhook_secret": "1" })), "/webhook_secret"),
        field("a live publishable key", put(json!({ "publishable_key": "pk_live_1" })), "/publishable_key"),
        row("a foreign seller", put(json!({ "account_id": foreign })), 404, "not_found"),
        row("a customer that sells", put(json!({ "account_id": child })), 422, "parent_is_customer"),
        field("a page without TLS", setup("http://shop.example/"), "/success_url"),
        field("a page that is a script", setup("javascript:alert(1)"), "/success_url"),
        row("a seller that takes no cards", setup("https://shop.example/"), 409, "conflict"),
        row("the operator's cards", w.operator().get("/reseller/payment-methods"), 422, "not_a_buyer"),
        row("foreign cards", api.get(&format!("/reseller/payment-methods?account_id={foreign}")), 404, "not_found"),
        field(
            "a card by its number",
            api.put("/reseller/payment-methods/default", json!({ "payment_method": "4242424242424242" })),
            "/payment_method",
        ),
        row("a card that is none", api.delete("/reseller/payment-methods/pm_1?account_id=".to_owned().as_str()), 400, "validation_failed")
            .at("/query/account_id"),
        field("a month to come", run(json!({ "month": "2026-12" })), "/month"),
        field("no month", run(json!({ "month": "2026-13" })), "/month"),
        row("a foreign account's run", run(json!({ "account_id": foreign })), 404, "not_found"),
        row("an absent run", api.get("/reseller/billing/runs/run_01hx3v9k2mfd8bq5r7w1z4n6ty"), 404, "not_found"),
    ];
    refuses_all(&w, rows).await;
}
