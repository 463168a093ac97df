//! How accounts are billed, what waits for their invoices, and who sees which of them.

use serde_json::{Value, json};
use tributary_runtime::blobs::Blobs as _;

use crate::support::api::{Answer, Api, Inside};
use crate::support::events::tell;
use crate::support::invoices::{COST, invoice};
use crate::support::world::{World, column, every_row};

const SETTINGS: &str = "/reseller/billing/settings";
const PROFILE: &str = "/reseller/billing/profile";
const CHARGES: &str = "/reseller/billing/charges";
const INVOICES: &str = "/reseller/invoices";

fn inside(w: &World) -> &Inside {
    w.target.inside("billing").expect("in this process")
}

async fn get(api: &Api, path: &str) -> Answer {
    api.get(path).send().await
}

fn address(country: &str) -> Value {
    json!({ "line1": "12 Market Street", "line2": null, "city": "Graz", "region": null, "postal_code": "8010", "country": country })
}

#[tokio::test]
async fn a_seller_sets_how_it_bills_as_a_whole_and_under_its_version() {
    let w = World::in_process().await;
    let api = &w.master.api;
    let unset = get(api, SETTINGS).await.is(200);
    assert_eq!((unset.header("etag"), unset.word("number_prefix"), &unset["terms_days"]), ("\"0\"", "INV", &Value::Null));
    let child = w.child_of(&w.master.id).await;
    let all = json!({
        "number_prefix": "NW-26", "terms_days": 30, "grace_hours": 48, "draft_hours": 24, "minimum": "5", "collection": "automatic",
        "fees": [
            { "id": "base", "name": "Base", "amount": "10", "prorate": true },
            { "id": "vip", "name": "VIP", "amount": "1", "account_id": child },
            { "id": "emea", "name": "EMEA", "amount": "2", "tag": { "name": "region", "value": "emea" } },
        ],
        "tax_rates": [{ "id": "vat", "name": "VAT", "percent": "20", "country": "AT" }],
        "address": address("AT"), "tax_id": "ATU12345678", "footer": "Northwind GmbH",
        "dunning": { "retry_days": [1, 2], "remind_days": [], "suspend_after_days": null, "uncollectible_after_days": 60 },
    });
    let set = api.put(SETTINGS, all.clone()).if_match("\"0\"").send().await.is(200);
    assert_eq!(set.header("etag"), "\"1\"");
    assert_eq!(get(api, SETTINGS).await.is(200).json, set.json);
    assert_eq!((&set["fees"][1]["account_id"], set["fees"][0]["amount"].as_str()), (&json!(child), Some("10.000000")));
    for name in ["terms_days", "grace_hours", "draft_hours", "collection", "address", "tax_id", "footer", "dunning"] {
        assert_eq!(set[name], all[name], "{name}");
    }
    api.put(SETTINGS, all).if_match("\"0\"").send().await.refused(412, "precondition_failed");
    let bare = api.put(SETTINGS, json!({})).send().await.is(200);
    assert_eq!((&bare["fees"], bare.word("number_prefix"), &bare["version"]), (&json!([]), "INV", &json!(2)));
    let told: Vec<String> = tell(inside(&w)).await.iter().map(|event| event.kind.word()).collect();
    assert_eq!(told.iter().filter(|kind| *kind == "billing.changed").count(), 2);
    let path = format!("{SETTINGS}?account_id={child}");
    api.get(&path).send().await.refused(422, "parent_is_customer");
    api.put(SETTINGS, json!({ "account_id": child })).send().await.refused(422, "parent_is_customer");
}

#[tokio::test]
async fn an_account_sets_where_it_is_and_its_seller_all_else() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let own = w.key_for(&child, "owner").await;
    let path = format!("{PROFILE}?account_id={child}");
    let before = get(&own, PROFILE).await.is(200);
    assert_eq!((before.word("seller_id"), before["period_end"].as_str()), (w.master.id.as_str(), Some("2026-12-01T00:00:00.000Z")));
    let terms = json!({ "account_id": child, "terms_days": 30, "anchor_day": 15, "time_zone": "Europe/Vienna", "minimum": "0", "tax_exempt": true });
    own.put(PROFILE, terms.clone()).send().await.refused(403, "forbidden");
    let set = w.master.api.put(PROFILE, terms).if_match(before.header("etag")).send().await.is(200);
    assert_eq!(set["period_end"], "2026-11-14T23:00:00.000Z", "the midnight of Vienna before the fifteenth");
    own.put(PROFILE, json!({})).if_match(before.header("etag")).send().await.refused(412, "precondition_failed");
    let moved = own.put(PROFILE, json!({ "address": address("AT"), "po_number": "PO 7" })).send().await.is(200);
    assert_eq!((&moved["terms_days"], &moved["tax_exempt"], moved.word("po_number")), (&json!(30), &json!(true), "PO 7"));
    own.put(PROFILE, json!({ "terms_days": 60 })).send().await.refused(403, "forbidden");
    own.put(PROFILE, json!({ "terms_days": 30, "tax_id": "ATU1" })).send().await.is(200);
    assert_eq!(get(&w.master.api, &path).await.is(200)["tax_id"], "ATU1");
    get(&w.operator().clone(), PROFILE).await.refused(422, "not_a_buyer");
}

