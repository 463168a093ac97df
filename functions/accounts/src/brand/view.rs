//! What the API shows of a brand.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_api::{Call, Code, Problem};
use tributary_domain::account::Account;
use tributary_domain::brand::{
    Brand, BrandInForce, Claim, Color, DARK, HostName, HostStatus, PageUrl, Ratio, Slug, Token, WHITE, brand_shown_by, locked_by,
};
use tributary_domain::id::AccountId;
use tributary_domain::text::{Email, Name};

/// A brand: what of it is the account's own, and what its customers see.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Brand))]
pub struct BrandView {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// What it set itself.
    pub own: OwnView,
    /// What those that buy from it see; of a customer, what it sees itself.
    pub in_force: InForceView,
    /// What it may not set, because an account above locked it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::BrandToken>))]
    pub locked_above: BTreeSet<Token>,
    /// How well its colours can be told from what they stand on.
    pub contrast: Vec<ContrastView>,
    /// What its portal is called in addresses.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub slug: Option<Slug>,
    /// Where its customers come to; a path alone where the pages have no domain.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub portal_url: Option<String>,
    /// A host of its own.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub host: Option<HostView>,
    /// The account's version; the `ETag`.
    pub version: i64,
}

/// What an account set itself.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = OwnBrand))]
pub struct OwnView {
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub name: Option<Name>,
    /// The colour of what is highlighted.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub color: Option<Color>,
    /// The colour of what can be pressed, where it is another.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub accent_color: Option<Color>,
    /// From whom its mails are.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Name>, required))]
    pub sender_name: Option<Name>,
    /// Where answers to its mails go.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>, required))]
    pub reply_to: Option<Email>,
    /// Where its customers find help.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub support_url: Option<PageUrl>,
    /// Where its terms are.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub terms_url: Option<PageUrl>,
    /// Where its privacy statement is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub privacy_url: Option<PageUrl>,
    /// Where its own logo is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub logo_url: Option<String>,
    /// What nobody below may set otherwise.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<wire::BrandToken>))]
    pub locked: BTreeSet<Token>,
}

/// A brand as it is seen.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandInForce))]
pub struct InForceView {
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
    /// From whom mails are.
    pub sender_name: String,
    /// Where answers to mails go.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Email>, required))]
    pub reply_to: Option<Email>,
    /// Where help is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub support_url: Option<PageUrl>,
    /// Where terms are.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub terms_url: Option<PageUrl>,
    /// Where the privacy statement is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub privacy_url: Option<PageUrl>,
    /// Where the logo is: a path of the API.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub logo_url: Option<String>,
}

/// How far a colour is from what it stands on.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandContrast))]
pub struct ContrastView {
    /// Which colour.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BrandToken))]
    pub token: Token,
    /// `text` on it, black or white; the surface of pages by day, `white`, or by night, `dark`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "white"))]
    pub against: &'static str,
    /// From 1.00 to 21.00, rounded down.
    #[cfg_attr(feature = "openapi", schema(example = "4.63"))]
    pub ratio: String,
    /// Whether it is what WCAG 2.2 asks at level AA: 4.5 of text, 3 of a surface.
    pub passes: bool,
}

/// A host of an account's own.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BrandHostClaim))]
pub struct HostView {
    /// The host.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "portal.corner.example"))]
    pub host: HostName,
    /// `pending` until its record was found, then `verified`.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::HostStatus))]
    pub status: HostStatus,
    /// The name of the TXT record that proves it.
    pub txt_name: String,
    /// What the record says.
    pub txt_value: String,
    /// When the record was found.
    #[cfg_attr(feature = "openapi", schema(required))]
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    pub checked_at: Option<Timestamp>,
}

impl BrandView {
    /// The brand of the last of these accounts, given those above it, the root first.
    ///
    /// # Errors
    /// None for a path of one account or more.
    pub fn of(call: &Call, path: &[Account]) -> Result<Self, Problem> {
        let none = || Problem::new(Code::Internal, "No account was read.");
        let (account, above) = path.split_last().ok_or_else(none)?;
        let in_force = brand_shown_by(path).ok_or_else(none)?;
        let (slug, host) = (account.portal.slug.clone(), account.portal.verified_host());
        let under_slug = slug.as_ref().map(|slug| format!("{}/portal/{slug}", call.app.pages_url().unwrap_or_default()));
        Ok(Self {
            account_id: account.id.clone(),
            own: OwnView::of(call, account),
            contrast: contrasts(&in_force),
            in_force: InForceView::of(call, in_force),
            locked_above: locked_by(above),
            portal_url: host.map(|host| format!("https://{host}/")).or(under_slug),
            slug,
            host: account.portal.host.as_ref().map(HostView::of),
            version: account.version,
        })
    }
}

impl OwnView {
    fn of(call: &Call, account: &Account) -> Self {
        let brand = account.settings.brand.clone().unwrap_or_default();
        let Brand { name, color, accent_color, sender_name, reply_to, support_url, terms_url, privacy_url, locked } = brand;
        let logo_url = account.portal.logo.as_ref().map(|logo| logo.url(call.path("")));
        Self { name, color, accent_color, sender_name, reply_to, support_url, terms_url, privacy_url, logo_url, locked }
    }
}

impl InForceView {
    fn of(call: &Call, brand: BrandInForce) -> Self {
        let (text_on_color, logo_url) = (brand.text_on_color(), brand.logo.as_ref().map(|logo| logo.url(call.path(""))));
        let BrandInForce { name, color, accent_color, sender_name, reply_to, support_url, terms_url, privacy_url, logo: _ } = brand;
        Self { name, color, accent_color, text_on_color, sender_name, reply_to, support_url, terms_url, privacy_url, logo_url }
    }
}

impl HostView {
    fn of(claim: &Claim) -> Self {
        Self {
            host: claim.host.clone(),
            status: claim.status,
            txt_name: claim.txt_name(),
            txt_value: claim.txt_value(),
            checked_at: claim.checked_at,
        }
    }
}

fn contrasts(brand: &BrandInForce) -> Vec<ContrastView> {
    let colors = [(Token::Color, &brand.color), (Token::AccentColor, &brand.accent_color)];
    let set = colors.into_iter().filter_map(|(token, color)| Some((token, color.as_ref()?)));
    set.flat_map(|(token, color)| {
        let grounds = [("text", color.text_on_it(), Ratio::TEXT), ("white", WHITE, Ratio::SHAPE), ("dark", DARK, Ratio::SHAPE)];
        grounds.map(|(against, ground, least)| {
            let ratio = color.contrast(ground);
            ContrastView { token, against, ratio: ratio.to_string(), passes: ratio >= least }
        })
    })
    .collect()
}
