//! Pictures from outside: what kind they are is read off their bytes, how large they claim to be is looked at before memory is taken for
//! them, and what is kept is written anew from the pixels alone.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// The most bytes of a picture as it is sent.
pub const MAX_BYTES: usize = 200 * 1024;
/// The most pixels of one of its sides.
const MAX_SIDE: u32 = 4096;
/// The most bytes that its pixels take once they are read: 4096 by 4096 of eight bits in four channels.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;
/// What is kept is within this, in pixels.
const KEPT: (u32, u32) = (512, 256);

/// A picture as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub png: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Why a picture is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Something else.
    #[error("must be a PNG, JPEG, WebP or GIF; SVG and other kinds are not taken")]
    Kind,
    /// Too many pixels.
    #[error("is too large: at most {MAX_SIDE} by {MAX_SIDE} pixels of at most 32 bits")]
    TooLarge,
    /// Cut off, or not what it says.
    #[error("cannot be read: the file is broken or incomplete")]
    Broken,
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => PictureError::TooLarge,
            _ => PictureError::Broken,
        }
    }
}

/// Reads a picture, turns it as its camera was held, makes it fit, and writes it as PNG. The same bytes make the same picture.
///
/// # Errors
/// [`PictureError`].
pub fn normalised(bytes: &[u8]) -> Result<Picture, PictureError> {
    let format = image::guess_format(bytes).ok();
    let Some(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif)) = format else {
        return Err(PictureError::Kind);
    };
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(MAX_SIDE), Some(MAX_SIDE), Some(2 * MAX_MEMORY));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    // The header alone is read here.
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_MEMORY {
        return Err(PictureError::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    if picture.width() > KEPT.0 || picture.height() > KEPT.1 {
        picture = picture.thumbnail(KEPT.0, KEPT.1);
    }
    let pixels = picture.into_rgba8();
    let mut png = Vec::new();
    pixels.write_with_encoder(PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive))?;
    Ok(Picture { png, width: pixels.width(), height: pixels.height() })
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    fn drawn(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture =
            DynamicImage::from(RgbaImage::from_fn(width, height, |x, _| Rgba([if x < width / 2 { 250 } else { 5 }, 100, 20, 255])));
        let picture = if format == ImageFormat::Jpeg { DynamicImage::from(picture.into_rgb8()) } else { picture };
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("written");
        bytes.into_inner()
    }

    #[test]
    fn every_kind_that_is_taken_becomes_a_png_that_fits() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let small = normalised(&drawn(40, 20, format)).unwrap_or_else(|error| panic!("{format:?}: {error}"));
            assert_eq!((small.width, small.height), (40, 20), "{format:?}");
            let pixel = image::load_from_memory_with_format(&small.png, ImageFormat::Png).expect("a PNG").into_rgba8().get_pixel(2, 2).0;
            assert!(pixel[0] > 230 && pixel[2] < 40, "{format:?}: {pixel:?}");
            let large = normalised(&drawn(1024, 1024, format)).unwrap_or_else(|error| panic!("{format:?}: {error}"));
            assert_eq!((large.width, large.height), (256, 256), "{format:?}");
        }
        let flat = normalised(&drawn(4096, 1, ImageFormat::Png)).expect("read");
        assert_eq!((flat.width, flat.height), (512, 1));
    }

    #[test]
    fn what_is_cut_off_or_another_kind_is_refused() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let whole = drawn(64, 64, format);
            for length in [12, 20, whole.len() / 2] {
                // A JPEG or GIF that ends early may still be a picture; never is it a panic, and never is it kept as it came.
                if let Ok(kept) = normalised(&whole[..length]) {
                    assert_ne!(kept.png, whole, "{format:?}");
                    assert!(matches!(format, ImageFormat::Jpeg | ImageFormat::Gif), "{format:?} of {length} bytes");
                }
            }
        }
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".as_slice();
        for other in
            [svg, b"<?xml version=\"1.0\"?><svg/>", b"BM\x36\0\0\0", b"II*\0\x08\0\0\0", b"\0\0\x01\0\x01\0", b"GIF", b"", b"%PDF-1.7"]
        {
            assert_eq!(normalised(other), Err(PictureError::Kind), "{other:?}");
        }
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_refused_by_its_header() {
        let mut bomb = drawn(1, 1, ImageFormat::Png);
        // Width and height are the first eight bytes of the header chunk; its checksum follows five bytes later.
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let sum = crc32fast::hash(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(normalised(&bomb), Err(PictureError::TooLarge));
        let mut gif = drawn(1, 1, ImageFormat::Gif);
        gif[6..10].copy_from_slice(&[0xff; 4]);
        assert_eq!(normalised(&gif), Err(PictureError::TooLarge));
    }

    #[test]
    fn nothing_is_left_of_what_else_was_in_the_file() {
        let mut tagged = drawn(8, 8, ImageFormat::Png);
        let mut chunk = b"tEXtComment\0a secret place".to_vec();
        let sum = crc32fast::hash(&chunk);
        let length = u32::try_from(chunk.len() - 4).expect("short");
        let mut framed = length.to_be_bytes().to_vec();
        framed.append(&mut chunk);
        framed.extend(sum.to_be_bytes());
        // Right behind the header chunk.
        tagged.splice(33..33, framed);
        let kept = normalised(&tagged).expect("read");
        assert!(!String::from_utf8_lossy(&kept.png).contains("secret"));
        assert_eq!(kept, normalised(&drawn(8, 8, ImageFormat::Png)).expect("read"), "the same picture is the same file");
    }
}
