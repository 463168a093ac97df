//! Who reaches which route, tried for real and compared with a table that a reviewer reads: `route_roles.txt`.
//! `UPDATE_GOLDEN=1 cargo test -p tributary-tests golden` writes it anew.

use serde_json::{Value, json};
use tributary_api::endpoint::Access;
use tributary_api::{Endpoint, Idempotency};
use tributary_domain::delivery::{Delivery, DeliveryState, Target};
use tributary_domain::id::{AccountId, EventId};
use tributary_domain::rights::{BuiltInRole, Right};
use tributary_store::deliveries::Kept;

use crate::support::api::{Api, Ask, endpoints};
use crate::support::invoices::invoice;
use crate::support::world::World;

/// Compares a text with a golden file, or writes the file when asked to.
pub fn golden(file: &str, text: &str) {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{file} differs; if that is wanted, run again with UPDATE_GOLDEN=1 and review the change");
}

/// A reseller with one of everything that a route can be about.
pub struct Scene {
    /// The reseller.
    pub id: String,
    /// The API with an owner key of it.
    pub owner: Api,
    /// A sub-account with credit.
    pub child: String,
    /// A sub-reseller without credit.
    branch: String,
    key: String,
    member: String,
    role: String,
    transfer: String,
    hold: String,
    package: String,
    /// An event of the sub-account, and a batch that waits.
    event: String,
    batch: String,
    /// A meter of the reseller, with a price.
    meter: String,
    /// A price of another meter, not in force yet.
    card: String,
    /// A promotion with a code.
    promotion: String,
    code: String,
    export: String,
    webhook: String,
    delivery: String,
    /// A bulk job that waits, and one at its end, of which one row is done and one failed.
    job: String,
    ended_job: String,
    alert: String,
    spend: String,
    /// A charge that waits for the child's invoice, an invoice of the child, and a draft.
    charge: String,
    invoice: String,
    draft: String,
    /// An older invoice of another sub-account, past due, with a credit note and a dispute; a dispute of an invoice of the reseller's own.
    old: String,
    note: String,
    dispute: String,
    own_dispute: String,
    /// Its payment by card, and a card of the reseller.
    payment: String,
    method: String,
    /// A run of billing that the reseller asked for.
    run: String,
    /// None that there is: only the operator's keys reach clocks.
    clock: String,
    /// What a mail's link holds.
    token: String,
    /// The reseller's logo. Its host is claimed, and its record is there.
    logo: String,
}

/// What nobody else's portal is called: the end of an account's id.
fn own(id: &str) -> &str {
    &id[id.len() - 12..]
}

/// The host that an account claims.
fn host(id: &str) -> String {
    format!("{}.golden.example", own(id))
}

/// A logo of one pixel.
pub const LOGO: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

/// Claims the host for the reseller, puts its record into DNS, and sets its logo: its digest.
async fn branded(w: &World, api: &Api, id: &str) -> String {
    let at = |what: &str| format!("/reseller/accounts/{id}/brand/{what}");
    let claimed = api.put(&at("host"), json!({ "host": host(id) })).send().await.is(200);
    let text = |member: &str| claimed["host"][member].as_str().expect("a text").to_owned();
    w.target.inside("golden").expect("in this process").outside.dns.set(&text("txt_name"), vec![text("txt_value")]);
    let logo = api.put(&at("logo"), json!({ "image": LOGO })).send().await.is(200);
    logo["own"]["logo_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a logo").to_owned()
}

