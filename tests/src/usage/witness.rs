//! Looks at every transaction of usage that is really committed, with the records that its ledgers name, and adds up on its
//! own what each account used, paid and earned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tributary_domain::account::{Funding, Kind, Status};
use tributary_domain::id::{AccountId, TransferId};
use tributary_domain::ledger::{Entry, EntryKind, LedgerId};
use tributary_domain::pricing::meter::MeterKey;
use tributary_domain::pricing::month::Month;
use tributary_domain::pricing::state::UsageState;
use tributary_metering::record::{self, RecordKind, UsageRecord};
use tributary_runtime::blobs::MemoryBlobs;
use tributary_store::entries;
use tributary_store::table::{Action, Value, Write};

use crate::simulation::auditor::{Audited, Witness};

/// An event: its account and its id there.
pub type Event = (AccountId, String);

/// One meter of one account in one month: quantity, paid, cost, earned.
type Line = (i128, i128, i128, i128);

/// What it has seen.
#[derive(Debug, Default)]
pub struct Seen {
    lines: BTreeMap<(AccountId, Month, MeterKey), Line>,
    volumes: BTreeMap<(AccountId, Month), i128>,
    /// Every event that was ever counted, and whether it still is.
    pub events: BTreeMap<Event, bool>,
    /// The batches that ledgers name.
    pub batches: BTreeSet<TransferId>,
}

/// The witness.
#[derive(Debug)]
pub struct UsageWitness {
    blobs: MemoryBlobs,
    seen: Mutex<Seen>,
}

impl UsageWitness {
    /// One that has seen nothing, and reads records from `blobs`.
    pub fn new(blobs: MemoryBlobs) -> Self {
        Self { blobs, seen: Mutex::default() }
    }

    /// What it has seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Witness for UsageWitness {
    async fn committed(&self, writes: &[Write], audited: &Audited) -> Vec<String> {
        let mut written: Vec<(Entry, Option<UsageState>)> = Vec::new();
        let mut broken = Vec::new();
        for write in writes.iter().filter(|write| write.key.pk.starts_with("LED#")) {
            let Action::Put(item) = &write.action else { continue };
            let Ok(entry) = entries::decode(item) else { continue };
            if !matches!(entry.kind, EntryKind::Usage | EntryKind::UsageAdjustment) {
                continue;
            }
            let state = match item.get("use") {
                Some(Value::S(text)) => UsageState::decode(text).map_err(|error| broken.push(error.to_string())).ok(),
                Some(_) | None => None,
            };
            written.push((entry, state));
        }
        let Some(batch) = written.first().and_then(|(entry, _)| entry.transfer_id.clone()) else { return broken };
        if written.iter().any(|(entry, _)| entry.transfer_id.as_ref() != Some(&batch)) {
            broken.push(format!("a transaction of usage names two batches: {written:?}"));
        }
        match record::read(&self.blobs, &batch).await {
            Ok(records) => self.seen().batch(&batch, &written, &records, &mut broken),
            Err(error) => broken.push(format!("{batch} was committed, and {error}")),
        }
        spends(&written, audited, &mut broken);
        broken
    }
}

/// Nothing is used at or below an account that is not active.
fn spends(written: &[(Entry, Option<UsageState>)], audited: &Audited, broken: &mut Vec<String>) {
    let picture = audited.picture();
    for (entry, _) in written.iter().filter(|(entry, _)| entry.kind == EntryKind::Usage) {
        let Some(account) = entry.after.ledger.account() else { continue };
        for id in std::iter::once(account.clone()).chain(picture.ancestors(account)) {
            let head = picture.heads.get(&LedgerId::Account(id.clone()));
            if head.is_none_or(|head| head.kind != Kind::Operator && head.status != Status::Active) {
                broken.push(format!("{account} used something while {id} was not active"));
            }
        }
    }
}

