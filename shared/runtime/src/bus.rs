//! The bus: events told to everybody who wants to hear. EventBridge on AWS, rules of the template in the local run, a list in
//! tests. It keeps no order.
//!
//! Source: "PutEvents", Amazon EventBridge API reference.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::aws::{Ask, Caller, Content, Service, host};

/// How long one try may take.
const TRY_LASTS: Duration = Duration::from_secs(5);
/// AWS: the most entries of one call.
const CALL_ENTRIES: usize = 10;
/// The most bytes of the entries of one call.
///
/// Source: "PutEvents event entry size", EventBridge user guide: 256 KiB until 2026, a mebibyte since; time, source and type
/// count too.
pub const MAX_CALL_BYTES: usize = 256 * 1024;
/// What an entry has beside its detail, in bytes: more than it ever is.
pub const AROUND_BYTES: usize = 200;
/// How often entries that a call refused are put.
const TRIES: u32 = 3;
/// The wait before the second time; before the third it is four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Why an entry is not on the bus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// This function was given no bus.
    #[error("the bus is not to be had: the environment variable {0} is not set")]
    NotConfigured(&'static str),
    /// It has more bytes than an entry may.
    #[error("an event of {0} bytes is larger than {MAX_CALL_BYTES}")]
    TooLarge(usize),
    /// It did not answer, or refused, however often it was asked. The entry may be on it.
    #[error("the bus: {0}")]
    Unavailable(String),
}

/// An event as the bus carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who tells it.
    pub source: &'static str,
    /// Its type: `credit.transfer`.
    pub detail_type: String,
    /// Its content, JSON.
    pub detail: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A bus.
#[async_trait]
pub trait Bus: Send + Sync + Debug {
    /// Puts entries, and says of each whether it is on the bus.
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>>;
}

/// The bus of a function that has none: a call names the variable that is missing.
#[derive(Debug, Clone, Copy)]
pub struct NoBus(pub &'static str);

#[async_trait]
impl Bus for NoBus {
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>> {
        vec![Err(BusError::NotConfigured(self.0)); entries.len()]
    }
}

/// A bus of EventBridge.
#[derive(Debug, Clone)]
pub struct EventBridge {
    caller: Caller,
    url: String,
    name: String,
}

impl EventBridge {
    /// The bus at AWS, or at another endpoint.
    pub(crate) fn new(caller: Caller, name: &str, endpoint: Option<&str>) -> Self {
        let url = match endpoint {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}/", host(Service::Events, caller.region())),
        };
        Self { caller, url, name: name.to_owned() }
    }

    /// One call.
    async fn call(&self, entries: &[&Entry]) -> Vec<Result<(), BusError>> {
        let entry = |entry: &&Entry| {
            json!({
                "EventBusName": self.name,
                "Source": entry.source,
                "DetailType": entry.detail_type,
                "Detail": entry.detail,
                "Time": entry.at.as_second(),
            })
        };
        let request = json!({ "Entries": entries.iter().map(entry).collect::<Vec<_>>() }).to_string();
        let ask = Ask {
            service: Service::Events,
            method: "POST",
            url: &self.url,
            headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AWSEvents.PutEvents")],
            body: Content::Bytes(request.as_bytes()),
            try_lasts: TRY_LASTS,
        };
        let all = |why: String| vec![Err(BusError::Unavailable(why)); entries.len()];
        let answer = match self.caller.send(&ask).await {
            Ok(answer) if answer.status == 200 => answer,
            Ok(answer) => return all(answer.said()),
            Err(why) => return all(why),
        };
        // In the order of the entries: an id, or a code and a message.
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let verdict = |said: &Value| match said["EventId"].as_str() {
            Some(_) if said["ErrorCode"].is_null() => Ok(()),
            _ => Err(BusError::Unavailable(said.to_string())),
        };
        (0..entries.len()).map(|at| verdict(&said["Entries"][at])).collect()
    }
}

#[async_trait]
impl Bus for EventBridge {
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>> {
        let mut results = sizes(entries);
        let (mut wait, mut tries) = (FIRST_WAIT, 1);
        loop {
            let open: Vec<usize> = (0..entries.len()).filter(|at| matches!(results[*at], Err(BusError::Unavailable(_)))).collect();
            if open.is_empty() {
                return results;
            }
            for call in calls(entries, &open) {
                let given: Vec<&Entry> = call.iter().map(|at| &entries[*at]).collect();
                for (at, result) in call.into_iter().zip(self.call(&given).await) {
                    results[at] = result;
                }
            }
            if tries == TRIES {
                return results;
            }
            tries += 1;
            if results.iter().any(Result::is_err) {
                sleep(wait).await;
                wait *= 4;
            }
        }
    }
}

