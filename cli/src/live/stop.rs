//! Ctrl-C and other wishes to end, asked about rather than jumped to.
//!
//! A process that dies in the middle leaves children and half a second of video behind. So a
//! signal only sets a flag, and every loop that waits asks for it. Which signal it was is
//! kept, because a journal says why its camera stopped, and a user who stops it is not a
//! system that does. Rejected: one flag for all of them, which called both a crash.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use diptych_protocol::ledger::Cause;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::fail::LiveFail;
use crate::exit::Exit;

/// Who wants the program to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// The user, by Ctrl-C.
    CtrlC,
    /// The system or another program, by SIGTERM.
    Terminate,
    /// Whoever closed the terminal.
    HangUp,
}

impl Wish {
    const ALL: [Self; 3] = [Self::CtrlC, Self::Terminate, Self::HangUp];

    const fn signal(self) -> i32 {
        match self {
            Self::CtrlC => SIGINT,
            Self::Terminate => SIGTERM,
            Self::HangUp => SIGHUP,
        }
    }

    /// What a journal says of a camera that stopped for it.
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::CtrlC | Self::HangUp => Cause::UserStop,
            Self::Terminate => Cause::OsKill,
        }
    }

    /// How the program ends.
    pub(super) const fn exit(self) -> Exit {
        match self {
            Self::CtrlC => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
            Self::HangUp => Exit::HungUp,
        }
    }

    /// What a person is told.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::CtrlC => "stopped by Ctrl-C",
            Self::Terminate => "stopped by the system or another program (SIGTERM)",
            Self::HangUp => "stopped because its terminal was closed (SIGHUP)",
        }
    }
}

/// Whether somebody wants the program to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

static ASKED: OnceLock<Stop> = OnceLock::new();

impl Stop {
    /// From now on signals are asked about. A second one ends the process at once, for the
    /// case that something hangs.
    pub(crate) fn listen() -> Self {
        let listening = || {
            let (stop, again) = (Self::default(), Arc::new(AtomicBool::new(false)));
            for (number, wish) in (1..).zip(Wish::ALL) {
                let (signal, code) = (wish.signal(), wish.exit().code());
                // Without a handler a signal does what it always does.
                let _ = flag::register_conditional_shutdown(signal, code.into(), again.clone())
                    .and_then(|_| flag::register(signal, again.clone()))
                    .and_then(|_| flag::register_usize(signal, stop.0.clone(), number));
            }
            stop
        };
        ASKED.get_or_init(listening).clone()
    }

    /// As Ctrl-C does.
    #[cfg(test)]
    pub(crate) fn ask(&self) {
        self.0.store(1, Ordering::SeqCst);
    }

    /// Whether anybody wants it.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) != 0
    }

    /// That the program was stopped, while it worked in `folder`.
    pub(super) fn fail(&self, folder: &Path) -> LiveFail {
        let number = self.0.load(Ordering::SeqCst);
        let wish = number.checked_sub(1).and_then(|index| Wish::ALL.get(index));
        let by = wish.copied().unwrap_or(Wish::CtrlC);
        LiveFail::Interrupted { by, folder: folder.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stopped_it_is_told_and_written_apart() {
        let told = |wish: Wish| (wish.told(), wish.cause(), wish.exit().code());
        let all = Wish::ALL.map(told);
        assert_eq!(all[0], ("stopped by Ctrl-C", Cause::UserStop, 130));
        assert!(all[1].0.contains("SIGTERM") && (all[1].1, all[1].2) == (Cause::OsKill, 143));
        assert!(all[2].0.contains("terminal") && (all[2].1, all[2].2) == (Cause::UserStop, 129));
        let stop = Stop::default();
        assert!(!stop.is_asked());
        stop.ask();
        assert!(stop.is_asked());
        let fail = stop.fail(Path::new("P"));
        assert_eq!(fail.to_string(), "stopped by Ctrl-C; what was recorded is in P");
    }
}
