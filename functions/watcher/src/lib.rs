//! The watcher: looks at accounts whose credit moved. It tops them up and tells whoever set an alert.
//!
//! It is called with events off the bus, in any order and more than once each, and by a schedule each minute for what time
//! alone brings: another try, a new day, a new forecast.

use std::collections::BTreeMap;
use std::error::Error;

use metrics::counter;
use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::clocks::Clocks;
use tributary_api::messages::{self, Message};
use tributary_api::{App, clocks};
use tributary_domain::event::{Event, EventKind};
use tributary_domain::id::{AccountId, RequestId};
use tributary_domain::ledger::EntryKind;
use tributary_runtime::telemetry;
use tributary_watch::{Looked, Rang, due, look};

/// What a scheduled run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Accounts that were topped up.
    pub drawn: usize,
    /// Accounts that could not be.
    pub short: usize,
    /// Alerts that fired.
    pub fired: usize,
    /// Alerts that were resolved.
    pub resolved: usize,
    /// Accounts that could not be looked at; the next run tries again.
    pub failed: usize,
}

impl Summary {
    fn add(&mut self, looked: Looked) {
        self.drawn += looked.drawn;
        self.short += looked.short;
        self.fired += looked.fired;
        self.resolved += looked.resolved;
    }
}

/// One call. Messages are answered with the ids of those that failed, which the queue gives again; a scheduled run with its
/// [`Summary`]. Safe to repeat.
///
/// # Errors
/// When a scheduled run cannot list what is due; the schedule then tries again.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let mut summary = Summary::default();
    let answer = match messages::of(&event) {
        Some(batch) => answer(&Clocks::read(app).await?, run, &batch, &mut summary).await,
        None => {
            let due = due::look(&clocks::aside(app).await?, run).await?;
            summary.add(due.looked);
            summary.failed += due.failed;
            serde_json::to_value(summary)?
        }
    };
    // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
    counter!("TopUps").increment(summary.drawn as u64);
    counter!("TopUpsShort").increment(summary.short as u64);
    counter!("AlertsFired").increment(summary.fired as u64);
    counter!("WatchFailures").increment(summary.failed as u64);
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

/// Looks once at each account that the messages are about.
async fn answer(clocks: &Clocks, run: &RequestId, batch: &[Message], summary: &mut Summary) -> Value {
    let mut rang: BTreeMap<AccountId, (Rang, Vec<&Message>)> = BTreeMap::new();
    let mut failures = Vec::new();
    for message in batch {
        match serde_json::from_str::<Event>(&message.body) {
            Ok(event) => {
                let (loudest, of) = rang.entry(event.account_id).or_insert((Rang::Balance, Vec::new()));
                *loudest = (*loudest).max(rang_by(event.kind));
                of.push(message);
            }
            Err(error) => {
                summary.failed += 1;
                tracing::error!(request_id = run.as_str(), message_id = message.id, error = %error, "a message is no event");
                failures.push(json!({ "itemIdentifier": message.id }));
            }
        }
    }
    for (account, (rang, messages)) in rang {
        let looked = match clocks.time_of(&account).await {
            Ok(app) => look(&app, run, &account, rang).await,
            Err(error) => Err(error.into()),
        };
        match looked {
            Ok(looked) => summary.add(looked),
            Err(error) => {
                summary.failed += 1;
                tracing::error!(request_id = run.as_str(), account_id = %account, error = %error, "an account could not be looked at");
                failures.extend(messages.iter().map(|message| json!({ "itemIdentifier": message.id })));
            }
        }
    }
    json!({ "batchItemFailures": failures })
}

/// What an event may have changed.
fn rang_by(kind: EventKind) -> Rang {
    match kind {
        EventKind::Credit(EntryKind::Usage | EntryKind::UsageAdjustment) | EventKind::Record(_) => Rang::Everything,
        EventKind::Credit(_) => Rang::Balance,
    }
}
