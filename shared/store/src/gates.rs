//! Gates: what stands between an account and everything below it. See `docs/adr/0003-gates.md`.
//!
//! An account's gate says whether it is suspended and how often it was moved. It is kept in [`keys::GATE_STRIPES`]
//! copies, all written together; a spend below checks one copy, chosen by the spender. No item stands for *open, never
//! moved*, so an account costs nothing until it is suspended or moved.

use tributary_domain::account::Status;
use tributary_domain::id::AccountId;
use tributary_domain::ledger::stripe_of;
use tributary_domain::reconcile::GateCopy;
use tributary_domain::transfer::{GateCheck, GateChecks};

use crate::codec::Reader;
use crate::commit::{Part, Refused, Tx};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Change, Cond, Item, Value, Write};

/// Adds the checks of a plan. `spender` chooses the copy.
pub fn push_checks(tx: &mut Tx, gates: &GateChecks, spender: &str) {
    let stripe = stripe_of(spender, keys::GATE_STRIPES);
    for (account, check) in gates {
        tx.push(Part::Gate(account.clone()), Write::check(keys::gate(account, stripe), condition(check)));
    }
}

fn condition(check: &GateCheck) -> Cond {
    let mut all = vec![Cond::Eq("gen", Value::N(i64::from(check.generation)))];
    if check.must_be_open {
        all.push(Cond::Eq("susp", Value::Bool(false)));
    }
    let as_read = Cond::All(all);
    if check.generation == 0 { Cond::Any(vec![Cond::NotExists, as_read]) } else { as_read }
}

/// Adds the writes that set every copy of an account's gate.
pub fn push_state(tx: &mut Tx, account: &AccountId, generation: u32, status: Status) {
    let suspended = match status {
        Status::Active => false,
        Status::Suspended | Status::Closed => true,
    };
    for stripe in 0..keys::GATE_STRIPES {
        let changes = vec![Change::Set("gen", Value::N(i64::from(generation))), Change::Set("susp", Value::Bool(suspended))];
        // The account's own entry in the same transaction is the condition.
        tx.push(Part::Plain, Write::update(keys::gate(account, stripe), changes, Cond::All(vec![])));
    }
}

/// Reads one copy of a gate.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn decode(item: Option<&Item>) -> Result<GateCopy, StoreError> {
    let Some(item) = item else { return Ok(GateCopy::default()) };
    let reader = Reader(item);
    match item.get("susp") {
        Some(Value::Bool(suspended)) => Ok(GateCopy { suspended: *suspended, generation: reader.number("gen")? }),
        _ => Err(StoreError::Corrupt("attribute susp is not a flag".to_owned())),
    }
}

/// What refused gates mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateVerdict {
    /// This ancestor is suspended, and stands where it was thought to.
    Suspended(AccountId),
    /// An ancestor was moved: the lineage must be resolved again.
    Moved,
}

/// Reads the refused gates, if any was.
pub fn verdict(refused: &Refused, checks: &GateChecks) -> Option<GateVerdict> {
    let mut found = None;
    for (account, item) in refused.gates() {
        let generation = item.and_then(|item| Reader(item).maybe_number("gen").ok().flatten()).unwrap_or(0);
        let as_thought = checks.get(account).is_some_and(|check| i64::from(check.generation) == generation);
        if !as_thought {
            return Some(GateVerdict::Moved);
        }
        found = Some(GateVerdict::Suspended(account.clone()));
    }
    found
}
