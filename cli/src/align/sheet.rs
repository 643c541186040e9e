//! One picture of a session: pairs of frames, and the time line under them.

use std::collections::BTreeMap;

use diptych_protocol::identity::Role;

use super::player::Stage;
use super::video::{LINE, Label, Layout};
use super::{AlignError, NEIGHBOURS_NS, Track};
use crate::camera::clock_face;
use crate::picture::{Colour, Picture, Size, signed};
use crate::video::read_stamps;

/// Height of one role's bar, with its margin.
const BAR: i32 = 30;
/// Where bars begin, right of their labels.
const LEFT: i32 = 60;

/// Paints the roles side by side at each of `instants` (session time in
/// nanoseconds, rising), and below them the time line with every gap in red.
/// `origin_ns` is the primary's clock at session time 0.
///
/// # Errors
///
/// [`AlignError`] if a recording cannot be read, or nothing is to be shown.
pub fn sheet(
    tracks: &[Track<'_>],
    origin_ns: i64,
    instants: &[i64],
) -> Result<Picture, AlignError> {
    let mut stage = Stage::open(tracks)?;
    let layout = Layout::of(stage.roles())?;
    let (width, row) = (layout.size.width(), layout.size.height());
    let covers = covers(tracks)?;
    let below = signed(covers.len()) * BAR + LINE + 12;
    let rows = row * instants.len();
    let bottom = usize::try_from(below).unwrap_or(0).next_multiple_of(2);
    let mut sheet = Picture::new(Size::new(width, rows + bottom)?, Colour::rgb(244, 244, 240));
    let mut canvas = Picture::new(layout.size, Colour::BLACK);
    for (index, session_ns) in instants.iter().enumerate() {
        let at_ns = session_ns.saturating_add(origin_ns);
        stage.show(at_ns, |slot, role, shown| {
            layout.paint(&mut canvas, slot, &Label { role, session_ns: *session_ns }, shown);
        })?;
        sheet.place((0, signed(index * row), signed(width), signed(row)), &canvas);
    }
    paint_line(&mut sheet, signed(rows), &covers, origin_ns, instants);
    Ok(sheet)
}

/// For each role, the stretches of the session's clock that it has pictures of.
type Covers = BTreeMap<Role, Vec<(i64, i64)>>;

fn covers(tracks: &[Track<'_>]) -> Result<Covers, AlignError> {
    let mut covers = Covers::new();
    for track in tracks {
        let stretches = covers.entry(track.role).or_default();
        let stamps = read_stamps(&track.path)?;
        for placed in stamps.iter().filter_map(|own_ns| track.placed(*own_ns)) {
            match stretches.last_mut() {
                Some((_, end)) if placed.at_ns.saturating_sub(*end) <= 2 * NEIGHBOURS_NS => {
                    *end = placed.at_ns;
                }
                _ => stretches.push((placed.at_ns, placed.at_ns)),
            }
        }
    }
    Ok(covers)
}

fn paint_line(on: &mut Picture, top: i32, covers: &Covers, origin_ns: i64, instants: &[i64]) {
    let ends = || covers.values().flatten();
    let first = ends().map(|(first, _)| *first).min().unwrap_or(0);
    let last = ends().map(|(_, last)| *last).max().unwrap_or(0);
    let length = signed(on.size().width()) - LEFT - 20;
    let x = |at_ns: i64| {
        let part = i128::from(at_ns.saturating_sub(first)) * i128::from(length);
        let part = part / i128::from(last.saturating_sub(first).max(1));
        LEFT + i32::try_from(part).unwrap_or(0)
    };
    let ink = Colour::rgb(40, 42, 48);
    let bottom = top + 8 + signed(covers.len()) * BAR;
    for (bar, (role, stretches)) in (0..).zip(covers) {
        let y = top + 8 + bar * BAR;
        on.text((14, y + 3), &role.to_string(), 2, ink);
        on.rect((LEFT, y, length, BAR - 8), Colour::rgb(204, 60, 52), u8::MAX);
        for (from, to) in stretches {
            let (from, to) = (x(*from), x(*to));
            on.rect((from, y, (to - from).max(1), BAR - 8), Colour::rgb(58, 148, 92), u8::MAX);
        }
    }
    let step_ns = tick_ns(last.saturating_sub(first));
    let mut tick_ns = first.saturating_sub(origin_ns).div_euclid(step_ns).saturating_add(1);
    tick_ns = tick_ns.saturating_mul(step_ns);
    while tick_ns.saturating_add(origin_ns) <= last {
        let at = x(tick_ns.saturating_add(origin_ns));
        on.rect((at, bottom, 2, 6), ink, u8::MAX);
        let label: String = clock_face(tick_ns).chars().take("00:00:00".len()).collect();
        on.text((at - 32, bottom + 10), &label, 1, ink);
        tick_ns = tick_ns.saturating_add(step_ns);
    }
    for session_ns in instants {
        let at = x(session_ns.saturating_add(origin_ns));
        on.rect((at - 1, top + 4, 4, bottom - top), ink, u8::MAX);
    }
}

/// A round time between two ticks, for about ten of them.
fn tick_ns(span_ns: i64) -> i64 {
    let seconds = [1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600];
    let fits = |second: &&i64| span_ns / (**second * 1_000_000_000) <= 12;
    seconds.iter().find(fits).unwrap_or(&36_000) * 1_000_000_000
}
