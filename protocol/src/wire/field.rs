//! How a typed value stands in a message.
//!
//! A field is declared once, with its type; the bytes follow from the type.
//! Reading turns bytes into values that are already checked, so no code beyond
//! this layer meets a role 200 or a label of control characters. Rejected: a
//! raw struct and a typed struct per message, kept alike by hand.

use crate::address::AddressError;
use crate::device::{Heat, Permissions, Switch};
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{BootId, ExamTag, Fingerprint, Label, Role, SessionId};
use crate::limits;
use crate::plan::{Mode, Phase};
use crate::time::{Clock, Instant, Span};
use crate::wire::codec::{self, Fixed};

/// A value with a fixed layout: its raw integers and arrays, and their check.
pub(super) trait Field: Sized {
    /// What the codec writes.
    type Raw: Fixed;

    /// The raw form.
    fn raw(&self) -> Self::Raw;

    /// The value, or the fault that it is none. `[WIRE-3]`
    fn parse(raw: Self::Raw) -> Result<Self, Fault>;
}

/// A whole message body.
pub(super) trait Body: Sized {
    fn to_body(&self) -> Vec<u8>;
    fn from_body(body: &[u8]) -> Result<Self, Fault>;
}

impl<T: Field> Body for T {
    fn to_body(&self) -> Vec<u8> {
        codec::encode(&self.raw())
    }

    fn from_body(body: &[u8]) -> Result<Self, Fault> {
        Self::parse(codec::decode(body)?)
    }
}

/// The fault of a value that no version allows.
pub(super) fn bad(expected: &'static str, got: impl Into<i128>) -> Fault {
    Fault::new(CloseCode::BadFrame, expected, Got::Number(got.into()))
}

/// The fault of a value that cannot be told in a number.
pub(super) const fn bad_thing(expected: &'static str, got: &'static str) -> Fault {
    Fault::new(CloseCode::BadFrame, expected, Got::Named(got))
}

/// Declares a message: a struct, its byte table (the fields in this order), and
/// the check that concerns more than one field.
macro_rules! message {
    (
        $(#[$doc:meta])*
        pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }
        $(check $check:path;)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $crate::wire::field::Field for $name {
            type Raw = ($(<$type as $crate::wire::field::Field>::Raw,)*);

            fn raw(&self) -> Self::Raw {
                ($($crate::wire::field::Field::raw(&self.$field),)*)
            }

            fn parse(raw: Self::Raw) -> Result<Self, $crate::fault::Fault> {
                let ($($field,)*) = raw;
                let parsed = Self { $($field: $crate::wire::field::Field::parse($field)?,)* };
                $($check(&parsed)?;)?
                Ok(parsed)
            }
        }
    };
}

/// Declares an enum that is one byte on the wire, and refuses other bytes.
macro_rules! byte_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident: $expected:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $crate::wire::field::Field for $name {
            type Raw = u8;

            fn raw(&self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            fn parse(raw: u8) -> Result<Self, $crate::fault::Fault> {
                match raw {
                    $($number => Ok(Self::$variant),)*
                    got => Err($crate::wire::field::bad($expected, got)),
                }
            }
        }
    };
}

pub(super) use {byte_enum, message};

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Field for $type {
            type Raw = Self;

            fn raw(&self) -> Self {
                *self
            }

            fn parse(raw: Self) -> Result<Self, Fault> {
                Ok(raw)
            }
        }
    )*};
}

plain!(u8, u16, u32, u64, i64);

impl<const N: usize> Field for [u8; N] {
    type Raw = Self;

    fn raw(&self) -> Self {
        *self
    }

    fn parse(raw: Self) -> Result<Self, Fault> {
        Ok(raw)
    }
}

macro_rules! wrapped_bytes {
    ($($type:ident: $len:literal),*) => {$(
        impl Field for $type {
            type Raw = [u8; $len];

            fn raw(&self) -> Self::Raw {
                self.0
            }

            fn parse(raw: Self::Raw) -> Result<Self, Fault> {
                Ok(Self(raw))
            }
        }
    )*};
}

