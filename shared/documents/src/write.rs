//! Writes what was laid out as a PDF.

use std::num::NonZeroU16;

use krilla::action::LinkAction;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ContentTag, Identifier, Node as TagNode, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};
use krilla::{Document, SerializeSettings};

use crate::colour::WATERMARK;
use crate::document::{Colour, InvoiceDocument, MAX_LOGO_BYTES, MAX_LOGO_PIXELS};
use crate::face::{Weight, clean};
use crate::page::{Area, Canvas, Draw, Node, NodeId, Role};
use crate::{sections, table, totals};

/// A document as PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendering {
    pub pdf: Vec<u8>,
    pub pages: usize,
    /// Whether the brand's logo is on it. `false` if there is none or it could not be used.
    pub with_logo: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A text is beyond what PDF/A allows, such as a name of 32,768 bytes in the head.
    #[error("the document cannot be written as PDF/A: {0}")]
    NotArchival(String),
    #[error("the document cannot be written: {0}")]
    Writer(String),
}

/// Renders a document. The same document gives the same bytes.
pub fn render(document: &InvoiceDocument) -> Result<Rendering, RenderError> {
    let logo = document.brand.logo.as_deref().and_then(readable);
    match rendered(document, logo.as_ref()) {
        // The pixels are decoded only when they are written.
        Err(KrillaError::Image(..) | KrillaError::SixteenBitImage(..)) => rendered(document, None),
        other => other,
    }
    .map_err(|error| match error {
        KrillaError::Validation(errors) => {
            RenderError::NotArchival(format!("{:?}", errors.iter().map(|(error, _)| error).collect::<Vec<_>>()))
        }
        other => RenderError::Writer(other.to_string()),
    })
}

/// A PNG that is not too large; its pixels may still turn out broken.
fn readable(png: &[u8]) -> Option<Image> {
    // The size stands in the first chunk: what is too large is never decoded.
    let side = |at: usize| png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let pixels = u64::from(side(16)?).checked_mul(u64::from(side(20)?))?;
    if png.len() > MAX_LOGO_BYTES || pixels == 0 || pixels > MAX_LOGO_PIXELS {
        return None;
    }
    Image::from_png(png.to_vec().into(), false).ok()
}

fn rendered(document: &InvoiceDocument, logo: Option<&Image>) -> Result<Rendering, KrillaError> {
    let canvas = laid_out(document, logo.map(Image::size));
    let mut pdf = Document::new_with(settings());
    // The content of each node, in the order it was drawn.
    let mut content: Vec<Vec<TagNode>> = vec![Vec::new(); canvas.nodes.len()];
    for page in &canvas.pages {
        let settings = PageSettings::from_wh(canvas.width, canvas.height).unwrap_or_default();
        let mut sheet = pdf.start_page_with(settings);
        let mut surface = sheet.surface();
        for (role, draw) in page {
            let tag = tag(*role, draw);
            let Some(tag) = tag else { continue };
            let identifier = surface.start_tagged(tag);
            drawn(&mut surface, &canvas, draw, logo);
            surface.end_tagged();
            note(&mut content, *role, identifier);
        }
        surface.finish();
        for (role, draw) in page {
            if let (Role::Of(node), Draw::Link { area, url }) = (role, draw)
                && let Some(rect) = rect(*area)
            {
                let target = Target::Action(LinkAction::new(url.clone()).into());
                let annotation = Annotation::new_link(LinkAnnotation::new(rect, target), Some(canvas.words.pay_online.to_owned()));
                let identifier = sheet.add_tagged_annotation(annotation);
                content[node.index()].insert(0, identifier.into());
            }
        }
        sheet.finish();
    }
    pdf.set_tag_tree(tree(&canvas, &mut content));
    let name = sections::running(&canvas);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(name.clone(), XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    pdf.set_outline(outline);
    pdf.set_metadata(metadata(document, name));
    let (pages, with_logo) = (canvas.pages.len(), logo.is_some());
    Ok(Rendering { pdf: pdf.finish()?, pages, with_logo })
}

fn laid_out(document: &InvoiceDocument, logo: Option<(u32, u32)>) -> Canvas<'_> {
    let mut canvas = Canvas::new(document);
    sections::head(&mut canvas, logo);
    sections::parties(&mut canvas);
    sections::hero(&mut canvas);
    let sums = totals::measured(&canvas);
    table::lines(&mut canvas, sums.height);
    totals::place(&mut canvas, &sums);
    if !sums.with_notes {
        sections::notes(&mut canvas);
    }
    sections::repeated(&mut canvas);
    canvas
}

fn settings() -> SerializeSettings {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .unwrap_or_default();
    SerializeSettings { configuration, ..SerializeSettings::default() }
}

fn metadata(document: &InvoiceDocument, name: String) -> Metadata {
    let issued = document.issued;
    let part = |part: i8| u8::try_from(part).unwrap_or(1);
    let date = DateTime::new(u16::try_from(issued.year()).unwrap_or_default()).month(part(issued.month())).day(part(issued.day()));
    Metadata::new()
        .title(name)
        .authors(vec![clean(&document.seller.name)])
        .language(document.locale.tag().to_owned())
        .creator("Tributary".to_owned())
        .producer("Tributary".to_owned())
        .creation_date(date.hour(0).minute(0).second(0).utc_offset_hour(0))
}

