//! Drawing on a [`Picture`]: rectangles, discs, lines, letters, other pictures.
//!
//! Everything is clipped, nothing can be drawn outside. A graphics crate would
//! bring fonts, paths and forty dependencies for four shapes, and would draw in
//! RGB.

use font8x8::legacy::{BASIC_LEGACY, LATIN_LEGACY};

use super::Picture;

/// A colour as the video holds it: BT.601, limited range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour {
    /// Brightness, 16 (black) to 235 (white).
    pub y: u8,
    /// Blue difference, 128 for grey.
    pub u: u8,
    /// Red difference, 128 for grey.
    pub v: u8,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self { y: 16, u: 128, v: 128 };
    /// White.
    pub const WHITE: Self = Self { y: 235, u: 128, v: 128 };

    /// Converts from red, green and blue of 0 to 255.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        let (r, g, b) = (red as i32, green as i32, blue as i32);
        Self {
            y: byte(((66 * r + 129 * g + 25 * b + 128) >> 8) + 16),
            u: byte(((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128),
            v: byte(((112 * r - 94 * g - 18 * b + 128) >> 8) + 128),
        }
    }

    /// Red, green and blue of 0 to 255.
    #[must_use]
    pub const fn to_rgb(self) -> [u8; 3] {
        let (c, d, e) = (self.y as i32 - 16, self.u as i32 - 128, self.v as i32 - 128);
        [
            byte((298 * c + 409 * e + 128) >> 8),
            byte((298 * c - 100 * d - 208 * e + 128) >> 8),
            byte((298 * c + 516 * d + 128) >> 8),
        ]
    }
}

/// A place on a picture; `x` to the right, `y` downwards, in pixels.
pub(crate) type Point = (i32, i32);

/// A rectangle: left, top, width, height, in pixels.
pub(crate) type Rect = (i32, i32, i32, i32);

impl Picture {
    /// Lays `colour` over a rectangle with `opacity` of 0 to 255.
    pub(crate) fn rect(&mut self, (left, top, width, height): Rect, colour: Colour, opacity: u8) {
        for y in top..top.saturating_add(height) {
            self.row(y, (left, left.saturating_add(width)), colour, opacity);
        }
    }

    /// Lays `colour` over the pixels `from <= x < to` of one row.
    fn row(&mut self, y: i32, (from, to): (i32, i32), colour: Colour, opacity: u8) {
        let width = self.size.width;
        let clip = |x: i32| usize::try_from(x).unwrap_or(0).min(width);
        let (from, to) = (clip(from), clip(to));
        let Some(y) = usize::try_from(y).ok().filter(|y| *y < self.size.height) else { return };
        if from >= to {
            return;
        }
        cover(self.luma.get_mut(y * width + from..y * width + to), colour.y, opacity);
        if y % 2 == 0 {
            // Chroma follows the even pixels.
            let start = y / 2 * (width / 2);
            let part = start + from.div_ceil(2)..start + to.div_ceil(2);
            cover(self.blue.get_mut(part.clone()), colour.u, opacity);
            cover(self.red.get_mut(part), colour.v, opacity);
        }
    }

    /// Fills a square of whole pixels; `side` even, so that chroma follows.
    pub(crate) fn square(&mut self, (left, top): (usize, usize), side: usize, colour: Colour) {
        let corner = (signed(left), signed(top));
        self.rect((corner.0, corner.1, signed(side), signed(side)), colour, u8::MAX);
    }

    /// Draws a filled disc with a soft edge.
    pub(crate) fn disc(&mut self, centre: Point, radius: f32, colour: Colour) {
        self.ellipse(centre, (radius, radius), colour);
    }

    /// Draws a filled ellipse with a soft edge; `radii` across and down.
    pub(crate) fn ellipse(&mut self, centre: Point, (across, down): (f32, f32), colour: Colour) {
        let reach = whole(down) + 1;
        for dy in -reach..=reach {
            let y = centre.1 + dy;
            // Whole pixels between the edges, soft ones on them.
            let part = 1.0 - (dy as f32 / down).powi(2);
            let half = if part > 0.0 { across * part.sqrt() } else { 0.0 };
            let inner = whole(half) - 2;
            self.row(y, (centre.0 - inner, centre.0 + inner + 1), colour, u8::MAX);
            for dx in inner.max(-1) + 1..=whole(half) + 2 {
                let distance = (dx as f32 / across).hypot(dy as f32 / down);
                let coverage = opacity((1.0 - distance) * across.min(down) + 0.5);
                self.blend((centre.0 + dx, y), colour, coverage);
                if dx != 0 {
                    self.blend((centre.0 - dx, y), colour, coverage);
                }
            }
        }
    }

    /// Draws a line with round ends.
    pub(crate) fn line(&mut self, from: Point, to: Point, thickness: f32, colour: Colour) {
        let margin = whole(thickness) + 1;
        let (along_x, along_y) = ((to.0 - from.0) as f32, (to.1 - from.1) as f32);
        let length = (along_x * along_x + along_y * along_y).max(1.0);
        for y in from.1.min(to.1) - margin..=from.1.max(to.1) + margin {
            for x in from.0.min(to.0) - margin..=from.0.max(to.0) + margin {
                let (px, py) = ((x - from.0) as f32, (y - from.1) as f32);
                let part = ((px * along_x + py * along_y) / length).clamp(0.0, 1.0);
                let distance = (px - part * along_x).hypot(py - part * along_y);
                self.blend((x, y), colour, opacity(thickness / 2.0 - distance + 0.5));
            }
        }
    }

