//! Events: what is told outward of what happened. [`EventKind`] names them all; `docs/events.md` is made of it.
//!
//! An event is read off a record that the effect's own transaction made: a movement of credit off the entry in each account's
//! ledger, everything else off its audit record. So it has the same id however often it is read, and whoever saw an id has
//! seen the event.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::id::{AccountId, EventId, HoldId, TransferId};
use crate::ledger::{Entry, EntryKind, LedgerId};
use crate::money::{Currency, Micros};
use crate::text::Reference;

/// Where events are said to come from.
pub const SOURCE: &str = "tributary";

/// What the words of movements of credit begin with.
const CREDIT: &str = "credit.";

/// Who an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The account that it happened to, and those above it.
    Account,
    /// The seller that the record names, and those above it: the account itself may not see it.
    Seller,
    /// The operator alone.
    Operator,
    /// The person that it is written to by mail: no endpoint hears of it, and it is in no catalogue.
    Person,
    /// Nobody outside: the record is for the audit alone, or another event tells the same.
    Nobody,
}

macro_rules! records {
    ($($name:ident = $word:literal, $audience:ident, [$($member:literal),*], $about:literal;)+) => {
        /// What an audit record is about: every kind that there is, whether it is told outward or not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RecordKind {
            $(#[doc = $about] $name),+
        }

        impl RecordKind {
            /// Every kind.
            pub const ALL: &'static [RecordKind] = &[$(RecordKind::$name),+];

            /// The kind's name, as it is kept and told: `account.created`.
            pub fn word(self) -> &'static str {
                match self { $(RecordKind::$name => $word),+ }
            }

            /// Who it is told to.
            pub fn audience(self) -> Audience {
                match self { $(RecordKind::$name => Audience::$audience),+ }
            }

            /// The members of the record's detail that are told.
            pub fn members(self) -> &'static [&'static str] {
                match self { $(RecordKind::$name => &[$($member),*]),+ }
            }

            /// What it says, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(RecordKind::$name => $about),+ }
            }
        }
    };
}

