//! `POST /reseller/usage/events`: up to 1,000 events, each answered on its own.

use serde::{Deserialize, Serialize};
use serde_json::Value;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Caller, Code, Problem, Reply};
use tributary_domain::rights::Right;
use tributary_metering::event::{MAX_EVENTS, Rejection};
use tributary_metering::ingest::{Answer, ingest, is_retryable};
use tributary_metering::plan::Verdict;
use tributary_store::error::Denied;

/// The media types of a body: ours, one CloudEvent, or an array of them.
const MEDIA_TYPES: [&str; 3] = ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"];

/// The request to count events.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordUsage {
    /// 1 to 1,000 events, ours or CloudEvents 1.0.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::UsageEvent>, min_items = 1, max_items = 1000))]
    pub events: Vec<Value>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventStatus {
    /// It counts.
    Accepted,
    /// It was counted before.
    Duplicate,
    /// It does not count.
    Rejected,
}

/// The answer to one event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventResult {
    /// The event's id; null if none could be read.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub id: Option<String>,
    /// What became of it.
    pub status: EventStatus,
    /// Why it was rejected: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ErrorCode, required = false))]
    pub code: Option<String>,
    /// What was wrong and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The wrong field, as a JSON pointer into the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The same event may be sent again as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

/// The answer to a batch.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordedUsage {
    /// How many count now.
    pub accepted: usize,
    /// How many were counted before.
    pub duplicates: usize,
    /// How many do not count.
    pub rejected: usize,
    /// The answer to each event, in their order.
    pub results: Vec<EventResult>,
}

/// Takes events.
///
/// # Errors
/// `validation_failed` for none or more than 1,000; what is wrong with one event is said in its result.
pub async fn record(call: Call) -> Result<Reply, Problem> {
    let (caller, events) = (may_send(&call)?, events(&call)?);
    let answers = ingest(&call.app, &caller.over(Right::UsageWrite), &events).await?;
    Reply::ok(&RecordedUsage::of(answers))
}

/// The caller, if its role lets it send usage at all; for which accounts is asked event by event.
///
/// # Errors
/// `forbidden`.
pub fn may_send(call: &Call) -> Result<&Caller, Problem> {
    let caller = call.caller()?;
    if caller.grants.rights.contains(&Right::UsageWrite) { Ok(caller) } else { Err(Denied::Lacks(Right::UsageWrite).into()) }
}

/// The events of a body.
///
/// # Errors
/// `unsupported_media_type`, `invalid_json`, `validation_failed`, `unknown_field`.
pub fn events(call: &Call) -> Result<Vec<Value>, Problem> {
    let (media_type, body) = call.raw(&MEDIA_TYPES)?;
    let invalid = |error: serde_json::Error| Problem::new(Code::InvalidJson, format!("The body is not valid JSON: {error}."));
    let events = match media_type {
        "application/cloudevents+json" => vec![serde_json::from_slice(body).map_err(invalid)?],
        "application/cloudevents-batch+json" => match serde_json::from_slice(body).map_err(invalid)? {
            Value::Array(events) => events,
            _ => return Err(Problem::field("", "must be an array of CloudEvents")),
        },
        _ => call.body::<RecordUsage>()?.events,
    };
    match events.len() {
        0 => Err(Problem::field("/events", "must hold at least one event")),
        1..=MAX_EVENTS => Ok(events),
        many => Err(Problem::field("/events", format!("has {many} events; at most {MAX_EVENTS} are taken at once"))),
    }
}

impl RecordedUsage {
    /// The answers as they are shown.
    pub fn of(answers: Vec<Answer>) -> Self {
        let results: Vec<EventResult> = answers.into_iter().enumerate().map(|(at, answer)| EventResult::of(at, answer)).collect();
        let count = |status| results.iter().filter(|result| result.status == status).count();
        Self {
            accepted: count(EventStatus::Accepted),
            duplicates: count(EventStatus::Duplicate),
            rejected: count(EventStatus::Rejected),
            results,
        }
    }
}

impl EventResult {
    fn of(at: usize, answer: Answer) -> Self {
        let plain = |status| Self { id: answer.id.clone(), status, code: None, detail: None, pointer: None, retryable: None };
        match answer.verdict {
            Verdict::Accepted(_) => plain(EventStatus::Accepted),
            Verdict::Duplicate => plain(EventStatus::Duplicate),
            Verdict::Rejected(rejection) => {
                let retryable = is_retryable(&rejection).then_some(true);
                let Rejection { code, detail, pointer } = rejection;
                let pointer = pointer.map(|pointer| format!("/events/{at}{pointer}"));
                Self { code: Some(code), detail: Some(detail), pointer, retryable, ..plain(EventStatus::Rejected) }
            }
        }
    }
}
