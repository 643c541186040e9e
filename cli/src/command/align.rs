//! `diptych align`: which pictures were taken together.

use std::io::Write;

use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::report::evaluate;
use diptych_protocol::time::{Instant, Span};
use diptych_protocol::timeline::{ClockName, Timeline, with_clocks};

use super::report::write_whole;
use crate::align::{AlignError, FrameMap, Placed, Track, side_by_side};
use crate::args::AlignArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

pub(crate) fn align(args: &AlignArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let folder = SessionFolder::open(&args.dir)?;
    let journals = folder.replayed()?;
    let session = Aligned::new(&folder, &journals)?;
    let places = session.places();
    let tracks: Vec<Track<'_>> = session
        .recordings
        .iter()
        .zip(&places)
        .map(|((role, _, path), place)| Track { role: *role, path: path.clone(), place })
        .collect();
    let map = FrameMap::new(&tracks, session.origin_ns)?;
    let content = serde_json::to_string(&map).unwrap_or_default() + "\n";
    let file = args.dir.join("alignment.json");
    write_whole(&file, content.as_bytes())?;
    if let Some(video) = &args.video {
        if video.exists() {
            return Err(Fail::Exists { path: video.clone() });
        }
        side_by_side(&tracks, session.origin_ns, video)?;
    }
    if args.json {
        out.write_all(content.as_bytes())?;
    } else {
        summary(&map, out)?;
        for made in [Some(&file), args.video.as_ref()].into_iter().flatten() {
            writeln!(out, "wrote {}", made.display())?;
        }
        for (role, name) in &session.missing {
            let role = role.to_string();
            writeln!(out, "{role:<3} {name}")?;
        }
    }
    Ok(Exit::Done)
}

/// The recordings of a session and the clocks that place them.
struct Aligned {
    timeline: Timeline,
    origin_ns: i64,
    recordings: Vec<(Role, ClockName, std::path::PathBuf)>,
    /// How far a stamp may be from the capture, by recording.
    within: Vec<Span>,
    /// Roles that took part and cannot be aligned, and why.
    missing: Vec<(Role, &'static str)>,
}

impl Aligned {
    fn new(folder: &SessionFolder, journals: &[Replayed]) -> Result<Self, Fail> {
        // Session time 0 is the start of answering, as in the report.
        let origin_ns = evaluate(journals, None)?.window.start.nanos();
        let timeline = Timeline::of(journals).ok_or(AlignError::Nothing)?;
        let (mut recordings, mut within) = (Vec::new(), Vec::new());
        let mut missing: Vec<_> = absent(journals);
        for recording in folder.recordings(journals) {
            let Some(name) = recording.name else {
                missing.push((recording.role, "a recording that its journal began is not here"));
                continue;
            };
            recordings.push((recording.role, recording.clock, folder.path().join(name)));
            within.push(stamp_error(journals, recording.clock));
        }
        Ok(Self { timeline, origin_ns, recordings, within, missing })
    }

    /// For each recording, from its stamps to the session's clock.
    fn places(&self) -> Vec<impl Fn(i64) -> Option<Placed> + '_> {
        let each = self.recordings.iter().zip(&self.within);
        each.map(|((_, clock, _), within)| {
            move |own_ns| {
                let placed = self.timeline.place(*clock, Instant::from_nanos(own_ns))?;
                Some(Placed {
                    at_ns: placed.at.nanos(),
                    low_ns: (placed.low - *within).nanos(),
                    high_ns: (placed.high + *within).nanos(),
                })
            }
        })
        .collect()
    }
}

/// Roles that somebody paired with and whose journal is not here.
fn absent(journals: &[Replayed]) -> Vec<(Role, &'static str)> {
    let facts = journals.iter().flat_map(|journal| journal.entries());
    let mut roles: Vec<Role> =
        facts
            .filter_map(|entry| {
                if let Fact::Paired { peer, .. } = &entry.fact { Some(*peer) } else { None }
            })
            .filter(|peer| journals.iter().all(|journal| journal.header().role != *peer))
            .collect();
    roles.sort_unstable();
    roles.dedup();
    roles.into_iter().map(|role| (role, "its journal is not here")).collect()
}

/// The worst that this clock's cameras said of their own stamps.
fn stamp_error(journals: &[Replayed], clock: ClockName) -> Span {
    let mine = journals.iter().flat_map(with_clocks).filter(|(name, _)| *name == clock);
    let errors = mine.filter_map(|(_, entry)| {
        if let Fact::MediaAnchor { within, .. } = &entry.fact { Some(*within) } else { None }
    });
    errors.max().unwrap_or_default()
}

fn summary(map: &FrameMap, out: &mut dyn Write) -> std::io::Result<()> {
    for recording in &map.recordings {
        let (frames, role, path) = (recording.frames.len(), &recording.role, &recording.path);
        let placed = recording.frames.iter().flatten();
        let widest = placed
            .map(|frame| (frame.high_ns - frame.at_ns).max(frame.at_ns - frame.low_ns))
            .max()
            .unwrap_or_default();
        let missing = recording.frames.iter().filter(|frame| frame.is_none()).count();
        let unplaced = if missing == 0 { String::new() } else { format!(", {missing} unplaced") };
        let bound = Span::from_nanos(widest);
        writeln!(out, "{role:<3} {frames} frames{unplaced}, each within {bound}: {path}")?;
    }
    let primary = map.roles.first().map_or("P", String::as_str);
    for (index, role) in map.roles.iter().skip(1).enumerate() {
        let neighbours: Vec<_> = map
            .pairs
            .iter()
            .filter_map(|pair| pair.neighbours.get(index).copied().flatten())
            .collect();
        let widest = neighbours.iter().map(crate::align::Neighbour::widest_ns).max();
        let bound = widest.map_or("not aligned".to_owned(), |ns| {
            format!("times between them known to ±{}", Span::from_nanos(ns))
        });
        writeln!(out, "{primary} - {role}: {} pairs of frames, {bound}", neighbours.len())?;
    }
    Ok(())
}
