//! What a primary's user reads of what happened: one line for each event.
//!
//! Apart from the loop that acts on events, because these need nothing done.

use std::io::Write;

use diptych_protocol::identity::Role;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::primary::Event;

use super::secondary::say;

/// What a person is told of an event that needs nothing done.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others were handled by the caller")]
pub(super) fn tell(event: &Event, out: &mut dyn Write) {
    let line = match event {
        Event::AllRecording => "every camera is proven recording".to_owned(),
        Event::NotReady { missing } => {
            let missing: Vec<String> = missing.iter().map(Role::to_string).collect();
            format!("NOT READY: no proof of recording from {}", missing.join(", "))
        }
        Event::CameraLost { role, observed, .. } => {
            format!("{role}: camera lost ({})", observed.cause)
        }
        Event::CameraBack { role, lost } => format!("{role}: camera back after {lost}"),
        Event::Overdue { role } => format!("{role}: away for too long"),
        Event::Tally(tally) => {
            let left = tally.remaining.map_or("any number".to_owned(), |left| left.to_string());
            let (sure, maybe) = (tally.confirmed, tally.pending);
            format!("interruptions: {sure} counted, {maybe} open, {left} left")
        }
        Event::Link { role, state } => {
            say(out, &format!("{role}: link {}", state.name()));
            if *state == LinkState::Down {
                say(out, &format!("{role}: if it is gone for good, type `replace {role}`"));
            }
            return;
        }
        Event::Device { role, shortfalls, .. } => {
            for shortfall in shortfalls {
                say(out, &format!("{role}: not ready: {shortfall}"));
            }
            return;
        }
        Event::Alarm { role, code } => {
            format!("{role}: ALARM: {}. {}", code.meaning(), code.advice())
        }
        Event::StorageFailed => "storage failed: nothing more is kept".to_owned(),
        Event::VerifyAgain => "verify the examinee's face again".to_owned(),
        _ => return,
    };
    say(out, &line);
}
