//! A code that was drawn is read back, whatever the page does to it.

use std::fs;

use super::image::Grey;
use super::*;
use crate::testing::Folder;
use crate::window::Window;

/// A ticket as long as the digits of `bytes` bytes.
fn ticket(digits: usize) -> String {
    let mut text = String::from("diptych:");
    text.extend((0..digits).map(|index| char::from(b'0' + u8::try_from(index * 7 % 10).unwrap())));
    text
}

/// Tickets of versions 6, 7 and 8.
fn tickets() -> [(String, usize); 3] {
    [(ticket(230), 41), (ticket(270), 45), (ticket(340), 49)]
}

fn drawn(code: &Code, scale: usize) -> Grey {
    let (side, luma) = code.luma(scale);
    Grey { width: side, height: side, luma }
}

fn read(grey: &Grey) -> Result<String, ScanError> {
    scan_luma(grey.width, grey.height, &grey.luma)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the sizes of small pictures"
)]
/// The picture seen turned by `degrees` and scaled by `zoom`, on light grey.
fn seen(grey: &Grey, degrees: f64, zoom: f64) -> Grey {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let side = (grey.width as f64 * zoom * 1.5) as usize;
    let (middle, centre) = (side as f64 / 2.0, grey.width as f64 / 2.0);
    let sample = |x: usize, y: usize| {
        let (dx, dy) = ((x as f64 - middle) / zoom, (y as f64 - middle) / zoom);
        let from = (cos * dx + sin * dy + centre, cos * dy - sin * dx + centre);
        let inside = |v: f64| (0.0..grey.width as f64).contains(&v);
        if inside(from.0) && inside(from.1) {
            grey.luma[from.1 as usize * grey.width + from.0 as usize]
        } else {
            220
        }
    };
    let luma = (0..side * side).map(|index| sample(index % side, index / side)).collect();
    Grey { width: side, height: side, luma }
}

/// Adds noise of about `spread` on each side, the same for the same seed.
fn noisy(grey: &Grey, spread: i32, mut seed: u32) -> Grey {
    let luma = grey.luma.iter().map(|value| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = i32::try_from(seed >> 16).unwrap() % (2 * spread + 1) - spread;
        u8::try_from((i32::from(*value) + noise).clamp(0, 255)).unwrap()
    });
    Grey { luma: luma.collect(), ..grey.clone() }
}

#[test]
fn tickets_of_versions_6_to_8_are_read_back() {
    for (text, width) in tickets() {
        let code = Code::new(&text).unwrap();
        assert_eq!(code.width(), width);
        for scale in [3, 4, 8] {
            assert_eq!(read(&drawn(&code, scale)).unwrap(), text);
        }
    }
}

#[test]
fn a_ticket_is_read_inverted_turned_scaled_and_in_noise() {
    for (text, _) in tickets() {
        let plain = drawn(&Code::new(&text).unwrap(), 6);
        let inverted = Grey { luma: plain.luma.iter().map(|v| 255 - v).collect(), ..plain.clone() };
        assert_eq!(read(&inverted).unwrap(), text, "inverted");
        for degrees in [0.0, 17.0, 45.0, 90.0, 180.0, 263.0] {
            assert_eq!(read(&seen(&plain, degrees, 1.0)).unwrap(), text, "{degrees}°");
        }
        for zoom in [0.6, 0.77, 1.3, 2.0] {
            assert_eq!(read(&seen(&plain, 5.0, zoom)).unwrap(), text, "×{zoom}");
        }
        for seed in 0..4 {
            assert_eq!(read(&noisy(&plain, 90, seed)).unwrap(), text, "noise, seed {seed}");
        }
    }
}

