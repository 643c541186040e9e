//! Somebody copies a phone's private state.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::ledger::Flag;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::secondary::{self, Ending};
use diptych_tests::world::{Scenario, Told, What};

use crate::{run, s};

#[test]
fn a_copy_of_a_device_raises_the_alarm() {
    // [SESSION-21] [SESSION-39]
    for seed in 1..6 {
        let exam = Scenario::exam(seed, 1, 3).with_device();
        // Copied while it was off, and started before it.
        let off = exam.with(s(100), What::Kill { who: 1, lasting: s(30) });
        let copy = What::Clone { of: 1, who: 2, after: s(5) };
        let outcome = run(off.with(s(105), copy));
        let clone = |e: &Event| matches!(e, Event::Alarm { code: CloseCode::CloneSuspected, .. });
        assert!(outcome.primary_told(clone), "{}", outcome.story());
        let report = outcome.report.as_ref().unwrap();
        assert!(report.flags.contains(&Flag::CloneSuspected), "{:?}", report.flags);
        // Nobody can tell which of the two is which: one of them stays, or the seat is
        // to be given to another.
        let gone = |e: &Event| matches!(e, Event::CannotReturn { .. });
        let stayed = |who| {
            outcome.assistant_told(who, |e| *e == secondary::Event::Finished(Ending::Finished))
        };
        let empty = !stayed(1) && !stayed(2);
        assert_eq!(outcome.primary_told(gone), empty, "{}", outcome.story());
    }
}

#[test]
fn a_copy_of_an_older_past_costs_the_device_nothing() {
    // [SESSION-40] [SESSION-21]: beside the device, while it has no link, and after it
    // has used the number that the copy will use.
    let (older, used) = (CloseCode::HistoryChanged, CloseCode::CloneSuspected);
    for (seed, asks, code) in [(1, s(150), older), (2, s(170), older), (3, s(190), used)] {
        let copy = What::Clone { of: 1, who: 2, after: asks - s(100) };
        let exam = Scenario::exam(seed, 1, 5)
            .with_device()
            .with(s(100), copy)
            .with(s(165), What::Outage { who: 1, lasting: s(20) });
        let outcome = run(exam);
        let alarm = |e: &Event| matches!(e, Event::Alarm { code: of, .. } if *of == code);
        assert!(outcome.primary_told(alarm), "{}", outcome.story());
        let ended =
            |who, how| outcome.assistant_told(who, |e| *e == secondary::Event::Finished(how));
        assert!(ended(2, Ending::Removed(code)), "{}", outcome.story());
        assert!(ended(1, Ending::Finished), "{}", outcome.story());
        let report = outcome.report.as_ref().unwrap();
        assert_eq!(report.verdict(), Verdict::Pass);
        for (flag, of) in [(Flag::Tamper, older), (Flag::CloneSuspected, used)] {
            assert_eq!(report.flags.contains(&flag), code == of, "{flag:?}: {}", outcome.story());
        }
        let cut = |event: &Event| matches!(event, Event::Link { state: LinkState::Down, .. });
        let cuts = outcome.told.iter().filter_map(|(at, _, told)| match told {
            Told::Primary(event) if cut(event) => Some(*at / 1_000_000_000),
            Told::Primary(_) | Told::Assistant(_) => None,
        });
        let cuts: Vec<i64> = cuts.collect();
        assert!((165..185).contains(&cuts[0]), "{cuts:?}: {}", outcome.story());
        assert!(cuts[1..].iter().all(|at| *at > 300), "{cuts:?}: {}", outcome.story());
    }
}

#[test]
fn a_copy_that_was_refused_beside_its_device_is_no_reason_to_give_up_the_seat() {
    // [SESSION-39]: nor when the primary starts again and has only its journal.
    for seed in 4..7 {
        let copy = What::Clone { of: 1, who: 2, after: s(50) };
        let exam = Scenario::exam(seed, 1, 5).with_device().with(s(100), copy);
        let outcome = run(exam.with(s(170), What::Kill { who: 0, lasting: s(4) }));
        let gone = |event: &Event| matches!(event, Event::CannotReturn { .. });
        assert!(!outcome.primary_told(gone), "{}", outcome.story());
        assert!(outcome.over[0] && outcome.over[1], "{}", outcome.story());
    }
}
