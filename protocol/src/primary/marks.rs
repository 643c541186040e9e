//! What a device tells beside its frames: its examinee left the exam screen, its sound
//! is gone, a gap is to be expected.
//!
//! A policy counts the first, may count the second and may forgive the third, so the
//! count that is shown needs them as the report has them. Kept as instants and not as
//! stretches: what one device or run leaves open is closed by what the next one says.
//! Rejected: reading them from the journals when the session is over; an examinee would
//! see a count fall or rise that was true all along.

use std::collections::BTreeMap;

use crate::identity::Role;
use crate::journal::Fact;
use crate::ledger::Medium;
use crate::limits;
use crate::recording::Interval;
use crate::time::{Instant, Primary, Span};

/// What holds from an instant on. `[REPORT-5]` `[REPORT-7]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    /// Away from the exam screen, or no sound.
    Lost(Medium),
    /// Neither, as far as is known: also of a process that begins.
    Back(Medium),
    /// A gap of at most this length.
    Gap { longest: Span },
}

impl Mark {
    /// What this record of a device in `role` says of these. An assistant's screen has
    /// no meaning. `[LEDGER-14]`
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other fact is one of these")]
    pub(super) fn of(role: Role, fact: &Fact) -> impl Iterator<Item = Self> + use<> {
        let screen = role.is_primary().then_some(Medium::Picture);
        let (screen, beside) = match fact {
            Fact::ScreenLeft { .. } => (screen.map(Self::Lost), None),
            Fact::ScreenBack {} => (screen.map(Self::Back), None),
            Fact::AudioEvent { state: 0, .. } => (None, Some(Self::Lost(Medium::Sound))),
            Fact::AudioEvent { .. } => (None, Some(Self::Back(Medium::Sound))),
            Fact::ProcessStarted { .. } => {
                (screen.map(Self::Back), Some(Self::Back(Medium::Sound)))
            }
            Fact::ExpectedGap { longest } => (None, Some(Self::Gap { longest: *longest })),
            _ => (None, None),
        };
        screen.into_iter().chain(beside)
    }

    const fn medium(self) -> Option<Medium> {
        match self {
            Self::Lost(medium) | Self::Back(medium) => Some(medium),
            Self::Gap { .. } => None,
        }
    }
}

