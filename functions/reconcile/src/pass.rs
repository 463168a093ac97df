//! What reconciliation keeps between two runs: which pass it is in, and where in it. All of it fits one item, whatever the
//! size of the platform; the sums have items of their own, one for each currency.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::id::TransferId;
use tributary_domain::ledger::LedgerId;
use tributary_domain::reconcile::{Cells, Fold, Imbalance, Suspicion, Wrong};
use tributary_store::table::Position;

/// A transfer's sum counts in passes that begin this long after its id was made: longer than any request takes.
const TRANSFERS_SETTLE_MS: i64 = 15 * 60_000;
/// The most unbalanced transfers that one pass looks for; others wait for the next.
const MOST_WATCHED: usize = 128;
/// The most of them that the pass before looked for too, so that there is always room for new ones.
const MOST_KNOWN: usize = 96;
/// The most entries noted of watched transfers.
const MOST_SIGHTINGS: usize = 1_000;
/// Of each watched transfer at least so many can be noted.
const SIGHTINGS_EACH: usize = MOST_SIGHTINGS / MOST_WATCHED;
/// The most unbalanced transfers remembered as accepted.
const MOST_SETTLED: usize = 500;
/// The most findings kept with a pass, and with one ledger.
const MOST_KEPT: usize = 50;
/// The longest text of a kept finding, in characters.
const MOST_TEXT: usize = 200;
/// The most open holds of a ledger that is put aside in its middle.
const MOST_OPEN: usize = 2_000;

/// One contradiction in the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whose ledger.
    pub ledger: LedgerId,
    /// What contradicts.
    #[serde(flatten)]
    pub wrong: Wrong,
}

/// What a pass went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts.
    pub accounts: usize,
    /// Entries, those of system ledgers included.
    pub entries: usize,
    /// Open holds.
    pub holds: usize,
    /// Contradictions.
    pub drift: usize,
    /// Accounts frozen.
    pub frozen: usize,
    /// Ledgers that could not be read.
    pub failed: usize,
}

/// A finished pass, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, from 1.
    pub number: u64,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was finished.
    pub finished_at: Timestamp,
    /// What it went through.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first of its findings.
    pub findings: Vec<Finding>,
    /// The sum of all ledgers, micro-units, of each currency in which it is not zero.
    pub sums: BTreeMap<String, String>,
    /// Transfers that do not sum to zero; the next pass looks for their entries.
    pub unbalanced: BTreeSet<TransferId>,
}

/// Where a pass is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Behind this account of the tree's index.
    Accounts(Option<Position>),
    /// At this system ledger, of those of the currencies seen.
    Systems(usize),
    /// At this watched transfer.
    Transfers(usize),
}

/// A ledger that is being gone through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// How far it is.
    pub fold: Fold,
    /// Where the pass goes on behind it.
    pub then: Place,
    /// What was wrong so far, the first of it.
    pub wrongs: Vec<Wrong>,
    /// `None`: the first look, with cheap reads. Else what that found, which this second look confirms or not.
    pub suspects: Option<BTreeSet<Suspicion>>,
}

impl Work {
    /// Notes what is wrong.
    pub fn note(&mut self, wrongs: impl IntoIterator<Item = Wrong>) {
        let room = MOST_KEPT.saturating_sub(self.wrongs.len());
        self.wrongs.extend(wrongs.into_iter().take(room).map(shortened));
    }

    /// Notes what is wrong with the ledger as a whole, at its end.
    pub fn note_whole(&mut self) {
        let wrongs = [self.fold.held(), self.fold.acceptance()];
        self.note(wrongs.into_iter().flatten());
    }

    /// Whether it may be put aside now.
    pub fn is_small(&self) -> bool {
        self.fold.remembered() <= MOST_OPEN
    }
}

/// An entry of a watched transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The ledger.
    pub ledger: LedgerId,
    /// The entry's number.
    pub seq: i64,
    /// What it adds to the transfer, micro-units.
    pub micros: i64,
}

/// What became of a watched transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Settled {
    /// Its entries are those of its record.
    Sound,
    /// They are not, and the operator accepted that.
    Accepted,
    /// They are not: said.
    Wrong,
}

