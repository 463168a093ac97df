//! The admin function: the operator and its first key, and a key in place of lost ones. It has no route, so these run on a
//! platform in this process only.

use serde_json::{Value, json};

use crate::support::api::Target;

async fn ask(target: &Target, event: Value) -> Result<Value, String> {
    let app = &target.inside("the admin function has no route").expect("in this process").app;
    tributary_admin::handle(app, event, &app.run_id("")).await.map_err(|error| error.to_string())
}

async fn works(target: &Target, made: &Value) -> bool {
    let secret = made["key"]["secret"].as_str().expect("a secret");
    let api = target.nobody.with(secret);
    let account = made["account_id"].as_str().expect("an id");
    api.get(&format!("/reseller/accounts/{account}")).send().await.status == 200
}

#[tokio::test]
async fn the_operator_is_made_once_with_a_key_that_works() {
    let target = Target::empty().await;
    let refused = ask(&target, json!({ "action": "make_operator_key", "name": "Too early" })).await.expect_err("no operator");
    assert!(refused.contains("make_operator first"), "{refused}");
    for (event, said) in [
        (json!({ "action": "make_operator", "name": "Acme", "currency": "XXQ" }), "/currency"),
        (json!({ "action": "make_operator", "name": "", "currency": "EUR" }), "/name"),
        (json!({ "action": "make_operator", "name": "Acme" }), "currency"),
        (json!({ "action": "drop_everything" }), "make_operator_key"),
        (json!({ "action": "make_operator", "name": "Acme", "currency": "EUR", "role": "viewer" }), "role"),
        (json!("hello"), "make_operator"),
    ] {
        let refused = ask(&target, event.clone()).await.expect_err("refused");
        assert!(refused.contains(said), "{event}: {refused}");
    }
    let made = ask(&target, json!({ "action": "make_operator", "name": "Acme", "currency": "EUR" })).await.expect("made");
    assert!(works(&target, &made).await);
    let again = ask(&target, json!({ "action": "make_operator", "name": "Acme", "currency": "EUR" })).await.expect_err("once");
    assert!(again.contains("there is an operator already"), "{again}");
}

#[tokio::test]
async fn a_lost_key_is_replaced_even_when_there_is_no_room_for_more() {
    let target = Target::in_process().await;
    let first = ask(&target, json!({ "action": "make_operator_key", "name": "Recovered" })).await.expect("made");
    let path = format!("/reseller/accounts/{}/keys", first["account_id"].as_str().expect("an id"));
    for n in 2..20 {
        target.operator.post(&path, json!({ "name": format!("Key {n}"), "role": "owner" })).send().await.is(201);
    }
    target.operator.post(&path, json!({ "name": "One too many", "role": "owner" })).send().await.is(422);
    let other = ask(&target, json!({ "action": "make_operator_key", "name": "Recovered again" })).await.expect("made");
    assert!(works(&target, &first).await && works(&target, &other).await);
    let names: Vec<_> = target.operator.get(&format!("{path}?limit=200")).send().await.is(200).rows().to_vec();
    assert!(names.iter().any(|key| key["name"] == "Recovered again"), "it is listed like any other key");
}
