//! The usage function: taking usage events, and reporting them.

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
