//! The credits function on Lambda.

use tributary_api::App;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::on_lambda("credits");
    let app = App::from_env().await?.charging_from_env()?;
    lambda_http::run(tributary_credits::router(app)).await
}