#[tokio::test]
async fn a_charge_waits_for_the_next_invoice_until_its_seller_takes_it_back() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let (api, own) = (&w.master.api, w.key_for(&child, "owner").await);
    let body = json!({ "account_id": child, "amount": "-2.50", "text": "Goodwill" });
    let ask = || api.post(CHARGES, body.clone());
    ask().send().await.refused(400, "idempotency_key_missing");
    let made = ask().idem("c-1").send().await.is(201);
    let again = ask().idem("c-1").send().await.is(201);
    assert_eq!((again.header("idempotent-replayed"), &again.json), ("true", &made.json));
    let other = json!({ "account_id": child, "amount": "3", "text": "Other" });
    api.post(CHARGES, other).idem("c-1").send().await.refused(422, "idempotency_key_reused");
    own.post(CHARGES, body.clone()).idem("c-2").send().await.refused(403, "forbidden");
    api.post(CHARGES, json!({ "account_id": child, "amount": "40", "text": "Setup", "taxable": false })).idem("c-3").send().await.is(201);
    let list = format!("{CHARGES}?account_id={child}");
    let rows = every_row(&own, &list, 1).await;
    assert_eq!(column(&rows, "text"), ["Goodwill", "Setup"]);
    let preview = get(&own, &format!("{INVOICES}/preview")).await.is(200);
    assert_eq!((preview["invoice"]["total"].as_str(), preview["period"]["label"].as_str()), (Some("37.500000"), Some("2026-11")));
    let one = format!("{CHARGES}/{}?account_id={child}", made.id());
    own.delete(&one).send().await.refused(403, "forbidden");
    api.delete(&one).send().await.is(200);
    api.delete(&one).send().await.refused(404, "not_found");
    assert_eq!(column(&every_row(api, &list, 50).await, "text"), ["Setup"]);
    let told: Vec<String> = tell(inside(&w)).await.iter().map(|event| event.kind.word()).collect();
    assert_eq!(
        told.iter().filter(|kind| kind.starts_with("charge.")).collect::<Vec<_>>(),
        ["charge.added", "charge.added", "charge.removed"]
    );
}

