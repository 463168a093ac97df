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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::Duration;

    use tributary_runtime::ids::{IdSource, SystemIds};
    use tributary_store::table::{Item, Key, Table, Write};

    use super::*;
    use crate::engine::{self, Engine};
    use crate::lambda::{Handler, Lambda};
    use crate::pattern::Pattern;
    use crate::stop;
    use crate::template::Template;

    type Answers = dyn Fn(&[String]) -> Option<Value> + Send + Sync;

    /// What a function was called with: the sort keys of the changes of each call.
    #[derive(Clone, Default)]
    struct Given(Arc<std::sync::Mutex<Vec<Vec<String>>>>);

    impl Given {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().expect("no panic")).into_iter().map(|keys| keys.join(" ")).collect()
        }
    }

    /// A mapping of changes below `a` in batches of three, on an engine in `dir`; it runs until the stopper is dropped.
    async fn mapping(
        dir: &Path,
        max_age: Option<SignedDuration>,
        answer: Arc<Answers>,
    ) -> (StreamMapping, Arc<dyn Table>, Given, stop::Stopper) {
        let (stopper, stop) = stop::signal();
        let Engine { table, changes, .. } = engine::start(&dir.join("engine"), stop).await.expect("an engine");
        let template = Template::embedded().expect("a template");
        let given = Given::default();
        let kept = given.clone();
        let handler: Handler = Arc::new(move |event, _| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let records = event["Records"].as_array().expect("records");
            kept.0.lock().expect("no panic").push(records.iter().map(|record| text(&record["dynamodb"]["Keys"]["sk"]["S"])).collect());
            let numbers: Vec<String> = records.iter().map(|record| text(&record["dynamodb"]["SequenceNumber"])).collect();
            let answer = answer(&numbers).ok_or_else(|| "on purpose".into());
            Box::pin(async { answer })
        });
        let functions = BTreeMap::from([("OutboxFunction".to_owned(), Lambda::new("OutboxFunction", Duration::from_secs(1), handler))]);
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) = (Arc::new(SystemClock::default()), Arc::new(SystemIds::default()));
        let gateway = Arc::new(Gateway::new(&template, functions, clock.clone(), ids.clone()));
        let queues = LocalQueues::open(&template.queues, None, &clock, &ids).expect("the queues open");
        let filter = Pattern::of(&json!({"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "a"}]}}}}));
        let outbox = template.streams.iter().find(|stream| stream.function == "OutboxFunction").expect("the outbox's");
        let stream = Stream { batch_size: 3, max_age, filters: vec![filter.expect("a pattern")], ..outbox.clone() };
        (StreamMapping::new(stream, changes, gateway, queues), table, given, stopper)
    }

    async fn insert(table: &dyn Table, keys: &[(&str, &str)]) {
        for (pk, sk) in keys {
            table.write(&Write::put(Key::new(*pk, *sk), Item::new())).await.expect("written");
        }
    }

    #[tokio::test]
    async fn changes_that_the_filter_takes_are_given_in_order_and_after_a_failure_from_it_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let failing = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let still = failing.clone();
        let answer = move |numbers: &[String]| match still.load(std::sync::atomic::Ordering::Relaxed) {
            true => Some(json!({"batchItemFailures": [{"itemIdentifier": numbers.last()}]})),
            false => Some(json!({"batchItemFailures": []})),
        };
        let (mapping, table, given, _stopper) = mapping(dir.path(), None, Arc::new(answer)).await;
        insert(&*table, &[("a", "1"), ("b", "x"), ("a", "2"), ("a", "1"), ("a", "3"), ("a", "4")]).await;
        assert_eq!((mapping.drain().await, given.take()), (2, vec!["1 2 3".to_owned()]), "the second write of 1 is no insert");
        failing.store(false, std::sync::atomic::Ordering::Relaxed);
        assert_eq!((mapping.drain().await, given.take()), (2, vec!["3 4".to_owned()]));
        assert_eq!((mapping.drain().await, given.take()), (0, vec![]));
    }

    #[tokio::test]
    async fn each_reader_is_given_every_change_and_what_all_are_done_with_is_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let (_stopper, stop) = stop::signal();
        let Engine { table, changes, .. } = engine::start(&dir.path().join("engine"), stop).await.expect("an engine");
        let readers = changes.read_by(&["one", "other"]).expect("readers");
        insert(&*table, &[("a", "1"), ("a", "2")]).await;
        let waiting = async |reader: &Changes| reader.waiting().await.expect("read").iter().map(number).collect::<Vec<_>>();
        let all = waiting(&readers[0]).await;
        assert_eq!((all.len(), waiting(&readers[1]).await), (2, all.clone()));
        readers[0].done(&all[0]).await.expect("done");
        assert_eq!((waiting(&readers[0]).await, waiting(&readers[1]).await), (all[1..].to_vec(), all.clone()));
        readers[0].done(&all[1]).await.expect("done");
        readers[1].done(&all[0]).await.expect("done");
        // The first is forgotten by the engine, the second waits for one of them.
        assert_eq!(waiting(&changes).await, all[1..]);
        let readers = changes.read_by(&["one", "other", "new"]).expect("readers");
        assert_eq!(
            (waiting(&readers[0]).await.len(), waiting(&readers[1]).await, waiting(&readers[2]).await),
            (0, all[1..].to_vec(), all[1..].to_vec())
        );
        // Who is not named any more keeps nothing waiting.
        let readers = changes.read_by(&["one"]).expect("readers");
        readers[0].done(&all[1]).await.expect("done");
        assert_eq!(waiting(&changes).await.len(), 0);
    }

    #[tokio::test]
    async fn what_was_not_done_is_given_again_after_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, table, given, stopper) = mapping(dir.path(), None, Arc::new(|_: &[String]| None)).await;
        insert(&*table, &[("a", "1"), ("a", "2"), ("a", "3")]).await;
        assert_eq!((first.drain().await, given.take()), (0, vec!["1 2 3".to_owned(), "1 2".to_owned(), "1".to_owned()]), "halved");
        drop((first, table, stopper));
        let (second, table, given, stopper) = mapping(dir.path(), None, Arc::new(|_: &[String]| Some(json!({})))).await;
        insert(&*table, &[("a", "4")]).await;
        assert_eq!((second.drain().await, given.take()), (4, vec!["1 2 3".to_owned(), "4".to_owned()]));
        drop((second, table, stopper));
        let (third, _, given, _stopper) = mapping(dir.path(), None, Arc::new(|_: &[String]| Some(json!({})))).await;
        assert_eq!((third.drain().await, given.take()), (0, vec![]));
    }

    #[tokio::test]
    async fn a_change_that_keeps_failing_is_given_up_when_it_is_too_old_and_said_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mapping, table, given, _stopper) = mapping(
            dir.path(),
            Some(SignedDuration::ZERO),
            Arc::new(|numbers: &[String]| (numbers.len() == 1).then(|| json!({"batchItemFailures": [{"itemIdentifier": numbers[0]}]}))),
        )
        .await;
        insert(&*table, &[("a", "1"), ("a", "2")]).await;
        assert_eq!((mapping.drain().await, given.take()), (0, ["1 2", "1", "2"].map(str::to_owned).to_vec()));
        let dead = mapping.queues.get("OutboxDeadLetters").expect("a queue").receive(10, None).expect("received");
        assert_eq!(dead.len(), 2);
        let told: Value = serde_json::from_str(&dead[0].body).expect("JSON");
        assert_eq!(told["requestContext"]["condition"], "RecordAgeExceeded");
    }
}
