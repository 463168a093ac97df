//! Credit jobs: setting credit aside, and handing it out.

use tributary_api::{Caller, Problem};
use tributary_domain::bulk::credit::Grant;
use tributary_domain::bulk::job::{Chunk, Job, Mark, Reason};
use tributary_domain::bulk::rows::{Kind, Row, RowError};
use tributary_domain::bulk::state::{Phase, Step};
use tributary_domain::id::TransferId;
use tributary_domain::ledger::Head;
use tributary_domain::money::Micros;
use tributary_domain::rights::Right;
use tributary_store::error::{Denied, StoreError};
use tributary_store::job_credits::{Funded, Means};
use tributary_store::jobs::Settled;

use crate::kept::Planned;
use crate::words::{may_pass, words};
use crate::{Failure, Flow, Run, keep, within};

/// What became of a chunk.
pub(crate) enum Chunked {
    /// Nothing is left to do in it for now.
    Through,
    /// The job is at something else.
    Elsewhere,
    /// The job cannot go on.
    Stop(Reason),
}

pub(crate) fn reason(error: StoreError) -> Reason {
    let problem = Problem::from(error);
    Reason::new(problem.code.word(), problem.detail)
}

/// Takes what the rows need from the payer at once. With too little nothing is done, and the job waits.
pub(crate) async fn fund(run: &Run<'_>, job: &Job, caller: &Caller) -> Result<Flow, Failure> {
    let sum = job.required.unwrap_or(Micros::ZERO);
    if job.kind != Kind::Credits || sum.is_zero() {
        return keep(run, job, Step::Funded).await;
    }
    let Some(funded) = job.after(Step::Funded) else { return Ok(Flow::On) };
    let may = may(job, caller, Right::CreditsAllocate);
    let means = Means { id: &TransferId::from_uuid(run.app.uuid()), now: run.app.now(), may: &may, words: &words };
    match run.app.store().fund_job(&funded, sum, means).await {
        Ok(Funded::Done(_) | Funded::Raced) => Ok(Flow::On),
        Err(error) if may_pass(&error) => Err(error.into()),
        Err(error) => Ok(Flow::Stop(reason(error))),
    }
}

pub(crate) fn may<'a>(job: &'a Job, caller: &'a Caller, right: Right) -> impl Fn(&Head) -> Result<(), Denied> + Sync + 'a {
    move |head| match head.ledger.account() {
        Some(account) => within(job, account, &head.lineage).and_then(|()| caller.over(right)(account, &head.lineage)),
        None => Ok(()),
    }
}

/// The credits of these rows; a row that says none is `Err`.
pub(crate) fn grants(job: &Job, rows: &[Planned], places: &[usize]) -> Vec<Result<Grant, (usize, RowError)>> {
    let grant = |place: &usize| {
        let unreadable = || (*place, RowError::new("internal_error", "what was planned of the row cannot be read"));
        match rows.get(*place).map(|row| Row::read(job.kind, &row.fields)) {
            Some(Ok(Row::Credit(row))) => {
                let reference = row.reference.or_else(|| job.reference.clone());
                Ok(Grant { place: *place, account: row.account_id, amount: row.amount, reference })
            }
            _ => Err(unreadable()),
        }
    };
    places.iter().map(grant).collect()
}

/// How often the same rows are tried when others come first.
const RACES: u32 = 20;

/// Hands out the credits of a chunk, or takes them back: in one transaction if it can be, split where one row stands in the way
/// of others.
pub(crate) async fn move_chunk(run: &Run<'_>, job: &Job, caller: &Caller, chunk: Chunk, rows: &[Planned]) -> Result<Chunked, Failure> {
    let store = run.app.store();
    let undoing = job.phase == Phase::Undoing;
    let may = may(job, caller, if undoing { Right::CreditsReverse } else { Right::CreditsAllocate });
    let (mut chunk, mut most, mut races) = (chunk, usize::MAX, 0);
    loop {
        let places = places(job, &mut chunk);
        if places.is_empty() {
            return Ok(Chunked::Through);
        }
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for grant in grants(job, rows, &places) {
            match grant {
                Ok(grant) if good.len() < most => good.push(grant),
                Ok(_) => {}
                Err(wrong) => bad.push(wrong),
            }
        }
        let means = Means { id: &TransferId::from_uuid(run.app.uuid()), now: run.app.now(), may: &may, words: &words };
        let moved = match (bad.is_empty(), undoing) {
            (false, _) => store.settle_chunk(&job.id, &chunk, &failed(job, &chunk, bad), Some(job.phase)).await,
            (true, true) => store.take_back(job, &chunk, &good, means).await,
            (true, false) => store.hand_out(job, &chunk, &good, means).await,
        };
        match moved {
            Ok(Settled::Kept(kept)) => (chunk, races) = (kept, 0),
            Ok(Settled::Stopped) => return Ok(Chunked::Elsewhere),
            Ok(Settled::Raced) if races < RACES => {
                races += 1;
                chunk = store.chunk(&job.id, chunk.number).await?;
            }
            Ok(Settled::Raced) => return Err(StoreError::Busy.into()),
            Err(error) if may_pass(&error) => return Err(error.into()),
            Err(error @ (StoreError::Credit(_) | StoreError::Denied(_))) => return Ok(Chunked::Stop(reason(error))),
            // Something that no rule names. If it is not the payer's, it is a row's, and that is found by halving.
            Err(error) => {
                if let Err(payers) = store.payer(job).await {
                    return if may_pass(&payers) { Err(payers.into()) } else { Ok(Chunked::Stop(reason(payers))) };
                }
                match &good[..] {
                    [only] => {
                        let new = failed(job, &chunk, vec![(only.place, words(error))]);
                        if let Settled::Kept(kept) = store.settle_chunk(&job.id, &chunk, &new, Some(job.phase)).await? {
                            chunk = kept;
                        }
                        most = usize::MAX;
                    }
                    _ => most = good.len().div_ceil(2),
                }
            }
        }
    }
}

/// The rows of a chunk that are still to be moved.
fn places(job: &Job, chunk: &mut Chunk) -> Vec<usize> {
    if job.phase != Phase::Undoing {
        return chunk.places(Mark::Pending);
    }
    let done = chunk.places(Mark::Done);
    if chunk.undo != job.undos {
        // What stood in the way of an earlier undo may be gone.
        done.iter().for_each(|place| drop(chunk.errors.remove(place)));
    }
    done.into_iter().filter(|place| !chunk.errors.contains_key(place)).collect()
}

fn failed(job: &Job, chunk: &Chunk, rows: Vec<(usize, RowError)>) -> Chunk {
    let mut new = chunk.clone();
    for (place, error) in rows {
        match job.phase {
            Phase::Undoing => {
                new.undo = job.undos;
                new.errors.insert(place, error);
            }
            _ => new.fail(place, error),
        }
    }
    new
}
