//! The alerts function: rules on balances and usage, and what they told.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod history;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod rules;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/alerts", "create_alert", Needs(Right::AlertsManage), Accepted, rules::create, "Make an alert"),
        endpoint!(GET "/reseller/alerts", "list_alerts", Needs(Right::AlertsRead), Unused, rules::list, "List an account's alerts"),
        endpoint!(GET "/reseller/alerts/{id}", "get_alert", Needs(Right::AlertsRead), Unused, rules::get, "Get an alert, and where it fires"),
        endpoint!(PUT "/reseller/alerts/{id}", "put_alert", Needs(Right::AlertsManage), Unused, rules::put, "Change an alert"),
        endpoint!(DELETE "/reseller/alerts/{id}", "delete_alert", Needs(Right::AlertsManage), Unused, rules::delete, "Remove an alert")
            .with_query(),
        endpoint!(GET "/reseller/alerts/{id}/history", "get_alert_history", Needs(Right::AlertsRead), Unused, history::get, "What an alert told, newest first"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
