//! `GET /reseller/insights/accounts/csv`: the grid as a file.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tributary_api::time::shown as time_shown;
use tributary_api::{Call, Code, Problem, Reply};
use tributary_domain::text::no_formula;
use tributary_insights::grid::{matched, page};

use crate::accounts::{AccountView, Asked};

/// The most rows of a file.
const MOST_ROWS: usize = 100_000;
/// For how long its address is good.
const GOOD_FOR_S: u32 = 3600;
const COLUMNS: [&str; 22] = [
    "id",
    "name",
    "external_id",
    "kind",
    "status",
    "effective_status",
    "parent_id",
    "parent_name",
    "depth",
    "tier",
    "currency",
    "available",
    "held",
    "revenue",
    "revenue_last",
    "cost",
    "margin",
    "margin_percent",
    "last_usage_at",
    "decay",
    "tags",
    "created_at",
];

/// A file.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InsightsFile))]
pub struct FileView {
    /// Where anybody who has this address downloads it.
    pub download_url: String,
    /// How many accounts are in it.
    pub rows: usize,
    /// Until when the address is good.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub expires_at: Timestamp,
}

/// Everything that the grid shows under the same parameters, in its order, as comma-separated values; a text that a spreadsheet would take
/// for a formula begins with an apostrophe.
///
/// # Errors
/// `not_found`, `forbidden`, `validation_failed`, `limit_reached` above a hundred thousand accounts, `busy`.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let asked = Asked::read(&mut params)?;
    params.done()?;
    let scene = asked.scene(&call).await?;
    let found = matched(scene.view(), &asked.filter(&scene));
    if found.rows.len() > MOST_ROWS {
        return Err(Problem::new(Code::LimitReached, "A file holds at most 100000 accounts; filter for fewer.").with("limit", MOST_ROWS));
    }
    let rows = page(scene.view(), found.rows, asked.sort, 0, MOST_ROWS);
    let written =
        |error: csv::Error| Problem { internal: Some(error.to_string()), ..Problem::new(Code::Internal, "The file could not be written.") };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(written)?;
    for at in &rows {
        writer.write_record(record(&scene.view().row(*at).into())).map_err(written)?;
    }
    let bytes = writer.into_inner().map_err(|error| written(error.into_error().into()))?;
    let now = call.app.now();
    let key = format!("exports/insights-{}.csv", call.app.uuid().simple());
    call.app.blobs().put(&key, bytes, "text/csv; charset=utf-8").await?;
    let name = format!("accounts-{}.csv", now.strftime("%Y%m%d"));
    let download_url = call.app.blobs().link(&key, &name, GOOD_FOR_S).await?;
    let expires_at = call.app.platform_now().checked_add(SignedDuration::from_secs(GOOD_FOR_S.into())).unwrap_or(now);
    Reply::ok(&FileView { download_url, rows: rows.len(), expires_at })
}

fn record(row: &AccountView) -> Vec<String> {
    let text = |text: &str| no_formula(text).into_owned();
    let maybe = |text: Option<&String>| text.map_or_else(String::new, |text| no_formula(text).into_owned());
    let time = |at: Option<&Timestamp>| at.map_or_else(String::new, time_shown);
    let tags: Vec<String> = row.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    vec![
        row.id.to_string(),
        text(&row.name),
        maybe(row.external_id.as_ref()),
        row.kind.word().to_owned(),
        row.status.word().to_owned(),
        row.effective_status.word().to_owned(),
        row.parent_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        maybe(row.parent_name.as_ref()),
        row.depth.to_string(),
        text(&row.tier),
        row.currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
        // Amounts below zero are numbers, and stay such.
        row.available.clone(),
        row.held.clone(),
        row.revenue.clone(),
        row.revenue_last.clone(),
        row.cost.clone(),
        row.margin.clone(),
        row.margin_percent.clone().unwrap_or_default(),
        time(row.last_usage_at.as_ref()),
        row.decay.clone().unwrap_or_default(),
        text(&tags.join("; ")),
        time(row.created_at.as_ref()),
    ]
}
