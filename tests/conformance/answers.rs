//! What the table makes of answers no emulator gives: throttling, conflicts, failures of the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tributary_store::dynamo::DynamoTable;
use tributary_store::table::{Cond, Item, Key, Refusal, Table, TableError, Value, Write};

use crate::support::engine::client;

/// An endpoint with one answer to everything, and how often it gave it.
struct Script {
    table: DynamoTable,
    requests: Arc<AtomicUsize>,
}

type Answer = (Arc<AtomicUsize>, StatusCode, String);

async fn scripted(status: u16, body: &str) -> Script {
    let requests = Arc::new(AtomicUsize::new(0));
    let answer: Answer = (requests.clone(), StatusCode::from_u16(status).unwrap(), body.to_owned());
    let service = Router::new().fallback(respond).with_state(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, service).await });
    Script { table: DynamoTable::new(client(&endpoint), "t"), requests }
}

async fn respond(State((requests, status, body)): State<Answer>) -> (StatusCode, String) {
    requests.fetch_add(1, Ordering::SeqCst);
    (status, body)
}

fn error_body(code: &str) -> String {
    format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"m"}}"#)
}

fn writes() -> [Write; 2] {
    [Write::create(Key::new("p", "a"), Item::new()), Write::check(Key::new("p", "b"), Cond::Exists)]
}

#[tokio::test]
async fn every_failure_has_its_meaning() {
    let table = [
        (400, "ThrottlingException", "busy"),
        (400, "ProvisionedThroughputExceededException", "busy"),
        (400, "RequestLimitExceeded", "busy"),
        (400, "TransactionConflictException", "busy"),
        (400, "TransactionInProgressException", "busy"),
        (500, "InternalServerError", "unknown"),
        (503, "ServiceUnavailable", "unknown"),
        (400, "ValidationException", "invalid"),
        (400, "ResourceNotFoundException", "invalid"),
        (400, "IdempotentParameterMismatchException", "invalid"),
    ];
    let meaning = |error| match error {
        TableError::Busy(_) => "busy",
        TableError::Unknown(_) => "unknown",
        TableError::Invalid(_) => "invalid",
        other => panic!("{other:?}"),
    };
    for (status, code, expected) in table {
        let script = scripted(status, &error_body(code)).await;
        let [write, _] = writes();
        assert_eq!(meaning(script.table.write(&write).await.unwrap_err()), expected, "{code}");
        assert_eq!(meaning(script.table.transact(&writes()).await.unwrap_err()), expected, "{code}");
        assert_eq!(script.requests.load(Ordering::SeqCst), 2, "{code}: a write is one request");
    }
}

#[tokio::test]
async fn a_lost_read_is_repeated_and_then_unknown() {
    let script = scripted(500, &error_body("InternalServerError")).await;
    let outcome = script.table.get(&Key::new("p", "a"), true).await;
    assert!(matches!(outcome, Err(TableError::Unknown(_))));
    assert!(script.requests.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn an_unreachable_table_is_unknown() {
    let table = DynamoTable::new(client("http://127.0.0.1:1"), "t");
    let [write, _] = writes();
    assert!(matches!(table.write(&write).await, Err(TableError::Unknown(_))));
}

#[tokio::test]
async fn a_garbled_answer_is_unknown() {
    for (status, body) in [(200, "not json"), (403, "<html>"), (502, "<html>")] {
        let script = scripted(status, body).await;
        let [write, _] = writes();
        let outcome = script.table.write(&write).await;
        assert!(matches!(outcome, Err(TableError::Unknown(_))), "{status} {body}: {outcome:?}");
    }
}

fn cancelled(reasons: [&str; 2]) -> String {
    let [first, second] = reasons;
    format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"m",
            "CancellationReasons":[{first},{second}]}}"#
    )
}

#[tokio::test]
async fn a_cancelled_transaction_is_read_reason_by_reason() {
    let none = r#"{"Code":"None"}"#;
    let refused = r#"{"Code":"ConditionalCheckFailed","Item":{"pk":{"S":"p"},"n":{"N":"7"}},"Message":"m"}"#;
    let old = Item::from([("pk".to_owned(), Value::S("p".into())), ("n".to_owned(), Value::N(7))]);
    let table = [
        (r#"{"Code":"TransactionConflict","Message":"m"}"#, Refusal::Conflict),
        (r#"{"Code":"ThrottlingError","Message":"m"}"#, Refusal::Throttled),
        (r#"{"Code":"ProvisionedThroughputExceeded","Message":"m"}"#, Refusal::Throttled),
        (r#"{"Code":"ConditionalCheckFailed","Message":"m"}"#, Refusal::Condition(None)),
        (refused, Refusal::Condition(Some(old))),
    ];
    for (reason, refusal) in table {
        let script = scripted(400, &cancelled([none, reason])).await;
        let outcome = script.table.transact(&writes()).await;
        assert_eq!(outcome, Err(TableError::Cancelled(vec![Refusal::None, refusal])), "{reason}");
    }
    for reason in [r#"{"Code":"ValidationError"}"#, r#"{"Code":"ItemCollectionSizeLimitExceeded"}"#] {
        let script = scripted(400, &cancelled([refused, reason])).await;
        let outcome = script.table.transact(&writes()).await;
        assert!(matches!(outcome, Err(TableError::Invalid(_))), "{reason}");
    }
}

#[tokio::test]
async fn keys_that_stay_unprocessed_leave_the_table_busy() {
    let body = r#"{"Responses":{},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"a"}}]}}}"#;
    let script = scripted(200, body).await;
    let outcome = script.table.batch_get(&[Key::new("p", "a")]).await;
    assert!(matches!(outcome, Err(TableError::Busy(_))));
    assert_eq!(script.requests.load(Ordering::SeqCst), 8);
}
