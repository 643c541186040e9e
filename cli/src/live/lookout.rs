//! Scanning with the device's own camera, until a ticket is in the picture; or a file,
//! until it shows another.
//!
//! Somebody holds one device in front of the other and needs to know, now, what
//! is wrong: nothing to see, too dark, a stranger's code. So whatever is seen is
//! said when it changes, and every few seconds while it does not. Time is that of
//! the pictures, so that a test can look for a minute in no time.

use std::io::Write;
use std::path::Path;

use diptych_protocol::address::Loopback;
use diptych_protocol::ticket::Ticket;

use super::fail::LiveFail;
use super::life::{PATIENCE, say};
use super::stop::Stop;
use crate::camera::Camera;
use crate::picture::{Colour, Picture};
use crate::qr::{self, ScanError};

/// What is seen is said again after so long.
const REMINDER_NS: i64 = 5_000_000_000;
/// A picture whose mean brightness is below this shows a covered lens; black is 16.
const DARK: usize = 32;

/// What a picture shows that is no ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Dark,
    Nothing,
    Other(String),
}

impl Seen {
    fn advice(&self) -> &str {
        match self {
            Self::Dark => "it is dark: uncover the lens, or turn on a light",
            Self::Nothing => {
                "no code yet: show all of it with its white rim, go closer, hold still"
            }
            Self::Other(problem) => problem,
        }
    }
}

/// Takes pictures until one holds a ticket, and tells `out` what is seen until
/// then. Yields nothing if `stop` is asked for.
///
/// # Errors
/// [`LiveFail::Camera`] if the camera fails.
pub(super) fn look_out(
    camera: &mut dyn Camera,
    loopback: Loopback,
    stop: &Stop,
    out: &mut dyn Write,
) -> Result<Option<Ticket>, LiveFail> {
    camera.open()?;
    say(out, "looking for the code: hold the camera in front of the primary's screen");
    let found = until_found(camera, loopback, stop, out);
    camera.close();
    found
}

