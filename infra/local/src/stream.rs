//! Lambda's event source mapping of the table's stream: calls a function with the changes that its filters take, in their order,
//! as the template says.
//!
//! Source: "Using AWS Lambda with Amazon DynamoDB" and "Retain discarded records for a DynamoDB event source", AWS Lambda
//! developer guide.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tributary_runtime::clock::{Clock, SystemClock};

use crate::changes::{Changes, ChangesError};
use crate::gateway::Gateway;
use crate::queue::LocalQueues;
use crate::template::Stream;

/// The mapping of one function.
pub struct StreamMapping {
    stream: Stream,
    changes: Changes,
    gateway: Arc<Gateway>,
    queues: LocalQueues,
    /// The machine's clock: it is what the engine dates changes by.
    clock: SystemClock,
    /// One call at a time: who moves the clock also waits for a call that runs.
    calling: Mutex<()>,
}

/// How many of the first changes that wait were worked off.
enum Page {
    /// None waits.
    Nothing,
    /// All of them, so many of them by the function.
    All(usize),
    /// Those before one that failed.
    UpToAFailure(usize),
}

/// What became of a call.
enum Called {
    /// Everything is done.
    Done,
    /// This one of the batch failed, and what comes after it is to be given again.
    FailedAt(usize),
    /// All of it failed.
    Failed,
}

impl StreamMapping {
    /// The mapping of `stream`.
    pub fn new(stream: Stream, changes: Changes, gateway: Arc<Gateway>, queues: LocalQueues) -> Self {
        Self { stream, changes, gateway, queues, clock: SystemClock::default(), calling: Mutex::new(()) }
    }

    /// Calls the function until no changes wait, or one fails, and says how many were worked off.
    pub async fn drain(&self) -> usize {
        let _calling = self.calling.lock().await;
        let mut done = 0;
        loop {
            match self.page().await {
                Ok(Page::Nothing) => return done,
                Ok(Page::All(some)) => done += some,
                Ok(Page::UpToAFailure(some)) => return done + some,
                Err(error) => {
                    tracing::error!("{error}");
                    return done;
                }
            }
        }
    }

    /// Works off the first changes that wait.
    async fn page(&self) -> Result<Page, ChangesError> {
        let waiting = self.changes.waiting().await?;
        let Some(last) = waiting.last().map(number) else { return Ok(Page::Nothing) };
        let mut wanted: Vec<Value> = waiting.into_iter().filter(|change| self.takes(change)).collect();
        let (mut done, mut size) = (0, self.stream.batch_size);
        while !wanted.is_empty() {
            let given = size.min(wanted.len());
            match self.call(&wanted[..given]).await {
                Called::Done => {
                    self.changes.done(&number(&wanted[given - 1])).await?;
                    wanted.drain(..given);
                    done += given;
                    size = self.stream.batch_size;
                }
                // Halved, so that what fails ends up alone.
                Called::Failed if given > 1 => size = given.div_ceil(2),
                Called::Failed | Called::FailedAt(0) => {
                    if !self.give_up(&wanted[0]).await? {
                        return Ok(Page::UpToAFailure(done));
                    }
                    wanted.remove(0);
                }
                Called::FailedAt(at) => {
                    self.changes.done(&number(&wanted[at - 1])).await?;
                    wanted.drain(..at);
                    return Ok(Page::UpToAFailure(done + at));
                }
            }
        }
        self.changes.done(&last).await?;
        Ok(Page::All(done))
    }

    fn takes(&self, change: &Value) -> bool {
        self.stream.filters.is_empty() || self.stream.filters.iter().any(|filter| filter.takes(change))
    }

    async fn call(&self, changes: &[Value]) -> Called {
        let Some(function) = self.gateway.function(&self.stream.function) else {
            tracing::error!(function = self.stream.function, "the stream's function is missing");
            return Called::Failed;
        };
        let id = self.gateway.request_id();
        match function.call(json!({ "Records": changes }), &id).await {
            Ok(answer) if self.stream.reports_failures => first_failure(&answer, changes),
            Ok(_) => Called::Done,
            Err(error) => {
                tracing::error!(request_id = id, "{error}");
                Called::Failed
            }
        }
    }

    /// Gives a change up, if it is old enough for that: says so to the queue of the template, and is done with it.
    async fn give_up(&self, change: &Value) -> Result<bool, ChangesError> {
        let made = change["dynamodb"]["ApproximateCreationDateTime"].as_f64().map_or(0, seconds);
        let made = Timestamp::from_second(made).unwrap_or(Timestamp::UNIX_EPOCH);
        let age: SignedDuration = self.clock.now().duration_since(made);
        if self.stream.max_age.is_none_or(|max_age| age < max_age) {
            return Ok(false);
        }
        let number = number(change);
        let told = json!({
            "requestContext": { "functionArn": self.stream.function, "condition": "RecordAgeExceeded" },
            "DDBStreamBatchInfo": { "startSequenceNumber": number, "endSequenceNumber": number, "batchSize": 1, "streamArn": change["eventSourceARN"] },
        });
        if let Some(queue) = self.stream.on_failure.as_ref().and_then(|name| self.queues.get(name)) {
            queue.put(&told.to_string()).map_err(|error| ChangesError::of(&error))?;
        }
        self.changes.done(&number).await?;
        Ok(true)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
fn seconds(at: f64) -> i64 {
    at as i64
}

fn number(change: &Value) -> String {
    change["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned()
}

/// The first change that an answer names as failed. One that it was not given fails all of them, as on Lambda.
fn first_failure(answer: &Value, changes: &[Value]) -> Called {
    let Some(named) = answer["batchItemFailures"].as_array().filter(|named| !named.is_empty()) else { return Called::Done };
    let place = |failure: &Value| changes.iter().position(|change| failure["itemIdentifier"] == change["dynamodb"]["SequenceNumber"]);
    match named.iter().map(place).collect::<Option<Vec<_>>>().and_then(|places| places.into_iter().min()) {
        Some(at) => Called::FailedAt(at),
        None => Called::Failed,
    }
}
