//! Messages of a queue, as Lambda hands them over, and the answer that names those that failed.
//!
//! Source: "Using Lambda with Amazon SQS" and "Implementing partial batch responses", AWS Lambda developer guide.

use std::error::Error;

use serde_json::{Value, json};
use tributary_domain::id::RequestId;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id at the queue; the same each time that it is given.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// How often it was given, this time included. From one on.
    pub times: u32,
}

/// The messages of an event; `None` if it is not one of a queue.
pub fn of(event: &Value) -> Option<Vec<Message>> {
    let word = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let message = |record: &Value| Message {
        id: word(record, "messageId"),
        body: word(record, "body"),
        times: record["attributes"]["ApproximateReceiveCount"].as_str().and_then(|times| times.parse().ok()).unwrap_or(1),
    };
    Some(event["Records"].as_array()?.iter().map(message).collect())
}

/// Does `work` on each message, one after the other, and answers with the ids of those that failed: the queue gives them
/// again, and after its most tries puts them aside. Each failure is one line of the log. An answer without a message's id
/// takes it from the queue.
pub async fn each<'a, F>(messages: &'a [Message], run: &RequestId, work: impl Fn(&'a Message) -> F) -> Value
where
    F: Future<Output = Result<(), Box<dyn Error + Send + Sync>>>,
{
    let mut failures = Vec::new();
    for message in messages {
        if let Err(error) = work(message).await {
            let (message_id, times) = (&message.id, message.times);
            tracing::error!(request_id = run.as_str(), message_id, times, error = %error, "a message could not be worked off");
            failures.push(json!({ "itemIdentifier": message_id }));
        }
    }
    json!({ "batchItemFailures": failures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_answer_names_exactly_the_messages_that_failed() {
        let record = |id: &str| json!({"messageId": id, "body": format!("of {id}"), "attributes": {"ApproximateReceiveCount": "2"}});
        let event = json!({"Records": [record("a"), record("b"), record("c")]});
        let batch = of(&event).expect("messages");
        assert_eq!(batch[1], Message { id: "b".into(), body: "of b".into(), times: 2 });
        let run = RequestId::from_uuid(uuid::Uuid::nil());
        let answer = each(&batch, &run, async |message| if message.id == "b" { Err("no".into()) } else { Ok(()) }).await;
        assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
        assert_eq!(of(&json!({"source": "aws.scheduler"})), None);
    }
}