/// A pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Its number, from 1; the salt of its sums.
    pub number: u64,
    /// When it began, milliseconds since 1970.
    pub began_ms: i64,
    /// Where it is.
    pub place: Place,
    /// The ledger it is in.
    pub work: Option<Work>,
    /// The currencies of the accounts.
    pub currencies: BTreeSet<String>,
    /// The unbalanced transfers of the pass before, and where their entries stand.
    pub watched: BTreeMap<TransferId, Vec<Sighting>>,
    /// What became of those that were looked at.
    pub settled: BTreeMap<TransferId, Settled>,
    /// A ledger could not be read, so the sums say nothing.
    pub holey: bool,
    /// Sums could not be read, so the next pass begins at once.
    pub again: bool,
    /// What it went through.
    pub counts: Counts,
    /// The first findings.
    pub findings: Vec<Finding>,
}

impl Pass {
    /// Whether a transfer's entries count: its id is so old that all of them are written.
    pub fn counts(&self, id: &TransferId) -> bool {
        id.millis() <= self.began_ms.saturating_sub(TRANSFERS_SETTLE_MS)
    }

    /// Notes an entry of a transfer, if the transfer is watched.
    pub fn sight(&mut self, id: &TransferId, sighting: impl FnOnce() -> Sighting) {
        let Some(own) = self.watched.get(id) else { return };
        // Room that is kept for others is not taken.
        let taken: usize = self.watched.values().map(|seen| seen.len().max(SIGHTINGS_EACH)).sum();
        if own.len() >= SIGHTINGS_EACH && taken >= MOST_SIGHTINGS {
            return;
        }
        // An account that is moved meanwhile may be gone through twice.
        let sighting = sighting();
        let seen = self.watched.entry(id.clone()).or_default();
        if !seen.iter().any(|known| (&known.ledger, known.seq) == (&sighting.ledger, sighting.seq)) {
            seen.push(sighting);
        }
    }

    /// Notes a finding.
    pub fn note(&mut self, finding: &Finding) {
        self.counts.drift += 1;
        if self.findings.len() < MOST_KEPT {
            self.findings.push(finding.clone());
        }
    }
}

/// How a currency does not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Off {
    /// By how much, micro-units.
    pub micros: i128,
    /// In how many passes in a row.
    pub passes: usize,
}

/// Everything that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct State {
    /// When the first pass began, milliseconds since 1970.
    pub first_ms: Option<i64>,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// The number of the newest pass.
    pub number: u64,
    /// When that began.
    pub began_ms: Option<i64>,
    /// When a pass was last finished.
    pub finished_ms: Option<i64>,
    /// Unbalanced transfers of the last pass.
    pub unbalanced: BTreeSet<TransferId>,
    /// Unbalanced transfers that the operator accepted, by currency, and what they sum to, micro-units.
    pub settled: BTreeMap<String, BTreeMap<TransferId, i128>>,
    /// The currencies that did not add up in the last pass, beyond the transfers that the next one looks for.
    pub off: BTreeMap<String, Off>,
    /// Among them are some that the pass before did not know, so the next begins at once.
    pub again: bool,
}

impl State {
    /// The pass under way, or the next one if it is time; `None` if there is nothing to do.
    pub fn begin(&mut self, now: Timestamp, apart_s: i64) -> Option<Pass> {
        if let Some(pass) = self.pass.take() {
            return Some(pass);
        }
        let now_ms = now.as_millisecond();
        let due = self.began_ms.is_none_or(|began| now_ms.saturating_sub(began) >= apart_s.saturating_mul(1_000));
        if !due && !self.again {
            return None;
        }
        self.number += 1;
        self.began_ms = Some(now_ms);
        self.first_ms.get_or_insert(now_ms);
        self.again = false;
        Some(Pass {
            number: self.number,
            began_ms: now_ms,
            place: Place::Accounts(None),
            work: None,
            currencies: BTreeSet::new(),
            watched: self.unbalanced.iter().map(|id| (id.clone(), Vec::new())).collect(),
            settled: BTreeMap::new(),
            holey: false,
            again: false,
            counts: Counts::default(),
            findings: Vec::new(),
        })
    }

    /// What the sums of a pass say of a currency, without the transfers that were accepted as they are. Those that this
    /// pass found to be accepted are remembered, so that they do not hide others; those that it found sound are forgotten.
    pub fn imbalance(&mut self, pass: &Pass, currency: &str, mut cells: Cells) -> Imbalance {
        let mut room = MOST_SETTLED.saturating_sub(self.settled.values().map(BTreeMap::len).sum());
        let settled = self.settled.entry(currency.to_owned()).or_default();
        settled.retain(|id, _| pass.settled.get(id) != Some(&Settled::Sound));
        settled.iter().for_each(|(id, micros)| cells.add(pass.number, id, micros.wrapping_neg()));
        for (id, micros) in cells.imbalance(pass.number).transfers {
            if pass.settled.get(&id) != Some(&Settled::Accepted) || room == 0 && !settled.contains_key(&id) {
                continue;
            }
            room = room.saturating_sub(usize::from(!settled.contains_key(&id)));
            cells.add(pass.number, &id, micros.wrapping_neg());
            let sum = settled.entry(id).or_default();
            *sum = sum.wrapping_add(micros);
        }
        settled.retain(|_, micros| *micros != 0);
        if settled.is_empty() {
            self.settled.remove(currency);
        }
        cells.imbalance(pass.number)
    }

