//! What goes over the wire to a real server: signatures, and what servers do that mean no good.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tributary_domain::webhook::EndpointUrl;
use tributary_notifier::outbound::{GuardedClient, Lookup, MAX_ANSWER_BYTES, Outbound as _};
use tributary_runtime::clock::{Clock as _, SystemClock};

use super::{Scene, WEBHOOKS, endpoint, senders, told};
use crate::support::receiver::{Answers, Received, Receiver, SHORT};

/// Names that stand for what the test says.
#[derive(Debug)]
struct Names(Vec<IpAddr>);

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, _name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

fn client(loopback: bool, names: &[&str]) -> GuardedClient {
    let names = names.iter().map(|name| name.parse().expect("an address")).collect();
    GuardedClient::with(loopback, Arc::new(Names(names)), SHORT).expect("a client")
}

/// What a client of the receiver's verifies, with the specification's own library.
fn verified(secret: &str, received: &Received) -> bool {
    let oracle = Webhook::new(secret).expect("a secret");
    oracle.verify(received.body.as_bytes(), &received.headers).is_ok()
}

#[tokio::test]
async fn what_is_sent_verifies_by_the_specifications_own_library_and_under_both_secrets_of_a_rotation() {
    let s = Scene::new().await;
    // The library looks at the machine's clock.
    let ahead = SystemClock::default().now().duration_since(s.inside().clock.now()).as_secs();
    s.pass(ahead.max(0));
    let receiver = Receiver::start(&[]).await;
    let api = &s.w.master.api;
    let made = endpoint(api, &receiver.url(), &["credit.*"]).await;
    let (hook, first) = (made.id(), made.word("secret").to_owned());
    let inside = s.inside();
    let senders = senders(Arc::new(client(true, &[])), &s.mailer);
    told(inside, &senders).await;
    receiver.take();
    let send = async |amount: &str| {
        s.w.fund(&s.w.master.id, amount).await;
        told(inside, &senders).await;
        let mut received = receiver.take();
        assert_eq!(received.len(), 1);
        received.remove(0)
    };
    let received = send("1").await;
    let body: Value = serde_json::from_str(&received.body).expect("JSON");
    assert_eq!((&body["type"], body["id"].as_str()), (&json!("credit.issue"), Some(received.header("webhook-id"))), "{body}");
    assert_eq!(received.header("content-type"), "application/json");
    assert!(verified(&first, &received));
    let forged = Received { body: received.body.replace("1.000000", "9.000000"), ..received.clone() };
    assert!(forged.body != received.body && !verified(&first, &forged), "another body is not what was signed");

    let rotated = api.post(&format!("{WEBHOOKS}/{hook}/rotate-secret"), json!({ "overlap_hours": 2 })).send().await.is(200);
    let second = rotated.word("secret").to_owned();
    let both = send("2").await;
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    assert!(verified(&first, &both) && verified(&second, &both));
    // An hour is more than the library takes, so the signature itself is compared from here on.
    s.pass(2 * 3600);
    let after = send("3").await;
    let timestamp = after.header("webhook-timestamp").parse().expect("seconds");
    let sign = |secret: &str| Webhook::new(secret).expect("a secret").sign(after.header("webhook-id"), timestamp, after.body.as_bytes());
    assert_eq!(after.header("webhook-signature"), sign(&second).expect("signed"), "the old secret signs no more");
}

#[tokio::test]
async fn a_server_that_fails_once_takes_the_second_try_with_the_same_id() {
    let s = Scene::new().await;
    let receiver = Receiver::start(&[Answers::Status(500)]).await;
    endpoint(&s.w.master.api, &receiver.url(), &["credit.*"]).await;
    let senders = senders(Arc::new(client(true, &[])), &s.mailer);
    told(s.inside(), &senders).await;
    s.w.fund(&s.w.master.id, "1").await;
    told(s.inside(), &senders).await;
    s.pass(60);
    let run = tributary_notifier::handle(&s.inside().app, &senders, json!({}), &s.inside().app.run_id("")).await.expect("a run");
    assert_eq!(run["delivered"], 1);
    let received = receiver.take();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("webhook-id"), received[1].header("webhook-id"));
    assert_eq!(received[0].body, received[1].body);
}

async fn post(client: &GuardedClient, url: &str) -> Result<u16, String> {
    let url = EndpointUrl::parse(url, true).unwrap_or_else(|_| serde_json::from_value(json!(url)).expect("kept as it is"));
    client.post(&url, &[], "{}").await.map(|answered| answered.status).map_err(|error| error.0)
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_never_followed() {
    let elsewhere = Receiver::start(&[]).await;
    let receiver = Receiver::start(&[Answers::Redirect(elsewhere.url())]).await;
    assert_eq!(post(&client(true, &[]), &receiver.url()).await, Ok(307));
    assert!(elsewhere.take().is_empty());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let receiver = Receiver::start(&[Answers::Never]).await;
    let answer = tokio::time::timeout(Duration::from_secs(30), post(&client(true, &[]), &receiver.url())).await.expect("in time");
    assert_eq!(answer, Err("no answer in time".to_owned()));
}

#[tokio::test]
async fn of_an_answer_without_end_64_kib_are_read() {
    let receiver = Receiver::start(&[Answers::Endless]).await;
    let url = EndpointUrl::parse(&receiver.url(), true).expect("an address");
    let patient = GuardedClient::with(true, Arc::new(Names(vec![])), Duration::from_secs(30)).expect("a client");
    let answered = patient.post(&url, &[], "{}").await.expect("an answer");
    assert_eq!((answered.status, answered.text.len()), (200, 1_000));
    const { assert!(MAX_ANSWER_BYTES == 64 * 1024) };
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut hello = [0; 1024];
        let _ = stream.read(&mut hello).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("written");
    });
    let answer = post(&client(true, &[]), &format!("https://{address}/")).await;
    assert!(answer.is_err(), "{answer:?}");
    server.abort();
}

#[tokio::test]
async fn a_name_that_stands_for_an_address_that_is_not_public_is_not_called() {
    let receiver = Receiver::start(&[]).await;
    let url = format!("https://hooks.example.com:{}/", receiver.address.port());
    for names in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["192.168.1.1"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00:ec2::254"],
        &["fe80::1"],
        &["64:ff9b::7f00:1"],
        // One that is public among them helps nobody.
        &["1.1.1.1", "127.0.0.1"],
        &[],
    ] {
        let answer = post(&client(false, names), &url).await.expect_err("refused");
        assert!(answer.contains("not one of the public internet"), "{names:?}: {answer}");
    }
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn an_address_that_is_written_out_is_checked_when_it_is_called_whatever_was_kept() {
    let receiver = Receiver::start(&[]).await;
    let port = receiver.address.port();
    for url in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let answer = post(&client(false, &[]), &url).await.expect_err("refused");
        assert!(answer.contains("not one of the public internet"), "{url}: {answer}");
    }
    let plain = post(&client(false, &["1.1.1.1"]), &format!("http://hooks.example.com:{port}/")).await;
    assert!(plain.is_err(), "nothing is sent unencrypted: {plain:?}");
    assert!(receiver.take().is_empty());
}
