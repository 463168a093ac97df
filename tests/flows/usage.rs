//! Usage as a reseller's engineer meets it: events in, credit and totals at every level.

use serde_json::{Value, json};
use tributary_domain::account::Status;
use tributary_domain::id::{AccountId, EventId, KeyId, RateCardId, RequestId};
use tributary_store::accounts::Authority;
use tributary_store::books::BookEdit;
use tributary_store::events::Act;

use crate::support::api::{Api, Target};

async fn balance(api: &Api, id: &str) -> String {
    api.get(&format!("/reseller/credits/balance?account_id={id}")).send().await.is(200).word("available").to_owned()
}

async fn edit(target: &Target, account: &str, change: Value) {
    let inside = target.inside("prices").expect("in process");
    let (id, app): (AccountId, _) = (account.parse().expect("an id"), &inside.app);
    let act = Act {
        event: EventId::from_uuid(app.uuid()),
        actor: KeyId::from_uuid(app.uuid()),
        request: RequestId::from_uuid(app.uuid()),
        now: app.now(),
    };
    let root = app.store().account(&id).await.expect("an account").lineage.ids().next().cloned().unwrap_or_else(|| id.clone());
    let authority = Authority { home: &root, may: &|_, _| Ok(()) };
    let edited = app.store().edit_book(&id, None, authority, &act, None, |book, owner| {
        assert_eq!(owner.status, Status::Active);
        let mut value = serde_json::to_value(&*book).expect("a book");
        for (name, more) in change.as_object().expect("an object") {
            value[name] = more.clone();
        }
        *book = serde_json::from_value(value).expect("a book");
        Ok(BookEdit { answer: json!({}), kind: "book.edited", detail: json!({}) })
    });
    edited.await.expect("edited");
}

fn card(target: &Target, meter: &str, unit_price: &str) -> Value {
    let app = &target.inside("prices").expect("in process").app;
    json!([{
        "id": RateCardId::from_uuid(app.uuid()), "meter": meter, "currency": "USD", "effective_from": "2026-01-01T00:00:00Z",
        "model": { "type": "flat", "unit_price": unit_price }, "allow_loss": false,
        "created_at": "2026-01-01T00:00:00Z", "created_by": KeyId::from_uuid(app.uuid()),
    }])
}

#[tokio::test]
async fn an_event_moves_credit_at_every_level_once() {
    let target = Target::in_process().await;
    let op = &target.operator;
    let root = op.get("/reseller/accounts").send().await.is(200);
    assert!(root.rows().is_empty());
    let master = op.post("/reseller/accounts/create", json!({ "name": "M", "kind": "reseller" })).send().await.is(201);
    let (master, operator) = (master.id(), master.word("parent_id").to_owned());
    let customer = op.post("/reseller/accounts/create", json!({ "name": "C", "parent_id": master })).send().await.is(201).id();
    op.pay("/reseller/credits/issue", json!({ "account_id": master, "amount": "100" })).send().await.is(201);
    op.pay("/reseller/credits/transfer", json!({ "from": master, "to": customer, "amount": "10" })).send().await.is(201);
    edit(&target, &operator, json!({ "meters": [{ "key": "sms", "name": "SMS", "unit": "message", "aggregation": "sum" }], "cards": card(&target, "sms", "0.05") })).await;
    edit(&target, &master, json!({ "cards": card(&target, "sms", "0.08") })).await;
    let events = json!({ "events": [
        { "id": "a", "account_id": customer, "meter": "sms", "quantity": 10, "occurred_at": "2026-11-02T07:00:00Z" },
        { "id": "b", "account_id": customer, "meter": "sms", "quantity": "5", "occurred_at": "2026-11-02T07:01:00Z" },
        { "id": "a", "account_id": customer, "meter": "sms", "quantity": 10, "occurred_at": "2026-11-02T07:00:00Z" },
        { "id": "c", "account_id": customer, "meter": "mms", "quantity": 1, "occurred_at": "2026-11-02T07:00:00Z" },
        { "id": "d", "account_id": customer, "meter": "sms", "quantity": 1000, "occurred_at": "2026-11-02T07:00:00Z" },
        { "id": "b", "account_id": customer, "meter": "sms", "quantity": "6", "occurred_at": "2026-11-02T07:01:00Z" },
    ]});
    let answer = op.post("/reseller/usage/events", events.clone()).send().await.is(200);
    let of = |answer: &crate::support::api::Answer| -> Vec<String> {
        let rows = answer["results"].as_array().expect("results").iter();
        rows.map(|row| format!("{} {}", row["status"].as_str().expect("a status"), row["code"].as_str().unwrap_or_default())).collect()
    };
    assert_eq!(
        of(&answer),
        ["accepted ", "accepted ", "duplicate ", "rejected unknown_meter", "rejected insufficient_credits", "rejected event_id_reused"]
    );
    assert_eq!((balance(op, &customer).await, balance(op, &master).await), ("8.800000".to_owned(), "90.450000".to_owned()));
    let again = op.post("/reseller/usage/events", events).send().await.is(200);
    assert_eq!((again["accepted"].clone(), again["duplicates"].clone()), (json!(0), json!(3)));
    assert_eq!((balance(op, &customer).await, balance(op, &master).await), ("8.800000".to_owned(), "90.450000".to_owned()));
}
