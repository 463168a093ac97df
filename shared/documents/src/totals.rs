//! The sums at the right, and beside them how to pay, with the notes if they are short.

use rust_decimal::Decimal;

use crate::colour::{GREY, HAIRLINE};
use crate::document::{Detail, Kind, Stamp};
use crate::face::clean;
use crate::number::{Written, percent};
use crate::page::{Area, Canvas, Node, NodeId, Role, Style, steps};
use crate::sections::{is_link, linked, paragraphs};

const WIDTH: f32 = 244.0;
/// Between the sums and how to pay, and the widest column of labels there.
const GAP: f32 = 24.0;
const WIDEST_LABEL: f32 = 84.0;
/// How far notes beside the sums may reach below them.
const GROWS: f32 = 30.0;
const BODY: Style = Style::regular(9.0);
const STRONG: Style = Style::bold(10.0);
const DUE: Style = Style::bold(11.5);
const HEADING: Style = Style::bold(9.0);
const LABEL: Style = Style::regular(9.0).in_colour(GREY);
const ABOVE: f32 = 12.0;
const INSET: f32 = 8.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighty {
    Plain,
    Total,
    Due,
}

struct Sum {
    labels: Vec<String>,
    amount: String,
    weighty: Weighty,
    height: f32,
}

impl Sum {
    fn style(&self) -> Style {
        match self.weighty {
            Weighty::Plain => BODY,
            Weighty::Total => STRONG,
            Weighty::Due => DUE,
        }
    }

    fn pad(&self) -> f32 {
        match self.weighty {
            Weighty::Plain => 2.6,
            Weighty::Total => 5.0,
            Weighty::Due => 7.0,
        }
    }
}

/// The sums, measured before they are placed.
pub(crate) struct Totals {
    sums: Vec<Sum>,
    beside: Vec<Beside>,
    /// What both take side by side.
    pub height: f32,
    /// Whether the notes found room beside the sums, too.
    pub with_notes: bool,
}

/// A line of what stands beside the sums.
enum Beside {
    Heading(String),
    Link(String),
    /// Lines of a label, lines of its value, and where the value stands.
    Detail(Vec<String>, Vec<String>, f32),
    Note(Vec<String>),
    Space,
}

impl Beside {
    fn height(&self) -> f32 {
        match self {
            Self::Heading(_) => HEADING.leading() + 3.0,
            Self::Link(_) => BODY.leading(),
            Self::Detail(label, value, _) => steps(label.len().max(value.len())) * BODY.leading() + 1.5,
            Self::Note(lines) => steps(lines.len()) * BODY.leading() + 1.5,
            Self::Space => 8.0,
        }
    }
}

pub(crate) fn measured(canvas: &Canvas<'_>) -> Totals {
    let sums = sums(canvas);
    let mut beside = payment(canvas);
    let taken = |beside: &[Beside]| beside.iter().map(Beside::height).sum::<f32>();
    let height: f32 = sums.iter().map(|sum| sum.height).sum();
    let notes = notes(canvas, !beside.is_empty());
    // Beside the sums they are nearer to them, and save room or take no more than below.
    let with_notes = taken(&beside) + taken(&notes) <= height + GROWS;
    if with_notes {
        beside.extend(notes);
    }
    Totals { height: height.max(taken(&beside)) + ABOVE, sums, beside, with_notes }
}

fn sums(canvas: &Canvas<'_>) -> Vec<Sum> {
    let (document, words, locale) = (canvas.document, canvas.words, canvas.document.locale);
    let code = clean(&document.currency.code);
    let mut sums = Vec::new();
    let mut add = |label: &str, amount: Decimal, weighty: Weighty| {
        let amount = format!("{code}\u{a0}{}", Written::of(amount, document.currency.digits, locale).text());
        let mut sum = Sum { labels: Vec::new(), amount, weighty, height: 0.0 };
        let style = sum.style();
        sum.labels = style.weight.wrapped_to(&clean(label), style.size, (WIDTH - 26.0 - style.width(&sum.amount)).max(60.0), 4);
        sum.height = steps(sum.labels.len()) * style.leading() + 2.0 * sum.pad();
        sums.push(sum);
    };
    for sum in &document.subtotals {
        add(&sum.label, sum.amount, Weighty::Plain);
    }
    add(words.subtotal, document.subtotal, Weighty::Plain);
    for tax in &document.taxes {
        let base = Written::of(tax.base, document.currency.digits, locale).text();
        add(&format!("{} {} {} {base}", tax.name, percent(tax.rate, locale), words.on), tax.amount, Weighty::Plain);
    }
    if document.kind == Kind::CreditNote {
        add(words.total_credited, document.total, Weighty::Due);
        return sums;
    }
    add(words.total, document.total, Weighty::Total);
    for (label, amount) in
        [(words.paid_from_credit, document.paid_from_credit), (words.credited, document.credited), (words.paid, document.paid)]
    {
        if !amount.is_zero() {
            add(label, -amount, Weighty::Plain);
        }
    }
    add(words.due, document.due, Weighty::Due);
    if !document.disputed.is_zero() {
        add(words.disputed, document.disputed, Weighty::Plain);
    }
    sums
}

