//! Keys of the table: each entity's in one place. `docs/DATA-MODEL.md` lists them with their access patterns.

use tributary_domain::brand::LogoDigest;
use tributary_domain::delivery::Target;
use tributary_domain::id::{
    AccountId, ActorId, AlertId, CreditNoteId, DisputeId, EventId, ExportId, HoldId, InvoiceId, JobId, KeyId, LotId, MemberId, PackageId,
    PaymentId, RoleId, RunId, SessionId, SpendId, TransferId, UsageBatchId, WebhookId,
};
use tributary_domain::ledger::LedgerId;
use tributary_domain::pricing::month::Month;
use tributary_domain::text::{Email, fold};

use crate::table::Key;

/// Sort key of items that stand alone in their partition.
pub const ALONE: &str = "-";

/// How many copies an account's gate has, so that checks by its many descendants do not meet on one item.
pub const GATE_STRIPES: u8 = 16;

/// What the partition of an account's own items begins with, before its id.
pub const ACCOUNTS: &str = "ACC#";

/// Sort key of the account's own item among all that its partition holds.
pub const META: &str = "META";

/// The account's own item.
pub fn account(id: &AccountId) -> Key {
    Key::new(account_partition(id), META)
}

/// Partition of an account's own items.
pub fn account_partition(id: &AccountId) -> String {
    format!("{ACCOUNTS}{id}")
}

/// An entry of a ledger, by its number.
pub fn entry(ledger: &LedgerId, seq: i64) -> Key {
    Key::new(ledger_partition(ledger), format!("{seq:020}"))
}

/// What the partition of a ledger begins with, before its id.
pub const LEDGERS: &str = "LED#";

/// Partition of a ledger.
pub fn ledger_partition(ledger: &LedgerId) -> String {
    format!("{LEDGERS}{ledger}")
}

/// One copy of an account's gate.
pub fn gate(id: &AccountId, stripe: u8) -> Key {
    Key::new(format!("GATE#{id}#{stripe:02}"), ALONE)
}

/// The record of one idempotency key of one account on one route.
pub fn idempotency(account: &AccountId, route: &str, key: &str) -> Key {
    Key::new(format!("IDEM#{account}#{route}#{key}"), ALONE)
}

/// Index partition that finds a transfer's record by its id.
pub fn transfer_index(id: &TransferId) -> String {
    format!("TXF#{id}")
}

/// What the partition of an audit record begins with, before its id.
pub const EVENTS: &str = "EVT#";

/// The audit record and outbox event of one effect.
pub fn event(id: &EventId) -> Key {
    Key::new(format!("{EVENTS}{id}"), ALONE)
}

/// Index partition of an account's audit records.
pub fn audit_index(id: &AccountId) -> String {
    format!("AUD#{id}")
}

/// Keeps an `external_id` unique under one parent.
pub fn external_id(parent: &AccountId, external_id: &str) -> Key {
    Key::new(format!("EXT#{parent}#{external_id}"), ALONE)
}

/// Keeps a portal's slug one account's, and finds it.
pub fn slug(slug: &str) -> Key {
    Key::new(format!("SLUG#{slug}"), ALONE)
}

/// Keeps a verified host one account's, and finds it.
pub fn host(host: &str) -> Key {
    Key::new(format!("HOST#{host}"), ALONE)
}

/// Partition of the accounts that have a logo.
pub fn logo_partition(digest: &LogoDigest) -> String {
    format!("LOGO#{}", digest.as_str())
}

/// That an account has a logo.
pub fn logo(digest: &LogoDigest, account: &AccountId) -> Key {
    Key::new(logo_partition(digest), account.as_str())
}

/// Index partition of an account's children, by id (that is, by age).
pub fn children_index(parent: &AccountId) -> String {
    format!("KID#{parent}")
}

/// Index partition of an account's children, by name.
pub fn children_by_name_index(parent: &AccountId) -> String {
    format!("KIDN#{parent}")
}

/// The most characters of a folded name that order it: at four bytes each they stay well within a sort key.
const MAX_NAME_POSITION: usize = 220;

