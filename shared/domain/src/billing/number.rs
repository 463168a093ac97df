//! Numbers of invoices and credit notes: one series each for a seller, counted from one without gaps.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::text::TextError;

/// What a seller's numbers begin with: 1 to 16 characters of `A–Z 0–9 -`, the first and the last none of `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NumberPrefix(String);

impl NumberPrefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// [`TextError::Shape`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let alphabet = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        if (1..=16).contains(&text.len()) && alphabet && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::Shape("must be 1 to 16 capital letters, digits and -, such as \"INV\" or \"ACME-26\""))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NumberPrefix {
    fn default() -> Self {
        Self("INV".to_owned())
    }
}

impl fmt::Display for NumberPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NumberPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What is numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// Invoices: `INV-000001`.
    Invoice,
    /// Credit notes: `INV-CN-000001`.
    CreditNote,
}

/// How far a seller's series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// The last number of an invoice; 0 before the first.
    #[serde(default)]
    pub invoices: u64,
    /// The last number of a credit note; 0 before the first.
    #[serde(default)]
    pub credit_notes: u64,
}

impl Counters {
    /// Takes the next number of a series. Whoever commits it commits the counters with it, so that no number is left out or used
    /// twice. Another prefix goes on counting.
    pub fn take(&mut self, series: Series, prefix: &NumberPrefix) -> String {
        let (counter, middle) = match series {
            Series::Invoice => (&mut self.invoices, ""),
            Series::CreditNote => (&mut self.credit_notes, "CN-"),
        };
        *counter = counter.saturating_add(1);
        format!("{prefix}-{middle}{counter:06}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_one_another_in_each_series_whatever_the_prefix() {
        let (inv, new) = (NumberPrefix::default(), NumberPrefix::parse("ACME-27").expect("a prefix"));
        let mut counters = Counters::default();
        let mut take = |series, prefix| counters.take(series, prefix);
        assert_eq!(take(Series::Invoice, &inv), "INV-000001");
        assert_eq!(take(Series::CreditNote, &inv), "INV-CN-000001");
        assert_eq!(take(Series::Invoice, &new), "ACME-27-000002");
        assert_eq!(Counters { invoices: 999_999, ..counters }.take(Series::Invoice, &inv), "INV-1000000");
    }

    #[test]
    fn a_prefix_has_an_alphabet() {
        for wrong in ["", "inv", "-A", "A-", "A B", "A/B", "AAAAAAAAAAAAAAAAA", "Ä"] {
            assert!(NumberPrefix::parse(wrong).is_err(), "{wrong}");
        }
    }
}
