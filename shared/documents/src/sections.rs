//! The head of a document with its parties, its notes, and what each page repeats.

use krilla::tagging::ArtifactType;

use crate::colour::{self, GREY, HAIRLINE};
use crate::document::{Detail, Kind, Party, Stamp};
use crate::face::{Weight, clean};
use crate::number::Written;
use crate::page::{Area, Canvas, DECORATION, Draw, Node, NodeId, Role, Style, steps};

const TITLE: Style = Style::bold(23.0);
const BRAND: Style = Style::bold(15.0);
const LABEL: Style = Style::bold(8.0).in_colour(GREY);
const BODY: Style = Style::regular(9.0);
const STRONG: Style = Style::bold(9.0);
const NAME: Style = Style::bold(10.5);
const HERO: Style = Style::bold(14.0);
const FOOT: Style = Style::regular(7.5).in_colour(GREY);
const LOGO: (f32, f32) = (170.0, 48.0);
/// Lines of an address, a label's value and a reference at most: the head always fits on the first page.
const MOST_ADDRESS: usize = 9;
const MOST_REFERENCES: usize = 6;

/// The title, the brand, and the table of dates.
pub(crate) fn head(canvas: &mut Canvas<'_>, logo: Option<(u32, u32)>) {
    let (document, words) = (canvas.document, canvas.words);
    canvas.fill(Area { x: 0.0, y: 0.0, width: canvas.width, height: 6.0 }, canvas.palette.bar);
    let top = canvas.y;
    let brand_bottom = brand(canvas, top, logo);
    let title = title(canvas);
    let style = TITLE.in_colour(canvas.palette.text);
    let half = canvas.inner() * 0.56;
    let node = canvas.root(Node::Title(title.clone()));
    let lines = style.weight.wrapped_to(&title, style.size, half, 2);
    let mut y = canvas.block(Role::Of(node), canvas.left(), top - 6.0, &lines, style);
    if let Some(stamp) = document.stamp {
        let after = style.width(lines.last().map(|line| line.trim_end()).unwrap_or_default());
        y = stamped(canvas, stamp, after, half, y);
    }
    y += 8.0;
    let number = document.number.as_deref().map(clean).unwrap_or_else(|| "–".to_owned());
    let mut rows = vec![(words.number(document.kind).to_owned(), number), (words.issued.to_owned(), document.locale.date(document.issued))];
    if let Some(by) = document.payable_by {
        rows.push((words.payable_by.to_owned(), document.locale.date(by)));
    }
    if let Some(period) = document.period {
        rows.push((words.period.to_owned(), document.locale.period(period)));
    }
    rows.extend(document.references.iter().take(MOST_REFERENCES).map(|Detail { label, value }| (clean(label), clean(value))));
    let label_width = rows.iter().map(|(label, _)| BODY.width(label)).fold(0.0, f32::max).min(130.0) + 14.0;
    for (label, value) in rows {
        let node = canvas.root(Node::Paragraph);
        let label = BODY.weight.cut(&label, BODY.size, 130.0);
        canvas.text(Role::Of(node), canvas.left(), y + BODY.ascent(), &label, BODY.in_colour(GREY));
        let lines = STRONG.weight.wrapped_to(&value, STRONG.size, half + 40.0 - label_width, 2);
        y = canvas.block(Role::Of(node), canvas.left() + label_width, y, &lines, STRONG) + 2.0;
    }
    canvas.y = y.max(brand_bottom) + 14.0;
}

/// The logo, or the name, at the right.
fn brand(canvas: &mut Canvas<'_>, top: f32, logo: Option<(u32, u32)>) -> f32 {
    let name = clean(&canvas.document.brand.name);
    if let Some((width, height)) = logo {
        let (width, height) = (pixels(width), pixels(height));
        let scale = (LOGO.0 / width).min(LOGO.1 / height);
        let (width, height) = (width * scale, height * scale);
        let node = canvas.root(Node::Figure(if name.is_empty() { "Logo".to_owned() } else { name }));
        canvas.draw(Role::Of(node), Draw::Logo(Area { x: canvas.right() - width, y: top - 4.0, width, height }));
        return top - 4.0 + height;
    }
    let style = BRAND.in_colour(canvas.palette.text);
    let node = canvas.root(Node::Paragraph);
    let mut y = top - 2.0;
    for line in style.weight.wrapped_to(&name, style.size, canvas.inner() * 0.4, 3) {
        canvas.text_right(Role::Of(node), canvas.right(), y + style.ascent(), line.trim_end(), style);
        y += style.leading();
    }
    y
}

