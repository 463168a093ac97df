//! Credit notes: what is taken off a finalized invoice, line by line, with the tax that was on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::billing::invoice::{Invoice, InvoiceError, InvoiceState, LineId, LineKind};
use crate::id::{AccountId, CreditNoteId, DisputeId, InvoiceId, PaymentId, TransferId};
use crate::money::{Currency, Micros, Overflow};
use crate::pricing::number::div_half_even;
use crate::text::Reference;

/// How what was paid already is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenAs {
    /// As credit, from the seller.
    #[default]
    Credit,
    /// To the card that it was paid with.
    Refund,
    /// Outside, which is only written down here.
    Outside,
}

impl GivenAs {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            GivenAs::Credit => "credit",
            GivenAs::Refund => "refund",
            GivenAs::Outside => "outside",
        }
    }
}

/// A part of a line that is taken off, or disputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The line.
    pub line: LineId,
    /// How much of it; above zero, in whole coins.
    pub amount: Micros,
}

/// A credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNote {
    /// Its id.
    pub id: CreditNoteId,
    /// Its number, in a series of the seller's own.
    pub number: String,
    /// Of which invoice.
    pub invoice_id: InvoiceId,
    /// Whose invoice.
    pub account_id: AccountId,
    /// Who issued both.
    pub seller_id: AccountId,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What is taken off, taxes included.
    pub lines: Vec<Part>,
    /// The sum of the lines.
    pub total: Micros,
    /// What of it lessens what is due.
    pub reduces: Micros,
    /// What of it was paid already, and is given back.
    pub given_back: Micros,
    /// How that is given back.
    pub given_as: GivenAs,
    /// The transfer, if it was given as credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_id: Option<TransferId>,
    /// The payment, if it was refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// The dispute that it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_id: Option<DisputeId>,
    /// Why.
    pub reason: Reference,
    /// When.
    #[serde(serialize_with = "crate::time::millis")]
    pub issued_at: Timestamp,
}

/// Why parts of lines cannot be taken off or disputed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// Not of this invoice now.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// No part.
    #[error("must not be empty")]
    Empty,
    /// No such line, or a tax, which goes with the lines that it is on.
    #[error("the invoice has no such line; a tax goes with the lines that it is on")]
    NoLine(usize),
    /// The line is there twice.
    #[error("is there twice")]
    Twice(usize),
    /// Not above zero, or not in whole coins.
    #[error("must be more than zero, in whole coins of the currency")]
    Amount(usize),
    /// More than is left of the line.
    #[error("is more than the {left} that is left of the line")]
    OverLine {
        /// Which part, from 0.
        at: usize,
        /// What is left of its line.
        left: Micros,
    },
    /// More than is left of the whole invoice.
    #[error("comes to more than the {0} that is left of the invoice")]
    OverInvoice(Micros),
}

impl From<Overflow> for PartError {
    fn from(_: Overflow) -> Self {
        PartError::Invoice(InvoiceError::Overflow)
    }
}

impl PartError {
    /// A JSON pointer to the part that is wrong, below the list.
    pub fn pointer(&self) -> String {
        match self {
            PartError::NoLine(at) | PartError::Twice(at) => format!("/{at}/line"),
            PartError::Amount(at) | PartError::OverLine { at, .. } => format!("/{at}/amount"),
            PartError::Invoice(_) | PartError::Empty | PartError::OverInvoice(_) => String::new(),
        }
    }
}

/// What parts of lines come to, with the tax on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// By line, taxes included.
    pub lines: BTreeMap<LineId, Micros>,
    /// The sum.
    pub total: Micros,
}

/// What is left of a line: its amount less what was credited and is disputed; with `own`, what a dispute holds itself counts as free.
fn left_of(invoice: &Invoice, id: &str, amount: Micros, own: &BTreeMap<LineId, Micros>) -> Result<Micros, Overflow> {
    let of = |map: &BTreeMap<LineId, Micros>| map.get(id).copied().unwrap_or_default();
    amount.minus(of(&invoice.credited_lines))?.minus(of(&invoice.disputed_lines))?.plus(of(own))
}