/// Makes it.
pub async fn scene(w: &World) -> Scene {
    let home = w.reseller_of(&w.master.id).await;
    let api = &home.api.clone();
    w.fund(&home.id, "10").await;
    let make = async |path: &str, body: Value| api.pay(path, body).send().await.is(201).id();
    let at = |what: &str| format!("/reseller/accounts/{}/{what}", home.id);
    let branch = make("/reseller/accounts/create", json!({ "name": "Branch", "kind": "reseller" })).await;
    let child = make("/reseller/accounts/create", json!({ "name": "Child", "initial_credits": "5" })).await;
    let meter = |key: &str| json!({ "key": key, "name": "M", "unit": "x", "aggregation": "sum" });
    let flat = json!({ "type": "flat", "unit_price": "0.05" });
    for key in ["calls", "later"] {
        api.post("/reseller/pricing/meters", meter(key)).send().await.is(201);
    }
    make("/reseller/pricing/rate-cards", json!({ "meter": "calls", "model": flat, "effective_from": w.target.time_in_s(-3600) })).await;
    let now = w.target.time_in_s(0);
    let event = json!({ "id": "e-1", "account_id": child, "meter": "calls", "quantity": "1", "occurred_at": now });
    api.post("/reseller/usage/events", json!({ "events": [event] })).send().await.is(200);
    let hook = json!({ "url": "https://hooks.example.com/", "events": ["*"] });
    let webhook = api.post("/reseller/webhooks", hook).send().await.is(201).id();
    let delivery = delivered(w, &home.id, &webhook).await;
    let bulk = async |rows: Value| api.pay("/reseller/bulk/credits", json!({ "rows": rows })).send().await.is(202).id();
    let ended_job = bulk(json!([{ "account_id": child, "amount": "0.5" }, { "account_id": home.id, "amount": "1" }])).await;
    crate::flows::bulk::work(w).await;
    let promotion = json!({ "name": "P", "ends_at": w.target.time_in_s(86_400), "percent": "10", "code": "spring" });
    let topup = json!({ "account_id": child, "threshold": "0", "amount": "5", "source": "parent" });
    api.put("/reseller/credits/auto-topup", topup).send().await.is(200);
    let app = &w.target.inside("golden").expect("in this process").app;
    // Nobody is suspended while the others look.
    let patient = json!({ "dunning": { "suspend_after_days": null, "uncollectible_after_days": null } });
    api.put("/reseller/billing/settings", patient).send().await.is(200);
    for seller in [api, &w.master.api] {
        let processor = json!({ "api_key": "sk_test_golden", "webhook_secret": "whsec_scripted" });
        seller.put("/reseller/billing/processor", processor).send().await.is(200);
    }
    let payer = make("/reseller/accounts/create", json!({ "name": "Payer" })).await;
    let (method, _) = (carded(w, &home.id).await, carded(w, &payer).await);
    let (old, paid) = (invoice(app, &payer, "2026-07", false).await, invoice(app, &payer, "2026-08", false).await);
    let part = json!([{ "line": "usage:2026-07:sms", "amount": "1" }]);
    let dispute = async |invoice: &str| {
        let body = json!({ "invoice_id": invoice, "lines": part, "reason": "other", "words": "Why?" });
        make("/reseller/disputes", body).await
    };
    let note = make(&format!("/reseller/invoices/{old}/credit-notes"), json!({ "lines": part, "reason": "Outage" })).await;
    Scene {
        note,
        dispute: dispute(&old).await,
        own_dispute: dispute(&invoice(app, &home.id, "2026-07", false).await).await,
        payment: make(&format!("/reseller/invoices/{paid}/pay"), json!({ "with": "card" })).await,
        method,
        run: api.pay("/reseller/billing/runs", json!({ "month": "2026-10", "dry_run": true })).send().await.is(202).id(),
        old,
        charge: make("/reseller/billing/charges", json!({ "account_id": child, "amount": "-2.50", "text": "Goodwill" })).await,
        invoice: invoice(app, &child, "2026-09", false).await,
        draft: invoice(app, &child, "2026-10", true).await,
        alert: make("/reseller/alerts", json!({ "metric": "balance", "threshold": "1" })).await,
        spend: make("/reseller/insights/spend", json!({ "channel": "search", "month": "2026-10", "amount": "120" })).await,
        meter: "calls".to_owned(),
        card: make("/reseller/pricing/rate-cards", json!({ "meter": "later", "model": flat, "effective_from": w.target.time_in_s(3600) }))
            .await,
        promotion: make("/reseller/pricing/promotions", promotion).await,
        code: "spring".to_owned(),
        key: make(&at("keys"), json!({ "name": "K", "role": "viewer" })).await,
        member: make(&at("members"), json!({ "email": "m@x.example", "role": "viewer" })).await,
        role: make(&at("roles"), json!({ "name": "reader", "rights": ["accounts.read"] })).await,
        transfer: make("/reseller/credits/transfer", json!({ "from": child, "to": home.id, "amount": "1" })).await,
        hold: make("/reseller/credits/holds", json!({ "account_id": child, "amount": "1" })).await,
        package: make("/reseller/pricing/packages", json!({ "name": "P", "credits": "1", "price": "1" })).await,
        event: "e-1".to_owned(),
        batch: api.post("/reseller/usage/events/async", json!({ "events": [{}] })).send().await.is(202).id(),
        id: home.id.clone(),
        owner: home.api,
        child: child.clone(),
        branch,
        export: api.post("/reseller/usage/export", export()).send().await.is(202).id(),
        webhook,
        delivery,
        job: bulk(json!([{ "account_id": child, "amount": "0.5" }])).await,
        ended_job,
        clock: "clk_01hx3v9k2mfd8bq5r7w1z4n6ty".to_owned(),
        token: token(w, &home.id),
        // Last, so that the ids above stay what they are.
        logo: branded(w, api, &home.id).await,
    }
}

