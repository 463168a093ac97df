//! Disputes of invoices: by line and amount, with reasons, evidence and messages.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::billing::credit_note::{Part, PartError, Parts, parts};
use crate::billing::invoice::{Invoice, InvoiceError, Line, LineId, LineKind};
use crate::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId};
use crate::money::{Currency, Micros, Overflow};
use crate::pricing::number::div_half_even;
use crate::text::{Reference, TextError, clean};

/// In how many days the other side has to answer.
pub const RESPOND_DAYS: i64 = 14;
/// The most messages of one dispute from each side.
pub const MAX_MESSAGES: usize = 50;
/// The most bytes of one dispute's messages from each side, so that it finds room where it is kept whatever one side writes.
pub const MAX_BYTES: usize = 100_000;
/// The most links or files of one message or of the evidence.
pub const MAX_LINKS: usize = 10;

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// Its seller has not looked at it.
    Opened,
    /// Its seller looks at it.
    UnderReview,
    /// All of it was credited.
    Accepted,
    /// Some of it was credited.
    PartlyAccepted,
    /// Nothing of it was credited.
    Rejected,
    /// Whoever opened it took it back.
    Withdrawn,
}

/// What happens to a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DisputeChange {
    /// Its seller begins to look at it.
    TakeUp,
    /// All of it is credited.
    Accept,
    /// Some of it is credited.
    AcceptPart,
    /// Nothing of it is.
    Reject,
    /// Whoever opened it takes it back.
    Withdraw,
}

impl DisputeState {
    /// Every state.
    pub const ALL: [DisputeState; 6] = [
        DisputeState::Opened,
        DisputeState::UnderReview,
        DisputeState::Accepted,
        DisputeState::PartlyAccepted,
        DisputeState::Rejected,
        DisputeState::Withdrawn,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            DisputeState::Opened => "opened",
            DisputeState::UnderReview => "under_review",
            DisputeState::Accepted => "accepted",
            DisputeState::PartlyAccepted => "partly_accepted",
            DisputeState::Rejected => "rejected",
            DisputeState::Withdrawn => "withdrawn",
        }
    }

    /// It is not at its end: what it is about is out of collection.
    pub fn is_open(self) -> bool {
        matches!(self, DisputeState::Opened | DisputeState::UnderReview)
    }

    /// The state after `change`; `None` when the change is not allowed from here. The whole machine.
    pub fn after(self, change: DisputeChange) -> Option<DisputeState> {
        match (self, change) {
            (DisputeState::Opened, DisputeChange::TakeUp) => Some(DisputeState::UnderReview),
            (DisputeState::Opened | DisputeState::UnderReview, DisputeChange::Accept) => Some(DisputeState::Accepted),
            (DisputeState::Opened | DisputeState::UnderReview, DisputeChange::AcceptPart) => Some(DisputeState::PartlyAccepted),
            (DisputeState::Opened | DisputeState::UnderReview, DisputeChange::Reject) => Some(DisputeState::Rejected),
            (DisputeState::Opened | DisputeState::UnderReview, DisputeChange::Withdraw) => Some(DisputeState::Withdrawn),
            (DisputeState::UnderReview, DisputeChange::TakeUp)
            | (DisputeState::Accepted | DisputeState::PartlyAccepted | DisputeState::Rejected | DisputeState::Withdrawn, _) => None,
        }
    }
}

/// Why it is disputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeReason {
    /// Not used, or not so much.
    WrongQuantity,
    /// Another price was agreed.
    WrongPrice,
    /// Billed or paid twice.
    Duplicate,
    /// What was sold did not work.
    Quality,
    /// The payer knows nothing of it.
    Fraudulent,
    /// Anything else.
    Other,
}

/// Where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The account that is billed.
    Customer,
    /// The bank of the payer, through the processor.
    Chargeback {
        /// Of which payment.
        payment_id: PaymentId,
        /// The processor's name for it.
        processor_id: String,
    },
    /// A sub-account's dispute, passed on to who is billed for the same usage.
    PassedUp {
        /// That dispute.
        dispute_id: DisputeId,
    },
}

