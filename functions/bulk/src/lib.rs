//! The bulk function: starting, watching and steering jobs of many rows.

use axum::Router;
use tributary_api::endpoint::Access::Right as Needs;
use tributary_api::{App, Endpoint, endpoint};
use tributary_domain::rights::Right;

pub mod create;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod rows;
pub mod seen;
pub mod steer;
pub mod uploads;
pub mod views;

/// Every route of the function.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        endpoint!(POST "/reseller/bulk/credits", "bulk_credits", Needs(Right::BulkManage), Required, create::credits, "Give credit to many accounts").with_rows(),
        endpoint!(POST "/reseller/bulk/accounts", "bulk_accounts", Needs(Right::BulkManage), Required, create::accounts, "Make many accounts").with_rows(),
        endpoint!(POST "/reseller/bulk/updates", "bulk_updates", Needs(Right::BulkManage), Required, create::updates, "Edit many accounts").with_rows(),
        endpoint!(POST "/reseller/bulk/notifications", "bulk_notifications", Needs(Right::BulkManage), Required, create::notifications, "Write to many accounts").with_rows(),
        endpoint!(POST "/reseller/bulk/uploads", "upload_bulk_rows", Needs(Right::BulkManage), Accepted, uploads::create, "Get an address to upload rows to"),
        endpoint!(GET "/reseller/bulk", "list_bulk_jobs", Needs(Right::BulkRead), Unused, seen::list, "The jobs that were asked for"),
        endpoint!(GET "/reseller/bulk/{id}", "get_bulk_job", Needs(Right::BulkRead), Unused, seen::get, "How far a job is"),
        endpoint!(GET "/reseller/bulk/{id}/rows", "list_bulk_rows", Needs(Right::BulkRead), Unused, rows::list, "The rows of a job, and what became of each"),
        endpoint!(GET "/reseller/bulk/{id}/result", "get_bulk_result", Needs(Right::BulkRead), Unused, seen::result, "Where the file of what became of each row is downloaded"),
        endpoint!(POST "/reseller/bulk/{id}/apply", "apply_bulk_job", Needs(Right::BulkManage), Unused, steer::apply, "Do what a dry run planned"),
        endpoint!(POST "/reseller/bulk/{id}/pause", "pause_bulk_job", Needs(Right::BulkManage), Unused, steer::pause, "Stop a job for now"),
        endpoint!(POST "/reseller/bulk/{id}/resume", "resume_bulk_job", Needs(Right::BulkManage), Unused, steer::resume, "Let a paused job go on"),
        endpoint!(POST "/reseller/bulk/{id}/cancel", "cancel_bulk_job", Needs(Right::BulkManage), Unused, steer::cancel, "End a job; what is left returns to the payer"),
        endpoint!(POST "/reseller/bulk/{id}/retry", "retry_bulk_job", Needs(Right::BulkManage), Unused, steer::retry, "Try the failed rows of a job again"),
        endpoint!(POST "/reseller/bulk/{id}/undo", "undo_bulk_job", Needs(Right::BulkManage), Unused, steer::undo, "Take the credit of a job back, where it is still there"),
    ]
}

/// The function's router.
pub fn router(app: App) -> Router {
    tributary_api::router::router(app, endpoints())
}
