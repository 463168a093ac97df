//! Reconciliation, purely: what contradicts within a ledger, between a ledger and what is kept beside it, and between
//! ledgers. It never corrects anything; it says what is wrong (see `docs/adr/0009-reconcile.md`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::{Accepted, Account, Funding, Kind, Status};
use crate::hold::{Hold, HoldStatus};
use crate::id::{AccountId, HoldId, TransferId};
use crate::ledger::{Entry, EntryKind, LedgerId};
use crate::lot::Lots;
use crate::money::Currency;

/// What contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An entry, a hold or an account cannot be read.
    Unreadable,
    /// Entries are not numbered 1, 2, 3 …
    Number,
    /// The available credit is not the one before plus the amount.
    Available,
    /// The held credit is not the one before plus the amount.
    Held,
    /// Less than nothing is held.
    HeldBelowZero,
    /// A debit went below the credit limit.
    BelowLimit,
    /// The currency changed.
    Currency,
    /// The kind of the account changed.
    Kind,
    /// The state changed by an entry that does not change it.
    Status,
    /// The credit limit changed by an entry that does not set it.
    CreditLimit,
    /// How the account pays changed by an entry that does not set it.
    Funding,
    /// An entry says otherwise which one carries the usage.
    UsageSeq,
    /// There is more in lots than the entry before left there, or than there is credit.
    Lots,
    /// The parent or the generation changed by an entry that is no move.
    Place,
    /// Time fell.
    Time,
    /// An account that was not active spent.
    SpentWhileStopped,
    /// Something happened after the account was closed.
    AfterClosed,
    /// Credit moved by an entry that moves none, or came from nowhere.
    Movement,
    /// A hold ended that was not open, or was opened twice.
    HoldEntry,
    /// The held credit is not the sum of the open holds.
    HeldSum,
    /// The hold itself says something else than the ledger.
    HoldItem,
    /// The account's item is absent.
    AccountItem,
    /// A copy of the gate says something else than the account.
    Gate,
    /// The entries of a transfer are not those of its record.
    Transfer,
    /// The ledgers of a currency do not add up, beyond the transfers that are named.
    Sum,
    /// The account's item says that books were accepted that nobody accepted.
    Acceptance,
}

/// Which thing beside a ledger's entries contradicts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// None: the entry itself.
    #[default]
    Entry,
    /// The ledger as a whole.
    Ledger,
    /// The account's item.
    Account,
    /// A copy of its gate, by its number.
    Gate(usize),
    /// A hold.
    Hold(HoldId),
}

impl About {
    fn is_entry(&self) -> bool {
        *self == Self::Entry
    }
}

/// One contradiction, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// The entry's number; for what is kept beside a ledger, its newest entry's. 0 if there is none.
    pub seq: i64,
    /// What contradicts.
    pub what: What,
    /// Which thing contradicts; left out for an entry.
    #[serde(default, skip_serializing_if = "About::is_entry")]
    pub about: About,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl Wrong {
    /// A contradiction.
    pub fn new(seq: i64, what: What, expected: impl ToString, found: impl ToString) -> Self {
        Self { seq, what, about: About::Entry, expected: expected.to_string(), found: found.to_string() }
    }

    /// The same of another thing than the entry.
    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// What must be seen again for it to be confirmed.
    pub fn suspicion(&self) -> Suspicion {
        let seq = if self.about.is_entry() { self.seq } else { 0 };
        Suspicion { what: self.what, about: self.about.clone(), seq }
    }
}

/// A contradiction by what it is and where, whatever the values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suspicion {
    what: What,
    about: About,
    seq: i64,
}

impl Suspicion {
    /// Whether it is of something beside the ledger's entries, which may have been read in the middle of a transaction.
    pub fn is_beside(&self) -> bool {
        matches!(self.about, About::Account | About::Gate(_) | About::Hold(_))
    }
}

/// How much later than the clock a time may be, and a transfer's id than its entry: longer than any request lasts.
const LATE_MS: i64 = 15 * 60_000;

/// Collects what differs at one entry.
struct Wrongs {
    seq: i64,
    found: Vec<Wrong>,
}

impl Wrongs {
    fn at(seq: i64) -> Self {
        Self { seq, found: Vec::new() }
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: What, expected: &T, found: &T) {
        if expected != found {
            self.say(what, format!("{expected:?}"), format!("{found:?}"));
        }
    }

    fn say(&mut self, what: What, expected: impl ToString, found: impl ToString) {
        self.found.push(Wrong::new(self.seq, what, expected, found));
    }
}

