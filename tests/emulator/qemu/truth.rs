//! How far two guests' clocks are apart, truly.
//!
//! A guest's cycle counter is the host's plus a constant, which a ping-pong over
//! a shared page bounds to a fraction of a microsecond (`guest/bed.c`). Each guest
//! tells its clocks beside its counter all the time, so the offset at any time is
//! read off afterwards, also of a guest that has been killed since.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustix::process::Pid;

use super::guest::{Guest, because, pin};
use super::hardware::image;
use crate::bed::{Trouble, Truth};
use crate::program::bound;

/// A reading whose bracket is wider was preempted.
const WIDEST: i64 = 10_000;
/// Readings further apart than this have a sleep or a pause between them.
const APART_NS: i64 = 1_000_000_000;

/// How many cores this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Kilohertz of the host's cycle counter, measured over a second.
pub(super) fn khz() -> Result<u64, Trouble> {
    static KHZ: OnceLock<Result<u64, Trouble>> = OnceLock::new();
    KHZ.get_or_init(|| {
        let bed = image().join("bed").display().to_string();
        let text = crate::light::run("sh", &["-c", &format!("{bed} read; sleep 1; {bed} read")])?;
        let read: Vec<Vec<u64>> = text.lines().map(numbers).collect();
        let [before, after] = read.as_slice() else { return Err(text) };
        let passed = |which: usize| Some(after.get(which)? - before.get(which)?);
        let khz = passed(0).zip(passed(2)).map(|(counter, ns)| counter * 1_000_000 / ns.max(1));
        khz.ok_or(text)
    })
    .clone()
}

fn numbers<T: std::str::FromStr>(line: &str) -> Vec<T> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The host's half of a calibration, ended with this value.
struct Answering(Child);

impl Drop for Answering {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The counters of the host's processors, between which its own host moves it about,
/// may be this many counts apart: less than half a microsecond.
const APART: i64 = 1_000;

/// Calibrations that contradict each other, since a processor was moved meanwhile, are
/// made anew so often.
const TRIES: u32 = 3;

/// What is added to a guest's counter to get the host's: at least and at most.
pub(super) fn constant(guest: &mut Guest) -> Result<(i64, i64), Trouble> {
    let mut command = bound(image().join("bed"));
    command.arg("answer").arg(guest.hardware().page()).stdout(Stdio::null());
    let answering = Answering(command.spawn().map_err(because("bed answer"))?);
    let other = (guest.hardware().cpu + 1) % cores();
    let id = i32::try_from(answering.0.id()).ok().and_then(Pid::from_raw);
    pin(id, other)?;
    let mut apart = String::new();
    for _ in 0..TRIES {
        let (mut low, mut high) = (i64::MIN, i64::MAX);
        for _ in 0..3 {
            let text = guest.run("bed calibrate")?;
            let bounds: Vec<i64> = numbers(&text);
            if let [least, most] = bounds.as_slice() {
                (low, high) = (low.max(*least), high.min(*most));
            }
        }
        if let Some(agreed) = agreed(low, high) {
            return Ok(agreed);
        }
        apart = format!("{low} {high}");
    }
    Err(format!("the counter's constant contradicts itself: {apart}"))
}

/// What calibrations allow together that found these limits. Processors that are seen
/// to be apart are taken to be twice as far apart.
fn agreed(low: i64, high: i64) -> Option<(i64, i64)> {
    let apart = low.saturating_sub(high);
    let wider = apart.max(0);
    (apart <= APART).then(|| (low.min(high) - wider, high.max(low) + wider))
}

/// One boot of a guest: stretches in which the constant stayed the same.
type Boot = Vec<Run>;

/// What a guest's counter lacks, and its clock beside its counter.
#[derive(Default)]
struct Run {
    /// `None` until it is calibrated.
    constant: Option<(i64, i64)>,
    /// Guest's counter and boot clock.
    readings: Vec<(i64, i64)>,
}

/// One guest's clocks against the host's counter, for all of its boots.
#[derive(Clone, Default)]
pub(super) struct Track(Arc<Mutex<(String, BTreeMap<String, Boot>)>>);

impl Track {
    /// Takes a line of `bed sample`, of the boot that was named last.
    pub(super) fn take(&self, line: &str) {
        let read: Vec<i64> = numbers(line);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (boot, boots) = &mut *all;
        if let [counter, width, clock, _, _] = read[..]
            && width <= WIDEST
        {
            let runs = boots.entry(boot.clone()).or_default();
            if runs.is_empty() {
                runs.push(Run::default());
            }
            if let Some(run) = runs.last_mut() {
                run.readings.push((counter, clock));
            }
        }
    }

