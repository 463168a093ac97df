//! Test clocks: months go by in one tree, with all they bring, and nowhere else.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tributary_domain::billing::invoice::InvoiceState;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::LedgerId;
use tributary_store::faulty::{Faults, Faulty, Moment};
use tributary_store::memory::MemoryTable;
use tributary_store::table::Table;

use crate::billing_run::{invoices, work};
use crate::support::api::{Answer, Api, Inside, START, Target};
use crate::support::events::tell;
use crate::support::world::{Node, World, merge};

const CLOCKS: &str = "/reseller/test-clocks";
const HEADER: &str = "tributary-test-clock";

/// A reseller on a clock with a customer that owes and one that pays from its credit and tops itself up; and both kinds beside it.
struct Tree {
    w: World,
    clock: String,
    root: Node,
    owes: Node,
    pays: Node,
    outside: String,
    outside_hold: String,
    hold: String,
}

impl Tree {
    async fn new() -> Self {
        let w = World::in_process().await;
        let root = fresh(&w).await;
        let clock = w.operator().post(CLOCKS, json!({ "account_id": root, "name": "Trial" })).send().await.is(201).id();
        let root = Node { api: w.key_for(&root, "owner").await, id: root };
        w.fund(&root.id, "1000").await;
        w.fund(&w.master.id, "1000").await;
        let settings = json!({
            "fees": [{ "id": "base", "name": "Base", "amount": "10" }],
            "dunning": { "retry_days": [1, 20], "remind_days": [1], "suspend_after_days": 3, "uncollectible_after_days": null },
        });
        for seller in [&root, &w.master] {
            seller.api.put("/reseller/billing/settings", settings.clone()).send().await.is(200);
        }
        let owes = w.create(&root.id, json!({ "funding": "postpaid" })).await.id();
        let owes = Node { api: w.key_for(&owes, "owner").await, id: owes };
        let pays = w.funded_child_of(&root.id, "25").await;
        let pays = Node { api: w.key_for(&pays, "owner").await, id: pays };
        let topup = json!({ "account_id": pays.id, "threshold": "12", "amount": "20", "source": "parent" });
        root.api.put("/reseller/credits/auto-topup", topup.clone()).send().await.is(200);
        let outside = w.funded_child_of(&w.master.id, "25").await;
        merge_topup(&w.master.api, topup, &outside).await;
        let hold = hold(&pays.api, &pays.id).await;
        let outside_hold = self::hold(w.operator(), &outside).await;
        for (seller, buyer) in [(&root.api, &pays.api)] {
            let package = json!({ "name": "Month", "credits": "5", "bonus": "0", "price": "5", "valid_days": 20 });
            let package = seller.post("/reseller/pricing/packages", package).send().await.is(201).id();
            buyer.pay("/reseller/credits/purchase", json!({ "package_id": package })).send().await.is(201);
        }
        let tree = Self { w, clock, root, owes, pays, outside, outside_hold, hold };
        tell(tree.inside()).await;
        tree
    }

    fn inside(&self) -> &Inside {
        self.w.target.inside("test clocks").expect("in this process")
    }

    fn path(&self) -> String {
        format!("{CLOCKS}/{}", self.clock)
    }

    async fn advance(&self, to: &str) -> Answer {
        let path = format!("{}/advance", self.path());
        let on_the_way = self.w.operator().post(&path, json!({ "to": to })).send().await.is(202);
        assert_eq!((on_the_way.word("state"), &on_the_way.word("target")[..19]), ("advancing", &to[..19]));
        assert!(work(&self.inside().app, &self.inside().outside.billing).await, "nothing fails");
        let there = self.w.operator().get(&self.path()).send().await.is(200);
        assert_eq!((there.word("state"), &there.word("now")[..19], there["target"].is_null()), ("ready", &to[..19], true));
        there
    }

    async fn invoices(&self, account: &Node) -> Vec<(String, InvoiceState, Timestamp)> {
        let all = invoices(&self.inside().app, &account.id).await;
        all.into_iter().map(|invoice| (invoice.period.label.to_string(), invoice.state, invoice.issued_at.expect("issued"))).collect()
    }

