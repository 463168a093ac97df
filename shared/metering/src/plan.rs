//! Planning a batch, purely: which events count, what each moves at every level, and what the ledgers then say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tributary_domain::account::{Funding, Kind, Status};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{EntryKind, Head, LedgerId};
use tributary_domain::money::{Micros, Overflow};
use tributary_domain::pricing::book::PricingBook;
use tributary_domain::pricing::chain::{Chain, ChainAccount};
use tributary_domain::pricing::meter::{Aggregation, Meter};
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::postings::{Party, postings};
use tributary_domain::pricing::rate::{EventToRate, RateError, RatedEvent, RatedLevel, check_occurred_at, rate_prepared_if};
use tributary_domain::pricing::resolve::{PreparedChain, ResolveError};
use tributary_domain::pricing::state::UsageState;
use tributary_domain::transfer::{GateCheck, GateChecks, add_gate};
use tributary_store::error::StoreError;
use tributary_store::heads::Heads;
use tributary_store::usage_entries::{Mark, MarkIndex, UsageBatch, UsageWrite};

use crate::event::{NewEvent, Rejection};
use crate::record::{RecordKind, UsageRecord};
use crate::tiers::tier_name;

/// What is known when a batch is planned: heads, totals, books and marks of the same moment. The write's conditions hold
/// what of it money rests on.
#[derive(Debug)]
pub struct Ground<'a> {
    /// The heads of the accounts, of everything above them but the operator, and of the system ledger.
    pub heads: &'a Heads,
    /// The totals of the same accounts.
    pub states: &'a BTreeMap<AccountId, Arc<UsageState>>,
    /// The books of the same accounts and of the operator.
    pub books: &'a BTreeMap<AccountId, Arc<PricingBook>>,
    /// The marks of the accounts whose events these are.
    pub marks: &'a BTreeMap<AccountId, MarkIndex>,
    /// Now.
    pub now: Timestamp,
}

/// One event with its marks.
#[derive(Debug, Clone)]
pub struct Marked {
    /// The event.
    pub event: NewEvent,
    /// Its mark.
    pub mark: Mark,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It counts.
    Accepted(Box<RatedEvent>),
    /// It was counted before.
    Duplicate,
    /// It does not count.
    Rejected(Rejection),
}

/// A planned batch.
#[derive(Debug)]
pub struct Plan {
    /// What became of each event, in their order.
    pub verdicts: Vec<Verdict>,
    /// What is written; no entry if no event counts.
    pub batch: UsageBatch,
    /// The records of those that count.
    pub records: Vec<UsageRecord>,
    /// The new marks, by account.
    pub marks: BTreeMap<AccountId, Vec<Mark>>,
}

/// Why a batch cannot be planned on this ground.
#[derive(Debug, Clone, PartialEq)]
pub enum Unplanned {
    /// The lineage of an account names an old place of an ancestor.
    Stale,
    /// A bug, or broken data.
    Broken(StoreError),
}

impl From<Overflow> for Unplanned {
    fn from(overflow: Overflow) -> Self {
        Unplanned::Broken(overflow.into())
    }
}

/// The credit of one account while a batch is planned.
struct Purse<'a> {
    head: &'a Head,
    net: Micros,
}

/// Plans `events`, which all stand under one master, as one batch.
///
/// # Errors
/// [`Unplanned`].
pub fn plan(
    events: &[Marked],
    ground: &Ground<'_>,
    batch: &TransferId,
    mark_value: &dyn Fn(&AccountId, &Meter, Month, &str) -> Mark,
) -> Result<Plan, Unplanned> {
    let mut chains = BTreeMap::new();
    for marked in events {
        let id = &marked.event.account_id;
        if !chains.contains_key(id) {
            chains.insert(id.clone(), chain_of(id, ground)?);
        }
    }
    let mut planner = Planner {
        ground,
        mark_value,
        states: ground.states.iter().map(|(id, state)| (id.clone(), UsageState::clone(state))).collect(),
        purses: purses(ground.heads),
        marks: BTreeMap::new(),
        new: HashMap::new(),
        touched: BTreeSet::new(),
        consumed: Micros::ZERO,
        records: Vec::new(),
    };
    let mut prepared = HashMap::new();
    let mut verdicts = Vec::with_capacity(events.len());
    for marked in events {
        let chain = &chains[&marked.event.account_id];
        verdicts.push(planner.event(marked, chain, &mut prepared)?);
    }
    let batch = planner.batch(&chains, batch)?;
    Ok(Plan { verdicts, batch, records: planner.records, marks: planner.marks })
}