/// Position of an account among its siblings, by name.
pub fn name_position(name: &str, id: &AccountId) -> String {
    // A sort key may hold 1,024 bytes, and folding can make a name eleven times as long.
    let folded: String = fold(name).chars().take(MAX_NAME_POSITION).collect();
    format!("{folded}#{id}")
}

/// Index partition of the whole tree, by path.
pub const TREE_INDEX: &str = "TREE";

/// Index partition of all accounts, by id: of the audit records of their making, which nothing changes.
pub const EVERY_ACCOUNT_INDEX: &str = "ACCTS";

/// A hold.
pub fn hold(id: &HoldId) -> Key {
    Key::new(format!("HLD#{id}"), ALONE)
}

/// Index partition of an account's holds, by id.
pub fn holds_index(account: &AccountId) -> String {
    format!("HLDS#{account}")
}

/// A lot whose time is not over yet.
pub fn lot(id: &LotId) -> Key {
    Key::new(format!("LOT#{id}"), ALONE)
}

/// The record of the movement by which credit of a lot expired.
pub fn lot_expiry(id: &LotId, transfer: &TransferId) -> Key {
    Key::new(format!("LOT#{id}"), transfer.as_str())
}

/// Index partition of lots, by when their time is over.
pub const LOTS_DUE_INDEX: &str = "DUE#lot";

/// Partition of the numbers of packages that an account bought, of those that are limited.
pub fn bought_partition(buyer: &AccountId) -> String {
    format!("BUY#{buyer}")
}

/// How many of a package an account bought.
pub fn bought(buyer: &AccountId, package: &PackageId) -> Key {
    Key::new(bought_partition(buyer), package.as_str())
}

/// Index partition of open holds, by when their time is over.
pub const HOLDS_DUE_INDEX: &str = "DUE#hold";

/// Index partition of moves whose descendants are not all relocated yet.
pub const RELOCATIONS_INDEX: &str = "DUE#relocation";

/// What a request's credential is looked up by.
pub fn credential(hash: &str) -> Key {
    Key::new(format!("CRED#{hash}"), ALONE)
}

/// An API key, as its account lists it.
pub fn api_key(account: &AccountId, id: &KeyId) -> Key {
    Key::new(account_partition(account), format!("KEY#{id}"))
}

/// A member, as its account lists it.
pub fn member(account: &AccountId, id: &MemberId) -> Key {
    Key::new(account_partition(account), format!("MEM#{id}"))
}

/// Keeps a member's address unique in its account.
pub fn member_email(account: &AccountId, email: &str) -> Key {
    Key::new(format!("MEML#{account}#{email}"), ALONE)
}

/// Index partition of the members that have an address, by id.
pub fn address_index(email: &Email) -> String {
    format!("MAIL#{}", email.as_str().to_lowercase())
}

/// Partition of the sessions of a key or member.
pub fn sessions_partition(actor: &ActorId) -> String {
    format!("SES#{actor}")
}

/// A session, by whose it is and its id.
pub fn session(actor: &ActorId, id: &SessionId) -> Key {
    Key::new(sessions_partition(actor), id.as_str())
}

/// A link to sign in, by the hash of its token.
pub fn sign_in_link(hash: &str) -> Key {
    Key::new(format!("LINK#{hash}"), ALONE)
}

/// What is written in place of a record where there is nobody to write to.
pub fn sign_in_decoy(hash: &str) -> Key {
    Key::new(format!("LINK#{hash}"), "NOBODY")
}

/// When links were asked for lately, for an address or by a source, by its digest.
pub fn sign_in_asks(digest: &str) -> Key {
    Key::new(format!("ASKS#{digest}"), ALONE)
}

/// A custom role, as its account lists it.
pub fn role(account: &AccountId, id: &RoleId) -> Key {
    Key::new(account_partition(account), format!("ROLE#{id}"))
}

/// Finds a custom role by name, and keeps the name unique in its account.
pub fn role_name(account: &AccountId, name: &str) -> Key {
    Key::new(format!("ROLN#{account}#{name}"), ALONE)
}

/// One move of an account to another parent.
pub fn moved(account: &AccountId, event: &EventId) -> Key {
    Key::new(account_partition(account), format!("MOVE#{event}"))
}

