//! The collector: every five minutes it collects what is due, from credit and by card, asks what became of payments, chases invoices that are not paid, and
//! tells of disputes whose answer is overdue.

use std::error::Error;

use jiff::SignedDuration;
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::{App, clocks};
use tributary_billing::{Desk, due};
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;

/// Nothing is begun with after so many seconds: the run must end before the function's timeout, however long a processor takes.
const LAST_S: i64 = 100;

/// One call of the schedule. Safe to repeat, to overlap and to kill.
///
/// # Errors
/// When what is due cannot be listed; the schedule then tries again.
pub async fn handle(app: &App, _event: Value, request: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let until = app.now().checked_add(SignedDuration::from_secs(LAST_S))?;
    let desk = Desk::of(&clocks::aside(app).await?, request.clone());
    let ran = due::run(&desk, until).await;
    if let Ok(ran) = &ran {
        // The names are those of the alarms in `template.yaml`. Zeros are not sent: no data is good news there.
        counter!("CollectionFailures").increment(ran.failed as u64);
        tracing::info!(
            request_id = request.as_str(),
            invoices = ran.invoices,
            payments = ran.payments,
            disputes = ran.disputes,
            failed = ran.failed,
            cut_short = ran.cut_short,
            "what was due is collected"
        );
    }
    telemetry::flush([("request_id", json!(request.as_str()))]);
    Ok(serde_json::to_value(ran?)?)
}
