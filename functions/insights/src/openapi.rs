//! What `docs/openapi.json` says of this function's operations.

use tributary_api::Code;
use tributary_api::openapi::{Described, wire};
use tributary_api::reply::PageView;

use crate::accounts::AccountsView;
use crate::acquisition::AcquisitionView;
use crate::attribution::AttributionView;
use crate::audit::AuditView;
use crate::churn::ChurnView;
use crate::csv_file::FileView;
use crate::overview::OverviewView;
use crate::profitability::{By, ProfitabilityView};
use crate::spend::{SpendBody, SpendView};

const WHOSE: &str = "Whose subtree; your own account's unless you name another of it. Amounts are those of your own account in any case.";
const FROM: &str = "The first month, such as 2026-01; at most 36 months.";
const TO: &str = "The last month; the running one unless you name another.";

/// The parameters that the grid and its file share.
fn filtered(described: Described) -> Described {
    described
        .query::<wire::AccountId>("account_id", WHOSE)
        .search("q", "Only accounts whose name, external id or address contains this, whatever its case; or the one of this id.", 100)
        .query::<wire::AccountStatus>("status", "Only of this state in force.")
        .query::<wire::Kind>("kind", "Only of this kind.")
        .query::<wire::AccountId>("parent_id", "Only right below this account.")
        .query::<wire::TagFilter>("tag", "Only with this tag: `region`, or with a value `region:emea`.")
        .flag("at_risk", "Only accounts at risk.")
        .query::<wire::InsightsSort>("sort", "The order; with a `-` before it the highest first. Accounts without such a value stand last.")
}

/// Every operation, described.
pub fn operations() -> Vec<Described> {
    vec![
        Described::new(
            "get_insights_overview",
            "Insights",
            "The figures of a dashboard's first view. A customer sees its own credit and what it spent, and nothing of cost, margin or others. `If-None-Match` with the `ETag` is answered 304.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .query::<wire::InsightsPeriodWord>("period", "A month, such as `2026-11`, or `month` for the running one.")
        .answers::<OverviewView>("The overview.")
        .tagged()
        .refuses(&[Code::LimitReached]),
        filtered(Described::new(
            "list_insights_accounts",
            "Insights",
            "The accounts below, with their credit and what they bring in, searched, filtered and sorted over all of them. `If-None-Match` with the `ETag` is answered 304.",
        ))
        .between("limit", "The most rows of the page.", (1, 200), 50)
        .between("offset", "How many rows are passed over.", (0, 1_000_000), 0)
        .answers::<AccountsView>("A page of accounts.")
        .tagged(),
        filtered(Described::new(
            "get_insights_accounts_csv",
            "Insights",
            "The same as a file of comma-separated values, at most 100,000 accounts. A text that a spreadsheet would take for a formula begins with an apostrophe.",
        ))
        .answers::<FileView>("Where the file is.")
        .refuses(&[Code::LimitReached]),
        Described::new(
            "get_insights_attribution",
            "Insights",
            "Where revenue comes from: by month and by how far below your account usage happened, by direct sub-account and by meter; and step by step from what you are paid to what you keep.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .query::<wire::Month>("from", FROM)
        .query::<wire::Month>("to", TO)
        .answers::<AttributionView>("Where revenue comes from.")
        .refuses(&[Code::LimitReached]),
        Described::new(
            "get_insights_profitability",
            "Insights",
            "What is kept of a month's revenue by direct sub-account, meter or level, the smallest margin first. An alert on `loss` with `subtree` tells of losses when they happen.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .query::<wire::Month>("month", "The month; the running one unless you name another.")
        .query::<By>("by", "By what.")
        .between("limit", "The most rows of the page.", (1, 200), 50)
        .between("offset", "How many rows are passed over.", (0, 1_000_000), 0)
        .answers::<ProfitabilityView>("What is kept.")
        .refuses(&[Code::LimitReached]),
        Described::new(
            "get_insights_churn",
            "Insights",
            "Who stays and who leaves: accounts and revenue by month, cohorts, the Kaplan-Meier estimate, and who is about to leave. `definitions` says what each figure means.",
        )
        .query::<wire::AccountId>("account_id", WHOSE)
        .between("months", "How many whole months.", (1, 36), 12)
        .answers::<ChurnView>("Churn."),
        Described::new(
            "get_insights_acquisition",
            "Insights",
            "What a new direct sub-account cost and when it is paid back, by the tags `channel` and `campaign` of accounts and the spending written down.",
        )
        .query::<wire::Month>("from", FROM)
        .query::<wire::Month>("to", TO)
        .between("limit", "The most rows of the page.", (1, 200), 50)
        .between("offset", "How many rows are passed over.", (0, 1_000_000), 0)
        .answers::<AcquisitionView>("Acquisition.")
        .refuses(&[Code::LimitReached]),
        Described::new("record_spend", "Insights", "Writes down what your account spent on being found, by channel, campaign and month.")
            .takes::<SpendBody>()
            .creates::<SpendView>("What was written down.")
            .refuses(&[Code::AccountClosed]),
        Described::new("list_spend", "Insights", "What your account spent, the earliest month first; what was taken back is marked.")
            .query::<wire::Month>("from", FROM)
            .query::<wire::Month>("to", TO)
            .paged()
            .answers::<PageView<SpendView>>("A page."),
        Described::new("remove_spend", "Insights", "Takes back what was written down, by a record that counters it.")
            .answers::<SpendView>("What was taken back.")
            .refuses(&[Code::Conflict, Code::AccountClosed]),
        Described::new(
            "list_audit",
            "Insights",
            "Who did what to an account, newest first. With a rare filter a page may be short and still name a cursor.",
        )
        .query::<wire::AccountId>("account_id", "Whose records; your own account's unless you name another of your subtree.")
        .flag("subtree", "With those of all accounts below it, at most 200.")
        .query::<wire::AuditKind>("kind", "Only of this kind, or of a family: `account.*`.")
        .query::<wire::ActorId>("actor", "Only what this key or member did.")
        .time("from", "Not before this time.")
        .time("to", "Before this time.")
        .paged()
        .answers::<PageView<AuditView>>("A page of records.")
        .refuses(&[Code::LimitReached]),
    ]
}
