//! Holds: credit set aside for work that is charged when it succeeds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, HoldId, TransferId};
use crate::ledger::{CreditError, Entry, EntryKind, Head, LedgerId};
use crate::money::{Amount, Currency, Micros};
use crate::text::Reference;
use crate::transfer::{DoneLeg, GateChecks, Transfer, gates_for_debit, gates_for_place};

/// The longest a hold may last.
pub const MAX_HOLD_S: i64 = 31 * 24 * 3600;
/// How long a hold lasts unless said otherwise.
pub const DEFAULT_HOLD_S: i64 = 7 * 24 * 3600;

/// The state of a hold. `open` is the only one that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    /// Credit is set aside.
    Open,
    /// All or a part was spent; the rest was set free.
    Captured,
    /// Set free.
    Released,
    /// Set free because its time was over.
    Expired,
}

/// How a hold ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldEnd {
    /// Spend this much and set the rest free.
    Capture(Amount),
    /// Set all free.
    Release,
    /// Set all free because its time is over.
    Expire,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose credit is set aside.
    pub account_id: AccountId,
    /// Who receives what is captured; `None`: it is consumed.
    pub to: Option<AccountId>,
    /// How much is set aside.
    pub amount: Micros,
    /// How much was captured.
    pub captured: Micros,
    /// The currency.
    pub currency: Currency,
    /// The state.
    pub status: HoldStatus,
    /// The caller's note.
    pub reference: Option<Reference>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it cannot be captured any more.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A hold as asked for; its currency is the account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRequest {
    /// Its id.
    pub id: HoldId,
    /// Whose credit is to be set aside.
    pub account_id: AccountId,
    /// Who receives what is captured; `None`: it is consumed.
    pub to: Option<AccountId>,
    /// How much.
    pub amount: Amount,
    /// The caller's note.
    pub reference: Option<Reference>,
    /// From when it cannot be captured any more.
    pub expires_at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// Why a hold cannot be ended as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// It has ended already.
    #[error("the hold has ended: it is {}", .0.word())]
    Ended(HoldStatus),
    /// Its time is over.
    #[error("the hold's time was over at {0}")]
    Expired(Timestamp),
    /// More than is held.
    #[error("{asked} cannot be captured: {held} is held")]
    TooMuch {
        /// What was asked for.
        asked: Micros,
        /// What is held.
        held: Micros,
    },
    /// The credit cannot move.
    #[error(transparent)]
    Credit(#[from] CreditError),
}

impl From<crate::money::Overflow> for HoldError {
    fn from(overflow: crate::money::Overflow) -> Self {
        HoldError::Credit(overflow.into())
    }
}

impl HoldStatus {
    /// The state's name on the wire.
    pub fn word(self) -> &'static str {
        match self {
            HoldStatus::Open => "open",
            HoldStatus::Captured => "captured",
            HoldStatus::Released => "released",
            HoldStatus::Expired => "expired",
        }
    }
}

/// What reserving or ending a hold writes.
#[derive(Debug, Clone)]
pub struct HoldPlan {
    /// The hold afterwards.
    pub hold: Hold,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The gates to check.
    pub gates: GateChecks,
    /// The record of the capture's movement.
    pub transfer: Option<Transfer>,
}

/// Plans setting credit aside.
///
/// # Errors
/// A [`CreditError`] of the account.
pub fn plan_hold(request: &HoldRequest, head: &Head, authority: &AccountId) -> Result<HoldPlan, CreditError> {
    let amount = request.amount.micros();
    head.may_debit(EntryKind::Hold, amount)?;
    let mut gates = GateChecks::new();
    gates_for_debit(&mut gates, head, EntryKind::Hold);
    gates_for_place(&mut gates, head, authority);
    let hold = Hold {
        id: request.id.clone(),
        account_id: request.account_id.clone(),
        to: request.to.clone(),
        amount,
        captured: Micros::ZERO,
        currency: head.currency,
        status: HoldStatus::Open,
        reference: request.reference.clone(),
        created_at: request.now,
        expires_at: request.expires_at,
        ended_at: None,
    };
    let entry = hold_entry(&hold, head, EntryKind::Hold, request.now, amount.negated()?, amount)?;
    Ok(HoldPlan { hold, entries: vec![entry], gates, transfer: None })
}

