//! How often something is tried, when, and what comes of an endpoint that never takes it.

use serde_json::{Value, json};
use tributary_domain::delivery::WAITS_S;

use super::{SOMEWHERE, Scene, WEBHOOKS, deliveries, endpoint};

#[tokio::test]
async fn ten_tries_in_three_days_and_then_the_endpoint_is_switched_off_and_its_account_written_to() {
    let s = Scene::new().await;
    let master = s.w.other_master(json!({ "email": "ops@master.example" })).await;
    let id = endpoint(&master.api, SOMEWHERE, &["credit.*"]).await.id();
    s.told().await;
    s.outbound.take();
    s.outbound.answers(SOMEWHERE, 500);
    s.w.fund(&master.id, "1").await;
    s.told().await;
    let mut at = vec![0];
    assert_eq!(s.outbound.take().len(), 1, "the first try is made at once");
    for wait in WAITS_S {
        s.pass(wait - 1);
        s.run().await;
        assert!(s.outbound.take().is_empty(), "not before its time");
        s.pass(1);
        s.run().await;
        assert_eq!(s.outbound.take().len(), 1, "after {wait} seconds");
        at.push(at.last().expect("a time") + wait);
    }
    assert_eq!((at.len(), at[9]), (10, 257_760));
    s.pass(7 * 86_400);
    s.run().await;
    assert!(s.outbound.take().is_empty(), "there is no eleventh");
    let delivery = &deliveries(&master.api, &id).await[0];
    assert_eq!((&delivery["status"], delivery["attempts"].as_array().map(Vec::len)), (&json!("failed"), Some(10)));
    let shown = master.api.get(&format!("{WEBHOOKS}/{id}")).send().await.is(200);
    assert_eq!((&shown["status"], &shown["disabled_reason"]), (&json!("disabled"), &json!("failing")));
    let told = s.told().await;
    let disabled: Vec<_> = told.iter().filter(|event| event.kind.word() == "webhook.disabled").collect();
    assert_eq!(disabled.len(), 1);
    let mails = s.mailer.take();
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ops@master.example"]);
}

