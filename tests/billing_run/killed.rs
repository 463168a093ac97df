//! A run that is killed at any of its calls is gone on with, and ends as one that was not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tributary_domain::billing::run::RunState;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::runs::RunKept;
use tributary_store::table::Table;

use super::{Bills, fire, invoices, work};
use crate::support::api::{Inside, Target};

/// Two sellers, one of which keeps drafts, with customers that are used, moved, and idle; two periods are missed.
struct Tree {
    b: Bills,
    accounts: Vec<String>,
}

impl Tree {
    async fn new() -> Self {
        let b = Bills::new().await;
        let master = b.w.master.id.clone();
        b.sells(&master, json!({ "fees": [{ "id": "base", "name": "Base", "amount": "1" }] })).await;
        let reseller = b.reseller(&master).await;
        b.sells(&reseller.id, json!({ "number_prefix": "SUB", "tax_rates": [{ "id": "vat", "name": "VAT", "percent": "7.7" }] })).await;
        let mut accounts = vec![master.clone(), reseller.id.clone()];
        for parent in [&master, &master, &reseller.id, &reseller.id] {
            let customer = b.postpaid(parent).await;
            b.uses(&customer, "11").await;
            accounts.push(customer);
        }
        b.until("2026-11-20T00:00:00Z");
        b.w.operator().post(&format!("/reseller/accounts/{}/move", accounts[3]), json!({ "parent_id": reseller.id })).send().await.is(200);
        b.until("2026-12-20T00:00:00Z");
        b.uses(&accounts[3], "5").await;
        b.until("2027-01-01T00:05:00Z");
        Self { b, accounts }
    }

    /// What there is in the end: each invoice with its number, and the digest of the run.
    async fn end(&self, inside: &Inside) -> (Vec<String>, Vec<String>, Option<String>) {
        let (mut found, mut numbers) = (Vec::new(), Vec::new());
        for account in &self.accounts {
            for invoice in invoices(&inside.app, account).await {
                found.push(format!("{account} {}-{} {}", invoice.period.label, invoice.part, String::from_utf8_lossy(&invoice.content())));
                numbers.push(format!("{} {}", invoice.seller_id, invoice.number.unwrap_or_default()));
            }
        }
        numbers.sort();
        let operator = inside.app.store().operator().await.expect("it reads").expect("an operator");
        let (runs, _) = inside.app.store().runs(&operator, 9, None).await.expect("they read");
        let billed: Vec<&RunKept> = runs.iter().filter(|kept| kept.run.counts.invoices > 0).collect();
        assert!(runs.iter().all(|kept| kept.run.state == RunState::Completed), "{runs:?}");
        let digest = billed.first().and_then(|kept| kept.run.digest.clone()).filter(|_| billed.len() == 1);
        (found, numbers, digest)
    }
}

/// How far the newest run is.
async fn phase(inside: &Inside) -> &'static str {
    let operator = inside.app.store().operator().await.expect("it reads").expect("an operator");
    let (runs, _) = inside.app.store().runs(&operator, 1, None).await.expect("they read");
    match runs.first() {
        None => "before",
        Some(kept) => match kept.run.state {
            RunState::Listing => "listing",
            RunState::Working if kept.done < kept.run.chunks => "working",
            RunState::Working => "ending",
            RunState::Completed => "after",
        },
    }
}

/// Fires until nothing is open; what was lost with a worker is told again by the schedule.
async fn finish(inside: &Inside) {
    for _ in 0..40 {
        let summary = fire(&inside.app, &inside.outside.billing).await.expect("a run");
        if summary["accounts"] == 0 && summary["open"] == 0 {
            return;
        }
        inside.clock.advance_ms(300_000);
    }
    panic!("the run does not end");
}

#[tokio::test]
async fn a_billing_run_killed_at_any_call_ends_with_the_same_digest() {
    let tree = Tree::new().await;
    let whole = tree.b.w.target.fork();
    finish(whole.inside("billing").expect("in process")).await;
    let wanted = tree.end(whole.inside("billing").expect("in process")).await;
    assert!(wanted.2.is_some() && wanted.0.len() >= 10, "{wanted:?}");
    let mut calls = 0;
    // Where it was killed, and how often the same run went on from there.
    let (mut killed, mut gone_on): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let mut died = false;
        for moment in [Moment::Before, Moment::After] {
            let target: Target = tree.b.w.target.fork();
            let inside = target.inside("billing").expect("in process");
            let table: Arc<Faulty<MemoryTable>> = Arc::new(Faulty::new(inside.memory.clone(), calls, Faults::none()));
            let app = inside.process(Arc::clone(&table) as Arc<dyn Table>);
            table.kill_in(calls, moment);
            // The first process dies at that call, and its messages with it, or they are given again.
            let _ = tributary_billing_run::handle(&app, json!({}), &app.run_id("")).await;
            if calls % 2 == 0 {
                let lost = inside.outside.billing.bodies();
                work(&app, &inside.outside.billing).await;
                if calls % 4 == 0 {
                    for body in lost {
                        tributary_runtime::queue::Queue::send(&inside.outside.billing, &body).await.expect("it is sent");
                    }
                }
            } else {
                work(&app, &inside.outside.billing).await;
            }
            died |= table.is_killed();
            let at = if table.is_killed() { phase(inside).await } else { "not at all" };
            *killed.entry(at).or_default() += 1;
            finish(inside).await;
            let (found, numbers, digest) = tree.end(inside).await;
            assert_eq!(found, wanted.0, "killed {moment:?} call {calls}");
            assert_eq!(numbers, wanted.1, "killed {moment:?} call {calls}");
            match digest {
                Some(digest) => {
                    assert_eq!(Some(&digest), wanted.2.as_ref(), "killed {moment:?} call {calls}");
                    *gone_on.entry(at).or_default() += 1;
                }
                // What it had not listed is in another run, and each has a digest of its own over what it billed.
                None => assert_eq!(at, "listing", "killed {moment:?} call {calls}"),
            }
        }
        if !died {
            let points: usize = killed.iter().filter(|(at, _)| **at != "not at all").map(|(_, times)| times).sum();
            eprintln!("killed at {points} points: {killed:?}; the same run went on: {gone_on:?}");
            assert!(points >= 100, "{killed:?}");
            for at in ["before", "listing", "working", "ending", "after"] {
                assert!(gone_on.get(at).is_some_and(|times| *times > 0), "{at}: {killed:?} {gone_on:?}");
            }
            return;
        }
        calls += 1;
    }
}
