//! Messages of a paired session: its plan, its course, its devices.

use crate::device::{Device, Heat, Permissions, Requirements, Switch};
use crate::fault::Fault;
use crate::identity::{BootId, ExamTag, Label};
use crate::limits;
use crate::plan::{Mode, Phase, Plan, Windows};
use crate::time::{Instant, Primary};
use crate::wire::field::{Field, bad, bad_thing, byte_enum, message};

byte_enum! {
    /// Why the session ends.
    pub enum FinishReason: "a finish reason from 0 to 4" {
        /// The examinee has finished.
        Submitted = 0,
        /// Answering time is over.
        TimeUp = 1,
        /// The host app ended it.
        Host = 2,
        /// Not every camera was recording when the waiting window closed.
        NotReady = 3,
        /// The examinee gave up.
        Abandoned = 4,
    }
}

byte_enum! {
    /// What the device's camera is doing.
    pub enum CameraState: "a camera state from 0 to 4" {
        /// The system does not say.
        Unknown = 0,
        /// Not open.
        Closed = 1,
        /// Open, and not recording.
        Ready = 2,
        /// Frames are being committed.
        Recording = 3,
        /// Another app or the system has taken it.
        Taken = 4,
    }
}

message! {
    /// What will happen, from the primary to each assistant after pairing.
    pub struct Announce {
        /// The exam, as in the ticket.
        pub exam: ExamTag,
        /// Windows, seats and requirements.
        pub plan: Plan,
        /// The policy in its canonical form.
        pub policy: [u8; 96],
    }
}

message! {
    /// The session has entered a phase.
    pub struct PhaseChanged {
        /// The phase that begins.
        pub phase: Phase,
        /// When, on the primary's clock.
        pub at: Instant<Primary>,
    }
}

message! {
    /// Begin recording.
    pub struct Begin {
        /// Which take, counted from 1; 0 where there are no takes.
        pub take: u32,
    }
}

message! {
    /// The session ends: stop recording and close the journal.
    pub struct Finish {
        /// Why.
        pub reason: FinishReason,
        /// When, on the primary's clock.
        pub at: Instant<Primary>,
    }
}

message! {
    /// The sender's journal is closed.
    pub struct Finished {
        /// Its last head.
        pub head: [u8; 32],
        /// How many records it has.
        pub sequence: u64,
    }
}

message! {
    /// What the sender reports about itself.
    pub struct DeviceReport {
        /// Battery, heat, storage, permissions.
        pub device: Device,
        /// What its camera does.
        pub camera: CameraState,
        /// Its boot.
        pub boot: BootId,
    }
}

impl Field for Requirements {
    type Raw = (u8, u8, u32, u8, u16);

    fn raw(&self) -> Self::Raw {
        let Self { battery_percent, charger, bytes_per_second, heat, permissions } = self;
        (*battery_percent, charger.raw(), *bytes_per_second, heat.raw(), permissions.raw())
    }

    fn parse(raw: Self::Raw) -> Result<Self, Fault> {
        let (battery_percent, charger, bytes_per_second, heat, permissions) = raw;
        Ok(Self {
            battery_percent,
            charger: Switch::parse(charger)?,
            bytes_per_second,
            heat: Heat::parse(heat)?,
            permissions: Permissions::parse(permissions)?,
        })
    }
}

impl Field for Plan {
    type Raw = (u8, <Label as Field>::Raw, u8, (i64, i64, i64, i64), <Requirements as Field>::Raw);

    fn raw(&self) -> Self::Raw {
        let Windows { wait_open, wait_close, answer_start, answer_end } = self.windows();
        (
            self.mode().raw(),
            self.issuer().raw(),
            self.assistants(),
            (wait_open.raw(), wait_close.raw(), answer_start.raw(), answer_end.raw()),
            self.requirements().raw(),
        )
    }

    fn parse((mode, issuer, assistants, windows, requirements): Self::Raw) -> Result<Self, Fault> {
        let (wait_open, wait_close, answer_start, answer_end) = windows;
        let windows = Windows {
            wait_open: Instant::parse(wait_open)?,
            wait_close: Instant::parse(wait_close)?,
            answer_start: Instant::parse(answer_start)?,
            answer_end: Instant::parse(answer_end)?,
        };
        let (mode, issuer) = (Mode::parse(mode)?, Label::parse(issuer)?);
        Self::new(mode, issuer, assistants, windows, Requirements::parse(requirements)?)
            .map_err(|_| bad_thing("a plan that is possible", "an impossible one"))
    }
}

/// Battery charge: 0 to 100, or 255 where the system does not say.
fn parse_percent(raw: u8) -> Result<Option<u8>, Fault> {
    match raw {
        0..=100 => Ok(Some(raw)),
        u8::MAX => Ok(None),
        got => Err(bad("a charge of 0 to 100 %, or 255", got)),
    }
}

/// `free_bytes` is all ones where the system does not say.
impl Field for Device {
    type Raw = (u8, u8, u8, u8, u64, u16);

    fn raw(&self) -> Self::Raw {
        (
            self.battery_percent.unwrap_or(u8::MAX),
            self.charging.raw(),
            self.power_save.raw(),
            self.heat.raw(),
            self.free_bytes.unwrap_or(u64::MAX),
            self.permissions.raw(),
        )
    }

    fn parse(raw: Self::Raw) -> Result<Self, Fault> {
        let (battery, charging, power_save, heat, free_bytes, permissions) = raw;
        Ok(Self {
            battery_percent: parse_percent(battery)?,
            charging: Field::parse(charging)?,
            power_save: Field::parse(power_save)?,
            heat: Heat::parse(heat)?,
            free_bytes: (free_bytes != u64::MAX).then_some(free_bytes),
            permissions: Permissions::parse(permissions)?,
        })
    }
}

const _: () = assert!(limits::ASSISTANTS == 8, "the text of spec/wire.md names the seats 1 to 8");
