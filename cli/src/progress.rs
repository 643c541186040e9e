//! How far something is that takes longer than a second, for whoever waits.
//!
//! One line on standard error that replaces itself and is gone at the end. In a
//! pipe or a file nothing is written: there it would only be rubbish in a log.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use crate::live::since::Since;

/// Work that is done sooner says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at how far it is.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// A line about something that takes long.
pub(crate) struct Progress {
    began: Since,
    /// Where it is shown, if there is a terminal.
    shown: Option<Box<dyn Write>>,
    last: String,
}

impl Progress {
    /// From now on.
    pub(crate) fn begin() -> Self {
        let stderr = std::io::stderr();
        let shown: Option<Box<dyn Write>> =
            if stderr.is_terminal() { Some(Box::new(stderr)) } else { None };
        Self { began: Since::now(), shown, last: String::new() }
    }

    /// `done` of `all` `things` are done.
    pub(crate) fn show(&mut self, things: &str, done: u64, all: u64) {
        let Some(out) = self.shown.as_mut().filter(|_| self.began.passed() > PATIENCE) else {
            return;
        };
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100).min(100);
        let line = format!("{things}: {percent} % of {all}");
        if line != self.last {
            let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
            self.last = line;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(out) = self.shown.as_mut().filter(|_| !self.last.is_empty()) {
            let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
        }
    }
}
