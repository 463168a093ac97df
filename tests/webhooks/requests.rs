//! Endpoints as a client makes, changes and removes them.

use serde_json::{Value, json};

use super::{SOMEWHERE, Scene, WEBHOOKS, deliveries, endpoint};

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_removed() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let body = json!({ "url": SOMEWHERE, "events": ["credit.*", "alert.fired"], "subtree": true, "description": "Ledger" });
    let made = api.post(WEBHOOKS, body).send().await.is(201);
    assert!(made.word("secret").starts_with("whsec_"), "{}", made.text);
    assert_eq!((&made["status"], &made["subtree"], &made["account_id"]), (&json!("enabled"), &json!(true), &json!(s.w.master.id)));
    let path = format!("{WEBHOOKS}/{}", made.id());
    assert_eq!(made.header("location"), path);
    let shown = api.get(&path).send().await.is(200);
    assert_eq!((shown.header("etag"), &shown["secret"]), ("\"1\"", &Value::Null));
    let change = json!({ "url": "https://other.example.com/", "events": ["*"] });
    let changed = api.put(&path, change.clone()).if_match("\"1\"").send().await.is(200);
    assert_eq!(
        (&changed["url"], &changed["subtree"], &changed["description"]),
        (&json!("https://other.example.com/"), &json!(false), &Value::Null)
    );
    api.put(&path, change).if_match("\"1\"").send().await.refused(412, "precondition_failed");
    assert_eq!(api.get(WEBHOOKS).send().await.is(200).rows().len(), 1);
    api.delete(&path).send().await.is(200);
    api.get(&path).send().await.refused(404, "not_found");
    assert!(api.get(WEBHOOKS).send().await.is(200).rows().is_empty());
}

#[tokio::test]
async fn a_repeated_request_makes_one_endpoint_and_shows_its_secret_once() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let ask = || api.post(WEBHOOKS, json!({ "url": SOMEWHERE, "events": ["*"] })).idem("hook-1");
    let (first, second) = (ask().send().await.is(201), ask().send().await.is(201));
    assert_eq!((first.id(), second.header("idempotent-replayed")), (second.id(), "true"));
    assert_eq!(second["secret"], Value::Null);
    assert_eq!(api.get(WEBHOOKS).send().await.is(200).rows().len(), 1);
}

#[tokio::test]
async fn an_account_has_twenty_endpoints_at_most() {
    let s = Scene::new().await;
    for _ in 0..20 {
        endpoint(&s.w.master.api, SOMEWHERE, &["*"]).await;
    }
    s.w.master.api.post(WEBHOOKS, json!({ "url": SOMEWHERE, "events": ["*"] })).send().await.refused(422, "limit_reached");
}