/// The chain of an account: itself, its ancestors, the operator last. All of them must stand where its lineage says.
///
/// # Errors
/// [`Unplanned::Stale`] if one stands elsewhere.
pub fn chain_of(id: &AccountId, ground: &Ground<'_>) -> Result<Chain, Unplanned> {
    let head = head_of(ground.heads, id)?;
    let mut accounts = vec![account_of(id, head.kind, ground)];
    let mut above = head.lineage.clone();
    while let Some((parent, next)) = above.above() {
        let generation = above.steps().last().map_or(0, |step| step.generation);
        if next.depth() == 0 {
            accounts.push(account_of(&parent, Kind::Operator, ground));
        } else {
            let head = head_of(ground.heads, &parent)?;
            if head.generation != generation || head.lineage != next {
                return Err(Unplanned::Stale);
            }
            accounts.push(account_of(&parent, head.kind, ground));
        }
        above = next;
    }
    Chain::new(accounts, head.currency).map_err(|error| Unplanned::Broken(StoreError::Corrupt(error.to_string())))
}

fn account_of(id: &AccountId, kind: Kind, ground: &Ground<'_>) -> ChainAccount {
    ChainAccount { id: id.clone(), kind, book: ground.books.get(id).cloned().unwrap_or_default() }
}

fn head_of<'a>(heads: &'a Heads, id: &AccountId) -> Result<&'a Head, Unplanned> {
    heads.get(&LedgerId::Account(id.clone())).ok_or(Unplanned::Stale)
}

fn purses(heads: &Heads) -> BTreeMap<AccountId, Purse<'_>> {
    let purse = |head| Purse { head, net: Micros::ZERO };
    heads.values().filter_map(|head| Some((head.ledger.account()?.clone(), purse(head)))).collect()
}

struct Planner<'a> {
    ground: &'a Ground<'a>,
    mark_value: &'a dyn Fn(&AccountId, &Meter, Month, &str) -> Mark,
    states: BTreeMap<AccountId, UsageState>,
    purses: BTreeMap<AccountId, Purse<'a>>,
    marks: BTreeMap<AccountId, Vec<Mark>>,
    /// The marks of this batch, by account and id.
    new: HashMap<(AccountId, [u8; 10]), [u8; 2]>,
    touched: BTreeSet<AccountId>,
    consumed: Micros,
    records: Vec<UsageRecord>,
}

type Rules<'c> = HashMap<(&'c AccountId, &'c str), PreparedChain<'c>>;

