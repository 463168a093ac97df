//! The usage function: taking usage events, and reporting them.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod adjust;
pub mod events;
pub mod explain;
pub mod exports;
pub mod figures;
pub mod forecast;
pub mod forecast_views;
pub mod levels;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod queued;
pub mod report;
pub mod summary;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/usage/events", "record_usage", Needs(Right::UsageWrite), Unused, events::record, "Count up to 1,000 events, each answered on its own").with_rows(),
        endpoint!(POST "/reseller/usage/events/async", "queue_usage", Needs(Right::UsageWrite), Unused, queued::record, "Take up to 1,000 events to be counted later").with_rows(),
        endpoint!(GET "/reseller/usage/batches/{id}", "get_usage_batch", Needs(Right::UsageRead), Unused, queued::get, "What became of events that were counted later"),
        endpoint!(GET "/reseller/usage/events/{id}/explain", "explain_usage", Needs(Right::UsageRead), Unused, explain::explain, "How a charge came about, rule by rule"),
        endpoint!(POST "/reseller/usage/events/{id}/void", "void_usage", Needs(Right::UsageAdjust), Required, adjust::void, "Take an event back"),
        endpoint!(POST "/reseller/usage/events/{id}/correct", "correct_usage", Needs(Right::UsageAdjust), Required, adjust::correct, "Count an event with another quantity"),
        endpoint!(GET "/reseller/usage/report", "report_usage", Needs(Right::UsageRead), Unused, report::get, "Usage with cost, price and margin at your level"),
        endpoint!(GET "/reseller/usage/summary", "summarise_usage", Needs(Right::UsageRead), Unused, summary::get, "Today, this month and last month"),
        endpoint!(POST "/reseller/usage/export", "export_usage", Needs(Right::UsageRead), Accepted, exports::create, "Ask for a file of usage"),
        endpoint!(GET "/reseller/usage/exports", "list_usage_exports", Needs(Right::UsageRead), Unused, exports::list, "The files that were asked for"),
        endpoint!(GET "/reseller/usage/exports/{id}", "get_usage_export", Needs(Right::UsageRead), Unused, exports::get, "How far a file is, and where it is downloaded"),
        endpoint!(GET "/reseller/usage/forecast", "forecast_usage", Needs(Right::UsageRead), Unused, forecast::get, "What the coming days will probably bring, and cost"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
