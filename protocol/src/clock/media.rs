//! From the timestamps in a video file to the device's clock.
//!
//! A container counts in its own units from its own zero, may drop frames, and on
//! some phones was stamped by another clock than the camera. So the recorder logs,
//! for some frames, what the container says and what the device's clock says, and
//! the map is drawn through these facts. The camera then adds what no clock can
//! know: when within the frame the light of one row fell on the sensor. Each such
//! part is listed on its own, because a sum explains nothing.
//!
//! Rejected: frame number divided by frame rate (dropped frames and edit lists
//! break it), and a single offset per file (recorders drift against the device's
//! clock).

use super::model::saturate;
use crate::limits;
use crate::time::{Clock, Instant, Span};

/// One frame whose two times were logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FrameFact<C: Clock> {
    /// The container's timestamp, converted to nanoseconds.
    pub pts: Span,
    /// The device's clock at the start of the frame's exposure.
    pub at: Instant<C>,
}

/// What a camera and container add to the error of an instant. `[CLOCK-29]`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CameraBudget {
    /// From one frame to the next: something that happens between two frames is
    /// seen in the later one.
    pub frame: Span,
    /// From the first row's exposure to the last row's.
    pub readout: Span,
    /// How long one row is exposed.
    pub exposure: Span,
    /// One unit of the container's timescale: 1/90 000 s is 11,112 ns.
    pub container: Span,
}

/// A media time on the device's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaInstant<C: Clock> {
    /// The start of the frame's exposure, most likely.
    pub at: Instant<C>,
    /// What is shown happened certainly not before.
    pub low: Instant<C>,
    /// What is shown happened certainly not after.
    pub high: Instant<C>,
    /// How far the logged facts disagree with the line between them.
    pub fit: Span,
}

/// PTS to device clock for one file: a line through logged frames. `[CLOCK-28]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaMap<C: Clock> {
    facts: Vec<FrameFact<C>>,
    budget: CameraBudget,
    fit: Span,
}

impl<C: Clock> MediaMap<C> {
    /// A line through `facts`, in any order. Facts that would make time run
    /// backwards are left out, and beyond
    /// [`CLOCK_MEDIA_FACTS`](limits::CLOCK_MEDIA_FACTS) every second one, and so on.
    /// `None` without a fact.
    #[must_use]
    pub fn new(facts: &[FrameFact<C>], budget: CameraBudget) -> Option<Self> {
        let mut sorted = facts.to_vec();
        sorted.sort_unstable();
        let mut kept: Vec<FrameFact<C>> = Vec::new();
        for fact in sorted {
            if kept.last().is_none_or(|last| last.pts < fact.pts && last.at < fact.at) {
                kept.push(fact);
            }
        }
        let step = kept.len().div_ceil(limits::CLOCK_MEDIA_FACTS).max(1);
        let mut map = Self { facts: Vec::new(), budget, fit: Span::ZERO };
        map.facts = kept.iter().copied().step_by(step).collect();
        map.fit =
            kept.iter().filter_map(|fact| Some((map.line(fact.pts)? - fact.at).abs())).max()?;
        Some(map)
    }

    /// Where `pts` lies on the device's clock; beyond the logged frames the last
    /// line goes on. `[CLOCK-28]` `[CLOCK-29]`
    #[must_use]
    pub fn to_device(&self, pts: Span) -> Option<MediaInstant<C>> {
        let at = self.line(pts)?;
        let CameraBudget { frame, readout, exposure, container } = self.budget;
        let slack = self.fit + container;
        Some(MediaInstant {
            at,
            low: at - slack - frame,
            high: at + slack + readout + exposure,
            fit: self.fit,
        })
    }

    /// What the camera adds, part by part.
    #[must_use]
    pub const fn budget(&self) -> CameraBudget {
        self.budget
    }

    /// The frames that the map goes through.
    #[must_use]
    pub fn facts(&self) -> &[FrameFact<C>] {
        &self.facts
    }

    fn line(&self, pts: Span) -> Option<Instant<C>> {
        let index = self.facts.partition_point(|fact| fact.pts <= pts);
        let left = index.saturating_sub(1).min(self.facts.len().saturating_sub(2));
        let from = self.facts.get(left)?;
        let Some(to) = self.facts.get(left + 1) else {
            return Some(from.at + (pts - from.pts));
        };
        let run = i128::from((to.pts - from.pts).nanos()).max(1);
        let rise = i128::from((to.at - from.at).nanos());
        let part = i128::from((pts - from.pts).nanos());
        let along = (2 * part * rise + run).div_euclid(2 * run);
        Some(from.at + Span::from_nanos(saturate(along)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Secondary;

    fn fact(pts_ms: i64, at_ns: i64) -> FrameFact<Secondary> {
        FrameFact { pts: Span::from_millis(pts_ms), at: Instant::from_nanos(at_ns) }
    }

    #[test]
    fn a_line_runs_through_the_logged_frames_and_beyond() {
        // [CLOCK-28]
        let facts = [fact(1_000, 8_000_100_000), fact(0, 7_000_000_000)];
        let map = MediaMap::new(&facts, CameraBudget::default()).unwrap();
        let at = |ms| map.to_device(Span::from_millis(ms)).unwrap().at.nanos();
        assert_eq!(at(500), 7_500_050_000);
        assert_eq!(at(2_000), 9_000_200_000);
        assert_eq!(at(-1_000), 5_999_900_000);
    }

    #[test]
    fn the_camera_widens_each_side_by_its_own_parts() {
        // [CLOCK-29]
        let budget = CameraBudget {
            frame: Span::from_micros(33_333),
            readout: Span::from_millis(20),
            exposure: Span::from_millis(10),
            container: Span::from_nanos(11_112),
        };
        let facts = [fact(0, 0), fact(1_000, 1_000_000_000)];
        let there =
            MediaMap::new(&facts, budget).unwrap().to_device(Span::from_millis(100)).unwrap();
        assert_eq!(there.at.nanos(), 100_000_000);
        assert_eq!(there.at - there.low, Span::from_nanos(33_344_112));
        assert_eq!(there.high - there.at, Span::from_nanos(30_011_112));
    }

    #[test]
    fn facts_that_run_backwards_are_left_out_and_none_is_no_map() {
        // [CLOCK-28]
        assert!(MediaMap::<Secondary>::new(&[], CameraBudget::default()).is_none());
        let facts = [fact(0, 0), fact(500, -7), fact(1_000, 1_000_000_000)];
        let map = MediaMap::new(&facts, CameraBudget::default()).unwrap();
        assert_eq!(map.facts().len(), 2);
    }
}
