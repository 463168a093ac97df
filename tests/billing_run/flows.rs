//! Periods as accounts live them.

use serde_json::json;
use tributary_domain::billing::invoice::{Invoice, InvoiceState, LineKind};
use tributary_domain::billing::run::{RowState, RunState};
use tributary_domain::event::Event;

use tributary_store::table::{Item, Table, Write};

use super::{Bills, at, id};
use crate::support::events::tell;

fn labels(invoices: &[Invoice]) -> Vec<String> {
    let part = |invoice: &Invoice| if invoice.part > 1 { format!("-{}", invoice.part) } else { String::new() };
    invoices.iter().map(|invoice| format!("{}{} {}", invoice.period.label, part(invoice), invoice.total)).collect()
}

fn numbers(invoices: &[Invoice]) -> Vec<&str> {
    invoices.iter().filter_map(|invoice| invoice.number.as_deref()).collect()
}

fn named(events: &[Event], word: &str) -> usize {
    events.iter().filter(|event| event.kind.word() == word).count()
}

#[tokio::test]
async fn a_month_is_billed_once_at_each_level_however_often_the_schedule_fires() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let (customer, idle) = (b.postpaid(&master).await, b.postpaid(&master).await);
    b.uses(&customer, "100").await;
    tell(b.inside()).await;
    b.until("2026-12-01T00:00:00Z");
    assert_eq!(b.run().await["accounts"], 0, "what was begun before midnight is let end first");
    b.until("2026-12-01T00:05:00Z");
    let first = b.run().await;
    assert_eq!((&first["accounts"], &first["chunks"]), (&json!(3), &json!(2)), "{first}");
    for _ in 0..3 {
        assert_eq!(b.run().await["accounts"], 0, "nothing is due any more");
    }
    let invoice = b.invoices(&customer).await;
    assert_eq!((labels(&invoice), numbers(&invoice)), (vec!["2026-11 20.000000".to_owned()], vec!["INV-000001"]));
    let invoice = &invoice[0];
    assert_eq!(
        (invoice.state, invoice.seller_id.as_str(), invoice.lines[0].text.as_str()),
        (InvoiceState::Finalized, master.as_str(), "Text messages")
    );
    assert_eq!((invoice.issued_at, invoice.due_at), (Some(at("2026-12-01T00:05:00Z")), Some(at("2026-12-15T00:05:00Z"))));
    assert!(b.invoices(&idle).await.is_empty());
    // The master is prepaid: its usage was paid from credit, so that nothing is due.
    let above = b.invoices(&master).await;
    assert_eq!(
        (labels(&above), above[0].state, above[0].paid_from_credit.to_string()),
        (vec!["2026-11 10.000000".to_owned()], InvoiceState::Paid, "10.000000".to_owned())
    );
    assert_eq!(b.kept(&first).await.run.state, RunState::Completed);
    let events = tell(b.inside()).await;
    assert_eq!(named(&events, "invoice.finalized"), 2, "{events:?}");
}

#[tokio::test]
async fn missed_runs_catch_up_period_by_period() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    b.sells(&master, json!({ "fees": [{ "id": "base", "name": "Base", "amount": "10" }] })).await;
    let customer = b.postpaid(&master).await;
    b.uses(&customer, "1").await;
    b.until("2026-12-10T00:00:00Z");
    b.uses(&customer, "2").await;
    b.until("2027-03-05T00:00:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    assert_eq!(labels(&all), ["2026-11 10.200000", "2026-12 10.400000", "2027-01 10.000000", "2027-02 10.000000"]);
    assert_eq!(numbers(&all), ["INV-000001", "INV-000002", "INV-000003", "INV-000004"]);
    assert_eq!(b.run().await["accounts"], 0);
}

