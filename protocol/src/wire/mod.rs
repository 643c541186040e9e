//! What two paired devices say to each other, byte by byte.
//!
//! A second team must be able to write this protocol down in an afternoon, in a
//! language without our libraries. So a message is a header of four bytes (one, for a
//! datagram) and a body of fixed layout: little-endian integers and byte arrays, no lengths to
//! trust, no optional parts, one encoding for each value. Two messages end in a
//! raw tail with a bound. Reading gives typed, checked values or a [`Fault`].
//!
//! Rejected: self-describing formats (a signature must cover one encoding, and
//! they allow many), and Protocol Buffers (unknown fields and defaults make two
//! byte strings equal).

mod codec;
mod evidence;
mod field;
mod frame;
mod pairing;
mod session;
mod timing;

use crate::fault::{CloseCode, Fault, Got};
use field::Body as _;

pub use evidence::{AddressUpdate, Journal, JournalAsk, JournalHave};
pub use frame::{Frame, FrameReader, HEADER, Trust};
pub use pairing::{
    Accept, Alarm, Capabilities, CheckCode, CheckCodeConfirmed, Confirm, Hello, Resume, Suite,
    Version,
};
pub use session::{
    Announce, Begin, CameraState, DeviceReport, Finish, FinishReason, Finished, PhaseChanged,
};
pub use timing::{
    Conditions, Heartbeat, Low, Probe, Pulse, Recording, SenderTime, ShortProbe, ShortPulse,
    ShortStamp, Stamp,
};

macro_rules! kinds {
    (
        control { $($control:ident($control_body:ident) = $control_byte:literal, $control_name:literal;)* }
        timing { $($timing:ident($timing_body:ident) = $timing_byte:literal, $timing_name:literal;)* }
    ) => {
        /// Every kind of message, by its first byte. `[WIRE-12]` `[WIRE-15]`
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Kind {
            $(#[doc = concat!("[`", stringify!($control_body), "`] on the stream.")] $control,)*
            $(#[doc = concat!("[`", stringify!($timing_body), "`] as a datagram.")] $timing,)*
        }

        /// A message of the control stream.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Control {
            $(#[doc = concat!("See [`", stringify!($control_body), "`].")] $control($control_body),)*
        }

        /// A message that travels as a datagram.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Timing {
            $(#[doc = concat!("See [`", stringify!($timing_body), "`].")] $timing($timing_body),)*
        }

        impl Kind {
            /// Every kind, in the order of their bytes.
            pub const ALL: &'static [Self] = &[$(Self::$control,)* $(Self::$timing,)*];

            /// The first byte of such a message.
            #[must_use]
            pub const fn byte(self) -> u8 {
                match self {
                    $(Self::$control => $control_byte,)*
                    $(Self::$timing => $timing_byte,)*
                }
            }

            /// The kind with this byte, if there is one.
            #[must_use]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte {
                    $($control_byte => Some(Self::$control),)*
                    $($timing_byte => Some(Self::$timing),)*
                    _ => None,
                }
            }

            /// The name, as in the specification.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$control => $control_name,)*
                    $(Self::$timing => $timing_name,)*
                }
            }

            /// Whether such messages travel as datagrams and not on the stream.
            #[must_use]
            pub const fn is_datagram(self) -> bool {
                match self {
                    $(Self::$control => false,)*
                    $(Self::$timing => true,)*
                }
            }
        }

        impl Control {
            /// Which kind of message this is.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$control(_) => Kind::$control,)* }
            }

            fn to_body(&self) -> Vec<u8> {
                match self { $(Self::$control(message) => message.to_body(),)* }
            }

            fn from_body(kind: Kind, body: &[u8]) -> Result<Self, Fault> {
                match kind {
                    $(Kind::$control => Ok(Self::$control($control_body::from_body(body)?)),)*
                    $(Kind::$timing => Err(wrong_lane("a control message", kind)),)*
                }
            }
        }

        impl Timing {
            /// Which kind of message this is.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$timing(_) => Kind::$timing,)* }
            }

            fn to_body(&self) -> Vec<u8> {
                match self { $(Self::$timing(message) => message.to_body(),)* }
            }

            fn from_body(kind: Kind, body: &[u8]) -> Result<Self, Fault> {
                match kind {
                    $(Kind::$timing => Ok(Self::$timing($timing_body::from_body(body)?)),)*
                    $(Kind::$control => Err(wrong_lane("a timing message", kind)),)*
                }
            }
        }
    };
}

