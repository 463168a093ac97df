//! Problems: RFC 9457 answers. Domain and store errors know no HTTP; the one exhaustive map from them stands here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tributary_domain::billing::credit_note::PartError;
use tributary_domain::billing::dispute::DisputeError;
use tributary_domain::billing::invoice::InvoiceError;
use tributary_domain::brand::Token;
use tributary_domain::hold::HoldError;
use tributary_domain::ledger::CreditError;
use tributary_domain::lot::MAX_LOTS;
use tributary_domain::pricing::error::{PricingError, Reason};
use tributary_domain::pricing::package::Unavailable;
use tributary_domain::pricing::resolve::ResolveError;
use tributary_runtime::blobs::BlobError;
use tributary_runtime::dns::DnsError;
use tributary_runtime::queue::QueueError;
use tributary_store::error::{Denied, StoreError};

use crate::code::Code;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the body, or `/query/name`, `/header/name`.
    pub pointer: String,
    /// What is wrong and what to do.
    pub detail: String,
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Its code, which gives status and title.
    pub code: Code,
    /// What happened here, for people.
    pub detail: String,
    /// The wrong fields.
    pub errors: Vec<FieldError>,
    /// More members, such as `available`.
    pub members: Map<String, Value>,
    /// What the log should know and the caller should not.
    pub internal: Option<String>,
}

impl Problem {
    /// A problem of this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), members: Map::new(), internal: None }
    }

    /// The same with one more member.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// A problem with one field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let whole = if pointer.is_empty() { format!("The request {detail}.") } else { format!("{pointer}: {detail}") };
        let mut problem = Self::new(Code::ValidationFailed, whole);
        problem.errors.push(FieldError { pointer, detail });
        problem
    }

    /// Absent or foreign: always the same words.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "No such resource exists, or it is not yours.")
    }

    /// Tokens of a brand that an account above locked; `at` is where in the body they are. Which account that is, is not said.
    pub fn locked(tokens: &BTreeSet<Token>, at: &str) -> Self {
        let words: Vec<&str> = tokens.iter().map(|token| token.word()).collect();
        let detail = format!("An account above this one decides {}. Leave it out, or send it as it is.", words.join(", "));
        let mut problem = Self::new(Code::BrandLocked, detail);
        let error = |word: &&str| FieldError { pointer: format!("{at}/{word}"), detail: "is locked by an account above".to_owned() };
        problem.errors = words.iter().map(error).collect();
        problem
    }

    fn internal(why: String) -> Self {
        let mut problem = Self::new(
            Code::Internal,
            "The request failed on our side. Nothing is known to have changed; retry with the same Idempotency-Key.",
        );
        problem.internal = Some(why);
        problem
    }

    /// The document, without a request id where there is none yet.
    pub fn document(&self, docs_url: &str, request_id: &str) -> Value {
        let mut document = Map::new();
        document.insert("type".to_owned(), json!(format!("{docs_url}/errors/{}", self.code.word())));
        document.insert("title".to_owned(), json!(self.code.title()));
        document.insert("status".to_owned(), json!(self.code.status().as_u16()));
        document.insert("detail".to_owned(), json!(self.detail));
        document.insert("code".to_owned(), json!(self.code.word()));
        document.insert("request_id".to_owned(), json!(request_id));
        if !self.errors.is_empty() {
            let errors: Vec<Value> = self.errors.iter().map(|e| json!({ "pointer": e.pointer, "detail": e.detail })).collect();
            document.insert("errors".to_owned(), Value::Array(errors));
        }
        document.extend(self.members.clone());
        Value::Object(document)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Absent => Problem::not_found(),
            Denied::Lacks(right) => Problem::new(
                Code::Forbidden,
                format!("This needs the right {right} at the account, or for what only an account above may do, at that one. Your role does not give it there, or a deny withholds it."),
            )
            .with("right", right.word()),
        }
    }
}