records! {
    OperatorCreated = "operator.created", Nobody, [], "The platform was set up.";
    AccountCreated = "account.created", Account, ["parent_id", "name"], "An account was made.";
    AccountUpdated = "account.updated", Account, ["version"], "An account was changed.";
    AccountSuspended = "account.suspended", Account, ["version"], "An account was suspended: it and all below it cannot spend.";
    AccountReactivated = "account.reactivated", Account, ["version"], "A suspended account was reactivated.";
    AccountClosed = "account.closed", Account, ["swept"], "An account was closed; `swept` is the transfer of what was left, or null.";
    AccountMoved = "account.moved", Account, ["from_parent_id", "to_parent_id"], "An account was moved to another parent.";
    AccountFrozen = "account.frozen", Operator, ["pass", "findings"], "The books of an account did not add up, and it was suspended.";

    BrandChanged = "brand.changed", Account, ["version", "changed"], "What an account shows its customers was changed: its tokens, logo, slug or claim of a host.";
    HostVerified = "host.verified", Account, ["version", "host"], "An account proved that a host is its own: the host shows its brand.";
    HostDetached = "host.detached", Account, ["version", "host"], "A host shows an account's brand no more.";

    KeyCreated = "key.created", Account, ["key_id", "role"], "An API key was made.";
    KeyRotated = "key.rotated", Account, ["key_id"], "An API key got a new secret.";
    KeyRevoked = "key.revoked", Account, ["key_id"], "An API key was revoked.";
    KeyRecovered = "key.recovered", Account, ["key_id", "name"], "An owner key was made in place of lost ones.";
    MemberAdded = "member.added", Account, ["member_id", "role"], "A member was added.";
    MemberChanged = "member.changed", Account, ["member_id"], "A member was changed.";
    DeniesChanged = "denies.changed", Account, ["key_id", "member_id"], "Rights were denied to an API key or a member, or a denial lifted.";
    MemberRemoved = "member.removed", Account, ["member_id"], "A member was removed.";
    RoleCreated = "role.created", Account, ["role_id", "rights"], "A role was made.";
    RoleChanged = "role.changed", Account, ["role_id", "rights"], "A role was changed.";
    RoleRemoved = "role.removed", Account, ["role_id"], "A role was removed.";

    SignInAsked = "sign_in.asked", Person, ["member_id", "slug", "host", "until"], "Somebody asked for a link to sign in as a member.";
    SessionCreated = "session.created", Nobody, [], "Somebody signed in.";
    SessionEnded = "session.ended", Nobody, [], "Somebody signed out: of one session, or of all that they had.";

    RateCardCreated = "rate_card.created", Account, ["rate_card_id", "seller_id", "meter"], "A price was set: the account's own, or one for it alone.";
    RateCardWithdrawn = "rate_card.withdrawn", Account, ["rate_card_id", "seller_id", "meter"], "A price that was to come was taken back.";
    MarkupCreated = "markup.created", Seller, ["markup_id", "meter"], "A markup was set; told to its seller, for a buyer does not see it.";
    MeterCreated = "meter.created", Account, ["meter"], "A meter was made.";
    MeterChanged = "meter.changed", Account, ["meter"], "A meter was changed.";
    TiersChanged = "tiers.changed", Account, ["tiers"], "The tiers that an account gives its resellers were set.";
    PackageCreated = "package.created", Account, ["package_id", "name"], "A package of credit was offered.";
    PackageRetired = "package.retired", Account, ["package_id"], "A package of credit is no longer offered.";
    BulkDiscountsChanged = "bulk_discounts.changed", Account, ["bands"], "The discounts for buying much were set.";
    PromotionCreated = "promotion.created", Account, ["promotion_id", "name"], "A promotion was made.";
    PromotionEnded = "promotion.ended", Account, ["promotion_id"], "A promotion was ended.";
    PromotionRedeemed = "promotion.redeemed", Account, ["promotion_id", "code"], "The code of a promotion was redeemed.";

    UsageExportAsked = "usage.export_asked", Account, ["export_id", "format", "subtree"], "An export of usage was asked for.";
    HoldExpired = "hold.expired", Nobody, [], "The time of a hold was over: `credit.expiry` tells it.";
    LotExpired = "lot.expired", Nobody, [], "The time of a lot was over: `credit.lot_expired` tells it.";

    AlertFired = "alert.fired", Account, ["alert_id", "watched_id", "metric", "meter", "period", "threshold", "value", "webhook"], "What an alert watches crossed its threshold.";
    AlertResolved = "alert.resolved", Account, ["alert_id", "watched_id", "metric", "meter", "period", "threshold", "value", "webhook"], "What an alert watches is back.";
    AlertCreated = "alert.created", Account, ["alert_id"], "An alert was made.";
    AlertChanged = "alert.changed", Account, ["alert_id"], "An alert was changed.";
    AlertRemoved = "alert.removed", Account, ["alert_id"], "An alert was removed.";
    AutoTopupSet = "auto_topup.set", Account, ["enabled", "threshold"], "Automatic topping up was set.";
    AutoTopupRemoved = "auto_topup.removed", Account, [], "Automatic topping up was removed.";
    AutoTopupFailed = "auto_topup.failed", Account, ["run", "amount", "reason", "failures", "again_at"], "An account could not be topped up; it is tried again.";
    AutoTopupStopped = "auto_topup.stopped", Account, ["run", "amount", "reason", "failures"], "An account could not be topped up time and again, and it is no longer tried.";

    BulkStarted = "bulk.started", Account, ["job_id", "kind", "rows"], "A bulk job was begun.";
    BulkChanged = "bulk.changed", Account, ["job_id", "kind", "state"], "A bulk job was applied, paused, resumed, cancelled, tried again or undone.";
    BulkCompleted = "bulk.completed", Account, ["job_id", "kind", "state", "rows", "done", "failed"], "A bulk job is at its end.";
    NotificationSent = "notification.sent", Account, ["job_id", "row", "to", "subject", "text", "not_before"], "A message to an account, of a bulk job.";

    BillingChanged = "billing.changed", Account, ["seller_id", "version"], "How an account bills its sub-accounts, or is billed itself, was set.";
    ChargeAdded = "charge.added", Account, ["charge_id", "amount", "text"], "A charge was put aside for the next invoice.";
    ChargeRemoved = "charge.removed", Account, ["charge_id"], "A charge that waited for the next invoice was taken back.";
    RunStarted = "billing_run.started", Account, ["run_id", "month", "dry_run"], "Billing of an account's sub-accounts was asked for.";
    RunCompleted = "billing_run.completed", Account, ["run_id", "month", "dry_run", "accounts", "invoices", "failed", "digest"], "A billing run is at its end.";
    InvoiceDrafted = "invoice.drafted", Seller, ["invoice_id", "account_id", "seller_id", "period", "total", "currency"], "An invoice was drafted; told to its seller, who may still change it.";
    InvoiceFinalized = "invoice.finalized", Account, ["invoice_id", "seller_id", "number", "period", "total", "due", "currency", "due_at"], "An invoice was issued.";
    InvoicePaid = "invoice.paid", Account, ["invoice_id", "number", "total", "paid", "credited", "currency"], "Nothing of an invoice is due any more.";
    InvoicePastDue = "invoice.past_due", Account, ["invoice_id", "number", "due", "currency", "due_at"], "The time to pay an invoice is over.";
    InvoiceReminded = "invoice.reminded", Account, ["invoice_id", "number", "due", "currency", "due_at", "reminder"], "A reminder of an invoice that is due.";
    InvoiceVoided = "invoice.voided", Account, ["invoice_id", "number", "reason"], "An invoice was voided: nothing of it is to be paid.";
    InvoiceUncollectible = "invoice.uncollectible", Account, ["invoice_id", "number", "due", "currency"], "An invoice was given up.";
    CreditNoteIssued = "credit_note.issued", Account, ["credit_note_id", "invoice_id", "number", "total", "currency", "given_as"], "A credit note was issued.";
    PaymentSucceeded = "payment.succeeded", Account, ["payment_id", "invoice_id", "amount", "currency", "method"], "A payment was made.";
    PaymentFailed = "payment.failed", Account, ["payment_id", "invoice_id", "amount", "currency", "decline", "again_at"], "A payment was declined or given up.";
    PaymentActionRequired = "payment.action_required", Account, ["payment_id", "invoice_id", "amount", "currency", "url"], "A payment waits for its payer to confirm it.";
    PaymentRefunded = "payment.refunded", Account, ["payment_id", "invoice_id", "amount", "currency"], "A payment was given back, whole or in part.";
    RefundFailed = "refund.failed", Account, ["payment_id", "invoice_id", "amount", "currency"], "What was to go back to a card did not arrive; its seller still has the money.";
    PaymentMethodAdded = "payment_method.added", Account, ["payment_method", "brand", "last4"], "A card was added.";
    PaymentMethodRemoved = "payment_method.removed", Account, ["payment_method"], "A card was removed.";
    DunningSuspended = "dunning.suspended", Account, ["invoice_id", "number", "due", "currency"], "An account was suspended, because an invoice was not paid in time.";
    DunningLifted = "dunning.lifted", Account, ["invoice_id", "number"], "A suspension because of an invoice was lifted.";
    DisputeOpened = "dispute.opened", Account, ["dispute_id", "invoice_id", "amount", "currency", "reason", "origin", "respond_by"], "An invoice was disputed.";
    DisputeAnswered = "dispute.answered", Account, ["dispute_id", "invoice_id", "by"], "A message or evidence was added to a dispute.";
    DisputeUnderReview = "dispute.under_review", Account, ["dispute_id", "invoice_id", "respond_by"], "A dispute is looked at by the seller.";
    DisputeOverdue = "dispute.overdue", Account, ["dispute_id", "invoice_id", "respond_by"], "The time to answer a dispute is over.";
    DisputeResolved = "dispute.resolved", Account, ["dispute_id", "invoice_id", "outcome", "accepted", "currency", "credit_note_id"], "A dispute was accepted, partly accepted, rejected or withdrawn.";

    SpendRecorded = "spend.recorded", Nobody, [], "Money spent on being found was written down.";
    SpendRemoved = "spend.removed", Nobody, [], "Money written down as spent was removed again.";

    TestClockChanged = "test_clock.changed", Operator, ["clock_id", "account_id", "change", "target"], "A test clock was made, advanced or removed.";

    WebhookCreated = "webhook.created", Account, ["webhook_id"], "A webhook was made.";
    WebhookChanged = "webhook.changed", Account, ["webhook_id"], "A webhook was changed, enabled, or given a new secret.";
    WebhookRemoved = "webhook.removed", Account, ["webhook_id"], "A webhook was removed.";
    WebhookDisabled = "webhook.disabled", Account, ["webhook_id", "url", "reason"], "A webhook was switched off, because nothing was delivered for three days or its address is gone.";
    WebhookPing = "webhook.ping", Account, ["webhook_id"], "A test of one webhook.";
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A movement of credit, as one account's ledger says it: `credit.allocation`.
    Credit(EntryKind),
    /// Anything else: `account.created`.
    Record(RecordKind),
}

