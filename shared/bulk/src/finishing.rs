//! The end of a job: rows that were begun are brought to theirs, what is left goes back to the payer, the result is written.

use serde_json::{Value, json};
use tributary_domain::bulk::job::{Chunk, Job, Mark};
use tributary_domain::bulk::rows::Kind;
use tributary_domain::bulk::state::Step;
use tributary_domain::event::RecordKind;
use tributary_domain::id::TransferId;
use tributary_domain::text::no_formula;
use tributary_store::events::Act;
use tributary_store::jobs::Said;

use crate::credits::Chunked;
use crate::kept::{Planned, load};
use crate::planning::CHUNKS;
use crate::{Failure, Flow, Run, asked, ids, singly};

/// Brings a job to its end. Begun again after a kill, it ends the same.
pub(crate) async fn finish(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    let store = run.app.store();
    if job.cancelled && matches!(job.kind, Kind::Accounts | Kind::Updates) && !end_taken(run, job).await? {
        return Ok(Flow::On);
    }
    if job.kind == Kind::Credits {
        store.return_escrow(&job.id, &TransferId::from_uuid(run.app.uuid()), run.app.now()).await?;
    }
    let result = write(run, job).await?;
    // The counts are as they stay: nothing is done in this phase.
    let job = &store.job(&job.id).await?;
    let Some(end) = job.after(Step::Finished { failed: job.progress.failed > 0, cancelled: job.cancelled }) else { return Ok(Flow::On) };
    let end = Job { result, reason: None, ended_at: Some(run.app.now()), ..end };
    let event = ids::event(&job.id, &format!("end {} {}", job.round, job.undos));
    let act = Act { event, actor: job.actor.clone(), request: run.id.clone(), now: run.app.now() };
    let progress = job.progress;
    let detail = json!({
        "job_id": job.id, "kind": job.kind, "state": end.state,
        "rows": progress.rows, "done": progress.done, "failed": progress.failed, "undone": progress.undone,
    });
    store.keep_job_saying(&end, &Said { act, account: job.account_id.clone(), kind: RecordKind::BulkCompleted, detail }).await?;
    Ok(Flow::On)
}

/// Whether every chunk that was begun is at its end.
async fn end_taken(run: &Run<'_>, job: &Job) -> Result<bool, Failure> {
    let mut from = 1;
    loop {
        let chunks = run.app.store().chunks(&job.id, from, CHUNKS).await?;
        let last = chunks.len() < CHUNKS;
        for chunk in chunks {
            from = chunk.number + 1;
            if !chunk.taken || chunk.places(Mark::Pending).is_empty() {
                continue;
            }
            let caller = asked(run, job).await?.ok();
            let rows = load(run.app, &chunk).await?.unwrap_or_default();
            match singly::end(run, job, caller.as_ref(), chunk, &rows).await? {
                Chunked::Through => {}
                Chunked::Elsewhere | Chunked::Stop(_) => return Ok(false),
            }
        }
        if last {
            return Ok(true);
        }
    }
}

/// The word for how a row stands when its job is at its end.
fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Pending => "untouched",
        Mark::Done => "done",
        Mark::Failed | Mark::Malformed => "failed",
        Mark::Undone => "undone",
    }
}

/// Writes the result: each row with what became of it. Chunk by chunk, so memory does not grow with the job.
async fn write(run: &Run<'_>, job: &Job) -> Result<Option<String>, Failure> {
    let file = tempfile::NamedTempFile::new()?;
    let mut writer = csv::Writer::from_writer(file.reopen()?);
    let columns = [job.kind.required(), job.kind.optional()].concat();
    writer.write_record(["row", "status", "code", "column", "detail", "made"].iter().chain(&columns))?;
    let mut from = 1;
    loop {
        let chunks = run.app.store().chunks(&job.id, from, CHUNKS).await?;
        // What was planned of a job that was cancelled meanwhile is nothing.
        for chunk in chunks.iter().filter(|chunk| chunk.number <= job.chunks) {
            let rows = load(run.app, chunk).await?.unwrap_or_default();
            for place in 0..chunk.marks.len() {
                writer.write_record(record(chunk, place, rows.get(place), &columns))?;
            }
        }
        match chunks.last() {
            Some(last) if chunks.len() == CHUNKS => from = last.number + 1,
            _ => break,
        }
    }
    writer.flush()?;
    drop(writer);
    let key = format!("bulk/jobs/{}/result-{}-{}.csv", job.id, job.round, job.undos);
    run.app.blobs().put_file(&key, file.path(), "text/csv; charset=utf-8").await?;
    Ok(Some(key))
}

fn record(chunk: &Chunk, place: usize, row: Option<&Planned>, columns: &[&str]) -> Vec<String> {
    let error = chunk.errors.get(&place);
    let mark = chunk.marks.get(place).copied().unwrap_or(Mark::Pending);
    let mut record = vec![
        (chunk.first + u64::try_from(place).unwrap_or_default()).to_string(),
        word(mark).to_owned(),
        error.map(|error| error.code.clone()).unwrap_or_default(),
        no_formula(error.and_then(|error| error.column.as_deref()).unwrap_or_default()).into_owned(),
        no_formula(error.map(|error| error.detail.as_str()).unwrap_or_default()).into_owned(),
        chunk.made.get(&place).map(ToString::to_string).unwrap_or_default(),
    ];
    record.extend(columns.iter().map(|column| match row.and_then(|row| row.fields.get(*column)) {
        Some(Value::String(text)) => no_formula(text).into_owned(),
        Some(Value::Null) | None => String::new(),
        Some(other) => no_formula(&other.to_string()).into_owned(),
    }));
    record
}
