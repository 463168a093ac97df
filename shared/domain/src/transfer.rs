//! Transfers: planning, purely, what one movement of credit writes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, TransferId};
use crate::ledger::{CreditError, Entry, EntryKind, Head, LedgerId};
use crate::money::{Amount, Currency, Micros};
use crate::text::Reference;

/// The most legs of one transfer.
pub const MAX_LEGS: usize = 40;

/// One leg as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The debited ledger.
    pub from: LedgerId,
    /// The credited ledger.
    pub to: LedgerId,
    /// How much.
    pub amount: Amount,
}

/// One leg as it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneLeg {
    /// The debited ledger.
    pub from: LedgerId,
    /// The credited ledger.
    pub to: LedgerId,
    /// How much.
    pub amount: Micros,
    /// Available credit of the debited ledger after this leg.
    pub from_balance: Micros,
    /// Available credit of the credited ledger after this leg.
    pub to_balance: Micros,
}

/// The record of a movement of credit: kept for ever, one per idempotency key, never changed but for `reversed_by`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// What it is.
    pub kind: EntryKind,
    /// The currency of every leg.
    pub currency: Currency,
    /// The legs, in the order asked for; at least one.
    pub legs: Vec<DoneLeg>,
    /// The caller's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// The transfer that this one sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransferId>,
    /// When it was done.
    pub created_at: Timestamp,
}

/// A check on an ancestor's gate that a write needs (see `docs/adr/0003-gates.md`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateCheck {
    /// The generation that the lineage names.
    pub generation: u32,
    /// The ancestor must not be suspended.
    pub must_be_open: bool,
}

/// The gates a write checks, one per ancestor; the strictest need wins.
pub type GateChecks = BTreeMap<AccountId, GateCheck>;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// The new transfer's id.
    pub id: TransferId,
    /// What it is.
    pub kind: EntryKind,
    /// The legs; 1 to [`MAX_LEGS`].
    pub legs: Vec<Leg>,
    /// The caller's note.
    pub reference: Option<Reference>,
    /// The transfer that is sent back.
    pub reverses: Option<TransferId>,
    /// The account whose rights allow it; every account of the legs must be in its subtree when it commits.
    pub authority: AccountId,
    /// Now.
    pub now: Timestamp,
}

/// What a transfer writes: entries in order, and the gates that must be as they were read.
#[derive(Debug, Clone)]
pub struct TransferPlan {
    /// The entries, ledger by ledger in rising numbers.
    pub entries: Vec<Entry>,
    /// The gates to check.
    pub gates: GateChecks,
    /// The record.
    pub transfer: Transfer,
}

/// Adds the checks that a debit of `head` needs: every ancestor in its place, and open if the debit is spending. The
/// operator's own gate is left out: it is never suspended nor moved.
pub fn gates_for_debit(gates: &mut GateChecks, head: &Head, kind: EntryKind) {
    for step in head.lineage.steps().iter().skip(1) {
        add_gate(gates, &step.id, GateCheck { generation: step.generation, must_be_open: kind.is_spending() });
    }
}

/// Adds the checks that keep `head` in the subtree of `authority` until the commit.
pub fn gates_for_place(gates: &mut GateChecks, head: &Head, authority: &AccountId) {
    if head.ledger.account() == Some(authority) {
        return;
    }
    for step in head.lineage.below(authority) {
        add_gate(gates, &step.id, GateCheck { generation: step.generation, must_be_open: false });
    }
}

fn add_gate(gates: &mut GateChecks, id: &AccountId, check: GateCheck) {
    let entry = gates.entry(id.clone()).or_insert_with(|| check.clone());
    entry.must_be_open |= check.must_be_open;
    entry.generation = entry.generation.max(check.generation);
}

/// Plans a transfer on the heads as read. Pure: the same input gives the same plan.
///
/// # Errors
/// The first [`CreditError`] in the order of its variants, leg by leg.
pub fn plan_transfer(request: &TransferRequest, heads: &BTreeMap<LedgerId, Head>) -> Result<TransferPlan, CreditError> {
    let mut state = heads.clone();
    let mut plan = TransferPlan {
        entries: Vec::with_capacity(request.legs.len() * 2),
        gates: GateChecks::new(),
        transfer: Transfer {
            id: request.id.clone(),
            kind: request.kind,
            currency: currency_of(request, heads)?,
            legs: Vec::with_capacity(request.legs.len()),
            reference: request.reference.clone(),
            reverses: request.reverses.clone(),
            created_at: request.now,
        },
    };
    for leg in &request.legs {
        plan_leg(request, leg, &mut state, &mut plan)?;
    }
    Ok(plan)
}

