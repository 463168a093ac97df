//! What a command prints: JSON, tables and facts. Colours only on a terminal, and not with `NO_COLOR`.

use std::io::{self, IsTerminal, Write as _};

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde_json::Value;

/// Where and how results are printed.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether the answer is printed as it is.
    pub json: bool,
    /// The style of results.
    pub style: Style,
    /// The style of errors.
    pub errors: Style,
}

impl Output {
    /// The output of this process.
    pub fn new(json: bool) -> Self {
        Self { json, style: Style::on(&io::stdout()), errors: Style::on(&io::stderr()) }
    }

    /// Prints text and a line's end.
    ///
    /// # Errors
    /// What the system says.
    pub fn text(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Prints a document.
    ///
    /// # Errors
    /// What the system says.
    pub fn document(&self, document: &Value) -> io::Result<()> {
        self.text(&format!("{document:#}"))
    }

    /// Prints the document with `--json`, else what `human` makes of it.
    ///
    /// # Errors
    /// Of `human`, or what the system says.
    pub fn show<E: From<io::Error>>(&self, document: &Value, human: impl FnOnce() -> Result<String, E>) -> Result<(), E> {
        match self.json {
            true => Ok(self.document(document)?),
            false => Ok(self.text(&human()?)?),
        }
    }
}

/// Emphasis, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// No emphasis.
    #[cfg(test)]
    pub const PLAIN: Self = Self { colour: false };

    /// The style for a stream (<https://no-color.org>).
    fn on(stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colour: stream.is_terminal() && !set("NO_COLOR") && !dumb }
    }

    fn wrapped(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Important.
    pub fn bold(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    /// Beside the point.
    pub fn dim(self, text: &str) -> String {
        self.wrapped("2", text)
    }

    /// Wrong.
    pub fn red(self, text: &str) -> String {
        self.wrapped("1;31", text)
    }

    /// As it should be.
    pub fn green(self, text: &str) -> String {
        self.wrapped("32", text)
    }

    /// To be looked at.
    pub fn yellow(self, text: &str) -> String {
        self.wrapped("33", text)
    }
}

/// Text without characters that steer a terminal or reorder what is shown: other people chose it.
pub fn clean(text: &str) -> String {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

/// A value of a document as people write it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(members) => members.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// An amount with its currency.
pub fn amount(amount: &str, currency: &str) -> String {
    format!("{amount} {currency}")
}

/// An amount that is a change, with its sign.
pub fn change(change: &str, currency: &str) -> String {
    let sign = if change.starts_with('-') { "" } else { "+" };
    format!("{sign}{}", amount(change, currency))
}

/// A column's head, and on which side its cells stand.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text.
    Left(&'static str),
    /// Amounts and counts.
    Right(&'static str),
}

impl Column {
    fn cell(self, text: &str) -> Cell {
        let align = match self {
            Column::Left(_) => CellAlignment::Left,
            Column::Right(_) => CellAlignment::Right,
        };
        Cell::new(clean(text)).set_alignment(align)
    }

    fn head(self) -> &'static str {
        match self {
            Column::Left(head) | Column::Right(head) => head,
        }
    }
}

/// A table: one line for its heads, if they say anything, and one for each row.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if columns.iter().any(|column| !column.head().is_empty()) {
        table.set_header(columns.iter().map(|column| column.cell(column.head())));
    }
    for row in rows {
        table.add_row(columns.iter().zip(row).map(|(column, text)| column.cell(&text)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Facts, one a line; those without a value are left out.
pub fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let said = facts.into_iter().filter(|(_, value)| !value.is_empty());
    table(&[Column::Left(""), Column::Left("")], said.map(|(name, value)| vec![name.to_owned(), value])).join("\n")
}

/// Amounts under each other, one a line.
pub fn amounts<'a>(amounts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows = amounts.into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    table(&[Column::Left(""), Column::Right("")], rows).join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_stand_right_aligned_with_their_currency() {
        let text = amounts([("available", amount("12.500000", "USD")), ("held", amount("0.000000", "USD"))]);
        assert_eq!(text, "available  12.500000 USD\nheld        0.000000 USD");
        assert_eq!((change("5.000000", "EUR").as_str(), change("-5.000000", "EUR").as_str()), ("+5.000000 EUR", "-5.000000 EUR"));
    }

    #[test]
    fn a_table_has_a_line_for_its_heads_and_each_row_however_wide_the_characters_are() {
        let rows = [vec!["株式会社".to_owned(), "1".to_owned()], vec!["Ltd".to_owned(), "20".to_owned()]];
        assert_eq!(table(&[Column::Left("NAME"), Column::Right("N")], rows), ["NAME       N", "株式会社   1", "Ltd       20"]);
    }

    #[test]
    fn a_line_break_in_a_value_makes_no_second_line() {
        assert_eq!(facts([("name", "a\nb".to_owned()), ("none", String::new())]), "name  a b");
    }

    #[test]
    fn values_are_shown_as_people_write_them() {
        assert_eq!(shown(&json!({"a": "x", "b": [1, true]})), "a=x, b=1, true");
        assert_eq!(shown(&Value::Null), "");
    }

    #[test]
    fn emphasis_is_left_out_where_it_is_not_wanted() {
        assert_eq!(Style::PLAIN.bold("x"), "x");
        assert_eq!(Style { colour: true }.bold("x"), "\u{1b}[1mx\u{1b}[0m");
    }
}