#[tokio::test]
async fn an_invoice_shows_its_cost_to_its_seller_and_nothing_to_anybody_aside() {
    let w = World::in_process().await;
    let shop = w.reseller_of(&w.master.id).await;
    let (child, sibling) = (w.child_of(&shop.id).await, w.reseller_of(&w.master.id).await);
    let id = invoice(&inside(&w).app, &child, "2026-10", false).await;
    let path = format!("{INVOICES}/{id}");
    let own = w.key_for(&child, "viewer").await;
    let mine = get(&own, &path).await.is(200);
    assert_eq!((mine.word("number"), mine.word("state"), mine.word("total")), ("INV-000001", "finalized", "61.720000"));
    assert_eq!(mine["lines"][0]["exact"], "61.725000");
    for hidden in [COST, "\"cost\"", "prm_"] {
        assert!(!mine.text.contains(hidden), "{hidden}: {}", mine.text);
    }
    for seller in [&shop.api, &w.master.api, w.operator()] {
        let seen = get(seller, &path).await.is(200);
        assert_eq!(seen["lines"][0]["cost"], COST);
        assert_eq!(seen["lines"][0]["amount"], "61.720000");
    }
    for aside in [&sibling.api, &w.other_master(json!({})).await.api] {
        get(aside, &path).await.refused(404, "not_found");
        get(aside, &format!("{path}/pdf")).await.refused(404, "not_found");
        aside.post(&format!("{path}/void"), json!({})).send().await.refused(404, "not_found");
    }
    own.post(&format!("{path}/void"), json!({})).send().await.refused(403, "forbidden");
    w.key_for(&child, "owner").await.post(&format!("{path}/void"), json!({})).send().await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_moved_account_keeps_its_invoices_and_its_old_seller_does_too() {
    let w = World::in_process().await;
    let (old, new) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let child = w.child_of(&old.id).await;
    let id = invoice(&inside(&w).app, &child, "2026-10", false).await;
    let path = format!("{INVOICES}/{id}");
    w.master.api.post(&format!("/reseller/accounts/{child}/move"), json!({ "parent_id": new.id })).send().await.is(200);
    assert_eq!(get(&old.api, &path).await.is(200)["lines"][0]["cost"], COST);
    get(&new.api, &path).await.refused(404, "not_found");
    new.api.post(&format!("{path}/void"), json!({})).send().await.refused(404, "not_found");
    assert_eq!(every_row(&new.api, &format!("{INVOICES}?account_id={child}"), 50).await.len(), 0, "what the old seller billed");
    get(&new.api, &format!("{INVOICES}/preview?account_id={child}")).await.refused(409, "conflict");
    let own = w.key_for(&child, "viewer").await;
    get(&own, &path).await.is(200);
    for api in [&own, &w.master.api] {
        assert_eq!(column(&every_row(api, &format!("{INVOICES}?account_id={child}"), 50).await, "id"), std::slice::from_ref(&id));
    }
    let sold = |side: &str| format!("{INVOICES}?side={side}");
    assert_eq!(column(&every_row(&old.api, &sold("sold"), 50).await, "id"), std::slice::from_ref(&id));
    assert_eq!(every_row(&new.api, &sold("sold"), 50).await.len(), 0);
    get(&old.api, &format!("{INVOICES}?account_id={child}")).await.refused(404, "not_found");
    old.api.post(&format!("{path}/void"), json!({ "reason": "Moved" })).send().await.is(200);
}

#[tokio::test]
async fn invoices_are_listed_by_side_state_and_time() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let app = &inside(&w).app;
    let mut ids = Vec::new();
    for month in ["2026-07", "2026-08", "2026-09", "2026-10"] {
        ids.insert(0, invoice(app, &child, month, month == "2026-10").await);
    }
    let own = w.key_for(&child, "viewer").await;
    let listed = async |api: &Api, query: &str| column(&every_row(api, &format!("{INVOICES}?{query}"), 3).await, "id");
    assert_eq!(listed(&own, "").await, ids);
    assert_eq!(listed(&w.master.api, &format!("account_id={child}")).await, ids);
    assert_eq!(listed(&w.master.api, "side=sold").await, ids);
    assert_eq!(listed(&w.master.api, "").await, Vec::<String>::new(), "it bought none");
    assert_eq!(listed(&own, "state=draft").await, ids[..1]);
    assert_eq!(listed(&own, "state=paid").await, Vec::<String>::new());
    assert_eq!(listed(&own, "from=2026-09-01T00:00:00Z&to=2026-11-01T00:00:00Z").await, ids[1..3]);
    assert_eq!(listed(&w.master.api, "side=sold&to=2026-09-01T00:00:00Z").await, ids[3..]);
    assert_eq!(listed(&w.master.api, "side=sold&from=2026-10-01T00:00:00Z").await, ids[..2]);
}

#[tokio::test]
async fn a_draft_is_issued_once_and_a_void_one_counts_for_nothing() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let api = &w.master.api;
    api.put(SETTINGS, json!({ "number_prefix": "NW", "terms_days": 10 })).send().await.is(200);
    let id = invoice(&inside(&w).app, &child, "2026-10", true).await;
    let path = format!("{INVOICES}/{id}");
    let draft = get(api, &path).await.is(200);
    assert_eq!((draft.word("state"), &draft["number"], draft.word("due")), ("draft", &Value::Null, "0.000000"));
    let pdf = |draft: &str| format!("{path}/{draft}");
    api.post(&pdf("finalize"), json!({})).if_match("\"7\"").send().await.refused(412, "precondition_failed");
    let issued = api.post(&pdf("finalize"), json!({})).if_match(draft.header("etag")).send().await.is(200);
    assert_eq!((issued.word("number"), issued.word("due_at")), ("NW-000001", "2026-11-12T08:00:00.000Z"));
    assert_eq!(issued["lines"], draft["lines"]);
    api.post(&pdf("finalize"), json!({})).send().await.refused(409, "conflict");
    api.post(&pdf("void"), json!({})).if_match(draft.header("etag")).send().await.refused(412, "precondition_failed");
    let void = api.post(&pdf("void"), json!({ "reason": "Twice" })).if_match(issued.header("etag")).send().await.is(200);
    assert_eq!((void.word("state"), void.word("due"), void.word("number")), ("void", "0.000000", "NW-000001"));
    let app = &inside(&w).app;
    let (looked_at, _) = app.store().invoices_due(app.now(), None, 10).await.expect("listed");
    assert_eq!(
        looked_at.iter().map(ToString::to_string).collect::<Vec<_>>(),
        std::slice::from_ref(&id),
        "what it did is undone, a charge of it looked up"
    );
    let told = tell(inside(&w)).await;
    let of = |kind: &str| told.iter().filter(|event| event.kind.word() == kind).map(|event| event.data.clone()).collect::<Vec<_>>();
    assert_eq!(of("invoice.finalized").len(), 1);
    assert_eq!(of("invoice.voided")[0]["reason"], "Twice");
    let next = invoice(&inside(&w).app, &child, "2026-09", false).await;
    assert_eq!(get(api, &format!("{INVOICES}/{next}")).await.is(200)["number"], "NW-000002", "a void one keeps its number");
}

