//! Cameras and what becomes of their pictures: a file that survives its writer.
//!
//! The path of a frame is [`Camera`] → [`Picture`] → H.264 → fragment → disk →
//! [`Committed`]. "Recording" means the last of these: a frame that was seen and
//! encoded but not synced proves nothing, so nothing before a [`Committed`] is
//! reported to the session. Each stage takes its time from the frame, never from
//! a clock, so that a test can record an hour in a second.
//!
//! Rejected: an external recorder such as ffmpeg (its timestamps are on its own
//! clock, it may not be installed, and it commits when it likes), and a plain MP4
//! file (a crash loses all of it).

#[cfg(any(test, all(feature = "v4l", target_os = "linux")))]
mod convert;
mod encoder;
mod error;
mod fragment;
mod lens;
mod recorder;
mod recording;
mod synthetic;
pub mod timebase;
#[cfg(all(feature = "v4l", target_os = "linux"))]
mod v4l;

pub use encoder::EncoderError;
pub use error::{CameraError, RecordError};
pub use fragment::ContainerError;
pub(crate) use fragment::ORIGIN_BOX;
pub use lens::Lens;
pub use recorder::{Controls, Ended, Event, Recorder};
pub use recording::{Committed, Recording, Summary};
pub(crate) use synthetic::clock_face;
pub use synthetic::{Scene, Synthetic};
pub use timebase::{Reading, Timebase};
#[cfg(all(feature = "v4l", target_os = "linux"))]
pub use v4l::Desktop;

use crate::picture::{Picture, Size};

/// Something that takes pictures and knows when it took them.
///
/// A camera starts closed. While closed it holds no device, so that another
/// program can have it: that is what an interruption is.
pub trait Camera: Send {
    /// The size of every picture that it will take.
    fn size(&self) -> Size;

    /// The usual time between two pictures, in nanoseconds.
    fn interval_ns(&self) -> i64;

    /// Takes hold of the device.
    ///
    /// # Errors
    ///
    /// [`CameraError`] if the device is missing, busy or unsuitable.
    fn open(&mut self) -> Result<(), CameraError>;

    /// Lets go of the device. Does nothing if it is closed.
    fn close(&mut self);

    /// Waits for the next picture, stores it in `into`, and returns the instant
    /// of its capture in nanoseconds of the device's own clock.
    ///
    /// # Errors
    ///
    /// [`CameraError`] if the device is closed, vanished or gives no pictures.
    fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError>;
}
