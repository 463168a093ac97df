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
