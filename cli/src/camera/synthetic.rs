//! A camera made of arithmetic: an exam room whose clock tells the truth.
//!
//! Every picture shows a dial whose hand turns once in two seconds of true time,
//! the device's own clock, the true time and the frame number, and carries the
//! same in the machine-readable strip of [`TimeCode`]. Two aligned recordings
//! show the same angle: a person sees at a glance what a test checks to the
//! nanosecond. Captures are not evenly spaced, because no phone's are.

use super::{Camera, CameraError, Reading, Timebase};
use crate::picture::timecode::TimeCode;
use crate::picture::{Colour, Picture, Size, whole};

/// Captures stray from their slot by at most this, as on a phone.
const JITTER_NS: i64 = 2_000_000;
/// The dial's hand goes round once in this time.
const TURN_NS: i64 = 2_000_000_000;

/// What a synthetic camera looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scene {
    /// The examinee's face, as the primary sees it.
    Front,
    /// The examinee's back and easel, as an assistant sees them.
    Behind,
}

/// The camera itself.
pub struct Synthetic<T> {
    time: T,
    label: String,
    size: Size,
    interval_ns: i64,
    random: u64,
    /// The scene without what moves, painted once.
    backdrop: Picture,
    scene: Scene,
    /// The slot of the next capture, in true time; `None` while closed.
    next_ns: Option<i64>,
    number: u32,
}

impl<T: Timebase> Synthetic<T> {
    /// A camera of `rate` pictures a second (1 to 120) whose captures stray by up
    /// to 2 ms, always the same way for the same `seed`.
    ///
    /// `label` names the device in the picture, in ASCII.
    #[must_use]
    pub fn new(time: T, scene: Scene, label: &str, size: Size, rate: u8, seed: u64) -> Self {
        Self {
            time,
            label: label.to_owned(),
            size,
            interval_ns: 1_000_000_000 / i64::from(rate.clamp(1, 120)),
            random: seed,
            backdrop: backdrop(scene, size),
            scene,
            next_ns: None,
            number: 0,
        }
    }

    fn paint(&self, reading: Reading, on: &mut Picture) {
        on.copy_from(&self.backdrop);
        let scale = Scale::of(self.size);
        let turn = (reading.true_ns.rem_euclid(TURN_NS)) as f32 / TURN_NS as f32;
        self.paint_person(on, scale, turn);
        paint_dial(on, scale, turn);
        self.paint_words(on, scale, reading);
        TimeCode { true_ns: reading.true_ns, number: self.number }.draw(on);
    }

    /// The examinee, who sways with the dial.
    fn paint_person(&self, on: &mut Picture, scale: Scale, turn: f32) {
        let sway = (turn * std::f32::consts::TAU).sin() * 9.0;
        let (hair, skin, coat) =
            (Colour::rgb(42, 34, 32), Colour::rgb(232, 190, 160), Colour::rgb(52, 96, 150));
        match self.scene {
            Scene::Front => {
                on.ellipse(scale.point(290.0 + sway * 0.4, 318.0), scale.pair(112.0, 92.0), coat);
                on.ellipse(scale.point(290.0 + sway, 170.0), scale.pair(60.0, 72.0), hair);
                on.ellipse(scale.point(290.0 + sway, 184.0), scale.pair(50.0, 62.0), skin);
                for side in [-19.0, 19.0] {
                    let eye = scale.point(290.0 + sway * 1.3 + side, 178.0);
                    on.disc(eye, scale.length(5.0), hair);
                }
                let (left, right) = (275.0 + sway * 1.3, 305.0 + sway * 1.3);
                let mouth = (scale.point(left, 214.0), scale.point(right, 214.0));
                on.line(mouth.0, mouth.1, scale.length(4.0), Colour::rgb(170, 80, 80));
            }
            Scene::Behind => {
                on.ellipse(scale.point(210.0 + sway * 0.4, 326.0), scale.pair(104.0, 100.0), coat);
                on.ellipse(scale.point(210.0 + sway, 186.0), scale.pair(52.0, 62.0), hair);
                let hand = scale.point(392.0 + sway * 2.0, 196.0 + sway);
                on.line(scale.point(282.0, 286.0), hand, scale.length(22.0), coat);
                on.disc(hand, scale.length(13.0), skin);
                let tip = (hand.0 + whole(scale.length(24.0)), hand.1 - whole(scale.length(20.0)));
                on.line(hand, tip, scale.length(5.0), Colour::rgb(150, 110, 60));
            }
        }
    }

    fn paint_words(&self, on: &mut Picture, scale: Scale, reading: Reading) {
        let letters = if self.size.width() >= Size::DEFAULT.width() { 2 } else { 1 };
        let lines = [
            format!("{}  #{:06}", self.label, self.number),
            format!("OWN  {}", clock_face(reading.own_ns)),
            format!("TRUE {}", clock_face(reading.true_ns)),
        ];
        let longest = lines.iter().map(String::len).max().unwrap_or(0);
        let width = letters * 8 * i32::try_from(longest).unwrap_or(0) + 4 * letters;
        let (left, top) = scale.point(10.0, 10.0);
        let height = letters * 31;
        on.rect((left, top, width, height), Colour::BLACK, 170);
        for (row, line) in (0..).zip(&lines) {
            let at = (left + 2 * letters, top + 2 * letters + row * 10 * letters);
            on.text(at, line, letters, Colour::WHITE);
        }
    }

    /// The next pseudo-random number (SplitMix64).
    const fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// How far the next capture strays from its slot.
    fn stray_ns(&mut self) -> i64 {
        let reach = JITTER_NS.min(self.interval_ns / 4);
        let spread = u64::try_from(2 * reach + 1).unwrap_or(1);
        i64::try_from(self.random() % spread).unwrap_or(0) - reach
    }
}

