//! The usage function: taking usage events, and reporting them.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod events;
#[cfg(feature = "openapi")]
pub mod openapi;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/usage/events", "record_usage", Needs(Right::UsageWrite), Unused, events::record, "Count up to 1,000 events, each answered on its own").with_rows(),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
