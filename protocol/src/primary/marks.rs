//! What a device tells beside its frames: its sound is gone, a gap is to be expected.
//!
//! A policy may count the one and forgive the other, so the count that is shown needs
//! both as the report has them. Kept as instants and not as stretches: what one device
//! or run leaves open is closed by what the next one says. Rejected: reading them from
//! the journals when the session is over; an examinee would see a count fall or rise
//! that was true all along.

use crate::journal::Fact;
use crate::limits;
use crate::recording::Interval;
use crate::time::{Instant, Primary, Span};

/// What holds from an instant on. `[REPORT-5]` `[REPORT-7]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// No sound.
    SoundLost,
    /// Sound, as far as is known: also of a process that begins.
    SoundBack,
    /// A gap of at most this length.
    Gap { longest: Span },
}

impl Mark {
    /// What this record says, if it is one of these.
    #[expect(clippy::wildcard_enum_match_arm, reason = "three facts are of sound or of gaps")]
    pub(super) const fn of(fact: &Fact) -> Option<Self> {
        match fact {
            Fact::AudioEvent { state: 0, .. } => Some(Self::SoundLost),
            Fact::AudioEvent { .. } | Fact::ProcessStarted { .. } => Some(Self::SoundBack),
            Fact::ExpectedGap { longest } => Some(Self::Gap { longest: *longest }),
            _ => None,
        }
    }
}

/// Everything that the devices of one role have told, in the order of their journals.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    all: Vec<(Instant<Primary>, Mark)>,
    /// The last of them that was of sound.
    sound: Option<Mark>,
}

/// What devices leave that were put out of their seat.
#[derive(Clone, Debug, Default)]
pub(super) struct Former {
    pub(super) covered: Vec<Interval<Primary>>,
    pub(super) marks: Marks,
}

impl Former {
    /// The same, and what came after it.
    pub(super) fn then(mut self, mut later: Self) -> Self {
        self.covered.extend(later.covered);
        later.marks.follow(self.marks);
        Self { covered: self.covered, marks: later.marks }
    }
}

impl Marks {
    /// What is said of sound once more says nothing. Beyond what an exam can have, sound
    /// may only come back: the report still counts the rest. `[RECORDING-5]`
    pub(super) fn mark(&mut self, at: Instant<Primary>, mark: Mark) {
        let of_sound = !matches!(mark, Mark::Gap { .. });
        if of_sound && self.sound == Some(mark) {
            return;
        }
        let room = self.all.len() < limits::RECORDED_STRETCHES;
        let closes = mark == Mark::SoundBack && self.sound == Some(Mark::SoundLost);
        if room || closes {
            self.all.push((at, mark));
            if of_sound {
                self.sound = Some(mark);
            }
        }
    }

    /// Takes what was told `before` all this.
    pub(super) fn follow(&mut self, before: Self) {
        let since = core::mem::replace(self, before);
        for (at, mark) in since.all {
            self.mark(at, mark);
        }
    }

    /// The same by a clock that is `by` ahead.
    pub(super) fn moved(mut self, by: Span) -> Self {
        for (at, _) in &mut self.all {
            *at = *at + by;
        }
        self
    }

    /// The stretches without sound; one that goes on ends at `end`.
    pub(super) fn silences(&self, end: Instant<Primary>) -> Vec<Interval<Primary>> {
        let mut found = Vec::new();
        let mut open = None;
        for (at, mark) in &self.all {
            match mark {
                Mark::SoundLost => _ = open.get_or_insert(*at),
                Mark::SoundBack => {
                    let closed = open.take().map(|start| Interval { start, end: *at });
                    found.extend(closed.filter(|one| one.start < one.end));
                }
                Mark::Gap { .. } => {}
            }
        }
        found.extend(open.filter(|start| *start < end).map(|start| Interval { start, end }));
        found
    }

    /// The announced gaps, at their longest.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Interval<Primary>> {
        self.all.iter().filter_map(|(at, mark)| {
            let Mark::Gap { longest } = mark else { return None };
            Some(Interval { start: *at, end: *at + *longest })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Instant<Primary> {
        Instant::from_nanos(second * 1_000_000_000)
    }

    fn marks(marks: &[(i64, Mark)]) -> Marks {
        let mut all = Marks::default();
        for (second, mark) in marks {
            all.mark(at(*second), *mark);
        }
        all
    }

    fn silences(marks: &Marks, end: i64) -> Vec<(i64, i64)> {
        let seconds = |at: Instant<Primary>| at.nanos() / 1_000_000_000;
        marks.silences(at(end)).iter().map(|one| (seconds(one.start), seconds(one.end))).collect()
    }

    #[test]
    fn sound_is_gone_until_it_is_back_or_the_session_ends() {
        // [REPORT-5]
        let told = marks(&[
            (1, Mark::SoundBack),
            (3, Mark::SoundLost),
            (4, Mark::SoundLost),
            (7, Mark::SoundBack),
            (9, Mark::SoundLost),
        ]);
        assert_eq!(silences(&told, 20), [(3, 7), (9, 20)]);
        assert_eq!(silences(&told, 8), [(3, 7)], "what begins after the end is not of it");
    }

    #[test]
    fn what_one_run_leaves_open_the_next_one_closes() {
        let before = marks(&[(3, Mark::SoundLost), (4, Mark::Gap { longest: Span::from_secs(5) })]);
        let mut since = marks(&[(9, Mark::SoundBack), (12, Mark::SoundLost)]);
        since.follow(before.moved(Span::from_secs(1)));
        assert_eq!(silences(&since, 15), [(4, 9), (12, 15)]);
        assert_eq!(since.gaps().collect::<Vec<_>>(), [Interval { start: at(5), end: at(10) }]);
    }

    #[test]
    fn more_than_an_exam_can_have_is_not_kept_and_leaves_nothing_open() {
        let mut all = Marks::default();
        for second in 0..i64::try_from(limits::RECORDED_STRETCHES).unwrap() {
            all.mark(at(2 * second), Mark::SoundBack);
            all.mark(at(2 * second + 1), Mark::SoundLost);
        }
        assert!(all.all.len() <= limits::RECORDED_STRETCHES + 1);
        let many = i64::MAX / 2_000_000_000;
        all.mark(at(many - 1), Mark::SoundBack);
        assert!(silences(&all, many).iter().all(|(_, end)| *end < many));
        assert!(silences(&all, many).len() + 2 > limits::RECORDED_STRETCHES / 2);
    }
}
