//! No space is left.

use diptych_protocol::primary;
use diptych_protocol::secondary;
use diptych_tests::world::{Scenario, What};

use crate::{run, s};

#[test]
fn an_assistant_without_space_says_so_and_claims_nothing_more() {
    // [SESSION-2]; that nothing more is claimed is checked by the world.
    for seed in 1..6 {
        let full = What::DiskFull { who: 1 };
        let outcome = run(Scenario::exam(seed, 1, 3).with(s(120), full)).check_law();
        assert!(outcome.assistant_told(1, |e| *e == secondary::Event::StorageFailed));
        assert!(outcome.over[0], "{}", outcome.story());
    }
}

#[test]
fn a_primary_without_space_says_so_and_claims_nothing_more() {
    // [SESSION-2]
    for seed in 1..6 {
        let full = What::DiskFull { who: 0 };
        let outcome = run(Scenario::exam(seed, 1, 3).with(s(120), full)).check_law();
        assert!(outcome.primary_told(|e| *e == primary::Event::StorageFailed));
    }
}
