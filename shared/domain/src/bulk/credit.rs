//! What the transactions of a credit job write: the payer's debit into the job's escrow, credits out of it, what is left
//! back, and credits taken back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{AccountId, TransferId};
use crate::ledger::{CreditError, Entry, EntryKind, Head, LedgerId};
use crate::money::{Amount, Micros};
use crate::text::Reference;
use crate::transfer::{GateCheck, GateChecks, add_gate, gates_for_debit, gates_for_place};

/// One credit of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The row's place in its chunk.
    pub place: usize,
    /// Who receives it, or gives it back.
    pub account: AccountId,
    /// How much.
    pub amount: Amount,
    /// A note.
    pub reference: Option<Reference>,
}

/// One credit as it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The row's place in its chunk.
    pub place: usize,
    /// Whose.
    pub account: AccountId,
    /// How much: above zero.
    pub amount: Micros,
    /// The account's available credit after it.
    pub balance: Micros,
}

/// What a transaction writes.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    /// The entries, ledger by ledger in rising numbers. The first is the job's side.
    pub entries: Vec<Entry>,
    /// The gates to check.
    pub gates: GateChecks,
    /// What was done, row by row.
    pub granted: Vec<Granted>,
    /// What cannot be done, row by row.
    pub refused: Vec<(usize, CreditError)>,
    /// All of it together.
    pub sum: Micros,
}

impl Moves {
    fn grant(&mut self, grant: &Grant, entry: &Entry, sum: Micros, gates: GateChecks) {
        let (account, amount, balance) = (grant.account.clone(), grant.amount.micros(), entry.after.available);
        self.granted.push(Granted { place: grant.place, account, amount, balance });
        (self.sum, self.gates) = (sum, gates);
    }
}

/// Between whom, and when.
#[derive(Debug, Clone)]
pub struct Deal<'a> {
    /// The new transfer's id.
    pub id: TransferId,
    /// The payer.
    pub payer: &'a Head,
    /// The account whose rights allow it.
    pub authority: &'a AccountId,
    /// Now.
    pub now: Timestamp,
}

fn moved(deal: &Deal<'_>, head: &Head, kind: EntryKind, amount: Micros, other: &LedgerId) -> Result<Entry, CreditError> {
    let available = head.available.plus(amount)?;
    let mut entry = head.state_entry(kind, deal.now, |after| after.available = available)?;
    entry.amount = amount;
    entry.transfer_id = Some(deal.id.clone());
    entry.counterparty = Some(other.clone());
    Ok(entry)
}

/// Takes `sum` from the payer into escrow.
///
/// # Errors
/// [`CreditError`] of a debit.
pub fn fund(deal: &Deal<'_>, escrow: &Head, sum: Micros) -> Result<Moves, CreditError> {
    deal.payer.may_debit(EntryKind::BulkEscrow, sum)?;
    let mut moves = Moves { sum, ..Moves::default() };
    gates_for_debit(&mut moves.gates, deal.payer, EntryKind::BulkEscrow);
    gates_for_place(&mut moves.gates, deal.payer, deal.authority);
    moves.entries.push(moved(deal, escrow, EntryKind::BulkEscrow, sum, &deal.payer.ledger)?);
    moves.entries.push(moved(deal, deal.payer, EntryKind::BulkEscrow, sum.negated()?, &escrow.ledger)?);
    Ok(moves)
}

/// Sends `sum` from escrow back to `deal.payer`. It is no spending, and nobody's authority is needed.
///
/// # Errors
/// [`CreditError::Closed`] if the payer cannot take it; [`CreditError::Overflow`].
pub fn give_back(deal: &Deal<'_>, escrow: &Head, sum: Micros) -> Result<Moves, CreditError> {
    deal.payer.may_credit()?;
    let mut moves = Moves { sum, ..Moves::default() };
    moves.entries.push(moved(deal, escrow, EntryKind::BulkReturn, sum.negated()?, &deal.payer.ledger)?);
    moves.entries.push(moved(deal, deal.payer, EntryKind::BulkReturn, sum, &escrow.ledger)?);
    Ok(moves)
}

/// The gates that every credit of a job needs: the payer and all above it open, where they were thought to be.
pub fn payer_gates(payer: &Head, authority: &AccountId) -> GateChecks {
    let mut gates = GateChecks::new();
    gates_for_debit(&mut gates, payer, EntryKind::BulkEscrow);
    gates_for_place(&mut gates, payer, authority);
    if let Some(id) = payer.ledger.account().filter(|_| payer.lineage.parent().is_some()) {
        add_gate(&mut gates, id, GateCheck { generation: payer.generation, must_be_open: true });
    }
    gates
}

