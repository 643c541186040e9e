//! What the exam of a session is: from its plan's file, or from the journal of the
//! run before, because the file may have changed and its times may have passed.

use std::path::Path;

use diptych_driver::clock::{BootClock, Clock as _, wall_clock_millis};
use diptych_protocol::identity::ExamTag;
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::plan::Plan;
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::CheckCode;
use diptych_protocol::wire::{Control, Kind};

use super::account::read;
use super::fail::LiveFail;
use crate::plan::PlanFile;

/// What the exam is, from its file or from the journal of the run before.
pub(super) struct Exam {
    pub(super) plan: Plan,
    pub(super) policy: Policy,
    pub(super) tag: ExamTag,
    pub(super) check_code: CheckCode,
}

impl Exam {
    /// A session in the folder goes on under the plan that its journal holds: the
    /// file may have changed, and its times may have passed.
    pub(super) fn of(folder: &Path, plan: Option<&Path>) -> Result<Self, LiveFail> {
        let journal = folder.join("P.journal");
        if journal.exists() {
            let exam = Self::of_journal(&read(&journal)?).ok_or(LiveFail::NoPlan)?;
            // Other times may be a file that was changed since; another exam is a mistake.
            let file = plan.map(PlanFile::load).and_then(Result::ok);
            let other = |file: &PlanFile| {
                (file.exam(), file.assistants()) != (exam.tag, exam.plan.assistants())
            };
            if file.as_ref().is_some_and(other) {
                return Err(LiveFail::AnotherExam { folder: folder.to_owned() });
            }
            return Ok(exam);
        }
        let path = plan.ok_or(LiveFail::NoPlan)?;
        let file = PlanFile::load(path)?;
        Ok(Self {
            plan: file.plan(BootClock::new().now(), wall_clock_millis())?,
            policy: *file.policy(),
            tag: file.exam(),
            check_code: file.check_code(),
        })
    }

    fn of_journal(journal: &Replayed) -> Option<Self> {
        let blob = journal.entries().iter().rev().find_map(|entry| {
            if let Fact::Plan { plan, .. } = &entry.fact { Some(plan) } else { None }
        })?;
        let Ok(Control::Announce(announce)) = Control::decode(Kind::Announce, blob.as_bytes())
        else {
            return None;
        };
        Some(Self {
            plan: announce.plan,
            policy: Policy::from_bytes(&announce.policy).ok()?,
            tag: announce.exam,
            // Whoever is paired was compared; a new device is a new decision.
            check_code: CheckCode::Compared,
        })
    }
}
