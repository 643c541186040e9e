//! How far two guests' clocks are apart, truly.
//!
//! A guest's cycle counter is the host's plus a constant, which a ping-pong over
//! a shared page bounds to a fraction of a microsecond (`guest/bed.c`). Each guest
//! writes its clocks down beside its counter, so the offset at any time is read
//! off afterwards.

use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::guest::{Guest, image};

/// A reading whose bracket is wider was preempted.
const WIDEST: i64 = 10_000;

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Kilohertz of the host's cycle counter, measured over a second.
pub(crate) fn khz() -> u64 {
    static KHZ: OnceLock<u64> = OnceLock::new();
    *KHZ.get_or_init(|| {
        let bed = image().join("bed").display().to_string();
        let line = format!("{bed} read; sleep 1; {bed} read");
        let ran = Command::new("sh").args(["-c", &line]).output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        let read: Vec<Vec<u64>> = text.lines().map(numbers).collect();
        (read[1][0] - read[0][0]) * 1_000_000 / (read[1][2] - read[0][2])
    })
}

fn numbers<T: std::str::FromStr>(line: &str) -> Vec<T> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The host's half of a calibration, ended with this value.
struct Answering(Child);

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is added to a guest's counter to get the host's: at least and at most.
pub(crate) fn constant(guest: &mut Guest) -> (i64, i64) {
    let page = guest.hardware.page();
    let bed = image().join("bed");
    let child = Command::new(bed).arg("answer").arg(page).stdin(Stdio::null()).spawn().unwrap();
    let answering = Answering(child);
    let mut set = CpuSet::new();
    set.set((guest.hardware.cpu + 1) % cores());
    sched_setaffinity(Some(Pid::from_child(&answering.0)), &set).unwrap();
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    for _ in 0..3 {
        let (code, text) = guest.attempt("bed calibrate");
        let bounds: Vec<i64> = numbers(&text);
        if let (0, [least, most]) = (code, bounds.as_slice()) {
            (low, high) = (low.max(*least), high.min(*most));
        }
    }
    assert!(low <= high, "the cycle counter's constant contradicts itself: {low} {high}");
    (low, high)
}

/// One guest's clocks against the host's counter: pairs of counter and clock.
pub(crate) struct Track {
    readings: Vec<(i64, i64)>,
    /// Half the width of what is known of the constant, in nanoseconds.
    pub(crate) within_ns: i64,
}

impl Track {
    /// Begins to write the guest's clocks down.
    pub(crate) fn begin(guest: &mut Guest) {
        guest.run("bed sample 50 /run/clock >/dev/null 2>&1 &");
    }

    /// Reads what was written, with the counter made the host's.
    pub(crate) fn of(guest: &mut Guest) -> Self {
        let (low, high) = constant(guest);
        let text = String::from_utf8(guest.read("/run/clock")).unwrap();
        let lines = text.lines().map(numbers::<i64>);
        let good = lines.filter(|line| line.len() == 5 && line[1] <= WIDEST);
        let readings = good.map(|line| (line[0] + low + (high - low) / 2, line[2])).collect();
        let khz = i64::try_from(khz()).unwrap();
        Self { readings, within_ns: (high - low) * 1_000_000 / khz / 2 + 1 }
    }

    /// The host's counter when this guest's clock showed `clock`, if it was being
    /// written down then.
    fn counter_at(&self, clock: i64) -> Option<i64> {
        between(&self.readings, clock, |(counter, shown)| (shown, counter))
    }

    /// What this guest's clock showed at the host's `counter`.
    fn clock_at(&self, counter: i64) -> Option<i64> {
        between(&self.readings, counter, |reading| reading)
    }

    /// How far `other` is ahead of this clock when this one shows `clock`, in
    /// nanoseconds.
    pub(crate) fn ahead(&self, other: &Self, clock: i64) -> Option<i64> {
        Some(other.clock_at(self.counter_at(clock)?)? - clock)
    }
}

/// Linear between the two readings around `x`.
fn between(readings: &[(i64, i64)], x: i64, of: impl Fn((i64, i64)) -> (i64, i64)) -> Option<i64> {
    let after = readings.partition_point(|reading| of(*reading).0 < x);
    let ((x0, y0), (x1, y1)) =
        (of(*readings.get(after.checked_sub(1)?)?), of(*readings.get(after)?));
    let part = i128::from(y1 - y0) * i128::from(x - x0) / i128::from((x1 - x0).max(1));
    Some(y0 + i64::try_from(part).ok()?)
}
