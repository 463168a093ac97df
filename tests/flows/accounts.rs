//! Accounts: making, finding, editing, stopping, ending and moving them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::world::{World, column, every_row};

const CREATE: &str = "/reseller/accounts/create";

fn account(id: &str) -> String {
    format!("/reseller/accounts/{id}")
}

#[tokio::test]
async fn a_new_account_has_the_contracts_members_and_defaults() {
    let w = World::new().await;
    let made = w.master.api.post(CREATE, json!({ "name": "Café Nord" })).send().await.is(201);
    let id = made.id();
    assert!(id.starts_with("acc_"));
    assert_eq!(made.header("location"), account(&id));
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.word("path"), format!("{}/{id}", w.master.id));
    for (member, value) in [
        ("parent_id", json!(w.master.id)),
        ("depth", json!(2)),
        ("kind", json!("customer")),
        ("name", json!("Café Nord")),
        ("external_id", Value::Null),
        ("email", Value::Null),
        ("status", json!("active")),
        ("effective_status", json!("active")),
        ("currency", json!("USD")),
        ("credit_limit", json!("0.000000")),
        ("tags", json!({})),
        ("settings", json!({})),
        ("children", json!(0)),
        ("version", json!(1)),
    ] {
        assert_eq!(made[member], value, "{member}");
    }
    assert!(made.word("created_at").ends_with('Z'));
    let read = w.master.api.get(&account(&id)).send().await.is(200);
    assert_eq!(read.json, made.json);
    assert_eq!(read.header("etag"), "\"1\"");
}

#[tokio::test]
async fn a_new_account_keeps_what_it_was_given() {
    let w = World::new().await;
    let given = json!({
        "name": "Kiosk", "kind": "reseller", "external_id": "crm:1/A", "email": "ops@kiosk.example",
        "tags": { "region": "north" }, "settings": { "time_zone": "Europe/Berlin", "locale": "de-CH" }, "credit_limit": "25"
    });
    // Only from above does a limit come: here from the operator.
    let made = w.create(&w.master.id, given.clone()).await;
    for member in ["name", "kind", "external_id", "email", "tags", "settings"] {
        assert_eq!(made[member], given[member], "{member}");
    }
    assert_eq!(made["credit_limit"], "25.000000");
    assert_eq!(w.master.api.get(&account(&made.id())).send().await.is(200)["tags"], given["tags"]);
}

#[tokio::test]
async fn an_external_id_is_unique_under_one_parent_and_the_conflict_names_the_account() {
    let w = World::new().await;
    let branch = w.reseller_of(&w.master.id).await;
    let body = json!({ "name": "One", "external_id": "crm-1" });
    let first = w.master.api.post(CREATE, body.clone()).send().await.is(201).id();
    let again = w.master.api.post(CREATE, body.clone()).send().await.refused(409, "account_exists");
    assert_eq!(again["id"], first);
    branch.api.post(CREATE, body).send().await.is(201);
    let other = w.master.api.post(CREATE, json!({ "name": "Two", "external_id": "crm-2" })).send().await.is(201).id();
    let renamed = w.master.api.put(&account(&other), json!({ "external_id": "crm-1" })).send().await.refused(409, "account_exists");
    assert_eq!(renamed["id"], first);
    w.master.api.put(&account(&first), json!({ "external_id": "crm-9" })).send().await.is(200);
    w.master.api.put(&account(&other), json!({ "external_id": "crm-1" })).send().await.is(200);
}

#[tokio::test]
async fn the_tree_is_eight_levels_deep_and_no_deeper() {
    let w = World::new().await;
    let mut parent = w.master.id.clone();
    for depth in 2..=8 {
        let made = w.master.api.post(CREATE, json!({ "name": "Level", "kind": "reseller", "parent_id": parent })).send().await.is(201);
        assert_eq!(made["depth"], depth);
        parent = made.id();
    }
    w.master.api.post(CREATE, json!({ "name": "Ninth", "parent_id": parent })).send().await.refused(422, "too_deep");
}

#[tokio::test]
async fn initial_credits_come_from_the_parent_with_the_account() {
    let w = World::new().await;
    w.fund(&w.master.id, "100").await;
    let made = w.master.api.pay(CREATE, json!({ "name": "Shop", "initial_credits": "30.5" })).send().await.is(201);
    assert_eq!(w.available(&made.id()).await, "30.500000");
    assert_eq!(w.available(&w.master.id).await, "69.500000");
    let history = w.master.api.get(&format!("/reseller/credits/history?account_id={}", made.id())).send().await.is(200);
    assert_eq!(history.column("kind"), ["allocation"]);
    assert_eq!(history.rows()[0]["counterparty"], w.master.id);
}

