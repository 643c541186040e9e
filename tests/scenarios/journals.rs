//! What both devices write down while nothing happens.

use diptych_protocol::identity::Role;
use diptych_protocol::journal::{Fact, Replayed, replay};
use diptych_protocol::machine::JournalName;
use diptych_protocol::primary::Event;
use diptych_protocol::time::{Instant, Span};
use diptych_tests::world::{Conditions, Scenario, What};

use crate::{run, s};

fn journal(outcome: &diptych_tests::world::Outcome, device: usize) -> Replayed {
    let role = Role::new(u8::try_from(device).unwrap()).unwrap();
    replay(&outcome.journals[device][&JournalName { role, device: 1 }]).unwrap()
}

#[test]
fn heads_are_seen_every_eight_seconds_and_sealed_every_five() {
    // [SESSION-12] [SESSION-13] [SESSION-15] [SESSION-33]
    let outcome = run(Scenario::exam(1, 1, 3)).check();
    for device in [0, 1] {
        let journal = journal(&outcome, device);
        let longest = |wanted: fn(&Fact) -> bool| {
            let at = journal.entries().iter().filter(|entry| wanted(&entry.fact)).map(|e| e.at);
            let at: Vec<_> = at.collect();
            at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
        };
        let heads = longest(|fact| matches!(fact, Fact::PeerHead { .. }));
        assert!(heads < Span::from_millis(8_500), "{heads} between two heads");
        let covered = longest(
            |fact| matches!(fact, Fact::PeerHead { covered, .. } if covered.nanos() > i64::MIN),
        );
        assert!(covered < Span::from_millis(3_500), "{covered} between two ends");
        // From the first record that no seal covers to the seal that does.
        let mut unsealed = None;
        for entry in journal.entries() {
            let since = *unsealed.get_or_insert(entry.at);
            if matches!(entry.fact, Fact::Seal { .. }) {
                assert!(entry.at - since <= s(5), "{} without a seal", entry.at - since);
                unsealed = None;
            }
        }
    }
}

#[test]
fn a_late_heartbeat_takes_nothing_back() {
    // [SESSION-14]: heartbeats overtake each other on this path.
    let mut exam = Scenario::exam(2, 1, 3);
    exam.paths = vec![Conditions { jitter: Span::from_millis(800), ..Conditions::WIFI }; 2];
    let outcome = run(exam).check_law();
    for device in [0, 1] {
        let mut last = (0, Instant::from_nanos(i64::MIN));
        for entry in journal(&outcome, device).entries() {
            if let Fact::PeerHead { sequence, covered, .. } = entry.fact {
                assert!(sequence >= last.0 && covered >= last.1, "{sequence} after {last:?}");
                assert!((sequence, covered) != last, "{sequence} twice");
                last = (sequence, covered);
            }
        }
    }
}

#[test]
fn a_device_reports_itself_when_it_is_paired_and_when_it_resumes() {
    // [SESSION-10]
    let outage = What::Outage { who: 1, lasting: s(20) };
    let outcome = run(Scenario::exam(3, 1, 3).with(s(100), outage)).check();
    let reported = |told: &&(i64, usize, diptych_tests::world::Told)| {
        matches!(&told.2, diptych_tests::world::Told::Primary(Event::Device { .. }))
    };
    assert!(outcome.told.iter().filter(reported).count() >= 2);
}
