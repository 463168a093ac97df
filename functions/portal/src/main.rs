//! The portal function on Lambda.

use tributary_api::App;
use tributary_runtime::telemetry::{Format, init};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    init(Format::Json, "info");
    let app = App::from_env().await?;
    lambda_http::run(tributary_portal::router(app)).await
}
