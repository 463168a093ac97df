//! A whole run: the demo, the test clock, a restart.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tributary_local::{Local, Options, StartError, Storage, start};
use tributary_store::memory::MemoryTable;

fn seeded(storage: Storage) -> Options {
    Options { storage, seed: true, ..Options::ephemeral() }
}

fn kept(dir: &Path) -> Options {
    seeded(Storage::Directory(dir.to_owned()))
}

async fn get(local: &Local, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{}{path}", local.base_url)).bearer_auth(&local.operator_key);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

async fn advance(local: &Local, host: &str, seconds: i64) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}/_local/clock/advance", local.base_url)).header("host", host);
    let answer = request.json(&json!({"seconds": seconds})).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_restart_finds_the_demo_the_key_and_the_clock_of_the_first_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = start(kept(dir.path())).await.expect("a first start");
    assert_eq!(advance(&first, "localhost", 3600).await.0, 200);
    let (key, demo) = (first.operator_key.clone(), first.demo.clone().expect("a demo"));
    let balance = format!("/reseller/credits/balance?subtree=true&account_id={}", demo.accounts[0].id);
    let before = get(&first, &balance).await;
    assert!(matches!(start(kept(dir.path())).await, Err(StartError::State(_))), "a second process");
    first.stop().await;

    let second = start(kept(dir.path())).await.expect("a restart");
    assert_eq!((&second.operator_key, second.demo.as_ref()), (&key, Some(&demo)));
    assert_eq!(get(&second, &balance).await, before);
    assert_eq!(get(&second, "/_local/clock").await["ahead_ms"], 3_600_000);
    second.stop().await;
}

#[tokio::test]
async fn the_test_clock_runs_what_falls_due_before_it_answers() {
    let local = start(seeded(Storage::Memory(Arc::new(MemoryTable::default())))).await.expect("a start");
    let demo = local.demo.clone().expect("a demo");
    let holder = demo.accounts.iter().find(|account| account.name == "Tidal Analytics").expect("an account with a hold");
    let held = format!("/reseller/credits/balance?account_id={}", holder.id);
    assert_eq!(get(&local, &held).await["held"], "150.000000");
    let (status, answer) = advance(&local, "127.0.0.1", 8 * 86_400).await;
    assert_eq!((status, &answer["runs"][0]["ok"]), (200, &json!(true)));
    assert_eq!(get(&local, &held).await["held"], "0.000000");
    local.stop().await;
}

#[tokio::test]
async fn only_this_machine_by_its_own_name_may_move_the_clock() {
    let local = start(Options::ephemeral()).await.expect("a start");
    assert_eq!(advance(&local, "a-page.example", 60).await.0, 403);
    assert_eq!(advance(&local, "127.0.0.1", -60).await.0, 400);
    assert_eq!(get(&local, "/_local/clock").await["ahead_ms"], 0);
    local.stop().await;
}