#[tokio::test]
async fn an_endpoint_above_hears_of_those_below_only_if_it_says_so_and_nobody_beside_does() {
    let s = Scene::new().await;
    let w = &s.w;
    let reseller = w.reseller_of(&w.master.id).await;
    let (child, beside) = (w.child_of(&reseller.id).await, w.reseller_of(&w.master.id).await);
    let at = |name: &str| format!("https://{name}.example.com/");
    let subtree = json!({ "url": at("master"), "events": ["credit.*"], "subtree": true });
    w.master.api.post(WEBHOOKS, subtree.clone()).send().await.is(201);
    endpoint(&reseller.api, &at("reseller"), &["credit.*"]).await;
    endpoint(&beside.api, &at("beside"), &["*"]).await;
    let of_child = json!({ "account_id": child, "url": at("child"), "events": ["credit.allocation"] });
    reseller.api.post(WEBHOOKS, of_child).send().await.is(201);
    s.told().await;
    s.outbound.take();
    w.fund(&reseller.id, "10").await;
    reseller.api.pay("/reseller/credits/allocate", json!({ "account_id": child, "amount": "3" })).send().await.is(201);
    s.told().await;
    let mut heard: Vec<(String, String)> = s
        .outbound
        .take()
        .into_iter()
        .map(|(url, _, body)| {
            let body: Value = serde_json::from_str(&body).expect("JSON");
            (url, body["account_id"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    heard.sort();
    heard.dedup();
    let mut wanted = vec![
        (at("child"), child.clone()),
        (at("master"), child.clone()),
        (at("master"), reseller.id.clone()),
        (at("reseller"), reseller.id.clone()),
    ];
    wanted.sort();
    assert_eq!(heard, wanted);
}

#[tokio::test]
async fn what_happened_before_there_was_an_endpoint_is_not_told_to_it() {
    let s = Scene::new().await;
    s.told().await;
    s.w.fund(&s.w.master.id, "10").await;
    s.pass(1);
    endpoint(&s.w.master.api, SOMEWHERE, &["*"]).await;
    s.told().await;
    s.outbound.take();
    s.w.fund(&s.w.master.id, "11").await;
    s.told().await;
    let heard: Vec<String> = s.outbound.take().into_iter().map(|(_, _, body)| body).collect();
    assert!(heard.len() == 1 && heard[0].contains("\"11.000000\""), "{heard:?}");
    let id = s.w.master.api.get(WEBHOOKS).send().await.is(200).rows()[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(deliveries(&s.w.master.api, &id).await.iter().filter(|one| one["event_type"] == "credit.issue").count(), 1);
}

#[tokio::test]
async fn what_is_the_operators_alone_is_told_to_nobody_else() {
    let s = Scene::new().await;
    let types = |answer: crate::support::api::Answer| answer.column("type");
    let of_master = types(s.w.master.api.get(&format!("{WEBHOOKS}/event-types")).send().await.is(200));
    let of_operator = types(s.w.operator().get(&format!("{WEBHOOKS}/event-types")).send().await.is(200));
    assert!(of_operator.contains(&"account.frozen".to_owned()) && !of_master.contains(&"account.frozen".to_owned()));
    assert!(of_master.contains(&"credit.allocation".to_owned()) && of_master.contains(&"webhook.ping".to_owned()));
}

#[tokio::test]
async fn a_test_goes_to_the_one_endpoint_whatever_it_hears() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let id = endpoint(api, SOMEWHERE, &["alert.fired"]).await.id();
    endpoint(api, "https://other.example.com/", &["alert.fired"]).await;
    s.told().await;
    let answer = api.post(&format!("{WEBHOOKS}/{id}/test"), json!({})).send().await.is(202);
    s.told().await;
    let posted = s.outbound.take();
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert_eq!((posted[0].0.as_str(), posted[0].1.as_str()), (SOMEWHERE, answer.word("event_id")));
    let delivery = api.get(answer.header("location")).send().await.is(200);
    assert_eq!((&delivery["status"], &delivery["event_type"]), (&json!("delivered"), &json!("webhook.ping")));
    assert_eq!(delivery["attempts"][0]["status"], 200);
    assert_eq!(deliveries(api, &id).await.len(), 1);
}

#[tokio::test]
async fn a_wrong_endpoint_is_refused_by_name_and_nothing_is_made() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    let changes = s.inside().memory.changes();
    for url in [
        "",
        "example.com",
        "http://example.com/",
        "ftp://example.com/",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0xA9FEA9FE/",
        "https://intranet/",
        "https://db.internal/",
    ] {
        let answer = api.post(WEBHOOKS, json!({ "url": url, "events": ["*"] })).send().await.refused(400, "validation_failed");
        assert_eq!(answer["errors"][0]["pointer"], "/url", "{url}: {}", answer.text);
    }
    for (events, pointer) in [
        (json!([]), "/events"),
        (json!(["credit"]), "/events/0"),
        (json!(["*", "nothing.at_all"]), "/events/1"),
        (json!(["credit.*", "credit.*"]), "/events/1"),
        (json!("*"), "/events"),
    ] {
        let answer = api.post(WEBHOOKS, json!({ "url": SOMEWHERE, "events": events })).send().await.refused(400, "validation_failed");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    let more = json!({ "url": SOMEWHERE, "events": ["*"], "secret": "whsec_AAAA" });
    api.post(WEBHOOKS, more).send().await.refused(400, "unknown_field");
    let rotate = format!("{WEBHOOKS}/whk_01hx3v9k2mfd8bq5r7w1z4n6ty/rotate-secret");
    api.post(&rotate, json!({ "overlap_hours": 73 })).send().await.refused(400, "validation_failed");
    api.post(&rotate, json!({})).send().await.refused(404, "not_found");
    assert_eq!(s.inside().memory.changes(), changes);
}
