//! Every fact that a journal can hold, in the order and layout of its bytes.
//!
//! Codes (phases, causes, link states) are kept as the numbers that their own
//! modules give them; which of them a reader must know is in `code.rs`. Rejected: a text or self-describing form (three times the size,
//! and more than one encoding of one fact).

use super::body::{Blob, BodyError, Cursor, Field};
use super::heard::HeardBatch;
use super::{Own, Theirs, code};
use crate::identity::{BootId, Fingerprint, Label, PublicKey, Role, SessionId, Signature};
use crate::time::{Instant, Primary, Span};

macro_rules! facts {
    ($(
        $(#[$doc:meta])*
        $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
    )*) => {
        /// One thing that happened. Fields are encoded in this order.
        /// `[JOURNAL-9]`
        ///
        /// Large fields of seldom facts are boxed: eight hours hold a hundred thousand
        /// others, and each takes as much memory as the largest.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Fact { $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type,)* },)* }

        impl Fact {
            /// Every kind number, in order.
            pub const KINDS: &'static [u8] = &[$($kind,)*];

            /// The number of this kind of fact in the file.
            #[must_use]
            pub const fn kind(&self) -> u8 {
                match self { $(Self::$name { .. } => $kind,)* }
            }

            /// The name of this kind of fact, as in the specification.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => stringify!($name),)* }
            }

            /// Appends the body of this fact to `out`.
            pub(super) fn encode(&self, out: &mut Vec<u8>) {
                match self { $(Self::$name { $($field,)* } => { $($field.put(out);)* })* }
            }

            /// Reads a body that must be exactly one fact of this kind.
            pub(super) fn decode(kind: u8, body: &[u8]) -> Result<Self, BodyError> {
                let mut cursor = Cursor::new(body);
                let fact = match kind {
                    $($kind => Self::$name { $($field: Field::take(&mut cursor)?,)* },)*
                    unknown => return Err(BodyError::Kind { got: unknown }),
                };
                cursor.finish()?;
                code::check(&fact)?;
                Ok(fact)
            }
        }
    };
}

