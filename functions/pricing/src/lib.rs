//! The pricing function: meters, rate cards, markups, promotions, tiers and packages, and what they come to.

use axum::Router;
use tributary_api::{App, Endpoint};

#[cfg(feature = "openapi")]
pub mod openapi;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