impl<'a> Planner<'a> {
    fn event<'c>(&mut self, marked: &'c Marked, chain: &'c Chain, rules: &mut Rules<'c>) -> Result<Verdict, Unplanned> {
        let event = &marked.event;
        match self.seen(&event.account_id, &marked.mark.id) {
            Some(content) if content == marked.mark.content => return Ok(Verdict::Duplicate),
            Some(_) => {
                let detail = "an event with this id was counted before with another content; a new event needs a new id";
                return Ok(Verdict::Rejected(Rejection::new("event_id_reused", detail)));
            }
            None => {}
        }
        match self.rate(event, chain, rules)? {
            Ok((rated, value)) => {
                self.count(event, &rated)?;
                self.learn(&event.account_id, [Some(marked.mark), value].into_iter().flatten());
                Ok(Verdict::Accepted(Box::new(rated)))
            }
            Err(rejection) => Ok(Verdict::Rejected(rejection)),
        }
    }

    fn seen(&self, account: &AccountId, id: &[u8; 10]) -> Option<[u8; 2]> {
        let before = || self.ground.marks.get(account)?.seen(id).map(|seen| seen.content);
        self.new.get(&(account.clone(), *id)).copied().or_else(before)
    }

    fn learn(&mut self, account: &AccountId, marks: impl IntoIterator<Item = Mark>) {
        for mark in marks {
            self.new.insert((account.clone(), mark.id), mark.content);
            self.marks.entry(account.clone()).or_default().push(mark);
        }
    }

    /// The event's prices, and the mark of a value that is new to a `unique` meter; the totals then hold it.
    fn rate<'c>(
        &mut self,
        event: &'c NewEvent,
        chain: &'c Chain,
        rules: &mut Rules<'c>,
    ) -> Result<Result<(RatedEvent, Option<Mark>), Rejection>, Unplanned> {
        if let Some(rejection) = stopped(chain, self.ground.heads)? {
            return Ok(Err(rejection));
        }
        if let Err(error) = check_occurred_at(event.occurred_at, self.ground.now) {
            return Ok(Err(rejection(&error)));
        }
        let key = (&event.account_id, event.meter.as_str());
        if !rules.get(&key).is_some_and(|known| known.covers(event.occurred_at)) {
            match chain.prepare(&event.meter, event.occurred_at) {
                Ok(prepared) => drop(rules.insert(key, prepared)),
                Err(error) => return Ok(Err(rejection(&error.into()))),
            }
        }
        let Some(prepared) = rules.get(&key) else { return Err(Unplanned::Stale) };
        let value = match self.value(event, prepared.meter) {
            Ok(value) => value,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let first_of_value = value.is_some_and(|mark| self.seen(&event.account_id, &mark.id).is_none());
        let to_rate = EventToRate { meter: event.meter.clone(), quantity: event.quantity, first_of_value, occurred_at: event.occurred_at };
        let (purses, mut short) = (&self.purses, None);
        let accepts = |rated: &RatedEvent| {
            short = too_short(rated, purses);
            short.is_none()
        };
        match rate_prepared_if(prepared, &mut self.states, &to_rate, accepts) {
            Ok(Some(rated)) => Ok(Ok((rated, value.filter(|_| first_of_value)))),
            Ok(None) => Ok(Err(out_of_credit(short.as_ref(), &event.account_id))),
            Err(error) => Ok(Err(rejection(&error))),
        }
    }

    /// The mark of the value that a `unique` meter counts.
    fn value(&self, event: &NewEvent, meter: &Meter) -> Result<Option<Mark>, Rejection> {
        let (Aggregation::Unique, Some(by)) = (meter.aggregation, &meter.unique_by) else { return Ok(None) };
        let Some(value) = event.properties.get(by.as_str()) else {
            return Err(Rejection::field(&format!("/properties/{by}"), "is required: the meter counts its different values"));
        };
        let period = Month::of(event.occurred_at);
        Ok(Some((self.mark_value)(&event.account_id, meter, period, value)))
    }

    /// Moves the event's credit, and notes whom it concerns.
    fn count(&mut self, event: &NewEvent, rated: &RatedEvent) -> Result<(), Unplanned> {
        let (net, consumed) = moves(rated, &self.purses)?;
        for (id, amount) in net {
            let purse = self.purses.get_mut(&id).ok_or(Unplanned::Stale)?;
            purse.net = purse.net.plus(amount)?;
        }
        self.consumed = self.consumed.plus(consumed)?;
        self.touched.insert(rated.account.clone());
        self.touched.extend(rated.levels.iter().map(|level| level.payer.clone()));
        if rated.owner_kind != Kind::Operator {
            self.touched.insert(rated.owner.clone());
        }
        let head = head_of(self.ground.heads, &rated.account)?;
        self.records.push(UsageRecord {
            kind: RecordKind::Usage,
            event: event.clone(),
            received_at: self.ground.now,
            currency: head.currency,
            rated: rated.clone(),
            reason: None,
        });
        Ok(())
    }

    fn batch(&mut self, chains: &BTreeMap<AccountId, Chain>, batch: &TransferId) -> Result<UsageBatch, Unplanned> {
        let nets = self.purses.iter().map(|(id, purse)| (id.clone(), purse.net)).collect();
        let moved = Moved { touched: &self.touched, nets: &nets, consumed: self.consumed, kind: EntryKind::Usage };
        let mut planned = entries(self.ground, &moved, &mut self.states, batch)?;
        for write in &mut planned.writes {
            if let Some(marks) = write.entry.after.ledger.account().and_then(|id| self.marks.get(id)) {
                write.marks.clone_from(marks);
            }
        }
        planned.tiers = tiers(self.ground, chains, &self.touched, &self.states);
        Ok(planned)
    }
}

