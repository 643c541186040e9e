//! Lab Streaming Layer: waves of questions, the answer with the smallest round
//! trip of each wave counts until the next. Live that is all; afterwards
//! pyxdf draws a robust straight line through the waves that were recorded.

use super::{MILLI, SECOND, UDP, median};
use crate::method::{Asked, Exchange, Prober, Reading};

const PROBES: usize = 8;
const SPACING: i64 = 64 * MILLI;
const MAX_RTT: i64 = 128 * MILLI;
const NEEDED: usize = 6;

/// The waves, common to both.
#[derive(Debug)]
struct Waves {
    due: i64,
    apart: i64,
    began: i64,
    asked: usize,
    answers: Vec<Exchange>,
}

impl Waves {
    const fn every(apart: i64) -> Self {
        Self { due: 0, apart, began: 0, asked: 0, answers: Vec::new() }
    }

    /// Whether to ask now, and the best of a wave that is over.
    fn act(&mut self, now: i64) -> (bool, Option<Exchange>) {
        if self.asked == 0 {
            self.began = now;
        }
        if self.asked < PROBES {
            self.asked += 1;
            self.due = now + if self.asked < PROBES { SPACING } else { MAX_RTT };
            return (true, None);
        }
        let enough = self.answers.len() >= NEEDED;
        let best = self.answers.iter().min_by_key(|answer| answer.rtt()).copied();
        self.answers.clear();
        self.asked = 0;
        self.due = (self.began + self.apart).max(now + 1);
        (false, best.filter(|_| enough))
    }

    fn observe(&mut self, exchange: &Exchange) {
        if self.asked > 0 && exchange.rtt() <= MAX_RTT && exchange.t1 >= self.began {
            self.answers.push(*exchange);
        }
    }
}

/// Text datagrams with times written out as decimal fractions.
const BYTES: (u32, u32) = (UDP + 60, UDP + 90);

/// The live estimate.
#[derive(Debug)]
pub(crate) struct Lsl {
    waves: Waves,
    best: Option<Exchange>,
}

impl Default for Lsl {
    fn default() -> Self {
        Self { waves: Waves::every(2 * SECOND), best: None }
    }
}

impl Prober for Lsl {
    fn bytes(&self) -> (u32, u32) {
        BYTES
    }

    fn due(&self) -> i64 {
        self.waves.due
    }

    fn act(&mut self, now: i64) -> bool {
        let (asks, best) = self.waves.act(now);
        self.best = best.or(self.best);
        asks
    }

    fn observe(&mut self, exchange: &Exchange) {
        self.waves.observe(exchange);
    }

    fn reading(&mut self, _at: i64) -> Option<Reading> {
        // It reports the whole round trip as uncertainty; half of it is what
        // the exchange proves, and the fairer figure to compare with.
        self.best.map(|best| Reading::within(best.offset(), best.rtt() / 2))
    }
}

/// LabRecorder and pyxdf.
#[derive(Debug)]
pub(crate) struct Pyxdf {
    waves: Waves,
    /// (primary's time, offset), in seconds, relative to the first.
    offsets: Vec<(f64, f64)>,
    first: Option<(i64, i64)>,
    /// (from, intercept, slope) of each segment.
    lines: Vec<(f64, f64, f64)>,
}

impl Default for Pyxdf {
    fn default() -> Self {
        let waves = Waves::every(5 * SECOND);
        Self { waves, offsets: Vec::new(), first: None, lines: Vec::new() }
    }
}

impl Prober for Pyxdf {
    fn asked(&self) -> Asked {
        Asked::Afterwards
    }

    fn bytes(&self) -> (u32, u32) {
        BYTES
    }

    fn due(&self) -> i64 {
        self.waves.due
    }

    fn act(&mut self, now: i64) -> bool {
        let (asks, best) = self.waves.act(now);
        if let Some(best) = best {
            let (t0, x0) = *self.first.get_or_insert((best.middle(), best.offset()));
            let t = (best.middle() - t0) as f64 / 1e9;
            self.offsets.push((t, (best.offset() - x0) as f64 / 1e9));
        }
        asks
    }

    fn observe(&mut self, exchange: &Exchange) {
        self.waves.observe(exchange);
    }

    fn finish(&mut self) {
        let mut from = 0;
        for end in resets(&self.offsets).into_iter().chain([self.offsets.len()]) {
            let segment = &self.offsets[from..end];
            if let (Some((start, _)), Some((a, b))) = (segment.first(), huber_line(segment)) {
                self.lines.push((*start, a, b));
            }
            from = end;
        }
    }

    fn reading(&mut self, at: i64) -> Option<Reading> {
        let (t0, x0) = self.first?;
        let t = (at - t0) as f64 / 1e9;
        let line = self.lines.iter().rev().find(|(from, ..)| *from <= t).or(self.lines.first());
        line.map(|(_, a, b)| Reading::bare(x0 + ((a + b * t) * 1e9) as i64))
    }
}

/// Where a clock was reset: a gap well above the usual one together with a
/// jump well above the usual ones.
fn resets(offsets: &[(f64, f64)]) -> Vec<usize> {
    let steps: Vec<(f64, f64)> =
        offsets.windows(2).map(|w| (w[1].0 - w[0].0, (w[1].1 - w[0].1).abs())).collect();
    let scale = |values: &[f64]| {
        let middle = median(&mut values.to_vec()).unwrap_or(0.0);
        let mut off: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        (middle, median(&mut off).unwrap_or(0.0) + 1e-12)
    };
    let gaps: Vec<f64> = steps.iter().map(|step| step.0).collect();
    let jumps: Vec<f64> = steps.iter().map(|step| step.1).collect();
    let ((gap, gap_scale), (jump, jump_scale)) = (scale(&gaps), scale(&jumps));
    (1..offsets.len())
        .filter(|at| {
            let (dt, dx) = steps[at - 1];
            dt > 5.0 && (dt - gap) / gap_scale > 5.0 && dx > 1.0 && (dx - jump) / jump_scale > 10.0
        })
        .collect()
}

/// The straight line with the least Huber loss, by reweighting.
fn huber_line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    const THRESHOLD: f64 = 1e-4;
    const ROUNDS: usize = 200;
    let mut line = weighted_line(points, |_| 1.0)?;
    for _ in 0..ROUNDS {
        let (a, b) = line;
        line = weighted_line(points, |(t, x)| {
            let off = (x - a - b * t).abs();
            if off <= THRESHOLD { 1.0 } else { THRESHOLD / off }
        })?;
    }
    Some(line)
}

/// Weighted least squares: (intercept, slope); a level line for one point.
fn weighted_line(points: &[(f64, f64)], weight: impl Fn((f64, f64)) -> f64) -> Option<(f64, f64)> {
    let (mut w, mut t, mut x) = (0.0, 0.0, 0.0);
    for point in points {
        let k = weight(*point);
        w += k;
        t += k * point.0;
        x += k * point.1;
    }
    if w <= 0.0 {
        return None;
    }
    let (t, x) = (t / w, x / w);
    let (mut tt, mut tx) = (0.0, 0.0);
    for point in points {
        let k = weight(*point);
        tt += k * (point.0 - t) * (point.0 - t);
        tx += k * (point.0 - t) * (point.1 - x);
    }
    let slope = if tt > 0.0 { tx / tt } else { 0.0 };
    Some((x - slope * t, slope))
}
