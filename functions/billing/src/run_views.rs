//! What the API shows of runs of billing.

use jiff::Timestamp;
use serde::Serialize;
#[cfg(feature = "openapi")]
use tributary_api::openapi::wire;
use tributary_domain::billing::run::{Row, RowLine, RowState, RunState};
use tributary_domain::id::{AccountId, InvoiceId, RunId};
use tributary_domain::money::{Currency, Micros};
use tributary_domain::pricing::month::Month;
use tributary_store::runs::RunKept;

/// A run of billing.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingRun))]
pub struct RunView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::RunId))]
    pub id: RunId,
    /// Who asked for it; the operator's for one of the schedule.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// With which account and those below it; the asking account itself stands for all below it. Null for one of the schedule.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::AccountId>, required))]
    pub of_account_id: Option<AccountId>,
    /// The month whose invoices are meant; null for one of the schedule, which bills what is due.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Month>, required))]
    pub month: Option<Month>,
    /// Nothing was made but the result.
    pub dry_run: bool,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BillingRunState))]
    pub state: RunState,
    /// Periods are billed that can be closed by then.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub as_of: Timestamp,
    /// How many chunks of accounts it has, once they are listed.
    pub chunks: u32,
    /// How many of them are done.
    pub done: u32,
    /// Accounts that were looked at, once it is completed.
    pub accounts: u64,
    /// Invoices that were made, were there already, or in a dry run would be.
    pub invoices: u64,
    /// Periods that were closed without anything to bill.
    pub empty: u64,
    /// Accounts that could not be billed.
    pub failed: u64,
    /// SHA-256 over what was billed, once it is completed: the same for the same invoices.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub digest: Option<String>,
    /// When it began.
    #[serde(serialize_with = "tributary_api::time::millis")]
    pub created_at: Timestamp,
    /// When it was completed.
    #[serde(serialize_with = "tributary_api::time::millis_or_null")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ended_at: Option<Timestamp>,
}

impl From<RunKept> for RunView {
    fn from(RunKept { run, done }: RunKept) -> Self {
        let dry_run = run.is_dry();
        let (of_account_id, month) = run.asked.map(|asked| (asked.account_id, asked.month)).unzip();
        Self {
            id: run.id,
            account_id: run.account_id,
            of_account_id,
            month,
            dry_run,
            state: run.state,
            as_of: run.as_of,
            chunks: run.chunks,
            done,
            accounts: run.counts.accounts,
            invoices: run.counts.invoices,
            empty: run.counts.empty,
            failed: run.counts.failed,
            digest: run.digest,
            created_at: run.created_at,
            ended_at: run.ended_at,
        }
    }
}

/// One line of the difference.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingRunLine))]
pub struct RowLineView {
    /// The line's id.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::LineId))]
    pub id: String,
    /// What it says.
    pub text: String,
    /// What it comes to, or would.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub amount: Micros,
    /// What is there already.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub there: Micros,
}

/// What a run says of one account and invoice.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BillingRunRow))]
pub struct RowView {
    /// Who is billed.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub account_id: AccountId,
    /// By whom.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::AccountId))]
    pub seller_id: AccountId,
    /// The month in which the period begins.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Month))]
    pub month: Month,
    /// Which part of it.
    pub part: u32,
    /// What became of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::BillingRunRowState))]
    pub state: RowState,
    /// The invoice, if there is or would be one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::InvoiceId>, required))]
    pub invoice_id: Option<InvoiceId>,
    /// The currency of the amounts.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<wire::Currency>, required))]
    pub currency: Option<Currency>,
    /// What the invoice comes to, or would.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub total: Micros,
    /// What is to be paid of it.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub due: Micros,
    /// What is there already.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub there: Micros,
    /// `total` less `there`: what the run charges, or would.
    #[cfg_attr(feature = "openapi", schema(value_type = wire::Credit))]
    pub difference: Micros,
    /// The lines.
    pub lines: Vec<RowLineView>,
    /// What was wrong.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<String>,
}

impl From<Row> for RowView {
    fn from(row: Row) -> Self {
        let line = |RowLine { id, text, amount, there }: RowLine| RowLineView { id, text, amount, there };
        Self {
            account_id: row.account_id,
            seller_id: row.seller_id,
            month: row.period,
            part: row.part,
            state: row.state,
            invoice_id: row.invoice_id,
            currency: row.currency,
            total: row.total,
            due: row.due,
            there: row.there,
            difference: row.difference,
            lines: row.lines.into_iter().map(line).collect(),
            error: row.error,
        }
    }
}
