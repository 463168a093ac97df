//! The reconcile function on Lambda.

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tributary_api::App;
use tributary_reconcile::PASSES_BEGIN_APART_S;
use tributary_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    telemetry::on_lambda("reconcile");
    let app = App::without_keys().await?;
    let app = &app;
    let hours = std::env::var("RECONCILE_EVERY_HOURS").ok().and_then(|hours| hours.parse::<i64>().ok());
    let passes_apart_s = hours.map_or(PASSES_BEGIN_APART_S, |hours| hours.saturating_mul(3_600));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let run = app.run_id(&event.context.request_id);
        tributary_reconcile::handle(app, event.payload, &run, passes_apart_s).await
    }))
    .await
}
