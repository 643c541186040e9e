//! One scan, and the exam can begin.

use diptych_protocol::fault::CloseCode;
use diptych_protocol::policy::Verdict;
use diptych_protocol::primary::Event;
use diptych_protocol::secondary;
use diptych_tests::world::{Conditions, Scenario, Told, What};

use crate::{assert_verdict, run, s};

#[test]
fn a_clean_exam_passes_with_no_interruption() {
    for assistants in [1, 2, 3] {
        let outcome = run(Scenario::exam(assistants.into(), assistants, 3)).check();
        assert_verdict(&outcome, Verdict::Pass, 0);
        assert!(outcome.primary_told(|event| *event == Event::AllRecording));
        let finished = Event::Finished { incomplete: Vec::new() };
        assert!(outcome.primary_told(|event| *event == finished));
        assert_eq!(outcome.journals[0].len(), usize::from(assistants) + 1);
        for device in 1..=usize::from(assistants) {
            let told = |wanted: fn(&secondary::Event) -> bool| {
                outcome.told.iter().position(|(_, who, told)| {
                    *who == device && matches!(told, Told::Assistant(event) if wanted(event))
                })
            };
            // [SESSION-5] [SESSION-6] [SESSION-8]
            let plan = told(|event| matches!(event, secondary::Event::Plan(_))).unwrap();
            let phase = told(|event| matches!(event, secondary::Event::Phase(_))).unwrap();
            let start = told(|e| matches!(e, secondary::Event::StartRecording { .. })).unwrap();
            let stop = told(|event| *event == secondary::Event::StopRecording).unwrap();
            assert!(plan < phase && phase < start && start < stop);
        }
    }
}

#[test]
fn a_bad_network_delays_pairing_and_nothing_else() {
    for seed in 1..11 {
        let mut exam = Scenario::exam(seed, 1, 2);
        exam.paths = vec![Conditions { loss: 0.15, duplicates: 0.1, ..Conditions::WIFI }; 2];
        assert_verdict(&run(exam).check(), Verdict::Pass, 0);
    }
}

#[test]
fn two_devices_with_one_code_raise_the_alarm_and_one_is_paired() {
    // [PAIRING-21]: somebody photographed the code.
    let thief = What::Scan { who: 2, seat: 1 };
    let exam = Scenario::exam(7, 1, 2).with_device().with(s(3), thief);
    let outcome = run(exam).check();
    let claimed = CloseCode::AlreadyClaimed;
    assert!(outcome.primary_told(|e| matches!(e, Event::Alarm { code, .. } if *code == claimed)));
    let paired = |device: usize| {
        outcome.assistant_told(device, |e| matches!(e, secondary::Event::Paired { .. }))
    };
    assert!(paired(1) != paired(2), "exactly one of them is paired");
    assert_verdict(&outcome, Verdict::Pass, 0);
}