wrapped_bytes!(SessionId: 16, BootId: 16, ExamTag: 8, Fingerprint: 32);

impl Field for Role {
    type Raw = u8;

    fn raw(&self) -> u8 {
        self.number()
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        Self::new(raw).map_err(|_| bad("a role from 0 to 8", raw))
    }
}

impl Field for Label {
    type Raw = (u8, [u8; limits::LABEL_BYTES]);

    fn raw(&self) -> Self::Raw {
        self.to_wire()
    }

    fn parse((len, bytes): Self::Raw) -> Result<Self, Fault> {
        Self::from_wire(len, &bytes)
            .map_err(|_| bad_thing("a label of 1 to 32 bytes of plain UTF-8", "another"))
    }
}

impl<C: Clock> Field for Instant<C> {
    type Raw = i64;

    fn raw(&self) -> i64 {
        self.nanos()
    }

    fn parse(raw: i64) -> Result<Self, Fault> {
        Ok(Self::from_nanos(raw))
    }
}

/// A length of time, never negative on the wire.
impl Field for Span {
    type Raw = i64;

    fn raw(&self) -> i64 {
        self.nanos()
    }

    fn parse(raw: i64) -> Result<Self, Fault> {
        if raw < 0 {
            return Err(bad("a span of 0 ns or more", raw));
        }
        Ok(Self::from_nanos(raw))
    }
}

impl Field for Mode {
    type Raw = u8;

    fn raw(&self) -> u8 {
        match self {
            Self::Exam => 0,
            Self::Mock => 1,
        }
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        match raw {
            0 => Ok(Self::Exam),
            1 => Ok(Self::Mock),
            got => Err(bad("mode 0 (exam) or 1 (mock)", got)),
        }
    }
}

impl Field for Phase {
    type Raw = u8;

    fn raw(&self) -> u8 {
        self.number()
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        Self::from_number(raw).ok_or_else(|| bad("a phase from 0 to 4", raw))
    }
}

impl Field for Heat {
    type Raw = u8;

    fn raw(&self) -> u8 {
        self.number()
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        Self::from_number(raw).ok_or_else(|| bad("a heat from 0 to 4", raw))
    }
}

impl Field for Switch {
    type Raw = u8;

    fn raw(&self) -> u8 {
        match self {
            Self::Off => 0,
            Self::On => 1,
        }
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        match raw {
            0 => Ok(Self::Off),
            1 => Ok(Self::On),
            got => Err(bad("0 (off) or 1 (on)", got)),
        }
    }
}

/// A switch that the system may not report: 255.
impl Field for Option<Switch> {
    type Raw = u8;

    fn raw(&self) -> u8 {
        self.map_or(u8::MAX, |switch| switch.raw())
    }

    fn parse(raw: u8) -> Result<Self, Fault> {
        if raw == u8::MAX { Ok(None) } else { Switch::parse(raw).map(Some) }
    }
}

impl Field for Permissions {
    type Raw = u16;

    fn raw(&self) -> u16 {
        self.0
    }

    fn parse(raw: u16) -> Result<Self, Fault> {
        if !Self(raw).without(Self::ALL).is_empty() {
            return Err(bad("permission bits 0 to 4 only", raw));
        }
        Ok(Self(raw))
    }
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        let got = match error {
            AddressError::Type { .. } => "an unknown address type",
            AddressError::Truncated { .. } => "a piece of an address",
            AddressError::Count { .. } => "none or too many",
            AddressError::Port => "port 0",
            AddressError::Unspecified { .. } => "the unspecified address",
            AddressError::Multicast { .. } => "a group address",
            AddressError::Loopback { .. } => "a loopback address",
            AddressError::LongForm { .. } => "the long form of an address",
            AddressError::Duplicate { .. } => "an address twice",
        };
        bad_thing("1 to 6 different addresses of one device", got)
    }
}
