//! The camera of a Linux desktop (V4L2).
//!
//! Pictures are stamped by the driver on the monotonic clock, which stops while
//! the machine sleeps; a stamp is carried over to the device's clock by its age.
//! Built only with the feature `v4l`, because it needs libclang.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::v4l::buffer::Type;
use ::v4l::io::mmap::Stream;
use ::v4l::io::traits::CaptureStream;
use ::v4l::video::Capture;
use ::v4l::video::capture::Parameters;
use ::v4l::{Device, Format, FourCC};
use rustix::time::{ClockId, clock_gettime};

use super::convert::{from_jpeg, from_yuyv};
use super::{Camera, CameraError, Timebase};
use crate::picture::{Picture, Size};

/// A device that gives nothing for so long is told to the user.
const SILENCE: Duration = Duration::from_secs(2);
/// So many damaged pictures in a row are as bad as none.
const DAMAGED: u32 = 30;
/// Buffers between driver and program.
const BUFFERS: u32 = 4;

/// A V4L2 device such as `/dev/video0`.
pub struct Desktop<T> {
    time: T,
    path: PathBuf,
    size: Size,
    rate: u8,
    format: Format,
    stream: Option<Stream<'static>>,
}

impl<T: Timebase> Desktop<T> {
    /// Asks the device for pictures of about `size`, `rate` times a second, and
    /// lets go of it again. The device decides the size in the end.
    ///
    /// # Errors
    ///
    /// [`CameraError`] if the device is missing, busy, or offers neither YUYV nor
    /// MJPG.
    pub fn find(time: T, path: &Path, size: Size, rate: u8) -> Result<Self, CameraError> {
        let rate = rate.clamp(1, 120);
        let format = negotiate(path, size, rate)?.1;
        let offered = || format!("{}×{}", format.width, format.height);
        let size = Size::new(format.width as usize, format.height as usize)
            .map_err(|_| CameraError::Format { name: name(path), offered: offered() })?;
        Ok(Self { time, path: path.to_owned(), size, rate, format, stream: None })
    }

    /// Takes pictures until one is whole, and tells how old it is.
    fn whole_picture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
        let name = name(&self.path);
        let Some(stream) = &mut self.stream else { return Err(CameraError::Closed { name }) };
        for _ in 0..DAMAGED {
            let (buffer, meta) = stream.next().map_err(|error| sorted(&self.path, error))?;
            let used = usize::try_from(meta.bytesused).unwrap_or(usize::MAX);
            let data = buffer.get(..used.min(buffer.len())).unwrap_or_default();
            let taken_ns = meta
                .timestamp
                .sec
                .saturating_mul(1_000_000_000)
                .saturating_add(meta.timestamp.usec.saturating_mul(1_000));
            let converted = if self.format.fourcc == FourCC::new(b"YUYV") {
                from_yuyv(data, self.format.stride as usize, into)
            } else {
                from_jpeg(data, into)
            };
            if converted.is_some() {
                return Ok(monotonic_ns().saturating_sub(taken_ns).max(0));
            }
        }
        Err(CameraError::Silent { name, waited_ms: silence_ms() })
    }
}

impl<T: Timebase> Camera for Desktop<T> {
    fn size(&self) -> Size {
        self.size
    }

    fn interval_ns(&self) -> i64 {
        1_000_000_000 / i64::from(self.rate)
    }

    fn open(&mut self) -> Result<(), CameraError> {
        if self.stream.is_some() {
            return Ok(());
        }
        let (device, format) = negotiate(&self.path, self.size, self.rate)?;
        let same = (format.width as usize, format.height as usize)
            == (self.size.width(), self.size.height());
        if !same {
            let offered = format!("{}×{} this time", format.width, format.height);
            return Err(CameraError::Format { name: name(&self.path), offered });
        }
        let stream = Stream::with_buffers(&device, Type::VideoCapture, BUFFERS);
        let mut stream = stream.map_err(|error| sorted(&self.path, error))?;
        stream.set_timeout(SILENCE);
        self.format = format;
        self.stream = Some(stream);
        Ok(())
    }

    fn close(&mut self) {
        self.stream = None;
    }

    fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
        let age_ns = self.whole_picture(into)?;
        Ok(self.time.read().own_ns.saturating_sub(age_ns))
    }
}

/// Opens a device and agrees on a format and a rate.
fn negotiate(path: &Path, size: Size, rate: u8) -> Result<(Device, Format), CameraError> {
    let failed = |error| sorted(path, error);
    let device = Device::with_path(path).map_err(failed)?;
    let (width, height) = (side(size.width()), side(size.height()));
    let mut offered = String::new();
    for code in [b"YUYV", b"MJPG"] {
        let wanted = Format::new(width, height, FourCC::new(code));
        let format = device.set_format(&wanted).map_err(failed)?;
        if format.fourcc == FourCC::new(code) {
            // A device that cannot be slowed down or sped up keeps its own rate.
            let _ = device.set_params(&Parameters::with_fps(u32::from(rate)));
            return Ok((device, format));
        }
        offered = format.fourcc.to_string();
    }
    Err(CameraError::Format { name: name(path), offered })
}

fn side(pixels: usize) -> u32 {
    u32::try_from(pixels).unwrap_or(u32::MAX)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// What the system said, by what a person can do about it.
fn sorted(path: &Path, error: io::Error) -> CameraError {
    let name = name(path);
    if error.kind() == io::ErrorKind::ResourceBusy {
        CameraError::Busy { name }
    } else if error.kind() == io::ErrorKind::TimedOut {
        CameraError::Silent { name, waited_ms: silence_ms() }
    } else {
        CameraError::Gone { name, source: error }
    }
}

fn silence_ms() -> u64 {
    u64::try_from(SILENCE.as_millis()).unwrap_or(u64::MAX)
}

fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::timebase::Simulated;

    #[test]
    fn a_device_that_is_not_there_or_is_none_is_told() {
        for path in ["/dev/no-such-camera", "/dev/null"] {
            let found = Desktop::find(Simulated::new(0, 0, 0), Path::new(path), Size::DEFAULT, 30);
            let error = found.err().unwrap();
            assert!(matches!(&error, CameraError::Gone { name, .. } if name == path), "{error}");
        }
    }
}