impl From<RecordKind> for EventKind {
    fn from(kind: RecordKind) -> Self {
        EventKind::Record(kind)
    }
}

/// The text names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no event {0:?}")]
pub struct NoSuchEvent(pub String);

impl EventKind {
    /// Every kind that endpoints may hear of: the catalogue.
    pub fn catalogue() -> impl Iterator<Item = EventKind> {
        let records = RecordKind::ALL.iter().filter(|kind| !matches!(kind.audience(), Audience::Person | Audience::Nobody));
        EntryKind::MONEY.into_iter().map(EventKind::Credit).chain(records.copied().map(EventKind::Record))
    }

    /// The kind's name on the wire.
    pub fn word(self) -> String {
        match self {
            EventKind::Credit(kind) => format!("{CREDIT}{}", kind.word()),
            EventKind::Record(kind) => kind.word().to_owned(),
        }
    }

    /// Who it is for.
    pub fn audience(self) -> Audience {
        match self {
            EventKind::Credit(kind) if kind.is_money() => Audience::Account,
            EventKind::Credit(_) => Audience::Nobody,
            EventKind::Record(kind) => kind.audience(),
        }
    }

    /// What it says, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            EventKind::Credit(kind) => about_entry(kind),
            EventKind::Record(kind) => kind.about(),
        }
    }

    /// The members of its `data`.
    pub fn members(self) -> &'static [&'static str] {
        match self {
            EventKind::Credit(_) => &CREDIT_MEMBERS,
            EventKind::Record(kind) => kind.members(),
        }
    }

    /// Whether a filter of events takes it: a word, the beginning of words before `.*`, or `*`.
    pub fn is_in(self, filter: &str) -> bool {
        let word = self.word();
        match filter.strip_suffix('*') {
            Some("") => true,
            Some(family) => family.ends_with('.') && word.starts_with(family),
            None => word == filter,
        }
    }
}