impl Origin {
    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Origin::Customer => "customer",
            Origin::Chargeback { .. } => "chargeback",
            Origin::PassedUp { .. } => "passed_up",
        }
    }
}

/// What is said in a dispute: 1 to 4,000 bytes of UTF-8; lines are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Statement(String);

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const MAX: usize = 4_000;
        let lines: Result<Vec<String>, TextError> = text
            .lines()
            .map(|line| match clean(line, MAX) {
                Err(TextError::Empty) => Ok(String::new()),
                other => other,
            })
            .collect();
        let joined = lines?.join("\n").trim().to_owned();
        match joined.len() {
            0 => Err(TextError::Empty),
            len if len > MAX => Err(TextError::TooLong { max_bytes: MAX }),
            _ => Ok(Self(joined)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A link to what shows something: the address of a page, `http` or `https`. What is written by one side is opened by the other, so nothing else is
/// taken: a link such as `javascript:…` would be run by whoever follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceLink(Reference);

impl EvidenceLink {
    /// Reads a link.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const SHAPE: TextError = TextError::Shape("must be the address of a page: http:// or https://, without a user or password");
        let text = Reference::parse(text)?;
        let url = url::Url::parse(text.as_str()).map_err(|_| SHAPE)?;
        let good = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none();
        if good { Ok(Self(text)) } else { Err(SHAPE) }
    }

    /// As it is kept.
    pub fn into_reference(self) -> Reference {
        self.0
    }
}

impl<'de> Deserialize<'de> for EvidenceLink {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A message, or a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// From which account: the buyer's or the seller's.
    pub account_id: AccountId,
    /// Who wrote it: a key's or a member's id; none if the platform did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What.
    pub text: Statement,
    /// Links to pages; at most [`MAX_LINKS`]. Those that were kept before only [`EvidenceLink`]s were taken may be any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Reference>,
    /// When.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
}

impl Message {
    /// What it takes where it is kept.
    fn bytes(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX / 2, |text| text.len())
    }
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Who is billed.
    pub account_id: AccountId,
    /// Who bills, and resolves it.
    pub seller_id: AccountId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What was asked for, by line, without taxes.
    pub asked: Vec<Part>,
    /// What it holds out of collection, by line, taxes included.
    pub held: BTreeMap<LineId, Micros>,
    /// The sum of that.
    pub amount: Micros,
    /// Why.
    pub reason: DisputeReason,
    /// Where it came from.
    pub origin: Origin,
    /// Where it stands.
    pub state: DisputeState,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// Until when its seller has to answer; none once it is at its end.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub respond_by: Option<Timestamp>,
    /// It was told that the time to answer is over.
    #[serde(default)]
    pub overdue_told: bool,
    /// What was credited, taxes included.
    #[serde(default)]
    pub accepted: Micros,
    /// The credit note that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_note_id: Option<CreditNoteId>,
    /// The seller's own dispute for its share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_up_as: Option<DisputeId>,
    /// When it was opened.
    #[serde(serialize_with = "crate::time::millis")]
    pub opened_at: Timestamp,
    /// When it came to its end.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub resolved_at: Option<Timestamp>,
    /// Raised by one with each change.
    pub version: i64,
}

/// What a dispute is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDispute {
    /// Its id.
    pub id: DisputeId,
    /// The lines and how much of each.
    pub asked: Vec<Part>,
    /// Why.
    pub reason: DisputeReason,
    /// Where it comes from.
    pub origin: Origin,
    /// The evidence.
    pub evidence: Message,
    /// When.
    pub now: Timestamp,
}

/// Why something cannot be done with a dispute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisputeError {
    /// Not in this state.
    #[error("the dispute is {}", .0.word())]
    State(DisputeState),
    /// Parts of lines that cannot be disputed or credited.
    #[error(transparent)]
    Part(#[from] PartError),
    /// More than is disputed of the line.
    #[error("is more than the {disputed} that is disputed of the line")]
    OverDisputed {
        /// Which part, from 0.
        at: usize,
        /// What is disputed of its line.
        disputed: Micros,
    },
    /// Too many messages or links.
    #[error("at most {0} are kept")]
    TooMany(usize),
    /// Too much was written.
    #[error("at most {0} bytes are kept of each side")]
    TooLong(usize),
}

