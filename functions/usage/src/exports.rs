//! Exports of usage: asked for here, made by the exporter, and downloaded by a link that is made each time.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::reply::PageView;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::account::{Account, Kind};
use tributary_domain::id::{AccountId, ExportId};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;
use tributary_store::error::Denied;
use tributary_store::exports::{Export, ExportFormat, ExportSource, ExportStatus};
use tributary_store::idempotency::Outcome;
use tributary_store::table::Position;

use crate::report::masters;

/// The longest export, in days.
const MAX_DAYS: i64 = 400;
/// The most masters of one export of the operator's.
const MOST_MASTERS: usize = 1_000;
/// How long a link works.
const LINK_S: u32 = 15 * 60;

/// What is exported, and as what.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportUsage {
    /// What kind of file: `csv`, `jsonl` or `parquet`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExportFormat))]
    pub format: ExportFormat,
    /// Usage that occurred at this time or later.
    #[serde(deserialize_with = "tributary_api::time::read")]
    pub from: Timestamp,
    /// And before this one, at most 400 days later.
    pub to: Timestamp,
    /// Whose; your own unless you name another.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>))]
    pub account_id: Option<AccountId>,
    /// With that of everything below it.
    #[serde(default)]
    pub subtree: bool,
}

/// An export.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageExport))]
pub struct ExportView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExportId))]
    pub id: ExportId,
    /// How far it is.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExportStatus))]
    pub status: ExportStatus,
    /// What kind of file.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::ExportFormat))]
    pub format: ExportFormat,
    /// Whose usage.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// With that of everything below it.
    pub subtree: bool,
    /// From when on.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub from: Timestamp,
    /// Until before when.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub to: Timestamp,
    /// The file's rows; null until it is completed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub rows: Option<u64>,
    /// The file's bytes; null until it is completed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub bytes: Option<u64>,
    /// Where it is downloaded, for 15 minutes and by anybody who has the link. Made anew each time one export is got; null
    /// in lists, until it is completed, and when it is expired.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub download_url: Option<String>,
    /// Why it failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
    /// When it was asked for.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was completed or failed.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
    /// Until when the file is kept.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expires_at: Option<Timestamp>,
}

impl ExportView {
    fn of(export: Export, now: Timestamp, download_url: Option<String>) -> Self {
        Self {
            status: export.status_at(now),
            expires_at: export.expires_at(),
            id: export.id,
            format: export.format,
            account_id: export.account_id,
            subtree: export.subtree,
            from: export.from,
            to: export.to,
            rows: export.rows,
            bytes: export.bytes,
            download_url,
            error: export.error,
            created_at: export.created_at,
            ended_at: export.ended_at,
        }
    }
}

/// Asks for a file.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached`, `idempotency_key_invalid`, `idempotency_key_reused`, `busy`
/// if the exporter could not be told: ask again.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let scope = call.scope()?;
    let body: ExportUsage = call.body()?;
    check_period(body.from, body.to)?;
    let id = body.account_id.unwrap_or_else(|| home.clone());
    let may = caller.over(Right::UsageRead);
    let account = call.store().account_for(&id, Authority { home, may: &may }).await?;
    let export = Export {
        id: ExportId::from_uuid(call.app.uuid()),
        asked_by: home.clone(),
        account_id: id,
        subtree: body.subtree,
        from: body.from,
        to: body.to,
        format: body.format,
        status: ExportStatus::Queued,
        sources: sources(&call, &account, body.subtree).await?,
        rows: None,
        bytes: None,
        error: None,
        created_at: call.app.now(),
        ended_at: None,
        version: 1,
    };
    let outcome = call.store().ask_export(&export, &call.act()?, scope.as_ref()).await?;
    let replayed = matches!(outcome, Outcome::Replayed(_));
    let export = outcome.into_inner();
    // A replay tells the exporter again: the first attempt may have ended before it did.
    let told = call.app.queues().exports.send(&json!({ "export_id": export.id }).to_string()).await;
    told.map_err(|error| {
        let mut problem = Problem::new(Code::Busy, "The export could not be begun. Ask for it again.");
        problem.internal = Some(error.to_string());
        problem
    })?;
    let location = format!("/reseller/usage/exports/{}", export.id);
    let view = ExportView::of(export, call.app.now(), None);
    Ok(Reply::json(StatusCode::ACCEPTED, &view)?.location(&location).replayed(replayed))
}

