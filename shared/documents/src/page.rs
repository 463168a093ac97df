//! What stands where: pages of things to draw, and the structure a reader of the document is told (headings, tables, paragraphs).

use krilla::tagging::ArtifactType;

use crate::colour::{self, Palette};
use crate::document::{Colour, InvoiceDocument, Paper};
use crate::face::{Run, Weight};
use crate::locale::Words;

/// Points at the sides, above, and below, where the foot stands.
pub(crate) const SIDE: f32 = 48.0;
const TOP: f32 = 46.0;
const TOP_LATER: f32 = 78.0;
const FOOT: f32 = 70.0;

/// A place in the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

/// What a drawing is to a reader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Part of the text.
    Of(NodeId),
    /// Only decoration, or what each page repeats.
    Artifact(ArtifactType),
}

pub(crate) const DECORATION: Role = Role::Artifact(ArtifactType::Layout);

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Title(String),
    Heading(String),
    Group,
    Paragraph,
    Figure(String),
    Link,
    Table(String),
    Head,
    Body,
    Row,
    ColumnHead,
    RowHead,
    Cell,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

pub(crate) enum Draw {
    /// `y` is the base line.
    Text {
        x: f32,
        y: f32,
        run: Run,
        style: Style,
    },
    Fill {
        area: Area,
        colour: Colour,
    },
    /// A box with round corners, only its line.
    Frame {
        area: Area,
        colour: Colour,
    },
    Logo(Area),
    Link {
        area: Area,
        url: String,
    },
    /// Across the page, behind everything.
    Watermark(Run),
}

/// How text is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub weight: Weight,
    pub size: f32,
    pub colour: Colour,
}

impl Style {
    pub const fn regular(size: f32) -> Self {
        Self { weight: Weight::Regular, size, colour: colour::INK }
    }

    pub const fn bold(size: f32) -> Self {
        Self { weight: Weight::Bold, size, colour: colour::INK }
    }

    pub const fn in_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// From one base line to the next.
    pub fn leading(self) -> f32 {
        self.size * 1.38
    }

    /// From the top of a line to its base line.
    pub fn ascent(self) -> f32 {
        self.size * 1.04
    }

    pub fn width(self, text: &str) -> f32 {
        self.weight.width(text, self.size)
    }

    pub fn wrapped(self, text: &str, width: f32) -> Vec<String> {
        self.weight.wrapped(text, self.size, width)
    }
}

/// The pages as they grow.
pub(crate) struct Canvas<'a> {
    pub document: &'a InvoiceDocument,
    pub words: &'static Words,
    pub palette: Palette,
    pub pages: Vec<Vec<(Role, Draw)>>,
    pub nodes: Vec<(Node, Vec<NodeId>)>,
    /// Nodes right below the document.
    pub roots: Vec<NodeId>,
    /// Where the next thing stands, from the top of the page.
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl<'a> Canvas<'a> {
    pub fn new(document: &'a InvoiceDocument) -> Self {
        let (width, height) = size(document.paper);
        let palette = Palette::of(document.brand.colour);
        let words = document.locale.words();
        Self { document, words, palette, pages: vec![Vec::new()], nodes: Vec::new(), roots: Vec::new(), y: TOP, width, height }
    }

    pub fn left(&self) -> f32 {
        SIDE
    }

    pub fn right(&self) -> f32 {
        self.width - SIDE
    }

    pub fn inner(&self) -> f32 {
        self.width - 2.0 * SIDE
    }

    pub fn bottom(&self) -> f32 {
        self.height - FOOT
    }

    pub fn room(&self) -> f32 {
        self.bottom() - self.y
    }

    /// The room on a page that holds nothing yet.
    pub fn whole(&self) -> f32 {
        self.bottom() - TOP_LATER
    }

    pub fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP_LATER;
    }

    /// Goes to a new page, unless `height` still fits on this one or would fit on none.
    pub fn need(&mut self, height: f32) -> bool {
        let breaks = height > self.room() && height <= self.whole();
        if breaks {
            self.new_page();
        }
        breaks
    }

    pub fn root(&mut self, node: Node) -> NodeId {
        let id = self.add(node);
        self.roots.push(id);
        id
    }

    pub fn child(&mut self, parent: NodeId, node: Node) -> NodeId {
        let id = self.add(node);
        self.nodes[parent.0].1.push(id);
        id
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push((node, Vec::new()));
        NodeId(self.nodes.len() - 1)
    }

    pub fn draw(&mut self, role: Role, draw: Draw) {
        if let Some(page) = self.pages.last_mut() {
            page.push((role, draw));
        }
    }

    /// Sets one line with its base line at `y`.
    pub fn text(&mut self, role: Role, x: f32, y: f32, text: &str, style: Style) {
        if !text.is_empty() {
            self.draw(role, Draw::Text { x, y, run: style.weight.set(text), style });
        }
    }

    pub fn text_right(&mut self, role: Role, right: f32, y: f32, text: &str, style: Style) {
        self.text(role, right - style.width(text), y, text, style);
    }

    /// Sets lines from `top` on, and says where they end.
    pub fn block(&mut self, role: Role, x: f32, top: f32, lines: &[String], style: Style) -> f32 {
        for (index, line) in lines.iter().enumerate() {
            self.text(role, x, top + style.ascent() + steps(index) * style.leading(), line, style);
        }
        top + steps(lines.len()) * style.leading()
    }

    pub fn fill(&mut self, area: Area, colour: Colour) {
        self.draw(DECORATION, Draw::Fill { area, colour });
    }

    pub fn rule(&mut self, x: f32, y: f32, width: f32, thick: f32, colour: Colour) {
        self.fill(Area { x, y, width, height: thick }, colour);
    }
}

impl NodeId {
    pub fn index(self) -> usize {
        self.0
    }
}

/// A count of lines as a factor.
pub(crate) fn steps(count: usize) -> f32 {
    u16::try_from(count).map_or(f32::from(u16::MAX), f32::from)
}

/// In points.
pub(crate) fn size(paper: Paper) -> (f32, f32) {
    match paper {
        Paper::A4 => (595.28, 841.89),
        Paper::Letter => (612.0, 792.0),
    }
}