impl std::str::FromStr for EventKind {
    type Err = NoSuchEvent;

    fn from_str(word: &str) -> Result<Self, NoSuchEvent> {
        let credit = || EntryKind::MONEY.into_iter().find(|kind| word.strip_prefix(CREDIT) == Some(kind.word())).map(EventKind::Credit);
        let record = || word.parse().ok().map(EventKind::Record);
        credit().or_else(record).ok_or_else(|| NoSuchEvent(word.to_owned()))
    }
}

impl std::str::FromStr for RecordKind {
    type Err = NoSuchEvent;

    fn from_str(word: &str) -> Result<Self, NoSuchEvent> {
        RecordKind::ALL.iter().copied().find(|kind| kind.word() == word).ok_or_else(|| NoSuchEvent(word.to_owned()))
    }
}

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, the same each time that it is told. Ids sort by time; those of one ledger's entries by number.
    pub id: EventId,
    /// What happened.
    #[serde(rename = "type", serialize_with = "kind_out", deserialize_with = "kind_in")]
    pub kind: EventKind,
    /// The account that it happened to, or for [`Audience::Seller`] the seller.
    pub account_id: AccountId,
    /// When. To the millisecond.
    #[serde(rename = "occurred_at", serialize_with = "crate::time::millis")]
    pub at: Timestamp,
    /// The entry's number in the account's ledger; none for what is no movement of credit.
    pub sequence: Option<i64>,
    /// What is told of it: an object of [`EventKind::members`].
    pub data: Value,
}

