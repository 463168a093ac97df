//! The two faces text is set in, and the measuring and wrapping of text.
//!
//! Noto Sans has Latin, Greek and Cyrillic, with digits of one width. Glyphs are set one after another by their advance: without shaping,
//! which those scripts do not need once a letter and its accents are one sign.

use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

/// Shown for what the font has no sign for.
const MISSING: char = '\u{fffd}';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

struct Face {
    font: Font,
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units: f32,
}

impl Face {
    #[expect(clippy::expect_used, reason = "the fonts are part of the program, and the tests set text in both")]
    fn load(data: &'static [u8]) -> Self {
        let reference = FontRef::new(data).expect("a font of the program can be read");
        let font = Font::new(data.into(), 0).expect("a font of the program can be embedded");
        let units = font.units_per_em();
        Self { font, charmap: reference.charmap(), metrics: reference.glyph_metrics(Size::unscaled(), LocationRef::default()), units }
    }

    fn glyph(&self, sign: char) -> Option<skrifa::GlyphId> {
        self.charmap.map(sign).filter(|glyph| glyph.to_u32() != 0)
    }
}

static REGULAR: LazyLock<Face> = LazyLock::new(|| Face::load(notosans::REGULAR_TTF));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::load(notosans::BOLD_TTF));

/// Text set in a face, at size 1.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// As drawn.
    pub drawn: String,
    /// What it stands for, if a sign is missing.
    pub meant: Option<String>,
    pub glyphs: Vec<KrillaGlyph>,
    pub width: f32,
}

impl Weight {
    fn face(self) -> &'static Face {
        match self {
            Self::Regular => &REGULAR,
            Self::Bold => &BOLD,
        }
    }

    pub fn font(self) -> Font {
        self.face().font.clone()
    }

    /// Sets text that was made [`clean`].
    pub fn set(self, text: &str) -> Run {
        let face = self.face();
        let mut run = Run { drawn: String::with_capacity(text.len()), meant: None, glyphs: Vec::with_capacity(text.len()), width: 0.0 };
        for sign in text.chars() {
            let (shown, glyph) = self.shown(sign);
            if shown != sign {
                run.meant = Some(text.to_owned());
            }
            let from = run.drawn.len();
            run.drawn.push(shown);
            let advance = face.metrics.advance_width(glyph).unwrap_or_default() / face.units;
            run.width += advance;
            run.glyphs.push(KrillaGlyph::new(GlyphId::new(glyph.to_u32()), advance, 0.0, 0.0, 0.0, from..run.drawn.len(), None));
        }
        run
    }

    /// How wide text that was made [`clean`] is, in points at a size in points.
    pub fn width(self, text: &str, size: f32) -> f32 {
        text.chars().map(|sign| self.advance(sign)).sum::<f32>() * size
    }

    fn advance(self, sign: char) -> f32 {
        let face = self.face();
        face.metrics.advance_width(self.shown(sign).1).unwrap_or_default() / face.units
    }

    fn shown(self, sign: char) -> (char, skrifa::GlyphId) {
        let face = self.face();
        match face.glyph(sign) {
            Some(glyph) => (sign, glyph),
            None => (MISSING, face.glyph(MISSING).unwrap_or(skrifa::GlyphId::NOTDEF)),
        }
    }

    /// Lines no wider than `width` points. Broken at spaces and after hyphens and slashes; a word that is too long for a line is broken
    /// where it must be. Never empty. A line that another follows keeps its space, so that what is copied has it.
    pub fn wrapped(self, text: &str, size: f32, width: f32) -> Vec<String> {
        self.wrapped_until(text, size, width, usize::MAX)
    }

    /// [`Weight::wrapped`], cut to `most` lines with an ellipsis.
    pub fn wrapped_to(self, text: &str, size: f32, width: f32, most: usize) -> Vec<String> {
        let mut lines = self.wrapped_until(text, size, width, most);
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                *last = self.cut(&format!("{}…", last.trim_end()), size, width);
            }
        }
        lines
    }

    /// Goes on only until one line more than `most` is there.
    fn wrapped_until(self, text: &str, size: f32, width: f32, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for piece in pieces(text) {
            if lines.len() > most {
                return lines;
            }
            let (visible, whole) = (self.width(piece.trim_end_matches(' '), size), self.width(piece, size));
            if used + visible > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            if visible <= width {
                line.push_str(piece);
                used += whole;
                continue;
            }
            for sign in piece.chars() {
                let advance = self.advance(sign) * size;
                if used + advance > width && !line.is_empty() && sign != ' ' && advance > 0.0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(sign);
                used += advance;
            }
        }
        if !line.trim().is_empty() || lines.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    /// Cut to a width, with an ellipsis if anything was cut off.
    pub fn cut(self, text: &str, size: f32, width: f32) -> String {
        if self.width(text, size) <= width {
            return text.to_owned();
        }
        let mut kept = String::new();
        let mut room = width - self.advance('…') * size;
        for sign in text.chars() {
            room -= self.advance(sign) * size;
            if room < 0.0 {
                break;
            }
            kept.push(sign);
        }
        format!("{}…", kept.trim_end_matches([' ', '…']))
    }
}

