//! `PUT` and `DELETE /reseller/accounts/{id}/brand/slug`.

use serde::Deserialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::brand::{Portal, Slug};
use tributary_domain::event::RecordKind;

use crate::brand::{changed, portal_edit, sells, what};

/// What a portal is called in addresses.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandSlug))]
pub struct SlugBody {
    /// 3 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last; nobody else's.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Slug))]
    pub slug: Slug,
}

/// Takes a slug; the one it had is free at once.
///
/// # Errors
/// `slug_taken`, `conflict` of a customer, `precondition_failed`, `account_closed`, `not_found`, `forbidden`, `validation_failed`.
pub async fn put(call: Call) -> Result<Reply, Problem> {
    let SlugBody { slug } = call.body()?;
    changed(&call, |account| {
        sells(account)?;
        let portal = Portal { slug: Some(slug.clone()), ..account.portal.clone() };
        Ok(portal_edit(account, portal, RecordKind::BrandChanged, what("slug")))
    })
    .await
}

/// Frees the slug at once. Without one, nothing changes.
///
/// # Errors
/// `precondition_failed`, `account_closed`, `not_found`, `forbidden`.
pub async fn delete(call: Call) -> Result<Reply, Problem> {
    call.no_body()?;
    changed(&call, |account| {
        let portal = Portal { slug: None, ..account.portal.clone() };
        Ok(portal_edit(account, portal, RecordKind::BrandChanged, what("slug")))
    })
    .await
}