fn kind_out<S: Serializer>(kind: &EventKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&kind.word())
}

fn kind_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventKind, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// What an audit record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: EventId,
    /// What was done.
    pub kind: RecordKind,
    /// To which account.
    pub account_id: AccountId,
    /// When.
    pub at: Timestamp,
    /// More about it; an object, or null.
    pub detail: Value,
}

impl Event {
    /// The event of an entry; `None` if it moved no credit, or is a system ledger's.
    pub fn of_entry(entry: &Entry) -> Option<Self> {
        let head = &entry.after;
        let account_id = head.ledger.account().filter(|_| entry.kind.is_money())?.clone();
        let id = entry_event_id(&account_id, head.seq, head.at);
        let data = serde_json::to_value(EntryData::of(entry)).unwrap_or_default();
        Some(Self { id, kind: EventKind::Credit(entry.kind), account_id, at: head.at, sequence: Some(head.seq), data })
    }

    /// The event of an audit record; `None` if it is told to nobody.
    pub fn of_record(record: &Record) -> Option<Self> {
        let kind = record.kind;
        let account_id = match kind.audience() {
            Audience::Account | Audience::Operator | Audience::Person => record.account_id.clone(),
            Audience::Seller => record.detail["seller_id"].as_str()?.parse().ok()?,
            Audience::Nobody => return None,
        };
        let told = |name: &&str| Some(((*name).to_owned(), record.detail.get(name)?.clone()));
        let data: Map<String, Value> = kind.members().iter().filter_map(told).collect();
        Some(Self { id: record.id.clone(), kind: kind.into(), account_id, at: record.at, sequence: None, data: data.into() })
    }

    /// The event as it is sent: one line of JSON.
    pub fn to_json(&self) -> String {
        // JSON allows them as they are; a message of SQS does not.
        json!(self).to_string().replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    }
}

/// The id of the event of an entry, in the layout of a UUIDv7: the entry's time, then the low bits of its number, so that ids
/// of one ledger rise within a millisecond, then the random part of the account's id with the number mixed in.
fn entry_event_id(account: &AccountId, seq: i64, at: Timestamp) -> EventId {
    const SIXTY_TWO_BITS: u64 = (1 << 62) - 1;
    // An odd factor, so that different numbers give different products.
    let mixed = seq.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [own, number] = [account.as_u128() & u128::from(SIXTY_TWO_BITS), u128::from(mixed & SIXTY_TWO_BITS)];
    let time = u128::try_from(at.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
    let low = u128::from(seq.unsigned_abs()) & 0xfff;
    EventId::from_uuid(Uuid::from_u128((time << 80) | (7 << 76) | (low << 64) | (2 << 62) | (own ^ number)))
}

/// The members of the `data` of a movement of credit.
const CREDIT_MEMBERS: [&str; 15] = [
    "id",
    "transfer_id",
    "hold_id",
    "kind",
    "amount",
    "held_amount",
    "balance_after",
    "held_after",
    "currency",
    "counterparty",
    "reference",
    "created_at",
    "available",
    "held",
    "credit_limit",
];

/// What is told of an entry: what a history shows of it, and the balance after it under the names of a balance.
#[derive(Debug, Serialize)]
struct EntryData<'a> {
    id: String,
    transfer_id: Option<&'a TransferId>,
    hold_id: Option<&'a HoldId>,
    kind: EntryKind,
    amount: Micros,
    held_amount: Micros,
    balance_after: Micros,
    held_after: Micros,
    currency: Currency,
    counterparty: Option<String>,
    reference: Option<&'a Reference>,
    #[serde(serialize_with = "crate::time::millis")]
    created_at: Timestamp,
    available: Micros,
    held: Micros,
    credit_limit: Micros,
}

