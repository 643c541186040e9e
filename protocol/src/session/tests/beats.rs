//! Who speaks when, and in which of the two forms.

use super::*;

#[test]
fn an_assistant_speaks_when_it_is_spoken_to_and_mostly_in_pulses() {
    // [SESSION-12] [SESSION-32] [SESSION-33]
    let mut pair = Pair::new().run_until(135_000_000_000);
    let beats = |by| {
        let all = pair.timing.iter().filter(move |(_, of, _)| *of == by);
        all.filter(|(.., message)| {
            !matches!(message, wire::Timing::Probe(_) | wire::Timing::ShortProbe(_))
        })
    };
    let whole = |message: &wire::Timing| matches!(message, wire::Timing::Heartbeat(_));
    let assistant = Role::new(1).unwrap();
    for (at, _, _) in beats(assistant) {
        let asked = |(sent, _, _): &&(i64, Role, wire::Timing)| sent + DELAY.nanos() == *at;
        assert!(beats(Role::PRIMARY).any(|beat| asked(&beat)), "unasked at {at}");
    }
    for by in [Role::PRIMARY, assistant] {
        let late: Vec<_> = beats(by).filter(|(at, ..)| *at > 110_000_000_000).collect();
        assert!(late.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1_000_000_000));
        for eight in late.chunks_exact(8) {
            assert_eq!(eight.iter().filter(|(.., message)| whole(message)).count(), 1);
        }
        let mut before = None;
        for (at, _, message) in beats(by) {
            let now = match message {
                wire::Timing::Heartbeat(beat) => beat.pulse.recording,
                wire::Timing::Pulse(pulse) => pulse.recording,
                wire::Timing::ShortPulse(pulse) => pulse.recording,
                wire::Timing::Probe(_) | wire::Timing::ShortProbe(_) => continue,
            };
            assert!(whole(message) || before == Some(now), "a change in a pulse at {at}");
            before = Some(now);
        }
    }
    // Nobody asks any more.
    pair.a.inbox.clear();
    let last = beats(assistant).map(|(at, ..)| *at).max().unwrap();
    let sent = loop {
        let due = pair.a.wake.unwrap();
        pair.a.machine.handle(due, Input::Wake);
        let (_, sent) = pair.a.drain();
        if sent.iter().any(|parcel| matches!(parcel, Parcel::Bytes(Lane::Timing, _))) {
            break due - pair.a.offset;
        }
    };
    assert_eq!(sent.nanos() - last, crate::limits::HEARTBEAT_PATIENCE.nanos());
}

#[test]
fn a_late_pulse_takes_nothing_back() {
    // [SESSION-14]
    let mut pair = Pair::new().run_until(130_000_000_000);
    let own = JournalName { role: Role::PRIMARY, device: 1 };
    let seen = |pair: &Pair| {
        let kept = replay(&pair.p.disk[&own]).unwrap();
        let heads = kept.entries().iter().filter_map(|entry| {
            let Fact::PeerHead { covered, .. } = entry.fact else { return None };
            Some(covered)
        });
        heads.collect::<Vec<_>>()
    };
    let pulses = pair.timing.iter().filter(|(_, by, _)| *by != Role::PRIMARY);
    let pulses = pulses.filter(|(.., message)| matches!(message, wire::Timing::ShortPulse(_)));
    let late: Vec<_> = pulses.map(|(.., message)| message.encode()).collect();
    assert!(late.len() > 10);
    for bytes in &late {
        let now = pair.p.clock(pair.truth);
        let (link, lane, age) = (LinkId(1), Lane::Timing, Span::ZERO);
        let received = Input::Received { link, lane, age, bytes };
        pair.p.machine.handle(now, received);
    }
    let pair = pair.run_until(138_000_000_000);
    let seen = seen(&pair);
    assert!(seen.len() > 20 && seen.is_sorted(), "{seen:?}");
}
