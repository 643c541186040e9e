//! Messages that were heard, as a record of a journal holds them.
//!
//! Most records of eight hours hold one or two. Rejected: a list for each (eighty
//! thousand pieces of memory, and the time to get them).

use core::ops::Deref;

use super::{Own, Theirs};
use crate::time::Instant;

/// One message that came from a peer: when it left, by the peer's clock, and when
/// it arrived, by the own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The number the sender gave it.
    pub sequence: u32,
    /// When the sender handed it to the network.
    pub sent: Instant<Theirs>,
    /// When this device took it from the network.
    pub received: Instant<Own>,
}

/// The messages of one [`Fact::ClockHeard`](super::Fact::ClockHeard), in the order they came.
///
/// One or two lie in the fact itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeardBatch(Kept);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kept {
    One(Heard),
    Two([Heard; 2]),
    Other(Vec<Heard>),
}

impl From<&[Heard]> for HeardBatch {
    fn from(heard: &[Heard]) -> Self {
        Self(match *heard {
            [one] => Kept::One(one),
            [one, two] => Kept::Two([one, two]),
            _ => Kept::Other(heard.to_vec()),
        })
    }
}

impl Deref for HeardBatch {
    type Target = [Heard];

    fn deref(&self) -> &[Heard] {
        match &self.0 {
            Kept::One(one) => core::slice::from_ref(one),
            Kept::Two(two) => two,
            Kept::Other(heard) => heard,
        }
    }
}