/// Plans the end of a hold on the heads as read. A capture needs the head of its receiver too.
///
/// # Errors
/// [`HoldError`].
pub fn plan_end(
    hold: &Hold,
    end: &HoldEnd,
    heads: &BTreeMap<LedgerId, Head>,
    receiver: &LedgerId,
    id: TransferId,
    authority: &AccountId,
    now: Timestamp,
) -> Result<HoldPlan, HoldError> {
    if hold.status != HoldStatus::Open {
        return Err(HoldError::Ended(hold.status));
    }
    let head = heads.get(&LedgerId::Account(hold.account_id.clone())).ok_or(CreditError::Overflow)?;
    let mut gates = GateChecks::new();
    gates_for_place(&mut gates, head, authority);
    let ended = |status, captured| Hold { status, captured, ended_at: Some(now), ..hold.clone() };
    match end {
        HoldEnd::Release => {
            let entry = hold_entry(hold, head, EntryKind::Release, now, hold.amount, hold.amount.negated()?)?;
            Ok(HoldPlan { hold: ended(HoldStatus::Released, Micros::ZERO), entries: vec![entry], gates, transfer: None })
        }
        HoldEnd::Expire => {
            let entry = hold_entry(hold, head, EntryKind::Expiry, now, hold.amount, hold.amount.negated()?)?;
            Ok(HoldPlan { hold: ended(HoldStatus::Expired, Micros::ZERO), entries: vec![entry], gates, transfer: None })
        }
        HoldEnd::Capture(amount) => {
            let captured = amount.micros();
            may_capture(hold, head, captured, now)?;
            gates_for_debit(&mut gates, head, EntryKind::Capture);
            let to = heads.get(receiver).ok_or(CreditError::Overflow)?;
            to.may_credit()?;
            gates_for_place(&mut gates, to, authority);
            let (entries, transfer) = capture_entries(hold, head, to, captured, id, now)?;
            Ok(HoldPlan { hold: ended(HoldStatus::Captured, captured), entries, gates, transfer: Some(transfer) })
        }
    }
}

fn may_capture(hold: &Hold, head: &Head, captured: Micros, now: Timestamp) -> Result<(), HoldError> {
    if now >= hold.expires_at {
        return Err(HoldError::Expired(hold.expires_at));
    }
    if captured > hold.amount {
        return Err(HoldError::TooMuch { asked: captured, held: hold.amount });
    }
    // What is captured was already taken out of `available`, so only the account's state counts here.
    head.may_debit(EntryKind::Capture, Micros::ZERO)?;
    Ok(())
}

fn capture_entries(
    hold: &Hold,
    head: &Head,
    to: &Head,
    captured: Micros,
    id: TransferId,
    now: Timestamp,
) -> Result<(Vec<Entry>, Transfer), HoldError> {
    let rest = hold.amount.minus(captured)?;
    let mut debit = hold_entry(hold, head, EntryKind::Capture, now, rest, hold.amount.negated()?)?;
    debit.transfer_id = Some(id.clone());
    debit.counterparty = Some(to.ledger.clone());
    let to_balance = to.available.plus(captured)?;
    let mut credit = to.state_entry(EntryKind::Capture, now, |after| after.available = to_balance)?;
    credit.amount = captured;
    credit.transfer_id = Some(id.clone());
    credit.hold_id = Some(hold.id.clone());
    credit.counterparty = Some(head.ledger.clone());
    credit.reference = hold.reference.clone();
    let from_balance = debit.after.available;
    let leg = DoneLeg { from: head.ledger.clone(), to: to.ledger.clone(), amount: captured, from_balance, to_balance };
    let (kind, currency, reference) = (EntryKind::Capture, hold.currency, hold.reference.clone());
    let transfer =
        Transfer { id, kind, currency, legs: vec![leg], reference, reverses: None, purchase: None, job_id: None, created_at: now };
    Ok((vec![debit, credit], transfer))
}

fn hold_entry(
    hold: &Hold,
    head: &Head,
    kind: EntryKind,
    now: Timestamp,
    amount: Micros,
    held_amount: Micros,
) -> Result<Entry, CreditError> {
    let available = head.available.plus(amount)?;
    let held = head.held.plus(held_amount)?;
    let mut entry = head.state_entry(kind, now, |after| {
        after.available = available;
        after.held = held;
    })?;
    entry.amount = amount;
    entry.held_amount = held_amount;
    entry.hold_id = Some(hold.id.clone());
    entry.reference = hold.reference.clone();
    Ok(entry)
}
