//! Somebody copies a phone's private state.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::primary::Event;
use diptych_protocol::secondary::{self, Ending};
use diptych_tests::world::{Scenario, What};

use crate::{run, s};

#[test]
fn a_copy_of_a_device_raises_the_alarm() {
    // [SESSION-21] [SESSION-39]
    for seed in 1..6 {
        let exam = Scenario::exam(seed, 1, 3).with_device();
        let outcome = run(exam.with(s(100), What::Clone { of: 1, who: 2 }));
        let clone = |e: &Event| matches!(e, Event::Alarm { code: CloseCode::CloneSuspected, .. });
        assert!(outcome.primary_told(clone), "{}", outcome.story());
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
