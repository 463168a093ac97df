//! Planning: every row gets its verdict, and rows are put together as they will be done.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fs::File;

use ring::digest::{SHA256, digest};
use tributary_api::Caller;
use tributary_domain::account::{Account, Kind as AccountKind, Status};
use tributary_domain::bulk::MAX_INPUT_BYTES;
use tributary_domain::bulk::credit::{may_receive, payer_gates};
use tributary_domain::bulk::input::{InputError, Rows};
use tributary_domain::bulk::job::{Chunk, Job, Mark, Progress, Reason};
use tributary_domain::bulk::rows::{Kind, Row, RowError};
use tributary_domain::bulk::state::{Phase, Step};
use tributary_domain::id::AccountId;
use tributary_domain::ledger::{Head, LedgerId};
use tributary_domain::lineage::Lineage;
use tributary_domain::money::Micros;
use tributary_domain::rights::Right;
use tributary_runtime::blobs::BlobError;
use tributary_store::error::{Denied, StoreError};
use tributary_store::jobs::Settled;

use crate::credits::Chunked;
use crate::kept::{self, Planned};
use crate::{Failure, Flow, Run, asked, right_of, singly, within, words};

/// How many rows are looked at together: as many accounts are read at once.
const LOOKED_AT: usize = 100;
/// The most rows of one chunk, those included that say nothing.
const MOST_ROWS: usize = 400;
/// The most rows of one chunk that are done one by one.
const MOST_SINGLY: usize = 50;
/// The most of one chunk that are done in one transaction, beside what that writes else.
const MOST_TOGETHER: usize = 95;
/// The writes of a transaction of credits beside credits and gates: its record, the rows, the job, the escrow.
const BESIDE: usize = 4;
/// How many chunks are read at once.
pub(crate) const CHUNKS: usize = 200;

/// A row that was looked at.
struct Looked {
    row: Planned,
    verdict: Result<(Micros, BTreeSet<AccountId>), (Mark, RowError)>,
}

/// What there is so far.
#[derive(Default)]
struct Totals {
    chunks: u32,
    rows: u64,
    failed: i64,
    sum: Micros,
}

impl Totals {
    fn add(&mut self, chunk: &Chunk) -> Result<(), StoreError> {
        self.chunks = self.chunks.max(chunk.number);
        self.rows = self.rows.max(chunk.first + u64::try_from(chunk.marks.len()).unwrap_or_default() - 1);
        self.failed += chunk.count(Mark::Failed) + chunk.count(Mark::Malformed);
        self.sum = self.sum.plus(Micros::new(chunk.sum))?;
        Ok(())
    }
}

/// Gives every row its verdict. Begun again after a kill, it goes on behind the rows that are planned.
pub(crate) async fn plan(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    let app = run.app;
    let file = tempfile::NamedTempFile::new()?;
    match app.blobs().fetch(&job.input, file.path(), MAX_INPUT_BYTES).await {
        Ok(Some(_)) => {}
        Ok(None) => return unusable(run, job, Reason::new("upload_missing", "Nothing was uploaded, or it is kept no more.")).await,
        Err(BlobError::TooLarge { .. }) => {
            let detail = format!("The file has more than {MAX_INPUT_BYTES} bytes. Split it over several jobs.");
            return unusable(run, job, Reason::new("too_large", detail)).await;
        }
        Err(error) => return Err(error.into()),
    }
    let payer = match job.kind {
        Kind::Credits => Some(app.store().payer(job).await?),
        Kind::Accounts | Kind::Updates | Kind::Notifications => None,
    };
    let planner = Planner { run, job, payer, anew: false };
    match planner.all(file.reopen()?).await {
        Ok(Some(totals)) => planned(run, job, &planner, totals).await,
        Ok(None) => Ok(if app.now() >= run.until { Flow::Later } else { Flow::On }),
        Err(PlanError::Input(error)) => unusable(run, job, Reason::new(error.code(), error.to_string())).await,
        Err(PlanError::Stop(reason)) => Ok(Flow::Stop(reason)),
        Err(PlanError::Other(error)) => Err(error),
    }
}

