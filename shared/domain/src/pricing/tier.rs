//! Volume tiers: what a reseller's subtree used this month and last month decides its discount. Nothing else is stored.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::pricing::error::{PricingError, Reason};
use crate::pricing::meter::TierName;
use crate::pricing::number::{Overflow, PARTS_OF_ONE, Percent, Picos, Quantity, div_half_even};

/// The most tiers of one table.
pub const MAX_TIERS: usize = 20;

/// The name of what is below the first tier.
pub const NO_TIER: &str = "none";

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name.
    pub name: TierName,
    /// The month's volume from which on it is in force, above 0.
    pub from: Quantity,
    /// What it takes off, 0 to 100 %.
    pub discount: Percent,
}

/// The tiers that a seller gives its direct resellers, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierTable {
    /// The tiers, lowest first, at most [`MAX_TIERS`].
    pub tiers: Vec<Tier>,
}

/// Where a reseller stands in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The tier in force; `None` is below the first.
    pub tier: Option<&'a Tier>,
    /// It is in force only because of last month's volume.
    pub grace: bool,
}

impl Standing<'_> {
    /// The tier's name, `none` below the first.
    pub fn name(&self) -> &str {
        self.tier.map_or(NO_TIER, |tier| tier.name.as_str())
    }

    /// What it takes off.
    pub fn discount(&self) -> Percent {
        self.tier.map_or(Percent::ZERO, |tier| tier.discount)
    }
}

/// The next tier up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextTier {
    /// Its name.
    pub name: TierName,
    /// From which volume of the month on it is in force.
    pub from: Quantity,
    /// Its discount.
    pub discount: Percent,
    /// What is missing this month.
    pub missing: Quantity,
    /// What it would have saved on this month's spend so far: that spend was paid under the present discount d, so before it
    /// it was spend ÷ (1 − d), and under the next discount n it would have been spend × (1 − n) ÷ (1 − d). This is the
    /// difference, `spend × (n − d) ÷ (1 − d)`, as if the present discount had held all month.
    pub would_save: Picos,
}

