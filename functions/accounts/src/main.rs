//! The accounts function on Lambda.

use std::sync::Arc;

use tributary_api::App;
use tributary_runtime::dns::SystemDns;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::on_lambda("accounts");
    let app = App::from_env().await?.resolving(Arc::new(SystemDns));
    lambda_http::run(tributary_accounts::router(app)).await
}
