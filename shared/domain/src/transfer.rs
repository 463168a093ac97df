//! Transfers: planning, purely, what one movement of credit writes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Status;
use crate::id::{AccountId, JobId, LotId, PackageId, TransferId};
use crate::ledger::{CreditError, Entry, EntryKind, Head, LedgerId};
use crate::lot::{Lot, MAX_LOTS};
use crate::money::{Amount, Currency, Micros};
use crate::text::{Name, Reference};

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

/// What was bought by a transfer of kind `purchase`, and what the buyer owes its parent for it outside of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchased {
    /// The package; `None` for loose credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_id: Option<PackageId>,
    /// The package's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// How many of it; 1 for loose credits.
    pub quantity: u32,
    /// The credits that were paid for, of all together.
    pub credits: Micros,
    /// The credits on top, of all together.
    pub bonus: Micros,
    /// The price of all together, in the transfer's currency.
    pub price: Micros,
    /// The lot that the credits are in, if they expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot_id: Option<LotId>,
    /// From when what is left of them expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many of the package one account may buy, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_account: Option<u32>,
    /// The version of the seller's book that it was bought from.
    pub book_version: i64,
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
    /// What a purchase bought, or what the purchase had bought that this one sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchased>,
    /// The bulk job that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
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
    /// What is bought, or what the purchase bought that is sent back.
    pub purchase: Option<Purchased>,
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

/// Adds a check to those of a plan. Where two lineages name the same account in two generations, one of them is of before a move: the older one is
/// checked, so that the plan is refused and made anew from lineages as they are.
pub fn add_gate(gates: &mut GateChecks, id: &AccountId, check: GateCheck) {
    let entry = gates.entry(id.clone()).or_insert_with(|| check.clone());
    entry.must_be_open |= check.must_be_open;
    entry.generation = entry.generation.min(check.generation);
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
            purchase: request.purchase.clone(),
            job_id: None,
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
    if let (Some(payer), Some(payee)) = (leg.from.account(), leg.to.account())
        && !goes_down(request.kind, payer, &to)
    {
        return Err(CreditError::NotBelow { from: payer.clone(), to: payee.clone() });
    }
    let amount = leg.amount.micros();
    to.may_credit()?;
    let buys = request.kind == EntryKind::Purchase;
    if let (true, Status::Suspended, Some(buyer)) = (buys, to.status, to.ledger.account()) {
        return Err(CreditError::Suspended(buyer.clone()));
    }
    from.may_debit(request.kind, amount)?;
    gates_for_debit(&mut plan.gates, &from, request.kind);
    // What is bought comes from the parent, which may stand above the buyer's authority; the buyer's own entry holds to who
    // the parent is.
    if !buys {
        gates_for_place(&mut plan.gates, &from, &request.authority);
    }
    gates_for_place(&mut plan.gates, &to, &request.authority);
    let debited = append(request, from, amount.negated()?, &leg.to, plan, state)?;
    let credited = append(request, to, amount, &leg.from, plan, state)?;
    let (from_balance, to_balance) = (debited, credited);
    plan.transfer.legs.push(DoneLeg { from: leg.from.clone(), to: leg.to.clone(), amount, from_balance, to_balance });
    Ok(())
}

/// Whether credit of this kind may go from `payer` to the account of `to`: an allocation to any account below, a purchase to a
/// direct sub-account.
fn goes_down(kind: EntryKind, payer: &AccountId, to: &Head) -> bool {
    match kind {
        EntryKind::Allocation => to.lineage.has(payer),
        EntryKind::Purchase | EntryKind::AutoTopup | EntryKind::CardTopup => to.lineage.parent() == Some(payer),
        // What a seller gives back may be of the time before a move.
        EntryKind::CreditNote
        | EntryKind::Transfer
        | EntryKind::Issue
        | EntryKind::Reversal
        | EntryKind::Sweep
        | EntryKind::Hold
        | EntryKind::Capture
        | EntryKind::Release
        | EntryKind::Expiry
        | EntryKind::LotExpired
        | EntryKind::Usage
        | EntryKind::UsageAdjustment
        | EntryKind::BulkEscrow
        | EntryKind::BulkReturn
        | EntryKind::InvoicePayment
        | EntryKind::Opened
        | EntryKind::Suspended
        | EntryKind::Reactivated
        | EntryKind::Closed
        | EntryKind::Moved
        | EntryKind::Relocated
        | EntryKind::LimitSet
        | EntryKind::FundingSet => true,
    }
}