/// Whom a batch concerns, and by how much each one's credit changes.
pub struct Moved<'a> {
    /// The accounts that get an entry.
    pub touched: &'a BTreeSet<AccountId>,
    /// The change of their available credit; none is nothing.
    pub nets: &'a BTreeMap<AccountId, Micros>,
    /// What is used up.
    pub consumed: Micros,
    /// The kind of the entries.
    pub kind: EntryKind,
}

/// The entries of a batch, one of each account that it concerns, and the gates of the accounts above that get none.
///
/// # Errors
/// [`Unplanned`].
pub fn entries(
    ground: &Ground<'_>,
    moved: &Moved<'_>,
    states: &mut BTreeMap<AccountId, UsageState>,
    batch: &TransferId,
) -> Result<UsageBatch, Unplanned> {
    let mut planned = UsageBatch::default();
    for id in moved.touched {
        let head = head_of(ground.heads, id)?;
        let net = moved.nets.get(id).copied().unwrap_or_default();
        let state = states.entry(id.clone()).or_default();
        state.prune();
        let state = Some(Arc::new(state.clone()));
        planned.writes.push(UsageWrite { entry: entry(head, moved.kind, net, batch, ground.now)?, state, marks: Vec::new() });
        push_gates(&mut planned.gates, head, moved.touched, moved.kind);
    }
    if !moved.consumed.is_zero() {
        let system = ground.heads.values().find(|head| head.ledger.account().is_none()).ok_or(Unplanned::Stale)?;
        let entry = entry(system, moved.kind, moved.consumed, batch, ground.now)?;
        planned.writes.push(UsageWrite { entry, state: None, marks: Vec::new() });
    }
    Ok(planned)
}

fn entry(
    head: &Head,
    kind: EntryKind,
    net: Micros,
    batch: &TransferId,
    now: Timestamp,
) -> Result<tributary_domain::ledger::Entry, Overflow> {
    let available = head.available.plus(net)?;
    let is_account = head.ledger.account().is_some();
    let mut entry = head.state_entry(kind, now, |after| {
        after.available = available;
        if is_account {
            after.usage_seq = after.seq;
        }
    })?;
    entry.amount = net;
    entry.transfer_id = Some(batch.clone());
    Ok(entry)
}

/// An ancestor with an entry of its own needs no check: its entry's number is free only if it is as it was read.
fn push_gates(gates: &mut GateChecks, head: &Head, touched: &BTreeSet<AccountId>, kind: EntryKind) {
    for step in head.lineage.steps().iter().skip(1).filter(|step| !touched.contains(&step.id)) {
        add_gate(gates, &step.id, GateCheck { generation: step.generation, must_be_open: kind.is_spending() });
    }
}

/// Resellers whose tier after the batch is another than before it.
fn tiers(
    ground: &Ground<'_>,
    chains: &BTreeMap<AccountId, Chain>,
    touched: &BTreeSet<AccountId>,
    states: &BTreeMap<AccountId, UsageState>,
) -> Vec<(AccountId, String)> {
    let month = Month::of(ground.now);
    let mut changed = BTreeMap::new();
    for pair in chains.values().flat_map(|chain| chain.accounts().windows(2)) {
        let [buyer, seller] = pair else { continue };
        let Some(table) = seller.book.tiers_given(seller.kind) else { continue };
        if buyer.kind != Kind::Reseller || !touched.contains(&buyer.id) {
            continue;
        }
        let name = |state: Option<&UsageState>| tier_name(table, state, month);
        let (before, after) = (ground.states.get(&buyer.id), states.get(&buyer.id));
        let begins = before.is_none_or(|state| !state.months.contains_key(&month));
        if begins || name(before.map(AsRef::as_ref)) != name(after) {
            changed.insert(buyer.id.clone(), name(after));
        }
    }
    changed.into_iter().collect()
}

