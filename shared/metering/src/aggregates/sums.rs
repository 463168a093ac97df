//! The sums of one slot of time, and who sees what of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_domain::id::AccountId;
use tributary_domain::money::{Micros, Overflow};
use tributary_domain::pricing::meter::{MeterKey, PropertyName};
use tributary_domain::pricing::number::Quantity;
use tributary_store::aggregates::Size;

use crate::record::{RecordKind, UsageRecord};

/// The most combinations of dimension values that one slot keeps apart; what else there is goes into one named `other`.
pub const MAX_COMBINATIONS: usize = 100;
/// The most direct sub-accounts that one month keeps apart.
pub const MAX_SUBS: usize = 200;

/// Who pays for some usage, from the account whose sums these are up to the direct child of the meter's owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Payers {
    /// The owner of the meter.
    pub owner: AccountId,
    /// The account itself first; none if it owns the meter.
    pub payers: Vec<AccountId>,
}

/// Where the figures of a caller are among the sums of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// The payer whose amount is the caller's cost; none for the meter's owner, whom it costs nothing.
    cost: Option<usize>,
    /// The payer whose amount the caller earns; none if these are the caller's own sums: then it is what sub-accounts paid.
    price: Option<usize>,
}

impl Payers {
    /// The caller's level; `None` if the caller does not stand on this way of the money.
    pub fn level(&self, caller: &AccountId) -> Option<Level> {
        if *caller == self.owner {
            return Some(Level { cost: None, price: self.payers.len().checked_sub(1) });
        }
        let at = self.payers.iter().position(|payer| payer == caller)?;
        Some(Level { cost: Some(at), price: at.checked_sub(1) })
    }
}

/// The values of a meter's dimensions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// These; of a meter without dimensions none.
    Of(BTreeMap<PropertyName, String>),
    /// Those of too many to be kept apart.
    Other,
}

/// What is kept apart in a slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellKey {
    /// The meter.
    pub meter: MeterKey,
    /// Who pays.
    pub payers: Payers,
    /// The account's own usage, rather than that of what is below it.
    pub own: bool,
    /// By dimension.
    pub values: Values,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// Contributions to the month's quantity.
    pub quantity: Quantity,
    /// Events; a void takes one away.
    pub events: i64,
    /// What each payer paid.
    pub amounts: Vec<Micros>,
    /// What direct sub-accounts paid the account.
    pub earned: Micros,
}

/// What a caller pays and earns for one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// What the caller pays.
    pub cost: Micros,
    /// What the caller earns; `None` for its own usage.
    pub price: Option<Micros>,
}

impl Cell {
    /// The figures at a level of this cell's payers.
    pub fn figures(&self, key: &CellKey, level: Level) -> Figures {
        let amount = |at: usize| self.amounts.get(at).copied().unwrap_or_default();
        let price = match level.price {
            Some(at) => Some(amount(at)),
            None => (!key.own).then_some(self.earned),
        };
        Figures { cost: level.cost.map(amount).unwrap_or_default(), price }
    }
}

/// What a direct sub-account paid in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sub {
    /// How much, in micro-units; together with `over` what it may be too high by.
    pub paid: i64,
    /// Events.
    pub events: i64,
    /// By how much both may be too high: what the sub-account had that it displaced. Zero for the first [`MAX_SUBS`].
    pub over: i64,
}

/// The sums of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// By meter, payers and dimension values.
    pub cells: BTreeMap<CellKey, Cell>,
    /// By direct sub-account; in months only.
    pub subs: BTreeMap<AccountId, Sub>,
}

/// What one record is for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// When the usage occurred.
    pub at: Timestamp,
    key: CellKey,
    cell: Cell,
    /// The direct sub-account that it came through.
    pub sub: Option<AccountId>,
}

/// The dimensions of meters, by owner and key.
pub type Dimensions = BTreeMap<(AccountId, MeterKey), Vec<PropertyName>>;

/// What a record is for `account`; `None` if it is not on its way.
pub fn part(record: &UsageRecord, account: &AccountId, dimensions: &Dimensions) -> Option<Part> {
    let rated = &record.rated;
    let at = rated.levels.iter().position(|level| level.payer == *account);
    let from = match at {
        Some(at) => at,
        None if rated.owner == *account => rated.levels.len(),
        None => return None,
    };
    let above = rated.levels.get(from..).unwrap_or_default();
    let below = from.checked_sub(1).and_then(|below| rated.levels.get(below));
    let declared = dimensions.get(&(rated.owner.clone(), rated.meter.clone()));
    let value = |name: &PropertyName| Some((name.clone(), record.event.properties.get(name.as_str())?.clone()));
    let values = Values::Of(declared.into_iter().flatten().filter_map(value).collect());
    let payers = Payers { owner: rated.owner.clone(), payers: above.iter().map(|level| level.payer.clone()).collect() };
    Some(Part {
        at: record.event.occurred_at,
        key: CellKey { meter: rated.meter.clone(), payers, own: rated.account == *account, values },
        cell: Cell {
            quantity: rated.contribution,
            events: match record.kind {
                RecordKind::Usage | RecordKind::Correction => 1,
                RecordKind::Void => -1,
            },
            amounts: above.iter().map(|level| level.amount).collect(),
            earned: below.map(|level| level.amount).unwrap_or_default(),
        },
        sub: below.map(|level| level.payer.clone()),
    })
}

