//! One recording file: pictures in, commitments out.
//!
//! A fragment of half a second is written with one call, synced, and only then
//! reported with its hash. Reports tile the file: the first covers the start of
//! the file too, each next begins where the last ended, so every byte of a
//! recording is vouched for by exactly one of them.
//!
//! Instants are rounded down to whole microseconds after the first picture, the
//! resolution of the file. The rounded instant is *the* instant from there on: in
//! the file, in the report, in the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::RecordError;
use super::encoder::{H264, Refers};
use super::fragment::{self, CodedFrame};
use crate::picture::Picture;

/// A fragment ends with the first picture this long after its first.
const FRAGMENT_US: u64 = 500_000;
/// A picture that comes later than this many usual intervals leaves a gap.
const GAP_INTERVALS: i64 = 6;

/// Pictures that reached the disk, as the session is told of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// Capture of the first picture, in nanoseconds of the device's clock.
    pub first_ns: i64,
    /// Capture of the last picture, in nanoseconds of the device's clock.
    pub last_ns: i64,
    /// How many pictures.
    pub frames: u32,
    /// Where the bytes begin in the file.
    pub offset: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// Presentation time of the first picture in the file, in microseconds.
    pub first_pts_us: u64,
}

/// What a closed recording holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// Pictures on disk.
    pub frames: u64,
    /// Pictures thrown away because the device's clock had not moved past the
    /// picture before.
    pub discarded: u64,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// A recording in progress.
pub struct Recording {
    path: PathBuf,
    file: File,
    interval_ns: i64,
    encoder: H264,
    /// The device's clock at presentation time 0, once a picture came.
    origin_ns: Option<i64>,
    open: Vec<CodedFrame>,
    /// The start of the file, until the first commitment covers it.
    start: Vec<u8>,
    last_us: Option<u64>,
    written: u64,
    sequence: u32,
    whole: Sha256,
    frames: u64,
    discarded: u64,
}

impl Recording {
    /// Creates the file, for pictures usually `interval_ns` nanoseconds apart. It
    /// stays empty until the first picture.
    ///
    /// # Errors
    ///
    /// [`RecordError::Exists`] rather than overwriting anything, and whatever the
    /// system says about the folder.
    pub fn create(path: &Path, interval_ns: i64) -> Result<Self, RecordError> {
        let opened = OpenOptions::new().write(true).create_new(true).open(path);
        let file = opened.and_then(|file| sync_folder_of(path).map(|()| file));
        let file = file.map_err(|source| RecordError::from_io(path, 0, source))?;
        Self::on(file, path, interval_ns)
    }

    fn on(file: File, path: &Path, interval_ns: i64) -> Result<Self, RecordError> {
        Ok(Self {
            path: path.to_owned(),
            file,
            interval_ns,
            encoder: H264::new(interval_ns)?,
            origin_ns: None,
            open: Vec::new(),
            start: Vec::new(),
            last_us: None,
            written: 0,
            sequence: 0,
            whole: Sha256::new(),
            frames: 0,
            discarded: 0,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a picture captured at `own_ns` of the device's clock.
    ///
    /// Returns the fragment that this picture completed, if it did. A picture
    /// less than a microsecond after the one before is discarded and counted.
    ///
    /// # Errors
    ///
    /// [`RecordError`]; the file then ends with its last fragment.
    pub fn push(
        &mut self,
        picture: &Picture,
        own_ns: i64,
    ) -> Result<Option<Committed>, RecordError> {
        let origin_ns = *self.origin_ns.get_or_insert(own_ns);
        let at_us = u64::try_from(own_ns.saturating_sub(origin_ns) / 1_000).ok();
        let Some(at_us) = at_us.filter(|at_us| self.last_us.is_none_or(|last| last < *at_us))
        else {
            self.discarded += 1;
            return Ok(None);
        };
        let committed = match self.open.first() {
            Some(first) if at_us - first.at_us >= FRAGMENT_US || self.leaves_gap(at_us) => {
                let end_us = if self.leaves_gap(at_us) { self.usual_end_us() } else { at_us };
                self.commit(end_us)?
            }
            _ => None,
        };
        let refers = if self.open.is_empty() { Refers::ToNothing } else { Refers::ToPrevious };
        let data = self.encoder.encode(picture, at_us / 1_000, refers)?;
        if self.last_us.is_none() {
            self.start = fragment::start(picture.size(), self.encoder.parameters(), origin_ns)?;
            let start = std::mem::take(&mut self.start);
            let wrote = self.write(&start);
            self.start = start;
            wrote?;
        }
        self.open.push(CodedFrame { at_us, data });
        self.last_us = Some(at_us);
        Ok(committed)
    }

    /// Commits the open fragment, because no picture will follow for a while.
    ///
    /// Its last picture gets the usual duration; a later picture shows the gap by
    /// its presentation time.
    ///
    /// # Errors
    ///
    /// [`RecordError`]; the file then ends with its last fragment.
    pub fn pause(&mut self) -> Result<Option<Committed>, RecordError> {
        self.commit(self.usual_end_us())
    }

    /// What the file holds, by its fragments on disk.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            path: self.path.clone(),
            frames: self.frames,
            discarded: self.discarded,
            bytes: self.written,
            sha256: self.whole.clone().finalize().into(),
        }
    }

    fn leaves_gap(&self, at_us: u64) -> bool {
        let longest = self.interval_ns.saturating_mul(GAP_INTERVALS) / 1_000;
        let since = self.last_us.map_or(0, |last_us| at_us.saturating_sub(last_us));
        i64::try_from(since).is_ok_and(|since| since > longest)
    }

    /// Where the last picture ends if the next one is not known.
    fn usual_end_us(&self) -> u64 {
        let interval = u64::try_from(self.interval_ns / 1_000).unwrap_or(0);
        self.last_us.unwrap_or(0).saturating_add(interval)
    }

    fn commit(&mut self, end_us: u64) -> Result<Option<Committed>, RecordError> {
        let (Some(first), Some(last)) = (self.open.first(), self.open.last()) else {
            return Ok(None);
        };
        let (first_us, last_us) = (first.at_us, last.at_us);
        let frames = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        let bytes = fragment::fragment(self.sequence.wrapping_add(1), &self.open, end_us)?;
        self.write(&bytes)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.open.clear();
        self.frames += u64::from(frames);
        let start = std::mem::take(&mut self.start);
        let length = (start.len() + bytes.len()) as u64;
        let sha256 = Sha256::new().chain_update(&start).chain_update(&bytes).finalize();
        Ok(Some(Committed {
            first_ns: self.instant_ns(first_us),
            last_ns: self.instant_ns(last_us),
            frames,
            offset: self.written - length,
            bytes: length,
            sha256: sha256.into(),
            first_pts_us: first_us,
        }))
    }

    /// The device's clock at a presentation time.
    fn instant_ns(&self, at_us: u64) -> i64 {
        let since = i64::try_from(at_us).unwrap_or(i64::MAX).saturating_mul(1_000);
        self.origin_ns.unwrap_or(0).saturating_add(since)
    }

    /// Appends and syncs, or leaves the file as it was.
    fn write(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let wrote = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        if let Err(source) = wrote {
            // A torn fragment would only confuse a player. If it cannot be cut
            // off either, readers cut it off themselves.
            let _ = self.file.set_len(self.written);
            let _ = self.file.seek(SeekFrom::Start(self.written));
            return Err(RecordError::from_io(&self.path, self.written, source));
        }
        self.whole.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// Makes the new name in the folder survive a power cut.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
