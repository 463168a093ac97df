//! Lambda's event source mappings: calls functions with the messages of their queues and the changes of the table, as the template
//! says.
//!
//! Source: "Using Lambda with Amazon SQS" and "Implementing partial batch responses", AWS Lambda developer guide.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use serde_json::Value;
use tokio::sync::Mutex;
use tributary_runtime::clock::Clock;

use crate::event;
use crate::gateway::Gateway;
use crate::queue::{LocalQueue, LocalQueues, Message};
use crate::stop::Stop;
use crate::stream::StreamMapping;
use crate::template::Source;

/// How often a queue is looked at although nothing was sent: messages become visible again by the clock.
const TICK: Duration = Duration::from_millis(200);

/// Every event source mapping.
pub struct Pump {
    gateway: Arc<Gateway>,
    clock: Arc<dyn Clock>,
    queues: LocalQueues,
    mappings: Vec<Mapping>,
    streams: Vec<StreamMapping>,
}

struct Mapping {
    source: Source,
    queue: Arc<LocalQueue>,
    /// One call at a time: who moves the clock also waits for a call that runs.
    calling: Mutex<()>,
}

impl Pump {
    /// The mappings of `sources` whose queues there are, and those of the table's stream.
    pub fn new(sources: &[Source], streams: Vec<StreamMapping>, queues: LocalQueues, gateway: Arc<Gateway>, clock: Arc<dyn Clock>) -> Self {
        let mapping = |source: &Source| {
            let queue = queues.get(&source.queue)?.clone();
            Some(Mapping { source: source.clone(), queue, calling: Mutex::new(()) })
        };
        let mappings = sources.iter().filter_map(mapping).collect();
        Self { gateway, clock, queues, mappings, streams }
    }

    /// Calls functions until no changes wait and no messages are due, and says how many of both were worked off.
    pub async fn run_due(&self) -> usize {
        let mut done = 0;
        // What one function does may send messages to another.
        loop {
            let changes = join_all(self.streams.iter().map(StreamMapping::drain)).await;
            let messages = join_all(self.mappings.iter().map(|mapping| self.drain(mapping))).await;
            match changes.iter().chain(&messages).sum::<usize>() {
                0 => return done,
                some => done += some,
            }
        }
    }

    /// Calls functions whenever changes wait or messages are due, until `stop`. A call that runs is waited for.
    pub async fn keep_running(self: Arc<Self>, stop: Stop) {
        let keep = async |mapping: &Mapping| {
            let mut stopped = std::pin::pin!(stop.clone().stopped());
            loop {
                tokio::select! {
                    biased;
                    () = &mut stopped => return,
                    () = mapping.queue.arrived.notified() => {}
                    () = tokio::time::sleep(TICK) => {}
                }
                self.drain(mapping).await;
            }
        };
        let follow = async |stream: &StreamMapping| {
            let mut stopped = std::pin::pin!(stop.clone().stopped());
            loop {
                tokio::select! {
                    biased;
                    () = &mut stopped => return,
                    () = tokio::time::sleep(TICK) => {}
                }
                stream.drain().await;
            }
        };
        join(join_all(self.mappings.iter().map(keep)), join_all(self.streams.iter().map(follow))).await;
    }

    /// Calls one function as long as messages are due. What it fails becomes due again by the clock only, so this ends.
    async fn drain(&self, mapping: &Mapping) -> usize {
        let _calling = mapping.calling.lock().await;
        let mut done = 0;
        while self.is_due(mapping) {
            let dead = self.queues.dead_letters_of(&mapping.queue).map(|dead| &**dead);
            let called = match mapping.queue.receive(mapping.source.batch_size, dead) {
                Ok(messages) if messages.is_empty() => break,
                Ok(messages) => self.call(mapping, &messages).await,
                Err(error) => Err(error),
            };
            match called {
                Ok(count) => done += count,
                Err(error) => {
                    tracing::error!(queue = mapping.queue.name(), "the queue's files: {error}");
                    break;
                }
            }
        }
        done
    }

    /// A batch is called for when it is full, or its first message has waited for the window.
    fn is_due(&self, mapping: &Mapping) -> bool {
        let (count, first) = mapping.queue.due(mapping.source.batch_size);
        let waited = first.is_some_and(|first| self.clock.now().duration_since(first) >= mapping.source.window);
        count == mapping.source.batch_size || waited
    }

    async fn call(&self, mapping: &Mapping, messages: &[Message]) -> io::Result<usize> {
        let Source { function: name, queue, reports_failures, .. } = &mapping.source;
        let Some(function) = self.gateway.function(name) else {
            tracing::error!(function = name, "the queue's function is missing");
            return Ok(0);
        };
        let id = self.gateway.request_id();
        let failed = match function.call(event::messages(queue, messages, || self.gateway.request_id()), &id).await {
            Ok(answer) if *reports_failures => failures(&answer, messages),
            Ok(_) => Some(BTreeSet::new()),
            Err(error) => {
                tracing::error!(request_id = id, "{error}");
                None
            }
        };
        let Some(failed) = failed else { return Ok(0) };
        let done = messages.iter().filter(|message| !failed.contains(&message.id));
        let mut count = 0;
        for message in done {
            mapping.queue.delete(message)?;
            count += 1;
        }
        Ok(count)
    }
}