fn currency_of(request: &TransferRequest, heads: &BTreeMap<LedgerId, Head>) -> Result<Currency, CreditError> {
    let mut all = request.legs.iter().flat_map(|leg| [&leg.from, &leg.to]).filter_map(|ledger| heads.get(ledger));
    let first = all.next().map(|head| head.currency).ok_or(CreditError::Overflow)?;
    match all.find(|head| head.currency != first) {
        Some(other) => Err(CreditError::CurrencyMismatch { from: first, to: other.currency }),
        None => Ok(first),
    }
}

fn plan_leg(
    request: &TransferRequest,
    leg: &Leg,
    state: &mut BTreeMap<LedgerId, Head>,
    plan: &mut TransferPlan,
) -> Result<(), CreditError> {
    if leg.from == leg.to {
        return Err(CreditError::SameAccount);
    }
    let (Some(from), Some(to)) = (state.get(&leg.from).cloned(), state.get(&leg.to).cloned()) else {
        return Err(CreditError::Overflow);
    };
    if let (EntryKind::Allocation, Some(payer), Some(payee)) = (request.kind, leg.from.account(), leg.to.account())
        && !to.lineage.has(payer)
    {
        return Err(CreditError::NotBelow { from: payer.clone(), to: payee.clone() });
    }
    let amount = leg.amount.micros();
    to.may_credit()?;
    from.may_debit(request.kind, amount)?;
    gates_for_debit(&mut plan.gates, &from, request.kind);
    gates_for_place(&mut plan.gates, &from, &request.authority);
    gates_for_place(&mut plan.gates, &to, &request.authority);
    let debited = append(request, from, amount.negated()?, &leg.to, plan, state)?;
    let credited = append(request, to, amount, &leg.from, plan, state)?;
    let (from_balance, to_balance) = (debited, credited);
    plan.transfer.legs.push(DoneLeg { from: leg.from.clone(), to: leg.to.clone(), amount, from_balance, to_balance });
    Ok(())
}

/// Appends the entry of one side and returns the balance after it.
fn append(
    request: &TransferRequest,
    head: Head,
    amount: Micros,
    counterparty: &LedgerId,
    plan: &mut TransferPlan,
    state: &mut BTreeMap<LedgerId, Head>,
) -> Result<Micros, CreditError> {
    let available = head.available.plus(amount)?;
    let mut entry = head.state_entry(request.kind, request.now, |after| after.available = available)?;
    entry.amount = amount;
    entry.transfer_id = Some(request.id.clone());
    entry.counterparty = Some(counterparty.clone());
    entry.reference = request.reference.clone();
    state.insert(head.ledger, entry.after.clone());
    plan.entries.push(entry);
    Ok(available)
}