    /// How a currency does not add up beyond what the next pass looks for, if it does not; and whether that lasts. An account
    /// that is moved while it is walked puts a pass off, but not two alike, and hardly ever three.
    pub fn off(&self, currency: &str, left: &Imbalance) -> Option<(Off, bool)> {
        if left.unnamed == 0 && left.transfers.len() <= MOST_WATCHED {
            return None;
        }
        let before = self.off.get(currency);
        let off = Off { micros: left.sum, passes: before.map_or(1, |before| before.passes.saturating_add(1)) };
        let lasts = off.passes > 2 || before.is_some_and(|before| before.micros == off.micros);
        Some((off, lasts))
    }

    /// Ends the pass with the unbalanced transfers it found; `None`: its sums say nothing.
    pub fn end(&mut self, now: Timestamp, unbalanced: Option<BTreeSet<TransferId>>) {
        self.pass = None;
        self.finished_ms = Some(now.as_millisecond());
        if let Some(found) = unbalanced {
            // Those already looked for are looked for again, so that each pass says what is wrong.
            let known = found.intersection(&self.unbalanced).take(MOST_KNOWN);
            let new = found.difference(&self.unbalanced);
            let watched: BTreeSet<TransferId> = known.chain(new).take(MOST_WATCHED).cloned().collect();
            self.again = watched.iter().any(|id| !self.unbalanced.contains(id));
            self.unbalanced = watched;
        }
    }

    /// Seconds since a pass was last finished; before the first, since the first began.
    pub fn age_s(&self, now: Timestamp) -> i64 {
        let since = self.finished_ms.or(self.first_ms).unwrap_or(now.as_millisecond());
        now.as_millisecond().saturating_sub(since) / 1_000
    }
}

