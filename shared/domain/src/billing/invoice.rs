//! Invoices: what they say, the states they pass through, and what of them is due.
//!
//! Lines and totals never change once an invoice is finalized; only its state and what was paid, credited and disputed do.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::billing::charge::ChargeKind;
use crate::billing::cycle::Period;
use crate::billing::dunning::Chase;
use crate::billing::profile::{Address, AddressLine, Footer};
use crate::brand::LogoDigest;
use crate::id::{AccountId, InvoiceId, PromotionId};
use crate::money::{Currency, Micros, Overflow};
use crate::pricing::meter::MeterKey;
use crate::pricing::month::Month;
use crate::pricing::number::{Percent, Picos, Quantity, signed_quantity};
use crate::text::{Email, Name, Reference};

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// Its seller may still change it; it has no number.
    Draft,
    /// Issued, and to be paid.
    Finalized,
    /// Nothing of it is due.
    Paid,
    /// The time to pay it is over.
    PastDue,
    /// It counts for nothing.
    Void,
    /// Given up; what is paid after all is taken.
    Uncollectible,
}

/// What happens to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InvoiceChange {
    /// It is issued.
    Finalize,
    /// What was due of it has come to nothing.
    Settle,
    /// Something of it is due again: a payment was given back.
    Unsettle,
    /// The time to pay it is over.
    FallDue,
    /// It is to count for nothing.
    Void,
    /// It is given up.
    GiveUp,
}

impl InvoiceState {
    /// Every state.
    pub const ALL: [InvoiceState; 6] = [
        InvoiceState::Draft,
        InvoiceState::Finalized,
        InvoiceState::Paid,
        InvoiceState::PastDue,
        InvoiceState::Void,
        InvoiceState::Uncollectible,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            InvoiceState::Draft => "draft",
            InvoiceState::Finalized => "finalized",
            InvoiceState::Paid => "paid",
            InvoiceState::PastDue => "past_due",
            InvoiceState::Void => "void",
            InvoiceState::Uncollectible => "uncollectible",
        }
    }

    /// The state after `change`; `None` when the change is not allowed from here. The whole machine.
    pub fn after(self, change: InvoiceChange) -> Option<InvoiceState> {
        use InvoiceChange::{FallDue, Finalize, GiveUp, Settle, Unsettle, Void as Voided};
        use InvoiceState::{Draft, Finalized, Paid, PastDue, Uncollectible, Void};
        match (self, change) {
            (Draft, Finalize) => Some(Finalized),
            (Finalized | PastDue | Uncollectible | Paid, Settle) => Some(Paid),
            (Paid, Unsettle) => Some(Finalized),
            (Finalized | PastDue | Uncollectible, Unsettle) => Some(self),
            (Finalized | PastDue, FallDue) => Some(PastDue),
            (Draft | Finalized | PastDue | Uncollectible | Void, Voided) => Some(Void),
            (PastDue | Uncollectible, GiveUp) => Some(Uncollectible),
            (Draft, Settle | Unsettle | FallDue | GiveUp)
            | (Finalized, Finalize | GiveUp)
            | (Paid, Finalize | FallDue | Voided | GiveUp)
            | (PastDue | Uncollectible, Finalize)
            | (Uncollectible, FallDue)
            | (Void, Finalize | Settle | Unsettle | FallDue | GiveUp) => None,
        }
    }

    /// Money is taken for it.
    pub fn is_open(self) -> bool {
        matches!(self, InvoiceState::Finalized | InvoiceState::PastDue | InvoiceState::Uncollectible)
    }
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A meter in a month.
    Usage,
    /// A fee that recurs.
    Fee,
    /// What was missing to the least that a period comes to.
    Minimum,
    /// Credit that was bought.
    Purchase,
    /// What the seller added or took off.
    Adjustment,
    /// What the invoice before, or this one, came to below zero.
    CarriedForward,
    /// What a promotion took off; it is in the prices already, so the line comes to nothing.
    Promotion,
    /// A tax.
    Tax,
}

impl LineKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            LineKind::Usage => "usage",
            LineKind::Fee => "fee",
            LineKind::Minimum => "minimum",
            LineKind::Purchase => "purchase",
            LineKind::Adjustment => "adjustment",
            LineKind::CarriedForward => "carried_forward",
            LineKind::Promotion => "promotion",
            LineKind::Tax => "tax",
        }
    }
}

