//! The lines, over as many pages as they take, with their heading on each.

use krilla::tagging::ArtifactType;

use crate::colour::{GREY, HAIRLINE};
use crate::document::Line;
use crate::face::clean;
use crate::number::Written;
use crate::page::{Canvas, Node, NodeId, Role, Style, steps};

const GAP: f32 = 14.0;
const PAD: f32 = 4.1;
/// The least room for texts; numbers that would leave less are set smaller.
const LEAST_TEXT: f32 = 150.0;
const WIDEST_UNIT: f32 = 64.0;
const SIZE: f32 = 8.8;
const SMALLEST: f32 = 4.0;

/// A column of numbers, standing on their decimal points.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    right: f32,
    whole: f32,
    decimals: f32,
    /// With its heading.
    width: f32,
}

impl Column {
    fn add(&mut self, number: &Written, style: Style) {
        self.whole = self.whole.max(style.width(&number.whole));
        self.decimals = self.decimals.max(style.width(&number.decimals));
    }
}

struct Columns {
    text: f32,
    quantity: Column,
    unit: Option<(f32, f32)>,
    price: Column,
    amount: Column,
    style: Style,
}

struct Row {
    texts: Vec<(String, Style)>,
    quantity: Option<Written>,
    units: Vec<String>,
    price: Option<Written>,
    amount: Written,
    settled: bool,
}

struct Heads {
    quantity: Option<&'static str>,
    unit: Option<&'static str>,
    price: Option<&'static str>,
    amount: String,
}

/// `below` is what must not stand alone on a page: it is kept with the last line.
pub(crate) fn lines(canvas: &mut Canvas<'_>, below: f32) {
    let (document, words) = (canvas.document, canvas.words);
    let code = clean(&document.currency.code);
    let heads = Heads {
        quantity: document.lines.iter().any(|line| line.quantity.is_some()).then_some(words.quantity),
        unit: document.lines.iter().any(|line| line.unit.is_some()).then_some(words.unit),
        price: document.lines.iter().any(|line| line.unit_price.is_some()).then_some(words.unit_price),
        amount: format!("{} ({code})", words.amount),
    };
    let columns = columns(canvas, &heads);
    let rows: Vec<Row> = document.lines.iter().map(|line| row(canvas, line, &columns)).collect();
    let table = canvas.root(Node::Table(words.lines.to_owned()));
    canvas.need(3.0 * columns.style.leading() + 40.0);
    let head = canvas.child(table, Node::Head);
    heading(canvas, &columns, &heads, Some(head));
    let body = canvas.child(table, Node::Body);
    if rows.is_empty() {
        empty(canvas, body, columns.style);
    }
    let count = rows.len();
    for (index, row) in rows.iter().enumerate() {
        let mut keep = height(&row.texts, &row.units, columns.style);
        if index + 1 == count && keep + below <= canvas.whole() {
            keep += below;
        }
        if canvas.need(keep) {
            heading(canvas, &columns, &heads, None);
        }
        place(canvas, &columns, &heads, body, row);
    }
}

/// Measures the columns, with numbers as small as they must be.
fn columns(canvas: &Canvas<'_>, heads: &Heads) -> Columns {
    let (document, locale) = (canvas.document, canvas.document.locale);
    let digits = document.currency.digits;
    let mut size = SIZE;
    loop {
        let style = Style::regular(size);
        let label = Style::bold(size - 0.8);
        let (mut quantity, mut price, mut amount) = (Column::default(), Column::default(), Column::default());
        let mut unit = 0.0_f32;
        for line in &document.lines {
            if let Some(value) = line.quantity {
                quantity.add(&Written::of(value, 0, locale), style);
            }
            if let Some(value) = line.unit_price {
                price.add(&Written::of(value, digits, locale), style);
            }
            amount.add(&Written::of(line.amount, digits, locale), style);
            unit = unit.max(line.unit.as_deref().map_or(0.0, |unit| style.width(&clean(unit))));
        }
        let width = |column: &Column, head: Option<&str>| {
            head.map_or(0.0, |head| (column.whole + column.decimals).max(label.width(head))) // an absent column takes no room
        };
        let unit = heads.unit.map(|head| unit.min(WIDEST_UNIT).max(label.width(head)));
        quantity.width = width(&quantity, heads.quantity);
        price.width = width(&price, heads.price);
        amount.width = width(&amount, Some(&heads.amount));
        amount.right = canvas.right();
        let mut left = amount.right - amount.width - GAP;
        price.right = left;
        if heads.price.is_some() {
            left -= price.width + GAP;
        }
        let unit = unit.map(|unit| {
            left -= unit + GAP;
            (left + GAP, unit)
        });
        // The unit stands close behind its quantity.
        quantity.right = if unit.is_some() { left + GAP * 0.5 } else { left };
        if heads.quantity.is_some() {
            left = quantity.right - quantity.width - GAP;
        }
        let text = left - canvas.left();
        if text >= LEAST_TEXT || size <= SMALLEST {
            return Columns { text: text.max(40.0), quantity, unit, price, amount, style };
        }
        size -= 0.4;
    }
}

fn row(canvas: &Canvas<'_>, line: &Line, columns: &Columns) -> Row {
    let (document, words) = (canvas.document, canvas.words);
    let style = Style::regular(SIZE);
    let small = Style::regular(7.6).in_colour(GREY);
    let mut texts: Vec<(String, Style)> = style.wrapped(&clean(&line.text), columns.text).into_iter().map(|text| (text, style)).collect();
    let detail = line.detail.as_deref().map(clean).filter(|detail| !detail.is_empty());
    let settled = line.settled.then(|| words.settled.to_owned());
    let small_print = [detail, settled].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    if !small_print.is_empty() {
        texts.extend(small.wrapped(&small_print, columns.text).into_iter().map(|text| (text, small)));
    }
    Row {
        texts,
        quantity: line.quantity.map(|value| Written::of(value, 0, document.locale)),
        units: match (&line.unit, columns.unit) {
            (Some(unit), Some((_, width))) => columns.style.weight.wrapped_to(&clean(unit), columns.style.size, width, 3),
            _ => Vec::new(),
        },
        price: line.unit_price.map(|value| Written::of(value, document.currency.digits, document.locale)),
        amount: Written::of(line.amount, document.currency.digits, document.locale),
        settled: line.settled,
    }
}

