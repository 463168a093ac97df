//! The portal function on Lambda.

use tributary_api::App;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::on_lambda("portal");
    let app = App::from_env().await?;
    lambda_http::run(tributary_portal::router(app)).await
}
