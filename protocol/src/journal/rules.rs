//! What a whole sequence of records must obey, whoever wrote it.
//!
//! Writer, reader and mirror ask the same value, so that a device cannot write
//! what it would later refuse to read.

use super::Own;
use super::fact::Fact;
use crate::identity::{BootId, Role};
use crate::time::Instant;

/// A record that is well formed and may not stand where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Breach {
    /// The first record is not [`Fact::ProcessStarted`]. `[JOURNAL-10]`
    #[error("expected ProcessStarted as the first record")]
    NotStarted,
    /// Time runs back within one boot. `[JOURNAL-6]`
    #[error("expected a time not before the last record's, in one boot")]
    Time,
    /// A peer is quoted before its boot was named. `[JOURNAL-11]`
    #[error("expected PeerBoot of this peer before anything quoted from it")]
    UnknownBoot,
    /// A fact after the end. `[JOURNAL-16]`
    #[error("expected nothing but seals after Finish")]
    Finished,
}

/// What is known of the boot that the next record belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Boot {
    /// No process has started.
    #[default]
    None,
    /// One has, in a stretch that could not be read.
    Unread,
    Named(BootId),
}

/// Where a sequence of records stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rules {
    boot: Boot,
    last: Option<Instant<Own>>,
    /// One bit for each role whose boot was named.
    peers: u16,
    finished: bool,
}

impl Rules {
    /// Whether `fact` at `at` may come next; if so, it has.
    pub(super) fn admit(&mut self, at: Instant<Own>, fact: &Fact) -> Result<(), Breach> {
        let sealing = matches!(fact, Fact::Seal { .. });
        // [JOURNAL-16]
        if self.finished && !sealing {
            return Err(Breach::Finished);
        }
        let boot = match (fact, self.boot) {
            (Fact::ProcessStarted { boot, .. }, _) => Boot::Named(*boot),
            // [JOURNAL-10]
            (_, Boot::None) => return Err(Breach::NotStarted),
            (_, boot) => boot,
        };
        // [JOURNAL-6]
        if self.boot == boot && self.last.is_some_and(|last| at < last) {
            return Err(Breach::Time);
        }
        if let Fact::PeerBoot { peer, .. } = fact {
            self.peers |= bit(*peer);
        }
        // [JOURNAL-11]
        if let Fact::ClockHeard { peer, .. } | Fact::PeerHead { peer, .. } = fact
            && self.peers & bit(*peer) == 0
        {
            return Err(Breach::UnknownBoot);
        }
        self.finished |= matches!(fact, Fact::Finish { .. });
        self.boot = boot;
        self.last = Some(at);
        Ok(())
    }

    /// The time to give a record that happens at `now`: never before the last
    /// one's, unless it starts another boot.
    pub(super) fn order(&self, now: Instant<Own>, fact: &Fact) -> Instant<Own> {
        let fresh =
            matches!(fact, Fact::ProcessStarted { boot, .. } if self.boot != Boot::Named(*boot));
        match self.last {
            Some(last) if !fresh => now.max(last),
            Some(_) | None => now,
        }
    }

    /// Records are missing before the next one: what they said is not known.
    pub(super) fn forget(&mut self) {
        self.boot = Boot::Unread;
        self.last = None;
        self.peers = u16::MAX;
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.finished
    }
}

const fn bit(role: Role) -> u16 {
    1_u16.wrapping_shl(role.number() as u32)
}
