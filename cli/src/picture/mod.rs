//! One picture in memory, as cameras give it and the encoder takes it.
//!
//! Planar YUV 4:2:0 with the limited range of BT.601, from camera to file and
//! from file to the side-by-side video. Rejected: RGB inside, which would cost a
//! conversion per frame in each direction for nothing, since only the PNG of a
//! contact sheet is ever shown in RGB.

mod paint;
mod png_file;
pub mod timecode;

use openh264::formats::YUVSource;

pub use paint::Colour;
pub(crate) use paint::{signed, whole};
pub use png_file::PngError;

/// Width and height of a picture in pixels: both even, 160×96 to 3840×2160.
///
/// Even because chroma has half the resolution; the lower end still holds the
/// time code, the upper end is what the encoder takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    width: usize,
    height: usize,
}

/// A picture size that cannot be recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a picture must be 160×96 to 3840×2160 pixels with even sides, got {width}×{height}: \
     choose another size"
)]
pub struct SizeError {
    width: usize,
    height: usize,
}

impl Size {
    /// 640×360, the size of the synthetic camera.
    pub const DEFAULT: Self = Self { width: 640, height: 360 };
    /// 320×180, for processors that cannot keep up with [`Size::DEFAULT`].
    pub const SMALL: Self = Self { width: 320, height: 180 };

    /// 1280×720, in which a code across a table still has its modules.
    pub const LARGE: Self = Self { width: 1280, height: 720 };

    /// Checks the limits of the type.
    ///
    /// # Errors
    ///
    /// [`SizeError`] outside them.
    pub const fn new(width: usize, height: usize) -> Result<Self, SizeError> {
        let fits = width >= 160 && height >= 96 && width <= 3840 && height <= 2160;
        if fits && width.is_multiple_of(2) && height.is_multiple_of(2) {
            Ok(Self { width, height })
        } else {
            Err(SizeError { width, height })
        }
    }

    /// Pixels from left to right.
    #[must_use]
    pub const fn width(self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub const fn height(self) -> usize {
        self.height
    }
}

/// The three planes of one picture, without padding between rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    #[must_use]
    pub fn new(size: Size, colour: Colour) -> Self {
        let pixels = size.width * size.height;
        Self {
            size,
            luma: vec![colour.y; pixels],
            blue: vec![colour.u; pixels / 4],
            red: vec![colour.v; pixels / 4],
        }
    }

    /// Copies planes whose rows may be padded, as a decoder gives them.
    ///
    /// `None` if a plane is shorter than its rows, or the size is not one that a
    /// [`Size`] allows.
    #[must_use]
    pub fn from_planes(source: &impl YUVSource) -> Option<Self> {
        let (width, height) = source.dimensions();
        let size = Size::new(width, height).ok()?;
        let (y, u, v) = source.strides();
        Some(Self {
            size,
            luma: packed(source.y(), y, width, height)?,
            blue: packed(source.u(), u, width / 2, height / 2)?,
            red: packed(source.v(), v, width / 2, height / 2)?,
        })
    }

    /// The size it was made with.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The brightness plane, row after row.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// Takes the pixels of `other`, without allocating if the sizes agree.
    pub fn copy_from(&mut self, other: &Self) {
        self.size = other.size;
        self.luma.clone_from(&other.luma);
        self.blue.clone_from(&other.blue);
        self.red.clone_from(&other.red);
    }

    /// The three planes, for a camera that writes them itself.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        (&mut self.luma, &mut self.blue, &mut self.red)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{})", self.size.width, self.size.height)
    }
}

impl YUVSource for Picture {
    fn dimensions(&self) -> (usize, usize) {
        (self.size.width, self.size.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.size.width, self.size.width / 2, self.size.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.luma
    }

    fn u(&self) -> &[u8] {
        &self.blue
    }

    fn v(&self) -> &[u8] {
        &self.red
    }
}

/// The rows of a plane without what pads them to `stride`.
fn packed(plane: &[u8], stride: usize, width: usize, height: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(width * height);
    for row in 0..height {
        let start = row.checked_mul(stride)?;
        out.extend_from_slice(plane.get(start..start.checked_add(width)?)?);
    }
    Some(out)
}
