//! `GET /reseller/bulk/{id}/rows`: each row and what became of it.

use serde::{Deserialize, Serialize};
use tributary_api::reply::PageView;
use tributary_api::{Call, Problem, Reply};
use tributary_bulk::{Planned, load};
use tributary_domain::bulk::job::{Chunk, Job, Mark};
use tributary_domain::bulk::state::Phase;
use tributary_domain::rights::Right;

use crate::seen::job;
use crate::views::{RowStatus, RowView};

/// How many chunks are read at once.
const CHUNKS: usize = 100;

/// Where a page ended: in which chunk, and behind how many of its rows.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    chunk: u32,
    rows: usize,
}

fn status(job: &Job, mark: Mark) -> RowStatus {
    match mark {
        Mark::Pending if job.phase == Phase::Done => RowStatus::Untouched,
        Mark::Pending => RowStatus::Pending,
        Mark::Done => RowStatus::Done,
        Mark::Failed | Mark::Malformed => RowStatus::Failed,
        Mark::Undone => RowStatus::Undone,
    }
}

/// A page of rows, in their order.
///
/// # Errors
/// `not_found`, `forbidden`, `invalid_cursor`, `validation_failed`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    let wanted: Option<RowStatus> = params.word("status")?;
    params.done()?;
    let start: Option<Place> = scope.open(&call.app, cursor)?;
    let job = job(&call, Right::BulkRead).await?;
    let mut place = start.unwrap_or(Place { chunk: 1, rows: 0 });
    let mut data = Vec::new();
    loop {
        let chunks = call.store().chunks(&job.id, place.chunk, CHUNKS).await?;
        // Only the rows of a job that is planned to its end have verdicts that count.
        for chunk in chunks.iter().filter(|chunk| chunk.number <= job.chunks) {
            if chunk.number != place.chunk {
                place = Place { chunk: chunk.number, rows: 0 };
            }
            let matching = |at: &usize| chunk.marks.get(*at).is_some_and(|mark| wanted.is_none_or(|wanted| status(&job, *mark) == wanted));
            let places: Vec<usize> = (place.rows..chunk.marks.len()).filter(matching).take(limit + 1 - data.len()).collect();
            if !places.is_empty() {
                let rows = load(&call.app, chunk).await?.unwrap_or_default();
                for at in places {
                    if data.len() == limit {
                        return page(&call, &scope, data, Some(place));
                    }
                    data.push(view(&job, chunk, at, rows.get(at)));
                    place.rows = at + 1;
                }
            }
        }
        match chunks.last() {
            Some(last) if chunks.len() == CHUNKS => place = Place { chunk: last.number + 1, rows: 0 },
            _ => return page(&call, &scope, data, None),
        }
    }
}

fn page(call: &Call, scope: &tributary_api::cursor::CursorScope, data: Vec<RowView>, next: Option<Place>) -> Result<Reply, Problem> {
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}

fn view(job: &Job, chunk: &Chunk, at: usize, planned: Option<&Planned>) -> RowView {
    let error = chunk.errors.get(&at);
    let name = planned.and_then(|planned| planned.name.as_ref()).map_or("", |name| name.as_str());
    let preview = planned.zip(job.notice.as_ref()).and_then(|(planned, notice)| notice.render(&planned.fields, name).ok());
    RowView {
        row: chunk.first + u64::try_from(at).unwrap_or_default(),
        status: status(job, chunk.marks.get(at).copied().unwrap_or(Mark::Pending)),
        code: error.map(|error| error.code.clone()),
        column: error.and_then(|error| error.column.clone()),
        detail: error.map(|error| error.detail.clone()),
        made: chunk.made.get(&at).cloned(),
        fields: planned.map(|planned| planned.fields.clone()).unwrap_or_default(),
        preview: preview.map(Into::into),
    }
}
