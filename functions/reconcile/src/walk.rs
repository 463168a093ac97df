//! One run: goes on with a pass, ledger by ledger, until the budget is spent or the pass is finished.
//!
//! The first look at a ledger is cheap: eventually consistent pages, then the account, its gate and its open holds in one
//! batch. It may meet a writer between two reads, so whatever it finds is only a suspicion. Then the ledger is read once
//! more from its first entry, strongly consistent, and what stands beside it counts only if the ledger did not go on
//! meanwhile. What both looks say of the same thing is a finding.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;

use serde_json::json;
use tributary_domain::account::Accepted;
use tributary_domain::id::{AccountId, ActorId, EventId, HoldId, RequestId, TransferId};
use tributary_domain::ledger::{Book, Entry, LedgerId, SYSTEM_STRIPES, System};
use tributary_domain::reconcile::{About, Cells, Fold, Imbalance, Suspicion, What, Wrong, check_account, check_gates, contribution};
use tributary_store::Store;
use tributary_store::error::{Denied, StoreError};
use tributary_store::events::Act;
use tributary_store::freezing::{FROZEN_A_DAY, Freeze};
use tributary_store::reconcile::{Beside, LedgerPage, Listed, Sums};
use tributary_store::table::Position;

use crate::pass::{Counts, Finding, Pass, Place, Record, Settled, Sighting, State, Work};
use crate::{Budget, Source, Summary};

/// How many accounts are listed at once.
const LISTED: usize = 100;
/// How far it is kept at the latest after this many entries, so that a killed run loses little.
const ENTRIES_A_KEEP: usize = 50_000;
/// The most currencies of which sums are kept in one transaction.
const CURRENCIES_A_KEEP: usize = 40;
/// How often a ledger that goes on meanwhile is looked at again.
const LOOKS: usize = 6;
/// After this many ledgers in a row that the table did not answer for, the run ends.
const FAILURES_IN_A_ROW: usize = 3;
/// The most findings that the audit record of a freeze names.
const NAMED: usize = 10;
/// The most findings that a run's summary holds.
const SHOWN: usize = 500;

/// One run.
struct Walk<'a> {
    store: &'a Store,
    source: &'a dyn Source,
    request: RequestId,
    budget: &'a Budget,
    version: i64,
    name: String,
    /// Sums by currency, and which changed since they were kept.
    sums: BTreeMap<String, Cells>,
    changed: BTreeSet<String>,
    /// Accounts listed and not begun, and where the list goes on.
    listed: VecDeque<Listed>,
    list: List,
    /// Entries read by this run, second looks included, and how many they were when it was last kept how far it is.
    read: usize,
    kept: usize,
    /// Ledgers in a row that the table did not answer for.
    failures: usize,
    findings: Vec<Finding>,
}

/// Where the list of accounts goes on.
enum List {
    /// Where the pass is.
    Begins,
    /// Behind this one.
    Goes(Position),
    /// Nowhere.
    Ends,
}

/// What the run did, and the error that ended it, if one did.
///
/// # Errors
/// When not even the state could be read, so that nothing is known.
pub(crate) async fn run(store: &Store, source: &dyn Source, budget: &Budget) -> Result<(Summary, Option<StoreError>), StoreError> {
    let (version, mut state) = state(store).await?;
    let Some(pass) = state.begin(source.now(), budget.passes_apart_s) else {
        return Ok((Summary { pass_age_s: state.age_s(source.now()), ..Summary::default() }, None));
    };
    let before = pass.counts;
    let mut walk = Walk {
        store,
        source,
        request: source.run_id(),
        budget,
        version,
        name: source.uuid().to_string(),
        sums: BTreeMap::new(),
        changed: BTreeSet::new(),
        listed: VecDeque::new(),
        list: List::Begins,
        read: 0,
        kept: 0,
        failures: 0,
        findings: Vec::new(),
    };
    let (counts, ended) = walk.walk(&mut state, pass).await;
    let (pass_complete, error) = match ended {
        Ok(pass_complete) => (pass_complete, None),
        Err(error) => (false, Some(error)),
    };
    let summary = Summary {
        accounts: counts.accounts - before.accounts,
        entries: counts.entries - before.entries,
        holds: counts.holds - before.holds,
        drift: counts.drift - before.drift,
        frozen: counts.frozen - before.frozen,
        failed: counts.failed - before.failed,
        pass_complete,
        pass_age_s: state.age_s(source.now()),
        findings: walk.findings,
    };
    Ok((summary, error))
}

