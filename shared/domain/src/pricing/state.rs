//! What an account's subtree used and paid in the months that are still open, carried along its ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, PromotionId};
use crate::money::Micros;
use crate::pricing::meter::MeterKey;
use crate::pricing::month::Month;
use crate::pricing::number::{Overflow, Picos, Quantity};

/// The most months that a state keeps: as late as usage may be, one more for the tiers, and the running one.
pub const MAX_MONTHS: usize = 4;

/// One meter in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeterState {
    /// What the whole subtree used: the sum of contributions.
    pub quantity: Quantity,
    /// What the account paid its seller for it, exactly.
    pub paid: Picos,
    /// What its seller paid for the same usage, exactly; zero where the seller owns the meter.
    pub cost: Picos,
    /// What its direct sub-accounts paid it.
    pub earned: Micros,
    /// The largest quantity of the account's own events, for `max` meters.
    pub max: Quantity,
}

/// One month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthState {
    /// What counts to the account's tier.
    pub volume: Quantity,
    /// By meter.
    pub meters: BTreeMap<MeterKey, MeterState>,
    /// What the account's own usage got from promotions that have a cap.
    pub promos: BTreeMap<PromotionId, Picos>,
}

/// The state of an account after a usage entry of its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageState {
    /// What the account paid its seller in all months that are not kept any more, exactly: with the months that are kept it is
    /// everything it ever paid, so that nothing is lost between two invoices.
    pub older: Picos,
    /// What its sellers paid for the same, exactly.
    pub older_cost: Picos,
    /// The newest [`MAX_MONTHS`] months with usage.
    pub months: BTreeMap<Month, MonthState>,
    /// What was taken back of usage that the account bought of sellers it has left since: they paid it back in credit. It is out of
    /// the totals above; this grows only.
    pub returned: BTreeMap<ReturnedOf, Returned>,
}

/// Of what was taken back, where it was: the seller that had sold it, and month and meter as long as the month is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReturnedOf {
    /// The seller.
    pub seller: AccountId,
    /// The month and the meter; none of months that are not kept any more.
    pub of: Option<(Month, MeterKey)>,
}

/// What was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Returned {
    /// The quantity.
    pub quantity: Quantity,
    /// What the account got back, exactly.
    pub paid: Picos,
    /// What its seller got back for the same, exactly.
    pub cost: Picos,
}

impl Returned {
    /// Both together.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        Ok(Self { quantity: self.quantity.plus(other.quantity)?, paid: self.paid.plus(other.paid)?, cost: self.cost.plus(other.cost)? })
    }

    /// This without the other.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        Ok(Self { quantity: self.quantity.minus(other.quantity)?, paid: self.paid.minus(other.paid)?, cost: self.cost.minus(other.cost)? })
    }
}

/// The stored form of [`UsageState::returned`]: a month's and a meter's name, or nothing, and raw integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredReturned(AccountId, Option<(Month, MeterKey)>, i64, String, String);

/// What was taken back, as it is stored.
pub(crate) fn store_returned(all: &BTreeMap<ReturnedOf, Returned>) -> Vec<StoredReturned> {
    let one = |(of, sum): (&ReturnedOf, &Returned)| {
        StoredReturned(of.seller.clone(), of.of.clone(), sum.quantity.get(), sum.paid.get().to_string(), sum.cost.get().to_string())
    };
    all.iter().map(one).collect()
}

/// Reads what [`store_returned`] made; none if a number does not read.
pub(crate) fn read_returned(stored: Vec<StoredReturned>) -> Option<BTreeMap<ReturnedOf, Returned>> {
    let picos = |text: &str| text.parse().ok().map(Picos::new);
    let one = |StoredReturned(seller, of, quantity, paid, cost): StoredReturned| {
        let sum = Returned { quantity: Quantity::new(quantity), paid: picos(&paid)?, cost: picos(&cost)? };
        Some((ReturnedOf { seller, of }, sum))
    };
    stored.into_iter().map(one).collect()
}

/// Moves what was taken back of months that `keeps` says no to where months are not told apart.
///
/// # Errors
/// [`Overflow`].
pub(crate) fn fold_returned(all: &mut BTreeMap<ReturnedOf, Returned>, keeps: impl Fn(&ReturnedOf) -> bool) -> Result<(), Overflow> {
    let gone: Vec<ReturnedOf> = all.keys().filter(|of| of.of.is_some() && !keeps(of)).cloned().collect();
    for of in gone {
        if let Some(sum) = all.remove(&of) {
            let into = all.entry(ReturnedOf { seller: of.seller, of: None }).or_default();
            *into = into.plus(sum)?;
        }
    }
    Ok(())
}

