//! Doing rows, chunk by chunk.

use tributary_api::Caller;
use tributary_domain::bulk::job::{Chunk, Job, Mark};
use tributary_domain::bulk::rows::{Kind, RowError};
use tributary_domain::bulk::state::{Phase, Step};
use tributary_store::jobs::Settled;

use crate::credits::{Chunked, move_chunk};
use crate::kept::{Planned, load};
use crate::planning::{CHUNKS, judge_now};
use crate::{Failure, Flow, Run, asked, keep, singly};

/// Does pending rows until none is left or time is short.
pub(crate) async fn apply(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    let mut from = 1;
    loop {
        let chunks = run.app.store().chunks(&job.id, from, CHUNKS).await?;
        let last = chunks.len() < CHUNKS;
        for chunk in chunks {
            from = chunk.number + 1;
            if chunk.places(Mark::Pending).is_empty() {
                continue;
            }
            if run.app.now() >= run.until {
                return Ok(Flow::Later);
            }
            let caller = match asked(run, job).await? {
                Ok(caller) => caller,
                Err(reason) => return Ok(Flow::Stop(reason)),
            };
            match apply_chunk(run, job, &caller, chunk).await? {
                Chunked::Through => {}
                Chunked::Elsewhere => return Ok(Flow::On),
                Chunked::Stop(reason) => return Ok(Flow::Stop(reason)),
            }
        }
        if last {
            return keep(run, job, Step::Drained).await;
        }
    }
}

async fn apply_chunk(run: &Run<'_>, job: &Job, caller: &Caller, chunk: Chunk) -> Result<Chunked, Failure> {
    let Some(rows) = load(run.app, &chunk).await? else {
        return match job.kind {
            // Some of it may be done.
            Kind::Accounts | Kind::Updates if chunk.taken => singly::end(run, job, None, chunk, &[]).await,
            _ => settled(run, job, &chunk, &unreadable(&chunk)).await,
        };
    };
    match job.kind {
        Kind::Credits => move_chunk(run, job, caller, chunk, &rows).await,
        Kind::Accounts | Kind::Updates => singly::apply(run, job, caller, chunk, &rows).await,
        Kind::Notifications => notify(run, job, caller, chunk, &rows).await,
    }
}

/// What was planned is gone, or does not read: its rows cannot be done.
pub(crate) fn unreadable(chunk: &Chunk) -> Chunk {
    let mut new = Chunk { sum: 0, ..chunk.clone() };
    for place in chunk.places(Mark::Pending) {
        new.fail(place, RowError::new("internal_error", "what was planned of the row cannot be read"));
    }
    new
}

async fn settled(run: &Run<'_>, job: &Job, old: &Chunk, new: &Chunk) -> Result<Chunked, Failure> {
    Ok(match run.app.store().settle_chunk(&job.id, old, new, Some(Phase::Applying)).await? {
        Settled::Kept(_) => Chunked::Through,
        Settled::Raced | Settled::Stopped => Chunked::Elsewhere,
    })
}

/// Says what is to be sent to each account, all of a chunk in one transaction. Each row gets its verdict anew: its account may have
/// been moved or closed since it was planned.
async fn notify(run: &Run<'_>, job: &Job, caller: &Caller, chunk: Chunk, rows: &[Planned]) -> Result<Chunked, Failure> {
    let (mut new, mut said, places) = (chunk.clone(), Vec::new(), chunk.places(Mark::Pending));
    let looked = judge_now(run, job, caller, &places.iter().filter_map(|place| rows.get(*place)).cloned().collect::<Vec<_>>()).await?;
    for (place, looked) in places.into_iter().zip(looked) {
        match looked.and_then(|row| singly::notice(run, job, &chunk, place, &row)) {
            Ok(notice) => {
                new.set(place, Mark::Done);
                said.push(notice);
            }
            Err(error) => new.fail(place, error),
        }
    }
    Ok(match run.app.store().settle_saying(&job.id, &chunk, &new, Some(Phase::Applying), &said).await? {
        Settled::Kept(_) => Chunked::Through,
        Settled::Raced | Settled::Stopped => Chunked::Elsewhere,
    })
}
