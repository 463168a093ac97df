//! Queues that keep the order of each group, and drop what is sent again within five minutes.
//!
//! Source: "Amazon SQS FIFO queue and message identifiers" and "SendMessageBatch", AWS.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{MAX_MESSAGE_BYTES, QueueError, fits};
use crate::aws::{Ask, Caller, Content, Service, host};

/// How long one try may take.
const TRY_LASTS: Duration = Duration::from_secs(5);
/// AWS: the most messages of one call.
const CALL_MESSAGES: usize = 10;

/// A message of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// Whose order it is in: 1 to 128 letters, digits and punctuation.
    pub group: String,
    /// What makes it the same message when it is sent again within five minutes: 1 to 128 of the same characters.
    pub deduplication: String,
    /// What is sent.
    pub body: String,
}

/// A queue that keeps the order of each group.
#[async_trait]
pub trait Fifo: Send + Sync + Debug {
    /// Sends messages, and says of each whether it is kept. The messages of a group are kept in the order given, without a gap:
    /// after one that failed none of its group is sent.
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>>;
}

/// The queue of a function that has none: a call names the variable that is missing.
#[derive(Debug, Clone, Copy)]
pub struct NoFifo(pub &'static str);

#[async_trait]
impl Fifo for NoFifo {
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>> {
        vec![Err(QueueError::NotConfigured(self.0)); messages.len()]
    }
}

/// Sends `messages` by `send`, which takes up to ten of different groups, and keeps the promise of [`Fifo::send_all`]: a call
/// holds one message of a group at most, for SQS may take the later of two and refuse the earlier.
///
/// # Panics
/// Never: `send` answers as many as it was given, and what it leaves out counts as failed.
pub async fn in_order<F>(messages: &[Grouped], mut send: impl FnMut(Vec<usize>) -> F) -> Vec<Result<(), QueueError>>
where
    F: Future<Output = Vec<Result<(), QueueError>>>,
{
    let behind = || QueueError::Unavailable("an earlier message of its group was not sent".to_owned());
    let mut results: Vec<Option<Result<(), QueueError>>> = messages.iter().map(|message| fits(&message.body).err().map(Err)).collect();
    let mut shut: BTreeSet<&str> = BTreeSet::new();
    loop {
        let mut open: BTreeSet<&str> = BTreeSet::new();
        let (mut call, mut bytes) = (Vec::new(), 0);
        for (at, message) in messages.iter().enumerate() {
            let group = message.group.as_str();
            match &results[at] {
                Some(Ok(())) => continue,
                Some(Err(_)) => {
                    shut.insert(group);
                    continue;
                }
                None if shut.contains(group) => {
                    results[at] = Some(Err(behind()));
                    continue;
                }
                None => {}
            }
            // The group's next message, or one that has to wait for it.
            let next = open.insert(group);
            if next && call.len() < CALL_MESSAGES && (call.is_empty() || bytes + message.body.len() <= MAX_MESSAGE_BYTES) {
                bytes += message.body.len();
                call.push(at);
            }
        }
        if call.is_empty() {
            return results.into_iter().map(|result| result.unwrap_or_else(|| Err(behind()))).collect();
        }
        let mut answers = send(call.clone()).await.into_iter();
        for at in call {
            results[at] = Some(answers.next().unwrap_or_else(|| Err(QueueError::Unavailable("no answer for it".to_owned()))));
        }
    }
}

/// A FIFO queue of SQS.
#[derive(Debug, Clone)]
pub struct SqsFifo {
    caller: Caller,
    service_url: String,
    queue_url: String,
}

impl SqsFifo {
    /// The queue at AWS, or at another endpoint.
    pub(crate) fn new(caller: Caller, queue_url: &str, endpoint: Option<&str>) -> Self {
        let service_url = match endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}/", host(Service::Sqs, caller.region())),
        };
        Self { caller, service_url, queue_url: queue_url.to_owned() }
    }

    async fn send(&self, messages: &[&Grouped]) -> Vec<Result<(), QueueError>> {
        let entry = |(at, message): (usize, &&Grouped)| {
            json!({
                "Id": at.to_string(),
                "MessageBody": message.body,
                "MessageGroupId": message.group,
                "MessageDeduplicationId": message.deduplication,
            })
        };
        let entries: Vec<Value> = messages.iter().enumerate().map(entry).collect();
        let request = json!({ "QueueUrl": self.queue_url, "Entries": entries }).to_string();
        let ask = Ask {
            service: Service::Sqs,
            method: "POST",
            url: &self.service_url,
            headers: &[("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.SendMessageBatch")],
            body: Content::Bytes(request.as_bytes()),
            try_lasts: TRY_LASTS,
        };
        let all = |why: String| vec![Err(QueueError::Unavailable(why)); messages.len()];
        let answer = match self.caller.send(&ask).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => return all(answer.said()),
            Err(why) => return all(why),
        };
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (0..messages.len()).map(|at| verdict(&said, &at.to_string())).collect()
    }
}

