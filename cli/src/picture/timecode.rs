//! The true time of a picture, written into its pixels.
//!
//! A strip of black and white cells of 8×8 pixels along the lower edge holds 128
//! bits, most significant first: the byte `0xD1`, the capture time in
//! nanoseconds of the machine's boot clock (64), the frame number (32), and the
//! first 24 bits of the SHA-256 of those 13 bytes. Cells run from left to right,
//! then from top to bottom. A cell is read by the mean of its inner 4×4 pixels,
//! which the encoder's filters hardly touch.
//!
//! Rejected: a QR code (large, slow to find, and its error correction is not
//! needed where every picture can be read), and SEI messages beside the pixels (a
//! re-encoding drops them, and they prove nothing about the picture).

use sha2::{Digest, Sha256};

use super::paint::signed;
use crate::picture::{Colour, Picture, Size};

/// Side of a cell in pixels.
const CELL: usize = 8;
/// Bits in a strip.
const BITS: usize = 128;
/// The first byte of every strip.
const MARK: u8 = 0xD1;
/// Means at or above this are white; halfway between black and white.
const WHITE_FROM: u32 = 126;

/// What a strip says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeCode {
    /// The machine's boot clock at capture, in nanoseconds.
    pub true_ns: i64,
    /// Which frame of the camera this is, from 0.
    pub number: u32,
}

/// A picture whose strip cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeCodeError {
    /// The strip's mark is not there.
    #[error("no time code: expected a strip that begins with {MARK:#04x}, got {got:#04x}")]
    Missing {
        /// What the first eight cells read as.
        got: u8,
    },
    /// The mark is there and the check disagrees.
    #[error("damaged time code: expected the check {expected:#08x}, got {got:#08x}")]
    Damaged {
        /// The check of what was read.
        expected: u32,
        /// The check that was read.
        got: u32,
    },
}

/// Where the cells of a picture of this size are.
struct Grid {
    columns: usize,
    top: usize,
}

impl Grid {
    const fn of(size: Size) -> Self {
        // A Size is wide enough for 20 columns, so never zero.
        let columns = size.width() / CELL;
        let rows = BITS.div_ceil(columns);
        Self { columns, top: (size.height() / CELL).saturating_sub(rows) * CELL }
    }

    /// The upper left pixel of a cell.
    const fn cell(&self, index: usize) -> (usize, usize) {
        (index % self.columns * CELL, self.top + index / self.columns * CELL)
    }
}

impl TimeCode {
    /// Paints the strip.
    pub fn draw(self, on: &mut Picture) {
        let grid = Grid::of(on.size());
        let value = self.bits();
        let below = on.size().height() - grid.top;
        let strip = (0, signed(grid.top), signed(on.size().width()), signed(below));
        on.rect(strip, Colour::BLACK, u8::MAX);
        for index in 0..BITS {
            let white = value >> (BITS - 1 - index) & 1 == 1;
            let (left, top) = grid.cell(index);
            on.square((left, top), CELL, if white { Colour::WHITE } else { Colour::BLACK });
        }
    }

    /// Reads the strip of a decoded picture.
    ///
    /// # Errors
    ///
    /// [`TimeCodeError`] if there is none, or it does not agree with its check.
    pub fn read(from: &Picture) -> Result<Self, TimeCodeError> {
        let grid = Grid::of(from.size());
        let mut value = 0_u128;
        for index in 0..BITS {
            value = value << 1 | u128::from(is_white(from, grid.cell(index)));
        }
        let bytes = value.to_be_bytes();
        let [mark, t0, t1, t2, t3, t4, t5, t6, t7, n0, n1, n2, n3, c0, c1, c2] = bytes;
        if mark != MARK {
            return Err(TimeCodeError::Missing { got: mark });
        }
        let code = Self {
            true_ns: i64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            number: u32::from_be_bytes([n0, n1, n2, n3]),
        };
        let (expected, got) = (code.check(), u32::from_be_bytes([0, c0, c1, c2]));
        if expected == got { Ok(code) } else { Err(TimeCodeError::Damaged { expected, got }) }
    }

    /// All 128 bits.
    fn bits(self) -> u128 {
        self.head() << 24 | u128::from(self.check())
    }

    /// The bits before the check.
    fn head(self) -> u128 {
        let time = u128::from(u64::from_be_bytes(self.true_ns.to_be_bytes()));
        u128::from(MARK) << 96 | time << 32 | u128::from(self.number)
    }

    fn check(self) -> u32 {
        let [_, _, _, head @ ..] = self.head().to_be_bytes();
        let [a, b, c, ..] = <[u8; 32]>::from(Sha256::digest(head));
        u32::from_be_bytes([0, a, b, c])
    }
}

/// Whether the inside of a cell is rather white.
fn is_white(picture: &Picture, (left, top): (usize, usize)) -> bool {
    let width = picture.size().width();
    let inner = top + CELL / 4..top + CELL * 3 / 4;
    let sum: u32 = inner
        .filter_map(|y| picture.luma().get(y * width + left + 2..y * width + left + 6))
        .flatten()
        .map(|luma| u32::from(*luma))
        .sum();
    sum >= WHITE_FROM * 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: TimeCode = TimeCode { true_ns: 0x0123_4567_89AB_CDEF, number: 0xFEDC_BA98 };

    #[test]
    fn a_strip_is_read_back_at_every_size() {
        for (width, height) in [(160, 96), (320, 180), (640, 360), (642, 362), (3840, 2160)] {
            let size = Size::new(width, height).unwrap();
            for code in [CODE, TimeCode { true_ns: -1, number: 0 }] {
                let mut picture = Picture::new(size, Colour::rgb(200, 40, 90));
                code.draw(&mut picture);
                assert_eq!(TimeCode::read(&picture), Ok(code), "{width}×{height}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_strip_is_told_from_a_damaged_one() {
        let mut picture = Picture::new(Size::DEFAULT, Colour::WHITE);
        assert_eq!(TimeCode::read(&picture), Err(TimeCodeError::Missing { got: 0xFF }));
        CODE.draw(&mut picture);
        let (left, top) = Grid::of(Size::DEFAULT).cell(40);
        let was = is_white(&picture, (left, top));
        picture.square((left, top), CELL, if was { Colour::BLACK } else { Colour::WHITE });
        let error = TimeCode::read(&picture).unwrap_err();
        assert!(matches!(error, TimeCodeError::Damaged { .. }), "{error}");
    }

    #[test]
    fn any_single_wrong_cell_is_noticed() {
        for index in 0..BITS {
            let mut picture = Picture::new(Size::SMALL, Colour::BLACK);
            CODE.draw(&mut picture);
            let cell = Grid::of(Size::SMALL).cell(index);
            let was = is_white(&picture, cell);
            picture.square(cell, CELL, if was { Colour::BLACK } else { Colour::WHITE });
            assert!(TimeCode::read(&picture).is_err(), "cell {index}");
        }
    }
}