impl From<Overflow> for DisputeError {
    fn from(_: Overflow) -> Self {
        DisputeError::Part(PartError::Invoice(InvoiceError::Overflow))
    }
}

impl From<InvoiceError> for DisputeError {
    fn from(error: InvoiceError) -> Self {
        DisputeError::Part(PartError::Invoice(error))
    }
}

/// How a dispute is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// These parts are credited; each at most what is disputed of its line.
    Accept(Vec<Part>),
    /// All that was asked for is credited.
    AcceptAll,
    /// Nothing is credited.
    Reject,
    /// Whoever opened it takes it back.
    Withdraw,
}

fn respond_by(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * RESPOND_DAYS)).unwrap_or(Timestamp::MAX)
}

impl Dispute {
    /// Opens a dispute, and holds what it is about out of the invoice's collection.
    ///
    /// # Errors
    /// [`DisputeError`]; then the invoice is as it was.
    pub fn open(invoice: &mut Invoice, new: NewDispute) -> Result<Dispute, DisputeError> {
        if new.evidence.links.len() > MAX_LINKS {
            return Err(DisputeError::TooMany(MAX_LINKS));
        }
        let Parts { lines, total } = parts(invoice, &new.asked, &BTreeMap::new())?;
        let mut after = invoice.clone();
        after.hold(&lines, false)?;
        *invoice = after;
        Ok(Dispute {
            id: new.id,
            invoice_id: invoice.id.clone(),
            account_id: invoice.account_id.clone(),
            seller_id: invoice.seller_id.clone(),
            currency: invoice.currency,
            asked: new.asked,
            held: lines,
            amount: total,
            reason: new.reason,
            origin: new.origin,
            state: DisputeState::Opened,
            messages: vec![new.evidence],
            respond_by: Some(respond_by(new.now)),
            overdue_told: false,
            accepted: Micros::ZERO,
            credit_note_id: None,
            passed_up_as: None,
            opened_at: new.now,
            resolved_at: None,
            version: 1,
        })
    }