    async fn status(&self, account: &Node) -> String {
        let path = format!("/reseller/accounts/{}", account.id);
        self.w.operator().get(&path).send().await.is(200).word("status").to_owned()
    }
}

async fn fresh(w: &World) -> String {
    let name = w.unique("Tree");
    let body = json!({ "name": name, "external_id": name, "kind": "reseller" });
    w.operator().post("/reseller/accounts/create", body).send().await.is(201).id()
}

async fn merge_topup(api: &Api, mut topup: Value, account: &str) {
    merge(&mut topup, json!({ "account_id": account }));
    api.put("/reseller/credits/auto-topup", topup).send().await.is(200);
}

async fn hold(api: &Api, account: &str) -> String {
    api.pay("/reseller/credits/holds", json!({ "account_id": account, "amount": "3" })).send().await.is(201).id()
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Everything that the platform holds of accounts outside the tree.
async fn beside(inside: &Inside, t: &Tree) -> String {
    let mut seen = String::new();
    for account in [&t.outside, &t.w.master.id] {
        let id: AccountId = account.parse().expect("an id");
        let head = inside.app.store().head(&LedgerId::Account(id.clone())).await.expect("a head");
        let billing = inside.app.store().billing(&id).await.expect("it reads");
        seen.push_str(&format!("{head:?} {billing:?} {:?}\n", invoices(&inside.app, account).await));
    }
    let hold = t.w.operator().get(&format!("/reseller/credits/holds/{}", t.outside_hold)).send().await.is(200);
    seen + &hold.text
}

#[tokio::test]
async fn three_months_go_by_in_one_tree_with_all_that_they_bring() {
    let t = Tree::new().await;
    let before = beside(t.inside(), &t).await;
    // Requests of the tree are at its time.
    let there = t.advance("2026-12-20T12:00:00Z").await;
    assert_eq!(there.word("account_id"), t.root.id);
    let issued = at("2026-12-01T00:02:00Z");
    assert_eq!(t.invoices(&t.owes).await, [("2026-11".to_owned(), InvoiceState::PastDue, issued)]);
    assert_eq!(t.status(&t.owes).await, "suspended", "three days after it was due");
    assert_eq!(t.invoices(&t.pays).await, [("2026-11".to_owned(), InvoiceState::Paid, issued)]);
    let hold = t.pays.api.get(&format!("/reseller/credits/holds/{}", t.hold)).send().await.is(200);
    assert_eq!((hold.word("status"), &hold.word("ended_at")[..19]), ("expired", "2026-11-09T08:00:00"));
    let history = t.pays.api.get("/reseller/credits/history").send().await.is(200);
    let kinds = history.column("kind");
    for kind in ["auto_topup", "lot_expired", "invoice_payment", "expiry"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} of {kinds:?}");
    }
    let told: Vec<String> =
        tell(t.inside()).await.iter().filter(|event| event.account_id.to_string() == t.owes.id).map(|event| event.kind.word()).collect();
    for kind in ["invoice.finalized", "invoice.past_due", "invoice.reminded", "dunning.suspended", "account.suspended"] {
        assert_eq!(told.iter().filter(|word| *word == kind).count(), 1, "{kind} of {told:?}");
    }
    // It pays, and is lifted at the next try.
    t.w.fund(&t.owes.id, "100").await;
    t.advance("2027-02-02T00:00:00Z").await;
    assert_eq!(t.status(&t.owes).await, "active");
    for account in [&t.owes, &t.pays] {
        let all = t.invoices(account).await;
        let labels: Vec<&str> = all.iter().map(|(label, _, _)| label.as_str()).collect();
        assert_eq!(labels, ["2026-11", "2026-12", "2027-01"]);
        assert!(all.iter().all(|(_, state, _)| *state == InvoiceState::Paid), "{all:?}");
        assert_eq!(all[2].2, at("2027-02-01T00:02:00Z"));
    }
    // Nobody else has noticed.
    assert_eq!(beside(t.inside(), &t).await, before);
    let made = t.root.api.post("/reseller/accounts/create", json!({ "name": "Late" })).send().await.is(201);
    assert_eq!(&made.word("created_at")[..19], "2027-02-02T00:00:00");
    let named = t.w.operator().get("/reseller/credits/balance").header(HEADER, t.clock.as_bytes()).send().await;
    named.is(200);
}

