//! The portal function: signing in and out, the pages of errors, what stands at the API's root, and a health answer.

use axum::Router;
use serde::Serialize;
use tributary_api::endpoint::Access::{Public, Session};
use tributary_api::hosts::Asked;
use tributary_api::{App, Call, Endpoint, Problem, Reply, endpoint};

#[cfg(feature = "openapi")]
pub mod openapi;

pub mod brand;
pub mod docs;
pub mod logo;
pub mod sessions;
pub mod sign_in;
pub mod views;

const PAGE: &str = include_str!("page.html");
/// The same under a host of an account, or of nobody: its customers are not told which software it is.
const PAGE_ELSEWHERE: &str = include_str!("page_elsewhere.html");

/// The health answer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// `ok`.
    pub status: &'static str,
    /// The version of the code.
    pub version: &'static str,
}

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(GET "/", "portal_page", Public, Unused, page, "What answers here"),
        endpoint!(GET "/docs/errors", "error_index", Public, Unused, docs::index, "The list of errors"),
        endpoint!(GET "/docs/errors/{code}", "error_page", Public, Unused, docs::error, "What an error means and what to do"),
        endpoint!(POST "/portal/sign-in", "ask_sign_in_link", Public, Unused, sign_in::ask, "Have a link to sign in mailed"),
        endpoint!(POST "/portal/session", "begin_session", Public, Unused, sign_in::begin, "Sign in, by a link or an API key"),
        endpoint!(GET "/portal/session", "get_session", Session, Unused, sessions::get, "Who is signed in"),
        endpoint!(DELETE "/portal/session", "end_session", Session, Unused, sessions::end, "Sign out"),
        endpoint!(GET "/portal/sessions", "list_sessions", Session, Unused, sessions::list, "List where one is signed in"),
        endpoint!(DELETE "/portal/sessions", "end_sessions", Session, Unused, sessions::end_all, "Sign out everywhere"),
        endpoint!(GET "/portal/brand", "portal_brand", Public, Unused, brand::get, "What a portal shows before anybody has signed in"),
        endpoint!(GET "/portal/logo/{digest}", "portal_logo", Public, Unused, logo::get, "A logo, as PNG"),
        endpoint!(GET "/health", "health", Public, Unused, health, "Whether the functions and the table answer"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}

async fn page(call: Call) -> Result<Reply, Problem> {
    let page = match call.asked() {
        Asked::Platform => PAGE,
        Asked::Host(_) | Asked::Nowhere => PAGE_ELSEWHERE,
    };
    let reply = Reply::html(page).header("content-security-policy", docs::POLICY).header("referrer-policy", "no-referrer");
    Ok(reply.header("vary", "Host, X-Forwarded-Host"))
}

/// Answers when the table answers.
async fn health(call: Call) -> Result<Reply, Problem> {
    call.store().operator().await?;
    Reply::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
