//! The transactions of credit jobs: the payer's debit into escrow, credits out of it, what is left back, and undoing.
//!
//! Each holds the job to what it is at and the rows to the version that was read, and is guarded by a record of its own, by
//! which its transfer is found, too.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tributary_domain::account::Status;
use tributary_domain::bulk::credit::{Deal, Grant, Granted, Moves, fund, give_back, hand_out, may_receive, take_back};
use tributary_domain::bulk::job::{Chunk, Job, Mark};
use tributary_domain::bulk::rows::RowError;
use tributary_domain::bulk::state::Phase;
use tributary_domain::id::{AccountId, JobId, TransferId};
use tributary_domain::ledger::{Book, CreditError, EntryKind, Head, LedgerId};
use tributary_domain::money::Micros;
use tributary_domain::transfer::{DoneLeg, GateChecks, Transfer};
use uuid::Uuid;

use crate::Store;
use crate::accounts::REPLANS;
use crate::codec::{Reader, json as json_value, put, time};
use crate::commit::{Part, Refused, Tx};
use crate::entries::push_entry;
use crate::error::{Denied, StoreError};
use crate::gates::{self, GateVerdict};
use crate::heads::Heads;
use crate::jobs::{Counted, Settled, as_read, changed, is_at, push_chunk, push_job};
use crate::keys;
use crate::table::{Change, Cond, Item, MAX_TRANSACT, Value, Write, s};

/// The writes of a transaction of rows beside its entries and gates: its record, the rows, the job.
const BESIDE: usize = 3;
/// How many ledgers are read at once.
const PARALLEL: usize = 64;
/// The bytes of a leg of a record: the row's place, the account, the amount, the balance after it.
const LEG_BYTES: usize = 2 + 16 + 8 + 8;

/// Says whether the caller may do this to the account of a head.
pub type MayHead<'a> = &'a (dyn Fn(&Head) -> Result<(), Denied> + Sync);
/// Says in the words of problems why a row cannot be done.
pub type Words<'a> = &'a (dyn Fn(StoreError) -> RowError + Sync);

/// What every transaction of a credit job is given.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// The id of the new transfer.
    pub id: &'a TransferId,
    /// Now.
    pub now: Timestamp,
    /// Whether the caller may.
    pub may: MayHead<'a>,
    /// How a refusal is said.
    pub words: Words<'a>,
}

/// How setting credit aside ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Funded {
    /// It is set aside: the job as it is now.
    Done(Box<Job>),
    /// The job went on meanwhile, or an earlier attempt did it.
    Raced,
}

impl Store {
    /// The payer of a job as it is now, its ancestors looked up anew.
    ///
    /// # Errors
    /// [`Denied::Absent`] if there is none; table errors.
    pub async fn payer(&self, job: &Job) -> Result<Head, StoreError> {
        let ledger = LedgerId::Account(payer_of(job)?);
        self.resolved_heads(&[ledger.clone()].into()).await?.remove(&ledger).ok_or_else(|| Denied::Absent.into())
    }