#[tokio::test]
async fn each_account_has_its_own_day_and_zone() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    b.sells(&master, json!({ "fees": [{ "id": "base", "name": "Base", "amount": "1" }] })).await;
    let mut all = Vec::new();
    for (day, zone) in [(29, "UTC"), (30, "America/New_York"), (31, "Europe/Berlin"), (1, "Pacific/Kiritimati")] {
        let customer = b.postpaid(&master).await;
        b.profile(&customer, json!({ "anchor_day": day, "time_zone": zone })).await;
        all.push(customer);
    }
    // Each day once, for five months: over February, and over the days on which clocks change.
    for day in 0..150 {
        b.until(&(at("2026-11-03T00:00:00Z") + jiff::SignedDuration::from_hours(24 * day)).to_string());
        b.run().await;
    }
    let mut starts = Vec::new();
    for customer in &all {
        let invoices = b.invoices(customer).await;
        for pair in invoices.windows(2) {
            assert_eq!(pair[0].period.end, pair[1].period.start, "no gap and no overlap");
        }
        starts.push(invoices.iter().map(|invoice| invoice.period.end.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(
        starts[0],
        ["2026-11-29T00:00:00Z", "2026-12-29T00:00:00Z", "2027-01-29T00:00:00Z", "2027-02-28T00:00:00Z", "2027-03-29T00:00:00Z"]
    );
    assert_eq!(
        starts[1],
        ["2026-11-30T05:00:00Z", "2026-12-30T05:00:00Z", "2027-01-30T05:00:00Z", "2027-02-28T05:00:00Z", "2027-03-30T04:00:00Z"]
    );
    assert_eq!(
        starts[2],
        ["2026-11-29T23:00:00Z", "2026-12-30T23:00:00Z", "2027-01-30T23:00:00Z", "2027-02-27T23:00:00Z", "2027-03-30T22:00:00Z"]
    );
    assert_eq!(
        starts[3],
        ["2026-11-30T10:00:00Z", "2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z"]
    );
}

#[tokio::test]
async fn late_usage_waits_for_the_next_invoice_or_is_waited_for() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let customer = b.postpaid(&master).await;
    let one = b.uses(&customer, "10").await;
    b.until("2026-12-01T06:00:00Z");
    b.run().await;
    b.used_at(&customer, "5", 10 * 3_600).await;
    b.w.operator().pay(&format!("/reseller/usage/events/{one}/void"), json!({ "account_id": customer })).send().await.is(201);
    b.sells(&master, json!({ "grace_hours": 48 })).await;
    b.until("2027-01-01T06:00:00Z");
    assert_eq!(b.run().await["accounts"], 2, "the master, whose seller waits for nothing; the customer is put where it belongs");
    b.used_at(&customer, "7", 10 * 3_600).await;
    b.uses(&customer, "1").await;
    b.until("2027-01-03T00:05:00Z");
    b.run().await;
    b.until("2027-02-03T00:05:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    // 10; then 5 more of November and 10 of it taken back, with 7 of December; then 1 of January.
    assert_eq!(labels(&all), ["2026-11 2.000000", "2026-12 0.400000", "2027-01 0.200000"]);
    let lines: Vec<_> = all[1].lines.iter().map(|line| (line.month.map(|month| month.to_string()), line.amount.to_string())).collect();
    assert_eq!(lines, [(Some("2026-11".to_owned()), "-1.000000".to_owned()), (Some("2026-12".to_owned()), "1.400000".to_owned())]);
}

#[tokio::test]
async fn a_move_another_funding_and_a_close_end_the_period_as_it_was() {
    let b = Bills::new().await;
    let (left, right) = (b.reseller(&b.w.master.id).await, b.reseller(&b.w.master.id).await);
    for seller in [&left, &right] {
        b.sells(&seller.id, json!({ "number_prefix": "SHOP", "minimum": "3" })).await;
    }
    let customer = b.postpaid(&left.id).await;
    b.uses(&customer, "100").await;
    b.until("2026-11-12T00:00:00Z");
    b.w.operator().post(&format!("/reseller/accounts/{customer}/move"), json!({ "parent_id": right.id })).send().await.is(200);
    b.uses(&customer, "50").await;
    b.until("2026-11-12T00:05:00Z");
    b.run().await;
    b.until("2026-11-20T00:00:00Z");
    b.w.fund(&customer, "100").await;
    b.w.operator().put(&format!("/reseller/accounts/{customer}"), json!({ "funding": "prepaid" })).send().await.is(200);
    b.uses(&customer, "10").await;
    b.until("2026-12-05T00:00:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    let sellers: Vec<_> = all.iter().map(|invoice| invoice.seller_id.as_str()).collect();
    assert_eq!(sellers, [left.id.as_str(), right.id.as_str(), right.id.as_str()]);
    let used = |invoice: &Invoice| {
        invoice
            .lines
            .iter()
            .filter(|line| line.kind == LineKind::Usage)
            .map(|line| (line.amount.to_string(), line.settled))
            .collect::<Vec<_>>()
    };
    assert_eq!(used(&all[0]), [("30.000000".to_owned(), false)]);
    assert_eq!(used(&all[1]), [("15.000000".to_owned(), false)]);
    assert_eq!(used(&all[2]), [("3.000000".to_owned(), true)], "what a prepaid account used was paid with it");
    assert_eq!([0, 1, 2].map(|at| all[at].part), [1, 2, 3]);
    assert_eq!(numbers(&all), ["SHOP-000001", "SHOP-000001", "SHOP-000002"]);
    // The rest of the credit goes back, then it is closed; its last invoice is made at once.
    let left_over = b.w.available(&customer).await;
    b.w.operator().pay("/reseller/credits/transfer", json!({ "from": customer, "to": right.id, "amount": left_over })).send().await.is(201);
    b.w.operator().pay(&format!("/reseller/accounts/{customer}/close"), json!({})).send().await.is(200);
    b.until("2026-12-05T00:05:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    assert_eq!((all.len(), all[3].period.label.to_string(), all[3].period.end), (4, "2026-12".to_owned(), at("2026-12-05T00:00:00Z")));
    b.until("2027-03-05T00:00:00Z");
    b.run().await;
    assert_eq!(b.invoices(&customer).await.len(), 4, "nothing comes after the close");
}

#[tokio::test]
async fn drafts_get_their_numbers_when_their_time_is_over() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    b.sells(&master, json!({ "draft_hours": 24, "terms_days": 7 })).await;
    let customer = b.postpaid(&master).await;
    b.uses(&customer, "10").await;
    tell(b.inside()).await;
    b.until("2026-12-01T00:05:00Z");
    b.run().await;
    let draft = b.invoices(&customer).await.remove(0);
    assert_eq!((draft.state, &draft.number), (InvoiceState::Draft, &None));
    assert_eq!(
        b.app().store().invoices_due(b.app().now(), None, 9).await.expect("they read").0.len(),
        0,
        "nothing of a draft is collected"
    );
    let events = tell(b.inside()).await;
    assert_eq!((named(&events, "invoice.drafted"), named(&events, "invoice.finalized")), (1, 1), "the other is the master's");
    b.until("2026-12-02T00:05:00Z");
    assert_eq!(b.run().await["issued"], 1);
    assert_eq!(b.run().await["issued"], 0);
    let issued = b.invoices(&customer).await.remove(0);
    assert_eq!((issued.state, issued.number.as_deref()), (InvoiceState::Finalized, Some("INV-000001")));
    assert_eq!((issued.due_at, issued.content()), (Some(at("2026-12-09T00:05:00Z")), draft.content()));
    assert_eq!(named(&tell(b.inside()).await, "invoice.finalized"), 1);
    assert_eq!(b.app().store().invoices_due(b.app().now(), None, 9).await.expect("they read").0, [issued.id]);
}

#[tokio::test]
async fn fees_minimum_and_tax_are_lines_and_what_is_below_zero_is_carried_forward() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let settings = json!({
        "fees": [{ "id": "base", "name": "Base", "amount": "9", "prorate": true }, { "id": "setup", "name": "Support", "amount": "5" }],
        "minimum": "30", "tax_rates": [{ "id": "vat", "name": "VAT", "percent": "19" }],
    });
    b.sells(&master, settings).await;
    b.until("2026-11-16T00:00:00Z");
    let customer = b.postpaid(&master).await;
    let event = b.uses(&customer, "1").await;
    b.until("2026-12-01T00:05:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    let lines: Vec<_> = all[0].lines.iter().map(|line| format!("{} {}", line.kind.word(), line.amount)).collect();
    // Half of the month: half of the fee that is prorated, and half of the minimum.
    assert_eq!(lines, ["usage 0.200000", "fee 4.500000", "fee 5.000000", "minimum 5.300000", "tax 2.850000"]);
    b.sells(&master, json!({})).await;
    b.w.operator().pay(&format!("/reseller/usage/events/{event}/void"), json!({ "account_id": customer })).send().await.is(201);
    b.until("2027-01-01T00:05:00Z");
    b.run().await;
    b.uses(&customer, "5").await;
    b.until("2027-02-01T00:05:00Z");
    b.run().await;
    let all = b.invoices(&customer).await;
    assert_eq!(labels(&all), ["2026-11 17.850000", "2026-12 0.000000", "2027-01 0.800000"]);
    assert_eq!(all[1].state, InvoiceState::Paid, "nothing is due of it");
}

#[tokio::test]
async fn an_account_that_cannot_be_billed_fails_alone() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let mut all = Vec::new();
    for _ in 0..4 {
        let customer = b.postpaid(&master).await;
        b.uses(&customer, "10").await;
        all.push(customer);
    }
    all.sort();
    // What how far it is billed says cannot be read.
    let key = tributary_store::keys::billing(&id(&all[1]));
    let table = &b.inside().memory;
    let good = Table::get(table, &key, true).await.expect("it reads").expect("it is there");
    let mut bad = good.clone();
    bad.insert("doc".to_owned(), tributary_store::table::s("{}"));
    let strip = |mut item: Item| {
        item.remove("pk");
        item.remove("sk");
        item
    };
    Table::write(table, &Write::put(key.clone(), strip(bad))).await.expect("it is put");
    b.until("2026-12-01T00:05:00Z");
    let run = b.run().await;
    for (at, customer) in all.iter().enumerate() {
        assert_eq!(b.invoices(customer).await.len(), usize::from(at != 1), "{at}");
    }
    let kept = b.kept(&run).await;
    assert_eq!((kept.run.state, kept.run.counts.failed, kept.run.counts.accounts), (RunState::Completed, 1, 5));
    Table::write(table, &Write::put(key, strip(good))).await.expect("it is put");
    let run = b.run().await;
    assert_eq!((run["accounts"].as_u64(), b.invoices(&all[1]).await.len()), (Some(1), 1), "the next run bills it");
    assert_eq!(b.kept(&run).await.run.counts.failed, 0);
}

#[tokio::test]
async fn a_dry_run_shows_what_a_run_does_and_both_have_one_digest() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let reseller = b.reseller(&master).await;
    let (near, far) = (b.postpaid(&master).await, b.postpaid(&reseller.id).await);
    b.uses(&near, "10").await;
    b.uses(&far, "20").await;
    b.until("2026-12-01T00:10:00Z");
    let rows = async |run: &tributary_store::runs::RunKept| {
        let mut all = Vec::new();
        for chunk in 1..=run.run.chunks {
            all.extend(tributary_billing::result::rows(b.app(), &run.run.id, chunk).await.expect("they read"));
        }
        all
    };
    let dry = b.ask(&master, &master, "2026-11", true).await;
    assert_eq!((dry.run.state, dry.run.counts.accounts), (RunState::Completed, 3));
    assert!(b.invoices(&near).await.is_empty() && b.invoices(&far).await.is_empty(), "nothing is written");
    let of = |rows: &[tributary_domain::billing::run::Row], account: &str| {
        let row = rows.iter().find(|row| row.account_id.as_str() == account).expect("a row").clone();
        (row.state, row.total.to_string(), row.there.to_string(), row.difference.to_string())
    };
    let would = rows(&dry).await;
    let text = |text: &str| text.to_owned();
    assert_eq!(of(&would, &near), (RowState::Made, text("2.000000"), text("0.000000"), text("2.000000")));
    assert_eq!(of(&would, &far), (RowState::Made, text("6.000000"), text("0.000000"), text("6.000000")));
    let real = b.ask(&master, &master, "2026-11", false).await;
    assert_eq!(labels(&b.invoices(&far).await), ["2026-11 6.000000"]);
    assert!(b.invoices(&master).await.is_empty(), "nobody bills itself");
    let again = b.ask(&master, &master, "2026-11", true).await;
    let found = rows(&again).await;
    assert_eq!(of(&found, &far), (RowState::Billed, text("6.000000"), text("6.000000"), text("0.000000")));
    let digests = [&dry, &real, &again].map(|run| run.run.digest.clone().expect("a digest"));
    assert!(digests.iter().all(|digest| *digest == digests[0] && digest.len() == 64), "{digests:?}");
    let december = b.ask(&master, &far, "2026-12", true).await;
    assert_eq!(of(&rows(&december).await, &far).0, RowState::Running);
    // The schedule has only the master left.
    let run = b.run().await;
    assert_eq!(b.invoices(&master).await.len(), 1);
    assert_eq!(run["accounts"], 1);
}

#[tokio::test]
async fn a_preview_is_the_invoice_to_be() {
    let b = Bills::new().await;
    let customer = b.postpaid(&b.w.master.id).await;
    b.uses(&customer, "10").await;
    let preview = async || {
        let store = b.app().store();
        let (account, billing) =
            (store.account(&id(&customer)).await.expect("it reads"), store.billing(&id(&customer)).await.expect("it reads"));
        tributary_billing::preview::preview(b.app(), &account, billing.expect("it is billed")).await.expect("it reads")
    };
    let before = preview().await;
    assert_eq!(before.len(), 1);
    let shown = before[0].invoice.clone().expect("something is used");
    b.until("2026-12-01T01:00:00Z");
    b.uses(&customer, "1").await;
    let both = preview().await;
    assert_eq!(
        both.iter().filter_map(|one| one.invoice.as_ref()).map(|invoice| invoice.total.to_string()).collect::<Vec<_>>(),
        ["2.000000", "0.200000"]
    );
    b.run().await;
    let billed = b.invoices(&customer).await;
    assert_eq!(billed[0].content(), shown.content());
    assert_eq!(preview().await.len(), 1);
}

#[tokio::test]
async fn what_is_taken_back_after_a_move_is_paid_back_by_who_had_sold_it() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    let (former, present) = (b.reseller(&master).await, b.reseller(&master).await);
    let customer = b.postpaid(&former.id).await;
    let event = b.uses(&customer, "10").await;
    b.until("2026-11-25T00:00:00Z");
    b.w.operator().post(&format!("/reseller/accounts/{customer}/move"), json!({ "parent_id": present.id })).send().await.is(200);
    b.uses(&customer, "1").await;
    let credit = async || [b.w.available(&customer).await, b.w.available(&former.id).await, b.w.available(&present.id).await];
    assert_eq!(credit().await, ["0.000000", "9998.000000", "9999.800000"], "resellers pay at once, the customer by invoice");
    b.w.operator().pay(&format!("/reseller/usage/events/{event}/void"), json!({ "account_id": customer })).send().await.is(201);
    // It gets 2.00 back of the master, and gives 3.00 back.
    assert_eq!(credit().await, ["3.000000", "9997.000000", "9999.800000"]);
    b.until("2026-12-01T00:05:00Z");
    b.run().await;
    let made = b.invoices(&customer).await;
    assert_eq!(made.len(), 2);
    assert_eq!((made[0].seller_id.as_str(), made[0].total.to_string()), (former.id.as_str(), "3.000000".to_owned()));
    let shown: Vec<_> = made[1].lines.iter().map(|line| (line.id.clone(), line.amount.to_string(), line.settled)).collect();
    let usage = format!("usage:2026-11:{}", b.meter);
    let back = format!("returned:2026-11:{}:{}", b.meter, former.id);
    assert_eq!(shown, [(usage, "0.300000".to_owned(), false), (back, "-3.000000".to_owned(), true)]);
    assert_eq!((made[1].seller_id.as_str(), made[1].due().expect("in range").to_string()), (present.id.as_str(), "0.300000".to_owned()));
}

