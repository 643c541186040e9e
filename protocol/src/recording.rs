//! One camera's committed fragments, and the time they cover.
//!
//! A moment is covered if frames captured around it are durably stored. Neither
//! the app being alive nor the encoder being started proves that; phones have
//! been seen to go on "recording" with nothing arriving in the file. So coverage
//! is built from fragments that the host has *committed*, and from nothing else.
//!
//! Rejected: keeping every fragment. An exam of eight hours has 14,400 of them
//! and the journal keeps them anyway; only their union is needed here.

use crate::limits;
use crate::time::{Clock, Instant, Span};

/// Frames that the host has made durable, in one piece. `[RECORDING-1]`
///
/// ```
/// # use diptych_protocol::recording::Fragment;
/// # use diptych_protocol::time::{Instant, Primary};
/// /// What was written and synced since the last one.
/// fn fragment(from: Instant<Primary>, to: Instant<Primary>, sha256: [u8; 32]) -> Fragment<Primary> {
///     Fragment { first: from, last: to, frames: 15, bytes: 240_000, sha256 }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fragment<C: Clock> {
    /// Capture of the first frame.
    pub first: Instant<C>,
    /// Capture of the last frame; the same as `first` if there is one frame.
    pub last: Instant<C>,
    /// How many frames.
    pub frames: u32,
    /// How many bytes of the recording they take.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub sha256: [u8; 32],
}

/// A stretch of time on clock `C`, from `start` up to `end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval<C: Clock> {
    /// Its first instant.
    pub start: Instant<C>,
    /// Its last instant.
    pub end: Instant<C>,
}

/// What has been recorded so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Fragments.
    pub fragments: u64,
    /// Frames.
    pub frames: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Why a fragment proves no coverage.
///
/// ```
/// # use diptych_protocol::recording::FragmentError;
/// assert!(FragmentError::Empty.to_string().contains("at least one frame"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FragmentError {
    /// No frame in it.
    #[error("expected at least one frame in a fragment, got none; commit it when it has one")]
    Empty,
    /// It ends before it begins.
    #[error("expected a fragment to end after it began, got {length}; give capture times in order")]
    Backwards {
        /// From first to last.
        length: Span,
    },
    /// So long that silence could hide in it.
    #[error("expected a fragment of at most {max}, got {length}; commit more often", max = limits::FRAGMENT_MAX)]
    Long {
        /// From first to last.
        length: Span,
    },
    /// So few frames that there must be a loss between them.
    #[error("expected frames at most {gap} apart, got {frames} in {length}; commit before a gap")]
    Sparse {
        /// The policy's frame gap.
        gap: Span,
        /// How many frames.
        frames: u32,
        /// From first to last.
        length: Span,
    },
    /// More separate stretches than an exam can have.
    #[error("expected at most {max} separate stretches of recording; end the session", max = limits::RECORDED_STRETCHES)]
    Scattered,
}

/// The union of everything one camera has committed in one boot, or, after
/// mapping, in one session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording<C: Clock> {
    frame_gap: Span,
    totals: Totals,
    /// By start; more than `frame_gap` lies between any two.
    covered: Vec<Interval<C>>,
}

impl<C: Clock> Recording<C> {
    /// Nothing recorded; silences up to `frame_gap` between frames are covered.
    #[must_use]
    pub const fn new(frame_gap: Span) -> Self {
        let totals = Totals { fragments: 0, frames: 0, bytes: 0 };
        Self { frame_gap, totals, covered: Vec::new() }
    }

    /// The longest silence between frames that is covered.
    #[must_use]
    pub const fn frame_gap(&self) -> Span {
        self.frame_gap
    }

    /// Takes a committed fragment, in any order. `[RECORDING-3]`
    ///
    /// # Errors
    /// [`FragmentError`] if it proves no coverage; nothing is changed then.
    pub fn commit(&mut self, fragment: &Fragment<C>) -> Result<(), FragmentError> {
        fragment.check(self.frame_gap)?;
        self.cover(Interval { start: fragment.first, end: fragment.last })?;
        self.totals.fragments = self.totals.fragments.saturating_add(1);
        self.totals.frames = self.totals.frames.saturating_add(fragment.frames.into());
        self.totals.bytes = self.totals.bytes.saturating_add(fragment.bytes);
        Ok(())
    }

