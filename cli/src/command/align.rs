//! `diptych align`: which pictures were taken together.

use std::io::Write;

use diptych_protocol::report::evaluate;
use diptych_protocol::time::Span;

use super::report::write_whole;
use crate::align::{FrameMap, Recordings, side_by_side};
use crate::args::AlignArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

pub(crate) fn align(args: &AlignArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let folder = SessionFolder::open(&args.dir)?;
    let journals = folder.replayed()?;
    // Session time 0 is the start of answering, as in the report.
    let origin_ns = evaluate(&journals, None)?.window.start.nanos();
    let session = Recordings::of(&folder, &journals)?;
    let places = session.places();
    let each = session.recorded().iter().zip(&places);
    let tracks: Vec<_> = each.map(|(recorded, place)| recorded.track(place)).collect();
    let map = FrameMap::new(&tracks, origin_ns)?;
    let content = serde_json::to_string(&map).unwrap_or_default() + "\n";
    let file = args.dir.join("alignment.json");
    write_whole(&file, content.as_bytes())?;
    if let Some(video) = &args.video {
        if video.exists() {
            return Err(Fail::Exists { path: video.clone() });
        }
        side_by_side(&tracks, origin_ns, video)?;
    }
    if args.json {
        out.write_all(content.as_bytes())?;
    } else {
        summary(&map, out)?;
        for made in [Some(&file), args.video.as_ref()].into_iter().flatten() {
            writeln!(out, "wrote {}", made.display())?;
        }
        for (role, name) in session.missing() {
            let role = role.to_string();
            writeln!(out, "{role:<3} {name}")?;
        }
    }
    Ok(Exit::Done)
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
