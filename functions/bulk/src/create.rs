//! Starting jobs.

use http::StatusCode;
use jiff::civil::Time;
use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_bulk::tell;
use tributary_domain::account::TimeZoneName;
use tributary_domain::bulk::MAX_ROWS;
use tributary_domain::bulk::job::{Format, Job, Progress};
use tributary_domain::bulk::notice::{Notice, Quiet};
use tributary_domain::bulk::rows::{Fields, Kind};
use tributary_domain::bulk::state::{Phase, State};
use tributary_domain::id::{AccountId, JobId, UploadId};
use tributary_domain::rights::Right;
use tributary_domain::text::Reference;
use tributary_store::accounts::Authority;
use tributary_store::idempotency::Outcome;

use crate::uploads;
use crate::views::JobView;

/// Declares the request of a job: where its rows are, and what else it takes.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name {
            /// The rows; either these or an upload.
            #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>, min_items = 1, max_items = 100_000))]
            pub rows: Option<Vec<Fields>>,
            /// Rows that were uploaded.
            #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::UploadId>))]
            pub upload_id: Option<UploadId>,
            /// How the upload is written; `csv` unless said otherwise.
            #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::BulkFormat>))]
            pub format: Option<Format>,
            /// Only plan: give each row its verdict, and wait to be told to apply.
            #[serde(default)]
            pub dry_run: bool,
            /// Do rows that say exactly the same each for itself. Otherwise only the first is done.
            #[serde(default)]
            pub allow_duplicates: bool,
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $name {
            fn source(&mut self) -> Source {
                Source {
                    rows: self.rows.take(),
                    upload_id: self.upload_id.take(),
                    format: self.format,
                    dry_run: self.dry_run,
                    allow_duplicates: self.allow_duplicates,
                }
            }
        }
    };
}

request! {
    /// Credit for many accounts. Columns of a row: `account_id`, `amount`, `reference`.
    BulkCredits {
        /// Who gives it; your own account unless you name another.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
        from: Option<AccountId>,
        /// The note of rows that have none.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Reference>))]
        reference: Option<Reference>,
    }
}

request! {
    /// Accounts to make. Columns of a row: `name`, `kind`, `parent_id`, `external_id`, `email`, `initial_credits`, `currency`, `tags`.
    BulkAccounts {}
}

request! {
    /// Accounts to edit. Columns of a row: `account_id`, `name`, `external_id`, `email`, `tags`.
    BulkUpdates {}
}

request! {
    /// Accounts to write to. Columns of a row: `account_id`, `email`, and any that the texts take values from.
    BulkNotifications {
        /// The subject. `{{column}}` stands for the row's value, `{{name}}` for the account's name.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
        subject: String,
        /// The text, alike.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 4_000))]
        text: String,
        /// When nobody is disturbed.
        quiet_hours: Option<QuietHours>,
    }
}

/// Hours of each day in which nothing is sent, in the account's own time zone; they may go over midnight.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuietHours {
    /// From then on, such as `22:00`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TimeOfDay))]
    pub from: String,
    /// Until then, such as `07:00`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::TimeOfDay))]
    pub to: String,
    /// The zone of accounts that have set none; UTC unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::TimeZoneName>))]
    pub time_zone: Option<TimeZoneName>,
}

struct Source {
    rows: Option<Vec<Fields>>,
    upload_id: Option<UploadId>,
    format: Option<Format>,
    dry_run: bool,
    allow_duplicates: bool,
}

/// Starts a job that gives credit.
///
/// # Errors
/// As [`start`]; `not_found` for a payer that is not yours.
pub async fn credits(call: Call) -> Result<Reply, Problem> {
    let mut body: BulkCredits = call.body()?;
    let (caller, home) = (call.caller()?, call.home()?);
    let source = body.source();
    let payer = body.from.unwrap_or_else(|| home.clone());
    let may = caller.over(Right::CreditsAllocate);
    let account = call.store().account_for(&payer, Authority { home, may: &may }).await?;
    let (currency, reference) = (Some(account.currency), body.reference);
    start(&call, Kind::Credits, source, |job| Job { payer: Some(payer), currency, reference, ..job }).await
}

/// Starts a job that makes accounts.
///
/// # Errors
/// As [`start`].
pub async fn accounts(call: Call) -> Result<Reply, Problem> {
    let source = call.body::<BulkAccounts>()?.source();
    start(&call, Kind::Accounts, source, |job| job).await
}

