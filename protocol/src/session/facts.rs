//! What the host app tells about its camera, screen and phone.
//!
//! The core never sees a picture. It is told, in order, what was committed to
//! the disk and what the phone did meanwhile, and it writes that down. Rejected:
//! a "recording: yes" flag kept alive by a timer, which goes on saying yes after
//! the encoder has silently stopped.

use crate::device::{Device, Switch};
use crate::identity::{Label, sha256};
use crate::journal::Fact;
use crate::ledger::{Cause, Event, Observed};
use crate::limits;
use crate::recording::Fragment;
use crate::session::Refused;
use crate::time::{Clock, Instant, Span};

/// Something that happened on this device, told by its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostFact<C: Clock> {
    /// A recording file was opened; frames are not proven yet.
    RecordingStarted {
        /// Which take, counted from 1.
        take: u32,
        /// Ticks of the file's media clock in one second.
        timescale: u32,
        /// The file's name, without folders; at most 255 bytes.
        file: String,
    },
    /// Frames are durable on the disk.
    Committed {
        /// Which, and when they were captured.
        fragment: Fragment<C>,
        /// Where in the file they begin, in bytes.
        offset: u64,
    },
    /// A media timestamp and the instant of capture that it stands for.
    Anchor {
        /// In ticks of the recording's media clock.
        pts: i64,
        /// The capture, by this device's clock.
        at: Instant<C>,
        /// How far `at` may be from the truth, either way.
        within: Span,
    },
    /// The recording ended: in order if nothing was observed, else by itself, and
    /// then it is a loss until frames come again. `[LEDGER-19]`
    RecordingStopped(Observed),
    /// The camera went away while recording.
    CameraLost(Observed),
    /// The camera is back; frames will follow.
    CameraBack,
    /// The microphone went away.
    AudioLost(Observed),
    /// The microphone is back.
    AudioBack,
    /// The exam screen was left (primary only).
    ScreenLeft(Observed),
    /// The exam screen is back (primary only).
    ScreenBack,
    /// What the device reports about itself, now.
    Device(Device),
    /// A check that the host ran, such as `face_compare`.
    Gate {
        /// Which check.
        name: Label,
        /// Its outcome.
        outcome: Outcome,
    },
    /// A point in time that the host wants to find again.
    Mark(Label),
    /// This take is the one that the examinee submits. When takes begin and end is
    /// the primary's order and not a host's to tell.
    TakeChosen {
        /// Which, counted from 1.
        take: u32,
    },
    /// The camera will be away on purpose, for `longest` at most.
    ExpectedGap {
        /// At most.
        longest: Span,
    },
    /// The wall clock was changed by this many milliseconds.
    WallStep {
        /// Signed.
        by_ms: i64,
    },
}

/// How a gate went.
///
/// ```
/// # use diptych_protocol::session::Outcome;
/// fn compared(same: bool) -> Outcome {
///     if same { Outcome::Passed } else { Outcome::Failed }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It did not pass.
    Failed,
    /// It passed.
    Passed,
}

