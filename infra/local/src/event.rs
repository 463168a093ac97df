//! The events that functions are called with, as AWS makes them.
//!
//! Sources: "Input format of a Lambda function for proxy integration", API Gateway developer guide; "Targets:
//! Lambda", EventBridge Scheduler user guide; "Using Lambda with Amazon SQS", AWS Lambda developer guide.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use crate::queue::Message;

/// The account that emulated events name.
const ACCOUNT_ID: &str = "000000000000";

/// What of a request is not in the request itself.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// The route's path with its parameters' names.
    pub resource: &'a str,
    /// The parameters of the path.
    pub path_parameters: &'a BTreeMap<String, String>,
    /// The API's stage.
    pub stage: &'a str,
    /// The id that the gateway gave the request.
    pub request_id: &'a str,
    /// Who sent it.
    pub source_ip: IpAddr,
    /// When it came.
    pub at: Timestamp,
}

/// The event of a REST API's proxy integration (payload version 1.0).
pub fn rest(parts: &Parts, body: &Bytes, arrival: &Arrival<'_>) -> Value {
    let path = parts.uri.path();
    let (headers, multi_value_headers) = headers(&parts.headers, arrival.source_ip);
    let (query, multi_value_query) = query(parts.uri.query().unwrap_or_default());
    json!({
        "resource": arrival.resource,
        "path": path,
        "httpMethod": parts.method.as_str(),
        "headers": headers,
        "multiValueHeaders": multi_value_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": multi_value_query,
        "pathParameters": if arrival.path_parameters.is_empty() { Value::Null } else { json!(arrival.path_parameters) },
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "extendedRequestId": arrival.request_id,
            "httpMethod": parts.method.as_str(),
            "identity": {
                "sourceIp": arrival.source_ip.to_string(),
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "path": format!("/{}{path}", arrival.stage),
            "protocol": "HTTP/1.1",
            "requestId": arrival.request_id,
            "requestTime": arrival.at.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "requestTimeEpoch": arrival.at.as_millisecond(),
            "resourceId": "local",
            "resourcePath": arrival.resource,
            "stage": arrival.stage,
        },
        // Without binary media types a REST API hands every body on as text.
        "body": if body.is_empty() { Value::Null } else { json!(String::from_utf8_lossy(body)) },
        "isBase64Encoded": false,
    })
}

/// The event of a run of EventBridge Scheduler that was due at `scheduled`.
pub fn scheduled(schedule: &str, id: &str, scheduled: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT_ID,
        "time": scheduled.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [format!("arn:aws:scheduler:us-east-1:{ACCOUNT_ID}:schedule/default/{schedule}")],
        "detail": "{}",
    })
}

/// The event of messages that were received from a queue. `receipt` makes a handle of each.
pub fn messages(queue: &str, messages: &[Message], receipt: impl Fn() -> String) -> Value {
    let ms = |at: Timestamp| at.as_millisecond().to_string();
    let record = |message: &Message| {
        let md5: String = Md5::digest(message.body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "messageId": message.id,
            "receiptHandle": receipt(),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": ms(message.sent_at),
                "SenderId": ACCOUNT_ID,
                "ApproximateFirstReceiveTimestamp": ms(message.first_received_at.unwrap_or(message.sent_at)),
            },
            "messageAttributes": {},
            "md5OfBody": md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{queue}"),
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// The headers, of each the last value, and of each every value; with those that the gateway adds.
fn headers(sent: &HeaderMap, source_ip: IpAddr) -> (Map<String, Value>, Map<String, Value>) {
    let mut every: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in sent {
        every.entry(name.as_str().to_owned()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let forwarded = every.entry("x-forwarded-for".to_owned()).or_default();
    let chain = forwarded.drain(..).chain([source_ip.to_string()]).collect::<Vec<_>>().join(", ");
    forwarded.push(chain);
    every.insert("x-forwarded-proto".to_owned(), vec!["http".to_owned()]);
    every.insert("x-forwarded-port".to_owned(), vec!["80".to_owned()]);
    last_and_every(every)
}

fn query(text: &str) -> (Value, Value) {
    let mut every: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        every.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    if every.is_empty() {
        return (Value::Null, Value::Null);
    }
    let (last, every) = last_and_every(every);
    (Value::Object(last), Value::Object(every))
}

fn last_and_every(values: BTreeMap<String, Vec<String>>) -> (Map<String, Value>, Map<String, Value>) {
    let last = values.iter().filter_map(|(name, values)| Some((name.clone(), json!(values.last()?)))).collect();
    let every = values.into_iter().map(|(name, values)| (name, json!(values))).collect();
    (last, every)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn event(uri: &str, body: &'static [u8]) -> Value {
        let request = http::Request::builder().method("POST").uri(uri).header("accept", "a").header("accept", "b");
        let (parts, ()) = request.header("x-forwarded-for", "10.0.0.1").body(()).expect("a request").into_parts();
        let path_parameters = BTreeMap::from([("id".to_owned(), "acc_1".to_owned())]);
        let arrival = Arrival {
            resource: "/accounts/{id}",
            path_parameters: &path_parameters,
            stage: "dev",
            request_id: "r-1",
            source_ip: Ipv4Addr::LOCALHOST.into(),
            at: "2026-11-22T15:04:05.678Z".parse().expect("a time"),
        };
        rest(&parts, &Bytes::from_static(body), &arrival)
    }

    #[test]
    fn a_request_becomes_the_event_that_a_rest_api_sends() {
        let event = event("/accounts/acc_1?tag=a&tag=b%20c&q=x+y", b"{}");
        assert_eq!(event["path"], "/accounts/acc_1");
        assert_eq!(event["requestContext"]["path"], "/dev/accounts/acc_1");
        assert_eq!(event["requestContext"]["requestTime"], "22/Nov/2026:15:04:05 +0000");
        assert_eq!(event["requestContext"]["requestTimeEpoch"], 1_795_359_845_678_i64);
        assert_eq!(event["headers"]["accept"], "b");
        assert_eq!(event["multiValueHeaders"]["accept"], json!(["a", "b"]));
        assert_eq!(event["headers"]["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
        assert_eq!(event["queryStringParameters"], json!({"tag": "b c", "q": "x y"}));
        assert_eq!(event["multiValueQueryStringParameters"], json!({"tag": ["a", "b c"], "q": ["x y"]}));
        assert_eq!(event["pathParameters"], json!({"id": "acc_1"}));
        assert_eq!(event["body"], "{}");
    }

    #[test]
    fn what_is_absent_is_null() {
        let event = event("/accounts/acc_1", b"");
        assert_eq!((&event["body"], &event["queryStringParameters"]), (&Value::Null, &Value::Null));
        serde_json::from_value::<lambda_http::request::LambdaRequest>(event).expect("an event that lambda_http takes");
    }
}