fn check_period(from: Timestamp, to: Timestamp) -> Result<(), Problem> {
    if from >= to {
        return Err(Problem::field("/to", "must be after from"));
    }
    match to.duration_since(from) > SignedDuration::from_hours(24 * MAX_DAYS) {
        true => Err(Problem::field("/to", format!("must be at most {MAX_DAYS} days after from"))),
        false => Ok(()),
    }
}

/// The ledgers of an export, and where they stand.
async fn sources(call: &Call, account: &Account, subtree: bool) -> Result<Vec<ExportSource>, Problem> {
    let accounts = match (account.kind, subtree) {
        (Kind::Operator, false) => return Ok(Vec::new()),
        (Kind::Operator, true) => masters(call, &account.id, MOST_MASTERS).await?.into_iter().map(|account| account.id).collect(),
        (Kind::Reseller | Kind::Customer, _) => vec![account.id.clone()],
    };
    if accounts.len() > MOST_MASTERS {
        let limit = i64::try_from(MOST_MASTERS).unwrap_or(i64::MAX);
        return Err(tributary_store::error::StoreError::Limit { what: "masters in one export; export them one by one", limit }.into());
    }
    let heads = call.store().heads_of(&accounts).await?;
    Ok(heads.into_iter().map(|(account_id, head)| ExportSource { account_id, through: head.usage_seq }).collect())
}

/// One export, with a fresh link if it is completed. It is its asker's account's alone, since the figures are of its level.
///
/// # Errors
/// `not_found`, `forbidden`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    call.params()?.done()?;
    let export = call.store().export(&call.id("id")?).await?;
    if export.asked_by != *home {
        return Err(Denied::Absent.into());
    }
    let may = caller.over(Right::UsageRead);
    call.store().account_for(&export.account_id, Authority { home, may: &may }).await?;
    let now = call.app.now();
    let link = match export.status_at(now) {
        ExportStatus::Completed => Some(call.app.blobs().link(&export.blob(), &export.file_name(), LINK_S).await.map_err(away)?),
        ExportStatus::Queued | ExportStatus::Running | ExportStatus::Failed | ExportStatus::Expired => None,
    };
    Reply::ok(&ExportView::of(export, now, link))
}

fn away(error: tributary_runtime::blobs::BlobError) -> Problem {
    let mut problem = Problem::new(Code::Busy, "The file is not to be had at the moment. Ask again.");
    problem.internal = Some(error.to_string());
    problem
}

/// The exports that the caller's account asked for, newest first.
///
/// # Errors
/// `forbidden`, `invalid_cursor`, `validation_failed`.
pub async fn list(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let mut params = call.params()?;
    let (limit, scope, cursor) = (params.limit()?, call.cursor_scope()?, params.text("cursor"));
    params.done()?;
    let start: Option<Position> = scope.open(&call.app, cursor)?;
    let may = caller.over(Right::UsageRead);
    call.store().account_for(home, Authority { home, may: &may }).await?;
    let (exports, next) = call.store().exports(home, limit, start).await?;
    let mut ids: Vec<AccountId> = exports.iter().map(|export| export.account_id.clone()).collect();
    ids.sort();
    ids.dedup();
    let accounts = call.store().accounts(&ids).await?;
    // What was denied below, or moved away, is left out.
    let seen = |id: &AccountId| accounts.iter().any(|account| account.id == *id && may(id, &account.lineage).is_ok());
    let now = call.app.now();
    let data = exports.into_iter().filter(|export| seen(&export.account_id)).map(|export| ExportView::of(export, now, None)).collect();
    Reply::ok(&PageView { data, next_cursor: scope.seal(&call.app, next.as_ref())? })
}
