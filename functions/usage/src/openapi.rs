//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};

use crate::adjust::{AdjustedUsage, CorrectUsage, VoidUsage};
use crate::events::{RecordUsage, RecordedUsage};
use crate::explain::ExplainedEvent;
use crate::queued::BatchView;

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [events(), adjustments()].concat()
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
            "Takes an event back: each level is paid back what it paid. Refused with `conflict` if it was voided before, if its month was billed, or if its meter \
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
