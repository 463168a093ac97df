//! Tables and facts of documents with many members: what of a row is shown, and how.

use serde_json::Value;

use crate::output::{Column, facts, shown, table};

/// A column's head, and what of a row stands in it.
pub type Cell = (Column, fn(&Value) -> String);

/// A table of rows without the columns in which no row has anything; `none` if there are no rows.
pub fn listed(rows: &[Value], cells: &[Cell], none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let used: Vec<&Cell> = cells.iter().filter(|(_, cell)| rows.iter().any(|row| !cell(row).is_empty())).collect();
    let heads: Vec<Column> = used.iter().map(|(head, _)| *head).collect();
    table(&heads, rows.iter().map(|row| used.iter().map(|(_, cell)| cell(row)).collect())).join("\n")
}

/// The members of a document that have a value, one a line, in this order: what each is called, and where it stands.
pub fn about(document: &Value, members: &[(&str, &str)]) -> String {
    facts(members.iter().map(|(name, member)| (*name, text(document, member))))
}

/// A member as people write it; nothing if there is none.
pub fn text(document: &Value, member: &str) -> String {
    shown(&document[member])
}

/// A number without the zeros at the end of its decimals.
pub fn short(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, decimals)) => match decimals.trim_end_matches('0') {
            "" => whole.to_owned(),
            rest => format!("{whole}.{rest}"),
        },
        None => number.to_owned(),
    }
}

/// A member that is a number, without the zeros at its end.
pub fn brief(document: &Value, member: &str) -> String {
    short(&text(document, member))
}

/// The rows of a member that is a list.
pub fn rows<'a>(document: &'a Value, member: &str) -> &'a [Value] {
    document[member].as_array().map_or(&[], Vec::as_slice)
}

/// Parts with an empty line between, without those that say nothing.
pub fn parts<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        let cells: [Cell; 3] = [
            (Column::Left("ID"), |row| text(row, "id")),
            (Column::Left("CODE"), |row| text(row, "code")),
            (Column::Right("PRICE"), |row| brief(row, "price")),
        ];
        let rows = [json!({"id": "a", "code": null, "price": "1.500000"}), json!({"id": "b", "code": null, "price": "20.000000"})];
        assert_eq!(listed(&rows, &cells, "None."), "ID  PRICE\na     1.5\nb      20");
        assert_eq!(listed(&[], &cells, "None."), "None.");
    }

    #[test]
    fn a_number_loses_only_zeros_behind_its_point() {
        assert_eq!(["1.500000", "100", "0.000000", "-2.000010"].map(short), ["1.5", "100", "0", "-2.00001"]);
    }
}