#[tokio::test]
async fn a_pdf_is_rendered_once_for_what_it_shows() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let settings = json!({
        "number_prefix": "INV", "address": address("AT"), "tax_id": "ATU12345678", "footer": "IBAN AT61 1904 3002 3457 3201 · Northwind GmbH, FN 123456a",
        "fees": [{ "id": "base", "name": "Support, business plan", "amount": "199" }, { "id": "line", "name": "Dedicated line", "amount": "35.5" }],
        "tax_rates": [{ "id": "vat", "name": "VAT", "percent": "20" }], "minimum": "310",
    });
    w.master.api.put(SETTINGS, settings).send().await.is(200);
    let buyer = json!({ "account_id": child, "address": address("DE"), "tax_id": "DE123456789", "po_number": "PO-2026-0417" });
    w.master.api.put(PROFILE, buyer).send().await.is(200);
    let id = invoice(&inside(&w).app, &child, "2026-10", true).await;
    let (api, own, blobs) = (&w.master.api, w.key_for(&child, "viewer").await, &inside(&w).outside.blobs);
    let path = format!("{INVOICES}/{id}");
    let link = get(&own, &format!("{path}/pdf")).await.is(200);
    assert_eq!(link.word("file_name"), "draft-2026-10.pdf");
    api.post(&format!("{path}/finalize"), json!({})).send().await.is(200);
    let kept = |folder: &str| blobs.keys().into_iter().filter(|key| key.starts_with(folder)).collect::<Vec<_>>();
    assert_eq!((kept("invoice-drafts/").len(), kept("invoices/").len()), (1, 0));
    for reader in [&own, api] {
        assert_eq!(get(reader, &format!("{path}/pdf")).await.is(200)["file_name"], "INV-000001.pdf");
    }
    let keys = kept("invoices/");
    assert_eq!(keys.len(), 1);
    let pdf = blobs.get(&keys[0]).await.expect("read").expect("kept");
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 10_000);
    blobs.delete(&keys[0]).await.expect("deleted");
    get(&own, &format!("{path}/pdf")).await.is(200);
    assert_eq!(blobs.get(&keys[0]).await.expect("read").as_ref(), Some(&pdf), "the same bytes");
    api.post(&format!("{path}/void"), json!({})).send().await.is(200);
    get(&own, &format!("{path}/pdf")).await.is(200);
    assert_eq!(kept("invoices/").len(), 2, "a void one says so");
}

#[tokio::test]
async fn a_preview_is_what_the_running_period_comes_to() {
    let w = World::in_process().await;
    let child = w.child_of(&w.master.id).await;
    let api = &w.master.api;
    let path = format!("{INVOICES}/preview?account_id={child}");
    assert_eq!(get(api, &path).await.is(200)["invoice"], Value::Null);
    let fee = json!({ "id": "base", "name": "Base", "amount": "30" });
    api.put(SETTINGS, json!({ "fees": [fee], "tax_rates": [{ "id": "vat", "name": "VAT", "percent": "20" }] })).send().await.is(200);
    let before = inside(&w).memory.snapshot();
    let seen = get(api, &path).await.is(200);
    assert_eq!((seen["invoice"]["total"].as_str(), seen["invoice"]["state"].as_str()), (Some("36.000000"), Some("draft")));
    assert_eq!(inside(&w).memory.snapshot(), before, "nothing is kept");
    get(w.operator(), &format!("{INVOICES}/preview")).await.refused(422, "not_a_buyer");
}
