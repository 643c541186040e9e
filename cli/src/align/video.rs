//! Several recordings in one video, side by side on the session's clock.
//!
//! Made with the recorder's own encoder and container, so that nothing needs to
//! be installed. Pictures are shown as they are, each for the instant it was
//! taken at; where a recording has none, the panel says so.

use std::path::Path;

use diptych_protocol::identity::Role;

use super::player::{Shown, Stage};
use super::{AlignError, Track};
use crate::camera::{Recording, Summary, clock_face};
use crate::picture::{Colour, Picture, Size, signed};
use crate::video::read_stamps;

/// Time between two pictures of the video.
const STEP_NS: i64 = 33_333_333;
/// Height of the line above each panel.
pub(super) const LINE: i32 = 28;
/// Panels in a row at most.
const COLUMNS: usize = 3;

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SideBySide {
    /// The video.
    pub video: Summary,
    /// Session time of its first picture, in nanoseconds.
    pub first_ns: i64,
    /// Session time of its last picture, in nanoseconds.
    pub last_ns: i64,
}

/// Writes the roles side by side to the new file `out`, from the first picture
/// of any of them to the last, at 30 pictures a second. `origin_ns` is the
/// primary's clock at session time 0.
///
/// # Errors
///
/// [`AlignError`] if a recording cannot be read or placed, or `out` cannot be
/// written or already exists.
pub fn side_by_side(
    tracks: &[Track<'_>],
    origin_ns: i64,
    out: &Path,
) -> Result<SideBySide, AlignError> {
    let spans = tracks.iter().map(span).collect::<Result<Vec<_>, _>>()?;
    let first_ns = spans.iter().map(|(first, _)| *first).min().ok_or(AlignError::Nothing)?;
    let last_ns = spans.iter().map(|(_, last)| *last).max().ok_or(AlignError::Nothing)?;
    let mut stage = Stage::open(tracks)?;
    let layout = Layout::of(stage.roles())?;
    let mut canvas = Picture::new(layout.size, Colour::BLACK);
    let mut recording = Recording::create(out, STEP_NS)?;
    let mut at_ns = first_ns;
    while at_ns <= last_ns {
        let session_ns = at_ns.saturating_sub(origin_ns);
        stage.show(at_ns, |slot, role, shown| {
            layout.paint(&mut canvas, slot, &Label { role, session_ns }, shown);
        })?;
        recording.push(&canvas, at_ns)?;
        at_ns = at_ns.saturating_add(STEP_NS);
    }
    recording.pause()?;
    let last_ns = at_ns.saturating_sub(STEP_NS).saturating_sub(origin_ns);
    let first_ns = first_ns.saturating_sub(origin_ns);
    Ok(SideBySide { video: recording.summary(), first_ns, last_ns })
}

/// The first and last placed instant of a track.
fn span(track: &Track<'_>) -> Result<(i64, i64), AlignError> {
    let stamps = read_stamps(&track.path)?;
    let mut placed = stamps.iter().filter_map(|own_ns| track.placed(*own_ns));
    let first = placed.next().ok_or(AlignError::Unplaced { role: track.role })?;
    Ok((first.at_ns, placed.next_back().unwrap_or(first).at_ns))
}

/// What is written above a panel.
pub(super) struct Label {
    pub(super) role: Role,
    pub(super) session_ns: i64,
}

/// Where the panels are.
pub(super) struct Layout {
    columns: usize,
    panel: (i32, i32),
    pub(super) size: Size,
}

impl Layout {
    /// Rows of up to three; two are shown at 640×360, more at 480×270.
    pub(super) fn of(panels: usize) -> Result<Self, AlignError> {
        let columns = panels.clamp(1, COLUMNS);
        let rows = panels.div_ceil(columns);
        let (width, height) = if columns <= 2 { (640, 360) } else { (480, 270) };
        let line = LINE.unsigned_abs() as usize;
        let size = Size::new(columns * width, rows * (height + line))?;
        let panel = (signed(width), signed(height));
        Ok(Self { columns, panel, size })
    }

    /// Paints one panel and the line above it.
    pub(super) fn paint(
        &self,
        on: &mut Picture,
        slot: usize,
        label: &Label,
        shown: Option<&Shown>,
    ) {
        let (width, height) = self.panel;
        let left = signed(slot % self.columns) * width;
        let top = signed(slot / self.columns) * (height + LINE);
        on.rect((left, top, width, LINE), Colour::rgb(28, 30, 36), u8::MAX);
        let below = (left, top + LINE, width, height);
        let state = match shown {
            Some(shown) => {
                on.place(below, &shown.picture);
                let bound =
                    (shown.at.high_ns - shown.at.at_ns).max(shown.at.at_ns - shown.at.low_ns);
                format!("±{}", millis(bound))
            }
            None => {
                on.rect(below, Colour::rgb(70, 24, 28), u8::MAX);
                let words = "NO PICTURE";
                let middle = (left + width / 2 - 8 * 10, top + LINE + height / 2 - 8);
                on.text(middle, words, 2, Colour::WHITE);
                String::new()
            }
        };
        let text = format!("{}  {}", label.role, clock_face(label.session_ns));
        on.text((left + 8, top + 6), &text, 2, Colour::WHITE);
        let right = left + width - 8 - signed(state.chars().count()) * 8;
        on.text((right, top + 10), &state, 1, Colour::rgb(150, 200, 255));
    }
}

/// Milliseconds with three decimals.
fn millis(ns: i64) -> String {
    let micros = ns.unsigned_abs().div_ceil(1_000);
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}