#[tokio::test]
async fn what_the_last_invoice_of_a_seller_comes_to_below_zero_is_given_back() {
    let b = Bills::new().await;
    let (left, right) = (b.reseller(&b.w.master.id).await, b.reseller(&b.w.master.id).await);
    let charge = async |customer: &str, key: &str| {
        let body = json!({ "account_id": customer, "amount": "-100", "text": "Outage", "taxable": false });
        left.api.post("/reseller/billing/charges", body).idem(&b.w.unique(key)).send().await.is(201).id()
    };
    let (moved, closed) = (b.postpaid(&left.id).await, b.postpaid(&left.id).await);
    b.uses(&moved, "100").await;
    charge(&moved, "moved").await;
    charge(&closed, "closed").await;
    let before = b.w.available(&moved).await;
    b.until("2026-11-12T00:00:00Z");
    b.w.operator().post(&format!("/reseller/accounts/{moved}/move"), json!({ "parent_id": right.id })).send().await.is(200);
    b.w.operator().pay(&format!("/reseller/accounts/{closed}/close"), json!({})).send().await.is(200);
    b.until("2026-11-12T00:05:00Z");
    b.run().await;
    b.run().await;
    let waiting = async |customer: &str| b.app().store().billing(&id(customer)).await.expect("read").expect("there").charges;
    assert_eq!(b.invoices(&moved).await.iter().map(|invoice| invoice.total.to_string()).collect::<Vec<_>>(), ["0.000000"]);
    assert_eq!(waiting(&moved).await, [], "70 came back as credit from the old seller");
    let cents = |text: &str| text.replace('.', "").parse::<i64>().expect("an amount");
    assert_eq!(cents(&b.w.available(&moved).await) - cents(&before), 70_000_000);
    // A closed account takes no credit: what it is owed is there to be seen, until its seller says that it was given back.
    let left_over = waiting(&closed).await;
    assert_eq!(left_over.iter().map(|charge| charge.amount.to_string()).collect::<Vec<_>>(), ["-100.000000"]);
    let one = format!("/reseller/billing/charges/{}?account_id={closed}", left_over[0].id);
    left.api.delete(&one).send().await.is(200);
    assert_eq!(waiting(&closed).await, []);
}