/// The messages that an answer names as failed; `None`, which is all of them, if it names what it was not given.
fn failures(answer: &Value, messages: &[Message]) -> Option<BTreeSet<String>> {
    let Some(named) = answer.get("batchItemFailures").filter(|named| !named.is_null()) else { return Some(BTreeSet::new()) };
    let known = |failure: &Value| {
        let id = failure["itemIdentifier"].as_str()?;
        messages.iter().any(|message| message.id == id).then(|| id.to_owned())
    };
    named.as_array()?.iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;
    use serde_json::json;
    use tributary_runtime::clock::ManualClock;
    use tributary_runtime::ids::{IdSource, SystemIds};

    use super::*;
    use crate::lambda::{Handler, Lambda};
    use crate::template::Template;

    /// A pump of the project's template, whose usage worker answers each batch as `answer` says.
    fn pump(answer: impl Fn(&[(&str, &str)]) -> Option<Value> + Send + Sync + 'static) -> (Pump, ManualClock) {
        let clock = ManualClock::at("2026-11-22T00:00:00Z".parse().expect("a time"));
        let (any_clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) = (Arc::new(clock.clone()), Arc::new(SystemIds::default()));
        let handler: Handler = Arc::new(move |event, _| {
            let records = event["Records"].as_array().expect("records");
            let word = |record: &'_ Value, name: &str| record[name].as_str().expect("a text").to_owned();
            let messages: Vec<(String, String)> = records.iter().map(|record| (word(record, "messageId"), word(record, "body"))).collect();
            let messages: Vec<(&str, &str)> = messages.iter().map(|(id, body)| (id.as_str(), body.as_str())).collect();
            let answer = answer(&messages).ok_or_else(|| "on purpose".into());
            Box::pin(async { answer })
        });
        let template = Template::embedded().expect("a template");
        let functions = ["UsageWorkerFunction", "ExporterFunction"]
            .map(|name| (name.to_owned(), Lambda::new(name, Duration::from_secs(1), handler.clone())));
        let gateway = Arc::new(Gateway::new(&template, BTreeMap::from(functions), any_clock.clone(), ids.clone()));
        let queues = LocalQueues::open(&template.queues, None, &any_clock, &ids).expect("the queues open");
        (Pump::new(&template.sources, Vec::new(), queues, gateway, any_clock), clock)
    }

    fn depths(pump: &Pump) -> [(usize, usize); 2] {
        ["UsageQueue", "UsageDeadLetters"].map(|name| {
            let depth = pump.queues.get(name).expect("a queue").depth();
            (depth.ready, depth.in_flight)
        })
    }

    fn put(pump: &Pump, bodies: &[&str]) {
        for body in bodies {
            pump.queues.get("UsageQueue").expect("a queue").put(body).expect("put");
        }
    }

    #[tokio::test]
    async fn only_the_messages_that_failed_are_given_again() {
        let given: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
        let seen = given.clone();
        let (pump, clock) = pump(move |batch| {
            seen.lock().expect("no panic").extend(batch.iter().map(|(_, body)| (*body).to_owned()));
            let bad = batch.iter().filter(|(_, body)| *body == "b").map(|(id, _)| json!({"itemIdentifier": id}));
            Some(json!({"batchItemFailures": bad.collect::<Vec<_>>()}))
        });
        put(&pump, &["a", "b", "c"]);
        assert_eq!(pump.run_due().await, 0, "the batch's window is not over");
        clock.advance_ms(1_000);
        assert_eq!(pump.run_due().await, 2);
        assert_eq!(depths(&pump), [(0, 1), (0, 0)]);
        clock.advance_ms(300_000 + 1_000);
        assert_eq!(pump.run_due().await, 0);
        assert_eq!(*given.lock().expect("no panic"), ["a", "b", "c", "b"]);
    }

    #[tokio::test]
    async fn a_poisoned_message_ends_among_the_dead_letters_after_five_tries() {
        let (pump, clock) = pump(|_| None);
        put(&pump, &["poison"]);
        for _ in 0..5 {
            assert_eq!(depths(&pump)[1], (0, 0));
            clock.advance_ms(301_000);
            assert_eq!(pump.run_due().await, 0);
        }
        clock.advance_ms(301_000);
        pump.run_due().await;
        assert_eq!(depths(&pump), [(0, 0), (1, 0)]);
    }

    #[tokio::test]
    async fn an_answer_that_names_an_unknown_message_fails_the_whole_batch() {
        let (pump, clock) = pump(|_| Some(json!({"batchItemFailures": [{"itemIdentifier": "another"}]})));
        put(&pump, &["a", "b"]);
        clock.advance_ms(1_000);
        assert_eq!(pump.run_due().await, 0);
        assert_eq!(depths(&pump)[0], (0, 2));
    }

    #[tokio::test]
    async fn a_full_batch_does_not_wait_for_its_window() {
        let (pump, _) = pump(|batch| {
            assert_eq!(batch.len(), 10);
            Some(json!({}))
        });
        put(&pump, &["x"; 25]);
        assert_eq!(pump.run_due().await, 20);
        assert_eq!(depths(&pump)[0], (5, 0));
        let usage = pump.mappings.iter().find(|mapping| mapping.source.queue == "UsageQueue").expect("a mapping");
        assert_eq!(usage.source.window, SignedDuration::from_secs(1));
    }
}