#[tokio::test]
async fn initial_credits_that_the_parent_lacks_leave_no_account() {
    let w = World::new().await;
    w.fund(&w.master.id, "10").await;
    let body = json!({ "name": "Shop", "external_id": "shop", "initial_credits": "10.000001" });
    let refused = w.master.api.pay(CREATE, body).send().await.refused(422, "insufficient_credits");
    assert_eq!(refused["available"], "10.000000");
    assert_eq!(w.master.api.get("/reseller/accounts").send().await.is(200).rows().len(), 0);
    assert_eq!(w.master.api.get(&account(&w.master.id)).send().await.is(200)["children"], 0);
    assert_eq!(w.available(&w.master.id).await, "10.000000");
    w.master.api.post(CREATE, json!({ "name": "Shop", "external_id": "shop" })).send().await.is(201);
}

#[tokio::test]
async fn initial_credits_need_an_idempotency_key_and_nothing_else_does() {
    let w = World::new().await;
    w.fund(&w.master.id, "10").await;
    let body = json!({ "name": "Shop", "initial_credits": "1" });
    w.master.api.post(CREATE, body).send().await.refused(400, "idempotency_key_missing");
    w.master.api.post(CREATE, json!({ "name": "Shop" })).send().await.is(201);
}

#[tokio::test]
async fn a_repeated_creation_answers_as_the_first_time_and_makes_nothing() {
    let w = World::new().await;
    w.fund(&w.master.id, "10").await;
    for body in [json!({ "name": "Plain" }), json!({ "name": "Paid", "initial_credits": "4" })] {
        let key = w.unique("idem");
        let first = w.master.api.post(CREATE, body.clone()).idem(&key).send().await.is(201);
        w.master.api.put(&account(&first.id()), json!({ "name": "Renamed meanwhile" })).send().await.is(200);
        let again = w.master.api.post(CREATE, body).idem(&key).send().await.is(201);
        assert_eq!(again.text, first.text);
        assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
        assert_eq!(again.header("location"), first.header("location"));
        let other = json!({ "name": "Another", "initial_credits": "4" });
        w.master.api.post(CREATE, other).idem(&key).send().await.refused(422, "idempotency_key_reused");
    }
    assert_eq!(w.available(&w.master.id).await, "6.000000");
    assert_eq!(w.master.api.get("/reseller/accounts").send().await.is(200).rows().len(), 2);
}

#[tokio::test]
async fn a_clone_takes_kind_tags_and_settings_but_what_the_request_says() {
    let w = World::new().await;
    let more = json!({ "kind": "reseller", "tags": { "plan": "gold" }, "settings": { "locale": "fr" }, "email": "a@b.example" });
    let template = w.create(&w.master.id, more).await.id();
    let clone = w.master.api.post(CREATE, json!({ "name": "Clone", "clone_from": template })).send().await.is(201);
    assert_eq!(
        (&clone["kind"], &clone["tags"], &clone["settings"]),
        (&json!("reseller"), &json!({ "plan": "gold" }), &json!({ "locale": "fr" }))
    );
    assert_eq!(clone["email"], Value::Null);
    let own = json!({ "name": "Own", "clone_from": template, "kind": "customer", "tags": {}, "settings": {} });
    let own = w.master.api.post(CREATE, own).send().await.is(201);
    assert_eq!((&own["kind"], &own["tags"], &own["settings"]), (&json!("customer"), &json!({}), &json!({})));
}

#[tokio::test]
async fn a_currency_is_chosen_below_the_operator_only() {
    let w = World::new().await;
    let euro = w.other_master(json!({ "currency": "EUR" })).await;
    assert_eq!(euro.api.post(CREATE, json!({ "name": "Heir" })).send().await.is(201)["currency"], "EUR");
    euro.api.post(CREATE, json!({ "name": "Same", "currency": "EUR" })).send().await.is(201);
    euro.api.post(CREATE, json!({ "name": "Other", "currency": "USD" })).send().await.refused(422, "currency_mismatch");
}

#[tokio::test]
async fn an_account_is_made_only_under_an_active_reseller() {
    let w = World::new().await;
    let customer = w.child_of(&w.master.id).await;
    let under = |parent: &str| w.operator().post(CREATE, json!({ "name": "Child", "parent_id": parent }));
    under(&customer).send().await.refused(422, "parent_is_customer");
    let branch = w.reseller_of(&w.master.id).await;
    let deep = w.reseller_of(&branch.id).await;
    w.suspend(&branch.id).await;
    under(&branch.id).send().await.refused(422, "account_suspended");
    under(&deep.id).send().await.refused(422, "account_suspended");
    let ended = w.reseller_of(&w.master.id).await;
    w.operator().pay(&format!("{}/close", account(&ended.id)), json!({})).send().await.is(200);
    under(&ended.id).send().await.refused(409, "account_closed");
}