    fn change(&mut self, change: DisputeChange) -> Result<(), DisputeError> {
        self.state = self.state.after(change).ok_or(DisputeError::State(self.state))?;
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Its seller begins to look at it: it has as long again.
    ///
    /// # Errors
    /// [`DisputeError::State`].
    pub fn take_up(&mut self, now: Timestamp) -> Result<(), DisputeError> {
        self.change(DisputeChange::TakeUp)?;
        (self.respond_by, self.overdue_told) = (Some(respond_by(now)), false);
        Ok(())
    }

    /// Adds a message or evidence.
    ///
    /// # Errors
    /// [`DisputeError::State`] once it is at its end; [`DisputeError::TooMany`], [`DisputeError::TooLong`].
    pub fn say(&mut self, message: Message) -> Result<(), DisputeError> {
        if !self.state.is_open() {
            return Err(DisputeError::State(self.state));
        }
        if message.links.len() > MAX_LINKS {
            return Err(DisputeError::TooMany(MAX_LINKS));
        }
        let buyers = |message: &Message| message.account_id == self.account_id;
        let own = || self.messages.iter().filter(|other| buyers(other) == buyers(&message));
        if own().count() >= MAX_MESSAGES {
            return Err(DisputeError::TooMany(MAX_MESSAGES));
        }
        if own().map(Message::bytes).sum::<usize>() + message.bytes() > MAX_BYTES {
            return Err(DisputeError::TooLong(MAX_BYTES));
        }
        self.messages.push(message);
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Whether the time to answer is over and that was not told yet.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state.is_open() && !self.overdue_told && self.respond_by.is_some_and(|by| by <= now)
    }

    /// Ends it and frees what it held. What comes out are the parts to be credited by a note ([`crate::billing::credit_note::issue`]) in the same
    /// transaction; none if nothing is.
    ///
    /// # Errors
    /// [`DisputeError`]; then nothing changed.
    pub fn resolve(&mut self, invoice: &mut Invoice, resolution: Resolution, now: Timestamp) -> Result<Vec<Part>, DisputeError> {
        let withdrawn = resolution == Resolution::Withdraw;
        let accepted = match resolution {
            Resolution::Accept(parts) => parts,
            Resolution::AcceptAll => self.asked.clone(),
            Resolution::Reject | Resolution::Withdraw => Vec::new(),
        };
        for (at, part) in accepted.iter().enumerate() {
            let disputed = self.asked.iter().find(|asked| asked.line == part.line).map(|asked| asked.amount);
            let disputed = disputed.ok_or(PartError::NoLine(at))?;
            if part.amount > disputed {
                return Err(DisputeError::OverDisputed { at, disputed });
            }
        }
        let whole = self.asked.iter().all(|asked| accepted.contains(asked));
        let change = match (accepted.is_empty(), whole) {
            _ if withdrawn => DisputeChange::Withdraw,
            (true, _) => DisputeChange::Reject,
            (false, true) => DisputeChange::Accept,
            (false, false) => DisputeChange::AcceptPart,
        };
        let (mut dispute, mut after) = (self.clone(), invoice.clone());
        dispute.change(change)?;
        after.hold(&dispute.held, true)?;
        dispute.accepted = match accepted.is_empty() {
            true => Micros::ZERO,
            false => parts(&after, &accepted, &BTreeMap::new())?.total,
        };
        (dispute.respond_by, dispute.resolved_at) = (None, Some(now));
        (*self, *invoice) = (dispute, after);
        Ok(accepted)
    }
}

/// Which parts of an invoice a chargeback of `amount` is about: its lines in their order, as much of each as is left, without more than comes to the
/// amount with taxes. What is not explained by lines stays out.
///
/// # Errors
/// [`Overflow`].
pub fn spread(invoice: &Invoice, amount: Micros) -> Result<Vec<Part>, Overflow> {
    let coin = invoice.currency.minor().get();
    let mut asked: Vec<Part> = Vec::new();
    for line in invoice.lines.iter().filter(|line| line.kind != LineKind::Tax) {
        let of = |map: &BTreeMap<LineId, Micros>| map.get(&line.id).copied().unwrap_or_default();
        let left = line.amount.minus(of(&invoice.credited_lines))?.minus(of(&invoice.disputed_lines))?;
        // The largest part whose sum with taxes is within the amount, found by halving.
        let (mut low, mut high) = (0, left.get().max(0) / coin);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            let mut tried = asked.clone();
            tried.push(Part { line: line.id.clone(), amount: Micros::new(middle * coin) });
            let fits = parts(invoice, &tried, &BTreeMap::new()).is_ok_and(|parts| parts.total <= amount);
            (low, high) = if fits { (middle, high) } else { (low, middle - 1) };
        }
        if low > 0 {
            asked.push(Part { line: line.id.clone(), amount: Micros::new(low * coin) });
        }
    }
    Ok(asked)
}

