//! What holds now, in a few lines: for whoever watches a session at a desk.
//!
//! Times are in seconds throughout: between two looks only the numbers of a line differ, by
//! which a log knows what is no news. Rejected: minutes, whose words come and go.

use diptych_protocol::clock::Estimate;
use diptych_protocol::device::Device;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::plan::Windows;
use diptych_protocol::primary::{SeatSnapshot, Snapshot};
use diptych_protocol::secondary;
use diptych_protocol::time::{Clock, Instant, Primary, Secondary, Span};

use super::life::STORAGE_FAILED;

/// What is said of a camera that commits frames.
const RECORDING: &str = "recording";

/// The lines of an assistant.
pub(super) struct Assistant<'a> {
    pub(super) snapshot: &'a secondary::Snapshot,
    pub(super) now: Instant<Secondary>,
    /// The same moment on the primary's clock, by which the plan is, once that is known.
    pub(super) there: Option<Instant<Primary>>,
    /// For how long the camera has recorded, since it started or came back.
    pub(super) recording: Option<Span>,
}

impl Assistant<'_> {
    /// What holds; nothing before it has a seat and after its session is over.
    pub(super) fn lines(&self) -> Vec<String> {
        let seen = self.snapshot;
        let Some(role) = seen.role.filter(|_| seen.ending.is_none()) else { return Vec::new() };
        let planned = seen.plan.zip(self.there);
        let more = planned.and_then(|(plan, now)| Some(until(plan.windows(), now)? - now));
        let left = more.map_or(String::new(), left);
        let phase = seen.phase.map_or("waiting for the plan", |phase| phase.name());
        let clock = seen.estimate.as_ref().map_or(String::new(), clock);
        // Before the plan came no link is watched that could be down.
        let unseen = seen.phase.is_none() && seen.link == LinkState::Down;
        let link = format!(" | link {}{clock}", seen.link.name());
        let link = if unseen { "" } else { &link };
        let camera = camera(seen.covered, self.now, None);
        let long = self.recording.filter(|_| camera == RECORDING && seen.lost.is_none());
        let long = long.map_or(String::new(), |long| format!(" for {}", seconds(long)));
        let mut lines = vec![
            format!("{phase}{left}{link}"),
            format!("{:<3} {camera}{long}, {} frames", role.to_string(), seen.frames),
        ];
        lines.extend(seen.check_code.map(|code| format!("compare on both screens: {code:06}")));
        lines.extend(seen.shortfalls.iter().map(|lacks| format!("not ready: {lacks}")));
        lines.extend(seen.storage_failed.then(|| STORAGE_FAILED.to_owned()));
        lines
    }
}

/// The lines of a session at `now`; `until` is when the phase changes.
pub(super) fn lines(
    snapshot: &Snapshot,
    now: Instant<Primary>,
    until: Option<Instant<Primary>>,
) -> Vec<String> {
    let left = until.map_or(String::new(), |until| left(until - now));
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
fn camera<C: Clock>(
    covered: Option<Instant<C>>,
    now: Instant<C>,
    countdown: Option<Span>,
) -> String {
    match covered {
        None => "no frame yet".to_owned(),
        Some(last) if now - last <= Span::from_secs(3) => RECORDING.to_owned(),
        Some(last) => {
            let more = countdown.map_or(String::new(), |more| match more {
                more if more < Span::ZERO => ", TOO LONG".to_owned(),
                more => left(more),
            });
            format!("LOST for {}{more}", seconds(now - last))
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

fn left(span: Span) -> String {
    format!(", {} left", seconds(span))
}

fn seconds(span: Span) -> String {
    format!("{} s", span.nanos() / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use diptych_protocol::device::{Heat, Permissions, Requirements, Shortfall, Switch};
    use diptych_protocol::identity::{Label, Role};
    use diptych_protocol::ledger::Observed;
    use diptych_protocol::plan::{Mode, Phase, Plan};

    use super::*;

    fn at<C: Clock>(seconds: i64) -> Instant<C> {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    /// A device that has no seat.
    const NOTHING: secondary::Snapshot = secondary::Snapshot {
        question: None,
        failure: None,
        role: None,
        label: None,
        check_code: None,
        plan: None,
        phase: None,
        shortfalls: Vec::new(),
        link: LinkState::Down,
        estimate: None,
        take: None,
        covered: None,
        frames: 0,
        lost: None,
        observed: Observed::NOTHING,
        storage_failed: false,
        ending: None,
    };

    #[test]
    fn what_is_lost_is_counted_down() {
        let (last, now) = (at::<Primary>(0), at(12));
        let told = |left: Option<i64>| camera(Some(last), now, left.map(Span::from_secs));
        assert_eq!(told(Some(108)), "LOST for 12 s, 108 s left");
        assert_eq!(told(Some(-1)), "LOST for 12 s, TOO LONG");
        assert_eq!(told(None), "LOST for 12 s");
        assert_eq!(camera(Some(now), now, None), "recording");
    }

    #[test]
    fn an_assistant_s_lines_tell_the_link_the_clock_the_camera_and_what_lacks() {
        let windows = Windows {
            wait_open: at(0),
            wait_close: at(60),
            answer_start: at(60),
            answer_end: at(600),
        };
        let requirements = Requirements {
            battery_percent: 30,
            charger: Switch::Off,
            bytes_per_second: 0,
            heat: Heat::Critical,
            permissions: Permissions::CAMERA,
        };
        let issuer = Label::new("Academy").unwrap();
        let of = |snapshot: &_, there, recording| {
            Assistant { snapshot, now: at(1_000), there, recording }.lines()
        };
        assert_eq!(of(&NOTHING, None, None), [""; 0]);
        let (role, check_code) = (Role::new(1).ok(), Some(12_345));
        let mut seen = secondary::Snapshot { role, check_code, ..NOTHING };
        let waiting = ["waiting for the plan", "A1  no frame yet, 0 frames"];
        assert_eq!(of(&seen, None, None)[..2], waiting);
        assert_eq!(of(&seen, None, None)[2], "compare on both screens: 012345");
        seen.check_code = None;
        seen.plan = Plan::new(Mode::Mock, issuer, 1, windows, requirements).ok();
        (seen.phase, seen.link) = (Some(Phase::Answering), LinkState::Live);
        (seen.covered, seen.frames) = (Some(at(999)), 7_200);
        seen.shortfalls = vec![Shortfall::Battery { required: 30, got: 12 }];
        let (there, long) = (Some(at(100)), Some(Span::from_secs(240)));
        let told = [
            "ANSWERING, 500 s left | link LIVE",
            "A1  recording for 240 s, 7200 frames",
            "not ready: battery 12 %, needs 30 %: charge it or plug it in",
        ];
        assert_eq!(of(&seen, there, long), told);
        // It is back, and how long it was away is not told yet.
        seen.lost = Some(at(900));
        assert_eq!(of(&seen, there, long)[1], "A1  recording, 7200 frames");
        (seen.covered, seen.link, seen.storage_failed) = (Some(at(900)), LinkState::Down, true);
        let told = of(&seen, None, long);
        assert_eq!(told[0], "ANSWERING | link DOWN");
        assert_eq!(told[1], "A1  LOST for 100 s, 7200 frames");
        assert_eq!(told[3], STORAGE_FAILED);
        seen.ending = Some(secondary::Ending::Finished);
        assert_eq!(of(&seen, there, long), [""; 0]);
    }
}
