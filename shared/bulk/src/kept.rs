//! What rows say, kept beside the table: a blob for each chunk.

use serde::{Deserialize, Serialize};
use tributary_api::App;
use tributary_domain::account::TimeZoneName;
use tributary_domain::bulk::job::Chunk;
use tributary_domain::bulk::rows::Fields;
use tributary_domain::id::JobId;
use tributary_domain::text::{Email, Name};
use tributary_runtime::blobs::BlobError;
use uuid::Uuid;

/// A row as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Planned {
    /// What it says.
    pub fields: Fields,
    /// The account's name then, where a text may need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The account's address then, where something is sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where the account lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<TimeZoneName>,
}

/// Where the rows of a chunk are kept. Each attempt has a place of its own, so that a blob is what its chunk says.
pub(crate) fn place(job: &JobId, number: u32, attempt: Uuid) -> String {
    format!("bulk/jobs/{job}/{number:06}-{}.json", attempt.simple())
}

/// The rows of a chunk; `None` if they are gone or do not read.
///
/// # Errors
/// [`BlobError`] when the place of blobs does not answer.
pub async fn load(app: &App, chunk: &Chunk) -> Result<Option<Vec<Planned>>, BlobError> {
    let Some(bytes) = app.blobs().get(&chunk.blob).await? else { return Ok(None) };
    let rows: Option<Vec<Planned>> = serde_json::from_slice(&bytes).ok();
    Ok(rows.filter(|rows| rows.len() == chunk.marks.len()))
}