async fn unusable(run: &Run<'_>, job: &Job, reason: Reason) -> Result<Flow, Failure> {
    if let Some(ended) = job.after(Step::Unusable) {
        run.app.store().keep_job(&Job { reason: Some(reason), ended_at: Some(run.app.now()), ..ended }, None).await?;
    }
    Ok(Flow::On)
}

async fn planned(run: &Run<'_>, job: &Job, planner: &Planner<'_>, totals: Totals) -> Result<Flow, Failure> {
    if totals.rows == 0 {
        return unusable(run, job, Reason::new("no_rows", InputError::Empty.to_string())).await;
    }
    let Some(next) = job.after(Step::Planned { dry_run: job.dry_run }) else { return Ok(Flow::On) };
    let spendable = planner.payer.as_ref().map(Head::spendable).transpose().map_err(StoreError::from)?;
    let next = Job { chunks: totals.chunks, required: Some(totals.sum), spendable, reason: None, ..next };
    let rows = i64::try_from(totals.rows).unwrap_or(i64::MAX);
    let counted = Progress { rows, failed: totals.failed, ..job.progress };
    run.app.store().keep_job(&next, Some(counted)).await?;
    Ok(Flow::On)
}

enum PlanError {
    Input(InputError),
    Stop(Reason),
    Other(Failure),
}

impl<E: Into<Failure>> From<E> for PlanError {
    fn from(error: E) -> Self {
        PlanError::Other(error.into())
    }
}

struct Planner<'a> {
    run: &'a Run<'a>,
    job: &'a Job,
    payer: Option<Head>,
    /// The ancestors of every account are looked up anew.
    anew: bool,
}

/// The verdicts of rows that were planned before, as everything is now: what is sent then, with the name that was shown.
pub(crate) async fn judge_now(
    run: &Run<'_>,
    job: &Job,
    caller: &Caller,
    rows: &[Planned],
) -> Result<Vec<Result<Planned, RowError>>, Failure> {
    let planner = Planner { run, job, payer: None, anew: true };
    let said = rows.iter().map(|row| (row.clone(), Row::read(job.kind, &row.fields))).collect();
    let looked = planner.judge(caller, said).await?;
    let now = |(row, looked): (&Planned, Looked)| match looked.verdict {
        Ok(_) => Ok(Planned { name: row.name.clone(), ..looked.row }),
        Err((_, error)) => Err(error),
    };
    Ok(rows.iter().zip(looked).map(now).collect())
}