/// What a purchase changes in the buyer's lots: `amount` came in, or goes back.
fn change_lots(request: &TransferRequest, after: &mut Head, amount: Micros) -> Result<(), CreditError> {
    let Some(Purchased { lot_id: Some(id), expires_at: Some(expires_at), .. }) = &request.purchase else { return Ok(()) };
    let (true, Some(account)) = (amount.is_negative() == (request.kind == EntryKind::Reversal), after.ledger.account()) else {
        return Ok(());
    };
    if amount.is_negative() {
        let whole = amount.negated()?;
        if after.lots.get(id).is_none_or(|lot| lot.left != whole) {
            return Err(CreditError::LotUsed);
        }
        after.lots.take(id, whole);
        return Ok(());
    }
    if after.lots.all().len() >= MAX_LOTS {
        return Err(CreditError::TooManyLots(account.clone()));
    }
    // A debt takes its part at once: no more is in lots than there is.
    let room = after.available.plus(after.held)?.minus(after.lots.total()?)?;
    after.lots.add(Lot { id: id.clone(), expires_at: *expires_at, left: amount.min(room) });
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
    let mut lots = Ok(());
    let mut entry = head.state_entry(request.kind, request.now, |after| {
        after.available = available;
        lots = change_lots(request, after, amount);
    })?;
    lots?;
    entry.amount = amount;
    entry.transfer_id = Some(request.id.clone());
    entry.counterparty = Some(counterparty.clone());
    entry.reference = request.reference.clone();
    state.insert(head.ledger, entry.after.clone());
    plan.entries.push(entry);
    Ok(available)
}

