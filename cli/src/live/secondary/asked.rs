//! What an assistant and its user say to each other.
//!
//! Apart from the loop that follows the session, which needs nobody at the desk.

use std::io::Write;

use diptych_driver::diagnosis::Diagnosis;
use diptych_protocol::secondary::{Command, Consent, Event, Question};

use super::{Asked, Assistant};
use crate::live::fail::LiveFail;
use crate::live::invitation::{self, LEAVE};
use crate::live::life::say;
use crate::live::prompt::Answer;
use crate::live::stop::Stop;

/// What a person is told of an event that needs nothing done.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others were handled by the caller")]
pub(super) fn tell(event: &Event, out: &mut dyn Write) {
    match event {
        Event::Link(state) => say(out, &format!("link {}", state.name())),
        Event::CameraLost { observed, .. } => {
            say(out, &format!("camera lost ({})", observed.cause));
        }
        Event::Shortfalls(shortfalls) => {
            for shortfall in shortfalls {
                say(out, &format!("not ready: {shortfall}"));
            }
        }
        Event::Alarm(code) => say(out, &format!("ALARM: {}. {}", code.meaning(), code.advice())),
        _ => {}
    }
}

impl Assistant<'_> {
    /// Says what keeps the devices apart: first that the code has had its time, if it has,
    /// for then no router is to blame.
    pub(super) fn trouble(&mut self, trouble: Diagnosis, out: &mut dyn Write) {
        let invited = self.invited.as_ref().filter(|_| !self.seated);
        let old = invited.and_then(invitation::outlived);
        if let Some(old) = &old
            && !core::mem::replace(&mut self.told_old, true)
        {
            say(out, old);
        }
        let begins = if old.is_some() { "if the code is new" } else { "trouble" };
        say(out, &format!("{begins}: {}", trouble.advice()));
    }

    /// Does what was typed.
    pub(super) fn typed(&self, line: &str, out: &mut dyn Write) -> Result<(), LiveFail> {
        match line {
            "" => {}
            LEAVE => self.device.ask(Command::Leave)?,
            other => {
                say(out, &format!("expected `{LEAVE}` (end it for this device), got {other:?}"))
            }
        }
        Ok(())
    }

    /// Whether the user lends the camera.
    pub(super) fn consent(
        &self,
        asked: &Question,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> Result<Consent, LiveFail> {
        if self.options.consent == Asked::Beforehand {
            return Ok(Consent::Given);
        }
        let question = invitation::question(asked, &self.options.recording);
        // Where nobody can be asked, nobody has agreed.
        if write!(out, "{question}").and_then(|()| out.flush()).is_err() {
            return Ok(Consent::Declined);
        }
        match self.desk.answer(stop) {
            Answer::Yes => Ok(Consent::Given),
            Answer::No => Ok(Consent::Declined),
            Answer::Stopped => Err(stop.fail(&self.options.folder)),
        }
    }
}
