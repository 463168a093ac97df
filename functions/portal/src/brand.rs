//! `GET /portal/brand`: what a portal shows before anybody has signed in. Nothing but what a page is drawn with is said; above all no ids.

use serde::Serialize;
use tributary_api::hosts::Asked;
use tributary_api::{Call, Problem, Reply};
use tributary_domain::brand::{Color, PageUrl, Slug, brand_shown_by};
use tributary_domain::id::AccountId;
use tributary_store::error::StoreError;

/// How long a page may be drawn with what it was told. A host that is detached shows its brand in caches for so long.
const CACHING: &str = "public, max-age=60";

/// A brand as anybody sees it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PortalBrand))]
pub struct PortalBrand {
    /// What it is called.
    pub name: String,
    /// The colour of what is highlighted.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub color: Option<Color>,
    /// The colour of what can be pressed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub accent_color: Option<Color>,
    /// What is read on the colour: black or white.
    pub text_on_color: &'static str,
    /// Where the logo is, as a path of the very host.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub logo_url: Option<String>,
    /// Where help is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub support_url: Option<PageUrl>,
    /// Where terms are.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub terms_url: Option<PageUrl>,
    /// Where the privacy statement is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub privacy_url: Option<PageUrl>,
    /// What the portal is called in addresses.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub slug: Option<Slug>,
}

/// The brand of the portal of that slug, or of the host that was asked: three reads at most.
///
/// # Errors
/// `not_found` for a slug or host that is nobody's.
pub async fn get(call: Call) -> Result<Reply, Problem> {
    let mut params = call.params()?;
    let slug = params.text("slug");
    params.done()?;
    let owner = owner(&call, slug).await?.ok_or_else(Problem::not_found)?;
    let path = call.store().shown_path(&owner).await?.ok_or_else(Problem::not_found)?;
    let (Some(brand), Some(account)) = (brand_shown_by(&path), path.last()) else { return Err(Problem::not_found()) };
    let view = PortalBrand {
        text_on_color: brand.text_on_color(),
        logo_url: brand.logo.map(|logo| logo.url(call.path(""))),
        name: brand.name,
        color: brand.color,
        accent_color: brand.accent_color,
        support_url: brand.support_url,
        terms_url: brand.terms_url,
        privacy_url: brand.privacy_url,
        slug: account.portal.slug.clone(),
    };
    Ok(Reply::ok(&view)?.header("cache-control", CACHING).header("vary", "Host, X-Forwarded-Host"))
}

/// Whose portal was asked for; the platform's own host is the operator's.
async fn owner(call: &Call, slug: Option<String>) -> Result<Option<AccountId>, StoreError> {
    if let Some(text) = slug {
        return match Slug::parse(&text) {
            Ok(slug) => call.store().account_with_slug(&slug).await,
            Err(_) => Ok(None),
        };
    }
    match call.asked() {
        Asked::Platform => call.store().operator().await,
        Asked::Host(host) => call.store().account_with_host(&host).await,
        Asked::Nowhere => Ok(None),
    }
}