/// A move whose descendants are being relocated.
pub fn relocation(account: &AccountId) -> Key {
    Key::new(format!("RELOC#{account}"), ALONE)
}

/// A batch of usage that is counted later.
pub fn usage_batch(id: &UsageBatchId) -> Key {
    Key::new(format!("UB#{id}"), ALONE)
}

/// An account's pricing book.
pub fn book(account: &AccountId) -> Key {
    Key::new(format!("BOOK#{account}"), ALONE)
}

/// What the partition of an account's sums of usage begins with, before its id.
pub const SUMS: &str = "AGG#";

/// Partition of an account's sums of usage.
pub fn sums_partition(account: &AccountId) -> String {
    format!("{SUMS}{account}")
}

/// An account's sums of usage in one slot of time.
pub fn sums(account: &AccountId, slot: &str) -> Key {
    Key::new(sums_partition(account), slot)
}

/// Up to which entry an account's usage is summed up.
pub fn summed_up_to(account: &AccountId) -> Key {
    Key::new(sums_partition(account), "AT")
}

/// The accounts below the operator that had usage lately.
pub fn lively() -> Key {
    Key::new("ROLL", ALONE)
}

/// How an account tops itself up.
pub fn topup(account: &AccountId) -> Key {
    Key::new(topup_partition(account), ALONE)
}

/// Partition of how an account tops itself up, and of its runs.
pub fn topup_partition(account: &AccountId) -> String {
    format!("TOP#{account}")
}

/// What the sort keys of runs begin with.
pub const RUNS: &str = "R#";

/// One run of an account's topping up, by its number.
pub fn topup_run(account: &AccountId, number: u64) -> Key {
    Key::new(topup_partition(account), format!("{RUNS}{number:020}"))
}

/// How far an account is billed.
pub fn billing(account: &AccountId) -> Key {
    Key::new(format!("BILL#{account}"), ALONE)
}

/// That it was told of an account's card what became of it: `what` as the event's kind.
pub fn card_told(account: &AccountId, what: &str, method: &str) -> Key {
    Key::new(format!("CARD#{account}"), format!("{what}#{method}"))
}

/// Index partition of accounts, by when a period of theirs is closed.
pub const BILLING_DUE_INDEX: &str = "DUE#billing";

/// How an account bills its sub-accounts.
pub fn seller(account: &AccountId) -> Key {
    Key::new(format!("SELL#{account}"), ALONE)
}

/// How far a seller's numbers are.
pub fn counters(seller: &AccountId) -> Key {
    Key::new(format!("INVN#{seller}"), ALONE)
}

/// What the partition of an account's invoices begins with, before its id.
pub const INVOICES: &str = "INV#";

/// Partition of an account's invoices.
pub fn invoices_partition(account: &AccountId) -> String {
    format!("{INVOICES}{account}")
}

/// An invoice, by the label of its period and its part.
pub fn invoice(account: &AccountId, label: Month, part: u32) -> Key {
    let part = if part > 1 { format!("-{part:05}") } else { String::new() };
    Key::new(invoices_partition(account), format!("{label}{part}"))
}

/// Index partition that finds an invoice by its id.
pub fn invoice_index(id: &InvoiceId) -> String {
    format!("INVID#{id}")
}

/// Index partition of the invoices of a seller, by when they were made.
pub fn sold_index(seller: &AccountId) -> String {
    format!("SOLD#{seller}")
}

/// Index partition of invoices, by when something is done with them.
pub const INVOICES_DUE_INDEX: &str = "DUE#invoice";

/// Index partition of drafts, by when they are finalized by themselves.
pub const DRAFTS_DUE_INDEX: &str = "DUE#draft";

/// A run of billing.
pub fn run(id: &RunId) -> Key {
    Key::new(run_partition(id), ALONE)
}

/// Partition of a run of billing and its chunks.
pub fn run_partition(id: &RunId) -> String {
    format!("RUN#{id}")
}

/// Some accounts of a run, by their number.
pub fn run_chunk(id: &RunId, number: u32) -> Key {
    Key::new(run_partition(id), run_chunk_position(number))
}