    /// Readings from now on are of a boot that has no name yet.
    pub(super) fn anew(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.clear();
        all.1.remove("");
    }

    /// Names the boot that runs, and calibrates it, or calibrates it once more: the
    /// two have to agree. Yields the nanoseconds that the constant is known within.
    pub(super) fn calibrate(&self, guest: &mut Guest) -> Result<i64, Trouble> {
        let boot = guest.run("cat /proc/sys/kernel/random/boot_id")?.replace('-', "");
        let (low, high) = constant(guest)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (named, boots) = &mut *all;
        if named.is_empty() {
            let nameless = boots.remove("").unwrap_or_default();
            boots.insert(boot.clone(), nameless);
            named.clone_from(&boot);
        }
        let runs = boots.entry(boot).or_default();
        if runs.is_empty() {
            runs.push(Run::default());
        }
        let entry = runs.last_mut().ok_or("no run")?;
        let (least, most) = entry.constant.unwrap_or((low, high));
        let (low, high) = agreed(low.max(least), high.min(most))
            .ok_or_else(|| format!("the counter's constant moved: {low} {high}, {least} {most}"))?;
        entry.constant = Some((low, high));
        within(low, high)
    }

    /// From now on the constant is another, which has to be found anew.
    pub(super) fn moved(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (named, boots) = &mut *all;
        boots.entry(named.clone()).or_default().push(Run::default());
    }

    /// How far `other` is ahead of this clock when this one shows `clock`, in the
    /// boots of those names.
    pub(super) fn ahead(&self, other: &Self, boots: (&str, &str), clock: i64) -> Option<Truth> {
        let (own, others) = boots;
        let (counter, within_ns) = self.with(own, |run| {
            let (low, high) = run.constant?;
            let counter = between(&run.readings, clock, |(counter, shown)| (shown, counter))?;
            Some((counter + low + (high - low) / 2, within(low, high).ok()?))
        })?;
        other.with(others, |run| {
            let (low, high) = run.constant?;
            let own = counter - low - (high - low) / 2;
            let shown = between(&run.readings, own, |reading| reading)?;
            let within_ns = within_ns + within(low, high).ok()?;
            Some(Truth { offset_ns: shown - clock, within_ns })
        })
    }

    /// What this clock showed in the middle and at the end of the boot of that
    /// name, as far as it was read.
    pub(super) fn later_half(&self, boot: &str) -> Option<(i64, i64)> {
        self.with(boot, |run| {
            let middle = run.readings.get(run.readings.len() / 2)?;
            let end = run.readings.len().checked_sub(20)?;
            Some((middle.1, run.readings.get(end)?.1))
        })
    }

    /// The longest time between two readings, which come every 50 ms if the guest
    /// gets its processor.
    pub(super) fn longest_silence(&self) -> Option<i64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = all.1.values().flatten();
        let gap = |pair: &[(i64, i64)]| match pair {
            [before, after] => after.1 - before.1,
            _ => 0,
        };
        runs.flat_map(|run| run.readings.windows(2).map(gap)).max()
    }

    /// The boot that runs.
    pub(super) fn boot(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn with<T>(&self, boot: &str, ask: impl Fn(&Run) -> Option<T>) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.1.get(boot)?.iter().find_map(ask)
    }
}

/// Half the width, in nanoseconds.
fn within(low: i64, high: i64) -> Result<i64, Trouble> {
    let khz = i64::try_from(khz()?).map_err(because("counter"))?;
    Ok((high - low).saturating_mul(1_000_000) / khz.max(1) / 2 + 1)
}

/// Linear between the two readings around `x`, if no sleep lies between them.
fn between(readings: &[(i64, i64)], x: i64, of: impl Fn((i64, i64)) -> (i64, i64)) -> Option<i64> {
    let after = readings.partition_point(|reading| of(*reading).0 < x);
    let (before, after) = (*readings.get(after.checked_sub(1)?)?, *readings.get(after)?);
    if after.1 - before.1 > APART_NS {
        return None;
    }
    let ((x0, y0), (x1, y1)) = (of(before), of(after));
    let part = i128::from(y1 - y0) * i128::from(x - x0) / i128::from((x1 - x0).max(1));
    Some(y0 + i64::try_from(part).ok()?)
}