impl<C: Clock> HostFact<C> {
    /// The record that keeps this fact.
    pub(crate) fn to_record(&self) -> Result<Fact, Refused> {
        const CHOSEN: u8 = 2;
        const LOST: u8 = 0;
        const BACK: u8 = 1;
        let code = |observed: &Observed| (observed.cause.code(), observed.raw);
        Ok(match self {
            Self::RecordingStarted { take, timescale, file } => {
                if file.is_empty() || file.len() > limits::FILE_NAME_BYTES {
                    return Err(Refused::TooLong);
                }
                let file = sha256(file.as_bytes());
                Fact::RecordingStarted { take: *take, timescale: *timescale, file }
            }
            Self::Committed { fragment, offset } => segment(fragment, *offset)?,
            Self::Anchor { pts, at, within } => {
                Fact::MediaAnchor { pts: *pts, at: at.relabelled(), within: *within }
            }
            Self::RecordingStopped(observed) => {
                let (cause, raw) = code(observed);
                Fact::RecordingStopped { cause, raw }
            }
            Self::CameraLost(observed) => {
                let (cause, raw) = code(observed);
                Fact::CameraEvent { state: LOST, cause, raw }
            }
            Self::CameraBack => Fact::CameraEvent { state: BACK, cause: 0, raw: 0 },
            Self::AudioLost(observed) => {
                let (cause, raw) = code(observed);
                Fact::AudioEvent { state: LOST, cause, raw }
            }
            Self::AudioBack => Fact::AudioEvent { state: BACK, cause: 0, raw: 0 },
            Self::ScreenLeft(observed) => {
                let (cause, raw) = code(observed);
                Fact::ScreenLeft { cause, raw }
            }
            Self::ScreenBack => Fact::ScreenBack {},
            Self::Device(device) => device_record(device),
            Self::Gate { name, outcome } => {
                Fact::Gate { name: *name, result: u8::from(*outcome == Outcome::Passed) }
            }
            Self::Mark(label) => Fact::Mark { label: *label },
            Self::TakeChosen { take } => Fact::Take { take: *take, mark: CHOSEN },
            Self::ExpectedGap { longest } => Fact::ExpectedGap { longest: *longest },
            Self::WallStep { by_ms } => Fact::WallStep { by_ms: *by_ms },
        })
    }

    /// What the recorder makes of this fact, if it concerns the camera.
    pub(crate) const fn to_event(&self) -> Option<Event<C>> {
        match self {
            Self::RecordingStarted { .. } => Some(Event::Arm),
            Self::Committed { fragment, .. } => {
                Some(Event::Frames { first: fragment.first, last: fragment.last })
            }
            Self::RecordingStopped(Observed { cause: Cause::Unknown, .. }) => Some(Event::Stop),
            Self::RecordingStopped(observed) | Self::CameraLost(observed) => {
                Some(Event::Camera(*observed))
            }
            Self::ScreenLeft(_) => Some(Event::ScreenLeft),
            Self::ScreenBack => Some(Event::ScreenBack),
            Self::ExpectedGap { longest } => Some(Event::Announce(*longest)),
            Self::Anchor { .. }
            | Self::CameraBack
            | Self::AudioLost(_)
            | Self::AudioBack
            | Self::Device(_)
            | Self::Gate { .. }
            | Self::Mark(_)
            | Self::TakeChosen { .. }
            | Self::WallStep { .. } => None,
        }
    }

    /// Whether only the primary has such facts.
    pub(crate) const fn is_of_screen(&self) -> bool {
        matches!(self, Self::ScreenLeft(_) | Self::ScreenBack)
    }

    /// Whether the instant of this fact will matter to the alignment.
    pub(crate) const fn is_edge(&self) -> bool {
        matches!(
            self,
            Self::RecordingStarted { .. }
                | Self::RecordingStopped(_)
                | Self::CameraLost(_)
                | Self::CameraBack
                | Self::ScreenLeft(_)
                | Self::ScreenBack
        )
    }
}

fn segment<C: Clock>(fragment: &Fragment<C>, offset: u64) -> Result<Fact, Refused> {
    Ok(Fact::Segment {
        first: fragment.first.relabelled(),
        last: fragment.last.relabelled(),
        frames: fragment.frames,
        offset,
        bytes: u32::try_from(fragment.bytes).map_err(|_| Refused::TooLong)?,
        sha256: fragment.sha256,
    })
}

fn device_record(device: &Device) -> Fact {
    let switch = |switch: Option<Switch>| match switch {
        Some(Switch::Off) => 0,
        Some(Switch::On) => 1,
        None => u8::MAX,
    };
    Fact::Device {
        // More than full is full. [JOURNAL-28]
        battery_percent: device.battery_percent.map_or(u8::MAX, |percent| percent.min(100)),
        charging: switch(device.charging),
        power_save: switch(device.power_save),
        heat: device.heat.number(),
        permissions: device.permissions.0,
        free_bytes: device.free_bytes.unwrap_or(u64::MAX),
    }
}
