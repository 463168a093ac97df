//! Queues of SQS.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::{Queue, QueueError, fits};
use crate::aws::{Ask, Caller, Content, Service, host};

/// How long one try may take.
const TRY_LASTS: Duration = Duration::from_secs(5);

/// A standard queue of SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    caller: Caller,
    service_url: String,
    queue_url: String,
}

impl SqsQueue {
    /// The queue at AWS, or at another endpoint.
    pub(crate) fn new(caller: Caller, queue_url: &str, endpoint: Option<&str>) -> Self {
        let service_url = match endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}/", host(Service::Sqs, caller.region())),
        };
        Self { caller, service_url, queue_url: queue_url.to_owned() }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, body: &str) -> Result<(), QueueError> {
        fits(body)?;
        let request = json!({ "QueueUrl": self.queue_url, "MessageBody": body }).to_string();
        let ask = Ask {
            service: Service::Sqs,
            method: "POST",
            url: &self.service_url,
            headers: &[("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.SendMessage")],
            body: Content::Bytes(request.as_bytes()),
            try_lasts: TRY_LASTS,
        };
        let answer = self.caller.send(&ask).await.map_err(QueueError::Unavailable)?;
        if answer.status == 200 { Ok(()) } else { Err(QueueError::Unavailable(answer.said())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::server;
    use crate::queue::MAX_MESSAGE_BYTES;

    #[tokio::test]
    async fn a_message_is_sent_once_it_is_taken() {
        let (caller, endpoint, asked) = server(&[(500, ""), (200, "{}"), (400, "QueueDoesNotExist")]).await;
        let queue = SqsQueue::new(caller, "http://sqs.local/0/usage", Some(&endpoint));
        queue.send("a \"body\"").await.expect("sent");
        let refused = queue.send("b").await.expect_err("a refusal").to_string();
        assert_eq!(refused, "the queue: status 400: QueueDoesNotExist");
        let asked = asked.lock().expect("no panic");
        assert_eq!(asked.len(), 3);
        let (head, body) = asked[1].split_once("\r\n\r\n").expect("a body");
        assert!(head.starts_with("POST / HTTP/1.1\r\n") && head.to_lowercase().contains("x-amz-target: amazonsqs.sendmessage"), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body, json!({"QueueUrl": "http://sqs.local/0/usage", "MessageBody": "a \"body\""}));
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_not_sent() {
        let (caller, endpoint, asked) = server(&[]).await;
        let queue = SqsQueue::new(caller, "u", Some(&endpoint));
        assert_eq!(queue.send(&"x".repeat(MAX_MESSAGE_BYTES + 1)).await, Err(QueueError::TooLarge(MAX_MESSAGE_BYTES + 1)));
        assert!(asked.lock().expect("no panic").is_empty());
    }
}
