//! What a primary's user reads of what happened: one line for each event.
//!
//! Apart from the loop that acts on events, because these need nothing done.

use std::io::Write;

use diptych_protocol::fault::CloseCode;
use diptych_protocol::identity::Role;
use diptych_protocol::liveness::LinkState;
use diptych_protocol::primary::{Event, Snapshot};
use diptych_protocol::time::Span;

use super::life::{STORAGE_FAILED, say};

/// What a person is told of an event that needs nothing done.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others were handled by the caller")]
pub(super) fn tell(event: &Event, out: &mut dyn Write) {
    let line = match event {
        Event::AllRecording => "every camera is proven recording".to_owned(),
        Event::NotReady { missing } => {
            let missing: Vec<String> = missing.iter().map(Role::to_string).collect();
            let missing = missing.join(", ");
            format!("NOT READY as far as is known: no proof of recording from {missing}")
        }
        Event::CameraLost { role, observed, .. } => {
            format!("{role}: camera lost ({})", observed.cause)
        }
        Event::CameraBack { role, lost } => format!("{role}: camera back after {}", tenths(*lost)),
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
        Event::Alarm { role, code } => format!("{role}: ALARM: {}", alarm(*role, *code)),
        Event::CannotReturn { role, .. } => {
            format!(
                "{role}: it cannot come back; type `replace {role}` and scan with another phone"
            )
        }
        Event::StorageFailed => STORAGE_FAILED.to_owned(),
        Event::VerifyAgain => "verify the examinee's face again".to_owned(),
        _ => return,
    };
    say(out, &line);
}

/// What an alarm about `role` means on the primary, and what to do there. The texts of a code
/// are for whoever holds the other phone, and would send the primary's user to the primary.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other texts are true on both screens")]
fn alarm(role: Role, code: CloseCode) -> String {
    match code {
        CloseCode::AlreadyClaimed => format!(
            "a second device has scanned the code of {role}. If the one that has the seat is not \
             yours, type `replace {role}` and scan with yours"
        ),
        CloseCode::AuthFailed => format!(
            "somebody tries to take the seat of {role} without having scanned its code; nobody \
             was let in. Keep this screen out of the sight of others"
        ),
        CloseCode::CloneSuspected => format!(
            "a copy of the session of {role} was used on another device. Stop, and ask the exam \
             office"
        ),
        other => format!("{}. {}", other.meaning(), other.advice()),
    }
}

/// How long the camera of `role`, which is lost, may stay away. `[LEDGER-12]`
pub(super) fn count_down(role: Role, snapshot: &Snapshot, out: &mut dyn Write) {
    let seat = snapshot.seats.iter().find(|seat| seat.role == role);
    if let Some(left) = seat.map_or(snapshot.countdown, |seat| seat.countdown) {
        say(out, &format!("{role}: {} left to bring it back", tenths(left)));
    }
}

/// A length as a person counts it: `3.1 s`.
pub(super) fn tenths(span: Span) -> String {
    let tenths = span.nanos().saturating_add(50_000_000) / 100_000_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// A short time to the microsecond, always in milliseconds: `78.125 ms`.
pub(super) fn thousandths(ns: i64) -> String {
    let micros = ns / 1_000;
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

/// The nanoseconds of what [`thousandths`] wrote at the end of a line.
pub(super) fn of_thousandths(line: &str) -> Option<i64> {
    let (whole, part) = line.strip_suffix(" ms")?.rsplit(' ').next()?.split_once('.')?;
    let micros = whole.parse::<i64>().ok()?.checked_mul(1_000)?.checked_add(part.parse().ok()?)?;
    micros.checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_does_not_send_the_primary_s_user_to_the_primary() {
        let codes = [CloseCode::AlreadyClaimed, CloseCode::AuthFailed, CloseCode::CloneSuspected];
        for code in codes.into_iter().chain([CloseCode::HistoryChanged]) {
            let mut out = Vec::new();
            tell(&Event::Alarm { role: Role::PRIMARY, code }, &mut out);
            let told = String::from_utf8(out).unwrap();
            assert!(told.starts_with("P: ALARM: ") && !told.contains("primary phone"), "{told}");
        }
    }

    #[test]
    fn a_length_is_told_to_the_tenth_of_a_second() {
        assert_eq!(tenths(Span::from_millis(3_049)), "3.0 s");
        assert_eq!(tenths(Span::from_millis(3_050)), "3.1 s");
        assert_eq!(tenths(Span::from_secs(130)), "130.0 s");
    }

    #[test]
    fn a_short_time_is_read_back_from_its_line() {
        let line = format!("paired as A1 with P after {}", thousandths(78_012_999));
        assert_eq!(line, "paired as A1 with P after 78.012 ms");
        assert_eq!(of_thousandths(&line), Some(78_012_000));
        assert_eq!(of_thousandths("paired as A1 with P"), None);
    }
}
