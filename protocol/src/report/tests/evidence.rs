//! What journals are worth that are missing, damaged, rewritten or in another order,
//! and what a policy or a statement makes of them.

use super::*;
use crate::policy::{CountFrom, Excuse, Statement, Terms};

#[test]
fn without_a_journal_what_heartbeats_told_is_known() {
    // [REPORT-4] [REPORT-17]
    let mut journals = Scene::new(100).with(1, Fault::Gone, 60_000, i64::MAX).journals();
    let assistant = journals.pop().unwrap();
    let report = evaluate(&journals, None).unwrap();
    assert_eq!(line(&report), (Verdict::Pass, 0, 1, vec![Flag::EvidenceGap]));
    let [gap] = report.unknown.as_slice() else { panic!("{:?}", report.unknown) };
    let start = gap.start.nanos() - 5_000_000_000;
    assert!((55_000_000_000..61_000_000_000).contains(&start), "{start}");
    // With the unfinished journal the same end is not known either.
    journals.push(assistant);
    let report = evaluate(&journals, None).unwrap();
    assert_eq!(line(&report).0, Verdict::Pass);
    assert_eq!(report.judgement.count_max, 1);
    let report = evaluate(&Scene::new(300).with(1, Fault::Gone, 60_000, i64::MAX).journals(), None);
    assert_eq!(report.unwrap().judgement.verdict, Verdict::Undetermined);
}

#[test]
fn without_a_journal_the_waiting_window_is_not_covered_by_itself() {
    // [REPORT-16] [REPORT-17]: one heartbeat at 2 s, and the next at 8 s.
    let mut journals = Scene::new(60).with(0, Fault::Link, 2_500, 7_900).journals();
    journals.pop();
    let report = evaluate(&journals, None).unwrap();
    let at = |instant: Instant<Primary>| (instant.nanos() - 5_000_000_000) / 1_000_000;
    let gaps = report.unknown.iter().map(|gap| (at(gap.start), at(gap.end)));
    assert_eq!(gaps.collect::<Vec<_>>(), [(2_005, 8_005), (58_005, 60_000)]);
    // It does not count where counting begins with answering, and does from its opening.
    assert_eq!(report.judgement.count_max, 0);
    let from_wait = Policy::new(Terms { count_from: CountFrom::Wait, ..*report.policy.terms() });
    let counted = evaluate(&journals, Some(&from_wait.unwrap())).unwrap();
    assert_eq!((counted.judgement.count_min, counted.judgement.count_max), (0, 1));
}

#[test]
fn a_damaged_stretch_of_a_journal_is_unknown_and_not_lost() {
    // [REPORT-4]
    let [p, a] = Scene::new(100).play();
    let whole = replay(&a.file).unwrap();
    let victim = whole.entries()[150].offset as usize;
    let mut damaged = a.file.clone();
    damaged[victim + 22] ^= 1;
    let journals = [replay(&p.file).unwrap(), salvage(&damaged).unwrap()];
    let report = evaluate(&journals, None).unwrap();
    assert_eq!(line(&report), (Verdict::Pass, 0, 1, vec![Flag::EvidenceGap]));
}

#[test]
fn no_record_can_be_made_unreadable_without_a_flag() {
    // [REPORT-8]: what stood there may have been anything.
    let [p, a] = Scene::new(100).play();
    let whole = replay(&p.file).unwrap();
    // Without the plan, which stands before the first seal, there is no report at all.
    let seal = |fact: &Fact| matches!(fact, Fact::Seal { .. });
    let later = whole.entries().iter().skip_while(|entry| !seal(&entry.fact)).skip(1);
    for entry in later.step_by(5) {
        let mut damaged = p.file.clone();
        damaged[entry.offset as usize + 12] ^= 1;
        let journals = [salvage(&damaged).unwrap(), replay(&a.file).unwrap()];
        let report = evaluate(&journals, None).unwrap();
        assert!(report.flags.contains(&Flag::EvidenceGap), "byte {}", entry.offset + 12);
    }
}

#[test]
fn too_long_fails_and_another_policy_changes_the_verdict_only() {
    // [REPORT-1]
    let scene = Scene::new(300).with(0, Fault::Screen, 20_000, 150_000);
    let journals = scene.journals();
    let report = evaluate(&journals, None).unwrap();
    assert_eq!(report.judgement.verdict, Verdict::Fail);
    let lenient = Policy::preset("record-and-review").unwrap();
    let again = evaluate(&journals, Some(&lenient)).unwrap();
    assert_eq!(again.judgement.verdict, Verdict::Pass);
    assert_eq!(again.cameras, report.cameras);
    assert_eq!(evaluate(&journals, None).unwrap(), report);
}

#[test]
fn the_order_of_the_journals_does_not_matter() {
    // [REPORT-1]
    let scene = Scene::new(90).with(1, Fault::Killed, 20_000, 40_000);
    let mut journals = scene.journals();
    let report = evaluate(&journals, None).unwrap();
    journals.reverse();
    let reversed = evaluate(&journals, None).unwrap();
    assert_eq!(reversed, report);
}

#[test]
fn an_excuse_revises_the_verdict_and_leaves_the_first_one() {
    // [REPORT-13]
    let scene = Scene::new(300).with(1, Fault::Camera, 20_000, 160_000);
    let journals = scene.journals();
    let first = evaluate(&journals, None).unwrap();
    assert_eq!(first.judgement.verdict, Verdict::Fail);
    let lost = first.judgement.interruptions[0];
    let excuse = Excuse { start: lost.start, end: lost.start + Span::from_secs(60) };
    let by = Fingerprint([7; 32]);
    let said = Proven { statement: Statement::Excuse(excuse), by };
    let revised = revise(&journals, None, &[said]).unwrap();
    assert_eq!(revised.judgement, first.judgement);
    assert_eq!(revised.verdict(), Verdict::Pass);
    let revision = revised.revision.unwrap();
    assert_eq!(revision.judgement.interruptions[0].start, lost.start);
    assert_eq!((revision.excused, revision.decided), (vec![excuse], None));
    assert_eq!(revise(&journals, None, &[]).unwrap(), first);
}

#[test]
fn a_rewritten_journal_is_flagged() {
    // [REPORT-8]
    let [p, _] = Scene::new(60).play();
    let [_, other] = Scene::new(60).with(1, Fault::Camera, 20_000, 30_000).play();
    let journals = [replay(&p.file).unwrap(), replay(&other.file).unwrap()];
    let report = evaluate(&journals, None).unwrap();
    assert!(report.flags.contains(&Flag::Tamper), "{:?}", report.findings);
}

#[test]
fn without_a_primary_or_a_plan_there_is_no_account() {
    // [REPORT-1]
    let journals = Scene::new(20).journals();
    let error = evaluate(&journals[1..], None).unwrap_err();
    assert_eq!(error, ReportError::NoPrimary { got: 1 });
    let mut phone = Phone::new(0, 1, ClockModel { offset: 0, ppm: 0 });
    phone.start(0);
    let empty = [replay(&phone.file).unwrap()];
    assert_eq!(evaluate(&empty, None), Err(ReportError::NoPlan));
}
