//! Payments through a processor: one attempt each, which moves money at most once whatever answers and webhooks come, in whatever order and how
//! often.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::billing::dunning::LOOK_UP_S;
use crate::billing::invoice::Invoice;
use crate::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId, TransferId};
use crate::money::{Currency, Micros, Overflow};
use crate::text::Reference;
use crate::transfer::Purchased;

/// The method of a payment from credit.
pub const FROM_CREDIT: &str = "credit";
/// The method of a payment that was made outside, and is only written down.
pub const OUTSIDE: &str = "outside";
/// The most refunds of one payment.
pub const MAX_REFUNDS: usize = 50;
/// How long an answer about a refund is waited for before it is looked up, in seconds.
const REFUND_ANSWER_S: i64 = crate::billing::dunning::ANSWER_S;
/// How often a refund on its way is looked up, in seconds.
const REFUND_LOOK_UP_S: i64 = 24 * 60 * 60;

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Written down; the processor was not asked yet.
    Created,
    /// The processor is being asked.
    Sent,
    /// Nobody knows whether the processor did it: it is looked up before anything else.
    Unknown,
    /// The processor took it and will say later.
    Processing,
    /// The payer must confirm it.
    ActionRequired,
    /// The money was taken.
    Succeeded,
    /// It was declined.
    Declined,
    /// It was given up before money was taken.
    Cancelled,
}

/// What is learned of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The request is about to go out.
    Send,
    /// No answer came.
    NoAnswer,
    /// The processor, asked for it, has none.
    NotFound,
    /// It is being processed.
    Processing,
    /// The payer must confirm it.
    ActionRequired,
    /// The money was taken.
    Succeeded,
    /// It was declined.
    Declined,
    /// It was cancelled.
    Cancelled,
}

/// What is to be done because of it. Whoever commits the new state does this with it, so it is done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// The money counts: to the invoice, or as credit.
    Count,
    /// It failed: the next try is planned.
    Fail,
    /// The payer is asked to confirm it.
    AskPayer,
}

impl PaymentState {
    /// Every state.
    pub const ALL: [PaymentState; 8] = [
        PaymentState::Created,
        PaymentState::Sent,
        PaymentState::Unknown,
        PaymentState::Processing,
        PaymentState::ActionRequired,
        PaymentState::Succeeded,
        PaymentState::Declined,
        PaymentState::Cancelled,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            PaymentState::Created => "created",
            PaymentState::Sent => "sent",
            PaymentState::Unknown => "unknown",
            PaymentState::Processing => "processing",
            PaymentState::ActionRequired => "action_required",
            PaymentState::Succeeded => "succeeded",
            PaymentState::Declined => "declined",
            PaymentState::Cancelled => "cancelled",
        }
    }

    /// It is not at its end: no other attempt may begin.
    pub fn is_open(self) -> bool {
        !matches!(self, PaymentState::Succeeded | PaymentState::Declined | PaymentState::Cancelled)
    }

    /// The state after `signal`, and what is to be done. The whole machine: answers, look-ups and webhooks go through it alike.
    ///
    /// Money that was taken counts, even after a decline or a cancellation was said. Nothing takes it back here: a refund or chargeback is another
    /// matter. What is older than what is known changes nothing.
    pub fn after(self, signal: Signal) -> (PaymentState, Effect) {
        use PaymentState as S;
        match (self, signal) {
            (S::Succeeded, _) => (S::Succeeded, Effect::Nothing),
            (_, Signal::Succeeded) => (S::Succeeded, Effect::Count),
            (S::Declined | S::Cancelled, _) => (self, Effect::Nothing),
            (_, Signal::Declined) => (S::Declined, Effect::Fail),
            (_, Signal::Cancelled) => (S::Cancelled, Effect::Fail),
            (S::ActionRequired, Signal::ActionRequired) => (S::ActionRequired, Effect::Nothing),
            (_, Signal::ActionRequired) => (S::ActionRequired, Effect::AskPayer),
            (_, Signal::Processing) => (S::Processing, Effect::Nothing),
            (S::Created | S::Sent | S::Unknown, Signal::Send) => (S::Sent, Effect::Nothing),
            (S::Processing | S::ActionRequired, Signal::Send | Signal::NoAnswer | Signal::NotFound) => (self, Effect::Nothing),
            (S::Created | S::Sent | S::Unknown, Signal::NoAnswer) => (S::Unknown, Effect::Nothing),
            // It never arrived: it may be sent again, under the same idempotency key.
            (S::Created | S::Sent | S::Unknown, Signal::NotFound) => (S::Created, Effect::Nothing),
        }
    }
}

