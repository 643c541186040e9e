//! The fragments of a recording: where they are, what they hash to, what they hold.
//!
//! The top level is walked here, eight bytes of head at a time, because only a
//! walk can tell a torn end from a damaged middle. What is inside a fragment is
//! read by `shiguredo_mp4`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;

use super::VideoError;
use crate::camera::ORIGIN_BOX;

/// A box larger than this is not one of ours: half a second is 256 MiB at 4 Gbit/s.
const BOX_BYTES: u64 = 256 << 20;
/// Length of the box that holds the origin.
const ORIGIN_BYTES: usize = 32;

/// One commitment of the recorder, as found in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// Where its bytes begin; the first begins at 0 with the start of the file.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// Its pictures, at least one.
    pub samples: Vec<Sample>,
    /// The coded pictures, one after the other.
    pub(super) data: Vec<u8>,
}

/// One coded picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Capture, in nanoseconds of the device's clock.
    pub own_ns: i64,
    /// Presentation time, in microseconds.
    pub pts_us: u64,
    /// How long it is shown, in microseconds.
    pub duration_us: u32,
    /// Where its bytes begin in the fragment's data, and how many there are.
    pub(super) place: (usize, usize),
}

/// Reads a recording fragment by fragment.
pub struct Fragments {
    path: PathBuf,
    file: File,
    length: u64,
    /// Where the next fragment begins.
    offset: u64,
    origin_ns: i64,
    demuxer: Fmp4SegmentDemuxer,
    /// The start of the file, until the first fragment takes it.
    start: Vec<u8>,
    /// Parameter sets: sequence, then picture.
    parameters: Vec<Vec<u8>>,
}

/// All fragments of a recording, for comparing with what was committed.
///
/// # Errors
///
/// [`VideoError`] if the file is no recording, or damaged before its end.
pub fn fragments(path: &Path) -> Result<Vec<Fragment>, VideoError> {
    let mut reader = Fragments::open(path)?;
    let mut all = Vec::new();
    while let Some(fragment) = reader.next()? {
        all.push(fragment);
    }
    Ok(all)
}

/// What is at a place in the file.
enum Found {
    /// A whole box of this kind, this long.
    Whole([u8; 4], u64),
    /// The file ends within the box, or its head.
    Torn,
}

impl Fragments {
    /// Opens the file and reads its start.
    ///
    /// # Errors
    ///
    /// [`VideoError::Empty`] if the recorder died before its first picture,
    /// [`VideoError::Foreign`] if it was not ours.
    pub fn open(path: &Path) -> Result<Self, VideoError> {
        let opened = File::open(path).and_then(|file| file.metadata().map(|meta| (file, meta)));
        let (file, meta) = opened.map_err(|source| unreadable(path, source))?;
        let mut reader = Self {
            path: path.to_owned(),
            file,
            length: meta.len(),
            offset: 0,
            origin_ns: 0,
            demuxer: Fmp4SegmentDemuxer::new(),
            start: Vec::new(),
            parameters: Vec::new(),
        };
        reader.read_start()?;
        Ok(reader)
    }

    fn read_start(&mut self) -> Result<(), VideoError> {
        for expected in [b"ftyp", b"moov", b"uuid"] {
            match self.look(self.offset)? {
                Found::Whole(kind, bytes) if kind == *expected => {
                    let data = self.bytes(self.offset, bytes)?;
                    self.start.extend(data);
                    self.offset += bytes;
                }
                Found::Whole(kind, _) => return Err(self.foreign(kind.escape_ascii().to_string())),
                Found::Torn => {
                    return Err(VideoError::Empty { path: self.path.clone(), bytes: self.length });
                }
            }
        }
        let Some((tracks, origin_ns)) = split_origin(&self.start) else {
            return Err(self.foreign("a uuid box of another kind".into()));
        };
        self.origin_ns = origin_ns;
        let learned = self.demuxer.handle_init_segment(tracks);
        learned.map_err(|error| self.foreign(error.to_string()))
    }

    /// The next fragment, or `None` at the end of the file or of what is whole.
    ///
    /// # Errors
    ///
    /// [`VideoError::Damaged`] if there is something else before the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results invites `flatten`")]
    pub fn next(&mut self) -> Result<Option<Fragment>, VideoError> {
        let mut bytes = 0;
        for expected in [b"moof", b"mdat"] {
            match self.look(self.offset + bytes)? {
                Found::Whole(kind, length) if kind == *expected => bytes += length,
                Found::Whole(kind, _) => return Err(self.damaged(kind.escape_ascii())),
                Found::Torn => return Ok(None),
            }
        }
        let data = self.bytes(self.offset, bytes)?;
        let samples = self.samples(&data)?;
        let start = std::mem::take(&mut self.start);
        let fragment = Fragment {
            offset: self.offset - start.len() as u64,
            bytes: bytes + start.len() as u64,
            sha256: Sha256::new().chain_update(start).chain_update(&data).finalize().into(),
            samples,
            data,
        };
        self.offset += bytes;
        Ok(Some(fragment))
    }