/// Checks parts against their lines and adds the tax on them. `own` is what the dispute that is being resolved holds; empty otherwise.
///
/// Tax follows its lines: of it as much is taken off as of what it is on, rounded half to even, so that taking all off takes all of the tax off.
///
/// # Errors
/// [`PartError`].
pub fn parts(invoice: &Invoice, asked: &[Part], own: &BTreeMap<LineId, Micros>) -> Result<Parts, PartError> {
    match invoice.state {
        InvoiceState::Draft | InvoiceState::Void => return Err(InvoiceError::State(invoice.state).into()),
        InvoiceState::Finalized | InvoiceState::Paid | InvoiceState::PastDue | InvoiceState::Uncollectible => {}
    }
    if asked.is_empty() {
        return Err(PartError::Empty);
    }
    let mut lines = BTreeMap::new();
    for (at, part) in asked.iter().enumerate() {
        let line = invoice.line(&part.line).filter(|line| line.kind != LineKind::Tax).ok_or(PartError::NoLine(at))?;
        invoice.whole(part.amount).map_err(|_| PartError::Amount(at))?;
        let left = left_of(invoice, &part.line, line.amount, own)?;
        if part.amount > left {
            return Err(PartError::OverLine { at, left: left.max(Micros::ZERO) });
        }
        if lines.insert(part.line.clone(), part.amount).is_some() {
            return Err(PartError::Twice(at));
        }
    }
    for tax in invoice.lines.iter().filter(|line| line.kind == LineKind::Tax) {
        let share = tax_share(invoice, tax.amount, &tax.of, &lines)?;
        let left = left_of(invoice, &tax.id, tax.amount, own)?;
        let share = share.min(left.max(Micros::ZERO));
        if share.get() > 0 {
            lines.insert(tax.id.clone(), share);
        }
    }
    let total = lines.values().try_fold(Micros::ZERO, |sum, amount| sum.plus(*amount))?;
    let held = own.values().try_fold(Micros::ZERO, |sum, amount| sum.plus(*amount))?;
    let left = invoice.total.minus(invoice.credited)?.minus(invoice.disputed)?.plus(held)?;
    if total > left {
        return Err(PartError::OverInvoice(left.max(Micros::ZERO)));
    }
    Ok(Parts { lines, total })
}

/// The part of a tax that goes with parts of the lines it is on: by what is taken off them altogether, less what was before.
fn tax_share(invoice: &Invoice, tax: Micros, of: &[LineId], parts: &BTreeMap<LineId, Micros>) -> Result<Micros, Overflow> {
    let mut base = 0_i128;
    let (mut before, mut after) = (0_i128, 0_i128);
    for id in of {
        let Some(line) = invoice.line(id) else { continue };
        base += i128::from(line.amount.get());
        let gone = invoice.credited_lines.get(id).copied().unwrap_or_default();
        before += i128::from(gone.get());
        after += i128::from(gone.get()) + i128::from(parts.get(id).copied().unwrap_or_default().get());
    }
    if base <= 0 {
        return Ok(Micros::ZERO);
    }
    let coin = i128::from(invoice.currency.minor().get());
    let share = |gone: i128| div_half_even(i128::from(tax.get()) * gone, base * coin) * coin;
    i64::try_from(share(after) - share(before)).map(Micros::new).map_err(|_| Overflow)
}

/// What a credit note is made of, beside its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCreditNote {
    /// Its id.
    pub id: CreditNoteId,
    /// Its number.
    pub number: String,
    /// How what was paid is given back.
    pub given_as: GivenAs,
    /// The dispute that it ends.
    pub dispute_id: Option<DisputeId>,
    /// Why.
    pub reason: Reference,
    /// When.
    pub now: Timestamp,
}

