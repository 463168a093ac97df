//! `POST /reseller/bulk/uploads`: an address to upload rows to, made without a trace: what is uploaded is kept under the
//! account that asked, so nobody else's upload can be named.

use jiff::SignedDuration;
use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::bulk::MAX_INPUT_BYTES;
use tributary_domain::bulk::job::Format;
use tributary_domain::id::{AccountId, UploadId};
use tributary_domain::rights::Right;
use tributary_store::accounts::Authority;

use crate::views::UploadView;

/// How long an address works, in seconds.
const ADDRESS_S: u32 = 60 * 60;

/// What will be uploaded.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadRows {
    /// How the rows are written.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BulkFormat))]
    pub format: Format,
    /// How many bytes the file has: at most 64 MiB. Exactly as many can be uploaded.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 67_108_864))]
    pub bytes: u64,
}

/// Where what an account uploaded is kept.
pub fn place(account: &AccountId, upload: &UploadId, format: Format) -> String {
    format!("bulk/uploads/{account}/{upload}.{}", format.word())
}

/// Gives an address to upload to.
///
/// # Errors
/// `validation_failed`, `forbidden`, `busy`.
pub async fn create(call: Call) -> Result<Reply, Problem> {
    let (caller, home) = (call.caller()?, call.home()?);
    let body: UploadRows = call.body()?;
    if body.bytes == 0 || body.bytes > MAX_INPUT_BYTES {
        return Err(Problem::field("/bytes", format!("must be from 1 to {MAX_INPUT_BYTES}; split a larger file over several jobs")));
    }
    let may = caller.over(Right::BulkManage);
    call.store().account_for(home, Authority { home, may: &may }).await?;
    // Under the same key it is the same upload, so that a job that names it can be sent again.
    let upload_id = match call.scope()? {
        Some(scope) => tributary_bulk::ids::upload(home, &scope.key, &scope.body),
        None => UploadId::from_uuid(call.app.uuid()),
    };
    let (key, content_type) = (place(home, &upload_id, body.format), body.format.media_type());
    let url = call.app.blobs().upload_link(&key, content_type, body.bytes, ADDRESS_S).await?;
    let expires_at = call.app.now().checked_add(SignedDuration::from_secs(ADDRESS_S.into())).unwrap_or(jiff::Timestamp::MAX);
    Reply::created(&UploadView { upload_id, url, method: "PUT", content_type, bytes: body.bytes, format: body.format, expires_at })
}