/// Hands credit out of escrow, as many of `grants` in their order as fit into `room` writes, gates included. Those that
/// cannot be done are named; those without a head in `heads` are left out, as are those that found no room.
///
/// # Errors
/// [`CreditError::Overflow`] of the escrow.
pub fn hand_out(
    deal: &Deal<'_>,
    escrow: &Head,
    heads: &BTreeMap<AccountId, Head>,
    grants: &[Grant],
    room: usize,
) -> Result<Moves, CreditError> {
    let mut moves = Moves { gates: payer_gates(deal.payer, deal.authority), ..Moves::default() };
    let (mut state, mut credits) = (heads.clone(), Vec::new());
    for grant in grants {
        let Some(head) = state.get(&grant.account) else { continue };
        let planned = credit(deal, head, grant).and_then(|entry| Ok((moves.sum.plus(grant.amount.micros())?, entry)));
        let (sum, entry) = match planned {
            Ok(planned) => planned,
            Err(refusal) => {
                moves.refused.push((grant.place, refusal));
                continue;
            }
        };
        let mut gates = moves.gates.clone();
        if let Some(payer) = deal.payer.ledger.account() {
            gates_for_place(&mut gates, head, payer);
        }
        if credits.len() + 1 + gates.len() > room {
            break;
        }
        moves.grant(grant, &entry, sum, gates);
        state.insert(grant.account.clone(), entry.after.clone());
        credits.push(entry);
    }
    if !credits.is_empty() {
        moves.entries.push(moved(deal, escrow, EntryKind::Allocation, moves.sum.negated()?, &deal.payer.ledger)?);
        moves.entries.extend(credits);
    }
    Ok(moves)
}

fn credit(deal: &Deal<'_>, head: &Head, grant: &Grant) -> Result<Entry, CreditError> {
    may_receive(deal.payer, head)?;
    let mut entry = moved(deal, head, EntryKind::Allocation, grant.amount.micros(), &deal.payer.ledger)?;
    entry.reference = grant.reference.clone();
    Ok(entry)
}

/// Refuses an account that the payer cannot give credit to.
///
/// # Errors
/// The first [`CreditError`] in the order of its variants.
pub fn may_receive(payer: &Head, head: &Head) -> Result<(), CreditError> {
    if payer.ledger == head.ledger {
        return Err(CreditError::SameAccount);
    }
    if payer.currency != head.currency {
        return Err(CreditError::CurrencyMismatch { from: payer.currency, to: head.currency });
    }
    if let (Some(from), Some(to)) = (payer.ledger.account(), head.ledger.account())
        && !head.lineage.has(from)
    {
        return Err(CreditError::NotBelow { from: from.clone(), to: to.clone() });
    }
    head.may_credit()
}

/// Takes credit back to the payer, as [`hand_out`] gave it: only from who has it still, without going below zero.
///
/// # Errors
/// [`CreditError::Closed`] if the payer cannot take it; [`CreditError::Overflow`].
pub fn take_back(deal: &Deal<'_>, heads: &BTreeMap<AccountId, Head>, grants: &[Grant], room: usize) -> Result<Moves, CreditError> {
    deal.payer.may_credit()?;
    let mut moves = Moves::default();
    gates_for_place(&mut moves.gates, deal.payer, deal.authority);
    let (mut state, mut debits) = (heads.clone(), Vec::new());
    for grant in grants {
        let Some(head) = state.get(&grant.account) else { continue };
        let amount = grant.amount.micros();
        let planned = debit(deal, head, amount).and_then(|entry| Ok((moves.sum.plus(amount)?, entry)));
        let (sum, entry) = match planned {
            Ok(planned) => planned,
            Err(refusal) => {
                moves.refused.push((grant.place, refusal));
                continue;
            }
        };
        let mut gates = moves.gates.clone();
        gates_for_place(&mut gates, head, deal.authority);
        gates_for_debit(&mut gates, head, EntryKind::Reversal);
        if debits.len() + 1 + gates.len() > room {
            break;
        }
        moves.grant(grant, &entry, sum, gates);
        state.insert(grant.account.clone(), entry.after.clone());
        debits.push(entry);
    }
    if !debits.is_empty() {
        let other = debits.first().map_or_else(|| deal.payer.ledger.clone(), |entry| entry.after.ledger.clone());
        moves.entries.push(moved(deal, deal.payer, EntryKind::Reversal, moves.sum, &other)?);
        moves.entries.extend(debits);
    }
    Ok(moves)
}