/// What the answer to a batch says of one entry.
fn verdict(said: &Value, id: &str) -> Result<(), QueueError> {
    let find = |list: &str| said[list].as_array()?.iter().find(|entry| entry["Id"] == id);
    match (find("Successful"), find("Failed")) {
        (Some(_), None) => Ok(()),
        (_, Some(failed)) => Err(QueueError::Unavailable(failed.to_string())),
        (None, None) => Err(QueueError::Unavailable("the answer does not name the message".to_owned())),
    }
}

#[async_trait]
impl Fifo for SqsFifo {
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>> {
        in_order(messages, |call| async move {
            let call: Vec<&Grouped> = call.iter().map(|at| &messages[*at]).collect();
            self.send(&call).await
        })
        .await
    }
}

/// A queue in memory, for tests, which call the function themselves. It drops what was ever sent before. A clone is the same
/// queue.
#[derive(Debug, Clone, Default)]
pub struct MemoryFifo {
    kept: Arc<Mutex<MemoryKept>>,
}

#[derive(Debug, Clone, Default)]
struct MemoryKept {
    waiting: Vec<Grouped>,
    seen: BTreeSet<String>,
}

impl MemoryFifo {
    /// Another queue with the same messages.
    pub fn fork(&self) -> Self {
        Self { kept: Arc::new(Mutex::new(self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone())) }
    }

    /// Takes the messages that wait, the oldest first.
    pub fn take(&self) -> Vec<Grouped> {
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner).waiting)
    }
}

#[async_trait]
impl Fifo for MemoryFifo {
    async fn send_all(&self, messages: &[Grouped]) -> Vec<Result<(), QueueError>> {
        in_order(messages, |call| async move {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for at in &call {
                if kept.seen.insert(messages[*at].deduplication.clone()) {
                    kept.waiting.push(messages[*at].clone());
                }
            }
            vec![Ok(()); call.len()]
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::server;

    fn message(group: &str, n: usize) -> Grouped {
        Grouped { group: group.to_owned(), deduplication: format!("{group}{n}"), body: format!("body of {group}{n}") }
    }

    #[tokio::test]
    async fn a_call_holds_one_message_of_a_group_and_nothing_overtakes_what_failed() {
        let messages = [message("a", 1), message("a", 2), message("b", 1), message("a", 3), message("b", 2)];
        let calls = Mutex::new(Vec::new());
        let results = in_order(&messages, |call| {
            calls.lock().expect("no panic").push(call.clone());
            async move { call.iter().map(|at| if *at == 1 { Err(QueueError::Unavailable("no".into())) } else { Ok(()) }).collect() }
        })
        .await;
        assert_eq!(*calls.lock().expect("no panic"), [vec![0, 2], vec![1, 4]]);
        assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    }

    #[tokio::test]
    async fn a_call_holds_ten_messages_and_no_more_bytes_than_one_message_may() {
        let many: Vec<_> = (0..25).map(|n| message(&format!("g{n}"), 0)).collect();
        let large: Vec<_> = (0..3).map(|n| Grouped { body: "x".repeat(MAX_MESSAGE_BYTES / 2), ..message(&format!("g{n}"), 0) }).collect();
        for (messages, sizes) in [(many, vec![10, 10, 5]), (large, vec![2, 1])] {
            let calls = Mutex::new(Vec::new());
            let results = in_order(&messages, |call| {
                calls.lock().expect("no panic").push(call.len());
                async move { vec![Ok(()); call.len()] }
            })
            .await;
            assert_eq!(*calls.lock().expect("no panic"), sizes);
            assert!(results.iter().all(Result::is_ok));
        }
    }

    #[tokio::test]
    async fn a_batch_is_asked_for_and_each_verdict_is_read() {
        const ANSWER: &str = r#"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","Code":"InternalError","SenderFault":false}]}"#;
        let (caller, endpoint, asked) = server(&[(200, ANSWER), (400, "AWS.SimpleQueueService.NonExistentQueue")]).await;
        let queue = SqsFifo::new(caller, "http://sqs.local/0/events.fifo", Some(&endpoint));
        let messages = [message("a", 1), message("b", 1)];
        let results = queue.send_all(&messages).await;
        assert!(results[0].is_ok() && results[1].as_ref().expect_err("refused").to_string().contains("InternalError"), "{results:?}");
        let none = queue.send_all(&messages).await;
        assert!(none.iter().all(Result::is_err));
        let asked = asked.lock().expect("no panic");
        let (head, body) = asked[0].split_once("\r\n\r\n").expect("a body");
        assert!(head.to_lowercase().contains("x-amz-target: amazonsqs.sendmessagebatch"), "{head}");
        let body: Value = serde_json::from_str(body).expect("JSON");
        let first = json!({"Id": "0", "MessageBody": "body of a1", "MessageGroupId": "a", "MessageDeduplicationId": "a1"});
        assert_eq!((&body["QueueUrl"], &body["Entries"][0]), (&json!("http://sqs.local/0/events.fifo"), &first));
    }
}