kinds! {
    control {
        Hello(Hello) = 0x01, "HELLO";
        Accept(Accept) = 0x02, "ACCEPT";
        Confirm(Confirm) = 0x03, "CONFIRM";
        Resume(Resume) = 0x04, "RESUME";
        Resumed(Resume) = 0x05, "RESUMED";
        Alarm(Alarm) = 0x07, "ALARM";
        CheckCodeConfirmed(CheckCodeConfirmed) = 0x08, "CHECK_CODE_CONFIRMED";
        Announce(Announce) = 0x10, "PLAN";
        PhaseChanged(PhaseChanged) = 0x11, "PHASE";
        Begin(Begin) = 0x12, "BEGIN";
        Finish(Finish) = 0x14, "FINISH";
        Finished(Finished) = 0x15, "FINISHED";
        DeviceReport(DeviceReport) = 0x16, "DEVICE";
        Journal(Journal) = 0x20, "JOURNAL";
        JournalAsk(JournalAsk) = 0x21, "JOURNAL_ASK";
        JournalHave(JournalHave) = 0x22, "JOURNAL_HAVE";
        AddressUpdate(AddressUpdate) = 0x30, "ADDRESSES";
    }
    timing {
        Heartbeat(Heartbeat) = 0x80, "HEARTBEAT";
        Probe(Probe) = 0x81, "PROBE";
        Pulse(Pulse) = 0x82, "PULSE";
        ShortProbe(ShortProbe) = 0x83, "SHORT_PROBE";
        ShortPulse(ShortPulse) = 0x84, "SHORT_PULSE";
    }
}

impl Control {
    /// Reads a body of this kind. `[WIRE-2]` `[WIRE-3]`
    ///
    /// # Errors
    /// [`Fault`], with [`CloseCode::Version`] for a HELLO of another version and
    /// [`CloseCode::BadFrame`] for everything else that is not such a message.
    pub fn decode(kind: Kind, body: &[u8]) -> Result<Self, Fault> {
        if kind == Kind::Hello {
            pairing::check_version(body)?;
        }
        Self::from_body(kind, body)
    }

    /// The frame, ready to be sent.
    #[must_use]
    pub fn frame(&self) -> Frame {
        Frame::new(self.kind(), self.to_body())
    }

    /// The frame's bytes, header included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.frame().to_bytes()
    }
}

impl Timing {
    /// The instants that both clocks are compared by; `None` in a message in short, which
    /// has them only for who knows what came before.
    #[must_use]
    pub const fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Heartbeat(Heartbeat { pulse: Pulse { stamp, .. }, .. })
            | Self::Pulse(Pulse { stamp, .. })
            | Self::Probe(Probe { stamp }) => Some(stamp),
            Self::ShortProbe(_) | Self::ShortPulse(_) => None,
        }
    }

    /// Reads a body of this kind. `[WIRE-2]` `[WIRE-3]`
    ///
    /// # Errors
    /// [`Fault`] if it is not such a message.
    pub fn decode(kind: Kind, body: &[u8]) -> Result<Self, Fault> {
        Self::from_body(kind, body)
    }

    /// Reads one whole datagram.
    ///
    /// # Errors
    /// [`Fault`] if it is not exactly one timing message.
    pub fn from_datagram(datagram: &[u8]) -> Result<Self, Fault> {
        let frame = Frame::from_datagram(datagram)?;
        Self::decode(frame.kind(), frame.body())
    }

    /// The datagram's bytes, header included.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Frame::new(self.kind(), self.to_body()).to_bytes()
    }
}

fn wrong_lane(expected: &'static str, got: Kind) -> Fault {
    Fault::new(CloseCode::BadFrame, expected, Got::Named(got.name()))
}

#[cfg(test)]
mod tests;
