//! Pictures that were taken together are shown together.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::camera::timebase::Simulated;
use crate::camera::{RecordError, Scene, Synthetic};
use crate::picture::timecode::TimeCode;
use crate::picture::{Colour, Picture, Size};
use crate::testing::{Folder, record_with};
use crate::video::{Frames, read_timecodes};

/// How far the estimate of these tests is off, and the bound it states.
const OFF_NS: i64 = 20_000;
const BOUND_NS: i64 = 50_000;

/// Records both devices: the primary's clock is the truth, the assistant starts
/// 400 ms later, is 30 s ahead and 80 ppm fast. Pauses as [`record_with`].
fn recordings(folder: &Folder, size: Size, pictures: usize, pauses: &[usize]) -> [PathBuf; 2] {
    let (front, behind) = (folder.path("P.mp4"), folder.path("A1.mp4"));
    let clock = Arc::new(Simulated::new(1_000_000_000_000, 0, 0));
    let camera = Synthetic::new(clock.clone(), Scene::Front, "P", size, 30, 1);
    record_with(camera, &front, &clock, pictures, pauses);
    let clock = Arc::new(Simulated::new(1_000_400_000_000, 30_000_000_000, 80_000));
    let camera = Synthetic::new(clock.clone(), Scene::Behind, "A1", size, 25, 2);
    record_with(camera, &behind, &clock, pictures, &[]);
    [front, behind]
}

/// Undoes the assistant's clock, wrong by [`OFF_NS`], within `bound_ns`.
fn estimate(own_ns: i64, bound_ns: i64) -> Option<Placed> {
    let scaled = i128::from(own_ns - 30_000_000_000) * 1_000_000_000 / 1_000_080_000;
    let at_ns = i64::try_from(scaled).unwrap() + OFF_NS;
    Some(Placed { at_ns, low_ns: at_ns - bound_ns, high_ns: at_ns + bound_ns })
}

fn primary(own_ns: i64) -> Option<Placed> {
    Some(Placed::exactly(own_ns))
}

fn track<'a>(number: u8, path: &Path, place: &'a dyn Fn(i64) -> Option<Placed>) -> Track<'a> {
    Track { role: Role::new(number).unwrap(), path: path.to_owned(), place }
}

const ORIGIN_NS: i64 = 1_000_000_000_000;

#[test]
fn every_pair_is_true_within_its_bound() {
    let folder = Folder::new();
    let paths = recordings(&folder, Size::SMALL, 90, &[]);
    let place = |own_ns| estimate(own_ns, BOUND_NS);
    let tracks = [track(0, &paths[0], &primary), track(1, &paths[1], &place)];
    let map = FrameMap::new(&tracks, ORIGIN_NS).unwrap();
    let truths: Vec<_> = paths.iter().map(|path| read_timecodes(path).unwrap()).collect();
    let result = map.compare(&truths);
    assert_eq!(result.outside, 0);
    assert!(result.frames_checked > 70, "{result:?}");
    // Off by the estimate and what two stamps are rounded by.
    assert!((OFF_NS - 1_002..=OFF_NS + 1_002).contains(&result.true_error_ns_max), "{result:?}");
    assert!((BOUND_NS..BOUND_NS + 2_000).contains(&result.bound_ns_max), "{result:?}");
    // Each picture has the nearest partner, at 25 pictures a second within 20 ms
    // and the jitter, but for those before the assistant began.
    let neighbours: Vec<_> = map.pairs.iter().flat_map(|pair| &pair.neighbours).collect();
    let near = neighbours.iter().filter_map(|neighbour| neighbour.as_ref());
    let near = near.filter(|neighbour| neighbour.apart_ns.abs() <= 24_000_000).count();
    assert!(near >= 75, "{near} of {}", neighbours.len());
}

#[test]
fn a_bound_that_is_too_narrow_is_caught() {
    let folder = Folder::new();
    let paths = recordings(&folder, Size::SMALL, 30, &[]);
    let place = |own_ns| estimate(own_ns, OFF_NS / 2);
    let tracks = [track(0, &paths[0], &primary), track(1, &paths[1], &place)];
    let truths: Vec<_> = paths.iter().map(|path| read_timecodes(path).unwrap()).collect();
    let result = FrameMap::new(&tracks, 0).unwrap().compare(&truths);
    assert_eq!(result.outside, result.frames_checked);
    assert!(result.true_error_ns_max > result.bound_ns_max);
}

#[test]
fn pictures_of_an_interruption_have_no_partner() {
    let folder = Folder::new();
    let [front, behind] = recordings(&folder, Size::SMALL, 100, &[30]);
    let place = |own_ns| estimate(own_ns, BOUND_NS);
    // Seen from the assistant, whose camera went on.
    let tracks = [track(1, &behind, &place), track(0, &front, &primary)];
    let map = FrameMap::new(&tracks, ORIGIN_NS).unwrap();
    assert_eq!(map.pairs.len(), 100);
    let alone = map.pairs.iter().filter(|pair| pair.neighbours == [None]).count();
    // 3 s at 25 pictures a second, less 100 ms on each side.
    assert!((65..=72).contains(&alone), "{alone} without a partner");
}