fn shortened(wrong: Wrong) -> Wrong {
    let short = |text: String| if text.chars().count() > MOST_TEXT { text.chars().take(MOST_TEXT).collect() } else { text };
    Wrong { expected: short(wrong.expected), found: short(wrong.found), ..wrong }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_domain::account::Accepted;
    use tributary_domain::id::{AccountId, HoldId};
    use tributary_domain::ledger::{EntryKind, Head};
    use tributary_domain::money::Micros;
    use tributary_domain::reconcile::{About, What};
    use uuid::Uuid;

    /// The most that one item may hold, with some room for its other attributes.
    const ITEM: usize = 390 * 1024;

    fn transfer(n: u128) -> TransferId {
        TransferId::from_uuid(Uuid::from_u128(u128::MAX - n * 0x0001_2345_6789_abcd_ef01_2345))
    }

    #[test]
    fn the_fullest_state_fits_one_item() {
        let ledger = LedgerId::Account(AccountId::from_uuid(Uuid::from_u128(u128::MAX)));
        let mut fold = Fold::new(ledger.clone(), Some(&Accepted { seq: i64::MAX, at: Timestamp::MAX }));
        let usd = "USD".parse().expect("a currency");
        for n in 0..MOST_OPEN as u128 {
            let mut entry = Head::empty_system(ledger.clone(), usd).state_entry(EntryKind::Hold, Timestamp::MAX, |_| {}).expect("a number");
            (entry.held_amount, entry.hold_id) = (Micros::new(i64::MAX), Some(HoldId::from_uuid(Uuid::from_u128(n))));
            entry.after.seq = i64::MAX - 1;
            fold.entry(&entry, Timestamp::MAX);
        }
        let position = Position { pk: "k".repeat(64), sk: "META".to_owned(), index: Some(("TREE".to_owned(), "k".repeat(300))) };
        let then = Place::Accounts(Some(position));
        let mut work = Work { fold, then: then.clone(), wrongs: Vec::new(), suspects: None };
        let hold = || HoldId::from_uuid(Uuid::from_u128(u128::MAX));
        work.note(
            (0..1_000).map(|_| Wrong::new(i64::MIN, What::SpentWhileStopped, "x".repeat(999), "x".repeat(999)).about(About::Hold(hold()))),
        );
        work.suspects = Some(work.wrongs.iter().map(Wrong::suspicion).collect());
        assert!(work.is_small() && work.wrongs.len() == MOST_KEPT);
        let mut state = State::default();
        state.end(Timestamp::MAX, Some((0..1_000).map(transfer).collect()));
        let mut pass = state.begin(Timestamp::MAX, 0).expect("a pass");
        for n in 0..2_000 {
            let sighting = || Sighting { ledger: ledger.clone(), seq: i64::MAX, micros: i64::MIN };
            pass.sight(&pass.watched.keys().nth(n % 100).expect("watched").clone(), sighting);
        }
        for wrong in work.wrongs.iter().chain(&work.wrongs) {
            pass.note(&Finding { ledger: ledger.clone(), wrong: wrong.clone() });
        }
        (pass.place, pass.work) = (then, Some(work));
        pass.settled = pass.watched.keys().map(|id| (id.clone(), Settled::Accepted)).collect();
        state.settled = (0..MOST_SETTLED as u128).map(|n| (format!("{n:03}"), BTreeMap::from([(transfer(n), i128::MIN)]))).collect();
        state.off = (0..300).map(|n| (format!("{n:03}"), Off { micros: i128::MIN, passes: 9 })).collect();
        pass.currencies = (0..300).map(|n| format!("{n:03}")).collect();
        state.pass = Some(pass);
        let text = serde_json::to_string(&state).expect("a document");
        assert!(text.len() < ITEM, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<State>(&text).expect("a state"), state, "it reads back");
    }

    #[test]
    fn the_fullest_sums_fit_one_item_and_read_back() {
        let mut cells = Cells::default();
        for n in 0..20_000 {
            cells.add(1, &transfer(n), i128::MIN / 3 + i128::try_from(n).expect("small"));
        }
        let text = serde_json::to_string(&cells).expect("a document");
        assert!(text.len() < ITEM / 4, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<Cells>(&text).expect("sums"), cells);
    }

    fn pass() -> (State, Pass) {
        let mut state = State::default();
        let pass = state.begin(Timestamp::UNIX_EPOCH, 0).expect("a pass");
        (state, pass)
    }

    #[test]
    fn one_transfer_with_many_entries_leaves_room_for_the_others() {
        let (_, mut pass) = pass();
        pass.watched = (0..MOST_WATCHED as u128).map(|n| (transfer(n), Vec::new())).collect();
        let ledger = LedgerId::Account(AccountId::from_uuid(Uuid::from_u128(1)));
        for (id, times) in [(transfer(0), 5_000), (transfer(9), 5)] {
            for seq in 0..times {
                pass.sight(&id, || Sighting { ledger: ledger.clone(), seq, micros: 1 });
                pass.sight(&id, || Sighting { ledger: ledger.clone(), seq, micros: 1 });
            }
        }
        assert_eq!(pass.watched[&transfer(9)].len(), 5, "each once");
        let seen: usize = pass.watched.values().map(Vec::len).sum();
        assert!(seen > SIGHTINGS_EACH + 5 && seen <= MOST_SIGHTINGS, "{seen}");
    }

    #[test]
    fn accepted_transfers_do_not_hide_others_however_many_they_are() {
        let (mut state, mut pass) = pass();
        let mut cells = Cells::default();
        // They are accepted as they are named, some in each pass.
        for n in 0..400 {
            cells = Cells::default();
            (0..=n).for_each(|n| cells.add(pass.number, &transfer(n), 5));
            pass.settled.insert(transfer(n), Settled::Accepted);
            assert_eq!(state.imbalance(&pass, "USD", cells.clone()), Imbalance::default(), "{n}");
        }
        cells.add(pass.number, &transfer(999), 7);
        let found = state.imbalance(&pass, "USD", cells.clone());
        assert_eq!((found.transfers, found.unnamed), (BTreeMap::from([(transfer(999), 7)]), 0));
        // One that is set right is named once more, found sound, and forgotten.
        cells.add(pass.number, &transfer(3), -5);
        pass.settled.clear();
        assert_eq!(state.imbalance(&pass, "USD", cells.clone()).transfers[&transfer(3)], -5);
        pass.settled.insert(transfer(3), Settled::Sound);
        assert_eq!(state.imbalance(&pass, "USD", cells).transfers, BTreeMap::from([(transfer(999), 7)]));
    }
}