/// What a terminal of cells of 8×16 pixels shows on a background of this grey.
fn screenshot(text: &str, background: u8) -> Grey {
    const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
    let lines: Vec<&str> = text.lines().collect();
    let (width, height) = (8 * 80, 16 * (lines.len() + 4));
    let mut luma = vec![background; width * height];
    for (row, line) in (2..).zip(lines) {
        let cells = line.strip_prefix(BLACK_ON_WHITE).unwrap().strip_suffix("\x1b[0m").unwrap();
        assert!(cells.chars().count() <= 80, "wider than a terminal");
        for (column, cell) in (2..).zip(cells.chars()) {
            let (upper, lower) = match cell {
                '█' => (0, 0),
                '▀' => (0, 255),
                '▄' => (255, 0),
                ' ' => (255, 255),
                other => panic!("{other:?} is no part of a code"),
            };
            for y in 0..16 {
                let value = if y < 8 { upper } else { lower };
                let start = (row * 16 + y) * width + column * 8;
                luma[start..start + 8].fill(value);
            }
        }
    }
    Grey { width, height, luma }
}

#[test]
fn a_terminal_shows_a_code_that_scans_on_every_theme() {
    for (text, width) in tickets() {
        let shown = Code::new(&text).unwrap().terminal();
        assert_eq!(shown.lines().count(), (width + 4).div_ceil(2));
        for background in [0, 40, 128, 255] {
            assert_eq!(read(&screenshot(&shown, background)).unwrap(), text, "on {background}");
        }
    }
}

#[test]
fn a_window_that_is_too_small_for_a_code_says_what_it_lacks() {
    let code = Code::new(&ticket(270)).unwrap();
    let window = |columns, rows| Window { columns, rows };
    assert_eq!(code.lacks(window(49, 29), 4), None);
    for small in [window(48, 50), window(80, 28)] {
        let told = code.lacks(small, 4).unwrap();
        assert!(told.contains("49 columns and 29 rows"), "{told}");
        assert!(told.contains(&format!("this one has {} and {}", small.columns, small.rows)));
    }
}

#[test]
fn a_png_file_is_read_back_and_appears_whole() {
    let folder = Folder::new();
    let path = folder.path("ticket.png");
    for (text, width) in tickets() {
        Code::new(&text).unwrap().save_png(&path).unwrap();
        assert_eq!(scan_file(&path).unwrap(), text);
        let grey = image::decode(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(grey.width % (width + 8), 0, "a quiet zone of four modules");
        // Large enough to be printed or to be shown to a phone, and small as a file.
        assert!(grey.width / (width + 8) >= 8 && grey.width <= 800, "{}", grey.width);
        assert!(fs::metadata(&path).unwrap().len() < 16_000);
    }
    assert!(!folder.path("ticket.png.partial").exists());
    let nowhere = Code::new("diptych:1").unwrap().save_png(&folder.path("no/where.png"));
    assert!(matches!(nowhere, Err(DrawError::Write { .. })));
}

#[test]
fn an_svg_draws_each_dark_module_once() {
    let code = Code::new(&ticket(230)).unwrap();
    let svg = code.svg();
    let (side, luma) = code.luma(1);
    let dark: Vec<usize> = (0..luma.len()).filter(|index| luma[*index] == 0).collect();
    assert_eq!(svg.matches("h1v1h-1z").count(), dark.len());
    for index in dark {
        assert!(svg.contains(&format!("M{} {}h1", index % side, index / side)));
    }
    assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")));
}

#[test]
fn a_text_above_version_8_is_refused() {
    for digits in [360, 10_000] {
        let error = Code::new(&ticket(digits)).err().unwrap();
        assert!(matches!(error, DrawError::TooLong { bytes } if bytes == digits + 8), "{error}");
    }
}

#[test]
fn colours_transparency_and_depths_of_png_are_understood() {
    let folder = Folder::new();
    let path = folder.path("colour.png");
    let text = ticket(230);
    let (side, luma) = Code::new(&text).unwrap().luma(4);
    let size = u32::try_from(side).unwrap();
    // Black on nothing: what is transparent lies on white.
    let clear: Vec<u8> = luma.iter().flat_map(|v| [0, 0, 0, 255 - v]).collect();
    let blue: Vec<u8> = luma.iter().flat_map(|v| [*v, *v, 200]).collect();
    let deep: Vec<u8> = luma.iter().flat_map(|v| [*v, 17]).collect();
    for (colour, depth, data) in [
        (png::ColorType::Rgba, png::BitDepth::Eight, clear),
        (png::ColorType::Rgb, png::BitDepth::Eight, blue),
        (png::ColorType::Grayscale, png::BitDepth::Sixteen, deep),
    ] {
        let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), size, size);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.write_header().unwrap().write_image_data(&data).unwrap();
        assert_eq!(scan_file(&path).unwrap(), text, "{colour:?}");
    }
}

