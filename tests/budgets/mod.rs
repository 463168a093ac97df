//! What each operation costs in calls and capacity units, counted at the seam, the credential's read included. The table
//! is `budgets.txt`, which the documentation cites; `UPDATE_GOLDEN=1 cargo test -p tributary-tests budgets` writes it anew.

mod billing;
mod billing_run;
mod insights;
mod sessions;
mod usage;
mod watching;
mod webhooks;

use std::sync::Arc;

use serde_json::json;
use tributary_runtime::ids::SeededIds;
use tributary_store::counting::{Counting, Counts};
use tributary_store::memory::MemoryTable;

use crate::golden::golden;
use crate::support::api::{Ask, Target};
use crate::support::world::World;

/// A world whose table counts, with ids that follow from a seed: sizes and stripes are the same in every run.
struct Counted {
    w: World,
    table: Arc<Counting<MemoryTable>>,
    lines: Vec<String>,
}

impl Counted {
    async fn new() -> Self {
        let memory = MemoryTable::new();
        let table = Arc::new(Counting::new(memory.clone()));
        let target = Target::over(Arc::new(Arc::clone(&table)), memory, Arc::new(SeededIds::new(7))).await;
        Self { w: World::on(target).await, table, lines: Vec::new() }
    }

    /// What one request costs; it must succeed.
    async fn cost(&mut self, what: &str, ask: Ask) -> Counts {
        self.table.reset();
        let answer = ask.send().await;
        let counts = self.table.reset();
        assert!((200..300).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
        self.note(what, counts);
        counts
    }

    fn note(&mut self, what: &str, c: Counts) {
        let reads = format!("{}.{}", c.read_half_units / 2, c.read_half_units % 2 * 5);
        self.lines.push(format!(
            "{what:<58}{:>5}{:>5}{:>7}{:>6}{:>7}{:>10}{reads:>10}{:>10}{:>10}",
            c.calls(),
            c.gets,
            c.batch_gets,
            c.queries,
            c.writes,
            c.transacts,
            c.write_units,
            c.index_write_units
        ));
    }

    fn table(&self) -> String {
        let head = format!(
            "{:<58}{:>5}{:>5}{:>7}{:>6}{:>7}{:>10}{:>10}{:>10}{:>10}",
            "operation, the credential's read included",
            "calls",
            "get",
            "batch",
            "query",
            "write",
            "transact",
            "read RU",
            "table WU",
            "index WU"
        );
        format!("{head}\n{}\n", self.lines.join("\n"))
    }
}

fn reads(gets: u64, batch_gets: u64, queries: u64) -> Counts {
    Counts { gets, batch_gets, queries, ..Counts::default() }
}

/// The same counts with nothing but the number of reading calls.
fn only_reads(c: Counts) -> Counts {
    Counts { gets: c.gets, batch_gets: c.batch_gets, queries: c.queries, writes: c.writes, transacts: c.transacts, ..Counts::default() }
}

#[tokio::test]
async fn every_operation_keeps_its_budget_of_calls_and_units() {
    let mut c = Counted::new().await;
    reading(&mut c).await;
    moving(&mut c).await;
    holding(&mut c).await;
    buying(&mut c).await;
    keeping_accounts(&mut c).await;
    granting(&mut c).await;
    pricing(&mut c).await;
    using(&mut c).await;
    reporting(&mut c).await;
    in_bulk(&mut c).await;
    watching::watching(&mut c).await;
    insights::insights(&mut c).await;
    billing::billing(&mut c).await;
    billing_run::running(&mut c).await;
    webhooks::telling(&mut c).await;
    sessions::signing_in(&mut c).await;
    reconciling(&mut c).await;
    golden("budgets/budgets.txt", &c.table());
    documented(&c.table());
}

/// The table as the documentation shows it.
fn documented(table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/DATA-MODEL.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let (before, rest) = document.split_once("```text\noperation, ").expect("the table in the document");
    let (_, after) = rest.split_once("```").expect("the table's end");
    let right = format!("{before}```text\n{table}```{after}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, right).expect("the document is written");
    } else {
        assert!(document == right, "docs/DATA-MODEL.md shows other budgets than tests/budgets/budgets.txt; UPDATE_GOLDEN=1 mends it");
    }
}

/// What a job costs, beside its heads: an account's newest entry is found by a query of its own, and no other way.
async fn in_bulk(c: &mut Counted) {
    let mut own = Counted::new().await;
    let master = own.w.master.api.clone();
    own.w.fund(&own.w.master.id, "5000").await;
    let mut rows = Vec::new();
    for n in 0..1_000 {
        let id = own.w.child_of(&own.w.master.id).await;
        rows.push(json!({ "account_id": id, "amount": "1.5", "reference": format!("Invoice {n}") }));
    }
    let job = master.pay("/reseller/bulk/credits", json!({ "rows": rows })).send().await.is(202);
    own.table.reset();
    crate::flows::bulk::work(&own.w).await;
    let counts = own.table.reset();
    own.note("bulk: 1,000 credits from start to end", counts);
    let done = master.get(&format!("/reseller/bulk/{}", job.id())).send().await.is(200);
    assert_eq!((done.word("state"), done["done"].as_i64()), ("completed", Some(1_000)), "{}", done.text);
    // The payer's debit, the credits, and the end; nothing is left to return.
    assert!(counts.transacts <= 11 + 2, "{} transactions", counts.transacts);
    // Ten reads of the accounts, one query of each head, one write of each chunk, and as many calls as for ten rows beside.
    assert_eq!(counts.batch_gets, 10);
    let few = json!({ "rows": rows[..10].iter().map(|row| json!({ "account_id": row["account_id"], "amount": "1" })).collect::<Vec<_>>() });
    own.cost("start a bulk job of 10 credits", master.pay("/reseller/bulk/credits", few)).await;
    own.table.reset();
    crate::flows::bulk::work(&own.w).await;
    let ten = own.table.reset();
    own.note("bulk: 10 credits from start to end", ten);
    // Before each hundred rows and each chunk three calls ask what the key may now, so that one that is revoked does no more.
    let asked = |c: Counts, chunks: u64| 3 * (c.batch_gets + chunks);
    let beside = |c: Counts, chunks: u64, rows: u64| c.calls() - (c.transacts + c.batch_gets + rows + 2 * chunks + asked(c, chunks));
    assert!(beside(counts, 11, 1_000) <= beside(ten, 1, 10) + 2, "{counts:?} {ten:?}");
    own.cost("how far a bulk job is", master.get(&format!("/reseller/bulk/{}", job.id()))).await;
    own.cost("page of 50 rows of a bulk job", master.get(&format!("/reseller/bulk/{}/rows", job.id()))).await;
    c.lines.append(&mut own.lines);
}

async fn reading(c: &mut Counted) {
    let master = c.w.master.api.clone();
    let account = c.w.child_of(&c.w.master.id).await;
    c.w.fund(&account, "10").await;
    for _ in 0..50 {
        c.w.child_of(&c.w.master.id).await;
    }
    let own = c.w.master.id.clone();
    let path = format!("/reseller/accounts/{own}/permissions");
    let permissions = c.cost("who am I and what may I do", master.get(&path)).await;
    assert_eq!(only_reads(permissions), reads(2, 0, 0), "the credential is one read, the account one");
    let balance = c.cost("balance", master.get("/reseller/credits/balance")).await;
    assert_eq!((only_reads(balance), balance.read_half_units), (reads(1, 0, 1), 4), "a balance is one read");
    let page = c.cost("page of 50 accounts", master.get("/reseller/accounts?limit=50")).await;
    assert_eq!((page.queries, page.gets, page.writes + page.transacts), (1, 2, 0), "one query and the parent");
    assert!(page.batch_gets <= 1, "at most one look at the ancestors");
    c.cost("page of 50 accounts by name", master.get("/reseller/accounts?limit=50&sort=name")).await;
    c.cost("page of 50 accounts of a subtree", master.get("/reseller/accounts?limit=50&subtree=true")).await;
    c.cost("an account", master.get(&format!("/reseller/accounts/{account}"))).await;
    let history = c.cost("page of history", master.get(&format!("/reseller/credits/history?account_id={account}"))).await;
    assert_eq!(only_reads(history), reads(1, 0, 2), "the newest entry, then one query");
    let holds = c.cost("page of holds", master.get(&format!("/reseller/credits/holds?account_id={account}"))).await;
    assert_eq!(only_reads(holds), reads(1, 0, 2));
    c.table.reset();
    c.w.target.nobody.with("garbage").get("/reseller/credits/balance").send().await.refused(401, "unauthorized");
    let garbage = c.table.reset();
    assert_eq!(garbage, Counts::default(), "a key that cannot be one costs nothing");
    c.note("a garbage key", garbage);
}

/// A chain of resellers of that length below the master, with two funded customers at its end.
async fn deep_pair(c: &Counted, resellers: usize) -> (String, String) {
    let mut parent = c.w.master.id.clone();
    for _ in 0..resellers {
        parent = c.w.create(&parent, json!({ "kind": "reseller" })).await.id();
    }
    (c.w.funded_child_of(&parent, "100").await, c.w.funded_child_of(&parent, "100").await)
}

async fn moving(c: &mut Counted) {
    let master = c.w.master.api.clone();
    let (left, right) = (c.w.other_master(json!({})).await.id, c.w.other_master(json!({})).await.id);
    c.w.fund(&left, "100").await;
    c.w.fund(&right, "100").await;
    let operator = c.w.operator().clone();
    let pay = |api: &crate::support::api::Api, from: &str, to: &str| {
        api.pay("/reseller/credits/transfer", json!({ "from": from, "to": to, "amount": "1" }))
    };
    let warm = c.cost("transfer between two masters, warm", pay(&operator, &left, &right)).await;
    within_transfer_budget(warm, 0);
    for (resellers, checked) in [(0, 1), (1, 2), (5, 6)] {
        let (a, b) = deep_pair(c, resellers).await;
        let what = format!("transfer between siblings at depth {}, warm", resellers + 2);
        let warm = c.cost(&what, pay(&master, &a, &b)).await;
        within_transfer_budget(warm, checked);
    }
    let (a, b) = deep_pair(c, 0).await;
    c.w.fund(&c.w.master.id, "100").await;
    let body = json!({ "account_id": a, "amount": "1" });
    within_transfer_budget(c.cost("allocate to a child, warm", master.pay("/reseller/credits/allocate", body)).await, 1);
    let idem = master.unique("replayed");
    pay(&master, &a, &b).idem(&idem).send().await.is(201);
    let replay = c.cost("transfer, replayed", pay(&master, &a, &b).idem(&idem)).await;
    assert_eq!(replay.index_write_units, 0, "a replay writes nothing");
    let legs = |n: usize| {
        let legs: Vec<_> = (0..n).map(|_| json!({ "from": a, "to": b, "amount": "0.5" })).collect();
        master.pay("/reseller/credits/transfers", json!({ "legs": legs }))
    };
    // A replay forgets what it had remembered of the two ledgers.
    pay(&master, &a, &b).send().await.is(201);
    let two = c.cost("two legs between the same two accounts, warm", legs(2)).await;
    let forty = c.cost("forty legs between the same two accounts, warm", legs(40)).await;
    assert_eq!((two.calls(), forty.calls()), (2, 2));
    let done = pay(&master, &a, &b).send().await.is(201).id();
    c.cost("a transfer looked up", master.get(&format!("/reseller/credits/transfers/{done}"))).await;
    c.cost("reversal", master.pay(&format!("/reseller/credits/transfers/{done}/reverse"), json!({}))).await;
    c.cost("issue", operator.pay("/reseller/credits/issue", json!({ "account_id": a, "amount": "1" }))).await;
}

/// One transaction after the credential's read; at most 7 write units, indexes included, and 2 more for each ancestor
/// that is checked.
#[track_caller]
fn within_transfer_budget(c: Counts, checked: u64) {
    assert_eq!((c.calls(), c.gets, c.transacts), (2, 1, 1), "{c:?}");
    assert_eq!(c.read_half_units, 2, "{c:?}");
    assert!(c.write_units + c.index_write_units <= 7 + 2 * checked, "{c:?} with {checked} ancestors checked");
}

async fn holding(c: &mut Counted) {
    let master = c.w.master.api.clone();
    let (a, b) = deep_pair(c, 0).await;
    let hold = |amount: &str| master.pay("/reseller/credits/holds", json!({ "account_id": a, "to": b, "amount": amount }));
    let end = |id: &str, how: &str| master.pay(&format!("/reseller/credits/holds/{id}/{how}"), json!({}));
    let made = c.cost("hold", hold("1")).await;
    assert_eq!(made.transacts, 1);
    let (captured, released) = (hold("1").send().await.is(201).id(), hold("1").send().await.is(201).id());
    assert_eq!(c.cost("capture", end(&captured, "capture")).await.transacts, 1);
    assert_eq!(c.cost("release", end(&released, "release")).await.transacts, 1);
    hold("1").send().await.is(201);
    c.w.target.advance_s(8 * 24 * 3600, "the expiry of holds");
    c.table.reset();
    let app = &c.w.target.inside("the schedule").expect("in this process").app;
    let run = tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    let counts = c.table.reset();
    assert_eq!(run["expired"], 2, "{run}");
    c.note("housekeeping run that sets two holds free", counts);
    let app = &c.w.target.inside("the schedule").expect("in this process").app;
    tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    let idle = c.table.reset();
    assert_eq!(idle.writes + idle.transacts, 0, "an idle run writes nothing");
    c.note("housekeeping run with nothing due", idle);
}

/// A platform of its own, so that the number of accounts and entries is this one's.
async fn reconciling(c: &mut Counted) {
    let mut own = Counted::new().await;
    let (a, b) = deep_pair(&own, 0).await;
    for _ in 0..25 {
        let legs: Vec<_> = (0..40).map(|_| json!({ "from": a, "to": b, "amount": "0.01" })).collect();
        own.w.master.api.pay("/reseller/credits/transfers", json!({ "legs": legs })).send().await.is(201);
    }
    own.w.target.advance_s(3_600, "the settling of transfers");
    let app = own.w.target.inside("the schedule").expect("in this process").app.clone();
    own.table.reset();
    let run = tributary_reconcile::handle(&app, json!({}), &app.run_id(""), 3_600).await.expect("a run");
    let counts = own.table.reset();
    // The operator, the master and two customers; each customer was opened, funded, and has a side of 1,000 legs.
    assert_eq!((&run["accounts"], &run["entries"], &run["pass_complete"]), (&json!(4), &json!(2_008), &json!(true)), "{run}");
    assert_eq!(run["drift"], 0, "{run}");
    // The state, and once ever the newest pass; a list with its accounts; of each account a page and one batch, one page more where it holds a thousand; 64
    // system ledgers; sums.
    assert_eq!(only_reads(counts), Counts { transacts: 1, ..reads(2, 1 + 4, 1 + 1 + 6 + 64) });
    own.note("reconcile pass over 4 accounts and 2,008 entries", counts);
    let idle = tributary_reconcile::handle(&app, json!({}), &app.run_id(""), 3_600).await.expect("a run");
    assert_eq!(idle["accounts"], 0, "{idle}");
    let counts = own.table.reset();
    assert_eq!(only_reads(counts), reads(1, 0, 0), "an idle run reads where it is");
    own.note("reconcile run with nothing due", counts);
    c.lines.append(&mut own.lines);
}

async fn branding(c: &mut Counted) {
    let (api, nobody, id) = (c.w.master.api.clone(), c.w.target.nobody.clone(), c.w.master.id.clone());
    let at = |what: &str| format!("/reseller/accounts/{id}/brand{what}");
    c.cost("an account's brand", api.get(&at(""))).await;
    c.cost("set an account's brand", api.put(&at(""), json!({ "color": "#0a7c3f" }))).await;
    c.cost("take a slug", api.put(&at("/slug"), json!({ "slug": "corner" }))).await;
    let of_a_slug = c.cost("what a portal shows, by its slug", nobody.get("/portal/brand?slug=corner")).await;
    assert!(of_a_slug.calls() <= 3, "{of_a_slug:?}");
    let of_the_platform = c.cost("what the platform's own portal shows", nobody.get("/portal/brand")).await;
    assert!(of_the_platform.calls() <= 2, "{of_the_platform:?}");
    let claimed = api.put(&at("/host"), json!({ "host": "portal.corner.example" })).send().await.is(200);
    let text = |member: &str| claimed["host"][member].as_str().expect("a text").to_owned();
    c.w.target.inside("DNS").expect("in this process").outside.dns.set(&text("txt_name"), vec![text("txt_value")]);
    c.cost("verify a host", api.post(&at("/host/verify"), json!({}))).await;
    c.cost("detach a host", api.delete(&at("/host"))).await;
}

async fn keeping_accounts(c: &mut Counted) {
    let (master, operator) = (c.w.master.api.clone(), c.w.operator().clone());
    let create = |body| master.pay("/reseller/accounts/create", body);
    let plain = c.cost("create", master.post("/reseller/accounts/create", json!({ "name": "A" }))).await;
    assert_eq!((plain.transacts, plain.writes), (1, 0));
    c.cost("create with external_id and Idempotency-Key", create(json!({ "name": "A", "external_id": "x" }))).await;
    let paid = c.cost("create with initial credits", create(json!({ "name": "A", "initial_credits": "1" }))).await;
    assert_eq!(paid.transacts, 1);
    let branch = c.w.create(&c.w.master.id, json!({ "kind": "reseller" })).await.id();
    let child = c.w.child_of(&branch).await;
    let path = format!("/reseller/accounts/{branch}");
    c.cost("edit", master.put(&path, json!({ "name": "B" }))).await;
    c.cost("set a credit limit", operator.put(&path, json!({ "credit_limit": "5" }))).await;
    let suspend = c.cost("suspend", master.delete(&path)).await;
    assert_eq!(suspend.transacts, 1, "whatever is below");
    c.cost("reactivate", master.post(&format!("{path}/reactivate"), json!({}))).await;
    let to = c.w.create(&c.w.master.id, json!({ "kind": "reseller" })).await.id();
    c.cost("move an account with one below it", master.post(&format!("{path}/move"), json!({ "parent_id": to }))).await;
    c.cost("close", master.pay(&format!("/reseller/accounts/{child}/close"), json!({}))).await;
    c.cost("relationships", master.get(&format!("{path}/relationships"))).await;
    branding(c).await;
}

async fn granting(c: &mut Counted) {
    let master = c.w.master.api.clone();
    let at = |what: &str| format!("/reseller/accounts/{}/{what}", c.w.master.id);
    let (keys, members, roles) = (at("keys"), at("members"), at("roles"));
    c.cost("create a key", master.post(&keys, json!({ "name": "K", "role": "viewer" }))).await;
    let (key, _) = c.w.new_key(&c.w.master.id, "viewer").await;
    c.cost("rotate a key", master.post(&format!("{keys}/{key}/rotate"), json!({}))).await;
    c.cost("revoke a key", master.delete(&format!("{keys}/{key}"))).await;
    c.cost("add a member", master.post(&members, json!({ "email": "m@x.example", "role": "viewer" }))).await;
    c.cost("create a role", master.post(&roles, json!({ "name": "ops", "rights": ["credits.read"] }))).await;
    let ops = c.w.key_for(&c.w.master.id, "ops").await;
    let balance = c.cost("balance with a custom role", ops.get("/reseller/credits/balance")).await;
    assert_eq!(only_reads(balance), reads(2, 0, 1), "a custom role is one read more");
}

/// Usage of a customer below a reseller below a master, and of one right below a master. A batch is one transaction.
async fn using(c: &mut Counted) {
    let (operator, master) = (c.w.operator().clone(), c.w.master.clone());
    operator
        .post("/reseller/pricing/rate-cards", json!({ "meter": "sms", "model": { "type": "flat", "unit_price": "0.00001" } }))
        .send()
        .await;
    let near = c.w.funded_child_of(&master.id, "100").await;
    let reseller = c.w.reseller_of(&master.id).await;
    c.w.fund(&reseller.id, "100").await;
    let far = c.w.funded_child_of(&reseller.id, "100").await;
    let now = c.w.target.time_in_s(0);
    let mut sent = 0;
    let mut batch = |account: &str, events: usize| {
        sent += 1;
        let event = |n| json!({ "id": format!("{sent}-{n}"), "account_id": account, "meter": "sms", "quantity": "1", "occurred_at": now });
        json!({ "events": (0..events).map(event).collect::<Vec<_>>() })
    };
    let path = "/reseller/usage/events";
    master.api.post(path, batch(&near, 1)).send().await.is(200);
    master.api.post(path, batch(&far, 1)).send().await.is(200);
    for (depth, account) in [(2, &near), (3, &far)] {
        for events in [1, 100, 200, 1000] {
            let body = batch(account, events);
            let counts = c.cost(&format!("{events} events of an account at depth {depth}, warm"), master.api.post(path, body)).await;
            assert_eq!((counts.transacts, counts.writes), (1, 0), "all levels at once");
            assert!(events < 400 || counts.write_units * 20 <= events as u64, "{counts:?}");
        }
    }
    let all: Vec<String> = futures::future::join_all((0..10).map(|_| c.w.funded_child_of(&master.id, "100"))).await;
    for account in &all {
        master.api.post(path, batch(account, 1)).send().await.is(200);
    }
    let ten = json!({ "events": all.iter().flat_map(|account| batch(account, 100)["events"].as_array().expect("events").clone()).collect::<Vec<_>>() });
    let ten = c.cost("1,000 events of ten accounts at depth 2, warm", master.api.post(path, ten)).await;
    assert!(ten.transacts == 1 && ten.write_units <= 50, "at most 0.05 write units an event: {ten:?}");
    let again = batch(&near, 1);
    master.api.post(path, again.clone()).send().await.is(200);
    c.cost("an event sent again", master.api.post(path, again)).await;
    let id = "2-0";
    c.cost("explain an event", master.api.get(&format!("{path}/{id}/explain?account_id={far}"))).await;
    c.cost("void an event", master.api.pay(&format!("{path}/{id}/void"), json!({ "account_id": far }))).await;
}

async fn buying(c: &mut Counted) {
    let seller = c.w.reseller_of(&c.w.master.id).await;
    let buyer = c.w.child_of(&seller.id).await;
    c.w.fund(&seller.id, "10000").await;
    let api = &seller.api.clone();
    let body = json!({ "name": "P", "credits": "100", "bonus": "5", "price": "90", "valid_days": 1, "max_per_account": 9 });
    c.cost("offer a package", api.post("/reseller/pricing/packages", body.clone())).await;
    let package = api.post("/reseller/pricing/packages", body).send().await.is(201).id();
    c.cost("what an account may buy", api.get(&format!("/reseller/pricing/packages?account_id={buyer}"))).await;
    let quote = json!({ "account_id": buyer, "credits": "1000" });
    c.cost("the cheapest way to buy", api.post("/reseller/pricing/packages/quote", quote)).await;
    let buy = || api.pay("/reseller/credits/purchase", json!({ "account_id": buyer, "package_id": package }));
    buy().send().await.is(201);
    let bought = c.cost("buy a limited package that expires, warm", buy()).await;
    let why = "the key, the seller's book, and how far the buyer is billed; one query of the buyer's newest entry";
    assert_eq!((bought.transacts, bought.queries, bought.gets), (1, 1, 3), "{why}");
    let lots = c.cost("lots", api.get(&format!("/reseller/credits/lots?account_id={buyer}"))).await;
    assert_eq!(only_reads(lots), reads(1, 0, 1), "lots are one read");
    c.w.target.advance_s(24 * 3600, "the expiry of lots");
    c.table.reset();
    let app = &c.w.target.inside("the schedule").expect("in this process").app;
    let run = tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    let counts = c.table.reset();
    assert_eq!(run["lots_expired"], 2, "{run}");
    c.note("housekeeping run that takes out two lots", counts);
}

async fn pricing(c: &mut Counted) {
    let (operator, master, flat) = (c.w.operator().clone(), c.w.master.api.clone(), json!({ "type": "flat", "unit_price": "0.05" }));
    let meter = json!({ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" });
    let at = |what: &str| format!("/reseller/pricing/{what}");
    c.cost("make a meter", operator.post(&at("meters"), meter)).await;
    operator.post(&at("rate-cards"), json!({ "meter": "sms", "model": flat })).send().await.is(201);
    let card = c.cost("set a price", master.post(&at("rate-cards"), json!({ "meter": "sms", "model": flat }))).await;
    assert_eq!((card.transacts, card.writes), (1, 0));
    let reseller = c.w.reseller_of(&c.w.master.id).await;
    c.cost("set a markup", reseller.api.post(&at("markups"), json!({ "percent": "10" }))).await;
    let customer = c.w.child_of(&reseller.id).await;
    let quote = json!({ "account_id": customer, "meter": "sms", "quantity": "10" });
    let quote = c.cost("a quote at depth 3", master.post(&at("quote"), quote)).await;
    assert_eq!((quote.batch_gets, quote.transacts + quote.writes), (1, 0), "all books at once");
    c.cost("the rules of a price at depth 3", master.get(&format!("{}?account_id={customer}&meter=sms", at("resolve")))).await;
    c.cost("page of rate cards", master.get(&at("rate-cards"))).await;
    c.cost("tiers", master.get(&at("tiers"))).await;
}

/// A platform of its own, so that its usage is this one's.
async fn reporting(c: &mut Counted) {
    let mut own = Counted::new().await;
    let (operator, master) = (own.w.operator().clone(), own.w.master.api.clone());
    let meter = json!({ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" });
    operator.post("/reseller/pricing/meters", meter).send().await.is(201);
    let card =
        json!({ "meter": "sms", "model": { "type": "flat", "unit_price": "0.0001" }, "effective_from": own.w.target.time_in_s(-86_400) });
    operator.post("/reseller/pricing/rate-cards", card).send().await.is(201);
    own.w.fund(&own.w.master.id, "1000").await;
    let mut children = Vec::new();
    for _ in 0..50 {
        children.push(own.w.funded_child_of(&own.w.master.id, "1000").await);
    }
    let (mut sent, mut costs) = (0, Vec::new());
    for events in [50, 10_000] {
        while sent < events {
            let batch: Vec<_> = (sent..events.min(sent + 1_000))
                .map(|n| {
                    let at = own.w.target.time_in_s(-60);
                    json!({ "id": format!("e{n}"), "account_id": children[n % 50], "meter": "sms", "quantity": 1, "occurred_at": at })
                })
                .collect();
            sent += batch.len();
            let answer = operator.post("/reseller/usage/events", json!({ "events": batch })).send().await.is(200);
            assert_eq!(answer["rejected"], 0, "{}", answer.text);
        }
        own.w.target.advance_s(16 * 60, "the rollup");
        let app = own.w.target.inside("the schedule").expect("in this process").app.clone();
        for _ in 0..15 {
            own.w.target.advance_s(60, "the next minute");
            own.table.reset();
            let run = tributary_usage_worker::handle(&app, json!({}), &app.run_id("")).await.expect("a run");
            assert_eq!(run["failed"], 0, "{run}");
            if run["entries"] != 0 {
                let counts = own.table.reset();
                own.note(&format!("usage summed up: {} slots, {events} events", run["slots"]), counts);
            }
        }
        let report = "/reseller/usage/report?subtree=true&granularity=month";
        let name = |what: &str| format!("{what}, {events} events");
        let whole = own.cost(&name("report of a subtree"), master.get(report)).await;
        let page = own.cost(&name("page of 50 accounts' usage"), master.get(&format!("{report}&group_by=account&limit=50"))).await;
        let summary = own.cost(&name("summary"), master.get("/reseller/usage/summary?subtree=true")).await;
        // A further horizon than what is kept from before makes it again.
        let forecast = format!("/reseller/usage/forecast?horizon_days={}", if events == 50 { 30 } else { 92 });
        let made = own.cost(&name("forecast that is made"), master.get(&forecast)).await;
        let kept = own.cost(&name("forecast that is kept"), master.get(&forecast)).await;
        costs.push([whole, page, summary, made, kept].map(only_reads));
    }
    assert_eq!(costs[0], costs[1], "what it costs does not depend on the number of events");
    let tag = master.get("/reseller/usage/summary?subtree=true").send().await.is(200).header("etag").to_owned();
    own.table.reset();
    master.get("/reseller/usage/summary?subtree=true").header("if-none-match", tag.as_bytes()).send().await.is(304);
    let unchanged = own.table.reset();
    assert_eq!(only_reads(unchanged), reads(1, 0, 1), "beside the credential one read");
    own.note("summary that has not changed", unchanged);
    let app = own.w.target.inside("the schedule").expect("in this process").app.clone();
    let run = tributary_usage_worker::handle(&app, json!({}), &app.run_id("")).await.expect("a run");
    assert_eq!(run["entries"], 0, "{run}");
    let counts = own.table.reset();
    own.note("rollup run with nothing to fold", counts);
    let month = json!({ "format": "csv", "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "subtree": true });
    own.cost("ask for an export", master.post("/reseller/usage/export", month)).await;
    own.cost("page of exports", master.get("/reseller/usage/exports")).await;
    c.lines.append(&mut own.lines);
}