impl Sums {
    /// Adds a part.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn add(&mut self, part: &Part, size: Size) -> Result<(), Overflow> {
        let mut key = part.key.clone();
        if !self.cells.contains_key(&key) && has_values(&key.values) {
            let kept = self.cells.keys().filter(|key| has_values(&key.values)).count();
            if kept >= MAX_COMBINATIONS {
                key.values = Values::Other;
            }
        }
        self.cells.entry(key).or_default().plus(&part.cell)?;
        match (&part.sub, size) {
            (Some(sub), Size::Month) => self.add_sub(sub, part.cell.earned, part.cell.events),
            (Some(_), Size::Hour | Size::Day) | (None, _) => {}
        }
        Ok(())
    }

    /// The "space saving" of Metwally, Agrawal and El Abbadi (2005): who comes when all places are taken displaces the smallest
    /// and begins with what that one had. Whoever paid more than a 200th of everything is kept.
    fn add_sub(&mut self, account: &AccountId, paid: Micros, events: i64) {
        let places = self.subs.len();
        if let Some(sub) = self.subs.get_mut(account) {
            sub.paid = sub.paid.saturating_add(paid.get());
            sub.events = sub.events.saturating_add(events);
            return;
        }
        let displaced = match places >= MAX_SUBS {
            true => self.subs.iter().min_by_key(|(_, sub)| sub.paid).map(|(id, sub)| (id.clone(), sub.paid)),
            false => None,
        };
        let over = displaced.as_ref().map_or(0, |(_, paid)| (*paid).max(0));
        if let Some((smallest, _)) = displaced {
            self.subs.remove(&smallest);
        }
        self.subs.insert(account.clone(), Sub { paid: paid.get().saturating_add(over), events, over });
    }

    /// The stored text.
    pub fn encode(&self) -> String {
        let mut stored = Stored::default();
        for (key, cell) in &self.cells {
            let known = stored.payers.iter().position(|payers| *payers == key.payers);
            let payers = known.unwrap_or_else(|| {
                stored.payers.push(key.payers.clone());
                stored.payers.len() - 1
            });
            let values = match &key.values {
                Values::Of(values) => Some(values.clone()),
                Values::Other => None,
            };
            let amounts = cell.amounts.iter().map(|amount| amount.get()).collect();
            stored.cells.push(StoredCell(
                payers,
                key.meter.clone(),
                u8::from(key.own),
                values,
                cell.quantity.get(),
                cell.events,
                amounts,
                cell.earned.get(),
            ));
        }
        stored.subs = self.subs.iter().map(|(id, sub)| (id.clone(), (sub.paid, sub.events, sub.over))).collect();
        // Its maps have texts as keys.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Reads what [`Sums::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn decode(text: &str) -> Result<Self, String> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut sums = Sums::default();
        for StoredCell(payers, meter, own, values, quantity, events, amounts, earned) in stored.cells {
            let payers = stored.payers.get(payers).ok_or("a cell names no payers")?.clone();
            let values = values.map_or(Values::Other, Values::Of);
            let cell = Cell {
                quantity: Quantity::new(quantity),
                events,
                amounts: amounts.into_iter().map(Micros::new).collect(),
                earned: Micros::new(earned),
            };
            sums.cells.insert(CellKey { meter, payers, own: own == 1, values }, cell);
        }
        sums.subs = stored.subs.into_iter().map(|(id, (paid, events, over))| (id, Sub { paid, events, over })).collect();
        Ok(sums)
    }
}

fn has_values(values: &Values) -> bool {
    matches!(values, Values::Of(values) if !values.is_empty())
}

impl Cell {
    fn plus(&mut self, other: &Cell) -> Result<(), Overflow> {
        self.quantity = self.quantity.plus(other.quantity).map_err(|_| Overflow)?;
        self.events = self.events.checked_add(other.events).ok_or(Overflow)?;
        self.earned = self.earned.plus(other.earned)?;
        self.amounts.resize(self.amounts.len().max(other.amounts.len()), Micros::ZERO);
        for (sum, amount) in self.amounts.iter_mut().zip(&other.amounts) {
            *sum = sum.plus(*amount)?;
        }
        Ok(())
    }
}

/// The stored form: raw integers and short names, since it is written again with each fold.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "p")]
    payers: Vec<Payers>,
    #[serde(rename = "c")]
    cells: Vec<StoredCell>,
    #[serde(rename = "s", default, skip_serializing_if = "BTreeMap::is_empty")]
    subs: BTreeMap<AccountId, (i64, i64, i64)>,
}

/// Payers, meter, own, values, quantity, events, amounts, earned.
#[derive(Debug, Serialize, Deserialize)]
struct StoredCell(usize, MeterKey, u8, Option<BTreeMap<PropertyName, String>>, i64, i64, Vec<i64>, i64);