/// All that is kept of a tree.
async fn end(inside: &Inside, t: &Tree) -> String {
    let mut seen = String::new();
    for node in [&t.root, &t.owes, &t.pays] {
        let id: AccountId = node.id.parse().expect("an id");
        let head = inside.app.store().head(&LedgerId::Account(id.clone())).await.expect("a head");
        let account = inside.app.store().account(&id).await.expect("it is there");
        seen.push_str(&format!("{} {} {} {} {:?} {}\n", node.id, head.seq, head.available, head.held, account.status, head.at));
        for invoice in invoices(&inside.app, &node.id).await {
            let (state, number) = (invoice.state, &invoice.number);
            seen.push_str(&format!("  {state:?} {number:?} {}\n", String::from_utf8_lossy(&invoice.content())));
        }
    }
    let clock = inside.app.store().test_clocks().await.expect("they read").pop().expect("a clock");
    format!("{seen}{:?} {:?}", clock.state(), clock.now(inside.app.now()))
}

#[tokio::test]
async fn an_advance_that_is_killed_at_any_call_ends_the_same() {
    let t = Tree::new().await;
    let settings = json!({
        "fees": [{ "id": "base", "name": "Base", "amount": "10" }], "terms_days": 0,
        "dunning": { "retry_days": [1], "remind_days": [1], "suspend_after_days": 1, "uncollectible_after_days": null },
    });
    t.root.api.put("/reseller/billing/settings", settings).send().await.is(200);
    t.advance("2026-11-30T23:00:00Z").await;
    let hold = json!({ "account_id": t.pays.id, "amount": "1", "expires_at": "2026-12-01T12:00:00Z" });
    t.pays.api.pay("/reseller/credits/holds", hold).send().await.is(201);
    tell(t.inside()).await;
    t.w.operator().post(&format!("{}/advance", t.path()), json!({ "to": "2026-12-02T00:05:00Z" })).send().await.is(202);
    let bodies = t.inside().outside.billing.bodies();
    let whole = t.w.target.fork();
    let inside = whole.inside("a fork").expect("in process");
    assert!(work(&inside.app, &inside.outside.billing).await);
    let wanted = end(inside, &t).await;
    assert!(wanted.contains("Suspended") && wanted.contains("Ready"), "{wanted}");
    let mut calls = 0;
    loop {
        let mut died = false;
        for moment in [Moment::Before, Moment::After] {
            let target: Target = t.w.target.fork();
            let inside = target.inside("a fork").expect("in process");
            let table: Arc<Faulty<MemoryTable>> = Arc::new(Faulty::new(inside.memory.clone(), calls, Faults::none()));
            let dying = inside.process(Arc::clone(&table) as Arc<dyn Table>);
            table.kill_in(calls, moment);
            work(&dying, &inside.outside.billing).await;
            died |= table.is_killed();
            // The message is given again, and twice.
            for body in bodies.iter().chain(&bodies) {
                tributary_runtime::queue::Queue::send(&inside.outside.billing, body).await.expect("it is sent");
            }
            assert!(work(&inside.app, &inside.outside.billing).await);
            assert_eq!(end(inside, &t).await, wanted, "killed {moment:?} call {calls}");
        }
        if !died {
            assert!(calls > 100, "an advance makes more than {calls} calls");
            return;
        }
        calls += 1;
    }
}

