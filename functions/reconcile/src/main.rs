//! The reconcile function on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tributary_api::App;
use tributary_runtime::telemetry::{Format, init};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    init(Format::Json, "info");
    let app = App::from_env().await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| tributary_reconcile::handle(app, event.payload).await)).await
}
