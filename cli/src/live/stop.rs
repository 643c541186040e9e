//! Ctrl-C, asked about rather than jumped to.
//!
//! A process that dies in the middle leaves children and half a second of video
//! behind. So the signal only sets a flag, and every loop that waits asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Whether the user wants to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

static ASKED: OnceLock<Stop> = OnceLock::new();

impl Stop {
    /// From now on Ctrl-C is asked about. A second Ctrl-C ends the process at
    /// once, for the case that something hangs.
    pub(crate) fn listen() -> Self {
        ASKED
            .get_or_init(|| {
                let stop = Self::default();
                let asked = stop.clone();
                // Without a handler Ctrl-C does what it always does.
                let _ = ctrlc::set_handler(move || {
                    if asked.0.swap(true, Ordering::SeqCst) {
                        std::process::exit(130);
                    }
                });
                stop
            })
            .clone()
    }

    /// As Ctrl-C does.
    #[cfg(test)]
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