fn payment(canvas: &Canvas<'_>) -> Vec<Beside> {
    let (document, words) = (canvas.document, canvas.words);
    let over = document.due.is_zero() || matches!(document.stamp, Some(Stamp::Void | Stamp::Uncollectible | Stamp::Paid | Stamp::Draft));
    let payment = &document.payment;
    if document.kind == Kind::CreditNote || over || (payment.url.is_none() && payment.details.is_empty()) {
        return Vec::new();
    }
    let width = canvas.inner() - WIDTH - GAP;
    let mut lines = vec![Beside::Heading(words.payment.to_owned())];
    if let Some(url) = &payment.url {
        lines.extend(BODY.wrapped(&clean(url), width).into_iter().map(Beside::Link));
        lines.push(Beside::Space);
    }
    let labels = payment.details.iter().map(|detail| LABEL.width(&clean(&detail.label))).fold(0.0, f32::max).min(WIDEST_LABEL) + 10.0;
    lines.extend(payment.details.iter().map(|Detail { label, value }| {
        let value = BODY.wrapped(&clean(value), width - labels);
        Beside::Detail(LABEL.wrapped(&clean(label), labels - 10.0), value, labels)
    }));
    lines
}

fn notes(canvas: &Canvas<'_>, below: bool) -> Vec<Beside> {
    let paragraphs = paragraphs(canvas);
    if paragraphs.is_empty() {
        return Vec::new();
    }
    let width = canvas.inner() - WIDTH - GAP;
    let mut lines: Vec<Beside> = below.then_some(Beside::Space).into_iter().collect();
    lines.push(Beside::Heading(canvas.words.notes.to_owned()));
    lines.extend(paragraphs.iter().map(|note| Beside::Note(BODY.wrapped(note, width))));
    lines
}

/// Side by side if both fit on one page, else one below the other over pages.
pub(crate) fn place(canvas: &mut Canvas<'_>, totals: &Totals) {
    let together = totals.height <= canvas.whole();
    canvas.need(totals.height);
    canvas.y += ABOVE;
    let top = canvas.y;
    let table = canvas.root(Node::Table(canvas.words.sums.to_owned()));
    let body = canvas.child(table, Node::Body);
    for sum in &totals.sums {
        canvas.need(sum.height);
        place_sum(canvas, body, sum);
    }
    let below = canvas.y;
    if together {
        canvas.y = top;
    }
    let group = (!totals.beside.is_empty()).then(|| canvas.root(Node::Group));
    for line in &totals.beside {
        canvas.need(line.height());
        if let Some(group) = group {
            place_beside(canvas, group, line);
        }
    }
    if together {
        canvas.y = canvas.y.max(below);
    }
}

fn place_sum(canvas: &mut Canvas<'_>, body: NodeId, sum: &Sum) {
    let style = sum.style();
    let (x, right) = (canvas.right() - WIDTH, canvas.right());
    let row = canvas.child(body, Node::Row);
    let head = canvas.child(row, Node::RowHead);
    let cell = canvas.child(row, Node::Cell);
    let top = canvas.y;
    match sum.weighty {
        Weighty::Plain => {}
        Weighty::Total => canvas.rule(x, top, WIDTH, 0.6, HAIRLINE),
        Weighty::Due => {
            // As far beyond the amount as it begins before its label.
            let width = WIDTH + INSET;
            canvas.fill(Area { x, y: top, width, height: sum.height }, canvas.palette.tint);
            canvas.rule(x, top, width, 1.2, canvas.palette.bar);
        }
    }
    let label = if sum.weighty == Weighty::Plain { style.in_colour(GREY) } else { style };
    canvas.block(Role::Of(head), x + INSET, top + sum.pad(), &sum.labels, label);
    canvas.text_right(Role::Of(cell), right, top + sum.pad() + style.ascent(), &sum.amount, style);
    canvas.y = top + sum.height;
}

fn place_beside(canvas: &mut Canvas<'_>, group: NodeId, line: &Beside) {
    let (x, y) = (canvas.left(), canvas.y);
    match line {
        Beside::Heading(text) => {
            let node = canvas.child(group, Node::Heading(text.clone()));
            canvas.block(Role::Of(node), x, y, std::slice::from_ref(text), HEADING);
        }
        Beside::Detail(label, value, indent) => {
            let node = canvas.child(group, Node::Paragraph);
            canvas.block(Role::Of(node), x, y, label, LABEL);
            canvas.block(Role::Of(node), x + indent, y, value, BODY);
        }
        Beside::Link(text) => {
            let paragraph = canvas.child(group, Node::Paragraph);
            match canvas.document.payment.url.as_deref().filter(|url| is_link(url)) {
                Some(url) => {
                    let link = canvas.child(paragraph, Node::Link);
                    linked(canvas, link, text, url, x, y, BODY.in_colour(canvas.palette.text));
                }
                None => {
                    canvas.block(Role::Of(paragraph), x, y, std::slice::from_ref(text), BODY);
                }
            }
        }
        Beside::Note(lines) => {
            let node = canvas.child(group, Node::Paragraph);
            canvas.block(Role::Of(node), x, y, lines, BODY);
        }
        Beside::Space => {}
    }
    canvas.y = y + line.height();
}
