//! What it costs to set how accounts are billed, and to read their invoices.

use serde_json::json;

use super::Counted;
use crate::support::invoices::invoice;

/// Billing's lines of the table.
pub async fn billing(c: &mut Counted) {
    let mut own = Counted::new().await;
    let master = own.w.master.api.clone();
    let child = own.w.child_of(&own.w.master.id).await;
    let buyer = own.w.key_for(&child, "owner").await;
    let app = own.w.target.inside("billing").expect("in this process").app.clone();
    let (profile, charges) = ("/reseller/billing/profile", "/reseller/billing/charges");
    own.cost("set how an account bills", master.put("/reseller/billing/settings", json!({ "terms_days": 30 }))).await;
    own.cost("how an account bills", master.get("/reseller/billing/settings")).await;
    own.cost("set what differs for an account", master.put(profile, json!({ "account_id": child, "po_number": "7" }))).await;
    own.cost("what differs for an account", master.get(&format!("{profile}?account_id={child}"))).await;
    own.cost("put a charge on the next invoice", master.pay(charges, json!({ "account_id": child, "amount": "1", "text": "Setup" }))).await;
    own.cost("page of charges", master.get(&format!("{charges}?account_id={child}"))).await;
    own.cost("preview of an invoice", master.get(&format!("/reseller/invoices/preview?account_id={child}"))).await;
    let (issued, draft) = (invoice(&app, &child, "2026-09", false).await, invoice(&app, &child, "2026-10", true).await);
    own.cost("page of invoices, by their buyer", buyer.get("/reseller/invoices")).await;
    own.cost("page of invoices, by their seller", master.get("/reseller/invoices?side=sold")).await;
    own.cost("an invoice, by its buyer", buyer.get(&format!("/reseller/invoices/{issued}"))).await;
    own.cost("an invoice, by its seller", master.get(&format!("/reseller/invoices/{issued}"))).await;
    own.cost("an invoice as PDF, the first time", buyer.get(&format!("/reseller/invoices/{issued}/pdf"))).await;
    own.cost("an invoice as PDF, once more", buyer.get(&format!("/reseller/invoices/{issued}/pdf"))).await;
    own.cost("issue a draft", master.post(&format!("/reseller/invoices/{draft}/finalize"), json!({}))).await;
    own.cost("void an invoice", master.post(&format!("/reseller/invoices/{issued}/void"), json!({}))).await;
    let other = own.w.child_of(&own.w.master.id).await;
    settling(&mut own, &other).await;
    c.lines.append(&mut own.lines);
}

/// Payments, credit notes, disputes and runs, of one more invoice. Nothing is asked of a payment processor.
async fn settling(own: &mut Counted, child: &str) {
    let master = own.w.master.api.clone();
    let buyer = own.w.key_for(child, "owner").await;
    let inside = own.w.target.inside("billing").expect("in this process");
    let (app, queue) = (inside.app.clone(), inside.outside.billing.clone());
    let id = invoice(&app, child, "2026-10", false).await;
    let at = format!("/reseller/invoices/{id}");
    let lines = json!([{ "line": "usage:2026-10:sms", "amount": "5" }]);
    let processor = json!({ "api_key": "sk_test_budget", "webhook_secret": "whsec_budget" });
    own.cost("set a seller's payment processor", master.put("/reseller/billing/processor", processor)).await;
    own.cost("cards of an account that has none", buyer.get("/reseller/payment-methods")).await;
    own.w.fund(child, "10").await;
    own.cost("pay an invoice from credit", buyer.pay(&format!("{at}/pay"), json!({ "with": "credit" }))).await;
    let paid = json!({ "amount": "10", "method": "bank_transfer", "reference": "7" });
    own.cost("write down a payment that came outside", master.pay(&format!("{at}/payments"), paid)).await;
    own.cost("page of payments", buyer.get("/reseller/payments")).await;
    own.cost("page of payments of an invoice", buyer.get(&format!("/reseller/payments?invoice_id={id}"))).await;
    let note = json!({ "lines": lines, "reason": "Outage" });
    own.cost("credit note", master.pay(&format!("{at}/credit-notes"), note)).await;
    own.cost("page of credit notes", buyer.get("/reseller/credit-notes")).await;
    let opened = json!({ "invoice_id": id, "lines": lines, "reason": "wrong_quantity", "words": "We sent half of these." });
    let key = own.w.unique("dispute");
    own.cost("open a dispute", buyer.post("/reseller/disputes", opened.clone()).idem(&key)).await;
    let dispute = buyer.post("/reseller/disputes", opened).idem(&key).send().await.is(201).id();
    let at = format!("/reseller/disputes/{dispute}");
    own.cost("page of disputes, by their seller", master.get("/reseller/disputes?side=sold")).await;
    own.cost("a dispute, by its seller", master.get(&at)).await;
    own.cost("say something in a dispute", buyer.post(&format!("{at}/messages"), json!({ "words": "Please." }))).await;
    own.cost("take a dispute up", master.post(&format!("{at}/take-up"), json!({}))).await;
    let accepted = json!({ "outcome": "accept", "reason": "So it was" });
    own.cost("accept a dispute", master.pay(&format!("{at}/resolve"), accepted)).await;
    let run = json!({ "month": "2026-11", "dry_run": true });
    let key = own.w.unique("run");
    own.cost("ask for a dry run of billing", master.post("/reseller/billing/runs", run.clone()).idem(&key)).await;
    let run = master.post("/reseller/billing/runs", run).idem(&key).send().await.is(202).id();
    crate::billing_run::work(&app, &queue).await;
    own.cost("how far a billing run is", master.get(&format!("/reseller/billing/runs/{run}"))).await;
    own.cost("page of rows of a billing run", master.get(&format!("/reseller/billing/runs/{run}/rows"))).await;
}
