//! Mails: to whom, in whose brand, laid out how, once each, and no more to whom wants none.

mod smtp;

use serde_json::{Value, json};
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, ActorId, EventId};
use tributary_runtime::mail::{Mail, MailError};
use tributary_store::events::Act;

use crate::support::world::Node;
use crate::webhooks::Scene;

/// Records something of an account, as whoever owns the effect would.
async fn happens(s: &Scene, account: &str, kind: RecordKind, detail: Value) -> EventId {
    let app = &s.inside().app;
    let act = Act { event: EventId::from_uuid(app.uuid()), actor: ActorId::platform(), request: app.run_id(""), now: app.now() };
    let account: AccountId = account.parse().expect("an id");
    app.store().note_endpoint(&account, kind, &detail, &act).await.expect("recorded");
    act.event
}

fn notification(to: &str) -> Value {
    json!({ "job_id": "job_01hx3v9k2mfd8bq5r7w1z4n6ty", "row": 1, "to": to, "subject": "New prices", "text": "Hello,\n\nfrom December on <b>all</b> is new." })
}

/// Header lines of a mail, unfolded.
fn headers(mail: &Mail) -> Vec<String> {
    let (head, _) = mail.raw.split_once("\r\n\r\n").expect("headers");
    head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n").map(str::to_owned).collect()
}

fn header<'a>(headers: &'a [String], name: &str) -> &'a str {
    headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default()
}

async fn branded(s: &Scene, brand: Value) -> Node {
    s.w.other_master(json!({ "name": "Corner Telecom", "settings": { "brand": brand } })).await
}

#[tokio::test]
async fn a_mail_has_a_text_and_a_page_in_the_nearest_brand_and_one_click_to_unsubscribe() {
    let s = Scene::new().await;
    let brand = json!({ "name": "Corner", "color": "#0A7C3F", "sender_name": "Corner Billing", "reply_to": "help@corner.example", "support_url": "https://corner.example/help", "terms_url": "https://corner.example/terms", "privacy_url": "https://corner.example/privacy" });
    let reseller = branded(&s, brand).await;
    let logo = json!({ "image": crate::golden::LOGO });
    reseller.api.put(&format!("/reseller/accounts/{}/brand/logo", reseller.id), logo).send().await.is(200);
    let child = s.w.child_of(&reseller.id).await;
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    let mails = s.mailer.take();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    let headers = headers(mail);
    assert_eq!(header(&headers, "From"), "\"Corner Billing\" <no-reply@mail.example>", "{headers:?}");
    assert_eq!(
        (header(&headers, "To"), header(&headers, "Reply-To"), header(&headers, "Subject")),
        ("ada@example.com", "help@corner.example", "New prices")
    );
    assert_eq!(
        (header(&headers, "List-Unsubscribe-Post"), header(&headers, "Auto-Submitted")),
        ("List-Unsubscribe=One-Click", "auto-generated")
    );
    assert!(header(&headers, "List-Unsubscribe").starts_with("<https://api.example.com/unsubscribe/"), "{headers:?}");
    assert!(header(&headers, "Content-Type").starts_with("multipart/alternative"), "{headers:?}");
    assert!(mail.html.contains("#0a7c3f") && mail.html.contains("https://corner.example/help"), "{}", mail.html);
    for link in ["https://corner.example/terms", "https://corner.example/privacy"] {
        assert!(mail.html.contains(link) && mail.text.contains(link), "{link}: {}", mail.html);
    }
    assert!(mail.html.contains("<img src=\"https://api.example.com/portal/logo/"), "{}", mail.html);
    assert!(mail.html.contains("&#60;b&#62;all") && !mail.html.contains("<b>all"), "{}", mail.html);
    assert!(mail.text.contains("from December on <b>all</b> is new.") && mail.text.contains("Corner\n"), "{}", mail.text);
    assert!(mail.raw.lines().all(|line| line.len() <= 998), "RFC 5322, section 2.1.1");
}

#[tokio::test]
async fn the_platforms_name_never_reaches_who_buys_from_a_reseller() {
    let s = Scene::new().await;
    let operator = s.w.operator().get("/reseller/accounts").send().await.is(200);
    assert!(!operator.text.is_empty());
    let reseller = branded(&s, json!({})).await;
    let child = s.w.child_of(&reseller.id).await;
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    let mail = s.mailer.take().remove(0);
    assert_eq!(header(&headers(&mail), "From"), "\"Corner Telecom\" <no-reply@mail.example>");
    assert!(!mail.raw.contains("Tributary") && !mail.html.contains("Tributary") && !mail.text.contains("Tributary"));
}