/// Why the processor declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineKind {
    /// Too little money.
    InsufficientFunds,
    /// The card is over.
    ExpiredCard,
    /// The card was lost or stolen.
    LostOrStolen,
    /// A number of the card is wrong.
    Incorrect,
    /// The bank says no and not why.
    DoNotHonor,
    /// The payer must confirm it, and did not or could not.
    AuthenticationRequired,
    /// The processor or bank had a fault.
    Processing,
    /// Anything else.
    Other,
}

impl DeclineKind {
    /// Every kind.
    pub const ALL: [DeclineKind; 8] = [
        DeclineKind::InsufficientFunds,
        DeclineKind::ExpiredCard,
        DeclineKind::LostOrStolen,
        DeclineKind::Incorrect,
        DeclineKind::DoNotHonor,
        DeclineKind::AuthenticationRequired,
        DeclineKind::Processing,
        DeclineKind::Other,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            DeclineKind::InsufficientFunds => "insufficient_funds",
            DeclineKind::ExpiredCard => "expired_card",
            DeclineKind::LostOrStolen => "lost_or_stolen",
            DeclineKind::Incorrect => "incorrect",
            DeclineKind::DoNotHonor => "do_not_honor",
            DeclineKind::AuthenticationRequired => "authentication_required",
            DeclineKind::Processing => "processing",
            DeclineKind::Other => "other",
        }
    }

    /// The same card will never do: nothing is tried with it again.
    pub fn is_hard(self) -> bool {
        matches!(self, DeclineKind::ExpiredCard | DeclineKind::LostOrStolen | DeclineKind::Incorrect)
    }
}

/// What is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An invoice.
    Invoice(InvoiceId),
    /// Loose credit.
    Credit(Micros),
    /// Packages, on the terms on which they were charged for: what their seller changes after that changes nothing.
    Package(Box<Purchased>),
}

impl Purpose {
    /// How much credit it brings.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn credit(&self) -> Result<Option<Micros>, Overflow> {
        match self {
            Purpose::Invoice(_) => Ok(None),
            Purpose::Credit(credit) => Ok(Some(*credit)),
            Purpose::Package(bought) => bought.credits.plus(bought.bonus).map(Some),
        }
    }
}

/// Why something of a payment goes back to the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCause {
    /// A credit note gives it back.
    CreditNote(CreditNoteId),
    /// It came when less was due, or nothing.
    Overpaid,
    /// The credit that it was to pay for could not be given.
    NoCredit,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The processor is to be asked, or is being asked; nobody knows whether it did it.
    Sent,
    /// It is on its way.
    Pending,
    /// The bank took it.
    Succeeded,
    /// It was refused, or came back: the money is the seller's.
    Failed,
}

impl RefundState {
    /// Every state.
    pub const ALL: [RefundState; 4] = [RefundState::Sent, RefundState::Pending, RefundState::Succeeded, RefundState::Failed];

    /// The state after it is heard to be in `heard`. What failed stays so; a bank may give back what it took.
    #[must_use]
    pub fn after(self, heard: RefundState) -> RefundState {
        match (self, heard) {
            (RefundState::Failed, _) | (_, RefundState::Failed) => RefundState::Failed,
            (RefundState::Succeeded, _) | (_, RefundState::Succeeded) => RefundState::Succeeded,
            (RefundState::Pending, _) | (_, RefundState::Pending) => RefundState::Pending,
            (RefundState::Sent, RefundState::Sent) => RefundState::Sent,
        }
    }
}