impl<'a> EntryData<'a> {
    fn of(entry: &'a Entry) -> Self {
        let head = &entry.after;
        Self {
            id: entry_id(&head.ledger, head.seq),
            transfer_id: entry.transfer_id.as_ref(),
            hold_id: entry.hold_id.as_ref(),
            kind: entry.kind,
            amount: entry.amount,
            held_amount: entry.held_amount,
            balance_after: head.available,
            held_after: head.held,
            currency: head.currency,
            counterparty: entry.counterparty.as_ref().map(LedgerId::public),
            reference: entry.reference.as_ref(),
            created_at: head.at,
            available: head.available,
            held: head.held,
            credit_limit: head.credit_limit,
        }
    }
}

/// The name of an entry: its ledger's and its number.
pub fn entry_id(ledger: &LedgerId, seq: i64) -> String {
    format!("ent_{ledger}_{seq}")
}

fn about_entry(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Allocation => "Credit was given down the tree.",
        EntryKind::Transfer => "Credit was moved between two accounts.",
        EntryKind::Issue => "Credit was brought into being.",
        EntryKind::Reversal => "A transfer was sent back.",
        EntryKind::Sweep => "What was left of a closed account went to its parent.",
        EntryKind::Hold => "Credit was set aside.",
        EntryKind::Capture => "Held credit was spent.",
        EntryKind::Release => "Held credit was set free.",
        EntryKind::Expiry => "Held credit was set free, because its time was over.",
        EntryKind::Purchase => "A package of credit was bought.",
        EntryKind::AutoTopup => "Credit was drawn from the parent, because there was little left.",
        EntryKind::LotExpired => "Credit of a lot was not spent in its time.",
        EntryKind::Usage => "Usage was charged: what sub-accounts paid, less what the account pays itself.",
        EntryKind::UsageAdjustment => "Usage was voided or corrected.",
        EntryKind::BulkEscrow => "What a bulk job will hand out was set aside.",
        EntryKind::BulkReturn => "What a bulk job did not hand out came back.",
        EntryKind::InvoicePayment => "An invoice was paid from credit.",
        EntryKind::CreditNote => "A credit note of a paid invoice was given as credit.",
        EntryKind::CardTopup => "Credit was bought with a card.",
        EntryKind::Opened
        | EntryKind::Suspended
        | EntryKind::Reactivated
        | EntryKind::Closed
        | EntryKind::Moved
        | EntryKind::Relocated
        | EntryKind::LimitSet
        | EntryKind::FundingSet => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_a_queue_does_not_carry_is_escaped_and_reads_back() {
        let event = Event {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            kind: EventKind::Record(RecordKind::NotificationSent),
            account_id: AccountId::from_uuid(Uuid::from_u128(2)),
            at: Timestamp::UNIX_EPOCH,
            sequence: None,
            data: json!({ "text": "\u{1}\u{fffe}\u{ffff}\u{fffd}\u{10ffff}" }),
        };
        let text = event.to_json();
        // Source: "SendMessage", Amazon SQS API reference: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
        assert!(text.chars().all(|c| !c.is_control() && !('\u{fffe}'..='\u{ffff}').contains(&c)), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).expect("an event"), event);
    }
}
