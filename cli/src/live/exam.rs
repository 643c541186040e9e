//! What the exam of a session is: from its plan's file, or from the journal of the
//! run before, because the file may have changed and its times may have passed.
//!
//! The windows in a journal are instants of the clock that its device had, which begins
//! anew with a reboot. So they are carried over to the present one by the wall clock,
//! which they came from. Rejected: the file's times once more ("in 3 min" is another time
//! at each start).

use std::path::Path;

use diptych_driver::clock::{BootClock, Clock as _, boot_id, wall_clock_millis};
use diptych_protocol::identity::{BootId, ExamTag};
use diptych_protocol::journal::{Fact, Replayed};
use diptych_protocol::plan::{Plan, Windows};
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::CheckCode;
use diptych_protocol::time::{Instant, Primary, Span};
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

/// One instant by both clocks of a device.
#[derive(Clone, Copy)]
struct Moment {
    boot: BootId,
    at: Instant<Primary>,
    wall_ms: i64,
}

impl Moment {
    fn now() -> Self {
        let (boot, at) = (boot_id(), BootClock::new().now());
        Self { boot, at, wall_ms: wall_clock_millis() }
    }

    /// How much the clock of `self` is ahead of that of `former`: nothing within a boot,
    /// and otherwise as the wall clock tells.
    fn ahead_of(self, former: Self) -> Span {
        if self.boot == former.boot {
            return Span::ZERO;
        }
        let passed = Span::from_millis(self.wall_ms) - Span::from_millis(former.wall_ms);
        (self.at - former.at) - passed
    }
}

impl Exam {
    /// A session in the folder goes on under the plan that its journal holds: the
    /// file may have changed, and its times may have passed.
    pub(super) fn of(folder: &Path, plan: Option<&Path>) -> Result<Self, LiveFail> {
        let journal = folder.join("P.journal");
        if journal.exists() {
            let exam = Self::of_journal(&read(&journal)?, Moment::now()).ok_or(LiveFail::NoPlan)?;
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
        let now = Moment::now();
        Ok(Self {
            plan: file.plan(now.at, now.wall_ms)?,
            policy: *file.policy(),
            tag: file.exam(),
            check_code: file.check_code(),
        })
    }

    fn of_journal(journal: &Replayed, now: Moment) -> Option<Self> {
        let (mut started, mut told) = (None, None);
        for entry in journal.entries() {
            if let Fact::ProcessStarted { boot, wall_ms, .. } = entry.fact {
                started = Some(Moment { boot, at: entry.at.relabelled(), wall_ms });
            }
            if let Fact::Plan { plan, .. } = &entry.fact {
                told = Some((plan, started));
            }
        }
        let (blob, started) = told?;
        let Ok(Control::Announce(announce)) = Control::decode(Kind::Announce, blob.as_bytes())
        else {
            return None;
        };
        Some(Self {
            plan: later(&announce.plan, now.ahead_of(started?))?,
            policy: Policy::from_bytes(&announce.policy).ok()?,
            tag: announce.exam,
            // Whoever is paired was compared; a new device is a new decision.
            check_code: CheckCode::Compared,
        })
    }
}

/// The plan on a clock that is ahead by `span`.
fn later(plan: &Plan, span: Span) -> Option<Plan> {
    let Windows { wait_open, wait_close, answer_start, answer_end } = plan.windows();
    let [wait_open, wait_close, answer_start, answer_end] =
        [wait_open, wait_close, answer_start, answer_end].map(|at| at + span);
    let windows = Windows { wait_open, wait_close, answer_start, answer_end };
    Plan::new(plan.mode(), plan.issuer(), plan.assistants(), windows, *plan.requirements()).ok()
}

#[cfg(test)]
mod tests {
    use diptych_driver::keys::Identity;
    use diptych_protocol::identity::{Role, SessionId, Signer as _};
    use diptych_protocol::journal::{Blob, Header, Writer, replay};
    use diptych_protocol::wire::Announce;

    use super::*;
    use crate::testing::Folder;

    const HOUR: i64 = 3_600_000;

    fn at(ms: i64) -> Instant<Primary> {
        Instant::from_nanos(ms * 1_000_000)
    }

    /// The journal of a primary that started an hour after its boot.
    fn journal(folder: &Folder) -> (Replayed, Exam) {
        let file = folder.path("exam.toml");
        std::fs::write(&file, crate::plan::EXAMPLE).unwrap();
        let file = PlanFile::load(&file).unwrap();
        let plan = file.plan(at(HOUR), 50 * HOUR).unwrap();
        let exam = Exam {
            plan,
            policy: *file.policy(),
            tag: file.exam(),
            check_code: CheckCode::Compared,
        };
        let key = Identity::generate().unwrap().signer().public_key();
        let (session, role) = (SessionId([1; 16]), Role::PRIMARY);
        let (mut writer, header) = Writer::create(Header { session, role, device: 1, key });
        let boot = BootId([1; 16]);
        let started = Fact::ProcessStarted { boot, wall_ms: 50 * HOUR, cause: 0, raw: 0 };
        let announce = Announce { exam: exam.tag, plan, policy: exam.policy.to_bytes() };
        let windows = plan.windows();
        let planned = Fact::Plan {
            assistants: plan.assistants(),
            wait_open: windows.wait_open,
            wait_close: windows.wait_close,
            answer_start: windows.answer_start,
            answer_end: windows.answer_end,
            plan: Blob::new(Control::Announce(announce).frame().body()).unwrap(),
            policy: Blob::new(&announce.policy).unwrap(),
        };
        let records = [started, planned].map(|fact| writer.append(at(HOUR), &fact).unwrap());
        (replay(&[header, records.concat()].concat()).unwrap(), exam)
    }

    #[test]
    fn the_windows_of_a_session_are_carried_over_a_reboot_by_the_wall_clock() {
        let folder = Folder::new();
        let (journal, planned) = journal(&folder);
        let goes_on = |now| Exam::of_journal(&journal, now).unwrap();
        // Whatever the wall clock says within a boot: the plan holds.
        let same = Moment { boot: BootId([1; 16]), at: at(HOUR + 5), wall_ms: 0 };
        assert_eq!(goes_on(same).plan, planned.plan);
        // Ten minutes later by the wall clock, five seconds after the boot.
        let wall_ms = 50 * HOUR + 600_000;
        let other = goes_on(Moment { boot: BootId([2; 16]), at: at(5_000), wall_ms });
        let span = planned.plan.windows().answer_end - at(HOUR + 600_000);
        assert_eq!(other.plan.windows().answer_end - at(5_000), span);
        assert_eq!((other.tag, other.policy), (planned.tag, planned.policy));
    }
}
