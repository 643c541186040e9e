//! One device at a desk: its session, its camera, and the facts between them.
//!
//! The recorder's thread tells the session what reached the disk, the moment it
//! did; nothing in between keeps a state that could say otherwise. Rejected:
//! polling the recorder, which would report frames a second late and a silent
//! stop never.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use diptych_driver::clock::{BootClock, Skewed};
use diptych_driver::embed::{Embedded, Failure, Role as Machine};
use diptych_protocol::device::{Device, Permissions};
use diptych_protocol::ledger::{Cause, Observed};
use diptych_protocol::recording::Fragment;
use diptych_protocol::session::{HostFact, Refused};
use diptych_protocol::time::{Clock, Instant, Span};

use super::fail::LiveFail;
use super::room::{EVERY, free_bytes, has_room};
use super::since::Since;
use crate::camera::timebase::{Machine as Timebase, Reading};
use crate::camera::{Camera, Committed, Ended, Event, Lens, Recorder, Recording, Scene};
use crate::picture::Size;

/// Ticks of the recordings' media clock in one second.
const TIMESCALE: u32 = 1_000_000;
/// What is scanned with if no camera is named.
const FIRST_CAMERA: &str = "/dev/video0";

/// How wrong a device's clock is, on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wrongness {
    /// Ahead by this much.
    pub offset: Span,
    /// Fast by this many parts per billion.
    pub ppb: i64,
}

/// What a device films, and how.
#[derive(Clone, Debug)]
pub struct Shot {
    /// With which camera.
    pub lens: Lens,
    /// From the front or from behind, where the camera is synthetic.
    pub scene: Scene,
    /// What is written into the picture.
    pub label: String,
    /// Of the picture.
    pub size: Size,
    /// Pictures in a second.
    pub rate: u8,
    /// Where the recording goes.
    pub file: PathBuf,
}

/// What can be taken from a device while it records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Away {
    /// The camera, by another app.
    Camera,
    /// The microphone, by a call.
    Sound,
    /// The exam's screen, by whoever holds the phone.
    Screen,
}

impl Away {
    const ALL: [Self; 3] = [Self::Camera, Self::Sound, Self::Screen];

    /// The file that says so.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Camera => "camera-away",
            Self::Sound => "sound-away",
            Self::Screen => "screen-away",
        }
    }
}

/// A device with its camera.
pub struct Station<M: Machine> {
    device: Arc<Embedded<M>>,
    wrongness: Wrongness,
    shot: Shot,
    recorder: Option<Recorder>,
    /// The take that it was asked to record, until it is stopped.
    take: Option<u32>,
    /// When a recorder that ended by itself was tried again.
    tried: Since,
    /// What another hand has taken away.
    away: Vec<Away>,
    /// The code of what a recorder is stopped for that was asked to.
    cause: Arc<AtomicU8>,
}

/// The clock of a device that is wrong by `wrongness`.
#[must_use]
pub fn wrong_clock<C: Clock>(wrongness: Wrongness) -> Arc<dyn diptych_driver::clock::Clock<C>> {
    let truth: Arc<dyn diptych_driver::clock::Clock<C>> = Arc::new(BootClock::new());
    if wrongness == Wrongness::default() {
        return truth;
    }
    Arc::new(Skewed::new(truth, wrongness.offset, wrongness.ppb))
}

impl<M: Machine> Station<M> {
    /// A device whose camera is not running. Reports the device itself.
    ///
    /// # Errors
    /// If the session does not take the report.
    pub fn new(
        device: Arc<Embedded<M>>,
        wrongness: Wrongness,
        shot: Shot,
    ) -> Result<Self, LiveFail> {
        let report = Device {
            permissions: Permissions::ALL,
            free_bytes: free_bytes(shot.file.parent().unwrap_or(Path::new("."))),
            ..Device::default()
        };
        match device.tell(HostFact::Device(report)) {
            // Of a session that is over there is only the end to hear.
            Ok(()) | Err(Failure::Refused { refused: Refused::Over }) => {}
            Err(failure) => return Err(failure.into()),
        }
        let (recorder, take, tried) = (None, None, Since::now());
        let (away, cause) = (Vec::new(), Arc::new(AtomicU8::new(Cause::Unknown.code())));
        Ok(Self { device, wrongness, shot, recorder, take, tried, away, cause })
    }

