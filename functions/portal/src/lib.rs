//! The portal function: for now one page that says what will be there, and a health answer.

use axum::Router;
use serde::Serialize;
use tributary_api::endpoint::Access::Public;
use tributary_api::{App, Call, Endpoint, Problem, Reply, endpoint};

#[cfg(feature = "openapi")]
pub mod openapi;

pub mod docs;

const PAGE: &str = include_str!("page.html");

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
        endpoint!(GET "/", "portal_page", Public, Unused, page, "What will be here"),
        endpoint!(GET "/docs/errors", "error_index", Public, Unused, docs::index, "The list of errors"),
        endpoint!(GET "/docs/errors/{code}", "error_page", Public, Unused, docs::error, "What an error means and what to do"),
        endpoint!(GET "/health", "health", Public, Unused, health, "Whether the functions and the table answer"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}

async fn page(_call: Call) -> Result<Reply, Problem> {
    Ok(Reply::html(PAGE).header("content-security-policy", docs::POLICY).header("referrer-policy", "no-referrer"))
}

/// Answers when the table answers.
async fn health(call: Call) -> Result<Reply, Problem> {
    call.store().operator().await?;
    Reply::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