facts! {
    /// The app started on this boot. The first record of every journal, and one
    /// more after each restart. `[JOURNAL-10]`
    1 ProcessStarted {
        /// Instants of different boots do not compare.
        boot: BootId,
        /// Unix time in milliseconds: a label, never evidence.
        wall_ms: i64,
        /// Why the last run ended, as a cause code; 0 if the system does not say.
        cause: u8,
        /// The system's own value for it.
        raw: i32,
    }
    /// A peer proved that it scanned the code, or this device did.
    2 Paired {
        /// The other side's seat.
        peer: Role,
        /// The other side's key.
        key: Box<PublicKey>,
        /// The session.
        session: SessionId,
        /// The hash TH of the pairing messages.
        transcript: [u8; 32],
    }
    /// A new device took over a seat.
    3 DeviceReplaced {
        /// The seat.
        role: Role,
        /// Which device is in it now: 2 for the first replacement, …
        device: u8,
        /// The key before.
        before: Fingerprint,
        /// The key from now on.
        now: Fingerprint,
    }
    /// The plan that holds from here on, as this device knows it.
    4 Plan {
        /// How many assistants take part.
        assistants: u8,
        /// The waiting window opens, in the primary's time.
        wait_open: Instant<Primary>,
        /// The waiting window closes.
        wait_close: Instant<Primary>,
        /// Answering starts.
        answer_start: Instant<Primary>,
        /// Answering ends.
        answer_end: Instant<Primary>,
        /// The body of PLAN, byte by byte.
        plan: Blob,
        /// The policy in its canonical form.
        policy: Blob,
    }
    /// The session entered a phase.
    5 Phase {
        /// The number of the phase.
        phase: u8,
    }
    /// What the device reports about itself, when it changed.
    6 Device {
        /// Charge in percent; 255 if not known.
        battery_percent: u8,
        /// On a charger: 0 no, 1 yes, 255 not known.
        charging: u8,
        /// Power saving: 0 off, 1 on, 255 not known.
        power_save: u8,
        /// The number of the heat level.
        heat: u8,
        /// Permissions granted, as bits.
        permissions: u16,
        /// Bytes a recording may still use; all ones if not known.
        free_bytes: u64,
    }
    /// A recording file was opened.
    7 RecordingStarted {
        /// Which take, counted from 1.
        take: u32,
        /// Ticks of its media clock in one second.
        timescale: u32,
        /// SHA-256 of the file's name, by which `verify` finds it.
        file: [u8; 32],
    }
    /// Frames are on the disk. This, and nothing else, is "recording".
    8 Segment {
        /// When the first frame was captured.
        first: Instant<Own>,
        /// When the last frame was captured.
        last: Instant<Own>,
        /// How many frames.
        frames: u32,
        /// Where in the file they begin.
        offset: u64,
        /// How long they are there.
        bytes: u32,
        /// SHA-256 of these bytes.
        sha256: [u8; 32],
    }
    /// A media timestamp and the instant of capture it stands for.
    9 MediaAnchor {
        /// Presentation time in ticks of the recording's media clock.
        pts: i64,
        /// When that frame was captured.
        at: Instant<Own>,
        /// How far from the truth `at` may be, either way.
        within: Span,
    }
    /// The recording ended.
    10 RecordingStopped {
        /// Cause code.
        cause: u8,
        /// The system's own value.
        raw: i32,
    }
    /// The exam screen was left.
    11 ScreenLeft {
        /// Cause code.
        cause: u8,
        /// The system's own value.
        raw: i32,
    }
    /// The exam screen is back.
    12 ScreenBack {}
    /// The camera was lost or came back.
    13 CameraEvent {
        /// 0 lost, 1 back.
        state: u8,
        /// Cause code.
        cause: u8,
        /// The system's own value.
        raw: i32,
    }
    /// The microphone was lost or came back.
    14 AudioEvent {
        /// 0 lost, 1 back.
        state: u8,
        /// Cause code.
        cause: u8,
        /// The system's own value.
        raw: i32,
    }
    /// The link to a peer changed.
    15 Link {
        /// The peer.
        peer: Role,
        /// The number of the link state.
        state: u8,
        /// Counts the network paths used since the process started: one more with
        /// each connection, each roam of the peer and each change of network.
        path: u32,
    }
    /// From here on this peer is heard on this boot of that device.
    /// `[JOURNAL-11]`
    16 PeerBoot {
        /// The peer.
        peer: Role,
        /// Which device in that seat, counted from 1.
        device: u8,
        /// Its boot.
        boot: BootId,
    }
    /// Messages that came, with both stamps: what the clocks are aligned from.
    17 ClockHeard {
        /// From whom.
        peer: Role,
        /// The messages, in the order they came.
        heard: HeardBatch,
    }
    /// What a peer's heartbeat said of its own journal and recording.
    18 PeerHead {
        /// From whom.
        peer: Role,
        /// The number of its last durable record.
        sequence: u64,
        /// The head of its chain after that record.
        head: [u8; 32],
        /// The end of its last committed frame, by its clock; the least value if
        /// it has none.
        covered: Instant<Theirs>,
    }
    /// The host's result of a check that the protocol knows only by name.
    19 Gate {
        /// Which check.
        name: Label,
        /// 0 failed, 1 passed.
        result: u8,
    }
    /// A take began, ended or was chosen.
    20 Take {
        /// Which take, counted from 1.
        take: u32,
        /// 0 began, 1 ended, 2 chosen.
        mark: u8,
    }
    /// A point in time that the host wants to find again.
    21 Mark {
        /// What it is.
        label: Label,
    }
    /// A signed statement of a proctor or server: excuse, pause or override.
    22 Statement {
        /// Its bytes, signature included.
        signed: Blob,
    }
    /// The host announces that the camera will be away on purpose.
    23 ExpectedGap {
        /// For how long at most.
        longest: Span,
    }
    /// The device slept; its clock counted it.
    24 Slept {
        /// For how long.
        span: Span,
    }
    /// The wall clock was changed while running.
    25 WallStep {
        /// By how many milliseconds, signed.
        by_ms: i64,
    }
    /// The system says that networks or addresses changed.
    26 NetworkChanged {}
    /// Both screens warned of something.
    27 Alarm {
        /// The code of the alarm.
        code: u32,
        /// Whose key caused it; zero if nobody's.
        key: Fingerprint,
    }
    /// Two devices used the same stored session.
    28 CloneSuspected {
        /// In which seat.
        role: Role,
        /// The resume epoch that came twice.
        epoch: u64,
    }
    /// A failure with no fact of its own, so that nothing is silent.
    29 UnloggedFailure {
        /// A number that the app's documentation explains.
        code: u32,
        /// How often since the last such record.
        count: u32,
    }
    /// A peer showed two histories that exclude each other.
    30 ForkSeen {
        /// The peer.
        peer: Role,
        /// Up to which record.
        sequence: u64,
        /// The head this device has for it.
        ours: [u8; 32],
        /// The head the peer showed: of a record that was not taken only its check,
        /// 8 bytes, and then zeros.
        theirs: Box<[u8; 32]>,
    }
    /// A seal of a peer over one of the two histories that it showed, as it came:
    /// follows [`Fact::ForkSeen`]. `[JOURNAL-23]`
    32 PeerSeal {
        /// Whose.
        peer: Role,
        /// 0 the history that this device holds a copy of, 1 the other.
        history: u8,
        /// The last record that it signs.
        sequence: u64,
        /// The chain hash after that record.
        head: [u8; 32],
        /// By the peer's key.
        signature: Box<Signature>,
    }
    /// The session is over for this device. Only seals follow.
    31 Finish {
        /// 0 as planned, 1 by the user, 2 removed, 3 replaced: why this journal ends,
        /// not the reason in FINISH.
        reason: u8,
    }
    /// Signs the chain up to the record before. `[JOURNAL-12]`
    63 Seal {
        /// The head that is signed.
        head: [u8; 32],
        /// By the key in the header.
        signature: Box<Signature>,
    }
}

impl Fact {
    /// Whether a peer makes a device in this role write it, as often as it likes: the
    /// primary's orders too, in the journal of an assistant. `[JOURNAL-26]`
    pub(super) const fn is_of_peer(&self, writer: Role) -> bool {
        let order = matches!(self, Self::Plan { .. } | Self::Phase { .. } | Self::Take { .. });
        let heard = matches!(
            self,
            Self::ClockHeard { .. }
                | Self::PeerHead { .. }
                | Self::PeerBoot { .. }
                | Self::Link { .. }
        );
        heard || (order && !writer.is_primary())
    }

    /// Whether devices write it every few seconds, whatever happens: all but a few
    /// records of an exam are such.
    #[must_use]
    pub const fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::Segment { .. }
                | Self::MediaAnchor { .. }
                | Self::ClockHeard { .. }
                | Self::PeerHead { .. }
                | Self::Seal { .. }
        )
    }
}