    /// The system's camera to scan with: the one that will record, or the first
    /// one there is. Closed.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn scanner(&self) -> Result<Box<dyn Camera>, LiveFail> {
        let path = match &self.shot.lens {
            Lens::Synthetic => Path::new(FIRST_CAMERA),
            Lens::Device(path) => path,
        };
        let lens = Lens::Device(path.to_owned());
        let unused = (self.shot.scene, "", 0);
        Ok(lens.camera(self.timebase(), unused, Size::LARGE, self.shot.rate)?)
    }

    /// Starts the camera, if it is not running.
    ///
    /// # Errors
    /// If the camera is gone, or the recording's file cannot be made. A camera that
    /// fails later tells the session.
    pub fn start(&mut self, take: u32) -> Result<(), LiveFail> {
        if self.recorder.is_some() {
            return Ok(());
        }
        let Shot { lens, scene, label, size, rate, .. } = &self.shot;
        let drawn = (*scene, label.as_str(), u64::from(take));
        let camera = lens.camera(self.timebase(), drawn, *size, *rate)?;
        let (path, name) = free_name(&self.shot.file);
        let recording = Recording::create(&path, camera.interval_ns())?;
        let (device, cause) = (self.device.clone(), self.cause.clone());
        let mut reporter = Reporter { device, take, name, opened: false, cause };
        let recorder = Recorder::start(camera, recording, move |event| reporter.tell(event))
            .map_err(LiveFail::file(path))?;
        self.recorder = Some(recorder);
        self.take = Some(take);
        self.away.clear();
        Ok(())
    }

    /// Tries a recorder anew that has ended by itself, once a second: its storage
    /// may have room again, its camera may be back. `[LEDGER-19]`
    pub fn revive(&mut self) {
        let Some(take) = self.take else { return };
        if !self.recorder.as_ref().is_none_or(Recorder::has_ended) || self.tried.passed() < EVERY {
            return;
        }
        self.tried = Since::now();
        if self.folder_has_room() {
            self.recorder = None;
            // What failed again is tried again.
            _ = self.start(take);
        }
    }

    fn folder_has_room(&self) -> bool {
        let folder = self.shot.file.parent().unwrap_or(Path::new("."));
        has_room(folder)
    }

    /// Whether the camera was started and not stopped.
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        self.take.is_some()
    }

    /// Takes the camera away, as another app would.
    pub fn interrupt(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.controls().interrupt();
        }
    }

    /// Gives the camera back.
    pub fn resume(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.controls().resume();
        }
    }

    /// Keeps away what a file in `folder` says, for as long as it is there.
    pub fn obey(&mut self, folder: Option<&Path>) {
        let Some(folder) = folder.filter(|_| self.recorder.is_some()) else { return };
        for what in Away::ALL {
            let (is, was) = (folder.join(what.file()).exists(), self.away.contains(&what));
            if is == was {
                continue;
            }
            let of = |cause| Observed { cause, raw: 0 };
            let fact = match (what, is) {
                (Away::Camera, _) => None,
                (Away::Sound, true) => Some(HostFact::AudioLost(of(Cause::MicTaken))),
                (Away::Sound, false) => Some(HostFact::AudioBack),
                (Away::Screen, true) => Some(HostFact::ScreenLeft(of(Cause::Background))),
                (Away::Screen, false) => Some(HostFact::ScreenBack),
            };
            match fact {
                // A session that is over takes no more facts.
                Some(fact) => _ = self.device.tell(fact),
                // What becomes of the camera, its recorder tells.
                None if is => self.interrupt(),
                None => self.resume(),
            }
            if is { self.away.push(what) } else { self.away.retain(|known| *known != what) }
        }
    }

    /// Stops the camera before the session is over, and has the journal say why.
    pub fn stop_for(&mut self, cause: Cause) {
        self.cause.store(cause.code(), Ordering::SeqCst);
        self.stop();
    }

    /// Stops the camera and waits until everything is on the disk.
    pub fn stop(&mut self) {
        self.take = None;
        if let Some(recorder) = self.recorder.take() {
            recorder.stop();
        }
    }

    /// The device's clock and the true one, read together.
    fn timebase(&self) -> Timebase<impl Fn() -> Reading + Send + use<M>> {
        let truth: Arc<dyn diptych_driver::clock::Clock<M::Clock>> = Arc::new(BootClock::new());
        let wrong = Skewed::new(truth.clone(), self.wrongness.offset, self.wrongness.ppb);
        Timebase::new(move || {
            let now = truth.now();
            Reading { own_ns: wrong.shown(now).nanos(), true_ns: now.nanos() }
        })
    }
}