#[tokio::test]
async fn the_schedules_leave_the_tree_alone_and_its_time_flows() {
    let t = Tree::new().await;
    t.advance("2026-11-25T00:00:00Z").await;
    let stands = end(t.inside(), &t).await;
    let app = &t.inside().app;
    // By the platform's time the hold is over only now; the tree did that long ago, and nothing else of it is due.
    assert!(t.w.target.advance_s(8 * 86_400, "the clock"));
    let run = tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    assert_eq!(run["expired"], 1, "the hold outside");
    tributary_watcher::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    let heads = |seen: &str| seen.lines().filter(|line| line.starts_with("acc_")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(heads(&end(t.inside(), &t).await), heads(&stands));
    // Its month is over since: each run of the schedule has what is due done, in its time.
    let fired = crate::billing_run::fire(app, &t.inside().outside.billing).await.expect("a run");
    assert_eq!(fired["accounts"], 0, "nothing is due by the platform's time");
    let invoiced = t.invoices(&t.owes).await;
    assert_eq!(invoiced, [("2026-11".to_owned(), InvoiceState::Finalized, at("2026-12-03T00:00:00Z"))]);
    assert_eq!(crate::billing_run::fire(app, &t.inside().outside.billing).await.expect("a run")["accounts"], 0);
    assert_eq!(t.invoices(&t.owes).await.len(), 1);
}

#[tokio::test]
async fn what_stands_against_a_clock_is_said() {
    let w = World::in_process().await;
    let operator = w.operator();
    let make = |account: &str| operator.post(CLOCKS, json!({ "account_id": account }));
    make(&w.master.id).send().await.refused(409, "conflict");
    let child = w.child_of(&w.master.id).await;
    make(&child).send().await.refused(409, "conflict");
    let own = operator.get("/reseller/credits/balance").send().await.is(200).word("account_id").to_owned();
    make(&own).send().await.refused(409, "conflict");
    let (funded, root) = (fresh(&w).await, fresh(&w).await);
    w.fund(&funded, "1").await;
    make(&funded).send().await.refused(409, "conflict");
    w.master.api.post(CLOCKS, json!({ "account_id": child })).send().await.refused(403, "forbidden");
    w.master.api.get(CLOCKS).send().await.refused(403, "forbidden");
    let clock = make(&root).send().await.is(201);
    make(&root).send().await.refused(409, "conflict");
    let path = format!("{CLOCKS}/{}", clock.id());
    assert_eq!(operator.get(CLOCKS).send().await.is(200).column("id"), [clock.id()]);
    let advance = |body: Value| operator.post(&format!("{path}/advance"), body);
    for (body, pointer) in [
        (json!({}), ""),
        (json!({ "to": START, "by_days": 1 }), "/by_days"),
        (json!({ "to": START }), "/to"),
        (json!({ "to": "2020-01-01T00:00:00Z" }), "/to"),
        (json!({ "to": "2028-11-02T08:00:00Z" }), "/to"),
        (json!({ "by_days": 0 }), "/by_days"),
        (json!({ "by_days": -1 }), "/by_days"),
        (json!({ "by_days": 401 }), "/by_days"),
    ] {
        let refused = advance(body.clone()).send().await.refused(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    advance(json!({ "by_days": 1 })).send().await.is(202);
    advance(json!({ "by_days": 1 })).send().await.refused(409, "conflict");
    operator.get(&format!("{CLOCKS}/clk_01hx3v9k2mfd8bq5r7w1z4n6ty")).send().await.refused(404, "not_found");
    operator.delete(&path).send().await.refused(409, "conflict");
    // Nothing moves into or out of the tree.
    let inner = w.create(&root, json!({ "kind": "reseller" })).await.id();
    for (account, to) in [(&child, &root), (&child, &inner), (&inner, &w.master.id), (&root, &w.master.id), (&inner, &own)] {
        let path = format!("/reseller/accounts/{account}/move");
        operator.post(&path, json!({ "parent_id": to })).send().await.refused(409, "conflict");
    }
    // Whose clock it is not, does not name it.
    for (api, named) in [(&w.master.api, clock.id()), (operator, "clk_01hx3v9k2mfd8bq5r7w1z4n6ty".to_owned()), (operator, "now".to_owned())]
    {
        let refused = api.get("/reseller/accounts").header(HEADER, named.as_bytes()).send().await.refused(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], format!("/header/{HEADER}"));
    }
    // What is closed gives its clock back.
    for account in [&inner, &root] {
        operator.pay(&format!("/reseller/accounts/{account}/close"), json!({})).send().await.is(200);
    }
    operator.delete(&path).send().await.is(200);
    operator.get(&path).send().await.refused(404, "not_found");
}
