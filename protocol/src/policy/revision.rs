//! The verdict after what people have said, beside the one before.
//!
//! Rules find what happened; people know why. What they say is added: it can take
//! time out of what counts, and it can decide, but the verdict that the rules yield
//! without it stays in the report, so that everybody sees what was changed and by
//! whom. `[POLICY-31]` `[POLICY-32]`

use std::collections::BTreeSet;

use super::statement::{Override, Proven, Statement};
use super::{Case, Excuse, Judgement, Policy, Verdict, judge};
use crate::identity::Fingerprint;
use crate::time::{Instant, Primary};

/// What statements make of a judgement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// What the policy yields when the excused time is taken out.
    pub judgement: Judgement,
    /// The time that was taken out, in order.
    pub excused: Vec<Excuse>,
    /// The decision that holds, and whose it is.
    pub decided: Option<(Override, Fingerprint)>,
    /// Whose statements these are.
    pub by: BTreeSet<Fingerprint>,
}

impl Revision {
    /// The revision of a case, if anybody has said anything.
    #[must_use]
    pub fn of(case: &Case, policy: &Policy, statements: &[Proven]) -> Option<Self> {
        if statements.is_empty() {
            return None;
        }
        let excused = excuses(statements);
        let case = Case { excused: excused.clone(), ..case.clone() };
        let decided = statements.iter().filter_map(|proven| match proven.statement {
            Statement::Override(decided) => Some((decided, proven.by)),
            Statement::Excuse(_) | Statement::Pause(_) | Statement::Resume(_) => None,
        });
        Some(Self {
            judgement: judge(&case, policy),
            excused,
            decided: decided.max(),
            by: statements.iter().map(|proven| proven.by).collect(),
        })
    }

    /// What holds now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.decided.map_or(self.judgement.verdict, |(decided, _)| decided.decision.verdict())
    }
}

/// The time that these statements take out of what counts: a pause lasts until the
/// next resume after it, or for ever. `[POLICY-31]`
#[must_use]
pub fn excuses(statements: &[Proven]) -> Vec<Excuse> {
    let resumes: BTreeSet<Instant<Primary>> = statements
        .iter()
        .filter_map(|proven| match proven.statement {
            Statement::Resume(at) => Some(at),
            Statement::Excuse(_) | Statement::Pause(_) | Statement::Override(_) => None,
        })
        .collect();
    let mut excused: Vec<Excuse> = statements
        .iter()
        .filter_map(|proven| match proven.statement {
            Statement::Excuse(excuse) => Some(excuse),
            Statement::Pause(start) => {
                let resumed = resumes.range(start..).find(|at| **at > start);
                Some(Excuse { start, end: resumed.copied().unwrap_or(Instant::MAX) })
            }
            Statement::Resume(_) | Statement::Override(_) => None,
        })
        .collect();
    excused.sort_by_key(|excuse| (excuse.start, excuse.end));
    excused.dedup();
    excused
}

#[cfg(test)]
mod tests {
    use super::super::statement::Decision;
    use super::*;
    use crate::identity::Role;
    use crate::ledger::{Cause, Loss, Medium};
    use crate::time::Span;

    fn at(seconds: i64) -> Instant<Primary> {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn said(statement: Statement) -> Proven {
        Proven { statement, by: Fingerprint([3; 32]) }
    }

    fn lost(start: i64, end: i64) -> Case {
        let loss = Loss {
            role: Role::PRIMARY,
            start: at(start),
            end: at(end),
            uncertainty: Span::ZERO,
            cause: Cause::Unknown,
            medium: Medium::Picture,
        };
        Case { losses: vec![loss], ..Case::clean(at(0), at(3_600)) }
    }

    #[test]
    fn a_pause_lasts_until_it_is_ended() {
        // [POLICY-31]
        let (pause, resume) = (said(Statement::Pause(at(100))), said(Statement::Resume(at(300))));
        let early = said(Statement::Resume(at(50)));
        let open = excuses(&[pause, early]);
        assert_eq!(open, [Excuse { start: at(100), end: Instant::MAX }]);
        let ended = excuses(&[resume, early, pause]);
        assert_eq!(ended, [Excuse { start: at(100), end: at(300) }]);

        let policy = Policy::preset("xyb-seed").unwrap();
        let case = lost(120, 320);
        assert_eq!(judge(&case, &policy).verdict, Verdict::Fail);
        let revised = Revision::of(&case, &policy, &[pause, resume]).unwrap();
        assert_eq!(revised.verdict(), Verdict::Pass);
        assert_eq!(revised.judgement.interruptions[0].duration, Span::from_secs(20));
        assert_eq!(Revision::of(&case, &policy, &[]), None);
    }

    #[test]
    fn the_latest_decision_holds_and_of_two_at_once_the_one_that_passes() {
        // [POLICY-32]
        let decided = |wall_ms, decision| said(Statement::Override(Override { wall_ms, decision }));
        let policy = Policy::preset("xyb-seed").unwrap();
        let verdict = |statements: &[Proven]| {
            Revision::of(&lost(120, 320), &policy, statements).unwrap().verdict()
        };
        let (pass, fail) = (decided(5, Decision::Pass), decided(5, Decision::Fail));
        assert_eq!(verdict(&[pass]), Verdict::Pass);
        assert_eq!(verdict(&[pass, fail]), Verdict::Pass);
        assert_eq!(verdict(&[decided(6, Decision::Fail), pass]), Verdict::Fail);
    }
}