#[test]
fn each_way_to_have_no_ticket_has_its_own_error() {
    let folder = Folder::new();
    let path = folder.path("picture");
    let missing = scan_file(&path).err().unwrap();
    assert!(matches!(missing, ScanError::Unreadable { .. }), "{missing}");

    for content in [&b""[..], b"GIF89a", b"diptych:123", b"\x89PN"] {
        fs::write(&path, content).unwrap();
        let error = scan_file(&path).err().unwrap();
        assert!(matches!(error, ScanError::NotPicture { .. }), "{error}");
    }

    Code::new("WIFI:S:guest;T:WPA;P:12345678;;").unwrap().save_png(&path).unwrap();
    let error = scan_file(&path).err().unwrap();
    assert!(matches!(&error, ScanError::Foreign { begins } if begins.starts_with("WIFI:S:guest")));

    let whole = fs::read(&path).unwrap();
    for length in [9, 40, whole.len() / 2, whole.len() - 20] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = scan_file(&path).err().unwrap();
        assert!(matches!(error, ScanError::Broken { .. }), "cut at {length}: {error}");
    }

    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
    fs::write(&path, &huge).unwrap();
    assert!(scan_file(&path).is_err(), "a forged size");

    let blank = scan_luma(640, 480, &vec![128; 640 * 480]).err().unwrap();
    assert!(matches!(blank, ScanError::NoCode { width: 640, height: 480 }), "{blank}");
    for (width, height, luma) in [(0, 0, vec![]), (10, 10, vec![0; 3]), (600, 2, vec![9; 1200])] {
        assert!(scan_luma(width, height, &luma).is_err());
    }
}

#[test]
fn noise_alone_is_no_code_and_does_no_harm() {
    let grey = Grey { width: 320, height: 240, luma: vec![128; 320 * 240] };
    for seed in 0..20 {
        assert!(matches!(read(&noisy(&grey, 127, seed)), Err(ScanError::NoCode { .. })));
    }
}

#[test]
fn a_damaged_code_is_corrected_or_refused_and_never_misread() {
    let text = ticket(270);
    let plain = drawn(&Code::new(&text).unwrap(), 6);
    for width in [10, 30, 60, 90, 120, 150] {
        let mut hurt = plain.clone();
        for y in 120..120 + width {
            let start = y * hurt.width + 130;
            hurt.luma[start..start + width].fill(128);
        }
        if let Ok(got) = read(&hurt) {
            assert_eq!(got, text, "a hole of {width} pixels");
        } else {
            assert!(width > 30, "a hole of {width} pixels must be corrected");
        }
    }
}

#[test]
fn a_photograph_in_jpeg_is_read() {
    // Version 7, turned by 12 degrees, in grey noise, quality 40, 330 pixels wide.
    const PHOTOGRAPH: &[u8] = include_bytes!("photograph.jpg");
    let folder = Folder::new();
    let path = folder.path("photograph.jpg");
    fs::write(&path, PHOTOGRAPH).unwrap();
    assert_eq!(scan_file(&path).unwrap(), ticket(270));
    fs::write(&path, &PHOTOGRAPH[..200]).unwrap();
    let error = scan_file(&path).err().unwrap();
    assert!(matches!(error, ScanError::Broken { .. }), "{error}");
}
