//! Jobs and rows as they are shown.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::bulk::job::{Format, Job};
use tributary_domain::bulk::notice::Rendered;
use tributary_domain::bulk::rows::Kind;
use tributary_domain::bulk::state::{Phase, State};
use tributary_domain::id::{AccountId, JobId, UploadId};
use tributary_domain::money::{Currency, Micros};

/// Why a job stopped, or could not be planned.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkReason))]
pub struct ReasonView {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// A job.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkJob))]
pub struct JobView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::JobId))]
    pub id: JobId,
    /// What its rows do.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BulkKind))]
    pub kind: Kind,
    /// How it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BulkState))]
    pub state: State,
    /// What it is at.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BulkPhase))]
    pub phase: Phase,
    /// It is only planned until it is told to apply.
    pub dry_run: bool,
    /// The account whose key asked.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// Who pays for the rows of a credit job.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub from: Option<AccountId>,
    /// The payer's currency.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// Rows there are; while it is planned, rows looked at so far.
    pub rows: i64,
    /// Rows done and not undone.
    pub done: i64,
    /// Rows that could not be done.
    pub failed: i64,
    /// Rows taken back.
    pub undone: i64,
    /// The credit that the rows to be done need; null until it is planned. Of new accounts, their first credit.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Credit>, required))]
    pub required: Option<Micros>,
    /// Whether the payer had as much when it was planned; null where nobody pays.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub enough: Option<bool>,
    /// Credit of the payer that is set aside and not handed out.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub escrow: Micros,
    /// Why it stopped, or could not be planned.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reason: Option<ReasonView>,
    /// When it was asked for.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it came to its end.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
}

impl JobView {
    /// A job as it is shown.
    pub fn of(job: Job) -> Self {
        let enough = job.spendable.zip(job.required).map(|(spendable, required)| spendable >= required);
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            phase: job.phase,
            dry_run: job.dry_run,
            account_id: job.account_id,
            from: job.payer,
            currency: job.currency,
            rows: job.progress.rows,
            done: job.progress.done,
            failed: job.progress.failed,
            undone: job.progress.undone,
            required: job.required,
            enough,
            escrow: Micros::new(job.progress.escrow),
            reason: job.reason.map(|reason| ReasonView { code: reason.code, detail: reason.detail }),
            created_at: job.created_at,
            ended_at: job.ended_at,
        }
    }
}

/// How a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkRowStatus))]
pub enum RowStatus {
    /// It is to be done.
    Pending,
    /// It is done.
    Done,
    /// It could not be done.
    Failed,
    /// It was done and taken back.
    Undone,
    /// The job ended before it was done.
    Untouched,
}

/// A notification as it would be sent.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkPreview))]
pub struct PreviewView {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl From<Rendered> for PreviewView {
    fn from(rendered: Rendered) -> Self {
        Self { subject: rendered.subject, text: rendered.text }
    }
}

/// A row and what became of it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkRow))]
pub struct RowView {
    /// Its number, from 1.
    pub row: u64,
    /// How it stands.
    pub status: RowStatus,
    /// Why it could not be done, or undone: a word for programs.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub code: Option<String>,
    /// The column that is wrong.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub column: Option<String>,
    /// Why, in a sentence.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub detail: Option<String>,
    /// The account that it made.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub made: Option<AccountId>,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub fields: Map<String, Value>,
    /// What is sent, of a notification.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub preview: Option<PreviewView>,
}

/// Where rows are uploaded.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkUpload))]
pub struct UploadView {
    /// What a job names it by.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::UploadId))]
    pub upload_id: UploadId,
    /// The address; anybody who has it can upload.
    pub url: String,
    /// The method: `PUT`.
    pub method: &'static str,
    /// The `Content-Type` to send.
    pub content_type: &'static str,
    /// How many bytes to send: exactly so many.
    pub bytes: u64,
    /// How the rows are written.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BulkFormat))]
    pub format: Format,
    /// Until when it can be uploaded.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
}

/// Where the result is.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkResult))]
pub struct ResultView {
    /// Where it is downloaded, for 15 minutes and by anybody who has the link: a CSV with a line for each row.
    pub download_url: String,
    /// Until when the file is kept.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
}
