//! The colours of a document, and whether they can be read.

use crate::document::{Colour, Stamp};

pub(crate) const INK: Colour = rgb(0x11, 0x18, 0x27);
pub(crate) const GREY: Colour = rgb(0x5b, 0x64, 0x72);
pub(crate) const HAIRLINE: Colour = rgb(0xe2, 0xe5, 0xea);
pub(crate) const WATERMARK: Colour = rgb(0xf1, 0xf2, 0xf4);
pub(crate) const WHITE: Colour = rgb(0xff, 0xff, 0xff);
/// In place of a brand's colour that cannot be read on white.
pub(crate) const DARK: Colour = rgb(0x1f, 0x29, 0x37);

/// The least contrast of text (WCAG 2, level AA), and of a bar that need only be seen.
const READABLE: f32 = 4.5;
const VISIBLE: f32 = 1.2;

const fn rgb(red: u8, green: u8, blue: u8) -> Colour {
    Colour { red, green, blue }
}

/// The colours made of a brand's one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    /// For text on white.
    pub text: Colour,
    /// For bars and rules.
    pub bar: Colour,
    /// For the ground of what is due: nearly white.
    pub tint: Colour,
}

impl Palette {
    pub fn of(brand: Colour) -> Self {
        let text = if contrast(brand, WHITE) >= READABLE { brand } else { DARK };
        let bar = if contrast(brand, WHITE) >= VISIBLE { brand } else { DARK };
        Self { text, bar, tint: mixed(bar, WHITE, 14) }
    }
}

pub(crate) fn of_stamp(stamp: Stamp) -> Colour {
    match stamp {
        Stamp::Draft => rgb(0x9a, 0x52, 0x0a),
        Stamp::Paid => rgb(0x15, 0x70, 0x3a),
        Stamp::PastDue => rgb(0xb4, 0x1c, 0x1c),
        Stamp::Void | Stamp::Uncollectible => GREY,
    }
}

/// `of` in 255 parts of `colour`, the rest of `ground`.
fn mixed(colour: Colour, ground: Colour, of: u16) -> Colour {
    let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * of + u16::from(b) * (255 - of)) / 255).unwrap_or(u8::MAX);
    rgb(mix(colour.red, ground.red), mix(colour.green, ground.green), mix(colour.blue, ground.blue))
}

/// WCAG 2's contrast ratio, 1 to 21.
pub(crate) fn contrast(a: Colour, b: Colour) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: Colour) -> f32 {
    let linear = |part: u8| {
        let part = f32::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_that_cannot_be_read_is_not_used_for_text() {
        for pale in [rgb(0xff, 0xe0, 0x00), rgb(0xff, 0xff, 0xff), rgb(0x9a, 0xe6, 0xb4)] {
            assert_eq!(Palette::of(pale).text, DARK, "{pale:?}");
        }
        let blue = rgb(0x1d, 0x4e, 0xd8);
        assert_eq!(Palette::of(blue).text, blue);
        assert_eq!(Palette::of(rgb(0xff, 0xe0, 0x00)).bar, rgb(0xff, 0xe0, 0x00), "a bar need only be seen");
        assert_eq!(Palette::of(WHITE).bar, DARK);
    }

    #[test]
    fn every_colour_of_text_can_be_read() {
        for colour in [INK, GREY, DARK, of_stamp(Stamp::Draft), of_stamp(Stamp::Paid), of_stamp(Stamp::PastDue), of_stamp(Stamp::Void)] {
            assert!(contrast(colour, WHITE) >= READABLE, "{colour:?}");
        }
        for brand in (0..=255).step_by(15).map(|part| rgb(part, 255 - part, part / 2)) {
            let palette = Palette::of(brand);
            assert!(contrast(palette.text, palette.tint) >= 3.6, "{brand:?}");
            assert!(contrast(INK, palette.tint) >= 12.0, "{brand:?}");
        }
    }
}