/// The legs that send `original` back to where it came from.
///
/// # Errors
/// [`CreditError::Overflow`] if a stored amount is out of range.
pub fn reversed_legs(original: &Transfer) -> Result<Vec<Leg>, CreditError> {
    let back = |leg: &DoneLeg| {
        let amount = Amount::new(leg.amount).map_err(|_| CreditError::Overflow)?;
        Ok(Leg { from: leg.to.clone(), to: leg.from.clone(), amount })
    };
    original.legs.iter().rev().map(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Kind, Status};
    use crate::lineage::Lineage;
    use uuid::Uuid;

    fn acc(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn head(n: u128, lineage: &[u128], available: i64) -> Head {
        let lineage = lineage.iter().fold(Lineage::root(), |l, id| l.child(&acc(*id), 0).expect("shallow"));
        let (kind, status) = (Kind::Reseller, Status::Active);
        let currency = "USD".parse().expect("a currency");
        let (available, held, credit_limit) = (Micros::new(available), Micros::ZERO, Micros::ZERO);
        let at = Timestamp::UNIX_EPOCH;
        let ledger = LedgerId::Account(acc(n));
        Head { seq: 1, lineage, kind, status, available, held, credit_limit, at, ..Head::empty_system(ledger, currency) }
    }

    fn heads(list: Vec<Head>) -> BTreeMap<LedgerId, Head> {
        list.into_iter().map(|h| (h.ledger.clone(), h)).collect()
    }

    fn leg(from: u128, to: u128, micros: i64) -> Leg {
        let amount = Amount::new(Micros::new(micros)).expect("positive");
        Leg { from: LedgerId::Account(acc(from)), to: LedgerId::Account(acc(to)), amount }
    }

    fn request(kind: EntryKind, legs: Vec<Leg>) -> TransferRequest {
        let id = TransferId::from_uuid(Uuid::from_u128(77));
        TransferRequest { id, kind, legs, reference: None, reverses: None, authority: acc(1), now: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_transfer_moves_exactly_the_amount_and_carries_both_balances() {
        let state = heads(vec![head(1, &[0], 10), head(2, &[0, 1], 0)]);
        let plan = plan_transfer(&request(EntryKind::Allocation, vec![leg(1, 2, 4)]), &state).expect("enough");
        let done = &plan.transfer.legs[0];
        assert_eq!((done.from_balance.get(), done.to_balance.get()), (6, 4));
        assert_eq!(plan.entries.iter().map(|e| e.amount.get()).sum::<i64>(), 0);
        assert_eq!(plan.entries.iter().map(|e| e.after.seq).collect::<Vec<_>>(), [2, 2]);
        assert!(plan.gates.is_empty(), "the payer stands right below the operator, the payee right below the caller");
    }

    #[test]
    fn legs_build_on_one_another_and_fail_together() {
        let state = heads(vec![head(1, &[0], 10), head(2, &[0, 1], 0), head(3, &[0, 1], 0)]);
        let plan = plan_transfer(&request(EntryKind::Transfer, vec![leg(1, 2, 10), leg(2, 3, 10)]), &state).expect("chained");
        assert_eq!(plan.entries.iter().map(|e| e.after.seq).collect::<Vec<_>>(), [2, 2, 3, 2]);
        let refused = plan_transfer(&request(EntryKind::Transfer, vec![leg(1, 2, 6), leg(1, 3, 6)]), &state);
        assert!(matches!(refused, Err(CreditError::Insufficient { .. })));
    }

    #[test]
    fn a_debit_checks_every_ancestor_below_the_operator_and_a_credit_its_place_below_the_caller() {
        let state = heads(vec![head(4, &[0, 1, 2], 10), head(6, &[0, 1, 5], 0)]);
        let plan = plan_transfer(&request(EntryKind::Transfer, vec![leg(4, 6, 1)]), &state).expect("enough");
        let gates: Vec<_> = plan.gates.iter().map(|(id, check)| (id.clone(), check.must_be_open)).collect();
        assert_eq!(gates, [(acc(1), true), (acc(2), true), (acc(5), false)]);
    }

    #[test]
    fn refusals_come_in_their_stated_order() {
        let mut suspended = head(2, &[0, 1], 100);
        suspended.status = Status::Suspended;
        let mut closed = head(3, &[0, 1], 0);
        closed.status = Status::Closed;
        let mut euro = head(4, &[0], 100);
        euro.currency = "EUR".parse().expect("a currency");
        let state = heads(vec![head(1, &[0], 10), suspended, closed, euro]);
        let refusal = |kind, l: Leg| plan_transfer(&request(kind, vec![l]), &state).map(|_| ()).expect_err("refused");
        assert_eq!(refusal(EntryKind::Transfer, leg(1, 1, 1)), CreditError::SameAccount);
        assert!(matches!(refusal(EntryKind::Transfer, leg(1, 4, 1)), CreditError::CurrencyMismatch { .. }));
        assert!(matches!(refusal(EntryKind::Allocation, leg(2, 1, 1)), CreditError::NotBelow { .. }));
        assert_eq!(refusal(EntryKind::Transfer, leg(1, 3, 1)), CreditError::Closed(acc(3)));
        assert_eq!(refusal(EntryKind::Transfer, leg(2, 1, 1)), CreditError::Suspended(acc(2)));
        assert!(
            plan_transfer(&request(EntryKind::Reversal, vec![leg(2, 1, 1)]), &state).is_ok(),
            "credit may return from a suspended account"
        );
        assert!(matches!(refusal(EntryKind::Transfer, leg(1, 2, 11)), CreditError::Insufficient { .. }));
    }

    #[test]
    fn a_credit_limit_is_spendable_and_no_more() {
        let mut payer = head(1, &[0], 10);
        payer.credit_limit = Micros::new(5);
        let state = heads(vec![payer, head(2, &[0, 1], 0)]);
        assert!(plan_transfer(&request(EntryKind::Transfer, vec![leg(1, 2, 15)]), &state).is_ok());
        assert!(plan_transfer(&request(EntryKind::Transfer, vec![leg(1, 2, 16)]), &state).is_err());
    }
}
