//! What a code asks of whoever scans it, in words that a person can answer.
//!
//! A code names who holds the exam, by the word of whoever made it, and carries a tag, a
//! key and no times: those come with the plan, once the devices are paired. So the question
//! says who asks, what will happen, what to hold against the other screen, and what is not
//! known yet; the plan is told when it comes, with the way out. Rejected: asking once more
//! then, which would keep a camera from starting while nobody looks.

use std::path::Path;

use diptych_driver::clock::wall_clock_millis;
use diptych_protocol::identity::{ExamTag, Fingerprint};
use diptych_protocol::plan::Plan;
use diptych_protocol::secondary::Question;
use diptych_protocol::ticket::{Staleness, Ticket};

use crate::command::{length, span};

/// What is typed to leave.
pub(super) const LEAVE: &str = "leave";
/// Digits of a tag or a key that are shown: as many as a person compares, and more than
/// anybody can find a second key for while a code is valid.
const DIGITS: usize = 16;

/// An exam and its primary, as both screens show them.
pub(super) fn marks(exam: &ExamTag, primary: &Fingerprint) -> String {
    format!("exam {}, key {}", grouped(&exam.to_string()), grouped(&primary.to_string()))
}

/// What the primary shows beside the code with this text.
pub(super) fn beside(text: &str) -> Option<String> {
    let ticket = Ticket::parse(text, diptych_protocol::address::Loopback::Allowed).ok()?;
    Some(compare_with(&ticket.exam, &ticket.pin))
}

fn compare_with(exam: &ExamTag, primary: &Fingerprint) -> String {
    format!("who scans it is asked about {}", marks(exam, primary))
}

/// The question, up to where it is answered.
pub(super) fn question(asked: &Question, recording: &Path) -> String {
    let Question { exam, issuer, primary } = asked;
    let who = issuer.map_or_else(
        || {
            format!(
                "not in the code: told with the times, before the camera\n                \
                 starts, and `{LEAVE}` ends it"
            )
        },
        |issuer| format!("{issuer}, as the code says"),
    );
    format!(
        "The code asks to lend this camera to an exam:\n  \
         who asks      {who}\n  \
         what happens  it films until the exam is over, without the microphone;\n                \
         the film stays on this device, in {}\n  \
         for how long  not in the code: told before the camera starts, and\n                \
         `{LEAVE}` ends it\n  \
         compare       {}\n                \
         with the line below the code on the primary's screen\n\
         Lend this camera? [y/N] ",
        recording.display(),
        marks(exam, primary),
    )
}

/// Who holds the exam and for how long, as soon as that is known.
pub(super) fn told(plan: &Plan) -> String {
    let windows = plan.windows();
    let answering = length(windows.answer_end - windows.answer_start);
    let waiting = length(windows.answer_start - windows.wait_open);
    format!(
        "the exam is held by {}: {answering} of answering, after {waiting} of waiting;\n\
         if that is not what you agreed to, type `{LEAVE}` and Enter",
        plan.issuer()
    )
}

/// That a code has had its time, by this device's own date, if it has.
pub(super) fn outlived(ticket: &Ticket) -> Option<String> {
    match ticket.staleness(wall_clock_millis().div_euclid(1_000)) {
        Staleness::Old { by_s } => Some(format!(
            "the code was valid until {} ago, by this device's date: scan the one that is on the \
             primary's screen now",
            span(by_s)
        )),
        Staleness::Fresh | Staleness::Future { .. } => None,
    }
}

/// The first digits, in groups that an eye can follow.
fn grouped(digits: &str) -> String {
    let short: Vec<char> = digits.chars().take(DIGITS).collect();
    let groups: Vec<String> = short.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use diptych_protocol::identity::Label;

    use super::*;
    use crate::live::screen::{Kind, Screen};
    use crate::window::Window;

    /// As it stands in such a window.
    fn shown(question: &str, window: fn() -> Window) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Kind::Terminal, window);
        write!(screen, "{question}").unwrap();
        screen.flush().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_compared_stands_in_one_row_of_80_columns() {
        let (exam, primary) = (ExamTag([0xE7; 8]), Fingerprint([0xF1; 32]));
        let longest = compare_with(&exam, &primary).chars().count();
        assert!(longest < 80, "{longest}");
    }

    #[test]
    fn a_question_says_what_will_happen_and_fits_80_columns() {
        let (exam, primary) = (ExamTag([0xE7; 8]), Fingerprint([0xF1; 32]));
        let marks = "exam e7e7 e7e7 e7e7 e7e7, key f1f1 f1f1 f1f1 f1f1";
        let longest = "a".repeat(32);
        for (issuer, who) in [(None, "not in the code"), (Some(&longest), longest.as_str())] {
            let issuer = issuer.and_then(|issuer| Label::new(issuer).ok());
            let asked = question(&Question { exam, issuer, primary }, Path::new("A/A.mp4"));
            let who = format!("who asks      {who}");
            for part in ["without the microphone", "A/A.mp4", marks, "`leave`", &who] {
                assert!(asked.contains(part), "{part} is not in:\n{asked}");
            }
            assert!(asked.ends_with("[y/N] "));
            assert!(asked.lines().all(|line| line.chars().count() < 80), "{asked}");
            assert_eq!(shown(&asked, || Window { columns: 80, rows: 24 }), asked);
            let narrow = shown(&asked, || Window { columns: 40, rows: 24 });
            assert!(narrow.lines().all(|line| line.chars().count() < 40), "{narrow}");
            assert!(narrow.ends_with("Lend this camera? [y/N] "), "{narrow}");
            for word in asked.split_whitespace() {
                assert!(narrow.contains(word), "{word} is cut in:\n{narrow}");
            }
        }
    }
}