#[test]
fn the_map_survives_json_and_says_what_it_does_not_know() {
    let folder = Folder::new();
    let paths = recordings(&folder, Size::SMALL, 20, &[]);
    let nothing = |_| None;
    let tracks = [track(0, &paths[0], &primary), track(1, &paths[1], &nothing)];
    let map = FrameMap::new(&tracks, ORIGIN_NS).unwrap();
    assert!(map.recordings[1].frames.iter().all(Option::is_none));
    assert!(map.pairs.iter().all(|pair| pair.neighbours == [None]));
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<FrameMap>(&text).unwrap(), map);

    let error = side_by_side(&tracks, ORIGIN_NS, &folder.path("out.mp4")).err().unwrap();
    assert!(error.to_string().starts_with("no picture of A1 has a place"), "{error}");
    assert!(matches!(FrameMap::new(&[], 0), Err(AlignError::Nothing)));
}

#[test]
fn a_role_that_recorded_two_files_is_one_role() {
    let folder = Folder::new();
    let [front, behind] = recordings(&folder, Size::SMALL, 30, &[]);
    let after = folder.path("P-2.mp4");
    let clock = Arc::new(Simulated::new(ORIGIN_NS + 1_200_000_000, 0, 0));
    let camera = Synthetic::new(clock.clone(), Scene::Front, "P", Size::SMALL, 30, 9);
    record_with(camera, &after, &clock, 15, &[]);
    let place = |own_ns| estimate(own_ns, BOUND_NS);
    let tracks =
        [track(1, &behind, &place), track(0, &front, &primary), track(0, &after, &primary)];
    let map = FrameMap::new(&tracks, ORIGIN_NS).unwrap();
    assert_eq!(map.roles, ["A1", "P"]);
    let files: Vec<usize> = map
        .pairs
        .iter()
        .flat_map(|pair| &pair.neighbours)
        .flatten()
        .map(|neighbour| neighbour.recording)
        .collect();
    assert!(files.is_sorted() && files.contains(&1) && files.contains(&2), "{files:?}");
    let sheet = sheet(&tracks, ORIGIN_NS, &[1_300_000_000]).unwrap();
    assert_eq!(sheet.size().width(), 1_280, "two panels");
    let truths: Vec<_> = tracks.iter().map(|track| read_timecodes(&track.path).unwrap()).collect();
    assert_eq!(map.compare(&truths).outside, 0);
}

/// The part of a picture that shows one panel of 640×360.
fn panel(picture: &Picture, slot: usize) -> Picture {
    let mut panel = Picture::new(Size::DEFAULT, Colour::BLACK);
    let (width, line) = (picture.size().width(), usize::try_from(video::LINE).unwrap());
    let (luma, _, _) = panel.planes_mut();
    for (y, row) in luma.chunks_exact_mut(640).enumerate() {
        let start = (y + line) * width + slot * 640;
        row.copy_from_slice(&picture.luma()[start..start + 640]);
    }
    panel
}

#[test]
fn a_side_by_side_video_shows_what_happened_at_the_same_time() {
    let folder = Folder::new();
    let paths = recordings(&folder, Size::DEFAULT, 50, &[25]);
    let place = |own_ns| estimate(own_ns, BOUND_NS);
    let tracks = [track(0, &paths[0], &primary), track(1, &paths[1], &place)];
    let out = folder.path("both.mp4");
    let made = side_by_side(&tracks, ORIGIN_NS, &out).unwrap();
    let mut frames = Frames::open(&out).unwrap();
    let (mut front_only, mut behind_only, mut both, mut count) = (0, 0, 0, 0_u64);
    while let Some(frame) = frames.next().unwrap() {
        count += 1;
        let codes = [0, 1].map(|slot| TimeCode::read(&panel(&frame.picture, slot)).ok());
        for code in codes.iter().flatten() {
            let apart_ns = (code.true_ns - frame.own_ns).abs();
            assert!(apart_ns <= 101_000_000, "{code:?} shown at {}", frame.own_ns);
        }
        match codes {
            [Some(front), Some(behind)] => {
                both += 1;
                assert!((front.true_ns - behind.true_ns).abs() <= 202_000_000);
            }
            [Some(_), None] => front_only += 1,
            [None, Some(_)] => behind_only += 1,
            [None, None] => {}
        }
    }
    assert_eq!(count, made.video.frames);
    // The primary records 0 to 0.8 s and 3.8 to 4.7 s, the assistant 0.4 to 2.4 s.
    assert!((12..=20).contains(&both), "{both} pairs");
    assert!((35..=50).contains(&front_only) && (35..=50).contains(&behind_only));

    let error = side_by_side(&tracks, ORIGIN_NS, &out).err().unwrap();
    assert!(matches!(error, AlignError::Record(RecordError::Exists { .. })), "{error}");
}

#[test]
fn a_sheet_shows_gaps_in_red() {
    let folder = Folder::new();
    let paths = recordings(&folder, Size::SMALL, 100, &[30]);
    let place = |own_ns| estimate(own_ns, BOUND_NS);
    let tracks = [track(0, &paths[0], &primary), track(1, &paths[1], &place)];
    let sheet = sheet(&tracks, ORIGIN_NS, &[500_000_000, 2_500_000_000]).unwrap();
    assert_eq!(sheet.size().width(), 1_280);
    // The primary's bar: 1 s of pictures, 3 s without, 2.3 s of pictures.
    let bar_y = 2 * (360 + video::LINE) + 14;
    let is_red = |x| sheet.colour((x, bar_y)).is_some_and(|colour| colour.v > 160);
    let stretches: Vec<bool> = [100, 200, 400, 700, 900, 1_200].map(is_red).into();
    assert_eq!(stretches, [false, false, true, true, false, false]);
}
