//! Credit: issuing, moving, sending back, holding and looking at it.

use serde_json::{Value, json};

use crate::support::api::{Answer, Api};
use crate::support::world::{World, column, every_row};

const ALLOCATE: &str = "/reseller/credits/allocate";
const TRANSFER: &str = "/reseller/credits/transfer";
const LEGS: &str = "/reseller/credits/transfers";
const HOLDS: &str = "/reseller/credits/holds";
const ISSUE: &str = "/reseller/credits/issue";

fn balance(account: &str) -> String {
    format!("/reseller/credits/balance?account_id={account}")
}

fn history(account: &str) -> String {
    format!("/reseller/credits/history?account_id={account}")
}

fn reverse(transfer: &str) -> String {
    format!("{LEGS}/{transfer}/reverse")
}

#[tokio::test]
async fn issued_credit_is_there_and_the_operators_alone_to_issue() {
    let w = World::new().await;
    let body = json!({ "account_id": w.master.id, "amount": "12.5", "reference": "PO 17" });
    w.master.api.pay(ISSUE, body.clone()).send().await.refused(403, "forbidden");
    let made = w.operator().pay(ISSUE, body).send().await.is(201);
    assert!(made.id().starts_with("txf_"));
    for (member, value) in [
        ("kind", json!("issue")),
        ("from", json!("system.issued")),
        ("to", json!(w.master.id)),
        ("amount", json!("12.500000")),
        ("currency", json!("USD")),
        ("from_balance", Value::Null),
        ("to_balance", json!("12.500000")),
        ("reference", json!("PO 17")),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    assert_eq!(w.available(&w.master.id).await, "12.500000");
}

#[tokio::test]
async fn an_allocation_goes_down_from_the_caller_or_from_whom_it_names() {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let leaf = w.child_of(&a.id).await;
    w.fund(&w.master.id, "10").await;
    let body = json!({ "account_id": a.id, "amount": "4", "reference": "march" });
    let made = w.master.api.pay(ALLOCATE, body).send().await.is(201);
    for (member, value) in [
        ("kind", json!("allocation")),
        ("from", json!(w.master.id)),
        ("to", json!(a.id)),
        ("amount", json!("4.000000")),
        ("from_balance", json!("6.000000")),
        ("to_balance", json!("4.000000")),
        ("reference", json!("march")),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    w.master.api.pay(ALLOCATE, json!({ "account_id": leaf, "from": a.id, "amount": "1" })).send().await.is(201);
    w.master.api.pay(ALLOCATE, json!({ "account_id": leaf, "amount": "1" })).send().await.is(201);
    assert_eq!((w.available(&w.master.id).await, w.available(&a.id).await), ("5.000000".to_owned(), "3.000000".to_owned()));
    for (body, code) in [
        (json!({ "account_id": a.id, "from": leaf, "amount": "1" }), "not_below"),
        (json!({ "account_id": w.master.id, "amount": "1" }), "same_account"),
    ] {
        w.master.api.pay(ALLOCATE, body).send().await.refused(422, code);
    }
    let short = w.master.api.pay(ALLOCATE, json!({ "account_id": a.id, "amount": "5.000001" })).send().await;
    assert_eq!(short.refused(422, "insufficient_credits")["available"], "5.000000");
    let seen = w.master.api.get(&format!("{LEGS}/{}", made.id())).send().await.is(200);
    assert_eq!((&seen["amount"], &seen["reversed_by"]), (&json!("4.000000"), &Value::Null));
}

#[tokio::test]
async fn a_transfer_moves_credit_between_any_two_accounts_of_the_subtree_once_per_key() {
    let w = World::new().await;
    let (a, b) = (w.funded_child_of(&w.master.id, "10").await, w.child_of(&w.master.id).await);
    let body = json!({ "from": a, "to": b, "amount": "2.000001" });
    let key = w.unique("idem");
    w.master.api.post(TRANSFER, body.clone()).send().await.refused(400, "idempotency_key_missing");
    let first = w.master.api.post(TRANSFER, body.clone()).idem(&key).send().await.is(201);
    assert_eq!(
        (&first["kind"], &first["from_balance"], &first["to_balance"]),
        (&json!("transfer"), &json!("7.999999"), &json!("2.000001"))
    );
    // A replay is the first answer, even when it could not be done now, and whatever the order of its members.
    w.master.api.pay(TRANSFER, json!({ "from": a, "to": b, "amount": "7.999999" })).send().await.is(201);
    for body in [body.clone(), json!({ "amount": "2.000001", "to": b, "from": a })] {
        let again = w.master.api.post(TRANSFER, body).idem(&key).send().await.is(201);
        assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (first.text.as_str(), "true"));
    }
    w.suspend(&w.master.id).await;
    assert_eq!(w.master.api.post(TRANSFER, body).idem(&key).send().await.is(201).text, first.text);
    let other = json!({ "from": a, "to": b, "amount": "2" });
    w.master.api.post(TRANSFER, other).idem(&key).send().await.refused(422, "idempotency_key_reused");
    assert_eq!((w.available(&a).await, w.available(&b).await), ("0.000000".to_owned(), "10.000000".to_owned()));
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_account_and_one_route() {
    let w = World::new().await;
    let other = w.other_master(json!({})).await;
    let key = w.unique("idem");
    w.fund(&w.master.id, "10").await;
    w.fund(&other.id, "10").await;
    let (mine, theirs) = (w.child_of(&w.master.id).await, w.child_of(&other.id).await);
    w.master.api.post(ALLOCATE, json!({ "account_id": mine, "amount": "1" })).idem(&key).send().await.is(201);
    other.api.post(ALLOCATE, json!({ "account_id": theirs, "amount": "2" })).idem(&key).send().await.is(201);
    let moved = json!({ "from": w.master.id, "to": mine, "amount": "3" });
    w.master.api.post(TRANSFER, moved).idem(&key).send().await.is(201);
    assert_eq!((w.available(&mine).await, w.available(&theirs).await), ("4.000000".to_owned(), "2.000000".to_owned()));
}

#[tokio::test]
async fn a_reversal_returns_credit_once_and_only_if_it_is_unspent() {
    let w = World::new().await;
    let (a, b) = (w.funded_child_of(&w.master.id, "10").await, w.child_of(&w.master.id).await);
    let made = w.master.api.pay(TRANSFER, json!({ "from": a, "to": b, "amount": "6" })).send().await.is(201).id();
    let spent = w.master.api.pay(TRANSFER, json!({ "from": b, "to": w.master.id, "amount": "1" })).send().await.is(201).id();
    w.master.api.pay(&reverse(&made), json!({})).send().await.refused(422, "insufficient_credits");
    let back = w.master.api.pay(&reverse(&spent), json!({ "reference": "undo" })).send().await.is(201);
    assert_eq!((&back["kind"], &back["reverses"], &back["reference"]), (&json!("reversal"), &json!(spent), &json!("undo")));
    assert_eq!((&back["from"], &back["to"], &back["amount"]), (&json!(w.master.id), &json!(b), &json!("1.000000")));
    let key = w.unique("idem");
    let first = w.master.api.post(&reverse(&made), json!({})).idem(&key).send().await.is(201);
    assert_eq!(w.master.api.post(&reverse(&made), json!({})).idem(&key).send().await.is(201).text, first.text);
    w.master.api.pay(&reverse(&made), json!({})).send().await.refused(409, "already_reversed");
    let seen = w.master.api.get(&format!("{LEGS}/{made}")).send().await.is(200);
    assert_eq!(seen["reversed_by"], first.id());
    w.master.api.pay(&reverse(&first.id()), json!({})).send().await.refused(409, "conflict");
    assert_eq!((w.available(&a).await, w.available(&b).await), ("10.000000".to_owned(), "0.000000".to_owned()));
}

#[tokio::test]
async fn an_issue_is_taken_back_by_the_operator_only() {
    let w = World::new().await;
    let issue = w.fund(&w.master.id, "5").await.id();
    w.master.api.pay(&reverse(&issue), json!({})).send().await.refused(403, "forbidden");
    w.operator().pay(&reverse(&issue), json!({})).send().await.is(201);
    assert_eq!(w.available(&w.master.id).await, "0.000000");
}

#[tokio::test]
async fn a_hold_sets_credit_aside_until_it_is_captured_or_released() {
    let w = World::new().await;
    let payer = w.funded_child_of(&w.master.id, "10").await;
    let payee = w.child_of(&w.master.id).await;
    let api = &w.master.api;
    let body = json!({ "account_id": payer, "amount": "4", "to": payee, "reference": "job 1" });
    let hold = api.pay(HOLDS, body).send().await.is(201);
    assert!(hold.id().starts_with("hld_"));
    for (member, value) in [
        ("account_id", json!(payer)),
        ("to", json!(payee)),
        ("amount", json!("4.000000")),
        ("captured", json!("0.000000")),
        ("currency", json!("USD")),
        ("status", json!("open")),
        ("reference", json!("job 1")),
        ("ended_at", Value::Null),
    ] {
        assert_eq!(hold[member], value, "{member}");
    }
    let shown = w.balance(&payer).await;
    assert_eq!((&shown["available"], &shown["held"], &shown["spendable"]), (&json!("6.000000"), &json!("4.000000"), &json!("6.000000")));
    let end = |id: &str, how: &str, body: Value| api.pay(&format!("{HOLDS}/{id}/{how}"), body);
    end(&hold.id(), "capture", json!({ "amount": "4.000001" })).send().await.refused(422, "hold_exceeded");
    let key = w.unique("idem");
    let part = json!({ "amount": "1.5" });
    let captured = end(&hold.id(), "capture", part.clone()).idem(&key).send().await.is(200);
    assert_eq!((&captured["status"], &captured["captured"]), (&json!("captured"), &json!("1.500000")));
    let again = end(&hold.id(), "capture", part).idem(&key).send().await.is(200);
    assert_eq!((again.text.as_str(), again.header("idempotent-replayed")), (captured.text.as_str(), "true"));
    let shown = w.balance(&payer).await;
    assert_eq!((&shown["available"], &shown["held"]), (&json!("8.500000"), &json!("0.000000")));
    assert_eq!(w.available(&payee).await, "1.500000");
    for how in ["capture", "release"] {
        assert_eq!(end(&hold.id(), how, json!({})).send().await.refused(409, "hold_ended")["hold_status"], "captured");
    }
    let movement = api.get(&format!("{LEGS}/{}", captured.word("transfer_id"))).send().await.is(200);
    assert_eq!((&movement["kind"], &movement["amount"]), (&json!("capture"), &json!("1.500000")));

    let consumed = api.pay(HOLDS, json!({ "account_id": payer, "amount": "2" })).send().await.is(201).id();
    end(&consumed, "capture", json!({})).send().await.is(200);
    let released = api.pay(HOLDS, json!({ "account_id": payer, "amount": "2" })).send().await.is(201).id();
    assert_eq!(end(&released, "release", json!({})).send().await.is(200)["status"], "released");
    assert_eq!(w.available(&payer).await, "6.500000");
    let newest = api.get(&history(&payer)).send().await.is(200);
    let kinds = ["release", "hold", "capture", "hold", "capture", "hold", "issue"];
    assert_eq!(newest.column("kind")[..2], kinds[..2]);
    let too_much = json!({ "account_id": payer, "amount": "6.500001" });
    api.pay(HOLDS, too_much).send().await.refused(422, "insufficient_credits");
    api.pay(HOLDS, json!({ "account_id": payer, "to": payer, "amount": "1" })).send().await.refused(422, "same_account");

    let open = api.pay(HOLDS, json!({ "account_id": payer, "amount": "1" })).send().await.is(201).id();
    let list = format!("{HOLDS}?account_id={payer}");
    assert_eq!(column(&every_row(api, &list, 2).await, "id"), [open.clone(), released.clone(), consumed, hold.id()]);
    assert_eq!(column(&every_row(api, &format!("{list}&status=open"), 1).await, "id"), std::slice::from_ref(&open));
    assert_eq!(column(&every_row(api, &format!("{list}&status=released"), 1).await, "id"), [released]);
    assert_eq!(api.get(&format!("{HOLDS}/{open}")).send().await.is(200)["status"], "open");
}

#[tokio::test]
async fn a_hold_whose_time_is_over_cannot_be_captured_and_is_set_free() {
    let w = World::new().await;
    let payer = w.funded_child_of(&w.master.id, "10").await;
    let api = &w.master.api;
    let body = |seconds: i64| json!({ "account_id": payer, "amount": "3", "expires_at": w.target.time_in_s(seconds) });
    for seconds in [-1, 31 * 24 * 3600 + 60] {
        api.pay(HOLDS, body(seconds)).send().await.refused(400, "validation_failed");
    }
    let due = api.pay(HOLDS, body(60)).send().await.is(201).id();
    let later = api.pay(HOLDS, body(3600)).send().await.is(201).id();
    if !w.target.advance_s(60, "the expiry of a hold") {
        return;
    }
    api.pay(&format!("{HOLDS}/{due}/capture"), json!({})).send().await.refused(422, "hold_expired");
    let app = &w.target.inside("the schedule of holds").expect("in this process").app;
    let run = tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run");
    assert_eq!((&run["expired"], &run["failed"]), (&json!(1), &json!(0)));
    let expired = api.get(&format!("{HOLDS}/{due}")).send().await.is(200);
    assert_eq!((&expired["status"], expired["ended_at"].is_string()), (&json!("expired"), true));
    let shown = w.balance(&payer).await;
    assert_eq!((&shown["available"], &shown["held"]), (&json!("7.000000"), &json!("3.000000")));
    assert_eq!(tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run")["expired"], 0);
    assert_eq!(api.get(&history(&payer)).send().await.is(200).rows()[0]["kind"], "expiry");
    api.pay(&format!("{HOLDS}/{due}/release"), json!({})).send().await.refused(409, "hold_ended");
    api.pay(&format!("{HOLDS}/{later}/capture"), json!({})).send().await.is(200);
    // A suspended account's holds are set free all the same.
    let last = api.pay(HOLDS, body(60)).send().await.is(201).id();
    w.suspend(&payer).await;
    w.target.advance_s(60, "the expiry of a hold");
    assert_eq!(tributary_housekeeping::handle(app, json!({}), &app.run_id("")).await.expect("a run")["expired"], 1);
    assert_eq!(api.get(&format!("{HOLDS}/{last}")).send().await.is(200)["status"], "expired");
}

#[tokio::test]
async fn legs_move_together_or_not_at_all() {
    let w = World::new().await;
    let (a, b, c) = (w.funded_child_of(&w.master.id, "10").await, w.child_of(&w.master.id).await, w.child_of(&w.master.id).await);
    let leg = |from: &str, to: &str, amount: &str| json!({ "from": from, "to": to, "amount": amount });
    // What an earlier leg brings, a later one can spend.
    let chain = json!({ "legs": [leg(&a, &b, "6"), leg(&b, &c, "5"), leg(&c, &a, "1")], "reference": "round" });
    let done = w.master.api.pay(LEGS, chain).send().await.is(201);
    assert_eq!((&done["kind"], &done["currency"], &done["reference"]), (&json!("transfer"), &json!("USD"), &json!("round")));
    let balances: Vec<[&Value; 2]> =
        done["legs"].as_array().expect("legs").iter().map(|leg| [&leg["from_balance"], &leg["to_balance"]]).collect();
    assert_eq!(json!(balances), json!([["4.000000", "6.000000"], ["1.000000", "5.000000"], ["4.000000", "5.000000"]]));
    let all = async || [w.available(&a).await, w.available(&b).await, w.available(&c).await];
    let before = all().await;
    assert_eq!(before, ["5.000000", "1.000000", "4.000000"]);
    for (legs, status, code) in [
        (vec![leg(&a, &b, "1"), leg(&c, &b, "4.000001")], 422, "insufficient_credits"),
        (vec![leg(&a, &b, "1"), leg(&c, &c, "1")], 422, "same_account"),
        (vec![leg(&a, &b, "1"), leg(&a, &w.other_master(json!({})).await.id, "1")], 404, "not_found"),
        (vec![], 400, "validation_failed"),
    ] {
        w.master.api.pay(LEGS, json!({ "legs": legs })).send().await.refused(status, code);
        assert_eq!(all().await, before, "{code}");
    }
    let one = w.master.api.pay(LEGS, json!({ "legs": [leg(&a, &b, "1")] })).send().await.is(201);
    assert_eq!(one["legs"].as_array().map(Vec::len), Some(1));
    w.master.api.pay(&reverse(&done.id()), json!({})).send().await.is(201);
    assert_eq!(all().await, ["9.000000", "1.000000", "0.000000"]);
}

#[tokio::test]
async fn forty_legs_move_at_once_and_forty_one_are_refused() {
    let w = World::new().await;
    let payer = w.funded_child_of(&w.master.id, "100").await;
    let mut legs = Vec::new();
    for _ in 0..41 {
        legs.push(json!({ "from": payer, "to": w.child_of(&w.master.id).await, "amount": "1" }));
    }
    w.master.api.pay(LEGS, json!({ "legs": legs })).send().await.refused(400, "validation_failed");
    assert_eq!(w.available(&payer).await, "100.000000");
    let done = w.master.api.pay(LEGS, json!({ "legs": legs[..40] })).send().await.is(201);
    assert_eq!(done["legs"].as_array().map(Vec::len), Some(40));
    assert_eq!(w.available(&payer).await, "60.000000");
    for leg in &legs[..40] {
        assert_eq!(w.available(leg["to"].as_str().expect("an id")).await, "1.000000");
    }
}

#[tokio::test]
async fn legs_in_more_branches_than_one_transaction_can_check_are_refused_whole() {
    let w = World::new().await;
    let mut legs = Vec::new();
    for _ in 0..40 {
        let branch = w.reseller_of(&w.master.id).await;
        let (from, to) = (w.funded_child_of(&branch.id, "1").await, w.child_of(&branch.id).await);
        legs.push(json!({ "from": from, "to": to, "amount": "1" }));
    }
    w.master.api.pay(LEGS, json!({ "legs": legs })).send().await.refused(422, "too_many_branches");
    let sum = w.master.api.get("/reseller/accounts?subtree=true&kind=customer&limit=200").send().await.is(200);
    assert_eq!(sum.rows().len(), 80);
    for leg in &legs {
        assert_eq!(w.available(leg["from"].as_str().expect("an id")).await, "1.000000");
    }
    w.master.api.pay(LEGS, json!({ "legs": legs[..10] })).send().await.is(201);
}

#[tokio::test]
async fn credit_goes_below_zero_down_to_the_limit_and_no_further() {
    let w = World::new().await;
    let (a, b) = (w.funded_child_of(&w.master.id, "5").await, w.child_of(&w.master.id).await);
    w.operator().put(&format!("/reseller/accounts/{a}"), json!({ "credit_limit": "10" })).send().await.is(200);
    let pay = |amount: &str| w.master.api.pay(TRANSFER, json!({ "from": a, "to": b, "amount": amount }));
    let short = pay("15.000001").send().await.refused(422, "insufficient_credits");
    assert_eq!((&short["available"], &short["spendable"]), (&json!("5.000000"), &json!("15.000000")));
    assert_eq!(pay("15").send().await.is(201)["from_balance"], "-10.000000");
    pay("0.000001").send().await.refused(422, "insufficient_credits");
    let shown = w.balance(&a).await;
    assert_eq!((&shown["available"], &shown["spendable"]), (&json!("-10.000000"), &json!("0.000000")));
    w.operator().put(&format!("/reseller/accounts/{a}"), json!({ "credit_limit": "0" })).send().await.is(200);
    let shown = w.balance(&a).await;
    assert_eq!((&shown["available"], &shown["spendable"]), (&json!("-10.000000"), &json!("0.000000")));
    pay("0.000001").send().await.refused(422, "insufficient_credits");
    w.fund(&a, "11").await;
    pay("1").send().await.is(201);
}

#[tokio::test]
async fn what_was_set_aside_can_be_captured_after_the_limit_was_lowered() {
    let w = World::new().await;
    let a = w.funded_child_of(&w.master.id, "5").await;
    let limit = |amount: &str| w.operator().put(&format!("/reseller/accounts/{a}"), json!({ "credit_limit": amount }));
    limit("10").send().await.is(200);
    let hold = w.master.api.pay(HOLDS, json!({ "account_id": a, "amount": "15" })).send().await.is(201).id();
    limit("0").send().await.is(200);
    w.master.api.pay(&format!("{HOLDS}/{hold}/capture"), json!({ "amount": "12" })).send().await.is(200);
    let shown = w.balance(&a).await;
    assert_eq!((&shown["available"], &shown["held"]), (&json!("-7.000000"), &json!("0.000000")));
}

fn micros(text: &Value) -> i64 {
    let text = text.as_str().expect("a decimal text");
    let (units, micros) = text.split_once('.').expect("six decimals");
    assert_eq!(micros.len(), 6, "{text}");
    format!("{units}{micros}").parse().expect("a number")
}

#[tokio::test]
async fn a_history_folds_to_the_balance_page_by_page() {
    let w = World::new().await;
    let (a, b) = (w.child_of(&w.master.id).await, w.child_of(&w.master.id).await);
    w.fund(&a, "50").await;
    for n in 1..=6 {
        let body = json!({ "from": a, "to": b, "amount": format!("{n}.25"), "reference": format!("n{n}") });
        w.master.api.pay(TRANSFER, body).send().await.is(201);
        if n % 2 == 0 {
            let hold = w.master.api.pay(HOLDS, json!({ "account_id": a, "amount": "1" })).send().await.is(201).id();
            let how = if n == 4 { "capture" } else { "release" };
            w.master.api.pay(&format!("{HOLDS}/{hold}/{how}"), json!({})).send().await.is(200);
        }
    }
    let whole = every_row(&w.master.api, &history(&a), 200).await;
    assert_eq!(whole.len(), 1 + 6 + 6);
    for limit in [1, 2, 3, 7, 12, 13] {
        assert_eq!(every_row(&w.master.api, &history(&a), limit).await, whole, "by {limit}");
    }
    let shown = w.balance(&a).await;
    assert_eq!((&whole[0]["balance_after"], &whole[0]["held_after"]), (&shown["available"], &shown["held"]));
    for pair in whole.windows(2) {
        assert_eq!(micros(&pair[0]["balance_after"]), micros(&pair[1]["balance_after"]) + micros(&pair[0]["amount"]));
        assert!(pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str());
    }
    let oldest = whole.last().expect("entries");
    assert_eq!((micros(&oldest["amount"]), micros(&oldest["balance_after"])), (50_000_000, 50_000_000));
    assert_eq!((&oldest["kind"], &oldest["counterparty"]), (&json!("issue"), &json!("system.issued")));
    for (kind, count) in [("transfer", 6), ("issue", 1), ("hold", 3), ("capture", 1), ("release", 2), ("allocation", 0), ("sweep", 0)] {
        for limit in [1, 4, 200] {
            let rows = every_row(&w.master.api, &format!("{}&kind={kind}", history(&a)), limit).await;
            assert_eq!(rows.len(), count, "{kind} by {limit}");
            assert!(rows.iter().all(|row| row["kind"] == kind));
        }
    }
    let transfers = every_row(&w.master.api, &format!("{}&kind=transfer", history(&b)), 200).await;
    assert_eq!(column(&transfers, "reference"), ["n6", "n5", "n4", "n3", "n2", "n1"]);
    assert!(transfers.iter().all(|row| row["counterparty"] == a && micros(&row["amount"]) > 0));
}

#[tokio::test]
async fn a_history_can_be_cut_to_a_period() {
    let w = World::new().await;
    let a = w.child_of(&w.master.id).await;
    let start = w.target.time_in_s(0);
    for n in 1..=5 {
        w.fund(&a, &format!("{n}")).await;
        if !w.target.advance_s(10, "a history over time") {
            return;
        }
    }
    let start: jiff::Timestamp = start.parse().expect("a time");
    let at = |seconds: i64| start.checked_add(jiff::SignedDuration::from_secs(seconds)).expect("in range").to_string();
    for (from, to, amounts) in [
        (None, None, vec!["5", "4", "3", "2", "1"]),
        (Some(10), None, vec!["5", "4", "3", "2"]),
        (None, Some(20), vec!["2", "1"]),
        (Some(10), Some(30), vec!["3", "2"]),
        (Some(11), Some(20), vec![]),
        (Some(100), Some(200), vec![]),
        (Some(-200), Some(-100), vec![]),
    ] {
        let bound = |name: &str, seconds: Option<i64>| seconds.map(|s| format!("&{name}={}", at(s))).unwrap_or_default();
        let path = format!("{}{}{}", history(&a), bound("from", from), bound("to", to));
        for limit in [1, 2, 200] {
            let rows = every_row(&w.master.api, &path, limit).await;
            let wanted: Vec<String> = amounts.iter().map(|amount| format!("{amount}.000000")).collect();
            assert_eq!(column(&rows, "amount"), wanted, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_subtrees_balance_is_the_sum_of_its_accounts() {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let leaf = w.funded_child_of(&a.id, "3").await;
    w.fund(&a.id, "20").await;
    w.fund(&w.master.id, "100").await;
    w.master.api.pay(HOLDS, json!({ "account_id": leaf, "amount": "1" })).send().await.is(201);
    let shown = a.api.get("/reseller/credits/balance?subtree=true").send().await.is(200);
    assert_eq!(shown["account_id"], a.id);
    assert_eq!(shown["subtree"], json!({ "accounts": 2, "available": "22.000000", "held": "1.000000" }));
    let shown = w.master.api.get("/reseller/credits/balance?subtree").send().await.is(200);
    assert_eq!(shown["subtree"], json!({ "accounts": 3, "available": "122.000000", "held": "1.000000" }));
    let plain = a.api.get(&balance(&leaf)).send().await.is(200);
    assert_eq!(
        plain.json,
        json!({ "account_id": leaf, "currency": "USD", "available": "2.000000", "held": "1.000000", "credit_limit": "0.000000", "spendable": "2.000000" })
    );
}

/// What an answer shows but its own id: status, headers and body.
fn shape(answer: &Answer) -> String {
    let id = answer.word("request_id").to_owned();
    // A gateway adds a date and ids of its own.
    let ours = |name: &str| name != "date" && !name.starts_with("x-am");
    let headers = answer.headers.iter().filter(|(name, _)| ours(name.as_str()));
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    format!("{}\n{}\n{}", answer.status, headers.join("\n"), answer.text).replace(&id, "REQUEST")
}

/// An id of the same kind that nothing has: the last character of the random part is another.
fn absent(id: &str) -> String {
    let mut chars: Vec<char> = id.chars().collect();
    let at = chars.len() - 5;
    chars[at] = if chars[at] == 'a' { 'b' } else { 'a' };
    chars.into_iter().collect()
}

#[tokio::test]
async fn a_foreign_id_is_answered_like_one_that_does_not_exist() {
    let w = World::new().await;
    let other = w.other_master(json!({})).await;
    let theirs = w.funded_child_of(&other.id, "50").await;
    let their_branch = w.reseller_of(&other.id).await.id;
    let mine = w.reseller_of(&w.master.id).await.id;
    w.fund(&w.master.id, "50").await;
    let transfer = w.operator().pay(TRANSFER, json!({ "from": theirs, "to": other.id, "amount": "1" })).send().await.is(201).id();
    let hold = w.operator().pay(HOLDS, json!({ "account_id": theirs, "amount": "1" })).send().await.is(201).id();
    let (key, _) = w.new_key(&other.id, "viewer").await;
    let (my_key, _) = w.new_key(&w.master.id, "viewer").await;
    let person = json!({ "email": "p@x.example", "role": "viewer" });
    let member = other.api.post(&format!("/reseller/accounts/{}/members", other.id), person.clone()).send().await.is(201).id();
    let my_member = w.master.api.post(&format!("/reseller/accounts/{}/members", w.master.id), person).send().await.is(201).id();
    let role = json!({ "name": "ops", "rights": ["accounts.read"] });
    let role = other.api.post(&format!("/reseller/accounts/{}/roles", other.id), role).send().await.is(201).id();
    let (m, u) = (&w.master.id, "/reseller/accounts");
    let rows: Vec<(&str, String, Value, &str)> = vec![
        ("GET", format!("{u}/ID"), Value::Null, &theirs),
        ("PUT", format!("{u}/ID"), json!({ "name": "X" }), &theirs),
        ("PUT", format!("{u}/ID"), json!({ "credit_limit": "1" }), &theirs),
        ("DELETE", format!("{u}/ID"), Value::Null, &theirs),
        ("POST", format!("{u}/ID/reactivate"), json!({}), &theirs),
        ("POST", format!("{u}/ID/close"), json!({ "sweep_to_parent": true }), &theirs),
        ("POST", format!("{u}/ID/move"), json!({ "parent_id": mine }), &theirs),
        ("POST", format!("{u}/{mine}/move"), json!({ "parent_id": "ID" }), &their_branch),
        ("GET", format!("{u}/ID/relationships"), Value::Null, &theirs),
        ("GET", format!("{u}/ID/permissions?explain"), Value::Null, &theirs),
        ("GET", format!("{u}/{m}/permissions?key_id=ID"), Value::Null, &key),
        ("GET", format!("{u}/{m}/permissions?member_id=ID"), Value::Null, &member),
        ("GET", format!("{u}?parent_id=ID&subtree=true"), Value::Null, &their_branch),
        ("POST", format!("{u}/create"), json!({ "name": "X", "parent_id": "ID" }), &their_branch),
        ("POST", format!("{u}/create"), json!({ "name": "X", "parent_id": "ID", "initial_credits": "1" }), &their_branch),
        ("POST", format!("{u}/create"), json!({ "name": "X", "clone_from": "ID" }), &theirs),
        ("GET", format!("{u}/ID/keys"), Value::Null, &theirs),
        ("POST", format!("{u}/ID/keys"), json!({ "name": "K", "role": "viewer" }), &theirs),
        ("POST", format!("{u}/{m}/keys/ID/rotate"), json!({}), &key),
        ("DELETE", format!("{u}/{m}/keys/ID"), Value::Null, &key),
        ("PUT", format!("{u}/{m}/keys/ID/denies/{mine}"), json!({ "rights": ["accounts.read"] }), &key),
        ("PUT", format!("{u}/{m}/keys/{my_key}/denies/ID"), json!({ "rights": ["accounts.read"] }), &theirs),
        ("DELETE", format!("{u}/{m}/keys/{my_key}/denies/ID"), Value::Null, &theirs),
        ("GET", format!("{u}/ID/members"), Value::Null, &theirs),
        ("POST", format!("{u}/ID/members"), json!({ "email": "q@x.example", "role": "viewer" }), &theirs),
        ("PUT", format!("{u}/{m}/members/ID"), json!({ "role": "viewer" }), &member),
        ("DELETE", format!("{u}/{m}/members/ID"), Value::Null, &member),
        ("PUT", format!("{u}/{m}/members/ID/denies/{mine}"), json!({ "rights": ["accounts.read"] }), &member),
        ("PUT", format!("{u}/{m}/members/{my_member}/denies/ID"), json!({ "rights": ["accounts.read"] }), &theirs),
        ("DELETE", format!("{u}/{m}/members/{my_member}/denies/ID"), Value::Null, &theirs),
        ("GET", format!("{u}/ID/roles"), Value::Null, &theirs),
        ("POST", format!("{u}/ID/roles"), json!({ "name": "ops", "rights": ["accounts.read"] }), &theirs),
        ("PUT", format!("{u}/{m}/roles/ID"), json!({ "rights": ["accounts.read"] }), &role),
        ("DELETE", format!("{u}/{m}/roles/ID"), Value::Null, &role),
        ("POST", ISSUE.to_owned(), json!({ "account_id": "ID", "amount": "1" }), &theirs),
        ("POST", ALLOCATE.to_owned(), json!({ "account_id": "ID", "amount": "1" }), &theirs),
        ("POST", ALLOCATE.to_owned(), json!({ "account_id": mine, "from": "ID", "amount": "1" }), &theirs),
        ("POST", ALLOCATE.to_owned(), json!({ "account_id": "ID", "amount": "900" }), &theirs),
        ("POST", TRANSFER.to_owned(), json!({ "from": "ID", "to": mine, "amount": "1" }), &theirs),
        ("POST", TRANSFER.to_owned(), json!({ "from": w.master.id, "to": "ID", "amount": "1" }), &theirs),
        ("POST", TRANSFER.to_owned(), json!({ "from": "ID", "to": "ID", "amount": "1" }), &theirs),
        ("POST", LEGS.to_owned(), json!({ "legs": [{ "from": w.master.id, "to": "ID", "amount": "1" }] }), &theirs),
        ("GET", format!("{LEGS}/ID"), Value::Null, &transfer),
        ("POST", reverse("ID"), json!({}), &transfer),
        ("GET", balance("ID"), Value::Null, &theirs),
        ("GET", format!("{}&subtree=true", balance("ID")), Value::Null, &theirs),
        ("GET", history("ID"), Value::Null, &theirs),
        ("GET", format!("{}&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", history("ID")), Value::Null, &theirs),
        ("POST", HOLDS.to_owned(), json!({ "account_id": "ID", "amount": "1" }), &theirs),
        ("POST", HOLDS.to_owned(), json!({ "account_id": w.master.id, "to": "ID", "amount": "1" }), &theirs),
        ("GET", format!("{HOLDS}?account_id=ID"), Value::Null, &theirs),
        ("GET", format!("{HOLDS}/ID"), Value::Null, &hold),
        ("POST", format!("{HOLDS}/ID/capture"), json!({}), &hold),
        ("POST", format!("{HOLDS}/ID/release"), json!({}), &hold),
    ];
    let viewer = w.key_for(&w.master.id, "viewer").await;
    let mut differing = Vec::new();
    for (role, api) in [("owner", &w.master.api), ("viewer", &viewer)] {
        for (method, path, body, foreign) in &rows {
            let [foreign, absent] = [ask(api, method, path, body, foreign).await, ask(api, method, path, body, &absent(foreign)).await];
            // A viewer may be told of the missing right when the account of the path is its own.
            let right = foreign.status == 404 || (role == "viewer" && foreign.status == 403);
            if !right || shape(&foreign) != shape(&absent) {
                differing.push(format!("{role} {method} {path} {body}\n{}\n{}", shape(&foreign), shape(&absent)));
            }
        }
    }
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), rows.len(), differing.join("\n\n"));
    assert_eq!((w.available(&theirs).await, w.available(&w.master.id).await), ("48.000000".to_owned(), "50.000000".to_owned()));
}

async fn ask(api: &Api, method: &str, path: &str, body: &Value, id: &str) -> Answer {
    let ask = api.call(method.parse().expect("a method"), &path.replace("ID", id)).idem(&api.unique("idem"));
    let ask = if body.is_null() { ask } else { ask.json(&serde_json::from_str(&body.to_string().replace("ID", id)).expect("JSON")) };
    ask.send().await.problem()
}

#[tokio::test]
async fn a_hold_is_answered_again_long_after_its_time() {
    let w = World::new().await;
    let a = w.funded_child_of(&w.master.id, "5").await;
    let body = json!({ "account_id": a, "amount": "1", "expires_at": w.target.time_in_s(30) });
    let key = w.master.api.unique("hold");
    let ask = || w.master.api.post(HOLDS, body.clone()).idem(&key);
    let first = ask().send().await.is(201);
    if w.target.advance_s(3600, "a hold's replay after its time") {
        let again = ask().send().await.is(201);
        assert_eq!((&again["id"], again.header("idempotent-replayed")), (&first["id"], "true"));
        // To another key of the account only if it may hold credit itself.
        let other = async |role: &str| ask().key(w.key_for(&w.master.id, role).await.secret()).send().await;
        other("viewer").await.refused(403, "forbidden");
        assert_eq!(other("billing").await.is(201)["id"], first["id"]);
        let late = json!({ "account_id": a, "amount": "2", "expires_at": w.target.time_in_s(-30) });
        w.master.api.pay(HOLDS, late).send().await.refused(400, "validation_failed");
    }
}

#[tokio::test]
async fn whose_a_transfer_is_comes_before_what_kind_it_is() {
    let w = World::new().await;
    let a = w.funded_child_of(&w.master.id, "5").await;
    let hold = w.master.api.pay(HOLDS, json!({ "account_id": a, "amount": "1" })).send().await.is(201).id();
    let captured = w.master.api.pay(&format!("{HOLDS}/{hold}/capture"), json!({})).send().await.is(200);
    let path = format!("/reseller/credits/transfers/{}/reverse", captured.word("transfer_id"));
    w.master.api.pay(&path, json!({})).send().await.refused(409, "conflict");
    let stranger = w.other_master(json!({})).await;
    stranger.api.pay(&path, json!({})).send().await.refused(404, "not_found");
}
