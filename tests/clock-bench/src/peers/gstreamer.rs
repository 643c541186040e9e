//! GStreamer's network client clock: exchanges with long round trips are
//! dropped, a least-squares line through the last 32 others is the clock, and
//! its fit decides how soon to ask again.

use std::collections::VecDeque;

use super::{MILLI, SECOND, UDP, median};
use crate::method::{Exchange, Prober, Reading};

const TIMEOUT: i64 = SECOND;
const MAX_RTT: i64 = SECOND;
const MEDIAN_OF: usize = 9;
const WINDOW: usize = 32;
const NEEDED: usize = 4;
const LEAST_APART: i64 = 50 * MILLI;
const APART_AFTER_REJECT: i64 = 250 * MILLI;
/// An update that would jump is skipped so often, then taken.
const SKIPS: u32 = 5;

/// The state of a client; the line is (at, offset there, slope), in seconds
/// relative to the first exchange.
#[derive(Debug, Default)]
pub(crate) struct GStreamer {
    due: i64,
    first: Option<(i64, i64)>,
    last_rtts: VecDeque<f64>,
    average_rtt: Option<f64>,
    window: VecDeque<(f64, f64)>,
    line: Option<(f64, f64, f64)>,
    skipped: u32,
    latest_remote: Option<i64>,
    corrupted: bool,
}

impl GStreamer {
    /// Whether an exchange is worth a place in the window.
    fn accepts(&mut self, rtt: f64) -> bool {
        if rtt > MAX_RTT as f64 {
            return false;
        }
        self.last_rtts.push_back(rtt);
        if self.last_rtts.len() > MEDIAN_OF {
            self.last_rtts.pop_front();
        }
        if self.last_rtts.len() == MEDIAN_OF {
            let mut rtts: Vec<f64> = self.last_rtts.iter().copied().collect();
            if median(&mut rtts).is_some_and(|middle| rtt > 2.0 * middle) {
                return false;
            }
        }
        let average = self.average_rtt.unwrap_or(rtt);
        let share = if rtt < average { 4.0 } else { 16.0 };
        let average = average + (rtt - average) / share;
        self.average_rtt = Some(average);
        rtt <= 2.0 * average
    }

    /// Takes the new line, unless it jumps; then a clamped part of it, or
    /// nothing for a few times.
    fn take(&mut self, at: f64, offset: f64, slope: f64) {
        let most = self.average_rtt.unwrap_or(0.0) / 4e9;
        let Some((from, old, old_slope)) = self.line else {
            self.line = Some((at, offset, slope));
            return;
        };
        let expected = old + old_slope * (at - from);
        let jump = offset - expected;
        if jump.abs() > most && self.skipped < SKIPS {
            self.skipped += 1;
            return;
        }
        let full = self.window.len() >= WINDOW;
        let allowed = if full && self.skipped == 0 { jump.clamp(-most, most) } else { jump };
        self.skipped = 0;
        self.line = Some((at, expected + allowed, slope));
    }
}

impl Prober for GStreamer {
    fn bytes(&self) -> (u32, u32) {
        (UDP + 12, UDP + 16)
    }

    fn due(&self) -> i64 {
        self.due
    }

    fn act(&mut self, now: i64) -> bool {
        self.due = now + TIMEOUT;
        true
    }

    fn observe(&mut self, exchange: &Exchange) {
        // One remote time only: the moment of the answer.
        let remote = exchange.t3;
        let back = self.latest_remote.replace(remote).is_some_and(|latest| remote < latest);
        self.corrupted |= back;
        if self.corrupted {
            return;
        }
        let local = exchange.middle();
        let (t0, x0) = *self.first.get_or_insert((local, remote - local));
        if !self.accepts((exchange.t4 - exchange.t1) as f64) {
            self.due = exchange.t4 + APART_AFTER_REJECT;
            return;
        }
        self.window.push_back(((local - t0) as f64 / 1e9, (remote - local - x0) as f64 / 1e9));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        self.due = exchange.t4 + LEAST_APART;
        if self.window.len() < NEEDED {
            return;
        }
        let (middle, offset, slope, misfit) = least_squares(&self.window);
        let now = (exchange.t4 - t0) as f64 / 1e9;
        self.take(now, offset + slope * (now - middle), slope);
        let apart = if misfit > 0.0 { (1e-3 / misfit * 1e9) as i64 } else { TIMEOUT };
        self.due = exchange.t4 + apart.clamp(LEAST_APART, TIMEOUT);
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        let (t0, x0) = self.first?;
        let (from, offset, slope) = self.line?;
        let t = (at - t0) as f64 / 1e9;
        Some(Reading::bare(x0 + ((offset + slope * (t - from)) * 1e9) as i64))
    }
}

/// (mean time, offset there, slope, 1 − r² of remote against local time).
fn least_squares(points: &VecDeque<(f64, f64)>) -> (f64, f64, f64, f64) {
    let n = points.len() as f64;
    let t = points.iter().map(|point| point.0).sum::<f64>() / n;
    let x = points.iter().map(|point| point.1).sum::<f64>() / n;
    let (mut tt, mut tx, mut xx) = (0.0, 0.0, 0.0);
    for (at, offset) in points {
        tt += (at - t) * (at - t);
        tx += (at - t) * (offset - x);
        xx += (offset - x) * (offset - x);
    }
    let slope = if tt > 0.0 { tx / tt } else { 0.0 };
    // Remote = local + offset, so the residual is that of the offset.
    let residual = (xx - slope * tx).max(0.0);
    let remote = tt + 2.0 * tx + xx;
    (t, x, slope, if remote > 0.0 { residual / remote } else { 0.0 })
}