/// A stored state could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored usage state is malformed: {0}")]
pub struct StateError(String);

/// The stored form: raw integers in short texts, since it is in every usage entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    older: Option<String>,
    #[serde(rename = "oc", default, skip_serializing_if = "Option::is_none")]
    older_cost: Option<String>,
    #[serde(rename = "m", default)]
    months: BTreeMap<Month, StoredMonth>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    returned: Vec<StoredReturned>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMonth {
    #[serde(rename = "v", default)]
    volume: i64,
    #[serde(rename = "m", default)]
    meters: BTreeMap<MeterKey, String>,
    #[serde(rename = "p", default, skip_serializing_if = "BTreeMap::is_empty")]
    promos: BTreeMap<PromotionId, String>,
}

impl MeterState {
    /// `quantity:paid:cost:earned:max`, raw integers.
    fn encode(&self) -> String {
        format!("{}:{}:{}:{}:{}", self.quantity.get(), self.paid.get(), self.cost.get(), self.earned.get(), self.max.get())
    }

    fn decode(text: &str) -> Result<Self, StateError> {
        let wrong = || StateError(format!("meter {text:?}"));
        let mut parts = text.split(':');
        let mut next = || parts.next().ok_or_else(wrong);
        let state = Self {
            quantity: Quantity::new(next()?.parse().map_err(|_| wrong())?),
            paid: Picos::new(next()?.parse().map_err(|_| wrong())?),
            cost: Picos::new(next()?.parse().map_err(|_| wrong())?),
            earned: Micros::new(next()?.parse().map_err(|_| wrong())?),
            max: Quantity::new(next()?.parse().map_err(|_| wrong())?),
        };
        if parts.next().is_some() { Err(wrong()) } else { Ok(state) }
    }
}

impl UsageState {
    /// The stored text.
    pub fn encode(&self) -> String {
        let month = |state: &MonthState| StoredMonth {
            volume: state.volume.get(),
            meters: state.meters.iter().map(|(key, meter)| (key.clone(), meter.encode())).collect(),
            promos: state.promos.iter().map(|(id, used)| (id.clone(), used.get().to_string())).collect(),
        };
        let months = self.months.iter().map(|(at, state)| (*at, month(state))).collect();
        // Maps with texts as keys always serialise.
        let sum = |sum: Picos| (!sum.is_zero()).then(|| sum.get().to_string());
        let (older, older_cost) = (sum(self.older), sum(self.older_cost));
        let returned = store_returned(&self.returned);
        serde_json::to_string(&Stored { older, older_cost, months, returned }).unwrap_or_default()
    }

