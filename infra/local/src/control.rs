//! The test clock: `GET /_local/clock` and `POST /_local/clock/advance`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tributary_runtime::clock::{Clock, SystemClock};

use crate::gateway::{Answer, problem};
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

impl Control {
    /// Controls this clock and these schedules.
    pub fn new(clock: SystemClock, scheduler: Arc<Scheduler>, keeper: Arc<Keeper>, docs_url: &str) -> Self {
        Self { clock, scheduler, keeper, docs_url: docs_url.to_owned(), moving: Mutex::new(()) }
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
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return self.problem(status, "Something went wrong on our side", &error.to_string(), "internal_error");
        }
        self.clock.advance_ms(advance_ms);
        let runs = self.scheduler.run_due().await;
        ok(&json!({"now": self.clock.now(), "ahead_ms": ahead_ms + advance_ms, "runs": runs}))
    }

    /// A problem of the run itself.
    pub fn problem(&self, status: StatusCode, title: &str, detail: &str, code: &str) -> Answer {
        problem(status, title, detail, code, &self.docs_url, "local")
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
