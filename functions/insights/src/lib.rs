//! The insights function: what a subtree brings in, costs and keeps; who stays and who leaves; who did what.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod accounts;
pub mod acquisition;
pub mod attribution;
pub mod audit;
pub mod churn;
pub mod csv_file;
pub mod meters;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod overview;
pub mod profitability;
pub mod scene;
pub mod spend;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(GET "/reseller/insights/overview", "get_insights_overview", Needs(Right::InsightsRead), Unused, overview::get, "Everything at a glance"),
        endpoint!(GET "/reseller/insights/accounts", "list_insights_accounts", Needs(Right::InsightsRead), Unused, accounts::list, "Search and sort the accounts below"),
        endpoint!(GET "/reseller/insights/accounts/csv", "get_insights_accounts_csv", Needs(Right::InsightsRead), Unused, csv_file::get, "The same as a file"),
        endpoint!(GET "/reseller/insights/attribution", "get_insights_attribution", Needs(Right::InsightsRead), Unused, attribution::get, "Where revenue comes from"),
        endpoint!(GET "/reseller/insights/profitability", "get_insights_profitability", Needs(Right::InsightsRead), Unused, profitability::get, "What is kept of it"),
        endpoint!(GET "/reseller/insights/churn", "get_insights_churn", Needs(Right::InsightsRead), Unused, churn::get, "Who stays and who leaves"),
        endpoint!(GET "/reseller/insights/acquisition", "get_insights_acquisition", Needs(Right::InsightsRead), Unused, acquisition::get, "What a new account costs, and when it is paid back"),
        endpoint!(POST "/reseller/insights/spend", "record_spend", Needs(Right::InsightsManage), Accepted, spend::create, "Write down what was spent"),
        endpoint!(GET "/reseller/insights/spend", "list_spend", Needs(Right::InsightsRead), Unused, spend::list, "What was spent"),
        endpoint!(DELETE "/reseller/insights/spend/{id}", "remove_spend", Needs(Right::InsightsManage), Unused, spend::delete, "Take back what was written down"),
        endpoint!(GET "/reseller/insights/audit", "list_audit", Needs(Right::InsightsRead), Unused, audit::list, "Who did what"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
