//! Finding a ticket in a picture.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rxing::common::HybridBinarizer;
use rxing::{
    BarcodeFormat, BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiFormatReader, Reader,
};

use super::image::{Grey, ImageError, PIXELS, decode};

/// Bytes of the largest file that is read.
const FILE_BYTES: u64 = 64 << 20;
/// Below this a code of any version has less than a pixel for a module.
const SMALLEST: usize = 40;

/// A picture without a ticket.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The system would not read the file.
    #[error("cannot read {}: check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a picture that is read here: expected PNG or JPEG, got {got}", path.display())]
    NotPicture {
        /// The file.
        path: PathBuf,
        /// How it begins.
        got: String,
    },
    /// The file begins as a picture and cannot be decoded.
    #[error("{} is a damaged picture ({reason}): take or copy it again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// The picture is larger than any camera's.
    #[error(
        "{} is too large: expected at most {} bytes and {PIXELS} pixels; scale it down",
        path.display(), FILE_BYTES
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// No code can be read.
    #[error(
        "no QR code can be read in {width}×{height} pixels: go closer, hold still, avoid \
         reflections, and show the whole code with its white rim"
    )]
    NoCode {
        /// Width of the picture.
        width: usize,
        /// Height of the picture.
        height: usize,
    },
    /// There is a code, and it is no ticket.
    #[error(
        "this QR code is not a ticket: expected `diptych:` or a link that ends with a ticket, \
         got `{begins}`; scan the code on the examinee's phone"
    )]
    Foreign {
        /// The first characters of its text, without control characters.
        begins: String,
    },
}

/// Reads the ticket in a PNG or JPEG file.
///
/// ```no_run
/// let text = diptych::qr::scan_file("ticket.png".as_ref())?;
/// assert!(text.starts_with("diptych:"));
/// # Ok::<(), diptych::qr::ScanError>(())
/// ```
///
/// # Errors
///
/// [`ScanError`], one kind for each thing a person can do about it.
pub fn scan_file(path: &Path) -> Result<String, ScanError> {
    let owned = || path.to_owned();
    let bytes = read(path).map_err(|source| ScanError::Unreadable { path: owned(), source })?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(ScanError::TooLarge { path: owned() });
    }
    let grey = decode(&bytes).map_err(|error| match error {
        ImageError::Unknown => ScanError::NotPicture { path: owned(), got: kind(&bytes) },
        ImageError::TooLarge => ScanError::TooLarge { path: owned() },
        ImageError::Broken(reason) => ScanError::Broken { path: owned(), reason },
    })?;
    scan(&grey)
}

/// Reads the ticket in a camera's picture: `luma` row after row, without padding.
///
/// # Errors
///
/// [`ScanError::NoCode`] or [`ScanError::Foreign`].
pub fn scan_luma(width: usize, height: usize, luma: &[u8]) -> Result<String, ScanError> {
    scan(&Grey { width, height, luma: luma.to_vec() })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn scan(grey: &Grey) -> Result<String, ScanError> {
    // Half the size averages noise and moiré away, which full size may not survive.
    let found = text_in(grey).or_else(|| {
        let half = grey.halved();
        text_in(&half).or_else(|| text_in(&half.halved()))
    });
    match found {
        None => Err(ScanError::NoCode { width: grey.width, height: grey.height }),
        Some(text) if is_ticket(&text) => Ok(text),
        Some(text) => Err(ScanError::Foreign { begins: beginning(text.as_bytes()) }),
    }
}

/// Whether a text claims to be a ticket; the protocol checks whether it is one.
fn is_ticket(text: &str) -> bool {
    text.starts_with("diptych:") || text.starts_with("https://") && text.contains("/p#")
}

fn text_in(grey: &Grey) -> Option<String> {
    if grey.width < SMALLEST || grey.height < SMALLEST {
        return None;
    }
    let (width, height) = (u32::try_from(grey.width).ok()?, u32::try_from(grey.height).ok()?);
    let source = Luma8LuminanceSource::new(grey.luma.clone(), width, height).ok()?;
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    // Also inverted: a code on a dark theme, drawn by who knows which program.
    let hints = DecodeHints {
        PossibleFormats: Some([BarcodeFormat::QR_CODE].into()),
        TryHarder: Some(true),
        AlsoInverted: Some(true),
        ..DecodeHints::default()
    };
    let result = MultiFormatReader::default().decode_with_hints(&mut bitmap, &hints).ok()?;
    Some(result.getText().to_owned())
}

/// What a file is that is neither PNG nor JPEG, and what to do with it if it is a picture.
fn kind(bytes: &[u8]) -> String {
    let at = |place: usize, mark: &[u8]| bytes.get(place..).is_some_and(|b| b.starts_with(mark));
    let name = if at(0, b"GIF8") {
        "GIF"
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        "WebP"
    } else if at(4, b"ftyphei") || at(4, b"ftypmif1") {
        "HEIC"
    } else if at(4, b"ftypavif") {
        "AVIF"
    } else if at(0, b"BM") {
        "BMP"
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        "TIFF"
    } else if at(0, b"%PDF") {
        "PDF"
    } else {
        return beginning(bytes);
    };
    format!("{name}: open it and save it as PNG, or take a screenshot of it")
}

/// The first characters of something, fit for a terminal.
fn beginning(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let text = bytes.get(..SHOWN.min(bytes.len())).unwrap_or_default().escape_ascii().to_string();
    if bytes.is_empty() { "an empty file".into() } else { text }
}
