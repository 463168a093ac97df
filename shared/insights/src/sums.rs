//! The figures that a roster keeps apart from its rows: of every month, for churn and profit; of the last days, for decay.

use std::collections::BTreeMap;

use crate::change::{RowChange, SlotKey};
use crate::figures::Figures;
use crate::pack::{Packer, Unpacker, Unreadable, unpacked};

const MARK: &[u8; 4] = b"RS02";

/// The figures of some slots of each account, by the slot's number: of months, or of days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots(BTreeMap<u128, Vec<Kept>>);

/// One slot's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The slot's number.
    pub slot: i32,
    /// Up to which entry it holds the account's ledger.
    pub seq: i64,
    /// The figures.
    pub figures: Figures,
}

/// Which slots are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Months.
    Months,
    /// Days.
    Days,
}

impl Slots {
    /// Takes over what was told.
    pub fn apply(&mut self, of: Of, changes: &[RowChange]) {
        for change in changes {
            for sum in &change.sums {
                let slot = match (of, sum.slot) {
                    (Of::Months, SlotKey::Month(slot)) | (Of::Days, SlotKey::Day(slot)) => slot,
                    (Of::Months, SlotKey::Day(_)) | (Of::Days, SlotKey::Month(_)) => continue,
                };
                let kept = Kept { slot, seq: sum.seq, figures: sum.figures };
                let own = self.0.entry(change.id.as_u128()).or_default();
                match own.binary_search_by_key(&slot, |kept| kept.slot) {
                    Ok(at) if own[at].seq >= sum.seq => {}
                    Ok(at) => own[at] = kept,
                    Err(at) => own.insert(at, kept),
                }
            }
        }
    }

    /// Every account's slots, the earliest first, those of accounts that were moved away too.
    pub fn every(&self) -> impl Iterator<Item = (u128, &[Kept])> {
        self.0.iter().map(|(id, own)| (*id, own.as_slice()))
    }

    /// An account's slots, the earliest first.
    pub fn of(&self, id: u128) -> &[Kept] {
        self.0.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    /// An account's figures of one slot.
    pub fn get(&self, id: u128, slot: i32) -> Option<&Kept> {
        let own = self.of(id);
        own.binary_search_by_key(&slot, |kept| kept.slot).ok().map(|at| &own[at])
    }

    /// What an account was paid and paid in the slots from one to before another.
    pub fn between(&self, id: u128, from: i32, to: i32) -> impl Iterator<Item = &Kept> {
        let own = self.of(id);
        let first = own.partition_point(|kept| kept.slot < from);
        own[first..].iter().take_while(move |kept| kept.slot < to)
    }

    /// Drops the slots before `from` of every account, `from` being asked of each.
    pub fn forget(&mut self, from: impl Fn(u128) -> i32) {
        self.0.retain(|id, own| {
            let from = from(*id);
            own.retain(|kept| kept.slot >= from);
            !own.is_empty()
        });
    }

    /// Its bytes.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn pack(&self) -> std::io::Result<Vec<u8>> {
        let mut packer = Packer::new(MARK);
        packer.length(self.0.len());
        for (id, own) in &self.0 {
            packer.id(*id);
            packer.length(own.len());
            let mut before = 0;
            for Kept { slot, seq, figures } in own {
                packer.number(i64::from(*slot) - before);
                before = i64::from(*slot);
                packer.number(*seq);
                let Figures { revenue, cost, own_revenue, own_cost, direct } = *figures;
                [revenue, cost, own_revenue, own_cost, direct].into_iter().for_each(|number| packer.number(number));
            }
        }
        packer.packed()
    }

    /// Reads what [`Slots::pack`] made.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn unpack(bytes: &[u8]) -> Result<Self, Unreadable> {
        let bytes = unpacked(bytes)?;
        let mut read = Unpacker::new(&bytes, MARK)?;
        let accounts = read.length()?;
        let mut all = Vec::with_capacity(accounts.min(1 << 20));
        for _ in 0..accounts {
            let (id, count) = (read.id()?, read.length()?);
            let (mut own, mut slot) = (Vec::with_capacity(count.min(1 << 12)), 0_i64);
            for _ in 0..count {
                slot += read.number()?;
                let seq = read.number()?;
                let (revenue, cost, own_revenue) = (read.number()?, read.number()?, read.number()?);
                let figures = Figures { revenue, cost, own_revenue, own_cost: read.number()?, direct: read.number()? };
                own.push(Kept { slot: i32::try_from(slot).map_err(|_| Unreadable("a slot is none"))?, seq, figures });
            }
            all.push((id, own));
        }
        Ok(Self(all.into_iter().collect()))
    }

    /// Some bytes that it takes, for caches.
    pub fn weight(&self) -> usize {
        self.0.values().map(|own| 64 + own.len() * size_of::<Kept>()).sum()
    }
}