/// Where the accounts of that number stand in their run.
pub fn run_chunk_position(number: u32) -> String {
    format!("C#{number:06}")
}

/// Index partition of the runs of an account, by id.
pub fn runs_index(account: &AccountId) -> String {
    format!("RUNS#{account}")
}

/// Index partition of runs that are not completed, by when they began.
pub const RUNS_DUE_INDEX: &str = "DUE#run";

/// One payment.
pub fn payment(id: &PaymentId) -> Key {
    Key::new(format!("PAY#{id}"), ALONE)
}

/// Index partition that finds a payment by its seller and the processor's name for it.
pub fn payment_index(seller: &AccountId, processor_id: &str) -> String {
    format!("PAYX#{seller}#{processor_id}")
}

/// Index partition of an account's payments, by when they were begun.
pub fn payments_index(account: &AccountId) -> String {
    format!("PAYS#{account}")
}

/// Index partition of payments that are looked at by themselves, by when.
pub const PAYMENTS_DUE_INDEX: &str = "DUE#payment";

/// One credit note.
pub fn credit_note(id: &CreditNoteId) -> Key {
    Key::new(format!("CRN#{id}"), ALONE)
}

/// Index partition of an account's credit notes, by when they were issued.
pub fn credit_notes_index(account: &AccountId) -> String {
    format!("CRNS#{account}")
}

/// Index partition of the credit notes of an invoice, by when they were issued.
pub fn credit_notes_of_index(invoice: &InvoiceId) -> String {
    format!("CRNI#{invoice}")
}

/// Index partition of the credit notes that a seller issued, by when.
pub fn credit_notes_sold_index(seller: &AccountId) -> String {
    format!("CRNO#{seller}")
}

/// One dispute.
pub fn dispute(id: &DisputeId) -> Key {
    Key::new(format!("DSP#{id}"), ALONE)
}

/// Index partition of an account's disputes, by when they were opened.
pub fn disputes_index(account: &AccountId) -> String {
    format!("DSPS#{account}")
}

/// Index partition of the disputes that a seller answers, by when they were opened.
pub fn disputes_sold_index(seller: &AccountId) -> String {
    format!("DSPO#{seller}")
}

/// Index partition of open disputes, by when their answer is due.
pub const DISPUTES_DUE_INDEX: &str = "DUE#dispute";

/// Index partition of topping up that is tried again, by when.
pub const TOPUPS_DUE_INDEX: &str = "DUE#topup";

/// An account's alerts.
pub fn alerts(account: &AccountId) -> Key {
    Key::new(format!("{ALERTS}{account}"), ALONE)
}

/// What the partition of an account's alerts begins with, before its id.
pub const ALERTS: &str = "ALRT#";

/// Partition of how one alert stands of each account, and of its history.
pub fn alert_partition(alert: &AlertId) -> String {
    format!("{STANDINGS}{alert}")
}

/// What the partition of how an alert stands begins with, before its id.
pub const STANDINGS: &str = "ALS#";

/// How an alert stands of one account.
pub fn alert_standing(alert: &AlertId, watched: &AccountId) -> Key {
    Key::new(alert_partition(alert), watched.as_str())
}

/// What the sort keys of an alert's history begin with.
pub const TURNS: &str = "H#";

/// One turn of an alert: it fired or was resolved.
pub fn alert_turn(alert: &AlertId, event: &EventId) -> Key {
    Key::new(alert_partition(alert), format!("{TURNS}{event}"))
}

/// Index partition of alerts that fire of a period, by when it ends.
pub const ALERTS_DUE_INDEX: &str = "DUE#alert";

/// Index partition of accounts with alerts on when credit runs out, by when they are looked at next.
pub const EMPTIES_DUE_INDEX: &str = "DUE#empty";

/// A forecast of an account's usage: of the meter of that key, or of what begins with `-`.
pub fn forecast(account: &AccountId, name: &str) -> Key {
    Key::new(format!("FCST#{account}"), name)
}

/// How far the day's forecasts are.
pub fn forecast_pass() -> Key {
    Key::new("FCST", ALONE)
}

/// An account's webhook endpoints.
pub fn endpoints(account: &AccountId) -> Key {
    Key::new(format!("HOOK#{account}"), ALONE)
}

