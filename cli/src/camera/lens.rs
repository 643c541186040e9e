//! Which camera a device films with.
//!
//! A desk has a camera of its own or none; the synthetic one is always there. The
//! choice is made once, on the command line, and everything behind it sees only a
//! [`Camera`].

use std::path::{Path, PathBuf};

use super::timebase::Machine;
use super::{Camera, CameraError, Reading, Scene, Synthetic, Timebase};
use crate::picture::{Picture, Size};

/// Which camera a device films with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Lens {
    /// The one made of arithmetic.
    #[default]
    Synthetic,
    /// A device of the system, such as `/dev/video0`.
    Device(PathBuf),
}

impl Lens {
    /// Asks whether the camera is there and gives pictures that can be recorded,
    /// and lets go of it again: better now than when the exam begins.
    ///
    /// # Errors
    ///
    /// [`CameraError`] if it is not.
    pub fn check(&self, size: Size, rate: u8) -> Result<(), CameraError> {
        // No picture is taken, so no time is read.
        let time = Machine::new(|| Reading { own_ns: 0, true_ns: 0 });
        match self {
            Self::Synthetic => Ok(()),
            Self::Device(path) => device(path, time, size, rate).map(drop),
        }
    }

    /// The camera, closed. `scene`, `label` and `seed` are for the synthetic one.
    ///
    /// # Errors
    ///
    /// [`CameraError`] if a device is missing, busy or unsuitable.
    pub fn camera<T: Timebase + 'static>(
        &self,
        time: T,
        (scene, label, seed): (Scene, &str, u64),
        size: Size,
        rate: u8,
    ) -> Result<Box<dyn Camera>, CameraError> {
        match self {
            Self::Synthetic => Ok(Box::new(Synthetic::new(time, scene, label, size, rate, seed))),
            Self::Device(path) => device(path, time, size, rate),
        }
    }
}

/// A device of the system as a camera, closed.
///
/// # Errors
///
/// [`CameraError`] if it is missing, busy or unsuitable, or if this program was
/// built without cameras.
#[cfg(all(feature = "v4l", target_os = "linux"))]
pub(crate) fn device(
    path: &Path,
    time: impl Timebase + 'static,
    size: Size,
    rate: u8,
) -> Result<Box<dyn Camera>, CameraError> {
    Ok(Box::new(super::Desktop::find(time, path, size, rate)?))
}

/// As above, where there are none.
#[cfg(not(all(feature = "v4l", target_os = "linux")))]
pub(crate) fn device(
    path: &Path,
    _: impl Timebase + 'static,
    _: Size,
    _: u8,
) -> Result<Box<dyn Camera>, CameraError> {
    Err(CameraError::NotBuilt { name: path.display().to_string() })
}

impl Camera for Box<dyn Camera> {
    fn size(&self) -> Size {
        (**self).size()
    }

    fn interval_ns(&self) -> i64 {
        (**self).interval_ns()
    }

    fn open(&mut self) -> Result<(), CameraError> {
        (**self).open()
    }

    fn close(&mut self) {
        (**self).close();
    }

    fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
        (**self).capture(into)
    }
}
