//! One recording file on the timeline: from the timestamps in it to session time.

use super::{ClockName, Placed, Timeline, with_clocks};
use crate::clock::media::{CameraBudget, FrameFact, MediaMap};
use crate::journal::{Fact, Own, Replayed};
use crate::time::{Instant, Span};

/// A recording and the frames whose capture is known. `[TIMELINE-5]`
#[derive(Clone, Debug)]
pub struct Track {
    /// The clock that its captures were read from.
    pub clock: ClockName,
    /// Which take it belongs to.
    pub take: u32,
    /// SHA-256 of its file name.
    pub file: [u8; 32],
    /// Ticks of its media clock in one second.
    pub timescale: u32,
    within: Span,
    map: MediaMap<Own>,
}

/// A recording while its facts are gathered.
struct Open {
    clock: ClockName,
    take: u32,
    file: [u8; 32],
    timescale: u32,
    within: Span,
    anchors: Vec<FrameFact<Own>>,
}

impl Track {
    /// The recordings that one journal knows, in the order they were begun. One
    /// without an anchor cannot be placed and is left out.
    #[must_use]
    pub fn of(journal: &Replayed) -> Vec<Self> {
        let mut done = Vec::new();
        let mut open: Option<Open> = None;
        for (clock, entry) in with_clocks(journal) {
            if let Fact::RecordingStarted { take, timescale, file } = &entry.fact {
                done.extend(open.take().and_then(Open::close));
                let (take, file, timescale) = (*take, *file, *timescale);
                let (within, anchors) = (Span::ZERO, Vec::new());
                open = Some(Open { clock, take, file, timescale, within, anchors });
            }
            let Fact::MediaAnchor { pts, at, within } = &entry.fact else { continue };
            if let Some(open) = open.as_mut().filter(|open| open.clock == clock)
                && let Some(pts) = ticks(*pts, open.timescale)
            {
                open.within = open.within.max(*within);
                open.anchors.push(FrameFact { pts, at: *at });
            }
        }
        done.extend(open.and_then(Open::close));
        done
    }

    /// When the frame with this timestamp was captured, in session time; `pts` is
    /// in ticks of the recording's media clock. `[TIMELINE-5]`
    #[must_use]
    pub fn place(&self, timeline: &Timeline, pts: i64) -> Option<Placed> {
        let frame = self.map.to_device(ticks(pts, self.timescale)?)?;
        let middle = timeline.place(self.clock, frame.at)?;
        let slack = |bound: Instant<Own>| (bound - frame.at).abs() + self.within;
        Some(Placed {
            low: middle.low - slack(frame.low),
            high: middle.high + slack(frame.high),
            ..middle
        })
    }

    /// What the camera and its logged frames add to the clock's bound.
    #[must_use]
    pub fn media_bound(&self) -> Option<Span> {
        let first = self.map.facts().first()?;
        let frame = self.map.to_device(first.pts)?;
        Some((frame.at - frame.low).max(frame.high - frame.at) + self.within)
    }
}

impl Open {
    fn close(self) -> Option<Track> {
        let container = ticks(1, self.timescale)?;
        let budget = CameraBudget { container, ..CameraBudget::default() };
        let map = MediaMap::new(&self.anchors, budget)?;
        let Self { clock, take, file, timescale, within, .. } = self;
        Some(Track { clock, take, file, timescale, within, map })
    }
}

/// Ticks to nanoseconds, rounded up; `None` for a media clock that stands still.
fn ticks(count: i64, timescale: u32) -> Option<Span> {
    let nanos = i128::from(count).checked_mul(1_000_000_000)?;
    let scale = i128::from(timescale);
    let rounded = nanos.checked_add(scale - 1)?.checked_div_euclid(scale)?;
    i64::try_from(rounded).ok().map(Span::from_nanos)
}
