//! Deaths at instants drawn from a seed; `--kills 200` is the same command.

use super::{Folder, run};

#[test]
fn whoever_is_killed_loses_a_fragment_at_most_and_the_report_is_true() {
    let folder = Folder::new();
    let args = ["rehearse", "--kills", "3", "--seed", "3", "--small", "--json", "--out", "K"];
    let ran = run(&folder, &args);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let figures = ran.json();
    assert_eq!((&figures["kills"], &figures["seed"]), (&3.into(), &3.into()));
    assert_eq!((&figures["true_reports"], &figures["intact"]), (&1.into(), &1.into()));
    assert!(figures["lost_ns_max"].as_i64().unwrap() > 0, "a death costs something: {figures}");
}