impl<T: Timebase> Camera for Synthetic<T> {
    fn size(&self) -> Size {
        self.size
    }

    fn interval_ns(&self) -> i64 {
        self.interval_ns
    }

    fn open(&mut self) -> Result<(), CameraError> {
        let now_ns = self.time.read().true_ns;
        self.next_ns.get_or_insert(now_ns.saturating_add(self.interval_ns));
        Ok(())
    }

    fn close(&mut self) {
        self.next_ns = None;
    }

    fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
        let Some(slot_ns) = self.next_ns else {
            return Err(CameraError::Closed { name: self.label.clone() });
        };
        let stray_ns = self.stray_ns();
        self.time.wait_until(slot_ns.saturating_add(stray_ns));
        let reading = self.time.read();
        // A camera whose pictures are taken away too slowly skips slots.
        let late_ns = reading.true_ns.saturating_sub(slot_ns).max(0);
        let slots = late_ns / self.interval_ns + 1;
        self.next_ns = Some(slot_ns.saturating_add(slots * self.interval_ns));
        self.paint(reading, into);
        self.number = self.number.wrapping_add(1);
        Ok(reading.own_ns)
    }
}

/// Places of a 640×360 drawing on a picture of another size.
#[derive(Clone, Copy)]
struct Scale {
    across: f32,
    down: f32,
}

impl Scale {
    fn of(size: Size) -> Self {
        Self { across: size.width() as f32 / 640.0, down: size.height() as f32 / 360.0 }
    }

    fn point(self, x: f32, y: f32) -> (i32, i32) {
        (whole(x * self.across), whole(y * self.down))
    }

    fn pair(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.across, y * self.down)
    }

    fn length(self, length: f32) -> f32 {
        length * self.across.min(self.down)
    }

    fn rect(self, left: f32, top: f32, width: f32, height: f32) -> (i32, i32, i32, i32) {
        let (from, to) = (self.point(left, top), self.point(left + width, top + height));
        (from.0, from.1, to.0 - from.0, to.1 - from.1)
    }
}

/// Everything of a scene that does not move.
fn backdrop(scene: Scene, size: Size) -> Picture {
    let scale = Scale::of(size);
    let (wall, floor) = match scene {
        Scene::Front => (Colour::rgb(222, 214, 198), Colour::rgb(168, 140, 112)),
        Scene::Behind => (Colour::rgb(196, 210, 214), Colour::rgb(150, 128, 108)),
    };
    let mut on = Picture::new(size, wall);
    on.rect(scale.rect(0.0, 300.0, 640.0, 60.0), floor, u8::MAX);
    match scene {
        Scene::Front => {
            on.rect(scale.rect(40.0, 110.0, 130.0, 150.0), Colour::rgb(250, 250, 246), u8::MAX);
            on.rect(scale.rect(48.0, 118.0, 114.0, 134.0), Colour::rgb(158, 200, 232), u8::MAX);
            on.rect(scale.rect(102.0, 118.0, 6.0, 134.0), Colour::rgb(250, 250, 246), u8::MAX);
            on.rect(scale.rect(430.0, 230.0, 170.0, 10.0), Colour::rgb(120, 88, 60), u8::MAX);
            for (left, colour) in [
                (440.0, Colour::rgb(176, 64, 58)),
                (466.0, Colour::rgb(70, 120, 86)),
                (492.0, Colour::rgb(214, 170, 60)),
                (518.0, Colour::rgb(66, 84, 140)),
            ] {
                on.rect(scale.rect(left, 176.0, 22.0, 54.0), colour, u8::MAX);
            }
        }
        Scene::Behind => {
            let wood = Colour::rgb(140, 100, 62);
            for (from, to) in [(372.0, 340.0), (548.0, 580.0), (460.0, 460.0)] {
                let (top, foot) = (scale.point(from, 110.0), scale.point(to, 326.0));
                on.line(top, foot, scale.length(9.0), wood);
            }
            on.rect(scale.rect(362.0, 118.0, 196.0, 150.0), Colour::rgb(252, 250, 242), u8::MAX);
            on.rect(scale.rect(354.0, 266.0, 212.0, 10.0), wood, u8::MAX);
            on.disc(scale.point(470.0, 216.0), scale.length(34.0), Colour::rgb(206, 120, 84));
            on.disc(scale.point(516.0, 228.0), scale.length(22.0), Colour::rgb(122, 150, 92));
            let (left, right) = (scale.point(400.0, 250.0), scale.point(545.0, 250.0));
            on.line(left, right, scale.length(4.0), Colour::rgb(110, 110, 120));
        }
    }
    let dial = scale.point(580.0, 60.0);
    on.disc(dial, scale.length(46.0), Colour::rgb(60, 60, 66));
    on.disc(dial, scale.length(42.0), Colour::rgb(250, 250, 250));
    on
}

/// The dial's hand, at `turn` of its way round from the top.
fn paint_dial(on: &mut Picture, scale: Scale, turn: f32) {
    let angle = turn * std::f32::consts::TAU;
    let tip = (580.0 + angle.sin() * 37.0, 60.0 - angle.cos() * 37.0);
    let (centre, tip) = (scale.point(580.0, 60.0), scale.point(tip.0, tip.1));
    on.line(centre, tip, scale.length(6.0), Colour::rgb(200, 40, 40));
    on.disc(centre, scale.length(5.0), Colour::rgb(40, 40, 46));
}

/// Hours to microseconds: `12:34:56.123456`.
pub(crate) fn clock_face(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let micros = ns.unsigned_abs() / 1_000;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
}
