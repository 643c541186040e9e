//! What somebody types at the desk while a session runs.
//!
//! A read from standard input does not end when Ctrl-C is pressed, and a program
//! that has to be killed leaves its camera open. So lines are read on a thread of
//! their own, and who waits for one asks for Ctrl-C meanwhile. One thread reads all
//! of them: two would take each other's lines. Rejected: single keys, which need a
//! terminal in raw mode, and leave it so when the program is killed.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use super::life::PATIENCE;
use super::screen::Screen;
use super::stop::Stop;

/// Bytes of the longest line that anybody needs to type.
const LONGEST: u64 = 1_024;
/// Between two looks at whether this program is the one that is typed to.
const BACKGROUND: Duration = Duration::from_millis(500);

/// What was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// `y` or `yes`, in letters of any case.
    Yes,
    /// Anything else. Where nobody can answer, nobody has agreed.
    No,
    /// Ctrl-C.
    Stopped,
}

/// What came from the desk since the last look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// A line.
    Line(String),
    /// Nothing yet.
    Nothing,
    /// Nobody can type any more.
    Closed,
}

/// Standard input, line by line.
pub(super) struct Desk {
    lines: Receiver<String>,
}

impl Desk {
    /// Listens from now on. Without a thread to listen on, nobody ever types.
    pub(super) fn open() -> Self {
        let (sender, lines) = channel();
        let _ = thread::Builder::new().name("desk".into()).spawn(move || {
            let mut line = String::new();
            loop {
                while in_background() {
                    thread::sleep(BACKGROUND);
                }
                line.clear();
                match std::io::stdin().lock().take(LONGEST).read_line(&mut line) {
                    Ok(1..) if sender.send(line.trim().to_owned()).is_ok() => {}
                    Ok(_) | Err(_) => return,
                }
            }
        });
        Self { lines }
    }

    /// The next line that was typed, if one was, and whether anybody can still type.
    pub(super) fn heard(&self) -> Heard {
        match self.lines.try_recv() {
            Ok(line) => Heard::Line(line),
            Err(TryRecvError::Empty) => Heard::Nothing,
            Err(TryRecvError::Disconnected) => Heard::Closed,
        }
    }

    /// Waits for a line that answers a question.
    pub(super) fn answer(&self, stop: &Stop) -> Answer {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if agrees(&line) => return Answer::Yes,
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return Answer::No,
                Err(RecvTimeoutError::Timeout) if stop.is_asked() => return Answer::Stopped,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Whether a line agrees. A keyboard of a phone begins with a capital letter.
pub(super) fn agrees(line: &str) -> bool {
    ["y", "yes"].iter().any(|yes| line.eq_ignore_ascii_case(yes))
}

/// A terminal shows what is typed below the lines that stand.
pub(super) fn echo<W: Write>(out: &mut Screen<W>) {
    if std::io::stdin().is_terminal() {
        out.echoed();
    }
}

/// Whether a read would stop this whole program (SIGTTIN), camera and all.
fn in_background() -> bool {
    let stdin = std::io::stdin();
    stdin.is_terminal()
        && rustix::termios::tcgetpgrp(&stdin).is_ok_and(|front| front != rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_is_yes_in_letters_of_any_case_and_nothing_else_is() {
        for yes in ["y", "Y", "yes", "Yes", "YES"] {
            assert!(agrees(yes), "{yes}");
        }
        for no in ["", "n", "No", "yess", "y y", "ja"] {
            assert!(!agrees(no), "{no}");
        }
    }
}
