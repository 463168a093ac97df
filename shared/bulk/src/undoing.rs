//! Taking the credits of done rows back to the payer.

use tributary_domain::bulk::job::{Job, Mark};
use tributary_domain::bulk::state::Step;

use crate::credits::{Chunked, move_chunk};
use crate::kept::load;
use crate::planning::CHUNKS;
use crate::{Failure, Flow, Run, asked, keep};

/// Takes back what is still there, until every done row was tried or time is short.
pub(crate) async fn undo(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    let mut from = 1;
    loop {
        let chunks = run.app.store().chunks(&job.id, from, CHUNKS).await?;
        let last = chunks.len() < CHUNKS;
        for chunk in chunks {
            from = chunk.number + 1;
            if chunk.places(Mark::Done).is_empty() {
                continue;
            }
            if run.app.now() >= run.until {
                return Ok(Flow::Later);
            }
            let caller = match asked(run, job).await? {
                Ok(caller) => caller,
                Err(reason) => return Ok(Flow::Stop(reason)),
            };
            // Rows that cannot be read stay as they are.
            let rows = load(run.app, &chunk).await?.unwrap_or_default();
            match move_chunk(run, job, &caller, chunk, &rows).await? {
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