/// The state in a frame, beside the title if there is room, else below it.
fn stamped(canvas: &mut Canvas<'_>, stamp: Stamp, after: f32, room: f32, below: f32) -> f32 {
    let style = Style::bold(9.5).in_colour(colour::of_stamp(stamp));
    let word = canvas.words.stamp(stamp);
    let (width, height) = (style.width(word) + 14.0, 18.0);
    let beside = after + 14.0 + width <= room;
    let (x, y) = if beside { (canvas.left() + after + 14.0, below - TITLE.leading() + 8.0) } else { (canvas.left(), below + 3.0) };
    canvas.draw(DECORATION, Draw::Frame { area: Area { x, y, width, height }, colour: style.colour });
    let node = canvas.root(Node::Paragraph);
    canvas.text(Role::Of(node), x + 7.0, y + 12.4, word, style);
    if beside { below } else { y + height }
}

/// Who sells and who buys, side by side.
pub(crate) fn parties(canvas: &mut Canvas<'_>) {
    let (document, words) = (canvas.document, canvas.words);
    let column = (canvas.inner() - 28.0) / 2.0;
    let y = canvas.y;
    canvas.rule(canvas.left(), y, canvas.inner(), 0.6, HAIRLINE);
    let top = y + 12.0;
    let left = party(canvas, words.from, &document.seller, canvas.left(), top, column);
    let right = party(canvas, words.to, &document.buyer, canvas.left() + column + 28.0, top, column);
    canvas.y = left.max(right) + 14.0;
}

fn party(canvas: &mut Canvas<'_>, label: &str, party: &Party, x: f32, top: f32, width: f32) -> f32 {
    let heading = canvas.root(Node::Heading(label.to_owned()));
    let mut y = canvas.block(Role::Of(heading), x, top, &[label.to_owned()], LABEL) + 2.0;
    let group = canvas.root(Node::Group);
    let tax_label = canvas.words.tax_id;
    let mut say = |text: &str, style: Style, most: usize, y: f32| -> (f32, usize) {
        let text = clean(text);
        if text.is_empty() || most == 0 {
            return (y, 0);
        }
        let lines = style.weight.wrapped_to(&text, style.size, width, most);
        let node = canvas.child(group, Node::Paragraph);
        (canvas.block(Role::Of(node), x, y, &lines, style), lines.len())
    };
    (y, _) = say(&party.name, NAME, 3, y);
    let mut left = MOST_ADDRESS;
    for line in &party.address {
        let used;
        (y, used) = say(line, BODY, left, y);
        left -= used.min(left);
    }
    if let Some(email) = &party.email {
        (y, _) = say(email, BODY, 2, y);
    }
    if let Some(tax_id) = &party.tax_id {
        (y, _) = say(&format!("{tax_label}: {tax_id}"), BODY, 2, y);
    }
    y
}

/// What is due and by when, in large, with the link to pay it.
pub(crate) fn hero(canvas: &mut Canvas<'_>) {
    let (document, words) = (canvas.document, canvas.words);
    let asked = document.kind == Kind::Invoice && !document.due.is_zero();
    if !asked || matches!(document.stamp, Some(Stamp::Void | Stamp::Uncollectible)) {
        return;
    }
    let amount = Written::of(document.due, document.currency.digits, document.locale).text();
    let code = clean(&document.currency.code);
    let text = match document.payable_by {
        Some(by) => format!("{code}\u{a0}{amount} {} {}", words.due_by, document.locale.date(by)),
        None => format!("{}: {code}\u{a0}{amount}", words.due),
    };
    let node = canvas.root(Node::Paragraph);
    let lines = HERO.weight.wrapped_to(&text, HERO.size, canvas.inner(), 2);
    canvas.y = canvas.block(Role::Of(node), canvas.left(), canvas.y, &lines, HERO);
    let payable = document.stamp != Some(Stamp::Draft);
    if let Some(url) = document.payment.url.as_deref().filter(|url| payable && is_link(url)) {
        let style = Style::bold(9.5).in_colour(canvas.palette.text);
        let paragraph = canvas.root(Node::Paragraph);
        let link = canvas.child(paragraph, Node::Link);
        let y = canvas.y + 3.0;
        linked(canvas, link, words.pay_online, url, canvas.left(), y, style);
        canvas.y = y + style.leading();
    }
    canvas.y += 14.0;
}