/// A part of a payment that goes back to the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id: the payment's and a number. It is the idempotency key towards the processor, too.
    pub id: String,
    /// How much.
    pub amount: Micros,
    /// Why.
    pub cause: RefundCause,
    /// How far it is.
    pub state: RefundState,
    /// Of one that failed: it was asked for again, as another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// The processor's name for it, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_id: Option<String>,
    /// When it was written down.
    #[serde(serialize_with = "crate::time::millis")]
    pub created_at: Timestamp,
    /// When something was last heard of it.
    #[serde(serialize_with = "crate::time::millis")]
    pub heard_at: Timestamp,
}

/// How far a chargeback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargebackState {
    /// The bank only asks; no money was taken.
    Inquiry,
    /// The money was taken, and may come back.
    Taken,
    /// The money is back, or was never taken.
    Won,
    /// The money is gone.
    Lost,
}

/// The payer's bank takes a payment back, or asks about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chargeback {
    /// The processor's name for it.
    pub processor_id: String,
    /// The dispute that it opened; none if nothing of the invoice was left to dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<DisputeId>,
    /// How much of the payment.
    pub amount: Micros,
    /// What of that was taken off what was paid of the invoice.
    #[serde(default)]
    pub unpaid: Micros,
    /// How far it is.
    pub state: ChargebackState,
}

/// By what way money came that was paid outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To a bank account.
    BankTransfer,
    /// In notes and coins.
    Cash,
    /// By cheque.
    Cheque,
    /// By a card that another system charged.
    Card,
    /// Against something that the seller owed.
    Offset,
    /// Anything else.
    Other,
}

impl Way {
    /// Every way.
    pub const ALL: [Way; 6] = [Way::BankTransfer, Way::Cash, Way::Cheque, Way::Card, Way::Offset, Way::Other];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Way::BankTransfer => "bank_transfer",
            Way::Cash => "cash",
            Way::Cheque => "cheque",
            Way::Card => "card",
            Way::Offset => "offset",
            Way::Other => "other",
        }
    }
}

/// What the seller wrote down of a payment that was made outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// By what way.
    pub way: Way,
    /// What the statement says of it.
    pub reference: Reference,
    /// When the money came.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
}

/// One attempt. It is written before the processor is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id; the idempotency key towards the processor is made of it.
    pub id: PaymentId,
    /// Who pays.
    pub account_id: AccountId,
    /// Whom.
    pub seller_id: AccountId,
    /// What for.
    pub purpose: Purpose,
    /// How much, in whole coins.
    pub amount: Micros,
    /// The currency.
    pub currency: Currency,
    /// The card, by the processor's name for it.
    pub method: String,
    /// Which attempt of its purpose, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: PaymentState,
    /// The processor's name for it, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_id: Option<String>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<DeclineKind>,
    /// Of one that was declined: its bank said not to try the card again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_good: bool,
    /// Where the payer confirms it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_url: Option<String>,
    /// Who pays, by the processor's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Of one that failed: nobody can pay it at the processor any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
    /// What of it counted to the invoice.
    #[serde(default)]
    pub applied: Micros,
    /// The movement of credit: of a payment from credit, or of credit that was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
    /// Of one that was made outside, what was written down of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// What goes back to the card, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// What the payer's bank took back or asked about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chargebacks: Vec<Chargeback>,
    /// What of it was given back: refunded or charged back.
    #[serde(default)]
    pub refunded: Micros,
    /// When it was written down.
    #[serde(serialize_with = "crate::time::millis")]
    pub created_at: Timestamp,
    /// When its state last changed.
    #[serde(serialize_with = "crate::time::millis")]
    pub changed_at: Timestamp,
    /// When something was last heard of it, new or not.
    #[serde(serialize_with = "crate::time::millis")]
    pub heard_at: Timestamp,
    /// Raised by one with each change.
    pub version: i64,
}