/// What the next entry is held to, and what the account's item is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The entry's number.
    pub seq: i64,
    /// Available credit after it, micro-units.
    pub available: i64,
    /// Held credit after it, micro-units.
    pub held: i64,
    /// The credit limit, micro-units.
    pub credit_limit: i64,
    /// How the account pays for usage.
    #[serde(default)]
    pub funding: Funding,
    /// The newest entry that carries usage.
    #[serde(default)]
    pub usage_seq: i64,
    /// The credit in lots, micro-units.
    #[serde(default)]
    pub in_lots: i64,
    /// The account's own state.
    pub status: Status,
    /// What the account is.
    pub kind: Kind,
    /// The currency.
    pub currency: Currency,
    /// The parent.
    pub parent: Option<AccountId>,
    /// How often the account itself was moved.
    pub generation: u32,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

impl Last {
    fn of(entry: &Entry) -> Self {
        let after = &entry.after;
        Self {
            seq: after.seq,
            available: after.available.get(),
            held: after.held.get(),
            credit_limit: after.credit_limit.get(),
            funding: after.funding,
            usage_seq: after.usage_seq,
            in_lots: in_lots(&after.lots),
            status: after.status,
            kind: after.kind,
            currency: after.currency,
            parent: after.lineage.parent().cloned(),
            generation: after.generation,
            at_ms: after.at.as_millisecond(),
        }
    }
}

/// A hold that is open by the ledger's entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenHold {
    /// How much is set aside, micro-units.
    pub amount: i64,
    /// The entry that opened it.
    pub seq: i64,
}

/// One ledger, folded entry by entry in the order of their numbers. It can be stored between two entries.
///
/// Entries up to an *accepted* number were looked at by a person and are not complained of: the fold takes their balances
/// as they are and begins anew behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    ledger: LedgerId,
    accepted: i64,
    accepted_ms: i64,
    /// The accepted entry is there and is one by which books are accepted.
    proven: bool,
    /// Held credit that no hold explains, as accepted.
    accepted_held: i64,
    /// The entry before, unless there was none or it could not be read.
    last: Option<Last>,
    /// The number that the next entry must have.
    next: i64,
    /// An entry could not be read, so balances and holds behind it are taken as they are.
    blind: bool,
    open: BTreeMap<HoldId, OpenHold>,
}

impl Fold {
    /// Begins before the first entry. `accepted`: up to where it is not complained of.
    pub fn new(ledger: LedgerId, accepted: Option<&Accepted>) -> Self {
        Self {
            ledger,
            accepted: accepted.map_or(0, |accepted| accepted.seq),
            accepted_ms: accepted.map_or(0, |accepted| accepted.at.as_millisecond()),
            proven: false,
            accepted_held: 0,
            last: None,
            next: 1,
            blind: false,
            open: BTreeMap::new(),
        }
    }

    /// The newest entry that is not complained of; 0 for none.
    pub fn accepted(&self) -> i64 {
        self.accepted
    }

    /// The ledger.
    pub fn ledger(&self) -> &LedgerId {
        &self.ledger
    }

    /// The highest number seen; 0 before the first entry.
    pub fn seen(&self) -> i64 {
        self.next - 1
    }

    /// The newest entry, if it could be read.
    pub fn last(&self) -> Option<&Last> {
        self.last.as_ref()
    }

    /// Holds that are open by the entries and must therefore be open themselves; those of accepted entries are left out.
    pub fn open_holds(&self) -> impl Iterator<Item = (&HoldId, &OpenHold)> {
        self.open.iter().filter(|(_, hold)| hold.seq > self.accepted)
    }

    /// How many holds it remembers: its size.
    pub fn remembered(&self) -> usize {
        self.open.len()
    }

    /// Takes the next entry and says what it contradicts. `now`: no entry is from later.
    pub fn entry(&mut self, entry: &Entry, now: Timestamp) -> Vec<Wrong> {
        let seq = entry.after.seq;
        let mut wrongs = Wrongs::at(seq);
        if seq != self.next {
            wrongs.say(What::Number, self.next, seq);
            // Behind a gap balances have nothing to follow from.
        } else if let Some(last) = &self.last {
            follows(&mut wrongs, last, entry);
        } else if !self.blind {
            begins(&mut wrongs, entry);
        }
        stands_alone(&mut wrongs, entry);
        in_time(&mut wrongs, self.last.as_ref(), entry, now);
        self.hold(&mut wrongs, entry);
        self.next = seq.saturating_add(1);
        self.last = Some(Last::of(entry));
        if seq == self.accepted {
            let accepts = matches!(entry.kind, EntryKind::Reactivated | EntryKind::Closed);
            self.proven = accepts && entry.after.at.as_millisecond() >= self.accepted_ms;
        }
        if seq <= self.accepted {
            self.accepted_held = entry.after.held.get().wrapping_sub(self.open_sum());
            self.blind = false;
            return Vec::new();
        }
        wrongs.found
    }

