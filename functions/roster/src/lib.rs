//! Rosters, kept up to date. The function is called with what changed in the table, and tells it to the rosters that it concerns; by a
//! schedule each minute, and folds what was told into the rosters' blobs; and by hand, to build a roster anew from the table:
//! `{"action": "rebuild", "account_id": "acc_…"}`.

pub mod due;
pub mod hear;

use std::error::Error;

use metrics::counter;
use serde::Deserialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::id::{AccountId, RequestId};
use tributary_insights::fold::{Folded, fold};
use tributary_runtime::telemetry;

/// What the function is asked to do by hand.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    /// Build an account's roster anew from the table.
    Rebuild {
        /// Whose.
        account_id: AccountId,
    },
}

/// One call. Changes are answered with the first that could not be told, from which on the stream gives them again; a scheduled run with its
/// [`due::Summary`]. Safe to repeat, and to be killed at any point.
///
/// # Errors
/// When a scheduled run cannot list what is due, or a roster cannot be built.
pub async fn handle(app: &App, event: Value, run: &RequestId) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let answer = if let Some(changes) = event["Records"].as_array() {
        hear::hear(app, changes, run).await
    } else if event.get("action").is_some() {
        rebuild(app, serde_json::from_value(event)?).await?
    } else {
        let summary = due::run(app, run).await?;
        counter!("RostersFolded").increment(summary.folded as u64);
        counter!("RosterFailures").increment(summary.failed as u64);
        serde_json::to_value(summary)?
    };
    telemetry::flush([("request_id", json!(run.as_str()))]);
    Ok(answer)
}

async fn rebuild(app: &App, asked: Asked) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let Asked::Rebuild { account_id } = asked;
    match fold(app, &account_id, true).await? {
        Folded::Told(_) | Folded::Nothing => Ok(json!({ "rebuilt": account_id })),
        Folded::Another => Err("another run has this roster at the moment; try again in a quarter of an hour".into()),
    }
}
