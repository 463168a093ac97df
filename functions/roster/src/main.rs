//! The roster function on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tributary_api::App;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::on_lambda("roster");
    let app = App::without_keys().await?;
    let app = &app;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let run = app.run_id(&event.context.request_id);
        tributary_roster::handle(app, event.payload, &run).await
    }))
    .await
}