    /// Reads what [`UsageState::encode`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for anything else.
    pub fn decode(text: &str) -> Result<Self, StateError> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| StateError(error.to_string()))?;
        let sum = |text: Option<String>| match text {
            Some(text) => text.parse().map(Picos::new).map_err(|_| StateError(format!("older {text:?}"))),
            None => Ok(Picos::ZERO),
        };
        let returned = read_returned(stored.returned).ok_or_else(|| StateError("what was taken back".to_owned()))?;
        let (older, older_cost) = (sum(stored.older)?, sum(stored.older_cost)?);
        let mut state = Self { older, older_cost, months: BTreeMap::new(), returned };
        for (at, month) in stored.months {
            let mut into = MonthState { volume: Quantity::new(month.volume), ..MonthState::default() };
            for (key, meter) in month.meters {
                into.meters.insert(key, MeterState::decode(&meter)?);
            }
            for (id, used) in month.promos {
                let used = used.parse().map_err(|_| StateError(format!("promotion {used:?}")))?;
                into.promos.insert(id, Picos::new(used));
            }
            state.months.insert(at, into);
        }
        Ok(state)
    }

    /// One meter in one month; all zero if there was none.
    pub fn meter(&self, month: Month, key: &MeterKey) -> MeterState {
        self.months.get(&month).and_then(|state| state.meters.get(key)).copied().unwrap_or_default()
    }

    /// What counts to the tier in one month.
    pub fn volume(&self, month: Month) -> Quantity {
        self.months.get(&month).map(|state| state.volume).unwrap_or_default()
    }

    /// What the account's own usage got from a promotion that has a cap, ever.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn promo_used(&self, id: &PromotionId) -> Result<Picos, Overflow> {
        let mut used = self.months.values().filter_map(|month| month.promos.get(id));
        used.try_fold(Picos::ZERO, |sum, used| sum.plus(*used))
    }

    /// Whether totals of `month` can be kept: it is among the newest [`MAX_MONTHS`].
    pub fn keeps(&self, month: Month) -> bool {
        let full = self.months.len() >= MAX_MONTHS && !self.months.contains_key(&month);
        !full || self.months.first_key_value().is_none_or(|(oldest, _)| month > *oldest)
    }

    /// Drops all but the newest [`MAX_MONTHS`] months. What promotions with a cap gave in them is kept with the oldest left, since
    /// a cap counts for ever; what was paid in them, and what of it was taken back, is kept as one sum.
    pub fn prune(&mut self) {
        while self.months.len() > MAX_MONTHS {
            let Some((at, dropped)) = self.months.pop_first() else { return };
            // Saturation is far beyond what totals may reach: `Overflow` refuses before.
            let _ = fold_returned(&mut self.returned, |of| of.of.as_ref().is_none_or(|(month, _)| *month > at));
            for meter in dropped.meters.values() {
                self.older = Picos::new(self.older.get().saturating_add(meter.paid.get()));
                self.older_cost = Picos::new(self.older_cost.get().saturating_add(meter.cost.get()));
            }
            let Some(mut oldest) = self.months.first_entry() else { return };
            for (id, used) in dropped.promos {
                let kept = oldest.get_mut().promos.entry(id).or_default();
                *kept = Picos::new(kept.get().saturating_add(used.get()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::number::Percent;
    use crate::pricing::promotion::PromotionRule;
    use crate::pricing::testing::{key, month, promotion};

    fn some(volume: i64) -> MonthState {
        let meter = MeterState {
            quantity: Quantity::new(i64::MAX),
            paid: Picos::new(i128::MIN),
            cost: Picos::new(i128::MAX),
            earned: Micros::new(-1),
            max: Quantity::new(7),
        };
        let promotion = promotion(1, PromotionRule::Percent(Percent::HUNDRED));
        MonthState {
            volume: Quantity::new(volume),
            meters: BTreeMap::from([(key(), meter)]),
            promos: BTreeMap::from([(promotion.id, Picos::new(5))]),
        }
    }

    #[test]
    fn a_state_reads_back_and_anything_else_is_refused() {
        let full = UsageState {
            older: Picos::new(-3),
            older_cost: Picos::new(i128::MIN),
            months: BTreeMap::from([(month(), some(1)), (month().next(), some(2))]),
            ..UsageState::default()
        };
        for state in [UsageState::default(), full] {
            assert_eq!(UsageState::decode(&state.encode()), Ok(state));
        }
        let small = MonthState {
            meters: BTreeMap::from([(key(), MeterState { quantity: Quantity::ONE, ..MeterState::default() })]),
            ..MonthState::default()
        };
        let state = UsageState { months: BTreeMap::from([(month(), small)]), ..UsageState::default() };
        assert_eq!(state.encode(), r#"{"m":{"2026-11":{"v":0,"m":{"sms":"1000000:0:0:0:0"}}}}"#);
        for wrong in [
            "",
            "{",
            r#"{"x":1}"#,
            r#"{"o":"x"}"#,
            r#"{"m":{"2026-13":{}}}"#,
            r#"{"m":{"2026-11":{"m":{"sms":"1:2:3:4"}}}}"#,
            r#"{"m":{"2026-11":{"m":{"sms":"1:2:3:4:5:6"}}}}"#,
            r#"{"m":{"2026-11":{"m":{"sms":"1:2:3:4:x"}}}}"#,
        ] {
            assert!(UsageState::decode(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn four_months_are_kept_and_what_a_cap_gave_is_never_forgotten() {
        let first = month();
        let mut state = UsageState::default();
        let mut at = first;
        for _ in 0..7 {
            state.months.insert(at, some(1));
            state.prune();
            at = at.next();
        }
        assert_eq!(state.months.len(), MAX_MONTHS);
        let id = state.months.values().next().and_then(|month| month.promos.keys().next().cloned()).expect("a promotion");
        assert_eq!(state.promo_used(&id), Ok(Picos::new(35)));
        assert!(!state.keeps(first) && state.keeps(at) && state.keeps(at.prev()));
        assert_eq!(state.older, Picos::new(i128::MIN), "what was paid is kept, as far as it can be counted");
    }
}