fn debit(deal: &Deal<'_>, head: &Head, amount: Micros) -> Result<Entry, CreditError> {
    head.may_debit(EntryKind::Reversal, amount)?;
    // A credit limit is no credit of this job's.
    if head.available < amount
        && let Some(account) = head.ledger.account()
    {
        let (available, currency) = (head.available, head.currency);
        return Err(CreditError::Insufficient { account: account.clone(), available, spendable: available, required: amount, currency });
    }
    moved(deal, head, EntryKind::Reversal, amount.negated()?, &deal.payer.ledger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Status;
    use crate::ledger::Book;
    use crate::lineage::Lineage;
    use uuid::Uuid;

    fn acc(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn head(n: u128, lineage: &[u128], available: i64) -> Head {
        let lineage = lineage.iter().fold(Lineage::root(), |l, id| l.child(&acc(*id), 0).expect("shallow"));
        let currency = "USD".parse().expect("a currency");
        let ledger = LedgerId::Account(acc(n));
        Head { seq: 1, lineage, available: Micros::new(available), ..Head::empty_system(ledger, currency) }
    }

    fn deal<'a>(payer: &'a Head, authority: &'a AccountId) -> Deal<'a> {
        Deal { id: TransferId::from_uuid(Uuid::from_u128(7)), payer, authority, now: Timestamp::UNIX_EPOCH }
    }

    fn grant(place: usize, to: u128, micros: i64) -> Grant {
        Grant { place, account: acc(to), amount: Amount::new(Micros::new(micros)).expect("positive"), reference: None }
    }

    fn escrow(payer: &Head, available: i64) -> Head {
        let ledger = LedgerId::system(Book::Escrow, payer.currency, payer.ledger.account().expect("an account"));
        Head { available: Micros::new(available), ..Head::empty_system(ledger, payer.currency) }
    }

    #[test]
    fn every_transaction_of_a_job_sums_to_zero_and_all_of_them_empty_the_escrow() {
        let (payer, home) = (head(1, &[0], 100), acc(1));
        let funded = fund(&deal(&payer, &home), &escrow(&payer, 0), Micros::new(60)).expect("enough");
        let kept = funded.entries[0].after.clone();
        let payer = funded.entries[1].after.clone();
        assert_eq!((kept.available.get(), payer.available.get()), (60, 40));
        let heads: BTreeMap<_, _> = [2_u128, 3].map(|n| (acc(n), head(n, &[0, 1], 0))).into();
        let grants = [grant(0, 2, 10), grant(1, 3, 20), grant(2, 2, 5)];
        let out = hand_out(&deal(&payer, &home), &kept, &heads, &grants, 96).expect("room");
        assert_eq!(out.entries.iter().map(|entry| entry.amount.get()).sum::<i64>(), 0);
        assert_eq!(out.granted.iter().map(|granted| granted.balance.get()).collect::<Vec<_>>(), [10, 20, 15]);
        assert_eq!(out.gates.keys().collect::<Vec<_>>(), [&acc(1)], "the payer itself must be open");
        let back = give_back(&deal(&payer, &home), &out.entries[0].after, Micros::new(25)).expect("takes it");
        assert_eq!((back.entries[0].after.available.get(), back.entries[1].after.available.get()), (0, 65));
    }

    #[test]
    fn what_cannot_be_done_is_named_and_what_finds_no_room_is_left() {
        let (payer, home) = (head(1, &[0], 100), acc(1));
        let mut heads: BTreeMap<_, _> = (2..=9_u128).map(|n| (acc(n), head(n, &[0, 1], 0))).collect();
        heads.insert(acc(9), Head { status: Status::Closed, ..head(9, &[0, 1], 0) });
        heads.insert(acc(8), head(8, &[0, 5], 0));
        let grants: Vec<_> = [9, 8, 2, 3, 4].into_iter().enumerate().map(|(place, to)| grant(place, to, 1)).collect();
        let out = hand_out(&deal(&payer, &home), &escrow(&payer, 9), &heads, &grants, 3).expect("room");
        assert_eq!(out.refused.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(out.granted.iter().map(|granted| granted.place).collect::<Vec<_>>(), [2, 3], "two entries and one gate");
    }

    #[test]
    fn only_what_is_there_is_taken_back() {
        let (payer, home) = (head(1, &[0], 0), acc(1));
        let mut limited = head(3, &[0, 1], 5);
        limited.credit_limit = Micros::new(100);
        let heads: BTreeMap<_, _> = [(acc(2), head(2, &[0, 1], 10)), (acc(3), limited)].into();
        let back = take_back(&deal(&payer, &home), &heads, &[grant(0, 2, 10), grant(1, 3, 6)], 96).expect("takes it");
        assert_eq!(back.granted.iter().map(|granted| granted.place).collect::<Vec<_>>(), [0]);
        assert!(matches!(back.refused[..], [(1, CreditError::Insufficient { .. })]));
        assert_eq!(back.entries.iter().map(|entry| entry.amount.get()).collect::<Vec<_>>(), [10, -10]);
    }
}