#[tokio::test]
async fn what_was_missed_is_replayed_once_the_endpoint_is_enabled() {
    let s = Scene::new().await;
    let (api, id) = (&s.w.master.api, &s.w.master.id);
    let hook = endpoint(api, SOMEWHERE, &["credit.*"]).await.id();
    s.told().await;
    s.outbound.take();
    s.outbound.answers(SOMEWHERE, 410);
    s.w.fund(id, "1").await;
    s.told().await;
    assert_eq!(s.outbound.take().len(), 1);
    let path = format!("{WEBHOOKS}/{hook}");
    assert_eq!(api.get(&path).send().await.is(200)["disabled_reason"], "gone");
    s.w.fund(id, "2").await;
    s.told().await;
    assert!(s.outbound.take().is_empty(), "nothing is sent to an endpoint that is switched off");
    let missed = deliveries(api, &hook).await;
    assert_eq!(missed.iter().map(|one| &one["status"]).collect::<Vec<_>>(), [&json!("failed"), &json!("failed")]);
    let (from, replay) = (s.w.target.time_in_s(-3600), format!("{path}/replay"));
    api.post(&replay, json!({ "from": from })).send().await.refused(409, "conflict");
    s.outbound.answers(SOMEWHERE, 200);
    api.post(&format!("{path}/enable"), json!({})).send().await.is(200);
    let answer = api.post(&replay, json!({ "from": from })).send().await.is(202);
    assert_eq!((&answer["replayed"], &answer["continue_to"]), (&json!(2), &Value::Null));
    s.run().await;
    assert_eq!(s.outbound.take().len(), 2);
    let taken = deliveries(api, &hook).await;
    assert!(taken.iter().all(|one| one["status"] == "delivered"), "{taken:?}");
    let one = format!("{path}/deliveries/{}/replay", taken[0]["event_id"].as_str().expect("an id"));
    api.post(&one, json!({})).send().await.is(202);
    s.run().await;
    assert_eq!(s.outbound.take().len(), 1, "what was taken can be asked for again too");
    assert_eq!(api.post(&replay, json!({ "from": from })).send().await.is(202)["replayed"], 0);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_to_the_schedule_and_comes_back_by_itself() {
    let s = Scene::new().await;
    let hook = endpoint(&s.w.master.api, SOMEWHERE, &["credit.*"]).await.id();
    endpoint(&s.w.master.api, "https://good.example.com/", &["credit.*"]).await;
    s.told().await;
    s.outbound.take();
    s.outbound.answers(SOMEWHERE, 0);
    s.w.fund(&s.w.master.id, "1").await;
    s.told().await;
    assert_eq!(s.outbound.take().len(), 2, "both are tried");
    s.w.fund(&s.w.master.id, "2").await;
    s.told().await;
    let urls: Vec<String> = s.outbound.take().into_iter().map(|(url, ..)| url).collect();
    assert_eq!(urls, ["https://good.example.com/"], "the one that gave no answer is not waited for again");
    s.outbound.answers(SOMEWHERE, 204);
    s.minutes(2).await;
    assert_eq!(s.outbound.take().len(), 2, "the schedule brings both events");
    s.w.fund(&s.w.master.id, "3").await;
    s.told().await;
    assert_eq!(s.outbound.take().len(), 2, "and from then on it is sent to at once");
    assert!(deliveries(&s.w.master.api, &hook).await.iter().all(|one| one["status"] == "delivered"));
}

#[tokio::test]
async fn the_events_of_an_account_arrive_in_the_order_of_its_ledger_and_once_each() {
    let s = Scene::new().await;
    endpoint(&s.w.master.api, SOMEWHERE, &["credit.*"]).await;
    s.told().await;
    s.outbound.take();
    for amount in ["1", "2", "3", "4", "5"] {
        s.w.fund(&s.w.master.id, amount).await;
    }
    let events = s.told().await;
    // The queue gives them once more.
    let bodies: Vec<String> = events.iter().map(tributary_domain::event::Event::to_json).collect();
    let call = crate::support::events::of_queue(bodies.iter().map(String::as_str));
    tributary_notifier::handle(&s.inside().app, &s.senders(), call, &s.inside().app.run_id("")).await.expect("an answer");
    let sequences: Vec<i64> = s
        .outbound
        .take()
        .iter()
        .map(|(_, _, body)| serde_json::from_str::<Value>(body).expect("JSON")["sequence"].as_i64().expect("a number"))
        .collect();
    let mut sorted = sequences.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!((sequences.len(), &sequences), (5, &sorted));
}

#[tokio::test]
async fn what_is_due_to_a_removed_endpoint_is_given_up() {
    let s = Scene::new().await;
    let hook = endpoint(&s.w.master.api, SOMEWHERE, &["credit.*"]).await.id();
    s.told().await;
    s.outbound.answers(SOMEWHERE, 503);
    s.w.fund(&s.w.master.id, "1").await;
    s.told().await;
    s.outbound.take();
    s.w.master.api.delete(&format!("{WEBHOOKS}/{hook}")).send().await.is(200);
    s.pass(60);
    assert_eq!(s.run().await["given_up"], 1);
    assert!(s.outbound.take().is_empty());
}

#[tokio::test]
async fn many_failures_in_one_run_put_the_rest_off_without_counting() {
    let s = Scene::new().await;
    let hook = endpoint(&s.w.master.api, SOMEWHERE, &["credit.*"]).await.id();
    s.told().await;
    s.outbound.answers(SOMEWHERE, 500);
    for _ in 0..20 {
        s.w.fund(&s.w.master.id, "1").await;
        s.told().await;
    }
    s.outbound.take();
    s.pass(60);
    let run = s.run().await;
    assert_eq!((&run["again"], &run["put_off"]), (&json!(8), &json!(12)), "{run}");
    assert_eq!(s.outbound.take().len(), 8);
    s.outbound.answers(SOMEWHERE, 200);
    s.minutes(16).await;
    assert!(deliveries(&s.w.master.api, &hook).await.iter().all(|one| one["status"] == "delivered"));
    assert_eq!(s.outbound.take().len(), 20);
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_is_dead_comes_up_less_and_less_often() {
    let s = Scene::new().await;
    let api = &s.w.master.api;
    endpoint(api, SOMEWHERE, &["credit.*"]).await;
    s.told().await;
    s.outbound.answers(SOMEWHERE, 500);
    s.w.fund(&s.w.master.id, "1").await;
    s.told().await;
    // A day later it is still dead, and more has come.
    s.pass(24 * 3600);
    for _ in 0..20 {
        s.w.fund(&s.w.master.id, "1").await;
    }
    s.told().await;
    assert!(s.run().await["put_off"].as_u64().is_some_and(|put_off| put_off >= 12));
    s.outbound.take();
    // For an eighth of the time it is left alone, but for those that were tried.
    s.minutes(170).await;
    let calls = s.outbound.take().len();
    assert!(calls < 40, "{calls}");
    s.minutes(20).await;
    assert!(s.outbound.take().len() >= 8);
}
