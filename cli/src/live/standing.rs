//! What holds now, in a few lines: for whoever watches a session at a desk.

use diptych_protocol::clock::Estimate;
use diptych_protocol::device::Device;
use diptych_protocol::plan::Windows;
use diptych_protocol::primary::{SeatSnapshot, Snapshot};
use diptych_protocol::time::{Instant, Primary, Span};

/// The lines of a session at `now`; `until` is when the phase changes.
pub(super) fn lines(
    snapshot: &Snapshot,
    now: Instant<Primary>,
    until: Option<Instant<Primary>>,
) -> Vec<String> {
    let left = until.map_or(String::new(), |until| format!(", {} left", seconds(until - now)));
    let tally = &snapshot.tally;
    let remaining = tally.remaining.map_or("any number".to_owned(), |n| n.to_string());
    let mut lines = vec![
        format!(
            "{}{left} | interruptions: {} counted, {} open, {remaining} left",
            snapshot.phase.name(),
            tally.confirmed,
            tally.pending
        ),
        format!(
            "P   {}, {} frames{}",
            camera(snapshot.covered, now, snapshot.countdown),
            snapshot.frames,
            health(snapshot.device.as_ref())
        ),
    ];
    lines.extend(snapshot.seats.iter().map(|seat| self::seat(seat, now)));
    lines
}

/// When the phase at `now` changes, as planned.
pub(super) fn until(windows: Windows, now: Instant<Primary>) -> Option<Instant<Primary>> {
    let Windows { wait_open, wait_close, answer_start, answer_end } = windows;
    [wait_open, wait_close, answer_start, answer_end].into_iter().find(|end| *end > now)
}

fn seat(seat: &SeatSnapshot, now: Instant<Primary>) -> String {
    if let Some(why) = seat.cannot_return {
        let role = seat.role.to_string();
        return format!(
            "{role:<3} refused ({why}): type `replace {role}`, scan with another phone"
        );
    }
    let code = seat.check_code.map_or(String::new(), |code| format!(", check code {code:06}"));
    let clock = seat.estimate.as_ref().map_or(String::new(), clock);
    format!(
        "{:<3} {}, {}, {} frames{clock}{}{code}",
        seat.role.to_string(),
        seat.link.name(),
        camera(seat.covered, now, seat.countdown),
        seat.frames,
        health(seat.device.as_ref())
    )
}

/// The camera, by its last committed frame, and what is left of the time that it may be
/// lost.
fn camera(
    covered: Option<Instant<Primary>>,
    now: Instant<Primary>,
    countdown: Option<Span>,
) -> String {
    match covered {
        None => "no frame yet".to_owned(),
        Some(last) if now - last <= Span::from_secs(3) => "recording".to_owned(),
        Some(last) => {
            let left = countdown.map_or(String::new(), |left| match left {
                left if left < Span::ZERO => ", TOO LONG".to_owned(),
                left => format!(", {} left", seconds(left)),
            });
            format!("LOST for {}{left}", seconds(now - last))
        }
    }
}

fn clock(estimate: &Estimate) -> String {
    let bound = (estimate.high - estimate.offset).max(estimate.offset - estimate.low);
    let micros = bound.nanos() / 1_000;
    format!(", clock ±{}.{:03} ms", micros / 1_000, micros % 1_000)
}

fn health(device: Option<&Device>) -> String {
    let Some(device) = device else { return String::new() };
    let battery =
        device.battery_percent.map_or(String::new(), |left| format!(", battery {left} %"));
    let free =
        device.free_bytes.map_or(String::new(), |free| format!(", {} GB", free / 1_000_000_000));
    battery + &free
}

fn seconds(span: Span) -> String {
    format!("{} s", span.nanos() / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_down() {
        let (last, now) = (Instant::from_nanos(0), Instant::from_nanos(0) + Span::from_secs(12));
        let told = |left: Option<i64>| camera(Some(last), now, left.map(Span::from_secs));
        assert_eq!(told(Some(108)), "LOST for 12 s, 108 s left");
        assert_eq!(told(Some(-1)), "LOST for 12 s, TOO LONG");
        assert_eq!(told(None), "LOST for 12 s");
        assert_eq!(camera(Some(now), now, None), "recording");
    }
}