/// Tells the session what the recorder says, on the recorder's thread.
struct Reporter<M: Machine> {
    device: Arc<Embedded<M>>,
    take: u32,
    name: String,
    opened: bool,
    /// The code of what it is stopped for.
    cause: Arc<AtomicU8>,
}

impl<M: Machine> Reporter<M> {
    fn tell(&mut self, event: Event) {
        let facts = match event {
            Event::Started { .. } if self.opened => vec![HostFact::CameraBack],
            Event::Started { .. } => {
                self.opened = true;
                let (take, file) = (self.take, self.name.clone());
                vec![HostFact::RecordingStarted { take, timescale: TIMESCALE, file }]
            }
            Event::Committed(committed) => committed_facts(&committed),
            Event::Interrupted { .. } => {
                vec![HostFact::CameraLost(Observed { cause: Cause::CameraTaken, raw: 0 })]
            }
            Event::Ended { why, .. } => vec![HostFact::RecordingStopped(self.observed(&why))],
        };
        for fact in facts {
            // A session that is over takes no more facts; the file has them.
            let _ = self.device.tell(fact);
        }
    }

    /// Without a cause is what the session itself has ended. `[REPORT-6]`
    fn observed(&self, why: &Ended) -> Observed {
        let asked = || Cause::from_code(self.cause.load(Ordering::SeqCst));
        let cause = match why {
            Ended::Stopped => asked().unwrap_or(Cause::Unknown),
            Ended::Camera(_) => Cause::CameraTaken,
            Ended::Recording(crate::camera::RecordError::DiskFull { .. }) => Cause::StorageFull,
            Ended::Recording(_) => Cause::EncoderError,
        };
        Observed { cause, raw: 0 }
    }
}

fn committed_facts<C: Clock>(committed: &Committed) -> Vec<HostFact<C>> {
    let first = Instant::from_nanos(committed.first_ns);
    let fragment = Fragment {
        first,
        last: Instant::from_nanos(committed.last_ns),
        frames: committed.frames,
        bytes: committed.bytes,
        sha256: committed.sha256,
    };
    let pts = i64::try_from(committed.first_pts_us).unwrap_or(i64::MAX);
    // A presentation time is the capture in whole microseconds.
    let anchor = HostFact::Anchor { pts, at: first, within: Span::from_micros(1) };
    vec![HostFact::Committed { fragment, offset: committed.offset }, anchor]
}

/// A file of this name, or of the next one that is not taken: a process that came
/// back records into a new file. Also yields the name alone.
fn free_name(file: &Path) -> (PathBuf, String) {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut part = 1_u32;
    let mut path = file.to_owned();
    while path.exists() {
        part = part.saturating_add(1);
        path = file.with_file_name(format!("{stem}.{part}.mp4"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (path, name)
}
