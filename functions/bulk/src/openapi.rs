//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::Described;
use tributary_api::reply::PageView;
use tributary_domain::rights::Right;

use crate::create::{BulkAccounts, BulkCredits, BulkNotifications, BulkUpdates};
use crate::uploads::UploadRows;
use crate::views::{JobView, ResultView, RowStatus, RowView, UploadView};

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    [starting(), watching(), steering()].concat()
}

fn starting() -> Vec<Described> {
    vec![
        Described::new(
            "bulk_credits",
            "Bulk",
            "Gives credit to up to 100,000 accounts below the payer. First every row gets its verdict. Then what all good rows need is taken from the payer at \
             once; with too little nothing is done, and the job pauses. Then each row is done, exactly once, some 95 in one transaction; what is left returns to \
             the payer. The same request again is the same job.",
        )
        .takes::<BulkCredits>()
        .accepts::<JobView>("The job, queued.")
        .also(Right::CreditsAllocate, "at the payer, and at each account"),
        Described::new("bulk_accounts", "Bulk", "Makes up to 100,000 accounts, each exactly once.")
            .takes::<BulkAccounts>()
            .accepts::<JobView>("The job, queued.")
            .also(Right::AccountsCreate, "at each parent"),
        Described::new("bulk_updates", "Bulk", "Edits up to 100,000 accounts. A column that is not given, or empty, leaves what is there.")
            .takes::<BulkUpdates>()
            .accepts::<JobView>("The job, queued.")
            .also(Right::AccountsUpdate, "at each account"),
        Described::new(
            "bulk_notifications",
            "Bulk",
            "Writes to up to 100,000 accounts: to the row's address, or to the account's. A dry run shows each as it would be sent.",
        )
        .takes::<BulkNotifications>()
        .accepts::<JobView>("The job, queued."),
        Described::new(
            "upload_bulk_rows",
            "Bulk",
            "Gives an address to which a file of rows is uploaded with `PUT`, within an hour: exactly as many bytes of exactly that type. A job then names it by \
             `upload_id`.",
        )
        .takes::<UploadRows>()
        .creates::<UploadView>("The address."),
    ]
}

fn watching() -> Vec<Described> {
    vec![
        Described::new("list_bulk_jobs", "Bulk", "The jobs that your account's keys asked for, newest first.")
            .paged()
            .answers::<PageView<JobView>>("The jobs."),
        Described::new("get_bulk_job", "Bulk", "How far a job is, and how many of its rows are done.").answers::<JobView>("The job."),
        Described::new("list_bulk_rows", "Bulk", "The rows of a job in their order, each with its verdict, and with what became of it.")
            .query::<RowStatus>("status", "Only rows that stand so.")
            .paged()
            .answers::<PageView<RowView>>("The rows."),
        Described::new(
            "get_bulk_result",
            "Bulk",
            "A link, good for 15 minutes, to a CSV with a line for each row: how it stands, why, and what it said. Kept for 30 days.",
        )
        .answers::<ResultView>("The link.")
        .refuses(&[Code::Conflict]),
    ]
}

fn steering() -> Vec<Described> {
    let steered = |operation, text| Described::new(operation, "Bulk", text).accepts::<JobView>("The job.").refuses(&[Code::Conflict]);
    vec![
        steered("apply_bulk_job", "Does what a dry run planned."),
        steered("pause_bulk_job", "Stops a job. What a transaction has begun is finished; nothing more is begun."),
        steered("resume_bulk_job", "Lets a paused job go on from where it stood, with the rights of this key."),
        steered("cancel_bulk_job", "Ends a job. What is done stays done, the rest stays untouched, and what is left of the payer's credit returns to it."),
        steered("retry_bulk_job", "Gives the failed rows of a job another verdict, and does those that are good now."),
        steered(
            "undo_bulk_job",
            "Takes the credit of a job's rows back to the payer: of each account that still has as much, without going below zero. Rows whose credit is spent stay \
             done, with the reason.",
        )
        .also(Right::CreditsReverse, "at the payer, and at each account"),
    ]
}