/// Why money cannot be given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// Nothing was taken.
    #[error("the payment is {}", .0.word())]
    State(PaymentState),
    /// More than is left.
    #[error("{asked} is more than the {left} that is left of the payment")]
    MoreThanLeft {
        /// What was asked for.
        asked: Micros,
        /// What is left.
        left: Micros,
    },
    /// Not more than zero, or not in whole coins.
    #[error("the amount must be more than zero, in whole coins of the currency")]
    Amount,
    /// There were too many.
    #[error("a payment has at most {MAX_REFUNDS} refunds")]
    TooMany,
    /// The amounts leave their range.
    #[error("the amounts are too large to add up")]
    Overflow,
}

impl From<Overflow> for RefundError {
    fn from(_: Overflow) -> Self {
        RefundError::Overflow
    }
}

/// The id of an attempt: it follows from the invoice and the attempt's number, so that two cannot both begin the same. In the layout of a UUIDv7 with
/// the invoice's time.
pub fn payment_id(invoice: &InvoiceId, attempt: u32) -> PaymentId {
    const SIXTY_TWO_BITS: u128 = (1 << 62) - 1;
    let name = format!("{invoice}/{attempt}");
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mixed = u128::from(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)) & SIXTY_TWO_BITS;
    let number = u128::from(attempt) & 0xfff;
    let kept = invoice.as_u128() & !(0xfff << 64);
    PaymentId::from_uuid(Uuid::from_u128((kept ^ mixed) | (number << 64)))
}

fn seconds_after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

impl Payment {
    /// The next payment of an invoice, as it is written before the processor is asked.
    pub fn of_invoice(invoice: &Invoice, amount: Micros, method: &str, now: Timestamp) -> Self {
        let attempt = invoice.chase.attempts.saturating_add(1);
        Self {
            attempt,
            ..Self::new(
                payment_id(&invoice.id, attempt),
                (invoice.account_id.clone(), invoice.seller_id.clone()),
                Purpose::Invoice(invoice.id.clone()),
                (amount, invoice.currency),
                method,
                now,
            )
        }
    }