#[tokio::test]
async fn an_alert_is_written_to_its_addresses_once_each_and_they_are_told_to_nobody() {
    let s = Scene::new().await;
    let child = s.w.child_of(&s.w.master.id).await;
    crate::webhooks::endpoint(&s.w.master.api, crate::webhooks::SOMEWHERE, &["*"]).await;
    let detail = json!({
        "alert_id": "alr_01hx3v9k2mfd8bq5r7w1z4n6ty", "metric": "balance", "threshold": "10.000000", "value": "9.500000",
        "emails": ["a@example.com", "b@example.com", "a@example.com"],
    });
    let owner = s.w.master.id.clone();
    happens(&s, &owner, RecordKind::AlertFired, detail).await;
    let events = s.told().await;
    let mut to: Vec<String> = s.mailer.take().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["a@example.com", "b@example.com"]);
    assert!(s.outbound.take().iter().all(|(.., body)| !body.contains("@example.com")), "addresses are no part of the event");
    // The queue gives the event once more.
    let bodies: Vec<String> = events.iter().map(tributary_domain::event::Event::to_json).collect();
    let call = crate::support::events::of_queue(bodies.iter().map(String::as_str));
    tributary_notifier::handle(&s.inside().app, &s.senders(), call, &s.inside().app.run_id("")).await.expect("an answer");
    assert!(s.mailer.take().is_empty());
    assert!(!child.is_empty());
}

#[tokio::test]
async fn who_unsubscribed_gets_no_more_of_one_resellers_mails_but_those_of_others() {
    let s = Scene::new().await;
    let (one, other) = (branded(&s, json!({})).await, s.w.other_master(json!({ "name": "Other" })).await);
    let (child, elsewhere) = (s.w.child_of(&one.id).await, s.w.child_of(&other.id).await);
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    let mail = s.mailer.take().remove(0);
    let headers = headers(&mail);
    let path = header(&headers, "List-Unsubscribe").trim_start_matches("<https://api.example.com").trim_end_matches('>').to_owned();
    let nobody = &s.w.target.nobody;
    let form = |path: &str| {
        let ask = nobody.call(http::Method::POST, path).raw(b"List-Unsubscribe=One-Click");
        ask.without("content-type").header("content-type", b"application/x-www-form-urlencoded")
    };
    let page = nobody.get(&path).send().await.is(200);
    assert!(page.text.contains("<form method=\"post\">"), "{}", page.text);
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    assert_eq!(s.mailer.take().len(), 1, "looking at the page changes nothing");
    form(&path).send().await.is(200);
    form(&path).send().await.is(200);
    happens(&s, &child, RecordKind::NotificationSent, notification("Ada@example.com")).await;
    happens(&s, &child, RecordKind::NotificationSent, notification("ben@example.com")).await;
    happens(&s, &elsewhere, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    let mut to: Vec<String> = s.mailer.take().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["ada@example.com", "ben@example.com"], "of the other reseller, and to somebody else");
    nobody.get("/unsubscribe/AAAA").send().await.refused(404, "not_found");
    form("/unsubscribe/AAAA").send().await.refused(404, "not_found");
}

#[tokio::test]
async fn quiet_hours_are_waited_for() {
    let s = Scene::new().await;
    let child = s.w.child_of(&s.w.master.id).await;
    let mut quiet = notification("ada@example.com");
    quiet["not_before"] = json!(s.w.target.time_in_s(3_600));
    happens(&s, &child, RecordKind::NotificationSent, quiet).await;
    s.told().await;
    s.pass(3_599);
    s.run().await;
    assert!(s.mailer.take().is_empty());
    s.pass(1);
    s.run().await;
    assert_eq!(s.mailer.take().len(), 1);
    s.run().await;
    assert!(s.mailer.take().is_empty());
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_tried_again_and_one_that_is_refused_is_not() {
    let s = Scene::new().await;
    let child = s.w.child_of(&s.w.master.id).await;
    s.mailer.fail_with(vec![MailError::Unavailable("busy".into()), MailError::Unavailable("busy".into())]);
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    s.pass(60);
    s.run().await;
    assert!(s.mailer.take().is_empty());
    s.pass(300);
    s.run().await;
    assert_eq!(s.mailer.take().len(), 1);
    s.mailer.fail_with(vec![MailError::Refused("no such mailbox".into())]);
    happens(&s, &child, RecordKind::NotificationSent, notification("ada@example.com")).await;
    s.told().await;
    s.pass(86_400);
    s.run().await;
    assert!(s.mailer.take().is_empty());
}

#[tokio::test]
async fn a_subject_cannot_make_a_header() {
    let s = Scene::new().await;
    let child = s.w.child_of(&s.w.master.id).await;
    let mut bad = notification("ada@example.com");
    bad["subject"] = json!("Hello\r\nBcc: eve@example.com\r\n\r\nbody");
    happens(&s, &child, RecordKind::NotificationSent, bad).await;
    s.told().await;
    let mail = s.mailer.take().remove(0);
    assert!(headers(&mail).iter().all(|line| !line.starts_with("Bcc")), "{:?}", headers(&mail));
    assert_eq!(mail.to, "ada@example.com");
}
