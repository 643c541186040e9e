//! A recording is what was committed, and no more.

use std::fs;

use sha2::{Digest, Sha256};

use super::*;
use crate::picture::{Colour, Size};
use crate::testing::{Folder, record, wrong_clock};
use crate::video::fragments;

const INTERVAL_NS: i64 = 33_333_333;

#[test]
fn commitments_tile_the_file_and_hash_to_its_bytes() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, stamps) = record(&path, &wrong_clock(), Size::SMALL, 100, &[40, 41]);
    let bytes = fs::read(&path).unwrap();
    let mut end = 0;
    for piece in &committed {
        assert_eq!(piece.offset, end, "a hole between two commitments");
        end += piece.bytes;
        let range = usize::try_from(piece.offset).unwrap()..usize::try_from(end).unwrap();
        assert_eq!(piece.sha256, <[u8; 32]>::from(Sha256::digest(&bytes[range])));
    }
    assert_eq!(end, bytes.len() as u64);
    assert_eq!(committed.iter().map(|piece| piece.frames).sum::<u32>(), 100);
    assert_eq!(committed.first().unwrap().first_ns, stamps[0]);
    let last_ns = committed.last().unwrap().last_ns;
    assert!((0..1_000).contains(&(stamps[99] - last_ns)), "rounded down to a microsecond");
}

#[test]
fn the_file_says_what_was_committed() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, _) = record(&path, &wrong_clock(), Size::SMALL, 70, &[33]);
    let found = fragments(&path).unwrap();
    assert_eq!(found.len(), committed.len());
    for (found, told) in found.iter().zip(&committed) {
        assert_eq!((found.offset, found.bytes), (told.offset, told.bytes));
        assert_eq!(found.sha256, told.sha256);
        assert_eq!(found.samples.len(), usize::try_from(told.frames).unwrap());
        assert_eq!(found.samples.first().unwrap().own_ns, told.first_ns);
        assert_eq!(found.samples.last().unwrap().own_ns, told.last_ns);
        assert_eq!(found.samples.first().unwrap().pts_us, told.first_pts_us);
    }
}

#[test]
fn jitter_is_kept_and_stamps_only_rise() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (_, stamps) = record(&path, &wrong_clock(), Size::SMALL, 90, &[]);
    let samples: Vec<_> =
        fragments(&path).unwrap().into_iter().flat_map(|piece| piece.samples).collect();
    let gaps: Vec<i64> = samples.windows(2).map(|pair| pair[1].own_ns - pair[0].own_ns).collect();
    assert!(gaps.iter().all(|gap| *gap > 0));
    let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
    assert!(most - least > 2_000_000, "variable frame rate, got {least} to {most} ns");
    for (sample, stamp) in samples.iter().zip(&stamps) {
        assert!((0..1_000).contains(&(stamp - sample.own_ns)));
    }
    for pair in samples.windows(2) {
        let end_us = pair[0].pts_us + u64::from(pair[0].duration_us);
        assert_eq!(end_us, pair[1].pts_us, "each picture lasts until the next");
    }
}

#[test]
fn an_interruption_is_a_gap_in_the_presentation_times() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, _) = record(&path, &wrong_clock(), Size::SMALL, 60, &[30]);
    let before = committed.iter().position(|piece| piece.last_ns > 0).unwrap();
    let gaps: Vec<i64> =
        committed.windows(2).map(|pair| pair[1].first_ns - pair[0].last_ns).collect();
    let long = gaps.iter().filter(|gap| **gap > 2_900_000_000).count();
    assert_eq!((before, long), (0, 1), "{gaps:?}");
    let samples: Vec<_> =
        fragments(&path).unwrap().into_iter().flat_map(|piece| piece.samples).collect();
    assert!(samples.iter().all(|sample| sample.duration_us < 200_000));
}

#[test]
fn a_recording_is_never_overwritten() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    fs::write(&path, b"evidence").unwrap();
    let error = Recording::create(&path, INTERVAL_NS).err().unwrap();
    assert!(matches!(error, RecordError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"evidence");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let path = folder.path("nowhere/p.mp4");
    let error = Recording::create(&path, INTERVAL_NS).err().unwrap();
    assert!(matches!(error, RecordError::Write { .. }), "{error}");
    assert!(error.to_string().contains("nowhere/p.mp4"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_from_other_failures() {
    let path = Path::new("/dev/full");
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let mut recording = Recording::on(file, path, INTERVAL_NS).unwrap();
    let picture = Picture::new(Size::SMALL, Colour::WHITE);
    let error = recording.push(&picture, 5).err().unwrap();
    assert!(matches!(error, RecordError::DiskFull { committed_bytes: 0, .. }), "{error}");
    assert_eq!(recording.summary().frames, 0);
}

#[test]
fn a_clock_that_stands_still_costs_pictures_and_is_counted() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let mut recording = Recording::create(&path, INTERVAL_NS).unwrap();
    let picture = Picture::new(Size::SMALL, Colour::WHITE);
    for own_ns in [5_000, 5_999, 4_000, i64::MIN, 6_000, 6_000] {
        recording.push(&picture, own_ns).unwrap();
    }
    let committed = recording.pause().unwrap().unwrap();
    assert_eq!((committed.frames, recording.summary().discarded), (2, 4));
    assert_eq!((committed.first_ns, committed.last_ns), (5_000, 6_000));
}

#[test]
fn stamps_at_the_ends_of_the_range_do_not_panic() {
    for origin_ns in [i64::MIN, -1, i64::MAX - 1] {
        let folder = Folder::new();
        let path = folder.path("p.mp4");
        let mut recording = Recording::create(&path, INTERVAL_NS).unwrap();
        let picture = Picture::new(Size::SMALL, Colour::WHITE);
        for own_ns in [origin_ns, 0, i64::MAX] {
            recording.push(&picture, own_ns).unwrap();
        }
        recording.pause().unwrap();
        assert!(!fragments(&path).unwrap().is_empty());
    }
}