    /// Takes an entry that cannot be read.
    pub fn unreadable(&mut self, seq: i64, why: &str) -> Option<Wrong> {
        self.next = seq.saturating_add(1).max(self.next);
        (self.last, self.blind) = (None, true);
        (seq > self.accepted).then(|| Wrong::new(seq, What::Unreadable, "an entry", why))
    }

    /// Says whether the accepted entry, if there is one, is there and accepts books, at the newest entry.
    pub fn acceptance(&self) -> Option<Wrong> {
        let unproven = self.accepted != 0 && !self.proven;
        unproven.then(|| {
            let found = format!("entry {} at {} ms, which is none", self.accepted, self.accepted_ms);
            Wrong::new(self.seen(), What::Acceptance, "an entry that accepts books", found).about(About::Account)
        })
    }

    /// Says whether the held credit is the sum of the open holds, at the newest entry.
    pub fn held(&self) -> Option<Wrong> {
        let last = self.last.as_ref().filter(|last| !self.blind && last.seq > self.accepted)?;
        let expected = self.open_sum().wrapping_add(self.accepted_held);
        (last.held != expected).then(|| Wrong::new(last.seq, What::HeldSum, expected, last.held).about(About::Ledger))
    }

    /// Compares a hold that is open by the entries with the hold itself.
    pub fn hold_item(&self, id: &HoldId, open: &OpenHold, item: Option<&Hold>) -> Option<Wrong> {
        let expected = format!("{id} open, {} micro-units", open.amount);
        let found = match item {
            None => "no such hold".to_owned(),
            Some(hold) => {
                let own = self.ledger.account() == Some(&hold.account_id);
                if own && hold.status == HoldStatus::Open && hold.amount.get() == open.amount {
                    return None;
                }
                format!("{} of {}, {} micro-units", hold.status.word(), hold.account_id, hold.amount.get())
            }
        };
        Some(Wrong::new(open.seq, What::HoldItem, expected, found).about(About::Hold(id.clone())))
    }

