//! Reconciliation, on a schedule: walks every ledger against its balances, says what does not add up, and freezes the
//! account. See `docs/adr/0009-reconcile.md`.
//!
//! `pass.rs` is what is kept between two runs, `walk.rs` goes on with it.

mod pass;
mod walk;

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use serde::Serialize;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::id::RequestId;
use tributary_runtime::telemetry;
use tributary_store::Store;
use tributary_store::error::StoreError;
use uuid::Uuid;

pub use pass::{Counts, Finding, Record};

/// How long a run works: well below the function's timeout, so that it always ends by itself and keeps how far it is.
const RUN_LASTS_S: i64 = 180;
/// The most entries a run reads.
const ENTRIES_A_RUN: usize = 20_000_000;
/// Between two looks at what stands beside a ledger: a transaction is over by then.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// A pass begins this long after the last one began, unless said otherwise; sooner after one that named unbalanced
/// transfers.
pub const PASSES_BEGIN_APART_S: i64 = 24 * 3_600;

/// What one run may use.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The most entries; the run ends with the page that reaches it.
    pub entries: usize,
    /// When it ends.
    pub until: Timestamp,
    /// How long after a pass began the next one may begin, in seconds.
    pub passes_apart_s: i64,
}

/// Where a run gets its time and its ids.
pub trait Source: Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// A fresh UUIDv7.
    fn uuid(&self) -> Uuid;

    /// Lets a second go by between two looks at the same ledger. Nothing waits where time is not real.
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    /// The id of the run.
    fn run_id(&self) -> RequestId {
        RequestId::from_uuid(self.uuid())
    }
}

impl Source for App {
    fn now(&self) -> Timestamp {
        App::now(self)
    }

    fn uuid(&self) -> Uuid {
        App::uuid(self)
    }
}

/// A run of the function: the app's time and ids, under the invocation's own.
struct Run<'a> {
    app: &'a App,
    id: &'a RequestId,
}

impl Source for Run<'_> {
    fn now(&self) -> Timestamp {
        self.app.now()
    }

    fn uuid(&self) -> Uuid {
        self.app.uuid()
    }

    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(BETWEEN_LOOKS))
    }

    fn run_id(&self) -> RequestId {
        self.id.clone()
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Accounts whose books were gone through to the end.
    pub accounts: usize,
    /// Entries read, those of system ledgers included.
    pub entries: usize,
    /// Open holds compared.
    pub holds: usize,
    /// Contradictions found.
    pub drift: usize,
    /// Accounts frozen.
    pub frozen: usize,
    /// Ledgers that could not be read now, and accounts that could not be frozen now or were one too many for a pass.
    pub failed: usize,
    /// Whether the run finished a pass.
    pub pass_complete: bool,
    /// Seconds since a pass was last finished; before the first, since the first began.
    pub pass_age_s: i64,
    /// What was found, the first of it.
    pub findings: Vec<Finding>,
}

/// One run on Lambda or in the local run. Safe to repeat, to overlap and to be killed. Passes begin `passes_apart_s` apart.
///
/// # Errors
/// When the table does not answer for too long; the next run goes on where the last one kept how far it was.
pub async fn handle(app: &App, _event: Value, run: &RequestId, passes_apart_s: i64) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let until = app.now().checked_add(SignedDuration::from_secs(RUN_LASTS_S))?;
    let budget = Budget { entries: ENTRIES_A_RUN, until, passes_apart_s };
    let (summary, error) = walk::run(app.store(), &Run { app, id: run }, &budget).await?;
    // What was found by a run that failed, and how old the last pass is, must be seen too.
    measure(&summary, run, passes_apart_s);
    if let Some(error) = error {
        return Err(error.into());
    }
    Ok(serde_json::to_value(summary)?)
}

/// One run within a budget.
///
/// # Errors
/// As [`handle`].
pub async fn run(store: &Store, source: &dyn Source, budget: &Budget) -> Result<Summary, StoreError> {
    let (summary, error) = walk::run(store, source, budget).await?;
    error.map_or(Ok(summary), Err)
}

/// The names are those of the dashboard and the alarms in `template.yaml`.
#[allow(clippy::cast_precision_loss)]
fn measure(summary: &Summary, run: &RequestId, passes_apart_s: i64) {
    gauge!("LedgerDrift").set(summary.drift as f64);
    gauge!("AccountsFrozen").set(summary.frozen as f64);
    gauge!("ReconciledAccounts").set(summary.accounts as f64);
    gauge!("ReconciledEntries").set(summary.entries as f64);
    gauge!("ReconcilePassAgeSeconds").set(summary.pass_age_s as f64);
    gauge!("ReconcileOverdueSeconds").set((summary.pass_age_s - passes_apart_s).max(0) as f64);
    let line = [
        ("request_id", json!(run.as_str())),
        ("failed", json!(summary.failed)),
        ("pass_complete", json!(summary.pass_complete)),
        ("message", json!("reconciled")),
    ];
    if !telemetry::flush(line) {
        let Summary { drift, frozen, accounts, entries, failed, .. } = summary;
        tracing::info!(request_id = run.as_str(), drift, frozen, accounts, entries, failed, "reconciled");
    }
}