/// Since when an endpoint has only failed.
pub fn failing(webhook: &WebhookId) -> Key {
    Key::new(format!("HOOKF#{webhook}"), ALONE)
}

/// Partition of an endpoint's deliveries.
pub fn deliveries(webhook: &WebhookId) -> String {
    format!("DLV#{webhook}")
}

/// One event's delivery to one target.
pub fn delivery(target: &Target, event: &EventId) -> Key {
    match target {
        Target::Webhook(webhook) => Key::new(deliveries(webhook), event.as_str()),
        Target::Mail { digest, .. } => Key::new(format!("EML#{event}"), digest),
    }
}

/// Index partition of deliveries that are to be tried, by when.
pub const DELIVERIES_DUE_INDEX: &str = "DUE#delivery";

/// An address that wants no more mail under an account's brand, by the address's digest.
pub fn unsubscribed(brand: &AccountId, digest: &str) -> Key {
    Key::new(format!("UNSUB#{brand}"), digest)
}

/// An export of usage.
pub fn export(id: &ExportId) -> Key {
    Key::new(format!("EXP#{id}"), ALONE)
}

/// Index partition of the exports that an account asked for, by id.
pub fn exports_index(account: &AccountId) -> String {
    format!("EXPS#{account}")
}

/// A bulk job.
pub fn job(id: &JobId) -> Key {
    Key::new(job_partition(id), ALONE)
}

/// Partition of a bulk job and what belongs to it.
pub fn job_partition(id: &JobId) -> String {
    format!("JOB#{id}")
}

/// Some rows of a bulk job, by their number.
pub fn job_chunk(id: &JobId, number: u32) -> Key {
    Key::new(job_partition(id), job_chunk_position(number))
}

/// Where the rows of that number stand in their job.
pub fn job_chunk_position(number: u32) -> String {
    format!("C#{number:06}")
}

/// A movement of credit of a bulk job.
pub fn job_move(id: &JobId, transfer: &TransferId) -> Key {
    Key::new(job_partition(id), format!("T#{transfer}"))
}

/// The debit of a bulk job's payer, in one round.
pub fn job_funding(id: &JobId, round: u32) -> Key {
    Key::new(job_partition(id), format!("E#{round:06}"))
}

/// Index partition of the bulk jobs that an account asked for, by id.
pub fn jobs_index(account: &AccountId) -> String {
    format!("JOBS#{account}")
}

/// Partition of the roster of an account's subtree.
pub fn roster_partition(owner: &AccountId) -> String {
    format!("ROST#{owner}")
}

/// What belongs to a roster: its head, when it is folded next, what was told since.
pub fn roster(owner: &AccountId, name: &str) -> Key {
    Key::new(roster_partition(owner), name)
}

/// Index partition of rosters, by when they are folded next.
pub const ROSTERS_DUE_INDEX: &str = "DUE#roster";

/// Money that an account spent on being found.
pub fn spend(account: &AccountId, id: &SpendId) -> Key {
    Key::new(format!("SPND#{account}"), id.as_str())
}

/// Index partition of the same, by its month.
pub fn spend_index(account: &AccountId) -> String {
    format!("SPNDS#{account}")
}

/// How far reconciliation is.
pub fn reconcile() -> Key {
    Key::new("RECON", ALONE)
}

/// The sums of reconciliation's pass over one currency.
pub fn reconcile_sums(currency: &str) -> Key {
    Key::new("RECON", format!("SUM#{currency}"))
}

/// When accounts were frozen lately.
pub fn reconcile_brake() -> Key {
    Key::new("RECON", "BRAKE")
}

/// A finished pass of reconciliation, by its number.
pub fn reconcile_pass(number: u64) -> Key {
    Key::new("RECON", format!("PASS#{number:020}"))
}

/// Partition of all test clocks.
pub const CLOCKS: &str = "CLOCK";

/// The test clock of the tree below an account.
pub fn test_clock(root: &AccountId) -> Key {
    Key::new(CLOCKS, root.as_str())
}

/// Names the operator's account.
pub fn operator() -> Key {
    Key::new("OPERATOR", ALONE)
}