    /// Ends a hold that accepted entries opened in another way than it ends, or not at all: what was held then pays for it.
    /// `false` if that is not enough.
    fn pay_from_accepted(&mut self, opened: i64, held: i64) -> bool {
        let paid = i128::from(self.accepted_held) + i128::from(opened) + i128::from(held);
        let others: i128 = self.open.values().filter(|hold| hold.seq <= self.accepted).map(|hold| i128::from(hold.amount)).sum();
        match i64::try_from(paid) {
            Ok(left) if self.accepted > 0 && paid + others >= 0 => {
                self.accepted_held = left;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    fn open_sum(&self) -> i64 {
        self.open.values().fold(0_i64, |sum, hold| sum.wrapping_add(hold.amount))
    }

    fn hold(&mut self, wrongs: &mut Wrongs, entry: &Entry) {
        let held = entry.held_amount.get();
        let Some(id) = entry.hold_id.as_ref() else { return };
        match entry.kind {
            EntryKind::Hold => {
                let opened = OpenHold { amount: held, seq: entry.after.seq };
                if held <= 0 || self.open.insert(id.clone(), opened).is_some() {
                    wrongs.say(What::HoldEntry, "a hold opened once, of more than nothing", format!("{id}, {held} micro-units"));
                }
            }
            // The receiver's side of a capture holds nothing.
            EntryKind::Capture if held == 0 => {}
            EntryKind::Capture | EntryKind::Release | EntryKind::Expiry => {
                let open = self.open.remove(id);
                let of_accepted = entry.after.seq > self.accepted && open.as_ref().is_none_or(|hold| hold.seq <= self.accepted);
                let open = open.map(|hold| hold.amount);
                let explained = open == held.checked_neg() || self.blind && open.is_none();
                if !(explained || of_accepted && self.pay_from_accepted(open.unwrap_or(0), held)) {
                    let expected = open.map_or("not open".to_owned(), |open| format!("{open} micro-units"));
                    wrongs.say(What::HoldEntry, format!("{id}: {expected}"), format!("its end, {held} micro-units"));
                }
            }
            EntryKind::Allocation
            | EntryKind::Transfer
            | EntryKind::Issue
            | EntryKind::Reversal
            | EntryKind::Sweep
            | EntryKind::Purchase
            | EntryKind::AutoTopup
            | EntryKind::LotExpired
            | EntryKind::Usage
            | EntryKind::UsageAdjustment
            | EntryKind::BulkEscrow
            | EntryKind::BulkReturn
            | EntryKind::InvoicePayment
            | EntryKind::CreditNote
            | EntryKind::CardTopup
            | EntryKind::FundingSet
            | EntryKind::Opened
            | EntryKind::Suspended
            | EntryKind::Reactivated
            | EntryKind::Closed
            | EntryKind::Moved
            | EntryKind::Relocated
            | EntryKind::LimitSet => wrongs.say(What::HoldEntry, "no hold", id),
        }
    }
}

/// The first entry: from zero.
fn begins(wrongs: &mut Wrongs, entry: &Entry) {
    wrongs.same(What::Available, &entry.amount.get(), &entry.after.available.get());
    wrongs.same(What::Held, &entry.held_amount.get(), &entry.after.held.get());
    if entry.after.ledger.account().is_some() && entry.kind != EntryKind::Opened {
        wrongs.say(What::Movement, EntryKind::Opened.word(), entry.kind.word());
    }
}

/// What an entry must keep of the one before.
fn follows(wrongs: &mut Wrongs, last: &Last, entry: &Entry) {
    let now = Last::of(entry);
    wrongs.same(What::Available, &last.available.checked_add(entry.amount.get()), &Some(now.available));
    wrongs.same(What::Held, &last.held.checked_add(entry.held_amount.get()), &Some(now.held));
    wrongs.same(What::Currency, &last.currency.code(), &now.currency.code());
    wrongs.same(What::Kind, &last.kind, &now.kind);
    let status = match entry.kind {
        EntryKind::Suspended => Status::Suspended,
        EntryKind::Reactivated => Status::Active,
        EntryKind::Closed => Status::Closed,
        EntryKind::Opened | EntryKind::Moved | EntryKind::Relocated | EntryKind::LimitSet | EntryKind::FundingSet => last.status,
        EntryKind::Allocation
        | EntryKind::Transfer
        | EntryKind::Issue
        | EntryKind::Reversal
        | EntryKind::Sweep
        | EntryKind::Hold
        | EntryKind::Capture
        | EntryKind::Release
        | EntryKind::Expiry
        | EntryKind::Purchase
        | EntryKind::AutoTopup
        | EntryKind::LotExpired
        | EntryKind::Usage
        | EntryKind::UsageAdjustment
        | EntryKind::BulkEscrow
        | EntryKind::BulkReturn
        | EntryKind::InvoicePayment
        | EntryKind::CreditNote
        | EntryKind::CardTopup => last.status,
    };
    wrongs.same(What::Status, &status, &now.status);
    if entry.kind != EntryKind::LimitSet {
        wrongs.same(What::CreditLimit, &last.credit_limit, &now.credit_limit);
    }
    if entry.kind != EntryKind::FundingSet {
        wrongs.same(What::Funding, &last.funding, &now.funding);
    }
    let carries_usage = matches!(entry.kind, EntryKind::Usage | EntryKind::UsageAdjustment);
    wrongs.same(
        What::UsageSeq,
        &if carries_usage && entry.after.ledger.account().is_some() { now.seq } else { last.usage_seq },
        &now.usage_seq,
    );
    lots_follow(wrongs, last, &now, entry.kind);
    if entry.kind != EntryKind::Moved {
        wrongs.same(What::Place, &(&last.parent, last.generation), &(&now.parent, now.generation));
    }
    if now.at_ms < last.at_ms {
        wrongs.say(What::Time, format!("{} ms or later", last.at_ms), now.at_ms);
    }
    if last.status == Status::Closed && entry.kind != EntryKind::Relocated {
        wrongs.say(What::AfterClosed, "nothing", entry.kind.word());
    }
    let spends = entry.kind.is_spending() && (entry.amount.is_negative() || entry.held_amount.is_negative());
    if spends && last.status != Status::Active {
        wrongs.say(What::SpentWhileStopped, "an active account", last.status.word());
    }
}

/// Credit comes into lots by a purchase only, and leaves them first.
fn lots_follow(wrongs: &mut Wrongs, last: &Last, now: &Last, kind: EntryKind) {
    let total = |of: &Last| i128::from(of.available) + i128::from(of.held);
    let spent = (total(last) - total(now)).max(0);
    let left = (i128::from(last.in_lots) - spent).max(0);
    let bought = if matches!(kind, EntryKind::Purchase | EntryKind::CardTopup) { (total(now) - total(last)).max(0) } else { 0 };
    let (found, most) = (i128::from(now.in_lots), left + bought);
    if found > most || found < left {
        wrongs.say(What::Lots, format!("{left} to {most}"), found);
    }
}

fn in_lots(lots: &Lots) -> i64 {
    lots.all().iter().fold(0, |sum, lot| sum.saturating_add(lot.left.get()))
}

/// What must hold of an entry by itself.
fn stands_alone(wrongs: &mut Wrongs, entry: &Entry) {
    let (after, amount, held) = (&entry.after, entry.amount.get(), entry.held_amount.get());
    if after.held.is_negative() {
        wrongs.say(What::HeldBelowZero, "0 or more", after.held.get());
    }
    if let LedgerId::System(system) = &after.ledger {
        wrongs.same(What::Currency, &system.currency.as_str(), &after.currency.code());
    }
    let is_account = after.ledger.account().is_some();
    if is_account && amount < 0 && i128::from(after.available.get()) < -i128::from(after.credit_limit.get()) {
        wrongs.say(What::BelowLimit, format!("{} or more", -i128::from(after.credit_limit.get())), after.available.get());
    }
    if !entry.kind.is_money() {
        wrongs.same(What::Movement, &(0, 0), &(amount, held));
        return;
    }
    // What belongs to no transfer only moves between available and held.
    if entry.transfer_id.is_none() && (entry.hold_id.is_none() || contribution(entry) != 0) {
        wrongs.say(What::Movement, "a transfer, or a hold that sums to zero", format!("{amount} and {held} held"));
    }
    let moves_held = matches!(entry.kind, EntryKind::Hold | EntryKind::Capture | EntryKind::Release | EntryKind::Expiry);
    if held != 0 && !(moves_held && entry.hold_id.is_some()) {
        wrongs.say(What::Movement, "0 held", format!("{held} held"));
    }
}

/// An entry is not from later than now, and its transfer not from later than the entry: what is of no time yet would never
/// count.
fn in_time(wrongs: &mut Wrongs, last: Option<&Last>, entry: &Entry, now: Timestamp) {
    let (at_ms, now_ms) = (entry.after.at.as_millisecond(), now.as_millisecond());
    // Behind such an entry every other is of its time, because time does not fall.
    if at_ms > now_ms.saturating_add(LATE_MS) && last.is_none_or(|last| last.at_ms < at_ms) {
        wrongs.say(What::Time, format!("{now_ms} ms or before"), at_ms);
    }
    let made_ms = entry.transfer_id.as_ref().map_or(at_ms, TransferId::millis);
    let latest_ms = at_ms.min(now_ms);
    if entry.transfer_id.is_some() && made_ms > latest_ms.saturating_add(LATE_MS) {
        wrongs.say(What::Movement, format!("a transfer of {latest_ms} ms or before"), format!("one of {made_ms} ms"));
    }
}

/// Compares an account's item with the newest entry of its ledger.
pub fn check_account(account: &Account, last: &Last) -> Vec<Wrong> {
    let mut wrongs = Wrongs::at(last.seq);
    wrongs.same(What::Status, &account.status, &last.status);
    wrongs.same(What::CreditLimit, &account.credit_limit.get(), &last.credit_limit);
    wrongs.same(What::Funding, &account.funding, &last.funding);
    wrongs.same(What::Currency, &account.currency.code(), &last.currency.code());
    wrongs.same(What::Kind, &account.kind, &last.kind);
    // The rest of the lineage may be of before an ancestor's move until it is relocated; the gates see to that.
    let place = (account.lineage.parent().cloned(), account.generation);
    wrongs.same(What::Place, &place, &(last.parent.clone(), last.generation));
    wrongs.found.into_iter().map(|wrong| wrong.about(About::Account)).collect()
}

/// One copy of a gate; the default stands for an absent item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GateCopy {
    /// Nothing below spends.
    pub suspended: bool,
    /// How often the account was moved.
    pub generation: i64,
}

/// Compares every copy of an account's gate with the account.
pub fn check_gates(account: &Account, seq: i64, copies: &[GateCopy]) -> Vec<Wrong> {
    let mut wrongs = Vec::new();
    for (stripe, copy) in copies.iter().enumerate() {
        let expected = GateCopy {
            suspended: match account.status {
                Status::Active => false,
                Status::Suspended => true,
                // Closing leaves the gate as it was: there is nothing open below.
                Status::Closed => copy.suspended,
            },
            generation: i64::from(account.generation),
        };
        if copy != &expected {
            let wrong = Wrong::new(seq, What::Gate, format!("copy {stripe}: {expected:?}"), format!("{copy:?}"));
            wrongs.push(wrong.about(About::Gate(stripe)));
        }
    }
    wrongs
}

/// What an entry adds to its transfer's sum, micro-units.
pub fn contribution(entry: &Entry) -> i128 {
    i128::from(entry.amount.get()) + i128::from(entry.held_amount.get())
}

/// How many cells there are for each currency.
const CELLS: usize = 256;
/// Into how many parts of 32 bits a transfer's id is cut.
const LIMBS: usize = 4;

/// Sums over all ledgers of one currency that tell *which* transfers are unbalanced, in a space that does not grow with
/// their number.
///
/// Each transfer falls into one cell. A cell keeps the sum of all amounts, and for each 32-bit part of the transfer's id the
/// sum of amount × part. A balanced transfer adds zero to all of them. If one transfer is off by *d*, its cell holds *d* and
/// *d* × part, and the quotients are its id. If several in one cell are, the quotients are no id of that cell; the next
/// pass shares transfers out otherwise. All sums are modulo 2¹²⁸, which changes no result that fits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cells(BTreeMap<u8, Cell>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Cell {
    s: i128,
    l: [i128; LIMBS],
}

/// What the cells say at the end of a pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imbalance {
    /// Transfers that do not sum to zero, and what they sum to, micro-units.
    pub transfers: BTreeMap<TransferId, i128>,
    /// Cells with several of them.
    pub unnamed: usize,
    /// All amounts together, micro-units.
    pub sum: i128,
}