/// How a drawing is marked; `None` for what draws nothing.
fn tag(role: Role, draw: &Draw) -> Option<ContentTag<'_>> {
    match (role, draw) {
        (_, Draw::Link { .. }) => None,
        (Role::Artifact(kind), _) => Some(ContentTag::Artifact(Artifact::with_kind(kind))),
        (Role::Of(_), Draw::Text { run, .. }) => Some(ContentTag::Span(SpanTag::empty().with_actual_text(run.meant.as_deref()))),
        (Role::Of(_), _) => Some(ContentTag::Other),
    }
}

fn note(content: &mut [Vec<TagNode>], role: Role, identifier: Identifier) {
    if let Role::Of(node) = role {
        content[node.index()].push(identifier.into());
    }
}

fn drawn(surface: &mut Surface<'_>, canvas: &Canvas<'_>, draw: &Draw, logo: Option<&Image>) {
    match draw {
        Draw::Text { x, y, run, style } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(style.colour)));
            surface.draw_glyphs(Point::from_xy(*x, *y), &run.glyphs, style.weight.font(), &run.drawn, style.size, false);
        }
        Draw::Fill { area, colour } => {
            if let Some(path) = rectangle(*area) {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(*colour)));
                surface.draw_path(&path);
            }
        }
        Draw::Frame { area, colour } => {
            if let Some(path) = rounded(*area, 4.0) {
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke { paint: paint(*colour), width: 1.3, ..Stroke::default() }));
                surface.draw_path(&path);
            }
        }
        Draw::Logo(area) => {
            if let (Some(image), Some(size)) = (logo, Size::from_wh(area.width, area.height)) {
                surface.push_transform(&Transform::from_translate(area.x, area.y));
                surface.draw_image(image.clone(), size);
                surface.pop();
            }
        }
        Draw::Watermark(run) => {
            let (x, y) = (canvas.width / 2.0, canvas.height / 2.0);
            let size = (canvas.width * 0.95 / run.width.max(0.1)).min(150.0);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(WATERMARK)));
            surface.push_transform(&Transform::from_rotate_at(-48.0, x, y));
            // As outlines, so that it is not in the midst of text that is copied.
            let start = Point::from_xy(x - run.width * size / 2.0, y + size * 0.35);
            surface.draw_glyphs(start, &run.glyphs, Weight::Bold.font(), &run.drawn, size, true);
            surface.pop();
        }
        Draw::Link { .. } => {}
    }
}

fn tree(canvas: &Canvas<'_>, content: &mut [Vec<TagNode>]) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(canvas.document.locale.tag().to_owned()));
    for root in &canvas.roots {
        tree.push(group(canvas, content, *root));
    }
    tree
}

/// The tree is at most five deep: a table's head, its row, a cell.
fn group(canvas: &Canvas<'_>, content: &mut [Vec<TagNode>], id: NodeId) -> TagGroup {
    let (node, children) = &canvas.nodes[id.index()];
    let mut group = TagGroup::with_children(kind(node), std::mem::take(&mut content[id.index()]));
    for child in children {
        group.push(self::group(canvas, content, *child));
    }
    group
}

fn kind(node: &Node) -> TagKind {
    match node {
        Node::Title(title) => Tag::Hn(NonZeroU16::MIN, Some(title.clone())).into(),
        Node::Heading(title) => Tag::Hn(NonZeroU16::MIN.saturating_add(1), Some(title.clone())).into(),
        Node::Group => Tag::Div.into(),
        Node::Paragraph => Tag::P.into(),
        Node::Figure(alt) => Tag::Figure(Some(alt.clone())).into(),
        Node::Link => Tag::Link.into(),
        Node::Table(summary) => Tag::Table.with_summary(Some(summary.clone())).into(),
        Node::Head => Tag::THead.into(),
        Node::Body => Tag::TBody.into(),
        Node::Row => Tag::TR.into(),
        Node::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Node::RowHead => Tag::TH(TableHeaderScope::Row).into(),
        Node::Cell => Tag::TD.into(),
    }
}

fn paint(colour: Colour) -> krilla::paint::Paint {
    rgb::Color::new(colour.red, colour.green, colour.blue).into()
}

fn fill(colour: Colour) -> Fill {
    Fill { paint: paint(colour), ..Fill::default() }
}

fn rect(area: Area) -> Option<Rect> {
    Rect::from_xywh(area.x, area.y, area.width, area.height)
}

fn rectangle(area: Area) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(rect(area)?);
    path.finish()
}

fn rounded(area: Area, radius: f32) -> Option<Path> {
    let (left, top, right, bottom) = (area.x, area.y, area.x + area.width, area.y + area.height);
    // How far a curve's handles reach, for it to be round.
    let near = radius * 0.447_715;
    let mut path = PathBuilder::new();
    path.move_to(left + radius, top);
    path.line_to(right - radius, top);
    path.cubic_to(right - near, top, right, top + near, right, top + radius);
    path.line_to(right, bottom - radius);
    path.cubic_to(right, bottom - near, right - near, bottom, right - radius, bottom);
    path.line_to(left + radius, bottom);
    path.cubic_to(left + near, bottom, left, bottom - near, left, bottom - radius);
    path.line_to(left, top + radius);
    path.cubic_to(left, top + near, left + near, top, left + radius, top);
    path.close();
    path.finish()
}