/// Plans the expiry of `amount` of the lot `lot`: from the account of `head` to the system ledger `expired`. It is no spending,
/// and nobody's authority is needed.
///
/// # Errors
/// [`CreditError::Overflow`].
pub fn plan_lot_expiry(
    id: TransferId,
    lot: &LotId,
    amount: Micros,
    head: &Head,
    expired: &Head,
    now: Timestamp,
) -> Result<TransferPlan, CreditError> {
    let (from_balance, to_balance) = (head.available.minus(amount)?, expired.available.plus(amount)?);
    let mut debit = head.state_entry(EntryKind::LotExpired, now, |after| {
        after.available = from_balance;
        after.lots.take(lot, amount);
    })?;
    let mut credit = expired.state_entry(EntryKind::LotExpired, now, |after| after.available = to_balance)?;
    (debit.amount, credit.amount) = (amount.negated()?, amount);
    (debit.counterparty, credit.counterparty) = (Some(expired.ledger.clone()), Some(head.ledger.clone()));
    (debit.transfer_id, credit.transfer_id) = (Some(id.clone()), Some(id.clone()));
    let leg = DoneLeg { from: head.ledger.clone(), to: expired.ledger.clone(), amount, from_balance, to_balance };
    let (kind, currency) = (EntryKind::LotExpired, head.currency);
    let (reference, reverses, purchase) = (None, None, None);
    let transfer = Transfer { id, kind, currency, legs: vec![leg], reference, reverses, purchase, job_id: None, created_at: now };
    Ok(TransferPlan { entries: vec![debit, credit], gates: GateChecks::new(), transfer })
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
    use crate::account::Kind;
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
        TransferRequest { id, kind, legs, reference: None, reverses: None, purchase: None, authority: acc(1), now: Timestamp::UNIX_EPOCH }
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
    fn of_two_generations_of_an_ancestor_the_older_is_checked() {
        let moved = |n, generation| Head {
            lineage: Lineage::root().beneath(&acc(0), 0).beneath(&acc(1), 0).beneath(&acc(2), generation),
            ..head(n, &[0, 1, 2], 10)
        };
        for (payer, payee) in [(0, 1), (1, 0)] {
            let plan = plan_transfer(&request(EntryKind::Transfer, vec![leg(4, 6, 1)]), &heads(vec![moved(4, payer), moved(6, payee)]));
            assert_eq!(plan.expect("enough").gates[&acc(2)], GateCheck { generation: 0, must_be_open: true });
        }
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

    fn bought(lot: u128, expires_s: i64) -> Purchased {
        Purchased {
            package_id: None,
            name: None,
            quantity: 1,
            credits: Micros::ZERO,
            bonus: Micros::ZERO,
            price: Micros::ZERO,
            lot_id: Some(LotId::from_uuid(Uuid::from_u128(lot))),
            expires_at: Timestamp::from_second(expires_s).ok(),
            max_per_account: None,
            book_version: 1,
        }
    }

    fn in_lots(entry: &Entry) -> Vec<i64> {
        entry.after.lots.all().iter().map(|lot| lot.left.get()).collect()
    }

    fn after(plan: &TransferPlan, state: &BTreeMap<LedgerId, Head>) -> BTreeMap<LedgerId, Head> {
        let mut state = state.clone();
        state.extend(plan.entries.iter().map(|entry| (entry.after.ledger.clone(), entry.after.clone())));
        state
    }

    #[test]
    fn a_purchase_comes_from_the_parent_into_a_lot_and_goes_back_whole_or_not_at_all() {
        let state = heads(vec![head(1, &[0], 100), head(2, &[0, 1], 3), head(3, &[0, 1, 2], 0)]);
        let of = |kind, purchase, l| TransferRequest { purchase: Some(purchase), ..request(kind, vec![l]) };
        let (early, late) = (bought(5, 100), bought(6, 200));
        let first = plan_transfer(&of(EntryKind::Purchase, late.clone(), leg(1, 2, 10)), &state).expect("the parent has it");
        assert_eq!((in_lots(&first.entries[1]), first.entries[1].after.available.get()), (vec![10], 13));
        assert!(first.gates.is_empty(), "the parent's place above the caller is held by the buyer's own entry");
        let state = after(&first, &state);
        let second = plan_transfer(&of(EntryKind::Purchase, early, leg(1, 2, 7)), &state).expect("the parent has it");
        assert_eq!(in_lots(&second.entries[1]), [7, 10]);
        let state = after(&second, &state);
        let back = plan_transfer(&of(EntryKind::Reversal, late.clone(), leg(2, 1, 10)), &state).expect("unspent");
        assert_eq!(in_lots(&back.entries[0]), [7], "its own lot goes back, not the one that is spent first");
        let spent = plan_transfer(&request(EntryKind::Transfer, vec![leg(2, 3, 8)]), &state).expect("enough");
        assert_eq!((in_lots(&spent.entries[0]), in_lots(&spent.entries[1])), (vec![9], vec![]));
        let state = after(&spent, &state);
        let refused = plan_transfer(&of(EntryKind::Reversal, late, leg(2, 1, 10)), &state).map(|_| ());
        assert_eq!(refused, Err(CreditError::LotUsed));
    }

    #[test]
    fn a_purchase_is_refused_to_whom_it_cannot_go() {
        let mut suspended = head(2, &[0, 1], 0);
        suspended.status = Status::Suspended;
        let state = heads(vec![head(1, &[0], 100), suspended, head(3, &[0, 1, 2], 0)]);
        let refusal = |l| {
            let request = TransferRequest { purchase: Some(bought(5, 100)), ..request(EntryKind::Purchase, vec![l]) };
            plan_transfer(&request, &state).map(|_| ()).expect_err("refused")
        };
        assert!(matches!(refusal(leg(1, 3, 1)), CreditError::NotBelow { .. }), "not the parent");
        assert_eq!(refusal(leg(1, 2, 1)), CreditError::Suspended(acc(2)));
    }

    #[test]
    fn a_debt_takes_its_part_of_a_lot_at_once_and_lots_are_limited() {
        let mut state = heads(vec![head(1, &[0], 100), head(2, &[0, 1], -4)]);
        let buy = |n: u128, state: &BTreeMap<LedgerId, Head>| {
            let request = TransferRequest { purchase: Some(bought(n, 100)), ..request(EntryKind::Purchase, vec![leg(1, 2, 3)]) };
            plan_transfer(&request, state)
        };
        for (n, lots) in [(1, vec![]), (2, vec![2]), (3, vec![2, 3])] {
            let plan = buy(n, &state).expect("the parent has it");
            assert_eq!(in_lots(&plan.entries[1]), lots);
            state = after(&plan, &state);
        }
        for n in 4..=21 {
            state = after(&buy(n, &state).expect("room"), &state);
        }
        assert_eq!(buy(22, &state).map(|_| ()), Err(CreditError::TooManyLots(acc(2))));
    }
}