fn limbs(id: u128) -> [i128; LIMBS] {
    let mut limbs = [0; LIMBS];
    for (at, limb) in limbs.iter_mut().enumerate() {
        *limb = i128::from(u32::try_from((id >> (32 * at)) & 0xffff_ffff).unwrap_or(0));
    }
    limbs
}

/// The cell of a transfer: the finaliser of SplitMix64 over both halves of its id and the salt.
fn cell_of(id: u128, salt: u64) -> u8 {
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let half = |shift: u32| u64::try_from((id >> shift) & u128::from(u64::MAX)).unwrap_or(0);
    u8::try_from(mix(mix(mix(salt) ^ half(0)) ^ half(64)) % (CELLS as u64)).unwrap_or(0)
}

impl Cells {
    /// Adds one entry's contribution to its transfer. `salt` is the pass's number.
    pub fn add(&mut self, salt: u64, id: &TransferId, micros: i128) {
        let id = id.as_u128();
        let cell = self.0.entry(cell_of(id, salt)).or_default();
        cell.s = cell.s.wrapping_add(micros);
        for (sum, limb) in cell.l.iter_mut().zip(limbs(id)) {
            *sum = sum.wrapping_add(micros.wrapping_mul(limb));
        }
    }

    /// What is not zero, under the same `salt`.
    pub fn imbalance(&self, salt: u64) -> Imbalance {
        let mut found = Imbalance::default();
        for (at, cell) in self.0.iter().filter(|(_, cell)| **cell != Cell::default()) {
            found.sum = found.sum.wrapping_add(cell.s);
            match cell.only().filter(|id| cell_of(*id, salt) == *at) {
                Some(id) => drop(found.transfers.insert(TransferId::from_uuid(Uuid::from_u128(id)), cell.s)),
                None => found.unnamed += 1,
            }
        }
        found
    }
}

