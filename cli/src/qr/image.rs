//! PNG and JPEG files as grey pixels.
//!
//! Only these two: they are what screens, phones and scanners write. A general
//! image crate would bring a dozen formats to attack.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixels of the largest picture that is decoded; phones take up to 50 million.
pub(super) const PIXELS: usize = 64_000_000;
/// Either side of the largest picture.
const SIDE: usize = 32_000;

/// A picture in grey, row after row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
}

/// Why bytes are not a picture.
#[derive(Debug)]
pub(super) enum ImageError {
    /// Neither PNG nor JPEG.
    Unknown,
    /// More pixels than are decoded.
    TooLarge,
    /// Begins well and goes wrong.
    Broken(String),
}

/// Decodes a PNG or JPEG file.
pub(super) fn decode(bytes: &[u8]) -> Result<Grey, ImageError> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        decode_png(bytes)
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        decode_jpeg(bytes)
    } else {
        Err(ImageError::Unknown)
    }
}

fn decode_png(bytes: &[u8]) -> Result<Grey, ImageError> {
    let broken = |error: png::DecodingError| ImageError::Broken(error.to_string());
    let limits = png::Limits { bytes: 4 * PIXELS };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(broken)?;
    checked(info.width as usize, info.height as usize)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(ImageError::TooLarge)?];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    let luma = match frame.color_type {
        png::ColorType::Grayscale | png::ColorType::Indexed => pixels,
        png::ColorType::GrayscaleAlpha => {
            pixels.as_chunks().0.iter().map(|[grey, alpha]| on_white(*grey, *alpha)).collect()
        }
        png::ColorType::Rgb => {
            pixels.as_chunks().0.iter().map(|[r, g, b]| grey(*r, *g, *b)).collect()
        }
        png::ColorType::Rgba => pixels
            .as_chunks()
            .0
            .iter()
            .map(|[r, g, b, alpha]| on_white(grey(*r, *g, *b), *alpha))
            .collect(),
    };
    whole(frame.width as usize, frame.height as usize, luma)
}

fn decode_jpeg(bytes: &[u8]) -> Result<Grey, ImageError> {
    let options = DecoderOptions::new_safe()
        .set_max_width(SIDE)
        .set_max_height(SIDE)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let broken = |error| ImageError::Broken(format!("{error:?}"));
    decoder.decode_headers().map_err(broken)?;
    let info = decoder.info().ok_or_else(|| ImageError::Broken("no size".into()))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    checked(width, height)?;
    let luma = decoder.decode().map_err(broken)?;
    whole(width, height, luma)
}

const fn checked(width: usize, height: usize) -> Result<(), ImageError> {
    let fits = width <= SIDE && height <= SIDE && width.saturating_mul(height) <= PIXELS;
    if fits { Ok(()) } else { Err(ImageError::TooLarge) }
}

fn whole(width: usize, height: usize, luma: Vec<u8>) -> Result<Grey, ImageError> {
    if width > 0 && luma.len() == width * height {
        Ok(Grey { width, height, luma })
    } else {
        Err(ImageError::Broken(format!("{} pixels for {width}×{height}", luma.len())))
    }
}

/// Brightness of a colour (BT.601).
fn grey(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}

/// What is seen of a pixel that lies on white paper.
fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

impl Grey {
    /// Half the size, each pixel the mean of four.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |x: usize, y: usize| {
            u32::from(self.luma.get(y * self.width + x).copied().unwrap_or(u8::MAX))
        };
        let mean = |x: usize, y: usize| {
            let sum = at(2 * x, 2 * y)
                + at(2 * x + 1, 2 * y)
                + at(2 * x, 2 * y + 1)
                + at(2 * x + 1, 2 * y + 1);
            u8::try_from(sum / 4).unwrap_or(u8::MAX)
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self { width, height, luma: places.map(|(x, y)| mean(x, y)).collect() }
    }
}
