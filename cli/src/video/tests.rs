//! A video can be read again, frame by frame, up to where it was cut.

use std::fs;

use super::*;
use crate::picture::Size;
use crate::testing::{Folder, record, wrong_clock};

#[test]
fn every_time_code_is_read_back_exactly() {
    for (size, pictures) in [(Size::DEFAULT, 90), (Size::SMALL, 60)] {
        let folder = Folder::new();
        let path = folder.path("p.mp4");
        let clock = wrong_clock();
        let (_, stamps) = record(&path, &clock, size, pictures, &[pictures / 2]);
        let truths = read_timecodes(&path).unwrap();
        assert_eq!(truths.len(), pictures);
        for (index, (truth, stamp)) in (0..).zip(truths.iter().zip(&stamps)) {
            assert_eq!((truth.index, truth.number), (index, index));
            assert_eq!(clock.own_ns(truth.true_ns), *stamp, "picture {index}");
            assert!((0..1_000).contains(&(stamp - truth.own_ns)));
        }
    }
}

#[test]
fn a_file_cut_anywhere_plays_up_to_its_last_whole_fragment() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, _) = record(&path, &wrong_clock(), Size::SMALL, 60, &[]);
    let bytes = fs::read(&path).unwrap();
    let cut = folder.path("cut.mp4");
    for step in 0..=50 {
        let length = bytes.len() * step / 50;
        fs::write(&cut, &bytes[..length]).unwrap();
        let whole = committed.iter().filter(|piece| piece.offset + piece.bytes <= length as u64);
        let pictures: u32 = whole.map(|piece| piece.frames).sum();
        match read_timecodes(&cut) {
            Ok(truths) => assert_eq!(truths.len(), usize::try_from(pictures).unwrap()),
            Err(error) => {
                assert!(matches!(error, VideoError::Empty { .. }), "{error}");
                assert_eq!(pictures, 0, "cut at {length}");
            }
        }
    }
}

#[test]
fn zeros_after_a_crash_are_an_end() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    record(&path, &wrong_clock(), Size::SMALL, 20, &[]);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 4096]);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read_stamps(&path).unwrap().len(), 20);
    let mut reader = Fragments::open(&path).unwrap();
    while reader.next().unwrap().is_some() {}
    assert_eq!(reader.torn_bytes(), 4096);
}

#[test]
fn damage_before_the_end_is_an_error_that_says_where() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, _) = record(&path, &wrong_clock(), Size::SMALL, 60, &[]);
    let mut bytes = fs::read(&path).unwrap();
    let second = usize::try_from(committed[1].offset).unwrap();
    bytes[second + 4..second + 8].copy_from_slice(b"free");
    fs::write(&path, &bytes).unwrap();
    let error = fragments(&path).err().unwrap();
    assert!(matches!(error, VideoError::Damaged { offset, .. } if offset == committed[1].offset));
    assert!(error.to_string().contains("got free"), "{error}");
}

#[test]
fn a_changed_byte_changes_the_hash_of_its_fragment_only() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    let (committed, _) = record(&path, &wrong_clock(), Size::SMALL, 60, &[]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = usize::try_from(committed[1].offset + committed[1].bytes - 9).unwrap();
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let same: Vec<bool> = fragments(&path)
        .unwrap()
        .iter()
        .zip(&committed)
        .map(|(found, told)| found.sha256 == told.sha256)
        .collect();
    assert!(!same[1]);
    assert_eq!(same.iter().filter(|same| **same).count(), same.len() - 1);
}

#[test]
fn other_files_are_told_from_recordings() {
    let folder = Folder::new();
    let missing = Fragments::open(&folder.path("none.mp4")).err().unwrap();
    assert!(matches!(missing, VideoError::Unreadable { .. }), "{missing}");
    let path = folder.path("other");
    for (content, foreign) in [
        (&b""[..], false),
        (&b"\x00\x00\x00\x10ftypisom\x00\x00\x02\x00\x00\x00\x00\x09free\x00"[..], true),
        (&b"\x89PNG\r\n\x1a\n and so on, for long enough"[..], true),
        (&b"not a video, just some words in a file"[..], true),
    ] {
        fs::write(&path, content).unwrap();
        let error = Fragments::open(&path).err().unwrap();
        if foreign {
            let kinds = matches!(error, VideoError::Foreign { .. } | VideoError::Damaged { .. });
            assert!(kinds, "{error}");
        } else {
            assert!(matches!(error, VideoError::Empty { bytes: 0, .. }), "{error}");
        }
    }
}

#[test]
fn no_single_changed_byte_makes_the_reader_panic() {
    let folder = Folder::new();
    let path = folder.path("p.mp4");
    record(&path, &wrong_clock(), Size::SMALL, 4, &[]);
    let bytes = fs::read(&path).unwrap();
    // The boxes in full, the coded pictures at every 97th byte.
    let boxes = (0..1_100).chain((1_100..bytes.len()).step_by(97));
    for index in boxes.filter(|index| *index < bytes.len()) {
        let mut changed = bytes.clone();
        changed[index] ^= 0xFF;
        fs::write(&path, &changed).unwrap();
        let _ = read_stamps(&path);
        if index % 7 == 0 {
            let _ = read_timecodes(&path);
        }
    }
}