    /// What was committed in all.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// What is covered, by start.
    #[must_use]
    pub fn covered(&self) -> &[Interval<C>] {
        &self.covered
    }

    /// The capture of the latest committed frame.
    #[must_use]
    pub fn last(&self) -> Option<Instant<C>> {
        self.covered.last().map(|stretch| stretch.end)
    }

    /// The losses in `window`, by start. `[RECORDING-4]`
    ///
    /// A silence that the window cuts short is a loss if its whole length is
    /// one. Before the first frame and after the last one nothing is known but
    /// the silence inside the window, so that is what is tested there.
    #[must_use]
    pub fn losses(&self, window: Interval<C>) -> Vec<Interval<C>> {
        let first = self.covered.first().map_or(window.end, |stretch| stretch.start);
        let last = self.covered.last().map_or(window.end, |stretch| stretch.end);
        let before = Interval { start: window.start, end: first.min(window.end) };
        let after = Interval { start: last.max(window.start), end: window.end };
        let between = self
            .covered
            .iter()
            .zip(self.covered.iter().skip(1))
            .map(|(stretch, next)| Interval { start: stretch.end, end: next.start });
        [before]
            .into_iter()
            .filter(|edge| edge.length() > self.frame_gap)
            .chain(between)
            .chain([after].into_iter().filter(|edge| edge.length() > self.frame_gap))
            .map(|silence| Interval {
                start: silence.start.max(window.start),
                end: silence.end.min(window.end),
            })
            .filter(|loss| loss.length() > Span::ZERO)
            .collect()
    }

    /// Takes what is known to be covered, in any order.
    pub(crate) fn cover(&mut self, new: Interval<C>) -> Result<(), FragmentError> {
        let gap = self.frame_gap;
        let from = self.covered.partition_point(|stretch| new.start - stretch.end > gap);
        let to = self.covered.partition_point(|stretch| stretch.start - new.end <= gap);
        let joined = self.covered.get(from..to).unwrap_or_default();
        let start = joined.first().map_or(new.start, |stretch| stretch.start.min(new.start));
        let end = joined.last().map_or(new.end, |stretch| stretch.end.max(new.end));
        if joined.is_empty() && self.covered.len() >= limits::RECORDED_STRETCHES {
            return Err(FragmentError::Scattered);
        }
        self.covered.splice(from..to.max(from), [Interval { start, end }]);
        Ok(())
    }
}

impl<C: Clock> Interval<C> {
    /// From start to end; negative if it ends before it begins.
    #[must_use]
    pub fn length(&self) -> Span {
        self.end - self.start
    }
}