impl From<ChargeKind> for LineKind {
    fn from(kind: ChargeKind) -> Self {
        match kind {
            ChargeKind::Purchase => LineKind::Purchase,
            ChargeKind::Adjustment => LineKind::Adjustment,
            ChargeKind::CarriedForward => LineKind::CarriedForward,
        }
    }
}

/// The id of a line, unique in its invoice: `usage:2026-11:sms`, `fee:base`, `chg_…`, `tax:vat`. It follows from what the line is for.
pub type LineId = String;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// What it is for.
    pub kind: LineKind,
    /// Of usage, the meter; none of what is older than the months that are kept by meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterKey>,
    /// Of usage, the month in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// The promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion_id: Option<PromotionId>,
    /// What it says.
    pub text: String,
    /// How much was used; below zero if more was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity_or_none")]
    pub quantity: Option<Quantity>,
    /// The meter's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it comes to, exactly.
    pub exact: Picos,
    /// What it comes to: `exact` rounded once to the currency's smallest coin.
    pub amount: Micros,
    /// It was paid from credit with the usage: it is shown, and not due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Tax is added to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taxable: bool,
    /// Of a tax, the rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<Percent>,
    /// Of a tax, the lines that it is on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<LineId>,
    /// What a promotion took off; only to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Picos>,
    /// What the seller paid for the same usage. Its buyer must not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Picos>,
}

/// Writes and reads a quantity with its sign, or nothing.
mod quantity_or_none {
    use super::{Deserialize, Quantity, Serialize, signed_quantity};
    use serde::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Signed(#[serde(with = "signed_quantity")] Quantity);

    pub fn serialize<S: Serializer>(quantity: &Option<Quantity>, serializer: S) -> Result<S::Ok, S::Error> {
        quantity.map(Signed).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Quantity>, D::Error> {
        Ok(Option::<Signed>::deserialize(deserializer)?.map(|Signed(quantity)| quantity))
    }
}

/// A seller or buyer as it was when the invoice was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyShown {
    /// Its name.
    pub name: Name,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// What tax offices know it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<AddressLine>,
    /// Where its people are reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Of the seller, the brand's name if it is another; of the buyer none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Of the seller, the brand's colour, `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Of the seller, its own logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<LogoDigest>,
    /// Of the seller, what is below its invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<Footer>,
    /// Of the buyer, the number of its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub po_number: Option<Reference>,
}

/// Which entries of the account's ledger it holds: those above the first number up to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRange {
    /// The last entry before.
    pub from_seq: i64,
    /// The last entry in it.
    pub to_seq: i64,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Its id: it follows from account, period and part.
    pub id: InvoiceId,
    /// Who is billed.
    pub account_id: AccountId,
    /// By whom: its parent then.
    pub seller_id: AccountId,
    /// Its number, once it is finalized.
    pub number: Option<String>,
    /// Where it stands.
    pub state: InvoiceState,
    /// The currency of all amounts.
    pub currency: Currency,
    /// Its period.
    pub period: Period,
    /// 1, or more where a period was cut: by a move, another funding, the close.
    pub part: u32,
    /// The entries that it holds.
    pub ledger: LedgerRange,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The sum of the lines but for taxes.
    pub subtotal: Micros,
    /// The sum of the taxes.
    pub tax: Micros,
    /// The sum of all lines.
    pub total: Micros,
    /// What of it was paid from credit with the usage.
    pub paid_from_credit: Micros,
    /// What credit notes took off.
    #[serde(default)]
    pub credited: Micros,
    /// What was paid, less what of it was taken back.
    #[serde(default)]
    pub paid: Micros,
    /// What credit notes gave back of what was paid.
    #[serde(default)]
    pub returned: Micros,
    /// What open disputes hold out of collection.
    #[serde(default)]
    pub disputed: Micros,
    /// By line, what credit notes took off.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credited_lines: BTreeMap<LineId, Micros>,
    /// By line, what open disputes hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disputed_lines: BTreeMap<LineId, Micros>,
    /// When the period was closed: from then on it might be made.
    #[serde(serialize_with = "crate::time::millis")]
    pub closed_at: Timestamp,
    /// When it was finalized.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub issued_at: Option<Timestamp>,
    /// Until when it is to be paid.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub due_at: Option<Timestamp>,
    /// Of a draft, when it is finalized by itself.
    #[serde(default, serialize_with = "crate::time::millis_or_null")]
    pub draft_until: Option<Timestamp>,
    /// The seller as it was.
    pub seller: PartyShown,
    /// The buyer as it was.
    pub buyer: PartyShown,
    /// How far it was chased.
    #[serde(default)]
    pub chase: Chase,
    /// Raised by one with each change.
    pub version: i64,
}