/// Where a line may be broken: behind runs of spaces, behind hyphens and slashes.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        let next = signs.peek().map(|(_, next)| *next);
        let behind_space = sign == ' ' && next.is_some_and(|next| next != ' ');
        let behind_mark = matches!(sign, '-' | '/' | '@' | '–' | '_') && next.is_some_and(char::is_alphanumeric) && at > from;
        if behind_space || behind_mark {
            pieces.push(&text[from..at + sign.len_utf8()]);
            from = at + sign.len_utf8();
        }
    }
    if from < text.len() {
        pieces.push(&text[from..]);
    }
    pieces
}

/// Text of one paragraph: accents joined to their letters, every kind of break made one space, signs that are not seen left out.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for sign in text.nfc() {
        match sign {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' | ' ' => {
                if !cleaned.is_empty() && !cleaned.ends_with(' ') {
                    cleaned.push(' ');
                }
            }
            sign if sign.is_control() || is_unseen(sign) => {}
            sign => cleaned.push(sign),
        }
    }
    cleaned.truncate(cleaned.trim_end_matches(' ').len());
    cleaned
}

/// Marks of direction, joining and variation, and signs a PDF may not map text to.
fn is_unseen(sign: char) -> bool {
    matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_greek_and_cyrillic_are_there() {
        let text = "AZaz ÀÿĀſ ŐőŁłŞşĞğİı Ελληνικά Кириллица Їїєґ Việt €£¥₹ „“«»–—… −§№™";
        for weight in [Weight::Regular, Weight::Bold] {
            assert_eq!(weight.set(text).meant, None, "{weight:?}");
        }
    }

    #[test]
    fn what_is_missing_is_seen_and_still_meant() {
        let run = Weight::Regular.set("東京 Ltd 🚀");
        assert_eq!(run.drawn, "\u{fffd}\u{fffd} Ltd \u{fffd}");
        assert_eq!(run.meant.as_deref(), Some("東京 Ltd 🚀"));
        assert!(run.glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0), "the font's empty box is not allowed in PDF/A");
    }

    #[test]
    fn digits_are_of_one_width() {
        for weight in [Weight::Regular, Weight::Bold] {
            for digit in '1'..='9' {
                assert!((weight.advance(digit) - weight.advance('0')).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn lines_hold_the_width_and_lose_nothing() {
        let text = "Storage in eu-central-1, object versions/replicas and \
            Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung 0123456789012345678901234567890123456789";
        for width in [20.0, 40.0, 80.0, 160.0, 1_000.0] {
            let lines = Weight::Regular.wrapped(text, 9.0, width);
            assert_eq!(lines.concat(), text, "{width}");
            for line in &lines {
                assert!(Weight::Regular.width(line.trim_end(), 9.0) <= width, "{line:?} in {width}");
            }
        }
        assert_eq!(Weight::Regular.wrapped("", 9.0, 50.0), [""]);
        assert_eq!(Weight::Bold.wrapped("wide", 9.0, 0.0).concat(), "wide");
    }

    #[test]
    fn what_is_cut_says_so() {
        let lines = Weight::Regular.wrapped_to("one two three four five six", 9.0, 40.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
        assert!(Weight::Regular.width(&lines[1], 9.0) <= 40.0);
        assert_eq!(Weight::Regular.cut("short", 9.0, 100.0), "short");
    }

    #[test]
    fn signs_that_are_not_seen_are_left_out() {
        assert_eq!(clean("a\u{0}\u{202e}b\u{feff} \t\r\n c\u{ad}d "), "ab cd");
        assert_eq!(clean("e\u{301}"), "é");
        assert_eq!(clean("\n\n"), "");
    }
}