    /// Writes text with letters of 8×8 pixels, each enlarged `scale` times.
    ///
    /// A character outside Latin-1 is shown as `?`.
    pub(crate) fn text(&mut self, (left, top): Point, text: &str, scale: i32, colour: Colour) {
        let mut x = left;
        for character in text.chars() {
            let rows = letter(character).or_else(|| letter('?'));
            for (row, bits) in (0_i32..).zip(rows.into_iter().flatten()) {
                for column in (0..8).filter(|column| bits >> column & 1 == 1) {
                    let corner = (x + column * scale, top + row * scale);
                    self.rect((corner.0, corner.1, scale, scale), colour, u8::MAX);
                }
            }
            x += 8 * scale;
        }
    }

    /// Shows `other` in a rectangle, scaled by taking the nearest pixel; the
    /// rectangle starts at even pixels.
    pub(crate) fn place(&mut self, (left, top, width, height): Rect, other: &Self) {
        let size = other.size;
        let chroma = (left / 2, top / 2, width / 2, height / 2);
        let (own, half) = (self.size.width, self.size.width / 2);
        let (from, from_half) = ((size.width, size.height), (size.width / 2, size.height / 2));
        place_plane((&mut self.luma, own), (left, top, width, height), &other.luma, from);
        place_plane((&mut self.blue, half), chroma, &other.blue, from_half);
        place_plane((&mut self.red, half), chroma, &other.red, from_half);
    }

    /// The colour at a place, or `None` outside.
    #[must_use]
    pub(crate) fn colour(&self, at: Point) -> Option<Colour> {
        let (luma, chroma) = self.indices(at)?;
        Some(Colour {
            y: *self.luma.get(luma)?,
            u: *self.blue.get(chroma)?,
            v: *self.red.get(chroma)?,
        })
    }

    /// Mixes `colour` into one pixel; chroma follows its upper left pixel.
    fn blend(&mut self, at: Point, colour: Colour, opacity: u8) {
        let Some((luma, chroma)) = self.indices(at) else { return };
        mix(self.luma.get_mut(luma), colour.y, opacity);
        if at.0 % 2 == 0 && at.1 % 2 == 0 {
            mix(self.blue.get_mut(chroma), colour.u, opacity);
            mix(self.red.get_mut(chroma), colour.v, opacity);
        }
    }

    /// Where a pixel's luma and chroma are in their planes.
    fn indices(&self, (x, y): Point) -> Option<(usize, usize)> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        let inside = x < self.size.width && y < self.size.height;
        inside.then(|| (y * self.size.width + x, y / 2 * (self.size.width / 2) + x / 2))
    }
}

/// Shows one plane in a rectangle of another; `stride` and `from` are the widths
/// of the two, the latter with its height.
fn place_plane(
    (on, stride): (&mut [u8], usize),
    (left, top, width, height): Rect,
    plane: &[u8],
    from: (usize, usize),
) {
    let unsigned = |value: i32| usize::try_from(value).unwrap_or(0);
    let (left, top) = (unsigned(left), unsigned(top));
    let (width, height) = (unsigned(width).min(stride.saturating_sub(left)), unsigned(height));
    for (y, row) in on.chunks_exact_mut(stride.max(1)).skip(top).take(height).enumerate() {
        let start = y * from.1 / height * from.0;
        let source = plane.get(start..start + from.0).unwrap_or_default();
        let Some(target) = row.get_mut(left..left + width) else { return };
        if source.len() == width {
            target.copy_from_slice(source);
            continue;
        }
        for (x, pixel) in target.iter_mut().enumerate() {
            *pixel = source.get(x * from.0 / width).copied().unwrap_or(*pixel);
        }
    }
}

/// The rows of a letter, the leftmost pixel in the lowest bit.
fn letter(character: char) -> Option<&'static [u8; 8]> {
    let code = usize::try_from(u32::from(character)).ok()?;
    match code {
        0..=0x7F => BASIC_LEGACY.get(code),
        _ => LATIN_LEGACY.get(code.checked_sub(0xA0)?),
    }
}

/// Mixes a value into a stretch of a plane.
fn cover(stretch: Option<&mut [u8]>, target: u8, opacity: u8) {
    let Some(stretch) = stretch else { return };
    if opacity == u8::MAX {
        stretch.fill(target);
    } else {
        stretch.iter_mut().for_each(|value| mix(Some(value), target, opacity));
    }
}

/// Moves `value` towards `target` by `opacity` / 255.
fn mix(value: Option<&mut u8>, target: u8, opacity: u8) {
    if let Some(value) = value {
        let (old, new, part) = (i32::from(*value), i32::from(target), i32::from(opacity));
        *value = byte(old + (new - old) * part / 255);
    }
}

/// A length in pixels as a signed number; a picture is far below the limit.
pub(crate) fn signed(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
const fn byte(value: i32) -> u8 {
    if value < 0 {
        0
    } else if value > 255 {
        255
    } else {
        value as u8
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
fn opacity(coverage: f32) -> u8 {
    (coverage.clamp(0.0, 1.0) * 255.0) as u8
}

/// The whole pixels in a length; saturates.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and is clipped later")]
pub(crate) fn whole(length: f32) -> i32 {
    length.round() as i32
}
