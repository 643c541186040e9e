//! `diptych align`: which pictures were taken together.
//!
//! A bound is of use to whoever must defend it, and it says nothing of a recording that is
//! not the one that was made. So the evidence is checked first, as `verify` does, and the
//! result says so. Rejected: leaving that to a second command, which nobody has to run.

use std::io::Write;

use diptych_protocol::identity::Role;
use diptych_protocol::journal::Integrity;
use diptych_protocol::report::evaluate;
use diptych_protocol::time::Span;

use super::verify::{self, Checked};
use super::written::Place;
use crate::align::{AlignError, Evidence, FrameMap, Recordings, side_by_side};
use crate::args::AlignArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

pub(crate) fn align(
    args: &AlignArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Fail> {
    if let Some(video) = args.video.as_ref().filter(|video| video.exists()) {
        return Err(Fail::Exists { path: video.clone() });
    }
    let folder = SessionFolder::open(&args.dir)?;
    let journals = folder.replayed()?;
    // Session time 0 is the start of answering, as in the report.
    let origin_ns = evaluate(&journals, None)?.window.start.nanos();
    let session = Recordings::of(&folder, &journals)?;
    if args.video.is_some() {
        together(&session)?;
    }
    let checked = (!args.unchecked).then(|| verify::check(&folder)).transpose()?;
    let places = session.places();
    let each = session.recorded().iter().zip(&places);
    let tracks: Vec<_> = each.map(|(recorded, place)| recorded.track(place)).collect();
    let map = FrameMap::new(&tracks, origin_ns)?;
    let evidence = found(checked.as_ref());
    let content = evidence.beside(&map).unwrap_or_default();
    let place = Place::of(&args.dir, args.out.as_deref());
    let mut made = place.keep(&[("alignment.json", &content)], err)?;
    if let Some(video) = &args.video {
        side_by_side(&tracks, origin_ns, video)?;
        made.push(video.clone());
    }
    if args.json {
        out.write_all(content.as_bytes())?;
    } else {
        summary(&map, out)?;
        for (role, what) in session.missing() {
            writeln!(out, "{:<3} {what}", role.to_string())?;
        }
        write!(out, "{}", evidence.told(&args.dir.display().to_string()))?;
        for made in made {
            writeln!(out, "wrote {}", made.display())?;
        }
    }
    let integrity = checked.map_or(Integrity::Intact, |checked| checked.result.integrity());
    Ok(Exit::of_integrity(integrity))
}

/// Whether there is anything to be shown beside anything.
fn together(session: &Recordings) -> Result<(), AlignError> {
    let roles: Vec<Role> = session.recorded().iter().map(|recorded| recorded.role).collect();
    let Some(first) = roles.first() else { return Err(AlignError::Nothing) };
    if roles.iter().any(|role| role != first) {
        return Ok(());
    }
    let missing: Vec<String> =
        session.missing().iter().map(|(role, what)| format!("{role}: {what}")).collect();
    Err(AlignError::Alone { role: *first, missing: missing.join("; ") })
}

/// What was found in a folder, as a map says it; `None` if nobody looked.
fn found(checked: Option<&Checked>) -> Evidence {
    let result = checked.map(|checked| &checked.result);
    let findings = result.map_or(&[][..], |result| &result.findings);
    let changed = findings.iter().filter(|finding| verify::is_changed_piece(finding));
    let missing = checked.iter().flat_map(|checked| checked.missing.values());
    Evidence {
        checked: checked.is_some(),
        integrity: result.map(|result| verify::word(result.integrity())),
        pieces: result.map_or(0, |result| result.pieces),
        pieces_changed: changed.count() as u64,
        pieces_missing: missing.map(|(count, _)| *count).sum(),
        findings: findings.len(),
    }
}

/// Compares what is in a folder with its journals.
pub(crate) fn evidence(folder: &SessionFolder) -> Result<Evidence, Fail> {
    Ok(found(Some(&verify::check(folder)?)))
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
    if map.roles.len() == 1 {
        writeln!(out, "{primary} is alone: there is no other recording to align it with")?;
    }
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