/// Adds a card to an account at its seller's payment processor.
async fn carded(w: &World, account: &str) -> String {
    let app = &w.target.inside("golden").expect("in this process").app;
    let desk = tributary_billing::Desk::of(app, app.run_id(""));
    let account: AccountId = account.parse().expect("an id");
    let (counter, customer) = tributary_billing::cards::customer(&desk, &account).await.expect("a customer");
    let card =
        counter.processor.attach_payment_method("pm_card_visa", &customer.customer, &format!("card-{account}")).await.expect("attached");
    tributary_billing::cards::set_default(&desk, &account, &card.id).await.expect("the default");
    card.id
}

fn token(w: &World, brand: &str) -> String {
    let app = &w.target.inside("golden").expect("in this process").app;
    app.secrets().seal(format!("{brand} digest").as_bytes(), tributary_notifier::mailing::UNSUBSCRIBE, app.ids()).expect("sealed")
}

/// An event that was sent to an endpoint, and was not taken.
async fn delivered(w: &World, account: &str, webhook: &str) -> String {
    let app = &w.target.inside("golden").expect("in this process").app;
    let account: AccountId = account.parse().expect("an id");
    let delivery = Delivery {
        target: Target::Webhook(webhook.parse().expect("an id")),
        owner: account.clone(),
        event_id: EventId::from_uuid(app.uuid()),
        event_type: "credit.issue".to_owned(),
        account_id: account,
        state: DeliveryState::Pending,
        tries: 0,
        attempts: Vec::new(),
        due: None,
        created_at: app.now(),
        ended_at: None,
    };
    let id = delivery.event_id.to_string();
    let kept = Kept { delivery: delivery.given_up(app.now(), "no answer"), body: "{}".to_owned(), lease: String::new() };
    app.store().open_delivery(kept).await.expect("kept");
    id
}

/// A month of usage as a file.
fn export() -> Value {
    json!({ "format": "csv", "from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z" })
}

