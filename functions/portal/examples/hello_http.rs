//! The smallest HTTP function there can be, to measure the others beside it: `scripts/cold-start.sh`. Never shipped.

use axum::Router;
use axum::routing::get;

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::run(Router::new().route("/health", get(async || "hello"))).await
}
