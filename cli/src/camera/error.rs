//! What can go wrong between a lens and a disk.

use std::io;
use std::path::{Path, PathBuf};

use super::encoder::EncoderError;
use super::fragment::ContainerError;

/// A camera that gives no pictures.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// No such device, or it vanished while it was in use.
    #[error("camera {name} is gone: connect it again, or choose another with --camera")]
    Gone {
        /// The name the user gave it.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another program holds the device.
    #[error("camera {name} is in use by another program: close that program and try again")]
    Busy {
        /// The name the user gave it.
        name: String,
    },
    /// The device offers no picture format that can be recorded.
    #[error("camera {name} offers {offered}, expected YUYV or MJPG: choose another camera")]
    Format {
        /// The name the user gave it.
        name: String,
        /// The format it offers instead.
        offered: String,
    },
    /// This program cannot use devices.
    #[error(
        "camera {name} cannot be used: this program was built without cameras; on Linux build it \
         with `cargo build --release --features v4l` (which needs libclang), or leave out --camera and \
         scan a picture with --scan IMAGE"
    )]
    NotBuilt {
        /// The name the user gave it.
        name: String,
    },
    /// A picture was asked of a camera that is closed.
    #[error("camera {name} is closed: open it before taking pictures")]
    Closed {
        /// The name the user gave it.
        name: String,
    },
    /// The device is there and gives nothing, or nothing that can be decoded.
    #[error("camera {name} gave no picture for {waited_ms} ms: reconnect it")]
    Silent {
        /// The name the user gave it.
        name: String,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
}

/// A recording that cannot go on.
///
/// What was committed before stays readable in every case.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file is already there; recordings are never overwritten.
    #[error("{} already exists and is kept: choose another folder or name", path.display())]
    Exists {
        /// Where the recording should have gone.
        path: PathBuf,
    },
    /// No space is left. The torn fragment was cut off.
    #[error(
        "the disk is full after {committed_bytes} bytes of {}: free some space, then record again",
        path.display()
    )]
    DiskFull {
        /// The recording.
        path: PathBuf,
        /// What it holds, playable.
        committed_bytes: u64,
    },
    /// The file could not be created, written or synced.
    #[error("cannot write {}: check that the folder exists and may be written", path.display())]
    Write {
        /// The recording.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The encoder refused a picture.
    #[error("the video encoder failed; the recording ends at its last fragment")]
    Encoder(#[from] EncoderError),
    /// The container could not describe what was encoded.
    #[error("the MP4 writer failed; the recording ends at its last fragment")]
    Container(#[from] ContainerError),
}

impl RecordError {
    /// Sorts what the system said about writing `path`.
    pub(crate) fn from_io(path: &Path, committed_bytes: u64, source: io::Error) -> Self {
        let path = path.to_owned();
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        if full.contains(&source.kind()) {
            Self::DiskFull { path, committed_bytes }
        } else if source.kind() == io::ErrorKind::AlreadyExists {
            Self::Exists { path }
        } else {
            Self::Write { path, source }
        }
    }
}