impl TierTable {
    /// The operator's table until it sets one: bronze, silver, gold, platinum (`tiers.json`).
    pub fn default_table() -> &'static TierTable {
        #[derive(Deserialize)]
        struct File {
            #[serde(rename = "about")]
            _about: Vec<String>,
            tiers: Vec<Tier>,
        }
        static TABLE: OnceLock<TierTable> = OnceLock::new();
        TABLE.get_or_init(|| {
            // A test holds the file to this; a table without tiers would give no discount.
            let file = serde_json::from_str::<File>(include_str!("tiers.json")).map(|file| file.tiers);
            TierTable { tiers: file.unwrap_or_default() }
        })
    }

    /// Refuses a table that is not one.
    ///
    /// # Errors
    /// The first thing found, with its pointer.
    pub fn validate(&self) -> Result<(), PricingError> {
        if self.tiers.len() > MAX_TIERS {
            return Err(PricingError::at("/tiers", Reason::TooMany(MAX_TIERS)));
        }
        let mut earlier: Option<&Tier> = None;
        for (at, tier) in self.tiers.iter().enumerate() {
            let wrong = |field: &str, reason| Err(PricingError::at(format!("/tiers/{at}/{field}"), reason));
            if tier.name.as_str() == NO_TIER {
                return wrong("name", Reason::Shape("none is what is below the first tier"));
            }
            if self.tiers.iter().take(at).any(|other| other.name == tier.name) {
                return wrong("name", Reason::Duplicate);
            }
            if tier.from.get() <= 0 {
                return wrong("from", Reason::NotPositive);
            }
            if tier.from > Quantity::MAX_NAMED {
                return wrong("from", Reason::OutOfRange("0", "1000000000000"));
            }
            if tier.discount.is_negative() || tier.discount > Percent::HUNDRED {
                return wrong("discount", Reason::OutOfRange("0", "100"));
            }
            if earlier.is_some_and(|earlier| tier.from <= earlier.from) {
                return wrong("from", Reason::NotRising);
            }
            if earlier.is_some_and(|earlier| tier.discount <= earlier.discount) {
                return wrong("discount", Reason::NotRising);
            }
            earlier = Some(tier);
        }
        Ok(())
    }

    /// The tier of one volume; `None` below the first.
    pub fn tier_at(&self, volume: Quantity) -> Option<&Tier> {
        self.tiers.iter().rev().find(|tier| volume >= tier.from)
    }

    /// The tier in force: the higher of the one of this month's volume so far and the one of last month's.
    pub fn tier_of(&self, volume_now: Quantity, volume_previous: Quantity) -> Standing<'_> {
        let tier = self.tier_at(volume_now.max(volume_previous));
        let grace = tier.is_some_and(|tier| volume_now < tier.from);
        Standing { tier, grace }
    }

    /// The tier above the one in force, how far it is, and what it would have saved on `spend`, this month's spend so far
    /// under the table; `None` at the top.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn next(&self, volume_now: Quantity, volume_previous: Quantity, spend: Picos) -> Result<Option<NextTier>, Overflow> {
        let standing = self.tier_of(volume_now, volume_previous);
        let reached = volume_now.max(volume_previous);
        let Some(tier) = self.tiers.iter().find(|tier| tier.from > reached) else {
            return Ok(None);
        };
        let left = PARTS_OF_ONE - standing.discount().parts();
        let gained = tier.discount.parts() - standing.discount().parts();
        let would_save = match spend.get().checked_mul(i128::from(gained)) {
            Some(product) if left > 0 => Picos::new(div_half_even(product, i128::from(left))),
            Some(_) => Picos::ZERO,
            None => return Err(Overflow),
        };
        let missing = tier.from.minus(volume_now)?;
        Ok(Some(NextTier { name: tier.name.clone(), from: tier.from, discount: tier.discount, missing, would_save }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::testing::{percent, picos, quantity};

    fn names(table: &TierTable, pairs: &[(&str, &str)]) -> Vec<String> {
        let of = |(now, previous): &(&str, &str)| {
            let standing = table.tier_of(quantity(now), quantity(previous));
            format!("{}{} {}", standing.name(), if standing.grace { "*" } else { "" }, standing.discount())
        };
        pairs.iter().map(of).collect()
    }

    #[test]
    fn the_operators_table_is_the_one_promised() {
        let table = TierTable::default_table();
        assert_eq!(table.validate(), Ok(()));
        let shown: Vec<_> = table.tiers.iter().map(|tier| format!("{} {} {}", tier.name, tier.from, tier.discount)).collect();
        assert_eq!(shown, ["bronze 1000.000000 5", "silver 5000.000000 10", "gold 25000.000000 20", "platinum 100000.000000 35"]);
    }

    #[test]
    fn a_tier_begins_at_its_threshold_and_last_months_is_kept_for_one_month() {
        let table = TierTable::default_table();
        let pairs = [
            ("0", "0"),
            ("999.999999", "0"),
            ("1000", "0"),
            ("24999", "0"),
            ("25000", "1000"),
            ("0", "25000"),
            ("5000", "25000"),
            ("100000", "25000"),
        ];
        assert_eq!(names(table, &pairs), ["none 0", "none 0", "bronze 5", "silver 10", "gold 20", "gold* 20", "gold* 20", "platinum 35"]);
    }

    #[test]
    fn the_next_tier_says_what_is_missing_and_what_it_would_have_saved() {
        let table = TierTable::default_table();
        // 90 was paid at 10 % off, so 100 before it; at 20 % off it would have been 80.
        let next = table.next(quantity("6000"), quantity("0"), picos("90")).expect("fits").expect("there is one");
        assert_eq!((next.name.as_str(), next.missing, next.discount), ("gold", quantity("19000"), percent("20")));
        assert_eq!(next.would_save, picos("10"));
        // In grace the month's own volume counts for the distance, the tier in force for the comparison.
        let next = table.next(quantity("10"), quantity("25000"), picos("80")).expect("fits").expect("there is one");
        assert_eq!((next.name.as_str(), next.missing, next.would_save), ("platinum", quantity("99990"), picos("15")));
        assert_eq!(table.next(quantity("100000"), quantity("0"), picos("1")), Ok(None));
        assert_eq!(table.next(quantity("0"), quantity("0"), Picos::new(i128::MAX)), Err(Overflow));
    }

    #[test]
    fn a_table_that_does_not_rise_is_refused_with_its_pointer() {
        for (tiers, pointer) in [
            (r#"[{"name":"none","from":"1","discount":"1"}]"#, "/tiers/0/name"),
            (r#"[{"name":"a","from":"0","discount":"1"}]"#, "/tiers/0/from"),
            (r#"[{"name":"a","from":"1000000000000.1","discount":"1"}]"#, "/tiers/0/from"),
            (r#"[{"name":"a","from":"1","discount":"100.5"}]"#, "/tiers/0/discount"),
            (r#"[{"name":"a","from":"1","discount":"-1"}]"#, "/tiers/0/discount"),
            (r#"[{"name":"a","from":"1","discount":"1"},{"name":"a","from":"2","discount":"2"}]"#, "/tiers/1/name"),
            (r#"[{"name":"a","from":"1","discount":"1"},{"name":"b","from":"1","discount":"2"}]"#, "/tiers/1/from"),
            (r#"[{"name":"a","from":"1","discount":"1"},{"name":"b","from":"2","discount":"1"}]"#, "/tiers/1/discount"),
        ] {
            let table: TierTable = serde_json::from_str(&format!(r#"{{"tiers":{tiers}}}"#)).expect("reads");
            assert_eq!(table.validate().map_err(|error| error.pointer), Err(pointer.to_owned()), "{tiers}");
        }
        assert_eq!(TierTable::default().validate(), Ok(()), "no tiers is a table without discounts");
    }
}