/// Below the master: three branches, the first with two customers.
async fn small_tree(w: &World) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, kind) in [("Charlie", "reseller"), ("alpha", "customer"), ("Bravo", "customer")] {
        ids.push(w.create(&w.master.id, json!({ "name": name, "kind": kind, "external_id": format!("x-{name}") })).await.id());
    }
    for name in ["Delta", "echo"] {
        ids.push(w.create(&ids[0], json!({ "name": name, "email": format!("{name}@mail.example") })).await.id());
    }
    ids
}

#[tokio::test]
async fn a_list_shows_children_or_the_subtree_filtered_and_sorted() {
    let w = World::new().await;
    let ids = small_tree(&w).await;
    w.suspend(&ids[2]).await;
    for (query, names) in [
        ("", vec!["Charlie", "alpha", "Bravo"]),
        ("?sort=-created_at", vec!["Bravo", "alpha", "Charlie"]),
        ("?sort=name", vec!["alpha", "Bravo", "Charlie"]),
        ("?sort=-name", vec!["Charlie", "Bravo", "alpha"]),
        ("?subtree=true&sort=name", vec!["alpha", "Bravo", "Charlie", "Delta", "echo"]),
        ("?subtree=true&sort=-name", vec!["echo", "Delta", "Charlie", "Bravo", "alpha"]),
        ("?subtree&kind=customer&sort=name", vec!["alpha", "Bravo", "Delta", "echo"]),
        ("?kind=reseller", vec!["Charlie"]),
        ("?status=suspended", vec!["Bravo"]),
        ("?status=active&sort=name", vec!["alpha", "Charlie"]),
        ("?status=closed", vec![]),
        ("?q=ALPH", vec!["alpha"]),
        ("?q=x-bravo", vec!["Bravo"]),
        ("?subtree=true&q=mail.example&sort=name", vec!["Delta", "echo"]),
        ("?subtree=false&q=delta", vec![]),
    ] {
        let page = w.master.api.get(&format!("/reseller/accounts{query}")).send().await.is(200);
        assert_eq!(page.column("name"), names, "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    let below = w.master.api.get(&format!("/reseller/accounts?parent_id={}", ids[0])).send().await.is(200);
    assert_eq!(below.column("name"), ["Delta", "echo"]);
    let tree = w.master.api.get("/reseller/accounts?subtree=true").send().await.is(200);
    let place = |id: &String| tree.column("id").iter().position(|one| one == id);
    assert!(place(&ids[0]) < place(&ids[3]) && place(&ids[0]) < place(&ids[4]), "a parent comes before its children");
}

#[tokio::test]
async fn pages_together_show_every_account_once() {
    let w = World::new().await;
    let mut made = BTreeSet::new();
    let branch = w.reseller_of(&w.master.id).await;
    made.insert(branch.id.clone());
    for n in 0..11 {
        made.insert(w.create(if n % 2 == 0 { &w.master.id } else { &branch.id }, json!({ "name": format!("N{}", n % 3) })).await.id());
    }
    for sort in ["created_at", "-created_at", "name", "-name"] {
        for limit in [1, 4, 5, 12, 200] {
            let rows = every_row(&w.master.api, &format!("/reseller/accounts?subtree=true&sort={sort}"), limit).await;
            let ids = column(&rows, "id");
            assert_eq!(ids.len(), made.len(), "{sort} by {limit}");
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), made, "{sort} by {limit}");
        }
        let whole = column(&every_row(&w.master.api, &format!("/reseller/accounts?sort={sort}"), 200).await, "id");
        let paged = column(&every_row(&w.master.api, &format!("/reseller/accounts?sort={sort}"), 3).await, "id");
        assert_eq!(whole, paged, "{sort}");
    }
    let filtered = every_row(&w.master.api, "/reseller/accounts?subtree=true&q=n1", 2).await;
    assert_eq!(filtered.len(), 4);
}

