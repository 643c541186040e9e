//! A [`Picture`] as a PNG file, for people.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::{Picture, paint::signed};

/// A PNG file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the picture {}: check the folder and its free space", path.display())]
pub struct PngError {
    path: PathBuf,
    #[source]
    source: png::EncodingError,
}

impl Picture {
    /// Writes the picture in 8-bit RGB, replacing what was there.
    ///
    /// # Errors
    ///
    /// [`PngError`] if the file cannot be created or written.
    pub fn save_png(&self, path: &Path) -> Result<(), PngError> {
        self.write_png(path).map_err(|source| PngError { path: path.to_owned(), source })
    }

    fn write_png(&self, path: &Path) -> Result<(), png::EncodingError> {
        let (width, height) = (signed(self.size.width), signed(self.size.height));
        let mut pixels = Vec::with_capacity(self.luma.len() * 3);
        for at in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            pixels.extend(self.colour(at).into_iter().flat_map(super::Colour::to_rgb));
        }
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, width.unsigned_abs(), height.unsigned_abs());
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()
    }
}