    /// Takes `sum` from the payer into the job's escrow, once a round, and brings the job to `funded`.
    ///
    /// # Errors
    /// [`StoreError::Credit`], [`StoreError::Denied`]; table errors.
    pub async fn fund_job(&self, funded: &Job, sum: Micros, means: Means<'_>) -> Result<Funded, StoreError> {
        let (payer, escrow) = ledgers_of(funded)?;
        let both: BTreeSet<_> = [payer.clone(), escrow.clone()].into();
        let (mut heads, mut settled) = (self.fresh_heads(&both).await?, false);
        for attempt in 0..REPLANS {
            let planned = plan(&heads, &payer, &escrow, means, &funded.account_id, |deal, escrow| {
                (means.may)(deal.payer)?;
                Ok(fund(&deal, escrow, sum)?)
            });
            let moves = match planned {
                Ok(moves) => moves,
                Err(StoreError::Denied(_)) if !settled => {
                    (heads, settled) = (self.resolved_heads(&both).await?, true);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (new, mut changes) = changed(funded)?;
            changes.push(Change::Add("escrow", sum.get()));
            let mut tx = Tx::default();
            let record = record(funded, &moves, means, EntryKind::BulkEscrow, None)?;
            tx.push(Part::Guard, Write::create(keys::job_funding(&funded.id, funded.round), record));
            tx.push(Part::Job, Write::update(keys::job(&funded.id), changes, as_read(funded)));
            push_moves(&mut tx, &moves, &payer);
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(moves.entries.iter().map(|entry| &entry.after));
                    let mut new = new;
                    new.progress.escrow += sum.get();
                    return Ok(Funded::Done(Box::new(new)));
                }
                Err(refused) if refused.guard().is_some() || refused.of(&Part::Job).is_some() => return Ok(Funded::Raced),
                Err(refused) => {
                    let moved = self.read_moves(&refused, &moves.gates)?;
                    self.patience.pause(attempt.min(4)).await;
                    heads = if moved { self.resolved_heads(&both).await? } else { self.fresh_heads(&both).await? };
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Hands out credit to pending rows of `chunk`, as many of `grants` as one transaction takes; those that can never be done
    /// are marked so in the same one.
    ///
    /// # Errors
    /// [`StoreError::Credit`] with `Suspended` if the payer cannot spend now; [`StoreError::Conflict`] if the job's escrow is
    /// smaller than these rows; table errors.
    pub async fn hand_out(&self, job: &Job, chunk: &Chunk, grants: &[Grant], means: Means<'_>) -> Result<Settled, StoreError> {
        self.give_or_take(job, chunk, grants, means, Phase::Applying).await
    }

    /// Takes credit of done rows of `chunk` back to the payer, alike. Rows whose credit is not there any more stay done, with why.
    ///
    /// # Errors
    /// [`StoreError::Credit`] with `Closed` if the payer cannot take it; table errors.
    pub async fn take_back(&self, job: &Job, chunk: &Chunk, grants: &[Grant], means: Means<'_>) -> Result<Settled, StoreError> {
        self.give_or_take(job, chunk, grants, means, Phase::Undoing).await
    }

    async fn give_or_take(
        &self,
        job: &Job,
        chunk: &Chunk,
        grants: &[Grant],
        means: Means<'_>,
        phase: Phase,
    ) -> Result<Settled, StoreError> {
        let (payer, escrow) = ledgers_of(job)?;
        let both: BTreeSet<_> = [payer.clone(), escrow.clone()].into();
        let accounts: BTreeSet<AccountId> = grants.iter().map(|grant| grant.account.clone()).collect();
        let mut found = self.targets(&accounts, false).await?;
        let (mut own, mut resolve) = (self.heads(&both).await?.0, false);
        for attempt in 0..REPLANS {
            let mut refused_rows: BTreeMap<usize, RowError> = BTreeMap::new();
            let heads = self.allowed(&own, &payer, &mut found, grants, means, phase, &mut refused_rows).await?;
            let moves = plan(&own, &payer, &escrow, means, &job.account_id, |deal, escrow| {
                let room = MAX_TRANSACT - BESIDE;
                Ok(match phase {
                    Phase::Undoing => take_back(&deal, &heads, grants, room)?,
                    _ => hand_out(&deal, escrow, &heads, grants, room)?,
                })
            })?;
            let refusals = moves.refused.iter().map(|(place, error)| (*place, (means.words)(error.clone().into())));
            refused_rows.extend(refusals);
            let new = marked(job, chunk, &moves, refused_rows, phase);
            let mut tx = Tx::default();
            let guarded = !moves.entries.is_empty();
            if guarded {
                let kind = if phase == Phase::Undoing { EntryKind::Reversal } else { EntryKind::Allocation };
                tx.push(
                    Part::Guard,
                    Write::create(keys::job_move(&job.id, means.id), record(job, &moves, means, kind, Some(chunk.number))?),
                );
            }
            let kept = push_chunk(&mut tx, &job.id, chunk, &new)?;
            let paid = (phase != Phase::Undoing).then_some(moves.sum.get());
            push_job(&mut tx, &job.id, Some(phase), Counted::between(chunk, &new), paid);
            push_moves(&mut tx, &moves, &payer);
            let refused = match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(moves.entries.iter().map(|entry| &entry.after));
                    return Ok(Settled::Kept(kept));
                }
                Err(refused) => refused,
            };
            if refused.guard().is_some() {
                return Ok(Settled::Kept(kept));
            }
            if refused.of(&Part::Chunk).is_some() {
                return Ok(Settled::Raced);
            }
            match refused.of(&Part::Job) {
                // Never so while each row is set aside once. A row that is not is refused rather than tried for ever.
                Some(there) if is_at(there, phase) => {
                    return Err(StoreError::Conflict("the credit set aside for the job does not cover it"));
                }
                Some(_) => return Ok(Settled::Stopped),
                None => {}
            }
            resolve |= self.read_moves(&refused, &moves.gates)?;
            self.patience.pause(attempt.min(4)).await;
            own = if resolve { self.resolved_heads(&both).await? } else { self.fresh_heads(&both).await? };
            let again = if resolve { accounts.clone() } else { taken(&refused) };
            found.extend(self.targets(&again, resolve).await?);
        }
        Err(StoreError::Busy)
    }

    /// The heads of targets, each read fresh, many at once: one query each, because the newest entry of a ledger is found no
    /// other way. What cannot be read is told apart from what is busy.
    async fn targets(&self, accounts: &BTreeSet<AccountId>, resolve: bool) -> Result<Targets, StoreError> {
        let one = async |account: AccountId| {
            let ledger = LedgerId::Account(account.clone());
            let read = match resolve {
                true => self
                    .resolved_heads(&[ledger.clone()].into())
                    .await
                    .and_then(|mut heads| heads.remove(&ledger).ok_or(Denied::Absent.into())),
                false => self.head(&ledger).await,
            };
            match read {
                Err(error @ (StoreError::Busy | StoreError::Unknown(_))) => Err(error),
                read => Ok((account, read)),
            }
        };
        let read: Vec<_> = stream::iter(accounts.iter().cloned()).map(one).buffer_unordered(PARALLEL).collect().await;
        read.into_iter().collect()
    }

    /// The heads that may be credited or debited. Before one is refused for where it stands, its ancestors are looked up anew.
    async fn allowed(
        &self,
        own: &Heads,
        payer: &LedgerId,
        found: &mut Targets,
        grants: &[Grant],
        means: Means<'_>,
        phase: Phase,
        refused: &mut BTreeMap<usize, RowError>,
    ) -> Result<BTreeMap<AccountId, Head>, StoreError> {
        let payer = own.get(payer).ok_or(Denied::Absent)?;
        let check = |read: &Result<Head, StoreError>| -> Result<Head, StoreError> {
            let head = read.clone()?;
            (means.may)(&head)?;
            if phase == Phase::Applying {
                may_receive(payer, &head)?;
            }
            Ok(head)
        };
        let astray = |read: &Result<Head, StoreError>| {
            let place = matches!(check(read), Err(StoreError::Denied(_) | StoreError::Credit(CreditError::NotBelow { .. })));
            place && read.is_ok()
        };
        let lost: BTreeSet<AccountId> = found.iter().filter(|(_, read)| astray(read)).map(|(account, _)| account.clone()).collect();
        found.extend(self.targets(&lost, true).await?);
        let mut heads = BTreeMap::new();
        for grant in grants {
            match found.get(&grant.account).map(check) {
                Some(Ok(head)) => drop(heads.insert(grant.account.clone(), head)),
                Some(Err(error)) => drop(refused.insert(grant.place, (means.words)(error))),
                None => drop(refused.insert(grant.place, (means.words)(Denied::Absent.into()))),
            }
        }
        Ok(heads)
    }

    /// Sends what is left in a job's escrow back to the payer, or, if that is closed, to the next account above it that is
    /// not. `false` if nothing is left.
    ///
    /// # Errors
    /// Table errors.
    pub async fn return_escrow(&self, id: &JobId, transfer: &TransferId, now: Timestamp) -> Result<bool, StoreError> {
        for attempt in 0..REPLANS {
            let job = self.job(id).await?;
            let left = Micros::new(job.progress.escrow);
            if left.is_zero() {
                return Ok(false);
            }
            let (payer, escrow) = ledgers_of(&job)?;
            let payee = self.open_at_or_above(&payer).await?;
            let heads = self.fresh_heads(&[payee.clone(), escrow.clone()].into()).await?;
            let all = |_: &Head| Ok(());
            let means = Means { id: transfer, now, may: &all, words: &|error| RowError::new("internal_error", error.to_string()) };
            let moves = plan(&heads, &payee, &escrow, means, &job.account_id, |deal, escrow| Ok(give_back(&deal, escrow, left)?))?;
            let mut tx = Tx::default();
            tx.push(Part::Guard, Write::create(keys::job_move(id, transfer), record(&job, &moves, means, EntryKind::BulkReturn, None)?));
            let as_read = Cond::Eq("escrow", Value::N(left.get()));
            tx.push(Part::Job, Write::update(keys::job(id), vec![Change::Set("escrow", Value::N(0))], as_read));
            push_moves(&mut tx, &moves, &payee);
            match tx.commit(&*self.table, &self.patience).await? {
                Ok(()) => {
                    self.memory.learn(moves.entries.iter().map(|entry| &entry.after));
                    return Ok(true);
                }
                Err(refused) if refused.guard().is_some() => return Ok(true),
                Err(refused) => {
                    self.read_moves(&refused, &moves.gates)?;
                    self.patience.pause(attempt.min(4)).await;
                }
            }
        }
        Err(StoreError::Busy)
    }

    async fn open_at_or_above(&self, ledger: &LedgerId) -> Result<LedgerId, StoreError> {
        let mut head = self.head(ledger).await?;
        while head.status == Status::Closed {
            let Some(parent) = head.lineage.parent().cloned() else { break };
            head = self.head(&LedgerId::Account(parent)).await?;
        }
        Ok(head.ledger)
    }

    /// Forgets what turned out to be old. `true` if an account stands elsewhere than was thought.
    fn read_moves(&self, refused: &Refused, checks: &GateChecks) -> Result<bool, StoreError> {
        for (part, _) in &refused.0 {
            if let Part::Entry(ledger) = part {
                self.memory.forget(ledger);
            }
        }
        match gates::verdict(refused, checks) {
            Some(GateVerdict::Moved) => Ok(true),
            Some(GateVerdict::Suspended(ancestor)) => Err(CreditError::Suspended(ancestor).into()),
            None => Ok(false),
        }
    }
}

type Targets = BTreeMap<AccountId, Result<Head, StoreError>>;

fn payer_of(job: &Job) -> Result<AccountId, StoreError> {
    job.payer.clone().ok_or_else(|| StoreError::Corrupt(format!("job {} has no payer", job.id)))
}

fn ledgers_of(job: &Job) -> Result<(LedgerId, LedgerId), StoreError> {
    let payer = payer_of(job)?;
    let currency = job.currency.ok_or_else(|| StoreError::Corrupt(format!("job {} has no currency", job.id)))?;
    let escrow = LedgerId::system(Book::Escrow, currency, &payer);
    Ok((LedgerId::Account(payer), escrow))
}

fn plan(
    heads: &Heads,
    payer: &LedgerId,
    escrow: &LedgerId,
    means: Means<'_>,
    authority: &AccountId,
    plan: impl FnOnce(Deal<'_>, &Head) -> Result<Moves, StoreError>,
) -> Result<Moves, StoreError> {
    let payer = heads.get(payer).ok_or(Denied::Absent)?;
    let escrow = heads.get(escrow).ok_or(Denied::Absent)?;
    plan(Deal { id: means.id.clone(), payer, authority, now: means.now }, escrow)
}

fn push_moves(tx: &mut Tx, moves: &Moves, spender: &LedgerId) {
    moves.entries.iter().for_each(|entry| push_entry(tx, entry));
    gates::push_checks(tx, &moves.gates, &spender.to_string());
}

/// The accounts whose ledgers went on.
fn taken(refused: &Refused) -> BTreeSet<AccountId> {
    let account = |part: &Part| match part {
        Part::Entry(ledger) => ledger.account().cloned(),
        _ => None,
    };
    refused.0.iter().filter_map(|(part, _)| account(part)).collect()
}

/// The rows after the transaction.
fn marked(job: &Job, chunk: &Chunk, moves: &Moves, refused: BTreeMap<usize, RowError>, phase: Phase) -> Chunk {
    let mut new = chunk.clone();
    for Granted { place, amount, .. } in &moves.granted {
        match phase {
            Phase::Undoing => new.set(*place, Mark::Undone),
            _ => {
                new.set(*place, Mark::Done);
                new.sum -= amount.get();
            }
        }
    }
    for (place, error) in refused {
        match phase {
            // What was given and cannot be taken back stays given.
            Phase::Undoing => drop(new.errors.insert(place, error)),
            _ => new.fail(place, error),
        }
    }
    if phase == Phase::Undoing {
        new.undo = job.undos;
    }
    new
}

/// The record of a transaction: found by its transfer's id through an index.
fn record(job: &Job, moves: &Moves, means: Means<'_>, kind: EntryKind, chunk: Option<u32>) -> Result<Item, StoreError> {
    let mut item = Item::new();
    put(&mut item, "gsi1pk", s(keys::transfer_index(means.id)));
    put(&mut item, "gsi1sk", s("-"));
    put(&mut item, "acc", s(job.account_id.as_str()));
    let Some(own) = moves.entries.first() else { return Ok(item) };
    let Some(chunk) = chunk else {
        put(&mut item, "transfer", json_value(&between(job, moves, means, kind))?);
        return Ok(item);
    };
    put(&mut item, "job", s(job.id.as_str()));
    put(&mut item, "chunk", Value::N(i64::from(chunk)));
    put(&mut item, "kind", s(kind.word()));
    put(&mut item, "txf", s(means.id.as_str()));
    put(&mut item, "led", s(own.after.ledger.to_string()));
    put(&mut item, "cur", s(own.after.currency.code()));
    put(&mut item, "avail", Value::N(own.after.available.get()));
    put(&mut item, "at", time(means.now));
    let mut legs = Vec::with_capacity(moves.granted.len() * LEG_BYTES);
    for granted in &moves.granted {
        legs.extend(u16::try_from(granted.place).unwrap_or(u16::MAX).to_be_bytes());
        legs.extend(granted.account.as_u128().to_be_bytes());
        legs.extend(granted.amount.get().to_be_bytes());
        legs.extend(granted.balance.get().to_be_bytes());
    }
    put(&mut item, "legs", Value::B(legs));
    Ok(item)
}

/// A movement between the payer and escrow as a transfer.
fn between(job: &Job, moves: &Moves, means: Means<'_>, kind: EntryKind) -> Option<Transfer> {
    let (escrow, payer) = (moves.entries.first()?, moves.entries.get(1)?);
    let (from, to) = if kind == EntryKind::BulkReturn { (escrow, payer) } else { (payer, escrow) };
    let leg = DoneLeg {
        from: from.after.ledger.clone(),
        to: to.after.ledger.clone(),
        amount: moves.sum,
        from_balance: from.after.available,
        to_balance: to.after.available,
    };
    let (id, currency, created_at) = (means.id.clone(), payer.after.currency, means.now);
    Some(Transfer {
        id,
        kind,
        currency,
        legs: vec![leg],
        reference: None,
        reverses: None,
        purchase: None,
        job_id: Some(job.id.clone()),
        created_at,
    })
}

/// A credit of a row, as its record tells it: its chunk and place, whose, and how much; below zero if it was taken back.
pub type RowMove = (u32, usize, AccountId, i64);

/// The rows that a record of a job's transaction did; `None` for another record.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn row_moves(item: &Item) -> Result<Option<Vec<RowMove>>, StoreError> {
    let reader = Reader(item);
    let Some(legs) = reader.maybe_bytes("legs")? else { return Ok(None) };
    let chunk = u32::try_from(reader.number("chunk")?).unwrap_or_default();
    let back = reader.text("kind")? == EntryKind::Reversal.word();
    let row = |leg: Leg| (chunk, leg.place, leg.account, if back { -leg.amount } else { leg.amount });
    Ok(Some(legs_of(legs)?.into_iter().map(row).collect()))
}

struct Leg {
    place: usize,
    account: AccountId,
    amount: i64,
    balance: i64,
}

fn legs_of(bytes: &[u8]) -> Result<Vec<Leg>, StoreError> {
    let (legs, rest) = bytes.as_chunks::<LEG_BYTES>();
    if !rest.is_empty() {
        return Err(StoreError::Corrupt("attribute legs is not made of legs".to_owned()));
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let signed = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
    let leg = |leg: &[u8; LEG_BYTES]| Leg {
        place: usize::try_from(number(&leg[..2])).unwrap_or_default(),
        account: AccountId::from_uuid(Uuid::from_u128(number(&leg[2..18]))),
        amount: signed(&leg[18..26]),
        balance: signed(&leg[26..]),
    };
    Ok(legs.iter().map(leg).collect())
}

/// The transfer that a job's record tells; `None` for another record.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub(crate) fn transfer_of(item: &Item) -> Result<Option<Transfer>, StoreError> {
    let reader = Reader(item);
    let Some(legs) = reader.maybe_bytes("legs")? else { return Ok(None) };
    let (kind, own): (EntryKind, LedgerId) = (reader.word("kind")?, reader.parsed("led")?);
    let legs = legs_of(legs)?;
    let back = kind == EntryKind::Reversal;
    // The balance of the job's side is after all of them; before the first it was that much more, or less.
    let total: i64 = legs.iter().map(|leg| leg.amount).sum();
    let mut balance = reader.number("avail")? + if back { -total } else { total };
    let mut done = Vec::with_capacity(legs.len());
    for leg in legs {
        balance += if back { leg.amount } else { -leg.amount };
        let (account, amount) = (LedgerId::Account(leg.account), Micros::new(leg.amount));
        let (theirs, ours) = (Micros::new(leg.balance), Micros::new(balance));
        done.push(match back {
            true => DoneLeg { from: account, to: own.clone(), amount, from_balance: theirs, to_balance: ours },
            false => DoneLeg { from: own.clone(), to: account, amount, from_balance: ours, to_balance: theirs },
        });
    }
    Ok(Some(Transfer {
        id: reader.parsed("txf")?,
        kind,
        currency: reader.parsed("cur")?,
        legs: done,
        reference: None,
        reverses: None,
        purchase: None,
        job_id: Some(reader.parsed("job")?),
        created_at: reader.time("at")?,
    }))
}
