//! The test clock, the queues, the bus and what DNS says: `GET /_local/clock`, `POST /_local/clock/advance`, `GET /_local/queues`,
//! `POST /_local/queues/{name}/redrive`, `GET /_local/events`, `POST /_local/dns`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tributary_runtime::clock::{Clock, SystemClock};
use tributary_runtime::dns::ScriptedDns;

use crate::bus::LocalBus;
use crate::gateway::{Answer, problem};
use crate::pump::Pump;
use crate::queue::{LocalQueue, LocalQueues};
use crate::schedule::Scheduler;
use crate::state::Keeper;

/// The farthest that one call may move the clock: ten years.
const MAX_ADVANCE_S: i64 = 10 * 366 * 86_400;
/// The farthest that the clock may run ahead in all.
const MAX_OFFSET_MS: i64 = 100 * 366 * 86_400 * 1000;

/// What `/_local/*` acts on.
pub struct Control {
    clock: SystemClock,
    scheduler: Arc<Scheduler>,
    pump: Arc<Pump>,
    queues: LocalQueues,
    bus: LocalBus,
    dns: ScriptedDns,
    keeper: Arc<Keeper>,
    docs_url: String,
    /// One move at a time: the stored offset and the clock go together.
    moving: Mutex<()>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

/// The TXT records of a name from now on; with `fails`, nobody answers for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    name: String,
    #[serde(default)]
    txt: Vec<String>,
    #[serde(default)]
    fails: bool,
}

impl Control {
    /// Controls this clock, these schedules and these queues, and shows this bus.
    pub fn new(
        clock: SystemClock,
        scheduler: Arc<Scheduler>,
        pump: Arc<Pump>,
        queues: LocalQueues,
        bus: LocalBus,
        dns: ScriptedDns,
        keeper: Arc<Keeper>,
        docs_url: &str,
    ) -> Self {
        Self { clock, scheduler, pump, queues, bus, dns, keeper, docs_url: docs_url.to_owned(), moving: Mutex::new(()) }
    }

    /// The clock.
    pub fn clock(&self) -> Answer {
        ok(&json!({"now": self.clock.now(), "ahead_ms": self.clock.advance_ms(0)}))
    }

    /// Moves the clock, and answers when everything that fell due has run.
    pub async fn advance(&self, body: &Bytes) -> Answer {
        let seconds = match serde_json::from_slice::<Advance>(body) {
            Ok(Advance { seconds }) if (0..=MAX_ADVANCE_S).contains(&seconds) => seconds,
            Ok(_) => return self.malformed(&format!("seconds must be from 0 to {MAX_ADVANCE_S}.")),
            Err(error) => return self.malformed(&format!("The body must be like {{\"seconds\": 3600}}: {error}.")),
        };
        let _moving = self.moving.lock().await;
        let (advance_ms, ahead_ms) = (seconds * 1000, self.clock.advance_ms(0));
        if ahead_ms.saturating_add(advance_ms) > MAX_OFFSET_MS {
            return self.malformed("The clock would run more than a hundred years ahead.");
        }
        // Kept first: after a kill the clock may stand later than was told, never earlier.
        if let Err(error) = self.keeper.update(|state| state.clock_offset_ms = ahead_ms + advance_ms) {
            return self.failed(&error);
        }
        self.clock.advance_ms(advance_ms);
        let runs = self.scheduler.run_due().await;
        let messages = self.pump.run_due().await;
        ok(&json!({"now": self.clock.now(), "ahead_ms": ahead_ms + advance_ms, "runs": runs, "messages": messages}))
    }

    /// How full each queue is.
    pub fn queues(&self) -> Answer {
        let row = |queue: &Arc<LocalQueue>| {
            let (depth, dead) = (queue.depth(), self.queues.dead_letters_of(queue));
            json!({
                "name": queue.name(),
                "ready": depth.ready,
                "in_flight": depth.in_flight,
                "oldest_sent_at": depth.oldest,
                "dead_letters": dead.map(|dead| dead.name()),
                "dead": dead.map(|dead| dead.depth().ready),
            })
        };
        ok(&json!({ "data": self.queues.all().map(row).collect::<Vec<_>>() }))
    }

    /// The last events that were told, the newest first, each with the queues that a rule sent it to.
    pub fn events(&self) -> Answer {
        ok(&json!({ "data": self.bus.last() }))
    }

    /// Says what TXT records a name has. It is forgotten when the run ends.
    pub fn dns(&self, body: &Bytes) -> Answer {
        match serde_json::from_slice::<Records>(body) {
            Ok(Records { name, fails: true, .. }) => self.dns.fail(&name),
            Ok(Records { name, txt, fails: false }) => self.dns.set(&name, txt),
            Err(error) => {
                return self
                    .malformed(&format!("The body must be like {{\"name\": \"_tributary.portal.example\", \"txt\": [\"…\"]}}: {error}."));
            }
        }
        ok(&json!({ "said": true }))
    }

    /// Sends the dead letters of a queue, named by itself or by where they are, back to it.
    pub fn redrive(&self, name: &str) -> Answer {
        let named = self.queues.get(name);
        let pair = named.and_then(|queue| match self.queues.dead_letters_of(queue) {
            Some(dead) => Some((dead, queue)),
            None => Some((queue, self.queues.source_of(queue)?)),
        });
        let Some((dead, queue)) = pair else {
            let detail = "There is no such queue, or no queue puts what fails into it. GET /_local/queues names them.";
            return self.problem(StatusCode::NOT_FOUND, "There is no such resource", detail, "not_found");
        };
        match dead.move_all(queue) {
            Ok(moved) => ok(&json!({ "from": dead.name(), "to": queue.name(), "moved": moved })),
            Err(error) => self.failed(&error),
        }
    }

    /// A problem of the run itself.
    pub fn problem(&self, status: StatusCode, title: &str, detail: &str, code: &str) -> Answer {
        problem(status, title, detail, code, &self.docs_url, "local")
    }

    fn failed(&self, error: &dyn std::error::Error) -> Answer {
        self.problem(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side", &error.to_string(), "internal_error")
    }

    fn malformed(&self, detail: &str) -> Answer {
        self.problem(StatusCode::BAD_REQUEST, "The request is malformed", detail, "bad_request")
    }
}

fn ok(body: &Value) -> Answer {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