#[tokio::test]
async fn an_account_in_another_zone_has_its_periods_end_there() {
    let b = Bills::new().await;
    let master = b.w.master.id.clone();
    b.sells(&master, json!({ "fees": [{ "id": "base", "name": "Base", "amount": "1" }] })).await;
    let (moved, own) = (b.postpaid(&master).await, b.postpaid(&master).await);
    b.profile(&own, json!({ "time_zone": "America/New_York" })).await;
    for customer in [&moved, &own] {
        let berlin = json!({ "settings": { "time_zone": "Europe/Berlin" } });
        b.w.operator().put(&format!("/reseller/accounts/{customer}"), berlin).send().await.is(200);
    }
    for end in ["2026-12-01T05:05:00Z", "2027-01-01T05:05:00Z"] {
        b.until(end);
        b.run().await;
    }
    let ends = async |customer: &str| b.invoices(customer).await.iter().map(|invoice| invoice.period.end).collect::<Vec<_>>();
    assert_eq!(ends(&moved).await, [at("2026-11-30T23:00:00Z"), at("2026-12-31T23:00:00Z")], "and no period of an hour");
    assert_eq!(ends(&own).await, [at("2026-12-01T05:00:00Z"), at("2027-01-01T05:00:00Z")], "its profile says where");
}
