//! What must have happened, by the answers that clients got.

use std::collections::{BTreeMap, VecDeque};

use futures::future::join_all;
use serde_json::{Value, json};

use super::PROCESSES;
use super::fleet::{Answer, Fleet};

/// What is asked for; accounts by their places.
#[derive(Debug, Clone)]
pub enum What {
    Transfer { from: usize, to: usize, micros: i64 },
    Allocate { to: usize, micros: i64 },
    Issue { to: usize, micros: i64 },
    Hold { of: usize, micros: i64 },
    Capture { hold: String, micros: i64 },
    Release { hold: String },
}

/// One operation under one idempotency key.
#[derive(Debug, Clone)]
pub struct Op {
    /// Its idempotency key.
    pub key: String,
    /// What it is.
    pub what: What,
    /// Where it is sent.
    pub path: String,
    /// Its body; null for none.
    pub body: Value,
    /// The final answer's body, once there is one.
    pub answer: Option<String>,
}

impl Op {
    /// An operation that nobody has asked for yet.
    pub fn new(key: &str, what: What, accounts: &[String]) -> Self {
        let (path, body) = match &what {
            What::Transfer { from, to, micros } => {
                ("transfer".to_owned(), json!({ "from": accounts[*from], "to": accounts[*to], "amount": credits(*micros) }))
            }
            What::Allocate { to, micros } => {
                ("allocate".to_owned(), json!({ "from": accounts[0], "account_id": accounts[*to], "amount": credits(*micros) }))
            }
            What::Issue { to, micros } => ("issue".to_owned(), json!({ "account_id": accounts[*to], "amount": credits(*micros) })),
            What::Hold { of, micros } => ("holds".to_owned(), json!({ "account_id": accounts[*of], "amount": credits(*micros) })),
            What::Capture { hold, micros } => (format!("holds/{hold}/capture"), json!({ "amount": credits(*micros) })),
            What::Release { hold } => (format!("holds/{hold}/release"), Value::Null),
        };
        Self { key: key.to_owned(), what, path: format!("/reseller/credits/{path}"), body, answer: None }
    }

    /// Keeps the final answer, which must be that it was done.
    #[track_caller]
    pub fn answered(&mut self, answer: &Answer) {
        let done = match self.what {
            What::Transfer { .. } | What::Allocate { .. } | What::Issue { .. } | What::Hold { .. } => 201,
            What::Capture { .. } | What::Release { .. } => 200,
        };
        assert_eq!(answer.status, done, "{} {}: {}", self.key, self.path, answer.body);
        self.answer = Some(answer.body.clone());
    }
}

/// One account by the book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Account {
    available: i64,
    held: i64,
    movements: usize,
}

/// Every operation that took place, and what the accounts must show.
pub struct Book {
    accounts: Vec<(String, Account)>,
    /// Holds by their ids: whose, how much.
    holds: BTreeMap<String, (usize, i64)>,
    ops: Vec<Op>,
}

impl Book {
    /// Accounts in which nothing has happened.
    pub fn new(accounts: &[String]) -> Self {
        let accounts = accounts.iter().map(|id| (id.clone(), Account::default())).collect();
        Self { accounts, holds: BTreeMap::new(), ops: Vec::new() }
    }

    /// Writes down an operation that was answered.
    pub fn add(&mut self, op: Op) {
        let answer: Value = serde_json::from_str(op.answer.as_deref().expect("an answer")).expect("JSON");
        match &op.what {
            What::Transfer { from, to, micros } => {
                self.change(*from, -micros, 0);
                self.change(*to, *micros, 0);
            }
            What::Allocate { to, micros } => {
                self.change(0, -micros, 0);
                self.change(*to, *micros, 0);
            }
            What::Issue { to, micros } => self.change(*to, *micros, 0),
            What::Hold { of, micros } => {
                self.change(*of, -micros, *micros);
                self.holds.insert(answer["id"].as_str().expect("an id").to_owned(), (*of, *micros));
            }
            What::Capture { hold, micros } => {
                let (of, held) = self.holds.remove(hold).expect("a hold of the book");
                self.change(of, held - micros, -held);
            }
            What::Release { hold } => {
                let (of, held) = self.holds.remove(hold).expect("a hold of the book");
                self.change(of, held, -held);
            }
        }
        self.ops.push(op);
    }

    fn change(&mut self, account: usize, available: i64, held: i64) {
        let account = &mut self.accounts[account].1;
        account.available += available;
        account.held += held;
        account.movements += 1;
    }

