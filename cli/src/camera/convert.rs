//! What desktop cameras deliver, as pictures.
//!
//! Two formats cover nearly every USB camera: YUYV, raw, and MJPG, a JPEG file
//! for each picture.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::picture::Picture;

/// Fills a picture from YUYV rows of `stride` bytes: two pixels in four bytes,
/// chroma of each second row left out. `None` if there are too few bytes.
pub(super) fn from_yuyv(data: &[u8], stride: usize, into: &mut Picture) -> Option<()> {
    let (width, height) = (into.size().width(), into.size().height());
    let (luma, blue, red) = into.planes_mut();
    let mut chroma = blue.chunks_exact_mut(width / 2).zip(red.chunks_exact_mut(width / 2));
    for (y, row) in luma.chunks_exact_mut(width).enumerate().take(height) {
        let start = y.checked_mul(stride)?;
        let (pairs, _) = data.get(start..start.checked_add(2 * width)?)?.as_chunks::<4>();
        for (pixels, [first, _, second, _]) in row.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
            *pixels = [*first, *second];
        }
        if y % 2 == 0 {
            let (blue, red) = chroma.next()?;
            for ((blue, red), [_, u, _, v]) in blue.iter_mut().zip(red).zip(pairs) {
                (*blue, *red) = (*u, *v);
            }
        }
    }
    Some(())
}

/// Fills a picture from a JPEG file. `None` if it is damaged or has another size,
/// as the first pictures of some cameras do.
pub(super) fn from_jpeg(data: &[u8], into: &mut Picture) -> Option<()> {
    let (width, height) = (into.size().width(), into.size().height());
    let options = DecoderOptions::new_safe()
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    let pixels = decoder.decode().ok()?;
    let info = decoder.info()?;
    if (usize::from(info.width), usize::from(info.height)) != (width, height) {
        return None;
    }
    let (pixels, _) = pixels.as_chunks::<3>();
    let (luma, blue, red) = into.planes_mut();
    for (target, [y, _, _]) in luma.iter_mut().zip(pixels) {
        *target = narrow(*y, 219, 16);
    }
    let rows = pixels.chunks_exact(width).step_by(2);
    let upper_left = rows.flat_map(|row| row.iter().step_by(2));
    for ((blue, red), [_, u, v]) in blue.iter_mut().zip(red).zip(upper_left) {
        (*blue, *red) = (narrow(*u, 224, 16), narrow(*v, 224, 16));
    }
    Some(())
}

/// Squeezes JPEG's full range into the limited range of video.
fn narrow(value: u8, range: u16, black: u16) -> u8 {
    u8::try_from(u16::from(value) * range / 255 + black).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Colour, Size};

    /// A JPEG file of 160×96 pixels: left half white, right half black.
    const HALVES: &[u8] = include_bytes!("halves.jpg");

    #[test]
    fn yuyv_rows_become_planes_without_their_padding() {
        let size = Size::new(160, 96).unwrap();
        let mut picture = Picture::new(size, Colour::BLACK);
        let stride = 2 * 160 + 32;
        let mut data = vec![0xEE; stride * 96];
        for (y, row) in data.chunks_exact_mut(stride).enumerate() {
            for (x, pair) in row[..320].as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let (x, y) = (u8::try_from(x).unwrap(), u8::try_from(y).unwrap());
                *pair = [2 * x, 100 + x, 2 * x + 1, y];
            }
        }
        from_yuyv(&data, stride, &mut picture).unwrap();
        let (luma, blue, red) = picture.planes_mut();
        assert_eq!(luma[160 * 95..160 * 95 + 4], [0, 1, 2, 3]);
        assert_eq!(blue[80 * 47 + 79], 179);
        assert_eq!((red[0], red[80], red[80 * 47]), (0, 2, 94));
        assert!(from_yuyv(&data[..stride * 95], stride, &mut picture).is_none());
        assert!(from_yuyv(&[], 0, &mut picture).is_none());
    }

    #[test]
    fn a_jpeg_file_becomes_a_picture_of_limited_range() {
        let mut picture = Picture::new(Size::new(160, 96).unwrap(), Colour::rgb(9, 9, 200));
        from_jpeg(HALVES, &mut picture).unwrap();
        let near = |x, expected: Colour| {
            let got = picture.colour((x, 50)).unwrap();
            got.y.abs_diff(expected.y) < 4 && got.u.abs_diff(128) < 4 && got.v.abs_diff(128) < 4
        };
        assert!(near(20, Colour::WHITE) && near(140, Colour::BLACK));

        let mut other = Picture::new(Size::SMALL, Colour::BLACK);
        assert!(from_jpeg(HALVES, &mut other).is_none(), "another size");
        for length in [0, 2, 100] {
            assert!(from_jpeg(&HALVES[..length], &mut picture).is_none(), "cut at {length}");
        }
    }
}