#[tokio::test]
async fn only_this_machine_by_its_own_name_may_say_what_dns_says() {
    let local = start(Options::ephemeral()).await.expect("a start");
    let client = reqwest::Client::new();
    let answered = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let say = async |host: &str, body: &str| {
        answered(client.post(format!("{}/_local/dns", local.base_url)).header("host", host).body(body.to_owned())).await
    };
    let call = async |method: reqwest::Method, path: &str, body: Value| {
        let request = client.request(method, format!("{}{path}", local.base_url)).bearer_auth(&local.operator_key);
        answered(request.header("idempotency-key", path).json(&body)).await
    };
    let (_, account) = call(reqwest::Method::POST, "/reseller/accounts/create", json!({ "name": "Corner", "kind": "reseller" })).await;
    let at = |what: &str| format!("/reseller/accounts/{}/brand/host{what}", account["id"].as_str().expect("an id"));
    let (_, claimed) = call(reqwest::Method::PUT, &at(""), json!({ "host": "portal.corner.example" })).await;
    let record = json!({ "name": claimed["host"]["txt_name"], "txt": [claimed["host"]["txt_value"]] }).to_string();
    let verified = async || {
        let (status, answer) = call(reqwest::Method::POST, &at("/verify"), json!({})).await;
        (status, answer["code"].clone())
    };

    // A page that a browser shows from elsewhere says nothing, under whatever name it comes.
    assert_eq!(say("a-page.example", &record).await.0, 403);
    let from_a_page = client.post(format!("{}/_local/dns", local.base_url)).header("origin", "https://a-page.example").body(record.clone());
    assert_eq!(answered(from_a_page).await.0, 403);
    let (status, answer) = answered(client.get(format!("{}/_local/dns", local.base_url))).await;
    assert_eq!((status, &answer["code"]), (404, &json!("route_not_found")));
    // What is wrong with a body is told, and nothing is said by it.
    for (body, why) in [
        ("", "EOF"),
        ("[", "EOF"),
        ("{}", "missing field `name`"),
        (r#"{"name": "_tributary.portal.corner.example", "records": []}"#, "unknown field `records`"),
        (r#"{"name": "_tributary.portal.corner.example", "txt": "one"}"#, "expected a sequence"),
        (r#"{"name": 7}"#, "expected a string"),
    ] {
        let (status, answer) = say("localhost", body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bad_request")), "{body}");
        let detail = answer["detail"].as_str().expect("a detail");
        assert!(detail.contains(why) && detail.contains("\"txt\""), "{body}: {detail}");
    }
    assert_eq!(verified().await, (422, json!("host_not_verified")));
    // From here it is taken, also that nobody answers.
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(
            say(host, &json!({ "name": claimed["host"]["txt_name"], "fails": true }).to_string()).await,
            (200, json!({ "said": true }))
        );
        assert_eq!(verified().await, (503, json!("busy")));
    }
    assert_eq!(say("localhost", &record).await.0, 200);
    assert_eq!(verified().await, (200, Value::Null));
    local.stop().await;
}

#[tokio::test]
async fn what_happens_is_told_and_shown_with_whom_a_rule_sent_it_to() {
    let local = start(Options::ephemeral()).await.expect("a start");
    let post = async |path: &str, body: Value| -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", local.base_url)).bearer_auth(&local.operator_key);
        request.header("idempotency-key", path).json(&body).send().await.expect("an answer").json().await.expect("JSON")
    };
    let id = post("/reseller/accounts/create", json!({"name": "Told", "kind": "reseller"})).await["id"].clone();
    post("/reseller/credits/issue", json!({"account_id": id, "amount": "5"})).await;
    // Answers when all that waits is told.
    assert_eq!(advance(&local, "localhost", 0).await.0, 200);
    let shown = get(&local, "/_local/events").await;
    let of = |kind: &str| {
        let rows = shown["data"].as_array().expect("rows").iter();
        rows.filter(|row| row["event"]["type"] == kind && row["event"]["account_id"] == id).collect::<Vec<_>>()
    };
    let (created, issued) = (of("account.created"), of("credit.issue"));
    assert_eq!((created.len(), &created[0]["to"]), (1, &json!([])));
    assert_eq!((issued.len(), &issued[0]["to"], &issued[0]["event"]["data"]["available"]), (1, &json!(["WatchQueue"]), &json!("5.000000")));
    local.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let refused = start(Options { port, ..Options::ephemeral() }).await.err().expect("a refusal");
    assert!(matches!(refused, StartError::PortTaken(named) if named == port));
    assert!(refused.to_string().contains("--port"));
}

#[tokio::test]
async fn queues_are_shown_and_links_that_this_run_did_not_make_lead_nowhere() {
    let local = start(Options::ephemeral()).await.expect("a start");
    let shown = get(&local, "/_local/queues").await;
    let row = |name: &str| shown["data"].as_array().expect("rows").iter().find(|row| row["name"] == name).cloned();
    for name in ["BillingQueue", "BulkQueue", "EventQueue", "ExportQueue", "UsageQueue", "WatchQueue"] {
        let (queue, dead) = (row(name).expect("a queue"), name.replace("Queue", "DeadLetters"));
        assert_eq!((&queue["dead_letters"], &queue["dead"]), (&json!(dead), &json!(0)), "{name}");
        assert!(row(&dead).is_some(), "{dead}");
    }
    assert_eq!(row("UsageQueue").expect("a queue")["ready"], 0);

    let client = reqwest::Client::new();
    let redrive = async |name: &str, host: &str| {
        let request = client.post(format!("{}/_local/queues/{name}/redrive", local.base_url)).header("host", host);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let moved = json!({"from": "UsageDeadLetters", "to": "UsageQueue", "moved": 0});
    assert_eq!(redrive("UsageDeadLetters", "localhost").await, (200, moved.clone()));
    assert_eq!(redrive("UsageQueue", "localhost").await, (200, moved));
    assert_eq!(redrive("ScheduleDeadLetters", "localhost").await.0, 404);
    assert_eq!(redrive("UsageDeadLetters", "a-page.example").await.0, 403);

    for query in ["", "?name=a.csv&expires=9999999999&signature=none", "?name=a.csv&expires=x&signature=none"] {
        let answer = client.get(format!("{}/_local/blobs/exports/a.csv{query}", local.base_url)).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), &answer.json::<Value>().await.expect("a problem")["code"]), (403, &json!("forbidden")));
    }
    local.stop().await;
}
