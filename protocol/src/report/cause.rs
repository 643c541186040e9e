//! Why a camera was silent, as far as its journal tells.
//!
//! A record is written when its fact is known, which is not the order in which the
//! things happened: a device that wakes notes its sleep before it commits the last
//! pictures from before it. So a sleep is looked for by its time, everything else
//! between the records that hold the frames on either side.

use super::lane::{Covered, Lane, Silence};
use crate::journal::{Entry, Fact};
use crate::ledger::Cause;
use crate::time::{Instant, Span};
use crate::timeline::events;

/// Whether anything in the journal says that the camera stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    /// The app was alive, and silent.
    No,
}

impl Lane<'_> {
    /// Entries from the one that committed the last frames to the one that
    /// committed the first again.
    pub(super) fn entries_in(
        &self,
        before: Option<&Covered>,
        after: Option<&Covered>,
    ) -> impl Iterator<Item = &Entry> {
        let place = |covered: Option<&Covered>, last: bool| {
            covered.map(|covered| {
                let (first, end) = covered.sequences;
                (covered.clock.device, if last { end } else { first })
            })
        };
        let from = place(before, true).unwrap_or((0, 0));
        let to = place(after, false).unwrap_or((u8::MAX, u64::MAX));
        self.journals().iter().flat_map(move |journal| {
            let device = journal.header().device;
            let entries = journal.entries();
            let start = entries.partition_point(|entry| (device, entry.sequence) < from);
            let end = entries.partition_point(|entry| (device, entry.sequence) <= to);
            entries.get(start..end).unwrap_or_default()
        })
    }

    /// The best guess, the system's own value, and whether anything told.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most facts tell nothing of a camera")]
    pub(super) fn cause(&self, silence: &Silence) -> (Cause, i32, Told) {
        let (mut told, mut alive) = (self.slept_in(silence), false);
        let mut guess = (Cause::Unknown, 0);
        let boot = silence.before.map(|covered| covered.clock.boot);
        let entries = self.entries_in(silence.before.as_ref(), silence.after.as_ref());
        for entry in entries {
            let (cause, raw) = match &entry.fact {
                Fact::RecordingStopped { cause, raw } => (*cause, *raw),
                Fact::CameraEvent { state: 0, cause, raw } => (*cause, *raw),
                Fact::ProcessStarted { boot: now, cause: 0, raw, .. } => {
                    let rebooted = boot.is_some_and(|boot| boot != *now);
                    let cause = if rebooted { Cause::Reboot } else { Cause::Crash };
                    (cause.code(), *raw)
                }
                Fact::ProcessStarted { cause, raw, .. } => (*cause, *raw),
                Fact::ScreenLeft { cause, raw } => (*cause, *raw),
                Fact::ClockHeard { .. } | Fact::PeerHead { .. } | Fact::Seal { .. } => {
                    alive = true;
                    continue;
                }
                _ => continue,
            };
            told = true;
            if guess.0 == Cause::Unknown {
                guess = (Cause::from_code(cause).unwrap_or(Cause::Unknown), raw);
            }
        }
        (guess.0, guess.1, if told || !alive { Told::Yes } else { Told::No })
    }

    /// Whether the device slept between the frames on either side.
    fn slept_in(&self, silence: &Silence) -> bool {
        let Some(before) = silence.before else { return false };
        let same = silence.after.filter(|after| after.clock == before.clock);
        let end = same.map_or(Instant::MAX, |after| after.own().0);
        self.journals().iter().flat_map(|journal| events(journal)).any(|(clock, entry)| {
            let Fact::Slept { span } = &entry.fact else { return false };
            let middle = entry.at - Span::from_nanos(span.nanos() / 2);
            clock == before.clock && before.own().1 < middle && middle < end
        })
    }
}