/// What was kept. If that cannot be read, or is gone, reconciliation begins anew behind the newest pass that is recorded
/// and the one that may have been under way, so that it does not take up the sums of either.
async fn state(store: &Store) -> Result<(i64, State), StoreError> {
    let (version, kept) = store.reconcile_state::<State>().await?;
    let lost = match kept {
        Some(Ok(state)) => return Ok((version, state)),
        Some(Err(error)) => {
            tracing::error!(error = %error, "reconciliation begins anew, because its state cannot be read");
            true
        }
        None => false,
    };
    let mut state = State::default();
    match store.newest_reconcile_pass::<Record>().await? {
        Some((number, record)) => {
            state.number = number.saturating_add(1);
            state.finished_ms = record.ok().map(|record| record.finished_at.as_millisecond());
        }
        None => state.number = u64::from(lost),
    }
    Ok((version, state))
}

impl Walk<'_> {
    /// Goes on until the pass ends or the budget does; what the pass went through, and whether it ended. What was found is
    /// kept before an error ends the run.
    async fn walk(&mut self, state: &mut State, mut pass: Pass) -> (Counts, Result<bool, StoreError>) {
        loop {
            let fatal = match self.step(&mut pass).await {
                Ok(true) => return self.finish(state, pass).await,
                Ok(false) => None,
                Err(error) => self.skip(&mut pass, error).err(),
            };
            let spent = fatal.is_some() || self.read >= self.budget.entries || self.source.now() >= self.budget.until;
            if spent || self.read - self.kept >= ENTRIES_A_KEEP || self.changed.len() >= CURRENCIES_A_KEEP {
                let counts = pass.counts;
                state.pass = Some(pass);
                let mine = self.keep(state, state.number, None).await;
                match (fatal, mine) {
                    (Some(error), _) | (None, Err(error)) => return (counts, Err(error)),
                    (None, Ok(mine)) => match state.pass.take() {
                        Some(goes_on) if mine && !spent => pass = goes_on,
                        Some(_) | None => return (counts, Ok(false)),
                    },
                }
            }
        }
    }

    /// Keeps how far the pass is; `false` if another run came first, which then goes on instead of this one.
    async fn keep(&mut self, state: &State, number: u64, record: Option<&Record>) -> Result<bool, StoreError> {
        let changed: Vec<Sums<'_>> =
            self.changed.iter().filter_map(|currency| Some(Sums { currency, pass: number, cells: self.sums.get(currency)? })).collect();
        let record = record.map(|record| (record.number, record));
        let mine = self.store.keep_reconcile(self.version, &self.name, state, &changed, record).await?;
        self.version += 1;
        self.changed.clear();
        self.kept = self.read;
        Ok(mine)
    }

    /// Goes on by one ledger or one watched transfer, or as far in a ledger as the budget allows; `true` at the end.
    async fn step(&mut self, pass: &mut Pass) -> Result<bool, StoreError> {
        let Some(mut work) = pass.work.take() else { return self.take_up(pass).await };
        let outcome = self.go_on(pass, &mut work).await;
        if let Ok(true) = outcome {
            self.failures = 0;
            pass.counts.accounts += usize::from(work.fold.ledger().account().is_some());
            pass.place = work.then;
        } else {
            pass.work = Some(work);
        }
        outcome.map(|_| false)
    }

    /// Passes over what could not be read. The sums of this pass then lack the ledger and say nothing. Gives the error back
    /// if the run is to end: the table does not answer.
    fn skip(&mut self, pass: &mut Pass, error: StoreError) -> Result<(), StoreError> {
        let unanswered = matches!(error, StoreError::Busy | StoreError::Unknown(_));
        self.failures += usize::from(unanswered);
        let ends = unanswered && self.failures >= FAILURES_IN_A_ROW;
        if let Some(work) = pass.work.take() {
            if ends && work.is_small() {
                pass.work = Some(work);
                return Err(error);
            }
            tracing::error!(request_id = self.request.as_str(), ledger = %work.fold.ledger(), error = %error, "a ledger could not be reconciled now");
            pass.counts.failed += 1;
            pass.holey = true;
            pass.place = work.then;
        } else if let Place::Transfers(at) = pass.place {
            if !unanswered || ends {
                tracing::error!(request_id = self.request.as_str(), error = %error, "an unbalanced transfer could not be looked at now");
                pass.counts.failed += 1;
                pass.place = Place::Transfers(at + 1);
            }
        } else if !unanswered {
            return Err(error);
        }
        if ends { Err(error) } else { Ok(()) }
    }

    /// Takes up the next ledger, or settles the next watched transfer; `true` if all of the pass is done.
    async fn take_up(&mut self, pass: &mut Pass) -> Result<bool, StoreError> {
        match &pass.place {
            Place::Accounts(after) => {
                if self.listed.is_empty() {
                    let start = match &self.list {
                        List::Begins => after.clone(),
                        List::Goes(behind) => Some(behind.clone()),
                        List::Ends => {
                            pass.place = Place::Systems(0);
                            return Ok(false);
                        }
                    };
                    let (listed, next) = self.store.every_account(start, LISTED).await?;
                    (self.listed, self.list) = (listed.into(), next.map_or(List::Ends, List::Goes));
                }
                if let Some(next) = self.listed.pop_front() {
                    pass.work = Some(first_look(LedgerId::Account(next.id), next.accepted.as_ref(), Place::Accounts(Some(next.position))));
                }
            }
            Place::Systems(at) => match system_ledger(&pass.currencies, *at) {
                Some(ledger) => pass.work = Some(first_look(ledger, None, Place::Systems(at + 1))),
                None => pass.place = Place::Transfers(0),
            },
            Place::Transfers(at) => {
                let at = *at;
                let Some((id, seen)) = pass.watched.iter().nth(at).map(|(id, seen)| (id.clone(), seen.clone())) else {
                    return Ok(true);
                };
                self.transfer(pass, &id, &seen).await?;
                self.failures = 0;
                pass.place = Place::Transfers(at + 1);
            }
        }
        Ok(false)
    }

    /// Goes on with a ledger; `true` at its end.
    async fn go_on(&mut self, pass: &mut Pass, work: &mut Work) -> Result<bool, StoreError> {
        loop {
            if !self.fold(pass, work).await? {
                return Ok(false);
            }
            let Some(suspects) = work.suspects.clone() else {
                let beside = self.beside(work).await?;
                work.note(beside);
                work.note_whole();
                if work.wrongs.is_empty() {
                    pass.counts.holds += work.fold.open_holds().count();
                    return Ok(true);
                }
                let suspects: BTreeSet<Suspicion> = work.wrongs.iter().map(Wrong::suspicion).collect();
                if suspects.iter().any(Suspicion::is_beside) {
                    // A transaction that is half to be seen must not be met twice.
                    self.source.pause().await;
                }
                self.look_again(work, suspects).await?;
                continue;
            };
            let beside = self.settled(pass, work).await?;
            work.note(beside);
            work.note_whole();
            let confirmed: Vec<Wrong> = work.wrongs.drain(..).filter(|wrong| suspects.contains(&wrong.suspicion())).collect();
            if !self.report(pass, work.fold.ledger(), work.fold.accepted(), confirmed).await {
                self.look_again(work, suspects).await?;
                continue;
            }
            pass.counts.holds += work.fold.open_holds().count();
            return Ok(true);
        }
    }

    /// Reads a ledger to its end; `false` if the budget was spent before.
    async fn fold(&mut self, pass: &mut Pass, work: &mut Work) -> Result<bool, StoreError> {
        loop {
            let page = self.store.ledger_page(work.fold.ledger(), work.fold.seen(), work.suspects.is_some()).await?;
            self.take(pass, work, &page).await?;
            if !page.more {
                return Ok(true);
            }
            if (self.read >= self.budget.entries || self.source.now() >= self.budget.until) && work.is_small() {
                return Ok(false);
            }
        }
    }

    /// Takes the entries of a page. Only a first look adds to the sums, so every ledger is in them once.
    async fn take(&mut self, pass: &mut Pass, work: &mut Work, page: &LedgerPage) -> Result<(), StoreError> {
        self.read += page.rows.len();
        let (first, now) = (work.suspects.is_none(), self.source.now());
        for row in &page.rows {
            let wrongs = match row {
                Ok(entry) => {
                    if first {
                        self.add(pass, entry).await?;
                    }
                    work.fold.entry(entry, now)
                }
                Err(unreadable) => work.fold.unreadable(unreadable.seq, &unreadable.why).into_iter().collect(),
            };
            work.note(wrongs);
        }
        if first {
            pass.counts.entries += page.rows.len();
        }
        Ok(())
    }

    /// Adds an entry to its transfer's sum.
    async fn add(&mut self, pass: &mut Pass, entry: &Entry) -> Result<(), StoreError> {
        let (currency, ledger) = (entry.after.currency.code(), &entry.after.ledger);
        if ledger.account().is_some() && !pass.currencies.contains(currency) {
            pass.currencies.insert(currency.to_owned());
        }
        let Some(transfer) = &entry.transfer_id else { return Ok(()) };
        let micros = contribution(entry);
        pass.sight(transfer, || Sighting {
            ledger: ledger.clone(),
            seq: entry.after.seq,
            micros: i64::try_from(micros).unwrap_or(i64::MAX),
        });
        if pass.counts(transfer) && pass.currencies.contains(currency) {
            let number = pass.number;
            self.load(pass, currency).await?.add(number, transfer, micros);
            if !self.changed.contains(currency) {
                self.changed.insert(currency.to_owned());
            }
        }
        Ok(())
    }

    /// The sums of a currency. If they cannot be read, those of this pass say nothing, and the next begins at once.
    async fn load(&mut self, pass: &mut Pass, currency: &str) -> Result<&mut Cells, StoreError> {
        if !self.sums.contains_key(currency) {
            let cells = match self.store.reconcile_sums(currency, pass.number).await {
                Err(StoreError::Corrupt(error)) => {
                    tracing::error!(request_id = self.request.as_str(), currency, error, "the sums of a currency cannot be read");
                    pass.counts.failed += 1;
                    (pass.holey, pass.again) = (true, true);
                    Cells::default()
                }
                answer => answer?,
            };
            self.sums.insert(currency.to_owned(), cells);
        }
        self.sums.get_mut(currency).ok_or(StoreError::Busy)
    }

    /// Begins the second look at a ledger.
    async fn look_again(&mut self, work: &mut Work, suspects: BTreeSet<Suspicion>) -> Result<(), StoreError> {
        let ledger = work.fold.ledger().clone();
        let accepted = match ledger.account() {
            Some(id) => self.store.accepted(id).await?,
            None => None,
        };
        work.wrongs.clear();
        work.suspects = Some(suspects);
        work.fold = Fold::new(ledger, accepted.as_ref());
        Ok(())
    }

    /// What stands beside the ledger and contradicts it, although the ledger did not go on meanwhile: every writer of
    /// either writes an entry too. Of a ledger that never rests, what contradicts it in the same way at every look.
    async fn settled(&mut self, pass: &mut Pass, work: &mut Work) -> Result<Vec<Wrong>, StoreError> {
        let mut lasting: Option<Vec<Wrong>> = None;
        for _ in 0..LOOKS {
            let wrongs = self.beside(work).await?;
            if wrongs.is_empty() {
                return Ok(wrongs);
            }
            let page = self.store.ledger_page(work.fold.ledger(), work.fold.seen(), true).await?;
            if page.rows.is_empty() {
                return Ok(wrongs);
            }
            self.take(pass, work, &page).await?;
            let before = lasting.take().unwrap_or_else(|| wrongs.clone());
            let same = |wrong: &Wrong| before.iter().any(|old| Wrong { seq: wrong.seq, ..old.clone() } == *wrong);
            lasting = Some(wrongs.into_iter().filter(same).collect());
        }
        Ok(lasting.unwrap_or_default())
    }

    /// Compares the account, its gate and its holds with the ledger as far as it was read.
    async fn beside(&self, work: &Work) -> Result<Vec<Wrong>, StoreError> {
        let fold = &work.fold;
        let Some(id) = fold.ledger().account() else { return Ok(Vec::new()) };
        let holds: Vec<HoldId> = fold.open_holds().map(|(id, _)| id.clone()).collect();
        let beside = self.store.beside(id, &holds).await?;
        let mut wrongs = beside_account(fold, &beside);
        for ((id, open), item) in fold.open_holds().zip(&beside.holds) {
            match item {
                Ok(item) => wrongs.extend(fold.hold_item(id, open, item.as_ref())),
                Err(error) => wrongs.push(Wrong::new(open.seq, What::Unreadable, id, error).about(About::Hold(id.clone()))),
            }
        }
        Ok(wrongs)
    }

    /// Freezes the account and says what was found. `judged`: up to which entry the books were taken as accepted. `false` if
    /// the operator accepted them anew meanwhile: then nothing was done.
    async fn report(&mut self, pass: &mut Pass, ledger: &LedgerId, judged: i64, wrongs: Vec<Wrong>) -> bool {
        if wrongs.is_empty() {
            return true;
        }
        if let LedgerId::Account(id) = ledger
            && !self.freeze(pass, id, judged, &wrongs).await
        {
            return false;
        }
        for wrong in wrongs {
            let Wrong { seq, what, expected, found, .. } = &wrong;
            let account = ledger.account().map(AccountId::as_str);
            tracing::error!(request_id = self.request.as_str(), account, %ledger, entry = seq, what = ?what, expected, found, "the books do not add up");
            let finding = Finding { ledger: ledger.clone(), wrong };
            pass.note(&finding);
            if self.findings.len() < SHOWN {
                self.findings.push(finding);
            }
        }
        true
    }

    async fn freeze(&mut self, pass: &mut Pass, id: &AccountId, judged: i64, wrongs: &[Wrong]) -> bool {
        let named: Vec<&Wrong> = wrongs.iter().take(NAMED).collect();
        let why = json!({ "pass": pass.number, "findings": named });
        let act = Act {
            event: EventId::from_uuid(self.source.uuid()),
            actor: ActorId::platform(),
            request: self.request.clone(),
            now: self.source.now(),
        };
        match self.store.freeze(id, judged, &why, &act).await {
            Ok(Freeze::Now) => {
                pass.counts.frozen += 1;
                tracing::error!(request_id = self.request.as_str(), account = %id, "frozen, because its books do not add up");
            }
            Ok(Freeze::Already | Freeze::Never) => {}
            Ok(Freeze::Accepted) => return false,
            Ok(Freeze::Braked) => {
                pass.counts.failed += 1;
                tracing::error!(request_id = self.request.as_str(), account = %id, "not frozen, because {FROZEN_A_DAY} accounts were frozen within a day");
            }
            Err(error) => {
                pass.counts.failed += 1;
                tracing::error!(request_id = self.request.as_str(), account = %id, error = %error, "could not be frozen now");
            }
        }
        true
    }

    /// Settles a transfer that did not sum to zero in the pass before: which ledger lacks an entry of it, or has one that
    /// the record does not know.
    async fn transfer(&mut self, pass: &mut Pass, id: &TransferId, seen: &[Sighting]) -> Result<(), StoreError> {
        let record = self.store.recorded_transfer(id).await?;
        let mut sides: BTreeMap<LedgerId, (i128, i128, Vec<i64>)> = BTreeMap::new();
        for leg in record.iter().flat_map(|record| &record.legs) {
            sides.entry(leg.from.clone()).or_default().0 -= i128::from(leg.amount.get());
            sides.entry(leg.to.clone()).or_default().0 += i128::from(leg.amount.get());
        }
        for sighting in seen {
            let side = sides.entry(sighting.ledger.clone()).or_default();
            side.1 += i128::from(sighting.micros);
            side.2.push(sighting.seq);
        }
        let mut settled = Settled::Sound;
        let mut off = Vec::new();
        for (ledger, (expected, _, seqs)) in sides.into_iter().filter(|(_, (expected, seen, _))| expected != seen) {
            let found = match &record {
                Some(record) => self.store.transfer_in_ledger(&ledger, record).await?,
                None => self.store.transfer_in_entries(&ledger, &seqs, id).await?,
            };
            if found != expected {
                off.push((ledger, expected, found, seqs));
            }
        }
        // The record is found by an index, which may lag: what balances without one made no credit and lost none.
        if record.is_none() && off.iter().map(|(_, _, found, _)| found).sum::<i128>() == 0 {
            off.clear();
        }
        for (ledger, expected, found, seqs) in off {
            let accepted = match ledger.account() {
                Some(account) => self.store.accepted(account).await?,
                None => None,
            };
            // An entry behind what was accepted was not looked at, however old its transfer says it is.
            let is_accepted = accepted
                .as_ref()
                .is_some_and(|accepted| id.millis() <= accepted.at.as_millisecond() && seqs.iter().all(|seq| *seq <= accepted.seq));
            let seq = seqs.last().copied().unwrap_or(0);
            let wrong = Wrong::new(seq, What::Transfer, format!("{id}: {expected} micro-units"), format!("{found} micro-units"));
            let judged = accepted.map_or(0, |accepted| accepted.seq);
            if is_accepted || !self.report(pass, &ledger, judged, vec![wrong]).await {
                settled = settled.max(Settled::Accepted);
                continue;
            }
            settled = Settled::Wrong;
            tracing::warn!(request_id = self.request.as_str(), transfer = %id, %ledger, found, "a transfer does not sum to zero");
        }
        pass.settled.insert(id.clone(), settled);
        Ok(())
    }

    /// Ends the pass: its sums say which transfers the next one looks for.
    async fn finish(&mut self, state: &mut State, mut pass: Pass) -> (Counts, Result<bool, StoreError>) {
        let ended = self.end(state, &mut pass).await;
        (pass.counts, ended)
    }

    async fn end(&mut self, state: &mut State, pass: &mut Pass) -> Result<bool, StoreError> {
        let mut ended = state.clone();
        let (mut sums, mut named, mut off, mut unnamed) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new(), 0);
        for currency in pass.currencies.clone() {
            let cells = self.load(pass, &currency).await?.clone();
            let found = cells.imbalance(pass.number);
            if found.sum != 0 {
                sums.insert(currency.clone(), found.sum.to_string());
            }
            if pass.holey {
                continue;
            }
            let left = ended.imbalance(pass, &currency, cells);
            if let Some((found, lasts)) = state.off(&currency, &left) {
                if lasts {
                    self.report_sum(pass, &currency, &left).await;
                }
                off.insert(currency, found);
            }
            unnamed += left.unnamed;
            named.extend(left.transfers.into_keys());
        }
        if unnamed > 0 || !named.is_empty() {
            tracing::warn!(
                request_id = self.request.as_str(),
                pass = pass.number,
                transfers = named.len(),
                unnamed,
                ?sums,
                "the next pass looks for unbalanced transfers"
            );
        }
        let now = self.source.now();
        let unbalanced = (!pass.holey).then_some(named);
        let record = Record {
            number: pass.number,
            began_at: jiff::Timestamp::from_millisecond(pass.began_ms).unwrap_or(now),
            finished_at: now,
            counts: pass.counts,
            findings: pass.findings.clone(),
            sums,
            unbalanced: unbalanced.clone().unwrap_or_default(),
        };
        if !pass.holey {
            ended.off = off;
        }
        ended.end(now, unbalanced);
        ended.again |= pass.again;
        let mine = self.keep(&ended, record.number, Some(&record)).await?;
        *state = ended;
        Ok(mine)
    }

    /// Says that a currency does not add up, and not for the first time. There is no account to freeze: it stands by the
    /// currency's issued credit.
    async fn report_sum(&mut self, pass: &mut Pass, currency: &str, left: &Imbalance) {
        let ledger = LedgerId::System(System { book: Book::Issued, currency: currency.to_owned(), stripe: 0 });
        let found = format!("{} micro-units; {} transfers named, {} sums of several", left.sum, left.transfers.len(), left.unnamed);
        let wrong = Wrong::new(0, What::Sum, "0 micro-units in each transfer", found).about(About::Ledger);
        self.report(pass, &ledger, 0, vec![wrong]).await;
    }
}

