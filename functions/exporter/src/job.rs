//! One export, from its request to its file.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tributary_api::App;
use tributary_domain::id::{AccountId, ExportId};
use tributary_domain::ledger::EntryKind;
use tributary_domain::pricing::rate::MAX_LATE_DAYS;
use tributary_metering::record::{self, UsageRecord};
use tributary_store::error::{Denied, StoreError};
use tributary_store::exports::{Export, ExportSource, ExportStatus};

use crate::file::{FileError, Sink};
use crate::rows::Names;

/// The most rows of a file.
pub const MAX_ROWS: u64 = 5_000_000;
/// How many entries are read at once.
const AT_ONCE: usize = 500;
/// How often a change of the export is tried when another one comes first.
const RACES: u32 = 10;

/// A message of the export queue.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// The export to make.
    pub export_id: ExportId,
}

/// Why there will be no file, in words for who asked.
#[derive(Debug, thiserror::Error)]
enum Hopeless {
    #[error("there are more than {MAX_ROWS} rows; ask for a shorter time or a smaller subtree")]
    TooManyRows,
}

/// Makes the file of an export, if it is not made. The same file each time: it holds what was counted when it was asked for.
///
/// # Errors
/// When it could not be made now; the message is given again.
pub async fn make(app: &App, told: &Told) -> Result<(), FileError> {
    let export = match app.store().export(&told.export_id).await {
        Ok(export) => export,
        // The request that sent this was refused after all; nobody waits for it.
        Err(StoreError::Denied(Denied::Absent)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match export.status {
        ExportStatus::Queued | ExportStatus::Running => {}
        ExportStatus::Completed | ExportStatus::Failed | ExportStatus::Expired => return Ok(()),
    }
    change(app, &export.id, |export| export.status = ExportStatus::Running).await?;
    let file = tempfile::NamedTempFile::new()?;
    let mut sink = Sink::new(export.format, file.reopen()?)?;
    let rows = match write(app, &export, &mut sink).await {
        Ok(rows) => rows,
        Err(error) => match error.downcast_ref::<Hopeless>() {
            Some(hopeless) => return fail(app, &export.id, &hopeless.to_string()).await,
            None => return Err(error),
        },
    };
    sink.finish()?;
    let bytes = file.as_file().metadata()?.len();
    app.blobs().put_file(&export.blob(), file.path(), export.format.media_type()).await?;
    let now = app.now();
    change(app, &export.id, |export| {
        export.status = ExportStatus::Completed;
        export.rows = Some(rows);
        export.bytes = Some(bytes);
        export.ended_at = Some(now);
    })
    .await
}

/// Says that there will be no file.
///
/// # Errors
/// Table errors.
pub async fn fail(app: &App, id: &ExportId, why: &str) -> Result<(), FileError> {
    let now = app.now();
    change(app, id, |export| {
        export.status = ExportStatus::Failed;
        export.error = Some(why.to_owned());
        export.ended_at = Some(now);
    })
    .await
}

/// Changes an export that has not ended; one that has stays as it is.
async fn change(app: &App, id: &ExportId, change: impl Fn(&mut Export)) -> Result<(), FileError> {
    for _ in 0..RACES {
        let mut export = app.store().export(id).await?;
        if !matches!(export.status, ExportStatus::Queued | ExportStatus::Running) {
            return Ok(());
        }
        change(&mut export);
        if app.store().keep_export(&export).await?.is_some() {
            return Ok(());
        }
    }
    Err(StoreError::Busy.into())
}

/// Writes every row, and says how many.
async fn write(app: &App, export: &Export, sink: &mut Sink) -> Result<u64, FileError> {
    let (mut names, mut rows) = (Names::default(), 0);
    for source in &export.sources {
        rows = write_source(app, export, source, sink, &mut names, rows).await?;
    }
    Ok(rows)
}

async fn write_source(
    app: &App,
    export: &Export,
    source: &ExportSource,
    sink: &mut Sink,
    names: &mut Names,
    mut rows: u64,
) -> Result<u64, FileError> {
    // Usage is counted at most five minutes before it occurs, and at most 35 days after; what takes it back, at any time.
    let earliest = export.from.checked_sub(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MIN);
    let latest = export.to.checked_add(SignedDuration::from_hours(24 * (MAX_LATE_DAYS + 1))).unwrap_or(Timestamp::MAX);
    let mut above = app.store().first_entry_since(&source.account_id, earliest).await? - 1;
    while above < source.through {
        let (entries, last) = app.store().usage_entries(&source.account_id, above, AT_ONCE).await?;
        let Some(last) = last else { return Ok(rows) };
        above = last;
        for usage in entries {
            let after = &usage.entry.after;
            let late = after.at >= latest && usage.entry.kind != EntryKind::UsageAdjustment;
            let others = !export.subtree && usage.own_events == 0 && usage.entry.kind != EntryKind::UsageAdjustment;
            let Some(batch) = usage.entry.transfer_id.as_ref().filter(|_| after.seq <= source.through && !late && !others) else {
                continue;
            };
            let records = record::read(app.blobs(), batch).await?;
            let wanted: Vec<&UsageRecord> = records.iter().filter(|record| is_asked_for(export, &source.account_id, record)).collect();
            names.learn(app, &wanted).await?;
            for record in wanted {
                let Some(row) = names.row(record, &export.asked_by)? else { continue };
                rows += 1;
                if rows > MAX_ROWS {
                    return Err(Hopeless::TooManyRows.into());
                }
                sink.write(row)?;
            }
        }
    }
    Ok(rows)
}

fn is_asked_for(export: &Export, source: &AccountId, record: &UsageRecord) -> bool {
    let (rated, at) = (&record.rated, record.event.occurred_at);
    let on_the_way = || rated.owner == *source || rated.levels.iter().any(|level| level.payer == *source);
    let whose = if export.subtree { on_the_way() } else { rated.account == *source };
    whose && export.from <= at && at < export.to
}
