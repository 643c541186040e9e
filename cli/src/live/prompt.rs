//! A question to whoever is at the desk.
//!
//! A read from standard input does not end when Ctrl-C is pressed, and a program
//! that has to be killed leaves its camera open. So the answer is read on a thread
//! of its own, and who waits for it asks for Ctrl-C meanwhile.

use std::io::BufRead as _;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use super::secondary::PATIENCE;
use super::stop::Stop;

/// What was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// `y` or `yes`.
    Yes,
    /// Anything else. Where nobody can answer, nobody has agreed.
    No,
    /// Ctrl-C.
    Stopped,
}

/// Waits for a line on standard input.
pub(super) fn answer(stop: &Stop) -> Answer {
    let (sender, answers) = channel();
    let reader = thread::Builder::new().name("prompt".into()).spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        let _ = sender.send(line);
    });
    if reader.is_err() {
        return Answer::No;
    }
    loop {
        match answers.recv_timeout(PATIENCE) {
            Ok(line) if matches!(line.trim(), "y" | "Y" | "yes") => return Answer::Yes,
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return Answer::No,
            Err(RecvTimeoutError::Timeout) if stop.is_asked() => return Answer::Stopped,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
