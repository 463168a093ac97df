//! Rows that are done one by one, as requests of their own would be: accounts that are made or edited. What is done for a row
//! is recorded under an id that follows from the job and the row, so it is done once.

use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tributary_api::Caller;
use tributary_domain::account::Kind as AccountKind;
use tributary_domain::bulk::job::{Chunk, Job, Mark};
use tributary_domain::bulk::rows::{AccountRow, Kind, NewKind, Row, RowError, UpdateRow};
use tributary_domain::bulk::state::Phase;
use tributary_domain::event::RecordKind;
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::rights::Right;
use tributary_runtime::secrets::digest;
use tributary_store::accounts::{Authority, Edit, NewAccount};
use tributary_store::error::StoreError;
use tributary_store::events::Act;
use tributary_store::idempotency::{GivenUp, Outcome, Scope};
use tributary_store::jobs::{Said, Settled};

use crate::credits::Chunked;
use crate::kept::Planned;
use crate::words::{may_pass, words};
use crate::{Failure, Run, ids, within};

/// How many rows are done at once.
const AT_ONCE: usize = 8;
/// Where the records of rows are kept among those of idempotency keys: no route is called so.
const ROUTE: &str = "bulk row";

/// What became of a row.
enum Ended {
    Done(Option<AccountId>),
    Failed(RowError),
    Open(StoreError),
}

/// Does the pending rows of a chunk. It is taken first, while the job still runs; from then on its rows are brought to their
/// end, so that no row is called untouched that was done.
pub(crate) async fn apply(run: &Run<'_>, job: &Job, caller: &Caller, chunk: Chunk, rows: &[Planned]) -> Result<Chunked, Failure> {
    let store = run.app.store();
    let chunk = match chunk.taken {
        true => chunk,
        false => match store.settle_chunk(&job.id, &chunk, &Chunk { taken: true, ..chunk.clone() }, Some(Phase::Applying)).await? {
            Settled::Kept(taken) => taken,
            Settled::Raced | Settled::Stopped => return Ok(Chunked::Elsewhere),
        },
    };
    end(run, job, Some(caller), chunk, rows).await
}

/// Brings the rows of a chunk that was taken to their end. Without a caller only what was done is found out.
pub(crate) async fn end(run: &Run<'_>, job: &Job, caller: Option<&Caller>, chunk: Chunk, rows: &[Planned]) -> Result<Chunked, Failure> {
    let places = chunk.places(Mark::Pending);
    let one = async |place: usize| (place, row(run, job, caller, &chunk, place, rows.get(place)).await);
    let ended: Vec<(usize, Ended)> = stream::iter(places).map(one).buffer_unordered(AT_ONCE).collect().await;
    let (mut new, mut open) = (chunk.clone(), None);
    for (place, ended) in ended {
        match ended {
            Ended::Done(made) => {
                new.set(place, Mark::Done);
                new.made.extend(made.map(|account| (place, account)));
            }
            Ended::Failed(error) => new.fail(place, error),
            Ended::Open(error) => open = Some(error),
        }
    }
    new.sum = 0;
    let settled = run.app.store().settle_chunk(&job.id, &chunk, &new, None).await?;
    match (open, settled) {
        (Some(error), _) => Err(error.into()),
        (None, Settled::Kept(_)) => Ok(Chunked::Through),
        (None, Settled::Raced | Settled::Stopped) => Ok(Chunked::Elsewhere),
    }
}

async fn row(run: &Run<'_>, job: &Job, caller: Option<&Caller>, chunk: &Chunk, place: usize, planned: Option<&Planned>) -> Ended {
    let act = act(run, job, number(chunk, place));
    let record = scope(job, chunk, place, &act);
    let done = match (planned.map(|planned| Row::read(job.kind, &planned.fields)), caller) {
        (Some(Ok(Row::Account(row))), Some(caller)) => make(run, job, caller, row, &act, &record).await.map(Some).map_err(Ended::of),
        (Some(Ok(Row::Update(row))), Some(caller)) => edit(run, job, caller, row, &act, &record).await.map(|()| None).map_err(Ended::of),
        (Some(Ok(_)), _) => Err(Ended::Failed(never())),
        (Some(Err(error)), _) => Err(Ended::Failed(error)),
        (None, _) => Err(Ended::Failed(RowError::new("internal_error", "what was planned of the row cannot be read"))),
    };
    match done {
        Ok(made) => Ended::Done(made),
        Err(Ended::Failed(error)) => give_up(run, job, &act, &record, error).await,
        Err(ended) => ended,
    }
}

impl Ended {
    fn of(error: StoreError) -> Self {
        if may_pass(&error) { Ended::Open(error) } else { Ended::Failed(words(error)) }
    }
}

/// What a record tells of a row that was done.
#[derive(Deserialize)]
struct Answer {
    id: AccountId,
}