/// Issues a credit note: the invoice after it, and the note. What is due is lessened first; what is over was paid and is given back.
///
/// # Errors
/// [`PartError`]; then the invoice is as it was.
pub fn issue(invoice: &mut Invoice, asked: &[Part], own: &BTreeMap<LineId, Micros>, new: NewCreditNote) -> Result<CreditNote, PartError> {
    let parts = parts(invoice, asked, own)?;
    let reduces = parts.total.min(invoice.due()?.max(Micros::ZERO));
    let given_back = parts.total.minus(reduces)?;
    let mut after = invoice.clone();
    after.take_off(&parts.lines, parts.total, given_back)?;
    *invoice = after;
    Ok(CreditNote {
        id: new.id,
        number: new.number,
        invoice_id: invoice.id.clone(),
        account_id: invoice.account_id.clone(),
        seller_id: invoice.seller_id.clone(),
        currency: invoice.currency,
        lines: parts.lines.into_iter().map(|(line, amount)| Part { line, amount }).collect(),
        total: parts.total,
        reduces,
        given_back,
        given_as: new.given_as,
        transfer_id: None,
        payment_id: None,
        dispute_id: new.dispute_id,
        reason: new.reason,
        issued_at: new.now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::testing::{issued, micros};
    use proptest::prelude::*;

    fn part(line: &str, amount: &str) -> Part {
        Part { line: line.to_owned(), amount: micros(amount) }
    }

    fn new(n: u128) -> NewCreditNote {
        NewCreditNote {
            id: CreditNoteId::from_number(n),
            number: format!("INV-CN-{n:06}"),
            given_as: GivenAs::Credit,
            dispute_id: None,
            reason: Reference::parse("Outage").expect("a text"),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn credit(invoice: &mut Invoice, parts: &[Part]) -> Result<CreditNote, PartError> {
        issue(invoice, parts, &BTreeMap::new(), new(1))
    }

    #[test]
    fn a_note_takes_the_tax_off_with_the_line_and_lessens_what_is_due() {
        let mut invoice = issued();
        let note = credit(&mut invoice, &[part("usage:2026-11:sms", "25")]).expect("less than the line");
        assert_eq!(note.lines, [part("tax:vat", "5"), part("usage:2026-11:sms", "25")]);
        assert_eq!((note.total, note.reduces, note.given_back), (micros("30"), micros("30"), Micros::ZERO));
        assert_eq!(invoice.due(), Ok(micros("150")));
    }

    #[test]
    fn what_was_paid_is_given_back() {
        let mut invoice = issued();
        invoice.pay(micros("170")).expect("less than is due");
        let note = credit(&mut invoice, &[part("fee:base0", "30")]).expect("the line");
        assert_eq!((note.total, note.reduces, note.given_back), (micros("36"), micros("10"), micros("26")));
        assert_eq!((invoice.due(), invoice.state), (Ok(Micros::ZERO), InvoiceState::Paid));
    }

    #[test]
    fn bounds_are_those_of_each_line() {
        let mut invoice = issued();
        credit(&mut invoice, &[part("usage:2026-11:sms", "60")]).expect("less than the line");
        let wrong = |parts: &[Part]| credit(&mut invoice.clone(), parts).expect_err("wrong");
        assert_eq!(wrong(&[part("usage:2026-11:sms", "40.01")]), PartError::OverLine { at: 0, left: micros("40") });
        assert_eq!(wrong(&[]), PartError::Empty);
        assert_eq!(wrong(&[part("fee:base0", "1"), part("nothing", "1")]), PartError::NoLine(1));
        assert_eq!(wrong(&[part("tax:vat", "1")]), PartError::NoLine(0));
        assert_eq!(wrong(&[part("fee:base0", "1"), part("fee:base0", "1")]), PartError::Twice(1));
        for amount in ["0", "-1", "0.005"] {
            assert_eq!(wrong(&[part("fee:base0", amount)]), PartError::Amount(0), "{amount}");
        }
        assert_eq!(wrong(&[part("usage:2026-11:sms", "40.01")]).pointer(), "/0/amount");
        let mut void = issued();
        void.void().expect("untouched");
        let refused = credit(&mut void, &[part("fee:base0", "1")]);
        assert_eq!(refused, Err(PartError::Invoice(InvoiceError::State(InvoiceState::Void))));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// However it is split into notes: never more than the invoice, and all of it takes all of it off, the tax to the cent.
        #[test]
        fn notes_never_take_off_more_than_there_is(cuts in proptest::collection::vec((0..3_usize, 1..6_000_i64), 1..40), paid in 0..=18_000_i64) {
            let mut invoice = issued();
            let cent = 10_000;
            if paid > 0 {
                invoice.pay(Micros::new(paid * cent)).expect("at most the total");
            }
            let ids = ["usage:2026-11:sms", "usage:2026-11:calls", "fee:base0"];
            let mut given = 0;
            for (at, cents) in cuts {
                let before = invoice.clone();
                match credit(&mut invoice, &[Part { line: ids[at].to_owned(), amount: Micros::new(cents * cent) }]) {
                    Ok(note) => given += note.given_back.get(),
                    Err(_) => prop_assert_eq!(&before, &invoice),
                }
                prop_assert!(invoice.credited <= invoice.total && !invoice.due().expect("in range").is_negative());
            }
            for id in ids {
                let left = invoice.line(id).expect("a line").amount.get() - invoice.credited_lines.get(id).map_or(0, |gone| gone.get());
                if left > 0 {
                    let note = credit(&mut invoice, &[Part { line: id.to_owned(), amount: Micros::new(left) }]).expect("the rest");
                    given += note.given_back.get();
                }
            }
            prop_assert_eq!(invoice.credited, invoice.total);
            prop_assert_eq!((invoice.due(), given), (Ok(Micros::ZERO), paid * cent));
        }
    }
}
