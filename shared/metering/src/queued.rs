//! Batches that are taken now and counted later: their events wait in a blob, and a message names it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tributary_api::{App, Caller, Code, Problem};
use tributary_domain::id::UsageBatchId;
use tributary_domain::rights::Right;
use tributary_store::error::StoreError;
use tributary_store::usage_batches::{BatchStatus, MAX_REJECTIONS, QueuedBatch};

use crate::ingest::{Answer, ingest, is_retryable};
use crate::plan::Verdict;

/// The message that a batch waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which batch.
    pub batch_id: UsageBatchId,
    /// The hash of the sender's key: its rights are asked when the events are counted, so that a revoked key counts nothing.
    pub credential: String,
}

/// Takes a batch for later. When this returns, its events are kept and will be counted.
///
/// # Errors
/// When blobs, table or queue do not take it; it may be sent again.
pub async fn queue(app: &App, caller: &Caller, events: &[Value]) -> Result<QueuedBatch, Problem> {
    let batch = QueuedBatch {
        id: UsageBatchId::from_uuid(app.uuid()),
        account_id: caller.account_id.clone(),
        actor: caller.actor.clone(),
        status: BatchStatus::Queued,
        events: events.len(),
        accepted: 0,
        duplicates: 0,
        rejected: 0,
        rejections: Vec::new(),
        created_at: app.now(),
        done_at: None,
    };
    let broken = |error: serde_json::Error| Problem::new(Code::Internal, error.to_string());
    let bytes = serde_json::to_vec(events).map_err(broken)?;
    app.blobs().put(&key(&batch.id), bytes, "application/json").await?;
    app.store().queue_batch(&batch).await?;
    let message = Waiting { batch_id: batch.id.clone(), credential: caller.credential() };
    app.queues().usage.send(&serde_json::to_string(&message).map_err(broken)?).await?;
    Ok(batch)
}

/// Counts a batch that waited. Safe to repeat.
///
/// # Errors
/// When some events could not be looked at for now: the message must be given again.
pub async fn work_off(app: &App, message: &str) -> Result<QueuedBatch, Box<dyn std::error::Error + Send + Sync>> {
    let waiting: Waiting = serde_json::from_str(message)?;
    let batch = app.store().queued_batch(&waiting.batch_id).await?;
    if batch.status == BatchStatus::Done {
        return Ok(batch);
    }
    let bytes = app.blobs().get(&key(&batch.id)).await?.ok_or("the events of the batch are missing")?;
    let events: Vec<Value> = serde_json::from_slice(&bytes)?;
    let answers = match Caller::of_credential(app, &waiting.credential).await {
        Ok(caller) => ingest(&caller.time(app).await.map_err(|problem| problem.detail)?, &caller.over(Right::UsageWrite), &events)
            .await
            .map_err(|problem| problem.detail)?,
        Err(problem) if problem.code == Code::Unauthorized => {
            events.iter().map(|event| Answer::rejected(event, problem.clone().into())).collect()
        }
        Err(problem) => return Err(problem.detail.into()),
    };
    let busy = |answer: &Answer| matches!(&answer.verdict, Verdict::Rejected(rejection) if is_retryable(rejection));
    if answers.iter().any(busy) {
        return Err("some of the batch's events could not be counted for now".into());
    }
    let done = finished(app, batch, &answers)?;
    app.store().finish_batch(&done).await?;
    Ok(done)
}

fn finished(app: &App, mut batch: QueuedBatch, answers: &[Answer]) -> Result<QueuedBatch, StoreError> {
    for (at, answer) in answers.iter().enumerate() {
        match &answer.verdict {
            Verdict::Accepted(_) => batch.accepted += 1,
            Verdict::Duplicate => batch.duplicates += 1,
            Verdict::Rejected(rejection) => {
                batch.rejected += 1;
                if batch.rejections.len() < MAX_REJECTIONS {
                    batch.rejections.push(serde_json::json!({
                        "index": at, "id": answer.id, "code": rejection.code, "detail": rejection.detail, "pointer": rejection.pointer,
                    }));
                }
            }
        }
    }
    (batch.status, batch.done_at) = (BatchStatus::Done, Some(app.now()));
    Ok(batch)
}

fn key(batch: &UsageBatchId) -> String {
    format!("usage/waiting/{batch}.json")
}
