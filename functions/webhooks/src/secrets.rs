//! Rotating the secret of an endpoint.

use serde::Deserialize;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::event::RecordKind;
use tributary_domain::rights::Right;
use tributary_domain::webhook::{DEFAULT_OVERLAP_HOURS, MAX_OVERLAP_HOURS};

use crate::endpoints::{account_of, change_endpoint, endpoint_for, fresh};
use crate::views::WebhookView;

/// The request to rotate a secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotateWebhookSecret {
    /// For how many hours the old secret signs too: 0 to 72; 24 unless said otherwise.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 72, default = 24))]
    pub overlap_hours: Option<i64>,
}

/// Gives an endpoint a new secret. For the overlap, what is sent is signed under both.
///
/// # Errors
/// `validation_failed`, `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn rotate(call: Call) -> Result<Reply, Problem> {
    let account = account_of(&call)?;
    let request: RotateWebhookSecret = call.body_or_default()?;
    let overlap_hours = request.overlap_hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
    if !(0..=MAX_OVERLAP_HOURS).contains(&overlap_hours) {
        return Err(Problem::field("/overlap_hours", format!("must be from 0 to {MAX_OVERLAP_HOURS}")));
    }
    let (now, id) = (call.app.now(), endpoint_for(&call, &account, Right::WebhooksManage).await?.id);
    let (secret, sealed) = fresh(&call, &id)?;
    let endpoint = change_endpoint(&call, &account, RecordKind::WebhookChanged, |all, at| {
        all.all[at].rotate(sealed.clone(), overlap_hours, now);
        Ok(all.all[at].clone())
    });
    let endpoint = endpoint.await?;
    Ok(Reply::ok(&WebhookView::of(&endpoint, &account, Some(secret), now))?.etag(endpoint.version))
}
