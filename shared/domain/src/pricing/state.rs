//! What an account's subtree used and paid in the months that are still open, carried along its ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::PromotionId;
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
    /// The newest month that was billed; usage goes to a later one.
    pub closed_through: Option<Month>,
    /// The newest [`MAX_MONTHS`] months with usage.
    pub months: BTreeMap<Month, MonthState>,
}

/// A stored state could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored usage state is malformed: {0}")]
pub struct StateError(String);

/// The stored form: raw integers in short texts, since it is in every usage entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    closed_through: Option<Month>,
    #[serde(rename = "m", default)]
    months: BTreeMap<Month, StoredMonth>,
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
        serde_json::to_string(&Stored { closed_through: self.closed_through, months }).unwrap_or_default()
    }

    /// Reads what [`UsageState::encode`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for anything else.
    pub fn decode(text: &str) -> Result<Self, StateError> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| StateError(error.to_string()))?;
        let mut state = Self { closed_through: stored.closed_through, months: BTreeMap::new() };
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

    /// The month that usage of `month` is added to: the later of it and the first not billed.
    pub fn open_month(&self, month: Month) -> Month {
        self.closed_through.map_or(month, |closed| month.max(closed.next()))
    }

    /// Whether totals of `month` can be kept: it is among the newest [`MAX_MONTHS`].
    pub fn keeps(&self, month: Month) -> bool {
        let full = self.months.len() >= MAX_MONTHS && !self.months.contains_key(&month);
        !full || self.months.first_key_value().is_none_or(|(oldest, _)| month > *oldest)
    }

    /// Drops all but the newest [`MAX_MONTHS`] months. What promotions with a cap gave in them is kept with the oldest left, since
    /// a cap counts for ever.
    pub fn prune(&mut self) {
        while self.months.len() > MAX_MONTHS {
            let Some((_, dropped)) = self.months.pop_first() else { return };
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
        let full =
            UsageState { closed_through: Some(month().prev()), months: BTreeMap::from([(month(), some(1)), (month().next(), some(2))]) };
        for state in [UsageState::default(), full] {
            assert_eq!(UsageState::decode(&state.encode()), Ok(state));
        }
        let small = MonthState {
            meters: BTreeMap::from([(key(), MeterState { quantity: Quantity::ONE, ..MeterState::default() })]),
            ..MonthState::default()
        };
        let state = UsageState { closed_through: None, months: BTreeMap::from([(month(), small)]) };
        assert_eq!(state.encode(), r#"{"m":{"2026-11":{"v":0,"m":{"sms":"1000000:0:0:0:0"}}}}"#);
        for wrong in [
            "",
            "{",
            r#"{"x":1}"#,
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
        assert_eq!((state.open_month(at), UsageState { closed_through: Some(at), ..state }.open_month(at)), (at, at.next()));
    }
}