/// A request of the operation that succeeds for whoever holds its right.
pub fn valid(s: &Scene, operation: &str) -> Option<Value> {
    let rights = json!({ "rights": ["accounts.read"] });
    let flat = json!({ "type": "flat", "unit_price": "0.04" });
    Some(match operation {
        "create_account" => json!({ "name": "New" }),
        "update_account" => json!({ "name": "Renamed" }),
        "update_brand" | "preview_brand" => json!({ "name": "Corner", "color": "#0a7c3f", "locked": ["color"] }),
        "set_brand_logo" => json!({ "image": LOGO }),
        "set_brand_slug" => json!({ "slug": format!("corner-{}", own(&s.id)) }),
        "claim_brand_host" => json!({ "host": host(&s.id) }),
        "get_brand" | "remove_brand_logo" | "free_brand_slug" | "verify_brand_host" | "detach_brand_host" => Value::Null,
        "move_account" => json!({ "parent_id": s.branch }),
        "create_key" => json!({ "name": "K", "role": "viewer" }),
        "add_member" => json!({ "email": "n@x.example", "role": "viewer" }),
        "update_member" => json!({ "role": "viewer" }),
        "create_role" => json!({ "name": "second", "rights": ["accounts.read"] }),
        "deny_key" | "deny_member" | "update_role" => rights,
        "issue_credits" | "allocate_credits" | "create_hold" => json!({ "account_id": s.child, "amount": "1" }),
        "transfer_credits" => json!({ "from": s.child, "to": s.id, "amount": "1" }),
        "transfer_credits_legs" => json!({ "legs": [{ "from": s.child, "to": s.id, "amount": "1" }] }),
        "record_usage" | "queue_usage" => {
            json!({ "events": [{ "id": "e-2", "account_id": s.child, "meter": s.meter, "quantity": "3", "occurred_at": "2026-11-02T07:59:30Z" }] })
        }
        "void_usage" => json!({ "account_id": s.child }),
        "correct_usage" => json!({ "account_id": s.child, "quantity": "2" }),
        "explain_usage" | "get_usage_batch" => Value::Null,
        "put_auto_topup" => json!({ "account_id": s.child, "threshold": "1", "target": "5", "source": "parent" }),
        "create_alert" => json!({ "metric": "spend", "period": "day", "threshold": "100", "channels": { "emails": ["ops@x.example"] } }),
        "put_alert" => json!({ "metric": "balance", "threshold": "2" }),
        "record_spend" => json!({ "channel": "search", "campaign": "spring", "month": "2026-10", "amount": "80.50" }),
        "get_insights_overview"
        | "list_insights_accounts"
        | "get_insights_accounts_csv"
        | "get_insights_attribution"
        | "get_insights_profitability"
        | "get_insights_churn"
        | "get_insights_acquisition"
        | "list_spend"
        | "remove_spend"
        | "list_audit" => Value::Null,
        "put_billing_settings" => json!({ "number_prefix": "NW", "terms_days": 30 }),
        "put_billing_profile" => json!({ "account_id": s.child, "anchor_day": 15 }),
        "create_charge" => json!({ "account_id": s.child, "amount": "12.50", "text": "Setup" }),
        "finalize_invoice" | "void_invoice" | "write_off_invoice" => json!({}),
        "put_processor" => json!({ "api_key": "sk_test_golden", "webhook_secret": "whsec_scripted" }),
        "set_up_payment_method" => json!({ "success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cards" }),
        "set_default_payment_method" => json!({ "payment_method": s.method }),
        "pay_invoice" => json!({ "with": "credit" }),
        "record_payment" => json!({ "amount": "1", "method": "bank_transfer", "reference": "Statement 7" }),
        "refund_payment" => json!({ "amount": "1", "reason": "Outage" }),
        "create_credit_note" => json!({ "lines": [{ "line": "usage:2026-09:sms", "amount": "1" }], "reason": "Outage" }),
        "open_dispute" => json!({
            "invoice_id": s.invoice, "lines": [{ "line": "usage:2026-09:sms", "amount": "1" }], "reason": "wrong_quantity", "words": "Half of it.",
        }),
        "say_in_dispute" => json!({ "words": "Please." }),
        "resolve_dispute" => json!({ "outcome": "reject", "reason": "As agreed" }),
        "take_up_dispute" | "withdraw_dispute" | "retry_refunds" => json!({}),
        "start_billing_run" => json!({ "month": "2026-10", "dry_run": true }),
        "delete_processor"
        | "list_payment_methods"
        | "delete_payment_method"
        | "list_payments"
        | "get_payment"
        | "list_credit_notes"
        | "get_credit_note"
        | "list_disputes"
        | "get_dispute"
        | "list_billing_runs"
        | "get_billing_run"
        | "list_billing_run_rows" => Value::Null,
        "create_test_clock" => json!({ "account_id": s.child }),
        "advance_test_clock" => json!({ "by_days": 1 }),
        "list_test_clocks" | "get_test_clock" | "delete_test_clock" => Value::Null,
        "get_billing_settings"
        | "get_billing_profile"
        | "list_charges"
        | "delete_charge"
        | "list_invoices"
        | "preview_invoice"
        | "get_invoice"
        | "get_invoice_pdf" => Value::Null,
        "get_auto_topup"
        | "delete_auto_topup"
        | "list_auto_topup_runs"
        | "list_alerts"
        | "get_alert"
        | "delete_alert"
        | "get_alert_history" => Value::Null,
        "create_package" => json!({ "name": "P", "credits": "100", "price": "90" }),
        "put_bulk_discounts" => json!({ "bands": [{ "from": "100", "discount": "5" }] }),
        "quote_packages" => json!({ "account_id": s.child, "credits": "1" }),
        "purchase_credits" => json!({ "account_id": s.child, "package_id": s.package }),
        "retire_package" => json!({}),
        "list_packages" | "get_lots" => Value::Null,
        "create_meter" => json!({ "key": "second", "name": "Second", "unit": "x", "aggregation": "count" }),
        "update_meter" => json!({ "name": "Renamed" }),
        "put_tiers" => json!({ "tiers": [{ "name": "bronze", "from": "1000", "discount": "5" }] }),
        "create_rate_card" => json!({ "meter": s.meter, "model": flat }),
        "create_markup" => json!({ "percent": "12.5" }),
        "create_promotion" => json!({ "name": "Autumn", "ends_at": "2099-01-01T00:00:00Z", "percent": "10" }),
        "redeem_promotion" => json!({ "account_id": s.child, "code": s.code }),
        "quote_price" => json!({ "account_id": s.child, "meter": s.meter, "quantity": "1000" }),
        "price_what_if" => json!({ "month": "2026-11", "card": { "meter": s.meter, "model": flat } }),
        "export_usage" => export(),
        "create_webhook" | "update_webhook" => json!({ "url": "https://hooks.example.com/", "events": ["*"] }),
        "replay_webhook_deliveries" => json!({ "from": "2026-11-01T00:00:00Z" }),
        "list_webhooks"
        | "list_event_types"
        | "get_webhook"
        | "delete_webhook"
        | "rotate_webhook_secret"
        | "enable_webhook"
        | "test_webhook"
        | "list_webhook_deliveries"
        | "get_webhook_delivery"
        | "replay_webhook_delivery" => Value::Null,
        "bulk_credits" => json!({ "rows": [{ "account_id": s.child, "amount": "1" }] }),
        "bulk_accounts" => json!({ "rows": [{ "name": "New" }], "dry_run": true }),
        "bulk_updates" => json!({ "rows": [{ "account_id": s.child, "name": "Renamed" }] }),
        "bulk_notifications" => json!({ "rows": [{ "account_id": s.child }], "subject": "S", "text": "T" }),
        "upload_bulk_rows" => json!({ "format": "csv", "bytes": 17 }),
        "apply_bulk_job" | "pause_bulk_job" | "resume_bulk_job" | "cancel_bulk_job" | "retry_bulk_job" | "undo_bulk_job" => json!({}),
        "list_bulk_jobs" | "get_bulk_job" | "list_bulk_rows" | "get_bulk_result" => Value::Null,
        "end_promotion" => json!({}),
        "reactivate_account" | "close_account" | "rotate_key" | "reverse_transfer" | "capture_hold" | "release_hold" => json!({}),
        "list_accounts" | "get_account" | "suspend_account" | "get_relationships" | "get_permissions" | "list_keys" | "revoke_key"
        | "lift_key_deny" | "list_members" | "remove_member" | "lift_member_deny" | "list_roles" | "delete_role" | "get_transfer"
        | "get_balance" | "get_history" | "list_holds" | "get_hold" | "list_meters" | "get_tiers" | "list_rate_cards"
        | "withdraw_rate_card" | "list_markups" | "list_promotions" | "resolve_price" | "report_usage" | "summarise_usage"
        | "forecast_usage" | "list_usage_exports" | "get_usage_export" => Value::Null,
        _ => return None,
    })
}

