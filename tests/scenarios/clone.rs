//! Somebody copies a phone's private state.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::primary::Event;
use diptych_tests::world::{Scenario, What};

use crate::{run, s};

#[test]
fn a_copy_of_a_device_raises_the_alarm() {
    // [SESSION-21]
    for seed in 1..6 {
        let exam = Scenario::exam(seed, 1, 3).with_device();
        let outcome = run(exam.with(s(100), What::Clone { of: 1, who: 2 }));
        let clone = |e: &Event| matches!(e, Event::Alarm { code: CloseCode::CloneSuspected, .. });
        assert!(outcome.primary_told(clone), "{}", outcome.story());
    }
}
