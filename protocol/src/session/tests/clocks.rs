//! What begins a clock epoch, and what both devices know of the clocks.

use super::*;
use crate::clock::Epoch;

/// The clock epoch of the latest message of `by` that names it.
fn epoch(pair: &Pair, by: Role) -> u16 {
    let stamps = pair.timing.iter().rev().filter(|(_, of, _)| *of == by);
    let mut epochs = stamps.filter_map(|(.., message)| match message {
        wire::Timing::Probe(probe) => Some(probe.stamp.epoch),
        wire::Timing::Heartbeat(beat) => Some(beat.pulse.stamp.epoch),
        wire::Timing::Pulse(pulse) => Some(pulse.stamp.epoch),
        wire::Timing::ShortProbe(_) | wire::Timing::ShortPulse(_) => None,
    });
    Epoch::from_wire(epochs.next().unwrap()).clock
}

#[test]
fn every_sleep_of_either_device_begins_a_clock_epoch() {
    // [CLOCK-12] [CLOCK-13]: the first as well as the second.
    let span = Span::from_secs(2);
    for asleep in [Role::PRIMARY, Role::new(1).unwrap()] {
        let mut pair = Pair::new().run_until(110_000_000_000);
        for until in [115_000_000_000, 120_000_000_000] {
            let before = epoch(&pair, asleep);
            if asleep == Role::PRIMARY {
                let now = pair.p.clock(pair.truth);
                pair.p.machine.handle(now, Input::Slept { span });
                assert_eq!(pair.p.machine.snapshot(now).seats[0].estimate, None);
            } else {
                let now = pair.a.clock(pair.truth);
                pair.a.machine.handle(now, Input::Slept { span });
                assert_eq!(pair.a.machine.snapshot(now).estimate, None);
            }
            pair = pair.run_until(until);
            assert!(epoch(&pair, asleep) > before, "{asleep:?}");
            let here = pair.p.machine.snapshot(pair.p.clock(pair.truth)).seats[0].estimate;
            let there = pair.a.machine.snapshot(pair.a.clock(pair.truth)).estimate;
            assert!(here.is_some() && there.is_some());
        }
    }
}
