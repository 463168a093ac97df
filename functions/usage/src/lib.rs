//! The usage function: taking usage events, and reporting them.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod adjust;
pub mod events;
pub mod explain;
pub mod levels;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod queued;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/usage/events", "record_usage", Needs(Right::UsageWrite), Unused, events::record, "Count up to 1,000 events, each answered on its own").with_rows(),
        endpoint!(POST "/reseller/usage/events/async", "queue_usage", Needs(Right::UsageWrite), Unused, queued::record, "Take up to 1,000 events to be counted later").with_rows(),
        endpoint!(GET "/reseller/usage/batches/{id}", "get_usage_batch", Needs(Right::UsageRead), Unused, queued::get, "What became of events that were counted later"),
        endpoint!(GET "/reseller/usage/events/{id}/explain", "explain_usage", Needs(Right::UsageRead), Unused, explain::explain, "How a charge came about, rule by rule"),
        endpoint!(POST "/reseller/usage/events/{id}/void", "void_usage", Needs(Right::UsageAdjust), Required, adjust::void, "Take an event back"),
        endpoint!(POST "/reseller/usage/events/{id}/correct", "correct_usage", Needs(Right::UsageAdjust), Required, adjust::correct, "Count an event with another quantity"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