fn first_look(ledger: LedgerId, accepted: Option<&Accepted>, then: Place) -> Work {
    Work { fold: Fold::new(ledger, accepted), then, wrongs: Vec::new(), suspects: None }
}

/// The system ledgers of the currencies, one after the other.
fn system_ledger(currencies: &BTreeSet<String>, at: usize) -> Option<LedgerId> {
    let stripes = usize::from(SYSTEM_STRIPES);
    let currency = currencies.iter().nth(at / (stripes * Book::ALL.len()))?.clone();
    let book = *Book::ALL.get(at / stripes % Book::ALL.len())?;
    Some(LedgerId::System(System { book, currency, stripe: u8::try_from(at % stripes).ok()? }))
}

/// Compares the account and its gate with the ledger.
fn beside_account(fold: &Fold, beside: &Beside) -> Vec<Wrong> {
    let seq = fold.seen();
    let alone = |what, expected: &str, found: &dyn Display| vec![Wrong::new(seq, what, expected, found).about(About::Account)];
    let account = match &beside.account {
        Ok(account) => account,
        Err(StoreError::Denied(Denied::Absent)) => return alone(What::AccountItem, "an item", &"none"),
        Err(error) => return alone(What::Unreadable, "the account's item", error),
    };
    if seq == 0 {
        return alone(What::Number, "1", &"no entry");
    }
    let mut wrongs = fold.last().map(|last| check_account(account, last)).unwrap_or_default();
    let copies: Vec<_> = beside.gates.iter().filter_map(|copy| copy.as_ref().ok().copied()).collect();
    if copies.len() == beside.gates.len() {
        wrongs.extend(check_gates(account, seq, &copies));
    }
    for (stripe, copy) in beside.gates.iter().enumerate() {
        if let Err(error) = copy {
            wrongs.push(Wrong::new(seq, What::Unreadable, "a copy of the account's gate", error).about(About::Gate(stripe)));
        }
    }
    wrongs
}