/// Everything that the devices of one role have told, in the order of their journals.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    all: Vec<(Instant<Primary>, Mark)>,
    /// The last of them that was of this medium.
    last: BTreeMap<Medium, Mark>,
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
    /// Takes a record of a device in `role`.
    pub(super) fn hear(&mut self, at: Instant<Primary>, role: Role, fact: &Fact) {
        for mark in Mark::of(role, fact) {
            self.mark(at, mark);
        }
    }

    /// What is said of a medium once more says nothing. Beyond what an exam can have, it
    /// may only come back: the report still counts the rest. `[RECORDING-5]`
    pub(super) fn mark(&mut self, at: Instant<Primary>, mark: Mark) {
        let last = mark.medium().and_then(|medium| self.last.get(&medium));
        if last == Some(&mark) {
            return;
        }
        let closes = matches!((last, mark), (Some(Mark::Lost(_)), Mark::Back(_)));
        if closes || self.all.len() < limits::RECORDED_STRETCHES {
            self.all.push((at, mark));
            self.last.extend(mark.medium().map(|medium| (medium, mark)));
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

    /// The stretches away from the screen and without sound; one that goes on ends at
    /// `end`.
    pub(super) fn losses(&self, end: Instant<Primary>) -> Vec<(Medium, Interval<Primary>)> {
        let (mut found, mut open) = (Vec::new(), BTreeMap::new());
        for (at, mark) in &self.all {
            match mark {
                Mark::Lost(medium) => _ = open.entry(*medium).or_insert(*at),
                Mark::Back(medium) => {
                    let left = open.remove(medium);
                    found.extend(left.map(|start| (*medium, Interval { start, end: *at })));
                }
                Mark::Gap { .. } => {}
            }
        }
        found.extend(open.into_iter().map(|(medium, start)| (medium, Interval { start, end })));
        found.retain(|(_, one)| one.start < one.end);
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

    const LOST: Mark = Mark::Lost(Medium::Sound);
    const BACK: Mark = Mark::Back(Medium::Sound);

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

    fn losses(marks: &Marks, medium: Medium, end: i64) -> Vec<(i64, i64)> {
        let seconds = |at: Instant<Primary>| at.nanos() / 1_000_000_000;
        let found = marks.losses(at(end)).into_iter().filter(|(of, _)| *of == medium);
        found.map(|(_, one)| (seconds(one.start), seconds(one.end))).collect()
    }

    fn silences(marks: &Marks, end: i64) -> Vec<(i64, i64)> {
        losses(marks, Medium::Sound, end)
    }

    #[test]
    fn sound_is_gone_until_it_is_back_or_the_session_ends() {
        // [REPORT-5]
        let told = marks(&[(1, BACK), (3, LOST), (4, LOST), (7, BACK), (9, LOST)]);
        assert_eq!(silences(&told, 20), [(3, 7), (9, 20)]);
        assert_eq!(silences(&told, 8), [(3, 7)], "what begins after the end is not of it");
    }

    #[test]
    fn who_leaves_the_screen_twice_was_away_once() {
        // [REPORT-5] Sound that comes and goes meanwhile is another matter.
        let (left, on_it) = (Mark::Lost(Medium::Picture), Mark::Back(Medium::Picture));
        let told =
            marks(&[(3, left), (4, LOST), (5, left), (6, BACK), (7, on_it), (8, on_it), (9, left)]);
        assert_eq!(losses(&told, Medium::Picture, 12), [(3, 7), (9, 12)]);
        assert_eq!(silences(&told, 12), [(4, 6)]);
    }

    #[test]
    fn a_process_begins_on_the_screen_and_with_sound() {
        // [REPORT-5] [LEDGER-14]
        let (cause, raw) = (0, 0);
        let boot = crate::identity::BootId([7; 16]);
        let left = Fact::ScreenLeft { cause, raw };
        let mute = Fact::AudioEvent { state: 0, cause, raw };
        let begins = Fact::ProcessStarted { boot, wall_ms: 0, cause, raw };
        for (role, away) in [(Role::PRIMARY, vec![(1, 5)]), (Role::new(1).unwrap(), vec![])] {
            let mut told = Marks::default();
            for (second, fact) in [(1, &left), (2, &mute), (5, &begins)] {
                told.hear(at(second), role, fact);
            }
            assert_eq!(losses(&told, Medium::Picture, 9), away);
            assert_eq!(silences(&told, 9), [(2, 5)]);
        }
    }

    #[test]
    fn what_one_run_leaves_open_the_next_one_closes() {
        let before = marks(&[(3, LOST), (4, Mark::Gap { longest: Span::from_secs(5) })]);
        let mut since = marks(&[(9, BACK), (12, LOST)]);
        since.follow(before.moved(Span::from_secs(1)));
        assert_eq!(silences(&since, 15), [(4, 9), (12, 15)]);
        assert_eq!(since.gaps().collect::<Vec<_>>(), [Interval { start: at(5), end: at(10) }]);
    }

    #[test]
    fn more_than_an_exam_can_have_is_not_kept_and_leaves_nothing_open() {
        let mut all = Marks::default();
        for second in 0..i64::try_from(limits::RECORDED_STRETCHES).unwrap() {
            all.mark(at(2 * second), BACK);
            all.mark(at(2 * second + 1), LOST);
        }
        assert!(all.all.len() <= limits::RECORDED_STRETCHES + 1);
        let many = i64::MAX / 2_000_000_000;
        all.mark(at(many - 1), BACK);
        assert!(silences(&all, many).iter().all(|(_, end)| *end < many));
        assert!(silences(&all, many).len() + 2 > limits::RECORDED_STRETCHES / 2);
    }
}