fn height(texts: &[(String, Style)], units: &[String], style: Style) -> f32 {
    let texts: f32 = texts.iter().map(|(_, style)| style.leading()).sum();
    texts.max(steps(units.len()) * style.leading()) + 2.0 * PAD
}

/// The heading; `head` on the first page, where it is part of the structure.
fn heading(canvas: &mut Canvas<'_>, columns: &Columns, heads: &Heads, head: Option<NodeId>) {
    let style = Style::bold(columns.style.size - 0.8).in_colour(GREY);
    let row = head.map(|head| canvas.child(head, Node::Row));
    let y = canvas.y + style.ascent();
    let role = |canvas: &mut Canvas<'_>| match row {
        Some(row) => Role::Of(canvas.child(row, Node::ColumnHead)),
        None => Role::Artifact(ArtifactType::PaginationOther),
    };
    let cell = role(canvas);
    canvas.text(cell, canvas.left(), y, canvas.words.text, style);
    if let Some(text) = heads.quantity {
        let cell = role(canvas);
        canvas.text_right(cell, columns.quantity.right, y, text, style);
    }
    if let (Some(text), Some((x, _))) = (heads.unit, columns.unit) {
        let cell = role(canvas);
        canvas.text(cell, x, y, text, style);
    }
    if let Some(text) = heads.price {
        let cell = role(canvas);
        canvas.text_right(cell, columns.price.right, y, text, style);
    }
    let cell = role(canvas);
    canvas.text_right(cell, columns.amount.right, y, &heads.amount, style);
    canvas.y += style.leading() + 4.0;
    canvas.rule(canvas.left(), canvas.y, canvas.inner(), 1.2, canvas.palette.bar);
    canvas.y += 1.2;
}

fn empty(canvas: &mut Canvas<'_>, body: NodeId, style: Style) {
    let row = canvas.child(body, Node::Row);
    let cell = canvas.child(row, Node::Cell);
    canvas.text(Role::Of(cell), canvas.left(), canvas.y + PAD + style.ascent(), canvas.words.nothing, style.in_colour(GREY));
    canvas.y += style.leading() + 2.0 * PAD;
    canvas.rule(canvas.left(), canvas.y, canvas.inner(), 0.6, HAIRLINE);
}

/// One line. Its texts go on over pages only if they fit on none.
fn place(canvas: &mut Canvas<'_>, columns: &Columns, heads: &Heads, body: NodeId, row: &Row) {
    let node = canvas.child(body, Node::Row);
    let style = if row.settled { columns.style.in_colour(GREY) } else { columns.style };
    let cell = canvas.child(node, Node::Cell);
    let first = canvas.y + PAD + Style::regular(SIZE).ascent();
    let top = canvas.y;
    if let (Some(_), Some(number)) = (heads.quantity, &row.quantity) {
        let cell = canvas.child(node, Node::Cell);
        on_point(canvas, cell, columns.quantity, number, first, style);
    } else if heads.quantity.is_some() {
        blank(canvas, node, columns.quantity.right, first, style);
    }
    if let Some((x, _)) = columns.unit.filter(|_| row.units.is_empty()) {
        blank(canvas, node, x, first, style);
    } else if let Some((x, _)) = columns.unit {
        let cell = canvas.child(node, Node::Cell);
        for (index, unit) in row.units.iter().enumerate() {
            canvas.text(Role::Of(cell), x, first + steps(index) * style.leading(), unit, style.in_colour(GREY));
        }
    }
    if let (Some(_), Some(number)) = (heads.price, &row.price) {
        let cell = canvas.child(node, Node::Cell);
        on_point(canvas, cell, columns.price, number, first, style);
    } else if heads.price.is_some() {
        blank(canvas, node, columns.price.right, first, style);
    }
    let amount = canvas.child(node, Node::Cell);
    on_point(canvas, amount, columns.amount, &row.amount, first, style);
    canvas.y += PAD;
    for (text, style) in &row.texts {
        if style.leading() > canvas.room() {
            canvas.new_page();
            heading(canvas, columns, heads, None);
            canvas.y += PAD;
        }
        canvas.text(Role::Of(cell), canvas.left(), canvas.y + style.ascent(), text, *style);
        canvas.y += style.leading();
    }
    let least = top + height(&[], &row.units, columns.style) - PAD;
    if canvas.y > top && canvas.y < least {
        canvas.y = least;
    }
    canvas.y += PAD;
    canvas.rule(canvas.left(), canvas.y, canvas.inner(), 0.6, HAIRLINE);
}

/// A cell with nothing in it still stands in the structure, or the row's later cells would be read under other headings.
fn blank(canvas: &mut Canvas<'_>, row: NodeId, x: f32, y: f32, style: Style) {
    let cell = canvas.child(row, Node::Cell);
    canvas.text(Role::Of(cell), x, y, " ", style);
}

/// Draws a number with its decimal point where the column has it.
fn on_point(canvas: &mut Canvas<'_>, cell: NodeId, column: Column, number: &Written, y: f32, style: Style) {
    let x = column.right - column.decimals - style.width(&number.whole);
    canvas.text(Role::Of(cell), x, y, &number.text(), style);
}
