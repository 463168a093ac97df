//! Sizes and limits of items, by the rules AWS publishes.
//!
//! The rules: "DynamoDB item sizes and formats" and "Constraints in Amazon DynamoDB" of the developer guide.

use crate::table::{Item, Value};

/// The largest item, in bytes of [`item_size`] (400 KB).
pub const MAX_ITEM_BYTES: usize = 400 * 1024;
/// The largest partition key, in bytes of UTF-8.
pub const MAX_PK_BYTES: usize = 2048;
/// The largest sort key, in bytes of UTF-8.
pub const MAX_SK_BYTES: usize = 1024;
/// The most one page of a query reads, in bytes of [`item_size`] (1 MB).
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// The most one transaction carries, in bytes of its items (4 MB).
pub const MAX_TRANSACT_BYTES: usize = 4 * 1024 * 1024;

/// The size of an item in bytes: each attribute's name and value.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// The size of a value in bytes.
///
/// Text counts its UTF-8; a number one byte for two significant digits, one more, and one for a minus sign; a list or a
/// map 3 bytes, and one more for each element.
pub fn value_size(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => number_size(*number),
        Value::B(bytes) => bytes.len(),
        Value::Bool(_) => 1,
        Value::L(values) => 3 + values.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        Value::M(map) => 3 + map.len() + item_size(map),
        Value::Unknown(what) => what.len(),
    }
}

fn number_size(number: i64) -> usize {
    let mut rest = number.unsigned_abs();
    while rest != 0 && rest.is_multiple_of(10) {
        rest /= 10;
    }
    let digits = if rest == 0 { 0 } else { rest.ilog10() as usize + 1 };
    digits.div_ceil(2) + 1 + usize::from(number < 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_their_significant_digits() {
        let sizes = [(0, 1), (7, 2), (42, 2), (-42, 3), (100, 2), (1_234_567, 5), (i64::MAX, 11), (i64::MIN, 12)];
        for (number, size) in sizes {
            assert_eq!(number_size(number), size, "{number}");
        }
    }

    #[test]
    fn nested_values_count_their_overhead() {
        let list = Value::L(vec![Value::Bool(true), Value::S("ab".into())]);
        assert_eq!(value_size(&list), 3 + 2 + 3);
        let map = Value::M(Item::from([("k".to_owned(), Value::N(5))]));
        assert_eq!(value_size(&map), 3 + 1 + 1 + 2);
    }
}
