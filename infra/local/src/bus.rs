//! EventBridge, as far as the platform uses it: the rules of the template, which send events to queues. The last events are
//! kept for `GET /_local/events`.
//!
//! Source: "Amazon EventBridge events", EventBridge user guide.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tributary_runtime::bus::{Bus, BusError, Entry};
use tributary_runtime::clock::Clock;
use tributary_runtime::ids::IdSource;

use crate::queue::LocalQueues;
use crate::template::Rule;

/// How many events are shown.
const SHOWN: usize = 200;

/// The bus. A clone is the same bus.
#[derive(Debug, Clone)]
pub struct LocalBus {
    rules: Arc<[Rule]>,
    queues: LocalQueues,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    last: Arc<Mutex<VecDeque<Value>>>,
}

impl LocalBus {
    /// A bus with these rules, which send to these queues.
    pub fn new(rules: &[Rule], queues: LocalQueues, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { rules: rules.into(), queues, clock, ids, last: Arc::default() }
    }

    /// The last events, the newest first.
    pub fn last(&self) -> Vec<Value> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }

    fn deliver(&self, entry: &Entry) -> Result<(), BusError> {
        let fails = |why: String| BusError::Unavailable(why);
        let detail: Value = serde_json::from_str(&entry.detail).map_err(|error| fails(error.to_string()))?;
        let event = json!({
            "version": "0",
            "id": self.ids.uuid(&*self.clock).to_string(),
            "detail-type": entry.detail_type,
            "source": entry.source,
            "account": "000000000000",
            "time": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        });
        let mut taken = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.pattern.takes(&event)) {
            for (queue, path) in &rule.targets {
                let queue = self.queues.get(queue).ok_or_else(|| fails(format!("there is no queue {queue}")))?;
                queue.put_event(&sent(&event, path.as_deref()).to_string()).map_err(|error| fails(error.to_string()))?;
                taken.push(queue.name());
            }
        }
        let shown = json!({ "event": event["detail"], "to": taken });
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == SHOWN {
            last.pop_front();
        }
        last.push_back(shown);
        Ok(())
    }
}

/// What of an event a path such as `$.detail` names.
fn sent<'a>(event: &'a Value, path: Option<&str>) -> &'a Value {
    let names = path.and_then(|path| path.strip_prefix("$.")).into_iter().flat_map(|names| names.split('.'));
    names.fold(event, |value, name| &value[name])
}

#[async_trait]
impl Bus for LocalBus {
    async fn put(&self, entries: &[Entry]) -> Vec<Result<(), BusError>> {
        let (bus, entries) = (self.clone(), entries.to_vec());
        let count = entries.len();
        let put = tokio::task::spawn_blocking(move || entries.iter().map(|entry| bus.deliver(entry)).collect()).await;
        put.unwrap_or_else(|error| vec![Err(BusError::Unavailable(error.to_string())); count])
    }
}