    /// Asks again for every operation of a round: those answered must be answered alike and marked, the others now.
    pub async fn settle(&mut self, fleet: &Fleet, ops: Vec<Op>) {
        let answers = answers(fleet, &ops).await;
        // In the order asked, so that holds come before what ends them.
        for (mut op, answer) in ops.into_iter().zip(answers) {
            if let Some(first) = &op.answer {
                assert!(answer.replayed, "{} was acknowledged and forgotten: {}", op.key, answer.body);
                assert_eq!(&answer.body, first, "{} is answered as it was the first time", op.key);
            }
            op.answered(&answer);
            self.add(op);
        }
    }

    /// Compares the book with what the functions show, and every first answer with what is answered now.
    ///
    /// # Errors
    /// The first difference.
    pub async fn audit(&self, fleet: &Fleet) -> Result<(), String> {
        for (op, answer) in self.ops.iter().zip(answers(fleet, &self.ops).await) {
            if !answer.replayed || Some(&answer.body) != op.answer.as_ref() {
                return Err(format!("{} was answered {:?}, and now {answer:?}", op.key, op.answer));
            }
        }
        for (n, (id, wanted)) in self.accounts.iter().enumerate() {
            let balance = fleet.read(n % PROCESSES, &format!("/reseller/credits/balance?account_id={id}")).await;
            let entries = rows(fleet, &format!("/reseller/credits/history?account_id={id}")).await;
            let holds = rows(fleet, &format!("/reseller/credits/holds?account_id={id}&status=open")).await;
            let shown = (micros(&balance["available"]), micros(&balance["held"]));
            if shown != (wanted.available, wanted.held) {
                return Err(format!("account {n} has {shown:?} by its balance and {wanted:?} by the answers"));
            }
            let open: i64 = holds.iter().map(|hold| micros(&hold["amount"])).sum();
            let by_the_book = self.holds.values().filter(|(of, _)| *of == n).count();
            if (open, holds.len()) != (wanted.held, by_the_book) {
                return Err(format!("account {n} holds {} and has {} open holds of {open}", wanted.held, holds.len()));
            }
            fold(&entries, wanted).map_err(|wrong| format!("account {n}: {wrong}"))?;
        }
        Ok(())
    }
}

/// What is answered now to every operation; each process is asked in turn, and all at once.
async fn answers(fleet: &Fleet, ops: &[Op]) -> Vec<Answer> {
    let of = async |process: usize| {
        let mut answers = VecDeque::new();
        for op in ops.iter().skip(process).step_by(PROCESSES) {
            answers.push_back(fleet.ask(process, &op.path, &op.key, &op.body).await.expect("nobody was killed"));
        }
        answers
    };
    let mut answers = join_all((0..PROCESSES).map(of)).await;
    (0..ops.len()).filter_map(|n| answers[n % PROCESSES].pop_front()).collect()
}

/// Adds up a ledger, newest first.
fn fold(entries: &[Value], wanted: &Account) -> Result<(), String> {
    let (mut available, mut held, mut movements) = (0, 0, 0);
    for (n, entry) in entries.iter().rev().enumerate() {
        let (change, held_change) = (micros(&entry["amount"]), micros(&entry["held_amount"]));
        available += change;
        held += held_change;
        movements += usize::from((change, held_change) != (0, 0));
        let after = (micros(&entry["balance_after"]), micros(&entry["held_after"]));
        if after != (available, held) {
            return Err(format!("entry {n} says {after:?}, its ledger adds up to {:?}", (available, held)));
        }
    }
    let folded = Account { available, held, movements };
    if folded == *wanted { Ok(()) } else { Err(format!("its ledger adds up to {folded:?}, the answers to {wanted:?}")) }
}

async fn rows(fleet: &Fleet, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fleet.read(0, &format!("{path}&limit=200{cursor}")).await;
        rows.extend(page["data"].as_array().expect("rows").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// Micro-units as the API takes them.
fn credits(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// An amount of the API in micro-units.
fn micros(amount: &Value) -> i64 {
    let amount = amount.as_str().expect("an amount");
    let (units, decimals) = amount.split_once('.').expect("six decimals");
    let sign = if units.starts_with('-') { -1 } else { 1 };
    units.parse::<i64>().expect("digits") * 1_000_000 + sign * decimals.parse::<i64>().expect("digits")
}
