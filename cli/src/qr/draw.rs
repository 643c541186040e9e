//! QR codes for a terminal, a PNG file and an SVG file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use qrcode::{EcLevel, QrCode, Version};

use crate::window::Window;

/// Light modules around a code in a picture, as ISO/IEC 18004 asks for.
const QUIET: usize = 4;
/// Light modules around a code in a terminal: half, so that 80 columns and 30
/// rows are enough. Readers need the rim to be light more than to be wide.
const QUIET_TERMINAL: usize = 2;
/// Pixels on each side of a picture, at most: enough for a phone across a table, and
/// fourteen for each module of the largest code. Fewer than eight do not survive paper and
/// a second lens.
const PIXELS: usize = 800;
/// The largest code that is still read across a table; version 8 is 49×49.
const LARGEST: i16 = 8;

/// A code that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// There is no text.
    #[error("expected a text to draw, got an empty one: a code of nothing scans as nothing")]
    Empty,
    /// The text does not fit.
    #[error(
        "a text of {bytes} bytes does not fit a QR code of version {LARGEST}: shorten it, for a \
         ticket by offering fewer addresses or a shorter link"
    )]
    TooLong {
        /// The length of the text.
        bytes: usize,
    },
    /// The encoder failed for another reason.
    #[error("the QR code cannot be made")]
    Encoder(#[source] qrcode::types::QrError),
    /// The PNG file could not be written.
    #[error("cannot write the QR code to {}: check the folder and its free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: png::EncodingError,
    },
}

/// A drawn code of error correction level M, which survives a 15 % loss.
#[derive(Clone)]
pub struct Code {
    code: QrCode,
}

impl Code {
    /// Makes the smallest code that holds `text`.
    ///
    /// ```
    /// let code = diptych::qr::Code::new("diptych:0123456789")?;
    /// assert_eq!(code.width(), 21);
    /// # Ok::<(), diptych::qr::DrawError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DrawError::Empty`] of nothing, [`DrawError::TooLong`] above version 8.
    pub fn new(text: &str) -> Result<Self, DrawError> {
        use qrcode::types::QrError;
        if text.is_empty() {
            return Err(DrawError::Empty);
        }
        let made = QrCode::with_error_correction_level(text, EcLevel::M);
        match made {
            Ok(code) if fits(code.version()) => Ok(Self { code }),
            Ok(_) | Err(QrError::DataTooLong) => Err(DrawError::TooLong { bytes: text.len() }),
            Err(error) => Err(DrawError::Encoder(error)),
        }
    }

    /// Modules on each side, without the quiet zone.
    #[must_use]
    pub fn width(&self) -> usize {
        self.code.width()
    }

    /// What is wrong with a window that does not show the code and `below` rows under it, and
    /// what to do; nothing if it does.
    #[must_use]
    pub fn lacks(&self, window: Window, below: usize) -> Option<String> {
        let side = self.width() + 2 * QUIET_TERMINAL;
        let (columns, rows) = (side, side.div_ceil(2) + below);
        if window.columns >= columns && window.rows >= rows {
            return None;
        }
        Some(format!(
            "the code does not fit: it needs a window of {columns} columns and {rows} rows, this \
             one has {} and {}; enlarge the window, or make its letters smaller",
            window.columns, window.rows
        ))
    }

    /// Lines for a terminal, two modules in one character.
    ///
    /// The colours are black and white of the 256-colour cube, which no theme
    /// redefines: the code scans on a dark terminal and on a light one, while one
    /// drawn with the terminal's own colours is inverted on half of them, and
    /// most readers see nothing then.
    #[must_use]
    pub fn terminal(&self) -> String {
        let side = self.width() + 2 * QUIET_TERMINAL;
        let at = |x, y| self.is_dark_at(QUIET_TERMINAL, x, y);
        let mut text = String::new();
        for y in (0..side).step_by(2) {
            text.push_str("\x1b[38;5;16;48;5;231m");
            for x in 0..side {
                text.push(match (at(x, y), at(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// A picture in a vector format, with its quiet zone.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.width() + 2 * QUIET;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/>\
             <path d=\""
        );
        for (x, y) in self.places(QUIET).filter(|(x, y)| self.is_dark_at(QUIET, *x, *y)) {
            // Writing to a String cannot fail.
            let _ = write!(text, "M{x} {y}h1v1h-1z");
        }
        text.push_str("\"/></svg>\n");
        text
    }

    /// Writes a PNG file, about 800 pixels wide, replacing what was there.
    ///
    /// The file appears at once and whole: who scans it in a loop never sees half.
    ///
    /// # Errors
    ///
    /// [`DrawError::Write`] if the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), DrawError> {
        self.write_png(path).map_err(|source| DrawError::Write { path: path.to_owned(), source })
    }

    fn write_png(&self, path: &Path) -> Result<(), png::EncodingError> {
        let modules = self.width() + 2 * QUIET;
        let (side, luma) = self.luma(PIXELS / modules);
        let mut bytes = Vec::new();
        let size = u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut bytes, size, size);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&luma)?;
        writer.finish()?;
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        std::fs::write(&partial, &bytes)?;
        std::fs::rename(&partial, path)?;
        Ok(())
    }

    /// The code in grey, `scale` pixels a module, with its quiet zone; and the
    /// pixels on each side.
    #[must_use]
    pub fn luma(&self, scale: usize) -> (usize, Vec<u8>) {
        let modules = self.width() + 2 * QUIET;
        let mut luma = Vec::with_capacity((modules * scale).pow(2));
        for y in 0..modules {
            let row: Vec<u8> = (0..modules)
                .map(|x| if self.is_dark_at(QUIET, x, y) { 0 } else { u8::MAX })
                .flat_map(|value| std::iter::repeat_n(value, scale))
                .collect();
            (0..scale).for_each(|_| luma.extend_from_slice(&row));
        }
        (modules * scale, luma)
    }

    fn places(&self, rim: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let side = self.width() + 2 * rim;
        (0..side).flat_map(move |y| (0..side).map(move |x| (x, y)))
    }

    /// Whether a module is dark, counted with a rim of `rim` light ones.
    fn is_dark_at(&self, rim: usize, x: usize, y: usize) -> bool {
        let (width, inner) = (self.width(), |value: usize| value.checked_sub(rim));
        let (Some(x), Some(y)) = (inner(x), inner(y)) else { return false };
        x < width && y < width && self.code[(x, y)] == qrcode::Color::Dark
    }
}

fn fits(version: Version) -> bool {
    matches!(version, Version::Normal(number) if number <= LARGEST)
}
