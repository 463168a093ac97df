//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;
use tributary_forecast::MAX_HORIZON_DAYS;

use crate::adjust::{AdjustedUsage, CorrectUsage, VoidUsage};
use crate::events::{RecordUsage, RecordedUsage};
use crate::explain::ExplainedEvent;
use crate::exports::{ExportUsage, ExportView};
use crate::forecast::DEFAULT_HORIZON_DAYS;
use crate::forecast_views::ForecastView;
use crate::queued::BatchView;
use crate::report::{Granularity, ReportView};
use crate::summary::SummaryView;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [events(), adjustments(), reports(), exports(), forecasts()].concat()
}

fn events() -> Vec<Described> {
    vec![
        Described::new(
            "record_usage",
            "Usage",
            "Counts up to 1,000 events, each answered on its own: `accepted`, `duplicate` or `rejected` with a code. An event whose id was seen before in its \
             account never counts twice, so the same request may be sent again after any failure. Each event that counts is priced for every level up to the \
             meter's owner and moves the credit of all prepaid levels in one transaction. Takes CloudEvents too: in `events`, or as \
             `application/cloudevents+json` and `application/cloudevents-batch+json`.",
        )
        .takes::<RecordUsage>()
        .answers::<RecordedUsage>("What became of each event, in their order."),
        Described::new(
            "queue_usage",
            "Usage",
            "Takes up to 1,000 events to be counted later, as soon as may be. They are kept when this answers; what became of them is said by the batch. The \
             rights of the key are asked when they are counted.",
        )
        .takes::<RecordUsage>()
        .accepts::<BatchView>("The batch, waiting."),
        Described::new("get_usage_batch", "Usage", "How far a batch of events is that is counted later, and why those of its events that do not count do not.")
            .answers::<BatchView>("The batch."),
        Described::new(
            "explain_usage",
            "Usage",
            "How the charge for an event came about, rule by rule, at your own level and at those below it.",
        )
        .query::<wire::AccountId>("account_id", "The event's account; your own unless you name another.")
        .answers::<ExplainedEvent>("The event and its prices."),
    ]
}

fn adjustments() -> Vec<Described> {
    const REFUSALS: &[Code] = &[Code::Conflict, Code::InsufficientCredits, Code::AccountClosed];
    vec![
        Described::new(
            "void_usage",
            "Usage",
            "Takes an event back: each level is paid back what it paid. Refused with `conflict` if it was voided before, if its month is too long ago, or if its meter \
             takes the largest or the different values.",
        )
        .may_take::<VoidUsage>()
        .creates::<AdjustedUsage>("What was taken back.")
        .refuses(REFUSALS),
        Described::new(
            "correct_usage",
            "Usage",
            "Takes an event back and counts it with another quantity, by the prices of its own time, both in one step.",
        )
        .takes::<CorrectUsage>()
        .creates::<AdjustedUsage>("What was taken back, and what is counted instead.")
        .refuses(REFUSALS),
    ]
}

fn reports() -> Vec<Described> {
    vec![
        Described::new(
            "report_usage",
            "Usage",
            "Usage by period, with what your account pays for it (`cost`), what your direct sub-accounts pay you for it (`price`), and the difference. Of your own \
             account's usage there is only a cost. What was answered `accepted` is in the next report. Periods are in UTC; `from` and `to` are moved outwards to \
             whole hours. With `group_by=account` and `subtree` there is a row for each account with usage, in the order of the tree; `totals` are those of the \
             whole report, on its first page.",
        )
        .query::<wire::AccountId>("account_id", "Whose usage; your own unless you name another.")
        .flag("subtree", "With that of everything below it.")
        .time("from", "From when on; the beginning of the month that `to` ends or stands in unless given.")
        .time("to", "Until before when; now unless given. A report by hours has at most 31 days, by days 400, by months 60 months.")
        .query::<Granularity>("granularity", "How long the periods are; `day` unless given.")
        .query::<wire::GroupBy>("group_by", "What rows are kept apart by, beside their periods and currencies.")
        .paged()
        .answers::<ReportView>("The rows.")
        .refuses(&[Code::LimitReached, Code::BalanceOutOfRange]),
        Described::new(
            "summarise_usage",
            "Usage",
            "Today, this month, last month and its same days, with what your account pays and is paid; the sub-accounts and meters with the most money; and the \
             volume tier. What it costs to make does not depend on how much was used. The `ETag` changes with the account's usage and with each hour: with \
             `If-None-Match` the answer is 304 until then.",
        )
        .query::<wire::AccountId>("account_id", "Whose usage; your own unless you name another.")
        .flag("subtree", "With that of everything below it.")
        .query::<wire::Month>("period", "Another month than the running one.")
        .tagged()
        .answers::<SummaryView>("The figures.")
        .refuses(&[Code::LimitReached, Code::BalanceOutOfRange]),
    ]
}

fn exports() -> Vec<Described> {
    vec![
        Described::new(
            "export_usage",
            "Usage",
            "Asks for a file with a row for each event, void and correction that was counted until now, with the figures of your level: as CSV, JSON Lines or \
             Parquet. Get the export until it is completed; it is then kept for seven days. At most 5,000,000 rows.",
        )
        .takes::<ExportUsage>()
        .accepts::<ExportView>("The export, queued.")
        .refuses(&[Code::LimitReached]),
        Described::new("list_usage_exports", "Usage", "The exports that your account's keys asked for, newest first.")
            .paged()
            .answers::<PageView<ExportView>>("The exports, without links."),
        Described::new("get_usage_export", "Usage", "How far an export is. Each answer for a completed one has a fresh `download_url`, which works for 15 minutes.")
            .answers::<ExportView>("The export."),
    ]
}

fn forecasts() -> Vec<Described> {
    vec![
        Described::new(
            "forecast_usage",
            "Usage",
            "What the coming days will probably bring, from today on: the account's usage of a meter and everything below it, or without a meter what you \
             pay for all of it. With 80 % and 95 % intervals, the error that the same model would have had on the past, what the month will have cost at its end, \
             the day on which credit runs out, and the volume tier. Made once a day, and kept. With too little history `forecast` is null.",
        )
        .query::<wire::AccountId>("account_id", "Whose usage; your own account's unless you name another.")
        .query::<wire::MeterKey>("meter", "Of this meter; without it the forecast is of money.")
        .between("horizon_days", "How many days.", (1, MAX_HORIZON_DAYS), DEFAULT_HORIZON_DAYS)
        .answers::<ForecastView>("The forecast.")
        .refuses(&[Code::UnknownMeter, Code::NotABuyer]),
    ]
}