impl From<CreditError> for Problem {
    fn from(error: CreditError) -> Self {
        let detail = sentence(&error);
        match error {
            CreditError::SameAccount => Problem::new(Code::SameAccount, detail),
            CreditError::CurrencyMismatch { from, to } => {
                Problem::new(Code::CurrencyMismatch, detail).with("from_currency", from.code()).with("to_currency", to.code())
            }
            CreditError::NotBelow { .. } => {
                Problem::new(Code::NotBelow, format!("{detail} Use a transfer between any two accounts of your subtree."))
            }
            CreditError::Closed(account) => Problem::new(Code::AccountClosed, detail).with("account_id", account.as_str()),
            // Which account stands in the way may be above the caller, so its id is not said.
            CreditError::Suspended(_) => Problem::new(
                Code::AccountSuspended,
                "The account, or one above it, is suspended; nothing in its subtree can spend until it is reactivated.",
            ),
            CreditError::Insufficient { account, available, spendable, required, currency } => {
                Problem::new(Code::InsufficientCredits, detail)
                    .with("account_id", account.as_str())
                    .with("available", available.to_string())
                    .with("spendable", spendable.to_string())
                    .with("required", required.to_string())
                    .with("currency", currency.code())
            }
            CreditError::LotUsed => Problem::new(Code::Conflict, detail),
            CreditError::TooManyLots(account) => {
                Problem::new(Code::LimitReached, detail).with("limit", MAX_LOTS).with("account_id", account.as_str())
            }
            CreditError::Overflow => Problem::new(Code::BalanceOutOfRange, detail),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = sentence(&error);
        match error {
            StoreError::Denied(denied) => denied.into(),
            StoreError::Credit(credit) => credit.into(),
            StoreError::Hold(hold) => hold_problem(&hold, detail),
            StoreError::KeyReused => Problem::new(
                Code::IdempotencyKeyReused,
                "This Idempotency-Key was used before on this route with another body, or with another id in the path. Use a new key for a new request.",
            ),
            StoreError::Stale(version) => {
                Problem::new(Code::PreconditionFailed, "The resource has changed since you read it. Read it again and repeat the edit.")
                    .with("version", version)
            }
            StoreError::ExternalIdTaken(account) => {
                Problem::new(Code::AccountExists, "An account with this external_id exists under this parent.").with("id", account.as_str())
            }
            StoreError::AccountState(state) => match state {
                "closed" => Problem::new(Code::AccountClosed, "The account is closed."),
                _ => Problem::new(Code::AccountSuspended, "The account is suspended."),
            },
            StoreError::Frozen => Problem::new(
                Code::AccountFrozen,
                "The account is frozen by reconciliation because its books do not add up; only the platform's operator lifts it.",
            ),
            StoreError::ParentIsCustomer => Problem::new(Code::ParentIsCustomer, format!("{detail} Use a reseller as the parent.")),
            StoreError::TooDeep(_) => Problem::new(Code::TooDeep, detail),
            StoreError::Cycle => Problem::new(Code::Cycle, detail),
            StoreError::ParentCurrency { parent, account } => {
                Problem::new(Code::CurrencyMismatch, detail).with("parent_currency", parent.code()).with("account_currency", account.code())
            }
            StoreError::OpenChildren(count) => {
                Problem::new(Code::AccountHasChildren, format!("{detail} Close or move them first.")).with("children", count)
            }
            StoreError::CreditLeft { available, held } => Problem::new(
                Code::AccountHasCredit,
                "The account still has credit. Send sweep_to_parent to return what is available; end holds and settle debts first.",
            )
            .with("available", available.to_string())
            .with("held", held.to_string()),
            StoreError::BrandLocked(tokens) => Problem::locked(&tokens, "/settings/brand"),
            StoreError::SlugTaken => Problem::new(Code::SlugTaken, "Another portal has this slug. Take another."),
            StoreError::HostTaken => Problem::new(
                Code::HostTaken,
                "Another account has proved that this host is its own. If it is yours now, ask whoever runs the platform to detach it.",
            ),
            StoreError::Taken(_) => Problem::new(Code::AlreadyExists, detail),
            StoreError::Limit { limit, .. } => Problem::new(Code::LimitReached, detail).with("limit", limit),
            StoreError::GrantsTooMuch(rights) => {
                Problem::new(Code::GrantExceedsOwn, detail).with("rights", rights.iter().map(|right| right.word()).collect::<Vec<_>>())
            }
            StoreError::UnknownRole => Problem::new(
                Code::UnknownRole,
                "No role of this name is known at the account: owner, admin, billing, support, viewer, or a custom role of it or an account above it.",
            ),
            StoreError::Conflict(_) => Problem::new(Code::Conflict, detail),
            StoreError::Dispute(error) => dispute_problem(&error, detail),
            StoreError::Refund(_) => Problem::new(Code::Conflict, detail),
            StoreError::Unavailable(Unavailable::Overflow) => Problem::new(Code::BalanceOutOfRange, detail),
            StoreError::Unavailable(_) => Problem::new(Code::PackageUnavailable, detail),
            StoreError::SellerShort => {
                Problem::new(Code::SellerOutOfCredit, format!("{detail} Ask it to buy or issue credit, or buy less."))
            }
            StoreError::Pricing(error) => error.into(),
            StoreError::AlreadyReversed => Problem::new(Code::AlreadyReversed, detail),
            StoreError::TooManyBranches => Problem::new(Code::TooManyBranches, detail),
            StoreError::Busy => Problem::new(
                Code::Busy,
                "Many requests are at work on the same data. Nothing was changed; retry with the same Idempotency-Key.",
            ),
            StoreError::Unknown(why) => {
                let mut problem = Problem::new(
                    Code::OutcomeUnknown,
                    "The database did not answer in time. Retry with the same Idempotency-Key: it is done at most once.",
                );
                problem.internal = Some(why);
                problem
            }
            StoreError::Corrupt(why) => Problem::internal(why),
            StoreError::Table(error) => Problem::internal(format!("{error:?}")),
        }
    }
}

impl From<PricingError> for Problem {
    fn from(error: PricingError) -> Self {
        let (pointer, detail) = (error.pointer.clone(), error.detail());
        let whole = pointer.is_empty();
        let coded = |code: Code, detail: &str| {
            let mut problem = Problem::new(code, if whole { sentence(&detail) } else { format!("{pointer}: {detail}") });
            problem.errors.extend((!whole).then(|| FieldError { pointer: pointer.clone(), detail: detail.to_owned() }));
            problem
        };
        match error.reason {
            Reason::Duplicate if matches!(pointer.as_str(), "/key" | "/code") => coded(Code::AlreadyExists, &detail),
            // Whose it is may be above the caller, so its id is not said.
            Reason::KeyTaken(_) => coded(Code::AlreadyExists, "is the key of a meter further up; keys are unique along a lineage"),
            Reason::Backdated | Reason::TooFarBack(_) | Reason::NotLater(_) => coded(Code::PriceBackdated, &detail),
            Reason::AlreadyInForce => coded(Code::PriceInForce, &format!("the price {detail}")),
            Reason::TooMany(limit) if whole || pointer == "/code" => coded(Code::LimitReached, &detail).with("limit", limit),
            Reason::NotFound => Problem::not_found(),
            Reason::UnderCost { quantity, price, cost } => coded(Code::UnderCost, &detail)
                .with("quantity", quantity.to_string())
                .with("price", price.to_string())
                .with("cost", cost.to_string()),
            Reason::Negative
            | Reason::NotPositive
            | Reason::OutOfRange(..)
            | Reason::Empty
            | Reason::TooMany(_)
            | Reason::Gap(_)
            | Reason::Overlap(_)
            | Reason::NotRising
            | Reason::Duplicate
            | Reason::Shape(_)
            | Reason::Overflow => Problem::field(pointer, detail),
        }
    }
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::UnknownMeter(key) => Problem::new(
                Code::UnknownMeter,
                format!("Neither the account nor one above it has a meter {key}. GET /reseller/pricing/meters lists what can be used."),
            )
            .with("meter", key.as_str()),
            ResolveError::OnOperator => Problem::new(Code::NotABuyer, "The operator buys from nobody: usage is never on its own account."),
            // Who should have set it may be above the caller, so its id is not said.
            ResolveError::NoPrice { meter, currency, .. } => {
                Problem::new(Code::NoPrice, format!("No rate card of the owner of meter {meter} in {currency} is in force at that time."))
                    .with("meter", meter.as_str())
                    .with("currency", currency.code())
            }
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        let why = error.to_string();
        match error {
            BlobError::Unavailable { .. } => {
                let mut problem = Problem::new(
                    Code::Busy,
                    "A service that the request needs does not answer at the moment. Nothing was charged; retry with the same Idempotency-Key.",
                );
                problem.internal = Some(why);
                problem
            }
            BlobError::NotConfigured(_) | BlobError::BadKey(_) | BlobError::TooLarge { .. } => Problem::internal(why),
        }
    }
}

