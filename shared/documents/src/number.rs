//! Numbers as a language writes them.

use rust_decimal::Decimal;

use crate::locale::Locale;

/// A number as it is written, parted before its decimals so that a column can stand on the decimal point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// With the minus and the grouping.
    pub whole: String,
    /// With the point; empty without decimals.
    pub decimals: String,
}

impl Written {
    /// With all of the value's decimals, and no fewer than `least`: nothing is rounded.
    pub fn of(value: Decimal, least: u32, locale: Locale) -> Self {
        let words = locale.words();
        let value = value.normalize();
        let places = usize::try_from(value.scale().max(least)).unwrap_or_default();
        let digits = format!("{:.places$}", value.abs());
        let (whole, decimals) = digits.split_once('.').unwrap_or((&digits, ""));
        let mut grouped = String::with_capacity(whole.len() * 2);
        if value < Decimal::ZERO {
            grouped.push('\u{2212}');
        }
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(words.group);
            }
            grouped.push(digit);
        }
        let decimals = if decimals.is_empty() { String::new() } else { format!("{}{decimals}", words.point) };
        Self { whole: grouped, decimals }
    }

    pub fn text(&self) -> String {
        format!("{}{}", self.whole, self.decimals)
    }
}

pub(crate) fn percent(rate: Decimal, locale: Locale) -> String {
    format!("{}{}%", Written::of(rate, 0, locale).text(), locale.words().percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str, least: u32, locale: Locale) -> String {
        Written::of(value.parse().unwrap(), least, locale).text()
    }

    #[test]
    fn digits_are_grouped_by_the_language() {
        assert_eq!(written("1234567.5", 2, Locale::En), "1,234,567.50");
        assert_eq!(written("1234567.5", 2, Locale::De), "1.234.567,50");
        assert_eq!(written("1234567.5", 2, Locale::Fr), "1\u{202f}234\u{202f}567,50");
        assert_eq!(written("-999", 2, Locale::En), "\u{2212}999.00");
        assert_eq!(written("-1000", 0, Locale::En), "\u{2212}1,000");
        assert_eq!(written("-0.00", 2, Locale::En), "0.00");
        assert_eq!(written("0", 0, Locale::De), "0");
    }

    #[test]
    fn nothing_is_rounded() {
        assert_eq!(written("0.0000125", 2, Locale::En), "0.0000125");
        assert_eq!(written("12.3000", 2, Locale::En), "12.30");
        assert_eq!(written("1.005", 2, Locale::De), "1,005");
        assert_eq!(written("79228162514264337593543950335", 2, Locale::En), "79,228,162,514,264,337,593,543,950,335.00");
    }

    #[test]
    fn percent_stands_as_the_language_has_it() {
        assert_eq!(percent("20".parse().unwrap(), Locale::En), "20%");
        assert_eq!(percent("8.10".parse().unwrap(), Locale::De), "8,1\u{a0}%");
    }
}