impl<C: Clock> Fragment<C> {
    /// Whether the fragment proves that its time is covered. `[RECORDING-2]`
    ///
    /// # Errors
    /// [`FragmentError`], for all but [`FragmentError::Scattered`].
    pub fn check(&self, frame_gap: Span) -> Result<(), FragmentError> {
        let length = self.last - self.first;
        if self.frames == 0 {
            return Err(FragmentError::Empty);
        }
        if length < Span::ZERO {
            return Err(FragmentError::Backwards { length });
        }
        if length > limits::FRAGMENT_MAX {
            return Err(FragmentError::Long { length });
        }
        // Frames that are on average farther apart than the gap leave at least
        // one silence that is a loss.
        if length > frame_gap.times(i64::from(self.frames) - 1) {
            return Err(FragmentError::Sparse { gap: frame_gap, frames: self.frames, length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Primary;

    const GAP: Span = Span::from_secs(2);

    type Pair = (i64, i64);

    fn at(millis: i64) -> Instant<Primary> {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn interval(start: i64, end: i64) -> Interval<Primary> {
        Interval { start: at(start), end: at(end) }
    }

    fn fragment(first: i64, last: i64) -> Fragment<Primary> {
        let frames = u32::try_from((last - first) / 40 + 1).unwrap();
        Fragment { first: at(first), last: at(last), frames, bytes: 1_000, sha256: [7; 32] }
    }

    fn recording(fragments: &[(i64, i64)]) -> Recording<Primary> {
        let mut recording = Recording::new(GAP);
        for (first, last) in fragments {
            recording.commit(&fragment(*first, *last)).unwrap();
        }
        recording
    }

    #[test]
    fn silences_up_to_the_gap_are_covered_in_any_order_of_arrival() {
        // [RECORDING-1] [RECORDING-3] [RECORDING-6]
        let fragments = [(0, 1_960), (2_000, 3_960), (5_960, 7_000), (9_001, 10_000)];
        let covered = [interval(0, 7_000), interval(9_001, 10_000)];
        let mut order = fragments.to_vec();
        for _ in 0..4 {
            order.rotate_left(1);
            assert_eq!(recording(&order).covered(), covered, "{order:?}");
        }
        let twice = recording(&[fragments.as_slice(), fragments.as_slice()].concat());
        assert_eq!(twice.covered(), covered);
        assert_eq!(twice.totals().fragments, 8);
        assert_eq!(twice.last(), Some(at(10_000)));
    }

    #[test]
    fn losses_are_what_the_window_shows_of_silences_longer_than_the_gap() {
        // [RECORDING-4]
        let recording = recording(&[(0, 1_000), (4_000, 5_000), (20_000, 21_000)]);
        let cases: &[(Pair, &[Pair])] = &[
            ((0, 21_000), &[(1_000, 4_000), (5_000, 20_000)]),
            ((3_500, 6_000), &[(3_500, 4_000), (5_000, 6_000)]),
            ((6_000, 7_000), &[(6_000, 7_000)]),
            ((-2_000, 1_000), &[]),
            ((-2_001, 1_000), &[(-2_001, 0)]),
            ((20_500, 23_000), &[]),
            ((20_500, 23_001), &[(21_000, 23_001)]),
            ((30_000, 40_000), &[(30_000, 40_000)]),
            ((7_000, 7_000), &[]),
        ];
        for ((start, end), expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(s, e)| interval(*s, *e)).collect();
            assert_eq!(recording.losses(interval(*start, *end)), expected, "{start} to {end}");
        }
        let nothing = Recording::<Primary>::new(GAP);
        assert_eq!(nothing.losses(interval(0, 9_000)), [interval(0, 9_000)]);
    }

    #[test]
    fn losses_agree_with_a_second_by_second_reading() {
        // [RECORDING-4]: the same, told from every pair of neighbouring frames.
        let mut seed = 1_u64;
        let mut draw = |below: i64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(seed >> 33).unwrap() % below
        };
        for round in 0..2_000 {
            let mut frames: Vec<i64> = (0..12).map(|_| draw(40) * 500).collect();
            let mut recording = Recording::new(GAP);
            for frame in &frames {
                recording.commit(&fragment(*frame, *frame)).unwrap();
            }
            frames.sort_unstable();
            let naive: Vec<_> = frames
                .windows(2)
                .filter(|pair| pair[1] - pair[0] > 2_000)
                .map(|pair| interval(pair[0], pair[1]))
                .collect();
            let window = interval(frames[0], frames[11]);
            assert_eq!(recording.losses(window), naive, "round {round}: {frames:?}");
        }
    }

    #[test]
    fn fragments_that_could_hide_a_loss_are_refused() {
        // [RECORDING-2]
        let good = fragment(0, 1_000);
        let long = limits::FRAGMENT_MAX + Span::from_nanos(1);
        let cases = [
            (Fragment { frames: 0, ..good }, FragmentError::Empty),
            (
                Fragment { last: at(-1), ..good },
                FragmentError::Backwards { length: Span::from_millis(-1) },
            ),
            (Fragment { last: good.first + long, ..good }, FragmentError::Long { length: long }),
            (
                Fragment { last: at(2_001), frames: 2, ..good },
                FragmentError::Sparse { gap: GAP, frames: 2, length: Span::from_millis(2_001) },
            ),
        ];
        for (bad, error) in cases {
            let mut recording = Recording::new(GAP);
            assert_eq!(recording.commit(&bad), Err(error));
            assert_eq!(recording, Recording::new(GAP));
        }
        assert_eq!(Fragment { last: at(2_000), frames: 2, ..good }.check(GAP), Ok(()));
    }

    #[test]
    fn scattered_recordings_stop_growing() {
        // [RECORDING-5]
        let mut recording = Recording::new(GAP);
        for n in 0..limits::RECORDED_STRETCHES {
            let at = i64::try_from(n).unwrap() * 3_000;
            recording.commit(&fragment(at, at)).unwrap();
        }
        assert_eq!(recording.commit(&fragment(-9_000, -9_000)), Err(FragmentError::Scattered));
        assert_eq!(recording.commit(&fragment(0, 100)), Ok(()), "what joins still counts");
    }
}