impl Seen {
    fn batch(&mut self, batch: &TransferId, written: &[(Entry, Option<UsageState>)], records: &[UsageRecord], broken: &mut Vec<String>) {
        if !self.batches.insert(batch.clone()) {
            broken.push(format!("{batch} was committed twice"));
        }
        let funding = |id: &AccountId| {
            let own = written.iter().find(|(entry, _)| entry.after.ledger.account() == Some(id));
            own.map(|(entry, _)| entry.after.funding)
        };
        let mut nets: BTreeMap<AccountId, i128> = BTreeMap::new();
        let mut used_up = 0;
        for record in records {
            self.event(record, broken);
            let (rated, month) = (&record.rated, record.rated.period);
            let units = i128::from(rated.contribution.get());
            let mut line = |account: &AccountId, add: Line| {
                let line = self.lines.entry((account.clone(), month, rated.meter.clone())).or_default();
                *line = (line.0 + add.0, line.1 + add.1, line.2 + add.2, line.3 + add.3);
                nets.entry(account.clone()).or_default();
            };
            for level in &rated.levels {
                line(&level.payer, (units, level.price.get(), level.cost.map_or(0, |cost| cost.get()), 0));
                let amount = i128::from(level.amount.get());
                let to_operator = level.seller == rated.owner && rated.owner_kind == Kind::Operator;
                if !to_operator {
                    line(&level.seller, (0, 0, 0, amount));
                }
            }
            if rated.owner_kind != Kind::Operator {
                line(&rated.owner, (units, 0, 0, 0));
            }
            for level in &rated.levels {
                let amount = i128::from(level.amount.get());
                if rated.counted {
                    *self.volumes.entry((level.payer.clone(), month)).or_default() += units;
                }
                match funding(&level.payer) {
                    None => broken.push(format!("{batch}: {} pays and has no entry", level.payer)),
                    Some(Funding::Postpaid) => {}
                    Some(Funding::Prepaid) => {
                        *nets.entry(level.payer.clone()).or_default() -= amount;
                        match nets.get_mut(&level.seller) {
                            Some(net) if level.seller != rated.owner || rated.owner_kind != Kind::Operator => *net += amount,
                            Some(_) | None => used_up += amount,
                        }
                    }
                }
            }
        }
        for (entry, state) in written {
            let net = match entry.after.ledger.account() {
                Some(account) => nets.remove(account),
                None => Some(std::mem::take(&mut used_up)),
            };
            if net != Some(i128::from(entry.amount.get())) {
                broken.push(format!("{batch}: {} moved {}, and its records say {net:?}", entry.after.ledger, entry.amount));
            }
            if let (Some(account), Some(state)) = (entry.after.ledger.account(), state) {
                self.compare(account, state, broken);
            }
        }
        if used_up != 0 || !nets.is_empty() {
            broken.push(format!("{batch}: {used_up} used up and {nets:?} have no entry"));
        }
    }

    /// An event comes in once, and is taken back only while it counts.
    fn event(&mut self, record: &UsageRecord, broken: &mut Vec<String>) {
        let event = (record.event.account_id.clone(), record.event.id.clone());
        let counts = self.events.get(&event).copied();
        let fine = match record.kind {
            RecordKind::Usage => counts.is_none(),
            RecordKind::Void => counts == Some(true),
            RecordKind::Correction => counts == Some(false),
        };
        if !fine {
            broken.push(format!("{event:?} is {:?} and was {counts:?}", record.kind));
        }
        self.events.insert(event, record.kind != RecordKind::Void);
    }

    /// The totals that an entry carries are the sum of all records so far.
    fn compare(&self, account: &AccountId, state: &UsageState, broken: &mut Vec<String>) {
        for (month, kept) in &state.months {
            if self.volumes.get(&(account.clone(), *month)).copied().unwrap_or_default() != i128::from(kept.volume.get()) {
                broken.push(format!("{account} {month}: the volume is not the sum of its records"));
            }
            for (meter, theirs) in &kept.meters {
                let ours = self.lines.get(&(account.clone(), *month, meter.clone())).copied().unwrap_or_default();
                let theirs = (i128::from(theirs.quantity.get()), theirs.paid.get(), theirs.cost.get(), i128::from(theirs.earned.get()));
                if ours != theirs {
                    broken.push(format!("{account} {month} {meter}: {theirs:?} is carried, and the records say {ours:?}"));
                }
            }
        }
        let oldest = state.months.keys().next().copied();
        let own = self.lines.range((account.clone(), Month::of(jiff::Timestamp::MIN), "a".parse().unwrap_or_else(|_| unreachable!()))..);
        for ((_, month, meter), line) in own.take_while(|((id, ..), _)| id == account) {
            let kept = state.months.get(month).is_some_and(|kept| kept.meters.contains_key(meter));
            if !kept && *line != Line::default() && oldest.is_some_and(|oldest| *month >= oldest) {
                broken.push(format!("{account} {month} {meter}: nothing is carried, and the records say {line:?}"));
            }
        }
    }
}