/// The share of what was accepted of a usage line that its seller paid itself for the same usage, as a part of the seller's own invoice: the line of
/// the same month and meter, at most what is left of it. `None` if the seller pays nothing for it or has no such line.
///
/// # Errors
/// [`Overflow`].
pub fn share_above(line: &Line, accepted: Micros, above: &Invoice) -> Result<Option<Part>, Overflow> {
    let (LineKind::Usage, Some(cost)) = (line.kind, line.cost) else { return Ok(None) };
    let Some(own) = above.lines.iter().find(|own| own.kind == LineKind::Usage && own.meter == line.meter && own.month == line.month) else {
        return Ok(None);
    };
    if line.amount.get() <= 0 || cost.is_negative() {
        return Ok(None);
    }
    let coin = i128::from(above.currency.minor().get());
    let picos = cost.get().checked_mul(i128::from(accepted.get())).ok_or(Overflow)?;
    let share = div_half_even(picos, i128::from(line.amount.get()) * crate::pricing::number::PICOS_PER_MICRO * coin) * coin;
    let share = i64::try_from(share).map(Micros::new).map_err(|_| Overflow)?;
    let of = |map: &BTreeMap<LineId, Micros>| map.get(&own.id).copied().unwrap_or_default();
    let left = own.amount.minus(of(&above.credited_lines))?.minus(of(&above.disputed_lines))?;
    let amount = share.min(left);
    Ok((amount.get() > 0).then(|| Part { line: own.id.clone(), amount }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::credit_note::{GivenAs, NewCreditNote, issue};
    use crate::billing::invoice::InvoiceState;
    use crate::billing::testing::{at, buyer, golden, issued, micros, seller};

    const CHANGES: [DisputeChange; 5] =
        [DisputeChange::TakeUp, DisputeChange::Accept, DisputeChange::AcceptPart, DisputeChange::Reject, DisputeChange::Withdraw];

    fn part(line: &str, amount: &str) -> Part {
        Part { line: line.to_owned(), amount: micros(amount) }
    }

    fn message() -> Message {
        let text = Statement::parse("We sent far fewer.\nSee the log.").expect("a text");
        Message { account_id: buyer(), by: None, text, links: Vec::new(), at: Timestamp::UNIX_EPOCH }
    }

    fn opened(invoice: &mut Invoice, asked: Vec<Part>) -> Result<Dispute, DisputeError> {
        let (id, origin) = (DisputeId::from_number(1), Origin::Customer);
        let now = at("2026-12-02T00:00:00Z");
        Dispute::open(invoice, NewDispute { id, asked, reason: DisputeReason::WrongQuantity, origin, evidence: message(), now })
    }

    #[test]
    fn the_state_machine_of_a_dispute() {
        let mut table = String::new();
        for from in DisputeState::ALL {
            for change in CHANGES {
                let to = from.after(change).map_or("refused", DisputeState::word);
                table.push_str(&format!("{:<16} {:<11} -> {to}\n", from.word(), format!("{change:?}")));
            }
        }
        golden("dispute", &table);
    }

    #[test]
    fn one_side_cannot_fill_a_dispute() {
        let mut invoice = issued();
        let said = |account_id: AccountId, length: usize| {
            let text = Statement::parse(&"\"".repeat(length)).expect("a text");
            Message { account_id, text, ..message() }
        };
        let mut dispute = opened(&mut invoice, vec![part("usage:2026-11:sms", "50")]).expect("less than the line");
        let refused = (0..MAX_MESSAGES).find_map(|_| dispute.say(said(buyer(), 4_000)).err());
        assert_eq!(refused, Some(DisputeError::TooLong(MAX_BYTES)));
        dispute.say(said(seller(), 4_000)).expect("the other side has its own room");
        let refused = (0..=MAX_MESSAGES).find_map(|_| dispute.say(said(seller(), 1)).err());
        assert_eq!(refused, Some(DisputeError::TooMany(MAX_MESSAGES)));
        assert!(serde_json::to_string(&dispute).expect("writes").len() < 300_000);
        dispute.take_up(at("2026-12-16T00:00:00Z")).expect("it is open");
    }

    #[test]
    fn what_is_disputed_is_out_of_collection_until_it_is_resolved_by_a_note() {
        let mut invoice = issued();
        let mut dispute = opened(&mut invoice, vec![part("usage:2026-11:sms", "50")]).expect("less than the line");
        assert_eq!((dispute.amount, invoice.in_collection(), invoice.due()), (micros("60"), Ok(micros("120")), Ok(micros("180"))));
        assert!(matches!(
            opened(&mut invoice, vec![part("usage:2026-11:sms", "50.01")]),
            Err(DisputeError::Part(PartError::OverLine { .. }))
        ));
        assert!(!dispute.is_overdue(at("2026-12-15T23:59:59Z")) && dispute.is_overdue(at("2026-12-16T00:00:00Z")));
        dispute.take_up(at("2026-12-16T00:00:00Z")).expect("it is open");
        assert_eq!(dispute.respond_by, Some(at("2026-12-30T00:00:00Z")));
        dispute.say(message()).expect("it is open");

        let too_much = dispute.resolve(&mut invoice, Resolution::Accept(vec![part("usage:2026-11:sms", "51")]), Timestamp::UNIX_EPOCH);
        assert_eq!(too_much, Err(DisputeError::OverDisputed { at: 0, disputed: micros("50") }));
        let accepted = vec![part("usage:2026-11:sms", "20")];
        let parts = dispute.resolve(&mut invoice, Resolution::Accept(accepted), at("2026-12-20T00:00:00Z")).expect("less than asked for");
        let reason = Reference::parse("Dispute").expect("a text");
        let new = NewCreditNote {
            id: CreditNoteId::from_number(1),
            number: "INV-CN-000001".to_owned(),
            given_as: GivenAs::Credit,
            dispute_id: Some(dispute.id.clone()),
            reason,
            now: Timestamp::UNIX_EPOCH,
        };
        let note = issue(&mut invoice, &parts, &BTreeMap::new(), new).expect("it is free again");
        assert_eq!((dispute.state, dispute.accepted, note.total), (DisputeState::PartlyAccepted, micros("24"), micros("24")));
        assert_eq!((invoice.disputed, invoice.in_collection()), (Micros::ZERO, Ok(micros("156"))));
        assert_eq!(dispute.say(message()), Err(DisputeError::State(DisputeState::PartlyAccepted)));
        let again = dispute.resolve(&mut invoice, Resolution::Reject, Timestamp::UNIX_EPOCH);
        assert_eq!(again, Err(DisputeError::State(DisputeState::PartlyAccepted)));
        let text = serde_json::to_string(&dispute).expect("writes");
        assert_eq!(serde_json::from_str::<Dispute>(&text).expect("reads"), dispute);
    }

    #[test]
    fn rejected_or_withdrawn_it_is_due_again_and_accepted_whole_it_is_accepted() {
        for (resolution, state, accepted) in [
            (Resolution::Reject, DisputeState::Rejected, "0"),
            (Resolution::Withdraw, DisputeState::Withdrawn, "0"),
            (Resolution::AcceptAll, DisputeState::Accepted, "60"),
        ] {
            let mut invoice = issued();
            let mut dispute = opened(&mut invoice, vec![part("usage:2026-11:sms", "50")]).expect("less than the line");
            dispute.resolve(&mut invoice, resolution, Timestamp::UNIX_EPOCH).expect("it is open");
            assert_eq!((dispute.state, dispute.accepted, invoice.disputed), (state, micros(accepted), Micros::ZERO));
        }
    }

    #[test]
    fn a_chargeback_is_spread_over_lines_and_never_over_its_amount() {
        let invoice = issued();
        let whole = spread(&invoice, micros("180")).expect("in range");
        assert_eq!(parts(&invoice, &whole, &BTreeMap::new()).map(|parts| parts.total), Ok(micros("180")));
        let some = spread(&invoice, micros("100")).expect("in range");
        let total = parts(&invoice, &some, &BTreeMap::new()).map(|parts| parts.total).expect("they fit");
        assert!(total <= micros("100") && total > micros("99.95"), "{total}");
        assert_eq!(spread(&invoice, Micros::ZERO), Ok(Vec::new()));
    }

    #[test]
    fn the_share_above_is_what_the_seller_paid_for_the_same() {
        let invoice = issued();
        let line = invoice.line("usage:2026-11:sms").expect("a line");
        let above = issued();
        assert_eq!(share_above(line, micros("50"), &above), Ok(Some(part("usage:2026-11:sms", "35"))));
        assert_eq!(share_above(invoice.line("fee:base0").expect("a line"), micros("5"), &above), Ok(None));
        let mut other = above.clone();
        other.lines.retain(|line| line.kind != LineKind::Usage);
        assert_eq!(share_above(line, micros("50"), &other), Ok(None));
        assert_eq!(above.state, InvoiceState::Finalized);
    }
}