/// The path with ids that the operation is allowed on.
pub fn path(s: &Scene, endpoint: &Endpoint) -> String {
    let id = match endpoint.operation {
        "get_transfer" | "reverse_transfer" => &s.transfer,
        "get_hold" | "capture_hold" | "release_hold" => &s.hold,
        "retire_package" => &s.package,
        "explain_usage" | "void_usage" | "correct_usage" => &s.event,
        "get_usage_batch" => &s.batch,
        "close_account" => &s.branch,
        "withdraw_rate_card" => &s.card,
        "end_promotion" => &s.promotion,
        "get_usage_export" => &s.export,
        "get_webhook"
        | "update_webhook"
        | "delete_webhook"
        | "rotate_webhook_secret"
        | "enable_webhook"
        | "test_webhook"
        | "list_webhook_deliveries"
        | "get_webhook_delivery"
        | "replay_webhook_delivery"
        | "replay_webhook_deliveries" => &s.webhook,
        "get_bulk_job" | "list_bulk_rows" | "apply_bulk_job" | "pause_bulk_job" | "resume_bulk_job" | "cancel_bulk_job" => &s.job,
        "get_bulk_result" | "retry_bulk_job" | "undo_bulk_job" => &s.ended_job,
        "get_test_clock" | "delete_test_clock" | "advance_test_clock" => &s.clock,
        "delete_charge" => &s.charge,
        "get_invoice" | "get_invoice_pdf" | "void_invoice" | "pay_invoice" | "record_payment" | "create_credit_note" => &s.invoice,
        "write_off_invoice" => &s.old,
        "get_payment" | "refund_payment" | "retry_refunds" => &s.payment,
        "get_credit_note" => &s.note,
        "get_dispute" | "say_in_dispute" | "take_up_dispute" | "resolve_dispute" => &s.dispute,
        "withdraw_dispute" => &s.own_dispute,
        "get_billing_run" | "list_billing_run_rows" => &s.run,
        "delete_payment_method" => &s.method,
        "finalize_invoice" => &s.draft,
        "get_alert" | "put_alert" | "delete_alert" | "get_alert_history" => &s.alert,
        "remove_spend" => &s.spend,
        "update_account" | "suspend_account" | "reactivate_account" | "move_account" => &s.child,
        _ => &s.id,
    };
    let ids = [
        ("{id}", id),
        ("{key_id}", &s.key),
        ("{member_id}", &s.member),
        ("{role_id}", &s.role),
        ("{key}", &s.meter),
        ("{account_id}", if endpoint.operation == "take_processor_event" { &s.id } else { &s.child }),
        ("{event_id}", &s.delivery),
        ("{token}", &s.token),
        ("{code}", &"not_found".to_owned()),
        ("{digest}", &s.logo),
    ];
    let path = ids.into_iter().fold(endpoint.path.to_owned(), |path, (name, id)| path.replace(name, id));
    match endpoint.operation {
        "explain_usage" | "get_auto_topup" | "delete_auto_topup" | "delete_charge" => format!("{path}?account_id={}", s.child),
        "resolve_price" => format!("{path}?account_id={}&meter={}", s.child, s.meter),
        _ => path,
    }
}

