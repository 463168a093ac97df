//! What changed in the table, told to the rosters that it concerns.

use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use serde_json::{Value, json};
use tributary_api::App;
use tributary_domain::id::RequestId;
use tributary_insights::change::RowChange;
use tributary_insights::facts::{ToldTo, take_in, take_in_moved};
use tributary_store::error::StoreError;
use tributary_store::rosters;

/// A roster is folded at the latest so long after something was told to it. Whoever reads it sees what was told at once, but each fold writes all of it.
const FOLDED_WITHIN_S: i64 = 5 * 60;
/// And so long after so much was told at once: what is told must stay within one page of a query.
const MUCH_WITHIN_S: i64 = 60;
const MUCH: usize = 20;
/// How many accounts are told at once: an item may have 400 KB, and all that is known of a moved account takes some.
const TOLD_AT_ONCE: usize = 50;

/// Tells each roster what a batch of changes means to it: one item and one more write for each roster, however many changes. Answered with the
/// first change if not all could be told; told twice, they are told once.
pub async fn hear(app: &App, changes: &[Value], run: &RequestId) -> Value {
    let first = changes.first().map(|change| change["dynamodb"]["SequenceNumber"].clone());
    match tell(app, changes, run).await {
        Ok(told) => {
            counter!("RosterChanges").increment(told as u64);
            json!({ "batchItemFailures": [] })
        }
        Err(error) => {
            counter!("RosterFailures").increment(1);
            tracing::error!(request_id = run.as_str(), error = %error, "changes could not be told to rosters; they are given again");
            json!({ "batchItemFailures": first.iter().map(|number| json!({ "itemIdentifier": number })).collect::<Vec<_>>() })
        }
    }
}

async fn tell(app: &App, changes: &[Value], run: &RequestId) -> Result<usize, StoreError> {
    let now = app.platform_now();
    let (mut told, mut moved) = (ToldTo::new(), Vec::new());
    let unreadable = |sequence_number: &str, error: StoreError| {
        // It would hold up every account of its shard until the stream forgets it. A rebuild reads what can be read.
        counter!("RosterUnreadable").increment(1);
        tracing::error!(request_id = run.as_str(), sequence_number, error = %error, "a change of the table cannot be told to rosters");
    };
    for change in changes {
        let number = change["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
        match rosters::heard(&change["dynamodb"]) {
            Ok(None) => {}
            Ok(Some(heard)) => match take_in(app, &mut told, heard, now).await {
                Ok(elsewhere) => moved.extend(elsewhere),
                Err(error @ StoreError::Corrupt(_)) => unreadable(number, error),
                Err(error) => return Err(error),
            },
            Err(error) => unreadable(number, error),
        }
    }
    for error in take_in_moved(app, &mut told, moved).await? {
        unreadable("", error);
    }
    let Some(name) = name_of(changes, now) else { return Ok(0) };
    let mut count = 0;
    for (owner, rows) in told {
        let rows: Vec<RowChange> = rows.into_values().collect();
        for (part, rows) in rows.chunks(TOLD_AT_ONCE).enumerate() {
            app.store().tell_roster(&owner, &format!("{name}-{part:03}"), now, &rows).await?;
            count += rows.len();
        }
        let within = if rows.len() >= MUCH { MUCH_WITHIN_S } else { FOLDED_WITHIN_S };
        let due = now.checked_add(SignedDuration::from_secs(within)).unwrap_or(now);
        // Behind what was told: who folds takes the mark first, and then reads.
        app.store().fold_roster_by(&owner, due).await?;
    }
    Ok(count)
}

/// What a batch is called: by its first and last change, so that the same batch has the same name however often it is given.
fn name_of(changes: &[Value], now: Timestamp) -> Option<String> {
    let number = |change: &Value| change["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned);
    let made = |change: &Value| change["dynamodb"]["ApproximateCreationDateTime"].as_f64();
    let (first, last) = (changes.first()?, changes.last()?);
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
    let at = made(first).map_or(now.as_second(), |seconds| seconds as i64);
    Some(format!("{at:012}-{}-{}", number(first)?, number(last)?))
}