/// Which entries can be put at all; those that can count as not on the bus yet.
fn sizes(entries: &[Entry]) -> Vec<Result<(), BusError>> {
    let size = |entry: &Entry| match bytes(entry) {
        small if small <= MAX_CALL_BYTES => Err(BusError::Unavailable("not put yet".to_owned())),
        large => Err(BusError::TooLarge(large)),
    };
    entries.iter().map(size).collect()
}

fn bytes(entry: &Entry) -> usize {
    entry.detail.len() + AROUND_BYTES
}

/// The entries of each call: as many as it may hold.
fn calls(entries: &[Entry], open: &[usize]) -> Vec<Vec<usize>> {
    let (mut calls, mut filled): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
    for at in open {
        let size = bytes(&entries[*at]);
        match calls.last_mut() {
            Some(call) if call.len() < CALL_ENTRIES && filled + size <= MAX_CALL_BYTES => {
                call.push(*at);
                filled += size;
            }
            _ => {
                calls.push(vec![*at]);
                filled = size;
            }
        }
    }
    calls
}

/// A bus in memory, for tests. A clone is the same bus.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus {
    put: Arc<Mutex<Vec<Entry>>>,
}

impl MemoryBus {
    /// Another bus with the same entries.
    pub fn fork(&self) -> Self {
        Self { put: Arc::new(Mutex::new(self.put.lock().unwrap_or_else(PoisonError::into_inner).clone())) }
    }

    /// Takes what was put, the oldest first.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.put.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>> {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(entries);
        vec![Ok(()); entries.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::tests::server;

    fn entry(n: usize) -> Entry {
        let at = Timestamp::from_millisecond(1_790_000_000_123).expect("a time");
        Entry { source: "tributary", detail_type: "credit.issue".to_owned(), detail: format!("{{\"n\":{n}}}"), at }
    }

    #[tokio::test]
    async fn only_the_entries_that_a_call_refused_are_put_again() {
        const FIRST: &str =
            r#"{"FailedEntryCount":1,"Entries":[{"EventId":"1"},{"ErrorCode":"ThrottlingException","ErrorMessage":"slow down"}]}"#;
        let (caller, endpoint, asked) = server(&[(200, FIRST), (200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"2"}]}"#)]).await;
        let bus = EventBridge::new(caller, "events", Some(&endpoint));
        assert_eq!(bus.put(&[entry(0), entry(1)]).await, [Ok(()), Ok(())]);
        let asked = asked.lock().expect("no panic");
        let bodies: Vec<Value> =
            asked.iter().map(|asked| serde_json::from_str(asked.split_once("\r\n\r\n").expect("a body").1).expect("JSON")).collect();
        let second = json!({"EventBusName": "events", "Source": "tributary", "DetailType": "credit.issue", "Detail": "{\"n\":1}", "Time": 1_790_000_000});
        assert_eq!((bodies[0]["Entries"].as_array().map(Vec::len), &bodies[1]["Entries"]), (Some(2), &json!([second])));
        assert!(asked[0].to_lowercase().contains("x-amz-target: awsevents.putevents"));
    }

    #[tokio::test]
    async fn a_refused_call_fails_its_entries_and_one_that_is_too_large_fails_alone() {
        let (caller, endpoint, _) = server(&[(400, "no such bus"), (400, "no such bus"), (400, "no such bus")]).await;
        let bus = EventBridge::new(caller, "events", Some(&endpoint));
        let large = Entry { detail: "x".repeat(MAX_CALL_BYTES), ..entry(0) };
        let results = bus.put(&[entry(0), large]).await;
        assert!(matches!(&results[0], Err(BusError::Unavailable(why)) if why.contains("no such bus")), "{results:?}");
        assert_eq!(results[1], Err(BusError::TooLarge(MAX_CALL_BYTES + AROUND_BYTES)));
    }

    #[test]
    fn a_call_holds_ten_entries_and_its_bytes() {
        let many: Vec<_> = (0..25).map(entry).collect();
        let sizes = |entries: &[Entry]| {
            let open: Vec<usize> = (0..entries.len()).collect();
            calls(entries, &open).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&many), [10, 10, 5]);
        let large: Vec<_> = (0..3).map(|n| Entry { detail: "x".repeat(MAX_CALL_BYTES / 2 - AROUND_BYTES), ..entry(n) }).collect();
        assert_eq!(sizes(&large), [2, 1]);
    }
}