/// Calls a row failed, unless it was done, by whoever: an earlier worker may have died before it could say so. One that is only late
/// does it no more.
async fn give_up(run: &Run<'_>, job: &Job, act: &Act, record: &Scope, error: RowError) -> Ended {
    match run.app.store().give_up(record, &act.event, error).await {
        Ok(GivenUp::Done(Answer { id })) => Ended::Done((job.kind == Kind::Accounts).then_some(id)),
        Ok(GivenUp::Never(error)) => Ended::Failed(error),
        Err(error) => Ended::of(error),
    }
}

fn never() -> RowError {
    RowError::new("unauthorized", "the key that started the job is taken no more")
}

fn number(chunk: &Chunk, place: usize) -> u64 {
    chunk.first + u64::try_from(place).unwrap_or_default()
}

fn act(run: &Run<'_>, job: &Job, number: u64) -> Act {
    let event = ids::event(&job.id, &format!("row {number}"));
    Act { event, actor: job.actor.clone(), request: run.id.clone(), now: run.app.now() }
}

/// The record of a row in a round; its key is the job's and the row's, so it is done once whoever does it, and once it is given up it
/// is done in a later round only.
fn scope(job: &Job, chunk: &Chunk, place: usize, act: &Act) -> Scope {
    let mut key = format!("{}-{}", job.id, number(chunk, place));
    if chunk.round > 1 {
        key.push_str(&format!("-{}", chunk.round));
    }
    Scope {
        account: job.account_id.clone(),
        route: ROUTE,
        body: digest(key.as_bytes()),
        key,
        actor: act.actor.clone(),
        request: act.request.clone(),
    }
}

async fn make(run: &Run<'_>, job: &Job, caller: &Caller, row: AccountRow, act: &Act, record: &Scope) -> Result<AccountId, StoreError> {
    let (create, allocate) = (caller.over(Right::AccountsCreate), caller.over(Right::CreditsAllocate));
    let moves_credit = row.initial_credits.is_some();
    let may = move |id: &AccountId, lineage: &_| {
        within(job, id, lineage)?;
        create(id, lineage)?;
        if moves_credit { allocate(id, lineage) } else { Ok(()) }
    };
    let new = NewAccount {
        id: AccountId::from_uuid(run.app.uuid()),
        parent: row.parent_id.unwrap_or_else(|| job.account_id.clone()),
        kind: row.kind.map(|kind| match kind {
            NewKind::Reseller => AccountKind::Reseller,
            NewKind::Customer => AccountKind::Customer,
        }),
        name: row.name,
        external_id: row.external_id,
        email: row.email,
        tags: row.tags,
        settings: None,
        currency: row.currency,
        credit_limit: None,
        funding: None,
        initial_credits: row.initial_credits.map(|amount| (amount, TransferId::from_uuid(run.app.uuid()))),
        clone_from: None,
    };
    let authority = Authority { home: &job.account_id, may: &may };
    let made = run.app.store().create_account(&new, authority, authority, act, Some(record)).await?;
    Ok(match made {
        Outcome::Done(account) | Outcome::Replayed(account) => account.id,
    })
}

async fn edit(run: &Run<'_>, job: &Job, caller: &Caller, row: UpdateRow, act: &Act, record: &Scope) -> Result<(), StoreError> {
    let update = caller.over(Right::AccountsUpdate);
    let may = |id: &AccountId, lineage: &_| within(job, id, lineage).and_then(|()| update(id, lineage));
    let edit = Edit { name: row.name, external_id: row.external_id, email: row.email, tags: row.tags, ..Edit::default() };
    let authority = Authority { home: &job.account_id, may: &may };
    run.app.store().edit_account(&row.account_id, &edit, None, authority, act, Some(record)).await.map(drop)
}

/// What is said for a notification.
pub(crate) fn notice(run: &Run<'_>, job: &Job, chunk: &Chunk, place: usize, planned: &Planned) -> Result<Said, RowError> {
    let unreadable = || RowError::new("internal_error", "what was planned of the row cannot be read");
    let notice = job.notice.as_ref().ok_or_else(unreadable)?;
    let Row::Notice(row) = Row::read(job.kind, &planned.fields)? else { return Err(unreadable()) };
    let name = planned.name.as_ref().map_or("", |name| name.as_str());
    let texts = notice.render(&planned.fields, name).map_err(|error| RowError::new("validation_failed", error.to_string()))?;
    let number = number(chunk, place);
    let act = act(run, job, number);
    let zone = planned.zone.as_ref().and_then(|zone| serde_json::to_value(zone).ok());
    let not_before = notice.not_before(act.now, zone.as_ref().and_then(|zone| zone.as_str()));
    let mut detail = json!({
        "job_id": job.id, "row": number, "subject": texts.subject, "text": texts.text, "to": row.email.as_ref().or(planned.email.as_ref()),
    });
    if let Some(not_before) = not_before {
        detail["not_before"] = json!(not_before);
    }
    Ok(Said { act, account: row.account_id, kind: RecordKind::NotificationSent, detail })
}
