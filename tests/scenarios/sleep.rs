//! A phone sleeps: its clock goes on, its camera does not.

use diptych_protocol::policy::Verdict;
use diptych_tests::world::{Scenario, What};

use crate::{assert_verdict, run, s};

#[test]
fn sleep_of_either_device_is_one_interruption_of_its_length() {
    for seed in 1..7 {
        for (who, seconds) in [(0, 6), (1, 6), (0, 40), (1, 40)] {
            let sleep = What::Sleep { who, lasting: s(seconds) };
            let outcome = run(Scenario::exam(seed, 1, 4).with(s(100), sleep)).check();
            assert_verdict(&outcome, Verdict::Pass, 1);
            let report = outcome.report.as_ref().unwrap();
            let off = (report.longest().unwrap() - s(seconds)).abs();
            assert!(off <= s(1), "{off} too much or too little");
        }
    }
}