impl From<DnsError> for Problem {
    fn from(error: DnsError) -> Self {
        let mut problem = Problem::new(Code::Busy, "No name server answered at the moment. Nothing was changed; try again shortly.");
        problem.internal = Some(error.to_string());
        problem
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        let why = error.to_string();
        match error {
            QueueError::Unavailable(_) => {
                let mut problem = Problem::new(
                    Code::OutcomeUnknown,
                    "The queue did not answer in time. Retry with the same Idempotency-Key: it is done at most once.",
                );
                problem.internal = Some(why);
                problem
            }
            QueueError::NotConfigured(_) | QueueError::TooLarge(_) => Problem::internal(why),
        }
    }
}

/// What is wrong with lines is said of the request's `lines`; what is in the way of the invoice or dispute is a conflict.
fn dispute_problem(error: &DisputeError, detail: String) -> Problem {
    match error {
        DisputeError::Part(PartError::Invoice(InvoiceError::MoreThanDue { due, .. })) => {
            Problem::new(Code::AmountExceeded, detail).with("left", due.to_string())
        }
        DisputeError::Part(PartError::Invoice(InvoiceError::Amount(_))) => Problem::field("/amount", error.to_string()),
        DisputeError::Part(PartError::Invoice(_)) | DisputeError::State(_) => Problem::new(Code::Conflict, detail),
        DisputeError::Part(part) => Problem::field(format!("/lines{}", part.pointer()), part.to_string()),
        DisputeError::OverDisputed { at, .. } => Problem::field(format!("/lines/{at}/amount"), error.to_string()),
        DisputeError::TooMany(limit) | DisputeError::TooLong(limit) => Problem::new(Code::LimitReached, detail).with("limit", *limit),
    }
}

fn hold_problem(error: &HoldError, detail: String) -> Problem {
    match error {
        HoldError::Ended(status) => Problem::new(Code::HoldEnded, detail).with("hold_status", status.word()),
        HoldError::Expired(at) => Problem::new(Code::HoldExpired, detail).with("expires_at", crate::time::shown(at)),
        HoldError::TooMuch { held, .. } => Problem::new(Code::HoldExceeded, detail).with("held", held.to_string()),
        HoldError::Credit(credit) => credit.clone().into(),
    }
}

/// An error's words with a capital and a full stop.
fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str().trim_end_matches('.')),
        None => text,
    }
}