#[tokio::test]
async fn a_cursor_serves_its_own_caller_and_query_only() {
    let w = World::new().await;
    small_tree(&w).await;
    let (path, other) = ("/reseller/accounts?sort=name&limit=1", w.other_master(json!({})).await);
    let cursor = w.master.api.get(path).send().await.is(200).word("next_cursor").to_owned();
    w.master.api.get(&format!("{path}&cursor={cursor}")).send().await.is(200);
    w.master.api.get(&format!("/reseller/accounts?limit=2&sort=name&cursor={cursor}")).send().await.is(200);
    let mut tampered = cursor.clone();
    let last = tampered.pop().expect("a long cursor");
    tampered.insert(3, last);
    for (api, path) in [
        (&w.master.api, format!("{path}&cursor={tampered}")),
        (&w.master.api, format!("{path}&cursor=")),
        (&w.master.api, format!("/reseller/accounts?limit=1&cursor={cursor}")),
        (&w.master.api, format!("/reseller/accounts?limit=1&sort=-name&cursor={cursor}")),
        (&w.master.api, format!("/reseller/accounts?limit=1&sort=name&q=a&cursor={cursor}")),
        (&w.master.api, format!("/reseller/accounts/{}/members?limit=1&cursor={cursor}", w.master.id)),
        (&other.api, format!("{path}&cursor={cursor}")),
        (w.operator(), format!("{path}&cursor={cursor}")),
    ] {
        api.get(&path).send().await.refused(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_null_empties() {
    let w = World::new().await;
    let more = json!({ "external_id": "e1", "email": "a@b.example", "tags": { "a": "1", "b": "2" } });
    let made = w.create(&w.master.id, more).await;
    let path = account(&made.id());
    let edited = w.master.api.put(&path, json!({ "name": "New", "tags": { "c": "3" } })).send().await.is(200);
    assert_eq!((&edited["name"], &edited["tags"], &edited["email"]), (&json!("New"), &json!({ "c": "3" }), &json!("a@b.example")));
    assert_eq!((&edited["version"], edited.header("etag")), (&json!(2), "\"2\""));
    let emptied = w.master.api.put(&path, json!({ "external_id": null, "email": null })).send().await.is(200);
    assert_eq!((&emptied["external_id"], &emptied["email"], &emptied["name"]), (&Value::Null, &Value::Null, &json!("New")));
    // The freed external id can be taken.
    w.create(&w.master.id, json!({ "external_id": "e1" })).await;
    let unknown = w.master.api.put(&path, json!({ "name": "X", "status": "closed", "balance": "9" })).send().await;
    let unknown = unknown.refused(400, "unknown_field");
    let pointers: Vec<&Value> = unknown["errors"].as_array().expect("errors").iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/balance", "/status"]);
    w.master.api.put(&path, json!({})).send().await.refused(400, "validation_failed");
    assert_eq!(w.master.api.get(&path).send().await.is(200).json, emptied.json);
}

#[tokio::test]
async fn a_stale_if_match_changes_nothing() {
    let w = World::new().await;
    let path = account(&w.child_of(&w.master.id).await);
    let first = w.master.api.get(&path).send().await.is(200).header("etag").to_owned();
    let second = w.master.api.put(&path, json!({ "name": "B" })).if_match(&first).send().await.is(200).header("etag").to_owned();
    for stale in [first.as_str(), "\"99\"", "\"x\"", "x"] {
        w.master.api.put(&path, json!({ "name": "C" })).if_match(stale).send().await.refused(412, "precondition_failed");
    }
    assert_eq!(w.master.api.get(&path).send().await.is(200)["name"], "B");
    w.master.api.put(&path, json!({ "name": "C" })).if_match(&second).send().await.is(200);
    w.master.api.put(&path, json!({ "name": "D" })).if_match("*").send().await.is(200);
}

#[tokio::test]
async fn a_credit_limit_is_the_operators_to_give() {
    let w = World::new().await;
    let branch = w.reseller_of(&w.master.id).await;
    let limit = json!({ "credit_limit": "50" });
    branch.api.put(&account(&branch.id), limit.clone()).send().await.refused(403, "forbidden");
    // A limit is credit that nobody paid for: a reseller that could give it could spend it through its own sub-account.
    w.master.api.put(&account(&branch.id), limit.clone()).send().await.refused(403, "forbidden");
    let with_limit = json!({ "name": "Straw", "credit_limit": "50" });
    w.master.api.post("/reseller/accounts/create", with_limit).send().await.refused(403, "forbidden");
    assert_eq!(w.balance(&branch.id).await["credit_limit"], "0.000000");
    assert_eq!(w.operator().put(&account(&branch.id), limit).send().await.is(200)["credit_limit"], "50.000000");
    let balance = w.balance(&branch.id).await;
    assert_eq!((&balance["credit_limit"], &balance["spendable"]), (&json!("50.000000"), &json!("50.000000")));
}

#[tokio::test]
async fn nothing_below_a_suspended_account_can_spend() {
    let w = World::new().await;
    let branch = w.reseller_of(&w.master.id).await;
    let under = w.reseller_of(&branch.id).await;
    let leaf = w.funded_child_of(&under.id, "100").await;
    let peer = w.child_of(&under.id).await;
    w.fund(&under.id, "100").await;
    w.fund(&branch.id, "100").await;
    let hold = json!({ "account_id": leaf, "amount": "5" });
    let held = w.operator().pay("/reseller/credits/holds", hold.clone()).send().await.is(201).id();
    let released = w.operator().pay("/reseller/credits/holds", hold.clone()).send().await.is(201).id();
    let moved = json!({ "from": under.id, "to": leaf, "amount": "10" });
    let transfer = w.operator().pay("/reseller/credits/transfer", moved).send().await.is(201).id();
    let before = w.available(&leaf).await;

    let suspended = w.master.api.delete(&account(&branch.id)).send().await.is(200);
    assert_eq!((&suspended["status"], &suspended["effective_status"]), (&json!("suspended"), &json!("suspended")));
    for id in [&under.id, &leaf] {
        let below = w.master.api.get(&account(id)).send().await.is(200);
        assert_eq!((&below["status"], &below["effective_status"]), (&json!("active"), &json!("suspended")));
    }
    assert_eq!(w.available(&leaf).await, before, "credit stays");
    for (path, body) in [
        ("/reseller/credits/allocate".to_owned(), json!({ "from": under.id, "account_id": leaf, "amount": "1" })),
        ("/reseller/credits/allocate".to_owned(), json!({ "from": branch.id, "account_id": under.id, "amount": "1" })),
        ("/reseller/credits/transfer".to_owned(), json!({ "from": leaf, "to": peer, "amount": "1" })),
        ("/reseller/credits/transfer".to_owned(), json!({ "from": leaf, "to": w.master.id, "amount": "1" })),
        ("/reseller/credits/transfers".to_owned(), json!({ "legs": [{ "from": leaf, "to": peer, "amount": "1" }] })),
        ("/reseller/credits/holds".to_owned(), hold),
        (format!("/reseller/credits/holds/{held}/capture"), json!({})),
        (CREATE.to_owned(), json!({ "name": "New", "parent_id": under.id, "initial_credits": "1" })),
    ] {
        w.operator().pay(&path, body.clone()).send().await.refused(422, "account_suspended");
        if !path.contains("capture") && path != CREATE {
            let own = under.api.pay(&path, body).send().await;
            assert!(matches!(own.status, 404 | 422), "{path}: {}", own.text);
        }
    }
    // What returns credit to where it came from is not spending.
    w.operator().pay(&format!("/reseller/credits/transfers/{transfer}/reverse"), json!({})).send().await.is(201);
    w.operator().pay(&format!("/reseller/credits/holds/{released}/release"), json!({})).send().await.is(200);
    // And what comes in is not either.
    w.fund(&leaf, "1").await;

    let back = w.master.api.call(http::Method::POST, &format!("{}/reactivate", account(&branch.id))).send().await.is(200);
    assert_eq!(back["effective_status"], "active");
    assert_eq!(w.master.api.get(&account(&leaf)).send().await.is(200)["effective_status"], "active");
    w.operator().pay(&format!("/reseller/credits/holds/{held}/capture"), json!({})).send().await.is(200);
    w.operator().pay("/reseller/credits/transfer", json!({ "from": leaf, "to": peer, "amount": "1" })).send().await.is(201);
}

#[tokio::test]
async fn suspending_twice_is_as_once_and_nobody_lifts_their_own() {
    let w = World::new().await;
    let branch = w.reseller_of(&w.master.id).await;
    branch.api.delete(&account(&branch.id)).send().await.refused(403, "forbidden");
    for _ in 0..2 {
        assert_eq!(w.master.api.delete(&account(&branch.id)).send().await.is(200)["status"], "suspended");
    }
    branch.api.post(&format!("{}/reactivate", account(&branch.id)), json!({})).send().await.refused(403, "forbidden");
    branch.api.get(&account(&branch.id)).send().await.is(200);
    for _ in 0..2 {
        let again = w.master.api.post(&format!("{}/reactivate", account(&branch.id)), json!({})).send().await.is(200);
        assert_eq!(again["status"], "active");
    }
}

#[tokio::test]
async fn an_account_closes_when_it_is_empty() {
    let w = World::new().await;
    let branch = w.reseller_of(&w.master.id).await;
    let leaf = w.funded_child_of(&branch.id, "7").await;
    let close = |id: &str, body: Value| w.master.api.pay(&format!("{}/close", account(id)), body);
    w.master.api.post(&format!("{}/close", account(&leaf)), json!({})).send().await.refused(400, "idempotency_key_missing");
    assert_eq!(close(&branch.id, json!({})).send().await.refused(409, "account_has_children")["children"], 1);
    assert_eq!(close(&leaf, json!({})).send().await.refused(409, "account_has_credit")["available"], "7.000000");
    let hold = json!({ "account_id": leaf, "amount": "2" });
    let hold = w.operator().pay("/reseller/credits/holds", hold).send().await.is(201).id();
    assert_eq!(close(&leaf, json!({ "sweep_to_parent": true })).send().await.refused(409, "account_has_credit")["held"], "2.000000");
    w.operator().pay(&format!("/reseller/credits/holds/{hold}/release"), json!({})).send().await.is(200);

    let key = w.unique("idem");
    let body = json!({ "sweep_to_parent": true });
    let closed = close(&leaf, body.clone()).idem(&key).send().await.is(200);
    assert_eq!((&closed["status"], &closed["effective_status"]), (&json!("closed"), &json!("closed")));
    assert_eq!((w.available(&leaf).await, w.available(&branch.id).await), ("0.000000".to_owned(), "7.000000".to_owned()));
    let again = close(&leaf, body).idem(&key).send().await.is(200);
    assert_eq!((again.text, again.headers["idempotent-replayed"].to_str().ok()), (closed.text, Some("true")));
    close(&leaf, json!({})).send().await.refused(409, "account_closed");
    let swept = w.master.api.get(&format!("/reseller/credits/history?account_id={}", branch.id)).send().await.is(200);
    assert_eq!((&swept.rows()[0]["kind"], &swept.rows()[0]["amount"]), (&json!("sweep"), &json!("7.000000")));

    for (path, body) in [
        ("/reseller/credits/allocate", json!({ "from": branch.id, "account_id": leaf, "amount": "1" })),
        ("/reseller/credits/issue", json!({ "account_id": leaf, "amount": "1" })),
        ("/reseller/credits/transfer", json!({ "from": leaf, "to": branch.id, "amount": "1" })),
    ] {
        w.operator().pay(path, body).send().await.refused(409, "account_closed");
    }
    w.master.api.put(&account(&leaf), json!({ "name": "X" })).send().await.refused(409, "account_closed");
    w.master.api.delete(&account(&leaf)).send().await.refused(409, "account_closed");
    w.master.api.post(&format!("{}/reactivate", account(&leaf)), json!({})).send().await.refused(409, "account_closed");
    let key = json!({ "name": "K", "role": "viewer" });
    w.master.api.post(&format!("{}/keys", account(&leaf)), key).send().await.refused(409, "account_closed");

    assert_eq!(w.master.api.get(&account(&branch.id)).send().await.is(200)["children"], 0);
    branch.api.get(&account(&branch.id)).send().await.is(200);
    branch.api.pay(&format!("{}/close", account(&branch.id)), json!({ "sweep_to_parent": true })).send().await.refused(403, "forbidden");
    close(&branch.id, json!({ "sweep_to_parent": true })).send().await.is(200);
    branch.api.get(&account(&branch.id)).send().await.refused(401, "unauthorized");
    assert_eq!(w.available(&w.master.id).await, "7.000000");
}

#[tokio::test]
async fn a_closed_account_frees_its_external_id() {
    let w = World::new().await;
    let ended = w.create(&w.master.id, json!({ "external_id": "shop-1" })).await.id();
    w.master.api.pay(&format!("{}/close", account(&ended)), json!({})).send().await.is(200);
    let next = w.create(&w.master.id, json!({ "external_id": "shop-1" })).await.id();
    assert_ne!(next, ended);
}

#[tokio::test]
async fn relationships_show_where_an_account_stands_and_nothing_above_the_caller() {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let b = w.reseller_of(&a.id).await;
    let (c, d) = (w.reseller_of(&b.id).await, w.child_of(&b.id).await);
    let e = w.child_of(&c.id).await;
    let shown = a.api.get(&format!("{}/relationships", account(&b.id))).send().await.is(200);
    assert_eq!(shown["account"]["id"], b.id);
    assert_eq!(shown["account"]["path"], format!("{}/{}", a.id, b.id));
    assert_eq!(shown["parent"]["id"], a.id);
    assert_eq!(column(shown["ancestors"].as_array().expect("a list"), "id"), std::slice::from_ref(&a.id));
    let children = shown["children"]["data"].as_array().expect("a page");
    assert_eq!(column(children, "id"), [c.id.clone(), d]);
    assert_eq!(shown["subtree"], json!({ "accounts": 3, "by_depth": [{ "depth": 1, "accounts": 2 }, { "depth": 2, "accounts": 1 }] }));
    assert_eq!(shown["moves"], json!([]));
    let own = a.api.get(&format!("{}/relationships", account(&a.id))).send().await.is(200);
    assert_eq!((&own["parent"], &own["ancestors"]), (&Value::Null, &json!([])));
    assert_eq!(own["account"]["path"], a.id);
    let leaf = w.master.api.get(&format!("{}/relationships", account(&e))).send().await.is(200);
    let ancestors = column(leaf["ancestors"].as_array().expect("a list"), "id");
    assert_eq!(ancestors, [w.master.id.clone(), a.id, b.id, c.id]);
    assert_eq!(leaf["subtree"], json!({ "accounts": 0, "by_depth": [] }));
    let first = w.master.api.get(&format!("{}/relationships?limit=1", account(&w.master.id))).send().await.is(200);
    assert_eq!(first["children"]["data"].as_array().map(Vec::len), Some(1));
}

fn relocate(id: &str) -> String {
    format!("{}/move", account(id))
}

#[tokio::test]
async fn a_move_that_the_tree_does_not_allow_changes_nothing() {
    let w = World::new().await;
    let a = w.reseller_of(&w.master.id).await;
    let b = w.reseller_of(&a.id).await;
    let customer = w.child_of(&w.master.id).await;
    let euro = w.other_master(json!({ "currency": "EUR" })).await;
    let mut deep = w.reseller_of(&w.master.id).await;
    for _ in 3..=8 {
        deep = w.reseller_of(&deep.id).await;
    }
    let stopped = w.reseller_of(&w.master.id).await;
    w.suspend(&stopped.id).await;
    let before = w.master.api.get(&account(&a.id)).send().await.is(200).text;
    for (api, to, status, code) in [
        (&w.master.api, &a.id, 422, "cycle"),
        (&w.master.api, &b.id, 422, "cycle"),
        (&w.master.api, &customer, 422, "parent_is_customer"),
        (&w.master.api, &deep.id, 422, "too_deep"),
        (&w.master.api, &stopped.id, 422, "account_suspended"),
        (&w.master.api, &euro.id, 404, "not_found"),
        (w.operator(), &euro.id, 422, "currency_mismatch"),
        (&a.api, &b.id, 403, "forbidden"),
    ] {
        api.post(&relocate(&a.id), json!({ "parent_id": to })).send().await.refused(status, code);
    }
    assert_eq!(w.master.api.get(&account(&a.id)).send().await.is(200).text, before);
    let one_too_deep = w.reseller_of(&w.master.id).await;
    let above_deepest = w.operator().get(&account(&deep.id)).send().await.is(200).word("parent_id").to_owned();
    w.child_of(&one_too_deep.id).await;
    let to = json!({ "parent_id": above_deepest });
    w.master.api.post(&relocate(&one_too_deep.id), to).send().await.refused(422, "too_deep");
}

#[tokio::test]
async fn a_move_takes_rights_to_the_new_side_at_once_and_leaves_credit_and_history() {
    let w = World::new().await;
    let (old, new) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let moved = w.reseller_of(&old.id).await;
    let leaf = w.funded_child_of(&moved.id, "20").await;
    let peer = w.child_of(&moved.id).await;
    w.fund(&moved.id, "30").await;
    w.fund(&new.id, "5").await;
    let history = format!("/reseller/credits/history?account_id={leaf}");
    let before = w.operator().get(&history).send().await.is(200).text;

    let answer = w.master.api.post(&relocate(&moved.id), json!({ "parent_id": new.id })).send().await.is(200);
    assert_eq!((&answer["parent_id"], &answer["depth"]), (&json!(new.id), &json!(3)));
    assert_eq!(answer.word("path"), format!("{}/{}/{}", w.master.id, new.id, moved.id));
    for id in [&moved.id, &leaf] {
        old.api.get(&account(id)).send().await.refused(404, "not_found");
        old.api.get(&format!("/reseller/credits/balance?account_id={id}")).send().await.refused(404, "not_found");
        new.api.get(&account(id)).send().await.is(200);
    }
    let from_old = json!({ "from": leaf, "to": peer, "amount": "1" });
    old.api.pay("/reseller/credits/transfer", from_old).send().await.refused(404, "not_found");
    assert_eq!((w.available(&leaf).await.as_str(), w.available(&moved.id).await.as_str()), ("20.000000", "30.000000"));
    assert_eq!(w.operator().get(&history).send().await.is(200).text, before);
    for (api, body) in [
        (&moved.api, json!({ "from": leaf, "to": peer, "amount": "2" })),
        (&new.api, json!({ "from": leaf, "to": moved.id, "amount": "3" })),
        (&new.api, json!({ "from": new.id, "to": leaf, "amount": "4" })),
    ] {
        api.pay("/reseller/credits/transfer", body).send().await.is(201);
    }
    let allocation = json!({ "account_id": leaf, "amount": "1" });
    new.api.pay("/reseller/credits/allocate", allocation.clone()).send().await.is(201);
    old.api.pay("/reseller/credits/allocate", allocation).send().await.refused(404, "not_found");
    let children = |parent: &str| w.master.api.get(&account(parent));
    assert_eq!((&children(&old.id).send().await["children"], &children(&new.id).send().await["children"]), (&json!(0), &json!(1)));
    let tree = new.api.get("/reseller/accounts?subtree=true&sort=name").send().await.is(200).column("id");
    assert_eq!(tree.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([moved.id.clone(), leaf.clone(), peer]));
    assert_eq!(old.api.get("/reseller/accounts?subtree=true").send().await.is(200).rows().len(), 0);
    let kept = new.api.get(&format!("{}/relationships", account(&moved.id))).send().await.is(200);
    assert_eq!((&kept["moves"][0]["from_parent_id"], &kept["moves"][0]["to_parent_id"]), (&json!(null), &json!(new.id)));
    let whole = w.master.api.get(&format!("{}/relationships", account(&moved.id))).send().await.is(200);
    assert_eq!((&whole["moves"][0]["from_parent_id"], &whole["moves"][0]["to_parent_id"]), (&json!(old.id), &json!(new.id)));
    w.suspend(&new.id).await;
    let leaf_spends = json!({ "from": leaf, "to": moved.id, "amount": "1" });
    w.operator().pay("/reseller/credits/transfer", leaf_spends.clone()).send().await.refused(422, "account_suspended");
    w.operator().post(&format!("{}/reactivate", account(&new.id)), json!({})).send().await.is(200);
    w.suspend(&old.id).await;
    w.operator().pay("/reseller/credits/transfer", leaf_spends).send().await.is(201);
}

#[tokio::test]
async fn a_moved_account_can_move_back() {
    let w = World::new().await;
    let (a, b) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let moved = w.reseller_of(&a.id).await;
    let leaf = w.funded_child_of(&moved.id, "5").await;
    for to in [&b.id, &a.id] {
        w.master.api.post(&relocate(&moved.id), json!({ "parent_id": to })).send().await.is(200);
    }
    a.api.pay("/reseller/credits/transfer", json!({ "from": leaf, "to": a.id, "amount": "5" })).send().await.is(201);
    b.api.get(&account(&leaf)).send().await.refused(404, "not_found");
    let moves = a.api.get(&format!("{}/relationships", account(&moved.id))).send().await.is(200);
    assert_eq!(moves["moves"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_external_id_taken_under_the_new_parent_stops_a_move() {
    let w = World::new().await;
    let (a, b) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let moved = w.create(&a.id, json!({ "external_id": "same" })).await.id();
    let there = w.create(&b.id, json!({ "external_id": "same" })).await.id();
    let refused = w.master.api.post(&relocate(&moved), json!({ "parent_id": b.id })).send().await.refused(409, "account_exists");
    assert_eq!(refused["id"], there);
    w.master.api.put(&account(&there), json!({ "external_id": null })).send().await.is(200);
    w.master.api.post(&relocate(&moved), json!({ "parent_id": b.id })).send().await.is(200);
    w.create(&a.id, json!({ "external_id": "same" })).await;
}

#[tokio::test]
async fn a_name_that_folds_to_many_times_its_length_is_kept_and_found() {
    let w = World::new().await;
    let name = "\u{FDFA}".repeat(66);
    let made = w.master.api.post("/reseller/accounts/create", json!({ "name": name })).send().await.is(201);
    let listed = w.master.api.get("/reseller/accounts?sort=name").send().await.is(200);
    assert!(listed.column("id").contains(&made.id()));
}

#[tokio::test]
async fn a_path_that_is_no_text_is_answered_like_an_absent_id() {
    let w = World::new().await;
    w.master.api.get("/reseller/accounts/%FF").send().await.refused(404, "not_found");
    w.target.nobody.get("/reseller/accounts/%FF").send().await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_stale_if_match_stops_every_kind_of_change() {
    let w = World::new().await;
    let (node, other) = (w.reseller_of(&w.master.id).await, w.reseller_of(&w.master.id).await);
    let path = account(&node.id);
    let stale = w.master.api.get(&path).send().await.is(200).header("etag").to_owned();
    w.master.api.put(&path, json!({ "name": "Newer" })).send().await.is(200);
    let refused = async |ask: crate::support::api::Ask| ask.if_match(&stale).send().await.refused(412, "precondition_failed");
    refused(w.master.api.delete(&path)).await;
    refused(w.master.api.post(&format!("{path}/reactivate"), json!({}))).await;
    refused(w.master.api.post(&format!("{path}/move"), json!({ "parent_id": other.id }))).await;
    refused(w.master.api.pay(&format!("{path}/close"), json!({}))).await;
    assert_eq!(w.master.api.get(&path).send().await.is(200)["status"], "active");
}

#[tokio::test]
async fn times_are_shown_with_three_decimals_always() {
    let w = World::new().await;
    let shown = w.master.api.get(&account(&w.master.id)).send().await.is(200);
    for name in ["created_at", "updated_at"] {
        let at = shown.word(name);
        assert!(at.len() == "2026-11-22T17:02:29.020Z".len() && at.ends_with('Z'), "{name}: {at}");
    }
}

#[tokio::test]
async fn what_cannot_be_empty_is_not_emptied_by_null() {
    let w = World::new().await;
    let path = account(&w.child_of(&w.master.id).await);
    for name in ["name", "tags", "settings", "credit_limit"] {
        let refused =
            w.operator().put(&path, json!({ name: null, "email": "a@example.com" })).send().await.refused(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], format!("/{name}"));
    }
    assert_eq!(w.master.api.get(&path).send().await.is(200)["email"], json!(null));
}

#[tokio::test]
async fn a_wrong_type_in_place_of_a_word_is_a_wrong_field_of_valid_json() {
    let w = World::new().await;
    for (body, pointer) in
        [(json!({ "name": "X", "kind": 1 }), "/kind"), (json!({ "name": "X", "settings": { "nope": 1 }, "zz": 1 }), "/settings/nope")]
    {
        let refused = w.master.api.post("/reseller/accounts/create", body).send().await.problem();
        assert_eq!((refused.status, &refused["errors"][0]["pointer"]), (400, &json!(pointer)));
    }
}
