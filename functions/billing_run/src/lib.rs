//! The billing run: lists every five minutes what can be billed, hands it to the invoice worker, and issues drafts whose time is over.

use std::error::Error;

use jiff::SignedDuration;
use metrics::counter;
use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_api::clocks::Clocks;
use tributary_billing::drafts;
use tributary_billing::run::{self, Started};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// No draft is begun with after so many seconds: the run must end before the function's timeout.
const LAST_S: i64 = 200;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// What was begun.
    #[serde(flatten)]
    pub started: Started,
    /// Drafts that were issued.
    pub issued: usize,
    /// Drafts that could not be issued; the next run tries again.
    pub failed: usize,
}

/// One call of the schedule. Safe to repeat, to overlap and to kill.
///
/// # Errors
/// When what is due cannot be listed, or a run not be begun; the schedule then tries again.
pub async fn handle(app: &App, _event: Value, request: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let until = app.now().checked_add(SignedDuration::from_secs(LAST_S))?;
    // Trees on test clocks are billed in their own time.
    let clocks = Clocks::read(app).await?;
    tributary_clocks::wake(app, &clocks).await?;
    let app = &clocks.aside().await?;
    let started = run::start_due(app, request).await;
    // Drafts are issued even where nothing new could be begun.
    let drafts = drafts::finalize_due(app, request, until).await;
    let summary = match (started, drafts) {
        (Ok(started), Ok(drafts)) => Ok(Summary { started, issued: drafts.issued, failed: drafts.failed }),
        (Err(error), _) => Err(error),
        (_, Err(error)) => Err(error.into()),
    };
    if let Ok(summary) = &summary {
        // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
        counter!("BillingRunFailures").increment((summary.failed + summary.started.given_up) as u64);
    }
    telemetry::flush([("request_id", json!(request.as_str()))]);
    Ok(serde_json::to_value(summary?)?)
}
