//! The notifier function on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tributary_api::App;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::on_lambda("notifier");
    let app = App::from_env().await?;
    let senders = tributary_notifier::settings::from_env().await?;
    let (app, senders) = (&app, &senders);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let run = app.run_id(&event.context.request_id);
        tributary_notifier::handle(app, senders, event.payload, &run).await
    }))
    .await
}