/// Starts a job that edits accounts.
///
/// # Errors
/// As [`start`].
pub async fn updates(call: Call) -> Result<Reply, Problem> {
    let source = call.body::<BulkUpdates>()?.source();
    start(&call, Kind::Updates, source, |job| job).await
}

/// Starts a job that writes to accounts.
///
/// # Errors
/// As [`start`].
pub async fn notifications(call: Call) -> Result<Reply, Problem> {
    let mut body: BulkNotifications = call.body()?;
    let source = body.source();
    let quiet = body.quiet_hours.map(quiet).transpose()?;
    let notice = Notice { subject: body.subject, text: body.text, quiet };
    notice.check().map_err(|(name, error)| Problem::field(format!("/{name}"), error.to_string()))?;
    start(&call, Kind::Notifications, source, |job| Job { notice: Some(notice), ..job }).await
}

fn quiet(hours: QuietHours) -> Result<Quiet, Problem> {
    let time = |name: &str, text: &str| {
        let wrong = || Problem::field(format!("/quiet_hours/{name}"), "must be a time of day such as 22:00");
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5).ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
        Time::new(hour, minute, 0, 0).map_err(|_| wrong())
    };
    Ok(Quiet { from: time("from", &hours.from)?, to: time("to", &hours.to)?, time_zone: hours.time_zone })
}

/// Notes the job and tells the worker.
///
/// # Errors
/// `validation_failed`, `forbidden`, `idempotency_key_missing`, `idempotency_key_reused`, `busy`, `outcome_unknown`.
async fn start(call: &Call, kind: Kind, source: Source, fill: impl FnOnce(Job) -> Job) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.required_scope()?;
    // The right to what the rows do is asked row by row.
    let may = caller.over(Right::BulkManage);
    call.store().account_for(home, Authority { home, may: &may }).await?;
    let id = JobId::from_uuid(call.app.uuid());
    let (input, format) = input(call, &id, &source).await?;
    let job = fill(Job {
        id,
        account_id: home.clone(),
        kind,
        state: State::Queued,
        phase: Phase::Planning,
        dry_run: source.dry_run,
        allow_duplicates: source.allow_duplicates,
        input,
        format,
        payer: None,
        currency: None,
        reference: None,
        notice: None,
        actor: caller.actor.clone(),
        credential: caller.credential(),
        round: 1,
        undos: 0,
        chunks: 0,
        required: None,
        spendable: None,
        reason: None,
        cancelled: false,
        result: None,
        created_at: call.app.now(),
        ended_at: None,
        version: 1,
        progress: Progress::default(),
    });
    let (job, replayed) = match call.store().ask_job(&job, &call.act()?, &scope).await? {
        Outcome::Done(job) => (job, false),
        // The same job: as it is now.
        Outcome::Replayed(job) => (call.store().job(&job.id).await?, true),
    };
    // A replay tells the worker again: the first attempt may have ended before it did.
    tell(&call.app, &job.id).await?;
    let location = format!("/reseller/bulk/{}", job.id);
    Ok(Reply::json(StatusCode::ACCEPTED, &JobView::of(job))?.location(&location).replayed(replayed))
}

/// Where the rows are, and how they are written.
async fn input(call: &Call, job: &JobId, source: &Source) -> Result<(String, Format), Problem> {
    match (&source.rows, &source.upload_id) {
        (Some(_), None) if source.format.is_some() => Err(Problem::field("/format", "is of an upload; rows are given as they are")),
        (Some(rows), None) if rows.is_empty() => Err(Problem::field("/rows", "has no rows")),
        (Some(rows), None) if u64::try_from(rows.len()).is_ok_and(|count| count > MAX_ROWS) => {
            Err(Problem::field("/rows", format!("has more than {MAX_ROWS} rows; split them over several jobs")))
        }
        (Some(rows), None) => {
            let mut lines = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut lines, row).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
                lines.push(b'\n');
            }
            let key = format!("bulk/jobs/{job}/input.jsonl");
            call.app.blobs().put(&key, lines, Format::Jsonl.media_type()).await?;
            Ok((key, Format::Jsonl))
        }
        (None, Some(upload)) => {
            let format = source.format.unwrap_or(Format::Csv);
            Ok((uploads::place(call.home()?, upload, format), format))
        }
        (None, None) => Err(Problem::field("/rows", "is required, or an upload_id")),
        (Some(_), Some(_)) => Err(Problem::field("/upload_id", "cannot be given with rows")),
    }
}