/// The change of each account's credit by one event, and what is used up.
///
/// # Errors
/// [`Overflow`].
fn moves(rated: &RatedEvent, purses: &BTreeMap<AccountId, Purse<'_>>) -> Result<(BTreeMap<AccountId, Micros>, Micros), Overflow> {
    let funding = |level: &RatedLevel| purses.get(&level.payer).map_or(Funding::Prepaid, |purse| purse.head.funding);
    let (mut accounts, mut consumed) = (BTreeMap::new(), Micros::ZERO);
    for (party, amount) in postings([rated], funding)? {
        match party {
            Party::Account(id) => drop(accounts.insert(id, amount)),
            Party::Operator => consumed = amount,
        }
    }
    Ok((accounts, consumed))
}

/// Which account's credit does not suffice for an event, if one's does not: it, and what it could spend.
fn too_short(rated: &RatedEvent, purses: &BTreeMap<AccountId, Purse<'_>>) -> Option<(AccountId, Micros)> {
    let Ok((net, _)) = moves(rated, purses) else { return Some((rated.account.clone(), Micros::ZERO)) };
    for (id, amount) in net.into_iter().filter(|(_, amount)| amount.is_negative()) {
        let Some(purse) = purses.get(&id) else { return Some((id, Micros::ZERO)) };
        let spendable = purse.head.available.plus(purse.net).and_then(|now| now.plus(purse.head.credit_limit));
        let enough = spendable.and_then(|spendable| spendable.plus(amount)).is_ok_and(|left| !left.is_negative());
        if !enough {
            return Some((id, spendable.unwrap_or_default().max(Micros::ZERO)));
        }
    }
    None
}

fn out_of_credit(short: Option<&(AccountId, Micros)>, account: &AccountId) -> Rejection {
    match short {
        Some((id, spendable)) if id == account => {
            Rejection::new("insufficient_credits", format!("the account can spend {spendable}, which is less than this costs"))
        }
        Some(_) | None => Rejection::new("insufficient_credits", "an account above this one has too little credit for what this costs it"),
    }
}

/// Why nothing of this account counts, if it is closed, or it or one above it is suspended.
fn stopped(chain: &Chain, heads: &Heads) -> Result<Option<Rejection>, Unplanned> {
    for (at, account) in chain.accounts().iter().enumerate().filter(|(_, account)| account.kind != Kind::Operator) {
        match head_of(heads, &account.id)?.status {
            Status::Active => {}
            Status::Closed if at == 0 => return Ok(Some(Rejection::new("account_closed", "the account is closed"))),
            Status::Closed | Status::Suspended => {
                return Ok(Some(Rejection::new("account_suspended", "the account is suspended, or stands below a suspended one")));
            }
        }
    }
    Ok(None)
}

/// What is said to the sender; it names nobody above the account.
fn rejection(error: &RateError) -> Rejection {
    match error {
        RateError::Resolve(ResolveError::UnknownMeter(_)) => Rejection {
            pointer: Some("/meter".to_owned()),
            ..Rejection::new("unknown_meter", "no meter of this key is known at this account")
        },
        RateError::Resolve(ResolveError::OnOperator) => Rejection {
            pointer: Some("/account_id".to_owned()),
            ..Rejection::new("operator_has_no_usage", "the operator's account uses nothing")
        },
        RateError::Resolve(ResolveError::NoPrice { .. }) => {
            Rejection::new("no_price", "no price of this meter was in force then in the account's currency; its owner must set a rate card")
        }
        RateError::TooLate => Rejection { pointer: Some("/occurred_at".to_owned()), ..Rejection::new("event_too_old", error) },
        RateError::TooEarly => Rejection { pointer: Some("/occurred_at".to_owned()), ..Rejection::new("event_in_future", error) },
        RateError::QuantityOutOfRange => Rejection::field("/quantity", error),
        RateError::UnderCost { .. } => Rejection::new(
            "under_cost",
            "a seller of this account would sell it under its own cost; it must raise its price or allow the loss",
        ),
        RateError::Overflow => Rejection::new("balance_out_of_range", error),
    }
}
