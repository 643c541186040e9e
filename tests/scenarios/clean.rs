//! Nothing goes wrong.

use diptych_protocol::policy::Verdict;
use diptych_protocol::primary;
use diptych_tests::world::{Scenario, World};

#[test]
fn a_clean_exam_passes_with_no_interruption() {
    for seed in 1..4 {
        let outcome = World::new(Scenario::exam(seed, 1, 3)).run().check();
        let report = outcome.report.as_ref().unwrap();
        assert_eq!(report.judgement.verdict, Verdict::Pass);
        assert_eq!(report.judgement.count_max, 0);
        assert!(outcome.primary_told(|event| matches!(event, primary::Event::AllRecording)));
    }
}