impl Cell {
    /// The id of the one transfer that is off here, if it is one.
    fn only(&self) -> Option<u128> {
        let mut id = 0_u128;
        for (at, sum) in self.l.iter().enumerate() {
            let limb = sum.checked_div(self.s).filter(|limb| limb.checked_mul(self.s) == Some(*sum))?;
            id |= u128::from(u32::try_from(limb).ok()?) << (32 * at);
        }
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Head;
    use crate::lineage::Lineage;
    use crate::money::Micros;
    use std::collections::BTreeSet;

    fn transfer(n: u128) -> TransferId {
        TransferId::from_uuid(Uuid::from_u128((n << 80) | (7 << 76) | (2 << 62) | n.wrapping_mul(0x9e37_79b9)))
    }

    fn hold(n: u128) -> HoldId {
        HoldId::from_uuid(Uuid::from_u128(n))
    }

    fn opening() -> Entry {
        let ledger = LedgerId::Account(AccountId::from_uuid(Uuid::from_u128(1)));
        let head =
            Head { lineage: Lineage::root(), kind: Kind::Reseller, ..Head::empty_system(ledger, "USD".parse().expect("a currency")) };
        head.state_entry(EntryKind::Opened, Timestamp::UNIX_EPOCH, |_| {}).expect("a number")
    }

    fn next(before: &Entry, kind: EntryKind, amount: i64, held: i64) -> Entry {
        let mut entry = before.after.state_entry(kind, Timestamp::UNIX_EPOCH, |after| {
            after.available = Micros::new(after.available.get() + amount);
            after.held = Micros::new(after.held.get() + held);
        });
        let entry = entry.as_mut().expect("a number");
        (entry.amount, entry.held_amount) = (Micros::new(amount), Micros::new(held));
        entry.transfer_id = (amount + held != 0).then(|| transfer(1));
        entry.hold_id = (held != 0).then(|| hold(1));
        entry.clone()
    }

    /// Issue 10, hold 4, capture 3 of it, transfer 2 away, suspended.
    fn healthy() -> Vec<Entry> {
        let mut entries = vec![opening()];
        for (kind, amount, held) in
            [(EntryKind::Issue, 10, 0), (EntryKind::Hold, -4, 4), (EntryKind::Capture, 1, -4), (EntryKind::Transfer, -2, 0)]
        {
            let entry = next(entries.last().expect("an entry"), kind, amount, held);
            entries.push(entry);
        }
        let last = entries.last().expect("an entry");
        entries
            .push(last.after.state_entry(EntryKind::Suspended, last.after.at, |after| after.status = Status::Suspended).expect("a number"));
        entries
    }

    fn fold(entries: &[Entry], accepted: i64) -> Vec<(i64, What)> {
        let accepted = (accepted > 0).then_some(Accepted { seq: accepted, at: Timestamp::UNIX_EPOCH });
        let mut fold = Fold::new(entries[0].after.ledger.clone(), accepted.as_ref());
        let mut wrongs: Vec<Wrong> = entries.iter().flat_map(|entry| fold.entry(entry, Timestamp::UNIX_EPOCH)).collect();
        wrongs.extend(fold.held());
        wrongs.iter().map(|wrong| (wrong.seq, wrong.what)).collect()
    }

    #[test]
    fn a_healthy_ledger_contradicts_nothing() {
        assert_eq!(fold(&healthy(), 0), []);
    }

    #[test]
    fn each_contradiction_is_named_where_it_stands() {
        type Change = fn(&mut Vec<Entry>);
        let cases: [(Change, &[(i64, What)]); 18] = [
            (|e| drop(e.remove(2)), &[(4, What::Number), (4, What::HoldEntry)]),
            (|e| drop(e.remove(0)), &[(2, What::Number)]),
            (|e| e[1].after.available = Micros::new(11), &[(2, What::Available), (3, What::Available)]),
            (|e| e[5].after.available = Micros::new(99), &[(6, What::Available)]),
            (|e| e[5].after.held = Micros::new(1), &[(6, What::Held), (6, What::HeldSum)]),
            (|e| e[5].after.held = Micros::new(-1), &[(6, What::Held), (6, What::HeldBelowZero), (6, What::HeldSum)]),
            (|e| e[5].after.currency = "EUR".parse().expect("a currency"), &[(6, What::Currency)]),
            (|e| e[5].after.kind = Kind::Customer, &[(6, What::Kind)]),
            (|e| e[5].after.status = Status::Active, &[(6, What::Status)]),
            (|e| e[5].after.credit_limit = Micros::new(1), &[(6, What::CreditLimit)]),
            (|e| e[5].after.generation = 1, &[(6, What::Place)]),
            (|e| e[0].amount = Micros::new(1), &[(1, What::Available), (1, What::Movement)]),
            (|e| e[3].hold_id = Some(hold(2)), &[(4, What::HoldEntry), (6, What::HeldSum)]),
            (|e| e[4].transfer_id = None, &[(5, What::Movement)]),
            (|e| e[4].transfer_id = Some(transfer(15 * 60_000 + 1)), &[(5, What::Movement)]),
            (|e| e[5].after.at = Timestamp::from_millisecond(15 * 60_000 + 1).expect("a time"), &[(6, What::Time)]),
            (
                |e| {
                    let again = next(&e[5], EntryKind::Transfer, -1, 0);
                    e.push(again);
                },
                &[(7, What::SpentWhileStopped)],
            ),
            (
                |e| {
                    let again = next(&e[4], EntryKind::Transfer, -8, 0);
                    e[5] = again;
                },
                &[(6, What::BelowLimit)],
            ),
        ];
        for (at, (change, expected)) in cases.iter().enumerate() {
            let mut entries = healthy();
            change(&mut entries);
            assert_eq!(fold(&entries, 0), *expected, "case {at}");
        }
    }

    #[test]
    fn accepted_entries_are_not_complained_of_and_what_follows_is() {
        let mut entries = healthy();
        entries[1].after.available = Micros::new(11);
        entries[4].after.held = Micros::new(5);
        entries[5].after.held = Micros::new(5);
        assert_eq!(fold(&entries, 6), []);
        let last = entries[5].clone();
        entries.push(next(&last, EntryKind::Issue, 1, 0));
        assert_eq!(fold(&entries, 6), [], "the fold goes on from the accepted balances");
        entries[6].after.available = Micros::new(77);
        assert_eq!(fold(&entries, 6), [(7, What::Available)]);
    }

    #[test]
    fn a_hold_that_accepted_entries_garbled_ends_without_a_complaint_and_no_more_than_was_held() {
        let mut entries = vec![opening()];
        for (kind, amount, held) in [(EntryKind::Issue, 10, 0), (EntryKind::Hold, -4, 4), (EntryKind::Hold, -1, 1)] {
            let entry = next(entries.last().expect("an entry"), kind, amount, held);
            entries.push(entry);
        }
        (entries[2].hold_id, entries[3].hold_id) = (Some(hold(7)), Some(hold(8)));
        let accepted = 4;
        let mut expiry = next(&entries[3], EntryKind::Expiry, 4, -4);
        entries.push(expiry.clone());
        assert_eq!(fold(&entries, accepted), [], "the hold's opening named another hold");
        let mut more = next(&entries[4], EntryKind::Expiry, 2, -2);
        more.hold_id = Some(hold(9));
        entries.push(more);
        let whats: BTreeSet<What> = fold(&entries, accepted).into_iter().map(|(_, what)| what).collect();
        assert!(whats.contains(&What::HoldEntry), "only one more was held: {whats:?}");
        entries.truncate(4);
        expiry.hold_id = Some(hold(8));
        entries.push(expiry);
        assert_eq!(fold(&entries, accepted), [], "the hold's opening named another amount");
        assert_ne!(fold(&entries, 0), []);
    }

    #[test]
    fn an_acceptance_is_believed_only_if_the_entry_that_it_names_is_one() {
        let mut entries = healthy();
        let last = entries[5].after.clone();
        let at = Timestamp::UNIX_EPOCH;
        entries.push(last.state_entry(EntryKind::Reactivated, at, |after| after.status = Status::Active).expect("a number"));
        let later = Timestamp::from_millisecond(1).expect("a time");
        for (seq, at, believed) in [(7, at, true), (7, later, false), (6, at, false), (99, at, false)] {
            let mut fold = Fold::new(last.ledger.clone(), Some(&Accepted { seq, at }));
            entries.iter().for_each(|entry| drop(fold.entry(entry, Timestamp::UNIX_EPOCH)));
            assert_eq!(fold.acceptance().is_none(), believed, "entry {seq} at {at}");
        }
    }

    #[test]
    fn a_fold_can_be_stopped_behind_any_entry_without_a_difference() {
        let mut entries = healthy();
        entries[4].after.available = Micros::new(1);
        let mut whole = Fold::new(entries[0].after.ledger.clone(), None);
        let all: Vec<Wrong> = entries.iter().flat_map(|entry| whole.entry(entry, Timestamp::UNIX_EPOCH)).collect();
        for stop in 0..entries.len() {
            let mut first = Fold::new(entries[0].after.ledger.clone(), None);
            let mut found: Vec<Wrong> = entries[..stop].iter().flat_map(|entry| first.entry(entry, Timestamp::UNIX_EPOCH)).collect();
            let mut second = first.clone();
            found.extend(entries[stop..].iter().flat_map(|entry| second.entry(entry, Timestamp::UNIX_EPOCH)));
            assert_eq!((&found, &second), (&all, &whole), "stopped behind {stop}");
        }
    }

    #[test]
    fn cells_name_the_unbalanced_transfers_among_many() {
        for salt in 0..20 {
            let mut cells = Cells::default();
            for n in 1..5_000 {
                cells.add(salt, &transfer(n), -5_000_000_000_000_000_000 + i128::try_from(n).expect("small"));
            }
            assert!(cells.imbalance(salt).unnamed > 200, "half of each transfer is missing");
            for n in (1..5_000).filter(|n| ![17, 4_321].contains(n)) {
                cells.add(salt, &transfer(n), 5_000_000_000_000_000_000 - i128::try_from(n).expect("small"));
            }
            cells.add(salt, &transfer(9_999), 3);
            let found = cells.imbalance(salt);
            if found.unnamed == 0 {
                let named: Vec<_> = found.transfers.keys().cloned().collect();
                assert_eq!(named, [transfer(17), transfer(4_321), transfer(9_999)], "salt {salt}");
                assert_eq!(found.transfers[&transfer(9_999)], 3, "salt {salt}");
                assert_eq!(found.sum, -9_999_999_999_999_995_662 + 3, "salt {salt}");
            }
        }
    }
}