/// A line of text that leads to an address.
pub(crate) fn linked(canvas: &mut Canvas<'_>, node: NodeId, text: &str, url: &str, x: f32, top: f32, style: Style) {
    let base = top + style.ascent();
    let width = style.width(text.trim_end());
    canvas.text(Role::Of(node), x, base, text, style);
    canvas.rule(x, base + 1.6, width, 0.6, style.colour);
    canvas.draw(Role::Of(node), Draw::Link { area: Area { x, y: top, width, height: style.leading() }, url: url.to_owned() });
}

pub(crate) fn is_link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.is_ascii()
        && !url.contains(char::is_whitespace)
        && url.len() <= 2_000
}

pub(crate) fn paragraphs(canvas: &Canvas<'_>) -> Vec<String> {
    canvas.document.notes.iter().flat_map(|note| note.split('\n')).map(clean).filter(|note| !note.is_empty()).collect()
}

/// Paragraphs below the sums.
pub(crate) fn notes(canvas: &mut Canvas<'_>) {
    let notes = paragraphs(canvas);
    if notes.is_empty() {
        return;
    }
    canvas.y += 14.0;
    canvas.need(STRONG.leading() + 2.0 * BODY.leading());
    let heading = canvas.root(Node::Heading(canvas.words.notes.to_owned()));
    canvas.y = canvas.block(Role::Of(heading), canvas.left(), canvas.y, &[canvas.words.notes.to_owned()], STRONG) + 3.0;
    for note in notes {
        let node = canvas.root(Node::Paragraph);
        for line in BODY.wrapped(&note, canvas.inner()) {
            canvas.need(BODY.leading());
            canvas.y = canvas.block(Role::Of(node), canvas.left(), canvas.y, &[line], BODY);
        }
        canvas.y += 4.0;
    }
}

/// What each page repeats: the foot, on later pages the head, across drafts and void documents what they are.
pub(crate) fn repeated(canvas: &mut Canvas<'_>) {
    let (document, words) = (canvas.document, canvas.words);
    let count = canvas.pages.len();
    let (left, right, inner) = (canvas.left(), canvas.right(), canvas.inner());
    let footer = document.footer.as_deref().map(clean).unwrap_or_default();
    let footer = FOOT.weight.wrapped_to(&footer, FOOT.size, inner - 90.0, 3);
    let heading = running(canvas);
    let brand = clean(&document.brand.name);
    let top = canvas.height - 58.0;
    let mark = document.stamp.filter(|stamp| matches!(stamp, Stamp::Draft | Stamp::Void)).map(|stamp| Weight::Bold.set(words.stamp(stamp)));
    let pages = std::mem::take(&mut canvas.pages);
    for (index, content) in pages.into_iter().enumerate() {
        let mut page = Vec::new();
        if let Some(mark) = &mark {
            page.push((Role::Artifact(ArtifactType::Watermark), Draw::Watermark(mark.clone())));
        }
        page.extend(content);
        canvas.pages.push(page);
        if index > 0 {
            let role = Role::Artifact(ArtifactType::Header);
            canvas.fill(Area { x: 0.0, y: 0.0, width: canvas.width, height: 6.0 }, canvas.palette.bar);
            let brand = STRONG.weight.cut(&brand, STRONG.size, inner * 0.45);
            canvas.text(role, left, 46.0, &brand, STRONG.in_colour(canvas.palette.text));
            canvas.text_right(role, right, 46.0, &BODY.weight.cut(&heading, BODY.size, inner * 0.5), BODY.in_colour(GREY));
            canvas.rule(left, 56.0, inner, 0.6, HAIRLINE);
        }
        let role = Role::Artifact(ArtifactType::Footer);
        canvas.rule(left, top, inner, 0.6, HAIRLINE);
        for (line, text) in footer.iter().enumerate() {
            canvas.text(role, left, top + 8.0 + FOOT.ascent() + steps(line) * FOOT.leading(), text, FOOT);
        }
        let text = format!("{} {} {} {count}", words.page, index + 1, words.of);
        canvas.text_right(Role::Artifact(ArtifactType::PageNumber), right, top + 8.0 + FOOT.ascent(), &text, FOOT);
    }
}

/// The document's name with its number.
pub(crate) fn running(canvas: &Canvas<'_>) -> String {
    match &canvas.document.number {
        Some(number) => format!("{} {}", title(canvas), clean(number)),
        None => title(canvas),
    }
}

fn title(canvas: &Canvas<'_>) -> String {
    let given = canvas.document.title.as_deref().map(clean).filter(|title| !title.is_empty());
    given.unwrap_or_else(|| canvas.words.title(canvas.document.kind).to_owned())
}

fn pixels(count: u32) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from).max(1.0)
}
