//! Recordings read back: what their bytes, and what their pixels, say.
//!
//! A reader takes the file as a crash may have left it. Whatever is whole from
//! the start is used, a torn end is an end, and damage before the end is an error
//! that says where.

mod error;
mod file;
mod frames;

use std::path::Path;

pub use error::VideoError;
pub use file::{Fragment, Fragments, fragments};
pub use frames::{Frame, Frames};

use crate::picture::timecode::TimeCode;

/// What one picture of a synthetic camera says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameTruth {
    /// Which picture of the file, from 0.
    pub index: u32,
    /// The stamp of the recording, in nanoseconds of the device's clock.
    pub own_ns: i64,
    /// The time in the pixels, in nanoseconds of the machine's clock.
    pub true_ns: i64,
    /// The number in the pixels, which counts on across files.
    pub number: u32,
}

/// Decodes a whole recording and reads the time code of every picture.
///
/// # Errors
///
/// [`VideoError`], of kind [`VideoError::TimeCode`] for the first picture that
/// carries none, as those of a real camera do.
pub fn read_timecodes(path: &Path) -> Result<Vec<FrameTruth>, VideoError> {
    let mut frames = Frames::open(path)?;
    let mut truths = Vec::new();
    while let Some(frame) = frames.next()? {
        let code = TimeCode::read(&frame.picture).map_err(|source| VideoError::TimeCode {
            path: path.to_owned(),
            index: frame.index,
            source,
        })?;
        truths.push(FrameTruth {
            index: frame.index,
            own_ns: frame.own_ns,
            true_ns: code.true_ns,
            number: code.number,
        });
    }
    Ok(truths)
}

/// The stamp of every picture of a recording, in nanoseconds of the device's
/// clock, without decoding any.
///
/// # Errors
///
/// [`VideoError`] if the file cannot be read as a recording.
pub fn read_stamps(path: &Path) -> Result<Vec<i64>, VideoError> {
    let mut fragments = Fragments::open(path)?;
    let mut stamps = Vec::new();
    while let Some(fragment) = fragments.next()? {
        stamps.extend(fragment.samples.iter().map(|sample| sample.own_ns));
    }
    Ok(stamps)
}

#[cfg(test)]
mod tests;