fn ask(api: &Api, endpoint: &Endpoint, path: &str, body: &Value) -> Ask {
    let ask = api.call(endpoint.method.clone(), path);
    let ask = if body.is_null() { ask } else { ask.json(body) };
    match endpoint.idempotency {
        Idempotency::Required => ask.idem(&api.unique("idem")),
        Idempotency::Accepted | Idempotency::Unused => ask,
    }
}

#[tokio::test]
async fn each_role_reaches_the_routes_its_rights_open_and_no_others() {
    let w = World::in_process().await;
    let (mut table, mut wrong) = (Vec::new(), Vec::new());
    for endpoint in endpoints() {
        let Access::Right(right) = endpoint.access else { continue };
        let mut cells = Vec::new();
        for role in BuiltInRole::ALL {
            let s = scene(&w).await;
            let body = valid(&s, endpoint.operation).unwrap_or_else(|| panic!("say here what {} takes", endpoint.operation));
            let answer = ask(&w.key_for(&s.id, role.word()).await, &endpoint, &path(&s, &endpoint), &body).send().await;
            let holds = role.carries(right) && right != Right::CreditsIssue && !endpoint.path.starts_with("/reseller/test-clocks");
            let as_wanted = if holds { (200..300).contains(&answer.status) } else { answer.status == 403 && answer["code"] == "forbidden" };
            if !as_wanted {
                wrong.push(format!("{} as {}: {}\n{}", endpoint.operation, role.word(), answer.status, answer.text));
            }
            cells.push(format!("{:<8}", answer.status));
        }
        let route = format!("{:<6} {}", endpoint.method.as_str(), endpoint.path);
        table.push(format!("{route:<73} {:<17} {}", right.word(), cells.concat().trim_end()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let roles: String = BuiltInRole::ALL.iter().map(|role| format!("{:<8}", role.word())).collect();
    let head = format!("{:<73} {:<17} {}", "route", "right", roles.trim_end());
    golden("golden/route_roles.txt", &format!("{head}\n{}\n", table.join("\n")));
}

#[tokio::test]
async fn every_route_that_is_not_public_refuses_a_caller_without_a_good_key() {
    let (w, other) = (World::in_process().await, World::in_process().await);
    let s = scene(&w).await;
    let unknown = other.master.api.secret();
    let mut public = Vec::new();
    for endpoint in endpoints() {
        let path = path(&s, &endpoint);
        if endpoint.access == Access::Public {
            let ask = w.target.nobody.call(endpoint.method.clone(), &path);
            match endpoint.operation {
                // Its signature says who it is.
                "take_processor_event" | "ask_sign_in_link" | "begin_session" => {
                    drop(ask.json(&json!({})).send().await.refused(400, "validation_failed"))
                }
                // As a browser asks for a picture.
                "portal_logo" => drop(ask.header("accept", b"image/png").send().await.is(200)),
                _ => drop(ask.send().await.is(200)),
            }
            public.push(format!("{} {}", endpoint.method, endpoint.path));
            continue;
        }
        let body = valid(&s, endpoint.operation).unwrap_or_default();
        let memory = &w.target.inside("unauthorised requests").expect("in this process").memory;
        let before = memory.snapshot();
        for api in [w.target.nobody.clone(), w.target.nobody.with("garbage"), w.target.nobody.with(unknown)] {
            let answer = ask(&api, &endpoint, &path, &body).send().await.refused(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        assert_eq!(memory.snapshot(), before, "{}", endpoint.operation);
    }
    let anyone = [
        "POST /billing/processor/{account_id}",
        "GET /unsubscribe/{token}",
        "POST /unsubscribe/{token}",
        "GET /",
        "GET /docs/errors",
        "GET /docs/errors/{code}",
        "POST /portal/sign-in",
        "POST /portal/session",
        "GET /portal/brand",
        "GET /portal/logo/{digest}",
        "GET /health",
    ];
    assert_eq!(public, anyone, "what anyone may see is decided here");
}

#[tokio::test]
async fn no_two_endpoints_share_a_route_or_a_name() {
    let all = endpoints();
    let routes: std::collections::BTreeSet<_> = all.iter().map(|e| (e.method.as_str(), e.path)).collect();
    let names: std::collections::BTreeSet<_> = all.iter().map(|e| e.operation).collect();
    assert_eq!((routes.len(), names.len()), (all.len(), all.len()));
}