/// Waits until the file `picture` shows another code than the one that was `read`;
/// `false` if `stop` is asked for before it does.
///
/// Reading a code costs a thousand times what asking for a file's age does, so a
/// picture that nobody has written since is not read again.
pub(super) fn shows_another(picture: &Path, read: Option<&str>, stop: &Stop) -> bool {
    let written = || {
        let file = picture.metadata().ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    let mut seen = None;
    while !stop.is_asked() {
        let now = written();
        if now != seen && qr::scan_file(picture).is_ok_and(|text| read != Some(text.as_str())) {
            return true;
        }
        seen = now;
        std::thread::sleep(PATIENCE);
    }
    false
}

fn until_found(
    camera: &mut dyn Camera,
    loopback: Loopback,
    stop: &Stop,
    out: &mut dyn Write,
) -> Result<Option<Ticket>, LiveFail> {
    let mut picture = Picture::new(camera.size(), Colour::BLACK);
    let mut told: Option<(Seen, i64)> = None;
    while !stop.is_asked() {
        let at_ns = camera.capture(&mut picture)?;
        let seen = match ticket_in(&picture, loopback) {
            Ok(ticket) => {
                say(out, "the code is read");
                return Ok(Some(ticket));
            }
            Err(seen) => seen,
        };
        let is_news = told
            .as_ref()
            .is_none_or(|(last, when)| *last != seen || at_ns.saturating_sub(*when) >= REMINDER_NS);
        if is_news {
            say(out, seen.advice());
            told = Some((seen, at_ns));
        }
    }
    Ok(None)
}

fn ticket_in(picture: &Picture, loopback: Loopback) -> Result<Ticket, Seen> {
    let (size, luma) = (picture.size(), picture.luma());
    let text = qr::scan_luma(size.width(), size.height(), luma).map_err(|error| match error {
        ScanError::NoCode { .. } if is_dark(luma) => Seen::Dark,
        ScanError::NoCode { .. } => Seen::Nothing,
        other @ (ScanError::Unreadable { .. }
        | ScanError::NotPicture { .. }
        | ScanError::Broken { .. }
        | ScanError::TooLarge { .. }
        | ScanError::Foreign { .. }) => Seen::Other(other.to_string()),
    })?;
    Ticket::parse(&text, loopback)
        .map_err(|error| Seen::Other(format!("the code is not a ticket of this protocol: {error}")))
}

fn is_dark(luma: &[u8]) -> bool {
    let sum: usize = luma.iter().map(|value| usize::from(*value)).sum();
    sum < luma.len().saturating_mul(DARK)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use diptych_protocol::address::{Address, Addresses};
    use diptych_protocol::identity::{ExamTag, Fingerprint};
    use diptych_protocol::secret::PairingSecret;
    use diptych_protocol::ticket::Flags;

    use super::*;
    use crate::camera::CameraError;
    use crate::picture::Size;

    /// A camera that sees these pictures, two seconds apart, and is then unplugged.
    struct Slides {
        pictures: VecDeque<Picture>,
        at_ns: i64,
        is_open: bool,
    }

    impl Slides {
        fn new(pictures: impl Into<VecDeque<Picture>>) -> Self {
            Self { pictures: pictures.into(), at_ns: 0, is_open: false }
        }
    }

    impl Camera for Slides {
        fn size(&self) -> Size {
            Size::DEFAULT
        }

        fn interval_ns(&self) -> i64 {
            2_000_000_000
        }

        fn open(&mut self) -> Result<(), CameraError> {
            self.is_open = true;
            Ok(())
        }

        fn close(&mut self) {
            self.is_open = false;
        }

        fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
            let name = "slides".to_owned();
            let next = self.pictures.pop_front().filter(|_| self.is_open);
            into.copy_from(&next.ok_or(CameraError::Silent { name, waited_ms: 2_000 })?);
            self.at_ns += self.interval_ns();
            Ok(self.at_ns)
        }
    }

    fn ticket() -> Ticket {
        let addresses = [Address::new([192, 168, 7, 9].into())];
        Ticket {
            flags: Flags::CHECK_CODE,
            epoch: 5,
            issued_at: 1_767_225_600,
            lifetime_s: 60,
            exam: ExamTag([0xE7; 8]),
            issuer: None,
            secret: PairingSecret::new([0x5C; 16]),
            pin: Fingerprint([0xF1; 32]),
            addresses: Addresses::new(&addresses, 47_000, Loopback::Refused).unwrap(),
        }
    }

    /// A code in the middle of a wall.
    fn showing(text: &str) -> Picture {
        let (side, code) = qr::Code::new(text).unwrap().luma(5);
        let mut picture = Picture::new(Size::DEFAULT, Colour::rgb(200, 200, 200));
        let (left, top) = ((640 - side) / 2, (360 - side) / 2);
        for (y, row) in code.chunks(side).enumerate() {
            let start = (top + y) * 640 + left;
            picture.planes_mut().0[start..start + side].copy_from_slice(row);
        }
        picture
    }

    fn look(camera: &mut Slides, stop: &Stop) -> (Result<Option<Ticket>, LiveFail>, String) {
        let mut out = Vec::new();
        let found = look_out(camera, Loopback::Refused, stop, &mut out);
        assert!(!camera.is_open, "the camera is needed for recording");
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_ticket_is_found_after_all_that_may_come_before_it() {
        let text = ticket().to_text();
        let wall = Picture::new(Size::DEFAULT, Colour::rgb(200, 200, 200));
        let mut pictures = vec![Picture::new(Size::DEFAULT, Colour::BLACK)];
        pictures.extend([wall.clone(), wall.clone(), wall.clone(), wall]);
        pictures.extend([showing("WIFI:S:guest;;"), showing("diptych:0123456789")]);
        pictures.extend([showing(&text), showing("never seen")]);
        let mut camera = Slides::new(pictures);
        let (found, told) = look(&mut camera, &Stop::default());
        assert_eq!(found.unwrap().unwrap().to_text(), text);
        let told: Vec<&str> = told.lines().collect();
        let expected = [
            "looking for the code",
            "it is dark",
            "no code yet",
            "no code yet", // Said again after six seconds, not with every picture.
            "this QR code is not a ticket",
            "the code is not a ticket of this protocol",
            "the code is read",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (line, begins) in told.iter().zip(expected) {
            assert!(line.starts_with(begins), "{told:#?}");
        }
        assert_eq!(camera.pictures.len(), 1, "it looks no further");
    }

    #[test]
    fn a_camera_that_fails_ends_the_search_and_so_does_ctrl_c() {
        let wall = Picture::new(Size::DEFAULT, Colour::rgb(200, 200, 200));
        let mut camera = Slides::new([wall.clone()]);
        let (found, _) = look(&mut camera, &Stop::default());
        let fail = found.err().unwrap();
        assert_eq!(fail.exit(), crate::exit::Exit::Camera, "{fail}");
        let stop = Stop::default();
        stop.ask();
        let mut camera = Slides::new([wall]);
        assert!(look(&mut camera, &stop).0.unwrap().is_none());
        assert_eq!(camera.pictures.len(), 1);
    }
}
