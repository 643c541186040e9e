//! The peers: what others do about two clocks, written from descriptions of
//! their behaviour, or driven as the crates that they are.
//!
//! Each keeps the schedule, the constants and the claims of its original, also
//! where those hurt it. Offsets are taken relative to the first one, so that
//! floating-point filters work near zero as they do in their own programs.

#[cfg(feature = "clock-bound")]
pub(crate) mod clockbound;
pub(crate) mod gstreamer;
pub(crate) mod lsl;
#[cfg(feature = "ntp-proto")]
pub(crate) mod ntp;
pub(crate) mod rusty;
pub(crate) mod sendspin;
pub(crate) mod snapcast;
pub(crate) mod softwaresync;
pub(crate) mod statime;

/// One second.
const SECOND: i64 = 1_000_000_000;
/// One millisecond.
const MILLI: i64 = 1_000_000;

/// IP and UDP headers.
const UDP: u32 = 28;
/// IP and TCP headers, with timestamps.
const TCP: u32 = 52;

/// The middle value; the mean of the two middle ones of an even number.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.len() % 2, values.get(half)) {
        (1, Some(middle)) => Some(*middle),
        (_, Some(upper)) => Some((values[half - 1] + upper) / 2.0),
        (_, None) => None,
    }
}

/// A question every second, the next one when its time comes, answered or not.
#[derive(Clone, Copy, Debug, Default)]
struct EverySecond {
    due: i64,
}

impl EverySecond {
    fn act(&mut self, now: i64) -> bool {
        self.due = now + SECOND;
        true
    }
}
