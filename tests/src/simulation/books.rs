//! The clients' books: what was acknowledged, and what every balance must therefore be.

use std::collections::{BTreeMap, HashMap, HashSet};

use tributary_domain::hold::{Hold, HoldStatus};
use tributary_domain::id::{AccountId, HoldId, LotId, PackageId, TransferId};
use tributary_domain::ledger::{Book, LedgerId};
use tributary_domain::transfer::Transfer;
use tributary_store::error::StoreError;
use tributary_store::holds::EndedHold;
use tributary_store::idempotency::Outcome;

use super::op::{Answer, Ask, Op};

/// Available and held, in micro-units.
pub type Balance = (i64, i64);

/// What clients know.
#[derive(Debug, Default)]
pub struct Books {
    /// Accounts that were acknowledged.
    pub accounts: Vec<AccountId>,
    /// Accounts whose closing was acknowledged.
    pub closed: HashSet<AccountId>,
    /// Transfers that were acknowledged.
    pub transfers: Vec<TransferId>,
    /// Packages that were offered, with who sells them.
    pub packages: Vec<(AccountId, PackageId)>,
    /// Lots that were bought.
    pub lots: Vec<LotId>,
    /// Requests that were acknowledged, for replays.
    pub done: Vec<Op>,
    /// Holds, by what is known of them.
    pub holds: BTreeMap<HoldId, Hold>,
    /// What every balance must be.
    pub expected: HashMap<LedgerId, Balance>,
    /// The first answer of each key.
    answers: HashMap<String, String>,
    /// The keys of which a client was told that its request took effect now.
    effects: HashSet<String>,
    /// Answers that were first ones.
    pub acknowledged: u64,
    /// Answers that were replays.
    pub replayed: u64,
    /// Refusals.
    pub refused: u64,
    /// Refusals by kind.
    pub refusals: BTreeMap<String, u64>,
    /// What is wrong.
    pub broken: Vec<String>,
}

impl Books {
    /// Enters an answer. `false` if it is still open.
    pub fn enter(&mut self, op: &Op, answer: &Answer) -> bool {
        match answer {
            Answer::Open => return false,
            Answer::Plain => {
                self.acknowledged += 1;
                if let Ask::Offer { seller, package, .. } = &op.ask {
                    self.packages.push((seller.clone(), package.clone()));
                }
            }
            Answer::Refused(refusal) => self.refusal(op, refusal),
            Answer::Transfer(outcome) => {
                if self.first(op, outcome, &format!("{:?}", value(outcome))) {
                    self.transfer(value(outcome));
                }
            }
            Answer::Hold(outcome) => {
                if self.first(op, outcome, &format!("{:?}", value(outcome))) {
                    let hold = value(outcome);
                    self.add(&LedgerId::Account(hold.account_id.clone()), -hold.amount.get(), hold.amount.get());
                    // The schedule may have ended it before its maker heard of it.
                    self.holds.entry(hold.id.clone()).or_insert_with(|| hold.clone());
                }
            }
            Answer::Ended(outcome) => {
                if self.first(op, outcome, &format!("{:?}", value(outcome))) {
                    self.ended(value(outcome));
                }
            }
            Answer::Account(outcome) => {
                if self.first(op, outcome, &format!("{:?}", value(outcome))) {
                    self.account(op, value(outcome));
                }
            }
        }
        true
    }

    fn account(&mut self, op: &Op, account: &tributary_domain::account::Account) {
        if let Ask::Close { account, .. } = &op.ask {
            self.closed.insert(account.clone());
        }
        if let Ask::Create { parent, initial, .. } = &op.ask {
            self.accounts.push(account.id.clone());
            self.expected.entry(LedgerId::Account(account.id.clone())).or_default();
            if let Some(amount) = initial {
                self.add(&LedgerId::Account(parent.clone()), -amount.micros().get(), 0);
                self.add(&LedgerId::Account(account.id.clone()), amount.micros().get(), 0);
            }
        }
    }

    /// Notes an answer under its key; `true` if it is the first one known. Every later one must be the same.
    fn first<T>(&mut self, op: &Op, outcome: &Outcome<T>, shown: &str) -> bool {
        let replay = matches!(outcome, Outcome::Replayed(_));
        self.replayed += u64::from(replay);
        if !replay && !self.effects.insert(op.key.clone()) {
            self.broken.push(format!("key {} took effect twice: {shown}", op.key));
        }
        if op.other_body {
            self.broken.push(format!("key {} was taken with another body", op.key));
        }
        match self.answers.get(&op.key) {
            // Of clients that ask at once, one that was told of the first answer may be heard before the one that got it.
            Some(first) if first == shown => false,
            Some(first) => {
                self.broken.push(format!("key {} was answered differently: {first} and {shown}", op.key));
                false
            }
            None => {
                self.acknowledged += 1;
                self.answers.insert(op.key.clone(), shown.to_owned());
                if op.ask.keyed() {
                    self.done.push(op.clone());
                }
                true
            }
        }
    }

    fn refusal(&mut self, op: &Op, refusal: &StoreError) {
        self.refused += 1;
        *self.refusals.entry(format!("{refusal:?}").split(['(', ' ', '{']).take(2).collect::<Vec<_>>().join(" ")).or_default() += 1;
        match refusal {
            StoreError::KeyReused if op.other_body => {}
            StoreError::Corrupt(_) | StoreError::Table(_) | StoreError::KeyReused => {
                self.broken.push(format!("{op:?} was refused with {refusal:?}"))
            }
            // Once its answer is known, a key is never refused again: neither for lack of credit nor of rights. A lagging
            // index may hide the transfer that a reversal names.
            refusal if op.replay && !op.other_body && !matches!(op.ask, Ask::Reverse { .. }) => {
                self.broken.push(format!("{op:?} had been done and was refused with {refusal:?}"));
            }
            _ => {}
        }
    }

    fn transfer(&mut self, transfer: &Transfer) {
        self.transfers.push(transfer.id.clone());
        self.lots.extend(transfer.purchase.iter().filter_map(|bought| bought.lot_id.clone()));
        for leg in &transfer.legs {
            self.add(&leg.from, -leg.amount.get(), 0);
            self.add(&leg.to, leg.amount.get(), 0);
        }
    }

    fn ended(&mut self, ended: &EndedHold) {
        let (hold, own) = (&ended.hold, LedgerId::Account(ended.hold.account_id.clone()));
        if self.holds.get(&hold.id).is_some_and(|known| known.status != HoldStatus::Open) {
            self.broken.push(format!("hold {} ended twice", hold.id));
        }
        self.add(&own, hold.amount.get() - hold.captured.get(), -hold.amount.get());
        let receiver = match &hold.to {
            Some(account) => LedgerId::Account(account.clone()),
            None => LedgerId::system(Book::Consumed, hold.currency, &hold.account_id),
        };
        self.add(&receiver, hold.captured.get(), 0);
        self.holds.insert(hold.id.clone(), hold.clone());
    }

    /// Adds to what a balance must be.
    pub fn add(&mut self, ledger: &LedgerId, available: i64, held: i64) {
        let balance = self.expected.entry(ledger.clone()).or_default();
        balance.0 += available;
        balance.1 += held;
    }

    /// The keys whose answers are known.
    pub fn known_keys(&self) -> impl Iterator<Item = &String> {
        self.answers.keys()
    }
}

fn value<T>(outcome: &Outcome<T>) -> &T {
    match outcome {
        Outcome::Done(value) | Outcome::Replayed(value) => value,
    }
}