    /// Bytes at the end that belong to no whole fragment, once [`Fragments::next`]
    /// returned `None`.
    #[must_use]
    pub const fn torn_bytes(&self) -> u64 {
        self.length.saturating_sub(self.offset)
    }

    /// The sequence and picture parameter sets, once a fragment was read.
    pub(super) fn parameters(&self) -> &[Vec<u8>] {
        &self.parameters
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn samples(&mut self, data: &[u8]) -> Result<Vec<Sample>, VideoError> {
        let origin_ns = self.origin_ns;
        let read = self.demuxer.handle_media_segment(data);
        let mut parameters = None;
        let samples = read.map(|samples| {
            let converted = samples.iter().map(|sample| {
                if let Some(SampleEntry::Avc1(avc)) = sample.sample_entry {
                    let sets = avc.avcc_box.sps_list.iter().chain(&avc.avcc_box.pps_list);
                    parameters = Some(sets.cloned().collect());
                }
                let since = i64::try_from(sample.timestamp).unwrap_or(i64::MAX);
                Sample {
                    own_ns: origin_ns.saturating_add(since.saturating_mul(1_000)),
                    pts_us: sample.timestamp,
                    duration_us: sample.duration,
                    place: (
                        usize::try_from(sample.data_offset).unwrap_or(usize::MAX),
                        sample.data_size,
                    ),
                }
            });
            converted.collect::<Vec<_>>()
        });
        let samples = samples.map_err(|error| self.damaged(error))?;
        self.parameters = parameters.unwrap_or_else(|| std::mem::take(&mut self.parameters));
        if samples.is_empty() { Err(self.damaged("no pictures")) } else { Ok(samples) }
    }

    /// Reads the head of the box at `offset`.
    fn look(&mut self, offset: u64) -> Result<Found, VideoError> {
        if self.length.saturating_sub(offset) < 8 {
            return Ok(Found::Torn);
        }
        let head = self.bytes(offset, 8)?;
        let Some((size, kind)) = head.split_first_chunk::<4>() else { return Ok(Found::Torn) };
        let kind = <[u8; 4]>::try_from(kind).unwrap_or_default();
        let bytes = u64::from(u32::from_be_bytes(*size));
        if head == [0; 8] {
            // What a file system may leave after a crash: length without data.
            return Ok(Found::Torn);
        }
        // A size of 0 or 1 has a special meaning that we never write.
        if !(8..=BOX_BYTES).contains(&bytes) {
            return Err(self.damaged(format_args!("a box of {bytes} bytes")));
        }
        let whole = offset + bytes <= self.length;
        Ok(if whole { Found::Whole(kind, bytes) } else { Found::Torn })
    }

    fn bytes(&mut self, offset: u64, bytes: u64) -> Result<Vec<u8>, VideoError> {
        let mut data = Vec::new();
        let sought = self.file.seek(SeekFrom::Start(offset));
        let read = sought.and_then(|_| (&mut self.file).take(bytes).read_to_end(&mut data));
        match read {
            Ok(got) if got as u64 == bytes => Ok(data),
            Ok(_) => Err(unreadable(&self.path, io::ErrorKind::UnexpectedEof.into())),
            Err(source) => Err(unreadable(&self.path, source)),
        }
    }

    fn foreign(&self, got: String) -> VideoError {
        VideoError::Foreign { path: self.path.clone(), offset: self.offset, got }
    }

    fn damaged(&self, got: impl std::fmt::Display) -> VideoError {
        let (path, offset) = (self.path.clone(), self.offset);
        VideoError::Damaged { path, offset, got: got.to_string() }
    }
}

/// Parts the start of a file into its tracks and the origin of its time.
fn split_origin(start: &[u8]) -> Option<(&[u8], i64)> {
    let (tracks, origin) = start.split_last_chunk::<ORIGIN_BYTES>()?;
    let (head, origin_ns) = origin.split_last_chunk::<8>()?;
    let ours = head.get(4..) == Some(&[b"uuid", &ORIGIN_BOX[..]].concat()[..]);
    ours.then(|| (tracks, i64::from_be_bytes(*origin_ns)))
}

fn unreadable(path: &Path, source: io::Error) -> VideoError {
    VideoError::Unreadable { path: path.to_owned(), source }
}
