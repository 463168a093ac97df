//! The admin function on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tributary_api::App;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::on_lambda("admin");
    let app = App::from_env().await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let request = app.run_id(&event.context.request_id);
        tributary_admin::handle(app, event.payload, &request).await
    }))
    .await
}