/// Why something cannot be done with an invoice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// Not in this state.
    #[error("the invoice is {}", .0.word())]
    State(InvoiceState),
    /// More than is due.
    #[error("{asked} is more than the {due} that is due")]
    MoreThanDue {
        /// What was to be paid.
        asked: Micros,
        /// What is due.
        due: Micros,
    },
    /// More than was paid.
    #[error("{asked} is more than the {paid} that was paid")]
    MoreThanPaid {
        /// What was to be given back.
        asked: Micros,
        /// What was paid.
        paid: Micros,
    },
    /// Something of it was paid or is in dispute.
    #[error("something of the invoice was paid or is in dispute; a credit note corrects it")]
    NotUntouched,
    /// Not more than zero, or not in whole coins of the currency.
    #[error("the amount must be more than zero, in whole {0}s of the currency")]
    Amount(Micros),
    /// The amounts leave their range.
    #[error("the amounts are too large to add up")]
    Overflow,
}

impl From<Overflow> for InvoiceError {
    fn from(_: Overflow) -> Self {
        InvoiceError::Overflow
    }
}

/// The id of the invoice of an account, a period and a part: in the layout of a UUIDv7 with the time at which the period was closed, then the random
/// part of the account's id with label and part mixed in. Whoever makes it, and when, it is the same.
pub fn invoice_id(account: &AccountId, label: Month, part: u32, closed_at: Timestamp) -> InvoiceId {
    const SIXTY_TWO_BITS: u64 = (1 << 62) - 1;
    let name = format!("{account}/{label}/{part}");
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let own = account.as_u128() & u128::from(SIXTY_TWO_BITS);
    let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let time = u128::try_from(closed_at.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
    let low = u128::from(hash >> 52);
    InvoiceId::from_uuid(Uuid::from_u128((time << 80) | (7 << 76) | (low << 64) | (2 << 62) | (own ^ u128::from(mixed & SIXTY_TWO_BITS))))
}

impl Invoice {
    /// What is still to be paid: total less what was paid from credit, credited and paid; none of a draft or void one.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn due(&self) -> Result<Micros, Overflow> {
        match self.state {
            InvoiceState::Draft | InvoiceState::Void => Ok(Micros::ZERO),
            InvoiceState::Finalized | InvoiceState::Paid | InvoiceState::PastDue | InvoiceState::Uncollectible => self.open_amount(),
        }
    }

    fn open_amount(&self) -> Result<Micros, Overflow> {
        self.total.minus(self.paid_from_credit)?.minus(self.credited)?.minus(self.paid)?.plus(self.returned)
    }

    /// What is chased: what is due less what is disputed, at least nothing.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn in_collection(&self) -> Result<Micros, Overflow> {
        Ok(self.due()?.minus(self.disputed)?.max(Micros::ZERO))
    }

    /// The line of that id.
    pub fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// Refuses changes of its lines unless it is a draft.
    ///
    /// # Errors
    /// [`InvoiceError::State`].
    pub fn may_edit(&self) -> Result<(), InvoiceError> {
        if self.state == InvoiceState::Draft { Ok(()) } else { Err(InvoiceError::State(self.state)) }
    }

    fn change(&mut self, change: InvoiceChange) -> Result<(), InvoiceError> {
        self.state = self.state.after(change).ok_or(InvoiceError::State(self.state))?;
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Issues it: it gets its number, its date and until when it is to be paid. One of which nothing is due is paid at once.
    ///
    /// # Errors
    /// [`InvoiceError::State`], [`InvoiceError::Overflow`].
    pub fn finalize(&mut self, number: String, now: Timestamp, terms_days: u16) -> Result<(), InvoiceError> {
        self.change(InvoiceChange::Finalize)?;
        let terms = SignedDuration::from_hours(24 * i64::from(terms_days));
        self.number = Some(number);
        self.issued_at = Some(now);
        self.due_at = Some(now.checked_add(terms).unwrap_or(Timestamp::MAX));
        self.draft_until = None;
        self.settle()
    }

    /// Brings the state in line with what is due.
    fn settle(&mut self) -> Result<(), InvoiceError> {
        let nothing_due = self.due()?.get() <= 0;
        match (nothing_due, self.state) {
            (true, state) if state.is_open() => self.change(InvoiceChange::Settle),
            (false, InvoiceState::Paid) => self.change(InvoiceChange::Unsettle),
            _ => Ok(()),
        }
    }

    /// Refuses an amount that is not positive or not in whole coins.
    ///
    /// # Errors
    /// [`InvoiceError::Amount`].
    pub fn whole(&self, amount: Micros) -> Result<(), InvoiceError> {
        let coin = self.currency.minor();
        if amount.get() > 0 && amount.get() % coin.get() == 0 { Ok(()) } else { Err(InvoiceError::Amount(coin)) }
    }

    /// Takes a payment.
    ///
    /// # Errors
    /// [`InvoiceError::State`] of a draft, a void or paid one; [`InvoiceError::MoreThanDue`], [`InvoiceError::Amount`].
    pub fn pay(&mut self, amount: Micros) -> Result<(), InvoiceError> {
        if !self.state.is_open() {
            return Err(InvoiceError::State(self.state));
        }
        self.whole(amount)?;
        let due = self.due()?;
        if amount > due {
            return Err(InvoiceError::MoreThanDue { asked: amount, due });
        }
        self.paid = self.paid.plus(amount)?;
        self.version = self.version.saturating_add(1);
        self.settle()
    }

    /// Takes a payment back: it was refunded or charged back.
    ///
    /// # Errors
    /// [`InvoiceError::State`] of a draft or void one; [`InvoiceError::MoreThanPaid`], [`InvoiceError::Amount`].
    pub fn unpay(&mut self, amount: Micros) -> Result<(), InvoiceError> {
        if !self.state.is_open() && self.state != InvoiceState::Paid {
            return Err(InvoiceError::State(self.state));
        }
        self.whole(amount)?;
        if amount > self.paid {
            return Err(InvoiceError::MoreThanPaid { asked: amount, paid: self.paid });
        }
        self.paid = self.paid.minus(amount)?;
        self.version = self.version.saturating_add(1);
        self.settle()
    }

    /// The time to pay it is over.
    ///
    /// # Errors
    /// [`InvoiceError::State`].
    pub fn fall_due(&mut self) -> Result<(), InvoiceError> {
        self.change(InvoiceChange::FallDue)
    }

    /// Gives it up.
    ///
    /// # Errors
    /// [`InvoiceError::State`].
    pub fn give_up(&mut self) -> Result<(), InvoiceError> {
        self.change(InvoiceChange::GiveUp)
    }

    /// Lets it count for nothing. Its usage stays billed: what is to be billed after all is a charge.
    ///
    /// # Errors
    /// [`InvoiceError::NotUntouched`] if something was paid, credited or is disputed; [`InvoiceError::State`].
    pub fn void(&mut self) -> Result<(), InvoiceError> {
        if self.state == InvoiceState::Paid {
            return Err(InvoiceError::State(self.state));
        }
        if !(self.paid.is_zero() && self.credited.is_zero() && self.disputed.is_zero()) {
            return Err(InvoiceError::NotUntouched);
        }
        if self.state == InvoiceState::Void {
            return Ok(());
        }
        self.change(InvoiceChange::Void)
    }

    /// Takes a credit note's lines off: `reduces` of what is due, the rest is given back.
    pub(crate) fn take_off(&mut self, lines: &BTreeMap<LineId, Micros>, total: Micros, given_back: Micros) -> Result<(), InvoiceError> {
        for (id, amount) in lines {
            let sum = self.credited_lines.entry(id.clone()).or_default();
            *sum = sum.plus(*amount)?;
        }
        self.credited = self.credited.plus(total)?;
        self.returned = self.returned.plus(given_back)?;
        self.version = self.version.saturating_add(1);
        self.settle()
    }

    /// Holds what a dispute is about out of collection, or no longer (`sign` −1).
    pub(crate) fn hold(&mut self, lines: &BTreeMap<LineId, Micros>, free: bool) -> Result<(), InvoiceError> {
        for (id, amount) in lines {
            let change = if free { amount.negated()? } else { *amount };
            let sum = self.disputed_lines.entry(id.clone()).or_default();
            *sum = sum.plus(change)?;
            self.disputed = self.disputed.plus(change)?;
        }
        self.disputed_lines.retain(|_, amount| !amount.is_zero());
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// What it says, as bytes: the same for the same account, period and ledger, whoever made it and when. Not in it: its number, dates of issue,
    /// state, payments and version.
    pub fn content(&self) -> Vec<u8> {
        let content = serde_json::json!({
            "id": self.id, "account_id": self.account_id, "seller_id": self.seller_id, "currency": self.currency, "period": self.period,
            "part": self.part, "ledger": self.ledger, "lines": self.lines, "subtotal": self.subtotal, "tax": self.tax, "total": self.total,
            "paid_from_credit": self.paid_from_credit,
        });
        content.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::testing::{at, golden, issued, micros};

    const CHANGES: [InvoiceChange; 6] = [
        InvoiceChange::Finalize,
        InvoiceChange::Settle,
        InvoiceChange::Unsettle,
        InvoiceChange::FallDue,
        InvoiceChange::Void,
        InvoiceChange::GiveUp,
    ];

    #[test]
    fn the_state_machine_of_an_invoice() {
        let mut table = String::new();
        for from in InvoiceState::ALL {
            for change in CHANGES {
                let to = from.after(change).map_or("refused", InvoiceState::word);
                table.push_str(&format!("{:<14} {:<9} -> {to}\n", from.word(), format!("{change:?}")));
            }
        }
        golden("invoice", &table);
    }

    #[test]
    fn what_is_due_goes_down_with_payments_and_up_when_they_are_taken_back() {
        let mut invoice = issued();
        assert_eq!((invoice.subtotal, invoice.tax, invoice.total), (micros("150"), micros("30"), micros("180")));
        assert_eq!((invoice.due_at, invoice.state), (Some(at("2026-12-15T00:00:00Z")), InvoiceState::Finalized));
        invoice.pay(micros("80")).expect("less than is due");
        assert_eq!(invoice.due(), Ok(micros("100")));
        let over = InvoiceError::MoreThanDue { asked: micros("100.01"), due: micros("100") };
        assert_eq!(invoice.pay(micros("100.01")), Err(over));
        for wrong in ["0", "-1", "0.001"] {
            assert_eq!(invoice.pay(micros(wrong)), Err(InvoiceError::Amount(micros("0.01"))), "{wrong}");
        }
        invoice.pay(micros("100")).expect("the rest");
        assert_eq!(invoice.state, InvoiceState::Paid);
        assert_eq!(invoice.pay(micros("1")), Err(InvoiceError::State(InvoiceState::Paid)));
        assert_eq!(invoice.void(), Err(InvoiceError::State(InvoiceState::Paid)));
        assert_eq!(invoice.unpay(micros("181")), Err(InvoiceError::MoreThanPaid { asked: micros("181"), paid: micros("180") }));
        invoice.unpay(micros("100")).expect("it was paid");
        assert_eq!((invoice.state, invoice.due()), (InvoiceState::Finalized, Ok(micros("100"))));
        assert_eq!(invoice.void(), Err(InvoiceError::NotUntouched));
        invoice.fall_due().expect("it is open");
        invoice.give_up().expect("it is past due");
        invoice.pay(micros("100")).expect("what is paid after all is taken");
        assert_eq!(invoice.state, InvoiceState::Paid);
    }

    #[test]
    fn a_void_invoice_takes_no_money_and_a_final_one_no_changes() {
        let mut invoice = issued();
        assert_eq!(invoice.may_edit(), Err(InvoiceError::State(InvoiceState::Finalized)));
        assert!(invoice.finalize("INV-2".to_owned(), Timestamp::UNIX_EPOCH, 14).is_err());
        invoice.void().expect("untouched");
        invoice.void().expect("again");
        assert_eq!((invoice.due(), invoice.in_collection()), (Ok(Micros::ZERO), Ok(Micros::ZERO)));
        assert_eq!(invoice.pay(micros("1")), Err(InvoiceError::State(InvoiceState::Void)));
        assert_eq!(invoice.unpay(micros("1")), Err(InvoiceError::State(InvoiceState::Void)));
        let text = serde_json::to_string(&invoice).expect("writes");
        assert_eq!(serde_json::from_str::<Invoice>(&text).expect("reads"), invoice);
    }

    #[test]
    fn an_id_follows_from_account_period_and_part() {
        let [one, two] = [1, 2].map(AccountId::from_number);
        let month: Month = "2026-11".parse().expect("a month");
        let end = month.end();
        let mut ids = std::collections::BTreeSet::new();
        for account in [&one, &two] {
            for label in [month, month.next()] {
                for part in 1..4 {
                    assert!(ids.insert(invoice_id(account, label, part, end)));
                }
            }
        }
        assert_eq!(invoice_id(&one, month, 1, end), invoice_id(&one, month, 1, end));
        assert_eq!(invoice_id(&one, month, 1, end).millis(), end.as_millisecond());
    }
}