impl Planner<'_> {
    /// All rows; `None` if time is short, or another worker plans too.
    async fn all(&self, file: File) -> Result<Option<Totals>, PlanError> {
        let mut rows = Rows::new(self.job.kind, self.job.format, file).map_err(PlanError::Input)?;
        let mut totals = self.there().await?;
        let (mut seen, mut waiting, mut at_end) = (HashSet::new(), VecDeque::new(), false);
        let behind = totals.rows;
        while !at_end {
            let mut read = Vec::with_capacity(LOOKED_AT);
            while read.len() < LOOKED_AT && !at_end {
                match rows.next_row().map_err(PlanError::Input)? {
                    Some(row) => {
                        let same = !self.job.allow_duplicates && !seen.insert(mark_of(&row.fields));
                        if row.number > behind {
                            read.push((row, same));
                        }
                    }
                    None => at_end = true,
                }
            }
            let caller = asked(self.run, self.job).await?.map_err(PlanError::Stop)?;
            waiting.extend(self.look_at(&caller, read).await?);
            while let Some(count) = self.full(&waiting, at_end) {
                let chunk = self.keep(&totals, waiting.drain(..count).collect()).await?;
                let Some(chunk) = chunk else { return Ok(None) };
                totals.add(&chunk)?;
                if self.run.app.now() >= self.run.until {
                    return Ok(None);
                }
            }
        }
        Ok(Some(totals))
    }

    /// What was planned before.
    async fn there(&self) -> Result<Totals, PlanError> {
        let mut totals = Totals::default();
        loop {
            let chunks = self.run.app.store().chunks(&self.job.id, totals.chunks + 1, CHUNKS).await?;
            for chunk in &chunks {
                totals.add(chunk)?;
            }
            if chunks.len() < CHUNKS {
                return Ok(totals);
            }
        }
    }

    /// How many of the waiting rows make a chunk: as many as one transaction takes, or what is left at the end.
    fn full(&self, waiting: &VecDeque<Looked>, at_end: bool) -> Option<usize> {
        let mut gates: BTreeSet<AccountId> =
            self.payer.iter().flat_map(|payer| payer_gates(payer, &self.job.account_id)).map(|(id, _)| id).collect();
        let mut to_do = 0;
        for (at, looked) in waiting.iter().enumerate() {
            if at == MOST_ROWS {
                return Some(at);
            }
            if let Ok((_, above)) = &looked.verdict {
                gates.extend(above.iter().cloned());
                to_do += 1;
                let fits = match self.job.kind {
                    Kind::Credits => to_do + gates.len() + BESIDE <= tributary_store::table::MAX_TRANSACT,
                    Kind::Accounts | Kind::Updates => to_do <= MOST_SINGLY,
                    Kind::Notifications => to_do <= MOST_TOGETHER,
                };
                if !fits {
                    return Some(at);
                }
            }
        }
        (at_end && !waiting.is_empty()).then_some(waiting.len())
    }

    /// Keeps rows as a chunk; `None` if another worker did.
    async fn keep(&self, totals: &Totals, looked: Vec<Looked>) -> Result<Option<Chunk>, PlanError> {
        let (number, app) = (totals.chunks + 1, self.run.app);
        let mut chunk = Chunk {
            number,
            first: totals.rows + 1,
            blob: kept::place(&self.job.id, number, app.uuid()),
            round: 1,
            version: 1,
            ..Chunk::default()
        };
        let mut rows = Vec::with_capacity(looked.len());
        for (place, Looked { row, verdict }) in looked.into_iter().enumerate() {
            let mark = match verdict {
                Ok((sum, _)) => {
                    chunk.sum = Micros::new(chunk.sum).plus(sum).map_err(StoreError::from)?.get();
                    Mark::Pending
                }
                Err((mark, error)) => {
                    chunk.errors.insert(place, error);
                    mark
                }
            };
            chunk.marks.push(mark);
            rows.push(row);
        }
        app.blobs().put(&chunk.blob, serde_json::to_vec(&rows)?, "application/json").await?;
        if app.store().plan_chunk(&self.job.id, &chunk).await?.is_some_and(|there| there != chunk) {
            return Ok(None);
        }
        if number.is_multiple_of(20) {
            app.store().show_planned(&self.job.id, i64::try_from(totals.rows).unwrap_or_default()).await?;
        }
        Ok(Some(chunk))
    }

    async fn look_at(&self, caller: &Caller, read: Vec<(tributary_domain::bulk::input::InputRow, bool)>) -> Result<Vec<Looked>, PlanError> {
        let said = read.into_iter().map(|(row, same)| {
            let said = match row.error {
                Some(error) => Err(error),
                None if same => Err(RowError::new("duplicate_row", "an earlier row says exactly the same; allow_duplicates takes both")),
                None => Row::read(self.job.kind, &row.fields),
            };
            (Planned { fields: row.fields, ..Planned::default() }, said)
        });
        Ok(self.judge(caller, said.collect()).await?)
    }

    /// The verdicts of rows, by the accounts that they are about: one read for up to a hundred.
    async fn judge(&self, caller: &Caller, said: Vec<(Planned, Result<Row, RowError>)>) -> Result<Vec<Looked>, Failure> {
        let ids: BTreeSet<AccountId> = said.iter().filter_map(|(_, row)| row.as_ref().ok()).map(|row| self.account_of(row)).collect();
        let ids: Vec<AccountId> = ids.into_iter().collect();
        let accounts = self.run.app.store().accounts(&ids).await?;
        let mut accounts: BTreeMap<AccountId, Account> = accounts.into_iter().map(|account| (account.id.clone(), account)).collect();
        if self.anew {
            self.look_above(&mut accounts).await?;
        }
        let mut looked = Vec::with_capacity(said.len());
        for (mut planned, row) in said {
            let verdict = match row {
                Err(error) => Err((Mark::Malformed, error)),
                Ok(row) => match self.verdict(caller, &row, accounts.get(&self.account_of(&row)), &mut planned).await {
                    Ok(good) => Ok(good),
                    Err(error) if crate::words::may_pass(&error) => return Err(error.into()),
                    Err(StoreError::Conflict(detail)) => Err((Mark::Failed, RowError::of("email", detail))),
                    Err(error) => Err((Mark::Failed, words(error))),
                },
            };
            let verdict = match (verdict, &self.job.notice) {
                (Ok(good), Some(notice)) => {
                    let name = planned.name.as_ref().map_or("", |name| name.as_str());
                    let wrong = |error: tributary_domain::bulk::notice::NoticeError| RowError::new("validation_failed", error.to_string());
                    notice.render(&planned.fields, name).map(|_| good).map_err(|error| (Mark::Malformed, wrong(error)))
                }
                (verdict, _) => verdict,
            };
            looked.push(Looked { row: planned, verdict });
        }
        Ok(looked)
    }

    /// Sets the ancestors of accounts as they are now: those of one parent are looked up once.
    async fn look_above(&self, accounts: &mut BTreeMap<AccountId, Account>) -> Result<(), StoreError> {
        let mut above: BTreeMap<Option<AccountId>, Lineage> = BTreeMap::new();
        for account in accounts.values_mut() {
            let parent = account.lineage.parent().cloned();
            let lineage = match above.remove(&parent) {
                Some(known) => known,
                None => self.run.app.store().resolved_lineage(&account.lineage).await?,
            };
            above.insert(parent, lineage.clone());
            account.lineage = lineage;
        }
        Ok(())
    }

    fn account_of(&self, row: &Row) -> AccountId {
        row.account().unwrap_or(&self.job.account_id).clone()
    }

    /// What a row needs, and the accounts whose gates it will check; or why it cannot be done.
    async fn verdict(
        &self,
        caller: &Caller,
        row: &Row,
        account: Option<&Account>,
        planned: &mut Planned,
    ) -> Result<(Micros, BTreeSet<AccountId>), StoreError> {
        let mut account = account.ok_or(Denied::Absent)?.clone();
        let may = |account: &Account| self.may(caller, row, account);
        // The stored ancestors may be of before an ancestor's move.
        let below_payer = |account: &Account| {
            let payer = self.payer.as_ref().and_then(|payer| payer.ledger.account());
            payer.is_none_or(|payer| payer == &account.id || account.lineage.has(payer))
        };
        if may(&account) == Err(Denied::Absent) || !below_payer(&account) {
            account.lineage = self.run.app.store().resolved_lineage(&account.lineage).await?;
        }
        may(&account)?;
        match row {
            Row::Credit(row) => {
                let payer = self.payer.as_ref().ok_or(Denied::Absent)?;
                let empty = Head::empty_system(LedgerId::Account(account.id.clone()), account.currency);
                may_receive(payer, &Head { lineage: account.lineage.clone(), status: account.status, ..empty })?;
                let top = payer.ledger.account().unwrap_or(&self.job.account_id);
                Ok((row.amount.micros(), account.lineage.below(top).iter().map(|step| step.id.clone()).collect()))
            }
            Row::Account(row) => {
                if account.kind == AccountKind::Customer {
                    return Err(StoreError::ParentIsCustomer);
                }
                match account.status {
                    Status::Active => Ok((row.initial_credits.map_or(Micros::ZERO, |amount| amount.micros()), BTreeSet::new())),
                    stopped @ (Status::Suspended | Status::Closed) => Err(StoreError::AccountState(stopped.word())),
                }
            }
            Row::Update(_) if account.status == Status::Closed => Err(StoreError::AccountState("closed")),
            Row::Update(_) => Ok((Micros::ZERO, BTreeSet::new())),
            Row::Notice(row) => {
                if account.status == Status::Closed {
                    return Err(StoreError::AccountState("closed"));
                }
                planned.email = row.email.clone().or(account.email);
                (planned.name, planned.zone) = (Some(account.name), account.settings.time_zone);
                if planned.email.is_none() {
                    return Err(StoreError::Conflict("is needed: the account has no address"));
                }
                Ok((Micros::ZERO, BTreeSet::new()))
            }
        }
    }

    fn may(&self, caller: &Caller, row: &Row, account: &Account) -> Result<(), Denied> {
        within(self.job, &account.id, &account.lineage)?;
        caller.over(Right::BulkManage)(&account.id, &account.lineage)?;
        caller.over(right_of(self.job.kind))(&account.id, &account.lineage)?;
        match row {
            Row::Account(row) if row.initial_credits.is_some() => caller.over(Right::CreditsAllocate)(&account.id, &account.lineage),
            _ => Ok(()),
        }
    }
}