    /// A payment from the first account to the second that was not begun yet.
    pub fn new(
        id: PaymentId,
        (account_id, seller_id): (AccountId, AccountId),
        purpose: Purpose,
        (amount, currency): (Micros, Currency),
        method: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            account_id,
            seller_id,
            purpose,
            amount,
            currency,
            method: method.to_owned(),
            attempt: 1,
            state: PaymentState::Created,
            processor_id: None,
            decline: None,
            for_good: false,
            action_url: None,
            customer: None,
            closed: false,
            applied: Micros::ZERO,
            transfer_id: None,
            received: None,
            refunds: Vec::new(),
            chargebacks: Vec::new(),
            refunded: Micros::ZERO,
            created_at: now,
            changed_at: now,
            heard_at: now,
            version: 1,
        }
    }

    /// When it is looked at by itself; none if it is not. While one of an invoice is open, the invoice is looked at instead.
    pub fn due_at(&self) -> Option<Timestamp> {
        let wait = match self.state {
            PaymentState::Created | PaymentState::Sent | PaymentState::Unknown => Some(REFUND_ANSWER_S),
            PaymentState::Processing | PaymentState::ActionRequired => Some(LOOK_UP_S),
            PaymentState::Succeeded | PaymentState::Declined | PaymentState::Cancelled => None,
        };
        let open = wait.filter(|_| self.invoice_id().is_none()).map(|wait| seconds_after(self.heard_at, wait));
        [open, self.refunds_due_at()].into_iter().flatten().min()
    }

    /// It was declined so that nothing is tried with the same card again.
    pub fn is_declined_for_good(&self) -> bool {
        self.for_good || self.decline.is_some_and(DeclineKind::is_hard)
    }

    /// It goes through the processor.
    pub fn is_by_card(&self) -> bool {
        self.method != FROM_CREDIT && self.method != OUTSIDE
    }

    /// The invoice that it pays.
    pub fn invoice_id(&self) -> Option<&InvoiceId> {
        match &self.purpose {
            Purpose::Invoice(id) => Some(id),
            Purpose::Credit(_) | Purpose::Package(_) => None,
        }
    }

    /// The key under which the processor is asked: the same for each time that this attempt is sent.
    pub fn idempotency_key(&self) -> String {
        format!("tributary-{}", self.id)
    }

    /// Takes a signal in.
    pub fn hear(&mut self, signal: Signal, now: Timestamp) -> Effect {
        let (state, effect) = self.state.after(signal);
        self.heard_at = now.max(self.heard_at);
        if state != self.state {
            self.state = state;
            self.changed_at = now.max(self.changed_at);
            self.version = self.version.saturating_add(1);
        }
        effect
    }

    /// What may still be given back.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn left(&self) -> Result<Micros, Overflow> {
        if self.state == PaymentState::Succeeded { self.amount.minus(self.refunded) } else { Ok(Micros::ZERO) }
    }

    /// Counts what was given back: refunds that did not fail, and what banks took. A bank may take all of it while a refund is on its way, so the
    /// sum may be more than the payment was; what is too much is between the seller and the bank.
    fn recount(&mut self, now: Timestamp) -> Result<(), Overflow> {
        let refunds = self.refunds.iter().filter(|refund| refund.state != RefundState::Failed).map(|refund| refund.amount);
        let taken = |known: &&Chargeback| matches!(known.state, ChargebackState::Taken | ChargebackState::Lost);
        let chargebacks = self.chargebacks.iter().filter(taken).map(|known| known.amount);
        let sum = refunds.chain(chargebacks).try_fold(Micros::ZERO, |sum, amount| sum.plus(amount))?;
        self.refunded = sum.min(self.amount);
        self.changed_at = now.max(self.changed_at);
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Takes in how far a chargeback is; a new one is added.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn charge_back(&mut self, chargeback: Chargeback, now: Timestamp) -> Result<(), Overflow> {
        match self.chargebacks.iter_mut().find(|known| known.processor_id == chargeback.processor_id) {
            Some(known) => *known = chargeback,
            None => self.chargebacks.push(chargeback),
        }
        self.recount(now)
    }

    /// Writes down that a part goes back to the card. The processor is asked afterwards.
    ///
    /// # Errors
    /// [`RefundError`].
    pub fn begin_refund(&mut self, amount: Micros, cause: RefundCause, now: Timestamp) -> Result<(), RefundError> {
        if self.refunds.len() >= MAX_REFUNDS {
            return Err(RefundError::TooMany);
        }
        if self.state != PaymentState::Succeeded {
            return Err(RefundError::State(self.state));
        }
        if amount.get() <= 0 || amount.get() % self.currency.minor().get() != 0 {
            return Err(RefundError::Amount);
        }
        let left = self.left()?;
        if amount > left {
            return Err(RefundError::MoreThanLeft { asked: amount, left });
        }
        let id = format!("{}-r{}", self.id, self.refunds.len() + 1);
        // What has to be asked is asked at once.
        let heard_at = Timestamp::UNIX_EPOCH;
        self.refunds.push(Refund {
            id,
            amount,
            cause,
            state: RefundState::Sent,
            repeated: false,
            processor_id: None,
            created_at: now,
            heard_at,
        });
        Ok(self.recount(now)?)
    }

    /// The refunds that failed and were not asked for again.
    pub fn failed_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(|refund| refund.state == RefundState::Failed && !refund.repeated)
    }

    /// Writes down that a refund that failed is asked for again, with the same cause; once. `false` if there is none of that id.
    ///
    /// # Errors
    /// [`RefundError`].
    pub fn repeat_refund(&mut self, id: &str, now: Timestamp) -> Result<bool, RefundError> {
        let failed = self.failed_refunds().find(|refund| refund.id == id).map(|refund| (refund.amount, refund.cause.clone()));
        let Some((amount, cause)) = failed else { return Ok(false) };
        self.begin_refund(amount, cause, now)?;
        self.refunds.iter_mut().filter(|refund| refund.id == id).for_each(|refund| refund.repeated = true);
        Ok(true)
    }

    /// Takes in how far a refund is. `true` if it is news.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn hear_refund(&mut self, id: &str, heard: RefundState, processor_id: Option<&str>, now: Timestamp) -> Result<bool, Overflow> {
        let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == id) else { return Ok(false) };
        let (before, after) = (refund.state, refund.state.after(heard));
        (refund.state, refund.heard_at) = (after, now.max(refund.heard_at));
        if refund.processor_id.is_none() {
            refund.processor_id = processor_id.map(str::to_owned);
        }
        self.recount(now)?;
        Ok(before != after)
    }

    /// When its refunds are looked at next; none if nothing is open.
    pub fn refunds_due_at(&self) -> Option<Timestamp> {
        let due = self.refunds.iter().filter_map(|refund| match refund.state {
            RefundState::Sent => Some(seconds_after(refund.heard_at, REFUND_ANSWER_S)),
            RefundState::Pending => Some(seconds_after(refund.heard_at, REFUND_LOOK_UP_S)),
            RefundState::Succeeded | RefundState::Failed => None,
        });
        due.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNALS: [Signal; 8] = [
        Signal::Send,
        Signal::NoAnswer,
        Signal::NotFound,
        Signal::Processing,
        Signal::ActionRequired,
        Signal::Succeeded,
        Signal::Declined,
        Signal::Cancelled,
    ];

    fn payment() -> Payment {
        let parties = (AccountId::from_number(2), AccountId::from_number(3));
        let amount = (Micros::new(12_340_000), "USD".parse().expect("a currency"));
        Payment::new(PaymentId::from_number(1), parties, Purpose::Invoice(InvoiceId::from_number(4)), amount, "pm_1", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_state_machine_of_a_payment() {
        let mut table = String::new();
        for from in PaymentState::ALL {
            for signal in SIGNALS {
                let (to, effect) = from.after(signal);
                let effect = if effect == Effect::Nothing { String::new() } else { format!("{effect:?}") };
                let line = format!("{:<16} {:<15} -> {:<16} {effect}", from.word(), format!("{signal:?}"), to.word());
                table.push_str(&format!("{}\n", line.trim_end()));
            }
        }
        crate::billing::testing::golden("payment", &table);
    }

    #[test]
    fn a_refund_stays_within_the_payment() {
        let mut paid = payment();
        assert_eq!(
            paid.begin_refund(Micros::new(10_000), RefundCause::Overpaid, Timestamp::UNIX_EPOCH),
            Err(RefundError::State(PaymentState::Created))
        );
        assert_eq!(paid.hear(Signal::Succeeded, Timestamp::UNIX_EPOCH), Effect::Count);
        for wrong in [0, -10_000, 5_000] {
            assert_eq!(
                paid.begin_refund(Micros::new(wrong), RefundCause::Overpaid, Timestamp::UNIX_EPOCH),
                Err(RefundError::Amount),
                "{wrong}"
            );
        }
        paid.begin_refund(Micros::new(12_000_000), RefundCause::Overpaid, Timestamp::UNIX_EPOCH).expect("less than it");
        let left = Micros::new(340_000);
        let over = paid.begin_refund(Micros::new(350_000), RefundCause::Overpaid, Timestamp::UNIX_EPOCH);
        assert_eq!(over, Err(RefundError::MoreThanLeft { asked: Micros::new(350_000), left }));
        paid.begin_refund(left, RefundCause::Overpaid, Timestamp::UNIX_EPOCH).expect("the rest");
        assert_eq!(paid.left(), Ok(Micros::ZERO));
        let text = serde_json::to_string(&paid).expect("writes");
        assert_eq!(serde_json::from_str::<Payment>(&text).expect("reads"), paid);
    }

    #[test]
    fn attempts_have_ids_of_their_own() {
        let ids: std::collections::BTreeSet<_> =
            (1..50).flat_map(|n| (1..50).map(move |attempt| payment_id(&InvoiceId::from_number(n), attempt))).collect();
        assert_eq!(ids.len(), 49 * 49);
        assert_eq!(payment_id(&InvoiceId::from_number(4), 2), payment_id(&InvoiceId::from_number(4), 2));
    }

    #[test]
    fn a_refund_that_comes_back_is_the_sellers_again_once() {
        let at = |s| Timestamp::from_second(s).expect("a time");
        let mut paid = payment();
        paid.hear(Signal::Succeeded, at(1));
        paid.begin_refund(Micros::new(340_000), RefundCause::Overpaid, at(1)).expect("less than it");
        assert_eq!(paid.refunds_due_at(), Some(at(60)), "it is asked for at once");
        let id = paid.refunds[0].id.clone();
        assert_eq!(paid.hear_refund(&id, RefundState::Pending, Some("re_1"), at(2)), Ok(true));
        assert_eq!(paid.hear_refund(&id, RefundState::Sent, None, at(3)), Ok(false), "older than what is known");
        assert_eq!(paid.hear_refund(&id, RefundState::Succeeded, None, at(4)), Ok(true));
        assert_eq!((paid.refunded, paid.refunds_due_at()), (Micros::new(340_000), None));
        for news in [true, false] {
            assert_eq!(paid.hear_refund(&id, RefundState::Failed, None, at(5)), Ok(news));
            assert_eq!((paid.refunded, paid.refunds[0].processor_id.as_deref()), (Micros::ZERO, Some("re_1")));
        }
        assert_eq!(paid.hear_refund(&id, RefundState::Succeeded, None, at(6)), Ok(false));
        assert_eq!(paid.hear_refund("another", RefundState::Failed, None, at(6)), Ok(false));
    }

    #[test]
    fn a_bank_may_take_what_was_to_be_refunded() {
        let at = Timestamp::UNIX_EPOCH;
        let mut paid = payment();
        paid.hear(Signal::Succeeded, at);
        paid.begin_refund(Micros::new(340_000), RefundCause::Overpaid, at).expect("less than it");
        let (whole, unpaid) = (paid.amount, Micros::new(12_000_000));
        let taken = |state| Chargeback { processor_id: "du_1".to_owned(), dispute_id: None, amount: whole, unpaid, state };
        paid.charge_back(taken(ChargebackState::Inquiry), at).expect("in range");
        assert_eq!(paid.refunded, Micros::new(340_000), "a question takes nothing");
        paid.charge_back(taken(ChargebackState::Taken), at).expect("in range");
        assert_eq!((paid.refunded, paid.left()), (whole, Ok(Micros::ZERO)));
        let id = paid.refunds[0].id.clone();
        paid.hear_refund(&id, RefundState::Failed, None, at).expect("in range");
        assert_eq!(paid.refunded, whole, "the bank has all of it");
        paid.charge_back(taken(ChargebackState::Won), at).expect("in range");
        assert_eq!((paid.refunded, paid.chargebacks.len()), (Micros::ZERO, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever comes, in whatever order: money counts once exactly if it was ever taken, and a failure is told at most once.
        #[test]
        fn money_counts_once(order in proptest::collection::vec(0..SIGNALS.len(), 0..30)) {
            let mut attempt = payment();
            let effects: Vec<Effect> = order.iter().map(|at| attempt.hear(SIGNALS[*at], Timestamp::UNIX_EPOCH)).collect();
            let count = |wanted: Effect| effects.iter().filter(|effect| **effect == wanted).count();
            let taken = order.iter().any(|at| SIGNALS[*at] == Signal::Succeeded);
            prop_assert_eq!(count(Effect::Count), usize::from(taken));
            prop_assert_eq!(attempt.state == PaymentState::Succeeded, taken);
            prop_assert!(count(Effect::Fail) <= 1);
        }
    }
}