/// What tells rows apart that do not say exactly the same.
fn mark_of(fields: &tributary_domain::bulk::rows::Fields) -> [u8; 16] {
    let text = serde_json::to_vec(fields).unwrap_or_default();
    let hash = digest(&SHA256, &text);
    let mut mark = [0; 16];
    mark.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    mark
}

/// Gives the rows that failed a new verdict. Begun again after a kill, it passes over those that have it.
pub(crate) async fn plan_again(run: &Run<'_>, job: &Job) -> Result<Flow, Failure> {
    let store = run.app.store();
    let payer = match job.kind {
        Kind::Credits => Some(store.payer(job).await?),
        Kind::Accounts | Kind::Updates | Kind::Notifications => None,
    };
    let planner = Planner { run, job, payer, anew: false };
    let (mut from, mut sum) = (1, Micros::ZERO);
    loop {
        let chunks = store.chunks(&job.id, from, CHUNKS).await?;
        for chunk in &chunks {
            from = chunk.number + 1;
            if run.app.now() >= run.until {
                return Ok(Flow::Later);
            }
            let mut now = chunk.clone();
            if chunk.round != job.round {
                let caller = match asked(run, job).await? {
                    Ok(caller) => caller,
                    Err(reason) => return Ok(Flow::Stop(reason)),
                };
                if chunk.taken && !chunk.places(Mark::Pending).is_empty() {
                    // What an earlier round began is known under that round.
                    match singly::end(run, job, None, chunk.clone(), &[]).await? {
                        Chunked::Through => now = store.chunk(&job.id, chunk.number).await?,
                        Chunked::Elsewhere | Chunked::Stop(_) => return Ok(Flow::On),
                    }
                }
                let again = planner.again(&caller, &now).await?;
                match store.settle_chunk(&job.id, &now, &again, Some(Phase::Planning)).await? {
                    Settled::Kept(kept) => now = kept,
                    Settled::Raced | Settled::Stopped => return Ok(Flow::On),
                }
            }
            sum = sum.plus(Micros::new(now.sum)).map_err(StoreError::from)?;
        }
        if chunks.len() < CHUNKS {
            break;
        }
    }
    let Some(next) = job.after(Step::Planned { dry_run: false }) else { return Ok(Flow::On) };
    let spendable = planner.payer.as_ref().map(Head::spendable).transpose().map_err(StoreError::from)?;
    store.keep_job(&Job { required: Some(sum), spendable, reason: None, ..next }, None).await?;
    Ok(Flow::On)
}

impl Planner<'_> {
    async fn again(&self, caller: &Caller, chunk: &Chunk) -> Result<Chunk, Failure> {
        let mut new = Chunk { round: self.job.round, taken: false, sum: 0, ..chunk.clone() };
        // A row that an earlier round left is looked at with those that failed, so that its credit is set aside, too.
        let again = [chunk.places(Mark::Failed), chunk.places(Mark::Pending)].concat();
        let Some(rows) = kept::load(self.run.app, chunk).await?.filter(|_| !again.is_empty()) else { return Ok(new) };
        let said = again.iter().filter_map(|place| rows.get(*place)).map(|row| (row.clone(), Row::read(self.job.kind, &row.fields)));
        let looked = self.judge(caller, said.collect()).await?;
        for (place, looked) in again.into_iter().zip(looked) {
            match looked.verdict {
                Ok((sum, _)) => {
                    new.set(place, Mark::Pending);
                    new.sum = Micros::new(new.sum).plus(sum).map_err(StoreError::from)?.get();
                }
                Err((_, error)) => new.fail(place, error),
            }
        }
        Ok(new)
    }
}
